//! YAML to a [`Policy`].

use std::collections::BTreeSet;
use std::sync::Arc;

use diagnostics::yaml::{Kind, Node};
use diagnostics::{Finding, Findings, SourceText, Span};
use inspect::Usage;
use inspect::pack::WHOLE_SHARE;
use jiff::civil::Date;
use jiff::{Timestamp, tz::TimeZone};

use super::allow;
use super::credentials;
use super::headers;
use super::map::{Map, list};
use super::{Exception, FilterOwner, Group, Policy, Sanction, Scope, Statement, Word};
use crate::codes;

const SCOPE: [&str; 6] = ["rules", "techniques", "levels", "services", "operations", "sources"];

impl Policy {
    /// Reads a policy. It is `None` where anything is wrong that refuses it: a part of a policy would
    /// deny what it excuses, or let pass what it denies.
    pub fn read(file: &Arc<str>, text: &str) -> (Option<Policy>, Vec<Finding>) {
        let mut broken = Vec::new();
        let documents = diagnostics::yaml::read(&SourceText::new(file, text), &mut broken);
        if !broken.is_empty() {
            return (None, broken.into_iter().map(Finding::from).collect());
        }
        let mut findings = Findings::new(file);
        let [document] = documents.as_slice() else {
            let message =
                format!("a policy is one YAML document, this file has {}", documents.len());
            findings.add(
                &codes::BROKEN_POLICY,
                Span::point(1, 1),
                message,
                "write one policy per file",
            );
            return (None, findings.into_list());
        };
        let policy = policy(file, document, &mut findings);
        let refused = findings.n_errors() > 0;
        (policy.filter(|_| !refused), findings.into_list())
    }
}

fn policy(file: &Arc<str>, document: &Node, findings: &mut Findings) -> Option<Policy> {
    let keys = [
        "default",
        "sources",
        "allow",
        "statements",
        "exceptions",
        "sanctioned",
        "headers",
        "credentials",
        "filters",
    ];
    let mut map = Map::of(document, "the policy", &keys, findings)?;
    // Errors are reported here; the policy is refused for them later.
    let default = map.mode("default").unwrap_or_default();
    let [sources, allowed, statements, exceptions, sanctioned, headers, filters] =
        ["sources", "allow", "statements", "exceptions", "sanctioned", "headers", "filters"]
            .map(|key| map.value(key));
    let credentials = map.value("credentials");
    let mut policy = Policy {
        file: Arc::clone(file),
        default,
        groups: groups(sources, findings),
        statements: Vec::new(),
        exceptions: Vec::new(),
        sanctions: Vec::new(),
        allow: allow::groups(allowed, findings),
        headers: headers::entries(headers, findings),
        credentials: credentials::read(credentials, findings),
        filters: Vec::new(),
    };
    for node in list(statements, "statements", findings) {
        policy.statements.extend(statement(node, findings));
    }
    for node in list(exceptions, "exceptions", findings) {
        policy.exceptions.extend(exception(node, findings));
    }
    for node in list(sanctioned, "sanctioned", findings) {
        policy.sanctions.extend(sanction(node, findings));
    }
    for node in list(filters, "filters", findings) {
        policy.filters.extend(owned(node, findings));
    }
    let groups = policy.allow.iter().map(|group| &group.name);
    let names: Vec<_> = groups.chain(policy.statements.iter().map(|of| &of.name)).collect();
    let ids: Vec<_> = policy.exceptions.iter().map(|of| &of.id).collect();
    unique(&names, findings);
    let filters: Vec<_> = policy.filters.iter().map(|of| &of.filter).collect();
    unique(&ids, findings);
    unique(&filters, findings);
    Some(policy)
}

fn unique(names: &[&Word], findings: &mut Findings) {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(&name.text) {
            let message = format!("the name `{}` is given twice", name.text.escape_debug());
            let help = "events and counters identify it by its name: give each its own";
            findings.add(&codes::BROKEN_POLICY, name.span, message, help);
        }
    }
}

