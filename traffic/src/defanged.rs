//! URLs that reports write so that nobody follows them: `hxxps[:]//a[.]example`.

use std::borrow::Cow;

/// What stands for what, whatever its case.
const SIGNS: &[(&str, &str)] = &[
    ("[://]", "://"),
    ("[:]//", "://"),
    ("[:/]/", "://"),
    (":[//]", "://"),
    ("[:]", ":"),
    ("[.]", "."),
    ("[dot]", "."),
    ("[/]", "/"),
    ("[at]", "@"),
    ("[@]", "@"),
    ("\\.", "."),
];

/// Signs that a URL may contain as they are: they count only before its path, or where it is defanged besides.
const WEAK_SIGNS: &[(&str, &str)] = &[
    ("(.)", "."),
    ("{.}", "."),
    ("(dot)", "."),
    ("{dot}", "."),
    ("<.>", "."),
    ("(:)", ":"),
    (" . ", "."),
];

/// Schemes that are none.
const SCHEMES: &[(&str, &str)] = &[
    ("hxxp", "http"),
    ("hxxps", "https"),
    ("h**p", "http"),
    ("h**ps", "https"),
    ("htxp", "http"),
    ("htxps", "https"),
    ("hxtp", "http"),
    ("hxtps", "https"),
    ("hp", "http"),
    ("hps", "https"),
    ("meow", "http"),
    ("meows", "https"),
    ("http[s]", "https"),
    ("hxxp[s]", "https"),
    ("fxp", "ftp"),
];

/// Returns a URL or a host as it was before somebody defanged it.
pub(crate) fn refanged(text: &str) -> Cow<'_, str> {
    let mut out = Cow::Borrowed(text);
    replace_all(&mut out, SIGNS);
    if let Some((scheme, rest)) = out.split_once("://")
        && let Some((_, real)) =
            SCHEMES.iter().find(|(known, _)| scheme.eq_ignore_ascii_case(known))
    {
        out = Cow::Owned(format!("{real}://{rest}"));
    }
    let start = out.find("://").map_or(0, |at| at + 3);
    let behind = out.get(start..).unwrap_or_default();
    let end = behind.find(['/', '?', '#']).map_or(out.len(), |at| start + at);
    let is_defanged = matches!(out, Cow::Owned(_));
    let (host, path) = out.split_at_checked(end).unwrap_or((&out, ""));
    let (mut host, mut path) = (Cow::Borrowed(host), Cow::Borrowed(path));
    replace_all(&mut host, WEAK_SIGNS);
    if is_defanged || matches!(host, Cow::Owned(_)) {
        replace_all(&mut path, WEAK_SIGNS);
        return Cow::Owned(format!("{host}{path}"));
    }
    Cow::Borrowed(text)
}

fn replace_all(text: &mut Cow<'_, str>, signs: &[(&str, &str)]) {
    for (sign, real) in signs {
        let lower = text.to_ascii_lowercase();
        if !lower.contains(sign) {
            continue;
        }
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        for (found, _) in lower.match_indices(sign) {
            out.push_str(text.get(at..found).unwrap_or_default());
            out.push_str(real);
            at = found + sign.len();
        }
        out.push_str(text.get(at..).unwrap_or_default());
        *text = Cow::Owned(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defanged_urls_are_read_as_they_were() {
        for (text, expect) in [
            ("hxxp://a.example/x", "http://a.example/x"),
            ("hXXps://a[.]example/x[.]exe", "https://a.example/x.exe"),
            ("hxxps[:]//a(.)example/x(.)exe", "https://a.example/x.exe"),
            ("https[://]a[dot]example", "https://a.example"),
            ("h**p://a{.}example", "http://a.example"),
            ("http://a[.example]", "http://a[.example]"),
            ("a[.]example[:]443[/]x", "a.example:443/x"),
            ("http://a\\.example/", "http://a.example/"),
            ("https://a.example/f(.)x{.}", "https://a.example/f(.)x{.}"),
            ("https://[::1]/x", "https://[::1]/x"),
            ("https://a.example/x", "https://a.example/x"),
        ] {
            assert_eq!(refanged(text), expect, "{text}");
        }
    }
}
