//! Differences that are not errors: where tidegate reads the specification as written, or made a
//! documented choice, and the peer made another.
//!
//! An explanation is a change to rule and event that by the specification, or by the documented
//! choice, must not matter. It explains a difference if tidegate's answer stays what it was and the
//! peer's becomes the same.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::difference::{Difference, answers};
use crate::rule::Rule;
use crate::yaml::Yaml;

/// Why a difference is none of ours.
pub struct Explanation {
    /// A short name, for counts.
    pub name: &'static str,
    /// The deciding sentence and its source.
    pub because: &'static str,
    /// Makes the change; whether anything was changed. Where there is a choice, the number chooses.
    change: fn(&mut Rule, &mut Value, usize) -> bool,
}

/// Every explanation.
pub const EXPLANATIONS: &[Explanation] = &[
    Explanation {
        name: "windash",
        because: "the reference (pySigma, `\\B[-/]\\b`): `windash` accepts other dashes where a dash starts a word; rsigma replaces every dash",
        change: windash_spelled_out,
    },
    Explanation {
        name: "variants without letters",
        because: "modifiers specification, `base64offset`: \"There are three variants for shifts by zero to two bytes\"; of one byte or none a variant may have no fixed letter, and is the empty text as in the reference (pySigma); rsigma leaves that variant out",
        change: short_variants_spelled_out,
    },
    Explanation {
        name: "case folding",
        because: "documented choice: case is folded by Unicode's simple case folding (inspect/src/fold.rs); rsigma takes the lower case, by which `ſ` is no `s`, and `Σ` at the end of a word another letter than before",
        change: fold_by_unicode,
    },
    Explanation {
        name: "numbers are text",
        because: "rules specification, Detection: values are case-insensitive strings; a number in a rule is the text of it, rsigma also takes `0200` and `200.0` for 200",
        change: numbers_to_text,
    },
    Explanation {
        name: "booleans are text",
        because: "rules specification, Detection: values are case-insensitive strings; `true` is the text `true`, rsigma also takes `yes` and `1` for it",
        change: booleans_to_text,
    },
    Explanation {
        name: "numbers in events",
        because: "documented choice: a number in an event is the text of its shortest form, `199.0` is `199`; rsigma's keywords see it as written, and its `fieldref` compares numbers",
        change: numbers_shortest,
    },
    Explanation {
        name: "lists without values",
        because: "documented choice: a list answers a field with its values; one without values, or of nulls, as null does",
        change: lists_without_values_to_null,
    },
    Explanation {
        name: "classes of expressions",
        because: "documented choice: RE2's syntax, by which pySigma checks expressions; `\\d`, `\\s`, `\\w` and `\\b` are ASCII, rsigma's are Unicode",
        change: classes_to_ascii,
    },
    Explanation {
        name: "fieldref and lists",
        because: "documented choice: a list holds where one of its values does, also where another field names it; rsigma compares lists whole",
        change: one_of_each_list,
    },
    Explanation {
        name: "objects",
        because: "documented choice: an object is no value, it answers its field as null does; rsigma compares objects with each other, and takes them for something else than null",
        change: objects_to_null,
    },
    Explanation {
        name: "fieldref and null",
        because: "documented choice: null has no value to compare with, `fieldref` does not hold where a field is null or missing",
        change: nulls_away,
    },
    Explanation {
        name: "booleans in events",
        because: "rules specification, Detection: keywords are searched for in the whole event; a boolean is the text `true` or `false`, rsigma's keywords leave it out",
        change: event_booleans_to_text,
    },
    Explanation {
        name: "time stamps",
        because: "modifiers specification, time modifiers: no time zone is applied, the parts are those that are written, of ISO 8601 only; rsigma converts to UTC, takes numbers for epochs, and knows no date without a time",
        change: stamps_alike,
    },
];

/// How often a choice is tried.
const CHOICES: usize = 64;

