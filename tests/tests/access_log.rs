//! What the access log of the shipped configurations shows of a host: names, addresses and ports, nothing else.

#![forbid(unsafe_code)]

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tests::http1;
use tests::shipped::Shipped;

/// A password, as it must not be shown.
const SECRET: &str = "SeCrEtPaSs77";

/// Sends a host, and returns it as the access log has it.
fn logged(shipped: &Shipped, method: &str, host: &str) -> Result<Value> {
    let n_lines = shipped.envoy.access_log()?.len();
    let target = if method == "CONNECT" { host } else { "/raw/abcd1234" };
    let request =
        format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    // Whether Envoy takes it or not.
    let _response = http1::send(shipped.address()?, request.as_bytes());
    let lines = shipped.envoy.access_log_of(n_lines + 1)?.split_off(n_lines);
    ensure!(!lines.join("\n").contains(SECRET), "{host}: {lines:?}");
    let line: Value = serde_json::from_str(lines.first().context("a line")?)?;
    line.get("host").cloned().context("a host")
}

#[test]
fn no_spelling_of_a_password_in_a_host_is_logged() -> Result<()> {
    for (example, method) in
        [("egress-gateway", "GET"), ("connect-sni", "CONNECT"), ("tls-intercept", "CONNECT")]
    {
        let shipped = Shipped::start(example, BTreeMap::new(), 443, |_| {})?;
        for hidden in [
            format!("alice:{SECRET}@pastebin.com"),
            format!("alice:{SECRET}%40pastebin.com"),
            format!("alice:{SECRET}%2540pastebin.com"),
            format!("alice%3A{SECRET}%40pastebin.com"),
            format!("alice:{SECRET}%u0040pastebin.com"),
            format!("alice:{SECRET}%EF%BC%A0pastebin.com"),
            format!("alice:{SECRET}\u{ff20}pastebin.com"),
            format!("alice:{SECRET}&commat;pastebin.com"),
            format!("pastebin.com:{SECRET}"),
            format!("pastebin.com%3a{SECRET}"),
            format!("pastebin.com%2f{SECRET}"),
            format!("pastebin.com/{SECRET}"),
            format!("pastebin.com;{SECRET}"),
            format!("pastebin.com,{SECRET}"),
            format!("[2001:db8::1]{SECRET}"),
            // No name is so long, and a client may send many.
            "a".repeat(300),
        ] {
            let host = logged(&shipped, method, &hidden)?;
            // A request that Envoy could not read has no host at all.
            ensure!(host == "withheld" || host.is_null(), "{example}: {hidden}: {host}");
        }
        for plain in ["pastebin.com:443", "a-b.example:8080", "[2001:db8::1]:443", "192.0.2.1:80"] {
            assert_eq!(logged(&shipped, method, plain)?, plain, "{example}");
        }
    }
    Ok(())
}
