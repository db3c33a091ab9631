use std::sync::Arc;

use diagnostics::SourceText;
use inspect::pack::Operation;

use super::*;

fn uses(list: &[(&str, Use, u64)]) -> Uses {
    let mut uses = Uses::default();
    for (source, used, n_requests) in list {
        let of_source = uses.by_source.entry((*source).to_owned()).or_default();
        of_source.entry(used.clone()).or_default().n_requests += n_requests;
        uses.n_requests += n_requests;
    }
    uses
}

fn host(host: &str) -> Use {
    Use::Host { host: host.to_owned(), port: 443, manner: Manner::Reads }
}

fn service(service: &str, operation: Option<Operation>, identity: Option<&str>) -> Use {
    Use::Service {
        service: service.to_owned(),
        operations: operation.map_or(0, Operation::bit),
        identity: identity.map(str::to_owned),
        port: 443,
        manner: Manner::Reads,
    }
}

fn sources(groups: &[LearnedGroup]) -> Vec<Vec<&str>> {
    groups.iter().map(|group| group.sources.iter().map(String::as_str).collect()).collect()
}

#[test]
fn sources_are_grouped_by_their_names_and_networks() {
    let uses = uses(&[
        ("ci-runner-1", host("a.example"), 9),
        ("ci-runner-12", host("b.example"), 9),
        ("web-7d9f8b6c5-x2x4k", host("c.example"), 5),
        ("web-7d9f8b6c5-q8w2z", host("c.example"), 5),
        ("10.4.1.7", host("d.example"), 3),
        ("10.4.1.200", host("e.example"), 3),
        ("2001:db8::7", host("f.example"), 2),
        ("spiffe://example.org/ns/build/sa/runner-7", host("g.example"), 1),
        ("backup", host("h.example"), 1),
    ]);
    let expect = [
        vec!["ci-runner-*"],
        vec!["web-*"],
        vec!["10.4.1.0/24"],
        vec!["2001:db8::/64"],
        vec!["backup"],
        vec!["spiffe://example.org/ns/build/sa/runner-7"],
    ];
    assert_eq!(sources(&learn(&uses, 10)), expect);
}

#[test]
fn no_name_of_a_log_becomes_a_pattern() {
    let patterns = ["*", "spiffe://example.org/*", "0.0.0.0/0", "10.0.0.0/8", "::/0", "[::]/0"];
    let mut list: Vec<_> = patterns.map(|source| (source, host("evil.example"), 7)).into();
    list.push(("backup", host("a.example"), 1));
    list.push(("backup", service("ntfy.sh", None, Some("*")), 3));
    list.push(("backup", service("GitHub", Some(Operation::Clone), Some("*/app")), 3));
    list.push(("backup", service("GitHub", Some(Operation::Clone), Some("#!/app")), 3));
    let uses = uses(&list);
    let groups = learn(&uses, 2);
    assert_eq!(sources(&groups), [vec!["backup"]]);
    assert!(groups[0].services.is_empty(), "{groups:?}");
    let text = to_policy(&uses, &groups);
    assert!(
        text.contains("# 51 requests: not learned, as a policy takes the source or the tenant"),
        "{text}"
    );
    assert!(!text.contains("evil.example") && !text.contains('*'), "{text}");
}

#[test]
fn groups_that_use_the_same_things_are_joined_until_there_are_few() {
    let uses = uses(&[
        ("orders", service("Slack", None, None), 3),
        ("orders", host("a.example"), 3),
        ("search", service("Slack", None, None), 2),
        ("search", host("a.example"), 2),
        ("backup", host("b.example"), 1),
    ]);
    assert_eq!(sources(&learn(&uses, 3)).len(), 3);
    assert_eq!(sources(&learn(&uses, 2)), [vec!["orders", "search"], vec!["backup"]]);
    // What is unlike stays apart.
    assert_eq!(sources(&learn(&uses, 1)).len(), 2);
}

