//! The rule language: Sigma text to [`Rule`]s, rules to the tables of a [`Pack`](inspect::Pack).
//!
//! ```
//! let text = "
//! title: Telegram bot API
//! logsource:
//!     category: proxy
//! detection:
//!     selection:
//!         cs-host: api.telegram.org
//!     condition: selection
//! ";
//! let parsed = sigma::parse(&sigma::Source::new("telegram.yml", text));
//! assert!(parsed.diagnostics.is_empty());
//!
//! let mut compiler = sigma::Compiler::new("example", 1);
//! for rule in &parsed.rules {
//!     compiler.add(rule).expect("every rule that was read can be compiled, within bounds");
//! }
//! let pack = inspect::Pack::decode(&compiler.finish().encode())?;
//! assert_eq!(pack.tables().rules.len(), 1);
//! # Ok::<(), inspect::PackError>(())
//! ```
//!
//! A rule that cannot be run exactly is refused with a [`diagnostics::Diagnostic`]: never approximated, never
//! skipped in silence (DESIGN.md, invariant 5).
#![forbid(unsafe_code)]

pub mod codes;
mod compile;
mod condition;
mod correlation;
mod decidability;
mod filter;
mod hosts;
pub mod limits;
pub mod lint;
mod logsource;
mod modifier;
mod read;
mod regex;
mod rule;
mod source;
mod technique;
mod text;

pub use compile::Compiler;
pub use correlation::{
    Alias, COMPARISONS, CORRELATION_KINDS, Correlation, CorrelationKind, Reference, Threshold,
};
pub use decidability::{Decidability, at_proxy, decidability, lead};
pub use filter::{Applies, Filter, apply_filters};
pub use logsource::{AtProxy, MAPPINGS, Mapping, field_at_proxy};
pub use modifier::MODIFIERS;
pub use read::{LEVELS, Parsed, STATUSES, parse};
pub use regex::{Regex, find_regex};
pub use rule::*;
pub use source::Source;
pub use technique::{TECHNIQUE_LISTS, technique_id, technique_of_key, techniques_in};
