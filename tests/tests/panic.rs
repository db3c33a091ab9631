//! What Envoy does when the filter panics, under each failure policy, and which alert reports it: a
//! build of the filter that panics when a request asks for it, in the example gateway.
#![forbid(unsafe_code)]
#![expect(clippy::disallowed_methods, reason = "tests touch files")]

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::gateway::{Gateway, replace};
use tests::prometheus::{History, INSTANCE};
use tests::{Launch, Plugin, TICK, http1, until, workspace};

const ORDINARY: &[u8] = b"GET http://www.example.com/ HTTP/1.1\r\nHost: www.example.com\r\n\r\n";
const MARKED: &[u8] = b"GET http://www.example.com/ HTTP/1.1\r\nHost: www.example.com\r\n\
    X-Tidegate-Panic: 1\r\n\r\n";
/// Denied by a filter that lives.
const ABUSIVE: &[u8] = b"POST http://api.telegram.org/bot123456789:AAExampleExampleExampleExampleExample12/sendDocument HTTP/1.1\r\n\
    Host: api.telegram.org\r\nContent-Length: 0\r\n\r\n";

/// Longer than Envoy waits before it makes a virtual machine anew, which is a second.
const LONG: Duration = Duration::from_secs(3);
/// Scrapes after which every window of the alert rules holds only what came after the panic.
const N_SCRAPES: usize = 20;
const N_REQUESTS: usize = 4;

fn start(directory: &Path, policy: &'static str, concurrency: u32) -> Result<Gateway> {
    let pack = fs::read(workspace::shipped_pack()?)?;
    let launch = Launch { concurrency, ..Launch::new()? };
    let gateway = Gateway::start(&launch, directory, &pack, "monitor")?;
    let plugin = Plugin {
        wasm: workspace::wasm("panics")?,
        failure_policy: policy,
        ..Plugin::tidegate(&pack, "enforce")?
    };
    replace(directory, &plugin, "2")?;
    until("the filter that can panic", || Ok((gateway.asked(ABUSIVE)? == 403).then_some(())))?;
    Ok(gateway)
}

trait Asked {
    /// The status of the answer to a request on a connection of its own.
    fn asked(&self, request: &[u8]) -> Result<u16>;
    /// How many requests the filter has judged.
    fn judged(&self) -> Result<u64>;
    /// Scrapes, with ordinary requests before each, which are counted at the filter's next tick.
    fn watch(&self, history: &mut History, n_scrapes: usize) -> Result<()>;
    /// The same where no filter counts anything.
    fn watch_unjudged(&self, history: &mut History, n_scrapes: usize) -> Result<()>;
}

impl Asked for Gateway {
    fn asked(&self, request: &[u8]) -> Result<u16> {
        Ok(http1::send(self.address()?, request)?.status)
    }

    fn judged(&self) -> Result<u64> {
        let stats = self.envoy.settled_stats()?;
        let count = stats.iter().find(|(name, _)| name.ends_with("tidegate_requests_total"));
        Ok(*count.context("the filter counts requests")?.1)
    }

    fn watch(&self, history: &mut History, n_scrapes: usize) -> Result<()> {
        for _ in 0..n_scrapes {
            for _ in 0..N_REQUESTS {
                self.asked(ORDINARY)?;
            }
            // Between two scrapes of Prometheus there are many ticks.
            thread::sleep(TICK);
            history.scrape(self.envoy.admin())?;
        }
        Ok(())
    }

    fn watch_unjudged(&self, history: &mut History, n_scrapes: usize) -> Result<()> {
        let judged = self.judged()?;
        for _ in 0..n_scrapes {
            for _ in 0..N_REQUESTS {
                self.asked(ORDINARY)?;
            }
            history.scrape(self.envoy.admin())?;
        }
        ensure!(self.judged()? == judged, "a filter judged requests");
        Ok(())
    }
}

/// The statuses that a request gets for a while, each once.
fn statuses(gateway: &Gateway, request: &[u8]) -> Result<Vec<u16>> {
    let (start, mut seen) = (Instant::now(), Vec::new());
    while start.elapsed() < LONG {
        let status = gateway.asked(request)?;
        if !seen.contains(&status) {
            seen.push(status);
        }
        // The shipped configuration answers a client with more than 200 requests a second by 429.
        thread::sleep(Duration::from_millis(10));
    }
    Ok(seen)
}

fn bypassed() -> Value {
    json!({
        "exp_labels": {"severity": "critical", "instance": INSTANCE},
        "exp_annotations": {
            "summary": format!("100% of the requests through {INSTANCE} are not judged"),
            "description": "The filter is dead on a worker (FAIL_OPEN), its configuration was never \
                taken, or Envoy refuses many requests by itself.",
        },
    })
}

fn died() -> Value {
    json!({
        "exp_labels": {"severity": "critical", "instance": INSTANCE},
        "exp_annotations": {
            "summary": format!("the filter's virtual machine died on {INSTANCE} and was made anew"),
            "description": "Requests in between got 503. Keep the log of Envoy: it names the place of \
                the panic.",
        },
    })
}

