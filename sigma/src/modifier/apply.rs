//! Applies a chain of modifiers to a value.

use std::net::IpAddr;

use super::{Modifier, expand};
use crate::codes;
use crate::compile::regex;
use crate::regex::FileRegexes;
use crate::rule::{Comparison, FieldPart, Network, Token, Value, ValueTest};
use crate::source::Source;
use crate::text;
use diagnostics::yaml::{Node, Scalar};
use diagnostics::{Code, Diagnostic};

/// A value on its way through the chain.
enum State {
    Scalar(ScalarValue),
    Text(Vec<Vec<Token>>),
    Regex(String),
    Test(ValueTest),
}

enum ScalarValue {
    Null,
    Bool(bool),
    Number(String),
}

/// Applies a chain to one value.
///
/// # Errors
/// What is wrong with the value, or with the chain on it; the place is the value's.
pub(crate) fn apply(
    source: &Source<'_>,
    regexes: &mut FileRegexes,
    chain: &[Modifier],
    node: &Node,
) -> Result<Value, Diagnostic> {
    let refuse = |code: &'static Code, message: String, help: &str| Diagnostic {
        code,
        message,
        help: help.to_owned(),
        place: source.place(node.span),
        fix: None,
    };
    let Some(scalar) = node.scalar() else {
        return Err(refuse(
            &codes::WRONG_TYPE,
            "a list or map where a value is expected".into(),
            "give one value, or a list of values, to each field",
        ));
    };
    let written = node.text().unwrap_or("null").to_owned();
    let cased = chain.contains(&Modifier::Cased);
    let mut state = match scalar {
        Scalar::Null => State::Scalar(ScalarValue::Null),
        Scalar::Bool(value) => State::Scalar(ScalarValue::Bool(value)),
        Scalar::Number(number) => State::Scalar(ScalarValue::Number(number)),
        Scalar::Text(text) => State::Text(vec![text::tokens(text)]),
    };
    for (idx, modifier) in chain.iter().enumerate() {
        state = step(source, state, *modifier, idx == 0 || is_flag(chain, idx), &written)
            .map_err(|(code, message, help)| refuse(code, message, help))?;
    }
    let test = match state {
        State::Test(ValueTest::Field { field, part, .. }) => {
            ValueTest::Field { field, part, cased }
        }
        State::Test(test) => test,
        State::Regex(pattern) => {
            // Told with whatever else is wrong with the rule; the automaton is built by the compiler.
            regex::parse(&pattern)
                .map_err(|problem| refuse(problem.code, problem.message, &problem.help))?;
            ValueTest::Regex(regexes.get(pattern))
        }
        State::Text(variants) => ValueTest::Text { variants, cased },
        State::Scalar(ScalarValue::Null) => ValueTest::Null,
        State::Scalar(scalar) => ValueTest::Text { variants: vec![scalar.tokens()], cased },
    };
    Ok(Value { text: written, span: node.span, test })
}

impl ScalarValue {
    fn tokens(&self) -> Vec<Token> {
        match self {
            ScalarValue::Null => Vec::new(),
            ScalarValue::Bool(value) => text::literal(value.to_string().as_bytes()),
            ScalarValue::Number(number) => text::literal(number.as_bytes()),
        }
    }

    fn number(&self) -> Option<f64> {
        match self {
            ScalarValue::Number(number) => number.parse().ok(),
            ScalarValue::Null | ScalarValue::Bool(_) => None,
        }
    }
}

/// Returns true if only modifiers of the whole item precede the one at `idx`.
fn is_flag(chain: &[Modifier], idx: usize) -> bool {
    let before = chain.get(..idx).unwrap_or_default();
    before
        .iter()
        .all(|modifier| matches!(modifier, Modifier::All | Modifier::Cased | Modifier::Neq))
}

/// What is wrong with a value: the code, the message and the help.
pub(super) type Refusal = (&'static Code, String, &'static str);

