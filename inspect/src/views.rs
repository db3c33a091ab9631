//! The readings of a request: what a client may have meant by it, however it is spelt.
//!
//! ```text
//! raw          as it came
//! canonical    one spelling for what means the same: case, dots, ports, slashes, dot segments
//! decoded      every escape undone, every disguise taken off
//! server-name  with the server name of TLS for the host, where the two differ
//! tunnel       with the target of CONNECT for the host, where the two differ
//! ```
//!
//! A rule is evaluated on each reading as a whole, its `not` parts too: a filter that holds in one
//! reading excuses nothing in another. An ordinary request has one reading, which one pass finds out.

mod address;
mod domain;
mod host;
mod path;
mod proxy_services;
mod punycode;
mod unescape;

use crate::anomaly::{Anomalies, Anomaly};
use crate::limits::{MAX_FORMS, MAX_HOST_FORMS};
use crate::request::{Request, Transport, split_port};
use crate::verdict::View;
use host::HostForm;
use path::PathForm;

/// The readings of one request beside the one in which it came, and what is odd about it.
#[derive(Clone, Debug, Default)]
pub struct Views {
    anomalies: Anomalies,
    forms: Vec<Form>,
    extra_hosts: Vec<Vec<u8>>,
    steps: usize,
}

/// One reading of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// Which view it belongs to.
    pub view: View,
    /// Host and perhaps port; `None` where it is as it came.
    pub authority: Option<Vec<u8>>,
    /// Path and query; `None` where they are as they came.
    pub path: Option<Vec<u8>>,
    /// The server name; `None` where it is as it came.
    pub server_name: Option<Vec<u8>>,
    /// Whether the authorities of [`Views::extra_hosts`] are further values of the host.
    pub has_extra_hosts: bool,
}

impl Form {
    /// The request in this reading.
    pub fn apply<'r>(&'r self, request: &Request<'r>) -> Request<'r> {
        Request {
            authority: self.authority.as_deref().unwrap_or(request.authority),
            path: self.path.as_deref().or(request.path),
            server_name: self.server_name.as_deref().or(request.server_name),
            ..*request
        }
    }
}

impl Views {
    /// Reads a request. Takes steps in proportion to it.
    pub fn of(request: &Request<'_>) -> Views {
        let mut views = Views::default();
        if !is_ordinary(request) {
            views.read(request);
        }
        views
    }

    /// What is odd about the request.
    pub fn anomalies(&self) -> Anomalies {
        self.anomalies
    }

    /// The readings beside the one in which the request came, by view.
    pub fn forms(&self) -> &[Form] {
        &self.forms
    }

    /// Authorities past [`MAX_HOST_FORMS`] readings of the host, which share a form.
    pub fn extra_hosts(&self) -> &[Vec<u8>] {
        &self.extra_hosts
    }

    /// How much was done, in bytes looked at: 0 for an ordinary request.
    pub fn steps(&self) -> usize {
        self.steps
    }

    fn read(&mut self, request: &Request<'_>) {
        self.steps = request.authority.len() + request.path.map_or(0, <[u8]>::len);
        let scheme = request.scheme;
        let usual = [&b""[..], b"http", b"https", b"ws", b"wss"];
        let is_usual = usual.iter().any(|usual| scheme.eq_ignore_ascii_case(usual));
        self.anomalies.insert_if(!is_usual, Anomaly::SchemeUnusual);
        self.anomalies.insert_if(request.transport == Transport::NotTls, Anomaly::TlsAbsent);

        let mut hosts = host::forms(request.authority, &mut self.anomalies, &mut self.steps);
        let paths = match request.path {
            Some(path) if !path::is_plain(path) => {
                path::forms(path, &mut self.anomalies, &mut self.steps)
            }
            Some(_) | None => Vec::new(),
        };
        let server_names = self.server_names(request);
        self.compare(request, &hosts, &server_names);
        let targets = self.hidden_targets(request, &hosts, &paths);
        let others = other_hosts(request, &hosts, &server_names);

        if request.path.is_some() {
            // The port would be between host and path in the URL, where no rule expects one. The
            // target of a CONNECT keeps it.
            for form in &mut hosts {
                form.port.clear();
            }
        }
        hosts.retain(|form| form.authority() != request.authority);
        let server_name = server_names
            .first()
            .map(|form| form.host.clone())
            .filter(|name| request.server_name != Some(name));
        self.combine(&hosts, &paths, server_name.as_deref());
        for (view, host, path) in targets.into_iter().chain(others) {
            let server_name = server_name.clone();
            self.push(Form {
                view,
                authority: Some(host),
                path,
                server_name,
                has_extra_hosts: false,
            });
        }
    }

