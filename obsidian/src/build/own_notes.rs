//! What people's own notes say: their properties on the page of their technique or on a page of their own,
//! and their Markdown with every word.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::guide;
use crate::markdown;
use crate::page::Page;
use crate::property::{Property, tag};
use crate::prose::{address, block, inline, with_links};
use crate::tags;
use catalogue::dialect::section::Section;
use catalogue::dialect::{Dialect, Document, TechniqueNote, Value, texts};

use super::other_keys::listed;
use super::technique::{RULES_QUERY, TESTS_QUERY};
use super::{Builder, link_text, technique_tags};

/// Sections of a technique note that have a place on its page where ATT&CK says nothing of the kind.
const PLACED: [&str; 4] = ["Description", "Detection", "Defenses Bypassed", "Data Sources"];

/// Longest text that becomes a property; longer ones are below the page's other blocks.
const MAX_PROPERTY_CHARS: usize = 1_000;

/// Returns true if a person wrote the note, and no generator of pages.
pub(super) fn is_own(note: &TechniqueNote) -> bool {
    matches!(note.dialect, Dialect::FrontMatter | Dialect::Heading)
}

/// The name that Obsidian shows for a note: its file's, without folder and extension. `None` for one that is
/// named for what it is to its folder.
pub(super) fn file_name(file: &str) -> Option<String> {
    let name = file.rsplit('/').next().unwrap_or(file);
    let name = name.strip_suffix(".markdown").or_else(|| name.strip_suffix(".md")).unwrap_or(name);
    let is_of_folder = ["readme", "index", "_index"].iter().any(|of| name.eq_ignore_ascii_case(of));
    (!is_of_folder && !name.is_empty()).then(|| name.to_owned())
}

/// The id of a document's page.
pub(super) fn document_id(document: &Document) -> String {
    format!("document/{}", document.file)
}

/// A section of a note by its title, as Markdown; `None` where it is missing or empty.
pub(super) fn section(builder: &Builder<'_>, note: &TechniqueNote, title: &str) -> Option<String> {
    let section = note.sections.iter().find(|section| section.title == title)?;
    let text = personal(builder, &with_footnotes(note, &section.text), 4);
    Some(text).filter(|text| !text.is_empty())
}

/// A text with the footnotes that it refers to, which may be anywhere in its note.
fn with_footnotes(note: &TechniqueNote, text: &str) -> String {
    let lines = note.sections.iter().flat_map(|section| section.text.lines());
    let mut whole = text.to_owned();
    for line in lines.filter(|line| line.starts_with("[^")) {
        let label = line.split_once("]:").map(|(label, _)| format!("{label}]"));
        if label.is_some_and(|label| text.contains(&label)) && !text.contains(line) {
            let _ = write!(whole, "\n\n{line}\n");
        }
    }
    whole
}

/// A person's Markdown, with links to pages of the vault.
fn personal(builder: &Builder<'_>, text: &str, level: usize) -> String {
    markdown::personal(text, level, &|target| builder.resolve(target))
}

/// Pages of documents.
pub(super) fn pages(builder: &Builder<'_>) -> Vec<Page> {
    builder.documents.iter().map(|document| document_page(builder, document)).collect()
}

