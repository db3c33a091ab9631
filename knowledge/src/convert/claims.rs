//! Which requests are a service's, in plain Sigma.
//!
//! A service claims names: with all that is below them, or only where a template fits. The longest name that is
//! claimed decides, so that of a name the longer ones of other services are taken out.

use std::collections::BTreeSet;

use inspect::pack::PartKind;

use super::plain::{Plain, Text};
use crate::note::{Service, ServiceOperation, TemplatePart, lookup_name};

/// What all services claim.
pub(super) struct Claims<'s> {
    claims: Vec<Claim<'s>>,
}

/// A name that a service claims.
struct Claim<'s> {
    service: usize,
    name: &'s str,
    kind: Kind<'s>,
}

enum Kind<'s> {
    /// The name and all that is below it.
    Name,
    /// A host with `*`, and all that is below it.
    Host(&'s [TemplatePart]),
    /// URLs of a template.
    Template(&'s [TemplatePart]),
}

impl<'s> Claims<'s> {
    pub(super) fn new(services: &'s [Service]) -> Claims<'s> {
        let mut claims = Vec::new();
        for (service, of) in (0..).zip(services) {
            for host in &of.hosts {
                let (name, kind) = match host.parts.as_slice() {
                    [] => (host.text.as_str(), Kind::Name),
                    parts => (lookup_name(parts), Kind::Host(parts)),
                };
                claims.push(Claim { service, name, kind });
            }
            for template in &of.templates {
                let parts = template.parts.as_slice();
                let (name, kind) = (lookup_name(parts), Kind::Template(parts));
                claims.push(Claim { service, name, kind });
            }
        }
        Claims { claims }
    }

    /// The requests of any of some services.
    pub(super) fn of(&self, services: &[usize]) -> Plain {
        let is_own = |claim: &&Claim<'_>| services.contains(&claim.service);
        let mut names: BTreeSet<&str> = BTreeSet::new();
        let mut parts = Vec::new();
        for claim in self.claims.iter().filter(is_own) {
            // What a template says of whose a request is matters only where no name claims it anyway.
            if matches!(claim.kind, Kind::Template(_)) && self.is_covered(claim) {
                continue;
            }
            let others = self.claims.iter().filter(|other| !is_own(other));
            let before: Vec<Plain> = others
                .filter(|other| precedes(other, claim))
                .filter(|other| !matches!(other.kind, Kind::Template(_)) || !self.is_covered(other))
                .map(Claim::plain)
                .collect();
            match (&claim.kind, before.is_empty()) {
                (Kind::Name, true) => {
                    names.insert(claim.name);
                }
                (_, true) => parts.push(claim.plain()),
                (_, false) => {
                    let others = Plain::Not(Box::new(Plain::Any(before)));
                    parts.push(Plain::All(vec![claim.plain(), others]));
                }
            }
        }
        if !names.is_empty() {
            parts.insert(0, under(names.iter().copied()));
        }
        Plain::Any(parts)
    }

    /// Returns true if a name of the same service claims all that a template does, and no other service has a
    /// name between them.
    fn is_covered(&self, template: &Claim<'_>) -> bool {
        let names = self.claims.iter().filter(|claim| {
            matches!(claim.kind, Kind::Name) && is_below(template.name, claim.name)
        });
        let longest = names.max_by_key(|claim| claim.name.len());
        longest.is_some_and(|claim| claim.service == template.service)
    }
}

/// Returns true if a request to both belongs to the first claim's service.
fn precedes(first: &Claim<'_>, second: &Claim<'_>) -> bool {
    let is_template = |claim: &Claim<'_>| matches!(claim.kind, Kind::Template(_));
    let n_segments = |claim: &Claim<'_>| match claim.kind {
        Kind::Template(parts) => parts.iter().filter(|of| of.kind == PartKind::Slash).count(),
        Kind::Name | Kind::Host(_) => 0,
    };
    if first.name != second.name {
        return is_below(first.name, second.name);
    }
    let key =
        |claim: &Claim<'_>| (!is_template(claim), usize::MAX - n_segments(claim), claim.service);
    key(first) < key(second)
}

fn is_below(host: &str, name: &str) -> bool {
    host.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

impl Claim<'_> {
    fn plain(&self) -> Plain {
        match self.kind {
            Kind::Name => under(std::iter::once(self.name)),
            Kind::Host(parts) => {
                let host = regex(parts, "[^.]+", "[^.]+");
                Plain::one("cs-host|re|i", vec![Text::Quoted(format!("^(.*\\.)?{host}$"))])
            }
            Kind::Template(parts) => {
                let end = |of: &TemplatePart| matches!(of.kind, PartKind::Slash | PartKind::Query);
                let at = parts.iter().position(end).unwrap_or(parts.len());
                let (host, path) = parts.split_at_checked(at).unwrap_or((parts, &[]));
                let host = regex(host, "[^.]+", ".+");
                let host = Plain::one("cs-host|re|i", vec![Text::Quoted(format!("^{host}$"))]);
                let mut all = vec![host];
                all.extend(of_path(path));
                Plain::All(all)
            }
        }
    }
}

/// Hosts that have one of these names, or are below one.
fn under<'n>(names: impl Iterator<Item = &'n str> + Clone) -> Plain {
    let whole = names.clone().map(Text::literal).collect();
    let below = names.map(|name| Text::literal(&format!(".{name}"))).collect();
    Plain::Any(vec![Plain::one("cs-host", whole), Plain::one("cs-host|endswith", below)])
}

