use std::rc::Rc;

use inspect::Mode;
use inspect::behaviour_state::Entry;
use serde_json::Value;

use super::shared::Table;
use super::*;
use crate::host::Property;
use crate::http::HttpStream;
use crate::testing::{Call, FakeHost, config_of, config_of_rules};

const BEACON: &str = "tidegate.beacon|gte: 0.9\n        tidegate.requests|gte: 20";
const FIRST_USE: &str = "tidegate.first_use: source.host";
const REQUESTS: &str = "tidegate_behaviour_requests_total";
const LOST: &str = "tidegate_behaviour_lost_swaps_total";

/// A gateway of one plugin, whose workers share the data of one host.
struct Gateway {
    plugin: Rc<Plugin>,
}

impl Gateway {
    fn new(item: &str) -> Gateway {
        Gateway { plugin: Rc::new(Plugin::start(&FakeHost::new(), config_of(item))) }
    }

    fn enforcing(item: &str) -> Gateway {
        let mut config = config_of(item);
        config.settings.mode = Mode::Enforce;
        Gateway { plugin: Rc::new(Plugin::start(&FakeHost::new(), config)) }
    }

    /// Sends a request that takes a number of seconds, through a worker.
    fn send_for(&self, worker: &FakeHost, source: &str, to: &str, sent: u64, seconds: u64) {
        let mut stream = self.open(worker, source, to, sent);
        worker.advance(seconds);
        stream.on_end(worker);
    }

    /// Opens a request at a worker.
    fn open(&self, worker: &FakeHost, source: &str, to: &str, sent: u64) -> HttpStream {
        self.open_as(worker, (source, None), to, sent)
    }

    /// Opens a request of a client that has a certificate, perhaps.
    fn open_as(
        &self,
        worker: &FakeHost,
        (source, identity): (&str, Option<&str>),
        to: &str,
        sent: u64,
    ) -> HttpStream {
        worker.next_stream();
        if let Some(identity) = identity {
            worker.set_property(Property::PeerIdentity, identity.as_bytes());
        }
        worker.set_headers(&[
            (":method", b"GET"),
            (":scheme", b"https"),
            (":authority", to.as_bytes()),
            (":path", b"/"),
        ]);
        worker.set_property(Property::SourceAddress, format!("{source}:4321").as_bytes());
        worker.set_number(Property::RequestBytes, sent);
        worker.set_number(Property::ResponseBytes, 100);
        let mut stream = HttpStream::new(Some(Rc::clone(&self.plugin)));
        stream.on_request_headers(worker);
        stream
    }

    /// Opens requests of which none ends before all are there, and returns how many passed.
    fn open_at_once(&self, workers: &[FakeHost], to: &[String]) -> usize {
        let n_denied = || workers.iter().map(|worker| worker.responses().len()).sum::<usize>();
        let (n_before, mut streams) = (n_denied(), Vec::new());
        for (idx, to) in to.iter().enumerate() {
            streams.push(self.open(&workers[idx % workers.len()], "10.0.0.1", to, 10));
        }
        for (idx, stream) in streams.iter_mut().enumerate() {
            stream.on_end(&workers[idx % workers.len()]);
        }
        to.len() + n_before - n_denied()
    }

    fn send(&self, worker: &FakeHost, source: &str, to: &str) {
        self.send_for(worker, source, to, 10, 0);
    }

    /// Sends requests with a minute between them.
    fn beacon(&self, worker: &FakeHost, source: &str, to: &str, n_requests: u64) {
        for _ in 0..n_requests {
            self.send(worker, source, to);
            worker.advance(60);
        }
    }
}

fn n_buckets(host: &FakeHost) -> usize {
    let count = |table: Table, n_buckets: u64| {
        let names = (0..n_buckets)
            .map(|bucket| format!("tidegate.behaviour.1.{}.{bucket}", table.as_str()));
        names.filter(|name| host.shared_data(name).unwrap().is_some()).count()
    };
    count(Table::Pairs, 2048) + count(Table::Sources, 512) + count(Table::Hosts, 1024)
}

