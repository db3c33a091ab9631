//! What a task prints while it runs.

/// Says on standard error which step begins, so that a long silence has a name.
pub(crate) fn step(text: &str) {
    eprintln!("==> {text}");
}

/// Says what a step found.
pub(crate) fn note(text: &str) {
    eprintln!("    {text}");
}
