//! All notes and Sigma files: ids unique, order fixed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use diagnostics::{Diagnostic, Finding, Findings, Lines, Place, SourceFile, Sources, Span, decode};
use inspect::pack::HostMatching;
use sigma::lint::{LintOptions, Written, lint, lint_labels, lint_together};
use sigma::{Correlation, Decidability, Filter, Parsed, Rule, Source, decidability};

use crate::codes;
use crate::note::{ListNote, Note, NoteKind, NoteReading, RuleNote, Runbook, Service, Technique};
use crate::placeholders::Placeholders;
use crate::service_names;

/// All notes and rules, in the order of their files' names.
#[derive(Debug, Default)]
pub struct Library {
    /// The rule notes without an error.
    pub notes: Vec<RuleNote>,
    /// The rules that can be compiled.
    pub rules: Vec<LibraryRule>,
    /// The correlations that can be compiled.
    pub correlations: Vec<Correlation>,
    /// The filters. They are applied to `rules` already.
    pub filters: Vec<Filter>,
    /// The services that get abused, with the templates of their URLs.
    pub services: Vec<Service>,
    /// The lists that rules share.
    pub lists: Vec<ListNote>,
    /// The values that rules take by `expand`: those of the lists and those that were given.
    pub placeholders: Placeholders,
    /// The runbooks.
    pub runbooks: Vec<Runbook>,
    /// The technique notes, as far as this crate reads them.
    pub techniques: Vec<Technique>,
    /// How many service notes were read, and how many of them are not in `services`.
    pub n_services: NoteCounts,
    /// How many lists were read, and how many of them are not in `lists`.
    pub n_lists: NoteCounts,
    /// How many runbooks were read, and how many of them are not in `runbooks`.
    pub n_runbooks: NoteCounts,
    /// How many rules and correlations were read, also those that were refused, and refused filters.
    pub n_read: usize,
    /// How many of them were refused.
    pub n_refused: usize,
    /// Everything that is wrong.
    pub findings: Vec<Finding>,
    /// The texts.
    pub sources: Sources,
    /// What suffixes of host names mean where the rules are compiled.
    pub hosts: HostMatching,
}

/// The number of notes of a kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoteCounts {
    /// How many were read.
    pub n_read: usize,
    /// How many of them were refused.
    pub n_refused: usize,
}

/// A rule, and its note.
#[derive(Clone, Debug)]
pub struct LibraryRule {
    /// The rule.
    pub rule: Rule,
    /// An index into [`Library::notes`]; `None` for a rule of a plain Sigma file.
    pub note_idx: Option<usize>,
}

impl Library {
    /// Reads notes (`.md`) and Sigma files (`.yml`, `.yaml`). The order in which the files are given
    /// does not matter.
    pub fn read(files: Vec<SourceFile>) -> Library {
        Library::read_with(files, &Placeholders::new())
    }

    /// The same, with values for the placeholders of `expand`. Where a list note has the same name, these
    /// are taken: an organisation replaces a list without changing the notes.
    pub fn read_with(files: Vec<SourceFile>, placeholders: &Placeholders) -> Library {
        Library::read_beside(files, placeholders, Vec::new())
    }

    /// The same, beside service notes that were read before. They come first in [`Library::services`], and
    /// their findings are not repeated: a text that is read at every keystroke does not read them again.
    pub fn read_beside(
        mut files: Vec<SourceFile>,
        placeholders: &Placeholders,
        services: Vec<Service>,
    ) -> Library {
        files.sort_by(|left, right| left.name.cmp(&right.name));
        let mut library = Library { services, ..Library::default() };
        // Rules take their lists from any file.
        let (lists, others): (Vec<_>, Vec<_>) = files.iter().partition(|file| is_list(file));
        for file in lists {
            library.add(file, placeholders);
        }
        library.refuse_repeated_lists();
        let own = library.lists.iter().map(|list| (list.name.clone(), list.values.clone()));
        let mut all: Placeholders = own.collect();
        all.extend(placeholders.iter().map(|(name, values)| (name.clone(), values.clone())));
        for file in others {
            library.add(file, &all);
        }
        library.placeholders = all;
        library.refuse_duplicates();
        library.refuse_repeated_notes();
        let rules = library.rules.iter_mut().map(|entry| &mut entry.rule);
        let found = sigma::apply_filters(rules, &library.filters);
        library.findings.extend(found.into_iter().map(Finding::from));
        let rules = library.rules.iter().map(|entry| &entry.rule);
        let found = service_names::check(rules, &library.services);
        library.findings.extend(found);
        library.report_runbooks_without_rules();
        library
    }

