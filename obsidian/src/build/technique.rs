//! The page of a technique.

use std::fmt::Write;

use crate::guide;
use crate::page::Page;
use crate::property::{Property, tag, unlinked};
use crate::prose::{attack, attack_item, inline, paragraphs};
use catalogue::Collection;
use catalogue::attack::Technique;
use catalogue::dialect::TechniqueNote;

use super::{Base, Builder, Query, own_notes, public, runbook, table};

/// The sample's two queries, byte for byte; `{}` is replaced by the tag.
pub(super) const RULES_QUERY: &str = "table without id\nfile.link AS \"Name\",\nstatus AS \"Status\",\nlevel AS \"Level\",\nlogsrc_product AS \"Log Source Product\"\nFROM \"Detection Rules\" AND #{}";
pub(super) const TESTS_QUERY: &str =
    "TABLE without id\nfilename AS \"Name\"\nFROM \"Testing Runbooks\" AND #{}";

pub(super) fn page(builder: &Builder<'_>, id: &str) -> Page {
    let sources = builder.sources;
    let technique =
        sources.attack.techniques.get(id).filter(|technique| technique.retired.is_none());
    let notes: Vec<&TechniqueNote> =
        sources.technique_notes.iter().filter(|note| note.technique == id).collect();
    let page_id = format!("technique/{id}");
    let mut page = Page::new(page_id.clone(), builder.path(&page_id));
    properties(builder, id, technique, &notes, &mut page);

    let name = builder.technique_name(id);
    page.block("title", format!("## {}", inline(&name)));
    page.block("family", family(builder, id));
    page.block("description", description(builder, technique, &notes));
    page.block("detection", detection(builder, technique, &notes));
    page.block("data_sources", data_sources(builder, technique, &notes));
    page.block("rules", rules(builder, id));
    page.block("tests", tests(builder, id));
    page.block("public_tests", public::tests(builder, id));
    page.block("countermeasures", countermeasures(builder, id, technique));
    page.block("vendors", vendors(builder, id));
    page.block("services", services(builder, id));
    page.block("procedures", procedures(technique, &builder.as_of));
    let of_technique: Vec<_> = builder
        .rules_of(id)
        .into_iter()
        .filter_map(|idx| builder.rules.get(idx).copied())
        .collect();
    page.block("guide", guide::markdown(&of_technique, &builder.reach, &builder.as_of));
    page.block("documents", documents(builder, id));
    page.block("public_sources", public::sources(builder, id));
    page.block("listings", public::listings(builder, id));
    page.block("details", details(technique));
    if let Some(technique) = technique {
        let notice = paragraphs(&sources.attack.notice);
        page.block("licence", format!("### Source\n\nATT&CK {} {} (STIX {}), <{}>.\n\n{notice} © 2025 The MITRE Corporation. This work is reproduced and distributed with the permission of The MITRE Corporation. Licence: <https://attack.mitre.org/resources/legal-and-branding/terms-of-use/>", technique.domain.name(), sources.attack.version_of(id), sources.attack.stix, technique.url));
    }
    page
}

