//! Dashboards: Home, Coverage, Gaps, Drift; [`super::service_coverage`] has one more.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::coverage;
use crate::page::Page;
use crate::property::Property;
use crate::prose::inline;
use catalogue::{Collection, Reading};

use super::{Base, Builder, Query, service_coverage, table};

/// The dashboards' names.
pub(super) const NAMES: [&str; 5] = ["Home", "Coverage", service_coverage::NAME, "Gaps", "Drift"];

pub(super) fn pages(builder: &Builder<'_>, pages: &[Page]) -> Vec<Page> {
    vec![
        home(builder, pages),
        coverage_page(builder, pages),
        service_coverage::page(builder),
        gaps(builder, pages),
        drift(builder),
    ]
}

/// A dashboard without text.
pub(super) fn start(builder: &Builder<'_>, name: &str) -> Page {
    let id = format!("dashboard/{name}");
    let mut page = Page::new(id.clone(), builder.path(&id));
    page.set("title", Property::Text(name.to_owned()));
    page.set("tags", Property::Tags(vec!["dashboard".into()]));
    page
}

fn number<'p>(page: &'p Page, key: &str) -> &'p str {
    page.properties.iter().find(|(name, _)| name == key).map_or("", |(_, value)| match value {
        Property::Number(text) | Property::Text(text) | Property::Date(text) => text,
        _ => "",
    })
}

fn of_folder<'p>(pages: &'p [Page], kind: &str) -> Vec<&'p Page> {
    let mut found: Vec<&Page> = pages.iter().filter(|page| page.id.starts_with(kind)).collect();
    found.sort_by_key(|page| order(page));
    found
}

fn stem(page: &Page) -> &str {
    page.path.trim_end_matches(".md").rsplit('/').next().unwrap_or_default()
}

/// Names as Dataview sorts them: case decides last.
fn order(page: &Page) -> (String, String) {
    (stem(page).to_lowercase(), stem(page).to_owned())
}

fn home(builder: &Builder<'_>, pages: &[Page]) -> Page {
    let mut page = start(builder, "Home");
    let mut text = "# Home\n\nWhat leaves the network through web services, and what we know, detect and test about it.\n\n".to_owned();
    for (kind, name) in [
        ("technique/", "Techniques"),
        ("rule/", "Detection Rules"),
        ("runbook/", "Testing Runbooks of our rules"),
        ("atomic/", "Testing Runbooks from Atomic Red Team"),
        ("service/", "Services"),
        ("list/", "Lists"),
        ("countermeasure/", "Countermeasures"),
        ("tactic/", "Tactics"),
        ("strategy/", "Detection Strategies"),
        ("document/", "Notes"),
    ] {
        let n_pages = pages.iter().filter(|page| page.id.starts_with(kind)).count();
        if n_pages > 0 || !matches!(kind, "document/" | "list/" | "strategy/") {
            let _ = writeln!(text, "- {name}: {n_pages}");
        }
    }
    for name in NAMES.iter().skip(1) {
        let _ = writeln!(text, "- {}", builder.link(&format!("dashboard/{name}"), name));
    }
    let sources = match builder.as_of.as_str() {
        "" => String::new(),
        as_of => format!("Sources{as_of}; "),
    };
    let _ = writeln!(
        text,
        "\n{sources}ATT&CK {}.",
        if builder.sources.attack.version.is_empty() {
            "was not given"
        } else {
            &builder.sources.attack.version
        }
    );
    page.block("home", text);
    page
}

