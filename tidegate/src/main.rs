//! The `tidegate` command line: the one place that prints and sets the exit code.
//!
//! Exit codes: 0 success, 1 findings or refused input, 2 wrong usage.
#![forbid(unsafe_code)]

mod codes;
mod command;
mod disk;
mod limits;
mod project;
mod sender;
mod stream;
mod terminal;
mod unknown_log;
mod unpacked;

use std::io::{self, ErrorKind};
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory, Parser};

use command::{Command, Outcome};
use mimalloc::MiMalloc;
use terminal::Color;

/// Notes, rules and pages are many small texts, allocated and freed on every core.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Check, test, compile and run detection rules for the traffic that leaves a network.
///
/// Rules are read from Sigma files (.yml, .yaml) and from notes: Markdown files (.md) with front matter
/// and one Sigma rule. Folders are searched for both; hidden files are skipped, and README.md without a
/// `kind`.
///
/// A project file, tidegate.toml in this folder or above, says what commands take where no option does.
///
/// Exit codes: 0 success, 1 findings or refused input, 2 wrong usage.
#[derive(Debug, Parser)]
#[command(name = "tidegate", version)]
#[command(after_help = "Examples:\n\
\x20 tidegate check --lint rules/\n\
\x20 tidegate explain 'https://pastebin.com/raw/abcdefgh'\n\
\x20 tidegate hunt access.log\n\
\x20 tidegate pack -o rules.pack rules/")]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// When to print in colour; `NO_COLOR` and `CLICOLOR_FORCE` count in `auto`
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value = "auto")]
    color: Color,
}

fn main() -> ExitCode {
    let (outcome, is_for_people) = match Cli::try_parse() {
        Ok(mut cli) => {
            cli.color.set();
            (cli.command.run_in_project(Cli::command()), cli.command.is_for_people())
        }
        Err(mut error) => {
            suggest(&mut error);
            let code = u8::try_from(error.exit_code()).unwrap_or(2);
            return ExitCode::from(if error.print().is_ok() { code } else { 2 });
        }
    };
    let Outcome { stdout, stderr, code, .. } = outcome;
    let written = unless_gone(terminal::print(&stdout, is_for_people))
        .and(unless_gone(terminal::print_error(&stderr)));
    match written {
        Ok(()) => ExitCode::from(code),
        // Output that is lost, as on a full disk, must not look like success.
        Err(_) => ExitCode::from(code.max(1)),
    }
}

/// Names the command here for what other programs call it, or for a word that is two letters away.
fn suggest(error: &mut clap::Error) {
    let Some(ContextValue::String(given)) = error.get(ContextKind::InvalidSubcommand) else {
        return;
    };
    let cli = Cli::command();
    let names = cli.get_subcommands().map(clap::Command::get_name);
    let near = match given.as_str() {
        "lint" | "validate" | "fmt" | "fix" => "check --lint",
        "scan" | "search" | "grep" | "match" => "hunt",
        "init" => "new project",
        "create" | "add" => "new",
        "build" | "compile" => "pack",
        "serve" | "web" | "ui" => "preview",
        "why" | "debug" => "explain",
        "watch" => "check --watch",
        "run" => "test",
        "inspect" | "dump" => "show",
        "obsidian" => "vault build",
        "server" | "language-server" => "lsp",
        "agent" => "mcp",
        given => match diagnostics::closest(given, names) {
            Some(near) if error.get(ContextKind::SuggestedSubcommand).is_none() => near,
            _ => return,
        },
    };
    error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(vec![near.to_owned()]));
}

/// A reader that has gone away, as `head` does, has seen what it wanted.
fn unless_gone(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}
