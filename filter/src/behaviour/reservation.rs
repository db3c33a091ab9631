//! Whether uses are written at the headers of a request, before rules are evaluated.
//!
//! A use that is written when its request ends is not seen by those that run beside it: of thirty at once none
//! exceeds a limit of five. Where a rule that counts may deny, each is written first, and its bytes and duration are
//! added when it ends. Other packs do not pay for that.

use inspect::pack::{Mode, Tables};
use inspect::{BehaviourField, BehaviourFields, Inspector, RuleId};

/// The fields that other requests which run at the same time add to.
const COUNTS: [BehaviourField; 5] = [
    BehaviourField::AfterDeadDrop,
    BehaviourField::Identities,
    BehaviourField::NewHosts,
    BehaviourField::Requests,
    BehaviourField::Sources,
];

/// Returns true if a rule that counts may deny a request, in a mode of the plugin and by the policy of its pack.
/// Whether a statement is about the rule is decided by its rules alone: it may be about it.
pub(crate) fn is_needed(inspector: &Inspector, mode: Mode) -> bool {
    let tables = inspector.pack().tables();
    let counts: BehaviourFields = COUNTS.into_iter().collect();
    let asked = inspector.asks_behaviour();
    if mode != Mode::Enforce || !asked.iter().any(|field| counts.contains(field)) {
        return false;
    }
    let n_rules = u32::try_from(tables.rules.len()).unwrap_or(u32::MAX);
    (0..n_rules).map(RuleId).any(|rule| {
        let asks = inspector.behaviour_of(rule);
        asks.iter().any(|field| counts.contains(field)) && may_be_enforced(tables, rule)
    })
}

fn may_be_enforced(tables: &Tables, rule: RuleId) -> bool {
    let policy = &tables.policy;
    policy.default == Mode::Enforce
        || policy.statements.iter().any(|statement| {
            let rules = statement.scope.rules.of(&policy.rules);
            statement.mode == Mode::Enforce
                && (rules.is_empty() || rules.binary_search(&rule).is_ok())
        })
}
