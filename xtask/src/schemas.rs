//! Published schemas and checkers for events and configurations.

use anyhow::Result;
use tests::workspace;

use crate::install;

/// Installs the packages of `tests/schemas`, and Prometheus for its checker of rules.
pub(crate) fn set_up() -> Result<()> {
    install::promtool()?;
    install::node()?;
    let folder = workspace::root().join("tests/schemas");
    install::npm(&folder)?;
    install::pip(&folder, "schemas")
}
