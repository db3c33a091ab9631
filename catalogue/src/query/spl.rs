//! Splunk's search language: the conditions of `search`, `where`, `tstats ... where` and `regex`.

mod pipeline;
mod search;

use std::collections::BTreeSet;

use super::expression::Parser;
use super::lexer::{Dialect, tokens};
use super::{Expression, Operator, QueryError, Reason};

/// Reads a search. Macros, subsearches and conditions on computed columns are unread.
pub fn parse(text: &str) -> Result<Expression, QueryError> {
    let mut parts = Vec::new();
    let mut computed: BTreeSet<String> = BTreeSet::new();
    let text = &pipeline::without_comments(text);
    for (number, (offset, segment)) in pipeline::segments(text)?.into_iter().enumerate() {
        let trimmed = segment.trim();
        if trimmed.is_empty() {
            if number == 0 {
                continue;
            }
            return Err(QueryError {
                message: "a command is missing between two pipes".into(),
                offset,
            });
        }
        let at = |error: QueryError| QueryError { offset: error.offset + offset, ..error };
        let (command, rest) = split_word(trimmed);
        let command = command.to_ascii_lowercase();
        if number == 0 {
            let terms = if command == "search" { rest } else { trimmed };
            parts.push(search::parse(terms, &computed).map_err(at)?);
            continue;
        }
        match command.as_str() {
            "search" => parts.push(search::parse(rest, &computed).map_err(at)?),
            "where" => parts.push(eval(rest, &computed).map_err(at)?),
            "tstats" | "mstats" => {
                pipeline::columns(rest, &mut computed);
                let condition = pipeline::where_clause(rest);
                parts.push(search::parse(condition, &BTreeSet::new()).map_err(at)?);
            }
            "regex" => parts.push(regex(rest, &computed)),
            "inputlookup" | "from" | "join" | "map" | "apply" | "transaction" | "append"
            | "multisearch" | "union" | "inputcsv" | "rest" | "metadata" | "anomalydetection"
            | "selfjoin" | "set" => {
                pipeline::columns(rest, &mut computed);
                parts.push(Expression::Unread(Reason(format!("command {command}"))));
            }
            _ if command.starts_with('`') => parts.push(Expression::Unread(Reason::new("macro"))),
            // Everything else makes, renames or shows columns.
            _ if command.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') => {
                pipeline::columns(trimmed, &mut computed);
            }
            _ => return Err(QueryError { message: format!("`{command}` is no command"), offset }),
        }
    }
    Ok(Expression::All(parts))
}

fn split_word(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| c.is_whitespace() || matches!(c, '(' | '"' | '['))
        .unwrap_or(text.len());
    let (word, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    (word, rest.trim_start())
}

/// The condition of a `where` command.
fn eval(text: &str, computed: &BTreeSet<String>) -> Result<Expression, QueryError> {
    let tokens = tokens(text, Dialect::Eval)?;
    let mut parser = Parser::new(&tokens, Dialect::Eval, computed);
    let expression = parser.condition()?;
    if parser.peek().is_some() {
        parser.fail("more follows behind the condition")
    } else {
        Ok(expression)
    }
}

/// `regex field="..."`, `regex field!="..."`, `regex "..."`.
fn regex(text: &str, computed: &BTreeSet<String>) -> Expression {
    let Some((field, pattern)) = text.split_once('=') else {
        return Expression::test("_raw", Operator::Regex, text.trim().trim_matches('"'));
    };
    let (field, negated) = match field.trim_end().strip_suffix('!') {
        Some(field) => (field, true),
        None => (field.trim_end(), false),
    };
    let pattern = pattern.trim();
    let pattern =
        pattern.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(pattern);
    let test = if computed.contains(field) {
        Expression::Unread(Reason::new("computed column"))
    } else {
        Expression::test(field.trim(), Operator::Regex, pattern)
    };
    if negated { test.negated() } else { test }
}
