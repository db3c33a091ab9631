//! The names of the techniques that the shipped notes are about.

/// Id and name, from ATT&CK Enterprise 18.1 as `knowledge/attack` has it, in the order of the ids.
///
/// © 2025 The MITRE Corporation. This work is reproduced and distributed with the permission of The MITRE
/// Corporation.
const TECHNIQUES: &[(&str, &str)] = &[
    ("T1071", "Application Layer Protocol"),
    ("T1071.001", "Web Protocols"),
    ("T1090", "Proxy"),
    ("T1090.001", "Internal Proxy"),
    ("T1090.002", "External Proxy"),
    ("T1090.003", "Multi-hop Proxy"),
    ("T1090.004", "Domain Fronting"),
    ("T1102", "Web Service"),
    ("T1102.001", "Dead Drop Resolver"),
    ("T1102.002", "Bidirectional Communication"),
    ("T1102.003", "One-Way Communication"),
    ("T1105", "Ingress Tool Transfer"),
    ("T1567", "Exfiltration Over Web Service"),
    ("T1567.001", "Exfiltration to Code Repository"),
    ("T1567.002", "Exfiltration to Cloud Storage"),
    ("T1567.003", "Exfiltration to Text Storage Sites"),
    ("T1567.004", "Exfiltration Over Webhook"),
    ("T1572", "Protocol Tunneling"),
];

/// Returns the name of a technique; `None` for those that the shipped notes are not about.
pub(crate) fn name(id: &str) -> Option<&'static str> {
    let idx = TECHNIQUES.binary_search_by_key(&id, |(id, _)| id).ok()?;
    TECHNIQUES.get(idx).map(|(_, name)| *name)
}

/// Ids and names.
pub(crate) fn all() -> &'static [(&'static str, &'static str)] {
    TECHNIQUES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_those_of_the_shipped_facts() {
        let facts = include_str!("../../knowledge/attack/enterprise-attack-18.1-web-services.json");
        let facts: serde_json::Value = serde_json::from_str(facts).unwrap();
        let objects = facts["objects"].as_array().unwrap().iter();
        let mut names: Vec<(&str, &str)> = objects
            .filter(|object| object["type"] == "attack-pattern")
            .map(|object| {
                let references = object["external_references"].as_array().unwrap();
                let of_attack = |of: &&serde_json::Value| of["source_name"] == "mitre-attack";
                let id = references.iter().find(of_attack).unwrap()["external_id"].as_str();
                (id.unwrap(), object["name"].as_str().unwrap())
            })
            .collect();
        names.sort_unstable();
        assert_eq!(names, TECHNIQUES);
        assert_eq!(name("T1102.002"), Some("Bidirectional Communication"));
    }
}
