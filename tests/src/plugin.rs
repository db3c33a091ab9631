//! A wasm plugin as Envoy is configured with it.

use std::path::PathBuf;

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::workspace;

const WASM: &str = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";
const STRING: &str = "type.googleapis.com/google.protobuf.StringValue";
const BYTES: &str = "type.googleapis.com/google.protobuf.BytesValue";

/// All that the filter may ask of Envoy and Envoy of the filter; Envoy skips the callbacks that are not
/// listed. See the documentation of the crate `filter-wasm`.
const CAPABILITIES: [&str; 27] = [
    "proxy_on_context_create",
    "proxy_on_vm_start",
    "proxy_on_configure",
    "proxy_on_request_headers",
    "proxy_on_response_headers",
    "proxy_on_log",
    "proxy_on_done",
    "proxy_on_delete",
    "proxy_get_buffer_bytes",
    "proxy_get_header_map_pairs",
    "proxy_get_property",
    "proxy_set_property",
    "proxy_send_local_response",
    "proxy_replace_header_map_value",
    "proxy_remove_header_map_value",
    "proxy_define_metric",
    "proxy_increment_metric",
    "proxy_record_metric",
    "proxy_log",
    "proxy_get_current_time_nanoseconds",
    "proxy_get_shared_data",
    "proxy_set_shared_data",
    "proxy_on_tick",
    "proxy_set_tick_period_milliseconds",
    "proxy_http_call",
    "proxy_on_http_call_response",
    "proxy_set_effective_context",
];

/// A wasm HTTP filter and its configuration.
#[derive(Clone, Debug)]
pub struct Plugin {
    /// The plugin's name, under which Envoy counts.
    pub name: String,
    /// The module.
    pub wasm: PathBuf,
    /// What Envoy does when the module panics.
    pub failure_policy: &'static str,
    /// The plugin's configuration, as an `Any`; none if null.
    pub configuration: Value,
    /// The calls that the sandbox lets through; all if empty.
    pub capabilities: Vec<&'static str>,
    /// Which virtual machine it runs in; the plugin's name if `None`.
    pub vm_id: Option<&'static str>,
}

impl Plugin {
    /// A module that set-up built, without configuration.
    pub fn new(module: &str) -> Result<Self> {
        let wasm = workspace::wasm(module)?;
        Ok(Plugin {
            name: module.to_owned(),
            wasm,
            // A panic would otherwise leave a dead virtual machine: see docs/failures.md.
            failure_policy: "FAIL_RELOAD",
            configuration: Value::Null,
            capabilities: Vec::new(),
            vm_id: None,
        })
    }

    /// The filter with a pack, and a mode of `monitor` or `enforce`.
    pub fn tidegate(pack: &[u8], mode: &str) -> Result<Self> {
        let settings = json!({"mode": mode, "pack": STANDARD.encode(pack)});
        Ok(Plugin {
            name: "tidegate".to_owned(),
            configuration: json!({"@type": STRING, "value": settings.to_string()}),
            ..Plugin::new("filter")?.restricted()
        })
    }

    /// The filter with a pack that one of these keys, in PEM, has to have signed.
    pub fn trusting(pack: &[u8], mode: &str, public_key: &str) -> Result<Self> {
        let settings = json!({
            "mode": mode,
            "pack": STANDARD.encode(pack),
            "public_key": public_key,
        });
        Ok(Plugin::tidegate(pack, mode)?.with_text(&settings.to_string()))
    }

    /// The same plugin, allowed to do what the filter needs and nothing else.
    #[must_use]
    pub fn restricted(self) -> Self {
        Plugin { capabilities: CAPABILITIES.to_vec(), ..self }
    }

    /// The same plugin without one of its capabilities.
    #[must_use]
    pub fn without(mut self, capability: &str) -> Self {
        self.capabilities.retain(|name| *name != capability);
        self
    }

    /// The same plugin with bare bytes for a configuration.
    #[must_use]
    pub fn with_bytes(self, bytes: &[u8]) -> Self {
        let configuration = json!({"@type": BYTES, "value": STANDARD.encode(bytes)});
        Plugin { configuration, ..self }
    }

    /// The same plugin with text for a configuration.
    #[must_use]
    pub fn with_text(self, text: &str) -> Self {
        Plugin { configuration: json!({"@type": STRING, "value": text}), ..self }
    }

    /// The entry of a connection manager's `http_filters`.
    pub fn http_filter(&self) -> Value {
        json!({"name": self.name, "typed_config": self.typed_config()})
    }

    /// The entry of `http_filters` that takes the filter from an ECDS file, and this plugin until
    /// there is one.
    pub fn discovered(&self, file: &str) -> Value {
        json!({
            "name": self.name,
            "config_discovery": {
                "config_source": {"path_config_source": {"path": file}, "resource_api_version": "V3"},
                "default_config": self.typed_config(),
                "type_urls": [WASM],
            },
        })
    }

    /// The text of an ECDS file with this plugin.
    pub fn discovery_response(&self, version: &str) -> String {
        let resource = json!({
            "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
            "name": self.name,
            "typed_config": self.typed_config(),
        });
        json!({"version_info": version, "resources": [resource]}).to_string()
    }

    /// The plugin's configuration as Envoy wants it.
    pub fn typed_config(&self) -> Value {
        let allowed = self.capabilities.iter().map(|name| ((*name).to_owned(), json!({})));
        let allowed: serde_json::Map<_, _> = allowed.collect();
        let mut config = json!({
            "name": self.name,
            "failure_policy": self.failure_policy,
            // Deprecated in 1.40 in favour of the same field in `vm_config`, which 1.36 does not know.
            "capability_restriction_config": {"allowed_capabilities": allowed},
            "vm_config": {
                "vm_id": self.vm_id.unwrap_or(&self.name),
                "runtime": "envoy.wasm.runtime.v8",
                "code": {"local": {"filename": self.wasm}},
            },
        });
        if let (Some(config), false) = (config.as_object_mut(), self.configuration.is_null()) {
            config.insert("configuration".to_owned(), self.configuration.clone());
        }
        json!({"@type": WASM, "config": config})
    }
}
