//! curl and Wget over TLS, run on loopback, beside what is read of their commands: the same requests, server names
//! and targets of CONNECT.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test may panic, and starts programs"
)]

use std::convert::Infallible;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use diagnostics::Findings;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use traffic::{RecordedRequest, subject};

type Seen = Arc<Mutex<Vec<String>>>;

/// A server of HTTP/1.1 and HTTP/2 over TLS and in clear text, which is also a proxy: whatever CONNECT asks for, the
/// tunnel ends here.
struct Server {
    port: u16,
    seen: Seen,
}

impl Server {
    fn start() -> Server {
        let certified = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
        let key = PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der());
        let mut config = rustls::ServerConfig::builder_with_provider(Arc::new(
            rustls::crypto::ring::default_provider(),
        ))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key.into())
        .unwrap();
        config.alpn_protocols = ["h2", "http/1.1", "http/1.0"].map(Into::into).into();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let seen = Seen::default();
        let kept = Arc::clone(&seen);
        let (send, receive) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                send.send(listener.local_addr().unwrap().port()).unwrap();
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve(stream, acceptor.clone(), Arc::clone(&kept)));
                }
            });
        });
        Server { port: receive.recv().unwrap(), seen }
    }

    /// The requests that came since the last time.
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

/// Serves a connection: as a proxy up to the tunnel, and what is in the tunnel. A client that goes away ends it.
async fn serve(mut stream: TcpStream, acceptor: TlsAcceptor, seen: Seen) -> Option<()> {
    let mut first = [0_u8; 1];
    stream.peek(&mut first).await.ok()?;
    if first == *b"C" {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.ok()?);
        }
        let head = String::from_utf8(head).ok()?;
        let target = head.split(' ').nth(1)?;
        seen.lock().unwrap().push(format!("CONNECT {target}"));
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.ok()?;
        stream.peek(&mut first).await.ok()?;
    }
    let answer = move |name: Option<String>| {
        service_fn(move |request: http::Request<Incoming>| {
            let (seen, name) = (Arc::clone(&seen), name.clone());
            async move {
                seen.lock().unwrap().push(show_sent(&request, name.as_deref()));
                // What is sent is taken, so that the client ends well.
                let _ = request.into_body().collect().await;
                Ok::<_, Infallible>(http::Response::new(Empty::<Bytes>::new()))
            }
        })
    };
    let server = auto::Builder::new(TokioExecutor::new());
    // The first byte of a handshake.
    if first == [22] {
        let stream = acceptor.accept(stream).await.ok()?;
        let name = stream.get_ref().1.server_name().map(str::to_owned);
        server.serve_connection(TokioIo::new(stream), answer(name)).await.ok()
    } else {
        server.serve_connection(TokioIo::new(stream), answer(None)).await.ok()
    }
}

fn show_sent(request: &http::Request<Incoming>, server_name: Option<&str>) -> String {
    let header = |name: &str| {
        let values = request.headers().get_all(name).iter();
        let values: Vec<_> =
            values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect();
        values.join(if name == "cookie" { "; " } else { "," })
    };
    let is_2 = request.version() == http::Version::HTTP_2;
    let host = match request.uri().authority() {
        Some(authority) if is_2 => authority.to_string(),
        _ => header("host"),
    };
    let version = if is_2 { "HTTP/2".to_owned() } else { format!("{:?}", request.version()) };
    let path = request.uri().path_and_query().map_or("", http::uri::PathAndQuery::as_str);
    format!(
        "{} {path} {version} | {host} | {} | {} | {} | {}",
        request.method(),
        header("user-agent"),
        header("referer"),
        header("cookie"),
        server_name.unwrap_or("-")
    )
}

