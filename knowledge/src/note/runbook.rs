//! A runbook note: how a rule is tested on a gateway, and the result of its last run.

use std::sync::Arc;

use diagnostics::Span;

use super::Keys;

/// The keys that are read; others belong to whoever wrote them.
pub(super) const KEYS: &[&str] =
    &["kind", "rule", "last_run", "last_result", "last_pack", "last_rule"];

/// A runbook note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runbook {
    /// The name of its file.
    pub file: Arc<str>,
    /// The id of its rule.
    pub rule: String,
    /// The place of that id's key.
    pub rule_span: Span,
    /// The day of the last run through a gateway, as `2026-11-21`.
    pub last_run: Option<String>,
    /// Its result, as `passed, 6 of 6 steps`.
    pub last_result: Option<String>,
    /// The first digits of the hash of the pack that the gateway ran.
    pub last_pack: Option<String>,
    /// A hash of what the rule and its requests were then.
    pub last_rule: Option<String>,
}

impl Runbook {
    pub(super) fn read(file: &Arc<str>, keys: &mut Keys<'_, '_>) -> Option<Runbook> {
        keys.refuse_misspelt(KEYS);
        let rule = keys.required("rule", "write the id of the rule that the runbook tests");
        let help = "leave this key to `tidegate test --record`";
        let last_run = keys.text("last_run", help);
        let last_result = keys.text("last_result", help);
        let last_pack = recorded(keys, "last_pack", help);
        let last_rule = keys.text("last_rule", help);
        let rule_span = keys.place("rule");
        let file = Arc::clone(file);
        Some(Runbook { file, rule: rule?, rule_span, last_run, last_result, last_pack, last_rule })
    }
}

/// A text that may be empty: the log of a gateway need not name its pack.
fn recorded(keys: &mut Keys<'_, '_>, key: &str, help: &str) -> Option<String> {
    if keys.value(key).and_then(|node| node.text()) == Some("") {
        return None;
    }
    keys.text(key, help)
}
