//! Classes of regular expressions as RE2 reads them, for a reader that knows set operators.
//!
//! In RE2 `&&`, `--`, `~~` and `[` in a class are characters and ranges like any others; regex-syntax
//! takes them for intersection, differences and classes within classes.

/// The classes that RE2 has as `[:name:]`, and with `^` in front of the name.
const NAMES: &[&str] = &[
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
    "space", "upper", "word", "xdigit",
];

/// A class from behind its `[`, and what follows it; `None` where it has no end.
pub(super) fn class(text: &str) -> Result<Option<(String, &str)>, String> {
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
        let Some((low, behind)) = written(rest)? else { return Ok(None) };
        out.push_str(&low);
        rest = behind;
        let is_class =
            low.starts_with('\\') && low.contains(['d', 'D', 's', 'S', 'w', 'W', 'p', 'P']);
        let range = rest.strip_prefix('-').filter(|behind| !behind.starts_with(']'));
        if !is_class && let Some(range) = range {
            let Some((high, behind)) = written(range)? else { continue };
            out.push('-');
            out.push_str(&high);
            rest = behind;
        }
    }
}

/// The first member of a class as it has to be written, and what follows it; `None` at the end of the text.
fn written(text: &str) -> Result<Option<(String, &str)>, String> {
    if let Some((char, behind)) = escape_of(text)? {
        return Ok(Some((format!(r"\x{{{:x}}}", u32::from(char)), behind)));
    }
    let Some((member, behind)) = member(text) else { return Ok(None) };
    let out = match member {
        "[" | "]" | "&" | "~" | "-" => format!(r"\{member}"),
        member if member.starts_with(r"\p") || member.starts_with(r"\P") => property(member),
        member => member.to_owned(),
    };
    Ok(Some((out, behind)))
}

/// The character of an escape that only RE2 has, and what follows it: octal numbers and punctuation. `None` where
/// the text begins with something else.
///
/// # Errors
/// A number that would be a back reference.
pub(super) fn escape_of(text: &str) -> Result<Option<(char, &str)>, String> {
    let Some(behind) = text.strip_prefix('\\') else { return Ok(None) };
    let Some(char) = behind.chars().next() else { return Ok(None) };
    match char {
        '0'..='9' => {
            let digits =
                behind.bytes().take(3).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
            if digits == 0 || digits == 1 && char != '0' {
                return Err(format!(r"there is no back reference `\{char}`"));
            }
            let (digits, behind) = behind.split_at_checked(digits).unwrap_or((behind, ""));
            let number = u32::from_str_radix(digits, 8).ok().and_then(char::from_u32);
            Ok(number.map(|char| (char, behind)))
        }
        char if char.is_ascii() && !char.is_ascii_alphanumeric() => {
            Ok(Some((char, behind.get(1..).unwrap_or_default())))
        }
        _ => Ok(None),
    }
}

/// A property as regex-syntax has it: `\p{^Greek}` is `\P{Greek}`.
pub(super) fn property(member: &str) -> String {
    match (member.strip_prefix(r"\p{^"), member.strip_prefix(r"\P{^")) {
        (Some(name), _) => format!(r"\P{{{name}"),
        (_, Some(name)) => format!(r"\p{{{name}"),
        _ => member.to_owned(),
    }
}

/// The first character of an expression, with its escape, and what follows it.
pub(super) fn member(text: &str) -> Option<(&str, &str)> {
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
    use crate::compile::re2::translated as escaped;

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
            (r"\[a&&b]a--\x41\p{L}", r"\x{5b}a&&b]a--\x41\p{L}"),
            (r"[\]&&\[]", r"[\x{5d}\&\&\x{5b}]"),
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
