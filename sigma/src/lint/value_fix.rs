//! Values that are written anew, in the quotes of their author.

use super::written::Written;
use crate::rule::{Item, Value, ValueTest};
use diagnostics::{Edit, Fix, Span};
use inspect::ProxyField;

/// Writes another text in the place of a value. `None` where the value is written with escapes of YAML, or over
/// several lines.
pub(super) fn replace(written: &Written<'_>, value: &Value, text: &str) -> Option<Fix> {
    let raw = written.at(value.span)?;
    let quote = raw.chars().next().filter(|first| matches!(first, '\'' | '"'));
    let bare = match quote {
        Some(quote) => raw.split(quote).nth(1)?,
        None => raw.trim_end(),
    };
    if bare != value.text || text.contains(['\'', '"', '\n']) {
        return None;
    }
    let width = chars(bare).checked_add(if quote.is_some() { 2 } else { 0 })?;
    let span = Span {
        end_line: value.span.line,
        end_column: value.span.column.checked_add(width)?,
        ..value.span
    };
    let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"./-_".contains(&byte))
        && text.starts_with(|first: char| first.is_ascii_alphanumeric());
    let replacement = match quote {
        Some('"') => format!("\"{}\"", text.replace('\\', "\\\\")),
        None if is_plain => text.to_owned(),
        _ => format!("'{text}'"),
    };
    Some(Fix { title: format!("write `{text}`"), edits: vec![Edit { span, replacement }] })
}

/// Adds `cidr` to an item whose values are all networks.
pub(super) fn network(written: &Written<'_>, item: &Item, field: ProxyField) -> Option<Fix> {
    let is_address = matches!(field, ProxyField::SourceAddress | ProxyField::DestinationAddress);
    let name = item.field.as_deref()?;
    if !is_address || item.label != name {
        return None;
    }
    let is_network = |value: &Value| {
        let (address, length) = value.text.split_once('/').unwrap_or_default();
        let is_text = matches!(value.test, ValueTest::Text { .. });
        is_text
            && address.parse::<std::net::IpAddr>().is_ok()
            && length.parse::<u8>().is_ok_and(|length| length <= 128)
    };
    if item.values.is_empty() || !item.values.iter().all(is_network) {
        return None;
    }
    let key = written.at(item.span)?;
    let at = key.find(name)?.checked_add(name.len())?;
    let column = item.span.column.checked_add(chars(key.get(..at)?))?;
    let span = Span { column, end_column: column, end_line: item.span.line, ..item.span };
    let edits = vec![Edit { span, replacement: "|cidr".to_owned() }];
    Some(Fix { title: "compare with networks".to_owned(), edits })
}

fn chars(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}
