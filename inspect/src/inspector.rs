//! A pack that is at work.

use std::sync::Arc;

use crate::anomaly::Anomalies;
use crate::behaviour::{Behaviour, BehaviourFields};
use crate::binding::{Binding, Further, Known};
use crate::bits::BitSet;
use crate::compare::test_truth;
use crate::correlation::{CorrelationHit, Watched};
use crate::evaluate::{
    Numbers, Plan, Scratch, ask, evaluate, evaluate_undecided, may_match, narrow,
};
use crate::event::Event;
use crate::ids::RuleId;
use crate::keyed_hash::IdentityKey;
use crate::name_filter::NameFilter;
use crate::pack::{Op, Pack, Phase, Tables};
use crate::policy::{Allowance, User, listed_names, names_agree};
use crate::request::Request;
use crate::secret::Secrets;
use crate::service::{ServiceUse, UsedService};
use crate::truth::Truth;
use crate::verdict::{RuleMatch, Verdict, View};
use crate::views::{Form, Views};

mod conditions;

/// Runs a pack over requests and other events, one after the other, without allocating for those
/// that match nothing.
#[derive(Debug)]
pub struct Inspector {
    pack: Arc<Pack>,
    binding: Binding,
    plan: Plan,
    /// The rules that ask for something that a response answers.
    of_response: BitSet,
    /// The names that allow-lists have.
    listed: NameFilter,
    /// The readings of the request that was inspected last, as many as `n_readings` says; the memory
    /// of the others waits for a request that has more.
    readings: Vec<Reading>,
    n_readings: usize,
    /// Memory for what is known of behaviour alone.
    behaviour: Reading,
    watched: Watched,
    /// Whether the outcome of [`Inspector::inspect`] is resolved where it asks for behaviour.
    defers: bool,
    /// The key of tenants in what is kept of the service that a request uses, if anything is.
    use_key: Option<IdentityKey>,
    used: Option<ServiceUse>,
}

/// A request in one view, or an event that has only one.
#[derive(Debug, Default)]
struct Reading {
    view: View,
    event: Event,
    scratch: Scratch,
}

impl Inspector {
    /// Puts a pack to work. Inspectors of several threads can share one.
    pub fn new(pack: impl Into<Arc<Pack>>) -> Self {
        let pack = pack.into();
        let binding = Binding::new(pack.tables());
        let plan = Plan::new(pack.tables());
        let watched = Watched::new(pack.tables());
        let listed = listed_names(pack.tables());
        let readings = vec![Reading::default()];
        let mut of_response = BitSet::default();
        let n_rules = pack.tables().rules.len();
        of_response.reset(n_rules);
        for rule in (0..).map(RuleId).take(n_rules) {
            let fields = pack.tables().fields_of(rule);
            if fields.into_iter().any(|field| binding.is_of_response(field)) {
                of_response.insert(rule.index());
            }
        }
        Inspector {
            pack,
            binding,
            plan,
            of_response,
            listed,
            readings,
            n_readings: 0,
            behaviour: Reading::default(),
            watched,
            defers: false,
            use_key: None,
            used: None,
        }
    }

    /// Leaves rules that ask for behaviour to [`Inspector::resolve`], if a request has to be resolved anyway: a verdict
    /// without behaviour may then ask for more than its rules turn out to need.
    #[must_use]
    pub fn deferring(self) -> Self {
        Inspector { defers: true, ..self }
    }

    /// Keeps what each request uses of a service for [`Inspector::service_use`]; tenants are hashed under the key.
    pub fn keep_use(&mut self, key: IdentityKey) {
        self.use_key = Some(key);
    }

    /// Returns what the request that was inspected last uses of a service, if that is kept: what
    /// [`ServiceUse::of`] finds for [`plain_host`](crate::plain_host)'s host. `None` also for a host that is no plain name.
    pub fn service_use(&self) -> Option<ServiceUse> {
        self.used
    }

    /// The pack.
    pub fn pack(&self) -> &Pack {
        &self.pack
    }

    /// The verdict on a request, as far as it is known: without a response, rules that need one do
    /// not match yet.
    ///
    /// Every rule is evaluated on every reading of the request (see [`Views`]).
    pub fn inspect(&mut self, request: &Request<'_>) -> Verdict {
        self.inspect_of(request, &User::of(request))
    }

    /// The same, where more is known of who sends it: rules may ask what the policy knows of this use
    /// (`tidegate.usage`).
    pub fn inspect_of(&mut self, request: &Request<'_>, user: &User<'_>) -> Verdict {
        self.inspect_with(request, user, &Behaviour::default())
    }

