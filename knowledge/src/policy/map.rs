//! A YAML map whose keys are known.

use std::collections::HashSet;

use diagnostics::yaml::{Kind, Node};
use diagnostics::{Findings, Span, closest};
use inspect::Mode;

use crate::codes;

use super::Word;

/// A map that is being read; what is not understood is reported.
pub(super) struct Map<'n, 'f> {
    pub(super) span: Span,
    what: &'static str,
    entries: &'n [(Node, Node)],
    pub(super) findings: &'f mut Findings,
}

impl<'n, 'f> Map<'n, 'f> {
    /// The map that a node is, if it is one. `what` names it for people, as `a statement`.
    pub(super) fn of(
        node: &'n Node,
        what: &'static str,
        keys: &[&str],
        findings: &'f mut Findings,
    ) -> Option<Self> {
        let Kind::Map(entries) = &node.kind else {
            let help = format!("write the keys `{}`", keys.join("`, `"));
            findings.add(&codes::BROKEN_POLICY, node.span, format!("{what} is not a map"), help);
            return None;
        };
        let mut seen = HashSet::new();
        for (key, _) in entries {
            let name = key.text().unwrap_or_default();
            if !keys.contains(&name) {
                let message = format!("{what} has no key `{}`", name.escape_debug());
                let help = match closest(name, keys.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("the keys are `{}`", keys.join("`, `")),
                };
                findings.add(&codes::UNKNOWN_POLICY_KEY, key.span, message, help);
            } else if !seen.insert(name) {
                let message = format!("`{name}` is there twice");
                findings.add(&codes::BROKEN_POLICY, key.span, message, "keep one of them");
            }
        }
        Some(Map { span: node.span, what, entries, findings })
    }

    pub(super) fn value(&self, key: &str) -> Option<&'n Node> {
        self.entries.iter().find(|(name, _)| name.text() == Some(key)).map(|(_, value)| value)
    }

    /// Tells that a value is not what it has to be.
    pub(super) fn wrong(&mut self, span: Span, message: impl Into<String>, help: &str) {
        self.findings.add(&codes::BROKEN_POLICY, span, message, help);
    }

    /// A text that has to be there.
    pub(super) fn text(&mut self, key: &'static str) -> Option<Word> {
        let found = self.value(key);
        match found.and_then(Node::text).filter(|text| !text.trim().is_empty()) {
            Some(text) => {
                let span = found.map_or(self.span, |node| node.span);
                Some(Word { text: text.to_owned(), span })
            }
            None => {
                let what = self.what;
                let span =
                    found.map_or(Span::point(self.span.line, self.span.column), |it| it.span);
                self.wrong(span, format!("{what} lacks `{key}`"), "write a text");
                None
            }
        }
    }

    /// A list of texts; a single text is a list of one. Empty where the key is missing; an
    /// empty list is refused, for it would restrict nothing where somebody meant to.
    pub(super) fn words(&mut self, key: &'static str) -> Vec<Word> {
        let Some(node) = self.value(key) else { return Vec::new() };
        let nodes = match &node.kind {
            Kind::List(list) => list.as_slice(),
            Kind::Scalar { .. } | Kind::Map(_) => std::slice::from_ref(node),
        };
        if nodes.is_empty() {
            self.wrong(
                node.span,
                format!("`{key}` is an empty list"),
                "leave the key out, or fill it",
            );
        }
        let mut words = Vec::new();
        for item in nodes {
            match item.text().filter(|text| !text.trim().is_empty()) {
                Some(text) => words.push(Word { text: text.to_owned(), span: item.span }),
                None => {
                    let message = format!("`{key}` contains something that is not a text");
                    self.wrong(item.span, message, "write a list of texts");
                }
            }
        }
        words
    }

    /// A mode.
    pub(super) fn mode(&mut self, key: &'static str) -> Option<Mode> {
        let node = self.value(key)?;
        let text = node.text().unwrap_or_default();
        let found = Mode::ALL.iter().copied().find(|mode| mode.as_str() == text);
        if found.is_none() {
            let message = format!("`{}` is no mode", text.escape_debug());
            // YAML 1.1 reads `off` as false; this is YAML 1.2, where it is a text.
            self.wrong(node.span, message, "write `off`, `monitor` or `enforce`");
        }
        found
    }
}

/// The elements of a list, or nothing where it is not a list, which is reported.
pub(super) fn list<'n>(node: Option<&'n Node>, key: &str, findings: &mut Findings) -> &'n [Node] {
    match node.map(|node| (&node.kind, node.span)) {
        None => &[],
        Some((Kind::List(list), _)) => list,
        Some((_, span)) => {
            let message = format!("`{key}` is not a list");
            findings.add(&codes::BROKEN_POLICY, span, message, "begin each entry with `- `");
            &[]
        }
    }
}
