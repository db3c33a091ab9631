//! The targets that a request to a hiding proxy names: host names and URLs in its path and parameters.
//!
//! A proxy decodes what it is sent once, the next server once more, and each looks for the delimiters of
//! a URL in what it has then. So a text is read at each of the first depths of its escapes, and with all
//! of them undone.

use super::unescape::{Reach, hex, unescape};

/// Segments of a path among which a host name without a scheme is looked for.
const MAX_SEGMENTS: usize = 6;

/// Depths of escapes at which a text is read, beside the one in which it came and the last.
const MAX_DEPTH: usize = 3;

/// Words with a colon behind them that are looked past before the name of a host: `cache:ID:`, `ssl:`.
const MAX_WORDS: usize = 2;

/// What a request to a proxy names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Target {
    /// Host and perhaps port and user, as it is spelt there.
    pub(super) authority: Vec<u8>,
    /// Path and query.
    pub(super) path: Vec<u8>,
}

/// What a path and query name: the first host name, the first behind a scheme as a segment and the first URL
/// in the path, and what each parameter is or contains. Takes steps in proportion to the path, and counts them.
pub(super) fn targets(path: &[u8], steps: &mut usize) -> Vec<Target> {
    let mut found = Vec::new();
    let query_at = path.iter().position(|byte| *byte == b'?').unwrap_or(path.len());
    let (stem, query) = path.split_at_checked(query_at).unwrap_or((path, b""));
    for mut text in readings(stem, steps) {
        let n_stem = text.len();
        // What follows a name or a URL in the path belongs to it, the query too.
        text.extend_from_slice(query);
        *steps += 3 * text.len();
        let stem = text.get(..n_stem).unwrap_or_default();
        first_name(&text, stem, &mut found);
        if let Some(at) = url_at(stem, 0) {
            url_target(text.get(at..).unwrap_or_default(), &mut found);
        }
    }
    let mut rest = query.get(1..).unwrap_or_default();
    // The rest of a query may be one URL, with parameters of its own. It is read behind the first bare
    // parameter and behind the first that names a target, not behind each: that would be quadratic.
    let (mut has_rest, mut has_whole) = (false, false);
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == b'&').unwrap_or(rest.len());
        let (parameter, behind) = rest.split_at_checked(end).unwrap_or((rest, b""));
        let equals = parameter.iter().position(|byte| *byte == b'=');
        let is_bare = equals.is_none_or(|at| url_at(parameter, 0).is_some_and(|url| url < at));
        *steps += 2 * parameter.len() + 1;
        if is_bare {
            let n_before = found.len();
            if !has_rest {
                has_rest = true;
                value_targets(rest, &mut found, steps);
                has_whole = found.len() > n_before;
            }
            if found.len() == n_before {
                value_targets(parameter, &mut found, steps);
                if !has_whole && found.len() > n_before {
                    has_whole = true;
                    found.truncate(n_before);
                    value_targets(rest, &mut found, steps);
                }
            }
        }
        if let Some(value) = equals.and_then(|at| parameter.get(at + 1..)) {
            value_targets(value, &mut found, steps);
        }
        rest = behind.get(1..).unwrap_or_default();
    }
    found
}

/// Every URL in a text, each with at most `n_bytes` of its path. Takes steps in proportion to the text:
/// an authority ends where the next URL starts.
pub(super) fn urls(text: &[u8], n_bytes: usize) -> impl Iterator<Item = Target> {
    let mut next = url_at(text, 0);
    std::iter::from_fn(move || {
        let at = next?;
        let start = at + text.get(at..)?.iter().position(|byte| *byte == b':')? + 1;
        next = url_at(text, start);
        let window = text.get(start..next.unwrap_or(text.len()))?;
        Some(parts(window).and_then(|(authority, rest)| {
            let path_at = start + window.len() - rest.len();
            let path = text.get(path_at..text.len().min(path_at + n_bytes))?;
            let mut target = target(authority, path);
            target.path.truncate(n_bytes);
            Some(target)
        }))
    })
    .flatten()
}

