//! Adds strings and lists to a pack's tables after the compiler has finished.

use inspect::StrId;
use inspect::pack::Tables;

/// Adds a string. What the rules name already is there a second time: a pack has few of these.
pub(crate) fn string(tables: &mut Tables, text: &str) -> StrId {
    let id = StrId(end_of(&tables.string_ends));
    tables.strings.push_str(text);
    tables.string_ends.push(u32::try_from(tables.strings.len()).unwrap_or(u32::MAX));
    id
}

/// The place after the last of a list.
pub(crate) fn end_of<T>(list: &[T]) -> u32 {
    u32::try_from(list.len()).unwrap_or(u32::MAX)
}