/// Two single requests are no reason to allow a push to anybody's repository.
#[test]
fn what_is_sent_is_listed_for_the_tenants_it_was_sent_to() {
    let uses = uses(&[
        ("ci", service("GitHub", Some(Operation::Clone), Some("evil/x")), 1),
        ("ci", service("GitHub", Some(Operation::Clone), Some("acme/a")), 5),
        ("ci", service("GitHub", Some(Operation::Push), Some("acme/b")), 1),
        ("ci", service("GitHub", Some(Operation::Read), None), 1),
        ("desk", service("Slack", Some(Operation::Write), Some("T1")), 3),
        ("desk", service("Slack", Some(Operation::Upload), Some("T1")), 3),
        ("desk", service("Slack", Some(Operation::Read), Some("T1")), 3),
    ]);
    let text = to_policy(&uses, &learn(&uses, 10));
    for line in [
        r#"{service: "GitHub", operations: [read, clone]}    # 7 requests of 1 source; of any tenant, seen: "acme/a", "evil/x""#,
        r#"{service: "GitHub", operations: [push], identities: ["acme/b"]}    # 1 request of 1 source"#,
        r#"{service: "Slack", operations: [read, write, upload], identities: ["T1"]}    # 9 requests of 1 source"#,
    ] {
        assert!(text.contains(&format!("      - {line}\n")), "{text}");
    }
    assert_eq!(text.matches("service: ").count(), 3, "{text}");
}

#[test]
fn operations_and_identities_of_a_service_are_one_entry() {
    let uses = uses(&[
        ("ci", service("GitHub", Some(Operation::Clone), Some("acme/a")), 5),
        ("ci", service("GitHub", Some(Operation::Read), Some("acme/b")), 1),
    ]);
    let groups = learn(&uses, 10);
    let text = to_policy(&uses, &groups);
    let line = r#"      - {service: "GitHub", operations: [read, clone], identities: ["acme/a", "acme/b"]}    # 6 requests of 1 source"#;
    assert!(text.lines().any(|written| written == line), "{text}");
}

#[test]
fn many_identities_are_listed_by_their_first_place_or_not_at_all() {
    let of = |owner: fn(u32) -> String| -> Vec<String> {
        let list: Vec<_> = (0..20)
            .map(|n| ("ci", service("GitHub", None, Some(&format!("{}/r{n}", owner(n)))), 1))
            .collect();
        learn(&uses(&list), 10).remove(0).services.remove(0).identities
    };
    assert_eq!(of(|_| "acme".to_owned()), ["acme/*"]);
    assert_eq!(of_namespace(), ["acme/*@a.example/b"]);
    assert_eq!(of(|n| format!("o{n}")), Vec::<String>::new());
}

fn of_namespace() -> Vec<String> {
    let list: Vec<_> = (0..20)
        .map(|n| ("ci", service("GitHub", None, Some(&format!("acme/r{n}@a.example/b"))), 1))
        .collect();
    learn(&uses(&list), 10).remove(0).services.remove(0).identities
}

#[test]
fn no_tenant_is_learned_where_tunnels_may_lead_to_another() {
    let mut tunnel = service("GitHub", None, Some("acme/a"));
    if let Use::Service { manner, .. } = &mut tunnel {
        *manner = Manner::Tunnel;
    }
    let read = service("GitHub", Some(Operation::Read), Some("acme/a"));
    let groups = learn(&uses(&[("ci", tunnel, 3), ("ci", read, 3)]), 10);
    let learned = &groups[0].services[0];
    assert!(learned.has_tunnels && learned.identities.is_empty() && learned.operations.is_empty());
}

#[test]
fn a_use_without_a_name_leaves_the_entry_open() {
    let uses = uses(&[
        ("ci", service("GitHub", None, Some("acme/a")), 1),
        ("ci", service("GitHub", None, None), 1),
    ]);
    assert!(learn(&uses, 10)[0].services[0].identities.is_empty());
}

