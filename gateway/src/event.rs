//! The gateway's events: their schema, and their mappings to ECS and OCSF.
//!
//! The filter writes an event as one line of JSON. [`schema::FIELDS`] lists its fields; `docs/events.md` is
//! generated from that table, and events of a real gateway are checked against it. Mappings read the JSON
//! and not the filter's types: they know only what the table lists.

mod ecs;
mod ocsf;
pub mod schema;
mod unique_keys;

use diagnostics::printable_json;
use serde_json::Value;

use unique_keys::UniqueKeys;

/// The beginning of an event.
const START: &str = "{\"event\":\"tidegate.match\"";

/// The beginning of an event that Envoy escaped (`--log-format-escaped`).
const ESCAPED_START: &str = r#"{\"event\":\"tidegate.match\""#;

/// A schema of events that security tools read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// The Elastic Common Schema, 9.4.
    Ecs,
    /// The Open Cybersecurity Schema Framework, 1.8: HTTP Activity (4002), or Network Activity (4001)
    /// for connections whose HTTP is not seen, both with the profile `security_control`.
    Ocsf,
}

/// Returns the events of a line: the line itself, or what follows the prefix of Envoy's log.
///
/// An event is at the beginning of the line, or behind what Envoy and Istio write in front of it (`is_prefix`),
/// and nowhere else: any other text is another program's line, and an event in it is what a client wrote there.
/// Text after an event is skipped, because some collectors append to what they collect. Two events follow each
/// other where a line break was lost. Events that Envoy escaped as C does are unescaped.
///
/// An event that begins but is not valid JSON, as in a line that was cut, or that has a key twice, is an
/// error and the last item.
pub fn find(line: &str) -> Vec<Result<Value, serde_json::Error>> {
    let mut events = Vec::new();
    let unescaped;
    let mut rest = line;
    if let Some((prefix, _)) = line.split_once(ESCAPED_START)
        && is_prefix(prefix)
    {
        unescaped = unescape(line.get(prefix.len()..).unwrap_or_default());
        rest = &unescaped;
    }
    while let Some((prefix, _)) = rest.split_once(START) {
        if !is_prefix(prefix) {
            break;
        }
        let text = rest.get(prefix.len()..).unwrap_or_default();
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<UniqueKeys>();
        let Some(event) = values.next() else { break };
        let is_broken = event.is_err();
        events.push(event.map(|UniqueKeys(value)| value));
        if is_broken {
            break;
        }
        rest = text.get(values.byte_offset()..).unwrap_or_default();
    }
    events
}

/// Returns true if text names an event where [`find`] would find one, or elsewhere: an event that is lost between
/// the log and a reader, or that a client wrote.
pub fn is_named(text: &str) -> bool {
    text.contains(START) || text.contains(ESCAPED_START) || text.contains(NESTED_START)
}

/// The beginning of an event in a text of JSON in another one.
const NESTED_START: &str = r#"{\\\"event\\\":\\\"tidegate.match\\\""#;

/// Returns true if text before an event is what Envoy writes in front of a line of its log: nothing, or
/// `[2026-11-30 08:00:00.000][7][warning][wasm] [context.cc:1154] wasm log tidegate: `, or Istio's form of it with
/// tabs. The native module has no `wasm log`, and a format of the log (`--log-format %v`) may have only that. The
/// same may follow an event without a line break.
///
/// Where a client's text is at the beginning of another program's lines, it can write this, too.
fn is_prefix(text: &str) -> bool {
    let text = text.trim_start();
    if text.is_empty() {
        return true;
    }
    let (before, has_name) = match text.split_once("wasm log") {
        Some((before, name)) => match name.strip_suffix(": ") {
            // The names of a plugin and of its root, with blanks between them.
            Some(name) if is_name(name) => (before, true),
            _ => return false,
        },
        None => (text, false),
    };
    if before.is_empty() {
        return has_name;
    }
    is_in_brackets(before) || is_of_istio(before)
}

