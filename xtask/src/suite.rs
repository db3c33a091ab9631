//! `cargo xtask test`: set-up, then every test of the workspace.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;
use tests::workspace;

use crate::artifact::Artifacts;
use crate::command::{self, cargo, succeeds};
use crate::install;
use crate::page;
use crate::progress::step;
use crate::schemas;
use crate::vault;

/// Installs and builds what the tests need besides an Envoy.
pub(crate) fn set_up() -> Result<Artifacts> {
    install::targets()?;
    install::clients()?;
    let artifacts = Artifacts::build()?;
    schemas::set_up()?;
    page::set_up()?;
    vault::set_up()?;
    install::java()?;
    install::pip(&workspace::root().join("examples/spark-hunt"), "spark")?;
    Ok(artifacts)
}

/// Runs the tests once, or those that start an Envoy once for each of `versions`.
pub(crate) fn run(versions: &[String]) -> Result<()> {
    let envoys: Vec<PathBuf> = match versions {
        [] => vec![install::envoy()?],
        versions => {
            versions.iter().map(|version| install::envoy_of(version)).collect::<Result<_>>()?
        }
    };
    let artifacts = set_up()?;
    if workspace::corpora().is_none() {
        step("the corpora are not there: tests of them are skipped; set TIDEGATE_CORPORA");
    }
    let mut envoys = envoys.iter();
    if let Some(envoy) = envoys.next() {
        step(&format!("all tests, with {}", envoy.display()));
        command::run(test(&["--workspace"]).env("TIDEGATE_ENVOY", envoy))?;
    }
    vault::test(&artifacts)?;
    // What runs without an Envoy has been run.
    for envoy in envoys {
        step(&format!("the tests that start an Envoy, with {}", envoy.display()));
        command::run(test(&["--package", "tests"]).env("TIDEGATE_ENVOY", envoy))?;
    }
    step("the examples in the documentation");
    command::run(cargo().args(["test", "--quiet", "--workspace", "--doc"]))?;
    step("all tests passed");
    Ok(())
}

/// The test runner: nextest where it is installed, since it runs each test in a process of its own.
fn test(packages: &[&str]) -> Command {
    let mut command = cargo();
    if succeeds(cargo().args(["nextest", "--version"])) {
        command.args(["nextest", "run", "--no-fail-fast"]).args(packages);
    } else {
        command.args(["test", "--no-fail-fast", "--all-targets"]).args(packages);
    }
    command
}
