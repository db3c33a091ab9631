//! Which packs are taken: signed by a known key, and not older than what is at work.
//!
//! Both only where the configuration has a `public_key`. Without one, whoever writes the
//! configuration can write any version into a pack, and to count versions would be a show.
//!
//! # What is remembered, and for how long
//!
//! The highest version of each pack name that was taken stands in the host's shared data, under the
//! plugin's `vm_id`: all workers see it, and it lives as long as the Envoy process has a plugin of that
//! `vm_id`. A new process starts without memory, and takes any version with a good signature.
//!
//! Envoy tries a configuration on the main thread first, in a virtual machine of its own: there an
//! older pack is refused, and Envoy counts `update_rejected`. A configuration that was tried before goes
//! to the workers untried; a worker that already has a newer pack at work keeps it, as to refuse
//! there would leave the worker without a filter.

use std::cell::RefCell;
use std::rc::Rc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use inspect::pack::{PublicKey, SignatureError};

use crate::config::{Config, Protocol};
use crate::host::{self, LogLevel};
use crate::metrics::{Refusal, count_refusal};
use crate::plugin::Plugin;

/// What stands before a pack's name in the host's shared data.
const KEY: &str = "tidegate.version.";

/// How often two workers may get in each other's way before one gives up: the other has written.
const MAX_TRIES: usize = 8;

/// The newest plugin of a pack name, in this virtual machine.
struct AtWork {
    name: String,
    protocol: Protocol,
    version: u64,
    plugin: Rc<Plugin>,
}

thread_local! {
    // Each configuration has a root context of its own, so what outlives one stands outside of all.
    static AT_WORK: RefCell<Vec<AtWork>> = const { RefCell::new(Vec::new()) };
}

/// Reads public keys: one or more PEM blocks, or their base64 alone. `None` if any is no key.
///
/// Several keys are for the time in which one takes over from another.
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

/// Puts a configuration to work, if its pack can be trusted; else says why not.
pub(crate) fn take(config: Config) -> Result<Rc<Plugin>, String> {
    if config.public_keys.is_empty() {
        return Ok(Rc::new(Plugin::start(config)));
    }
    config.pack.check_signature(&config.public_keys).map_err(|error| {
        count_refusal(match error {
            SignatureError::Missing => Refusal::Unsigned,
            SignatureError::Wrong => Refusal::Signature,
        });
        error.to_string()
    })?;
    let tables = config.pack.tables();
    let (name, version, protocol) = (tables.name.clone(), tables.version, config.protocol);
    let older = |newest: u64| {
        count_refusal(Refusal::Older);
        format!(
            "version {version} of pack `{name}` is older than version {newest}, which is at work; compile it with a higher `--pack-version`"
        )
    };
    if let Some((newest, plugin)) = at_work(&name, protocol)
        && version < newest
    {
        let line = format!("tidegate: configuration passed over: {}", older(newest));
        host::log(LogLevel::Error, &line).unwrap_or_default();
        return Ok(plugin);
    }
    if let Some(newest) = remember(&format!("{KEY}{name}"), version)
        && version < newest
    {
        return Err(older(newest));
    }
    let plugin = Rc::new(Plugin::start(config));
    AT_WORK.with_borrow_mut(|all| {
        all.retain(|old| old.name != name || old.protocol != protocol);
        all.push(AtWork { name, protocol, version, plugin: Rc::clone(&plugin) });
    });
    Ok(plugin)
}

fn at_work(name: &str, protocol: Protocol) -> Option<(u64, Rc<Plugin>)> {
    AT_WORK.with_borrow(|all| {
        let found = all.iter().find(|old| old.name == name && old.protocol == protocol);
        found.map(|old| (old.version, Rc::clone(&old.plugin)))
    })
}

/// Writes a version down where it is the highest so far; what stood there. A host without shared data
/// has no memory, which the capabilities decide.
fn remember(key: &str, version: u64) -> Option<u64> {
    for _ in 0..MAX_TRIES {
        let (newest, cas) = match host::shared_data(key) {
            Ok(Some((value, cas))) => (value.try_into().ok().map(u64::from_le_bytes), cas),
            Ok(None) => (None, 0),
            Err(_) => return None,
        };
        let is_known = newest.is_some_and(|newest| version <= newest);
        if is_known || host::set_shared_data(key, &version.to_le_bytes(), cas).is_ok() {
            return newest;
        }
    }
    None
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
            // The first of these bytes say X25519.
            (KEY_A.replace("AyEA", "biEA"), None),
        ] {
            assert_eq!(read_keys(&text).map(|keys| keys.len()), expect, "{text}");
        }
    }
}
