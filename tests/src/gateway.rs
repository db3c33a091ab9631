//! The example gateway, put together so that it runs without the internet.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::exempt::exempt;
use crate::{Envoy, Launch, Plugin, StandIn, host, workspace};

/// The file that the gateway takes its filter from.
const DISCOVERY: &str = "tidegate.json";
const SET_STATE: &str =
    "type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config";
/// Where the HTTP connection manager of the examples is configured, as a JSON pointer.
pub const MANAGER: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";

/// A running `examples/egress-gateway`, with a stand-in for the internet.
///
/// The configuration is the example's but for five things: ports that the operating system chooses,
/// loopback addresses, the pack, a filter in front of the dynamic forward proxy that makes it call the
/// stand-in whatever host a request names, and the stand-in's address, which may be called.
#[derive(Debug)]
pub struct Gateway {
    /// The gateway's Envoy.
    pub envoy: Envoy,
    /// What it calls.
    pub stand_in: StandIn,
}

impl Gateway {
    /// Starts the gateway in a directory, which stays.
    pub fn start(launch: &Launch, directory: &Path, pack: &[u8], mode: &str) -> Result<Self> {
        fs::create_dir_all(directory)?;
        let stand_in = StandIn::start()?;
        let plugin = Plugin::tidegate(pack, mode)?;
        fs::copy(&plugin.wasm, directory.join("filter.wasm"))?;
        let bootstrap = offline(example()?, &plugin, stand_in.address())?;
        replace(directory, &plugin, "1")?;
        let envoy = Envoy::launch_in(launch, &bootstrap, directory)?;
        Ok(Gateway { envoy, stand_in })
    }

    /// Replaces the filter's configuration, as an operator does: a new file, moved over the old one.
    pub fn reload(&self, pack: &[u8], mode: &str, version: &str) -> Result<()> {
        replace(self.envoy.directory(), &Plugin::tidegate(pack, mode)?, version)
    }

    /// Where clients connect.
    pub fn address(&self) -> Result<SocketAddr> {
        self.envoy.listener("egress")
    }
}

/// Writes an ECDS file with a plugin and moves it into place, which Envoy notices.
pub fn replace(directory: &Path, plugin: &Plugin, version: &str) -> Result<()> {
    replace_text(directory, &plugin.discovery_response(version))
}

/// Writes any text as an ECDS file and moves it into place.
pub fn replace_text(directory: &Path, text: &str) -> Result<()> {
    let new = directory.join("tidegate.json.new");
    fs::write(&new, host::adapt_text(text)?)?;
    fs::rename(&new, directory.join(DISCOVERY))?;
    Ok(())
}

/// The example's configuration as it is in the repository.
pub fn example() -> Result<Value> {
    let file = workspace::root().join("examples/egress-gateway/envoy.yaml");
    let text = fs::read_to_string(&file).with_context(|| format!("`{}`", file.display()))?;
    Ok(serde_saphyr::from_str(&text)?)
}

fn offline(mut config: Value, plugin: &Plugin, stand_in: SocketAddr) -> Result<Value> {
    let any = json!({"socket_address": {"address": "127.0.0.1", "port_value": 0}});
    exempt(&mut config, stand_in);
    *at(&mut config, "/static_resources/listeners/0/address")? = any;
    let discovery = format!("{MANAGER}/http_filters/1/config_discovery/default_config/config");
    *at(&mut config, &format!("{discovery}/configuration"))? = plugin.configuration.clone();
    let filters = at(&mut config, &format!("{MANAGER}/http_filters"))?;
    let filters = filters.as_array_mut().context("filters are a list")?;
    let is_proxy = |filter: &Value| {
        filter
            .pointer("/name")
            .is_some_and(|name| name == "envoy.filters.http.dynamic_forward_proxy")
    };
    let idx = filters.iter().position(is_proxy).context("no dynamic forward proxy")?;
    filters.insert(idx, redirection(stand_in));
    let proxy = filters.get_mut(idx + 1).and_then(|filter| filter.pointer_mut("/typed_config"));
    let proxy = proxy.and_then(Value::as_object_mut).context("the proxy has a configuration")?;
    proxy.insert("allow_dynamic_host_from_filter_state".to_owned(), Value::Bool(true));
    Ok(config)
}

/// The filter that sets the target of the dynamic forward proxy; the request itself is not changed.
fn redirection(stand_in: SocketAddr) -> Value {
    let state = |key: &str, value: String| {
        json!({
            "object_key": format!("envoy.upstream.{key}"),
            "format_string": {"text_format_source": {"inline_string": value}},
        })
    };
    let host = state("dynamic_host", stand_in.ip().to_string());
    let port = state("dynamic_port", stand_in.port().to_string());
    let config = json!({"@type": SET_STATE, "on_request_headers": [host, port]});
    json!({"name": "envoy.filters.http.set_filter_state", "typed_config": config})
}

/// The part of the example that is to be replaced: it has to be there already.
fn at<'c>(config: &'c mut Value, pointer: &str) -> Result<&'c mut Value> {
    config.pointer_mut(pointer).with_context(|| format!("the example has no `{pointer}`"))
}
