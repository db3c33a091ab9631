use inspect::pack::{Credential, Range, SourceKind, SourcePattern};
use inspect::{SALT_BYTES, SecretHash, StrId};

use super::*;
use crate::config::{Config, FailureMode, Settings};
use crate::inspection::Step;
use crate::testing::{Call, FakeHost, RULE_1, decoded};

/// A pack that denies `a.example`, with one client, which those of 192.0.2.0/24 have to be.
fn pack() -> Pack {
    let mut tables = decoded("cs-host: a.example").tables().clone();
    tables.strings.push_str("builder-7");
    tables.string_ends.push(u32::try_from(tables.strings.len()).unwrap());
    let name = StrId(u32::try_from(tables.string_ends.len()).unwrap() - 1);
    let SecretHash { salt, hash: [hash_high, hash_low] } =
        SecretHash::of([3; SALT_BYTES], b"open:sesame");
    tables.policy.credentials.push(Credential { name, salt, hash_high, hash_low });
    let first = u128::from(std::net::Ipv4Addr::new(192, 0, 2, 0).to_ipv6_mapped());
    let kind = SourceKind::Network;
    tables.policy.sources.push(SourcePattern { kind, name, first, last: first + 255 });
    tables.policy.credentials_required.push(Range { start: 0, end: 1 });
    Pack::decode(&tables.encode()).unwrap()
}

fn plugin(host: &FakeHost, set: impl FnOnce(&mut Settings)) -> Plugin {
    let mut settings = Settings { mode: Mode::Enforce, ..Settings::default() };
    set(&mut settings);
    Plugin::start(host, Config { pack: pack().into(), settings })
}

/// `Basic` with a name and a secret.
fn basic(credentials: &str) -> String {
    format!("Basic {}", STANDARD.encode(credentials))
}

fn request(host: &FakeHost, to: &str, values: &[&str]) {
    let mut headers: Vec<(&str, &[u8])> = vec![
        (":method", b"GET"),
        (":scheme", b"http"),
        (":authority", to.as_bytes()),
        (":path", b"/"),
    ];
    headers.extend(values.iter().map(|value| (HEADER, value.as_bytes())));
    host.set_headers(&headers);
    host.set_property(Property::TlsVersion, b"TLSv1.3");
    host.set_property(Property::SourceAddress, b"192.0.2.9:7");
}

#[test]
fn credentials_are_removed_and_name_the_source_or_are_asked_for() {
    let right = basic("builder-7:open:sesame");
    let shouted = right.replace("Basic", "BASIC");
    for (values, expect) in [
        (&[right.as_str()][..], None),
        (&[&shouted], None),
        (&[], Some("missing")),
        (&[&basic("builder-7:open")], Some("wrong")),
        (&[&basic("builder-8:open:sesame")], Some("wrong")),
        (&[&basic("builder-7")], Some("wrong")),
        (&["Bearer builder-7:open:sesame"], Some("wrong")),
        (&["Basic"], Some("wrong")),
        (&["Basic \u{e4}"], Some("wrong")),
        (&[""], Some("wrong")),
        (&[&right, &right], Some("wrong")),
    ] {
        let host = FakeHost::new();
        let plugin = plugin(&host, |_| {});
        request(&host, "b.example", values);
        let step = plugin.judge(&host);
        assert!(host.forwarded(HEADER).is_empty(), "{values:?}");
        let Some(why) = expect else {
            assert!(matches!(step, Step::Pass), "{values:?}: {step:?}");
            continue;
        };
        assert!(matches!(step, Step::Refuse), "{values:?}: {step:?}");
        let response = &host.responses()[0];
        assert_eq!(response.status, 407);
        assert_eq!(response.details, format!("tidegate_unauthenticated{{kind={why}}}"));
        assert!(response.headers.iter().any(|(name, _)| *name == "proxy-authenticate"));
        let counter = format!("tidegate_unauthenticated_total.kind={why}");
        assert_eq!(host.counted(&counter), 1, "{values:?}");
    }
}

#[test]
fn the_name_is_the_source_of_the_event_and_the_secret_is_nowhere() {
    let host = FakeHost::new();
    let plugin = plugin(&host, |_| {});
    let right = basic("builder-7:open:sesame");
    request(&host, "a.example", &[&right]);
    host.set_property(Property::PeerIdentity, b"spiffe://example.org/another");
    let Step::Deny(mut inspection) = plugin.judge(&host) else { panic!("it is denied") };
    plugin.conclude(&host, &mut inspection);
    let events = host.events();
    assert_eq!(events[0]["rules"][0]["id"], RULE_1);
    assert_eq!(events[0]["request"]["identity"], "builder-7", "{events:?}");
    let said = format!("{events:?}{:?}{:?}", host.lines(), host.responses());
    for secret in ["sesame", right.trim_start_matches("Basic ")] {
        assert!(!said.contains(secret), "{said}");
    }
}

