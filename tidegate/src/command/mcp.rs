//! `tidegate mcp`.

mod arguments;
mod coverage;
mod result;
mod search;
mod server;
mod settings;
mod tools;
mod writable;

use std::env;
use std::path::PathBuf;

use clap::Args;
use rmcp::transport::stdio;

use super::Outcome;
use crate::{disk, project};
use server::Server;

/// Serve the project's rules, notes and logs to a program (Model Context Protocol).
///
/// The protocol is spoken on standard input and output. Tools check and test notes, explain requests, hunt in
/// logs, search notes and vaults, show coverage and compare packs. Paths are below the folder, and links in it
/// are not followed. Nothing is written unless --write is given. `docs/agents.md` describes the tools.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n\
\x20 tidegate mcp\n\
\x20 tidegate mcp --write ~/detections")]
pub(crate) struct Mcp {
    /// The project's folder [default: the working folder, or the nearest above with a tidegate.toml]
    folder: Option<PathBuf>,
    /// Offer the tools that write: notes and Sigma files, and the fixes of findings
    #[arg(long)]
    write: bool,
}

impl Mcp {
    pub(super) fn run(&self) -> Outcome {
        let here = disk::working_folder();
        let root = here.as_deref().and_then(project::root);
        if let Some(folder) = self.folder.as_deref().or(root)
            && let Err(error) = env::set_current_dir(folder)
        {
            let reason = disk::reason(&error);
            return Outcome::usage(&format!(
                "the folder {} cannot be used: {reason}",
                folder.display()
            ));
        }
        if let Err(message) = settings::settings() {
            return Outcome::failed(&message);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = match runtime {
            Ok(runtime) => runtime,
            Err(error) => return Outcome::failed(&disk::reason(&error)),
        };
        let served = runtime.block_on(async {
            let serving = rmcp::serve_server(Server::new(self.write), stdio()).await;
            serving
                .map_err(|error| error.to_string())?
                .waiting()
                .await
                .map_err(|error| error.to_string())
        });
        // A thread that still reads standard input is not waited for.
        runtime.shutdown_background();
        match served {
            Ok(_) => Outcome::default(),
            Err(error) => {
                Outcome::failed(&format!("the client does not speak the protocol: {error}"))
            }
        }
    }
}
