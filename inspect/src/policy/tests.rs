//! Policies and tenants over tables that are written by hand.

use std::collections::BTreeMap;

use super::*;
use crate::ids::RuleId;
use crate::pack::{Part, PartKind, Range, Service, ServiceHost, ServiceTables, empty_tables};
use crate::verdict::View;

/// Services by name, each with its hosts and its templates.
type Services<'s> = [(&'s str, &'s [&'s str], &'s [&'s str])];

fn string(tables: &mut Tables, text: &str) -> StrId {
    tables.strings.push_str(text);
    tables.string_ends.push(tables.strings.len().try_into().unwrap());
    StrId(u32::try_from(tables.string_ends.len()).unwrap() - 1)
}

fn size(n: usize) -> u32 {
    n.try_into().unwrap()
}

fn tables(services: &Services<'_>) -> Tables {
    let mut tables = empty_tables().unwrap();
    tables.services = ServiceTables::default();
    let mut hosts: BTreeMap<(&str, u32), (bool, Range)> = BTreeMap::new();
    for (idx, (name, of_service, templates)) in (0..).zip(services) {
        let mut sorted: Vec<_> = templates.iter().map(|of| (lookup_name(of), *of)).collect();
        sorted.sort_by_key(|(name, _)| *name);
        for (name, template) in sorted {
            let start = size(tables.services.parts.len());
            for piece in template.split_inclusive(['}', '*', '/']) {
                let end = piece.find(['{', '*', '/']).unwrap_or(piece.len());
                let (text, place) = piece.split_at(end);
                let kind = match place.chars().next() {
                    Some('{') => Some(PartKind::Identity),
                    Some('*') => Some(PartKind::Any),
                    Some(_) => Some(PartKind::Slash),
                    None => None,
                };
                if !text.is_empty() {
                    let text = string(&mut tables, text);
                    tables.services.parts.push(Part { kind: PartKind::Text, text });
                }
                if let Some(kind) = kind {
                    let text = string(&mut tables, place);
                    tables.services.parts.push(Part { kind, text });
                }
            }
            let end = size(tables.services.parts.len());
            let first = size(tables.services.templates.len());
            tables.services.templates.push(Range { start, end });
            let of_name = Range { start: first, end: first };
            hosts.entry((name, idx)).or_insert((false, of_name)).1.end = first + 1;
        }
        let name = string(&mut tables, name);
        let service = Service { name, category: name, operations: Range::ANY, clients: Range::ANY };
        tables.services.services.push(service);
        for host in *of_service {
            hosts.entry((host, idx)).or_insert((true, Range::ANY)).0 = true;
        }
    }
    for ((host, service), (whole, templates)) in hosts {
        let name = string(&mut tables, host);
        tables.services.hosts.push(ServiceHost { name, service, whole, templates });
    }
    tables
}

/// What follows the last place of a template's host.
fn lookup_name(template: &str) -> &str {
    let host = template.split('/').next().unwrap();
    match host.rsplit_once(['}', '*']) {
        Some((_, behind)) => behind.split_once('.').unwrap().1,
        None => host,
    }
}

const S3: &Services<'_> = &[(
    "S3",
    &["amazonaws.com", "s3.amazonaws.com"],
    &["{bucket}.s3.amazonaws.com", "{bucket}.s3.*.amazonaws.com", "s3.*.amazonaws.com/{bucket}"],
)];

#[test]
fn a_host_names_a_tenant_in_one_way_or_not_at_all() {
    let tables = tables(S3);
    for (host, path, expect) in [
        ("good.s3.us-east-1.amazonaws.com", "/", Some("good")),
        ("go.od.s3.us-east-1.amazonaws.com", "/", Some("go.od")),
        ("good.s3.amazonaws.com", "/", Some("good")),
        ("s3.us-east-1.amazonaws.com", "/good/key", Some("good")),
        // The bucket of somebody else, whose name starts as another's host does.
        ("good.s3.evil.s3.us-east-1.amazonaws.com", "/", Some("good.s3.evil")),
        (
            "good.s3.us-east-1.amazonaws.com.s3.us-east-1.amazonaws.com",
            "/",
            Some("good.s3.us-east-1.amazonaws.com"),
        ),
        // Two templates read two buckets in it.
        ("good.s3.s3.amazonaws.com", "/", None),
        ("s3.a.evil.amazonaws.com", "/good/key", None),
        (".s3.us-east-1.amazonaws.com", "/", None),
    ] {
        let found = ServiceMatch::of(&tables, host.as_bytes(), Some(path.as_bytes())).unwrap();
        assert_eq!(found.identity_text(&tables).as_deref(), expect, "{host}{path}");
    }
}

#[test]
fn text_of_a_template_fits_a_path_in_any_case() {
    let tables =
        tables(&[("Chat", &["chat.example"], &["chat.example/api/webhooks/{id}/x{key}y"])]);
    let found = ServiceMatch::of(&tables, b"chat.example", Some(b"/API/webHooks/Ab/XcdY")).unwrap();
    assert_eq!(found.identity_text(&tables).as_deref(), Some("Ab/cd"));
}

