//! `tidegate hunt`.

use std::io;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use diagnostics::{Finding, report};
use hunt::{Output, PolicyReplay};
use knowledge::{Library, pack_file};
use traffic::{Format, Layout};

use super::logs::LogInput;
use super::policy::{PolicyInput, check_key};
use super::{Outcome, Vocabulary, counted, read_library};
use crate::{disk, stream};

/// Search logs for requests that match the rules.
///
/// Gives the verdicts that the gateway would have given. Reads access logs of Envoy, Istio and nginx in
/// JSON, text logs of Envoy and Istio, Squid's, HAProxy's and the combined format, the extended format of the
/// W3C (Blue Coat, IIS), CSV, HTTP archives (HAR), Zeek's http, ssl and dns logs, Suricata's eve.json, events
/// of ECS and OCSF, lists of URLs, and any JSON lines with a map; also as Kubernetes, docker, fluent-bit and
/// syslog wrap them, in gzip, zstd and UTF-16. Records are printed in the order of the files and their lines,
/// counts on standard error.
///
/// Correlations use the time of the events. A policy, given or in the pack, is evaluated with the time and
/// the source of each event: matches that it turns off or excepts are counted, not printed.
///
/// The exit code is 1 if a log or a rule cannot be read; matches do not change it. Unreadable lines are
/// counted.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n\
\x20 tidegate hunt access.log\n\
\x20 tidegate hunt --pack rules.pack --output table proxy.har\n\
\x20 tidegate hunt --rules rules/ access.log.1.gz access.log\n\
\x20 tidegate hunt --map fields.toml --output csv proxy.jsonl > matches.csv")]
pub(crate) struct Hunt {
    /// Logs to search; `-` or none for standard input
    logs: Vec<PathBuf>,
    /// Use the rules and the policy of this pack
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["rules", "policy"])]
    pack: Option<PathBuf>,
    /// Use the rules of these notes, Sigma files and folders [default: knowledge/notes, if it exists]
    #[arg(short, long, value_name = "PATH")]
    rules: Vec<PathBuf>,
    #[command(flatten)]
    vocabulary: Vocabulary,
    /// Hunt with the other rules if some are refused
    #[arg(long)]
    allow_refused: bool,
    #[command(flatten)]
    policy: PolicyInput,
    #[command(flatten)]
    input: LogInput,
    /// The format of the logs [default: detected from each log's first lines]
    #[arg(short, long, value_parser = format)]
    format: Option<Format>,
    /// How to print matches
    #[arg(short, long, value_enum, default_value = "json")]
    output: OutputName,
    /// Print whole paths and the values that matched, which may contain secrets
    #[arg(long)]
    show_values: bool,
    /// The number of threads that read lines [default: one per core]
    #[arg(long, value_name = "NUMBER")]
    threads: Option<std::num::NonZero<usize>>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum OutputName {
    /// One JSON object per line.
    Json,
    /// Comma-separated values.
    Csv,
    /// Aligned columns.
    Table,
}

fn format(text: &str) -> Result<Format, String> {
    let known = Format::ALL.iter().find(|(name, _)| *name == text);
    known.map(|(_, format)| *format).ok_or_else(|| {
        let names: Vec<_> = Format::ALL.iter().map(|(name, _)| *name).collect();
        format!("the formats are {}", names.join(", "))
    })
}

impl Hunt {
    pub(super) fn run(&self) -> Outcome {
        let map = match self.input.map() {
            Ok(map) => map,
            Err(outcome) => return outcome,
        };
        let layout = self.format.map(Layout::from).or_else(|| self.input.layout());
        let (pack, policy, mut stderr) = match self.pack() {
            Ok(read) => read,
            Err(outcome) => return outcome,
        };
        let output = match self.output {
            OutputName::Json => Output::Json,
            OutputName::Csv => Output::Csv,
            OutputName::Table => Output::Table,
        };
        let job = stream::Job {
            packs: &[&pack],
            logs: if self.logs.is_empty() { vec![PathBuf::from("-")] } else { self.logs.clone() },
            layout,
            map: &map,
            output,
            show_values: self.show_values,
            policy,
            n_threads: self.threads,
        };
        match job.run(&mut [&mut io::stdout().lock()]) {
            Ok(done) => {
                let findings: Vec<Finding> = done.iter().flat_map(stream::Done::findings).collect();
                stderr += &report::to_text(&findings, &diagnostics::Sources::new());
                stderr.extend(done.into_iter().map(|done| done.summary));
                Outcome { stderr, code: u8::from(!findings.is_empty()), ..Outcome::default() }
            }
            // A reader that has gone away, as `head` does, has seen what it wanted.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Outcome::default(),
            Err(error) => {
                Outcome::failed(&format!("output cannot be written: {}", disk::reason(&error)))
            }
        }
    }

    /// Returns the pack's bytes, which are known to be a pack, how its policy is replayed, and the lines
    /// about the rules for standard error.
    fn pack(&self) -> Result<(Vec<u8>, Option<PolicyReplay>, String), Outcome> {
        let none = diagnostics::Sources::new();
        if let Some(path) = &self.pack {
            let (name, bytes) =
                disk::read_pack(path).map_err(|finding| Outcome::refused(&[*finding], &none))?;
            let pack = pack_file::decode(&name, &bytes)
                .map_err(|finding| Outcome::refused(&[*finding], &none))?;
            let mut nothing = Library::default();
            let given = self.policy.read(&mut nothing);
            if given.is_refused {
                return Err(Outcome::refused(&nothing.findings, &none));
            }
            check_key(&name, &pack, given.key)
                .map_err(|finding| Outcome::refused(&[*finding], &none))?;
            let policy = self.input.policy([&pack], given.key);
            return Ok((bytes, policy, String::new()));
        }
        let (mut library, _) = read_library(&self.rules, &self.vocabulary)?;
        let given = self.policy.read(&mut library);
        if given.is_refused {
            return Err(Outcome::refused(&library.findings, &library.sources));
        }
        let compilation = given
            .compile(&library, "hunt", 1)
            .map_err(|finding| Outcome::refused(&[*finding], &library.sources))?;
        let mut findings = library.findings.clone();
        findings.extend(compilation.findings.iter().cloned());
        findings.retain(Finding::is_error);
        let refused = Outcome::refused(&findings, &library.sources);
        if compilation.n_compiled == 0 || !findings.is_empty() && !self.allow_refused {
            return Err(refused);
        }
        let summary = format!(
            "{} read = {} compiled + {} refused\n",
            counted(compilation.n_read, "rule"),
            compilation.n_compiled,
            compilation.n_refused
        );
        let policy = self.input.policy([&compilation.pack], given.key);
        Ok((compilation.bytes, policy, refused.stderr + &summary))
    }
}