/// An operation of a service that is known already.
pub(super) fn operation(operation: &ServiceOperation) -> Plain {
    let mut all = Vec::new();
    if !operation.hosts.is_empty() {
        all.push(under(operation.hosts.iter().map(String::as_str)));
    }
    if !operation.methods.is_empty() {
        let methods = operation.methods.iter().map(|method| Text::literal(method));
        all.push(Plain::one("cs-method", methods.collect()));
    }
    if !operation.paths.is_empty() {
        let path = |template: &Vec<TemplatePart>| match of_path(template) {
            parts if parts.is_empty() => {
                Plain::one("c-uri-stem|exists", vec![Text::Plain("true".to_owned())])
            }
            parts => Plain::All(parts),
        };
        all.push(Plain::Any(operation.paths.iter().map(path).collect()));
    }
    if all.is_empty() {
        // Whatever it is, it is this.
        return Plain::one("cs-host|exists", vec![Text::Plain("true".to_owned())]);
    }
    Plain::All(all)
}

/// What a template without a host asks of path and query.
fn of_path(parts: &[TemplatePart]) -> Vec<Plain> {
    let mut pieces = parts.split(|part| part.kind == PartKind::Query);
    let path = pieces.next().unwrap_or_default();
    let mut all = Vec::new();
    if path.iter().any(|part| part.kind == PartKind::Slash) {
        let path = regex(path, "[^/]+", "[^/]+");
        let path = path.strip_prefix('/').unwrap_or(&path);
        all.push(Plain::one("c-uri-stem|re|i", vec![Text::Quoted(format!("^/?{path}(/|$)"))]));
    }
    for parameter in pieces {
        let parameter = regex(parameter, "[^&]+", "[^&]+");
        let text = format!("(^|&){parameter}=?(&|$)");
        all.push(Plain::one("c-uri-query|re|i", vec![Text::Quoted(text)]));
    }
    all
}

/// The regular expression of parts; `any` and `place` are what `*` and a place may be.
fn regex(parts: &[TemplatePart], any: &str, place: &str) -> String {
    let mut text = String::new();
    for part in parts {
        match part.kind {
            PartKind::Text => {
                for char in part.text.chars() {
                    if !char.is_ascii_alphanumeric() && !"-_/~%@:,=&!'".contains(char) {
                        text.push('\\');
                    }
                    text.push(char);
                }
            }
            PartKind::Any | PartKind::Label => text.push_str(any),
            PartKind::Identity | PartKind::Secret => text.push_str(place),
            PartKind::Slash => text.push('/'),
            PartKind::Commit => text.push_str("[0-9A-Fa-f]{4,64}"),
            PartKind::Query | PartKind::Namespace => {}
        }
    }
    text
}
