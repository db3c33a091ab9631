//! `tidegate explain`.

use std::ffi::{OsStr, OsString};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use diagnostics::{Finding, Findings, Sources, report};
use inspect::{Inspector, Source};
use knowledge::explain::Context;
use knowledge::limits::MAX_NEAREST;
use knowledge::{Library, explain, pack_file};
use traffic::limits::MAX_REQUEST_BYTES;
use traffic::subject;

use super::policy::{PolicyInput, check_key, moment, now};
use super::{Outcome, PlainFormat, ResultFile, Vocabulary, codes, pretty, read_library};
use crate::disk;
use crate::project::Project;

/// Explain which rules match a request, and why.
///
/// Prints every rule that matches, with the result of each part of its condition; where none matches, the rules
/// that came nearest, what the request has instead, and how it was read. --rule explains a certain rule.
///
/// REQUEST is a URL, also defanged; a command in quotes (curl, wget, a line of a script); a line of a log of any
/// format that hunt reads; or the head of a request (`CONNECT host:443 HTTP/1.1`). `-` reads it, or
/// several of them, from standard input.
/// The request is printed as it was given: secrets in it are not redacted. A code of a finding, such as
/// S012, in place of a request is explained instead.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n\
\x20 tidegate explain 'https://pastebin.com/raw/abcdefgh'\n\
\x20 tidegate explain rules/ \"curl -F file=@a.zip https://api.telegram.org/bot1:a/sendDocument\"\n\
\x20 tidegate explain --pack rules.pack --source 10.4.1.9 - < access.log")]
#[command(override_usage = "tidegate explain [OPTIONS] [PATHS]... REQUEST")]
pub(crate) struct Explain {
    /// Use the rules and the policy of this pack
    #[arg(short, long, value_name = "FILE", conflicts_with = "policy")]
    pack: Option<PathBuf>,
    /// The request; before it, unless a pack is given, notes, Sigma files and folders of them
    /// [default: the project's, or knowledge/notes]
    #[arg(required = true, value_name = "REQUEST")]
    operands: Vec<OsString>,
    /// The notes of the project
    #[arg(skip)]
    notes: Vec<PathBuf>,
    #[command(flatten)]
    vocabulary: Vocabulary,
    #[command(flatten)]
    policy: PolicyInput,
    /// The source of the request for the policy: an address, a SPIFFE id, or a name from a trusted hop
    #[arg(long, value_name = "SOURCE")]
    source: Option<String>,
    /// Evaluate exceptions at this time, such as `2027-01-31` [default: now]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    now: Option<u64>,
    /// Explain this rule, by id or title, even if it does not match
    #[arg(long, value_name = "ID")]
    rule: Vec<String>,
    /// How to print the explanation
    #[arg(short, long, value_enum, default_value = "text")]
    format: PlainFormat,
    #[command(flatten)]
    result: ResultFile,
}

impl Explain {
    pub(super) fn fill_in(&mut self, project: &Project) {
        self.vocabulary.fill_in(project);
        if self.pack.is_some() {
            return self.policy.fill_in_key(project);
        }
        self.policy.fill_in(project);
        if self.operands.len() == 1 {
            self.notes.clone_from(&project.notes);
        }
    }

