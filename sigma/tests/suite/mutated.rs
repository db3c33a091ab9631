//! Packs that were damaged and then given a hash that fits: what anybody may hand to a gateway.

use inspect::pack::{Envelope, PackHash, enclosed};
use inspect::{Inspector, Pack, Request, Response};
use proptest::prelude::*;
use serde_json::json;

use crate::event;

/// A rule or two for each kind of table: tries, grams of each width, checks, networks, tests, programs,
/// keywords, correlations.
const RULES: &str = r"
title: texts
id: 11111111-1111-4111-8111-111111111111
tags: [attack.t1102, attack.command-and-control]
logsource: {category: proxy}
detection:
  hosts: {cs-host: [api.example, www.example], cs-host|endswith: [.chat.example, .example]}
  paths: {c-uri|contains: [/bot, /raw/paste, 'ab', 'x', '=id'], c-uri|startswith: https}
  globs: {c-uri: '*/file_?.b*n', c-useragent|cased|contains: Mozilla}
  not_mail: {cs-host|startswith: mail.}
  condition: (hosts or paths or globs) and not not_mail
---
title: machines
name: machines
logsource: {category: proxy}
detection:
  few: {c-uri|re: '/[a-f0-9]{8}/(gate|panel)\.php$'}
  many: {c-uri|re: 'ab.{1,200}cd.{1,99}end'}
  none: {c-useragent|re: '^[a-z]{3,9}$'}
  address: {dst_ip|cidr: [10.0.0.0/8, 'fe80::/10'], src_ip|cidr: 192.168.0.0/16}
  condition: 1 of *
---
title: questions
logsource: {category: test}
detection:
  status: {sc-status|gte: 400, cs-cookie: null}
  same: {cs-host|fieldref|endswith: r-dns, cs-referrer|exists: true}
  time: {time|hour: 3}
  anywhere: [needle, 'pin*cushion', '?q']
  condition: status or same or time or anywhere
---
title: often
correlation:
  type: value_count
  rules: [machines]
  group-by: [src_ip]
  timespan: 5m
  condition: {field: c-uri, gte: 3}
---
title: without
correlation:
  type: temporal_ordered
  rules: [machines, 11111111-1111-4111-8111-111111111111]
  group-by: [src_ip]
  timespan: 5m
  condition: machines and not 1 of 1111*
";

/// What the header has in front of the hash: magic, version, length of the body.
const HASH_AT: usize = 16;
const BODY_AT: usize = 48;

/// The pack with a header that fits its body.
fn with_hash(mut pack: Vec<u8>) -> Vec<u8> {
    let n_body = u32::try_from(pack.len() - BODY_AT).unwrap();
    pack[12..HASH_AT].copy_from_slice(&n_body.to_le_bytes());
    let hash = PackHash::of(&pack[BODY_AT..]);
    pack[HASH_AT..BODY_AT].copy_from_slice(&hash.0);
    pack
}

fn pack() -> Vec<u8> {
    let parsed = sigma::parse(&sigma::Source::new("rules.yml", RULES));
    assert_eq!(parsed.diagnostics, []);
    let mut compiler = sigma::Compiler::new("mutated", 1);
    for rule in &parsed.rules {
        compiler.add(rule).unwrap();
    }
    let correlations = compiler.add_correlations(&parsed.correlations);
    assert!(correlations.len() == 2 && correlations.iter().all(Result::is_ok));
    compiler.finish().encode()
}

