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
