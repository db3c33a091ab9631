//! The resources of Kubernetes that `tidegate gateway` writes attach where they are asked to, or are refused.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic, and works on files"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

const RULE: &str =
    "title: a\nlogsource: {category: proxy}\ndetection: {s: {cs-host: a.example}, condition: s}\n";
const IMAGE: &str = "registry.example/tidegate/filter:1";

fn tidegate(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.args(arguments).current_dir(folder).output().unwrap()
}

fn with_pack() -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("a.yml"), RULE).unwrap();
    assert!(tidegate(folder.path(), &["pack", "-o", "1.pack", "a.yml"]).status.success());
    folder
}

fn gateway(folder: &Path, kind: &str, options: &[&str]) -> Output {
    let mut arguments = vec!["gateway", kind, "-p", "1.pack", "-o", "out"];
    arguments.extend(options);
    tidegate(folder, &arguments)
}

fn read(folder: &Path, file: &str) -> Value {
    serde_json::from_slice(&fs::read(folder.join("out").join(file)).unwrap()).unwrap()
}

#[test]
fn a_plugin_of_istio_attaches_to_any_labels_and_to_gateways() {
    let gateways =
        json!([{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "egress"}]);
    let label = json!({"labels": {"gateway.networking.k8s.io/gateway-name": "egress"}});
    for (options, key, target, workloads) in [
        (
            &[][..],
            "selector",
            json!({"matchLabels": {"istio": "egressgateway"}}),
            json!({"labels": {"istio": "egressgateway"}}),
        ),
        (
            &["--gateway", "out"],
            "selector",
            json!({"matchLabels": {"istio": "out"}}),
            json!({"labels": {"istio": "out"}}),
        ),
        (
            &["--selector", "app=egress,example.org/tier=edge"],
            "selector",
            json!({"matchLabels": {"app": "egress", "example.org/tier": "edge"}}),
            json!({"labels": {"app": "egress", "example.org/tier": "edge"}}),
        ),
        (&["--target-ref", "egress"], "targetRefs", gateways.clone(), label.clone()),
        (&["--target-ref", "Gateway/egress"], "targetRefs", gateways, label),
    ] {
        let folder = with_pack();
        let image = [
            "--image",
            "oci://registry.example/tidegate/filter:1",
            "--collector",
            "http://logs.example/",
        ];
        let output = gateway(folder.path(), "istio", &[options, &image].concat());
        assert!(output.status.success(), "{options:?}: {output:?}");
        let plugin = read(folder.path(), "tidegate.json");
        assert_eq!(plugin["spec"][key], target, "{options:?}");
        let other = if key == "selector" { "targetRefs" } else { "selector" };
        assert_eq!(plugin["spec"][other], Value::Null, "Istio takes one of the two");
        assert_eq!(plugin["spec"]["url"], format!("oci://{IMAGE}"));
        assert_eq!(read(folder.path(), "collector.json")["spec"]["workloadSelector"], workloads);
    }
}

#[test]
fn a_traffic_extension_says_what_a_plugin_says() {
    let folder = with_pack();
    for options in [&[][..], &["--protocol", "tls"], &["--target-ref", "egress"]] {
        let all = [&["--image", IMAGE], options].concat();
        assert!(gateway(folder.path(), "istio", &all).status.success());
        let mut plugin = read(folder.path(), "tidegate.json");
        let all = [&all[..], &["--resource", "traffic-extension"]].concat();
        let output = gateway(folder.path(), "istio", &all);
        assert!(output.status.success(), "{output:?}");
        let extension = read(folder.path(), "tidegate.json");
        assert_eq!(extension["kind"], "TrafficExtension");
        assert_eq!(extension["apiVersion"], plugin["apiVersion"]);
        assert_eq!(extension["metadata"], plugin["metadata"]);
        let spec = plugin["spec"].as_object_mut().unwrap();
        for key in ["phase", "selector", "targetRefs"] {
            let expect = spec.remove(key).unwrap_or_default();
            assert_eq!(extension["spec"][key], expect, "{key}");
        }
        assert_eq!(extension["spec"]["wasm"], plugin["spec"], "the rest is about the filter");
    }
}

