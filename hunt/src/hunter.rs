//! Log lines against a pack.

use inspect::{
    Action, Behaviour, CorrelationHit, IdentityKey, Inspector, Pack, Request, RuleId, Ruling,
    ServiceMatch, ServiceUse, Source, User, Verdict, plain_host, redact,
};
use traffic::json::Time;
use traffic::{
    Duration, Entry, FieldMap, Format, Layout, LogReader, LoggedRequest, Refused, Unreadable,
};

use crate::behaviour::candidates::{Candidate, PassedOn};
use crate::behaviour::stored_request::StoredRequest;
use crate::behaviour::uses::{self, Noted, Sent};
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
    /// How objects of other formats answer fields, as far as the log has any.
    other_events: Vec<(Format, events::Binding)>,
    format: Format,
    /// The format of the object that is judged.
    object_format: Format,
    show_values: bool,
    policy: Option<PolicyReplay>,
    learns: bool,
    /// What is noted of behaviour, if anything is.
    noting: Option<Noting>,
}

/// What a thread has noted of behaviour before.
#[derive(Debug, Default)]
pub(crate) struct Noting {
    names: uses::Names,
    passed_on: PassedOn,
}

/// What was noted of a request.
struct Noticed {
    used: uses::Use,
    time_ms: Option<i64>,
}

/// What was found in a piece of a log.
#[derive(Debug, Default)]
pub struct PieceReport {
    /// How many lines and events there are, and why lines were not read.
    pub counts: Counts,
    pub(crate) hits: Vec<Hit>,
    /// The fields that requests had; nothing if there were none.
    pub(crate) given: Given,
    /// What sources did, if that is asked for.
    pub(crate) uses: Option<Uses>,
    /// What was noted of behaviour.
    pub(crate) noted: Noted,
    pub(crate) candidates: Vec<Candidate>,
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
    /// What its source did over time, where a rule asked for it.
    pub(crate) behaviour: Option<Behaviour>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Summary {
    /// The name of its service; empty where it has none.
    pub(crate) service: String,
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
        report.counts.refuse(1, Unreadable::TooLong.into());
        report
    }
}

impl Hunter {
    /// Returns a hunter for logs of a layout. `map` says what the keys of [`traffic::Format::Json`]
    /// mean; with `show_values` records contain whole paths and the values in which rules were found.
    pub fn new(pack: Pack, layout: impl Into<Layout>, map: &FieldMap, show_values: bool) -> Hunter {
        let layout = layout.into();
        let judge = Judge::new(pack, layout.format, map, show_values);
        let asks = !judge.inspector.asks_behaviour().is_empty();
        let hunter = Hunter { reader: LogReader::new(layout, map), judge };
        if asks { hunter.with_behaviour() } else { hunter }
    }

    /// Goes on with a log of another layout, which takes far less than another hunter does: a log that was joined of
    /// many has a layout for each of their headers.
    pub fn set_layout(&mut self, layout: Layout, map: &FieldMap) {
        self.judge.set_format(layout.format, map);
        self.reader = LogReader::new(layout, map);
    }

    /// Returns the hunter with the pack's policy: matches that it turns off are left out, and those that
    /// it excepts are counted.
    #[must_use]
    pub fn with_policy(mut self, policy: PolicyReplay) -> Hunter {
        self.judge.set_policy(policy);
        self
    }

    /// Returns the hunter for learning: what sources did is kept.
    #[must_use]
    pub fn with_uses(mut self) -> Hunter {
        self.judge.learns = true;
        self
    }

    /// Returns the hunter that also notes what sources do over time where no rule asks for it, for
    /// [`crate::Report::pairs`].
    #[must_use]
    pub fn with_behaviour(mut self) -> Hunter {
        self.judge.noting = Some(Noting::default());
        self.judge.keep_use();
        self
    }

    /// Notes what a piece of a baseline uses, without judging it.
    pub fn note(&mut self, piece: &[u8]) -> PieceReport {
        let mut report = PieceReport::default();
        let Hunter { reader, judge, .. } = self;
        reader.read(piece, &mut |number, entry| {
            report.counts.n_lines += 1;
            match entry {
                Ok(Entry::Blank) => report.counts.n_blank += 1,
                Ok(Entry::Request(logged)) => {
                    report.counts.n_events += 1;
                    judge.note(logged, false, &mut report.noted);
                }
                Ok(Entry::Object(line, format)) => {
                    report.counts.n_events += 1;
                    report.given.add(Given::of_event());
                    judge.note_object(line, format, &mut report.noted);
                }
                Err(refused) => report.counts.refuse(number, refused),
            }
        });
        report
    }

    /// Returns the pack.
    pub fn pack(&self) -> &Pack {
        self.judge.inspector.pack()
    }

