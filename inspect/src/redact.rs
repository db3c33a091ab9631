//! What of a request may leave the gateway: a template, not the secrets (DESIGN.md, invariant 11).
//!
//! Bot tokens, webhook tokens, keys and signatures are in paths and queries. Where a service says
//! what is where, its template names the places (`/bot{bot}:{secret}/sendMessage`). Everywhere
//! else a path segment stays only if it reads like a word of an API, and of the query only such names
//! of parameters: signatures, tokens, keys and encoded credentials need not be known to be left out.

use crate::pack::{Part, PartKind, Tables};
use crate::service::{ServiceMatch, plain_host, segments};
use crate::views::decoded_authority;

/// Replaces what is left out.
pub const REDACTED: &str = "{}";

/// Longest segment that counts as words; a longer one counts as a secret.
const MAX_SEGMENT_BYTES: usize = 40;
/// Longest word; random letters are longer.
const MAX_WORD_BYTES: usize = 16;
/// Longest run of letters between two vowels of a word (`y` is one): `lengths` has five.
const MAX_CONSONANTS: usize = 5;
/// Longest word without a vowel: `https`, `rss`.
const MAX_MUTE_BYTES: usize = 5;
/// Most digits in a segment that is taken for words (`v2`, `2021`).
const MAX_WORD_DIGITS: usize = 4;
/// Most words in a segment: a token with dashes has many short pieces.
const MAX_WORDS: usize = 6;
/// Fewest letters of a segment that is shown behind a service's template.
const MIN_OPERATION_LETTERS: usize = 4;
/// Most segments and parameters that a template shows; the rest is left out.
const MAX_PARTS: usize = 16;

/// Returns the template of a path and query: where a service of the pack says what is there, the names
/// of its places; else words stay and everything else becomes `{}`.
///
/// It is the only template of a path, so that whatever shows one can be joined with the filter's
/// events. Takes the path as it came; returns printable ASCII without white space, at most some hundred
/// bytes.
pub fn path_template(tables: &Tables, authority: &[u8], path: &[u8]) -> String {
    let plain = || with_known(path, std::iter::empty());
    // A host that is spelt oddly has its secrets in the same places.
    let host = plain_host(authority).or_else(|| plain_host(&decoded_authority(authority)));
    let Some(host) = host else { return plain() };
    match ServiceMatch::of(tables, &host, Some(path)) {
        Some(matched_service) if !matched_service.parts.is_empty() => {
            let known = segments(matched_service.parts);
            with_known(path, known.map(|parts| known_segment(tables, parts)))
        }
        _ => plain(),
    }
}

/// A segment as the service's template writes it: no byte of it is the request's.
fn known_segment(tables: &Tables, parts: &[Part]) -> String {
    let mut shown = String::new();
    for part in parts {
        let name = tables.str(part.text);
        match part.kind {
            PartKind::Text => shown.push_str(name),
            PartKind::Any | PartKind::Slash | PartKind::Query | PartKind::Commit => {
                shown.push_str(REDACTED);
            }
            PartKind::Namespace => {}
            PartKind::Identity | PartKind::Label | PartKind::Secret => {
                shown.push('{');
                shown.push_str(name);
                shown.push('}');
            }
        }
    }
    shown
}

