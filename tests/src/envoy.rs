//! An Envoy process.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tempfile::TempDir;

use crate::admin;
use crate::clock::Preload;
use crate::deadline::until;
use crate::host;
use crate::workspace;

/// Lines of Envoy's log that an error quotes.
const TAIL: usize = 10;
/// What the kernel counts processor time in: `USER_HZ`, 100 on every Linux that Envoy runs on.
const TICKS_PER_SECOND: u64 = 100;
/// How long until the filter has counted what it judged: a tick comes every second, on a busy machine late.
pub const TICK: Duration = Duration::from_millis(1500);

/// How an Envoy is started.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The binary.
    pub binary: PathBuf,
    /// Its number of worker threads.
    pub concurrency: u32,
    /// Envoy's log level.
    pub log_level: &'static str,
    /// The processor that it may use, by `taskset`; any if `None`. For measuring.
    pub processor: Option<u32>,
    /// The time of day that it has; the true one if `None`.
    pub clock: Option<Preload>,
}

impl Launch {
    /// The Envoy of this workspace with one worker.
    pub fn new() -> Result<Self> {
        Ok(Launch {
            binary: workspace::envoy()?,
            concurrency: 1,
            log_level: "info",
            processor: None,
            clock: None,
        })
    }
}

/// An Envoy process that ends when it is dropped.
#[derive(Debug)]
pub struct Envoy {
    child: Child,
    admin: admin::Address,
    listeners: BTreeMap<String, SocketAddr>,
    directory: Directory,
}

#[derive(Debug)]
enum Directory {
    Own(TempDir),
    Given(PathBuf),
}

impl Envoy {
    /// Starts an Envoy with one worker and waits until it takes traffic.
    ///
    /// An Envoy that refuses its configuration is an error that quotes the end of its log.
    pub fn start(config: &Value) -> Result<Self> {
        Envoy::launch(&Launch::new()?, config)
    }

    /// Starts an Envoy and waits until it takes traffic.
    pub fn launch(launch: &Launch, config: &Value) -> Result<Self> {
        let directory = TempDir::with_prefix("tidegate-envoy-")?;
        Envoy::run(launch, config, Directory::Own(directory))
    }

    /// Starts an Envoy whose working directory, with its logs, stays.
    pub fn launch_in(launch: &Launch, config: &Value, directory: &Path) -> Result<Self> {
        Envoy::run(launch, config, Directory::Given(directory.to_owned()))
    }

    fn run(launch: &Launch, config: &Value, directory: Directory) -> Result<Self> {
        let folder = match &directory {
            Directory::Own(folder) => folder.path(),
            Directory::Given(folder) => folder,
        };
        let folder = fs::canonicalize(folder)?;
        let admin_file = folder.join("admin");
        if admin_file.exists() {
            fs::remove_file(&admin_file)?;
        }
        let config = host::adapt(config)?;
        fs::write(folder.join("bootstrap.json"), serde_json::to_vec_pretty(&config)?)?;
        let mut command = match launch.processor {
            None => Command::new(&launch.binary),
            Some(processor) => {
                let mut command = Command::new("taskset");
                command.args(["-c", &processor.to_string()]).arg(&launch.binary);
                command
            }
        };
        if let Some(Preload { library, file }) = &launch.clock {
            command.env("LD_PRELOAD", library).env("TIDEGATE_TEST_CLOCK", file);
        }
        let child = command
            .args(["-c", "bootstrap.json", "--admin-address-path", "admin"])
            .args(["--concurrency", &launch.concurrency.to_string()])
            .args(["--log-level", launch.log_level])
            // Tests read the access log as soon as a response is there.
            .args(["--file-flush-interval-msec", "10", "--disable-hot-restart"])
            // Without it, Envoy drains for ten minutes' worth of parent time on shutdown.
            .args(["--drain-time-s", "1"])
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(File::create(folder.join("access.log"))?)
            .stderr(File::create(folder.join("envoy.log"))?)
            .spawn()
            .with_context(|| format!("starting `{}`", launch.binary.display()))?;
        let mut envoy = Envoy {
            child,
            admin: admin::Address::Tcp(SocketAddr::from(([127, 0, 0, 1], 0))),
            listeners: BTreeMap::new(),
            directory,
        };
        envoy.admin = until("Envoy's administration interface", || {
            envoy.check_alive()?;
            // The file is created before it is written: an address that does not parse is no address yet.
            let address = fs::read_to_string(&admin_file).unwrap_or_default();
            Ok(admin::Address::read(&address, &folder))
        })?;
        until("Envoy to be ready", || {
            envoy.check_alive()?;
            // An Envoy that ends while it is asked has said why in its log.
            Ok(admin::is_ready(&envoy.admin).unwrap_or(false).then_some(()))
        })?;
        envoy.listeners = admin::listeners(&envoy.admin)?;
        Ok(envoy)
    }

    /// Where a listener listens.
    pub fn listener(&self, name: &str) -> Result<SocketAddr> {
        let address = self.listeners.get(name);
        address.copied().with_context(|| format!("Envoy has no listener `{name}`"))
    }

