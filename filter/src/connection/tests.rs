use super::*;
use crate::testing::{Call, FakeHost, config_of};

fn connection(host: &FakeHost, item: &str, mode: Mode, failure_mode: FailureMode) -> Connection {
    let mut config = config_of(item);
    config.settings.mode = mode;
    config.settings.failure_mode = failure_mode;
    Connection::new(Some(Rc::new(Plugin::start(host, config))))
}

const HANDSHAKE: &[u8] = b"\x16\x03\x01";

#[test]
fn a_server_name_is_judged_before_any_byte_and_denied_by_closing() {
    for (mode, flow, action) in
        [(Mode::Enforce, Flow::Pause, "deny"), (Mode::Monitor, Flow::Continue, "observe")]
    {
        let host = FakeHost::new();
        let mut connection = connection(&host, "cs-host: a.example", mode, FailureMode::Open);
        host.set_property(Property::ServerName, b"a.example");
        host.set_property(Property::SourceAddress, b"192.0.2.7:51234");
        assert_eq!(connection.on_new(&host), flow);
        assert_eq!(connection.on_data(&host, 100), flow, "it is not judged again");
        assert_eq!(host.is_closed(), mode == Mode::Enforce);
        let events = host.events();
        assert_eq!(events.len(), 1);
        assert_eq!(events[0]["action"], action);
        assert_eq!(events[0]["request"]["host"], "a.example");
        assert_eq!(events[0]["request"]["sni"], "a.example");
        assert_eq!(events[0]["request"]["source"], "192.0.2.7");
        assert_eq!(host.filter_state("tidegate.action").as_deref(), Some(action));
        assert_eq!(host.counted("tidegate_requests_total"), 1);
    }
}

#[test]
fn the_end_of_a_reported_connection_is_reported_with_its_bytes() {
    for (mode, n_events) in [(Mode::Monitor, 2), (Mode::Enforce, 1)] {
        let host = FakeHost::new();
        let mut connection = connection(&host, "cs-host: a.example", mode, FailureMode::Open);
        host.set_property(Property::ServerName, b"a.example");
        connection.on_new(&host);
        host.advance(90);
        host.set_number(Property::RequestBytes, 10);
        host.set_number(Property::ResponseBytes, 20);
        connection.on_end(&host);
        connection.on_end(&host);
        let events = host.events();
        assert_eq!(events.len(), n_events, "{mode:?}");
        if mode == Mode::Monitor {
            assert_eq!(
                (&events[0]["stream"], &events[1]["stream"]),
                (&"open".into(), &"closed".into())
            );
            let response = &events[1]["response"];
            assert_eq!(response["request_bytes"], 10);
            assert_eq!(response["response_bytes"], 20);
            assert_eq!(response["seconds"], 90);
            assert_eq!(events[1]["request"]["sni"], "a.example");
        }
    }
}

#[test]
fn connections_have_a_rhythm_and_bytes_as_requests_have() {
    const BEACON: &str = "tidegate.beacon|gte: 0.9\n        tidegate.requests|gte: 20";
    const UPLOAD: &str = "tidegate.upload_bytes|gte: 2000";
    for (item, mode, n_events, n_closed) in [
        (BEACON, Mode::Monitor, 2, 0),
        (BEACON, Mode::Enforce, 1, 11),
        (UPLOAD, Mode::Enforce, 1, 0),
    ] {
        let host = FakeHost::new();
        let config = || {
            let mut config = config_of(item);
            config.settings.mode = mode;
            config
        };
        let plugin = Rc::new(Plugin::start(&host, config()));
        let mut n_paused = 0;
        for _ in 0..30 {
            host.next_stream();
            host.set_property(Property::ServerName, b"a.example");
            host.set_property(Property::SourceAddress, b"192.0.2.7:51234");
            host.set_number(Property::RequestBytes, 100);
            let mut connection = Connection::new(Some(Rc::clone(&plugin)));
            n_paused += usize::from(connection.on_new(&host) == Flow::Pause);
            host.advance(60);
            connection.on_end(&host);
        }
        // One that opens and one that closes, or one that is closed.
        assert_eq!((host.events().len(), n_paused), (n_events, n_closed), "{item} {mode:?}");
    }
}

#[test]
fn a_name_that_cannot_be_read_whole_meets_the_failure_mode() {
    let long = "a".repeat(inspect::limits::MAX_VALUE_BYTES + 1);
    for (failure_mode, flow) in
        [(FailureMode::Open, Flow::Continue), (FailureMode::Closed, Flow::Pause)]
    {
        for item in ["cs-host: a.example", "cs-host|startswith: aaa"] {
            let host = FakeHost::new();
            let mut connection = connection(&host, item, Mode::Monitor, failure_mode);
            host.set_property(Property::ServerName, long.as_bytes());
            assert_eq!(connection.on_new(&host), flow, "{item}");
            assert_eq!(host.is_closed(), flow == Flow::Pause, "{item}");
            assert_eq!(host.counted("tidegate_errors_total.kind=truncated"), 1);
            // What matched is reported with what happened.
            let actions: Vec<_> =
                host.events().iter().map(|event| event["action"].clone()).collect();
            let expect = if failure_mode == FailureMode::Open { "observe" } else { "deny" };
            let expect = if item.contains("aaa") { vec![expect] } else { Vec::new() };
            assert_eq!(actions, expect, "{item}");
        }
    }
}

