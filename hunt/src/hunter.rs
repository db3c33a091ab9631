//! Log lines against a pack.

use inspect::{
    Action, CorrelationHit, Inspector, Pack, RuleId, Ruling, Source, User, Verdict, redact,
};
use traffic::json::Time;
use traffic::{Entry, FieldMap, Layout, LogReader, LoggedRequest, Unreadable};

use crate::counts::Counts;
use crate::events;
use crate::given::Given;
use crate::policy_replay::{Decided, PolicyReplay, Recorded, Sender};
use crate::uses::Uses;

/// Judges the lines of a log by a pack.
#[derive(Debug)]
pub struct Hunter {
    reader: LogReader,
    judge: Judge,
}

/// A pack, and what of an event is reported.
#[derive(Debug)]
pub(crate) struct Judge {
    pub(crate) inspector: Inspector,
    pub(crate) events: events::Binding,
    show_values: bool,
    policy: Option<PolicyReplay>,
    learns: bool,
}

/// What was found in a piece of a log.
#[derive(Debug, Default)]
pub struct PieceReport {
    /// How many lines and events there are, and why lines were not read.
    pub counts: Counts,
    pub(crate) hits: Vec<Hit>,
    /// The fields that requests had; nothing if there were none.
    pub(crate) given: Option<Given>,
    /// What sources did, if that is asked for.
    pub(crate) uses: Option<Uses>,
}

/// An event that a rule matched.
#[derive(Debug)]
pub(crate) struct Hit {
    /// The line in the piece, from 1.
    pub(crate) line: u64,
    pub(crate) time_ms: Option<i64>,
    pub(crate) has_bad_time: bool,
    /// Method, host, path template and source address, where the event is a request.
    pub(crate) request: Option<Summary>,
    pub(crate) matches: Vec<Matched>,
    pub(crate) hits: Vec<CorrelationHit>,
    /// The decision of the policy, where there is one.
    pub(crate) decided: Option<Decided>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Summary {
    pub(crate) method: String,
    pub(crate) host: String,
    pub(crate) path: String,
    pub(crate) source: String,
}

/// A rule that matched, and why: the field, what the rule looks for, and the value where it may be shown.
#[derive(Debug)]
pub(crate) struct Matched {
    pub(crate) rule: RuleId,
    pub(crate) evidence: Vec<(String, String, Option<String>)>,
    pub(crate) ruling: Option<Ruling>,
}

impl PieceReport {
    /// Returns the report of a line that was too long to be read at all.
    pub fn too_long() -> PieceReport {
        let mut report = PieceReport::default();
        report.counts.n_lines = 1;
        report.counts.refuse(1, Unreadable::TooLong);
        report
    }
}

impl Hunter {
    /// Returns a hunter for logs of a layout. `map` says what the keys of [`traffic::Format::Json`]
    /// mean; with `show_values` records contain whole paths and the values in which rules were found.
    pub fn new(pack: Pack, layout: impl Into<Layout>, map: &FieldMap, show_values: bool) -> Hunter {
        let layout = layout.into();
        let events = events::Binding::new(pack.tables(), layout.format, map);
        let inspector = Inspector::new(pack);
        let judge = Judge { inspector, events, show_values, policy: None, learns: false };
        Hunter { reader: LogReader::new(layout, map), judge }
    }

    /// Returns the hunter with the pack's policy: matches that it turns off are left out, and those that
    /// it excepts are counted.
    #[must_use]
    pub fn with_policy(mut self, policy: PolicyReplay) -> Hunter {
        self.judge.policy = Some(policy);
        self
    }

    /// Returns the hunter for learning: what sources did is kept.
    #[must_use]
    pub fn with_uses(mut self) -> Hunter {
        self.judge.learns = true;
        self
    }

    /// Returns the pack.
    pub fn pack(&self) -> &Pack {
        self.judge.inspector.pack()
    }

