//! The public keys of a configuration.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use inspect::pack::PublicKey;

/// Reads public keys: one or more PEM blocks, or their base64 alone. `None` if any of them is not
/// a key.
///
/// Several keys are for the time in which one replaces another.
pub(crate) fn read_keys(text: &str) -> Option<Vec<PublicKey>> {
    let is_key = |part: &&str| !part.trim().is_empty() && !part.ends_with(" PUBLIC KEY");
    let parts = text.split("-----").filter(is_key);
    let keys: Option<Vec<_>> = parts
        .map(|part| {
            let encoded: String = part.chars().filter(|char| !char.is_whitespace()).collect();
            PublicKey::from_der(&STANDARD.decode(encoded).ok()?)
        })
        .collect();
    keys.filter(|keys| !keys.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY_A: &str = "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=";
    const KEY_B: &str = "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

    #[test]
    fn keys_are_pem_blocks_or_their_base64() {
        let pem =
            |key: &str| format!("-----BEGIN PUBLIC KEY-----\n{key}\n-----END PUBLIC KEY-----\n");
        let one_line = pem(KEY_A).replace('\n', " ");
        for (text, expect) in [
            (KEY_A.to_owned(), Some(1)),
            (pem(KEY_A), Some(1)),
            (one_line, Some(1)),
            (pem(KEY_A) + &pem(KEY_B), Some(2)),
            (String::new(), None),
            ("-----BEGIN PUBLIC KEY-----".to_owned(), None),
            (KEY_A.replace("MCow", "MCox"), None),
            (pem(KEY_A) + "x", None),
            // The first of these bytes name X25519.
            (KEY_A.replace("AyEA", "biEA"), None),
        ] {
            assert_eq!(read_keys(&text).map(|keys| keys.len()), expect, "{text}");
        }
    }
}
