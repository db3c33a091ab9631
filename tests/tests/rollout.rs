//! What `tidegate gateway` writes is what gateways take, and the alerts beside it are sound.
#![forbid(unsafe_code)]
#![expect(clippy::disallowed_methods, reason = "tests touch files")]

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use gateway::configuration::{
    self, Collector, File, ImageReference, IstioResource, Place, Protocol, Settings, Target,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{Bootstrap, Envoy, Launch, StandIn, until, workspace};

fn settings() -> Result<Settings> {
    let pack = fs::read(workspace::shipped_pack()?)?;
    Ok(Settings { pack, mode: "enforce", failure_mode: "closed", ..Settings::default() })
}

/// The same with everything that can be left out, and events to a collector.
fn all_settings(protocol: Protocol, url: &str) -> Result<Settings> {
    let collector = Collector::read(url).map_err(anyhow::Error::msg)?;
    let collector = Some(collector.with_credential(Some("./collector.token".to_owned())));
    let (suppress_seconds, events_per_minute) = (300, 60);
    Ok(Settings { protocol, suppress_seconds, events_per_minute, collector, ..settings()? })
}

/// Holds what is in a folder against Envoy, which also starts the filter with its settings.
fn validate(folder: &Path) -> Result<()> {
    let mut envoy = Command::new(workspace::envoy()?);
    envoy.args(["--mode", "validate", "-c", "envoy.yaml", "--log-level", "error"]);
    content(envoy.current_dir(folder))
}

fn place() -> Result<Place> {
    let image = ImageReference::read("registry.example/tidegate/filter:1");
    Ok(Place {
        namespace: "istio-system".to_owned(),
        image: image.map_err(anyhow::Error::msg)?,
        sha256: Some("0f".repeat(32)),
    })
}

/// Everything that a resource of Istio can attach to.
fn targets() -> [Target; 2] {
    let labels = [("app", "egress"), ("example.org/tier", "edge")];
    let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
    [Target::Labels(labels.into()), Target::Gateway("egress".to_owned())]
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
    write(folder.path(), &configuration::envoy(&settings()?, "1"))?;
    fs::copy(workspace::wasm("filter")?, folder.path().join("filter.wasm"))?;
    validate(folder.path())?;
    // A configuration that the filter refuses is none that Envoy takes.
    let text = fs::read_to_string(folder.path().join("envoy.yaml"))?;
    fs::write(folder.path().join("envoy.yaml"), text.replace("\"enforce\"", "\"enforced\""))?;
    assert!(validate(folder.path()).is_err());
    Ok(())
}

#[test]
fn the_file_for_a_running_envoy_says_what_the_configuration_says() -> Result<()> {
    let files = configuration::envoy(&settings()?, "7");
    let file = |name: &str| {
        let found = files.iter().find(|(of, _)| of == name);
        found.map(|(_, bytes)| bytes.as_slice()).with_context(|| name.to_owned())
    };
    let ecds: Value = serde_json::from_slice(file("tidegate.json")?)?;
    let whole: Value = serde_saphyr::from_str(str::from_utf8(file("envoy.yaml")?)?)?;
    let config = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters/1\
        /config_discovery/default_config";
    assert_eq!(ecds.pointer("/resources/0/typed_config"), whole.pointer(config));
    Ok(())
}

#[test]
fn envoy_takes_every_option_that_a_gateway_can_be_written_with() -> Result<()> {
    for (protocol, url) in [
        (Protocol::Http, "http://logs.example:4318/ingest"),
        (Protocol::Http, "https://[2001:db8::7]/ingest?from=egress"),
        (Protocol::Tls, "https://logs.example/"),
    ] {
        let folder = TempDir::with_prefix("tidegate-rollout-")?;
        write(folder.path(), &configuration::envoy(&all_settings(protocol, url)?, "1"))?;
        fs::copy(workspace::wasm("filter")?, folder.path().join("filter.wasm"))?;
        fs::write(folder.path().join("collector.token"), "Bearer word")?;
        validate(folder.path()).with_context(|| format!("{protocol:?} {url}"))?;
        let path = folder.path().join("envoy.yaml");
        let text = fs::read_to_string(&path)?;
        let config: Value = serde_saphyr::from_str(&text)?;
        let clusters = config.pointer("/static_resources/clusters").and_then(Value::as_array);
        let names = clusters.into_iter().flatten().filter_map(|cluster| cluster["name"].as_str());
        assert_eq!(names.filter(|name| *name == "tidegate_collector").count(), 1);
        // What is written is what the filter and Envoy look at.
        for (good, bad) in [
            (r#""suppress_seconds":"300""#, r#""suppress_seconds":"for ever""#),
            (r#""collector":"tidegate_collector""#, r#""collector":"""#),
            (r#""connect_timeout":"5s""#, r#""connect_timeout":"soon""#),
            ("proxy_set_effective_context: {}", "proxy_set_nothing: {}"),
        ] {
            assert!(text.contains(good), "{good}");
            fs::write(&path, text.replace(good, bad))?;
            assert!(validate(folder.path()).is_err(), "{bad}");
        }
    }
    Ok(())
}

#[test]
fn a_running_envoy_takes_the_file_of_a_network_filter() -> Result<()> {
    let folder = TempDir::with_prefix("tidegate-rollout-")?;
    let settings = all_settings(Protocol::Tls, "http://logs.example/")?;
    write(folder.path(), &configuration::ecds(&settings, "1"))?;
    fs::copy(workspace::wasm("filter")?, folder.path().join("filter.wasm"))?;
    let filter = json!({
        "name": "tidegate",
        "config_discovery": {
            "config_source": {
                "path_config_source": {"path": "./tidegate.json"},
                "resource_api_version": "V3",
            },
            "type_urls": ["type.googleapis.com/envoy.extensions.filters.network.wasm.v3.Wasm"],
        },
    });
    let stand_in = StandIn::start()?;
    let config = Bootstrap::new().upstream(stand_in.address()).network_listener("tls", &filter);
    let envoy = Envoy::launch_in(&Launch::new()?, &config.json(), folder.path())?;
    until("the filter", || {
        Ok(envoy.log()?.contains("mode enforce, failure mode closed").then_some(()))
    })?;
    assert!(envoy.plugin_failures()?.is_empty(), "{:?}", envoy.plugin_failures()?);
    Ok(())
}

#[test]
fn the_resource_for_istio_fits_its_published_model() -> Result<()> {
    let folder = TempDir::with_prefix("tidegate-rollout-")?;
    let settings = all_settings(Protocol::Tls, "https://logs.example/")?;
    let check = |path: &Path| {
        let mut node = Command::new("node");
        content(
            node.arg("istio.mjs").arg(path).current_dir(workspace::root().join("tests/schemas")),
        )
    };
    for target in targets() {
        write(
            folder.path(),
            &configuration::istio(&settings, &place()?, &target, IstioResource::WasmPlugin),
        )?;
        check(&folder.path().join("collector.json"))?;
        check(&folder.path().join("tidegate.json"))?;
    }
    check(&folder.path().join("collector.json"))?;
    let path = folder.path().join("tidegate.json");
    check(&path)?;
    let text = fs::read_to_string(&path)?;
    fs::write(&path, text.replace("FAIL_RELOAD", "FAIL_SOMEHOW"))?;
    assert!(check(&path).is_err());
    fs::write(&path, text.replace("pluginConfig", "pluginSettings"))?;
    assert!(check(&path).is_err());
    let path = folder.path().join("collector.json");
    let text = fs::read_to_string(&path)?;
    fs::write(&path, text.replace("\"GATEWAY\"", "\"SOMEWHERE\""))?;
    assert!(check(&path).is_err());
    Ok(())
}

/// The fields, read by hand off the types of envoyproxy/gateway, as no package ships their schema: under
/// `api/v1alpha1`, `wasm_types.go` at 0bc5532f, `policy_helpers.go` at 5e6e99ab, and
/// `envoyextensionypolicy_types.go` as it was with `lua` beside `wasm` and `extProc`;
/// `envoypatchpolicy_types.go` at 01a90afb.
#[test]
fn the_resource_for_envoy_gateway_has_only_fields_that_it_knows() -> Result<()> {
    let settings = all_settings(Protocol::Http, "https://logs.example/")?;
    let files = configuration::envoy_gateway(&settings, &place()?, "egress");
    let [(_, resource), (_, patch)] = &files[..] else { anyhow::bail!("{} files", files.len()) };
    let resource: Value = serde_json::from_slice(resource)?;
    only_known(
        &resource,
        &[
            ("", &["apiVersion", "kind", "metadata", "spec"]),
            ("/spec", &["targetRef", "targetRefs", "targetSelectors", "wasm", "extProc", "lua"]),
            ("/spec/targetRefs/0", &["group", "kind", "name", "sectionName"]),
            ("/spec/wasm/0", &["name", "rootID", "code", "config", "failOpen"]),
            ("/spec/wasm/0/code", &["type", "http", "image", "sha256", "pullPolicy"]),
            ("/spec/wasm/0/code/image", &["url", "pullSecretRef"]),
        ],
    )?;
    assert_eq!(resource["apiVersion"], "gateway.envoyproxy.io/v1alpha1");
    assert_eq!(resource["kind"], "EnvoyExtensionPolicy");
    assert_eq!(resource["spec"]["wasm"][0]["code"]["type"], json!("Image"));
    assert_eq!(resource["spec"]["wasm"][0]["failOpen"], json!(false));
    let open = Settings { failure_mode: "open", ..settings };
    let files = configuration::envoy_gateway(&open, &place()?, "egress");
    let (_, resource) = files.first().context("a resource")?;
    let resource: Value = serde_json::from_slice(resource)?;
    assert_eq!(resource["spec"]["wasm"][0]["failOpen"], json!(true));
    let patch: Value = serde_json::from_slice(patch)?;
    only_known(
        &patch,
        &[
            ("", &["apiVersion", "kind", "metadata", "spec"]),
            ("/spec", &["type", "jsonPatches", "targetRef", "priority"]),
            ("/spec/targetRef", &["group", "kind", "name"]),
            ("/spec/jsonPatches/0", &["type", "name", "operation"]),
            ("/spec/jsonPatches/0/operation", &["op", "path", "from", "value"]),
        ],
    )?;
    assert_eq!(patch["kind"], "EnvoyPatchPolicy");
    Ok(())
}

fn only_known(resource: &Value, fields: &[(&str, &[&str])]) -> Result<()> {
    for (path, known) in fields {
        let object =
            resource.pointer(path).and_then(Value::as_object).context((*path).to_owned())?;
        for key in object.keys() {
            assert!(known.contains(&key.as_str()), "{path} has no `{key}`");
        }
    }
    Ok(())
}

#[test]
fn alerts_fire_when_they_should_and_are_quiet_otherwise() -> Result<()> {
    let folder = workspace::root().join("examples/monitoring");
    for arguments in [
        ["check", "rules", "alerts.yml"],
        ["test", "rules", "alerts_test.yml"],
        ["check", "rules", "hardening_alerts.yml"],
        ["test", "rules", "hardening_alerts_test.yml"],
    ] {
        content(Command::new("promtool").args(arguments).current_dir(&folder))?;
    }
    Ok(())
}
