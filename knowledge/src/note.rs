//! A note: a Markdown file with front matter that a person wrote, of one of five kinds.

mod keys;
mod list;
mod rule;
mod runbook;
mod sequence;
pub(crate) mod service;
mod structure;
mod technique;

use std::sync::Arc;

use diagnostics::front_matter::{self, Missing};
use diagnostics::{Finding, Findings, Span};

use crate::codes;
pub(crate) use keys::Keys;
pub use list::ListNote;
pub use rule::{Block, Example, Expectation, RuleNote, SECTIONS};
pub use runbook::Runbook;
pub use sequence::Sequence;
pub(crate) use service::lookup_name;
pub use service::{
    Host, OperationExample, SECRETS, Service, ServiceOperation, Template, TemplatePart,
    TenantHeader,
};
use structure::Structure;
pub use technique::Technique;

/// A note, read by its kind.
#[derive(Clone, Debug)]
pub enum Note {
    /// A rule with the reason for it and its examples.
    Rule(RuleNote),
    /// A service that gets abused.
    Service(Service),
    /// How a rule is tested on a gateway.
    Runbook(Runbook),
    /// What is known of a technique of ATT&CK.
    Technique(Technique),
    /// Values that several rules share.
    List(ListNote),
}

/// The kinds of notes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoteKind {
    /// See [`Note::Rule`].
    Rule,
    /// See [`Note::Service`].
    Service,
    /// See [`Note::Runbook`].
    Runbook,
    /// See [`Note::Technique`].
    Technique,
    /// See [`Note::List`].
    List,
}

/// The result of reading a note.
#[derive(Clone, Debug)]
pub struct NoteReading {
    /// The kind. Of front matter that is not YAML, the `kind` that one of its lines gives; `None` where
    /// there is none.
    pub kind: Option<NoteKind>,
    /// What can be read of it; not to be used where a finding is an error.
    pub note: Option<Note>,
    /// Everything that is wrong.
    pub findings: Vec<Finding>,
}

impl NoteKind {
    /// Every kind.
    pub const ALL: [NoteKind; 5] =
        [NoteKind::Rule, NoteKind::Service, NoteKind::Runbook, NoteKind::Technique, NoteKind::List];

    /// The value of `kind` in front matter.
    pub fn as_str(self) -> &'static str {
        match self {
            NoteKind::Rule => "rule",
            NoteKind::Service => "service",
            NoteKind::Runbook => "runbook",
            NoteKind::Technique => "technique",
            NoteKind::List => "list",
        }
    }

    /// The keys of front matter that are read. A technique note has those of whoever wrote it.
    pub fn keys(self) -> &'static [&'static str] {
        match self {
            NoteKind::Rule => rule::KEYS,
            NoteKind::Service => service::KEYS,
            NoteKind::Runbook => runbook::KEYS,
            NoteKind::Technique => &["kind"],
            NoteKind::List => list::KEYS,
        }
    }

    fn named(name: &str) -> Option<NoteKind> {
        NoteKind::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl Note {
    /// Reads a note. This is the one reader of front matter: `check`, `test`, `pack` and the vault use it.
    pub fn read(file: &Arc<str>, text: &str) -> NoteReading {
        let mut findings = Findings::new(file);
        let (kind, note) = read(file, text, &mut findings);
        NoteReading { kind, note, findings: findings.into_list() }
    }
}

impl Note {
    /// The kind that the front matter of a note gives, before anything else of it is read.
    pub(crate) fn kind(text: &str) -> Option<NoteKind> {
        front_matter::split(text).ok()?.guess("kind").and_then(|kind| NoteKind::named(&kind))
    }
}

fn read(file: &Arc<str>, text: &str, findings: &mut Findings) -> (Option<NoteKind>, Option<Note>) {
    let split = match front_matter::split(text) {
        Ok(split) => split,
        Err(missing) => {
            report_missing(missing, findings);
            // Without front matter nothing says what the rest should look like, but a fence that is not
            // closed is wrong in any Markdown.
            Structure::read(text, 0, findings);
            return (None, None);
        }
    };
    let body_start = text.len() - split.body.len();
    let entries = match split.entries() {
        Ok(entries) => entries,
        Err(problem) => {
            let message = format!("the front matter cannot be read: {}", problem.message);
            let help = "write a YAML map, as `kind: rule`, with each key once";
            findings.add(&codes::BROKEN_FRONT_MATTER, problem.span, message, help);
            Structure::read(text, body_start, findings);
            return (split.guess("kind").and_then(|kind| NoteKind::named(&kind)), None);
        }
    };
    let mut keys = Keys { entries: &entries, findings, top: Span::point(1, 1) };
    let kind = keys.kind();
    let note = match kind {
        Some(NoteKind::Rule) => {
            let services = RuleNote::services(&mut keys);
            let structure = Structure::read(text, body_start, findings);
            Some(Note::Rule(rule::rule_note(file, text, services, structure, findings)))
        }
        Some(NoteKind::Service) => Service::read(file, &mut keys).map(Note::Service),
        Some(NoteKind::Runbook) => Runbook::read(file, &mut keys).map(Note::Runbook),
        Some(NoteKind::Technique) => {
            let is_said = keys.has("kind");
            let technique = Technique::read(file, &mut keys).map(Note::Technique);
            if !is_said && technique.is_some() {
                report_rule(file, text, body_start, findings);
            }
            technique
        }
        Some(NoteKind::List) => ListNote::read(file, &mut keys).map(Note::List),
        None => {
            Structure::read(text, body_start, findings);
            None
        }
    };
    (kind, note)
}

/// Reports the first `sigma` block of a note that is taken for a technique note because it has no `kind`.
fn report_rule(file: &Arc<str>, text: &str, body_start: usize, findings: &mut Findings) {
    // Technique notes are anybody's: what else is wrong with their blocks is of no concern.
    let structure = Structure::read(text, body_start, &mut Findings::new(file));
    let is_rule = |info: &str| info.split_ascii_whitespace().next() == Some("sigma");
    if let Some(fence) = structure.fences.iter().find(|fence| is_rule(&fence.info)) {
        let message = "the note has no `kind`, so its rule is not read";
        let help = "write `kind: rule` into the front matter, or `kind: technique` if the rule is only shown";
        findings.add(&codes::RULE_WITHOUT_KIND, fence.span, message, help);
    }
}

fn report_missing(missing: Missing, findings: &mut Findings) {
    let top = Span::point(1, 1);
    match missing {
        Missing::Absent => {
            let message = "the note does not begin with front matter";
            let help = "begin the file with a line `---`, `kind: rule`, `services: []` and another line `---`";
            findings.add(&codes::NO_FRONT_MATTER, top, message, help);
        }
        Missing::Unclosed => {
            let span = Span { end_column: 4, ..top };
            let message = "the front matter is not closed";
            let help = "write a line `---` after its last key";
            findings.add(&codes::UNCLOSED_FRONT_MATTER, span, message, help);
        }
        Missing::Dots(span) => {
            let message = "the front matter ends with `...`";
            let help = "write `---` instead: Obsidian does not end front matter at `...`";
            findings.add(&codes::UNCLOSED_FRONT_MATTER, span, message, help);
        }
    }
}
