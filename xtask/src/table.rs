//! A table for people: columns as wide as their widest cell.

use std::fmt;

/// Rows of text under headings.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub(crate) fn new(headings: &[&str]) -> Self {
        Table { rows: vec![headings.iter().map(|heading| (*heading).to_owned()).collect()] }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut widths: Vec<usize> = Vec::new();
        for row in &self.rows {
            widths.resize(widths.len().max(row.len()), 0);
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
        for (idx, row) in self.rows.iter().enumerate() {
            write_row(f, row, &widths)?;
            if idx == 0 {
                write_row(f, &rule, &widths)?;
            }
        }
        Ok(())
    }
}

/// Numbers are right-aligned, text is left-aligned; no trailing blanks.
fn write_row(f: &mut fmt::Formatter<'_>, row: &[String], widths: &[usize]) -> fmt::Result {
    let mut line = String::new();
    for (cell, width) in row.iter().zip(widths) {
        let number = cell.starts_with(|char: char| char.is_ascii_digit() || "+-".contains(char))
            && cell.parse::<f64>().is_ok();
        let cell = if number { format!("{cell:>width$}  ") } else { format!("{cell:<width$}  ") };
        line.push_str(&cell);
    }
    writeln!(f, "{}", line.trim_end())
}
