//! Logs whose lines are rows below a header: the extended format of the W3C, and CSV.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashSet;

use csv_core::ReadRecordResult;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use crate::Format;
use crate::column::{Column, column, plain_value};
use crate::known_rows::KnownRows;
use crate::part::Part;
use crate::slots::Slots;

/// The header of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Table {
    syntax: Syntax,
    /// The name of each column, and what it gives.
    columns: Vec<(String, Option<Column>)>,
    /// Whose rows they are, if there is no header. They may have further values, and fewer.
    known: Option<KnownRows>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Syntax {
    /// Values separated by tabs, or by blanks with quotes around values that contain some.
    W3c,
    /// Values separated by this byte, as RFC 4180 has it.
    Csv(u8),
}

/// The values of a row.
#[derive(Debug, Default)]
pub(crate) struct Row {
    /// In the order of the columns.
    values: Vec<String>,
    /// The time, of its columns together.
    time: Option<String>,
}

/// Added to the rank of a column whose name an earlier one has.
const REPEATED_RANK: u8 = 0x20;

/// Columns that Splunk adds to what it exports.
const OF_SPLUNK: [&str; 4] = ["sourcetype", "splunk_server", "_raw", "_indextime"];

/// Longest line that is looked at as a header of CSV.
const MAX_HEADER_BYTES: usize = 16 << 10;

/// What separates the values of CSV.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

impl Table {
    /// Reads a line as the header of the extended format, which begins with `#Fields:`; `None` if it is another,
    /// or names no host.
    pub(crate) fn of_w3c(line: &str) -> Option<Table> {
        let names = strip_fields(line.trim_ascii())?.split_ascii_whitespace().map(str::to_owned);
        Table::new(Syntax::W3c, names.collect()).filter(Table::has_host)
    }

    /// Reads a line as the header of CSV: it has to name a host or a URL, and another part of a request unless
    /// URLs are all there is.
    pub(crate) fn of_csv(line: &str) -> Option<Table> {
        if line.len() > MAX_HEADER_BYTES {
            return None;
        }
        // One column is the same by every separator that is not there: that is tried once.
        let is_tried = |separator: &u8| {
            line.as_bytes().contains(separator) || Some(separator) == SEPARATORS.first()
        };
        let tables = SEPARATORS.into_iter().filter(is_tried).filter_map(|separator| {
            let names = csv_values(line, separator)?;
            let names = names.into_iter().map(|name| name.trim_ascii().to_owned());
            let table = Table::new(Syntax::Csv(separator), names.collect())?;
            // A line of data may contain the same value twice: repeated names count once.
            let n_known = table.n_known();
            let is_url = |(_, column): &(String, Option<Column>)| {
                *column == Some(Column::Part(Part::Path, Column::URL))
            };
            let is_list = table.columns.len() == 1 && table.columns.iter().all(is_url);
            let is_request = table.has_host() && (n_known > 1 || is_list);
            is_request.then_some((n_known, table))
        });
        tables.max_by_key(|(n_known, _)| *n_known).map(|(_, table)| table)
    }

    /// Reads a line as the header of CSV whose columns a map names: the separator is the one that gives the
    /// most columns.
    pub(crate) fn of_any_csv(line: &str) -> Option<Table> {
        let tables = SEPARATORS.into_iter().filter_map(|separator| {
            let names = csv_values(line, separator)?;
            let names = names.into_iter().map(|name| name.trim_ascii().to_owned());
            Table::new(Syntax::Csv(separator), names.collect())
        });
        let is_header = |table: &Table| {
            // A line of data may contain the same value twice.
            let mut seen = HashSet::new();
            table.columns.len() > 1 && table.names().all(|name| seen.insert(name))
        };
        tables.filter(is_header).max_by_key(|table| table.columns.len())
    }

    fn new(syntax: Syntax, names: Vec<String>) -> Option<Table> {
        if names.is_empty() {
            return None;
        }
        let is_of_splunk = names.iter().any(|name| OF_SPLUNK.contains(&name.as_str()));
        let mut columns: Vec<(String, Option<Column>)> = Vec::new();
        let mut seen = HashSet::new();
        for name in names {
            let is_repeated = !seen.insert(name.clone());
            let known = match column(&name) {
                // The machine that sent the line.
                Some(Column::Part(Part::Authority, _)) if is_of_splunk && name == "host" => None,
                // Of columns of one name the first that has a value counts.
                Some(Column::Part(part, rank)) if is_repeated => {
                    Some(Column::Part(part, rank | REPEATED_RANK))
                }
                known => known,
            };
            columns.push((name, known));
        }
        Some(Table { syntax, columns, known: None })
    }

    /// Reads a line as a row of CSV of which it is known what the columns are.
    pub(crate) fn of_known_row(line: &str) -> Option<Table> {
        if line.len() > MAX_HEADER_BYTES || memchr::memchr(b',', line.as_bytes()).is_none() {
            return None;
        }
        let known = KnownRows::of(&csv_values(line, b',')?)?;
        Table::new(Syntax::Csv(b','), known.names())
            .map(|table| Table { known: Some(known), ..table })
    }

