//! Comments, which stay hidden: HTML's, and Obsidian's between `%%` as HTML's, so that a forge's page hides them
//! too. Nothing in one has an effect, and nothing in it ends it early.

use crate::prose::escaped;

/// Returns a comment with the words of one. Its lines stay lines where it begins one.
pub(super) fn comment(words: &str, begins_line: bool) -> String {
    let lines: Vec<String> = words.lines().map(escaped).filter(|line| !line.is_empty()).collect();
    let words = lines.join(if begins_line { "\n" } else { " " });
    // Two hyphens may end a comment, and one that begins as a mark of a page's block would be read as such.
    let words = words.replace("--", "-&#45;").replace('>', "&gt;");
    format!("<!-- {} -->", words.replace("tidegate:", "tidegate&#58;"))
}

/// Returns a text whose comments between `%%` are HTML's. What is in code stays, and so does one without an end.
pub(super) fn as_html(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    let mut rest = text;
    let mut fence: Option<&str> = None;
    while !rest.is_empty() {
        let end = rest.find('\n').map_or(rest.len(), |at| at + 1);
        let (line, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
        let bare = line.trim_start_matches(['>', ' ', '\t']);
        let n_marks = bare.chars().take_while(|c| matches!(c, '`' | '~')).count();
        let marks = bare.get(..n_marks).unwrap_or_default();
        let is_end = fence.is_some_and(|fence| marks.starts_with(fence));
        let is_code =
            fence.is_some() || n_marks >= 3 || line.starts_with("    ") || line.starts_with('\t');
        if fence.is_some() {
            fence = fence.filter(|_| !is_end || bare.trim_end() != marks);
        } else if n_marks >= 3 {
            fence = Some(marks);
        }
        let found = if is_code { None } else { start(line) };
        let comment = found.and_then(|at| {
            let (before, from) = rest.split_at_checked(at)?;
            let (words, after) = from.strip_prefix(MARK)?.split_once(MARK)?;
            Some((before, words, after))
        });
        let Some((before, words, after)) = comment else {
            written.push_str(line);
            rest = behind;
            continue;
        };
        written.push_str(before);
        // All of a line that begins with a comment of HTML is HTML, and would be no Markdown.
        let is_first = before.trim_matches(is_mark).is_empty();
        if is_first && !after.lines().next().unwrap_or_default().trim().is_empty() {
            written.push('\u{200a}');
        }
        // An empty line would end the paragraph that the comment is in.
        let lines: Vec<&str> = words.lines().filter(|line| !line.trim().is_empty()).collect();
        let words = lines.join("\n").replace("-->", "--&gt;");
        if !words.is_empty() {
            written.push_str(&format!("<!-- {words} -->"));
        }
        rest = after;
    }
    written
}

const MARK: &str = "%%";

/// Returns true for what may be in front of the first word of a line: marks of quotes and lists.
fn is_mark(character: char) -> bool {
    character.is_whitespace() || character.is_ascii_digit() || ">-*+.)".contains(character)
}

/// Where the first comment of a line starts, outside of code.
fn start(line: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let rest = line.get(from..)?;
        let at = rest.find(['`', '%'])?;
        let found = rest.get(at..)?;
        if found.starts_with(MARK) {
            return Some(from + at);
        }
        let n_ticks = found.chars().take_while(|c| *c == '`').count();
        let ticks = found.get(..n_ticks)?;
        let span = found.get(n_ticks..).and_then(|inner| inner.find(ticks));
        from += at
            + match span {
                Some(length) if n_ticks > 0 => length + 2 * n_ticks,
                _ => n_ticks.max(1),
            };
    }
}
