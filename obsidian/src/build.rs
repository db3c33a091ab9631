//! All pages and files of a vault, from what was read.

mod countermeasure;
mod dashboard;
mod detection_rule;
mod files;
mod list;
mod other_keys;
mod own_notes;
mod preview_link;
mod public;
mod runbook;
mod service;
mod service_coverage;
mod strategy;
mod tactic;
mod targets;
mod technique;

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use catalogue::attack::Retired;
use catalogue::d3fend::D3fend;
use catalogue::dialect::Document;
use catalogue::{CatalogueRule, Collection, TechniqueNames};

use super::check::is_reason;
use super::evidence::{self, Evidence};
use super::link_style::{self, LinkStyle};
use super::names::{PageName, assign};
use super::page::Page;
use super::property::tag;
use super::sources::{Reach, Sources};

/// What a vault is asked to hold.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Techniques with their sub-techniques; all where empty.
    pub techniques: BTreeSet<String>,
    /// The address of a preview that rule pages link to; no links where empty.
    pub preview: String,
    /// The form of links between pages.
    pub links: LinkStyle,
}

/// What is already there.
#[derive(Clone, Debug, Default)]
pub struct Present {
    /// Id and path of each page of ours.
    pub pages: BTreeMap<String, String>,
    /// Paths of everybody else's files.
    pub others: BTreeSet<String>,
}

/// A vault's pages and files.
#[derive(Debug, Default)]
pub struct Vault {
    /// Pages, in the order of their ids.
    pub pages: Vec<Page>,
    /// Other files: path and text.
    pub files: BTreeMap<String, String>,
    /// Property types for `.obsidian/types.json`.
    pub types: BTreeMap<String, &'static str>,
    /// Empty tables, each with its reason on its page.
    pub n_gaps: usize,
    /// Counts, dates and ids that do not hold.
    pub n_drift: usize,
}

/// Builds all pages.
pub fn build(sources: &Sources, scope: &Scope, present: &Present) -> Vault {
    let mut builder = Builder::new(sources, scope, present);
    let mut pages: Vec<Page> =
        builder.techniques.par_iter().map(|id| technique::page(&builder, id)).collect();
    let rules = builder.rules.par_iter().enumerate();
    pages.par_extend(rules.map(|(idx, rule)| detection_rule::page(&builder, idx, rule)));
    pages.extend(runbook::pages(&builder));
    pages.extend(sources.services.iter().map(|note| service::page(&builder, note)));
    pages.extend(list::pages(&builder));
    pages.extend(countermeasure::pages(&builder));
    pages.extend(tactic::pages(&builder));
    pages.extend(strategy::pages(&builder));
    pages.extend(own_notes::pages(&builder));
    pages.extend(dashboard::pages(&builder, &pages));
    // What our notes link to are pages of this vault, or text.
    let is_ours = |page: &&mut Page| {
        let kinds = ["rule/tidegate/", "runbook/", "service/", "list/"];
        kinds.iter().any(|kind| page.id.starts_with(kind))
    };
    for page in pages.iter_mut().filter(is_ours) {
        for (_, text) in page.blocks.iter_mut().filter(|(_, text)| text.contains('[')) {
            *text = super::own_markdown::linked(text, &|target| builder.resolve(target));
        }
    }
    pages.sort_by(|left, right| left.id.cmp(&right.id));
    let mut types = BTreeMap::new();
    for page in &pages {
        for (key, value) in &page.properties {
            types.entry(key.clone()).or_insert(value.obsidian_type(key));
        }
    }
    builder.own_keys = types.keys().cloned().collect();
    own_notes::add(&builder, &mut pages, &mut types);
    own_notes::add_tags(&mut pages);
    let is_gap = |line: &&str| is_reason(line);
    let n_gaps = pages
        .iter()
        .flat_map(|page| &page.blocks)
        .map(|(_, text)| text.lines().filter(is_gap).count())
        .sum();
    let files = files::all(&builder, &pages);
    if scope.links == LinkStyle::Markdown {
        pages.par_iter_mut().for_each(link_style::to_markdown);
    }
    Vault { pages, files, types, n_gaps, n_drift: dashboard::n_drift(&builder) }
}

