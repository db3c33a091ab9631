//! Checks a rule or note as its author types it: findings, fixes, and the results of its examples.

use std::collections::BTreeSet;

use diagnostics::Finding;
use diagnostics::front_matter::{self, Missing};
use inspect::{Inspector, Pack, User};
use knowledge::{Block, Compilation, Expectation, Library, Note, NoteKind, Placeholders};
use serde::Serialize;

use crate::gallery::draft;
use crate::import::Import;
use crate::limits::MAX_TEXT_BYTES;
use crate::shared::Shared;

/// The result of checking a text.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Checked {
    /// `empty`, `sigma`, a kind of note, or `note` where the kind is not known.
    pub kind: &'static str,
    /// True for a note, false for Sigma text.
    pub is_note: bool,
    /// The title of the first rule; empty where there is none.
    pub title: String,
    /// The services that the note names.
    pub services: Vec<String>,
    /// How many rules a proxy decides: yes, in part, no.
    pub decidable: [usize; 3],
    /// The fields that a proxy does not see, of rules that it does not decide.
    pub unseen: Vec<String>,
    /// True if a rule asks what a source did over time, of which single requests say nothing.
    pub asks_behaviour: bool,
    /// Rules that were read, and refused.
    pub n_read: usize,
    /// Rules of these that run.
    pub n_compiled: usize,
    /// Findings, in the order of their places.
    pub problems: Vec<Problem>,
    /// The examples of a note, on its own rule.
    pub examples: Vec<TriedExample>,
}

/// A finding, as the editor shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The code.
    pub code: &'static str,
    /// `error` or `warning`.
    pub severity: &'static str,
    /// The message.
    pub message: String,
    /// The help.
    pub help: String,
    /// The title of the code.
    pub explanation: &'static str,
    /// First line, from 1.
    pub line: u32,
    /// First column, from 1, in characters.
    pub column: u32,
    /// Last line.
    pub end_line: u32,
    /// The column after the last.
    pub end_column: u32,
    /// A change of the text that mends it, where that is mechanical.
    pub fix: Option<Fix>,
}

/// A change of the text. Its edits belong together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fix {
    /// The title of the fix.
    pub title: String,
    /// Its edits, in order.
    pub edits: Vec<Edit>,
}

/// A piece of text in the place of another. Lines and columns count from 1, columns in characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Edit {
    /// First line.
    pub line: u32,
    /// First column.
    pub column: u32,
    /// Last line.
    pub end_line: u32,
    /// The column after the last.
    pub end_column: u32,
    /// The replacement text.
    pub replacement: String,
}

/// An example of a note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TriedExample {
    /// `match` or `pass`.
    pub expectation: &'static str,
    /// Method and URL, printable.
    pub request: String,
    /// Its place.
    pub line: u32,
    /// True if the rule gives the result that the example expects; `None` if no rule runs.
    pub holds: Option<bool>,
}

/// Checks a text by itself. The second part runs requests over its rules, if any of them compiles.
pub fn check(text: &str) -> (Checked, Option<Inspector>) {
    check_beside(text, &Shared::default())
}

/// Checks a text beside the notes that it may refer to.
pub(crate) fn check_beside(text: &str, shared: &Shared) -> (Checked, Option<Inspector>) {
    if text.len() > MAX_TEXT_BYTES {
        let message = format!("the text is larger than {MAX_TEXT_BYTES} bytes");
        let problem = Problem {
            code: diagnostics::codes::FILE_TOO_LARGE.id,
            severity: "error",
            message,
            help: "paste one rule or one note".into(),
            explanation: diagnostics::codes::FILE_TOO_LARGE.explanation,
            line: 1,
            column: 1,
            end_line: 1,
            end_column: 1,
            fix: None,
        };
        return (Checked { problems: vec![problem], ..Checked::default() }, None);
    }
    let is_note = is_note(text);
    let file = draft(text);
    let (kind, note) = if is_note {
        let read = Note::read(&file.name, text);
        (read.kind, read.note)
    } else {
        (None, None)
    };
    // Services take longer to compile than a rule; few rules ask for them.
    let asks_services = text.contains("tidegate.") && kind != Some(NoteKind::Service);
    let services = if asks_services { shared.services.clone() } else { Vec::new() };
    let library = Library::read_beside(vec![file], &shared.placeholders, services);
    let mut findings = library.findings.clone();
    findings.extend(library.lint());
    let mut checked = Checked {
        kind: kind_of(text, is_note, kind),
        is_note,
        n_read: library.n_read,
        title: library.rules.first().map_or_else(String::new, |of| of.rule.metadata.title.clone()),
        decidable: library.decidable(),
        unseen: unseen(&library),
        ..Checked::default()
    };
    let mut pack = None;
    match Compilation::new(&library, "draft", 0) {
        Ok(compilation) => {
            findings.extend(compilation.findings);
            checked.n_compiled = compilation.n_compiled;
            pack = (compilation.n_compiled > 0).then_some(compilation.pack);
        }
        Err(finding) => findings.push(*finding),
    }
    let note = match note {
        Some(Note::Rule(note)) => Some(note),
        Some(Note::Service(_) | Note::Runbook(_) | Note::Technique(_) | Note::List(_)) | None => {
            None
        }
    };
    if pack.is_none()
        && let Some(block) = note.as_ref().and_then(|note| note.rule.as_ref())
    {
        pack = pack_of(block, &shared.placeholders);
        checked.n_compiled = usize::from(pack.is_some());
    }
    let mut inspector = pack.map(Inspector::new);
    checked.asks_behaviour = inspector.as_ref().is_some_and(|of| !of.asks_behaviour().is_empty());
    if checked.title.is_empty() {
        // A note with an error has a title all the same.
        let title = note.as_ref().and_then(|note| note.title.as_ref());
        checked.title = title.map(|(title, _)| title.clone()).unwrap_or_default();
    }
    checked.services = note.iter().flat_map(|note| note.services.clone()).collect();
    for example in note.iter().flat_map(|note| &note.examples) {
        let expects_match = example.expectation == Expectation::Match;
        let line = [&example.request.method[..], &example.request.url()];
        let verdict = inspector.as_mut().map(|of| of.inspect(&example.request.lend()));
        checked.examples.push(TriedExample {
            expectation: if expects_match { "match" } else { "pass" },
            request: line.map(diagnostics::printable).join(" "),
            line: example.place.span.line,
            // The rule of a note is the only one in its pack.
            holds: verdict.map(|verdict| verdict.matches.is_empty() != expects_match),
        });
    }
    // A correlation counts over time what this page runs one by one.
    let is_run = library.correlations.is_empty();
    for sequence in note.iter().flat_map(|note| &note.sequences) {
        let expects_match = sequence.expectation == Expectation::Match;
        let run = inspector.as_mut().filter(|_| is_run);
        let is_matched = run.map(|of| matches_over_time(of, sequence.log.as_bytes(), shared));
        checked.examples.push(TriedExample {
            expectation: if expects_match { "match" } else { "pass" },
            request: format!("{} requests over time", sequence.n_requests),
            line: sequence.place.span.line,
            holds: is_matched.map(|is_matched| is_matched == expects_match),
        });
    }
    let mut problems: Vec<Problem> = findings.iter().map(problem).collect();
    problems.sort_by_key(|problem| (problem.line, problem.column));
    problems.dedup();
    checked.problems = problems;
    (checked, inspector)
}