    /// Reports runbooks whose rule is not there. Nothing is said where there is no rule at all, as of a folder of
    /// runbooks, or where one is refused, which may be the rule.
    fn report_runbooks_without_rules(&mut self) {
        if self.rules.is_empty() || self.n_refused > 0 {
            return;
        }
        let ids: BTreeSet<_> = self.rules.iter().map(|entry| entry.rule.id_or_title()).collect();
        let lost = self.runbooks.iter().filter(|runbook| !ids.contains(runbook.rule.as_str()));
        let found = lost.map(|runbook| {
            let place = Place { file: Arc::clone(&runbook.file), span: runbook.rule_span };
            let message = format!("no rule has the id `{}`", runbook.rule.escape_debug());
            let help =
                "give the id of the rule, or remove the runbook: no page has its steps".to_owned();
            let code = &codes::RUNBOOK_WITHOUT_RULE;
            Finding::from(Diagnostic { code, message, help, place, fix: None })
        });
        let found: Vec<_> = found.collect();
        self.findings.extend(found);
    }

    fn add(&mut self, file: &SourceFile, placeholders: &Placeholders) {
        let extension =
            file.name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
        let kind = match extension.as_deref() {
            Some("md" | "markdown") => FileKind::Note,
            Some("yml" | "yaml") => FileKind::Sigma,
            _ => {
                let (message, help) = if file.bytes.starts_with(&inspect::pack::MAGIC) {
                    (
                        "this is a pack, not a note or a Sigma file",
                        "give it to `--pack`, where the command has that, or see its rules with `tidegate show`",
                    )
                } else {
                    (
                        "this is neither a note nor a Sigma file",
                        "give notes as `.md` and Sigma files as `.yml` or `.yaml`",
                    )
                };
                let code = &diagnostics::codes::UNKNOWN_EXTENSION;
                self.findings.push(Finding::about(&file.name, code, message, help));
                return;
            }
        };
        let decoded = decode(&file.name, &file.bytes);
        // A file that cannot be decoded, or that others decode differently, is refused whole.
        let usable = decoded.findings.is_empty();
        self.findings.extend(decoded.findings);
        let Some(text) = decoded.text else {
            self.sources.extend(decoded.shown.map(|shown| (Arc::clone(&file.name), shown)));
            return;
        };
        match kind {
            FileKind::Note => self.add_note(&file.name, &text, placeholders, usable),
            FileKind::Sigma => {
                let source = Source::new(&file.name, &text).with_placeholders(placeholders);
                self.add_rules(&source, usable);
            }
        }
        self.sources.insert(Arc::clone(&file.name), text);
    }

    fn add_rules(&mut self, source: &Source<'_>, usable: bool) {
        let mut parsed = sigma::parse(source);
        let found = std::mem::take(&mut parsed.diagnostics);
        self.findings.extend(found.into_iter().map(Finding::from));
        self.n_read += parsed.n_read;
        if usable {
            self.n_refused += parsed.n_refused();
            self.keep(parsed, None);
        } else {
            self.n_refused += parsed.n_read;
        }
    }

    /// Takes over what was not refused. Filters that are applied are no longer counted.
    fn keep(&mut self, parsed: Parsed, note_idx: Option<usize>) {
        self.n_read -= parsed.filters.len();
        self.rules.extend(parsed.rules.into_iter().map(|rule| LibraryRule { rule, note_idx }));
        self.correlations.extend(parsed.correlations);
        self.filters.extend(parsed.filters);
    }

