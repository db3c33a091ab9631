use std::collections::BTreeSet;
use std::rc::Rc;

use inspect::{Mode, Pack};
use serde_json::Value;

use super::inline::Correlations;
use super::*;
use crate::config::{Config, Settings};
use crate::host::Property;
use crate::http::HttpStream;
use crate::testing::FakeHost;

const RULES: &str = "
title: Paste read
id: 6b3e1d1c-0000-4000-8000-000000000001
name: paste
logsource: {category: proxy}
detection: {s: {cs-host: paste.example}, condition: s}
---
title: Upload
id: 6b3e1d1c-0000-4000-8000-000000000002
name: upload
logsource: {category: proxy}
detection: {s: {cs-method: POST, cs-host|endswith: .files.example}, condition: s}
---
";
const COUNT: &str = "
title: Many pastes
id: 6b3e1d1c-0000-4000-8000-000000000011
level: high
tags: [attack.t1102]
correlation: {type: event_count, rules: [paste], group-by: [src_ip], timespan: 10m, condition: {gte: 3}}
";
const FIRED: &str =
    "tidegate_matches_total.rule=6b3e1d1c-0000-4000-8000-000000000011.action=observe";
const LOST: &str = "tidegate_behaviour_lost_swaps_total";
const EVICTED: &str = "tidegate_behaviour_evictions_total.kind=groups";

/// A gateway of one plugin, whose workers share the data of one host.
struct Gateway(Rc<Plugin>);

impl Gateway {
    fn new(correlations: &str) -> Gateway {
        let settings = Settings { mode: Mode::Enforce, ..Settings::default() };
        let config = Config { pack: pack(correlations).into(), settings };
        Gateway(Rc::new(Plugin::start(&FakeHost::new(), config)))
    }

    fn send(&self, worker: &FakeHost, source: &str, method: &str, host: &str) {
        worker.next_stream();
        worker.set_headers(&[
            (":method", method.as_bytes()),
            (":scheme", b"https"),
            (":authority", host.as_bytes()),
            (":path", b"/"),
        ]);
        worker.set_property(Property::SourceAddress, format!("{source}:4321").as_bytes());
        let mut stream = HttpStream::new(Some(Rc::clone(&self.0)));
        stream.on_request_headers(worker);
        stream.on_end(worker);
    }

    fn paste(&self, worker: &FakeHost, source: &str) {
        self.send(worker, source, "GET", "paste.example");
    }
}

fn pack(correlations: &str) -> Pack {
    let parsed = sigma::parse(&sigma::Source::new("test.yml", &format!("{RULES}{correlations}")));
    assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics);
    let mut compiler = sigma::Compiler::new("test", 1);
    for rule in &parsed.rules {
        compiler.add(rule).unwrap();
    }
    for result in compiler.add_correlations(&parsed.correlations) {
        result.unwrap();
    }
    Pack::decode(&compiler.finish().encode()).unwrap()
}

fn n_buckets(host: &FakeHost) -> usize {
    let names = (0..1024).map(|bucket| format!("tidegate.behaviour.1.groups.{bucket}"));
    names.filter(|name| host.shared_data(name).unwrap().is_some()).count()
}

