//! Elastic's event query language: `process where ...`, sequences, samples, pipes.

use std::collections::BTreeSet;

use super::expression::Parser;
use super::lexer::{Dialect, Token, tokens};
use super::{Expression, QueryError, Reason};

/// Reads a query. The steps of a sequence are side by side; a step that must be missing is negated.
pub fn parse(text: &str) -> Result<Expression, QueryError> {
    let tokens = tokens(text, Dialect::Eql)?;
    let computed = BTreeSet::new();
    let mut parser = Parser::new(&tokens, Dialect::Eql, &computed);
    let expression = if parser.eat_word("sequence") || parser.eat_word("sample") {
        sequence(&mut parser)?
    } else {
        event(&mut parser)?
    };
    let mut parts = vec![expression];
    while parser.eat_sign("|") {
        parts.push(pipe(&mut parser)?);
    }
    if parser.peek().is_some() {
        return parser.fail("more follows behind the end of the query");
    }
    Ok(match parts.len() {
        1 => parts.pop().unwrap_or(Expression::All(Vec::new())),
        _ => Expression::All(parts),
    })
}

/// `process where ...`.
fn event(parser: &mut Parser<'_>) -> Result<Expression, QueryError> {
    match parser.next() {
        Some(Token::Name { .. } | Token::Text(_)) => {}
        _ => {
            parser.at -= 1;
            return parser.fail("an event category is missing");
        }
    }
    if !parser.eat_word("where") {
        return parser.fail("`where` is missing");
    }
    parser.condition()
}

fn sequence(parser: &mut Parser<'_>) -> Result<Expression, QueryError> {
    let mut steps = Vec::new();
    options(parser)?;
    loop {
        let until = parser.eat_word("until");
        let missing = parser.eat_sign("!");
        if !parser.eat_sign("[") {
            break;
        }
        let step = event(parser)?;
        parser.expect_sign("]")?;
        options(parser)?;
        steps.push(if until || missing { step.negated() } else { step });
    }
    if steps.is_empty() {
        parser.fail("a sequence needs steps in `[...]`")
    } else {
        Ok(Expression::All(steps))
    }
}

/// `by field, field`, `with maxspan=20s`, `with runs=5`, in any order.
fn options(parser: &mut Parser<'_>) -> Result<(), QueryError> {
    loop {
        if parser.eat_word("by") {
            loop {
                parser.eat_sign("?");
                let Some(Token::Name { .. }) = parser.next() else {
                    return parser.fail("a field is missing behind `by`");
                };
                if !parser.eat_sign(",") {
                    break;
                }
            }
        } else if parser.eat_word("with") {
            let Some(Token::Name { .. }) = parser.next() else {
                return parser.fail("an option is missing behind `with`");
            };
            parser.expect_sign("=")?;
            let Some(Token::Number(_) | Token::Name { .. }) = parser.next() else {
                return parser.fail("a value is missing behind `=`");
            };
        } else {
            return Ok(());
        }
    }
}

/// `| head 1`, `| unique field`, `| filter ...`: only `filter` is a condition; counts are unread.
fn pipe(parser: &mut Parser<'_>) -> Result<Expression, QueryError> {
    let Some(Token::Name { text, .. }) = parser.next() else {
        return parser.fail("a pipe has no name");
    };
    if text == "filter" || text == "where" {
        return parser.condition();
    }
    while !matches!(parser.peek(), None | Some(Token::Sign("|"))) {
        parser.at += 1;
    }
    Ok(Expression::Unread(Reason(format!("pipe {text}"))))
}
