//! `cargo xtask bench`: one file per subject.

mod allow;
mod attack;
mod behaviour;
mod engine;
mod envoy;
mod growth;
mod hunt;
mod hunt_formats;
mod hunt_network;
mod indicators;
mod load;
mod lsp;
mod preview;
mod reload;
mod soak;
mod vault;
mod views;

use anyhow::Result;
use clap::Subcommand;

/// What is measured.
#[derive(Debug, Subcommand)]
pub(crate) enum Subject {
    /// What an allow-list costs by its size; build with `--release` for true figures.
    Allow(allow::Arguments),
    /// One client attacks the shipped gateway while others work: their error rate and latency.
    Attack(attack::Arguments),
    /// What a real Envoy finds of abuse over time, with one worker and with more, beside a hunt.
    Behaviour(behaviour::Arguments),
    /// How long an event takes beside rsigma and sigma-rust, natively and in V8; compiling, decoding.
    Engine(engine::Arguments),
    /// What a filter adds to the processor time of a request in a real Envoy.
    Envoy(envoy::Arguments),
    /// What the command line takes for hostile input of growing size: time and memory.
    Growth(growth::Arguments),
    /// How long the page in the browser takes for an access log, beside one native thread.
    Preview(preview::Arguments),
    /// How fast an access log is hunted, and with how much memory; build with `--release` for true
    /// figures.
    Hunt(hunt::Arguments),
    /// How soon findings follow a keystroke in an editor, with all rules of SigmaHQ as its project.
    Lsp(lsp::Arguments),
    /// Packs are replaced under load, good ones and bad ones: failed requests, latency, memory.
    Reload(reload::Arguments),
    /// Very many requests from very many sources: what grows.
    Soak(soak::Arguments),
    /// What it costs to evaluate a request in all its views; build with `--release` for true figures.
    Views(views::Arguments),
    /// How long a vault of the corpora takes, and its memory, beside obsidian-export.
    Vault(vault::Arguments),
}

/// Runs a bench.
pub(crate) fn run(subject: &Subject) -> Result<()> {
    match subject {
        Subject::Allow(arguments) => allow::run(arguments),
        Subject::Attack(arguments) => attack::run(arguments),
        Subject::Behaviour(arguments) => behaviour::run(arguments),
        Subject::Engine(arguments) => engine::run(arguments),
        Subject::Envoy(arguments) => envoy::run(arguments),
        Subject::Growth(arguments) => growth::run(arguments),
        Subject::Preview(arguments) => preview::run(arguments),
        Subject::Hunt(arguments) => hunt::run(arguments),
        Subject::Lsp(arguments) => lsp::run(arguments),
        Subject::Reload(arguments) => reload::run(arguments),
        Subject::Soak(arguments) => soak::run(arguments),
        Subject::Views(arguments) => views::run(arguments),
        Subject::Vault(arguments) => vault::run(arguments),
    }
}
