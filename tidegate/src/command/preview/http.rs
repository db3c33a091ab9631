//! The part of HTTP/1.1 that a page on this machine needs: reads the head of a GET, writes an answer.

use std::io::{self, BufRead, BufReader, Read, Write};

/// Most bytes of a request's head; a longer one is answered with 400.
const MAX_HEAD_BYTES: u64 = 16 * 1024;

/// Everything that the page loads, runs and requests comes from this address. `wasm-unsafe-eval` allows
/// modules to be compiled, but no text to be evaluated.
pub(super) const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; \
    style-src 'self'; connect-src 'self'; img-src 'self' data:; worker-src 'self'; \
    manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The head of a request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct HttpRequest {
    pub(super) method: String,
    /// The path without its first `/` and without a query, decoded.
    pub(super) address: String,
    /// The `Host` header.
    pub(super) host: String,
    /// The `Origin` header: the site whose page sends the request.
    origin: Option<String>,
    /// The `Sec-Fetch-Site` header: how the browser relates that site to this one.
    fetch_site: Option<String>,
    /// The `Sec-Fetch-Dest` header: what the answer is used as.
    fetch_dest: Option<String>,
}

impl HttpRequest {
    /// Returns true if a page of another site sends the request. A link to the page itself may be on any
    /// site; what it loads and shows then is its own. Programs other than browsers send neither header.
    pub(super) fn is_of_another_site(&self) -> bool {
        let site = self.fetch_site.as_deref();
        let is_foreign = site.is_some_and(|site| !matches!(site, "same-origin" | "none"))
            || self
                .origin
                .as_ref()
                .is_some_and(|origin| *origin != format!("http://{}", self.host));
        let is_page = matches!(self.address.as_str(), "" | "index.html");
        is_foreign && !(is_page && self.fetch_dest.as_deref() == Some("document"))
    }
}

/// Reads the head of a request; `None` if it is not one.
pub(super) fn read(stream: impl Read) -> io::Result<Option<HttpRequest>> {
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
    let method = method.to_owned();
    let mut request = HttpRequest { method, address, ..HttpRequest::default() };
    let mut host = None;
    for line in lines {
        let line = line?;
        if line.is_empty() {
            request.host = host.unwrap_or_default();
            return Ok(Some(request));
        }
        let Some((name, value)) = line.split_once(':') else { continue };
        let value = value.trim().to_owned();
        let place = match name.to_ascii_lowercase().as_str() {
            "host" => &mut host,
            "origin" => &mut request.origin,
            "sec-fetch-site" => &mut request.fetch_site,
            "sec-fetch-dest" => &mut request.fetch_dest,
            _ => continue,
        };
        // Of two values one would be believed and the other meant.
        if place.replace(value).is_some() {
            return Ok(None);
        }
    }
    Ok(None)
}

/// Decodes percent encoding; `None` if the result is not UTF-8.
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

/// Writes an answer with a whole body.
pub(super) fn answer(
    stream: &mut impl Write,
    status: &str,
    kind: &str,
    body: &[u8],
) -> io::Result<()> {
    let length = format!("content-length: {}\r\n", body.len());
    head(stream, status, kind, &length)?;
    stream.write_all(body)?;
    stream.flush()
}

/// Writes the head of an answer. Other origins may not read it, and it is not cached, because the next
/// version of this program may use the same port.
pub(super) fn head(
    stream: &mut impl Write,
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
    fn requests_are_read_and_anything_else_is_refused() {
        let asked = |address: &str, host: &str| {
            let (address, host) = (address.into(), host.into());
            Some(HttpRequest { method: "GET".into(), address, host, ..HttpRequest::default() })
        };
        for (head, expect) in [
            ("GET / HTTP/1.1\r\nHost: a:1\r\n\r\n", asked("", "a:1")),
            ("GET /notes/a%20b.md?x HTTP/1.1\r\nhost:a\r\n\r\n", asked("notes/a b.md", "a")),
            ("GET /%2e%2e/x HTTP/1.1\r\n\r\n", asked("../x", "")),
            ("GET /%ff HTTP/1.1\r\n\r\n", None),
            ("GET /%zz HTTP/1.1\r\n\r\n", None),
            ("GET http://a/ HTTP/1.1\r\n\r\n", None),
            ("GET / HTTP/1.1\r\nHost: a", None),
            ("GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", None),
            ("GET / HTTP/1.1\r\nOrigin: http://a\r\nOrigin: http://b\r\n\r\n", None),
            ("GET /", None),
            ("", None),
        ] {
            assert_eq!(read(head.as_bytes()).unwrap(), expect, "{head}");
        }
        let endless = format!("GET / HTTP/1.1\r\n{}", "a: b\r\n".repeat(10_000));
        assert_eq!(read(endless.as_bytes()).unwrap(), None);
    }

    #[test]
    fn another_site_may_link_to_the_page_and_nothing_else() {
        let is_refused = |address: &str, headers: &str| {
            let head = format!("GET /{address} HTTP/1.1\r\nHost: 127.0.0.1:1\r\n{headers}\r\n");
            read(head.as_bytes()).unwrap().unwrap().is_of_another_site()
        };
        let link = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Dest: document\r\n";
        for (address, headers, expect) in [
            ("pack/notes", "", false),
            ("pack/notes", "Sec-Fetch-Site: same-origin\r\n", false),
            ("pack/notes", "Sec-Fetch-Site: none\r\nSec-Fetch-Dest: document\r\n", false),
            ("pack/notes", "Origin: http://127.0.0.1:1\r\n", false),
            ("pack/notes", "sec-fetch-site: cross-site\r\n", true),
            ("pack/notes", "Sec-Fetch-Site: same-site\r\n", true),
            ("pack/notes", "Origin: http://127.0.0.1:2\r\n", true),
            ("pack/notes", "Origin: null\r\n", true),
            ("pack/notes", link, true),
            ("events", "Origin: https://a.example\r\n", true),
            ("", link, false),
            ("", "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Dest: iframe\r\n", true),
        ] {
            assert_eq!(is_refused(address, headers), expect, "{address} {headers}");
        }
    }
}