#[test]
fn a_count_fires_once_whichever_worker_sees_it_and_denies_nothing() {
    for n_workers in [1, 2, 4] {
        let first = FakeHost::new();
        let workers: Vec<_> =
            (0..n_workers).map(|_| (first.worker(), Gateway::new(COUNT))).collect();
        for idx in 0..12 {
            let (worker, gateway) = &workers[idx * 7 % 5 % n_workers];
            gateway.paste(worker, if idx % 4 == 3 { "10.0.0.2" } else { "10.0.0.1" });
        }
        let events: Vec<Value> = workers.iter().flat_map(|(worker, _)| worker.events()).collect();
        let sources: BTreeSet<_> =
            events.iter().map(|event| event["request"]["source"].to_string()).collect();
        assert_eq!((events.len(), sources.len()), (2, 2), "{n_workers} workers: {events:?}");
        for event in &events {
            assert_eq!((&event["action"], &event["n_rules"]), (&"observe".into(), &2.into()));
            assert_eq!(event["techniques"], serde_json::json!(["T1102"]));
            let fired = &event["rules"][1];
            assert_eq!(fired["title"], "Many pastes");
            assert_eq!((&fired["kind"], &fired["value"]), (&"correlation".into(), &3.into()));
            assert_eq!((&fired["level"], &fired["mode"]), (&"high".into(), &"monitor".into()));
        }
        let counted = |name: &str| workers.iter().map(|(of, _)| of.counted(name)).sum::<u64>();
        assert_eq!((counted(FIRED), counted(LOST)), (2, 0));
        assert!(workers.iter().all(|(worker, _)| worker.responses().is_empty()));
    }
}

#[test]
fn a_count_fires_again_after_a_window_of_silence() {
    let (gateway, host) = (Gateway::new(COUNT), FakeHost::new());
    for wait in [0, 299, 300, 0, 0, 600, 1, 1] {
        host.advance(wait);
        gateway.paste(&host, "10.0.0.1");
    }
    // The first is out of the window of the third.
    assert_eq!(host.counted(FIRED), 2);
    // A clock that is set back starts anew.
    host.turn_back(86_400);
    (0..3).for_each(|_| gateway.paste(&host, "10.0.0.1"));
    assert_eq!(host.counted(FIRED), 3);
}

#[test]
fn a_request_that_no_rule_of_a_correlation_matches_costs_nothing() {
    let (gateway, host) = (Gateway::new(COUNT), FakeHost::new());
    gateway.send(&host, "10.0.0.1", "GET", "www.example");
    gateway.send(&host, "10.0.0.1", "POST", "a.files.example");
    assert_eq!(n_buckets(&host), 0);
    gateway.paste(&host, "10.0.0.1");
    assert_eq!((n_buckets(&host), host.events().len()), (1, 1), "the upload is an alert itself");
}

#[test]
fn values_and_orders_are_counted_and_names_are_combined() {
    let (gateway, host) = (
        Gateway::new(
            "
title: Values
id: v
correlation: {type: value_count, rules: [upload], group-by: [src_ip], timespan: 1h, condition: {field: cs-host, gte: 3}}
---
title: Order
id: o
correlation: {type: temporal_ordered, rules: [paste, upload], group-by: [src_ip], timespan: 1h}
---
title: Without
id: w
correlation: {type: temporal, timespan: 1h, group-by: [src_ip], condition: upload and not paste}
",
        ),
        FakeHost::new(),
    );
    let counted =
        |id: &str| host.counted(&format!("tidegate_matches_total.rule={id}.action=observe"));
    let upload = |source, host_name: &str| {
        gateway.send(&host, source, "POST", &format!("{host_name}.files.example"));
    };
    upload("10.0.0.1", "a");
    assert_eq!((counted("v"), counted("o"), counted("w")), (0, 0, 1));
    gateway.paste(&host, "10.0.0.1");
    upload("10.0.0.1", "A");
    assert_eq!((counted("v"), counted("o"), counted("w")), (0, 1, 1));
    upload("10.0.0.1", "b");
    upload("10.0.0.1", "c");
    assert_eq!((counted("v"), counted("o"), counted("w")), (1, 1, 1));
    // Another source, a paste first.
    gateway.paste(&host, "10.0.0.2");
    upload("10.0.0.2", "a");
    assert_eq!((counted("v"), counted("o"), counted("w")), (1, 2, 1));
}

