//! The policy of a pack, as `tidegate show` prints it: names and hashes as they are in the pack.

use std::collections::BTreeMap;
use std::fmt::Write;

use diagnostics::printable;
use inspect::pack::{
    ANY_SERVICE, AllowGroup, AllowTerms, OTHER_OPERATION, Operation, PolicyTables, PortRange,
    Range, Scope, SourceKind, SourcePattern, Tables, WHOLE_SHARE,
};
use inspect::{StrId, Usage};
use knowledge::policy::{written, written_host, written_network};
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
    let allow = policy.allow.groups.iter().enumerate();
    let allow = allow.map(|(idx, group)| allow_group(tables, idx, group));
    let headers = policy.headers.iter().map(|value| {
        let header = tables.services.headers.get(value.header as usize);
        let mut map = Map::new();
        map.insert("name".to_owned(), json!(header.map_or("", |header| tables.str(header.name))));
        let sources = value.sources.of(&policy.sources).iter();
        let sources: Vec<_> = sources.map(|it| json!(source(tables, it))).collect();
        if !sources.is_empty() {
            map.insert("sources".to_owned(), json!(sources));
        }
        map.insert("value".to_owned(), text(tables, value.value));
        map
    });
    let names = policy.credentials.iter().map(|credential| text(tables, credential.name));
    let names: Vec<_> = names.collect();
    let required = policy.credentials_required.iter().flat_map(|range| {
        let sources = range.of(&policy.sources).iter();
        let sources: Vec<_> = sources.map(|it| json!(source(tables, it))).collect();
        if sources.is_empty() { vec![json!("everybody")] } else { sources }
    });
    let required: Vec<_> = required.collect();
    let mut credentials = Map::new();
    for (key, list) in [("clients", names), ("required", required)] {
        if !list.is_empty() {
            credentials.insert(key.to_owned(), json!(list));
        }
    }
    let credentials: Vec<_> = Some(credentials).filter(|map| !map.is_empty()).into_iter().collect();
    Some(json!({
        "default": policy.default.as_str(),
        "allow": allow.collect::<Vec<_>>(),
        "statements": statements.collect::<Vec<_>>(),
        "exceptions": exceptions.collect::<Vec<_>>(),
        "sanctioned": sanctioned.collect::<Vec<_>>(),
        "headers": headers.collect::<Vec<_>>(),
        "credentials": credentials,
    }))
}

/// The policy as lines, one for each entry.
pub(in crate::command) fn to_text(tables: &Tables) -> String {
    let mut lines = String::new();
    let Some(policy) = to_json(tables) else { return lines };
    // Writing to a string cannot fail.
    let _ = writeln!(lines, "policy: default {}", word(policy.get("default")));
    for (list, kind) in [
        ("allow", "allow"),
        ("statements", "statement"),
        ("exceptions", "exception"),
        ("sanctioned", "sanctioned"),
        ("headers", "header"),
        ("credentials", "credentials"),
    ] {
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

/// What a group may do.
fn allow_group(tables: &Tables, idx: usize, group: &AllowGroup) -> Map<String, Value> {
    let allow = &tables.policy.allow;
    let mut map = Map::new();
    map.insert("group".to_owned(), text(tables, group.name));
    let sources = group.sources.of(&tables.policy.sources).iter();
    let sources: Vec<_> = sources.map(|it| json!(source(tables, it))).collect();
    if !sources.is_empty() {
        map.insert("sources".to_owned(), json!(sources));
    }
    let terms = |terms: u32| allow.terms.get(terms as usize).map(|terms| terms_of(tables, terms));
    let mut lists: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for allowed in group.services.of(&allow.services) {
        let service = tables.services.services.get(allowed.service as usize);
        let name = service.map_or("", |service| tables.str(service.name));
        let name = if allowed.service == ANY_SERVICE { "*" } else { name };
        let mut parts = vec![name.to_owned()];
        let operations = Operation::ALL.iter().filter(|it| allowed.operations & it.bit() != 0);
        parts.extend(operations.map(|operation| operation.as_str().to_owned()));
        if allowed.operations & OTHER_OPERATION != 0 {
            parts.push("other".to_owned());
        }
        let identities = allowed.identities.of(&tables.policy.identities).iter();
        parts.extend(identities.map(|hash| format!("#{hash:016x}")));
        parts.extend(terms(allowed.terms).filter(|terms| !terms.is_empty()));
        lists.entry("services").or_default().push(json!(parts.join(" ")));
    }
    let hosts = allow.hosts.iter().filter(|host| host.group as usize == idx);
    let hosts = hosts.map(|host| (written_host(tables.str(host.name), host.reach), host.terms));
    let networks = group.networks.of(&allow.networks).iter();
    let networks =
        networks.map(|network| (written_network(network.first, network.last), network.terms));
    let mut all: Vec<_> = hosts.chain(networks).collect();
    all.sort();
    for (name, terms_idx) in all {
        let is_tunnel = allow.terms.get(terms_idx as usize).is_some_and(|terms| terms.tunnels_only);
        let list = if is_tunnel { "connect" } else { "hosts" };
        let terms = terms(terms_idx).filter(|terms| !terms.is_empty());
        let parts: Vec<_> = std::iter::once(name).chain(terms).collect();
        lists.entry(list).or_default().push(json!(parts.join(" ")));
    }
    if let Some(others) = group.others.of(&allow.terms).first() {
        let terms = terms_of(tables, others);
        let how = if terms.is_empty() { "true".to_owned() } else { terms };
        map.insert("others".to_owned(), json!(how));
    }
    map.extend(lists.into_iter().map(|(key, list)| (key.to_owned(), json!(list))));
    map
}

/// Methods and ports of an entry.
fn terms_of(tables: &Tables, terms: &AllowTerms) -> String {
    let allow = &tables.policy.allow;
    let methods = terms.methods.of(&allow.methods).iter().map(|id| tables.str(*id).to_owned());
    let ports = terms.ports.of(&allow.ports).iter().map(|range| match range {
        PortRange { first: 1, last: u16::MAX } => ":*".to_owned(),
        PortRange { first, last } if first == last => format!(":{first}"),
        PortRange { first, last } => format!(":{first}-{last}"),
    });
    methods.chain(ports).collect::<Vec<_>>().join(" ")
}

fn source(tables: &Tables, pattern: &SourcePattern) -> String {
    let name = tables.str(pattern.name);
    match pattern.kind {
        SourceKind::Name => name.to_owned(),
        SourceKind::Prefix => format!("{name}*"),
        SourceKind::Network => written_network(pattern.first, pattern.last),
    }
}
