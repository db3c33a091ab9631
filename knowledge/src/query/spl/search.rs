//! The terms of a search: `field=value`, `field IN (a, b)`, words, macros, subsearches.

use std::collections::BTreeSet;

use crate::query::expression::MAX_DEPTH;
use crate::query::{Expression, Operator, QueryError, Reason};

/// Reads terms. `OR` binds closer than `AND` here, and terms side by side are joined by `AND`.
pub(super) fn parse(text: &str, computed: &BTreeSet<String>) -> Result<Expression, QueryError> {
    let mut parser = Parser { text, at: 0, depth: 0, computed };
    parser.space();
    if parser.rest().is_empty() {
        return Ok(Expression::All(Vec::new()));
    }
    let expression = parser.all()?;
    if parser.rest().is_empty() { Ok(expression) } else { parser.fail("`)` without `(`") }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
    computed: &'t BTreeSet<String>,
}

impl<'t> Parser<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn fail<T>(&self, message: impl Into<String>) -> Result<T, QueryError> {
        Err(QueryError { message: message.into(), offset: self.at })
    }

    fn space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn eat(&mut self, sign: &str) -> bool {
        let found = self.rest().starts_with(sign);
        if found {
            self.at += sign.len();
            self.space();
        }
        found
    }

    fn keyword(&mut self, word: &str, capitals: bool) -> bool {
        let rest = self.rest();
        let start = rest.get(..word.len()).unwrap_or_default();
        let same = if capitals { start == word } else { start.eq_ignore_ascii_case(word) };
        let end = rest.get(word.len()..).and_then(|rest| rest.chars().next());
        if same && end.is_none_or(|end| end.is_whitespace() || matches!(end, '(' | ')' | '`' | '"'))
        {
            self.at += word.len();
            self.space();
            return true;
        }
        false
    }

    fn all(&mut self) -> Result<Expression, QueryError> {
        let mut parts = vec![self.any()?];
        loop {
            let and = self.keyword("AND", false);
            if !and && (self.rest().is_empty() || self.rest().starts_with(')')) {
                break;
            }
            parts.push(self.any()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expression::All(parts) })
    }

    fn any(&mut self) -> Result<Expression, QueryError> {
        let mut parts = vec![self.not()?];
        while self.keyword("OR", false) {
            parts.push(self.not()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expression::Any(parts) })
    }

    fn not(&mut self) -> Result<Expression, QueryError> {
        if self.depth >= MAX_DEPTH {
            return self.fail(format!("more than {MAX_DEPTH} levels"));
        }
        self.depth += 1;
        let result = if self.keyword("NOT", false) {
            self.not().map(Expression::negated)
        } else if self.eat("(") {
            self.group()
        } else {
            self.term()
        };
        self.depth -= 1;
        result
    }

    fn group(&mut self) -> Result<Expression, QueryError> {
        if self.eat(")") {
            return Ok(Expression::All(Vec::new()));
        }
        let inner = self.all()?;
        if self.eat(")") { Ok(inner) } else { self.fail("`)` is missing") }
    }

    fn term(&mut self) -> Result<Expression, QueryError> {
        if self.rest().starts_with('`') {
            let Some(end) = self.rest().get(1..).and_then(|rest| rest.find('`')) else {
                return self.fail("a macro is not closed");
            };
            self.at += end + 2;
            self.space();
            return Ok(Expression::Unread(Reason::new("macro")));
        }
        if self.rest().starts_with('[') {
            return self.subsearch();
        }
        let (name, quoted) = self.value()?;
        let Some(comparison) = self.comparison() else {
            if self.keyword("IN", false) {
                return self.list(&name);
            }
            if !quoted && name.ends_with(')') {
                return Ok(Expression::Unread(Reason::new("directive")));
            }
            return Ok(star_pattern("", &name));
        };
        if self.rest().starts_with('`') || self.rest().starts_with('[') {
            return self.term();
        }
        let (value, _) = self.value()?;
        if matches!(name.as_str(), "earliest" | "latest" | "starttime" | "endtime") {
            return Ok(Expression::Unread(Reason::new("time bound")));
        }
        if self.computed.contains(&name) {
            return Ok(Expression::Unread(Reason::new("computed column")));
        }
        Ok(match comparison {
            "=" | "==" => star_pattern(&name, &value),
            "!=" => star_pattern(&name, &value).negated(),
            ">" => Expression::test(name, Operator::Greater, value),
            ">=" => Expression::test(name, Operator::GreaterOrEqual, value),
            "<" => Expression::test(name, Operator::Less, value),
            _ => Expression::test(name, Operator::LessOrEqual, value),
        })
    }

    fn comparison(&mut self) -> Option<&'static str> {
        ["==", "!=", "<=", ">=", "=", "<", ">"].into_iter().find(|sign| self.eat(sign))
    }

    fn list(&mut self, name: &str) -> Result<Expression, QueryError> {
        if !self.eat("(") {
            return self.fail("`(` is missing behind `IN`");
        }
        let mut parts = Vec::new();
        loop {
            if self.rest().starts_with('`') || self.rest().starts_with('[') {
                parts.push(self.term()?);
            } else if !self.rest().starts_with(')') {
                let (value, _) = self.value()?;
                parts.push(star_pattern(name, &value));
            }
            if self.eat(")") {
                break;
            }
            if !self.eat(",") {
                return self.fail("`,` or `)` is missing in a list");
            }
        }
        if self.computed.contains(name) {
            return Ok(Expression::Unread(Reason::new("computed column")));
        }
        Ok(Expression::Any(parts))
    }

    fn subsearch(&mut self) -> Result<Expression, QueryError> {
        let mut depth = 0_usize;
        for (at, character) in self.rest().char_indices() {
            match character {
                '[' => depth += 1,
                ']' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                self.at += at + 1;
                self.space();
                return Ok(Expression::Unread(Reason::new("subsearch")));
            }
        }
        self.fail("`]` is missing")
    }

    /// A quoted text, or a word: a field name or a value.
    fn value(&mut self) -> Result<(String, bool), QueryError> {
        if self.rest().starts_with('"') {
            let Some((length, text)) = crate::query::lexer::quoted(self.rest(), '"', true) else {
                return self.fail("a quote is not closed");
            };
            self.at += length;
            let glued = self.rest().chars().next().is_some_and(|next| {
                !next.is_whitespace()
                    && !matches!(next, '"' | ')' | ',' | '=' | '!' | '<' | '>' | '|' | '(' | '`')
            });
            if glued {
                return self.fail("text follows a closing quote");
            }
            self.space();
            return Ok((text, true));
        }
        let start = self.at;
        let mut depth = 0_usize;
        for (at, character) in self.rest().char_indices() {
            match character {
                // `TERM(...)` and `CASE(...)` are words with parentheses.
                '(' if at > 0
                    && depth == 0
                    && matches!(self.rest().get(..at), Some("TERM" | "CASE")) =>
                {
                    depth = 1;
                }
                ')' if depth == 1 => depth = 0,
                '(' | ')' | ',' | '=' | '<' | '>' | '"' | '`' | '|' | '[' | ']' if depth == 0 => {
                    self.at += at;
                    break;
                }
                '!' if self.rest().get(at..).is_some_and(|rest| rest.starts_with("!=")) => {
                    self.at += at;
                    break;
                }
                other if other.is_whitespace() => {
                    self.at += at;
                    break;
                }
                _ => {}
            }
            if at + character.len_utf8() == self.rest().len() {
                self.at = self.text.len();
                break;
            }
        }
        if self.at == start {
            return self.fail("a field or a value is missing");
        }
        let word = self.text.get(start..self.at).unwrap_or_default().to_owned();
        self.space();
        Ok((word, false))
    }
}

/// Only `*` is a wildcard in a search.
fn star_pattern(field: &str, value: &str) -> Expression {
    if !value.contains('?') {
        return Expression::pattern(field, value);
    }
    let inner = value.trim_matches('*');
    if inner.contains('*') {
        return Expression::Unread(Reason::new("pattern of * around literal ?"));
    }
    let operator = match (value.starts_with('*'), value.ends_with('*')) {
        (true, true) => Operator::Contains,
        (true, false) => Operator::EndsWith,
        (false, true) => Operator::StartsWith,
        (false, false) => Operator::Equals,
    };
    Expression::test(field, operator, inner)
}
