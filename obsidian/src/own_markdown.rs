//! A person's own Markdown, carried over as it is but for what Dataview or Templater would see in it by
//! accident: a field (`fe80::1`, `Owner:: x`), an inline query, a template command.

use crate::fences::Fences;
use crate::fields::leaked;
use crate::markdown::Pages;
use crate::prose::{RUN, block, whole_code};

/// Returns a text in which nothing is a field, an inline query or a template command. All else stays, byte by
/// byte.
pub(crate) fn harmless(text: &str) -> String {
    if !has_effect(text) {
        return text.to_owned();
    }
    let mut written = String::with_capacity(text.len());
    let mut open: Option<Fence> = None;
    // A block of HTML, where a backslash would be read as it is written, ends with an empty line.
    let mut is_html = false;
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end_matches(['\n', '\r']);
        is_html = !bare.trim().is_empty() && (is_html || begins_html(bare));
        let prefix_len = bare.len() - bare.trim_start_matches(['>', ' ', '\t']).len();
        let (prefix, rest) = bare.split_at_checked(prefix_len).unwrap_or(("", bare));
        let marks: String = rest.chars().take_while(|c| matches!(c, '`' | '~')).collect();
        match open.take() {
            Some(mut fence) => {
                fence.whole.push_str(line);
                if marks.starts_with(&fence.marks) && rest.trim_end().len() == marks.len() {
                    written.push_str(&fence.text());
                } else {
                    let inner = bare.strip_prefix(fence.prefix.as_str()).unwrap_or(rest);
                    fence.code.push_str(inner);
                    fence.code.push('\n');
                    open = Some(fence);
                }
            }
            None if marks.len() >= 3 && marks.chars().all(|c| marks.starts_with(c)) => {
                let language = rest.get(marks.len()..).unwrap_or_default().trim().to_owned();
                let (prefix, whole) = (prefix.to_owned(), line.to_owned());
                open = Some(Fence { marks, prefix, language, whole, code: String::new() });
            }
            None => written.push_str(&harmless_line(line, is_html)),
        }
    }
    written.extend(open.map(|fence| fence.text()));
    written
}

/// Returns a text whose links lead to pages of the vault, or are text. Links to the web, to a part of the same
/// page, and code stay as they are.
pub(crate) fn linked(text: &str, pages: Pages<'_>) -> String {
    let mut written = String::with_capacity(text.len());
    let mut fences = Fences::default();
    let mut is_html = false;
    for line in text.split_inclusive('\n') {
        let bare = line.trim_start_matches(['>', ' ', '\t']).trim_end();
        fences.read(bare);
        if !fences.is_within && !is_html && !bare.starts_with("<pre>") {
            written.push_str(&linked_line(line, pages));
            continue;
        }
        is_html = (is_html || bare.starts_with("<pre>")) && !bare.contains("</pre>");
        written.push_str(line);
    }
    written
}

fn linked_line(line: &str, pages: Pages<'_>) -> String {
    let mut written = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find('[') {
        let (before, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
        written.push_str(before);
        let is_code = written.matches('`').count() % 2 == 1;
        let link = if is_code { None } else { link_at(from) };
        let Some(link) = link else {
            written.push('[');
            rest = from.get(1..).unwrap_or_default();
            continue;
        };
        rest = from.get(link.length..).unwrap_or_default();
        let is_part = link.target.is_empty() || link.target.starts_with(['#', '^']);
        let is_web = ["://", "mailto:"].iter().any(|part| link.target.contains(part));
        if is_part || is_web {
            written.push_str(from.get(..link.length).unwrap_or_default());
            continue;
        }
        let is_embed = written.ends_with('!');
        let shown = link.shown.trim();
        let shown = if is_embed && is_width(shown) { link.target } else { shown };
        match pages(link.target) {
            Some(path) => {
                let bar = if link.is_in_table { "\\|" } else { "|" };
                written
                    .push_str(&format!("[[{path}{bar}{}]]", shown.replace(['[', ']', '|'], " ")));
            }
            None => {
                if is_embed {
                    written.truncate(written.len() - 1);
                }
                written.push_str(shown);
                if link.target != shown {
                    written.push_str(&format!(" ({})", link.target));
                }
            }
        }
    }
    written + rest
}

/// Returns true if what an embed shows is the width of its image, as `200` or `200x100`.
pub(crate) fn is_width(shown: &str) -> bool {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    shown
        .split_once('x')
        .map_or(is_number(shown), |(width, height)| is_number(width) && is_number(height))
}

/// A link as it is written.
struct Link<'t> {
    target: &'t str,
    shown: &'t str,
    length: usize,
    is_in_table: bool,
}

