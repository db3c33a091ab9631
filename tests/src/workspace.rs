//! Where things lie in the workspace.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context, Result, bail};

/// The Envoy that is installed and tested unless somebody asks for another.
pub const ENVOY: &str = "1.40.0";

/// The releases of Envoy that are tested: the oldest and the newest that are supported, and the oldest in which
/// the native module is.
pub const ENVOYS: [&str; 3] = ["1.36.4", "1.39.3", ENVOY];

/// The workspace's root folder.
pub fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_owned()
}

/// Cargo's target folder: `CARGO_TARGET_DIR`, else `target` in the workspace.
pub fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Where `cargo xtask setup` puts a version of Envoy.
pub fn installed_envoy(version: &str) -> PathBuf {
    target().join("envoy").join(version).join("envoy/_bin/envoy")
}

/// The Envoy binary: `TIDEGATE_ENVOY`, else an `envoy` on the path, else what set-up installed.
pub fn envoy() -> Result<PathBuf> {
    if let Some(binary) = own_envoy()? {
        return Ok(binary);
    }
    built(installed_envoy(ENVOY), "cargo xtask setup")
}

/// The Envoy that the environment brings along: `TIDEGATE_ENVOY`, else an `envoy` on the path.
pub fn own_envoy() -> Result<Option<PathBuf>> {
    if let Some(binary) = env::var_os("TIDEGATE_ENVOY") {
        let binary = fs::canonicalize(&binary);
        return Ok(Some(binary.context("TIDEGATE_ENVOY names no file")?));
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let candidates = env::split_paths(&path).map(|folder| folder.join("envoy"));
    Ok(candidates.into_iter().find(|candidate| candidate.is_file()))
}

/// A wasm module that set-up built: `filter`, which is shipped, or another example of `filter-wasm`.
pub fn wasm(name: &str) -> Result<PathBuf> {
    let modules = target().join("wasm32-wasip1/release/examples");
    built(modules.join(format!("{name}.wasm")), "cargo xtask setup")
}

/// The releases of Envoy in which the native module is supported: the oldest and the newest.
pub const NATIVE_ENVOYS: [&str; 2] = ["1.39.3", ENVOY];

/// A native module that set-up built: `tidegate_native`, which is shipped, or `native_panics`.
pub fn native_module(name: &str) -> Result<PathBuf> {
    let modules = target().join("native/examples");
    built(modules.join(format!("lib{name}.so")), "cargo xtask setup")
}

/// The library of the package `test-clock`, by which a test sets the time of day of an Envoy.
pub fn test_clock() -> Result<PathBuf> {
    built(target().join("debug/libtest_clock.so"), "cargo xtask setup")
}

/// The native module, if the environment asks for it by `TIDEGATE_HOST=native`: what every test then runs
/// instead of the wasm module, wherever that is an HTTP filter.
pub fn native() -> Result<Option<PathBuf>> {
    match env::var_os("TIDEGATE_HOST") {
        Some(host) if host == "native" => {
            Ok(Some(fs::canonicalize(native_module("tidegate_native")?)?))
        }
        Some(host) if host != "wasm" => bail!("TIDEGATE_HOST is `wasm` or `native`"),
        _ => Ok(None),
    }
}

/// The pack of the shipped notes, as set-up compiled it.
pub fn shipped_pack() -> Result<PathBuf> {
    built(target().join("packs/shipped.pack"), "cargo xtask setup")
}

/// The command line, as set-up built it.
pub fn tidegate() -> Result<PathBuf> {
    built(target().join("debug/tidegate"), "cargo xtask setup")
}

/// The folder of the preview's page, as set-up built it.
pub fn page() -> Result<PathBuf> {
    let page = target().join("page");
    built(page.join("index.html"), "cargo xtask setup")?;
    Ok(page)
}

fn built(file: PathBuf, command: &str) -> Result<PathBuf> {
    if !file.is_file() {
        bail!("`{}` is not there: run `{command}` first", file.display());
    }
    Ok(file)
}
