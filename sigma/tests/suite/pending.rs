//! What a verdict without a response says of the one with it.

use inspect::{Inspector, Request, Response};
use proptest::prelude::*;

use crate::event;

const ITEMS: &[&str] = &[
    "{cs-host|contains: needle}",
    "{cs-host|endswith: .example}",
    "{c-uri|endswith: /raw}",
    "{cs-cookie: null}",
    "{sc-status: 404}",
    "{sc-status|startswith: '4'}",
    "{sc-status: null}",
    "{sc-bytes|gt: 5}",
    "{dst_ip|cidr: 10.0.0.0/8}",
    "{cs-host|contains: needle, sc-status: 404}",
    "[needle, '404']",
];

const CONDITIONS: &[&str] =
    &["one", "one and two", "one or two", "one and not two", "not one", "not (one and not two)"];

fn pack(rules: &[(&str, &str, &str)]) -> Inspector {
    let rules: Vec<String> = rules
        .iter()
        .map(|(one, two, condition)| {
            format!(
                "title: t\nlogsource: {{category: proxy}}\ndetection:\n  one: {one}\n  two: {two}\n  condition: {condition}\n"
            )
        })
        .collect();
    Inspector::new(event::pack(&rules.join("---\n")).unwrap())
}

fn request<'r>(host: &'r str, path: &'r str, response: Option<Response<'r>>) -> Request<'r> {
    Request {
        method: b"GET",
        scheme: b"https",
        authority: host.as_bytes(),
        path: Some(path.as_bytes()),
        response,
        ..Request::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn a_verdict_that_is_not_pending_is_the_last(
        rules in proptest::collection::vec(
            (
                proptest::sample::select(ITEMS),
                proptest::sample::select(ITEMS),
                proptest::sample::select(CONDITIONS),
            ),
            1..4,
        ),
        host in proptest::sample::select(&["a-needle.example", "needle.test", "10.1.2.3", "other.test", "n%65edle.test"][..]),
        path in proptest::sample::select(&["/raw", "/"][..]),
        status in proptest::sample::select(&[200, 404, 400][..]),
        n_bytes in 0..10u64,
        address in proptest::sample::select(&["10.0.0.1", "192.0.2.1"][..]),
    ) {
        let mut inspector = pack(&rules);
        let response = Response {
            status: Some(status),
            request_bytes: None,
            response_bytes: Some(n_bytes),
            upstream_address: Some(address.as_bytes()),
        };
        let early = inspector.inspect(&request(host, path, None));
        let late = inspector.inspect(&request(host, path, Some(response)));
        let ids = |verdict: &inspect::Verdict| -> Vec<_> {
            verdict.matches.iter().map(|matched| matched.rule).collect()
        };
        let (early_ids, late_ids) = (ids(&early), ids(&late));
        prop_assert!(early_ids.iter().all(|id| late_ids.contains(id)), "{rules:?}");
        prop_assert!(early.pending || early_ids == late_ids, "{rules:?} on {host}");
        prop_assert!(!late.pending);
    }
}

#[test]
fn a_verdict_is_pending_only_where_the_response_may_add_to_it() {
    let found = "{cs-host|contains: needle}";
    for (rule, host, expect) in [
        // Nothing in the request wakes the rule, so no status can make it match.
        ((found, "{sc-status: 404}", "one and two"), "other.test", false),
        ((found, "{sc-status: 404}", "one and two"), "needle.test", true),
        ((found, "{sc-status: 404}", "one and not two"), "needle.test", true),
        ((found, "{sc-status: 404}", "one or two"), "needle.test", true),
        ((found, "{c-uri|endswith: /raw}", "one and two"), "needle.test", false),
        (("{dst_ip|cidr: 10.0.0.0/8}", found, "one"), "10.1.2.3", false),
        (("{dst_ip|cidr: 10.0.0.0/8}", found, "one"), "other.test", true),
        (("['404']", found, "one"), "other.test", true),
    ] {
        let verdict = pack(&[rule]).inspect(&request(host, "/", None));
        assert_eq!(verdict.pending, expect, "{rule:?} on {host}");
    }
}
