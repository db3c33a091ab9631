//! The language held against the specification's edge cases, the corpora and a plain evaluator.

mod corpus;
mod edge_cases;
mod event;
mod plain;
