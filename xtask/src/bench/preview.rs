//! The preview in the browser beside the native engine: an access log against the shipped pack.

use std::fmt::Write;
use std::fs;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use tests::workspace;

use crate::artifact::Artifacts;
use crate::command::{self, cargo, output};
use crate::page;
use crate::progress::step;

/// How much longer the browser may take than one native thread.
const BOUND: f64 = 3.0;

/// How much is measured.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Lines of the log.
    #[arg(long, default_value_t = 100_000)]
    lines: usize,
    /// Rounds, of which the fastest counts on either side.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

/// Measures and prints one line; an error where the bound does not hold.
#[expect(clippy::print_stdout, reason = "a report for people")]
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    Artifacts::build()?;
    page::set_up()?;
    step("building the command line for release");
    let release = ["build", "--release", "--package", "tidegate", "--bin", "tidegate"];
    command::run(cargo().args(release).env("TIDEGATE_PAGE", workspace::page()?))?;
    let tidegate = workspace::target().join("release/tidegate");

    let folder = workspace::target().join("browser");
    fs::create_dir_all(&folder)?;
    let log = folder.join("access.jsonl");
    fs::write(&log, access_log(arguments.lines)?)?;
    step("running the shipped rules over the log, natively and in the browser by turns");
    let (mut native, mut browser) = (f64::MAX, f64::MAX);
    let mut first_verdict = f64::MAX;
    let mut n_matched = String::new();
    for _ in 0..arguments.rounds {
        let mut hunt = Command::new(&tidegate);
        hunt.args(["hunt", "--threads", "1", "--pack"]).arg(workspace::shipped_pack()?).arg(&log);
        let start = Instant::now();
        let status = hunt.stdout(Stdio::null()).stderr(Stdio::null()).status()?;
        native = native.min(start.elapsed().as_secs_f64() * 1000.0);
        ensure!(status.success(), "`tidegate hunt` failed");
        let mut node = Command::new("node");
        node.arg(workspace::root().join("tests/browser/speed.mjs")).arg(&tidegate).arg(&log);
        let said = output(&mut node)?;
        let mut words = said.split_whitespace();
        let mut number = || -> Result<f64> { Ok(words.next().context("a number")?.parse()?) };
        browser = browser.min(number()?);
        first_verdict = first_verdict.min(number()?);
        n_matched = words.collect::<Vec<_>>().join(" ");
    }
    let ratio = browser / native;
    println!(
        "preview: {} lines in {native:.0} ms by `tidegate hunt` on one thread, in {browser:.0} ms in the browser: {ratio:.2} times; {n_matched}; first verdict of the release build after {first_verdict:.0} ms",
        arguments.lines
    );
    ensure!(
        ratio <= BOUND,
        "the browser takes {ratio:.2} times as long, at most {BOUND} is allowed"
    );
    ensure!(first_verdict < 1000.0, "the first verdict took {first_verdict:.0} ms");
    Ok(())
}

/// An access log as the example gateway writes it: mostly ordinary requests, a few that match.
fn access_log(n_lines: usize) -> Result<String> {
    let hosts = ["www.example.com", "api.github.com", "cdn.example.net", "pastebin.com"];
    let agents = ["Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0", "curl/8.5.0", "python/3.13"];
    let mut log = String::new();
    let clients = hosts.iter().cycle().zip(agents.iter().cycle());
    for (line, (host, agent)) in clients.take(n_lines).enumerate() {
        let path = if line % 40 == 3 { "/raw/Ab12Cd34" } else { "/assets/app/index.html" };
        writeln!(
            log,
            r#"{{"start_time":"2026-11-21T07:00:00.{:03}Z","method":"GET","scheme":"https","authority":"{host}","path":"{path}?n={line}","protocol":"HTTP/2","response_code":200,"bytes_received":0,"bytes_sent":{},"user_agent":"{agent}","request_id":"{line:032x}","downstream_remote_address":"10.0.0.7:4242","upstream_host":"203.0.113.7:443"}}"#,
            line % 1000,
            line % 5000,
        )?;
    }
    Ok(log)
}
