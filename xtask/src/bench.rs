//! `cargo xtask bench`: one file per subject.

mod envoy;
mod indicators;
mod load;
mod vault;
mod views;

use anyhow::Result;
use clap::Subcommand;

/// What is measured.
#[derive(Debug, Subcommand)]
pub(crate) enum Subject {
    /// What a filter adds to the processor time of a request in a real Envoy.
    Envoy(envoy::Arguments),
    /// What it costs to evaluate a request in all its views; build with `--release` for true figures.
    Views(views::Arguments),
    /// How long a vault of the corpora takes, and its memory, beside obsidian-export.
    Vault(vault::Arguments),
}

/// Runs a bench.
pub(crate) fn run(subject: &Subject) -> Result<()> {
    match subject {
        Subject::Envoy(arguments) => envoy::run(arguments),
        Subject::Views(arguments) => views::run(arguments),
        Subject::Vault(arguments) => vault::run(arguments),
    }
}
