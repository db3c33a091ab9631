//! Correlations to tables: names to indices, those that others take in first.

use std::collections::{BTreeSet, HashMap};

use inspect::limits::MAX_GROUP_EVENTS;
use inspect::pack::{self, CorrelationKind, InputKind, Level, NO_FIELD};
use inspect::{CorrelationId, ProxyField, RuleId, StrId};

use super::{Compiler, end_of, name_condition};
use crate::codes;
use crate::correlation::{Correlation, Reference};
use crate::limits::{MAX_CORRELATION_PARTS, MAX_CORRELATIONS};
use crate::rule::{Comparison, Rule};
use diagnostics::closest;
use diagnostics::{Code, Diagnostic, Place};

/// The tables of correlations, and what they can take in.
#[derive(Debug, Default)]
pub(super) struct Correlations {
    pub(super) compiled: Vec<pack::Correlation>,
    pub(super) inputs: Vec<pack::CorrelationInput>,
    pub(super) thresholds: Vec<pack::Threshold>,
    pub(super) code: Vec<u32>,
    pub(super) group_names: Vec<StrId>,
    pub(super) input_fields: Vec<u32>,
    names: HashMap<String, Vec<Target>>,
}

/// What a name means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    Rule {
        id: RuleId,
        /// Whether its events have the fields of the proxy taxonomy and no others.
        is_proxy: bool,
    },
    Correlation(CorrelationId),
}

impl Correlations {
    /// Takes note of a rule that was compiled.
    pub(super) fn name_rule(&mut self, rule: &Rule, id: RuleId) {
        let is_proxy = rule.logsource.category.as_deref() == Some("proxy");
        self.name(&rule.metadata, Target::Rule { id, is_proxy });
    }

    fn name(&mut self, metadata: &crate::rule::Metadata, target: Target) {
        let names: BTreeSet<_> = [&metadata.id, &metadata.name].into_iter().flatten().collect();
        for name in names {
            self.names.entry(name.clone()).or_default().push(target);
        }
    }
}

impl Compiler {
    /// Adds correlations, in any order, after all rules that they take in.
    ///
    /// Rules that a correlation takes in without `generate: true` are marked: their matches are no
    /// alerts by themselves ([`inspect::pack::Rule::alerts`]).
    ///
    /// Gives, for each correlation, its place in the pack or why it is refused. One that takes in a
    /// refused one is refused too.
    pub fn add_correlations(
        &mut self,
        correlations: &[Correlation],
    ) -> Vec<Result<CorrelationId, Vec<Diagnostic>>> {
        let mut results: Vec<Option<Result<CorrelationId, Vec<Diagnostic>>>> =
            correlations.iter().map(|_| None).collect();
        let mut given: HashMap<&str, Vec<usize>> = HashMap::new();
        for (idx, of) in correlations.iter().enumerate() {
            for name in [&of.metadata.id, &of.metadata.name].into_iter().flatten() {
                given.entry(name).or_default().push(idx);
            }
        }
        // Each round adds what takes in only what is there; a round that adds nothing is the last.
        loop {
            let mut n_done = 0;
            for (idx, of) in correlations.iter().enumerate() {
                let waits = |reference: &Reference| {
                    let pending = given.get(reference.text.as_str()).into_iter().flatten();
                    let is_open = |idx: &usize| matches!(results.get(*idx), Some(None));
                    !self.correlations.names.contains_key(&reference.text)
                        && pending.into_iter().any(is_open)
                };
                if !matches!(results.get(idx), Some(None)) || of.rules.iter().any(waits) {
                    continue;
                }
                let result = self.add_correlation(of);
                if let Some(place) = results.get_mut(idx) {
                    *place = Some(result);
                    n_done += 1;
                }
            }
            if n_done == 0 {
                break;
            }
        }
        let ends = results.into_iter().zip(correlations);
        ends.map(|(result, of)| result.unwrap_or_else(|| Err(vec![circular(of)]))).collect()
    }

