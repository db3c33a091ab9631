//! A line of YAML: its dashes, its key, and where its value starts.

use std::ops::Range;

/// A line with something on it. Columns are byte offsets in the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// The column of the first dash of a list.
    pub(super) dash: Option<usize>,
    /// The column behind blanks and dashes.
    pub(super) content: usize,
    /// The key without quotes.
    pub(super) key: Option<Range<usize>>,
    /// Where the value starts: behind the colon and blanks.
    pub(super) value: usize,
}

impl Line {
    /// Reads a line; `None` for an empty one and a comment.
    pub(super) fn read(line: &str) -> Option<Line> {
        let indent = line.len() - line.trim_start_matches(' ').len();
        let mut content = indent;
        let mut dash = None;
        while let Some(rest) = line.get(content..).and_then(|rest| rest.strip_prefix('-')) {
            if !(rest.is_empty() || rest.starts_with(' ')) {
                break;
            }
            dash.get_or_insert(content);
            content = line.len() - rest.trim_start_matches(' ').len();
        }
        let rest = line.get(content..).unwrap_or_default();
        if dash.is_none() && rest.trim().is_empty() || rest.starts_with('#') {
            return None;
        }
        let mut read = Line { dash, content, key: None, value: content };
        if read.is_flow(line) {
            return Some(read);
        }
        if let Some((key, behind)) = key(rest) {
            read.key = Some(content + key.start..content + key.end);
            let value = rest.get(behind..).unwrap_or_default();
            read.value = line.len() - value.trim_start_matches(' ').len();
        }
        Some(read)
    }

    /// Returns true if a map or list in brackets starts behind the dashes.
    pub(super) fn is_flow(&self, line: &str) -> bool {
        line.get(self.content..).is_some_and(|rest| rest.starts_with(['{', '[']))
    }
}

/// The key at the start of a text, without quotes, and the offset behind its colon.
fn key(text: &str) -> Option<(Range<usize>, usize)> {
    if let Some(quote) = text.chars().next().filter(|first| matches!(first, '\'' | '"')) {
        let end = text.get(1..)?.find(quote)? + 1;
        let behind = text.get(end + 1..)?;
        let colon = behind.strip_prefix(':')?;
        let is_key = colon.is_empty() || colon.starts_with(' ');
        return is_key.then_some((1..end, end + 2));
    }
    let comment = text.find(" #").unwrap_or(text.len());
    let (at, _) = text.get(..comment)?.match_indices(':').find(|(at, _)| {
        let behind = text.get(at + 1..).unwrap_or_default();
        behind.is_empty() || behind.starts_with(' ')
    })?;
    let end = text.get(..at)?.trim_end().len();
    Some((0..end, at + 1))
}

/// The lines of a text without their ends, each with its byte offset.
pub(super) fn split(text: &str) -> Vec<(usize, &str)> {
    let mut start = 0;
    let mut lines = Vec::new();
    for line in text.split('\n') {
        lines.push((start, line.strip_suffix('\r').unwrap_or(line)));
        start += line.len() + 1;
    }
    lines
}
