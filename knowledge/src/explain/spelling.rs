//! The readings of a request, and what was undone between it as it was sent and each of them, in words.

use diagnostics::printable;
use inspect::{View, Views};
use traffic::RecordedRequest;

/// Most escapes that are listed one by one.
const MAX_ESCAPES: usize = 3;

/// What a view is, for people who do not know its name.
pub fn view_meaning(view: View) -> &'static str {
    match view {
        View::Raw => "as it was sent",
        View::Canonical => "as a careful server reads it",
        View::Decoded => "as the most lenient server may read it",
        View::ServerName => "with the server name of TLS as the host",
        View::Tunnel => "with the name that CONNECT asked for as the host",
    }
}

/// A request in a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The view.
    pub view: View,
    /// The URL, or the authority of a CONNECT; printable.
    pub url: String,
    /// What was undone to come from the request as it was sent to this.
    pub undone: Vec<String>,
}

/// The readings of a request that differ; the first is the request as it was sent.
pub(super) fn readings(recorded: &RecordedRequest) -> Vec<Reading> {
    let sent = Spelling {
        authority: &recorded.authority,
        path: recorded.path.as_deref().unwrap_or_default(),
    };
    let url = printable(&recorded.url());
    let mut readings = vec![Reading { view: View::Raw, url, undone: Vec::new() }];
    for form in Views::of(&recorded.lend()).forms() {
        let reading = RecordedRequest {
            authority: form.authority.clone().unwrap_or_else(|| recorded.authority.clone()),
            path: form.path.clone().or_else(|| recorded.path.clone()),
            ..recorded.clone()
        };
        let url = printable(&reading.url());
        if readings.iter().any(|known| known.url == url) {
            continue;
        }
        let read = Spelling {
            authority: &reading.authority,
            path: reading.path.as_deref().unwrap_or_default(),
        };
        let undone = match form.view {
            View::Raw | View::Canonical | View::Decoded => undone(sent, read),
            View::ServerName | View::Tunnel => Vec::new(),
        };
        readings.push(Reading { view: form.view, url, undone });
    }
    readings
}

/// The host and path of a request or of a reading of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spelling<'r> {
    pub(super) authority: &'r [u8],
    pub(super) path: &'r [u8],
}

/// Lists what differs in a reading, in the order of the URL. Empty for the same spelling.
pub(super) fn undone(sent: Spelling<'_>, read: Spelling<'_>) -> Vec<String> {
    let mut list = Vec::new();
    of_host(sent.authority, read.authority, &mut list);
    of_path(sent.path, read.path, &mut list);
    list
}

fn of_host(sent: &[u8], read: &[u8], list: &mut Vec<String>) {
    if sent == read {
        return;
    }
    let n_before = list.len();
    let mut say = |holds: bool, what: &str| {
        if holds {
            list.push(what.to_owned());
        }
    };
    let has = |text: &[u8], byte: u8| text.contains(&byte);
    say(sent.iter().any(u8::is_ascii_uppercase), "capital letters of the host");
    say(has(sent, b'%') && !has(read, b'%'), "escapes in the host");
    say(has(sent, b'@') && !has(read, b'@'), "a user name before the host");
    say(!sent.is_ascii() && read.is_ascii(), "letters beyond ASCII in the host");
    say(
        host_of(sent).ends_with(b".") && !host_of(read).ends_with(b"."),
        "a dot at the end of the host",
    );
    say(sent.starts_with(b".") && !read.starts_with(b"."), "a dot at the start of the host");
    say(has(sent, b':') && !has(read, b':'), "the port");
    if !alike(host_of(sent), host_of(read)) && list.len() == n_before {
        list.push(format!("another host in place of `{}`", printable(sent)));
    }
}

/// The host without a port.
fn host_of(authority: &[u8]) -> &[u8] {
    let end = authority.iter().rposition(|byte| *byte == b':').filter(|at| {
        authority.get(at + 1..).is_some_and(|port| port.iter().all(u8::is_ascii_digit))
    });
    authority.get(..end.unwrap_or(authority.len())).unwrap_or_default()
}

