//! The headings and fenced blocks of a note, with their places.

use std::ops::Range;

use diagnostics::{Findings, Lines, Span};
use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use crate::codes;

/// The structure of a note.
#[derive(Clone, Debug)]
pub(super) struct Structure {
    /// Where the body starts, as a byte offset: after the front matter.
    pub(super) body_start: usize,
    /// The headings of the first level.
    pub(super) titles: Vec<(String, Span)>,
    /// The headings of the second level.
    pub(super) sections: Vec<(String, Span)>,
    /// The fenced blocks that are closed.
    pub(super) fences: Vec<Fence>,
    /// Whether a fenced block is not, so that what follows it was not read.
    pub(super) is_cut: bool,
}

/// A fenced block.
#[derive(Clone, Debug)]
pub(super) struct Fence {
    /// The text after the opening fence, on its line.
    pub(super) info: String,
    /// The text between the fences.
    pub(super) text: String,
    /// The line on which the text starts.
    pub(super) first_line: u32,
    /// The opening fence.
    pub(super) span: Span,
    /// The paragraph directly before it, in the same list item or quote; empty where there is none.
    pub(super) caption: String,
}

/// What is being read.
enum Open {
    Nothing,
    Heading(HeadingLevel, String, Range<usize>),
    Fence { info: String, text: String, range: Range<usize>, caption: String },
}

impl Structure {
    /// Reads the structure of a note's body, which starts at `body_start` of `text`.
    pub(super) fn read(text: &str, body_start: usize, findings: &mut Findings) -> Structure {
        let lines = Lines::new(text);
        let body = text.get(body_start..).unwrap_or_default();
        let (titles, sections, fences) = (Vec::new(), Vec::new(), Vec::new());
        let mut structure = Structure { body_start, titles, sections, fences, is_cut: false };
        let mut open = Open::Nothing;
        let mut before = Before::default();
        for (event, range) in Parser::new_ext(body, Options::ENABLE_TABLES).into_offset_iter() {
            let range = range.start + body_start..range.end + body_start;
            let caption = before.event(&event, &range);
            match event {
                Event::Start(Tag::Heading { level, .. }) => {
                    open = Open::Heading(level, String::new(), range);
                }
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                    let caption = caption.map(|range| paragraph(text, range)).unwrap_or_default();
                    let (info, content) = (info.into_string(), String::new());
                    open = Open::Fence { info, text: content, range, caption };
                }
                Event::Text(piece) | Event::Code(piece) => match &mut open {
                    Open::Heading(_, text, _) | Open::Fence { text, .. } => text.push_str(&piece),
                    Open::Nothing => {}
                },
                Event::End(TagEnd::Heading(_) | TagEnd::CodeBlock) => {
                    let closed = std::mem::replace(&mut open, Open::Nothing);
                    structure.close(closed, text, &lines, findings);
                }
                _ => {}
            }
        }
        structure
    }

    fn close(&mut self, open: Open, text: &str, lines: &Lines, findings: &mut Findings) {
        match open {
            Open::Heading(HeadingLevel::H1, title, range) => {
                self.titles.push((title, first_line(text, &range, lines)));
            }
            Open::Heading(HeadingLevel::H2, title, range) => {
                self.sections.push((title, first_line(text, &range, lines)));
            }
            Open::Fence { info, text: content, range, caption } => {
                let span = first_line(text, &range, lines);
                if !is_closed(text.get(range).unwrap_or_default()) {
                    let message = "the fenced block that begins here is not closed";
                    let help = "write a line with the same fence after its last line";
                    findings.add(&codes::UNCLOSED_FENCE, span, message, help);
                    self.is_cut = true;
                    return;
                }
                let first_line = span.line.saturating_add(1);
                self.fences.push(Fence { info, text: content, first_line, span, caption });
            }
            Open::Heading(..) | Open::Nothing => {}
        }
    }
}

/// The paragraph that ended last, as long as no other block began since.
#[derive(Default)]
struct Before {
    range: Option<Range<usize>>,
    /// Whether the words of a block are read now, between its start and its end.
    is_open: bool,
    /// Whether it is that of a list item without empty lines, which has no start and no end.
    is_tight: bool,
}

impl Before {
    /// Follows an event; returns the paragraph in front of the block that it starts.
    fn event(&mut self, event: &Event<'_>, range: &Range<usize>) -> Option<Range<usize>> {
        match event {
            Event::Start(Tag::Paragraph) => {
                *self = Before { is_open: true, ..Before::default() };
            }
            Event::End(TagEnd::Paragraph) => {
                *self = Before { range: Some(range.clone()), ..Before::default() };
            }
            Event::Start(tag) if is_block(tag) => {
                let is_open = !matches!(tag, Tag::List(_) | Tag::Item | Tag::BlockQuote(_));
                return std::mem::replace(self, Before { is_open, ..Before::default() }).range;
            }
            Event::End(
                TagEnd::Emphasis
                | TagEnd::Strong
                | TagEnd::Strikethrough
                | TagEnd::Link
                | TagEnd::Image,
            ) => {}
            Event::Rule | Event::End(_) => *self = Before::default(),
            _ if self.is_open => {}
            _ => {
                let start = self.range.as_ref().filter(|_| self.is_tight).map(|range| range.start);
                self.range = Some(start.unwrap_or(range.start)..range.end);
                self.is_tight = true;
            }
        }
        None
    }
}