fn properties(
    builder: &Builder<'_>,
    id: &str,
    technique: Option<&Technique>,
    notes: &[&TechniqueNote],
    page: &mut Page,
) {
    let sources = builder.sources;
    let noted = |key: &str| {
        notes
            .iter()
            .flat_map(|note| &note.properties)
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.texts())
            .unwrap_or_default()
    };
    let one = |key: &str, own: &str| {
        if own.is_empty() { noted(key).into_iter().next() } else { Some(own.to_owned()) }
    };
    let empty = Technique::default();
    let technique = technique.unwrap_or(&empty);
    for (key, own) in [("created", &technique.created), ("last_modified", &technique.modified)] {
        if let Some(date) = one(key, own).as_deref().and_then(catalogue::iso_date) {
            page.set(key, Property::Date(date));
        }
    }
    if let Some(version) =
        one("version", &technique.version).filter(|version| version.parse::<f64>().is_ok())
    {
        page.set("version", Property::Number(version));
    }
    let mut tactics: Vec<String> = technique
        .tactics
        .iter()
        .map(|name| {
            sources.attack.tactics.get(name).map_or(name.clone(), |tactic| tactic.name.clone())
        })
        .collect();
    if tactics.is_empty() {
        tactics = notes.iter().flat_map(|note| note.tactics.clone()).collect();
        tactics.dedup();
    }
    page.set("tactics", Property::List(tactics.clone()));
    if let Some(url) = one("url", &technique.url) {
        page.set("url", Property::Text(url));
    }
    let platforms = if technique.platforms.is_empty() {
        noted("platforms")
    } else {
        technique.platforms.clone()
    };
    page.set("platforms", Property::List(platforms));
    let mut tags = vec![tag(id), "techniques".to_owned()];
    tags.extend(tactics.iter().map(|tactic| tag(tactic)));
    if let Some((parent, sub)) = id.split_once('.') {
        tags.extend([parent.to_owned(), format!("attack/{parent}/{sub}")]);
    }
    let of_notes = notes.iter().flat_map(|note| [note.texts("tags"), note.texts("tag")].concat());
    let of_notes: Vec<String> = of_notes.collect();
    let extra = of_notes.iter().flat_map(|text| own_notes::tags_of(text));
    for extra in extra.filter(|tag| !tag.is_empty()) {
        if !tags.iter().any(|known| known.eq_ignore_ascii_case(&extra)) {
            tags.push(extra);
        }
    }
    page.set("tags", Property::Tags(tags));
    let mut aliases = vec![id.to_owned(), builder.technique_name(id)];
    // What people call their notes, by the heading and by the file.
    let of_notes = notes.iter().flat_map(|note| {
        let own = own_notes::is_own(note).then(|| note.name.clone());
        note.texts("aliases").into_iter().chain(own).chain(own_notes::file_name(&note.file))
    });
    for extra in of_notes.filter(|extra| !extra.trim().is_empty()) {
        if !aliases.iter().any(|known| known.eq_ignore_ascii_case(&extra)) {
            aliases.push(extra);
        }
    }
    aliases.dedup();
    page.set("aliases", Property::List(aliases));
    page.set("technique_id", Property::Text(id.to_owned()));
    if !sources.attack.version.is_empty() {
        page.set("attack_version", Property::Text(format!("v{}", sources.attack.version_of(id))));
    }
    let rules = builder.rules_of(id);
    let count = |vendor: Collection| {
        rules
            .iter()
            .filter_map(|idx| builder.rules.get(*idx))
            .filter(|rule| rule.vendor == vendor)
            .count()
            + builder.public_rules(vendor, id).len()
    };
    let n_rules = rules.len() + builder.n_public_rules(id);
    page.set("rules", Property::Number(n_rules.to_string()));
    for vendor in builder.vendors() {
        page.set(
            &format!("rules_{}", vendor.as_str().to_lowercase()),
            Property::Number(count(vendor).to_string()),
        );
    }
    page.set("runbooks", Property::Number(runbook::of_technique(builder, id).len().to_string()));
    let n_countermeasures = sources.d3fend.for_technique(id).len() + technique.mitigations.len();
    page.set("countermeasures", Property::Number(n_countermeasures.to_string()));
}

/// A technique and its sub-techniques as a diagram; empty for one without sub-techniques.
fn family(builder: &Builder<'_>, id: &str) -> String {
    let prefix = format!("{id}.");
    let subs: Vec<&String> =
        builder.techniques.iter().filter(|it| it.starts_with(&prefix)).collect();
    if subs.is_empty() {
        return String::new();
    }
    let node = |id: &str| {
        let name = builder.technique_name(id);
        let name =
            name.rsplit(": ").next().unwrap_or(&name).replace(['"', '<', '>', '#', '&', ';'], " ");
        let rules = guide::counted(builder.rules_of(id).len(), "rule");
        let runbooks = guide::counted(runbook::of_technique(builder, id).len(), "runbook");
        let name = if name == id { name } else { format!("{id} {name}") };
        format!("{}[\"{name}<br/>{rules}, {runbooks}\"]", tag(id))
    };
    let mut text = format!("```mermaid\nflowchart TD\n    {}\n", node(id));
    for sub in subs {
        let _ = writeln!(text, "    {} --> {}", tag(id), node(sub));
    }
    text + "```"
}

/// The first section of the notes by a title, as Markdown.
fn noted(builder: &Builder<'_>, notes: &[&TechniqueNote], title: &str) -> Option<String> {
    let mut own = notes.iter().filter(|note| own_notes::is_own(note));
    own.find_map(|note| own_notes::section(builder, note, title))
}

fn description(
    builder: &Builder<'_>,
    technique: Option<&Technique>,
    notes: &[&TechniqueNote],
) -> String {
    let text = match technique {
        Some(technique) => attack(&technique.description, &technique.citations),
        None => noted(builder, notes, "Description").unwrap_or_default(),
    };
    let text =
        if text.is_empty() { "Neither ATT&CK nor a note describes it.".to_owned() } else { text };
    format!("### Description\n\n{text}")
}

