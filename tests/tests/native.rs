//! The native module: what is its own, beside the tests that run on either host.
#![forbid(unsafe_code)]
#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "tests touch files and know their JSON"
)]

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use filter::metric_table::METRICS;
use gateway::configuration::{
    self, Host, NATIVE_MODULE, Settings, name_metrics_alike, native_filter,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::gateway::replace_text;
use tests::one_host::{denied, pack, request};
use tests::prometheus::{labels, name, scrape};
use tests::{Bootstrap, Envoy, Launch, http1, until, workspace};

/// Reloads, after which memory may not have grown.
const N_RELOADS: usize = 40;

fn any(settings: &Value) -> Value {
    json!({"@type": "type.googleapis.com/google.protobuf.StringValue", "value": settings.to_string()})
}

fn settings(host: &str, more: &[(&str, &str)]) -> Result<Value> {
    let mut settings = json!({"pack": STANDARD.encode(pack(host, 1)?), "mode": "enforce"});
    for (key, value) in more {
        settings[*key] = json!(value);
    }
    Ok(settings)
}

/// A listener with a native module of set-up's.
fn config(module: &str, settings: &Value) -> Result<Value> {
    let file = fs::canonicalize(workspace::native_module(module)?)?;
    let filter = native_filter(&file.display().to_string(), &any(settings));
    let filter = json!({"name": "tidegate", "typed_config": filter});
    let mut config = Bootstrap::new().listener("egress", &[filter]).json();
    name_metrics_alike(&mut config);
    Ok(config)
}

fn count(envoy: &Envoy, end: &str) -> Result<u64> {
    let stats = envoy.stats()?;
    Ok(stats.iter().filter(|(name, _)| name.ends_with(end)).map(|(_, value)| value).sum())
}

fn is_supported(binary: &Path) -> Result<bool> {
    let output = Command::new(binary).arg("--version").output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(!said.contains("/1.36."))
}

#[test]
fn a_panic_costs_one_request_and_the_failure_mode_says_how() -> Result<()> {
    if !is_supported(&Launch::new()?.binary)? {
        return Ok(());
    }
    let marked =
        b"GET http://b.example/ HTTP/1.1\r\nHost: b.example\r\nX-Tidegate-Panic: 1\r\n\r\n";
    for (failure_mode, status) in [("open", 200), ("closed", 503)] {
        let settings = settings("a.example", &[("failure_mode", failure_mode)])?;
        let envoy = Envoy::start(&config("native_panics", &settings)?)?;
        let address = envoy.listener("egress")?;
        for n_panics in 1..=20 {
            assert_eq!(http1::send(address, marked)?.status, status, "{failure_mode}");
            assert_eq!(count(&envoy, "tidegate_errors_total.kind=panic")?, n_panics);
            assert_eq!(denied(address)?, ["a.example"]);
        }
        ensure!(envoy.log()?.contains("a callback panicked"), "no line in the log");
    }
    // The shipped module cannot be asked to.
    let envoy = Envoy::start(&config("tidegate_native", &settings("a.example", &[])?)?)?;
    assert_eq!(http1::send(envoy.listener("egress")?, marked)?.status, 200);
    assert_eq!(count(&envoy, "tidegate_errors_total.kind=panic")?, 0);
    Ok(())
}

#[test]
fn what_the_module_cannot_do_is_refused_with_a_reason() -> Result<()> {
    let is_supported = is_supported(&Launch::new()?.binary)?;
    for (settings, reason) in [
        (settings("a.example", &[("protocol", "tls")])?, "has an HTTP filter only"),
        (settings("a.example", &[("mode", "block")])?, "`mode` has to be"),
        (json!({"pack": STANDARD.encode(b"truncated")}), "configuration refused"),
    ] {
        let directory = TempDir::with_prefix("tidegate-native-")?;
        let config = config("tidegate_native", &settings)?;
        let Err(error) = Envoy::launch_in(&Launch::new()?, &config, directory.path()) else {
            bail!("Envoy started with {settings}");
        };
        assert!(error.to_string().contains("Envoy ended"), "{error:#}");
        let log = fs::read_to_string(directory.path().join("envoy.log"))?;
        // The older Envoy does not know the field `module`.
        let reason = if is_supported { reason } else { "DynamicModuleConfig" };
        assert!(log.contains(reason), "{reason}: {log}");
    }
    Ok(())
}

/// Sends requests that pass, one with an anomaly, and one that a rule matches.
fn exercise(address: SocketAddr) -> Result<()> {
    let mut connection = http1::Connection::open(address)?;
    for _ in 0..200 {
        connection.send(&request("b.example"))?;
    }
    connection.send(b"GET /%252e%252e/ HTTP/1.1\r\nHost: a.example.\r\n\r\n")?;
    connection.send(&request("a.example"))?;
    Ok(())
}

#[test]
fn metrics_have_the_names_and_labels_of_the_table() -> Result<()> {
    if !is_supported(&Launch::new()?.binary)? {
        return Ok(());
    }
    let config = config("tidegate_native", &settings("a.example", &[])?)?;
    let envoy = Envoy::start(&config)?;
    exercise(envoy.listener("egress")?)?;
    let find = |metric: &str| {
        until(metric, || {
            let samples = scrape(envoy.admin())?;
            Ok(samples.into_iter().find(|(series, _)| name(series) == metric))
        })
    };
    for metric in ["tidegate_requests_total", "tidegate_matches_total", "tidegate_anomalies_total"]
    {
        find(metric)?;
    }
    find("tidegate_evaluation_microseconds_count")?;
    let mut n_ours = 0;
    for (series, _) in scrape(envoy.admin())? {
        let text = name(&series);
        if !text.starts_with("tidegate_") {
            continue;
        }
        let ends = ["_bucket", "_sum", "_count"];
        let text = ends.iter().find_map(|end| text.strip_suffix(end)).unwrap_or(text);
        let known = METRICS.iter().find(|metric| metric.name.text == text);
        let expect = known.with_context(|| format!("`{text}` is not in the table"))?.name.labels;
        let labels: Vec<_> = labels(&series).into_iter().filter(|label| *label != "le").collect();
        assert_eq!(labels, expect, "{series}");
        n_ours += 1;
    }
    ensure!(n_ours > 15, "{n_ours} series");
    Ok(())
}

#[test]
fn reloads_leave_no_memory_behind() -> Result<()> {
    if !is_supported(&Launch::new()?.binary)? {
        return Ok(());
    }
    let directory = TempDir::with_prefix("tidegate-native-")?;
    let file = fs::canonicalize(workspace::native_module("tidegate_native")?)?;
    let shipped = STANDARD.encode(fs::read(workspace::shipped_pack()?)?);
    let filter = |host: &str| -> Result<Value> {
        let settings = match host {
            "" => json!({"pack": shipped, "mode": "enforce"}),
            host => settings(host, &[])?,
        };
        Ok(native_filter(&file.display().to_string(), &any(&settings)))
    };
    let response = |version: usize, filter: &Value| {
        let resource = json!({
            "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
            "name": "tidegate",
            "typed_config": filter,
        });
        json!({"version_info": version.to_string(), "resources": [resource]}).to_string()
    };
    let discovered = json!({"name": "tidegate", "config_discovery": {
        "config_source": {
            "path_config_source": {"path": "./tidegate.json"}, "resource_api_version": "V3",
        },
        "default_config": filter("c.example")?,
        "type_urls": [filter("c.example")?["@type"]],
    }});
    let config = Bootstrap::new().listener("egress", &[discovered]).json();
    replace_text(directory.path(), &response(0, &filter("")?))?;
    let launch = Launch { concurrency: 2, ..Launch::new()? };
    let envoy = Envoy::launch_in(&launch, &config, directory.path())?;
    let address = envoy.listener("egress")?;
    let mut early = 0;
    for number in 1..=N_RELOADS {
        let host = ["a.example", "b.example"][number % 2];
        replace_text(directory.path(), &response(number * 2, &filter(host)?))?;
        until("the pack", || Ok((denied(address)? == [host]).then_some(())))?;
        replace_text(directory.path(), &response(number * 2 + 1, &filter("")?))?;
        until("the shipped pack", || Ok(denied(address)?.is_empty().then_some(())))?;
        if number == N_RELOADS / 4 {
            early = envoy.resident()?;
        }
    }
    let end = envoy.resident()?;
    println!("resident: {early} bytes after {} reloads, {end} after {N_RELOADS}", N_RELOADS / 4);
    // A decoded shipped pack takes some megabytes.
    ensure!(end < early + 8_000_000, "memory grew from {early} to {end} bytes");
    Ok(())
}

#[test]
fn envoy_takes_the_configuration_that_is_written_for_it() -> Result<()> {
    let binary = Launch::new()?.binary;
    if !is_supported(&binary)? {
        return Ok(());
    }
    let settings = Settings {
        pack: fs::read(workspace::shipped_pack()?)?,
        mode: "enforce",
        failure_mode: "closed",
        host: Host::Native,
        ..Settings::default()
    };
    let folder = TempDir::with_prefix("tidegate-native-")?;
    for (name, bytes) in configuration::envoy(&settings, "1") {
        fs::write(folder.path().join(name), bytes)?;
    }
    let module = workspace::native_module("tidegate_native")?;
    fs::copy(module, folder.path().join(NATIVE_MODULE))?;
    let validate = || -> Result<String> {
        let mut envoy = Command::new(&binary);
        envoy.args(["--mode", "validate", "-c", "envoy.yaml", "--log-level", "error"]);
        let output = envoy.current_dir(folder.path()).output()?;
        let said = [output.stdout, output.stderr].concat();
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&said));
        Ok(String::from_utf8_lossy(&said).into_owned())
    };
    validate()?;
    let text = fs::read_to_string(folder.path().join("envoy.yaml"))?;
    fs::write(folder.path().join("envoy.yaml"), text.replace("\"enforce\"", "\"enforced\""))?;
    let error = validate().err().context("the module takes no such mode")?;
    assert!(error.to_string().contains("`mode` has to be"), "{error:#}");
    Ok(())
}
