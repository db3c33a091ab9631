//! What an egress gateway evidences of D3FEND's countermeasures, in plain words.
//!
//! A gateway sees requests, tunnels and their sizes; it sees no bodies, no hosts and no logons. What it cannot
//! do is said, since a page that is silent about it would be read as a promise.

use inspect::ProxyField;
use inspect::pack::Phase;

/// How far a gateway goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// Everything that the countermeasure asks, for what passes the gateway.
    Full,
    /// A part of it.
    Partial,
    /// Signs of it.
    Weak,
    /// Nothing.
    None,
    /// It is for another place of the network.
    NotApplicable,
}

impl Reach {
    /// The word on pages.
    pub fn as_str(self) -> &'static str {
        match self {
            Reach::Full => "full",
            Reach::Partial => "partial",
            Reach::Weak => "weak",
            Reach::None => "not possible",
            Reach::NotApplicable => "not applicable",
        }
    }
}

/// What a gateway evidences of one countermeasure.
#[derive(Clone, Copy, Debug)]
pub struct Evidence {
    /// The countermeasure: `D3-OTF`.
    pub id: &'static str,
    /// How far it goes.
    pub reach: Reach,
    /// What is seen, and what is not.
    pub words: &'static str,
    /// The fields that show it. Those that this version's engine does not answer are left out on pages.
    fields: &'static [&'static str],
    /// Which rules show it.
    pub rules: Rules,
}

/// Which rules show that a countermeasure is at work.
#[derive(Clone, Copy, Debug)]
pub enum Rules {
    /// All.
    All,
    /// Those that ask one of its own fields, or are about a service of one of these categories.
    Of {
        /// Fields, which are of no other countermeasure.
        fields: &'static [&'static str],
        /// Categories of services.
        categories: &'static [&'static str],
    },
}

impl Rules {
    /// Returns true if a rule with these fields, about services of these categories, is among them.
    pub fn contains<'r>(
        &self,
        fields: impl IntoIterator<Item = &'r str>,
        categories: impl IntoIterator<Item = &'r str>,
    ) -> bool {
        match self {
            Rules::All => true,
            Rules::Of { fields: wanted, categories: about } => {
                fields.into_iter().any(|field| wanted.contains(&field))
                    || categories.into_iter().any(|category| about.contains(&category))
            }
        }
    }
}

impl Evidence {
    /// The fields that show it, and that the engine answers.
    pub fn fields(&self) -> impl Iterator<Item = &'static str> {
        self.fields.iter().copied().filter(|name| is_answered(name))
    }
}

/// Returns true if the engine of this version answers a field for a request.
pub(crate) fn is_answered(field: &str) -> bool {
    ProxyField::from_name(field).is_some()
}

/// Returns true if the engine knows a field of ours only when the response is known.
pub(crate) fn is_late(field: &str) -> bool {
    let is_late = |field: ProxyField| field.phase() == Phase::Response;
    field.starts_with("tidegate.") && ProxyField::from_name(field).is_some_and(is_late)
}

