//! Decides what a note is: about one technique, a page with rules, or another document.

use crate::rule::techniques_in;
use sigma::{TECHNIQUE_LISTS, technique_id, technique_of_key};

use super::front_matter::{self, Head};
use super::section::{self, Section};
use super::{
    Dialect, Document, DocumentKind, PersonalNote, TechniqueNote, Value, fence, rule_page, texts,
};

/// Headings of Palantir's alerting and detection strategies; a document with this many is one.
const STRATEGY: [&str; 7] = [
    "goal",
    "categorization",
    "strategy abstract",
    "technical context",
    "blind spots and assumptions",
    "false positives",
    "validation",
];
const N_STRATEGY: usize = 5;

/// Labels of the hunts of the `ThreatHunting` Project.
const HUNT: [&str; 2] = ["**Data Required**", "**Analysis Techniques**"];

/// Headings that name a part of a note and not its technique.
const PARTS: [&str; 8] = [
    "description",
    "overview",
    "summary",
    "detection",
    "introduction",
    "notes",
    "data sources",
    "procedure examples",
];

pub(super) fn read(file: &str, text: &str) -> Option<PersonalNote> {
    let head = front_matter::read(text);
    let sections = section::split(head.body, head.body_line);
    let tags = [texts(&head.properties, "tags"), texts(&head.properties, "tag")].concat();
    let has_tag = |wanted: &str| {
        let words = tags.iter().flat_map(|tag| tag.split([',', ' ']));
        words.map(|tag| tag.trim_start_matches('#')).any(|tag| tag == wanted)
    };
    let is_readme = stem(file).eq_ignore_ascii_case("readme");
    let named = named(file, &head, &sections);
    let kind = kind(&head, &sections, has_tag("atomic_test"));
    let is_of_rules = has_tag("detection_rule");
    if kind.is_none() && (named.is_none() || is_of_rules) {
        let rules = rule_page::read(file, &head);
        if !rules.is_empty() {
            return Some(PersonalNote::Rules(rules));
        }
    }
    if let (None, Some(techniques), false) = (kind, named, is_of_rules) {
        return technique(file, head, sections, techniques).map(PersonalNote::Technique);
    }
    let techniques = techniques_in(text);
    let kind = kind.or_else(|| holds_query(head.body).then_some(DocumentKind::Query));
    // What a folder is for says its README, which may name any technique.
    let is_about = !techniques.is_empty() && (!is_readme || head.is_there);
    if kind.is_none() && !is_about || is_readme && techniques.is_empty() {
        return None;
    }
    Some(PersonalNote::Document(document(file, head, &sections, kind, techniques)))
}

/// A note that is of no known kind and names no technique.
pub(super) fn other(file: &str, text: &str) -> Document {
    let head = front_matter::read(text);
    let sections = section::split(head.body, head.body_line);
    document(file, head, &sections, None, Vec::new())
}

fn document(
    file: &str,
    head: Head<'_>,
    sections: &[Section],
    kind: Option<DocumentKind>,
    techniques: Vec<String>,
) -> Document {
    Document {
        file: String::new(),
        kind: kind.unwrap_or(DocumentKind::Other),
        title: title(file, &head, sections),
        techniques,
        properties: head.properties,
        body: head.body.to_owned(),
        remarks: head.remarks,
    }
}

/// Languages of queries, as fences name them.
const QUERIES: [&str; 14] = [
    "cql", "eql", "es|ql", "esql", "kql", "kuery", "kusto", "lucene", "osquery", "sigma", "spl",
    "splunk", "yara", "yaral",
];

/// Returns true if there is a query in a fence.
fn holds_query(body: &str) -> bool {
    let is_query = |fence: &fence::Fence<'_>| {
        let language = fence.info.split([' ', '{']).next().unwrap_or_default().to_lowercase();
        QUERIES.contains(&language.as_str())
    };
    fence::all(body).iter().any(is_query)
}

