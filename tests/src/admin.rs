//! Envoy's administration interface.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::host::metric_name;
use crate::http1::{self, Response};

/// Where an administration interface listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A port on loopback.
    Tcp(SocketAddr),
    /// A socket file.
    Unix(PathBuf),
}

impl Address {
    /// Reads what Envoy writes to `--admin-address-path`; paths are relative to its `directory`.
    pub fn read(text: &str, directory: &Path) -> Option<Address> {
        match text.trim() {
            "" => None,
            path if path.contains('/') => Some(Address::Unix(directory.join(path))),
            address => address.parse().ok().map(Address::Tcp),
        }
    }

    fn send(&self, request: &[u8]) -> Result<Response> {
        match self {
            Address::Tcp(address) => http1::send(*address, request),
            Address::Unix(path) => http1::send_to_file(path, request),
        }
    }
}

impl fmt::Display for Address {
    /// Writes the arguments of curl that reach the interface.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp(address) => write!(f, "http://{address}"),
            Address::Unix(path) => write!(f, "--unix-socket {} http://envoy", path.display()),
        }
    }
}

/// Asks the administration interface; a status other than 200 is an error.
pub fn get(address: &Address, path: &str) -> Result<String> {
    text(address, "GET", path)
}

/// Sends a command to the administration interface.
pub fn post(address: &Address, path: &str) -> Result<String> {
    text(address, "POST", path)
}

/// Whether Envoy takes traffic.
pub(crate) fn is_ready(address: &Address) -> Result<bool> {
    let response = address.send(&request("GET", "/ready"))?;
    Ok(response.status == 200)
}

/// Envoy's counters and gauges by name. Text readouts and histograms are left out.
pub fn stats(address: &Address) -> Result<BTreeMap<String, u64>> {
    let text = get(address, "/stats")?;
    let pairs = text.lines().filter_map(|line| line.rsplit_once(": "));
    Ok(pairs.filter_map(|(name, value)| Some((metric_name(name), value.parse().ok()?))).collect())
}

/// Where Envoy's listeners listen, by name.
pub fn listeners(address: &Address) -> Result<BTreeMap<String, SocketAddr>> {
    let answer: Value = serde_json::from_str(&get(address, "/listeners?format=json")?)?;
    let statuses = answer.pointer("/listener_statuses").and_then(Value::as_array);
    let mut listeners = BTreeMap::new();
    for status in statuses.into_iter().flatten() {
        let name = status.pointer("/name").and_then(Value::as_str).context("name")?;
        let host = status.pointer("/local_address/socket_address/address");
        let port = status.pointer("/local_address/socket_address/port_value");
        let (Some(host), Some(port)) = (host.and_then(Value::as_str), port) else { continue };
        listeners.insert(name.to_owned(), format!("{host}:{port}").parse()?);
    }
    Ok(listeners)
}

fn text(address: &Address, method: &str, path: &str) -> Result<String> {
    let response = address.send(&request(method, path))?;
    let text = String::from_utf8(response.body)?;
    if response.status != 200 {
        bail!("{method} {path} of Envoy's administration interface: {}: {text}", response.status);
    }
    Ok(text)
}

fn request(method: &str, path: &str) -> Vec<u8> {
    let head = "Host: admin\r\nContent-Length: 0\r\nConnection: close";
    format!("{method} {path} HTTP/1.1\r\n{head}\r\n\r\n").into_bytes()
}
