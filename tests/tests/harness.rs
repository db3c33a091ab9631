//! The harness itself: an Envoy without any plugin.
#![forbid(unsafe_code)]

use anyhow::Result;
use tests::{Bootstrap, Envoy, StandIn, http1, http2};

#[test]
fn envoy_forwards_http1_http2_and_tunnels() -> Result<()> {
    let stand_in = StandIn::start()?;
    let config = Bootstrap::new().upstream(stand_in.address()).listener("egress", &[]).json();
    let envoy = Envoy::start(&config)?;
    let address = envoy.listener("egress")?;

    let request =
        b"GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\nX-Stand-In-Status: 418\r\n\r\n";
    assert_eq!(http1::send(address, request)?.status, 418);

    let request = http::Request::builder().uri("http://a.example/").body(())?;
    let response = http2::send(address, request)?;
    assert_eq!(response.status, 200);
    assert!(response.body.starts_with(b"This is a stand-in"), "{response:?}");

    let request = http::Request::builder().method("CONNECT").uri("a.example:443").body(())?;
    assert_eq!(http2::send(address, request)?.status, 200);

    let mut tunnel = http1::Connection::open(address)?;
    let opened = tunnel.send(b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n")?;
    assert_eq!(opened.status, 200);
    let inside = tunnel.send(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")?;
    assert_eq!(inside.header("server"), Some(&b"tidegate-stand-in"[..]));
    drop(tunnel);

    assert_eq!(envoy.access_log_of(4)?.len(), 4);
    assert!(envoy.plugin_failures()?.is_empty());
    Ok(())
}

#[test]
fn a_refused_configuration_is_an_error_that_quotes_the_log() {
    let error = Envoy::start(&serde_json::json!({"nonsense": 1})).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("nonsense"), "{error}");
}
