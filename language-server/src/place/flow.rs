//! The value on a line, which may be a map or a list in brackets.

use std::ops::Range;

use super::Part;

/// What is at a column of a value.
#[derive(Debug)]
pub(super) struct Found<'t> {
    /// The keys within the value above the column.
    pub(super) path: Vec<&'t str>,
    pub(super) part: Part,
    /// Without quotes.
    pub(super) range: Range<usize>,
}

/// A bracket that is open.
struct Open<'t> {
    is_map: bool,
    key: Option<&'t str>,
}

/// Finds what is at a column of a line whose value starts at `value`.
pub(super) fn at(line: &str, value: usize, column: usize) -> Found<'_> {
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut start = value;
    let mut quote = None;
    let mut end = comment(line, value);
    let bytes = line.char_indices().skip_while(|(at, _)| *at < value);
    for (at, character) in bytes.take_while(|(at, _)| *at < end) {
        let is_first = line.get(start..at).unwrap_or_default().trim().is_empty();
        let next = line.get(at + character.len_utf8()..).and_then(|rest| rest.chars().next());
        match character {
            _ if quote == Some(character) => quote = None,
            _ if quote.is_some() => {}
            '\'' | '"' if is_first => quote = Some(character),
            '{' | '[' if is_first => {
                if at >= column {
                    break;
                }
                open.push(Open { is_map: character == '{', key: None });
                start = at + 1;
            }
            ':' if next.is_none_or(|next| matches!(next, ' ' | ',' | '}' | '{' | '[')) => {
                let Some(innermost) = open.last_mut().filter(|open| open.is_map) else { continue };
                if at >= column {
                    end = at;
                    break;
                }
                innermost.key = Some(bare(line, start..at).1);
                start = at + 1;
            }
            ',' | '}' | ']' if !open.is_empty() => {
                if at >= column {
                    end = at;
                    break;
                }
                if character != ',' {
                    open.pop();
                }
                if let Some(innermost) = open.last_mut() {
                    innermost.key = None;
                }
                start = at + 1;
            }
            _ => {}
        }
    }
    let is_key = open.last().is_some_and(|open| open.is_map && open.key.is_none());
    let path = open.iter().filter_map(|open| open.key).collect();
    let part = if is_key { Part::Key } else { Part::Value };
    Found { path, part, range: within(line, start..end, column) }
}

/// Where the value of a line ends: before blanks and a comment.
fn comment(line: &str, value: usize) -> usize {
    let text = line.get(value..).unwrap_or_default();
    let is_quoted = text.starts_with(['\'', '"']);
    let end = if is_quoted { None } else { text.find(" #") };
    end.map_or(line.trim_end().len().max(value), |end| {
        value + text.get(..end).unwrap_or_default().trim_end().len()
    })
}

/// A word without blanks and quotes; where there is none, the column.
fn within(line: &str, range: Range<usize>, column: usize) -> Range<usize> {
    let (range, text) = bare(line, range);
    let is_quoted = line.get(..range.start).is_some_and(|before| before.ends_with(['\'', '"']));
    if text.is_empty() && !is_quoted {
        let column = column.min(line.len());
        return column..column;
    }
    range
}

fn bare(line: &str, range: Range<usize>) -> (Range<usize>, &str) {
    let text = line.get(range.clone()).unwrap_or_default();
    let mut start = range.start + (text.len() - text.trim_start().len());
    let mut end = start.max(range.start + text.trim_end().len());
    let text = line.get(start..end).unwrap_or_default();
    if let Some(quote) = text.chars().next().filter(|first| matches!(first, '\'' | '"')) {
        start += 1;
        if text.len() > 1 && text.ends_with(quote) {
            end -= 1;
        }
    }
    (start..end, line.get(start..end).unwrap_or_default())
}