/// The kind of a document that its shape shows.
fn kind(head: &Head<'_>, sections: &[Section], is_test: bool) -> Option<DocumentKind> {
    let has_key = |name: &str| head.properties.iter().any(|(key, _)| key == name);
    let is_map = |name: &str| {
        head.properties.iter().any(|(key, value)| key == name && matches!(value, Value::Map(_)))
    };
    let titled = |title: &str| {
        let is_by = |section: &Section| section.title.trim().eq_ignore_ascii_case(title);
        sections.iter().any(is_by)
    };
    if is_test {
        Some(DocumentKind::Test)
    } else if has_key("Name") && has_key("Commands") {
        Some(DocumentKind::Lolbas)
    } else if is_map("functions") {
        Some(DocumentKind::Gtfobins)
    } else if STRATEGY.iter().filter(|title| titled(title)).count() >= N_STRATEGY {
        Some(DocumentKind::Strategy)
    } else if titled("Hypothesis") || HUNT.iter().all(|label| head.body.contains(label)) {
        Some(DocumentKind::Playbook)
    } else if head.body.lines().any(is_of_react) {
        Some(DocumentKind::Response)
    } else {
        None
    }
}

/// A row of a table with an id of RE&CT: `| ID | RA1001 |`.
fn is_of_react(line: &str) -> bool {
    let is_id = |cell: &str| {
        let cell = cell.trim().trim_matches('*');
        let digits = ["RA", "RS", "RP"].iter().find_map(|start| cell.strip_prefix(start));
        digits.is_some_and(|it| it.len() == 4 && it.bytes().all(|byte| byte.is_ascii_digit()))
    };
    line.trim_start().starts_with('|') && line.split('|').any(is_id)
}

/// Returns true if a title names several techniques, and so none that its note is about.
fn names_several(title: &str) -> bool {
    let all = techniques_in(title);
    let is_parent = |id: &String| all.iter().any(|other| other.starts_with(&format!("{id}.")));
    all.iter().filter(|id| !is_parent(id)).count() > 1
}

/// The techniques that a note is about: by its front matter, its first heading or its file's name. A note with a
/// title of its own that lists techniques is about something else, which these are of.
fn named(file: &str, head: &Head<'_>, sections: &[Section]) -> Option<Vec<String>> {
    let mut surest: Option<(usize, Vec<String>)> = None;
    for (key, value) in &head.properties {
        let values = value.texts();
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        if !value.is_nested()
            && let Some(found) = technique_of_key(key, &values)
            && surest.as_ref().is_none_or(|(rank, _)| found.0 < *rank)
        {
            surest = Some(found);
        }
    }
    let keys = ["title", "name"].into_iter();
    let titles = keys.flat_map(|key| texts(&head.properties, key));
    let titles: Vec<String> = titles.filter(|title| !title.trim().is_empty()).collect();
    let rank = surest.as_ref().map(|(rank, _)| *rank);
    if titles.iter().any(|title| names_several(title)) && rank != Some(0)
        || !titles.is_empty() && rank == Some(TECHNIQUE_LISTS)
    {
        return None;
    }
    let by_heading = || {
        let first = sections.iter().find(|section| section.level > 0)?;
        let title = first.title.trim();
        if names_several(title) {
            return None;
        }
        let first_word = title.split([' ', ':']).next().unwrap_or_default();
        let last_word = title.rsplit(' ').next().unwrap_or_default();
        let bare = |word: &str| technique_id(word.trim_matches(['[', ']', '(', ')', ':', '-']));
        bare(first_word).or_else(|| bare(last_word)).map(|id| vec![id])
    };
    let by_file = || {
        let folder = file.rsplit('/').nth(1).unwrap_or_default();
        let name = if is_of_folder(stem(file)) { folder } else { stem(file) };
        let id = techniques_in(name).into_iter().next()?;
        name.to_uppercase().starts_with(id.get(..5)?).then(|| vec![id])
    };
    surest.map(|(_, techniques)| techniques).or_else(by_heading).or_else(by_file)
}

