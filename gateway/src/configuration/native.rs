//! The native module in place of the wasm module, in any configuration of Envoy that has the filter.

use serde_json::{Value, json};

/// The type of the native module's configuration.
const NATIVE: &str =
    "type.googleapis.com/envoy.extensions.filters.http.dynamic_modules.v3.DynamicModuleFilter";
/// The type of the wasm module's.
const WASM: &str = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";
/// The runtime key that removes the prefix of the metrics of dynamic modules.
const STRIP: &str = "envoy.reloadable_features.dynamic_modules_strip_custom_stat_prefix";
/// The file of the wasm module, by which the filter is recognised.
const MODULE: &str = "filter.wasm";

/// The file of the native module, where Envoy's working directory has it.
pub const NATIVE_MODULE: &str = "./libtidegate_native.so";

/// Returns the configuration of the native module, with the filter's settings as an `Any`.
pub fn native_filter(file: &str, settings: &Value) -> Value {
    json!({
        "@type": NATIVE,
        "dynamic_module_config": {
            "module": {"local": {"filename": file}},
            // What workers remember is in the module.
            "do_not_close": true,
        },
        "filter_name": "tidegate",
        "filter_config": settings,
    })
}

/// Replaces the wasm module by the native one wherever a configuration has it as an HTTP filter; `file` is
/// the native module. Network filters stay.
pub fn replace_by_native(config: &mut Value, file: &str) {
    let is_filter = config.get("@type").is_some_and(|kind| kind == WASM)
        && config
            .pointer("/config/vm_config/code/local/filename")
            .and_then(Value::as_str)
            .is_some_and(|path| path.rsplit('/').next() == Some(MODULE));
    if is_filter {
        let settings = config.pointer("/config/configuration").cloned().unwrap_or_default();
        *config = native_filter(file, &settings);
        return;
    }
    match config {
        Value::Object(map) => {
            if let Some(Value::Array(kinds)) = map.get_mut("type_urls") {
                kinds
                    .iter_mut()
                    .filter(|kind| **kind == WASM)
                    .for_each(|kind| *kind = json!(NATIVE));
            }
            map.values_mut().for_each(|value| replace_by_native(value, file));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| replace_by_native(value, file)),
        // Names of metrics, of which Envoy puts another word in front.
        Value::String(text) if text.starts_with("wasmcustom.tidegate") => {
            *text = text.replacen("wasmcustom", "dynamicmodulescustom", 1);
        }
        _ => {}
    }
}

/// Makes a whole configuration of Envoy name the metrics of the native module for Prometheus as those of the
/// wasm module: without a prefix. One that does already stays as it is: Envoy refuses two layers of one name.
pub fn name_metrics_alike(bootstrap: &mut Value) {
    let layer = json!({"name": "tidegate", "static_layer": {STRIP: true}});
    if let Some(Value::Array(layers)) = bootstrap.pointer_mut("/layered_runtime/layers") {
        if !layers.contains(&layer) {
            layers.push(layer);
        }
    } else if let Value::Object(map) = bootstrap {
        map.insert("layered_runtime".to_owned(), json!({"layers": [layer]}));
    }
}

/// Rewrites the text of the example, with its comments, for the native module.
pub(super) fn native_text(example: &str) -> String {
    let between = |text: &str, start: &str, end: &str, new: &str| -> Option<String> {
        let (before, rest) = text.split_once(start)?;
        let (_, after) = rest.split_once(end)?;
        Some([before, new, after].concat())
    };
    let start = format!("                \"@type\": {WASM}\n                config:\n");
    let end = "                  configuration:\n";
    let module = MODULE_TEXT.replace("NATIVE", NATIVE).replace("FILE", NATIVE_MODULE);
    let tags = ("  # The filter has counters per rule", "  # Microseconds");
    let text = between(example, &start, end, &module)
        .and_then(|text| between(&text, tags.0, tags.1, "  # Microseconds"));
    let text = text.unwrap_or_else(|| example.to_owned());
    text.replace("prefix: wasmcustom.", "prefix: dynamicmodulescustom.")
        .replace(WASM, NATIVE)
        .replacen("static_resources:\n", &RUNTIME_TEXT.replace("STRIP", STRIP), 1)
}

const MODULE_TEXT: &str = "                \"@type\": NATIVE
                dynamic_module_config:
                  # In Envoy's own process, without a sandbox: docs/native.md says what that gives and costs.
                  module: {local: {filename: FILE}}
                  do_not_close: true
                filter_name: tidegate
                filter_config:
";

const RUNTIME_TEXT: &str = "# The metrics have the names of the wasm module's.
layered_runtime:
  layers:
  - {name: tidegate, static_layer: {STRIP: true}}

static_resources:
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_wasm_module_is_left_in_the_example() {
        let example = include_str!("../../../examples/egress-gateway/envoy.yaml");
        let text = native_text(example);
        for gone in ["wasm.v3", "filter.wasm", "proxy_on_", "wasmcustom", "vm_config"] {
            assert!(example.contains(gone) && !text.contains(gone), "{gone}");
        }
        for there in [NATIVE_MODULE, STRIP, "\"pack\": \"PACK\"", "wasm.tidegate.rules:PLAIN"] {
            assert!(text.contains(there), "{there}");
        }
        assert_eq!(text.matches(NATIVE).count(), 2);
    }

    #[test]
    fn the_layer_that_names_metrics_is_added_once() {
        let other = json!({"name": "other", "admin_layer": {}});
        for (layers, expect) in
            [(json!({}), 1), (json!({"layered_runtime": {"layers": [other]}}), 2)]
        {
            let mut config = layers;
            name_metrics_alike(&mut config);
            let once = config.clone();
            name_metrics_alike(&mut config);
            assert_eq!(config, once);
            let layers = config.pointer("/layered_runtime/layers").and_then(Value::as_array);
            assert_eq!(layers.map(Vec::len), Some(expect));
        }
    }

    #[test]
    fn the_filter_is_replaced_and_nothing_else() {
        let wasm = |file: &str| {
            let code = json!({"local": {"filename": file}});
            json!({
                "@type": WASM,
                "config": {"vm_config": {"code": code}, "configuration": {"value": "{}"}},
            })
        };
        let discovery = |filter: Value, kind: &str| json!({"config_discovery": {"default_config": filter, "type_urls": [kind]}});
        let mut config = json!([discovery(wasm("a/filter.wasm"), WASM), wasm("other.wasm")]);
        replace_by_native(&mut config, "./a.so");
        let native = native_filter("./a.so", &json!({"value": "{}"}));
        assert_eq!(config, json!([discovery(native, NATIVE), wasm("other.wasm")]));
    }
}
