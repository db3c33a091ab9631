//! Which source a page comes from.

/// A source of pages, as an option of `vault build` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Origin {
    Notes,
    Sigma,
    Elastic,
    Splunk,
    Atomic,
    Attack,
    D3fend,
    Facts,
}

impl Origin {
    const ALL: [Origin; 8] = [
        Origin::Notes,
        Origin::Sigma,
        Origin::Elastic,
        Origin::Splunk,
        Origin::Atomic,
        Origin::Attack,
        Origin::D3fend,
        Origin::Facts,
    ];

    /// The name in the vault's state.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Origin::Notes => "notes",
            Origin::Sigma => "sigma",
            Origin::Elastic => "elastic",
            Origin::Splunk => "splunk",
            Origin::Atomic => "atomic",
            Origin::Attack => "attack",
            Origin::D3fend => "d3fend",
            Origin::Facts => "facts",
        }
    }

    /// What a person calls it.
    pub(super) fn title(self) -> &'static str {
        match self {
            Origin::Notes => "notes",
            Origin::Sigma => "Sigma",
            Origin::Elastic => "Elastic",
            Origin::Splunk => "Splunk",
            Origin::Atomic => "Atomic Red Team",
            Origin::Attack => "ATT&CK",
            Origin::D3fend => "D3FEND",
            Origin::Facts => "facts",
        }
    }

    /// Reads the name in the vault's state.
    pub(super) fn of(name: &str) -> Option<Origin> {
        Origin::ALL.into_iter().find(|origin| origin.as_str() == name)
    }

    /// The sources without which a page by this id may be missing although its own source has not changed.
    pub(super) fn of_page(id: &str) -> &'static [Origin] {
        let (kind, rest) = id.split_once('/').unwrap_or((id, ""));
        match (kind, rest.split('/').next().unwrap_or_default()) {
            ("rule", "Sigma") => &[Origin::Sigma],
            ("rule", "Elastic") => &[Origin::Elastic],
            ("rule", "Splunk") => &[Origin::Splunk],
            ("rule" | "runbook" | "service" | "list" | "document", _) => &[Origin::Notes],
            ("tactic", _) => &[Origin::Attack],
            // Which techniques have a page depends on all that name techniques.
            _ => &Origin::ALL,
        }
    }
}