/// The explanations that together explain a difference; `None` where they do not.
pub fn explain(difference: &Difference) -> Option<Vec<&'static Explanation>> {
    let holds_so = |set: &[&Explanation], choice| {
        let (mut rule, mut event) = (difference.rule.clone(), difference.event.clone());
        let mut changed = false;
        for explanation in set {
            changed |= (explanation.change)(&mut rule, &mut event, choice);
        }
        let wanted = (difference.tidegate, difference.tidegate);
        changed && answers(&rule, &event) == Some(wanted)
    };
    let holds = |set: &[&Explanation]| (0..CHOICES).any(|choice| holds_so(set, choice));
    if let Some(one) = EXPLANATIONS.iter().find(|one| holds(&[one])) {
        return Some(vec![one]);
    }
    let mut set: Vec<_> = EXPLANATIONS.iter().collect();
    if !holds(&set) {
        return None;
    }
    // What can be left out is not needed.
    let mut idx = 0;
    while idx < set.len() {
        let one = set.remove(idx);
        if !holds(&set) {
            set.insert(idx, one);
            idx += 1;
        }
    }
    Some(set)
}

/// Rewrites letters that lower case and simple case folding treat differently as the latter does.
fn fold_by_unicode(rule: &mut Rule, event: &mut Value, _: usize) -> bool {
    let mut changed = false;
    let mut fold = |text: &mut String| {
        let folded: String = text.chars().map(folded_alike).collect();
        changed |= folded != *text;
        *text = folded;
    };
    rule.change_values(&mut |label, value| {
        // What is encoded is encoded as it is written; the letters of the code are ASCII's.
        if !has_modifier(label, &["base64", "base64offset"])
            && let Yaml::Text(text) | Yaml::Plain(text) = value
        {
            fold(text);
        }
    });
    change_all(event, &mut |value| {
        if let Value::String(text) = value {
            fold(text);
        }
    });
    changed
}

fn folded_alike(character: char) -> char {
    match character {
        // Its lower case is two characters; it folds to itself, as any letter without case.
        'İ' => 'ꙮ',
        // The lower case depends on its position in a word.
        'Σ' => 'σ',
        other if other.to_lowercase().eq([inspect::fold_char(other)]) => other,
        other => inspect::fold_char(other),
    }
}

/// Calls `change` for every value that is no object, lists before what is in them.
fn change_all(value: &mut Value, change: &mut dyn FnMut(&mut Value)) {
    if let Value::Object(map) = value {
        map.values_mut().for_each(|value| change_all(value, change));
        return;
    }
    change(value);
    if let Value::Array(list) = value {
        for value in list {
            change_all(value, change);
        }
    }
}

fn numbers_to_text(rule: &mut Rule, _: &mut Value, _: usize) -> bool {
    let mut changed = false;
    rule.change_values(&mut |label, value| {
        let Yaml::Plain(text) = value else { return };
        if is_number_asked(label) {
            return;
        }
        let written = match (text.parse::<i128>(), text.parse::<f64>()) {
            (Ok(number), _) => number.to_string(),
            (_, Ok(number)) if number.is_finite() => number.to_string(),
            _ => return,
        };
        *value = Yaml::Text(written);
        changed = true;
    });
    changed
}

/// Whether a label's modifiers take numbers as numbers.
fn is_number_asked(label: &str) -> bool {
    let numeric =
        ["lt", "lte", "gt", "gte", "minute", "hour", "day", "week", "month", "year", "exists"];
    has_modifier(label, &numeric)
}

/// Returns true if a label has one of these modifiers.
fn has_modifier(label: &str, modifiers: &[&str]) -> bool {
    label.split('|').skip(1).any(|name| modifiers.contains(&name))
}

fn booleans_to_text(rule: &mut Rule, _: &mut Value, _: usize) -> bool {
    let mut changed = false;
    rule.change_values(&mut |label, value| {
        if let Yaml::Plain(text) = value
            && matches!(text.to_lowercase().as_str(), "true" | "false")
            && !is_number_asked(label)
        {
            *value = Yaml::Text(text.to_lowercase());
            changed = true;
        }
    });
    changed
}

