//! A plain evaluator: each rule as it is written, value by value, nothing compiled or skipped.
//! Slow and obvious; the engine is checked against it (DESIGN.md, invariant 6).

use inspect::limits::MAX_EVIDENCE;
use inspect::{Evidence, Inspector, Node, Truth, fold};
use proptest::prelude::*;
use serde_json::{Map, Value as Json};
use sigma::{
    Comparison, Condition, FieldPart, Item, Linking, Network, Rule, Search, Token, Value, ValueTest,
};

use crate::event;

/// An event as fields with their values; null is an empty list.
type Fields = Vec<(String, Vec<String>)>;

fn rule_holds(rule: &Rule, event: &Fields) -> bool {
    condition_holds(rule, &rule.condition, event)
}

fn condition_holds(rule: &Rule, condition: &Condition, event: &Fields) -> bool {
    match condition {
        Condition::Selection(idx) => search_holds(&rule.selections[*idx].search, event),
        Condition::All(parts) => parts.iter().all(|part| condition_holds(rule, part, event)),
        Condition::Any(parts) => parts.iter().any(|part| condition_holds(rule, part, event)),
        Condition::Not(part) => !condition_holds(rule, part, event),
    }
}

fn search_holds(search: &Search, event: &Fields) -> bool {
    match search {
        Search::All(parts) => parts.iter().all(|part| search_holds(part, event)),
        Search::Any(parts) => parts.iter().any(|part| search_holds(part, event)),
        Search::Item(item) => item_holds(item, event),
    }
}

fn item_holds(item: &Item, event: &Fields) -> bool {
    let holds = |value: &Value| value_holds(item, value, event);
    let all = match item.linking {
        Linking::Any => item.values.iter().any(holds),
        Linking::All => item.values.iter().all(holds),
    };
    all != item.negated
}

fn value_holds(item: &Item, value: &Value, event: &Fields) -> bool {
    let field =
        |name: &str| event.iter().find(|(field, _)| field == name).map(|(_, values)| values);
    let texts: Vec<&String> = match &item.field {
        Some(name) => field(name).into_iter().flatten().collect(),
        None => event.iter().flat_map(|(_, values)| values).collect(),
    };
    let own = item.field.as_deref().and_then(field);
    match &value.test {
        ValueTest::Null => own.is_none_or(Vec::is_empty),
        ValueTest::Exists(exists) => own.is_some() == *exists,
        ValueTest::Text { variants, cased } => texts.iter().any(|text| {
            let text = if *cased { text.as_bytes().to_vec() } else { fold(text.as_bytes()) };
            variants.iter().any(|tokens| {
                let tokens: Vec<Token> = tokens
                    .iter()
                    .map(|token| match token {
                        Token::Literal(bytes) if !cased => Token::Literal(fold(bytes)),
                        token => token.clone(),
                    })
                    .collect();
                tokens_match(&tokens, &text)
            })
        }),
        ValueTest::Regex(pattern) => {
            let regex = regex_automata::meta::Regex::new(pattern.as_str()).unwrap();
            texts.iter().any(|text| regex.is_match(text.as_str()))
        }
        ValueTest::Network(network) => texts.iter().any(|text| match (text.parse(), network) {
            (Ok(std::net::IpAddr::V4(address)), Network::V4(first, last)) => {
                (*first..=*last).contains(&address.to_bits())
            }
            (Ok(std::net::IpAddr::V6(address)), Network::V6(first, last)) => {
                (*first..=*last).contains(&address.to_bits())
            }
            _ => false,
        }),
        ValueTest::Number(comparison, number) => texts.iter().any(|text| {
            text.parse::<f64>().is_ok_and(|value| match comparison {
                Comparison::Equal => value == *number,
                Comparison::Less => value < *number,
                Comparison::LessOrEqual => value <= *number,
                Comparison::Greater => value > *number,
                Comparison::GreaterOrEqual => value >= *number,
            })
        }),
        ValueTest::Field { field: other, part, cased } => {
            let as_compared = |text: &String| {
                if *cased { text.as_bytes().to_vec() } else { fold(text.as_bytes()) }
            };
            texts.iter().any(|text| {
                let text = as_compared(text);
                field(other).into_iter().flatten().any(|other| {
                    let other = as_compared(other);
                    match part {
                        FieldPart::Whole => text == other,
                        FieldPart::Start => text.starts_with(&other),
                        FieldPart::End => text.ends_with(&other),
                        FieldPart::Any => {
                            other.is_empty()
                                || text.windows(other.len()).any(|window| window == other)
                        }
                    }
                })
            })
        }
        ValueTest::Time(..) => unimplemented!("the generator makes no time stamps"),
    }
}

