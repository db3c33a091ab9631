//! `tidegate completions` and `tidegate man`.

use std::path::PathBuf;

use clap::{Args, Command as Clap};
use clap_complete::Shell;
use diagnostics::codes::UNWRITABLE;
use diagnostics::{Finding, Sources};

use super::{Outcome, name};
use crate::disk;

/// Print the completions of a shell.
///
/// Put them where the shell looks for them, or evaluate them in its start-up file.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n\
\x20 tidegate completions bash > ~/.local/share/bash-completion/completions/tidegate\n\
\x20 tidegate completions fish > ~/.config/fish/completions/tidegate.fish")]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self, mut cli: Clap) -> Outcome {
        let mut bytes = Vec::new();
        clap_complete::generate(self.shell, &mut cli, "tidegate", &mut bytes);
        Outcome { stdout: String::from_utf8_lossy(&bytes).into_owned(), ..Outcome::default() }
    }
}

/// Write a manual page for each command.
///
/// Writes `tidegate.1` and a page for each command, such as `tidegate-hunt.1`, into an existing folder.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n\
\x20 tidegate man ~/.local/share/man/man1")]
pub(crate) struct Man {
    /// The folder to write into
    folder: PathBuf,
}

impl Man {
    pub(super) fn run(&self, mut cli: Clap) -> Outcome {
        // Gives each command its whole name.
        cli.build();
        let mut commands = vec![cli.clone()];
        commands.extend(cli.get_subcommands().filter(|command| !command.is_hide_set()).cloned());
        let n_pages = commands.len();
        for command in commands {
            let page = clap_mangen::Man::new(command);
            let path = self.folder.join(page.get_filename());
            let mut bytes = Vec::new();
            let rendered = page.render(&mut bytes);
            if let Err(error) = rendered.and_then(|()| disk::write(&path, &bytes)) {
                let help = "give an existing folder that is writable";
                let message = format!("the page cannot be written: {}", disk::reason(&error));
                let finding = Finding::about(&name(&path), &UNWRITABLE, message, help);
                return Outcome::refused(&[finding], &Sources::new());
            }
        }
        let stdout = format!("{}: {n_pages} pages written\n", name(&self.folder));
        Outcome { stdout, ..Outcome::default() }
    }
}
