//! Properties of the run-time, from outside.
#![forbid(unsafe_code)]

mod views;
