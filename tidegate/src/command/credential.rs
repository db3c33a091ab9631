//! `tidegate credential`.

use std::path::PathBuf;

use clap::Args;
use diagnostics::{Finding, Sources};
use inspect::{SALT_BYTES, SecretHash};

use super::{Outcome, name};
use crate::disk;

/// Generate the secret of a client of the proxy.
///
/// Writes the secret, 256 random bits as text, to a file that only its owner can read, and prints the line of
/// the policy that lists the client, with a salted hash. An existing file is not replaced.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n\
\x20 tidegate credential builder-7 builder-7.secret\n\
\x20 curl -x https://gateway.example:3128 --proxy-user \"builder-7:$(cat builder-7.secret)\" https://example.org/")]
pub(crate) struct Credential {
    /// Name of the client, by which policies and events know it
    #[arg(value_parser = client_name)]
    name: String,
    /// Write the secret to this file
    file: PathBuf,
}

impl Credential {
    pub(super) fn run(&self) -> Outcome {
        let (secret, salt) = match (disk::random(), disk::random()) {
            (Ok(secret), Ok(salt)) => (digits(&secret), salt),
            (Err(error), _) | (_, Err(error)) => return self.failed(&disk::reason(&error)),
        };
        let mut first = [0; SALT_BYTES];
        for (byte, random) in first.iter_mut().zip(salt) {
            *byte = random;
        }
        let hash = SecretHash::of(first, secret.as_bytes());
        if let Err(error) = disk::create(&self.file, secret.as_bytes(), true) {
            return self.failed(&disk::reason(&error));
        }
        let stdout = format!("- {{name: \"{}\", secret: \"{hash}\"}}\n", self.name);
        let stderr = format!("{}: the secret, for the client alone\n", name(&self.file));
        Outcome { stdout, stderr, ..Outcome::default() }
    }

    fn failed(&self, why: &str) -> Outcome {
        let message = format!("the secret cannot be written: {why}");
        let help = "give a path where no file is, in a folder that is writable";
        let finding =
            Finding::about(&name(&self.file), &diagnostics::codes::UNWRITABLE, message, help);
        Outcome::refused(&[finding], &Sources::new())
    }
}

/// Hexadecimal digits: a name, a colon and they need no escapes in a URL.
fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A name that a policy takes.
fn client_name(text: &str) -> Result<String, String> {
    if knowledge::policy::is_client_name(text) {
        return Ok(text.to_owned());
    }
    Err("a name has up to 64 letters, digits and `-._@`, and is no address".to_owned())
}
