//! Runs the examples of all rule notes against the rules of their notes.

use diagnostics::{Diagnostic, Finding, Place};
use inspect::{Inspector, RuleId};

use crate::codes;
use crate::compilation::Compilation;
use crate::explain::condition_lines;
use crate::library::Library;
use crate::note::{Example, Expectation};

/// The result of running the examples of a library.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExampleResults {
    /// Notes whose examples were run.
    pub n_notes: usize,
    /// Examples that were run.
    pub n_examples: usize,
    /// Examples that failed.
    pub n_failed: usize,
    /// One finding for each example that failed.
    pub findings: Vec<Finding>,
}

/// Runs the examples of a library's notes on the pack of all of its rules, the pack that a gateway runs.
pub fn run(library: &Library, compilation: Compilation) -> ExampleResults {
    let Compilation { pack, rule_ids, .. } = compilation;
    let mut inspector = Inspector::new(pack);
    let mut results = ExampleResults::default();
    for (entry, rule_id) in library.rules.iter().zip(&rule_ids) {
        let note = entry.note_idx.and_then(|note_idx| library.notes.get(note_idx));
        let (Some(note), Some(rule_id)) = (note, rule_id) else { continue };
        results.n_notes += 1;
        for example in &note.examples {
            results.n_examples += 1;
            if let Some(finding) =
                fails(&mut inspector, *rule_id, &entry.rule.metadata.title, example)
            {
                results.n_failed += 1;
                results.findings.push(finding.relate(rule_place(entry), "the rule"));
            }
        }
    }
    results
}

fn rule_place(entry: &crate::library::LibraryRule) -> Place {
    let span = entry.rule.span;
    let span = diagnostics::Span { end_line: span.line, end_column: span.column, ..span };
    Place { file: entry.rule.file.clone(), span }
}

fn fails(
    inspector: &mut Inspector,
    rule: RuleId,
    title: &str,
    example: &Example,
) -> Option<Finding> {
    let verdict = inspector.inspect(&example.request.lend());
    let matched = verdict.matches.iter().any(|matched| matched.rule == rule);
    let (code, message, help) = match (example.expectation, matched) {
        (Expectation::Match, true) | (Expectation::Pass, false) => return None,
        (Expectation::Match, false) => (
            &codes::MISSED_EXAMPLE,
            format!("`{title}` has to match this request, and does not"),
            "change the rule, or the example if the rule is right; below is how the rule judges it",
        ),
        (Expectation::Pass, true) => (
            &codes::CAUGHT_EXAMPLE,
            format!("`{title}` has to let this request pass, and matches it"),
            "narrow the rule, or change the example if the rule is right; below is why it matches",
        ),
    };
    let (help, place) = (help.to_owned(), example.place.clone());
    let finding = Finding::from(Diagnostic { code, message, help, place, fix: None });
    let condition = inspector.condition(rule);
    Some(finding.detail(condition.iter().flat_map(condition_lines)))
}