/// Sources with their indexes.
struct Builder<'s> {
    sources: &'s Sources,
    /// The address of the preview.
    preview: String,
    /// Rules with a page.
    rules: Vec<&'s CatalogueRule>,
    /// Page ids of those rules.
    rule_ids: Vec<String>,
    /// Indexes of rules by technique, own tags only.
    by_technique: BTreeMap<&'s str, Vec<usize>>,
    /// Techniques with a page.
    techniques: Vec<String>,
    /// Techniques of the scope with atomic tests, those too that ATT&CK does not have.
    tested: BTreeSet<String>,
    /// Names of techniques, for where no copy of ATT&CK has them.
    technique_names: TechniqueNames,
    /// Other notes with a page.
    documents: Vec<&'s Document>,
    /// The path of each page.
    paths: BTreeMap<String, String>,
    /// Paths of pages without their extension, by what a link may call them, in lower case.
    targets: BTreeMap<String, String>,
    /// Keys of the pages' own properties.
    own_keys: BTreeSet<String>,
    reach: Reach,
    /// What a gateway evidences of each countermeasure of D3FEND, where somebody looked.
    evidence: BTreeMap<&'s str, &'static Evidence>,
    /// The newest date in all sources, as ` as of 2026-11-30`; empty where none has a date.
    as_of: String,
}