/// A text as readers of URLs have it, without tabs and line ends (WHATWG URL): as it came, with its
/// escapes undone once, twice and so on, and with all of them undone.
fn readings(text: &[u8], steps: &mut usize) -> Vec<Vec<u8>> {
    *steps += 2 * text.len();
    let mut readings = vec![without_breaks(text)];
    if text.iter().all(|byte| *byte != b'%' && *byte != 0 && byte.is_ascii()) {
        return readings;
    }
    let mut decoded = text.to_vec();
    for _ in 0..MAX_DEPTH {
        *steps += 2 * decoded.len();
        let next = decoded_once(&decoded);
        if next.len() == decoded.len() {
            break;
        }
        readings.push(without_breaks(&next));
        decoded = next;
    }
    let all = unescape(text, Reach::All);
    *steps += all.steps;
    let all = without_breaks(&all.bytes);
    if readings.last() != Some(&all) {
        readings.push(all);
    }
    readings
}

/// A text without tabs and line ends.
pub(super) fn without_breaks(text: &[u8]) -> Vec<u8> {
    text.iter().filter(|byte| !matches!(byte, b'\t' | b'\n' | b'\r')).copied().collect()
}

/// Undoes `%XX`, and not what comes out of it.
fn decoded_once(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, behind @ ..] = rest {
        rest = behind;
        if let (b'%', [high, low, behind @ ..]) = (first, behind)
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            out.push(high << 4 | low);
            rest = behind;
        } else {
            out.push(*first);
        }
    }
    out
}

/// The place of the first `http:` or `https:` at or behind a place, in any case.
pub(super) fn url_at(text: &[u8], from: usize) -> Option<usize> {
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

/// Reads a text that starts with a scheme.
fn url_target(text: &[u8], found: &mut Vec<Target>) {
    if let Some(colon) = text.iter().position(|byte| *byte == b':') {
        each_target(text.get(colon + 1..).unwrap_or_default(), |_| true, found);
    }
}

/// Reads the value of a parameter, which is or contains a target.
fn value_targets(value: &[u8], found: &mut Vec<Target>, steps: &mut usize) {
    *steps += value.len();
    // A scheme has a colon, a name a dot, perhaps beyond ASCII, and an escape may be either.
    let may_name = |byte: &u8| matches!(byte, b':' | b'.' | b'%') || *byte >= 0x80;
    if !value.iter().any(may_name) {
        return;
    }
    for value in readings(value, steps) {
        *steps += 4 * value.len();
        let url = url_at(&value, 0);
        if let Some(at) = url {
            url_target(value.get(at..).unwrap_or_default(), found);
        }
        if url == Some(0) {
            continue;
        }
        let mut rest = value.as_slice();
        for _ in 0..=MAX_WORDS {
            each_target(rest, looks_like_host, found);
            let colon = rest.iter().position(|byte| *byte == b':').unwrap_or(rest.len());
            let (word, behind) = rest.split_at_checked(colon).unwrap_or((rest, b""));
            let is_word = |byte: &u8| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.' | b'_')
            };
            match behind.get(1..) {
                Some(behind) if word.iter().all(is_word) => rest = behind,
                Some(_) | None => break,
            }
        }
    }
}

/// Reads the first segment of a path that looks like the name of a host, and the first such segment behind
/// a scheme that is a segment of its own (`/https/a.example/b`), each with what follows it.
fn first_name(path: &[u8], stem: &[u8], found: &mut Vec<Target>) {
    let mut start = 0;
    let mut is_named = false;
    let mut is_behind_scheme = false;
    for segment in stem.split(|byte| *byte == b'/').take(MAX_SEGMENTS + 1) {
        if (is_behind_scheme || !is_named) && looks_like_host(segment) {
            each_target(path.get(start..).unwrap_or_default(), |_| true, found);
            if is_behind_scheme {
                return;
            }
            is_named = true;
        }
        is_behind_scheme =
            segment.eq_ignore_ascii_case(b"https") || segment.eq_ignore_ascii_case(b"http");
        start += segment.len() + 1;
    }
}

