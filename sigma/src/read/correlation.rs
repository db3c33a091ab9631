//! Correlations.

mod names;

use inspect::limits::MAX_TIMESPAN_MS;

use super::{DocumentKind, MapOf, Reader};
use crate::codes;
use crate::correlation::{
    Alias, COMPARISONS, CORRELATION_KINDS as KINDS, Correlation, CorrelationKind, Reference,
    Threshold,
};
use crate::rule::Comparison;
use diagnostics::Span;
use diagnostics::closest;
use diagnostics::yaml::{Node, Scalar};
use names::named_rules;

/// Units of `timespan` in seconds; month and year as pySigma counts them.
const UNITS: &[(char, u64)] = &[
    ('s', 1),
    ('m', 60),
    ('h', 3600),
    ('d', 86_400),
    ('w', 604_800),
    ('M', 2_629_746),
    ('y', 31_556_952),
];

const KEYS: &[&str] =
    &["type", "rules", "aliases", "group-by", "timespan", "condition", "generate"];

impl Reader<'_, '_> {
    /// A document with `correlation`.
    pub(super) fn correlation(&mut self, document: &Node) -> Option<Correlation> {
        let document_kind = DocumentKind::Correlation;
        let map = self.map(document, MapOf::Document(document_kind))?;
        let metadata = self.metadata(document_kind, map, document.span);
        let (_, node) = map.iter().find(|(key, _)| key.text() == Some("correlation"))?;
        let inside = self.map(node, MapOf::Key("correlation"))?;
        for (key, _) in inside {
            let name = key.text().unwrap_or_default();
            if !KEYS.contains(&name) {
                let near = closest(name, KEYS.iter().copied());
                let help = match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("the keys are {}", KEYS.join(", ")),
                };
                let message = format!("correlations have no key `{name}`");
                self.refuse(&codes::UNKNOWN_CORRELATION_KEY, key.span, message, help);
                self.fix(near, key.part(0..name.chars().count()));
            }
        }
        let value = |name: &str| {
            inside.iter().find(|(key, _)| key.text() == Some(name)).map(|(_, value)| value)
        };
        // What every correlation needs is not there where it is null.
        let needed = |name: &str| value(name).filter(|node| node.scalar() != Some(Scalar::Null));
        let kind = match needed("type") {
            Some(node) => {
                let names: Vec<_> = KINDS.iter().map(|(name, _)| *name).collect();
                let name = self.one_of("type", node, &names);
                let kind = KINDS.iter().find(|(kind, _)| name.as_deref() == Some(*kind));
                kind.map(|(_, kind)| *kind)
            }
            None => {
                self.missing(
                    DocumentKind::Correlation,
                    "type",
                    node.span,
                    "say `type: event_count`, or another type",
                );
                None
            }
        };
        let is_temporal =
            matches!(kind, Some(CorrelationKind::Temporal | CorrelationKind::TemporalOrdered));
        let over_names = value("condition").filter(|node| is_temporal && node.text().is_some());
        let rules = match (needed("rules"), over_names) {
            (Some(node), _) => self.references("rules", node),
            // As in pySigma, a condition over names says itself which rules it takes in.
            (None, Some(node)) => named_rules(node),
            (None, None) => Vec::new(),
        };
        if rules.is_empty() && !self.refused {
            let help = "list the rules that it takes in, by `id` or `name`";
            self.missing(DocumentKind::Correlation, "rules", node.span, help);
        }
        let aliases = value("aliases").map(|node| self.aliases(node)).unwrap_or_default();
        let group_by =
            value("group-by").map(|node| self.references("group-by", node)).unwrap_or_default();
        let timespan_ms = match needed("timespan") {
            Some(node) => self.timespan(node),
            None => {
                self.missing(
                    DocumentKind::Correlation,
                    "timespan",
                    node.span,
                    "say how long, as `timespan: 5m`",
                );
                None
            }
        };
        let top = map.iter().find(|(key, _)| key.text() == Some("generate"));
        let generate = value("generate").or(top.map(|(_, value)| value));
        let generate = generate.is_some_and(|node| self.truth("generate", node));
        let mut names = None;
        let mut condition = Condition::default();
        match over_names {
            Some(node) => names = self.name_condition(node, &rules),
            None => {
                condition = self.thresholds(kind, value("condition"), node.span, rules.len());
            }
        }
        if self.refused {
            return None;
        }
        let Condition { field, percentile, thresholds } = condition;
        Some(Correlation {
            file: self.source.name.into(),
            span: document.span,
            metadata,
            kind: kind?,
            rules,
            aliases,
            group_by,
            timespan_ms: timespan_ms?,
            field,
            percentile: percentile.unwrap_or_default(),
            thresholds,
            names,
            generate,
        })
    }

    fn truth(&mut self, key: &str, node: &Node) -> bool {
        match node.scalar() {
            Some(Scalar::Bool(truth)) => truth,
            _ => {
                let message = format!("`{key}` is neither true nor false");
                self.refuse(&codes::WRONG_TYPE, node.span, message, "write `true` or `false`");
                false
            }
        }
    }

    fn aliases(&mut self, node: &Node) -> Vec<Alias> {
        let mut aliases = Vec::new();
        for (key, value) in self.map(node, MapOf::Key("aliases")).unwrap_or_default() {
            let name = key.text().unwrap_or_default().to_owned();
            let mut fields = Vec::new();
            for (rule, field) in self.map(value, MapOf::Key(&name)).unwrap_or_default() {
                let text = rule.text().unwrap_or_default().to_owned();
                match self.text(&text, field) {
                    Some(field) => fields.push((Reference { text, span: rule.span }, field)),
                    // Of another kind it was refused already; null would leave the rule without the alias.
                    None if field.scalar().is_none() => {}
                    None => {
                        let message = format!("the alias `{name}` names no field of `{text}`");
                        let help = "write the name of the field behind the rule";
                        self.refuse(&codes::BROKEN_ALIAS, field.span, message, help);
                    }
                }
            }
            aliases.push(Alias { name: Reference { text: name, span: key.span }, fields });
        }
        aliases
    }

    fn timespan(&mut self, node: &Node) -> Option<u64> {
        let text = node.text().unwrap_or_default().trim();
        let milliseconds = || {
            let unit = text.chars().last()?;
            let (_, seconds) = UNITS.iter().find(|(name, _)| *name == unit)?;
            let digits = text.strip_suffix(unit)?;
            let digits =
                Some(digits).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
            let number: u64 = digits.parse().ok()?;
            let milliseconds = number.checked_mul(seconds * 1000)?;
            (1..=MAX_TIMESPAN_MS).contains(&milliseconds).then_some(milliseconds)
        };
        let milliseconds = milliseconds();
        if milliseconds.is_none() {
            let message = format!("`{text}` is not a time span");
            let help = "write a whole number and a unit, as `30s`, `5m`, `1h` or `7d`";
            self.refuse(&codes::BROKEN_TIMESPAN, node.span, message, help);
        }
        milliseconds
    }

    fn thresholds(
        &mut self,
        kind: Option<CorrelationKind>,
        node: Option<&Node>,
        span: Span,
        n_rules: usize,
    ) -> Condition {
        let mut condition = Condition::default();
        let is_temporal =
            matches!(kind, Some(CorrelationKind::Temporal | CorrelationKind::TemporalOrdered));
        let Some(node) = node else {
            if is_temporal {
                // All of the rules, where a temporal correlation does not say how many.
                #[expect(clippy::cast_precision_loss, reason = "a list of rules is short")]
                let number = n_rules as f64;
                let comparison = Comparison::GreaterOrEqual;
                condition.thresholds.push(Threshold { comparison, negated: false, number });
            } else if kind.is_some() {
                let help = "say when it matches, as `condition: {gte: 10}`";
                self.missing(DocumentKind::Correlation, "condition", span, help);
            }
            return condition;
        };
        for (key, value) in self.map(node, MapOf::Key("condition")).unwrap_or_default() {
            let name = key.text().unwrap_or_default();
            match name {
                "field" => {
                    let text = self.text(name, value);
                    condition.field = text.map(|text| Reference { text, span: value.span });
                }
                "percentile" => {
                    let number = value.text().and_then(|text| text.parse().ok());
                    condition.percentile = number.filter(|number| *number <= 100);
                    if condition.percentile.is_none() {
                        let message = "`percentile` is not a whole number from 0 to 100".into();
                        let help = "write it as `percentile: 95`";
                        self.refuse(&codes::BROKEN_THRESHOLD, value.span, message, help);
                    }
                }
                _ => self.threshold(name, key, value, &mut condition),
            }
        }
        self.complete(kind, node, &condition);
        condition
    }

    fn threshold(&mut self, name: &str, key: &Node, value: &Node, condition: &mut Condition) {
        let Some((_, comparison, negated)) = COMPARISONS.iter().find(|(of, _, _)| *of == name)
        else {
            let message = format!("`{name}` is not a comparison");
            let help =
                "use lt, lte, gt, gte, eq or neq; and field and percentile where they belong";
            self.refuse(&codes::BROKEN_THRESHOLD, key.span, message, help);
            return;
        };
        let number = match value.scalar() {
            Some(Scalar::Number(number)) => number.parse::<f64>().ok(),
            _ => None,
        };
        match number {
            Some(number) => {
                let (comparison, negated) = (*comparison, *negated);
                condition.thresholds.push(Threshold { comparison, negated, number });
            }
            None => {
                let message = format!("`{name}` is not followed by a number");
                let help = format!("write a number, as `{name}: 10`");
                self.refuse(&codes::BROKEN_THRESHOLD, value.span, message, help);
            }
        }
    }

    /// Whether the condition says what its type needs, and nothing that has no meaning for it.
    fn complete(&mut self, kind: Option<CorrelationKind>, node: &Node, condition: &Condition) {
        let Some(kind) = kind else { return };
        let needs_field = !matches!(
            kind,
            CorrelationKind::EventCount
                | CorrelationKind::Temporal
                | CorrelationKind::TemporalOrdered
        );
        let needs_percentile = kind == CorrelationKind::ValuePercentile;
        let name = KINDS.iter().find(|(_, of)| *of == kind).map_or("", |(name, _)| name);
        let parts = [
            ("field", needs_field, condition.field.is_some()),
            ("percentile", needs_percentile, condition.percentile.is_some()),
        ];
        for (part, needed, given) in parts {
            if needed == given || self.refused {
                continue;
            }
            let (message, help) = if needed {
                (format!("a `{name}` needs `{part}`"), format!("add `{part}` to the condition"))
            } else {
                let message = format!("`{part}` has no meaning for `{name}`");
                (message, format!("remove `{part}`, or use a type that needs it"))
            };
            self.refuse(&codes::BROKEN_THRESHOLD, node.span, message, help);
        }
        if condition.thresholds.is_empty() && !self.refused {
            let message = "the condition compares with nothing".into();
            let help = "add lt, lte, gt, gte, eq or neq with a number";
            self.refuse(&codes::BROKEN_THRESHOLD, node.span, message, help);
        }
    }
}

#[derive(Default)]
struct Condition {
    field: Option<Reference>,
    percentile: Option<u8>,
    thresholds: Vec<Threshold>,
}
