//! A stand-in for the internet: an HTTP server on loopback that answers for every host.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// The request header that chooses the status of the answer.
const STATUS: &str = "x-stand-in-status";
/// The request header that asks for the names of all that came, in a header of the same name.
const HEADERS: &str = "x-stand-in-headers";
/// The request header that names one whose values are answered, in a header of the same name.
const ECHO: &str = "x-stand-in-echo";
/// The most headers that a request may have.
const MAX_HEADERS: usize = 2000;
const BODY: &str = "This is a stand-in for the internet. It is no real service.\n";

/// A server for HTTP/1.1 and HTTP/2 in clear text that answers every request with 200, or with the
/// status that a request's `x-stand-in-status` asks for. Its body says that it is a stand-in.
///
/// It serves until it is dropped.
#[derive(Debug)]
pub struct StandIn {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl StandIn {
    /// Starts serving, on a port that the operating system chooses.
    pub fn start() -> Result<Self> {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::Builder::new().name("stand-in".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = serve(listener) => {}
                    _ = stopped => {}
                }
            });
        });
        let thread = thread.context("starting the stand-in's thread")?;
        Ok(StandIn { address, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the process ends.
    pub fn wait(mut self) {
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so on standard error.
            let _panicked = thread.join();
        }
    }
}

impl Drop for StandIn {
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

async fn serve(listener: std::net::TcpListener) -> Result<Infallible> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            let mut server = auto::Builder::new(TokioExecutor::new());
            // Requests of hundreds of headers are among the tests.
            server.http1().max_headers(MAX_HEADERS);
            // A peer that hangs up or speaks no HTTP is the peer's business.
            let _hung_up = server.serve_connection(TokioIo::new(stream), service_fn(answer)).await;
        });
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, http::Error> {
    let status =
        request.headers().get(STATUS).map(|value| StatusCode::from_bytes(value.as_bytes()));
    let status = status.transpose()?.unwrap_or(StatusCode::OK);
    let mut response = Response::builder().status(status);
    if request.headers().contains_key(HEADERS) {
        let names: Vec<_> = request.headers().keys().map(http::HeaderName::as_str).collect();
        response = response.header(HEADERS, names.join(","));
    }
    if let Some(name) = request.headers().get(ECHO) {
        for value in request.headers().get_all(http::HeaderName::from_bytes(name.as_bytes())?) {
            response = response.header(ECHO, value);
        }
    }
    response
        .header("server", "tidegate-stand-in")
        .header("content-type", "text/plain")
        .body(Full::new(Bytes::from_static(BODY.as_bytes())))
}
