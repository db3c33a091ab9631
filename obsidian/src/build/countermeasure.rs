//! Countermeasures: D3FEND's techniques and ATT&CK's mitigations.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::page::Page;
use crate::property::Property;
use crate::prose::{inline, paragraphs};

use super::Builder;

/// Ids and names of those that counter a technique of the vault.
pub(super) fn names(builder: &Builder<'_>) -> BTreeMap<String, String> {
    let (attack, d3fend) = (&builder.sources.attack, &builder.sources.d3fend);
    let mut names = BTreeMap::new();
    for id in &builder.techniques {
        for countermeasure in d3fend.for_technique(id) {
            names.extend(
                d3fend
                    .countermeasures
                    .get(countermeasure)
                    .map(|found| (found.id.clone(), found.name.clone())),
            );
        }
        for (mitigation, _) in attack
            .techniques
            .get(id)
            .map(|technique| technique.mitigations.as_slice())
            .unwrap_or_default()
        {
            names.extend(
                attack
                    .mitigations
                    .get(mitigation)
                    .map(|found| (found.id.clone(), found.name.clone())),
            );
        }
    }
    names
}

pub(super) fn pages(builder: &Builder<'_>) -> Vec<Page> {
    let (attack, d3fend) = (&builder.sources.attack, &builder.sources.d3fend);
    // Which techniques each counters, with what the source says about it.
    let mut against: BTreeMap<&str, BTreeMap<&str, BTreeSet<String>>> = BTreeMap::new();
    for id in &builder.techniques {
        let parent = id.split('.').next().unwrap_or(id);
        for meeting in
            d3fend.against.get(id).or_else(|| d3fend.against.get(parent)).into_iter().flatten()
        {
            let how = format!(
                "{} {}; the technique {} {}",
                meeting.acts, meeting.on, meeting.technique_does, meeting.artifact
            );
            against
                .entry(&meeting.countermeasure)
                .or_default()
                .entry(id)
                .or_default()
                .insert(inline(&how));
        }
        if let Some(technique) = attack.techniques.get(id) {
            for (mitigation, how) in &technique.mitigations {
                let how = crate::prose::attack(how, &technique.citations).replace("\n\n", " ");
                against.entry(mitigation).or_default().entry(id).or_default().insert(how);
            }
        }
    }
    let mut pages = Vec::new();
    for (id, name) in names(builder) {
        let page_id = format!("countermeasure/{id}");
        let mut page = Page::new(page_id.clone(), builder.path(&page_id));
        let (text, kind, url) = match (d3fend.countermeasures.get(&id), attack.mitigations.get(&id))
        {
            (Some(found), _) => (
                paragraphs(&found.definition),
                found.tactic.clone(),
                format!("https://d3fend.mitre.org/technique/d3f%3A{}/", found.iri),
            ),
            (None, Some(found)) => (
                crate::prose::attack(&found.description, &BTreeMap::new()),
                "Mitigation".to_owned(),
                found.url.clone(),
            ),
            (None, None) => continue,
        };
        page.set("title", Property::Text(name.clone()));
        page.set("kind", Property::Text(kind));
        page.set("url", Property::Text(url.clone()));
        page.set("tags", Property::Tags(vec!["countermeasure".into()]));
        page.set("aliases", Property::List(vec![id.clone()]));
        page.block("title", format!("# {} ({id})\n\n{text}\n\n<{url}>", inline(&name)));
        let mut list = "### Against\n\n".to_owned();
        for (technique, how) in against.get(id.as_str()).into_iter().flatten() {
            let how: Vec<&str> = how.iter().map(String::as_str).collect();
            let _ = writeln!(
                list,
                "- {}: {}",
                builder.link(
                    &format!("technique/{technique}"),
                    &format!("{technique} {}", builder.technique_name(technique))
                ),
                how.join("; ")
            );
        }
        page.block("against", list);
        pages.push(page);
    }
    pages
}
