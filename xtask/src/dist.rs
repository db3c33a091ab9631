//! `cargo xtask dist`: what a release consists of, and how large it is.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use tests::workspace;

use crate::artifact::Artifacts;
use crate::command::{self, cargo};
use crate::filter_module;
use crate::install;
use crate::progress::step;
use crate::table::Table;

/// Builds the release into `dist/`, from nothing, and prints the sizes.
pub(crate) fn run() -> Result<()> {
    install::targets()?;
    let dist = workspace::root().join("dist");
    if dist.exists() {
        fs::remove_dir_all(&dist)?;
    }
    fs::create_dir_all(&dist)?;

    filter_module::build()?;
    fs::copy(workspace::wasm("filter")?, dist.join("filter.wasm"))?;

    step("building the command line");
    command::run(cargo().args([
        "build",
        "--release",
        "--package",
        "knowledge",
        "--bin",
        "tidegate",
    ]))?;
    let tidegate = dist.join("tidegate");
    fs::copy(workspace::target().join("release/tidegate"), &tidegate)?;
    Artifacts { tidegate }.pack_notes(&dist.join("shipped.pack"))?;

    let mut table = Table::new(&["artefact", "bytes", "gzip"]);
    let mut files = fs::read_dir(&dist)?.collect::<Result<Vec<_>, _>>()?;
    files.sort_by_key(fs::DirEntry::file_name);
    for file in files {
        let (raw, zipped) = sizes(&file.path())?;
        let name = format!("dist/{}", file.file_name().to_string_lossy());
        table.row([name, raw.to_string(), zipped.to_string()]);
    }
    print!("{table}");
    Ok(())
}

fn sizes(file: &Path) -> Result<(usize, usize)> {
    let bytes = fs::read(file).with_context(|| format!("`{}`", file.display()))?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&bytes)?;
    Ok((bytes.len(), encoder.finish()?.len()))
}
