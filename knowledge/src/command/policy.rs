//! The policy that commands are given, and the key of its identities.

use std::path::PathBuf;

use clap::Args;
use inspect::IdentityKey;
use jiff::Timestamp;
use knowledge::{Compilation, Finding, Library, Policy, codes, policy};

use crate::disk;

/// A policy to compile into the pack.
#[derive(Args, Debug)]
pub(super) struct PolicyInput {
    /// A policy: how far matches go, and what is excused (docs/policy.md)
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// A file with the plugin's `identity_key`: 32 hexadecimal digits
    #[arg(long, value_name = "FILE")]
    identity_key: Option<PathBuf>,
}

/// What was read of it.
#[derive(Debug, Default)]
pub(super) struct Given {
    pub(super) policy: Option<Policy>,
    pub(super) key: Option<IdentityKey>,
    /// Whether a policy was given that cannot be used.
    pub(super) is_refused: bool,
}

impl PolicyInput {
    /// Whether a policy is given, and not only a key.
    pub(super) fn has_policy(&self) -> bool {
        self.policy.is_some()
    }

    /// Reads both files; what is wrong with them is added to the library's findings.
    pub(super) fn read(&self, library: &mut Library) -> Given {
        let mut given = Given::default();
        if let Some(path) = &self.identity_key {
            match disk::read_text(path) {
                Ok((name, text)) => {
                    given.key = IdentityKey::from_hex(text.trim());
                    if given.key.is_none() {
                        // The file's text is a secret: it is not quoted.
                        let message = "the key is not 32 hexadecimal digits";
                        let help = "make one with `openssl rand -hex 16`, and keep it secret";
                        let code = &codes::BROKEN_IDENTITY_KEY;
                        library.findings.push(Finding::about(&name, code, message, help));
                    }
                }
                Err(finding) => library.findings.push(*finding),
            }
            given.is_refused = given.key.is_none();
        }
        if let Some(path) = &self.policy {
            match disk::read_text(path) {
                Ok((name, text)) => {
                    let (policy, findings) = Policy::read(&name, &text);
                    library.findings.extend(findings);
                    library.sources.insert(name, text);
                    given.policy = policy;
                }
                Err(finding) => library.findings.push(*finding),
            }
            given.is_refused |= given.policy.is_none();
        }
        given
    }
}

impl Given {
    /// The library's rules with the policy.
    pub(super) fn compile(
        &self,
        library: &Library,
        name: &str,
        version: u64,
    ) -> Result<Compilation, Box<Finding>> {
        let policy = self.policy.as_ref().filter(|_| !self.is_refused);
        Compilation::with_policy(library, name, version, policy, self.key)
    }
}

/// A day or a time as an argument, in seconds since 1970.
pub(super) fn moment(text: &str) -> Result<u64, &'static str> {
    policy::moment(text).ok_or("write a day or a time, as `2027-01-31` or `2027-01-31T12:00:00Z`")
}

/// The clock's time, in seconds since 1970.
pub(super) fn now() -> u64 {
    u64::try_from(Timestamp::now().as_second()).unwrap_or_default()
}
