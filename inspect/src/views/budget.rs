//! How much evaluating the forms of one request may take, whatever a client nests, lists or repeats.
//!
//! Each bound on the names, paths and targets of a request is met alone; what a request costs is their product
//! with its length. This is the one bound over all of them, in bytes that are evaluated.

use crate::limits::{MAX_EXTRA_HOST_BYTES, MAX_FORM_BYTES};
use crate::request::Request;

/// What is left for the forms of one request.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Budget {
    left: usize,
    extra_left: usize,
    taken: usize,
}

impl Budget {
    pub(super) fn of(request: &Request<'_>) -> Budget {
        let n_bytes = request_bytes(request);
        Budget {
            left: n_bytes.max(MAX_FORM_BYTES),
            extra_left: 2 * n_bytes + MAX_EXTRA_HOST_BYTES,
            taken: 0,
        }
    }

    /// Takes the bytes of a form; returns false if there are not as many left.
    pub(super) fn take(&mut self, n_bytes: usize) -> bool {
        let left = self.left.checked_sub(n_bytes);
        self.left = left.unwrap_or(self.left);
        self.taken += if left.is_some() { n_bytes } else { 0 };
        left.is_some()
    }

    /// The same for forms with further hosts.
    pub(super) fn take_extra(&mut self, n_bytes: usize) -> bool {
        let fits = n_bytes <= self.extra_left;
        if fits {
            self.charge(n_bytes);
        }
        fits
    }

    /// What is left for forms with further hosts.
    pub(super) fn n_extra_left(&self) -> usize {
        self.extra_left
    }

    /// Takes bytes for further hosts.
    pub(super) fn charge(&mut self, n_bytes: usize) {
        self.extra_left = self.extra_left.saturating_sub(n_bytes);
        self.taken += n_bytes;
    }

    /// All that was taken.
    pub(super) fn n_taken(&self) -> usize {
        self.taken
    }
}

/// How many bytes of a request an event contains.
pub(super) fn request_bytes(request: &Request<'_>) -> usize {
    let texts = [
        Some(request.method),
        Some(request.authority),
        Some(request.version),
        request.path,
        request.user_agent,
        request.referrer,
        request.cookie,
        request.server_name,
    ];
    texts.into_iter().flatten().map(<[u8]>::len).sum()
}
