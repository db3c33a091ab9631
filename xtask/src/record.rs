//! `cargo xtask record`: the recorded results of the shipped runbooks, from the demo's gateway.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;
use tests::gateway::Gateway;
use tests::{Launch, workspace};

use crate::artifact::Artifacts;
use crate::command::output;
use crate::install;
use crate::progress::{note, step};

/// The techniques of the vault in the repository.
const TECHNIQUES: &str = "T1102,T1567,T1090,T1572,T1105,T1071.001";
const ATTACK: &str = "knowledge/attack/enterprise-attack-18.1-web-services.json";

/// Records every runbook, and builds the vault. An error where a runbook fails: its note says so then.
pub(crate) fn run() -> Result<()> {
    install::targets()?;
    let binary = install::envoy()?;
    let artifacts = Artifacts::build()?;
    let pack = fs::read(workspace::shipped_pack()?)?;

    step(
        "starting the gateway of examples/egress-gateway, in front of a stand-in for the internet",
    );
    let scratch = TempDir::with_prefix("tidegate-record-")?;
    let launch = Launch { binary, ..Launch::new()? };
    let gateway = Gateway::start(&launch, scratch.path(), &pack, "monitor")?;
    let url = format!("http://{}", gateway.address()?);

    step("running the runbooks of knowledge/notes through it");
    let mut record = Command::new(&artifacts.tidegate);
    record.current_dir(workspace::root());
    record.args(["test", "knowledge/notes", "--record", "--gateway", &url]);
    for log in ["access.log", "envoy.log"] {
        record.arg("--log").arg(scratch.path().join(log));
    }
    let recorded = record.output().context("`tidegate test --record`")?;
    let printed = String::from_utf8_lossy(&recorded.stdout);
    note(printed.trim_end());

    step("building vault/");
    let mut build = Command::new(&artifacts.tidegate);
    build.current_dir(workspace::root()).args(["vault", "build", "--links", "markdown"]);
    build.args(["--attack", ATTACK, "--techniques", TECHNIQUES, "vault"]);
    note(output(&mut build)?.trim_end());
    if !recorded.status.success() {
        bail!("not every runbook passed\n{}", String::from_utf8_lossy(&recorded.stderr));
    }
    Ok(())
}
