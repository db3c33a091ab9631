//! What collectors wrap lines in: Kubernetes' runtimes, docker, fluent-bit, syslog.

use std::borrow::Cow;

use crate::json;
use crate::limits::MAX_LINE_BYTES;

/// Keys under which collectors put the line that they wrap, as text or as an object.
const KEYS: &[&str] =
    &["log", "log_processed", "message", "Message", "msg", "MESSAGE", "line", "event", "_raw"];

/// How the lines of a log are wrapped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Envelope {
    /// Whether text is in front of the line.
    has_prefix: bool,
    /// The key of the object that contains the line.
    key: Option<&'static str>,
}

/// A line that was unwrapped.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unwrapped<'l> {
    pub(crate) line: Cow<'l, [u8]>,
    /// Whether the rest of the line follows in the next wrapped line of the stream.
    pub(crate) is_partial: bool,
    /// Whether it is of standard error; lines of two streams alternate.
    pub(crate) is_stderr: bool,
}

impl Envelope {
    /// Returns the envelopes that a line may have, beginning with none.
    pub(crate) fn of_line(line: &[u8]) -> Vec<Envelope> {
        let mut envelopes = vec![Envelope::default()];
        let mut rest = line;
        let has_prefix = match prefixed(line) {
            Some(unwrapped) => {
                rest = unwrapped.0;
                envelopes.push(Envelope { has_prefix: true, key: None });
                true
            }
            None => false,
        };
        let mut found = Vec::new();
        // A line that is not JSON has no keys.
        let _ = json::object(rest, |key, raw| {
            if let Some(key) = KEYS.iter().find(|known| **known == key)
                && raw.starts_with(['"', '{'])
            {
                found.push(*key);
            }
        });
        found.sort_by_key(|key| KEYS.iter().position(|known| known == key));
        envelopes.extend(found.into_iter().map(|key| Envelope { has_prefix, key: Some(key) }));
        envelopes
    }

    /// Returns true if lines are as they are.
    pub(crate) fn is_none(&self) -> bool {
        *self == Envelope::default()
    }

    /// Unwraps a line; one that is not wrapped in this way is returned as it is.
    pub(crate) fn unwrap<'l>(&self, line: &'l [u8]) -> Unwrapped<'l> {
        let (mut rest, mut is_partial, mut is_stderr) = (line, false, false);
        if self.has_prefix
            && let Some((behind, tag)) = prefixed(line)
        {
            rest = behind;
            is_partial = tag.is_partial;
            is_stderr = tag.is_stderr;
        }
        let Some(wanted) = self.key else {
            return Unwrapped { line: Cow::Borrowed(rest), is_partial, is_stderr };
        };
        let mut inner = None;
        // A line that is not JSON is not unwrapped.
        let _ = json::object(rest, |key, raw| {
            if key == wanted {
                inner = Some(raw);
            } else if key == "stream" {
                is_stderr = raw == "\"stderr\"";
            } else if key == "_p" {
                is_partial = raw == "\"P\"";
            }
        });
        let line = match inner {
            None => Cow::Borrowed(rest),
            Some(raw) if raw.starts_with('{') => Cow::Borrowed(raw.as_bytes()),
            Some(raw) => match json::text(raw) {
                Ok(text) => {
                    // Docker cuts long lines, and only the last part ends with a line break.
                    is_partial |=
                        wanted == "log" && text.len() >= DOCKER_PART_BYTES && !text.ends_with('\n');
                    match text {
                        Cow::Borrowed(text) => Cow::Borrowed(trim_end(text.as_bytes())),
                        Cow::Owned(text) => Cow::Owned(trim_end(text.as_bytes()).to_vec()),
                    }
                }
                Err(_) => Cow::Borrowed(rest),
            },
        };
        Unwrapped { line, is_partial, is_stderr }
    }
}

/// Joins the lines that a collector wrote in parts: those of CRI, tagged `P`, and docker's of 16 KiB.
#[derive(Debug, Default)]
pub struct LineJoiner {
    /// The parts so far, of standard output and of standard error.
    open: [Vec<u8>; 2],
}

