//! The vaults: every query of theirs, run with Dataview's own parser.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use tempfile::TempDir;
use tests::workspace;

use crate::artifact::Artifacts;
use crate::command::{output, run};
use crate::install;
use crate::progress::{note, step};
use crate::skipped::Record;

fn harness() -> PathBuf {
    workspace::root().join("tests/dataview")
}

/// Installs Dataview's parser, which the tests of `knowledge` run too.
pub(crate) fn set_up() -> Result<()> {
    install::node()?;
    install::npm(&harness())
}

/// Runs every query of the vault in the repository, and of one that is built from the corpora.
pub(crate) fn test(artifacts: &Artifacts, record: &Record) -> Result<()> {
    step("every query of the vault");
    queries(&workspace::root().join("vault"))?;
    step("every query of a vault of the corpora");
    let parts = ["sigma", "elastic", "splunk", "atomic", "attack", "d3fend"];
    let corpora = match corpora::find(&parts) {
        Ok(corpora) => corpora,
        Err(missing) => return record.add("every query of a vault of the corpora", missing),
    };
    let scratch = TempDir::with_prefix("tidegate-vault-")?;
    note(output(&mut build(&artifacts.tidegate, &corpora, scratch.path()))?.trim_end());
    let mut check = Command::new(&artifacts.tidegate);
    output(check.args(["vault", "check"]).arg(scratch.path()))?;
    queries(scratch.path())
}

fn queries(vault: &Path) -> Result<()> {
    run(Command::new("node").arg("check.mjs").arg(vault).current_dir(harness()))
}

/// The command that builds a vault from our notes, the samples beside the corpora, and the corpora.
pub(crate) fn build(tidegate: &Path, corpora: &Path, vault: &Path) -> Command {
    // This repository's own project file says otherwise.
    let options = ["vault", "build", "--all", "--links", "wiki"];
    let mut arguments: Vec<OsString> = options.map(OsString::from).to_vec();
    let samples = corpora.join("../notes");
    let notes = Some(workspace::root().join("knowledge/notes"));
    for path in notes.into_iter().chain(samples.is_dir().then_some(samples)) {
        arguments.extend(["--notes".into(), path.into()]);
    }
    for (option, path) in [
        ("--sigma", "sigma"),
        ("--elastic", "elastic"),
        ("--splunk", "splunk"),
        ("--atomic", "atomic"),
        ("--attack", "attack/enterprise-attack/enterprise-attack-18.1-slim.json"),
        ("--d3fend", "d3fend"),
    ] {
        arguments.extend([option.into(), corpora.join(path).into()]);
    }
    let mut command = Command::new(tidegate);
    command.args(arguments).arg(vault);
    command
}
