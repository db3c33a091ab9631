use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use inspect::pack::PackHash;

use super::*;
use crate::host::Property;
use crate::http::Flow;
use crate::limits::MAX_SUMMED;
use crate::testing::{Call, FakeHost, pack_of, public_key_of, signed_by};

fn settings(more: &str) -> Vec<u8> {
    let pack = STANDARD.encode(pack_of("cs-host: a.example"));
    format!("{{\"pack\":\"{pack}\"{more}}}").into_bytes()
}

fn request(root: &Root, host: &FakeHost) -> Flow {
    host.next_stream();
    host.set_headers(&[(":method", b"GET"), (":authority", b"a.example")]);
    let mut stream = root.http_stream();
    let flow = stream.on_request_headers(host);
    stream.on_end(host);
    flow
}

#[test]
fn a_configuration_is_taken_whole_or_the_one_before_stays() {
    let host = FakeHost::new();
    let mut root = Root::default();
    assert_eq!(request(&root, &host), Flow::Continue, "nothing is configured");
    host.set_configuration(&settings(",\"mode\":\"enforce\""));
    assert!(root.configure(&host));
    assert_eq!(request(&root, &host), Flow::Pause);
    for (configuration, why) in [
        (Vec::new(), "the plugin has no configuration"),
        (settings(",\"mode\":\"block\""), "`mode` has to be"),
    ] {
        host.set_configuration(&configuration);
        assert!(!root.configure(&host));
        let lines = host.lines();
        let line = lines.last().unwrap();
        assert!(line.starts_with("tidegate: configuration refused: "), "{line}");
        assert!(line.contains(why), "{line}");
    }
    host.fail(Call::Configuration);
    assert!(!root.configure(&host));
    assert_eq!(request(&root, &host), Flow::Pause);
    assert_eq!(host.counted("tidegate_refused_total.kind=configuration"), 2);
}

/// A pack whose hash holds and whose body is not one of a pack.
fn pack_of_noise() -> Vec<u8> {
    let body = [0xff; 64];
    let mut pack = pack_of("cs-host: a.example");
    pack.truncate(12);
    pack.extend_from_slice(&64_u32.to_le_bytes());
    pack.extend_from_slice(&PackHash::of(&body).0);
    pack.extend_from_slice(&body);
    pack
}