/// Returns true if a rule matches a request of a log, by what its source did over the whole of it.
fn matches_over_time(inspector: &mut Inspector, log: &[u8], shared: &Shared) -> bool {
    let mut import = Import::new(log.to_vec());
    while !import.step(1000).is_done {}
    let observed = shared.observe(log);
    let mut observer = observed.as_ref().map(hunt::ObservedLog::observer);
    import.requests.iter().any(|request| {
        let request = request.lend();
        let behaviour = observer.as_mut().and_then(|of| of.behaviour(&request)).unwrap_or_default();
        let verdict = inspector.inspect_with(&request, &User::of(&request), &behaviour);
        !verdict.matches.is_empty()
    })
}

/// The rule of a note that is refused for something else, as a section that is still to be written: it
/// is tried all the same.
fn pack_of(block: &Block, placeholders: &Placeholders) -> Option<Pack> {
    let source = sigma::Source::new("draft", &block.text).with_placeholders(placeholders);
    let parsed = sigma::parse(&source);
    let [rule] = parsed.rules.as_slice() else { return None };
    let mut compiler = sigma::Compiler::new("draft", 0);
    // The note's findings include it.
    compiler.add(rule).ok()?;
    Pack::decode(&compiler.finish().encode()).ok()
}

/// What a text is, for a person.
fn kind_of(text: &str, is_note: bool, kind: Option<NoteKind>) -> &'static str {
    match kind {
        _ if text.trim().is_empty() => "empty",
        Some(kind) => kind.as_str(),
        None if is_note => "note",
        None => "sigma",
    }
}

/// The fields of rules that a proxy does not see, each once, in order.
fn unseen(library: &Library) -> Vec<String> {
    let mut fields = BTreeSet::new();
    for entry in &library.rules {
        let found = sigma::decidability(&entry.rule);
        fields.extend(found.missing().into_iter().map(str::to_owned));
    }
    fields.into_iter().collect()
}

/// A note starts with front matter that says its kind, or with a heading; Sigma text has neither.
pub(crate) fn is_note(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    match front_matter::split(text) {
        Ok(split) => split.guess("kind").is_some() || names_kind(split.yaml),
        // A note whose front matter is still to be closed.
        Err(Missing::Unclosed | Missing::Dots(_)) => names_kind(text),
        Err(Missing::Absent) => text.starts_with("# ") && text.contains("\n```sigma"),
    }
}

fn names_kind(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("kind:"))
}

fn problem(finding: &Finding) -> Problem {
    let diagnostic = &finding.diagnostic;
    let span = diagnostic.place.span;
    let details = finding.details.iter().map(String::as_str);
    let help: Vec<&str> = [diagnostic.help.as_str()].into_iter().chain(details).collect();
    Problem {
        code: diagnostic.code.id,
        severity: diagnostic.code.severity.as_str(),
        message: diagnostic.message.clone(),
        help: help.join("\n"),
        explanation: diagnostic.code.explanation,
        line: span.line.max(1),
        column: span.column.max(1),
        end_line: span.end_line.max(span.line).max(1),
        end_column: span.end_column.max(1),
        fix: diagnostic.fix.as_deref().map(fix),
    }
}

fn fix(fix: &diagnostics::Fix) -> Fix {
    let edits = fix.edits.iter().map(|edit| Edit {
        line: edit.span.line,
        column: edit.span.column,
        end_line: edit.span.end_line,
        end_column: edit.span.end_column,
        replacement: edit.replacement.clone(),
    });
    Fix { title: fix.title.clone(), edits: edits.collect() }
}
