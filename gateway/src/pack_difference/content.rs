//! The content of rules and correlations. Two packs may number and lay out the same rule differently.

use std::collections::BTreeMap;

use inspect::pack::{
    Correlation, CorrelationInput, InputKind, KEYWORDS, NO_FIELD, Op, Rule, Tables,
};
use inspect::{AtomId, FieldId};

use super::values::values;

/// The whole content of a rule or a correlation, for comparison.
#[derive(PartialEq)]
pub(super) struct Whole {
    pub(super) title: String,
    pub(super) level: &'static str,
    /// Its parts by name, as text: they are only compared.
    pub(super) parts: Vec<(&'static str, String)>,
}

/// All rules and correlations of a pack by their ids.
pub(super) fn wholes(tables: &Tables) -> BTreeMap<String, Whole> {
    let items = items(tables);
    let rules = tables.rules.iter().map(|of| (tables.str(of.id), rule(tables, &items, of)));
    let correlations = tables.correlations.iter();
    let correlations = correlations.map(|of| (tables.str(of.id), correlation(tables, of)));
    rules.chain(correlations).map(|(id, whole)| (id.to_owned(), whole)).collect()
}

fn rule(tables: &Tables, items: &[Vec<String>], rule: &Rule) -> Whole {
    let text = |id| tables.str(id).to_owned();
    let parts = vec![
        ("condition", format!("{:?}", program(tables, items, rule))),
        ("title", text(rule.title)),
        ("level", rule.level.as_str().to_owned()),
        ("phase", format!("{:?}", rule.phase)),
        ("author", text(rule.author)),
        ("status", text(rule.status)),
        ("logsource", text(rule.logsource)),
        ("tags", format!("{:?}", tables.rule_tags(rule).collect::<Vec<_>>())),
        ("alerts", rule.alerts.to_string()),
    ];
    Whole { title: text(rule.title), level: rule.level.as_str(), parts }
}

fn correlation(tables: &Tables, of: &Correlation) -> Whole {
    let text = |id| tables.str(id).to_owned();
    let texts = |ids: &[inspect::StrId]| {
        format!("{:?}", ids.iter().map(|id| tables.str(*id)).collect::<Vec<_>>())
    };
    let thresholds: Vec<_> = tables
        .correlation_thresholds(of)
        .iter()
        .map(|at| (at.comparison, at.negated, f64::from_bits(at.number)))
        .collect();
    let inputs = tables.correlation_inputs(of);
    let rules: Vec<_> = inputs.iter().map(|input| input_id(tables, input)).collect();
    let fields: Vec<_> = inputs.iter().map(|input| input_fields(tables, input)).collect();
    let operation = |word: &u32| match Op::decode(*word) {
        Some(Op::Atom(input)) => rules.get(input.index()).copied().unwrap_or_default().to_owned(),
        other => format!("{other:?}"),
    };
    let over_names: Vec<_> = tables.correlation_code(of).iter().map(operation).collect();
    let parts = vec![
        ("type", format!("{:?} {}", of.kind, of.percentile)),
        ("rules", format!("{rules:?}")),
        ("timespan", of.timespan_ms.to_string()),
        ("group-by", texts(tables.correlation_group(of))),
        ("fields", format!("{fields:?}")),
        ("condition", format!("{thresholds:?} {over_names:?}")),
        ("title", text(of.title)),
        ("level", of.level.as_str().to_owned()),
        ("author", text(of.author)),
        ("status", text(of.status)),
        ("tags", texts(tables.correlation_tags(of))),
        ("alerts", of.alerts.to_string()),
    ];
    Whole { title: text(of.title), level: of.level.as_str(), parts }
}

fn input_id<'t>(tables: &'t Tables, input: &CorrelationInput) -> &'t str {
    let idx = input.of as usize;
    let id = match input.kind {
        InputKind::Rule => tables.rules.get(idx).map(|rule| rule.id),
        InputKind::Correlation => tables.correlations.get(idx).map(|of| of.id),
    };
    id.map_or("", |id| tables.str(id))
}

/// What supplies the names of a group in an input, and the counted field: fields by name, places in the
/// group of another correlation by number.
fn input_fields(tables: &Tables, input: &CorrelationInput) -> Vec<String> {
    let range = input.fields_start as usize..input.fields_end as usize;
    let fields = tables.input_fields.get(range).unwrap_or_default().iter();
    let name = |field: &u32| match input.kind {
        _ if *field == NO_FIELD => "-".to_owned(),
        InputKind::Rule => tables.field_name(FieldId(*field)).to_owned(),
        InputKind::Correlation => field.to_string(),
    };
    fields.chain([&input.measured]).map(name).collect()
}

/// The operations of a rule's program, each with what it asks.
fn program(tables: &Tables, items: &[Vec<String>], rule: &Rule) -> Vec<String> {
    let operation = |word: &u32| match Op::decode(*word) {
        Some(Op::Atom(atom)) => item(tables, items, atom),
        Some(Op::Test(idx)) => test(tables, idx),
        Some(Op::Name(name)) => format!("name {}", tables.str(name)),
        other => format!("{other:?}"),
    };
    tables.rule_code(rule).iter().map(operation).collect()
}

/// The question of each atom: its field, its label and its values, sorted, since packs order them for the
/// scan.
fn items(tables: &Tables) -> Vec<Vec<String>> {
    let mut items = vec![Vec::new(); tables.atoms.len()];
    for (pattern, value) in tables.patterns.iter().zip(values(tables)) {
        let range = pattern.atoms_start as usize..pattern.atoms_end as usize;
        for atom in tables.pattern_atoms.get(range).unwrap_or_default() {
            items.get_mut(atom.index()).into_iter().for_each(|item| item.push(value.clone()));
        }
    }
    for item in &mut items {
        item.sort_unstable();
    }
    items
}

fn item(tables: &Tables, items: &[Vec<String>], atom: AtomId) -> String {
    let of_atom = tables.atoms.get(atom.index());
    let (field, label) =
        of_atom.map_or(("", ""), |of| (field(tables, of.field), tables.str(of.label)));
    format!("{field} {label} {:?}", items.get(atom.index()))
}

fn field(tables: &Tables, id: FieldId) -> &str {
    if id == KEYWORDS { "keywords" } else { tables.field_name(id) }
}

fn test(tables: &Tables, idx: u32) -> String {
    let Some(test) = tables.tests.get(idx as usize) else { return String::new() };
    let number = f64::from_bits(test.number);
    format!(
        "{:?} {} {} {:?} {number} {} {} {}",
        test.kind,
        field(tables, test.field),
        field(tables, test.other),
        test.comparison,
        test.cased,
        tables.str(test.label),
        tables.str(test.text),
    )
}