impl LineJoiner {
    /// Takes the next line of a log; returns it as it is, or the whole line where it is the last part of
    /// one, without what wrapped it. `None` where the line goes on.
    pub fn join<'l>(&mut self, line: &'l [u8]) -> Option<Cow<'l, [u8]>> {
        let envelope = if line.starts_with(b"{") {
            Envelope { has_prefix: false, key: Some("log") }
        } else {
            Envelope { has_prefix: true, key: None }
        };
        let is_open = self.open.iter().any(|open| !open.is_empty());
        // A line of docker that is shorter is not a part.
        if envelope.key.is_some() && line.len() < DOCKER_PART_BYTES && !is_open {
            return Some(Cow::Borrowed(line));
        }
        let unwrapped = envelope.unwrap(line);
        let open = self.open.get_mut(usize::from(unwrapped.is_stderr))?;
        if unwrapped.is_partial && open.len() <= MAX_LINE_BYTES {
            open.extend_from_slice(&unwrapped.line);
            return None;
        }
        if open.is_empty() {
            return Some(Cow::Borrowed(line));
        }
        let mut whole = std::mem::take(open);
        whole.extend_from_slice(&unwrapped.line);
        Some(Cow::Owned(whole))
    }

    /// Returns the lines whose last part never came.
    pub fn finish(&mut self) -> impl Iterator<Item = Vec<u8>> {
        std::mem::take(&mut self.open).into_iter().filter(|open| !open.is_empty())
    }
}

/// Docker's parts of a long line, but for the last, have this size.
const DOCKER_PART_BYTES: usize = 16 * 1024;

fn trim_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[derive(Clone, Copy, Debug, Default)]
struct Tag {
    is_partial: bool,
    is_stderr: bool,
}

/// Splits what a collector puts in front of a line from it:
///
/// - CRI: `2026-11-20T08:00:00.2Z stdout F line`, with `P` where the line goes on;
/// - `kubectl logs --timestamps` and `--prefix`: a time, `[pod/name/container] line`;
/// - docker compose: `name  | line`;
/// - syslog: `<166>Nov 20 08:00:00 host program[1]: line`, also without the number.
fn prefixed(line: &[u8]) -> Option<(&[u8], Tag)> {
    let line = str::from_utf8(line).ok()?;
    let (first, rest) = line.split_once(' ')?;
    if is_time(first) {
        let (stream, behind) = rest.split_once(' ').unwrap_or((rest, ""));
        if matches!(stream, "stdout" | "stderr") {
            let (tags, behind) = behind.split_once(' ').unwrap_or((behind, ""));
            let is_partial = match tags.split(':').next() {
                Some("P") => true,
                Some("F") => false,
                _ => return None,
            };
            let tag = Tag { is_partial, is_stderr: stream == "stderr" };
            return Some((behind.as_bytes(), tag));
        }
        return Some((rest.as_bytes(), Tag::default()));
    }
    if line.starts_with("[pod/") {
        let (_, behind) = line.split_once("] ")?;
        return Some((behind.as_bytes(), Tag::default()));
    }
    if let Some(behind) = syslog(line) {
        return Some((behind.as_bytes(), Tag::default()));
    }
    let (name, behind) = line.split_once(" | ")?;
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_. ".contains(&byte);
    name.bytes().all(is_name).then_some((behind.as_bytes(), Tag::default()))
}

/// Returns true for a time of RFC 3339, of which the length and the signs are looked at.
fn is_time(word: &str) -> bool {
    let bytes = word.as_bytes();
    let digit = |idx: usize| bytes.get(idx).is_some_and(u8::is_ascii_digit);
    let sign = |idx: usize, sign: u8| bytes.get(idx) == Some(&sign);
    (20..=35).contains(&bytes.len())
        && [0, 1, 2, 3, 5, 6, 8, 9, 11, 12].into_iter().all(digit)
        && sign(4, b'-')
        && sign(7, b'-')
        && sign(10, b'T')
        && sign(13, b':')
}

