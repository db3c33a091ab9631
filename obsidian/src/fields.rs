//! What Dataview takes for an inline field, so that a page never shows one by accident.
//!
//! As Dataview 0.5.68 does it, in `src/data-import/inline-field.ts`.

/// Returns the names of the fields that a line of a page would give.
///
/// Dataview takes `[key:: value]` and `(key:: value)` anywhere. Where a line has none, it takes `key:: value`
/// if the key is words behind any punctuation. Lines of more than 32,768 characters it leaves out.
pub fn leaked(line: &str) -> Vec<String> {
    if !line.contains("::") || line.len() > 32_768 && line.chars().count() > 32_768 {
        return Vec::new();
    }
    let wrapped = wrapped(line);
    if wrapped.is_empty() { full_line(line).into_iter().collect() } else { wrapped }
}

/// Returns the names of the fields that an item of a list would give: its lines are one, and those of a task are
/// in brackets only, as in `src/data-import/markdown-file.ts`.
pub fn leaked_in_item(item: &str) -> Vec<String> {
    let line = item.lines().collect::<Vec<_>>().join(" ");
    if !is_task(item) {
        return leaked(&line);
    }
    if line.contains("::") { wrapped(&line) } else { Vec::new() }
}

/// Returns true if an item of a list, from its mark on, is a task.
pub fn is_task(item: &str) -> bool {
    let digits = item.trim_start_matches(|c: char| c.is_ascii_digit());
    let rest = digits.strip_prefix(['-', '*', '+', '.', ')']);
    let rest = rest.and_then(|rest| rest.trim_start_matches([' ', '\t']).strip_prefix('['));
    let mut rest = rest.unwrap_or_default().chars();
    rest.next().is_some() && rest.next() == Some(']') && rest.next().is_none_or(char::is_whitespace)
}

/// Keys of fields in brackets, in their order; of two that overlap, the first.
fn wrapped(line: &str) -> Vec<String> {
    let mut found: Vec<(usize, usize, &str)> = Vec::new();
    for (open, close) in [('[', ']'), ('(', ')')] {
        let mut from = 0;
        while let Some(start) = line.get(from..).and_then(|rest| rest.find(open)) {
            let start = from + start;
            match wrapped_at(line, start + 1, open, close) {
                Some((key, end)) => {
                    found.push((start, end, key));
                    from = end;
                }
                None => from = start + 1,
            }
        }
    }
    found.sort_unstable();
    let mut end = None;
    found.retain(|(start, its_end, _)| {
        let is_free = end.is_none_or(|end| end < *start);
        if is_free {
            end = Some(*its_end);
        }
        is_free
    });
    let keys = found.into_iter().map(|(_, _, key)| key.to_owned());
    keys.filter(|key| !key.is_empty()).collect()
}

/// The key of a field whose bracket is in front of `start`, and where the field ends.
fn wrapped_at(line: &str, start: usize, open: char, close: char) -> Option<(&str, usize)> {
    let (key, _) = line.get(start..)?.split_once("::")?;
    if key.contains(['[', ']', '(', ')']) {
        return None;
    }
    let value = start + key.len() + 2;
    let (mut depth, mut is_escaped) = (0_usize, false);
    for (at, character) in line.get(value..)?.char_indices() {
        if character == '\\' {
            is_escaped = !is_escaped;
        } else if std::mem::take(&mut is_escaped) {
        } else if character == open {
            depth += 1;
        } else if character == close {
            match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return Some((key.trim(), value + at + 1)),
            }
        }
    }
    None
}

/// The key of a field that is all of a line.
fn full_line(line: &str) -> Option<String> {
    let (key, _) = line.split_once("::")?;
    let is_word = |c: char| c.is_alphabetic() || c.is_ascii_digit() || c == '_';
    let key = key.trim().trim_start_matches(|c: char| !is_word(c));
    let key = key.trim_end_matches(['_', '*', '~', '`']);
    // Emojis may be within a key; which characters are, Unicode says by tables that are left out here.
    let is_legal = |c: char| {
        is_word(c) || c.is_whitespace() || matches!(c, '/' | '-') || u32::from(c) > 0x2600
    };
    (!key.is_empty() && key.chars().all(is_legal)).then(|| key.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_one_line_and_a_task_has_fields_in_brackets_only() {
        for (item, expect) in [
            ("- fe80::1", vec!["fe80"]),
            ("- Run\n  ```\n  std::sort\n  ```", vec![]),
            ("- two\n  lines:: x", vec!["two   lines"]),
            ("- [ ] look at std::string", vec![]),
            ("1. [x] pay [due:: 2024-01-01]", vec!["due"]),
            ("- [link](a) b:: c", vec![]),
            ("- [x](b) key:: c", vec![]),
        ] {
            assert_eq!(leaked_in_item(item), expect, "{item}");
        }
        assert!(is_task("- [-] a") && !is_task("- [ab] c") && !is_task("- [a](b)"));
    }

    #[test]
    fn fields_are_seen_where_dataview_sees_them() {
        for (line, expect) in [
            ("key:: value", vec!["key"]),
            ("  - fe80::1", vec!["fe80"]),
            ("a [x:: y] b", vec!["x"]),
            ("a (x:: y) b", vec!["x"]),
            ("'std::env'", vec!["std"]),
            ("`token:: x`", vec!["token"]),
            ("| fc00::1 |", vec!["fc00"]),
            ("# heading:: x", vec!["heading"]),
            ("**bold**:: x", vec!["bold"]),
            ("two words/and-more:: x", vec!["two words/and-more"]),
            ("a (b:: c) [d:: e]", vec!["b", "d"]),
            ("[a:: (b:: c)]", vec!["a"]),
            ("[a:: b\\] c]", vec!["a"]),
            ("[a(b:: c]", vec![]),
            ("[a:: b", vec!["a"]),
            ("x [y] z:: w", vec![]),
            ("| a | b::c |", vec![]),
            ("a.b::c", vec![]),
            ("no field: here", vec![]),
            ("::1", vec![]),
        ] {
            assert_eq!(leaked(line), expect, "{line}");
        }
    }
}
