//! What a request to a hiding proxy is for, and what that is for, if it is one again.

use std::collections::{BTreeSet, VecDeque};

use super::target::{Target, targets as named, url_at, urls, without_breaks};
use super::{ExtraHost, host, path, proxy_services};
use crate::anomaly::Anomalies;
use crate::limits::{
    MAX_EXTRA_HOST_PATH_BYTES, MAX_HIDDEN_STEPS_PER_BYTE, MAX_HIDDEN_TARGETS, MAX_OTHER_NAMES,
    MIN_HIDDEN_STEPS,
};

/// What was found.
#[derive(Default)]
pub(super) struct Hidden {
    /// Whether the request is for another target at all.
    pub(super) is_found: bool,
    /// Authority and path of each target, each once.
    pub(super) targets: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    /// Those past the bounds, each with the start of its path.
    pub(super) extra_hosts: BTreeSet<ExtraHost>,
    /// Whether some of a target was left out.
    pub(super) is_truncated: bool,
    /// Bytes that further extra hosts may have.
    n_extra_left: usize,
    pub(super) steps: usize,
    /// Steps past which nothing but the URLs is read.
    max_steps: usize,
    /// Whether one of the bounds was met.
    is_cut: bool,
    /// Targets as they are spelt, so that none is read twice.
    seen: BTreeSet<Target>,
    /// Proxies that were found and not read yet, each with its path.
    queue: VecDeque<(Vec<u8>, Option<Vec<u8>>)>,
}

/// Finds the targets of a request that may be for any of `names`, with a path in any of `paths`. Those past the
/// bounds have at most `n_extra_left` bytes.
pub(super) fn targets(names: &[&[u8]], paths: &[&[u8]], n_extra_left: usize) -> Hidden {
    let n_bytes = paths.first().map_or(0, |path| path.len());
    let max_steps = MAX_HIDDEN_STEPS_PER_BYTE * n_bytes + MIN_HIDDEN_STEPS;
    let mut hidden = Hidden { n_extra_left, max_steps, ..Hidden::default() };
    let as_it_came = [None];
    let some: Vec<Option<&[u8]>> = paths.iter().copied().map(Some).collect();
    let paths = if paths.is_empty() { &as_it_came[..] } else { &some };
    let mut read = Vec::new();
    for path in paths {
        let mut proxies = names.iter().filter(|name| proxy_services::is_proxy(name, *path));
        // Which proxy it is only matters for what its name means.
        let Some(first) = proxies.next() else { continue };
        for name in std::iter::once(first).chain(proxies) {
            hidden.label(name, *path);
        }
        hidden.read(*path);
        read.extend(*path);
    }
    while let Some((host, path)) = hidden.queue.pop_front() {
        hidden.label(&host, path.as_deref());
        hidden.read(path.as_deref());
    }
    if hidden.is_cut {
        for path in read {
            hidden.list_urls(path);
        }
    }
    hidden
}

impl Hidden {
    /// Takes what the name of a proxy means.
    fn label(&mut self, name: &[u8], path: Option<&[u8]>) {
        for host in proxy_services::targets_of_label(name, path, &mut self.steps) {
            self.take_all(&host, &[path.map(<[u8]>::to_vec)]);
        }
    }

    /// Takes what the path of a request to a proxy names.
    fn read(&mut self, path: Option<&[u8]>) {
        let Some(path) = path else { return };
        if self.steps > self.max_steps {
            self.is_cut = true;
            return;
        }
        for target in named(path, &mut self.steps) {
            self.steps += target.authority.len() + target.path.len();
            if self.seen.contains(&target) {
                continue;
            }
            let paths = self.path_forms(&target.path);
            self.take_all(&target.authority, &paths);
            self.seen.insert(target);
        }
    }

    /// The path of a target as it is spelt, and what servers may read in it.
    fn path_forms(&mut self, path: &[u8]) -> Vec<Option<Vec<u8>>> {
        let mut paths = vec![Some(path.to_vec())];
        if self.steps > self.max_steps {
            self.is_cut = true;
            return paths;
        }
        if !path::is_plain(path) {
            let forms = path::forms(path, &mut Anomalies::default(), &mut self.steps);
            paths.extend(forms.into_iter().map(|form| Some(form.bytes)));
        }
        // A client of the proxy's kind sends no fragment.
        let fragment = path.iter().position(|byte| *byte == b'#');
        paths.extend(fragment.and_then(|at| path.get(..at)).map(|path| Some(path.to_vec())));
        paths
    }

