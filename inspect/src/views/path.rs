//! The forms of a path and query.

use super::unescape::{Reach, has_broken_escape, unescape};
use crate::anomaly::{Anomalies, Anomaly};
use crate::limits::MAX_ORDINARY_PATH_BYTES;
use crate::verdict::View;
use crate::words::{HIGH, equal, place_of, words};

/// A path and query in one form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PathForm {
    pub(super) view: View,
    pub(super) bytes: Vec<u8>,
}

/// Returns true if there is nothing to undo in a path: what most requests are.
pub(super) fn is_plain(path: &[u8]) -> bool {
    let (stem, query) = split_query(path);
    is_plain_of(stem, query)
}

/// The same for a path that is split.
pub(super) fn is_plain_of(stem: &[u8], query: Option<&[u8]>) -> bool {
    let odd = |word: u64| equal(word, b'%') | equal(word, b'\\') | equal(word, 0) | word & HIGH;
    let (mut found, mut slash_before) = (0, 0);
    words(stem, b'a').for_each(|word| {
        let slashes = equal(word, b'/');
        // What follows a slash; the slash may be the last byte of the word before.
        let behind = slashes << 8 | slash_before;
        slash_before = slashes >> 56;
        found |= behind & (slashes | equal(word, b'.')) | equal(word, b';') | odd(word);
    });
    words(query.unwrap_or_default(), b'a').for_each(|word| found |= odd(word));
    let n_bytes = stem.len() + query.map_or(0, |query| 1 + query.len());
    found == 0 && n_bytes <= MAX_ORDINARY_PATH_BYTES
}

/// The forms of a path beside the one in which it came, and what had to be undone.
pub(super) fn forms(path: &[u8], found: &mut Anomalies, steps: &mut usize) -> Vec<PathForm> {
    let (stem, query) = split_query(path);
    found.insert_if(path.len() > MAX_ORDINARY_PATH_BYTES, Anomaly::PathTooLong);
    found.insert_if(stem.iter().any(|byte| *byte >= 0x80), Anomaly::PathNotAscii);
    found.insert_if(has_broken_escape(stem), Anomaly::PathInvalidEncoding);
    *steps += 4 * path.len();

    let mut forms = Forms { raw: path, list: Vec::new(), steps: 0 };

    let canonical = unescape(stem, Reach::Slashes);
    let canonical_query = query.map(|query| unescape(query, Reach::Unreserved));
    *steps += canonical.steps + canonical_query.as_ref().map_or(0, |query| query.steps);
    let has_dots = oddities(&canonical.bytes, found);
    let query_bytes = canonical_query.as_ref().map(|query| query.bytes.as_slice());
    let slashes = resolve(&canonical.bytes, Parameters::Keep, Slashes::Merged);
    forms.add(View::Canonical, &slashes, query_bytes);
    if has_dots {
        // `..` may leave an empty segment (RFC 3986, WHATWG URL), and one with an encoded slash in it.
        let safe = unescape(stem, Reach::Unreserved);
        *steps += safe.steps;
        let safe: Vec<u8> =
            safe.bytes.iter().map(|byte| if *byte == b'\\' { b'/' } else { *byte }).collect();
        for (stem, slashes) in [
            (&safe, Slashes::Segments),
            (&safe, Slashes::Merged),
            (&canonical.bytes, Slashes::Segments),
        ] {
            let resolved = resolve(stem, Parameters::Keep, slashes);
            forms.add(View::Canonical, &resolved, query_bytes);
        }
    }

    let decoded = unescape(stem, Reach::AllSlashes);
    let decoded_query = query.map(|query| unescape(query, Reach::All));
    *steps += decoded.steps + decoded_query.as_ref().map_or(0, |query| query.steps);
    // A reader of relative URLs takes what is between two slashes at the start and the next for a host.
    let behind_host = decoded.bytes.strip_prefix(b"//").and_then(|rest| {
        let at = place_of(rest, b'/').filter(|at| *at > 0)?;
        rest.get(at..)
    });
    canonical.seen.in_path(found);
    decoded.seen.in_path(found);
    let decoded_has_dots = oddities(&decoded.bytes, found);
    if let Some(query) = &decoded_query {
        query.seen.in_query(found);
    }
    let query_bytes = decoded_query.as_ref().map(|query| query.bytes.as_slice());
    for stem in std::iter::once(&decoded.bytes).chain(&decoded.before_nul) {
        // What was encoded may have held a query of its own.
        let (stem, inner) = split_query(stem);
        let joined: Option<Vec<u8>> = match (inner, query_bytes) {
            (None, None) => None,
            (Some(only), None) | (None, Some(only)) => Some(only.to_vec()),
            (Some(inner), Some(query)) => Some([inner, b"&", query].concat()),
        };
        forms.add(
            View::Decoded,
            &resolve(stem, Parameters::Keep, Slashes::Merged),
            joined.as_deref(),
        );
        if decoded_has_dots && !has_dots {
            let resolved = resolve(stem, Parameters::Keep, Slashes::Segments);
            forms.add(View::Decoded, &resolved, joined.as_deref());
        }
        if stem.contains(&b';') {
            for slashes in [Slashes::Merged, Slashes::Segments] {
                // Parameters are dropped before `..` takes a segment away, which may be an empty one.
                if slashes == Slashes::Merged || has_dots || decoded_has_dots {
                    let resolved = resolve(stem, Parameters::Drop, slashes);
                    forms.add(View::Decoded, &resolved, joined.as_deref());
                }
            }
        }
    }
    if let Some(stem) = behind_host {
        let resolved = resolve(stem, Parameters::Keep, Slashes::Merged);
        forms.add(View::Decoded, &resolved, query_bytes);
    }
    *steps += forms.steps;
    forms.list
}

