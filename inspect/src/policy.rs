//! Decides what happens to a request, from its verdict.
//!
//! A pack's policy says for each match how far it goes. Statements are asked in their order and the
//! first that fits decides; what none is about has the policy's default. The plugin's mode is an upper
//! bound. An exception that fits then takes the match out; one whose time is over only reports that it
//! would have. See docs/policy.md.

mod allow;
mod credential;
mod headers;
mod source;
mod usage;

use crate::ids::StrId;
use crate::keyed_hash::IdentityKey;
use crate::pack::{
    Exception, Mode, Pack, PackHash, Phase, PolicyTables, Scope, Statement, Tables, WHOLE_SHARE,
};
use crate::request::Request;
use crate::service::{Operations, ServiceMatch, plain_host};
use crate::verdict::{RuleMatch, Verdict};
use crate::views::Views;
pub(crate) use allow::listed_names;
pub use allow::{Allowance, AllowedBy};
pub use credential::{SALT_BYTES, SecretHash};
pub use headers::HeaderChange;
pub use source::{Source, address_number, network};
pub(crate) use usage::names_agree;
pub use usage::{Usage, User};

/// What happens to a request. The order is that of severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// No rule matched, or none that is anything to report: it passes.
    #[default]
    Allow,
    /// A rule matched: it passes and is reported.
    Observe,
    /// A rule matched: it is answered with 403 and reported.
    Deny,
}

impl Action {
    /// The name in events, metrics and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Allow => "allow",
            Action::Observe => "observe",
            Action::Deny => "deny",
        }
    }
}

/// What a decision asks for beside the verdict.
#[derive(Clone, Copy, Debug)]
pub struct PolicyQuery<'r> {
    /// The request.
    pub request: &'r Request<'r>,
    /// Who sent it.
    pub source: Source<'r>,
    /// The clock, in seconds since 1970.
    pub now: u64,
    /// How far matches may go at most.
    pub bound: Mode,
    /// The key of the identities; without one none is recognised.
    pub key: Option<IdentityKey>,
}

/// What happens to a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// What happens to it: the most severe action of its matches.
    pub action: Action,
    /// Whether enforcement would deny it.
    pub would_deny: bool,
    /// The service that it goes to.
    pub service: Option<StrId>,
    /// What it does to the service.
    pub operations: Operations,
    /// Whether the policy knows this use of the service; `None` without a service.
    pub usage: Option<Usage>,
    /// The keyed hash of the tenant in its URL.
    pub identity: Option<u64>,
    /// The keyed hash of the credential in its URL.
    pub credential: Option<u64>,
    /// What distinguishes this use of a service from another one, also without a key: a hash of its
    /// operations, and of the tenants and credentials that each reading of it names. It never leaves the
    /// gateway, as whoever guesses a tenant could check the guess.
    pub distinct: [u8; 32],
    /// What happens to each match, in the verdict's order.
    pub rulings: Vec<Ruling>,
}

/// What happens to a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// How far it goes, by the policy and its upper bound.
    pub mode: Mode,
    /// What it does to the request.
    pub action: Action,
    /// Whether it would deny the request if it were enforced.
    pub would_deny: bool,
    /// The name of the statement that decided; `None` for the default.
    pub statement: Option<StrId>,
    /// The exception that takes the match out.
    pub exception: Option<StrId>,
    /// An exception that would have, if its time were not over.
    pub expired: Option<StrId>,
}

