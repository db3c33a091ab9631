//! `tests/cases/evasion.toml`.

use std::path::PathBuf;

use inspect::{Request, Transport};
use serde::Deserialize;

/// The profiles of Envoy's HTTP connection manager, as the table names them.
pub(crate) const PROFILES: [&str; 3] = ["default", "normal", "strict"];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    pub(crate) rules: String,
    #[serde(rename = "technique")]
    pub(crate) techniques: Vec<Technique>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Technique {
    pub(crate) row: u32,
    pub(crate) title: String,
    pub(crate) about: String,
    #[serde(rename = "case")]
    pub(crate) cases: Vec<Case>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) protocol: Option<String>,
    pub(crate) method: Option<String>,
    pub(crate) host: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) connect: Option<String>,
    pub(crate) scheme: Option<String>,
    pub(crate) sni: Option<String>,
    pub(crate) transport: Option<String>,
    /// The target of the CONNECT in whose tunnel the request comes.
    pub(crate) tunnel: Option<String>,
    /// The whole request, where it is not made of the parts.
    pub(crate) raw: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    /// The headers of a raw request that name another method, joined.
    pub(crate) method_override: Option<String>,
    pub(crate) envoy: Option<toml::Value>,
    pub(crate) normal_host: Option<String>,
    pub(crate) normal_path: Option<String>,
    pub(crate) rules: Vec<String>,
    pub(crate) view: Option<String>,
    pub(crate) anomalies: Vec<String>,
    pub(crate) covers: Option<String>,
}

/// What the filter sees.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    method: Vec<u8>,
    scheme: Vec<u8>,
    authority: Vec<u8>,
    path: Option<Vec<u8>>,
    server_name: Option<Vec<u8>>,
    transport: Transport,
    tunnel: Option<Vec<u8>>,
    method_override: Option<Vec<u8>>,
}

impl Table {
    pub(crate) fn read() -> Table {
        toml::from_str(&std::fs::read_to_string(root().join("tests/cases/evasion.toml")).unwrap())
            .unwrap()
    }

    pub(crate) fn cases(&self) -> impl Iterator<Item = &Case> {
        self.techniques.iter().flat_map(|technique| &technique.cases)
    }
}

impl Case {
    /// What Envoy does under a profile.
    pub(crate) fn envoy(&self, profile: usize) -> &str {
        match &self.envoy {
            None => "passes",
            Some(toml::Value::String(all)) => all,
            Some(toml::Value::Array(each)) => each[profile].as_str().unwrap(),
            Some(other) => panic!("{}: {other:?}", self.name),
        }
    }

    pub(crate) fn passes(&self, profile: usize) -> bool {
        self.envoy(profile) == "passes"
    }

    /// What the filter sees under a profile.
    pub(crate) fn seen(&self, profile: usize) -> Seen {
        let normal = |usual: &Option<String>, normal: &Option<String>, otherwise: &str| {
            let text =
                if profile == 0 { usual.as_ref() } else { normal.as_ref().or(usual.as_ref()) };
            bytes(text.map_or(otherwise, String::as_str))
        };
        let path = normal(&self.path, &self.normal_path, "/bot1:a/getMe");
        let transport = match self.transport.as_deref() {
            Some(_) => Transport::NotTls,
            None => Transport::Unknown,
        };
        let server_name = self.sni.as_deref().map(bytes);
        let scheme =
            self.scheme.as_deref().unwrap_or(if server_name.is_some() { "https" } else { "http" });
        let tunnel = self.tunnel.as_deref().map(bytes);
        let common = Seen {
            scheme: bytes(scheme),
            server_name,
            transport,
            tunnel,
            method_override: self.method_override.as_deref().map(bytes),
            ..Seen::default()
        };
        match &self.connect {
            Some(_) => Seen {
                method: b"CONNECT".to_vec(),
                authority: normal(&self.connect, &self.normal_host, ""),
                scheme: Vec::new(),
                ..common
            },
            None => Seen {
                method: bytes(self.method.as_deref().unwrap_or("GET")),
                authority: normal(&self.host, &self.normal_host, "api.telegram.org"),
                path: Some(path),
                ..common
            },
        }
    }

