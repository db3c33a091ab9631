//! Methods that servers know, and what lenient ones take another one for.

use super::unescape::{Reach, unescape};
use crate::request::{METHOD_OVERRIDES, Request};
use crate::words::{has_byte, place_of};

/// The methods of HTTP itself (RFC 9110, 9.3; RFC 5789). In order.
const STANDARD: &[&[u8]] =
    &[b"CONNECT", b"DELETE", b"GET", b"HEAD", b"OPTIONS", b"PATCH", b"POST", b"PUT", b"TRACE"];

/// Other methods that are registered (IANA, HTTP Method Registry), and those of Exchange, Windows
/// Update, `UPnP` and caches that are not. In order.
const OTHERS: &[&[u8]] = &[
    b"ACL",
    b"BASELINE-CONTROL",
    b"BCOPY",
    b"BDELETE",
    b"BIND",
    b"BITS_POST",
    b"BMOVE",
    b"BPROPFIND",
    b"BPROPPATCH",
    b"CCM_POST",
    b"CHECKIN",
    b"CHECKOUT",
    b"COPY",
    b"LABEL",
    b"LINK",
    b"LOCK",
    b"M-SEARCH",
    b"MERGE",
    b"MKACTIVITY",
    b"MKCALENDAR",
    b"MKCOL",
    b"MKREDIRECTREF",
    b"MKWORKSPACE",
    b"MOVE",
    b"NOTIFY",
    b"ORDERPATCH",
    b"POLL",
    b"PRI",
    b"PROPFIND",
    b"PROPPATCH",
    b"PURGE",
    b"QUERY",
    b"REBIND",
    b"REPORT",
    b"RPC_IN_DATA",
    b"RPC_OUT_DATA",
    b"SEARCH",
    b"SUBSCRIBE",
    b"UNBIND",
    b"UNCHECKOUT",
    b"UNLINK",
    b"UNLOCK",
    b"UNSUBSCRIBE",
    b"UPDATE",
    b"UPDATEREDIRECTREF",
    b"VERSION-CONTROL",
];

/// What servers that run one program for any method take it for.
const LENIENT: &[&[u8]] = &[b"GET", b"POST", b"PUT"];

/// Returns true if a method is one of HTTP itself, or is not known.
pub(super) fn is_standard(method: &[u8]) -> bool {
    matches!(method, b"GET" | b"POST" | b"") || STANDARD.binary_search(&method).is_ok()
}

/// Returns true if programs in use send a method, in these letters.
pub(crate) fn is_known(method: &[u8]) -> bool {
    is_standard(method) || OTHERS.binary_search(&method).is_ok()
}

/// What a server may take a method for beside itself: nothing for one of HTTP itself, which is in
/// capitals.
pub(super) fn readings(method: &[u8]) -> &'static [&'static [u8]] {
    if is_standard(method) {
        return &[];
    }
    let same = STANDARD.iter().position(|standard| standard.eq_ignore_ascii_case(method));
    same.and_then(|idx| STANDARD.get(idx..=idx)).unwrap_or(LENIENT)
}

/// Parameters of a query in which servers take a method in place of the request's own, in lower case.
///
/// `x-http-method-override` is of Firebase, `_method` of `WordPress`, Symfony and Rack, `_httpmethod` of
/// Salesforce, `$httpmethod` and `httpmethod` of Google's gateways, `method` of Facebook's Graph API,
/// `_method_override` of WAI.
const PARAMETERS: [&[u8]; 10] = [
    b"$httpmethod",
    b"_http_method",
    b"_httpmethod",
    b"_method",
    b"_method_override",
    b"httpmethod",
    METHOD,
    b"x-http-method",
    b"x-http-method-override",
    b"x-method-override",
];

/// The parameter in which Google's gateways take headers in place of the request's own, in lower case: lines of a
/// name, a colon and a value, as Closure's `goog.net.rpc.HttpCors` writes them.
const HEADERS: &[u8] = b"$httpheaders";

/// A name that other parameters have too, so that only methods of HTTP itself count behind it.
const METHOD: &[u8] = b"method";

/// The methods by which servers may replace that of a request, each once: those of its headers and of its query.
/// Texts that are no known method are none.
pub(crate) fn overrides(request: &Request<'_>) -> Vec<&'static [u8]> {
    let mut found = Vec::new();
    for text in request.method_override.unwrap_or_default().split(|byte| *byte == b',') {
        add_override(text.trim_ascii(), request.method, &mut found);
    }
    if let Some(path) = request.path {
        add_parameters(path, request.method, &mut found);
    }
    found
}

/// Returns true if a request with a query, if it has one, may have any: what an ordinary one is asked.
pub(super) fn may_override(request: &Request<'_>, query: Option<&[u8]>) -> bool {
    request.method_override.is_some()
        || query.is_some_and(|query| parameters(query).next().is_some())
}

/// Adds the methods that a path's query names, also behind escapes.
pub(super) fn add_parameters(path: &[u8], method: &[u8], found: &mut Vec<&'static [u8]>) {
    let Some(query_at) = place_of(path, b'?') else { return };
    let query = path.get(query_at + 1..).unwrap_or_default();
    add_values(query, method, found);
    if has_byte(query, b'%') {
        add_values(&unescape(query, Reach::All).bytes, method, found);
    }
}

/// Adds the methods that the parameters of a query name.
fn add_values(query: &[u8], method: &[u8], found: &mut Vec<&'static [u8]>) {
    for Parameter { value, has_headers } in parameters(query) {
        if !has_headers {
            add_override(value, method, found);
            continue;
        }
        for line in value.split(|byte| matches!(byte, b'\r' | b'\n')) {
            let Some((name, value)) = place_of(line, b':').and_then(|at| line.split_at_checked(at))
            else {
                continue;
            };
            let name = name.trim_ascii();
            if METHOD_OVERRIDES.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(name)) {
                let value = value.get(1..).unwrap_or_default();
                add_override(value.trim_ascii(), method, found);
            }
        }
    }
}

