//! A rule note: a rule, the reason for it, and requests that it must and must not match.

use std::sync::Arc;

use diagnostics::{Findings, Lines, Place, Span};
use traffic::{RecordedRequest, head};

use super::Keys;
use super::sequence::{Sequence, sequence};
use super::structure::{Fence, Structure};
use crate::codes;

/// The keys, each required.
pub(super) const KEYS: &[&str] = &["kind", "services"];

/// The sections that a rule note has, as headings of the second level.
pub const SECTIONS: &[&str] = &[
    "Goal",
    "Strategy",
    "Technical context",
    "Blind spots",
    "False positives",
    "Rule",
    "Validation",
    "Response",
];

/// A rule note.
#[derive(Clone, Debug)]
pub struct RuleNote {
    /// The name of its file.
    pub file: Arc<str>,
    /// The text of its heading, and its place.
    pub title: Option<(String, Span)>,
    /// The services that the rule is about, by the names of the catalogue of services.
    pub services: Vec<String>,
    /// The text of its rule.
    pub rule: Option<Block>,
    /// The requests that its rule must or must not match.
    pub examples: Vec<Example>,
    /// The sequences of requests in which its rule must or must not match one.
    pub sequences: Vec<Sequence>,
    /// Where missing examples are reported: the section, or the heading.
    pub validation: Span,
}

/// A fenced block of a note.
#[derive(Clone, Debug)]
pub struct Block {
    /// The text between the fences.
    pub text: String,
    /// The line of the file on which the text starts, from 1.
    pub first_line: u32,
    /// The line of the opening fence.
    pub span: Span,
}

/// A request in a note, and whether the note's rule must match it.
#[derive(Clone, Debug)]
pub struct Example {
    /// What is expected.
    pub expectation: Expectation,
    /// The request.
    pub request: RecordedRequest,
    /// Its request line.
    pub place: Place,
    /// The Markdown of the paragraph directly before its block; empty where there is none.
    pub caption: String,
    /// The text of its block: the request as the note writes it.
    pub text: String,
}

/// Whether a note's rule must match an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// The rule must match.
    Match,
    /// The rule must not match.
    Pass,
}

impl RuleNote {
    /// Reads the keys of front matter: the services that the rule is about.
    pub(super) fn services(keys: &mut Keys<'_, '_>) -> Vec<String> {
        keys.refuse_misspelt(KEYS);
        let help = "write a list of names, as `services: [Telegram]`, or `services: []`";
        if keys.value("services").is_none() {
            let message = "the front matter does not say which `services` the rule is about";
            keys.wrong("services", message, help);
        }
        let services = keys.texts("services", help);
        services.into_iter().map(|(name, _)| name.to_owned()).collect()
    }
}

