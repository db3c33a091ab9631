//! Methods that servers know, and what lenient ones take another one for.

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
pub(super) fn is_known(method: &[u8]) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