    /// Each reading of the host with each of the path.
    fn combine(&mut self, hosts: &[HostForm], paths: &[PathForm], server_name: Option<&[u8]>) {
        let n_own = hosts.len().min(MAX_HOST_FORMS);
        let (own, extra_hosts) = hosts.split_at_checked(n_own).unwrap_or((hosts, &[]));
        let own = own.iter().map(|host| (Some(host), false));
        let first_extra = extra_hosts.first().map(|host| (Some(host), true));
        for (host, has_extra_hosts) in std::iter::once((None, false)).chain(own).chain(first_extra)
        {
            for path in std::iter::once(None).chain(paths.iter().map(Some)) {
                if host.is_none() && path.is_none() && server_name.is_none() {
                    continue;
                }
                let view = host.map(|host| host.view).max(path.map(|path| path.view));
                self.push(Form {
                    view: view.unwrap_or(View::Canonical),
                    authority: host.map(HostForm::authority),
                    path: path.map(|path| path.bytes.clone()),
                    server_name: server_name.map(<[u8]>::to_vec),
                    has_extra_hosts,
                });
            }
        }
        self.extra_hosts = extra_hosts.iter().skip(1).map(HostForm::authority).collect();
        self.steps += self.extra_hosts.iter().map(Vec::len).sum::<usize>();
    }

    fn push(&mut self, form: Form) {
        let n_bytes = form.authority.as_ref().map_or(0, Vec::len)
            + form.path.as_ref().map_or(0, Vec::len)
            + form.server_name.as_ref().map_or(0, Vec::len);
        self.steps += n_bytes;
        if self.forms.len() < MAX_FORMS {
            // In the order of the views, and within one in the order in which they were found.
            let place = self.forms.partition_point(|other| other.view <= form.view);
            self.forms.insert(place, form);
        }
    }

    /// The readings of the server name.
    fn server_names(&mut self, request: &Request<'_>) -> Vec<HostForm> {
        let Some(server_name) = request.server_name else {
            self.anomalies.insert_if(request.transport == Transport::Tls, Anomaly::SniMissing);
            return Vec::new();
        };
        if server_name.is_empty() {
            self.anomalies.insert(Anomaly::SniMissing);
            return Vec::new();
        }
        let mut found = Anomalies::default();
        let names = host::forms(server_name, &mut found, &mut self.steps);
        let has_port = split_port(server_name).1.len() > 1;
        self.anomalies.insert_if(found.contains(Anomaly::IpLiteral), Anomaly::SniAddress);
        // Case and addresses have their own names, or need none: TLS gives case no meaning.
        let odd = found.iter().any(|anomaly| {
            !matches!(
                anomaly,
                Anomaly::HostCase | Anomaly::IpLiteral | Anomaly::HostEmbeddedAddress
            )
        });
        self.anomalies.insert_if(odd || has_port, Anomaly::SniOdd);
        self.anomalies.insert_if(found.contains(Anomaly::HostHomograph), Anomaly::HostHomograph);
        let is_outer =
            |name: &HostForm| OUTER_NAMES.iter().any(|outer| name.host == outer.as_bytes());
        self.anomalies.insert_if(names.iter().any(is_outer), Anomaly::SniOuter);
        names
    }

