//! Who may use the proxy, as a policy has it: YAML to [`Credentials`].

use diagnostics::Findings;
use diagnostics::yaml::{Kind, Node};
use inspect::SecretHash;

use super::map::{Map, list};
use super::{Credentials, Required, Word};
use crate::codes;

/// Most bytes of a client's name, which events show.
const MAX_NAME_BYTES: usize = 64;

/// Reads `credentials`.
pub(super) fn read(node: Option<&Node>, findings: &mut Findings) -> Credentials {
    let Some(node) = node else { return Credentials::default() };
    let Some(mut map) = Map::of(node, "`credentials`", &["required", "clients"], findings) else {
        return Credentials::default();
    };
    let required = required(&mut map);
    let mut clients: Vec<(Word, SecretHash)> = Vec::new();
    for node in list(map.value("clients"), "clients", map.findings) {
        let Some((name, hash)) = client(node, map.findings) else { continue };
        if clients.iter().any(|(known, _)| known.text == name.text) {
            let message = format!("the client `{}` is there twice", name.text.escape_debug());
            map.wrong(name.span, message, "give each client a name of its own");
        }
        clients.push((name, hash));
    }
    let is_listed = matches!(map.value("clients"), Some(Node { kind: Kind::List(list), .. }) if !list.is_empty());
    if !is_listed {
        let help = "list at least one, with the line that `tidegate credential NAME FILE` prints";
        map.wrong(node.span, "`credentials` has no `clients`", help);
    }
    Credentials { clients, required }
}

fn required(map: &mut Map<'_, '_>) -> Required {
    match map.value("required") {
        None => Required::Nobody,
        Some(Node { kind: Kind::List(_), .. }) => Required::Sources(map.words("required")),
        Some(node) => match node.text() {
            Some("true") => Required::Everybody,
            Some("false") => Required::Nobody,
            _ => {
                let help =
                    "write `true` for everybody, or a list of groups, networks and SPIFFE ids";
                map.wrong(node.span, "`required` is neither `true`, `false` nor a list", help);
                Required::Nobody
            }
        },
    }
}

fn client(node: &Node, findings: &mut Findings) -> Option<(Word, SecretHash)> {
    let mut map = Map::of(node, "a client", &["name", "secret"], findings)?;
    let name = map.text("name")?;
    let secret = map.text("secret")?;
    if !is_client_name(&name.text) {
        let message = format!("`{}` is not the name of a client", name.text.escape_debug());
        map.wrong(name.span, message, "write up to 64 letters, digits and `-._@`, and no address");
    }
    let hash = SecretHash::from_text(&secret.text);
    if hash.is_none() {
        // The text is not quoted: it may be the secret itself.
        let message = "the `secret` of a client is not a hash".to_owned();
        let help = "write what `tidegate credential NAME FILE` prints; the secret itself belongs to the client alone";
        map.findings.add(&codes::BROKEN_POLICY, secret.span, message, help);
    }
    Some((name, hash?))
}

/// Returns true for the name that a client can have: up to 64 letters, digits and `-._@`, and nothing that a policy
/// takes for a network, as that would be somebody else.
pub fn is_client_name(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-._@".contains(&byte);
    let is_network = inspect::network(text).is_ok_and(|network| network.is_some());
    text.len() <= MAX_NAME_BYTES
        && text.bytes().all(is_letter)
        && text.bytes().any(|byte| byte.is_ascii_alphanumeric())
        && !is_network
}

#[cfg(test)]
mod tests {
    use crate::Policy;

    const HASH: &str = "blake2b:00000000000000000000000000000000:0000000000000000000000000000000000000000000000000000000000000000";

    #[test]
    fn what_is_no_client_is_refused_and_a_secret_is_not_quoted() {
        let client =
            |name: &str, secret: &str| format!("clients: [{{name: '{name}', secret: '{secret}'}}]");
        let one = client("a", HASH);
        for (text, expect) in [
            (one.clone(), None),
            (format!("required: true\n  {one}"), None),
            (format!("required: [10.0.0.0/8]\n  {one}"), None),
            (
                format!("required: yes\n  {one}"),
                Some("`required` is neither `true`, `false` nor a list"),
            ),
            ("required: true".to_owned(), Some("`credentials` has no `clients`")),
            (client("a:b", HASH), Some("`a:b` is not the name of a client")),
            (client("-", HASH), Some("`-` is not the name of a client")),
            (client("10.0.0.1", HASH), Some("`10.0.0.1` is not the name of a client")),
            (client("a", "hunter2"), Some("the `secret` of a client is not a hash")),
            (
                format!("clients: [{{name: a, secret: '{HASH}'}}, {{name: a, secret: '{HASH}'}}]"),
                Some("the client `a` is there twice"),
            ),
        ] {
            let (policy, findings) =
                Policy::read(&"policy.yml".into(), &format!("credentials:\n  {text}\n"));
            let first = findings.first().map(|finding| finding.diagnostic.message.as_str());
            assert_eq!(first, expect, "{text}");
            assert_eq!(policy.is_some(), expect.is_none(), "{text}");
        }
    }
}
