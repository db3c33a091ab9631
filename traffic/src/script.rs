//! Calls in JavaScript and Python, with the literals in their arguments: as much of both languages as a
//! request that was copied needs.

use std::collections::BTreeMap;

use crate::expansion::{Expansion, VALUE_BYTES};

/// Deepest literals within literals; a deeper one is not read.
const MAX_DEPTH: usize = 16;

/// How often a script is read again where the value of a name is none that is read: so many times its length, and
/// so many bytes besides.
const MAX_READ_AGAIN: usize = 32;
const MIN_READ_AGAIN_BYTES: usize = 1 << 20;

/// A value in a script.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// A text.
    Text(String),
    /// A number, `true`, `None` and the like, as it is written.
    Word(String),
    /// An object or a dictionary.
    Map(Vec<(String, Value)>),
    /// A list or a tuple.
    List(Vec<Value>),
    /// A call, by the name of what is called.
    Call(String, Vec<Argument>),
    /// Anything else.
    Unread,
}

/// An argument of a call, with its name if it has one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Argument {
    pub name: Option<String>,
    pub value: Value,
}

impl Value {
    /// Returns the text of a text, a number or a truth value.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Value::Text(text) | Value::Word(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the value of a key, whatever its case.
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        let Value::Map(entries) = self else { return None };
        entries.iter().rfind(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value)
    }

    /// Returns what a copy of the value takes of an [`Expansion`].
    fn n_bytes(&self) -> usize {
        let inside = match self {
            Value::Text(text) | Value::Word(text) => text.len(),
            Value::Map(entries) => entries.iter().map(|(key, it)| key.len() + it.n_bytes()).sum(),
            Value::List(values) => values.iter().map(Value::n_bytes).sum(),
            Value::Call(name, arguments) => {
                name.len() + arguments.iter().map(|it| it.value.n_bytes()).sum::<usize>()
            }
            Value::Unread => 0,
        };
        VALUE_BYTES + inside
    }
}

/// Finds the calls of a script, in their order, and looks into the arguments of those that `is_wanted` refuses.
/// Names that a literal was assigned to are replaced by it, as far as the text may expand.
pub(crate) fn calls(
    text: &str,
    expansion: &Expansion,
    is_wanted: impl Fn(&str) -> bool,
) -> Vec<(String, Vec<Argument>)> {
    let mut scanner = Scanner { text, at: 0, names: BTreeMap::new(), expansion };
    let mut found = Vec::new();
    let mut n_again = text.len().saturating_mul(MAX_READ_AGAIN) + MIN_READ_AGAIN_BYTES;
    while let Some(char) = scanner.peek().filter(|_| !expansion.is_refused()) {
        if matches!(char, '"' | '\'' | '`') {
            scanner.string(false);
        } else if scanner.comment() {
        } else if char.is_alphabetic() || char == '_' || char == '$' {
            // What is called on the result of another call has a dot in front.
            let is_chained = text.get(..scanner.at).is_some_and(|before| before.ends_with('.'));
            let name = scanner.name();
            let name = if is_chained { format!(".{name}") } else { name };
            if matches!(scanner.peek(), Some('"' | '\'')) {
                // The prefix of a text in Python.
                continue;
            }
            scanner.blank();
            if scanner.peek() == Some('(') && is_wanted(&name) {
                scanner.next();
                let arguments = scanner.arguments(')', 1);
                found.push((name, arguments));
            } else if scanner.peek() == Some('=') {
                scanner.next();
                scanner.blank();
                let start = scanner.at;
                let begins_literal = matches!(
                    scanner.peek(),
                    Some('"' | '\'' | '`' | '{' | '[' | 'r' | 'f' | 'b' | 'u')
                );
                if begins_literal && n_again > 0 {
                    let value = scanner.value(0);
                    match value {
                        Value::Text(_) | Value::Map(_) | Value::List(_) => {
                            scanner.names.insert(name, value);
                        }
                        _ => {
                            n_again = n_again.saturating_sub(scanner.at - start);
                            scanner.at = start;
                        }
                    }
                }
            }
        } else {
            scanner.next();
        }
    }
    found
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
    names: BTreeMap<String, Value>,
    expansion: &'t Expansion,
}

