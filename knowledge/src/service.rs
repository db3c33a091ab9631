//! Service notes: which hosts a service has, and where in its URLs identities and secrets stand.
//!
//! ```yaml
//! identity:
//!   - hooks.slack.com/services/{tenant}/{app}/{secret}
//! ```
//!
//! A template is a host and path segments. `{name}` is a place: `secret`, `token` and `key` name
//! credentials, every other name is part of the identity; `*` is any text. The path may go on behind a
//! template. Text and places alternate, so that there is one way to read a URL.

use diagnostics::yaml::{Kind, Node};
use diagnostics::{Finding, Findings, SourceText, Span};
use inspect::pack::{Part, PartKind, Range, ServiceHost, Tables};

use crate::codes;
use crate::policy::pool::{end_of, string};

/// The names of places that hold credentials.
pub const SECRETS: &[&str] = &["secret", "token", "key"];

/// A service as its note describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Its hosts, in lower case: each stands for itself and what is below it.
    pub hosts: Vec<String>,
    /// What its URLs look like; the first that fits counts.
    pub templates: Vec<Vec<TemplatePart>>,
}

/// A part of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplatePart {
    /// What it is.
    pub kind: PartKind,
    /// The text that has to stand there, or the name of the place.
    pub text: String,
}

impl Service {
    /// Reads the front matter of a service note. What is wrong with its templates is told; a note
    /// without name or hosts is the business of the vault.
    pub(crate) fn read(file: &std::sync::Arc<str>, text: &str) -> (Option<Service>, Vec<Finding>) {
        let mut findings = Findings::new(file);
        let body = text.split_once('\n').map_or("", |(_, rest)| rest);
        let end = body.find("\n---").unwrap_or(body.len());
        let head = body.get(..end).unwrap_or_default();
        let source = SourceText::new(file, head).at_line(2);
        // Broken YAML is told where the page is built.
        let documents = diagnostics::yaml::read(&source, &mut Vec::new());
        let Some(Node { kind: Kind::Map(entries), .. }) = documents.first() else {
            return (None, findings.into_list());
        };
        let value = |wanted: &str| {
            entries.iter().find(|(key, _)| key.text() == Some(wanted)).map(|(_, value)| value)
        };
        let list = |wanted: &str| match value(wanted).map(|node| &node.kind) {
            Some(Kind::List(list)) => list.as_slice(),
            _ => &[],
        };
        let Some(name) = value("service").and_then(Node::text) else {
            return (None, findings.into_list());
        };
        let hosts = list("hosts").iter().filter_map(Node::text);
        let mut service = Service {
            name: name.to_owned(),
            hosts: hosts.map(str::to_ascii_lowercase).collect(),
            templates: Vec::new(),
        };
        if let Some(node) = value("identity")
            && !matches!(node.kind, Kind::List(_))
        {
            broken(&mut findings, node.span, "`identity` is not a list of templates");
        }
        for node in list("identity") {
            match template(node.text().unwrap_or_default()) {
                Ok(parts) => service.templates.push(parts),
                Err(why) => broken(&mut findings, node.span, why),
            }
        }
        (Some(service), findings.into_list())
    }
}

fn broken(findings: &mut Findings, span: Span, why: &str) {
    let help = "write host and path as `hooks.example.com/services/{tenant}/{secret}`, with text between two places of one segment";
    findings.add(&codes::BROKEN_TEMPLATE, span, why, help);
}

/// The name under which the host of a template is looked up: what stands behind its last place.
fn lookup_name(template: &[TemplatePart]) -> &str {
    let host = template.split(|part| part.kind == PartKind::Slash).next().unwrap_or_default();
    match host {
        [TemplatePart { kind: PartKind::Text, text }] => text,
        [.., TemplatePart { kind: PartKind::Text, text }] => {
            text.split_once('.').map_or("", |(_, name)| name)
        }
        _ => "",
    }
}

