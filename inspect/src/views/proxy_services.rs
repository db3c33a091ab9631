//! Proxies that fetch what a request to them names: translators, archives, readers, caches.
//!
//! The table is the only place that knows them. A target is looked for wherever such a proxy may take it
//! from: the first label of the name, the first URL or host name in the path, every parameter.

use super::domain::is_under;
use super::unescape::{Reach, unescape};

/// Proxies by name, each with the start of the paths under which it fetches. A name that starts with a
/// dot means all names under it, whose first label names the target too.
///
/// Which of them are open today, and how each takes its target, was tried or read in its documentation;
/// one that closes costs a name. In order, by name.
const PROXIES: &[(&str, &str)] = &[
    (".cdn.ampproject.org", "/"),
    (".translate.goog", "/"),
    ("12ft.io", "/"),
    ("1ft.io", "/"),
    ("api.allorigins.win", "/"),
    ("api.codetabs.com", "/"),
    ("api.microlink.io", "/"),
    ("api.scraperapi.com", "/"),
    ("app.scrapingbee.com", "/"),
    ("archive.fo", "/"),
    ("archive.is", "/"),
    ("archive.li", "/"),
    ("archive.md", "/"),
    ("archive.ph", "/"),
    ("archive.today", "/"),
    ("archive.vn", "/"),
    ("cc.bingj.com", "/"),
    ("cdn.ampproject.org", "/"),
    ("cors-anywhere.herokuapp.com", "/"),
    ("cors.bridged.cc", "/"),
    ("cors.eu.org", "/"),
    ("corsproxy.io", "/"),
    ("corsproxy.org", "/"),
    ("crossorigin.me", "/"),
    ("docs.google.com", "/gview"),
    ("docs.google.com", "/viewer"),
    ("external-content.duckduckgo.com", "/iu/"),
    ("freedium.cfd", "/"),
    ("ghostarchive.org", "/"),
    ("google.com", "/amp/"),
    ("i0.wp.com", "/"),
    ("i1.wp.com", "/"),
    ("i2.wp.com", "/"),
    ("i3.wp.com", "/"),
    ("images.weserv.nl", "/"),
    ("images1-focus-opensocial.googleusercontent.com", "/"),
    ("jsonp.afeld.me", "/"),
    ("md.dhr.wtf", "/"),
    ("papago.naver.net", "/website"),
    ("proxy.cors.sh", "/"),
    ("proxy.duckduckgo.com", "/iu/"),
    ("proxy.scrapeops.io", "/"),
    ("pure.md", "/"),
    ("r.jina.ai", "/"),
    ("removepaywall.com", "/"),
    ("smry.ai", "/"),
    ("test.cors.workers.dev", "/"),
    ("thingproxy.freeboard.io", "/"),
    ("timetravel.mementoweb.org", "/"),
    ("translate.google.com", "/"),
    ("translate.yandex.com", "/"),
    ("translate.yandex.ru", "/"),
    ("txtify.it", "/"),
    ("urltomarkdown.herokuapp.com", "/"),
    ("validator.w3.org", "/"),
    ("view.officeapps.live.com", "/op/"),
    ("web.archive.org", "/"),
    ("webcache.googleusercontent.com", "/"),
    ("wsrv.nl", "/"),
    ("www.google.com", "/amp/"),
    ("www.google.com", "/gwt/"),
    ("www.microsofttranslator.com", "/"),
    ("www.removepaywall.com", "/"),
    ("www.smry.ai", "/"),
    ("www.translatetheweb.com", "/"),
    ("yacdn.org", "/"),
    ("z5h64q92x9.net", "/"),
];

/// Longest authority of a target that is read: longer than any name with a user before it.
const MAX_AUTHORITY_BYTES: usize = 512;

/// Segments of a path among which a host name without a scheme is looked for.
const MAX_SEGMENTS: usize = 6;

/// What a request to a proxy names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// Host and perhaps port and user, as it is spelt there.
    pub(super) authority: Vec<u8>,
    /// Path and query.
    pub(super) path: Vec<u8>,
}

/// Whether a name may be in the table: the bit of the hash of its last six bytes, which reach beyond `.com`.
/// Few other names have it set, so that an ordinary request is compared with no entry.
#[expect(clippy::indexing_slicing, reason = "evaluated when the crate is compiled")]
const ENDS: [u64; 64] = {
    let mut bits = [0; 64];
    let mut idx = 0;
    while idx < PROXIES.len() {
        assert!(PROXIES[idx].0.len() >= 6, "a shorter name would never be found");
        let bit = end_hash(PROXIES[idx].0.as_bytes());
        bits[bit / 64] |= 1 << (bit % 64);
        idx += 1;
    }
    bits
};

