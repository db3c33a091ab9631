//! Runs the examples of all notes: those of rule notes against the rules of their notes, those of service
//! notes against the operations that they are examples of.

use diagnostics::{Diagnostic, Finding, Place};
use inspect::pack::{Operation, Tables};
use inspect::{Inspector, RuleId, ServiceMatch, plain_host};

use crate::codes;
use crate::compilation::Compilation;
use crate::explain::condition_lines;
use crate::library::Library;
use crate::note::{Example, Expectation, OperationExample, Sequence, Service, ServiceOperation};

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
    let tables = inspector.pack().tables();
    for service in library.services.iter().filter(|service| !service.operations.is_empty()) {
        results.n_notes += 1;
        for operation in &service.operations {
            for example in &operation.examples {
                results.n_examples += 1;
                if let Some(finding) = fails_operation(tables, service, operation, example) {
                    results.n_failed += 1;
                    results.findings.push(finding);
                }
            }
        }
    }
    results
}

/// Runs the sequences of a library's notes; `matching` returns the rules that match a request of an access log
/// in JSON, in the pack that the rules' ids are of.
pub fn run_sequences(
    library: &Library,
    rule_ids: &[Option<RuleId>],
    mut matching: impl FnMut(&str) -> Vec<RuleId>,
) -> ExampleResults {
    let mut results = ExampleResults::default();
    for (entry, rule_id) in library.rules.iter().zip(rule_ids) {
        let note = entry.note_idx.and_then(|note_idx| library.notes.get(note_idx));
        let (Some(note), Some(rule_id)) = (note, rule_id) else { continue };
        for sequence in &note.sequences {
            results.n_examples += 1;
            let is_matched = matching(&sequence.log).contains(rule_id);
            let title = &entry.rule.metadata.title;
            if let Some(finding) = fails_sequence(title, sequence, is_matched) {
                results.n_failed += 1;
                results.findings.push(finding.relate(rule_place(entry), "the rule"));
            }
        }
    }
    results
}

fn fails_sequence(title: &str, sequence: &Sequence, is_matched: bool) -> Option<Finding> {
    let (code, message, help) = match (sequence.expectation, is_matched) {
        (Expectation::Match, true) | (Expectation::Pass, false) => return None,
        (Expectation::Match, false) => (
            &codes::MISSED_EXAMPLE,
            format!("`{title}` has to match a request of this sequence, and does not"),
            "change the rule, or the sequence if the rule is right",
        ),
        (Expectation::Pass, true) => (
            &codes::CAUGHT_EXAMPLE,
            format!("`{title}` has to let this sequence pass, and matches one of its requests"),
            "narrow the rule, or change the sequence if the rule is right",
        ),
    };
    let (help, place) = (help.to_owned(), sequence.place.clone());
    Some(Finding::from(Diagnostic { code, message, help, place, fix: None }))
}

/// Returns a finding if an example of an operation is not found to be that, or one of another is.
fn fails_operation(
    tables: &Tables,
    service: &Service,
    operation: &ServiceOperation,
    example: &OperationExample,
) -> Option<Finding> {
    let request = example.request.lend();
    let host = plain_host(request.authority).unwrap_or_default();
    let found = ServiceMatch::of(tables, &host, request.path);
    let of_service = found.as_ref().map(|found| tables.str(found.name));
    let is_own = of_service == Some(service.name.as_str());
    let operations = found
        .as_ref()
        .map(|found| found.operations(tables, request.method, &host, request.path))
        .unwrap_or_default();
    let is_found = is_own && operations.contains(operation.operation);
    let of_example = operation.operation.as_str();
    let (code, message, help) = match (example.expectation, is_found) {
        (Expectation::Match, true) | (Expectation::Pass, false) => return None,
        (Expectation::Match, false) => (
            &codes::MISSED_OPERATION,
            format!("this request has to be `{of_example}` of {}, and is not", service.name),
            "change hosts, methods or paths of the operation, or the example if they are right",
        ),
        (Expectation::Pass, true) => (
            &codes::CAUGHT_OPERATION,
            format!("this request must not be `{of_example}` of {}, and is", service.name),
            "narrow hosts, methods or paths of the operation, or change the example if they are right",
        ),
    };
    let place = Place { file: service.file.clone(), span: example.span };
    let help = help.to_owned();
    let finding = Finding::from(Diagnostic { code, message, help, place, fix: None });
    let names: Vec<_> = operations.iter().map(Operation::as_str).collect();
    let line = match of_service {
        None => "its host belongs to no service".to_owned(),
        Some(name) if names.is_empty() => format!("service {name}, no operation"),
        Some(name) => format!("service {name}, operations {}", names.join(", ")),
    };
    Some(finding.detail([line]))
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
