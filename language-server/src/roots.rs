//! The project's folder, and the names of files as it sees them.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// The project's folder: as the editor names it, and where that is a link, also where it leads.
#[derive(Clone, Debug)]
pub struct Roots {
    named: PathBuf,
    real: PathBuf,
}

impl Roots {
    /// Takes both paths, which are absolute.
    pub fn new(named: PathBuf, real: PathBuf) -> Roots {
        Roots { named, real }
    }

    /// The names that a file may have in findings, the most likely first: its path as either folder sees it, with
    /// `..` for a file beside it, and its whole path. With `/`.
    pub(crate) fn names(&self, path: &Path) -> Vec<Arc<str>> {
        let mut names: Vec<Arc<str>> = Vec::new();
        let paths = [relative(path, &self.named), relative(path, &self.real), path.to_owned()];
        for path in paths {
            let Some(name) = path.to_str() else { continue };
            let name = if cfg!(windows) { name.replace('\\', "/") } else { name.to_owned() };
            if names.iter().all(|known| **known != *name) {
                names.push(name.into());
            }
        }
        names
    }

    /// The path of a file by its name, as the editor would name it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        let mut path = self.named.clone();
        for part in Path::new(name).components() {
            match part {
                Component::ParentDir => {
                    path.pop();
                }
                Component::CurDir => {}
                part => path.push(part),
            }
        }
        path
    }
}

/// A path as a folder sees it.
fn relative(path: &Path, folder: &Path) -> PathBuf {
    let n_shared =
        path.components().zip(folder.components()).take_while(|(left, right)| left == right);
    let n_shared = n_shared.count();
    let n_up = folder.components().count() - n_shared;
    let up = std::iter::repeat_n(Component::ParentDir, n_up);
    up.chain(path.components().skip(n_shared)).collect()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn files_have_names_as_the_project_sees_them() {
        let roots = Roots::new("/link/project".into(), "/home/me/project".into());
        for (path, expect) in [
            ("/link/project/rules/a b.yml", "rules/a b.yml"),
            ("/home/me/project/rules/\u{e4}.yml", "rules/\u{e4}.yml"),
            ("/link/shared/a.yml", "../shared/a.yml"),
            ("/etc/a.yml", "/etc/a.yml"),
        ] {
            let names = roots.names(Path::new(path));
            assert!(names.iter().any(|name| **name == *expect), "{path}: {names:?}");
        }
        for (name, expect) in [
            ("rules/a.yml", "/link/project/rules/a.yml"),
            ("../shared/a.yml", "/link/shared/a.yml"),
            ("/etc/a.yml", "/etc/a.yml"),
        ] {
            assert_eq!(roots.path(name), Path::new(expect));
        }
    }
}
