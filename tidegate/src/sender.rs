//! The one place that opens connections: a gateway that requests are sent through.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use traffic::RecordedRequest;

/// How long a gateway may stay silent.
const SILENCE: Duration = Duration::from_secs(30);
/// Most bytes of an answer's head that are read: the status comes first.
const MAX_HEAD_BYTES: u64 = 64 * 1024;

/// An HTTP proxy that takes requests in clear text.
#[derive(Debug)]
pub(crate) struct Gateway {
    address: SocketAddr,
}

impl Gateway {
    /// Finds a gateway by its URL, as `http://127.0.0.1:3128`; an error is a message about wrong usage.
    pub(crate) fn find(url: &str) -> Result<Gateway, String> {
        let form = "write the gateway as `http://HOST:PORT`";
        let name = url.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
        let name = name.filter(|name| !name.contains(['/', '@'])).ok_or(form)?;
        let addresses =
            name.to_socket_addrs().map_err(|error| format!("`{url}`: {error}; {form}"))?;
        let address =
            addresses.into_iter().next().ok_or_else(|| format!("`{url}` has no address"))?;
        Ok(Gateway { address })
    }

    /// Sends a request as a client sends it to its proxy, without a body and with an id of its own, and
    /// gives the status of the answer.
    pub(crate) fn send(&self, request: &RecordedRequest, id: &str) -> io::Result<u16> {
        let mut stream = TcpStream::connect_timeout(&self.address, SILENCE)?;
        stream.set_read_timeout(Some(SILENCE))?;
        stream.set_write_timeout(Some(SILENCE))?;
        stream.write_all(&bytes(request, id))?;
        let mut head = Vec::new();
        let mut answer = stream.take(MAX_HEAD_BYTES);
        let mut piece = [0; 1024];
        while !head.windows(4).any(|window| window == b"\r\n\r\n") {
            match answer.read(&mut piece)? {
                0 => break,
                n_read => head.extend_from_slice(piece.get(..n_read).unwrap_or_default()),
            }
        }
        let line =
            String::from_utf8_lossy(head.split(|byte| *byte == b'\r').next().unwrap_or_default());
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
        status.ok_or_else(|| {
            io::Error::new(ErrorKind::InvalidData, "the gateway's answer is not HTTP")
        })
    }
}

fn bytes(request: &RecordedRequest, id: &str) -> Vec<u8> {
    // Envoy refuses a URL with `https` that comes in clear text; behind interception the scheme is of no
    // consequence to a rule.
    let (scheme, path): (&[u8], &[u8]) = match &request.path {
        Some(path) => (b"http://", path),
        None => (b"", b""),
    };
    let target = [scheme, &request.authority, path].concat();
    let mut bytes = [request.method.as_slice(), b" ", &target, b" HTTP/1.1\r\n"].concat();
    let named = [
        ("Host", Some(&request.authority)),
        ("User-Agent", request.user_agent.as_ref()),
        ("Referer", request.referrer.as_ref()),
        ("Cookie", request.cookie.as_ref()),
    ];
    for (name, value) in named {
        if let Some(value) = value {
            bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
    }
    if !matches!(request.method.as_slice(), b"GET" | b"HEAD" | b"CONNECT") {
        bytes.extend(b"Content-Length: 0\r\n");
    }
    bytes.extend(format!("X-Request-Id: {id}\r\nConnection: close\r\n\r\n").into_bytes());
    bytes
}
