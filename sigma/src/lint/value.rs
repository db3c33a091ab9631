//! Values that their field never holds, and values that mean something else than they look like.

use inspect::{Anomaly, ProxyField, SecretKind};

use super::{Report, codes, quoted, value_fix, value_set};
use crate::rule::{Item, Token, Value, ValueTest};
use diagnostics::Code;

pub(super) fn check(report: &mut Report<'_>, item: &Item) {
    let Some(field) = report.proxy_field(item).and_then(ProxyField::from_name) else { return };
    for value in &item.values {
        if let Some(real) = refanged(&value.text).filter(|_| is_text(value)) {
            report.add(
                &codes::VALUE_DEFANGED,
                value.span,
                format!("{} is defanged, and no request is written so", quoted(&value.text)),
                format!("write {}", quoted(&real)),
            );
            let fix = report.written.and_then(|written| value_fix::replace(written, value, &real));
            report.fix(fix);
            continue;
        }
        if field == ProxyField::Anomaly {
            let names = Anomaly::ALL.iter().map(|anomaly| anomaly.as_str());
            closed(report, value, names, "anomaly", "`docs/evasions.md` lists the anomalies");
        } else if field == ProxyField::Secret {
            let names = SecretKind::ALL.iter().map(|kind| kind.as_str());
            closed(report, value, names, "kind of secret", "`docs/sigma.md` lists the kinds");
        } else if !impossible(report, item, value, field) {
            question_mark(report, value, field);
        }
    }
}

fn is_text(value: &Value) -> bool {
    matches!(value.test, ValueTest::Text { .. })
}

/// Reports a value that its field never holds. Returns true if it is one.
fn impossible(report: &mut Report<'_>, item: &Item, value: &Value, field: ProxyField) -> bool {
    let Some((set, possible)) = value_set::of(field) else { return false };
    let is_possible = match &value.test {
        ValueTest::Text { variants, cased } => {
            variants.iter().any(|tokens| possible.text(tokens, *cased))
        }
        ValueTest::Regex(regex) => possible.regex(regex),
        ValueTest::Network(_) => matches!(
            field,
            ProxyField::Host | ProxyField::SourceAddress | ProxyField::DestinationAddress
        ),
        _ => true,
    };
    if is_possible {
        return false;
    }
    let code: &'static Code = match field {
        ProxyField::Host | ProxyField::ServerName => &codes::HOST_IMPOSSIBLE,
        ProxyField::UriStem => &codes::PATH_IMPOSSIBLE,
        _ => &codes::VALUE_IMPOSSIBLE,
    };
    let name = item.field.as_deref().unwrap_or_default();
    report.add(
        code,
        value.span,
        format!("no request has {} in `{name}`, which is {}", quoted(&value.text), set.what),
        set.help,
    );
    let fix = report.written.and_then(|written| {
        if let Some(fix) = value_fix::network(written, item, field) {
            return Some(fix);
        }
        let (text, cased) = match &value.test {
            ValueTest::Text { cased, .. } => (value.text.as_str(), *cased),
            _ => return None,
        };
        let mended = mended(text, field)?;
        // Only what is possible then; wildcards at the ends are those of the modifiers.
        let tokens = [
            Token::Many,
            Token::Literal(mended.replace(['*', '?'], "0").into_bytes()),
            Token::Many,
        ];
        let is_possible = possible.text(&tokens, cased) && !mended.is_empty() && mended != text;
        is_possible.then(|| value_fix::replace(written, value, &mended)).flatten()
    });
    report.fix(fix);
    true
}

/// The value that was meant, where there is no doubt.
fn mended(text: &str, field: ProxyField) -> Option<String> {
    match field {
        ProxyField::Host | ProxyField::ServerName => {
            let behind = text.split_once("://").map_or(text, |(_, behind)| behind).trim();
            let behind = behind.strip_suffix('/').unwrap_or(behind);
            let host = match behind.rsplit_once(':') {
                Some((host, port))
                    if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) =>
                {
                    host
                }
                _ => behind,
            };
            (!host.contains(['/', ':'])).then(|| host.to_owned())
        }
        ProxyField::UriExtension => Some(text.strip_prefix('.')?.to_owned()),
        ProxyField::UriQuery => Some(text.strip_prefix("\\?")?.to_owned()),
        ProxyField::Method => Some(text.trim().to_ascii_uppercase()),
        ProxyField::Version => Some(format!("HTTP/{}", text.trim())),
        ProxyField::Status => {
            let digits = text.split_whitespace().next()?;
            let is_class = digits.len() == 3
                && digits.get(1..).is_some_and(|rest| rest.eq_ignore_ascii_case("xx"));
            let class = || Some(format!("{}??", digits.get(..1)?));
            if is_class { class() } else { Some(digits.to_owned()) }
        }
        _ => None,
    }
}