#[test]
fn what_is_read_from_many_services_is_allowed_for_all_and_uploads_are_not() {
    let names: Vec<_> = (0..20).map(|n| format!("Service {n}")).collect();
    let mut list: Vec<_> = names
        .iter()
        .map(|name| ("laptop", service(name, Some(Operation::Read), None), 1))
        .collect();
    list.push(("laptop", service("Drive", Some(Operation::Upload), None), 9));
    // A request that does two things is listed by one entry that has both.
    let both = Operation::Read.bit() | Operation::Write.bit();
    let mut mail = service("Mail", None, None);
    if let Use::Service { operations, .. } = &mut mail {
        *operations = both;
    }
    list.push(("laptop", mail, 9));
    let group = learn(&uses(&list), 10).remove(0);
    assert_eq!(group.anywhere, ["read", "download", "poll", "stream"]);
    let services: Vec<_> =
        group.services.iter().map(|it| (it.service.as_str(), it.operations.clone())).collect();
    assert_eq!(services, [("Drive", vec!["upload"]), ("Mail", vec!["read", "write"])]);
}

#[test]
fn hosts_below_one_name_are_a_wildcard_and_a_long_tail_is_others() {
    let few: Vec<_> =
        ["a.cdn.example.org", "b.cdn.example.org", "c.cdn.example.org", "d.cdn.example.org"]
            .into_iter()
            .chain([
                "one.example.com",
                "two.example.com",
                "x.co.uk",
                "y.co.uk",
                "z.co.uk",
                "w.co.uk",
            ])
            .map(|name| ("ci", host(name), 3))
            .collect();
    let hosts: Vec<_> =
        learn(&uses(&few), 10).remove(0).hosts.into_iter().map(|(host, _)| host).collect();
    let expect = [
        "*.cdn.example.org",
        "one.example.com",
        "two.example.com",
        "w.co.uk",
        "x.co.uk",
        "y.co.uk",
        "z.co.uk",
    ];
    assert_eq!(hosts, expect);
    let many: Vec<_> = (0..60).map(|n| ("laptop", host(&format!("site{n}.example")), 1)).collect();
    let group = learn(&uses(&many), 10).remove(0);
    assert!(group.hosts.is_empty());
    assert_eq!(
        group.others.map(|others| (others.n_hosts, others.count.requests.n_requests)),
        Some((60, 60))
    );
}

/// A list that was learned from reading opens no way out: not at a host that was not seen, and not by what no
/// operation describes.
#[test]
fn what_was_only_read_from_is_not_opened_for_sending() {
    let sent = |name: &str| Use::Host { host: name.to_owned(), port: 443, manner: Manner::Sends };
    let tail = |n: usize| format!("site{n}.example");
    let mut many: Vec<_> = (0..60).map(|n| ("laptop", host(&tail(n)), 1)).collect();
    let policy = |many: &[(&str, Use, u64)]| {
        let uses = uses(many);
        to_policy(&uses, &learn(&uses, 10))
    };
    let reading = "others: {methods: [GET, HEAD, OPTIONS]}    # 60 hosts";
    assert!(policy(&many).contains(reading), "{}", policy(&many));
    many.push(("laptop", sent("form.example"), 1));
    let text = policy(&many);
    assert!(text.contains(reading) && text.contains("- \"form.example\""), "{text}");
    let tunnel = Use::Host { host: "t.example".to_owned(), port: 443, manner: Manner::Tunnel };
    many.push(("laptop", tunnel, 1));
    assert!(policy(&many).contains("others: true    # 62 hosts"), "{}", policy(&many));
    many.pop();
    many.extend((0..30).map(|n| ("laptop", sent(&format!("form{n}.example")), 1)));
    assert!(policy(&many).contains("others: true    # 91 hosts"), "{}", policy(&many));

    let names: Vec<_> = (0..20).map(|n| format!("Service {n}")).collect();
    let mut list: Vec<_> =
        names.iter().map(|name| ("laptop", service(name, None, None), 1)).collect();
    let mut post = service("Service 7", None, None);
    if let Use::Service { manner, .. } = &mut post {
        *manner = Manner::Sends;
    }
    list.push(("laptop", post, 1));
    list.push(("laptop", service("Service 8", Some(Operation::Query), None), 1));
    let text = policy(&list);
    let anywhere = "- {service: \"*\", operations: [other], methods: [GET, HEAD, OPTIONS]}";
    assert!(text.contains(anywhere), "{text}");
    assert!(text.contains("- {service: \"Service 7\", operations: [other]}"), "{text}");
    assert!(!text.contains("Service 9"), "{text}");
}

