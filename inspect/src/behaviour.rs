//! What a source did over time with the host or the service of a request, as fields that rules ask.
//!
//! Whoever keeps state (a gateway in shared data, `hunt` over a log) hands a [`Behaviour`] to the engine
//! beside the request. Nothing here counts or reads a clock: `docs/behaviour.md` says how each value comes
//! about. All values are whole numbers, so that a gateway needs no floating point to write them.
//!
//! A value that nobody computed is [`Observed::Unknown`], and so is what a rule makes of it: neither
//! `tidegate.beacon|gte: 0.9` nor a `not` in front of it is true.

mod field;
mod novelty;
mod ratio;
pub mod state;

pub use field::{BehaviourField, BehaviourFields, ValueKind};
pub use novelty::{FirstUse, FirstUses, Scope, Subject};
pub use ratio::Ratio;

/// A value of behaviour, if there is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Observed<T> {
    /// Nobody knows: no state is kept, or not for long enough. A condition on it is neither true nor false.
    #[default]
    Unknown,
    /// It is known that there is none: too few requests for a rhythm, no dead drop that was read. To a rule
    /// the field is missing.
    Absent,
    /// The value.
    Value(T),
}

impl<T> Observed<T> {
    /// Returns the value, or that there is none.
    pub fn of(value: Option<T>) -> Self {
        value.map_or(Observed::Absent, Observed::Value)
    }

    /// Changes the value, if there is one.
    pub(crate) fn map<U>(self, change: impl FnOnce(T) -> U) -> Observed<U> {
        match self {
            Observed::Unknown => Observed::Unknown,
            Observed::Absent => Observed::Absent,
            Observed::Value(value) => Observed::Value(change(value)),
        }
    }

    /// Returns the value, if there is one.
    pub fn value(self) -> Option<T> {
        match self {
            Observed::Value(value) => Some(value),
            Observed::Unknown | Observed::Absent => None,
        }
    }
}

/// What is known of the behaviour of a request's source at the time of the request.
///
/// The source is who sends the request, the host that of the request as it came, the service that of the
/// host ([`crate::ServiceMatch`]). The default knows nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Behaviour {
    /// See [`BehaviourField::ActiveHours`].
    pub active_hours: Observed<u32>,
    /// See [`BehaviourField::AfterDeadDrop`]; seconds.
    pub after_dead_drop: Observed<u32>,
    /// See [`BehaviourField::Beacon`].
    pub beacon: Observed<Ratio>,
    /// See [`BehaviourField::BeaconPeriod`]; seconds.
    pub beacon_period: Observed<u32>,
    /// See [`BehaviourField::FirstUse`]. No first use is an empty set, [`Observed::Absent`] means the same.
    pub first_use: Observed<FirstUses>,
    /// See [`BehaviourField::Identities`].
    pub identities: Observed<u32>,
    /// See [`BehaviourField::NewHosts`].
    pub new_hosts: Observed<u32>,
    /// See [`BehaviourField::Prevalence`].
    pub prevalence: Observed<Ratio>,
    /// See [`BehaviourField::Requests`].
    pub requests: Observed<u64>,
    /// See [`BehaviourField::ServicePrevalence`].
    pub service_prevalence: Observed<Ratio>,
    /// See [`BehaviourField::Sources`].
    pub sources: Observed<u32>,
    /// See [`BehaviourField::TunnelSeconds`]; seconds.
    pub tunnel_seconds: Observed<u32>,
    /// See [`BehaviourField::UploadBytes`]; bytes.
    pub upload_bytes: Observed<u64>,
    /// See [`BehaviourField::UploadRatio`].
    pub upload_ratio: Observed<Ratio>,
}

/// A value of a field of behaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldValue {
    /// A count, bytes or seconds.
    Number(u64),
    /// A share or a balance.
    Ratio(Ratio),
    /// What is new.
    FirstUses(FirstUses),
}

impl Behaviour {
    /// Returns the number that a rule compares with; [`BehaviourField::FirstUse`] has none.
    pub(crate) fn number(&self, field: BehaviourField) -> Observed<f64> {
        match self.observed(field) {
            Observed::Unknown | Observed::Value(FieldValue::FirstUses(_)) => Observed::Unknown,
            Observed::Absent => Observed::Absent,
            #[expect(
                clippy::cast_precision_loss,
                reason = "as a rule reads the digits of a number"
            )]
            Observed::Value(FieldValue::Number(number)) => Observed::Value(number as f64),
            Observed::Value(FieldValue::Ratio(ratio)) => Observed::Value(ratio.to_f64()),
        }
    }

    /// Returns the value of a field; `None` where there is none, or nobody knows.
    pub fn value(&self, field: BehaviourField) -> Option<FieldValue> {
        let is_empty =
            |value: &FieldValue| matches!(value, FieldValue::FirstUses(of) if of.is_empty());
        self.observed(field).value().filter(|value| !is_empty(value))
    }

    /// Returns what is known of a field.
    fn observed(&self, field: BehaviourField) -> Observed<FieldValue> {
        let count = |count: Observed<u32>| count.map(|count| FieldValue::Number(count.into()));
        let sum = |sum: Observed<u64>| sum.map(FieldValue::Number);
        let ratio = |ratio: Observed<Ratio>| ratio.map(FieldValue::Ratio);
        match field {
            BehaviourField::ActiveHours => count(self.active_hours),
            BehaviourField::AfterDeadDrop => count(self.after_dead_drop),
            BehaviourField::Beacon => ratio(self.beacon),
            BehaviourField::BeaconPeriod => count(self.beacon_period),
            BehaviourField::FirstUse => self.first_use.map(FieldValue::FirstUses),
            BehaviourField::Identities => count(self.identities),
            BehaviourField::NewHosts => count(self.new_hosts),
            BehaviourField::Prevalence => ratio(self.prevalence),
            BehaviourField::Requests => sum(self.requests),
            BehaviourField::ServicePrevalence => ratio(self.service_prevalence),
            BehaviourField::Sources => count(self.sources),
            BehaviourField::TunnelSeconds => count(self.tunnel_seconds),
            BehaviourField::UploadBytes => sum(self.upload_bytes),
            BehaviourField::UploadRatio => ratio(self.upload_ratio),
        }
    }
}
