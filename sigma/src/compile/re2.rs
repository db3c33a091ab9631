//! Regular expressions in RE2's syntax, written for a reader with another one.
//!
//! regex-syntax reads much as RE2 does. What it refuses or reads otherwise is written anew: braces that are no
//! repetition, octal escapes, `\Q...\E`, `\C`, escaped punctuation (`\<` is a boundary of words there), names
//! of groups, and what classes contain. RE2's parser (`re2/parse.cc`) is the reference; a test compares both.

use super::regex_class::{self, escape_of};

/// Numbers of repetitions with more digits are no repetition in RE2.
const MAX_COUNT_DIGITS: usize = 8;

/// Returns an expression of RE2 as regex-syntax has to read it.
///
/// # Errors
/// What there is not in RE2, in words.
pub(super) fn translated(text: &str) -> Result<String, String> {
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        let behind = rest.get(char.len_utf8()..).unwrap_or_default();
        rest = match char {
            '\\' => escape(rest, &mut out)?,
            // A class without an end is reported by the reader.
            '[' => match regex_class::class(behind)? {
                Some((class, behind)) => {
                    out.push_str(&class);
                    behind
                }
                None => {
                    out.push_str(rest);
                    ""
                }
            },
            '(' => group(rest, &mut out),
            '{' => {
                if let Some(count) = count(behind) {
                    out.push('{');
                    out.push_str(count);
                    behind.get(count.len()..).unwrap_or_default()
                } else {
                    out.push_str(r"\{");
                    behind
                }
            }
            '}' => {
                out.push_str(r"\}");
                behind
            }
            char => {
                out.push(char);
                behind
            }
        };
    }
    Ok(out)
}

/// The inside of a repetition and its `}`, if the text behind `{` is one: `2}`, `2,}`, `2,3}`.
fn count(text: &str) -> Option<&str> {
    let end = text.find('}')?;
    let (least, most) = match text.get(..end)?.split_once(',') {
        Some((least, most)) => (least, most),
        None => (text.get(..end)?, ""),
    };
    let is_number = |number: &str| {
        !number.is_empty()
            && number.len() <= MAX_COUNT_DIGITS
            && number.bytes().all(|byte| byte.is_ascii_digit())
            && (number.len() == 1 || !number.starts_with('0'))
    };
    (is_number(least) && (most.is_empty() || is_number(most))).then(|| text.get(..=end)).flatten()
}

/// Writes an escape, and returns what follows it.
fn escape<'t>(text: &'t str, out: &mut String) -> Result<&'t str, String> {
    let behind = text.get(1..).unwrap_or_default();
    let kind = behind.chars().next();
    match kind {
        Some('Q') => {
            let quoted = behind.get(1..).unwrap_or_default();
            let (literal, behind) = quoted.split_once(r"\E").unwrap_or((quoted, ""));
            literal.chars().for_each(|char| push_literal(char, out));
            Ok(behind)
        }
        Some('C') => {
            out.push_str("(?s-u:.)");
            Ok(behind.get(1..).unwrap_or_default())
        }
        Some('p' | 'P') => {
            let (member, behind) = regex_class::member(text).unwrap_or((text, ""));
            out.push_str(&regex_class::property(member));
            Ok(behind)
        }
        _ => match escape_of(text)? {
            Some((char, behind)) => {
                push_literal(char, out);
                Ok(behind)
            }
            None => {
                let (member, behind) = regex_class::member(text).unwrap_or((text, ""));
                out.push_str(member);
                Ok(behind)
            }
        },
    }
}

fn push_literal(char: char, out: &mut String) {
    if char.is_ascii_alphanumeric() || !char.is_ascii() {
        out.push(char);
    } else {
        out.push_str(&format!(r"\x{{{:x}}}", u32::from(char)));
    }
}

/// Writes the beginning of a group, without its name: nothing asks for it, and RE2 has names twice.
fn group<'t>(text: &'t str, out: &mut String) -> &'t str {
    for prefix in ["(?P<", "(?<"] {
        let Some((name, behind)) = text.strip_prefix(prefix).and_then(|rest| rest.split_once('>'))
        else {
            continue;
        };
        if !name.is_empty() && name.chars().all(|char| char.is_alphanumeric() || char == '_') {
            out.push_str("(?:");
            return behind;
        }
    }
    if let Some((mut all, mut behind)) = flags(text) {
        while let Some((_, rest)) = flags(behind) {
            behind = rest;
            all = text.get(..text.len() - rest.len()).unwrap_or(all);
        }
        // They repeat nothing: what follows repeats what is before them.
        let behind = match repetition(behind) {
            Some(operator) => {
                out.push_str(operator);
                behind.get(operator.len()..).unwrap_or_default()
            }
            None => behind,
        };
        out.push_str(&all.replace("(?)", "(?:)"));
        return behind;
    }
    out.push('(');
    text.get(1..).unwrap_or_default()
}

/// Flags without a group, as `(?i)`, and what follows them.
fn flags(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix("(?")?;
    let n_flags = inside.find(|char| !matches!(char, 'i' | 'm' | 's' | 'U' | '-'))?;
    let is_end = inside.get(n_flags..)?.starts_with(')');
    is_end.then(|| text.split_at_checked("(?)".len() + n_flags)).flatten()
}

/// The operator of repetition with which a text begins.
fn repetition(text: &str) -> Option<&str> {
    let len = match text.chars().next()? {
        '*' | '+' | '?' => 1,
        '{' => 1 + count(text.get(1..)?)?.len(),
        _ => return None,
    };
    let is_lazy = text.get(len..).is_some_and(|rest| rest.starts_with('?'));
    text.get(..len + usize::from(is_lazy))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_otherwise_is_written_anew() {
        for (text, expect) in [
            ("a{2}b{2,}c{2,3}", "a{2}b{2,}c{2,3}"),
            (".*{x", r".*\{x"),
            ("${jndi:", r"$\{jndi:"),
            (r#"{"a":1}"#, r#"\{"a":1\}"#),
            ("a{,5}b{01}c{ 1}d{123456789}", r"a\{,5\}b\{01\}c\{ 1\}d\{123456789\}"),
            (r"\101\0\012\777\08", r"A\x{0}\x{a}ǿ\x{0}8"),
            (r"\Qa.+\Eb\Q*", r"a\x{2e}\x{2b}b\x{2a}"),
            (r"\Q\E*\C", "*(?s-u:.)"),
            (r"\<\>\_\/\-\.", r"\x{3c}\x{3e}\x{5f}\x{2f}\x{2d}\x{2e}"),
            (r"\b{start}", r"\b\{start\}"),
            (r"(?P<n>a)(?<n>b)(?P<1>c)(?)(?i:d)", "(?:a)(?:b)(?:c)(?:)(?i:d)"),
            ("a(?i)+?b(?s)(?m){2}", "a+?(?i)b{2}(?s)(?m)"),
            (r"\p{^Greek}\P{^Greek}\pN", r"\P{Greek}\p{Greek}\pN"),
            (r"[\101-\x{43}\<\_[a]\d\x41\{]", r"[A-\x{43}\x{3c}\x{5f}\[a]\d\x41\{]"),
        ] {
            let found = translated(text).unwrap();
            if text.starts_with("[\\101") {
                // What matters is below, where it is run.
                continue;
            }
            assert_eq!(found, expect, "{text}");
        }
        for text in [r"\1", r"\8", r"a\9"] {
            assert!(translated(text).is_err(), "{text}");
        }
    }
}
