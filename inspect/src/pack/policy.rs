//! The part of a pack that says what happens to matches, and what identifies a tenant in a URL.

use super::allow::AllowTables;
use super::tables::Tables;
use super::wire::{Reader, Row, Wire, wire, wire_enum};
use crate::ids::{RuleId, StrId};
use crate::steps;

/// A share that takes in every source: see [`Statement::share`].
pub const WHOLE_SHARE: u32 = 10_000;

wire_enum! {
    /// How far matches go. The order is that of reach: a bound is a minimum.
    pub enum Mode {
        /// Matches are ignored: not reported, not counted, not denied.
        Off = 0,
        /// Matches are reported, nothing is denied. What would have been denied is reported too.
        Monitor = 1,
        /// Requests that a rule matches are denied, where the rule is decided before the response.
        Enforce = 2,
    }

    /// How a source is recognised.
    pub enum SourceKind {
        /// By its whole name.
        Name = 0,
        /// By the start of its name.
        Prefix = 1,
        /// By its address.
        Network = 2,
    }

    /// What a part of a template is.
    pub enum PartKind {
        /// Text that has to be there.
        Text = 0,
        /// What belongs to the identity.
        Identity = 1,
        /// What is a credential.
        Secret = 2,
        /// Anything that is neither.
        Any = 3,
        /// The end of the host or of a path segment; another segment follows.
        Slash = 4,
        /// The end of the path or of a parameter of the query; another parameter follows.
        Query = 5,
        /// The last part of a template that names tenants: the name of the namespace that they are in. One
        /// without a name is a template of what anybody may put there, and names none.
        Namespace = 6,
        /// The hash of a commit, or the start of one: 4 to 64 hexadecimal digits.
        Commit = 7,
        /// What belongs to the identity, and is one label of a host.
        Label = 8,
    }

    /// What a request does to a service. A new one is added at the end.
    pub enum Operation {
        /// Gets text or metadata.
        Read = 0,
        /// Adds or changes text.
        Write = 1,
        /// Sends a file or other bulk data.
        Upload = 2,
        /// Gets a file.
        Download = 3,
        /// Deletes what is there.
        Delete = 4,
        /// Gives others access.
        Share = 5,
        /// Posts to a URL that is itself the credential.
        Webhook = 6,
        /// Asks again and again for what is new.
        Poll = 7,
        /// Opens a connection on which the service sends what is new.
        Stream = 8,
        /// Carries traffic of something else.
        Tunnel = 9,
        /// Sends commits or packages to a repository.
        Push = 10,
        /// Gets a repository or a package as a whole.
        Clone = 11,
        /// Starts code or automation on the service's side.
        Run = 12,
        /// Gets a token.
        Login = 13,
        /// Looks something up.
        Query = 14,
        /// Asks a language model.
        Prompt = 15,
        /// Follows a link that leads to another place.
        Redirect = 16,
    }
}

