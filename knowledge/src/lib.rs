//! Notes and Sigma files to a [`Library`]; the library's pack, its tests and its reports.
//!
//! Pure: text in, values and [`Finding`]s out. Nothing here touches the file system, prints, or reads a
//! clock; the `tidegate` command line does, in its `main.rs` and `disk.rs`.
//!
//! ```
//! use knowledge::{Compilation, Library, SourceFile};
//!
//! let bytes = b"title: x\nlogsource: {category: proxy}\ndetection: {s: {cs-host: a.example}, condition: s}";
//! let file = SourceFile { name: "rules/x.yml".into(), bytes: bytes.to_vec() };
//! let library = Library::read(vec![file]);
//! assert!(library.findings.is_empty());
//!
//! let compilation = Compilation::new(&library, "example", 1).expect("a small pack");
//! assert_eq!(compilation.n_read, compilation.n_compiled + compilation.n_refused);
//! ```

pub mod access_log;
pub mod catalogue;
pub mod codes;
mod compilation;
pub mod curl;
pub mod dialect;
#[cfg(not(target_family = "wasm"))]
pub mod event;
pub mod explain;
mod finding;
pub mod fix;
#[cfg(not(target_family = "wasm"))]
pub mod gateway;
mod head;
#[cfg(not(target_family = "wasm"))]
pub mod hunt;
mod library;
pub mod limits;
mod log_line;
mod note;
pub mod pack_difference;
pub mod pack_file;
pub mod placeholders;
mod plain_json;
pub mod policy;
pub mod query;
mod recorded;
pub mod report;
pub mod score;
mod service;
mod shell;
#[cfg(not(target_family = "wasm"))]
pub mod signing;
pub mod subject;
mod text;
pub mod trial;
mod url;
pub mod vault;

pub use compilation::Compilation;
pub use finding::{Finding, Findings, Related};
pub use library::{Library, LibraryRule, SourceFile, Sources};
pub use note::{Block, Example, Expectation, KINDS, Note, SECTIONS};
pub use placeholders::Placeholders;
pub use policy::Policy;
pub use recorded::{RecordedRequest, RecordedResponse};
pub use service::{SECRETS, Service, TemplatePart};
