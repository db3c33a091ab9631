//! Conditions: `selection and not 1 of filter_*`.
//!
//! Precedence, loosest first: `or`, `and`, `not`, `x of`, parentheses. Operators are written in lower
//! case. `them` and patterns leave out identifiers that start with `_`, unless the pattern does too.

use std::collections::{HashMap, HashSet};

use crate::codes;
use crate::limits::{MAX_CONDITION_DEPTH, MAX_REPEATED_PARTS};
use crate::rule::{Condition, Selection, n_parts};
use diagnostics::closest;
use diagnostics::{Code, Diagnostic, Fix, Span};

/// A problem at a range of characters of the condition.
struct Problem {
    code: &'static Code,
    message: String,
    help: String,
    at: (usize, usize),
    /// What to write there instead, where that is plain.
    instead: Option<String>,
}

/// Reads a condition over the selections of a rule, or over the rules of a correlation.
///
/// `place` gives the span of a range of characters of the condition. `n_repeated` counts the parts of all
/// conditions of a file beyond what is written.
pub(crate) fn parse(
    text: &str,
    names: &mut Names<'_>,
    n_repeated: &mut usize,
    place: &dyn Fn(usize, usize) -> Span,
    report: &mut dyn FnMut(Diagnostic, Span),
) -> Option<Condition> {
    let tokens = tokens(text);
    let end = text.chars().count();
    let mut parser = Parser { tokens: &tokens, names, n_repeated, problems: Vec::new(), end };
    let condition = parser.expression(0);
    if parser.problems.is_empty()
        && let Some(token) = parser.tokens.first()
    {
        let at = Some(token.at);
        if token.text == "|" {
            parser.aggregation(at);
        } else {
            let message = format!("`{}` is not expected here", token.text);
            parser.problem(&codes::BROKEN_CONDITION, message, parser.names.kind.operators(), at);
            let lower = token.text.to_ascii_lowercase();
            let meant = matches!(lower.as_str(), "and" | "or").then_some(lower);
            parser.instead(meant.as_deref());
        }
    }
    let broken = !parser.problems.is_empty();
    for Problem { code, message, help, at, instead } in parser.problems {
        let span = place(at.0, at.1);
        let fix = instead.map(|instead| Box::new(Fix::replace(span, &instead)));
        let place = diagnostics::Place { file: "".into(), span };
        report(Diagnostic { code, message, help, place, fix }, span);
    }
    condition.filter(|_| !broken)
}

#[derive(Clone, Copy, Debug)]
struct Token<'t> {
    text: &'t str,
    /// The range of characters.
    at: (usize, usize),
}

/// The names in a condition in the order in which they come first, with the range of their characters. Patterns
/// are none.
pub(crate) fn written_names(text: &str) -> Vec<(&str, (usize, usize))> {
    const WORDS: [&str; 11] = ["and", "or", "not", "of", "1", "any", "all", "them", "(", ")", "|"];
    let mut known = HashSet::new();
    let mut tokens = tokens(text);
    tokens.retain(|Token { text, .. }| {
        !WORDS.contains(text) && !text.contains('*') && known.insert(*text)
    });
    tokens.into_iter().map(|token| (token.text, token.at)).collect()
}

/// Words, parentheses and pipes.
fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens: Vec<Token<'_>> = Vec::new();
    let mut word: Option<(usize, usize)> = None;
    let close = |word: &mut Option<(usize, usize)>, byte: usize, at: usize, tokens: &mut Vec<_>| {
        if let Some((start, start_at)) = word.take() {
            tokens.push(Token {
                text: text.get(start..byte).unwrap_or_default(),
                at: (start_at, at),
            });
        }
    };
    for (at, (byte, character)) in text.char_indices().enumerate() {
        if character.is_whitespace() {
            close(&mut word, byte, at, &mut tokens);
        } else if matches!(character, '(' | ')' | '|') {
            close(&mut word, byte, at, &mut tokens);
            let text = text.get(byte..byte + 1).unwrap_or_default();
            tokens.push(Token { text, at: (at, at + 1) });
        } else if word.is_none() {
            word = Some((byte, at));
        }
    }
    close(&mut word, text.len(), text.chars().count(), &mut tokens);
    tokens
}

/// What the names in a condition are, for findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NameKind {
    /// Search identifiers of a rule.
    Searches,
    /// Rules that a correlation takes in.
    Rules,
}