fn coverage_page(builder: &Builder<'_>, pages: &[Page]) -> Page {
    let mut page = start(builder, "Coverage");
    let vendors = builder.vendors().into_iter().map(Collection::as_str);
    let of_vendor = |name: &'static str| (format!("rules_{}", name.to_lowercase()), name);
    let mut keys: Vec<(String, &str)> = vendors.map(of_vendor).collect();
    keys.push(("runbooks".to_owned(), "Runbooks"));
    keys.push(("countermeasures".to_owned(), "Countermeasures"));
    let row = |page: &Page| {
        std::iter::once(builder.stem_link(&page.id))
            .chain(keys.iter().map(|(key, _)| number(page, key).to_owned()))
            .collect()
    };
    let shown: Vec<String> =
        keys.iter().map(|(key, name)| format!("{key} AS \"{name}\"")).collect();
    let dataview = format!(
        "TABLE WITHOUT ID file.link AS \"Technique\", {}\nFROM \"Techniques\"\nSORT file.name ASC",
        shown.join(", ")
    );
    let columns: Vec<&str> =
        std::iter::once("file.name").chain(keys.iter().map(|(key, _)| key.as_str())).collect();
    let headings: Vec<&str> =
        std::iter::once("Technique").chain(keys.iter().map(|(_, name)| *name)).collect();
    let query = Query {
        dataview: &dataview,
        base: Base {
            folder: "Techniques",
            filters: vec![],
            name: "Coverage",
            columns: &columns,
            sorted_by: Some("file.name"),
        }
        .text(),
        columns: &headings,
        rows: of_folder(pages, "technique/").into_iter().map(row).collect(),
        reason: "the vault holds no technique".into(),
    };
    page.block("coverage", format!("# Coverage\n\nRules by vendor, runbooks and countermeasures of each technique. Rules and runbooks of a sub-technique count for its parent too; countermeasures are those of the technique alone.\n\n{}{}", embedded(builder), query.markdown(&builder.as_of)));
    page
}

/// Most techniques of the picture of coverage; of more only those without a parent are in it.
const MAX_PICTURED: usize = 120;

/// The picture of coverage in Markdown, which Obsidian and a forge's web page show alike.
fn embedded(builder: &Builder<'_>) -> String {
    if builder.techniques.is_empty() {
        return String::new();
    }
    format!("![How many rules, runbooks and countermeasures each technique has]({PICTURE})\n\n")
}

/// Where the picture of coverage is.
pub(super) const PICTURE: &str = "Pictures/coverage.svg";

/// The picture of coverage; `None` without techniques.
pub(super) fn picture(builder: &Builder<'_>, pages: &[Page]) -> Option<String> {
    let vendors = builder.vendors().into_iter().map(Collection::as_str);
    let mut columns: Vec<&str> = vendors.collect();
    let mut keys: Vec<String> =
        columns.iter().map(|name| format!("rules_{}", name.to_lowercase())).collect();
    columns.extend(["Runbooks", "Countermeasures"]);
    keys.extend(["runbooks".to_owned(), "countermeasures".to_owned()]);
    let mut found = of_folder(pages, "technique/");
    if found.len() > MAX_PICTURED {
        found.retain(|page| !page.id.contains('.'));
    }
    let row = |page: &&Page| coverage::Row {
        title: short_title(builder, stem(page)),
        counts: keys.iter().map(|key| number(page, key).parse().unwrap_or_default()).collect(),
    };
    let rows: Vec<coverage::Row> = found.iter().map(row).collect();
    (!rows.is_empty()).then(|| coverage::svg(&columns, &rows))
}

/// A technique's name without that of its parent, which is in the row above.
fn short_title(builder: &Builder<'_>, name: &str) -> String {
    let (id, rest) = name.split_once(" - ").unwrap_or((name, ""));
    let parent = id.split_once('.').map(|(parent, _)| parent);
    let is_below = parent.is_some_and(|it| builder.techniques.iter().any(|other| other == it));
    match rest.rsplit_once(" - ").filter(|_| is_below) {
        Some((_, own)) => format!("    {id} - {own}"),
        None => name.to_owned(),
    }
}

