//! Other people's Markdown as Markdown that has no effect: structure stays, everything else is text.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::prose::{address, block, code, inline};

/// Returns a text with its headings, lists, tables, quotes, code and web links, and with all else inert.
/// The highest heading becomes one of `level`.
pub(crate) fn inert(text: &str, level: usize) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let text = text.replace("\r\n", "\n");
    let top = Parser::new_ext(&text, options).filter_map(|event| match event {
        Event::Start(Tag::Heading { level, .. }) => Some(level),
        _ => None,
    });
    let mut writer = Writer {
        level,
        top: top.min().unwrap_or(HeadingLevel::H1),
        written: String::new(),
        line: String::new(),
        lists: Vec::new(),
        item: None,
        n_quotes: 0,
        links: Vec::new(),
        code: None,
        cells: Vec::new(),
    };
    for event in Parser::new_ext(&text, options) {
        writer.event(event);
    }
    writer.end_line();
    writer.written.trim().to_owned()
}

struct Writer {
    level: usize,
    top: HeadingLevel,
    written: String,
    /// The paragraph, heading or cell that is being read.
    line: String,
    /// The next number of each open list; `None` for bullets.
    lists: Vec<Option<u64>>,
    /// The mark of an item whose first line is not written yet.
    item: Option<String>,
    n_quotes: usize,
    /// Where in `line` the text of each open link starts, and its address.
    links: Vec<(usize, Option<String>)>,
    /// The language and the text of the open code block.
    code: Option<(String, String)>,
    /// The cells of the open row.
    cells: Vec<String>,
}

