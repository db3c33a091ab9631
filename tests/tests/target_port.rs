//! Which port a client reaches through the shipped configurations, whatever it calls it: docs/hardening.md.

#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use gateway::event;
use serde_json::Value;
use tests::shipped::Shipped;
use tests::{StandIn, client_hello, exempt, http1, http2, until};

/// How long a peer may stay silent.
const SILENCE: Duration = Duration::from_secs(20);
/// The name of the stand-ins.
const NAME: &str = "site.example";

/// Sends bytes on a connection of its own, and reads until the gateway closes it or `n_bytes` have come.
fn exchange(shipped: &Shipped, bytes: &[u8], n_bytes: u64) -> Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&shipped.address()?, SILENCE)?;
    stream.set_read_timeout(Some(SILENCE))?;
    stream.write_all(bytes)?;
    let mut answer = Vec::new();
    // A connection that is refused may be reset.
    let _reset = stream.take(n_bytes).read_to_end(&mut answer);
    Ok(answer)
}

/// The lines of the access log that came behind the first `n_before`, once there is one.
fn log_behind(shipped: &Shipped, n_before: usize) -> Result<String> {
    until("a line of the access log", || {
        let lines = shipped.envoy.access_log()?.split_off(n_before);
        Ok((!lines.is_empty()).then(|| lines.join("\n")))
    })
}

/// The events so far.
fn events(shipped: &Shipped) -> Result<Vec<Value>> {
    let log = shipped.envoy.log()?;
    Ok(log.lines().flat_map(event::find).collect::<Result<Vec<Value>, _>>()?)
}

/// Fails if anybody has connected.
fn is_untouched(listener: &TcpListener) -> Result<()> {
    listener.set_nonblocking(true)?;
    let accepted = listener.accept();
    let is_silent = accepted.as_ref().is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
    ensure!(is_silent, "somebody has connected: {accepted:?}");
    Ok(())
}

/// Returns true if an event has an anomaly and a rule.
fn reports(event: &Value, anomaly: &str) -> bool {
    let has = |pointer: &str| event.pointer(pointer).is_some();
    let anomalies = event["anomalies"].as_array();
    has("/rules/0") && anomalies.is_some_and(|all| all.iter().any(|name| name == anomaly))
}

#[test]
fn no_server_name_chooses_the_port_where_tls_passes() -> Result<()> {
    let other = TcpListener::bind(("127.0.0.1", 0))?;
    let (stand_in, address) = (StandIn::start()?, other.local_addr()?);
    let port = address.port();
    let names = BTreeMap::from([(NAME.to_owned(), vec![address.ip()])]);
    let usual = stand_in.address().port();
    let shipped = Shipped::start("transparent", names, usual, |config| exempt(config, address))?;
    let of_bytes = [
        [b"\xff".as_slice(), format!("{NAME}:{port}").as_bytes()].concat(),
        [format!("{NAME}:{port}").as_bytes(), b"\n"].concat(),
    ];
    let spelt = [
        format!("{NAME}:{port}"),
        format!("{NAME}.:{port}"),
        format!("SITE.example:{port}"),
        format!("{NAME}:{usual}:{port}"),
        format!("{NAME}:{port}:{usual}"),
        format!("{NAME}:0{port}"),
        format!("{NAME}:+{port}"),
        format!("{NAME}: {port}"),
        format!("{NAME}:{port}."),
        format!(" {NAME}:{port}"),
        format!("x@{NAME}:{port}"),
        format!("[{NAME}]:{port}"),
        format!("127.0.0.1:{port}"),
        format!("[::ffff:127.0.0.1]:{port}"),
        format!("::ffff:127.0.0.1:{port}"),
        format!("{NAME}%3a{port}"),
        format!("{NAME}\u{ff1a}{port}"),
        format!("{NAME}:"),
        format!("{NAME}..:{port}"),
    ];
    let server_names = spelt.into_iter().map(String::into_bytes).chain(of_bytes);
    let mut n_names = 0;
    for server_name in server_names {
        let shown = String::from_utf8_lossy(&server_name).into_owned();
        let n_lines = shipped.envoy.access_log()?.len();
        let answer = exchange(&shipped, &client_hello(&server_name)?, 1)?;
        ensure!(answer.is_empty(), "{shown}: {answer:?}");
        let log = log_behind(&shipped, n_lines)?;
        ensure!(log.contains("odd_server_name"), "{shown}: {log}");
        n_names += 1;
    }
    is_untouched(&other)?;
    let events = until("an event of each", || {
        let events = events(&shipped)?;
        Ok((events.len() >= n_names).then_some(events))
    })?;
    for event in &events {
        ensure!(reports(event, "sni.odd"), "{event}");
    }
    Ok(())
}

