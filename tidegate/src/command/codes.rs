//! `tidegate codes`.

use clap::Args;
use diagnostics::{Code, closest};
use serde_json::json;

use super::{Outcome, PlainFormat, ResultFile, pretty};
use crate::codes::all;

/// List the codes of findings, or explain some of them.
///
/// Without a code prints a line for each: the code, its severity, what it is about. With codes prints what
/// each means and why it is a finding. `docs/codes.md` shows an example of each.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n\
\x20 tidegate codes S012\n\
\x20 tidegate codes --format json")]
pub(crate) struct Codes {
    /// Explain these codes
    #[arg(value_name = "CODE")]
    names: Vec<String>,
    /// How to print the codes
    #[arg(short, long, value_enum, default_value = "text")]
    format: PlainFormat,
    #[command(flatten)]
    result: ResultFile,
}

impl Codes {
    pub(super) fn run(&self) -> Outcome {
        let all = all();
        let mut wanted = Vec::new();
        for name in &self.names {
            match all.iter().find(|code| code.id.eq_ignore_ascii_case(name)) {
                Some(code) => wanted.push(*code),
                None => return Outcome::usage(&unknown(name, &all)),
            }
        }
        let is_list = wanted.is_empty();
        let shown = if is_list { all } else { wanted };
        let stdout = match self.format {
            PlainFormat::Json => pretty(&shown.iter().map(|code| as_json(code)).collect()),
            PlainFormat::Text if is_list => shown.iter().map(|code| line(code)).collect(),
            PlainFormat::Text => {
                shown.iter().map(|code| explained(code)).collect::<Vec<_>>().join("\n")
            }
        };
        self.result.put(Outcome { stdout, ..Outcome::default() })
    }
}

/// Returns the explanation of a text that is a code, such as `S012`; `None` for any other text.
pub(super) fn explanation(text: &str) -> Option<String> {
    all().into_iter().find(|code| code.id.eq_ignore_ascii_case(text)).map(explained)
}

fn unknown(name: &str, all: &[&Code]) -> String {
    let near = closest(&name.to_ascii_uppercase(), all.iter().map(|code| code.id));
    let tip = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    format!("there is no code `{}`{tip}", diagnostics::printable(name.as_bytes()))
}

fn line(code: &Code) -> String {
    format!("{}  {:<7}  {}\n", code.id, code.severity.as_str(), code.title)
}

fn explained(code: &Code) -> String {
    let lines: Vec<_> = code.explanation.lines().map(str::trim).collect();
    format!("{}: {} ({})\n\n{}\n", code.id, code.title, code.severity.as_str(), lines.join("\n"))
}

fn as_json(code: &Code) -> serde_json::Value {
    let explanation: Vec<_> = code.explanation.lines().map(str::trim).collect();
    json!({
        "code": code.id,
        "severity": code.severity.as_str(),
        "title": code.title,
        "explanation": explanation.join(" "),
    })
}
