//! A new page over the one on disk: what a person wrote stays.
//!
//! A page carries what was last written in its last line: its id, its blocks, a hash of each key. So a
//! person's edit is distinguished from an old text of ours, a renamed page is found again, and nothing has to be
//! kept beside the pages.

use diagnostics::front_matter;

use super::page::{Page, digest};

const BEGIN: &str = "<!-- tidegate:begin ";
const END: &str = "<!-- tidegate:end ";
const PAGE: &str = "<!-- tidegate:page ";

/// What merging gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// The page's text.
    pub text: String,
    /// Where a person and a source changed the same thing: both are kept.
    pub conflicts: Vec<String>,
}

/// What the last line of a page says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trailer {
    /// The page's id.
    pub id: String,
    /// The blocks that were written.
    pub blocks: Vec<String>,
    /// Key and hash of what was written.
    pub keys: Vec<(String, String)>,
}

/// Reads the last line that a page carries about itself.
pub fn trailer(text: &str) -> Option<Trailer> {
    let line = text.lines().rev().find_map(|line| line.trim().strip_prefix(PAGE))?;
    let mut words = line.strip_suffix("-->")?.split_whitespace();
    let mut trailer = Trailer { id: decoded(words.next()?), ..Trailer::default() };
    for word in words {
        if let Some(list) = word.strip_prefix("blocks=") {
            trailer.blocks =
                list.split(',').filter(|name| !name.is_empty()).map(ToOwned::to_owned).collect();
        } else if let Some(list) = word.strip_prefix("keys=") {
            let pairs = list.split(',').filter_map(|pair| pair.split_once('='));
            trailer.keys = pairs.map(|(key, hash)| (decoded(key), hash.to_owned())).collect();
        }
    }
    Some(trailer)
}

/// Writes a page that is not there yet.
pub fn fresh(page: &Page) -> String {
    merge_into(page, "").text
}

/// A part of a page on disk.
#[derive(Debug)]
enum Part {
    Free(String),
    Managed { name: String, hash: String, text: String },
}

/// Merges a page into the text on disk.
pub fn merge(page: &Page, disk: &str) -> Merged {
    let fresh = merge_into(page, "");
    // Most pages are as they were written, and nobody has been there.
    if fresh.text == disk { fresh } else { merge_into(page, disk) }
}

fn merge_into(page: &Page, disk: &str) -> Merged {
    let crlf = disk.contains("\r\n");
    let disk = disk.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let before = trailer(&disk);
    let mut conflicts = Vec::new();
    let (head, body) = split_head(&disk);
    let head = merge_head(page, head, before.as_ref(), &mut conflicts);
    let mut parts = parts(body);
    let was_written = |name: &str| {
        before.as_ref().is_some_and(|before| before.blocks.iter().any(|block| block == name))
    };
    let mut written: Vec<(usize, String)> = Vec::new();
    let mut merged: Vec<String> = Vec::new();
    for part in &mut parts {
        match part {
            Part::Free(text) => merged.push(std::mem::take(text)),
            Part::Managed { name, hash, text } => {
                let new = page.blocks.iter().position(|(block, _)| block == name);
                let edited = digest(text) != *hash;
                let first = new.is_some_and(|idx| written.iter().all(|(other, _)| *other != idx));
                match new.and_then(|idx| Some((idx, page.blocks.get(idx)?))) {
                    Some((idx, (_, new_text))) if first => {
                        written.push((idx, name.clone()));
                        merged.push(marked(name, new_text));
                        if edited && text != new_text {
                            conflicts.push(format!("the block `{name}` was edited; the edited text is kept below the new one"));
                            merged.push(format!(
                                "<!-- edited by hand in the block {name} -->\n\n{text}\n"
                            ));
                        }
                    }
                    // The source of the block is gone, or the page contains it twice: what a person wrote stays.
                    _ if edited => merged.push(format!("{text}\n")),
                    _ => {}
                }
            }
        }
    }
    insert_new(page, &written, &mut merged, &was_written);
    let mut body = String::new();
    for part in merged {
        let part = part.trim_matches('\n');
        if !part.is_empty() {
            body.push_str(part);
            body.push_str("\n\n");
        }
    }
    let mut text = format!("---\n{head}---\n\n{body}{}\n", last_line(page));
    if crlf {
        text = text.replace('\n', "\r\n");
    }
    Merged { text, conflicts }
}

/// Puts blocks that are new to the page behind the one that they follow; deleted ones stay deleted.
fn insert_new(
    page: &Page,
    written: &[(usize, String)],
    merged: &mut Vec<String>,
    was_written: &dyn Fn(&str) -> bool,
) {
    let mut previous: Option<String> = None;
    for (idx, (name, text)) in page.blocks.iter().enumerate() {
        let there = written.iter().any(|(other, _)| *other == idx);
        if !there && !was_written(name) {
            let begins = |part: &String, name: &str| part.starts_with(&format!("{BEGIN}{name} "));
            let at = previous.as_ref().and_then(|previous| {
                merged.iter().position(|part| begins(part, previous)).map(|at| at + 1)
            });
            let at = match (&previous, at) {
                (_, Some(at)) => at,
                (None, None) if !written.is_empty() => 0,
                _ => merged.len(),
            };
            merged.insert(at, marked(name, text));
        }
        if there || !was_written(name) {
            previous = Some(name.clone());
        }
    }
}

