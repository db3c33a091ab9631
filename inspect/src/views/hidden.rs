//! What a request to a hiding proxy is for, and what that is for, if it is one again.

use std::collections::VecDeque;

use super::{ExtraHost, host, proxy_services};
use crate::anomaly::Anomalies;
use crate::limits::{MAX_EXTRA_HOST_PATH_BYTES, MAX_HIDDEN_TARGETS, MAX_OTHER_NAMES};

/// What was found.
#[derive(Default)]
pub(super) struct Hidden {
    /// Whether the request is for another target at all.
    pub(super) is_found: bool,
    /// Authority and path of each target, each once.
    pub(super) targets: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    /// Those past [`MAX_HIDDEN_TARGETS`].
    pub(super) extra_hosts: Vec<ExtraHost>,
    pub(super) steps: usize,
}

/// Finds the targets of a request that may be for any of `names`, with a path in any of `paths`.
pub(super) fn targets(names: &[&[u8]], paths: &[&[u8]]) -> Hidden {
    let mut hidden = Hidden::default();
    let mut queue = VecDeque::new();
    let as_it_came = [None];
    let some: Vec<Option<&[u8]>> = paths.iter().copied().map(Some).collect();
    let paths = if paths.is_empty() { &as_it_came[..] } else { &some };
    for path in paths {
        let mut proxies = names.iter().filter(|name| proxy_services::is_proxy(name, *path));
        // Which proxy it is only matters for what its name means.
        let Some(first) = proxies.next() else { continue };
        for name in std::iter::once(first).chain(proxies) {
            let target = proxy_services::target_of_label(name);
            hidden.extend(target.map(|host| (host, path.map(<[u8]>::to_vec))), &mut queue);
        }
        hidden.read(*path, &mut queue);
    }
    let mut n_read = 0;
    while let Some((host, path)) = queue.pop_front() {
        n_read += 1;
        if n_read > MAX_HIDDEN_TARGETS {
            hidden.overflow(path.as_deref().unwrap_or_default());
            continue;
        }
        let target = proxy_services::target_of_label(&host);
        hidden.extend(target.map(|host| (host, path.clone())), &mut queue);
        hidden.read(path.as_deref(), &mut queue);
    }
    hidden
}

/// Proxies that were found and not read yet, each with its path.
type Queue = VecDeque<(Vec<u8>, Option<Vec<u8>>)>;

impl Hidden {
    /// Takes what the path of a request to a proxy names.
    fn read(&mut self, path: Option<&[u8]>, queue: &mut Queue) {
        let Some(path) = path else { return };
        self.steps += 8 * path.len();
        let named = proxy_services::targets(path).into_iter();
        self.extend(named.map(|target| (target.authority, Some(target.path))), queue);
    }

    /// Takes targets as they are spelt.
    fn extend(
        &mut self,
        targets: impl IntoIterator<Item = (Vec<u8>, Option<Vec<u8>>)>,
        queue: &mut Queue,
    ) {
        for (authority, path) in targets {
            let forms = host::forms(&authority, &mut Anomalies::default(), &mut self.steps);
            for form in forms.into_iter().take(MAX_OTHER_NAMES) {
                if form.host.contains(&b'.') || form.host.starts_with(b"[") {
                    self.take(form.host, path.clone(), queue);
                }
            }
        }
    }

    fn take(&mut self, host: Vec<u8>, path: Option<Vec<u8>>, queue: &mut Queue) {
        self.is_found = true;
        self.steps += host.len() + path.as_ref().map_or(0, Vec::len);
        if self.targets.iter().any(|known| known.0 == host && known.1 == path) {
            return;
        }
        if self.targets.len() >= MAX_HIDDEN_TARGETS {
            self.overflow(path.as_deref().unwrap_or_default());
            self.extra_hosts.push(extra_host(host, path));
            return;
        }
        if proxy_services::is_proxy(&host, path.as_deref()) {
            queue.push_back((host.clone(), path.clone()));
        }
        self.targets.push((host, path));
    }

    /// Takes every URL of a path that is not read any more.
    fn overflow(&mut self, path: &[u8]) {
        self.steps += path.len();
        for target in proxy_services::urls(path, MAX_EXTRA_HOST_PATH_BYTES) {
            let forms = host::forms(&target.authority, &mut Anomalies::default(), &mut self.steps);
            let hosts = forms.into_iter().take(MAX_OTHER_NAMES).map(|form| form.host);
            self.extra_hosts.extend(hosts.map(|host| extra_host(host, Some(target.path.clone()))));
        }
    }
}

fn extra_host(authority: Vec<u8>, path: Option<Vec<u8>>) -> ExtraHost {
    let path = path.map(|path| path.get(..MAX_EXTRA_HOST_PATH_BYTES).unwrap_or(&path).to_vec());
    ExtraHost { authority, path }
}
