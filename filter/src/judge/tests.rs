use super::*;
use crate::config::{ListenerTls, Settings};
use crate::host::HostError;
use crate::testing::{Call, FakeHost, RULE_1, config_of, config_of_rules};

const MATCHING: &[(&str, &[u8])] = &[
    (":method", b"GET"),
    (":scheme", b"https"),
    (":authority", b"alice:hunter2%40a.example"),
    (":path", b"/s3cr3tT0ken000000/x"),
    ("x-request-id", b"6f1a"),
];

const OTHER: &[(&str, &[u8])] = &[(":method", b"GET"), (":authority", b"b.example")];

fn plugin(host: &FakeHost, item: &str, set: impl FnOnce(&mut Settings)) -> Plugin {
    let mut config = config_of(item);
    set(&mut config.settings);
    Plugin::start(host, config)
}

fn enforcing(host: &FakeHost, failure_mode: FailureMode) -> Plugin {
    plugin(host, "cs-host: a.example", |settings| {
        settings.mode = Mode::Enforce;
        settings.failure_mode = failure_mode;
    })
}

fn counter(rule: &str, action: &str) -> String {
    format!("tidegate_matches_total.rule={rule}.action={action}")
}

#[test]
fn a_listener_without_tls_is_not_asked_for_a_server_name() {
    for listener_tls in [ListenerTls::Any, ListenerTls::None] {
        let host = FakeHost::new();
        let plugin = plugin(&host, "cs-host: a.example", |settings| {
            settings.listener_tls = listener_tls;
        });
        assert_eq!(plugin.needs.server_name, listener_tls == ListenerTls::Any);
        host.fail(Call::Property(Property::ServerName));
        host.set_headers(OTHER);
        plugin.judge(&host);
        let n_failed = host.counted("tidegate_errors_total.kind=property");
        assert_eq!(n_failed > 0, listener_tls == ListenerTls::Any);
    }
}

#[test]
fn a_start_is_announced_in_the_log_and_in_gauges() {
    let host = FakeHost::new();
    let plugin = enforcing(&host, FailureMode::Closed);
    let inspector = plugin.inspector.borrow();
    let pack = inspector.pack();
    let expect = format!(
        "tidegate: 1 rules of pack `test` version 7 loaded, hosts as {}, hash {}, mode enforce, failure mode closed",
        pack.tables().hosts.as_str(),
        pack.hash(),
    );
    assert_eq!(host.lines(), [expect]);
    assert_eq!(host.recorded("tidegate_rules_loaded"), [1]);
    assert_eq!(host.recorded("tidegate_pack_hash"), [pack.hash().short()]);
}

#[test]
fn a_request_without_a_match_passes_and_is_only_counted() {
    let host = FakeHost::new();
    let plugin = enforcing(&host, FailureMode::Open);
    host.set_headers(OTHER);
    assert!(matches!(plugin.judge(&host), Step::Pass));
    assert_eq!(host.counted("tidegate_requests_total"), 1);
    assert!(host.responses().is_empty() && host.events().is_empty());
    assert_eq!(host.filter_state("tidegate.rules"), None);
}

#[test]
fn a_match_is_followed_in_monitor_mode_and_denied_in_enforce_mode() {
    for (mode, action, would_deny) in
        [(Mode::Monitor, "observe", "true"), (Mode::Enforce, "deny", "true")]
    {
        let host = FakeHost::new();
        let plugin = plugin(&host, "cs-host: a.example", |settings| settings.mode = mode);
        host.set_headers(MATCHING);
        let step = plugin.judge(&host);
        assert_eq!(matches!(step, Step::Deny(_)), mode == Mode::Enforce, "{mode:?}: {step:?}");
        assert_eq!(matches!(step, Step::Follow(_)), mode == Mode::Monitor, "{mode:?}: {step:?}");
        assert_eq!(host.filter_state("tidegate.rules").as_deref(), Some(RULE_1));
        assert_eq!(host.filter_state("tidegate.action").as_deref(), Some(action));
        assert_eq!(host.filter_state("tidegate.would_deny").as_deref(), Some(would_deny));
        assert_eq!(host.filter_state("tidegate.host").as_deref(), Some("a.example"));
        assert_eq!(host.filter_state("tidegate.path").as_deref(), Some("/{}/x"));
        assert_eq!(host.counted(&counter(RULE_1, action)), 1);
        let statuses: Vec<_> = host.responses().iter().map(|sent| sent.status).collect();
        assert_eq!(statuses, if mode == Mode::Enforce { &[403][..] } else { &[] });
    }
}