#[test]
fn no_table_of_a_pack_is_read_before_its_signature_is_checked() {
    let host = FakeHost::new();
    let mut root = Root::default();
    for (pack, kind, why) in [
        (pack_of_noise(), "unsigned", "the pack is not signed"),
        (signed_by(2, pack_of_noise()), "signature", "the pack's signature is of none of"),
        (signed_by(1, pack_of_noise()), "configuration", "the pack is corrupt"),
        (pack_of("cs-host: a.example"), "unsigned", "the pack is not signed"),
        (signed_by(2, pack_of("cs-host: a.example")), "signature", "the pack's signature"),
    ] {
        let counter = format!("tidegate_refused_total.kind={kind}");
        let before = host.counted(&counter);
        let (pack, key) = (STANDARD.encode(pack), public_key_of(1));
        let settings = format!(r#"{{"pack":"{pack}","public_key":"{key}"}}"#);
        host.set_configuration(settings.as_bytes());
        assert!(!root.configure(&host));
        let lines = host.lines();
        let line = lines.last().unwrap();
        assert!(line.contains(why), "{line}");
        assert_eq!(host.counted(&counter), before + 1, "{kind}: {line}");
    }
}

#[test]
fn ticks_are_requested_and_a_host_without_them_is_no_reason_to_refuse() {
    let host = FakeHost::new();
    host.set_configuration(&settings(""));
    assert!(Root::default().configure(&host));
    assert_eq!(host.tick_period(), Some(TICK_MS));
    let host = FakeHost::new();
    host.fail(Call::SetTickPeriod);
    host.set_configuration(&settings(""));
    assert!(Root::default().configure(&host));
}

#[test]
fn requests_are_counted_at_ticks_where_these_come() {
    const NAME: &str = "tidegate_requests_total";
    let host = FakeHost::new();
    let mut root = Root::default();
    host.set_configuration(&settings(""));
    assert!(root.configure(&host));
    request(&root, &host);
    request(&root, &host);
    assert_eq!(host.counted(NAME), 0);
    root.tick(&host);
    root.tick(&host);
    assert_eq!(host.counted(NAME), 2);
    // A new configuration loses none, nor does an end.
    request(&root, &host);
    assert!(root.configure(&host));
    assert_eq!(host.counted(NAME), 3);
    request(&root, &host);
    root.write_sums(&host);
    assert_eq!(host.counted(NAME), 4);
    // Many are not waited for.
    for _ in 0..MAX_SUMMED {
        request(&root, &host);
    }
    assert_eq!(host.counted(NAME), 4 + MAX_SUMMED);
    // Other threads, and hosts without ticks, count each.
    let other = Root::of(&root.taken().unwrap());
    request(&other, &host);
    assert_eq!(host.counted(NAME), 5 + MAX_SUMMED);
    host.fail(Call::SetTickPeriod);
    assert!(root.configure(&host));
    request(&root, &host);
    assert_eq!(host.counted(NAME), 6 + MAX_SUMMED);
}

#[test]
fn a_tick_closes_windows_and_posts_events() {
    let host = FakeHost::new();
    let mut root = Root::default();
    root.tick(&host);
    root.take_answer(&host, 1, 1);
    host.set_configuration(&settings(",\"suppress_seconds\":\"60\",\"collector\":\"logs\""));
    assert!(root.configure(&host));
    request(&root, &host);
    request(&root, &host);
    host.advance(60);
    root.tick(&host);
    let posted = host.posted();
    assert_eq!(posted.len(), 1);
    assert_eq!(posted[0].body.lines().count(), 2);
    host.set_answer("200");
    root.take_answer(&host, posted[0].call, 1);
    assert_eq!(host.counted("tidegate_exported_total"), 2);
}

#[test]
fn a_collector_whose_answers_cannot_be_received_is_refused() {
    let host = FakeHost::new();
    host.fail(Call::CheckAnswers);
    let mut root = Root::default();
    host.set_configuration(&settings(""));
    assert!(root.configure(&host));
    host.set_configuration(&settings(",\"collector\":\"logs\""));
    assert!(!root.configure(&host));
    let lines = host.lines();
    assert_eq!(
        lines.last().unwrap(),
        "tidegate: configuration refused: `collector` needs something that is not there"
    );
}

#[test]
fn a_root_makes_streams_of_its_protocol() {
    let host = FakeHost::new();
    let mut root = Root::default();
    assert_eq!(root.protocol(), Protocol::Http);
    host.set_configuration(&settings(",\"protocol\":\"tls\",\"mode\":\"enforce\""));
    assert!(root.configure(&host));
    assert_eq!(root.protocol(), Protocol::Tls);
    host.set_property(Property::ServerName, b"a.example");
    assert_eq!(root.connection().on_new(&host), Flow::Pause);
}

#[test]
fn a_request_that_outlives_its_configuration_asks_for_the_clock_when_it_ends() {
    let host = FakeHost::new();
    let pack = STANDARD.encode(pack_of("tidegate.tunnel_seconds|gte: 100"));
    let start = || {
        let mut root = Root::default();
        host.set_configuration(format!("{{\"pack\":\"{pack}\"}}").as_bytes());
        assert!(root.configure(&host));
        host.set_headers(&[(":method", b"CONNECT"), (":authority", b"b.example:443")]);
        host.set_property(Property::SourceAddress, b"192.0.2.7:4321");
        let mut stream = root.http_stream();
        stream.on_request_headers(&host);
        (root, stream)
    };
    let is_asked = |mut stream: HttpStream| {
        host.advance(3600);
        host.take_calls();
        stream.on_end(&host);
        host.take_calls().iter().any(|(call, _)| *call == Call::Time)
    };
    let (_root, stream) = start();
    assert!(!is_asked(stream), "no tick came");
    let (mut root, stream) = start();
    assert!(root.configure(&host));
    assert!(is_asked(stream), "another configuration of the root");
    let (root, stream) = start();
    drop(root);
    assert!(is_asked(stream), "the root is gone");
}
