//! Documents: which kind each one is, and how `action` joins several.
//!
//! `action: global` gives values to all rules behind it, until `action: reset`; `action: repeat` reads
//! the rule before it again, with other values. As in pySigma, maps are joined key by key, what the
//! later or the global document says wins, and correlations and filters take nothing from a global one.

use super::Reader;
use crate::codes;
use diagnostics::limits::MAX_REPEATED_YAML_NODES;
use diagnostics::yaml::{self, Kind, Node};

/// What one document is.
pub(super) enum Document {
    Rule(Node),
    Correlation(Node),
    Filter(Node),
    /// It says something about others.
    Nothing,
    /// It was refused.
    Refused,
}

/// What earlier documents left behind.
#[derive(Default)]
pub(super) struct Collection {
    global: Option<Node>,
    previous: Option<Node>,
    /// Nodes of all documents that were joined from others, so that none is repeated without end.
    n_nodes: usize,
}

impl Collection {
    /// Returns true if a document was read together with what another says.
    pub(super) fn has_joined(&self) -> bool {
        self.n_nodes > 0
    }

    /// Takes the next document.
    pub(super) fn take(&mut self, reader: &mut Reader<'_, '_>, document: &Node) -> Document {
        let action = entry(document, "action");
        let Some((key, value)) = action else {
            if entry(document, "correlation").is_some() {
                return Document::Correlation(document.clone());
            }
            if entry(document, "filter").is_some() {
                return Document::Filter(document.clone());
            }
            let Some(global) = &self.global else {
                self.previous = Some(document.clone());
                return Document::Rule(document.clone());
            };
            return self.joined_rule(reader, joined(document, global));
        };
        match value.text() {
            Some("global") => {
                let global = without_action(document);
                self.previous = Some(global.clone());
                self.global = Some(global);
                Document::Nothing
            }
            Some("reset") => {
                self.global = None;
                Document::Nothing
            }
            Some("repeat") => {
                let Some(previous) = &self.previous else {
                    let message = "there is no rule before this one to repeat".into();
                    let help = "put a rule before it, or remove `action`";
                    reader.refuse(&codes::NOTHING_TO_REPEAT, key.span, message, help);
                    return Document::Refused;
                };
                let mut rule = joined(previous, &without_action(document));
                rule.span = document.span;
                self.joined_rule(reader, rule)
            }
            _ => {
                let shown = value.text().unwrap_or("this").to_owned();
                let message = format!("`{shown}` is not an action");
                let help = "use `global`, `reset` or `repeat`; or remove `action`";
                reader.refuse(&codes::UNKNOWN_ACTION, value.span, message, help);
                Document::Refused
            }
        }
    }

    fn joined_rule(&mut self, reader: &mut Reader<'_, '_>, rule: Node) -> Document {
        self.n_nodes += n_nodes(&rule);
        if self.n_nodes > MAX_REPEATED_YAML_NODES {
            let diagnostic = yaml::too_large(&reader.source.written(), rule.span);
            reader.refuse(
                diagnostic.code,
                rule.span,
                diagnostic.message,
                "write the rules without `action`",
            );
            return Document::Refused;
        }
        self.previous = Some(rule.clone());
        Document::Rule(rule)
    }
}

/// An entry of a document by its key.
fn entry<'n>(document: &'n Node, name: &str) -> Option<(&'n Node, &'n Node)> {
    let Kind::Map(map) = &document.kind else { return None };
    map.iter().find(|(key, _)| key.text() == Some(name)).map(|(key, value)| (key, value))
}

fn without_action(document: &Node) -> Node {
    let mut document = document.clone();
    if let Kind::Map(map) = &mut document.kind {
        map.retain(|(key, _)| key.text() != Some("action"));
    }
    document
}

/// A map with the values of another: those of `over` win.
fn joined(under: &Node, over: &Node) -> Node {
    let (Kind::Map(below), Kind::Map(above)) = (&under.kind, &over.kind) else {
        return over.clone();
    };
    let mut map = below.clone();
    for (key, value) in above {
        let same =
            |(other, _): &&mut (Node, Node)| other.text().is_some() && other.text() == key.text();
        match map.iter_mut().find(same) {
            Some((_, given)) => *given = joined(given, value),
            None => map.push((key.clone(), value.clone())),
        }
    }
    Node { span: under.span, kind: Kind::Map(map) }
}

fn n_nodes(node: &Node) -> usize {
    1 + match &node.kind {
        Kind::Scalar { .. } => 0,
        Kind::List(list) => list.iter().map(n_nodes).sum(),
        Kind::Map(map) => map.iter().map(|(key, value)| n_nodes(key) + n_nodes(value)).sum(),
    }
}
