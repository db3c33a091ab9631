//! First uses: what is new, and to whom.

/// To whom something is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The source of the request.
    Source,
    /// Every source of its group: sources of one network, or of one name but for the number at its end.
    Group,
    /// Every source that is watched.
    Network,
}

/// What is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The host, by its full name.
    Host,
    /// The service that the host belongs to.
    Service,
    /// An operation of the request on that service.
    Operation,
    /// The identity of that service (tenant, bot, webhook) that the URL names.
    Identity,
}

/// One first use: what is new to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstUse {
    /// To whom.
    pub scope: Scope,
    /// What.
    pub subject: Subject,
}

impl FirstUse {
    /// Every first use, with its name in rules.
    ///
    /// What is new to the network is new to the group and to the source too, and a new service is a new host:
    /// a request has all the names that fit.
    pub const ALL: [(FirstUse, &'static str); 12] = [
        (FirstUse { scope: Scope::Source, subject: Subject::Host }, "source.host"),
        (FirstUse { scope: Scope::Source, subject: Subject::Service }, "source.service"),
        (FirstUse { scope: Scope::Source, subject: Subject::Operation }, "source.operation"),
        (FirstUse { scope: Scope::Source, subject: Subject::Identity }, "source.identity"),
        (FirstUse { scope: Scope::Group, subject: Subject::Host }, "group.host"),
        (FirstUse { scope: Scope::Group, subject: Subject::Service }, "group.service"),
        (FirstUse { scope: Scope::Group, subject: Subject::Operation }, "group.operation"),
        (FirstUse { scope: Scope::Group, subject: Subject::Identity }, "group.identity"),
        (FirstUse { scope: Scope::Network, subject: Subject::Host }, "network.host"),
        (FirstUse { scope: Scope::Network, subject: Subject::Service }, "network.service"),
        (FirstUse { scope: Scope::Network, subject: Subject::Operation }, "network.operation"),
        (FirstUse { scope: Scope::Network, subject: Subject::Identity }, "network.identity"),
    ];

    fn bit(self) -> u16 {
        1 << (4 * self.scope as u16 + self.subject as u16)
    }
}

/// A set of first uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FirstUses(u16);

impl FirstUses {
    /// Adds a first use.
    pub fn insert(&mut self, scope: Scope, subject: Subject) {
        self.0 |= FirstUse { scope, subject }.bit();
    }

    /// Returns true if a first use is in the set.
    pub fn contains(self, first_use: FirstUse) -> bool {
        self.0 & first_use.bit() != 0
    }

    /// Returns true if one of another set is in this one.
    pub(crate) fn has_any(self, others: FirstUses) -> bool {
        self.0 & others.0 != 0
    }

    /// Returns true if nothing is new.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns the names in rules, in the order of [`FirstUse::ALL`].
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let all = FirstUse::ALL.into_iter();
        all.filter(move |(first_use, _)| self.contains(*first_use)).map(|(_, name)| name)
    }
}