/// Returns true for names of plugins: `tidegate`, `istio-system.egress tidegate`.
fn is_name(text: &str) -> bool {
    text.len() <= MAX_NAME_BYTES
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" ._/-".contains(&byte))
}

/// Longest names of a plugin in a prefix.
const MAX_NAME_BYTES: usize = 256;

/// Returns true for `[2026-11-30 08:00:00.000][7][warning][wasm] [context.cc:1154] `.
fn is_in_brackets(text: &str) -> bool {
    let mut rest = text;
    let mut n_groups = 0;
    while let Some((group, behind)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let is_first = n_groups == 0;
        let is_time = group.starts_with(|first: char| first.is_ascii_digit());
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b" -:./_,+".contains(&byte);
        if is_first && !is_time || group.is_empty() || !group.bytes().all(is_plain) {
            return false;
        }
        n_groups += 1;
        rest = behind.trim_start_matches(' ');
    }
    rest.is_empty() && (1..=MAX_GROUPS).contains(&n_groups)
}

/// Most groups in brackets: time, thread, level, name and place.
const MAX_GROUPS: usize = 5;

/// Returns true for `2026-11-30T08:00:00.000000Z<tab>warning<tab>envoy wasm context.cc:1154<tab>`.
fn is_of_istio(text: &str) -> bool {
    let mut fields = text.split('\t');
    let is_time = |time: &str| {
        time.starts_with(|first: char| first.is_ascii_digit())
            && time.ends_with('Z')
            && time.bytes().all(|byte| byte.is_ascii_digit() || b"-:.TZ".contains(&byte))
    };
    let is_level =
        |level: &str| !level.is_empty() && level.bytes().all(|byte| byte.is_ascii_lowercase());
    fields.next().is_some_and(is_time)
        && fields.next().is_some_and(is_level)
        && fields.next().is_some_and(|place| place.starts_with("envoy ") && is_place(place))
        && fields.next() == Some("")
        && fields.next().is_none()
}

fn is_place(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" -:./_".contains(&byte))
}

/// Returns an event as one line of JSON in which no character moves or hides what follows it.
pub fn to_line(event: &Value) -> String {
    printable_json(&event.to_string())
}

/// Resolves the escapes of C that Envoy writes: signs, and bytes in octal.
fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes().peekable();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let mut octal: Option<u32> = None;
        for _ in 0..3 {
            let Some(digit) = rest.next_if(|byte| matches!(byte, b'0'..=b'7')) else { break };
            octal = Some(octal.unwrap_or_default() * 8 + u32::from(digit - b'0'));
        }
        if let Some(byte) = octal {
            bytes.push(u8::try_from(byte).unwrap_or(b'?'));
            continue;
        }
        match rest.next() {
            Some(b'n') => bytes.push(b'\n'),
            Some(b'r') => bytes.push(b'\r'),
            Some(b't') => bytes.push(b'\t'),
            Some(byte) => bytes.push(byte),
            None => bytes.push(b'\\'),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Converts an event to another schema.
pub fn convert(event: &Value, dialect: Dialect) -> Value {
    match dialect {
        Dialect::Ecs => ecs::map(event),
        Dialect::Ocsf => ocsf::map(event),
    }
}

/// A field by its path, as `request.host`.
fn at<'e>(event: &'e Value, path: &str) -> Option<&'e Value> {
    path.split('.').try_fold(event, |value, key| value.get(key))
}

fn text<'e>(event: &'e Value, path: &str) -> Option<&'e str> {
    at(event, path)?.as_str()
}

fn number(event: &Value, path: &str) -> Option<u64> {
    at(event, path)?.as_u64()
}

/// The elements of a list that are texts.
fn texts<'e>(event: &'e Value, path: &str) -> Vec<&'e str> {
    let list = at(event, path).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).collect()
}