#[test]
fn a_beacon_is_reported_once_whichever_worker_sees_it() {
    for n_workers in [1, 2, 4] {
        let first = FakeHost::new();
        let workers: Vec<_> =
            (0..n_workers).map(|_| (first.worker(), Gateway::new(BEACON))).collect();
        let send = |idx: usize| {
            for (worker, gateway) in &workers {
                worker.advance(60);
                // As a tick does.
                gateway.plugin.write_held(worker);
            }
            let (worker, gateway) = &workers[idx * 7 % 5 % n_workers];
            gateway.send(worker, "10.0.0.1", "a.example");
        };
        let n_events = || workers.iter().map(|(worker, _)| worker.events().len()).sum::<usize>();
        (0..40).for_each(send);
        assert_eq!(n_events(), 1, "{n_workers} workers");
        let suppressed = |(worker, _): &(FakeHost, _)| worker.counted("tidegate_suppressed_total");
        assert_eq!(workers.iter().map(suppressed).sum::<u64>(), 20);
        // In the next window it is reported again.
        (0..24 * 60).for_each(send);
        assert_eq!(n_events(), 2);
    }
}

/// What a source reads says nothing of what it writes: a day of uploads, or of denials, is not behind one read.
#[test]
fn an_event_about_something_else_is_no_repetition() {
    let gateway = Gateway::new("tidegate.requests|gte: 2");
    let host = FakeHost::new();
    let send = |method: &str| {
        host.next_stream();
        host.set_headers(&[
            (":method", method.as_bytes()),
            (":scheme", b"https"),
            (":authority", b"a.example"),
            (":path", b"/"),
        ]);
        host.set_property(Property::SourceAddress, b"10.0.0.1:4321");
        let mut stream = HttpStream::new(Some(Rc::clone(&gateway.plugin)));
        stream.on_request_headers(&host);
        stream.on_end(&host);
        host.events().len()
    };
    let n_events = ["GET", "GET", "GET", "POST", "PUT", "GET", "POST"].map(send);
    assert_eq!(n_events, [0, 1, 1, 2, 2, 2, 2]);
}

#[test]
fn a_request_that_no_such_rule_can_match_is_not_tracked() {
    let gateway = Gateway::new(&format!("cs-host: a.example\n        {BEACON}"));
    let host = FakeHost::new();
    gateway.beacon(&host, "10.0.0.1", "b.example", 30);
    assert_eq!((n_buckets(&host), host.counted(REQUESTS)), (0, 0));
    gateway.beacon(&host, "10.0.0.1", "a.example", 30);
    assert_eq!(host.counted(REQUESTS), 30);
    assert_eq!((n_buckets(&host), host.events().len()), (2, 1), "the pair and its source");
}

#[test]
fn a_beacon_that_is_denied_is_still_one() {
    let gateway = Gateway::enforcing(BEACON);
    let host = FakeHost::new();
    gateway.beacon(&host, "10.0.0.1", "a.example", 50);
    assert_eq!(host.responses().len(), 31, "from the twentieth on");
    let events = host.events();
    assert_eq!((events.len(), &events[0]["action"]), (1, &Value::from("deny")));
    assert_eq!(events[0]["behaviour"], serde_json::json!({"beacon": 1, "requests": 20}));
}