#[expect(clippy::too_many_lines, reason = "one match over all modifiers, an arm each")]
fn step(
    source: &Source<'_>,
    state: State,
    modifier: Modifier,
    first: bool,
    written: &str,
) -> Result<State, Refusal> {
    let misfit = |help: &'static str| -> Refusal {
        (
            &codes::WRONG_MODIFIER,
            format!("a modifier cannot be used on `{written}`, or not in this order"),
            help,
        )
    };
    // Numbers and booleans are text to every modifier that takes text.
    let state = match (state, modifier) {
        (
            State::Scalar(scalar @ (ScalarValue::Number(_) | ScalarValue::Bool(_))),
            Modifier::Contains
            | Modifier::Startswith
            | Modifier::Endswith
            | Modifier::Windash
            | Modifier::Base64
            | Modifier::Base64Offset
            | Modifier::Utf16
            | Modifier::Utf16Be
            | Modifier::Utf16Le,
        ) => State::Text(vec![scalar.tokens()]),
        (state, _) => state,
    };
    let each = |variants: Vec<Vec<Token>>, change: &dyn Fn(&[Token]) -> Option<Vec<Token>>| {
        let changed: Option<Vec<_>> = variants.iter().map(|tokens| change(tokens)).collect();
        changed.map(State::Text)
    };
    let no_wildcards = || -> Refusal {
        (
            &codes::WRONG_VALUE,
            format!("`{written}` has wildcards and cannot be encoded"),
            "escape `*` and `?` with a backslash, or encode a text without them",
        )
    };
    match (modifier, state) {
        (Modifier::All | Modifier::Cased | Modifier::Neq, state) => Ok(state),
        (Modifier::Contains, State::Text(variants)) => Ok(State::Text(wrap(variants, true, true))),
        (Modifier::Startswith, State::Text(variants)) => {
            Ok(State::Text(wrap(variants, false, true)))
        }
        (Modifier::Endswith, State::Text(variants)) => Ok(State::Text(wrap(variants, true, false))),
        (
            Modifier::Contains | Modifier::Startswith | Modifier::Endswith,
            State::Test(ValueTest::Field { field, cased, part: FieldPart::Whole }),
        ) => {
            let part = match modifier {
                Modifier::Startswith => FieldPart::Start,
                Modifier::Endswith => FieldPart::End,
                _ => FieldPart::Any,
            };
            Ok(State::Test(ValueTest::Field { field, part, cased }))
        }
        (Modifier::Windash, State::Text(variants)) => {
            each(variants, &|tokens| Some(text::with_dashes(tokens)))
                .ok_or_else(|| misfit("`windash` takes text"))
        }
        (Modifier::Utf16Le, State::Text(variants)) => {
            each(variants, &|tokens| text::utf16(tokens, u16::to_le_bytes))
                .ok_or_else(|| misfit("encode to UTF-16 once, and before Base64"))
        }
        (Modifier::Utf16Be, State::Text(variants)) => {
            each(variants, &|tokens| text::utf16(tokens, u16::to_be_bytes))
                .ok_or_else(|| misfit("encode to UTF-16 once, and before Base64"))
        }
        (Modifier::Utf16, State::Text(variants)) => each(variants, &|tokens| {
            let mut marked = text::literal(&[0xFF, 0xFE]);
            for token in text::utf16(tokens, u16::to_le_bytes)? {
                text::push(&mut marked, token);
            }
            Some(marked)
        })
        .ok_or_else(|| misfit("encode to UTF-16 once, and before Base64")),
        (Modifier::Base64, State::Text(variants)) => {
            each(variants, &|tokens| Some(text::literal(&text::base64(text::plain(tokens)?))))
                .ok_or_else(no_wildcards)
        }
        (Modifier::Base64Offset, State::Text(variants)) => {
            let mut offsets = Vec::new();
            for tokens in &variants {
                let plain = text::plain(tokens).ok_or_else(no_wildcards)?;
                offsets
                    .extend(text::base64_offsets(plain).iter().map(|bytes| text::literal(bytes)));
            }
            Ok(State::Text(offsets))
        }
        (Modifier::Re, State::Text(_) | State::Scalar(ScalarValue::Number(_))) if first => {
            Ok(State::Regex(written.to_owned()))
        }
        (Modifier::Flag(flag), State::Regex(pattern)) => {
            Ok(State::Regex(format!("(?{flag}){pattern}")))
        }
        (Modifier::Exists, State::Scalar(ScalarValue::Bool(exists))) if first => {
            Ok(State::Test(ValueTest::Exists(exists)))
        }
        (Modifier::Exists, _) => {
            Err(misfit("`exists` takes `true` or `false`, and no other modifier"))
        }
        (
            Modifier::Compare(comparison),
            State::Test(ValueTest::Time(part, Comparison::Equal, number)),
        ) => Ok(State::Test(ValueTest::Time(part, comparison, number))),
        (Modifier::Compare(comparison), State::Scalar(scalar)) => {
            let number = scalar.number().ok_or_else(|| misfit("compare with a number"))?;
            Ok(State::Test(ValueTest::Number(comparison, number)))
        }
        (Modifier::Compare(_), _) => Err(misfit("compare with a number, written without quotes")),
        (Modifier::Time(part), State::Scalar(scalar)) if first => {
            let number =
                scalar.number().ok_or_else(|| misfit("give the part of the time as a number"))?;
            Ok(State::Test(ValueTest::Time(part, Comparison::Equal, number)))
        }
        (Modifier::Cidr, State::Text(_)) if first => {
            network(written).map(|network| State::Test(ValueTest::Network(network)))
        }
        (Modifier::Fieldref, State::Text(_)) if first => Ok(State::Test(ValueTest::Field {
            field: written.to_owned(),
            part: FieldPart::Whole,
            cased: false,
        })),
        (Modifier::Expand, State::Text(variants)) => {
            expand::values(source, variants, written).map(State::Text)
        }
        (Modifier::Flag(_), _) => Err(misfit("`i`, `m` and `s` follow `re`")),
        (_, State::Regex(_)) => Err(misfit("only `i`, `m`, `s`, `all` and `neq` may follow `re`")),
        _ => Err(misfit("see the list of modifiers in docs/sigma.md for what each takes")),
    }
}

