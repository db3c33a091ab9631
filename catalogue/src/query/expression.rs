//! Conditions with `and`, `or`, `not`, comparisons and functions: EQL, ES|QL and Splunk's eval.

use std::collections::BTreeSet;

use super::lexer::{Dialect, Token};
use super::{Expression, Operator, QueryError, Reason};

/// Deepest nesting of parentheses and negations; deeper queries are refused.
pub const MAX_DEPTH: usize = 64;

/// What is beside a comparison.
#[derive(Clone, Debug, PartialEq)]
enum Operand {
    Field(String),
    Text(String),
    Number(String),
    Bool(bool),
    Null,
    List(Vec<Operand>),
    /// What has no exact form as a field: why.
    Computed(Reason),
    /// A function of a field that is a condition by itself, or is none.
    Call(String, Vec<Operand>),
    /// A condition in parentheses.
    Condition(Expression),
}

/// Reads conditions from words.
pub(super) struct Parser<'t> {
    pub(super) tokens: &'t [(usize, Token)],
    pub(super) at: usize,
    pub(super) dialect: Dialect,
    /// Columns that the query makes itself: no fields of an event.
    pub(super) computed: &'t BTreeSet<String>,
    depth: usize,
}

impl<'t> Parser<'t> {
    pub(super) fn new(
        tokens: &'t [(usize, Token)],
        dialect: Dialect,
        computed: &'t BTreeSet<String>,
    ) -> Parser<'t> {
        Parser { tokens, at: 0, dialect, computed, depth: 0 }
    }

    pub(super) fn peek(&self) -> Option<&'t Token> {
        self.tokens.get(self.at).map(|(_, token)| token)
    }

    pub(super) fn next(&mut self) -> Option<&'t Token> {
        let token = self.peek();
        self.at += 1;
        token
    }

    pub(super) fn fail<T>(&self, message: impl Into<String>) -> Result<T, QueryError> {
        let last = self.tokens.last().map_or(0, |(offset, _)| offset + 1);
        let offset = self.tokens.get(self.at).map_or(last, |(offset, _)| *offset);
        Err(QueryError { message: message.into(), offset })
    }

    pub(super) fn eat_sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(found)) if *found == sign);
        self.at += usize::from(found);
        found
    }

    pub(super) fn expect_sign(&mut self, sign: &str) -> Result<(), QueryError> {
        if self.eat_sign(sign) { Ok(()) } else { self.fail(format!("`{sign}` is missing")) }
    }

    fn is_word(&self, ahead: usize, word: &str) -> bool {
        match self.tokens.get(self.at + ahead) {
            Some((_, Token::Name { text, quoted: false })) => text.eq_ignore_ascii_case(word),
            _ => false,
        }
    }

    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let found = self.is_word(0, word);
        self.at += usize::from(found);
        found
    }

    /// A whole condition.
    pub(super) fn condition(&mut self) -> Result<Expression, QueryError> {
        let operand = self.any()?;
        Ok(self.truth(operand))
    }

    fn deeper<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, QueryError>,
    ) -> Result<T, QueryError> {
        if self.depth >= MAX_DEPTH {
            return self.fail(format!("more than {MAX_DEPTH} levels"));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    fn any(&mut self) -> Result<Operand, QueryError> {
        let first = self.all()?;
        if !self.is_word(0, "or") && !self.is_word(0, "xor") {
            return Ok(first);
        }
        let mut parts = vec![self.truth(first)];
        while self.eat_word("or") || self.eat_word("xor") {
            let next = self.all()?;
            parts.push(self.truth(next));
        }
        Ok(Operand::Condition(Expression::Any(parts)))
    }

    fn all(&mut self) -> Result<Operand, QueryError> {
        let first = self.not()?;
        if !self.is_word(0, "and") {
            return Ok(first);
        }
        let mut parts = vec![self.truth(first)];
        while self.eat_word("and") {
            let next = self.not()?;
            parts.push(self.truth(next));
        }
        Ok(Operand::Condition(Expression::All(parts)))
    }

    fn not(&mut self) -> Result<Operand, QueryError> {
        if !(self.eat_word("not") || self.eat_sign("!")) {
            return self.comparison();
        }
        let inner = self.deeper(Self::not)?;
        Ok(Operand::Condition(self.truth(inner).negated()))
    }

    fn comparison(&mut self) -> Result<Operand, QueryError> {
        let mut left = self.sum()?;
        loop {
            let start = self.at;
            let negated = self.eat_word("not");
            let Some(comparison) = self.comparison_sign() else {
                self.at = start;
                return Ok(left);
            };
            let expression = if comparison == "is" {
                let not = self.eat_word("not");
                if !self.eat_word("null") {
                    return self.fail("`null` is missing behind `is`");
                }
                let missing = self.compare(&left, "==", &Operand::Null);
                if not { missing.negated() } else { missing }
            } else {
                let right = self.sum()?;
                self.compare(&left, comparison, &right)
            };
            left = Operand::Condition(if negated { expression.negated() } else { expression });
        }
    }

    /// A comparison at the current word; its one spelling.
    fn comparison_sign(&mut self) -> Option<&'static str> {
        if let Some(Token::Sign(sign)) = self.peek() {
            let found = match *sign {
                "=" | "==" => "==",
                "!=" | "<>" => "!=",
                "=~" if self.dialect == Dialect::Eql => "==",
                ":" | "<" | "<=" | ">" | ">=" => sign,
                _ => return None,
            };
            self.at += 1;
            return Some(found);
        }
        for word in ["in", "like", "regex", "rlike", "is"] {
            if self.eat_word(word) {
                // EQL's `in~`, `like~`, `regex~` set case aside, as this reader does anyway.
                self.eat_sign("~");
                return Some(word);
            }
        }
        None
    }

    fn sum(&mut self) -> Result<Operand, QueryError> {
        let mut left = self.primary()?;
        while let Some(Token::Sign("+" | "-" | "*" | "/" | "%" | "." | "::")) = self.peek() {
            let cast = self.eat_sign("::");
            self.at += usize::from(!cast);
            let right = self.primary()?;
            // A cast changes the type, not what is compared.
            left = match (cast, left, right) {
                (true, left, _) => left,
                (false, ..) => Operand::Computed(Reason::new("arithmetic")),
            };
        }
        Ok(left)
    }

    fn primary(&mut self) -> Result<Operand, QueryError> {
        let Some(token) = self.next() else { return self.fail("the condition ends early") };
        match token {
            Token::Text(text) => Ok(Operand::Text(text.clone())),
            Token::Number(text) => {
                // `7 days` of ES|QL is one value.
                match self.peek() {
                    Some(Token::Name { text: unit, quoted: false })
                        if self.dialect == Dialect::Esql && is_unit(unit) =>
                    {
                        self.at += 1;
                        Ok(Operand::Number(format!("{text} {unit}")))
                    }
                    _ => Ok(Operand::Number(text.clone())),
                }
            }
            Token::Sign("{") if self.dialect == Dialect::Esql => {
                while !self.eat_sign("}") {
                    if self.next().is_none() {
                        return self.fail("`}` is missing");
                    }
                }
                Ok(Operand::Computed(Reason::new("options of a function")))
            }
            Token::Sign("-") => match self.next() {
                Some(Token::Number(text)) => Ok(Operand::Number(format!("-{text}"))),
                _ => self.fail("a number is missing behind `-`"),
            },
            Token::Sign("?") => match self.peek() {
                // An optional field of EQL, or a parameter.
                Some(Token::Name { .. }) => self.primary(),
                Some(Token::Text(_)) => self.primary(),
                _ => self.fail("a field is missing behind `?`"),
            },
            Token::Sign("(") => self.deeper(Self::parentheses),
            Token::Name { text, quoted: false } if self.eat_sign("~") => self.named(text.clone()),
            Token::Name { text, quoted: false } => self.named(text.clone()),
            Token::Name { text, quoted: true } => Ok(self.field(text.clone())),
            Token::Sign(sign) => {
                self.at -= 1;
                self.fail(format!("`{sign}` is not expected here"))
            }
        }
    }

    /// A condition in parentheses, or a list.
    fn parentheses(&mut self) -> Result<Operand, QueryError> {
        let first = self.any()?;
        if self.eat_sign(")") {
            return Ok(match first {
                Operand::Text(_) | Operand::Number(_) => Operand::List(vec![first]),
                other => other,
            });
        }
        let mut list = vec![first];
        while self.eat_sign(",") {
            if matches!(self.peek(), Some(Token::Sign(")"))) {
                break;
            }
            list.push(self.any()?);
        }
        self.expect_sign(")")?;
        Ok(Operand::List(list))
    }

    fn named(&mut self, text: String) -> Result<Operand, QueryError> {
        match text.to_ascii_lowercase().as_str() {
            "true" => return Ok(Operand::Bool(true)),
            "false" => return Ok(Operand::Bool(false)),
            "null" => return Ok(Operand::Null),
            "and" | "or" | "in" | "like" | "where" | "is" if !self.is_prefix_function(&text) => {
                self.at -= 1;
                return self.fail(format!("`{text}` is not expected here"));
            }
            _ => {}
        }
        if self.eat_sign("(") {
            return self.deeper(|parser| parser.call(&text));
        }
        if self.dialect != Dialect::Eval && self.eat_sign("[") {
            // `process.args[0]`: one element of a list.
            while !self.eat_sign("]") {
                if self.next().is_none() {
                    return self.fail("`]` is missing");
                }
            }
            return Ok(Operand::Computed(Reason::new("element of a list")));
        }
        Ok(self.field(text))
    }

    /// Splunk writes `like(field, "...")` and `in(field, ...)` as functions too.
    fn is_prefix_function(&self, text: &str) -> bool {
        let named = text.eq_ignore_ascii_case("like") || text.eq_ignore_ascii_case("in");
        named && self.dialect == Dialect::Eval && matches!(self.peek(), Some(Token::Sign("(")))
    }

    fn call(&mut self, name: &str) -> Result<Operand, QueryError> {
        let mut arguments = Vec::new();
        while !self.eat_sign(")") {
            if self.dialect != Dialect::Eql && self.eat_sign("*") {
                arguments.push(Operand::Computed(Reason::new("count")));
            } else {
                arguments.push(self.any()?);
            }
            if !self.eat_sign(",") && !matches!(self.peek(), Some(Token::Sign(")"))) {
                return self.fail("`)` is missing");
            }
        }
        let name = name.to_ascii_lowercase();
        // Case is set aside everywhere, and a text of a text is the same text.
        let same = matches!(
            name.as_str(),
            "to_lower" | "to_upper" | "to_string" | "lower" | "upper" | "tostring" | "string"
        );
        match arguments.as_slice() {
            [field @ Operand::Field(_)] if same => Ok(field.clone()),
            _ => Ok(Operand::Call(name, arguments)),
        }
    }

    fn field(&self, text: String) -> Operand {
        if let Some(name) = text.strip_prefix('`') {
            return Operand::Computed(Reason(format!("macro {}", name.trim_end_matches('`'))));
        }
        if self.computed.contains(&text)
            || (self.dialect == Dialect::Esql && text.starts_with("Esql"))
        {
            return Operand::Computed(Reason::new("computed column"));
        }
        Operand::Field(text)
    }

    /// The meaning of an operand in the place of a condition.
    fn truth(&self, operand: Operand) -> Expression {
        match operand {
            Operand::Condition(expression) => expression,
            Operand::Field(field) => Expression::test(field, Operator::Equals, "true"),
            Operand::Bool(true) => Expression::All(Vec::new()),
            Operand::Bool(false) => Expression::Any(Vec::new()),
            Operand::Computed(reason) => Expression::Unread(reason),
            Operand::Call(name, arguments) => call(&name, &arguments, self.dialect),
            Operand::Text(_) | Operand::Number(_) | Operand::Null | Operand::List(_) => {
                Expression::Unread(Reason::new("a value as a condition"))
            }
        }
    }

    fn compare(&self, left: &Operand, comparison: &str, right: &Operand) -> Expression {
        let (field, value, mirrored) = match (left, right) {
            (Operand::Field(field), value) => (field, value, false),
            (value, Operand::Field(field)) => (field, value, true),
            (Operand::Call(name, _), Operand::Bool(holds))
            | (Operand::Bool(holds), Operand::Call(name, _))
                if matches!(comparison, "==" | "!=") =>
            {
                let call = if matches!(left, Operand::Call(..)) { left } else { right };
                let truth = self.truth(call.clone());
                let _: &String = name;
                return if *holds == (comparison == "==") { truth } else { truth.negated() };
            }
            (Operand::Computed(reason), _) | (_, Operand::Computed(reason)) => {
                return Expression::Unread(reason.clone());
            }
            (Operand::Call(name, _), _) | (_, Operand::Call(name, _)) => {
                return Expression::Unread(Reason(format!("function {name}")));
            }
            _ => return Expression::Unread(Reason::new("comparison without a field")),
        };
        if mirrored && matches!(comparison, "in" | "like" | "rlike" | "regex" | ":") {
            return Expression::Unread(Reason::new("value searched in a field"));
        }
        if let Operand::List(values) = value {
            let parts =
                values.iter().map(|value| against(field, comparison, value, mirrored)).collect();
            let any = Expression::Any(parts);
            return if comparison == "!=" { any.negated() } else { any };
        }
        let test = against(field, comparison, value, mirrored);
        if comparison == "!=" { test.negated() } else { test }
    }
}

