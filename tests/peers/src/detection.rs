//! Random rules: every modifier in its legal chains, over few fields.

use fastrand::Rng;

use crate::rule::Rule;
use crate::words::{pattern, word};
use crate::yaml::Yaml;

/// The fields of generated rules and events.
pub const FIELDS: &[&str] = &["x", "y", "z", "a.b", "a.b.c", "n", "t", "ip"];

/// Chains that take text with wildcards.
const TEXT_CHAINS: &[&str] = &[
    "",
    "",
    "",
    "",
    "contains",
    "contains",
    "startswith",
    "endswith",
    "contains|all",
    "all",
    "startswith|all",
    "endswith|all",
    "cased",
    "contains|cased",
    "startswith|cased",
    "endswith|cased",
    "contains|all|cased",
    "neq",
    "contains|neq",
    "startswith|neq",
    "endswith|neq",
    "cased|neq",
    "contains|all|neq",
    "windash",
    "windash|contains",
    "contains|windash",
    "endswith|windash",
    "startswith|windash",
    "windash|contains|all",
    "contains|all|windash",
    "windash|contains|cased",
];

/// Chains that take text without wildcards.
const CODED_CHAINS: &[&str] = &[
    "base64",
    "base64|contains",
    "base64offset|contains",
    "wide|base64offset|contains",
    "utf16le|base64offset|contains",
    "utf16be|base64offset|contains",
    "utf16|base64|contains",
    "wide|base64|contains",
    "base64offset|contains|all",
    "base64offset|contains|cased",
    "base64|startswith",
    "base64|endswith",
    "utf16le|base64",
    "utf16be|base64",
    "utf16|base64",
    "base64|contains|neq",
];

const REGEX_CHAINS: &[&str] = &["re", "re", "re|i", "re|m", "re|s", "re|i|m|s", "re|all", "re|neq"];

const REGEXES: &[&str] = &[
    "ab+",
    "^a",
    "b$",
    "(ab|cd)+",
    "a.c",
    "(?i)AB",
    "[a-b]{2}",
    "x|",
    r"\.",
    "a{2,3}b",
    "^$",
    r"\d+",
    r"\w+\s\w",
    "[^a-z]",
    r"^\S+$",
    "(?i)[k-s]x?",
    "a.*b",
    "^a.*b$",
    "(a|b|)c",
    "foo|bar",
    r"\bab\b",
    "^b",
    "a$",
    "[[:alpha:]]+",
    r"\x41",
    "é+",
    "(?i)É",
    "(?s)a.b",
    "(?m)^b$",
    ".{3}",
    r"a\\b",
    "(?:ab){1,2}",
    "a??b",
    "^(?:[0-9]{1,3}\\.){3}[0-9]{1,3}$",
    "[äé]",
    r"\Bb",
    ".",
];

const NETWORKS: &[&str] = &[
    "10.0.0.0/8",
    "192.168.0.0/16",
    "127.0.0.1/32",
    "0.0.0.0/0",
    "172.16.0.0/12",
    "fe80::/10",
    "::1/128",
    "2001:db8::/32",
    "::/0",
    "10.1.2.0/23",
    "10.0.0.1",
    "::ffff:10.0.0.0/104",
];

const NUMBERS: &[&str] = &["0", "1", "5", "10", "200", "443", "-1", "1.5", "0.5", "100000", "1e3"];

/// A random rule.
pub fn random(rng: &mut Rng) -> Rule {
    let names = ["selection", "sel_a", "sel_b", "filter", "_hidden", "and_x"];
    let n_searches = rng.usize(1..4);
    let mut detection: Vec<(String, Yaml)> = Vec::new();
    let first = rng.usize(..names.len());
    for idx in 0..n_searches {
        let name = names[(first + idx) % names.len()];
        detection.push((name.to_owned(), search(rng)));
    }
    let defined: Vec<_> = detection.iter().map(|(name, _)| name.clone()).collect();
    let one = |rng: &mut Rng| Yaml::Plain(condition(&defined, 0, rng));
    let condition = if rng.u8(..) < 20 { Yaml::List(vec![one(rng), one(rng)]) } else { one(rng) };
    detection.push(("condition".into(), condition));
    let logsource = Yaml::Map(vec![("category".into(), Yaml::Plain("test".into()))]);
    Rule { origin: "generated".into(), logsource, detection }
}

fn condition(names: &[String], depth: usize, rng: &mut Rng) -> String {
    let one = |rng: &mut Rng| condition(names, depth + 1, rng);
    match rng.u8(..if depth > 3 { 6 } else { 12 }) {
        0..=4 => names[rng.usize(..names.len())].clone(),
        5 => {
            let quantifier = ["1", "all", "any"][rng.usize(..3)];
            let name = &names[rng.usize(..names.len())];
            // `them` and patterns leave out names with an underscore: there has to be one without.
            let them = names.iter().any(|name| !name.starts_with('_'));
            match rng.u8(..4) {
                0 if them => format!("{quantifier} of them"),
                1 => format!("{quantifier} of {}*", &name[..3]),
                2 if !name.starts_with('_') => format!("{quantifier} of *{}", &name[1..]),
                _ => format!("{quantifier} of {name}"),
            }
        }
        6 => format!("not {}", one(rng)),
        7 => format!("({})", one(rng)),
        8 => format!("not ({})", one(rng)),
        9 => format!("{} or {}", one(rng), one(rng)),
        _ => format!("{} and {}", one(rng), one(rng)),
    }
}