/// Wildcards by trying everything.
fn tokens_match(tokens: &[Token], text: &[u8]) -> bool {
    match tokens.split_first() {
        None => text.is_empty(),
        Some((Token::Literal(literal), rest)) => {
            text.strip_prefix(literal.as_slice()).is_some_and(|text| tokens_match(rest, text))
        }
        Some((Token::Many, rest)) => {
            let text = str::from_utf8(text).unwrap();
            let mut ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            ends.any(|at| tokens_match(rest, &text.as_bytes()[at..]))
        }
        Some((Token::One, rest)) => {
            let n_bytes = str::from_utf8(text).unwrap().chars().next().map(char::len_utf8);
            n_bytes.is_some_and(|n_bytes| tokens_match(rest, &text[n_bytes..]))
        }
        Some((Token::Dash, rest)) => ["-", "/", "–", "—", "―"].iter().any(|dash| {
            text.strip_prefix(dash.as_bytes()).is_some_and(|text| tokens_match(rest, text))
        }),
    }
}

/// Short texts over few letters, so that rules and events meet.
fn word() -> impl Strategy<Value = String> {
    let letters = [
        "a", "b", "A", "B", "ab", "abcd", "bcda", "-", "/", ".", "é", "É", "\u{212a}", "k", "1",
        "0", " ", "cdab",
    ];
    proptest::collection::vec(proptest::sample::select(letters.to_vec()), 0..6)
        .prop_map(|parts| parts.concat())
}

/// A word with wildcards and escapes.
fn pattern() -> impl Strategy<Value = String> {
    let pieces = proptest::sample::select(&["*", "?", "\\*", "\\", "", "", "", "", "", ""][..]);
    proptest::collection::vec((word(), pieces), 1..3)
        .prop_map(|parts| parts.into_iter().map(|(word, piece)| format!("{word}{piece}")).collect())
}

/// Two fields of a proxy, which are searched together with keywords, and one of another log.
fn field() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(&["c-uri", "cs-host", "z"][..])
}

/// A detection item as YAML.
fn item() -> impl Strategy<Value = String> {
    let texts = proptest::collection::vec(pattern(), 1..4).prop_map(|patterns| {
        let quoted: Vec<_> = patterns.iter().map(|pattern| format!("'{pattern}'")).collect();
        format!("[{}]", quoted.join(", "))
    });
    let chains = [
        "",
        "|contains",
        "|startswith",
        "|endswith",
        "|contains|all",
        "|cased",
        "|contains|cased",
        "|windash",
        "|contains|windash",
        "|neq",
        "|endswith|neq",
        "|all",
        "|base64offset|contains",
    ];
    let of_text = (field(), proptest::sample::select(chains.to_vec()), texts).prop_map(
        |(field, chain, values)| {
            let values =
                if chain.contains("base64") { values.replace(['*', '?'], "") } else { values };
            format!("{field}{chain}: {values}")
        },
    );
    let regexes =
        ["ab+", "^a", "b$", "(ab|cd)+", "a.c", "(?i)AB", "[a-b]{2}", "x|", "\\.", "a{2,3}b"];
    let of_regex = (field(), proptest::sample::select(regexes.to_vec()))
        .prop_map(|(field, regex)| format!("{field}|re: '{regex}'"));
    let others = [
        "c-uri: null",
        "cs-host: ''",
        "z|exists: true",
        "c-uri|exists: false",
        "cs-host|gt: 5",
        "z|lte: 10",
        "c-uri: 10",
        "cs-host|cidr: 10.0.0.0/8",
        "c-uri|fieldref: cs-host",
        "cs-host|fieldref|startswith: z",
        "z|fieldref|contains: c-uri",
        "c-uri|fieldref|neq|endswith: cs-host",
        "cs-host: '*'",
        "z|cidr: 'fe80::/10'",
    ];
    prop_oneof![6 => of_text, 2 => of_regex, 2 => proptest::sample::select(others.to_vec()).prop_map(str::to_owned)]
}

/// A whole rule as YAML.
fn rule() -> impl Strategy<Value = String> {
    let map = proptest::collection::vec(item(), 1..3)
        .prop_map(|items| {
            // A key may occur only once in a map.
            let mut seen = Vec::new();
            let mut out = String::new();
            for item in items {
                let key = item.split(':').next().unwrap().to_owned();
                if !seen.contains(&key) {
                    out.push_str(&format!("\n        {item}"));
                    seen.push(key);
                }
            }
            out
        })
        .boxed();
    let keywords = proptest::collection::vec(pattern(), 1..3)
        .prop_map(|patterns| {
            patterns.iter().map(|pattern| format!("\n        - '{pattern}'")).collect::<String>()
        })
        .boxed();
    let selection = || prop_oneof![5 => map.clone(), 1 => keywords.clone()];
    let conditions = [
        "one",
        "one and two",
        "one or two",
        "one and not two",
        "not one",
        "not (one or not two) and three",
        "1 of them",
        "all of them",
        "one and 1 of t*",
        "not 1 of t*",
    ];
    (selection(), selection(), selection(), proptest::sample::select(conditions.to_vec())).prop_map(
        |(one, two, three, condition)| {
            format!(
                "title: t\nlogsource:\n    category: test\ndetection:\n    one:{one}\n    two:{two}\n    three:{three}\n    condition: {condition}\n"
            )
        },
    )
}

