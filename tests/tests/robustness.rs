//! Requests that no proper client sends: none may take the filter's virtual machine down.
#![forbid(unsafe_code)]
#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "tests touch files and print")]

use std::fs;

use anyhow::{Context, Result};
use tests::{Bootstrap, Envoy, Plugin, StandIn, http1, http2, workspace};

/// Every header of a request that the filter or Envoy itself looks at.
const NAMES: [&str; 8] = [
    "User-Agent",
    "Referer",
    "Cookie",
    "X-Request-Id",
    "X-Forwarded-For",
    "Content-Type",
    "Accept",
    "Authorization",
];

/// How many of the large requests Envoy has to let through, so that the filter sees them.
const N_WHOLE: usize = 8;

fn start(mode: &str, stand_in: &StandIn) -> Result<Envoy> {
    let pack = fs::read(workspace::shipped_pack()?)?;
    let filters = [Plugin::tidegate(&pack, mode)?.http_filter()];
    let config = Bootstrap::new().upstream(stand_in.address()).listener("egress", &filters);
    Envoy::start(&config.json())
}

/// Sends each request on a connection of its own. Envoy answers some with 4xx by itself and hangs up
/// on others; 5xx would be the answer of a dead virtual machine.
fn send_all(envoy: &Envoy, requests: &[Vec<u8>]) -> Result<()> {
    for request in requests {
        let answer = http1::send(envoy.listener("egress")?, request);
        let shown = request.get(..60).unwrap_or(request).escape_ascii().to_string();
        let status = answer.map(|answer| answer.status);
        println!("{shown}: {status:?}");
        assert!(!status.is_ok_and(|status| status >= 500), "{shown} was answered with an error");
    }
    Ok(())
}

/// The filter still judges, and Envoy counts no trouble.
fn check_alive(envoy: &Envoy) -> Result<()> {
    let address = envoy.listener("egress")?;
    let before = judged(envoy)?;
    let request = b"GET http://www.example.com/ HTTP/1.1\r\nHost: www.example.com\r\n\r\n";
    assert_eq!(http1::send(address, request)?.status, 200);
    assert_eq!(judged(envoy)?, before + 1, "the request passed the filter by");
    let failures = envoy.plugin_failures()?;
    assert!(failures.is_empty(), "{failures:?}");
    let log = envoy.log()?;
    assert!(!log.contains("panicked") && !log.contains("Function:"), "{log}");
    Ok(())
}

fn judged(envoy: &Envoy) -> Result<u64> {
    let stats = envoy.settled_stats()?;
    let count = stats.iter().find(|(name, _)| name.ends_with("tidegate_requests_total"));
    Ok(*count.context("the filter counts requests")?.1)
}

#[test]
fn bytes_that_are_no_text_in_every_header() -> Result<()> {
    let stand_in = StandIn::start()?;
    for mode in ["monitor", "enforce"] {
        let envoy = start(mode, &stand_in)?;
        let mut all = b"GET /\xff HTTP/1.1\r\nHost: a.example\r\n".to_vec();
        let mut requests = Vec::new();
        for bytes in [&b"\xff"[..], b"\xc0\xaf", b"\x80\xfe\xff", b"\xed\xa0\x80"] {
            let mut all_of_them = b"GET / HTTP/1.1\r\nHost: a.example\r\n".to_vec();
            for name in NAMES {
                let header = [name.as_bytes(), b": ", bytes, b"\r\n"].concat();
                let request = [b"GET / HTTP/1.1\r\nHost: a.example\r\n", &header[..], b"\r\n"];
                requests.push(request.concat());
                all_of_them.extend(&header);
                all.extend(&header);
            }
            all_of_them.extend(b"\r\n");
            requests.push(all_of_them);
            requests.push([b"GET / HTTP/1.1\r\nHost: a", bytes, b".example\r\n\r\n"].concat());
            requests.push([b"GET /", bytes, b" HTTP/1.1\r\nHost: a.example\r\n\r\n"].concat());
        }
        all.extend(b"\r\n");
        requests.push(all);
        send_all(&envoy, &requests)?;
        check_alive(&envoy)?;
    }
    Ok(())
}

#[test]
fn sizes_and_counts_at_the_limits() -> Result<()> {
    let stand_in = StandIn::start()?;
    let envoy = start("enforce", &stand_in)?;
    let long = "a".repeat(60_000);
    let mut many = String::new();
    for idx in 0..900 {
        many.extend(["X-Header-", &idx.to_string(), ": 1\r\n"]);
    }
    let percent = "%25".repeat(20_000);
    let deep = "/..".repeat(20_000);
    let requests = [
        format!("GET /{long} HTTP/1.1\r\nHost: a.example\r\n\r\n"),
        format!("GET /?{long} HTTP/1.1\r\nHost: a.example\r\n\r\n"),
        format!("GET /{percent} HTTP/1.1\r\nHost: a.example\r\n\r\n"),
        format!("GET {deep} HTTP/1.1\r\nHost: a.example\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: {long}\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: a.example\r\nCookie: {long}\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: a.example\r\n{many}\r\n"),
        "GET / HTTP/1.1\r\nHost:\r\n\r\n".to_owned(),
        "GET http://a.example HTTP/1.1\r\nHost: a.example\r\n\r\n".to_owned(),
        "GET  HTTP/1.1\r\nHost: a.example\r\n\r\n".to_owned(),
        "OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n".to_owned(),
        "GET / HTTP/1.0\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nHost: good.example\r\nHost: api.telegram.org\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nHost: user:pw@api.telegram.org\r\n\r\n".to_owned(),
    ];
    let requests = requests.map(String::into_bytes);
    send_all(&envoy, &requests)?;
    for whole in requests.iter().take(N_WHOLE) {
        assert_eq!(http1::send(envoy.listener("egress")?, whole)?.status, 200);
    }
    check_alive(&envoy)
}

#[test]
fn tunnels_and_upgrades() -> Result<()> {
    let stand_in = StandIn::start()?;
    for mode in ["monitor", "enforce"] {
        let envoy = start(mode, &stand_in)?;
        let requests = [
            "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n",
            "CONNECT a.example:443 HTTP/1.1\r\nHost: other.example\r\n\r\n",
            "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n",
            "CONNECT a.example HTTP/1.1\r\nHost: a.example\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        ];
        send_all(&envoy, &requests.map(|request| request.as_bytes().to_vec()))?;
        let connect = http::Request::builder().method("CONNECT").uri("a.example:443").body(())?;
        assert_eq!(http2::send(envoy.listener("egress")?, connect)?.status, 200);
        let odd = http::Request::builder().uri("http://a.example/").header("cookie", &b"\xff"[..]);
        assert_eq!(http2::send(envoy.listener("egress")?, odd.body(())?)?.status, 200);
        check_alive(&envoy)?;
    }
    Ok(())
}
