//! What of a request may leave the gateway: a template, not the secrets (DESIGN.md, invariant 11).
//!
//! Bot tokens, webhook tokens, keys and signatures are in paths and queries. Where a service says
//! what is where, its template names the places (`/bot{bot}:{secret}/sendMessage`). Everywhere
//! else a path segment stays only if it reads like a word of an API, and of the query only such names
//! of parameters: signatures, tokens, keys and encoded credentials need not be known to be left out.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::pack::{Part, PartKind, Tables};
use crate::secret::is_in_label;
use crate::service::{ServiceMatch, path_templates, plain_host, segments};
use crate::views::{decoded_authority, hidden_hosts, is_known_method};

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
/// Most digits of a port; a longer number may be a secret.
const MAX_PORT_DIGITS: usize = 5;
/// Most segments and parameters that a template shows; the rest is left out.
const MAX_PARTS: usize = 16;

/// Returns the template of a path and query: where a service of the pack says what is there, the names
/// of its places; else words stay and everything else becomes `{}`.
///
/// Of a path that is spelt oddly, at a host whose service says where secrets are, only the words of the
/// service's templates stay: a server may read a secret where the template has none. The same is true for a path that
/// names another target, as those of proxies that hide it: its service's secrets are somewhere behind that.
///
/// It is the only template of a path, so that whatever shows one can be joined with the filter's
/// events. Takes the path as it came; returns printable ASCII without white space, at most some hundred
/// bytes.
pub fn path_template(tables: &Tables, authority: &[u8], path: &[u8]) -> String {
    let plain = || with_known(path, std::iter::empty());
    // A host that is spelt oddly has its secrets in the same places.
    let decoded = decoded_authority(authority);
    let host = plain_host(authority).or_else(|| plain_host(&decoded));
    let Some(host) = host else { return plain() };
    let parts = ServiceMatch::of(tables, &host, Some(path)).map_or(&[][..], |found| found.parts);
    let known: Vec<String> = segments(parts).map(|parts| known_segment(tables, parts)).collect();
    let mut words = Vec::new();
    if is_odd(path) {
        words.extend(path_templates(tables, &host).flat_map(|of| texts(tables, of)));
    }
    let mut is_hidden = false;
    match targets_within(&host, path) {
        Some(targets) => {
            for target in &targets {
                words.extend(path_templates(tables, target).flat_map(|of| texts(tables, of)));
            }
        }
        None => is_hidden = true,
    }
    if words.is_empty() && !is_hidden {
        return with_known(path, known.into_iter());
    }
    // A server may find the places of a template elsewhere in it.
    let others = stem(path).split(|byte| *byte == b'/').take(MAX_PARTS + 2).skip(1 + known.len());
    let others = others.map(|segment| {
        let is_segment = |word: &&str| word.as_bytes().eq_ignore_ascii_case(segment);
        let word = words.iter().copied().find(is_segment);
        // The host of a target, and its scheme.
        let is_shown = segment.is_empty()
            || segment.ends_with(b":")
            || plain_host(segment).is_some_and(|host| host.contains(&b'.'));
        word.or(self::words(segment).filter(|_| is_shown)).unwrap_or(REDACTED).to_owned()
    });
    let known: Vec<String> = known.into_iter().chain(others).collect();
    with_known(path, known.into_iter())
}

/// Returns the path without its query.
fn stem(path: &[u8]) -> &[u8] {
    path.split(|byte| *byte == b'?').next().unwrap_or_default()
}

/// The hosts that a path names in what of it is shown, each once; `None` if there are too many to look at.
fn targets_within(host: &[u8], path: &[u8]) -> Option<BTreeSet<Vec<u8>>> {
    let stem = stem(path);
    let slashes = stem.iter().enumerate().filter(|(_, byte)| **byte == b'/');
    let end = slashes.map(|(at, _)| at).nth(MAX_PARTS + 1).unwrap_or(stem.len());
    let shown = stem.get(..end).unwrap_or(stem);
    // Parameters change what the name of a proxy means.
    let query = path.get(stem.len()..).unwrap_or_default();
    let whole = [shown, query].concat();
    let hidden = hidden_hosts(host, &whole);
    let plain = |target| plain_host(target).map(Cow::into_owned);
    let mut targets: BTreeSet<_> = hidden.iter().filter_map(|target| plain(target)).collect();
    let ends = |byte: &u8| matches!(byte, b'/' | b'\\' | b'?' | b'&' | b'=' | b' ');
    for part in decoded_authority(shown).split(ends).filter(|part| part.contains(&b'.')) {
        targets.extend(plain(part));
        if targets.len() > MAX_TARGETS {
            break;
        }
    }
    (targets.len() <= MAX_TARGETS).then_some(targets)
}