/// Reads a template.
fn template(text: &str) -> Result<Vec<TemplatePart>, &'static str> {
    let mut parts: Vec<TemplatePart> = Vec::new();
    for (idx, segment) in text.split('/').enumerate() {
        if idx > 0 {
            parts.push(TemplatePart { kind: PartKind::Slash, text: String::new() });
        }
        let mut rest = segment;
        while !rest.is_empty() {
            let at = rest.find(['{', '*']).unwrap_or(rest.len());
            let (before, behind) = rest.split_at(at);
            let is_place =
                |part: &TemplatePart| !matches!(part.kind, PartKind::Text | PartKind::Slash);
            if !before.is_empty() {
                let mut text = before.to_owned();
                if idx == 0 {
                    text.make_ascii_lowercase();
                }
                parts.push(TemplatePart { kind: PartKind::Text, text });
            }
            rest = behind;
            let part = if let Some(behind) = rest.strip_prefix('*') {
                rest = behind;
                TemplatePart { kind: PartKind::Any, text: "*".into() }
            } else if let Some(behind) = rest.strip_prefix('{') {
                let Some((name, behind)) = behind.split_once('}') else {
                    return Err("a `{` is not closed");
                };
                let word = |char: char| char.is_ascii_lowercase() || char == '_';
                if name.is_empty() || !name.chars().all(word) {
                    return Err("the name of a place is not made of small letters");
                }
                rest = behind;
                let kind =
                    if SECRETS.contains(&name) { PartKind::Secret } else { PartKind::Identity };
                TemplatePart { kind, text: name.to_owned() }
            } else {
                continue;
            };
            if before.is_empty() && parts.last().is_some_and(is_place) {
                return Err("a segment has two adjacent placeholders");
            }
            parts.push(part);
        }
    }
    let has_place =
        parts.iter().any(|part| matches!(part.kind, PartKind::Identity | PartKind::Secret));
    if !has_place {
        return Err("the template names no place");
    }
    if !lookup_name(&parts).contains('.') {
        return Err("the template's host does not end in a domain");
    }
    Ok(parts)
}

/// Lays services down in a pack's tables.
pub(crate) fn add(services: &[Service], tables: &mut Tables) {
    let mut hosts: Vec<(&str, u32, bool)> = Vec::new();
    for (idx, service) in (0..).zip(services) {
        let first = end_of(&tables.services.templates);
        for template in &service.templates {
            let start = end_of(&tables.services.parts);
            for part in template {
                let text = string(tables, &part.text);
                tables.services.parts.push(Part { kind: part.kind, text });
            }
            let end = end_of(&tables.services.parts);
            tables.services.templates.push(Range { start, end });
        }
        let templates = Range { start: first, end: end_of(&tables.services.templates) };
        let name = string(tables, &service.name);
        tables.services.services.push(inspect::pack::Service { name, templates });
        let own = service.hosts.iter().map(|host| (host.as_str(), idx, true));
        let of_templates =
            service.templates.iter().map(|template| (lookup_name(template), idx, false));
        hosts.extend(own.chain(
            of_templates.filter(|(name, ..)| service.hosts.iter().all(|host| host != name)),
        ));
    }
    hosts.sort_unstable();
    hosts.dedup();
    for (host, service, whole) in hosts {
        let name = string(tables, host);
        tables.services.hosts.push(ServiceHost { name, service, whole });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_text_and_places() {
        let shown = |text: &str| {
            template(text).map(|parts| {
                let part = |part: &TemplatePart| format!("{:?}:{}", part.kind, part.text);
                parts.iter().map(part).collect::<Vec<_>>().join(" ")
            })
        };
        assert_eq!(
            shown("API.a.example/bot{bot}:{token}").unwrap(),
            "Text:api.a.example Slash: Text:bot Identity:bot Text:: Secret:token"
        );
        assert_eq!(
            shown("{x}.a.example/*/y").unwrap(),
            "Identity:x Text:.a.example Slash: Any:* Slash: Text:y"
        );
        for (text, expect) in [
            ("a.example/{x", "a `{` is not closed"),
            ("a.example/{x}{y}", "a segment has two adjacent placeholders"),
            ("a.example/{X}", "the name of a place is not made of small letters"),
            ("a.example/x", "the template names no place"),
            ("{x}/y", "the template's host does not end in a domain"),
        ] {
            assert_eq!(shown(text).unwrap_err(), expect, "{text}");
        }
    }
}
