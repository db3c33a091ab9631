//! One client attacks a gateway while others work: their error rate and latency.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ::tests::shipped::Shipped;
use ::tests::{Launch, StandIn, exempt, workspace};
use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::artifact::Artifacts;
use crate::install;
use crate::progress::step;
use crate::table::Table;

/// The clients that work.
const N_CLIENTS: usize = 4;
/// The names that each of them asks for, one after the other.
const N_NAMES: usize = 500;
/// How long each waits between two requests: all of them stay below the limit of one address.
const PAUSE: Duration = Duration::from_millis(25);
/// After this a request without an answer is an error.
const PATIENCE: Duration = Duration::from_secs(5);
/// The attacker's connections at once; those that drip have many more.
const N_ATTACKING: usize = 8;
const N_DRIPPING: usize = 1500;
/// How long each of the attacker's connections waits before its next request: 1,000 a second in all, five times
/// the limit of one client. More than the processor can take is the kernel's to limit.
const ATTACK_PAUSE: Duration = Duration::from_millis(8);
/// The same for requests that cost much each: 100 a second in all, half the limit of one client.
const COSTLY_PAUSE: Duration = Duration::from_millis(80);
/// The clients that work have this address. The attacker connects to another address of this machine and has
/// that one.
const CLIENT: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// What is measured.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The configuration of Envoy; the example `egress-gateway` if it is not given. One of an earlier commit shows
    /// what its protections change: `git show COMMIT:examples/egress-gateway/envoy.yaml`.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How long each attack lasts, in seconds.
    #[arg(long, default_value_t = 8)]
    seconds: u64,
}

/// What one client does to the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attack {
    /// Nothing.
    None,
    /// Asks the gateway for itself.
    Loop,
    /// Asks for names that nobody asked for before.
    Names,
    /// Opens connections and sends a byte of a request at a time.
    Drip,
    /// Sends requests with as many headers as fit.
    Headers,
    /// Sends requests whose path names a proxy in a proxy, as often as fits.
    Proxies,
}

impl Attack {
    const ALL: [Attack; 6] =
        [Attack::None, Attack::Loop, Attack::Names, Attack::Drip, Attack::Headers, Attack::Proxies];

    /// How long each of the attacker's connections waits.
    fn pause(self) -> Duration {
        if self == Attack::Proxies { COSTLY_PAUSE } else { ATTACK_PAUSE }
    }

    fn as_str(self) -> &'static str {
        match self {
            Attack::None => "none",
            Attack::Loop => "loop through the gateway",
            Attack::Names => "flood of new names",
            Attack::Drip => "1,500 requests that drip",
            Attack::Headers => "flood of large headers",
            Attack::Proxies => "100 proxies in proxies a second",
        }
    }
}

/// Measures and prints.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    install::targets()?;
    let binary = install::envoy()?;
    Artifacts::build()?;
    let shipped = workspace::root().join("examples/egress-gateway/envoy.yaml");
    let file = arguments.config.as_ref().unwrap_or(&shipped);
    let text = fs::read_to_string(file).with_context(|| format!("`{}`", file.display()))?;
    let mut table =
        Table::new(&["attack", "requests", "errors", "p50 ms", "p99 ms", "max ms", "attacker's"]);
    for attack in Attack::ALL {
        step(&format!("{} s: {}", arguments.seconds, attack.as_str()));
        let launch =
            Launch { binary: binary.clone(), concurrency: 2, log_level: "error", ..Launch::new()? };
        table.row(measure(&launch, &text, attack, Duration::from_secs(arguments.seconds))?);
    }
    println!("\n{table}");
    Ok(())
}

