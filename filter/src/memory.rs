//! What a worker remembers while configurations come and go.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::{self, Rc};
use std::sync::Weak;

use inspect::Pack;

use crate::export_queue::Queue;
use crate::host::Protocol;
use crate::inspection::Inspection;
use crate::plugin::Plugin;

/// The memory of one worker: requests that are running, windows that it opened, events for the
/// collector, the newest signed packs, and which packs are decoded.
///
/// Each thread has one of its own. A host that does the work of a tick on another thread than a
/// worker's keeps the worker's memory under a lock, and enters it there.
#[derive(Debug, Default)]
pub struct Memory {
    pub(crate) running: RefCell<VecDeque<Running>>,
    pub(crate) opened: RefCell<Vec<Opened>>,
    pub(crate) queue: RefCell<Queue>,
    pub(crate) active: RefCell<Vec<ActivePlugin>>,
    pub(crate) packs: RefCell<Vec<Weak<Pack>>>,
}

/// A request that may have to be reported while it runs.
#[derive(Debug)]
pub(crate) struct Running {
    /// When it was judged, in seconds since 1970.
    pub(crate) since: u64,
    pub(crate) plugin: rc::Weak<Plugin>,
    pub(crate) inspection: rc::Weak<RefCell<Inspection>>,
}

/// A window that this worker opened and has to close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opened {
    /// When, in seconds since 1970.
    pub(crate) from: u64,
    /// When it ends.
    pub(crate) until: u64,
    /// Its bucket.
    pub(crate) place: u32,
}

/// The newest plugin of a pack name, on this worker.
#[derive(Debug)]
pub(crate) struct ActivePlugin {
    pub(crate) name: String,
    pub(crate) protocol: Protocol,
    pub(crate) version: u64,
    pub(crate) plugin: Rc<Plugin>,
}

thread_local! {
    static CURRENT: RefCell<Rc<Memory>> = RefCell::default();
}

impl Memory {
    /// Makes a memory that of the current thread, until the result is dropped.
    pub fn enter(memory: &Rc<Memory>) -> Entered {
        Entered { before: CURRENT.replace(Rc::clone(memory)) }
    }
}

/// The time in which a thread has another memory; the one before returns at its end.
#[derive(Debug)]
#[must_use = "a memory is left when this is dropped"]
pub struct Entered {
    before: Rc<Memory>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(Rc::clone(&self.before));
    }
}

/// A part of the current memory, with the methods of a `LocalKey`.
pub(crate) struct Part<T: 'static>(pub(crate) fn(&Memory) -> &RefCell<T>);

impl<T> Part<T> {
    pub(crate) fn with_borrow<R>(&self, read: impl FnOnce(&T) -> R) -> R {
        let memory = CURRENT.with_borrow(Rc::clone);
        read(&(self.0)(&memory).borrow())
    }

    pub(crate) fn with_borrow_mut<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let memory = CURRENT.with_borrow(Rc::clone);
        change(&mut (self.0)(&memory).borrow_mut())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPENED: Part<Vec<Opened>> = Part(|memory| &memory.opened);

    #[test]
    fn a_memory_is_entered_and_left() {
        let other = Rc::new(Memory::default());
        let [first, second] = [1, 2].map(|place| Opened { from: 0, until: 1, place });
        OPENED.with_borrow_mut(|opened| opened.push(first));
        let entered = Memory::enter(&other);
        assert!(OPENED.with_borrow(Vec::is_empty));
        OPENED.with_borrow_mut(|opened| opened.push(second));
        drop(entered);
        assert_eq!(OPENED.with_borrow(Vec::clone), [first]);
        assert_eq!(*other.opened.borrow(), [second]);
    }
}
