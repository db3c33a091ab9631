//! YAML as a tree with the place of each part: for rules, and for what people write beside them.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle};

use crate::codes;
use crate::diagnostic::{Diagnostic, Span};
use crate::limits::{MAX_REPEATED_YAML_NODES, MAX_YAML_DEPTH, MAX_YAML_NODES};
use crate::source::SourceText;

/// A part of a document.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its place in the file.
    pub span: Span,
    /// What it is.
    pub kind: Kind,
}

/// What a part of a document is.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A scalar.
    Scalar {
        /// Its text.
        text: String,
        /// Whether it is written without quotes, so that it may be a number or null.
        plain: bool,
    },
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of the text.
    Map(Vec<(Node, Node)>),
}

/// What a scalar is by YAML 1.2's core schema.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar<'n> {
    /// Nothing.
    Null,
    /// A truth value.
    Bool(bool),
    /// A number, in the one form in which events write it too.
    Number(String),
    /// Text.
    Text(&'n str),
}

impl Node {
    /// The scalar that this node is, if it is one.
    pub fn scalar(&self) -> Option<Scalar<'_>> {
        let Kind::Scalar { text, plain } = &self.kind else { return None };
        if !plain {
            return Some(Scalar::Text(text));
        }
        Some(match text.as_str() {
            "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
            "true" | "True" | "TRUE" => Scalar::Bool(true),
            "false" | "False" | "FALSE" => Scalar::Bool(false),
            text => number(text).map_or(Scalar::Text(text), Scalar::Number),
        })
    }

    /// The place of characters of a scalar. `None` where the text is not written character by character:
    /// over several lines, or with escapes.
    pub fn part(&self, chars: std::ops::Range<usize>) -> Option<Span> {
        let Kind::Scalar { text, plain } = &self.kind else { return None };
        let quote = u32::from(!plain);
        let width = number_of(text.chars().count()).checked_add(2 * quote)?;
        let span = self.span;
        let at = |at: usize| span.column.checked_add(quote)?.checked_add(number_of(at));
        let exact =
            span.line == span.end_line && span.end_column == span.column.checked_add(width)?;
        let part = Span { column: at(chars.start)?, end_column: at(chars.end)?, ..span };
        exact.then_some(part)
    }

    /// The text of a scalar as written; `None` for lists, maps and null.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } if self.scalar() != Some(Scalar::Null) => Some(text),
            Kind::Scalar { .. } | Kind::List(_) | Kind::Map(_) => None,
        }
    }
}

fn number_of(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The canonical form of a plain scalar that YAML 1.2 reads as a number.
fn number(text: &str) -> Option<String> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let first = *digits.as_bytes().first()?;
    if let Some(hex) = text.strip_prefix("0x") {
        return u64::from_str_radix(hex, 16).ok().map(|number| number.to_string());
    }
    if let Some(octal) = text.strip_prefix("0o") {
        return u64::from_str_radix(octal, 8).ok().map(|number| number.to_string());
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse::<i128>().ok().map(|number| number.to_string());
    }
    let float =
        |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-');
    if (first.is_ascii_digit() || first == b'.') && digits.bytes().all(float) {
        return text
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite())
            .map(|number| number.to_string());
    }
    None
}

/// Reads all documents of a text; what is wrong with them is added to `diagnostics`, and what could be
/// read before it is the result.
pub fn read(source: &SourceText<'_>, diagnostics: &mut Vec<Diagnostic>) -> Vec<Node> {
    read_shared(source, diagnostics, &mut Vec::new())
}

