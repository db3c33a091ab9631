//! `tidegate convert`.

use std::path::PathBuf;

use clap::Args;
use diagnostics::{Finding, printable, report};
use knowledge::convert::convert;

use super::{Outcome, ResultFile, Vocabulary, fill_paths, read_library};
use crate::project::Project;

/// Write rules in plain Sigma, for other engines.
///
/// Prints the rules as one YAML file, with every list, service, category, operation and client written out.
/// A rule that cannot be written out is a comment with the reason, and the exit code is 1. What is written
/// matches requests as they came, without the other readings that this engine has.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n\
\x20 tidegate convert -o rules.yml\n\
\x20 tidegate convert knowledge/notes my-rules/ > rules.yml")]
pub(crate) struct Convert {
    /// Notes and Sigma files, or folders with them [default: the project's, or knowledge/notes]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    vocabulary: Vocabulary,
    #[command(flatten)]
    result: ResultFile,
}

impl Convert {
    pub(super) fn fill_in(&mut self, project: &Project) {
        fill_paths(&mut self.paths, &project.notes);
        self.vocabulary.fill_in(project);
    }

    pub(super) fn run(&self) -> Outcome {
        match self.convert() {
            Ok(outcome) => self.result.put(outcome),
            Err(outcome) => outcome,
        }
    }

    fn convert(&self) -> Result<Outcome, Outcome> {
        let (mut library, _) = read_library(&self.paths, &self.vocabulary)?;
        if library.findings.iter().any(Finding::is_error) {
            library.findings.retain(Finding::is_error);
            report::sort(&mut library.findings);
            return Err(Outcome::refused(&library.findings, &library.sources));
        }
        let plain = convert(&library);
        let n_refused = plain.iter().filter(|rule| rule.text.is_err()).count();
        let mut stdout = format!(
            "# {} rules = {} written out + {n_refused} not\n",
            plain.len(),
            plain.len() - n_refused
        );
        for rule in &plain {
            match &rule.text {
                Ok(text) => {
                    stdout.push_str("---\n");
                    stdout.push_str(text);
                }
                Err(why) => {
                    let title = printable(rule.title.as_bytes());
                    stdout.push_str(&format!("# {title}: {}\n", printable(why.as_bytes())));
                }
            }
        }
        Ok(Outcome { stdout, code: u8::from(n_refused > 0), ..Outcome::default() })
    }
}
