//! Which calls of the host a request takes: each costs as much as a good part of judging, in wasm above all.

use std::rc::Rc;

use super::*;
use crate::config::ListenerTls;
use crate::http::HttpStream;
use crate::testing::{Call, FakeHost, config_of_rules};

/// Sends requests until what they have in common is known, and returns the calls of the last one.
fn calls(listener_tls: ListenerTls, items: &[&str]) -> Vec<(Call, usize)> {
    calls_of(&Sent::default(), listener_tls, items)
}

/// How requests are sent.
struct Sent {
    /// Seconds between two of them.
    pause: u64,
    ends_with_headers: bool,
}

impl Default for Sent {
    fn default() -> Sent {
        Sent { pause: 1, ends_with_headers: false }
    }
}

/// The same for requests that are sent in another way.
fn calls_of(sent: &Sent, listener_tls: ListenerTls, items: &[&str]) -> Vec<(Call, usize)> {
    let host = FakeHost::new();
    let mut config = config_of_rules(items);
    config.settings.listener_tls = listener_tls;
    let plugin = Rc::new(Plugin::start(&host, config));
    plugin.count(|counters| counters.wait_for_ticks(true));
    plugin.ticked.set(host.milliseconds());
    let mut last = Vec::new();
    for _ in 0..3 {
        host.take_calls();
        host.set_headers(&[
            (":method", b"GET"),
            (":scheme", b"http"),
            (":authority", b"www.example.com"),
            (":path", b"/assets/app/main.css?v=20261121"),
            ("user-agent", b"Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/145.0"),
            ("referer", b"https://www.example.com/articles/2026/11/a-title-of-some-length"),
            ("cookie", b"session=0123456789abcdef0123456789abcdef; theme=dark; consent=1"),
        ]);
        host.set_property(Property::SourceAddress, b"192.0.2.7:4321");
        let mut stream = HttpStream::new(Some(Rc::clone(&plugin)));
        if sent.ends_with_headers {
            stream.ends_with_headers();
        }
        stream.on_request_headers(&host);
        stream.on_response_headers(&host);
        stream.on_end(&host);
        assert!(host.events().is_empty(), "{items:?}");
        last = host.take_calls();
        host.advance(sent.pause);
    }
    last
}

#[test]
fn a_request_that_nothing_concerns_takes_its_headers_alone() {
    let expect = [(Call::RequestHeaders, 1)];
    for items in [
        &["cs-host: a.example"][..],
        &[
            "cs-host: a.example",
            "c-useragent|contains: curl",
            "cs-cookie|contains: '0123'\n        cs-host: b.example",
        ],
        // Services, secrets and anomalies are read from what is there.
        &[
            "tidegate.service: Slack",
            "tidegate.category: paste\n        tidegate.operation: upload",
        ],
        &["tidegate.secret: key.aws", "tidegate.anomaly: host.mixed_scripts"],
        // What the policy knows of uses is asked for at services alone.
        &["tidegate.service: Slack\n        tidegate.usage: new"],
        // What is known of a source, of a sender or of a response matters to no request to another host.
        &[
            "cs-host: a.example\n        tidegate.beacon|gte: 0.9\n        tidegate.first_use: source.host",
        ],
        &["cs-host: a.example\n        sc-status: 404\n        sc-bytes|gte: 10"],
    ] {
        assert_eq!(calls(ListenerTls::None, items), expect, "{items:?}");
    }
}

#[test]
fn a_listener_that_may_have_tls_is_asked_for_name_and_version_alone() {
    let expect = [
        (Call::RequestHeaders, 1),
        (Call::Property(Property::ServerName), 1),
        (Call::Property(Property::TlsVersion), 1),
    ];
    assert_eq!(calls(ListenerTls::Any, &["cs-host: a.example"]), expect);
    // A pack that asks for no name asks nothing.
    let expect = [(Call::RequestHeaders, 1)];
    assert_eq!(calls(ListenerTls::Any, &["c-useragent|contains: curl"]), expect);
}

#[test]
fn a_tracked_request_of_a_known_pair_reads_and_writes_one_bucket() {
    let of_sender = [(Call::RequestHeaders, 1), (Call::Property(Property::SourceAddress), 1)];
    let of_state = [(Call::SharedData, 1), (Call::SetSharedData, 1), (Call::Time, 1)];
    let beacon = "tidegate.beacon|gte: 0.9\n        tidegate.requests|gte: 20";
    let expect = [&of_sender[..], &of_state].concat();
    assert_eq!(calls(ListenerTls::None, &[beacon]), expect);

    let of_bytes =
        [(Call::Property(Property::RequestBytes), 1), (Call::Property(Property::ResponseBytes), 1)];
    let upload = "tidegate.first_use: source.host\n        tidegate.upload_bytes|gte: 1000000\n        tidegate.sources|lte: 2";
    let expect = [&of_sender[..], &of_bytes, &of_state].concat();
    assert_eq!(calls(ListenerTls::None, &[beacon, upload]), expect);
    // A request that ends with its headers has sent no bytes.
    let sent = Sent { ends_with_headers: true, ..Sent::default() };
    let of_bytes = [(Call::Property(Property::ResponseBytes), 1)];
    let expect = [&of_sender[..], &of_bytes, &of_state].concat();
    assert_eq!(calls_of(&sent, ListenerTls::None, &[beacon, upload]), expect);

    // Where there may be TLS there may be a certificate.
    let of_client = [
        (Call::RequestHeaders, 1),
        (Call::Property(Property::PeerIdentity), 1),
        (Call::Property(Property::SourceAddress), 1),
    ];
    let expect = [&of_client[..], &of_state].concat();
    assert_eq!(calls(ListenerTls::Any, &[beacon]), expect);
}

#[test]
fn a_tracked_request_of_a_pair_that_was_read_in_this_second_reads_and_writes_nothing() {
    let beacon = "tidegate.beacon|gte: 0.9\n        tidegate.requests|gte: 20";
    let expect =
        [(Call::RequestHeaders, 1), (Call::Property(Property::SourceAddress), 1), (Call::Time, 1)];
    let sent = Sent { pause: 0, ..Sent::default() };
    assert_eq!(calls_of(&sent, ListenerTls::None, &[beacon]), expect);
}

#[test]
fn a_request_that_outlives_a_tick_asks_for_the_clock_again() {
    let host = FakeHost::new();
    let config = config_of_rules(&["tidegate.tunnel_seconds|gte: 100"]);
    let plugin = Rc::new(Plugin::start(&host, config));
    for (has_ticks, seconds, expect) in [(true, 0, false), (true, 5, true), (false, 0, true)] {
        plugin.ticked.set(host.milliseconds().filter(|_| has_ticks));
        host.set_headers(&[(":method", b"GET"), (":authority", b"a.example"), (":path", b"/")]);
        host.set_property(Property::SourceAddress, b"192.0.2.7:4321");
        let mut stream = HttpStream::new(Some(Rc::clone(&plugin)));
        stream.on_request_headers(&host);
        if seconds > 0 {
            host.advance(seconds);
            plugin.ticked.set(host.milliseconds());
        }
        host.take_calls();
        stream.on_end(&host);
        let is_asked = host.take_calls().iter().any(|(call, _)| *call == Call::Time);
        assert_eq!(is_asked, expect, "ticks: {has_ticks}, {seconds} s");
    }
}
