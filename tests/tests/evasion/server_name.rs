//! TLS that passes through a real Envoy: the filter as a network filter judges the server name.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::{Bootstrap, Certificate, Envoy, Plugin, StandIn, http1, http2};

use crate::rules_as_bytes;
use crate::table::Table;

const WASM: &str = "type.googleapis.com/envoy.extensions.filters.network.wasm.v3.Wasm";
const TCP: &str = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";
const LOG: &str = "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog";
const INSPECTOR: &str =
    "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector";

/// A `ClientHello` with a server name, or without one (RFC 8446, 4.1.2; RFC 6066, 3).
fn client_hello(server_name: Option<&[u8]>) -> Vec<u8> {
    fn with_length(n_bytes: usize, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len()).unwrap().to_be_bytes();
        [&length[4 - n_bytes..], body].concat()
    }
    let mut extensions = vec![0, 0x2b, 0, 3, 2, 3, 4];
    if let Some(name) = server_name {
        let entry = [&[0][..], &with_length(2, name)].concat();
        let list = with_length(2, &entry);
        extensions.extend([&[0, 0][..], &with_length(2, &list)].concat());
    }
    let hello = [
        &[3, 3][..],
        &[7; 32],
        &[0],
        &with_length(2, &[0x13, 0x01]),
        &[1, 0],
        &with_length(2, &extensions),
    ]
    .concat();
    let handshake = [&[1][..], &with_length(3, &hello)].concat();
    [&[22, 3, 1][..], &with_length(2, &handshake)].concat()
}

/// What to send, and whether the connection has to be closed for it.
fn cases() -> Vec<(&'static str, Vec<Vec<u8>>, bool)> {
    let telegram = client_hello(Some(b"api.telegram.org"));
    let one_by_one = telegram.iter().map(|byte| vec![*byte]).collect();
    vec![
        ("an ordinary name", vec![client_hello(Some(b"www.good.example"))], false),
        ("a name that a rule has", vec![telegram], true),
        ("the name byte by byte", one_by_one, true),
        ("the name in capitals", vec![client_hello(Some(b"API.Telegram.ORG"))], true),
        ("the name with a dot", vec![client_hello(Some(b"api.telegram.org."))], true),
        ("the name with a port", vec![client_hello(Some(b"api.telegram.org:443"))], true),
        ("no name", vec![client_hello(None)], true),
        ("an address for a name", vec![client_hello(Some(b"149.154.167.220"))], true),
        ("no TLS", vec![b"SSH-2.0-x\r\n".to_vec()], true),
    ]
}

#[test]
fn server_names_are_judged_where_tls_passes_through() -> Result<()> {
    let stand_in = StandIn::start()?;
    let rules = rules_as_bytes(&Table::read().rules);
    let mut config = Bootstrap::new().upstream(stand_in.address()).json();
    for mode in ["monitor", "enforce"] {
        let listener = listener(mode, &rules)?;
        let listeners = config["static_resources"]["listeners"].as_array_mut();
        listeners.context("listeners")?.push(listener);
    }
    let envoy = Envoy::start(&config)?;
    let mut expected = BTreeMap::new();
    for mode in ["monitor", "enforce"] {
        let address = envoy.listener(mode)?;
        for (name, parts, is_odd) in cases() {
            let port = send(address, &parts)?;
            let action = match (is_odd, mode) {
                (false, _) => None,
                (true, "enforce") => Some("deny"),
                (true, _) => Some("observe"),
            };
            expected.insert(port.to_string(), (format!("{name} ({mode})"), action));
        }
    }
    let log = envoy.access_log_of(expected.len())?;
    let mut wrong = Vec::new();
    for line in &log {
        let line: Value = serde_json::from_str(line)?;
        // Envoy writes a value that is one number as a number.
        let text = |key: &str| line[key].as_str().map_or(line[key].to_string(), str::to_owned);
        let of_case = expected.remove(&text("port"));
        let (name, action) = of_case.with_context(|| format!("a line of no case: {line}"))?;
        // A connection that was closed before anything went upstream has sent nothing there.
        let is_silent = text("upstream_sent") == "0";
        if line["action"].as_str() != action || (action == Some("deny")) != is_silent {
            wrong.push(format!("{name}: {line}"));
        }
    }
    println!("server names: {} connections, {} wrong", log.len(), wrong.len());
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    let troubles = envoy.plugin_failures()?;
    ensure!(troubles.is_empty(), "{troubles:?}");
    Ok(())
}

