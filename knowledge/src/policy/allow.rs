//! What groups of sources may do, as a policy has it: YAML to [`AllowGroup`]s.

use diagnostics::yaml::{Kind, Node};
use diagnostics::{Findings, Span};
use inspect::Mode;
use inspect::network;
use inspect::pack::{HostReach, WHOLE_SHARE};

use super::Word;
use super::map::{Map, list};
use super::read::share;
use crate::codes;

/// The rule that matches what a group's list does not have: added to each pack whose policy has one.
pub const UNLISTED_RULE: &str = include_str!("unlisted.yml");

/// A group of sources, and what it may do.
#[derive(Clone, Debug)]
pub struct AllowGroup {
    /// Its name in events.
    pub name: Word,
    /// Who is in it; empty is everybody.
    pub sources: Vec<Word>,
    /// The mode of everything else that the group does.
    pub default: Mode,
    /// For how many of 10,000 sources.
    pub share: u32,
    /// The ports of entries that list none; empty is 80 and 443, and 443 alone for tunnels.
    pub ports: Vec<(u16, u16)>,
    /// How it may use all hosts that belong to no service; `None` if it may not.
    pub others: Option<AllowOthers>,
    /// What it may do.
    pub entries: Vec<AllowEntry>,
}

/// How a group may use the hosts that belong to no service.
#[derive(Clone, Debug, Default)]
pub struct AllowOthers {
    /// With which methods; empty is any.
    pub methods: Vec<Word>,
    /// At which ports; empty is those of the group.
    pub ports: Vec<(u16, u16)>,
}

/// What a group may do.
#[derive(Clone, Debug)]
pub struct AllowEntry {
    /// With what.
    pub target: AllowTarget,
    /// Where that is written.
    pub target_span: Span,
    /// With which methods; empty is any.
    pub methods: Vec<Word>,
    /// At which ports; empty is those of the group, and for `connect` 443.
    pub ports: Vec<(u16, u16)>,
    /// Whether only tunnels are allowed.
    pub tunnels_only: bool,
}

/// What a group may use.
#[derive(Clone, Debug)]
pub enum AllowTarget {
    /// A service.
    Service {
        /// Its name.
        service: Word,
        /// What may be done; empty is anything.
        operations: Vec<Word>,
        /// Whose part of it; empty is anybody's.
        identities: Vec<Word>,
    },
    /// A host, or names below it.
    Host(String, HostReach),
    /// Addresses, as a range of IPv6 addresses; IPv4 is mapped.
    Network(u128, u128),
}

/// Ranges of ports, each by its first and last.
type Ports = Vec<(u16, u16)>;

/// Reads the list under `allow`.
pub(super) fn groups(node: Option<&Node>, findings: &mut Findings) -> Vec<AllowGroup> {
    list(node, "allow", findings).iter().filter_map(|node| group(node, findings)).collect()
}

fn group(node: &Node, findings: &mut Findings) -> Option<AllowGroup> {
    let keys =
        ["group", "sources", "default", "share", "ports", "services", "hosts", "others", "connect"];
    let mut map = Map::of(node, "a group of `allow`", &keys, findings)?;
    let name = map.text("group");
    let sources = map.words("sources");
    let share = share(&mut map);
    let default = map.mode("default").unwrap_or(Mode::Monitor);
    let ports = ports(&mut map);
    let [services, hosts, connect] = ["services", "hosts", "connect"].map(|key| map.value(key));
    let others = others(&mut map);
    let mut entries = Vec::new();
    for node in list(services, "services", findings) {
        entries.extend(service(node, findings));
    }
    for node in list(hosts, "hosts", findings) {
        entries.extend(hosts_of(node, findings));
    }
    for node in list(connect, "connect", findings) {
        let Some(word) = text(node, "connect", findings) else { continue };
        let entry = host(&word, findings);
        entries.extend(entry.map(|entry| AllowEntry { tunnels_only: true, ..entry }));
    }
    Some(AllowGroup {
        name: name?,
        sources,
        default,
        share: share.unwrap_or(WHOLE_SHARE),
        ports,
        others,
        entries,
    })
}

/// How hosts of no service are allowed: all uses, or those of a map.
fn others(map: &mut Map<'_, '_>) -> Option<AllowOthers> {
    let node = map.value("others")?;
    if matches!(node.kind, Kind::Map(_)) {
        let mut map = Map::of(node, "`others`", &["methods", "ports"], map.findings)?;
        return Some(AllowOthers { methods: map.words("methods"), ports: ports(&mut map) });
    }
    match node.text() {
        Some("true") => Some(AllowOthers::default()),
        Some("false") => None,
        _ => {
            let help = "write `true` to allow all hosts that belong to no service, or how they may be used, as `{methods: [GET, HEAD]}`";
            map.wrong(node.span, "`others` is neither `true` nor `false` nor a map", help);
            None
        }
    }
}