#[test]
fn requests_that_come_at_once_count_for_one_another_where_a_limit_is_enforced() {
    let limit = "tidegate.requests|gte: 5";
    let same = vec!["a.example".to_owned(); 30];
    let first = FakeHost::new();
    let second = first.worker();
    let workers = [first, second];
    assert_eq!(Gateway::enforcing(limit).open_at_once(&workers, &same), 4);
    // They count once, and those that follow are denied.
    assert_eq!(
        Gateway::enforcing("tidegate.requests|gte: 32").open_at_once(&workers, &same[..2]),
        1
    );
    assert_eq!(workers.iter().map(|worker| worker.counted(LOST)).sum::<u64>(), 0);

    // A limit of new hosts, once the source was watched.
    let host = [FakeHost::new()];
    let gateway = Gateway::enforcing("tidegate.new_hosts|gte: 5");
    gateway.send(&host[0], "10.0.0.1", "first.example");
    host[0].advance(2 * 3600);
    let hosts: Vec<_> = (0..30).map(|idx| format!("h{idx}.example")).collect();
    assert_eq!(gateway.open_at_once(&host, &hosts), 4);

    // Another worker that writes to the bucket meanwhile does not hide a request.
    let host = [FakeHost::new()];
    let gateway = Gateway::enforcing(limit);
    gateway.open_at_once(&host, &same[..4]);
    host[0].lose_swaps(3);
    assert_eq!(gateway.open_at_once(&host, &same[..1]), 0);
    assert_eq!(host[0].counted(LOST), 0, "it was tried again");

    // Where nothing is denied, nothing is written before a request ends.
    let host = [FakeHost::new()];
    let gateway = Gateway::new(limit);
    assert_eq!(gateway.open_at_once(&host, &same), 30);
    assert_eq!(host[0].events().len(), 0, "none saw the others");
    gateway.send(&host[0], "10.0.0.1", "a.example");
    assert_eq!(host[0].events().len(), 1);
    assert!(!gateway.plugin.reserves);
    assert!(!Gateway::enforcing("tidegate.upload_bytes|gte: 5").plugin.reserves);
    assert!(!Gateway::enforcing("cs-host: a.example").plugin.reserves);
}

#[test]
fn bytes_of_a_request_that_was_written_before_are_added_when_it_ends() {
    let gateway =
        Gateway::enforcing("tidegate.upload_bytes|gte: 1000\n        tidegate.requests|lte: 3");
    assert!(gateway.plugin.reserves);
    let host = FakeHost::new();
    for _ in 0..3 {
        gateway.send_for(&host, "10.0.0.1", "a.example", 400, 1);
    }
    let known = &host.events()[0]["behaviour"];
    assert_eq!(known, &serde_json::json!({"requests": 3, "upload_bytes": 1200}));
}

#[test]
fn bytes_are_known_when_a_request_ends_and_never_deny() {
    let gateway = Gateway::enforcing(
        "tidegate.upload_bytes|gte: 1000\n        tidegate.upload_ratio|gte: 0.5",
    );
    let host = FakeHost::new();
    for _ in 0..3 {
        gateway.send_for(&host, "10.0.0.1", "a.example", 400, 1);
    }
    assert_eq!((host.responses().len(), host.events().len()), (0, 1));
    assert_eq!(host.events()[0]["rules"][0]["phase"], "response");
    let known = &host.events()[0]["behaviour"];
    assert_eq!(known, &serde_json::json!({"upload_bytes": 1200, "upload_ratio": 0.6}));
    let gateway = Gateway::new("tidegate.tunnel_seconds|gte: 7200");
    gateway.send_for(&host, "10.0.0.2", "a.example", 400, 7300);
    assert_eq!(host.events().len(), 2);
}

#[test]
fn what_is_new_is_known_once_a_source_was_watched() {
    let gateway = Gateway::new(FIRST_USE);
    let host = FakeHost::new();
    gateway.send(&host, "10.0.0.1", "a.example");
    host.advance(1800);
    gateway.send(&host, "10.0.0.1", "b.example");
    assert_eq!(host.events().len(), 0, "nobody knows");
    host.advance(1800);
    gateway.send(&host, "10.0.0.1", "b.example");
    assert_eq!(host.events().len(), 0, "it was used before");
    gateway.send(&host, "10.0.0.1", "c.example");
    gateway.send(&host, "10.0.0.1", "c.example");
    assert_eq!(host.events().len(), 1);
    host.advance(25 * 3600);
    gateway.send(&host, "10.0.0.1", "c.example");
    assert_eq!(host.events().len(), 1, "it is no longer new");
    gateway.send(&host, "10.0.0.9", "a.example");
    assert_eq!(host.events().len(), 1, "another source, and nobody knows");
}

