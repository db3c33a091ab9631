//! The clients of an example: `examples/*/clients.toml`.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::workspace;

/// How long a client may take, in seconds; reached only by failures.
const MAX_SECONDS: &str = "30";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(rename = "client")]
    clients: Vec<Client>,
}

/// What somebody tries through a gateway.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// What it is.
    pub title: String,
    /// The command as a person types it; `{gateway}` is replaced by the gateway's address.
    pub run: String,
    /// What tidegate has to find: an anomaly's name or a rule's title; nothing if it is left out.
    pub finds: Option<String>,
}

impl Client {
    /// The clients of an example, in the file's order.
    pub fn read(example: &str) -> Result<Vec<Client>> {
        let file = workspace::root().join("examples").join(example).join("clients.toml");
        let text = fs::read_to_string(&file).with_context(|| format!("`{}`", file.display()))?;
        let table: Table = toml::from_str(&text).context(file.display().to_string())?;
        Ok(table.clients)
    }

    /// Runs the client to its end, with the authorities that it trusts. Whether it got what it
    /// wanted: an answer of success to curl, a TLS session to openssl.
    pub fn run(&self, gateway: SocketAddr, authorities: &Path) -> Result<bool> {
        let line = self.run.replace("{gateway}", &gateway.to_string());
        let mut words = line.split(' ');
        let program = words.next().unwrap_or_default();
        let mut command = Command::new(program);
        match program {
            "curl" => {
                command.args(["--silent", "--fail", "--output", "/dev/null"]);
                command.args(["--max-time", MAX_SECONDS, "--cacert"]).arg(authorities);
                // A proxy of the machine is none of the example's.
                command.args(["--noproxy", ""]).args(words);
            }
            "openssl" => {
                // It ends with the end of its input, once the session is established.
                command.args(words).args(["-verify_return_error", "-CAfile"]).arg(authorities);
            }
            other => bail!("`{other}` is no client that is known here"),
        }
        let output = command.stdin(Stdio::null()).output();
        let output = output.with_context(|| format!("`{program}` is needed: {line}"))?;
        Ok(output.status.success())
    }
}