fn alike(left: &[u8], right: &[u8]) -> bool {
    let trimmed = |text: &[u8]| text.strip_suffix(b".").unwrap_or(text).to_ascii_lowercase();
    trimmed(left) == trimmed(right)
}

fn of_path(sent: &[u8], read: &[u8], list: &mut Vec<String>) {
    if sent == read {
        return;
    }
    let n_before = list.len();
    let contains = |text: &[u8], piece: &[u8]| text.windows(piece.len()).any(|part| part == piece);
    let (escapes, n_escapes) = decoded(sent, read);
    if n_escapes > MAX_ESCAPES {
        list.push(format!("{n_escapes} escapes, such as {}", escapes.join(", ")));
    } else if n_escapes > 0 {
        list.push(format!("escapes: {}", escapes.join(", ")));
    }
    for (piece, what) in [
        (&b"//"[..], "slashes in a row"),
        (b"/../", "`..` segments"),
        (b"/./", "`.` segments"),
        (b"\\", "backslashes"),
        (b";", "parameters behind `;`"),
    ] {
        if contains(sent, piece) && !contains(read, piece) {
            list.push(what.to_owned());
        }
    }
    if !sent.is_ascii() && read.is_ascii() {
        list.push("characters beyond ASCII in the path".to_owned());
    }
    if list.len() == n_before {
        let is_case = sent.eq_ignore_ascii_case(read);
        list.push(
            if is_case {
                "the case of letters in the path"
            } else {
                "another spelling of the path"
            }
            .to_owned(),
        );
    }
}

/// Escapes that the reading has less often, the first as `%62` is `b`; and how many there are.
fn decoded(sent: &[u8], read: &[u8]) -> (Vec<String>, usize) {
    let count = |text: &[u8], escape: &[u8]| {
        text.windows(escape.len()).filter(|part| part.eq_ignore_ascii_case(escape)).count()
    };
    let mut seen: Vec<Vec<u8>> = Vec::new();
    for window in sent.windows(3) {
        let [b'%', digits @ ..] = window else { continue };
        let is_escape = digits.iter().all(u8::is_ascii_hexdigit);
        if is_escape
            && !seen.iter().any(|known| known == window)
            && count(sent, window) > count(read, window)
        {
            seen.push(window.to_vec());
        }
    }
    let words = seen.iter().take(MAX_ESCAPES).filter_map(|escape| {
        let digits = str::from_utf8(escape.get(1..)?).ok()?;
        let byte = u8::from_str_radix(digits, 16).ok()?;
        let name = String::from_utf8_lossy(escape);
        Some(format!("`{name}` is `{}`", printable(&[byte])))
    });
    (words.collect(), seen.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_spelling_says_what_was_undone() {
        for (sent, read, expect) in [
            (("a.example", "/x"), ("a.example", "/x"), &[][..]),
            (
                ("A.example.", "/x"),
                ("a.example", "/x"),
                &["capital letters of the host", "a dot at the end of the host"],
            ),
            (("a.example:443", "/x"), ("a.example", "/x"), &["the port"]),
            (("u@a.example", "/x"), ("a.example", "/x"), &["a user name before the host"]),
            (("a.example", "/%62ot"), ("a.example", "/bot"), &["escapes: `%62` is `b`"]),
            (
                ("a.example", "/x//y/../z"),
                ("a.example", "/x/z"),
                &["slashes in a row", "`..` segments"],
            ),
            (
                ("a.example", "/%61%62%63%64"),
                ("a.example", "/abcd"),
                &["4 escapes, such as `%61` is `a`, `%62` is `b`, `%63` is `c`"],
            ),
            (
                ("proxy.example", "/x"),
                ("a.example", "/x"),
                &["another host in place of `proxy.example`"],
            ),
            (("a.example", "/x?u=1"), ("a.example", "/y"), &["another spelling of the path"]),
        ] {
            let spelling = |(authority, path): (&'static str, &'static str)| Spelling {
                authority: authority.as_bytes(),
                path: path.as_bytes(),
            };
            assert_eq!(undone(spelling(sent), spelling(read)), expect, "{sent:?} {read:?}");
        }
    }
}
