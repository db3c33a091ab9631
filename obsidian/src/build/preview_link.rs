//! The link from a rule's page to the preview, where the rule can be tried.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};

use crate::sources::RuleNote;

/// A link to the preview at `base` with a rule, and with the note's requests, in its fragment: it is for
/// the page alone, and no server hears of it.
pub(super) fn link(base: &str, rule: &str, note: Option<&RuleNote>) -> String {
    let examples = note.map(|note| note.examples.as_slice()).unwrap_or_default();
    let requests: Vec<_> = examples.iter().map(|example| example.request.trim()).collect();
    let requests = requests.join("\n\n");
    format!(
        "[Try it in the preview](<{base}#rule={}&requests={}>)",
        escape(rule),
        escape(&requests)
    )
}

/// Percent-encodes all but the unreserved characters of RFC 3986.
fn escape(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, UNRESERVED)
}

/// All but letters, digits and `-._~`.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_means_something_in_a_link_is_escaped() {
        let link = link("http://127.0.0.1:8431/", "title: a+b>é\n", None);
        assert_eq!(
            link,
            "[Try it in the preview](<http://127.0.0.1:8431/#rule=title%3A%20a%2Bb%3E%C3%A9%0A&requests=>)"
        );
    }
}