    /// Judges a piece of a log, or a whole document where the layout is one.
    pub fn hunt(&mut self, piece: &[u8]) -> PieceReport {
        let mut report = PieceReport::default();
        let Hunter { reader, judge } = self;
        reader.read(piece, &mut |number, entry| {
            let counts = &mut report.counts;
            counts.n_lines += 1;
            let hit = match entry {
                Ok(Entry::Blank) => {
                    counts.n_blank += 1;
                    return;
                }
                Ok(Entry::Request(logged)) => {
                    logged.unread.iter().for_each(|key| counts.leave_out(key));
                    counts.n_without_path += u64::from(logged.lacks_path);
                    report.given.get_or_insert_default().add(Given::of(&logged.line));
                    judge.request(logged, number, &mut report.uses)
                }
                Ok(Entry::Object(line)) => judge.object(line, number),
                Err(reason) => Err(reason),
            };
            match hit {
                Ok(hit) => {
                    counts.n_events += 1;
                    report.hits.extend(hit);
                }
                Err(reason) => counts.refuse(number, reason),
            }
        });
        report
    }
}

impl Judge {
    fn request(
        &mut self,
        logged: &LoggedRequest<'_>,
        number: u64,
        uses: &mut Option<Uses>,
    ) -> Result<Option<Hit>, Unreadable> {
        let lent = logged.line.lend();
        let address = lent.source_address;
        let sender = Sender { name: logged.identity.as_deref(), address };
        let key = self.policy.and_then(|policy| policy.key);
        let user = User { source: sender.lend(), key };
        let verdict = self.inspector.inspect_of(&lent, &user);
        if self.learns {
            let time_ms = logged.time.and_then(Time::milliseconds);
            uses.get_or_insert_default().record(&self.inspector, &lent, &user, &verdict, time_ms);
        }
        self.hit(verdict, number, logged.time, Recorded::Request(&lent, sender.lend()))
    }

    fn object(&mut self, line: &[u8], number: u64) -> Result<Option<Hit>, Unreadable> {
        let events = &self.events;
        let mut read = Err(Unreadable::NotJson);
        let verdict = self.inspector.inspect_event(|_, event| {
            read = events.answer(line, event);
        });
        let time = read?;
        self.hit(verdict, number, time, Recorded::Object(line))
    }

    /// Returns what is kept of an event that something matched. The time is only read where it is needed.
    fn hit(
        &mut self,
        mut verdict: Verdict,
        line: u64,
        time: Option<Time<'_>>,
        event: Recorded<'_>,
    ) -> Result<Option<Hit>, Unreadable> {
        if verdict.matches.is_empty() {
            return Ok(None);
        }
        let time_ms = time.and_then(Time::milliseconds);
        let (hits, decided) = match self.policy {
            None => (self.inspector.correlation_hits(&verdict), None),
            Some(policy) => self.decide(&policy, &mut verdict, event, time_ms)?,
        };
        let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
        let request = event.request().map(|request| Summary {
            method: text(request.method),
            host: redact::host(request.authority),
            path: match request.path {
                Some(path) if self.show_values => text(path),
                path => redact::path_template(
                    self.inspector.pack().tables(),
                    request.authority,
                    path.unwrap_or_default(),
                ),
            },
            source: text(request.source_address.unwrap_or_default()),
        });
        let is_reported = |decided: &Decided| decided.decision.action != Action::Allow;
        let rulings = decided.iter().flat_map(|decided| &decided.decision.rulings);
        let rulings = rulings.map(|ruling| Some(*ruling)).chain(std::iter::repeat(None));
        let alerts = verdict.matches.iter().zip(rulings).filter(|(matched, _)| matched.alerts);
        let matches = alerts.map(|(matched, ruling)| Matched {
            rule: matched.rule,
            ruling,
            evidence: matched
                .evidence
                .iter()
                .map(|evidence| {
                    let value = self.show_values.then(|| String::from_utf8_lossy(&evidence.value));
                    let value = value.map(std::borrow::Cow::into_owned);
                    (evidence.label.clone(), evidence.pattern.clone(), value)
                })
                .collect(),
        });
        // As with events, a request whose matches are all excepted is only counted.
        let matches =
            if decided.as_ref().is_none_or(is_reported) { matches.collect() } else { Vec::new() };
        let has_bad_time = time.is_some() && time_ms.is_none();
        Ok(Some(Hit { line, time_ms, has_bad_time, request, matches, hits, decided }))
    }

    /// Returns the hits of an event for correlations and the decision of the policy; takes matches that
    /// are not reported out of the verdict.
    fn decide(
        &mut self,
        policy: &PolicyReplay,
        verdict: &mut Verdict,
        event: Recorded<'_>,
        time_ms: Option<i64>,
    ) -> Result<(Vec<CorrelationHit>, Option<Decided>), Unreadable> {
        let input;
        let lent;
        let (request, source) = match event {
            Recorded::Request(request, source) => (request, source),
            Recorded::Object(line) => {
                input = self.events.policy_input(line)?;
                lent = input.lend();
                let address = lent.source_address;
                (&lent, Source { address, ..Source::default() })
            }
        };
        let decided = policy.decide(self.inspector.pack(), verdict, request, source, time_ms);
        let rulings = decided.decision.rulings.iter();
        let matches = verdict.matches.iter().zip(rulings);
        let left = matches.filter(|(_, ruling)| ruling.exception.is_none());
        let left = left.map(|(matched, _)| matched.clone()).collect();
        let hits =
            self.inspector.correlation_hits(&Verdict { matches: left, ..Verdict::default() });
        Ok((hits, Some(decided)))
    }
}

#[cfg(test)]
mod tests;