    /// Returns true if a row is of another log than that of requests, in the same stream.
    pub(crate) fn is_other(&self, row: &Row) -> bool {
        self.known.is_some_and(|known| !known.is_request(&row.values))
    }

    /// Returns how many things the columns give.
    fn n_known(&self) -> usize {
        let known = self.columns.iter().filter_map(|(_, column)| *column);
        known.filter(|column| !matches!(column, Column::Part(_, REPEATED_RANK..))).count()
    }

    /// Returns true if a column gives the host of requests.
    fn has_host(&self) -> bool {
        let is_host = |column: &Option<Column>| {
            matches!(
                column,
                Some(
                    Column::Part(Part::Authority | Part::ServerName, _)
                        | Column::Part(Part::Path, Column::URL)
                )
            )
        };
        self.columns.iter().any(|(_, column)| is_host(column))
    }

    /// Returns the format of the rows.
    pub(crate) fn format(&self) -> Format {
        match self.syntax {
            Syntax::W3c => Format::W3c,
            Syntax::Csv(_) => Format::Csv,
        }
    }

    /// Returns true if a line is the header again, as in logs that were joined.
    pub(crate) fn is_header(&self, line: &str) -> bool {
        let Syntax::Csv(separator) = self.syntax else { return false };
        let first = self.columns.first().map(|(name, _)| name.as_str());
        let Some(first) = first.filter(|_| self.known.is_none()) else { return false };
        line.trim_start_matches('"').starts_with(first)
            && csv_values(line, separator).is_some_and(|values| {
                values.iter().map(|value| value.trim_ascii()).eq(self.names())
            })
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|(name, _)| name.as_str())
    }

    /// Reads a row; `None` if it does not have a value for each column.
    pub(crate) fn row(&self, line: &str) -> Option<Row> {
        let values = match self.syntax {
            Syntax::W3c => w3c_values(line)?,
            Syntax::Csv(separator) => {
                csv_values(line, separator)?.into_iter().map(|value| (value, true)).collect()
            }
        };
        // A separator at the end of a row is not another value.
        let n_values = values.len();
        let is_whole = self.known.is_some() && n_values > 1
            || n_values == self.columns.len()
            || n_values == self.columns.len() + 1
                && values.last().is_some_and(|(value, _)| value.is_empty());
        if !is_whole {
            return None;
        }
        let mut row = Row::default();
        for ((_, column), (value, is_quoted)) in self.columns.iter().zip(values) {
            let is_free = matches!(
                column,
                Some(Column::Part(Part::UserAgent | Part::Referer | Part::Cookie, _))
            );
            let is_encoded = is_free && !is_quoted && self.syntax == Syntax::W3c;
            row.values.push(if is_encoded { decoded(&value) } else { value });
        }
        self.combine(&mut row);
        Some(row)
    }

    /// Puts date and time together.
    fn combine(&self, row: &mut Row) {
        let find = |wanted: Column| {
            let at = self.columns.iter().position(|(_, column)| *column == Some(wanted))?;
            row.values.get(at).filter(|value| !matches!(value.as_str(), "" | "-"))
        };
        let (date, time) = (find(Column::Date), find(Column::TimeOfDay));
        let time = match (date, time) {
            (Some(date), Some(time)) => Some(format!("{date} {time}")),
            // Then it is a whole time.
            (date, time) => time.or(date).cloned(),
        };
        row.time = time;
    }

    /// Writes the values of a row into slots, as far as they are parts of a request.
    pub(crate) fn write<'l>(&self, row: &'l Row, slots: &mut Slots<'l>) {
        for ((_, column), value) in self.columns.iter().zip(&row.values) {
            if let Some(Column::Part(part, rank)) = column {
                slots.set(*part, *rank, plain_value(*part, value));
            }
        }
        if let Some(time) = &row.time {
            slots.set(Part::Time, 0, time);
        }
    }

    /// Returns true if a row has what is not a date in the column of the day, as a line of another format with as
    /// many values does.
    pub(crate) fn is_odd(&self, row: &Row) -> bool {
        let is_date = |value: &str| {
            let is_sign = |byte: u8| b"-/.:+ TZ".contains(&byte) || byte.is_ascii_alphanumeric();
            value.starts_with(|first: char| first.is_ascii_digit()) && value.bytes().all(is_sign)
        };
        let dates = self.columns.iter().zip(&row.values);
        dates
            .filter(|((_, column), _)| *column == Some(Column::Date))
            .any(|(_, value)| !matches!(value.as_str(), "" | "-") && !is_date(value))
    }

    /// Returns the name of the column that gives a part.
    pub(crate) fn name(&self, part: Part) -> Option<&str> {
        let known =
            |column: &Option<Column>| matches!(column, Some(Column::Part(of, _)) if *of == part);
        self.columns.iter().find(|(_, column)| known(column)).map(|(name, _)| name.as_str())
    }

    /// Writes a row as a JSON object, by the names of its columns.
    pub(crate) fn to_json(&self, row: Row) -> Vec<u8> {
        let values = self.names().zip(row.values).filter(|(_, value)| *value != "-");
        let mut object = Map::new();
        for (name, value) in values {
            let first = object.get(name).and_then(Value::as_str).unwrap_or_default();
            if first.is_empty() {
                object.insert(name.to_owned(), Value::String(value));
            }
        }
        Value::Object(object).to_string().into_bytes()
    }
}