/// Finds what is odd about a path once its escapes are undone; returns true if it has dot segments.
fn oddities(stem: &[u8], found: &mut Anomalies) -> bool {
    let mut has_dots = false;
    let mut before = [0, 0];
    let mut segment_start = true;
    let mut n_dots = 0;
    for byte in stem {
        match byte {
            b'/' => {
                has_dots |= n_dots > 0 && n_dots <= 2 && !segment_start;
                found.insert_if(before[1] == b'/' && before[0] != b':', Anomaly::PathDoubleSlash);
                (segment_start, n_dots) = (true, 0);
            }
            b'.' if segment_start || n_dots > 0 => (segment_start, n_dots) = (false, n_dots + 1),
            b';' => {
                found.insert(Anomaly::PathParameter);
                has_dots |= n_dots > 0 && n_dots <= 2;
                (segment_start, n_dots) = (false, 0);
            }
            _ => (segment_start, n_dots) = (false, 0),
        }
        before = [before[1], *byte];
    }
    has_dots |= n_dots > 0 && n_dots <= 2;
    found.insert_if(has_dots, Anomaly::PathDotSegment);
    has_dots
}

pub(super) fn split_query(path: &[u8]) -> (&[u8], Option<&[u8]>) {
    match place_of(path, b'?').and_then(|at| path.split_at_checked(at)) {
        Some((stem, query)) => (stem, query.get(1..)),
        None => (path, None),
    }
}

/// The forms found so far, each once.
struct Forms<'p> {
    raw: &'p [u8],
    list: Vec<PathForm>,
    steps: usize,
}

impl Forms<'_> {
    fn add(&mut self, view: View, stem: &[u8], query: Option<&[u8]>) {
        let mut bytes = stem.to_vec();
        if let Some(query) = query {
            bytes.push(b'?');
            bytes.extend_from_slice(query);
        }
        self.steps += 2 * bytes.len();
        if bytes != self.raw && self.list.iter().all(|form| form.bytes != bytes) {
            self.list.push(PathForm { view, bytes });
        }
    }
}

/// What happens to `;` and what follows it in a segment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Parameters {
    Keep,
    Drop,
}

/// When slashes in a row become one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Slashes {
    /// Before dot segments are resolved.
    Merged,
    /// After that: the segment between them is one that `..` takes away.
    Segments,
}

