//! The tools: their names, their arguments, and what each runs.

use std::path::Path;

use diagnostics::contains_key;
use diagnostics::limits::MAX_FILE_BYTES;
use serde_json::Value;

use super::arguments::{Argument, ArgumentKind, Arguments};
use super::settings::settings;
use super::{coverage, result, search, writable};
use crate::disk;
use crate::limits::MAX_TOOL_LOG_BYTES;

/// Entries of a list where the caller asks for no number.
const ENTRIES: usize = 50;

/// A tool.
#[derive(Debug)]
pub(super) struct ToolKind {
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) arguments: &'static [Argument],
    /// Whether it changes files.
    pub(super) writes: bool,
    /// Runs it. The error is what the caller did wrong, or why nothing can be done.
    pub(super) run: fn(&Arguments) -> Result<Value, String>,
}

const PATHS: Argument = Argument {
    name: "paths",
    kind: ArgumentKind::Texts,
    description: "notes, Sigma files, and folders of them; without them those of tidegate.toml, knowledge/notes, or all of the project",
    is_required: false,
};

const LIMIT: Argument = Argument {
    name: "limit",
    kind: ArgumentKind::Number,
    description: "how many entries to list; the others are counted",
    is_required: false,
};

const fn text(name: &'static str, description: &'static str, is_required: bool) -> Argument {
    Argument { name, kind: ArgumentKind::Text, description, is_required }
}

const fn texts(name: &'static str, description: &'static str, is_required: bool) -> Argument {
    Argument { name, kind: ArgumentKind::Texts, description, is_required }
}

/// Every tool.
pub(super) const TOOLS: &[ToolKind] = &[
    ToolKind {
        name: "check",
        description: "Report errors and likely mistakes in notes and Sigma rules, with places and help.",
        arguments: &[PATHS, LIMIT],
        writes: false,
        run: |arguments| findings(arguments, &["check", "--lint", "--format=json", "--"]),
    },
    ToolKind {
        name: "test",
        description: "Run the examples of notes against their rules, and report those that fail.",
        arguments: &[PATHS, LIMIT],
        writes: false,
        run: |arguments| findings(arguments, &["test", "--format=json", "--"]),
    },
    ToolKind {
        name: "explain",
        description: "Explain which rules match a request, and why. The request is a URL, a curl command, a line of \
                      an access log, or a captured request.",
        arguments: &[
            text("request", "the request", true),
            texts("rules", "explain these rules, by id or title, even if they do not match", false),
            PATHS,
        ],
        writes: false,
        run: explain,
    },
    ToolKind {
        name: "hunt",
        description: "Search logs for requests that the rules match. Paths in the result are templates, without secrets.",
        arguments: &[texts("logs", "logs, and folders of them; at most 1 GiB", true), PATHS, LIMIT],
        writes: false,
        run: hunt,
    },
    ToolKind {
        name: "search",
        description: "Find notes and vault pages that contain all words of a query.",
        arguments: &[
            text("query", "the words", true),
            text("path", "the folder to search; all of the project without it", false),
            LIMIT,
        ],
        writes: false,
        run: |arguments| {
            let path = if arguments.text("path").is_empty() {
                ".".to_owned()
            } else {
                arguments.path("path")?
            };
            search::search(&path, arguments.text("query"), arguments.limit(ENTRIES))
        },
    },
    ToolKind {
        name: "coverage",
        description: "Show which operations of services the rules find; without a service, those that no rule finds.",
        arguments: &[text("service", "the name of a service", false), PATHS, LIMIT],
        writes: false,
        run: |arguments| {
            let paths = arguments.paths("paths")?;
            coverage::coverage(&paths, arguments.text("service"), arguments.limit(ENTRIES))
        },
    },
    ToolKind {
        name: "diff",
        description: "Show what changes between two compiled packs: rules, policy, and with logs the matches.",
        arguments: &[
            text("old", "the old pack", true),
            text("new", "the new pack", true),
            texts("logs", "run both packs over these logs; at most 1 GiB", false),
        ],
        writes: false,
        run: diff,
    },
    ToolKind {
        name: "fix",
        description: "Apply the fixes that findings offer to notes and Sigma files, and report the findings that remain.",
        arguments: &[PATHS, LIMIT],
        writes: true,
        run: |arguments| findings(arguments, &["check", "--lint", "--fix", "--format=json", "--"]),
    },
    ToolKind {
        name: "write",
        description: "Write a note (.md) or a Sigma file (.yml), and report its findings.",
        arguments: &[text("path", "the file", true), text("text", "all of its text", true)],
        writes: true,
        run: write,
    },
];

