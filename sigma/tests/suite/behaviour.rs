//! Rules that ask what a source did over time.

use inspect::{
    Behaviour, BehaviourField, FirstUses, Inspector, Observed, PROXY_FIELDS, ProxyField, Ratio,
    Request, Response, Scope, Subject, User, Verdict,
};

use crate::event;

fn rule(detection: &str) -> String {
    format!("title: t\nlogsource: {{category: proxy}}\ndetection:\n  {detection}\n")
}

fn inspect(detection: &str, behaviour: &Behaviour, has_response: bool) -> Verdict {
    let mut inspector = Inspector::new(event::pack(&rule(detection)).unwrap());
    let request = Request {
        method: b"GET",
        scheme: b"https",
        authority: b"a.example",
        path: Some(b"/"),
        response: has_response.then(Response::default),
        ..Request::default()
    };
    inspector.inspect_with(&request, &User::default(), behaviour)
}

fn known() -> Behaviour {
    let mut first_uses = FirstUses::default();
    first_uses.insert(Scope::Source, Subject::Host);
    first_uses.insert(Scope::Network, Subject::Host);
    Behaviour {
        active_hours: Observed::Value(7),
        beacon: Observed::Value(Ratio::from_f64(0.93)),
        beacon_period: Observed::Value(300),
        first_use: Observed::Value(first_uses),
        prevalence: Observed::Value(Ratio::of(1, 104)),
        upload_bytes: Observed::Value(20_000_000),
        upload_ratio: Observed::of(Ratio::balance(1, 3)),
        after_dead_drop: Observed::Absent,
        ..Behaviour::default()
    }
}

#[test]
fn fields_of_behaviour_compare_as_their_values() {
    for (detection, expect) in [
        ("s: {tidegate.beacon|gte: 0.93}", true),
        ("s: {tidegate.beacon|gt: 0.93}", false),
        ("s: {tidegate.beacon_period: 300}", true),
        ("s: {tidegate.active_hours|gte: 7}", true),
        ("s: {tidegate.prevalence|lte: 0.01}", true),
        ("s: {tidegate.upload_bytes|gte: 2e7}", true),
        ("s: {tidegate.upload_ratio: -0.5}", true),
        ("s: {tidegate.first_use: network.host}", true),
        ("s: {tidegate.first_use|all: [source.host, network.host]}", true),
        ("s: {tidegate.first_use: source.service}", false),
        ("s: {tidegate.first_use|startswith: 'group.'}", false),
        ("s: {tidegate.after_dead_drop: null}", true),
        ("s: {tidegate.after_dead_drop|gte: 0}", false),
        // What we say of a request is no text of it.
        ("s: ['0.93', '300']", false),
    ] {
        let detection = format!("{detection}\n  condition: s");
        let verdict = inspect(&detection, &known(), true);
        assert_eq!(!verdict.matches.is_empty(), expect, "{detection}");
        assert!(verdict.asks.is_empty() && !verdict.pending, "{detection}");
    }
}

#[test]
fn what_nobody_knows_is_neither_true_nor_false() {
    let fields = PROXY_FIELDS.iter().filter_map(|(name, field)| match field {
        ProxyField::Behaviour(field) => Some((*name, *field)),
        _ => None,
    });
    let mut n_fields = 0;
    for (name, field) in fields {
        n_fields += 1;
        for condition in ["b", "not b", "host and b", "host and not b", "not (host and b)"] {
            for item in ["|gte: 0", ": source.host", ": null", "|exists: true"] {
                let detection = format!(
                    "b: {{{name}{item}}}\n  host: {{cs-host: a.example}}\n  condition: {condition}"
                );
                for has_response in [false, true] {
                    let verdict = inspect(&detection, &Behaviour::default(), has_response);
                    assert!(verdict.matches.is_empty(), "{detection}");
                    assert_eq!(verdict.asks, [field].into_iter().collect(), "{detection}");
                }
            }
        }
        // What the request settles asks nothing.
        for condition in ["other and b", "other and not b", "not host and b"] {
            let detection = format!(
                "b: {{{name}|gte: 0}}\n  host: {{cs-host: a.example}}\n  other: {{cs-host: b.example}}\n  condition: {condition}"
            );
            let verdict = inspect(&detection, &Behaviour::default(), true);
            assert!(verdict.matches.is_empty() && verdict.asks.is_empty(), "{detection}");
        }
    }
    assert_eq!(n_fields, BehaviourField::ALL.len());
}