    fn add_note(&mut self, name: &Arc<str>, text: &str, placeholders: &Placeholders, usable: bool) {
        let NoteReading { kind, note, findings } = Note::read(name, text);
        let is_refused = !usable || findings.iter().any(Finding::is_error);
        match kind {
            Some(NoteKind::Service) => self.n_services.add(is_refused),
            Some(NoteKind::Runbook) => self.n_runbooks.add(is_refused),
            Some(NoteKind::List) => self.n_lists.add(is_refused),
            Some(NoteKind::Rule | NoteKind::Technique) | None => {}
        }
        match note {
            Some(Note::Rule(note)) => self.add_rule_note(note, findings, placeholders, usable),
            note => {
                self.findings.extend(findings);
                match note.filter(|_| !is_refused) {
                    Some(Note::Service(service)) => self.services.push(service),
                    Some(Note::Runbook(runbook)) => self.runbooks.push(runbook),
                    Some(Note::Technique(technique)) => self.techniques.push(technique),
                    Some(Note::List(list)) => self.lists.push(list),
                    Some(Note::Rule(_)) | None => {}
                }
            }
        }
    }

    fn add_rule_note(
        &mut self,
        note: RuleNote,
        mut findings: Vec<Finding>,
        placeholders: &Placeholders,
        usable: bool,
    ) {
        let name = &Arc::clone(&note.file);
        let Some(block) = &note.rule else {
            self.findings.extend(findings);
            return;
        };
        let source = Source::new(name, &block.text).at_line(block.first_line);
        let mut parsed = sigma::parse(&source.with_placeholders(placeholders));
        let found = std::mem::take(&mut parsed.diagnostics);
        findings.extend(found.into_iter().map(Finding::from));
        let mut of_rule = Findings::new(name);
        match parsed.rules.as_slice() {
            [rule] if parsed.n_read == 1 => check_rule(&note, rule, &mut of_rule),
            _ if parsed.n_read > 1 => {
                let message = format!("the note's block contains {} rules", parsed.n_read);
                let help = "write one rule per note; move the others into notes of their own";
                of_rule.add(&codes::SECOND_RULE, block.span, message, help);
            }
            _ => {}
        }
        findings.extend(of_rule.into_list());
        let refused = !usable || findings.iter().any(Finding::is_error);
        self.findings.extend(findings);
        self.n_read += parsed.n_read;
        if refused {
            self.n_refused += parsed.n_read;
            return;
        }
        let note_idx = Some(self.notes.len());
        self.keep(parsed, note_idx);
        self.notes.push(note);
    }

    /// Refuses the second of two rules with one id, and reports titles that are given twice.
    fn refuse_duplicates(&mut self) {
        let mut ids: BTreeMap<String, usize> = BTreeMap::new();
        let mut titles: BTreeMap<String, usize> = BTreeMap::new();
        let mut kept: Vec<LibraryRule> = Vec::new();
        let mut found = Vec::new();
        let mut lines = Indexed::new();
        for entry in std::mem::take(&mut self.rules) {
            let rule = &entry.rule;
            let (id, title) = (rule.id_or_title(), &rule.metadata.title);
            if let Some(first) = ids.get(id).and_then(|idx| kept.get(*idx)) {
                let message = format!("the id `{}` is that of another rule", id.escape_debug());
                let help = "give the rule an id of its own: a new random UUID".to_owned();
                let place = self.key_place(&mut lines, rule, "id", id);
                let first = self.key_place(&mut lines, &first.rule, "id", id);
                let diagnostic =
                    Diagnostic { code: &codes::DUPLICATE_ID, message, help, place, fix: None };
                found.push(Finding::from(diagnostic).relate(first, "the first is here"));
                self.n_refused += 1;
                continue;
            }
            if let Some(first) = titles.get(title).and_then(|idx| kept.get(*idx)) {
                let message =
                    format!("the title `{}` is that of another rule", title.escape_debug());
                let help = "say in the title how this rule differs".to_owned();
                let place = self.key_place(&mut lines, rule, "title", title);
                let first = self.key_place(&mut lines, &first.rule, "title", title);
                let diagnostic =
                    Diagnostic { code: &codes::DUPLICATE_TITLE, message, help, place, fix: None };
                found.push(Finding::from(diagnostic).relate(first, "the first is here"));
            }
            ids.insert(id.to_owned(), kept.len());
            titles.entry(title.clone()).or_insert(kept.len());
            kept.push(entry);
        }
        self.rules = kept;
        self.findings.extend(found);
    }

