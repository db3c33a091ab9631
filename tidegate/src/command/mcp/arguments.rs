//! The arguments of a call, read by name and type. Paths stay inside of the project.

use serde_json::{Map, Value, json};

use super::settings::settings;
use super::tools::ToolKind;
use crate::disk;
use crate::limits::MAX_TOOL_ENTRIES;

/// An argument of a tool.
#[derive(Debug)]
pub(super) struct Argument {
    pub(super) name: &'static str,
    pub(super) kind: ArgumentKind,
    pub(super) description: &'static str,
    pub(super) is_required: bool,
}

/// The type of an argument.
#[derive(Clone, Copy, Debug)]
pub(super) enum ArgumentKind {
    Text,
    Texts,
    Number,
}

impl Argument {
    /// Its JSON schema.
    pub(super) fn schema(&self) -> Value {
        let mut schema = match self.kind {
            ArgumentKind::Text => json!({ "type": "string" }),
            ArgumentKind::Texts => json!({ "type": "array", "items": { "type": "string" } }),
            ArgumentKind::Number => {
                json!({ "type": "integer", "minimum": 1, "maximum": MAX_TOOL_ENTRIES })
            }
        };
        if let Some(schema) = schema.as_object_mut() {
            schema.insert("description".to_owned(), self.description.into());
        }
        schema
    }
}

/// The arguments of a call.
#[derive(Debug)]
pub(super) struct Arguments {
    given: Map<String, Value>,
}

impl Arguments {
    pub(super) fn new(given: Map<String, Value>) -> Arguments {
        Arguments { given }
    }

    /// Refuses arguments that the tool does not have, and those of another type.
    pub(super) fn refuse_unknown(&self, tool: &ToolKind) -> Result<(), String> {
        for (name, value) in &self.given {
            let Some(argument) = tool.arguments.iter().find(|known| known.name == name) else {
                return Err(format!("`{}` has no argument `{}`", tool.name, name.escape_debug()));
            };
            let is_right = match argument.kind {
                ArgumentKind::Text => value.is_string(),
                ArgumentKind::Number => value.is_u64(),
                ArgumentKind::Texts => {
                    value.as_array().is_some_and(|list| list.iter().all(Value::is_string))
                }
            };
            if !is_right {
                return Err(format!("the argument `{name}` has another type"));
            }
        }
        match tool.arguments.iter().find(|it| it.is_required && !self.given.contains_key(it.name)) {
            Some(missing) => Err(format!("the argument `{}` is missing", missing.name)),
            None => Ok(()),
        }
    }

    /// A text; empty where it is not given.
    pub(super) fn text(&self, name: &str) -> &str {
        self.given.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// A list of texts.
    pub(super) fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        self.given
            .get(name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
    }

    /// How many entries are wanted, from 1 to [`MAX_TOOL_ENTRIES`].
    pub(super) fn limit(&self, default: usize) -> usize {
        let given = self.given.get("limit").and_then(Value::as_u64);
        given
            .map_or(default, |limit| usize::try_from(limit).unwrap_or(usize::MAX))
            .clamp(1, MAX_TOOL_ENTRIES)
    }

    /// A path inside of the project.
    pub(super) fn path(&self, name: &str) -> Result<String, String> {
        confined(self.text(name))
    }

    /// Paths inside of the project, as they are given.
    pub(super) fn given_paths(&self, name: &str) -> Result<Vec<String>, String> {
        self.texts(name).map(confined).collect()
    }

    /// Paths inside of the project. Where none is given, those of the project file, or those
    /// that commands take without one, or all.
    pub(super) fn paths(&self, name: &str) -> Result<Vec<String>, String> {
        let paths = self.given_paths(name)?;
        if !paths.is_empty() {
            return Ok(paths);
        }
        let notes = settings()?.notes;
        if !notes.is_empty() {
            return Ok(notes.iter().map(|path| disk::name(path).to_string()).collect());
        }
        let is_default = disk::is_folder(super::super::DEFAULT_PATH);
        Ok(vec![if is_default { super::super::DEFAULT_PATH } else { "." }.to_owned()])
    }
}

fn confined(path: &str) -> Result<String, String> {
    let refused = |why: &str| format!("the path `{}` is refused: {why}", path.escape_debug());
    if path.is_empty() {
        return Err(refused("it is empty"));
    }
    if path == "-" {
        return Err(refused("standard input belongs to the protocol"));
    }
    let inside = disk::confined(path).map_err(|error| refused(&disk::reason(&error)))?;
    Ok(disk::name(&inside).to_string())
}
