//! The examples that look into TLS, put together so that they run without the internet.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::authority::{Authority, Issued};
use crate::clients::Client;
use crate::exempt::exempt;
use crate::{Bootstrap, Envoy, Launch, scarce, until, workspace};

/// The examples, by the names of their folders.
pub const EXAMPLES: [&str; 3] = ["connect-sni", "tls-intercept", "transparent"];

/// The names in the certificate of the internet's stand-in.
const SITES: [&str; 10] = [
    "*.example.com",
    "*.example.net",
    "*.ngrok-free.app",
    "api.telegram.org",
    "discord.com",
    "api.anthropic.com",
    "api.openai.com",
    "github.com",
    "packages.example.org",
    "149.154.167.220",
];
/// Where the example that opens TLS lists the services.
const OPENED: &str =
    "/static_resources/listeners/1/filter_chains/0/filter_chain_match/server_names";
const SET_STATE: &str =
    "type.googleapis.com/envoy.extensions.filters.network.set_filter_state.v3.Config";

/// An example at work, with an Envoy that speaks TLS where the internet would be.
///
/// The configuration is the example's but for addresses and ports, the pack and the mode, the
/// authorities that the gateway trusts, and a filter that makes it call the stand-in whatever name
/// was asked for.
#[derive(Debug)]
pub struct Example {
    /// The gateway.
    pub gateway: Envoy,
    /// The stand-in for the internet.
    pub origin: Envoy,
    authorities: PathBuf,
}

/// How an example is configured.
#[derive(Clone, Copy, Debug, Default)]
pub struct Setting<'s> {
    /// The plugin's mode.
    pub mode: &'s str,
    /// The names whose TLS is opened; those of the example if empty.
    pub opened: &'s [String],
    /// The plugin's key for identities; none if empty.
    pub identity_key: &'s str,
    /// Whether each client has few requests.
    pub is_scarce: bool,
}

/// What became of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whether it got what it wanted.
    pub succeeded: bool,
    /// Whether the gateway called anybody for it.
    pub called: bool,
    /// The events of the filter meanwhile.
    pub events: Vec<Event>,
}

/// An event of the filter, as far as it is looked at here.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Event {
    /// `observe` or `deny`.
    pub action: String,
    /// The anomalies by name.
    #[serde(default)]
    pub anomalies: Vec<String>,
    /// The rules that matched.
    pub rules: Vec<Matched>,
    /// What was asked for.
    pub request: BTreeMap<String, Value>,
}

/// A rule of an event.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Matched {
    /// Its title.
    pub title: String,
}

impl Event {
    /// Returns true if the event has an anomaly or a rule with this title.
    pub fn reports(&self, what: &str) -> bool {
        self.anomalies.iter().any(|name| name == what)
            || self.rules.iter().any(|rule| rule.title == what)
    }
}

impl Example {
    /// Starts an example in a directory, which stays.
    pub fn start(
        launch: &Launch,
        directory: &Path,
        name: &str,
        pack: &[u8],
        mode: &str,
    ) -> Result<Self> {
        Example::start_with(launch, directory, name, pack, &Setting { mode, ..Setting::default() })
    }