/// Returns what follows `#Fields:` in a line.
pub(crate) fn strip_fields(line: &str) -> Option<&str> {
    const START: &str = "#fields:";
    let start = line.get(..START.len())?;
    start.eq_ignore_ascii_case(START).then(|| line.get(START.len()..))?
}

/// Splits a row of the extended format. Also returns whether each value was in quotes, in which two quotes
/// are one.
fn w3c_values(line: &str) -> Option<Vec<(String, bool)>> {
    if line.contains('\t') {
        let values = line.split('\t').map(|value| {
            let inside = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
            match inside {
                Some(inside) => (inside.replace("\"\"", "\""), true),
                None => (value.trim_ascii().to_owned(), false),
            }
        });
        return Some(values.collect());
    }
    let mut values = Vec::new();
    let mut rest = line.trim_ascii();
    while !rest.is_empty() {
        let Some(quoted) = rest.strip_prefix('"') else {
            let (value, behind) = rest.split_once(' ').unwrap_or((rest, ""));
            values.push((value.to_owned(), false));
            rest = behind.trim_ascii_start();
            continue;
        };
        let mut value = String::new();
        let mut quoted = quoted;
        loop {
            let (before, behind) = quoted.split_once('"')?;
            value.push_str(before);
            // A backslash escapes a quote in some programs, a second quote in others.
            if value.ends_with('\\') && !behind.is_empty() {
                value.pop();
                value.push('"');
                quoted = behind;
            } else if let Some(behind) = behind.strip_prefix('"') {
                value.push('"');
                quoted = behind;
            } else {
                rest = behind.trim_ascii_start();
                break;
            }
        }
        values.push((value, true));
    }
    Some(values)
}

/// Resolves what IIS and CDNs write for blanks in free text: `+`, and percent-encoding.
fn decoded(value: &str) -> String {
    let value = if value.contains('%') {
        percent_decode_str(value).decode_utf8().unwrap_or(Cow::Borrowed(value))
    } else {
        Cow::Borrowed(value)
    };
    if value.contains(' ') { value.into_owned() } else { value.replace('+', " ") }
}

thread_local! {
    /// A reader for each separator: to make one takes longer than to read a line.
    static READERS: RefCell<[(u8, csv_core::Reader); 4]> = RefCell::new(SEPARATORS.map(|separator| {
        (separator, csv_core::ReaderBuilder::new().delimiter(separator).build())
    }));
}

/// Splits a line of CSV; `None` if it is not one record.
fn csv_values(line: &str, separator: u8) -> Option<Vec<String>> {
    READERS.with_borrow_mut(|readers| {
        let (_, reader) = readers.iter_mut().find(|(of, _)| *of == separator)?;
        reader.reset();
        one_record(reader, line, separator)
    })
}

fn one_record(reader: &mut csv_core::Reader, line: &str, separator: u8) -> Option<Vec<String>> {
    let n_values = memchr::memchr_iter(separator, line.as_bytes()).count() + 1;
    let (mut text, mut ends) = (vec![0; line.len() + 1], vec![0; n_values]);
    let (mut n_text, mut n_ends) = (0, 0);
    let mut rest = line.as_bytes();
    loop {
        let (place, end) = (text.get_mut(n_text..)?, ends.get_mut(n_ends..)?);
        let (result, n_read, n_written, n_ended) = reader.read_record(rest, place, end);
        rest = rest.get(n_read..)?;
        n_text += n_written;
        n_ends += n_ended;
        match result {
            // An empty rest ends the last value.
            ReadRecordResult::InputEmpty => {}
            ReadRecordResult::Record => break,
            ReadRecordResult::OutputFull
            | ReadRecordResult::OutputEndsFull
            | ReadRecordResult::End => {
                return None;
            }
        }
    }
    let is_one = rest.iter().all(|byte| matches!(byte, b'\r' | b'\n'));
    let mut start = 0;
    let values = ends.get(..n_ends)?.iter().map(|end| {
        let value = text.get(std::mem::replace(&mut start, *end)..*end)?;
        str::from_utf8(value).ok().map(str::to_owned)
    });
    values.collect::<Option<Vec<String>>>().filter(|_| is_one)
}

#[cfg(test)]
mod tests;
