//! A header map as the host returns it, read in place.
//!
//! The host serialises all headers at once: the count, the lengths of each name and value (32 bits,
//! little endian), then names and values, each followed by a NUL. One call returns all of them, which
//! costs as much as three calls for single headers and does not hide repeated ones.

use std::borrow::Cow;

use inspect::{METHOD_OVERRIDES, Pack};

/// The request headers that the filter reads, borrowed from the map. Of a repeated header the first
/// counts; Envoy has joined most of them before (two `Host` lines arrive as `a,b`).
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Headers<'m> {
    /// `:method`; empty if there is none.
    pub(crate) method: &'m [u8],
    /// `:scheme`; empty if there is none, as with CONNECT.
    pub(crate) scheme: &'m [u8],
    /// `:authority`; empty if there is none.
    pub(crate) authority: &'m [u8],
    /// `:path`; CONNECT has none.
    pub(crate) path: Option<&'m [u8]>,
    /// `user-agent`.
    pub(crate) user_agent: Option<&'m [u8]>,
    /// `referer`.
    pub(crate) referrer: Option<&'m [u8]>,
    /// `cookie`; several are joined by `; `, as RFC 9113, 8.2.3 says.
    pub(crate) cookie: Option<Cow<'m, [u8]>>,
    /// The headers of [`METHOD_OVERRIDES`], joined by commas.
    pub(crate) method_override: Option<Cow<'m, [u8]>>,
    /// `x-request-id`: Envoy's, or the client's if the listener keeps it.
    pub(crate) request_id: Option<&'m [u8]>,
    /// `traceparent`.
    pub(crate) traceparent: Option<&'m [u8]>,
    /// `content-type`.
    pub(crate) content_type: Option<&'m [u8]>,
    /// `upgrade`.
    pub(crate) upgrade: Option<&'m [u8]>,
}

/// The error of bytes that are not a header map.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

impl<'m> Headers<'m> {
    /// Reads a map. Linear in its bytes; allocates only for more than one cookie header, or method override.
    pub(crate) fn read(map: &'m [u8]) -> Result<Headers<'m>, Malformed> {
        let mut headers = Headers::default();
        let (mut method, mut scheme, mut authority) = (None, None, None);
        for pair in Pairs::new(map)? {
            let (name, value) = pair?;
            let place = match name {
                b":method" => &mut method,
                b":scheme" => &mut scheme,
                b":authority" => &mut authority,
                b":path" => &mut headers.path,
                b"user-agent" => &mut headers.user_agent,
                b"referer" => &mut headers.referrer,
                b"x-request-id" => &mut headers.request_id,
                b"traceparent" => &mut headers.traceparent,
                b"content-type" => &mut headers.content_type,
                b"upgrade" => &mut headers.upgrade,
                b"cookie" => {
                    join(&mut headers.cookie, b"; ", value);
                    continue;
                }
                [b'x', b'-' | b'_', ..] if is_override(name) => {
                    join(&mut headers.method_override, b",", value);
                    continue;
                }
                _ => continue,
            };
            place.get_or_insert(value);
        }
        headers.method = method.unwrap_or_default();
        headers.scheme = scheme.unwrap_or_default();
        headers.authority = authority.unwrap_or_default();
        Ok(headers)
    }

    /// Returns true if the client speaks gRPC, by Envoy's rule for local responses.
    pub(crate) fn is_grpc(&self) -> bool {
        let rest = self.content_type.and_then(|value| value.strip_prefix(b"application/grpc"));
        matches!(rest, Some([] | [b'+', ..]))
    }

    /// Returns the path's template, with the names of the pack's services; CONNECT has none.
    pub(crate) fn template(&self, pack: &Pack) -> Option<String> {
        let path = self.path?;
        Some(inspect::redact::path_template(pack.tables(), self.authority, path))
    }

    /// Returns true if the response may open a tunnel that stays open for hours.
    pub(crate) fn is_tunnel(&self) -> bool {
        self.method == b"CONNECT" || self.upgrade.is_some()
    }
}

/// How often a header is present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Occurrence<'m> {
    /// It is not.
    Never,
    /// Once, with this value.
    Once(&'m [u8]),
    /// More than once, or the map is malformed.
    Repeated,
}

/// Finds a header; `name` is in lower case.
pub(crate) fn occurrence<'m>(map: &'m [u8], name: &[u8]) -> Occurrence<'m> {
    let Ok(pairs) = Pairs::new(map) else { return Occurrence::Repeated };
    let mut found = Occurrence::Never;
    for pair in pairs {
        let Ok((known, value)) = pair else { return Occurrence::Repeated };
        if known == name {
            found = match found {
                Occurrence::Never => Occurrence::Once(value),
                Occurrence::Once(_) | Occurrence::Repeated => return Occurrence::Repeated,
            };
        }
    }
    found
}

