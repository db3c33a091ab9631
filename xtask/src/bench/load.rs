//! Load: requests over connections that stay open, from one thread.

use std::io::{Read, Write};
use std::mem;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// How long Envoy may take for one response.
const SILENCE: Duration = Duration::from_secs(30);
/// Connections: enough that Envoy finds more than one request when it wakes up, as under real load.
const N_CONNECTIONS: usize = 8;

/// A request as a browser sends it through a proxy: twelve headers and the request line.
pub(super) const REQUEST: &[u8] = b"GET http://www.example.com/assets/app/main.css?v=20261121 HTTP/1.1\r\n\
Host: www.example.com\r\n\
User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/145.0.0.0 Safari/537.36\r\n\
Accept: text/css,*/*;q=0.1\r\n\
Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n\
Accept-Encoding: gzip, deflate, br, zstd\r\n\
Referer: https://www.example.com/articles/2026/11/a-title-of-some-length\r\n\
Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; consent=1\r\n\
Cache-Control: no-cache\r\n\
Pragma: no-cache\r\n\
Sec-Fetch-Dest: style\r\n\
Sec-Fetch-Mode: no-cors\r\n\
Sec-Fetch-Site: same-origin\r\n\r\n";

/// Open connections to one listener.
#[derive(Debug)]
pub(crate) struct Load {
    streams: Vec<TcpStream>,
}

impl Load {
    /// Opens the connections.
    pub(crate) fn open(address: SocketAddr) -> Result<Self> {
        let connect = |_| -> Result<TcpStream> {
            let stream = TcpStream::connect_timeout(&address, SILENCE)?;
            stream.set_read_timeout(Some(SILENCE))?;
            stream.set_nodelay(true)?;
            Ok(stream)
        };
        Ok(Load { streams: (0..N_CONNECTIONS).map(connect).collect::<Result<_>>()? })
    }

    /// Sends about `n_requests` requests, one on each connection at a time, and returns how many. An
    /// answer other than 200 is an error: what was measured would not be what was asked for.
    pub(crate) fn run(&mut self, n_requests: usize) -> Result<usize> {
        let mut is_first = true;
        self.run_with(n_requests, |request| {
            if mem::take(&mut is_first) {
                request.extend_from_slice(REQUEST);
            }
        })
    }

    /// The same with requests that are written one by one, each in place of the one before.
    pub(crate) fn run_with(
        &mut self,
        n_requests: usize,
        mut write: impl FnMut(&mut Vec<u8>),
    ) -> Result<usize> {
        let n_rounds = n_requests.div_ceil(self.streams.len());
        let mut request = Vec::new();
        for _ in 0..n_rounds {
            for stream in &mut self.streams {
                write(&mut request);
                stream.write_all(&request)?;
            }
            for stream in &mut self.streams {
                receive(stream)?;
            }
        }
        Ok(n_rounds * self.streams.len())
    }
}

/// Reads the answer of a `direct_response`, whose body is `ok`.
fn receive(stream: &mut TcpStream) -> Result<()> {
    let mut buffer = [0; 4096];
    let mut n_read = 0;
    loop {
        let rest = buffer.get_mut(n_read..).context("the response is too long")?;
        let n_more = stream.read(rest)?;
        ensure!(n_more > 0, "the connection was closed");
        n_read += n_more;
        let response = buffer.get(..n_read).unwrap_or_default();
        if response.ends_with(b"\r\n\r\nok") {
            let line = response.escape_ascii().to_string();
            ensure!(response.starts_with(b"HTTP/1.1 200 "), "not 200: {line}");
            return Ok(());
        }
    }
}
