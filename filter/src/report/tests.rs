use std::rc::Rc;

use inspect::Mode;
use serde_json::{Value, json};

use crate::collector::Collector;
use crate::config::{FailureMode, Settings, Suppression};
use crate::host::Property;
use crate::http::HttpStream;
use crate::plugin::Plugin;
use crate::testing::{Call, FakeHost, RULE_1, config_of_rules};

/// A plugin, and a host to run streams on.
struct Gateway {
    host: FakeHost,
    plugin: Rc<Plugin>,
}

impl Gateway {
    fn new(items: &[&str], set: impl FnOnce(&mut Settings)) -> Gateway {
        let host = FakeHost::new();
        let mut config = config_of_rules(items);
        set(&mut config.settings);
        let plugin = Rc::new(Plugin::start(&host, config));
        Gateway { host, plugin }
    }

    /// Starts a request.
    fn request(&self, pairs: &[(&str, &[u8])]) -> HttpStream {
        self.host.next_stream();
        self.host.set_headers(pairs);
        self.host.set_property(Property::SourceAddress, b"192.0.2.7:51234");
        let mut stream = HttpStream::new(Some(Rc::clone(&self.plugin)));
        stream.on_request_headers(&self.host);
        stream
    }

    /// Ends a request with a response.
    fn respond(&self, mut stream: HttpStream, status: u64) {
        self.host.set_number(Property::ResponseCode, status);
        stream.on_response_headers(&self.host);
        self.host.set_number(Property::RequestBytes, 10);
        self.host.set_number(Property::ResponseBytes, 20);
        stream.on_end(&self.host);
    }

    /// Runs a whole request to a host.
    fn run(&self, authority: &str) {
        let stream = self.request(&[(":method", b"GET"), (":authority", authority.as_bytes())]);
        self.respond(stream, 200);
    }
}

fn rules(event: &Value) -> Vec<&str> {
    let rules = event["rules"].as_array().unwrap();
    rules.iter().map(|rule| rule["id"].as_str().unwrap()).collect()
}

const CONNECT: &[(&str, &[u8])] = &[(":method", b"CONNECT"), (":authority", b"a.example:443")];

#[test]
fn an_event_is_written_when_the_request_is_over() {
    let gateway = Gateway::new(&["cs-host: a.example"], |_| {});
    let host = &gateway.host;
    let stream =
        gateway.request(&[(":method", b"GET"), (":authority", b"a.example"), (":path", b"/")]);
    for (property, value) in [
        (Property::ServerName, &b"a.example"[..]),
        (Property::UpstreamAddress, b"198.51.100.3:443"),
        (Property::Node, b"egress-1"),
        (Property::FilterChain, b"chain"),
        (Property::VirtualHost, b"all"),
        (Property::Route, b"any"),
        (Property::Cluster, b"out"),
    ] {
        host.set_property(property, value);
    }
    assert!(host.events().is_empty());
    gateway.respond(stream, 204);
    let events = host.events();
    assert_eq!(events.len(), 1);
    let event = &events[0];
    assert_eq!(event["action"], "observe");
    assert_eq!(event["time"], 1_763_697_600_000_u64);
    assert_eq!(event["request"]["sni"], "a.example");
    assert_eq!(event["request"]["source"], "192.0.2.7");
    let expect = json!({
        "code": 204, "request_bytes": 10, "response_bytes": 20, "upstream": "198.51.100.3",
    });
    assert_eq!(event["response"], expect);
    let expect = json!({
        "node": "egress-1", "filter_chain": "chain", "virtual_host": "all", "route": "any",
        "cluster": "out",
    });
    assert_eq!(event["gateway"], expect);
}

#[test]
fn a_denied_request_is_reported_once_and_no_rule_sees_our_own_response() {
    let gateway = Gateway::new(&["cs-host: a.example", "sc-status: 403"], |settings| {
        settings.mode = Mode::Enforce;
    });
    gateway.run("a.example");
    let events = gateway.host.events();
    assert_eq!(events.len(), 1);
    assert_eq!((rules(&events[0]), &events[0]["action"]), (vec![RULE_1], &json!("deny")));
}

