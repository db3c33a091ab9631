//! What was recorded, as requests: URLs, request heads, curl commands, HAR, and the lines of logs.
//!
//! [`subject::read`] takes whatever a person pastes; [`access_log`] says at length what is wrong with one
//! line; [`LineReader`] and [`Line`] read many lines in one pass, borrowed. [`Format`] names the log
//! formats and detects them.
//!
//! Pure: bytes in, values and findings out.
#![forbid(unsafe_code)]

pub mod access_log;
pub mod codes;
pub mod curl;
mod field_map;
mod format;
pub mod har;
pub mod head;
pub mod json;
pub mod limits;
mod lines;
pub mod log_line;
pub mod plain_json;
mod recorded;
pub mod requests;
mod shell;
pub mod subject;
mod unreadable;
pub mod url;

pub use field_map::FieldMap;
pub use format::Format;
pub use lines::{BYTE_ORDER_MARK, lines};
pub use log_line::{Line, NoRequest, Reader as LineReader};
pub use recorded::{RecordedRequest, RecordedResponse};
pub use unreadable::Unreadable;
