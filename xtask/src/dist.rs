//! `cargo xtask dist`: what a release consists of, and how large it is.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use tests::workspace;

use crate::artifact::Artifacts;
use crate::command::{self, cargo};
use crate::filter_module;
use crate::install;
use crate::native_module;
use crate::page;
use crate::progress::step;
use crate::sizes::sizes;
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
