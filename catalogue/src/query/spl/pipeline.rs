//! A search split at its pipes, and what its commands make of columns.

use std::collections::BTreeSet;

use crate::query::QueryError;

/// The text with its comments blanked, so that places stay the same.
pub(super) fn without_comments(text: &str) -> String {
    let parts: Vec<&str> = text.split("```").collect();
    let mut plain = String::with_capacity(text.len());
    for (number, part) in parts.iter().enumerate() {
        // A fence without its partner is no comment.
        if number % 2 == 1 && number + 1 < parts.len() {
            plain.extend(std::iter::repeat_n(' ', part.len() + 6));
        } else {
            if number % 2 == 1 {
                plain.push_str("```");
            }
            plain.push_str(part);
        }
    }
    plain
}

/// Splits at pipes outside of quotes, macros, brackets and comments, with byte offsets.
pub(super) fn segments(text: &str) -> Result<Vec<(usize, &str)>, QueryError> {
    let (mut found, mut start, mut depth) = (Vec::new(), 0, 0_usize);
    let mut quote: Option<(char, usize)> = None;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match (quote, character) {
            (Some(_), '\\') => {
                characters.next();
            }
            (Some((open, _)), close) if open == close => quote = None,
            (Some(_), _) => {}
            (None, '"' | '`') => quote = Some((character, at)),
            (None, '[') => depth += 1,
            (None, ']') => depth = depth.saturating_sub(1),
            (None, '|') if depth == 0 => {
                found.push((start, text.get(start..at).unwrap_or_default()));
                start = at + 1;
            }
            (None, _) => {}
        }
    }
    if let Some((_, offset)) = quote {
        return Err(QueryError { message: "a quote is not closed".into(), offset });
    }
    found.push((start, text.get(start..).unwrap_or_default()));
    Ok(found)
}

/// The condition of `tstats`: behind `where`, up to `by`.
pub(super) fn where_clause(text: &str) -> &str {
    let Some(start) = word(text, "where") else { return "" };
    let rest = text.get(start + 5..).unwrap_or_default();
    let end = ["by", "groupby"].into_iter().filter_map(|by| word(rest, by)).min();
    rest.get(..end.unwrap_or(rest.len())).unwrap_or_default()
}

/// Returns where a word is outside of quotes, as a word of its own.
fn word(text: &str, word: &str) -> Option<usize> {
    let (mut quote, mut previous) = (None, ' ');
    for (at, character) in text.char_indices() {
        match quote {
            Some(open) if open == character => quote = None,
            Some(_) => {}
            None if matches!(character, '"' | '`') => quote = Some(character),
            None => {
                let rest = text.get(at..).unwrap_or_default();
                let after = rest.get(word.len()..).and_then(|rest| rest.chars().next());
                let bound = |c: char| c.is_whitespace() || matches!(c, ')' | '(' | '`');
                let matches =
                    rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
                if matches && bound(previous) && after.is_none_or(bound) {
                    return Some(at);
                }
            }
        }
        previous = character;
    }
    None
}

/// Notes the columns that a command makes: names before `=`, behind `as`, in named groups, and `count`.
pub(super) fn columns(text: &str, computed: &mut BTreeSet<String>) {
    let name = |text: &str| text.trim_matches(['"', '\'', ',', '(', ')', '`']).to_owned();
    let words: Vec<&str> = text.split_whitespace().collect();
    for pair in words.windows(2) {
        if let [before, after] = pair
            && (before.eq_ignore_ascii_case("as")
                || before.eq_ignore_ascii_case("output")
                || before.eq_ignore_ascii_case("outputnew"))
        {
            computed.insert(name(after));
        }
        if let [before, after] = pair
            && after.starts_with('=')
            && !after.starts_with("==")
        {
            computed.insert(name(before));
        }
    }
    for word in &words {
        if let Some((before, _)) = word.split_once('=') {
            computed.insert(name(before));
        }
        if word.starts_with("count") {
            computed.insert("count".to_owned());
        }
    }
    for part in text.split("(?<").skip(1) {
        if let Some((group, _)) = part.split_once('>') {
            computed.insert(group.to_owned());
        }
    }
}
