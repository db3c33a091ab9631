use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::testing::{Call, FakeHost, pack_of_version, public_key_of, signed_by};

/// A configuration that trusts the first key, with a pack of that signer.
fn config(version: u64) -> Config {
    let pack = signed_by(1, pack_of_version(version, &["cs-host: a.example"]));
    let pack = STANDARD.encode(pack);
    let settings = format!(r#"{{"pack":"{pack}","public_key":"{}"}}"#, public_key_of(1));
    Config::read(settings.as_bytes()).unwrap()
}

fn version(plugin: &Plugin) -> u64 {
    plugin.inspector.borrow().pack().tables().version
}

#[test]
fn without_a_key_any_pack_is_taken_in_any_order() {
    let host = FakeHost::new();
    for number in [3, 2] {
        let mut config = config(number);
        config.settings.public_keys.clear();
        assert_eq!(version(&take(&host, config).unwrap()), number);
    }
}

#[test]
fn a_worker_keeps_the_newer_pack_that_it_uses_and_says_so() {
    let host = FakeHost::new();
    take(&host, config(3)).unwrap();
    let kept = take(&host, config(2)).unwrap();
    assert_eq!(version(&kept), 3);
    let lines = host.lines();
    let line = lines.last().unwrap();
    assert!(
        line.starts_with("tidegate: configuration passed over: version 2 of pack `test` is older"),
        "{line}"
    );
    assert_eq!(host.counted("tidegate_refused_total.kind=older"), 1);
    assert_eq!(version(&take(&host, config(4)).unwrap()), 4);
}

#[test]
fn another_worker_refuses_a_pack_that_is_older_than_the_shared_version() {
    let host = FakeHost::new();
    take(&host, config(3)).unwrap();
    let other = host.worker();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let why = take(&other, config(2)).unwrap_err();
            let expect = "version 2 of pack `test` is older than version 3, which is in use; compile it with a higher `--pack-version`";
            assert_eq!(why, expect);
            assert_eq!(version(&take(&other, config(3)).unwrap()), 3);
        });
    });
}

#[test]
fn a_lost_swap_is_tried_again_and_a_host_without_shared_data_has_no_memory() {
    let host = FakeHost::new();
    host.lose_swaps(2);
    take(&host, config(3)).unwrap();
    assert!(host.shared_data("tidegate.version.test").unwrap().is_some());
    let forgetful = FakeHost::new();
    forgetful.fail(Call::SharedData);
    take(&forgetful, config(3)).unwrap();
    let crowded = FakeHost::new();
    crowded.lose_swaps(u32::try_from(MAX_CAS_TRIES).unwrap());
    take(&crowded, config(3)).unwrap();
    assert_eq!(crowded.shared_data("tidegate.version.test"), Ok(None));
}
