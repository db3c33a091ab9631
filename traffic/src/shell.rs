//! The words of a command line, as a POSIX shell splits it, and bash's `$'...'`.
//!
//! Browsers copy a request as a curl command with `$'...'` wherever it contains an exclamation mark or a
//! control character, and no crate for shell words reads that. Variables and commands are not expanded.

use diagnostics::{Lines, Span};

/// A word and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    pub text: String,
    pub span: Span,
}

/// The place of a quote that is not closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UnclosedQuote(pub Span);

/// Splits a command line. A line break is white space; behind a backslash it is nothing.
pub(crate) fn words(text: &str) -> Result<Vec<Word>, UnclosedQuote> {
    let lines = Lines::new(text);
    let mut words = Vec::new();
    let mut word: Option<(String, usize)> = None;
    let mut chars = text.char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        if char.is_whitespace() {
            if let Some((done, start)) = word.take() {
                words.push(Word { text: done, span: lines.span(text, start..at) });
            }
            continue;
        }
        let unclosed = || UnclosedQuote(lines.point(text, at));
        if char == '\\' && matches!(chars.peek(), Some((_, '\n'))) {
            chars.next();
            continue;
        }
        let (current, _) = word.get_or_insert_with(|| (String::new(), at));
        match char {
            '\\' => current.extend(chars.next().map(|(_, char)| char)),
            '\'' => loop {
                match chars.next().ok_or_else(unclosed)?.1 {
                    '\'' => break,
                    char => current.push(char),
                }
            },
            '"' => loop {
                match chars.next().ok_or_else(unclosed)?.1 {
                    '"' => break,
                    '\\' => match chars.next().ok_or_else(unclosed)?.1 {
                        '\n' => {}
                        char @ ('"' | '\\' | '$' | '`') => current.push(char),
                        char => current.extend(['\\', char]),
                    },
                    char => current.push(char),
                }
            },
            '$' if matches!(chars.peek(), Some((_, '\''))) => {
                chars.next();
                loop {
                    match chars.next().ok_or_else(unclosed)?.1 {
                        '\'' => break,
                        '\\' => {
                            let char = chars.next().ok_or_else(unclosed)?.1;
                            let mut digits = |most, radix| digits(&mut chars, most, radix);
                            current.push(match char {
                                'n' => '\n',
                                't' => '\t',
                                'r' => '\r',
                                'a' => '\u{7}',
                                'b' => '\u{8}',
                                'e' | 'E' => '\u{1b}',
                                'f' => '\u{c}',
                                'v' => '\u{b}',
                                'x' => digits(2, 16),
                                'u' => digits(4, 16),
                                'U' => digits(8, 16),
                                char => char,
                            });
                        }
                        char => current.push(char),
                    }
                }
            }
            char => current.push(char),
        }
    }
    if let Some((done, start)) = word {
        words.push(Word { text: done, span: lines.span(text, start..text.len()) });
    }
    Ok(words)
}

/// The character with a number of at most that many digits.
fn digits(
    chars: &mut std::iter::Peekable<std::str::CharIndices<'_>>,
    most: usize,
    radix: u32,
) -> char {
    let mut number = 0;
    for _ in 0..most {
        let Some(digit) = chars.peek().and_then(|(_, char)| char.to_digit(radix)) else { break };
        chars.next();
        number = number * radix + digit;
    }
    char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines_are_split_as_a_shell_does() {
        for (text, expect) in [
            ("", &[][..]),
            ("  curl  a ", &["curl", "a"]),
            ("a'b c'd", &["ab cd"]),
            (r#""a \"b\" \c" ''"#, &[r#"a "b" \c"#, ""]),
            ("a\\ b \\\n c", &["a b", "c"]),
            (r"$'a\'b\u0021\x41\n' '$'", &["a'b!A\n", "$"]),
            ("a\nb", &["a", "b"]),
        ] {
            let found = words(text).unwrap();
            let found: Vec<_> = found.iter().map(|word| word.text.as_str()).collect();
            assert_eq!(found, expect, "{text}");
        }
    }

    #[test]
    fn open_quotes_are_told_with_their_place() {
        for (text, column) in [("a 'b", 3), ("\"b\\\"", 1), ("$'x\\", 1)] {
            assert_eq!(words(text), Err(UnclosedQuote(Span::point(1, column))), "{text}");
        }
    }
}