#[test]
fn another_name_passes_and_is_counted() {
    let host = FakeHost::new();
    let mut connection =
        connection(&host, "cs-host: a.example", Mode::Enforce, FailureMode::Closed);
    host.set_property(Property::ServerName, b"b.example");
    assert_eq!(connection.on_new(&host), Flow::Continue);
    assert!(host.events().is_empty() && !host.is_closed());
    assert_eq!(host.counted("tidegate_requests_total"), 1);
}

#[test]
fn without_a_name_the_first_bytes_are_waited_for_and_tls_without_a_name_is_odd() {
    for (data, expect) in [(HANDSHAKE, 1), (&b"SSH-2.0-x\r\n"[..], 0)] {
        let host = FakeHost::new();
        let mut connection =
            connection(&host, "dst_ip: 198.51.100.3", Mode::Enforce, FailureMode::Closed);
        host.set_property(Property::DestinationAddress, b"198.51.100.9:443");
        assert_eq!(connection.on_new(&host), Flow::Continue);
        assert_eq!(connection.on_data(&host, 0), Flow::Continue);
        assert_eq!(host.counted("tidegate_requests_total"), 0, "nothing to judge yet");
        host.set_data(data);
        assert_eq!(connection.on_data(&host, data.len()), Flow::Continue);
        assert_eq!(host.counted("tidegate_requests_total"), 1);
        assert_eq!(host.counted("tidegate_anomalies_total.name=sni_missing"), expect);
    }
}

#[test]
fn without_a_name_the_target_of_the_tunnel_is_judged_or_else_the_address() {
    for (property, value) in [
        (Property::ConnectTarget, &b"a.example:443"[..]),
        (Property::DestinationAddress, b"a.example:443"),
    ] {
        let host = FakeHost::new();
        let mut connection =
            connection(&host, "cs-host: a.example", Mode::Enforce, FailureMode::Open);
        host.set_property(property, value);
        host.set_data(HANDSHAKE);
        assert_eq!(connection.on_data(&host, 3), Flow::Pause, "{property:?}");
        assert_eq!(connection.on_data(&host, 3), Flow::Pause);
        assert_eq!(host.events().len(), 1);
    }
}

#[test]
fn a_connection_that_cannot_be_judged_meets_the_failure_mode() {
    for call in [
        Call::Property(Property::ServerName),
        Call::Property(Property::SourceAddress),
        Call::DownstreamData,
    ] {
        for (failure_mode, flow) in
            [(FailureMode::Open, Flow::Continue), (FailureMode::Closed, Flow::Pause)]
        {
            let host = FakeHost::new();
            let mut connection =
                connection(&host, "cs-host: a.example", Mode::Enforce, failure_mode);
            host.fail(call);
            connection.on_new(&host);
            assert_eq!(connection.on_data(&host, 3), flow, "{call:?} {failure_mode:?}");
            assert_eq!(host.is_closed(), flow == Flow::Pause);
        }
    }
}

#[test]
fn a_connection_that_cannot_be_closed_is_held_only_if_the_plugin_fails_closed() {
    for (failure_mode, flow, action) in
        [(FailureMode::Open, Flow::Continue, "observe"), (FailureMode::Closed, Flow::Pause, "deny")]
    {
        let host = FakeHost::new();
        let mut connection = connection(&host, "cs-host: a.example", Mode::Enforce, failure_mode);
        host.set_property(Property::ServerName, b"a.example");
        host.fail(Call::CloseDownstream);
        host.fail(Call::SetFilterState);
        assert_eq!(connection.on_new(&host), flow);
        assert_eq!(host.events()[0]["action"], action);
        assert_eq!(host.counted("tidegate_errors_total.kind=local_response"), 1);
        assert_eq!(host.counted("tidegate_errors_total.kind=filter_state"), 1);
    }
}

#[test]
fn mode_off_and_a_missing_plugin_let_everything_pass() {
    let host = FakeHost::new();
    host.set_property(Property::ServerName, b"a.example");
    let mut off = connection(&host, "cs-host: a.example", Mode::Off, FailureMode::Closed);
    assert_eq!(off.on_new(&host), Flow::Continue);
    let mut none = Connection::new(None);
    assert_eq!(none.on_new(&host), Flow::Continue);
    assert_eq!(none.on_data(&host, 3), Flow::Continue);
    assert_eq!(host.counted("tidegate_requests_total"), 0);
}

#[test]
fn a_client_with_too_many_connections_gets_no_further_one_until_one_is_over() {
    let host = FakeHost::new();
    let mut config = config_of("cs-host: a.example");
    config.settings.connections_per_source = 2;
    let plugin = Rc::new(Plugin::start(&host, config));
    let open = |address: &[u8]| {
        host.next_stream();
        host.set_property(Property::ServerName, b"b.example");
        host.set_property(Property::SourceAddress, address);
        let mut connection = Connection::new(Some(Rc::clone(&plugin)));
        let flow = connection.on_new(&host);
        (connection, flow)
    };
    let (first, flow) = open(b"192.0.2.7:1");
    assert_eq!(flow, Flow::Continue);
    let (_second, flow) = open(b"192.0.2.7:2");
    assert_eq!(flow, Flow::Continue);
    let (mut third, flow) = open(b"192.0.2.7:3");
    assert_eq!(flow, Flow::Pause);
    assert!(host.is_closed());
    assert_eq!(third.on_data(&host, 3), Flow::Pause);
    assert_eq!(host.counted("tidegate_errors_total.kind=connections"), 1);
    assert_eq!(open(b"192.0.2.8:1").1, Flow::Continue, "another client");
    drop(first);
    assert_eq!(open(b"192.0.2.7:4").1, Flow::Continue);
}