fn detection(
    builder: &Builder<'_>,
    technique: Option<&Technique>,
    notes: &[&TechniqueNote],
) -> String {
    const HEADING: &str = "### Detection\n\n";
    let mut text = HEADING.to_owned();
    if let Some(technique) = technique {
        if !technique.detection.is_empty() {
            let _ = writeln!(text, "{}\n", attack(&technique.detection, &technique.citations));
        }
        for strategy in &technique.strategies {
            let page = builder.link(&format!("strategy/{}", strategy.id), &strategy.name);
            let _ = writeln!(text, "{page} ({}):\n", strategy.id);
            for analytic in &strategy.analytics {
                let _ = writeln!(
                    text,
                    "- {}, {}: {}",
                    analytic.id,
                    inline(&analytic.platforms.join(", ")),
                    attack_item(&analytic.description, &technique.citations)
                );
            }
            text.push('\n');
        }
    }
    if let Some(own) = noted(builder, notes, "Detection") {
        let _ = writeln!(text, "{own}\n");
    }
    if text == HEADING {
        text.push_str("Neither ATT&CK nor a note says how to detect it.\n\n");
    }
    let bypassed = technique
        .map(|technique| technique.defenses_bypassed.join(", "))
        .filter(|text| !text.is_empty())
        .map(|text| inline(&text));
    let bypassed = bypassed.or_else(|| noted(builder, notes, "Defenses Bypassed"));
    let bypassed = bypassed.unwrap_or_else(|| "None named.".to_owned());
    format!("{text}### Defenses Bypassed\n\n{bypassed}")
}

fn data_sources(
    builder: &Builder<'_>,
    technique: Option<&Technique>,
    notes: &[&TechniqueNote],
) -> String {
    let of_attack = technique.map(|technique| technique.data_sources.as_slice());
    let list = of_attack.unwrap_or_default().iter();
    let list: String = list.map(|source| format!("- {}\n", inline(source))).collect();
    let noted = || noted(builder, notes, "Data Sources").filter(|text| !text.is_empty());
    let list = match list.as_str() {
        "" => noted().unwrap_or_else(|| "None named.\n".to_owned()),
        _ => list,
    };
    format!("### Data Sources\n\n{list}")
}

/// What else ATT&CK says of a technique.
fn details(technique: Option<&Technique>) -> String {
    let details = technique.map(|it| it.details.as_slice()).unwrap_or_default();
    let item = |(name, texts): &(&str, Vec<String>)| {
        let texts: Vec<String> = texts.iter().map(|text| inline(text)).collect();
        format!("- {name}: {}\n", texts.join(", "))
    };
    let list: String = details.iter().map(item).collect();
    if list.is_empty() { list } else { format!("### More from ATT&CK\n\n{list}") }
}

/// Links to other notes that name a technique, or one of its sub-techniques.
fn documents(builder: &Builder<'_>, id: &str) -> String {
    let names = |named: &str| named == id || named.split('.').next() == Some(id);
    let mut list = String::new();
    for document in &builder.documents {
        if document.techniques.iter().any(|named| names(named)) {
            let page = builder.link(&own_notes::document_id(document), &document.title);
            let _ = writeln!(list, "- {page} ({})", document.kind.as_str());
        }
    }
    for note in &builder.sources.technique_notes {
        if note.others.iter().any(|named| names(named)) {
            let title = format!("{} {}", note.technique, note.name);
            let page = builder.link(&format!("technique/{}", note.technique), &title);
            let _ = writeln!(list, "- {page} (technique note)");
        }
    }
    if list.is_empty() { list } else { format!("### Notes that name it\n\n{list}") }
}

fn rules(builder: &Builder<'_>, id: &str) -> String {
    let mut rows = Vec::new();
    for idx in builder.rules_of(id) {
        let (Some(rule), Some(page_id)) = (builder.rules.get(idx), builder.rule_ids.get(idx))
        else {
            continue;
        };
        let status = rule.status.as_deref().unwrap_or("unknown");
        // As the properties say it, which Dataview shows.
        let shown = |text: &str| inline(&unlinked(text));
        let product = super::detection_rule::product(rule);
        rows.push(vec![
            builder.stem_link(page_id),
            shown(status),
            shown(super::detection_rule::level(rule)),
            shown(&product),
        ]);
    }
    rows.sort();
    let query = Query {
        dataview: &RULES_QUERY.replace("{}", &tag(id)),
        base: Base { folder: "Detection Rules", filters: vec![format!("file.hasTag(\"{}\")", tag(id))], name: "Detection Rules", columns: &["file.name", "status", "level", "logsrc_product"], sorted_by: None }.text(),
        columns: &["Name", "Status", "Level", "Log Source Product"],
        rows,
        reason: "no rule of the collections that were read names this technique; write one, or accept the risk with a date".into(),
    };
    format!("### Detection Rule\n\n{}", query.markdown(&builder.as_of))
}

