//! The notes and Sigma files of a folder, and the findings about one of them.

mod facts;
mod links;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use diagnostics::limits::MAX_FILE_BYTES;
use diagnostics::{Finding, SourceFile, contains_key, report};
use inspect::pack::HostMatching;
use knowledge::{Compilation, Library, Placeholders};

use facts::Facts;
use links::Links;

/// All texts of a project, and what each of them has to do with the others.
///
/// A keystroke changes one file, and thousands may lie beside it. Findings about a file depend on those that
/// share a name with it: an id, a title, a rule that a correlation takes in, a detection. Only these are read
/// again, by the same functions as `tidegate check --lint`; a test compares the two over whole folders.
#[derive(Debug)]
pub struct Project {
    files: BTreeMap<Arc<str>, Entry>,
    links: Links,
    /// The values of `expand` that were given beside the lists.
    given: Placeholders,
    /// These, and those of the lists.
    placeholders: Placeholders,
    hosts: HostMatching,
}

/// A file, and what was read of it.
#[derive(Debug)]
struct Entry {
    bytes: Vec<u8>,
    facts: Facts,
}

impl Project {
    /// Reads the files of a project.
    pub fn new(files: Vec<SourceFile>, given: Placeholders, hosts: HostMatching) -> Project {
        let links = Links::default();
        let placeholders = given.clone();
        let mut project = Project { files: BTreeMap::new(), links, given, placeholders, hosts };
        let (lists, others): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|file| Facts::is_list(&file.name, &file.bytes));
        for file in lists {
            project.insert(file);
        }
        project.collect_lists();
        for file in others {
            project.insert(file);
        }
        project
    }

    /// Replaces the text of a file, or takes a file out. Returns the files whose findings may have changed.
    pub fn set(&mut self, name: &Arc<str>, bytes: Option<Vec<u8>>) -> BTreeSet<Arc<str>> {
        let mut changed = self.component(name);
        let was_shared = self.files.get(name).is_some_and(|entry| entry.facts.is_shared());
        self.remove(name);
        if let Some(bytes) = bytes {
            self.insert(SourceFile { name: Arc::clone(name), bytes });
        }
        let is_shared = self.files.get(name).is_some_and(|entry| entry.facts.is_shared());
        if was_shared || is_shared {
            self.collect_lists();
            self.read_again(|text| text.contains("expand"));
            changed.extend(self.files.keys().map(Arc::clone));
        }
        changed.extend(self.component(name));
        changed
    }

    /// The names of all files.
    pub fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.files.keys()
    }

    /// The bytes of a file.
    pub fn bytes(&self, name: &str) -> Option<&[u8]> {
        self.files.get(name).map(|entry| entry.bytes.as_slice())
    }

    /// Returns the findings about a file, as `tidegate check --lint` over the whole project has them.
    pub fn findings(&self, name: &Arc<str>) -> Vec<Finding> {
        let Some(entry) = self.files.get(name) else { return Vec::new() };
        if entry.bytes.len() > MAX_FILE_BYTES {
            return vec![Finding::too_large(name, MAX_FILE_BYTES)];
        }
        if contains_key(&entry.bytes) {
            return vec![Finding::secret_key(name)];
        }
        let mut library = self.library(name);
        match Compilation::new(&library, "check", 0) {
            Ok(compilation) => library.findings.extend(compilation.findings),
            Err(finding) => library.findings.push(*finding),
        }
        let lint = library.lint();
        library.findings.extend(lint);
        report::sort(&mut library.findings);
        library.findings.retain(|finding| finding.diagnostic.place.file == *name);
        library.findings
    }

    /// Reads a file together with all files that matter to it.
    pub(crate) fn library(&self, name: &Arc<str>) -> Library {
        let component = self.component(name);
        let holds = |wanted: &str| {
            let mut entries = component.iter().filter_map(|name| self.files.get(name));
            entries.any(|entry| contains(&entry.bytes, wanted))
        };
        let (asks_services, asks_lists) = (holds("tidegate."), holds("expand"));
        let is_wanted = |(name, entry): &(&Arc<str>, &Entry)| {
            component.contains(*name)
                || asks_services && entry.facts.service.is_some()
                || asks_lists && entry.facts.list.is_some()
        };
        let files = self.files.iter().filter(is_wanted).filter(|(_, entry)| entry.is_read());
        let files = files
            .map(|(name, entry)| SourceFile { name: Arc::clone(name), bytes: entry.bytes.clone() });
        let mut library = Library::read_with(files.collect(), &self.given);
        library.hosts = self.hosts;
        library
    }

    /// What was read of every file, in the order of their names.
    pub(crate) fn facts(&self) -> impl Iterator<Item = (&Arc<str>, &Facts)> {
        self.files.iter().map(|(name, entry)| (name, &entry.facts))
    }

    /// The files that share a name with a file, directly or over others; with the file itself.
    fn component(&self, name: &Arc<str>) -> BTreeSet<Arc<str>> {
        if self.files.values().any(|entry| entry.facts.filters_all) {
            return self.files.keys().map(Arc::clone).collect();
        }
        self.links.component(name)
    }

    fn insert(&mut self, file: SourceFile) {
        let SourceFile { name, bytes } = file;
        let facts = match str::from_utf8(&bytes).ok().filter(|_| is_read(&bytes)) {
            Some(text) => Facts::read(&name, text, &self.placeholders),
            None => Facts::default(),
        };
        self.links.insert(&name, &facts.names);
        self.files.insert(name, Entry { bytes, facts });
    }

    fn remove(&mut self, name: &Arc<str>) {
        if let Some(entry) = self.files.remove(name) {
            self.links.remove(name, &entry.facts.names);
        }
    }

    /// Reads the files again whose text is wanted.
    fn read_again(&mut self, is_wanted: impl Fn(&str) -> bool) {
        let wanted: Vec<_> = self
            .files
            .iter()
            .filter(|(_, entry)| str::from_utf8(&entry.bytes).is_ok_and(&is_wanted))
            .map(|(name, entry)| (Arc::clone(name), entry.bytes.clone()))
            .collect();
        for (name, bytes) in wanted {
            self.remove(&name);
            self.insert(SourceFile { name, bytes });
        }
    }

    fn collect_lists(&mut self) {
        let lists = self.files.values().filter_map(|entry| entry.facts.list.as_ref());
        // Of two lists with one name the first counts.
        let mut all = Placeholders::new();
        for list in lists {
            all.entry(list.name.clone()).or_insert_with(|| list.values.clone());
        }
        all.extend(self.given.iter().map(|(name, values)| (name.clone(), values.clone())));
        self.placeholders = all;
    }
}

impl Entry {
    fn is_read(&self) -> bool {
        is_read(&self.bytes)
    }
}

/// Returns true for bytes that the command line would read as a note or a rule.
fn is_read(bytes: &[u8]) -> bool {
    bytes.len() <= MAX_FILE_BYTES && !contains_key(bytes)
}

fn contains(bytes: &[u8], wanted: &str) -> bool {
    str::from_utf8(bytes).is_ok_and(|text| text.contains(wanted))
}
