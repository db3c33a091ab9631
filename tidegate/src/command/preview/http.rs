//! As much of HTTP/1.1 as a page on this machine needs: the head of a GET in, an answer out.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;

/// Most bytes of a request's head; a longer one is answered with 400.
const MAX_HEAD_BYTES: u64 = 16 * 1024;

/// What is loaded, run and asked comes from this address alone. `wasm-unsafe-eval` compiles modules and
/// evaluates no text.
pub(super) const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; \
    style-src 'self'; connect-src 'self'; img-src 'self' data:; worker-src 'self'; \
    manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What a browser asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) method: String,
    /// The path without its first `/` and without a query, decoded.
    pub(super) address: String,
    /// The `Host` header.
    pub(super) host: String,
}

/// Reads a head; `None` where it is none.
pub(super) fn read(stream: impl Read) -> io::Result<Option<Asked>> {
    let mut lines = BufReader::new(stream.take(MAX_HEAD_BYTES)).lines();
    let Some(first) = lines.next().transpose()? else { return Ok(None) };
    let mut words = first.split(' ');
    let (Some(method), Some(target), Some("HTTP/1.1" | "HTTP/1.0"), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Ok(None);
    };
    let path = target.split(['?', '#']).next().unwrap_or_default();
    let Some(address) = path.strip_prefix('/').and_then(decode) else { return Ok(None) };
    let mut asked = Asked { method: method.to_owned(), address, host: String::new() };
    for line in lines {
        let line = line?;
        if line.is_empty() {
            return Ok(Some(asked));
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("host")
        {
            value.trim().clone_into(&mut asked.host);
        }
    }
    Ok(None)
}

/// Undoes percent encoding. `None` where what comes out is no text.
fn decode(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, behind @ ..] = rest {
        match (first, behind.split_at_checked(2)) {
            (b'%', Some((digits, behind))) => {
                bytes.push(u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?);
                rest = behind;
            }
            _ => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

/// Answers with a whole body.
pub(super) fn answer(
    stream: &mut TcpStream,
    status: &str,
    kind: &str,
    body: &[u8],
) -> io::Result<()> {
    let length = format!("content-length: {}\r\n", body.len());
    head(stream, status, kind, &length)?;
    stream.write_all(body)?;
    stream.flush()
}

/// Writes the head of an answer. Nothing here is for other origins, and nothing is kept: the next
/// version of this program may stand on the same port.
pub(super) fn head(
    stream: &mut TcpStream,
    status: &str,
    kind: &str,
    length: &str,
) -> io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\n{length}\
         content-security-policy: {POLICY}\r\n\
         x-content-type-options: nosniff\r\n\
         referrer-policy: no-referrer\r\n\
         cross-origin-resource-policy: same-origin\r\n\
         cross-origin-opener-policy: same-origin\r\n\
         cache-control: no-store\r\n\
         connection: close\r\n\r\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_and_what_is_none_is_not() {
        let asked = |address: &str, host: &str| {
            Some(Asked { method: "GET".into(), address: address.into(), host: host.into() })
        };
        for (head, expect) in [
            ("GET / HTTP/1.1\r\nHost: a:1\r\n\r\n", asked("", "a:1")),
            ("GET /notes/a%20b.md?x HTTP/1.1\r\nhost:a\r\n\r\n", asked("notes/a b.md", "a")),
            ("GET /%2e%2e/x HTTP/1.1\r\n\r\n", asked("../x", "")),
            ("GET /%ff HTTP/1.1\r\n\r\n", None),
            ("GET /%zz HTTP/1.1\r\n\r\n", None),
            ("GET http://a/ HTTP/1.1\r\n\r\n", None),
            ("GET / HTTP/1.1\r\nHost: a", None),
            ("GET /", None),
            ("", None),
        ] {
            assert_eq!(read(head.as_bytes()).unwrap(), expect, "{head}");
        }
        let endless = format!("GET / HTTP/1.1\r\n{}", "a: b\r\n".repeat(10_000));
        assert_eq!(read(endless.as_bytes()).unwrap(), None);
    }
}
