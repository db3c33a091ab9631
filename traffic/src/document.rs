//! Logs that are JSON as a whole: lists, exports with a list in an object of their own, objects over several
//! lines.

use serde_json::value::RawValue;

use crate::{BYTE_ORDER_MARK, Unreadable, detect, har, json};

/// The keys under which exports have the list of their entries: `CloudWatch` Logs, `CloudTrail` and Azure, searches
/// of Elasticsearch and Splunk, Cloud Logging.
const LISTS: &[&str] = &[
    "Records",
    "records",
    "events",
    "logEvents",
    "entries",
    "hits",
    "results",
    "data",
    "value",
    "logs",
    "items",
    "rows",
];

/// How far into an object its list is looked for where it is not whole.
const MAX_LIST_START: usize = 16 << 10;

/// What a document contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'d> {
    /// An object that is a line of a log.
    Object(&'d str),
    /// An entry of an HTTP archive.
    HarEntry(&'d str),
    /// Text behind the last value that is JSON: lines.
    Lines(&'d str),
}

/// Returns true if a text, which may be the start of one, is not one object a line.
pub(crate) fn is_document(text: &str) -> bool {
    let objects = text.strip_prefix('[').map_or(text, str::trim_ascii_start);
    if !objects.starts_with('{') || json::is_deep(objects) {
        return false;
    }
    let first_line = text.lines().next().unwrap_or_default().trim_ascii();
    let is_line = first_line.ends_with('}') || first_line.len() > 1 && first_line.contains("\":");
    text.starts_with('[') || !is_line || list_in(text).is_some()
}

/// Returns the objects at the start of a document, as far as they are whole.
pub(crate) fn first_objects(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = match text.strip_prefix('[') {
        Some(list) => list,
        None => list_in(text).unwrap_or(text),
    };
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches([',', ' ', '\n', '\r', '\t']);
        if !rest.starts_with('{') {
            return None;
        }
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<&RawValue>();
        let object = values.next()?.ok()?.get();
        rest = rest.get(values.byte_offset()..)?;
        Some(object)
    })
}

/// Returns the first object at the start of a document, if it is whole there.
pub fn first_object(start: &[u8]) -> Option<&str> {
    let text = str::from_utf8(start).unwrap_or_else(|error| {
        let valid = start.get(..error.valid_up_to()).unwrap_or_default();
        str::from_utf8(valid).unwrap_or_default()
    });
    let text = text.trim_ascii_start();
    (is_document(text) && !json::is_deep(text)).then(|| first_objects(text).next()).flatten()
}

/// Returns what follows the bracket of the list in an object that may be cut: an object of an export has it
/// beside texts and numbers.
fn list_in(text: &str) -> Option<&str> {
    let mut end = text.len().min(MAX_LIST_START);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let start = text.get(..end)?;
    LISTS.iter().find_map(|key| {
        let quoted = format!("\"{key}\"");
        start.match_indices(&quoted).find_map(|(at, _)| {
            let before = start.get(..at)?;
            let depth = before.matches('{').count().saturating_sub(before.matches('}').count());
            let behind = start.get(at + quoted.len()..)?.trim_ascii_start();
            let list = behind.strip_prefix(':')?.trim_ascii_start();
            let objects = list.strip_prefix('[')?.trim_ascii_start();
            // Of the outer object, or of `hits` in it.
            let is_outer = depth == 1 || depth == 2 && *key == "hits";
            let at = end.checked_sub(objects.len())?;
            (is_outer && objects.starts_with('{')).then(|| text.get(at..)).flatten()
        })
    })
}

/// Returns the pieces of a document in order. A document that is cut has no piece behind its last whole value.
///
/// # Errors
/// Not even its first value is JSON, or it is an archive without entries.
pub(crate) fn pieces(document: &[u8]) -> Result<Vec<Piece<'_>>, Unreadable> {
    let document = document.strip_prefix(BYTE_ORDER_MARK).unwrap_or(document);
    let text = json::text_of(document)?;
    if json::is_deep(text) {
        return Err(Unreadable::TooDeep);
    }
    let mut found = Vec::new();
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    loop {
        let at = values.byte_offset();
        match values.next() {
            None => return Ok(found),
            Some(Ok(value)) if value.get().starts_with(['{', '[']) => {
                add(value.get(), 0, &mut found)?;
            }
            Some(_) if found.is_empty() => return Err(Unreadable::NotJson),
            Some(_) => {
                found.push(Piece::Lines(text.get(at..).unwrap_or_default().trim_ascii_start()));
                return Ok(found);
            }
        }
    }
}

