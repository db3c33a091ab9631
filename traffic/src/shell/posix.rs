//! Command lines of `sh` and `bash`.

use std::iter::Peekable;
use std::str::CharIndices;

use diagnostics::{Lines, Span};

use super::{SimpleCommand, UnclosedQuote, Word};

/// Deepest commands within commands; a deeper one is text.
const MAX_DEPTH: usize = 16;

pub(super) fn commands(text: &str) -> Result<Vec<SimpleCommand>, UnclosedQuote> {
    let mut parser = Parser {
        text,
        lines: Lines::new(text),
        chars: text.char_indices().peekable(),
        commands: Vec::new(),
        heredocs: Vec::new(),
    };
    while parser.chars.peek().is_some() {
        // A bracket that closes nothing ends a command too.
        parser.list(None, 0)?;
    }
    Ok(parser.commands)
}

struct Parser<'t> {
    text: &'t str,
    lines: Lines,
    chars: Peekable<CharIndices<'t>>,
    commands: Vec<SimpleCommand>,
    /// The last lines of documents that begin on the next line.
    heredocs: Vec<String>,
}

/// A word as far as it is read.
#[derive(Default)]
struct OpenWord {
    text: String,
    start: usize,
    expands: bool,
    is_quoted: bool,
}

impl Parser<'_> {
    /// Reads commands up to a closing character, which is read too.
    fn list(&mut self, until: Option<char>, depth: usize) -> Result<(), UnclosedQuote> {
        let mut command = SimpleCommand::default();
        let mut word: Option<OpenWord> = None;
        // The next word is the target of a redirection.
        let mut redirects = false;
        while let Some((at, char)) = self.chars.next() {
            if Some(char) == until {
                break;
            }
            let ends_word = char.is_whitespace() || ";|&()<>".contains(char);
            if ends_word {
                let is_number = |open: &OpenWord| {
                    open.text.bytes().all(|byte| byte.is_ascii_digit()) && !open.is_quoted
                };
                if "<>".contains(char) && word.as_ref().is_some_and(is_number) {
                    // The number of a file, as in `2>`.
                    word = None;
                }
                let substitutes =
                    "<>".contains(char) && matches!(self.chars.peek(), Some((_, '(')));
                if substitutes && word.is_none() && depth < MAX_DEPTH {
                    self.chars.next();
                    self.list(Some(')'), depth + 1)?;
                    let end = self.at();
                    let text = self.text.get(at..end).unwrap_or_default().to_owned();
                    word = Some(OpenWord { text, start: at, expands: true, is_quoted: true });
                    continue;
                }
                self.end_word(&mut word, &mut redirects, &mut command, at);
            }
            match char {
                '\n' => {
                    self.end_command(&mut command);
                    self.heredocs();
                }
                char if char.is_whitespace() => {}
                '&' if matches!(self.chars.peek(), Some((_, '>'))) => {
                    self.chars.next();
                    self.redirection();
                    redirects = true;
                }
                '&' => {
                    let is_apart =
                        |byte: Option<u8>| byte.is_none_or(|byte| !byte.is_ascii_graphic());
                    let byte = |at: Option<usize>| self.text.as_bytes().get(at?).copied();
                    let behind = byte(at.checked_add(1));
                    if !is_apart(byte(at.checked_sub(1)))
                        && !is_apart(behind)
                        && behind != Some(b'&')
                    {
                        command.cut = Some(self.lines.point(self.text, at));
                    }
                    self.end_command(&mut command);
                }
                ';' | '|' | ')' => self.end_command(&mut command),
                '(' => {
                    self.end_command(&mut command);
                    if depth < MAX_DEPTH {
                        self.list(Some(')'), depth + 1)?;
                    }
                }
                '<' | '>' => {
                    redirects = true;
                    if char == '<' && self.take("<<") {
                        // A line as standard input.
                    } else if char == '<' && self.take("<") {
                        self.take("-");
                        let delimiter = self.delimiter();
                        self.heredocs.push(delimiter);
                        redirects = false;
                    } else {
                        self.redirection();
                    }
                }
                '#' if word.is_none() => {
                    while self.chars.peek().is_some_and(|(_, char)| *char != '\n') {
                        self.chars.next();
                    }
                }
                '\\' if self.take("\n") || self.take("\r\n") => {}
                char => {
                    let open =
                        word.get_or_insert_with(|| OpenWord { start: at, ..OpenWord::default() });
                    self.part(at, char, open, depth)?;
                }
            }
        }
        let end = self.at();
        let end = if until.is_some() { end.saturating_sub(1) } else { end };
        self.end_word(&mut word, &mut redirects, &mut command, end);
        self.end_command(&mut command);
        Ok(())
    }

    /// The offset of the next character.
    fn at(&mut self) -> usize {
        self.chars.peek().map_or(self.text.len(), |(at, _)| *at)
    }

    fn span(&self, start: usize, end: usize) -> Span {
        self.lines.span(self.text, start..end)
    }

    /// Reads a text if it is next.
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

    /// Reads what may follow `<` or `>` before its target.
    fn redirection(&mut self) {
        while self.chars.peek().is_some_and(|(_, char)| matches!(char, '>' | '&' | '|')) {
            self.chars.next();
        }
    }

    /// Reads the word that ends a document.
    fn delimiter(&mut self) -> String {
        while self.chars.peek().is_some_and(|(_, char)| matches!(char, ' ' | '\t')) {
            self.chars.next();
        }
        let mut word = String::new();
        while let Some((_, char)) = self.chars.next_if(|(_, char)| !char.is_whitespace()) {
            if !matches!(char, '\'' | '"' | '\\') {
                word.push(char);
            }
        }
        word
    }

    /// Passes the documents that begin here.
    fn heredocs(&mut self) {
        for delimiter in std::mem::take(&mut self.heredocs) {
            loop {
                let mut line = String::new();
                let mut is_end = true;
                for (_, char) in self.chars.by_ref() {
                    if char == '\n' {
                        is_end = false;
                        break;
                    }
                    line.push(char);
                }
                if is_end || line.trim() == delimiter {
                    break;
                }
            }
        }
    }

    fn end_word(
        &mut self,
        word: &mut Option<OpenWord>,
        redirects: &mut bool,
        command: &mut SimpleCommand,
        end: usize,
    ) {
        let Some(done) = word.take() else { return };
        if std::mem::take(redirects) {
            return;
        }
        let span = self.span(done.start, end);
        command.words.push(Word { text: done.text, span, expands: done.expands });
    }

    fn end_command(&mut self, command: &mut SimpleCommand) {
        let done = std::mem::take(command);
        if !done.words.is_empty() {
            self.commands.push(done);
        }
    }

    /// Reads a part of a word.
    fn part(
        &mut self,
        at: usize,
        char: char,
        word: &mut OpenWord,
        depth: usize,
    ) -> Result<(), UnclosedQuote> {
        match char {
            '\\' => word.text.extend(self.chars.next().map(|(_, char)| char)),
            '\'' => {
                word.is_quoted = true;
                loop {
                    match self.quoted(at)? {
                        '\'' => break,
                        char => word.text.push(char),
                    }
                }
            }
            '"' => self.double_quoted(at, word, depth)?,
            '$' if self.take("'") => {
                word.is_quoted = true;
                self.ansi(at, word)?;
            }
            '$' if matches!(self.chars.peek(), Some((_, '"'))) => {}
            '$' | '`' => self.expansion(at, char, word, depth)?,
            char => word.text.push(char),
        }
        Ok(())
    }

    /// Reads a character of a quoted text.
    fn quoted(&mut self, start: usize) -> Result<char, UnclosedQuote> {
        let next = self.chars.next();
        next.map(|(_, char)| char).ok_or_else(|| UnclosedQuote(self.lines.point(self.text, start)))
    }

    fn double_quoted(
        &mut self,
        start: usize,
        word: &mut OpenWord,
        depth: usize,
    ) -> Result<(), UnclosedQuote> {
        word.is_quoted = true;
        loop {
            let at = self.at();
            match self.quoted(start)? {
                '"' => return Ok(()),
                '\\' => match self.quoted(start)? {
                    '\n' => {}
                    char @ ('"' | '\\' | '$' | '`') => word.text.push(char),
                    char => word.text.extend(['\\', char]),
                },
                char @ ('$' | '`') => self.expansion(at, char, word, depth)?,
                char => word.text.push(char),
            }
        }
    }

    /// Reads a variable or a command within a word, which stays as it is written.
    fn expansion(
        &mut self,
        at: usize,
        char: char,
        word: &mut OpenWord,
        depth: usize,
    ) -> Result<(), UnclosedQuote> {
        let is_name = |char: char| char.is_ascii_alphanumeric() || "_@*?!".contains(char);
        if char == '`' || self.take("(") {
            let until = if char == '`' { '`' } else { ')' };
            word.expands = true;
            if char == '$' && self.take("(") {
                // Arithmetic has no commands.
                while self.at() < self.text.len() && !self.take("))") {
                    self.chars.next();
                }
            } else if depth < MAX_DEPTH {
                self.list(Some(until), depth + 1)?;
            }
        } else if self.take("{") {
            word.expands = true;
            while self.chars.next().is_some_and(|(_, char)| char != '}') {}
        } else if self.chars.peek().is_some_and(|(_, char)| is_name(*char)) {
            word.expands = true;
            while self.chars.next_if(|(_, char)| is_name(*char)).is_some() {}
        }
        let end = self.at();
        word.text.push_str(self.text.get(at..end).unwrap_or_default());
        Ok(())
    }

    /// Reads bash's `$'...'`. Browsers copy a request with it wherever it contains an exclamation mark, a
    /// quote or a control character.
    fn ansi(&mut self, start: usize, word: &mut OpenWord) -> Result<(), UnclosedQuote> {
        // Several escapes may make one character.
        let mut bytes = Vec::new();
        loop {
            match self.quoted(start)? {
                '\'' => break,
                '\\' => {
                    let char = self.quoted(start)?;
                    let byte = match char {
                        'n' => b'\n',
                        't' => b'\t',
                        'r' => b'\r',
                        'a' => 7,
                        'b' => 8,
                        'e' | 'E' => 0x1b,
                        'f' => 0xc,
                        'v' => 0xb,
                        'x' => u8::try_from(self.digits(2, 16)).unwrap_or_default(),
                        '0'..='7' => {
                            let first = char.to_digit(8).unwrap_or_default();
                            let rest = self.chars.clone();
                            let more =
                                rest.take(2).take_while(|(_, char)| char.is_digit(8)).count();
                            let number = (0..more).fold(first, |number, _| {
                                let digit =
                                    self.chars.next().and_then(|(_, char)| char.to_digit(8));
                                number * 8 + digit.unwrap_or_default()
                            });
                            u8::try_from(number & 0xff).unwrap_or_default()
                        }
                        'u' | 'U' => {
                            let number = self.digits(if char == 'u' { 4 } else { 8 }, 16);
                            let char =
                                char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER);
                            bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
                            continue;
                        }
                        char => {
                            if !matches!(char, '\\' | '\'' | '"' | '?') {
                                bytes.push(b'\\');
                            }
                            bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
                            continue;
                        }
                    };
                    bytes.push(byte);
                }
                char => bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        word.text.push_str(&String::from_utf8_lossy(&bytes));
        Ok(())
    }

    /// Reads a number of at most so many digits.
    fn digits(&mut self, most: usize, radix: u32) -> u32 {
        let mut number = 0_u32;
        for _ in 0..most {
            let Some(digit) = self.chars.peek().and_then(|(_, char)| char.to_digit(radix)) else {
                break;
            };
            self.chars.next();
            number = number.wrapping_mul(radix).wrapping_add(digit);
        }
        number
    }
}
