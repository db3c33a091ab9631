//! Atomic Red Team: tests of a technique.

use serde_json::Value;

use crate::rule::{Skipped, string, strings, technique_id};

/// One test.
#[derive(Clone, Debug)]
pub struct AtomicTest {
    /// The technique that it exercises.
    pub technique: String,
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
    /// Name, description and default of each argument.
    pub arguments: Vec<(String, String, String)>,
}

/// Reads the file of one technique.
pub fn read(text: &str) -> Result<Vec<AtomicTest>, Skipped> {
    let file: Value = serde_saphyr::from_str(text).map_err(|error| {
        Skipped::Broken(error.to_string().lines().next().unwrap_or_default().to_owned())
    })?;
    let Some(technique) = string(&file, "attack_technique").and_then(|id| technique_id(&id)) else {
        return Err(Skipped::Retired);
    };
    let tests = file.get("atomic_tests").and_then(Value::as_array).cloned().unwrap_or_default();
    Ok(tests.iter().map(|test| of_value(&technique, test)).collect())
}

fn of_value(technique: &str, test: &Value) -> AtomicTest {
    let executor = test.get("executor").unwrap_or(&Value::Null);
    let mut arguments = Vec::new();
    if let Some(Value::Object(map)) = test.get("input_arguments") {
        for (name, argument) in map {
            let text = |key| string(argument, key).unwrap_or_default().trim().to_owned();
            arguments.push((name.clone(), text("description"), text("default")));
        }
    }
    arguments.sort();
    let text = |key| string(executor, key).map(|text| text.trim_end().to_owned());
    AtomicTest {
        technique: technique.to_owned(),
        guid: string(test, "auto_generated_guid").unwrap_or_default(),
        name: string(test, "name").unwrap_or_default(),
        description: string(test, "description").unwrap_or_default().trim().to_owned(),
        platforms: strings(test.get("supported_platforms")),
        executor: text("name").unwrap_or_else(|| "manual".into()),
        elevated: executor.get("elevation_required").and_then(Value::as_bool).unwrap_or_default(),
        command: text("command").or_else(|| text("steps")).unwrap_or_default(),
        cleanup: text("cleanup_command").filter(|text| !text.trim().is_empty()),
        arguments,
    }
}
