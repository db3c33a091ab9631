//! What the tables of a pack weigh, as `tidegate show --sizes` prints it.

use std::cmp::Reverse;
use std::fmt::Write;

use inspect::Pack;
use serde_json::{Value, json};

/// A line per table, the largest first; tables that take at most two bytes are empty and left out.
pub(super) fn to_text(pack: &Pack) -> String {
    let mut text = String::new();
    for (name, n_bytes) in largest_first(pack) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{n_bytes:>9}  {name}");
    }
    text
}

/// The same for scripts.
pub(super) fn to_json(pack: &Pack) -> Value {
    let tables = largest_first(pack)
        .into_iter()
        .map(|(name, n_bytes)| json!({"table": name, "bytes": n_bytes}));
    json!({
        "format": 1,
        "bytes": pack.n_bytes(),
        "rules": pack.tables().rules.len(),
        "tables": tables.collect::<Vec<_>>(),
    })
}

fn largest_first(pack: &Pack) -> Vec<(String, usize)> {
    let mut sizes = pack.tables().sizes();
    sizes.retain(|(_, n_bytes)| *n_bytes > 2);
    sizes.sort_by_key(|(name, n_bytes)| (Reverse(*n_bytes), name.clone()));
    sizes
}