/// Units of time, singular and plural.
fn is_unit(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    matches!(
        word.trim_end_matches('s'),
        "millisecond"
            | "second"
            | "minute"
            | "hour"
            | "day"
            | "week"
            | "month"
            | "quarter"
            | "year"
            | ""
            | "m"
            | "h"
            | "d"
    )
}

/// One field against one value; `!=` is read as `==`, which the caller negates.
fn against(field: &str, comparison: &str, value: &Operand, mirrored: bool) -> Expression {
    let text = match value {
        Operand::Text(text) | Operand::Number(text) => text.clone(),
        Operand::Bool(truth) => truth.to_string(),
        Operand::Null if matches!(comparison, "==" | "!=" | ":" | "in") => {
            return Expression::test(field, Operator::Missing, "");
        }
        Operand::Null => return Expression::Unread(Reason::new("order of null")),
        Operand::Field(_) => return Expression::Unread(Reason::new("comparison of two fields")),
        Operand::Computed(reason) => return Expression::Unread(reason.clone()),
        Operand::Call(name, _) => return Expression::Unread(Reason(format!("function {name}"))),
        Operand::List(_) | Operand::Condition(_) => {
            return Expression::Unread(Reason::new("comparison with a condition"));
        }
    };
    let operator = match (comparison, mirrored) {
        (":" | "like", _) => return Expression::pattern(field, &text),
        ("rlike" | "regex", _) => Operator::Regex,
        ("<", false) | (">", true) => Operator::Less,
        ("<=", false) | (">=", true) => Operator::LessOrEqual,
        (">", false) | ("<", true) => Operator::Greater,
        (">=", false) | ("<=", true) => Operator::GreaterOrEqual,
        _ => Operator::Equals,
    };
    Expression::test(field, operator, text)
}