    /// Where the administration interface listens.
    pub fn admin(&self) -> &admin::Address {
        &self.admin
    }

    /// The process's number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The directory with Envoy's configuration and logs.
    pub fn directory(&self) -> &Path {
        match &self.directory {
            Directory::Own(folder) => folder.path(),
            Directory::Given(folder) => folder,
        }
    }

    /// Envoy's counters and gauges by name.
    pub fn stats(&self) -> Result<BTreeMap<String, u64>> {
        admin::stats(&self.admin)
    }

    /// The same once all requests until now are counted: the filter writes these counters at its ticks.
    pub fn settled_stats(&self) -> Result<BTreeMap<String, u64>> {
        thread::sleep(TICK);
        self.stats()
    }

    /// Envoy's own log so far.
    pub fn log(&self) -> Result<String> {
        Ok(String::from_utf8_lossy(&fs::read(self.directory().join("envoy.log"))?).into_owned())
    }

    /// What Envoy wrote to its standard output so far, where access logs go: whole lines.
    pub fn access_log(&self) -> Result<Vec<String>> {
        let text = fs::read(self.directory().join("access.log"))?;
        let text = String::from_utf8_lossy(&text);
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        Ok(whole.lines().map(str::to_owned).collect())
    }

    /// The access log once it has `n_lines` lines or more.
    pub fn access_log_of(&self, n_lines: usize) -> Result<Vec<String>> {
        until(&format!("line {n_lines} of the access log"), || {
            let lines = self.access_log()?;
            Ok((lines.len() >= n_lines).then_some(lines))
        })
    }

    /// Counters that show a plugin in trouble, with their values: those that are not zero.
    ///
    /// Reloads of a virtual machine, failed configurations, rejected updates, and requests that a dead
    /// virtual machine answered.
    pub fn plugin_failures(&self) -> Result<BTreeMap<String, u64>> {
        let is_failure = |name: &str| {
            name.contains("vm_reload")
                || name.contains("config_fail")
                || name.contains("update_rejected")
                || name.contains("update_failure")
                || (name.contains("wasm") && name.contains("errors"))
        };
        let stats = self.stats()?.into_iter();
        Ok(stats.filter(|(name, value)| *value > 0 && is_failure(name)).collect())
    }

    /// The processor time that the process has used.
    pub fn cpu(&self) -> Result<Cpu> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid()))?;
        // The second field is the program's name in parentheses, and may hold spaces.
        let (_, fields) = stat.rsplit_once(')').context("/proc stat has another form")?;
        let mut fields = fields.split_whitespace().skip(11);
        let mut ticks = || -> Result<u64> { Ok(fields.next().context("too few fields")?.parse()?) };
        Ok(Cpu { user: ticks()?, system: ticks()? })
    }

    /// The time that the threads which are alive have run, by the kernel's scheduler: to the nanosecond.
    pub fn run_time(&self) -> Result<Duration> {
        Ok(self.run_times()?.values().sum())
    }

    /// The same for each thread by its name, such as `wrk:worker_0`; that of the main thread is `envoy`. Threads
    /// of one name are added up.
    pub fn run_times(&self) -> Result<BTreeMap<String, Duration>> {
        let mut times = BTreeMap::new();
        for task in fs::read_dir(format!("/proc/{}/task", self.pid()))? {
            let task = task?.path();
            let name = fs::read_to_string(task.join("comm"))?;
            let text = fs::read_to_string(task.join("schedstat"))?;
            let first = text.split_whitespace().next().context("schedstat has another form")?;
            *times.entry(name.trim_end().to_owned()).or_default() +=
                Duration::from_nanos(first.parse()?);
        }
        Ok(times)
    }

    /// The memory that the process holds, in bytes.
    pub fn resident(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()).context("VmRSS")?;
        Ok(kilobytes.parse::<u64>()? * 1024)
    }

    /// An error if the process has ended, with the end of its log.
    fn check_alive(&mut self) -> Result<()> {
        let Some(status) = self.child.try_wait()? else { return Ok(()) };
        let log = self.log()?;
        let routine = ["][info][", "][debug]["];
        let telling = |line: &&str| !routine.iter().any(|level| line.contains(level));
        let lines: Vec<_> = log.lines().filter(telling).collect();
        let tail = lines.get(lines.len().saturating_sub(TAIL)..).unwrap_or_default();
        bail!("Envoy ended with {status}:\n{}", tail.join("\n"))
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        // The process may have ended by itself; a drop cannot report it.
        let _already_gone = self.child.kill();
        let _already_waited = self.child.wait();
    }
}

/// Processor time, in ticks of a hundredth of a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cpu {
    user: u64,
    system: u64,
}

impl Cpu {
    /// The time since an earlier reading.
    pub fn since(self, earlier: Cpu) -> Duration {
        let ticks = (self.user + self.system).saturating_sub(earlier.user + earlier.system);
        Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND)
    }
}
