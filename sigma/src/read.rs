//! Sigma text to rules.

mod correlation;
mod document;
mod filter;
mod search;

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use inspect::pack::Level;

use crate::codes;
use crate::condition::{self, NameKind, Names};
use crate::correlation::Correlation;
use crate::filter::Filter;
use crate::limits::MAX_REPEATED_PARTS;
use crate::regex::FileRegexes;
use crate::rule::{Condition, Logsource, Metadata, Rule, Selection};
use crate::source::Source;
use diagnostics::yaml::{self, Kind, Node};
use diagnostics::{Code, Diagnostic, Fix, Span, closest};
use document::{Collection, Document};

/// What a text held.
#[derive(Debug, Default)]
pub struct Parsed {
    /// The rules that can be run.
    pub rules: Vec<Rule>,
    /// The correlations.
    pub correlations: Vec<Correlation>,
    /// The filters.
    pub filters: Vec<Filter>,
    /// Rules, correlations and filters that were read, also those that were refused.
    pub n_read: usize,
    /// Everything that is wrong, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
}

impl Parsed {
    /// Rules, correlations and filters that were refused.
    pub fn n_refused(&self) -> usize {
        self.n_read - self.rules.len() - self.correlations.len() - self.filters.len()
    }
}

/// Reads all rules, correlations and filters of a text. What is wrong with one does not touch the others.
pub fn parse(source: &Source<'_>) -> Parsed {
    let mut parsed = Parsed::default();
    let n_broken = parsed.diagnostics.len();
    let mut shared = Vec::new();
    let documents = yaml::read_shared(&source.written(), &mut parsed.diagnostics, &mut shared);
    // A text that is not YAML was meant to be a rule.
    parsed.n_read += usize::from(parsed.diagnostics.len() > n_broken);
    let mut collection = Collection::default();
    let mut budget = FileBudget { regexes: FileRegexes::new(), n_repeated: 0 };
    for document in &documents {
        if matches!(document.scalar(), Some(yaml::Scalar::Null)) && documents.len() > 1 {
            // An empty document behind the last `---`.
            continue;
        }
        let n_refused = parsed.n_refused();
        let mut reader = Reader {
            source,
            diagnostics: &mut parsed.diagnostics,
            budget: &mut budget,
            refused: false,
        };
        let document = collection.take(&mut reader, document);
        parsed.n_read += usize::from(!matches!(document, Document::Nothing));
        match document {
            Document::Rule(node) => parsed.rules.extend(reader.rule(&node)),
            Document::Correlation(node) => parsed.correlations.extend(reader.correlation(&node)),
            Document::Filter(node) => parsed.filters.extend(reader.filter(&node)),
            Document::Nothing | Document::Refused => {}
        }
        let is_refused = reader.refused;
        debug_assert_eq!(parsed.n_refused() > n_refused, is_refused, "every refusal has a finding");
    }
    let shared = if collection.has_joined() { vec![Span::ALL] } else { Span::joined(shared) };
    for diagnostic in &mut parsed.diagnostics {
        diagnostic.fix.take_if(|fix| fix.touches(&shared));
    }
    let shared: Arc<[Span]> = shared.into();
    for rule in &mut parsed.rules {
        rule.shared = Arc::clone(&shared);
    }
    parsed.diagnostics.sort_by(|left, right| left.place.cmp(&right.place));
    parsed
}

/// Reads one document.
struct Reader<'s, 'd> {
    source: &'s Source<'s>,
    diagnostics: &'d mut Vec<Diagnostic>,
    budget: &'d mut FileBudget,
    refused: bool,
}

/// What the rules of one file have used of its bounds.
struct FileBudget {
    regexes: FileRegexes,
    /// Parts of conditions beyond what is written.
    n_repeated: usize,
}

/// What a document is, by the words that findings call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DocumentKind {
    Rule,
    Correlation,
    Filter,
}

impl DocumentKind {
    fn as_str(self) -> &'static str {
        match self {
            DocumentKind::Rule => "rule",
            DocumentKind::Correlation => "correlation",
            DocumentKind::Filter => "filter",
        }
    }
}

/// Which map is read: it decides the code of the finding where the node is not a map.
#[derive(Clone, Copy, Debug)]
enum MapOf<'k> {
    Document(DocumentKind),
    Key(&'k str),
}

impl MapOf<'_> {
    fn code(self) -> &'static Code {
        match self {
            MapOf::Document(_) => &codes::NOT_A_RULE,
            MapOf::Key(_) => &codes::WRONG_TYPE,
        }
    }
}

impl fmt::Display for MapOf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MapOf::Document(kind) => write!(f, "a Sigma {}", kind.as_str()),
            MapOf::Key(key) => write!(f, "`{key}`"),
        }
    }
}

/// The values of `status`.
pub const STATUSES: &[&str] = &["stable", "test", "experimental", "deprecated", "unsupported"];

/// The values of `level`, the least first.
pub const LEVELS: &[(&str, Level)] = &[
    ("informational", Level::Informational),
    ("low", Level::Low),
    ("medium", Level::Medium),
    ("high", Level::High),
    ("critical", Level::Critical),
];