impl Writer {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => match &mut self.code {
                Some((_, code)) => code.push_str(&text),
                None => self.text(&text),
            },
            Event::Code(text) => {
                let text = code(&text);
                self.line.push_str(&text);
            }
            Event::SoftBreak | Event::HardBreak => self.line.push(' '),
            Event::Html(text) | Event::InlineHtml(text) => self.text(&text),
            Event::Rule => self.end_line(),
            // Not enabled; if they were, their text would still be wanted.
            Event::InlineMath(text) | Event::DisplayMath(text) | Event::FootnoteReference(text) => {
                self.text(&text);
            }
            Event::TaskListMarker(_) => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::List(first) => {
                self.end_line();
                self.lists.push(first);
            }
            Tag::Item => {
                self.end_line();
                self.item = Some(match self.lists.last_mut() {
                    Some(Some(number)) => {
                        *number += 1;
                        format!("{}. ", *number - 1)
                    }
                    _ => "- ".to_owned(),
                });
            }
            Tag::BlockQuote(_) => {
                self.end_line();
                self.n_quotes += 1;
            }
            Tag::CodeBlock(kind) => {
                self.end_line();
                let language = match kind {
                    CodeBlockKind::Fenced(language) => language.to_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                self.code = Some((language, String::new()));
            }
            Tag::Link { dest_url, .. } => self.links.push((self.line.len(), address(&dest_url))),
            Tag::Image { .. } => self.links.push((self.line.len(), None)),
            Tag::Strong => self.line.push_str("**"),
            Tag::Paragraph | Tag::Heading { .. } | Tag::Table(_) | Tag::HtmlBlock => {
                self.end_line();
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::List(_) => {
                self.end_line();
                self.lists.pop();
                if self.lists.is_empty() {
                    self.gap();
                }
            }
            TagEnd::Item => {
                self.end_line();
                self.item = None;
            }
            TagEnd::BlockQuote(_) => {
                self.end_line();
                self.n_quotes = self.n_quotes.saturating_sub(1);
                self.gap();
            }
            TagEnd::CodeBlock => {
                let Some((language, text)) = self.code.take() else { return };
                // The name of a language runs a query in Obsidian, so only a plain word of others stays.
                let is_plain = language.bytes().all(|byte| byte.is_ascii_alphanumeric());
                let runs = ["dataview", "dataviewjs", "tasks", "query", "base", "mermaid"];
                let is_known = is_plain && !runs.contains(&language.to_lowercase().as_str());
                self.push_lines(&block(&text, if is_known { &language } else { "text" }));
                self.gap();
            }
            TagEnd::Link | TagEnd::Image => {
                let Some((start, Some(url))) = self.links.pop() else { return };
                let shown = self.line.split_off(start.min(self.line.len()));
                self.line.push_str(&format!("[{shown}]({url})"));
            }
            TagEnd::Strong => self.line.push_str("**"),
            TagEnd::Heading(level) => {
                let depth = (level as usize).saturating_sub(self.top as usize);
                let text = std::mem::take(&mut self.line);
                let text = text.replace("**", "");
                self.push_lines(&format!("{} {text}", "#".repeat((self.level + depth).min(6))));
                self.gap();
            }
            TagEnd::Paragraph | TagEnd::HtmlBlock => {
                self.end_line();
                if self.lists.is_empty() {
                    self.gap();
                }
            }
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.line);
                self.cells.push(cell);
            }
            TagEnd::TableHead => {
                let n_cells = self.cells.len();
                self.row();
                self.push_lines(&format!("|{}", " --- |".repeat(n_cells)));
            }
            TagEnd::TableRow => self.row(),
            TagEnd::Table => self.gap(),
            _ => {}
        }
    }

    fn row(&mut self) {
        let cells = std::mem::take(&mut self.cells);
        self.push_lines(&format!("| {} |", cells.join(" | ")));
    }

    /// Adds text of others; blanks at its ends stay, as they divide it from what is beside it.
    fn text(&mut self, text: &str) {
        if text.starts_with(char::is_whitespace) {
            self.line.push(' ');
        }
        let shown = inline(text);
        // Two colons that are in two texts would make a field.
        match shown.strip_prefix(':') {
            Some(rest) if self.line.ends_with(':') => {
                self.line.push_str("&#58;");
                self.line.push_str(rest);
            }
            _ => self.line.push_str(&shown),
        }
        if text.len() > 1 && text.ends_with(char::is_whitespace) {
            self.line.push(' ');
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let line = line.trim();
        if !line.is_empty() || self.item.is_some() {
            // Text that begins like a list would become one.
            let is_block = line.starts_with(['-', '+'])
                || line.split_once(['.', ')']).is_some_and(|(number, _)| {
                    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
                });
            let line = if is_block { format!("\u{200a}{line}") } else { line.to_owned() };
            self.push_lines(&line);
        }
    }

    /// Writes lines with the marks of the quotes and lists that they are in.
    fn push_lines(&mut self, text: &str) {
        let quote = "> ".repeat(self.n_quotes);
        let depth = self.lists.len().saturating_sub(1);
        for line in text.lines() {
            let indent = match (self.item.take(), self.lists.is_empty()) {
                (Some(mark), _) => format!("{}{mark}", "    ".repeat(depth)),
                (None, false) => "    ".repeat(depth + 1),
                (None, true) => String::new(),
            };
            self.written.push_str(format!("{quote}{indent}{line}").trim_end());
            self.written.push('\n');
        }
    }

    /// Ends a block by an empty line.
    fn gap(&mut self) {
        if !self.written.is_empty() && !self.written.ends_with("\n\n") {
            self.written.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structure_stays() {
        let text = "## Triage\n\nFirst *words*,\nthen **more**.\n\n### Steps\n\n- One [link](https://a.example/x).\n  - Two `code`.\n- Three.\n\n1. Call.\n2. Wait.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n> Quoted.\n\n```sh\nls\n```\n";
        assert_eq!(
            inert(text, 4),
            "#### Triage\n\nFirst words, then **more**.\n\n##### Steps\n\n- One [link](https://a.example/x).\n    - Two <code>code</code>.\n- Three.\n\n1. Call.\n2. Wait.\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\n> Quoted.\n\n```sh\nls\n```"
        );
    }

    #[test]
    fn nothing_of_others_has_effect() {
        let hostile = "Text <script>x</script> <img src=x onerror=y> [[Nowhere]] ![[embed]] key:: value [k:: v] `$= dv.pages()` `= this.file` <% tp.x %> $$x$$ %%hidden%% [a](javascript:x) [b](obsidian://x) #tag ^block\n\n```dataviewjs\ndv.pages()\n```\n\n```dataview\nLIST\n```\n\n~~~tasks\nx\n~~~\n\n<div onclick=x>\n\nkey\n:: value\n";
        let shown = inert(hostile, 4);
        for bad in [
            "<script",
            "<img",
            "<div",
            "[[",
            "![",
            "::",
            "`$=",
            "`= ",
            "<%",
            "$$",
            "%%",
            "](javascript",
            "](obsidian",
            " #tag",
            "^block",
            "```dataview",
            "```tasks",
        ] {
            assert!(!shown.contains(bad), "{bad} in {shown}");
        }
    }

    #[test]
    fn every_word_stays() {
        let text = "# A\n\ntext ~~gone~~ <b>bold</b> ![alt words](x.png)\n\n    indented code\n\n---\n\n[ref]: https://a.example\n\nuses [ref] and !{osquery{\"label\":\"Osquery\"}}\n\n* [ ] task\n";
        let shown = inert(text, 3);
        for word in ["A", "gone", "bold", "alt words", "indented code", "osquery", "label", "task"]
        {
            assert!(shown.contains(word), "{word} in {shown}");
        }
    }
}