impl Pack {
    /// Applies the pack's policy to a verdict. Takes steps in proportion to the policy's size.
    pub fn decide(&self, verdict: &Verdict, query: &PolicyQuery<'_>) -> Decision {
        let tables = self.tables();
        let host = plain_host(query.request.authority).unwrap_or_default();
        let matched_service = ServiceMatch::of(tables, &host, query.request.path);
        let identity =
            |service: &ServiceMatch<'_, '_>| service.identity(tables, query.key.as_ref()?);
        // What is asked for inside a tunnel may be another tenant's.
        let key = query.key.filter(|_| !query.request.is_tunnel());
        let identities = |service: &ServiceMatch<'_, '_>| {
            key.map(|key| service.identities(tables, &key)).unwrap_or_default()
        };
        let credential =
            |service: &ServiceMatch<'_, '_>| service.credential(tables, query.key.as_ref()?);
        let readings: Vec<Operations> = matched_service
            .as_ref()
            .map(|found| found.each_reading(tables, query.request))
            .unwrap_or_default();
        let operations: Operations = readings.iter().flat_map(|of| of.iter()).collect();
        let is_plain = verdict.anomalies.is_plain() && names_agree(tables, query.request, &host);
        let user = User { source: query.source, key: query.key };
        let mut input = PolicyInput {
            pack: self,
            query,
            service: matched_service.as_ref().map(|found| found.service),
            operations,
            readings,
            others: Others::default(),
            identities: matched_service.as_ref().map(identities).unwrap_or_default(),
            is_plain,
            usage: user.usage(tables, query.request, matched_service.as_ref(), is_plain),
        };
        if !input.is_plain && !verdict.matches.is_empty() {
            input.others = Others::of(tables, query.request);
        }
        let rulings: Vec<Ruling> =
            verdict.matches.iter().map(|matched| input.ruling(matched)).collect();
        let mut names = input.others.names.clone();
        if let Some(found) = &matched_service {
            found.add_names(&mut names);
        }
        for operations in [operations, input.others.operations] {
            names.extend(operations.bits().to_le_bytes());
        }
        Decision {
            action: rulings.iter().map(|ruling| ruling.action).max().unwrap_or(Action::Allow),
            would_deny: rulings.iter().any(|ruling| ruling.would_deny),
            service: matched_service.as_ref().map(|found| found.name),
            operations,
            usage: input.usage,
            identity: matched_service.as_ref().and_then(identity),
            credential: matched_service.as_ref().and_then(credential),
            distinct: PackHash::of(&names).0,
            rulings,
        }
    }
}

/// A request, as the policy sees it.
struct PolicyInput<'a> {
    pack: &'a Pack,
    query: &'a PolicyQuery<'a>,
    service: Option<u32>,
    operations: Operations,
    /// What it does by each of its methods and names, of which the server takes one.
    readings: Vec<Operations>,
    /// The readings of a request that is not plain.
    others: Others,
    /// The keyed hashes under which the policy may list the tenant.
    identities: Vec<u64>,
    /// Whether nothing is odd about the request and its names agree. What is disguised is never excused
    /// by what its host or path seem to be.
    is_plain: bool,
    usage: Option<Usage>,
}

impl PolicyInput<'_> {
    fn policy(&self) -> &PolicyTables {
        &self.pack.tables().policy
    }

    fn ruling(&self, matched: &RuleMatch) -> Ruling {
        let policy = self.policy();
        let statement = self.statement(matched);
        let mode =
            statement.map_or(policy.default, |statement| statement.mode).min(self.query.bound);
        let mut ruling = Ruling {
            mode,
            action: Action::Allow,
            would_deny: false,
            statement: statement.map(|statement| statement.name),
            exception: None,
            expired: None,
        };
        if mode == Mode::Off || !matched.alerts {
            return ruling;
        }
        for exception in
            policy.exceptions.iter().filter(|exception| self.excuses(exception, matched))
        {
            if self.query.now < exception.expires {
                ruling.exception = Some(exception.id);
                ruling.expired = None;
                return ruling;
            }
            ruling.expired = ruling.expired.or(Some(exception.id));
        }
        ruling.would_deny = matched.phase == Phase::Request;
        ruling.action = match mode {
            Mode::Enforce if ruling.would_deny => Action::Deny,
            _ => Action::Observe,
        };
        ruling
    }

    /// The statement that decides on a match; `None` where the default does.
    ///
    /// Of a plain request the first that fits. Of any other a statement that fits by what the request
    /// claims to be, its service and whose use that is, does not weaken what follows: the strongest of
    /// these and of the first that needs no claim decides.
    fn statement(&self, matched: &RuleMatch) -> Option<&Statement> {
        let policy = self.policy();
        let mut strongest: Option<&Statement> = None;
        for statement in &policy.statements {
            if !self.is_about(statement, matched) {
                continue;
            }
            if strongest.is_none_or(|strongest| statement.mode > strongest.mode) {
                strongest = Some(statement);
            }
            let by_claim = !statement.scope.services.is_any()
                || statement.scope.operations != 0
                || statement.usages != 0;
            if self.is_plain || !by_claim {
                return strongest;
            }
        }
        strongest.filter(|strongest| strongest.mode >= policy.default)
    }

    fn is_about(&self, statement: &Statement, matched: &RuleMatch) -> bool {
        let is_new_use = !self.others.services.is_empty();
        let usage = self.usage.or(is_new_use.then_some(Usage::New)).map_or(0, Usage::bit);
        (statement.usages == 0 || statement.usages & usage != 0)
            && self.fits(&statement.scope, Some(matched), statement.mode == Mode::Off)
            && self.is_in_share(statement)
    }

    fn excuses(&self, exception: &Exception, matched: &RuleMatch) -> bool {
        self.fits(&exception.scope, Some(matched), true)
            && (exception.identities.is_any()
                || self.is_plain
                    && self.is_listed(exception.identities.of(&self.policy().identities)))
    }

    fn is_listed(&self, listed: &[u64]) -> bool {
        self.identities.iter().any(|identity| listed.binary_search(identity).is_ok())
    }

    /// Returns true if a scope fits. One that is `lenient` about a service needs a request that is plain.
    fn fits(&self, scope: &Scope, matched: Option<&RuleMatch>, lenient: bool) -> bool {
        let policy = self.policy();
        let services = scope.services.of(&policy.services);
        let sources = scope.sources.of(&policy.sources);
        let rules = scope.rules.of(&policy.rules);
        (rules.is_empty()
            || matched.is_none_or(|matched| rules.binary_search(&matched.rule).is_ok()))
            && (services.is_empty()
                || (self.is_plain || !lenient)
                    && self
                        .service
                        .iter()
                        .chain(&self.others.services)
                        .any(|service| services.contains(service)))
            && self.fits_operations(scope, lenient)
            && (sources.is_empty() || self.query.source.is_any_of(self.pack.tables(), sources))
    }

    fn is_in_share(&self, statement: &Statement) -> bool {
        let name = || self.pack.tables().str(statement.name);
        statement.share >= WHOLE_SHARE || self.query.source.share(name()) < statement.share
    }

    /// Returns true if the request does what a scope is about. One that is `lenient` needs all that the
    /// request does to be listed.
    fn fits_operations(&self, scope: &Scope, lenient: bool) -> bool {
        let listed = scope.operations;
        if listed == 0 {
            return true;
        }
        if lenient {
            return self.is_plain
                && !self.readings.is_empty()
                && self.readings.iter().all(|of| of.are_all_in(listed));
        }
        (self.operations.bits() | self.others.operations.bits()) & listed != 0
    }
}

