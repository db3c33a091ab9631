use inspect::pack::Phase;
use inspect::{Usage, View};

use super::*;
use crate::limits::MAX_NEW_USES;
use crate::testing::{Call, FakeHost, decoded};

struct Case {
    host: FakeHost,
    pack: Pack,
    settings: Suppression,
    names: [Option<&'static str>; 2],
}

impl Case {
    fn new(suppress_seconds: u32, events_per_minute: u32) -> Case {
        let settings = Suppression { suppress_seconds, events_per_minute };
        Case {
            host: FakeHost::new(),
            pack: decoded("cs-host: a.example"),
            settings,
            names: [None; 2],
        }
    }

    /// Offers an event of the first rule.
    fn offer(&self, source: &str, authority: &str, action: Action) -> (bool, Closed) {
        self.offer_use(source, authority, action, &Decision::default())
    }

    fn offer_use(
        &self,
        source: &str,
        authority: &str,
        action: Action,
        decision: &Decision,
    ) -> (bool, Closed) {
        self.offer_whole((source, authority, "GET"), action, decision)
    }

    fn offer_method(&self, method: &str, decision: &Decision) -> (bool, Closed) {
        self.offer_whole(("192.0.2.1", "a.example", method), Action::Observe, decision)
    }

    fn offer_whole(
        &self,
        (source, authority, method): (&str, &str, &str),
        action: Action,
        decision: &Decision,
    ) -> (bool, Closed) {
        let source_address = Some(format!("{source}:1234").into_bytes());
        let sender = Sender { source_address, ..Sender::default() };
        self.offer_of(&sender, (authority, method), action, decision)
    }

    fn offer_of(
        &self,
        sender: &Sender,
        (authority, method): (&str, &str),
        action: Action,
        decision: &Decision,
    ) -> (bool, Closed) {
        let subject = EventSubject {
            pack: &self.pack,
            decision,
            sender,
            authority: authority.as_bytes(),
            method: method.as_bytes(),
            names: self.names.map(|name| Some(name?.as_bytes())),
            action,
            moved: Moved::default(),
        };
        let matched = RuleMatch {
            alerts: true,
            rule: inspect::RuleId(0),
            view: View::Canonical,
            phase: Phase::Request,
            evidence: Vec::new(),
        };
        admit(&self.host, self.settings, &subject, &[&matched], &[ruling(action)])
    }