fn document_page(builder: &Builder<'_>, document: &Document) -> Page {
    let id = document_id(document);
    let mut page = Page::new(id.clone(), builder.path(&id));
    page.set("title", Property::Text(document.title.clone()));
    let mut aliases = texts(&document.properties, "aliases");
    let name = file_name(&document.file).filter(|name| *name != document.title);
    aliases.extend(name.filter(|name| !aliases.contains(name)));
    if !aliases.is_empty() {
        page.set("aliases", Property::List(aliases));
    }
    page.set("kind", Property::Text(document.kind.as_str().into()));
    page.set("source", Property::Text(document.file.clone()));
    let mut tags = vec!["note".to_owned()];
    let named = document.properties.iter().filter(|(key, _)| key == "tags" || key == "tag");
    let named: Vec<String> = named.flat_map(|(_, value)| value.texts()).collect();
    let named = named.iter().flat_map(|text| tags_of(text));
    let of_techniques = document.techniques.iter().flat_map(|id| technique_tags(id));
    for tag in of_techniques.chain(named.filter(|tag| !tag.is_empty())) {
        if !tags.iter().any(|known| known.eq_ignore_ascii_case(&tag)) {
            tags.push(tag);
        }
    }
    page.set("tags", Property::Tags(tags));
    let links = document
        .techniques
        .iter()
        .map(|id| builder.property_link(&format!("technique/{id}"), id))
        .collect();
    page.set("techniques", Property::Links(links));
    let links: Vec<String> =
        document.techniques.iter().map(|id| builder.link(&format!("technique/{id}"), id)).collect();
    let techniques = if links.is_empty() {
        String::new()
    } else {
        format!("\n\nTechniques: {}", links.join(", "))
    };
    let title = format!("# {}{techniques}", inline(&document.title));
    page.block("title", title);
    page.block("text", personal(builder, &document.body, 2));
    let remarks: String = document
        .remarks
        .iter()
        .map(|(line, remark)| format!("- Line {line}: {}\n", inline(remark)))
        .collect();
    if !remarks.is_empty() {
        page.block("remarks", format!("### What is odd in it\n\n{remarks}"));
    }
    page
}

/// The tags that a value lists: words, or a link, which is one.
pub(super) fn tags_of(text: &str) -> Vec<String> {
    let link = text.trim().strip_prefix("[[").and_then(|it| it.strip_suffix("]]"));
    if let Some(link) = link {
        let shown = link.rsplit('|').next().unwrap_or(link);
        let words: Vec<&str> = shown.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
        return vec![tag_of(&words.join("-"))];
    }
    text.split([',', ' ', '\t']).map(tag_of).collect()
}

/// A word as a tag; empty where it is none.
fn tag_of(word: &str) -> String {
    let word = word.trim_start_matches('#');
    let is_word = word.chars().any(char::is_alphanumeric);
    if is_word { tag(word) } else { String::new() }
}

/// Adds what notes say to their pages: properties where the vault's types allow, all else as Markdown.
/// `types` are those of the pages' own properties; those of the notes are added.
pub(super) fn add(
    builder: &Builder<'_>,
    pages: &mut [Page],
    types: &mut BTreeMap<String, &'static str>,
) {
    let notes = &builder.sources.technique_notes;
    let of_rules = || builder.rules.iter().map(|rule| &rule.properties);
    let all = notes.iter().map(|note| &note.properties);
    let all = all.chain(builder.documents.iter().map(|document| &document.properties));
    for (key, value) in all.chain(of_rules()).flatten() {
        let Some(kind) = kind(value).filter(|_| is_key(key)) else { continue };
        match types.get(key.as_str()) {
            Some(known) if *known != kind && !builder.own_keys.contains(key) => {
                // Of two types the wider one is taken: a list holds any text, and text any value.
                let both = [*known, kind];
                let wider = if both.contains(&"multitext") { "multitext" } else { "text" };
                types.insert(key.clone(), wider);
            }
            Some(_) => {}
            None => {
                types.insert(key.clone(), kind);
            }
        }
    }
    let by_id: BTreeMap<String, usize> =
        pages.iter().enumerate().map(|(idx, page)| (page.id.clone(), idx)).collect();
    let page_of = |id: &str| by_id.get(id).copied();
    for (number, note) in notes.iter().enumerate() {
        let before = notes.iter().take(number).filter(|other| other.technique == note.technique);
        let number = before.count();
        let Some(page) =
            page_of(&format!("technique/{}", note.technique)).and_then(|idx| pages.get_mut(idx))
        else {
            continue;
        };
        let left = place(builder, page, &note.properties, types);
        let text = carried(builder, note, number == 0, &left);
        let at = page.blocks.iter().position(|(name, _)| name == "licence");
        let at = at.unwrap_or(page.blocks.len());
        page.block(&format!("note{number}"), text);
        // The licence stays at the end.
        if let Some(block) = page.blocks.pop() {
            page.blocks.insert(at.min(page.blocks.len()), block);
        }
    }
    for document in &builder.documents {
        let idx = page_of(&document_id(document));
        if let Some(page) = idx.and_then(|idx| pages.get_mut(idx)) {
            let left = place(builder, page, &document.properties, types);
            page.block("properties", listed("## Properties", left));
        }
    }
    let rules = builder.rules.iter().zip(&builder.rule_ids);
    for (rule, id) in rules.filter(|(rule, _)| !rule.properties.is_empty()) {
        if let Some(page) = page_of(id).and_then(|idx| pages.get_mut(idx)) {
            let left = place(builder, page, &rule.properties, types);
            page.block("properties", listed("### Properties", left));
        }
    }
}