/// The link that a text begins with.
fn link_at(text: &str) -> Option<Link<'_>> {
    if let Some(inner) = text.strip_prefix("[[") {
        let (inner, _) = inner.split_once("]]")?;
        let (target, shown) = inner.split_once('|').unwrap_or((inner, inner));
        let is_in_table = target.ends_with('\\');
        let target = target.trim_end_matches('\\').trim();
        return Some(Link { target, shown, length: inner.len() + 4, is_in_table });
    }
    let (shown, behind) = text.strip_prefix('[')?.split_once("](")?;
    let (target, _) = behind.split_once(')')?;
    let is_plain = !shown.contains(['[', ']', '`']) && !target.contains(['(', '\n']);
    let length = shown.len() + target.len() + 4;
    // In angle brackets a target may have blanks.
    let target = target.trim_matches(['<', '>']);
    is_plain.then_some(Link { target, shown, length, is_in_table: false })
}

/// Returns true if a text may have something in it that is to be made harmless.
fn has_effect(text: &str) -> bool {
    ["::", "<%"].iter().any(|part| text.contains(part)) || is_query(text)
}

/// A fenced block, as far as it was read.
struct Fence {
    marks: String,
    /// What is in front of its lines: of a quote or a list.
    prefix: String,
    language: String,
    whole: String,
    code: String,
}

impl Fence {
    /// The block as it is, or as HTML where a line of it would be seen as a field or a command.
    fn text(&self) -> String {
        let is_plain = self.code.lines().all(|line| leaked(line).is_empty());
        if is_plain && !self.code.contains("<%") {
            return self.whole.clone();
        }
        let language = self.language.split([' ', '{']).next().unwrap_or_default();
        let is_word = language.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let shown = block(&self.code, if is_word { language } else { "text" });
        let end = if self.whole.ends_with('\n') { "\n" } else { "" };
        let lines: Vec<String> =
            shown.lines().map(|line| format!("{}{line}", self.prefix)).collect();
        lines.join("\n") + end
    }
}

/// A line outside of blocks of code.
fn harmless_line(line: &str, is_html: bool) -> String {
    if !has_effect(line) || leaked(line).is_empty() && !line.contains("<%") && !is_query(line) {
        return line.to_owned();
    }
    let mut written = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(start) = rest.find('`') {
        let (before, from) = rest.split_at_checked(start).unwrap_or((rest, ""));
        written.push_str(&harmless_words(before, is_html));
        let marks: String = from.chars().take_while(|c| *c == '`').collect();
        let inner = from.get(marks.len()..).unwrap_or_default();
        // A span ends at the same number of marks.
        let end = inner.match_indices(marks.as_str()).map(|(at, _)| at).find(|at| {
            let behind = inner.get(at + marks.len()..).unwrap_or_default();
            !behind.starts_with('`') && !inner.get(..*at).is_some_and(|it| it.ends_with('`'))
        });
        let Some(end) = end else {
            written.push_str(&marks);
            rest = inner;
            continue;
        };
        let code = inner.get(..end).unwrap_or_default();
        if has_effect(&format!("`{code}")) {
            written.push_str(&whole_code(code));
        } else {
            written.push_str(&format!("{marks}{code}{marks}"));
        }
        rest = inner.get(end + marks.len()..).unwrap_or_default();
    }
    written.push_str(&harmless_words(rest, is_html));
    written
}

/// Returns true if there is an inline query or control in a text.
fn is_query(text: &str) -> bool {
    RUN.iter().any(|start| text.contains(&format!("`{start}")))
}

/// Returns true if a line begins a block of HTML.
fn begins_html(line: &str) -> bool {
    let name = line.trim_start().strip_prefix('<').map(|name| name.trim_start_matches('/'));
    name.is_some_and(|name| name.starts_with(char::is_alphabetic))
}

