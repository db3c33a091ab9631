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
mod budget;
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
use crate::limits::{MAX_EXTRA_HOST_PATH_BYTES, MAX_FORMS, MAX_HOST_FORMS, MAX_OTHER_NAMES};
use crate::request::{Request, Transport, split_port};
use crate::sorted::sort_and_dedup;
use crate::verdict::View;
use budget::Budget;
use host::HostForm;
pub(crate) use method::{is_known as is_known_method, overrides};
use path::PathForm;
pub use punycode::ascii_name;

/// The readings of one request beside the one in which it came, and what is odd about it.
#[derive(Clone, Debug, Default)]
pub struct Views {
    anomalies: Anomalies,
    forms: Vec<Form>,
    extra_hosts: Vec<ExtraHost>,
    /// How much of its path each of them has in its URL.
    n_extra_path_bytes: usize,
    methods: Vec<&'static [u8]>,
    steps: usize,
    budget: Budget,
    is_truncated: bool,
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

impl ExtraHost {
    /// The bytes of its URL, with at most `n_path_bytes` of its path, or of that of the request.
    fn n_bytes(&self, n_path_bytes: usize, request_path: usize) -> usize {
        let n_path = self.path.as_ref().map_or(request_path, Vec::len);
        SCHEME_BYTES + self.authority.len() + n_path.min(n_path_bytes)
    }
}

/// The bytes of `https://`, which every URL of an event has.
const SCHEME_BYTES: usize = 8;

/// A form before it is known whether it is taken.
#[derive(Clone, Copy, Default)]
struct FormParts<'f> {
    view: View,
    authority: Option<&'f [u8]>,
    path: Option<&'f [u8]>,
    server_name: Option<&'f [u8]>,
}

