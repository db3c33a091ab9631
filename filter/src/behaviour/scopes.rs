//! Which first uses a pack asks for.

use inspect::pack::{Pattern, Tables};
use inspect::{BehaviourField, ProxyField, proxy_fields};

/// Whether rules ask what is new to groups, and to the network; what is new to the source is always found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scopes {
    pub(crate) group: bool,
    pub(crate) network: bool,
}

impl Scopes {
    /// Looks at the values that rules ask `tidegate.first_use` for.
    pub(crate) fn of(tables: &Tables) -> Scopes {
        let asked = Some(ProxyField::Behaviour(BehaviourField::FirstUse));
        let fields = proxy_fields(tables);
        let is_asked = |pattern: &&Pattern| fields.get(pattern.field.index()) == Some(&asked);
        let values = tables.patterns.iter().filter(is_asked);
        let mut scopes = Scopes::default();
        for value in values {
            // A pattern may be a part of a name, or a regular expression.
            let text = tables.str(value.text);
            let is_of = |scope: &str| text.starts_with(scope) || !text.starts_with("source.");
            scopes.group |= is_of("group") && !text.starts_with("network.");
            scopes.network |= is_of("network") && !text.starts_with("group.");
        }
        scopes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::decoded;

    #[test]
    fn only_scopes_that_rules_ask_for_are_kept() {
        for (item, group, network) in [
            ("tidegate.first_use: source.service", false, false),
            ("tidegate.first_use: [source.host, group.service]", true, false),
            ("tidegate.first_use: network.host", false, true),
            ("tidegate.first_use|endswith: .host", true, true),
            ("cs-host: group.example", false, false),
        ] {
            let scopes = Scopes::of(decoded(item).tables());
            assert_eq!(scopes, Scopes { group, network }, "{item}");
        }
    }
}
