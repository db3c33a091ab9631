//! `tidegate test`.

use clap::Args;
use diagnostics::report;
use knowledge::{Compilation, examples};
use serde_json::json;

use super::record::Recording;
use super::{
    Format, Inputs, Outcome, ResultFile, counted, named_paths, note_counts, note_numbers,
    read_with_files, render,
};
use crate::project::Project;

/// Run the examples in rule notes against their rules.
///
/// All rules are compiled into one pack. An `http match` example must match its own rule, an `http pass`
/// example must not. A `sequence match` or `sequence pass` is a log of its own, for rules that ask what a
/// source did over time. A refused note is reported like a failed example, and the exit code is 1.
///
/// With --record the examples are sent through a gateway as the steps of their runbooks, and the results
/// are written to the front matter of the runbook notes: `last_run`, `last_result`, `last_pack`,
/// `last_rule`.
/// A gateway in monitor mode forwards the requests: use a stand-in upstream, or let it enforce.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n\
\x20 tidegate test\n\
\x20 tidegate test --format json notes/\n\
\x20 tidegate test --record --gateway http://127.0.0.1:3128 --log access.log")]
pub(crate) struct Test {
    #[command(flatten)]
    inputs: Inputs,
    /// How to print the result
    #[arg(short, long, value_enum, default_value = "text")]
    format: Format,
    #[command(flatten)]
    result: ResultFile,
    #[command(flatten)]
    recording: Recording,
}

impl Test {
    pub(super) fn fill_in(&mut self, project: &Project) {
        self.inputs.fill_in(project);
    }

    pub(super) fn run(&self) -> Outcome {
        self.result.put(self.test())
    }

    fn test(&self) -> Outcome {
        let (mut library, files) =
            match read_with_files(&self.inputs.paths, &self.inputs.vocabulary) {
                Ok(read) => read,
                Err(outcome) => return outcome,
            };
        if self.recording.record {
            return match (self.format, library.findings.is_empty()) {
                (Format::Sarif, _) => Outcome::usage("--record prints its result as text or json"),
                (_, false) => Outcome::refused(&library.findings, &library.sources),
                (format, true) => {
                    let paths = named_paths(&self.inputs.paths);
                    self.recording.run(&library, &paths, &files, format == Format::Json)
                }
            };
        }
        let mut results = examples::ExampleResults::default();
        match Compilation::new(&library, "test", 0) {
            Ok(mut compilation) => {
                library.findings.append(&mut compilation.findings);
                let (bytes, rule_ids) = (compilation.bytes.clone(), compilation.rule_ids.clone());
                results = examples::run(&library, compilation);
                let mut of_sequences = examples::run_sequences(&library, &rule_ids, |log| {
                    // These bytes were decoded before.
                    hunt::matching_rules(&bytes, log.as_bytes()).unwrap_or_default()
                });
                results.n_examples += of_sequences.n_examples;
                results.n_failed += of_sequences.n_failed;
                results.findings.append(&mut of_sequences.findings);
                library.findings.append(&mut results.findings);
            }
            Err(finding) => library.findings.push(*finding),
        }
        report::sort(&mut library.findings);
        let (n_errors, _) = report::count(&library.findings);
        let mut summary = format!(
            "{}, {}, {} failed",
            counted(results.n_notes, "note"),
            counted(results.n_examples, "example"),
            results.n_failed,
        );
        if results.n_notes == 0 && n_errors > 0 {
            summary = format!("no example was run: {}", counted(n_errors, "error"));
        } else if n_errors > results.n_failed {
            let n_others = n_errors - results.n_failed;
            summary.push_str("; ");
            summary.push_str(&counted(n_others, "other error"));
        }
        summary.push('\n');
        summary.push_str(&note_counts(&library));
        let [services, lists, runbooks] = note_numbers(&library);
        let numbers = [
            ("notes", json!(results.n_notes)),
            ("examples", json!(results.n_examples)),
            ("failed", json!(results.n_failed)),
            services,
            lists,
            runbooks,
        ];
        let stdout = render(self.format, &library.findings, &library.sources, &summary, &numbers);
        Outcome { stdout, code: u8::from(!library.findings.is_empty()), ..Outcome::default() }
    }
}
