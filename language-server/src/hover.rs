//! What a word means.

use diagnostics::{Code, Finding};
use inspect::ProxyField;
use inspect::pack::Phase;
use knowledge::{NoteKind, Service};
use lsp_types::{Hover, HoverContents, MarkupContent, MarkupKind, Range};
use sigma::{AtProxy, MODIFIERS, field_at_proxy, technique_id};

use crate::place::{Language, Part, Place};
use crate::{Document, Project, logsource, techniques, vocabulary};

/// Explains what is at a byte offset of a file, and the findings there.
pub(crate) fn at(
    project: &Project,
    name: &str,
    document: &Document,
    offset: usize,
    findings: &[Finding],
) -> Option<Hover> {
    let mut parts = Vec::new();
    let mut range = None;
    if let Some(place) = Place::at(name, &document.text, offset)
        && let Some((text, at)) = word(project, &document.text, &place)
    {
        parts.push(text);
        range = Some(document.range_of(at));
    }
    let position = document.position(offset);
    let is_here = |range: Range| range.start <= position && position <= range.end;
    for finding in findings {
        let at = document.range(finding.diagnostic.place.span);
        if is_here(at) {
            parts.push(code(finding.diagnostic.code));
            range = range.or(Some(at));
        }
    }
    if parts.is_empty() {
        return None;
    }
    let value = parts.join("\n\n---\n\n");
    let contents = HoverContents::Markup(MarkupContent { kind: MarkupKind::Markdown, value });
    Some(Hover { contents, range })
}

type Explained = (String, std::ops::Range<usize>);

fn word(project: &Project, text: &str, place: &Place<'_>) -> Option<Explained> {
    let whole = |text: String| Some((text, place.range.clone()));
    match (place.language, place.part) {
        (Language::Sigma, Part::Key) if place.is_field() => {
            let (part, range) = place.part_of_word(|character| character != '|');
            let is_field = range.start == place.range.start;
            let shown = if is_field { field(text, part)? } else { modifier(part)? };
            Some((shown, range))
        }
        (Language::Sigma, Part::Key) => {
            let table = match *place.path.as_slice() {
                [] => vocabulary::RULE_KEYS,
                ["logsource"] => vocabulary::LOGSOURCE_KEYS,
                ["detection"] => vocabulary::DETECTION_KEYS,
                ["correlation"] => vocabulary::CORRELATION_KEYS,
                _ => return None,
            };
            whole(titled(place.word, vocabulary::meaning(table, place.word)?))
        }
        (Language::FrontMatter, Part::Key) => {
            let meaning = vocabulary::meaning(vocabulary::FRONT_MATTER_KEYS, place.word)?;
            place.path.is_empty().then_some(())?;
            whole(titled(place.word, meaning))
        }
        (_, Part::Value) => {
            let key = place.key()?;
            let mut names = key.split('|');
            let field = names.next().unwrap_or_default();
            if names.any(|modifier| modifier == "expand") {
                return whole(list(project, place.word.trim_matches('%'))?);
            }
            match field {
                "tags" | "tag" | "techniques" => whole(technique(project, place.word)?),
                "services" | "service" | "tidegate.service" => {
                    whole(service(find_service(project, place.word)?))
                }
                "condition" if place.path.first() == Some(&"detection") => {
                    let (part, range) = place.part_of_word(is_name);
                    let meaning = vocabulary::meaning(vocabulary::CONDITION_WORDS, part);
                    let shown = match meaning {
                        Some(meaning) => titled(part, meaning),
                        None => selection(text, part)?,
                    };
                    Some((shown, range))
                }
                "rule" => whole(rule(project, place.word)?),
                _ => None,
            }
        }
    }
}

/// Returns true for the characters of a search identifier or a pattern of them.
pub(crate) fn is_name(character: char) -> bool {
    character.is_alphanumeric() || "_-*.".contains(character)
}

/// Finds the service of a name, in any case.
pub(crate) fn find_service<'p>(project: &'p Project, name: &str) -> Option<&'p Service> {
    let mut services = project.facts().filter_map(|(_, facts)| facts.service.as_ref());
    services.find(|service| service.name.eq_ignore_ascii_case(name))
}

fn titled(word: &str, meaning: &str) -> String {
    format!("{}: {meaning}", quoted(word))
}

/// A text of a file as code of Markdown.
fn quoted(text: &str) -> String {
    format!("`{}`", text.replace('`', "'").replace(['\r', '\n'], " "))
}

