//! Other people's words made inert: no link, tag, query, field, comment or markup of theirs has effect.

use std::fmt::Write;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// One line of plain text for a heading, a table cell or a list item.
pub fn inline(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut space = false;
    for character in text.chars() {
        if character.is_whitespace() || character.is_control() {
            space = !escaped.is_empty();
            continue;
        }
        if std::mem::take(&mut space) {
            escaped.push(' ');
        }
        push(&mut escaped, character);
    }
    cut(&mut escaped);
    escaped
}

/// Characters that mean something to Markdown, HTML, Obsidian or Dataview, as entities.
fn push(escaped: &mut String, character: char) {
    match character {
        '&' => escaped.push_str("&amp;"),
        '<' => escaped.push_str("&lt;"),
        '>' => escaped.push_str("&gt;"),
        '[' | ']' | '|' | '`' | '#' | '%' | '$' | '*' | '\\' | '~' | '^' | '=' | '{' | '}'
        | '"' => {
            // Writing to a string cannot fail.
            let _ = write!(escaped, "&#{};", u32::from(character));
        }
        // Inside of a word an underline is just that.
        '_' if !escaped.ends_with(|c: char| c.is_ascii_alphanumeric()) => escaped.push_str("&#95;"),
        // `::` makes a field; a single colon stays readable.
        ':' if escaped.ends_with(':') || escaped.ends_with("&#58;") => escaped.push_str("&#58;"),
        other => escaped.push(other),
    }
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

/// Paragraphs of plain text.
pub fn paragraphs(text: &str) -> String {
    let mut found = Vec::new();
    for paragraph in text.replace("\r\n", "\n").split("\n\n") {
        let line = inline(paragraph);
        if !line.is_empty() {
            // A line that begins like a list, a quote or a number would become one.
            let starts_block = line.starts_with(['-', '+'])
                || line.split_once(['.', ')']).is_some_and(|(number, _)| {
                    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
                });
            found.push(if starts_block { format!("\u{200a}{line}") } else { line });
        }
    }
    found.join("\n\n")
}

/// Text with MITRE's links and citations: its links stay, citations become links where their source is known.
pub fn attack(text: &str, citations: &std::collections::BTreeMap<String, String>) -> String {
    let mut found = Vec::new();
    for paragraph in text.replace("\r\n", "\n").split("\n\n") {
        let mut line = String::new();
        let mut rest = paragraph.trim();
        while !rest.is_empty() {
            let next = rest.find(['[', '(']).unwrap_or(rest.len());
            plain(&mut line, rest.get(..next).unwrap_or_default());
            rest = rest.get(next..).unwrap_or_default();
            if let Some((length, replaced)) = citation(rest, citations).or_else(|| link(rest)) {
                line.push_str(&replaced);
                rest = rest.get(length..).unwrap_or_default();
            } else if let Some(first) = rest.chars().next() {
                push(&mut line, first);
                rest = rest.get(first.len_utf8()..).unwrap_or_default();
            }
        }
        cut(&mut line);
        if !line.trim().is_empty() {
            found.push(line.trim().to_owned());
        }
    }
    found.join("\n\n")
}

fn plain(line: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '\n' | '\t' | '\r' => line.push(' '),
            other if other.is_control() => {}
            other => push(line, other),
        }
    }
}

fn citation(
    text: &str,
    citations: &std::collections::BTreeMap<String, String>,
) -> Option<(usize, String)> {
    let rest = text.strip_prefix("(Citation:")?;
    let end = rest.find(')')?;
    let name = rest.get(..end)?.trim();
    let shown = inline(name);
    let linked = match citations.get(name).and_then(|url| address(url)) {
        Some(url) => format!(" ([{shown}]({url}))"),
        None => format!(" ({shown})"),
    };
    Some(("(Citation:".len() + end + 1, linked))
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

/// Inline code that stays inert: HTML, so that neither fields nor queries are seen in it.
pub fn code(text: &str) -> String {
    let shown: String = text.chars().take(240).collect();
    let more = if shown.len() < text.len() { "..." } else { "" };
    match inline(&shown).as_str() {
        "" => "(empty)".to_owned(),
        escaped => format!("<code>{escaped}{more}</code>"),
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
        for character in line.chars().filter(|c| !c.is_control() || *c == '\t') {
            match character {
                '\t' => shown.push('\t'),
                other => push(&mut shown, other),
            }
        }
        // Leading spaces stay; a line without text would end the block for some readers.
        cut(&mut shown);
        escaped.push_str(if shown.is_empty() { " " } else { &shown });
        escaped.push('\n');
    }
    format!("<pre><code class=\"language-{language}\">{escaped}</code></pre>")
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
        assert_eq!(inline("a::b:::c"), "a:&#58;b:&#58;&#58;c");
        assert!(inline(&"x".repeat(1_000_000)).len() < 9_000);
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
            "[APT](https://attack.mitre.org/groups/G1) did.(Citation: A B)(Citation: C) [[x]] <code>y</code>",
            &known,
        );
        assert_eq!(
            text,
            "[APT](https://attack.mitre.org/groups/G1) did. ([A B](https://a.example/x_%28y%29)) (C) &#91;&#91;x&#93;&#93; &lt;code&gt;y&lt;/code&gt;"
        );
        assert_eq!(address("javascript:alert(1)"), None);
    }
}
