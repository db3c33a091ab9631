use ed25519_compact::{KeyPair, Seed};
use inspect::Pack;
use inspect::pack::{PublicKey, signed_text, with_signature};

use super::*;
use crate::config::Settings;
use crate::testing::{Call, FakeHost, pack_of_version};

/// The key in the form of RFC 8410.
fn public_key(pair: &KeyPair) -> PublicKey {
    let der = [&b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00"[..], &pair.pk[..]].concat();
    PublicKey::from_der(&der).unwrap()
}

fn pair(number: u8) -> KeyPair {
    KeyPair::from_seed(Seed::new([number; 32]))
}

/// A configuration that trusts the first key, with a pack that another one may have signed.
fn config(version: u64, signer: Option<u8>) -> Config {
    let mut bytes = pack_of_version(version, &["cs-host: a.example"]);
    if let Some(signer) = signer {
        let signature = pair(signer).sk.sign(signed_text(&bytes).unwrap(), None);
        bytes = with_signature(bytes, &signature);
    }
    let public_keys = vec![public_key(&pair(1))];
    let settings = Settings { public_keys, ..Settings::default() };
    Config { pack: Pack::decode(&bytes).unwrap(), settings }
}

fn version(plugin: &Plugin) -> u64 {
    plugin.inspector.borrow().pack().tables().version
}

#[test]
fn only_packs_of_a_known_signer_are_taken() {
    let host = FakeHost::new();
    assert_eq!(version(&take(&host, config(3, Some(1))).unwrap()), 3);
    assert!(host.lines()[0].contains("signed, hash"), "{:?}", host.lines());
    assert!(take(&host, config(3, None)).is_err());
    assert!(take(&host, config(3, Some(2))).is_err());
    assert_eq!(host.counted("tidegate_refused_total.kind=unsigned"), 1);
    assert_eq!(host.counted("tidegate_refused_total.kind=signature"), 1);
}

#[test]
fn without_a_key_any_pack_is_taken_in_any_order() {
    let host = FakeHost::new();
    for number in [3, 2] {
        let mut config = config(number, None);
        config.settings.public_keys.clear();
        assert_eq!(version(&take(&host, config).unwrap()), number);
    }
}

#[test]
fn a_worker_keeps_the_newer_pack_that_it_uses_and_says_so() {
    let host = FakeHost::new();
    take(&host, config(3, Some(1))).unwrap();
    let kept = take(&host, config(2, Some(1))).unwrap();
    assert_eq!(version(&kept), 3);
    let lines = host.lines();
    let line = lines.last().unwrap();
    assert!(
        line.starts_with("tidegate: configuration passed over: version 2 of pack `test` is older"),
        "{line}"
    );
    assert_eq!(host.counted("tidegate_refused_total.kind=older"), 1);
    assert_eq!(version(&take(&host, config(4, Some(1))).unwrap()), 4);
}

#[test]
fn another_worker_refuses_a_pack_that_is_older_than_the_shared_version() {
    let host = FakeHost::new();
    take(&host, config(3, Some(1))).unwrap();
    let other = host.worker();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let why = take(&other, config(2, Some(1))).unwrap_err();
            let expect = "version 2 of pack `test` is older than version 3, which is in use; compile it with a higher `--pack-version`";
            assert_eq!(why, expect);
            assert_eq!(version(&take(&other, config(3, Some(1))).unwrap()), 3);
        });
    });
}

#[test]
fn a_lost_swap_is_tried_again_and_a_host_without_shared_data_has_no_memory() {
    let host = FakeHost::new();
    host.lose_swaps(2);
    take(&host, config(3, Some(1))).unwrap();
    assert!(host.shared_data("tidegate.version.test").unwrap().is_some());
    let forgetful = FakeHost::new();
    forgetful.fail(Call::SharedData);
    take(&forgetful, config(3, Some(1))).unwrap();
    let crowded = FakeHost::new();
    crowded.lose_swaps(u32::try_from(MAX_CAS_TRIES).unwrap());
    take(&crowded, config(3, Some(1))).unwrap();
    assert_eq!(crowded.shared_data("tidegate.version.test"), Ok(None));
}