#[test]
fn under_fail_closed_a_worker_answers_503_until_the_configuration_changes() -> Result<()> {
    let directory = TempDir::with_prefix("tidegate-panic-")?;
    let gateway = start(directory.path(), "FAIL_CLOSED", 1)?;
    let mut history = History::default();
    gateway.watch(&mut history, 3)?;
    assert_eq!(gateway.asked(MARKED)?, 503);
    let judged = gateway.judged()?;
    assert_eq!(statuses(&gateway, ORDINARY)?, [503]);
    assert_eq!(gateway.judged()?, judged);
    gateway.watch_unjudged(&mut history, N_SCRAPES)?;
    history.check_alerts(&[("TidegateBypassed", Some(bypassed()))])?;

    // The same module under another configuration is another virtual machine only where the module or
    // its `vm_config` differs: the filter that was shipped.
    let pack = fs::read(workspace::shipped_pack()?)?;
    replace(directory.path(), &Plugin::tidegate(&pack, "enforce")?, "3")?;
    until("the filter that does not panic", || Ok((gateway.asked(ABUSIVE)? == 403).then_some(())))
}

#[test]
fn under_fail_open_everything_passes_unseen_and_only_the_heartbeat_tells() -> Result<()> {
    let directory = TempDir::with_prefix("tidegate-panic-")?;
    let gateway = start(directory.path(), "FAIL_OPEN", 1)?;
    let mut history = History::default();
    gateway.watch(&mut history, 3)?;
    // The request that panics is refused; those after it are not.
    assert_eq!(gateway.asked(MARKED)?, 503);
    let judged = gateway.judged()?;
    assert_eq!(statuses(&gateway, ABUSIVE)?, [200]);
    assert_eq!(gateway.judged()?, judged);
    assert!(gateway.envoy.plugin_failures()?.is_empty(), "{:?}", gateway.envoy.plugin_failures()?);
    gateway.watch_unjudged(&mut history, N_SCRAPES)?;
    history.check_alerts(&[
        ("TidegateBypassed", Some(bypassed())),
        ("TidegateVirtualMachineDied", None),
        ("TidegateErrors", None),
    ])
}

#[test]
fn under_fail_reload_a_worker_recovers_and_says_that_it_died() -> Result<()> {
    let directory = TempDir::with_prefix("tidegate-panic-")?;
    let gateway = start(directory.path(), "FAIL_RELOAD", 1)?;
    let mut history = History::default();
    gateway.watch(&mut history, 3)?;
    for n_panics in 1..=2 {
        assert_eq!(gateway.asked(MARKED)?, 503);
        until("the filter to be alive again", || {
            let status = gateway.asked(ABUSIVE)?;
            ensure!(matches!(status, 403 | 503), "passed unseen: {status}");
            Ok((status == 403).then_some(()))
        })?;
        let reloads = gateway.envoy.plugin_failures()?;
        let made = reloads.iter().find(|(name, _)| name.ends_with("vm_reload_success"));
        assert_eq!(made.map(|(_, value)| *value), Some(n_panics), "{reloads:?}");
    }
    gateway.watch(&mut history, 3)?;
    history.check_alerts(&[("TidegateVirtualMachineDied", Some(died()))])?;
    // Later both are over.
    gateway.watch(&mut history, N_SCRAPES)?;
    history.check_alerts(&[("TidegateBypassed", None), ("TidegateVirtualMachineDied", None)])
}

#[test]
fn a_healthy_gateway_raises_no_alert() -> Result<()> {
    let directory = TempDir::with_prefix("tidegate-panic-")?;
    let gateway = start(directory.path(), "FAIL_RELOAD", 1)?;
    let mut history = History::default();
    gateway.watch(&mut history, N_SCRAPES)?;
    let quiet = ["Bypassed", "Gone", "VirtualMachineDied", "ConfigurationRefused", "Errors"];
    let quiet = quiet.map(|name| format!("Tidegate{name}"));
    history.check_alerts(&quiet.each_ref().map(|name| (name.as_str(), None)))
}

#[test]
fn a_panic_on_one_worker_leaves_the_other_at_work() -> Result<()> {
    let directory = TempDir::with_prefix("tidegate-panic-")?;
    let gateway = start(directory.path(), "FAIL_OPEN", 2)?;
    assert_eq!(gateway.asked(MARKED)?, 503);
    // The kernel gives each connection to either worker.
    let mut seen = Vec::new();
    until("an answer of each worker", || {
        let status = gateway.asked(ABUSIVE)?;
        ensure!(matches!(status, 200 | 403), "{status}");
        seen.push(status);
        Ok((seen.contains(&200) && seen.contains(&403)).then_some(()))
    })
}

#[test]
fn the_shipped_module_cannot_be_asked_to_panic() -> Result<()> {
    let carries_mark = |module: &str| -> Result<bool> {
        let bytes = fs::read(workspace::wasm(module)?)?;
        // What the panic says; the header's name is compared as numbers.
        let mark = b"the request asked for a panic";
        Ok(bytes.windows(mark.len()).any(|window| window == mark))
    };
    assert!(carries_mark("panics")? && !carries_mark("filter")?);
    let directory = TempDir::with_prefix("tidegate-panic-")?;
    let pack = fs::read(workspace::shipped_pack()?)?;
    let gateway = Gateway::start(&Launch::new()?, directory.path(), &pack, "enforce")?;
    assert_eq!((gateway.asked(MARKED)?, gateway.judged()?), (200, 1));
    Ok(())
}
