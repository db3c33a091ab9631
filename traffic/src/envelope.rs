//! What collectors wrap lines in: Kubernetes' runtimes, docker, fluent-bit, syslog.

use std::borrow::Cow;

use memchr::memmem;

use crate::json;
use crate::limits::MAX_LINE_BYTES;
use crate::part::TIME_KEYS;
use crate::syslog;

/// Keys under which collectors put the line that they wrap, as text or as an object that contains it.
const KEYS: &[&str] = &[
    "log",
    "log_processed",
    "message",
    "Message",
    "msg",
    "MESSAGE",
    "line",
    "event",
    "_raw",
    "original",
    "body",
    "stringValue",
    "textPayload",
    "jsonPayload",
    "short_message",
    "full_message",
    "_source",
    "result",
];

/// Most layers that are looked for: an object of an index around one of docker, around a line of syslog.
const MAX_LAYERS: usize = 4;

/// Most ways that are looked at to unwrap one line; an object with many keys of collectors has more.
const MAX_ENVELOPES: usize = 32;

/// How the lines of a log are wrapped, from the outside to the inside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Envelope {
    layers: Vec<Layer>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layer {
    /// Text in front of the line: all of what a collector may have put there.
    Prefix,
    /// The time or the priority in front of a line that begins with what could be a machine or a program.
    Time,
    /// An object that contains the line under this key.
    Key(&'static str),
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
        unwrap_all(line).into_iter().map(|(envelope, _)| envelope).collect()
    }

    /// Returns true if collectors put the line that they wrap under a key.
    pub(crate) fn may_be_under(key: &str) -> bool {
        KEYS.contains(&key)
    }

    /// Returns true if lines are as they are.
    pub(crate) fn is_none(&self) -> bool {
        self.layers.is_empty()
    }

    /// Unwraps a line; one that is not wrapped in this way is returned as it is.
    pub(crate) fn unwrap<'l>(&self, line: &'l [u8]) -> Unwrapped<'l> {
        let mut tag = Tag::default();
        let mut rest = Cow::Borrowed(line);
        for layer in &self.layers {
            rest = match rest {
                Cow::Borrowed(line) => layer.unwrap(line, &mut tag),
                Cow::Owned(line) => layer.unwrap(&line, &mut tag).into_owned().into(),
            };
        }
        Unwrapped { line: rest, is_partial: tag.is_partial, is_stderr: tag.is_stderr }
    }

    /// Returns the time that wraps a line, as it is written: that of the innermost layer with one, which is nearest
    /// to the program.
    pub(crate) fn time(&self, line: &[u8]) -> Option<String> {
        let mut time = None;
        let mut rest = Cow::Borrowed(line);
        for layer in &self.layers {
            time = layer.time(&rest).map(str::to_owned).or(time);
            rest = layer.unwrap(&rest, &mut Tag::default()).into_owned().into();
        }
        time
    }
}

impl Layer {
    /// Returns the layers that a line may have on its outside.
    fn of_line(line: &[u8]) -> Vec<Layer> {
        if !line.starts_with(b"{") {
            let [whole, time] = [Layer::Prefix, Layer::Time].map(|layer| layer.behind(line));
            let layers = [whole.map(|_| Layer::Prefix), time.map(|_| Layer::Time)];
            return layers.into_iter().flatten().collect();
        }
        let mut found = Vec::new();
        // A line that is not JSON has no keys.
        let _ = json::object(line, |key, raw| {
            let rank = KEYS.iter().position(|known| *known == key);
            found.extend(rank.filter(|_| raw.starts_with(['"', '{'])));
        });
        found.sort_unstable();
        found.dedup();
        found.into_iter().filter_map(|rank| KEYS.get(rank).map(|key| Layer::Key(key))).collect()
    }

    /// Returns what is behind the prefix that this layer takes off.
    fn behind(self, line: &[u8]) -> Option<(&[u8], Tag)> {
        match self {
            Layer::Prefix => prefixed(line),
            Layer::Time => {
                let header = syslog::behind_header(str::from_utf8(line).ok()?);
                // Where there are no names the time is all of the prefix.
                header.program?;
                Some((header.time?.as_bytes(), Tag::default()))
            }
            Layer::Key(_) => None,
        }
    }