#[test]
fn a_rule_of_the_response_joins_the_event_and_the_access_log() {
    let gateway = Gateway::new(&["sc-status: 404", "cs-host: a.example"], |_| {});
    let second = RULE_1.replace("0001", "0002");
    let stream = gateway.request(&[(":method", b"GET"), (":authority", b"a.example")]);
    assert_eq!(gateway.host.filter_state("tidegate.rules"), Some(second.clone()));
    gateway.respond(stream, 404);
    let events = gateway.host.events();
    assert_eq!(events.len(), 1);
    assert_eq!(rules(&events[0]), [RULE_1, &second], "in the pack's order");
    let all = gateway.host.filter_state("tidegate.rules").unwrap();
    assert!(all.contains(RULE_1) && all.contains(&second), "{all}");
    assert_eq!(events[0]["rules"][0]["phase"], "response");
    let metric = format!("tidegate_matches_total.rule={RULE_1}.action=observe");
    assert_eq!(gateway.host.counted(&metric), 1);
}

#[test]
fn a_rule_of_the_response_alone_is_reported_with_its_sender_and_else_nothing_is() {
    let gateway = Gateway::new(&["sc-status: 404"], |_| {});
    gateway.run("a.example");
    assert!(gateway.host.events().is_empty());
    let stream = gateway.request(&[(":method", b"GET"), (":authority", b"a.example")]);
    gateway.host.set_property(Property::PeerIdentity, b"spiffe://example/a");
    gateway.respond(stream, 404);
    let events = gateway.host.events();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["request"]["identity"], "spiffe://example/a");
    assert_eq!(events[0]["would_deny"], false);
}

#[test]
fn rules_on_sizes_and_the_upstream_read_what_they_need() {
    let items = ["sc-bytes: 20", "cs-bytes: 10", "dst_ip: 198.51.100.3"];
    let gateway = Gateway::new(&items, |_| {});
    let stream = gateway.request(&[(":method", b"GET"), (":authority", b"a.example")]);
    gateway.host.set_property(Property::UpstreamAddress, b"198.51.100.3:443");
    gateway.respond(stream, 200);
    assert_eq!(gateway.host.events()[0]["n_rules"], 3);
}

#[test]
fn a_tunnel_is_reported_when_it_opens_and_in_a_second_event_when_it_is_over() {
    let gateway = Gateway::new(&["cs-method: CONNECT", "sc-bytes: 20"], |_| {});
    let mut stream = gateway.request(CONNECT);
    assert!(gateway.host.events().is_empty());
    gateway.host.set_number(Property::ResponseCode, 200);
    stream.on_response_headers(&gateway.host);
    stream.on_response_headers(&gateway.host);
    let events = gateway.host.events();
    assert_eq!(events.len(), 1, "once");
    assert_eq!(events[0]["response"], json!({"code": 200}), "sizes are not known yet");
    assert_eq!(events[0]["stream"], "open");
    gateway.host.advance(7200);
    gateway.respond(stream, 200);
    let events = gateway.host.events();
    assert_eq!(events.len(), 2);
    assert_eq!(events[1]["stream"], "closed");
    assert_eq!(rules(&events[1]), [RULE_1.to_owned(), RULE_1.replace("0001", "0002")]);
    let expect = json!({"code": 200, "request_bytes": 10, "response_bytes": 20, "seconds": 7200});
    assert_eq!(events[1]["response"], expect);
}

#[test]
fn a_tunnel_that_does_not_open_has_one_event() {
    let gateway = Gateway::new(&["cs-method: CONNECT"], |_| {});
    gateway.respond(gateway.request(CONNECT), 503);
    let events = gateway.host.events();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["stream"], Value::Null);
    assert_eq!(events[0]["response"]["code"], 503);
}

fn suppressing(seconds: u32, rate: u32) -> impl FnOnce(&mut Settings) {
    move |settings| {
        settings.suppression = Suppression { suppress_seconds: seconds, events_per_minute: rate };
    }
}