impl NameKind {
    fn operators(self) -> &'static str {
        match self {
            NameKind::Searches => {
                "combine search identifiers with `and`, `or`, `not`, `1 of`, `all of` and parentheses"
            }
            NameKind::Rules => {
                "combine names of rules with `and`, `or`, `not`, `1 of`, `all of` and parentheses"
            }
        }
    }

    /// One of the names.
    fn name(self) -> &'static str {
        match self {
            NameKind::Searches => "search identifier",
            NameKind::Rules => "name of a rule",
        }
    }

    /// The code of the finding for an unknown name.
    fn unknown(self) -> &'static Code {
        match self {
            NameKind::Searches => &codes::UNKNOWN_SELECTION,
            NameKind::Rules => &codes::UNKNOWN_RULE,
        }
    }
}

/// The names that conditions combine, and which of them they have named.
pub(crate) struct Names<'s> {
    kind: NameKind,
    selections: &'s [Selection],
    by_name: HashMap<&'s str, usize>,
    is_named: Vec<bool>,
    /// Returns true if `x of` has compared all names before.
    is_compared: bool,
}

impl<'s> Names<'s> {
    pub(crate) fn new(kind: NameKind, selections: &'s [Selection]) -> Names<'s> {
        let mut by_name = HashMap::with_capacity(selections.len());
        for (idx, selection) in selections.iter().enumerate() {
            by_name.entry(selection.name.as_str()).or_insert(idx);
        }
        let is_named = vec![false; selections.len()];
        Names { kind, selections, by_name, is_named, is_compared: false }
    }

    /// Returns the first name that no condition has named.
    pub(crate) fn unnamed(&self) -> Option<&'s Selection> {
        let mut all = self.selections.iter().zip(&self.is_named);
        all.find(|(_, is_named)| !**is_named).map(|(selection, _)| selection)
    }

    /// Returns the parts that a condition repeats if it names a search identifier here.
    fn n_repeated_by(&mut self, idx: usize) -> usize {
        let is_again =
            self.is_named.get_mut(idx).is_some_and(|named| std::mem::replace(named, true));
        let search = self.selections.get(idx).filter(|_| is_again);
        search.map_or(0, |selection| n_parts(&selection.search))
    }

    /// The name that was probably meant.
    fn closest(&self, name: &str) -> Option<&'s str> {
        let names = self.selections.iter().take(MAX_NAMES_COMPARED);
        closest(name, names.map(|selection| selection.name.as_str()))
    }

    /// The names for a help; some of them where there are many.
    fn listed(&self) -> String {
        let of = match self.kind {
            NameKind::Searches => "the rule defines",
            NameKind::Rules => "the correlation takes in",
        };
        format!("{of} {}", self.listed_names())
    }

    fn listed_names(&self) -> String {
        let names = self.selections.iter().take(MAX_NAMES_LISTED);
        let names: Vec<_> = names.map(|selection| format!("`{}`", selection.name)).collect();
        match self.selections.len() {
            0 => "none".into(),
            n_names if n_names > names.len() => {
                format!("{} and {} more", names.join(", "), n_names - names.len())
            }
            _ => names.join(", "),
        }
    }
}

/// Most names that an unknown one is compared with.
const MAX_NAMES_COMPARED: usize = 256;
/// Most names that a help lists.
const MAX_NAMES_LISTED: usize = 32;

struct Parser<'t, 'n, 's> {
    tokens: &'t [Token<'t>],
    names: &'n mut Names<'s>,
    n_repeated: &'n mut usize,
    problems: Vec<Problem>,
    /// Characters in the condition.
    end: usize,
}

