//! Elastic's piped language ES|QL: the `where` commands; what other commands compute is unread.

use std::collections::BTreeSet;

use super::expression::Parser;
use super::lexer::{Dialect, Token, tokens};
use super::{Expression, QueryError};

/// Reads a query. Conditions on columns that the query computes are unread.
pub fn parse(text: &str) -> Result<Expression, QueryError> {
    let tokens = tokens(text, Dialect::Esql)?;
    let mut computed = BTreeSet::new();
    let mut parts = Vec::new();
    for (number, command) in tokens.split(|(_, token)| *token == Token::Sign("|")).enumerate() {
        let Some((_, Token::Name { text: name, .. })) = command.first() else {
            let offset = command.first().map_or(text.len(), |(offset, _)| *offset);
            return Err(QueryError { message: "a command is missing".into(), offset });
        };
        let rest = command.get(1..).unwrap_or_default();
        let name = name.to_ascii_lowercase();
        match name.as_str() {
            "from" | "row" | "show" | "ts" if number == 0 => {}
            "where" => {
                let mut parser = Parser::new(rest, Dialect::Esql, &computed);
                parts.push(parser.condition()?);
                if parser.peek().is_some() {
                    return parser.fail("more follows behind the condition");
                }
            }
            "eval" | "stats" | "inlinestats" | "inline" | "rename" | "dissect" | "grok"
            | "enrich" | "completion" | "lookup" | "fork" | "change_point" | "rerank"
            | "mv_expand" | "sample" => columns(&name, rest, &mut computed),
            "keep" | "drop" | "sort" | "limit" => {}
            other => {
                let offset = command.first().map_or(0, |(offset, _)| *offset);
                return Err(QueryError {
                    message: format!("the command `{other}` is not known"),
                    offset,
                });
            }
        }
    }
    Ok(Expression::All(parts))
}

/// Notes what a command computes: names before `=`, behind `as`, and in patterns.
fn columns(name: &str, rest: &[(usize, Token)], computed: &mut BTreeSet<String>) {
    for pair in rest.windows(2) {
        match pair {
            [(_, Token::Name { text, .. }), (_, Token::Sign("="))] => {
                computed.insert(text.clone());
            }
            [(_, Token::Name { text: word, .. }), (_, Token::Name { text, .. })]
                if word.eq_ignore_ascii_case("as") =>
            {
                computed.insert(text.clone());
            }
            _ => {}
        }
    }
    if matches!(name, "dissect" | "grok") {
        for (_, token) in rest {
            let Token::Text(pattern) = token else { continue };
            for part in pattern.split("%{").skip(1) {
                let Some((inner, _)) = part.split_once('}') else { continue };
                let column = inner.split(':').nth(usize::from(name == "grok")).unwrap_or_default();
                computed.insert(column.trim_start_matches(['?', '+', '&', '*']).to_owned());
            }
        }
    }
}
