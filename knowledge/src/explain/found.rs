//! Where in a value of the request the evidence of a match is.

use diagnostics::printable;
use inspect::Evidence;
use sigma::find_regex;

/// The evidence of a detection item; all text is printable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The field.
    pub field: String,
    /// The value of the rule.
    pub pattern: String,
    /// The part of the request's value before the evidence.
    pub before: String,
    /// The evidence.
    pub hit: String,
    /// The part after it.
    pub after: String,
}

impl Found {
    /// Finds the evidence inside its value: what a regular expression found, or the longest literal piece of a
    /// pattern; where neither is there, as for a network, it is all of the value.
    pub fn of(evidence: &Evidence) -> Found {
        let value = &evidence.value;
        let modifiers = evidence.label.split('|').skip(1);
        let range = if modifiers.clone().any(|modifier| modifier == "re") {
            let flags = modifiers.filter(|modifier| matches!(*modifier, "i" | "m" | "s"));
            let flags: String = flags.map(|flag| format!("(?{flag})")).collect();
            find_regex(&format!("{flags}{}", evidence.pattern), value)
        } else {
            literal(&evidence.pattern, value)
        };
        let range = range.unwrap_or(0..value.len());
        let slice = |from: usize, to: usize| printable(value.get(from..to).unwrap_or_default());
        Found {
            field: evidence.field.clone(),
            pattern: evidence.pattern.clone(),
            before: slice(0, range.start),
            hit: slice(range.start, range.end),
            after: slice(range.end, value.len()),
        }
    }
}

/// The longest piece of a pattern without wildcards in a value, in any case of ASCII letters.
fn literal(pattern: &str, value: &[u8]) -> Option<std::ops::Range<usize>> {
    let pattern = pattern.to_ascii_lowercase();
    let literal = pattern.split(['*', '?']).max_by_key(|piece| piece.len())?;
    let folded = value.to_ascii_lowercase();
    let at = match literal.len() {
        0 => None,
        n_bytes => folded.windows(n_bytes).position(|window| window == literal.as_bytes()),
    }?;
    Some(at..at + literal.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use inspect::AtomId;

    #[test]
    fn the_evidence_is_marked_in_its_value() {
        for (label, pattern, value, expect) in [
            ("cs-host", "a.example", "A.Example", ["", "A.Example", ""]),
            ("c-uri|contains", "*/api/*", "https://x/API/y", ["https://x", "/API/", "y"]),
            ("c-uri-stem|re", "[0-9]{2,}", "/a/123/b", ["/a/", "123", "/b"]),
            ("c-uri-stem|re|i", "BOT[0-9]", "/bot1", ["/", "bot1", ""]),
            ("c-uri-stem|re", "BOT", "/bot1", ["", "/bot1", ""]),
            ("src_ip|cidr", "10.0.0.0/8", "10.1.2.3", ["", "10.1.2.3", ""]),
        ] {
            let evidence = Evidence {
                atom: AtomId(0),
                label: label.to_owned(),
                field: "f".to_owned(),
                pattern: pattern.to_owned(),
                value: value.as_bytes().to_vec(),
            };
            let Found { before, hit, after, .. } = Found::of(&evidence);
            assert_eq!([before.as_str(), &hit, &after], expect, "{label}: {pattern}");
        }
    }
}
