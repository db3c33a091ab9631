//! What happens when something breaks, where no other test shows it: rows of `docs/failures.md`.
#![forbid(unsafe_code)]
#![expect(clippy::disallowed_methods, reason = "tests touch files")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use gateway::signing::{self, KeyFiles};
use serde_json::Value;
use tempfile::TempDir;
use tests::gateway::{replace, replace_text};
use tests::one_host::{HOSTS, denied, pack, request};
use tests::{Bootstrap, Envoy, Launch, Plugin, admin, http1, until, workspace};

fn start(directory: &Path, filter: &Value) -> Result<Envoy> {
    let config = Bootstrap::new().listener("egress", std::slice::from_ref(filter));
    Envoy::launch_in(&Launch::new()?, &config.json(), directory)
}

#[test]
fn a_bad_pack_in_the_bootstrap_keeps_envoy_from_starting_whatever_the_failure_policy() -> Result<()>
{
    for failure_policy in ["FAIL_CLOSED", "FAIL_OPEN", "FAIL_RELOAD"] {
        let bad = Plugin { failure_policy, ..Plugin::tidegate(b"truncated", "enforce")? };
        let directory = TempDir::with_prefix("tidegate-failure-")?;
        let Err(error) = start(directory.path(), &bad.http_filter()) else {
            bail!("Envoy started under {failure_policy}");
        };
        assert!(error.to_string().contains("Envoy ended"), "{error:#}");
    }
    Ok(())
}

#[test]
fn without_a_default_a_bad_file_at_the_start_refuses_every_request() -> Result<()> {
    let directory = TempDir::with_prefix("tidegate-failure-")?;
    let good = Plugin::tidegate(&pack("a.example", 1)?, "enforce")?;
    let mut filter = good.discovered("./tidegate.json");
    let discovery = filter["config_discovery"].as_object_mut().context("an object")?;
    discovery.remove("default_config").context("a default")?;
    replace(directory.path(), &Plugin::tidegate(b"truncated", "enforce")?, "1")?;
    let envoy = start(directory.path(), &filter)?;
    let address = envoy.listener("egress")?;
    for host in HOSTS {
        assert_eq!(http1::send(address, &request(host))?.status, 500, "{host}");
    }
    replace(directory.path(), &good, "2")?;
    until("the repaired file", || {
        let status = http1::send(address, &request("a.example"))?.status;
        Ok((status == 403).then_some(()))
    })
}

#[test]
fn an_envoy_that_was_killed_starts_with_what_the_file_says_and_without_memory() -> Result<()> {
    let directory = TempDir::with_prefix("tidegate-failure-")?;
    let keys = signing::generate([1; 32]);
    let plugin = |host: &str, version: u64| -> Result<Plugin> {
        Plugin::trusting(&signed(pack(host, version)?, &keys)?, "enforce", &keys.public)
    };
    let filter = plugin("a.example", 5)?.discovered("./tidegate.json");
    replace(directory.path(), &plugin("b.example", 6)?, "1")?;
    // Killed, not ended: that is what dropping does.
    drop(start(directory.path(), &filter)?);
    let envoy = start(directory.path(), &filter)?;
    assert_eq!(denied(envoy.listener("egress")?)?, ["b.example"]);
    drop(envoy);

    // The last good pack is what the process held; the file has to be good, or the default runs.
    replace_text(directory.path(), "{")?;
    let envoy = start(directory.path(), &filter)?;
    assert_eq!(denied(envoy.listener("egress")?)?, ["a.example"]);
    drop(envoy);

    // Which versions were at work before is not known any more.
    replace(directory.path(), &plugin("b.example", 4)?, "2")?;
    let older = plugin("a.example", 3)?.discovered("./tidegate.json");
    let envoy = start(directory.path(), &older)?;
    let address = envoy.listener("egress")?;
    until("the older pack", || Ok((denied(address)? == ["b.example"]).then_some(())))
}

fn signed(pack: Vec<u8>, keys: &KeyFiles) -> Result<Vec<u8>> {
    let file: Arc<str> = "key".into();
    let signed = signing::sign(pack, &file, &keys.secret);
    signed.ok().context("the key signs")
}

/// An Envoy whose standard error is a pipe, as it is in a container.
struct Piped {
    child: Child,
    address: SocketAddr,
}

impl Drop for Piped {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _already_waited = self.child.wait();
    }
}

