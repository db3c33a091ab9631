//! The parts of a query or of data, as `--data-urlencode` and `--url-query` encode them.

use super::target::{Escapes, escape};

/// Reads the value of `--url-query`; `None` where it names a file.
pub(super) fn part(value: &str) -> Option<String> {
    match value.strip_prefix('+') {
        Some(raw) => Some(raw.to_owned()),
        None => part_of_data(value),
    }
}

/// Reads the value of `--data-urlencode`: `content`, `=content`, `name=content`, or with a file `@file` and
/// `name@file`, which are `None`.
pub(super) fn part_of_data(value: &str) -> Option<String> {
    let at = value.find(['=', '@']);
    let (name, content) = match at.and_then(|at| value.split_at_checked(at)) {
        Some((_, rest)) if rest.starts_with('@') => return None,
        Some((name, rest)) => (name, rest.strip_prefix('=').unwrap_or(rest)),
        None => ("", value),
    };
    let content = escape(content, Escapes::Form);
    Some(if name.is_empty() { content } else { format!("{name}={content}") })
}

/// Adds a part behind others, with `&` between them unless a part is JSON.
pub(super) fn add(all: &mut String, part: &str, with_ampersand: bool) {
    if with_ampersand && !all.is_empty() {
        all.push('&');
    }
    all.push_str(part);
}
