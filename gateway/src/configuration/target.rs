//! What a resource of Kubernetes attaches to.

use serde_json::{Value, json};

/// The label that Kubernetes' Gateway API puts on the pods of a gateway.
const GATEWAY_NAME: &str = "gateway.networking.k8s.io/gateway-name";

/// The gateway that runs the filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The pods with all of these labels, by key and value.
    Labels(Vec<(String, String)>),
    /// A `Gateway` of the Gateway API, by name, in the resource's namespace.
    Gateway(String),
}

impl Target {
    /// Returns the reference to a `Gateway`.
    pub(super) fn reference(name: &str) -> Value {
        json!({"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": name})
    }

    /// Returns the labels of the gateway's pods.
    pub(super) fn labels(&self) -> Value {
        match self {
            Target::Labels(labels) => {
                let labels = labels.iter().map(|(key, value)| (key.clone(), json!(value)));
                Value::Object(labels.collect())
            }
            Target::Gateway(name) => json!({GATEWAY_NAME: name}),
        }
    }

    /// Returns the field of a `WasmPlugin` or a `TrafficExtension` that attaches it, and its value.
    ///
    /// Istio prefers `targetRefs` for the gateways of the Gateway API; a selector by their label would work
    /// too.
    pub(super) fn of_plugin(&self) -> (&'static str, Value) {
        match self {
            Target::Labels(_) => ("selector", json!({"matchLabels": self.labels()})),
            Target::Gateway(name) => ("targetRefs", json!([Target::reference(name)])),
        }
    }
}
