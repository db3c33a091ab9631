//! What `tidegate gateway` writes is what gateways take, and the alerts beside it are sound.
#![expect(clippy::disallowed_methods, reason = "tests touch files")]

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use knowledge::gateway::{self, File, Place, Settings};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::workspace;

fn settings() -> Result<Settings> {
    let pack = fs::read(workspace::shipped_pack()?)?;
    Ok(Settings { pack, mode: "enforce", failure_mode: "closed", public_key: None })
}

fn place() -> Place {
    Place {
        namespace: "istio-system".to_owned(),
        gateway: "egressgateway".to_owned(),
        image: "registry.example/tidegate/filter:1".to_owned(),
        sha256: Some("0f".repeat(32)),
    }
}

fn write(folder: &Path, files: &[File]) -> Result<()> {
    for (name, bytes) in files {
        fs::write(folder.join(name), bytes)?;
    }
    Ok(())
}

fn content(program: &mut Command) -> Result<()> {
    let output = program.output()?;
    let said = [output.stdout, output.stderr].concat();
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&said));
    Ok(())
}

#[test]
fn envoy_takes_the_configuration_that_is_written_for_it() -> Result<()> {
    let folder = TempDir::with_prefix("tidegate-rollout-")?;
    write(folder.path(), &gateway::envoy(&settings()?, "1"))?;
    fs::copy(workspace::wasm("filter")?, folder.path().join("filter.wasm"))?;
    let validate = || {
        let mut envoy = Command::new(workspace::envoy()?);
        envoy.args(["--mode", "validate", "-c", "envoy.yaml", "--log-level", "error"]);
        content(envoy.current_dir(folder.path()))
    };
    validate()?;
    // A configuration that the filter refuses is none that Envoy takes.
    let text = fs::read_to_string(folder.path().join("envoy.yaml"))?;
    fs::write(folder.path().join("envoy.yaml"), text.replace("\"enforce\"", "\"enforced\""))?;
    assert!(validate().is_err());
    Ok(())
}

#[test]
fn the_file_for_a_running_envoy_says_what_the_configuration_says() -> Result<()> {
    let files = gateway::envoy(&settings()?, "7");
    let file = |name: &str| {
        let found = files.iter().find(|(of, _)| of == name);
        found.map(|(_, bytes)| bytes.as_slice()).with_context(|| name.to_owned())
    };
    let ecds: Value = serde_json::from_slice(file("tidegate.json")?)?;
    let whole: Value = serde_saphyr::from_str(str::from_utf8(file("envoy.yaml")?)?)?;
    let config = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters/0\
        /config_discovery/default_config";
    assert_eq!(ecds.pointer("/resources/0/typed_config"), whole.pointer(config));
    Ok(())
}

#[test]
fn the_resource_for_istio_fits_its_published_model() -> Result<()> {
    let folder = TempDir::with_prefix("tidegate-rollout-")?;
    let files = gateway::istio(&settings()?, &place());
    write(folder.path(), &files)?;
    let check = |path: &Path| {
        let mut node = Command::new("node");
        content(
            node.arg("istio.mjs").arg(path).current_dir(workspace::root().join("tests/schemas")),
        )
    };
    let path = folder.path().join("tidegate.json");
    check(&path)?;
    let text = fs::read_to_string(&path)?;
    fs::write(&path, text.replace("FAIL_RELOAD", "FAIL_SOMEHOW"))?;
    assert!(check(&path).is_err());
    fs::write(&path, text.replace("pluginConfig", "pluginSettings"))?;
    assert!(check(&path).is_err());
    Ok(())
}

/// The fields, read by hand off the types of envoyproxy/gateway, as no package ships their schema: under
/// `api/v1alpha1`, `wasm_types.go` at 0bc5532f, `policy_helpers.go` at 5e6e99ab, and
/// `envoyextensionypolicy_types.go` as it was with `lua` beside `wasm` and `extProc`.
#[test]
fn the_resource_for_envoy_gateway_has_only_fields_that_it_knows() -> Result<()> {
    let files = gateway::envoy_gateway(&settings()?, &place());
    let (_, bytes) = files.first().context("a file")?;
    let resource: Value = serde_json::from_slice(bytes)?;
    for (path, known) in [
        ("", &["apiVersion", "kind", "metadata", "spec"][..]),
        ("/spec", &["targetRef", "targetRefs", "targetSelectors", "wasm", "extProc", "lua"]),
        ("/spec/targetRefs/0", &["group", "kind", "name", "sectionName"]),
        ("/spec/wasm/0", &["name", "rootID", "code", "config", "failOpen"]),
        ("/spec/wasm/0/code", &["type", "http", "image", "sha256", "pullPolicy"]),
        ("/spec/wasm/0/code/image", &["url", "pullSecretRef"]),
    ] {
        let object = resource.pointer(path).and_then(Value::as_object).context(path)?;
        for key in object.keys() {
            assert!(known.contains(&key.as_str()), "{path} has no `{key}`");
        }
    }
    assert_eq!(resource["apiVersion"], "gateway.envoyproxy.io/v1alpha1");
    assert_eq!(resource["kind"], "EnvoyExtensionPolicy");
    assert_eq!(resource["spec"]["wasm"][0]["code"]["type"], json!("Image"));
    Ok(())
}

#[test]
fn alerts_fire_when_they_should_and_are_quiet_otherwise() -> Result<()> {
    let folder = workspace::root().join("examples/monitoring");
    for arguments in [["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]] {
        content(Command::new("promtool").args(arguments).current_dir(&folder))?;
    }
    Ok(())
}