#[test]
fn sources_of_a_host_are_counted() {
    let gateway = Gateway::new("tidegate.sources|gte: 3\n        tidegate.prevalence|gte: 0.5");
    let host = FakeHost::new();
    for source in 1..=4 {
        gateway.send(&host, &format!("10.0.0.{source}"), "a.example");
        gateway.send(&host, &format!("10.0.0.{source}"), "b.example");
        gateway.send(&host, &format!("10.0.0.{source}"), &format!("{source}.example"));
    }
    // Both hosts, by their third and fourth source.
    assert_eq!(host.events().len(), 4);
}

#[test]
fn a_new_pack_keeps_what_is_known_and_so_does_a_new_machine() {
    let host = FakeHost::new();
    let before = Gateway::new(BEACON);
    before.beacon(&host, "10.0.0.1", "a.example", 19);
    // As a tick and a new configuration do.
    before.plugin.write_held(&host);
    let next = config_of_rules(&[BEACON, "cs-host: b.example"]);
    let next = Gateway { plugin: Rc::new(Plugin::start(&host, next)) };
    let machine = host.worker();
    next.send(&machine, "10.0.0.1", "a.example");
    assert_eq!(machine.events().len(), 1);
}

#[test]
fn a_lost_swap_of_what_was_just_read_is_counted_and_tried_no_more() {
    let gateway = Gateway::new(BEACON);
    let host = FakeHost::new();
    gateway.beacon(&host, "10.0.0.1", "a.example", 10);
    // The first swap is of the bucket as it was at the headers, the second one of what is read at the end.
    host.lose_swaps(2);
    gateway.beacon(&host, "10.0.0.1", "a.example", 1);
    assert_eq!(host.counted(LOST), 1);
    gateway.beacon(&host, "10.0.0.1", "a.example", 9);
    assert_eq!(host.events().len(), 0, "one request less");
    gateway.beacon(&host, "10.0.0.1", "a.example", 1);
    assert_eq!((host.events().len(), host.counted(LOST)), (1, 1));
}

#[test]
fn of_two_workers_that_open_a_bucket_at_once_neither_loses_a_note_unseen() {
    let first = FakeHost::new();
    let second = first.worker();
    let place = Place { key: 7, bucket: 3 };
    let (ours, theirs) = (open::<PairState>(&first, place), open::<PairState>(&second, place));
    let (ours, theirs) = (ours.unwrap(), theirs.unwrap());
    let mut costs = Costs::default();
    let pair = PairState::new(1, Newness::New, None);
    assert!(theirs.save(&second, &pair, 1, &mut costs));
    assert!(!ours.save(&first, &pair, 1, &mut costs), "it would overwrite the other");
    assert_eq!(costs.n_lost, 1);
    assert!(open::<PairState>(&first, place).unwrap().entry.is_some());
}

#[test]
fn the_end_of_a_tunnel_is_reported_although_its_behaviour_was_if_it_ran_for_long_or_moved_much() {
    let gateway = Gateway::new("tidegate.requests|gte: 2");
    let host = FakeHost::new();
    let tunnel = |seconds: u64, sent: u64| {
        host.next_stream();
        host.set_headers(&[(":method", b"CONNECT"), (":authority", b"a.example:443")]);
        host.set_property(Property::SourceAddress, b"10.0.0.1:4321");
        host.set_number(Property::ResponseCode, 200);
        let mut stream = HttpStream::new(Some(Rc::clone(&gateway.plugin)));
        stream.on_request_headers(&host);
        stream.on_response_headers(&host);
        host.set_number(Property::RequestBytes, sent);
        host.set_number(Property::ResponseBytes, 100);
        host.advance(seconds);
        stream.on_end(&host);
    };
    tunnel(1, 10);
    tunnel(1, 10);
    assert_eq!(host.events().len(), 2, "the second one, when it opens and when it is over");
    tunnel(1, 10);
    assert_eq!(host.events().len(), 2, "what it is about was reported");
    tunnel(3600, 10);
    tunnel(1, 5_000_000);
    let events = host.events();
    assert_eq!(events.len(), 4);
    assert_eq!(
        (&events[2]["stream"], &events[2]["response"]["seconds"]),
        (&"closed".into(), &3600.into())
    );
    assert_eq!(events[3]["response"]["request_bytes"], 5_000_000);
}