impl<'t> Parser<'t, '_, '_> {
    fn peek(&self) -> Option<&'t str> {
        self.tokens.first().map(|token| token.text)
    }

    fn next(&mut self) -> Option<Token<'t>> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(*first)
    }

    fn problem(
        &mut self,
        code: &'static Code,
        message: String,
        help: impl Into<String>,
        at: Option<(usize, usize)>,
    ) {
        let at = at.unwrap_or((self.end, self.end));
        self.problems.push(Problem { code, message, help: help.into(), at, instead: None });
    }

    /// What to write in the place of the last problem.
    fn instead(&mut self, instead: Option<&str>) {
        if let Some(last) = self.problems.last_mut() {
            last.instead = instead.map(str::to_owned);
        }
    }

    /// `or`, then `and`, then `not` and what binds closer.
    fn expression(&mut self, depth: usize) -> Option<Condition> {
        let mut any = vec![self.conjunction(depth)?];
        while self.peek() == Some("or") {
            self.next();
            any.push(self.conjunction(depth)?);
        }
        Some(if any.len() == 1 { any.remove(0) } else { Condition::Any(any) })
    }

    fn aggregation(&mut self, at: Option<(usize, usize)>) {
        let message = "aggregations in conditions are not part of Sigma 2".into();
        let help = "write a correlation rule that names this rule";
        self.problem(&codes::AGGREGATION, message, help, at);
    }

    fn conjunction(&mut self, depth: usize) -> Option<Condition> {
        let mut all = vec![self.negation(depth)?];
        while self.peek() == Some("and") {
            self.next();
            all.push(self.negation(depth)?);
        }
        Some(if all.len() == 1 { all.remove(0) } else { Condition::All(all) })
    }

    fn negation(&mut self, depth: usize) -> Option<Condition> {
        if depth > MAX_CONDITION_DEPTH {
            let at = self.tokens.first().map(|token| token.at);
            let message =
                format!("the condition is nested more than {MAX_CONDITION_DEPTH} levels deep");
            self.problem(&codes::BROKEN_CONDITION, message, "split the rule", at);
            return None;
        }
        let Some(token) = self.next() else {
            self.problem(
                &codes::BROKEN_CONDITION,
                format!("the condition ends where a {} is expected", self.names.kind.name()),
                self.names.kind.operators(),
                None,
            );
            return None;
        };
        match (token.text, self.peek()) {
            ("not", _) => Some(Condition::Not(Box::new(self.negation(depth + 1)?))),
            ("(", _) => {
                let inside = self.expression(depth + 1)?;
                if self.peek() == Some(")") {
                    self.next();
                    return Some(inside);
                }
                let message = "this parenthesis is not closed".into();
                self.problem(&codes::BROKEN_CONDITION, message, "add `)`", Some(token.at));
                None
            }
            ("1" | "any" | "all", Some("of")) => {
                self.next();
                self.quantified(token)
            }
            (number, Some("of")) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.problem(
                    &codes::COUNT_OF,
                    format!("`{number} of` is not part of Sigma"),
                    "use `1 of` or `all of`, or write the combinations out",
                    Some(token.at),
                );
                None
            }
            ("|", _) => {
                self.aggregation(Some(token.at));
                None
            }
            (")" | "and" | "or" | "of" | "them", _) => {
                let message = format!("`{}` is not expected here", token.text);
                let help = self.names.kind.operators();
                self.problem(&codes::BROKEN_CONDITION, message, help, Some(token.at));
                None
            }
            (upper @ ("AND" | "OR" | "NOT"), _) => {
                let help = format!("write `{}`", upper.to_ascii_lowercase());
                let message = format!("operators are written in lower case, `{upper}` is not one");
                self.problem(&codes::BROKEN_CONDITION, message, help, Some(token.at));
                self.instead(Some(&upper.to_ascii_lowercase()));
                None
            }
            (name, _) => self.selection(name, token.at),
        }
    }

    fn selection(&mut self, name: &str, at: (usize, usize)) -> Option<Condition> {
        let Some(idx) = self.names.by_name.get(name).copied() else {
            let near = self.names.closest(name);
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => self.names.listed(),
            };
            let message = match self.names.kind {
                NameKind::Searches => format!("the rule has no search identifier `{name}`"),
                NameKind::Rules => format!("the correlation takes in no rule `{name}`"),
            };
            self.problem(self.names.kind.unknown(), message, help, Some(at));
            self.instead(near);
            return None;
        };
        let n_parts = self.names.n_repeated_by(idx);
        self.repeat(n_parts, at).then_some(Condition::Selection(idx))
    }

    /// Counts parts that the condition repeats; returns false where the file repeats too many.
    fn repeat(&mut self, n_parts: usize, at: (usize, usize)) -> bool {
        *self.n_repeated = self.n_repeated.saturating_add(n_parts);
        let is_within = *self.n_repeated <= MAX_REPEATED_PARTS;
        if !is_within {
            let message = "the conditions of the file repeat too many searches".into();
            let help =
                "name each search identifier once, as `(a or b) and c` for `a and c or b and c`";
            self.problem(&codes::CONDITION_TOO_LARGE, message, help, Some(at));
        }
        is_within
    }

    /// What follows `1 of`, `any of` and `all of`.
    fn quantified(&mut self, quantifier: Token<'_>) -> Option<Condition> {
        let Some(pattern) = self.next() else {
            let message = format!("`{} of` ends without saying of what", quantifier.text);
            let help = "name a pattern as `selection_*`, or `them`";
            self.problem(&codes::BROKEN_CONDITION, message, help, None);
            return None;
        };
        let wanted = if pattern.text == "them" { "*" } else { pattern.text };
        let selections = self.names.selections;
        let is_again = std::mem::replace(&mut self.names.is_compared, true);
        if is_again && !self.repeat(selections.len(), pattern.at) {
            return None;
        }
        let matching = selections.iter().enumerate().filter(|(_, selection)| {
            (!selection.name.starts_with('_') || wanted.starts_with('_'))
                && glob(wanted, &selection.name)
        });
        let matching: Vec<_> = matching.map(|(idx, _)| idx).collect();
        let n_parts = matching.iter().map(|idx| self.names.n_repeated_by(*idx));
        let n_parts = n_parts.fold(0, usize::saturating_add);
        if !self.repeat(n_parts, pattern.at) {
            return None;
        }
        let mut matching: Vec<_> = matching.into_iter().map(Condition::Selection).collect();
        match (matching.len(), quantifier.text) {
            (0, _) => {
                let kind = self.names.kind;
                let message = format!("no {} matches `{}`", kind.name(), pattern.text);
                let help = self.names.listed();
                self.problem(kind.unknown(), message, help, Some(pattern.at));
                None
            }
            (1, _) => matching.pop(),
            (_, "all") => Some(Condition::All(matching)),
            (_, _) => Some(Condition::Any(matching)),
        }
    }
}