    fn is_written(&self, source: &str, authority: &str) -> bool {
        self.offer(source, authority, Action::Observe).0
    }
}

/// A client chooses the server name and the host in a tunnel, and the tunnel leads wherever it was opened to.
#[test]
fn another_tunnel_or_server_name_is_another_event() {
    let mut case = Case::new(60, 0);
    let mut is_written = |names| {
        case.names = names;
        case.is_written("192.0.2.1", "a.example")
    };
    let names = [Some("one.example:443"), Some("a.example")];
    assert!(is_written(names));
    assert!(!is_written(names));
    assert!(is_written([Some("two.example:443"), Some("a.example")]));
    assert!(is_written([Some("one.example:443"), Some("b.example")]));
    assert!(is_written([None, Some("a.example")]));
    assert!(!is_written(names));
}

#[test]
fn of_two_workers_that_open_a_window_at_once_one_writes_its_event() {
    let theirs = Case::new(60, 0);
    assert!(theirs.is_written("192.0.2.1", "a.example"));
    let mut places = (0..bucket::N_BUCKETS).map(|place| format!("{KEY}{place}"));
    let written = places.find_map(|key| theirs.host.shared_data(&key).unwrap()).unwrap().0;
    // The bucket is not there when this worker reads it.
    let ours = Case::new(60, 0);
    ours.host.write_meanwhile(&written);
    assert!(!ours.is_written("192.0.2.1", "a.example"), "the other's window is not overwritten");
}

fn ruling(action: Action) -> Ruling {
    Ruling {
        mode: inspect::Mode::Monitor,
        action,
        would_deny: true,
        statement: None,
        exception: None,
        expired: None,
    }
}

#[test]
fn repeated_events_are_suppressed_and_their_count_is_reported_when_the_window_closes() {
    let case = Case::new(60, 0);
    let written: Vec<_> = (0..4).map(|_| case.is_written("192.0.2.1", "a.example")).collect();
    assert_eq!(written, [true, false, false, false]);
    assert!(close_due(&case.host).windows.is_empty(), "the window is open");
    case.host.advance(60);
    let closed = close_due(&case.host);
    assert_eq!(closed.windows.len(), 1);
    let window = &closed.windows[0];
    assert_eq!((window.n_suppressed, window.limit), (3, Limit::Repeat));
    assert_eq!(window.facts.host, b"a.example");
    assert_eq!(window.facts.source_address, b"192.0.2.1");
    assert_eq!(window.facts.view, View::Canonical);
    assert!(close_due(&case.host).windows.is_empty(), "once");
    assert!(case.is_written("192.0.2.1", "a.example"));
}

#[test]
fn another_source_or_host_has_a_window_of_its_own() {
    let case = Case::new(60, 0);
    assert!(case.is_written("192.0.2.1", "a.example"));
    assert!(case.is_written("192.0.2.2", "a.example"));
    assert!(case.is_written("192.0.2.1", "b.example"));
    assert!(!case.is_written("192.0.2.2", "a.example"));
}

/// A name that a client is called by silences nobody who is known by something else: who may choose a name could
/// take the address of the next one.
#[test]
fn a_name_of_one_kind_shares_no_window_with_one_of_another() {
    let case = Case::new(60, 0);
    let name = || Some(b"192.0.2.1".to_vec());
    let address = || Some(b"192.0.2.1:1234".to_vec());
    let hop = || Some(b"10.0.0.1:80".to_vec());
    let senders = [
        Sender { client: name(), source_address: hop(), ..Sender::default() },
        Sender { identity: name(), source_address: hop(), ..Sender::default() },
        Sender { named: name(), source_address: hop(), ..Sender::default() },
        Sender { source_address: address(), ..Sender::default() },
        // Who is not known is not the hop.
        Sender { is_ambiguous: true, source_address: hop(), ..Sender::default() },
        Sender { source_address: hop(), ..Sender::default() },
    ];
    for is_first in [true, false] {
        for sender in &senders {
            let decision = Decision::default();
            let offered = case.offer_of(sender, ("a.example", "GET"), Action::Observe, &decision);
            assert_eq!(offered.0, is_first, "{sender:?}");
        }
    }
}

#[test]
fn another_action_use_or_tenant_has_a_window_of_its_own() {
    let case = Case::new(60, 0);
    let used = |usage, identity| Decision { usage, identity, ..Decision::default() };
    let sanctioned = used(Some(Usage::Sanctioned), Some(1));
    let offers = [
        (Action::Observe, sanctioned.clone()),
        (Action::Deny, sanctioned),
        (Action::Deny, used(Some(Usage::New), Some(1))),
        (Action::Deny, used(Some(Usage::New), Some(2))),
        (Action::Deny, used(None, None)),
    ];
    for expect in [true, false] {
        for (action, decision) in &offers {
            let (is_written, _) = case.offer_use("192.0.2.1", "a.example", *action, decision);
            assert_eq!(is_written, expect, "{action:?} {decision:?}");
        }
    }
    case.host.advance(60);
    let closed = close_due(&case.host);
    let facts = closed.windows.iter().map(|window| (window.facts.action, window.facts.tenant));
    let mut facts: Vec<_> = facts.collect();
    facts.sort();
    let deny = |tenant| (Action::Deny, tenant);
    let expect =
        [(Action::Observe, Some(1)), deny(None), deny(Some(1)), deny(Some(1)), deny(Some(2))];
    assert_eq!(facts, expect);
}

#[test]
fn another_operation_credential_or_kind_of_method_has_a_window_of_its_own() {
    let case = Case::new(60, 0);
    let decision = |distinct| Decision { distinct: [distinct; 32], ..Decision::default() };
    for expect in [true, false] {
        for (method, distinct) in [("GET", 1), ("PUT", 1), ("GET", 2), ("CONNECT", 1)] {
            let (is_written, _) = case.offer_method(method, &decision(distinct));
            assert_eq!(is_written, expect, "{method} {distinct}");
        }
    }
    // A client invents as many methods as it likes.
    assert!(!case.offer_method("HEAD", &decision(1)).0);
    assert!(!case.offer_method("X-1", &decision(1)).0);
}

#[test]
fn a_long_host_has_its_own_window_however_alike_another_is() {
    let case = Case::new(60, 0);
    let host = |end: &str| "a".repeat(MAX_NAME_BYTES) + end;
    assert!(case.is_written("192.0.2.1", &host(".example")));
    assert!(case.is_written("192.0.2.1", &host(".pastebin.com")));
}

#[test]
fn each_source_and_action_has_a_rate_of_its_own() {
    let case = Case::new(0, 1);
    assert!(case.is_written("192.0.2.1", "a.example"));
    assert!(!case.is_written("192.0.2.1", "a.example"));
    assert!(case.is_written("192.0.2.2", "a.example"));
    assert!(case.offer("192.0.2.1", "a.example", Action::Deny).0);
}

#[test]
fn a_rate_admits_so_many_events_in_a_minute() {
    let case = Case::new(0, 3);
    let written = (0..5).map(|_| case.is_written("192.0.2.1", "a.example"));
    assert_eq!(written.filter(|is| *is).count(), 3);
    case.host.advance(RATE_SECONDS);
    let (is_written, closed) = case.offer("192.0.2.1", "a.example", Action::Observe);
    assert!(is_written);
    assert_eq!(closed.windows.len(), 1);
    assert_eq!((closed.windows[0].n_suppressed, closed.windows[0].limit), (2, Limit::Rate));
}

#[test]
fn a_rate_lets_another_host_pass_up_to_a_bound() {
    let case = Case::new(0, 5);
    let host = |number: u32| format!("h{number}.example");
    for number in 0..5 {
        assert!(case.is_written("192.0.2.1", &host(number)));
        assert!(number < 4 || !case.is_written("192.0.2.1", &host(number)));
    }
    assert!(case.is_written("192.0.2.1", "c2.example"));
    assert!(!case.is_written("192.0.2.1", "c2.example"));
    let n_more = (5..500).filter(|number| case.is_written("192.0.2.1", &host(*number))).count();
    assert_eq!(n_more + 1, MAX_NEW_USES as usize);
}

#[test]
fn an_event_that_the_rate_suppresses_opens_no_window() {
    let case = Case::new(3600, 1);
    let host = |number: u32| format!("h{number}.example");
    let n_written = (0..100).filter(|number| case.is_written("192.0.2.1", &host(*number))).count();
    assert_eq!(n_written, 1 + MAX_NEW_USES as usize);
    assert!(!case.is_written("192.0.2.1", "b.example"));
    case.host.advance(RATE_SECONDS);
    assert!(case.is_written("192.0.2.1", "b.example"));
}

#[test]
fn an_event_is_written_if_swaps_keep_failing_or_there_is_no_shared_data_or_clock() {
    let lost = u32::try_from(MAX_CAS_TRIES).unwrap();
    let case = Case::new(60, 0);
    assert!(case.is_written("192.0.2.1", "a.example"));
    case.host.lose_swaps(2 * lost);
    assert!(case.is_written("192.0.2.1", "a.example"), "each swap fails");
    case.host.lose_swaps(lost - 1);
    assert!(!case.is_written("192.0.2.1", "a.example"), "the last one does not");
    for call in [Call::SharedData, Call::SetSharedData, Call::Time] {
        case.host.fail(call);
        assert!(case.is_written("192.0.2.1", "a.example"), "{call:?}");
        case.host.mend(call);
    }
    assert!(!case.is_written("192.0.2.1", "a.example"));
}

#[test]
fn workers_share_windows() {
    let case = Case::new(60, 0);
    assert!(case.is_written("192.0.2.1", "a.example"));
    std::thread::scope(|scope| {
        // Another worker has thread-local state of its own, and the same shared data.
        let shared = case.host.worker();
        let settings = case.settings;
        scope.spawn(move || {
            let other = Case {
                host: shared,
                pack: decoded("cs-host: a.example"),
                settings,
                names: [None; 2],
            };
            assert!(!other.is_written("192.0.2.1", "a.example"));
            other.host.advance(60);
            assert!(close_due(&other.host).windows.is_empty(), "it opened none");
            // But it closes what it comes across.
            let (is_written, closed) = other.offer("192.0.2.1", "a.example", Action::Observe);
            assert!(is_written);
            assert_eq!(closed.windows.len(), 1);
        });
    });
}

#[test]
fn a_clock_that_is_set_back_reports_what_was_suppressed_without_another_event() {
    let case = Case::new(60, 0);
    case.host.advance(86_400);
    assert!(case.is_written("192.0.2.1", "a.example"));
    assert!(!case.is_written("192.0.2.1", "a.example"));
    assert!(close_due(&case.host).windows.is_empty(), "its minute is not over");
    case.host.turn_back(86_400);
    let closed = close_due(&case.host).windows;
    assert_eq!(closed.iter().map(|window| window.n_suppressed).collect::<Vec<_>>(), [1]);
}

#[test]
fn a_match_that_the_policy_excuses_opens_no_window() {
    let case = Case::new(60, 0);
    assert!(!case.offer("192.0.2.1", "a.example", Action::Allow).0);
    assert!(case.is_written("192.0.2.1", "a.example"));
}

#[test]
fn a_full_bucket_closes_a_window_early_and_says_so() {
    let case = Case::new(60, 0);
    let (mut n_evicted, mut n_reported) = (0, 0);
    for source in 0..20_000 {
        let source = format!("10.0.{}.{}", source / 256, source % 256);
        for _ in 0..2 {
            let (_, closed) = case.offer(&source, "a.example", Action::Observe);
            n_evicted += closed.n_evicted as usize;
            n_reported += closed.windows.len();
        }
    }
    assert!(n_evicted > 0);
    assert_eq!(n_reported, n_evicted, "each had one suppressed event");
    case.host.advance(60);
    n_reported += close_due(&case.host).windows.len();
    assert_eq!(n_reported, 20_000);
}

#[test]
fn nothing_is_suppressed_by_default() {
    let case = Case::new(0, 0);
    assert!((0..10).all(|_| case.is_written("192.0.2.1", "a.example")));
}
