//! Resources for Kubernetes: for Istio, and for Envoy Gateway.

use serde_json::{Map, Value, json};

use super::{File, Host, ImageReference, Protocol, Settings, Target};

/// Where a resource belongs, and where it finds the filter.
#[derive(Clone, Debug)]
pub struct Place {
    /// The namespace of the resource and of the gateway.
    pub namespace: String,
    /// The image of the filter.
    pub image: ImageReference,
    /// The SHA-256 of `filter.wasm`, in hexadecimal.
    pub sha256: Option<String>,
}

/// The resource of Istio that runs a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IstioResource {
    /// `WasmPlugin`, of all releases.
    WasmPlugin,
    /// `TrafficExtension`, which supersedes it from Istio 1.30 on.
    TrafficExtension,
}

/// A resource of Istio that runs the filter in an egress gateway, and an `EnvoyFilter` with the collector's
/// cluster.
pub fn istio(
    settings: &Settings,
    place: &Place,
    target: &Target,
    resource: IstioResource,
) -> Vec<File> {
    let mut filter = Map::new();
    filter.insert("url".to_owned(), json!(format!("oci://{}", place.image)));
    filter.insert("imagePullPolicy".to_owned(), json!("IfNotPresent"));
    filter.insert("failStrategy".to_owned(), json!("FAIL_RELOAD"));
    filter.insert("pluginName".to_owned(), json!("tidegate"));
    filter.insert("pluginConfig".to_owned(), settings.json());
    if settings.protocol == Protocol::Tls {
        filter.insert("type".to_owned(), json!("NETWORK"));
    }
    let (kind, mut spec) = match resource {
        IstioResource::WasmPlugin => ("WasmPlugin", filter),
        IstioResource::TrafficExtension => {
            let wasm = ("wasm".to_owned(), Value::Object(filter));
            ("TrafficExtension", Map::from_iter([wasm]))
        }
    };
    // Before anything that routes by what the request says.
    spec.insert("phase".to_owned(), json!("AUTHN"));
    let (key, value) = target.of_plugin();
    spec.insert(key.to_owned(), value);
    let resource = json!({
        "apiVersion": "extensions.istio.io/v1alpha1",
        "kind": kind,
        "metadata": {"name": "tidegate", "namespace": place.namespace},
        "spec": spec,
    });
    let patch = settings.collector_cluster().map(|cluster| {
        json!({
            "apiVersion": "networking.istio.io/v1alpha3",
            "kind": "EnvoyFilter",
            "metadata": {"name": "tidegate-collector", "namespace": place.namespace},
            "spec": {
                "workloadSelector": {"labels": target.labels()},
                "configPatches": [{
                    "applyTo": "CLUSTER",
                    "match": {"context": "GATEWAY"},
                    "patch": {"operation": "ADD", "value": cluster},
                }],
            },
        })
    });
    let mut resources = vec![("tidegate.json", resource)];
    resources.extend(patch.map(|patch| ("collector.json", patch)));
    files(&resources)
}

/// An `EnvoyExtensionPolicy` of Envoy Gateway, and an `EnvoyPatchPolicy` with the collector's cluster.
///
/// `gateway` is the name of the `Gateway`. Envoy Gateway knows two failure policies, and no reload: where the filter fails, as when its virtual machine died, failure mode `open` lets all
/// requests of the worker pass uninspected, and `closed` refuses them, until the proxy restarts. It runs HTTP
/// filters only.
pub fn envoy_gateway(settings: &Settings, place: &Place, gateway: &str) -> Vec<File> {
    let mut code = json!({"type": "Image", "image": {"url": place.image.to_string()}});
    if let (Some(sha256), Some(code)) = (&place.sha256, code.as_object_mut()) {
        code.insert("sha256".to_owned(), json!(sha256));
    }
    let target = Target::reference(gateway);
    let wasm = json!({
        "apiVersion": "gateway.envoyproxy.io/v1alpha1",
        "kind": "EnvoyExtensionPolicy",
        "metadata": {"name": "tidegate", "namespace": place.namespace},
        "spec": {
            "targetRefs": [target],
            "wasm": [{
                "name": "tidegate",
                "code": code,
                "config": settings.json(),
                "failOpen": settings.failure_mode == "open",
            }],
        },
    });
    let mut resources = match settings.host {
        Host::Wasm => vec![("tidegate.json", wasm)],
        Host::Native => native_policy(settings, &target, place).into(),
    };
    let patch = settings.collector_cluster().map(|cluster| {
        json!({
            "apiVersion": "gateway.envoyproxy.io/v1alpha1",
            "kind": "EnvoyPatchPolicy",
            "metadata": {"name": "tidegate-collector", "namespace": place.namespace},
            "spec": {
                "targetRef": target,
                "type": "JSONPatch",
                "jsonPatches": [{
                    "type": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
                    "name": cluster.get("name"),
                    "operation": {"op": "add", "path": "", "value": cluster},
                }],
            },
        })
    });
    resources.extend(patch.map(|patch| ("collector.json", patch)));
    files(&resources)
}

/// The same for the native module: an `EnvoyExtensionPolicy`, and an `EnvoyProxy` that mounts the image as a
/// volume (Kubernetes 1.35 or later) and registers the module.
///
/// See: <https://gateway.envoyproxy.io/latest/tasks/extensibility/dynamic-modules/>
fn native_policy(settings: &Settings, target: &Value, place: &Place) -> [(&'static str, Value); 2] {
    const FOLDER: &str = "/etc/envoy/dynamic-modules";
    let metadata = json!({"name": "tidegate", "namespace": place.namespace});
    let policy = json!({
        "apiVersion": "gateway.envoyproxy.io/v1alpha1",
        "kind": "EnvoyExtensionPolicy",
        "metadata": metadata,
        "spec": {
            "targetRefs": [target],
            "dynamicModule": [{
                "name": "tidegate",
                "filterName": "tidegate",
                "config": settings.json(),
            }],
        },
    });
    let volume = json!({
        "name": "tidegate",
        "image": {"reference": place.image.to_string(), "pullPolicy": "IfNotPresent"},
    });
    let mount = json!({"name": "tidegate", "mountPath": FOLDER, "readOnly": true});
    let path = format!("{FOLDER}/libtidegate_native.so");
    let proxy = json!({
        "apiVersion": "gateway.envoyproxy.io/v1alpha1",
        "kind": "EnvoyProxy",
        "metadata": metadata,
        "spec": {
            "provider": {
                "type": "Kubernetes",
                "kubernetes": {"envoyDeployment": {
                    "pod": {"volumes": [volume]},
                    "container": {"volumeMounts": [mount]},
                }},
            },
            "dynamicModules": [{
                "name": "tidegate",
                "source": {"type": "Local", "local": {"path": path}},
                "doNotClose": true,
            }],
        },
    });
    [("tidegate.json", policy), ("proxy.json", proxy)]
}

/// JSON is YAML: what `kubectl apply -f` takes.
fn files(resources: &[(&str, Value)]) -> Vec<File> {
    let file = |(name, resource): &(&str, Value)| {
        ((*name).to_owned(), format!("{resource:#}\n").into_bytes())
    };
    resources.iter().map(file).collect()
}
