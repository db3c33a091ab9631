//! The part of Turtle in which ontologies of classes and restrictions are written.

use std::collections::BTreeMap;

/// A class: its texts, its named superclasses, and what it has to do with which class.
#[derive(Clone, Debug, Default)]
pub(super) struct Class {
    /// Values of text properties by name: `rdfs:label`, `:d3fend-id`.
    pub(super) texts: BTreeMap<String, String>,
    /// Named superclasses.
    pub(super) parents: Vec<String>,
    /// Property and class of each restriction, and of each statement about another name.
    pub(super) relations: Vec<(String, String)>,
    /// Whether it is marked as deprecated.
    pub(super) deprecated: bool,
}

#[derive(Debug, PartialEq)]
enum Word {
    Name(String),
    Text(String),
    Sign(char),
}

/// Reads all subjects. What is written in other parts of the language is passed over.
pub(super) fn read(text: &str) -> BTreeMap<String, Class> {
    let words = words(text);
    let mut classes: BTreeMap<String, Class> = BTreeMap::new();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        at += 1;
        let Word::Name(subject) = word else { continue };
        let mut class = Class::default();
        let mut predicate = String::new();
        // A restriction in brackets: its property and its class.
        let (mut depth, mut on, mut inner) = (0_usize, String::new(), String::new());
        while let Some(word) = words.get(at) {
            at += 1;
            match word {
                Word::Sign('.') if depth == 0 => break,
                Word::Sign(';') if depth == 0 => predicate.clear(),
                Word::Sign('[') => {
                    depth += 1;
                    on.clear();
                    inner.clear();
                }
                Word::Sign(']') => depth = depth.saturating_sub(1),
                Word::Sign(';') => inner.clear(),
                Word::Sign(_) => {}
                Word::Name(name) | Word::Text(name) if depth == 0 && predicate.is_empty() => {
                    predicate.clone_from(name);
                }
                Word::Name(name) if depth == 0 && predicate == "rdfs:subClassOf" => {
                    class.parents.push(name.clone());
                }
                Word::Name(name) if depth == 0 && predicate == "owl:deprecated" => {
                    class.deprecated = name == "true";
                }
                Word::Name(name) if depth == 0 => {
                    class.relations.push((predicate.clone(), name.clone()));
                }
                Word::Text(value) if depth == 0 => {
                    class.texts.entry(predicate.clone()).or_insert_with(|| value.clone());
                }
                Word::Name(name) if inner.is_empty() => inner.clone_from(name),
                Word::Name(name) if inner == "owl:onProperty" => on.clone_from(name),
                Word::Name(name) if inner == "owl:someValuesFrom" && depth == 1 => {
                    class.relations.push((on.clone(), name.clone()));
                }
                Word::Name(_) | Word::Text(_) => {}
            }
        }
        classes.insert(subject.clone(), class);
    }
    classes
}

fn words(text: &str) -> Vec<Word> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let first = rest.chars().next().unwrap_or_default();
        if first.is_whitespace() {
            at += first.len_utf8();
        } else if first == '#' {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if let Some(long) = rest.strip_prefix("\"\"\"") {
            let end = long.find("\"\"\"").unwrap_or(long.len());
            found.push(Word::Text(long.get(..end).unwrap_or_default().to_owned()));
            at += end + 6;
        } else if first == '"' {
            let (length, value) = string(rest);
            found.push(Word::Text(value));
            at += length;
        } else if first == '<' {
            let end = rest.find('>').map_or(rest.len(), |end| end + 1);
            found.push(Word::Name(rest.get(..end).unwrap_or_default().to_owned()));
            at += end;
        } else if matches!(first, ';' | ',' | '[' | ']' | '(' | ')') {
            found.push(Word::Sign(first));
            at += 1;
        } else {
            let end = rest
                .find(|c: char| c.is_whitespace() || matches!(c, ';' | ',' | '[' | ']' | '(' | ')'))
                .unwrap_or(rest.len());
            let word = rest.get(..end).unwrap_or_default();
            // A full stop ends a statement; inside of a name it belongs to the name.
            match word.strip_suffix('.') {
                Some("") => found.push(Word::Sign('.')),
                Some(name) => found.extend([Word::Name(name.to_owned()), Word::Sign('.')]),
                // Language tags and types of literals are left aside.
                None if word.starts_with(['@', '^']) && word != "@prefix" => {}
                None => found.push(Word::Name(word.to_owned())),
            }
            at += end;
        }
    }
    found
}

/// A text in quotes: its length with them, and what it says.
fn string(rest: &str) -> (usize, String) {
    let mut value = String::new();
    let mut characters = rest.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (at + 1, value),
            '\\' => match characters.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, 't')) => value.push('\t'),
                Some((_, other)) => value.push(other),
                None => {}
            },
            other => value.push(other),
        }
    }
    (rest.len(), value)
}