    /// Returns the time of this layer.
    fn time(self, line: &[u8]) -> Option<&str> {
        let mut time = None;
        match self {
            Layer::Prefix | Layer::Time => {
                let line = str::from_utf8(line).ok()?;
                let pod = line.strip_prefix("[pod/").and_then(|pod| pod.split_once("] "));
                time = syslog::time(pod.map_or(line, |(_, behind)| behind));
            }
            Layer::Key(_) => {
                // Of a line that is not JSON there is none.
                let _ = json::object(line, |key, raw| {
                    // `_time` is of Splunk.
                    let is_time = TIME_KEYS.contains(&key) || key == "_time";
                    time = time.or(is_time.then_some(raw));
                });
            }
        }
        time
    }

    fn unwrap<'l>(self, line: &'l [u8], tag: &mut Tag) -> Cow<'l, [u8]> {
        let wanted = match self {
            Layer::Prefix | Layer::Time => {
                let Some((behind, found)) = self.behind(line) else { return Cow::Borrowed(line) };
                tag.is_partial |= found.is_partial;
                tag.is_stderr |= found.is_stderr;
                return Cow::Borrowed(behind);
            }
            Layer::Key(wanted) => wanted,
        };
        let mut inner = None;
        // A line that is not JSON is not unwrapped.
        let _ = json::object(line, |key, raw| match key {
            _ if key == wanted => inner = Some(raw),
            "stream" => tag.is_stderr |= raw == "\"stderr\"",
            // Of fluent-bit's parser of CRI.
            "_p" | "logtag" => tag.is_partial |= raw == "\"P\"",
            // Of docker's driver for fluentd.
            "partial_last" => tag.is_partial |= raw == "\"false\"",
            _ => {}
        });
        let Some(raw) = inner else { return Cow::Borrowed(line) };
        if raw.starts_with('{') {
            return Cow::Borrowed(raw.as_bytes());
        }
        let Ok(text) = json::text(raw) else { return Cow::Borrowed(line) };
        // Docker cuts long lines, and only the last part ends with a line break.
        tag.is_partial |=
            wanted == "log" && text.len() >= DOCKER_PART_BYTES && !text.ends_with('\n');
        match text {
            Cow::Borrowed(text) => Cow::Borrowed(trim_end(text.as_bytes())),
            Cow::Owned(text) => Cow::Owned(trim_end(text.as_bytes()).to_vec()),
        }
    }
}

/// Returns the ways to unwrap a line, from the outside to the inside, beginning with the line itself.
fn unwrap_all(line: &[u8]) -> Vec<(Envelope, Cow<'_, [u8]>)> {
    let mut found = vec![(Envelope::default(), Cow::Borrowed(line))];
    let mut next = 0;
    while let Some((envelope, line)) = found.get(next).cloned() {
        next += 1;
        if envelope.layers.len() >= MAX_LAYERS {
            break;
        }
        for layer in Layer::of_line(&line) {
            if found.len() >= MAX_ENVELOPES {
                return found;
            }
            let inner = layer.unwrap(&line, &mut Tag::default()).into_owned();
            let layers = envelope.layers.iter().copied().chain([layer]).collect();
            found.push((Envelope { layers }, inner.into()));
        }
    }
    found
}

/// Returns a line, and the lines that collectors wrapped in it, from the outside to the inside.
///
/// Only what a collector wraps is looked at: the text in other fields is what other programs, or their
/// clients, wrote there.
pub fn inner_lines(line: &[u8]) -> Vec<Cow<'_, [u8]>> {
    unwrap_all(line).into_iter().map(|(_, line)| line).collect()
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
        let is_open = self.open.iter().any(|open| !open.is_empty());
        let is_long = line.len() >= DOCKER_PART_BYTES;
        let is_marked = || PART_MARKS.iter().any(|mark| memmem::find(line, mark).is_some());
        if line.starts_with(b"{") && !is_open && !is_long && !is_marked() {
            return Some(Cow::Borrowed(line));
        }
        let Some(layer) = Layer::of_line(line).into_iter().next() else {
            return Some(Cow::Borrowed(line));
        };
        let unwrapped = Envelope { layers: vec![layer] }.unwrap(line);
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