wire! {
    /// What happens to matches. A pack without a policy leaves it to the plugin's mode.
    pub struct PolicyTables {
        /// The mode of what no statement is about.
        pub default: Mode,
        /// The statements; the first one that fits decides.
        pub statements: Vec<Statement>,
        /// The exceptions.
        pub exceptions: Vec<Exception>,
        /// Which use is sanctioned.
        pub sanctions: Vec<Sanction>,
        /// The rules that scopes list, each range ascending.
        pub rules: Vec<RuleId>,
        /// The services that scopes list: indices into [`ServiceTables::services`].
        pub services: Vec<u32>,
        /// The sources that scopes list.
        pub sources: Vec<SourcePattern>,
        /// The keyed hashes of the identities that are listed, each range ascending.
        pub identities: Vec<u64>,
        /// Identifies the key of the hashes: [`crate::IdentityKey::check`]. 0 without identities.
        pub key_check: u64,
        /// What groups of sources may do.
        pub allow: AllowTables,
        /// The headers that the policy sets, ascending by header; of one header the first entry whose sources
        /// fit counts.
        pub headers: Vec<HeaderValue>,
        /// The clients that may use the proxy, ascending by name.
        pub credentials: Vec<Credential>,
        /// Which sources have to name their client: ranges of `sources`, of which an empty one is everybody.
        pub credentials_required: Vec<Range>,
    }

    /// A client of the proxy, and the hash of its secret.
    pub struct Credential {
        /// Its name.
        pub name: StrId => near,
        /// The salt of the hash: see [`crate::SecretHash`].
        pub salt: u128,
        /// The first half of the hash.
        pub hash_high: u128,
        /// The second half.
        pub hash_low: u128,
    }

    /// What the policy writes into a header that a service's vendor reads.
    pub struct HeaderValue {
        /// An index into [`ServiceTables::headers`].
        pub header: u32 => near,
        /// For requests from which sources: a range of [`PolicyTables::sources`]; an empty one is everybody.
        pub sources: Range => row,
        /// The value.
        pub value: StrId => near,
    }

    /// A range of one of the lists of [`PolicyTables`]; an empty one restricts nothing.
    pub struct Range {
        /// Its first place.
        pub start: u32 => start,
        /// The place after its last.
        pub end: u32 => end(start),
    }

    /// What something is about: all of it has to fit.
    pub struct Scope {
        /// Which rules.
        pub rules: Range => row,
        /// Requests to which services.
        pub services: Range => row,
        /// Requests from which sources.
        pub sources: Range => row,
        /// Requests that do what: [`crate::Operations::bits`]. 0 restricts nothing.
        pub operations: u32,
    }

    /// A mode, and what it is about.
    pub struct Statement {
        /// What events call it.
        pub name: StrId => near,
        /// The mode.
        pub mode: Mode,
        /// Which use, as a set of bits: [`crate::Usage::bit`]. 0 restricts nothing.
        pub usages: u8,
        /// For how many of [`WHOLE_SHARE`] sources.
        pub share: u32,
        /// What it is about.
        pub scope: Scope => row,
    }

    /// A match that is nothing to report, for a while.
    pub struct Exception {
        /// What events and counters call it.
        pub id: StrId => near,
        /// When it stops to apply, in seconds since 1970.
        pub expires: u64,
        /// What it is about.
        pub scope: Scope => row,
        /// Whose use of the service.
        pub identities: Range => row,
    }

    /// A use of a service that is known to be right.
    pub struct Sanction {
        /// Which services, and from which sources.
        pub scope: Scope => row,
        /// Whose use of the service; an empty range is any.
        pub identities: Range => row,
    }

    /// A source, or several.
    pub struct SourcePattern {
        /// How it is recognised.
        pub kind: SourceKind,
        /// The name, or its start.
        pub name: StrId => near,
        /// The first address, as an IPv6 address; IPv4 is mapped.
        pub first: u128,
        /// The last address.
        pub last: u128,
    }

    /// The services that get abused, and where in their URLs identities and secrets are.
    pub struct ServiceTables {
        /// The services.
        pub services: Vec<Service>,
        /// Their hosts, ascending by name: each means itself and what is below it. Several services
        /// may share a host; the first one whose template fits counts.
        pub hosts: Vec<ServiceHost>,
        /// The templates of all services.
        pub templates: Vec<Range>,
        /// The parts of all templates.
        pub parts: Vec<Part>,
        /// The operations of all services.
        pub operations: Vec<ServiceOperation>,
        /// The methods, hosts and clients that operations, services and headers list.
        pub texts: Vec<StrId>,
        /// The headers by which vendors restrict the tenants that a network may use.
        pub headers: Vec<ServiceHeader>,
    }

    /// A header by which a vendor restricts the tenants that a network may use.
    pub struct ServiceHeader {
        /// An index into [`ServiceTables::services`].
        pub service: u32 => near,
        /// Its name, in lower case.
        pub name: StrId => near,
        /// The hosts that read it: a range of [`ServiceTables::texts`], each a name or, behind `**.`, all names
        /// below one.
        pub hosts: Range => row,
    }

    /// A service.
    pub struct Service {
        /// Its name.
        pub name: StrId => near,
        /// What kind of service it is; empty where its note does not say.
        pub category: StrId => near,
        /// What is done with it: a range of [`ServiceTables::operations`]. Each that fits counts.
        pub operations: Range => row,
        /// How the user agents of its own clients start, in lower case: a range of
        /// [`ServiceTables::texts`].
        pub clients: Range => row,
    }

    /// A host of a service.
    pub struct ServiceHost {
        /// In lower case, without port.
        pub name: StrId => near,
        /// An index into [`ServiceTables::services`].
        pub service: u32 => near,
        /// Whether every request to the host belongs to the service, and not only those that fit a
        /// template.
        pub whole: bool,
        /// The templates of URLs whose host ends with the name: a range of
        /// [`ServiceTables::templates`]. The first that fits counts. A template without a place is a
        /// host, and means itself and what is below it.
        pub templates: Range => row,
    }

    /// What requests do to a service. All that is listed has to fit.
    pub struct ServiceOperation {
        /// What they do.
        pub operation: Operation,
        /// With which methods: a range of [`ServiceTables::texts`]; an empty one is any.
        pub methods: Range => row,
        /// At which hosts, and what is below them: a range of [`ServiceTables::texts`]; an empty one is
        /// any.
        pub hosts: Range => row,
        /// At which paths: a range of [`ServiceTables::templates`], without hosts; an empty one is any.
        pub paths: Range => row,
    }

    /// A part of a template.
    pub struct Part {
        /// What it is.
        pub kind: PartKind,
        /// The text that has to be there, or the name of the place.
        pub text: StrId => near,
    }
}

