//! The run-time of tidegate: runs compiled rules over outbound requests, inside Envoy and elsewhere.
//!
//! Two nouns and an arrow: [`Pack::decode`] turns bytes into compiled rules, an [`Inspector`] turns a
//! [`Request`] into a [`Verdict`]. The verdict is the same natively, in Envoy and in a browser.
//!
//! ```no_run
//! use inspect::{Inspector, Pack, Request};
//!
//! # fn main() -> Result<(), inspect::PackError> {
//! # let bytes = [];
//! let mut inspector = Inspector::new(Pack::decode(&bytes)?);
//! let request = Request {
//!     method: b"POST",
//!     scheme: b"https",
//!     authority: b"api.telegram.org",
//!     path: Some(b"/bot1:secret/sendDocument"),
//!     ..Request::default()
//! };
//! let verdict = inspector.inspect(&request);
//! for matched in &verdict.matches {
//!     let rule = inspector.pack().tables().rule(matched.rule);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! No I/O, no clock, no global state, and no panic on any input (DESIGN.md, invariants 1, 4 and 7).
#![forbid(unsafe_code)]

mod anomaly;
mod arena;
mod behaviour;
mod binding;
mod bits;
mod compare;
mod correlation;
mod decimal;
mod distance;
mod evaluate;
mod event;
mod fold;
mod ids;
mod inspector;
mod keyed_hash;
pub mod limits;
mod name_filter;
mod nfa;
pub mod pack;
mod policy;
mod proxy_field;
pub mod redact;
mod request;
mod scan;
mod secret;
mod service;
mod sorted;
mod steps;
mod truth;
mod verdict;
mod views;
mod words;

pub use anomaly::{ANOMALY_FIELD, Anomalies, Anomaly};
pub use behaviour::{
    Behaviour, BehaviourField, BehaviourFields, FieldValue, FirstUse, FirstUses, Observed, Ratio,
    Scope, Subject, ValueKind, state as behaviour_state,
};
pub use correlation::{CorrelationHit, Correlator, CorrelatorCounts, Firing, HuntOnly};
pub use evaluate::rules_needing;
pub use event::{Event, Text};
pub use fold::{fold, fold_char, fold_into};
pub use ids::{AtomId, CorrelationId, FieldId, PatternId, RuleId, StrId};
pub use inspector::Inspector;
pub use keyed_hash::IdentityKey;
pub use pack::{GRAM_HASH, Mode, Pack, PackError, PackErrorKind, PackHash, SMALL_GRAMS_SHIFT};
pub use policy::{
    Action, Allowance, AllowedBy, Decision, HeaderChange, PolicyQuery, Ruling, SALT_BYTES,
    SecretHash, Source, Usage, User, address_number, network,
};
pub use proxy_field::{
    OPERATION_FIELD, PROXY_FIELDS, ProxyField, SECRET_FIELD, SERVICE_FIELD, UNLISTED_FIELD,
    proxy_fields,
};
pub use request::{METHOD_OVERRIDES, Request, Response, Transport, split_port};
pub use secret::{SecretKind, Secrets};
pub use service::{
    OPEN_PLACES, OWN_CLIENT, Operations, ServiceMatch, ServiceUse, pair_host, plain_host,
};
pub use truth::Truth;
pub use verdict::{Condition, Evidence, Node, RuleMatch, Verdict, View};
pub use views::{ExtraHost, Form, Views, ascii_name};
