//! Templates of URLs: whether one fits, and what is in its places.
//!
//! Text and places alternate. In a path each place ends where the text behind it first occurs, so that
//! nothing is tried twice. A host has to fit in one way only where that names a tenant: whoever may choose
//! its first labels could write another tenant's name in front of their own. `*` is one label of a host.

use std::ops::Range;

use super::is_below;
use crate::limits::MAX_NAME_BYTES;
use crate::pack::{Part, PartKind, Tables};

/// Most parts of a template's host; a template with more fits no host.
const MAX_HOST_PARTS: usize = 16;

/// The places of a template, with the bytes of a request that are in them.
pub(crate) type Places<'r, 'p> = Vec<(&'p Part, &'r [u8])>;

/// A request target as templates see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'r> {
    /// The host, in lower case.
    pub(crate) host: &'r [u8],
    /// The path without the query; empty where there is none.
    pub(crate) stem: &'r [u8],
    /// The query without `?`.
    pub(crate) query: Option<&'r [u8]>,
}

impl<'r> Target<'r> {
    pub(crate) fn new(host: &'r [u8], path: Option<&'r [u8]>) -> Target<'r> {
        let mut halves = path.unwrap_or_default().splitn(2, |byte| *byte == b'?');
        let stem = halves.next().unwrap_or_default();
        Target { host, stem, query: halves.next() }
    }
}

/// A template's host; empty where it is one of a path alone.
pub(crate) fn host_of(template: &[Part]) -> &[Part] {
    let is_end = |part: &Part| matches!(part.kind, PartKind::Slash | PartKind::Query);
    template.split(is_end).next().unwrap_or_default()
}

/// The segments of a template's path.
pub(crate) fn segments(template: &[Part]) -> impl Iterator<Item = &[Part]> {
    let path = template.split(|part| part.kind == PartKind::Query).next().unwrap_or_default();
    path.split(|part| part.kind == PartKind::Slash).skip(1)
}

/// The parameters of a template's query.
fn parameters(template: &[Part]) -> impl Iterator<Item = &[Part]> {
    template.split(|part| part.kind == PartKind::Query).skip(1)
}

/// Returns true if a template has no place and no path: it is a host of a service.
pub(crate) fn is_host(template: &[Part]) -> bool {
    template.iter().all(|part| matches!(part.kind, PartKind::Text | PartKind::Any))
}

/// Returns true if a template fits, and fills in what is in its places.
pub(crate) fn fits<'r, 'p>(
    tables: &Tables,
    template: &'p [Part],
    target: Target<'r>,
    places: &mut Places<'r, 'p>,
) -> bool {
    // Reading a host takes longer than a path, and most templates of a host are for other paths.
    let host = host_of(template);
    let mut of_path = Places::new();
    let fits = has_ends(tables, host, target.host)
        && fits_path(tables, template, target, &mut of_path)
        && fits_host(tables, host, target.host, places);
    if fits {
        places.append(&mut of_path);
    }
    fits
}

/// Returns false if a text at the start or the end of a template's host is not there in a host.
fn has_ends(tables: &Tables, parts: &[Part], host: &[u8]) -> bool {
    let text = |part: Option<&Part>| match part {
        Some(part) if part.kind == PartKind::Text => tables.str(part.text).as_bytes(),
        _ => b"",
    };
    host.starts_with(text(parts.first())) && host.ends_with(text(parts.last()))
}

/// Returns true if the path and the query of a template fit. The path may go on after the template, and
/// the query may have other parameters.
pub(crate) fn fits_path<'r, 'p>(
    tables: &Tables,
    template: &'p [Part],
    target: Target<'r>,
    places: &mut Places<'r, 'p>,
) -> bool {
    let stem = target.stem;
    let mut path = stem.strip_prefix(b"/").unwrap_or(stem).split(|byte| *byte == b'/');
    segments(template)
        .all(|parts| path.next().is_some_and(|text| fits_segment(tables, parts, text, places)))
        && parameters(template).all(|parts| has_parameter(tables, parts, target, places))
}

