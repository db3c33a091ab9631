//! Rows of tables that have more cells than their table: Markdown drops what is too much, so the bars that divide
//! it are escaped.

use std::borrow::Cow;

/// Returns a text in which no row of a table has more cells than its head: a bar within a wikilink divides none
/// (`[[Page|shown]]`), and the cells that are too many are part of the last one.
pub(crate) fn whole(text: &str) -> Cow<'_, str> {
    if !text.contains('|') {
        return Cow::Borrowed(text);
    }
    let mut written = String::with_capacity(text.len());
    let mut n_columns = None;
    let mut before = "";
    let mut fence: Option<&str> = None;
    for line in text.split_inclusive('\n') {
        let bare = line.trim_matches(['>', ' ', '\t', '\n', '\r']);
        let marks = bare.len() - bare.trim_start_matches(['`', '~']).len();
        let marks = bare.get(..marks).unwrap_or_default();
        match fence {
            Some(open) if marks.starts_with(open) && marks.len() == bare.len() => fence = None,
            None if marks.len() >= 3 => fence = Some(marks),
            _ => {}
        }
        if fence.is_some() || !bare.contains('|') {
            n_columns = None;
        } else if n_columns.is_none() && is_rule(bare) && n_cells(before) == n_cells(bare) {
            n_columns = Some(n_cells(bare));
        }
        match n_columns {
            Some(n_columns) if n_cells(bare) > n_columns => {
                let (body, end) = line.split_at(line.trim_end().len());
                written.push_str(&escaped(body, n_columns));
                written.push_str(end);
            }
            _ => written.push_str(line),
        }
        before = bare;
    }
    Cow::Owned(written)
}

/// Returns true for the line between the head of a table and its rows.
fn is_rule(line: &str) -> bool {
    let is_mark = |byte| matches!(byte, b'-' | b':' | b'|' | b' ');
    line.contains('-') && line.bytes().all(is_mark)
}

/// Where the bars of a row are that have no backslash in front.
fn bars(line: &str) -> Vec<usize> {
    let mut found = Vec::new();
    let mut is_escaped = false;
    for (at, byte) in line.bytes().enumerate() {
        match byte {
            b'\\' => is_escaped = !is_escaped,
            b'|' if !is_escaped => found.push(at),
            _ => is_escaped = false,
        }
    }
    found
}

fn n_cells(row: &str) -> usize {
    let inner = row.strip_prefix('|').unwrap_or(row);
    let inner = inner.strip_suffix('|').filter(|it| !it.ends_with('\\')).unwrap_or(inner);
    bars(inner).len() + 1
}

/// A row with backslashes in front of the bars of its wikilinks, and of those that are too many then.
fn escaped(row: &str, n_columns: usize) -> String {
    let links: Vec<(usize, usize)> = row
        .match_indices("[[")
        .filter_map(|(at, _)| Some((at, at + row.get(at..)?.find("]]")?)))
        .collect();
    let is_in_link = |bar: &usize| links.iter().any(|(start, end)| start < bar && bar < end);
    let found = bars(row);
    let (of_links, mut others): (Vec<usize>, Vec<usize>) = found.into_iter().partition(is_in_link);
    let starts_with_bar = row.trim_start_matches(['>', ' ', '\t']).starts_with('|');
    let n_first = n_columns - usize::from(!starts_with_bar);
    let end = others.last().copied().filter(|last| row.get(last + 1..).is_some_and(str::is_empty));
    let too_many: Vec<usize> = others.split_off(n_first.min(others.len()));
    let too_many = too_many.into_iter().filter(|bar| Some(*bar) != end);
    let mut to_escape: Vec<usize> = of_links.into_iter().chain(too_many).collect();
    to_escape.sort_unstable();
    let mut written = row.to_owned();
    for bar in to_escape.into_iter().rev() {
        written.insert(bar, '\\');
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_row_has_more_cells_than_its_head() {
        let head = "| A | B |\n| --- | :-: |\n";
        for (row, expect) in [
            ("| 1 | 2 |\n", "| 1 | 2 |\n"),
            ("| [[Page|x]] | 2 |\n", "| [[Page\\|x]] | 2 |\n"),
            ("| 1 | [[Page|x]] | more |\n", "| 1 | [[Page\\|x]] \\| more |\n"),
            ("| 1 | 2 | 3 | 4 |", "| 1 | 2 \\| 3 \\| 4 |"),
            ("1 | 2 | 3\n", "1 | 2 \\| 3\n"),
            ("| 1 \\| | 2 |\n", "| 1 \\| | 2 |\n"),
            ("\nAfter | it | all\n", "\nAfter | it | all\n"),
        ] {
            assert_eq!(whole(&format!("{head}{row}")), format!("{head}{expect}"), "{row}");
            let quoted = format!("{head}{row}").replace('\n', "\n> ");
            assert_eq!(whole(&quoted), format!("{head}{expect}").replace('\n', "\n> "), "{row}");
        }
        let code = "```\n| A |\n| --- |\n| 1 | 2 |\n```\n";
        assert_eq!(whole(code), code);
        assert_eq!(whole("a | b\nc | d | e\n"), "a | b\nc | d | e\n");
    }
}
