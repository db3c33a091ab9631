//! The names of ATT&CK's techniques, for people who have no copy of ATT&CK at hand.

use std::collections::BTreeMap;

/// Id and name of each technique of ATT&CK Enterprise 18.1, a tab between them, also of revoked and deprecated
/// ones; the name is without the parent's.
///
/// © 2025 The MITRE Corporation. This work is reproduced and distributed with the permission of The MITRE
/// Corporation.
const NAMES: &str = include_str!("../../knowledge/attack/technique-names-18.1.tsv");

/// The names of ATT&CK's techniques by their ids.
#[derive(Clone, Debug)]
pub struct TechniqueNames(BTreeMap<&'static str, &'static str>);

impl TechniqueNames {
    /// Returns the names of ATT&CK Enterprise 18.1.
    pub fn built_in() -> TechniqueNames {
        TechniqueNames(NAMES.lines().filter_map(|line| line.split_once('\t')).collect())
    }

    /// The name with the parent's, as `Web Service: Bidirectional Communication`; `None` for an id that is not in
    /// the release.
    pub fn full_name(&self, id: &str) -> Option<String> {
        let name = self.0.get(id)?;
        let parent = id.split_once('.').and_then(|(parent, _)| self.0.get(parent));
        Some(parent.map_or_else(|| (*name).to_owned(), |parent| format!("{parent}: {name}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attack;

    #[test]
    fn names_are_those_of_the_shipped_facts() {
        let facts = include_str!("../../knowledge/attack/enterprise-attack-18.1-web-services.json");
        let facts = attack::read("enterprise-attack-18.1.json", facts).unwrap();
        let names = TechniqueNames::built_in();
        assert!(facts.techniques.len() > 10);
        for id in facts.techniques.keys() {
            assert_eq!(names.full_name(id), facts.full_name(id), "{id}");
        }
        let name = names.full_name("T1567.002");
        assert_eq!(
            name.as_deref(),
            Some("Exfiltration Over Web Service: Exfiltration to Cloud Storage")
        );
        assert_eq!(names.full_name("T1999"), None);
    }
}
