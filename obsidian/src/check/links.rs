//! Links of a page, as Obsidian finds and resolves them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use icu_normalizer::ComposingNormalizerBorrowed;
use percent_encoding::percent_decode_str;
use pulldown_cmark::{Event, LinkType, Options, Parser, Tag, TagEnd};

/// What is found in the body of a page besides its lines: byte offset and text.
#[derive(Debug, Default)]
pub(super) struct Body {
    /// Targets of links and embeds.
    pub(super) links: Vec<(usize, Target)>,
    /// Inline code.
    pub(super) code: Vec<(usize, String)>,
    /// Where items of lists are, without the lists in them.
    pub(super) items: Vec<Range<usize>>,
}

/// Where a link of a page leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// `[[Page#Heading|text]]`, by its target.
    Wiki(String),
    /// `[text](page.md)`, by its address.
    Markdown(String),
}

/// Reads a body. What is in code, math and comments is no link.
pub(super) fn read(body: &str) -> Body {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_MATH
        | Options::ENABLE_WIKILINKS;
    let mut found = Body::default();
    let body = without_comments(body);
    // The starts of open items, and where the first list in each begins.
    let mut open: Vec<(usize, Option<usize>)> = Vec::new();
    for (event, range) in Parser::new_ext(&body, options).into_offset_iter() {
        match event {
            Event::Start(
                Tag::Link { link_type, dest_url, .. } | Tag::Image { link_type, dest_url, .. },
            ) => {
                let target = match link_type {
                    // In a table the bar of a link has a backslash in front.
                    LinkType::WikiLink { .. } => {
                        Target::Wiki(dest_url.trim_end_matches('\\').to_owned())
                    }
                    LinkType::Email | LinkType::Autolink => continue,
                    _ => Target::Markdown(dest_url.into_string()),
                };
                found.links.push((range.start, target));
            }
            Event::Start(Tag::Item) => open.push((range.start, None)),
            Event::Start(Tag::List(_)) => {
                if let Some((_, end)) = open.last_mut() {
                    end.get_or_insert(range.start);
                }
            }
            Event::End(TagEnd::Item) => {
                let item = open.pop();
                found.items.extend(item.map(|(start, end)| start..end.unwrap_or(range.end)));
            }
            Event::Code(code) => found.code.push((range.start, code.into_string())),
            _ => {}
        }
    }
    found
}

/// Links in a value of front matter: wikilinks alone.
pub(super) fn in_value(text: &str) -> Vec<Target> {
    let parts = text.split("[[").skip(1).filter_map(|part| part.split_once("]]"));
    let target = |inner: &str| inner.split('|').next().unwrap_or_default().to_owned();
    parts.map(|(inner, _)| Target::Wiki(target(inner))).collect()
}

/// A body with letters in place of Obsidian's comments, `%% ... %%`, outside of code.
fn without_comments(body: &str) -> String {
    let mut written = String::with_capacity(body.len());
    let mut fence: Option<String> = None;
    let mut is_comment = false;
    for line in body.split_inclusive('\n') {
        let trimmed = line.trim();
        let marks: String = trimmed.chars().take_while(|c| matches!(c, '`' | '~')).collect();
        match &fence {
            Some(open) if !is_comment => {
                if trimmed.starts_with(open.as_str()) && trimmed.len() == marks.len() {
                    fence = None;
                }
                written.push_str(line);
                continue;
            }
            None if !is_comment && marks.len() >= 3 => {
                fence = Some(marks);
                written.push_str(line);
                continue;
            }
            _ => {}
        }
        let mut is_code = false;
        let mut rest = line;
        while let Some(character) = rest.chars().next() {
            if !is_code && rest.starts_with("%%") {
                is_comment = !is_comment;
                written.push_str("xx");
                rest = rest.get(2..).unwrap_or_default();
                continue;
            }
            if character == '`' && !is_comment {
                is_code = !is_code;
            }
            if is_comment && character != '\n' {
                // As many bytes, so that places stay; blanks at the start of a line would mean code.
                written.extend(std::iter::repeat_n('x', character.len_utf8()));
            } else {
                written.push(character);
            }
            rest = rest.get(character.len_utf8()..).unwrap_or_default();
        }
    }
    written
}

/// All files of a vault, by the ends of their paths.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// Whole paths.
    paths: BTreeSet<String>,
    /// Paths by their last part.
    by_name: BTreeMap<String, Vec<String>>,
    /// Paths of folders.
    folders: BTreeSet<String>,
}

