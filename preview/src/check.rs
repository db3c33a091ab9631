//! A rule or note as its author types it: what is wrong, what to do, and whether its examples hold.

use inspect::{Inspector, Pack};
use knowledge::{Compilation, Expectation, Finding, Library, SourceFile, codes};
use serde::Serialize;

use crate::limits::MAX_TEXT_BYTES;

/// What is said about a text.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Checked {
    /// Whether the text is a note; otherwise it is Sigma text.
    pub is_note: bool,
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
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
    /// What the code means.
    pub explanation: &'static str,
    /// First line, from 1.
    pub line: u32,
    /// First column, from 1, in characters.
    pub column: u32,
    /// Last line.
    pub end_line: u32,
    /// The column after the last.
    pub end_column: u32,
    /// A change of the text that follows the help.
    pub fix: Option<Fix>,
    /// The same by places, for every finding whose fix is mechanical: its edits belong together.
    pub change: Option<Change>,
}

/// A change of the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What it does.
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
    /// What stands there then.
    pub replacement: String,
}

/// A replacement of the first occurrence of a word in the lines of a problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fix {
    /// What stands there.
    pub from: String,
    /// What should.
    pub to: String,
}

/// An example of a note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TriedExample {
    /// `match` or `pass`.
    pub expectation: &'static str,
    /// Method and URL, printable.
    pub request: String,
    /// Where it stands.
    pub line: u32,
    /// Whether the rule does what the example says; `None` where no rule runs.
    pub holds: Option<bool>,
}

/// Checks a text. The second part is the pack of its rules, if any of them runs.
pub fn check(text: &str) -> (Checked, Option<Pack>) {
    if text.len() > MAX_TEXT_BYTES {
        let message = format!("the text is larger than {MAX_TEXT_BYTES} bytes");
        let problem = Problem {
            code: codes::FILE_TOO_LARGE.id,
            severity: "error",
            message,
            help: "paste one rule or one note".into(),
            explanation: codes::FILE_TOO_LARGE.explanation,
            line: 1,
            column: 1,
            end_line: 1,
            end_column: 1,
            fix: None,
            change: None,
        };
        return (Checked { problems: vec![problem], ..Checked::default() }, None);
    }
    let is_note = is_note(text);
    let name = if is_note { "draft.md" } else { "draft.yml" };
    let file = SourceFile { name: name.into(), bytes: text.as_bytes().to_vec() };
    let library = Library::read(vec![file]);
    let mut findings = library.findings.clone();
    findings.extend(library.lint());
    let mut checked = Checked { is_note, n_read: library.n_read, ..Checked::default() };
    let pack = match Compilation::new(&library, "draft", 0) {
        Ok(compilation) => {
            findings.extend(compilation.findings);
            checked.n_compiled = compilation.n_compiled;
            let first_rule = compilation.rule_ids.iter().flatten().next().copied();
            let mut inspector = Inspector::new(compilation.pack);
            for example in library.notes.iter().flat_map(|note| &note.examples) {
                let verdict = inspector.inspect(&example.request.lend());
                let matched =
                    first_rule.map(|rule| verdict.matches.iter().any(|found| found.rule == rule));
                let expects_match = example.expectation == Expectation::Match;
                let line = [&example.request.method[..], &example.request.url()];
                checked.examples.push(TriedExample {
                    expectation: if expects_match { "match" } else { "pass" },
                    request: line.map(knowledge::explain::printable).join(" "),
                    line: example.place.span.line,
                    holds: matched.map(|matched| matched == expects_match),
                });
            }
            // The pack is decoded again: an inspector keeps the one that it was given.
            (checked.n_compiled > 0).then(|| Pack::decode(&compilation.bytes).ok()).flatten()
        }
        Err(finding) => {
            findings.push(*finding);
            None
        }
    };
    let mut problems: Vec<Problem> = findings.iter().map(problem).collect();
    problems.sort_by_key(|problem| (problem.line, problem.column));
    problems.dedup();
    checked.problems = problems;
    (checked, pack)
}

/// A note starts with front matter that says its kind, or with a heading; Sigma text has neither.
pub(crate) fn is_note(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let mut lines = text.lines().map(str::trim_end);
    match lines.next() {
        Some("---") => {
            lines.take_while(|line| *line != "---").any(|line| line.starts_with("kind:"))
        }
        Some(line) => line.starts_with("# ") && text.contains("\n```sigma"),
        None => false,
    }
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
        fix: fix(&diagnostic.message, &diagnostic.help),
        change: diagnostic.fix.as_deref().map(change),
    }
}

fn change(fix: &sigma::Fix) -> Change {
    let edits = fix.edits.iter().map(|edit| Edit {
        line: edit.span.line,
        column: edit.span.column,
        end_line: edit.span.end_line,
        end_column: edit.span.end_column,
        replacement: edit.replacement.clone(),
    });
    Change { title: fix.title.clone(), edits: edits.collect() }
}

/// The change that a help proposes: the word in the message for the word in the help.
fn fix(message: &str, help: &str) -> Option<Fix> {
    let proposed = help.strip_prefix("did you mean `").or_else(|| help.strip_prefix("write `"))?;
    let (to, rest) = proposed.split_once('`')?;
    if !matches!(rest, "" | "?") {
        return None;
    }
    let mut words = message.split('`').skip(1).step_by(2);
    let from = words.find(|from| *from != to && !from.contains('\n'))?;
    (!from.is_empty()).then(|| Fix { from: from.to_owned(), to: to.to_owned() })
}
