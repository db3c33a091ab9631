//! `expand`: placeholders and the values that are given for them.

use super::apply::Refusal;
use crate::codes;
use crate::limits::MAX_VARIANTS;
use crate::rule::Token;
use crate::source::Source;
use crate::text;

/// Replaces each `%name%` by the values that are given for it.
pub(super) fn values(
    source: &Source<'_>,
    variants: Vec<Vec<Token>>,
    written: &str,
) -> Result<Vec<Vec<Token>>, Refusal> {
    let mut expanded = Vec::new();
    for tokens in variants {
        let mut parts: Vec<Vec<Token>> = vec![Vec::new()];
        for token in tokens {
            let pieces = match &token {
                Token::Literal(bytes) => placeholders(source, bytes)?,
                other => vec![vec![vec![other.clone()]]],
            };
            for piece in pieces {
                let mut grown = Vec::new();
                for part in &parts {
                    for value in &piece {
                        let mut part = part.clone();
                        for token in value {
                            text::push(&mut part, token.clone());
                        }
                        grown.push(part);
                    }
                }
                if grown.len() > MAX_VARIANTS {
                    return Err((
                        &codes::WRONG_VALUE,
                        format!("`{written}` expands to more than {MAX_VARIANTS} values"),
                        "use fewer placeholders in one value",
                    ));
                }
                parts = grown;
            }
        }
        expanded.extend(parts);
    }
    Ok(expanded)
}

/// A literal cut at its placeholders: for each piece, the texts that it may be.
fn placeholders(source: &Source<'_>, bytes: &[u8]) -> Result<Vec<Vec<Vec<Token>>>, Refusal> {
    let text = String::from_utf8_lossy(bytes);
    let mut pieces = Vec::new();
    let mut halves = text.split('%');
    if let Some(before) = halves.next() {
        pieces.push(vec![text::literal(before.as_bytes())]);
    }
    while let Some(name) = halves.next() {
        let Some(behind) = halves.next() else {
            pieces.push(vec![text::literal(format!("%{name}").as_bytes())]);
            break;
        };
        let Some(values) = source.placeholders.and_then(|placeholders| placeholders.get(name))
        else {
            return Err((
                &codes::UNRESOLVED_PLACEHOLDER,
                format!("there are no values for `%{name}%`"),
                "write a note of `kind: list` with this name, or give its values in a file (`--placeholders FILE`)",
            ));
        };
        // A placeholder without values matches nothing, which nobody means who writes it.
        if values.is_empty() {
            return Err((
                &codes::UNRESOLVED_PLACEHOLDER,
                format!("the list of values for `%{name}%` is empty"),
                "give it a value, or leave the rule out",
            ));
        }
        pieces.push(values.iter().map(|value| text::tokens(value)).collect());
        pieces.push(vec![text::literal(behind.as_bytes())]);
    }
    Ok(pieces)
}
