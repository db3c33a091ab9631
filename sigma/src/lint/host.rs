//! Host values: label boundaries, the apex, and what no host can be.

use super::{Report, codes, items, quoted};
use crate::rule::{Item, Token, Value, ValueTest};

const HOSTS: &[&str] = &["cs-host", "r-dns", "tls.client.server_name"];

pub(super) fn check(report: &mut Report<'_>, item: &Item, excludes: bool) {
    let Some(field) = report.proxy_field(item).filter(|field| HOSTS.contains(field)) else {
        return;
    };
    for value in &item.values {
        for tokens in variants(value) {
            impossible(report, value, tokens);
            if let [Token::Many, Token::Literal(suffix)] = tokens.as_slice() {
                boundary(report, value, suffix, excludes);
                apex(report, field, value, suffix);
            }
        }
    }
}

fn variants(value: &Value) -> &[Vec<Token>] {
    match &value.test {
        ValueTest::Text { variants, .. } => variants,
        _ => &[],
    }
}

fn boundary(report: &mut Report<'_>, value: &Value, suffix: &[u8], excludes: bool) {
    if !suffix.first().is_some_and(u8::is_ascii_alphanumeric) || !suffix.contains(&b'.') {
        return;
    }
    let name = String::from_utf8_lossy(suffix);
    let what = if excludes { "exempts" } else { "matches" };
    report.add(
        &codes::HOST_BOUNDARY,
        value.span,
        format!("`{name}` as a suffix also {what} `evil{name}`"),
        format!("list the name itself, and `.{name}` with `endswith`"),
    );
}

fn apex(report: &mut Report<'_>, field: &str, value: &Value, suffix: &[u8]) {
    let Some(apex) = suffix.strip_prefix(b".").filter(|apex| apex.contains(&b'.')) else { return };
    let covers = |tokens: &[Token]| match tokens {
        [Token::Literal(whole)] => whole.eq_ignore_ascii_case(apex),
        [Token::Many, Token::Literal(end)] | [Token::Many, Token::Literal(end), Token::Many] => {
            !end.is_empty() && apex.to_ascii_lowercase().ends_with(&end.to_ascii_lowercase())
        }
        _ => false,
    };
    let listed = items(report.rule).into_iter().any(|(item, _)| {
        report.proxy_field(item) == Some(field)
            && item.values.iter().flat_map(variants).any(|tokens| covers(tokens))
    });
    if !listed {
        let name = String::from_utf8_lossy(apex);
        report.add(
            &codes::HOST_APEX,
            value.span,
            format!("`.{name}` does not match `{name}` itself"),
            format!("list `{name}` too, if it serves what the rule looks for"),
        );
    }
}

fn impossible(report: &mut Report<'_>, value: &Value, tokens: &[Token]) {
    let literals = tokens.iter().filter_map(|token| match token {
        Token::Literal(literal) => Some(literal),
        Token::One | Token::Many | Token::Dash => None,
    });
    for literal in literals {
        let wrong = literal.iter().find(|byte| matches!(byte, b'/' | b' ' | b'\\' | b'?' | b'#'));
        if let Some(wrong) = wrong {
            report.add(
                &codes::HOST_IMPOSSIBLE,
                value.span,
                format!(
                    "{} contains `{}`, which no host does",
                    quoted(&value.text),
                    char::from(*wrong)
                ),
                "look for host and path together in `c-uri`, or leave the path out",
            );
            return;
        }
    }
}