/// Merges slashes and resolves dot segments (RFC 3986, 5.2.4; `..` at the root stays there).
fn resolve(stem: &[u8], parameters: Parameters, slashes: Slashes) -> Vec<u8> {
    let Some(rest) = stem.strip_prefix(b"/") else {
        // `*`, or nothing that has segments.
        return stem.to_vec();
    };
    let mut out = Vec::with_capacity(stem.len());
    let mut starts = Vec::new();
    let mut ends_with_slash = false;
    for segment in rest.split(|byte| *byte == b'/') {
        let name = segment.split(|byte| *byte == b';').next().unwrap_or_default();
        // A server that knows parameters takes `..;` for `..`; Envoy does too.
        let shown = if parameters == Parameters::Drop { name } else { segment };
        ends_with_slash = true;
        match name {
            b"." if shown == name => {}
            b".." if shown == name => {
                if let Some(start) = starts.pop() {
                    out.truncate(start);
                }
            }
            _ if shown.is_empty() && slashes == Slashes::Merged => {}
            _ if shown.is_empty() => starts.push(out.len()),
            _ => {
                starts.push(out.len());
                out.push(b'/');
                out.extend_from_slice(shown);
                ends_with_slash = false;
            }
        }
    }
    if ends_with_slash {
        out.push(b'/');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expect: &[(View, &str)], names: &[&str]) {
        let (mut found, mut steps) = (Anomalies::default(), 0);
        let forms = forms(path.as_bytes(), &mut found, &mut steps);
        let forms: Vec<_> =
            forms.iter().map(|form| (form.view, form.bytes.escape_ascii().to_string())).collect();
        let forms: Vec<_> = forms.iter().map(|(view, bytes)| (*view, bytes.as_str())).collect();
        assert_eq!(forms, expect, "{path}");
        let found: Vec<_> = found.iter().map(Anomaly::as_str).collect();
        assert_eq!(found, names, "{path}");
        if expect.is_empty() && names.is_empty() {
            assert!(steps <= 40 * path.len().max(1));
        } else {
            assert!(!is_plain(path.as_bytes()), "{path}");
        }
    }

    #[test]
    fn paths_have_the_forms_that_servers_may_read_in_them() {
        use View::{Canonical, Decoded};
        for (path, expect, names) in [
            ("/bot1/getMe", &[][..], &[][..]),
            ("/a.b/c.d?e=f/../;x//", &[], &[]),
            ("/a?b=%20", &[(Decoded, "/a?b= ")], &[]),
            ("/%62ot1", &[(Canonical, "/bot1")], &["path.encoded_letter"]),
            ("/x/../bot1/./a", &[(Canonical, "/bot1/a")], &["path.dot_segment"]),
            ("/x/%2e%2E/bot1", &[(Canonical, "/bot1")], &["path.dot_segment"]),
            ("//bot1//x/", &[(Canonical, "/bot1/x/"), (Decoded, "/x/")], &["path.double_slash"]),
            (
                "//a.example/bot1?b",
                &[(Canonical, "/a.example/bot1?b"), (Decoded, "/bot1?b")],
                &["path.double_slash"],
            ),
            ("/bot1\\getMe", &[(Canonical, "/bot1/getMe")], &["path.backslash"]),
            ("/bot1%2fgetMe", &[(Canonical, "/bot1/getMe")], &[]),
            ("/bot1%5CgetMe", &[(Canonical, "/bot1/getMe")], &["path.encoded_backslash"]),
            ("/%2562ot1", &[(Decoded, "/bot1")], &["path.double_encoded", "path.encoded_letter"]),
            ("/%u0062ot1", &[(Decoded, "/bot1")], &["path.u_encoding"]),
            (
                "/api//../bot1",
                &[(Canonical, "/bot1"), (Canonical, "/api/bot1")],
                &["path.dot_segment", "path.double_slash"],
            ),
            (
                "/x%2fy/../bot1",
                &[(Canonical, "/x/bot1"), (Canonical, "/bot1")],
                &["path.dot_segment"],
            ),
            (
                "/x%2Fy%2f%2f../bot1",
                &[(Canonical, "/x/bot1"), (Canonical, "/x/y/bot1")],
                &["path.dot_segment", "path.double_slash"],
            ),
            (
                "/api//..;/bot1",
                &[(Canonical, "/api/..;/bot1"), (Decoded, "/bot1"), (Decoded, "/api/bot1")],
                &["path.dot_segment", "path.double_slash", "path.parameter"],
            ),
            ("/a%zz%", &[], &["path.invalid_encoding"]),
            ("/bot1;x=1/getMe", &[(Decoded, "/bot1/getMe")], &["path.parameter"]),
            ("/x/..;/bot1", &[(Decoded, "/bot1")], &["path.dot_segment", "path.parameter"]),
            ("/bot1%c0%afgetMe", &[(Decoded, "/bot1/getMe")], &["path.overlong"]),
            ("/bot1%00.png", &[(Decoded, "/bot1.png"), (Decoded, "/bot1")], &["path.nul"]),
            ("/getMe%3fa=1", &[(Decoded, "/getMe?a=1")], &["path.encoded_query"]),
            ("/getMe%3fa=1?b=2", &[(Decoded, "/getMe?a=1&b=2")], &["path.encoded_query"]),
            ("/b\u{f6}t", &[], &["path.not_ascii"]),
            ("/web/https://a.example/", &[(Canonical, "/web/https:/a.example/")], &[]),
            ("*", &[], &[]),
            ("", &[], &[]),
            ("/a?%61=1", &[(Canonical, "/a?a=1")], &["query.encoded_letter"]),
            (
                "/a?b=%252541",
                &[(Decoded, "/a?b=A")],
                &["query.double_encoded", "query.encoded_letter"],
            ),
        ] {
            check(path, expect, names);
        }
    }

    #[test]
    fn plain_paths_are_known_at_once() {
        for (path, plain) in [
            ("/bot1/getMe?offset=1", true),
            ("/a.b/c?d=//.;", true),
            ("/.well-known/x", false),
            ("/a//b", false),
            ("/a/../b", false),
            ("/a%20b", false),
        ] {
            assert_eq!(is_plain(path.as_bytes()), plain, "{path}");
        }
    }
}
