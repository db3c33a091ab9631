//! HTTP/2 with prior knowledge, over clear text.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::Request;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::http1::Response;

/// How long one exchange may take.
const SILENCE: Duration = Duration::from_secs(30);

/// Sends one request on a connection of its own and reads the response.
///
/// A method `CONNECT` goes out without `:scheme` and `:path`, as RFC 9113 wants; the body of a tunnel
/// that was opened is not read.
pub fn send(address: SocketAddr, request: Request<()>) -> Result<Response> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async { timeout(SILENCE, exchange(address, request)).await })?
}

async fn exchange(address: SocketAddr, request: Request<()>) -> Result<Response> {
    let tunnel = request.method() == http::Method::CONNECT;
    let stream = TcpStream::connect(address).await?;
    let (sender, connection) = h2::client::handshake(stream).await?;
    let driver = tokio::spawn(connection);
    let mut sender = sender.ready().await?;
    let (response, body) = sender.send_request(request, !tunnel)?;
    let (head, mut stream) = response.await.context("reading the response head")?.into_parts();
    let headers = head.headers.iter();
    let mut response = Response {
        status: head.status.as_u16(),
        headers: headers
            .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
            .collect(),
        body: Vec::new(),
    };
    while !(tunnel && response.status == 200)
        && let Some(chunk) = stream.data().await
    {
        let chunk: Bytes = chunk?;
        stream.flow_control().release_capacity(chunk.len())?;
        response.body.extend_from_slice(&chunk);
    }
    drop((body, stream, sender));
    driver.abort();
    Ok(response)
}
