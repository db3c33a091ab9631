//! Behaviour as it is printed: in records, and for every pair.

use inspect::pack::Tables;
use inspect::{Behaviour, BehaviourField, FieldValue, ProxyField, RuleId};
use serde_json::{Map, Value, json};

use super::facts::{Facts, PairFacts};
use super::ledger::Ledger;
use super::pairs::Pair;
use super::rhythm;
use super::rita::RitaScore;

/// Returns the values of the fields of behaviour that a rule asks for; a field without one is left out.
pub(crate) fn asked(
    tables: &Tables,
    rule: RuleId,
    behaviour: &Behaviour,
) -> Vec<(&'static str, Value)> {
    let fields =
        tables.fields_of(rule).into_iter().filter_map(|field| {
            match ProxyField::from_name(tables.field_name(field)) {
                Some(ProxyField::Behaviour(field)) => Some(field),
                _ => None,
            }
        });
    let values = fields.filter_map(|field| Some((field.as_str(), value_of(behaviour, field)?)));
    let mut values: Vec<_> = values.collect();
    values.sort_unstable_by_key(|(name, _)| *name);
    values
}

/// Returns the value of a field; `None` where there is none or it is not known.
pub(crate) fn value_of(behaviour: &Behaviour, field: BehaviourField) -> Option<Value> {
    Some(match behaviour.value(field)? {
        FieldValue::Number(number) => json!(number),
        FieldValue::Ratio(ratio) => json!(ratio.to_f64()),
        FieldValue::FirstUses(first_uses) => json!(first_uses.names().collect::<Vec<_>>()),
    })
}

/// Returns values as one line for people.
pub(crate) fn to_text(values: &[(&'static str, Value)]) -> String {
    let value = |value: &Value| match value {
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
        value => value.to_string(),
    };
    let name = |name: &'static str| name.trim_start_matches("tidegate.").replace('_', " ");
    let parts: Vec<String> =
        values.iter().map(|(field, of)| format!("{} {}", name(field), value(of))).collect();
    parts.join(" · ")
}

/// Returns a JSON object a line for each pair: who, where, the fields, and the scores of RITA.
pub(crate) fn pairs(ledger: &Ledger) -> String {
    let mut facts = Facts::new(ledger);
    let mut out = String::new();
    for (source, host) in facts.pairs() {
        let Some(pair) = facts.of_pair(source, host, None) else { continue };
        let service = ledger.pairs.get(source, host).and_then(Pair::service);
        let behaviour =
            facts.behaviour(source, host, &pair, service, inspect::Operations::default(), None);
        let mut object = Map::new();
        object.insert("source".into(), json!(ledger.names.text(source)));
        object.insert("host".into(), json!(ledger.names.text(host)));
        for field in BehaviourField::ALL {
            if let Some(value) = value_of(&behaviour, field) {
                object.insert(field.as_str().into(), value);
            }
        }
        scores(&pair, facts.rita(&pair), &mut object);
        out.push_str(&Value::Object(object).to_string());
        out.push('\n');
    }
    out
}

fn scores(pair: &PairFacts, rita: Option<RitaScore>, object: &mut Map<String, Value>) {
    if let Some(rita) = rita {
        object.insert(
            "rita".into(),
            json!({
                "score": rounded(rita.score),
                "timestamps": rounded(rita.timestamps),
                "data_sizes": rounded(rita.data_sizes),
                "histogram": rounded(rita.histogram),
                "duration": rounded(rita.duration),
                "requests": rita.n_requests,
            }),
        );
    }
    // Of the others it says nothing, and it takes time.
    if pair.rhythm.is_some_and(|rhythm| rhythm.score >= 0.1) {
        let times: Vec<u32> = pair.events.iter().map(|event| event.time).collect();
        if let Some((share, period)) = rhythm::autocovariance(&times) {
            let value = json!({"value": rounded(share), "period": period});
            object.insert("autocovariance".into(), value);
        }
    }
}

fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}
