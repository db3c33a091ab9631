//! Set-up and every multi-step task.

fn main() {}
