//! What was learned, added to a policy that people keep: their lines, comments and order stay as they are.
//!
//! The policy is not written anew. Its places are read, and lines are put in behind those that are there; of a list
//! in brackets the entries go before the bracket.

use std::collections::BTreeSet;
use std::sync::Arc;

use diagnostics::SourceText;
use diagnostics::yaml::{Kind, Node};

use super::families::Family;
use super::write::{anywhere, comment, comment_of, entry, others, policy_of, quoted};
use super::{LearnedGroup, group, learn};
use crate::uses::Uses;

/// A policy with what was learned in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// Its text.
    pub text: String,
    /// How many entries were added.
    pub n_added: usize,
    /// What was not added, and why: a sentence each.
    pub left_out: Vec<String>,
}

/// Adds to a policy what it does not list of what was used. Sources that are in a group of its `allow` are in that
/// group; others are grouped as [`learn`] does, at most `n_groups` of them.
///
/// # Errors
/// The text is not a policy whose lists can be added to; the sentence says what to change.
pub fn merge(uses: &Uses, n_groups: usize, text: &str) -> Result<Merged, String> {
    let mut broken = Vec::new();
    let documents =
        diagnostics::yaml::read(&SourceText::new(&Arc::from("policy"), text), &mut broken);
    let [Node { kind: Kind::Map(top), .. }] = documents.as_slice() else {
        return Err("it is not one map of YAML".to_owned());
    };
    let mut edits = Edits::new(text);
    let mut left_out = Vec::new();
    let allow = value(top, "allow");
    let groups = match allow.map(|node| &node.kind) {
        Some(Kind::List(groups)) => groups.as_slice(),
        _ => &[],
    };
    let mut names: BTreeSet<String> = BTreeSet::new();
    for node in groups {
        let Kind::Map(keys) = &node.kind else { continue };
        let Some(name) = value(keys, "group").and_then(Node::text) else { continue };
        names.insert(name.to_owned());
        let members: BTreeSet<String> = uses.of_group(name).map(str::to_owned).collect();
        if members.is_empty() {
            continue;
        }
        let family = Family { name: name.to_owned(), patterns: BTreeSet::new(), members };
        let learned = group(uses, &family);
        edits.add_to_group(node, keys, &learned)?;
        if let Some(of) = learned.others.filter(|_| value(keys, "others").is_none()) {
            let (name, how) = (name.escape_debug(), others(&learned));
            left_out.push(format!(
                "{} hosts of group `{name}` are mostly used once: write `others: {how}` if it may use them all",
                of.n_hosts
            ));
        }
    }
    let sources = value(top, "sources");
    if let Some(Node { kind: Kind::Map(groups), .. }) = sources {
        names.extend(groups.iter().filter_map(|(key, _)| key.text().map(str::to_owned)));
    }
    let mut new = learn(&uses.without_groups(), n_groups);
    for group in &mut new {
        let name = group.name.clone();
        let numbered = (2_u32..).map(|number| format!("{name} {number}"));
        let mut free = std::iter::once(name.clone()).chain(numbered);
        group.name = free.find(|name| !names.contains(name)).unwrap_or_default();
        names.insert(group.name.clone());
    }
    if !new.is_empty() {
        edits.add_groups(sources, allow, groups, &new)?;
    }
    let n_added = edits.n_added;
    Ok(Merged { text: edits.applied(), n_added, left_out })
}

/// The value of a key.
fn value<'n>(keys: &'n [(Node, Node)], name: &str) -> Option<&'n Node> {
    keys.iter().find(|(key, _)| key.text() == Some(name)).map(|(_, value)| value)
}

/// Texts to put in, each at a place of the old text.
struct Edits<'t> {
    text: &'t str,
    /// Where each line starts, and the end of the text.
    starts: Vec<usize>,
    /// By place; those of one place in the order in which they are added.
    inserted: Vec<(usize, String)>,
    n_added: usize,
}

