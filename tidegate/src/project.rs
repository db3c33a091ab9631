//! The project file, `tidegate.toml`: what commands take where no option says otherwise.
//!
//! It is found in the working folder or the nearest folder above. Its paths are relative to its own folder, and
//! every option of the command line counts before it. One that another user may have written or put there is refused,
//! and so is a link.

mod table;

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use diagnostics::{Finding, Sources, report};
use knowledge::policy;

use crate::codes::STRANGE_PROJECT;
use crate::command::{DEFAULT_PATH, Hosts, Links, pack_name, technique};
use crate::disk::{self, Stranger};
use table::Reader;

/// The name of the file.
pub(crate) const FILE_NAME: &str = "tidegate.toml";

/// Facts that a vault is built with where neither they nor notes are named.
const DEFAULT_FACTS: &str = "knowledge/facts";

/// The settings of a project. Paths are as the working folder sees them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Project {
    /// Where the file is, as the working folder sees it; `None` without one.
    pub(crate) file: Option<PathBuf>,
    /// Notes, Sigma files, and folders of them. Never empty in a project that has a file.
    pub(crate) notes: Vec<PathBuf>,
    /// Facts of public collections for a vault.
    pub(crate) facts: Option<PathBuf>,
    pub(crate) placeholders: Option<PathBuf>,
    pub(crate) hosts: Option<Hosts>,
    pub(crate) policy: Option<PathBuf>,
    pub(crate) identity_key: Option<PathBuf>,
    pub(crate) check: CheckSettings,
    pub(crate) pack: PackSettings,
    pub(crate) logs: LogSettings,
    pub(crate) vault: VaultSettings,
}

/// `[check]`.
#[derive(Clone, Debug, Default)]
pub(crate) struct CheckSettings {
    pub(crate) lint: Option<bool>,
    /// Seconds.
    pub(crate) expiring: Option<u64>,
}

/// `[pack]`.
#[derive(Clone, Debug, Default)]
pub(crate) struct PackSettings {
    pub(crate) output: Option<PathBuf>,
    pub(crate) name: Option<String>,
    pub(crate) sign: Option<PathBuf>,
}

/// `[logs]`.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogSettings {
    pub(crate) map: Option<PathBuf>,
}

/// `[vault]`.
#[derive(Clone, Debug, Default)]
pub(crate) struct VaultSettings {
    pub(crate) folder: Option<PathBuf>,
    pub(crate) sigma: Option<PathBuf>,
    pub(crate) elastic: Option<PathBuf>,
    pub(crate) splunk: Option<PathBuf>,
    pub(crate) atomic: Option<PathBuf>,
    pub(crate) attack: Vec<PathBuf>,
    pub(crate) d3fend: Option<PathBuf>,
    pub(crate) techniques: Vec<String>,
    pub(crate) preview: Option<String>,
    pub(crate) links: Option<Links>,
}

/// A project file that cannot be used.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) findings: Vec<Finding>,
    pub(crate) sources: Sources,
}

/// Returns the folder of the project that a folder is in: itself or the nearest above that has the file.
pub(crate) fn root(folder: &Path) -> Option<&Path> {
    folder.ancestors().find(|folder| disk::is_file(&folder.join(FILE_NAME)))
}

impl Project {
    /// Finds and reads the file of the project that the working folder is in; without one, nothing is set.
    pub(crate) fn find() -> Result<Project, Box<Refused>> {
        let Some(here) = disk::working_folder() else { return Ok(Project::default()) };
        let Some(root) = root(&here) else { return Ok(Project::default()) };
        let depth = here.components().count() - root.components().count();
        Project::read(&std::iter::repeat_n(Component::ParentDir, depth).collect::<PathBuf>())
    }

    /// Reads the file in a folder; without one, nothing is set.
    pub(crate) fn read(folder: &Path) -> Result<Project, Box<Refused>> {
        let path = folder.join(FILE_NAME);
        if !disk::is_file(&path) {
            return Ok(Project::default());
        }
        let refused = |findings, sources| Box::new(Refused { findings, sources });
        if let Some(finding) = strange(&path, folder) {
            return Err(refused(vec![finding], Sources::new()));
        }
        let (name, text) =
            disk::read_text(&path).map_err(|finding| refused(vec![*finding], Sources::new()))?;
        match Project::parse(&name, &text, folder) {
            Ok(project) => Ok(Project { file: Some(path), ..project }),
            Err(findings) => Err(refused(findings, Sources::from([(name, text)]))),
        }
    }

