//! `tidegate show`.

mod correlation;
pub(super) mod policy;
mod sizes;

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;
use diagnostics::{Sources, printable};
use inspect::Pack;
use inspect::pack::{FORMAT_VERSION, Phase};
use knowledge::pack_file;
use serde_json::{Value, json};

use super::{Outcome, PlainFormat, ResultFile, counted, name, pretty};
use crate::disk;

/// List the rules, correlations and policy of a pack.
///
/// The pack is checked first, as a gateway checks it.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n\
\x20 tidegate show rules.pack\n\
\x20 tidegate show --format json rules.pack\n\
\x20 tidegate show --sizes rules.pack")]
pub(crate) struct Show {
    /// The pack to read
    file: PathBuf,
    /// How to print the pack
    #[arg(short, long, value_enum, default_value = "text")]
    format: PlainFormat,
    #[command(flatten)]
    result: ResultFile,
    /// List the bytes that each table of the pack takes instead
    #[arg(long)]
    sizes: bool,
}

impl Show {
    pub(super) fn run(&self) -> Outcome {
        let read = disk::read_pack(&self.file);
        let pack = match read.and_then(|(name, bytes)| pack_file::decode(&name, &bytes)) {
            Ok(pack) => pack,
            Err(finding) => return Outcome::refused(&[*finding], &Sources::new()),
        };
        let file = name(&self.file);
        let stdout = match (self.format, self.sizes) {
            (PlainFormat::Text, false) => text(&file, &pack),
            (PlainFormat::Json, false) => pretty(&to_json(&pack)),
            (PlainFormat::Text, true) => heading(&file, &pack) + &sizes::to_text(&pack),
            (PlainFormat::Json, true) => pretty(&sizes::to_json(&pack)),
        };
        self.result.put(Outcome { stdout, ..Outcome::default() })
    }
}

/// The line about the pack as a whole.
fn heading(file: &str, pack: &Pack) -> String {
    let tables = pack.tables();
    let n_correlations = tables.correlations.len();
    format!(
        "{file}: `{}` version {}, format {FORMAT_VERSION}, {}, {}{}, hosts as {}, {}hash {}\n",
        printable(tables.name.as_bytes()),
        tables.version,
        counted(tables.rules.len(), "rule"),
        match n_correlations {
            0 => String::new(),
            number => counted(number, "correlation") + ", ",
        },
        counted(pack.n_bytes(), "byte"),
        tables.hosts.as_str(),
        if pack.is_signed() { "signed, " } else { "" },
        pack.hash(),
    )
}

fn text(file: &str, pack: &Pack) -> String {
    let tables = pack.tables();
    let mut text = heading(file, pack);
    for rule in &tables.rules {
        let shown = |id| printable(tables.str(id).as_bytes());
        let author = match tables.str(rule.author) {
            "" => String::new(),
            _ => format!(" ({})", shown(rule.author)),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{}  {:<13}  {:<8}  {}{author}",
            shown(rule.id),
            rule.level.as_str(),
            phase(rule.phase),
            shown(rule.title),
        );
    }
    text + &correlation::to_text(tables) + &policy::to_text(tables)
}

fn to_json(pack: &Pack) -> Value {
    let tables = pack.tables();
    let rules = tables.rules.iter().map(|rule| {
        json!({
            "id": tables.str(rule.id),
            "title": tables.str(rule.title),
            "author": tables.str(rule.author),
            "status": tables.str(rule.status),
            "level": rule.level.as_str(),
            "phase": phase(rule.phase),
            "logsource": tables.str(rule.logsource),
            "tags": tables.rule_tags(rule).collect::<Vec<_>>(),
        })
    });
    json!({
        "format": 1,
        "name": tables.name,
        "version": tables.version,
        "pack_format": FORMAT_VERSION,
        "hosts": tables.hosts.as_str(),
        "bytes": pack.n_bytes(),
        "signed": pack.is_signed(),
        "hash": pack.hash().to_string(),
        "rules": rules.collect::<Vec<_>>(),
        "correlations": correlation::to_json(tables),
        "policy": policy::to_json(tables),
    })
}

fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Request => "request",
        Phase::Response => "response",
    }
}
