use inspect::StrId;
use inspect::pack::{HeaderValue, Range, ServiceHeader, SourceKind, SourcePattern, Tables};

use super::*;
use crate::config::{Config, FailureMode, Settings};
use crate::host::Property;
use crate::inspection::Step;
use crate::testing::{Call, FakeHost, decoded};

const HEADER: &str = "x-allowed-teams";

fn string(tables: &mut Tables, text: &str) -> StrId {
    tables.strings.push_str(text);
    tables.string_ends.push(u32::try_from(tables.strings.len()).unwrap());
    StrId(u32::try_from(tables.string_ends.len()).unwrap() - 1)
}

/// A pack with a rule for `a.example`, and a header that the policy sets at `drop.example` for one network.
fn pack() -> Pack {
    let mut tables = decoded("cs-host: a.example").tables().clone();
    let name = string(&mut tables, "Drop");
    let host = string(&mut tables, "drop.example");
    let header = string(&mut tables, HEADER);
    let value = string(&mut tables, "ours");
    let of_one = Range { start: 0, end: 1 };
    let services = &mut tables.services;
    services.services.push(inspect::pack::Service {
        name,
        category: name,
        operations: Range::ANY,
        clients: Range::ANY,
    });
    services.texts.push(host);
    services.headers.push(ServiceHeader { service: 0, name: header, hosts: of_one.clone() });
    let address = u128::from(std::net::Ipv4Addr::new(192, 0, 2, 1).to_ipv6_mapped());
    tables.policy.sources.push(SourcePattern {
        kind: SourceKind::Network,
        name,
        first: address,
        last: address,
    });
    tables.policy.headers.push(HeaderValue { header: 0, sources: of_one, value });
    Pack::decode(&tables.encode()).unwrap()
}

fn plugin(host: &FakeHost, mode: Mode, failure_mode: FailureMode) -> Plugin {
    let settings = Settings { mode, failure_mode, ..Settings::default() };
    Plugin::start(host, Config { pack: pack().into(), settings })
}

fn request(host: &FakeHost, to: &str, from: &str) {
    host.set_headers(&[
        (":method", b"GET"),
        (":scheme", b"https"),
        (":authority", to.as_bytes()),
        (":path", b"/"),
        (HEADER, b"theirs"),
        (HEADER, b"others"),
    ]);
    host.set_property(Property::SourceAddress, from.as_bytes());
}

#[test]
fn a_client_has_no_say_in_a_header_of_the_policy() {
    for (mode, to, from, expect) in [
        (Mode::Enforce, "drop.example", "192.0.2.1:7", &["ours"][..]),
        (Mode::Enforce, "drop.example", "192.0.2.2:7", &[]),
        (Mode::Enforce, "elsewhere.example", "192.0.2.1:7", &["theirs", "others"]),
        (Mode::Monitor, "drop.example", "192.0.2.1:7", &["theirs", "others"]),
        (Mode::Off, "drop.example", "192.0.2.1:7", &["theirs", "others"]),
    ] {
        let host = FakeHost::new();
        let plugin = plugin(&host, mode, FailureMode::Open);
        request(&host, to, from);
        assert!(matches!(plugin.judge(&host), Step::Pass));
        assert_eq!(host.forwarded(HEADER), expect, "{mode:?} {to} {from}");
    }
}

#[test]
fn a_header_that_cannot_be_set_meets_the_failure_mode() {
    for failure_mode in [FailureMode::Open, FailureMode::Closed] {
        let host = FakeHost::new();
        let plugin = plugin(&host, Mode::Enforce, failure_mode);
        request(&host, "drop.example", "192.0.2.1:7");
        host.fail(Call::SetRequestHeader);
        let step = plugin.judge(&host);
        assert_eq!(host.counted("tidegate_errors_total.kind=request_header"), 1);
        let is_refused = matches!(step, Step::Refuse);
        assert_eq!(is_refused, failure_mode == FailureMode::Closed, "{step:?}");
        assert_eq!(host.responses().len(), usize::from(is_refused));
    }
}

#[test]
fn a_copy_spelt_with_underscores_is_one() {
    let host = FakeHost::new();
    let plugin = plugin(&host, Mode::Enforce, FailureMode::Open);
    host.set_headers(&[
        (":method", b"GET"),
        (":scheme", b"https"),
        (":authority", b"drop.example"),
        (":path", b"/"),
        ("x_allowed_teams", b"theirs"),
        ("x-allowed_teams", b"others"),
        ("x_other", b"stays"),
    ]);
    host.set_property(Property::SourceAddress, b"192.0.2.1:7");
    assert!(matches!(plugin.judge(&host), Step::Pass));
    assert_eq!(host.forwarded(HEADER), ["ours"]);
    assert!(host.forwarded("x_allowed_teams").is_empty());
    assert!(host.forwarded("x-allowed_teams").is_empty());
    assert_eq!(host.forwarded("x_other"), ["stays"]);
}
