//! `tidegate pack`.

use std::path::{Path, PathBuf};

use clap::Args;
use diagnostics::{Finding, report};
use gateway::signing;
use inspect::pack::{HostMatching, MAGIC};
use knowledge::{Compilation, PACK_NAME, PACK_VERSION};
use serde_json::json;
use sigma::lint::{LintOptions, lint_labels};

use super::policy::PolicyInput;
use super::{
    Format, Inputs, OtherLogs, Outcome, counted, fill, name, note_counts, note_numbers, plain,
    render,
};
use crate::disk;
use crate::project::Project;

/// Compile notes and Sigma files into a pack for the filter.
///
/// A pack is written whole or not at all. If any input is refused, nothing is written and the exit
/// code is 1; with --allow-refused the pack contains the rules that were not refused.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n\
\x20 tidegate pack -o rules.pack\n\
\x20 tidegate pack -o rules.pack --policy policy.yml --pack-version 7 rules/\n\
\x20 tidegate pack -o rules.pack --sign team.key")]
pub(crate) struct Pack {
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    other_logs: OtherLogs,
    #[command(flatten)]
    policy: PolicyInput,
    /// Write the pack to this file [default: the project's]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The name of the pack in events and metrics: up to 64 letters, digits, `.`, `_` and `-` [default: the
    /// project's, or tidegate]
    #[arg(long, value_parser = pack_name)]
    name: Option<String>,
    /// The version of the pack, which has to grow with each release
    #[arg(long = "pack-version", value_name = "NUMBER", default_value_t = PACK_VERSION)]
    release: u64,
    /// Sign the pack with this secret key, made by `tidegate keygen` or `openssl`
    #[arg(long, value_name = "KEYFILE")]
    sign: Option<PathBuf>,
    /// Write the pack even if some input is refused
    #[arg(long)]
    allow_refused: bool,
    /// How to print findings
    #[arg(short, long, value_enum, default_value = "text")]
    format: Format,
}

/// Reads the name of a pack, which is copied as it is into log lines and labels of metrics.
pub(crate) fn pack_name(text: &str) -> Result<String, &'static str> {
    plain(text, b"._-", 64, "give 1 to 64 letters, digits, `.`, `_` or `-`")
}

impl Pack {
    pub(super) fn fill_in(&mut self, project: &Project) {
        self.inputs.fill_in(project);
        self.policy.fill_in(project);
        fill(&mut self.output, project.pack.output.as_ref());
        fill(&mut self.name, project.pack.name.as_ref());
        fill(&mut self.sign, project.pack.sign.as_ref());
    }

    pub(super) fn run(&self) -> Outcome {
        let Some(file) = &self.output else {
            return Outcome::usage(
                "the pack has no place: give --output FILE, or write `output` below `[pack]` in tidegate.toml",
            );
        };
        let pack_name = self.name.as_deref().unwrap_or(PACK_NAME);
        let (mut library, _) = match self.inputs.library() {
            Ok(read) => read,
            Err(outcome) => return outcome,
        };
        self.other_logs.apply(&mut library);
        let given = self.policy.read(&mut library);
        let sources = &library.sources;
        let compilation = match given.compile(&library, pack_name, self.release) {
            Ok(compilation) => compilation,
            Err(finding) => return Outcome::refused(&[*finding], sources),
        };
        let bytes = match self.signed(compilation.bytes.clone()) {
            Ok(bytes) => bytes,
            Err(finding) => return Outcome::refused(&[*finding], sources),
        };
        let mut findings = library.findings.clone();
        findings.extend(compilation.findings.iter().cloned());
        findings.extend(compilation.hunt_only(&library));
        if compilation.n_compiled == 0 && !findings.iter().any(Finding::is_error) {
            let message = "there is no rule to compile";
            let help = "give notes or Sigma files that contain rules";
            findings.push(Finding::about(
                &"input".into(),
                &diagnostics::codes::NOTHING_FOUND,
                message,
                help,
            ));
        }
        let refuses = findings.iter().any(Finding::is_error);
        // A pack is never written without its policy: it would deny what the policy excepts.
        let has_policy = !given.is_refused
            && !compilation
                .findings
                .iter()
                .any(|it| it.is_error() && it.diagnostic.code.id.starts_with('P'));
        let writes = compilation.n_compiled > 0 && has_policy && (!refuses || self.allow_refused);
        let unwritten = writes.then(|| write(file, &bytes)).and_then(Result::err);
        let written = writes && unwritten.is_none();
        findings.extend(unwritten.map(|finding| *finding));
        report::sort(&mut findings);

        let Compilation { n_read, n_compiled, n_refused, pack, .. } = &compilation;
        let output = name(file);
        let fate = if written {
            format!(
                "{output}: `{}` version {}, {}, {}, {}hash {}\n",
                pack_name,
                self.release,
                counted(*n_compiled, "rule"),
                counted(bytes.len(), "byte"),
                if self.sign.is_some() { "signed, " } else { "" },
                pack.hash(),
            )
        } else {
            format!("{output}: nothing written\n")
        };
        let read = counted(*n_read, "rule");
        let hosts = pack.tables().hosts;
        let differing = library
            .rules
            .iter()
            .filter(|entry| !lint_labels(&entry.rule, LintOptions::default()).is_empty());
        let fate = match hosts {
            HostMatching::Text => fate,
            HostMatching::Labels => format!(
                "hosts match by labels: {} differ from Sigma's literal meaning, see `tidegate check --lint --hosts labels`\n{fate}",
                counted(differing.count(), "rule"),
            ),
        };
        let notes = note_counts(&library);
        let summary =
            format!("{read} read = {n_compiled} compiled + {n_refused} refused\n{notes}{fate}");
        let [services, lists, runbooks] = note_numbers(&library);
        let numbers = [
            ("read", json!(n_read)),
            ("compiled", json!(n_compiled)),
            ("refused", json!(n_refused)),
            services,
            lists,
            runbooks,
            ("written", json!(written)),
            ("file", json!(*output)),
            ("bytes", json!(bytes.len())),
            ("hosts", json!(hosts.as_str())),
            ("hash", json!(pack.hash().to_string())),
        ];
        let stdout = render(self.format, &findings, sources, &summary, &numbers);
        Outcome { stdout, code: u8::from(!written), ..Outcome::default() }
    }

    fn signed(&self, pack: Vec<u8>) -> Result<Vec<u8>, Box<Finding>> {
        let Some(path) = &self.sign else { return Ok(pack) };
        let (file, text) = disk::read_key(path)?;
        signing::sign(pack, &file, &text)
    }
}

/// Writes a pack; a file that is something else is left alone.
fn write(file: &Path, bytes: &[u8]) -> Result<(), Box<Finding>> {
    let code = &diagnostics::codes::UNWRITABLE;
    if disk::is_other_than(file, &MAGIC) {
        let message = "the file at this path is not a pack";
        let help = "give another path with `--output`, or remove the file";
        return Err(Box::new(Finding::about(&name(file), code, message, help)));
    }
    disk::write(file, bytes).map_err(|error| {
        let message = format!("the pack cannot be written: {}", disk::reason(&error));
        let help = "give another path with `--output`, or make this one writable";
        Box::new(Finding::about(&name(file), code, message, help))
    })
}