fn numbers_shortest(_: &mut Rule, event: &mut Value, _: usize) -> bool {
    let mut changed = false;
    change_all(event, &mut |value| {
        if let Value::Number(number) = value {
            let float = number.as_f64().filter(|_| number.is_f64());
            let text = float.map_or_else(|| number.to_string(), |float| float.to_string());
            *value = Value::String(text);
            changed = true;
        }
    });
    changed
}

fn lists_without_values_to_null(_: &mut Rule, event: &mut Value, _: usize) -> bool {
    let mut changed = false;
    change_all(event, &mut |value| {
        if value.as_array().is_some_and(|list| list.iter().all(Value::is_null)) {
            *value = Value::Null;
            changed = true;
        }
    });
    changed
}

fn classes_to_ascii(rule: &mut Rule, _: &mut Value, _: usize) -> bool {
    let mut changed = false;
    rule.change_values(&mut |label, value| {
        if !label.split('|').any(|name| name == "re") {
            return;
        }
        let Some(text) = value.as_str() else { return };
        let mut out = String::new();
        let mut rest = text.chars();
        while let Some(character) = rest.next() {
            if character != '\\' {
                out.push(character);
                continue;
            }
            let name = rest.next().unwrap_or('\\');
            let ascii = match name {
                'd' => "[0-9]",
                'D' => "[^0-9]",
                's' => r"[\t\n\f\r ]",
                'S' => r"[^\t\n\f\r ]",
                'w' => "[0-9A-Za-z_]",
                'W' => "[^0-9A-Za-z_]",
                'b' => r"(?-u:\b)",
                'B' => r"(?-u:\B)",
                other => {
                    out.extend(['\\', other]);
                    continue;
                }
            };
            out.push_str(ascii);
        }
        changed |= out != text;
        *value = Yaml::Text(out);
    });
    changed
}

/// Lets `fieldref` compare fields that hold one value of each list.
fn one_of_each_list(rule: &mut Rule, event: &mut Value, choice: usize) -> bool {
    let mut choice = choice;
    let mut names: Vec<String> = Vec::new();
    rule.change_items(&mut |label, value| {
        let Some((field, rest)) = label.split_once('|').filter(|(_, rest)| is_fieldref(rest))
        else {
            return;
        };
        names.push(field.to_owned());
        *label = format!("{field} one|{rest}");
        value.change_scalars(&mut |name| {
            let Some(other) = name.as_str() else { return };
            names.push(other.to_owned());
            *name = Yaml::Text(format!("{other} one"));
        });
    });
    names.sort_unstable();
    names.dedup();
    let changed = !names.is_empty();
    for name in names {
        let one = match lookup(event, &name).cloned() {
            None => continue,
            Some(Value::Array(list)) => {
                let n_values = list.len().max(1);
                let one = list.into_iter().nth(choice % n_values);
                choice /= n_values;
                one.unwrap_or_default()
            }
            Some(one) => one,
        };
        if let Value::Object(map) = event {
            map.insert(name + " one", one);
        }
    }
    changed
}

fn is_fieldref(modifiers: &str) -> bool {
    modifiers.split('|').any(|name| name == "fieldref")
}

fn objects_to_null(rule: &mut Rule, event: &mut Value, choice: usize) -> bool {
    let mut names = fieldref_names(rule);
    names.extend(rule.items().iter().map(|item| item.field.to_owned()));
    let mut changed = false;
    for name in names {
        if lookup(event, &name).is_some_and(Value::is_object) {
            // Null in its place; or, beside other fields of the object, as a field of the whole
            // name, which comes before the path that its dots spell.
            if choice.is_multiple_of(2) {
                set_null(event, &name);
            } else if let Value::Object(map) = event {
                map.insert(name, Value::Null);
            }
            changed = true;
        }
    }
    changed
}

