//! The headers of a service note: how the service's vendor lets a network restrict the tenants that it may use.
//!
//! ```yaml
//! headers:
//!   - name: X-Slack-Allowed-Workspaces
//!     hosts: [slack.com, "**.slack.com"]
//!     means: the workspaces and organisations that may be used, by their ids, with commas
//!     source: https://slack.com/help/articles/360024821873-Approve-Slack-workspaces-for-your-network
//!     verified: true
//! ```

use diagnostics::yaml::{Kind, Node};
use diagnostics::{Findings, Span};

use super::Keys;
use super::operation::entries;
use crate::codes;

/// The keys of a header.
const KEYS: &[&str] = &["name", "hosts", "means", "source", "verified"];

/// A header by which a vendor restricts the tenants that a network may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantHeader {
    /// Its name, as the vendor writes it.
    pub name: String,
    /// The hosts that read it, in lower case: a name, or behind `**.` all names below one.
    pub hosts: Vec<String>,
    /// What its values are.
    pub means: String,
    /// The vendor's page about it.
    pub source: String,
    /// Whether the vendor's page was read for this note.
    pub verified: bool,
}

/// Reads `headers`.
pub(super) fn headers(keys: &mut Keys<'_, '_>) -> Vec<TenantHeader> {
    let help = "write a list, as `headers: [{name: X-Allowed-Teams, hosts: [drop.example], means: ids of teams, source: \"https://drop.example/help\", verified: true}]`";
    let list = match keys.value("headers") {
        None => return Vec::new(),
        Some(Node { kind: Kind::List(list), .. }) => list,
        Some(_) => {
            keys.wrong("headers", "`headers` is not a list", help);
            return Vec::new();
        }
    };
    let read = |node: &Node| {
        let Kind::Map(map) = &node.kind else {
            keys.findings().add(&codes::WRONG_KEY, node.span, "a header is not a map", help);
            return None;
        };
        let entries = entries(map, keys.findings());
        let top = Span::point(node.span.line, node.span.column);
        header(&mut Keys { entries: &entries, findings: keys.findings(), top })
    };
    let headers: Vec<TenantHeader> = list.iter().filter_map(read).collect();
    let is_repeated = |(idx, header): (usize, &TenantHeader)| {
        let mut before = headers.iter().take(idx);
        before.any(|known| known.name.eq_ignore_ascii_case(&header.name))
    };
    if let Some((_, header)) = headers.iter().enumerate().find(|found| is_repeated(*found)) {
        let message = format!("the header `{}` is there twice", header.name.escape_debug());
        keys.wrong("headers", message, "keep one of them");
    }
    headers
}

/// Reads one header; `None` where it lacks a key.
fn header(keys: &mut Keys<'_, '_>) -> Option<TenantHeader> {
    keys.refuse_unknown(KEYS);
    let name = keys.required("name", "write the name of the header, as `name: X-Allowed-Teams`");
    if let Some(name) = name.as_ref().filter(|name| !is_settable(name)) {
        let message = format!("`{}` is not a header of a vendor", name.escape_debug());
        keys.wrong(
            "name",
            message,
            "write a name of letters, digits and `-` that no proxy needs itself",
        );
    }
    let means =
        keys.required("means", "write what the values are, as `means: ids of teams, with commas`");
    let source = keys.required("source", "write the address of the vendor's page");
    if let Some(source) = source.as_ref().filter(|source| !source.starts_with("https://")) {
        let message = format!("`{}` is not the address of a page", source.escape_debug());
        keys.wrong("source", message, "write it with `https://`");
    }
    let verified = match keys
        .required("verified", "write `true` if the vendor's page was read")
        .as_deref()
    {
        Some("true") => Some(true),
        Some("false") => Some(false),
        Some(_) => {
            keys.wrong("verified", "`verified` is neither `true` nor `false`", "write one of them");
            None
        }
        None => None,
    };
    let hosts = hosts(keys);
    Some(TenantHeader { name: name?, hosts, means: means?, source: source?, verified: verified? })
}

/// Returns true for the name of a header that a vendor can have, and not one that HTTP itself needs.
fn is_settable(name: &str) -> bool {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let used = ["host", "connection", "upgrade", "te", "trailer", "cookie", "authorization"];
    let starts = ["content-", "transfer-", "proxy-", "x-envoy-", "x-forwarded-"];
    let lower = name.to_ascii_lowercase();
    !name.is_empty()
        && name.bytes().all(is_name)
        && !used.contains(&lower.as_str())
        && !starts.iter().any(|start| lower.starts_with(start))
}

fn hosts(keys: &mut Keys<'_, '_>) -> Vec<String> {
    let help =
        "write hosts that read the header: a name, or `**.` and a name for all names below it";
    let mut hosts = Vec::new();
    for (text, span) in keys.texts("hosts", help) {
        let host = text.to_ascii_lowercase();
        let name = host.strip_prefix("**.").unwrap_or(&host);
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let is_label = |label: &str| !label.is_empty() && label.bytes().all(is_letter);
        if name.split('.').all(is_label) {
            hosts.push(host);
        } else {
            let message = format!("`{}` is not a host name", text.escape_debug());
            let findings: &mut Findings = keys.findings();
            findings.add(&codes::WRONG_KEY, span, message, help);
        }
    }
    if hosts.is_empty() {
        keys.wrong("hosts", "the header has no `hosts`", help);
    }
    hosts
}

#[cfg(test)]
mod tests {
    use diagnostics::SourceFile;

    use crate::Library;

    /// The first message about a note with a header.
    fn message(header: &str) -> Option<String> {
        let text = format!("---\nkind: service\nservice: Drop\nheaders:\n  - {header}\n---\n");
        let library =
            Library::read(vec![SourceFile { name: "drop.md".into(), bytes: text.into() }]);
        library.findings.into_iter().next().map(|finding| finding.diagnostic.message)
    }

    #[test]
    fn a_header_has_all_keys_and_only_what_a_vendor_can_have() {
        let header = |name: &str, host: &str, more: &str| {
            format!(
                "{{name: {name}, hosts: ['{host}'], means: ids, source: 'https://drop.example/', {more}}}"
            )
        };
        for (header, expect) in [
            (header("X-Teams", "drop.example", "verified: true"), None),
            (header("X-Teams", "**.drop.example", "verified: false"), None),
            (header("X-Teams", "*.drop.example", "verified: true"), Some("`*.drop.example` is not a host name")),
            (header("X Teams", "drop.example", "verified: true"), Some("`X Teams` is not a header of a vendor")),
            (header("Host", "drop.example", "verified: true"), Some("`Host` is not a header of a vendor")),
            (header("X-Forwarded-For", "drop.example", "verified: true"), Some("`X-Forwarded-For` is not a header of a vendor")),
            (header("X-Teams", "drop.example", "verified: yes"), Some("`verified` is neither `true` nor `false`")),
            (header("X-Teams", "drop.example", ""), Some("the front matter lacks `verified`")),
            ("{name: X-Teams, means: ids, source: 'https://drop.example/', verified: true}".to_owned(), Some("the header has no `hosts`")),
            ("{name: X-Teams, hosts: [drop.example], means: ids, source: 'http://drop.example/', verified: true}".to_owned(), Some("`http://drop.example/` is not the address of a page")),
            ("X-Teams".to_owned(), Some("a header is not a map")),
        ] {
            assert_eq!(message(&header).as_deref(), expect, "{header}");
        }
    }
}