/// Opens a tunnel behind a decoy, ends it after some seconds, and returns all events but the decoy's, with
/// those that close windows.
fn behind_a_decoy(seconds: u32, rate: u32, lasts: u64) -> Vec<Value> {
    let gateway = Gateway::new(&["cs-method: CONNECT"], suppressing(seconds, rate));
    gateway.respond(gateway.request(CONNECT), 200);
    let mut stream = gateway.request(CONNECT);
    gateway.host.set_number(Property::ResponseCode, 200);
    stream.on_response_headers(&gateway.host);
    assert_eq!(gateway.host.counted("tidegate_suppressed_total"), 1);
    gateway.host.advance(lasts);
    gateway.respond(stream, 200);
    gateway.host.advance(u64::from(seconds.max(60)));
    gateway.plugin.close_windows(&gateway.host);
    gateway.host.events().split_off(2)
}

#[test]
fn the_end_of_a_tunnel_is_reported_although_its_start_was_suppressed_if_it_outlived_the_window() {
    for (seconds, rate) in [(60, 0), (0, 1), (60, 1)] {
        let events = behind_a_decoy(seconds, rate, 7200);
        let closed = events.iter().filter(|event| event["stream"] == "closed");
        let closed: Vec<_> = closed.collect();
        assert_eq!(closed.len(), 1, "{events:?}");
        assert_eq!(rules(closed[0]), [RULE_1]);
        let expect =
            json!({"code": 200, "request_bytes": 10, "response_bytes": 20, "seconds": 7200});
        assert_eq!(closed[0]["response"], expect);
    }
}

#[test]
fn what_a_tunnel_moved_whose_start_was_suppressed_is_in_the_event_that_closes_the_window() {
    for (seconds, rate, by) in [(60, 0, "window"), (0, 1, "rate")] {
        let events = behind_a_decoy(seconds, rate, 30);
        assert_eq!(events.len(), 1, "{events:?}");
        assert_eq!(
            (&events[0]["suppressed"]["count"], &events[0]["suppressed"]["by"]),
            (&json!(1), &json!(by))
        );
        let expect = json!({"request_bytes": 10, "response_bytes": 20, "seconds": 30});
        assert_eq!(events[0]["response"], expect);
    }
}

#[test]
fn a_tunnel_that_is_younger_than_its_window_and_ends_after_it_is_reported() {
    let gateway = Gateway::new(&["cs-method: CONNECT"], suppressing(60, 0));
    gateway.respond(gateway.request(CONNECT), 200);
    gateway.host.advance(50);
    let mut stream = gateway.request(CONNECT);
    stream.on_response_headers(&gateway.host);
    gateway.host.advance(20);
    gateway.plugin.close_windows(&gateway.host);
    gateway.respond(stream, 200);
    let states: Vec<_> = gateway.host.events().iter().map(|of| of["stream"].clone()).collect();
    assert_eq!(states, [json!("open"), json!("closed"), Value::Null, json!("closed")]);
}

#[test]
fn a_stream_that_ends_before_an_answer_has_no_response() {
    let gateway = Gateway::new(&["cs-host: a.example"], |_| {});
    gateway.request(&[(":method", b"GET"), (":authority", b"a.example")]).on_end(&gateway.host);
    let events = gateway.host.events();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].get("response"), None);
}

#[test]
fn a_denial_of_grpc_has_its_status_and_a_truncated_one_another() {
    for (length, status) in [(1, 7), (inspect::limits::MAX_VALUE_BYTES + 1, 14)] {
        let gateway = Gateway::new(&["cs-host: a.example", "c-useragent: x"], |settings| {
            settings.failure_mode = FailureMode::Closed;
            settings.mode = if length == 1 { Mode::Enforce } else { Mode::Monitor };
        });
        let agent = "y".repeat(length);
        let stream = gateway.request(&[
            (":authority", b"a.example"),
            ("content-type", b"application/grpc"),
            ("user-agent", agent.as_bytes()),
        ]);
        gateway.respond(stream, 200);
        let event = &gateway.host.events()[0];
        assert_eq!(event["action"], "deny");
        assert_eq!(event["response"]["code"], 200);
        assert_eq!(event["response"]["grpc_status"], status);
    }
}

#[test]
fn an_event_that_cannot_be_written_is_counted_and_still_exported() {
    let gateway = Gateway::new(&["cs-host: a.example"], |settings| {
        settings.collector = Collector::read(Some("logs"), None).unwrap();
    });
    gateway.host.fail(Call::Log);
    gateway.run("a.example");
    assert_eq!(gateway.host.counted("tidegate_errors_total.kind=event"), 1);
    gateway.plugin.post_events(&gateway.host);
    assert_eq!(gateway.host.posted().len(), 1);
}