    /// The same, with more of the configuration changed.
    pub fn start_with(
        launch: &Launch,
        directory: &Path,
        name: &str,
        pack: &[u8],
        setting: &Setting<'_>,
    ) -> Result<Self> {
        fs::create_dir_all(directory)?;
        let world = Authority::new("The internet's stand-in")?;
        let local = Authority::new("The gateway's authority")?;
        let origin = Envoy::launch(launch, &origin(&world.issue(&SITES)?))?;
        fs::copy(workspace::wasm("filter")?, directory.join("filter.wasm"))?;
        fs::write(directory.join("world.pem"), world.pem())?;
        let authorities = fs::canonicalize(directory)?.join("clients.pem");
        fs::write(&authorities, [world.pem(), local.pem()].concat())?;

        let file = workspace::root().join("examples").join(name).join("envoy.yaml");
        let text = fs::read_to_string(&file).with_context(|| format!("`{}`", file.display()))?;
        let mut config: Value = serde_saphyr::from_str(&text)?;
        if let (Some(names), false) = (config.pointer_mut(OPENED), setting.opened.is_empty()) {
            *names = json!(setting.opened);
        }
        let opened = config.pointer(OPENED).and_then(Value::as_array).into_iter().flatten();
        let issued = local.issue(&opened.filter_map(Value::as_str).collect::<Vec<_>>())?;
        fs::write(directory.join("gateway.crt"), issued.chain)?;
        fs::write(directory.join("gateway.key"), issued.key)?;
        let changes =
            Changes { pack: STANDARD.encode(pack), setting, origin: origin.listener("origin")? };
        exempt(&mut config, changes.origin);
        if setting.is_scarce {
            scarce(&mut config);
        }
        changes.apply(&mut config);
        let gateway = Envoy::launch_in(launch, &config, directory)?;
        Ok(Example { gateway, origin, authorities })
    }

    /// Where clients connect.
    pub fn address(&self) -> Result<SocketAddr> {
        self.gateway.listener("egress")
    }

    /// Runs a client, and waits for its expected events.
    ///
    /// The end of a tunnel has events and lines of its own: what the gateway says of a client is whole
    /// once no connection is open.
    pub fn run(&self, client: &Client) -> Result<Outcome> {
        let (n_before, n_called) = (self.events()?.len(), self.n_called()?);
        let n_lines = self.gateway.access_log()?.len();
        let succeeded = client.run(self.address()?, &self.authorities)?;
        self.gateway.access_log_of(n_lines + 1)?;
        let end = format!("the end of the connections of: {}", client.title);
        until(&end, || Ok((self.n_open()? == 0).then_some(())))?;
        let events = until(&format!("the event of: {}", client.title), || {
            let events = self.events()?.split_off(n_before);
            let is_reported = |what: &String| events.iter().any(|event| event.reports(what));
            Ok(client.finds.as_ref().is_none_or(is_reported).then_some(events))
        })?;
        Ok(Outcome { succeeded, called: self.n_called()? > n_called, events })
    }

    /// The certificates that clients have to trust, in PEM.
    pub fn authorities(&self) -> &Path {
        &self.authorities
    }

    /// How many connections the gateway has opened to the outside, and requests it has sent on them.
    fn n_called(&self) -> Result<u64> {
        let stats = self.gateway.stats()?;
        let outside = ["internet", "services", "wanted"];
        let of = |cluster, what| stats.get(&format!("cluster.{cluster}.upstream_{what}_total"));
        let counts = outside.iter().flat_map(|cluster| [of(cluster, "cx"), of(cluster, "rq")]);
        Ok(counts.flatten().sum())
    }

    /// How many connections of clients and in tunnels are open.
    fn n_open(&self) -> Result<u64> {
        let stats = self.gateway.stats()?.into_iter();
        let is_counted = |name: &str| {
            name.starts_with("listener.")
                && name.ends_with(".downstream_cx_active")
                && !name.starts_with("listener.admin.")
        };
        Ok(stats.filter(|(name, _)| is_counted(name)).map(|(_, value)| value).sum())
    }

    fn events(&self) -> Result<Vec<Event>> {
        let log = self.gateway.log()?;
        let starts = log.lines().filter_map(|line| line.get(line.find("{\"event\":\"tidegate")?..));
        // The log's last line may still be written.
        let whole = starts.filter(|event| event.ends_with('}'));
        whole.map(|event| serde_json::from_str(event).with_context(|| event.to_owned())).collect()
    }
}

