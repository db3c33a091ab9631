//! `tidegate lsp`.

mod project_disk;

use std::env;
use std::path::Path;

use clap::Args;
use diagnostics::report;
use language_server::{Roots, Session};
use lsp_server::{Connection, Message, Notification};
use serde_json::json;

use super::{Inputs, Outcome, named_paths};
use crate::disk;
use crate::project::{self, Project};
use project_disk::ProjectDisk;

/// Serve rules and notes to an editor (Language Server Protocol).
///
/// The protocol is spoken on standard input and output. An editor starts this program. It shows the findings of
/// `check --lint` while one types, applies their fixes, completes and explains words, finds definitions, and runs
/// the examples of notes. Files are only read. `docs/editor.md` has the settings of Neovim, Helix and VS Code.
///
/// The project is the folder that the editor opens, or the nearest above with a tidegate.toml. Paths are relative
/// to the folder that the editor opens.
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
        let (mut session, trouble) = self.session(&initialize)?;
        let capabilities = Session::<ProjectDisk>::capabilities(env!("CARGO_PKG_VERSION"));
        connection.initialize_finish(id, capabilities).map_err(|error| broken(&error))?;
        // A receiver that is gone ends the loop with the next message.
        let send = |messages: Vec<Message>| {
            messages.into_iter().all(|message| connection.sender.send(message).is_ok())
        };
        send(trouble.as_deref().map(shown).into_iter().collect());
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

    /// Opens the project. Where its file is broken nothing is judged, and the text says why.
    fn session(
        &self,
        initialize: &serde_json::Value,
    ) -> Result<(Session<ProjectDisk>, Option<String>), Outcome> {
        let unusable = |error| Outcome::failed(&format!("there is no working folder: {error}"));
        let opened = Session::<ProjectDisk>::folder_of(initialize);
        let opened = match opened.filter(|folder| folder.is_dir()) {
            Some(folder) => folder,
            None => env::current_dir().map_err(unusable)?,
        };
        // Paths of options are relative to the folder that is open.
        let has_paths =
            !self.inputs.paths.is_empty() || self.inputs.vocabulary.placeholders.is_some();
        let root = project::root(&opened).filter(|_| !has_paths).unwrap_or(&opened);
        env::set_current_dir(root).map_err(unusable)?;
        let mut inputs = self.inputs.clone();
        let (mut paths, mut trouble) = (Vec::new(), None);
        match Project::find() {
            Ok(project) => {
                inputs.fill_in(&project);
                paths = named_paths(&inputs.paths).into_owned();
                if paths.is_empty() {
                    paths.push(Path::new(".").to_owned());
                }
            }
            Err(refused) => trouble = Some(report::to_text(&refused.findings, &refused.sources)),
        }
        let placeholders = inputs.vocabulary.read()?;
        let hosts = inputs.vocabulary.host_matching();
        let files = ProjectDisk::new(paths);
        // Where the folder is a link, an editor may name its files by where it leads.
        let real = disk::working_folder().unwrap_or_else(|| root.to_owned());
        let roots = Roots::new(root.to_owned(), real);
        let session = Session::new(files, roots, initialize, placeholders, hosts);
        Ok((session, trouble))
    }
}

/// The message of an editor about what is wrong with the project.
fn shown(trouble: &str) -> Message {
    /// An error, as the protocol numbers kinds of messages.
    const ERROR: u8 = 1;
    let params = json!({ "type": ERROR, "message": trouble });
    Notification::new("window/showMessage".to_owned(), params).into()
}
