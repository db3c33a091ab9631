//! curl and Wget, run on loopback, beside what is read of their commands: the same requests.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test may panic, and starts programs"
)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use diagnostics::Findings;
use traffic::{RecordedRequest, subject};

/// A server that answers anything with an empty page and keeps what it was asked.
struct Server {
    port: u16,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that sends nothing is passed over.
                serve(stream, &kept);
            }
        });
        Server { port, seen }
    }

    /// The requests that came since the last time.
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

/// Reads a head, keeps its parts that rules see, and answers.
fn serve(mut stream: TcpStream, kept: &Mutex<Vec<String>>) -> Option<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut lines = head.lines();
    let first = lines.next()?;
    let mut named = [
        ("host", Vec::new()),
        ("user-agent", Vec::new()),
        ("referer", Vec::new()),
        ("cookie", Vec::new()),
    ];
    for line in lines {
        let Some((name, value)) = line.split_once(':') else { continue };
        if let Some((_, values)) =
            named.iter_mut().find(|(known, _)| name.eq_ignore_ascii_case(known))
        {
            values.push(value.trim().to_owned());
        }
    }
    let named = named.map(|(name, values)| values.join(if name == "cookie" { "; " } else { "," }));
    let head_only = first.starts_with("HEAD ");
    // Kept before it is answered, and so before the client ends.
    kept.lock().unwrap().push(format!("{first} | {}", named.join(" | ")));
    let length = if head_only { "" } else { "Content-Length: 0\r\n" };
    let answer = format!("HTTP/1.1 200 OK\r\n{length}Connection: close\r\n\r\n");
    stream.write_all(answer.as_bytes()).ok()
}

fn show(request: &RecordedRequest) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let header =
        |value: &Option<Vec<u8>>| value.as_deref().map(text).unwrap_or_default().trim().to_owned();
    format!(
        "{} {} {} | {} | {} | {} | {}",
        text(&request.method),
        request.path.as_deref().map(text).unwrap_or_default(),
        text(&request.version),
        text(&request.authority),
        header(&request.user_agent),
        header(&request.referrer),
        header(&request.cookie),
    )
}

/// The agent without its version, which is that of the machine.
fn plain(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) =
        ["curl/", "Wget/"].iter().filter_map(|name| Some(rest.find(name)? + name.len())).min()
    {
        let end = rest[at..].find([' ', '|']).map_or(rest.len(), |end| at + end);
        out += &rest[..at];
        rest = &rest[end..];
    }
    out + rest
}

