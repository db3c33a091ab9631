//! HTTP/1.1 with exact bytes: what is sent is what the test wrote, whether or not it is proper HTTP.

use std::fmt::Debug;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// How long a peer may stay silent.
const SILENCE: Duration = Duration::from_secs(30);
/// The most headers that a response of Envoy or of the stand-in has here.
const MAX_HEADERS: usize = 64;

/// A response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Names in lower case, and values, in the order in which they came.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_slice())
    }
}

/// Sends one request on a connection of its own and reads the response.
pub fn send(address: SocketAddr, request: &[u8]) -> Result<Response> {
    Connection::open(address)?.send(request)
}

/// Sends one request to a socket file and reads the response.
pub fn send_to_file(path: &Path, request: &[u8]) -> Result<Response> {
    let stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(SILENCE))?;
    stream.set_write_timeout(Some(SILENCE))?;
    Connection { stream: BufReader::new(Box::new(stream)) }.send(request)
}

/// What bytes are sent and received over.
trait Stream: Read + Write + Debug + Send {}

impl<S: Read + Write + Debug + Send> Stream for S {}

/// A connection that stays open.
#[derive(Debug)]
pub struct Connection {
    stream: BufReader<Box<dyn Stream>>,
}

impl Connection {
    /// Connects.
    pub fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&address, SILENCE)?;
        stream.set_read_timeout(Some(SILENCE))?;
        stream.set_write_timeout(Some(SILENCE))?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream: BufReader::new(Box::new(stream)) })
    }

    /// Sends bytes and reads one response.
    pub fn send(&mut self, request: &[u8]) -> Result<Response> {
        self.stream.get_mut().write_all(request)?;
        let tunnel = request.starts_with(b"CONNECT ");
        let mut response = self.head().context("reading the response head")?;
        let n_body = response.header("content-length").map(str::from_utf8).transpose()?;
        let chunked = response.header("transfer-encoding").is_some();
        match n_body {
            _ if tunnel && response.status == 200 => {}
            _ if request.starts_with(b"HEAD ") || matches!(response.status, 204 | 304) => {}
            _ if chunked => self.chunks(&mut response.body)?,
            Some(n_body) => {
                response.body.resize(n_body.trim().parse()?, 0);
                self.stream.read_exact(&mut response.body)?;
            }
            None => {
                self.stream.read_to_end(&mut response.body)?;
            }
        }
        Ok(response)
    }

    fn head(&mut self) -> Result<Response> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if self.stream.read_until(b'\n', &mut head)? == 0 {
                bail!("the connection was closed after {} bytes", head.len());
            }
        }
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut parsed = httparse::Response::new(&mut headers);
        parsed.parse(&head)?;
        let headers = parsed.headers.iter();
        Ok(Response {
            status: parsed.code.context("no status")?,
            headers: headers
                .map(|header| (header.name.to_ascii_lowercase(), header.value.to_vec()))
                .collect(),
            body: Vec::new(),
        })
    }

    fn chunks(&mut self, body: &mut Vec<u8>) -> Result<()> {
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            let n_chunk = usize::from_str_radix(line.trim(), 16).context("chunk size")?;
            let mut chunk = vec![0; n_chunk + 2];
            self.stream.read_exact(&mut chunk)?;
            if n_chunk == 0 {
                return Ok(());
            }
            chunk.truncate(n_chunk);
            body.append(&mut chunk);
        }
    }
}
