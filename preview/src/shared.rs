//! The notes that a draft may refer to: lists that rules share, and services.

use std::cell::OnceCell;

use diagnostics::SourceFile;
use hunt::ObservedLog;
use inspect::Pack;
use knowledge::{Compilation, Library, Placeholders, Service};
use serde::Deserialize;

/// A note with its name, as a page gives it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedText {
    /// The name of its file, with `.md`, `.yml` or `.yaml` at the end.
    pub name: String,
    /// The text.
    pub text: String,
}

impl NamedText {
    fn file(&self) -> SourceFile {
        SourceFile { name: self.name.as_str().into(), bytes: self.text.as_bytes().to_vec() }
    }
}

/// The values of lists and the services that drafts may name. Empty where a page has none.
#[derive(Debug, Default)]
pub struct Shared {
    /// Values for `expand`, by the names of the lists.
    pub(crate) placeholders: Placeholders,
    pub(crate) services: Vec<Service>,
    pack: OnceCell<Option<(Vec<u8>, Pack)>>,
}

impl Shared {
    /// Reads lists and services; later notes replace earlier ones of the same name, so that a person's come
    /// last. `given` are values that replace those of lists. Notes with errors are left out.
    pub fn read(notes: &[NamedText], given: Placeholders) -> Shared {
        let mut shared = Shared::default();
        for note in notes {
            let library = Library::read(vec![note.file()]);
            shared.placeholders.extend(library.placeholders);
            for service in library.services {
                shared.services.retain(|known| known.name != service.name);
                shared.services.push(service);
            }
        }
        shared.placeholders.extend(given);
        shared
    }

    /// A pack of the services alone, which says what a request does to which service.
    pub(crate) fn services_pack(&self) -> Option<&Pack> {
        self.services().map(|(_, pack)| pack)
    }

    /// The pack and its bytes. It is compiled when it is first wanted; `None` where there are no services.
    fn services(&self) -> Option<&(Vec<u8>, Pack)> {
        let compile = || {
            let library = Library { services: self.services.clone(), ..Library::default() };
            Compilation::new(&library, "services", 0)
                .ok()
                .map(|compiled| (compiled.bytes, compiled.pack))
        };
        if self.services.is_empty() {
            return None;
        }
        self.pack.get_or_init(compile).as_ref()
    }

    /// What the sources of a log did over time, with these services. `None` where no request of it has a
    /// time and a source.
    pub(crate) fn observe(&self, log: &[u8]) -> Option<ObservedLog> {
        let none = || sigma::Compiler::new("none", 0).finish().encode();
        let services = self.services().map_or_else(none, |(bytes, _)| bytes.clone());
        let observed = ObservedLog::read(Pack::decode(&services).ok()?, log);
        (!observed.is_empty()).then_some(observed)
    }
}
