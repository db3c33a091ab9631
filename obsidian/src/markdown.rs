//! Other people's Markdown as Markdown that has no effect: structure stays, everything else is text.

use pulldown_cmark::{
    CodeBlockKind, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd, TextMergeStream,
};

use super::own_markdown::is_width;
use super::prose::{ESCAPED, address, block, escaped, inline, own, whole_code, wrapped};
use super::tables;
use languages::LANGUAGES;

mod comments;
mod languages;

/// Where links of a text lead to: the path of a page of the vault without its extension, by a link's target.
pub(crate) type Pages<'p> = &'p dyn Fn(&str) -> Option<String>;

/// Returns a text with its headings, lists, tables, quotes, callouts, code and web links, and with all else
/// inert. The highest heading becomes one of `level`.
pub(crate) fn inert(text: &str, level: usize) -> String {
    write(text, level, None)
}

/// Does the same with a person's own note, where all stays that Obsidian shows: line breaks, emphasis, highlights,
/// tags, formulas, links to other pages, footnotes and tasks. A link that leads to no page of the vault becomes its
/// text, and an embed a link.
pub(crate) fn personal(text: &str, level: usize, pages: Pages<'_>) -> String {
    write(text, level, Some(pages))
}

fn write(text: &str, level: usize, pages: Option<Pages<'_>>) -> String {
    let mut options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    if pages.is_some() {
        options |= Options::ENABLE_WIKILINKS
            | Options::ENABLE_FOOTNOTES
            | Options::ENABLE_TASKLISTS
            | Options::ENABLE_MATH;
    }
    let text = text.replace("\r\n", "\n");
    let text = if pages.is_some() { comments::as_html(&text) } else { text };
    let text = tables::whole(&text);
    let top = Parser::new_ext(&text, options).filter_map(|event| match event {
        Event::Start(Tag::Heading { level, .. }) => Some(level),
        _ => None,
    });
    let mut writer = Writer {
        level,
        top: top.min().unwrap_or(HeadingLevel::H1),
        pages,
        written: String::new(),
        line: String::new(),
        lists: Vec::new(),
        item: None,
        n_quotes: 0,
        links: Vec::new(),
        titles: Vec::new(),
        emphases: Vec::new(),
        is_heading: false,
        code: None,
        html: String::new(),
        cells: None,
        footnote: None,
    };
    let events = Parser::new_ext(&text, options).into_offset_iter().map(|(event, range)| {
        let before = range.start.checked_sub(1).and_then(|at| text.as_bytes().get(at));
        match event {
            // A character behind a backslash means nothing, also where it would in a person's note.
            Event::Text(words) if before == Some(&b'\\') && words.starts_with(['#', '=', '^']) => {
                Event::Text(format!("{ESCAPED}{words}").into())
            }
            other => other,
        }
    });
    for event in TextMergeStream::new(events) {
        writer.event(event);
    }
    writer.end_line();
    let parser = Parser::new_ext(&text, options);
    let mut definitions: Vec<_> = parser.reference_definitions().iter().collect();
    definitions.sort_by_key(|(_, definition)| definition.span.start);
    for (label, definition) in definitions {
        writer.definition(label, &definition.dest, definition.title.as_deref().unwrap_or_default());
    }
    // The thin space at the start of a line that would begin a block stays.
    writer.written.trim_matches(['\n', ' ']).to_owned()
}

/// A line that ends within a paragraph.
const BREAK: &str = "<br>";

fn is_break(html: &str) -> bool {
    let name = html.trim_start_matches('<').trim_end_matches(['>', '/', ' ']);
    name.eq_ignore_ascii_case("br")
}

/// Where a link leads to.
enum Target {
    /// An address on the web.
    Web(String),
    /// A page of the vault.
    Page(String),
    /// Nowhere: what is shown beside its text.
    Nowhere(String),
    /// A picture, by its address.
    Image(String),
}

