//! Service notes: the one place that knows a service's hosts, operations, identities, secrets and clients.
//!
//! ```yaml
//! hosts: [hooks.slack.com, slack.com]
//! identity:
//!   - hooks.slack.com/services/{tenant}/{app}/{secret}
//! clients: ["Slack_SSB/"]
//! operations:
//!   - {name: webhook, hosts: [hooks.slack.com], methods: [POST], paths: [/services/], ...}
//! ```
//!
//! docs/services.md describes the keys.

mod header;
mod operation;
mod tables;
mod template;

use std::collections::HashSet;
use std::sync::Arc;

use diagnostics::yaml::{Kind, Node};
use diagnostics::{Findings, Span};

use super::Keys;
use crate::codes;
use crate::limits::MAX_HOST_PATTERNS;
pub use header::TenantHeader;
pub use operation::{OperationExample, ServiceOperation};
pub(crate) use tables::add;
pub(crate) use template::lookup_name;
pub use template::{SECRETS, TemplatePart};
use template::{alternatives, template};

/// The keys that are read; others belong to whoever wrote them.
pub(super) const KEYS: &[&str] = &[
    "kind",
    "service",
    "category",
    "hosts",
    "techniques",
    "identity",
    "public",
    "clients",
    "operations",
    "headers",
];

/// A service as its note describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// The name of its note's file.
    pub file: Arc<str>,
    /// Its name.
    pub name: String,
    /// The place of the name's key.
    pub name_span: Span,
    /// What it is, as `messaging`; empty where the note does not say.
    pub category: String,
    /// Its hosts: each means itself and all names below it.
    pub hosts: Vec<Host>,
    /// The techniques that abuse it, as `T1102.002`.
    pub techniques: Vec<String>,
    /// What its URLs look like. Of those for one host the first that fits counts.
    pub templates: Vec<Template>,
    /// How the user agents of its own clients start, in lower case.
    pub clients: Vec<String>,
    /// What requests do to it.
    pub operations: Vec<ServiceOperation>,
    /// How its vendor lets a network restrict the tenants that it may use.
    pub headers: Vec<TenantHeader>,
}

/// What URLs of a service look like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// Its parts.
    pub parts: Vec<TemplatePart>,
    /// The namespace of the tenants that it names: one name in two namespaces is two tenants. `None` for
    /// URLs where anybody may put something, which name no tenant.
    pub namespace: Option<String>,
}

/// A host of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Its text in lower case.
    pub text: String,
    /// Its parts where it contains `*`, which is one label or a part of one; else empty.
    pub parts: Vec<TemplatePart>,
}

impl Host {
    /// Returns true if the host means `name`: it is `name`, or `name` is below it.
    pub fn covers(&self, name: &str) -> bool {
        if self.parts.is_empty() {
            let rest = name.strip_suffix(&self.text);
            return rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        }
        // From the last label to the first: a `*` is within one label.
        let mut wanted = self.text.rsplit('.');
        let mut given = name.rsplit('.');
        wanted.all(|wanted| given.next().is_some_and(|given| label_fits(wanted, given)))
    }
}

/// Returns true if a label fits one with `*`, each of which is at least a byte.
fn label_fits(wanted: &str, given: &str) -> bool {
    let Some((before, behind)) = wanted.split_once('*') else { return wanted == given };
    given.strip_prefix(before).is_some_and(|rest| {
        rest.char_indices()
            .skip(1)
            .map(|(at, _)| at)
            .chain([rest.len()])
            .any(|at| at > 0 && rest.get(at..).is_some_and(|rest| label_fits(behind, rest)))
    })
}

impl Service {
    /// Reads the front matter of a service note.
    pub(crate) fn read(file: &Arc<str>, keys: &mut Keys<'_, '_>) -> Option<Service> {
        keys.refuse_misspelt(KEYS);
        let name =
            keys.required("service", "write the name of the service, as `service: Telegram`");
        let help = "write what the service is, as `category: messaging`";
        let category = keys.text("category", help).unwrap_or_default();
        let hosts = hosts(keys);
        let help = "write a list of techniques of ATT&CK, as `techniques: [T1102.002]`";
        let mut techniques = Vec::new();
        for (text, span) in keys.texts("techniques", help) {
            match sigma::technique_id(text) {
                Some(id) => techniques.push(id),
                None => {
                    let message = format!("`{}` is not a technique", text.escape_debug());
                    keys.wrong_at(span, message, help);
                }
            }
        }
        let mut templates = templates(keys);
        templates.extend(public(keys));
        let help =
            "write how the User-Agents of its own clients start, as `clients: [\"Slackbot\"]`";
        let clients = keys.texts("clients", help);
        let clients = clients.into_iter().map(|(client, _)| client.to_ascii_lowercase()).collect();
        let operations = operation::operations(keys, &hosts);
        let headers = header::headers(keys);
        let name_span = keys.place("service");
        Some(Service {
            file: Arc::clone(file),
            name: name?,
            name_span,
            category,
            hosts,
            techniques,
            templates,
            clients,
            operations,
            headers,
        })
    }
}