/// Runs one attack on a gateway of its own; returns a row.
fn measure(launch: &Launch, text: &str, attack: Attack, duration: Duration) -> Result<[String; 7]> {
    let stand_in = StandIn::start()?;
    let address = stand_in.address();
    let names = (0..N_CLIENTS)
        .flat_map(|client| (0..N_NAMES).map(move |idx| name(client, idx)))
        .map(|name| (name, vec![address.ip()]));
    let names: BTreeMap<_, _> = names.collect();
    let text = text
        .replace("0.0.0.0, port_value: 3128", "0.0.0.0, port_value: 0")
        .replace("127.0.0.1, port_value: 9901", "127.0.0.1, port_value: 0");
    let gateway = Shipped::of(launch, &text, names, |config| {
        exempt(config, address);
        silence(config);
    })?;
    let port = gateway.address()?.port();
    let foreign = SocketAddr::new(own_address()?, port);
    let is_over = Arc::new(AtomicBool::new(false));
    let attacker = {
        let is_over = Arc::clone(&is_over);
        thread::spawn(move || attacking(attack, foreign, &is_over))
    };
    // The attack is on before anything is measured.
    thread::sleep(Duration::from_secs(2));
    let clients: Vec<_> = (0..N_CLIENTS)
        .map(|client| {
            let origin = address.port();
            thread::spawn(move || {
                working(SocketAddr::from((CLIENT, port)), client, origin, duration)
            })
        })
        .collect();
    let mut times = Vec::new();
    let (mut n_requests, mut n_errors) = (0_usize, 0_usize);
    for client in clients {
        let seen = client.join().ok().context("a client panicked")?;
        n_requests += seen.len();
        n_errors += seen.iter().filter(|time| time.is_none()).count();
        times.extend(seen.into_iter().flatten());
    }
    is_over.store(true, Ordering::Relaxed);
    let n_attacks = attacker.join().ok().context("the attacker panicked")?;
    times.sort_unstable();
    let at = |percent: usize| {
        let time = times.get((times.len() * percent / 100).min(times.len().saturating_sub(1)));
        time.map_or("-".to_owned(), |time| format!("{:.1}", time.as_secs_f64() * 1000.0))
    };
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    let share = n_errors as f64 * 100.0 / n_requests.max(1) as f64;
    let max =
        times.last().map_or("-".to_owned(), |time| format!("{:.1}", time.as_secs_f64() * 1000.0));
    Ok([
        attack.as_str().to_owned(),
        n_requests.to_string(),
        format!("{share:.1} %"),
        at(50),
        at(99),
        max,
        n_attacks.to_string(),
    ])
}

/// Returns an address of this machine that is not loopback, by the route to one outside; nothing is sent.
fn own_address() -> Result<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.connect((Ipv4Addr::new(198, 51, 100, 1), 9)).context("a network besides loopback")?;
    Ok(socket.local_addr()?.ip())
}

/// A name that a client asks for.
fn name(client: usize, idx: usize) -> String {
    format!("ok-{client}-{idx}.example")
}

/// Sends requests until the time is over, each for a name of its own; returns how long each took, or `None`
/// for an error.
fn working(
    address: SocketAddr,
    client: usize,
    origin: u16,
    duration: Duration,
) -> Vec<Option<Duration>> {
    let end = Instant::now() + duration;
    let mut seen = Vec::new();
    let mut stream = None;
    while Instant::now() < end {
        let host = name(client, seen.len() % N_NAMES);
        let request = format!("GET http://{host}:{origin}/ HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let start = Instant::now();
        let answer = ask(&mut stream, address, &request);
        seen.push((answer == Some(200)).then(|| start.elapsed()));
        thread::sleep(PAUSE);
    }
    seen
}

/// Sends a request on an open connection, or on a new one; returns the status.
fn ask(open: &mut Option<TcpStream>, address: SocketAddr, request: &str) -> Option<u16> {
    let mut stream = match open.take() {
        Some(stream) => stream,
        None => {
            let stream = TcpStream::connect_timeout(&address, PATIENCE).ok()?;
            stream.set_read_timeout(Some(PATIENCE)).ok()?;
            stream.set_nodelay(true).ok()?;
            stream
        }
    };
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let n_read = stream.read(&mut buffer).ok().filter(|n_read| *n_read > 0)?;
        answer.extend_from_slice(buffer.get(..n_read)?);
        let head = answer.windows(4).position(|window| window == b"\r\n\r\n");
        let Some(head) = head else { continue };
        let text = String::from_utf8_lossy(answer.get(..head)?).to_ascii_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize =
            length.and_then(|length| length.trim().parse().ok()).unwrap_or_default();
        if answer.len() >= head + 4 + length {
            let status = text.get(9..12).and_then(|status| status.parse().ok());
            if !text.contains("connection: close") {
                *open = Some(stream);
            }
            return status;
        }
    }
}

