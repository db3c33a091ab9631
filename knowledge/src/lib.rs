//! Notes and Sigma files to a [`Library`]; the library's pack, its tests and its reports.
//!
//! Pure: text in, values and [`diagnostics::Finding`]s out. Nothing here touches the file system, prints,
//! or reads a clock; the `tidegate` command line does, in its `main.rs` and `disk.rs`.
//!
//! ```
//! use diagnostics::SourceFile;
//! use knowledge::{Compilation, Library};
//!
//! let bytes = b"title: x\nlogsource: {category: proxy}\ndetection: {s: {cs-host: a.example}, condition: s}";
//! let file = SourceFile { name: "rules/x.yml".into(), bytes: bytes.to_vec() };
//! let library = Library::read(vec![file]);
//! assert!(library.findings.is_empty());
//!
//! let compilation = Compilation::new(&library, "example", 1).expect("a small pack");
//! assert_eq!(compilation.n_read, compilation.n_compiled + compilation.n_refused);
//! ```
#![forbid(unsafe_code)]

pub mod codes;
mod compilation;
pub mod convert;
pub mod coverage;
pub mod examples;
pub mod explain;
pub mod fix;
mod library;
pub mod limits;
mod note;
pub mod pack_file;
pub mod placeholders;
pub mod policy;
mod service_names;

pub use compilation::{Compilation, PACK_NAME, PACK_VERSION};
pub use library::{Library, LibraryRule, NoteCounts};
pub use note::{
    Block, Example, Expectation, Host, ListNote, Note, NoteKind, NoteReading, OperationExample,
    RuleNote, Runbook, SECRETS, SECTIONS, Sequence, Service, ServiceOperation, Technique, Template,
    TemplatePart, TenantHeader,
};
pub use placeholders::Placeholders;
pub use policy::Policy;