/// Whatever is decoded is asked everything that a gateway or a person asks.
fn evaluate(pack: Pack) {
    let mut inspector = Inspector::new(pack);
    let requests = [
        ("api.example", "/bot123/file_1.bin?q=needle", "Mozilla/5.0"),
        ("a.chat.example:8443", "/0a1b2c3d/gate.php", "curl"),
        ("10.1.2.3", "/abxxxxcdxxxxend", ""),
        ("mail.example", "/", "x"),
    ];
    for (authority, path, agent) in requests {
        let request = Request {
            method: b"GET",
            scheme: b"https",
            authority: authority.as_bytes(),
            path: Some(path.as_bytes()),
            user_agent: Some(agent.as_bytes()),
            source_address: Some(b"192.168.1.1"),
            response: Some(Response { status: Some(404), ..Response::default() }),
            ..Request::default()
        };
        let verdict = inspector.inspect(&request);
        for matched in &verdict.matches {
            drop(inspector.condition(matched.rule));
        }
        drop(inspector.correlation_hits(&verdict));
    }
    let object = json!({"cs-host": "b.example", "r-dns": "example", "cs-referrer": "", "time": "2026-11-21T03:04:05Z"});
    drop(event::inspect(&mut inspector, &object));
}

/// What is done to bytes, at a place that is a share of its length.
#[derive(Clone, Debug)]
enum Damage {
    Set(f64, u8),
    /// Adds to a number that may be an index, so that it goes a little too far.
    Add(f64, u8),
    Cut(f64),
    Insert(f64, Vec<u8>),
    Swap(f64, f64),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        4 => (0.0..1.0, any::<u8>()).prop_map(|(at, byte)| Damage::Set(at, byte)),
        4 => (0.0..1.0, 1..4u8).prop_map(|(at, by)| Damage::Add(at, by)),
        1 => (0.0..1.0).prop_map(Damage::Cut),
        1 => (0.0..1.0, proptest::collection::vec(any::<u8>(), 1..9))
            .prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        2 => (0.0..1.0, 0.0..1.0).prop_map(|(one, other)| Damage::Swap(one, other)),
    ]
}

fn apply(damage: &Damage, bytes: &mut Vec<u8>) {
    let n_bytes = bytes.len() as f64;
    let place = |share: f64| (share * n_bytes) as usize;
    match damage {
        Damage::Set(at, byte) => bytes[place(*at)] = *byte,
        Damage::Add(at, by) => bytes[place(*at)] = bytes[place(*at)].wrapping_add(*by),
        Damage::Cut(at) => bytes.truncate(place(*at).max(1)),
        Damage::Insert(at, more) => drop(bytes.splice(place(*at)..place(*at), more.clone())),
        Damage::Swap(one, other) => bytes.swap(place(*one), place(*other)),
    }
}

#[test]
fn damaged_packs_are_refused_or_run_without_panic() {
    let whole = pack();
    let tables = Envelope::read(&whole).unwrap().expanded().unwrap();
    assert_eq!(enclosed(&tables), whole);
    let n_decoded = std::cell::Cell::new(0);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(20_000));
    let damages = proptest::collection::vec(damage(), 1..3);
    let run = runner.run(&damages, |damages| {
        let mut tables = tables.clone();
        for damage in &damages {
            apply(damage, &mut tables);
        }
        if let Ok(pack) = Pack::decode(&enclosed(&tables)) {
            n_decoded.set(n_decoded.get() + 1);
            evaluate(pack);
        }
        Ok(())
    });
    run.unwrap();
    assert!(n_decoded.get() > 1_000, "only {} of 20,000 were decoded at all", n_decoded.get());
}

#[test]
fn packs_with_damaged_compression_are_refused_or_run_without_panic() {
    let whole = pack();
    assert_eq!(with_hash(whole.clone()), whole, "the header is where this test looks for it");
    let n_decoded = std::cell::Cell::new(0);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(5_000));
    let run = runner.run(&damage(), |damage| {
        let mut body = whole[BODY_AT..].to_vec();
        apply(&damage, &mut body);
        let pack = [&whole[..BODY_AT], &body].concat();
        if let Ok(pack) = Pack::decode(&with_hash(pack)) {
            n_decoded.set(n_decoded.get() + 1);
            evaluate(pack);
        }
        Ok(())
    });
    run.unwrap();
    assert!(n_decoded.get() > 200, "only {} of 5,000 were decoded at all", n_decoded.get());
}