#[test]
fn in_clear_text_no_credentials_are_taken_or_asked_for() {
    let right = basic("builder-7:open:sesame");
    for (destination, anywhere, from, expect) in [
        ("203.0.113.1:3128", Anywhere::No, "192.0.2.9:7", Some("insecure")),
        ("127.0.0.1:3128", Anywhere::No, "192.0.2.9:7", None),
        ("[::1]:3128", Anywhere::No, "192.0.2.9:7", None),
        ("203.0.113.1:3128", Anywhere::Yes, "192.0.2.9:7", None),
        // Nobody asks this one: it passes as whoever it is by its address.
        ("203.0.113.1:3128", Anywhere::No, "198.51.100.1:7", None),
    ] {
        let host = FakeHost::new();
        let plugin = plugin(&host, |settings| settings.credentials = anywhere);
        host.set_headers(&[
            (":method", b"GET"),
            (":authority", b"b.example"),
            (":path", b"/"),
            (HEADER, right.as_bytes()),
        ]);
        host.set_property(Property::DestinationAddress, destination.as_bytes());
        host.set_property(Property::SourceAddress, from.as_bytes());
        let step = plugin.judge(&host);
        assert!(host.forwarded(HEADER).is_empty());
        assert_eq!(matches!(step, Step::Refuse), expect.is_some(), "{destination} {from}");
        for response in host.responses() {
            assert_eq!(response.status, 403);
            assert!(response.headers.iter().all(|(name, _)| *name != "proxy-authenticate"));
        }
    }
}

#[test]
fn what_is_in_a_tunnel_has_the_name_of_the_tunnel() {
    for (client, expect) in
        [(Some("builder-7"), Some("builder-7")), (Some("-"), None), (None, None)]
    {
        let host = FakeHost::new();
        let plugin = plugin(&host, |_| {});
        request(&host, "a.example", &[]);
        host.set_property(Property::ServerName, b"a.example");
        host.set_property(Property::ConnectTarget, b"a.example:443");
        if let Some(client) = client {
            host.set_property(Property::Client, client.as_bytes());
        }
        let Step::Deny(inspection) = plugin.judge(&host) else { panic!("it is denied") };
        assert_eq!(inspection.sender.client.as_deref(), expect.map(str::as_bytes));
    }
}

#[test]
fn the_name_of_a_tunnels_client_is_passed_on() {
    let host = FakeHost::new();
    let plugin = plugin(&host, |_| {});
    let right = basic("builder-7:open:sesame");
    host.set_headers(&[
        (":method", b"CONNECT"),
        (":authority", b"b.example:443"),
        (HEADER, right.as_bytes()),
    ]);
    host.set_property(Property::TlsVersion, b"TLSv1.3");
    assert!(matches!(plugin.judge(&host), Step::Pass));
    assert_eq!(host.filter_state(CLIENT).as_deref(), Some("builder-7"));
}

#[test]
fn in_monitor_mode_nothing_is_answered_and_with_off_nothing_is_read() {
    for (mode, n_missing) in [(Mode::Monitor, 1), (Mode::Off, 0)] {
        let host = FakeHost::new();
        let plugin = plugin(&host, |settings| settings.mode = mode);
        request(&host, "b.example", &[]);
        assert!(matches!(plugin.judge(&host), Step::Pass));
        assert!(host.responses().is_empty());
        assert_eq!(host.counted("tidegate_unauthenticated_total.kind=missing"), n_missing);
    }
}

#[test]
fn credentials_that_cannot_be_removed_meet_the_failure_mode() {
    for failure_mode in [FailureMode::Open, FailureMode::Closed] {
        let host = FakeHost::new();
        let plugin = plugin(&host, |settings| settings.failure_mode = failure_mode);
        request(&host, "b.example", &[&basic("builder-7:open:sesame")]);
        host.fail(Call::SetRequestHeader);
        let step = plugin.judge(&host);
        assert_eq!(matches!(step, Step::Refuse), failure_mode == FailureMode::Closed);
        assert_eq!(host.counted("tidegate_errors_total.kind=request_header"), 1);
    }
}