/// A parameter that may name a method.
struct Parameter<'q> {
    value: &'q [u8],
    /// Whether the value is headers, of which one may.
    has_headers: bool,
}

/// The parameters that name a method.
fn parameters(query: &[u8]) -> impl Iterator<Item = Parameter<'_>> {
    query.split(|byte| matches!(byte, b'&' | b';' | b'?')).filter_map(|parameter| {
        let at = place_of(parameter, b'=')?;
        let (name, value) = parameter.split_at_checked(at)?;
        // All of these names end so, which few others do.
        let ends = matches!(name.last()?, b'd' | b'D' | b'e' | b'E' | b's' | b'S');
        let start = name.iter().position(|byte| !matches!(byte, b' ' | b'+'))?;
        let name = name.get(start..)?;
        let has_headers = ends && is_named(HEADERS, name);
        let is_override =
            has_headers || ends && PARAMETERS.iter().any(|known| is_named(known, name));
        let value = value.get(1..).filter(|_| is_override)?;
        let is_common = is_named(METHOD, name);
        let is_method = || STANDARD.iter().any(|known| known.eq_ignore_ascii_case(value));
        (!is_common || is_method()).then_some(Parameter { value, has_headers })
    })
}

/// Returns true if a server may take a parameter for the one of a name: PHP leaves out blanks in front, and reads
/// dots and blanks as underscores.
fn is_named(known: &[u8], name: &[u8]) -> bool {
    let fold = |byte: &u8| match byte {
        b'.' | b' ' | b'+' => b'_',
        other => other.to_ascii_lowercase(),
    };
    known.len() == name.len()
        && known.iter().zip(name).all(|(one, other)| {
            one.eq_ignore_ascii_case(other) || *one == b'_' && fold(other) == b'_'
        })
}

fn add_override(text: &[u8], method: &[u8], found: &mut Vec<&'static [u8]>) {
    let same = |known: &&&[u8]| known.eq_ignore_ascii_case(text);
    let known = STANDARD.iter().find(same).or_else(|| OTHERS.iter().find(same));
    if let Some(known) = known
        && *known != method
        && !found.contains(known)
    {
        found.push(known);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_those_of_php_too() {
        for (path, expect) in [
            ("/?_method=PUT", &[&b"PUT"[..]][..]),
            ("/?.method=PUT", &[b"PUT"]),
            ("/?+_method=PUT", &[b"PUT"]),
            ("/? .method=put", &[b"PUT"]),
            ("/?a.method=PUT", &[]),
            ("/?=PUT", &[]),
            ("/?++=PUT", &[]),
        ] {
            let request =
                Request { method: b"GET", path: Some(path.as_bytes()), ..Request::default() };
            assert_eq!(overrides(&request), expect, "{path}");
        }
    }

    #[test]
    fn methods_are_read_as_lenient_servers_read_them() {
        assert!(STANDARD.is_sorted() && OTHERS.is_sorted());
        for (method, known, expect) in [
            ("GET", true, &[][..]),
            ("", true, &[]),
            ("PROPFIND", true, LENIENT),
            ("FOO", false, LENIENT),
            ("get", false, &[&b"GET"[..]]),
        ] {
            assert_eq!(is_known(method.as_bytes()), known, "{method}");
            assert_eq!(readings(method.as_bytes()), expect, "{method}");
        }
    }

    #[test]
    fn a_method_is_overridden_by_headers_and_parameters() {
        for (header, path, expect) in [
            (None, "/a?b=c", &[][..]),
            (Some("PUT"), "/", &["PUT"]),
            (Some(" put , delete,PUT"), "/", &["PUT", "DELETE"]),
            (Some("x"), "/", &[]),
            // Its own.
            (Some("POST"), "/?_method=post", &[]),
            (None, "/a.json?x-http-method-override=PUT", &["PUT"]),
            (None, "/a?$httpHeaders=X-HTTP-Method-Override:PUT", &["PUT"]),
            (
                None,
                "/a?%24httpHeaders=Authorization%3ABearer%20x%0D%0Ax-http-method-override%3A%20delete",
                &["DELETE"],
            ),
            (None, "/a?$httpHeaders=Authorization:PUT", &[]),
            (None, "/a?b&_METHOD=delete", &["DELETE"]),
            (None, "/a?%5fmethod=%44ELETE", &["DELETE"]),
            (None, "/a?method=search", &[]),
            (None, "/a?Method=delete", &["DELETE"]),
            (None, "/a?method=flickr.test.echo&a=b", &[]),
            (Some("MERGE"), "/?$httpMethod=PATCH", &["MERGE", "PATCH"]),
        ] {
            let request = Request {
                method: b"POST",
                path: Some(path.as_bytes()),
                method_override: header.map(str::as_bytes),
                ..Request::default()
            };
            let found = overrides(&request);
            let found: Vec<_> = found.iter().map(|it| str::from_utf8(it).unwrap()).collect();
            assert_eq!(found, expect, "{header:?} {path}");
            let query = path.split_once('?').map(|(_, query)| query.as_bytes());
            let may_override = may_override(&request, query);
            assert!(found.is_empty() || may_override || path.contains('%'), "{path}");
        }
    }
}
