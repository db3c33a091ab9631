//! Fenced blocks of a note.

use std::ops::Range;

/// A fenced block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fence<'t> {
    /// The text behind the opening marks.
    pub(super) info: &'t str,
    /// The lines between the marks.
    pub(super) text: String,
    /// The bytes of the block with its marks.
    pub(super) range: Range<usize>,
}

/// Returns the fenced blocks of a text, in order. One that is not closed ends with the text.
pub(super) fn all(text: &str) -> Vec<Fence<'_>> {
    let mut found = Vec::new();
    let mut open: Option<(&str, usize, Fence<'_>)> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let trimmed = line.trim();
        let marks = trimmed.trim_start_matches('`');
        let marks =
            if marks.len() == trimmed.len() { trimmed.trim_start_matches('~') } else { marks };
        let n_marks = trimmed.len() - marks.len();
        match &mut open {
            Some((mark, n_open, fence)) => {
                fence.range.end = at;
                if trimmed.starts_with(*mark) && n_marks >= *n_open && marks.is_empty() {
                    found.extend(open.take().map(|(.., fence)| fence));
                } else {
                    fence.text.push_str(line);
                }
            }
            None if n_marks >= 3 => {
                let mark = if trimmed.starts_with('`') { "`" } else { "~" };
                let fence = Fence { info: marks.trim(), text: String::new(), range: start..at };
                open = Some((mark, n_marks, fence));
            }
            None => {}
        }
    }
    found.extend(open.map(|(.., fence)| fence));
    found
}

/// Returns a text without some of its fenced blocks.
pub(super) fn without(text: &str, left_out: &[Fence<'_>]) -> String {
    let mut kept = String::new();
    let mut from = 0;
    for fence in left_out {
        kept.push_str(text.get(from..fence.range.start).unwrap_or_default());
        from = fence.range.end;
    }
    kept.push_str(text.get(from..).unwrap_or_default());
    kept
}