    /// The same, where it is known what the source did over time. [`Verdict::asks`] of a verdict without
    /// says whether that matters for a request.
    pub fn inspect_with(
        &mut self,
        request: &Request<'_>,
        user: &User<'_>,
        behaviour: &Behaviour,
    ) -> Verdict {
        let mut verdict = self.inspect_once(request, user, behaviour);
        let asks_response = |matched: &RuleMatch| self.of_response.contains(matched.rule.index());
        if request.response.is_some() && verdict.matches.iter().any(asks_response) {
            // What the request satisfies alone is known before the response is.
            let early = self.inspect_once(&Request { response: None, ..*request }, user, behaviour);
            for matched in &mut verdict.matches {
                let is_early = early.matches.iter().any(|known| known.rule == matched.rule);
                matched.phase = if is_early { Phase::Request } else { Phase::Response };
            }
            // Sightings and conditions are of what was inspected last.
            self.inspect_once(request, user, behaviour);
        }
        verdict
    }

    /// Returns true if a rule asks what the policy knows of the use that a request may be, so that
    /// [`Inspector::inspect_of`] has to be given the user. Of a host that is no service's nobody listed a use.
    pub fn asks_user(&self, request: &Request<'_>) -> bool {
        self.asks_unlisted() || self.binding.services.asks_usage() && self.may_use_service(request)
    }

    /// Returns true if a rule asks whether the group of the source may do this.
    fn asks_unlisted(&self) -> bool {
        self.binding.asks_unlisted
    }

    /// What the allow-lists of the policy say of a request of a user.
    pub fn allowance(&self, request: &Request<'_>, user: &User<'_>) -> Allowance {
        let anomalies = Views::of(request).anomalies();
        user.allowance(self.pack.tables(), &self.listed, request, anomalies)
    }

    /// Returns the fields of behaviour that rules ask for; none means that no state need be kept for the
    /// pack.
    pub fn asks_behaviour(&self) -> BehaviourFields {
        self.binding.behaviour.fields()
    }

    /// Returns what a rule asks of behaviour; nothing where it asks for none.
    pub fn behaviour_of(&self, rule: RuleId) -> BehaviourFields {
        self.plan.behaviour(rule)
    }

    /// Returns the verdict on the request that was inspected last, without a response, where more is known of
    /// its source's behaviour: only rules that [`Verdict::asks`] counts are evaluated again. `verdict` is the
    /// last one on this request. It may be called again when more is found out, with what was known before and that.
    ///
    /// The outcome is that of [`Inspector::inspect_with`], in a fraction of its time.
    #[must_use]
    pub fn resolve(&mut self, verdict: &Verdict, behaviour: &Behaviour) -> Verdict {
        let tables = self.pack.tables();
        let readings = self.readings.get_mut(..self.n_readings).unwrap_or_default();
        for Reading { event, scratch, .. } in readings {
            // Most rules fail by a number, and most others wait for the response.
            let rules = narrow(&self.plan, behaviour, scratch);
            if rules.is_empty() && scratch.matched().is_empty() {
                continue;
            }
            let answered = self.binding.behaviour.answer_awaited(behaviour, event);
            evaluate_undecided(tables, &self.plan, &rules, &answered, event, scratch);
        }
        let mut resolved = self.verdict(verdict.anomalies, true);
        resolved.truncated |= verdict.truncated;
        resolved
    }

    /// Returns the rules that wait for more of the behaviour of the request that was inspected last, each
    /// once.
    pub fn undecided_rules(&self) -> Vec<RuleId> {
        let readings = self.readings.get(..self.n_readings).unwrap_or_default();
        let rules = readings.iter().flat_map(|reading| reading.scratch.undecided());
        let mut rules: Vec<RuleId> = rules.copied().collect();
        rules.sort_unstable();
        rules.dedup();
        rules
    }

    /// Returns false if none of some rules can match where so much is known of behaviour, whatever else the
    /// request and its response are: then [`Inspector::inspect_with`] need not be called for them. It takes a
    /// fraction of that, and what was inspected last stays.
    pub fn may_match(&mut self, rules: &[RuleId], behaviour: &Behaviour) -> bool {
        let tables = self.pack.tables();
        let numbers = Numbers::of(behaviour, true);
        // Nobody will ever know what is not known now, and what it leaves open does not match.
        let may_hold = |rule: &&RuleId| self.plan.gate(**rule).truth(numbers) == Truth::True;
        let mut rules = rules.iter().filter(may_hold).peekable();
        if rules.peek().is_none() {
            return false;
        }
        let Reading { event, scratch, .. } = &mut self.behaviour;
        event.clear(tables.fields.len());
        scratch.prepare(tables);
        let answers = &self.binding.behaviour;
        answers.answer(behaviour, true, event);
        rules.any(|rule| may_match(tables, *rule, |id| answers.has(id), event, scratch))
    }

