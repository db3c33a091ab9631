//! What Dataview takes for an inline field, so that a page never shows one by accident.

/// The names of the fields that a line of a page would give.
///
/// Dataview takes `[key:: value]` and `(key:: value)` anywhere, and `key:: value` where the key is all of
/// the line in front of `::`; lines of more than 32,768 characters it leaves out.
pub fn leaked(line: &str) -> Vec<String> {
    if line.len() > 4 * 32_768 && line.chars().count() > 32_768 {
        return Vec::new();
    }
    let Some(separator) = line.find("::") else { return Vec::new() };
    let mut found = Vec::new();
    for open in ['[', '('] {
        let close = if open == '[' { ']' } else { ')' };
        for (start, _) in line.match_indices(open) {
            let rest = line.get(start + 1..).unwrap_or_default();
            let Some((key, value)) = rest.split_once("::") else { continue };
            if !key.trim().is_empty() && !key.contains([open, close]) && value.contains(close) {
                found.push(key.trim().to_owned());
            }
        }
    }
    if !found.is_empty() {
        return found;
    }
    let key = line.get(..separator).unwrap_or_default();
    let key = key.trim().trim_start_matches(['-', '*', '+', '>', ' ', '_', '/']);
    let allowed = |c: char| {
        c.is_alphanumeric()
            || c.is_whitespace()
            || matches!(c, '_' | '-' | '/' | '*')
            || u32::from(c) > 0x2600
    };
    if !key.is_empty() && key.chars().all(allowed) {
        found.push(key.to_owned());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_seen_where_dataview_sees_them() {
        for (line, expect) in [
            ("key:: value", vec!["key"]),
            ("  - fe80::1", vec!["fe80"]),
            ("a [x:: y] b", vec!["x"]),
            ("a (x:: y) b", vec!["x"]),
            ("'std::env'", vec![]),
            ("| a | b::c |", vec![]),
            ("no field: here", vec![]),
            ("::1", vec![]),
        ] {
            assert_eq!(leaked(line), expect, "{line}");
        }
    }
}
