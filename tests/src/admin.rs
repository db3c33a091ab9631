//! Envoy's administration interface.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::http1;

/// Asks the administration interface; a status other than 200 is an error.
pub fn get(address: SocketAddr, path: &str) -> Result<String> {
    text(address, "GET", path)
}

/// Tells the administration interface to do something.
pub fn post(address: SocketAddr, path: &str) -> Result<String> {
    text(address, "POST", path)
}

/// Whether Envoy takes traffic.
pub(crate) fn is_ready(address: SocketAddr) -> Result<bool> {
    let response = http1::send(address, &request("GET", "/ready"))?;
    Ok(response.status == 200)
}

/// Envoy's counters and gauges by name. Text readouts and histograms are left out.
pub fn stats(address: SocketAddr) -> Result<BTreeMap<String, u64>> {
    let text = get(address, "/stats")?;
    let pairs = text.lines().filter_map(|line| line.rsplit_once(": "));
    Ok(pairs.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?))).collect())
}

/// Where Envoy's listeners listen, by name.
pub fn listeners(address: SocketAddr) -> Result<BTreeMap<String, SocketAddr>> {
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

fn text(address: SocketAddr, method: &str, path: &str) -> Result<String> {
    let response = http1::send(address, &request(method, path))?;
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