fn with_known(path: &[u8], mut known: impl Iterator<Item = String>) -> String {
    let mut halves = path.splitn(2, |byte| *byte == b'?');
    let stem = halves.next().unwrap_or_default();
    let mut template = String::new();
    let mut is_known = false;
    for (idx, segment) in stem.split(|byte| *byte == b'/').enumerate() {
        if idx > 0 {
            template.push('/');
        }
        if idx > MAX_PARTS {
            template.push_str(REDACTED);
            break;
        }
        // Before the first slash there is nothing.
        match if idx > 0 { known.next() } else { None } {
            Some(segment) => {
                is_known = true;
                template.push_str(&segment);
            }
            None => {
                let word = words(segment).filter(|word| !is_known || is_operation(word));
                template.push_str(word.unwrap_or(REDACTED));
            }
        }
    }
    let Some(query) = halves.next() else { return template };
    for (idx, parameter) in query.split(|byte| *byte == b'&').take(MAX_PARTS).enumerate() {
        template.push(if idx == 0 { '?' } else { '&' });
        let mut halves = parameter.splitn(2, |byte| *byte == b'=');
        let name = halves.next().unwrap_or_default();
        // Without `=` the parameter is a value, not a name.
        match (words(name), halves.next()) {
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

/// Returns a host as it may be shown: without userinfo, in whatever encoding, without a path, and with
/// bytes that are not printable escaped.
///
/// A host in which nothing was hidden is shown as sent, so that its spelling can be seen.
pub fn host(authority: &[u8]) -> String {
    let decoded = decoded_authority(authority);
    let shown = match decoded.iter().rposition(|byte| *byte == b'@') {
        Some(at) => decoded.get(at + 1..).unwrap_or_default(),
        None => authority,
    };
    let mut text = Vec::new();
    for (idx, part) in shown.split(|byte| *byte == b',').enumerate() {
        if idx > 0 {
            text.push(b',');
        }
        show_host(part, &mut text);
    }
    let text = text.get(..255).unwrap_or(&text);
    text.escape_ascii().to_string()
}

/// Adds one host with its port; what follows a slash, and a port that is not a number, may be a secret.
fn show_host(part: &[u8], text: &mut Vec<u8>) {
    let is_end = |byte: &u8| matches!(byte, b'/' | b'\\' | b'?' | b'#');
    let end = part.iter().position(is_end).unwrap_or(part.len());
    let (host, rest) = part.split_at_checked(end).unwrap_or((part, &[]));
    let is_v6 = host.contains(&b'[')
        || host.iter().filter(|byte| **byte == b':').count() > 1
            && host.iter().all(|byte| byte.is_ascii_hexdigit() || b":.".contains(byte));
    let colon = host.iter().position(|byte| *byte == b':').filter(|_| !is_v6);
    match colon.and_then(|colon| host.split_at_checked(colon)) {
        Some((name, port)) if !port.iter().skip(1).all(u8::is_ascii_digit) => {
            text.extend_from_slice(name);
            text.push(b':');
            text.extend_from_slice(REDACTED.as_bytes());
        }
        _ => text.extend_from_slice(host),
    }
    if let Some(delimiter) = rest.first() {
        text.push(*delimiter);
        text.extend_from_slice(REDACTED.as_bytes());
    }
}

/// Returns the segment if it consists of words of an API and is neither an identifier nor a secret.
fn words(segment: &[u8]) -> Option<&str> {
    let n_digits = segment.iter().filter(|byte| byte.is_ascii_digit()).count();
    let is_break = |byte: &u8| matches!(byte, b'-' | b'_' | b'.' | b'~' | b'$' | b'@');
    let n_words = segment.split(is_break).map(n_humps).sum::<usize>();
    let fits = segment.len() <= MAX_SEGMENT_BYTES
        && n_digits <= MAX_WORD_DIGITS
        && n_words <= MAX_WORDS
        && segment.split(is_break).all(is_word);
    str::from_utf8(segment).ok().filter(|_| fits)
}

/// Returns true if a segment behind those of a service's template may be shown. A secret that a client
/// splits or appends continues there, so digits and short words are not shown.
fn is_operation(segment: &str) -> bool {
    let n_letters = segment.bytes().filter(u8::is_ascii_alphabetic).count();
    n_letters >= MIN_OPERATION_LETTERS && !segment.bytes().any(|byte| byte.is_ascii_digit())
}

/// How many words `sendDocument` has: where a capital follows a small letter one begins.
fn n_humps(piece: &[u8]) -> usize {
    let starts = piece
        .windows(2)
        .filter(|pair| matches!(pair, [a, b] if a.is_ascii_lowercase() && b.is_ascii_uppercase()));
    starts.count() + usize::from(!piece.is_empty())
}

/// Returns true if a piece without dashes and dots reads like words: `v2`, `getUpdates`, `OAuth`, `2021`.
fn is_word(piece: &[u8]) -> bool {
    // Digits are alone or at the end: `eu7Xk2` is an identifier.
    let n_letters = piece.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let (letters, digits) = piece.split_at_checked(n_letters).unwrap_or((piece, &[]));
    if !digits.iter().all(u8::is_ascii_digit) || n_letters > 0 && digits.len() > 3 {
        return false;
    }
    // A capital behind capitals and before small letters begins a word too, as in `OAuth`; two such
    // changes within one word are random.
    let mut rest = letters;
    while !rest.is_empty() {
        let n_capitals = rest.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
        let n_small =
            rest.iter().skip(n_capitals).take_while(|byte| byte.is_ascii_lowercase()).count();
        let (word, behind) = rest.split_at_checked(n_capitals + n_small).unwrap_or((rest, &[]));
        let all_capitals = n_small == 0;
        // A hump of one or two letters is rare in words and common in tokens.
        let is_short = word.len() < 3 && word.len() < letters.len();
        if n_capitals > if all_capitals { MAX_MUTE_BYTES } else { 2 }
            || is_short
            || !is_spoken(word)
        {
            return false;
        }
        rest = behind;
    }
    true
}

/// Returns true if letters can be spoken: vowels at the distances that words have.
fn is_spoken(word: &[u8]) -> bool {
    let is_vowel = |byte: &u8| b"aeiouyAEIOUY".contains(byte);
    let longest = word.split(is_vowel).map(<[u8]>::len).max().unwrap_or_default();
    word.len() <= MAX_WORD_BYTES
        && (longest < word.len() || word.len() <= MAX_MUTE_BYTES)
        && longest <= MAX_CONSONANTS
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
            let template = with_known(path.as_bytes(), std::iter::empty());
            assert_eq!(template, expect, "{path}");
        }
    }

    #[test]
    fn hosts_lose_their_userinfo_however_it_is_encoded() {
        for (authority, expect) in [
            ("user:pass@a.example:443", "a.example:443"),
            ("user:pass%40a.example", "a.example"),
            ("user%3Apass%40a.example:443", "a.example:443"),
            ("user:pass%2540a.example", "a.example"),
            ("user%253Apass%252540a.example", "a.example"),
            ("user:pass%u0040a.example", "a.example"),
            ("user:pass%EF%BC%A0a.example", "a.example"),
            ("user:pass\u{ff20}a.example", "a.example"),
            ("user:pass%\u{ad}40a.example", "a.example"),
            ("x@user:pass%40a.example", "a.example"),
            ("user:pass@b.example,a.example", "b.example,a.example"),
            // Where nothing is hidden the spelling stays.
            ("API.telegram.org.", "API.telegram.org."),
            ("%61.example", "%61.example"),
            ("[::1]:443", "[::1]:443"),
            ("2001:db8::1", "2001:db8::1"),
            ("a.example,b.example:80", "a.example,b.example:80"),
            // What is no part of a host may be a secret.
            ("a.example:pass", "a.example:{}"),
            ("user:pass", "user:{}"),
            ("a.example/token?x", "a.example/{}"),
            ("a.example\\token", "a.example\\\\{}"),
        ] {
            assert_eq!(host(authority.as_bytes()), expect, "{authority}");
        }
        assert_eq!(host(b"a\xff\"\n"), "a\\xff\\\"\\n");
    }

    #[test]
    fn behind_a_template_only_long_words_are_shown() {
        let known = || ["services", "{tenant}"].map(str::to_owned).into_iter();
        for (path, expect) in [
            ("/services/T1/1234", "/services/{tenant}/{}"),
            ("/services/T1/hunter/ab", "/services/{tenant}/hunter/{}"),
            ("/services/T1/v2/x", "/services/{tenant}/{}/{}"),
            ("/services/T1/messages", "/services/{tenant}/messages"),
        ] {
            assert_eq!(with_known(path.as_bytes(), known()), expect, "{path}");
        }
    }
}
