//! Rules as plain Sigma, for other engines: lists, services, categories, operations and clients written out.
//!
//! What is written is what [`inspect::ServiceMatch`] does, on the request as it came: the longest name of a
//! host decides, a template before a host, all operations that fit. What only this engine knows cannot be
//! written: what a policy knows of a use, and what was odd about a spelling.

mod claims;
mod plain;

use inspect::ProxyField;
use inspect::pack::Operation;
use sigma::{Condition, Item, Linking, Rule, Search, Token, ValueTest};

use crate::library::{Library, LibraryRule};
use crate::note::Service;
use claims::{Claims, operation};
use plain::{Map, Plain, Text, Writer};

/// A rule in plain Sigma.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainRule {
    /// The title of the rule.
    pub title: String,
    /// Its text, one YAML document; or why it cannot be written out.
    pub text: Result<String, String>,
}

/// Writes every rule of a library in plain Sigma, in its order.
pub fn convert(library: &Library) -> Vec<PlainRule> {
    let claims = Claims::new(&library.services);
    let converted = library.rules.iter().map(|entry| {
        let title = entry.rule.metadata.title.clone();
        PlainRule { title, text: rule(library, &claims, entry) }
    });
    converted.collect()
}

fn rule(library: &Library, claims: &Claims<'_>, entry: &LibraryRule) -> Result<String, String> {
    let rule = &entry.rule;
    let note = entry.note_idx.and_then(|idx| library.notes.get(idx));
    let text = match note.and_then(|note| note.rule.as_ref()) {
        Some(block) => block.text.as_str(),
        None => library.sources.get(&rule.file).map_or("", String::as_str),
    };
    if text.lines().any(|line| line == "---" || line.starts_with("action:")) {
        return Err("its file has several documents".to_owned());
    }
    let converter = Converter { library, claims };
    let mut writer = Writer::default();
    let condition = converter.condition(rule, &rule.condition, &mut writer)?;
    let detection = writer.finish(&condition);
    replace(text, &detection).ok_or_else(|| "its `detection` is in flow style: write `detection:` and its keys on lines of their own".to_owned())
}

/// Replaces the block `detection` of a rule's text.
fn replace(text: &str, detection: &str) -> Option<String> {
    let mut out = String::new();
    let mut is_inside = false;
    let mut n_found = 0;
    for line in text.lines() {
        let starts_key = line.starts_with(|char: char| char.is_ascii_alphabetic() || char == '"');
        if starts_key {
            is_inside = line.trim_end() == "detection:";
            n_found += usize::from(is_inside);
            if is_inside {
                out.push_str(detection);
            }
        }
        if !is_inside {
            out.push_str(line);
            out.push('\n');
        }
    }
    (n_found == 1).then_some(out)
}

struct Converter<'l> {
    library: &'l Library,
    claims: &'l Claims<'l>,
}

