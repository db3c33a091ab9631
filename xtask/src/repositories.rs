//! `cargo xtask repositories`: what becomes of the notes and rules of repositories that nobody here wrote.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use catalogue::Collection;
use corpora::words;
use obsidian::build::{Present, Scope, build};
use obsidian::gather::{self, Files};
use obsidian::merge;
use obsidian::sources::Sources;

use crate::facts::collect;

/// Which repositories.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The folder that holds a clone of each repository, called `OWNER+NAME`
    folder: PathBuf,
}

/// What became of the files of one repository.
#[derive(Default)]
struct Outcome {
    n_read: usize,
    n_kept: usize,
    /// How many were not, by reason.
    refused: BTreeMap<String, usize>,
    n_words: usize,
    n_lost: usize,
}

/// Prints a table in Markdown: a row for each repository, first for its notes, then for its Sigma rules.
#[expect(clippy::print_stdout, reason = "a table for people")]
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    println!("| repository | commit | what | read | kept | refused | words | lost |");
    println!("| --- | --- | --- | ---: | ---: | --- | ---: | ---: |");
    let entries = fs::read_dir(&arguments.folder)?;
    let mut folders = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    folders.retain(|path| path.is_dir());
    folders.sort();
    for folder in folders {
        let name = folder.file_name().context("a name")?.to_string_lossy().replace('+', "/");
        let commit = commit(&folder);
        let mut files = Vec::new();
        collect(&folder, &folder, &mut files)?;
        let (notes, rules) = split(files);
        for (what, outcome) in [("notes", of_notes(notes)), ("Sigma", of_rules(rules))] {
            if outcome.n_read > 0 {
                let refused: Vec<String> =
                    outcome.refused.iter().map(|(why, n)| format!("{n} {why}")).collect();
                let Outcome { n_read, n_kept, n_words, n_lost, .. } = outcome;
                let refused = refused.join("; ").replace('|', "\\|");
                println!(
                    "| {name} | `{commit}` | {what} | {n_read} | {n_kept} | {refused} | {n_words} | {n_lost} |"
                );
            }
        }
    }
    Ok(())
}

/// The first digits of a clone's commit; of a copy those in its file `COMMIT`.
fn commit(folder: &Path) -> String {
    let of_copy = fs::read_to_string(folder.join("COMMIT")).ok();
    let of_clone = || {
        let output = Command::new("git").arg("-C").arg(folder).args(["rev-parse", "HEAD"]).output();
        output.ok().map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let commit = of_copy.or_else(of_clone).unwrap_or_default();
    commit.trim().chars().take(12).collect()
}

/// Notes and files of YAML. A note has an extension of Markdown, or none and front matter.
fn split(files: Files) -> (Files, Files) {
    let is_hidden = |name: &str| name.split('/').any(|part| part.starts_with('.'));
    let (mut notes, mut rules) = (Vec::new(), Vec::new());
    for (name, bytes) in files.into_iter().filter(|(name, _)| !is_hidden(name)) {
        let file = name.rsplit('/').next().unwrap_or_default().to_lowercase();
        match file.rsplit_once('.') {
            Some((_, "md" | "markdown")) => notes.push((name, bytes)),
            Some((_, "yml" | "yaml")) => rules.push((name, bytes)),
            None if bytes.starts_with(b"---\n") => notes.push((name, bytes)),
            _ => {}
        }
    }
    (notes, rules)
}

fn of_notes(files: Files) -> Outcome {
    let mut outcome = Outcome { n_read: files.len(), ..Outcome::default() };
    let texts = files.clone();
    let mut sources = Sources::default();
    let library = gather::notes(&mut sources, files);
    let mut refused: BTreeMap<String, String> = sources.passed_over.iter().cloned().collect();
    for finding in library.findings.iter().filter(|finding| finding.is_error()) {
        let diagnostic = &finding.diagnostic;
        let why = format!("{}: {}", diagnostic.code.id, diagnostic.message);
        refused.entry(diagnostic.place.file.to_string()).or_insert(why);
    }
    settle(&mut outcome, &sources, &texts, &refused);
    outcome
}

fn of_rules(files: Files) -> Outcome {
    let mut sources = Sources::default();
    gather::collection(&mut sources, Collection::Sigma, &files);
    let rules: BTreeSet<&str> = sources.rules.iter().map(|rule| rule.path.as_str()).collect();
    let broken: BTreeMap<String, String> = sources.broken.iter().cloned().collect();
    // Other YAML is no rule of Sigma, and says nothing that a page could lose.
    let is_rule = |name: &str| rules.contains(name) || broken.contains_key(name);
    let texts: Files = files.into_iter().filter(|(name, _)| is_rule(name)).collect();
    let mut outcome = Outcome { n_read: texts.len(), ..Outcome::default() };
    settle(&mut outcome, &sources, &texts, &broken);
    outcome
}

/// Compares what was kept with the pages that are made of it.
fn settle(
    outcome: &mut Outcome,
    sources: &Sources,
    texts: &Files,
    refused: &BTreeMap<String, String>,
) {
    let pages = build(sources, &Scope::default(), &Present::default()).pages;
    let on_pages: BTreeSet<String> =
        pages.iter().flat_map(|page| words(&merge::fresh(page))).collect();
    for (name, bytes) in texts {
        if let Some(why) = refused.get(name) {
            // Of a reason what is in backticks is of one file.
            let why = why.split('`').step_by(2).collect::<Vec<_>>().join("...");
            *outcome.refused.entry(why).or_default() += 1;
            continue;
        }
        outcome.n_kept += 1;
        let words = words(&without_comments(&decoded(bytes)));
        outcome.n_words += words.len();
        let lost: Vec<&String> = words.iter().filter(|word| !on_pages.contains(*word)).collect();
        outcome.n_lost += lost.len();
        if !lost.is_empty() {
            crate::progress::note(&format!("{name}: {lost:?}"));
        }
    }
}

/// A note without the comments of its front matter, which are left out (`catalogue::LEFT_OUT`).
fn without_comments(text: &str) -> String {
    let mut is_head = text.starts_with("---\n");
    let mut kept = String::new();
    for (number, line) in text.lines().enumerate() {
        is_head = is_head && (number == 0 || !matches!(line, "---" | "..."));
        let line = if is_head { line.split(" # ").next().unwrap_or_default() } else { line };
        kept.push_str(line);
        kept.push('\n');
    }
    kept
}

/// Text as the readers decode it: UTF-8, or else Windows-1252.
fn decoded(bytes: &[u8]) -> String {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    str::from_utf8(bytes)
        .map_or_else(|_| bytes.iter().map(|byte| char::from(*byte)).collect(), ToOwned::to_owned)
}