/// Reads `hosts`.
fn hosts(keys: &mut Keys<'_, '_>) -> Vec<Host> {
    let help = "write a list of host names, as `hosts: [t.me]`";
    let mut hosts = Vec::new();
    let mut n_patterns = 0;
    for (text, span) in keys.texts("hosts", help) {
        let read = alternatives(&text.to_ascii_lowercase()).and_then(|texts| {
            let host = |text: String| {
                let parts = if text.contains('*') { template::host(&text)? } else { Vec::new() };
                Ok(Host { text, parts })
            };
            texts.into_iter().map(host).collect()
        });
        match read {
            Ok::<Vec<_>, _>(of_text) => {
                n_patterns += of_text.iter().filter(|host| !host.parts.is_empty()).count();
                if n_patterns > MAX_HOST_PATTERNS {
                    let message =
                        format!("the service has more than {MAX_HOST_PATTERNS} hosts with `*`");
                    let help = "list the names above them";
                    keys.findings().add(&codes::BROKEN_TEMPLATE, span, message, help);
                    return hosts;
                }
                hosts.extend(of_text);
            }
            Err(why) => {
                let help = "write a host name, with `(a|b)` for one of several texts and `*` for a label: `s3.*.amazonaws.com`";
                keys.findings().add(&codes::BROKEN_TEMPLATE, span, why, help);
            }
        }
    }
    hosts
}

/// Reads the templates of `identity`: each is a namespace of its own, and those of a list within the list
/// share one.
fn templates(keys: &mut Keys<'_, '_>) -> Vec<Template> {
    let mut templates: Vec<Template> = Vec::new();
    let mut known = HashSet::new();
    for node in nodes(keys, "identity") {
        let group = match &node.kind {
            Kind::List(group) => group.as_slice(),
            _ => std::slice::from_ref(node),
        };
        let first = templates.len();
        let mut namespace = None;
        for node in group {
            for parts in of_text(keys.findings(), node, template) {
                let name = namespace.get_or_insert_with(|| template::namespace(&parts)).clone();
                templates.push(Template { parts, namespace: Some(name) });
            }
        }
        let own = templates.get(first..).unwrap_or_default();
        let names = own.iter().map(|own| (own.namespace.clone(), own.n_places()));
        let names: HashSet<_> = names.collect();
        let mut in_both: Vec<_> = names.intersection(&known).collect();
        in_both.sort();
        if let Some((name, _)) = in_both.first() {
            let name = name.as_deref().unwrap_or_default();
            let message =
                format!("two namespaces of tenants have the name `{}`", name.escape_debug());
            let help = "put templates that name the same tenants into a list within the list";
            keys.findings().add(&codes::BROKEN_TEMPLATE, node.span, message, help);
        }
        known.extend(names);
    }
    templates
}

/// Reads the templates of `public`.
fn public(keys: &mut Keys<'_, '_>) -> Vec<Template> {
    let mut templates = Vec::new();
    for node in nodes(keys, "public") {
        for parts in of_text(keys.findings(), node, template::public) {
            templates.push(Template { parts, namespace: None });
        }
    }
    templates
}

impl Template {
    /// How many places a tenant has in it.
    pub fn n_places(&self) -> usize {
        self.parts.iter().filter(|part| part.kind.is_identity()).count()
    }
}

/// The elements of a list of templates.
fn nodes<'e>(keys: &mut Keys<'e, '_>, key: &str) -> &'e [Node] {
    match keys.value(key) {
        None => &[],
        Some(Node { kind: Kind::List(list), .. }) => list,
        Some(node) => {
            broken(keys.findings(), node.span, format!("`{key}` is not a list of templates"));
            &[]
        }
    }
}

/// Reads a template, for each of its alternatives.
fn of_text(
    findings: &mut Findings,
    node: &Node,
    read: fn(&str) -> Result<Vec<TemplatePart>, &'static str>,
) -> Vec<Vec<TemplatePart>> {
    let texts = alternatives(node.text().unwrap_or_default());
    match texts.and_then(|texts| texts.iter().map(|text| read(text)).collect()) {
        Ok(templates) => templates,
        Err(why) => {
            broken(findings, node.span, why.to_owned());
            Vec::new()
        }
    }
}

fn broken(findings: &mut Findings, span: Span, why: String) {
    let help = "write host and path as `hooks.example.com/services/{tenant}/{secret}`, with text between two places of one segment";
    findings.add(&codes::BROKEN_TEMPLATE, span, why, help);
}
