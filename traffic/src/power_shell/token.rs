//! Scripts of PowerShell as tokens: words, tables, brackets and ends of statements.

use std::iter::Peekable;
use std::str::CharIndices;

use diagnostics::{Lines, Span};

/// The entries of `@{name = value}` whose values are texts.
pub(super) type Table = Vec<(String, String)>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A word, a text in quotes or an operator.
    Word {
        text: String,
        is_quoted: bool,
        span: Span,
    },
    Table(Table),
    Open,
    Close,
    /// The end of a statement or of a part of a pipeline.
    End,
}

pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut scanner =
        Scanner { text, lines: Lines::new(text), chars: text.char_indices().peekable() };
    let mut tokens = Vec::new();
    while let Some(token) = scanner.token() {
        tokens.extend(token);
    }
    tokens
}

struct Scanner<'t> {
    text: &'t str,
    lines: Lines,
    chars: Peekable<CharIndices<'t>>,
}

impl Scanner<'_> {
    fn at(&mut self) -> usize {
        self.chars.peek().map_or(self.text.len(), |(at, _)| *at)
    }

    fn take(&mut self, wanted: &str) -> bool {
        let at = self.at();
        let is_next = self.text.get(at..).is_some_and(|rest| rest.starts_with(wanted));
        if is_next {
            for _ in wanted.chars() {
                self.chars.next();
            }
        }
        is_next
    }

    /// Reads a token; `None` at the end, and inside where there is none to keep.
    #[expect(clippy::option_option, reason = "the end of the text, or nothing to keep")]
    fn token(&mut self) -> Option<Option<Token>> {
        let (at, char) = *self.chars.peek()?;
        let only = |scanner: &mut Self, token: Option<Token>| {
            scanner.chars.next();
            Some(token)
        };
        match char {
            '\n' | ';' | '|' => only(self, Some(Token::End)),
            '&' => only(self, None),
            '(' | '{' => only(self, Some(Token::Open)),
            ')' | '}' => only(self, Some(Token::Close)),
            ',' => only(self, None),
            char if char.is_whitespace() => only(self, None),
            '#' => {
                while self.chars.next_if(|(_, char)| *char != '\n').is_some() {}
                Some(None)
            }
            '`' if self.take("`\n") || self.take("`\r\n") => Some(None),
            '@' if self.take("@{") => Some(Some(Token::Table(self.table()))),
            '@' if self.take("@(") => Some(Some(Token::Open)),
            '@' if self.take("@\"") => Some(Some(self.here('"', at))),
            '@' if self.take("@'") => Some(Some(self.here('\'', at))),
            _ => {
                let (text, is_quoted) = self.word();
                let end = self.at();
                if text.is_empty() && !is_quoted {
                    self.chars.next();
                    return Some(None);
                }
                let span = self.lines.span(self.text, at..end);
                Some(Some(Token::Word { text, is_quoted, span }))
            }
        }
    }

    /// Reads a word, of which parts may be in quotes; true if it begins with one.
    fn word(&mut self) -> (String, bool) {
        let mut text = String::new();
        let is_quoted = matches!(self.chars.peek(), Some((_, '"' | '\'' | '“' | '‘')));
        while let Some((_, char)) = self.chars.peek().copied() {
            match char {
                char if char.is_whitespace() || ";|(){},".contains(char) => break,
                '=' if text.starts_with('$') => break,
                '=' if text.is_empty() => {
                    self.chars.next();
                    text.push('=');
                    break;
                }
                '"' | '“' | '”' => {
                    self.chars.next();
                    self.double_quoted(&mut text);
                }
                '\'' | '‘' | '’' => {
                    self.chars.next();
                    self.single_quoted(&mut text);
                }
                '`' => {
                    self.chars.next();
                    let escaped = self.chars.next().map(|(_, char)| char);
                    text.extend(escaped.map(self::escaped));
                }
                char => {
                    self.chars.next();
                    text.push(char);
                }
            }
            // What follows a text in quotes is another word, but `"a"b` is rare enough.
            if is_quoted && !matches!(self.chars.peek(), Some((_, '"' | '\''))) {
                break;
            }
        }
        (text, is_quoted)
    }

    fn double_quoted(&mut self, text: &mut String) {
        while let Some((_, char)) = self.chars.next() {
            match char {
                '"' | '“' | '”' if !self.take("\"") => return,
                '`' => text.extend(self.chars.next().map(|(_, char)| escaped(char))),
                char => text.push(char),
            }
        }
    }

    fn single_quoted(&mut self, text: &mut String) {
        while let Some((_, char)) = self.chars.next() {
            match char {
                '\'' | '‘' | '’' if !self.take("'") => return,
                char => text.push(char),
            }
        }
    }

    /// Reads a text between `@"` and `"@`, which are on lines of their own.
    fn here(&mut self, quote: char, start: usize) -> Token {
        let begin = self.at();
        let rest = self.text.get(begin..).unwrap_or_default();
        let end = rest.find(&format!("\n{quote}@")).unwrap_or(rest.len());
        let text = rest.get(..end).unwrap_or_default().trim_start_matches(['\r', '\n']).to_owned();
        let behind = (begin + end + 3).min(self.text.len());
        while self.chars.peek().is_some_and(|(at, _)| *at < behind) {
            self.chars.next();
        }
        let at = self.at();
        let span = self.lines.span(self.text, start..at);
        Token::Word { text, is_quoted: true, span }
    }

    /// Reads the entries of a table, up to its closing bracket.
    fn table(&mut self) -> Table {
        let mut table = Table::new();
        let mut name: Option<String> = None;
        let mut n_open = 0_usize;
        while let Some((_, char)) = self.chars.peek().copied() {
            match char {
                '}' if n_open == 0 => {
                    self.chars.next();
                    break;
                }
                '(' | '{' | ')' | '}' => {
                    self.chars.next();
                    n_open = if matches!(char, '(' | '{') {
                        n_open + 1
                    } else {
                        n_open.saturating_sub(1)
                    };
                }
                '\n' | ';' => {
                    self.chars.next();
                    name = None;
                }
                '=' => {
                    self.chars.next();
                }
                char if char.is_whitespace() || char == ',' => {
                    self.chars.next();
                }
                _ => {
                    let is_quoted = matches!(char, '"' | '\'');
                    let (mut text, _) = self.word();
                    if text.is_empty() && !is_quoted {
                        self.chars.next();
                        continue;
                    }
                    match name.take() {
                        None => {
                            // `name=value` without blanks is one word.
                            if !is_quoted
                                && let Some((before, behind)) = text.clone().split_once('=')
                            {
                                before.clone_into(&mut text);
                                if !behind.is_empty() {
                                    table.push((text, behind.to_owned()));
                                    continue;
                                }
                            }
                            name = Some(text);
                        }
                        Some(name) => table.push((name, text)),
                    }
                }
            }
        }
        table
    }
}

fn escaped(char: char) -> char {
    match char {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        '0' => '\0',
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'v' => '\u{b}',
        char => char,
    }
}