fn is_block(tag: &Tag<'_>) -> bool {
    !matches!(
        tag,
        Tag::Emphasis | Tag::Strong | Tag::Strikethrough | Tag::Link { .. } | Tag::Image { .. }
    )
}

/// The lines of a paragraph, without what marks its quote or list.
fn paragraph(text: &str, range: Range<usize>) -> String {
    let lines = text.get(range).unwrap_or_default().trim().lines();
    let bare = lines.map(|line| line.trim_start_matches(['>', ' ', '\t']).trim_end());
    bare.collect::<Vec<_>>().join("\n")
}

/// The first line of a range, without its line break.
fn first_line(text: &str, range: &Range<usize>, lines: &Lines) -> Span {
    let line = text.get(range.clone()).unwrap_or_default().lines().next().unwrap_or_default();
    lines.span(text, range.start..range.start + line.len())
}

/// Whether a fenced block ends with a fence. Where it does not, Markdown closes it with the text, or
/// with the list or quote that contains it.
fn is_closed(block: &str) -> bool {
    let mut lines = block.lines();
    let opening = lines.next().unwrap_or_default().trim_start();
    let fence = opening.chars().next().unwrap_or('`');
    let n_opening = opening.chars().take_while(|char| *char == fence).count();
    let closing = lines.next_back().unwrap_or_default();
    let closing = closing.trim_start_matches([' ', '\t', '>']).trim_end();
    closing.chars().count() >= n_opening && closing.chars().all(|char| char == fence)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, fences: &[(&str, &str, u32)], n_unclosed: usize) {
        let mut findings = Findings::new(&"a.md".into());
        let structure = Structure::read(text, 0, &mut findings);
        let found: Vec<_> = structure
            .fences
            .iter()
            .map(|fence| (fence.info.as_str(), fence.text.as_str(), fence.first_line))
            .collect();
        assert_eq!(found, fences, "{text:?}");
        assert_eq!(findings.into_list().len(), n_unclosed, "{text:?}");
    }

    #[test]
    fn fences_have_to_be_closed() {
        check("a\n\n```sigma\nx: y\n```\n", &[("sigma", "x: y\n", 4)], 0);
        check("```sigma\r\nx: y\r\nz\r\n```\r\n", &[("sigma", "x: y\nz\n", 2)], 0);
        check("~~~~ http match\na\n~~~\n~~~~~\n", &[("http match", "a\n~~~\n", 2)], 0);
        check("```a\n```", &[("a", "", 2)], 0);
        check("```a\nx\n", &[], 1);
        check("```a", &[], 1);
        check("````a\nx\n```\n", &[], 1);
        check("- b\n\n  ```a\n  x\n  ```\n", &[("a", "x\n", 4)], 0);
        check("> ```a\n> x\n> ```\n", &[("a", "x\n", 2)], 0);
        check("> ```a\n> x\n\nb\n", &[], 1);
    }

    #[test]
    fn the_caption_of_a_fence_is_the_paragraph_directly_before_it() {
        for (text, expect) in [
            ("A post.\n\n```http match\nPOST a\n```\n", vec!["A post."]),
            ("One\n*two* `c`\n```a\n```\n", vec!["One\n*two* `c`"]),
            ("P\n\n```a\nx\n```\n\n```b\ny\n```\n\nQ\n\n```c\n```\n", vec!["P", "", "Q"]),
            ("P\n\n    code\n\n```a\n```\n", vec![""]),
            ("P\n\n## H\n\n```a\n```\n", vec![""]),
            ("P\n===\n\n```a\n```\n", vec![""]),
            ("P\n\n---\n\n```a\n```\n", vec![""]),
            ("P\n\n- x\n\n```a\n```\n", vec![""]),
            ("- x\n- y\n  z\n  ```a\n  ```\n- ```b\n  ```\n", vec!["y\nz", ""]),
            ("1. x **y**\n\n   z\n\n   ```a\n   ```\n", vec!["z"]),
            ("> Q\n> r\n>\n> ```a\n> ```\n\n```b\n```\n", vec!["Q\nr", ""]),
            ("P\n\n<!-- c -->\n\n```a\n```\n", vec![""]),
            ("<p>x</p>\n```a\n```\n\n```b\n```\n", vec![""]),
            ("P\n\n| a |\n| - |\n| 1 |\n\n```a\n```\n", vec![""]),
            ("P\r\nq\r\n\r\n~~~a\r\n~~~\r\n", vec!["P\nq"]),
        ] {
            let structure = Structure::read(text, 0, &mut Findings::new(&"a.md".into()));
            let found: Vec<&str> =
                structure.fences.iter().map(|fence| fence.caption.as_str()).collect();
            assert_eq!(found, expect, "{text:?}");
        }
    }

    #[test]
    fn headings_stand_in_order() {
        let mut findings = Findings::new(&"a.md".into());
        let text = "# The `x` rule\n\n## Goal\n\ntext\n\n```\n# no heading\n```\n";
        let structure = Structure::read(text, 0, &mut findings);
        let span = Span { line: 1, column: 1, end_line: 1, end_column: 15 };
        assert_eq!(structure.titles, [("The x rule".to_owned(), span)]);
        let span = Span { line: 3, column: 1, end_line: 3, end_column: 8 };
        assert_eq!(structure.sections, [("Goal".to_owned(), span)]);
    }
}