impl Scanner<'_> {
    /// Returns the value of a name, if the text may expand to it.
    fn known(&self, name: &str) -> Option<&Value> {
        let value = self.names.get(name)?;
        let may_expand = !self.expansion.is_refused() && self.expansion.takes(value.n_bytes());
        may_expand.then_some(value)
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let char = self.peek()?;
        self.at += char.len_utf8();
        Some(char)
    }

    fn take(&mut self, wanted: &str) -> bool {
        let is_next = self.rest().starts_with(wanted);
        self.at += if is_next { wanted.len() } else { 0 };
        is_next
    }

    /// Passes a comment, if one begins here.
    fn comment(&mut self) -> bool {
        let rest = self.rest();
        let end = if rest.starts_with("//") || rest.starts_with('#') {
            rest.find('\n')
        } else if rest.starts_with("/*") {
            rest.find("*/").map(|end| end + 2)
        } else {
            return false;
        };
        self.at += end.unwrap_or(rest.len());
        true
    }

    fn blank(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) || self.comment() {
            if self.peek().is_some_and(char::is_whitespace) {
                self.next();
            }
        }
    }

    /// Reads a name with its dots.
    fn name(&mut self) -> String {
        let is_name = |char: char| char.is_alphanumeric() || "_.$".contains(char);
        let mut name = String::new();
        while let Some(char) = self.peek().filter(|char| is_name(*char)) {
            name.push(char);
            self.next();
        }
        name
    }

    /// Reads a text in quotes; with `is_raw` a backslash is one.
    fn string(&mut self, is_raw: bool) -> String {
        let Some(quote) = self.next() else { return String::new() };
        let triple = String::from(quote).repeat(3);
        let two = triple.get(1..).unwrap_or_default();
        let is_triple = quote != '`' && self.rest().starts_with(two);
        if is_triple {
            self.at += 2;
        }
        let mut text = String::new();
        while let Some(char) = self.next() {
            if char == quote && !is_triple {
                break;
            }
            if char == quote
                && self.text.get(self.at - 1..).is_some_and(|rest| rest.starts_with(&triple))
            {
                self.at += 2;
                break;
            }
            if char != '\\' || is_raw {
                text.push(char);
                continue;
            }
            let Some(char) = self.next() else { break };
            match char {
                'n' => text.push('\n'),
                't' => text.push('\t'),
                'r' => text.push('\r'),
                'b' => text.push('\u{8}'),
                'f' => text.push('\u{c}'),
                'v' => text.push('\u{b}'),
                '\n' => {}
                'x' => text.push(self.code(2)),
                'u' if self.take("{") => {
                    let char = self.code(6);
                    self.take("}");
                    text.push(char);
                }
                'u' => {
                    let high = self.number(4);
                    // A character beyond the first plane is two.
                    let low = (0xd800..0xdc00).contains(&high) && self.take("\\u");
                    let units = if low { vec![high, self.number(4)] } else { vec![high] };
                    let units: Vec<_> =
                        units.iter().filter_map(|unit| u16::try_from(*unit).ok()).collect();
                    text.push_str(&String::from_utf16_lossy(&units));
                }
                char => text.push(char),
            }
        }
        text
    }

    /// Returns a text with the names in it that a text was assigned to: `${name}` in JavaScript, `{name}` in
    /// Python.
    fn interpolated(&self, text: String) -> String {
        if !text.contains('{') {
            return text;
        }
        let mut found = String::new();
        let mut rest = text.as_str();
        while let Some((before, behind)) = rest.split_once('{') {
            // No name has a bracket.
            let end = behind.find(['{', '}']).unwrap_or(behind.len());
            let name = behind.get(..end).unwrap_or_default();
            let is_text = matches!(self.names.get(name.trim()), Some(Value::Text(_)));
            let value = if is_text { self.known(name.trim()) } else { None };
            match value {
                Some(Value::Text(value)) => {
                    found.push_str(before.strip_suffix('$').unwrap_or(before));
                    found.push_str(value);
                    rest = behind.get(name.len() + 1..).unwrap_or_default();
                }
                _ => {
                    found.push_str(before);
                    found.push('{');
                    rest = behind;
                }
            }
        }
        found + rest
    }

    fn number(&mut self, most: usize) -> u32 {
        let mut number = 0;
        for _ in 0..most {
            let Some(digit) = self.peek().and_then(|char| char.to_digit(16)) else { break };
            self.next();
            number = number * 16 + digit;
        }
        number
    }

    fn code(&mut self, most: usize) -> char {
        char::from_u32(self.number(most)).unwrap_or(char::REPLACEMENT_CHARACTER)
    }

    /// Reads arguments or the elements of a list, up to the closing bracket.
    fn arguments(&mut self, end: char, depth: usize) -> Vec<Argument> {
        let mut arguments = Vec::new();
        loop {
            self.blank();
            match self.peek() {
                None => return arguments,
                Some(char) if char == end => {
                    self.next();
                    return arguments;
                }
                Some(',' | ')' | ']' | '}' | ';' | ':') => {
                    self.next();
                    continue;
                }
                Some(_) => {}
            }
            let start = self.at;
            let name = self.name();
            self.blank();
            let is_named =
                !name.is_empty() && self.peek() == Some('=') && !self.rest().starts_with("==");
            let name = if is_named {
                self.next();
                Some(name)
            } else {
                self.at = start;
                None
            };
            let value = self.value(depth);
            arguments.push(Argument { name, value });
        }
    }

    fn map(&mut self, depth: usize) -> Vec<(String, Value)> {
        let mut entries = Vec::new();
        loop {
            self.blank();
            match self.peek() {
                None => return entries,
                Some('}') => {
                    self.next();
                    return entries;
                }
                Some('"' | '\'' | '`') => {
                    let key = self.string(false);
                    self.entry(key, depth, &mut entries);
                }
                Some(char) if char.is_alphanumeric() || "_$".contains(char) => {
                    let key = self.name();
                    self.entry(key, depth, &mut entries);
                }
                Some(_) => {
                    self.next();
                }
            }
        }
    }

    fn entry(&mut self, key: String, depth: usize, entries: &mut Vec<(String, Value)>) {
        self.blank();
        if self.take(":") {
            let value = self.value(depth);
            entries.push((key, value));
        } else {
            // `{url}` in JavaScript.
            let value = self.known(&key).cloned().unwrap_or(Value::Unread);
            entries.push((key, value));
        }
    }

    /// Reads an expression up to what ends it: a comma, a closing bracket, a semicolon.
    fn value(&mut self, depth: usize) -> Value {
        if depth >= MAX_DEPTH {
            self.pass();
            return Value::Unread;
        }
        let mut value: Option<Value> = None;
        let mut is_joined = false;
        loop {
            let line_before = self.at;
            self.blank();
            let has_line_break =
                self.text.get(line_before..self.at).is_some_and(|blank| blank.contains('\n'));
            let Some(char) = self.peek() else { break };
            let next = match char {
                ',' | ')' | ']' | '}' | ';' | ':' => break,
                // A statement ends with its line, unless brackets are open.
                _ if has_line_break
                    && depth == 0
                    && value.is_some()
                    && !is_joined
                    && !matches!(char, '.' | '+') =>
                {
                    break;
                }
                '"' | '\'' | '`' => {
                    let text = self.string(false);
                    Value::Text(self.interpolated(text))
                }
                '{' => {
                    self.next();
                    Value::Map(self.map(depth + 1))
                }
                '[' | '(' => {
                    self.next();
                    let end = if char == '[' { ']' } else { ')' };
                    let elements = self.arguments(end, depth + 1);
                    let mut elements: Vec<_> =
                        elements.into_iter().map(|element| element.value).collect();
                    // Brackets around one value are none.
                    match (char, elements.len()) {
                        ('(', 1) => elements.pop().unwrap_or(Value::Unread),
                        _ => Value::List(elements),
                    }
                }
                '+' => {
                    self.next();
                    is_joined = true;
                    continue;
                }
                char if char.is_alphanumeric() || "_$".contains(char) => {
                    let name = self.name();
                    let is_prefix =
                        name.len() <= 2 && name.bytes().all(|byte| b"rbfuRBFU".contains(&byte));
                    if is_prefix && matches!(self.peek(), Some('"' | '\'')) {
                        let text = self.string(name.contains(['r', 'R']));
                        Value::Text(self.interpolated(text))
                    } else if matches!(name.as_str(), "new" | "await" | "return") {
                        continue;
                    } else if self.peek() == Some('(') {
                        self.next();
                        Value::Call(name, self.arguments(')', depth + 1))
                    } else if let Some(known) = self.known(&name) {
                        known.clone()
                    } else if name.parse::<f64>().is_ok()
                        // The options of PHP's curl.
                        || name.starts_with("CURLOPT_")
                        || matches!(
                            name.as_str(),
                            "true" | "false" | "null" | "None" | "True" | "False" | "undefined"
                        )
                    {
                        Value::Word(name)
                    } else {
                        Value::Unread
                    }
                }
                _ => {
                    self.next();
                    Value::Unread
                }
            };
            is_joined = false;
            value = Some(match (value, next) {
                (None, next) => next,
                // Texts beside one another are one, also with `+` between them.
                (Some(Value::Text(before)), Value::Text(next)) => Value::Text(before + &next),
                _ => Value::Unread,
            });
        }
        value.unwrap_or(Value::Unread)
    }

    /// Passes an expression that is not read.
    fn pass(&mut self) {
        let mut n_open = 0_usize;
        while let Some(char) = self.peek() {
            match char {
                '"' | '\'' | '`' => {
                    self.string(false);
                    continue;
                }
                '(' | '[' | '{' => n_open += 1,
                ')' | ']' | '}' if n_open == 0 => return,
                ')' | ']' | '}' => n_open -= 1,
                ',' | ';' if n_open == 0 => return,
                _ => {}
            }
            self.next();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_found_with_their_literals() {
        let text = |text: &str| Value::Text(text.to_owned());
        for (script, expect) in [
            ("fetch('a')", vec![vec![(None, text("a"))]]),
            (
                "x(fetch(\"a\" + \n'b', 1)); fetch()",
                vec![vec![(None, text("ab")), (None, Value::Word("1".into()))], vec![]],
            ),
            (
                "u = 'a'\nfetch(u, k=r'\\n')",
                vec![vec![(None, text("a")), (Some("k"), text("\\n"))]],
            ),
            (
                "'fetch(1)' # fetch(2)\n// fetch(3)\nfetch(\"\\u0041\\ud83d\\ude00\")",
                vec![vec![(None, text("A😀"))]],
            ),
            (
                "fetch({\"a\": [1, x], b: g(2)})",
                vec![vec![(
                    None,
                    Value::Map(vec![
                        ("a".into(), Value::List(vec![Value::Word("1".into()), Value::Unread])),
                        (
                            "b".into(),
                            Value::Call(
                                "g".into(),
                                vec![Argument { name: None, value: Value::Word("2".into()) }],
                            ),
                        ),
                    ]),
                )]],
            ),
            ("fetch('''a'b''', \"\")", vec![vec![(None, text("a'b")), (None, text(""))]]),
            ("fetch('a' + b)", vec![vec![(None, Value::Unread)]]),
        ] {
            let found = calls(script, &Expansion::default(), |name| name == "fetch");
            let found: Vec<Vec<_>> = found
                .into_iter()
                .map(|(_, arguments)| arguments.into_iter().map(|of| (of.name, of.value)).collect())
                .collect();
            let expect: Vec<Vec<_>> = expect
                .into_iter()
                .map(|of| {
                    of.into_iter().map(|(name, value)| (name.map(str::to_owned), value)).collect()
                })
                .collect();
            assert_eq!(found, expect, "{script}");
        }
    }

    #[test]
    fn any_script_ends() {
        for script in [
            "fetch(".repeat(5000),
            "fetch([{a:(".repeat(2000),
            "fetch('".to_owned(),
            "fetch(\"\"\"".to_owned(),
            "a=".repeat(1000),
            "fetch({:}".to_owned(),
            "fetch(a: b)".to_owned(),
            "a=''*".repeat(20_000),
            "{".repeat(100_000),
        ] {
            calls(&script, &Expansion::default(), |name| name == "fetch");
        }
    }
}
