//! ATT&CK as STIX 2.0 or 2.1: techniques, tactics, mitigations, procedures, detection strategies.

mod domain;

use std::collections::BTreeMap;

use serde::Deserialize;

pub use domain::Domain;

use crate::rule::{Skipped, broken_json, technique_id};

/// What a bundle says, by id.
#[derive(Clone, Debug, Default)]
pub struct Attack {
    /// The release, where the bundle or its name contains it; of several domains each with its own.
    pub version: String,
    /// The release of each domain.
    pub versions: BTreeMap<Domain, String>,
    /// `2.0` or `2.1`.
    pub stix: String,
    /// Techniques and sub-techniques, also revoked ones.
    pub techniques: BTreeMap<String, Technique>,
    /// By short name: `command-and-control`, and `ics-attack/command-and-control`.
    pub tactics: BTreeMap<String, Tactic>,
    /// By id: `M1037`.
    pub mitigations: BTreeMap<String, Mitigation>,
    /// The notice that has to go with what is shown.
    pub notice: String,
    /// The newest date in it, `YYYY-MM-DD`.
    pub newest: String,
}

/// A technique.
#[derive(Clone, Debug, Default)]
pub struct Technique {
    /// `T1102.002`.
    pub id: String,
    /// The name, without the parent's.
    pub name: String,
    /// Markdown with citations.
    pub description: String,
    /// The page at MITRE.
    pub url: String,
    /// `YYYY-MM-DD`.
    pub created: String,
    /// `YYYY-MM-DD`.
    pub modified: String,
    /// `1.0`.
    pub version: String,
    /// The domain.
    pub domain: Domain,
    /// Keys of tactics.
    pub tactics: Vec<String>,
    /// Platforms.
    pub platforms: Vec<String>,
    /// Up to version 17: how to detect it.
    pub detection: String,
    /// Up to version 17: data sources; from 18 on those of its analytics.
    pub data_sources: Vec<String>,
    /// Up to version 17: defences that it bypasses.
    pub defenses_bypassed: Vec<String>,
    /// Name and address of what is cited.
    pub citations: BTreeMap<String, String>,
    /// What became of it, if it is no more.
    pub retired: Option<Retired>,
    /// Mitigations, with how they apply.
    pub mitigations: Vec<(String, String)>,
    /// Who used it how.
    pub procedures: Vec<Procedure>,
    /// From version 18 on: how to detect it.
    pub strategies: Vec<Strategy>,
    /// What else it says, by the name that pages show: contributors, types of impact...
    pub details: Vec<(&'static str, Vec<String>)>,
}

/// What became of an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retired {
    /// Replaced by this id, if the bundle says which.
    Revoked(Option<String>),
    /// Given up.
    Deprecated,
}

/// A tactic.
#[derive(Clone, Debug, Default)]
pub struct Tactic {
    /// `TA0011`.
    pub id: String,
    /// `Command and Control`.
    pub name: String,
    /// What it is.
    pub description: String,
    /// The page at MITRE.
    pub url: String,
}

/// A mitigation.
#[derive(Clone, Debug, Default)]
pub struct Mitigation {
    /// `M1037`.
    pub id: String,
    /// The name.
    pub name: String,
    /// What it is.
    pub description: String,
    /// The page at MITRE.
    pub url: String,
}

/// A documented use of a technique.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Procedure {
    /// `G0016`, `S0154`, `C0040`.
    pub id: String,
    /// Who or what.
    pub name: String,
    /// `group`, `software` or `campaign`.
    pub kind: &'static str,
    /// Markdown with citations.
    pub description: String,
    /// Name and address of what is cited.
    pub citations: BTreeMap<String, String>,
}

/// A detection strategy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Strategy {
    /// `DET0039`.
    pub id: String,
    /// The name.
    pub name: String,
    /// The page at MITRE.
    pub url: String,
    /// Its analytics, by id.
    pub analytics: Vec<Analytic>,
}