    fn add_correlation(&mut self, of: &Correlation) -> Result<CorrelationId, Vec<Diagnostic>> {
        let id = CorrelationId(end_of(&self.correlations.compiled));
        let mut problems = Problems { of, list: Vec::new() };
        let targets = self.targets(&mut problems);
        problems.check(&targets, id);
        let code = problems.program();
        if !problems.list.is_empty() {
            return Err(problems.list);
        }
        let is_ordered = ordered_inputs(of);
        let inputs_start = end_of(&self.correlations.inputs);
        for ((idx, reference), target) in of.rules.iter().enumerate().zip(&targets) {
            let fields_start = end_of(&self.correlations.input_fields);
            for name in &of.group_by {
                let place = self.place(of, reference, *target, &name.text);
                self.correlations.input_fields.push(place);
            }
            let fields_end = end_of(&self.correlations.input_fields);
            let measured = match &of.field {
                Some(field) => self.place(of, reference, *target, &field.text),
                None => NO_FIELD,
            };
            let (kind, taken) = match target {
                Target::Rule { id, .. } => (InputKind::Rule, id.0),
                Target::Correlation(id) => (InputKind::Correlation, id.0),
            };
            let input = pack::CorrelationInput {
                kind,
                of: taken,
                fields_start,
                fields_end,
                measured,
                is_ordered: is_ordered(idx),
            };
            self.correlations.inputs.push(input);
            if !of.generate {
                self.silence(*target);
            }
        }
        let thresholds_start = end_of(&self.correlations.thresholds);
        self.correlations.thresholds.extend(of.thresholds.iter().map(|threshold| {
            pack::Threshold {
                comparison: threshold.comparison,
                negated: threshold.negated,
                number: threshold.number.to_bits(),
            }
        }));
        let code_start = end_of(&self.correlations.code);
        self.correlations.code.extend(code);
        let group_start = end_of(&self.correlations.group_names);
        for name in &of.group_by {
            let name = self.strings.id(&name.text);
            self.correlations.group_names.push(name);
        }
        let tags_start = end_of(&self.tags);
        for tag in &of.metadata.tags {
            let tag = self.strings.id(tag);
            self.tags.push(tag);
        }
        let compiled = pack::Correlation {
            id: self.strings.id(of.id_or_title()),
            title: self.strings.id(&of.metadata.title),
            author: self.strings.id(of.metadata.author.as_deref().unwrap_or_default()),
            status: self.strings.id(of.metadata.status.as_deref().unwrap_or_default()),
            level: of.metadata.level.unwrap_or(Level::Unset),
            kind: of.kind,
            alerts: true,
            percentile: of.percentile,
            timespan_ms: of.timespan_ms,
            tags_start,
            tags_end: end_of(&self.tags),
            group_start,
            group_end: end_of(&self.correlations.group_names),
            inputs_start,
            inputs_end: end_of(&self.correlations.inputs),
            thresholds_start,
            thresholds_end: end_of(&self.correlations.thresholds),
            condition: self.strings.id(of.names.as_ref().map_or("", |names| &names.text)),
            code_start,
            code_end: end_of(&self.correlations.code),
        };
        self.correlations.compiled.push(compiled);
        self.correlations.name(&of.metadata, Target::Correlation(id));
        Ok(id)
    }

    /// What the rules of a correlation mean.
    fn targets(&self, problems: &mut Problems<'_>) -> Vec<Target> {
        let mut targets = Vec::new();
        let of = problems.of;
        for reference in &of.rules {
            match self.correlations.names.get(&reference.text).map(Vec::as_slice) {
                Some([target]) => targets.push(*target),
                Some(several) => {
                    let message = format!("`{}` names {} rules", reference.text, several.len());
                    let help = "give each rule a name of its own, or name this one by its `id`";
                    problems.add(&codes::UNKNOWN_RULE, reference, message, help);
                }
                None => {
                    let mut names: Vec<_> =
                        self.correlations.names.keys().map(String::as_str).collect();
                    names.sort_unstable();
                    let help = match closest(&reference.text, names.into_iter()) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => "give the `id` or the `name` of a rule that is read together with the correlation and is not refused itself".into(),
                    };
                    let message = format!("there is no rule `{}`", reference.text);
                    problems.add(&codes::UNKNOWN_RULE, reference, message, help);
                }
            }
        }
        targets
    }

    /// What answers a name of `group-by` in one of the rules that a correlation takes in.
    fn place(&mut self, of: &Correlation, rule: &Reference, target: Target, name: &str) -> u32 {
        let alias = of.aliases.iter().find(|alias| alias.name.text == name);
        let field = match alias {
            None => name,
            Some(alias) => match alias.fields.iter().find(|(of, _)| of.text == rule.text) {
                Some((_, field)) => field,
                None => return NO_FIELD,
            },
        };
        match target {
            Target::Rule { .. } => self.field(Some(field)).0,
            Target::Correlation(id) => {
                let taken = self.correlations.compiled.get(id.index());
                let range = taken
                    .map_or(0..0, |taken| taken.group_start as usize..taken.group_end as usize);
                let name = self.strings.id(field);
                let names = self.correlations.group_names.get(range).unwrap_or_default();
                let place = names.iter().position(|known| *known == name);
                place.and_then(|place| u32::try_from(place).ok()).unwrap_or(NO_FIELD)
            }
        }
    }

    fn silence(&mut self, target: Target) {
        match target {
            Target::Rule { id, .. } => {
                if let Some(rule) = self.rules.get_mut(id.index()) {
                    rule.alerts = false;
                }
            }
            Target::Correlation(id) => {
                if let Some(of) = self.correlations.compiled.get_mut(id.index()) {
                    of.alerts = false;
                }
            }
        }
    }
}