fn show_read(request: &RecordedRequest) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let header = |value: &Option<Vec<u8>>| value.as_deref().map(text).unwrap_or_default();
    // Names of TLS have no case, and the server makes it one.
    let server_name = header(&request.server_name).to_ascii_lowercase();
    format!(
        "{} {} {} | {} | {} | {} | {} | {}",
        text(&request.method),
        header(&request.path),
        text(&request.version),
        text(&request.authority),
        header(&request.user_agent),
        header(&request.referrer),
        header(&request.cookie),
        if server_name.is_empty() { "-" } else { &server_name }
    )
}

/// What a proxy is asked for: host and port of the server of a request.
fn show_tunnel(request: &RecordedRequest, connects_to: &str) -> String {
    let default = if request.scheme == b"https" { 443 } else { 80 };
    let has_port = connects_to.rsplit(':').next().is_some_and(|port| port.parse::<u16>().is_ok());
    let port = if has_port { String::new() } else { format!(":{default}") };
    format!("CONNECT {connects_to}{port}")
}

/// The agent without its version, which is that of the machine.
fn plain(line: &str) -> String {
    let parts = line.split(" | ").map(|part| {
        let name = ["curl/", "Wget/"].into_iter().find(|name| part.starts_with(name));
        name.unwrap_or(part).to_owned()
    });
    parts.collect::<Vec<_>>().join(" | ")
}