/// A client of TLS that gives no server name may still write what it likes in `:scheme`.
#[test]
fn tls_without_a_server_name_is_told_whatever_scheme_is_claimed() -> Result<()> {
    let rules = "
title: Nameless
id: 5a1b0ce2-0000-4000-8000-000000000009
logsource: {category: proxy}
detection: {s: {tidegate.anomaly: sni.missing}, condition: s}
";
    let stand_in = StandIn::start()?;
    let filters = [Plugin::tidegate(&rules_as_bytes(rules), "enforce")?.http_filter()];
    let certified = rcgen::generate_simple_self_signed(vec!["gateway.example".to_owned()])?;
    let (chain, key) = (certified.cert.pem(), certified.signing_key.serialize_pem());
    let certificate = Certificate { chain: &chain, key: &key };
    let names = [String::new(), "www.example.com".to_owned()];
    let config = Bootstrap::new()
        .upstream(stand_in.address())
        .listener("clear", &filters)
        .tls_listener("tls", certificate, &names, &filters);
    let envoy = Envoy::start(&config.json())?;
    for (listener, expect) in [("clear", 200), ("tls/www.example.com", 200), ("tls/", 403)] {
        let address = envoy.listener(listener)?;
        for target in ["/", "http://www.example.com/", "https://www.example.com/"] {
            let head = format!("GET {target} HTTP/1.1\r\nHost: www.example.com\r\n\r\n");
            let status = http1::send(address, head.as_bytes())?.status;
            ensure!(status == expect, "{listener}, {target} in HTTP/1.1: {status}");
        }
        for scheme in ["http", "https"] {
            let request = http::Request::get(format!("{scheme}://www.example.com/")).body(())?;
            let status = http2::send(address, request)?.status;
            ensure!(status == expect, "{listener}, {scheme} in HTTP/2: {status}");
        }
    }
    let troubles = envoy.plugin_failures()?;
    ensure!(troubles.is_empty(), "{troubles:?}");
    Ok(())
}

/// Sends the parts, each on its own, waits for the end, and gives the port from which it came.
fn send(address: SocketAddr, parts: &[Vec<u8>]) -> Result<u16> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let port = stream.local_addr()?.port();
    for part in parts {
        // Envoy may close before all is sent.
        if stream.write_all(part).is_err() {
            break;
        }
    }
    // What passes is not HTTP, so the stand-in answers or closes; both end the test.
    let n_read = stream.read(&mut [0; 1024]);
    drop(n_read);
    Ok(port)
}

fn listener(mode: &str, rules: &[u8]) -> Result<Value> {
    let plugin = Plugin::tidegate(rules, mode)?;
    let mut wasm = plugin.typed_config();
    wasm["@type"] = json!(WASM);
    let settings = wasm["config"]["configuration"]["value"].as_str().context("settings")?;
    let mut settings: Value = serde_json::from_str(settings)?;
    settings["protocol"] = json!("tls");
    wasm["config"]["configuration"]["value"] = json!(settings.to_string());
    // One VM is of one kind.
    wasm["config"]["vm_config"]["vm_id"] = json!("tidegate-tls");
    let allowed = &mut wasm["config"]["capability_restriction_config"]["allowed_capabilities"];
    for name in ["proxy_on_downstream_data", "proxy_close_stream", "proxy_on_new_connection"] {
        allowed[name] = json!({});
    }
    let log = json!({
        "port": "%DOWNSTREAM_REMOTE_PORT%",
        "upstream_sent": "%UPSTREAM_WIRE_BYTES_SENT%",
        "action": "%FILTER_STATE(wasm.tidegate.action:PLAIN)%",
        "rules": "%FILTER_STATE(wasm.tidegate.rules:PLAIN)%",
        "server_name": "%REQUESTED_SERVER_NAME%",
    });
    let log = json!({"@type": LOG, "path": "/dev/stdout", "log_format": {"json_format": log}});
    let proxy = json!({
        "@type": TCP,
        "stat_prefix": mode,
        "cluster": "upstream",
        "access_log": [{"name": "file", "typed_config": log}],
    });
    Ok(json!({
        "name": mode,
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
        "listener_filters": [{"name": "tls_inspector", "typed_config": {"@type": INSPECTOR}}],
        "filter_chains": [{"filters": [
            {"name": "tidegate", "typed_config": wasm},
            {"name": "tcp", "typed_config": proxy},
        ]}],
    }))
}
