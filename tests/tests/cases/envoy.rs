//! The table of cases, by a real Envoy, over HTTP/1.1 and HTTP/2.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};
use inspect::Pack;
use serde_json::Value;
use tests::case::{self, Case, Runner, Table};
use tests::{Bootstrap, Certificate, Envoy, Plugin, StandIn, http1, http2, workspace};

use crate::rules;

const MODES: [&str; 2] = ["monitor", "enforce"];

/// A case that was sent, and its mark in the access log.
struct Sent<'c> {
    mark: String,
    mode: &'static str,
    case: &'c Case,
    pack: &'c Pack,
    status: u16,
}

#[test]
fn every_case_holds_in_envoy_over_http1() -> Result<()> {
    run(Runner::Http1)
}

#[test]
fn every_case_holds_in_envoy_over_http2() -> Result<()> {
    run(Runner::Http2)
}

fn run(runner: Runner) -> Result<()> {
    let tables = case::read(&workspace::root().join("tests/cases"))?;
    let mut packs = BTreeMap::new();
    for (file, table) in &tables {
        let bytes = rules::pack(table)?;
        packs.insert(file.as_str(), (Pack::decode(&bytes)?, bytes));
    }
    let stand_in = StandIn::start()?;
    let envoy = start(&tables, &packs, stand_in.address())?;

    let (mut sent, mut failures) = (Vec::new(), Vec::new());
    let mut n_skipped = 0;
    for (file, table) in &tables {
        let (pack, _) = packs.get(file.as_str()).context("a pack for each table")?;
        for (idx, case) in table.cases.iter().enumerate() {
            if let Some(reason) = case.skip.get(&runner) {
                println!("skipped: {file}: {}: {reason}", case.name);
                n_skipped += 1;
                continue;
            }
            for mode in MODES {
                let mark = format!("{file}/{mode}/{idx}");
                let address = envoy.listener(&listener(file, mode, case))?;
                match send(runner, address, case, &mark) {
                    Ok(status) => sent.push(Sent { mark, mode, case, pack, status }),
                    Err(error) => failures.push(format!("{file}: {}: {error:#}", case.name)),
                }
            }
        }
    }

    let log: BTreeMap<String, Value> = envoy
        .access_log_of(sent.len())?
        .iter()
        .map(|line| {
            let line: Value = serde_json::from_str(line)?;
            Ok((line["case"].as_str().unwrap_or_default().to_owned(), line))
        })
        .collect::<Result<_>>()?;
    for sent in &sent {
        if let Err(error) = check(sent, log.get(&sent.mark)) {
            failures.push(format!("{}: {}: {error:#}", sent.mark, sent.case.name));
        }
    }
    println!("{} requests sent, {n_skipped} cases skipped", sent.len());
    ensure!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n"));
    let troubles = envoy.plugin_failures()?;
    ensure!(troubles.is_empty(), "{troubles:?}");
    Ok(())
}

/// One Envoy with a listener per table and mode, and those that end TLS where a case needs it.
fn start(
    tables: &BTreeMap<String, Table>,
    packs: &BTreeMap<&str, (Pack, Vec<u8>)>,
    upstream: SocketAddr,
) -> Result<Envoy> {
    let names = vec!["gateway.example".to_owned()];
    let certified = rcgen::generate_simple_self_signed(names)?;
    let (chain, key) = (certified.cert.pem(), certified.signing_key.serialize_pem());
    let mut config = Bootstrap::new().upstream(upstream);
    for (file, table) in tables {
        let (_, pack) = packs.get(file.as_str()).context("a pack for each table")?;
        let cases = table.cases.iter();
        let server_names: BTreeSet<String> =
            cases.filter_map(|case| case.request.server_name.clone()).collect();
        let server_names: Vec<String> = server_names.into_iter().collect();
        for mode in MODES {
            let filters = [Plugin::tidegate(pack, mode)?.http_filter()];
            config = config.listener(&format!("{file}-{mode}"), &filters);
            if !server_names.is_empty() {
                let certificate = Certificate { chain: &chain, key: &key };
                let name = format!("{file}-{mode}-tls");
                config = config.tls_listener(&name, certificate, &server_names, &filters);
            }
        }
    }
    Envoy::start(&config.json())
}

fn listener(file: &str, mode: &str, case: &Case) -> String {
    match &case.request.server_name {
        None => format!("{file}-{mode}"),
        Some(server_name) => format!("{file}-{mode}-tls/{server_name}"),
    }
}

fn send(runner: Runner, address: SocketAddr, case: &Case, mark: &str) -> Result<u16> {
    let mut wire = case.request.wire()?;
    wire.headers.push((b"x-case".to_vec(), mark.as_bytes().to_vec()));
    if let Some(status) = case.request.status {
        let status = status.to_string().into_bytes();
        wire.headers.push((b"x-stand-in-status".to_vec(), status));
    }
    let response = match runner {
        Runner::Http1 => http1::send(address, &wire.http1())?,
        Runner::Http2 => http2::send(address, wire.http2()?)?,
        Runner::Native => bail!("not a runner of this file"),
    };
    Ok(response.status)
}

fn check(sent: &Sent<'_>, line: Option<&Value>) -> Result<()> {
    let expect = &sent.case.expect;
    let line = line.context("the access log has no line of it")?;
    let found = line["rules"].as_str().unwrap_or_default().split(',');
    let found = found.filter(|id| !id.is_empty()).map(str::to_owned).collect();
    rules::same(found, &rules::ids(sent.pack, &expect.rules)?)?;
    let action = line["action"].as_str().unwrap_or("allow");
    let expected = expect.action(sent.mode);
    ensure!(action == expected, "the action is `{action}`, expected `{expected}`");
    let status = if action == "deny" { 403 } else { sent.case.request.status.unwrap_or(200) };
    ensure!(sent.status == status, "the client got {}, expected {status}", sent.status);
    Ok(())
}