struct Writer<'p> {
    level: usize,
    top: HeadingLevel,
    pages: Option<Pages<'p>>,
    written: String,
    /// The paragraph, heading or cell that is being read.
    line: String,
    /// The next number of each open list; `None` for bullets.
    lists: Vec<Option<u64>>,
    /// The mark of an item whose first line is not written yet.
    item: Option<String>,
    n_quotes: usize,
    /// Where in `line` the text of each open link starts, and where it leads to.
    links: Vec<(usize, Target)>,
    /// The titles of these links, which are words of the text too.
    titles: Vec<String>,
    /// Where in `line` the text of each open emphasis starts.
    emphases: Vec<usize>,
    /// Whether a heading is being read.
    is_heading: bool,
    /// The language and the text of the open code block.
    code: Option<(String, String)>,
    /// The open block of HTML.
    html: String,
    /// The cells of the open row, in a table.
    cells: Option<Vec<String>>,
    /// The mark of a footnote whose first line is not written yet.
    footnote: Option<String>,
}

impl Writer<'_> {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => match &mut self.code {
                Some((_, code)) => code.push_str(&text),
                None => self.text(&text),
            },
            Event::Code(text) => {
                let text = whole_code(&text);
                self.line.push_str(&text);
            }
            // The title of a callout is a line of its own.
            Event::SoftBreak | Event::HardBreak if self.n_quotes > 0 && is_callout(&self.line) => {
                self.end_line();
            }
            // Obsidian shows a single line break as one.
            Event::SoftBreak if self.pages.is_some() && self.is_prose() => self.line.push('\n'),
            Event::SoftBreak => self.line.push(' '),
            Event::HardBreak => self.line.push_str(BREAK),
            Event::InlineHtml(text) if is_break(&text) => self.line.push_str(BREAK),
            Event::Html(text) => self.html.push_str(&text),
            Event::InlineHtml(text) => self.html(&text),
            Event::Rule => self.end_line(),
            Event::InlineMath(text) => self.math(&text, "$"),
            Event::DisplayMath(text) => self.math(&text, "$$"),
            Event::FootnoteReference(label) => {
                self.line.push_str(&format!("[^{}]", label_of(&label)));
            }
            Event::TaskListMarker(is_done) => {
                self.line.push_str(if is_done { "[x] " } else { "[ ] " });
            }
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
            Tag::Link { dest_url, link_type, title, .. } => {
                let target = self.target(link_type, &dest_url);
                self.links.push((self.line.len(), target));
                self.titles.push(title.into_string());
            }
            Tag::Image { dest_url, link_type, title, .. } => {
                // A picture is not in the vault; the page of a note that is embedded may be.
                let target = match self.target(link_type, &dest_url) {
                    Target::Page(path) => Target::Page(path),
                    _ => Target::Image(dest_url.to_string()),
                };
                self.links.push((self.line.len(), target));
                self.titles.push(title.into_string());
            }
            Tag::FootnoteDefinition(label) => {
                self.end_line();
                self.gap();
                self.footnote = Some(format!("[^{}]: ", label_of(&label)));
            }
            Tag::TableHead | Tag::TableRow => self.cells = Some(Vec::new()),
            Tag::Strong => self.line.push_str("**"),
            Tag::Emphasis if self.pages.is_some() && self.is_prose() => {
                self.line.push('*');
                self.emphases.push(self.line.len());
            }
            Tag::Strikethrough => self.line.push_str("~~"),
            Tag::Paragraph | Tag::Heading { .. } | Tag::Table(_) | Tag::HtmlBlock => {
                self.end_line();
                self.is_heading = matches!(tag, Tag::Heading { .. });
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
                // One without words.
                if self.item.is_some() {
                    self.push_lines("\n");
                }
            }
            TagEnd::BlockQuote(_) => {
                self.end_line();
                self.n_quotes = self.n_quotes.saturating_sub(1);
                self.gap();
            }
            TagEnd::CodeBlock => {
                let Some((language, text)) = self.code.take() else { return };
                // Any name may be one that a plugin runs in Obsidian, so only those of languages stay; a diagram
                // of a person's own note is drawn.
                let first = language.split(' ').next().unwrap_or_default();
                let is_drawn = self.pages.is_some() && first == "mermaid";
                let is_known = first.is_empty()
                    || is_drawn
                    || LANGUAGES.contains(&first.to_lowercase().as_str());
                let kept = if is_known { first } else { "text" };
                let info = inline(&language);
                if kept != language.trim() && !info.is_empty() {
                    self.push_lines(&format!("{info}:"));
                    self.gap();
                }
                self.push_lines(&block(&text, kept));
                self.gap();
            }
            TagEnd::Link | TagEnd::Image => {
                let Some((start, target)) = self.links.pop() else { return };
                let mut shown = self.line.split_off(start.min(self.line.len()));
                if matches!(target, Target::Image(_)) {
                    shown = without_width(&shown).to_owned();
                }
                self.link(&shown, &target);
                let title = inline(&self.titles.pop().unwrap_or_default());
                if !title.is_empty() && title != shown {
                    self.line.push_str(&format!(" ({title})"));
                }
            }
            TagEnd::Strong => self.line.push_str("**"),
            TagEnd::Emphasis if self.pages.is_some() && self.is_prose() => {
                let start = self.emphases.pop().unwrap_or_default();
                // Marks around nothing would be those of something else.
                if start == self.line.len() {
                    self.line.truncate(start.saturating_sub(1));
                } else {
                    self.line.push('*');
                }
            }
            TagEnd::Strikethrough => self.line.push_str("~~"),
            TagEnd::Heading(level) => {
                self.is_heading = false;
                let depth = (level as usize).saturating_sub(self.top as usize);
                let text = std::mem::take(&mut self.line);
                let text = text.replace("**", "").replace(BREAK, " ");
                self.push_lines(&format!("{} {text}", "#".repeat((self.level + depth).min(6))));
                self.gap();
            }
            TagEnd::Paragraph | TagEnd::HtmlBlock => {
                let html = std::mem::take(&mut self.html);
                self.html(&html);
                self.end_line();
                if self.lists.is_empty() {
                    self.gap();
                }
            }
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.line);
                self.cells.get_or_insert_default().push(cell);
            }
            TagEnd::FootnoteDefinition => {
                self.end_line();
                self.gap();
            }
            TagEnd::TableHead => {
                let n_cells = self.cells.as_ref().map_or(0, Vec::len);
                self.row();
                self.push_lines(&format!("|{}", " --- |".repeat(n_cells)));
            }
            TagEnd::TableRow => self.row(),
            TagEnd::Table => self.gap(),
            _ => {}
        }
    }

    fn row(&mut self) {
        let cells = self.cells.take().unwrap_or_default();
        self.push_lines(&format!("| {} |", cells.join(" | ")));
    }

    /// Where a link leads to that is written so.
    fn target(&self, kind: LinkType, url: &str) -> Target {
        let Some(pages) = self.pages else {
            return address(url).map_or(Target::Nowhere(url.to_owned()), Target::Web);
        };
        let is_wikilink = matches!(kind, LinkType::WikiLink { .. });
        // In a table the bar of a link has a backslash in front.
        let url = if is_wikilink { url.trim_end_matches('\\') } else { url };
        match address(url).filter(|_| !is_wikilink) {
            Some(url) => Target::Web(url),
            None => pages(url).map_or(Target::Nowhere(url.to_owned()), Target::Page),
        }
    }

    /// Adds a link whose text is inert already.
    fn link(&mut self, shown: &str, target: &Target) {
        match target {
            Target::Web(url) => self.line.push_str(&format!("[{shown}]({url})")),
            Target::Page(path) => {
                let bar = if self.cells.is_some() { "\\|" } else { "|" };
                let shown = plain_text(shown);
                self.line.push_str(&format!("[[{path}{bar}{shown}]]"));
            }
            Target::Nowhere(beside) | Target::Image(beside) if shown.is_empty() => {
                self.line.push_str(&inline(beside));
            }
            Target::Nowhere(beside) | Target::Image(beside) => {
                self.line.push_str(shown);
                // A target that is not shown is a part of the note too.
                let beside = inline(beside);
                if !beside.is_empty() && beside != shown {
                    self.line.push_str(&format!(" ({beside})"));
                }
            }
        }
    }

    /// Adds text of others; blanks at its ends stay, as they divide it from what is beside it.
    fn text(&mut self, text: &str) {
        if text.starts_with(char::is_whitespace) {
            self.line.push(' ');
        }
        let mut shown = if self.pages.is_some() { own(text) } else { escaped(text) };
        if self.n_quotes > 0 && self.line.is_empty() {
            shown = callout(&shown).unwrap_or(shown);
        }
        // Two colons that are in two texts would make a field, and others a link or a comment.
        match shown.chars().next() {
            Some('=') if self.pages.is_some() => self.line.push_str(&shown),
            Some(first) if ":[%={".contains(first) && self.line.ends_with(first) => {
                self.line.push_str(&format!("&#{};", u32::from(first)));
                self.line.push_str(shown.get(1..).unwrap_or_default());
            }
            _ => self.line.push_str(&shown),
        }
        if text.len() > 1 && text.ends_with(char::is_whitespace) {
            self.line.push(' ');
        }
    }

    /// Returns true within a paragraph, an item or a cell, where neither a heading nor a link is being read.
    fn is_prose(&self) -> bool {
        !self.is_heading && self.links.is_empty()
    }

    /// Adds a formula. One that does more than to show something, or would mean something outside of a formula, is
    /// text.
    fn math(&mut self, text: &str, mark: &str) {
        let bare = text.replace('\n', " ");
        let means_more =
            ["`", "::", "%", "<%", "[[", "{{", "^^"].iter().any(|part| bare.contains(part))
                || bare.split('<').skip(1).any(|rest| rest.starts_with(is_of_html))
                || self.cells.is_some() && bare.contains('|');
        let does_more = MATH_COMMANDS.iter().any(|command| bare.contains(command));
        if self.is_prose() && !means_more && !does_more {
            self.line.push_str(&format!("{mark}{bare}{mark}"));
        } else {
            self.text(&format!("{mark}{bare}{mark}"));
        }
    }

    /// Adds raw HTML: a comment stays one, and all else is text.
    fn html(&mut self, html: &str) {
        let mut rest = html;
        while let Some((before, behind)) = rest.split_once("<!--") {
            if !before.trim().is_empty() {
                self.text(before);
            }
            let (words, after) = behind.split_once("-->").unwrap_or((behind, ""));
            let begins_line = self.line.is_empty() && self.cells.is_none();
            if !words.trim().is_empty() {
                self.line.push_str(&comments::comment(words, begins_line));
            }
            // All of the line that a comment begins is HTML.
            if begins_line && !after.trim().is_empty() {
                self.end_line();
            }
            rest = after;
        }
        if !rest.trim().is_empty() {
            self.text(rest);
        }
    }

    /// Adds a definition of a link that no link shows.
    fn definition(&mut self, label: &str, url: &str, title: &str) {
        let (label, title) = (inline(label), inline(title));
        let shown = address(url).map_or_else(|| inline(url), |url| format!("<{url}>"));
        let bare = shown.trim_matches(['<', '>']);
        if [label.as_str(), bare, &title].iter().any(|part| !self.written.contains(part)) {
            self.gap();
            let title = if title.is_empty() { title } else { format!(" ({title})") };
            self.push_lines(&format!("{label}: {shown}{title}"));
            self.gap();
        }
    }

    fn end_line(&mut self) {
        let text = std::mem::take(&mut self.line);
        let mut lines = Vec::new();
        let mut in_comment = false;
        for line in text.split('\n').map(str::trim).filter(|line| !line.is_empty()) {
            lines.push(wrapped(&if in_comment { line.to_owned() } else { as_text(line) }));
            let (opened, closed) = (line.rfind("<!--"), line.rfind("-->"));
            in_comment = opened > closed || in_comment && closed.is_none();
        }
        self.push_lines(&lines.join("\n"));
    }

    /// Writes lines with the marks of the quotes and lists that they are in.
    fn push_lines(&mut self, text: &str) {
        let quote = "> ".repeat(self.n_quotes);
        let depth = self.lists.len().saturating_sub(1);
        if let Some(mark) = self.footnote.take() {
            self.written.push_str(&mark);
        }
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

    /// Ends a block by an empty line, which is in the same quotes. One that is there is written anew, since a
    /// quote may have ended.
    fn gap(&mut self) {
        let is_mark = |c: char| matches!(c, '>' | ' ');
        while let Some(rest) = self.written.strip_suffix('\n') {
            let start = rest.rfind('\n').map_or(0, |at| at + 1);
            if !rest.get(start..).unwrap_or_default().chars().all(is_mark) {
                break;
            }
            self.written.truncate(start);
        }
        if !self.written.is_empty() {
            self.written.push_str("> ".repeat(self.n_quotes).trim_end());
            self.written.push('\n');
        }
    }
}

