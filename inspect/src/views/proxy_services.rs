//! Names that mean another target: services that resolve to the address in the name, and
//! proxies that fetch what their name, path or query says.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::domain::is_under;
use super::unescape::hex;

/// Services whose names resolve to the address that is written in them.
pub(super) const ADDRESS_SERVICES: &[&str] =
    &["nip.io", "sslip.io", "traefik.me", "xip.io", "xip.name"];

/// Returns the authority that a name of an address service resolves to.
pub(super) fn embedded_address(host: &[u8]) -> Option<Vec<u8>> {
    let suffix = ADDRESS_SERVICES.iter().find(|suffix| is_under(host, suffix.as_bytes()))?;
    let name = host.strip_suffix(suffix.as_bytes())?.strip_suffix(b".")?;
    for separator in [b'.', b'-'] {
        let mut octets = name.rsplitn(5, |byte| *byte == separator);
        let quad: Option<Vec<u8>> = octets.by_ref().take(4).map(octet).collect();
        if let Some([d, c, b, a]) = quad.as_deref() {
            return Some(Ipv4Addr::new(*a, *b, *c, *d).to_string().into_bytes());
        }
    }
    let label = name.rsplit(|byte| *byte == b'.').next()?;
    let digits = label.rsplit(|byte| *byte == b'-').next()?;
    if digits.len() == 8 {
        let bits =
            digits.iter().try_fold(0u32, |bits, digit| Some(bits << 4 | u32::from(hex(*digit)?)));
        if let Some(bits) = bits {
            return Some(Ipv4Addr::from_bits(bits).to_string().into_bytes());
        }
    }
    let v6 = str::from_utf8(label).ok()?.replace('-', ":").parse::<Ipv6Addr>().ok()?;
    Some(format!("[{v6}]").into_bytes())
}

fn octet(text: &[u8]) -> Option<u8> {
    (1..=3).contains(&text.len()).then(|| str::from_utf8(text).ok()?.parse().ok())?
}

/// Where a request to a proxy names the target.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// In the first label of the host: a dash for a dot, two dashes for one.
    Label,
    /// In the path, behind that many segments.
    Path(usize),
    /// In a parameter of the query.
    Parameter(&'static str),
    /// The query is the target.
    Query,
}

/// Proxies that hide the name of the target from a filter that looks at the host only. A name that
/// starts with a dot means all names under it.
pub(super) const HIDING_PROXIES: &[(&str, Place)] = &[
    (".cdn.ampproject.org", Place::Label),
    (".translate.goog", Place::Label),
    ("12ft.io", Place::Path(0)),
    ("api.allorigins.win", Place::Parameter("url")),
    ("archive.fo", Place::Path(0)),
    ("archive.is", Place::Path(0)),
    ("archive.li", Place::Path(0)),
    ("archive.md", Place::Path(0)),
    ("archive.ph", Place::Path(0)),
    ("archive.today", Place::Path(0)),
    ("archive.vn", Place::Path(0)),
    ("cc.bingj.com", Place::Parameter("u")),
    ("cors-anywhere.herokuapp.com", Place::Path(0)),
    ("corsproxy.io", Place::Query),
    ("images.weserv.nl", Place::Parameter("url")),
    ("r.jina.ai", Place::Path(0)),
    ("translate.google.com", Place::Parameter("u")),
    ("translate.yandex.com", Place::Parameter("url")),
    ("web.archive.org", Place::Path(2)),
    ("webcache.googleusercontent.com", Place::Parameter("q")),
    ("www.google.com", Place::Path(1)),
];

/// The one hiding proxy that serves much else besides, and the path under which it hides.
pub(super) const AMP_VIEWER: (&[u8], &[u8]) = (b"www.google.com", b"/amp/");

/// Returns true if a host is a hiding proxy whatever the path.
pub(super) fn is_hiding_proxy(host: &[u8]) -> bool {
    host != AMP_VIEWER.0
        && HIDING_PROXIES.iter().any(|(name, _)| match name.strip_prefix('.') {
            Some(suffix) => is_under(host, suffix.as_bytes()),
            None => host == name.as_bytes(),
        })
}

