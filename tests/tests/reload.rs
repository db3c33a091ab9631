//! Packs are replaced while traffic flows, by good ones and by bad ones, and no request fails.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;
use tests::gateway::{replace, replace_text};
use tests::one_host::{HOSTS, denied, pack, request};
use tests::{Bootstrap, Envoy, Launch, Plugin, http1, until};

const N_CONNECTIONS: usize = 4;

fn start(directory: &Path, fallback: &Plugin) -> Result<Envoy> {
    let filters = [fallback.discovered("./tidegate.json")];
    let config = Bootstrap::new().listener("egress", &filters);
    Envoy::launch_in(&Launch { concurrency: 2, ..Launch::new()? }, &config.json(), directory)
}

/// Sends requests until it is stopped; returns their number. One that is answered with anything but
/// 200 or 403, or not at all, is an error.
fn load(address: SocketAddr, stop: &AtomicBool, n_sent: &AtomicU64) -> Result<()> {
    let mut connection = http1::Connection::open(address)?;
    while !stop.load(Ordering::Relaxed) {
        for host in HOSTS {
            let status = connection.send(&request(host))?.status;
            ensure!(matches!(status, 200 | 403), "{host} was answered with {status}");
            n_sent.fetch_add(1, Ordering::Relaxed);
        }
    }
    Ok(())
}

/// Updates that Envoy or the filter did not take.
fn refused(stats: &BTreeMap<String, u64>) -> u64 {
    let ends = ["tidegate.config_fail", "tidegate.update_rejected", "tidegate.update_failure"];
    let refused = stats.iter().filter(|(name, _)| ends.iter().any(|end| name.ends_with(end)));
    refused.map(|(_, value)| value).sum()
}

#[test]
fn good_packs_take_over_and_bad_ones_change_nothing_under_load() -> Result<()> {
    let directory = TempDir::with_prefix("tidegate-reload-")?;
    let [a, b, c] = HOSTS.map(|host| pack(host, 1));
    let (a, b, c) = (a?, b?, c?);
    let plugin = |pack: &[u8]| Plugin::tidegate(pack, "enforce");
    replace(directory.path(), &plugin(&a)?, "1")?;
    let envoy = start(directory.path(), &plugin(&a)?)?;
    let address = envoy.listener("egress")?;
    assert_eq!(denied(address)?, ["a.example"]);

    let (stop, n_sent) = (AtomicBool::new(false), AtomicU64::new(0));
    let outcome = thread::scope(|scope| {
        let loads: Vec<_> =
            (0..N_CONNECTIONS).map(|_| scope.spawn(|| load(address, &stop, &n_sent))).collect();
        let change = || -> Result<()> {
            until("requests", || Ok((n_sent.load(Ordering::Relaxed) > 100).then_some(())))?;
            replace(directory.path(), &plugin(&b)?, "2")?;
            until("the second pack", || Ok((denied(address)? == ["b.example"]).then_some(())))?;

            let mut flipped = c.clone();
            if let Some(byte) = flipped.last_mut() {
                *byte ^= 1;
            }
            let half = c.get(..c.len() / 2).unwrap_or_default();
            let bad = [
                "{\"version_info\": \"3\", \"resources\": [".to_owned(),
                plugin(half)?.discovery_response("4"),
                plugin(&flipped)?.discovery_response("5"),
                plugin(&[])?.discovery_response("6"),
                plugin(&c)?.with_text("{\"pack\": \"?\"}").discovery_response("7"),
                plugin(&c)?.with_bytes(half).discovery_response("8"),
            ];
            for text in bad {
                let before = refused(&envoy.stats()?);
                let sent = n_sent.load(Ordering::Relaxed);
                replace_text(directory.path(), &text)?;
                until("the refusal to be counted", || {
                    Ok((refused(&envoy.stats()?) > before).then_some(()))
                })?;
                until("more requests", || {
                    Ok((n_sent.load(Ordering::Relaxed) > sent + 50).then_some(()))
                })?;
                ensure!(denied(address)? == ["b.example"], "a bad update changed the verdicts");
            }

            replace(directory.path(), &plugin(&c)?.with_bytes(&c), "9")?;
            until("the third pack, in monitor mode", || {
                Ok(denied(address)?.is_empty().then_some(()))
            })?;
            replace(directory.path(), &plugin(&c)?, "10")?;
            until("the third pack", || Ok((denied(address)? == ["c.example"]).then_some(())))
        };
        let outcome = change();
        stop.store(true, Ordering::Relaxed);
        for load in loads {
            match load.join() {
                Ok(load) => load.context("a request failed")?,
                Err(_) => bail!("a client panicked"),
            }
        }
        outcome
    });
    println!("{} requests, none failed", n_sent.load(Ordering::Relaxed));
    outcome.with_context(|| envoy.log().unwrap_or_default())?;

    let stats = envoy.stats()?;
    let reloads: Vec<_> = stats.iter().filter(|(name, _)| name.contains("vm_reload")).collect();
    assert!(reloads.iter().all(|(_, value)| **value == 0), "{reloads:?}");
    let loaded = stats.iter().find(|(name, _)| name.ends_with("tidegate_rules_loaded"));
    assert_eq!(loaded.map(|(_, value)| *value), Some(1));
    let short = |pack: &[u8]| inspect::Pack::decode(pack).map(|pack| pack.hash().short());
    let at_work = stats.iter().find(|(name, _)| name.ends_with("tidegate_pack_hash"));
    assert_eq!(at_work.map(|(_, value)| *value), Some(short(&c)?));
    Ok(())
}

#[test]
fn a_bad_file_at_the_start_leaves_the_default_at_work() -> Result<()> {
    let default = Plugin::tidegate(&pack("a.example", 1)?, "enforce")?;
    for bad in ["", "{", "{\"version_info\": \"1\", \"resources\": []}"] {
        let directory = TempDir::with_prefix("tidegate-reload-")?;
        replace_text(directory.path(), bad)?;
        let envoy = start(directory.path(), &default)?;
        assert_eq!(denied(envoy.listener("egress")?)?, ["a.example"], "after {bad:?}");
    }
    let directory = TempDir::with_prefix("tidegate-reload-")?;
    replace(directory.path(), &Plugin::tidegate(b"truncated", "enforce")?, "1")?;
    let envoy = start(directory.path(), &default)?;
    assert_eq!(denied(envoy.listener("egress")?)?, ["a.example"]);

    let good = Plugin::tidegate(&pack("b.example", 1)?, "enforce")?;
    replace(directory.path(), &good, "2")?;
    let address = envoy.listener("egress")?;
    until("the repaired file", || Ok((denied(address)? == ["b.example"]).then_some(())))
}
