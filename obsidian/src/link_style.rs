//! How links between pages are written: as Obsidian's own, or as Markdown that a forge's web page follows too.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::fences::Fences;
use super::page::Page;
use super::prose::escaped;

/// The form of links in the text of pages. In properties Obsidian takes its own alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LinkStyle {
    /// `[[Folder/Page|text]]`.
    #[default]
    Wiki,
    /// `[text](../Folder/Page.md)`.
    Markdown,
}

/// What would end a link's address, or mean something in it.
const IN_ADDRESS: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'(')
    .add(b')')
    .add(b'<')
    .add(b'>')
    .add(b'%')
    .add(b'#')
    .add(b'?')
    .add(b'"')
    .add(b'`')
    .add(b'\\')
    .add(b'*')
    .add(b'|');

/// Writes the links of a page as Markdown.
pub(crate) fn to_markdown(page: &mut Page) {
    let folder = page.path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
    for (_, text) in &mut page.blocks {
        if text.contains("[[") {
            *text = rewritten(text, &folder);
        }
    }
}

/// A text with its links rewritten, code left as it is.
fn rewritten(text: &str, folder: &str) -> String {
    let mut written = String::with_capacity(text.len());
    let mut fences = Fences::default();
    let mut is_html = false;
    for line in text.split_inclusive('\n') {
        let bare = line.trim_start_matches(['>', ' ']).trim_end();
        fences.read(bare);
        if !fences.is_within && !is_html && !bare.starts_with("<pre>") {
            written.push_str(&line_of(line, folder));
            continue;
        }
        is_html = (is_html || bare.starts_with("<pre>")) && !bare.contains("</pre>");
        written.push_str(line);
    }
    written
}

fn line_of(line: &str, folder: &str) -> String {
    let mut written = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, behind)) = rest.split_once("[[") {
        written.push_str(before);
        let is_code = written.matches('`').count() % 2 == 1;
        let link = behind.split_once("]]").filter(|_| !is_code);
        let Some((inner, behind)) = link else {
            written.push_str("[[");
            rest = behind;
            continue;
        };
        let (target, shown) = inner.split_once('|').unwrap_or((inner, inner));
        let target = target.trim_end_matches('\\');
        let (page, part) = target.split_once('#').unwrap_or((target, ""));
        let address = relative(folder, &format!("{page}.md"));
        let mut address = utf8_percent_encode(&address, IN_ADDRESS).to_string();
        if !part.is_empty() {
            address.push_str(&format!("#{}", utf8_percent_encode(part, IN_ADDRESS)));
        }
        written.push_str(&format!("[{}]({address})", escaped(shown)));
        rest = behind;
    }
    written + rest
}

/// A path of the vault as seen from a folder of it.
fn relative(folder: &str, path: &str) -> String {
    let mut from = folder.split('/').filter(|part| !part.is_empty()).peekable();
    let mut to = path.split('/').peekable();
    while let (Some(left), Some(right)) = (from.peek(), to.peek()) {
        if left != right {
            break;
        }
        from.next();
        to.next();
    }
    let up = from.map(|_| "..");
    up.chain(to).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_become_relative_addresses_and_code_stays() {
        for (folder, text, expect) in [
            ("Techniques", "- [[Services/A (b)|A b]] x", "- [A b](../Services/A%20%28b%29.md) x"),
            ("Techniques", "| [[Techniques/T1\\|T1]] |", "| [T1](T1.md) |"),
            ("", "[[N/A#Part one|x]] [[N/A#^b1|y]]", "[x](N/A.md#Part%20one) [y](N/A.md#^b1)"),
            ("", "[[Home]] `[[x]]`", "[Home](Home.md) `[[x]]`"),
            ("a/b", "[[a/c/d|*e*]]", "[\\*e\\*](../c/d.md)"),
            ("", "```yaml\n[[a|b]]\n```\n[[a|b]]", "```yaml\n[[a|b]]\n```\n[b](a.md)"),
            ("", "> ```base\n> [[a]]\n> ```\n> [[a|b]]", "> ```base\n> [[a]]\n> ```\n> [b](a.md)"),
            (
                "",
                "<pre><code>[[a]]\n[[b]]</code></pre>\n[[a|b]]",
                "<pre><code>[[a]]\n[[b]]</code></pre>\n[b](a.md)",
            ),
        ] {
            assert_eq!(rewritten(text, folder), expect, "{text}");
        }
    }
}