#[test]
fn many_places_in_a_host_take_few_steps() {
    let template = format!("{}.example", ["{a}"; 15].join("."));
    let tables = tables(&[("Many", &["example"], &[&template])]);
    let host = "a.".repeat(100) + "example";
    let found = ServiceMatch::of(&tables, host.as_bytes(), Some(b"/")).unwrap();
    assert_eq!(found.identity_text(&tables), None, "it fits in more ways than one");
}

const BOTH: &Services<'_> = &[
    ("GitHub", &["github.com"], &["github.com/{owner}"]),
    ("Telegram", &["telegram.org"], &[]),
    ("S3", &["s3.example"], &["{bucket}.s3.example"]),
];

/// A policy: its default, and statements with the service that each is about, if it is about one.
fn pack(default: Mode, statements: &[(Mode, Option<u32>)]) -> Pack {
    let mut tables = tables(BOTH);
    tables.policy = PolicyTables { default, ..PolicyTables::default() };
    for (mode, service) in statements {
        let start = size(tables.policy.services.len());
        tables.policy.services.extend(service);
        let services = Range { start, end: size(tables.policy.services.len()) };
        let scope = Scope { rules: Range::ANY, services, sources: Range::ANY, operations: 0 };
        let name = string(&mut tables, "statement");
        let statement = Statement { name, mode: *mode, usages: 0, share: WHOLE_SHARE, scope };
        tables.policy.statements.push(statement);
    }
    Pack::decode(&tables.encode()).unwrap()
}

/// What happens to a request that a rule matches.
fn action(pack: &Pack, request: &Request<'_>) -> Action {
    let matched = RuleMatch {
        rule: RuleId(0),
        view: View::Raw,
        phase: Phase::Request,
        alerts: true,
        evidence: Vec::new(),
    };
    let anomalies = Views::of(request).anomalies();
    let verdict = Verdict { matches: vec![matched], anomalies, ..Verdict::default() };
    let bound = Mode::Enforce;
    let query = PolicyQuery { request, source: Source::default(), now: 0, bound, key: None };
    pack.decide(&verdict, &query).action
}

fn request<'r>(host: &'r str, server_name: Option<&'r str>, path: &'r str) -> Request<'r> {
    Request {
        method: b"GET",
        scheme: b"https",
        authority: host.as_bytes(),
        path: Some(path.as_bytes()),
        server_name: server_name.map(str::as_bytes),
        ..Request::default()
    }
}

#[test]
fn what_a_request_claims_to_be_does_not_weaken_what_follows() {
    let lenient = pack(Mode::Enforce, &[(Mode::Monitor, Some(0))]);
    for (host, server_name, path, expect) in [
        ("github.com", None, "/", Action::Observe),
        ("github.com", Some("github.com"), "/", Action::Observe),
        ("api.github.com", Some("github.com"), "/", Action::Observe),
        ("telegram.org", None, "/", Action::Deny),
        ("github.com", Some("api.telegram.org"), "/", Action::Deny),
        ("github.com", Some("elsewhere.example"), "/", Action::Deny),
        ("GitHub.com", None, "/", Action::Deny),
        ("github.com", None, "/%61", Action::Deny),
        ("github.com,telegram.org", None, "/", Action::Deny),
    ] {
        let found = action(&lenient, &request(host, server_name, path));
        assert_eq!(found, expect, "{host} {server_name:?} {path}");
    }
    let inside = Request {
        connect_target: Some(b"api.telegram.org:443"),
        ..request("github.com", None, "/")
    };
    assert_eq!(action(&lenient, &inside), Action::Deny);
}

#[test]
fn a_statement_about_a_service_sees_every_name() {
    let strict = pack(Mode::Monitor, &[(Mode::Enforce, Some(1))]);
    for (host, server_name, path, expect) in [
        ("github.com", None, "/", Action::Observe),
        ("telegram.org", None, "/", Action::Deny),
        ("github.com", Some("api.telegram.org"), "/", Action::Deny),
        ("api%2etelegram.org", None, "/", Action::Deny),
        ("good.example,telegram.org", None, "/", Action::Deny),
        ("r.jina.ai", None, "/https://api.telegram.org/", Action::Deny),
    ] {
        let found = action(&strict, &request(host, server_name, path));
        assert_eq!(found, expect, "{host} {server_name:?} {path}");
    }
}

#[test]
fn what_no_claim_decides_holds_for_odd_requests_too() {
    let pack = pack(Mode::Enforce, &[(Mode::Off, Some(0)), (Mode::Monitor, None)]);
    assert_eq!(action(&pack, &request("github.com", None, "/")), Action::Allow);
    assert_eq!(action(&pack, &request("GITHUB.com", None, "/")), Action::Observe);
    assert_eq!(action(&pack, &request("telegram.org", None, "/")), Action::Observe);
}

#[test]
fn names_of_two_tenants_disagree_and_two_names_of_a_service_do_not() {
    let lenient = pack(Mode::Enforce, &[(Mode::Monitor, Some(2)), (Mode::Monitor, Some(0))]);
    for (host, server_name, expect) in [
        ("good.s3.example", "good.s3.example", Action::Observe),
        ("good.s3.example", "evil.s3.example", Action::Deny),
        ("api.github.com", "github.com", Action::Observe),
    ] {
        let found = action(&lenient, &request(host, Some(server_name), "/"));
        assert_eq!(found, expect, "{host} {server_name}");
    }
}
