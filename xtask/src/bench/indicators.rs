//! Indicator rules: hosts as threat intelligence lists them, made up.

use std::fmt::Write;

use anyhow::Result;

/// Invented names: no host of the load is among them, and no two are the same.
pub(crate) fn hosts(n_hosts: usize) -> Vec<String> {
    let tops = ["example", "test", "invalid", "example.net", "example.org", "example.com"];
    (0..n_hosts)
        .zip(tops.iter().cycle())
        .map(|(idx, top)| {
            // Multiplying by an odd number gives every index a name of its own without a pattern.
            let mixed = (idx as u32 + 1).wrapping_mul(0x9e37_79b1);
            format!("cdn-{mixed:08x}.{top}")
        })
        .collect()
}

/// One Sigma rule per host, as a YAML stream: the host, and all below it.
pub(crate) fn rules(hosts: &[String]) -> Result<String> {
    let mut text = String::new();
    for (idx, host) in hosts.iter().enumerate() {
        write!(
            text,
            "---\ntitle: Indicator {idx}\nid: 5ca1ab1e-0000-4000-8000-{idx:012x}\nstatus: experimental\n\
             logsource:\n    category: proxy\ndetection:\n    exact:\n        cs-host: {host}\n    \
             below:\n        cs-host|endswith: .{host}\n    condition: exact or below\nlevel: high\n"
        )?;
    }
    Ok(text)
}