fn groups(node: Option<&Node>, findings: &mut Findings) -> Vec<Group> {
    let Some(node) = node else { return Vec::new() };
    let Kind::Map(entries) = &node.kind else {
        let help = "write names and lists, as `builders: [10.4.0.0/16]`";
        findings.add(&codes::BROKEN_POLICY, node.span, "`sources` is not a map", help);
        return Vec::new();
    };
    let mut groups: Vec<Group> = Vec::new();
    for (key, value) in entries {
        let name = Word { text: key.text().unwrap_or_default().to_owned(), span: key.span };
        let mut sources = Vec::new();
        for item in list(Some(value), "sources", findings) {
            match item.text().filter(|text| !text.is_empty()) {
                Some(text) => sources.push(Word { text: text.to_owned(), span: item.span }),
                None => {
                    let help = "write a SPIFFE id, a name, an address or a network";
                    findings.add(&codes::BROKEN_POLICY, item.span, "a source is a text", help);
                }
            }
        }
        groups.push(Group { name, sources });
    }
    unique(&groups.iter().map(|group| &group.name).collect::<Vec<_>>(), findings);
    // A group that lists its own name is that one source under a name.
    let is_itself = |group: &&Group| group.sources.iter().any(|it| it.text == group.name.text);
    let others = groups.iter().filter(|group| !is_itself(group));
    let names: BTreeSet<_> = others.map(|group| &group.name.text).collect();
    for source in groups.iter().flat_map(|group| &group.sources) {
        if names.contains(&source.text) {
            let message = format!("`{}` is a group", source.text.escape_debug());
            let help = "a group cannot contain a group: list its sources here too";
            findings.add(&codes::BROKEN_POLICY, source.span, message, help);
        }
    }
    groups
}

fn scope(map: &mut Map<'_, '_>) -> Scope {
    let [rules, techniques, levels, services, operations, sources] =
        SCOPE.map(|key| map.words(key));
    Scope { rules, techniques, levels, services, sources, operations }
}

fn statement(node: &Node, findings: &mut Findings) -> Option<Statement> {
    let keys = [&["name", "mode", "usage", "share"][..], &SCOPE].concat();
    let mut map = Map::of(node, "a statement", &keys, findings)?;
    let (scope, usages) = (scope(&mut map), usages(&mut map));
    let (share, name) = (share(&mut map), map.text("name"));
    let mode = map.text("mode").and_then(|_| map.mode("mode"));
    Some(Statement { name: name?, mode: mode?, usages, share: share?, scope })
}

fn usages(map: &mut Map<'_, '_>) -> Vec<Usage> {
    let mut usages = Vec::new();
    for word in map.words("usage") {
        let known = Usage::ALL.iter().copied().find(|usage| usage.as_str() == word.text);
        match (known, word.text.as_str()) {
            (Some(usage), _) => usages.push(usage),
            (None, "unsanctioned") => usages.extend([Usage::Known, Usage::New]),
            (None, text) => {
                let message = format!("`{}` is no kind of use", text.escape_debug());
                let help =
                    "write `sanctioned`, `known`, `new`, or `unsanctioned` for the latter two";
                map.wrong(word.span, message, help);
            }
        }
    }
    usages
}

/// A share in percent, in ten-thousandths: `25%`, `0.5%`. Without its sign `0.5` could be
/// a half.
pub(super) fn share(map: &mut Map<'_, '_>) -> Option<u32> {
    let Some(node) = map.value("share") else { return Some(WHOLE_SHARE) };
    let text = node.text().unwrap_or_default();
    let number = text.strip_suffix('%').and_then(|text| text.trim_end().parse::<f64>().ok());
    match number {
        Some(percent) if (0.0..=100.0).contains(&percent) => {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "between 0 and 10,000"
            )]
            let share = (percent * f64::from(WHOLE_SHARE / 100)).round() as u32;
            Some(share)
        }
        _ => {
            let message = format!("`{}` is no share", text.escape_debug());
            map.wrong(node.span, message, "write percent of sources, as `share: 25%`");
            None
        }
    }
}

