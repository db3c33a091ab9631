//! The plugin's root context: takes the configuration, makes a context for each stream.

use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext, RootContext, StreamContext};
use proxy_wasm::types::ContextType;

use crate::config::{Config, Protocol};
use crate::connection::Connection;
use crate::host::{self, LogLevel};
use crate::http::HttpStream;
use crate::metrics::{Refusal, count_refusal};
use crate::plugin::Plugin;
use crate::trust;

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|id| Box::new(Root { id, plugin: None }));
}}

/// How often windows of events that were left out, and the queue for the collector, are looked after, in
/// milliseconds.
const TICK_MS: u32 = 1000;

/// One per plugin configuration and VM.
#[derive(Debug)]
pub(crate) struct Root {
    id: u32,
    /// `None` until a configuration was taken; the host starts no streams before.
    plugin: Option<Rc<Plugin>>,
}

impl Context for Root {
    fn on_http_call_response(&mut self, call: u32, n_headers: usize, _: usize, _: usize) {
        if let Some(plugin) = &self.plugin {
            plugin.take_answer(call, n_headers);
        }
    }
}

impl RootContext for Root {
    /// Takes a configuration whole, or refuses it: a line in the log says why, what ran before goes
    /// on, and Envoy counts `update_rejected`.
    fn on_configure(&mut self, _: usize) -> bool {
        let bytes = match host::plugin_configuration() {
            Ok(bytes) => bytes,
            Err(error) => return refuse(&format!("it cannot be read: {error}")),
        };
        let config = Config::read(&bytes).map_err(|error| {
            count_refusal(Refusal::Configuration);
            error.to_string()
        });
        drop(bytes);
        match config.and_then(|config| self.check(config)).and_then(trust::take) {
            Ok(plugin) => {
                if plugin.noise.is_on() || plugin.collector.is_some() {
                    // Where it is not allowed, windows are closed by who comes next, and the queue for
                    // the collector fills, which is counted.
                    host::set_tick_period(TICK_MS).unwrap_or_default();
                }
                self.plugin = Some(plugin);
                true
            }
            Err(why) => refuse(&why),
        }
    }

    fn on_tick(&mut self) {
        if let Some(plugin) = &self.plugin {
            plugin.close_windows();
            plugin.post_events();
        }
    }

    /// The SDK panics without an answer. One root makes streams of one kind only, which the
    /// configuration tells.
    fn get_type(&self) -> Option<ContextType> {
        Some(match self.plugin.as_ref().map(|plugin| plugin.protocol) {
            Some(Protocol::Tls) => ContextType::StreamContext,
            Some(Protocol::Http) | None => ContextType::HttpContext,
        })
    }

    /// Never `None`, on which the SDK panics.
    fn create_stream_context(&self, _: u32) -> Option<Box<dyn StreamContext>> {
        Some(Box::new(Connection::new(self.plugin.clone())))
    }

    /// Never `None`, on which the SDK panics.
    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(HttpStream::new(self.plugin.clone())))
    }
}

impl Root {
    /// Refuses a collector whose answers would kill the virtual machine: the SDK gives an answer to the
    /// plugin by its number, and panics where it may not.
    fn check(&self, config: Config) -> Result<Config, String> {
        if config.collector.is_some() && host::set_effective_context(self.id).is_err() {
            count_refusal(Refusal::Configuration);
            return Err(
                "`collector` needs the capabilities `proxy_http_call`, `proxy_on_http_call_response` and `proxy_set_effective_context`, and the last is not allowed".to_owned()
            );
        }
        Ok(config)
    }
}

fn refuse(why: &str) -> bool {
    let line = format!("tidegate: configuration refused: {why}");
    // Where nothing can be logged, the refusal itself still shows in Envoy's counters.
    host::log(LogLevel::Error, &line).unwrap_or_default();
    false
}