#[test]
fn without_shared_data_or_a_clock_nothing_is_known_and_nothing_fails() {
    for call in [Call::SharedData, Call::SetSharedData, Call::Time] {
        let gateway = Gateway::new("cs-host: a.example\n        tidegate.requests|gte: 2");
        let host = FakeHost::new();
        host.fail(call);
        gateway.beacon(&host, "10.0.0.1", "a.example", 30);
        assert_eq!(host.events().len(), 0, "{call:?}");
        assert_eq!(host.responses().len(), 0, "{call:?}");
    }
}

#[test]
fn bytes_of_another_layout_are_no_state() {
    let gateway = Gateway::new(BEACON);
    let host = FakeHost::new();
    gateway.beacon(&host, "10.0.0.1", "a.example", 15);
    for (table, n_buckets) in [("pairs", 2048), ("sources", 512), ("hosts", 1024)] {
        for bucket in 0..n_buckets {
            let name = format!("tidegate.behaviour.1.{table}.{bucket}");
            if let Some((bytes, cas)) = host.shared_data(&name).unwrap() {
                let other: Vec<u8> = bytes.iter().map(|byte| byte ^ 0x5a).collect();
                host.set_shared_data(&name, &other, cas).unwrap();
            }
        }
    }
    gateway.beacon(&host, "10.0.0.1", "a.example", 19);
    assert_eq!(host.events().len(), 0);
    gateway.beacon(&host, "10.0.0.1", "a.example", 1);
    assert_eq!(host.events().len(), 1, "it starts anew");
}

#[test]
fn a_clock_that_jumps_starts_anew_and_poisons_nothing() {
    for jump in [365 * 24 * 3600, 7 * 24 * 3600] {
        let gateway = Gateway::new(BEACON);
        let host = FakeHost::new();
        gateway.beacon(&host, "10.0.0.1", "a.example", 15);
        host.advance(jump);
        gateway.beacon(&host, "10.0.0.1", "a.example", 5);
        host.turn_back(jump);
        gateway.beacon(&host, "10.0.0.1", "a.example", 3);
        assert_eq!(host.events().len(), 0, "no rhythm is left");
        gateway.beacon(&host, "10.0.0.1", "a.example", 20);
        assert_eq!(host.events().len(), 1);
    }
}

#[test]
fn a_source_that_makes_up_hosts_flushes_no_rhythm_of_another() {
    let gateway = Gateway::new(BEACON);
    let host = FakeHost::new();
    gateway.beacon(&host, "10.0.0.1", "a.example", 19);
    for idx in 0..20_000 {
        gateway.send(&host, "10.0.0.2", &format!("{idx}.example"));
    }
    assert!(host.counted("tidegate_behaviour_evictions_total.kind=pairs") > 10_000);
    gateway.send(&host, "10.0.0.1", "a.example");
    assert_eq!(host.events().len(), 1);
}

/// It hides a rhythm only if it makes up hundreds of hosts between its first contacts.
#[test]
fn a_source_that_makes_up_hosts_flushes_not_its_own_rhythm() {
    let gateway = Gateway::new(BEACON);
    let host = FakeHost::new();
    gateway.beacon(&host, "10.0.0.1", "a.example", 4);
    for beat in 0..16 {
        gateway.beacon(&host, "10.0.0.1", "a.example", 1);
        for idx in 0..1000 {
            gateway.send(&host, "10.0.0.1", &format!("{beat}-{idx}.example"));
        }
    }
    assert_eq!(host.events().len(), 1);
}

