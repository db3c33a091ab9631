//! The readings of a request: what a client may have meant by it, however it is spelt.
//!
//! ```text
//! raw          as it came
//! canonical    one spelling for what means the same: case, dots, ports, slashes, dot segments
//! decoded      every escape undone, hidden targets in place of what hides them
//! server-name  with the server name of TLS for the host, where the two differ
//! tunnel       with the target of CONNECT for the host, where the two differ
//! ```
//!
//! A rule is evaluated on each reading as a whole, its `not` parts too: a filter that holds in one
//! reading excuses nothing in another. An ordinary request has one reading, which one pass finds out.

mod address;
mod address_services;
mod domain;
mod hidden;
mod host;
mod mapping;
mod method;
mod path;
mod proxy_services;
mod punycode;
mod target;
mod unescape;

use std::collections::BTreeSet;

use crate::anomaly::{Anomalies, Anomaly};
use crate::limits::{MAX_FORMS, MAX_HOST_FORMS, MAX_OTHER_NAMES};
use crate::request::{Request, Transport, split_port};
use crate::verdict::View;
use host::HostForm;
use path::PathForm;
pub use punycode::ascii_name;

/// The readings of one request beside the one in which it came, and what is odd about it.
#[derive(Clone, Debug, Default)]
pub struct Views {
    anomalies: Anomalies,
    forms: Vec<Form>,
    extra_hosts: Vec<ExtraHost>,
    methods: &'static [&'static [u8]],
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
    /// Whether [`Views::extra_hosts`] are further values of the host.
    pub has_extra_hosts: bool,
}

/// A host of a request that shares a form with others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExtraHost {
    /// Host and perhaps port.
    pub authority: Vec<u8>,
    /// The start of its own path, where it has one.
    pub path: Option<Vec<u8>>,
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

/// A name that a request may be for.
struct Name {
    view: View,
    authority: Vec<u8>,
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

    /// Hosts past the bounds in [`crate::limits`], which share a form. In order, each once.
    pub fn extra_hosts(&self) -> &[ExtraHost] {
        &self.extra_hosts
    }

    /// Further values of the method in all forms: what lenient servers take an unusual one for.
    pub fn methods(&self) -> &'static [&'static [u8]] {
        self.methods
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
        self.anomalies.insert_if(!method::is_known(request.method), Anomaly::MethodUnusual);
        self.methods = method::readings(request.method);

        let mut hosts = host::forms(request.authority, &mut self.anomalies, &mut self.steps);
        let paths = match request.path {
            Some(path) if !path::is_plain(path) => {
                path::forms(path, &mut self.anomalies, &mut self.steps)
            }
            Some(_) | None => Vec::new(),
        };
        let server_names = self.server_names(request);
        let tunnels = self.tunnels(request);
        self.compare(request, &hosts, &server_names, &tunnels);
        let others = other_names(request, &hosts, &server_names, &tunnels);
        let hidden = {
            let own = hosts.iter().map(|form| form.host.as_slice());
            let names = own.chain(others.iter().map(|name| split_port(&name.authority).0));
            let paths =
                request.path.into_iter().chain(paths.iter().map(|form| form.bytes.as_slice()));
            hidden::targets(&names.collect::<Vec<_>>(), &paths.collect::<Vec<_>>())
        };
        self.steps += hidden.steps;
        self.anomalies.insert_if(hidden.is_found, Anomaly::HostHidingProxy);

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
        self.combine(&hosts, &others, &paths, server_name.as_deref());
        for (authority, path) in hidden.targets {
            let view = View::Decoded;
            let (authority, server_name) = (Some(authority), server_name.clone());
            self.push(Form { view, authority, path, server_name, has_extra_hosts: false });
        }
        self.extra_hosts.extend(hidden.extra_hosts);
        self.extra_hosts.sort_unstable();
        self.extra_hosts.dedup();
        if !self.extra_hosts.is_empty() && self.forms.iter().all(|form| !form.has_extra_hosts) {
            self.push(Form { has_extra_hosts: true, ..decoded_as_it_came() });
        }
        if !self.methods.is_empty() && self.forms.is_empty() {
            self.push(decoded_as_it_came());
        }
    }

    /// Each name with each form of the path.
    fn combine(
        &mut self,
        hosts: &[HostForm],
        others: &[Name],
        paths: &[PathForm],
        server_name: Option<&[u8]>,
    ) {
        let n_own = hosts.len().min(MAX_HOST_FORMS);
        let (own, extra) = hosts.split_at_checked(n_own).unwrap_or((hosts, &[]));
        let own = own.iter().map(|host| Name { view: host.view, authority: host.authority() });
        let mut names: Vec<(Option<Name>, bool)> = vec![(None, false)];
        names.extend(own.map(|name| (Some(name), false)));
        let mut extra = extra.iter().map(HostForm::authority);
        if let Some(authority) = extra.next() {
            names.push((Some(Name { view: View::Canonical, authority }), true));
        }
        self.extra_hosts.extend(extra.map(|authority| ExtraHost { authority, path: None }));
        for view in [View::ServerName, View::Tunnel] {
            let mut n_names = 0;
            for name in others.iter().filter(|name| name.view == view) {
                n_names += 1;
                let authority = name.authority.clone();
                if n_names <= MAX_OTHER_NAMES {
                    names.push((Some(Name { view, authority }), false));
                } else {
                    self.extra_hosts.push(ExtraHost { authority, path: None });
                }
            }
        }
        self.steps += self.extra_hosts.iter().map(|host| host.authority.len()).sum::<usize>();
        for (name, has_extra_hosts) in &names {
            for path in std::iter::once(None).chain(paths.iter().map(Some)) {
                if name.is_none() && path.is_none() && server_name.is_none() {
                    continue;
                }
                let view = name.as_ref().map(|name| name.view).max(path.map(|path| path.view));
                self.push(Form {
                    view: view.unwrap_or(View::Canonical),
                    authority: name.as_ref().map(|name| name.authority.clone()),
                    path: path.map(|path| path.bytes.clone()),
                    server_name: server_name.map(<[u8]>::to_vec),
                    has_extra_hosts: *has_extra_hosts,
                });
            }
        }
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

    /// The readings of the target of the CONNECT in whose tunnel a request came.
    fn tunnels(&mut self, request: &Request<'_>) -> Vec<HostForm> {
        let Some(target) = request.connect_target else { return Vec::new() };
        host::forms(target, &mut Anomalies::default(), &mut self.steps)
    }

    /// Compares host, server name and the target of CONNECT with each other.
    fn compare(
        &mut self,
        request: &Request<'_>,
        hosts: &[HostForm],
        server_names: &[HostForm],
        tunnels: &[HostForm],
    ) {
        let first = |forms: &[HostForm]| forms.first().map(|form| form.host.clone());
        let host = first(hosts);
        let server_name = first(server_names);
        // The server name of a CONNECT is the gateway's own.
        if request.path.is_some()
            && let (Some(host), Some(server_name)) = (&host, &server_name)
        {
            let differ = domain::registrable(host) != domain::registrable(server_name);
            self.anomalies.insert_if(differ, Anomaly::SniMismatch);
        }
        let Some(target) = first(tunnels) else { return };
        if let Some(server_name) = server_name {
            self.anomalies.insert_if(target != server_name, Anomaly::ConnectSniMismatch);
        }
        if let (Some(host), Some(_)) = (&host, request.path) {
            let differ = domain::registrable(host) != domain::registrable(&target);
            self.anomalies.insert_if(differ, Anomaly::ConnectHostMismatch);
        }
    }
}