fn tests(builder: &Builder<'_>, id: &str) -> String {
    let mut rows: Vec<Vec<String>> = runbook::of_technique(builder, id)
        .iter()
        .map(|page_id| vec![builder.stem_link(page_id)])
        .collect();
    rows.sort();
    let query = Query {
        dataview: &TESTS_QUERY.replace("{}", &tag(id)),
        base: Base {
            folder: "Testing Runbooks",
            filters: vec![format!("file.hasTag(\"{}\")", tag(id))],
            name: "Testing Runbooks",
            columns: &["filename"],
            sorted_by: None,
        }
        .text(),
        columns: &["Name"],
        rows,
        reason:
            "neither Atomic Red Team nor a note of ours has a test for this technique; write one"
                .into(),
    };
    format!("### Rule Testing\n\n{}", query.markdown(&builder.as_of))
}

fn countermeasures(builder: &Builder<'_>, id: &str, technique: Option<&Technique>) -> String {
    let d3fend = &builder.sources.d3fend;
    let mut text = "### Countermeasures\n\n".to_owned();
    let ids = d3fend.for_technique(id);
    let mut rows = Vec::new();
    for id in ids {
        let Some(countermeasure) = d3fend.countermeasures.get(id) else { continue };
        let here =
            builder.evidence.get(id).map_or("not assessed", |evidence| evidence.reach.as_str());
        rows.push(vec![
            builder.cell_link(&format!("countermeasure/{id}"), &countermeasure.name),
            "D3FEND".to_owned(),
            inline(&countermeasure.tactic),
            here.to_owned(),
        ]);
    }
    for (id, _) in technique.map(|technique| technique.mitigations.as_slice()).unwrap_or_default() {
        let Some(mitigation) = builder.sources.attack.mitigations.get(id) else { continue };
        rows.push(vec![
            builder.cell_link(&format!("countermeasure/{id}"), &mitigation.name),
            "ATT&CK".to_owned(),
            "Mitigation".to_owned(),
            "not assessed".to_owned(),
        ]);
    }
    if rows.is_empty() {
        let _ = writeln!(text, "No rows{}: neither D3FEND nor ATT&CK names one.", builder.as_of);
    } else {
        text.push_str(&table(&["Name", "Source", "Kind", "At the gateway"], &rows));
    }
    text
}

fn vendors(builder: &Builder<'_>, id: &str) -> String {
    let rules = builder.rules_of(id);
    let mut text = "### Rules by vendor\n\n".to_owned();
    let mut any = false;
    for vendor in builder.vendors() {
        let of_vendor: Vec<usize> = rules
            .iter()
            .copied()
            .filter(|idx| builder.rules.get(*idx).is_some_and(|rule| rule.vendor == vendor))
            .collect();
        let public = builder.public_rules(vendor, id);
        if of_vendor.is_empty() && public.is_empty() {
            continue;
        }
        any = true;
        let _ = writeln!(
            text,
            "#### {} {}\n",
            vendor.as_str(),
            guide::counted(of_vendor.len() + public.len(), "rule")
        );
        for (facts, rule) in public {
            let _ = writeln!(text, "{}", public::rule_item(facts, rule));
        }
        for idx in of_vendor {
            let (Some(rule), Some(page_id)) = (builder.rules.get(idx), builder.rule_ids.get(idx))
            else {
                continue;
            };
            let (decidable, _) = guide::decidable(rule);
            let _ = writeln!(
                text,
                "- {} (at the proxy: {decidable})",
                builder.link(page_id, &rule.title)
            );
        }
        text.push('\n');
    }
    if !any {
        let _ = writeln!(
            text,
            "No rows{}: no vendor's collection that was read has a rule.",
            builder.as_of
        );
    }
    text
}

fn services(builder: &Builder<'_>, id: &str) -> String {
    let of = |techniques: &[String]| {
        techniques
            .iter()
            .any(|technique| technique == id || technique.split('.').next() == Some(id))
    };
    let list: String = builder
        .sources
        .services
        .iter()
        .filter(|note| of(&note.techniques))
        .map(|note| {
            format!(
                "- {} ({})\n",
                builder.link(&format!("service/{}", note.name), &note.name),
                inline(&note.category)
            )
        })
        .collect();
    if list.is_empty() {
        String::new()
    } else {
        format!("### Services that get abused for it\n\n{list}")
    }
}

fn procedures(technique: Option<&Technique>, as_of: &str) -> String {
    let mut text = "### Procedure examples\n\n".to_owned();
    let procedures = technique.map(|technique| technique.procedures.as_slice()).unwrap_or_default();
    if procedures.is_empty() {
        let _ = writeln!(text, "No rows{as_of}: ATT&CK documents none.");
    }
    for procedure in procedures {
        let _ = writeln!(
            text,
            "- {} ({}, {}): {}",
            inline(&procedure.name),
            procedure.id,
            procedure.kind,
            attack_item(&procedure.description, &procedure.citations)
        );
    }
    text
}
