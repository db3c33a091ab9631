//! Other vendors' query languages, read as far as they can be read exactly.
//!
//! A reader turns a query into an [`Expression`] over tests of fields. What it cannot say exactly (a
//! function of a field, a computed column, a macro) becomes [`Expression::Unread`] with its reason, and
//! is counted: never guessed. Text that does not belong to the language is an error.

mod cursor;
pub mod eql;
pub mod esql;
mod expression;
pub mod kql;
mod lexer;
pub mod sigma;
pub mod spl;

use std::collections::BTreeMap;
use std::fmt;

pub use expression::MAX_DEPTH;

/// What a query asks of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// All hold. Without parts: no condition.
    All(Vec<Expression>),
    /// Any holds.
    Any(Vec<Expression>),
    /// It does not hold.
    Not(Box<Expression>),
    /// A test of one field.
    Test(Test),
    /// Something that has no exact form as a test of a field: why.
    Unread(Reason),
}

/// A field, an operator, a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Test {
    /// The field, as the vendor calls it. Empty for a search in all fields.
    pub field: String,
    /// How it is compared.
    pub operator: Operator,
    /// With what. Empty for [`Operator::Exists`] and [`Operator::Missing`].
    pub value: String,
}

/// How a field is compared with a value; case is left aside, as vendors differ in their defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operator {
    /// The whole value.
    Equals,
    /// The value is anywhere in it.
    Contains,
    /// It begins so.
    StartsWith,
    /// It ends so.
    EndsWith,
    /// Any other pattern of `*` and `?`.
    Wildcard,
    /// A regular expression.
    Regex,
    /// An address in a network.
    Cidr,
    /// A number or time above.
    Greater,
    /// A number or time above or equal.
    GreaterOrEqual,
    /// A number or time below.
    Less,
    /// A number or time below or equal.
    LessOrEqual,
    /// The field is there.
    Exists,
    /// The field is missing or null.
    Missing,
}

impl Operator {
    /// The name in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Operator::Equals => "eq",
            Operator::Contains => "contains",
            Operator::StartsWith => "starts_with",
            Operator::EndsWith => "ends_with",
            Operator::Wildcard => "wildcard",
            Operator::Regex => "regex_match",
            Operator::Cidr => "cidr",
            Operator::Greater => "gt",
            Operator::GreaterOrEqual => "gte",
            Operator::Less => "lt",
            Operator::LessOrEqual => "lte",
            Operator::Exists => "exists",
            Operator::Missing => "missing",
        }
    }
}

/// Why a part of a query has no exact form, in the words of the report.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reason(pub String);

impl Reason {
    fn new(text: impl Into<String>) -> Reason {
        Reason(text.into())
    }
}

/// Why a text is no query of its language, and about where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryError {
    /// What is wrong.
    pub message: String,
    /// The byte offset.
    pub offset: usize,
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.message, self.offset)
    }
}

impl std::error::Error for QueryError {}

/// What a test of a rule is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The rule looks for it.
    Indicator,
    /// The rule leaves it out: it is in a `not (...)` of the outermost conjunction.
    Exclusion,
    /// Anything else below a `not`: an exception of an exception, or one way of several.
    Negated,
}

impl Expression {
    /// A test.
    pub fn test(
        field: impl Into<String>,
        operator: Operator,
        value: impl Into<String>,
    ) -> Expression {
        Expression::Test(Test { field: field.into(), operator, value: value.into() })
    }

    /// A value with `*` and `?`, by its shape: `*x*` is contains.
    pub fn pattern(field: &str, value: &str) -> Expression {
        let (operator, value) = shape(value);
        Expression::test(field, operator, value)
    }

    /// The negation.
    #[must_use]
    pub fn negated(self) -> Expression {
        match self {
            Expression::Not(inner) => *inner,
            other => Expression::Not(Box::new(other)),
        }
    }

    /// Every test with its role, in the order of the query.
    pub fn tests(&self) -> Vec<(Role, &Test)> {
        let mut found = Vec::new();
        self.walk(Role::Indicator, true, &mut found);
        found
    }

