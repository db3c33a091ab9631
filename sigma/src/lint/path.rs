//! Path values that no path can have.

use super::{Report, codes, quoted};
use crate::rule::{Item, Token, ValueTest};

pub(super) fn check(report: &mut Report<'_>, item: &Item) {
    if !matches!(report.proxy_field(item), Some("c-uri-stem" | "cs-uri-stem")) {
        return;
    }
    for value in &item.values {
        let ValueTest::Text { variants, .. } = &value.test else { continue };
        for tokens in variants {
            let starts_wrong =
                matches!(tokens.first(), Some(Token::Literal(start)) if !start.starts_with(b"/"));
            let literal_holds = |part: &[u8]| {
                tokens.iter().any(|token| match token {
                    Token::Literal(literal) => {
                        literal.windows(part.len()).any(|window| window == part)
                    }
                    Token::One | Token::Many | Token::Dash => false,
                })
            };
            let problem = if starts_wrong {
                Some("does not start with `/`")
            } else if literal_holds(b"?") {
                Some("contains a query")
            } else if literal_holds(b"://") {
                Some("contains a scheme")
            } else {
                None
            };
            if let Some(problem) = problem {
                report.add(
                    &codes::PATH_IMPOSSIBLE,
                    value.span,
                    format!("{} {problem}, so that no path equals it", quoted(&value.text)),
                    "look for the whole URL in `c-uri`, or for the query in `c-uri-query`",
                );
            }
        }
    }
}