/// A function that is a condition of one field; any other is unread.
fn call(name: &str, arguments: &[Operand], dialect: Dialect) -> Expression {
    let unread = || Expression::Unread(Reason(format!("function {name}")));
    let Some((Operand::Field(field), values)) = arguments.split_first() else {
        return match (name, arguments) {
            // `match(field, ...)` of a computed column, a nested call...
            (_, [Operand::Computed(reason), ..]) => Expression::Unread(reason.clone()),
            ("searchmatch" | "kql" | "match" | "qstr", [Operand::Text(_)]) => {
                Expression::Unread(Reason(format!("query inside of {name}")))
            }
            _ => unread(),
        };
    };
    let make: &dyn Fn(&str) -> Expression = match name {
        "isnull" => return Expression::test(field, Operator::Missing, ""),
        "isnotnull" => return Expression::test(field, Operator::Exists, ""),
        "wildcard" => &|value| Expression::pattern(field, value),
        "like" if dialect == Dialect::Eval => &|value| sql_pattern(field, value),
        "match" if dialect == Dialect::Eql => {
            &|value| Expression::test(field, Operator::Regex, value)
        }
        "match" if dialect == Dialect::Eval => {
            &|value| Expression::test(field, Operator::Regex, value)
        }
        "stringcontains" | "contains" => {
            &|value| Expression::test(field, Operator::Contains, value)
        }
        "startswith" | "starts_with" => {
            &|value| Expression::test(field, Operator::StartsWith, value)
        }
        "endswith" | "ends_with" => &|value| Expression::test(field, Operator::EndsWith, value),
        "cidrmatch" | "cidr_match" => &|value| Expression::test(field, Operator::Cidr, value),
        "in" => &|value| Expression::test(field, Operator::Equals, value),
        _ => return unread(),
    };
    let mut parts = Vec::new();
    for value in values.iter().flat_map(|value| match value {
        Operand::List(list) => list.as_slice(),
        single => std::slice::from_ref(single),
    }) {
        parts.push(match value {
            Operand::Text(text) | Operand::Number(text) => make(text),
            _ => unread(),
        });
    }
    match parts.len() {
        0 => unread(),
        _ => Expression::Any(parts),
    }
}

/// `%` and `_` as Splunk's `like` has them.
fn sql_pattern(field: &str, value: &str) -> Expression {
    if value.contains(['*', '?']) {
        return Expression::Unread(Reason::new("pattern of % around literal * or ?"));
    }
    Expression::pattern(field, &value.replace('%', "*").replace('_', "?"))
}