/// Words without code.
fn harmless_words(text: &str, is_html: bool) -> String {
    if !text.contains("::") && !text.contains("<%") {
        return text.to_owned();
    }
    let mut written = String::with_capacity(text.len());
    let mut before = None;
    // In an address in angle brackets an entity would be read as it is written.
    let mut in_address = false;
    for (at, character) in text.char_indices() {
        let rest = text.get(at..).unwrap_or_default();
        match character {
            '<' if rest.starts_with("<http") => in_address = true,
            '>' => in_address = false,
            _ => {}
        }
        match character {
            ':' if before == Some(':') => {
                let colon = if is_html { "&#58;" } else { "\\:" };
                written.push_str(if in_address { "%3A" } else { colon });
            }
            '<' if rest.starts_with("<%") => written.push_str("&lt;"),
            other => written.push(other),
        }
        before = Some(character);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_pages_or_are_text() {
        let pages = |target: &str| {
            (target == "slack.md" || target == "Slack").then(|| "Services/Slack".to_owned())
        };
        for (text, expect) in [
            (
                "See [[Slack]] and [it](slack.md).",
                "See [[Services/Slack|Slack]] and [[Services/Slack|it]].",
            ),
            ("| [[Slack\\|x]] |", "| [[Services/Slack\\|x]] |"),
            (
                "[[Playbook|the book]], [other](../other.md)",
                "the book (Playbook), other (../other.md)",
            ),
            ("![[a.png]] ![alt](b.png)", "a.png alt (b.png)"),
            ("![[a.png|200]] ![[b.png|20x30]] ![[c.png|x]]", "a.png b.png x (c.png)"),
            (
                "[web](https://a.example/x) [[#Steps]] [^1] [ ] [x]",
                "[web](https://a.example/x) [[#Steps]] [^1] [ ] [x]",
            ),
            ("`[[Nowhere]]`\n```\n[[Nowhere]]\n```\n", "`[[Nowhere]]`\n```\n[[Nowhere]]\n```\n"),
        ] {
            assert_eq!(linked(text, &pages), expect, "{text}");
        }
    }

    #[test]
    fn only_what_has_an_effect_changes() {
        for (text, expect) in [
            ("Plain *words*, `code`, [a](b).\n\n- x\n", "Plain *words*, `code`, [a](b).\n\n- x\n"),
            ("Owner:: Jane\n", "Owner:\\: Jane\n"),
            ("<p>\nOwner:: x\n</p>\n\nk:: v", "<p>\nOwner:&#58; x\n</p>\n\nk:\\: v"),
            ("a.b::c stays\n", "a.b::c stays\n"),
            (
                "An address (fe80::1) or [2001:db8::1].\n",
                "An address (fe80:\\:1) or [2001:db8:\\:1].\n",
            ),
            (
                "The rest of `fe80::1` is code, `x` too\n",
                "The rest of `fe80::1` is code, `x` too\n",
            ),
            ("Now `= this.file` and `$= dv`\n", "Now “\\= this.file” and “\\$= dv”\n"),
            ("x <% tp.x %>\n", "x &lt;% tp.x %>\n"),
            ("<https://a.example/a::b> k:: v\n", "<https://a.example/a::b> k:: v\n"),
            ("```yaml\nok: x\n```\n", "```yaml\nok: x\n```\n"),
            (
                "```yaml\nfe80::1\n```\nk:: v",
                "<pre><code class=\"language-yaml\">fe80:&#58;1\n</code></pre>\nk:\\: v",
            ),
            (
                "> ~~~\n> k:: v\n> ~~~\n",
                "> <pre><code class=\"language-\">k:&#58; v\n> </code></pre>\n",
            ),
            ("```\nk:: v\n", "<pre><code class=\"language-\">k:&#58; v\n</code></pre>\n"),
        ] {
            let written = harmless(text);
            assert_eq!(written, expect, "{text}");
            for line in written.lines().filter(|line| !line.contains("a.b::c")) {
                assert!(leaked(line).is_empty(), "{line}");
            }
        }
    }
}
