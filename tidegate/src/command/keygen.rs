//! `tidegate keygen`.

use std::path::PathBuf;

use clap::Args;
use diagnostics::{Finding, Sources};
use gateway::signing;

use super::{Outcome, name};
use crate::disk;

/// Makes a pair of keys for signing packs.
///
/// Writes the secret key, readable by its owner only, and beside it the public key with the ending
/// `.pub`. Both are PEM files as `openssl` writes them. A file that is there already is not replaced.
#[derive(Args, Debug)]
pub(crate) struct Keygen {
    /// Where to write the secret key
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