fn gaps(builder: &Builder<'_>, pages: &[Page]) -> Page {
    let mut page = start(builder, "Gaps");
    let mut text = "# Gaps\n\n".to_owned();
    for (title, key, reason) in [
        ("Techniques without a rule", "rules", "every technique of the vault has a rule"),
        (
            "Techniques without a rule of ours",
            "rules_tidegate",
            "every technique of the vault has a rule of ours",
        ),
        ("Techniques without a runbook", "runbooks", "every technique of the vault has a runbook"),
    ] {
        let rows = of_folder(pages, "technique/")
            .into_iter()
            .filter(|page| number(page, key) == "0")
            .map(|page| vec![builder.stem_link(&page.id)])
            .collect();
        let query = Query {
            dataview: &format!(
                "TABLE WITHOUT ID file.link AS \"Technique\"\nFROM \"Techniques\"\nWHERE {key} = 0\nSORT file.name ASC"
            ),
            base: Base {
                folder: "Techniques",
                filters: vec![format!("{key} == 0")],
                name: title,
                columns: &["file.name"],
                sorted_by: Some("file.name"),
            }
            .text(),
            columns: &["Technique"],
            rows,
            reason: reason.into(),
        };
        let _ = writeln!(text, "## {title}\n\n{}", query.markdown(&builder.as_of));
    }
    let rows = pages
        .iter()
        .filter(|page| page.id.starts_with("runbook/") || page.id.starts_with("atomic/"));
    let mut rows: Vec<&Page> = rows.filter(|page| number(page, "test_state") != "passed").collect();
    rows.sort_by_key(|page| order(page));
    let query = Query {
        dataview: "TABLE WITHOUT ID file.link AS \"Runbook\", test_state AS \"State\", steps AS \"Steps\"\nFROM \"Testing Runbooks\"\nWHERE test_state != \"passed\"\nSORT file.name ASC",
        base: Base {
            folder: "Testing Runbooks",
            filters: vec!["test_state != \"passed\"".into()],
            name: "Not passed",
            columns: &["file.name", "test_state", "steps"],
            sorted_by: Some("file.name"),
        }
        .text(),
        columns: &["Runbook", "State", "Steps"],
        rows: rows
            .into_iter()
            .map(|page| {
                let cells = ["test_state", "steps"].map(|key| number(page, key).to_owned());
                [vec![builder.stem_link(&page.id)], cells.to_vec()].concat()
            })
            .collect(),
        reason: "every runbook has passed with the pack of this vault".into(),
    };
    let _ = writeln!(
        text,
        "## Runbooks that have not passed with this pack\n\n{}",
        query.markdown(&builder.as_of)
    );
    page.block("gaps", text);
    page
}

/// Rules and atomic tests that carry an id which ATT&CK does not have any more: id, what became of it, ids of
/// their pages.
fn migrations(builder: &Builder<'_>) -> BTreeMap<(String, String), Vec<String>> {
    let mut found: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for (rule, id) in builder.rules.iter().zip(&builder.rule_ids) {
        for technique in &rule.techniques {
            if let Some(what) = builder.migration(technique) {
                found.entry((technique.clone(), what)).or_default().push(id.clone());
            }
        }
        if builder.sources.attack.tactics.is_empty() {
            continue;
        }
        for tactic in &rule.tactics {
            if builder.sources.attack.tactic(&super::tactic::short_name(tactic)).is_none() {
                let what = format!(
                    "tactic not in the copy of ATT&CK {} that was read",
                    builder.sources.attack.version
                );
                found.entry((tactic.clone(), what)).or_default().push(id.clone());
            }
        }
    }
    for technique in &builder.tested {
        if let Some(what) = builder.migration(technique) {
            let page = format!("atomic/{technique}");
            found.entry((technique.clone(), what)).or_default().push(page);
        }
    }
    found
}

/// How many of each there are.
pub(super) fn n_drift(builder: &Builder<'_>) -> usize {
    let notes = &builder.sources.technique_notes;
    migrations(builder).len()
        + notes.iter().map(|note| note.mismatches.len() + note.remarks.len()).sum::<usize>()
        + builder.sources.broken.len()
}