/// Returns true if one of the parameters of a query fits. A name without a value is the same with an empty
/// one. Parts that name nobody fit a parameter however a server may read it; a tenant is named plainly.
fn has_parameter<'r, 'p>(
    tables: &Tables,
    parts: &'p [Part],
    target: Target<'r>,
    places: &mut Places<'r, 'p>,
) -> bool {
    let Some(query) = target.query else { return false };
    query.split(|byte| *byte == b'&').any(|parameter| {
        let n_places = places.len();
        let plain = parameter.strip_suffix(b"=").unwrap_or(parameter);
        let fits = fits_segment(tables, parts, plain, places);
        if !fits {
            places.truncate(n_places);
        }
        fits
    }) || names_nobody(parts) && has_odd_parameter(tables, parts, query)
}

/// Returns true if nothing in a template's parts is a part of an identity or a credential.
fn names_nobody(parts: &[Part]) -> bool {
    let is_plain =
        |part: &Part| matches!(part.kind, PartKind::Text | PartKind::Any | PartKind::Commit);
    parts.iter().all(is_plain)
}

/// Returns true if a parameter fits as some servers read it: behind a `;` (HTML 4.01, appendix B.2.2), with blanks
/// or brackets in front, or as a list (`ref[]=x`, as Rack and PHP read it).
fn has_odd_parameter(tables: &Tables, parts: &[Part], query: &[u8]) -> bool {
    let is_odd = |byte: &u8| matches!(byte, b';' | b'[' | b'+' | b' ' | b'%');
    if !query.iter().any(is_odd) {
        return false;
    }
    query.split(|byte| matches!(byte, b'&' | b';')).any(|parameter| {
        let at = parameter.iter().position(|byte| *byte == b'=').unwrap_or(parameter.len());
        let (name, value) = parameter.split_at_checked(at).unwrap_or_default();
        let value = if value == b"=" { b"" } else { value };
        let plain = plain_name(name);
        let whole = parameter.get(..name.len() + value.len()).unwrap_or_default();
        if plain.len() == name.len() {
            fits_segment(tables, parts, whole, &mut Places::new())
        } else {
            fits_segment(tables, parts, &[plain, value].concat(), &mut Places::new())
        }
    })
}

/// The name of a parameter without blanks and brackets in front, and without brackets and what is in them behind.
fn plain_name(name: &[u8]) -> &[u8] {
    const BLANKS: [&[u8]; 3] = [b"+", b" ", b"%20"];
    const BRACKETS: [&[u8]; 6] = [b"[", b"]", b"%5b", b"%5d", b"%5B", b"%5D"];
    let mut rest = name;
    while let Some(behind) = BLANKS.iter().chain(&BRACKETS).find_map(|odd| rest.strip_prefix(*odd))
    {
        rest = behind;
    }
    let is_end = |at: &usize| {
        let from = rest.get(*at..).unwrap_or_default();
        BRACKETS.iter().any(|bracket| from.starts_with(bracket))
    };
    let end = (0..rest.len()).find(is_end).unwrap_or(rest.len());
    rest.get(..end).unwrap_or_default()
}

/// What is in the places of a template's host, of all that is in its places.
pub(crate) fn host_places<'r>(template: &[Part], places: &[(&Part, &'r [u8])]) -> Vec<&'r [u8]> {
    let is_place = |part: &&Part| part.kind != PartKind::Text;
    let n_places = host_of(template).iter().filter(is_place).count();
    let own = places.iter().take(n_places).filter(|(part, _)| part.kind != PartKind::Any);
    own.map(|(_, text)| *text).collect()
}

/// Returns true if a template's host is one name, which is the service's own.
pub(crate) fn names_host(template: &[Part]) -> bool {
    host_of(template).iter().all(|part| part.kind == PartKind::Text)
}

/// The places of a host, from its start to the place behind its end, as bits.
#[derive(Clone, Copy, Default)]
struct Marks([u64; 4]);

// A host of the longest name has one place more than bytes.
const _: () = assert!(MAX_NAME_BYTES < 256);

impl Marks {
    fn insert(&mut self, at: usize) {
        if let Some(word) = self.0.get_mut(at / 64) {
            *word |= 1 << (at % 64);
        }
    }

    fn contains(&self, at: usize) -> bool {
        self.0.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
    }

    fn is_empty(&self) -> bool {
        self.0 == [0; 4]
    }
}

