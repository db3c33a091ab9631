//! Search in the notes and pages below a path.

use diagnostics::contains_key;
use serde_json::{Value, json};

use crate::disk;
use crate::limits::MAX_TOOL_LINE;

/// Finds notes and pages that contain all words of a query, in any case, with the lines on which they are.
pub(super) fn search(path: &str, query: &str, limit: usize) -> Result<Value, String> {
    let words: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
    if words.is_empty() {
        return Err("the query has no words".to_owned());
    }
    let root = std::path::Path::new(path);
    let files = disk::notes(root).map_err(|error| format!("{path}: {}", disk::reason(&error)))?;
    let mut found = Vec::new();
    let mut n_found = 0_usize;
    for (name, bytes) in files {
        let Ok(text) = str::from_utf8(&bytes) else { continue };
        let lower = text.to_lowercase();
        if contains_key(&bytes) || !words.iter().all(|word| lower.contains(word.as_str())) {
            continue;
        }
        n_found += 1;
        if found.len() < limit {
            let name = match path {
                "." => name,
                path if disk::is_file(root) => path.to_owned(),
                path => format!("{path}/{name}"),
            };
            let title = text.lines().find_map(|line| line.strip_prefix("# "));
            let title = title.unwrap_or_default();
            found
                .push(json!({ "file": name, "title": shown(title), "lines": lines(text, &words) }));
        }
    }
    Ok(json!({ "files": found, "left_out": n_found.saturating_sub(limit) }))
}

/// The first lines with one of the words, those with most of them first.
fn lines(text: &str, words: &[String]) -> Vec<Value> {
    let mut lines = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let lower = line.to_lowercase();
        let n_words = words.iter().filter(|word| lower.contains(word.as_str())).count();
        if n_words > 0 {
            lines.push((std::cmp::Reverse(n_words), number + 1, line));
        }
    }
    lines.sort();
    let first = lines.into_iter().take(3);
    first.map(|(_, number, line)| json!({ "line": number, "text": shown(line) })).collect()
}

fn shown(line: &str) -> String {
    line.trim().chars().take(MAX_TOOL_LINE).collect()
}