/// Returns which inputs have to come in their order.
fn ordered_inputs(of: &Correlation) -> impl Fn(usize) -> bool {
    let is_ordered = of.kind == CorrelationKind::TemporalOrdered;
    let wanted = of.names.as_ref().map(|names| name_condition::wanted(&names.condition));
    move |idx| is_ordered && wanted.as_ref().is_none_or(|wanted| wanted.contains(&idx))
}

/// Returns true if a count has to go beyond what is kept of one group.
#[expect(clippy::cast_precision_loss, reason = "the bound is small")]
fn counts_too_far(of: &Correlation) -> bool {
    let counts = matches!(of.kind, CorrelationKind::EventCount | CorrelationKind::ValueCount);
    let most = MAX_GROUP_EVENTS as f64;
    counts
        && of.thresholds.iter().any(|threshold| match threshold.comparison {
            Comparison::Greater => threshold.number >= most,
            Comparison::Equal
            | Comparison::Less
            | Comparison::LessOrEqual
            | Comparison::GreaterOrEqual => threshold.number > most,
        })
}

fn circular(of: &Correlation) -> Diagnostic {
    Diagnostic {
        code: &codes::CIRCULAR_CORRELATION,
        message: format!("`{}` takes in itself, perhaps through others", of.metadata.title),
        help: "let each correlation take in rules, or correlations that do not lead back to it"
            .into(),
        place: Place {
            file: of.file.clone(),
            span: of.rules.first().map_or(of.span, |rule| rule.span),
        },
        fix: None,
    }
}

struct Problems<'c> {
    of: &'c Correlation,
    list: Vec<Diagnostic>,
}

impl Problems<'_> {
    /// Everything in a correlation that its rules decide.
    fn check(&mut self, targets: &[Target], id: CorrelationId) {
        let of = self.of;
        for alias in &of.aliases {
            let name = &alias.name;
            let is_used = of.group_by.iter().chain(&of.field).any(|used| used.text == name.text);
            if !is_used {
                let message = format!("nothing uses the alias `{}`", name.text);
                let help = "name it in `group-by`, or remove it";
                self.add(&codes::BROKEN_ALIAS, name, message, help);
            }
            for (rule, _) in &alias.fields {
                if of.rules.iter().all(|taken| taken.text != rule.text) {
                    let message = format!("the correlation does not take in `{}`", rule.text);
                    let help = "name the rule in the alias as `rules` does";
                    self.add(&codes::BROKEN_ALIAS, rule, message, help);
                }
            }
        }
        for name in of.group_by.iter().chain(&of.field) {
            let is_alias = of.aliases.iter().any(|alias| alias.name.text == name.text);
            let of_proxy =
                targets.iter().any(|target| matches!(target, Target::Rule { is_proxy: true, .. }));
            if !is_alias && of_proxy && ProxyField::from_name(&name.text).is_none() {
                let fields = inspect::PROXY_FIELDS.iter().map(|(name, _)| *name);
                let help = match closest(&name.text, fields) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "use a field of the proxy taxonomy".into(),
                };
                let message = format!("proxy events have no field `{}`", name.text);
                self.add(&codes::UNKNOWN_FIELD, name, message, help);
            }
        }
        let too_large = [
            (of.rules.len() > MAX_CORRELATION_PARTS, "takes in too many rules"),
            (of.group_by.len() > MAX_CORRELATION_PARTS, "groups by too many fields"),
            (id.index() >= MAX_CORRELATIONS, "is one too many for a pack"),
            (counts_too_far(of), "counts further than events are kept for one group"),
        ];
        for (is_too_large, what) in too_large {
            if is_too_large {
                let whole = Reference { text: String::new(), span: of.span };
                let message = format!("the correlation {what}");
                let help = format!(
                    "split it; a group keeps {MAX_GROUP_EVENTS} events, a correlation takes in {MAX_CORRELATION_PARTS} rules"
                );
                self.add(&codes::CORRELATION_TOO_LARGE, &whole, message, help);
            }
        }
    }

    /// The program of the condition over names; empty where there is none.
    fn program(&mut self) -> Vec<u32> {
        let Some(names) = &self.of.names else { return Vec::new() };
        let program = name_condition::program(&names.condition);
        if program.is_none() {
            let whole = Reference { text: String::new(), span: names.span };
            let message = "the condition is nested too deeply".into();
            self.add(&codes::BROKEN_CONDITION, &whole, message, "split the correlation");
        }
        program.unwrap_or_default()
    }

    fn add(
        &mut self,
        code: &'static Code,
        at: &Reference,
        message: String,
        help: impl Into<String>,
    ) {
        let place = Place { file: self.of.file.clone(), span: at.span };
        self.list.push(Diagnostic { code, message, help: help.into(), place, fix: None });
    }
}
