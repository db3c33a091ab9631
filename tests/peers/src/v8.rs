//! tidegate in V8: the engine built for wasm (`wasm/`), timed by `engine.mjs` in Node.js.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use serde_json::Value;

const TARGET: &str = "wasm32-unknown-unknown";

/// What one pack takes in V8.
#[derive(Clone, Copy, Debug)]
pub struct InV8 {
    /// Nanoseconds from fields to verdict, the median over all rounds.
    pub run: f64,
    /// Nanoseconds of them in which fields are answered.
    pub prepare: f64,
    /// Matches in one pass over the events.
    pub n_matches: usize,
    /// Milliseconds to decode the pack, once the functions are compiled.
    pub decode: f64,
    /// The same for the first time.
    pub first_decode: f64,
    /// Bytes of the pack.
    pub n_bytes: usize,
    /// Bytes by which decoding it grew the memory of the instance, which holds the encoded pack too.
    pub memory: usize,
}

/// Builds the engine and times every pack on the events that [`crate::sets::record`] wrote.
///
/// # Errors
/// Where cargo or node fail, with what they said.
pub fn measure(packs: &[Vec<u8>], events: &str) -> anyhow::Result<Vec<InV8>> {
    let base = Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = base.join("target/engine-v8");
    std::fs::create_dir_all(&out)?;
    let events_path = out.join("events.txt");
    std::fs::write(&events_path, events)?;
    let mut paths = Vec::new();
    for (idx, pack) in packs.iter().enumerate() {
        let path = out.join(format!("{idx}.pack"));
        std::fs::write(&path, pack)?;
        paths.push(path);
    }
    let status = Command::new("cargo")
        .current_dir(base)
        .args(["build", "--quiet", "--release", "--package", "engine-v8", "--target", TARGET])
        .status()
        .context("cargo does not start")?;
    anyhow::ensure!(status.success(), "the engine does not build for {TARGET}");
    let module = base.join("target").join(TARGET).join("release/engine_v8.wasm");
    let output = Command::new("node")
        .arg(base.join("engine.mjs"))
        .args([module.as_path(), &events_path])
        .args(paths.iter().map(PathBuf::as_path))
        .output()
        .context("node does not start")?;
    let errors = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "engine.mjs fails: {errors}");
    let rows: Vec<InV8> =
        String::from_utf8(output.stdout)?.lines().map(row).collect::<anyhow::Result<_>>()?;
    anyhow::ensure!(rows.len() == packs.len(), "engine.mjs reports {} packs", rows.len());
    Ok(rows)
}

fn row(line: &str) -> anyhow::Result<InV8> {
    let row: Value = serde_json::from_str(line)?;
    let number = |name: &str| row[name].as_f64().with_context(|| format!("{line}: no `{name}`"));
    let count = |name: &str| -> anyhow::Result<usize> {
        let count = row[name].as_u64().with_context(|| format!("{line}: no `{name}`"))?;
        Ok(usize::try_from(count)?)
    };
    Ok(InV8 {
        run: number("run")?,
        prepare: number("prepare")?,
        n_matches: count("matches")?,
        decode: number("decode")?,
        first_decode: number("first")?,
        n_bytes: count("bytes")?,
        memory: count("memory")?,
    })
}
