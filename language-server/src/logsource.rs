//! The log source of a rule that is being written.

use sigma::Logsource;

/// Returns the log source that a text gives, whether the rest of it is YAML or not.
pub(crate) fn of(text: &str) -> Logsource {
    let value = |key: &str| value(text, key);
    Logsource { category: value("category"), product: value("product"), service: value("service") }
}

/// The value of the first such key, on a line of its own or in brackets.
fn value(text: &str, key: &str) -> Option<String> {
    let of_line = |line: &str| {
        let (at, _) = line.match_indices(key).find(|(at, _)| {
            let before = line.get(..*at).unwrap_or_default();
            let behind = line.get(at + key.len()..).unwrap_or_default();
            (before.is_empty() || before.ends_with([' ', '{', ','])) && behind.starts_with(':')
        })?;
        let value = line.get(at + key.len() + 1..)?.split([',', '}', '#']).next()?;
        Some(value.trim().trim_matches(['\'', '"']).to_owned())
    };
    text.lines().find_map(of_line).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_sources_are_found_in_unfinished_text() {
        for (text, expect) in [
            ("logsource:\n    category: proxy\n", "proxy  "),
            ("logsource: {category: 'dns', product: a}\ndetection: {s: {", "dns a "),
            ("logsource:\n    product: zeek # b\n    service: http\n  lev", " zeek http"),
            ("subcategory: a\ncategory:\n", "  "),
        ] {
            let found = of(text);
            let shown = [found.category, found.product, found.service];
            assert_eq!(shown.map(Option::unwrap_or_default).join(" "), expect, "{text}");
        }
    }
}
