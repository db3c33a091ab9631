use serde_json::Value;

use super::*;
use crate::config::{Settings, Suppression};
use crate::host::Property;
use crate::http::HttpStream;
use crate::testing::{Call, FakeHost, config_of};

fn plugin(host: &FakeHost, set: impl FnOnce(&mut Settings)) -> Rc<Plugin> {
    let mut config = config_of("cs-host: a.example");
    set(&mut config.settings);
    Rc::new(Plugin::start(host, config))
}

fn start(host: &FakeHost, plugin: &Rc<Plugin>) -> HttpStream {
    host.next_stream();
    host.set_headers(&[(":method", b"POST"), (":authority", b"a.example")]);
    host.set_property(Property::SourceAddress, b"192.0.2.7:51234");
    let mut stream = HttpStream::new(Some(Rc::clone(plugin)));
    stream.on_request_headers(host);
    stream
}

fn states(host: &FakeHost) -> Vec<Value> {
    host.events().iter().map(|event| event["stream"].clone()).collect()
}

#[test]
fn a_long_request_is_reported_once_while_it_runs_and_once_when_it_ends() {
    let host = FakeHost::new();
    let plugin = plugin(&host, |_| {});
    let mut stream = start(&host, &plugin);
    host.advance(REPORT_SECONDS - 1);
    report_due(&host);
    assert!(host.events().is_empty());
    host.advance(1);
    // Another stream is the current one at a tick.
    host.set_property(Property::Route, b"another");
    host.set_number(Property::ResponseCode, 500);
    report_due(&host);
    report_due(&host);
    let events = host.events();
    assert_eq!(states(&host), ["open"]);
    assert_eq!(events[0]["request"]["source"], "192.0.2.7");
    assert_eq!((events[0].get("response"), events[0].get("gateway")), (None, None));
    host.set_number(Property::ResponseCode, 200);
    host.set_number(Property::RequestBytes, 99);
    stream.on_response_headers(&host);
    stream.on_end(&host);
    let events = host.events();
    assert_eq!(states(&host), ["open", "closed"]);
    assert_eq!(events[1]["response"]["request_bytes"], 99);
    assert_eq!(events[1]["n_rules"], 1);
}

#[test]
fn a_short_request_has_one_event_without_a_state() {
    let host = FakeHost::new();
    let plugin = plugin(&host, |_| {});
    start(&host, &plugin).on_end(&host);
    host.advance(REPORT_SECONDS);
    report_due(&host);
    assert_eq!(states(&host), [Value::Null]);
}

#[test]
fn response_headers_report_long_requests_where_there_are_no_ticks() {
    let host = FakeHost::new();
    let plugin = plugin(&host, |_| {});
    let mut stream = start(&host, &plugin);
    host.advance(REPORT_SECONDS);
    stream.on_response_headers(&host);
    assert_eq!(states(&host), ["open"]);
}

#[test]
fn a_request_outlives_its_configuration() {
    let host = FakeHost::new();
    let plugin = plugin(&host, |_| {});
    let mut stream = start(&host, &plugin);
    drop(plugin);
    host.advance(REPORT_SECONDS);
    report_due(&host);
    assert_eq!(states(&host), ["open"]);
    stream.on_end(&host);
    assert_eq!(states(&host), ["open", "closed"]);
}

#[test]
fn a_suppressed_request_is_not_closed_by_an_event_and_a_written_one_is() {
    let host = FakeHost::new();
    let plugin = plugin(&host, |settings| {
        settings.suppression = Suppression { suppress_seconds: 3600, events_per_minute: 0 };
    });
    let mut first = start(&host, &plugin);
    let mut second = start(&host, &plugin);
    host.advance(REPORT_SECONDS);
    report_due(&host);
    assert_eq!(states(&host), ["open"]);
    first.on_end(&host);
    second.on_end(&host);
    assert_eq!(states(&host), ["open", "closed"]);
    assert_eq!(host.counted("tidegate_suppressed_total"), 1);
}

#[test]
fn without_a_clock_a_request_is_reported_at_once() {
    let host = FakeHost::new();
    let plugin = plugin(&host, |_| {});
    host.fail(Call::Time);
    let mut stream = start(&host, &plugin);
    assert_eq!(states(&host), ["open"]);
    stream.on_end(&host);
    assert_eq!(states(&host), ["open", "closed"]);
}

#[test]
fn beyond_the_bound_a_request_is_reported_at_once() {
    let host = FakeHost::new();
    let plugin = plugin(&host, |_| {});
    let mut streams: Vec<_> = (0..MAX_RUNNING).map(|_| start(&host, &plugin)).collect();
    assert!(host.events().is_empty());
    streams.push(start(&host, &plugin));
    assert_eq!(states(&host), ["open"]);
    // Those that are over make room.
    for mut stream in streams.drain(..MAX_RUNNING / 2) {
        stream.on_end(&host);
    }
    let n_events = host.events().len();
    streams.push(start(&host, &plugin));
    assert_eq!(host.events().len(), n_events);
}

#[test]
fn a_clock_that_is_set_back_delays_nothing() {
    let host = FakeHost::new();
    let plugin = plugin(&host, |_| {});
    host.advance(1_000);
    let _stream = start(&host, &plugin);
    host.turn_back(500);
    report_due(&host);
    assert_eq!(states(&host), ["open"]);
}