    /// Judges a piece of a log, or a whole document where the layout is one.
    pub fn hunt(&mut self, piece: &[u8]) -> PieceReport {
        let mut report = PieceReport::default();
        let Hunter { reader, judge, .. } = self;
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
                    counts.of_other(number, logged.other);
                    counts.n_without_path += u64::from(logged.lacks_path);
                    report.given.add(Given::of(&logged.line));
                    judge.request(logged, number, &mut report).map_err(Refused::from)
                }
                Ok(Entry::Object(line, format)) => {
                    counts.of_other(number, Some(format).filter(|it| *it != judge.format));
                    judge.note_object(line, format, &mut report.noted);
                    judge.object(line, format, number).map_err(Refused::from)
                }
                Err(refused) => Err(refused),
            };
            match hit {
                Ok(hit) => {
                    report.counts.n_events += 1;
                    report.hits.extend(hit);
                }
                Err(refused) => report.counts.refuse(number, refused),
            }
        });
        report
    }
}

impl Judge {
    /// Returns a judge of a log of a format.
    pub(crate) fn new(pack: Pack, format: Format, map: &FieldMap, show_values: bool) -> Judge {
        let events = events::Binding::new(pack.tables(), format, map);
        let inspector = Inspector::new(pack);
        Judge {
            inspector,
            events,
            other_events: Vec::new(),
            format,
            object_format: format,
            show_values,
            policy: None,
            learns: false,
            noting: None,
        }
    }

    fn set_format(&mut self, format: Format, map: &FieldMap) {
        if format != self.format {
            self.events = events::Binding::new(self.inspector.pack().tables(), format, map);
            self.other_events.clear();
            self.format = format;
            self.object_format = format;
        }
    }

    /// Sets the policy that is replayed.
    pub(crate) fn set_policy(&mut self, policy: PolicyReplay) {
        self.policy = Some(policy);
        self.keep_use();
    }

    /// Lets the inspector keep what is noted of services, if anything is noted.
    fn keep_use(&mut self) {
        if self.noting.is_some() {
            self.inspector.keep_use(self.key());
        }
    }

    fn key(&self) -> IdentityKey {
        let key = self.policy.and_then(|policy| policy.key);
        // Within one hunt any key serves: nobody sees the hashes.
        key.unwrap_or(IdentityKey([0; 16]))
    }

    /// Notes what a request uses. `is_inspected` says that it was inspected last.
    fn note(
        &mut self,
        logged: &LoggedRequest<'_>,
        is_inspected: bool,
        noted: &mut Noted,
    ) -> Option<Noticed> {
        let key = self.key();
        let noting = self.noting.as_mut()?;
        let lent = logged.line.lend();
        let identity = logged.identity.as_deref().filter(|name| !name.is_empty());
        let time_ms = logged.time.and_then(Time::milliseconds);
        let sent = Sent {
            source: identity.map_or(lent.source_address.unwrap_or_default(), str::as_bytes),
            time_ms,
            duration_ms: logged.duration.as_ref().and_then(Duration::milliseconds),
            connection: logged.connection.as_deref(),
        };
        let plain = plain_host(lent.authority);
        let is_known = is_inspected && plain.is_some();
        let host = plain.unwrap_or_else(|| lent.authority.to_ascii_lowercase().into());
        let inspector = &self.inspector;
        let find = || {
            if is_known {
                return inspector.service_use();
            }
            ServiceUse::of(inspector.pack().tables(), &key, &host, &lent)
        };
        let used = uses::note(&lent, &host, find, &sent, &mut noting.names, noted)?;
        Some(Noticed { used, time_ms })
    }

    fn note_object(&mut self, line: &[u8], format: Format, noted: &mut Noted) {
        let is_zeek = matches!(format, Format::ZeekSsl | Format::ZeekConn);
        if let Some(noting) = self.noting.as_mut().filter(|_| is_zeek) {
            uses::note_zeek(self.inspector.pack().tables(), line, &mut noting.names, noted);
        }
    }

    /// Keeps a request that rules may match once it is known what its source did.
    fn keep(
        &mut self,
        logged: &LoggedRequest<'_>,
        number: u64,
        noted: &mut Noted,
        candidates: &mut Vec<Candidate>,
    ) {
        let Some(Noticed { used, time_ms }) = self.note(logged, true, noted) else { return };
        let Some(undecided) = self.inspector.undecided() else { return };
        let Some(noting) = &mut self.noting else { return };
        let Some(key) = noting.passed_on.key(&used, undecided) else { return };
        let lent = logged.line.lend();
        let sender = Sender { name: logged.identity.as_deref(), address: lent.source_address };
        candidates.push(Candidate {
            key,
            line: number,
            time_ms,
            used,
            rules: self.inspector.undecided_rules(),
            request: StoredRequest::new(&lent, sender.lend()),
        });
    }

    /// Judges a candidate again, now that its source's behaviour is known: what matches beyond what matched
    /// before.
    pub(crate) fn candidate(
        &mut self,
        request: &StoredRequest,
        time_ms: Option<i64>,
        behaviour: &Behaviour,
    ) -> Option<Hit> {
        let lent = request.lend();
        let sender = Sender { name: request.sender(), address: lent.source_address };
        let key = self.policy.and_then(|policy| policy.key);
        let user = User { source: sender.lend(), key };
        let before = self.inspector.inspect_of(&lent, &user);
        let mut verdict = self.inspector.inspect_with(&lent, &user, behaviour);
        let is_new = |rule: RuleId| before.matches.iter().all(|matched| matched.rule != rule);
        verdict.matches.retain(|matched| is_new(matched.rule));
        if verdict.matches.is_empty() {
            return None;
        }
        let recorded = Recorded::Request(&lent, sender.lend());
        let mut hit = self.hit_at(verdict, 0, time_ms, recorded).ok()?;
        hit.behaviour = Some(*behaviour);
        Some(hit)
    }

