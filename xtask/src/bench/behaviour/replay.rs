//! Requests of a log, sent through a real Envoy at the times of the log.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use ::tests::generated_traffic::{Alerts, add_event};
use ::tests::{Bootstrap, Clock, Envoy, Launch, Plugin, until};
use anyhow::{Context, Result, bail, ensure};
use gateway::event;
use serde_json::Value;

use super::upstream::{self, ANSWER};

/// Connections that stay open: any worker may have any of them.
const N_CONNECTIONS: usize = 24;
/// How long Envoy may take for one answer.
const SILENCE: Duration = Duration::from_mins(1);
/// Tunnels of at least so many milliseconds are open beside others; the rest ends at once.
const LONG: u64 = 60_000;
/// The most that a response's head may have.
const MAX_HEAD: usize = 16 * 1024;

/// Bytes of the line by which a tunnel says what it wants.
const FIRST_LINE: u64 = 64;

/// A request of the log.
#[derive(Clone, Debug)]
pub(super) struct Request {
    /// Nanoseconds since 1970.
    time: u64,
    /// Milliseconds.
    duration: u64,
    source: String,
    method: String,
    authority: String,
    path: Option<String>,
    agent: Option<String>,
    n_sent: u64,
    n_received: u64,
}

/// What an Envoy reported.
#[derive(Debug)]
pub(super) struct Replayed {
    /// By source and host.
    pub(super) alerts: Alerts,
    pub(super) n_events: usize,
    /// Counters of behaviour, over all workers.
    pub(super) counters: BTreeMap<String, u64>,
    /// How long it took.
    pub(super) seconds: f64,
}

impl Request {
    /// Reads a line of the generated log.
    pub(super) fn read(line: &str) -> Result<Self> {
        let line: Value = serde_json::from_str(line)?;
        let text = |key: &str| Some(line.get(key)?.as_str()?.to_owned());
        let needed = |key: &str| text(key).with_context(|| format!("no `{key}`: {line}"));
        let number = |key: &str| line.get(key).and_then(Value::as_u64).unwrap_or_default();
        let seconds = line.get("start_time").and_then(Value::as_f64);
        let seconds = seconds.context("no `start_time`")?;
        Ok(Request {
            time: u64::try_from(Duration::from_secs_f64(seconds).as_nanos())?,
            duration: number("duration"),
            source: needed("client")?,
            method: needed("method")?,
            authority: needed("authority")?,
            path: text("path"),
            agent: text("user_agent"),
            n_sent: number("bytes_received"),
            n_received: number("bytes_sent"),
        })
    }

    fn end(&self) -> u64 {
        self.time + self.duration * 1_000_000
    }

    /// The head of the request.
    fn head(&self, source: Ipv4Addr) -> String {
        let Request { method, authority, .. } = self;
        let target = match &self.path {
            Some(path) => format!("http://{authority}{path}"),
            None => authority.clone(),
        };
        let mut head = format!(
            "{method} {target} HTTP/1.1\r\nHost: {authority}\r\nX-Forwarded-For: {source}\r\n"
        );
        if let Some(agent) = &self.agent {
            head += &format!("User-Agent: {agent}\r\n");
        }
        if self.path.is_some() {
            head += &format!("{ANSWER} {}\r\n", self.n_received);
        }
        if self.path.is_some() && self.method != "GET" {
            head += &format!("Content-Length: {}\r\n", self.n_sent);
        }
        head + "\r\n"
    }
}

/// Sends requests, in order of time, through an Envoy of its own.
pub(super) fn replay(
    binary: &Path,
    n_workers: u32,
    pack: &[u8],
    requests: &[Request],
) -> Result<Replayed> {
    let begin = Instant::now();
    let clock = Clock::new(requests.first().context("no requests")?.time)?;
    let plugin = Plugin::tidegate(pack, "monitor")?;
    let config = Bootstrap::new().quiet().upstream(upstream::start()?);
    let config = config.listener("egress", &[plugin.http_filter()]).json();
    let launch = Launch {
        binary: binary.to_owned(),
        concurrency: n_workers,
        clock: Some(clock.preload()),
        ..Launch::new()?
    };
    let envoy = Envoy::launch(&launch, &config)?;
    let sources: BTreeSet<&str> = requests.iter().map(|request| &*request.source).collect();
    let addresses: BTreeMap<&str, Ipv4Addr> =
        sources.into_iter().zip(0x0a00_0001_u32..).map(|(name, n)| (name, n.into())).collect();
    let listener = envoy.listener("egress")?;
    let mut streams = (0..N_CONNECTIONS).map(|_| open(listener)).collect::<Result<Vec<_>>>()?;
    // Tunnels, the first to end on top.
    let mut tunnels: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::new();
    let mut open_tunnels: BTreeMap<usize, TcpStream> = BTreeMap::new();
    for (idx, request) in requests.iter().enumerate() {
        while let Some(Reverse((time, idx))) = tunnels.peek().copied()
            && time <= request.time
        {
            tunnels.pop();
            clock.set(time)?;
            close(&open_tunnels.remove(&idx).context("an open tunnel")?)?;
        }
        clock.set(request.time)?;
        let source = *addresses.get(&*request.source).context("a source without address")?;
        let at = || format!("request {idx}: {request:?}");
        if request.path.is_some() {
            // By chance, but the same in each run.
            let place = idx.wrapping_mul(2_654_435_761) / 64 % N_CONNECTIONS;
            let stream = streams.get_mut(place).context("an open connection")?;
            send(stream, request, source).with_context(at)?;
            continue;
        }
        let stream = open(listener)?;
        tunnel(&stream, request, source).with_context(at)?;
        if request.duration < LONG {
            close(&stream)?;
        } else {
            tunnels.push(Reverse((request.end(), idx)));
            open_tunnels.insert(idx, stream);
        }
    }
    while let Some(Reverse((time, idx))) = tunnels.pop() {
        clock.set(time)?;
        close(&open_tunnels.remove(&idx).context("an open tunnel")?)?;
    }
    let judged = || counter(&envoy, "tidegate_requests_total");
    until("all requests to be counted", || Ok((judged()? == requests.len() as u64).then_some(())))
        .with_context(|| format!("{:?} of {} requests", judged(), requests.len()))?;
    let failures = envoy.plugin_failures()?;
    ensure!(failures.is_empty(), "{failures:?}");
    let names: BTreeMap<String, &str> =
        addresses.iter().map(|(name, address)| (address.to_string(), *name)).collect();
    let (alerts, n_events) = events(&envoy, &names)?;
    let stats = envoy.stats()?;
    let counters = stats.into_iter().filter(|(name, _)| name.contains("tidegate_behaviour"));
    let counters = counters.collect();
    Ok(Replayed { alerts, n_events, counters, seconds: begin.elapsed().as_secs_f64() })
}