impl Reader<'_, '_> {
    fn refuse(
        &mut self,
        code: &'static Code,
        span: Span,
        message: String,
        help: impl Into<String>,
    ) {
        self.refused = true;
        let place = self.source.place(span);
        self.diagnostics.push(Diagnostic { code, message, help: help.into(), place, fix: None });
    }

    /// Offers to write `near` at a place, as the fix of the last finding.
    fn fix(&mut self, near: Option<&str>, at: Option<Span>) {
        let (Some(near), Some(at), Some(last)) = (near, at, self.diagnostics.last_mut()) else {
            return;
        };
        last.fix = Some(Box::new(Fix::replace(at, near)));
    }

    fn rule(&mut self, document: &Node) -> Option<Rule> {
        let kind = DocumentKind::Rule;
        let map = self.map(document, MapOf::Document(kind))?;
        let metadata = self.metadata(kind, map, document.span);
        let logsource = self.logsource(kind, map, document.span);
        let (selections, condition) = self.detection(map, document.span, &logsource);
        if self.refused {
            return None;
        }
        Some(Rule {
            file: self.source.name.into(),
            span: document.span,
            shared: Arc::default(),
            metadata,
            logsource,
            selections,
            condition: condition?,
        })
    }

    /// The entries of a map, each key once.
    fn map<'n>(&mut self, node: &'n Node, what: MapOf<'_>) -> Option<&'n [(Node, Node)]> {
        let Kind::Map(map) = &node.kind else {
            let help = "write `key: value` lines; a rule has at least `title`, `logsource` and `detection`";
            self.refuse(what.code(), node.span, format!("{what} must be a map"), help);
            return None;
        };
        let mut names = HashSet::with_capacity(map.len());
        for (key, _) in map {
            let Some(name) = key.text() else {
                self.refuse(
                    &codes::WRONG_TYPE,
                    key.span,
                    format!("a key of {what} is not text"),
                    "write the key as a word",
                );
                continue;
            };
            if !names.insert(name) {
                let message = format!("`{name}` is a duplicate key");
                let help = "keep one of the two, or join their values into a list";
                self.refuse(&diagnostics::codes::DUPLICATE_KEY, key.span, message, help);
            }
        }
        Some(map)
    }

    fn metadata(&mut self, kind: DocumentKind, map: &[(Node, Node)], span: Span) -> Metadata {
        let mut metadata = Metadata::default();
        for (key, value) in map {
            match key.text().unwrap_or_default() {
                "title" => metadata.title = self.text("title", value).unwrap_or_default(),
                "id" => metadata.id = self.text("id", value),
                "name" => metadata.name = self.text("name", value),
                "status" => metadata.status = self.one_of("status", value, STATUSES),
                "description" => metadata.description = self.text("description", value),
                "license" => metadata.license = self.text("license", value),
                "author" => metadata.author = self.text("author", value),
                "references" => metadata.references = self.list("references", value),
                "date" => metadata.date = self.text("date", value),
                "modified" => metadata.modified = self.text("modified", value),
                "tags" => metadata.tags = self.list("tags", value),
                "falsepositives" => metadata.falsepositives = self.list("falsepositives", value),
                "fields" => metadata.fields = self.list("fields", value),
                "level" => {
                    let names: Vec<_> = LEVELS.iter().map(|(name, _)| *name).collect();
                    let name = self.one_of("level", value, &names);
                    let level = LEVELS.iter().find(|(level, _)| name.as_deref() == Some(*level));
                    metadata.level = level.map(|(_, level)| *level);
                }
                // The specification allows custom keys.
                _ => {}
            }
        }
        // A title of the wrong kind has its finding already; null is none.
        let given = map.iter().find(|(key, _)| key.text() == Some("title"));
        let is_empty = |title: &Node| match title.text() {
            Some(text) => text.trim().is_empty(),
            None => title.scalar().is_some(),
        };
        if given.is_none_or(|(_, title)| is_empty(title)) {
            self.missing(kind, "title", span, "say in a few words what the rule detects");
        }
        metadata
    }

    fn missing(&mut self, kind: DocumentKind, key: &str, span: Span, help: &str) {
        let span = Span::point(span.line, span.column);
        self.refuse(
            &codes::MISSING_KEY,
            span,
            format!("the {} has no `{key}`", kind.as_str()),
            help,
        );
    }

    /// A text; null counts as absent.
    fn text(&mut self, key: &str, node: &Node) -> Option<String> {
        match node.text() {
            Some(text) => Some(text.trim().to_owned()),
            None if node.scalar() == Some(yaml::Scalar::Null) => None,
            None => {
                let message = format!("`{key}` must be text");
                self.refuse(&codes::WRONG_TYPE, node.span, message, "write one text after the key");
                None
            }
        }
    }

