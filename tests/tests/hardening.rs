//! What the shipped configurations defend themselves against: docs/hardening.md.
#![expect(clippy::disallowed_methods, reason = "tests touch files")]

use std::fs;
use std::os::unix::fs::PermissionsExt;

use anyhow::{Context, Result, ensure};
use gateway::configuration::{self, Protocol, Settings};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::gateway::Gateway;
use tests::{Launch, admin, workspace};

/// Returns every configuration that is shipped or written, by name.
fn configurations() -> Result<Vec<(String, Value)>> {
    let mut all = Vec::new();
    for name in ["egress-gateway", "connect-sni", "tls-intercept", "transparent"] {
        let file = workspace::root().join("examples").join(name).join("envoy.yaml");
        all.push((name.to_owned(), serde_saphyr::from_str(&fs::read_to_string(file)?)?));
    }
    for protocol in [Protocol::Http, Protocol::Tls] {
        let settings = Settings { protocol, mode: "enforce", ..Settings::default() };
        let files = configuration::envoy(&settings, "1");
        let (name, text) = files.first().context("a file")?;
        let config = serde_saphyr::from_str(str::from_utf8(text)?)?;
        all.push((format!("{name} for {protocol:?}"), config));
    }
    Ok(all)
}

#[test]
fn the_administration_interface_is_a_file_of_its_owner_in_every_configuration() -> Result<()> {
    for (name, config) in configurations()? {
        let address = config.pointer("/admin/address");
        let expect = json!({"pipe": {"path": "./admin.sock", "mode": 0o600}});
        ensure!(address == Some(&expect), "{name}: {address:?}");
    }
    Ok(())
}

#[test]
fn the_administration_interface_answers_its_owner_and_nobody_through_the_proxy() -> Result<()> {
    let directory = TempDir::with_prefix("tidegate-hardening-")?;
    let pack = fs::read(workspace::shipped_pack()?)?;
    let gateway = Gateway::start(&Launch::new()?, directory.path(), &pack, "monitor")?;
    let admin::Address::Unix(file) = gateway.envoy.admin() else {
        anyhow::bail!("{}", gateway.envoy.admin());
    };
    assert_eq!(fs::metadata(file)?.permissions().mode() & 0o777, 0o600);
    assert!(admin::get(gateway.envoy.admin(), "/config_dump")?.contains("tidegate"));
    // No socket of the process but the listener's listens on any port.
    let listening = listening_ports(gateway.envoy.pid())?;
    assert_eq!(listening, [gateway.address()?.port()]);
    Ok(())
}

/// Returns the TCP ports that a process listens on.
fn listening_ports(pid: u32) -> Result<Vec<u16>> {
    let mut inodes = Vec::new();
    for entry in fs::read_dir(format!("/proc/{pid}/fd"))? {
        // A descriptor may be closed while the folder is read.
        let Ok(target) = fs::read_link(entry?.path()) else { continue };
        let target = target.to_string_lossy().into_owned();
        inodes.extend(
            target.strip_prefix("socket:[").map(|rest| rest.trim_end_matches(']').to_owned()),
        );
    }
    let mut ports = Vec::new();
    for table in ["tcp", "tcp6"] {
        for line in fs::read_to_string(format!("/proc/{pid}/net/{table}"))?.lines().skip(1) {
            let fields: Vec<_> = line.split_whitespace().collect();
            let (Some(local), Some(&state), Some(inode)) =
                (fields.get(1), fields.get(3), fields.get(9))
            else {
                continue;
            };
            if state == "0A" && inodes.iter().any(|own| own == inode) {
                let port = local.rsplit(':').next().context("a port")?;
                ports.push(u16::from_str_radix(port, 16)?);
            }
        }
    }
    ports.sort_unstable();
    ports.dedup();
    Ok(ports)
}