/// A service by its name, or a map of what may be done with it.
fn service(node: &Node, findings: &mut Findings) -> Option<AllowEntry> {
    let (service, operations, identities, methods, ports) = match &node.kind {
        Kind::Map(_) => {
            let keys = ["service", "operations", "identities", "methods", "ports"];
            let mut map = Map::of(node, "an allowed service", &keys, findings)?;
            let [operations, identities, methods] =
                ["operations", "identities", "methods"].map(|key| map.words(key));
            let ports = ports(&mut map);
            (map.text("service")?, operations, identities, methods, ports)
        }
        Kind::Scalar { .. } | Kind::List(_) => {
            (text(node, "services", findings)?, Vec::new(), Vec::new(), Vec::new(), Vec::new())
        }
    };
    Some(AllowEntry {
        target_span: service.span,
        target: AllowTarget::Service { service, operations, identities },
        methods,
        ports,
        tunnels_only: false,
    })
}

/// A host, or a map of hosts and how they may be used.
fn hosts_of(node: &Node, findings: &mut Findings) -> Vec<AllowEntry> {
    if !matches!(node.kind, Kind::Map(_)) {
        let word = text(node, "hosts", findings);
        return word.and_then(|word| host(&word, findings)).into_iter().collect();
    }
    let keys = ["hosts", "methods", "ports"];
    let Some(mut map) = Map::of(node, "an entry of `hosts`", &keys, findings) else {
        return Vec::new();
    };
    let [hosts, methods] = ["hosts", "methods"].map(|key| map.words(key));
    let listed_ports = ports(&mut map);
    if map.value("hosts").is_none() {
        map.wrong(map.span, "an entry of `hosts` lacks `hosts`", "write a host or a list of hosts");
    }
    let mut entries = Vec::new();
    for word in &hosts {
        let Some(mut entry) = host(word, map.findings) else { continue };
        if !entry.ports.is_empty() && !listed_ports.is_empty() {
            let message = "the port is in the host and in `ports`";
            map.wrong(word.span, message, "keep one of them");
        }
        entry.ports.extend(&listed_ports);
        entry.methods.clone_from(&methods);
        entries.push(entry);
    }
    entries
}

fn text(node: &Node, key: &str, findings: &mut Findings) -> Option<Word> {
    let text = node.text().map(str::trim).filter(|text| !text.is_empty());
    if text.is_none() {
        let message = format!("`{key}` contains something that is not a text");
        let help = "write a name, or a map with the keys of an entry";
        findings.add(&codes::BROKEN_POLICY, node.span, message, help);
    }
    Some(Word { text: text?.to_owned(), span: node.span })
}

fn host(word: &Word, findings: &mut Findings) -> Option<AllowEntry> {
    match parse_host(&word.text) {
        Ok((target, ports)) => Some(AllowEntry {
            target,
            target_span: word.span,
            methods: Vec::new(),
            ports,
            tunnels_only: false,
        }),
        Err(why) => {
            let message = format!("`{}` is not a host: {why}", word.text.escape_debug());
            let help = "write a name (`crates.io`), names with one more label (`*.example.org`), all names below (`**.example.org`), an address or a network, each perhaps with a port (`crates.io:8443`, `crates.io:*`)";
            findings.add(&codes::BROKEN_POLICY, word.span, message, help);
            None
        }
    }
}

/// A host or network, and the ports behind it.
fn parse_host(text: &str) -> Result<(AllowTarget, Ports), &'static str> {
    if text.contains("://") {
        return Err("it has a scheme");
    }
    // An IPv6 address without brackets has colons of its own.
    let (name, port) = match (network(text), text.rsplit_once(':')) {
        (Ok(Some((first, last))), _) => return Ok((AllowTarget::Network(first, last), Vec::new())),
        (Err(why), _) => return Err(why),
        (Ok(None), Some((name, port))) => (name, vec![parse_ports(port)?]),
        (Ok(None), None) => (text, Vec::new()),
    };
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    if let Some((first, last)) = network(address)? {
        return Ok((AllowTarget::Network(first, last), port));
    }
    let (reach, name) = match (name.strip_prefix("**."), name.strip_prefix("*.")) {
        (Some(name), _) => (HostReach::Below, name),
        (None, Some(name)) => (HostReach::OneLabel, name),
        (None, None) => (HostReach::Itself, name),
    };
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    if name.contains('/') {
        return Err("it has a path");
    }
    if !name.is_ascii() {
        return Err("write an international name in its form with `xn--`");
    }
    if name.contains('*') {
        return Err("`*` is a whole label at its start");
    }
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(is_letter);
    if name.len() > inspect::limits::MAX_NAME_BYTES || !name.split('.').all(is_label) {
        return Err("it is not a name of DNS");
    }
    Ok((AllowTarget::Host(name, reach), port))
}

/// A port, ports from one to another, or `*` for all.
fn parse_ports(text: &str) -> Result<(u16, u16), &'static str> {
    let port = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
    let range = match (text, text.split_once('-')) {
        ("*", _) => Some((1, u16::MAX)),
        (_, Some((first, last))) => {
            port(first).zip(port(last)).filter(|(first, last)| first <= last)
        }
        (_, None) => port(text).map(|port| (port, port)),
    };
    range.ok_or("its port is not a number from 1 to 65535, a range or `*`")
}

fn ports(map: &mut Map<'_, '_>) -> Ports {
    let mut ports = Vec::new();
    for word in map.words("ports") {
        match parse_ports(&word.text) {
            Ok(range) => ports.push(range),
            Err(_) => {
                let message = format!("`{}` is not a port", word.text.escape_debug());
                map.wrong(word.span, message, "write a number, a range as `8000-8999`, or `*`");
            }
        }
    }
    ports
}
