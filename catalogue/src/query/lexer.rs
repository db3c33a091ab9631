//! Words of EQL, ES|QL and Splunk's eval: strings, numbers, names, operators; comments left out.

use super::QueryError;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A name, with its dots: `process.name`; `quoted` where it stood in backticks or single quotes.
    Name { text: String, quoted: bool },
    /// A string, unescaped.
    Text(String),
    /// A number or duration, as written.
    Number(String),
    /// An operator or bracket.
    Sign(&'static str),
}

/// How the three languages differ in their words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Elastic's event query language.
    Eql,
    /// Elastic's piped language.
    Esql,
    /// The expressions of Splunk's `where` and `eval`.
    Eval,
}

/// The longest first, as the first that fits is taken.
const SIGNS: &[&str] = &[
    "==", "!=", "<>", "<=", ">=", "::", "=~", "&&", "||", "(", ")", "[", "]", "{", "}", ",", "<",
    ">", "=", ":", "+", "-", "*", "/", "%", "|", "!", "?", "~", ".", ";",
];

/// Splits a text into words with their byte offsets.
pub(super) fn tokens(text: &str, dialect: Dialect) -> Result<Vec<(usize, Token)>, QueryError> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let first = rest.chars().next().unwrap_or_default();
        let (length, token) = if first.is_whitespace() {
            (first.len_utf8(), None)
        } else if rest.starts_with("//") && dialect != Dialect::Eval {
            (rest.find('\n').unwrap_or(rest.len()), None)
        } else if rest.starts_with("/*") && dialect != Dialect::Eval {
            (rest.find("*/").map_or(rest.len(), |end| end + 2), None)
        } else if let Some(raw) = rest.strip_prefix("\"\"\"") {
            let end = raw.find("\"\"\"").ok_or_else(|| unclosed(at))?;
            // Quotes directly before the closing ones belong to the text.
            let extra = raw
                .get(end + 3..)
                .unwrap_or_default()
                .bytes()
                .take_while(|byte| *byte == b'"')
                .count();
            (
                end + extra + 6,
                Some(Token::Text(raw.get(..end + extra).unwrap_or_default().to_owned())),
            )
        } else if first == '"' {
            let (length, value) = quoted(rest, '"', true).ok_or_else(|| unclosed(at))?;
            (length, Some(Token::Text(value)))
        } else if first == '\'' {
            let (length, value) = quoted(rest, '\'', true).ok_or_else(|| unclosed(at))?;
            let token = match dialect {
                Dialect::Eval => Token::Name { text: value, quoted: true },
                Dialect::Eql | Dialect::Esql => Token::Text(value),
            };
            (length, Some(token))
        } else if first == '`' && dialect == Dialect::Eval {
            let (length, value) = quoted(rest, '`', false).ok_or_else(|| unclosed(at))?;
            (length, Some(Token::Name { text: format!("`{value}`"), quoted: true }))
        } else if first.is_ascii_digit()
            || first == '.'
                && rest.get(1..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        {
            let length = rest
                .find(|c: char| !c.is_alphanumeric() && c != '.' && c != '_')
                .unwrap_or(rest.len());
            (length, Some(Token::Number(rest.get(..length).unwrap_or_default().to_owned())))
        } else if starts_name(first) || first == '`' {
            let (length, text, quoted) = name(rest, dialect).ok_or_else(|| unclosed(at))?;
            (length, Some(Token::Name { text, quoted }))
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            (sign.len(), Some(Token::Sign(sign)))
        } else {
            return Err(QueryError { message: format!("`{first}` is not expected"), offset: at });
        };
        if let Some(token) = token {
            found.push((at, token));
        }
        at += length;
    }
    Ok(found)
}

fn unclosed(offset: usize) -> QueryError {
    QueryError { message: "a string is not closed".into(), offset }
}

fn starts_name(character: char) -> bool {
    character.is_alphabetic() || matches!(character, '_' | '@' | '$')
}

/// A name with dots, parts of which may be in backticks, and `{}` as Splunk writes lists.
fn name(rest: &str, dialect: Dialect) -> Option<(usize, String, bool)> {
    let (mut at, mut text, mut any_quoted) = (0, String::new(), false);
    while let Some(character) = rest.get(at..).and_then(|rest| rest.chars().next()) {
        if character == '`' && dialect != Dialect::Eval {
            let (length, part) = quoted(rest.get(at..)?, '`', false)?;
            text.push_str(&part);
            at += length;
            any_quoted = true;
            continue;
        }
        let list = dialect == Dialect::Eval && matches!(character, '{' | '}');
        let dot = character == '.'
            && rest.get(at + 1..).and_then(|rest| rest.chars().next()).is_some_and(|next| {
                starts_name(next) || next == '`' || next == '*' || next.is_ascii_digit()
            });
        let star = character == '*' && text.ends_with('.');
        if !(starts_name(character) || character.is_numeric() || list || dot || star) {
            break;
        }
        text.push(character);
        at += character.len_utf8();
    }
    Some((at, text, any_quoted))
}

/// A quoted text from its opening quote: its length, and what it says.
pub(super) fn quoted(rest: &str, quote: char, escapes: bool) -> Option<(usize, String)> {
    let mut value = String::new();
    let mut characters = rest.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        if character == quote {
            return Some((at + quote.len_utf8(), value));
        }
        if character != '\\' || !escapes {
            value.push(character);
            continue;
        }
        match characters.next()?.1 {
            'n' => value.push('\n'),
            't' => value.push('\t'),
            'r' => value.push('\r'),
            same if same == quote || same == '\\' => value.push(same),
            other => {
                value.push('\\');
                value.push(other);
            }
        }
    }
    None
}
