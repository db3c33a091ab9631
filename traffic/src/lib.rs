//! Reads what was recorded as requests: URLs, request heads, curl commands, HAR, and the lines of logs.
//!
//! [`subject::read`] takes whatever a person pastes; [`access_log`] reports everything that is wrong
//! with one line. For many lines [`Layout`] says how a log is read, [`line_reader`] and [`Slots`] read a
//! line of JSON in one pass, borrowed, and [`Line`] is the request. [`LogReader`] does all of it.
//!
//! Pure: bytes in, values and findings out.

#![forbid(unsafe_code)]

pub mod access_log;
mod azure_firewall;
mod captured;
mod client;
pub mod codes;
mod column;
mod command;
pub mod curl;
mod defanged;
mod detect;
mod document;
mod download;
mod entry;
mod envelope;
mod expansion;
mod fetch;
mod field_map;
mod format;
mod haproxy_text;
pub mod har;
pub mod head;
mod httpie;
mod hubble;
mod java_script;
pub mod json;
mod known_rows;
mod layout_reader;
pub mod limits;
mod line;
mod lines;
mod log_reader;
mod pairs;
mod panel;
mod part;
mod php;
mod piece;
mod plain_json;
mod power_shell;
mod proxy_text;
mod pseudo_headers;
mod python;
mod recorded;
mod requests;
mod runner;
mod script;
mod seeming;
mod shell;
mod slots;
pub mod subject;
mod syslog;
mod table;
mod text_format;
mod unreadable;
pub mod url;
mod wget;
mod zeek_text;

pub use document::first_object;
pub use entry::{Duration, Entry, LoggedRequest, Refused};
pub use envelope::{LineJoiner, inner_lines};
pub use field_map::FieldMap;
pub use format::{Format, Layout};
pub use line::Line;
pub use lines::{BYTE_ORDER_MARK, lines};
pub use log_reader::LogReader;
pub use part::{ACCESS_LOG_KEYS, Part, Parts, TIME_KEYS};
pub use recorded::{RecordedRequest, RecordedResponse};
pub use requests::line_reader;
pub use seeming::Seeming;
pub use slots::{LineReader, Slots};
pub use text_format::TextFormat;
pub use unreadable::Unreadable;
