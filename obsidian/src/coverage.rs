//! Coverage as a picture: a matrix of techniques and what is known of each.

use std::fmt::Write;

/// A row of the matrix: what it is about, and one number a column.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) title: String,
    pub(crate) counts: Vec<usize>,
}

const ROW: usize = 26;
const CELL: usize = 112;
const LABEL: usize = 400;
const HEAD: usize = 34;
/// Longest title that fits; longer ones are cut.
const MAX_TITLE_CHARS: usize = 54;
/// Colours by count: none, one, few, many.
const COLOURS: (Colours, Colours, Colours, Colours) = (
    ("#f4e3e1", "#8a2b1f"),
    ("#dbe9f6", "#17324d"),
    ("#9ac4e4", "#17324d"),
    ("#3182bd", "#ffffff"),
);
/// The colours of a cell and of its number.
type Colours = (&'static str, &'static str);

/// Returns an SVG picture.
pub(crate) fn svg(columns: &[&str], rows: &[Row]) -> String {
    let width = LABEL + CELL * columns.len() + 12;
    let height = HEAD + ROW * rows.len() + 12;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"13\" role=\"img\">\n<title>Coverage</title>\n<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
    );
    for (idx, column) in columns.iter().enumerate() {
        let x = LABEL + CELL * idx + CELL / 2;
        let column = escaped(column);
        let _ = writeln!(
            text,
            "<text x=\"{x}\" y=\"22\" text-anchor=\"middle\" fill=\"#333333\">{column}</text>"
        );
    }
    for (idx, row) in rows.iter().enumerate() {
        let y = HEAD + ROW * idx;
        let mut title: String = row.title.chars().take(MAX_TITLE_CHARS).collect();
        if title.len() < row.title.len() {
            title.push('…');
        }
        let line = y + 17;
        // Blanks in front are lost in XML.
        let indent = 8 + 6 * (title.len() - title.trim_start().len());
        let title = escaped(title.trim_start());
        let _ = writeln!(text, "<text x=\"{indent}\" y=\"{line}\" fill=\"#222222\">{title}</text>");
        for (column, count) in row.counts.iter().enumerate() {
            let (fill, ink) = match count {
                0 => COLOURS.0,
                1 => COLOURS.1,
                2..=9 => COLOURS.2,
                _ => COLOURS.3,
            };
            let x = LABEL + CELL * column;
            let middle = x + CELL / 2;
            let _ = writeln!(
                text,
                "<rect x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" rx=\"3\" fill=\"{fill}\"/><text x=\"{middle}\" y=\"{line}\" text-anchor=\"middle\" fill=\"{ink}\">{count}</text>",
                CELL - 4,
                ROW - 4
            );
        }
    }
    text.push_str("</svg>\n");
    text
}

/// Text for XML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_every_row_and_escapes_what_others_wrote() {
        let row =
            |title: &str, counts: &[usize]| Row { title: title.into(), counts: counts.into() };
        let rows = [row("T1 <script>&", &[0, 1]), row(&"x".repeat(100), &[9, 120])];
        let picture = svg(&["a", "b"], &rows);
        assert!(picture.contains("T1 &lt;script&gt;&amp;") && !picture.contains("<script"));
        assert_eq!(picture.matches("<rect").count(), 5);
        assert!(picture.contains(">120<") && picture.contains(&format!("{}…", "x".repeat(54))));
        let open = picture.matches("<text").count();
        assert_eq!(open, picture.matches("</text>").count());
    }
}