/// From where on the rest of a template's host fits the rest of a host, for each of its parts.
struct Ways {
    /// Where it does in any way.
    some: [Marks; MAX_HOST_PARTS + 1],
    /// Where it does in more than one way.
    many: [Marks; MAX_HOST_PARTS + 1],
}

impl Ways {
    /// `None` where a part cannot fit anywhere. Takes steps in proportion to the parts and the host for
    /// templates of few places, and at most the square of the host for each part.
    fn of(tables: &Tables, parts: &[Part], host: &[u8]) -> Option<Ways> {
        if host.len() > MAX_NAME_BYTES || parts.len() > MAX_HOST_PARTS {
            return None;
        }
        let marks = [Marks::default(); MAX_HOST_PARTS + 1];
        let mut ways = Ways { some: marks, many: marks };
        ways.some.get_mut(parts.len())?.insert(host.len());
        for (idx, part) in parts.iter().enumerate().rev() {
            let behind = (*ways.some.get(idx + 1)?, *ways.many.get(idx + 1)?);
            let (some, many) = (ways.some.get_mut(idx)?, ways.many.get_mut(idx)?);
            for end in (0..=host.len()).rev().filter(|end| behind.0.contains(*end)) {
                for start in starts(tables, part, host, end) {
                    if some.contains(start) || behind.1.contains(end) {
                        many.insert(start);
                    }
                    some.insert(start);
                }
            }
            if some.is_empty() {
                return None;
            }
        }
        Some(ways)
    }
}

/// Where a part of a host that ends at a place may start.
fn starts(tables: &Tables, part: &Part, host: &[u8], end: usize) -> Range<usize> {
    const NOWHERE: Range<usize> = 0..0;
    let before = host.get(..end).unwrap_or_default();
    match part.kind {
        PartKind::Text => {
            let literal = tables.str(part.text).as_bytes();
            match before.strip_suffix(literal) {
                Some(rest) => rest.len()..rest.len() + 1,
                None => NOWHERE,
            }
        }
        PartKind::Any | PartKind::Label => {
            let dot = before.iter().rposition(|byte| *byte == b'.');
            dot.map_or(0, |dot| dot + 1)..end
        }
        PartKind::Identity | PartKind::Secret => 0..end,
        PartKind::Slash | PartKind::Query | PartKind::Namespace | PartKind::Commit => NOWHERE,
    }
}

/// Returns true if a host, or one above it, is made up of the parts of a template.
pub(crate) fn is_at_or_below(tables: &Tables, parts: &[Part], host: &[u8]) -> bool {
    if let [Part { kind: PartKind::Text, text }] = parts {
        return host.len() <= MAX_NAME_BYTES && is_below(host, tables.str(*text).as_bytes());
    }
    let Some(ways) = Ways::of(tables, parts, host) else { return false };
    let Some(starts) = ways.some.first() else { return false };
    let is_label = |at: usize| at == 0 || host.get(at - 1) == Some(&b'.');
    (0..=host.len()).any(|at| is_label(at) && starts.contains(at))
}

/// Returns true if the parts of a template's host make up a host in exactly one way, and fills in what is
/// in its places. `*` and `{name:label}` are one label; else what belongs to the tenant may have dots, as names of buckets
/// do.
pub(crate) fn fits_host<'r, 'p>(
    tables: &Tables,
    parts: &'p [Part],
    host: &'r [u8],
    places: &mut Places<'r, 'p>,
) -> bool {
    if let [Part { kind: PartKind::Text, text }] = parts {
        return host.len() <= MAX_NAME_BYTES && host == tables.str(*text).as_bytes();
    }
    let Some(ways) = Ways::of(tables, parts, host) else { return false };
    let first = (ways.some.first(), ways.many.first());
    let (Some(some), Some(many)) = first else { return false };
    if !some.contains(0) || many.contains(0) {
        return false;
    }
    let mut start = 0;
    for (idx, part) in parts.iter().enumerate() {
        let Some(behind) = ways.some.get(idx + 1) else { return false };
        let is_way = |end: &usize| {
            behind.contains(*end) && starts(tables, part, host, *end).contains(&start)
        };
        let Some(end) = (start..=host.len()).find(is_way) else { return false };
        if part.kind != PartKind::Text {
            places.push((part, host.get(start..end).unwrap_or_default()));
        }
        start = end;
    }
    true
}

