//! Tables of TOML, whose keys are taken out one after the other: what is left is unknown.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;
use diagnostics::{Finding, Findings, Lines, Span, closest, printable};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::codes::{BROKEN_PROJECT, UNKNOWN_PROJECT_KEY};

/// A table that is being read.
#[derive(Debug)]
pub(super) struct Table<'t> {
    /// Its name in messages; empty for the file itself.
    name: &'static str,
    left: DeTable<'t>,
    /// The keys that were asked for.
    known: Vec<&'static str>,
}

/// Reads the values of tables, and collects what is wrong with them.
#[derive(Debug)]
pub(super) struct Reader<'t> {
    text: &'t str,
    lines: Lines,
    folder: &'t Path,
    findings: Findings,
}

impl<'t> Reader<'t> {
    /// Reads a text whose paths are relative to `folder`.
    pub(super) fn new(name: &Arc<str>, text: &'t str, folder: &'t Path) -> Reader<'t> {
        Reader { text, lines: Lines::new(text), folder, findings: Findings::new(name) }
    }

    /// The table that the file is.
    pub(super) fn top(&mut self) -> Table<'t> {
        let (top, errors) = DeTable::parse_recoverable(self.text);
        for error in &errors {
            let message = error.message().lines().collect::<Vec<_>>().join(", ");
            let help = "write `key = \"value\"` on lines, and tables as `[name]`";
            self.refuse(error.span().unwrap_or_default(), format!("not TOML: {message}"), help);
        }
        // After an error of the syntax every other finding would be a guess.
        let left = if errors.is_empty() { top.into_inner() } else { DeTable::new() };
        Table { name: "", left, known: Vec::new() }
    }

    /// A table within a table.
    pub(super) fn table(&mut self, of: &mut Table<'t>, key: &'static str) -> Option<Table<'t>> {
        let value = of.take(key)?;
        let span = value.span();
        match value.into_inner() {
            DeValue::Table(left) => Some(Table { name: key, left, known: Vec::new() }),
            other => {
                self.refuse_type(span, key, &other, &format!("begin a table with `[{key}]`"));
                None
            }
        }
    }

    /// A text that `parse` accepts; the error is the help.
    pub(super) fn value<T>(
        &mut self,
        of: &mut Table<'t>,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, &'static str>,
    ) -> Option<T> {
        let value = of.take(key)?;
        self.text(&value, key, "write a text in quotes", &parse)
    }

    /// A text or a list of texts that `parse` accepts.
    pub(super) fn values<T>(
        &mut self,
        of: &mut Table<'t>,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, &'static str>,
    ) -> Vec<T> {
        self.list(of, key, "write a text in quotes, or a list of them", parse)
    }

    /// A path.
    pub(super) fn path(&mut self, of: &mut Table<'t>, key: &'static str) -> Option<PathBuf> {
        let (value, folder) = (of.take(key)?, self.folder);
        self.text(&value, key, "write a path in quotes", |text| within(folder, text))
    }

    /// A path or a list of paths.
    pub(super) fn paths(&mut self, of: &mut Table<'t>, key: &'static str) -> Vec<PathBuf> {
        let folder = self.folder;
        self.list(of, key, "write a path in quotes, or a list of them", |text| within(folder, text))
    }

    /// True or false.
    pub(super) fn flag(&mut self, of: &mut Table<'t>, key: &'static str) -> Option<bool> {
        let value = of.take(key)?;
        match value.get_ref() {
            DeValue::Boolean(value) => Some(*value),
            other => {
                self.refuse_type(value.span(), key, other, "write `true` or `false`");
                None
            }
        }
    }

    /// One of the values that an option of the command line has.
    pub(super) fn choice<T: ValueEnum>(
        &mut self,
        of: &mut Table<'t>,
        key: &'static str,
    ) -> Option<T> {
        let value = of.take(key)?;
        let span = value.span();
        let text = self.text(&value, key, "write a text in quotes", |text| Ok(text.to_owned()))?;
        if let Ok(choice) = T::from_str(&text, false) {
            return Some(choice);
        }
        let names = T::value_variants().iter().filter_map(ValueEnum::to_possible_value);
        let names: Vec<String> = names.map(|value| value.get_name().to_owned()).collect();
        let help = match closest(&text, names.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("write `{}`", names.join("` or `")),
        };
        self.refuse(span, format!("`{key}` is `{}`", printable(text.as_bytes())), help);
        None
    }

    /// Refuses the keys of a table that were not asked for.
    pub(super) fn refuse_others(&mut self, table: &Table<'t>) {
        for key in table.left.keys() {
            let name = printable(key.get_ref().as_bytes());
            let message = match table.name {
                "" => format!("unknown key `{name}`"),
                of => format!("unknown key `{name}` of `{of}`"),
            };
            let help = match closest(key.get_ref(), table.known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the keys are `{}`", table.known.join("`, `")),
            };
            let span = self.span(key.span());
            self.findings.add(&UNKNOWN_PROJECT_KEY, span, message, help);
        }
    }

    /// What is wrong with the file.
    pub(super) fn into_findings(self) -> Vec<Finding> {
        self.findings.into_list()
    }

    fn list<T>(
        &mut self,
        of: &mut Table<'t>,
        key: &'static str,
        help: &str,
        parse: impl Fn(&str) -> Result<T, &'static str>,
    ) -> Vec<T> {
        let Some(value) = of.take(key) else { return Vec::new() };
        let span = value.span();
        let values = match value.into_inner() {
            DeValue::Array(values) => values.into_iter().collect(),
            other => vec![Spanned::new(span, other)],
        };
        values.into_iter().filter_map(|value| self.text(&value, key, help, &parse)).collect()
    }

    fn text<T>(
        &mut self,
        value: &Spanned<DeValue<'t>>,
        key: &'static str,
        help: &str,
        parse: impl Fn(&str) -> Result<T, &'static str>,
    ) -> Option<T> {
        let span = value.span();
        let text = match value.get_ref() {
            DeValue::String(text) => text,
            other => {
                self.refuse_type(span, key, other, help);
                return None;
            }
        };
        match parse(text) {
            Ok(value) => Some(value),
            Err(help) if text.is_empty() => {
                self.refuse(span, format!("`{key}` is empty"), help);
                None
            }
            Err(help) => {
                self.refuse(span, format!("`{key}` is `{}`", printable(text.as_bytes())), help);
                None
            }
        }
    }

    fn refuse_type(
        &mut self,
        range: std::ops::Range<usize>,
        key: &str,
        value: &DeValue<'_>,
        help: &str,
    ) {
        let message = format!("`{key}` is of the wrong type: {}", value.type_str());
        self.refuse(range, message, help);
    }

    fn refuse(&mut self, range: std::ops::Range<usize>, message: String, help: impl Into<String>) {
        let span = self.span(range);
        self.findings.add(&BROKEN_PROJECT, span, message, help);
    }

    fn span(&self, range: std::ops::Range<usize>) -> Span {
        self.lines.span(self.text, range)
    }
}

impl<'t> Table<'t> {
    fn take(&mut self, key: &'static str) -> Option<Spanned<DeValue<'t>>> {
        self.known.push(key);
        self.left.remove(key)
    }
}

/// A path below a folder, without `./` in front.
fn within(folder: &Path, text: &str) -> Result<PathBuf, &'static str> {
    if text.is_empty() {
        return Err("write a path, or leave the key out");
    }
    let path = Path::new(text);
    let path = path.strip_prefix(".").ok().filter(|rest| **rest != *"").unwrap_or(path);
    Ok(match (folder.as_os_str().is_empty(), text) {
        (false, ".") => folder.to_owned(),
        _ => folder.join(path),
    })
}