/// Adds the tags in people's words to the properties of the pages that have the words.
pub(super) fn add_tags(pages: &mut [Page]) {
    let kinds = ["technique/", "document/", "rule/notes/"];
    let is_of_people = |page: &&mut Page| {
        let id = page.id.to_lowercase();
        kinds.iter().any(|kind| id.starts_with(kind))
    };
    for page in pages.iter_mut().filter(is_of_people) {
        let found: Vec<String> =
            page.blocks.iter().flat_map(|(_, text)| tags::in_text(text)).collect();
        let property = page.properties.iter_mut().find(|(key, _)| key == "tags");
        let Some((_, Property::Tags(known))) = property else { continue };
        for tag in found {
            if !known.iter().any(|known| known.eq_ignore_ascii_case(&tag)) {
                known.push(tag);
            }
        }
    }
}

/// The type of a value among Obsidian's; `None` for what no property holds.
fn kind(value: &Value) -> Option<&'static str> {
    match value {
        _ if value.is_nested() => None,
        Value::Empty | Value::Map(_) => None,
        Value::Text(_) => Some("text"),
        Value::Number(_) => Some("number"),
        Value::Flag(_) => Some("checkbox"),
        Value::Date(_) => Some("date"),
        Value::List(_) => Some("multitext"),
    }
}

/// Returns true if a key can be one of a page: Dataview and YAML take it as it is.
fn is_key(key: &str) -> bool {
    let is_legal = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ');
    let reserved = [
        "file", "position", "tag", "alias", "cssclass", "true", "false", "null", "yes", "no", "on",
        "off", "y", "n",
    ];
    key.chars().all(is_legal)
        && key.starts_with(char::is_alphabetic)
        && !key.ends_with(' ')
        && !reserved.contains(&key.to_lowercase().as_str())
}

/// Sets what can be properties of a page, and returns the rest.
fn place<'v>(
    builder: &Builder<'_>,
    page: &mut Page,
    properties: &'v [(String, Value)],
    types: &BTreeMap<String, &'static str>,
) -> Vec<(&'v str, &'v Value)> {
    let mut left = Vec::new();
    for (key, value) in properties {
        let is_tag = matches!(key.as_str(), "tags" | "tag");
        let known = page.properties.iter().find(|(name, _)| name == key).map(|(_, known)| known);
        let says_so = |known: &Property| {
            let known = known.texts();
            value.texts().iter().all(|text| {
                let said = if is_tag { tags_of(text) } else { vec![text.clone()] };
                let is_known = |text: &String| known.iter().any(|it| it.eq_ignore_ascii_case(text));
                said.iter().filter(|text| !(is_tag && text.is_empty())).all(is_known)
            })
        };
        let is_said = known.is_some_and(says_so);
        let is_short = value.texts().iter().all(|text| text.chars().count() <= MAX_PROPERTY_CHARS);
        let wanted = types.get(key.as_str()).copied().filter(|_| known.is_none() && is_key(key));
        let typed = wanted.filter(|_| is_short).and_then(|kind| property(builder, value, kind));
        match typed {
            _ if is_said && *value != Value::Empty => {}
            Some(property) => page.set(key, property),
            None => left.push((key.as_str(), value)),
        }
    }
    left
}