#[test]
fn mode_off_looks_at_nothing() {
    let host = FakeHost::new();
    let plugin = plugin(&host, "cs-host: a.example", |settings| settings.mode = Mode::Off);
    host.fail(Call::RequestHeaders);
    assert!(matches!(plugin.judge(&host), Step::Pass));
    assert_eq!(host.counted("tidegate_requests_total"), 0);
}

#[test]
fn a_header_map_that_cannot_be_read_meets_the_failure_mode() {
    for failure_mode in [FailureMode::Open, FailureMode::Closed] {
        let host = FakeHost::new();
        let plugin = enforcing(&host, failure_mode);
        host.set_header_map(&[1, 0, 0, 0, 9]);
        let step = plugin.judge(&host);
        assert_eq!(host.counted("tidegate_errors_total.kind=header_map"), 1);
        let responses = host.responses();
        match failure_mode {
            FailureMode::Open => assert!(matches!(step, Step::Pass) && responses.is_empty()),
            FailureMode::Closed => {
                assert!(matches!(step, Step::Refuse));
                assert_eq!(responses.len(), 1);
                assert_eq!(responses[0].status, 503);
            }
        }
    }
}

#[test]
fn without_a_property_the_rest_is_judged_if_the_plugin_fails_open() {
    for failure_mode in [FailureMode::Open, FailureMode::Closed] {
        let host = FakeHost::new();
        let plugin = enforcing(&host, failure_mode);
        host.set_headers(MATCHING);
        host.fail(Call::Property(Property::ServerName));
        let step = plugin.judge(&host);
        assert_eq!(host.counted("tidegate_errors_total.kind=property"), 1);
        match failure_mode {
            FailureMode::Open => assert!(matches!(step, Step::Deny(_))),
            FailureMode::Closed => assert!(matches!(step, Step::Refuse)),
        }
    }
}

#[test]
fn a_denial_that_cannot_be_sent_is_an_observation_only_if_the_plugin_fails_open() {
    for (failure_mode, action) in
        [(FailureMode::Open, Action::Observe), (FailureMode::Closed, Action::Deny)]
    {
        let host = FakeHost::new();
        let plugin = enforcing(&host, failure_mode);
        host.set_headers(MATCHING);
        host.fail(Call::SendLocalResponse);
        let (Step::Deny(inspection) | Step::Follow(inspection)) = plugin.judge(&host) else {
            panic!("it matches");
        };
        assert_eq!(inspection.action, action);
        assert_eq!(host.counted("tidegate_errors_total.kind=local_response"), 1);
        assert_eq!(host.counted(&counter(RULE_1, action.as_str())), 1);
    }
}

#[test]
fn filter_state_that_cannot_be_set_is_counted_and_changes_no_verdict() {
    let host = FakeHost::new();
    let plugin = enforcing(&host, FailureMode::Closed);
    host.set_headers(MATCHING);
    host.fail(Call::SetFilterState);
    assert!(matches!(plugin.judge(&host), Step::Deny(_)));
    assert_eq!(host.counted("tidegate_errors_total.kind=filter_state"), 1);
}

#[test]
fn a_callback_inside_a_callback_is_a_failure_and_no_panic() {
    let host = FakeHost::new();
    let plugin = enforcing(&host, FailureMode::Closed);
    host.set_headers(MATCHING);
    let inspector = plugin.inspector.borrow_mut();
    assert!(matches!(plugin.judge(&host), Step::Refuse));
    assert_eq!(host.counted("tidegate_errors_total.kind=busy"), 1);
    drop(inspector);
    assert!(matches!(plugin.judge(&host), Step::Deny(_)));
}

#[test]
fn only_the_properties_that_the_pack_needs_are_read() {
    let host = FakeHost::new();
    for property in [Property::ServerName, Property::TlsVersion, Property::SourceAddress] {
        host.fail(Call::Property(property));
    }
    let plugin = plugin(&host, "cs-method: PUT", |settings| {
        settings.failure_mode = FailureMode::Closed;
    });
    host.set_headers(OTHER);
    assert!(matches!(plugin.judge(&host), Step::Pass));
}

