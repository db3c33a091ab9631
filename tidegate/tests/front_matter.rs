//! The front matter of every shipped note and every page of the committed vault, by a second reader:
//! `gray_matter` finds the same keys and the same text.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test may panic and works on files"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use diagnostics::front_matter;
use gray_matter::engine::YAML;
use gray_matter::{Matter, Pod};
use walkdir::WalkDir;

#[test]
fn a_second_reader_finds_the_same_keys_and_text() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let matter = Matter::<YAML>::new();
    let mut n_read = 0;
    for folder in ["knowledge/notes", "vault"] {
        for entry in WalkDir::new(root.join(folder)).sort_by_file_name() {
            let path = entry.unwrap().into_path();
            if path.extension().is_none_or(|extension| extension != "md") {
                continue;
            }
            let name = path.display();
            let text = fs::read_to_string(&path).unwrap();
            let Ok(ours) = front_matter::split(&text) else {
                panic!("{name}: no front matter");
            };
            let keys: BTreeSet<_> =
                ours.entries().unwrap().into_iter().map(|entry| entry.key).collect();
            let theirs = matter.parse::<Pod>(&text).unwrap();
            let Some(Pod::Hash(map)) = theirs.data else { panic!("{name}: not a map") };
            assert_eq!(keys, map.into_keys().collect(), "{name}");
            assert_eq!(ours.body.trim(), theirs.content.trim(), "{name}");
            n_read += 1;
        }
    }
    assert!(n_read > 300, "{n_read} files");
}
