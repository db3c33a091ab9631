//! A technique note: what is known of a technique of ATT&CK. The vault reads the rest of it.

use std::sync::Arc;

use diagnostics::yaml::{Kind, Node};
use sigma::technique_of_key;

use super::Keys;

/// Tags of pages that have a technique's tag and are not notes of it.
const OTHER_PAGES: [&str; 2] = ["detection_rule", "atomic_test"];
/// Keys of our other notes: a note that has one lacks its `kind`.
const OTHER_NOTES: [&str; 4] = ["services", "service", "hosts", "rule"];

/// A technique note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Technique {
    /// The name of its file.
    pub file: Arc<str>,
    /// The technique, as `T1102.002`.
    pub technique: String,
}

impl Technique {
    pub(super) fn read(file: &Arc<str>, keys: &mut Keys<'_, '_>) -> Option<Technique> {
        let Some(technique) = named(keys) else {
            let help = "write the technique as a tag, as `tags: [T1102_002]`, or its page as `url`";
            let key = if keys.has("tags") { "tags" } else { "kind" };
            keys.wrong(key, "the note does not name its technique", help);
            return None;
        };
        Some(Technique { file: Arc::clone(file), technique })
    }
}

/// The technique that the keys of a note name: of several keys the surest counts, and of several
/// techniques the first.
pub(super) fn named(keys: &Keys<'_, '_>) -> Option<String> {
    let texts = |node: &Node| -> Vec<String> {
        let nodes: &[Node] = match &node.kind {
            Kind::List(list) => list,
            _ => std::slice::from_ref(node),
        };
        nodes.iter().filter_map(Node::text).map(str::to_owned).collect()
    };
    if OTHER_NOTES.iter().any(|key| keys.has(key)) {
        return None;
    }
    let mut surest: Option<(usize, Vec<String>)> = None;
    for entry in keys.entries {
        let texts = texts(&entry.value);
        let is_of_tags = matches!(entry.key.as_str(), "tags" | "tag");
        let mut tags = texts.iter().flat_map(|text| text.split([',', ' '])).map(str::trim);
        if is_of_tags && tags.any(|tag| OTHER_PAGES.contains(&tag.trim_start_matches('#'))) {
            return None;
        }
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        if let Some(found) = technique_of_key(&entry.key, &texts)
            && surest.as_ref().is_none_or(|(rank, _)| found.0 < *rank)
        {
            surest = Some(found);
        }
    }
    surest?.1.into_iter().next()
}
