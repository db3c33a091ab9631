//! Other people's words made inert: no link, tag, query, field, comment or markup of theirs has effect.

use std::fmt::Write;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{markdown, tags};

/// One line of plain text for a heading, a table cell or a list item.
pub fn inline(text: &str) -> String {
    let mut escaped = escaped(text);
    cut(&mut escaped);
    escaped
}

/// The same, however long it is.
pub fn escaped(text: &str) -> String {
    written(text, Line::default())
}

/// A line of a person's own note, as Obsidian shows it: tags, highlights and the ids of blocks stay.
pub(crate) fn own(text: &str) -> String {
    written(text, Line { is_own: true, ..Line::default() })
}

/// The mark in front of a character that an author wrote with a backslash; it is no character of any text.
pub(crate) const ESCAPED: char = '\u{fdd0}';

fn written(text: &str, mut line: Line) -> String {
    let mut space = false;
    for (at, character) in text.char_indices() {
        if character == ESCAPED {
            line.before = Some(ESCAPED);
            continue;
        }
        if character.is_whitespace() || character.is_control() {
            space = !line.written.is_empty();
            continue;
        }
        if std::mem::take(&mut space) {
            line.push(' ', "");
        }
        line.push(character, text.get(at + character.len_utf8()..).unwrap_or_default());
    }
    line.written
}

/// A line of text that is being written so that nothing in it has an effect.
#[derive(Default)]
struct Line {
    written: String,
    /// The character before, as it was in the text.
    before: Option<char>,
    /// Brackets that are open and written as they are.
    n_open: usize,
    /// Whether it is of a person's own note.
    is_own: bool,
}

impl Line {
    /// Writes a character. One that means something to Markdown, HTML, Obsidian, Dataview or a template where
    /// it is, becomes an entity, or has a backslash in front; `rest` is the text behind it.
    fn push(&mut self, character: char, rest: &str) {
        let before = self.before.replace(character);
        let next = rest.chars().next();
        let is_first = self.written.is_empty();
        let is_free = before.is_none_or(char::is_whitespace);
        let in_word = before.is_some_and(char::is_alphanumeric);
        let is_double = before == Some(character) || next == Some(character);
        let is_spaced = !is_first && is_free && next.is_some_and(char::is_whitespace);
        let is_kept = match character {
            '&' => !is_entity(rest),
            '<' => next.is_some_and(|next| !next.is_alphabetic() && !"/!?%<".contains(next)),
            '>' => !is_first,
            '[' => {
                let is_kept = !is_double && is_plain_bracket(rest);
                self.n_open += usize::from(is_kept);
                is_kept
            }
            ']' => {
                let is_kept = self.n_open > 0;
                self.n_open = self.n_open.saturating_sub(1);
                is_kept
            }
            '#' if self.is_own && is_free && tags::at(rest).is_some() => true,
            '#' => !is_first && (in_word || next.is_none_or(char::is_whitespace)),
            '=' if self.is_own && is_double && before != Some(ESCAPED) => true,
            '%' | '=' => !is_first && !is_double && before != Some(ESCAPED),
            '{' => !is_double && next != Some('%') && before != Some('$'),
            '~' => next == Some('/'),
            '^' => in_word || self.is_own && is_free && is_block_id(rest),
            '*' => is_spaced,
            '_' => in_word,
            '\\' => next.is_some_and(|next| !next.is_ascii_punctuation()),
            // `::` makes a field; a single colon stays readable.
            ':' => before != Some(':'),
            '|' | '`' | '$' => false,
            _ => true,
        };
        match character {
            _ if is_kept => self.written.push(character),
            '&' => self.written.push_str("&amp;"),
            '<' => self.written.push_str("&lt;"),
            '>' => self.written.push_str("&gt;"),
            // A reader of the source sees the character itself; the others would end a link or a cell, or mean
            // something behind a backslash too.
            '*' | '_' | '~' | '\\' | ':' | '#' | '=' | '$' => {
                self.written.extend(['\\', character]);
            }
            other => {
                // Writing to a string cannot fail.
                let _ = write!(self.written, "&#{};", u32::from(other));
            }
        }
    }
}

