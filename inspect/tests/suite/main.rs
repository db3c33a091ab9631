//! Properties of the run-time, from outside.

mod views;
