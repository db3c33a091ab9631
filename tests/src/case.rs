//! The table of cases: what is sent, and what every runner has to find.
//!
//! A file `tests/cases/NAME.toml` has a pack and cases. It says nothing about how a case is run: the
//! native engine, a real Envoy and a browser read the same table.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// One file of cases, which share their rules.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Sigma rules, as a YAML stream; exclusive with `pack`.
    pub rules: Option<String>,
    /// A pack by name. There is one: `shipped`.
    pub pack: Option<String>,
    /// The cases.
    #[serde(rename = "case")]
    pub cases: Vec<Case>,
}

/// One request and what is expected of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// A sentence, unique in its file.
    pub name: String,
    /// What is sent.
    pub request: Sent,
    /// What has to be found.
    pub expect: Expect,
    /// Runners that leave the case out, each with its reason.
    #[serde(default)]
    pub skip: BTreeMap<Runner, String>,
}

/// A request. Every text may hold bytes as `\xNN`, and a backslash as `\\`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sent {
    /// The method; GET if it is left out.
    pub method: Option<String>,
    /// The whole URL; sent in absolute form. Exclusive with the next two.
    pub url: Option<String>,
    /// The `Host`, or `:authority`; sent in origin form. The scheme is then `http`, or `https` with a
    /// server name.
    pub authority: Option<String>,
    /// Path and query in origin form; `/` if it is left out.
    pub path: Option<String>,
    /// The target of a CONNECT. Exclusive with all above.
    pub connect: Option<String>,
    /// The server name that the client asks for in TLS.
    pub server_name: Option<String>,
    /// Header names and values, in the order in which they are sent.
    pub headers: Vec<(String, String)>,
    /// The status of the response; 200 if it is left out.
    pub status: Option<u16>,
}

/// What has to be found.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The titles of all rules that match, in any order.
    pub rules: Vec<String>,
    /// What monitoring does: `observe` if a rule matches, `allow` if none, unless it says otherwise.
    pub monitor: Option<String>,
    /// What enforcement does: `deny` if a rule matches, `allow` if none, unless it says otherwise.
    pub enforce: Option<String>,
}

/// Something that runs cases.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "kebab-case")]
pub enum Runner {
    /// The engine, in the test's own process.
    Native,
    /// A real Envoy, over HTTP/1.1.
    Http1,
    /// A real Envoy, over HTTP/2.
    Http2,
}

/// A request as bytes: what [`Sent`] means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wire {
    /// The method.
    pub method: Vec<u8>,
    /// `http` or `https`; empty for CONNECT.
    pub scheme: Vec<u8>,
    /// Host and perhaps port.
    pub authority: Vec<u8>,
    /// Path and query; `None` for CONNECT.
    pub path: Option<Vec<u8>>,
    /// Whether the request target is a whole URL.
    pub is_absolute: bool,
    /// Header names and values.
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
}

/// Reads all tables of a folder, by file name without extension, in alphabetical order.
pub fn read(folder: &Path) -> Result<BTreeMap<String, Table>> {
    let mut tables = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if name == "evasion" {
            // It has a form of its own: exact bytes, and what Envoy makes of them.
            continue;
        }
        let text = fs::read_to_string(&path)?;
        let table = Table::parse(&text).with_context(|| format!("cases `{name}`"))?;
        tables.insert(name, table);
    }
    Ok(tables)
}

impl Table {
    /// Reads a table. Two cases of one name, or a request that says two things at once, are errors.
    pub fn parse(text: &str) -> Result<Self> {
        let table: Table = toml::from_str(text)?;
        if table.rules.is_some() == table.pack.is_some() {
            bail!("either `rules` or `pack`");
        }
        let mut names = BTreeSet::new();
        for case in &table.cases {
            if !names.insert(&case.name) {
                bail!("two cases are called `{}`", case.name);
            }
            case.request.wire().with_context(|| format!("case `{}`", case.name))?;
        }
        Ok(table)
    }
}

impl Expect {
    /// What has to happen in a mode.
    pub fn action(&self, mode: &str) -> &str {
        let (stated, with_match) = match mode {
            "enforce" => (&self.enforce, "deny"),
            _ => (&self.monitor, "observe"),
        };
        let plain = if self.rules.is_empty() { "allow" } else { with_match };
        stated.as_deref().unwrap_or(plain)
    }
}

