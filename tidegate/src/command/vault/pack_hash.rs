//! The hash of the pack that `tidegate pack` writes of a vault's notes in its project.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use knowledge::{Compilation, Library, PACK_NAME, PACK_VERSION};

use super::super::{DEFAULT_PATH, Hosts};
use crate::disk;
use crate::project::Project;

/// What a project says of its pack.
#[derive(Clone, Debug, Default)]
pub(super) struct PackSettings {
    name: Option<String>,
    /// Whether more than notes decides the pack: a policy, values of placeholders, another way to compare hosts.
    has_more: bool,
}

impl PackSettings {
    pub(super) fn of(project: &Project) -> PackSettings {
        let has_more = project.policy.is_some()
            || project.placeholders.is_some()
            || project.hosts == Some(Hosts::Labels);
        PackSettings { name: project.pack.name.clone(), has_more }
    }

    /// Returns the hash; `unnamed` is that of a pack without a name of its own. Empty where more than these notes
    /// decides the pack.
    pub(super) fn hash(&self, library: &Library, unnamed: &str, notes: &[PathBuf]) -> String {
        let default = [PathBuf::from(DEFAULT_PATH)];
        let notes = if notes.is_empty() { &default } else { notes };
        // Rules of several folders are in another order there.
        let [folder] = notes else { return String::new() };
        if self.has_more || unnamed.is_empty() || has_rule_files(folder) {
            return String::new();
        }
        let Some(name) = self.name.as_deref().filter(|name| *name != PACK_NAME) else {
            return unnamed.to_owned();
        };
        let compilation = Compilation::new(library, name, PACK_VERSION);
        compilation.map(|compilation| compilation.pack.hash().to_string()).unwrap_or_default()
    }
}

/// Returns true if there are files of rules beside the notes, which a pack takes too.
fn has_rule_files(folder: &Path) -> bool {
    let is_rule = |path: &String| {
        let extension = Path::new(path).extension().and_then(OsStr::to_str).unwrap_or_default();
        ["yml", "yaml"].iter().any(|known| extension.eq_ignore_ascii_case(known))
    };
    // A folder that cannot be read was reported.
    disk::paths(folder).is_ok_and(|paths| paths.iter().any(is_rule))
}
