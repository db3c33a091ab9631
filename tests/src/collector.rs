//! A collector of events: an HTTP server on loopback that keeps what is posted to it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Collected, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// How calls are answered.
#[derive(Clone, Copy, Debug)]
pub enum Manner {
    /// With a status.
    Status(u16),
    /// Not at all: the caller has to give up.
    Silent,
}

/// A call that came.
#[derive(Clone, Debug)]
pub struct Call {
    /// The status that it was answered with, if it was.
    pub status: Option<u16>,
    /// Method, host and path.
    pub target: String,
    /// The header `idempotency-key`.
    pub key: String,
    /// The header `authorization`.
    pub authorization: String,
    /// What was posted.
    pub body: String,
}

#[derive(Debug)]
struct State {
    calls: Vec<Call>,
    manner: Manner,
}

/// A server that answers posts with configured answers. It serves until it is dropped.
#[derive(Debug)]
pub struct Collector {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Collector {
    /// Starts serving, on a port that the operating system chooses.
    pub fn start() -> Result<Self> {
        Collector::start_at(SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    /// Starts serving at an address, as a collector does that was down.
    pub fn start_at(address: SocketAddr) -> Result<Self> {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let state = State { calls: Vec::new(), manner: Manner::Status(200) };
        let state = Arc::new(Mutex::new(state));
        let kept = Arc::clone(&state);
        let thread = thread::Builder::new().name("collector".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = serve(listener, kept) => {}
                    _ = stopped => {}
                }
            });
        });
        let thread = thread.context("starting the collector's thread")?;
        Ok(Collector { address, state, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers in this way from now on.
    pub fn answer(&self, manner: Manner) {
        lock(&self.state).manner = manner;
    }

    /// The calls so far, in their order.
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.state).calls.clone()
    }

    /// The lines of the calls that were answered with 200.
    pub fn taken(&self) -> Vec<String> {
        let calls = self.calls().into_iter().filter(|call| call.status == Some(200));
        calls.flat_map(|call| call.body.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // A server that has ended needs no telling.
            let _already_over = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(listener: std::net::TcpListener, state: Arc<Mutex<State>>) -> Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            let service = service_fn(move |request| take(request, Arc::clone(&state)));
            let server = auto::Builder::new(TokioExecutor::new());
            // A client that hangs up is no failure of the collector.
            let _hung_up = server.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn take(
    request: Request<Incoming>,
    state: Arc<Mutex<State>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let header = |name: &str| {
        let value = request.headers().get(name).map(http::HeaderValue::as_bytes);
        String::from_utf8_lossy(value.unwrap_or_default()).into_owned()
    };
    let (key, authorization) = (header("idempotency-key"), header("authorization"));
    let target = format!("{} {}{}", request.method(), header("host"), request.uri());
    let body = request.into_body().collect().await.map(Collected::to_bytes);
    let body = String::from_utf8_lossy(&body.unwrap_or_default()).into_owned();
    let status = {
        let mut state = lock(&state);
        let status = match state.manner {
            Manner::Status(status) => Some(status),
            Manner::Silent => None,
        };
        state.calls.push(Call { status, target, key, authorization, body });
        status
    };
    let Some(status) = status else { return std::future::pending().await };
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    Ok(response)
}
