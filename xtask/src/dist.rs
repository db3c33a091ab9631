//! `cargo xtask dist`: what a release consists of, and how large it is.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;
use tests::workspace;

use crate::artifact::Artifacts;
use crate::command::{self, cargo};
use crate::filter_module;
use crate::install;
use crate::native_module;
use crate::page;
use crate::progress::step;
use crate::table::Table;

/// Most bytes of the page with its module, its pack and the shipped notes, compressed. The notes are a
/// seventh of it, and are fetched behind the first verdict.
const MAX_PAGE_BYTES: usize = 1_900_000;

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

    fs::copy(native_module::build()?, dist.join("libtidegate_native.so"))?;

    // The command line embeds the page, and the page the pack, which a command line has to compile.
    let shipped = dist.join("shipped.pack");
    Artifacts::command_line()?.pack_notes(&shipped)?;
    let page = dist.join("preview");
    page::build(&shipped, &page)?;

    step("building the command line");
    let release = ["build", "--release", "--package", "tidegate", "--bin", "tidegate"];
    command::run(cargo().args(release).env("TIDEGATE_PAGE", &page))?;
    let tidegate = dist.join("tidegate");
    fs::copy(workspace::target().join("release/tidegate"), &tidegate)?;
    for_shells(&tidegate, &dist)?;

    let mut table = Table::new(&["artefact", "bytes", "gzip"]);
    let mut files = fs::read_dir(&dist)?.collect::<Result<Vec<_>, _>>()?;
    files.sort_by_key(fs::DirEntry::file_name);
    for file in files {
        let (raw, zipped) = sizes(&file.path())?;
        if file.path() == page {
            ensure!(
                zipped <= MAX_PAGE_BYTES,
                "the page has {zipped} bytes, at most {MAX_PAGE_BYTES} are allowed"
            );
        }
        let name = format!("dist/{}", file.file_name().to_string_lossy());
        table.row([name, raw.to_string(), zipped.to_string()]);
    }
    print!("{table}");
    Ok(())
}

/// The files of completions, by the names that shells look for.
const COMPLETIONS: &[(&str, &str)] = &[
    ("bash", "tidegate.bash"),
    ("zsh", "_tidegate"),
    ("fish", "tidegate.fish"),
    ("powershell", "_tidegate.ps1"),
    ("elvish", "tidegate.elv"),
];

/// Writes completions of shells and manual pages beside the program.
fn for_shells(tidegate: &Path, dist: &Path) -> Result<()> {
    step("writing completions and manual pages");
    let (completions, manual) = (dist.join("completions"), dist.join("man"));
    fs::create_dir_all(&completions)?;
    fs::create_dir_all(&manual)?;
    for (shell, file) in COMPLETIONS {
        let text = command::output(Command::new(tidegate).args(["completions", shell]))?;
        fs::write(completions.join(file), text)?;
    }
    command::run(Command::new(tidegate).arg("man").arg(&manual))
}

/// Bytes of a file, or of all files of a folder: as they are, and each compressed.
fn sizes(path: &Path) -> Result<(usize, usize)> {
    if path.is_dir() {
        let sizes =
            page::files(path)?.iter().map(|file| sizes(file)).collect::<Result<Vec<_>>>()?;
        return Ok(sizes.iter().fold((0, 0), |sum, file| (sum.0 + file.0, sum.1 + file.1)));
    }
    let bytes = fs::read(path).with_context(|| format!("`{}`", path.display()))?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&bytes)?;
    Ok((bytes.len(), encoder.finish()?.len()))
}
