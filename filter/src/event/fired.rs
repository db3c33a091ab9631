//! Correlations that fired, among the rules of an event.

use inspect::pack::{Correlation, Tables};
use inspect::{Mode, View};

use super::{MatchedRule, PolicyPart};
use crate::correlation::inline::Fired;
use crate::label::cut;
use crate::limits::MAX_TAGS;

/// A correlation, which reports in any mode.
pub(super) fn fired_correlation<'e>(
    tables: &'e Tables,
    fired: Fired,
    of: &Correlation,
    mode: Mode,
) -> MatchedRule<'e> {
    let tags = tables.correlation_tags(of).iter().take(MAX_TAGS);
    MatchedRule {
        id: cut(tables.str(of.id)),
        title: cut(tables.str(of.title)),
        level: of.level.as_str(),
        author: cut(tables.str(of.author)),
        tags: tags.map(|tag| cut(tables.str(*tag))).collect(),
        phase: "request",
        view: View::Raw.as_str(),
        kind: Some("correlation"),
        value: Some(fired.value.into()),
        policy: PolicyPart {
            mode: (mode != Mode::Monitor).then(|| Mode::Monitor.as_str()),
            ..PolicyPart::default()
        },
        evidence: Vec::new(),
    }
}
