//! A shipped configuration as it is, but for ports, the pack and a name server of the test's own.

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, SocketAddr};

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tempfile::TempDir;

use crate::{Envoy, Launch, NameServer, Plugin, workspace};

/// Names, and the addresses that they resolve to.
pub type Names = BTreeMap<String, Vec<IpAddr>>;

/// An example at work. Nothing on loopback is exempt.
#[derive(Debug)]
pub struct Shipped {
    /// The gateway.
    pub envoy: Envoy,
    _name_server: NameServer,
    _directory: TempDir,
}

impl Shipped {
    /// Starts an example, on loopback. `port` replaces 443, which TLS that names no port goes to.
    pub fn start(
        name: &str,
        names: Names,
        port: u16,
        change: impl FnOnce(&mut Value),
    ) -> Result<Self> {
        let file = workspace::root().join("examples").join(name).join("envoy.yaml");
        let text = fs::read_to_string(file)?
            .replace("0.0.0.0, port_value: 3128", "127.0.0.1, port_value: 0")
            .replace("0.0.0.0, port_value: 8443", "127.0.0.1, port_value: 0")
            .replace("port_value: 443", &format!("port_value: {port}"))
            .replace("/etc/ssl/certs/ca-certificates.crt", "gateway.crt");
        Shipped::of(&Launch::new()?, &text, names, change)
    }

    /// Starts Envoy with the text of a configuration of examples.
    pub fn of(
        launch: &Launch,
        text: &str,
        names: Names,
        change: impl FnOnce(&mut Value),
    ) -> Result<Self> {
        let directory = TempDir::with_prefix("tidegate-shipped-")?;
        let pack = fs::read(workspace::shipped_pack()?)?;
        let text = text.replace("\"PACK\"", &format!("\"{}\"", STANDARD.encode(&pack)));
        let mut config: Value = serde_saphyr::from_str(&text)?;
        let name_server = NameServer::start(names)?;
        name_server.serve_for(&mut config);
        change(&mut config);
        fs::copy(workspace::wasm("filter")?, directory.path().join("filter.wasm"))?;
        let own = rcgen::generate_simple_self_signed(vec!["discord.com".to_owned()])?;
        fs::write(directory.path().join("gateway.crt"), own.cert.pem())?;
        fs::write(directory.path().join("gateway.key"), own.signing_key.serialize_pem())?;
        let plugin = Plugin::tidegate(&pack, "monitor")?;
        crate::gateway::replace(directory.path(), &plugin, "1")?;
        let envoy = Envoy::launch_in(launch, &config, directory.path())?;
        Ok(Shipped { envoy, _name_server: name_server, _directory: directory })
    }

    /// Where clients connect.
    pub fn address(&self) -> Result<SocketAddr> {
        self.envoy.listener("egress")
    }
}