#[test]
fn sources_that_are_made_up_flush_none_that_was_watched() {
    let gateway = Gateway::new(FIRST_USE);
    let host = FakeHost::new();
    gateway.send(&host, "10.0.0.1", "a.example");
    host.advance(3600);
    gateway.send(&host, "10.0.0.1", "b.example");
    assert_eq!(host.events().len(), 1);
    for idx in 0..20_000 {
        gateway.send(&host, &format!("10.{}.{}.9", 1 + idx / 256, idx % 256), "a.example");
    }
    assert!(host.counted("tidegate_behaviour_evictions_total.kind=sources") > 10_000);
    gateway.send(&host, "10.0.0.1", "c.example");
    assert_eq!(host.events().len(), 2);
}

#[test]
fn the_tables_are_bounded_and_hold_no_name() {
    let gateway =
        Gateway::new("tidegate.first_use: source.host\n        tidegate.prevalence|lte: 0.5");
    let host = FakeHost::new();
    for idx in 0..60_000_u32 {
        let source = format!("10.{}.{}.7", idx / 256 % 256, idx % 256);
        gateway.send(&host, &source, &format!("secret-{}.example", idx % 9000));
    }
    let mut n_bytes = 0;
    for (table, n_buckets) in [("pairs", 2048), ("sources", 512), ("hosts", 1024)] {
        for bucket in 0..n_buckets {
            let name = format!("tidegate.behaviour.1.{table}.{bucket}");
            let (bytes, _) = host.shared_data(&name).unwrap().unwrap_or_default();
            n_bytes += bytes.len();
            assert!(!bytes.windows(6).any(|window| window == b"secret" || window == b"exampl"));
        }
    }
    println!("{n_bytes} bytes in full tables");
    let most =
        2048 * PairState::BYTES * 8 + 512 * WatchState::BYTES * 4 + 1024 * CrowdState::BYTES * 8;
    assert!(n_bytes <= most && most < 11_000_000, "{n_bytes} of {most}");
}

#[test]
fn a_client_that_is_only_claimed_has_no_behaviour() {
    let sender = Sender {
        source_address: Some(b"10.0.0.1:80".to_vec()),
        is_ambiguous: true,
        ..Sender::default()
    };
    let inspector = Inspector::new(crate::testing::decoded(BEACON));
    let request = Request { authority: b"a.example", ..Request::default() };
    let key = IdentityKey([0; 16]);
    assert!(Parties::of(&inspector, &key, &request, &sender).is_none());
}

/// A beacon is hidden by nobody who has its address as a name, and nobody is taken for a beacon by it.
#[test]
fn a_name_that_reads_as_an_address_is_another_source() {
    let gateway = Gateway::new(BEACON);
    let worker = FakeHost::new();
    for number in 0..60 {
        let (client, pause) = match number % 2 {
            0 => (("10.0.0.1", None), 7),
            _ => (("10.0.0.9", Some("10.0.0.1")), 53),
        };
        gateway.open_as(&worker, client, "a.example", 10).on_end(&worker);
        worker.advance(pause);
    }
    // Of both together nothing is regular.
    assert_eq!(worker.events().len(), 2, "each has a rhythm of a minute");
}

/// A page of many requests reads the entries that pairs share once, and an answer is at most so old.
#[test]
fn what_pairs_share_is_read_once_in_a_while() {
    let gateway = Gateway::new("tidegate.sources|gte: 2");
    let host = FakeHost::new();
    gateway.send(&host, "10.0.0.1", "a.example");
    gateway.send(&host, "10.0.0.2", "a.example");
    assert_eq!(host.events().len(), 1, "the second source finds the first");
    // Another worker remembers nothing, this one does until the answer is too old.
    gateway.send(&host, "10.0.0.1", "a.example");
    assert_eq!(host.events().len(), 1);
    host.turn_back(5);
    gateway.send(&host, "10.0.0.1", "a.example");
    assert_eq!(host.events().len(), 2, "a clock that was set back makes nothing last longer");
    host.advance(5 + u64::from(recent::RECENT_SECONDS));
    gateway.send(&host, "10.0.0.3", "a.example");
    gateway.send(&host, "10.0.0.4", "b.example");
    assert_eq!(host.events().len(), 3);
    host.advance(u64::from(recent::RECENT_SECONDS));
    gateway.send(&host, "10.0.0.4", "a.example");
    gateway.send(&host, "10.0.0.4", "b.example");
    assert_eq!(host.events().len(), 4);
}