/// Returns an authority with every escape undone and every form of an ASCII character mapped to it: the
/// text in which delimiters are what the most lenient reader takes for one.
pub(crate) fn decoded_authority(authority: &[u8]) -> Vec<u8> {
    let decoded = unescape::unescape(authority, unescape::Reach::All).bytes;
    if decoded.is_ascii() {
        return decoded;
    }
    let mut mapped = Vec::new();
    for chunk in decoded.utf8_chunks() {
        mapped.extend_from_slice(mapping::mapped(chunk.valid()).as_bytes());
        mapped.extend_from_slice(chunk.invalid());
    }
    // What an ignored character kept apart may be an escape now.
    unescape::unescape(&mapped, unescape::Reach::All).bytes
}

/// The server name and the target of CONNECT as hosts, where they are others than the host.
fn other_names(
    request: &Request<'_>,
    hosts: &[HostForm],
    server_names: &[HostForm],
    tunnels: &[HostForm],
) -> Vec<Name> {
    // The server name of a CONNECT is the gateway's own.
    let server_names = if request.path.is_some() { server_names } else { &[] };
    let mut known: BTreeSet<&[u8]> = hosts.iter().map(|form| form.host.as_slice()).collect();
    let of_views = [(View::ServerName, server_names), (View::Tunnel, tunnels)];
    let named = of_views.iter().flat_map(|(view, forms)| forms.iter().map(|form| (*view, form)));
    let mut others = Vec::new();
    for (view, form) in named {
        if known.insert(&form.host) {
            others.push(Name { view, authority: form.host.clone() });
        }
    }
    others
}

/// A form that only the further values of fields set apart from the request.
fn decoded_as_it_came() -> Form {
    Form {
        view: View::Decoded,
        authority: None,
        path: None,
        server_name: None,
        has_extra_hosts: false,
    }
}

/// Public names of Encrypted Client Hello: what a filter sees in place of the real server name.
const OUTER_NAMES: &[&str] = &["cloudflare-ech.com"];

fn is_outer(server_name: &[u8]) -> bool {
    OUTER_NAMES.iter().any(|outer| outer.as_bytes() == server_name)
}

/// Returns true if a request has one reading and nothing odd.
fn is_ordinary(request: &Request<'_>) -> bool {
    let host = split_port(request.authority).0;
    host::is_plain(request.authority)
        && request
            .path
            .is_none_or(|path| path::is_plain(path) && host.len() == request.authority.len())
        && !proxy_services::is_proxy(host, request.path)
        && method::is_standard(request.method)
        && matches!(request.scheme, b"https" | b"http" | b"")
        && request.server_name.is_none_or(|name| name == host && !is_outer(name))
        && request.connect_target.is_none_or(|target| split_port(target).0 == host)
        && request.transport != Transport::NotTls
        && (request.transport != Transport::Tls || request.server_name.is_some())
}

#[cfg(test)]
mod tests;
