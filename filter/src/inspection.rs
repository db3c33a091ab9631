//! A request that was judged, until all of it is reported.

use inspect::{Action, Decision, Verdict};

use crate::behaviour::tracked::Tracked;
use crate::correlation::inline::Fired;
use crate::snapshot::Snapshot;
use crate::source::Sender;

/// What happens to a request once its headers were judged.
#[derive(Debug)]
pub(crate) enum Step {
    /// It passes, and nothing is left to do.
    Pass,
    /// It passes; there is something to report, or there are rules that wait for the response.
    Follow(Box<Inspection>),
    /// It was answered; there is something to report.
    Deny(Box<Inspection>),
    /// It was answered, for it could not be judged.
    Refuse,
}

/// A request that was judged, until all of it is reported.
#[derive(Debug)]
pub(crate) struct Inspection {
    pub(crate) snapshot: Snapshot,
    pub(crate) verdict: Verdict,
    /// The policy's decision on the verdict.
    pub(crate) decision: Decision,
    /// Who sent it; read if a rule matched.
    pub(crate) sender: Sender,
    /// What happened to the request: what was decided, or less if that could not be done.
    pub(crate) action: Action,
    /// True if the stream may stay open for hours once the response has started.
    pub(crate) is_tunnel: bool,
    /// How far the matches of the request were reported.
    pub(crate) reported: Reported,
    /// When it was judged, in milliseconds since 1970; `None` without a clock.
    pub(crate) since: Option<u64>,
    /// The correlations that fired with it.
    pub(crate) fired: Vec<Fired>,
    /// What is known of its source's behaviour, if a rule depends on that.
    pub(crate) tracked: Option<Box<Tracked>>,
}

/// How far the matches of a request were reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reported {
    /// They were not.
    No,
    /// They were, in the event of a tunnel that opened; a second event is due when it is over.
    Opened,
    /// They were, while the request was running; a second event is due when it is over.
    Running,
    /// They were to be reported, but the event was suppressed, and a window counts it.
    Suppressed,
    /// They are about behaviour that was reported.
    Repeated,
    /// The event was not written, but the stream ran for long or moved much: an event is due when it is over.
    Owed,
}