/// Makes the field null that [`lookup`] finds.
fn set_null(object: &mut Value, name: &str) -> bool {
    if let Some(value) = object.get_mut(name) {
        *value = Value::Null;
        return true;
    }
    let mut dots = name.match_indices('.');
    dots.any(|(dot, _)| {
        object.get_mut(&name[..dot]).is_some_and(|inner| set_null(inner, &name[dot + 1..]))
    })
}

fn lookup<'v>(object: &'v Value, name: &str) -> Option<&'v Value> {
    object.get(name).or_else(|| {
        let mut dots = name.match_indices('.');
        dots.find_map(|(dot, _)| lookup(object.get(&name[..dot])?, &name[dot + 1..]))
    })
}

fn nulls_away(rule: &mut Rule, event: &mut Value, _: usize) -> bool {
    let mut changed = false;
    for name in fieldref_names(rule) {
        if lookup(event, &name).is_some_and(Value::is_null) {
            // What the null stood before is not to be seen either.
            while remove(event, &name) {
                changed = true;
            }
        }
    }
    changed
}

/// The fields that `fieldref` compares.
fn fieldref_names(rule: &Rule) -> Vec<String> {
    let mut names = Vec::new();
    for item in rule.items().iter().filter(|item| item.modifiers.contains(&"fieldref")) {
        names.push(item.field.to_owned());
        names.extend(item.values.iter().filter_map(|value| value.as_str()).map(str::to_owned));
    }
    names
}

/// Removes the field that [`lookup`] finds; whether there was one.
fn remove(object: &mut Value, name: &str) -> bool {
    let Value::Object(map) = object else { return false };
    if map.remove(name).is_some() {
        return true;
    }
    let mut dots = name.match_indices('.');
    dots.any(|(dot, _)| {
        map.get_mut(&name[..dot]).is_some_and(|inner| remove(inner, &name[dot + 1..]))
    })
}

fn event_booleans_to_text(_: &mut Rule, event: &mut Value, _: usize) -> bool {
    let mut changed = false;
    change_all(event, &mut |value| {
        if let Value::Bool(boolean) = value {
            *value = Value::String(boolean.to_string());
            changed = true;
        }
    });
    changed
}

fn stamps_alike(rule: &mut Rule, event: &mut Value, _: usize) -> bool {
    if !["minute", "hour", "day", "week", "month", "year"].iter().any(|part| rule.uses(part)) {
        return false;
    }
    let mut changed = false;
    change_all(event, &mut |value| {
        let alike = match value {
            Value::Number(number) => format!("number {number}"),
            Value::String(text) if is_stamp(text) => match text.get(..19) {
                Some(clock) => clock.replace(' ', "T") + "Z",
                None if text.len() == 10 => format!("{text}T00:00:00Z"),
                None if text.len() == 16 => text.replace(' ', "T") + ":00Z",
                None => return,
            },
            _ => return,
        };
        *value = Value::String(alike);
        changed = true;
    });
    changed
}

/// Whether a text starts as a date does.
fn is_stamp(text: &str) -> bool {
    let shape = |(at, byte): (usize, u8)| match at {
        4 | 7 => byte == b'-',
        0..10 => byte.is_ascii_digit(),
        _ => byte.is_ascii(),
    };
    text.len() >= 10 && text.bytes().enumerate().all(shape)
}

/// Most dashes of a value that are spelled out.
const MAX_DASHES: usize = 3;

fn windash_spelled_out(rule: &mut Rule, event: &mut Value, choice: usize) -> bool {
    let mut n_items = 0;
    rule.change_items(&mut |label, value| {
        if has_modifier(label, &["windash"]) {
            let texts = value.texts().into_iter().map(with_each_dash).collect();
            spell_out("windash", texts, (label, value), event, (n_items, choice));
            n_items += 1;
        }
    });
    n_items > 0
}

