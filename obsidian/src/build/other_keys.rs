//! Keys and values that have no place of their own on a page, as a list.

use std::fmt::Write;

use catalogue::dialect::Value;

use crate::prose::{address, block, escaped, wrapped};

/// Longest list that is written in one line.
const MAX_LINE_CHARS: usize = 400;

/// Keys and values as a list below a heading; empty for none.
pub(super) fn listed<'v>(
    heading: &str,
    pairs: impl IntoIterator<Item = (&'v str, &'v Value)>,
) -> String {
    let mut text = String::new();
    for (key, value) in pairs {
        item(&mut text, 0, Some(key), value);
    }
    if text.is_empty() || heading.is_empty() { text } else { format!("{heading}\n\n{text}") }
}

/// One value as an item of a list, with what it contains below it.
fn item(text: &mut String, depth: usize, key: Option<&str>, value: &Value) {
    let indent = "    ".repeat(depth);
    let name = key.map(|key| format!("{}: ", escaped(key))).unwrap_or_default();
    match value {
        Value::List(list) => {
            if let Some(line) = in_one_line(list) {
                let _ = writeln!(text, "{indent}- {name}{line}");
                return;
            }
            let _ = writeln!(text, "{indent}- {}", name.trim_end());
            for (number, value) in (1..).zip(list) {
                let number = format!("{number}");
                let is_map = matches!(value, Value::Map(_));
                item(text, depth + 1, is_map.then_some(number.as_str()), value);
            }
        }
        Value::Map(pairs) => {
            if key.is_some() {
                let _ = writeln!(text, "{indent}- {}", name.trim_end());
            }
            let depth = depth + usize::from(key.is_some());
            for (key, value) in pairs {
                item(text, depth, Some(key), value);
            }
        }
        Value::Empty => {
            let _ = writeln!(text, "{indent}- {name}(empty)");
        }
        Value::Text(value) if value.trim_end().contains('\n') => {
            let _ = writeln!(text, "{indent}- {}\n", name.trim_end());
            for line in block(value, "text").lines() {
                let _ = writeln!(text, "{}", format!("{indent}    {line}").trim_end());
            }
            text.push('\n');
        }
        other => {
            let shown = wrapped(&scalar(other)).replace('\n', &format!("\n{indent}  "));
            let _ = writeln!(text, "{indent}- {name}{shown}");
        }
    }
}

/// Values that are short and no lists, side by side.
fn in_one_line(list: &[Value]) -> Option<String> {
    let is_short = |value: &Value| match value {
        Value::Text(text) => !text.contains('\n') && address(text).is_none(),
        Value::Number(_) | Value::Flag(_) | Value::Date(_) => true,
        Value::Empty | Value::List(_) | Value::Map(_) => false,
    };
    let is_single = matches!(list, [Value::Text(text)] if !text.contains('\n'));
    if list.is_empty() || !(list.iter().all(is_short) || is_single) {
        return None;
    }
    let line = list.iter().map(scalar).collect::<Vec<_>>().join(", ");
    (line.chars().count() <= MAX_LINE_CHARS || is_single).then_some(line)
}

/// A value that is one text.
fn scalar(value: &Value) -> String {
    let text = value.texts().join(" ");
    address(&text).map_or_else(|| escaped(&text), |url| format!("<{url}>"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_every_kind_are_listed() {
        let text = |text: &str| Value::Text(text.to_owned());
        let map = |pairs: &[(&str, Value)]| {
            Value::Map(
                pairs.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect(),
            )
        };
        let pairs = [
            ("index", Value::List(vec![text("a-*"), text("b::c")])),
            ("max", Value::Number("100".into())),
            ("note", text("one\ntwo\n")),
            (
                "tests",
                Value::List(vec![
                    map(&[("name", text("first")), ("url", text("https://a.example/x"))]),
                    map(&[("name", text("second"))]),
                ]),
            ),
            ("none", Value::Empty),
        ];
        assert_eq!(
            listed("### Keys", pairs.iter().map(|(key, value)| (*key, value))),
            "### Keys\n\n- index: a-\\*, b:\\:c\n- max: 100\n- note:\n\n    ```text\n    one\n    two\n    ```\n\n- tests:\n    - 1:\n        - name: first\n        - url: <https://a.example/x>\n    - 2:\n        - name: second\n- none: (empty)\n"
        );
        assert_eq!(listed("### Keys", []), "");
    }
}