/// Runs a command that reports findings over the paths.
fn findings(arguments: &Arguments, command: &[&str]) -> Result<Value, String> {
    let paths = arguments.paths("paths")?;
    let mut words = command.to_vec();
    words.extend(paths.iter().map(String::as_str));
    Ok(result::cut(result::run(&words)?, "diagnostics", arguments.limit(ENTRIES)))
}

fn explain(arguments: &Arguments) -> Result<Value, String> {
    let request = arguments.text("request");
    // The command line reads standard input then, which the protocol has.
    if matches!(request.trim(), "" | "-") {
        return Err("give the request itself".to_owned());
    }
    let paths = arguments.paths("paths")?;
    let rules: Vec<_> = arguments.texts("rules").map(|rule| format!("--rule={rule}")).collect();
    let mut words = vec!["explain", "--format=json"];
    words.extend(rules.iter().map(String::as_str));
    words.push("--");
    words.extend(paths.iter().map(String::as_str));
    words.push(request);
    result::run(&words)
}

fn hunt(arguments: &Arguments) -> Result<Value, String> {
    let logs = logs(arguments)?;
    if logs.is_empty() {
        return Err("give a log".to_owned());
    }
    let rules: Vec<_> =
        arguments.paths("paths")?.iter().map(|path| format!("--rules={path}")).collect();
    let mut words = vec!["hunt"];
    words.extend(rules.iter().map(String::as_str));
    words.push("--");
    words.extend(logs.iter().map(String::as_str));
    result::hunt(&words, arguments.limit(ENTRIES))
}

fn diff(arguments: &Arguments) -> Result<Value, String> {
    let (old, new) = (arguments.path("old")?, arguments.path("new")?);
    let logs: Vec<_> = logs(arguments)?.iter().map(|log| format!("--log={log}")).collect();
    let mut words = vec!["diff", "--format=json"];
    words.extend(logs.iter().map(String::as_str));
    words.extend(["--", &old, &new]);
    result::run(&words)
}

/// The logs, whose bytes are bounded.
fn logs(arguments: &Arguments) -> Result<Vec<String>, String> {
    let logs = arguments.given_paths("logs")?;
    let files = logs.iter().flat_map(|log| disk::regular_files(Path::new(log)));
    let n_bytes = files.map(|file| disk::size(&file)).fold(0, u64::saturating_add);
    if n_bytes > MAX_TOOL_LOG_BYTES {
        return Err(format!(
            "the logs have {n_bytes} bytes, more than {MAX_TOOL_LOG_BYTES}; name fewer, or run `tidegate hunt`"
        ));
    }
    Ok(logs)
}

fn write(arguments: &Arguments) -> Result<Value, String> {
    let (path, text) = (arguments.path("path")?, arguments.text("text"));
    if text.len() > MAX_FILE_BYTES || contains_key(text.as_bytes()) {
        return Err("the text is too long, or contains a secret key".to_owned());
    }
    if let Some(why) = writable::refusal(&settings()?, &path, text) {
        return Err(why);
    }
    disk::rewrite(Path::new(&path), text.as_bytes())
        .map_err(|error| format!("{path} cannot be written: {}", disk::reason(&error)))?;
    let result = result::run(&["check", "--lint", "--format=json", "--", &path])?;
    Ok(result::cut(result, "diagnostics", ENTRIES))
}
