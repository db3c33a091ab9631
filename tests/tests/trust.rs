//! With a public key configured, only signed packs are taken, and none older than what is at work.
#![forbid(unsafe_code)]
#![expect(clippy::disallowed_methods, reason = "tests touch files")]

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use gateway::signing::{self, KeyFiles};
use tempfile::TempDir;
use tests::gateway::{replace, replace_text};
use tests::one_host::{denied, pack};
use tests::{Bootstrap, Envoy, Launch, Plugin, until};

fn signed(pack: Vec<u8>, keys: &KeyFiles) -> Result<Vec<u8>> {
    let file: Arc<str> = "key".into();
    let signed = signing::sign(pack, &file, &keys.secret);
    signed.ok().context("the key signs")
}

/// How often the filter refused a configuration for a reason.
fn refusals(stats: &BTreeMap<String, u64>, kind: &str) -> u64 {
    let name = format!("tidegate_refused_total.kind={kind}");
    let all = stats.iter().filter(|(of, _)| of.ends_with(&name));
    all.map(|(_, value)| *value).sum()
}

#[test]
fn unsigned_foreign_and_older_packs_leave_the_last_good_one_at_work() -> Result<()> {
    let directory = TempDir::with_prefix("tidegate-trust-")?;
    let (ours, next, foreign) =
        (signing::generate([1; 32]), signing::generate([2; 32]), signing::generate([3; 32]));
    let public = format!("{}{}", ours.public, next.public);
    let plugin = |pack: &[u8]| Plugin::trusting(pack, "enforce", &public);
    let first = plugin(&signed(pack("a.example", 5)?, &ours)?)?;
    replace(directory.path(), &first, "1")?;
    let filters = [first.discovered("./tidegate.json")];
    let config = Bootstrap::new().listener("egress", &filters);
    let launch = Launch { concurrency: 2, ..Launch::new()? };
    let envoy = Envoy::launch_in(&launch, &config.json(), directory.path())?;
    let address = envoy.listener("egress")?;
    assert_eq!(denied(address)?, ["a.example"]);

    // The second key is as good as the first: one can take over from the other.
    let second = plugin(&signed(pack("b.example", 6)?, &next)?)?;
    replace(directory.path(), &second, "2")?;
    until("the second pack", || Ok((denied(address)? == ["b.example"]).then_some(())))?;

    let mut changed = signed(pack("c.example", 7)?, &ours)?;
    if let Some(byte) = changed.last_mut() {
        *byte ^= 1;
    }
    for (kind, bad) in [
        ("unsigned", pack("c.example", 7)?),
        ("signature", signed(pack("c.example", 7)?, &foreign)?),
        ("signature", changed),
        ("older", signed(pack("c.example", 4)?, &ours)?),
        // These bytes were taken before, so Envoy does not try them, but hands them to the workers.
        ("older", signed(pack("a.example", 5)?, &ours)?),
    ] {
        let before = refusals(&envoy.stats()?, kind);
        replace_text(directory.path(), &plugin(&bad)?.discovery_response(kind))?;
        until(&format!("a refusal: {kind}"), || {
            Ok((refusals(&envoy.stats()?, kind) > before).then_some(()))
        })?;
        assert_eq!(denied(address)?, ["b.example"], "{kind}");
    }
    // An older number is older however often it is sent; the same number is not.
    let again = Plugin::trusting(&signed(pack("b.example", 6)?, &ours)?, "monitor", &public)?;
    replace(directory.path(), &again, "8")?;
    until("monitor mode", || Ok(denied(address)?.is_empty().then_some(())))?;
    let newest = plugin(&signed(pack("c.example", 7)?, &ours)?)?;
    replace(directory.path(), &newest, "9")?;
    until("the newest pack", || Ok((denied(address)? == ["c.example"]).then_some(())))
}

#[test]
fn openssl_agrees_about_keys_and_signatures() -> Result<()> {
    let folder = TempDir::with_prefix("tidegate-trust-")?;
    let at = |name: &str| folder.path().join(name);
    let openssl = |arguments: &[&str]| -> Result<()> {
        let done = Command::new("openssl").args(arguments).current_dir(folder.path()).output()?;
        ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        Ok(())
    };
    let keys = signing::generate([9; 32]);
    let plain = pack("a.example", 1)?;
    let text = inspect::pack::signed_text(&plain).context("a text to sign")?;
    let whole = signed(plain.clone(), &keys)?;
    let signature = whole.get(whole.len() - 64..).context("a signature")?;
    fs::write(at("text"), &text)?;
    fs::write(at("signature"), signature)?;
    fs::write(at("key.pub"), &keys.public)?;
    let verify = ["pkeyutl", "-verify", "-pubin", "-inkey", "key.pub", "-rawin"];
    openssl(&[&verify[..], &["-in", "text", "-sigfile", "signature"]].concat())?;

    // And the other way round.
    openssl(&["genpkey", "-algorithm", "ed25519", "-out", "theirs"])?;
    openssl(&["pkey", "-in", "theirs", "-pubout", "-out", "theirs.pub"])?;
    let theirs = KeyFiles {
        secret: fs::read_to_string(at("theirs"))?,
        public: fs::read_to_string(at("theirs.pub"))?,
    };
    let file: Arc<str> = "theirs.pub".into();
    let keys = signing::public_keys(&file, &theirs.public).ok().context("a public key")?;
    inspect::pack::Envelope::read(&signed(plain, &theirs)?)?.check_signature(&keys)?;
    Ok(())
}
