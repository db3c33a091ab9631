//! Makes a difference as small as it gets: fewer searches, values, fields, characters.

use serde_json::Value;

use crate::difference::Difference;
use crate::rule::Rule;
use crate::yaml::Yaml;

/// Most attempts at one difference.
const MAX_ATTEMPTS: usize = 3_000;

/// The smallest difference that is found by leaving parts out of this one, while `keep` holds.
pub fn smaller(mut difference: Difference, keep: &dyn Fn(&Difference) -> bool) -> Difference {
    let mut n_attempts = 0;
    'again: loop {
        let rules = smaller_rules(&difference.rule);
        let pairs = rules.into_iter().map(|rule| (rule, difference.event.clone()));
        let events = smaller_values(&difference.event);
        let events = events.into_iter().map(|event| (difference.rule.clone(), event));
        for (rule, event) in pairs.chain(events).collect::<Vec<_>>() {
            n_attempts += 1;
            if n_attempts > MAX_ATTEMPTS {
                return difference;
            }
            let Some(found) = Difference::of(&rule, &event) else { continue };
            if event.is_object() && found.tidegate == difference.tidegate && keep(&found) {
                difference = found;
                continue 'again;
            }
        }
        return difference;
    }
}

fn smaller_rules(rule: &Rule) -> Vec<Rule> {
    let mut out = Vec::new();
    let with = |detection: Vec<(String, Yaml)>| Rule { detection, ..rule.clone() };
    for idx in 0..rule.detection.len() {
        let (name, part) = &rule.detection[idx];
        let replace = |part: Yaml| {
            let mut detection = rule.detection.clone();
            detection[idx].1 = part;
            with(detection)
        };
        if name == "condition" {
            let conditions = match part {
                Yaml::List(list) => list.clone(),
                scalar => smaller_conditions(scalar.as_str().unwrap_or_default()),
            };
            out.extend(conditions.into_iter().map(replace));
            continue;
        }
        let mut without = rule.detection.clone();
        without.remove(idx);
        out.push(with(without));
        out.extend(smaller_parts(part, true).into_iter().map(replace));
    }
    out
}

/// The condition without a run of its words.
fn smaller_conditions(condition: &str) -> Vec<Yaml> {
    let spaced = condition.replace('(', " ( ").replace(')', " ) ");
    let words: Vec<_> = spaced.split_whitespace().collect();
    let mut out = Vec::new();
    for len in (1..words.len()).rev() {
        for start in 0..=words.len() - len {
            let rest: Vec<_> =
                words[..start].iter().chain(&words[start + len..]).copied().collect();
            out.push(Yaml::Plain(rest.join(" ")));
        }
    }
    out
}

fn smaller_parts(part: &Yaml, top: bool) -> Vec<Yaml> {
    let mut out = Vec::new();
    match part {
        Yaml::Plain(_) => {}
        Yaml::Text(text) => out.extend(smaller_texts(text).into_iter().map(Yaml::Text)),
        Yaml::List(list) => {
            out.extend((list.len() > 2).then(|| Yaml::List(list[..list.len() / 2].to_vec())));
            out.extend((list.len() > 2).then(|| Yaml::List(list[list.len() / 2..].to_vec())));
            for idx in 0..list.len() {
                let mut fewer = list.clone();
                let one = fewer.remove(idx);
                if list.len() == 1 && (!top || matches!(one, Yaml::Map(_))) {
                    out.push(one.clone());
                } else if list.len() > 1 {
                    out.push(Yaml::List(fewer));
                }
                out.extend(smaller_parts(&one, top).into_iter().map(|one| {
                    let mut list = list.clone();
                    list[idx] = one;
                    Yaml::List(list)
                }));
            }
        }
        Yaml::Map(map) => {
            for idx in 0..map.len() {
                if map.len() > 1 {
                    let mut fewer = map.clone();
                    fewer.remove(idx);
                    out.push(Yaml::Map(fewer));
                }
                let (label, value) = &map[idx];
                // A chain without one of its modifiers.
                let names: Vec<_> = label.split('|').collect();
                for name in 1..names.len() {
                    let mut names = names.clone();
                    names.remove(name);
                    let mut map = map.clone();
                    map[idx].0 = names.join("|");
                    out.push(Yaml::Map(map));
                }
                out.extend(smaller_parts(value, false).into_iter().map(|value| {
                    let mut map = map.clone();
                    map[idx].1 = value;
                    Yaml::Map(map)
                }));
            }
        }
    }
    out
}

fn smaller_values(value: &Value) -> Vec<Value> {
    let mut out = Vec::new();
    match value {
        Value::String(text) => out.extend(smaller_texts(text).into_iter().map(Value::String)),
        Value::Array(list) => {
            out.extend(list.iter().cloned());
            for idx in 0..list.len() {
                let mut fewer = list.clone();
                fewer.remove(idx);
                out.push(Value::Array(fewer));
                out.extend(smaller_values(&list[idx]).into_iter().map(|one| {
                    let mut list = list.clone();
                    list[idx] = one;
                    Value::Array(list)
                }));
            }
        }
        Value::Object(map) => {
            for (key, of_key) in map {
                let mut fewer = map.clone();
                fewer.remove(key);
                out.push(Value::Object(fewer));
                out.extend(smaller_values(of_key).into_iter().map(|one| {
                    let mut map = map.clone();
                    map.insert(key.clone(), one);
                    Value::Object(map)
                }));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    out
}

/// The halves of a text, and the text without each of its characters.
fn smaller_texts(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    let mut out: Vec<String> = Vec::new();
    if characters.len() > 3 {
        let (left, right) = characters.split_at(characters.len() / 2);
        out.push(left.iter().collect());
        out.push(right.iter().collect());
    }
    for idx in 0..characters.len() {
        let mut fewer = characters.clone();
        fewer.remove(idx);
        out.push(fewer.into_iter().collect());
    }
    out
}
