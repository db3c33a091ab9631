//! The operations of a service note: what requests do to the service.
//!
//! ```yaml
//! operations:
//!   - name: webhook
//!     hosts: [hooks.slack.com]
//!     methods: [POST]
//!     paths: ["/services/*/*/*", "/triggers/"]
//!     means: Text is posted into a workspace, perhaps a stranger's, without an account.
//!     match: POST https://hooks.slack.com/services/T0EXAMPLE0/B0EXAMPLE0/Example
//!     pass: GET https://hooks.slack.com/services/T0EXAMPLE0/B0EXAMPLE0/Example
//! ```

use std::collections::HashSet;

use diagnostics::front_matter::Entry;
use diagnostics::yaml::{Kind, Node};
use diagnostics::{Findings, Span};
use inspect::pack::Operation;
use traffic::RecordedRequest;

use super::template::{TemplatePart, alternatives, path};
use super::{Host, Keys};
use crate::codes;
use crate::limits::{MAX_HOST_PATTERNS, MAX_OPERATIONS};
use crate::note::Expectation;

/// The keys of an operation.
const KEYS: &[&str] = &["name", "hosts", "methods", "paths", "means", "match", "pass"];

/// What requests do to a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceOperation {
    /// Which of the shared operations it is.
    pub operation: Operation,
    /// The place of its name.
    pub span: Span,
    /// The methods, in capitals; none means any.
    pub methods: Vec<String>,
    /// The hosts, in lower case, each with what is below it; none means those of the service.
    pub hosts: Vec<String>,
    /// The paths, each with what is below it; none means any, and CONNECT, which has none.
    pub paths: Vec<Vec<TemplatePart>>,
    /// What an attacker uses it for.
    pub means: String,
    /// Requests that are this operation, and requests that are not.
    pub examples: Vec<OperationExample>,
}

/// A request in an operation, and whether it is this operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationExample {
    /// What is expected.
    pub expectation: Expectation,
    /// The request.
    pub request: RecordedRequest,
    /// Its place in the note.
    pub span: Span,
}

/// Reads `operations`.
pub(super) fn operations(keys: &mut Keys<'_, '_>, hosts: &[Host]) -> Vec<ServiceOperation> {
    let help =
        "write a list, as `operations: [{name: upload, methods: [POST], paths: [/files], ...}]`";
    let list = match keys.value("operations") {
        None => return Vec::new(),
        Some(Node { kind: Kind::List(list), .. }) => list,
        Some(_) => {
            keys.wrong("operations", "`operations` is not a list", help);
            return Vec::new();
        }
    };
    if let Some(beyond) = list.get(MAX_OPERATIONS) {
        let message = format!("the service has more than {MAX_OPERATIONS} operations");
        let help = "list several methods and paths in one operation";
        keys.findings().add(&codes::BROKEN_OPERATION, beyond.span, message, help);
        return Vec::new();
    }
    let hosts = HostsOfService::of(hosts);
    let read = |node: &Node| {
        let Kind::Map(map) = &node.kind else {
            keys.findings().add(&codes::WRONG_KEY, node.span, "an operation is not a map", help);
            return None;
        };
        let entries = entries(map, keys.findings());
        let top = Span::point(node.span.line, node.span.column);
        let mut keys = Keys { entries: &entries, findings: keys.findings(), top };
        operation(&mut keys, &hosts)
    };
    list.iter().filter_map(read).collect()
}

/// The hosts of a service, to be asked which names they cover.
struct HostsOfService<'h> {
    names: HashSet<&'h str>,
    patterns: Vec<&'h Host>,
}

impl<'h> HostsOfService<'h> {
    fn of(hosts: &'h [Host]) -> HostsOfService<'h> {
        let is_name = |host: &&Host| host.parts.is_empty();
        let (names, patterns): (Vec<_>, Vec<_>) = hosts.iter().partition(is_name);
        HostsOfService { names: names.iter().map(|host| host.text.as_str()).collect(), patterns }
    }

    /// Returns true if a host of the service is `name`, or `name` is below it.
    fn cover(&self, name: &str) -> bool {
        let above = name.match_indices('.').filter_map(|(at, _)| name.get(at + 1..));
        std::iter::once(name).chain(above).any(|name| self.names.contains(name))
            || self.patterns.iter().take(MAX_HOST_PATTERNS).any(|host| host.covers(name))
    }
}

/// The keys of a map; one that is there twice is reported.
pub(super) fn entries(map: &[(Node, Node)], findings: &mut Findings) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut seen = HashSet::new();
    for (key, value) in map {
        let name = key.text().unwrap_or_default().to_owned();
        if seen.insert(name.clone()) {
            entries.push(Entry { key: name, span: key.span, value: value.clone() });
        } else {
            let message = format!("duplicate key `{}`", name.escape_debug());
            findings.add(&codes::WRONG_KEY, key.span, message, "keep one of them");
        }
    }
    entries
}

