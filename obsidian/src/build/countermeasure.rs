//! Countermeasures: D3FEND's techniques and ATT&CK's mitigations.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use catalogue::d3fend::Countermeasure;

use crate::evidence::{Evidence, Rules};
use crate::markdown;
use crate::page::Page;
use crate::property::Property;
use crate::prose::{self, address, attack_item, code, inline, paragraphs};
use crate::sources::tests;

use catalogue::Collection;

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
                let how = attack_item(how, &technique.citations);
                against.entry(mitigation).or_default().entry(id).or_default().insert(how);
            }
        }
    }
    let mut pages = Vec::new();
    for (id, name) in names(builder) {
        let page_id = format!("countermeasure/{id}");
        let mut page = Page::new(page_id.clone(), builder.path(&page_id));
        let d3 = d3fend.countermeasures.get(&id);
        let (text, kind, url) = match (d3fend.countermeasures.get(&id), attack.mitigations.get(&id))
        {
            (Some(found), _) => (
                paragraphs(&found.definition),
                found.tactic.clone(),
                format!("https://d3fend.mitre.org/technique/d3f:{}/", found.iri),
            ),
            (None, Some(found)) => (
                prose::attack(&found.description, &BTreeMap::new()),
                "Mitigation".to_owned(),
                found.url.clone(),
            ),
            (None, None) => continue,
        };
        page.set("title", Property::Text(name.clone()));
        page.set("kind", Property::Text(kind));
        page.set("url", Property::Text(url.clone()));
        page.set("tags", Property::Tags(vec!["countermeasure".into()]));
        let synonyms = d3.map(|found| found.synonyms.clone()).unwrap_or_default();
        page.set("aliases", Property::List([vec![id.clone()], synonyms].concat()));
        let evidence = builder.evidence.get(id.as_str()).copied();
        if d3.is_some() {
            let here = evidence.map_or(NOT_ASSESSED, |evidence| evidence.reach.as_str());
            page.set("here", Property::Text(here.to_owned()));
        }
        page.block("title", format!("# {} ({id})\n\n{text}\n\n<{url}>", inline(&name)));
        if d3.is_some() {
            page.block("here", here(builder, evidence));
        }
        let mut list = "### Against\n\n".to_owned();
        for (technique, how) in against.get(id.as_str()).into_iter().flatten() {
            let how: Vec<&str> = how.iter().map(String::as_str).collect();
            let _ = writeln!(
                list,
                "- {}: {}",
                builder
                    .link(&format!("technique/{technique}"), &builder.technique_title(technique)),
                how.join("; ")
            );
        }
        page.block("against", list);
        if let Some(found) = d3 {
            page.block("article", article(found));
            page.block("licence", format!("### Source\n\n{}", builder.sources.d3fend.notice()));
        }
        pages.push(page);
    }
    pages
}

/// What a page says where nobody looked what a gateway evidences of a countermeasure.
const NOT_ASSESSED: &str = "not assessed";

/// What our gateway evidences of a countermeasure, with the fields and the rules that do.
fn here(builder: &Builder<'_>, evidence: Option<&Evidence>) -> String {
    let Some(evidence) = evidence else {
        return "### At the gateway\n\nNot assessed: nobody compared it with what an egress gateway sees.".into();
    };
    let (reach, words) = (evidence.reach.as_str(), evidence.words);
    let mut text = format!("### At the gateway\n\n**{reach}**: {words}\n");
    let fields: Vec<&str> = evidence.fields().collect();
    if fields.is_empty() {
        return text;
    }
    let shown: Vec<String> = fields.iter().map(|field| code(field)).collect();
    let _ = write!(text, "\nFields that show it: {}.\n", shown.join(", "));
    if matches!(evidence.rules, Rules::All) {
        text.push_str("\nEvery rule of ours shows it.\n");
        return text;
    }
    let mut rules = String::new();
    for (rule, id) in builder.rules.iter().zip(&builder.rule_ids) {
        let fields = tests(rule).into_iter().map(|(_, test)| test.field.as_str());
        let about = builder.sources.rule_notes.get(&rule.id).map(|note| note.services.as_slice());
        let categories = about.unwrap_or_default().iter().filter_map(|name| {
            let service = builder.sources.services.iter().find(|service| service.name == *name);
            service.map(|service| service.category.as_str())
        });
        if rule.vendor == Collection::Own && evidence.rules.contains(fields, categories) {
            let _ = writeln!(rules, "- {}", builder.link(id, &rule.title));
        }
    }
    if rules.is_empty() {
        text.push_str("\nNo rule of ours shows it yet.\n");
    } else {
        let _ = write!(text, "\nRules of ours that show it:\n\n{rules}");
    }
    text
}

/// How a countermeasure works, as D3FEND says it, and what that is based on.
fn article(found: &Countermeasure) -> String {
    let mut text = String::new();
    if !found.article.trim().is_empty() {
        let _ = writeln!(
            text,
            "### As D3FEND describes it\n\n{}\n",
            markdown::inert(&found.article, 4)
        );
    }
    if !found.references.is_empty() {
        text.push_str("### References\n\n");
    }
    for (title, url) in &found.references {
        let title = inline(title);
        let linked = address(url).map(|url| format!("[{title}]({url})"));
        let _ = writeln!(text, "- {}", linked.unwrap_or(title));
    }
    text
}