#[test]
fn sums_wait_for_the_response() {
    let detection = "s: {tidegate.upload_bytes|gte: 1}\n  condition: s";
    let verdict = inspect(detection, &known(), false);
    assert!(verdict.matches.is_empty() && !verdict.asks.is_empty());
    assert_eq!(inspect(detection, &known(), true).matches.len(), 1);
    let rhythm = "s: {tidegate.beacon|gte: 0.9}\n  condition: s";
    assert_eq!(inspect(rhythm, &known(), false).matches.len(), 1);
}

#[test]
fn a_json_event_may_have_the_fields_and_knows_nothing_of_the_others() {
    let text = rule(
        "s: {tidegate.beacon|gte: 0.9}\n  f: {tidegate.requests|lt: 9}\n  condition: s and not f",
    );
    for (object, expect) in [
        (r#"{"tidegate.beacon": 0.95, "tidegate.requests": 12}"#, true),
        (r#"{"tidegate.beacon": 0.95, "tidegate.requests": 3}"#, false),
        (r#"{"tidegate.beacon": 0.95}"#, false),
        (r#"{"tidegate.requests": 12}"#, false),
    ] {
        let mut inspector = Inspector::new(event::pack(&text).unwrap());
        let object = serde_json::from_str(object).unwrap();
        let verdict =
            inspector.inspect_event(|tables, event| event::answer(&object, tables, event));
        assert_eq!(!verdict.matches.is_empty(), expect, "{object}");
    }
}

#[test]
fn a_pack_says_what_it_asks_of_behaviour() {
    let asks =
        |detection: &str| Inspector::new(event::pack(&rule(detection)).unwrap()).asks_behaviour();
    assert!(asks("s: {cs-host: a.example}\n  condition: s").is_empty());
    let fields = asks(
        "s: {cs-host: a.example, tidegate.beacon|gte: 1, tidegate.first_use: source.host}\n  condition: s",
    );
    assert_eq!(
        fields.iter().collect::<Vec<_>>(),
        [BehaviourField::Beacon, BehaviourField::FirstUse]
    );
}

/// What a stateful host finds out in two steps has the outcome of one inspection.
#[test]
fn what_is_found_out_step_by_step_is_what_is_known_at_once() {
    let known = known();
    let first = Behaviour {
        beacon: known.beacon,
        active_hours: known.active_hours,
        ..Behaviour::default()
    };
    let mut n_matches = 0;
    for detection in [
        "s: {tidegate.beacon|gte: 0.9, tidegate.first_use: source.host}\n  condition: s",
        "s: {tidegate.first_use|startswith: 'network.'}\n  f: {cs-host: b.example}\n  condition: s and not f",
        "s: {tidegate.first_use: source.service}\n  condition: not s",
        "s: {tidegate.after_dead_drop: null}\n  h: {cs-host: a.example}\n  condition: h and s",
        "s: {tidegate.prevalence|lte: 0.05}\n  b: {tidegate.beacon|lt: 0.5}\n  condition: s and not b",
        "s: {tidegate.requests|gte: 3}\n  condition: s",
        "s: {tidegate.upload_bytes|gte: 1}\n  b: {tidegate.beacon|gte: 0.9}\n  condition: s and b",
        "s: {sc-status: 404}\n  b: {tidegate.beacon|gte: 0.9}\n  condition: s or b",
        "s: {tidegate.beacon|gte: 0.95}\n  condition: s",
        "s: {cs-host: a.example}\n  condition: s",
    ] {
        let mut inspector = Inspector::new(event::pack(&rule(detection)).unwrap());
        // In several readings.
        for authority in [&b"a.example"[..], b"A.example:443", b"b.example"] {
            let request = Request {
                method: b"GET",
                scheme: b"https",
                authority,
                path: Some(b"/%61"),
                ..Request::default()
            };
            let expect = inspector.inspect_with(&request, &User::default(), &known);
            let mut verdict = inspector.inspect(&request);
            for behaviour in [Behaviour::default(), first, known, known] {
                verdict = inspector.resolve(&verdict, &behaviour);
            }
            n_matches += verdict.matches.len();
            assert_eq!(verdict.matches, expect.matches, "{detection}");
            assert_eq!(verdict.asks, expect.asks, "{detection}");
        }
    }
    assert!(n_matches > 12, "{n_matches}");
}

/// A rule that matches in the end was one that may match, whatever else the request is.
#[test]
fn what_cannot_match_any_more_is_known_by_behaviour_alone() {
    let known = known();
    let unwatched = Behaviour { first_use: Observed::Unknown, ..known };
    for (detection, may_match, may_match_unwatched) in [
        ("s: {tidegate.upload_bytes|gte: 1}\n  condition: s", true, true),
        ("s: {tidegate.upload_bytes|gte: 999999999}\n  condition: s", false, false),
        ("s: {tidegate.upload_bytes|gte: 999999999}\n  condition: not s", true, true),
        ("s: {cs-host: a.example, tidegate.upload_bytes|gte: 1}\n  condition: s", true, true),
        ("s: {cs-host: a.example, tidegate.upload_bytes|lt: 1}\n  condition: s", false, false),
        (
            "s: {tidegate.upload_bytes|lt: 1}\n  o: {sc-status: 404}\n  condition: s or o",
            true,
            true,
        ),
        (
            "s: {tidegate.upload_bytes|gte: 1}\n  o: {sc-status: 404}\n  condition: not (s or o)",
            false,
            false,
        ),
        (
            "s: {tidegate.first_use: source.host, tidegate.upload_bytes|gte: 1}\n  condition: s",
            true,
            false,
        ),
        (
            "s: {tidegate.first_use: source.host}\n  u: {tidegate.upload_bytes|gte: 1}\n  condition: u and not s",
            false,
            false,
        ),
        (
            "s: {tidegate.first_use: group.host}\n  u: {tidegate.upload_bytes|gte: 1}\n  condition: u and not s",
            true,
            false,
        ),
        (
            "s: {tidegate.first_use: source.host}\n  u: {tidegate.upload_bytes|gte: 1}\n  condition: u or s",
            true,
            true,
        ),
    ] {
        let mut inspector = Inspector::new(event::pack(&rule(detection)).unwrap());
        for (behaviour, expect) in [(&known, may_match), (&unwatched, may_match_unwatched)] {
            assert_eq!(
                inspector.may_match(&[inspect::RuleId(0)], behaviour),
                expect,
                "{detection}"
            );
            for authority in [&b"a.example"[..], b"b.example"] {
                let response = Response { status: Some(404), ..Response::default() };
                let request = Request { authority, response: Some(response), ..Request::default() };
                let verdict = inspector.inspect_with(&request, &User::default(), behaviour);
                assert!(expect || verdict.matches.is_empty(), "{detection}");
            }
        }
    }
}

/// Conditions that behaviour alone decides in part, of any form.
const OVER_TIME: [&str; 12] = [
    "r: {tidegate.sources|lte: 2, tidegate.first_use: source.host}\n  s: {tidegate.beacon|gte: 0.35, tidegate.requests|gte: 12}\n  p: {c-useragent|startswith: Mozilla, tidegate.upload_ratio|lt: -0.6}\n  condition: r and s and not p",
    "r: {tidegate.sources: 1}\n  l: {tidegate.beacon|gte: 0.1, tidegate.active_hours|gte: 6}\n  o: {tidegate.client: own}\n  condition: (r or l) and not o",
    "u: {tidegate.upload_bytes|gte: 1000}\n  f: {tidegate.first_use|startswith: 'source.'}\n  condition: u and f",
    "u: {tidegate.upload_bytes|gte: 1000}\n  f: {tidegate.first_use: [group.host, network.host]}\n  condition: u and not f",
    "h: {tidegate.new_hosts|gte: 5}\n  condition: h",
    "h: {cs-host: a.example}\n  b: {tidegate.beacon|gte: 0.9}\n  condition: h or b",
    "h: {cs-host: b.example}\n  b: {tidegate.requests|lt: 3}\n  condition: h and not b",
    "n: {tidegate.beacon: null}\n  b: {tidegate.requests|gte: 12}\n  condition: n and b",
    "f: {tidegate.first_use|all: [source.host, network.host]}\n  condition: not f",
    "t: {tidegate.tunnel_seconds|gte: 60}\n  b: {tidegate.beacon|gt: 0.35}\n  condition: 1 of them",
    "t: {tidegate.after_dead_drop|lte: 60}\n  s: {sc-status: 404}\n  condition: t and not s",
    "b: {tidegate.beacon|exists: true}\n  c: {tidegate.requests: 12}\n  condition: b and c",
];

/// One of two values, or none, or one that is not known.
fn one<T: Copy>(idx: u64, values: [T; 2]) -> Observed<T> {
    match idx {
        0 | 1 => Observed::Value(values[idx as usize]),
        2 => Observed::Absent,
        _ => Observed::Unknown,
    }
}

/// Numbers of which some are the bounds of rules, and some are not known.
fn any_behaviour(mut seed: u64) -> Behaviour {
    let mut next = |n_values: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % n_values
    };
    let ratio = Ratio::from_millionths;
    let mut first_uses = [FirstUses::default(); 2];
    first_uses[next(2) as usize].insert(Scope::Source, Subject::Host);
    first_uses[0].insert(Scope::Network, Subject::Host);
    Behaviour {
        active_hours: one(next(4), [5, 6]),
        after_dead_drop: one(next(4), [60, 61]),
        beacon: one(next(4), [ratio(350_000), ratio(910_000)]),
        first_use: one(next(4), first_uses),
        new_hosts: one(next(4), [4, 5]),
        requests: one(next(4), [2, 12]),
        sources: one(next(4), [1, 3]),
        tunnel_seconds: one(next(4), [59, 60]),
        upload_bytes: one(next(4), [999, 1000]),
        upload_ratio: one(next(4), [ratio(-600_000), ratio(-700_000)]),
        ..Behaviour::default()
    }
}

/// Rules that are left to what is found out of behaviour, and those that fail by a number alone, match as they do
/// where all is inspected at once.
#[test]
fn what_is_decided_by_numbers_is_what_the_whole_rules_decide() {
    let text = OVER_TIME.map(rule).join("\n---\n");
    let pack = std::sync::Arc::new(event::pack(&text).unwrap());
    let mut plain = Inspector::new(std::sync::Arc::clone(&pack));
    let mut deferring = Inspector::new(pack).deferring();
    let rules = |verdict: &Verdict| -> Vec<inspect::RuleId> {
        verdict.matches.iter().map(|matched| matched.rule).collect()
    };
    let (mut n_early, mut n_late, mut n_spared) = (0, 0, 0);
    for seed in 0..4_000 {
        let known = any_behaviour(seed);
        let authority = [&b"a.example"[..], b"A.example:443", b"b.example"][seed as usize % 3];
        let agent = [None, Some(&b"Mozilla/5.0"[..]), Some(b"curl")][seed as usize / 3 % 3];
        let path = Some(&b"/%61"[..]);
        let request = Request { authority, path, user_agent: agent, ..Request::default() };
        let expect = plain.inspect_with(&request, &User::default(), &known);
        let first =
            Behaviour { beacon: known.beacon, requests: known.requests, ..Behaviour::default() };
        let mut verdict = deferring.inspect(&request);
        for behaviour in [first, known] {
            verdict = deferring.resolve(&verdict, &behaviour);
        }
        assert_eq!(verdict.matches, expect.matches, "{seed}");
        assert!(verdict.asks.contains_all(expect.asks), "{seed}");
        n_early += verdict.matches.len();

        let response = Some(Response { status: Some(404), ..Response::default() });
        let request = Request { response, ..request };
        let expect = plain.inspect_with(&request, &User::default(), &known);
        let waiting = deferring.undecided_rules();
        let is_late = |rule: &inspect::RuleId| !rules(&verdict).contains(rule);
        let late: Vec<_> = rules(&expect).into_iter().filter(is_late).collect();
        n_late += late.len();
        assert!(late.iter().all(|rule| waiting.contains(rule) || rule.0 == 10), "{seed}: {late:?}");
        if deferring.may_match(&waiting, &known) {
            let verdict = deferring.inspect_with(&request, &User::default(), &known);
            assert_eq!(rules(&verdict), rules(&expect), "{seed}");
        } else {
            assert!(late.iter().all(|rule| !waiting.contains(rule)), "{seed}: {late:?}");
            n_spared += 1;
        }
    }
    assert!(n_early > 4_000 && n_late > 100 && n_spared > 100, "{n_early} {n_late} {n_spared}");
}