/// By id. The nine of the Control Validation Compass for T1102, and the three that D3FEND 1.2.0 adds.
const EVIDENCE: &[Evidence] = &[
    Evidence {
        id: "D3-CSPP",
        reach: Reach::Partial,
        words: "Sizes of requests and responses and their rhythm, by service and path template. Bodies are not read, so there is no profile of a payload.",
        fields: &[
            "cs-bytes",
            "sc-bytes",
            "tidegate.active_hours",
            "tidegate.beacon",
            "tidegate.beacon_period",
            "tidegate.operation",
            "tidegate.requests",
            "tidegate.service",
            "tidegate.upload_bytes",
            "tidegate.upload_ratio",
        ],
        rules: Rules::Of {
            fields: &[
                "cs-bytes",
                "sc-bytes",
                "tidegate.active_hours",
                "tidegate.beacon",
                "tidegate.beacon_period",
                "tidegate.requests",
                "tidegate.upload_bytes",
                "tidegate.upload_ratio",
            ],
            categories: &[],
        },
    },
    Evidence {
        id: "D3-EF",
        reach: Reach::NotApplicable,
        words: "Mail does not pass a gateway for the web. The nearest that it does: it finds programs that use web mail and the interfaces of mail services.",
        fields: &["tidegate.category", "tidegate.service"],
        rules: Rules::Of { fields: &[], categories: &["email"] },
    },
    Evidence {
        id: "D3-ITF",
        reach: Reach::NotApplicable,
        words: "An egress gateway sees what leaves. The nearest that it does: it finds and denies the services that open a way in from outside (tunnels, overlay networks, remote administration).",
        fields: &["tidegate.category", "tidegate.service"],
        rules: Rules::Of { fields: &[], categories: &["remote-access", "tunnel"] },
    },
    Evidence {
        id: "D3-NTCD",
        reach: Reach::Partial,
        words: "Who talks to which service: first uses by a source, its group and the network, how many sources use a host, and uses that a policy does not know of. The matrix of all sources and hosts is seen over logs, by `tidegate hunt`.",
        fields: &[
            "tidegate.first_use",
            "tidegate.new_hosts",
            "tidegate.prevalence",
            "tidegate.service",
            "tidegate.service_prevalence",
            "tidegate.sources",
            "tidegate.unlisted",
            "tidegate.usage",
        ],
        rules: Rules::Of {
            fields: &[
                "tidegate.first_use",
                "tidegate.new_hosts",
                "tidegate.prevalence",
                "tidegate.service_prevalence",
                "tidegate.sources",
                "tidegate.unlisted",
                "tidegate.usage",
            ],
            categories: &[],
        },
    },
    Evidence {
        id: "D3-NTF",
        reach: Reach::Full,
        words: "What passes the gateway is allowed or denied by rule, service, operation, identity and source, with the reason in the event. Traffic that goes around the gateway is not filtered: the network has to force it through.",
        fields: &[
            "cs-host",
            "cs-method",
            "tidegate.operation",
            "tidegate.service",
            "tidegate.usage",
        ],
        rules: Rules::All,
    },
    Evidence {
        id: "D3-NTSA",
        reach: Reach::Full,
        words: "Sigma rules are signatures of requests, evaluated on each one, in every reading of its spelling.",
        fields: &["c-uri", "c-useragent", "cs-host", "cs-method"],
        rules: Rules::All,
    },
    Evidence {
        id: "D3-OTF",
        reach: Reach::Full,
        words: "This is what the gateway is for: requests and tunnels are denied by rule, service, operation, identity, source and name, addresses of the own network always.",
        fields: &[
            "cs-host",
            "dst_ip",
            "tidegate.category",
            "tidegate.operation",
            "tidegate.service",
        ],
        rules: Rules::All,
    },
    Evidence {
        id: "D3-PHDURA",
        reach: Reach::Full,
        words: "Bytes up against bytes down, by source and service, for what passes the gateway. A tunnel has one sum for all that was inside.",
        fields: &["cs-bytes", "sc-bytes", "tidegate.upload_bytes", "tidegate.upload_ratio"],
        rules: Rules::Of {
            fields: &["cs-bytes", "sc-bytes", "tidegate.upload_bytes", "tidegate.upload_ratio"],
            categories: &[],
        },
    },
    Evidence {
        id: "D3-PMAD",
        reach: Reach::Full,
        words: "Anomalies of a request's spelling, each with a name, and combinations that no client sends. TLS fingerprints only where the listener passes them on.",
        fields: &["c-useragent", "cs-method", "cs-referrer", "cs-version", "tidegate.anomaly"],
        rules: Rules::Of { fields: &["cs-version", "tidegate.anomaly"], categories: &[] },
    },
    Evidence {
        id: "D3-RPA",
        reach: Reach::Weak,
        words: "Signs of a relay: tunnel services, a hiding proxy in a name or path, a server name that differs from the host, many identities of one service from one source. What an internal host passes on for another is seen under its own address.",
        fields: &[
            "tidegate.anomaly",
            "tidegate.category",
            "tidegate.identities",
            "tidegate.tunnel_seconds",
        ],
        rules: Rules::Of {
            fields: &["tidegate.identities", "tidegate.tunnel_seconds"],
            categories: &["proxy", "remote-access", "tunnel"],
        },
    },
    Evidence {
        id: "D3-RTSD",
        reach: Reach::Partial,
        words: "Tunnels and services of remote administration, and how long and how large a tunnel was. Keystrokes and their cadence inside TLS are not seen.",
        fields: &["cs-method", "sc-bytes", "tidegate.category", "tidegate.tunnel_seconds"],
        rules: Rules::Of {
            fields: &["tidegate.tunnel_seconds"],
            categories: &["remote-access", "tunnel"],
        },
    },
    Evidence {
        id: "D3-UGLPA",
        reach: Reach::None,
        words: "No logon of a user passes an egress gateway, and it knows no place of one.",
        fields: &[],
        rules: Rules::Of { fields: &[], categories: &[] },
    },
];

/// Artifacts of D3FEND that are files.
const FILES: [&str; 2] = ["CertificateFile", "File"];

/// For countermeasures that act on files alone.
const ON_FILES: Evidence = Evidence {
    id: "",
    reach: Reach::None,
    words: "It works on files: of a host, of a mail, or certificates. A gateway sees requests and their sizes, and no files.",
    fields: &[],
    rules: Rules::Of { fields: &[], categories: &[] },
};

/// What is known of a countermeasure that acts on these artifacts; `None` where nobody looked.
pub fn of<'a>(id: &str, acts_on: impl IntoIterator<Item = &'a str>) -> Option<&'static Evidence> {
    let by_id = EVIDENCE.iter().find(|evidence| evidence.id == id);
    let mut acts_on = acts_on.into_iter().peekable();
    let mut is_on_files = || acts_on.peek().is_some() && acts_on.all(|it| FILES.contains(&it));
    by_id.or_else(|| is_on_files().then_some(&ON_FILES))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_claimed_has_a_field() {
        assert_eq!(of("D3-X", ["File"]).map(|it| it.reach), Some(Reach::None));
        assert!(of("D3-X", ["File", "NetworkTraffic"]).is_none() && of("D3-X", []).is_none());
        for evidence in EVIDENCE {
            let n_fields = evidence.fields().count();
            assert_eq!(n_fields == 0, evidence.reach == Reach::None, "{}", evidence.id);
            assert!(evidence.fields.is_sorted(), "{}", evidence.id);
            assert!(evidence.words.ends_with('.'), "{}", evidence.id);
        }
        assert!(EVIDENCE.is_sorted_by_key(|evidence| evidence.id));
    }
}
