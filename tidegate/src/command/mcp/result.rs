//! The output of a command as the result of a tool.

use std::ffi::OsString;
use std::io::{self, Write};

use clap::Parser;
use serde_json::{Value, json};

use super::settings::settings;
use crate::Cli;
use crate::command::{Command, Outcome};

/// Runs a command of the command line that prints one JSON object. The result has it, the exit code, and what
/// the command writes on standard error.
pub(super) fn run(arguments: &[&str]) -> Result<Value, String> {
    let Outcome { stdout, stderr, code, .. } = parse(arguments)?.run_in_process(&settings()?);
    if code == 2 {
        return Err(stderr);
    }
    let output = serde_json::from_str(&stdout).unwrap_or(Value::String(stdout));
    Ok(json!({ "exit_code": code, "output": output, "messages": stderr }))
}

/// Runs `hunt`, and keeps the first records.
pub(super) fn hunt(arguments: &[&str], limit: usize) -> Result<Value, String> {
    let Command::Hunt(mut command) = parse(arguments)? else {
        return Err("this is not a hunt".to_owned());
    };
    command.fill_in(&settings()?);
    let mut records = Records { kept: Vec::new(), open: Vec::new(), limit, n_read: 0 };
    let Outcome { stderr, code, .. } = command.run_as_json(&mut records);
    if code == 2 {
        return Err(stderr);
    }
    let Records { kept, n_read, .. } = records;
    let n_left_out = n_read - kept.len();
    let output = json!({ "matches": kept, "left_out": n_left_out });
    Ok(json!({ "exit_code": code, "output": output, "messages": stderr }))
}

/// Keeps the first entries of a list in a result, and writes beside it how many were left out.
pub(super) fn cut(mut result: Value, list: &str, limit: usize) -> Value {
    let Some(output) = result.get_mut("output").and_then(Value::as_object_mut) else {
        return result;
    };
    let Some(entries) = output.get_mut(list).and_then(Value::as_array_mut) else { return result };
    let n_left_out = entries.len().saturating_sub(limit);
    entries.truncate(limit);
    output.insert("left_out".to_owned(), n_left_out.into());
    result
}

fn parse(arguments: &[&str]) -> Result<Command, String> {
    let arguments = std::iter::once("tidegate").chain(arguments.iter().copied());
    let cli = Cli::try_parse_from(arguments.map(OsString::from));
    cli.map(|cli| cli.command).map_err(|error| error.to_string())
}

/// Lines of JSON, of which the first are kept and the others counted.
struct Records {
    kept: Vec<Value>,
    open: Vec<u8>,
    limit: usize,
    n_read: usize,
}

impl Write for Records {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let is_kept = self.n_read < self.limit;
            if is_kept {
                self.open.extend_from_slice(line);
            }
            if line.ends_with(b"\n") {
                if is_kept {
                    self.kept.push(serde_json::from_slice(&self.open).map_err(io::Error::other)?);
                    self.open.clear();
                }
                self.n_read += 1;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_beyond_the_limit_are_counted() {
        let mut records = Records { kept: Vec::new(), open: Vec::new(), limit: 2, n_read: 0 };
        for piece in ["{\"a\":", "1}\n{\"a\":2}\n{", "\"a\":3}\n{\"a\":4}\n"] {
            records.write_all(piece.as_bytes()).unwrap();
        }
        assert_eq!(records.kept, [json!({"a": 1}), json!({"a": 2})]);
        assert_eq!(records.n_read, 4);
    }
}
