//! Filter state: the parts of a verdict that an access log can print.
//!
//! Envoy puts `wasm.` before each name, and `:PLAIN` makes it print the text itself:
//! `%FILTER_STATE(wasm.tidegate.rules:PLAIN)%`. A request that no rule matched has none of them, at no
//! cost.
//!
//! | name                  | value |
//! | --------------------- | ----- |
//! | `tidegate.rules`      | the ids of the rules that matched, separated by commas; at most 64, then `+N` for the rest |
//! | `tidegate.action`     | `observe` or `deny` |
//! | `tidegate.would_deny` | `true` or `false` |
//! | `tidegate.host`       | the host without userinfo, instead of `%REQ(:AUTHORITY)%`, which contains it |
//! | `tidegate.path`       | the path's template, instead of `%REQ(:PATH)%`, which contains the secrets; not for CONNECT |

use inspect::{Action, Pack, RuleMatch};

use crate::host::Host;
use crate::label::rule_label;
use crate::limits::MAX_LISTED_RULES;
use crate::snapshot::Shown;

/// Sets the verdict on the current stream; returns false if that failed.
pub(crate) fn set(
    host: &dyn Host,
    pack: &Pack,
    matches: &[RuleMatch],
    action: Action,
    would_deny: bool,
    shown: &Shown,
) -> bool {
    let rules = rule_list(pack, matches);
    let would_deny = if would_deny { "true" } else { "false" };
    let states = [
        ("tidegate.rules", Some(rules.as_str())),
        ("tidegate.action", Some(action.as_str())),
        ("tidegate.would_deny", Some(would_deny)),
        ("tidegate.host", Some(shown.host.as_str())),
        ("tidegate.path", shown.path.as_deref()),
    ];
    states.iter().all(|(name, value)| match value {
        Some(value) => host.set_filter_state(name, value.as_bytes()).is_ok(),
        None => true,
    })
}

fn rule_list(pack: &Pack, matches: &[RuleMatch]) -> String {
    let tables = pack.tables();
    let listed = matches.iter().take(MAX_LISTED_RULES);
    let rules = listed.filter_map(|matched| tables.rule(matched.rule));
    let mut list: Vec<String> = rules.map(|rule| rule_label(tables.str(rule.id))).collect();
    if let Some(n_more @ 1..) = matches.len().checked_sub(MAX_LISTED_RULES) {
        list.push(format!("+{n_more}"));
    }
    list.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::pack_of_rules;
    use inspect::pack::Phase;
    use inspect::{RuleId, View};

    fn matches(n_matches: u32) -> Vec<RuleMatch> {
        let matched = |idx| RuleMatch {
            alerts: true,
            rule: RuleId(idx),
            view: View::Raw,
            phase: Phase::Request,
            evidence: Vec::new(),
        };
        (0..n_matches).map(matched).collect()
    }

    #[test]
    fn rules_are_listed_by_id_up_to_the_bound() {
        let pack = Pack::decode(&pack_of_rules(&["cs-host: a.example"; 70])).unwrap();
        let id = |number: u32| format!("6b3e1d1c-0000-4000-8000-{number:012}");
        assert_eq!(rule_list(&pack, &matches(1)), id(1));
        assert_eq!(rule_list(&pack, &matches(2)), format!("{},{}", id(1), id(2)));
        assert_eq!(rule_list(&pack, &matches(64)).matches(',').count(), 63);
        assert!(rule_list(&pack, &matches(70)).ends_with(&format!("{},+6", id(64))));
    }
}