/// Returns true if an ampersand with this text behind it begins an entity.
fn is_entity(rest: &str) -> bool {
    let name = rest.split_once(';').map_or("", |(name, _)| name);
    let digits = name.strip_prefix('#').unwrap_or(name);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Returns true if a caret with this text behind it begins the id of a block, which ends the block.
fn is_block_id(rest: &str) -> bool {
    let id = rest.trim_end();
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Returns true if a bracket with this text behind it opens no link, field, footnote, callout or task.
fn is_plain_bracket(rest: &str) -> bool {
    let Some((inner, behind)) = rest.split_once(']') else { return false };
    let is_empty = inner.trim().is_empty() || inner.trim().eq_ignore_ascii_case("x");
    !is_empty
        && !inner.starts_with(['^', '!', '['])
        && !inner.contains("::")
        && !inner.contains('[')
        && !behind.starts_with(['(', '[', ':', ']'])
        && !behind.is_empty()
}

/// Longest line that is written; Dataview leaves out longer ones, and editors stop.
const MAX_LINE_BYTES: usize = 8_000;

fn cut(line: &mut String) {
    if line.len() > MAX_LINE_BYTES {
        let end =
            (0..=MAX_LINE_BYTES).rev().find(|at| line.is_char_boundary(*at)).unwrap_or_default();
        line.truncate(end);
        // Half an entity would show as such.
        if let Some(at) = line.rfind('&')
            && !line.get(at..).unwrap_or_default().contains(';')
        {
            line.truncate(at);
        }
        line.push_str(" ... (cut)");
    }
}

/// A line of text as several that render as one, where it is longer than editors take. They end in front of
/// a letter, so that none becomes a list or a heading.
pub fn wrapped(line: &str) -> String {
    if line.len() <= MAX_LINE_BYTES {
        return line.to_owned();
    }
    let mut text = String::new();
    let mut length = 0;
    for word in line.split_inclusive(' ') {
        if length + word.len() > MAX_LINE_BYTES / 2 && word.starts_with(char::is_alphabetic) {
            text.truncate(text.trim_end().len());
            text.push('\n');
            length = 0;
        }
        length += word.len();
        text.push_str(word);
    }
    text
}

/// Paragraphs of plain text.
pub fn paragraphs(text: &str) -> String {
    let mut found = Vec::new();
    for paragraph in text.replace("\r\n", "\n").split("\n\n") {
        let line = escaped(paragraph);
        if !line.is_empty() {
            // A line that begins like a list, a quote or a number would become one.
            let starts_block = line.starts_with(['-', '+'])
                || line.split_once(['.', ')']).is_some_and(|(number, _)| {
                    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
                });
            let line = wrapped(&line);
            found.push(if starts_block { format!("\u{200a}{line}") } else { line });
        }
    }
    found.join("\n\n")
}

/// MITRE's text, which is Markdown with citations and `<code>`, as Markdown that has no effect: citations become
/// links where their source is known.
pub fn attack(text: &str, citations: &Citations) -> String {
    /// The level of its highest heading: it is below a section of a page.
    const LEVEL: usize = 4;
    let mut written = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['(', '<']) {
        let (before, behind) = rest.split_at(at);
        written.push_str(before);
        let replaced = citation(behind, citations).or_else(|| html(behind));
        let (length, replaced) = replaced.unwrap_or_else(|| (1, behind.chars().take(1).collect()));
        written.push_str(&replaced);
        rest = behind.get(length..).unwrap_or_default();
    }
    written.push_str(rest);
    markdown::inert(&written, LEVEL)
}

/// The same as the text of an item of a list, behind its mark.
pub fn attack_item(text: &str, citations: &Citations) -> String {
    attack(text, citations).replace('\n', "\n  ").replace("\n  \n", "\n\n")
}

/// One line of plain text whose links to the web stay.
pub fn with_links(text: &str) -> String {
    let mut line = Line::default();
    let mut rest = text.trim();
    while let Some(first) = rest.chars().next() {
        if let Some((length, replaced)) = link(rest) {
            line.written.push_str(&replaced);
            line.before = Some(')');
            rest = rest.get(length..).unwrap_or_default();
            continue;
        }
        rest = rest.get(first.len_utf8()..).unwrap_or_default();
        match first {
            '\n' | '\t' | '\r' => line.push(' ', rest),
            other if other.is_control() => {}
            // Brackets of links that follow would pair with one that is kept.
            '[' => line.written.push_str("&#91;"),
            ']' => line.written.push_str("&#93;"),
            other => line.push(other, rest),
        }
    }
    wrapped(line.written.trim())
}

fn link(text: &str) -> Option<(usize, String)> {
    let rest = text.strip_prefix('[')?;
    let middle = rest.find("](")?;
    let title = rest.get(..middle)?;
    let after = rest.get(middle + 2..)?;
    let end = after.find(')')?;
    let url = address(after.get(..end)?)?;
    if title.contains(['[', '\n']) {
        return None;
    }
    Some((middle + end + 4, format!("[{}]({url})", inline(title))))
}

/// The addresses of a technique's sources, by the names that citations have.
pub type Citations = std::collections::BTreeMap<String, String>;

/// A citation at the start of a text, as Markdown.
fn citation(text: &str, citations: &Citations) -> Option<(usize, String)> {
    let rest = text.strip_prefix("(Citation:")?;
    let end = rest.find(')')?;
    let name = rest.get(..end)?.trim();
    let mut shown = String::new();
    for character in name.chars() {
        if character.is_ascii_punctuation() {
            shown.push('\\');
        }
        shown.push(character);
    }
    let linked = match citations.get(name).and_then(|url| address(url)) {
        Some(url) => format!(" ([{shown}](<{url}>))"),
        None => format!(" ({shown})"),
    };
    Some(("(Citation:".len() + end + 1, linked))
}

/// Tags of HTML that MITRE's texts have, as Markdown.
fn html(text: &str) -> Option<(usize, String)> {
    let rest = text.strip_prefix('<')?;
    let name = rest.get(..rest.find('>')?)?;
    let length = name.len() + 2;
    if name.trim_end_matches(['/', ' ']).eq_ignore_ascii_case("br") {
        return Some((length, "\n".to_owned()));
    }
    let inner = text.get(length..).filter(|_| name.eq_ignore_ascii_case("code"))?;
    let end = inner.to_ascii_lowercase().find("</code>")?;
    let code = inner.get(..end)?;
    let longest = code.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let ticks = "`".repeat(longest + 1);
    let space = if longest > 0 { " " } else { "" };
    let shown = if code.trim().is_empty() {
        code.to_owned()
    } else {
        format!("{ticks}{space}{}{space}{ticks}", code.replace('\n', " "))
    };
    Some((length + end + "</code>".len(), shown))
}

/// What means something in Markdown, in a query or in a template, inside of an address.
const MARKUP: &[u8] = br#"()<>[]|`\"{}^$"#;

/// A web address that can be in a link; `None` for anything else.
pub fn address(url: &str) -> Option<String> {
    let url = url.trim();
    if !(url.starts_with("https://") || url.starts_with("http://")) || url.len() > 2_000 {
        return None;
    }
    let mut safe = String::new();
    for character in url.chars() {
        match character {
            character if u8::try_from(character).is_ok_and(|byte| MARKUP.contains(&byte)) => {
                safe.extend(utf8_percent_encode(
                    character.encode_utf8(&mut [0; 4]),
                    NON_ALPHANUMERIC,
                ));
            }
            other if other.is_whitespace() || other.is_control() => return None,
            ':' if safe.ends_with(':') => safe.push_str("%3A"),
            other => safe.push(other),
        }
    }
    Some(safe.replace("%%", "%25%25"))
}

/// A bullet with an address, or its text where it is none.
pub fn reference(url: &str) -> String {
    match address(url) {
        Some(url) => format!("- <{url}>"),
        None => format!("- {}", inline(url)),
    }
}

/// Inline code that stays inert, cut where it is long: for tables and lists.
pub fn code(text: &str) -> String {
    let shown: String = text.chars().take(240).collect();
    let more = if shown.len() < text.len() { "..." } else { "" };
    span(&shown, more)
}

/// Inline code that stays inert.
pub fn whole_code(text: &str) -> String {
    span(text, "")
}

/// How code begins that is run where it is: by Dataview, and by Meta Bind.
pub(crate) const RUN: [&str; 5] = ["=", "$=", "INPUT[", "VIEW[", "BUTTON["];

/// Code between backticks; where they would not hold it, or something would see a field or a command in it,
/// HTML.
fn span(text: &str, more: &str) -> String {
    let bare = text.split(|c: char| c.is_whitespace() || c.is_control());
    let bare = bare.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    let has = |part: &str| bare.contains(part);
    if bare.is_empty() {
        "(empty)".to_owned()
    } else if RUN.iter().any(|start| bare.starts_with(start)) {
        // Dataview and Meta Bind run any code that begins so, however it is written.
        format!("“{}{more}”", escaped(&bare))
    } else if ["`", "|", "::", "<%", "%%", "<!--"].iter().any(|part| has(part)) {
        format!("<code>{}{more}</code>", escaped(&bare))
    } else {
        format!("`{bare}{more}`")
    }
}

/// A block of code, exactly as it is: a fence, or where a line of it would become a field or a template
/// command, `<pre>`.
pub fn block(text: &str, language: &str) -> String {
    let text = text.trim_end_matches('\n');
    let is_plain =
        text.lines().all(|line| super::fields::leaked(line).is_empty() && line.len() <= 32_000)
            && !text.contains('\r');
    // Templater runs commands wherever they are in a file, in fences too.
    if is_plain && !text.contains("<!-- tidegate:") && !text.contains("<%") {
        let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
        let fence = "`".repeat(longest.max(2) + 1);
        return format!("{fence}{language}\n{text}\n{fence}");
    }
    let mut escaped = String::new();
    for line in text.lines() {
        let mut shown = String::new();
        let mut before = None;
        for character in line.chars().filter(|c| !c.is_control() || *c == '\t') {
            let is_double = before.replace(character) == Some(character);
            match character {
                '&' => shown.push_str("&amp;"),
                '<' => shown.push_str("&lt;"),
                '>' => shown.push_str("&gt;"),
                '`' => shown.push_str("&#96;"),
                ':' | '[' | ']' | '%' | '{' if is_double => {
                    let _ = write!(shown, "&#{};", u32::from(character));
                }
                other => shown.push(other),
            }
        }
        // Leading spaces stay; a line without text would end the block for some readers.
        for part in parts(&shown) {
            escaped.push_str(if part.is_empty() { " " } else { part });
            escaped.push('\n');
        }
    }
    format!("<pre><code class=\"language-{language}\">{escaped}</code></pre>")
}

/// A line of code in parts that editors take, divided at blanks where it has some.
fn parts(line: &str) -> Vec<&str> {
    const MAX_PART_BYTES: usize = 30_000;
    let mut found = Vec::new();
    let mut rest = line;
    while rest.len() > MAX_PART_BYTES {
        let most = (0..=MAX_PART_BYTES).rev().find(|at| rest.is_char_boundary(*at));
        let most = most.unwrap_or_default();
        let start = rest.get(..most).unwrap_or_default();
        let blank = start.rfind(' ').filter(|at| *at > MAX_PART_BYTES / 2).map(|at| at + 1);
        let (part, behind) = rest.split_at_checked(blank.unwrap_or(most)).unwrap_or((rest, ""));
        found.push(part);
        rest = behind;
    }
    found.push(rest);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_others_are_inert() {
        for hostile in [
            "a ]] b",
            "a | b",
            "# a",
            "`$= dv.pages()`",
            "`= this.x`",
            "key:: value",
            "[key:: value]",
            "<script>x</script>",
            "%% c %%",
            "![[x]]",
            "a\n\n---\nb",
            "^id",
            "{{x}}",
        ] {
            let shown = inline(hostile);
            for bad in ["]]", "[[", "|", "`", "::", "<", "%%", "\n", "[k"] {
                assert!(!shown.contains(bad), "{hostile}: {shown}");
            }
        }
        assert_eq!(inline("  a \n b  "), "a b");
        assert_eq!(inline("a::b:::c"), "a:\\:b:\\:\\:c");
        assert!(inline(&"x".repeat(1_000_000)).len() < 9_000);
    }

    #[test]
    fn only_what_would_have_an_effect_is_escaped() {
        for (text, expect) in [
            (
                "a < b > c & d = e {f} \"g\" 50% [1] C# a^b ~/x",
                "a < b > c & d = e {f} \"g\" 50% [1] C# a^b ~/x",
            ),
            ("AT&T R&D &amp; &#35; &;", "AT&T R&D &amp;amp; &amp;\\#35; &;"),
            (
                "<b> #tag [a](b) [[c]] ==d== *e* _f_ ^g",
                "&lt;b> \\#tag &#91;a&#93;(b) &#91;&#91;c&#93;&#93; \\=\\=d\\=\\= \\*e\\* \\_f_ &#94;g",
            ),
            ("C:\\Users\\*", "C:\\Users\\\\\\*"),
            (
                "[ ] task [x] [k:: v] [^1]",
                "&#91; &#93; task &#91;x&#93; &#91;k:\\: v&#93; &#91;&#94;1&#93;",
            ),
        ] {
            assert_eq!(inline(text), expect, "{text}");
        }
        for (text, expect) in [
            ("/{}/x", "`/{}/x`"),
            ("a|b", "<code>a&#124;b</code>"),
            ("= this.file", "“\\= this.file”"),
            ("fe80::1", "<code>fe80:\\:1</code>"),
            (" ", "(empty)"),
        ] {
            assert_eq!(code(text), expect, "{text}");
        }
        let long = "word ".repeat(10_000);
        assert!(paragraphs(&long).lines().all(|line| line.len() <= MAX_LINE_BYTES));
        assert_eq!(paragraphs(&long).matches("word").count(), 10_000);
    }

    #[test]
    fn tags_highlights_and_ids_of_a_persons_note_stay() {
        for (text, expect) in [
            (
                "#soc/tier2 and (#no) a#b #12 #T1102_002 #attack/T1102",
                "#soc/tier2 and (\\#no) a#b \\#12 \\#T1102_002 \\#attack/T1102",
            ),
            ("==mark== a = b", "==mark== a = b"),
            ("text ^block-1", "text ^block-1"),
            ("up:: x, [k:: v] %% `x`", "up:\\: x, &#91;k:\\: v&#93; &#37;&#37; &#96;x&#96;"),
            ("costs $5", "costs \\$5"),
        ] {
            assert_eq!(own(text), expect, "{text}");
        }
    }

    #[test]
    fn code_is_exact_and_never_a_field() {
        assert_eq!(block("a: b\n", "yaml"), "```yaml\na: b\n```");
        assert_eq!(block("```\nx\n```", "sh"), "````sh\n```\nx\n```\n````");
        let leaking = block("- fe80::1\n\nx", "yaml");
        assert!(leaking.starts_with("<pre>") && !leaking.contains("::"), "{leaking}");
    }

    #[test]
    fn citations_and_links_of_attack_stay() {
        let known = std::collections::BTreeMap::from([(
            "A B".to_owned(),
            "https://a.example/x_(y)".to_owned(),
        )]);
        let text = attack(
            "[APT](https://attack.mitre.org/groups/G1) did.(Citation: A B)(Citation: C) [[x]] <code>y`z</code><br>**Note:** <script>a</script>\n\n- one\n- two (`three`)",
            &known,
        );
        assert_eq!(
            text,
            "[APT](https://attack.mitre.org/groups/G1) did. ([A B](https://a.example/x_%28y%29)) (C) &#91;&#91;x&#93;&#93; <code>y&#96;z</code> **Note:** &lt;script>a&lt;/script>\n\n- one\n- two (`three`)"
        );
        assert_eq!(address("javascript:alert(1)"), None);
    }
}