/// Reports a value of a field that has only the names of a table, if it is none of them.
fn closed(
    report: &mut Report<'_>,
    value: &Value,
    names: impl Iterator<Item = &'static str> + Clone,
    what: &str,
    page: &str,
) {
    let ValueTest::Text { variants, cased } = &value.test else { return };
    let has = |name: &str| variants.iter().any(|tokens| matches_name(tokens, name, *cased));
    if names.clone().any(has) {
        return;
    }
    let nearest = names.min_by_key(|name| distance(name, &value.text));
    let nearest = nearest.filter(|name| distance(name, &value.text) <= 3);
    let help = nearest.map_or_else(|| page.to_owned(), |name| format!("write `{name}`"));
    report.add(
        &codes::VALUE_IMPOSSIBLE,
        value.span,
        format!("there is no {what} {}", quoted(&value.text)),
        help,
    );
    let fix = report.written.zip(nearest);
    report.fix(fix.and_then(|(written, name)| value_fix::replace(written, value, name)));
}

/// Returns true if a pattern matches a name.
fn matches_name(tokens: &[Token], name: &str, cased: bool) -> bool {
    fn rest(tokens: &[Token], name: &[u8], cased: bool) -> bool {
        let Some((token, tokens)) = tokens.split_first() else { return name.is_empty() };
        match token {
            Token::Literal(literal) => {
                let Some((start, behind)) = name.split_at_checked(literal.len()) else {
                    return false;
                };
                let is_equal =
                    if cased { start == literal } else { start.eq_ignore_ascii_case(literal) };
                is_equal && rest(tokens, behind, cased)
            }
            Token::One => name.split_first().is_some_and(|(_, behind)| rest(tokens, behind, cased)),
            Token::Dash => name.split_first().is_some_and(|(first, behind)| {
                matches!(first, b'-' | b'/') && rest(tokens, behind, cased)
            }),
            Token::Many => (0..=name.len())
                .any(|at| name.get(at..).is_some_and(|behind| rest(tokens, behind, cased))),
        }
    }
    // Names are short and have few parts, and so have patterns that are worth following.
    tokens.iter().filter(|token| matches!(token, Token::Many)).count() > 3
        || rest(tokens, name.as_bytes(), cased)
}

/// The number of letters to change, add or leave out.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<_> = right.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (at, letter) in left.chars().take(64).enumerate() {
        let mut before = at;
        let mut last = at + 1;
        for (other, cell) in right.iter().zip(row.iter_mut().skip(1)) {
            let cost = (before + usize::from(*other != letter)).min(*cell + 1).min(last + 1);
            before = *cell;
            *cell = cost;
            last = cost;
        }
        if let Some(first) = row.first_mut() {
            *first = at + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// Reports a single `?` in a URL: in Sigma it is any one character.
fn question_mark(report: &mut Report<'_>, value: &Value, field: ProxyField) {
    if !matches!(
        field,
        ProxyField::Uri | ProxyField::UriStem | ProxyField::UriQuery | ProxyField::Referrer
    ) {
        return;
    }
    let ValueTest::Text { variants, .. } = &value.test else { return };
    let has_single = variants.iter().any(|tokens| {
        tokens.iter().enumerate().any(|(at, token)| {
            let is_literal = |at: Option<usize>| {
                matches!(at.and_then(|at| tokens.get(at)), Some(Token::Literal(_)))
            };
            // Beside other wildcards it is meant as one.
            *token == Token::One && is_literal(at.checked_sub(1)) && is_literal(Some(at + 1))
        })
    });
    if !has_single {
        return;
    }
    report.add(
        &codes::QUESTION_MARK,
        value.span,
        format!("the `?` in {} is any character", quoted(&value.text)),
        "write `\\?` for the question mark of a URL",
    );
    let mut escaped = String::new();
    let mut is_escaped = false;
    for char in value.text.chars() {
        if char == '?' && !is_escaped {
            escaped.push('\\');
        }
        is_escaped = char == '\\' && !is_escaped;
        escaped.push(char);
    }
    let fix = report.written.and_then(|written| value_fix::replace(written, value, &escaped));
    // A path has no question mark either: the fix would make a value that never matches.
    report.fix(fix.filter(|_| field != ProxyField::UriStem));
}

/// Returns a defanged text as it was, if it is one.
fn refanged(text: &str) -> Option<String> {
    let signs = [
        ("[.]", "."),
        ("(.)", "."),
        ("[dot]", "."),
        ("(dot)", "."),
        ("[:]", ":"),
        ("[://]", "://"),
        ("[/]", "/"),
    ];
    let mut real = text.to_owned();
    for (sign, letter) in signs {
        real = real.replace(sign, letter);
    }
    let lower = real.to_ascii_lowercase();
    let is_scheme = lower.starts_with("hxxp://") || lower.starts_with("hxxps://");
    if is_scheme {
        real = format!("http{}", real.get(4..).unwrap_or_default());
    }
    (real != text).then_some(real)
}
