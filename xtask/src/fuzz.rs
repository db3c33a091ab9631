//! `cargo xtask fuzz`: the targets of `fuzz/`, one after the other.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args;
use inspect::pack::Envelope;
use sigma::{Compiler, Source};
use tests::workspace;

use crate::command;
use crate::install;
use crate::progress::{note, step};

const CARGO_FUZZ: &str = "0.13.1";
/// Before the body of a pack: magic number, version, length and hash.
const HEADER_BYTES: usize = 48;

/// How long to fuzz, and what.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Minutes for each target.
    #[arg(long, default_value_t = 1)]
    minutes: u32,
    /// Only this target, by its name in `fuzz/fuzz_targets`.
    #[arg(long, value_name = "TARGET")]
    target: Option<String>,
}

/// Fuzzes. What crashes a target is kept in `fuzz/crashes`, where the tests of `knowledge` find it.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let root = workspace::root();
    let mut names = Vec::new();
    for entry in fs::read_dir(root.join("fuzz/fuzz_targets"))? {
        let name = entry?.path().file_stem().context("a target without a name")?.to_owned();
        names.push(name.to_string_lossy().into_owned());
    }
    names.sort();
    if let Some(wanted) = &arguments.target {
        if !names.contains(wanted) {
            bail!("there is no target `{wanted}`; the targets are {}", names.join(", "));
        }
        names.retain(|name| name == wanted);
    }
    install()?;
    let mut crashed = Vec::new();
    for name in &names {
        step(&format!("fuzzing `{name}` for {} minutes", arguments.minutes));
        let start = Instant::now();
        if let Err(error) = target(&root, name, arguments.minutes) {
            note(&format!("{error:#}"));
            crashed.push(name.as_str());
        }
        note(&format!("{} seconds", start.elapsed().as_secs()));
    }
    if !crashed.is_empty() {
        bail!("found something: {}; see fuzz/crashes", crashed.join(", "));
    }
    step(&format!("{} targets, nothing found", names.len()));
    Ok(())
}

fn install() -> Result<()> {
    step("fuzzer");
    install::nightly()?;
    let tools = workspace::target().join("tools");
    if tools.join("bin/cargo-fuzz").is_file() {
        note("cargo-fuzz: there");
        return Ok(());
    }
    note(&format!("cargo-fuzz {CARGO_FUZZ}: asking cargo for it"));
    // By the compiler of the workspace: what the program depends on does not build on a nightly of today.
    let arguments = ["install", "cargo-fuzz", "--locked", "--version", CARGO_FUZZ];
    command::run(command::cargo().args(arguments).arg("--root").arg(tools))
}

fn target(root: &Path, name: &str, minutes: u32) -> Result<()> {
    let home = workspace::target().join("fuzz");
    let corpus = home.join("corpus").join(name);
    let crashes = root.join("fuzz/crashes").join(name);
    fs::create_dir_all(&corpus)?;
    fs::create_dir_all(&crashes)?;
    if name == "pack" {
        pack_seeds(root, &corpus)?;
    }
    let mut cargo = Command::new("rustup");
    // The programs forbid unsafe code: nothing for a sanitizer of addresses to find. `cargo xtask sanitize`
    // has the code that does not.
    cargo.args([
        "run",
        install::NIGHTLY,
        "cargo",
        "fuzz",
        "run",
        "--sanitizer",
        "none",
        "--target-dir",
    ]);
    let seeds = root.join("fuzz/seeds").join(name);
    // Those of packs are made above.
    cargo.arg(&home).arg(name).arg(corpus).args(seeds.is_dir().then_some(seeds)).arg("--");
    cargo.arg(format!("-max_total_time={}", u64::from(minutes) * 60));
    // The bound of an automaton takes a third of a second to reach, and instrumented far longer.
    cargo.args(["-timeout=60", "-rss_limit_mb=2048", "-max_len=8192", "-print_final_stats=1"]);
    cargo.arg(format!("-artifact_prefix={}/", crashes.display()));
    let dictionary = root.join("fuzz/dictionaries").join(name);
    cargo.args(dictionary.is_file().then(|| format!("-dict={}", dictionary.display())));
    let tools = workspace::target().join("tools/bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::iter::once(tools).chain(std::env::split_paths(&path));
    cargo.env("PATH", std::env::join_paths(paths)?).current_dir(root);
    let ended = command::run(&mut cargo);
    // Empty where nothing crashed: not for the repository.
    let _ = fs::remove_dir(&crashes);
    ended
}

/// Tables of packs in the format of now, and their compressed form, made of the seeds of Sigma text.
fn pack_seeds(root: &Path, corpus: &Path) -> Result<()> {
    for entry in fs::read_dir(root.join("fuzz/seeds/sigma"))? {
        let path = entry?.path();
        let text = fs::read_to_string(&path)?;
        let parsed = sigma::parse(&Source::new("seed.yml", &text));
        let mut compiler = Compiler::new("seed", 1);
        for rule in &parsed.rules {
            let _ = compiler.add(rule);
        }
        let _ = compiler.add_correlations(&parsed.correlations);
        let bytes = compiler.finish().encode();
        let body = bytes.get(HEADER_BYTES..).context("a pack without a body")?;
        let name = path.file_name().context("a seed without a name")?.to_string_lossy();
        fs::write(corpus.join(format!("{name}.body")), body)?;
        let tables =
            Envelope::read(&bytes)?.expanded().context("a pack that cannot be expanded")?;
        fs::write(corpus.join(&*name), tables)?;
    }
    Ok(())
}
