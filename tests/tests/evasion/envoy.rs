//! The table of evasions, through a real Envoy under three profiles.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::{Bootstrap, Certificate, Envoy, Plugin, StandIn, http1, http2};
use traffic::RecordedRequest;

use crate::composition::{Numbers, SEED, evade, shipped};
use crate::rules_as_bytes;
use crate::table::{Case, PROFILES, Table, bytes};

/// What became of a request.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    /// The filter denied it.
    Found,
    /// It passed.
    Passed,
    /// Envoy refused it; the status, or that there was none.
    Refused(String),
}

#[test]
fn no_evasion_of_the_table_escapes_in_envoy() -> Result<()> {
    let table = Table::read();
    let stand_in = StandIn::start()?;
    let names: BTreeSet<String> = table.cases().filter_map(server_name).collect();
    let names: Vec<String> = names.into_iter().collect();
    let certified = rcgen::generate_simple_self_signed(vec!["gateway.example".to_owned()])?;
    let (chain, key) = (certified.cert.pem(), certified.signing_key.serialize_pem());
    let filters = [Plugin::tidegate(&rules_as_bytes(&table.rules), "enforce")?.http_filter()];
    let mut config = Bootstrap::new().upstream(stand_in.address());
    for profile in PROFILES {
        let certificate = Certificate { chain: &chain, key: &key };
        config = config.listener(profile, &filters).tls_listener(
            &format!("{profile}-tls"),
            certificate,
            &names,
            &filters,
        );
    }
    let mut config = config.json();
    let listeners = config["static_resources"]["listeners"].as_array_mut().context("listeners")?;
    for listener in listeners {
        let name = listener["name"].as_str().unwrap_or_default().to_owned();
        let manager = &mut listener["filter_chains"][0]["filters"][0]["typed_config"];
        if manager["http_filters"].is_array() {
            configure(manager, &name);
        }
    }
    let envoy = Envoy::start(&config)?;

    let (mut n_sent, mut n_passed, mut not_sent, mut wrong) = (0, 0, Vec::new(), Vec::new());
    for case in table.cases() {
        for (idx, profile) in PROFILES.iter().enumerate() {
            let listener = match server_name(case) {
                Some(name) => format!("{profile}-tls/{name}"),
                None => (*profile).to_owned(),
            };
            let address = envoy.listener(&listener)?;
            let Some(fate) = send(address, case) else {
                not_sent.push(format!("{} ({profile})", case.name));
                continue;
            };
            n_sent += 1;
            n_passed += usize::from(case.passes(idx));
            let expected = if !case.passes(idx) {
                matches!(fate, Fate::Refused(_))
            } else if case.rules.is_empty() {
                fate == Fate::Passed
            } else {
                fate == Fate::Found
            };
            if !expected {
                let expect = if case.passes(idx) { "found" } else { case.envoy(idx) };
                wrong.push(format!("{} ({profile}): {fate:?}, expected: {expect}", case.name));
            }
        }
    }
    println!(
        "evasion: {} cases x {} listeners, {n_sent} sent, {} not HTTP, or in a tunnel, {n_passed} passed by Envoy, {} wrong (Envoy)",
        table.cases().count(),
        PROFILES.len(),
        not_sent.len(),
        wrong.len()
    );
    println!("not sent here: {}", not_sent.join(", "));
    ensure!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    let troubles = envoy.plugin_failures()?;
    ensure!(troubles.is_empty(), "{troubles:?}");
    Ok(())
}

const N_COMPOSITIONS: usize = 5_000;

