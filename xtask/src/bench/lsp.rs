//! How soon findings follow a keystroke in an editor: `tidegate lsp` over all rules of SigmaHQ.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use ::tests::workspace;
use anyhow::{Context, Result, bail, ensure};
use lsp_server::{Message, Notification, Request};
use serde_json::{Value, json};
use url::Url;

use crate::command::{cargo, run as succeed};
use crate::progress::{note, step};
use crate::sources;

/// What is asked for: findings within this time of a keystroke.
const GOAL: Duration = Duration::from_millis(50);

/// How much is measured.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How many files are edited; those of a proxy, and others.
    #[arg(long, default_value_t = 200)]
    files: usize,
    /// Keystrokes in each.
    #[arg(long, default_value_t = 5)]
    keystrokes: usize,
}

/// Measures and prints.
#[expect(clippy::print_stdout, reason = "a report for people")]
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let corpora = sources::needed(&["sigma"])?;
    step("building the command line for speed");
    succeed(cargo().args(["build", "--release", "--package", "tidegate"]))?;
    let program = workspace::target().join("release/tidegate");
    let root = corpora.join("sigma");
    let mut paths = Vec::new();
    rules(&root, &mut paths)?;
    paths.sort();
    let n_files = paths.len();
    ensure!(n_files > 0, "{}: there are no rules", root.display());
    let start = Instant::now();
    let mut editor = Editor::start(&program, &root)?;
    note(&format!("{n_files} files are read in {:.0?}", start.elapsed()));
    let step_by = (n_files / arguments.files.max(1)).max(1);
    let mut times = Vec::new();
    for path in paths.iter().step_by(step_by) {
        let text = fs::read_to_string(path)?;
        let uri = uri(path)?;
        editor.open(&uri, &text)?;
        for number in 0..arguments.keystrokes {
            // As one types: in the title, and with a key that is not finished.
            let text = match number % 2 {
                0 => text.replacen("title: ", &format!("title: {number}"), 1),
                _ => format!("{text}lev"),
            };
            times.push(editor.change(&uri, &text)?);
        }
        editor.close(&uri)?;
    }
    editor.stop()?;
    times.sort();
    let at = |part: usize| times.get((times.len() * part / 100).min(times.len() - 1)).copied();
    let shown = |part| at(part).map_or_else(String::new, |time: Duration| format!("{time:.1?}"));
    println!(
        "{} keystrokes in {} files of {n_files}: findings after {} (median), {} (95 %), {} (99 %), {} (most)",
        times.len(),
        times.len() / arguments.keystrokes.max(1),
        shown(50),
        shown(95),
        shown(99),
        shown(100),
    );
    let is_met = times.last().is_some_and(|most| *most <= GOAL);
    println!("goal of {GOAL:.0?}: {}", if is_met { "met" } else { "missed" });
    Ok(())
}

fn rules(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        // The server leaves hidden files alone, and has no findings about them.
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if path.is_dir() {
            rules(&path, paths)?;
        } else if path.extension().is_some_and(|extension| extension == "yml") {
            paths.push(path);
        }
    }
    Ok(())
}

fn uri(path: &Path) -> Result<String> {
    match Url::from_file_path(path) {
        Ok(url) => Ok(url.into()),
        Err(()) => bail!("{}: not an absolute path", path.display()),
    }
}

/// The editor's end of a connection.
struct Editor {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    version: i32,
}

impl Editor {
    fn start(program: &Path, root: &Path) -> Result<Editor> {
        let mut command = Command::new(program);
        command.args(["lsp", "."]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| program.display().to_string())?;
        let to = child.stdin.take().context("no standard input")?;
        let from = BufReader::new(child.stdout.take().context("no standard output")?);
        let mut editor = Editor { child, to, from, version: 0 };
        let params = json!({ "capabilities": {}, "rootUri": uri(root)? });
        editor.request("initialize", params)?;
        editor.notify("initialized", json!({}))?;
        Ok(editor)
    }

    fn notify(&mut self, method: &str, params: Value) -> Result<()> {
        Message::from(Notification::new(method.to_owned(), params)).write(&mut self.to)?;
        Ok(self.to.flush()?)
    }

    fn request(&mut self, method: &str, params: Value) -> Result<()> {
        Message::from(Request::new(1.into(), method.to_owned(), params)).write(&mut self.to)?;
        loop {
            if let Message::Response(response) = read(&mut self.from)? {
                ensure!(response.response_result.is_ok(), "{response:?}");
                return Ok(());
            }
        }
    }

    fn open(&mut self, uri: &str, text: &str) -> Result<()> {
        let document = json!({ "uri": uri, "languageId": "yaml", "version": 0, "text": text });
        self.notify("textDocument/didOpen", json!({ "textDocument": document }))?;
        self.findings(uri)
    }

    /// Changes the text, and returns after how long its findings come.
    fn change(&mut self, uri: &str, text: &str) -> Result<Duration> {
        self.version += 1;
        let params = json!({
            "textDocument": { "uri": uri, "version": self.version },
            "contentChanges": [{ "text": text }],
        });
        let start = Instant::now();
        self.notify("textDocument/didChange", params)?;
        self.findings(uri)?;
        Ok(start.elapsed())
    }

    fn close(&mut self, uri: &str) -> Result<()> {
        self.notify("textDocument/didClose", json!({ "textDocument": { "uri": uri } }))
    }

    fn findings(&mut self, uri: &str) -> Result<()> {
        loop {
            if let Message::Notification(notification) = read(&mut self.from)?
                && notification.method == "textDocument/publishDiagnostics"
                && notification.params.get("uri").and_then(Value::as_str) == Some(uri)
            {
                return Ok(());
            }
        }
    }

    fn stop(mut self) -> Result<()> {
        self.request("shutdown", Value::Null)?;
        self.notify("exit", Value::Null)?;
        let status = self.child.wait()?;
        ensure!(status.success(), "the server ends with {status}");
        Ok(())
    }
}

fn read(from: &mut impl BufRead) -> Result<Message> {
    Message::read(from)?.context("the server ends")
}