    /// Reads the text of a file that is in `folder`; the errors are all that are in it.
    fn parse(name: &Arc<str>, text: &str, folder: &Path) -> Result<Project, Vec<Finding>> {
        let mut reader = Reader::new(name, text, folder);
        let mut top = reader.top();
        let given = reader.paths(&mut top, "notes");
        let facts = reader.path(&mut top, "facts");
        let mut project = Project {
            file: None,
            facts: facts.or_else(|| default_facts(folder).filter(|_| given.is_empty())),
            notes: if given.is_empty() { default_notes(folder) } else { given },
            placeholders: reader.path(&mut top, "placeholders"),
            hosts: reader.choice(&mut top, "hosts"),
            policy: reader.path(&mut top, "policy"),
            identity_key: reader.path(&mut top, "identity-key"),
            ..Project::default()
        };
        if let Some(mut table) = reader.table(&mut top, "check") {
            project.check = CheckSettings {
                lint: reader.flag(&mut table, "lint"),
                expiring: reader.value(&mut table, "expiring", |text| {
                    policy::seconds(text).ok_or("write a number and `h`, `d` or `w`, such as `7d`")
                }),
            };
            reader.refuse_others(&table);
        }
        if let Some(mut table) = reader.table(&mut top, "pack") {
            project.pack = PackSettings {
                output: reader.path(&mut table, "output"),
                name: reader.value(&mut table, "name", pack_name),
                sign: reader.path(&mut table, "sign"),
            };
            reader.refuse_others(&table);
        }
        if let Some(mut table) = reader.table(&mut top, "logs") {
            project.logs = LogSettings { map: reader.path(&mut table, "map") };
            reader.refuse_others(&table);
        }
        if let Some(mut table) = reader.table(&mut top, "vault") {
            project.vault = VaultSettings {
                folder: reader.path(&mut table, "folder"),
                sigma: reader.path(&mut table, "sigma"),
                elastic: reader.path(&mut table, "elastic"),
                splunk: reader.path(&mut table, "splunk"),
                atomic: reader.path(&mut table, "atomic"),
                attack: reader.paths(&mut table, "attack"),
                d3fend: reader.path(&mut table, "d3fend"),
                techniques: reader.values(&mut table, "techniques", technique),
                preview: reader.value(&mut table, "preview", |text| Ok(text.to_owned())),
                links: reader.choice(&mut table, "links"),
            };
            reader.refuse_others(&table);
        }
        reader.refuse_others(&top);
        let mut findings = reader.into_findings();
        report::sort(&mut findings);
        if findings.is_empty() { Ok(project) } else { Err(findings) }
    }

    /// The folder of the file, as the working folder sees it; `None` without a file.
    pub(crate) fn folder(&self) -> Option<&Path> {
        let folder = self.file.as_deref()?.parent()?;
        Some(if folder == Path::new("") { Path::new(".") } else { folder })
    }
}

/// The finding about a project file that another user may have written. Within a repository of one owner the file
/// counts as the rest of it does: a container often runs as another user than the one who checked it out.
fn strange(path: &Path, folder: &Path) -> Option<Finding> {
    if disk::is_link(path) {
        let message = "the project file is a link, and its paths would begin where the link is";
        let help = "work in the project that it leads to, or put a copy in its place";
        let code = &diagnostics::codes::LINK;
        return Some(Finding::about(&disk::name(path), code, message, help));
    }
    let holder = if folder == Path::new("") { Path::new(".") } else { folder };
    let whys = disk::stranger(path).and_then(|why| Ok((why, disk::folder_stranger(holder)?)));
    let whys = match whys {
        Ok((None, None)) => return None,
        Ok(whys) => whys,
        Err(error) => return Some(disk::unreadable(path, &error)),
    };
    let here = disk::working_folder();
    let root = here.as_deref().and_then(|here| {
        let depth = folder.components().filter(|part| *part == Component::ParentDir).count();
        here.ancestors().nth(depth)
    });
    if let (Some(here), Some(root)) = (&here, root)
        && let Some(repository) = root.ancestors().find_map(disk::repository)
        && disk::owner_is_shared(path, [here, &repository])
        && (whys.1 != Some(Stranger::Owner) || disk::owner_is_shared(path, [root, &repository]))
    {
        return None;
    }
    let (message, help) = match whys {
        (Some(Stranger::Owner), _) => (
            "the project file belongs to another user",
            "read it, and make it your own (`chown`), or work in a folder that is not below it",
        ),
        (Some(Stranger::Writable), _) => (
            "everybody may write to the project file",
            "read it, and take the permission back (`chmod o-w`)",
        ),
        (None, Some(Stranger::Owner)) => (
            "the folder of the project file belongs to another user",
            "read the file, and make the folder your own (`chown`), or work in one that is not below it",
        ),
        (None, _) => (
            "everybody may write to the folder of the project file",
            "read the file, and take the permission back (`chmod o-w`)",
        ),
    };
    Some(Finding::about(&disk::name(path), &STRANGE_PROJECT, message, help))
}

