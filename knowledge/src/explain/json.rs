//! An explanation in JSON. The types here are the wire format; the engine's own may change.

use inspect::{Condition, Node, Pack, Usage, View};
use serde_json::{Value, json};

use super::{ExplainedRule, Explanation, Found, phase_name, truth_name};
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
        "user_agent": explanation.user_agent,
        "readings": explanation.readings.iter().map(|reading| json!({
            "view": reading.view.as_str(),
            "url": reading.url,
            "undone": reading.undone,
        })).collect::<Vec<_>>(),
        "anomalies": explanation.anomalies.iter().map(|anomaly| json!({
            "name": anomaly.as_str(),
            "meaning": anomaly.meaning(),
        })).collect::<Vec<_>>(),
        "action": { "monitor": explanation.monitor, "enforce": explanation.enforce },
        "service": explanation.service,
        "operations": explanation.operations.iter().map(|of| of.as_str()).collect::<Vec<_>>(),
        "usage": explanation.usage.map(Usage::as_str),
        "allow": explanation.allowance,
        "headers": explanation.headers,
        "truncated": explanation.truncated,
        "matches": rules(&explanation.matches),
        "undecided": rules(&explanation.undecided),
        "others": rules(&explanation.others),
        "nearest": rules(&explanation.nearest),
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
        "view": rule.view.map(View::as_str),
        "because": rule.reason(),
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
        Node::Item { label, patterns, evidence, seen } => {
            let evidence = evidence.as_ref().map(|evidence| {
                json!({
                    "pattern": evidence.pattern,
                    "value": printable(&evidence.value),
                    "text": Found::of(evidence).hit,
                })
            });
            let seen: Vec<_> = seen.iter().map(|value| printable(value)).collect();
            json!({ "item": label, "values": patterns, "found": evidence, "request": seen })
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