/// A line that begins no block: text that begins like a list, a block of HTML or the underline of a heading would
/// become one.
fn as_text(line: &str) -> String {
    let is_block = line.starts_with(['-', '+'])
        || line.bytes().all(|byte| byte == b'=')
        || line.split_once(['.', ')']).is_some_and(|(number, _)| {
            !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        })
        || line
            .strip_prefix("<!--")
            .and_then(|comment| comment.split_once("-->"))
            .is_some_and(|(_, behind)| !behind.is_empty());
    if is_block { format!("\u{200a}{line}") } else { line.to_owned() }
}

/// Commands of TeX that link, load, style or define.
const MATH_COMMANDS: [&str; 18] = [
    "\\href",
    "\\url",
    "\\class",
    "\\style",
    "\\css",
    "\\data",
    "\\require",
    "\\def",
    "\\gdef",
    "\\edef",
    "\\xdef",
    "\\let",
    "\\newcommand",
    "\\renewcommand",
    "\\newenvironment",
    "\\include",
    "\\html",
    "\\catcode",
];

/// What begins a tag of HTML, behind `<`.
fn is_of_html(character: char) -> bool {
    character.is_alphabetic() || matches!(character, '/' | '!' | '?')
}

/// The text of a picture without its width: `200`, `text|200`.
fn without_width(shown: &str) -> &str {
    match shown.rsplit_once("&#124;") {
        Some((text, width)) if is_width(width) => text,
        _ if is_width(shown) => "",
        _ => shown,
    }
}