/// The services and operations of every reading of a request.
#[derive(Debug, Default)]
struct Others {
    /// Each once, ascending.
    services: Vec<u32>,
    operations: Operations,
    /// What [`ServiceMatch::add_names`] adds for each.
    names: Vec<u8>,
}

impl Others {
    /// Takes steps in proportion to the request.
    fn of(tables: &Tables, request: &Request<'_>) -> Others {
        let views = Views::of(request);
        let forms = views.forms().iter().map(|form| form.apply(request));
        let readings = forms.map(|reading| (reading.authority, reading.path));
        let extra = views.extra_hosts().iter();
        let extra = extra.map(|host| (host.authority.as_slice(), host.path.as_deref()));
        let mut others = Others::default();
        for (authority, path) in readings.chain(extra) {
            let Some(host) = plain_host(authority) else { continue };
            let Some(found) = ServiceMatch::of(tables, &host, path) else { continue };
            others.services.push(found.service);
            found.add_names(&mut others.names);
            for method in std::iter::once(&request.method).chain(views.methods()) {
                others.operations.extend(found.operations(tables, method, &host, path).iter());
            }
        }
        others.services.sort_unstable();
        others.services.dedup();
        others
    }
}

impl Verdict {
    /// The matches that are alerts by themselves: all but those of rules that a correlation took in
    /// without `generate: true`.
    pub fn alerts(&self) -> impl Iterator<Item = &RuleMatch> {
        self.matches.iter().filter(|matched| matched.alerts)
    }

    /// Returns true if enforcement would deny the request if there were no policy: a rule matched on
    /// what the request alone has, and is an alert by itself.
    ///
    /// A rule that matched once the response was there cannot deny, whatever the mode.
    pub fn would_deny(&self) -> bool {
        self.alerts().any(|matched| matched.phase == Phase::Request)
    }

    /// What happens to the request in a mode, without a policy.
    pub fn action(&self, mode: Mode) -> Action {
        match (self.alerts().next().is_none(), mode) {
            (true, _) | (_, Mode::Off) => Action::Allow,
            (false, Mode::Enforce) if self.would_deny() => Action::Deny,
            (false, Mode::Enforce | Mode::Monitor) => Action::Observe,
        }
    }
}

#[cfg(test)]
mod tests;