fn fields() -> impl Strategy<Value = Fields> {
    let special =
        proptest::sample::select(&["10", "4", "7.5", "10.1.2.3", "fe80::1", "", "YWJjZA=="][..])
            .prop_map(str::to_owned);
    // The run-time treats eight positions at once, so some values have many.
    let long = proptest::collection::vec(word(), 2..8).prop_map(|words| words.concat());
    let value = prop_oneof![4 => word(), 3 => long, 1 => special];
    // Nor does it look at every value of a field for every literal, where there are many.
    let values = prop_oneof![
        15 => proptest::collection::vec(value, 0..3),
        1 => proptest::collection::vec(word(), 12..24),
    ];
    proptest::collection::btree_map(
        proptest::sample::select(&["c-uri", "cs-host", "z", "w"][..]).prop_map(str::to_owned),
        values,
        0..4,
    )
    .prop_map(|fields| fields.into_iter().collect())
}

fn json(fields: &Fields) -> Json {
    let each = fields.iter().map(|(name, values)| {
        let value = match values.as_slice() {
            [] => Json::Null,
            [value] => Json::from(value.clone()),
            values => Json::from(values.to_vec()),
        };
        (name.clone(), value)
    });
    Json::Object(each.collect::<Map<_, _>>())
}

/// Collects the evidence of a condition that holds: the items in it that hold, but for those under a `not`.
fn collect(condition: inspect::Condition, found: &mut Vec<Evidence>) {
    match condition.node {
        _ if condition.truth != Truth::True => {}
        Node::All(parts) | Node::Any(parts) => {
            for part in parts {
                collect(part, found);
            }
        }
        Node::Not(_) => {}
        Node::Item { evidence, .. } => found.extend(evidence),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_agrees_with_the_plain_evaluator(
        rules in proptest::collection::vec(rule(), 1..6),
        events in proptest::collection::vec(fields(), 1..6),
    ) {
        let text = rules.join("---\n");
        let parsed = sigma::parse(&sigma::Source::new("generated.yml", &text));
        prop_assert_eq!(&parsed.diagnostics, &[], "{}", text);
        let mut inspector = Inspector::new(event::pack(&text).unwrap());
        for fields in &events {
            let verdict = event::inspect(&mut inspector, &json(fields));
            let engine: Vec<_> = verdict.matches.iter().map(|matched| matched.rule.index()).collect();
            let plain: Vec<_> = (0..parsed.rules.len()).filter(|idx| rule_holds(&parsed.rules[*idx], fields)).collect();
            prop_assert_eq!(engine, plain, "{}\n{:?}", text, fields);
            for matched in verdict.matches {
                let mut found = Vec::new();
                collect(inspector.condition(matched.rule).unwrap(), &mut found);
                found.truncate(MAX_EVIDENCE);
                prop_assert_eq!(&matched.evidence, &found, "{}\n{:?}", text, fields);
                let texts: Vec<&String> = fields.iter().flat_map(|(_, values)| values).collect();
                let is_found = |value: &Vec<u8>| texts.iter().any(|text| text.as_bytes() == value);
                prop_assert!(found.iter().all(|evidence| is_found(&evidence.value)), "{:?}", found);
            }
        }
    }
}

#[test]
fn a_literal_is_found_in_the_last_of_many_values_and_in_no_other_field() {
    let rule = "title: t\nlogsource: {category: proxy}\ndetection: {one: {cs-host|contains: needle}, condition: one}\n";
    let mut inspector = Inspector::new(event::pack(rule).unwrap());
    let many = |last: &str| {
        let values = (0..40).map(|idx| format!("value {idx}"));
        Json::from(values.chain([last.to_owned()]).collect::<Vec<_>>())
    };
    for (host, uri, expect) in [
        (many("a needle"), "", 1),
        (many("a needle"), "a needle, and a needle", 1),
        (many("none"), "a needle, and a needle", 0),
        (Json::from("nee"), "dle needle", 0),
    ] {
        let object = serde_json::json!({ "cs-host": host, "c-uri": uri });
        let verdict = event::inspect(&mut inspector, &object);
        assert_eq!(verdict.matches.len(), expect, "{object}");
        let found = verdict.matches.iter().flat_map(|matched| &matched.evidence);
        assert!(found.map(|evidence| evidence.value.as_slice()).all(|value| value == b"a needle"));
    }
}