/// A number below 4096 of the last six bytes of a name.
const fn end_hash(name: &[u8]) -> usize {
    let Some((before, end)) = name.split_last_chunk() else { return 0 };
    let Some(before) = before.last_chunk() else { return 0 };
    let last = (u16::from_le_bytes(*before) as u64) << 32 | u32::from_le_bytes(*end) as u64;
    (last.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 52) as usize
}

/// Returns true if a request to `host` may be for a target that it names.
pub(super) fn is_proxy(host: &[u8], path: Option<&[u8]>) -> bool {
    entry(host, path).is_some()
}

/// The name in the table by which a host is a proxy for a path.
fn entry(host: &[u8], path: Option<&[u8]>) -> Option<&'static str> {
    let bit = end_hash(host);
    if ENDS.get(bit / 64).is_none_or(|word| word >> (bit % 64) & 1 == 0) {
        return None;
    }
    let path = path.unwrap_or(b"/");
    // Another spelling of the path is another form of it.
    let is_entry = |(name, start): &&(&str, &str)| {
        let is_named = match name.strip_prefix('.') {
            Some(suffix) => is_under(host, suffix.as_bytes()),
            None => host == name.as_bytes(),
        };
        is_named && (*start == "/" || path.starts_with(start.as_bytes()))
    };
    PROXIES.iter().find(is_entry).map(|(name, _)| *name)
}

/// The host that the first label of a proxy's name means: a dash for a dot, two dashes for one.
pub(super) fn target_of_label(host: &[u8]) -> Option<Vec<u8>> {
    let name = entry(host, None).filter(|name| name.starts_with('.'))?;
    let label = host.strip_suffix(name.as_bytes())?.rsplit(|byte| *byte == b'.').next()?;
    Some(unmangle(label)).filter(|host| host.contains(&b'.'))
}

/// What a path and query name: the first host name and the first URL in the path, and what each
/// parameter is or contains. Takes steps in proportion to the path.
pub(super) fn targets(path: &[u8]) -> Vec<Target> {
    let mut targets = Vec::new();
    let query_at = path.iter().position(|byte| *byte == b'?').unwrap_or(path.len());
    let (stem, query) = path.split_at_checked(query_at).unwrap_or((path, b""));
    // What follows a name or a URL in the path belongs to it, the query too.
    targets.extend(first_name(path, stem));
    targets.extend(url_at(stem, 0).and_then(|at| url_target(path.get(at..)?)));
    let mut rest = query.get(1..).unwrap_or_default();
    let mut has_whole = false;
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == b'&').unwrap_or(rest.len());
        let (parameter, behind) = rest.split_at_checked(end).unwrap_or((rest, b""));
        let equals = parameter.iter().position(|byte| *byte == b'=');
        let is_bare = equals.is_none_or(|at| url_at(parameter, 0).is_some_and(|url| url < at));
        if is_bare {
            // The rest of the query may be one URL, with parameters of its own.
            let target = value_target(if has_whole { parameter } else { rest });
            has_whole |= target.is_some();
            targets.extend(target);
        }
        targets.extend(equals.and_then(|at| value_target(parameter.get(at + 1..)?)));
        rest = behind.get(1..).unwrap_or_default();
    }
    // Behind a scheme the name and the URL are one.
    targets.dedup();
    targets
}

/// Every URL in a text, each with at most `n_bytes` of its path. Takes steps in proportion to the text.
pub(super) fn urls(text: &[u8], n_bytes: usize) -> impl Iterator<Item = Target> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let at = url_at(text, from)?;
        from = at + text.get(at..)?.iter().position(|byte| *byte == b':')? + 1;
        let end = text.len().min(at + MAX_AUTHORITY_BYTES + n_bytes);
        Some(text.get(at..end).and_then(url_target))
    })
    .flatten()
    .map(move |target| Target {
        path: target.path.get(..n_bytes).unwrap_or(&target.path).to_vec(),
        ..target
    })
}

/// The place of the first `http:` or `https:` at or behind a place, in any case.
fn url_at(text: &[u8], from: usize) -> Option<usize> {
    let mut from = from;
    loop {
        let colon = from + text.get(from..)?.iter().position(|byte| *byte == b':')?;
        let before = text.get(..colon)?;
        for scheme in [&b"https"[..], b"http"] {
            let start = before.len().checked_sub(scheme.len());
            if let Some(start) = start
                && before.get(start..).is_some_and(|end| end.eq_ignore_ascii_case(scheme))
            {
                return Some(start);
            }
        }
        from = colon + 1;
    }
}