fn run(folder: &std::path::Path, command: &str) -> (bool, String) {
    let output = Command::new("bash")
        .args(["-c", command])
        .current_dir(folder)
        .env("CURL_HOME", folder)
        .env("HOME", folder)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn has(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// A folder with what commands read.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("f.txt", "a=b"),
        ("a b&c.txt", ""),
        ("empty", ""),
        (".curlrc", "silent\nmax-time = 5\noutput = /dev/null\n"),
        (".wgetrc", "tries = 1\nquiet = on\ntimeout = 5\n"),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// Runs a command and reads it. The differences, in words.
fn compare(server: &Server, folder: &std::path::Path, command: &str) -> Option<String> {
    let command = command
        .replace("HOST", &format!("127.0.0.1:{}", server.port))
        .replace("PORT", &server.port.to_string());
    server.take();
    let (_, stderr) = run(folder, &command);
    let sent: Vec<_> = server.take().iter().map(|line| plain(line)).collect();
    let mut findings = Findings::new(&"command".into());
    let read: Vec<_> = subject::read(&command, &mut findings)
        .iter()
        .map(|request| plain(&show(request)))
        .collect();
    let codes: Vec<_> = findings
        .into_list()
        .into_iter()
        .map(|found| format!("{} {}", found.diagnostic.code.id, found.diagnostic.message))
        .collect();
    (sent != read)
        .then(|| format!("{command}\n  sent {sent:#?}\n  read {read:#?}\n  {codes:?} {stderr}"))
}

const CURL: &str = include_str!("clients/curl.txt");
const WGET: &str = include_str!("clients/wget.txt");

fn cases(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

#[test]
fn curl_sends_what_is_read_of_its_commands() {
    assert!(has("curl"), "{MISSING}");
    let (server, folder) = (Server::start(), folder());
    let differences: Vec<_> =
        cases(CURL).filter_map(|case| compare(&server, folder.path(), case)).collect();
    assert!(
        differences.is_empty(),
        "{} of {} differ\n{}",
        differences.len(),
        cases(CURL).count(),
        differences.join("\n")
    );
}

#[test]
fn wget_sends_what_is_read_of_its_commands() {
    assert!(has("wget"), "{MISSING}");
    let (server, folder) = (Server::start(), folder());
    let differences: Vec<_> =
        cases(WGET).filter_map(|case| compare(&server, folder.path(), case)).collect();
    assert!(
        differences.is_empty(),
        "{} of {} differ\n{}",
        differences.len(),
        cases(WGET).count(),
        differences.join("\n")
    );
}

/// The set-up installs both programs, so that a test without one is a fault of the machine and no pass.
const MISSING: &str = "the program is not installed: `cargo xtask setup` installs it";

/// A value for the kind of it that `--help` names.
fn sample(kind: &str) -> &'static str {
    match kind {
        kind if kind.contains("second") || kind.contains("num") || kind.contains("integer") => "1",
        "bytes" | "speed" | "size" | "value" | "range" | "offset" | "times" | "percent" => "1",
        "file" | "filename" | "path" | "dir" | "certificate" | "name" => "empty",
        "data" | "name=content" => "a=b",
        "url" | "URL" => "http://HOST/other",
        _ => "x",
    }
}

/// Options of `--help all` that are run with another value, or not at all, and why.
const OWN_VALUES: &[(&str, Option<&str>, &str)] = &[
    ("abstract-unix-socket", None, "connects elsewhere"),
    ("unix-socket", None, "connects elsewhere"),
    ("socks4", None, "connects elsewhere"),
    ("socks4a", None, "connects elsewhere"),
    ("socks5", None, "connects elsewhere"),
    ("socks5-hostname", None, "connects elsewhere"),
    ("preproxy", None, "connects elsewhere"),
    ("proxy", None, "the gateway is taken to see the request itself"),
    ("proxy1.0", None, "the gateway is taken to see the request itself"),
    ("interface", Some("lo"), ""),
    ("dns-interface", None, "needs another resolver"),
    ("dns-ipv4-addr", None, "needs another resolver"),
    ("dns-ipv6-addr", None, "needs another resolver"),
    ("dns-servers", None, "needs another resolver"),
    ("doh-url", None, "asks another server before"),
    ("connect-to", Some("::HOST"), ""),
    ("resolve", Some("a.example:80:127.0.0.1"), ""),
    ("local-port", Some("20000-60000"), ""),
    ("http2-prior-knowledge", None, "the server speaks HTTP/1.1"),
    ("http3", None, "the server speaks HTTP/1.1"),
    ("http3-only", None, "the server speaks HTTP/1.1"),
    ("ipv6", None, "the server listens on IPv4"),
    ("haproxy-protocol", None, "writes a line before the request"),
    ("haproxy-clientip", None, "writes a line before the request"),
    ("header", Some("Referer: r"), ""),
    ("cookie", Some("a=b"), ""),
    ("cookie-jar", Some("jar"), ""),
    ("form", Some("a=b"), ""),
    ("form-string", Some("a=b"), ""),
    ("json", Some("{}"), ""),
    ("data", Some("a=b"), ""),
    ("upload-file", Some("f.txt"), ""),
    ("request", Some("PUT"), ""),
    ("url", Some("HOST/other"), ""),
    ("url-query", Some("a=b c"), ""),
    ("output-dir", Some("."), ""),
    ("time-cond", Some("2020-01-01"), ""),
    ("rate", Some("9/s"), ""),
    ("proto", Some("=http"), ""),
    ("proto-redir", Some("=http"), ""),
    ("proto-default", Some("http"), ""),
    ("tls-max", Some("1.3"), ""),
    ("create-file-mode", Some("0600"), ""),
    ("continue-at", Some("1"), ""),
    ("aws-sigv4", Some("a:b:c:d -u x:y"), ""),
    ("delegation", Some("none"), ""),
    ("ftp-method", Some("nocwd"), ""),
    ("range", Some("0-1"), ""),
    ("stderr", Some("empty"), ""),
    ("max-time", Some("4"), ""),
    ("limit-rate", Some("1M"), ""),
    ("speed-limit", Some("1"), ""),
    ("write-out", Some("x"), ""),
    ("request-target", Some("/t?x"), ""),
    ("next", None, "in the cases"),
    ("parallel-immediate", Some(""), ""),
    ("help", None, "sends nothing"),
    ("manual", None, "sends nothing"),
    ("version", None, "sends nothing"),
    ("proxytunnel", None, "the gateway is taken to see the request itself"),
    ("proxy-header", Some("X: y"), ""),
    ("trace-config", Some("ids"), ""),
    ("proxy-service-name", Some("x"), ""),
    ("retry", Some("0"), ""),
];

/// Options whose effect is refused by name.
const REFUSED: &[&str] = &["config", "ipfs-gateway", "variable"];

#[test]
fn every_option_of_curl_is_read_or_refused_by_name() {
    assert!(has("curl"), "{MISSING}");
    let (server, folder) = (Server::start(), folder());
    let help = Command::new("curl").args(["--help", "all"]).output().unwrap();
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    let (mut differences, mut n_run, mut n_refused, mut n_not_sent) =
        (Vec::new(), 0, 0, Vec::new());
    for line in help.lines() {
        let Some(at) = line.find("--") else { continue };
        let mut words = line[at + 2..].split_whitespace();
        let Some(name) = words.next() else { continue };
        let kind = words
            .next()
            .filter(|kind| kind.starts_with('<'))
            .map(|kind| kind.trim_matches(['<', '>']));
        let own = OWN_VALUES.iter().find(|(known, ..)| *known == name);
        let value = match (own, kind) {
            (Some((_, None, reason)), _) => {
                assert!(!reason.is_empty(), "{name}");
                continue;
            }
            (Some((_, Some(value), _)), _) => value,
            (None, Some(kind)) => sample(kind),
            (None, None) => "",
        };
        let value = if value.is_empty() || value.contains(" -u ") {
            value.to_owned()
        } else {
            format!("'{value}'")
        };
        let command = format!("curl --{name} {value} 'http://HOST/p?q'");
        if REFUSED.contains(&name) {
            let mut findings = Findings::new(&"command".into());
            assert!(subject::read(&command, &mut findings).is_empty(), "{name}");
            let list = findings.into_list();
            assert!(
                list.iter().any(|found| found.diagnostic.message.contains(&format!("--{name}"))),
                "{name}: {list:?}"
            );
            n_refused += 1;
            continue;
        }
        n_run += 1;
        let (is_sent, _) = {
            let command = command.replace("HOST", &format!("127.0.0.1:{}", server.port));
            server.take();
            let (_, stderr) = run(folder.path(), &command);
            (!server.take().is_empty(), stderr)
        };
        if !is_sent {
            // As with a certificate that is empty.
            n_not_sent.push(name.to_owned());
            let mut findings = Findings::new(&"command".into());
            subject::read(&command.replace("HOST", "a.example"), &mut findings);
            let unknown =
                findings.into_list().into_iter().find(|found| found.diagnostic.code.id == "R007");
            differences
                .extend(unknown.map(|found| format!("{name}: {}", found.diagnostic.message)));
            continue;
        }
        differences.extend(compare(&server, folder.path(), &command));
    }
    eprintln!(
        "{n_run} options run, {n_refused} refused by name, {} sent nothing here: {}",
        n_not_sent.len(),
        n_not_sent.join(" ")
    );
    assert!(n_run > 150, "{n_run}");
    assert!(differences.is_empty(), "{} differ\n{}", differences.len(), differences.join("\n"));
}