    fn request(
        &mut self,
        logged: &LoggedRequest<'_>,
        number: u64,
        report: &mut PieceReport,
    ) -> Result<Option<Hit>, Unreadable> {
        let lent = logged.line.lend();
        let address = lent.source_address;
        let source = Sender { name: logged.identity.as_deref(), address }.lend();
        let key = self.policy.and_then(|policy| policy.key);
        let user = User { source, key };
        let verdict = self.inspector.inspect_of(&lent, &user);
        if self.noting.is_some() {
            self.keep(logged, number, &mut report.noted, &mut report.candidates);
        }
        if self.learns {
            let time_ms = logged.time.and_then(Time::milliseconds);
            let uses = report.uses.get_or_insert_default();
            uses.record(&self.inspector, &lent, &user, &verdict, time_ms);
        }
        self.hit(verdict, number, logged.time, Recorded::Request(&lent, source))
    }

    fn object(
        &mut self,
        line: &[u8],
        format: Format,
        number: u64,
    ) -> Result<Option<Hit>, Unreadable> {
        self.object_format = format;
        if format != self.format && self.other_events.iter().all(|(known, _)| *known != format) {
            let tables = self.inspector.pack().tables();
            let events = events::Binding::new(tables, format, &FieldMap::default());
            self.other_events.push((format, events));
        }
        let events = binding(&self.events, &self.other_events, format);
        let mut read = Err(Unreadable::NotJson);
        let verdict = self.inspector.inspect_event(|_, event| {
            read = events.answer(line, event);
        });
        let time = read?;
        self.hit(verdict, number, time, Recorded::Object(line))
    }

    /// Returns how the object that is judged answers fields.
    fn events(&self) -> &events::Binding {
        binding(&self.events, &self.other_events, self.object_format)
    }

    /// Returns what is kept of an event that something matched. The time is only read where it is needed.
    fn hit(
        &mut self,
        verdict: Verdict,
        line: u64,
        time: Option<Time<'_>>,
        event: Recorded<'_>,
    ) -> Result<Option<Hit>, Unreadable> {
        if verdict.matches.is_empty() {
            return Ok(None);
        }
        let time_ms = time.and_then(Time::milliseconds);
        let mut hit = self.hit_at(verdict, line, time_ms, event)?;
        hit.has_bad_time = time.is_some() && time_ms.is_none();
        Ok(Some(hit))
    }

    fn hit_at(
        &mut self,
        mut verdict: Verdict,
        line: u64,
        time_ms: Option<i64>,
        event: Recorded<'_>,
    ) -> Result<Hit, Unreadable> {
        let (hits, decided) = match self.policy {
            None => (self.inspector.correlation_hits(&verdict), None),
            Some(policy) => self.decide(&policy, &mut verdict, event, time_ms)?,
        };
        let input;
        let lent;
        let recorded = match event {
            Recorded::Request(request, _) => Some((request, event.source())),
            // Of other lines what a policy asks: host, source, and path if there is one.
            Recorded::Object(line) => {
                input = self.events().policy_input(line).unwrap_or_default();
                lent = input.lend();
                let has_host = !lent.authority.is_empty();
                has_host.then_some((&lent, lent.source_address))
            }
        };
        let request = recorded.map(|(request, source)| self.summary(request, source));
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
        Ok(Hit {
            line,
            time_ms,
            has_bad_time: false,
            request,
            matches,
            hits,
            decided,
            behaviour: None,
        })
    }

    fn summary(&self, request: &Request<'_>, source: Option<&[u8]>) -> Summary {
        let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
        let tables = self.inspector.pack().tables();
        let service = || {
            let host = plain_host(request.authority)?;
            let found = ServiceMatch::of(tables, &host, request.path)?;
            Some(tables.str(found.name).to_owned())
        };
        Summary {
            service: service().unwrap_or_default(),
            method: if self.show_values {
                text(request.method)
            } else {
                redact::method(request.method).to_owned()
            },
            host: redact::host(request.authority),
            path: match request.path {
                Some(path) if self.show_values => text(path),
                path => redact::path_template(tables, request.authority, path.unwrap_or_default()),
            },
            source: text(source.unwrap_or_default()),
        }
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
                input = self.events().policy_input(line)?;
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

/// Returns how objects of a format answer fields: `own`, unless another has the format.
fn binding<'b>(
    own: &'b events::Binding,
    others: &'b [(Format, events::Binding)],
    format: Format,
) -> &'b events::Binding {
    others.iter().find(|(known, _)| *known == format).map_or(own, |(_, events)| events)
}

#[cfg(test)]
mod tests;
