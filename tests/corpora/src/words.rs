//! The words of a text, to find out whether one of a source is lost on the way to its page.

use std::collections::BTreeSet;

/// A text as people read it: without escapes and entities.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let number = |digits: &str, radix| {
            let character = u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
            character.filter(|it| !it.is_alphanumeric() && !it.is_control())
        };
        let entity = rest.strip_prefix("&#").and_then(|it| it.split_once(';'));
        let entity = entity.and_then(|(digits, _)| Some((number(digits, 10)?, digits.len() + 3)));
        let percent = rest.strip_prefix('%').and_then(|it| it.get(..2));
        let percent = percent.and_then(|digits| Some((number(digits, 16)?, 3)));
        let escape = rest.strip_prefix("\\u").and_then(|it| it.get(..4));
        let escape = escape.and_then(|digits| Some((number(digits, 16)?, 6)));
        let named = [
            ("&amp;", '&'),
            ("&lt;", '<'),
            ("&gt;", '>'),
            ("&quot;", '"'),
            ("&nbsp;", ' '),
            ("&lbrace;", '{'),
            ("&rbrace;", '}'),
        ];
        let named = named.iter().find(|(name, _)| rest.starts_with(name));
        let named = named.map(|(name, character)| (*character, name.len()));
        let (character, length) =
            entity.or(percent).or(escape).or(named).unwrap_or((first, first.len_utf8()));
        plain.push(character);
        rest = rest.get(length..).unwrap_or_default();
    }
    plain
}

/// Returns the words of a text, of a page or of its source: runs of letters and digits in lower case, where
/// escapes and entities of Markdown, HTML, YAML and URLs are what they mean.
pub fn words(text: &str) -> BTreeSet<String> {
    let text = plain(text);
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}
