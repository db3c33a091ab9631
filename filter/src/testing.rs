//! Packs and a host for tests.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_compact::{KeyPair, Seed};
use inspect::Pack;
use inspect::pack::{signed_text, with_signature};

use crate::config::{Config, Settings};
use crate::headers::serialise;

mod fake_host;

pub(crate) use fake_host::{Call, FakeHost};

/// The id of the first rule of a pack for tests.
pub(crate) const RULE_1: &str = "6b3e1d1c-0000-4000-8000-000000000001";

/// Returns a pack with one rule, id [`RULE_1`], that has one detection item.
pub(crate) fn pack_of(item: &str) -> Vec<u8> {
    pack_of_rules(&[item])
}

/// Returns a pack with a rule per detection item, the last digits of their ids counting from 1.
pub(crate) fn pack_of_rules(items: &[&str]) -> Vec<u8> {
    pack_of_version(7, items)
}

/// Returns the pack of [`pack_of_rules`] under another version.
pub(crate) fn pack_of_version(version: u64, items: &[&str]) -> Vec<u8> {
    let mut compiler = sigma::Compiler::new("test", version);
    for (idx, item) in items.iter().enumerate() {
        let text = format!(
            "title: Rule {number}\n\
             id: 6b3e1d1c-0000-4000-8000-{number:012}\n\
             author: A. Author\n\
             level: high\n\
             tags:\n    - attack.command-and-control\n    - attack.t1102.002\n\
             logsource:\n    category: proxy\n\
             detection:\n    selection:\n        {item}\n    condition: selection\n",
            number = idx + 1,
        );
        let parsed = sigma::parse(&sigma::Source::new("test.yml", &text));
        assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics);
        for rule in &parsed.rules {
            compiler.add(rule).unwrap();
        }
    }
    compiler.finish().encode()
}

/// Returns a pack with the signature of a signer that is known by a number.
pub(crate) fn signed_by(number: u8, pack: Vec<u8>) -> Vec<u8> {
    let pair = KeyPair::from_seed(Seed::new([number; 32]));
    let signature = pair.sk.sign(signed_text(&pack).unwrap(), None);
    with_signature(pack, &signature)
}

/// Returns the public key of a signer of [`signed_by`], as base64 of the form of RFC 8410.
pub(crate) fn public_key_of(number: u8) -> String {
    let pair = KeyPair::from_seed(Seed::new([number; 32]));
    let prefix = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";
    STANDARD.encode([&prefix[..], &pair.pk[..]].concat())
}

/// Returns the decoded pack of [`pack_of`].
pub(crate) fn decoded(item: &str) -> Pack {
    Pack::decode(&pack_of(item)).unwrap()
}

/// Returns a configuration with the pack of [`pack_of`] and the defaults.
pub(crate) fn config_of(item: &str) -> Config {
    Config { pack: decoded(item).into(), settings: Settings::default() }
}

/// Returns a configuration with the pack of [`pack_of_rules`] and the defaults.
pub(crate) fn config_of_rules(items: &[&str]) -> Config {
    let pack = Pack::decode(&pack_of_rules(items)).unwrap().into();
    Config { pack, settings: Settings::default() }
}

/// Returns the header map of these pairs.
pub(crate) fn serialised(pairs: &[(&str, &[u8])]) -> Vec<u8> {
    serialise(pairs)
}
