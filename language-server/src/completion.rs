//! What may be written at a position.

use std::collections::{BTreeMap, BTreeSet};

use inspect::{PROXY_FIELDS, ProxyField};
use lsp_types::{CompletionItem, CompletionItemKind, CompletionTextEdit, TextEdit};
use sigma::{CORRELATION_KINDS, LEVELS, MODIFIERS, STATUSES};

use crate::hover::{is_name, kind_of};
use crate::limits::MAX_COMPLETIONS;
use crate::place::{Language, Part, Place};
use crate::vocabulary::{self, Word};
use crate::{Document, Project, logsource, techniques};

/// A word, what it means, and its kind.
type Offer = (String, String, CompletionItemKind);

/// Returns what may be written at a byte offset of a file, in the order of the text.
pub(crate) fn at(
    project: &Project,
    name: &str,
    document: &Document,
    offset: usize,
) -> Vec<CompletionItem> {
    let Some(place) = Place::at(name, &document.text, offset) else { return Vec::new() };
    let (offers, replaced) = match place.part {
        Part::Key => keys(project, &document.text, &place),
        Part::Value => values(project, &document.text, &place),
    };
    let range = document.range_of(replaced);
    let items = offers.into_iter().take(MAX_COMPLETIONS).enumerate();
    items
        .map(|(number, (word, meaning, kind))| CompletionItem {
            text_edit: Some(CompletionTextEdit::Edit(TextEdit { range, new_text: word.clone() })),
            label: word,
            kind: Some(kind),
            detail: (!meaning.is_empty()).then_some(meaning),
            // Clients sort by letters unless they are given an order.
            sort_text: Some(format!("{number:05}")),
            ..CompletionItem::default()
        })
        .collect()
}

fn keys(project: &Project, text: &str, place: &Place<'_>) -> (Vec<Offer>, std::ops::Range<usize>) {
    if place.is_field() {
        let (part, range) = place.part_of_word(|character| character != '|');
        if range.start == place.range.start {
            return (fields(project, text), range);
        }
        let used: Vec<_> = place.word.split('|').filter(|used| *used != part).collect();
        let modifiers = MODIFIERS.iter().filter(|(name, _)| !used.contains(name));
        return (offers(modifiers, CompletionItemKind::OPERATOR), range);
    }
    let table = match (place.language, place.path.as_slice()) {
        (Language::Sigma, []) => vocabulary::RULE_KEYS,
        (Language::Sigma, ["logsource"]) => vocabulary::LOGSOURCE_KEYS,
        (Language::Sigma, ["detection"]) => vocabulary::DETECTION_KEYS,
        (Language::Sigma, ["correlation"]) => vocabulary::CORRELATION_KEYS,
        (Language::FrontMatter, []) => {
            let known = kind_of(text).map_or(["kind"].as_slice(), knowledge::NoteKind::keys);
            let keys = vocabulary::FRONT_MATTER_KEYS.iter().filter(|(key, _)| known.contains(key));
            return (offers(keys, CompletionItemKind::PROPERTY), place.range.clone());
        }
        _ => return (Vec::new(), place.range.clone()),
    };
    (offers(table, CompletionItemKind::PROPERTY), place.range.clone())
}

fn values(
    project: &Project,
    text: &str,
    place: &Place<'_>,
) -> (Vec<Offer>, std::ops::Range<usize>) {
    let whole = place.range.clone();
    let value = CompletionItemKind::VALUE;
    let plain = |words: Vec<&str>| -> Vec<Offer> {
        words.into_iter().map(|word| (word.to_owned(), String::new(), value)).collect()
    };
    // An entry of a list below a search identifier may be a map of fields, or a keyword.
    if let (Language::Sigma, ["detection", name]) = (place.language, place.path.as_slice())
        && *name != "condition"
    {
        return (fields(project, text), whole);
    }
    let key = place.key().unwrap_or_default();
    let mut names = key.split('|');
    let field = names.next().unwrap_or_default();
    if names.any(|modifier| modifier == "expand") {
        return (lists(project), whole);
    }
    let offered = match (place.language, field) {
        (Language::Sigma, "status") => plain(STATUSES.to_vec()),
        (Language::Sigma, "level") => plain(LEVELS.iter().map(|(name, _)| *name).collect()),
        (Language::Sigma, "tags") => tags(project),
        (Language::Sigma, "category") => categories(project),
        (Language::Sigma, "type") => {
            plain(CORRELATION_KINDS.iter().map(|(name, ..)| *name).collect())
        }
        (Language::Sigma, "condition") => {
            let (_, range) = place.part_of_word(is_name);
            return (condition(text), range);
        }
        (Language::Sigma, "tidegate.service") | (_, "services") => services(project),
        (Language::Sigma, "tidegate.category") | (Language::FrontMatter, "category") => {
            let services = project.facts().filter_map(|(_, facts)| facts.service.as_ref());
            let names: BTreeSet<_> = services.map(|service| service.category.as_str()).collect();
            plain(names.into_iter().filter(|name| !name.is_empty()).collect())
        }
        (Language::Sigma, "rules") | (Language::FrontMatter, "rule") => rules(project),
        (Language::FrontMatter, "kind") => {
            plain(knowledge::NoteKind::ALL.iter().map(|kind| kind.as_str()).collect())
        }
        (Language::FrontMatter, "techniques") => {
            let ids = techniques::all().iter();
            ids.map(|(id, name)| ((*id).to_owned(), (*name).to_owned(), value)).collect()
        }
        (Language::Sigma, field) => {
            ProxyField::from_name(field).map_or_else(Vec::new, |of| plain(vocabulary::values(of)))
        }
        (Language::FrontMatter, _) => Vec::new(),
    };
    (offered, whole)
}