impl Default for Mode {
    /// What is new is watched before it denies anything.
    fn default() -> Mode {
        Mode::Monitor
    }
}

impl Mode {
    /// The name in policies, configuration and events.
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::Off => "off",
            Mode::Monitor => "monitor",
            Mode::Enforce => "enforce",
        }
    }
}

impl PolicyTables {
    /// Returns true if there is a policy at all, and not only the plugin's mode.
    pub fn is_given(&self) -> bool {
        let is_empty =
            self.statements.is_empty() && self.exceptions.is_empty() && self.sanctions.is_empty();
        !is_empty
            || !self.allow.groups.is_empty()
            || !self.headers.is_empty()
            || !self.credentials.is_empty()
            || self.default != PolicyTables::default().default
    }
}

impl Default for PolicyTables {
    /// No policy: the plugin's mode alone decides.
    fn default() -> PolicyTables {
        PolicyTables {
            default: Mode::Enforce,
            statements: Vec::new(),
            exceptions: Vec::new(),
            sanctions: Vec::new(),
            rules: Vec::new(),
            services: Vec::new(),
            sources: Vec::new(),
            identities: Vec::new(),
            key_check: 0,
            allow: AllowTables::default(),
            headers: Vec::new(),
            credentials: Vec::new(),
            credentials_required: Vec::new(),
        }
    }
}

impl Default for ServiceTables {
    /// No services.
    fn default() -> ServiceTables {
        ServiceTables {
            services: Vec::new(),
            hosts: Vec::new(),
            templates: Vec::new(),
            parts: Vec::new(),
            operations: Vec::new(),
            texts: Vec::new(),
            headers: Vec::new(),
        }
    }
}

impl Range {
    /// The range that restricts nothing.
    pub const ANY: Range = Range { start: 0, end: 0 };

    /// Returns true if it restricts nothing.
    pub fn is_any(&self) -> bool {
        self.start == self.end
    }

    /// Returns its elements of a list.
    pub fn of<'l, T>(&self, list: &'l [T]) -> &'l [T] {
        list.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    pub(super) fn holds(&self, n_elements: usize) -> bool {
        self.start <= self.end && self.end as usize <= n_elements
    }
}