fn marked(name: &str, text: &str) -> String {
    format!("{BEGIN}{name} {} -->\n\n{text}\n\n{END}{name} -->", digest(text))
}

fn last_line(page: &Page) -> String {
    let blocks: Vec<&str> = page.blocks.iter().map(|(name, _)| name.as_str()).collect();
    let keys: Vec<String> = page
        .properties
        .iter()
        .map(|(key, value)| format!("{}={}", encoded(key), digest(&value.lines(key))))
        .collect();
    format!("{PAGE}{} blocks={} keys={} -->", encoded(&page.id), blocks.join(","), keys.join(","))
}

/// Front matter and the rest. Front matter that is not closed is part of the rest.
fn split_head(text: &str) -> (Option<&str>, &str) {
    match front_matter::split(text) {
        Ok(split) => (Some(split.yaml), split.body),
        Err(_) => (None, text),
    }
}

/// Keys with the lines of their values, comments in front of a key with it.
fn keys(head: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for line in head.lines() {
        let continues = line.starts_with([' ', '\t', '-', '#']) || line.trim().is_empty();
        let key =
            line.split_once(':').map(|(key, _)| key.trim().trim_matches(['"', '\'']).to_owned());
        match (key, found.last_mut()) {
            (Some(key), _) if !continues => found.push((key, format!("{line}\n"))),
            (_, Some((_, lines))) => {
                lines.push_str(line);
                lines.push('\n');
            }
            (_, None) => found.push((String::new(), format!("{line}\n"))),
        }
    }
    found
}

fn merge_head(
    page: &Page,
    head: Option<&str>,
    before: Option<&Trailer>,
    conflicts: &mut Vec<String>,
) -> String {
    let on_disk = keys(head.unwrap_or_default());
    let written = |key: &str| {
        before
            .and_then(|before| before.keys.iter().find(|(name, _)| name == key))
            .map(|(_, hash)| hash.as_str())
    };
    let mut merged = String::new();
    for (key, value) in &page.properties {
        let new = value.lines(key);
        match on_disk.iter().find(|(name, _)| name == key) {
            // A person's value stays, and is reported if the source has changed too.
            Some((_, lines)) if *lines != new && written(key) != Some(digest(lines).as_str()) => {
                if written(key) != Some(digest(&new).as_str()) {
                    conflicts.push(format!("`{key}` was edited and its source has changed to {}; the edited value is kept", new.trim().replace('\n', " ")));
                }
                merged.push_str(lines);
            }
            // A key that was deleted stays deleted, as long as there is front matter at all.
            None if head.is_some() && written(key).is_some() => {}
            _ => merged.push_str(&new),
        }
    }
    for (key, lines) in &on_disk {
        let ours = page.properties.iter().any(|(name, _)| name == key);
        // A key of ours that has no source any more goes, unless a person changed it.
        let gone = !ours && written(key).is_some_and(|hash| hash == digest(lines));
        if !ours && !gone {
            merged.push_str(lines);
        }
    }
    merged
}

/// Splits a body at the marks of managed blocks; marks without their partner are a person's text.
fn parts(body: &str) -> Vec<Part> {
    let lines: Vec<&str> = body.lines().collect();
    let mut found = Vec::new();
    let mut free = String::new();
    let mut idx = 0;
    while let Some(line) = lines.get(idx) {
        idx += 1;
        if line.trim().starts_with(PAGE) {
            continue;
        }
        let begin = line
            .trim()
            .strip_prefix(BEGIN)
            .and_then(|rest| rest.strip_suffix(" -->"))
            .and_then(|rest| rest.split_once(' '));
        if let Some((name, hash)) = begin {
            let rest = lines.get(idx..).unwrap_or_default();
            let end = format!("{END}{name} -->");
            let length = rest.iter().position(|line| line.trim() == end);
            let next = rest.iter().position(|line| line.trim().starts_with(BEGIN));
            if let Some(length) = length.filter(|length| next.is_none_or(|next| next > *length)) {
                let text = rest.get(..length).unwrap_or_default().join("\n");
                let text = text.trim_matches('\n').to_owned();
                found.push(Part::Free(std::mem::take(&mut free)));
                found.push(Part::Managed { name: name.to_owned(), hash: hash.to_owned(), text });
                idx += length + 1;
                continue;
            }
        }
        free.push_str(line);
        free.push('\n');
    }
    found.push(Part::Free(free));
    found
}

/// An id as one word that cannot end a comment.
fn encoded(id: &str) -> String {
    let mut word = String::new();
    for character in id.chars() {
        match character {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '/' => word.push(character),
            '-' if !word.ends_with('-') => word.push('-'),
            other => word.push_str(&format!("%{:x};", u32::from(other))),
        }
    }
    word
}

fn decoded(word: &str) -> String {
    let mut id = String::new();
    let mut rest = word;
    while let Some((before, after)) = rest.split_once('%') {
        id.push_str(before);
        let Some((code, behind)) = after.split_once(';') else { break };
        id.extend(u32::from_str_radix(code, 16).ok().and_then(char::from_u32));
        rest = behind;
    }
    id.push_str(rest);
    id
}

#[cfg(test)]
mod tests;