impl Converter<'_> {
    fn condition(
        &self,
        rule: &Rule,
        condition: &Condition,
        writer: &mut Writer,
    ) -> Result<String, String> {
        let join = |parts: &[Condition], word: &str, writer: &mut Writer| {
            let parts: Result<Vec<_>, _> =
                parts.iter().map(|part| self.condition(rule, part, writer)).collect();
            Ok(format!("({})", parts?.join(word)))
        };
        match condition {
            Condition::Selection(idx) => {
                let selection = rule.selections.get(*idx).ok_or("a selection is missing")?;
                let plain = self.search(&selection.search)?;
                writer.selection(&selection.name, plain)
            }
            Condition::All(parts) => join(parts, " and ", writer),
            Condition::Any(parts) => join(parts, " or ", writer),
            Condition::Not(part) => Ok(format!("not {}", self.condition(rule, part, writer)?)),
        }
    }

    fn search(&self, search: &Search) -> Result<Plain, String> {
        match search {
            Search::Any(parts) => {
                let parts: Result<Vec<_>, _> = parts.iter().map(|part| self.search(part)).collect();
                Ok(Plain::Any(parts?))
            }
            Search::Item(item) => self.items(&[item]),
            Search::All(parts) => {
                let items: Option<Vec<&Item>> = parts
                    .iter()
                    .map(|part| match part {
                        Search::Item(item) => Some(item),
                        Search::All(_) | Search::Any(_) => None,
                    })
                    .collect();
                match items {
                    Some(items) => self.items(&items),
                    None => {
                        let parts: Result<Vec<_>, _> =
                            parts.iter().map(|part| self.search(part)).collect();
                        Ok(Plain::All(parts?))
                    }
                }
            }
        }
    }

    /// Items that all have to hold.
    fn items(&self, items: &[&Item]) -> Result<Plain, String> {
        let mut map = Map::default();
        let mut of_service: Vec<(ProxyField, &Item)> = Vec::new();
        for item in items {
            match item.field.as_deref().and_then(ProxyField::from_name) {
                Some(ProxyField::Anomaly) => {
                    return Err("no other engine has `tidegate.anomaly`".to_owned());
                }
                Some(ProxyField::Secret) => {
                    return Err("no other engine has `tidegate.secret`".to_owned());
                }
                Some(ProxyField::Usage) => {
                    return Err("only a policy has `tidegate.usage`".to_owned());
                }
                Some(ProxyField::Unlisted) => {
                    return Err("only a policy has `tidegate.unlisted`".to_owned());
                }
                Some(ProxyField::Behaviour(field)) => {
                    return Err(format!("no other engine keeps `{}`", field.as_str()));
                }
                Some(field) if field.is_of_service() => of_service.push((field, item)),
                _ => {
                    let (label, values) = self.item(item)?;
                    map.push(label, values);
                }
            }
        }
        let mut parts = Vec::new();
        if !map.is_empty() {
            parts.push(Plain::Map(map));
        }
        if !of_service.is_empty() {
            parts.push(self.service(&of_service)?);
        }
        match parts.len() {
            1 => Ok(parts.remove(0)),
            _ => Ok(Plain::All(parts)),
        }
    }

    /// An item without `expand`.
    fn item(&self, item: &Item) -> Result<(String, Vec<Text>), String> {
        let Some(_) = &item.field else {
            if item.linking == Linking::All {
                return Err("its keywords are linked by `all`".to_owned());
            }
            let values = item.values.iter().map(|value| Text::Quoted(value.text.clone()));
            return Ok((String::new(), values.collect()));
        };
        let (field, modifiers) = item.label.split_once('|').unwrap_or((&item.label, ""));
        let modifiers: Vec<&str> = modifiers.split('|').filter(|name| !name.is_empty()).collect();
        let expands = modifiers.contains(&"expand");
        if expands && item.linking == Linking::All {
            return Err("it links the values of a list by `all`".to_owned());
        }
        let kept = modifiers.iter().filter(|name| **name != "expand");
        let label = std::iter::once(&field).chain(kept).copied().collect::<Vec<_>>().join("|");
        let mut values = Vec::new();
        for value in &item.values {
            let is_quoted = match value.test {
                ValueTest::Text { .. }
                | ValueTest::Regex(_)
                | ValueTest::Network(_)
                | ValueTest::Field { .. } => true,
                ValueTest::Null
                | ValueTest::Exists(_)
                | ValueTest::Number(..)
                | ValueTest::Time(..) => false,
            };
            match value.test {
                ValueTest::Null => values.push(Text::Plain("null".to_owned())),
                _ if expands => {
                    let texts = self.expanded(&value.text)?;
                    values.extend(texts.into_iter().map(Text::Quoted));
                }
                _ if is_quoted => values.push(Text::Quoted(value.text.clone())),
                _ => values.push(Text::Plain(value.text.clone())),
            }
        }
        Ok((label, values))
    }

    /// A value with each `%name%` replaced by each value of its list.
    fn expanded(&self, text: &str) -> Result<Vec<String>, String> {
        let mut texts = vec![String::new()];
        let mut pieces = text.split('%');
        let push = |texts: &mut Vec<String>, more: &[String]| {
            *texts = texts
                .iter()
                .flat_map(|text| more.iter().map(move |more| format!("{text}{more}")))
                .collect();
        };
        push(&mut texts, &[pieces.next().unwrap_or_default().to_owned()]);
        while let Some(name) = pieces.next() {
            let Some(behind) = pieces.next() else {
                push(&mut texts, &[format!("%{name}")]);
                break;
            };
            let values = self.library.placeholders.get(name);
            push(&mut texts, values.ok_or_else(|| format!("there are no values for `%{name}%`"))?);
            push(&mut texts, &[behind.to_owned()]);
        }
        Ok(texts)
    }

    /// What items over services ask, written out.
    fn service(&self, items: &[(ProxyField, &Item)]) -> Result<Plain, String> {
        if items.iter().any(|(_, item)| item.negated) {
            return Err("it uses `neq` on a field of services".to_owned());
        }
        let asked = |wanted: ProxyField| {
            let of_field = items.iter().filter(move |(field, _)| *field == wanted);
            of_field.map(|(_, item)| *item).collect::<Vec<_>>()
        };
        let services = asked(ProxyField::Service);
        let categories = asked(ProxyField::Category);
        let operations = asked(ProxyField::Operation);
        let clients = asked(ProxyField::Client);
        for item in services.iter().chain(&categories).chain(&operations).chain(&clients) {
            holds(item, "")?;
        }
        let all = |items: &[&Item], text: &str| {
            items.iter().all(|item| holds(item, text).unwrap_or_default())
        };
        let is_meant = |service: &Service| {
            all(&services, &service.name)
                && (categories.is_empty()
                    || !service.category.is_empty() && all(&categories, &service.category))
                && (clients.is_empty() || all(&clients, inspect::OWN_CLIENT))
        };
        let candidates: Vec<usize> = (0..)
            .zip(&self.library.services)
            .filter(|(_, service)| is_meant(service))
            .map(|(idx, _)| idx)
            .collect();
        if operations.is_empty() && clients.is_empty() {
            return Ok(self.claims.of(&candidates));
        }
        let mut parts = Vec::new();
        for idx in candidates {
            let Some(service) = self.library.services.get(idx) else { continue };
            let mut of_service = vec![self.claims.of(&[idx])];
            // Each item asks for an operation of its own; one with several values is content with any.
            for item in &operations {
                let named = |name: Operation| holds(item, name.as_str()).unwrap_or_default();
                let own = service.operations.iter().filter(|of| named(of.operation));
                of_service.push(Plain::Any(own.map(operation).collect()));
            }
            if !clients.is_empty() {
                let starts: Vec<_> =
                    service.clients.iter().map(|start| Text::literal(start)).collect();
                // No client is a service's own that names none.
                of_service.push(match starts.as_slice() {
                    [] => Plain::Any(Vec::new()),
                    [..] => Plain::one("c-useragent|startswith", starts),
                });
            }
            parts.push(Plain::All(of_service));
        }
        Ok(Plain::Any(parts))
    }
}

/// Whether an item holds on a text of ours. An error where that is not asked by texts.
fn holds(item: &Item, text: &str) -> Result<bool, String> {
    let text = text.to_ascii_lowercase();
    let mut found = Vec::new();
    for value in &item.values {
        let ValueTest::Text { variants, cased: false } = &value.test else {
            return Err(format!("it uses `{}`", item.label));
        };
        found.push(variants.iter().any(|tokens| glob(tokens, text.as_bytes())));
    }
    Ok(match item.linking {
        Linking::Any => found.contains(&true),
        Linking::All => !found.contains(&false),
    })
}

fn glob(tokens: &[Token], text: &[u8]) -> bool {
    match tokens {
        [] => text.is_empty(),
        [Token::Literal(literal), rest @ ..] => {
            let start = text.get(..literal.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(literal))
                && glob(rest, text.get(literal.len()..).unwrap_or_default())
        }
        [Token::One | Token::Dash, rest @ ..] => {
            !text.is_empty() && glob(rest, text.get(1..).unwrap_or_default())
        }
        [Token::Many, rest @ ..] => {
            (0..=text.len()).any(|at| glob(rest, text.get(at..).unwrap_or_default()))
        }
    }
}
