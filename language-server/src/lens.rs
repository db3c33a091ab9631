//! Lines above a note's rule and its examples: run them, and what came of it.

use lsp_types::{CodeLens, Command, Range, Uri};
use serde_json::json;

use crate::Document;
use crate::examples::{Examples, Outcome};

/// The command that runs the examples of a note.
pub(crate) const RUN: &str = "tidegate.runExamples";

/// Returns the lenses of a note.
pub(crate) fn of(
    uri: &Uri,
    document: &Document,
    examples: &Examples,
    outcome: Option<&Outcome>,
) -> Vec<CodeLens> {
    let lens = |range: Range, title: String| {
        let arguments = Some(vec![json!(uri.as_str())]);
        let command = Command { title, command: RUN.to_owned(), arguments };
        CodeLens { range, command: Some(command), data: None }
    };
    let n_examples = examples.places.len();
    let title = match outcome {
        Some(outcome) => outcome.summary(),
        None if n_examples == 1 => "run 1 example".to_owned(),
        None => format!("run {n_examples} examples"),
    };
    let mut lenses = vec![lens(document.range(examples.rule), title)];
    let Some(outcome) = outcome.filter(|outcome| outcome.n_run > 0) else { return lenses };
    let failed = outcome.failed();
    for place in &examples.places {
        let title = if failed.contains(&place.line) { "fails" } else { "passes" };
        lenses.push(lens(document.range(*place), title.to_owned()));
    }
    lenses
}
