//! Limits that a test reaches with few requests.

use serde_json::{Value, json};

/// Leaves each client five requests an hour, at each place of a configuration where clients are limited.
pub fn scarce(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if let Some(Value::Array(descriptors)) = map.get_mut("descriptors") {
                for descriptor in descriptors {
                    if let Some(descriptor) = descriptor.as_object_mut() {
                        let few = json!({"max_tokens": 5, "tokens_per_fill": 1, "fill_interval": "3600s"});
                        descriptor.insert("token_bucket".to_owned(), few);
                    }
                }
            }
            map.values_mut().for_each(scarce);
        }
        Value::Array(values) => values.iter_mut().for_each(scarce),
        _ => {}
    }
}
