//! Which packs are taken: signed by a known key, and not older than the one in use.
//!
//! Both only if the configuration has a `public_key`; the signature is checked while the configuration is
//! read, before any table of the pack is (module `config`). Without a key, whoever writes the configuration can
//! write any version into a pack, and comparing versions would prove nothing.
//!
//! # What is remembered, and for how long
//!
//! The highest version of each pack name that was taken is kept in the host's shared data: all workers
//! see it, and it lives as long as the host keeps that data (Envoy: as long as the process has a plugin
//! of the `vm_id`). A new process starts without memory, and takes any version with a good signature.
//!
//! Envoy tries a configuration on the main thread first, in a virtual machine of its own: there an
//! older pack is refused, and Envoy counts `update_rejected`. A configuration that was tried before goes
//! to the workers untried; a worker that already uses a newer pack keeps it, as a refusal there would
//! leave the worker without a filter.

use std::rc::Rc;

use crate::config::Config;
use crate::host::Protocol;
use crate::host::{Host, LogLevel};
use crate::limits::MAX_CAS_TRIES;
use crate::memory::{ActivePlugin, Part};
use crate::metrics::{Refusal, count_refusal};
use crate::plugin::Plugin;

/// The prefix of a pack's name in the host's shared data.
const KEY: &str = "tidegate.version.";

// Each configuration has a root of its own, so what outlives one is kept outside of all.
const ACTIVE: Part<Vec<ActivePlugin>> = Part(|memory| &memory.active);

/// Puts a configuration to use if its pack is not older than the one in use; an error says why not.
pub(crate) fn take(host: &dyn Host, config: Config) -> Result<Rc<Plugin>, String> {
    if config.settings.public_keys.is_empty() {
        return Ok(Rc::new(Plugin::start(host, config)));
    }
    let tables = config.pack.tables();
    let name = tables.name.clone();
    let version = tables.version;
    let protocol = config.settings.protocol;
    let older = |newest: u64| {
        count_refusal(host, Refusal::Older);
        format!(
            "version {version} of pack `{name}` is older than version {newest}, which is in use; compile it with a higher `--pack-version`"
        )
    };
    if let Some((newest, plugin)) = active(&name, protocol)
        && version < newest
    {
        let line = format!("tidegate: configuration passed over: {}", older(newest));
        host.log(LogLevel::Error, &line).unwrap_or_default();
        return Ok(plugin);
    }
    if let Some(newest) = remember(host, &format!("{KEY}{name}"), version)
        && version < newest
    {
        return Err(older(newest));
    }
    let plugin = Rc::new(Plugin::start(host, config));
    ACTIVE.with_borrow_mut(|all| {
        all.retain(|old| old.name != name || old.protocol != protocol);
        all.push(ActivePlugin { name, protocol, version, plugin: Rc::clone(&plugin) });
    });
    Ok(plugin)
}

fn active(name: &str, protocol: Protocol) -> Option<(u64, Rc<Plugin>)> {
    ACTIVE.with_borrow(|all| {
        let found = all.iter().find(|old| old.name == name && old.protocol == protocol);
        found.map(|old| (old.version, Rc::clone(&old.plugin)))
    })
}

/// Stores a version if it is the highest so far; returns the one that was stored before. A host without
/// shared data has no memory, which its configuration decides.
fn remember(host: &dyn Host, key: &str, version: u64) -> Option<u64> {
    for _ in 0..MAX_CAS_TRIES {
        let Ok((value, cas)) = host.shared_data_or_new(key) else { return None };
        let newest = value.and_then(|value| value.try_into().ok()).map(u64::from_le_bytes);
        let is_known = newest.is_some_and(|newest| version <= newest);
        if is_known || host.set_shared_data(key, &version.to_le_bytes(), cas).is_ok() {
            return newest;
        }
    }
    None
}

#[cfg(test)]
mod tests;