    /// Returns false if the host of a request belongs to no service, which takes one pass over its bytes; true
    /// if it may.
    pub fn may_use_service(&self, request: &Request<'_>) -> bool {
        self.binding.services.may_have(request.authority)
    }

    /// A hash of what the request that was inspected last is to the rules that wait for behaviour; `None`
    /// where none does. Requests with one hash match the same of these rules, if their behaviour is the same.
    ///
    /// Not for wherever a client would gain by two requests with one hash.
    pub fn undecided(&mut self) -> Option<u64> {
        let tables = self.pack.tables();
        let readings = self.readings.get_mut(..self.n_readings).unwrap_or_default();
        let mut hash: Option<u64> = None;
        for Reading { event, scratch, .. } in readings {
            for idx in 0..scratch.undecided().len() {
                let Some(rule_id) = scratch.undecided().get(idx).copied() else { continue };
                let mut of_rule = mix(hash.unwrap_or_default(), u64::from(rule_id.0));
                // As many truths at once as a number has room for.
                let mut truths = 1_u64;
                let code = tables.rule(rule_id).map(|rule| tables.rule_code(rule));
                for word in code.unwrap_or_default() {
                    let truth = match Op::decode(*word) {
                        Some(Op::Atom(atom)) => ask(tables, atom, event, scratch),
                        Some(Op::Test(test)) => test_truth(tables, test, event),
                        _ => continue,
                    };
                    truths = truths << 2 | truth as u64;
                    if truths.leading_zeros() < 2 {
                        of_rule = mix(of_rule, truths);
                        truths = 1;
                    }
                }
                hash = Some(mix(of_rule, truths));
            }
        }
        hash
    }

    fn inspect_once(
        &mut self,
        request: &Request<'_>,
        user: &User<'_>,
        behaviour: &Behaviour,
    ) -> Verdict {
        let views = Views::of(request);
        let anomalies = views.anomalies();
        let pack = Arc::clone(&self.pack);
        let services = &self.binding.services;
        let is_asked = services.are_asked() || self.use_key.is_some();
        let host = is_asked.then(|| services.host(request)).flatten();
        let service = host.as_deref().and_then(|host| services.used(pack.tables(), host, request));
        let used = self.use_key.as_ref().zip(service.as_ref());
        self.used = used.map(|(key, service)| service.to_use(pack.tables(), key, request));
        let mut known = self.known(request, service.as_ref(), anomalies, user, behaviour);
        known.secrets = self.secrets(request, views.forms());
        self.n_readings = 0;
        let nothing = Further::default();
        let defers =
            self.defers && request.response.is_none() && *behaviour == Behaviour::default();
        self.read(View::Raw, defers, |binding, tables, event| {
            binding.answer(tables, request, known, service.as_ref(), nothing, event);
        });
        for form in views.forms() {
            let hosts = if form.has_extra_hosts { views.extra_hosts() } else { &[] };
            let n_path_bytes = views.n_extra_path_bytes();
            let further = Further { hosts, n_path_bytes, methods: views.methods() };
            self.read(form.view, defers, |binding, tables, event| {
                let request = form.apply(request);
                let services = &binding.services;
                let host = services.are_asked().then(|| services.host(&request)).flatten();
                let service =
                    host.as_deref().and_then(|host| services.used(tables, host, &request));
                binding.answer(tables, &request, known, service.as_ref(), further, event);
            });
        }
        let mut verdict = self.verdict(anomalies, request.response.is_none());
        verdict.truncated |= views.is_truncated();
        verdict
    }