    /// Takes a target as it is spelt, with each of `paths`.
    fn take_all(&mut self, authority: &[u8], paths: &[Option<Vec<u8>>]) {
        for host in hosts(authority, &mut self.steps) {
            for path in paths {
                self.take(host.clone(), path.clone());
            }
        }
    }

    fn take(&mut self, host: Vec<u8>, path: Option<Vec<u8>>) {
        self.is_found = true;
        self.steps += host.len() + path.as_ref().map_or(0, Vec::len);
        if self.targets.iter().any(|known| known.0 == host && known.1 == path) {
            return;
        }
        if self.targets.len() >= MAX_HIDDEN_TARGETS {
            self.is_cut = true;
            // A proxy is read all the same: what it is asked for would be behind those that were counted.
            if self.extra_host(host.clone(), path.clone())
                && proxy_services::is_proxy(&host, path.as_deref())
            {
                self.queue.push_back((host, path));
            }
            return;
        }
        if proxy_services::is_proxy(&host, path.as_deref()) {
            self.queue.push_back((host.clone(), path.clone()));
        }
        self.targets.push((host, path));
    }

    /// Takes every URL of a path whose targets were not all read.
    fn list_urls(&mut self, path: &[u8]) {
        self.steps += 6 * path.len();
        let text = without_breaks(path);
        // Of many URLs each has less of its path, so that all of them take steps in proportion to the text.
        let n_urls = urls(&text, 0).count().max(1);
        let n_bytes = (4 * text.len() / n_urls).clamp(MIN_URL_BYTES, MAX_EXTRA_HOST_PATH_BYTES);
        // What was listed before is neither read again nor counted against the bound.
        let mut listed = BTreeSet::new();
        for target in urls(&text, n_bytes) {
            self.steps += target.path.len();
            if listed.contains(&target) {
                continue;
            }
            if self.steps > 2 * self.max_steps {
                self.is_truncated = true;
                return;
            }
            // The forms of what is before the next URL: all of them together take steps in proportion.
            let own = url_at(&target.path, 0).and_then(|at| target.path.get(..at));
            self.is_truncated |= own.is_none() && target.path.len() >= n_bytes;
            let own = own.unwrap_or(&target.path);
            let mut paths = vec![target.path.clone()];
            if !path::is_plain(own) {
                let forms = path::forms(own, &mut Anomalies::default(), &mut self.steps);
                paths.extend(forms.into_iter().map(|form| form.bytes));
            }
            for host in hosts(&target.authority, &mut self.steps) {
                for path in &paths {
                    self.extra_host(host.clone(), Some(path.clone()));
                }
            }
            listed.insert(target);
        }
    }

    /// Adds a target past the bound; returns true if it is a new one for which there is room.
    fn extra_host(&mut self, authority: Vec<u8>, path: Option<Vec<u8>>) -> bool {
        let start = |mut path: Vec<u8>| {
            self.is_truncated |= path.len() > MAX_EXTRA_HOST_PATH_BYTES;
            path.truncate(MAX_EXTRA_HOST_PATH_BYTES);
            path
        };
        let host = ExtraHost { authority, path: path.map(start) };
        let n_bytes = host.n_bytes(MAX_EXTRA_HOST_PATH_BYTES, 0);
        if self.extra_hosts.contains(&host) {
            return false;
        }
        let left = self.n_extra_left.checked_sub(n_bytes);
        match left {
            Some(left) => {
                self.n_extra_left = left;
                self.extra_hosts.insert(host);
            }
            None => self.is_truncated = true,
        }
        left.is_some()
    }
}

/// Fewest bytes of its path that a URL has which was not read in turn.
const MIN_URL_BYTES: usize = 24;

/// The hosts that an authority may mean: the one behind a user, and those that the user looks like.
fn hosts(authority: &[u8], steps: &mut usize) -> Vec<Vec<u8>> {
    let at = authority.iter().rposition(|byte| *byte == b'@');
    let host = at.and_then(|at| authority.get(at + 1..)).unwrap_or(authority);
    let user = at.and_then(|at| authority.get(..at));
    let mut hosts: Vec<Vec<u8>> = Vec::new();
    for text in std::iter::once(host).chain(user) {
        let forms = host::forms(text, &mut Anomalies::default(), steps).into_iter();
        for form in forms.take(MAX_OTHER_NAMES) {
            let is_host = form.host.contains(&b'.') || form.host.starts_with(b"[");
            if is_host && !hosts.contains(&form.host) {
                hosts.push(form.host);
            }
        }
    }
    hosts
}
