//! What gateways are configured with, and what they report.
//!
//! [`configuration`] writes files for Envoy and resources for Kubernetes; [`event`] is the schema of the
//! filter's events and its mappings to other schemas; [`signing`] signs and verifies packs;
//! [`pack_difference`] compares two of them.
//!
//! Pure: values in, texts and findings out.
#![forbid(unsafe_code)]

pub mod codes;
pub mod configuration;
pub mod event;
pub mod pack_difference;
pub mod signing;