impl<'t> Edits<'t> {
    fn new(text: &'t str) -> Self {
        let ends = text.split_inclusive('\n').scan(0, |end, line| {
            *end += line.len();
            Some(*end)
        });
        let starts = std::iter::once(0).chain(ends).collect();
        Edits { text, starts, inserted: Vec::new(), n_added: 0 }
    }

    /// The old text with all that is put in.
    fn applied(mut self) -> String {
        self.inserted.sort_by_key(|(at, _)| *at);
        let mut text = String::with_capacity(self.text.len());
        let mut from = 0;
        for (at, inserted) in &self.inserted {
            text += self.text.get(from..*at).unwrap_or_default();
            if inserted.ends_with('\n') && !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
            text += inserted;
            from = *at;
        }
        text + self.text.get(from..).unwrap_or_default()
    }

    /// The line of this number, from 1.
    fn line(&self, number: u32) -> &'t str {
        let start = self.starts.get((number as usize).saturating_sub(1)).copied();
        let end = self.starts.get(number as usize).copied().unwrap_or(self.text.len());
        self.text.get(start.unwrap_or(self.text.len())..end).unwrap_or_default()
    }

    /// The place of a line and column, which counts characters from 1.
    fn at(&self, line: u32, column: u32) -> usize {
        let start = self.starts.get((line as usize).saturating_sub(1)).copied();
        let start = start.unwrap_or(self.text.len());
        let n_before = column.saturating_sub(1) as usize;
        let of_line = self.line(line).char_indices().nth(n_before);
        start + of_line.map_or(self.line(line).len(), |(at, _)| at)
    }

    /// The place behind a line.
    fn behind(&self, line: u32) -> usize {
        self.starts.get(line as usize).copied().unwrap_or(self.text.len())
    }

    /// The first character of a node as it is written.
    fn first(&self, node: &Node) -> Option<char> {
        self.text.get(self.at(node.span.line, node.span.column)..)?.chars().next()
    }

    /// The last line that a node has, whatever follows it.
    fn last_line(&self, node: &Node) -> u32 {
        let span = node.span;
        let own = if span.end_column > 1 || span.end_line == span.line {
            span.end_line
        } else {
            span.end_line - 1
        };
        if matches!(self.first(node), Some('[' | '{' | '"' | '\'')) {
            return own;
        }
        match &node.kind {
            Kind::List(nodes) => {
                nodes.iter().map(|node| self.last_line(node)).max().unwrap_or(span.line)
            }
            Kind::Map(keys) => {
                let lines =
                    keys.iter().map(|(key, value)| self.last_line(key).max(self.last_line(value)));
                lines.max().unwrap_or(span.line)
            }
            // A plain text ends where its line does.
            Kind::Scalar { .. } => span.line.max(own.min(span.line)),
        }
    }

    fn add_to_group(
        &mut self,
        node: &Node,
        keys: &[(Node, Node)],
        learned: &LearnedGroup,
    ) -> Result<(), String> {
        let mut services: Vec<(String, String)> = Vec::new();
        let anywhere = anywhere(learned).into_iter();
        services.extend(anywhere.map(|entry| (entry, "done with many services".to_owned())));
        services
            .extend(learned.services.iter().map(|service| (entry(service), comment_of(service))));
        let hosts = learned.hosts.iter().map(|(host, count)| (quoted(host), comment(count)));
        let mut lists = [("services", services), ("hosts", hosts.collect())];
        // What goes into a list that is there comes before a list that is new behind it.
        lists.sort_by_key(|(key, _)| value(keys, key).is_none());
        for (key, items) in lists {
            if items.is_empty() {
                continue;
            }
            if self.first(node) == Some('{') {
                let name = learned.name.escape_debug();
                return Err(format!(
                    "group `{name}` is written in braces: give each of its keys a line of its own"
                ));
            }
            self.n_added += items.len();
            match (value(keys, key), keys.first()) {
                (Some(list), _) => self.add_items(list, &items),
                (None, Some((first, _))) => {
                    let indent = " ".repeat(first.span.column.saturating_sub(1) as usize);
                    let mut lines = format!("{indent}{key}:\n");
                    for (item, comment) in &items {
                        lines += &format!("{indent}  - {item}    # {comment}\n");
                    }
                    let at = self.behind(self.last_line(node));
                    self.inserted.push((at, lines));
                }
                (None, None) => {}
            }
        }
        Ok(())
    }

    /// Adds items to a list, behind its last one.
    fn add_items(&mut self, list: &Node, items: &[(String, String)]) {
        let Kind::List(nodes) = &list.kind else { return };
        if self.first(list) == Some('[') {
            let at = self.at(list.span.end_line, list.span.end_column.saturating_sub(1));
            // A comma may be behind the last entry already, and a comment behind that.
            let ends = nodes.last().is_none_or(|last| {
                let end = self.at(last.span.end_line, last.span.end_column);
                let rest = self.text.get(end..at).unwrap_or_default().lines();
                let mut code = rest.map(|line| line.split('#').next().unwrap_or_default());
                code.any(|code| code.contains(','))
            });
            for (idx, (item, _)) in items.iter().enumerate() {
                let comma = if idx == 0 && ends { "" } else { ", " };
                self.inserted.push((at, format!("{comma}{item}")));
            }
            return;
        }
        let first = nodes.first().map_or("", |node| self.line(node.span.line));
        let indent: String = first.chars().take_while(|char| *char == ' ').collect();
        let at = self.behind(self.last_line(list));
        let lines =
            items.iter().map(|(item, comment)| format!("{indent}- {item}    # {comment}\n"));
        self.inserted.push((at, lines.collect()));
    }

    /// Adds groups of sources that the policy does not know: behind those that are there, but before one that has
    /// everybody.
    fn add_groups(
        &mut self,
        sources: Option<&Node>,
        allow: Option<&Node>,
        groups: &[Node],
        new: &[LearnedGroup],
    ) -> Result<(), String> {
        let counts = new.iter().map(|group| group.services.len() + group.hosts.len());
        self.n_added += counts.sum::<usize>();
        let (of_sources, of_allow) = policy_of(new);
        let in_brackets = |node: Option<&Node>, edits: &Self| {
            node.is_some_and(|node| matches!(edits.first(node), Some('[' | '{')))
        };
        if in_brackets(sources, self) || in_brackets(allow, self) {
            return Err(
                "`sources` or `allow` is written in brackets: give each entry a line of its own"
                    .to_owned(),
            );
        }
        let begin = allow.map_or(self.text.len(), |node| {
            // The line of the key is before that of its list.
            let line = (1..node.span.line).rev().find(|line| self.line(*line).starts_with("allow"));
            line.map_or(self.text.len(), |line| self.at(line, 1))
        });
        match sources {
            Some(node) => {
                let at = self.behind(self.last_line(node));
                let indent = " ".repeat(node.span.column.saturating_sub(1) as usize);
                let lines =
                    of_sources.lines().map(|line| format!("{indent}{}\n", line.trim_start()));
                self.inserted.push((at, lines.collect()));
            }
            None => self.inserted.push((begin, format!("sources:\n{of_sources}"))),
        }
        let Some(allow) = allow else {
            self.inserted.push((self.text.len(), format!("allow:\n{of_allow}")));
            return Ok(());
        };
        let is_everybody = |node: &&Node| match &node.kind {
            Kind::Map(keys) => value(keys, "sources").is_none(),
            _ => false,
        };
        let (at, first) = match groups.iter().find(is_everybody) {
            Some(node) => (self.at(node.span.line, 1), groups.first()),
            None => (self.behind(self.last_line(allow)), groups.first()),
        };
        let first = first.map_or("  - ", |node| self.line(node.span.line));
        let indent: String = first.chars().take_while(|char| *char == ' ').collect();
        let lines = of_allow
            .lines()
            .map(|line| format!("{indent}{}\n", line.strip_prefix("  ").unwrap_or(line)));
        self.inserted.push((at, lines.collect()));
        Ok(())
    }
}
