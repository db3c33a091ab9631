//! The closed list of the fields of behaviour.

use crate::pack::Phase;

/// A field that state answers, not the request.
///
/// The window is 24 hours unless a field says otherwise. A pair is a source with a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BehaviourField {
    /// Hours of the window in which the pair had a request, 1 to 24.
    ActiveHours,
    /// Seconds from the last time that the source read a dead drop until its first request to this host,
    /// which was not long ago; missing where it read none, or knew the host before.
    AfterDeadDrop,
    /// How regular the times of the pair's requests are: 0 as chance has it, 1 as a clock. Missing below four
    /// requests at different seconds.
    Beacon,
    /// The median of the pair's gaps, in seconds. Missing as `tidegate.beacon` is.
    BeaconPeriod,
    /// What is new: a list of [`crate::FirstUse`]s, each for as long as its first use is not older than the
    /// window. Unknown until the source was watched for a while before.
    FirstUse,
    /// Different identities (tenants, bots, webhooks) of the request's service that the source used in the
    /// window. Missing where the service's URLs name none.
    Identities,
    /// Hosts that the source used in the hour of this request and never before. Unknown as
    /// `tidegate.first_use` is.
    NewHosts,
    /// The share of all sources that used this host in the window.
    Prevalence,
    /// Requests of the pair in the window.
    Requests,
    /// The share of all sources that used this service in the window; missing where the host belongs to none.
    ServicePrevalence,
    /// How many sources used this host in the window: what `tidegate.prevalence` is a share of, for networks
    /// in which a single source is a large share.
    Sources,
    /// Seconds of the pair's longest tunnel or streamed request in the window, from CONNECT to its end.
    /// Missing where none was seen to end.
    TunnelSeconds,
    /// Bytes that the source sent to this host in the window, heads included where the log counts them.
    UploadBytes,
    /// (sent - received) / (sent + received) of the pair in the window, the producer-consumer ratio: -1 pure
    /// download, 1 pure upload. Missing where no bytes were counted.
    UploadRatio,
}

/// What kind of values a field has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// A number from 0 to 1.
    Share,
    /// A number from -1 to 1.
    Balance,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// A count.
    Count,
    /// Names of [`crate::FirstUse`].
    FirstUses,
}

impl BehaviourField {
    /// Every field, in the order of their names.
    pub const ALL: [BehaviourField; 14] = [
        BehaviourField::ActiveHours,
        BehaviourField::AfterDeadDrop,
        BehaviourField::Beacon,
        BehaviourField::BeaconPeriod,
        BehaviourField::FirstUse,
        BehaviourField::Identities,
        BehaviourField::NewHosts,
        BehaviourField::Prevalence,
        BehaviourField::Requests,
        BehaviourField::ServicePrevalence,
        BehaviourField::Sources,
        BehaviourField::TunnelSeconds,
        BehaviourField::UploadBytes,
        BehaviourField::UploadRatio,
    ];

    /// The name in rules.
    pub const fn as_str(self) -> &'static str {
        match self {
            BehaviourField::ActiveHours => "tidegate.active_hours",
            BehaviourField::AfterDeadDrop => "tidegate.after_dead_drop",
            BehaviourField::Beacon => "tidegate.beacon",
            BehaviourField::BeaconPeriod => "tidegate.beacon_period",
            BehaviourField::FirstUse => "tidegate.first_use",
            BehaviourField::Identities => "tidegate.identities",
            BehaviourField::NewHosts => "tidegate.new_hosts",
            BehaviourField::Prevalence => "tidegate.prevalence",
            BehaviourField::Requests => "tidegate.requests",
            BehaviourField::ServicePrevalence => "tidegate.service_prevalence",
            BehaviourField::Sources => "tidegate.sources",
            BehaviourField::TunnelSeconds => "tidegate.tunnel_seconds",
            BehaviourField::UploadBytes => "tidegate.upload_bytes",
            BehaviourField::UploadRatio => "tidegate.upload_ratio",
        }
    }

    /// When the field is known: bytes and durations of the request itself count, so what sums them waits for
    /// the response.
    pub fn phase(self) -> Phase {
        match self {
            BehaviourField::TunnelSeconds
            | BehaviourField::UploadBytes
            | BehaviourField::UploadRatio => Phase::Response,
            BehaviourField::ActiveHours
            | BehaviourField::AfterDeadDrop
            | BehaviourField::Beacon
            | BehaviourField::BeaconPeriod
            | BehaviourField::FirstUse
            | BehaviourField::Identities
            | BehaviourField::NewHosts
            | BehaviourField::Prevalence
            | BehaviourField::Requests
            | BehaviourField::ServicePrevalence
            | BehaviourField::Sources => Phase::Request,
        }
    }

    /// What values the field has.
    pub fn kind(self) -> ValueKind {
        match self {
            BehaviourField::Beacon
            | BehaviourField::Prevalence
            | BehaviourField::ServicePrevalence => ValueKind::Share,
            BehaviourField::UploadRatio => ValueKind::Balance,
            BehaviourField::AfterDeadDrop
            | BehaviourField::BeaconPeriod
            | BehaviourField::TunnelSeconds => ValueKind::Seconds,
            BehaviourField::UploadBytes => ValueKind::Bytes,
            BehaviourField::FirstUse => ValueKind::FirstUses,
            BehaviourField::ActiveHours
            | BehaviourField::Identities
            | BehaviourField::NewHosts
            | BehaviourField::Requests
            | BehaviourField::Sources => ValueKind::Count,
        }
    }
}

/// A set of fields of behaviour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BehaviourFields(u16);

impl BehaviourFields {
    /// Returns true if no field is in the set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns true if a field is in the set.
    pub fn contains(self, field: BehaviourField) -> bool {
        self.0 & 1 << field as u16 != 0
    }

    /// Returns true if all fields of another set are in this one.
    pub fn contains_all(self, other: BehaviourFields) -> bool {
        self.0 & other.0 == other.0
    }

    /// Returns the set with one of its fields, or with none.
    #[must_use]
    pub fn only(self, field: BehaviourField) -> BehaviourFields {
        BehaviourFields(self.0 & 1 << field as u16)
    }

    /// Returns the set with the fields of another.
    #[must_use]
    pub fn union(self, other: BehaviourFields) -> BehaviourFields {
        BehaviourFields(self.0 | other.0)
    }

    /// Returns the fields, in the order of [`BehaviourField::ALL`].
    pub fn iter(self) -> impl Iterator<Item = BehaviourField> {
        BehaviourField::ALL.into_iter().filter(move |field| self.contains(*field))
    }
}

impl FromIterator<BehaviourField> for BehaviourFields {
    fn from_iter<I: IntoIterator<Item = BehaviourField>>(fields: I) -> Self {
        BehaviourFields(fields.into_iter().fold(0, |all, field| all | 1 << field as u16))
    }
}
