//! The run-time held against properties, from outside.

mod views;