/// What marks a part of a line in the objects of collectors.
const PART_MARKS: [&[u8]; 3] = [b"\"_p\"", b"\"logtag\"", b"\"partial_last\""];

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
/// - syslog, in all of its forms ([`syslog::behind_header`]).
fn prefixed(line: &[u8]) -> Option<(&[u8], Tag)> {
    let line = str::from_utf8(line).ok()?;
    if let Some((first, rest)) = line.split_once(' ')
        && syslog::is_time(first)
    {
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
    }
    if line.starts_with("[pod/") {
        let (_, behind) = line.split_once("] ")?;
        return Some((behind.as_bytes(), Tag::default()));
    }
    let header = syslog::behind_header(line);
    if let Some(behind) = header.program.or(header.time) {
        return Some((behind.as_bytes(), Tag::default()));
    }
    let (name, behind) = line.split_once(" | ")?;
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_. ".contains(&byte);
    name.bytes().all(is_name).then_some((behind.as_bytes(), Tag::default()))
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
            (r#"{"log":"{\"a\":1}\n","stream":"stdout","time":"x"}"#, r#"{"a":1}"#, false),
            (r#"{"time":"x","_p":"F","log_processed":{"a":1}}"#, r#"{"a":1}"#, false),
            (r#"2026-11-20T08:00:00.2Z stdout F {"message":"x\ty"}"#, "x\ty", false),
            (r#"{"_source":{"event":{"original":"<1>Nov 20 08:00:00 a b: c"}}}"#, "c", false),
            (r#"[pod/a/b] 2026-11-20T08:00:00.2Z {"a":1}"#, r#"{"a":1}"#, false),
            (r#"{"log":"x","partial_last":"false","partial_id":"1"}"#, "x", true),
        ] {
            let envelopes = Envelope::of_line(line.as_bytes());
            let is_whole = |of: &&Envelope| !of.layers.contains(&Layer::Time);
            let envelope = envelopes.iter().rfind(is_whole).unwrap();
            let unwrapped = envelope.unwrap(line.as_bytes());
            assert_eq!(String::from_utf8_lossy(&unwrapped.line), expect, "{line}");
            assert_eq!(unwrapped.is_partial, is_partial, "{line}");
        }
        for line in [r#"{"a":1}"#, "1763625600.253    325 10.0.1.7 x", "https://a.example/", ""] {
            assert_eq!(Envelope::of_line(line.as_bytes()), [Envelope::default()], "{line}");
        }
    }

    #[test]
    fn lines_in_envelopes_in_envelopes_are_listed() {
        let text = |text: &str| serde_json::Value::from(text).to_string();
        let docker = format!("{{\"log\":{},\"stream\":\"stderr\"}}", text("a {b}\n"));
        let outer = format!("2026-11-20T08:00:00.2Z stderr F {{\"message\":{}}}", text(&docker));
        let lines = inner_lines(outer.as_bytes());
        assert!(lines.iter().any(|line| **line == *b"a {b}"), "{lines:?}");
        let other = br#"{"user_agent":"{\"message\":\"a\"}","path":"/"}"#;
        assert_eq!(inner_lines(other), [&other[..]]);
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
        // A line that nothing wraps is not a part of one that is.
        assert_eq!(join("a line").as_deref(), Some("a line"));
        assert_eq!(joiner.finish().collect::<Vec<_>>(), [b"z"]);
        let mut join = |line: &str| joiner.join(line.as_bytes()).map(Cow::into_owned);
        assert_eq!(join(r#"{"_p":"P","log":"{\"a"}"#), None);
        assert_eq!(join(r#"{"_p":"F","log":"\":1}"}"#).unwrap(), b"{\"a\":1}");
    }

    #[test]
    fn parts_of_a_long_line_of_docker_are_marked() {
        let part = format!(r#"{{"log":"{}","stream":"stderr"}}"#, "a".repeat(16 * 1024));
        let envelope = Envelope { layers: vec![Layer::Key("log")] };
        let unwrapped = envelope.unwrap(part.as_bytes());
        assert!(unwrapped.is_partial && unwrapped.is_stderr);
        assert!(!envelope.unwrap(br#"{"log":"short"}"#).is_partial);
    }
}