fn search(rng: &mut Rng) -> Yaml {
    match rng.u8(..16) {
        0 => Yaml::List((0..rng.usize(1..4)).map(|_| keyword(rng)).collect()),
        1 => Yaml::Map(vec![keywords(rng)]),
        2 | 3 => Yaml::List((0..rng.usize(1..3)).map(|_| map(rng)).collect()),
        4 => Yaml::List(vec![keyword(rng), map(rng)]),
        _ => map(rng),
    }
}

fn keyword(rng: &mut Rng) -> Yaml {
    loop {
        let text = pattern(rng);
        // An empty keyword says nothing: the readers refuse or ignore it, each in its own way.
        if !text.is_empty() {
            return Yaml::Text(text);
        }
    }
}

/// Keywords with modifiers: a map with an empty field name.
fn keywords(rng: &mut Rng) -> (String, Yaml) {
    if rng.u8(..) < 60 {
        return ("|re".into(), Yaml::Text(REGEXES[rng.usize(..REGEXES.len())].into()));
    }
    let label = ["|all", "|contains", "|contains|all"][rng.usize(..3)];
    (label.into(), Yaml::List((0..rng.usize(1..4)).map(|_| keyword(rng)).collect()))
}

fn map(rng: &mut Rng) -> Yaml {
    let mut entries: Vec<(String, Yaml)> = Vec::new();
    for _ in 0..rng.usize(1..4) {
        let (key, value) = item(rng);
        // A map has each key once.
        if entries.iter().all(|(known, _)| *known != key) {
            entries.push((key, value));
        }
    }
    Yaml::Map(entries)
}

fn item(rng: &mut Rng) -> (String, Yaml) {
    let field = FIELDS[rng.usize(..FIELDS.len())];
    let number = |rng: &mut Rng| Yaml::Plain(NUMBERS[rng.usize(..NUMBERS.len())].into());
    let (chain, value): (String, Yaml) = match rng.u8(..32) {
        0..=13 => {
            let chain = TEXT_CHAINS[rng.usize(..TEXT_CHAINS.len())];
            let value = match (rng.u8(..12), chain) {
                (0, "" | "neq") => number(rng),
                (1, "" | "neq") => Yaml::Plain(["true", "false"][rng.usize(..2)].into()),
                (2, "" | "neq") => Yaml::Plain("null".into()),
                (3, "") => Yaml::List(vec![
                    Yaml::Text(pattern(rng)),
                    number(rng),
                    Yaml::Plain(["null", "true", "7"][rng.usize(..3)].into()),
                ]),
                (4, "" | "cased" | "neq") => {
                    Yaml::Text(["", "*", "?", "?*"][rng.usize(..4)].into())
                }
                _ => texts(rng, pattern),
            };
            (chain.into(), value)
        }
        14..=16 => {
            let value = texts(rng, |rng| word(rng).replace(['*', '?', '\\'], "") + "abc");
            (CODED_CHAINS[rng.usize(..CODED_CHAINS.len())].into(), value)
        }
        17..=20 => {
            let value = texts(rng, |rng| REGEXES[rng.usize(..REGEXES.len())].into());
            (REGEX_CHAINS[rng.usize(..REGEX_CHAINS.len())].into(), value)
        }
        21 | 22 => {
            let chain = ["cidr", "cidr", "cidr|neq", "cidr|all"][rng.usize(..4)];
            (chain.into(), texts(rng, |rng| NETWORKS[rng.usize(..NETWORKS.len())].into()))
        }
        23 | 24 => (["lt", "lte", "gt", "gte"][rng.usize(..4)].into(), number(rng)),
        25 | 26 => {
            let (part, most) = [
                ("minute", 59),
                ("hour", 23),
                ("day", 31),
                ("week", 53),
                ("month", 12),
                ("year", 2030),
            ][rng.usize(..6)];
            let least = if part == "year" { 2019 } else { 0 };
            let compare = ["", "", "|lt", "|lte", "|gt", "|gte"][rng.usize(..6)];
            (format!("{part}{compare}"), Yaml::Plain(rng.u32(least..=most).to_string()))
        }
        27 | 28 => ("exists".into(), Yaml::Plain(["true", "false"][rng.usize(..2)].into())),
        _ => {
            let chain = [
                "fieldref",
                "fieldref",
                "fieldref|startswith",
                "fieldref|endswith",
                "fieldref|contains",
                "fieldref|neq",
                "fieldref|cased",
            ][rng.usize(..7)];
            (chain.into(), Yaml::Text(FIELDS[rng.usize(..FIELDS.len())].into()))
        }
    };
    let label = if chain.is_empty() { field.to_owned() } else { format!("{field}|{chain}") };
    (label, value)
}

fn texts(rng: &mut Rng, mut one: impl FnMut(&mut Rng) -> String) -> Yaml {
    match rng.u8(..3) {
        0 => Yaml::Text(one(rng)),
        _ => Yaml::List((0..rng.usize(1..4)).map(|_| Yaml::Text(one(rng))).collect()),
    }
}