/// Deepest list of an export.
const MAX_DEPTH: usize = 2;

/// Adds the objects of a value.
fn add<'d>(value: &'d str, depth: usize, found: &mut Vec<Piece<'d>>) -> Result<(), Unreadable> {
    if value.starts_with('[') {
        let objects: Vec<&RawValue> =
            serde_json::from_str(value).map_err(|_| Unreadable::NotJson)?;
        found.extend(objects.into_iter().map(|object| Piece::Object(object.get())));
        return Ok(());
    }
    if har::is_archive(value.as_bytes()) {
        let entries = har::entries(value.as_bytes())?;
        found.extend(entries.into_iter().map(Piece::HarEntry));
        return Ok(());
    }
    let mut lists = Vec::new();
    json::object(value.as_bytes(), |key, raw| {
        let inner = raw.get(1..).unwrap_or_default().trim_ascii_start();
        let is_list = raw.starts_with('[') && inner.starts_with('{');
        // `hits.hits` of Elasticsearch.
        let is_outer = raw.starts_with('{') && key == "hits";
        if LISTS.contains(&key) && (is_list || is_outer) {
            lists.push(raw);
        }
    })?;
    let is_line = || detect::format_of_object(value.as_bytes()).is_some();
    if lists.is_empty() || depth >= MAX_DEPTH || is_line() {
        found.push(Piece::Object(value));
        return Ok(());
    }
    lists.into_iter().try_for_each(|list| add(list, depth + 1, found))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(document: &str, expect: &[&str]) {
        let found = match pieces(document.as_bytes()) {
            Ok(found) => found
                .into_iter()
                .map(|piece| match piece {
                    Piece::Object(text) => text.to_owned(),
                    Piece::HarEntry(text) => format!("har {text}"),
                    Piece::Lines(text) => format!("lines {text:?}"),
                })
                .collect(),
            Err(reason) => vec![reason.as_str().to_owned()],
        };
        assert_eq!(found, expect, "{document}");
    }

    #[test]
    fn the_objects_of_a_document_are_found() {
        check(r#"[{"a":1}, {"b":[2]}]"#, &[r#"{"a":1}"#, r#"{"b":[2]}"#]);
        check("{\n\"a\":1}\n{\n\"b\":2}\n", &["{\n\"a\":1}", "{\n\"b\":2}"]);
        check(r#"{"events":[{"message":"x"}],"searchedLogStreams":[]}"#, &[r#"{"message":"x"}"#]);
        check(
            r#"{"took":1,"hits":{"total":{"value":2},"hits":[{"_source":{}}]}}"#,
            &[r#"{"_source":{}}"#],
        );
        check(r#"{"data":["a"],"host":"x"}"#, &[r#"{"data":["a"],"host":"x"}"#]);
        check(r#"{"log":{"entries":[{"x":1}]}}"#, &[r#"har {"x":1}"#]);
        check(
            "[{\"a\":1}]\n{\"b\":2}\n10.0.1.7 - -\n",
            &[r#"{"a":1}"#, r#"{"b":2}"#, r#"lines "10.0.1.7 - -""#],
        );
        check(r#"[{"a":1},{"b""#, &["not JSON"]);
        check("12", &["not JSON"]);
    }

    #[test]
    fn a_document_is_known_by_its_start() {
        for (start, expect) in [
            (r#"[{"a":1},"#, vec![r#"{"a":1}"#]),
            ("{\n \"a\":1}", vec!["{\n \"a\":1}"]),
            (r#"{"Records":[{"a":1},{"b":2},{"c"#, vec![r#"{"a":1}"#, r#"{"b":2}"#]),
            (r#"{"hits":{"total":{},"hits":[{"a":1}]}}"#, vec![r#"{"a":1}"#]),
        ] {
            assert!(is_document(start), "{start}");
            assert_eq!(first_objects(start).collect::<Vec<_>>(), expect, "{start}");
        }
        for line in
            [r#"{"a":1}"#, r#"{"data":["x"]}"#, r#"{"a":{"b":{"data":[{"x":1}]}}}"#, "a", ""]
        {
            assert!(!is_document(line), "{line}");
        }
    }
}
