//! The preview's page: the engine as a module for browsers, and the static folder around it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use tests::workspace;

use crate::command::{cargo, run};
use crate::install;
use crate::progress::step;

const WASM: &str = "wasm32-unknown-unknown";

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
    run(cargo().args(["build", "--release", "--target", WASM, "--package", "preview"]))?;
    let module = workspace::target().join(WASM).join("release/preview.wasm");
    let glue = ["run", "--quiet", "--package", "preview", "--example", "glue", "--"];
    run(cargo().args(glue).arg(module).arg(web.join("src/engine")))?;
    step("building the page");
    fs::create_dir_all(web.join("public"))?;
    fs::copy(pack, web.join("public/shipped.pack"))?;
    let build = ["run", "--silent", "build", "--", "--emptyOutDir", "--logLevel", "warn"];
    run(Command::new("npm").args(build).arg("--outDir").arg(folder).current_dir(web))
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
