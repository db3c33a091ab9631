//! Sigma rules in the same form as the other languages.

use sigma::{Condition, FieldPart, Linking, Rule, Search, Token, ValueTest};

use super::{Expression, Operator, Reason};

/// What a rule asks of an event.
pub fn expression(rule: &Rule) -> Expression {
    condition(rule, &rule.condition)
}

fn condition(rule: &Rule, asked: &Condition) -> Expression {
    match asked {
        Condition::Selection(idx) => match rule.selections.get(*idx) {
            Some(selection) => search(&selection.search),
            None => Expression::Unread(Reason::new("unknown selection")),
        },
        Condition::All(parts) => {
            Expression::All(parts.iter().map(|part| condition(rule, part)).collect())
        }
        Condition::Any(parts) => {
            Expression::Any(parts.iter().map(|part| condition(rule, part)).collect())
        }
        Condition::Not(inner) => condition(rule, inner).negated(),
    }
}

fn search(asked: &Search) -> Expression {
    match asked {
        Search::All(parts) => Expression::All(parts.iter().map(search).collect()),
        Search::Any(parts) => Expression::Any(parts.iter().map(search).collect()),
        Search::Item(item) => {
            let field = item.field.as_deref().unwrap_or_default();
            let parts: Vec<_> = item
                .values
                .iter()
                .map(|value| test(field, &item.label, &value.text, &value.test))
                .collect();
            let linked = match item.linking {
                Linking::Any => Expression::Any(parts),
                Linking::All => Expression::All(parts),
            };
            if item.negated { linked.negated() } else { linked }
        }
    }
}

fn test(field: &str, label: &str, text: &str, test: &ValueTest) -> Expression {
    match test {
        ValueTest::Text { variants, .. } => match variants.as_slice() {
            [tokens] if !tokens.contains(&Token::Dash) => pattern(field, tokens),
            // A list is shown by its name, as `%browsers%`.
            // A value that was encoded is shown as it was written, with what is done to it.
            _ => {
                let encoding = label.split('|').find(|part| {
                    part.starts_with("base64") || part.starts_with("utf16") || *part == "wide"
                });
                match encoding {
                    Some(encoding) => Expression::Unread(Reason(format!("value in {encoding}"))),
                    None => Expression::test(field, operator_of(label), text),
                }
            }
        },
        ValueTest::Regex(regex) => Expression::test(field, Operator::Regex, regex.as_str()),
        ValueTest::Network(_) => Expression::test(field, Operator::Cidr, text),
        ValueTest::Null | ValueTest::Exists(false) => {
            Expression::test(field, Operator::Missing, "")
        }
        ValueTest::Exists(true) => Expression::test(field, Operator::Exists, ""),
        ValueTest::Number(comparison, number) => {
            let operator = match comparison {
                sigma::Comparison::Less => Operator::Less,
                sigma::Comparison::LessOrEqual => Operator::LessOrEqual,
                sigma::Comparison::Greater => Operator::Greater,
                sigma::Comparison::GreaterOrEqual => Operator::GreaterOrEqual,
                sigma::Comparison::Equal => Operator::Equals,
            };
            Expression::test(field, operator, number.to_string())
        }
        ValueTest::Time(..) => Expression::Unread(Reason::new("part of a time stamp")),
        ValueTest::Field {
            part: FieldPart::Whole | FieldPart::Start | FieldPart::End | FieldPart::Any,
            ..
        } => Expression::Unread(Reason::new("comparison of two fields")),
    }
}

fn operator_of(label: &str) -> Operator {
    let has = |name: &str| label.split('|').any(|part| part == name);
    match (has("contains"), has("startswith"), has("endswith")) {
        (true, ..) => Operator::Contains,
        (_, true, _) => Operator::StartsWith,
        (_, _, true) => Operator::EndsWith,
        _ => Operator::Equals,
    }
}

fn pattern(field: &str, tokens: &[Token]) -> Expression {
    let (start, end) = (tokens.first() == Some(&Token::Many), tokens.last() == Some(&Token::Many));
    let inner = match (start, end && tokens.len() > 1) {
        (true, true) => tokens.get(1..tokens.len() - 1),
        (true, false) => tokens.get(1..),
        (false, true) => tokens.get(..tokens.len() - 1),
        (false, false) => Some(tokens),
    };
    let written = |tokens: &[Token]| {
        let mut text = String::new();
        for token in tokens {
            match token {
                Token::Literal(bytes) => text.push_str(&String::from_utf8_lossy(bytes)),
                Token::One => text.push('?'),
                Token::Many => text.push('*'),
                Token::Dash => text.push('-'),
            }
        }
        text
    };
    match inner {
        Some([]) if tokens.is_empty() => Expression::test(field, Operator::Equals, ""),
        Some([]) => Expression::test(field, Operator::Exists, ""),
        Some([Token::Literal(bytes)]) => {
            let operator = match (start, end) {
                (true, true) => Operator::Contains,
                (true, false) => Operator::EndsWith,
                (false, true) => Operator::StartsWith,
                (false, false) => Operator::Equals,
            };
            Expression::test(field, operator, String::from_utf8_lossy(bytes))
        }
        _ => Expression::test(field, Operator::Wildcard, written(tokens)),
    }
}
