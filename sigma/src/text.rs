//! Sigma's strings: wildcards, escapes, and what modifiers turn them into.
//!
//! `*` matches any characters, `?` one. A backslash before `*`, `?` or a backslash makes it
//! plain; before anything else it is a backslash (specification 2.1, "Escaping"; checked against pySigma).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use inspect::fold;

use crate::rule::Token;

/// The tokens of a value as written in a rule.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text.chars().peekable();
    let mut buffer = [0; 4];
    while let Some(character) = rest.next() {
        match character {
            '*' => push(&mut tokens, Token::Many),
            '?' => push(&mut tokens, Token::One),
            '\\' => {
                let escaped = rest.next_if(|next| matches!(next, '*' | '?' | '\\')).unwrap_or('\\');
                push_literal(&mut tokens, escaped.encode_utf8(&mut buffer).as_bytes());
            }
            plain => push_literal(&mut tokens, plain.encode_utf8(&mut buffer).as_bytes()),
        }
    }
    tokens
}

/// The tokens of a text without wildcards.
pub(crate) fn literal(text: &[u8]) -> Vec<Token> {
    let mut tokens = Vec::new();
    push_literal(&mut tokens, text);
    tokens
}

/// Adds a token; two stars in a row are one.
pub(crate) fn push(tokens: &mut Vec<Token>, token: Token) {
    match token {
        Token::Literal(bytes) => push_literal(tokens, &bytes),
        Token::Many if tokens.last() == Some(&Token::Many) => {}
        token => tokens.push(token),
    }
}

fn push_literal(tokens: &mut Vec<Token>, bytes: &[u8]) {
    match tokens.last_mut() {
        _ if bytes.is_empty() => {}
        Some(Token::Literal(literal)) => literal.extend_from_slice(bytes),
        _ => tokens.push(Token::Literal(bytes.to_vec())),
    }
}

/// The bytes of a text without wildcards.
pub(crate) fn plain(tokens: &[Token]) -> Option<&[u8]> {
    match tokens {
        [] => Some(b""),
        [Token::Literal(bytes)] => Some(bytes),
        _ => None,
    }
}

/// The tokens as case-insensitive matching compares them.
pub(crate) fn folded(tokens: &[Token]) -> Vec<Token> {
    let each = tokens.iter().map(|token| match token {
        Token::Literal(bytes) => Token::Literal(fold(bytes)),
        other => other.clone(),
    });
    each.collect()
}

/// The tokens with each dash that starts a word replaced by [`Token::Dash`] (`windash`).
///
/// A dash or slash starts a word where no word character precedes it and one follows it; wildcards
/// are not word characters.
pub(crate) fn with_dashes(tokens: &[Token]) -> Vec<Token> {
    let mut out = Vec::new();
    for token in tokens {
        let Token::Literal(bytes) = token else {
            push(&mut out, token.clone());
            continue;
        };
        let text = String::from_utf8_lossy(bytes);
        let word = |character: Option<char>| {
            character.is_some_and(|character| character.is_alphanumeric() || character == '_')
        };
        let mut before = None;
        let mut rest = text.chars().peekable();
        let mut buffer = [0; 4];
        while let Some(character) = rest.next() {
            if matches!(character, '-' | '/') && !word(before) && word(rest.peek().copied()) {
                out.push(Token::Dash);
            } else {
                push_literal(&mut out, character.encode_utf8(&mut buffer).as_bytes());
            }
            before = Some(character);
        }
    }
    out
}

/// A text as UTF-16, wildcards kept. `None` where the text is not UTF-8 any more.
pub(crate) fn utf16(tokens: &[Token], bytes_of: fn(u16) -> [u8; 2]) -> Option<Vec<Token>> {
    let mut out = Vec::new();
    for token in tokens {
        match token {
            Token::Literal(bytes) => {
                let units = str::from_utf8(bytes).ok()?.encode_utf16();
                push_literal(&mut out, &units.flat_map(bytes_of).collect::<Vec<u8>>());
            }
            other => push(&mut out, other.clone()),
        }
    }
    Some(out)
}

/// A text in Base64 with padding (RFC 4648, section 4).
pub(crate) fn base64(bytes: &[u8]) -> Vec<u8> {
    STANDARD.encode(bytes).into_bytes()
}

/// The three ways in which Base64 may contain bytes, without the characters that their
/// neighbours share.
pub(crate) fn base64_offsets(bytes: &[u8]) -> [Vec<u8>; 3] {
    [0usize, 1, 2].map(|offset| {
        let mut padded = vec![b' '; offset];
        padded.extend_from_slice(bytes);
        let encoded = base64(&padded);
        let start = [0, 2, 3].get(offset).copied().unwrap_or_default();
        let cut = [0, 3, 2].get(padded.len() % 3).copied().unwrap_or_default();
        encoded.get(start..encoded.len().saturating_sub(cut)).unwrap_or_default().to_vec()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tokens as text: `<` and `>` around literals.
    fn show(tokens: &[Token]) -> String {
        let each = tokens.iter().map(|token| match token {
            Token::Literal(bytes) => format!("<{}>", bytes.escape_ascii()),
            Token::One => "?".into(),
            Token::Many => "*".into(),
            Token::Dash => "~".into(),
        });
        each.collect()
    }

    #[test]
    fn escapes_follow_the_specification() {
        for (text, expect) in [
            ("", ""),
            ("a*c", "<a>*<c>"),
            ("a**c", "<a>*<c>"),
            (r"a\*c", "<a*c>"),
            (r"a\\*c", r"<a\\>*<c>"),
            (r"a\\\*c", r"<a\\*c>"),
            (r"C:\x", r"<C:\\x>"),
            (r"C:\\x", r"<C:\\x>"),
            (r"\\\\srv", r"<\\\\srv>"),
            (r"\\\srv", r"<\\\\srv>"),
            (r"\temp\", r"<\\temp\\>"),
            ("?*?", "?*?"),
        ] {
            assert_eq!(show(&tokens(text)), expect, "{text}");
        }
    }

    #[test]
    fn dashes_stand_at_the_start_of_words() {
        for (text, expect) in [
            (" -x", "< >~<x>"),
            ("-param-1 /y", "~<param-1 >~<y>"),
            ("a-b", "<a-b>"),
            ("--x", "<->~<x>"),
            ("- x", "<- x>"),
        ] {
            assert_eq!(show(&with_dashes(&tokens(text))), expect, "{text}");
        }
    }

    #[test]
    fn base64_has_three_offsets() {
        let offsets = base64_offsets(b"foobar").map(|bytes| String::from_utf8(bytes).unwrap());
        assert_eq!(offsets, ["Zm9vYmFy", "Zvb2Jhc", "mb29iYX"]);
    }
}
