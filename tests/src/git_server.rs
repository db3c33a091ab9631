//! Git's own server for smart HTTP, on loopback: `git http-backend`, to which an HTTP server passes requests as
//! RFC 3875 (CGI) says.

use std::convert::Infallible;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// A server of the repositories in a folder, which anybody may fetch from and push to. It serves whatever host is
/// asked for, until it is dropped.
#[derive(Debug)]
pub struct GitServer {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl GitServer {
    /// Serves the repositories below a folder, on a port that the operating system chooses.
    pub fn start(root: &Path) -> Result<GitServer> {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let root: Arc<PathBuf> = Arc::new(root.to_owned());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::Builder::new().name("git".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = serve(listener, root) => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(GitServer { address, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for GitServer {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The receiver is gone where serving ended by itself.
            let _ended = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

async fn serve(listener: std::net::TcpListener, root: Arc<PathBuf>) -> Result<Infallible> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        let root = Arc::clone(&root);
        tokio::spawn(async move {
            let answer = service_fn(move |request| answer(Arc::clone(&root), request));
            // A peer that hangs up is the peer's business.
            let _hung_up =
                http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

async fn answer(root: Arc<PathBuf>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    tokio::task::spawn_blocking(move || run(&root, &head, &body)).await?
}

/// Runs the program on one request.
fn run(root: &Path, head: &http::request::Parts, body: &[u8]) -> Result<Response<Full<Bytes>>> {
    let header = |name: &str| {
        head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    let mut backend = Command::new("git");
    backend
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        // Who has a name may push.
        .env("REMOTE_USER", "anybody")
        .env("REQUEST_METHOD", head.method.as_str())
        .env("PATH_INFO", head.uri.path())
        .env("QUERY_STRING", head.uri.query().unwrap_or_default())
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", header("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut backend = backend.spawn().context("`git` is needed")?;
    let mut input = backend.stdin.take().context("an input")?;
    let body = body.to_vec();
    let writer = thread::spawn(move || input.write_all(&body));
    let output = backend.wait_with_output()?;
    // A program that has read enough closes its input.
    let _closed = writer.join();
    let end = output.stdout.windows(4).position(|part| part == b"\r\n\r\n");
    let (head, body) = output.stdout.split_at(end.context("a head")?);
    let mut response = Response::builder();
    for line in str::from_utf8(head)?.lines() {
        let (name, value) = line.split_once(':').context("a header")?;
        response = match name {
            "Status" => response.status(value.trim().get(..3).unwrap_or_default()),
            name => response.header(name, value.trim()),
        };
    }
    let body = body.get(4..).unwrap_or_default().to_vec();
    Ok(response.body(Full::new(Bytes::from(body)))?)
}