fn offers<'w>(words: impl IntoIterator<Item = &'w Word>, kind: CompletionItemKind) -> Vec<Offer> {
    let words = words.into_iter();
    words.map(|(word, meaning)| ((*word).to_owned(), (*meaning).to_owned(), kind)).collect()
}

/// The fields of a proxy, or those that rules of the same category ask for.
fn fields(project: &Project, text: &str) -> Vec<Offer> {
    let category = logsource::of(text).category;
    match category.as_deref() {
        None | Some("proxy") => PROXY_FIELDS
            .iter()
            .map(|(name, field)| {
                let meaning = vocabulary::field(*field).to_owned();
                ((*name).to_owned(), meaning, CompletionItemKind::FIELD)
            })
            .collect(),
        Some(category) => {
            let rules = project.facts().flat_map(|(_, facts)| &facts.rules);
            let rules = rules.filter(|rule| rule.category.as_deref() == Some(category));
            counted(rules.flat_map(|rule| &rule.fields), CompletionItemKind::FIELD)
        }
    }
}

/// Words of other rules, those that most rules have first.
fn counted<'w>(words: impl Iterator<Item = &'w String>, kind: CompletionItemKind) -> Vec<Offer> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for word in words {
        *counts.entry(word).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, n_rules)| std::cmp::Reverse(*n_rules));
    let counts = counts.into_iter();
    counts.map(|(word, n_rules)| (word.to_owned(), used_by(n_rules), kind)).collect()
}

fn used_by(n_rules: usize) -> String {
    if n_rules == 1 { "1 rule has it".to_owned() } else { format!("{n_rules} rules have it") }
}

/// The tags of other rules, and those of the techniques that the shipped notes are about.
fn tags(project: &Project) -> Vec<Offer> {
    let kind = CompletionItemKind::ENUM_MEMBER;
    let rules = project.facts().flat_map(|(_, facts)| &facts.rules);
    let mut offers = counted(rules.flat_map(|rule| &rule.tags), kind);
    for (tag, meaning, _) in &mut offers {
        if let Some(name) = sigma::technique_id(tag).as_deref().and_then(techniques::name) {
            *meaning = format!("{name}; {meaning}");
        }
    }
    for (id, name) in techniques::all() {
        let tag = format!("attack.{}", id.to_ascii_lowercase());
        if offers.iter().all(|(known, ..)| *known != tag) {
            offers.push((tag, (*name).to_owned(), kind));
        }
    }
    offers
}

fn categories(project: &Project) -> Vec<Offer> {
    let kind = CompletionItemKind::ENUM_MEMBER;
    let rules = project.facts().flat_map(|(_, facts)| &facts.rules);
    let mut offers = counted(rules.filter_map(|rule| rule.category.as_ref()), kind);
    if offers.iter().all(|(word, ..)| word != "proxy") {
        offers.insert(0, ("proxy".to_owned(), "the requests of a proxy".to_owned(), kind));
    }
    offers
}

fn services(project: &Project) -> Vec<Offer> {
    let services = project.facts().filter_map(|(_, facts)| facts.service.as_ref());
    let kind = CompletionItemKind::ENUM_MEMBER;
    services.map(|service| (service.name.clone(), service.category.clone(), kind)).collect()
}

fn lists(project: &Project) -> Vec<Offer> {
    let lists = project.facts().filter_map(|(_, facts)| facts.list.as_ref());
    let kind = CompletionItemKind::VARIABLE;
    lists.map(|list| (format!("%{}%", list.name), list.values.join(", "), kind)).collect()
}

/// The ids of rules.
fn rules(project: &Project) -> Vec<Offer> {
    let rules = project.facts().flat_map(|(_, facts)| &facts.rules);
    let kind = CompletionItemKind::REFERENCE;
    rules.filter_map(|rule| Some((rule.id.clone()?, rule.title.clone(), kind))).collect()
}

/// The search identifiers of a text, and the words between them.
fn condition(text: &str) -> Vec<Offer> {
    let kind = CompletionItemKind::VARIABLE;
    let mut offers: Vec<Offer> = selections(text)
        .into_iter()
        .map(|(name, _)| (name.to_owned(), "search identifier".to_owned(), kind))
        .collect();
    offers.extend(self::offers(vocabulary::CONDITION_WORDS, CompletionItemKind::KEYWORD));
    offers
}

/// The search identifiers of a text, each with the byte offset of its key.
pub(crate) fn selections(text: &str) -> Vec<(&str, usize)> {
    let mut found = Vec::new();
    let mut inside: Option<(usize, Option<usize>)> = None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_start_matches(' ');
        let indent = line.len() - content.len();
        let at = start + indent;
        start += line.len();
        if content.trim().is_empty() || content.starts_with('#') {
            continue;
        }
        if content.trim_end() == "detection:" || content.trim_end() == "filter:" {
            inside = Some((indent, None));
            continue;
        }
        let Some((outer, own)) = &mut inside else { continue };
        if indent <= *outer {
            inside = None;
            continue;
        }
        if *own.get_or_insert(indent) == indent
            && let Some((key, _)) = content.split_once(':')
            && !matches!(key, "condition" | "timeframe" | "rules")
        {
            found.push((key.trim_matches(['\'', '"']), at));
        }
    }
    found
}
