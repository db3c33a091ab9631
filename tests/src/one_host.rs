//! The smallest packs that can be distinguished from outside: each denies one host.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};

use crate::http1;

/// The hosts that such packs deny.
pub const HOSTS: [&str; 3] = ["a.example", "b.example", "c.example"];

/// A pack of a version that denies one host.
pub fn pack(host: &str, version: u64) -> Result<Vec<u8>> {
    let text = format!(
        "title: {host}\nid: 0f9f0e0e-6d0c-4c3c-8f43-5a6b8f3f0d01\nlogsource: {{category: proxy}}\n\
         detection: {{selection: {{cs-host: {host}}}, condition: selection}}\n"
    );
    let parsed = sigma::parse(&sigma::Source::new("rule", &text));
    let mut compiler = sigma::Compiler::new("egress", version);
    let rule = parsed.rules.first().context("one rule")?;
    ensure!(compiler.add(rule).is_ok(), "the rule is refused");
    Ok(compiler.finish().encode())
}

/// A request to a host.
pub fn request(host: &str) -> Vec<u8> {
    format!("GET http://{host}/ HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes()
}

/// Which of [`HOSTS`] are denied now; an error if one is answered with anything but 200 or 403.
pub fn denied(address: SocketAddr) -> Result<Vec<&'static str>> {
    let mut denied = Vec::new();
    for host in HOSTS {
        match http1::send(address, &request(host))?.status {
            403 => denied.push(host),
            200 => {}
            status => bail!("{host}: {status}"),
        }
    }
    Ok(denied)
}