/// Returns the value of a header that is present exactly once; `name` is in lower case.
pub(crate) fn single<'m>(map: &'m [u8], name: &[u8]) -> Option<&'m [u8]> {
    match occurrence(map, name) {
        Occurrence::Once(value) => Some(value),
        Occurrence::Never | Occurrence::Repeated => None,
    }
}

/// Adds a further value of a header behind what is between two.
fn join<'m>(all: &mut Option<Cow<'m, [u8]>>, between: &[u8], value: &'m [u8]) {
    match all {
        None => *all = Some(Cow::Borrowed(value)),
        Some(joined) => {
            let joined = joined.to_mut();
            joined.extend_from_slice(between);
            joined.extend_from_slice(value);
        }
    }
}

/// Returns true for the headers that name another method.
fn is_override(name: &[u8]) -> bool {
    METHOD_OVERRIDES.iter().any(|known| is_spelling(name, known.as_bytes()))
}

/// Returns true if a header is another one but for underscores in place of dashes: servers that hand headers on as
/// variables (CGI, WSGI, Rack) take both for one.
fn is_spelling(name: &[u8], known: &[u8]) -> bool {
    let is_same = |(one, other): (&u8, &u8)| one == other || (*one, *other) == (b'_', b'-');
    name.len() == known.len() && name.iter().zip(known).all(is_same)
}

/// Returns the names of headers that are `name` but for underscores, as they are in a map.
pub(crate) fn underscored(map: &[u8], name: &str) -> Vec<String> {
    let Ok(pairs) = Pairs::new(map) else { return Vec::new() };
    let names = pairs.filter_map(Result::ok).map(|(known, _)| known);
    let others =
        names.filter(|known| *known != name.as_bytes() && is_spelling(known, name.as_bytes()));
    others.filter_map(|known| String::from_utf8(known.to_vec()).ok()).collect()
}

/// Iterates over the pairs of a map; ends after the first malformed one.
struct Pairs<'m> {
    /// The rest of the lengths, eight bytes per pair.
    lengths: &'m [u8],
    /// The rest of names and values.
    texts: &'m [u8],
}

impl<'m> Pairs<'m> {
    fn new(map: &'m [u8]) -> Result<Self, Malformed> {
        if map.is_empty() {
            return Ok(Pairs { lengths: map, texts: map });
        }
        let (n_pairs, rest) = map.split_first_chunk().ok_or(Malformed)?;
        let n_bytes = (u32::from_le_bytes(*n_pairs) as usize).checked_mul(8).ok_or(Malformed)?;
        let (lengths, texts) = rest.split_at_checked(n_bytes).ok_or(Malformed)?;
        Ok(Pairs { lengths, texts })
    }

    fn text(&mut self) -> Option<&'m [u8]> {
        let (n_bytes, lengths) = self.lengths.split_first_chunk()?;
        let (text, rest) = self.texts.split_at_checked(u32::from_le_bytes(*n_bytes) as usize)?;
        let [0, texts @ ..] = rest else { return None };
        (self.lengths, self.texts) = (lengths, texts);
        Some(text)
    }
}

impl<'m> Iterator for Pairs<'m> {
    type Item = Result<(&'m [u8], &'m [u8]), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.lengths.is_empty() {
            return None;
        }
        let pair = self.text().and_then(|name| Some((name, self.text()?)));
        if pair.is_none() {
            self.lengths = &[];
        }
        Some(pair.ok_or(Malformed))
    }
}

/// Returns the pairs of a map, for tests; `None` if it is malformed.
#[cfg(test)]
pub(crate) fn pairs(map: &[u8]) -> Option<Vec<(String, Vec<u8>)>> {
    let pairs = Pairs::new(map).ok()?;
    let owned = |(name, value): (&[u8], &[u8])| {
        Some((String::from_utf8(name.to_vec()).ok()?, value.to_vec()))
    };
    pairs.map(|pair| pair.ok().and_then(owned)).collect()
}