/// The notes of a project that names none: the usual folder, or all of it.
fn default_notes(folder: &Path) -> Vec<PathBuf> {
    let usual = folder.join(DEFAULT_PATH);
    let all = if folder == Path::new("") { Path::new(".") } else { folder };
    vec![if usual.is_dir() { usual } else { all.to_owned() }]
}

fn default_facts(folder: &Path) -> Option<PathBuf> {
    Some(folder.join(DEFAULT_FACTS)).filter(|path| path.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str) -> Vec<String> {
        let read = Project::parse(&FILE_NAME.into(), text, Path::new("../.."));
        let line = |finding: &Finding| {
            let found = &finding.diagnostic;
            let (line, column) = (found.place.span.line, found.place.span.column);
            format!("{line}:{column} {}: {}; {}", found.code.id, found.message, found.help)
        };
        read.err().unwrap_or_default().iter().map(line).collect()
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        let text = "notes = ['rules', './more']\npolicy = 'p.yml'\n[vault]\nattack = 'a.json'\n";
        let project = Project::parse(&FILE_NAME.into(), text, Path::new("../..")).unwrap();
        assert_eq!(project.notes, [Path::new("../../rules"), Path::new("../../more")]);
        assert_eq!(project.policy.as_deref(), Some(Path::new("../../p.yml")));
        assert_eq!(project.vault.attack, [Path::new("../../a.json")]);
        let absolute = std::env::temp_dir();
        let text = format!("notes = ['{}']", absolute.display());
        let project = Project::parse(&FILE_NAME.into(), &text, Path::new("..")).unwrap();
        assert_eq!(project.notes, [absolute]);
        let empty = Project::parse(&FILE_NAME.into(), "", Path::new("x")).unwrap();
        assert_eq!(empty.notes, [Path::new("x")]);
    }

    #[test]
    fn each_mistake_has_a_place_and_a_help() {
        for (text, expect) in [
            ("note = []", "1:1 F028: unknown key `note`; did you mean `notes`?"),
            (
                "\n[pack]\noutputs = 'x'",
                "3:1 F028: unknown key `outputs` of `pack`; did you mean `output`?",
            ),
            ("[log]\nmap = 'x'", "1:2 F028: unknown key `log`; did you mean `logs`?"),
            (
                "[check]\nstrict = true",
                "2:1 F028: unknown key `strict` of `check`; the keys are `lint`, `expiring`",
            ),
            ("hosts = 'label'", "1:9 F027: `hosts` is `label`; did you mean `labels`?"),
            ("hosts = 'x'", "1:9 F027: `hosts` is `x`; write `text` or `labels`"),
            (
                "notes = 3",
                "1:9 F027: `notes` is of the wrong type: integer; write a path in quotes, or a list of them",
            ),
            (
                "notes = ['a', true]",
                "1:15 F027: `notes` is of the wrong type: boolean; write a path in quotes, or a list of them",
            ),
            ("policy = ''", "1:10 F027: `policy` is empty; write a path, or leave the key out"),
            (
                "pack = 1",
                "1:8 F027: `pack` is of the wrong type: integer; begin a table with `[pack]`",
            ),
            (
                "[check]\nexpiring = '7'",
                "2:12 F027: `expiring` is `7`; write a number and `h`, `d` or `w`, such as `7d`",
            ),
            (
                "[check]\nlint = 'yes'",
                "2:8 F027: `lint` is of the wrong type: string; write `true` or `false`",
            ),
            (
                "[vault]\ntechniques = ['T1']",
                "2:15 F027: `techniques` is `T1`; write a technique such as T1102 or T1102.002",
            ),
        ] {
            assert_eq!(findings(text), [expect], "{text}");
        }
        assert!(findings("a = ")[0].starts_with("1:5 F027: not TOML: "), "{:?}", findings("a = "));
        assert_eq!(findings("y = 1\nx = 2\nhosts = 3").len(), 3);
    }
}
