//! The preview's page: the engine as a module for browsers, and the static folder around it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};
use serde_json::json;
use tests::workspace;

use crate::command::{cargo, run};
use crate::install;
use crate::progress::step;
use crate::sizes::sizes;

const WASM: &str = "wasm32-unknown-unknown";

/// Most bytes of the page with its module, its pack and the shipped notes, compressed. The notes are a
/// seventh of it, and are fetched behind the first verdict.
const MAX_PAGE_BYTES: usize = 1_900_000;

/// Installs a browser and its driver, and builds the page for the tests.
pub(crate) fn set_up() -> Result<()> {
    install::chromium()?;
    build(&workspace::shipped_pack()?, &workspace::target().join("page"))?;
    install::npm(&workspace::root().join("tests/browser"))
}

/// Builds the page with a pack in it into a folder, which is emptied before.
pub(crate) fn build(pack: &Path, folder: &Path) -> Result<()> {
    install::node()?;
    let web = workspace::root().join("preview/web");
    install::npm(&web)?;
    step("building the engine for browsers");
    run(cargo().args(["build", "--profile", "page", "--target", WASM, "--package", "preview"]))?;
    let module = workspace::target().join(WASM).join("page/preview.wasm");
    let glue = ["run", "--quiet", "--package", "preview", "--example", "glue", "--"];
    run(cargo().args(glue).arg(module).arg(web.join("src/engine")))?;
    step("building the page");
    fs::create_dir_all(web.join("public"))?;
    fs::copy(pack, web.join("public/shipped.pack"))?;
    // What drafts may refer to, and the rules to choose from: the page reads either when it needs it.
    write_notes(&["lists", "services"], &web.join("public/shared.json"))?;
    write_notes(&["rules"], &web.join("public/gallery.json"))?;
    write_codes(&web.join("public/codes.json"))?;
    let build = ["run", "--silent", "build", "--", "--emptyOutDir", "--logLevel", "warn"];
    run(Command::new("npm").args(build).arg("--outDir").arg(folder).current_dir(web))?;
    let (_, zipped) = sizes(folder)?;
    ensure!(
        zipped <= MAX_PAGE_BYTES,
        "the page has {zipped} bytes compressed, at most {MAX_PAGE_BYTES} are allowed"
    );
    Ok(())
}

/// Writes the shipped notes of some kinds into one file, by name and text.
fn write_notes(kinds: &[&str], file: &Path) -> Result<()> {
    let mut notes = Vec::new();
    for kind in kinds {
        for path in files(&workspace::root().join("knowledge/notes").join(kind))? {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.ends_with(".md") {
                notes.push(json!({ "name": name, "text": fs::read_to_string(&path)? }));
            }
        }
    }
    Ok(fs::write(file, serde_json::to_vec(&notes)?)?)
}

/// Writes the sections of `docs/codes.md` into one file, by their codes.
fn write_codes(file: &Path) -> Result<()> {
    let text = fs::read_to_string(workspace::root().join("docs/codes.md"))?;
    let sections = text.split("\n## ").skip(1);
    let codes: BTreeMap<_, _> =
        sections.filter_map(|section| Some((section.split_once(':')?.0, section))).collect();
    Ok(fs::write(file, serde_json::to_vec(&codes)?)?)
}

/// The files below a folder, in order of their paths.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { files.extend(self::files(&path)?) } else { files.push(path) }
    }
    files.sort();
    Ok(files)
}
