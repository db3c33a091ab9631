//! `tidegate lsp`.

mod project_disk;

use std::env;
use std::path::PathBuf;

use clap::Args;
use language_server::Session;
use lsp_server::{Connection, Message};

use super::{Inputs, Outcome, named_paths};
use project_disk::ProjectDisk;

/// Serve rules and notes to an editor (Language Server Protocol).
///
/// The protocol is spoken on standard input and output. An editor starts this program. It shows the findings of `check --lint` while one types, applies their
/// fixes, completes and explains words, finds definitions, and runs the examples of notes. Files are only
/// read. `docs/editor.md` has the settings of Neovim, Helix and VS Code.
///
/// Paths are those below the folder that the editor opens.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n\
\x20 tidegate lsp\n\
\x20 tidegate lsp --placeholders placeholders.json rules/")]
pub(crate) struct Lsp {
    #[command(flatten)]
    inputs: Inputs,
}

impl Lsp {
    pub(super) fn run(&self) -> Outcome {
        let (connection, threads) = Connection::stdio();
        let served = self.serve(&connection);
        // The writing thread ends when nobody can send any more.
        drop(connection);
        match (served, threads.join()) {
            (Err(outcome), _) => outcome,
            (Ok(()), Ok(())) => Outcome::default(),
            (Ok(()), Err(error)) => {
                Outcome::failed(&format!("the connection to the editor broke: {error}"))
            }
        }
    }

    fn serve(&self, connection: &Connection) -> Result<(), Outcome> {
        let broken = |error: &dyn std::fmt::Display| {
            Outcome::failed(&format!("the editor does not speak the protocol: {error}"))
        };
        let (id, initialize) = connection.initialize_start().map_err(|error| broken(&error))?;
        let mut session = self.session(&initialize)?;
        let capabilities = Session::<ProjectDisk>::capabilities(env!("CARGO_PKG_VERSION"));
        connection.initialize_finish(id, capabilities).map_err(|error| broken(&error))?;
        // A receiver that is gone ends the loop with the next message.
        let send = |messages: Vec<Message>| {
            messages.into_iter().all(|message| connection.sender.send(message).is_ok())
        };
        while let Ok(message) = connection.receiver.recv() {
            let mut next = Some(message);
            while let Some(message) = next {
                if let Message::Request(request) = &message {
                    if connection.handle_shutdown(request).map_err(|error| broken(&error))? {
                        return Ok(());
                    }
                    // Answers are about the text as it is now.
                    send(session.publish());
                }
                send(session.take(message));
                next = connection.receiver.try_recv().ok();
            }
            send(session.publish());
        }
        Ok(())
    }

    fn session(&self, initialize: &serde_json::Value) -> Result<Session<ProjectDisk>, Outcome> {
        let here = |error| Outcome::failed(&format!("there is no working folder: {error}"));
        let folder = Session::<ProjectDisk>::folder_of(initialize);
        let root = match folder.filter(|folder| env::set_current_dir(folder).is_ok()) {
            Some(folder) => folder,
            None => env::current_dir().map_err(here)?,
        };
        let placeholders = self.inputs.vocabulary.read()?;
        let mut paths = named_paths(&self.inputs.paths).into_owned();
        if paths.is_empty() {
            paths.push(PathBuf::from("."));
        }
        let hosts = self.inputs.vocabulary.host_matching();
        Ok(Session::new(ProjectDisk::new(paths), root, initialize, placeholders, hosts))
    }
}