/// Reads one operation; `None` where it has no name.
fn operation(keys: &mut Keys<'_, '_>, of_service: &HostsOfService<'_>) -> Option<ServiceOperation> {
    keys.refuse_unknown(KEYS);
    let name = keys.required("name", "write one of the shared names, as `name: upload`")?;
    let span = keys.place("name");
    let operation = Operation::from_name(&name);
    if operation.is_none() {
        let names = Operation::ALL.iter().map(|operation| operation.as_str());
        let help = match diagnostics::closest(&name, names.clone()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the operations are {}", names.collect::<Vec<_>>().join(", ")),
        };
        let message = format!("there is no operation `{}`", name.escape_debug());
        keys.findings().add(&codes::BROKEN_OPERATION, span, message, help);
    }
    let methods = methods(keys);
    let hosts = hosts(keys, of_service);
    let help = "write paths, as `paths: [\"/bot*/sendDocument\"]`";
    let mut paths = Vec::new();
    for (text, span) in keys.texts("paths", help) {
        let read =
            alternatives(text).and_then(|texts| texts.iter().map(|text| path(text)).collect());
        match read {
            Ok::<Vec<_>, _>(templates) => paths.extend(templates),
            Err(why) => keys.findings().add(&codes::BROKEN_OPERATION, span, why, help),
        }
    }
    let help = "write what an attacker uses it for, as `means: Stolen files are sent to a bot.`";
    let means = keys.required("means", help).unwrap_or_default();
    let mut examples = Vec::new();
    for (key, expectation) in [("match", Expectation::Match), ("pass", Expectation::Pass)] {
        let help = match expectation {
            Expectation::Match => {
                "write a request that is this operation, as `match: POST https://drop.example/files`"
            }
            Expectation::Pass => {
                "write a request that is not, as `pass: GET https://drop.example/files`"
            }
        };
        requests(keys, key, help, |request, span| {
            examples.push(OperationExample { expectation, request, span });
        });
    }
    let operation = operation?;
    Some(ServiceOperation { operation, span, methods, hosts, paths, means, examples })
}

fn methods(keys: &mut Keys<'_, '_>) -> Vec<String> {
    let help = "write methods, as `methods: [POST, PUT]`";
    let mut methods = Vec::new();
    for (text, span) in keys.texts("methods", help) {
        let is_method = |char: char| char.is_ascii_uppercase() || "-_".contains(char);
        if text.chars().all(is_method) {
            methods.push(text.to_owned());
        } else {
            let message = format!("`{}` is not a method", text.escape_debug());
            keys.findings().add(&codes::BROKEN_OPERATION, span, message, help);
        }
    }
    methods
}

fn hosts(keys: &mut Keys<'_, '_>, of_service: &HostsOfService<'_>) -> Vec<String> {
    let help = "write hosts of the service, or names below them, as `hosts: [hooks.slack.com]`";
    let mut hosts = Vec::new();
    for (text, span) in keys.texts("hosts", help) {
        let texts = alternatives(&text.to_ascii_lowercase());
        let is_plain = |host: &String| !host.contains(['*', '{', '/']);
        let Some(texts) = texts.ok().filter(|texts| texts.iter().all(is_plain)) else {
            let message = format!("`{}` is not a host name", text.escape_debug());
            keys.findings().add(&codes::BROKEN_OPERATION, span, message, help);
            continue;
        };
        if let Some(foreign) = texts.iter().find(|host| !of_service.cover(host)) {
            let message = format!("`{}` is not a host of the service", foreign.escape_debug());
            let help = "list the host in `hosts` of the service, or correct its name";
            keys.findings().add(&codes::BROKEN_OPERATION, span, message, help);
        }
        hosts.extend(texts);
    }
    hosts
}

/// Reads the requests of a key: one text, or a list of them. At least one has to be there.
fn requests(
    keys: &mut Keys<'_, '_>,
    key: &str,
    help: &str,
    mut take: impl FnMut(RecordedRequest, Span),
) {
    let nodes = match keys.value(key) {
        None => {
            keys.wrong(key, format!("the operation lacks `{key}`"), help);
            return;
        }
        Some(Node { kind: Kind::List(list), .. }) if !list.is_empty() => list.as_slice(),
        Some(node) => std::slice::from_ref(node),
    };
    for node in nodes {
        let text = node.text().unwrap_or_default().trim();
        let head = match text.split(' ').count() {
            2 => format!("{text} HTTP/1.1"),
            _ => text.to_owned(),
        };
        let mut of_head = Findings::new(keys.findings().file());
        match traffic::head::read(&head, &mut of_head) {
            Some(request) if of_head.n_errors() == 0 => take(request, node.span),
            _ => {
                let found = of_head.into_list();
                let why = found.first().map_or("", |finding| &finding.diagnostic.message);
                let message = match why {
                    "" => format!("`{key}` is not a request"),
                    why => format!("`{key}` is not a request: {why}"),
                };
                keys.findings().add(&codes::BROKEN_OPERATION, node.span, message, help);
            }
        }
    }
}
