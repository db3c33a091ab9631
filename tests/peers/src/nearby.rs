//! Events that a rule matches, or nearly: made of its own values, then changed a little.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fastrand::Rng;
use serde_json::{Map, Value, json};

use crate::detection::FIELDS;
use crate::rule::{Item, Rule};
use crate::words::{mutated, recased, word};
use crate::{sample, yaml::Yaml};

/// A random event for a rule.
pub fn event(rule: &Rule, rng: &mut Rng) -> Value {
    let items = rule.items();
    let mut fields: Vec<(String, Value)> = Vec::new();
    let all = rng.bool();
    for item in &items {
        if !all && rng.u8(..) < 70 {
            continue;
        }
        let field =
            if item.field.is_empty() { FIELDS[rng.usize(..FIELDS.len())] } else { item.field };
        let value = value_for(item, &fields, rng);
        match fields.iter_mut().find(|(name, _)| name == field) {
            // Two items may ask for one field: sometimes a list of what each wants.
            Some((_, known)) if rng.u8(..) < 60 => *known = joined(known.take(), value),
            Some((_, known)) if rng.bool() => *known = value,
            Some(_) => {}
            None => fields.push((field.to_owned(), value)),
        }
    }
    if rng.u8(..) < 60 {
        fields.push((FIELDS[rng.usize(..FIELDS.len())].into(), loose(rng)));
    }
    if rng.u8(..) < 20 && !fields.is_empty() {
        let at = rng.usize(..fields.len());
        fields[at].1 = [Value::Null, json!(""), json!(true), json!(10)][rng.usize(..4)].clone();
    }
    let mut object = Map::new();
    for (name, value) in fields {
        insert(&mut object, &name, value, rng.bool());
    }
    Value::Object(object)
}

/// Two values as one list.
fn joined(left: Value, right: Value) -> Value {
    let list = |value| match value {
        Value::Array(list) => list,
        value => vec![value],
    };
    Value::Array([list(left), list(right)].concat())
}

/// A dotted field as one name, or as the path that its dots spell.
fn insert(object: &mut Map<String, Value>, name: &str, value: Value, nested: bool) {
    match name.split_once('.') {
        Some((first, rest)) if nested && !object.contains_key(name) => {
            let inner = object.entry(first).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                insert(inner, rest, value, true);
            }
        }
        _ => {
            object.insert(name.to_owned(), value);
        }
    }
}

fn loose(rng: &mut Rng) -> Value {
    match rng.u8(..10) {
        0 => Value::Null,
        1 => json!(rng.i32(-2..500)),
        2 => json!(f64::from(rng.i32(-4..20)) / 2.0),
        3 => json!(rng.bool()),
        4 => json!([word(rng), word(rng)]),
        5 => json!(stamp(rng)),
        6 if rng.bool() => [json!([]), json!([null]), json!([null, 5])][rng.usize(..3)].clone(),
        _ => json!(word(rng)),
    }
}

fn value_for(item: &Item<'_>, fields: &[(String, Value)], rng: &mut Rng) -> Value {
    let has = |modifier: &str| item.modifiers.contains(&modifier);
    let value = item.values[rng.usize(..item.values.len())];
    let Some(text) = value.as_str() else { return loose(rng) };
    if has("all") && item.values.len() > 1 && rng.u8(..) < 230 {
        // One text that contains all values, as far as possible.
        let mut texts = item.values.iter().filter_map(|value| value.as_str());
        let joined: String = texts.by_ref().map(|text| plain(text, rng) + "-").collect();
        return json!(mutated(&joined, rng));
    }
    if has("fieldref") {
        let other = fields.iter().find(|(name, _)| name == text).map(|(_, value)| value.clone());
        return match other {
            Some(Value::String(other)) => {
                let longer =
                    if has("startswith") { other + &word(rng) } else { word(rng) + &other };
                json!(mutated(&longer, rng))
            }
            Some(other) => other,
            None => loose(rng),
        };
    }
    let number: Option<f64> = text.parse().ok().filter(|number: &f64| number.is_finite());
    if ["minute", "hour", "day", "week", "month", "year"].iter().any(|part| has(part)) {
        return if rng.u8(..) < 240 { json!(stamp(rng)) } else { loose(rng) };
    }
    if let (Some(number), Yaml::Plain(_)) = (number, value) {
        let number = number + f64::from(rng.i32(-1..=1));
        #[expect(clippy::cast_possible_truncation, reason = "small numbers")]
        return match rng.u8(..6) {
            0 => json!(number),
            1 => json!(number.to_string()),
            2 => json!(text),
            3 => json!(format!("0{text}")),
            4 => json!(mutated(text, rng)),
            _ => json!(number as i64),
        };
    }
    if let ("null" | "true" | "false", Yaml::Plain(_)) = (text, value) {
        return match rng.u8(..6) {
            0 => Value::Null,
            1 => json!(true),
            2 => json!(false),
            3 => json!(text),
            4 => json!(text.to_uppercase()),
            _ => loose(rng),
        };
    }
    let realised = if has("re") {
        let flags = if has("i") { "(?i)" } else { "" };
        sample::of_regex(&format!("{flags}{text}"), rng)
    } else if has("cidr") {
        address(text, rng)
    } else {
        realise(item, text, rng)
    };
    let changed = mutated(&realised, rng);
    match rng.u8(..24) {
        0 => json!([word(rng), changed]),
        1 => json!([changed, 5, null]),
        2 => changed.parse::<i64>().map_or_else(|_| json!(changed), |number| json!(number)),
        _ => json!(changed),
    }
}