/// An Envoy that answers every request, over TLS and in clear text.
fn origin(issued: &Issued) -> Value {
    const LISTENER: &str = "/static_resources/listeners/0";
    // A server reads a request before it answers. An answer in the midst of it ends the stream, and curl
    // of Debian 12 then takes it for an error where it still has a body to send.
    let buffer = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer",
        "max_request_bytes": 65536,
    });
    let buffer = json!({"name": "buffer", "typed_config": buffer});
    let mut config = Bootstrap::new().listener("origin", &[buffer]).json();
    if let Some(listener) = config.pointer_mut(LISTENER).and_then(Value::as_object_mut) {
        let plain = listener.get("filter_chains").and_then(|chains| chains.get(0));
        let plain = plain.cloned().unwrap_or_default();
        let mut chain = plain.as_object().cloned().unwrap_or_default();
        let context = json!({
            "alpn_protocols": ["h2", "http/1.1"],
            "tls_certificates": [{
                "certificate_chain": {"inline_string": issued.chain},
                "private_key": {"inline_string": issued.key},
            }],
        });
        let context = json!({
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "common_tls_context": context,
        });
        let socket = json!({"name": "tls", "typed_config": context});
        chain.insert("transport_socket".to_owned(), socket);
        chain.insert("filter_chain_match".to_owned(), json!({"transport_protocol": "tls"}));
        listener.insert("filter_chains".to_owned(), json!([chain, plain]));
        let inspector = json!({"@type": "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"});
        let inspector = json!({"name": "tls_inspector", "typed_config": inspector});
        listener.insert("listener_filters".to_owned(), json!([inspector]));
    }
    config
}

/// What makes an example run on one machine.
struct Changes<'m> {
    pack: String,
    setting: &'m Setting<'m>,
    origin: SocketAddr,
}

impl Changes<'_> {
    /// Changes a value and all below it.
    fn apply(&self, value: &mut Value) {
        match value {
            Value::Object(map) => {
                if let Some(socket) = map.get_mut("socket_address") {
                    *socket = json!({"address": "127.0.0.1", "port_value": 0});
                }
                if let Some(file) = map.get_mut("trusted_ca") {
                    *file = json!({"filename": "world.pem"});
                }
                // The address that a redirected client wanted: here there is no redirection.
                if map.get("type").is_some_and(|kind| kind == "ORIGINAL_DST") {
                    *value = self.origin_cluster(
                        map.get("name").and_then(Value::as_str).unwrap_or_default(),
                    );
                    return;
                }
                if let Some(Value::Array(filters)) = map.get_mut("filters") {
                    let looks_up =
                        |filter: &Value| filter.to_string().contains("dynamic_forward_proxy");
                    if filters.iter().any(looks_up) {
                        filters.insert(0, self.redirection());
                    }
                }
                map.values_mut().for_each(|value| self.apply(value));
            }
            Value::Array(values) => values.iter_mut().for_each(|value| self.apply(value)),
            Value::String(text) if text.contains("\"PACK\"") => {
                *text = text.replace("PACK", &self.pack);
                let Setting { mode, identity_key, .. } = self.setting;
                let key = match *identity_key {
                    "" => String::new(),
                    key => format!(", \"identity_key\": \"{key}\""),
                };
                *text =
                    text.replace("\"mode\": \"monitor\"", &format!("\"mode\": \"{mode}\"{key}"));
            }
            _ => {}
        }
    }

    /// The filter that says where names lead.
    fn redirection(&self) -> Value {
        let state = |key: &str, value: String| {
            json!({
                "object_key": format!("envoy.upstream.{key}"),
                "format_string": {"text_format_source": {"inline_string": value}},
            })
        };
        let host = state("dynamic_host", self.origin.ip().to_string());
        let port = state("dynamic_port", self.origin.port().to_string());
        let config = json!({"@type": SET_STATE, "on_new_connection": [host, port]});
        json!({"name": "envoy.filters.network.set_filter_state", "typed_config": config})
    }

    fn origin_cluster(&self, name: &str) -> Value {
        let socket = json!({
            "address": self.origin.ip().to_string(),
            "port_value": self.origin.port(),
        });
        let endpoint = json!({"endpoint": {"address": {"socket_address": socket}}});
        let endpoints = json!({"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]});
        json!({"name": name, "load_assignment": endpoints})
    }
}