    /// What is known of a request as a whole: what the policy knows of its use, if a rule asks for it, as
    /// [`Pack::decide`] finds it.
    fn known<'b>(
        &self,
        request: &Request<'_>,
        service: Option<&UsedService<'_, '_>>,
        anomalies: Anomalies,
        user: &User<'_>,
        behaviour: &'b Behaviour,
    ) -> Known<'b> {
        let secrets = Secrets::default();
        let mut known = Known { anomalies, secrets, behaviour, usage: None, unlisted: None };
        let tables = self.pack.tables();
        if self.binding.services.asks_usage()
            && let Some(UsedService { host, found, .. }) = service
        {
            let is_plain = anomalies.is_plain() && names_agree(tables, request, host);
            known.usage = user.usage(tables, request, Some(found), is_plain);
        }
        if self.asks_unlisted()
            && let Allowance::Unlisted(group) =
                user.allowance(tables, &self.listed, request, anomalies)
        {
            known.unlisted = Some(group);
        }
        known
    }

    /// The kinds of secrets in a request, in any of its readings, if a rule asks for them.
    fn secrets(&self, request: &Request<'_>, forms: &[Form]) -> Secrets {
        if !self.binding.asks_secret {
            return Secrets::default();
        }
        let tables = self.pack.tables();
        let mut secrets = Secrets::of(tables, request);
        for form in forms {
            let read = form.apply(request);
            // In other forms of the path headers are what they were.
            let read = if form.authority.is_some() {
                read
            } else {
                Request { user_agent: None, referrer: None, cookie: None, ..read }
            };
            secrets.extend(Secrets::of(tables, &read));
        }
        secrets
    }

    /// The verdict on a request in the one reading in which it came: what a filter without views
    /// would say. For measuring and explaining, not for judging.
    pub fn inspect_raw(&mut self, request: &Request<'_>) -> Verdict {
        self.n_readings = 0;
        let anomalies = Anomalies::default();
        let behaviour = Behaviour::default();
        let pack = Arc::clone(&self.pack);
        let services = &self.binding.services;
        let host = services.are_asked().then(|| services.host(request)).flatten();
        let service = host.as_deref().and_then(|host| services.used(pack.tables(), host, request));
        let user = User::of(request);
        let mut known = self.known(request, service.as_ref(), anomalies, &user, &behaviour);
        known.secrets = self.secrets(request, &[]);
        let nothing = Further::default();
        self.read(View::Raw, false, |binding, tables, event| {
            binding.answer(tables, request, known, service.as_ref(), nothing, event);
        });
        self.verdict(anomalies, request.response.is_none())
    }

    /// The verdict on any event; `answer` answers the pack's fields.
    pub fn inspect_event(&mut self, answer: impl FnOnce(&Tables, &mut Event)) -> Verdict {
        self.n_readings = 0;
        self.read(View::Raw, false, |binding, tables, event| {
            answer(tables, event);
            binding.behaviour.await_rest(event);
        });
        self.verdict(Anomalies::default(), false)
    }

    /// Evaluates one reading.
    fn read(
        &mut self,
        view: View,
        defers: bool,
        answer: impl FnOnce(&Binding, &Tables, &mut Event),
    ) {
        if self.n_readings == self.readings.len() {
            self.readings.push(Reading::default());
        }
        let Some(reading) = self.readings.get_mut(self.n_readings) else { return };
        self.n_readings += 1;
        reading.view = view;
        reading.event.clear(self.pack.tables().fields.len());
        answer(&self.binding, self.pack.tables(), &mut reading.event);
        let Reading { event, scratch, .. } = reading;
        evaluate(self.pack.tables(), &self.plan, defers, event, scratch);
    }

    /// Returns what the event that was inspected last adds to the pack's correlations; `verdict` is its
    /// verdict. Of a request the reading in which it came counts, so that groups are by what was sent.
    pub fn correlation_hits(&self, verdict: &Verdict) -> Vec<CorrelationHit> {
        self.hits_of(verdict.matches.iter().map(|matched| matched.rule))
    }

    /// The same for some of the rules that matched.
    pub fn hits_of(&self, matched: impl Iterator<Item = RuleId>) -> Vec<CorrelationHit> {
        let raw = self.readings.first();
        raw.map_or_else(Vec::new, |raw| self.watched.hits(self.pack.tables(), &raw.event, matched))
    }

    /// Every rule that matched in any reading, each once.
    ///
    /// Where nothing of the response is known yet, whatever matches is certain on the request.
    fn verdict(&self, anomalies: Anomalies, is_early: bool) -> Verdict {
        let readings = self.readings.get(..self.n_readings).unwrap_or_default();
        let mut matches: Vec<RuleMatch> = Vec::new();
        for reading in readings {
            for rule in reading.scratch.matched() {
                let place = matches.binary_search_by_key(rule, |matched| matched.rule);
                let Err(place) = place else { continue };
                let evidence = self.evidence(*rule, reading);
                let of_pack = self.pack.tables().rule(*rule);
                let alerts = of_pack.is_some_and(|rule| rule.alerts);
                let compiled = of_pack.map_or(Phase::Request, |rule| rule.phase);
                let phase = if is_early { Phase::Request } else { compiled };
                let view = reading.view;
                matches.insert(place, RuleMatch { rule: *rule, view, phase, alerts, evidence });
            }
        }
        let truncated = readings.iter().any(|reading| reading.event.truncated());
        let pending = readings.iter().any(|reading| reading.scratch.is_pending());
        let asks = readings.iter().map(|reading| reading.scratch.asks());
        let asks = asks.fold(BehaviourFields::default(), BehaviourFields::union);
        Verdict { matches, anomalies, truncated, pending, asks }
    }
}

/// Adds a number to a hash, by the finalizer of `SplitMix64`.
fn mix(hash: u64, number: u64) -> u64 {
    let mut hash = (hash ^ number).wrapping_add(0x9E37_79B9_7F4A_7C15);
    hash = (hash ^ hash >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    hash = (hash ^ hash >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    hash ^ hash >> 31
}
