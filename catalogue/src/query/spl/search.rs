//! The terms of a search: `field=value`, `field IN (a, b)`, words, macros, subsearches.

use std::collections::BTreeSet;

use crate::query::cursor::Cursor;
use crate::query::expression::MAX_DEPTH;
use crate::query::{Expression, Operator, QueryError, Reason};

/// Reads terms. `OR` binds closer than `AND` here, and terms side by side are joined by `AND`.
pub(super) fn parse(text: &str, computed: &BTreeSet<String>) -> Result<Expression, QueryError> {
    let mut parser = Parser { cursor: Cursor::new(text), depth: 0, computed };
    if parser.cursor.rest().is_empty() {
        return Ok(Expression::All(Vec::new()));
    }
    let expression = parser.all()?;
    if parser.cursor.rest().is_empty() {
        Ok(expression)
    } else {
        parser.cursor.fail("`)` without `(`")
    }
}

/// What may follow a keyword directly.
const ENDS: &[char] = &['(', ')', '`', '"'];

struct Parser<'t> {
    cursor: Cursor<'t>,
    depth: usize,
    computed: &'t BTreeSet<String>,
}

impl Parser<'_> {
    fn all(&mut self) -> Result<Expression, QueryError> {
        let mut parts = vec![self.any()?];
        loop {
            let and = self.cursor.eat_word("AND", ENDS);
            if !and && (self.cursor.rest().is_empty() || self.cursor.rest().starts_with(')')) {
                break;
            }
            parts.push(self.any()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expression::All(parts) })
    }

    fn any(&mut self) -> Result<Expression, QueryError> {
        let mut parts = vec![self.not()?];
        while self.cursor.eat_word("OR", ENDS) {
            parts.push(self.not()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expression::Any(parts) })
    }

    fn not(&mut self) -> Result<Expression, QueryError> {
        if self.depth >= MAX_DEPTH {
            return self.cursor.fail(format!("more than {MAX_DEPTH} levels"));
        }
        self.depth += 1;
        let result = if self.cursor.eat_word("NOT", ENDS) {
            self.not().map(Expression::negated)
        } else if self.cursor.eat("(") {
            self.group()
        } else {
            self.term()
        };
        self.depth -= 1;
        result
    }

    fn group(&mut self) -> Result<Expression, QueryError> {
        if self.cursor.eat(")") {
            return Ok(Expression::All(Vec::new()));
        }
        let inner = self.all()?;
        if self.cursor.eat(")") { Ok(inner) } else { self.cursor.fail("`)` is missing") }
    }

    fn term(&mut self) -> Result<Expression, QueryError> {
        if self.cursor.rest().starts_with('`') {
            let Some(end) = self.cursor.rest().get(1..).and_then(|rest| rest.find('`')) else {
                return self.cursor.fail("a macro is not closed");
            };
            self.cursor.skip(end + 2);
            return Ok(Expression::Unread(Reason::new("macro")));
        }
        if self.cursor.rest().starts_with('[') {
            return self.subsearch();
        }
        let (name, quoted) = self.value()?;
        let Some(comparison) = self.comparison() else {
            if self.cursor.eat_word("IN", ENDS) {
                return self.list(&name);
            }
            if !quoted && name.ends_with(')') {
                return Ok(Expression::Unread(Reason::new("directive")));
            }
            return Ok(star_pattern("", &name));
        };
        if self.cursor.rest().starts_with('`') || self.cursor.rest().starts_with('[') {
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
        ["==", "!=", "<=", ">=", "=", "<", ">"].into_iter().find(|sign| self.cursor.eat(sign))
    }

    fn list(&mut self, name: &str) -> Result<Expression, QueryError> {
        if !self.cursor.eat("(") {
            return self.cursor.fail("`(` is missing behind `IN`");
        }
        let mut parts = Vec::new();
        loop {
            if self.cursor.rest().starts_with('`') || self.cursor.rest().starts_with('[') {
                parts.push(self.term()?);
            } else if !self.cursor.rest().starts_with(')') {
                let (value, _) = self.value()?;
                parts.push(star_pattern(name, &value));
            }
            if self.cursor.eat(")") {
                break;
            }
            if !self.cursor.eat(",") {
                return self.cursor.fail("`,` or `)` is missing in a list");
            }
        }
        if self.computed.contains(name) {
            return Ok(Expression::Unread(Reason::new("computed column")));
        }
        Ok(Expression::Any(parts))
    }

    fn subsearch(&mut self) -> Result<Expression, QueryError> {
        let mut depth = 0_usize;
        for (at, character) in self.cursor.rest().char_indices() {
            match character {
                '[' => depth += 1,
                ']' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                self.cursor.skip(at + 1);
                return Ok(Expression::Unread(Reason::new("subsearch")));
            }
        }
        self.cursor.fail("`]` is missing")
    }

    /// A quoted text, or a word: a field name or a value.
    fn value(&mut self) -> Result<(String, bool), QueryError> {
        if self.cursor.rest().starts_with('"') {
            let Some((length, text)) = crate::query::lexer::quoted(self.cursor.rest(), '"', true)
            else {
                return self.cursor.fail("a quote is not closed");
            };
            self.cursor.advance(length);
            let glued = self.cursor.rest().chars().next().is_some_and(|next| {
                !next.is_whitespace()
                    && !matches!(next, '"' | ')' | ',' | '=' | '!' | '<' | '>' | '|' | '(' | '`')
            });
            if glued {
                return self.cursor.fail("text follows a closing quote");
            }
            self.cursor.skip(0);
            return Ok((text, true));
        }
        let rest = self.cursor.rest();
        let mut depth = 0_usize;
        let mut n_bytes = rest.len();
        for (at, character) in rest.char_indices() {
            let ends = match character {
                // `TERM(...)` and `CASE(...)` are words with parentheses.
                '(' if depth == 0 && matches!(rest.get(..at), Some("TERM" | "CASE")) => {
                    depth = 1;
                    false
                }
                ')' if depth == 1 => {
                    depth = 0;
                    false
                }
                '(' | ')' | ',' | '=' | '<' | '>' | '"' | '`' | '|' | '[' | ']' => depth == 0,
                '!' => rest.get(at..).is_some_and(|rest| rest.starts_with("!=")),
                other => other.is_whitespace(),
            };
            if ends {
                n_bytes = at;
                break;
            }
        }
        if n_bytes == 0 {
            return self.cursor.fail("a field or a value is missing");
        }
        let word = rest.get(..n_bytes).unwrap_or_default().to_owned();
        self.cursor.skip(n_bytes);
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
