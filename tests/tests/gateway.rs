//! Runs `examples/egress-gateway` unchanged but for the internet.
#![forbid(unsafe_code)]
#![expect(clippy::disallowed_methods, reason = "tests touch files")]

use std::fs;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::gateway::{Gateway, example};
use tests::{Launch, Plugin, http1, requests, until, workspace};

const SECRET: &str = "AAExampleExampleExampleExampleExample12";
const BROWSING: &[u8] = b"GET http://www.example.com/ HTTP/1.1\r\nHost: www.example.com\r\n\r\n";

fn telegram() -> Vec<u8> {
    let target = format!("http://api.telegram.org/bot123456789:{SECRET}/sendDocument");
    format!("POST {target} HTTP/1.1\r\nHost: api.telegram.org\r\nContent-Length: 0\r\n\r\n").into()
}

#[test]
fn the_gateway_reports_and_then_denies_once_it_is_told_to() -> Result<()> {
    let directory = TempDir::with_prefix("tidegate-gateway-")?;
    let pack = fs::read(workspace::shipped_pack()?)?;
    let gateway = Gateway::start(&Launch::new()?, directory.path(), &pack, "monitor")?;
    let address = gateway.address()?;

    assert_eq!(http1::send(address, BROWSING)?.status, 200);
    let response = http1::send(address, &telegram())?;
    assert_eq!(response.status, 200);
    assert_eq!(response.header("server"), Some(&b"envoy"[..]));
    let tunnel = b"CONNECT www.example.com:443 HTTP/1.1\r\nHost: www.example.com:443\r\n\r\n";
    assert_eq!(http1::send(address, tunnel)?.status, 200);

    gateway.reload(&pack, "enforce", "2")?;
    until("enforcement", || Ok((http1::send(address, &telegram())?.status == 403).then_some(())))?;
    assert_eq!(http1::send(address, BROWSING)?.status, 200);

    let log = until("the denial in the access log", || {
        let log = gateway.envoy.access_log()?;
        Ok(log.iter().any(|line| line.contains("tidegate_deny")).then_some(log))
    })?;
    let lines: Vec<Value> =
        log.iter().map(|line| Ok(serde_json::from_str(line)?)).collect::<Result<_>>()?;
    let of = |line: usize, key: &str| lines[line][key].clone();
    assert_eq!((of(0, "rules"), of(0, "status")), (Value::Null, json!(200)));
    assert_eq!((of(1, "action"), of(1, "status")), (json!("observe"), json!(200)));
    assert_eq!(of(1, "path_template"), json!("/bot{bot}:{secret}/sendDocument"));
    assert_eq!(of(2, "method"), json!("CONNECT"));
    let denied = lines.iter().find(|line| line["status"] == 403).context("a denied request")?;
    assert_eq!(denied["action"], "deny");
    assert!(denied["details"].as_str().is_some_and(|it| it.starts_with("tidegate_deny{rule=")));

    for (name, text) in [("access log", log.join("\n")), ("log", gateway.envoy.log()?)] {
        assert!(!text.contains(SECRET), "a secret in the {name}");
    }
    let stats = tests::admin::get(gateway.envoy.admin(), "/stats/prometheus")?;
    let counted =
        |line: &str| line.starts_with("tidegate_matches_total{") && line.contains("rule=\"");
    assert!(stats.lines().any(counted), "{stats}");
    assert!(gateway.envoy.plugin_failures()?.is_empty(), "{:?}", gateway.envoy.plugin_failures()?);
    Ok(())
}

#[test]
fn abusive_requests_of_the_examples_match_and_ordinary_ones_pass() -> Result<()> {
    let directory = TempDir::with_prefix("tidegate-gateway-")?;
    let pack = fs::read(workspace::shipped_pack()?)?;
    let gateway = Gateway::start(&Launch::new()?, directory.path(), &pack, "enforce")?;
    let examples = requests::read(&workspace::root().join("examples/requests"))?;
    assert!(examples.len() >= 20);
    for example in &examples {
        let expect = if example.file == "abusive" { 403 } else { 200 };
        let status = http1::send(gateway.address()?, &example.bytes)?.status;
        assert_eq!(status, expect, "{}: {}", example.file, example.title);
    }
    // The access log joins each to its event, also what was denied.
    for line in gateway.envoy.access_log_of(examples.len())? {
        let line: Value = serde_json::from_str(&line)?;
        assert!(line["request_id"].is_string(), "{line}");
    }
    Ok(())
}

#[test]
fn a_password_in_front_of_a_host_is_withheld() -> Result<()> {
    let directory = TempDir::with_prefix("tidegate-gateway-")?;
    let pack = fs::read(workspace::shipped_pack()?)?;
    let gateway = Gateway::start(&Launch::new()?, directory.path(), &pack, "monitor")?;
    let request = b"GET / HTTP/1.1\r\nHost: user:hunter2@www.example.com\r\n\r\n";
    http1::send(gateway.address()?, request)?;
    let log = gateway.envoy.access_log_of(1)?.join("\n");
    assert!(!log.contains("hunter2"), "{log}");
    Ok(())
}

#[test]
fn the_example_configures_the_filter_as_the_other_tests_do() -> Result<()> {
    let config = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters/1\
        /config_discovery/default_config";
    let example = example()?;
    let mut expect = example.pointer(config).context("default_config")?.clone();
    let mut plugin = Plugin::tidegate(&[], "monitor")?;
    plugin.wasm = "filter.wasm".into();
    expect["config"]["configuration"] = plugin.configuration.clone();
    assert_eq!(plugin.typed_config(), expect);
    Ok(())
}