/// Returns true if every index of the policy and the services is in range, and what is searched is in
/// order. Takes steps in proportion to the tables, also where scopes share elements.
pub(super) fn check(tables: &Tables) -> bool {
    let (policy, services) = (&tables.policy, &tables.services);
    let string = |id: &StrId| id.index() < tables.string_ends.len();
    let service = |idx: &u32| (*idx as usize) < services.services.len();
    let rules_ascend = Ascents::of(&policy.rules);
    let identities_ascend = Ascents::of(&policy.identities);
    let scope = |scope: &Scope| {
        rules_ascend.hold_in(&scope.rules)
            && scope.services.holds(policy.services.len())
            && scope.sources.holds(policy.sources.len())
    };
    policy.rules.iter().all(|rule| rule.index() < tables.rules.len())
        && policy.services.iter().all(service)
        && policy.sources.iter().all(|source| string(&source.name) && source.first <= source.last)
        && policy
            .statements
            .iter()
            .all(|statement| string(&statement.name) && scope(&statement.scope))
        && policy.exceptions.iter().all(|exception| {
            string(&exception.id)
                && scope(&exception.scope)
                && identities_ascend.hold_in(&exception.identities)
        })
        && policy.sanctions.iter().all(|sanction| {
            scope(&sanction.scope) && identities_ascend.hold_in(&sanction.identities)
        })
        && policy.allow.check(tables, policy)
        && policy.headers.is_sorted_by_key(|value| value.header)
        && policy.headers.iter().all(|value| {
            (value.header as usize) < services.headers.len()
                && value.sources.holds(policy.sources.len())
                && string(&value.value)
        })
        && policy.credentials.iter().all(|credential| string(&credential.name))
        && policy.credentials.is_sorted_by_key(|credential| tables.str(credential.name))
        && policy.credentials_required.iter().all(|range| range.holds(policy.sources.len()))
        && services.services.iter().all(|service| {
            string(&service.name)
                && string(&service.category)
                && service.operations.holds(services.operations.len())
                && service.clients.holds(services.texts.len())
        })
        && services.hosts.iter().all(|host| {
            string(&host.name)
                && service(&host.service)
                && host.templates.holds(services.templates.len())
        })
        && services.operations.iter().all(|operation| {
            operation.methods.holds(services.texts.len())
                && operation.hosts.holds(services.texts.len())
                && operation.paths.holds(services.templates.len())
        })
        && services.texts.iter().all(string)
        && services.headers.iter().all(|header| {
            service(&header.service)
                && string(&header.name)
                && header.hosts.holds(services.texts.len())
        })
        && services.hosts.is_sorted_by_key(|host| tables.str(host.name))
        && services.templates.iter().all(|template| template.holds(services.parts.len()))
        && services.parts.iter().all(|part| string(&part.text))
}

impl PartKind {
    /// Returns true if it belongs to the identity.
    pub fn is_identity(self) -> bool {
        matches!(self, PartKind::Identity | PartKind::Label)
    }
}

/// For each place of a list, the place up to which its elements ascend from there: what says of any range
/// in one step whether it is sorted.
pub(super) struct Ascents(Vec<usize>);

impl Ascents {
    pub(super) fn of<T: Ord>(list: &[T]) -> Ascents {
        steps::take(list.len());
        let mut ends = vec![list.len(); list.len()];
        let mut end = list.len();
        for (idx, pair) in list.windows(2).enumerate().rev() {
            if pair.first() > pair.last() {
                end = idx + 1;
            }
            if let Some(place) = ends.get_mut(idx) {
                *place = end;
            }
        }
        Ascents(ends)
    }

    /// Returns true if a range is in the list and its elements ascend.
    pub(super) fn hold_in(&self, range: &Range) -> bool {
        steps::take(1);
        let ascends_to = |start: u32| self.0.get(start as usize).copied().unwrap_or_default();
        range.holds(self.0.len())
            && (range.is_any() || range.end as usize <= ascends_to(range.start))
    }
}
