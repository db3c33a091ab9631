//! What of a request may leave the gateway: a template, not the secrets (DESIGN.md, invariant 11).
//!
//! Bot tokens, webhook tokens, keys and signatures stand in paths and queries. Until a Service says
//! where (which services do is the business of packs), every path segment that could be one is
//! replaced, and of the query only the names of parameters stay.

/// What stands for something that was left out.
pub const REDACTED: &str = "{}";

/// Longest segment that can be a word; a longer one is taken for a secret.
const MAX_WORD_BYTES: usize = 20;
/// Most digits in a segment that is taken for a word (`v2`, `2021-06`).
const MAX_WORD_DIGITS: usize = 4;
/// Most segments and parameters that a template shows; the rest is left out.
const MAX_PARTS: usize = 16;

/// The template of a path and query: words stay, everything else becomes `{}`.
///
/// Takes the path as it came; gives printable ASCII without white space, at most some hundred bytes.
pub fn path_template(path: &[u8]) -> String {
    let mut halves = path.splitn(2, |byte| *byte == b'?');
    let stem = halves.next().unwrap_or_default();
    let mut template = String::new();
    for (idx, segment) in stem.split(|byte| *byte == b'/').enumerate() {
        if idx > 0 {
            template.push('/');
        }
        if idx > MAX_PARTS {
            template.push_str(REDACTED);
            break;
        }
        template.push_str(word(segment).unwrap_or(REDACTED));
    }
    let Some(query) = halves.next() else { return template };
    for (idx, parameter) in query.split(|byte| *byte == b'&').take(MAX_PARTS).enumerate() {
        template.push(if idx == 0 { '?' } else { '&' });
        let mut halves = parameter.splitn(2, |byte| *byte == b'=');
        let name = halves.next().unwrap_or_default();
        // Without `=` the parameter is a value, not a name.
        match (word(name), halves.next()) {
            (Some(name), Some(_)) => {
                template.push_str(name);
                template.push('=');
                template.push_str(REDACTED);
            }
            _ => template.push_str(REDACTED),
        }
    }
    template
}

/// A host as it may be shown: without userinfo, and with bytes that are not printable escaped.
pub fn host(authority: &[u8]) -> String {
    let host = authority.rsplit(|byte| *byte == b'@').next().unwrap_or_default();
    let host = host.get(..255).unwrap_or(host);
    host.escape_ascii().to_string()
}

/// The segment if it is a word of an API and not an identifier or a secret.
fn word(segment: &[u8]) -> Option<&str> {
    let n_digits = segment.iter().filter(|byte| byte.is_ascii_digit()).count();
    let plain =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    let starts_upper = segment
        .windows(2)
        .filter(|pair| matches!(pair, [a, b] if a.is_ascii_lowercase() && b.is_ascii_uppercase()));
    let fits = segment.len() <= MAX_WORD_BYTES
        && n_digits <= MAX_WORD_DIGITS
        // `eu7Xk2`: digits between letters of both cases are an identifier, `getUpdates` is a word.
        && !(n_digits > 1 && segment.iter().any(u8::is_ascii_uppercase))
        && starts_upper.count() <= 3
        && segment.iter().all(plain);
    str::from_utf8(segment).ok().filter(|_| fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_keep_words_and_drop_secrets() {
        for (path, expect) in [
            ("/", "/"),
            ("", ""),
            ("/bot123456789:AAE-secret_x/sendDocument", "/{}/sendDocument"),
            (
                "/api/webhooks/112233445566778899/tOkEn-abcDEF0123456789abcdefghij",
                "/api/webhooks/{}/{}",
            ),
            ("/services/T0AB12CD3/B0EF45GH6/abcdefghijklmnopqrstuvwx", "/services/{}/{}/{}"),
            ("/v1/chat/completions", "/v1/chat/completions"),
            ("/a?key=AIzaSecret&alt=json", "/a?key={}&alt={}"),
            ("/a?eyJhbGciOiJIUzI1NiJ9", "/a?{}"),
            ("/caf\u{e9}/x y", "/{}/{}"),
        ] {
            assert_eq!(path_template(path.as_bytes()), expect, "{path}");
        }
    }

    #[test]
    fn hosts_lose_their_userinfo() {
        assert_eq!(host(b"user:pass@a.example:443"), "a.example:443");
        assert_eq!(host(b"a\xff\"\n"), "a\\xff\\\"\\n");
    }
}