/// A CONNECT over HTTP/2 with any text for an authority, which libraries would not send (RFC 9113, 6.2;
/// RFC 7541, 6.2.2).
fn connect(authority: &str) -> Result<Vec<u8>> {
    let text = |text: &str| -> Result<Vec<u8>> {
        let length = u8::try_from(text.len())?;
        ensure!(length < 127, "a longer text has more bytes of length");
        Ok([&[length][..], text.as_bytes()].concat())
    };
    // `:method` and `:authority` are the entries 2 and 1 of the static table.
    let fields = [vec![2], text("CONNECT")?, vec![1], text(authority)?].concat();
    let length = u32::try_from(fields.len())?.to_be_bytes();
    let length = length.get(1..).context("three bytes")?;
    // An empty frame of settings; one of headers that ends them, of stream 1.
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let head = [length, &[1, 4, 0, 0, 0, 1]].concat();
    Ok([b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(), &settings, &head, &fields].concat())
}

#[test]
fn a_tunnel_has_one_name_and_one_port() -> Result<()> {
    for example in ["connect-sni", "tls-intercept"] {
        let other = TcpListener::bind(("127.0.0.1", 0))?;
        let (stand_in, address) = (StandIn::start()?, other.local_addr()?);
        let (port, usual) = (address.port(), stand_in.address().port());
        let names = BTreeMap::from([(NAME.to_owned(), vec![address.ip()])]);
        let shipped = Shipped::start(example, names, usual, |config| exempt(config, address))?;
        let odd = [
            format!("{NAME}:{port}:{usual}"),
            format!("{NAME}:{usual}:{port}"),
            format!("{NAME}:{port}:"),
            format!("{NAME}:0{port}"),
            format!("{NAME}:99999"),
            format!("{NAME}:65536"),
            format!("{NAME}:0"),
            format!("{NAME}:"),
            format!("[::1]:{port}:{usual}"),
        ];
        let n_odd = odd.len();
        for authority in odd.into_iter().chain([NAME.to_owned()]) {
            let n_lines = shipped.envoy.access_log()?.len();
            let sent = [connect(&authority)?, client_hello(NAME.as_bytes())?].concat();
            // Settings come first, and then the answer.
            exchange(&shipped, &sent, 64)?;
            let log = log_behind(&shipped, n_lines)?;
            ensure!(log.contains(r#""status":400"#), "{example}: {authority}: {log}");
        }
        is_untouched(&other)?;
        until("an event of each", || {
            let events = events(&shipped)?;
            let odd = events.iter().filter(|event| reports(event, "port.nonstandard_form"));
            Ok((odd.count() >= n_odd).then_some(()))
        })?;
    }
    Ok(())
}

#[test]
fn a_scheme_does_not_stand_for_a_port_that_is_not_called() -> Result<()> {
    let stand_in = StandIn::start()?;
    let address = stand_in.address();
    let names = BTreeMap::from([(NAME.to_owned(), vec![address.ip()])]);
    let shipped = Shipped::start("egress-gateway", names, 443, |config| exempt(config, address))?;
    let host = format!("{NAME}:{}", address.port());
    for (scheme, over_1, over_2) in [("http", 200, 200), ("https", 403, 400)] {
        let url = format!("{scheme}://{host}/");
        let request = format!("GET {url} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let response = http1::send(shipped.address()?, request.as_bytes())?;
        assert_eq!(response.status, over_1, "{url} over HTTP/1.1");
        let request = http::Request::get(url.as_str()).body(())?;
        let response = http2::send(shipped.address()?, request)?;
        assert_eq!(response.status, over_2, "{url} over HTTP/2");
    }
    Ok(())
}
