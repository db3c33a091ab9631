//! The filter as a wasm module, made small: every worker of every gateway holds it.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use tests::workspace;
use walrus::ModuleConfig;

use crate::command::{cargo, run};
use crate::progress::step;

/// What the filter exports. The SDK exports every callback of the ABI; those that the filter does not
/// use are 50 kB, and without them Envoy does not call into the module for nothing.
const EXPORTS: [&str; 15] = [
    "memory",
    "_initialize",
    "proxy_abi_version_0_2_1",
    "proxy_on_configure",
    "proxy_on_context_create",
    "proxy_on_delete",
    "proxy_on_downstream_data",
    "proxy_on_http_call_response",
    "proxy_on_log",
    "proxy_on_memory_allocate",
    "proxy_on_new_connection",
    "proxy_on_request_headers",
    "proxy_on_response_headers",
    "proxy_on_tick",
    "proxy_on_vm_start",
];

/// Builds the filter and takes out what it has no use for.
///
/// The paths of this machine are taken out too: the same sources give the same bytes anywhere.
pub(crate) fn build() -> Result<()> {
    step("building the filter for Envoy");
    compile(&["filter"])?;
    trim(&workspace::wasm("filter")?)
}

/// The same, and beside it the filter that panics on request.
pub(crate) fn build_for_tests() -> Result<()> {
    step("building the filter for Envoy, and one that panics");
    compile(&["filter", "panics"])?;
    trim(&workspace::wasm("filter")?)
}

fn compile(modules: &[&str]) -> Result<()> {
    run(reproducible()
        .args(["build", "--release", "--target", "wasm32-wasip1", "--package", "filter-wasm"])
        .args(modules.iter().flat_map(|module| ["--example", module])))
}

/// A cargo that leaves the paths of this machine out of what it builds.
pub(crate) fn reproducible() -> Command {
    let mut flags = Vec::new();
    let home = env::var_os("CARGO_HOME").map(Into::into);
    let home = home.or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    for (from, to) in [(home, "cargo"), (Some(workspace::root()), "tidegate")] {
        if let Some(from) = from {
            flags.push(format!("--remap-path-prefix={}={to}", from.display()));
        }
    }
    let mut command = cargo();
    command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
    command
}

fn trim(file: &Path) -> Result<()> {
    let bytes = fs::read(file)?;
    let mut config = ModuleConfig::new();
    config.generate_name_section(false).generate_producers_section(false);
    let mut module = config.parse(&bytes).context("the module that was built")?;
    let exports = module.exports.iter().map(|export| (export.id(), export.name.clone()));
    let exports: Vec<_> = exports.collect();
    for name in EXPORTS {
        if exports.iter().all(|(_, exported)| exported != name) {
            bail!("the module does not export `{name}`");
        }
    }
    for (id, name) in exports {
        if !EXPORTS.contains(&name.as_str()) {
            module.exports.delete(id);
        }
    }
    walrus::passes::gc::run(&mut module);
    let trimmed = module.emit_wasm();
    // A new file: cargo keeps a link to the old one, and would take a change for its own.
    let new = file.with_extension("new");
    fs::write(&new, trimmed)?;
    fs::rename(&new, file)?;
    Ok(())
}