impl<'s> Builder<'s> {
    fn new(sources: &'s Sources, scope: &Scope, present: &Present) -> Builder<'s> {
        let in_scope = |id: &str| {
            let parent = id.split('.').next().unwrap_or(id);
            scope.techniques.is_empty()
                || scope.techniques.contains(id)
                || scope.techniques.contains(parent)
        };
        let mut techniques: BTreeSet<String> = BTreeSet::new();
        techniques.extend(
            sources
                .attack
                .techniques
                .values()
                .filter(|technique| technique.retired.is_none())
                .map(|technique| technique.id.clone()),
        );
        techniques.extend(sources.technique_notes.iter().map(|note| note.technique.clone()));
        let documents = sources.documents.iter().filter(|document| {
            document.techniques.is_empty() || document.techniques.iter().any(|id| in_scope(id))
        });
        let documents: Vec<&Document> = documents.collect();
        if sources.attack.techniques.is_empty() {
            techniques
                .extend(sources.rules.iter().flat_map(|rule| rule.techniques.iter().cloned()));
            techniques.extend(sources.tests.iter().map(|test| test.technique.clone()));
            techniques.extend(sources.technique_notes.iter().flat_map(|note| note.others.clone()));
            techniques.extend(documents.iter().flat_map(|document| document.techniques.clone()));
        }
        techniques.retain(|id| in_scope(id));
        let mut tested: BTreeSet<String> =
            sources.tests.iter().map(|test| test.technique.clone()).collect();
        tested.retain(|id| in_scope(id));
        let wanted = |rule: &&CatalogueRule| {
            let ours = sources.rule_notes.contains_key(&rule.id);
            ours || scope.techniques.is_empty() || rule.techniques.iter().any(|id| in_scope(id))
        };
        let mut rules: Vec<&CatalogueRule> = sources.rules.iter().filter(wanted).collect();
        rules.sort_by(|left, right| {
            (left.vendor, &left.title, &left.id, &left.path).cmp(&(
                right.vendor,
                &right.title,
                &right.id,
                &right.path,
            ))
        });
        let mut rule_ids = Vec::new();
        let mut seen = BTreeSet::new();
        for rule in &rules {
            let collection = rule.vendor.as_str();
            let mut id = format!("rule/{collection}/{}", rule.id);
            // A second rule by the same id is known by its path, and the next one there by a number.
            let by_path = format!("rule/{collection}/{}", rule.path);
            let mut numbered = (2..).map(|number| format!("{by_path}#{number}"));
            let mut others = std::iter::once(by_path.clone()).chain(&mut numbered);
            while !seen.insert(id.clone()) {
                id = others.next().unwrap_or_default();
            }
            rule_ids.push(id);
        }
        let mut by_technique: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (idx, rule) in rules.iter().enumerate() {
            for id in &rule.techniques {
                by_technique.entry(id).or_default().push(idx);
            }
        }
        let dates = sources
            .rules
            .iter()
            .flat_map(|rule| [rule.modified.as_deref(), rule.created.as_deref()])
            .flatten();
        let as_of = dates
            .chain([sources.attack.newest.as_str()])
            .max()
            .filter(|date| !date.is_empty())
            .map_or_else(String::new, |date| format!(" as of {date}"));
        let reach = Reach::of(&sources.rules);
        let mut builder = Builder {
            sources,
            preview: scope.preview.clone(),
            rules,
            rule_ids,
            by_technique,
            techniques: techniques.into_iter().collect(),
            tested,
            technique_names: TechniqueNames::built_in(),
            documents,
            paths: BTreeMap::new(),
            targets: BTreeMap::new(),
            own_keys: BTreeSet::new(),
            reach,
            evidence: evidence(&sources.d3fend),
            as_of,
        };
        let names = builder.names();
        builder.paths = assign(&names, &present.pages, &present.others);
        builder.targets = builder.targets(present);
        builder
    }

    /// The collections of the vault. Detection pages of a person are one only where there are any.
    fn vendors(&self) -> Vec<Collection> {
        let is_there = |vendor: &Collection| {
            *vendor != Collection::Noted || self.rules.iter().any(|rule| rule.vendor == *vendor)
        };
        Collection::ALL.into_iter().filter(is_there).collect()
    }

    /// What pages want to be called, the first to choose first.
    fn names(&self) -> Vec<PageName> {
        let name_of = |id: String, folder: &str, title: String, apart: Vec<String>| PageName {
            id,
            folder: folder.to_owned(),
            title,
            apart,
        };
        let mut names = Vec::new();
        for name in dashboard::NAMES {
            names.push(name_of(
                format!("dashboard/{name}"),
                "",
                name.to_owned(),
                vec!["dashboard".into()],
            ));
        }
        for id in &self.techniques {
            names.push(name_of(
                format!("technique/{id}"),
                "Techniques",
                self.known_name(id).map_or_else(|| id.clone(), |name| format!("{id} - {name}")),
                vec![],
            ));
        }
        for (name, tactic) in &self.sources.attack.tactics {
            names.push(name_of(
                format!("tactic/{name}"),
                "Tactics",
                format!("{} - {}", tactic.id, tactic.name),
                vec![],
            ));
        }
        for (id, title) in strategy::names(self) {
            names.push(name_of(id, "Detection Strategies", title, vec![]));
        }
        for note in &self.sources.services {
            names.push(name_of(
                format!("service/{}", note.name),
                "Services",
                note.name.clone(),
                vec!["service".into()],
            ));
        }
        for note in &self.sources.lists {
            let id = format!("list/{}", note.name);
            names.push(name_of(id, "Lists", note.name.clone(), vec!["list".into()]));
        }
        for (id, title) in countermeasure::names(self) {
            names.push(name_of(
                format!("countermeasure/{id}"),
                "Countermeasures",
                format!("{id} - {title}"),
                vec![],
            ));
        }
        for (rule, id) in self.rules.iter().zip(&self.rule_ids) {
            let short: String = rule.id.chars().take(8).collect();
            names.push(name_of(
                id.clone(),
                "Detection Rules",
                rule.title.clone(),
                vec![rule.vendor.as_str().to_owned(), short],
            ));
        }
        for (id, title) in runbook::names(self) {
            names.push(name_of(id, "Testing Runbooks", title, vec!["runbook".into()]));
        }
        for document in &self.documents {
            let kind = document.kind.as_str().to_owned();
            let file = document.file.clone();
            let id = own_notes::document_id(document);
            names.push(name_of(id, "Notes", document.title.clone(), vec![kind, file]));
        }
        names
    }

    /// The full name of a technique; its id where no name is known.
    fn technique_name(&self, id: &str) -> String {
        self.known_name(id).unwrap_or_else(|| id.to_owned())
    }

    /// The id of a technique, with its name where that is known.
    fn technique_title(&self, id: &str) -> String {
        self.known_name(id).map_or_else(|| id.to_owned(), |name| format!("{id} {name}"))
    }

    /// The name that ATT&CK gives a technique: as the copy says that was read, as the release says that is built
    /// in, or as catalogues say. The heading of a person's note is not the name of its technique.
    fn known_name(&self, id: &str) -> Option<String> {
        let from_test = || {
            let test = self.sources.tests.iter().find(|test| test.technique == id)?;
            Some(test.technique_name.clone()).filter(|name| !name.is_empty())
        };
        let from_catalogue = || {
            let notes = self.sources.technique_notes.iter().filter(|note| !own_notes::is_own(note));
            let mut names = notes.filter(|note| note.technique == id).map(|note| &note.name);
            names.find(|name| !name.is_empty()).cloned()
        };
        let of_attack = self.sources.attack.full_name(id);
        let built_in = || self.technique_names.full_name(id);
        of_attack.or_else(built_in).or_else(from_test).or_else(from_catalogue)
    }

    /// A link to a page, by its full path; plain text where the page is not in the vault.
    fn link(&self, id: &str, text: &str) -> String {
        match self.paths.get(id) {
            Some(path) => format!("[[{}|{}]]", path.trim_end_matches(".md"), link_text(text)),
            None => super::prose::inline(text),
        }
    }

    /// The same in a table, where the bar is escaped.
    fn cell_link(&self, id: &str, text: &str) -> String {
        self.link(id, text).replace('|', "\\|")
    }

    /// A link to a page with its file's name, as `file.link` shows it.
    fn stem_link(&self, id: &str) -> String {
        let path = self.paths.get(id).map_or("", |path| path.trim_end_matches(".md"));
        format!("[[{path}\\|{}]]", path.rsplit('/').next().unwrap_or(path))
    }

    /// The same as a property.
    fn property_link(&self, id: &str, text: &str) -> String {
        match self.paths.get(id) {
            Some(path) => format!("[[{}|{}]]", path.trim_end_matches(".md"), link_text(text)),
            None => link_text(text),
        }
    }

    fn path(&self, id: &str) -> String {
        self.paths.get(id).cloned().unwrap_or_default()
    }

    /// Rules with a technique's tag on their page: its own, and for a parent its sub-techniques'.
    fn rules_of(&self, technique: &str) -> Vec<usize> {
        let sub = format!("{technique}.");
        let of = self
            .by_technique
            .range(technique..)
            .take_while(|(id, _)| id.starts_with(technique))
            .filter(|(id, _)| **id == technique || id.starts_with(&sub));
        let set: BTreeSet<usize> = of.flat_map(|(_, rules)| rules.iter().copied()).collect();
        set.into_iter().collect()
    }

    /// What became of an id that a rule carries and ATT&CK does not.
    fn migration(&self, id: &str) -> Option<String> {
        let attack = &self.sources.attack;
        if attack.techniques.is_empty() {
            return None;
        }
        match attack.techniques.get(id) {
            Some(technique) => match &technique.retired {
                None => None,
                Some(Retired::Revoked(Some(new))) => Some(format!("revoked, replaced by {new}")),
                Some(Retired::Revoked(None)) => Some("revoked".into()),
                Some(Retired::Deprecated) => Some("deprecated".into()),
            },
            None => Some(format!("not in the copy of ATT&CK {} that was read", attack.version)),
        }
    }
}

/// What a gateway evidences of each countermeasure, by what it acts on.
fn evidence(d3fend: &D3fend) -> BTreeMap<&str, &'static Evidence> {
    let mut acts_on: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for meeting in d3fend.against.values().flatten() {
        acts_on.entry(&meeting.countermeasure).or_default().insert(&meeting.on);
    }
    let of = |id: &'_ String| acts_on.get(id.as_str()).into_iter().flatten().copied();
    let ids = d3fend.countermeasures.keys();
    ids.filter_map(|id| Some((id.as_str(), evidence::of(id, of(id))?))).collect()
}

