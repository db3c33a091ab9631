//! Files beside the pages: Bases, Navigator layers, canvases.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::guide;
use crate::names::legal;
use crate::page::Page;
use catalogue::Collection;
use catalogue::attack::Domain;

use super::{Base, Builder, dashboard, runbook, service_coverage};

pub(super) fn all(builder: &Builder<'_>, pages: &[Page]) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for (folder, columns) in [
        (
            "Detection Rules",
            &[
                "file.name",
                "vendor",
                "status",
                "level",
                "logsrc_product",
                "logsrc_category",
                "decidable_at_proxy",
            ][..],
        ),
        (
            "Testing Runbooks",
            &["file.name", "steps", "test_state", "last_run", "last_result", "last_pack", "pack"][..],
        ),
        ("Techniques", &["file.name", "rules", "runbooks", "countermeasures"][..]),
        ("Services", &["file.name", "category", "hosts"][..]),
        ("Countermeasures", &["file.name", "kind"][..]),
    ] {
        let base =
            Base { folder, filters: vec![], name: folder, columns, sorted_by: Some("file.name") };
        files.insert(format!("Bases/{folder}.base"), base.text());
    }
    if pages.iter().any(|page| page.id.starts_with("strategy/")) {
        let folder = "Detection Strategies";
        let columns = &["file.name", "platforms", "techniques"];
        let base =
            Base { folder, filters: vec![], name: folder, columns, sorted_by: Some("file.name") };
        files.insert(format!("Bases/{folder}.base"), base.text());
    }
    if !builder.techniques.is_empty() {
        layers(builder, &mut files);
    }
    canvases(builder, pages, &mut files);
    let picture = dashboard::picture(builder, pages);
    files.extend(picture.map(|picture| (dashboard::PICTURE.to_owned(), picture)));
    let picture = builder.sources.service_picture.clone();
    files.extend(picture.map(|picture| (service_coverage::PICTURE.to_owned(), picture)));
    files
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