#[test]
fn no_composition_of_evasions_over_a_shipped_example_escapes_in_envoy() -> Result<()> {
    let shipped = shipped();
    let stand_in = StandIn::start()?;
    let filters = [Plugin::tidegate(&shipped.bytes, "enforce")?.http_filter()];
    let config = Bootstrap::new().upstream(stand_in.address()).listener("egress", &filters);
    let envoy = Envoy::start(&config.json())?;
    let address = envoy.listener("egress")?;
    let fate = |request: &RecordedRequest| match http1::send(address, &on_the_wire(request)) {
        Ok(response) if response.status == 403 => Fate::Found,
        Ok(response) if response.status == 200 => Fate::Passed,
        Ok(response) => Fate::Refused(response.status.to_string()),
        Err(_) => Fate::Refused("no answer".to_owned()),
    };
    // Rules that wait for the response can only report, so their examples pass as they are.
    let denied = |request: &&RecordedRequest| fate(request) == Fate::Found;
    let examples: Vec<_> =
        shipped.examples.iter().map(|(_, request)| request).filter(denied).collect();
    ensure!(examples.len() > 50, "only {} examples are denied", examples.len());
    let mut numbers = Numbers(SEED);
    let (mut n_found, mut n_refused, mut escaped) = (0, 0, Vec::new());
    for idx in 0..N_COMPOSITIONS {
        let example = examples[idx % examples.len()];
        let evaded = evade(example, &mut numbers);
        match fate(&evaded) {
            Fate::Found => n_found += 1,
            Fate::Refused(_) => n_refused += 1,
            Fate::Passed => escaped.push(evaded.url().escape_ascii().to_string()),
        }
    }
    println!(
        "compositions: {N_COMPOSITIONS} of {} examples, {n_found} found, {n_refused} refused by Envoy, {} escaped (Envoy)",
        examples.len(),
        escaped.len()
    );
    ensure!(escaped.is_empty(), "{} escaped:\n{}", escaped.len(), escaped.join("\n"));
    ensure!(2 * n_found > N_COMPOSITIONS, "Envoy refused most");
    let troubles = envoy.plugin_failures()?;
    ensure!(troubles.is_empty(), "{troubles:?}");
    Ok(())
}

/// A recorded request in HTTP/1.1, in origin form so that Envoy does not take its host apart.
fn on_the_wire(request: &RecordedRequest) -> Vec<u8> {
    let target = request.path.as_deref().unwrap_or(&request.authority);
    let mut wire =
        [&request.method, &b" "[..], target, b" HTTP/1.1\r\nHost: ", &request.authority].concat();
    for (name, value) in [
        (&b"user-agent"[..], &request.user_agent),
        (b"referer", &request.referrer),
        (b"cookie", &request.cookie),
    ] {
        if let Some(value) = value {
            wire.extend([b"\r\n", name, b": ", value.as_slice()].concat());
        }
    }
    if request.path.is_some() {
        wire.extend_from_slice(b"\r\nContent-Length: 0");
    }
    wire.extend_from_slice(b"\r\n\r\n");
    wire
}

/// The server name that a listener can ask for: Envoy's client sends what is UTF-8, and none if it is
/// empty.
fn server_name(case: &Case) -> Option<String> {
    String::from_utf8(bytes(case.sni.as_deref()?)).ok()
}

/// Gives a connection manager a profile.
fn configure(manager: &mut Value, listener: &str) {
    if listener.starts_with("default") {
        return;
    }
    let slashes =
        if listener.starts_with("strict") { "REJECT_REQUEST" } else { "UNESCAPE_AND_FORWARD" };
    manager["normalize_path"] = json!(true);
    manager["merge_slashes"] = json!(true);
    manager["path_with_escaped_slashes_action"] = json!(slashes);
    manager["strip_any_host_port"] = json!(true);
    manager["strip_trailing_host_dot"] = json!(true);
    manager["http_protocol_options"] = json!({});
    manager["common_http_protocol_options"] =
        json!({"headers_with_underscores_action": "REJECT_REQUEST"});
}

/// Sends a case; `None` where it is not to be sent here.
fn send(address: std::net::SocketAddr, case: &Case) -> Option<Fate> {
    // Not HTTP, which the test of server names has a listener for; or in a tunnel, which takes a gateway
    // that opens it.
    if case.transport.is_some() || case.tunnel.is_some() {
        return None;
    }
    let response = if case.protocol.as_deref() == Some("http2") {
        http2::send(address, case.http2()?)
    } else {
        http1::send(address, &case.http1())
    };
    Some(match response {
        Ok(response) if response.status == 200 => Fate::Passed,
        Ok(response) if response.status == 403 => Fate::Found,
        Ok(response) => Fate::Refused(response.status.to_string()),
        Err(_) => Fate::Refused("no answer".to_owned()),
    })
}