/// Returns what is behind a syslog header of RFC 3164 or RFC 5424.
fn syslog(line: &str) -> Option<&str> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let header = match line.strip_prefix('<') {
        Some(rest) => {
            let (number, rest) = rest.split_once('>')?;
            number.parse::<u16>().ok()?;
            rest
        }
        None => line,
    };
    if let Some(rest) = header.strip_prefix("1 ") {
        // Time, host, program, process, message and structured data.
        let mut words = rest.splitn(6, ' ');
        is_time(words.next()?).then_some(())?;
        let data = words.nth(4)?;
        return match data.strip_prefix('-') {
            Some(rest) => rest.strip_prefix(' '),
            None => data.split_once("] ").map(|(_, rest)| rest),
        };
    }
    let rest = if MONTHS.iter().any(|month| header.starts_with(month)) {
        // `Nov 20 08:00:00 `, the day with a blank before one digit.
        header.get(15..)?.strip_prefix(' ')?
    } else {
        let (time, rest) = header.split_once(' ')?;
        is_time(time).then_some(rest)?
    };
    rest.split_once(": ").map(|(_, line)| line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_a_collector_wrapped_is_found() {
        for (line, expect, is_partial) in [
            (r#"2026-11-20T08:00:00.200Z stdout F {"a":1}"#, r#"{"a":1}"#, false),
            (r#"2026-11-20T08:00:00.200000000+01:00 stderr P {"a"#, r#"{"a"#, true),
            (r#"2026-11-20T08:00:00.2Z {"a":1}"#, r#"{"a":1}"#, false),
            (r#"[pod/gateway-1/istio-proxy] {"a":1}"#, r#"{"a":1}"#, false),
            (r#"envoy-1  | {"a":1}"#, r#"{"a":1}"#, false),
            ("<166>Nov 20 08:00:00 fw (squid-1)[6802]: 1.2 x", "1.2 x", false),
            ("Nov  2 08:00:00 fw squid[1]: 1.2 x", "1.2 x", false),
            ("<14>1 2026-11-20T08:00:00.2Z fw squid 1 - - 1.2 x", "1.2 x", false),
            (r#"<14>1 2026-11-20T08:00:00.2Z fw squid 1 - [a b="c"] 1.2 x"#, "1.2 x", false),
            (r#"{"log":"{\"a\":1}\n","stream":"stdout","time":"x"}"#, r#"{"a":1}"#, false),
            (r#"{"time":"x","_p":"F","log_processed":{"a":1}}"#, r#"{"a":1}"#, false),
            (r#"2026-11-20T08:00:00.2Z stdout F {"message":"x\ty"}"#, "x\ty", false),
        ] {
            let envelope = Envelope::of_line(line.as_bytes()).pop().unwrap();
            let unwrapped = envelope.unwrap(line.as_bytes());
            assert_eq!(String::from_utf8_lossy(&unwrapped.line), expect, "{line}");
            assert_eq!(unwrapped.is_partial, is_partial, "{line}");
        }
        for line in [r#"{"a":1}"#, "1763625600.253    325 10.0.1.7 x", "https://a.example/", ""] {
            assert_eq!(Envelope::of_line(line.as_bytes()), [Envelope::default()], "{line}");
        }
    }

    #[test]
    fn a_joiner_returns_whole_lines() {
        let mut joiner = LineJoiner::default();
        let mut join = |line: &str| {
            let whole = joiner.join(line.as_bytes())?;
            Some(String::from_utf8_lossy(&whole).into_owned())
        };
        assert_eq!(join("a line").as_deref(), Some("a line"));
        assert_eq!(join("2026-11-20T08:00:00.2Z stderr P {\"a"), None);
        let other = "2026-11-20T08:00:00.2Z stdout F x";
        assert_eq!(join(other).as_deref(), Some(other));
        assert_eq!(join("2026-11-20T08:00:00.2Z stderr F \":1}").as_deref(), Some("{\"a\":1}"));
        assert_eq!(join("2026-11-20T08:00:00.2Z stderr P z"), None);
        assert_eq!(joiner.finish().collect::<Vec<_>>(), [b"z"]);
    }

    #[test]
    fn parts_of_a_long_line_of_docker_are_marked() {
        let part = format!(r#"{{"log":"{}","stream":"stderr"}}"#, "a".repeat(16 * 1024));
        let envelope = Envelope { has_prefix: false, key: Some("log") };
        let unwrapped = envelope.unwrap(part.as_bytes());
        assert!(unwrapped.is_partial && unwrapped.is_stderr);
        assert!(!envelope.unwrap(br#"{"log":"short"}"#).is_partial);
    }
}
