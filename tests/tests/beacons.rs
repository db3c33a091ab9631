//! Behaviour over time in a real gateway: rhythms are kept for all workers together, and reported once.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "the test says what it found")]

use anyhow::{Context, Result, ensure};
use gateway::event::{self, schema};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use tests::{Bootstrap, Clock, Envoy, Launch, Plugin, http1, until};

/// Requests of each source: from the twentieth on it has a rhythm.
const N_REQUESTS: u32 = 21;

/// Sources that call by a clock, with up to a fifth of jitter, and those that call as chance has it.
const N_STEADY: u32 = 34;
const N_OTHERS: u32 = 6;

/// When the first of them begins, in nanoseconds since 1970.
const START: u64 = 1_790_467_200_000_000_000;

const RULES: &str = "
title: Beacon
id: 6b3e1d1c-0000-4000-8000-000000000001
logsource: {category: proxy}
detection:
  s: {tidegate.beacon|gte: 0.7, tidegate.requests|gte: 20, tidegate.sources|lte: 2}
  condition: s
";

fn start(pack: &[u8], concurrency: u32, clock: &Clock) -> Result<Envoy> {
    let plugin = Plugin::tidegate(pack, "monitor")?;
    let config = Bootstrap::new().listener("egress", &[plugin.http_filter()]);
    let launch = Launch { concurrency, clock: Some(clock.preload()), ..Launch::new()? };
    Envoy::launch(&launch, &config.json())
}

fn address(source: u32) -> String {
    format!("192.0.2.{}", source + 1)
}

/// When each source sends, in milliseconds: gaps of more than the three seconds that make one contact.
fn schedule() -> Vec<(u64, u32)> {
    let mut random = 7_u64;
    let mut below = |bound: u64| {
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % bound
    };
    let mut times = Vec::new();
    for source in 0..N_STEADY + N_OTHERS {
        let mut time = below(3000);
        for _ in 0..N_REQUESTS {
            times.push((time, source));
            time += if source < N_STEADY { 4100 + below(800) } else { 1000 + below(7000) };
        }
    }
    times.sort_unstable();
    times
}

fn events(envoy: &Envoy) -> Result<Vec<Value>> {
    let log = envoy.log()?;
    let events = log.lines().flat_map(event::find).collect::<Result<Vec<Value>, _>>()?;
    for event in &events {
        let wrong = schema::check(event);
        ensure!(wrong.is_empty(), "{wrong:?}: {event}");
    }
    Ok(events)
}

fn counted(envoy: &Envoy, name: &str) -> Result<u64> {
    let stats = envoy.stats()?;
    Ok(stats.iter().filter(|(known, _)| known.contains(name)).map(|(_, count)| *count).sum())
}

#[test]
fn one_worker_or_four_report_the_same_beacons_once() -> Result<()> {
    let parsed = sigma::parse(&sigma::Source::new("rules", RULES));
    let mut compiler = sigma::Compiler::new("behaviour", 1);
    for rule in &parsed.rules {
        ensure!(compiler.add(rule).is_ok(), "a rule is refused");
    }
    let pack = compiler.finish().encode();
    let clock = Clock::new(START)?;
    let gateways = [1, 2, 4].map(|n_workers| (n_workers, start(&pack, n_workers, &clock)));
    let gateways = gateways.map(|(n_workers, envoy)| envoy.map(|envoy| (n_workers, envoy)));
    let gateways = gateways.into_iter().collect::<Result<Vec<_>>>()?;
    let schedule = schedule();
    for (time, source) in &schedule {
        clock.set(START + time * 1_000_000)?;
        for (_, envoy) in &gateways {
            // On a connection of its own, so that any worker may get it.
            let request = format!(
                "GET / HTTP/1.1\r\nHost: host-{source}.example\r\nX-Forwarded-For: {}\r\n\r\n",
                address(*source)
            );
            let status = http1::send(envoy.listener("egress")?, request.as_bytes())?.status;
            ensure!(status == 200, "{status}");
        }
    }
    let mut found: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
    for (n_workers, envoy) in &gateways {
        until("all requests to be counted", || {
            let n_tracked = counted(envoy, "tidegate_behaviour_requests_total")?;
            Ok((n_tracked == schedule.len() as u64).then_some(()))
        })?;
        let events = until("the last events", || {
            let events = events(envoy)?;
            Ok((events.len() >= 30).then_some(events))
        })?;
        let lost = counted(envoy, "tidegate_behaviour_lost_swaps_total")?;
        let of_source: Vec<&str> =
            events.iter().filter_map(|event| event["request"]["source"].as_str()).collect();
        let sources: BTreeSet<&str> = of_source.iter().copied().collect();
        assert_eq!(sources.len(), of_source.len(), "a source is reported once: {of_source:?}");
        let all = (0..N_STEADY + N_OTHERS).filter(|source| sources.contains(&*address(*source)));
        let all: BTreeSet<u32> = all.collect();
        println!("{n_workers} workers: {} sources, {lost} lost swaps", all.len());
        assert!(envoy.plugin_failures()?.is_empty());
        found.insert(*n_workers, all);
    }
    let one = found.get(&1).context("one worker")?;
    let steady = one.iter().filter(|source| **source < N_STEADY).count();
    assert_eq!(steady, N_STEADY as usize, "{one:?}");
    for (n_workers, of_workers) in &found {
        // A swap that is lost is a request less, of 34 sources.
        let n_missing = one.difference(of_workers).count();
        assert!(n_missing <= 1, "{n_workers} workers miss {n_missing} of {one:?}");
    }
    Ok(())
}
