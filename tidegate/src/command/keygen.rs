//! `tidegate keygen`.

use std::path::PathBuf;

use clap::Args;
use diagnostics::{Finding, Sources};
use gateway::signing;

use super::{Outcome, name};
use crate::disk;

/// Generate a key pair for signing packs.
///
/// Writes the secret key, readable only by its owner, and beside it the public key with the extension
/// `.pub`. Both are PEM files of Ed25519, as `openssl` writes them. An existing file is not replaced.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n\
\x20 tidegate keygen team.key")]
pub(crate) struct Keygen {
    /// Write the secret key to this file
    file: PathBuf,
}

impl Keygen {
    pub(super) fn run(&self) -> Outcome {
        let mut public = self.file.clone().into_os_string();
        public.push(".pub");
        let public = PathBuf::from(public);
        let keys = match disk::random() {
            Ok(random) => signing::generate(random),
            Err(error) => return self.failed(&disk::reason(&error)),
        };
        for (path, text, is_secret) in
            [(&self.file, &keys.secret, true), (&public, &keys.public, false)]
        {
            if let Err(error) = disk::create(path, text.as_bytes(), is_secret) {
                // One key without the other is of no use, and in the way of another try.
                if !is_secret {
                    let _ = disk::remove(&self.file);
                }
                return self.failed(&format!("{}: {}", name(path), disk::reason(&error)));
            }
        }
        let (secret, public) = (name(&self.file), name(&public));
        let stdout = format!(
            "{secret}: the secret key, to sign with\n{public}: the public key, for gateways\n"
        );
        Outcome { stdout, ..Outcome::default() }
    }

    fn failed(&self, why: &str) -> Outcome {
        let message = format!("the keys cannot be written: {why}");
        let help = "give a path where no file is, in a folder that is writable";
        let finding =
            Finding::about(&name(&self.file), &diagnostics::codes::UNWRITABLE, message, help);
        Outcome::refused(&[finding], &Sources::new())
    }
}
