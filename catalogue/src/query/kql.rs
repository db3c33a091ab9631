//! Elastic's Kibana query language: `field: (a or b) and not other: "x"`.

use super::cursor::Cursor;
use super::expression::MAX_DEPTH;
use super::lexer::quoted;
use super::{Expression, Operator, QueryError, Reason};

/// Reads a query.
pub fn parse(text: &str) -> Result<Expression, QueryError> {
    let mut parser = Parser { cursor: Cursor::new(text), depth: 0 };
    if parser.cursor.rest().is_empty() {
        return Ok(Expression::All(Vec::new()));
    }
    let expression = parser.any("")?;
    if parser.cursor.rest().is_empty() {
        Ok(expression)
    } else {
        parser.cursor.fail("more follows behind the query")
    }
}

/// What may follow a keyword directly.
const ENDS: &[char] = &['(', ')', '"'];

struct Parser<'t> {
    cursor: Cursor<'t>,
    depth: usize,
}

/// A literal: what it says, and whether `*` is a wildcard in it.
struct Literal {
    text: String,
    quoted: bool,
}

impl Parser<'_> {
    /// Returns true if a keyword is here, as a word of its own.
    fn is_keyword(&self) -> bool {
        ["and", "or", "not"].into_iter().any(|word| self.cursor.is_word(word, ENDS))
    }

    /// Alternatives: of conditions where `field` is empty, else of values of the field.
    fn any(&mut self, field: &str) -> Result<Expression, QueryError> {
        let mut parts = vec![self.all(field)?];
        while self.cursor.eat_word("or", ENDS) {
            parts.push(self.all(field)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expression::Any(parts) })
    }

    fn all(&mut self, field: &str) -> Result<Expression, QueryError> {
        let mut parts = vec![self.not(field)?];
        while self.cursor.eat_word("and", ENDS) {
            parts.push(self.not(field)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expression::All(parts) })
    }

    fn not(&mut self, field: &str) -> Result<Expression, QueryError> {
        if self.depth >= MAX_DEPTH {
            return self.cursor.fail("too many levels");
        }
        self.depth += 1;
        let result = if self.cursor.eat_word("not", ENDS) {
            self.not(field).map(Expression::negated)
        } else if self.cursor.eat("(") {
            self.any(field).and_then(|inner| {
                if self.cursor.eat(")") { Ok(inner) } else { self.cursor.fail("`)` is missing") }
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
            if self.cursor.eat(sign) {
                let value = self.literal()?;
                return Ok(Expression::test(name.text, operator, value.text));
            }
        }
        if !self.cursor.eat(":") {
            return Ok(test("", &name));
        }
        if self.cursor.eat("{") {
            let nested = self.any("")?;
            return if self.cursor.eat("}") {
                Ok(prefixed(nested, &name.text))
            } else {
                self.cursor.fail("`}` is missing")
            };
        }
        if self.cursor.eat("(") {
            let values = self.any(&name.text)?;
            return if self.cursor.eat(")") {
                Ok(values)
            } else {
                self.cursor.fail("`)` is missing")
            };
        }
        let value = self.literal()?;
        Ok(test(&name.text, &value))
    }

    /// A quoted text, or words up to a keyword or a sign.
    fn literal(&mut self) -> Result<Literal, QueryError> {
        if self.cursor.rest().starts_with('"') {
            let Some((length, text)) = quoted(self.cursor.rest(), '"', true) else {
                return self.cursor.fail("a string is not closed");
            };
            self.cursor.skip(length);
            return Ok(Literal { text, quoted: true });
        }
        let mut text = String::new();
        loop {
            let n_before = self.cursor.rest().len();
            while let Some(character) = self.cursor.rest().chars().next() {
                if character.is_whitespace()
                    || matches!(character, '(' | ')' | ':' | '<' | '>' | '"' | '{' | '}')
                {
                    break;
                }
                self.cursor.advance(character.len_utf8());
                if character != '\\' {
                    text.push(character);
                    continue;
                }
                let Some(escaped) = self.cursor.rest().chars().next() else {
                    return self.cursor.fail("an escape has no character");
                };
                // An escaped star is no wildcard; it has no exact form here, and stays visible.
                if !matches!(escaped, '\\' | '(' | ')' | ':' | '<' | '>' | '"' | '{' | '}' | ' ') {
                    text.push('\\');
                }
                text.push(escaped);
                self.cursor.advance(escaped.len_utf8());
            }
            if self.cursor.rest().len() == n_before {
                return self.cursor.fail("a name or a value is missing");
            }
            self.cursor.skip(0);
            let next = self.cursor.rest().chars().next();
            if self.is_keyword()
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
