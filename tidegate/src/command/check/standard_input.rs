//! `tidegate check -`: a note or Sigma rules from standard input, among the files that it may name.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use diagnostics::limits::MAX_FILE_BYTES;
use diagnostics::{Finding, SourceFile, Sources, contains_key, front_matter, report};
use serde_json::json;

use super::{Check, Checked, count};
use crate::command::{Outcome, named_paths, read_files, render};
use crate::disk;

impl Check {
    /// Reports what is wrong with standard input.
    pub(super) fn check_input(&self) -> Result<Outcome, Outcome> {
        disk::announce_stdin("a note or Sigma rules")
            .map_err(|error| Outcome::failed(&disk::reason(&error)))?;
        let refused = |finding: Finding| Outcome::refused(&[finding], &Sources::new());
        let given: Option<Arc<str>> = self.stdin_name.as_deref().map(disk::name);
        let shown = given.clone().unwrap_or_else(|| "<stdin>".into());
        let bytes =
            disk::read_stdin(MAX_FILE_BYTES, &shown).map_err(|finding| refused(*finding))?;
        let name = given.unwrap_or_else(|| guessed(&bytes).into());
        if contains_key(&bytes) {
            return Err(refused(Finding::secret_key(&name)));
        }
        let others = self.inputs.paths.iter().filter(|path| path.as_os_str() != "-");
        let others: Vec<PathBuf> = others.cloned().collect();
        let others = named_paths(&others);
        let (mut files, _) =
            if others.is_empty() { Default::default() } else { read_files(&others)? };
        // The text is newer than the file that it comes from.
        let is_other = |file: &SourceFile| !is_same(&file.name, &name);
        files.retain(is_other);
        files.push(SourceFile { name: Arc::clone(&name), bytes });
        let placeholders = self.inputs.vocabulary.read()?;
        let Checked { mut library, .. } = self.read(&files, &placeholders);
        library.findings.retain(|finding| finding.diagnostic.place.file == name);
        report::sort(&mut library.findings);
        let summary = format!("{name}: {}\n", count(&library.findings));
        let numbers = [("files", json!(1))];
        let stdout = render(self.format, &library.findings, &library.sources, &summary, &numbers);
        let code = u8::from(!library.findings.is_empty());
        Ok(Outcome { stdout, code, ..Outcome::default() })
    }
}

/// The name of a text by what it is: a note begins with front matter that has a `kind`, or has a fence.
fn guessed(bytes: &[u8]) -> &'static str {
    let text = String::from_utf8_lossy(bytes);
    let has_kind = front_matter::split(&text).is_ok_and(|split| split.guess("kind").is_some());
    let has_fence = text.lines().any(|line| line.starts_with("```"));
    if has_kind || has_fence { "stdin.md" } else { "stdin.yml" }
}

/// Returns true for two names of one path, as `rules/./a.md` and `rules/a.md`.
fn is_same(left: &str, right: &str) -> bool {
    Path::new(left).components().eq(Path::new(right).components())
}