/// Names of files that are about their folder.
fn is_of_folder(stem: &str) -> bool {
    ["readme", "index", "_index"].iter().any(|name| stem.eq_ignore_ascii_case(name))
}

/// A file's name without its folder and extension.
fn stem(file: &str) -> &str {
    let name = file.rsplit('/').next().unwrap_or(file);
    let known = ["md", "MD", "Md", "markdown"];
    match name.rsplit_once('.') {
        Some((stem, extension)) if known.contains(&extension) => stem,
        _ => name,
    }
}

fn technique(
    file: &str,
    head: Head<'_>,
    mut sections: Vec<Section>,
    techniques: Vec<String>,
) -> Option<TechniqueNote> {
    let mut techniques = techniques.into_iter();
    let technique = techniques.next()?;
    let heading = sections.iter().find(|section| section.level > 0);
    let heading = heading.map(|section| section.title.clone()).unwrap_or_default();
    let is_part = PARTS.iter().any(|part| heading.trim().eq_ignore_ascii_case(part));
    let name = if is_part || without_ids(&heading).is_empty() {
        without_ids(&title(file, &head, &[]))
    } else {
        without_ids(&heading)
    };
    sections
        .retain(|section| section.title != heading || is_part || !section.text.trim().is_empty());
    let dialect = if head.is_there { Dialect::FrontMatter } else { Dialect::Heading };
    let tactics = ["tactics", "tactic"]
        .iter()
        .map(|key| texts(&head.properties, key))
        .find(|it| !it.is_empty());
    Some(TechniqueNote {
        others: techniques.collect(),
        tactics: tactics.unwrap_or_default(),
        properties: head.properties,
        sections,
        remarks: head.remarks,
        ..TechniqueNote::new(dialect, technique, name)
    })
}

/// A title without the id in front of or behind it: `T1102: Web Service`, `Web Service (T1102)`.
fn without_ids(title: &str) -> String {
    let is_id = |word: &str| {
        technique_id(word.trim_matches(['[', ']', '(', ')', ':', '-', ',', '–', '—'])).is_some()
    };
    let words: Vec<&str> = title.split_whitespace().collect();
    let mut rest = words.as_slice();
    while let Some((_, others)) = rest.split_first().filter(|(first, _)| is_id(first)) {
        rest = others;
    }
    while let Some((_, others)) = rest.split_last().filter(|(last, _)| is_id(last)) {
        rest = others;
    }
    let text = rest.join(" ");
    let text = text.trim_matches([' ', '-', ':', '–', '—']);
    // In a file's name the id is not a word of its own.
    let at_start = techniques_in(text).into_iter().next().and_then(|id| {
        let upper = text.to_uppercase().replace(['_', '-'], ".");
        let rest = text.get(id.len()..)?;
        upper.starts_with(&id).then(|| rest.trim_matches([' ', '-', '_', ':']).replace('_', " "))
    });
    at_start.unwrap_or_else(|| text.to_owned())
}

/// What people call a document: its title or name, else its first heading, else its file.
fn title(file: &str, head: &Head<'_>, sections: &[Section]) -> String {
    let keys = ["title", "Title", "name", "Name"];
    let of_keys = keys.iter().find_map(|key| texts(&head.properties, key).into_iter().next());
    let of_heading = || {
        // A heading behind other text is that of a part.
        let first = sections.first().filter(|section| section.level > 0)?;
        let is_part =
            STRATEGY.iter().chain(&PARTS).any(|part| first.title.eq_ignore_ascii_case(part));
        (!is_part).then(|| first.title.clone())
    };
    let of_file = || {
        let folder = file.rsplit('/').nth(1).filter(|_| is_of_folder(stem(file)));
        folder.unwrap_or(stem(file)).to_owned()
    };
    let of_keys = of_keys.filter(|title| !title.trim().is_empty());
    of_keys.or_else(of_heading).unwrap_or_else(of_file)
}