/// Returns true if a pattern with stars matches a name.
fn glob(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(first) else { return false };
    let mut pieces = rest.split('*').peekable();
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return name.ends_with(piece);
        }
        match name.split_once(piece) {
            Some((_, behind)) => name = behind,
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::Search;

    fn show(condition: &Condition, names: &[Selection]) -> String {
        let all = |parts: &[Condition]| {
            parts.iter().map(|part| show(part, names)).collect::<Vec<_>>().join(" ")
        };
        match condition {
            Condition::Selection(idx) => names[*idx].name.clone(),
            Condition::All(parts) => format!("(and {})", all(parts)),
            Condition::Any(parts) => format!("(or {})", all(parts)),
            Condition::Not(part) => format!("(not {})", show(part, names)),
        }
    }

    #[test]
    fn conditions_are_read_by_precedence_or_refused_by_code() {
        let names = ["a", "b", "c", "sel_x", "sel_y", "_hidden", "and_x", "x1z"];
        let selections = names.map(|name| Selection {
            name: name.into(),
            span: Span::default(),
            search: Search::Any(Vec::new()),
        });
        for (text, expect) in [
            ("a", "a"),
            ("a or b and c", "(or a (and b c))"),
            ("not a and b", "(and (not a) b)"),
            ("(a or b) and c", "(and (or a b) c)"),
            ("not not a", "(not (not a))"),
            ("1 of sel_*", "(or sel_x sel_y)"),
            ("all of sel_*", "(and sel_x sel_y)"),
            ("any of x*z", "x1z"),
            ("1 of _*", "_hidden"),
            ("all of them", "(and a b c sel_x sel_y and_x x1z)"),
            ("a and not 1 of sel*", "(and a (not (or sel_x sel_y)))"),
            ("and_x", "and_x"),
            ("", "S030"),
            ("a and", "S030"),
            ("a b", "S030"),
            ("(a", "S030"),
            ("a)", "S030"),
            ("a AND b", "S030"),
            ("NOT a", "S030"),
            ("1 of", "S030"),
            ("nope", "S031"),
            ("1 of nope*", "S031"),
            ("a | count() > 5", "S032"),
            ("2 of sel_*", "S033"),
        ] {
            let mut code = String::new();
            let mut names = Names::new(NameKind::Searches, &selections);
            let place = |_, _| Span::default();
            let read = parse(text, &mut names, &mut 0, &place, &mut |diagnostic, _| {
                code = diagnostic.code.id.into();
            });
            let shown = read.map_or(code, |condition| show(&condition, &selections));
            assert_eq!(shown, expect, "{text}");
        }
    }
}