impl Piped {
    fn start(directory: &Path, arguments: &[&str]) -> Result<Self> {
        let plugin = Plugin::tidegate(&pack("a.example", 1)?, "monitor")?;
        let config = Bootstrap::new().quiet().listener("egress", &[plugin.http_filter()]).json();
        fs::write(directory.join("bootstrap.json"), tests::adapt(&config)?.to_string())?;
        let child = Command::new(workspace::envoy()?)
            .args(["-c", "bootstrap.json", "--admin-address-path", "admin", "--concurrency", "1"])
            .args(["--log-level", "warning", "--disable-hot-restart"])
            .args(arguments)
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut piped = Piped { child, address: SocketAddr::from(([127, 0, 0, 1], 0)) };
        piped.address = until("Envoy", || {
            let address = fs::read_to_string(directory.join("admin")).unwrap_or_default();
            let Some(address) = admin::Address::read(&address, directory) else { return Ok(None) };
            let ready = admin::get(&address, "/ready").is_ok();
            let listeners = admin::listeners(&address);
            Ok(listeners.ok().filter(|_| ready).and_then(|all| all.get("egress").copied()))
        })?;
        Ok(piped)
    }

    /// Sends a request that a rule matches, again and again; how many were answered before one was not
    /// within two seconds, if one was not, of `n_requests`.
    fn answered(&self, n_requests: usize) -> Result<usize> {
        for n_answered in 0..n_requests {
            let mut stream = TcpStream::connect(self.address)?;
            stream.set_read_timeout(Some(Duration::from_secs(2)))?;
            stream.write_all(&request("a.example"))?;
            if stream.read(&mut [0; 16]).is_err() {
                return Ok(n_answered);
            }
        }
        Ok(n_requests)
    }
}

#[test]
fn a_collector_that_stops_reading_the_pipe_of_the_log_stops_the_worker_until_it_reads() -> Result<()>
{
    const N_REQUESTS: usize = 1_000;
    let directory = TempDir::with_prefix("tidegate-failure-")?;
    let mut piped = Piped::start(directory.path(), &[])?;
    let n_answered = piped.answered(N_REQUESTS)?;
    ensure!(n_answered < N_REQUESTS, "all requests were answered");
    let log = piped.child.stderr.take().context("a pipe")?;
    let reader = std::thread::spawn(move || BufReader::new(log).lines().count());
    assert_eq!(piped.answered(N_REQUESTS)?, N_REQUESTS, "after the collector went on");
    drop(piped);
    let n_lines = reader.join().ok().context("the collector")?;
    ensure!(n_lines >= N_REQUESTS, "{n_lines} lines");
    Ok(())
}

#[test]
fn a_log_in_a_file_needs_no_collector() -> Result<()> {
    const N_REQUESTS: usize = 1_000;
    let directory = TempDir::with_prefix("tidegate-failure-")?;
    let piped = Piped::start(directory.path(), &["--log-path", "envoy.log"])?;
    assert_eq!(piped.answered(N_REQUESTS)?, N_REQUESTS);
    // Envoy flushes the file from time to time.
    until("all events", || {
        let log = fs::read_to_string(directory.path().join("envoy.log"))?;
        Ok((log.matches("\"tidegate.match\"").count() == N_REQUESTS).then_some(()))
    })
}

#[test]
fn every_finding_of_the_page_on_hardening_names_tests_that_there_are() -> Result<()> {
    let page = fs::read_to_string(workspace::root().join("docs/hardening.md"))?;
    let rows = page.lines().skip_while(|line| !line.starts_with("| finding |")).skip(2);
    let mut findings = Vec::new();
    for row in rows.take_while(|line| line.starts_with("| ")) {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [numbers, _, tests] = cells.as_slice() else { bail!("not three cells: {row}") };
        for number in numbers.split(", ") {
            findings.push(number.parse::<u32>()?);
        }
        for test in tests.split(", ") {
            let named = test.trim_matches('`').split_once("::");
            let (file, name) = named.with_context(|| format!("no test: {row}"))?;
            let text = fs::read_to_string(workspace::root().join(file)).context(file.to_owned())?;
            ensure!(text.contains(&format!("fn {name}(")), "`{file}` has no test `{name}`");
        }
    }
    findings.sort_unstable();
    assert_eq!(findings, (1..=49).collect::<Vec<_>>());
    Ok(())
}

#[test]
fn every_row_of_the_page_names_a_test_that_there_is() -> Result<()> {
    let page = fs::read_to_string(workspace::root().join("docs/failures.md"))?;
    let is_row = |line: &&str| line.starts_with("| ");
    let table = page.lines().skip_while(|line| !is_row(line)).take_while(is_row);
    let rows: Vec<_> = table.skip(2).collect();
    assert!(rows.len() >= 20, "{} rows", rows.len());
    for row in rows {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [_, _, _, tests] = cells.as_slice() else { bail!("not four cells: {row}") };
        for test in tests.split(", ") {
            let named = test.trim_matches('`').split_once("::");
            let (file, name) = named.with_context(|| format!("no test: {row}"))?;
            let path = workspace::root().join(file);
            let text = fs::read_to_string(&path).with_context(|| file.to_owned())?;
            ensure!(text.contains(&format!("fn {name}(")), "`{file}` has no test `{name}`");
        }
    }
    Ok(())
}
