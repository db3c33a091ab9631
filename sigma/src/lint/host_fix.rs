//! Host suffixes rewritten so that they match a domain and all names below it, and nothing else.
//!
//! `cs-host|endswith: pastebin.com` becomes `cs-host: [pastebin.com, '*.pastebin.com']`: two values
//! that every Sigma engine reads the same way. A suffix of more than two labels that starts with a dot,
//! `.blob.core.example`, gets its domain only where a pack matches by labels, as it has it there already.

use inspect::pack::HostMatching;

use super::host;
use super::written::Written;
use crate::hosts::domain;
use crate::rule::{Item, Linking, Value};
use diagnostics::{Edit, Fix, Span};

const ENDSWITH: &str = "|endswith";

/// The fix of an item. `None` where its values are written in a way that takes a person to change:
/// with further modifiers, wildcards, escapes, or over several lines.
pub(super) fn fix(written: &Written<'_>, item: &Item, hosts: HostMatching) -> Option<Fix> {
    let mut modifiers = item.label.split('|').skip(1);
    if item.linking != Linking::Any
        || !modifiers.all(|name| matches!(name, "endswith" | "cased" | "neq"))
    {
        return None;
    }
    let mut edits = Vec::new();
    let is_suffix = item.label.contains(ENDSWITH);
    if is_suffix {
        let key = written.at(item.span)?;
        let at = key.find(ENDSWITH)?;
        let column = item.span.column.checked_add(chars(key.get(..at)?))?;
        let span = Span { column, end_column: column.checked_add(chars(ENDSWITH))?, ..item.span };
        edits.push(Edit { span, replacement: String::new() });
    }
    // Without `endswith`, only values that start with a wildcard are suffixes.
    for value in item.values.iter().filter(|value| is_suffix || value.text.starts_with('*')) {
        let suffix = if is_suffix { &value.text } else { value.text.strip_prefix('*')? };
        if suffix.contains(['*', '?', '\\', '\'', '"']) {
            return None;
        }
        let names = match hosts {
            HostMatching::Text => as_text(suffix),
            HostMatching::Labels => by_labels(suffix),
        };
        let is_listed =
            |name: &str| !is_suffix && item.values.iter().any(|value| value.text == name);
        let (name, below) = (names.0.filter(|name| !is_listed(name)), names.1);
        edits.push(edit(written, value, name, &below)?);
    }
    Some(Fix { title: "match the domain itself and the names below it".into(), edits })
}

/// The domain that a suffix is about, if it can be meant, and the names below it.
fn as_text(suffix: &str) -> (Option<&str>, String) {
    if host::lacks_boundary(suffix.as_bytes()) {
        return (Some(suffix), format!("*.{suffix}"));
    }
    let apex = host::apex(suffix.as_bytes()).and_then(|_| suffix.strip_prefix('.'));
    (apex, format!("*{suffix}"))
}

/// The same where a suffix means a domain and all below it.
fn by_labels(suffix: &str) -> (Option<&str>, String) {
    let domain = domain(suffix.as_bytes()).map(|_| suffix.strip_prefix('.').unwrap_or(suffix));
    match domain {
        Some(domain) => (Some(domain), format!("*.{domain}")),
        None => (None, format!("*{suffix}")),
    }
}

/// Writes what becomes of a value.
fn edit(written: &Written<'_>, value: &Value, name: Option<&str>, below: &str) -> Option<Edit> {
    // Of a quoted value, the parser's end may lie behind blanks and a comment.
    let raw = written.at(value.span)?;
    let quote = raw.chars().next().filter(|first| matches!(first, '\'' | '"'));
    let bare = match quote {
        Some(quote) => raw.split(quote).nth(1)?,
        None => raw,
    };
    if bare != value.text {
        return None;
    }
    let width = chars(bare).checked_add(if quote.is_some() { 2 } else { 0 })?;
    let end_column = value.span.column.checked_add(width)?;
    let span = Span { end_line: value.span.line, end_column, ..value.span };
    let quoted = |text: &str| {
        let quote = quote.unwrap_or('\'');
        format!("{quote}{text}{quote}")
    };
    let below = quoted(below);
    let replacement = match name {
        None => below,
        Some(name) => {
            let is_plain = quote.is_none() && name.starts_with(|c: char| c.is_ascii_alphabetic());
            let name = if is_plain { name.to_owned() } else { quoted(name) };
            both(written, span, &name, &below)?
        }
    };
    Some(Edit { span, replacement })
}

/// Two values in the place of one, as the text around it lists them.
fn both(written: &Written<'_>, span: Span, name: &str, below: &str) -> Option<String> {
    let before = written.before(span)?;
    let line = before.rsplit('\n').next()?;
    let dash = line.trim_end();
    if dash.strip_suffix('-').is_some_and(|indent| indent.trim().is_empty()) {
        return Some(format!("{name}{}{line}{below}", written.line_break()));
    }
    match before.trim_end().chars().next_back()? {
        ':' => Some(format!("[{name}, {below}]")),
        '[' | ',' => Some(format!("{name}, {below}")),
        _ => None,
    }
}

fn chars(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}
