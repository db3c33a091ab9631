//! Set-up and every task of more than one step: `cargo xtask demo | record | lint | test | matrix | corpora | bench |
//! fuzz | sanitize | dist | setup`.
#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a program for people: it prints, touches files and reads clocks and the environment"
)]

mod artifact;
mod bench;
mod command;
mod demo;
mod dist;
mod example;
mod facts;
mod filter_module;
mod fuzz;
mod install;
mod lint;
mod native_module;
mod page;
mod progress;
mod record;
mod repositories;
mod sanitize;
mod schemas;
mod sizes;
mod skipped;
mod sources;
mod suite;
mod table;
mod vault;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use tests::workspace;

/// The tasks of this workspace.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Starts the example gateway, sends it requests and shows what it made of them.
    Demo {
        /// Leaves the gateway running, and says how to use it, until Ctrl-C.
        #[arg(long)]
        keep: bool,
        /// Another example than examples/egress-gateway: connect-sni, tls-intercept or transparent.
        #[arg(long, value_name = "NAME")]
        example: Option<String>,
        /// What runs the filter: `wasm`, or `native` for the native module.
        #[arg(long, value_name = "HOST", default_value = "wasm", value_parser = ["wasm", "native"])]
        host: String,
    },
    /// Runs clippy natively and for wasm, and builds the documentation; a warning is an error.
    Lint,
    /// Runs every test of the workspace.
    Test {
        /// The versions of Envoy to test with, each installed if need be.
        #[arg(long, value_delimiter = ',', value_name = "VERSIONS")]
        envoy: Vec<String>,
    },
    /// Runs the tests that start an Envoy with each supported release of it.
    Matrix {
        /// Other versions of Envoy, each installed if need be.
        #[arg(long, value_delimiter = ',', value_name = "VERSIONS")]
        envoy: Vec<String>,
    },
    /// Runs every shipped runbook through the example gateway, writes the results to the notes, and builds the
    /// vault of the repository from them.
    Record,
    /// Lists the corpora that tests and benches read: folder, repository, commit and licence of each.
    Corpora,
    /// Writes knowledge/facts from the corpora, or from the folder that is named.
    Facts(facts::Arguments),
    /// Lists what becomes of the notes and rules of other people's repositories, and which words are lost.
    Repositories(repositories::Arguments),
    /// Measures.
    Bench {
        /// What to measure.
        #[command(subcommand)]
        subject: bench::Subject,
    },
    /// Gives programs that read what others wrote anything to read, and keeps what crashes them.
    Fuzz(fuzz::Arguments),
    /// Runs the tests of the native module's unsafe code under `AddressSanitizer` and `LeakSanitizer`.
    Sanitize(sanitize::Arguments),
    /// Builds what a release consists of, into `dist/`.
    Dist,
    /// Installs and builds what tests need: targets, Envoy, Node.js, a browser, Spark, the wasm
    /// modules, the shipped pack, the preview's page.
    Setup,
}

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    match task {
        Task::Demo { host, .. } if host == "native" && workspace::native()?.is_none() => {
            native_module::run_again()
        }
        Task::Demo { keep, example: None, .. } => demo::run(keep),
        Task::Demo { keep, example: Some(name), .. } => example::run(&name, keep),
        Task::Lint => lint::run_all(),
        Task::Record => record::run(),
        Task::Test { envoy } => suite::run(&envoy),
        Task::Matrix { envoy } => suite::matrix(&envoy),
        Task::Corpora => {
            sources::print();
            Ok(())
        }
        Task::Facts(arguments) => facts::run(&arguments),
        Task::Repositories(arguments) => repositories::run(&arguments),
        Task::Bench { subject } => bench::run(&subject),
        Task::Fuzz(arguments) => fuzz::run(&arguments),
        Task::Sanitize(arguments) => sanitize::run(&arguments),
        Task::Dist => dist::run(),
        Task::Setup => {
            install::envoy()?;
            suite::set_up().map(|_| ())
        }
    }
}