#[test]
fn tls_without_a_server_name_is_an_anomaly_and_plain_text_is_not() {
    for (version, expect) in [(Some(&b"TLSv1.3"[..]), 1), (None, 0)] {
        let host = FakeHost::new();
        let plugin = enforcing(&host, FailureMode::Open);
        host.set_headers(OTHER);
        if let Some(version) = version {
            host.set_property(Property::TlsVersion, version);
        }
        plugin.judge(&host);
        let metric = "tidegate_anomalies_total.name=sni_missing";
        assert_eq!(host.counted(metric), expect, "{version:?}");
    }
}

#[test]
fn rules_of_the_response_are_waited_for() {
    let host = FakeHost::new();
    let plugin = plugin(&host, "sc-status: 404", |_| {});
    host.set_headers(OTHER);
    let Step::Follow(inspection) = plugin.judge(&host) else { panic!("it waits") };
    assert_eq!(inspection.action, Action::Allow);
    assert!(inspection.verdict.pending && host.events().is_empty());
}

#[test]
fn one_request_in_64_is_timed_and_a_clock_that_fails_measures_nothing() {
    let host = FakeHost::new();
    let plugin = enforcing(&host, FailureMode::Open);
    host.set_headers(OTHER);
    for _ in 0..128 {
        plugin.judge_timed(&host);
    }
    assert_eq!(host.recorded("tidegate_evaluation_microseconds"), [0, 0]);
    host.fail(Call::Time);
    for _ in 0..64 {
        plugin.judge_timed(&host);
    }
    assert_eq!(host.recorded("tidegate_evaluation_microseconds").len(), 2);
}

#[test]
fn all_rules_that_match_are_counted_and_the_denial_names_the_first() {
    let host = FakeHost::new();
    let mut config = config_of_rules(&["cs-method: GET", "cs-host: a.example", "cs-method: PUT"]);
    config.settings.mode = Mode::Enforce;
    let plugin = Plugin::start(&host, config);
    host.set_headers(MATCHING);
    plugin.judge(&host);
    let second = RULE_1.replace("0001", "0002");
    assert_eq!(host.counted(&counter(RULE_1, "deny")), 1);
    assert_eq!(host.counted(&counter(&second, "deny")), 1);
    let responses = host.responses();
    assert!(responses[0].details.contains(RULE_1), "{}", responses[0].details);
    let rules = format!("{RULE_1},{second}");
    assert_eq!(host.filter_state("tidegate.rules"), Some(rules));
}

#[test]
fn an_error_of_the_host_names_its_status() {
    assert_eq!(HostError(7).to_string(), "the host answered with status 7");
}

#[test]
fn a_truncated_request_is_refused_if_the_plugin_fails_closed_and_its_matches_are_reported() {
    // More than the engine inspects of one header.
    let long = "x".repeat(inspect::limits::MAX_VALUE_BYTES + 1);
    for (authority, mode, failure_mode, statuses, action) in [
        ("b.example", Mode::Enforce, FailureMode::Open, &[][..], None),
        ("b.example", Mode::Enforce, FailureMode::Closed, &[503], None),
        ("a.example", Mode::Monitor, FailureMode::Open, &[], Some("observe")),
        ("a.example", Mode::Monitor, FailureMode::Closed, &[503], Some("deny")),
        ("a.example", Mode::Enforce, FailureMode::Closed, &[403], Some("deny")),
    ] {
        let host = FakeHost::new();
        let items = ["cs-host: a.example", "c-useragent: implant"];
        let mut config = config_of_rules(&items);
        config.settings.mode = mode;
        config.settings.failure_mode = failure_mode;
        let plugin = Plugin::start(&host, config);
        host.set_headers(&[
            (":method", b"GET"),
            (":authority", authority.as_bytes()),
            ("user-agent", long.as_bytes()),
        ]);
        let step = plugin.judge(&host);
        let sent: Vec<_> = host.responses().iter().map(|sent| sent.status).collect();
        assert_eq!(sent, statuses, "{authority} {mode:?} {failure_mode:?}");
        assert_eq!(host.counted("tidegate_errors_total.kind=truncated"), 1);
        assert_eq!(host.filter_state("tidegate.action").as_deref(), action);
        let passes = matches!(step, Step::Pass | Step::Follow(_));
        assert_eq!(passes, statuses.is_empty());
    }
}