impl Files {
    pub(super) fn new<'p>(paths: impl Iterator<Item = &'p str>) -> Files {
        let mut files = Files::default();
        for path in paths {
            let path = folded(path);
            let name = path.rsplit('/').next().unwrap_or(&path).to_owned();
            let mut folder = path.as_str();
            while let Some((parent, _)) = folder.rsplit_once('/') {
                files.folders.insert(parent.to_owned());
                folder = parent;
            }
            files.by_name.entry(name).or_default().push(path.clone());
            files.paths.insert(path);
        }
        files
    }

    /// Returns true if a link of the page at `from` leads to a file of the vault, or is none to a file.
    pub(super) fn resolves(&self, from: &str, target: &Target) -> bool {
        match target {
            Target::Wiki(target) => {
                let target = target.split('#').next().unwrap_or_default().trim();
                target.is_empty() || self.finds(from, target)
            }
            Target::Markdown(address) => {
                let path = address.split(['#', '?']).next().unwrap_or_default();
                let path = percent_decode_str(path).decode_utf8_lossy();
                // A template is filled in before it is a page.
                let is_template = ["{{", "<%"].iter().any(|mark| address.contains(mark));
                path.trim().is_empty()
                    || is_template
                    || has_scheme(address)
                    || self.finds(from, path.trim())
                    || self.is_folder(from, &path)
            }
        }
    }

    /// A link is relative to its page or to the vault, or is the end of a path; `.md` may be left out.
    fn finds(&self, from: &str, target: &str) -> bool {
        let target = folded(target);
        let names = [target.clone(), format!("{target}.md")];
        let folder = folded(from);
        let folder = folder.rsplit_once('/').map_or("", |(folder, _)| folder);
        for name in &names {
            let relative = joined(folder, name);
            if relative.is_some_and(|path| self.paths.contains(&path)) {
                return true;
            }
            let inside = name.trim_start_matches('/');
            if self.paths.contains(inside) {
                return true;
            }
            let end = format!("/{inside}");
            let last = inside.rsplit('/').next().unwrap_or(inside);
            let is_relative = name.starts_with("./") || name.starts_with("../");
            let same = self.by_name.get(last).filter(|_| !is_relative);
            if same.into_iter().flatten().any(|path| path.ends_with(&end)) {
                return true;
            }
        }
        false
    }

    fn is_folder(&self, from: &str, path: &str) -> bool {
        let from = folded(from);
        let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
        let path = folded(path.trim_end_matches('/'));
        let inside = path.trim_start_matches('/').to_owned();
        let relative = joined(folder, &path);
        [Some(inside), relative]
            .into_iter()
            .flatten()
            .any(|it| it.is_empty() || self.folders.contains(&it))
    }
}

/// A path in one spelling: lower case, letters with their marks composed, and blanks that do not break a line as
/// others.
fn folded(path: &str) -> String {
    let path = path.replace('\u{a0}', " ");
    ComposingNormalizerBorrowed::new_nfc().normalize(&path).to_lowercase()
}

/// A path relative to a folder; `None` where it leaves the vault.
fn joined(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            other => parts.push(other),
        }
    }
    Some(parts.join("/"))
}

/// Returns true if an address begins with a scheme, as `https:` or `mailto:`.
fn has_scheme(address: &str) -> bool {
    let scheme = address.split_once(':').map(|(scheme, _)| scheme);
    address.starts_with("//")
        || scheme.is_some_and(|scheme| {
            scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_where_obsidian_finds_them() {
        let body = "`[[Page Name]]` and [[One]], ![[p.png]], [[ Two |x]]\n\n~~~bash\nif [[ -z x ]]\n~~~\n\n    [[ -f x ]]\n\n%% [[hidden]]\n[[hidden]] %% [[Three]]\n\n<!-- [[html]] -->\n\n$[[1,2],[3,4]]$\n\n- list\n\n    ```bash\n    [[ a ]]\n    ```\n\n| a | b |\n| --- | --- |\n| x | [[Four\\|y]] |\n\n[a](b.md) <https://x.example> [w](https://x.example)\n";
        let found = read(body);
        let shown = found.links.iter().map(|(_, target)| match target {
            Target::Wiki(target) => target.trim(),
            Target::Markdown(target) => target,
        });
        assert_eq!(
            shown.collect::<Vec<_>>(),
            ["One", "p.png", "Two", "Three", "Four", "b.md", "https://x.example"]
        );
        assert_eq!(found.code, [(0, "[[Page Name]]".to_owned())]);
    }

    #[test]
    fn links_lead_where_obsidian_follows_them() {
        let paths = [
            "Projects/release v2.4 notes.md",
            "Team/Runbooks/isolate.md",
            "Team/other.md",
            "Team/diagram.png",
            "Cafe\u{301} analysis.md",
        ];
        let files = Files::new(paths.into_iter());
        for (target, expect) in [
            ("Projects/release v2.4 notes", true),
            ("release v2.4 notes", true),
            ("isolate.md", true),
            ("ISOLATE", true),
            ("Runbooks/isolate", true),
            ("../Projects/release v2.4 notes", true),
            ("./other", true),
            ("./isolate", false),
            ("isolate#Steps", true),
            ("#Here", true),
            ("diagram.png", true),
            ("diagram", false),
            ("books/isolate", false),
            ("Caf\u{e9} analysis", true),
            ("Caf\u{e9}\u{a0}analysis", true),
            ("CAF\u{c9} ANALYSIS", true),
            ("gone", false),
        ] {
            let wiki = Target::Wiki(target.into());
            assert_eq!(files.resolves("Team/context.md", &wiki), expect, "{target}");
        }
        for (address, expect) in [
            ("other.md", true),
            ("isolate.md", true),
            ("../Projects/release%20v2.4%20notes.md#x", true),
            ("/Team/other.md", true),
            ("https://x.example/y.md", true),
            ("mailto:a@b.example", true),
            ("#heading", true),
            ("Runbooks/", true),
            ("gone.md", false),
        ] {
            let markdown = Target::Markdown(address.into());
            assert_eq!(files.resolves("Team/context.md", &markdown), expect, "{address}");
        }
    }
}