/// The mark of a callout, `[!note]`, at the start of text that is inert already, as it is to be written.
fn callout(shown: &str) -> Option<String> {
    let rest = shown.strip_prefix("&#91;!")?;
    let (kind, rest) = rest.split_once("&#93;")?;
    let is_kind = !kind.is_empty()
        && kind.chars().all(|character| character.is_ascii_alphanumeric() || character == '-');
    is_kind.then(|| format!("[!{kind}]{rest}"))
}

/// Returns true if a line is the title of a callout.
fn is_callout(line: &str) -> bool {
    line.starts_with("[!")
}

/// The label of a footnote: letters and digits only.
fn label_of(label: &str) -> String {
    label.chars().map(|c| if c.is_alphanumeric() || c == '-' { c } else { '_' }).collect()
}

/// Inert text behind the bar of a link, where no markup has an effect.
fn plain_text(shown: &str) -> String {
    let marks = ["<code>", "</code>", "**", "~~"];
    let bare = marks.iter().fold(shown.replace(BREAK, " "), |text, mark| text.replace(mark, ""));
    let escaped = ["#", "=", "$", "*", "_", "~"];
    let bare =
        escaped.iter().fold(bare.replace("\\:", " :").replace("&#94;", "^"), |text, mark| {
            text.replace(&format!("\\{mark}"), mark)
        });
    bare.replace(['[', ']', '|', '`'], " ").trim().to_owned()
}

#[cfg(test)]
mod tests;
