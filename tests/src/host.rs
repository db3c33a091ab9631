//! The host of the filter under test: the wasm module, or the native one if `TIDEGATE_HOST` says so.
//!
//! Tests configure the wasm module. What differs for the other one is here: Envoy's configuration on its
//! way in, and names of metrics on their way out.

use anyhow::Result;
use gateway::configuration::{name_metrics_alike, replace_by_native};
use serde_json::Value;

use crate::workspace;

/// Returns a configuration of Envoy for the host under test.
pub fn adapt(config: &Value) -> Result<Value> {
    let mut config = config.clone();
    if let Some(module) = workspace::native()? {
        replace_by_native(&mut config, &module.display().to_string());
        if config.get("static_resources").is_some() {
            name_metrics_alike(&mut config);
        }
    }
    Ok(config)
}

/// The same for a file that Envoy watches; what is not JSON stays as it is.
pub(crate) fn adapt_text(text: &str) -> Result<String> {
    match serde_json::from_str(text) {
        Ok(config) => Ok(adapt(&config)?.to_string()),
        Err(_) => Ok(text.to_owned()),
    }
}

/// Returns the name of a counter or gauge as the wasm module's: labels are part of it, as `.key=value`.
pub(crate) fn metric_name(name: &str) -> String {
    let Some(own) = name.strip_prefix("dynamicmodulescustom.") else { return name.to_owned() };
    let mut parts = own.split('.');
    let mut named = ["wasmcustom.", parts.next().unwrap_or_default()].concat();
    while let (Some(key), Some(value)) = (parts.next(), parts.next()) {
        named.extend([".", key, "=", value]);
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_metrics_are_those_of_the_wasm_module() {
        for (name, expect) in [
            ("dynamicmodulescustom.tidegate_requests_total", "wasmcustom.tidegate_requests_total"),
            (
                "dynamicmodulescustom.tidegate_matches_total.rule.a.action.deny",
                "wasmcustom.tidegate_matches_total.rule=a.action=deny",
            ),
            ("cluster.a.b.c", "cluster.a.b.c"),
        ] {
            assert_eq!(metric_name(name), expect);
        }
    }
}
