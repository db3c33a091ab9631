//! A technique note: what is known of a technique of ATT&CK. The vault reads the rest of it.

use std::sync::Arc;

use diagnostics::yaml::{Kind, Node};
use sigma::technique_id;

use super::Keys;

/// Tags of pages that have a technique's tag and are not notes of it.
const OTHER_PAGES: [&str; 2] = ["detection_rule", "atomic_test"];

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

/// The technique that tags or the address of a note name.
pub(super) fn named(keys: &Keys<'_, '_>) -> Option<String> {
    let texts = |key: &str| {
        let nodes: &[Node] = match keys.value(key) {
            Some(Node { kind: Kind::List(list), .. }) => list,
            Some(node) => std::slice::from_ref(node),
            None => &[],
        };
        nodes.iter().filter_map(Node::text).flat_map(|text| text.split(',')).map(str::trim)
    };
    if texts("tags").any(|tag| OTHER_PAGES.contains(&tag)) {
        return None;
    }
    let of_url = |url: &str| {
        let (_, rest) = url.split_once("/techniques/")?;
        technique_id(rest.trim_matches('/'))
    };
    texts("tags").find_map(technique_id).or_else(|| texts("url").find_map(of_url))
}