/// Text behind the bar of a link: what would end the link or the table is replaced.
fn link_text(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| {
            if matches!(c, '[' | ']' | '|' | '`' | '<' | '>' | '#' | '^' | '$' | '\\' | '%')
                || c.is_control()
            {
                ' '
            } else {
                c
            }
        })
        .collect();
    text.replace("::", ": :").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `T1102_002`, its parent `T1102`, and the nested form.
fn technique_tags(id: &str) -> Vec<String> {
    let mut tags = vec![tag(id)];
    if let Some((parent, sub)) = id.split_once('.') {
        tags.push(parent.to_owned());
        tags.push(format!("attack/{parent}/{sub}"));
    } else {
        tags.push(format!("attack/{id}"));
    }
    tags
}

/// A query in its three forms.
struct Query<'q> {
    /// The Dataview block, without its fence.
    dataview: &'q str,
    /// The Base, without its fence.
    base: String,
    /// Headings of the table.
    columns: &'q [&'q str],
    /// Its rows.
    rows: Vec<Vec<String>>,
    /// Why there are none, if there are none.
    reason: String,
}

impl Query<'_> {
    fn markdown(&self, as_of: &str) -> String {
        let (dataview, base) = (self.dataview.trim_end(), self.base.trim_end());
        let query = format!("```dataview\n{dataview}\n```\n\n");
        let base = format!("```base\n{base}\n```");
        if self.rows.is_empty() {
            let reason = format!("No rows{as_of}: {}.\n\n", self.reason);
            return query + &reason + &folded(crate::check::AS_BASE, &base);
        }
        let table = table(self.columns, &self.rows);
        query + &folded(crate::check::AS_BASE_AND_TABLE, &format!("{base}\n\n{table}"))
    }
}

