//! The matrix of services and operations, as SVG that is legible on light and dark pages.

use std::fmt::Write;

use inspect::pack::Operation;

use super::{Coverage, CoveredService};

/// Panels side by side, so that the picture is not many screens high.
const PANELS: usize = 3;
const ROW: usize = 16;
const CELL: usize = 16;
const LABEL: usize = 168;
const HEAD: usize = 84;
const TITLE: usize = 54;
const GAP: usize = 24;
const FOOT: usize = 16;
/// Longest name that fits; longer ones are cut.
const MAX_NAME_CHARS: usize = 24;

/// Colours by themes. Numbers say the same as the colours.
const STYLE: &str = "
.page { fill: #ffffff } .ink { fill: #1f2328 } .faint { fill: #59636e } .line { stroke: #d1d9e0 }
.none { fill: #ffebe9; stroke: #cf222e } .none-ink { fill: #a40e26 }
.one { fill: #b6d7f5 } .few { fill: #6cb0ea } .one-ink, .few-ink { fill: #0a2540 }
.many { fill: #0b5cad } .many-ink { fill: #ffffff }
@media (prefers-color-scheme: dark) {
.page { fill: #0d1117 } .ink { fill: #e6edf3 } .faint { fill: #9198a1 } .line { stroke: #3d444d }
.none { fill: #3c1618; stroke: #f85149 } .none-ink { fill: #ffa198 }
.one { fill: #143d66 } .few { fill: #1f6fb8 } .one-ink, .few-ink { fill: #ffffff }
.many { fill: #79c0ff } .many-ink { fill: #0a2540 }
}
";

/// A line of a panel.
enum Line<'c> {
    Category(&'c str),
    Service(&'c CoveredService<'c>),
}

pub(super) fn svg(coverage: &Coverage<'_>) -> String {
    let mut lines = Vec::new();
    for group in coverage.services.chunk_by(|left, right| left.category == right.category) {
        let category = group.first().map_or("", |service| service.category);
        lines.push(Line::Category(category));
        lines.extend(group.iter().map(Line::Service));
    }
    let n_lines = lines.len().div_ceil(PANELS).max(1);
    let panel_width = LABEL + CELL * Operation::ALL.len();
    let width = PANELS * (panel_width + GAP) + GAP;
    let height = TITLE + HEAD + ROW * n_lines + FOOT;
    let (n_operations, n_found) = coverage.n_operations();
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" font-family=\"system-ui, sans-serif\" font-size=\"11\" role=\"img\" aria-labelledby=\"title description\">\n<title id=\"title\">Which operations of which services a rule finds</title>\n<desc id=\"description\">A row for each of {} services, a column for each of {} operations; the number is how many rules find it. {n_found} of {n_operations} operations are found by a rule. The tables of the page say the same in text.</desc>\n<style>{STYLE}</style>\n<rect class=\"page\" width=\"{width}\" height=\"{height}\"/>\n",
        coverage.services.len(),
        Operation::ALL.len(),
    );
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "<text class=\"ink\" x=\"{GAP}\" y=\"24\" font-size=\"16\" font-weight=\"600\">Services and their operations: how many rules find each</text>\n<text class=\"faint\" x=\"{GAP}\" y=\"42\">{n_found} of {n_operations} operations of {} services are found by a rule; a framed 0 is one that no rule finds, an empty cell one that the service does not have.</text>",
        coverage.services.len(),
    );
    for (panel, lines) in lines.chunks(n_lines).enumerate() {
        let left = GAP + panel * (panel_width + GAP);
        head(left, lines.len(), &mut out);
        for (idx, line) in lines.iter().enumerate() {
            let top = TITLE + HEAD + ROW * idx;
            match line {
                Line::Category(category) => {
                    let base = top + ROW - 4;
                    let _ = writeln!(
                        out,
                        "<text class=\"ink\" x=\"{left}\" y=\"{base}\" font-weight=\"600\">{}</text>",
                        escaped(category)
                    );
                }
                Line::Service(service) => row(service, left, top, &mut out),
            }
        }
    }
    out.push_str("</svg>\n");
    out
}

/// The operations above a panel, and a line for each.
fn head(left: usize, n_lines: usize, out: &mut String) {
    let bottom = TITLE + HEAD;
    let end = bottom + ROW * n_lines;
    for (idx, operation) in Operation::ALL.iter().enumerate() {
        let x = left + LABEL + CELL * idx;
        let (middle, base) = (x + CELL / 2 + 4, bottom - 6);
        let _ = writeln!(
            out,
            "<line class=\"line\" x1=\"{x}\" y1=\"{bottom}\" x2=\"{x}\" y2=\"{end}\" stroke-width=\"0.5\"/><text class=\"ink\" transform=\"translate({middle} {base}) rotate(-60)\">{}</text>",
            operation.as_str()
        );
    }
}

fn row(service: &CoveredService<'_>, left: usize, top: usize, out: &mut String) {
    let base = top + ROW - 4;
    let mut name: String = service.name.chars().take(MAX_NAME_CHARS).collect();
    if name.len() < service.name.len() {
        name.push('…');
    }
    let x = left + 8;
    let _ = writeln!(out, "<text class=\"ink\" x=\"{x}\" y=\"{base}\">{}</text>", escaped(&name));
    for (idx, operation) in Operation::ALL.iter().enumerate() {
        let Some(rules) = service.operations.get(operation) else { continue };
        let class = match rules.len() {
            0 => "none",
            1 => "one",
            2..=3 => "few",
            _ => "many",
        };
        let x = left + LABEL + CELL * idx;
        let _ = writeln!(
            out,
            "<g><title>{}, {}: {}</title><rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"2\"/><text class=\"{class}-ink\" x=\"{}\" y=\"{base}\" font-size=\"10\" text-anchor=\"middle\">{}</text></g>",
            escaped(service.name),
            operation.as_str(),
            match rules.len() {
                0 => "no rule".to_owned(),
                1 => "1 rule".to_owned(),
                n_rules => format!("{n_rules} rules"),
            },
            x + 1,
            top + 1,
            CELL - 2,
            ROW - 2,
            x + CELL / 2,
            rules.len(),
        );
    }
}

/// Text for XML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
