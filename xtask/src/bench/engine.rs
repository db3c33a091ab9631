//! Compares the engine with the others that run Sigma: the program of `tests/peers`, which is outside of
//! the workspace because the peers' dependencies are none of ours.

use ::tests::workspace;
use anyhow::Result;

use crate::command::{cargo, run as run_command};
use crate::install;
use crate::progress::step;
use crate::sources;

/// How much is measured.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Rounds in which every contender runs once, of which medians are taken.
    #[arg(long, default_value_t = 25)]
    rounds: usize,
    /// Milliseconds that each contender runs in a round.
    #[arg(long, default_value_t = 40)]
    milliseconds: u64,
}

/// Builds and runs the program, which prints its tables and, last, which goals are held.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let corpora = sources::needed(&["sigma"])?;
    install::targets()?;
    install::node()?;
    step("building the engines for speed: tidegate, rsigma, sigma-rust");
    let peers = workspace::root().join("tests/peers");
    let engine = |verb: &str| {
        let mut engine = cargo();
        // rsigma asks for a newer compiler than the one that builds it.
        engine.args([verb, "--quiet", "--locked", "--release", "--ignore-rust-version"]);
        // A folder for what is built that the caller chose is the workspace's.
        engine.args(["--bin", "engine"]).current_dir(&peers).env_remove("CARGO_TARGET_DIR");
        engine
    };
    run_command(&mut engine("build"))?;
    step("timing them in turns, natively and in V8");
    let mut timed = engine("run");
    timed.env("TIDEGATE_CORPORA", corpora);
    timed.arg("--").args(["--rounds", &arguments.rounds.to_string()]);
    run_command(timed.args(["--milliseconds", &arguments.milliseconds.to_string()]))
}
