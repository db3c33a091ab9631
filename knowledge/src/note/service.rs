//! Service notes: the hosts of a service, and the places of identities and secrets in its URLs.
//!
//! ```yaml
//! identity:
//!   - hooks.slack.com/services/{tenant}/{app}/{secret}
//! ```
//!
//! A template is a host and path segments. `{name}` is a place: `secret`, `token` and `key` name
//! credentials, every other name is part of the identity; `*` is any text of a segment, and one label of
//! a host. `(a|b)` is one of several texts: a template for each, as for the regions of a service, since
//! only real endpoints say whose request it is. The path may go on after a template. Text and places
//! alternate, so that there is one way to read a URL.

use std::sync::Arc;

use diagnostics::yaml::{Kind, Node};
use diagnostics::{Findings, Span};
use inspect::pack::{Part, PartKind, Range, ServiceHost, Tables};

use super::Keys;
use crate::codes;
use crate::policy::pool::{end_of, string};

/// The keys that are read; others belong to whoever wrote them.
const KEYS: &[&str] = &["kind", "service", "category", "hosts", "techniques", "identity"];

/// The names of places that contain credentials.
pub const SECRETS: &[&str] = &["secret", "token", "key"];

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
    /// Its hosts, in lower case: each means itself and all names below it.
    pub hosts: Vec<String>,
    /// The techniques that abuse it, as `T1102.002`.
    pub techniques: Vec<String>,
    /// What its URLs look like; the first that fits counts.
    pub templates: Vec<Vec<TemplatePart>>,
}

/// A part of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplatePart {
    /// What it is.
    pub kind: PartKind,
    /// The text that is required there, or the name of the place.
    pub text: String,
}

impl Service {
    /// Reads the front matter of a service note.
    pub(crate) fn read(file: &Arc<str>, keys: &mut Keys<'_, '_>) -> Option<Service> {
        keys.refuse_misspelt(KEYS);
        let name =
            keys.required("service", "write the name of the service, as `service: Telegram`");
        let help = "write what the service is, as `category: messaging`";
        let category = keys.text("category", help).unwrap_or_default();
        let hosts = keys.texts("hosts", "write a list of host names, as `hosts: [t.me]`");
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
        let templates = templates(keys);
        let name_span = keys.place("service");
        Some(Service {
            file: Arc::clone(file),
            name: name?,
            name_span,
            category,
            hosts: hosts.into_iter().map(|(host, _)| host.to_ascii_lowercase()).collect(),
            techniques,
            templates,
        })
    }
}

/// Reads the templates of `identity`.
fn templates(keys: &mut Keys<'_, '_>) -> Vec<Vec<TemplatePart>> {
    let mut templates = Vec::new();
    match keys.value("identity") {
        None => {}
        Some(Node { kind: Kind::List(list), .. }) => {
            for node in list {
                let read = alternatives(node.text().unwrap_or_default())
                    .and_then(|texts| texts.iter().map(|text| template(text)).collect());
                match read {
                    Ok::<Vec<_>, _>(of_node) => templates.extend(of_node),
                    Err(why) => broken(keys.findings(), node.span, why),
                }
            }
        }
        Some(node) => broken(keys.findings(), node.span, "`identity` is not a list of templates"),
    }
    templates
}

fn broken(findings: &mut Findings, span: Span, why: &str) {
    let help = "write host and path as `hooks.example.com/services/{tenant}/{secret}`, with text between two places of one segment";
    findings.add(&codes::BROKEN_TEMPLATE, span, why, help);
}

/// The name under which the host of a template is looked up: the text after its last place.
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

/// Most templates that the alternatives of one may make.
const MAX_ALTERNATIVES: usize = 512;

/// A template's text for each of its alternatives: `a.(b|c).example/{x}` is `a.b.example/{x}` and
/// `a.c.example/{x}`.
fn alternatives(text: &str) -> Result<Vec<String>, &'static str> {
    let mut texts = vec![String::new()];
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('(') {
        let (choices, behind) = behind.split_once(')').ok_or("a `(` is not closed")?;
        let choices: Vec<&str> = choices.split('|').collect();
        if choices.contains(&"") {
            return Err("one of several texts is empty");
        }
        if texts.len() * choices.len() > MAX_ALTERNATIVES {
            return Err("the template has too many alternatives");
        }
        let grow = |text: &String| -> Vec<String> {
            choices.iter().map(|choice| format!("{text}{before}{choice}")).collect()
        };
        texts = texts.iter().flat_map(grow).collect();
        rest = behind;
    }
    for text in &mut texts {
        text.push_str(rest);
    }
    Ok(texts)
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
                    return Err("the name of a place must consist of small letters");
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

/// Adds services to a pack's tables.
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
    fn alternatives_are_templates_of_their_own() {
        let texts = alternatives("{x}.(a|b).(c|d).example/(e)").unwrap();
        assert_eq!(
            texts,
            ["{x}.a.c", "{x}.a.d", "{x}.b.c", "{x}.b.d"].map(|text| format!("{text}.example/e"))
        );
        assert_eq!(alternatives("a.example/{x}").unwrap(), ["a.example/{x}"]);
        for (text, expect) in [
            ("(a|b.example/{x}", "a `(` is not closed"),
            ("(a|).example/{x}", "one of several texts is empty"),
            (&"(a|b)".repeat(10), "the template has too many alternatives"),
        ] {
            assert_eq!(alternatives(text).unwrap_err(), expect, "{text}");
        }
    }

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
            ("a.example/{X}", "the name of a place must consist of small letters"),
            ("a.example/x", "the template names no place"),
            ("{x}/y", "the template's host does not end in a domain"),
        ] {
            assert_eq!(shown(text).unwrap_err(), expect, "{text}");
        }
    }
}