fn drift(builder: &Builder<'_>) -> Page {
    let mut page = start(builder, "Drift");
    let sources = builder.sources;
    let mut text = "# Drift\n\n## ATT&CK ids that changed, or are not in the copy\n\n".to_owned();
    let mut rows = Vec::new();
    for ((id, what), rules) in migrations(builder) {
        let shown: Vec<String> = rules.iter().take(5).map(|id| builder.stem_link(id)).collect();
        let more =
            if rules.len() > 5 { format!(" and {} more", rules.len() - 5) } else { String::new() };
        rows.push(vec![
            inline(&id),
            inline(&what),
            rules.len().to_string(),
            shown.join(", ") + &more,
        ]);
    }
    push(
        &mut text,
        &["Id", "What became of it", "Rules and tests", "Which"],
        &rows,
        "every id of every rule and test is known",
        &builder.as_of,
    );

    text.push_str("## Counts that do not hold\n\n");
    let rows: Vec<Vec<String>> = sources
        .technique_notes
        .iter()
        .flat_map(|note| {
            note.mismatches.iter().map(|found| {
                vec![
                    inline(&note.file),
                    found.line.to_string(),
                    inline(&found.of),
                    found.declared.to_string(),
                    found.listed.to_string(),
                ]
            })
        })
        .collect();
    push(
        &mut text,
        &["Note", "Line", "Of", "Declared", "Listed"],
        &rows,
        "every count of every note holds",
        &builder.as_of,
    );

    text.push_str("## What was odd in notes\n\n");
    let rows: Vec<Vec<String>> = sources
        .technique_notes
        .iter()
        .flat_map(|note| {
            note.remarks
                .iter()
                .map(|(line, what)| vec![inline(&note.file), line.to_string(), inline(what)])
        })
        .collect();
    push(&mut text, &["Note", "Line", "What"], &rows, "every note is clean", &builder.as_of);

    text.push_str("## Files that could not be read\n\n");
    let unread = sources.broken.iter().chain(&sources.passed_over);
    let rows: Vec<Vec<String>> =
        unread.map(|(path, why)| vec![inline(path), inline(why)]).collect();
    push(&mut text, &["File", "Why"], &rows, "every file was read", &builder.as_of);

    text.push_str("## Queries that were not read exactly\n\n");
    let mut reasons: BTreeMap<(Collection, &str, String), usize> = BTreeMap::new();
    for rule in &builder.rules {
        match &rule.reading {
            Reading::Read(expression) => {
                for (reason, n) in expression.unread() {
                    *reasons.entry((rule.vendor, rule.language, reason.to_owned())).or_default() +=
                        n;
                }
            }
            Reading::NoQuery(reason) => {
                *reasons.entry((rule.vendor, rule.language, (*reason).to_owned())).or_default() +=
                    1;
            }
            Reading::Refused(_) => {
                *reasons.entry((rule.vendor, rule.language, "not readable".into())).or_default() +=
                    1;
            }
        }
    }
    let rows: Vec<Vec<String>> = reasons
        .into_iter()
        .map(|((vendor, language, reason), n)| {
            vec![vendor.as_str().to_owned(), language.to_owned(), inline(&reason), n.to_string()]
        })
        .collect();
    push(
        &mut text,
        &["Collection", "Language", "Reason", "Places"],
        &rows,
        "every query was read exactly",
        &builder.as_of,
    );
    page.block("drift", text);
    page
}

fn push(text: &mut String, columns: &[&str], rows: &[Vec<String>], none: &str, as_of: &str) {
    if rows.is_empty() {
        let _ = writeln!(text, "No rows{as_of}: {none}.\n");
    } else {
        let _ = writeln!(text, "{}", table(columns, rows));
    }
}