/// Bytes that settle a rule without the request spare the second inspection.
#[test]
fn a_request_is_judged_again_only_if_its_bytes_may_match() {
    let gateway = Gateway::new("cs-host: a.example\n        tidegate.upload_bytes|gte: 1000");
    let host = FakeHost::new();
    gateway.send_for(&host, "10.0.0.1", "a.example", 400, 1);
    let inspector = gateway.plugin.inspector.borrow();
    assert!(
        !inspector.undecided_rules().is_empty(),
        "what was inspected last is the request alone"
    );
    drop(inspector);
    gateway.send_for(&host, "10.0.0.1", "a.example", 700, 1);
    let inspector = gateway.plugin.inspector.borrow();
    assert!(inspector.undecided_rules().is_empty(), "it was inspected with its response");
}

/// What requests of one second add is written once, and added again where another worker wrote meanwhile.
#[test]
fn requests_of_one_second_are_written_together() {
    let (ours, theirs) =
        (Gateway::new("tidegate.requests|gte: 12"), Gateway::new("tidegate.requests|gte: 12"));
    let first = FakeHost::new();
    let second = first.worker();
    let send = |gateway: &Gateway, worker: &FakeHost, n_requests: usize| {
        for _ in 0..n_requests {
            gateway.send(worker, "10.0.0.1", "a.example");
        }
    };
    send(&ours, &first, 1);
    first.advance(1);
    second.advance(1);
    send(&ours, &first, 5);
    send(&theirs, &second, 4);
    assert_eq!((first.events().len(), second.events().len()), (0, 0), "10 of them");
    ours.plugin.write_held(&first);
    // Its bucket has changed since it was read.
    theirs.plugin.write_held(&second);
    assert_eq!((first.counted(LOST), second.counted(LOST)), (0, 0));
    first.advance(1);
    send(&ours, &first, 1);
    assert_eq!(first.events().len(), 0);
    send(&ours, &first, 1);
    assert_eq!(first.events().len(), 1, "the twelfth");

    // Many of one second, and one that ends in a later one.
    let gateway = Gateway::new("tidegate.requests|gte: 103");
    for _ in 0..100 {
        gateway.send(&first, "10.0.0.1", "b.example");
    }
    gateway.send_for(&first, "10.0.0.1", "b.example", 10, 5);
    gateway.send(&first, "10.0.0.1", "b.example");
    assert_eq!(first.events().len(), 1);
    gateway.send(&first, "10.0.0.1", "b.example");
    assert_eq!((first.events().len(), first.counted(LOST)), (2, 0));
}

/// What is new is written at once, so that only requests of a pair that is known are lost.
#[test]
fn a_machine_that_dies_takes_the_requests_of_a_second_along() {
    let host = FakeHost::new();
    let send = |gateway: &Gateway, n_requests: usize| {
        for _ in 0..n_requests {
            gateway.send(&host, "10.0.0.1", "a.example");
        }
    };
    let dying = Gateway::new("tidegate.requests|gte: 5");
    send(&dying, 1);
    host.advance(1);
    send(&dying, 3);
    drop(dying);
    let next = Gateway::new("tidegate.requests|gte: 5");
    send(&next, 3);
    assert_eq!(host.events().len(), 0);
    send(&next, 1);
    assert_eq!(host.events().len(), 1, "the first one and four");
}

/// A pair that takes the place of another one in the memory of a worker loses none of its requests.
#[test]
fn more_pairs_than_are_held_lose_nothing() {
    let gateway = Gateway::new("tidegate.requests|gte: 8");
    let host = FakeHost::new();
    for _ in 0..8 {
        for idx in 0..600 {
            gateway.send(&host, &format!("10.0.{}.{}", idx / 100, idx % 100), "a.example");
        }
        if host.events().len() > 600 {
            break;
        }
    }
    assert_eq!((host.events().len(), host.counted(LOST)), (600, 0));
}
