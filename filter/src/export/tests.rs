use super::*;
use crate::config::Settings;
use crate::limits::{LOST_SECONDS, MAX_QUEUED_BYTES};
use crate::testing::{Call, FakeHost, config_of};

fn plugin(host: &FakeHost) -> Plugin {
    let url = "https://logs.example/ingest";
    let collector = Collector::read(Some("logs"), Some(url)).unwrap();
    let mut config = config_of("cs-host: a.example");
    config.settings = Settings { collector, ..Settings::default() };
    Plugin::start(host, config)
}

#[test]
fn events_are_posted_as_lines_and_counted_when_they_are_taken() {
    let host = FakeHost::new();
    let plugin = plugin(&host);
    plugin.post_events(&host);
    assert!(host.posted().is_empty(), "nothing is queued");
    plugin.export(&host, "{\"a\":1}");
    plugin.export(&host, "{\"b\":2}");
    plugin.post_events(&host);
    plugin.post_events(&host);
    let posted = host.posted();
    assert_eq!(posted.len(), 1, "one call at a time");
    let body = "{\"a\":1}\n{\"b\":2}\n";
    assert_eq!((posted[0].cluster.as_str(), posted[0].body.as_str()), ("logs", body));
    let key = PackHash::of(body.as_bytes()).to_string();
    for (name, value) in [
        (":method", "POST"),
        (":scheme", "https"),
        (":authority", "logs.example"),
        (":path", "/ingest"),
        ("content-length", "16"),
        ("idempotency-key", &key),
    ] {
        let header = (name.to_owned(), value.to_owned());
        assert!(posted[0].headers.contains(&header), "{header:?}");
    }
    host.set_answer("200");
    plugin.take_answer(&host, posted[0].call + 1, 1);
    assert_eq!(host.counted("tidegate_exported_total"), 0, "that answer is not ours");
    plugin.take_answer(&host, posted[0].call, 1);
    assert_eq!(host.counted("tidegate_exported_total"), 2);
}

#[test]
fn a_batch_that_failed_is_posted_again_and_the_log_says_when_that_changes() {
    let host = FakeHost::new();
    let plugin = plugin(&host);
    plugin.export(&host, "{}");
    host.fail(Call::Post);
    plugin.post_events(&host);
    host.mend(Call::Post);
    host.advance(1);
    plugin.post_events(&host);
    host.set_answer("503");
    plugin.take_answer(&host, 1, 1);
    host.advance(2);
    plugin.post_events(&host);
    host.set_answer("204");
    plugin.take_answer(&host, 2, 1);
    let posted = host.posted();
    assert_eq!(posted.len(), 2);
    assert_eq!(posted[0].body, posted[1].body);
    assert_eq!(host.counted("tidegate_export_failures_total"), 2);
    assert_eq!(host.counted("tidegate_exported_total"), 1);
    let lines = host.lines();
    assert_eq!(
        lines[1..],
        [
            "tidegate: the collector `logs` does not take events: status none",
            "tidegate: the collector `logs` takes events again",
        ]
    );
}

#[test]
fn a_refused_batch_is_dropped_and_counted() {
    let host = FakeHost::new();
    let plugin = plugin(&host);
    plugin.export(&host, "{}");
    plugin.post_events(&host);
    host.set_answer("400");
    plugin.take_answer(&host, 1, 1);
    assert_eq!(host.counted("tidegate_export_dropped_total.kind=refused"), 1);
    assert_eq!(host.counted("tidegate_export_failures_total"), 1);
    host.advance(60);
    plugin.post_events(&host);
    assert_eq!(host.posted().len(), 1);
}

#[test]
fn an_answer_without_headers_or_none_at_all_is_a_failure() {
    let host = FakeHost::new();
    let plugin = plugin(&host);
    plugin.export(&host, "{}");
    plugin.post_events(&host);
    host.set_answer("200");
    plugin.take_answer(&host, 1, 0);
    assert_eq!(host.counted("tidegate_export_failures_total"), 1);
    host.advance(1);
    plugin.post_events(&host);
    assert_eq!(host.posted().len(), 2);
    host.advance(LOST_SECONDS);
    plugin.post_events(&host);
    assert_eq!(host.counted("tidegate_export_failures_total"), 2, "the answer is lost");
}

#[test]
fn a_long_queue_is_posted_call_after_call() {
    let host = FakeHost::new();
    let plugin = plugin(&host);
    let event = "x".repeat(99_999);
    for _ in 0..3 {
        plugin.export(&host, &event);
    }
    plugin.post_events(&host);
    host.set_answer("200");
    plugin.take_answer(&host, 1, 1);
    assert_eq!(host.posted().len(), 2, "the next call follows the answer");
}

#[test]
fn what_finds_no_room_is_counted() {
    let host = FakeHost::new();
    let plugin = plugin(&host);
    let event = "x".repeat(MAX_QUEUED_BYTES / 2);
    for _ in 0..3 {
        plugin.export(&host, &event);
    }
    assert_eq!(host.counted("tidegate_export_dropped_total.kind=full"), 2);
}

#[test]
fn without_a_collector_nothing_is_queued() {
    let host = FakeHost::new();
    let plugin = Plugin::start(&host, config_of("cs-host: a.example"));
    plugin.export(&host, "{}");
    plugin.post_events(&host);
    plugin.take_answer(&host, 1, 1);
    assert!(host.posted().is_empty());
}
