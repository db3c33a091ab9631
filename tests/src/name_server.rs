//! A name server of the test's own, on loopback.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// The length of a message's header.
const HEADER: usize = 12;
/// The types of records that it answers with.
const A: u16 = 1;
const AAAA: u16 = 28;
/// How often the thread looks whether it has to end.
const TICK: Duration = Duration::from_millis(100);

/// A server for DNS over UDP that knows the names of a table, and no others.
///
/// It serves until it is dropped.
#[derive(Debug)]
pub struct NameServer {
    address: SocketAddr,
    has_ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl NameServer {
    /// Starts serving a table from names in lower case to addresses.
    pub fn start(table: BTreeMap<String, Vec<IpAddr>>) -> Result<Self> {
        let socket = UdpSocket::bind(("127.0.0.1", 0))?;
        socket.set_read_timeout(Some(TICK))?;
        let address = socket.local_addr()?;
        let has_ended = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&has_ended);
        let serve = move || {
            let mut buffer = [0; 512];
            while !ends.load(Ordering::Relaxed) {
                let Ok((n_bytes, peer)) = socket.recv_from(&mut buffer) else { continue };
                let query = buffer.get(..n_bytes).unwrap_or_default();
                if let Some(response) = answer(query, &table) {
                    // A client that is gone asks no more.
                    let _sent = socket.send_to(&response, peer);
                }
            }
        };
        let thread = thread::Builder::new().name("name-server".to_owned()).spawn(serve);
        let thread = Some(thread.context("starting the name server's thread")?);
        Ok(NameServer { address, has_ended, thread })
    }

    /// Makes every DNS cache in a configuration of Envoy ask this server.
    pub fn serve_for(&self, config: &mut Value) {
        match config {
            Value::Object(map) => {
                if map.contains_key("dns_lookup_family") {
                    let socket = json!({
                        "address": self.address.ip().to_string(),
                        "port_value": self.address.port(),
                    });
                    let resolver = json!({
                        "@type": "type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig",
                        "resolvers": [{"socket_address": socket}],
                        "dns_resolver_options": {"no_default_search_domain": true},
                    });
                    let resolver = json!({"name": "envoy.network.dns_resolver.cares", "typed_config": resolver});
                    map.insert("typed_dns_resolver_config".to_owned(), resolver);
                }
                map.values_mut().for_each(|value| self.serve_for(value));
            }
            Value::Array(values) => values.iter_mut().for_each(|value| self.serve_for(value)),
            _ => {}
        }
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.has_ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

/// Returns the response to a query of one question, or `None` if it is not one.
fn answer(query: &[u8], table: &BTreeMap<String, Vec<IpAddr>>) -> Option<Vec<u8>> {
    let (mut at, mut labels) = (HEADER, Vec::new());
    loop {
        let n_label = usize::from(*query.get(at)?);
        if n_label == 0 {
            break;
        }
        let label = query.get(at + 1..at + 1 + n_label)?;
        labels.push(String::from_utf8_lossy(label).to_ascii_lowercase());
        at += 1 + n_label;
    }
    let kind = u16::from_be_bytes([*query.get(at + 1)?, *query.get(at + 2)?]);
    let question = query.get(HEADER..at + 5)?;
    let addresses = table.get(&labels.join(".")).map(Vec::as_slice).unwrap_or_default();
    let is_asked =
        |address: &&IpAddr| (address.is_ipv4() && kind == A) || (address.is_ipv6() && kind == AAAA);
    let records: Vec<_> = addresses.iter().filter(is_asked).collect();
    let mut response = query.get(..2)?.to_vec();
    // A response without an error, of a server that looks further.
    response.extend([0x81, 0x80, 0, 1, 0, u8::try_from(records.len()).ok()?, 0, 0, 0, 0]);
    response.extend(question);
    for record in records {
        // The name is the question's; class IN, and a second to live.
        response.extend([0xc0, 0x0c]);
        response.extend(kind.to_be_bytes());
        response.extend([0, 1, 0, 0, 0, 1]);
        match record {
            IpAddr::V4(address) => response.extend([&[0, 4][..], &address.octets()].concat()),
            IpAddr::V6(address) => response.extend([&[0, 16][..], &address.octets()].concat()),
        }
    }
    Some(response)
}
