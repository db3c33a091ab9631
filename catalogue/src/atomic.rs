//! Atomic Red Team: tests of a technique.

use serde_json::Value as Json;

use crate::rule::{Skipped, broken_yaml, others, string, strings, technique_id};
use crate::value::Value;

/// One test.
#[derive(Clone, Debug)]
pub struct AtomicTest {
    /// The technique that it exercises.
    pub technique: String,
    /// What Atomic Red Team calls the technique.
    pub technique_name: String,
    /// Its number among the tests of the technique, as Atomic Red Team counts: from 1, in the file's order.
    pub number: usize,
    /// The GUID that names it everywhere.
    pub guid: String,
    /// What people call it.
    pub name: String,
    /// What it does, in its author's words.
    pub description: String,
    /// `windows`, `linux`, `macos`...
    pub platforms: Vec<String>,
    /// `sh`, `powershell`, `manual`...
    pub executor: String,
    /// Whether it needs an administrator.
    pub elevated: bool,
    /// The commands, or the steps of a manual test.
    pub command: String,
    /// What undoes it.
    pub cleanup: Option<String>,
    /// What has to be there before it runs.
    pub dependencies: Vec<Dependency>,
    /// What checks and gets the dependencies; that of the test where it is not named.
    pub dependency_executor: Option<String>,
    /// What can be set, by name.
    pub arguments: Vec<Argument>,
    /// Keys that no other field holds.
    pub others: Vec<(String, Value)>,
}

/// A value that a test takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Argument {
    /// Its name.
    pub name: String,
    /// What it is.
    pub description: String,
    /// `string`, `path`, `url`...
    pub kind: String,
    /// Its value where none is given.
    pub default: String,
}

/// Keys of a test that have a place of their own.
const PLACED: [&str; 8] = [
    "name",
    "auto_generated_guid",
    "description",
    "supported_platforms",
    "executor",
    "input_arguments",
    "dependencies",
    "dependency_executor_name",
];
/// The same of its executor.
const OF_EXECUTOR: [&str; 5] =
    ["name", "command", "steps", "cleanup_command", "elevation_required"];

/// Something that a test needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dependency {
    /// What it is.
    pub description: String,
    /// The command that succeeds if it is there.
    pub check: String,
    /// The command that gets it.
    pub get: String,
}

/// Reads the file of one technique.
pub fn read(text: &str) -> Result<Vec<AtomicTest>, Skipped> {
    let file: Json = serde_saphyr::from_str(text).map_err(|_| broken_yaml(text))?;
    let Some(technique) = string(&file, "attack_technique").and_then(|id| technique_id(&id)) else {
        return Err(Skipped::Retired);
    };
    let name = string(&file, "display_name").unwrap_or_default();
    let tests = file.get("atomic_tests").and_then(Json::as_array).cloned().unwrap_or_default();
    Ok(tests
        .iter()
        .zip(1..)
        .map(|(test, number)| of_value(&technique, &name, number, test))
        .collect())
}

fn of_value(technique: &str, name: &str, number: usize, test: &Json) -> AtomicTest {
    let executor = test.get("executor").unwrap_or(&Json::Null);
    let mut arguments = Vec::new();
    if let Some(Json::Object(map)) = test.get("input_arguments") {
        for (name, argument) in map {
            let text = |key| string(argument, key).unwrap_or_default().trim().to_owned();
            arguments.push(Argument {
                name: name.clone(),
                description: text("description"),
                kind: text("type"),
                default: text("default"),
            });
        }
    }
    arguments.sort();
    let dependencies = test.get("dependencies").and_then(Json::as_array).into_iter().flatten();
    let dependencies = dependencies.map(|dependency| {
        let text = |key| string(dependency, key).unwrap_or_default().trim_end().to_owned();
        Dependency {
            description: text("description"),
            check: text("prereq_command"),
            get: text("get_prereq_command"),
        }
    });
    let text = |key| string(executor, key).map(|text| text.trim_end().to_owned());
    AtomicTest {
        technique: technique.to_owned(),
        technique_name: name.to_owned(),
        number,
        dependencies: dependencies.collect(),
        dependency_executor: string(test, "dependency_executor_name"),
        guid: string(test, "auto_generated_guid").unwrap_or_default(),
        name: string(test, "name").unwrap_or_default(),
        description: string(test, "description").unwrap_or_default().trim().to_owned(),
        platforms: strings(test.get("supported_platforms")),
        executor: text("name").unwrap_or_else(|| "manual".into()),
        elevated: executor.get("elevation_required").and_then(Json::as_bool).unwrap_or_default(),
        command: [text("command"), text("steps")]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join("\n"),
        cleanup: text("cleanup_command").filter(|text| !text.trim().is_empty()),
        arguments,
        others: [others(test, &PLACED), others(executor, &OF_EXECUTOR)].concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_have_their_own_number_and_what_they_need() {
        let text = "attack_technique: T1567\natomic_tests:\n- name: Upload\n  dependency_executor_name: bash\n  dependencies:\n  - description: the tool must be there\n    prereq_command: |\n      test -x tool\n    get_prereq_command: |\n      get tool\n  executor:\n    name: sh\n    command: tool\n- name: By hand\n  executor:\n    name: manual\n    steps: Open.\n";
        let tests = read(text).unwrap();
        let numbers: Vec<_> = tests.iter().map(|test| (test.number, test.name.as_str())).collect();
        assert_eq!(numbers, [(1, "Upload"), (2, "By hand")]);
        assert_eq!(
            tests[0].dependencies,
            [Dependency {
                description: "the tool must be there".into(),
                check: "test -x tool".into(),
                get: "get tool".into(),
            }]
        );
        assert_eq!(tests[0].dependency_executor.as_deref(), Some("bash"));
        assert_eq!(tests[1].dependencies, []);
    }
}
