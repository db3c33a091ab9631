//! What is built from the sources: wasm modules, the command line, packs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use tests::workspace;

use crate::command::{cargo, output, run};
use crate::filter_module;
use crate::progress::{note, step};

const WASM: &str = "wasm32-wasip1";

/// Builds the filters that benches compare with.
pub(crate) fn build_examples() -> Result<()> {
    step("building the filters to compare with");
    // By name: all of them are the filter, too, and cargo would put it back as it was before it was made small.
    let examples = ["--package", "filter-wasm", "--example", "noop", "--example", "header_map"];
    run(cargo().args(["build", "--release", "--target", WASM]).args(examples))
}

/// What tests, the demo and benches run.
#[derive(Debug)]
pub(crate) struct Artifacts {
    /// The `tidegate` command line.
    pub(crate) tidegate: PathBuf,
}

impl Artifacts {
    /// Builds the filter, the command line, the clock of tests and the pack of the shipped notes.
    pub(crate) fn build() -> Result<Self> {
        filter_module::build_for_tests()?;
        run(cargo().args(["build", "--package", "test-clock"]))?;
        let artifacts = Artifacts::command_line()?;
        let packs = workspace::target().join("packs");
        fs::create_dir_all(&packs)?;
        artifacts.pack_notes(&packs.join("shipped.pack"))?;
        Ok(artifacts)
    }

    /// Builds the command line.
    pub(crate) fn command_line() -> Result<Self> {
        step("building the command line");
        run(cargo().args(["build", "--package", "tidegate", "--bin", "tidegate"]))?;
        Ok(Artifacts { tidegate: workspace::target().join("debug/tidegate") })
    }

    /// Compiles the shipped notes.
    pub(crate) fn pack_notes(&self, pack: &Path) -> Result<()> {
        step("compiling the shipped notes");
        self.pack("shipped", &workspace::root().join("knowledge/notes"), pack)
    }

    /// Compiles notes or Sigma files into a pack, and repeats what the compiler says.
    pub(crate) fn pack(&self, name: &str, sources: &Path, pack: &Path) -> Result<()> {
        let mut command = Command::new(&self.tidegate);
        command.args(["pack", "--name", name, "-o"]).arg(pack).arg(sources);
        for line in output(&mut command)?.lines() {
            note(line);
        }
        Ok(())
    }
}
