//! Fixes of findings, put into the texts.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use diagnostics::{Finding, Fix, SourceFile};
use sigma::lint::Written;

use crate::limits::MAX_FIX_ROUNDS;

/// Puts all fixes that `find` offers into the files, until it offers none: how many went into each.
///
/// A fix is put in whole or not at all. Of two that overlap the first in the file goes first; the other
/// comes again with the next round, if it still applies. A file that would have more errors than before
/// stays as it was before that round, and is not touched again.
pub fn fix(
    files: &mut [SourceFile],
    find: &dyn Fn(&[SourceFile]) -> Vec<Finding>,
) -> BTreeMap<Arc<str>, usize> {
    let mut fixed: BTreeMap<Arc<str>, usize> = BTreeMap::new();
    let mut settled: BTreeSet<Arc<str>> = BTreeSet::new();
    let mut findings = find(files);
    for _ in 0..MAX_FIX_ROUNDS {
        let mut before = Vec::new();
        for (idx, file) in files.iter_mut().enumerate() {
            let fixes =
                of_file(&findings, &file.name).filter_map(|found| found.diagnostic.fix.as_deref());
            let Ok(text) = str::from_utf8(&file.bytes) else { continue };
            if settled.contains(&file.name) {
                continue;
            }
            // Places count from after a byte order mark, which is an error by itself: it goes first.
            let (new, n_applied) = match text.strip_prefix('\u{feff}') {
                Some(unmarked) => (unmarked.to_owned(), 1),
                None => apply(text, fixes),
            };
            if n_applied > 0 {
                before.push((idx, std::mem::replace(&mut file.bytes, new.into_bytes()), n_applied));
            }
        }
        if before.is_empty() {
            break;
        }
        let after = find(files);
        let mut is_reverted = false;
        for (idx, bytes, n_applied) in before {
            let Some(file) = files.get_mut(idx) else { continue };
            if n_errors(&after, &file.name) > n_errors(&findings, &file.name) {
                file.bytes = bytes;
                settled.insert(Arc::clone(&file.name));
                is_reverted = true;
            } else {
                *fixed.entry(Arc::clone(&file.name)).or_default() += n_applied;
            }
        }
        findings = if is_reverted { find(files) } else { after };
    }
    fixed
}

fn of_file<'f>(findings: &'f [Finding], name: &'f str) -> impl Iterator<Item = &'f Finding> {
    findings.iter().filter(move |found| &*found.diagnostic.place.file == name)
}

fn n_errors(findings: &[Finding], name: &str) -> usize {
    of_file(findings, name).filter(|found| found.is_error()).count()
}

/// A text with fixes put in, and how many were. Fixes that are the same count as one; of two that
/// overlap, the later is left out, and so is one whose place the text does not have.
pub fn apply<'f>(text: &str, fixes: impl IntoIterator<Item = &'f Fix>) -> (String, usize) {
    let written = Written::new(text);
    let mut placed: Vec<Vec<(Range<usize>, &str)>> = Vec::new();
    for fix in fixes {
        let edits = fix
            .edits
            .iter()
            .map(|edit| Some((written.range(edit.span)?, edit.replacement.as_str())));
        placed.extend(edits.collect::<Option<Vec<_>>>().filter(|edits| !edits.is_empty()));
    }
    placed.sort_by(|left, right| {
        let start =
            |edits: &[(Range<usize>, &str)]| edits.first().map(|(at, _)| (at.start, at.end));
        start(left).cmp(&start(right))
    });
    placed.dedup();
    // Start of an edit to its end and replacement; none over another.
    let mut edits: BTreeMap<usize, (usize, &str)> = BTreeMap::new();
    let mut n_applied = 0;
    for fix in placed {
        let is_free = |at: &Range<usize>| {
            let before = edits.range(..=at.end).next_back();
            before.is_none_or(|(_, (end, _))| {
                *end < at.start || (*end == at.start && at.start < at.end)
            })
        };
        if fix.iter().all(|(at, _)| is_free(at)) {
            edits.extend(fix.into_iter().map(|(at, new)| (at.start, (at.end, new))));
            n_applied += 1;
        }
    }
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for (start, (end, new)) in edits {
        out.push_str(text.get(from..start).unwrap_or_default());
        out.push_str(new);
        from = end;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    (out, n_applied)
}

#[cfg(test)]
mod tests {
    use diagnostics::{Edit, Span};

    use super::*;

    fn on_line(line: u32, edits: &[(u32, u32, &str)]) -> Fix {
        let edits = edits.iter().map(|(column, end_column, new)| Edit {
            span: Span { line, column: *column, end_line: line, end_column: *end_column },
            replacement: (*new).to_owned(),
        });
        Fix { title: "t".into(), edits: edits.collect() }
    }

    #[test]
    fn fixes_are_put_in_whole_and_not_over_one_another() {
        let text = "abcdef\näöü\n";
        for (fixes, expect, n_applied) in [
            (vec![], text, 0),
            (vec![on_line(2, &[(2, 3, "-")]), on_line(1, &[(1, 2, "")])], "bcdef\nä-ü\n", 2),
            (vec![on_line(1, &[(1, 3, "x")]), on_line(1, &[(1, 3, "x")])], "xcdef\näöü\n", 1),
            (vec![on_line(1, &[(2, 4, "x")]), on_line(1, &[(1, 3, "y")])], "ycdef\näöü\n", 1),
            (
                vec![
                    on_line(1, &[(1, 2, "x"), (5, 6, "y")]),
                    on_line(1, &[(3, 4, "z"), (5, 7, "z")]),
                ],
                "xbcdyf\näöü\n",
                1,
            ),
            (vec![on_line(1, &[(1, 2, "x")]), on_line(1, &[(2, 3, "y")])], "xycdef\näöü\n", 2),
            (vec![on_line(1, &[(7, 7, "!")])], "abcdef!\näöü\n", 1),
            (vec![on_line(1, &[(8, 9, "!")]), on_line(9, &[(1, 1, "!")])], text, 0),
        ] {
            assert_eq!(apply(text, &fixes), (expect.to_owned(), n_applied), "{fixes:?}");
        }
    }
}
