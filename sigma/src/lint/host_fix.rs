//! Host suffixes rewritten so that they match a domain and all names below it, and nothing else.
//!
//! `cs-host|endswith: pastebin.com` becomes `cs-host: [pastebin.com, '*.pastebin.com']`: two values
//! that every Sigma engine reads the same way.

use super::host;
use super::written::Written;
use crate::diagnostic::{Edit, Fix, Span};
use crate::rule::{Item, Linking, Value};

const ENDSWITH: &str = "|endswith";

/// The fix of an item. `None` where its values are written in a way that takes a person to change:
/// with further modifiers, wildcards, escapes, or over several lines.
pub(super) fn fix(written: &Written<'_>, item: &Item) -> Option<Fix> {
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
        edits.push(edit(written, value, is_suffix)?);
    }
    Some(Fix { title: "match the domain itself and the names below it".into(), edits })
}

/// What becomes of a suffix.
fn edit(written: &Written<'_>, value: &Value, is_suffix: bool) -> Option<Edit> {
    let suffix = if is_suffix { &value.text } else { value.text.strip_prefix('*')? };
    if suffix.contains(['*', '?', '\\', '\'', '"']) {
        return None;
    }
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
    let lacks_boundary = host::lacks_boundary(suffix.as_bytes());
    let below = quoted(&format!("*{}{suffix}", if lacks_boundary { "." } else { "" }));
    let apex = host::apex(suffix.as_bytes());
    let replacement = match if lacks_boundary { Some(suffix) } else { apex.as_deref() } {
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
