//! The headers that a policy sets, to the tables of a pack.

use inspect::pack::HeaderValue;

use super::super::Word;
use super::super::pool::string;
use super::Compiler;
use crate::codes;

impl Compiler<'_> {
    /// Lays down the values of each header in the order in which they are written.
    pub(super) fn headers(&mut self) {
        let policy = self.policy;
        for entry in &policy.headers {
            let sources = self.sources(&entry.sources);
            for (name, value) in &entry.values {
                let headers = self.headers_named(name);
                if headers.first().is_some_and(|header| self.is_for_everybody(*header)) {
                    let message =
                        format!("this value of `{}` is never set", name.text.escape_debug());
                    let help = "an entry before it has every source: move that one to the end";
                    self.findings.add(&codes::NO_EFFECT, name.span, message, help);
                }
                let value = string(self.tables, &value.text);
                for header in headers {
                    let sources = sources.clone();
                    self.compiled.headers.push(HeaderValue { header, sources, value });
                }
            }
        }
        self.compiled.headers.sort_by_key(|value| value.header);
    }

    /// Returns true if a value of the header is for every source.
    fn is_for_everybody(&self, header: u32) -> bool {
        let mut values = self.compiled.headers.iter();
        values.any(|value| value.header == header && value.sources.is_any())
    }

    /// The headers of this name that services have.
    fn headers_named(&mut self, name: &Word) -> Vec<u32> {
        let wanted = name.text.to_ascii_lowercase();
        let tables = &*self.tables;
        let headers = tables.services.headers.iter();
        let names: Vec<_> = headers.map(|header| tables.str(header.name).to_owned()).collect();
        let found = (0..).zip(&names).filter(|(_, name)| **name == wanted);
        let found: Vec<u32> = found.map(|(idx, _)| idx).collect();
        if found.is_empty() {
            let near = diagnostics::closest(&wanted, names.iter().map(String::as_str));
            let help = "name a header that a service note has under `headers`";
            self.unknown("header", name, near.map(str::to_owned), help);
        }
        found
    }
}