/// A value as a property of a type; `None` where it is not of that type.
fn property(builder: &Builder<'_>, value: &Value, kind: &str) -> Option<Property> {
    let texts = value.texts();
    match (kind, value) {
        _ if value.is_nested() || *value == Value::Empty => None,
        ("number", Value::Number(text)) => Some(Property::Number(text.clone())),
        ("checkbox", Value::Flag(truth)) => Some(Property::Flag(*truth)),
        ("date", Value::Date(text)) => Some(Property::Date(text.clone())),
        ("text", Value::List(_)) => None,
        ("text", _) => Some(Property::Link(linked(builder, texts.first()?))),
        ("multitext", _) => {
            Some(Property::Links(texts.iter().map(|text| linked(builder, text)).collect()))
        }
        _ => None,
    }
}

/// A text whose links lead to pages of the vault, or are text.
fn linked(builder: &Builder<'_>, text: &str) -> String {
    let mut written = String::new();
    let mut rest = text;
    while let Some((before, link)) = rest.split_once("[[") {
        written.push_str(before);
        let Some((inner, behind)) = link.split_once("]]") else {
            written.push_str("[ [");
            rest = link;
            continue;
        };
        let (target, shown) = inner.split_once('|').unwrap_or((inner, inner));
        match builder.resolve(target) {
            Some(path) => {
                let _ = write!(written, "[[{path}|{}]]", link_text(shown));
            }
            None if target == shown => written.push_str(&link_text(shown)),
            None => {
                let _ = write!(written, "{} ({})", link_text(shown), link_text(target));
            }
        }
        rest = behind;
    }
    written.push_str(rest);
    written
}

/// What a note says that has no place of its own on the page.
fn carried(
    builder: &Builder<'_>,
    note: &TechniqueNote,
    is_first: bool,
    left: &[(&str, &Value)],
) -> String {
    let mut text = format!("### From {}\n\n", inline(note.dialect.as_str()));
    for mismatch in &note.mismatches {
        let _ = writeln!(
            text,
            "- Line {}: {} declared, {} listed ({})",
            mismatch.line,
            mismatch.declared,
            mismatch.listed,
            inline(&mismatch.of)
        );
    }
    for (line, remark) in &note.remarks {
        let _ = writeln!(text, "- Line {line}: {}", inline(remark));
    }
    if !note.mismatches.is_empty() || !note.remarks.is_empty() {
        text.push('\n');
    }
    let properties = listed("#### Properties", left.iter().copied());
    if !properties.is_empty() {
        let _ = writeln!(text, "{properties}");
    }
    if is_own(note) {
        let mut body = String::new();
        for section in note.sections.iter().filter(|it| !is_placed(builder, note, it, is_first)) {
            let words = without_queries(&section.text, &note.technique);
            let is_of_queries = words.trim().is_empty() && !section.text.trim().is_empty();
            if section.level > 0 && !is_of_queries {
                let _ = writeln!(body, "{} {}\n", "#".repeat(section.level), section.heading);
            }
            body.push_str(&words);
            body.push('\n');
        }
        let name = builder.technique_name(&note.technique);
        let is_headed = note.name != name && !note.name.is_empty() && !body.contains(&note.name);
        if is_headed {
            let _ = writeln!(text, "#### {}\n", inline(&note.name));
        }
        text.push_str(&personal(builder, &body, if is_headed { 5 } else { 4 }));
        return text;
    }
    for section in &note.sections {
        if section.level > 0 {
            let counted = section.declared.filter(|_| note.dialect == Dialect::CataloguePage);
            let title = match counted {
                Some((declared, _)) => {
                    format!("{} {}", section.title, guide::counted(declared, "rule"))
                }
                None => section.title.clone(),
            };
            let title = inline(&title);
            let title = section
                .url
                .as_deref()
                .and_then(address)
                .map_or(title.clone(), |url| format!("[{title}]({url})"));
            let _ = writeln!(text, "#### {title}\n");
        }
        let body = section.text.trim_matches('\n');
        if !body.trim().is_empty() {
            let _ = writeln!(text, "{}\n", verbatim(body));
        }
    }
    text
}