    fn one_of(&mut self, key: &str, node: &Node, allowed: &[&str]) -> Option<String> {
        let text = self.text(key, node)?;
        if allowed.contains(&text.as_str()) {
            return Some(text);
        }
        let near = closest(&text, allowed.iter().copied());
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("use one of {}", allowed.join(", ")),
        };
        self.refuse(&codes::UNKNOWN_VALUE, node.span, format!("`{text}` is not a {key}"), help);
        self.fix(near, node.part(0..text.chars().count()));
        None
    }

    /// A list of texts; a single text is a list of one, as rules in the field write it.
    fn list(&mut self, key: &str, node: &Node) -> Vec<String> {
        let Kind::List(list) = &node.kind else {
            return self.text(key, node).into_iter().collect();
        };
        list.iter().filter_map(|node| self.text(key, node)).collect()
    }

    fn logsource(&mut self, kind: DocumentKind, map: &[(Node, Node)], span: Span) -> Logsource {
        let mut logsource = Logsource::default();
        let Some((_, node)) = map.iter().find(|(key, _)| key.text() == Some("logsource")) else {
            self.missing(
                kind,
                "logsource",
                span,
                "say which logs the rule is for, as `category: proxy`",
            );
            return logsource;
        };
        for (key, value) in self.map(node, MapOf::Key("logsource")).unwrap_or_default() {
            match key.text().unwrap_or_default() {
                "category" => logsource.category = self.text("category", value),
                "product" => logsource.product = self.text("product", value),
                "service" => logsource.service = self.text("service", value),
                // `definition` and custom attributes.
                _ => {}
            }
        }
        logsource
    }

    fn detection(
        &mut self,
        map: &[(Node, Node)],
        span: Span,
        logsource: &Logsource,
    ) -> (Vec<Selection>, Option<Condition>) {
        let Some((_, node)) = map.iter().find(|(key, _)| key.text() == Some("detection")) else {
            self.missing(
                DocumentKind::Rule,
                "detection",
                span,
                "say what to look for, and the `condition`",
            );
            return (Vec::new(), None);
        };
        let map = self.map(node, MapOf::Key("detection")).unwrap_or_default();
        self.searches(DocumentKind::Rule, map, node.span, logsource)
    }

    /// The search identifiers of a detection or a filter, and its condition.
    fn searches(
        &mut self,
        kind: DocumentKind,
        map: &[(Node, Node)],
        span: Span,
        logsource: &Logsource,
    ) -> (Vec<Selection>, Option<Condition>) {
        let mut selections = Vec::new();
        for (key, value) in map {
            let name = key.text().unwrap_or_default();
            let is_rules = kind == DocumentKind::Filter && name == "rules";
            if matches!(name, "condition" | "timeframe") || is_rules {
                continue;
            }
            let search = self.search(name, value, logsource);
            selections.push(Selection { name: name.to_owned(), span: key.span, search });
        }
        let Some((_, node)) = map.iter().find(|(key, _)| key.text() == Some("condition")) else {
            let help = "say how the search identifiers are combined, as `condition: selection`";
            self.missing(kind, "condition", span, help);
            return (selections, None);
        };
        let conditions = match &node.kind {
            Kind::List(list) => list.as_slice(),
            Kind::Scalar { .. } | Kind::Map(_) => std::slice::from_ref(node),
        };
        if conditions.is_empty() {
            let help = "say how the search identifiers are combined, as `condition: selection`";
            let message = "the list of conditions is empty".into();
            self.refuse(&codes::BROKEN_CONDITION, node.span, message, help);
        }
        let mut any = Vec::new();
        let mut names = Names::new(NameKind::Searches, &selections);
        for node in conditions {
            any.extend(self.condition(node, &mut names));
            if self.budget.n_repeated > MAX_REPEATED_PARTS {
                // The others would be refused for the same reason.
                break;
            }
        }
        let complete = any.len() == conditions.len();
        let condition = if any.len() == 1 { any.pop() } else { Some(Condition::Any(any)) };
        (selections, condition.filter(|_| complete))
    }

    fn condition(&mut self, node: &Node, names: &mut Names<'_>) -> Option<Condition> {
        let Some(text) = node.text() else {
            let help = "write the condition as one text, or a list of texts";
            self.refuse(&codes::WRONG_TYPE, node.span, "`condition` must be text".into(), help);
            return None;
        };
        let place = |start: usize, end: usize| place_in(node, start, end);
        let mut problems = Vec::new();
        let n_repeated = &mut self.budget.n_repeated;
        let condition = condition::parse(text, names, n_repeated, &place, &mut |diagnostic, _| {
            problems.push(diagnostic);
        });
        for problem in problems {
            self.refuse(problem.code, problem.place.span, problem.message, problem.help);
            // A place that is not exact is that of the whole condition.
            let fix = problem.fix.filter(|_| node.part(0..0).is_some());
            if let Some(last) = self.diagnostics.last_mut() {
                last.fix = fix;
            }
        }
        condition
    }
}

/// The place of a range of characters in a text: that of the whole text where it has several lines.
fn place_in(node: &Node, start: usize, end: usize) -> Span {
    if node.span.line != node.span.end_line {
        return node.span;
    }
    let is_plain = matches!(&node.kind, Kind::Scalar { plain: true, .. });
    let column = |at: usize| node.span.column + diagnostics::number(at) + u32::from(!is_plain);
    Span { column: column(start), end_column: column(end), ..node.span }
}