    /// What is sent over HTTP/1.1.
    pub(crate) fn http1(&self) -> Vec<u8> {
        if let Some(raw) = &self.raw {
            return bytes(raw);
        }
        let Seen { method, authority, path, .. } = self.seen(0);
        let target = path.as_ref().unwrap_or(&authority);
        [&method, &b" "[..], target, b" HTTP/1.1\r\nHost: ", &authority, b"\r\n\r\n"].concat()
    }

    /// What is sent over HTTP/2; `None` where a client library does not say it.
    pub(crate) fn http2(&self) -> Option<http::Request<()>> {
        let scheme = self.scheme.as_deref().unwrap_or("http");
        let host = self.host.as_deref().unwrap_or("api.telegram.org");
        let path = self.path.as_deref().unwrap_or("/bot1:a/getMe");
        let uri = http::Uri::builder().scheme(scheme).authority(host);
        let uri = uri.path_and_query(bytes(path).as_slice()).build().ok()?;
        let method = self.method.as_deref().unwrap_or("GET");
        http::Request::builder().method(method).uri(uri).body(()).ok()
    }

    /// What is sent, for people.
    pub(crate) fn sent(&self) -> String {
        if let Some(raw) = &self.raw {
            return raw.replace("\\r\\n", "\n").replace("\\n", "\n").trim_end().to_owned();
        }
        if self.transport.is_some() {
            return format!(
                "CONNECT {}, and then SSH-2.0-x",
                self.connect.as_deref().unwrap_or_default()
            );
        }
        let host = self.host.as_deref().unwrap_or("api.telegram.org");
        let path = self.path.as_deref().unwrap_or("/bot1:a/getMe");
        let method = self.method.as_deref().unwrap_or("GET");
        let request = match &self.connect {
            Some(target) => format!("CONNECT {target} HTTP/1.1"),
            None if self.protocol.is_some() => {
                let scheme = self.scheme.as_deref().unwrap_or("http");
                format!(":method: {method}\n:scheme: {scheme}\n:authority: {host}\n:path: {path}")
            }
            None => format!("{method} {path} HTTP/1.1\nHost: {host}"),
        };
        let request = match self.sni.as_deref() {
            Some("") => format!("TLS without server name\n{request}"),
            Some(sni) => format!("TLS server name: {sni}\n{request}"),
            None => request,
        };
        match self.tunnel.as_deref() {
            Some(target) => format!("In the tunnel of CONNECT {target}:\n{request}"),
            None => request,
        }
    }
}

impl Seen {
    pub(crate) fn lend(&self) -> Request<'_> {
        Request {
            method: &self.method,
            scheme: &self.scheme,
            authority: &self.authority,
            path: self.path.as_deref(),
            server_name: self.server_name.as_deref(),
            transport: self.transport,
            connect_target: self.tunnel.as_deref(),
            method_override: self.method_override.as_deref(),
            ..Request::default()
        }
    }
}

/// The bytes of a text: `\xNN` is a byte, `\r` and `\n` end a line, `{x*N}` is `x` N times.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        rest = behind;
        match (first, behind) {
            (b'\\', [b'x', a, b, behind @ ..]) => {
                let digits = String::from_utf8(vec![*a, *b]).unwrap();
                out.push(u8::from_str_radix(&digits, 16).unwrap());
                rest = behind;
            }
            (b'\\', [b'r', behind @ ..]) => {
                out.push(b'\r');
                rest = behind;
            }
            (b'\\', [b'n', behind @ ..]) => {
                out.push(b'\n');
                rest = behind;
            }
            (b'{', [letter, b'*', behind @ ..]) => {
                let end = behind.iter().position(|byte| *byte == b'}').unwrap();
                let times = String::from_utf8(behind[..end].to_vec()).unwrap();
                out.resize(out.len() + times.parse::<usize>().unwrap(), *letter);
                rest = &behind[end + 1..];
            }
            (other, _) => out.push(*other),
        }
    }
    out
}

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}
