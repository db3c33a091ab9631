//! Indicator rules: hosts as threat intelligence lists them, made up.

use std::fmt::Write;

use anyhow::{Context, Result};

/// Invented names: no host of the load is among them, and no two are the same.
pub(crate) fn hosts(n_hosts: usize) -> Vec<String> {
    let tops = ["example", "test", "invalid", "example.net", "example.org", "example.com"];
    (0_u32..)
        .take(n_hosts)
        .zip(tops.iter().cycle())
        .map(|(idx, top)| {
            // Multiplying by an odd number gives every index a name of its own without a pattern.
            let mixed = (idx + 1).wrapping_mul(0x9e37_79b1);
            format!("cdn-{mixed:08x}.{top}")
        })
        .collect()
}

/// One Sigma rule per host, as a YAML stream: the host, and all below it.
pub(crate) fn rules(hosts: &[String]) -> Result<String> {
    let mut text = String::new();
    for host in hosts {
        // Hosts are unique, and begin with eight hexadecimal digits that are.
        let digits = host.get(4..12).context("a host of this file")?;
        write!(
            text,
            "---\ntitle: Indicator {host}\nid: {digits}-0000-4000-8000-000000000000\nstatus: experimental\n\
             logsource:\n    category: proxy\ndetection:\n    exact:\n        cs-host: {host}\n    \
             below:\n        cs-host|endswith: .{host}\n    condition: exact or below\nlevel: high\n"
        )?;
    }
    Ok(text)
}
