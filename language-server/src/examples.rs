//! The examples of a rule note, run as `tidegate test` runs them.

use std::collections::BTreeSet;
use std::sync::Arc;

use diagnostics::{Finding, Span};
use knowledge::{Compilation, Note, examples};

use crate::Project;

/// The examples of a note, by their places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Examples {
    /// Where the note's rule begins.
    pub(crate) rule: Span,
    /// The first line of each example.
    pub(crate) places: Vec<Span>,
}

/// The result of running them.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// How many were run.
    pub(crate) n_run: usize,
    /// A finding for each that failed; where none was run, why.
    pub(crate) findings: Vec<Finding>,
}

impl Examples {
    /// Finds the examples of a note; `None` for what is not a rule note.
    pub(crate) fn of(name: &Arc<str>, text: &str) -> Option<Examples> {
        let Some(Note::Rule(note)) = Note::read(name, text).note else { return None };
        let rule = note.rule.as_ref()?.span;
        let examples = note.examples.iter().map(|example| example.place.span);
        let sequences = note.sequences.iter().map(|sequence| sequence.place.span);
        let mut places: Vec<_> = examples.chain(sequences).collect();
        places.sort_unstable();
        Some(Examples { rule, places })
    }
}

/// Runs the examples of a note of the project.
pub(crate) fn run(project: &Project, name: &Arc<str>) -> Outcome {
    let library = project.library(name);
    let of_file = |finding: &Finding| finding.diagnostic.place.file == *name;
    let errors = |findings: &[Finding]| -> Vec<Finding> {
        let errors = findings.iter().filter(|finding| finding.is_error() && of_file(finding));
        errors.cloned().collect()
    };
    let refused = errors(&library.findings);
    if !refused.is_empty() {
        return Outcome { n_run: 0, findings: refused };
    }
    let compilation = match Compilation::new(&library, "test", 0) {
        Ok(compilation) => compilation,
        Err(finding) => return Outcome { n_run: 0, findings: vec![*finding] },
    };
    let refused = errors(&compilation.findings);
    if !refused.is_empty() {
        return Outcome { n_run: 0, findings: refused };
    }
    let (bytes, rule_ids) = (compilation.bytes.clone(), compilation.rule_ids.clone());
    let mut findings = examples::run(&library, compilation).findings;
    let of_sequences = examples::run_sequences(&library, &rule_ids, |log| {
        // These bytes were decoded before.
        hunt::matching_rules(&bytes, log.as_bytes()).unwrap_or_default()
    });
    findings.extend(of_sequences.findings);
    findings.retain(of_file);
    let notes = library.notes.iter().filter(|note| note.file == *name);
    let n_run = notes.map(|note| note.examples.len() + note.sequences.len()).sum();
    Outcome { n_run, findings }
}

impl Outcome {
    /// One line for people.
    pub(crate) fn summary(&self) -> String {
        let n_failed = self.findings.len();
        match (self.n_run, self.findings.first()) {
            (0, Some(finding)) => format!("not run: {}", finding.diagnostic.message),
            (0, None) => "there are no examples".to_owned(),
            (1, None) => "1 example passes".to_owned(),
            (n_run, None) => format!("{n_run} examples pass"),
            (n_run, Some(_)) => format!("{n_failed} of {n_run} examples fail"),
        }
    }

    /// The lines on which examples failed.
    pub(crate) fn failed(&self) -> BTreeSet<u32> {
        self.findings.iter().map(|finding| finding.diagnostic.place.span.line).collect()
    }
}