    fn walk<'e>(&'e self, role: Role, outermost: bool, found: &mut Vec<(Role, &'e Test)>) {
        match self {
            Expression::All(parts) => {
                for part in parts {
                    part.walk(role, outermost, found);
                }
            }
            Expression::Any(parts) => {
                let outermost = outermost && parts.len() < 2;
                for part in parts {
                    part.walk(role, outermost, found);
                }
            }
            Expression::Not(inner) => {
                let role = match role {
                    Role::Indicator if outermost => Role::Exclusion,
                    Role::Indicator | Role::Exclusion | Role::Negated => Role::Negated,
                };
                inner.walk(role, false, found);
            }
            Expression::Test(test) => found.push((role, test)),
            Expression::Unread(_) => {}
        }
    }

    /// How many parts could not be read exactly, by reason.
    pub fn unread(&self) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        self.count_unread(&mut counts);
        counts
    }

    fn count_unread<'e>(&'e self, counts: &mut BTreeMap<&'e str, usize>) {
        match self {
            Expression::All(parts) | Expression::Any(parts) => {
                for part in parts {
                    part.count_unread(counts);
                }
            }
            Expression::Not(inner) => inner.count_unread(counts),
            Expression::Unread(reason) => *counts.entry(reason.0.as_str()).or_default() += 1,
            Expression::Test(_) => {}
        }
    }
}

/// What a text with wildcards asks.
fn shape(pattern: &str) -> (Operator, String) {
    let has = |text: &str| text.contains(['*', '?']);
    if !has(pattern) {
        return (Operator::Equals, pattern.to_owned());
    }
    if !pattern.is_empty() && pattern.bytes().all(|byte| byte == b'*') {
        return (Operator::Exists, String::new());
    }
    let start = pattern.strip_prefix('*');
    let end = start.unwrap_or(pattern).strip_suffix('*');
    let (operator, inner) = match (start, end) {
        (Some(_), Some(inner)) => (Operator::Contains, inner),
        (Some(inner), None) => (Operator::EndsWith, inner),
        (None, Some(inner)) => (Operator::StartsWith, inner),
        (None, None) => (Operator::Wildcard, pattern),
    };
    if has(inner) || inner.is_empty() {
        return (Operator::Wildcard, pattern.to_owned());
    }
    (operator, inner.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_have_shapes() {
        for (pattern, operator, value) in [
            ("a", Operator::Equals, "a"),
            ("*a", Operator::EndsWith, "a"),
            ("a*", Operator::StartsWith, "a"),
            ("*a*", Operator::Contains, "a"),
            ("a*b", Operator::Wildcard, "a*b"),
            ("?:\\a*", Operator::Wildcard, "?:\\a*"),
            ("*", Operator::Exists, ""),
            ("", Operator::Equals, ""),
        ] {
            assert_eq!(shape(pattern), (operator, value.to_owned()), "{pattern}");
        }
    }

    #[test]
    fn only_a_negation_of_the_outermost_conjunction_is_an_exclusion() {
        let test = |name: &str| Expression::test(name, Operator::Equals, "x");
        let expression = Expression::All(vec![
            test("a"),
            Expression::All(vec![test("b"), test("c").negated().negated()]),
            Expression::Any(vec![test("d"), test("e").negated()]),
            Expression::All(vec![test("f"), test("g").negated()]).negated(),
        ]);
        let roles: Vec<_> =
            expression.tests().iter().map(|(role, test)| (*role, test.field.clone())).collect();
        let expect = [
            (Role::Indicator, "a"),
            (Role::Indicator, "b"),
            (Role::Indicator, "c"),
            (Role::Indicator, "d"),
            (Role::Negated, "e"),
            (Role::Exclusion, "f"),
            (Role::Negated, "g"),
        ];
        assert_eq!(roles, expect.map(|(role, field)| (role, field.to_owned())));
    }
}