#[test]
fn filter_state_that_fails_at_the_end_is_counted() {
    let gateway = Gateway::new(&["sc-status: 404"], |_| {});
    let stream = gateway.request(&[(":method", b"GET"), (":authority", b"a.example")]);
    gateway.host.fail(Call::SetFilterState);
    gateway.respond(stream, 404);
    assert_eq!(gateway.host.counted("tidegate_errors_total.kind=filter_state"), 1);
    assert_eq!(gateway.host.events().len(), 1);
}

#[test]
fn a_busy_engine_is_counted_and_no_panic() {
    let gateway = Gateway::new(&["cs-method: CONNECT"], |settings| {
        settings.failure_mode = FailureMode::Closed;
        settings.suppression = Suppression { suppress_seconds: 60, events_per_minute: 0 };
    });
    let mut stream = gateway.request(CONNECT);
    let inspector = gateway.plugin.inspector.borrow_mut();
    stream.on_response_headers(&gateway.host);
    stream.on_end(&gateway.host);
    gateway.plugin.close_windows(&gateway.host);
    drop(inspector);
    assert_eq!(gateway.host.counted("tidegate_errors_total.kind=busy"), 3);
    assert!(gateway.host.events().is_empty());
}

#[test]
fn suppressed_events_are_counted_and_reported_by_an_event_of_the_window() {
    let gateway = Gateway::new(&["cs-host: a.example"], |settings| {
        settings.suppression = Suppression { suppress_seconds: 60, events_per_minute: 0 };
    });
    for _ in 0..3 {
        gateway.run("a.example");
    }
    assert_eq!(gateway.host.events().len(), 1);
    assert_eq!(gateway.host.counted("tidegate_suppressed_total"), 2);
    gateway.plugin.close_windows(&gateway.host);
    assert_eq!(gateway.host.events().len(), 1, "the window is open");
    gateway.host.advance(60);
    gateway.plugin.close_windows(&gateway.host);
    let events = gateway.host.events();
    assert_eq!(events.len(), 2);
    let expect = json!({"count": 2, "since": 1_763_697_600_000_u64, "by": "window"});
    assert_eq!(events[1]["suppressed"], expect);
    let expect = json!({"request_bytes": 20, "response_bytes": 40, "seconds": 0});
    assert_eq!(events[1]["response"], expect);
    assert_eq!(rules(&events[1]), [RULE_1]);
    assert_eq!(events[1]["request"]["host"], "a.example");
    assert_eq!(events[1]["request"]["source"], "192.0.2.7");
    assert_eq!(events[1]["rules"][0]["view"], events[0]["rules"][0]["view"]);
    assert_eq!(events[1]["would_deny"], true);
}

#[test]
fn a_window_of_a_rule_that_an_update_removed_is_not_reported() {
    let suppress = |settings: &mut Settings| {
        settings.suppression = Suppression { suppress_seconds: 60, events_per_minute: 0 };
    };
    let gateway = Gateway::new(&["cs-host: b.example", "cs-host: a.example"], suppress);
    gateway.run("a.example");
    gateway.run("a.example");
    gateway.host.advance(60);
    let updated = Gateway::new(&["cs-host: b.example"], suppress);
    updated.plugin.close_windows(&gateway.host);
    assert_eq!(gateway.host.events().len(), 1);
    assert_eq!(gateway.host.counted("tidegate_suppressed_total"), 1);
}

#[test]
fn windows_that_are_evicted_are_counted_and_reported() {
    let gateway = Gateway::new(&["cs-host|endswith: .example"], |settings| {
        settings.suppression = Suppression { suppress_seconds: 60, events_per_minute: 0 };
    });
    for number in 0..12_000 {
        let name = format!("{number}.example");
        gateway.run(&name);
        gateway.run(&name);
    }
    let n_evicted = gateway.host.counted("tidegate_suppression_evictions_total");
    let n_events = gateway.host.events().len() as u64;
    assert!(n_evicted > 0);
    assert_eq!(n_events, 12_000 + n_evicted);
}
