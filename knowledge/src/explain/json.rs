//! An explanation in JSON. The types here are the wire format; the engine's own may change.

use inspect::{Condition, Node, Pack};
use serde_json::{Value, json};

use super::{ExplainedRule, Explanation, phase_name, truth_name};
use diagnostics::printable;

/// The format of [`to_json`]; grows when a reader would have to change.
const FORMAT: u32 = 1;

/// Explanations of one pack's verdicts, as one JSON object.
pub fn to_json(pack: &Pack, explanations: &[Explanation]) -> Value {
    let tables = pack.tables();
    json!({
        "format": FORMAT,
        "pack": {
            "name": tables.name,
            "version": tables.version,
            "hash": pack.hash().to_string(),
        },
        "requests": explanations.iter().map(explanation).collect::<Vec<_>>(),
    })
}

fn explanation(explanation: &Explanation) -> Value {
    let rules = |rules: &[ExplainedRule]| rules.iter().map(rule).collect::<Vec<_>>();
    json!({
        "request": explanation.request,
        "action": { "monitor": explanation.monitor, "enforce": explanation.enforce },
        "service": explanation.service,
        "operations": explanation.operations,
        "usage": explanation.usage,
        "allow": explanation.allowance,
        "truncated": explanation.truncated,
        "matches": rules(&explanation.matches),
        "undecided": rules(&explanation.undecided),
        "others": rules(&explanation.others),
    })
}

fn rule(rule: &ExplainedRule) -> Value {
    json!({
        "id": rule.id,
        "title": rule.title,
        "author": rule.author,
        "status": rule.status,
        "level": rule.level,
        "phase": phase_name(rule.phase),
        "tags": rule.tags,
        "policy": rule.ruling.as_ref().map(|ruling| json!({
            "mode": ruling.mode,
            "statement": ruling.statement,
            "exception": ruling.exception,
            "expired_exception": ruling.expired_exception,
        })),
        "condition": condition(&rule.condition),
    })
}

fn condition(of: &Condition) -> Value {
    let mut value = match &of.node {
        Node::All(parts) => json!({ "all": parts.iter().map(condition).collect::<Vec<_>>() }),
        Node::Any(parts) => json!({ "any": parts.iter().map(condition).collect::<Vec<_>>() }),
        Node::Not(part) => json!({ "not": condition(part) }),
        Node::Item { label, patterns, evidence } => {
            let evidence = evidence.as_ref().map(|evidence| {
                json!({ "pattern": evidence.pattern, "value": printable(&evidence.value) })
            });
            json!({ "item": label, "values": patterns, "found": evidence })
        }
    };
    if let Some(object) = value.as_object_mut() {
        object.insert("truth".to_owned(), truth_name(of.truth).into());
        if let Some(name) = &of.name {
            object.insert("name".to_owned(), name.as_str().into());
        }
    }
    value
}