#[test]
fn a_policy_of_envoy_gateway_names_its_gateway_and_follows_the_failure_mode() {
    let folder = with_pack();
    let place = ["--image", IMAGE, "--gateway", "egress", "--namespace", "edge"];
    for (mode, fails_open) in [("open", true), ("closed", false)] {
        let output = gateway(
            folder.path(),
            "envoy-gateway",
            &[&place[..], &["--failure-mode", mode]].concat(),
        );
        assert!(output.status.success(), "{output:?}");
        let policy = read(folder.path(), "tidegate.json");
        assert_eq!(policy["metadata"]["namespace"], "edge");
        assert_eq!(policy["spec"]["targetRefs"][0]["name"], "egress");
        assert_eq!(policy["spec"]["wasm"][0]["failOpen"], fails_open);
        assert_eq!(policy["spec"]["wasm"][0]["code"]["image"]["url"], IMAGE);
    }
}

#[test]
fn what_would_attach_to_nothing_or_have_no_effect_is_refused() {
    let folder = with_pack();
    let eg = ["--image", IMAGE, "--gateway", "egress", "--namespace", "edge"];
    let with = |base: &[&'static str], more: &[&'static str]| [base, more].concat();
    for (kind, options, code) in [
        ("istio", vec!["--image", "https://registry.example/filter:1"], 2),
        ("istio", vec!["--image", "registry.example/Filter:1"], 2),
        ("istio", vec!["--image", "oci://oci://registry.example/filter:1"], 2),
        ("istio", vec!["--image", IMAGE, "--selector", "app"], 2),
        ("istio", vec!["--image", IMAGE, "--selector", "app=a b"], 2),
        ("istio", vec!["--image", IMAGE, "--selector", "app=a", "--target-ref", "b"], 2),
        ("istio", vec!["--image", IMAGE, "--gateway", "a", "--target-ref", "b"], 2),
        ("istio", vec!["--image", IMAGE, "--target-ref", "Service/b"], 2),
        ("istio", vec!["--image", IMAGE, "--allow-private"], 1),
        ("envoy-gateway", vec!["--image", IMAGE], 2),
        ("envoy-gateway", vec!["--image", IMAGE, "--gateway", "egress"], 2),
        ("envoy-gateway", with(&eg, &["--protocol", "tls"]), 1),
        ("envoy-gateway", with(&eg, &["--selector", "app=egress"]), 2),
        ("envoy-gateway", with(&eg, &["--allow-private"]), 1),
        ("envoy", vec!["--target-ref", "egress"], 1),
        ("ecds", vec!["--allow-private"], 1),
        ("istio", vec!["--image", IMAGE, "--interface", "eth0"], 1),
        ("istio", vec!["--image", IMAGE, "--resource", "plugin"], 2),
        ("envoy", vec!["--resource", "traffic-extension"], 1),
        ("ecds", vec!["--interface", "eth0"], 1),
        ("envoy", vec!["--namespace", "edge"], 1),
        ("ecds", vec!["--gateway", "egress"], 1),
        ("envoy", vec!["--image", IMAGE], 1),
    ] {
        let output = gateway(folder.path(), kind, &options);
        assert_eq!(output.status.code(), Some(code), "{kind} {options:?}: {output:?}");
        assert!(!folder.path().join("out").exists(), "{kind} {options:?} has written");
    }
    // All of them are named at once.
    let output = gateway(folder.path(), "ecds", &["--interface", "eth0", "--namespace", "edge"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(stderr.matches("error[").count(), 2, "{stderr}");
    let files = ["--filter", "no.wasm", "--public-key", "no.pub", "--identity-key", "no.key"];
    let output = gateway(folder.path(), "envoy", &files);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(stderr.matches("error[").count(), 3, "{stderr}");
    assert!(!folder.path().join("out").exists());
}

#[test]
fn a_path_that_cannot_be_written_has_a_help_of_its_own() {
    let folder = with_pack();
    fs::write(folder.path().join("out"), "").unwrap();
    let output = gateway(folder.path(), "ecds", &[]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("help: `out` is a file, or within one"), "{stderr}");
}

/// An update without `--mode` would return a gateway to monitoring in silence.
#[test]
fn the_mode_is_printed_and_off_is_one() {
    let folder = with_pack();
    for (options, mode) in [(&[][..], "monitor"), (&["--mode", "off"], "off")] {
        let output = gateway(folder.path(), "ecds", options);
        assert!(output.status.success(), "{output:?}");
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(stderr, format!("the filter's mode is `{mode}`, its failure mode `open`\n"));
        let update = fs::read_to_string(folder.path().join("out/tidegate.json")).unwrap();
        assert!(update.contains(&format!(r#"\"mode\":\"{mode}\""#)), "{update}");
    }
}
