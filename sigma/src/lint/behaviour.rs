//! Behaviour: values that a field cannot have, and rules that take every clock for a beacon.

use inspect::{BehaviourField, FirstUse, ProxyField, ValueKind};

use super::{Report, codes, items, quoted};
use crate::rule::{Item, Token, Value, ValueTest};

/// Checks the values that an item looks for.
pub(super) fn check_values(report: &mut Report<'_>, item: &Item) {
    let Some(field) = field_of(report, item) else { return };
    for value in &item.values {
        if let Some(help) = impossible(field, value) {
            let message = format!("`{}` is never {}", field.as_str(), quoted(&value.text));
            report.add(&codes::IMPOSSIBLE_BEHAVIOUR, value.span, message, help);
        }
    }
}

/// Checks that a rule which asks for a rhythm asks for something else too.
pub(super) fn check_rule(report: &mut Report<'_>) {
    let is_rhythm = |item: &Item| {
        let field = field_of(report, item);
        matches!(
            field,
            Some(
                BehaviourField::Beacon
                    | BehaviourField::BeaconPeriod
                    | BehaviourField::Requests
                    | BehaviourField::ActiveHours
            )
        )
    };
    let positive = || items(report.rule).into_iter().filter(|(_, excludes)| !excludes);
    let asks_beacon =
        positive().any(|(item, _)| field_of(report, item) == Some(BehaviourField::Beacon));
    if asks_beacon && positive().all(|(item, _)| is_rhythm(item)) {
        report.add(
            &codes::RHYTHM_ALONE,
            report.rule.span,
            "the rule takes every clock for a beacon".into(),
            "ask for a service, an operation, a first use or a low prevalence beside it",
        );
    }
}

fn field_of(report: &Report<'_>, item: &Item) -> Option<BehaviourField> {
    match ProxyField::from_name(report.proxy_field(item)?)? {
        ProxyField::Behaviour(field) => Some(field),
        _ => None,
    }
}

/// Why a field never has a value; `None` where it may.
fn impossible(field: BehaviourField, value: &Value) -> Option<String> {
    let kind = field.kind();
    match (&value.test, kind) {
        (ValueTest::Text { variants, .. }, ValueKind::FirstUses) => {
            let mut literals = variants.iter().filter_map(|tokens| match tokens.as_slice() {
                [Token::Literal(bytes)] => Some(bytes),
                _ => None,
            });
            let is_name = |literal: &Vec<u8>| {
                let mut names = FirstUse::ALL.iter().map(|(_, name)| name.as_bytes());
                names.any(|name| name.eq_ignore_ascii_case(literal))
            };
            let names = || FirstUse::ALL.map(|(_, name)| name).join(", ");
            (!literals.all(is_name)).then(|| format!("the values are {}", names()))
        }
        (ValueTest::Number(..), ValueKind::FirstUses) => {
            Some("its values are names, as `source.host`".to_owned())
        }
        (ValueTest::Number(_, number), ValueKind::Share) if !(0.0..=1.0).contains(number) => {
            Some("it is a number from 0 to 1".to_owned())
        }
        (ValueTest::Number(_, number), ValueKind::Balance) if !(-1.0..=1.0).contains(number) => {
            Some("it is a number from -1 to 1".to_owned())
        }
        (ValueTest::Text { .. } | ValueTest::Regex(_) | ValueTest::Network(_), kind)
            if kind != ValueKind::FirstUses && value.text.parse::<f64>().is_err() =>
        {
            Some("it is a number: compare it with `lt`, `lte`, `gt` or `gte`".to_owned())
        }
        _ => None,
    }
}