fn field(text: &str, name: &str) -> Option<String> {
    let of_proxy = |field: ProxyField| {
        let known = match field.phase() {
            Phase::Request => "known with the request",
            Phase::Response => "known with the response",
        };
        format!("{}; {known}", vocabulary::field(field))
    };
    if let Some(field) = ProxyField::from_name(name) {
        return Some(titled(name, &of_proxy(field)));
    }
    // A field of other logs: what a proxy sees of it.
    let shown = match field_at_proxy(&logsource::of(text), name)? {
        AtProxy::Field(field) => format!("at a proxy this is {}", quoted(field)),
        AtProxy::Always(value) => format!("at a proxy this is always {}", quoted(value)),
    };
    Some(titled(name, &shown))
}

fn modifier(name: &str) -> Option<String> {
    let (_, meaning) = MODIFIERS.iter().find(|(known, _)| *known == name)?;
    Some(titled(name, meaning))
}

fn technique(project: &Project, tag: &str) -> Option<String> {
    let id = technique_id(tag)?;
    let name = techniques::name(&id).map_or_else(String::new, |name| format!(" {name}"));
    let page = id.replace('.', "/");
    let mut shown = format!("**{id}**{name}\n\n<https://attack.mitre.org/techniques/{page}/>");
    let n_rules = project
        .facts()
        .flat_map(|(_, facts)| &facts.rules)
        .filter(|rule| rule.tags.iter().any(|tag| technique_id(tag).as_ref() == Some(&id)))
        .count();
    shown.push_str(&match n_rules {
        1 => "\n\n1 rule of this project has the tag".to_owned(),
        n_rules => format!("\n\n{n_rules} rules of this project have the tag"),
    });
    for (file, facts) in project.facts() {
        if facts.technique.as_ref().is_some_and(|note| note.technique == id) {
            shown.push_str(&format!("\n\nnote: {}", quoted(file)));
        }
    }
    Some(shown)
}

fn service(service: &Service) -> String {
    let mut shown = format!("service {}", quoted(&service.name));
    if !service.category.is_empty() {
        shown.push_str(&format!(", category {}", quoted(&service.category)));
    }
    let hosts: Vec<_> = service.hosts.iter().map(|host| quoted(&host.text)).collect();
    shown.push_str(&format!("\n\nhosts: {}", hosts.join(", ")));
    for operation in &service.operations {
        let name = operation.operation.as_str();
        let means = operation.means.replace(['\r', '\n'], " ");
        shown.push_str(&format!("\n- {}: {means}", quoted(name)));
    }
    shown
}

fn list(project: &Project, name: &str) -> Option<String> {
    let mut lists = project.facts().filter_map(|(_, facts)| facts.list.as_ref());
    let list = lists.find(|list| list.name == name)?;
    let values: Vec<_> = list.values.iter().map(|value| quoted(value)).collect();
    Some(format!("list {}: {}", quoted(name), values.join(", ")))
}

fn rule(project: &Project, name: &str) -> Option<String> {
    let mut rules = project.facts().flat_map(|(_, facts)| &facts.rules);
    let is_named = |of: &Option<String>| of.as_deref() == Some(name);
    let rule = rules.find(|rule| is_named(&rule.id) || is_named(&rule.name))?;
    Some(format!("rule {}", quoted(&rule.title)))
}

/// The lines of a search identifier.
fn selection(text: &str, name: &str) -> Option<String> {
    let lines: Vec<_> = text.lines().collect();
    let indent = |line: &str| line.len() - line.trim_start().len();
    let is_start = |line: &&str| {
        line.trim_start().strip_prefix(name).is_some_and(|rest| rest.starts_with(':'))
    };
    let first = lines.iter().position(is_start)?;
    let start = lines.get(first)?;
    let inside = lines.iter().skip(first + 1);
    let inside = inside.take_while(|line| !line.trim().is_empty() && indent(line) > indent(start));
    let shown: Vec<_> =
        std::iter::once(start).chain(inside).map(|line| line.replace("```", "'''")).collect();
    Some(format!("```yaml\n{}\n```", shown.join("\n")))
}

/// What a code of a finding means.
fn code(code: &Code) -> String {
    let lines: Vec<_> = code.explanation.lines().map(str::trim).collect();
    format!("**{}** {}\n\n{}", code.id, code.title, lines.join("\n"))
}

/// The kind that the front matter of a note gives.
pub(crate) fn kind_of(text: &str) -> Option<NoteKind> {
    let mut lines = text.lines();
    lines.next().filter(|first| first.trim_end() == "---")?;
    let mut matter = lines.take_while(|line| line.trim_end() != "---");
    let kind = matter.find_map(|line| line.strip_prefix("kind:"))?.trim();
    NoteKind::ALL.into_iter().find(|known| known.as_str() == kind)
}