    /// Refuses the second of two list notes with one name.
    fn refuse_repeated_lists(&mut self) {
        let mut found = Vec::new();
        let mut first: BTreeMap<String, Place> = BTreeMap::new();
        self.lists.retain(|list| {
            let what = format!("list `{}`", list.name.escape_debug());
            let place = Place { file: Arc::clone(&list.file), span: list.name_span };
            let is_new = is_first(what, place, &mut first, &mut found);
            self.n_lists.n_refused += usize::from(!is_new);
            is_new
        });
        self.findings.extend(found);
    }

    /// Refuses the second of two service notes with one name, and of two runbooks of one rule.
    fn refuse_repeated_notes(&mut self) {
        let mut found = Vec::new();
        let mut first: BTreeMap<String, Place> = BTreeMap::new();
        self.services.retain(|service| {
            let what = format!("service `{}`", service.name.escape_debug());
            let place = Place { file: Arc::clone(&service.file), span: service.name_span };
            let is_new = is_first(what, place, &mut first, &mut found);
            self.n_services.n_refused += usize::from(!is_new);
            is_new
        });
        self.runbooks.retain(|runbook| {
            let what = format!("runbook of the rule `{}`", runbook.rule.escape_debug());
            let place = Place { file: Arc::clone(&runbook.file), span: runbook.rule_span };
            let is_new = is_first(what, place, &mut first, &mut found);
            self.n_runbooks.n_refused += usize::from(!is_new);
            is_new
        });
        self.findings.extend(found);
    }

    /// The place of a key of a rule with a value; the start of the rule if it is not found.
    fn key_place(&self, lines: &mut Indexed, rule: &Rule, key: &str, value: &str) -> Place {
        let file = Arc::clone(&rule.file);
        let text = self.sources.get(&rule.file).map_or("", String::as_str);
        let lines = lines.entry(Arc::clone(&file)).or_insert_with(|| Lines::new(text));
        for line in rule.span.line..=rule.span.end_line.max(rule.span.line) {
            let (start, end) = (lines.offset(text, line, 1), lines.offset(text, line, u32::MAX));
            let content = text.get(start..end).unwrap_or_default();
            let Some(rest) = content.strip_prefix(key).and_then(|rest| rest.strip_prefix(':'))
            else {
                continue;
            };
            if rest.contains(value) {
                let end_column = diagnostics::number(content.trim_end().chars().count() + 1);
                return Place { file, span: Span { line, column: 1, end_line: line, end_column } };
            }
        }
        Place { file, span: Span::point(rule.span.line, rule.span.column) }
    }

    /// How many rules a proxy decides: yes, partly, no.
    pub fn decidable(&self) -> [usize; 3] {
        self.rules.iter().fold([0; 3], |[yes, partly, no], entry| match decidability(&entry.rule) {
            Decidability::Yes => [yes + 1, partly, no],
            Decidability::Partly { .. } => [yes, partly + 1, no],
            Decidability::No { .. } => [yes, partly, no + 1],
        })
    }

    /// Puts the rules of other log sources into the fields that a proxy sees. Of a rule that is seen in
    /// part its lead is taken ([`sigma::lead`]); one of which nothing is seen is refused (`S015`).
    pub fn put_at_proxy(&mut self) {
        for mut entry in std::mem::take(&mut self.rules) {
            let rule = &entry.rule;
            let found = decidability(rule);
            let at_proxy = match &found {
                Decidability::Yes => sigma::at_proxy(rule),
                Decidability::Partly { .. } => sigma::lead(rule),
                Decidability::No { .. } => None,
            };
            if let Some(at_proxy) = at_proxy {
                entry.rule = at_proxy;
                self.rules.push(entry);
                continue;
            }
            let missing: Vec<_> =
                found.missing().iter().map(|field| format!("`{field}`")).collect();
            let why = match missing.as_slice() {
                [] => "nothing in it depends on the request".to_owned(),
                missing => format!("it does not see {}", missing.join(", ")),
            };
            let span = Span::point(rule.span.line, rule.span.column);
            self.findings.push(Finding::from(Diagnostic {
                code: &sigma::codes::NOT_AT_PROXY,
                message: format!("a proxy cannot decide the rule: {why}"),
                help: "run the rule where its logs are, or leave it out".to_owned(),
                place: Place { file: Arc::clone(&rule.file), span },
                fix: None,
            }));
            self.n_refused += 1;
        }
    }