impl FormParts<'_> {
    /// How many bytes the request has in this form.
    fn n_bytes(&self, request: &Request<'_>) -> usize {
        budget::request_bytes(&Request {
            authority: self.authority.unwrap_or(request.authority),
            path: self.path.or(request.path),
            server_name: self.server_name.or(request.server_name),
            ..*request
        })
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

    /// Further values of the method in all forms: what lenient servers take an unusual one for, and what
    /// headers and parameters put in its place.
    pub fn methods(&self) -> &[&'static [u8]] {
        &self.methods
    }

    /// How many bytes of its path each of [`Views::extra_hosts`] has in its URL.
    pub(crate) fn n_extra_path_bytes(&self) -> usize {
        self.n_extra_path_bytes
    }

    /// How much was done, in bytes looked at: 0 for an ordinary request.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// How many bytes all forms have that are evaluated, with what they repeat of the request and with the
    /// hosts that share a form: 0 for an ordinary request. Bounded by [`crate::limits::MAX_FORM_BYTES`] and
    /// its neighbours.
    pub fn n_form_bytes(&self) -> usize {
        self.budget.n_taken()
    }

    /// Returns true if the bounds in [`crate::limits`] left out some of a reading.
    pub fn is_truncated(&self) -> bool {
        self.is_truncated
    }

    fn read(&mut self, request: &Request<'_>) {
        self.steps = request.authority.len() + request.path.map_or(0, <[u8]>::len);
        self.budget = Budget::of(request);
        let scheme = request.scheme;
        let usual = [&b""[..], b"http", b"https", b"ws", b"wss"];
        let is_usual = usual.iter().any(|usual| scheme.eq_ignore_ascii_case(usual));
        self.anomalies.insert_if(!is_usual, Anomaly::SchemeUnusual);
        self.anomalies.insert_if(request.transport == Transport::NotTls, Anomaly::TlsAbsent);
        self.anomalies.insert_if(!method::is_known(request.method), Anomaly::MethodUnusual);
        self.methods = overrides(request);

        let mut hosts = host::forms(request.authority, &mut self.anomalies, &mut self.steps);
        let paths = match request.path {
            Some(path) if !path::is_plain(path) => {
                path::forms(path, &mut self.anomalies, &mut self.steps)
            }
            Some(_) | None => Vec::new(),
        };
        for form in &paths {
            method::add_parameters(&form.bytes, request.method, &mut self.methods);
        }
        self.anomalies.insert_if(!self.methods.is_empty(), Anomaly::MethodOverride);
        for reading in method::readings(request.method) {
            if !self.methods.contains(reading) {
                self.methods.push(reading);
            }
        }
        let server_names = self.server_names(request);
        let tunnels = self.tunnels(request);
        self.compare(request, &hosts, &server_names, &tunnels);
        let others = other_names(request, &hosts, &server_names, &tunnels);
        let hidden = {
            let own = hosts.iter().map(|form| form.host.as_slice());
            let names = own.chain(others.iter().map(|name| split_port(&name.authority).0));
            let paths =
                request.path.into_iter().chain(paths.iter().map(|form| form.bytes.as_slice()));
            let room = self.budget.n_extra_left();
            hidden::targets(&names.collect::<Vec<_>>(), &paths.collect::<Vec<_>>(), room)
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
        let hosts_extra = self.combine(request, &hosts, &others, &paths, server_name.as_deref());
        for (authority, path) in &hidden.targets {
            let (authority, path) = (Some(authority.as_slice()), path.as_deref());
            let (view, server_name) = (View::Decoded, server_name.as_deref());
            self.offer(request, FormParts { view, authority, path, server_name });
        }
        self.is_truncated |= hidden.is_truncated;
        self.extra_hosts.extend(hidden.extra_hosts);
        self.share(request, hosts_extra.as_deref(), &paths, server_name.as_deref());
        if !self.methods.is_empty() && self.forms.is_empty() {
            let nothing = FormParts { view: View::Decoded, ..FormParts::default() };
            self.offer(request, nothing);
        }
    }

    /// Each name with each form of the path. Returns the first host past the bounds, which is the host in
    /// the form that they share.
    fn combine(
        &mut self,
        request: &Request<'_>,
        hosts: &[HostForm],
        others: &[Name],
        paths: &[PathForm],
        server_name: Option<&[u8]>,
    ) -> Option<Vec<u8>> {
        let n_own = hosts.len().min(MAX_HOST_FORMS);
        let (own, extra) = hosts.split_at_checked(n_own).unwrap_or((hosts, &[]));
        let own = own.iter().map(|host| Name { view: host.view, authority: host.authority() });
        let mut names: Vec<Option<Name>> = vec![None];
        names.extend(own.map(Some));
        let mut extra = extra.iter().map(HostForm::authority);
        let first_extra = extra.next();
        self.extra_hosts.extend(extra.map(|authority| ExtraHost { authority, path: None }));
        for view in [View::ServerName, View::Tunnel] {
            let mut n_names = 0;
            for name in others.iter().filter(|name| name.view == view) {
                n_names += 1;
                let authority = name.authority.clone();
                if n_names <= MAX_OTHER_NAMES {
                    names.push(Some(Name { view, authority }));
                } else {
                    self.extra_hosts.push(ExtraHost { authority, path: None });
                }
            }
        }
        for name in &names {
            for path in std::iter::once(None).chain(paths.iter().map(Some)) {
                if name.is_none() && path.is_none() && server_name.is_none() {
                    continue;
                }
                let view = name.as_ref().map(|name| name.view).max(path.map(|path| path.view));
                let parts = FormParts {
                    view: view.unwrap_or(View::Canonical),
                    authority: name.as_ref().map(|name| name.authority.as_slice()),
                    path: path.map(|path| path.bytes.as_slice()),
                    server_name,
                };
                self.offer(request, parts);
            }
        }
        first_extra
    }

    /// Takes a form, or makes it a value of the one that the extra hosts share.
    fn offer(&mut self, request: &Request<'_>, parts: FormParts<'_>) {
        let n_bytes = parts.n_bytes(request);
        if self.forms.len() < MAX_FORMS && self.budget.take(n_bytes) {
            return self.insert(parts, false);
        }
        let authority = parts.authority.unwrap_or(request.authority).to_vec();
        let path = parts.path.map(|path| self.start_of(path));
        self.extra_hosts.push(ExtraHost { authority, path });
    }

    /// The start of a path that is a value beside others.
    fn start_of(&mut self, path: &[u8]) -> Vec<u8> {
        self.is_truncated |= path.len() > MAX_EXTRA_HOST_PATH_BYTES;
        path.get(..MAX_EXTRA_HOST_PATH_BYTES).unwrap_or(path).to_vec()
    }

    /// Adds the forms that the extra hosts share: one for each form of the path, or one with the others as
    /// values. `first` is the host in them, in place of that of the request.
    fn share(
        &mut self,
        request: &Request<'_>,
        first: Option<&[u8]>,
        paths: &[PathForm],
        server_name: Option<&[u8]>,
    ) {
        if first.is_none() && self.extra_hosts.is_empty() {
            return;
        }
        sort_and_dedup(&mut self.extra_hosts);
        let authority = first;
        let view = if authority.is_some() { View::Canonical } else { View::Decoded };
        // Where each of them has its own path, that of the request is none of theirs.
        let is_apart = first.is_none() && self.extra_hosts.iter().all(|host| host.path.is_some());
        let start = request.path.map(|path| path.get(..MAX_EXTRA_HOST_PATH_BYTES).unwrap_or(path));
        let path = start.filter(|_| is_apart);
        let paths = if is_apart { &[] } else { paths };
        let as_it_came = FormParts { view, authority, path, server_name };
        let n_own = as_it_came.n_bytes(request);
        let request_path = request.path.map_or(0, <[u8]>::len);
        let n_extra = self.extra_bytes(MAX_EXTRA_HOST_PATH_BYTES, request_path);
        let mut forms = vec![as_it_came];
        forms.extend(paths.iter().map(|path| {
            let (view, path) = (path.view.max(view), Some(path.bytes.as_slice()));
            FormParts { view, path, ..as_it_came }
        }));
        let n_all: usize = forms.iter().map(|form| form.n_bytes(request) + n_extra).sum();
        self.n_extra_path_bytes = MAX_EXTRA_HOST_PATH_BYTES;
        let has_room = self.forms.len() + forms.len() <= MAX_FORMS;
        if has_room && self.budget.take_extra(n_all) {
            return forms.into_iter().for_each(|form| self.insert(form, true));
        }
        for path in paths {
            let path = self.start_of(&path.bytes);
            let authority = first.unwrap_or(request.authority).to_vec();
            self.extra_hosts.push(ExtraHost { authority, path: Some(path) });
        }
        sort_and_dedup(&mut self.extra_hosts);
        let n_names: usize = self.extra_hosts.iter().map(|host| host.n_bytes(0, 0)).sum();
        let room = self.budget.n_extra_left().saturating_sub(n_own);
        let n_each = room.saturating_sub(n_names) / self.extra_hosts.len().max(1);
        self.n_extra_path_bytes = n_each.min(MAX_EXTRA_HOST_PATH_BYTES);
        let mut n_left = room;
        let n_path_bytes = self.n_extra_path_bytes;
        let n_hosts = self.extra_hosts.len();
        self.extra_hosts.retain(|host| {
            let n_bytes = host.n_bytes(n_path_bytes, request_path);
            let fits = n_bytes <= n_left;
            n_left -= if fits { n_bytes } else { 0 };
            fits
        });
        self.is_truncated |= self.extra_hosts.len() < n_hosts;
        let is_cut =
            |host: &ExtraHost| host.path.as_ref().is_some_and(|path| path.len() > n_path_bytes);
        self.is_truncated |= self.extra_hosts.iter().any(is_cut);
        self.budget.charge(n_own + room - n_left);
        self.insert(as_it_came, true);
    }

    /// The bytes of the extra hosts' URLs, with at most so many of each path.
    fn extra_bytes(&self, n_path_bytes: usize, request_path: usize) -> usize {
        self.extra_hosts.iter().map(|host| host.n_bytes(n_path_bytes, request_path)).sum()
    }

    fn insert(&mut self, parts: FormParts<'_>, has_extra_hosts: bool) {
        let FormParts { view, authority, path, server_name } = parts;
        let owned = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
        let form = Form {
            view,
            authority: owned(authority),
            path: owned(path),
            server_name: owned(server_name),
            has_extra_hosts,
        };
        self.steps += [&form.authority, &form.path, &form.server_name]
            .into_iter()
            .flatten()
            .map(Vec::len)
            .sum::<usize>();
        // In the order of the views, and within one in the order in which they were found.
        let place = self.forms.partition_point(|other| other.view <= form.view);
        self.forms.insert(place, form);
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

/// The hosts that a request to a proxy which hides them names in its path, or in its own name; none for another host.
pub(crate) fn hidden_hosts(host: &[u8], path: &[u8]) -> Vec<Vec<u8>> {
    let room = MAX_EXTRA_HOST_PATH_BYTES * MAX_FORMS;
    let hidden = hidden::targets(&[host], &[path], room);
    let extra = hidden.extra_hosts.into_iter().map(|host| host.authority);
    hidden.targets.into_iter().map(|(host, _)| host).chain(extra).collect()
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

/// Public names of Encrypted Client Hello: what a filter sees in place of the real server name.
const OUTER_NAMES: &[&str] = &["cloudflare-ech.com"];

fn is_outer(server_name: &[u8]) -> bool {
    OUTER_NAMES.iter().any(|outer| outer.as_bytes() == server_name)
}

/// Returns true if a request has one reading and nothing odd.
fn is_ordinary(request: &Request<'_>) -> bool {
    let host = split_port(request.authority).0;
    let split = request.path.map(path::split_query);
    host::is_plain(request.authority)
        && split.is_none_or(|(stem, query)| {
            path::is_plain_of(stem, query) && host.len() == request.authority.len()
        })
        && !proxy_services::is_proxy(host, request.path)
        && method::is_standard(request.method)
        && !method::may_override(request, split.and_then(|(_, query)| query))
        && matches!(request.scheme, b"https" | b"http" | b"")
        && request.server_name.is_none_or(|name| name == host && !is_outer(name))
        && request.connect_target.is_none_or(|target| split_port(target).0 == host)
        && request.transport != Transport::NotTls
        && (request.transport != Transport::Tls || request.server_name.is_some())
}

#[cfg(test)]
mod tests;