/// Attacks until it is over; returns how many requests or connections that were.
fn attacking(attack: Attack, address: SocketAddr, is_over: &Arc<AtomicBool>) -> usize {
    match attack {
        Attack::None => 0,
        Attack::Drip => dripping(address, is_over),
        Attack::Loop | Attack::Names | Attack::Headers | Attack::Proxies => {
            let threads: Vec<_> = (0..N_ATTACKING)
                .map(|thread| {
                    let is_over = Arc::clone(is_over);
                    thread::spawn(move || flooding(attack, address, thread, &is_over))
                })
                .collect();
            threads.into_iter().filter_map(|thread| thread.join().ok()).sum()
        }
    }
}

/// Sends requests without waiting for more than their first bytes.
fn flooding(attack: Attack, address: SocketAddr, thread: usize, is_over: &AtomicBool) -> usize {
    let mut n_sent = 0;
    let mut streams = Vec::new();
    let headers: String =
        (0..90).map(|idx| format!("x-filler-{idx}: {}\r\n", "a".repeat(600))).collect();
    let proxies = "/https://r.jina.ai".repeat(3000);
    while !is_over.load(Ordering::Relaxed) {
        let (host, path, extra) = match attack {
            Attack::Names => (format!("n{thread}-{n_sent}.example"), "/", ""),
            Attack::Headers => (format!("h{}.example", n_sent % 16), "/", headers.as_str()),
            Attack::Proxies => ("r.jina.ai".to_owned(), proxies.as_str(), ""),
            _ => (format!("localhost:{}", address.port()), "/", ""),
        };
        let request = format!("GET http://{host}{path} HTTP/1.1\r\nHost: {host}\r\n{extra}\r\n");
        let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_secs(1)) else {
            thread::sleep(Duration::from_millis(10));
            continue;
        };
        let _set = stream.set_write_timeout(Some(Duration::from_secs(1)));
        let _sent = stream.write_all(request.as_bytes());
        n_sent += 1;
        streams.push(stream);
        thread::sleep(attack.pause());
        // Each answer would hold the flood up; what is open is bounded all the same.
        if streams.len() > 500 {
            streams.remove(0);
        }
    }
    n_sent
}

/// Opens connections and sends a byte of a request on each in turn.
fn dripping(address: SocketAddr, is_over: &AtomicBool) -> usize {
    let mut streams = Vec::new();
    while streams.len() < N_DRIPPING && !is_over.load(Ordering::Relaxed) {
        if let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_secs(1)) {
            streams.push(stream);
        }
    }
    let n_open = streams.len();
    let text =
        b"GET http://drip.example/ HTTP/1.1\r\nX-Filler: ".iter().chain(std::iter::repeat(&b'a'));
    for byte in text {
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        for stream in &mut streams {
            let _sent = stream.write_all(&[*byte]);
        }
        thread::sleep(Duration::from_millis(200));
    }
    n_open
}

/// Takes the access logs out: a million lines are not what is measured.
fn silence(config: &mut Value) {
    match config {
        Value::Object(map) => {
            if map.contains_key("access_log") {
                map.insert("access_log".to_owned(), json!([]));
            }
            map.values_mut().for_each(silence);
        }
        Value::Array(values) => values.iter_mut().for_each(silence),
        _ => {}
    }
}