fn exception(node: &Node, findings: &mut Findings) -> Option<Exception> {
    let own = ["id", "owner", "ticket", "reason", "expires", "identities"];
    let keys = [&own[..], &SCOPE].concat();
    let mut map = Map::of(node, "an exception", &keys, findings)?;
    let scope = scope(&mut map);
    let identities = map.words("identities");
    let [id, owner, ticket, reason, expires] =
        ["id", "owner", "ticket", "reason", "expires"].map(|key| map.text(key));
    let expires = expires.and_then(|expires| end(&mut map, &expires));
    let restricts = [&scope.rules, &scope.techniques, &scope.services, &scope.sources, &identities];
    if restricts.iter().all(|list| list.is_empty()) {
        let message = "the exception is about everything";
        let help = "say about which `rules`, `techniques`, `services`, `sources` or `identities`";
        let span = id.as_ref().map_or(map.span, |id| id.span);
        map.findings.add(&codes::OPEN_EXCEPTION, span, message, help);
    }
    let [id, owner, ticket, reason] = [id?, owner?, ticket?, reason?];
    Some(Exception {
        id,
        owner: owner.text,
        ticket: ticket.text,
        reason: reason.text,
        expires: expires?,
        scope,
        identities,
    })
}

/// When something is over, and where that is written.
fn end(map: &mut Map<'_, '_>, expires: &Word) -> Option<(u64, Span)> {
    let seconds = time(&expires.text);
    if seconds.is_none() {
        let message = format!("`{}` is no time", expires.text.escape_debug());
        let help = "write the first day on which it no longer applies, as `2027-01-31`, or a time as `2027-01-31T12:00:00Z`";
        map.wrong(expires.span, message, help);
    }
    Some((seconds?, expires.span))
}

fn owned(node: &Node, findings: &mut Findings) -> Option<FilterOwner> {
    let keys = ["id", "owner", "ticket", "reason", "expires"];
    let mut map = Map::of(node, "a filter", &keys, findings)?;
    let [filter, owner, ticket, reason, expires] = keys.map(|key| map.text(key));
    let expires = expires.and_then(|expires| end(&mut map, &expires));
    reason?;
    Some(FilterOwner {
        filter: filter?,
        owner: owner?.text,
        ticket: ticket?.text,
        expires: expires?,
    })
}

/// A day, which means its beginning in UTC, or a time by RFC 3339; in seconds since 1970.
pub(super) fn time(text: &str) -> Option<u64> {
    let timestamp = match text.parse::<Date>() {
        Ok(day) if text.len() == "2027-01-31".len() => {
            day.to_zoned(TimeZone::UTC).ok()?.timestamp()
        }
        Ok(_) | Err(_) => text.parse::<Timestamp>().ok()?,
    };
    u64::try_from(timestamp.as_second()).ok()
}

fn sanction(node: &Node, findings: &mut Findings) -> Option<Sanction> {
    let keys = ["services", "operations", "sources", "identities"];
    let mut map = Map::of(node, "a sanctioned use", &keys, findings)?;
    map.text_or_list("services")?;
    map.text_or_list("sources")?;
    let scope = Scope {
        services: map.words("services"),
        sources: map.words("sources"),
        operations: map.words("operations"),
        ..Scope::default()
    };
    let identities = map.words("identities");
    Some(Sanction { span: map.span, scope, identities })
}

impl Map<'_, '_> {
    /// A key that has to be there, whatever its value.
    fn text_or_list(&mut self, key: &'static str) -> Option<()> {
        if self.value(key).is_some() {
            return Some(());
        }
        let help = "say who uses which service: `services`, `sources`, and perhaps `identities`";
        self.wrong(self.span, format!("a sanctioned use lacks `{key}`"), help);
        None
    }
}