fn rules(event: &Value) -> &[Value] {
    at(event, "rules").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The levels of Sigma, from the lowest.
const LEVELS: [&str; 5] = ["informational", "low", "medium", "high", "critical"];

/// Returns the rank of a rule's level, from 1; 0 without a level.
fn rank(rule: &Value) -> usize {
    let level = text(rule, "level");
    LEVELS.iter().position(|known| Some(*known) == level).map_or(0, |idx| idx + 1)
}

/// Returns the rule that names an event: the first of the highest level.
fn first_rule(event: &Value) -> Option<&Value> {
    rules(event).iter().rev().max_by_key(|rule| rank(rule))
}

/// The titles of all rules, for people.
fn reason(event: &Value) -> String {
    let titles = rules(event).iter().filter_map(|rule| text(rule, "title"));
    titles.collect::<Vec<_>>().join("; ")
}

/// ATT&CK's tactics as Sigma's tags name them, with their ids and names.
const TACTICS: &[(&str, &str, &str)] = &[
    ("reconnaissance", "TA0043", "Reconnaissance"),
    ("resource-development", "TA0042", "Resource Development"),
    ("initial-access", "TA0001", "Initial Access"),
    ("execution", "TA0002", "Execution"),
    ("persistence", "TA0003", "Persistence"),
    ("privilege-escalation", "TA0004", "Privilege Escalation"),
    ("defense-evasion", "TA0005", "Defense Evasion"),
    ("credential-access", "TA0006", "Credential Access"),
    ("discovery", "TA0007", "Discovery"),
    ("lateral-movement", "TA0008", "Lateral Movement"),
    ("collection", "TA0009", "Collection"),
    ("exfiltration", "TA0010", "Exfiltration"),
    ("command-and-control", "TA0011", "Command and Control"),
    ("impact", "TA0040", "Impact"),
];

/// The tactics that the rules are tagged with, each once, in the order of [`TACTICS`].
fn tactics(event: &Value) -> Vec<(&'static str, &'static str)> {
    let tags: Vec<_> = rules(event).iter().flat_map(|rule| texts(rule, "tags")).collect();
    let is_named = |name: &str| {
        let tags = tags.iter().filter_map(|tag| tag.strip_prefix("attack."));
        tags.into_iter().any(|tag| tag.replace('_', "-") == name)
    };
    let named = TACTICS.iter().filter(|(name, ..)| is_named(name));
    named.map(|(_, id, title)| (*id, *title)).collect()
}

/// The path template in two: before and behind the question mark.
fn path(event: &Value) -> Option<(&str, Option<&str>)> {
    let path = text(event, "request.path")?;
    Some(path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query))))
}

/// The host in two: name or address without brackets, and port.
fn host(event: &Value) -> Option<(&str, Option<u16>)> {
    let host = text(event, "request.host").filter(|host| !host.is_empty())?;
    if let Some((name, rest)) = host.strip_prefix('[').and_then(|host| host.split_once(']')) {
        return Some((name, rest.strip_prefix(':').and_then(|port| port.parse().ok())));
    }
    match host.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') => match port.parse() {
            Ok(port) => Some((name, Some(port))),
            Err(_) => Some((host, None)),
        },
        _ => Some((host, None)),
    }
}

/// The address, if the text is one.
fn ip(text: &str) -> Option<&str> {
    text.parse::<std::net::IpAddr>().is_ok().then_some(text)
}

/// Sets a value deep in an object, and creates the objects on the way.
fn set(object: &mut Value, path: &str, value: impl Into<Value>) {
    let mut place = object;
    for key in path.split('.') {
        if !place.is_object() {
            *place = Value::Object(serde_json::Map::new());
        }
        let Value::Object(map) = place else { return };
        place = map.entry(key).or_insert(Value::Null);
    }
    *place = value.into();
}

/// Sets a value if there is one.
fn put<V: Into<Value>>(object: &mut Value, path: &str, value: Option<V>) {
    if let Some(value) = value {
        set(object, path, value);
    }
}

#[cfg(test)]
mod tests;
