//! Elastic's Kibana query language: `field: (a or b) and not other: "x"`.

use super::expression::MAX_DEPTH;
use super::lexer::quoted;
use super::{Expression, Operator, QueryError, Reason};

/// Reads a query.
pub fn parse(text: &str) -> Result<Expression, QueryError> {
    let mut parser = Parser { text, at: 0, depth: 0 };
    parser.space();
    if parser.rest().is_empty() {
        return Ok(Expression::All(Vec::new()));
    }
    let expression = parser.any("")?;
    if parser.rest().is_empty() {
        Ok(expression)
    } else {
        parser.fail("more follows behind the query")
    }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

/// A literal: what it says, and whether `*` is a wildcard in it.
struct Literal {
    text: String,
    quoted: bool,
}

impl<'t> Parser<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn fail<T>(&self, message: &str) -> Result<T, QueryError> {
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

    /// A keyword as a word of its own.
    fn keyword(&self) -> Option<&'static str> {
        ["and", "or", "not"].into_iter().find(|word| {
            let start = self.rest().get(..word.len());
            let end = self.rest().get(word.len()..).and_then(|rest| rest.chars().next());
            start.is_some_and(|start| start.eq_ignore_ascii_case(word))
                && end.is_none_or(|end| end.is_whitespace() || matches!(end, '(' | ')' | '"'))
        })
    }

    fn eat_keyword(&mut self, word: &str) -> bool {
        let found = self.keyword() == Some(word);
        if found {
            self.at += word.len();
            self.space();
        }
        found
    }

    /// Alternatives: of conditions where `field` is empty, else of values of the field.
    fn any(&mut self, field: &str) -> Result<Expression, QueryError> {
        let mut parts = vec![self.all(field)?];
        while self.eat_keyword("or") {
            parts.push(self.all(field)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expression::Any(parts) })
    }

    fn all(&mut self, field: &str) -> Result<Expression, QueryError> {
        let mut parts = vec![self.not(field)?];
        while self.eat_keyword("and") {
            parts.push(self.not(field)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expression::All(parts) })
    }

    fn not(&mut self, field: &str) -> Result<Expression, QueryError> {
        if self.depth >= MAX_DEPTH {
            return self.fail("too many levels");
        }
        self.depth += 1;
        let result = if self.eat_keyword("not") {
            self.not(field).map(Expression::negated)
        } else if self.eat("(") {
            self.any(field).and_then(|inner| {
                if self.eat(")") { Ok(inner) } else { self.fail("`)` is missing") }
            })
        } else if field.is_empty() {
            self.condition()
        } else {
            self.literal().map(|literal| test(field, &literal))
        };
        self.depth -= 1;
        result
    }

    fn condition(&mut self) -> Result<Expression, QueryError> {
        let name = self.literal()?;
        for (sign, operator) in [
            ("<=", Operator::LessOrEqual),
            (">=", Operator::GreaterOrEqual),
            ("<", Operator::Less),
            (">", Operator::Greater),
        ] {
            if self.eat(sign) {
                let value = self.literal()?;
                return Ok(Expression::test(name.text, operator, value.text));
            }
        }
        if !self.eat(":") {
            return Ok(test("", &name));
        }
        if self.eat("{") {
            let nested = self.any("")?;
            return if self.eat("}") {
                Ok(prefixed(nested, &name.text))
            } else {
                self.fail("`}` is missing")
            };
        }
        if self.eat("(") {
            let values = self.any(&name.text)?;
            return if self.eat(")") { Ok(values) } else { self.fail("`)` is missing") };
        }
        let value = self.literal()?;
        Ok(test(&name.text, &value))
    }

    /// A quoted text, or words up to a keyword or a sign.
    fn literal(&mut self) -> Result<Literal, QueryError> {
        if self.rest().starts_with('"') {
            let Some((length, text)) = quoted(self.rest(), '"', true) else {
                return self.fail("a string is not closed");
            };
            self.at += length;
            self.space();
            return Ok(Literal { text, quoted: true });
        }
        let mut text = String::new();
        loop {
            let start = self.at;
            while let Some(character) = self.rest().chars().next() {
                if character.is_whitespace()
                    || matches!(character, '(' | ')' | ':' | '<' | '>' | '"' | '{' | '}')
                {
                    break;
                }
                self.at += character.len_utf8();
                if character != '\\' {
                    text.push(character);
                    continue;
                }
                let Some(escaped) = self.rest().chars().next() else {
                    return self.fail("an escape has no character");
                };
                // An escaped star is no wildcard; it has no exact form here, and stays visible.
                if !matches!(escaped, '\\' | '(' | ')' | ':' | '<' | '>' | '"' | '{' | '}' | ' ') {
                    text.push('\\');
                }
                text.push(escaped);
                self.at += escaped.len_utf8();
            }
            if self.at == start {
                return self.fail("a name or a value is missing");
            }
            self.space();
            let next = self.rest().chars().next();
            if self.keyword().is_some()
                || next.is_none_or(|next| {
                    matches!(next, '(' | ')' | ':' | '<' | '>' | '"' | '{' | '}')
                })
            {
                return Ok(Literal { text, quoted: false });
            }
            text.push(' ');
        }
    }
}

fn test(field: &str, literal: &Literal) -> Expression {
    match literal {
        Literal { text, quoted: true } => Expression::test(field, Operator::Equals, text.clone()),
        Literal { text, .. } if text.contains("\\*") => {
            Expression::Unread(Reason::new("escaped wildcard"))
        }
        Literal { text, .. } if text == "null" => Expression::test(field, Operator::Equals, "null"),
        // `?` is no wildcard in this language.
        Literal { text, .. } if text.contains('?') && !text.contains('*') => {
            Expression::test(field, Operator::Equals, text.clone())
        }
        Literal { text, .. } => Expression::pattern(field, text),
    }
}

/// Conditions on the parts of a nested field.
fn prefixed(expression: Expression, field: &str) -> Expression {
    let all =
        |parts: Vec<Expression>| parts.into_iter().map(|part| prefixed(part, field)).collect();
    match expression {
        Expression::All(parts) => Expression::All(all(parts)),
        Expression::Any(parts) => Expression::Any(all(parts)),
        Expression::Not(inner) => Expression::Not(Box::new(prefixed(*inner, field))),
        Expression::Test(mut test) => {
            test.field = format!("{field}.{}", test.field);
            Expression::Test(test)
        }
        unread @ Expression::Unread(_) => unread,
    }
}
