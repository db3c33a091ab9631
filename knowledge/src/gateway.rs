//! What a gateway is configured with: files for Envoy, resources for Kubernetes, an image layout.
//!
//! Pure: from a pack and a few choices to the files' texts. The configuration of Envoy is the example's
//! in `examples/egress-gateway`, so that what is written here is what the tests run.

mod image;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

pub use image::{Artifact, layout};

/// The configuration of the example, with its comments.
const ENVOY: &str = include_str!("../../examples/egress-gateway/envoy.yaml");
/// Where the filter stands in it, and its settings.
const SETTINGS: &str = r#"'{"mode": "monitor", "pack": "PACK"}'"#;
const WASM: &str = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";

/// A file to write: its name, and its bytes.
pub type File = (String, Vec<u8>);

/// What the filter is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The bytes of a pack.
    pub pack: Vec<u8>,
    /// `monitor` or `enforce`.
    pub mode: &'static str,
    /// `open` or `closed`.
    pub failure_mode: &'static str,
    /// Public keys in PEM, of which one has to have signed the pack.
    pub public_key: Option<String>,
}

impl Settings {
    /// The plugin configuration.
    pub fn json(&self) -> Value {
        let mut settings = json!({
            "mode": self.mode,
            "failure_mode": self.failure_mode,
            "pack": STANDARD.encode(&self.pack),
        });
        if let (Some(key), Some(map)) = (&self.public_key, settings.as_object_mut()) {
            map.insert("public_key".to_owned(), json!(key));
        }
        settings
    }
}

/// A configuration of Envoy that takes the filter from a file that it watches, and that file.
pub fn envoy(settings: &Settings, version: &str) -> Vec<File> {
    // A text of YAML between single quotes; the settings hold none.
    let quoted = format!("'{}'", settings.json().to_string().replace('\'', "''"));
    let text = ENVOY.replace(SETTINGS, &quoted);
    let mut files = vec![("envoy.yaml".to_owned(), text.into_bytes())];
    files.extend(ecds(settings, version));
    files
}

/// The file that Envoy takes the filter from (ECDS): to be moved over the one that is there.
pub fn ecds(settings: &Settings, version: &str) -> Vec<File> {
    let capabilities = capabilities().into_iter().map(|name| (name.to_owned(), json!({})));
    let allowed: serde_json::Map<_, _> = capabilities.collect();
    let value = settings.json().to_string();
    let config = json!({
        "@type": WASM,
        "config": {
            "name": "tidegate",
            "failure_policy": "FAIL_RELOAD",
            "capability_restriction_config": {"allowed_capabilities": allowed},
            "vm_config": {
                "vm_id": "tidegate",
                "runtime": "envoy.wasm.runtime.v8",
                "code": {"local": {"filename": "filter.wasm"}},
            },
            "configuration": {
                "@type": "type.googleapis.com/google.protobuf.StringValue",
                "value": value,
            },
        },
    });
    let resource = json!({
        "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
        "name": "tidegate",
        "typed_config": config,
    });
    let response = json!({"version_info": version, "resources": [resource]});
    vec![("tidegate.json".to_owned(), format!("{response:#}\n").into_bytes())]
}

/// What the filter may ask of Envoy: the list in the example.
fn capabilities() -> Vec<&'static str> {
    let lines = ENVOY.lines().skip_while(|line| line.trim() != "allowed_capabilities:").skip(1);
    let names = lines.map_while(|line| line.trim().strip_suffix(": {}"));
    names.filter(|name| name.starts_with("proxy_")).collect()
}

/// Where a Kubernetes resource belongs, and where it finds the filter.
#[derive(Clone, Debug)]
pub struct Place {
    /// The namespace of the resource and of the gateway.
    pub namespace: String,
    /// The gateway: the value of the label `istio`, or the name of a `Gateway`.
    pub gateway: String,
    /// The image of the filter, as `registry.example/tidegate/filter:1`.
    pub image: String,
    /// The SHA-256 of `filter.wasm`, in hexadecimal.
    pub sha256: Option<String>,
}