fn counter(envoy: &Envoy, name: &str) -> Result<u64> {
    let stats = envoy.stats()?;
    Ok(stats.iter().filter(|(known, _)| known.contains(name)).map(|(_, count)| *count).sum())
}

fn events(envoy: &Envoy, names: &BTreeMap<String, &str>) -> Result<(Alerts, usize)> {
    let log = envoy.log()?;
    let (mut alerts, mut n_events) = (Alerts::new(), 0);
    for event in log.lines().flat_map(event::find) {
        let event: Value = event?;
        let text = |place| event.pointer(place).and_then(Value::as_str).unwrap_or_default();
        let name = names.get(text("/request/source"));
        let name = name.with_context(|| format!("a source that sent nothing: {event}"))?;
        add_event(&mut alerts, name, text("/request/host"), &event);
        n_events += 1;
    }
    Ok((alerts, n_events))
}

fn open(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, SILENCE)?;
    stream.set_read_timeout(Some(SILENCE))?;
    stream.set_write_timeout(Some(SILENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Sends a request and reads its answer to the end.
fn send(stream: &mut TcpStream, request: &Request, source: Ipv4Addr) -> Result<()> {
    stream.write_all(request.head(source).as_bytes())?;
    if request.method != "GET" {
        upstream::write(stream, request.n_sent)?;
    }
    let n_more = head(stream)?;
    skip(stream, request.n_received.checked_sub(n_more).context("a body that is too long")?)
}

/// Opens a tunnel, and moves its bytes in both directions.
fn tunnel(mut stream: &TcpStream, request: &Request, source: Ipv4Addr) -> Result<()> {
    stream.write_all(request.head(source).as_bytes())?;
    head(stream)?;
    // The line counts among the bytes that are sent.
    let n_sent = request.n_sent.saturating_sub(FIRST_LINE);
    let width = usize::try_from(FIRST_LINE)? - 1;
    let first = format!("{ANSWER} {} {n_sent}", request.n_received);
    stream.write_all(format!("{first:width$}\n").as_bytes())?;
    upstream::write(stream, n_sent)?;
    skip(stream, request.n_received)
}

/// Ends a tunnel, and waits until the other side has.
fn close(mut stream: &TcpStream) -> Result<()> {
    stream.shutdown(Shutdown::Write)?;
    std::io::copy(&mut stream, &mut std::io::sink())?;
    Ok(())
}

/// Reads the head of an answer with status 200; how many bytes of its body came with it.
fn head(mut stream: &TcpStream) -> Result<u64> {
    let mut buffer = vec![0; MAX_HEAD];
    let mut n_read = 0;
    loop {
        let rest = buffer.get_mut(n_read..).filter(|rest| !rest.is_empty());
        let n_more = stream.read(rest.context("the head is too long")?)?;
        if n_more == 0 {
            bail!("the connection was closed");
        }
        n_read += n_more;
        let read = buffer.get(..n_read).unwrap_or_default();
        if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            ensure!(read.starts_with(b"HTTP/1.1 200 "), "not 200: {}", read.escape_ascii());
            return Ok((n_read - end - 4) as u64);
        }
    }
}

/// Reads so many bytes.
fn skip(stream: &TcpStream, n_bytes: u64) -> Result<()> {
    let n_read = std::io::copy(&mut stream.take(n_bytes), &mut std::io::sink())?;
    ensure!(n_read == n_bytes, "{n_read} of {n_bytes} bytes");
    Ok(())
}