    /// Compares host, server name and the target of CONNECT with each other.
    fn compare(&mut self, request: &Request<'_>, hosts: &[HostForm], server_names: &[HostForm]) {
        let host = hosts.first().map(|form| form.host.as_slice());
        let server_name = server_names.first().map(|form| form.host.as_slice());
        // The server name of a CONNECT is the gateway's own.
        if request.path.is_some()
            && let (Some(host), Some(server_name)) = (host, server_name)
        {
            let differ = domain::registrable(host) != domain::registrable(server_name);
            self.anomalies.insert_if(differ, Anomaly::SniMismatch);
        }
        let Some(target) = connect_target(request, &mut self.steps) else { return };
        if let Some(server_name) = server_name {
            self.anomalies.insert_if(target != server_name, Anomaly::ConnectSniMismatch);
        }
        if let (Some(host), Some(_)) = (host, request.path) {
            let differ = domain::registrable(host) != domain::registrable(&target);
            self.anomalies.insert_if(differ, Anomaly::ConnectHostMismatch);
        }
    }

    /// Returns what a request to a hiding proxy is for, and what that is for, if it is one again.
    fn hidden_targets(
        &mut self,
        request: &Request<'_>,
        hosts: &[HostForm],
        paths: &[PathForm],
    ) -> Vec<(View, Vec<u8>, Option<Vec<u8>>)> {
        let mut targets = Vec::new();
        let path = paths.iter().rfind(|form| form.view == View::Decoded);
        let path = path.or(paths.last()).map(|form| form.bytes.as_slice()).or(request.path);
        for host in hosts.iter().take(MAX_HOST_FORMS) {
            let (mut host, mut path) = (host.host.clone(), path.map(<[u8]>::to_vec));
            for _ in 0..MAX_NESTED_PROXIES {
                self.steps += host.len() + path.as_ref().map_or(0, Vec::len);
                let Some((target, behind)) = proxy_services::hidden_target(&host, path.as_deref())
                else {
                    break;
                };
                self.anomalies.insert(Anomaly::HostHidingProxy);
                let mut found = Anomalies::default();
                let names = host::forms(&target, &mut found, &mut self.steps);
                let Some(name) = names.into_iter().next() else { break };
                targets.push((View::Decoded, name.authority(), behind.clone()));
                (host, path) = (name.host, behind);
            }
        }
        targets
    }
}

/// The server name and the target of CONNECT as hosts, where they are others than the host.
fn other_hosts(
    request: &Request<'_>,
    hosts: &[HostForm],
    server_names: &[HostForm],
) -> Vec<(View, Vec<u8>, Option<Vec<u8>>)> {
    let mut others = Vec::new();
    let is_host = |name: &[u8]| hosts.iter().any(|form| form.host == name);
    if request.path.is_some() {
        let names = server_names.iter().take(MAX_HOST_FORMS);
        for name in names.filter(|name| !is_host(&name.host)) {
            others.push((View::ServerName, name.host.clone(), None));
        }
    }
    // Counted where it was read first.
    if let Some(target) = connect_target(request, &mut 0)
        && !is_host(&target)
    {
        others.push((View::Tunnel, target, None));
    }
    others
}

/// How many hiding proxies are looked through, one inside the other.
const MAX_NESTED_PROXIES: usize = 3;

/// Public names of Encrypted Client Hello: what a filter sees in place of the real server name.
const OUTER_NAMES: &[&str] = &["cloudflare-ech.com"];

fn is_outer(server_name: &[u8]) -> bool {
    OUTER_NAMES.iter().any(|outer| outer.as_bytes() == server_name)
}

/// The host of the CONNECT in whose tunnel a request came, in its usual form.
fn connect_target(request: &Request<'_>, steps: &mut usize) -> Option<Vec<u8>> {
    let forms = host::forms(request.connect_target?, &mut Anomalies::default(), steps);
    forms.into_iter().next().map(|form| form.host)
}

/// Returns true if a request has one reading and nothing odd.
fn is_ordinary(request: &Request<'_>) -> bool {
    let host = split_port(request.authority).0;
    host::is_plain(request.authority)
        && request
            .path
            .is_none_or(|path| path::is_plain(path) && host.len() == request.authority.len())
        && !(host == proxy_services::AMP_VIEWER.0
            && request.path.is_some_and(|path| path.starts_with(proxy_services::AMP_VIEWER.1)))
        && matches!(request.scheme, b"https" | b"http" | b"")
        && request.server_name.is_none_or(|name| name == host && !is_outer(name))
        && request.connect_target.is_none_or(|target| split_port(target).0 == host)
        && request.transport != Transport::NotTls
        && (request.transport != Transport::Tls || request.server_name.is_some())
}