/// A `WasmPlugin` of Istio for an egress gateway.
pub fn istio(settings: &Settings, place: &Place) -> Vec<File> {
    let resource = json!({
        "apiVersion": "extensions.istio.io/v1alpha1",
        "kind": "WasmPlugin",
        "metadata": {"name": "tidegate", "namespace": place.namespace},
        "spec": {
            "selector": {"matchLabels": {"istio": place.gateway}},
            "url": format!("oci://{}", place.image),
            "imagePullPolicy": "IfNotPresent",
            // Before anything that routes by what the request says.
            "phase": "AUTHN",
            "failStrategy": "FAIL_RELOAD",
            "pluginName": "tidegate",
            "pluginConfig": settings.json(),
        },
    });
    resource_file(&resource)
}

/// An `EnvoyExtensionPolicy` of Envoy Gateway.
///
/// It knows two failure policies, and no reload: a filter whose virtual machine died refuses all
/// requests of the worker until the proxy restarts.
pub fn envoy_gateway(settings: &Settings, place: &Place) -> Vec<File> {
    let mut code = json!({"type": "Image", "image": {"url": place.image}});
    if let (Some(sha256), Some(code)) = (&place.sha256, code.as_object_mut()) {
        code.insert("sha256".to_owned(), json!(sha256));
    }
    let target = json!({
        "group": "gateway.networking.k8s.io",
        "kind": "Gateway",
        "name": place.gateway,
    });
    let resource = json!({
        "apiVersion": "gateway.envoyproxy.io/v1alpha1",
        "kind": "EnvoyExtensionPolicy",
        "metadata": {"name": "tidegate", "namespace": place.namespace},
        "spec": {
            "targetRefs": [target],
            "wasm": [{
                "name": "tidegate",
                "code": code,
                "config": settings.json(),
                "failOpen": false,
            }],
        },
    });
    resource_file(&resource)
}

/// JSON is YAML: what `kubectl apply -f` takes.
fn resource_file(resource: &Value) -> Vec<File> {
    vec![("tidegate.json".to_owned(), format!("{resource:#}\n").into_bytes())]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        let public_key = Some("-----BEGIN PUBLIC KEY-----\nMCow\n".to_owned());
        Settings { pack: b"pack".to_vec(), mode: "enforce", failure_mode: "closed", public_key }
    }

    #[test]
    fn what_the_filter_is_told_is_the_same_everywhere() {
        let expect = json!({
            "mode": "enforce", "failure_mode": "closed", "pack": "cGFjaw==",
            "public_key": "-----BEGIN PUBLIC KEY-----\nMCow\n",
        });
        let place = Place {
            namespace: "istio-system".to_owned(),
            gateway: "egressgateway".to_owned(),
            image: "registry.example/filter:1".to_owned(),
            sha256: Some("00".repeat(32)),
        };
        let read = |files: Vec<File>| -> Value { serde_json::from_slice(&files[0].1).unwrap() };
        assert_eq!(read(istio(&settings(), &place))["spec"]["pluginConfig"], expect);
        assert_eq!(read(envoy_gateway(&settings(), &place))["spec"]["wasm"][0]["config"], expect);
        let ecds = read(ecds(&settings(), "1"));
        let config = &ecds["resources"][0]["typed_config"]["config"];
        let told = config["configuration"]["value"].as_str().unwrap();
        assert_eq!(serde_json::from_str::<Value>(told).unwrap(), expect);
        let files = envoy(&settings(), "1");
        let text = String::from_utf8(files[0].1.clone()).unwrap();
        let line = text.lines().find(|line| line.contains("cGFjaw==")).unwrap();
        let (_, quoted) = line.split_once('\'').unwrap();
        let told = quoted.strip_suffix('\'').unwrap();
        assert_eq!(serde_json::from_str::<Value>(told).unwrap(), expect);
        assert!(!text.contains("PACK\""));
    }

    #[test]
    fn the_capabilities_are_those_of_the_example() {
        let capabilities = capabilities();
        assert!(capabilities.contains(&"proxy_on_request_headers"), "{capabilities:?}");
        assert!(capabilities.len() >= 20 && capabilities.iter().all(|it| !it.contains(' ')));
    }
}