/// A layer's name, what it shows, and a technique's score with its reason.
type Question = (&'static str, &'static str, fn(&Builder<'_>, &str) -> (u32, String));

/// One layer a question, in the Navigator's format 4.5.
fn layers(builder: &Builder<'_>, files: &mut BTreeMap<String, String>) {
    let questions: [Question; 6] = [
        ("rule exists", "How many rules name the technique.", |builder, id| {
            let n = builder.rules_of(id).len() + builder.n_public_rules(id);
            (u32::try_from(n).unwrap_or(u32::MAX), guide::counted(n, "rule"))
        }),
        (
            "decidable at the proxy",
            "2 where a rule can be decided at the proxy, 1 where partly.",
            |builder, id| {
                let best = builder
                    .rules_of(id)
                    .into_iter()
                    .filter_map(|idx| builder.rules.get(idx))
                    .map(|rule| guide::decidable(rule).0);
                let best = best
                    .map(|answer| match answer {
                        "yes" => 2,
                        "partly" => 1,
                        _ => 0,
                    })
                    .max()
                    .unwrap_or_default();
                (
                    best,
                    ["no rule is decidable", "partly decidable", "decidable"]
                        .get(best as usize)
                        .copied()
                        .unwrap_or_default()
                        .to_owned(),
                )
            },
        ),
        ("in our pack", "How many rules of ours a gateway can enforce.", |builder, id| {
            let n = builder
                .rules_of(id)
                .into_iter()
                .filter_map(|idx| builder.rules.get(idx))
                .filter(|rule| rule.vendor == Collection::Own)
                .count();
            (u32::try_from(n).unwrap_or(u32::MAX), guide::counted(n, "rule"))
        }),
        ("test exists", "How many runbooks exercise the technique.", |builder, id| {
            let n = runbook::of_technique(builder, id).len();
            (u32::try_from(n).unwrap_or(u32::MAX), guide::counted(n, "runbook"))
        }),
        (
            "examples hold",
            "How many examples of our rules did what is expected when the vault was built.",
            |builder, id| {
                let rules =
                    builder.rules_of(id).into_iter().filter_map(|idx| builder.rules.get(idx));
                let n = rules
                    .filter_map(|rule| builder.sources.rule_notes.get(&rule.id))
                    .flat_map(|note| &note.examples)
                    .filter(|example| example.holds)
                    .count();
                (u32::try_from(n).unwrap_or(u32::MAX), guide::counted(n, "example"))
            },
        ),
        (
            "test passed",
            "How many runbooks passed on a gateway with their rule as it is.",
            |builder, id| {
                let rules =
                    builder.rules_of(id).into_iter().filter_map(|idx| builder.rules.get(idx));
                let n = rules
                    .filter(|rule| {
                        let record = builder.sources.runbooks.get(&rule.id);
                        let record = record.and_then(|runbook| runbook.record.as_ref());
                        let content =
                            builder.sources.rule_notes.get(&rule.id).map(|note| &note.content);
                        record
                            .zip(content)
                            .is_some_and(|(it, content)| it.state(content) == "passed")
                    })
                    .count();
                (u32::try_from(n).unwrap_or(u32::MAX), guide::counted(n, "runbook"))
            },
        ),
    ];
    let attack = &builder.sources.attack;
    let domains: BTreeSet<Domain> = builder.techniques.iter().map(|id| attack.domain(id)).collect();
    for domain in domains {
        for question in &questions {
            layer(builder, domain, question, files);
        }
    }
}

/// The layer of one question and domain.
fn layer(
    builder: &Builder<'_>,
    domain: Domain,
    (name, description, score): &Question,
    files: &mut BTreeMap<String, String>,
) {
    let attack = &builder.sources.attack;
    // The names of the layers of Enterprise are as they were before there were others.
    let name = match domain {
        Domain::Enterprise => (*name).to_owned(),
        Domain::Mobile | Domain::Ics => format!("{name} ({})", domain.name()),
    };
    let version = attack.versions.get(&domain).map_or("", String::as_str);
    let version = version.split('.').next().unwrap_or_default();
    let mut techniques = Vec::new();
    let mut most = 1;
    for id in builder.techniques.iter().filter(|id| attack.domain(id) == domain) {
        let (value, comment) = score(builder, id);
        most = most.max(value);
        techniques.push(json!({"techniqueID": id, "score": value, "comment": comment, "enabled": true, "showSubtechniques": !id.contains('.')}));
    }
    let layer = json!({
        "name": format!("tidegate: {name}"),
        "versions": {"attack": version, "navigator": "5.1.0", "layer": "4.5"},
        "domain": domain.as_str(),
        "description": description,
        "techniques": techniques,
        "gradient": {"colors": ["#ffffff", "#3182bd"], "minValue": 0, "maxValue": most},
    });
    files.insert(format!("Layers/{name}.json"), pretty(&layer));
}

/// A canvas for each technique with sub-techniques: the parent above, its sub-techniques below, dashboards aside.
fn canvases(builder: &Builder<'_>, pages: &[Page], files: &mut BTreeMap<String, String>) {
    let path_of = |id: &str| pages.iter().find(|page| page.id == id).map(|page| page.path.clone());
    for parent in builder.techniques.iter().filter(|id| !id.contains('.')) {
        let prefix = format!("{parent}.");
        let subs: Vec<&String> =
            builder.techniques.iter().filter(|id| id.starts_with(&prefix)).collect();
        let Some(parent_path) = builder.paths.get(&format!("technique/{parent}")) else { continue };
        if subs.is_empty() {
            continue;
        }
        let width = i64::try_from(subs.len()).unwrap_or(1) * 460;
        let mut nodes = vec![
            json!({"id": parent, "type": "file", "file": parent_path, "x": (width - 420) / 2, "y": 0, "width": 420, "height": 320, "color": "5"}),
        ];
        let mut edges = Vec::new();
        for (column, sub) in (0_i64..).zip(&subs) {
            let Some(path) = builder.paths.get(&format!("technique/{sub}")) else { continue };
            nodes.push(json!({"id": sub, "type": "file", "file": path, "x": column * 460, "y": 440, "width": 420, "height": 320}));
            edges.push(json!({"id": format!("{parent}-{sub}"), "fromNode": parent, "fromSide": "bottom", "toNode": sub, "toSide": "top"}));
        }
        if let Some(coverage) = path_of("dashboard/Coverage") {
            nodes.push(json!({"id": "coverage", "type": "file", "file": coverage, "x": -520, "y": 0, "width": 420, "height": 320, "color": "4"}));
        }
        let name = legal(&format!("{parent} - {} family", builder.technique_name(parent)));
        files.insert(
            format!("Canvas/{name}.canvas"),
            pretty(&json!({"nodes": nodes, "edges": edges})),
        );
    }
}
