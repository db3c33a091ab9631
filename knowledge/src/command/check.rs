//! `tidegate check`.

use clap::Args;
use knowledge::{Compilation, report};
use serde_json::json;

use super::{Format, Inputs, Outcome, counted, render};

/// Tells everything that is wrong with notes and rules: exit code 1 if anything is.
#[derive(Args, Debug)]
pub(crate) struct Check {
    #[command(flatten)]
    inputs: Inputs,
    /// Also tell what looks wrong in rules that run: evadable, never true, noisy, or nameless
    #[arg(long)]
    lint: bool,
    /// How to write what is found
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

impl Check {
    pub(super) fn run(&self) -> Outcome {
        let (mut library, n_files) = match self.inputs.library() {
            Ok(read) => read,
            Err(outcome) => return outcome,
        };
        // The compiler refuses what only shows when a rule is put to work, as an automaton's size.
        match Compilation::new(&library, "check", 0) {
            Ok(compilation) => library.findings.extend(compilation.findings),
            Err(finding) => library.findings.push(*finding),
        }
        if self.lint {
            library.findings.append(&mut library.lint());
        }
        report::sort(&mut library.findings);
        let (n_errors, n_warnings) = report::count(&library.findings);
        let summary = format!(
            "{}, {}: {}, {}\n",
            counted(n_files, "file"),
            counted(library.n_read, "rule"),
            counted(n_errors, "error"),
            counted(n_warnings, "warning"),
        );
        let numbers = [("files", json!(n_files)), ("rules", json!(library.n_read))];
        let stdout = render(self.format, &library.findings, &library.sources, &summary, &numbers);
        Outcome { stdout, code: u8::from(!library.findings.is_empty()), ..Outcome::default() }
    }
}
