//! The headers of vendors that a policy sets: YAML to [`HeaderEntry`].

use diagnostics::Findings;
use diagnostics::yaml::{Kind, Node};

use super::map::{Map, list};
use super::{HeaderEntry, Word};
use crate::codes;

/// Most bytes of a header's value: far more than vendors document, and far less than Envoy takes.
const MAX_VALUE_BYTES: usize = 8192;

/// Reads the list under `headers`.
pub(super) fn entries(node: Option<&Node>, findings: &mut Findings) -> Vec<HeaderEntry> {
    list(node, "headers", findings).iter().filter_map(|node| entry(node, findings)).collect()
}

fn entry(node: &Node, findings: &mut Findings) -> Option<HeaderEntry> {
    let mut map = Map::of(node, "an entry of `headers`", &["sources", "values"], findings)?;
    let sources = map.words("sources");
    let help = "write names and values, as `values: {X-GoogApps-Allowed-Domains: example.org}`";
    let Some(Node { kind: Kind::Map(pairs), .. }) = map.value("values") else {
        map.wrong(node.span, "an entry of `headers` lacks `values`", help);
        return None;
    };
    let mut values: Vec<(Word, Word)> = Vec::new();
    for (name, value) in pairs {
        if value.text().is_some_and(|text| text.trim().is_empty()) {
            map.wrong(value.span, "the value of a header is empty", help);
            continue;
        }
        let word = |node: &Node| {
            let text = node.text().map(str::trim).filter(|text| !text.is_empty())?;
            Some(Word { text: text.to_owned(), span: node.span })
        };
        let (Some(name), Some(value)) = (word(name), word(value)) else {
            map.wrong(name.span, "a header or its value is not a text", help);
            continue;
        };
        if values.iter().any(|(known, _)| known.text.eq_ignore_ascii_case(&name.text)) {
            let message = format!("`{}` is there twice", name.text.escape_debug());
            map.wrong(name.span, message, "keep one of them");
        }
        // A line break would begin a header of its own.
        if value.text.len() > MAX_VALUE_BYTES
            || !value.text.bytes().all(|it| (b' '..=b'~').contains(&it))
        {
            let message =
                format!("the value of `{}` is not one line of ASCII", name.text.escape_debug());
            map.findings.add(
                &codes::BROKEN_POLICY,
                value.span,
                message,
                "write what the vendor's page asks for",
            );
        }
        values.push((name, value));
    }
    Some(HeaderEntry { sources, values })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Policy;

    /// The messages about an entry of `headers`.
    fn messages(entry: &str) -> Vec<String> {
        let text = format!("headers:\n  - {entry}\n");
        let (_, findings) = Policy::read(&"policy.yml".into(), &text);
        findings.into_iter().map(|finding| finding.diagnostic.message).collect()
    }

    #[test]
    fn what_is_no_value_of_a_header_is_refused() {
        let long = "x".repeat(MAX_VALUE_BYTES + 1);
        for (entry, expect) in [
            ("{values: {X-A: a, X-B: b}}", None),
            ("{sources: [10.0.0.0/8], values: {X-A: 'a,b'}}", None),
            (
                "{values: {X-A: \"a\\r\\nx-b: c\"}}",
                Some("the value of `X-A` is not one line of ASCII"),
            ),
            ("{values: {X-A: \"a\\u00e4\"}}", Some("the value of `X-A` is not one line of ASCII")),
            (
                &format!("{{values: {{X-A: {long}}}}}"),
                Some("the value of `X-A` is not one line of ASCII"),
            ),
            ("{values: {X-A: a, x-a: b}}", Some("`x-a` is there twice")),
            ("{values: {X-A: [a]}}", Some("a header or its value is not a text")),
            ("{values: {X-A: ''}}", Some("the value of a header is empty")),
            ("{values: [X-A]}", Some("an entry of `headers` lacks `values`")),
            ("{sources: [10.0.0.0/8]}", Some("an entry of `headers` lacks `values`")),
            (
                "{service: Slack, values: {X-A: a}}",
                Some("an entry of `headers` has no key `service`"),
            ),
        ] {
            assert_eq!(messages(entry).first().map(String::as_str), expect, "{entry}");
        }
    }
}