/// Reads a text from behind its scheme, in each way in which readers of URLs find the host there. Keeps
/// the targets whose authority `fits`.
fn each_target(text: &[u8], fits: impl Fn(&[u8]) -> bool, found: &mut Vec<Target>) {
    let Some((authority, rest)) = parts(text) else { return };
    let mut take = |authority: &[u8], rest: &[u8]| {
        if !authority.is_empty() && fits(authority) {
            let target = target(authority, rest);
            // Behind a scheme the name and the URL are one.
            if !found.iter().rev().take(4).any(|known| *known == target) {
                found.push(target);
            }
        }
    };
    take(authority, rest);
    // Who takes no user takes the blank before it for the end of the text.
    let blank = authority.iter().position(|byte| is_blank(*byte));
    if let Some((before, behind)) = blank.and_then(|at| text_at(text, authority, at)) {
        take(before, behind);
    }
    // Only a slash ends the authority for some: `https://a.example\@b.example`, `#@`, `?@`.
    let slash = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
    let user = rest.get(..slash).and_then(|text| text.iter().rposition(|byte| *byte == b'@'));
    if let Some((authority, rest)) =
        user.and_then(|at| rest.get(at + 1..slash).zip(rest.get(slash..)))
    {
        take(authority, rest);
    }
}

/// Cuts an authority at a place, and returns it with what follows in the text that contains it.
fn text_at<'t>(text: &'t [u8], authority: &[u8], at: usize) -> Option<(&'t [u8], &'t [u8])> {
    text.get(n_before(text)..)?.split_at_checked(at).filter(|_| at < authority.len())
}

/// Splits a text behind its scheme into the authority and what follows. Blanks and slashes before it mean
/// nothing; a blank ends it, unless it belongs to the user.
fn parts(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.get(n_before(text)..)?;
    let ends = |byte: &u8| matches!(byte, b'/' | b'\\' | b'?' | b'#');
    let end = text.iter().position(ends).unwrap_or(text.len());
    let authority = text.get(..end)?;
    let host_at = authority.iter().rposition(|byte| *byte == b'@').map_or(0, |at| at + 1);
    let blank = authority.get(host_at..)?.iter().position(|byte| is_blank(*byte));
    let (authority, rest) = text.split_at_checked(blank.map_or(end, |at| host_at + at))?;
    (!authority.is_empty()).then_some((authority, rest))
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b'+' | b' ')
}

/// How many bytes before an authority mean nothing.
fn n_before(text: &[u8]) -> usize {
    let means_nothing = |byte: &u8| matches!(byte, b'/' | b'\\' | b'+' | 0..=b' ');
    text.iter().take_while(|byte| means_nothing(byte)).count()
}

fn target(authority: &[u8], rest: &[u8]) -> Target {
    let rest = rest.strip_prefix(b"\\").or(rest.strip_prefix(b"/")).unwrap_or(rest);
    let path = [b"/", rest].concat();
    Target { authority: authority.to_vec(), path }
}

/// Returns true if a text may be a host, perhaps with user and port, and not the name of a file.
fn looks_like_host(text: &[u8]) -> bool {
    let text = text.rsplit(|byte| *byte == b'@').next().unwrap_or_default();
    let fits = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b':') || *byte >= 0x80
    };
    if text.is_empty() || !text.iter().all(fits) {
        return false;
    }
    if !text.is_ascii() {
        // Fullwidth letters and the dots of other scripts: who reads the name decides.
        return DOTS.iter().any(|dot| text.windows(dot.len()).any(|at| at == dot.as_bytes()))
            || text.contains(&b'.');
    }
    let host = text.split(|byte| *byte == b':').next().unwrap_or_default();
    let n_dots = host.iter().rev().take_while(|byte| **byte == b'.').count();
    let host = host.get(..host.len() - n_dots).unwrap_or_default();
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

#[cfg(test)]
mod tests;