/// An analytic of a detection strategy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Analytic {
    /// `AN0075`.
    pub id: String,
    /// Platforms.
    pub platforms: Vec<String>,
    /// What it looks for.
    pub description: String,
    /// The logs that it reads: data component, log and channel, as far as they are named.
    pub logs: Vec<[String; 3]>,
    /// What has to be set for an environment: field and description.
    pub settings: Vec<(String, String)>,
}

/// Objects carry many more keys than are used, and releases add some: unknown ones are left out.
#[derive(Deserialize)]
struct Bundle {
    #[serde(default)]
    spec_version: Option<String>,
    objects: Vec<Object>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "the keys of STIX")]
struct Object {
    r#type: String,
    id: String,
    spec_version: Option<String>,
    name: String,
    description: String,
    created: String,
    modified: String,
    revoked: bool,
    external_references: Vec<Reference>,
    kill_chain_phases: Vec<Phase>,
    x_mitre_deprecated: bool,
    x_mitre_platforms: Vec<String>,
    x_mitre_version: String,
    x_mitre_detection: String,
    x_mitre_data_sources: Vec<String>,
    x_mitre_defense_bypassed: Vec<String>,
    x_mitre_contributors: Vec<String>,
    x_mitre_impact_type: Vec<String>,
    x_mitre_permissions_required: Vec<String>,
    x_mitre_effective_permissions: Vec<String>,
    x_mitre_system_requirements: Vec<String>,
    x_mitre_tactic_type: Vec<String>,
    x_mitre_remote_support: bool,
    x_mitre_network_requirements: bool,
    x_mitre_shortname: String,
    x_mitre_analytic_refs: Vec<String>,
    x_mitre_log_source_references: Vec<LogReference>,
    x_mitre_mutable_elements: Vec<MutableElement>,
    relationship_type: String,
    source_ref: String,
    target_ref: String,
    definition: Option<Definition>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Reference {
    source_name: String,
    external_id: Option<String>,
    url: Option<String>,
}

#[derive(Deserialize)]
struct Phase {
    #[serde(default)]
    kill_chain_name: String,
    phase_name: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct MutableElement {
    field: String,
    description: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct LogReference {
    x_mitre_data_component_ref: String,
    name: String,
    channel: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Definition {
    statement: Option<String>,
}

impl Object {
    /// The id at MITRE and its page.
    fn external(&self) -> Option<(&str, &str)> {
        // Older releases of Mobile and ICS have names of their own.
        let names = ["mitre-attack", "mitre-mobile-attack", "mitre-ics-attack"];
        let is_own = |reference: &&Reference| {
            names.iter().any(|name| reference.source_name.starts_with(name))
        };
        let reference = self.external_references.iter().find(is_own)?;
        Some((reference.external_id.as_deref()?, reference.url.as_deref().unwrap_or_default()))
    }

    fn citations(&self) -> BTreeMap<String, String> {
        let cited =
            self.external_references.iter().filter(|reference| reference.external_id.is_none());
        cited
            .filter_map(|reference| Some((reference.source_name.clone(), reference.url.clone()?)))
            .collect()
    }
}

/// Reads a bundle. `name` is the file's name, which carries the release where the bundle does not.
pub fn read(name: &str, text: &str) -> Result<Attack, Skipped> {
    let bundle: Bundle =
        serde_json::from_str(text).map_err(|error| broken_json("ATT&CK", &error))?;
    let by_id: BTreeMap<&str, &Object> =
        bundle.objects.iter().map(|object| (object.id.as_str(), object)).collect();
    let stix = bundle
        .spec_version
        .clone()
        .or_else(|| bundle.objects.iter().find_map(|object| object.spec_version.clone()));
    let domain = Domain::of_bundle(name, &bundle);
    let version = version(name, &bundle);
    let mut attack = Attack {
        versions: BTreeMap::from([(domain, version.clone())]),
        version,
        stix: stix.unwrap_or_default(),
        ..Attack::default()
    };
    for object in &bundle.objects {
        attack.newest = attack.newest.clone().max(day(&object.modified));
        match object.r#type.as_str() {
            "attack-pattern" => technique(object, domain, &mut attack),
            "x-mitre-tactic" => tactic(object, domain, &mut attack),
            "course-of-action" => mitigation(object, &mut attack),
            "marking-definition" => {
                let statement =
                    object.definition.as_ref().and_then(|definition| definition.statement.clone());
                attack.notice = statement.unwrap_or(attack.notice);
            }
            _ => {}
        }
    }
    for object in &bundle.objects {
        if object.r#type == "relationship" && !object.revoked && !object.x_mitre_deprecated {
            relationship(object, &by_id, &mut attack);
        }
    }
    for technique in attack.techniques.values_mut() {
        technique.mitigations.sort();
        technique.mitigations.dedup();
        technique.procedures.sort();
        technique.procedures.dedup();
        technique.strategies.sort();
        technique.data_sources.sort();
        technique.data_sources.dedup();
    }
    Ok(attack)
}

fn day(stamp: &str) -> String {
    stamp.get(..10).unwrap_or_default().to_owned()
}

/// The release: of the collection object, else the first `18.1` in the file's name.
fn version(name: &str, bundle: &Bundle) -> String {
    let collection = bundle.objects.iter().find(|object| object.r#type == "x-mitre-collection");
    if let Some(collection) = collection.filter(|object| !object.x_mitre_version.is_empty()) {
        return collection.x_mitre_version.clone();
    }
    let name = name.rsplit('/').next().unwrap_or_default();
    let is_version = |part: &&str| {
        part.starts_with(|c: char| c.is_ascii_digit())
            && part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    };
    name.trim_end_matches(".json")
        .split(['-', '_'])
        .find(is_version)
        .unwrap_or("unknown")
        .to_owned()
}

fn technique(object: &Object, domain: Domain, attack: &mut Attack) {
    let Some((id, url)) = object.external() else { return };
    let Some(id) = technique_id(id) else { return };
    let retired = match (object.revoked, object.x_mitre_deprecated) {
        (true, _) => Some(Retired::Revoked(None)),
        (_, true) => Some(Retired::Deprecated),
        _ => None,
    };
    let technique = Technique {
        id: id.clone(),
        name: object.name.clone(),
        description: object.description.clone(),
        url: url.to_owned(),
        created: day(&object.created),
        modified: day(&object.modified),
        version: object.x_mitre_version.clone(),
        domain,
        tactics: object
            .kill_chain_phases
            .iter()
            .map(|phase| domain.tactic(&phase.phase_name))
            .collect(),
        platforms: object.x_mitre_platforms.clone(),
        detection: object.x_mitre_detection.clone(),
        data_sources: object.x_mitre_data_sources.clone(),
        defenses_bypassed: object.x_mitre_defense_bypassed.clone(),
        citations: object.citations(),
        details: details(object),
        retired,
        ..Technique::default()
    };
    // A revoked object may carry the id of a living one.
    let living = attack.techniques.get(&id).is_some_and(|other| other.retired.is_none());
    if !(living && technique.retired.is_some()) {
        attack.techniques.insert(id, technique);
    }
}

fn details(object: &Object) -> Vec<(&'static str, Vec<String>)> {
    let flag = |is: bool| if is { vec!["yes".to_owned()] } else { Vec::new() };
    let all = [
        ("Contributors", object.x_mitre_contributors.clone()),
        ("Types of impact", object.x_mitre_impact_type.clone()),
        ("Permissions required", object.x_mitre_permissions_required.clone()),
        ("Effective permissions", object.x_mitre_effective_permissions.clone()),
        ("System requirements", object.x_mitre_system_requirements.clone()),
        ("Types of tactic", object.x_mitre_tactic_type.clone()),
        ("Remote support", flag(object.x_mitre_remote_support)),
        ("Network requirements", flag(object.x_mitre_network_requirements)),
    ];
    all.into_iter().filter(|(_, texts)| !texts.is_empty()).collect()
}

fn tactic(object: &Object, domain: Domain, attack: &mut Attack) {
    let Some((id, url)) = object.external() else { return };
    let tactic = Tactic {
        id: id.to_owned(),
        name: object.name.clone(),
        description: object.description.clone(),
        url: url.to_owned(),
    };
    attack.tactics.insert(domain.tactic(&object.x_mitre_shortname), tactic);
}

fn mitigation(object: &Object, attack: &mut Attack) {
    let Some((id, url)) = object.external() else { return };
    if !object.revoked && !object.x_mitre_deprecated {
        let mitigation = Mitigation {
            id: id.to_owned(),
            name: object.name.clone(),
            description: object.description.clone(),
            url: url.to_owned(),
        };
        attack.mitigations.insert(id.to_owned(), mitigation);
    }
}

fn relationship(object: &Object, by_id: &BTreeMap<&str, &Object>, attack: &mut Attack) {
    let (Some(source), Some(target)) =
        (by_id.get(object.source_ref.as_str()), by_id.get(object.target_ref.as_str()))
    else {
        return;
    };
    let id_of = |object: &Object| object.external().and_then(|(id, _)| technique_id(id));
    if object.relationship_type == "revoked-by" {
        let replacement = id_of(target);
        if let Some(technique) = id_of(source).and_then(|id| attack.techniques.get_mut(&id))
            && technique.retired.is_some()
        {
            technique.retired = Some(Retired::Revoked(replacement));
        }
        return;
    }
    if source.revoked || source.x_mitre_deprecated {
        return;
    }
    let Some(technique) = id_of(target).and_then(|id| attack.techniques.get_mut(&id)) else {
        return;
    };
    match (object.relationship_type.as_str(), source.r#type.as_str()) {
        ("mitigates", "course-of-action") => {
            if let Some((id, _)) = source.external() {
                technique.mitigations.push((id.to_owned(), object.description.clone()));
            }
        }
        ("uses", kind @ ("intrusion-set" | "malware" | "tool" | "campaign")) => {
            let kind = match kind {
                "intrusion-set" => "group",
                "campaign" => "campaign",
                _ => "software",
            };
            let id = source.external().map_or(String::new(), |(id, _)| id.to_owned());
            let citations = object.citations();
            technique.procedures.push(Procedure {
                id,
                name: source.name.clone(),
                kind,
                description: object.description.clone(),
                citations,
            });
        }
        ("detects", "x-mitre-detection-strategy") => {
            let mut analytics = Vec::new();
            for reference in &source.x_mitre_analytic_refs {
                let Some(object) = by_id.get(reference.as_str()) else { continue };
                let found = analytic(object, by_id);
                let components = found.logs.iter().map(|[component, ..]| component.clone());
                technique.data_sources.extend(components.filter(|name| !name.is_empty()));
                analytics.push(found);
            }
            analytics.sort();
            let (id, url) = source.external().unwrap_or_default();
            technique.strategies.push(Strategy {
                id: id.to_owned(),
                name: source.name.clone(),
                url: url.to_owned(),
                analytics,
            });
        }
        _ => {}
    }
}

fn analytic(object: &Object, by_id: &BTreeMap<&str, &Object>) -> Analytic {
    let log = |log: &LogReference| {
        let component = by_id.get(log.x_mitre_data_component_ref.as_str());
        let component = component.map(|component| component.name.clone()).unwrap_or_default();
        [component, log.name.clone(), log.channel.clone()]
    };
    let setting = |it: &MutableElement| (it.field.clone(), it.description.clone());
    Analytic {
        id: object.external().map_or(String::new(), |(id, _)| id.to_owned()),
        platforms: object.x_mitre_platforms.clone(),
        description: object.description.clone(),
        logs: object.x_mitre_log_source_references.iter().map(log).collect(),
        settings: object.x_mitre_mutable_elements.iter().map(setting).collect(),
    }
}

impl Attack {
    /// The parent of a sub-technique.
    pub fn parent(&self, id: &str) -> Option<&Technique> {
        self.techniques.get(id.split_once('.')?.0)
    }

    /// The name with the parent's: `Web Service: Bidirectional Communication`.
    pub fn full_name(&self, id: &str) -> Option<String> {
        let technique = self.techniques.get(id)?;
        Some(match self.parent(id) {
            Some(parent) => format!("{}: {}", parent.name, technique.name),
            None => technique.name.clone(),
        })
    }
}