pub(super) fn rule_note(
    file: &Arc<str>,
    text: &str,
    services: Vec<String>,
    structure: Structure,
    findings: &mut Findings,
) -> RuleNote {
    let title = title(text, &structure, findings);
    let top = title.as_ref().map_or(Span::point(1, 1), |(_, span)| *span);
    let missing: Vec<_> = SECTIONS
        .iter()
        .filter(|section| structure.sections.iter().all(|(name, _)| name != *section))
        .map(|section| format!("`{section}`"))
        .collect();
    // What seems to be missing may follow a fence that is not closed.
    let is_cut = structure.is_cut;
    if !missing.is_empty() && !is_cut {
        let missing = missing.join(", ");
        let help =
            "write a heading of the second level for each, and what a reader must know under it";
        findings.add(
            &codes::MISSING_SECTION,
            top,
            format!("the note has no section {missing}"),
            help,
        );
    }
    let mut rule = None;
    let mut examples = Vec::new();
    let mut sequences = Vec::new();
    let mut n_meant = 0;
    for fence in structure.fences {
        let words: Vec<_> = fence.info.split_whitespace().collect();
        match *words.as_slice() {
            ["sigma", ..] if rule.is_some() => {
                let message = "the note has a second `sigma` block";
                let help = "write one rule per note; move this one into a note of its own";
                findings.add(&codes::SECOND_RULE, fence.span, message, help);
            }
            ["sigma", ..] => rule = Some(block(fence)),
            ["http", "match"] => {
                n_meant += 1;
                examples.extend(example(file, Expectation::Match, &fence, findings));
            }
            ["http", "pass"] => {
                n_meant += 1;
                examples.extend(example(file, Expectation::Pass, &fence, findings));
            }
            ["sequence", word @ ("match" | "pass")] => {
                n_meant += 1;
                let expectation =
                    if word == "match" { Expectation::Match } else { Expectation::Pass };
                let (text, line) = (&fence.text, fence.first_line);
                sequences.extend(sequence(file, expectation, text, line, findings));
            }
            ["http" | "sequence", ..] => {
                n_meant += 1;
                let info = &fence.info;
                let message =
                    format!("the block `{info}` does not say what is expected of its request");
                let help =
                    "write `http match` if the rule must match it, `http pass` if it must not";
                findings.add(&codes::UNKNOWN_EXPECTATION, fence.span, message, help);
            }
            _ => {}
        }
    }
    let section = structure.sections.iter().find(|(name, _)| name == "Validation");
    let validation = section.map_or(top, |(_, span)| *span);
    // A block that cannot be read was reported already: it may be the one that is missing.
    if examples.len() + sequences.len() == n_meant && !is_cut {
        let expected = examples.iter().map(|example| example.expectation);
        let expected = expected.chain(sequences.iter().map(|sequence| sequence.expectation));
        require_both(&expected.collect::<Vec<_>>(), validation, findings);
    }
    if rule.as_ref().is_none_or(|rule| rule.text.trim().is_empty()) && !is_cut {
        let span = rule.as_ref().map_or(top, |rule| rule.span);
        let message = "the note has no rule";
        let help = "write the Sigma rule into a fenced block that begins with ```sigma";
        findings.add(&codes::NO_RULE, span, message, help);
        rule = None;
    }
    RuleNote { file: Arc::clone(file), title, services, rule, examples, sequences, validation }
}

fn require_both(expected: &[Expectation], span: Span, findings: &mut Findings) {
    let has = |wanted| expected.contains(&wanted);
    if !has(Expectation::Match) {
        let message = "the note has no request that its rule must match";
        let help = "write one into a fenced block that begins with ```http match";
        findings.add(&codes::NO_MATCH_EXAMPLE, span, message, help);
    }
    if !has(Expectation::Pass) {
        let message = "the note has no request that its rule must let pass";
        let help =
            "write ordinary use of the service into a fenced block that begins with ```http pass";
        findings.add(&codes::NO_PASS_EXAMPLE, span, message, help);
    }
}

fn title(text: &str, structure: &Structure, findings: &mut Findings) -> Option<(String, Span)> {
    let help = "begin the note with one heading of the first level: the title of its rule";
    if let Some((_, second)) = structure.titles.get(1) {
        let message = "the note has a second heading of the first level";
        findings.add(&codes::WRONG_TITLE, *second, message, help);
    }
    let title = structure.titles.first().cloned();
    if title.is_none() {
        let lines = Lines::new(text);
        let span = lines.point(text, structure.body_start);
        findings.add(&codes::WRONG_TITLE, span, "the note has no heading of the first level", help);
    }
    title
}

fn block(fence: Fence) -> Block {
    Block { text: fence.text, first_line: fence.first_line, span: fence.span }
}

fn example(
    file: &Arc<str>,
    expectation: Expectation,
    fence: &Fence,
    findings: &mut Findings,
) -> Option<Example> {
    let mut of_block = Findings::new(file).at_line(fence.first_line);
    let request = head::read(&fence.text, &mut of_block);
    let line = fence.text.lines().next().unwrap_or_default();
    let end_column = diagnostics::number(line.chars().count() + 1);
    let place = of_block.place(Span { line: 1, column: 1, end_line: 1, end_column });
    findings.extend(of_block);
    let (caption, text) = (fence.caption.clone(), fence.text.clone());
    request.map(|request| Example { expectation, request, place, caption, text })
}

impl Expectation {
    /// The word after `http`.
    pub fn as_str(self) -> &'static str {
        match self {
            Expectation::Match => "match",
            Expectation::Pass => "pass",
        }
    }
}
