//! How much a paste may become: the values of its names, the URLs of its patterns and its requests together.

use std::cell::Cell;

use diagnostics::{Findings, Span};

use crate::codes;
use crate::limits::{MAX_EXPANSION, MIN_EXPANSION_BYTES};

/// Bytes that a value takes besides its text.
pub(crate) const VALUE_BYTES: usize = 16;

/// What the texts of a reader may still be expanded to. Whoever copies the value of a name, writes out a pattern
/// or makes a request asks before; once it is refused, nothing is expanded until the next text.
#[derive(Debug)]
pub(crate) struct Expansion {
    n_left: Cell<usize>,
    is_refused: Cell<bool>,
}

impl Default for Expansion {
    fn default() -> Self {
        Expansion { n_left: Cell::new(MIN_EXPANSION_BYTES), is_refused: Cell::new(false) }
    }
}

impl Expansion {
    /// Begins another text, which adds to what its reader may expand.
    pub(crate) fn begin(&self, text: &str) {
        let more = text.len().saturating_mul(MAX_EXPANSION);
        self.n_left.set(self.n_left.get().saturating_add(more));
        self.is_refused.set(false);
    }

    /// Takes so many bytes; false where they are too many, and from then on.
    #[must_use]
    pub(crate) fn takes(&self, n_bytes: usize) -> bool {
        if self.is_refused() {
            return false;
        }
        match self.n_left.get().checked_sub(n_bytes) {
            Some(n_left) => self.n_left.set(n_left),
            None => self.is_refused.set(true),
        }
        !self.is_refused()
    }

    pub(crate) fn is_refused(&self) -> bool {
        self.is_refused.get()
    }
}

/// Adds the finding about a request that expands to too much.
pub(crate) fn refuse(findings: &mut Findings) {
    let message = format!(
        "what is written here expands to more than {MAX_EXPANSION} times the text and {} MiB",
        MIN_EXPANSION_BYTES >> 20
    );
    let help = "nothing from here on is read; give the request with its values written out";
    findings.add(&codes::LARGE_EXPANSION, Span::point(1, 1), message, help);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_once_stays_refused_until_the_next_text() {
        let expansion = Expansion::default();
        expansion.begin("ab");
        assert!(expansion.takes(MIN_EXPANSION_BYTES));
        assert!(expansion.takes(2 * MAX_EXPANSION));
        assert!(expansion.takes(0));
        assert!(!expansion.takes(1));
        assert!(!expansion.takes(0) && expansion.is_refused());
        expansion.begin("c");
        assert!(expansion.takes(MAX_EXPANSION));
        assert!(!expansion.takes(1));
    }
}
