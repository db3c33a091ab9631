//! tidegate beside the other Sigma engines: the same rules and events, verdicts and times compared.
//!
//! A crate outside the workspace, so that the peers' dependencies are none of tidegate's. Two
//! programs: `differential` compares verdicts, `engine` times.

pub mod bench;
pub mod corpus;
pub mod detection;
pub mod difference;
#[allow(dead_code, reason = "the engine's own tests use more of it")]
#[path = "../../../sigma/tests/suite/event.rs"]
pub mod event;
pub mod explained;
pub mod goals;
pub mod nearby;
pub mod pysigma;
pub mod recorded;
pub mod rsigma;
pub mod rule;
pub mod sample;
pub mod sets;
pub mod smaller;
pub mod tidegate;
pub mod v8;
pub mod words;
pub mod yaml;
