//! The settings of the project that is served.

use std::path::Path;

use diagnostics::report;

use crate::disk;
use crate::project::{FILE_NAME, Project};

/// Reads the project file in the working folder, as it is now. Its paths have to be inside of the project, as
/// those of a call: reports quote what is there.
pub(super) fn settings() -> Result<Project, String> {
    let project = Project::read(Path::new("")).map_err(|refused| {
        format!(
            "the project file is broken\n{}",
            report::to_text(&refused.findings, &refused.sources)
        )
    })?;
    let settings =
        [&project.placeholders, &project.policy, &project.logs.map, &project.identity_key];
    let single = settings.into_iter().flatten();
    for path in project.notes.iter().chain(single) {
        confined(path)?;
    }
    Ok(project)
}

fn confined(path: &Path) -> Result<(), String> {
    let name = disk::name(path);
    disk::confined(&name).map(|_| ()).map_err(|error| {
        let why = disk::reason(&error);
        format!("{FILE_NAME} names `{}`, which is refused: {why}", name.escape_debug())
    })
}
