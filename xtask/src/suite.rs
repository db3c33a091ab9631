//! `cargo xtask test` and `matrix`: set-up, then every test of the workspace, or those with an Envoy.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};
use tests::workspace;

use crate::artifact::Artifacts;
use crate::command::{self, cargo, succeeds};
use crate::install;
use crate::native_module;
use crate::page;
use crate::progress::{note, step};
use crate::schemas;
use crate::skipped::Record;
use crate::vault;

/// Installs and builds what the tests need besides an Envoy.
pub(crate) fn set_up() -> Result<Artifacts> {
    install::targets()?;
    install::clients()?;
    install::proxies()?;
    install::editor()?;
    let artifacts = Artifacts::build()?;
    native_module::build_for_tests()?;
    schemas::set_up()?;
    page::set_up()?;
    vault::set_up()?;
    install::java()?;
    install::pip(&workspace::root().join("tests/re2"), "re2")?;
    install::pip(&workspace::root().join("tests/mcp"), "mcp")?;
    install::pip(&workspace::root().join("examples/spark-hunt"), "spark")?;
    Ok(artifacts)
}

/// Runs the tests once, or those that start an Envoy once for each of `versions`. Lists at the end which
/// were skipped.
pub(crate) fn run(versions: &[String]) -> Result<()> {
    let envoys: Vec<PathBuf> = match versions {
        [] => vec![install::envoy()?],
        versions => {
            versions.iter().map(|version| install::envoy_of(version)).collect::<Result<_>>()?
        }
    };
    let artifacts = set_up()?;
    let record = Record::start()?;
    let outcome = run_all(&envoys, &artifacts, &record);
    record.report()?;
    outcome?;
    step("all tests passed");
    Ok(())
}

fn run_all(envoys: &[PathBuf], artifacts: &Artifacts, record: &Record) -> Result<()> {
    let mut envoys = envoys.iter();
    if let Some(envoy) = envoys.next() {
        step(&format!("all tests, with {}", envoy.display()));
        command::run(record.of(&mut test(&["--workspace"])).env("TIDEGATE_ENVOY", envoy))?;
    }
    vault::test(artifacts, record)?;
    // What runs without an Envoy has been run.
    for envoy in envoys {
        with_envoy(envoy, record)?;
    }
    step("the examples in the documentation");
    command::run(cargo().args(["test", "--quiet", "--workspace", "--doc"]))
}

/// Runs the tests that start an Envoy with each of `versions`, or with each release that is supported.
pub(crate) fn matrix(versions: &[String]) -> Result<()> {
    let supported = workspace::ENVOYS.map(str::to_owned);
    let versions = if versions.is_empty() { &supported[..] } else { versions };
    let envoys = versions.iter().map(|version| install::envoy_of(version));
    let envoys = envoys.collect::<Result<Vec<_>>>()?;
    set_up()?;
    let record = Record::start()?;
    let mut failed = Vec::new();
    for (version, envoy) in versions.iter().zip(&envoys) {
        if let Err(error) = with_envoy(envoy, &record).and_then(|()| on_native(envoy, &record)) {
            note(&format!("{error:#}"));
            failed.push(version.as_str());
        }
    }
    record.report()?;
    if !failed.is_empty() {
        bail!("tests failed with Envoy {}", failed.join(", "));
    }
    step(&format!("all tests passed with Envoy {}", versions.join(", ")));
    Ok(())
}

fn with_envoy(envoy: &Path, record: &Record) -> Result<()> {
    step(&format!("the tests that start an Envoy, with {}", envoy.display()));
    command::run(record.of(&mut test(&["--package", "tests"])).env("TIDEGATE_ENVOY", envoy))
}

/// Runs the tests that start an Envoy with the native module, if Envoy has the functions for it.
fn on_native(envoy: &Path, record: &Record) -> Result<()> {
    let runs_native = workspace::NATIVE_ENVOYS.iter().any(|version| is_of(envoy, version));
    if !runs_native {
        return Ok(());
    }
    step(&format!("the tests that start an Envoy, on the native module, with {}", envoy.display()));
    let mut tests = test(&["--package", "tests"]);
    if tests.get_args().all(|argument| argument != "nextest") {
        // Only nextest leaves tests out by their binary.
        return record.add("test, on the native module", "cargo-nextest".to_owned());
    }
    for line in native_module::on_native(&mut tests).lines() {
        note(line);
    }
    command::run(record.of(&mut tests).env("TIDEGATE_ENVOY", envoy))
}

/// Returns true if a binary says that it is of a version.
fn is_of(envoy: &Path, version: &str) -> bool {
    let said = command::output(Command::new(envoy).arg("--version"));
    said.is_ok_and(|said| said.contains(&format!("/{version}/")))
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