/// Puts the variants of an item's values in place of what a modifier makes of them.
fn spell_out(
    modifier: &str,
    variants: Vec<Vec<String>>,
    (label, value): (&mut String, &mut Yaml),
    event: &mut Value,
    (idx, choice): (usize, usize),
) {
    let spelled = if has_modifier(label, &["all"]) {
        // All of several cannot be spelled out: one variant of each is chosen.
        variants.into_iter().map(|texts| texts[choice % texts.len()].clone()).collect()
    } else {
        variants.concat()
    };
    // A field of its own, since the map may hold the rest of the chain already.
    let mut names = label.split('|');
    let field = names.next().unwrap_or_default();
    let own = format!("{field} {modifier} {idx}");
    if let (Some(value), Value::Object(map)) = (lookup(event, field).cloned(), &mut *event) {
        map.insert(own.clone(), value);
    }
    let rest = names.filter(|name| *name != modifier);
    *label = rest.fold(own, |label, name| label + "|" + name);
    *value = Yaml::List(spelled.into_iter().map(Yaml::Text).collect());
}

fn short_variants_spelled_out(rule: &mut Rule, event: &mut Value, choice: usize) -> bool {
    let mut n_items = 0;
    rule.change_items(&mut |label, value| {
        // Texts of UTF-16 are longer.
        if !has_modifier(label, &["base64offset"])
            || has_modifier(label, &["wide", "utf16le", "utf16be", "utf16", "windash"])
        {
            return;
        }
        let variants: Vec<_> = value.texts().into_iter().map(at_each_offset).collect();
        if variants.concat().iter().any(String::is_empty) {
            spell_out("base64offset", variants, (label, value), event, (n_items, choice));
            n_items += 1;
        }
    });
    n_items > 0
}

/// Returns the part of a text's Base64 that does not depend on its surroundings, after zero, one and two bytes.
fn at_each_offset(text: &str) -> Vec<String> {
    let variant = |(n_before, start): (usize, usize)| {
        let bytes = [&[b' '; 2][..n_before], text.as_bytes()].concat();
        let code = STANDARD.encode(&bytes);
        let end = code.len() - [0, 3, 2][bytes.len() % 3];
        code.get(start..end).unwrap_or_default().to_owned()
    };
    [(0, 0), (1, 2), (2, 3)].map(variant).to_vec()
}

/// A pattern with each of the dashes in place of every dash that starts a word.
fn with_each_dash(pattern: &str) -> Vec<String> {
    let characters: Vec<char> = pattern.chars().collect();
    let word = |at: Option<usize>| {
        let character = at.and_then(|at| characters.get(at));
        character.is_some_and(|character| character.is_alphanumeric() || *character == '_')
    };
    let mut out = vec![String::new()];
    let mut n_dashes = 0;
    for (at, character) in characters.iter().enumerate() {
        let starts =
            matches!(character, '-' | '/') && !word(at.checked_sub(1)) && word(Some(at + 1));
        let dashes = if starts && n_dashes < MAX_DASHES {
            "-/–—―".to_owned()
        } else {
            character.to_string()
        };
        n_dashes += usize::from(starts);
        out = out
            .iter()
            .flat_map(|text| dashes.chars().map(move |dash| format!("{text}{dash}")))
            .collect();
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_change_explains_what_it_is_for() {
        let rows = [
            ("{x|base64offset: ''}", json!({"x": ""}), "variants without letters"),
            ("{x|base64offset|contains: [a, bcd]}", json!({"x": "-"}), "variants without letters"),
            // The letter of the value is none of the code, and stays as it is.
            ("{x|base64offset|contains: 'İabc'}", json!({"x": "EſgfiY"}), "case folding"),
            ("{x|windash|contains: '', x|contains|windash: '--'}", json!({"x": "-–"}), "windash"),
        ];
        for (search, event, name) in rows {
            let text = format!(
                "logsource: {{category: test}}\ndetection:\n  one: {search}\n  condition: one\n"
            );
            let rule = Rule::read("test", &text).unwrap();
            let difference = Difference::of(&rule, &event).expect(search);
            let explanations = explain(&difference).expect(search);
            let names: Vec<_> = explanations.iter().map(|one| one.name).collect();
            assert_eq!(names, [name], "{search}");
        }
    }
}
