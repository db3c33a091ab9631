//! Command lines of `cmd.exe`, as browsers copy them.
//!
//! Two programs read such a line: `cmd.exe`, to which `^` makes the next character plain and which ends a
//! command at `&`, `|`, `<` and `>`; then the program's start-up code, which splits words at blanks outside of
//! quotes and reads `\"` as a quote. Browsers wrote carets within quotes too, where `cmd.exe` keeps them;
//! they are taken out before a character that browsers escape, since they are no part of the request.

use diagnostics::Lines;

use super::{SimpleCommand, UnclosedQuote, Word};

pub(super) fn commands(text: &str) -> Result<Vec<SimpleCommand>, UnclosedQuote> {
    let lines = Lines::new(text);
    let mut commands = Vec::new();
    let mut command = SimpleCommand::default();
    // The characters of the line behind `cmd.exe`, with their places; an operator is not a character.
    let mut plain: Vec<(usize, char)> = Vec::new();
    let mut chars = text.char_indices().peekable();
    let mut in_quotes = false;
    let mut is_target = false;
    loop {
        let next = chars.next();
        let operator = match next {
            None => Some('\n'),
            Some((_, char @ ('\n' | '&' | '|' | '<' | '>'))) if !in_quotes || char == '\n' => {
                Some(char)
            }
            _ => None,
        };
        if let Some(operator) = operator {
            if operator == '>'
                && plain.last().is_some_and(|(_, char)| char.is_ascii_digit())
                && plain.iter().rev().nth(1).is_none_or(|(_, char)| char.is_whitespace())
            {
                plain.pop();
            }
            let words = words(text, &lines, &std::mem::take(&mut plain))?;
            // The target of a redirection is the first word behind it.
            command.words.extend(words.into_iter().skip(usize::from(is_target)));
            is_target = matches!(operator, '<' | '>');
            if !is_target {
                in_quotes = false;
                let done = std::mem::take(&mut command);
                commands.extend(Some(done).filter(|done| !done.words.is_empty()));
            } else if chars.next_if(|(_, char)| matches!(char, '>' | '&')).is_some() {
                // `>>` and `2>&1`.
            }
            if next.is_none() {
                return Ok(commands);
            }
            continue;
        }
        let Some((at, char)) = next else { continue };
        match char {
            '^' => {
                let escaped = |char: char| !char.is_ascii_alphanumeric() && char != ' ';
                let is_escape = |char: char| !in_quotes || escaped(char);
                match chars.next_if(|(_, char)| is_escape(*char)) {
                    None => plain.push((at, '^')),
                    // The line goes on, and its first character is plain: browsers write a line break in a
                    // value as two.
                    Some((_, '\r' | '\n')) => {
                        chars.next_if(|(_, char)| *char == '\n');
                        if chars.next_if(|(_, char)| *char == '\n').is_some() {
                            plain.push((at, '\n'));
                        }
                    }
                    Some((_, '%')) => {
                        plain.push((at, '%'));
                        // Browsers write `%^2F`, lest it be a variable.
                        chars.next_if(|(_, char)| *char == '^');
                    }
                    Some((_, char)) => plain.push((at, char)),
                }
            }
            '"' => {
                in_quotes = !in_quotes;
                plain.push((at, '"'));
            }
            char => plain.push((at, char)),
        }
    }
}

/// Splits a line as the start-up code of programs for Windows does.
fn words(text: &str, lines: &Lines, line: &[(usize, char)]) -> Result<Vec<Word>, UnclosedQuote> {
    let mut words = Vec::new();
    let mut word: Option<(String, usize)> = None;
    let mut quote = None;
    let mut chars = line.iter().copied().peekable();
    let end = line.last().map_or(0, |(at, char)| at + char.len_utf8());
    let mut add = |word: &mut Option<(String, usize)>, end: usize| {
        if let Some((text_of_word, start)) = word.take() {
            let span = lines.span(text, start..end);
            words.push(Word { text: text_of_word, span, expands: false });
        }
    };
    while let Some((at, char)) = chars.next() {
        if char.is_whitespace() && quote.is_none() {
            add(&mut word, at);
            continue;
        }
        let (current, _) = word.get_or_insert_with(|| (String::new(), at));
        match char {
            '\\' => {
                let mut n_slashes = 1;
                while chars.next_if(|(_, char)| *char == '\\').is_some() {
                    n_slashes += 1;
                }
                let is_before_quote = matches!(chars.peek(), Some((_, '"')));
                let n_written = if is_before_quote { n_slashes / 2 } else { n_slashes };
                current.extend(std::iter::repeat_n('\\', n_written));
                if is_before_quote && n_slashes % 2 == 1 {
                    chars.next();
                    current.push('"');
                }
            }
            '"' if quote.is_some() => {
                if chars.next_if(|(_, char)| *char == '"').is_some() {
                    current.push('"');
                } else {
                    quote = None;
                }
            }
            '"' => quote = Some(at),
            char => current.push(char),
        }
    }
    add(&mut word, end);
    match quote {
        Some(at) => Err(UnclosedQuote(lines.point(text, at))),
        None => Ok(words),
    }
}