/// Most hosts in a path whose services are looked up; of a path with more no word is shown.
const MAX_TARGETS: usize = 64;

/// Returns true if a server may read a path as another one: of empty segments, dot segments, parameters,
/// escapes or backslashes.
fn is_odd(path: &[u8]) -> bool {
    let path = stem(path);
    let mut segments = path.split(|byte| *byte == b'/').skip(1).peekable();
    let mut is_odd = path.iter().any(|byte| !byte.is_ascii_graphic() || b"%;\\#".contains(byte));
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        is_odd |= matches!(segment, b"." | b"..") || segment.is_empty() && !is_last;
    }
    is_odd
}

/// Returns the segments of a template that are text and nothing else.
fn texts<'p>(tables: &'p Tables, template: &'p [Part]) -> impl Iterator<Item = &'p str> {
    segments(template).filter_map(|parts| match parts {
        [Part { kind: PartKind::Text, text }] => Some(tables.str(*text)),
        _ => None,
    })
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

/// Returns a host as it may be shown: without userinfo, in whatever encoding, without what follows the name
/// and port in whatever encoding, without labels in which a key is, and with bytes that are not printable escaped.
///
/// A host in which nothing was hidden is shown as sent, so that its spelling can be seen.
pub fn host(authority: &[u8]) -> String {
    let decoded = decoded_authority(authority);
    let user = decoded.iter().rposition(|byte| *byte == b'@');
    let hosts = user.map_or(&*decoded, |at| decoded.get(at + 1..).unwrap_or_default());
    let mut text = Vec::new();
    let mut is_whole = user.is_none();
    for (idx, part) in hosts.split(|byte| *byte == b',').enumerate() {
        if idx > 0 {
            text.push(b',');
        }
        is_whole &= show_host(part, idx == 0, &mut text);
    }
    let text = if is_whole { authority } else { &text };
    text.get(..255).unwrap_or(text).escape_ascii().to_string()
}

/// Returns a method that programs send, or one that reads like a word of an API; any other may be a secret, since
/// HTTP/2 carries any text as a method, and is left out.
pub fn method(method: &[u8]) -> &str {
    if is_known_method(method) {
        return str::from_utf8(method).unwrap_or(REDACTED);
    }
    words(method).unwrap_or(REDACTED)
}

/// Adds one host with its port; anything else may be a secret, and is left out with its first byte before it.
/// Returns true if nothing is left out.
fn show_host(part: &[u8], is_first: bool, text: &mut Vec<u8>) -> bool {
    let (name, rest) = part.split_at_checked(name_length(part)).unwrap_or((part, &[]));
    if !is_first && !is_full_name(name) {
        text.extend_from_slice(REDACTED.as_bytes());
        return false;
    }
    let is_plain = show_name(name, text);
    let rest = match rest.strip_prefix(b":") {
        Some(behind) => {
            let n_digits = behind.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let (port, behind) = behind.split_at_checked(n_digits).unwrap_or((behind, &[]));
            if n_digits > MAX_PORT_DIGITS || behind.first().is_some_and(u8::is_ascii_alphanumeric) {
                rest
            } else {
                text.push(b':');
                text.extend_from_slice(port);
                behind
            }
        }
        None => rest,
    };
    let Some(delimiter) = rest.first() else { return is_plain };
    text.extend(Some(*delimiter).filter(|byte| !byte.is_ascii_alphanumeric()));
    text.extend_from_slice(REDACTED.as_bytes());
    false
}

/// Adds a name without the labels in which a key is. Returns true if nothing is left out.
fn show_name(name: &[u8], text: &mut Vec<u8>) -> bool {
    let mut is_plain = true;
    for (idx, label) in name.split(|byte| *byte == b'.').enumerate() {
        if idx > 0 {
            text.push(b'.');
        }
        let is_key = is_in_label(label);
        is_plain &= !is_key;
        text.extend_from_slice(if is_key { REDACTED.as_bytes() } else { label });
    }
    is_plain
}

/// The number of bytes that the name or address at the start has. Letters of all scripts are part of names.
fn name_length(part: &[u8]) -> usize {
    let is_of_v6 = |byte: &u8| byte.is_ascii_hexdigit() || b":.".contains(byte);
    if let Some(inside) = part.strip_prefix(b"[") {
        let n_bytes = inside.iter().take_while(|byte| is_of_v6(byte)).count();
        return if inside.get(n_bytes) == Some(&b']') { n_bytes + 2 } else { 1 };
    }
    let n_colons = part.iter().filter(|byte| **byte == b':').count();
    if n_colons > 1 && part.iter().all(is_of_v6) {
        return part.len();
    }
    let Some(chunk) = part.utf8_chunks().next() else { return 0 };
    let is_of_name = |char: char| char.is_alphanumeric() || matches!(char, '-' | '.' | '_');
    chunk.valid().find(|char| !is_of_name(char)).unwrap_or(chunk.valid().len())
}

/// Returns true if a further host of a list is one by its form: an address, or labels of which the last
/// consists of letters. Others may be a secret behind a comma.
fn is_full_name(name: &[u8]) -> bool {
    let name = name.strip_suffix(b".").unwrap_or(name);
    let (last, above) = match name.iter().rposition(|byte| *byte == b'.') {
        Some(dot) => (name.get(dot + 1..).unwrap_or_default(), name.get(..dot).unwrap_or_default()),
        None => return name.starts_with(b"["),
    };
    let is_address = name.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    let is_domain = (2..=MAX_WORD_BYTES).contains(&last.len())
        && last.iter().all(u8::is_ascii_alphabetic)
        && !above.is_empty();
    is_address || is_domain
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
    fn a_method_that_is_no_word_is_left_out() {
        for (sent, expect) in [
            ("GET", "GET"),
            ("BITS_POST", "BITS_POST"),
            ("", ""),
            ("get", "get"),
            ("FOO", "FOO"),
            ("ghp_0123456789abcdefghijABCDEFGHIJ", "{}"),
            ("QUtJQUlPU0ZPRE5ON0VYQU1QTEU", "{}"),
            ("GET\u{e9}", "{}"),
        ] {
            assert_eq!(method(sent.as_bytes()), expect, "{sent}");
        }
        assert_eq!(method(&[b'A'; 300]), "{}");
    }

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
            ("a.example:80/token", "a.example:80/{}"),
            ("a.example:80:token", "a.example:80:{}"),
            ("a.example:80token", "a.example:{}"),
            ("a.example:8080808080", "a.example:{}"),
            ("[::1]:80:token", "[::1]:80:{}"),
            ("[token", "[{}"),
            ("[::1]token", "[::1]{}"),
            ("[cafe", "[{}"),
            ("a.example%3atoken", "a.example:{}"),
            ("a.example%253atoken", "a.example:{}"),
            ("%61.example%3atoken", "a.example:{}"),
            ("a.example%3a80", "a.example%3a80"),
            ("a.example%2ftoken", "a.example/{}"),
            ("a.example%5ctoken", "a.example\\\\{}"),
            ("a.example%3ftoken", "a.example?{}"),
            ("a.example%23token", "a.example#{}"),
            ("a.example;token", "a.example;{}"),
            ("a.example%3btoken", "a.example;{}"),
            ("a.example&commat;token", "a.example&{}"),
            ("a.example=token", "a.example={}"),
            ("a.example%zztoken", "a.example%{}"),
            ("a.example%20token", "a.example {}"),
            ("a.example\u{ff0f}token", "a.example/{}"),
            ("a.example,token", "a.example,{}"),
            ("a.example%2ctoken", "a.example,{}"),
            ("a.example,eyJh.eyJz.dozjgNryP4J3", "a.example,{}"),
            ("a.example,203.0.113.7:80", "a.example,203.0.113.7:80"),
            // A key in a label, in any case.
            ("ghp_abcdefghijklmnopqrstuvwxyz0123456789.a.example:443", "{}.a.example:443"),
            ("b.GHP_abcdefghijklmnopqrstuvwxyz0123456789.a.example", "b.{}.a.example"),
            ("akiaiosfodnn7example.a.example/token", "{}.a.example/{}"),
            ("a.example,akiaiosfodnn7example.b.example", "a.example,{}.b.example"),
        ] {
            assert_eq!(host(authority.as_bytes()), expect, "{authority}");
        }
        assert_eq!(host(b"a\xff\"\n"), "a\\xff{}");
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