#[test]
fn a_swap_that_another_worker_wins_is_tried_again() {
    let (gateway, host) = (Gateway::new(COUNT), FakeHost::new());
    gateway.paste(&host, "10.0.0.1");
    host.lose_swaps(2);
    gateway.paste(&host, "10.0.0.1");
    host.lose_swaps(100);
    gateway.paste(&host, "10.0.0.1");
    host.lose_swaps(0);
    assert_eq!((host.counted(FIRED), host.counted(LOST)), (0, 1));
    gateway.paste(&host, "10.0.0.1");
    assert_eq!((host.counted(FIRED), host.counted(LOST)), (1, 1));
}

#[test]
fn groups_that_are_made_up_flush_none_that_counts() {
    let by_both = COUNT.replace("[src_ip]", "[src_ip, c-useragent]");
    let (gateway, host) = (Gateway::new(&by_both), FakeHost::new());
    let paste = |source: &str, agent: &str| {
        host.next_stream();
        host.set_headers(&[
            (":method", b"GET"),
            (":scheme", b"https"),
            (":authority", b"paste.example"),
            (":path", b"/"),
            ("user-agent", agent.as_bytes()),
        ]);
        host.set_property(Property::SourceAddress, format!("{source}:4321").as_bytes());
        let mut stream = HttpStream::new(Some(Rc::clone(&gateway.0)));
        stream.on_request_headers(&host);
        stream.on_end(&host);
    };
    paste("10.0.0.1", "curl");
    paste("10.0.0.1", "curl");
    for idx in 0..3000 {
        paste("10.0.0.9", &format!("agent-{idx}"));
    }
    assert!(host.counted(EVICTED) > 2500);
    assert!(n_buckets(&host) <= 33, "a source has 32 buckets");
    // Sources that are made up reach every bucket; what counts already gives way last.
    for idx in 0..20_000 {
        paste(&format!("10.{}.{}.9", 1 + idx / 256, idx % 256), "curl");
    }
    paste("10.0.0.1", "curl");
    assert_eq!(host.counted(FIRED), 1);
    for bucket in 0..1024 {
        let name = format!("tidegate.behaviour.1.groups.{bucket}");
        let (bytes, _) = host.shared_data(&name).unwrap().unwrap_or_default();
        assert!(bytes.len() <= 8 * 1048);
        assert!(!bytes.windows(5).any(|window| window == b"agent" || window == b"paste"));
    }
}

#[test]
fn what_needs_more_runs_in_a_hunt_only() {
    for (body, is_inline) in [
        ("{type: event_count, rules: [paste], timespan: 24h, condition: {gte: 127}}", true),
        ("{type: event_count, rules: [paste], timespan: 24h, condition: {gte: 128}}", false),
        ("{type: event_count, rules: [paste], timespan: 25h, condition: {gte: 2}}", false),
        (
            "{type: event_count, rules: [paste], group-by: [dst_ip], timespan: 1h, condition: {gte: 2}}",
            false,
        ),
        (
            "{type: value_count, rules: [paste], timespan: 1h, condition: {gte: 2, field: sc-status}}",
            false,
        ),
        (
            "{type: value_sum, rules: [paste], timespan: 1h, condition: {gte: 2, field: cs-bytes}}",
            false,
        ),
        (
            "{type: temporal, rules: [paste, upload], timespan: 1h, condition: paste and upload}",
            true,
        ),
        ("{type: temporal_ordered, rules: [paste, upload], timespan: 1h}", true),
        (
            "{type: temporal_ordered, rules: [paste, upload], timespan: 1h, condition: paste and upload}",
            false,
        ),
    ] {
        let pack = pack(&format!("title: t\ncorrelation: {body}\n"));
        let of = Correlations::of(pack.tables());
        assert_eq!(of.inline.len(), usize::from(is_inline), "{body}");
    }
    let one = "title: t\ncorrelation: {type: event_count, rules: [paste], timespan: 1h, condition: {gte: 2}}\n---\n";
    let pack = pack(&one.repeat(70));
    assert_eq!(Correlations::of(pack.tables()).inline.len(), 64);
}