/// The target of a text that starts with a scheme.
fn url_target(text: &[u8]) -> Option<Target> {
    let colon = text.iter().position(|byte| *byte == b':')?;
    target(text.get(colon + 1..)?)
}

/// The target that the value of a parameter is or contains.
fn value_target(value: &[u8]) -> Option<Target> {
    let unescaped = unescape(value, Reach::All).bytes;
    if let Some(at) = url_at(&unescaped, 0) {
        return url_target(unescaped.get(at..)?);
    }
    let value = match unescaped.strip_prefix(b"cache:") {
        // `cache:ID:URL`, and the ID may be left out.
        Some(rest) => match rest.iter().position(|byte| *byte == b':') {
            Some(12) => rest.get(13..)?,
            _ => rest,
        },
        None => &unescaped,
    };
    target(value).filter(|target| looks_like_host(&target.authority))
}

/// The first segment of a path that looks like the name of a host, with what follows it.
fn first_name(path: &[u8], stem: &[u8]) -> Option<Target> {
    let mut start = 0;
    for segment in stem.split(|byte| *byte == b'/').take(MAX_SEGMENTS + 1) {
        if looks_like_host(segment) {
            return target(path.get(start..)?);
        }
        start += segment.len() + 1;
    }
    None
}

/// Reads a target from behind its scheme: blanks and slashes before it mean nothing.
fn target(text: &[u8]) -> Option<Target> {
    let is_blank = |byte: &u8| matches!(byte, b'/' | b'\\' | b'+' | 0..=b' ');
    let n_blanks = text.iter().take_while(|byte| is_blank(byte)).count();
    let text = text.get(n_blanks..)?;
    let ends = |byte: &u8| matches!(byte, b'/' | b'\\' | b'?' | b'#' | b'+' | b' ');
    let end = text.iter().position(ends).unwrap_or(text.len());
    let (authority, path) = text.split_at_checked(end.min(MAX_AUTHORITY_BYTES))?;
    // Readers of URLs leave out tabs and line ends wherever they are (WHATWG URL).
    let is_kept = |byte: &&u8| !matches!(byte, b'\t' | b'\n' | b'\r');
    let authority: Vec<u8> = authority.iter().filter(is_kept).copied().collect();
    let mut path: Vec<u8> = path.iter().filter(is_kept).copied().collect();
    if path.first() != Some(&b'/') {
        path.insert(0, b'/');
    }
    (!authority.is_empty()).then_some(Target { authority, path })
}

/// Returns true if a text may be a host, perhaps with user and port, and not the name of a file.
fn looks_like_host(text: &[u8]) -> bool {
    let fits = |byte: &u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'.' | b'_' | b'@' | b':')
            || *byte >= 0x80
    };
    if text.is_empty() || text.len() > MAX_AUTHORITY_BYTES || !text.iter().all(fits) {
        return false;
    }
    if !text.is_ascii() {
        // Fullwidth letters and the dots of other scripts: who reads the name decides.
        return DOTS.iter().any(|dot| text.windows(dot.len()).any(|at| at == dot.as_bytes()))
            || text.contains(&b'.');
    }
    let host = text.rsplit(|byte| *byte == b'@').next().unwrap_or_default();
    let host = host.split(|byte| *byte == b':').next().unwrap_or_default();
    let host = host.strip_suffix(b".").unwrap_or(host);
    let mut labels = host.rsplit(|byte| *byte == b'.');
    let top = labels.next().unwrap_or_default();
    let n_below = labels.clone().count();
    let is_address = n_below == 3
        && host
            .split(|byte| *byte == b'.')
            .all(|label| (1..=3).contains(&label.len()) && label.iter().all(u8::is_ascii_digit));
    let is_file = FILES.iter().any(|file| top.eq_ignore_ascii_case(file.as_bytes()));
    let is_name = n_below > 0
        && labels.all(|label| !label.is_empty())
        && top.len() > 1
        && top.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'-');
    is_address || is_name && !is_file
}

/// The dots of other scripts that readers of host names take for one (UTS 46), and a fullwidth one.
const DOTS: &[&str] = &["\u{3002}", "\u{ff0e}", "\u{ff61}"];

/// What ends the names of files that the proxies themselves serve, and is no top-level domain.
const FILES: &[&str] = &[
    "css", "gif", "htm", "html", "ico", "jpeg", "jpg", "js", "json", "map", "pdf", "php", "png",
    "svg", "txt", "webp", "woff", "xml",
];

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
mod tests;
