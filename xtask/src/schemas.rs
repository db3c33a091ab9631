//! Published schemas and checkers that events and configurations are held against.

use std::fs;
use std::process::Command;

use anyhow::Result;
use tests::workspace;

use crate::command::run;
use crate::install;
use crate::progress::{note, step};

/// Installs the packages of `tests/schemas`, and Prometheus for its checker of rules.
pub(crate) fn set_up() -> Result<()> {
    install::promtool()?;
    install::node()?;
    let folder = workspace::root().join("tests/schemas");
    install::npm(&folder)?;
    step("Python packages of tests/schemas");
    let (wanted, target) =
        (fs::read(folder.join("requirements.txt"))?, workspace::target().join("schemas"));
    // The copy says what was installed; it comes last, so that a broken run is repeated.
    let done = target.join(".installed");
    if fs::read(&done).is_ok_and(|installed| installed == wanted) {
        note("there");
        return Ok(());
    }
    let mut pip = Command::new(install::python()?);
    pip.args(["-m", "pip", "install", "--quiet", "--upgrade", "--target"]).arg(&target);
    run(pip
        .args(["--disable-pip-version-check", "--root-user-action", "ignore", "-r"])
        .arg(folder.join("requirements.txt")))?;
    Ok(fs::write(done, wanted)?)
}
