//! The progress of a build on a terminal; nothing where standard error is not a terminal.

use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};

/// A line on standard error that is redrawn in place, and removed when it is dropped.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    pub(super) fn new() -> Progress {
        let bar = ProgressBar::no_length().with_style(style("{msg}"));
        Progress { bar: bar.with_finish(ProgressFinish::AndClear) }
    }

    /// Shows the current step.
    pub(super) fn say(&self, what: &str) {
        self.bar.set_message(what.to_owned());
        self.bar.tick();
    }

    /// Shows the current step with a bar of `length` units; [`Progress::advance`] moves it.
    pub(super) fn count(&self, what: &str, length: usize) {
        self.bar.set_style(style("{msg} [{bar:24}] {pos}/{len}"));
        self.bar.set_length(u64::try_from(length).unwrap_or(u64::MAX));
        self.say(what);
    }

    /// Moves the bar by one unit.
    pub(super) fn advance(&self) {
        self.bar.inc(1);
    }
}

/// Returns a style; the templates are constants, and a wrong one would show the plain bar.
fn style(template: &'static str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("## ")
}
