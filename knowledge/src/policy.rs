//! A policy: how far matches go, and what is excused. See docs/policy.md.
//!
//! Read from YAML ([`Policy::read`]), checked against the rules and services of a library and laid
//! down in the tables of its pack ([`Policy::compile`]).

mod allow;
mod compile;
mod credentials;
mod due;
mod headers;
mod index;
mod map;
mod namespaces;
pub(crate) mod pool;
mod read;
mod shown;

use std::sync::Arc;

use diagnostics::Span;
use inspect::{Mode, SecretHash, Usage};

pub use allow::{AllowEntry, AllowGroup, AllowTarget, UNLISTED_RULE};
pub use credentials::is_client_name;
pub use due::{moment, seconds, written};
pub use shown::{entry_name, written_host, written_network};

/// Headers of vendors, and for whom they are set.
#[derive(Clone, Debug)]
pub struct HeaderEntry {
    /// For requests from which sources; empty is everybody.
    pub sources: Vec<Word>,
    /// Names and values.
    pub values: Vec<(Word, Word)>,
}

/// The clients that may use the proxy, and who has to be one.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// Names, and the hashes of their secrets.
    pub clients: Vec<(Word, SecretHash)>,
    /// Who has to name its client.
    pub required: Required,
}

/// Which sources have to name their client.
#[derive(Clone, Debug, Default)]
pub enum Required {
    /// None.
    #[default]
    Nobody,
    /// All.
    Everybody,
    /// Groups, networks, SPIFFE ids.
    Sources(Vec<Word>),
}

/// A policy as it was written.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The file.
    pub file: Arc<str>,
    /// The mode of what no statement is about.
    pub default: Mode,
    /// Sources under one name.
    pub groups: Vec<Group>,
    /// The statements; the first one that fits decides.
    pub statements: Vec<Statement>,
    /// The exceptions.
    pub exceptions: Vec<Exception>,
    /// Which use is sanctioned.
    pub sanctions: Vec<Sanction>,
    /// What groups of sources may do; the first one that a source is in decides.
    pub allow: Vec<AllowGroup>,
    /// Which headers of vendors are set.
    pub headers: Vec<HeaderEntry>,
    /// Who may use the proxy.
    pub credentials: Credentials,
    /// Who answers for Sigma filters, and how long.
    pub filters: Vec<FilterOwner>,
}

/// A text, and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The text.
    pub text: String,
    /// Its place.
    pub span: Span,
}

/// Sources under one name.
#[derive(Clone, Debug)]
pub struct Group {
    /// The name.
    pub name: Word,
    /// The sources: names, starts of names that end in `*`, networks.
    pub sources: Vec<Word>,
}

/// What something is about: all of it has to fit, and an empty list restricts nothing.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Rules by id or title.
    pub rules: Vec<Word>,
    /// Techniques; each includes its sub-techniques.
    pub techniques: Vec<Word>,
    /// Levels of rules.
    pub levels: Vec<Word>,
    /// Services by name.
    pub services: Vec<Word>,
    /// Groups, networks, SPIFFE ids.
    pub sources: Vec<Word>,
    /// Operations by name.
    pub operations: Vec<Word>,
}

/// A mode, and what it is about.
#[derive(Clone, Debug)]
pub struct Statement {
    /// Its name.
    pub name: Word,
    /// The mode.
    pub mode: Mode,
    /// Which use; empty restricts nothing.
    pub usages: Vec<Usage>,
    /// For how many of 10,000 sources.
    pub share: u32,
    /// What it is about.
    pub scope: Scope,
}

/// A match that is nothing to report, for a while.
#[derive(Clone, Debug)]
pub struct Exception {
    /// Its name in events and counters.
    pub id: Word,
    /// Who answers for it.
    pub owner: String,
    /// Where it was agreed on.
    pub ticket: String,
    /// Why.
    pub reason: String,
    /// When it stops to apply, in seconds since 1970, and where that is written.
    pub expires: (u64, Span),
    /// What it is about.
    pub scope: Scope,
    /// Whose use of the service.
    pub identities: Vec<Word>,
}

/// A Sigma filter that has an owner. It is part of the conditions of rules, so it never ends by itself: its end is
/// reported.
#[derive(Clone, Debug)]
pub struct FilterOwner {
    /// The filter's id or title.
    pub filter: Word,
    /// Who answers for it.
    pub owner: String,
    /// Where it was agreed on.
    pub ticket: String,
    /// When it has to be gone, in seconds since 1970, and where that is written.
    pub expires: (u64, Span),
}

/// A use of a service that is known to be right.
#[derive(Clone, Debug)]
pub struct Sanction {
    /// Its place.
    pub span: Span,
    /// Which services, from which sources.
    pub scope: Scope,
    /// Whose use of the service; empty is any.
    pub identities: Vec<Word>,
}
