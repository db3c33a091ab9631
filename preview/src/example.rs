//! A request as an example block of a note.

use diagnostics::printable;
use knowledge::Expectation;
use traffic::RecordedRequest;

use crate::check::is_note;

/// The text with an example behind the last block of its validation section; Sigma text becomes a
/// note first. The person edits what is written: the sentence in front says so.
pub fn with_example(text: &str, request: &RecordedRequest, expectation: Expectation) -> String {
    let kind = if expectation == Expectation::Match { "match" } else { "pass" };
    let sentence = match expectation {
        Expectation::Match => "Tried in the preview: the rule must match this request.",
        Expectation::Pass => "Tried in the preview: the rule must let this request pass.",
    };
    let block = format!("{sentence}\n\n```http {kind}\n{}```\n", head(request));
    let note = as_note(text);
    let start = note.find("\n## Validation");
    let end = start.and_then(|start| {
        let body = start + "\n## Validation".len();
        note.get(body..)?.find("\n## ").map(|at| body + at)
    });
    let (before, after) = end.and_then(|end| note.split_at_checked(end)).unwrap_or((&note, ""));
    let heading = if start.is_some() { "" } else { "\n## Validation\n" };
    format!("{}\n{heading}\n{block}{after}", before.trim_end())
}

/// A request head, as notes write it.
pub(crate) fn head(request: &RecordedRequest) -> String {
    let mut head =
        format!("{} {} HTTP/1.1\n", printable(&request.method), printable(&request.url()));
    for (name, value) in [
        ("User-Agent", &request.user_agent),
        ("Referer", &request.referrer),
        ("Cookie", &request.cookie),
    ] {
        if let Some(value) = value {
            head += &format!("{name}: {}\n", printable(value));
        }
    }
    if let Some(status) = request.response.as_ref().and_then(|response| response.status) {
        head += &format!("\nHTTP/1.1 {status}\n");
    }
    head
}

/// Sigma text as a note whose sections are to be written; a note as it is.
pub fn as_note(text: &str) -> String {
    if is_note(text) { text.to_owned() } else { note_of(text) }
}

fn note_of(rule: &str) -> String {
    let title = rule.lines().find_map(|line| line.strip_prefix("title:")).unwrap_or("Draft");
    let title = title.trim().trim_matches(['\'', '"']);
    let mut note = format!("---\nkind: rule\nservices: []\n---\n\n# {title}\n");
    for section in knowledge::SECTIONS {
        note += &match *section {
            "Rule" => format!("\n## Rule\n\n```sigma\n{}\n```\n", rule.trim_end()),
            "Validation" => "\n## Validation\n".to_owned(),
            section => format!("\n## {section}\n\nTo be written.\n"),
        };
    }
    note
}
