//! The plugin's root: takes configurations, makes streams, and does what is due at every tick.

use std::rc::Rc;
use std::sync::Arc;

use inspect::Pack;
use inspect::pack::SignatureError;

use crate::config::{Config, ConfigError, Settings};
use crate::connection::Connection;
use crate::host::Protocol;
use crate::host::{Host, LogLevel};
use crate::http::HttpStream;
use crate::metrics::{Refusal, count_refusal};
use crate::plugin::Plugin;
use crate::running;
use crate::trust;

/// Milliseconds between two ticks, which report long requests, close windows of suppression and post to
/// the collector.
const TICK_MS: u32 = 1000;

/// The root of one plugin; a host makes one per configuration and thread.
#[derive(Debug, Default)]
pub struct Root {
    /// `None` until a configuration was taken; hosts start no streams before.
    plugin: Option<Rc<Plugin>>,
}

/// A configuration that was taken, for roots on other threads.
#[derive(Clone, Debug)]
pub struct Taken {
    pack: Arc<Pack>,
    settings: Arc<Settings>,
}

impl Root {
    /// Makes a root for another thread, with a configuration that was taken on one. The pack is shared.
    /// Its requests are counted one by one, as it does not depend on ticks.
    pub fn of(taken: &Taken) -> Root {
        let plugin = Plugin::new(Arc::clone(&taken.pack), Arc::clone(&taken.settings));
        Root { plugin: Some(Rc::new(plugin)) }
    }

    /// Returns the configuration that was taken, for [`Root::of`].
    pub fn taken(&self) -> Option<Taken> {
        let plugin = self.plugin.as_ref()?;
        Some(Taken { pack: Arc::clone(&plugin.pack), settings: Arc::clone(&plugin.settings) })
    }

    /// Takes the host's configuration whole, or refuses it and returns false: a log line says why, and
    /// the configuration before it stays in use.
    pub fn configure(&mut self, host: &dyn Host) -> bool {
        match take(host) {
            Ok(plugin) => {
                // Without ticks, windows are closed by later events of their bucket, long requests are
                // reported when others are answered, each request is counted by a call, and the queue
                // for the collector fills, which is counted.
                let has_ticks = host.set_tick_period(TICK_MS).is_ok();
                plugin.count(|counters| counters.wait_for_ticks(has_ticks));
                self.write_sums(host);
                self.end_ticks();
                plugin.ticked.set(has_ticks.then(|| host.milliseconds()).flatten());
                self.plugin = Some(plugin);
                true
            }
            Err(why) => {
                let line = format!("tidegate: configuration refused: {why}");
                // If nothing can be logged, the refusal itself still shows in the host's counters.
                host.log(LogLevel::Error, &line).unwrap_or_default();
                false
            }
        }
    }

    /// Reports requests that have been running for long, closes windows of suppression that are over, writes what
    /// requests added to the behaviour of their pairs and to counters, and posts queued events.
    pub fn tick(&self, host: &dyn Host) {
        running::report_due(host);
        self.write_sums(host);
        if let Some(plugin) = &self.plugin {
            plugin.ticked.set(plugin.ticked.get().and_then(|_| host.milliseconds()));
            plugin.close_windows(host);
            plugin.post_events(host);
        }
    }

    /// Writes what requests added up so far: at ticks, and where none may follow.
    pub fn write_sums(&self, host: &dyn Host) {
        if let Some(plugin) = &self.plugin {
            plugin.write_held(host);
            plugin.count(|counters| counters.write_sums(host));
        }
    }

    /// Says that no tick comes any more to the configuration that was taken, which its requests may outlive.
    fn end_ticks(&self) {
        if let Some(plugin) = &self.plugin {
            plugin.ticked.set(None);
        }
    }

    /// Takes an answer of the collector; `n_headers` is 0 if the call failed without one.
    pub fn take_answer(&self, host: &dyn Host, call: u32, n_headers: usize) {
        if let Some(plugin) = &self.plugin {
            plugin.take_answer(host, call, n_headers);
        }
    }

    /// Returns the protocol of the plugin's streams; HTTP before a configuration was taken.
    pub fn protocol(&self) -> Protocol {
        self.plugin.as_ref().map_or(Protocol::Http, |plugin| plugin.settings.protocol)
    }

    /// Makes the stream of one HTTP request.
    pub fn http_stream(&self) -> HttpStream {
        HttpStream::new(self.plugin.clone())
    }

    /// Makes the stream of one connection.
    pub fn connection(&self) -> Connection {
        Connection::new(self.plugin.clone())
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        self.end_ticks();
    }
}

fn take(host: &dyn Host) -> Result<Rc<Plugin>, String> {
    let bytes =
        host.plugin_configuration().map_err(|error| format!("it cannot be read: {error}"))?;
    let refused = |refusal, why: String| {
        count_refusal(host, refusal);
        why
    };
    let config = Config::read(&bytes).map_err(|error| refused(kind(&error), error.to_string()))?;
    drop(bytes);
    host.check_protocol(config.settings.protocol).map_err(|needs| {
        let protocol = config.settings.protocol.as_str();
        refused(Refusal::Configuration, format!("`protocol` `{protocol}` needs {needs}"))
    })?;
    // An answer that cannot be received would kill the virtual machine of some hosts.
    if config.settings.collector.is_some() {
        let refused = |needs| refused(Refusal::Configuration, format!("`collector` needs {needs}"));
        host.check_answers().map_err(refused)?;
    }
    trust::take(host, config)
}

/// Returns the kind that a refused configuration is counted under.
fn kind(error: &ConfigError) -> Refusal {
    match error {
        ConfigError::Signature(SignatureError::Missing) => Refusal::Unsigned,
        ConfigError::Signature(SignatureError::Wrong) => Refusal::Signature,
        _ => Refusal::Configuration,
    }
}

#[cfg(test)]
mod tests;
