//! The arguments of commands that run rules over logs: the rules, or a pack of them, and a policy.

use std::path::{Path, PathBuf};

use clap::Args;
use diagnostics::Finding;
use hunt::PolicyReplay;
use knowledge::{Library, pack_file};

use super::logs::LogInput;
use super::policy::{PolicyInput, check_key};
use super::{Outcome, Vocabulary, counted, fill_paths, read_library};
use crate::disk;
use crate::project::Project;

/// The rules to run over logs.
#[derive(Args, Clone, Debug)]
pub(super) struct RuleInput {
    /// Use the rules and the policy of this pack
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["rules", "policy"])]
    pack: Option<PathBuf>,
    /// Use the rules of these notes, Sigma files and folders [default: the project's, or knowledge/notes]
    #[arg(short, long, value_name = "PATH")]
    rules: Vec<PathBuf>,
    #[command(flatten)]
    vocabulary: Vocabulary,
    /// Go on with the other rules if some are refused
    #[arg(long)]
    allow_refused: bool,
    #[command(flatten)]
    policy: PolicyInput,
}

impl RuleInput {
    pub(super) fn fill_in(&mut self, project: &Project) {
        self.vocabulary.fill_in(project);
        if self.pack.is_some() {
            return self.policy.fill_in_key(project);
        }
        fill_paths(&mut self.rules, &project.notes);
        self.policy.fill_in(project);
    }

    /// The same rules with another policy.
    pub(super) fn with_policy(&self, path: &Path) -> RuleInput {
        let mut rules = self.clone();
        rules.policy.set(path);
        rules
    }

    /// Returns the pack's bytes, which are known to be a pack, how its policy is replayed, and the lines
    /// about the rules for standard error.
    pub(super) fn pack(
        &self,
        input: &LogInput,
    ) -> Result<(Vec<u8>, Option<PolicyReplay>, String), Outcome> {
        let none = diagnostics::Sources::new();
        if let Some(path) = &self.pack {
            let (name, bytes) =
                disk::read_pack(path).map_err(|finding| Outcome::refused(&[*finding], &none))?;
            let pack = pack_file::decode(&name, &bytes)
                .map_err(|finding| Outcome::refused(&[*finding], &none))?;
            let mut nothing = Library::default();
            let given = self.policy.read(&mut nothing);
            if given.is_refused {
                return Err(Outcome::refused(&nothing.findings, &none));
            }
            check_key(&name, &pack, given.key)
                .map_err(|finding| Outcome::refused(&[*finding], &none))?;
            let policy = input.policy([&pack], given.key);
            return Ok((bytes, policy, String::new()));
        }
        let (mut library, _) = read_library(&self.rules, &self.vocabulary)?;
        let given = self.policy.read(&mut library);
        if given.is_refused {
            return Err(Outcome::refused(&library.findings, &library.sources));
        }
        let compilation = given
            .compile(&library, "hunt", 1)
            .map_err(|finding| Outcome::refused(&[*finding], &library.sources))?;
        let mut findings = library.findings.clone();
        findings.extend(compilation.findings.iter().cloned());
        findings.retain(Finding::is_error);
        let refused = Outcome::refused(&findings, &library.sources);
        if compilation.n_compiled == 0 || !findings.is_empty() && !self.allow_refused {
            return Err(refused);
        }
        let summary = format!(
            "{} read = {} compiled + {} refused\n",
            counted(compilation.n_read, "rule"),
            compilation.n_compiled,
            compilation.n_refused
        );
        let policy = input.policy([&compilation.pack], given.key);
        Ok((compilation.bytes, policy, refused.stderr + &summary))
    }
}