/// Lays pairs out as a header map: the count, the lengths, then names and values, each with a NUL.
pub fn serialise<V: AsRef<[u8]>>(pairs: &[(&str, V)]) -> Vec<u8> {
    lay_out(pairs.iter().map(|(name, value)| (name.as_bytes(), value.as_ref())))
}

/// The same for names that are bytes, which are iterated over more than once.
pub fn lay_out<'h>(pairs: impl ExactSizeIterator<Item = (&'h [u8], &'h [u8])> + Clone) -> Vec<u8> {
    let length = |n_bytes: usize| u32::try_from(n_bytes).unwrap_or_default().to_le_bytes();
    let n_text: usize = pairs.clone().map(|(name, value)| name.len() + value.len() + 2).sum();
    let mut bytes = Vec::with_capacity(4 + 8 * pairs.len() + n_text);
    bytes.extend(length(pairs.len()));
    for (name, value) in pairs.clone() {
        bytes.extend(length(name.len()));
        bytes.extend(length(value.len()));
    }
    for (name, value) in pairs {
        for text in [name, value] {
            bytes.extend_from_slice(text);
            bytes.push(0);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::serialised;

    #[test]
    fn pairs_are_laid_out_as_the_host_reads_them() {
        let expect = [1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, b'a', 0, b'b', b'c', 0];
        assert_eq!(serialise(&[("a", "bc")]), expect);
    }

    #[test]
    fn headers_are_read_as_bytes() {
        let map = serialised(&[
            (":method", b"GET"),
            (":authority", b"a.example"),
            (":path", b"/\xff?q"),
            (":scheme", b"https"),
            ("x-other", b"\0\n"),
            ("user-agent", b"\xff\xfe"),
            ("content-type", b""),
        ]);
        let expect = Headers {
            method: b"GET",
            scheme: b"https",
            authority: b"a.example",
            path: Some(b"/\xff?q"),
            user_agent: Some(b"\xff\xfe"),
            content_type: Some(b""),
            ..Headers::default()
        };
        assert_eq!(Headers::read(&map), Ok(expect));
    }

    #[test]
    fn of_repeated_headers_the_first_counts_and_cookies_are_joined() {
        let map = serialised(&[
            (":authority", b"a"),
            ("cookie", b"x=1"),
            ("user-agent", b"one"),
            (":authority", b"b"),
            ("cookie", b"y=2"),
            ("user-agent", b"two"),
            ("cookie", b"z=3"),
            ("x-http-method", b"MERGE"),
            ("x-http-method-override", b"PUT"),
        ]);
        let headers = Headers::read(&map).unwrap();
        assert_eq!(headers.authority, b"a");
        assert_eq!(headers.user_agent, Some(&b"one"[..]));
        assert_eq!(headers.cookie.as_deref(), Some(&b"x=1; y=2; z=3"[..]));
        assert_eq!(headers.method_override.as_deref(), Some(&b"MERGE,PUT"[..]));
    }

    #[test]
    fn connect_has_no_path_and_an_empty_map_no_headers() {
        let map = serialised(&[(":method", b"CONNECT"), (":authority", b"a.example:443")]);
        let headers = Headers::read(&map).unwrap();
        assert_eq!((headers.path, headers.is_tunnel()), (None, true));
        assert_eq!(Headers::read(b""), Ok(Headers::default()));
        assert_eq!(Headers::read(&serialised(&[])), Ok(Headers::default()));
    }

    #[test]
    fn a_map_that_is_cut_anywhere_is_malformed() {
        let map = serialised(&[(":method", b"GET"), ("cookie", b"x=1"), (":path", b"/")]);
        for n_bytes in 1..map.len() {
            assert_eq!(Headers::read(&map[..n_bytes]), Err(Malformed), "{n_bytes} bytes");
        }
    }

    #[test]
    fn impossible_lengths_are_malformed() {
        for map in [
            &[0xff, 0xff, 0xff, 0xff][..],
            &[1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0],
            &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1],
        ] {
            assert_eq!(Headers::read(map), Err(Malformed), "{map:?}");
        }
    }

    #[test]
    fn grpc_is_recognised_by_the_content_type() {
        for (content_type, expect) in [
            ("application/grpc", true),
            ("application/grpc+proto", true),
            ("application/grpc-web", false),
            ("application/json", false),
        ] {
            let content_type = Some(content_type.as_bytes());
            let headers = Headers { content_type, ..Headers::default() };
            assert_eq!(headers.is_grpc(), expect, "{content_type:?}");
        }
    }
}
