//! The entries of a JSON object, without building a tree.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::Unreadable;
use crate::limits::MAX_JSON_DEPTH;
use crate::plain_json;

/// Most entries that fit without growing: what access logs write.
const USUAL_ENTRIES: usize = 32;

/// Calls `visit` with each entry of a JSON object: the key, and its value as it is written.
///
/// The whole line is checked to be one JSON object and nothing more.
pub fn object<'l>(line: &'l [u8], mut visit: impl FnMut(&str, &'l str)) -> Result<(), Unreadable> {
    let line = text_of(line)?;
    // Kept back, as a line may turn out not to be plain.
    let mut entries = Vec::with_capacity(USUAL_ENTRIES);
    if plain_json::object(line, |key, raw| entries.push((key, raw))).is_none() {
        return parsed(line, &mut visit);
    }
    for (key, raw) in entries {
        visit(key, raw);
    }
    Ok(())
}

/// Returns the text of a value as it is written: a text without its quotes and escapes, a number or a
/// truth value as it is.
///
/// # Errors
/// The value is a text with a wrong escape.
pub fn text(raw: &str) -> Result<Cow<'_, str>, Unreadable> {
    let Some(inside) = inside(raw) else { return Ok(Cow::Borrowed(raw)) };
    if memchr::memchr(b'\\', inside.as_bytes()).is_none() {
        return Ok(Cow::Borrowed(inside));
    }
    serde_json::from_str::<String>(raw).map(Cow::Owned).map_err(|_| Unreadable::NotJson)
}

/// Returns what is between the quotes of a text.
pub(crate) fn inside(raw: &str) -> Option<&str> {
    raw.strip_prefix('"')?.strip_suffix('"')
}

/// Returns a line as text, without white space around it.
pub fn text_of(line: &[u8]) -> Result<&str, Unreadable> {
    simdutf8::basic::from_utf8(line).map(str::trim_ascii).map_err(|_| Unreadable::NotJson)
}

/// Returns true if lists and objects nest deeper than [`MAX_JSON_DEPTH`]: the parser calls itself for each of
/// them, and would run out of stack. It is also true of some text that is not JSON.
pub fn is_deep(text: &str) -> bool {
    let (mut depth, mut in_text, mut bytes) = (0_usize, false, text.bytes());
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => in_text = !in_text,
            b'\\' if in_text => {
                bytes.next();
            }
            b'{' | b'[' if !in_text => {
                depth += 1;
                if depth > MAX_JSON_DEPTH {
                    return true;
                }
            }
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// Calls `visit` as [`object`] does, by `serde_json`, for any JSON.
pub fn parsed<'l>(line: &'l str, visit: &mut dyn FnMut(&str, &'l str)) -> Result<(), Unreadable> {
    if is_deep(line) {
        return Err(Unreadable::NotJson);
    }
    if !line.starts_with('{') {
        let is_json = serde_json::from_str::<serde::de::IgnoredAny>(line).is_ok();
        return Err(if is_json { Unreadable::NotAnObject } else { Unreadable::NotJson });
    }
    let mut parser = serde_json::Deserializer::from_str(line);
    parser.deserialize_map(Entries(visit)).map_err(|_| Unreadable::NotJson)?;
    parser.end().map_err(|_| Unreadable::NotJson)
}

/// Visits the entries of an object, each value as it is written.
struct Entries<'v, 'l>(&'v mut dyn FnMut(&str, &'l str));

impl<'l> Visitor<'l> for Entries<'_, 'l> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<M: MapAccess<'l>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some((key, value)) = map.next_entry::<String, &RawValue>()? {
            (self.0)(&key, value.get());
        }
        Ok(())
    }
}

/// A time as it is written in a log: only read where something matched.
#[derive(Clone, Copy, Debug)]
pub struct Time<'l>(pub &'l str);

impl Time<'_> {
    /// Returns milliseconds since 1970: of RFC 3339, also without a zone, of the forms of Apache, HAProxy, Palo
    /// Alto, Zscaler and `asctime`, also with `UTC` or `GMT` behind it, and of seconds, milliseconds, microseconds
    /// or nanoseconds since 1970, by their size. `None` for anything else.
    pub fn milliseconds(self) -> Option<i64> {
        let text = text(self.0).ok()?;
        if let Ok(time) = text.parse::<jiff::Timestamp>() {
            return Some(time.as_millisecond());
        }
        if let Ok(time) = jiff::fmt::strtime::parse("%d/%b/%Y:%H:%M:%S %z", text.as_bytes()) {
            // As Apache and nginx write it.
            return time.to_timestamp().ok().map(jiff::Timestamp::as_millisecond);
        }
        // Without a time zone logs have UTC, as the extended format of the W3C says.
        let local = text.strip_suffix(" UTC").or_else(|| text.strip_suffix(" GMT"));
        let local = local.unwrap_or(&text);
        let civil = local.parse::<jiff::civil::DateTime>().or_else(|error| {
            // HAProxy, Palo Alto, programs that use `asctime`, and Zscaler in LEEF.
            let forms = [
                "%d/%b/%Y:%H:%M:%S%.f",
                "%Y/%m/%d %H:%M:%S%.f",
                "%a %b %d %H:%M:%S %Y",
                "%b %d %Y %H:%M:%S%.f",
            ];
            let read = |form: &&str| jiff::civil::DateTime::strptime(form, local).ok();
            forms.iter().find_map(read).ok_or(error)
        });
        if let Ok(time) = civil.and_then(|time| time.to_zoned(jiff::tz::TimeZone::UTC)) {
            return Some(time.timestamp().as_millisecond());
        }
        let seconds: f64 = text.parse().ok()?;
        // By the size: each unit has the times from 1973 to 5138, and seconds also what was before.
        let milliseconds = match seconds.abs() {
            size if size < 1e11 => seconds * 1000.0,
            size if size < 1e14 => seconds,
            size if size < 1e17 => seconds / 1e3,
            size if size < 1e20 => seconds / 1e6,
            _ => return None,
        };
        #[expect(clippy::cast_possible_truncation, reason = "checked above")]
        let milliseconds = milliseconds.round() as i64;
        Some(milliseconds)
    }
}