impl Sent {
    /// The request as bytes.
    pub fn wire(&self) -> Result<Wire> {
        let headers = self.headers.iter();
        let headers: Result<_> =
            headers.map(|(name, value)| Ok((bytes(name)?, bytes(value)?))).collect();
        let headers = headers?;
        match (&self.connect, &self.url, &self.authority) {
            (Some(target), None, None) => Ok(Wire {
                method: b"CONNECT".to_vec(),
                authority: bytes(target)?,
                headers,
                ..Wire::default()
            }),
            (None, Some(url), None) => {
                let (scheme, rest) = url.split_once("://").context("a `url` needs a scheme")?;
                let end = rest.find(['/', '?']).unwrap_or(rest.len());
                let (authority, path) = rest.split_at(end);
                Ok(Wire {
                    method: self.method()?,
                    scheme: bytes(scheme)?,
                    authority: bytes(authority)?,
                    path: Some(bytes(if path.is_empty() { "/" } else { path })?),
                    is_absolute: true,
                    headers,
                })
            }
            (None, None, Some(authority)) => Ok(Wire {
                method: self.method()?,
                scheme: if self.server_name.is_some() { b"https" } else { &b"http"[..] }.to_vec(),
                authority: bytes(authority)?,
                path: Some(bytes(self.path.as_deref().unwrap_or("/"))?),
                is_absolute: false,
                headers,
            }),
            _ => bail!("exactly one of `url`, `authority` and `connect`"),
        }
    }

    fn method(&self) -> Result<Vec<u8>> {
        bytes(self.method.as_deref().unwrap_or("GET"))
    }
}

impl Wire {
    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        let mut headers = self.headers.iter();
        let header = headers.find(|(key, _)| key.eq_ignore_ascii_case(name.as_bytes()));
        header.map(|(_, value)| value.as_slice())
    }

    /// The request as HTTP/1.1 puts it on the wire.
    pub fn http1(&self) -> Vec<u8> {
        let target = match &self.path {
            None => self.authority.clone(),
            Some(path) if self.is_absolute => {
                [self.scheme.as_slice(), b"://", &self.authority, path].concat()
            }
            Some(path) => path.clone(),
        };
        let mut bytes = [self.method.as_slice(), b" ", &target, b" HTTP/1.1\r\n"].concat();
        let host = (b"Host".to_vec(), self.authority.clone());
        for (name, value) in [host].iter().chain(&self.headers) {
            bytes.extend([name.as_slice(), b": ", value, b"\r\n"].concat());
        }
        bytes.extend(b"\r\n");
        bytes
    }

    /// The request as HTTP/2 sends it. An error where HTTP/2, or the crate that speaks it here, has no
    /// form for it.
    pub fn http2(&self) -> Result<http::Request<()>> {
        let uri = http::Uri::builder().authority(self.authority.as_slice());
        let uri = match &self.path {
            None => uri,
            Some(path) => uri.scheme(self.scheme.as_slice()).path_and_query(path.as_slice()),
        };
        let mut request = http::Request::builder().method(self.method.as_slice()).uri(uri.build()?);
        for (name, value) in &self.headers {
            request = request.header(name.as_slice(), value.as_slice());
        }
        Ok(request.version(http::Version::HTTP_2).body(())?)
    }
}

/// Turns `\xNN` into the byte, and `\\` into a backslash. Any other backslash is an error.
fn bytes(text: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        bytes.extend_from_slice(before.as_bytes());
        if let Some(after) = after.strip_prefix('\\') {
            bytes.push(b'\\');
            rest = after;
            continue;
        }
        let digits = after.strip_prefix('x').and_then(|digits| digits.split_at_checked(2));
        let (digits, after) = digits.with_context(|| format!("`\\` in `{text}` starts no byte"))?;
        bytes.push(u8::from_str_radix(digits, 16).with_context(|| format!("`\\x{digits}`"))?);
        rest = after;
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_bytes() {
        for (text, expect) in [
            ("plain", Some(&b"plain"[..])),
            (r"\xff\x00", Some(b"\xff\x00")),
            (r"a\\b", Some(b"a\\b")),
            (r"\xf", None),
            (r"\n", None),
            (r"\xgg", None),
        ] {
            assert_eq!(bytes(text).ok().as_deref(), expect, "{text}");
        }
    }

    #[test]
    fn a_request_is_sent_in_the_form_it_is_written_in() {
        let absolute = Sent { url: Some("https://a.example?q".into()), ..Sent::default() };
        let origin = Sent {
            authority: Some("a.example".into()),
            path: Some("/p".into()),
            headers: vec![("X-A".into(), r"\xff".into())],
            ..Sent::default()
        };
        let connect = Sent { connect: Some("a.example:443".into()), ..Sent::default() };
        for (sent, expect) in [
            (absolute, &b"GET https://a.example?q HTTP/1.1\r\nHost: a.example\r\n\r\n"[..]),
            (origin, b"GET /p HTTP/1.1\r\nHost: a.example\r\nX-A: \xff\r\n\r\n"),
            (connect, b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n"),
        ] {
            assert_eq!(sent.wire().unwrap().http1(), expect);
        }
    }

    #[test]
    fn a_table_that_says_two_things_at_once_is_refused() {
        let case = "[[case]]\nname = 'a'\nexpect.rules = []\n";
        for text in [
            format!("{case}request.url = 'http://a/'"),
            format!("rules = ''\npack = 'shipped'\n{case}request.url = 'http://a/'"),
            format!("rules = ''\n{case}request.url = 'http://a/'\nrequest.connect = 'a:1'"),
            format!("rules = ''\n{case}request.urn = 'a'"),
            format!("rules = ''\n{case}"),
        ] {
            assert!(Table::parse(&text).is_err(), "{text}");
        }
    }
}
