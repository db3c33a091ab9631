//! JSON events for the engine.
//!
//! A field that is there without a value of its own, as an empty list or an object, is null.

use inspect::pack::Tables;
use inspect::{Event, FieldId, Inspector, Pack, Verdict};
use serde_json::Value;

/// Answers a pack's fields from a JSON object, and gives keywords the rest.
pub(crate) fn answer(object: &Value, tables: &Tables, event: &mut Event) {
    for (id, name) in (0..).map(FieldId).zip(&tables.fields) {
        match lookup(object, tables.str(*name)) {
            None => {}
            Some(Value::Null) => event.answer_null(id),
            Some(Value::Array(values)) => {
                event.answer_null(id);
                for value in values {
                    one(value, id, event);
                }
            }
            Some(value) => one(value, id, event),
        }
    }
    if tables.has_keywords() {
        unnamed(object, event);
    }
}

fn one(value: &Value, id: FieldId, event: &mut Event) {
    match text(value) {
        Some(value) => {
            event.answer_bytes(id, value.as_bytes());
        }
        None => event.answer_null(id),
    }
}

/// A field by its whole name, else by the path that its dots spell.
fn lookup<'v>(object: &'v Value, name: &str) -> Option<&'v Value> {
    if let Some(value) = object.get(name) {
        return Some(value);
    }
    name.match_indices('.').find_map(|(dot, _)| lookup(object.get(&name[..dot])?, &name[dot + 1..]))
}

fn unnamed(value: &Value, event: &mut Event) {
    match value {
        Value::Object(object) => object.values().for_each(|value| unnamed(value, event)),
        Value::Array(values) => values.iter().for_each(|value| unnamed(value, event)),
        value => {
            if let Some(value) = text(value) {
                event.add_unnamed_bytes(value.as_bytes());
            }
        }
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(number) => Some(match number.as_f64() {
            Some(float) if number.is_f64() => float.to_string(),
            _ => number.to_string(),
        }),
        _ => None,
    }
}

/// The verdict on a JSON object.
pub(crate) fn inspect(inspector: &mut Inspector, object: &Value) -> Verdict {
    inspector.inspect_event(|tables, event| answer(object, tables, event))
}

/// A pack of the rules and correlations in a text, filters applied; or the first finding.
pub(crate) fn pack(text: &str) -> Result<Pack, String> {
    let mut parsed = sigma::parse(&sigma::Source::new("test.yml", text));
    let mut diagnostics = std::mem::take(&mut parsed.diagnostics);
    diagnostics.extend(sigma::apply_filters(&mut parsed.rules, &parsed.filters));
    let mut compiler = sigma::Compiler::new("test", 0);
    for rule in &parsed.rules {
        diagnostics.extend(compiler.add(rule).err().unwrap_or_default());
    }
    for result in compiler.add_correlations(&parsed.correlations) {
        diagnostics.extend(result.err().unwrap_or_default());
    }
    if let Some(diagnostic) = diagnostics.first() {
        let span = diagnostic.place.span;
        return Err(format!(
            "{} {}:{}: {}",
            diagnostic.code.id, span.line, span.column, diagnostic.message
        ));
    }
    Pack::decode(&compiler.finish().encode()).map_err(|error| error.to_string())
}