/// The same, with the places of the parts that aliases repeat elsewhere.
pub fn read_shared(
    source: &SourceText<'_>,
    diagnostics: &mut Vec<Diagnostic>,
    shared: &mut Vec<Span>,
) -> Vec<Node> {
    let mut documents = Vec::new();
    let mut anchors: HashMap<usize, (Node, usize)> = HashMap::new();
    let mut open: Vec<Open> = Vec::new();
    let mut n_nodes = 0;
    let mut n_repeated = 0;
    for event in Parser::new_from_str(source.text) {
        let (event, at) = match event {
            Ok(event) => event,
            Err(error) => {
                let place = source.point(error.marker().line(), error.marker().col() + 1);
                diagnostics.push(Diagnostic {
                    code: &codes::BROKEN_YAML,
                    message: format!("this is not YAML: {}", error.info()),
                    help: "check the indentation, and quote values that contain `: ` or `#` or start with a special character".into(),
                    place,
                    fix: None,
                });
                return documents;
            }
        };
        let span = source.span(&at);
        let complete = match event {
            Event::Scalar(text, style, anchor, _) => {
                let plain = style == ScalarStyle::Plain;
                let kind = Kind::Scalar { text: text.into_owned(), plain };
                n_nodes += 1;
                Some((Node { span, kind }, anchor, 1))
            }
            Event::SequenceStart(anchor, _) => {
                open.push(Open {
                    node: Node { span, kind: Kind::List(Vec::new()) },
                    anchor,
                    key: None,
                    n_nodes: 1,
                });
                None
            }
            Event::MappingStart(anchor, _) => {
                open.push(Open {
                    node: Node { span, kind: Kind::Map(Vec::new()) },
                    anchor,
                    key: None,
                    n_nodes: 1,
                });
                None
            }
            Event::SequenceEnd | Event::MappingEnd => open.pop().map(|open| {
                let mut node = open.node;
                node.span.end_line = span.end_line;
                node.span.end_column = span.end_column;
                n_nodes += 1;
                (node, open.anchor, open.n_nodes)
            }),
            Event::Alias(anchor) => {
                let Some((node, size)) = anchors.get(&anchor) else {
                    // An alias to the map that contains it has no finite meaning.
                    diagnostics.push(too_large(source, span));
                    return documents;
                };
                n_repeated += size;
                if n_repeated > MAX_REPEATED_YAML_NODES {
                    diagnostics.push(too_large(source, span));
                    return documents;
                }
                shared.push(node.span);
                Some((Node { span, ..node.clone() }, 0, *size))
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => None,
        };
        if open.len() > MAX_YAML_DEPTH || n_nodes > MAX_YAML_NODES {
            diagnostics.push(too_large(source, span));
            return documents;
        }
        let Some((node, anchor, size)) = complete else { continue };
        if anchor != 0 {
            n_repeated += size;
            if n_repeated > MAX_REPEATED_YAML_NODES {
                diagnostics.push(too_large(source, span));
                return documents;
            }
            anchors.insert(anchor, (node.clone(), size));
        }
        match open.last_mut() {
            None => documents.push(node),
            Some(parent) => parent.add(node, size),
        }
    }
    documents
}

/// Returns the finding for a text beyond the bounds of YAML.
pub fn too_large(source: &SourceText<'_>, span: Span) -> Diagnostic {
    Diagnostic {
        code: &codes::YAML_TOO_LARGE,
        message: format!(
            "more than {MAX_YAML_DEPTH} levels, {MAX_YAML_NODES} nodes, or {MAX_REPEATED_YAML_NODES} by repetition"
        ),
        help: "write the rule without deep nesting and without aliases of aliases".into(),
        place: source.place(span),
        fix: None,
    }
}

/// A list or map that is being read.
struct Open {
    node: Node,
    anchor: usize,
    /// The key whose value comes next.
    key: Option<Node>,
    n_nodes: usize,
}

impl Open {
    fn add(&mut self, node: Node, n_nodes: usize) {
        self.n_nodes += n_nodes;
        match (&mut self.node.kind, self.key.take()) {
            (Kind::List(list), _) => list.push(node),
            (Kind::Map(map), Some(key)) => map.push((key, node)),
            (Kind::Map(_), None) => self.key = Some(node),
            (Kind::Scalar { .. }, _) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        let text = |text| Scalar::Text(text);
        let number = |text: &str| Scalar::Number(text.into());
        for (plain, expect) in [
            ("", Scalar::Null),
            ("~", Scalar::Null),
            ("true", Scalar::Bool(true)),
            ("no", text("no")),
            ("on", text("on")),
            ("200", number("200")),
            ("0443", number("443")),
            ("-1", number("-1")),
            ("0x10", number("16")),
            ("0o10", number("8")),
            ("1.50", number("1.5")),
            ("1e3", number("1000")),
            (".inf", text(".inf")),
            ("1.2.3", text("1.2.3")),
            ("2025-01-01", text("2025-01-01")),
            ("10.0.0.0/8", text("10.0.0.0/8")),
            ("-", text("-")),
            (".", text(".")),
        ] {
            let kind = Kind::Scalar { text: plain.into(), plain: true };
            assert_eq!(Node { span: Span::default(), kind }.scalar(), Some(expect), "{plain}");
        }
    }
}
