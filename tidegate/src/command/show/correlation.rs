//! The correlations of a pack, as `tidegate show` prints them.

use std::fmt::Write;

use diagnostics::printable;
use inspect::StrId;
use inspect::pack::{Correlation, CorrelationKind, InputKind, Tables};
use serde_json::{Map, Value, json};
use sigma::{COMPARISONS, CORRELATION_KINDS};

/// Renders all correlations: a line as for a rule, then what is counted and how it is grouped.
pub(super) fn to_text(tables: &Tables) -> String {
    let mut text = String::new();
    for of in &tables.correlations {
        let shown = |id: StrId| printable(tables.str(id).as_bytes());
        let author = match tables.str(of.author) {
            "" => String::new(),
            _ => format!(" ({})", shown(of.author)),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{}  {:<13}  {}  {}{author}",
            shown(of.id),
            of.level.as_str(),
            kind(of),
            shown(of.title),
        );
        let percentile = percentile(of).map(|number| format!("percentile {number}"));
        let thresholds = thresholds(tables, of).map(|(name, number)| format!("{name} {number}"));
        let names = names(tables, of).map(|text| printable(text.as_bytes()));
        let condition: Vec<_> = percentile.into_iter().chain(thresholds).chain(names).collect();
        let group: Vec<_> = tables.correlation_group(of).iter().map(|name| shown(*name)).collect();
        let by = if group.is_empty() { String::new() } else { format!(" by {}", group.join(", ")) };
        let _ = writeln!(text, "  {} within {}{by}", condition.join(", "), span(of.timespan_ms));
        for (_, id, title) in inputs(tables, of) {
            let _ = writeln!(text, "  of {}  {}", shown(id), shown(title));
        }
    }
    text
}

/// The same for scripts.
pub(super) fn to_json(tables: &Tables) -> Vec<Value> {
    let one = |of: &Correlation| {
        let inputs = inputs(tables, of).map(|(kind, id, title)| {
            json!({"kind": kind, "id": tables.str(id), "title": tables.str(title)})
        });
        let thresholds: Map<_, _> =
            thresholds(tables, of).map(|(name, number)| (name.to_owned(), json!(number))).collect();
        let condition = names(tables, of).map_or(Value::Object(thresholds), Value::from);
        let texts =
            |ids: &[StrId]| ids.iter().map(|id| tables.str(*id).to_owned()).collect::<Vec<_>>();
        json!({
            "id": tables.str(of.id),
            "title": tables.str(of.title),
            "author": tables.str(of.author),
            "status": tables.str(of.status),
            "level": of.level.as_str(),
            "kind": kind(of),
            "alerts": of.alerts,
            "percentile": percentile(of),
            "timespan_ms": of.timespan_ms,
            "condition": condition,
            "group_by": texts(tables.correlation_group(of)),
            "rules": inputs.collect::<Vec<_>>(),
            "tags": texts(tables.correlation_tags(of)),
        })
    };
    tables.correlations.iter().map(one).collect()
}

fn kind(of: &Correlation) -> &'static str {
    CORRELATION_KINDS.iter().find(|(_, kind)| *kind == of.kind).map_or("", |(name, _)| name)
}

fn percentile(of: &Correlation) -> Option<u8> {
    (of.kind == CorrelationKind::ValuePercentile).then_some(of.percentile)
}

/// Returns a member of a correlation: its kind, id and title.
fn inputs<'t>(
    tables: &'t Tables,
    of: &Correlation,
) -> impl Iterator<Item = (&'static str, StrId, StrId)> + use<'t> {
    tables.correlation_inputs(of).iter().filter_map(|input| {
        let idx = input.of as usize;
        match input.kind {
            InputKind::Rule => tables.rules.get(idx).map(|rule| ("rule", rule.id, rule.title)),
            InputKind::Correlation => {
                tables.correlations.get(idx).map(|of| ("correlation", of.id, of.title))
            }
        }
    })
}

/// The condition over names of rules, if it is one.
fn names<'t>(tables: &'t Tables, of: &Correlation) -> Option<&'t str> {
    Some(tables.str(of.condition)).filter(|text| !text.is_empty())
}

/// The comparisons of the condition, by Sigma's names.
fn thresholds<'t>(
    tables: &'t Tables,
    of: &Correlation,
) -> impl Iterator<Item = (&'static str, f64)> + use<'t> {
    tables.correlation_thresholds(of).iter().map(|threshold| {
        let is = |(_, comparison, negated): &&(&str, _, bool)| {
            *comparison == threshold.comparison && *negated == threshold.negated
        };
        let name = COMPARISONS.iter().find(is).map_or("", |(name, _, _)| name);
        (name, f64::from_bits(threshold.number))
    })
}

/// A time span as Sigma writes it, in the largest unit of which it is a whole number.
fn span(milliseconds: u64) -> String {
    for (unit, length) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)] {
        if milliseconds.is_multiple_of(length) {
            return format!("{}{unit}", milliseconds / length);
        }
    }
    format!("{milliseconds}ms")
}
