//! The policy of a pack, as `tidegate show` prints it: names and hashes as they are in the pack.

use std::fmt::Write;
use std::net::{IpAddr, Ipv6Addr};

use diagnostics::printable;
use inspect::pack::{
    Operation, PolicyTables, Range, Scope, SourceKind, SourcePattern, Tables, WHOLE_SHARE,
};
use inspect::{StrId, Usage};
use knowledge::policy::written;
use serde_json::{Map, Value, json};

/// The policy, in the words of the file that it was compiled from; nothing for a pack without one.
pub(super) fn to_json(tables: &Tables) -> Option<Value> {
    let policy = &tables.policy;
    if !policy.is_given() {
        return None;
    }
    let statements = policy.statements.iter().map(|statement| {
        let mut map = scope(tables, &statement.scope);
        map.insert("name".to_owned(), text(tables, statement.name));
        map.insert("mode".to_owned(), json!(statement.mode.as_str()));
        if statement.share != WHOLE_SHARE {
            let percent = f64::from(statement.share) / f64::from(WHOLE_SHARE) * 100.0;
            map.insert("share".to_owned(), json!(format!("{percent}%")));
        }
        let usages = Usage::ALL.iter().filter(|usage| statement.usages & usage.bit() != 0);
        let usages: Vec<_> = usages.map(|usage| usage.as_str()).collect();
        if !usages.is_empty() {
            map.insert("usage".to_owned(), json!(usages));
        }
        map
    });
    let exceptions = policy.exceptions.iter().map(|exception| {
        let mut map = scope(tables, &exception.scope);
        map.insert("id".to_owned(), text(tables, exception.id));
        map.insert("expires".to_owned(), json!(written(exception.expires)));
        identities(policy, &exception.identities, &mut map);
        map
    });
    let sanctioned = policy.sanctions.iter().map(|sanction| {
        let mut map = scope(tables, &sanction.scope);
        identities(policy, &sanction.identities, &mut map);
        map
    });
    Some(json!({
        "default": policy.default.as_str(),
        "statements": statements.collect::<Vec<_>>(),
        "exceptions": exceptions.collect::<Vec<_>>(),
        "sanctioned": sanctioned.collect::<Vec<_>>(),
    }))
}

/// The policy as lines, one for each entry.
pub(in crate::command) fn to_text(tables: &Tables) -> String {
    let mut lines = String::new();
    let Some(policy) = to_json(tables) else { return lines };
    // Writing to a string cannot fail.
    let _ = writeln!(lines, "policy: default {}", word(policy.get("default")));
    for (list, kind) in
        [("statements", "statement"), ("exceptions", "exception"), ("sanctioned", "sanctioned")]
    {
        let entries = policy.get(list).and_then(Value::as_array);
        for entry in entries.into_iter().flatten().filter_map(Value::as_object) {
            let words = entry.iter().map(|(key, value)| format!("{key} {}", word(Some(value))));
            let _ = writeln!(lines, "  {kind}: {}", words.collect::<Vec<_>>().join("; "));
        }
    }
    lines
}

fn word(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => printable(text.as_bytes()),
        Some(Value::Array(list)) => {
            list.iter().map(|value| word(Some(value))).collect::<Vec<_>>().join(", ")
        }
        _ => String::new(),
    }
}

fn text(tables: &Tables, id: StrId) -> Value {
    json!(tables.str(id))
}

fn scope(tables: &Tables, scope: &Scope) -> Map<String, Value> {
    let (policy, mut map) = (&tables.policy, Map::new());
    let rules = scope.rules.of(&policy.rules).iter();
    let rules =
        rules.filter_map(|id| tables.rules.get(id.index())).map(|rule| text(tables, rule.id));
    let services = scope.services.of(&policy.services).iter();
    let services = services.filter_map(|idx| tables.services.services.get(*idx as usize));
    let services = services.map(|service| text(tables, service.name));
    let sources = scope.sources.of(&policy.sources).iter().map(|it| json!(source(tables, it)));
    let is_listed = |operation: &&Operation| scope.operations & operation.bit() != 0;
    let operations = Operation::ALL.iter().filter(is_listed);
    let operations = operations.map(|operation| json!(operation.as_str()));
    for (key, list) in [
        ("rules", rules.collect::<Vec<_>>()),
        ("services", services.collect()),
        ("operations", operations.collect()),
        ("sources", sources.collect()),
    ] {
        if !list.is_empty() {
            map.insert(key.to_owned(), json!(list));
        }
    }
    map
}

/// Renders hashes as events show them; the hashed text is not in the pack.
fn identities(policy: &PolicyTables, range: &Range, map: &mut Map<String, Value>) {
    let hashes = range.of(&policy.identities).iter().map(|hash| format!("#{hash:016x}"));
    let hashes: Vec<_> = hashes.collect();
    if !hashes.is_empty() {
        map.insert("identities".to_owned(), json!(hashes));
    }
}

fn source(tables: &Tables, pattern: &SourcePattern) -> String {
    let name = tables.str(pattern.name);
    let address = |bits: u128| match Ipv6Addr::from_bits(bits) {
        address if let Some(address) = address.to_ipv4_mapped() => IpAddr::V4(address),
        address => IpAddr::V6(address),
    };
    match pattern.kind {
        SourceKind::Name => name.to_owned(),
        SourceKind::Prefix => format!("{name}*"),
        SourceKind::Network if pattern.first == pattern.last => address(pattern.first).to_string(),
        SourceKind::Network => format!("{}-{}", address(pattern.first), address(pattern.last)),
    }
}
