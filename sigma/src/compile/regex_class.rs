//! Classes of regular expressions as RE2 reads them, for a reader that knows set operators.
//!
//! In RE2 `&&`, `--`, `~~` and `[` in a class are characters and ranges like any others; regex-syntax
//! takes them for intersection, differences and classes within classes.

/// The classes that RE2 has as `[:name:]`, and with `^` in front of the name.
const NAMES: &[&str] = &[
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
    "space", "upper", "word", "xdigit",
];

/// An expression in whose classes each character that is not syntax in RE2 is escaped.
///
/// # Errors
/// A `[:name:]` that there is not.
pub(super) fn escaped(text: &str) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((member, behind)) = member(rest) {
        if member != "[" {
            out.push_str(member);
            rest = behind;
            continue;
        }
        // A class without an end is reported by the reader.
        let Some((class, behind)) = class(behind)? else { break };
        out.push_str(&class);
        rest = behind;
    }
    out.push_str(rest);
    Ok(out)
}

/// A class from behind its `[`, and what follows it; `None` where it has no end.
fn class(text: &str) -> Result<Option<(String, &str)>, String> {
    let mut out = String::from("[");
    let mut rest = text;
    if let Some(behind) = rest.strip_prefix('^') {
        out.push('^');
        rest = behind;
    }
    let mut is_first = true;
    loop {
        if !is_first && let Some(behind) = rest.strip_prefix(']') {
            out.push(']');
            return Ok(Some((out, behind)));
        }
        is_first = false;
        let named = rest.strip_prefix("[:").and_then(|rest| rest.split_once(":]"));
        if let Some((name, behind)) = named {
            if !NAMES.contains(&name.strip_prefix('^').unwrap_or(name)) {
                return Err(format!("there is no class `[:{name}:]`"));
            }
            out.push_str(&format!("[:{name}:]"));
            rest = behind;
            continue;
        }
        let Some((low, behind)) = member(rest) else { return Ok(None) };
        push(&mut out, low);
        rest = behind;
        let is_class =
            low.starts_with('\\') && low.contains(['d', 'D', 's', 'S', 'w', 'W', 'p', 'P']);
        let range = rest.strip_prefix('-').filter(|behind| !behind.starts_with(']'));
        if !is_class && let Some((high, behind)) = range.and_then(member) {
            out.push('-');
            push(&mut out, high);
            rest = behind;
        }
    }
}

fn push(out: &mut String, member: &str) {
    if matches!(member, "[" | "]" | "&" | "~" | "-") {
        out.push('\\');
    }
    out.push_str(member);
}

/// The first character of an expression, with its escape, and what follows it.
fn member(text: &str) -> Option<(&str, &str)> {
    let mut chars = text.chars();
    let n_more = match (chars.next()?, chars.next()) {
        ('\\', Some(kind @ ('x' | 'p' | 'P'))) => match text.find('}') {
            Some(end) if chars.next() == Some('{') => return text.split_at_checked(end + 1),
            _ if kind == 'x' => 3,
            _ => 2,
        },
        ('\\', Some(_)) => 1,
        _ => 0,
    };
    let end = text.char_indices().nth(n_more + 1).map_or(text.len(), |(at, _)| at);
    text.split_at_checked(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_syntax_in_re2_stays_without_escape() {
        for (text, expect) in [
            ("a[b-d]+[^e]$", "a[b-d]+[^e]$"),
            (r"[a&&b][^a~~b]", r"[a\&\&b][^a\~\~b]"),
            ("[a[b]c]", r"[a\[b]c]"),
            ("[[]", r"[\[]"),
            ("[]a][^]a]", r"[\]a][^\]a]"),
            ("[+--][--/][a-c--/]", r"[+-\-][\--/][a-c\--/]"),
            ("[-a][a-][a-c-e]", r"[\-a][a\-][a-c\-e]"),
            (r"[\w-.][\d-][\pL-x][\p{Greek}-x]", r"[\w\-.][\d\-][\pL\-x][\p{Greek}\-x]"),
            (r"[\x41-\x5a-z][\x{41}-\x{5a}-z]", r"[\x41-\x5a\-z][\x{41}-\x{5a}\-z]"),
            ("[[:alpha:][:^digit:]&&]", r"[[:alpha:][:^digit:]\&\&]"),
            ("[[:a]", r"[\[:a]"),
            (r"\[a&&b]a--\x41\p{L}", r"\[a&&b]a--\x41\p{L}"),
            (r"[\]&&\[]", r"[\]\&\&\[]"),
            ("[ä-ö&&ü]", r"[ä-ö\&\&ü]"),
            // Without an end: reported by the reader.
            ("a[b&&", "a[b&&"),
            ("a[]", "a[]"),
            (r"a\", r"a\"),
            (r"a[\", r"a[\"),
            ("a[b-", "a[b-"),
        ] {
            assert_eq!(escaped(text).as_deref(), Ok(expect), "{text}");
        }
        assert!(escaped("[[:nope:]]").is_err());
    }
}