    /// What looks wrong in rules that run: see [`sigma::lint`].
    pub fn lint(&self) -> Vec<Finding> {
        let rules = self.rules.iter().map(|entry| &entry.rule);
        let files: BTreeMap<&str, Written<'_>> =
            self.sources.iter().map(|(name, text)| (&**name, Written::new(text))).collect();
        let options = |rule: &Rule| LintOptions { attack: None, written: files.get(&*rule.file) };
        let alone = rules.clone().flat_map(|rule| lint(rule, options(rule)));
        let labels = match self.hosts {
            HostMatching::Text => Vec::new(),
            HostMatching::Labels => {
                rules.clone().flat_map(|rule| lint_labels(rule, options(rule))).collect()
            }
        };
        let findings = alone.chain(labels).chain(lint_together(rules));
        findings.map(Finding::from).collect()
    }
}

impl NoteCounts {
    fn add(&mut self, is_refused: bool) {
        self.n_read += 1;
        self.n_refused += usize::from(is_refused);
    }

    /// How many were not refused.
    pub fn n_compiled(self) -> usize {
        self.n_read.saturating_sub(self.n_refused)
    }
}

/// Returns true if no note of the same name came before; otherwise adds a finding.
fn is_first(
    what: String,
    place: Place,
    first: &mut BTreeMap<String, Place>,
    found: &mut Vec<Finding>,
) -> bool {
    let Some(before) = first.get(&what) else {
        first.insert(what, place);
        return true;
    };
    let code = &codes::REPEATED_NOTE;
    let message = format!("this is a second note of the {what}");
    let help = "write one note of it, and take this one out".to_owned();
    let diagnostic = Diagnostic { code, message, help, place, fix: None };
    found.push(Finding::from(diagnostic).relate(before.clone(), "the first is here"));
    false
}

/// The lines of files by name, indexed when a place in them is first searched.
type Indexed = BTreeMap<Arc<str>, Lines>;

/// Returns true if a file is a list note.
fn is_list(file: &SourceFile) -> bool {
    let is_note = file.name.to_ascii_lowercase().ends_with(".md");
    let text = decode(&file.name, &file.bytes).text.filter(|_| is_note);
    text.is_some_and(|text| Note::kind(&text) == Some(NoteKind::List))
}

enum FileKind {
    Note,
    Sigma,
}

/// What the rule of a note has to say beside what any Sigma rule does.
fn check_rule(note: &RuleNote, rule: &Rule, findings: &mut Findings) {
    let metadata = &rule.metadata;
    if let Some((heading, span)) = &note.title
        && *heading != metadata.title
    {
        let (heading, title) = (heading.escape_debug(), metadata.title.escape_debug());
        let message = format!("the heading `{heading}` is not the title of the rule, `{title}`");
        findings.add(&codes::WRONG_TITLE, *span, message, "write the same in both places");
    }
    let missing = [
        ("id", metadata.id.is_none()),
        ("status", metadata.status.is_none()),
        ("description", metadata.description.is_none()),
        ("references", metadata.references.is_empty()),
        ("author", metadata.author.is_none()),
        ("date", metadata.date.is_none()),
        ("tags", metadata.tags.is_empty()),
        ("falsepositives", metadata.falsepositives.is_empty()),
        ("level", metadata.level.is_none()),
    ];
    let missing: Vec<_> = missing.iter().filter(|(_, missing)| *missing).collect();
    if !missing.is_empty() {
        let names: Vec<_> = missing.iter().map(|(name, _)| format!("`{name}`")).collect();
        let message = format!("the rule of the note lacks {}", names.join(", "));
        let help = "write the keys into the rule; the page and the alert show them";
        let span = note.rule.as_ref().map_or(rule.span, |block| block.span);
        findings.add(&codes::INCOMPLETE_METADATA, span, message, help);
    }
}