fn run(folder: &Path, command: &str) -> String {
    let output = Command::new("bash")
        .args(["-c", command])
        .current_dir(folder)
        .env("CURL_HOME", folder)
        .env("HOME", folder)
        .env("LC_ALL", "C.UTF-8")
        .env_remove("https_proxy")
        .env_remove("HTTPS_PROXY")
        .env_remove("http_proxy")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Commands, in which `HERE` is the server's address and `PORT` its port. With a proxy, the server that its tunnel
/// is asked for.
const CASES: &[(&str, Option<&str>)] = &[
    ("curl https://HERE/x?y=z", None),
    ("curl https://localhost:PORT/x", None),
    ("curl --resolve a.example:PORT:127.0.0.1 https://a.example:PORT/x", None),
    ("curl --resolve a.example:PORT:127.0.0.1 https://A.Example:PORT/x", None),
    ("curl --connect-to ::HERE https://a.example/x", None),
    ("curl --connect-to a.example:443:HERE https://a.example/x", None),
    ("curl --connect-to a.example:8443:HERE https://a.example:8443/x", None),
    ("curl --connect-to ::HERE --http1.1 https://a.example/x", None),
    ("curl --connect-to ::HERE --http1.0 https://a.example/x", None),
    ("curl --connect-to ::HERE -0 https://a.example/x", None),
    ("curl --connect-to ::HERE --http2 https://a.example/x", None),
    ("curl --connect-to ::HERE --http2-prior-knowledge https://a.example/x", None),
    ("curl --connect-to ::HERE --no-alpn https://a.example/x", None),
    ("curl --connect-to ::HERE --tls-max 1.2 https://a.example/x", None),
    ("curl --connect-to ::HERE --tlsv1.3 https://a.example/x", None),
    ("curl --connect-to ::HERE -H 'Host: b.example' https://a.example/x", None),
    ("curl --connect-to ::HERE -H 'Host: b.example' --http1.1 https://a.example/x", None),
    ("curl --connect-to ::HERE -A u -e r -b c=d https://a.example/x", None),
    ("curl --connect-to ::HERE -A '' https://a.example/x", None),
    ("curl --connect-to ::HERE -d a=b https://a.example/x", None),
    ("curl --connect-to ::HERE -G -d a=b https://a.example/x", None),
    ("curl --connect-to ::HERE -I https://a.example/x", None),
    ("curl --connect-to ::HERE -X DELETE https://a.example/x", None),
    ("curl --connect-to ::HERE -T f.txt https://a.example/d/", None),
    ("curl --connect-to ::HERE -F a=b https://a.example/x", None),
    ("curl --connect-to ::HERE --json '{}' https://a.example/x", None),
    ("curl --connect-to ::HERE --request-target /t https://a.example/x", None),
    ("curl --connect-to ::HERE https://user:word@a.example/x", None),
    ("curl --connect-to ::HERE 'https://a.example./x'", None),
    ("curl --connect-to ::HERE 'https://ä.example/x'", None),
    ("curl --connect-to ::HERE https://a.example/x https://a.example/y https://b.example/z", None),
    (
        "curl --connect-to ::HERE https://a.example/x --next --connect-to ::HERE -k https://b.example/z -d q",
        None,
    ),
    ("curl --connect-to ::HERE 'https://a.example/{x,y}'", None),
    ("curl --connect-to ::HERE --proto-default https a.example/x", None),
    ("curl --connect-to ::HERE https://a.example:443/x", None),
    ("curl --insecure --connect-to ::HERE https://a.example/a/../b", None),
    ("curl --cacert f.txt -k --connect-to ::HERE https://a.example/x", None),
    ("curl --proxy http://HERE https://a.example/x", Some("a.example")),
    ("curl -x HERE https://a.example:8443/x", Some("a.example:8443")),
    ("curl -x HERE --http1.1 https://a.example/x -d q", Some("a.example")),
    ("curl -x HERE -H 'Host: b.example' https://a.example/x", Some("a.example")),
    ("curl -x HERE --proxy-header 'X: y' https://A.example/x", Some("A.example")),
    ("curl -x HERE -p http://a.example/x", Some("a.example")),
    ("https_proxy=http://HERE curl https://a.example/x", Some("a.example")),
    ("wget --no-check-certificate https://localhost:PORT/x", None),
    ("wget --no-check-certificate https://HERE/x?y", None),
    (
        "wget --no-check-certificate -U u --header 'Cookie: c=d' --post-data a=b https://localhost:PORT/x",
        None,
    ),
];

/// Runs a command and reads it. The difference, in words.
fn compare(
    server: &Server,
    folder: &Path,
    command: &str,
    connects_to: Option<&str>,
) -> Option<String> {
    let command = command
        .replace("HERE", &format!("127.0.0.1:{}", server.port))
        .replace("PORT", &server.port.to_string());
    server.take();
    let stderr = run(folder, &command);
    // A client ends when it has its answer, and what it asked for was kept before.
    let sent: Vec<_> = server.take().iter().map(|line| plain(line)).collect();
    let mut findings = Findings::new(&"command".into());
    let mut read = Vec::new();
    for request in subject::read(&command, &mut findings) {
        read.extend(connects_to.map(|target| show_tunnel(&request, target)));
        read.push(plain(&show_read(&request)));
    }
    let codes: Vec<_> = findings
        .into_list()
        .into_iter()
        .map(|found| format!("{} {}", found.diagnostic.code.id, found.diagnostic.message))
        .collect();
    (sent != read)
        .then(|| format!("{command}\n  sent {sent:#?}\n  read {read:#?}\n  {codes:?} {stderr}"))
}

#[test]
fn clients_send_over_tls_what_is_read_of_their_commands() {
    for program in ["curl", "wget"] {
        let found = Command::new(program).arg("--version").stdout(Stdio::null()).status();
        assert!(
            found.is_ok_and(|status| status.success()),
            "{program} is not installed: `cargo xtask setup` installs it"
        );
    }
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("f.txt", "a=b"),
        (".curlrc", "silent\ninsecure\nmax-time = 5\noutput = /dev/null\n"),
        (".wgetrc", "tries = 1\nquiet = on\ntimeout = 5\noutput_document = /dev/null\n"),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let differences: Vec<_> = CASES
        .iter()
        .filter_map(|(command, to)| compare(&server, folder.path(), command, *to))
        .collect();
    assert!(
        differences.is_empty(),
        "{} of {} differ\n{}",
        differences.len(),
        CASES.len(),
        differences.join("\n")
    );
}