/// Returns true if a section is above on the page, in the place of what ATT&CK would say.
fn is_placed(
    builder: &Builder<'_>,
    note: &TechniqueNote,
    section: &Section,
    is_first: bool,
) -> bool {
    let technique = builder.sources.attack.techniques.get(&note.technique);
    let technique = technique.filter(|technique| technique.retired.is_none());
    let is_free = match section.title.as_str() {
        "Description" => technique.is_none(),
        "Detection" => true,
        "Defenses Bypassed" => technique.is_none_or(|it| it.defenses_bypassed.is_empty()),
        "Data Sources" => technique.is_none_or(|it| it.data_sources.is_empty()),
        _ => false,
    };
    let has_words = !section.text.trim().is_empty();
    let first = note.sections.iter().find(|other| other.title == section.title);
    let is_only = first.is_some_and(|other| other.line == section.line);
    is_free && is_first && is_only && has_words && PLACED.contains(&section.title.as_str())
}

/// A text without the queries that the page has itself.
fn without_queries(text: &str, technique: &str) -> String {
    let ours = [RULES_QUERY, TESTS_QUERY].map(|query| query.replace("{}", &tag(technique)));
    let words = |text: &str| text.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>();
    let mut kept = String::new();
    let mut fence: Option<(String, String)> = None;
    for line in text.split_inclusive('\n') {
        match &mut fence {
            None if line.trim() == "```dataview" => fence = Some((line.to_owned(), String::new())),
            None => kept.push_str(line),
            Some((whole, query)) => {
                whole.push_str(line);
                if line.trim() == "```" {
                    if !ours.iter().any(|ours| words(ours) == words(query)) {
                        kept.push_str(whole);
                    }
                    fence = None;
                } else {
                    query.push_str(line);
                }
            }
        }
    }
    if let Some((whole, _)) = fence {
        kept.push_str(&whole);
    }
    kept
}

/// A note's Markdown: links stay links, `<blockquote>` becomes a quote, everything else is inert.
fn verbatim(text: &str) -> String {
    if text.contains("```") {
        return block(text, "markdown");
    }
    let mut lines = Vec::new();
    let mut quote = false;
    for line in text.lines() {
        let opened = line.contains("<blockquote>");
        quote |= opened;
        let closes = line.contains("</blockquote>");
        let plain = line
            .replace("<blockquote>", "")
            .replace("</blockquote>", "")
            .replace("<code>", "")
            .replace("</code>", "");
        let indent: String = plain.chars().take_while(|c| *c == ' ').take(4).collect();
        let (bullet, rest) = match plain
            .trim_start()
            .strip_prefix("* ")
            .or_else(|| plain.trim_start().strip_prefix("- "))
        {
            Some(rest) => (format!("{indent}- "), rest.trim_start_matches("* ")),
            None => (String::new(), plain.trim()),
        };
        let table = rest.starts_with('|');
        let shown = if table {
            rest.split('|').map(inline).collect::<Vec<_>>().join(" | ").trim().to_owned()
        } else {
            with_links(&rest.replace("**", ""))
        };
        let shown = if bullet.is_empty() && shown.starts_with(['-', '+']) {
            format!("\u{200a}{shown}")
        } else {
            shown
        };
        let line = format!("{bullet}{shown}");
        lines.push(if quote {
            format!("> {line}").trim_end().to_owned()
        } else {
            line.trim_end().to_owned()
        });
        quote &= !closes;
    }
    lines.join("\n")
}