/// Returns the host and path that a request to a hiding proxy is for.
pub(super) fn hidden_target(
    host: &[u8],
    path: Option<&[u8]>,
) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
    let (name, place) = HIDING_PROXIES.iter().find(|(name, _)| match name.strip_prefix('.') {
        Some(suffix) => is_under(host, suffix.as_bytes()),
        None => host == name.as_bytes(),
    })?;
    if let Place::Label = place {
        let label = host.strip_suffix(name.as_bytes())?.rsplit(|byte| *byte == b'.').next()?;
        return Some((unmangle(label), path.map(<[u8]>::to_vec)))
            .filter(|(host, _)| host.contains(&b'.'));
    }
    let path = path?;
    let mut halves = path.splitn(2, |byte| *byte == b'?');
    let (stem, query) = (halves.next()?, halves.next());
    let target = match place {
        Place::Label => return None,
        // Google's AMP viewer is the one service here that serves much else besides.
        Place::Path(1) => path.strip_prefix(b"/amp/s/").or_else(|| path.strip_prefix(b"/amp/"))?,
        Place::Path(n_segments) => {
            let slashes = stem.iter().enumerate().filter(|(_, byte)| **byte == b'/');
            let (start, _) = slashes.skip(*n_segments).map(|(idx, byte)| (idx + 1, byte)).next()?;
            path.get(start..)?
        }
        Place::Query => query.map(|query| query.strip_prefix(b"url=").unwrap_or(query))?,
        Place::Parameter(wanted) => query?
            .split(|byte| *byte == b'&')
            .find_map(|parameter| parameter.strip_prefix(wanted.as_bytes())?.strip_prefix(b"="))?,
    };
    let target = match target.strip_prefix(b"cache:") {
        // `cache:ID:URL`, and the ID may be left out.
        Some(rest) => match rest.iter().position(|byte| *byte == b':') {
            Some(12) => rest.get(13..)?,
            _ => rest,
        },
        None => target,
    };
    let target = ["https:", "http:"]
        .iter()
        .find_map(|scheme| target.strip_prefix(scheme.as_bytes()))
        .unwrap_or(target);
    let slashes = target.iter().take_while(|byte| **byte == b'/').count();
    let target = target.get(slashes..)?;
    let end = target.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#' | b'+' | b' '));
    let (host, path) = target.split_at_checked(end.unwrap_or(target.len()))?;
    let path = if path.starts_with(b"/") { path.to_vec() } else { [b"/", path].concat() };
    host.contains(&b'.').then(|| (host.to_vec(), Some(path)))
}

/// `pastebin-com` to `pastebin.com`, `a--b-com` to `a-b.com`.
fn unmangle(label: &[u8]) -> Vec<u8> {
    let mut host = Vec::with_capacity(label.len());
    let mut rest = label;
    while let [first, behind @ ..] = rest {
        rest = behind;
        match (first, behind) {
            (b'-', [b'-', behind @ ..]) => {
                host.push(b'-');
                rest = behind;
            }
            (b'-', _) => host.push(b'.'),
            (other, _) => host.push(*other),
        }
    }
    host
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_in_order() {
        assert!(ADDRESS_SERVICES.is_sorted() && HIDING_PROXIES.is_sorted_by_key(|(name, _)| *name));
    }

    #[test]
    fn addresses_are_read_from_names() {
        for (host, expect) in [
            ("149.154.167.220.nip.io", Some("149.154.167.220")),
            ("app.149.154.167.220.nip.io", Some("149.154.167.220")),
            ("app-149-154-167-220.nip.io", Some("149.154.167.220")),
            ("149-154-167-220.sslip.io", Some("149.154.167.220")),
            ("959aa7dc.nip.io", Some("149.154.167.220")),
            ("app-959aa7dc.nip.io", Some("149.154.167.220")),
            ("2606-4700--1.sslip.io", Some("[2606:4700::1]")),
            ("nip.io", None),
            ("www.nip.io", None),
            ("149.154.167.220.example", None),
        ] {
            let found = embedded_address(host.as_bytes());
            assert_eq!(found.as_deref(), expect.map(str::as_bytes), "{host}");
        }
    }

    #[test]
    fn targets_are_read_from_hiding_proxies() {
        for (host, path, expect) in [
            ("pastebin-com.translate.goog", "/raw/a?b", Some(("pastebin.com", "/raw/a?b"))),
            ("a--b-pages-dev.cdn.ampproject.org", "/c", Some(("a-b.pages.dev", "/c"))),
            ("r.jina.ai", "/https:/pastebin.com/raw/a", Some(("pastebin.com", "/raw/a"))),
            ("r.jina.ai", "/pastebin.com/raw/a", Some(("pastebin.com", "/raw/a"))),
            (
                "web.archive.org",
                "/web/2020/https://pastebin.com/raw/a",
                Some(("pastebin.com", "/raw/a")),
            ),
            ("archive.ph", "/https://pastebin.com", Some(("pastebin.com", "/"))),
            (
                "webcache.googleusercontent.com",
                "/search?q=cache:abcdefghijkl:https://pastebin.com/raw/a+x",
                Some(("pastebin.com", "/raw/a+x")),
            ),
            (
                "translate.google.com",
                "/translate?sl=a&u=https://pastebin.com/raw/a",
                Some(("pastebin.com", "/raw/a")),
            ),
            ("www.google.com", "/amp/s/pastebin.com/raw/a", Some(("pastebin.com", "/raw/a"))),
            ("www.google.com", "/search?q=https://pastebin.com/raw/a", None),
            ("translate.google.com", "/?sl=auto", None),
            ("web.archive.org", "/", None),
            ("archive.ph", "/abcde", None),
        ] {
            let found = hidden_target(host.as_bytes(), Some(path.as_bytes()));
            let found = found.map(|(host, path)| {
                (String::from_utf8(host).unwrap(), String::from_utf8(path.unwrap()).unwrap())
            });
            let found = found.as_ref().map(|(host, path)| (host.as_str(), path.as_str()));
            assert_eq!(found, expect, "{host}{path}");
        }
    }
}
