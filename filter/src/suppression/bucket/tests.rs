use super::*;

const MOVED: Moved = Moved { request_bytes: 10, response_bytes: 2, seconds: 9 };

fn window(key: &str, from: u64, until: u64) -> Window {
    let facts = WindowFacts {
        rule: b"rule".to_vec(),
        host: b"a.example".to_vec(),
        source_address: b"192.0.2.1".to_vec(),
        identity: None,
        action: Action::Observe,
        usage: Some(Usage::New),
        tenant: Some(7),
        operations: Operations::from_bits(0b101),
        would_deny: true,
        phase: Phase::Response,
        view: View::Tunnel,
    };
    let key = key.as_bytes().to_vec();
    let (limit, moved, seen) = (Limit::Repeat, Moved::default(), vec![1]);
    Window { key, limit, facts, from, until, n_written: 1, n_suppressed: 0, moved, seen }
}

#[test]
fn one_event_of_a_key_is_written_in_a_window_and_the_rest_is_counted() {
    let mut bucket = Bucket::default();
    assert_eq!(bucket.ask(b"a", 1, None, MOVED), Answer::Unknown);
    assert_eq!(bucket.open(window("a", 100, 160)), None);
    for _ in 0..3 {
        assert_eq!(bucket.close(159), []);
        assert_eq!(bucket.ask(b"a", 1, None, MOVED), Answer::Suppress);
        assert_eq!(bucket.ask(b"b", 1, None, MOVED), Answer::Unknown);
        bucket = Bucket::read(&bucket.bytes());
    }
    assert!(bucket.add(b"a", MOVED));
    assert!(!bucket.add(b"b", MOVED));
    let moved = Moved { request_bytes: 40, response_bytes: 8, seconds: 9 };
    let expect = Window { n_suppressed: 3, moved, ..window("a", 100, 160) };
    assert_eq!(bucket.close(160), [expect]);
    assert_eq!(bucket, Bucket::default());
}

#[test]
fn a_rate_lets_some_events_pass_and_counts_the_rest() {
    let mut bucket = Bucket::default();
    bucket.open(window("a", 100, 160));
    let answers: Vec<_> = (0..4).map(|_| bucket.ask(b"a", 3, None, MOVED)).collect();
    assert_eq!(answers, [Answer::Write, Answer::Write, Answer::Suppress, Answer::Suppress]);
    let moved = Moved { request_bytes: 20, response_bytes: 4, seconds: 9 };
    let expect = Window { n_written: 3, n_suppressed: 2, moved, ..window("a", 100, 160) };
    assert_eq!(bucket.close(1000), [expect]);
}

#[test]
fn a_rate_counts_repetitions_and_writes_uses_that_are_new_up_to_a_bound() {
    let mut bucket = Bucket::default();
    bucket.open(window("a", 100, 160));
    let mut ask = |hash| {
        bucket = Bucket::read(&bucket.bytes());
        bucket.ask(b"a", 2, Some(hash), MOVED)
    };
    assert_eq!([ask(1), ask(1), ask(1)], [Answer::Write, Answer::Suppress, Answer::Suppress]);
    for hash in 0..u64::from(MAX_NEW_USES) {
        assert_eq!(ask(100 + hash), Answer::Write, "{hash}");
        assert_eq!(ask(100 + hash), Answer::Suppress, "{hash}");
    }
    assert_eq!(ask(7), Answer::Suppress, "the bound");
}

#[test]
fn a_clock_that_is_set_back_closes_windows_that_would_last_for_ever() {
    let mut bucket = Bucket::default();
    bucket.open(window("a", 1_000_000, 1_000_060));
    assert_eq!(bucket.close(5).len(), 1);
}

#[test]
fn a_full_bucket_closes_the_window_that_ends_first() {
    let mut bucket = Bucket::default();
    for idx in 0..MAX_WINDOWS as u64 {
        let until = if idx == 3 { 150 } else { 200 + idx };
        assert_eq!(bucket.open(window(&idx.to_string(), 100, until)), None);
    }
    assert_eq!(bucket.open(window("new", 100, 300)), Some(window("3", 100, 150)));
    assert_eq!(bucket.windows.len(), MAX_WINDOWS);
    assert_eq!(bucket.ask(b"new", 1, None, MOVED), Answer::Suppress);
}

#[test]
fn bytes_that_are_not_windows_are_none() {
    let mut bucket = Bucket::default();
    bucket.open(window("a", 1, 2));
    let bytes = bucket.bytes();
    for length in 0..bytes.len() {
        assert_eq!(Bucket::read(&bytes[..length]), Bucket::default(), "{length}");
    }
    assert_eq!(Bucket::read(&bytes), bucket);
}

#[test]
fn every_view_is_read_as_it_was_written_and_an_unknown_one_is_not_a_window() {
    for view in [View::Raw, View::Canonical, View::Decoded, View::ServerName, View::Tunnel] {
        let mut window = window("a", 1, 2);
        window.facts.view = view;
        window.facts.identity = Some(b"spiffe://a".to_vec());
        let bucket = Bucket { windows: vec![window] };
        assert_eq!(Bucket::read(&bucket.bytes()), bucket, "{view:?}");
    }
    let mut bytes = Bucket { windows: vec![window("a", 1, 2)] }.bytes();
    // Eight numbers before it, and four other values.
    bytes[28 + 24 + 4] = 5;
    assert_eq!(Bucket::read(&bytes), Bucket::default());
}

#[test]
fn keys_are_spread_over_all_buckets() {
    let mut n_keys = vec![0; N_BUCKETS as usize];
    for source in 0..10_000 {
        let key = format!("rule\010.0.{}.{}\0service", source / 256, source % 256);
        n_keys[bucket_of(key.as_bytes()) as usize] += 1;
    }
    assert!(n_keys.iter().max() <= Some(&40), "{:?}", n_keys.iter().max());
}
