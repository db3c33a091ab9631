//! The arguments for a policy and the key of its identities.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use diagnostics::Finding;
use inspect::{IdentityKey, Pack};
use jiff::Timestamp;
use knowledge::{Compilation, Library, Policy, policy};

use super::fill;
use crate::disk;
use crate::project::Project;

/// A policy to compile into the pack.
#[derive(Args, Clone, Debug)]
pub(super) struct PolicyInput {
    /// Apply this policy: what to report or deny, and the exceptions (docs/policy.md)
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    key: KeyInput,
}

/// The key of identities.
#[derive(Args, Clone, Debug)]
pub(super) struct KeyInput {
    /// Read the key that identities are hashed with from this file: 32 hexadecimal digits
    #[arg(long, value_name = "FILE")]
    identity_key: Option<PathBuf>,
}

impl KeyInput {
    pub(super) fn fill_in(&mut self, project: &Project) {
        fill(&mut self.identity_key, project.identity_key.as_ref());
    }

    /// Reads the key, if it is given.
    pub(super) fn read(&self) -> Result<Option<IdentityKey>, Box<Finding>> {
        let read = self.identity_key.as_deref().map(read_key).transpose()?;
        Ok(read.map(|(key, _)| key))
    }

    /// Returns true if a key is given.
    pub(super) fn is_given(&self) -> bool {
        self.identity_key.is_some()
    }
}

/// The policy and the key as they were read.
#[derive(Debug, Default)]
pub(super) struct Given {
    pub(super) policy: Option<Policy>,
    pub(super) key: Option<IdentityKey>,
    /// True if a given policy or key cannot be used.
    pub(super) is_refused: bool,
}

impl PolicyInput {
    /// Takes another policy.
    pub(super) fn set(&mut self, path: &Path) {
        self.policy = Some(path.to_owned());
    }

    pub(super) fn fill_in(&mut self, project: &Project) {
        fill(&mut self.policy, project.policy.as_ref());
        self.key.fill_in(project);
    }

    /// Takes only the key of a project: a pack has its own policy.
    pub(super) fn fill_in_key(&mut self, project: &Project) {
        self.key.fill_in(project);
    }

    /// The files of the policy and the key.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        self.policy.iter().chain(&self.key.identity_key).map(PathBuf::as_path)
    }

    /// Returns true if a policy is given.
    pub(super) fn is_given(&self) -> bool {
        self.policy.is_some()
    }

    /// Reads both files; their findings are added to the library's.
    pub(super) fn read(&self, library: &mut Library) -> Given {
        let mut given = Given::default();
        match self.key.read() {
            Ok(key) => given.key = key,
            Err(finding) => {
                library.findings.push(*finding);
                given.is_refused = true;
            }
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

/// Reads a key for identities; returns the key and its digits.
pub(super) fn read_key(path: &Path) -> Result<(IdentityKey, String), Box<Finding>> {
    let (name, text) = disk::read_key(path)?;
    let digits = text.trim();
    match IdentityKey::from_hex(digits) {
        Some(key) => Ok((key, digits.to_owned())),
        None => {
            // The file's text is a secret: it is not quoted.
            let message = "the key is not 32 hexadecimal digits";
            let help = "make one with `openssl rand -hex 16`, and keep it secret";
            let code = &knowledge::codes::BROKEN_IDENTITY_KEY;
            Err(Box::new(Finding::about(&name, code, message, help)))
        }
    }
}

/// Refuses a pack whose policy lists identities hashed with another key, as the filter does: sanctioned
/// uses would not be recognised.
pub(super) fn check_key(
    name: &Arc<str>,
    pack: &Pack,
    key: Option<IdentityKey>,
) -> Result<(), Box<Finding>> {
    let check = pack.tables().policy.key_check;
    if check == 0 || key.is_some_and(|key| key.check() == check) {
        return Ok(());
    }
    let message = match key {
        None => "the pack's policy lists identities, and there is no key",
        Some(_) => "the pack's policy lists identities by another key",
    };
    let help = "give the key that the pack was made with, with `--identity-key FILE`";
    Err(Box::new(Finding::about(name, &knowledge::codes::NO_IDENTITY_KEY, message, help)))
}

impl Given {
    /// Compiles the library's rules with the policy.
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

/// Reads a day or a time, in seconds since 1970.
pub(super) fn moment(text: &str) -> Result<u64, &'static str> {
    policy::moment(text)
        .ok_or("write a day or a time, such as `2027-01-31` or `2027-01-31T12:00:00Z`")
}

/// Returns the current time, in seconds since 1970.
pub(super) fn now() -> u64 {
    u64::try_from(Timestamp::now().as_second()).unwrap_or_default()
}