    pub(super) fn run(&self) -> Outcome {
        let Some((request, paths)) = self.operands.split_last() else {
            return Outcome::usage("no request is given");
        };
        if let Some(text) =
            request.to_str().filter(|_| paths.is_empty()).and_then(codes::explanation)
        {
            return self.result.put(Outcome { stdout: text, ..Outcome::default() });
        }
        if self.pack.is_some() && !paths.is_empty() {
            return Outcome::usage("give a pack or paths, not both; put the request in quotes");
        }
        let mut findings = Vec::new();
        let mut sources = Sources::new();
        let (pack, key) = match &self.pack {
            Some(path) => match disk::read_pack(path)
                .and_then(|(name, bytes)| Ok((pack_file::decode(&name, &bytes)?, name)))
            {
                Ok((pack, name)) => {
                    let mut nothing = Library::default();
                    let given = self.policy.read(&mut nothing);
                    if given.is_refused {
                        return Outcome::refused(&nothing.findings, &sources);
                    }
                    if let Err(finding) = check_key(&name, &pack, given.key) {
                        return Outcome::refused(&[*finding], &sources);
                    }
                    (pack, given.key)
                }
                Err(finding) => return Outcome::refused(&[*finding], &sources),
            },
            None => {
                let paths = paths.iter().map(PathBuf::from);
                let paths: Vec<_> = paths.chain(self.notes.iter().cloned()).collect();
                let mut library = match read_library(&paths, &self.vocabulary) {
                    Ok((library, _)) => library,
                    Err(outcome) => return outcome,
                };
                let given = self.policy.read(&mut library);
                let compilation = given.compile(&library, "explain", 0);
                findings.extend(library.findings);
                sources.extend(library.sources);
                match compilation {
                    Ok(compilation) => {
                        findings.extend(compilation.findings);
                        (compilation.pack, given.key)
                    }
                    Err(finding) => return Outcome::refused(&[*finding], &sources),
                }
            }
        };
        let mut inspector = Inspector::new(pack);
        let mut asked = Vec::new();
        for rule in &self.rule {
            match explain::find_rules(&inspector, rule).as_slice() {
                [] => {
                    let near = explain::near_title(&inspector, rule);
                    let near = near.map(|title| format!("; did you mean '{title}'?"));
                    let message = format!("there is no rule '{rule}'{}", near.unwrap_or_default());
                    return Outcome::usage(&message);
                }
                rules => asked.extend_from_slice(rules),
            }
        }
        let (origin, text) = match read_request(request) {
            Ok(request) => request,
            Err(finding) => return Outcome::refused(&[*finding], &sources),
        };
        let mut of_request = Findings::new(&origin);
        let requests = subject::read(&text, &mut of_request);
        findings.extend(of_request.into_list());
        sources.insert(origin, text);
        report::sort(&mut findings);

        let now = self.now.unwrap_or_else(now);
        // Of a log one reads what matches.
        let n_nearest = if requests.len() == 1 { MAX_NEAREST } else { 0 };
        let context = Context { source: self.source(), now, key, n_nearest, ..Context::default() };
        let explanations: Vec<_> = requests
            .iter()
            .map(|request| explain::explain(&mut inspector, request, &asked, &context))
            .collect();
        let stdout = match self.format {
            PlainFormat::Json => pretty(&explain::to_json(inspector.pack(), &explanations)),
            PlainFormat::Text => {
                let texts: Vec<_> =
                    explanations.iter().map(explain::Explanation::to_text).collect();
                texts.join("\n")
            }
        };
        let stderr = report::to_text(&findings, &sources);
        let refused = findings.iter().any(Finding::is_error);
        self.result.put(Outcome { stdout, stderr, code: u8::from(refused), ..Outcome::default() })
    }

    fn source(&self) -> Source<'_> {
        let Some(text) = &self.source else { return Source::default() };
        let (of, bytes) = (Source::default(), Some(text.as_bytes()));
        if text.parse::<IpAddr>().is_ok() {
            Source { address: bytes, ..of }
        } else if text.starts_with("spiffe://") {
            Source { identity: bytes, ..of }
        } else {
            Source { named: bytes, ..of }
        }
    }
}

/// The text of a request, and its name in findings.
fn read_request(request: &OsStr) -> Result<(Arc<str>, String), Box<Finding>> {
    let (name, bytes): (Arc<str>, Vec<u8>) = match request.as_encoded_bytes() {
        b"-" => {
            let name = "<stdin>".into();
            let bytes = disk::read_stdin(MAX_REQUEST_BYTES, &name)?;
            (name, bytes)
        }
        bytes => ("<request>".into(), bytes.to_vec()),
    };
    String::from_utf8(bytes).map(|text| (Arc::clone(&name), text)).map_err(|_| {
        let message = "the request is not UTF-8";
        let help = "escape other bytes, as `%FF` in a URL";
        Box::new(Finding::about(&name, &diagnostics::codes::NOT_UTF_8, message, help))
    })
}