/// Puts stars before and behind; a text that has them keeps them.
fn wrap(variants: Vec<Vec<Token>>, before: bool, behind: bool) -> Vec<Vec<Token>> {
    let wrap = |tokens: Vec<Token>| {
        let mut wrapped = Vec::with_capacity(tokens.len() + 2);
        if before {
            wrapped.push(Token::Many);
        }
        for token in tokens {
            text::push(&mut wrapped, token);
        }
        if behind {
            text::push(&mut wrapped, Token::Many);
        }
        wrapped
    };
    variants.into_iter().map(wrap).collect()
}

fn network(written: &str) -> Result<Network, Refusal> {
    let refuse = |message: String| -> Refusal {
        (
            &codes::INVALID_NETWORK,
            message,
            "write the first address of the network and the length of its prefix, as `10.0.0.0/8` or `fe80::/10`",
        )
    };
    let (address, prefix) = written.split_once('/').unwrap_or((written, ""));
    let Ok(address) = address.parse::<IpAddr>() else {
        return Err(refuse(format!("`{written}` does not start with an IP address")));
    };
    let n_bits = if address.is_ipv4() { 32 } else { 128 };
    let prefix = if written.contains('/') { prefix.parse().ok() } else { Some(n_bits) };
    let Some(prefix) = prefix.filter(|prefix| *prefix <= n_bits) else {
        return Err(refuse(format!("`{written}` has no prefix length from 0 to {n_bits}")));
    };
    let network = match address {
        IpAddr::V4(address) => {
            let (address, mask) =
                (address.to_bits(), u32::MAX.checked_shr(prefix).unwrap_or_default());
            (address & mask == 0).then_some(Network::V4(address, address | mask))
        }
        IpAddr::V6(address) => {
            let (address, mask) =
                (address.to_bits(), u128::MAX.checked_shr(prefix).unwrap_or_default());
            (address & mask == 0).then_some(Network::V6(address, address | mask))
        }
    };
    network.ok_or_else(|| refuse(format!("`{written}` has address bits behind its prefix")))
}
