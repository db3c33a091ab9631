//! Front matter: typed values, written so that Obsidian and Dataview see the same type.

use super::literal::{is_date, is_duration};

/// A value of front matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Property {
    /// Text, always in quotes.
    Text(String),
    /// `YYYY-MM-DD`.
    Date(String),
    /// A number, as written.
    Number(String),
    /// `true` or `false`.
    Flag(bool),
    /// A link of ours, or text where there is nothing to link to.
    Link(String),
    /// Links of ours.
    Links(Vec<String>),
    /// Texts.
    List(Vec<String>),
    /// Tags: the key `tags` alone.
    Tags(Vec<String>),
}

impl Property {
    /// The type in `.obsidian/types.json`.
    pub fn obsidian_type(&self, key: &str) -> &'static str {
        match (self, key) {
            (_, "aliases") => "aliases",
            (Property::Tags(_), _) | (_, "tags") => "tags",
            (Property::Text(_) | Property::Link(_), _) => "text",
            (Property::Date(_), _) => "date",
            (Property::Number(_), _) => "number",
            (Property::Flag(_), _) => "checkbox",
            (Property::List(_) | Property::Links(_), _) => "multitext",
        }
    }

    /// Its texts, as they are seen.
    pub fn texts(&self) -> Vec<String> {
        match self {
            Property::Text(text)
            | Property::Date(text)
            | Property::Number(text)
            | Property::Link(text) => vec![text.clone()],
            Property::Flag(flag) => vec![flag.to_string()],
            Property::List(list) | Property::Links(list) | Property::Tags(list) => list.clone(),
        }
    }

    /// The lines of the key and its value.
    pub fn lines(&self, key: &str) -> String {
        match self {
            Property::Text(text) => format!("{key}: {}\n", quoted(&unlinked(text))),
            Property::Link(link) => format!("{key}: {}\n", quoted(link)),
            Property::Date(text) | Property::Number(text) => format!("{key}: {text}\n"),
            Property::Flag(flag) => format!("{key}: {flag}\n"),
            Property::List(list) | Property::Links(list) | Property::Tags(list)
                if list.is_empty() =>
            {
                format!("{key}: []\n")
            }
            Property::List(list) => {
                let items: String =
                    list.iter().map(|item| format!("  - {}\n", quoted(&unlinked(item)))).collect();
                format!("{key}:\n{items}")
            }
            Property::Links(list) => {
                let items: String =
                    list.iter().map(|item| format!("  - {}\n", quoted(item))).collect();
                format!("{key}:\n{items}")
            }
            Property::Tags(list) => {
                let items: String = list.iter().map(|item| format!("  - {item}\n")).collect();
                format!("{key}:\n{items}")
            }
        }
    }
}

/// Other people's text is never a link, whatever brackets it contains.
pub fn unlinked(text: &str) -> String {
    text.replace("[[", "[ [").replace("]]", "] ]")
}

/// Text in double quotes, on one line. The start of a template command is escaped: the value keeps it, and
/// the page has no command that Templater would run when it sees a new file. Text that Dataview would take for a duration or a date gets a
/// thin space behind it, which nobody sees.
pub fn quoted(text: &str) -> String {
    let mut written = String::from('"');
    let spaced = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let shown: String = spaced.take(2_000).collect();
    let words = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut characters = words.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '<' if characters.peek() == Some(&'%') => written.push_str("\\u003c"),
            '"' => written.push_str("\\\""),
            '\\' => written.push_str("\\\\"),
            other
                if other.is_control()
                    || matches!(
                        other,
                        '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
                    ) => {}
            other => written.push(other),
        }
    }
    if is_duration(words.trim()) || is_date(words.trim()) {
        written.push('\u{200a}');
    }
    written.push('"');
    written
}

/// A tag: letters, digits, `_`, `-`, `/`, with something that is no digit.
pub fn tag(text: &str) -> String {
    let mut tag: String = text
        .chars()
        .map(|c| if c.is_alphanumeric() || matches!(c, '_' | '-' | '/') { c } else { '_' })
        .collect();
    if tag.chars().all(|c| c.is_ascii_digit()) {
        tag.push('_');
    }
    tag
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_command_is_kept_in_the_value_and_is_not_in_the_page() {
        for (text, expect) in [
            ("<% tp.file.title %>", r#""\u003c% tp.file.title %>""#),
            ("a <%* b %> <<%", r#""a \u003c%* b %> <\u003c%""#),
            ("a < b % c", r#""a < b % c""#),
        ] {
            let written = quoted(text);
            assert_eq!(written, expect, "{text}");
            let value: String = serde_saphyr::from_str(&written).unwrap();
            assert_eq!(value, text);
        }
    }
}
