//! The domains of ATT&CK: which one a bundle is of, and several in one.

use std::collections::BTreeSet;

use super::{Attack, Bundle, Retired};

/// A domain of ATT&CK.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Domain {
    /// Computers, clouds and networks of a company.
    #[default]
    Enterprise,
    /// Phones.
    Mobile,
    /// Industrial control systems.
    Ics,
}

impl Domain {
    /// All.
    pub const ALL: [Domain; 3] = [Domain::Enterprise, Domain::Mobile, Domain::Ics];

    /// The name in Navigator's layers and of MITRE's files.
    pub fn as_str(self) -> &'static str {
        match self {
            Domain::Enterprise => "enterprise-attack",
            Domain::Mobile => "mobile-attack",
            Domain::Ics => "ics-attack",
        }
    }

    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Domain::Enterprise => "Enterprise",
            Domain::Mobile => "Mobile",
            Domain::Ics => "ICS",
        }
    }

    /// The domain of a bundle: by the kill chain of its techniques, else by its file's name.
    pub(super) fn of_bundle(name: &str, bundle: &Bundle) -> Domain {
        let phases = bundle.objects.iter().flat_map(|object| &object.kill_chain_phases);
        let chains = phases.map(|phase| phase.kill_chain_name.as_str());
        let by_chain = chains.into_iter().find_map(|chain| match chain {
            "mitre-attack" => Some(Domain::Enterprise),
            "mitre-mobile-attack" => Some(Domain::Mobile),
            "mitre-ics-attack" => Some(Domain::Ics),
            _ => None,
        });
        let file = name.rsplit('/').next().unwrap_or(name).to_lowercase();
        let by_name = Domain::ALL.into_iter().find(|domain| file.contains(domain.as_str()));
        by_chain.or(by_name).unwrap_or_default()
    }

    /// The key of one of its tactics. Domains have tactics of one name: those of Enterprise keep it.
    pub(super) fn tactic(self, short_name: &str) -> String {
        match self {
            Domain::Enterprise => short_name.to_owned(),
            Domain::Mobile | Domain::Ics => format!("{}/{short_name}", self.as_str()),
        }
    }
}

/// How many times an id may have been replaced; a longer chain is a circle.
const MAX_REPLACED: usize = 8;

impl Attack {
    /// Adds another domain. A technique that lives in one is not replaced by a retired one.
    pub fn add(&mut self, other: Attack) {
        for (id, technique) in other.techniques {
            let living = self.techniques.get(&id).is_some_and(|known| known.retired.is_none());
            if !living || technique.retired.is_none() {
                self.techniques.insert(id, technique);
            }
        }
        self.tactics.extend(other.tactics);
        self.mitigations.extend(other.mitigations);
        self.versions.extend(other.versions);
        self.newest = self.newest.clone().max(other.newest);
        if self.notice.is_empty() {
            self.notice = other.notice;
        }
        if self.stix.is_empty() {
            self.stix = other.stix;
        }
        let different: BTreeSet<&str> = self.versions.values().map(String::as_str).collect();
        self.version = match different.into_iter().collect::<Vec<_>>().as_slice() {
            [one] => (*one).to_owned(),
            _ => {
                let named = self.versions.iter();
                let named = named.map(|(domain, version)| format!("{} {version}", domain.name()));
                named.collect::<Vec<_>>().join(", ")
            }
        };
    }

    /// The id that replaced a revoked one, also over several releases; `None` for one that was not replaced.
    pub fn successor(&self, id: &str) -> Option<String> {
        let mut current = id.to_owned();
        for _ in 0..MAX_REPLACED {
            match &self.techniques.get(&current)?.retired {
                Some(Retired::Revoked(Some(next))) => current.clone_from(next),
                Some(Retired::Revoked(None) | Retired::Deprecated) => return None,
                None => return (current != id).then_some(current),
            }
        }
        None
    }

    /// The domain of a technique: as it was read, else by its number.
    pub fn domain(&self, id: &str) -> Domain {
        let by_number = if id.starts_with("T0") { Domain::Ics } else { Domain::Enterprise };
        self.techniques.get(id).map_or(by_number, |technique| technique.domain)
    }

    /// The release of a technique's domain.
    pub fn version_of(&self, id: &str) -> &str {
        self.versions.get(&self.domain(id)).map_or(self.version.as_str(), String::as_str)
    }

    /// The key of a tactic by its short name, in whatever domain it is.
    pub fn tactic(&self, short_name: &str) -> Option<&str> {
        let is_by = |key: &&String| key.rsplit('/').next() == Some(short_name);
        let exact = self.tactics.get_key_value(short_name).map(|(key, _)| key.as_str());
        exact.or_else(|| self.tactics.keys().find(is_by).map(String::as_str))
    }
}