/// Markdown in a callout that is closed until somebody opens it; `title` is its first line.
fn folded(title: &str, text: &str) -> String {
    let mut callout = format!("{title}\n>\n");
    for line in text.trim_end().lines() {
        callout.push_str(format!("> {line}").trim_end());
        callout.push('\n');
    }
    callout
}

fn table(columns: &[&str], rows: &[Vec<String>]) -> String {
    let mut text = format!("| {} |\n|{}\n", columns.join(" | "), " --- |".repeat(columns.len()));
    for row in rows {
        text.push_str(&format!("| {} |\n", row.join(" | ")));
    }
    text
}

/// A Base over a folder, by the core plugin's syntax.
struct Base<'b> {
    folder: &'b str,
    /// What holds beside being in the folder.
    filters: Vec<String>,
    name: &'b str,
    columns: &'b [&'b str],
    sorted_by: Option<&'b str>,
}

impl Base<'_> {
    fn text(&self) -> String {
        let mut text = format!("filters:\n  and:\n    - 'file.inFolder(\"{}\")'\n", self.folder);
        for filter in &self.filters {
            text.push_str(&format!("    - '{}'\n", filter.replace('\'', "''")));
        }
        text.push_str(&format!("views:\n  - type: table\n    name: {}\n    order:\n", self.name));
        for column in self.columns {
            text.push_str(&format!("      - {column}\n"));
        }
        if let Some(property) = self.sorted_by {
            text.push_str(&format!(
                "    sort:\n      - property: {property}\n        direction: ASC\n"
            ));
        }
        text
    }
}

/// Sections of a note of ours as Markdown, their headings one level lower. Its title is left out where
/// the page's title contains it.
fn own_sections(sections: &[catalogue::dialect::section::Section], title: &str) -> String {
    let mut text = String::new();
    for section in sections {
        let bare = |text: &str| text.trim().to_lowercase().replace('_', " ");
        let is_title = section.level == 1 && bare(title).contains(&bare(&section.title));
        if section.level > 0 && !is_title {
            text.push_str(&format!("### {}\n\n", super::prose::inline(&section.title)));
        }
        let body = section.text.trim_matches('\n');
        if !body.is_empty() {
            text.push_str(body);
            text.push_str("\n\n");
        }
    }
    super::own_markdown::harmless(&text)
}