#[test]
fn what_a_log_says_cannot_write_a_line_of_the_policy() {
    let evil = "x\nallow: [{group: all, others: true}]\n#\u{2028}\"";
    let uses = uses(&[(evil, host(evil), 1)]);
    let text = to_policy(&uses, &learn(&uses, 10));
    assert!(text.lines().all(|line| !line.starts_with("allow: [")), "{text}");
}

/// What sources of a group, and others, did beyond a policy.
fn more() -> Uses {
    let mut uses = uses(&[
        ("builder-1", host("new.example"), 3),
        ("builder-2", service("GitHub", Some(Operation::Clone), Some("acme/a")), 3),
        ("backup", host("store.example"), 1),
    ]);
    for source in ["builder-1", "builder-2"] {
        uses.groups.insert(source.to_owned(), "builders".to_owned());
    }
    uses
}

#[test]
fn what_people_wrote_stays_and_what_is_new_is_put_in_behind_it() {
    let policy = "\
# Ours.
default: monitor

sources:
  builders: [builder-*]    # all of them

allow:
  # The first of two.
  - group: builders
    sources: [builders]
    default: enforce
    hosts:
      - crates.example     # asked for by a, 2026
      # A mirror follows.
      - {hosts: [mirror.example], methods: [GET]}

  - group: everybody       # comes last
    hosts: [www.example]

statements: []
";
    let expect = "\
# Ours.
default: monitor

sources:
  builders: [builder-*]    # all of them
  \"backup\": [\"backup\"]

allow:
  # The first of two.
  - group: builders
    sources: [builders]
    default: enforce
    hosts:
      - crates.example     # asked for by a, 2026
      # A mirror follows.
      - {hosts: [mirror.example], methods: [GET]}
      - \"new.example\"    # 3 requests of 1 source
    services:
      - {service: \"GitHub\", operations: [clone], identities: [\"acme/a\"]}    # 3 requests of 1 source

  - group: \"backup\"    # 1 source
    sources: [\"backup\"]
    default: monitor    # `enforce` denies what is not listed
    hosts:
      - \"store.example\"    # 1 request of 1 source
  - group: everybody       # comes last
    hosts: [www.example]

statements: []
";
    let merged = merge(&more(), 10, policy).unwrap();
    assert_eq!(merged.text, expect);
    assert_eq!((merged.n_added, merged.left_out.len()), (3, 0));
    for line in policy.lines() {
        assert!(merged.text.lines().any(|kept| kept == line), "{line}");
    }
}

#[test]
fn lists_in_brackets_and_policies_without_lists_are_added_to() {
    let policy = "sources: {}\nallow:\n- group: builders\n  sources: [10.0.0.0/8]\n  services: []\n  hosts: [\n    a.example, # one\n    b.example]";
    let mut uses = more();
    uses.by_source.remove("backup");
    let merged = merge(&uses, 10, policy).unwrap();
    let expect = "sources: {}\nallow:\n- group: builders\n  sources: [10.0.0.0/8]\n  services: [{service: \"GitHub\", operations: [clone], identities: [\"acme/a\"]}]\n  hosts: [\n    a.example, # one\n    b.example, \"new.example\"]";
    assert_eq!(merged.text, expect);

    let mut uses = more();
    uses.groups.clear();
    let merged = merge(&uses, 10, "default: monitor").unwrap();
    assert!(merged.text.starts_with("default: monitor\nsources:\n  \""), "{}", merged.text);
    assert!(merged.text.contains("\nallow:\n  - group: "), "{}", merged.text);
    // What is written is found again.
    let again = merge(&Uses::default(), 10, &merged.text).unwrap();
    assert_eq!((again.text, again.n_added), (merged.text, 0));
}

/// The same policy as people write it: each is read again with all that was in it and what was added.
#[test]
fn a_policy_of_any_layout_is_one_with_what_was_added() {
    let group = "  - group: builders\n    sources: [builder-*]\n";
    for (what, policy) in [
        ("trailing comma", format!("allow:\n{group}    hosts: [a.example,]\n")),
        (
            "comma and comment",
            format!("allow:\n{group}    hosts: [\n      a.example, # one, two\n    ]\n"),
        ),
        (
            "comment alone",
            format!("allow:\n{group}    hosts: [\n      a.example # one, two\n    ]\n"),
        ),
        (
            "entry with a comma",
            format!("allow:\n{group}    hosts: [{{hosts: [a.example, b.example]}}]\n"),
        ),
        ("quoted", format!("allow:\n{group}    hosts: [\"a.example\", 'b#c.example']\n")),
        ("quoted keys", format!("\"allow\":\n{}", group.replace("sources", "\"sources\""))),
        ("no end of line", format!("allow:\n{group}    hosts:\n      - a.example")),
        (
            "returns",
            format!("allow:\n{group}    hosts:\n      - a.example\n").replace('\n', "\r\n"),
        ),
        (
            "wide dashes",
            "allow:\n    -   group: builders\n        sources: [builder-*]\n".to_owned(),
        ),
        ("beginning of a document", format!("---\nallow:\n{group}")),
        ("keys behind", format!("allow:\n{group}default: monitor\n# end\n")),
        (
            "comments behind",
            format!(
                "allow:\n{group}    hosts:\n      - a.example\n      # nothing more\n\n# end\n"
            ),
        ),
    ] {
        let mut uses = more();
        uses.by_source.remove("backup");
        let merged = merge(&uses, 10, &policy).unwrap_or_else(|error| panic!("{what}: {error}"));
        let mut broken = Vec::new();
        let name = Arc::from("policy");
        let text = SourceText::new(&name, &merged.text);
        let documents = diagnostics::yaml::read(&text, &mut broken);
        assert!(broken.is_empty(), "{what}: {broken:?}\n{}", merged.text);
        let shown = format!("{documents:?}");
        for part in ["new.example", "GitHub", "acme/a", "builders"] {
            assert_eq!(
                shown.matches(&format!("\"{part}\"")).count(),
                1,
                "{what}: {part}\n{}",
                merged.text
            );
        }
        // In the group, and nowhere else.
        let again = merge(&Uses::default(), 10, &merged.text).unwrap();
        assert_eq!(again.text, merged.text, "{what}");
        for line in policy.lines().filter(|line| !line.contains(['[', ']'])) {
            assert!(
                merged.text.lines().any(|kept| kept == line),
                "{what}: {line}\n{}",
                merged.text
            );
        }
    }
}

#[test]
fn what_cannot_be_added_to_is_refused_with_what_to_change() {
    let braces = "allow:\n  - {group: builders, sources: [10.0.0.0/8]}\n";
    let error = merge(&more(), 10, braces).unwrap_err();
    assert!(error.contains("group `builders` is written in braces"), "{error}");
    assert!(merge(&more(), 10, "- a").unwrap_err().contains("not one map"));
    let error = merge(&more(), 10, "sources: {a: [b]}\nallow: []\n").unwrap_err();
    assert!(error.contains("in brackets"), "{error}");
}

#[test]
fn a_group_that_reads_from_a_service_may_read_from_it_in_every_way_that_there_is() {
    let mut uses = uses(&[
        ("builder-1", service("Forge", Some(Operation::Download), None), 9),
        ("builder-1", service("Chat", Some(Operation::Write), None), 9),
    ]);
    let all = [Operation::Read, Operation::Download, Operation::Poll, Operation::Upload];
    let bits = all.into_iter().fold(0, |bits, operation| bits | operation.bit());
    for name in ["Forge", "Chat"] {
        uses.operations.insert(name.to_owned(), bits);
    }
    let groups = learn(&uses, 10);
    let operations: Vec<_> =
        groups[0].services.iter().map(|of| (of.service.as_str(), of.operations.clone())).collect();
    assert_eq!(operations, [("Chat", vec!["write"]), ("Forge", vec!["read", "download", "poll"])],);
}