/// A text that a pattern matches: wildcards replaced, escapes removed.
fn plain(pattern: &str, rng: &mut Rng) -> String {
    let mut out = String::new();
    let mut rest = pattern.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '*' => out.push_str(&word(rng)),
            '?' => out.push(['x', 'é', '\n', '*', '😀'][rng.usize(..5)]),
            '\\' => out.push(rest.next_if(|next| "*?\\".contains(*next)).unwrap_or('\\')),
            other => out.push(other),
        }
    }
    out
}

fn realise(item: &Item<'_>, pattern: &str, rng: &mut Rng) -> String {
    let has = |modifier: &str| item.modifiers.contains(&modifier);
    let mut text = plain(pattern, rng);
    if has("windash") {
        let dash = ["-", "/", "–", "—", "―"];
        text = text
            .chars()
            .map(|character| match character {
                '-' | '/' if rng.bool() => dash[rng.usize(..5)].to_owned(),
                other => other.to_string(),
            })
            .collect();
    }
    let coded = has("base64") || has("base64offset");
    if coded {
        let mut bytes = if has("base64offset") || has("contains") {
            word(rng).into_bytes()
        } else {
            Vec::new()
        };
        bytes.truncate(rng.usize(..4));
        for unit in text.encode_utf16() {
            match () {
                () if has("wide") || has("utf16le") || has("utf16") => {
                    bytes.extend(unit.to_le_bytes());
                }
                () if has("utf16be") => bytes.extend(unit.to_be_bytes()),
                () => {}
            }
        }
        if !["wide", "utf16le", "utf16be", "utf16"].iter().any(|wide| has(wide)) {
            bytes.extend(text.as_bytes());
        }
        if has("utf16") && rng.bool() {
            bytes.splice(0..0, [0xFF, 0xFE]);
        }
        if rng.bool() {
            bytes.extend(word(rng).as_bytes());
        }
        text = STANDARD.encode(bytes);
    } else if rng.bool() && !has("cased") {
        text = recased(&text, rng);
    }
    let keyword = item.field.is_empty();
    let (before, behind) = (
        has("contains") || has("endswith") || keyword,
        has("contains") || has("startswith") || keyword,
    );
    let before = if before && rng.bool() { word(rng) } else { String::new() };
    let behind = if behind && rng.bool() { word(rng) } else { String::new() };
    before + &text + &behind
}

/// An address in a network, or beside it, or no address.
fn address(network: &str, rng: &mut Rng) -> String {
    let (address, prefix) = network.split_once('/').unwrap_or((network, "128"));
    let prefix: u32 = prefix.parse().unwrap_or(128);
    match address.parse() {
        Ok(std::net::IpAddr::V4(address)) => {
            let host = rng.u32(..) & u32::MAX.checked_shr(prefix.min(32)).unwrap_or_default();
            let flip = if rng.u8(..) < 60 { 1 << rng.u32(..32) } else { 0 };
            let address = std::net::Ipv4Addr::from_bits((address.to_bits() | host) ^ flip);
            match rng.u8(..16) {
                0 => format!("::ffff:{address}"),
                1 => format!("{address}:80"),
                2 => format!("0{address}"),
                _ => address.to_string(),
            }
        }
        Ok(std::net::IpAddr::V6(address)) => {
            let host = rng.u128(..) & u128::MAX.checked_shr(prefix).unwrap_or_default();
            let flip = if rng.u8(..) < 60 { 1 << rng.u32(..128) } else { 0 };
            let address = std::net::Ipv6Addr::from_bits((address.to_bits() | host) ^ flip);
            if rng.bool() { address.to_string() } else { address.to_string().to_uppercase() }
        }
        Err(_) => word(rng),
    }
}

/// A time stamp, mostly in ISO 8601.
fn stamp(rng: &mut Rng) -> String {
    let date = format!("{:04}-{:02}-{:02}", rng.u32(2018..2031), rng.u32(1..13), rng.u32(1..32));
    let clock = format!("{:02}:{:02}:{:02}", rng.u32(..25), rng.u32(..60), rng.u32(..60));
    match rng.u8(..8) {
        0 => date,
        1 => format!("{date} {clock}"),
        2 => format!("{date}T{clock}.123Z"),
        3 => format!("{date}T{clock}+02:00"),
        4 => format!("{date}T{clock}"),
        _ => format!("{date}T{clock}Z"),
    }
}
