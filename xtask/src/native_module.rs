//! The filter as a native module, the second host: built with the profile in which panics unwind.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use tests::workspace;

use crate::command::run;
use crate::filter_module;
use crate::progress::step;

/// Tests of the package `tests` that are about the wasm module, and what they need of it. All others run on
/// both hosts.
const WASM_ONLY: [(&str, &str); 4] = [
    (
        "binary(panic)",
        "failure policies and virtual machines; tests/tests/native.rs has the native module's panics",
    ),
    (
        "test(a_collector_without_the_capability_for_its_answers_is_refused_and_kills_nothing) + test(without_the_callback_of_responses_a_tunnel_is_reported_once_when_it_ends)",
        "capabilities of the sandbox",
    ),
    (
        "test(a_gateway_serves_the_metrics_of_the_table_and_others_ask_for_no_more)",
        "an error by a capability that is not granted; tests/tests/native.rs compares the native module's metrics",
    ),
    ("binary(spark) + binary(programs) + binary(released_packs) + test(browser::)", "no Envoy"),
];

/// Builds the module that is shipped.
pub(crate) fn build() -> Result<PathBuf> {
    step("building the native module");
    compile(&["tidegate_native"])?;
    workspace::native_module("tidegate_native")
}

/// The same, and beside it the module that panics on request.
pub(crate) fn build_for_tests() -> Result<()> {
    step("building the native module, and one that panics");
    compile(&["tidegate_native", "native_panics"])
}

fn compile(modules: &[&str]) -> Result<()> {
    let mut command = filter_module::reproducible();
    command.args(["build", "--profile", "native", "--package", "filter-native"]);
    run(command.args(modules.iter().flat_map(|module| ["--example", module])))
}

/// Makes a run of the tests one with the native module, and lists the tests that are left out.
pub(crate) fn on_native(nextest: &mut Command) -> String {
    let left_out: Vec<_> = WASM_ONLY.iter().map(|(tests, _)| *tests).collect();
    nextest.args(["-E", &format!("not ({})", left_out.join(" + "))]).env("TIDEGATE_HOST", "native");
    let listed: Vec<_> =
        WASM_ONLY.iter().map(|(tests, why)| format!("left out: {tests}: {why}")).collect();
    listed.join("\n")
}

/// Runs this program again, with the native module in place of the wasm module.
pub(crate) fn run_again() -> Result<()> {
    build()?;
    let program = env::current_exe().context("this program")?;
    run(Command::new(program).args(env::args_os().skip(1)).env("TIDEGATE_HOST", "native"))
}