/// Returns true if a text may be in a place.
fn fills(place: &Part, text: &[u8]) -> bool {
    match place.kind {
        PartKind::Commit => is_commit(text),
        _ => !text.is_empty(),
    }
}

/// Returns true if Git may take a text for the hash of a commit: 4 to 64 hexadecimal digits, also behind
/// `-g` as `git describe` writes it, and perhaps with the syntax of revisions or an extension behind them
/// (gitrevisions(7): `1234abcd~2`, `v1-5-g1234abcd`).
fn is_commit(text: &[u8]) -> bool {
    let starts = std::iter::once(0).chain(
        text.windows(2).enumerate().filter(|(_, pair)| *pair == b"-g").map(|(at, _)| at + 2),
    );
    starts.into_iter().any(|start| {
        let rest = text.get(start..).unwrap_or_default();
        let n_digits = rest.iter().take(65).take_while(|byte| byte.is_ascii_hexdigit()).count();
        let is_end = |byte: &u8| b"^~@%:.".contains(byte);
        (4..=64).contains(&n_digits) && rest.get(n_digits).is_none_or(is_end)
    })
}

/// Returns true if the parts of one segment of a path make up a text: each place takes at least a byte,
/// and ends where the text behind it first occurs. The last text has to be at the end. Text fits in any
/// case, as services take their own paths.
pub(crate) fn fits_segment<'r, 'p>(
    tables: &Tables,
    parts: &'p [Part],
    text: &'r [u8],
    places: &mut Places<'r, 'p>,
) -> bool {
    let mut rest = text;
    let mut open: Option<&Part> = None;
    for (idx, part) in parts.iter().enumerate() {
        if part.kind != PartKind::Text {
            open = Some(part);
            continue;
        }
        let literal = tables.str(part.text).as_bytes();
        let Some(place) = open.take() else {
            let Some((text, behind)) = rest.split_at_checked(literal.len()) else { return false };
            if !text.eq_ignore_ascii_case(literal) {
                return false;
            }
            rest = behind;
            continue;
        };
        let is_last = idx + 1 == parts.len();
        let found = if is_last {
            let start = rest.len().checked_sub(literal.len());
            start.filter(|start| {
                rest.get(*start..).is_some_and(|end| end.eq_ignore_ascii_case(literal))
            })
        } else {
            let mut windows = rest.windows(literal.len().max(1)).skip(1);
            windows.position(|window| window.eq_ignore_ascii_case(literal)).map(|at| at + 1)
        };
        let Some((taken, behind)) = found.and_then(|at| rest.split_at_checked(at)) else {
            return false;
        };
        if !fills(place, taken) {
            return false;
        }
        places.push((place, taken));
        rest = behind.get(literal.len()..).unwrap_or_default();
    }
    match open {
        Some(place) if fills(place, rest) => places.push((place, rest)),
        Some(_) => return false,
        None => {}
    }
    open.is_some() || rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_parameter_is_read_as_servers_read_it() {
        for (name, expect) in [
            ("ref", "ref"),
            ("ref[]", "ref"),
            ("[ref]", "ref"),
            ("ref%5B%5d", "ref"),
            ("+%20ref[a][b]", "ref"),
            ("my+ref", "my+ref"),
            ("[]", ""),
            ("", ""),
        ] {
            assert_eq!(plain_name(name.as_bytes()), expect.as_bytes(), "{name}");
        }
    }

    #[test]
    fn commits_are_found_in_every_form_of_a_revision() {
        for (text, expect) in [
            ("1234", true),
            ("DEADbeef", true),
            (&"a".repeat(64), true),
            (&"a".repeat(65), false),
            ("123", false),
            ("main", false),
            ("master", false),
            ("facade", true),
            ("1234~1", true),
            ("1234^{tree}", true),
            ("1234.zip", true),
            ("v1.0-5-g1234abcd", true),
            ("x-g-g1234abcd", true),
            ("1234x", false),
            ("", false),
        ] {
            assert_eq!(is_commit(text.as_bytes()), expect, "{text}");
        }
    }
}
