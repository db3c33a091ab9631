//! What the shipped configurations refuse, and stand-ins on loopback need.

use std::net::SocketAddr;

use serde_json::{Value, json};

/// The range that stand-ins are in.
const LOOPBACK: &str = "127.0.0.0";
const MATCHER: &str =
    "type.googleapis.com/envoy.extensions.rbac.matchers.upstream_ip_port.v3.UpstreamIpPortMatcher";

/// Exempts one address and port from the policy `loopback` of a configuration, and its listeners from a list
/// of addresses that redirected clients may not want. All else on loopback stays refused.
///
/// The shipped files have no such exemption.
pub fn exempt(config: &mut Value, stand_in: SocketAddr) {
    match config {
        Value::Object(map) => {
            let policy = map.get_mut("loopback").and_then(Value::as_object_mut);
            if let Some(permissions) = policy.and_then(|policy| policy.get_mut("permissions")) {
                let rules = permissions.take();
                let is_stand_in = json!({"not_rule": {"matcher": stand_in_matcher(stand_in)}});
                let rules = json!([{"or_rules": {"rules": rules}}, is_stand_in]);
                *permissions = json!([{"and_rules": {"rules": rules}}]);
            }
            if let Some(Value::Array(ranges)) = map.get_mut("cidr_ranges") {
                ranges.retain(|range| range.pointer("/address_prefix") != Some(&json!(LOOPBACK)));
            }
            map.values_mut().for_each(|value| exempt(value, stand_in));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| exempt(value, stand_in)),
        _ => {}
    }
}

fn stand_in_matcher(stand_in: SocketAddr) -> Value {
    let (address, port) = (stand_in.ip().to_string(), u32::from(stand_in.port()));
    let config = json!({
        "@type": MATCHER,
        "upstream_ip": {"address_prefix": address, "prefix_len": 32},
        "upstream_port_range": {"start": port, "end": port + 1},
    });
    json!({"name": "stand_in", "typed_config": config})
}
