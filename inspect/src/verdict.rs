//! What came out: every rule that matched, on what evidence.

use crate::anomaly::Anomalies;
use crate::behaviour::BehaviourFields;
use crate::ids::{AtomId, RuleId};
use crate::pack::Phase;
use crate::truth::Truth;

/// In which form of the request a rule matched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum View {
    /// As it came.
    #[default]
    Raw,
    /// As a careful server reads it: lower case, one spelling for what means the same.
    Canonical,
    /// As the most lenient reader may take it: every escape undone, hidden targets in place of what hides them.
    Decoded,
    /// With the server name of TLS in the place of the host.
    ServerName,
    /// With the name that CONNECT asked for in the place of the host.
    Tunnel,
}

impl View {
    /// The name in events and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            View::Raw => "raw",
            View::Canonical => "canonical",
            View::Decoded => "decoded",
            View::ServerName => "server-name",
            View::Tunnel => "tunnel",
        }
    }
}

/// Every rule that matched a request, in the pack's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The rules that matched.
    pub matches: Vec<RuleMatch>,
    /// What is odd about the request.
    pub anomalies: Anomalies,
    /// Whether the request was larger than the bounds in [`crate::limits`], so that some of it was not
    /// looked at.
    pub truncated: bool,
    /// Whether a rule that does not match may do so once the response is known. Where it may not, the
    /// verdict is the last.
    pub pending: bool,
    /// The fields of behaviour that rules ask which neither match nor fail without them: where there are
    /// some, the request concerns behaviour. Empty where a pack has no such rules.
    pub asks: BehaviourFields,
}

/// One rule that matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleMatch {
    /// Which rule.
    pub rule: RuleId,
    /// In which view: the first of those in which it matched, in the order of [`View`].
    pub view: View,
    /// When the match was certain. A rule may ask for what only the response has and still match
    /// on the request: the address that a request goes to, where the host is one.
    pub phase: Phase,
    /// Whether the match is an alert by itself: not where a correlation took the rule in without
    /// `generate: true`.
    pub alerts: bool,
    /// What was found: the detection items that hold and are not under a `not`.
    /// At most [`crate::limits::MAX_EVIDENCE`].
    pub evidence: Vec<Evidence>,
}

/// A detection item that holds, and why.
///
/// The value is quoted as it came: it may hold a secret. What leaves the gateway goes through
/// [`crate::redact`] first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The atom in the pack.
    pub atom: AtomId,
    /// The field and its modifiers, as Sigma writes them.
    pub label: String,
    /// The field; `keywords` for a keyword.
    pub field: String,
    /// The value of the rule that was found, as its author wrote it.
    pub pattern: String,
    /// The value of the request in which it was found, at most
    /// [`crate::limits::MAX_EVIDENCE_BYTES`] bytes of it.
    pub value: Vec<u8>,
}

/// A rule's condition on an event: the tree, each part with its truth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The identifier of the selection that this part is, if it is one.
    pub name: Option<String>,
    /// Whether it holds.
    pub truth: Truth,
    /// What it is.
    pub node: Node,
}

/// A part of a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// Holds if all parts do.
    All(Vec<Condition>),
    /// Holds if any part does.
    Any(Vec<Condition>),
    /// Holds if the part does not.
    Not(Box<Condition>),
    /// A detection item.
    Item {
        /// The field and its modifiers, as Sigma writes them.
        label: String,
        /// The values that the rule lists, as the author wrote them.
        patterns: Vec<String>,
        /// What was found, if it holds.
        evidence: Option<Evidence>,
        /// The first values that the event has for the field, at most [`crate::limits::MAX_SEEN`]; none for a
        /// keyword.
        seen: Vec<Vec<u8>>,
    },
}
