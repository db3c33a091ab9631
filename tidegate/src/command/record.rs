//! `tidegate test --record`: runs runbooks through a gateway, and writes the results.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use clap::Args;
use diagnostics::{Finding, SourceFile, Sources, printable, report};
use knowledge::{Example, Expectation, Library};
use obsidian::merge::trailer;
use obsidian::record::{self, NOT_BY_ONE_REQUEST, Record};
use serde_json::{Value, json};
use traffic::{LineJoiner, inner_lines};

use super::events::logged_events;
use super::{Outcome, counted, one_line, pretty};
use crate::disk::{self, VaultFolder};
use crate::sender::Gateway;

/// The time between two reads of the logs while lines are missing.
const PAUSE: Duration = Duration::from_millis(50);

/// The arguments of `--record`.
#[derive(Args, Debug)]
pub(super) struct Recording {
    /// Send the examples through a gateway and write the results to the runbooks
    #[arg(long, requires_all = ["gateway", "log"])]
    pub(super) record: bool,
    /// The gateway, an HTTP proxy, such as `http://127.0.0.1:3128`
    #[arg(long, value_name = "URL", requires = "record")]
    gateway: Option<String>,
    /// The gateway's access log in JSON, and Envoy's own log with the filter's events; may be one file
    #[arg(long, value_name = "FILE", requires = "record")]
    log: Vec<PathBuf>,
    /// Also write the results to the pages of this vault
    #[arg(long, value_name = "FOLDER", requires = "record")]
    vault: Option<PathBuf>,
    /// How long to wait for the log, in seconds; Envoy writes it every ten seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30, requires = "record")]
    wait: u32,
}

/// A step that was sent.
struct Step<'l> {
    rule: &'l str,
    example: &'l Example,
    id: String,
    status: u16,
    /// The gateway's line about it.
    line: Option<Line>,
}

/// The part of a log line about a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Line {
    id: String,
    method: String,
    host: String,
    /// Ids of the rules that matched.
    rules: Vec<String>,
    /// The first digits of the pack's hash: an event of the filter, not a line of the access log.
    pack: Option<String>,
}

impl Recording {
    /// Sends all examples of a library's notes, and writes the results.
    pub(super) fn run(
        &self,
        library: &Library,
        paths: &[PathBuf],
        files: &[SourceFile],
        as_json: bool,
    ) -> Outcome {
        let url = self.gateway.as_deref().unwrap_or_default();
        let gateway = match Gateway::find(url) {
            Ok(gateway) => gateway,
            Err(message) => return Outcome::usage(&message),
        };
        let from: Vec<u64> = self.log.iter().map(|path| disk::size(path)).collect();
        let mut steps = Vec::new();
        let mut contents: BTreeMap<&str, String> = BTreeMap::new();
        let mut over_time: BTreeSet<&str> = BTreeSet::new();
        for entry in &library.rules {
            let note = entry.note_idx.and_then(|idx| library.notes.get(idx));
            let (Some(note), Some(rule)) = (note, &entry.rule.metadata.id) else { continue };
            contents.insert(rule, record::content(note));
            let matches =
                note.examples.iter().any(|example| example.expectation == Expectation::Match);
            if !matches && !note.sequences.is_empty() {
                over_time.insert(rule);
            }
            for example in &note.examples {
                let id = format!(
                    "7469{:04x}-6761-4465-8000-{:012x}",
                    std::process::id() & 0xffff,
                    steps.len()
                );
                match gateway.send(&example.request, &id) {
                    Ok(status) => steps.push(Step { rule, example, id, status, line: None }),
                    Err(error) => {
                        let message =
                            format!("the gateway does not answer: {}", disk::reason(&error));
                        let help = "start it, or give its address with `--gateway`";
                        return silent(url, message, help);
                    }
                }
            }
        }
        let pack = match self.follow(&from, &mut steps) {
            Ok(pack) => pack,
            Err(finding) => return Outcome::refused(&[*finding], &Sources::new()),
        };
        let mut of_rule: BTreeMap<&str, Vec<&Step<'_>>> = BTreeMap::new();
        for step in &steps {
            of_rule.entry(step.rule).or_default().push(step);
        }
        let date = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date().to_string();
        let record_of = |rule: &str, steps: &[&Step<'_>]| Record {
            date: date.clone(),
            result: result(steps, over_time.contains(rule)),
            pack: pack.clone(),
            rule: contents.get(rule).cloned().unwrap_or_default(),
        };
        let records: BTreeMap<&str, Record> =
            of_rule.iter().map(|(rule, steps)| (*rule, record_of(rule, steps))).collect();
        let (written, troubles) = self.write(&records, library, paths, files);
        summarise(&records, &steps, &written, &troubles, as_json)
    }

    /// Reads the new lines of the logs until each step is in them or the time is over; returns the pack's
    /// hash. A request that Envoy itself refused (400) has no filter's verdict to wait for.
    fn follow(&self, from: &[u64], steps: &mut [Step<'_>]) -> Result<String, Box<Finding>> {
        let mut n_left = u64::from(self.wait) * 1000 / 50;
        loop {
            let mut lines = Vec::new();
            let mut lost = 0;
            for (path, from) in self.log.iter().zip(from) {
                let text = disk::tail(path, *from)
                    .map_err(|error| Box::new(disk::unreadable(path, &error)))?;
                read_all(&text, &mut lines, &mut lost);
            }
            assign(steps, &lines);
            let n_missing =
                steps.iter().filter(|step| step.line.is_none() && step.status != 400).count();
            if n_missing == 0 && lost == 0 {
                let pack = lines.iter().find_map(|line| line.pack.clone());
                return Ok(pack.unwrap_or_default());
            }
            if n_left == 0 {
                let log = self.log.first().map_or_else(|| "".into(), |path| disk::name(path));
                let (message, help) = if n_missing > 0 {
                    (
                        format!("{} in no line of the log", counted(n_missing, "request")),
                        "give a log in JSON with `method`, `host` and `rules`, as the access log of examples/egress-gateway",
                    )
                } else {
                    (
                        format!("{} with `tidegate.match` and no event", counted(lost, "line")),
                        "give the log as Envoy or Kubernetes writes it: `tidegate events --to native` counts such lines as broken",
                    )
                };
                return Err(Box::new(Finding::about(
                    &log,
                    &crate::codes::SILENT_GATEWAY,
                    message,
                    help,
                )));
            }
            n_left -= 1;
            sleep(PAUSE);
        }
    }

    /// Writes the records to runbook notes and pages; returns the files, and what went wrong.
    fn write(
        &self,
        records: &BTreeMap<&str, Record>,
        library: &Library,
        paths: &[PathBuf],
        files: &[SourceFile],
    ) -> (Vec<String>, Vec<Finding>) {
        let (mut written, mut troubles) = (Vec::new(), Vec::new());
        let mut without: Vec<&str> = records.keys().copied().collect();
        for runbook in &library.runbooks {
            let file = files.iter().find(|file| file.name == runbook.file);
            let Some(text) = file.and_then(|file| str::from_utf8(&file.bytes).ok()) else {
                continue;
            };
            let Some((rule, record)) = records.get_key_value(runbook.rule.as_str()) else {
                continue;
            };
            without.retain(|other| other != rule);
            let path = Path::new(runbook.file.as_ref());
            let saved = |new: &str| disk::replace(paths, &runbook.file, new.as_bytes());
            save(path, text, record, saved, &mut written, &mut troubles);
        }
        if let Some(vault) = &self.vault {
            let read =
                disk::tree(vault, &["md"]).and_then(|pages| Ok((pages, VaultFolder::open(vault)?)));
            match read {
                Ok((pages, folder)) => {
                    for (path, bytes) in pages {
                        let Ok(text) = str::from_utf8(&bytes) else { continue };
                        let id = trailer(text).map(|trailer| trailer.id).unwrap_or_default();
                        let rule = id.strip_prefix("runbook/");
                        let Some((rule, record)) =
                            rule.and_then(|rule| records.get_key_value(rule))
                        else {
                            continue;
                        };
                        without.retain(|other| other != rule);
                        let saved = |new: &str| folder.put(&path, new.as_bytes());
                        save(&vault.join(&path), text, record, saved, &mut written, &mut troubles);
                    }
                    folder.tidy();
                }
                Err(error) => {
                    troubles.push(disk::unreadable(vault, &error));
                }
            }
        }
        for entry in &library.rules {
            let id = entry.rule.metadata.id.as_deref().unwrap_or_default();
            if without.contains(&id) {
                let message = format!("the rule {id} has no runbook to write into");
                let help = "add a runbook note with `rule: ` and this id";
                let file = &entry.rule.file;
                troubles.push(Finding::about(
                    file,
                    &diagnostics::codes::NOTHING_FOUND,
                    message,
                    help,
                ));
            }
        }
        (written, troubles)
    }
}

/// Reports a gateway that does not answer.
fn silent(gateway: &str, message: String, help: &str) -> Outcome {
    let finding = Finding::about(&gateway.into(), &crate::codes::SILENT_GATEWAY, message, help);
    Outcome::refused(&[finding], &Sources::new())
}

fn save(
    path: &Path,
    text: &str,
    record: &Record,
    put: impl FnOnce(&str) -> std::io::Result<()>,
    written: &mut Vec<String>,
    troubles: &mut Vec<Finding>,
) {
    let name = disk::name(path);
    match record.write_into(text) {
        Some(new) if new == text => {}
        Some(new) => match put(&new) {
            Ok(()) => written.push(name.to_string()),
            Err(error) => {
                let help = "make the file and its folder writable";
                troubles.push(disk::unwritable(path, &error, help));
            }
        },
        None => {
            let message = "the file has no front matter to write into";
            let help = "begin it with `---`, properties, and `---`";
            troubles.push(Finding::about(&name, &knowledge::codes::NO_FRONT_MATTER, message, help));
        }
    }
}

/// Assigns each step its line of the access log: by the request's id if the gateway keeps it, otherwise the
/// first unassigned line with the same method and host, because steps are sent one after the other.
fn assign(steps: &mut [Step<'_>], lines: &[Line]) {
    let mut left: Vec<Option<&Line>> =
        lines.iter().filter(|line| line.pack.is_none()).map(Some).collect();
    for step in steps {
        let method = String::from_utf8_lossy(&step.example.request.method);
        let host = String::from_utf8_lossy(&step.example.request.authority);
        let by_id = |line: &&Line| line.id == step.id;
        let alike = |line: &&Line| line.method == method && line.host.eq_ignore_ascii_case(&host);
        let at = left.iter().position(|line| line.as_ref().is_some_and(by_id));
        let at = at.or_else(|| left.iter().position(|line| line.as_ref().is_some_and(alike)));
        step.line = at.and_then(|at| left.get_mut(at)?.take()).cloned();
    }
}

/// Reads the lines of a log, also those that collectors wrapped or cut; counts in `lost` those that name an
/// event and contain none. A last line without an end is still written.
fn read_all(text: &str, lines: &mut Vec<Line>, lost: &mut usize) {
    let whole = text.rfind('\n').and_then(|end| text.get(..end)).unwrap_or_default();
    let mut joiner = LineJoiner::default();
    for line in whole.lines() {
        let Some(line) = joiner.join(line.trim_ascii_end().as_bytes()) else { continue };
        match read(&line) {
            Ok(read) => lines.extend(read),
            Err(Lost) => *lost += 1,
        }
    }
}

/// A line names an event and contains none.
#[derive(Debug, PartialEq, Eq)]
struct Lost;

/// Reads a line: events of the filter, or a line of the access log.
fn read(line: &[u8]) -> Result<Vec<Line>, Lost> {
    let Some(events) = logged_events(line) else {
        let inner = inner_lines(line);
        return Ok(inner.iter().find_map(|line| access(line)).into_iter().collect());
    };
    if events.is_empty() {
        return Err(Lost);
    }
    let mut lines = Vec::new();
    for event in events {
        // An event without a request, as of a connection, is of no step.
        lines.extend(of_event(&event.map_err(|_| Lost)?));
    }
    Ok(lines)
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key).and_then(Value::as_str).map(str::to_owned)
}

fn of_event(event: &Value) -> Option<Line> {
    let request = event.get("request")?;
    let rules = event.get("rules").and_then(Value::as_array).into_iter().flatten();
    Some(Line {
        id: text(request, "id").unwrap_or_default(),
        method: text(request, "method")?,
        host: text(request, "host")?,
        rules: rules.filter_map(|rule| text(rule, "id")).collect(),
        pack: Some(event.pointer("/pack/hash").and_then(Value::as_str)?.to_owned()),
    })
}

/// Reads a line of the access log, wherever its JSON begins.
fn access(line: &[u8]) -> Option<Line> {
    let start = memchr::memchr(b'{', line)?;
    let value: Value = serde_json::from_slice(line.get(start..)?).ok()?;
    // Without the key the log has no verdicts; with `null` no rule matched.
    let rules = value.get("rules")?.as_str().unwrap_or_default();
    Some(Line {
        id: text(&value, "request_id").unwrap_or_default(),
        method: text(&value, "method")?,
        host: text(&value, "host").or_else(|| text(&value, "authority"))?,
        rules: rules.split(',').filter(|rule| !rule.is_empty()).map(str::to_owned).collect(),
        pack: None,
    })
}

/// Returns whether a step gave the result that its note expects; `None` if the gateway refused it itself.
fn holds(step: &Step<'_>) -> Option<bool> {
    let line = step.line.as_ref()?;
    let matched = line.rules.iter().any(|rule| rule == step.rule);
    Some(matched == (step.example.expectation == Expectation::Match))
}

/// Renders the result, such as `passed, 6 of 6 steps`, with the steps that failed. A rule that matches only over
/// time is said to.
fn result(steps: &[&Step<'_>], is_over_time: bool) -> String {
    let failed: Vec<String> = (1..)
        .zip(steps)
        .filter(|(_, step)| holds(step) == Some(false))
        .map(|(number, _)| number.to_string())
        .collect();
    let n_refused = steps.iter().filter(|step| holds(step).is_none()).count();
    let n_held = steps.len() - failed.len() - n_refused;
    let mut text = if failed.is_empty() && n_held > 0 {
        let over_time =
            if is_over_time { format!("{NOT_BY_ONE_REQUEST}; ") } else { String::new() };
        format!("{over_time}passed, {n_held} of {} steps", steps.len())
    } else if failed.is_empty() {
        format!("failed, none of {} steps reached the filter", steps.len())
    } else {
        format!("failed, not as expected: step {} of {}", failed.join(", "), steps.len())
    };
    if n_refused > 0 && n_held > 0 {
        text.push_str(&format!(", {n_refused} refused by the gateway itself"));
    }
    text
}

/// Renders the results as text or JSON.
fn summarise(
    records: &BTreeMap<&str, Record>,
    steps: &[Step<'_>],
    written: &[String],
    troubles: &[Finding],
    as_json: bool,
) -> Outcome {
    let n_failed = records.values().filter(|record| record.has_failed()).count();
    let is_over_time = |record: &&Record| record.result.starts_with(NOT_BY_ONE_REQUEST);
    let n_over_time = records.values().filter(is_over_time).count();
    let code = u8::from(n_failed > 0 || !troubles.is_empty());
    if as_json {
        let runbooks = records.iter().map(|(rule, record)| {
            json!({"rule": rule, "result": record.result, "date": record.date, "pack": record.pack})
        });
        let stdout = pretty(&json!({
            "format": 1,
            "runbooks": runbooks.collect::<Vec<_>>(),
            "steps": steps.len(),
            "failed": n_failed,
            "not_by_one_request": n_over_time,
            "written": written,
            "troubles": troubles.iter().map(one_line).collect::<Vec<_>>(),
        }));
        return Outcome { stdout, code, ..Outcome::default() };
    }
    let mut stdout = String::new();
    for step in steps.iter().filter(|step| holds(step) == Some(false)) {
        let place = &step.example.place;
        stdout.push_str(&format!(
            "{}:{}: expected `{}` of the rule {}; the gateway answered {} and named {}\n",
            printable(place.file.as_bytes()),
            place.span.line,
            step.example.expectation.as_str(),
            printable(step.rule.as_bytes()),
            step.status,
            step.line.as_ref().filter(|line| !line.rules.is_empty()).map_or_else(
                || "no rule".to_owned(),
                |line| printable(line.rules.join(", ").as_bytes())
            ),
        ));
    }
    let over_time = if n_over_time == 0 {
        String::new()
    } else {
        format!("{n_over_time} match {NOT_BY_ONE_REQUEST}, ")
    };
    stdout.push_str(&format!(
        "{}, {}, {over_time}{n_failed} failed; {} written\n",
        counted(records.len(), "runbook"),
        counted(steps.len(), "step"),
        counted(written.len(), "file"),
    ));
    let stderr = report::to_text(troubles, &Sources::new());
    Outcome { stdout, stderr, code, ..Outcome::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_of_a_note_or_a_log_are_escaped() {
        let example = Example {
            place: diagnostics::Place {
                file: "a\u{1b}[2J.md".into(),
                span: diagnostics::Span::point(1, 1),
            },
            expectation: Expectation::Match,
            request: traffic::RecordedRequest::default(),
            caption: String::new(),
            text: String::new(),
        };
        let line = Line { rules: vec!["r\u{9b}31m".to_owned()], ..Line::default() };
        let id = "1".to_owned();
        let step = Step { rule: "x\u{1b}c", example: &example, id, status: 200, line: Some(line) };
        let shown = summarise(&BTreeMap::new(), &[step], &[], &[], false).stdout;
        assert!(shown.starts_with("a\\u{1b}[2J.md:1: "), "{shown:?}");
        assert!(!shown.contains(['\u{1b}', '\u{9b}']), "{shown:?}");
    }

    #[test]
    fn lines_of_both_logs_are_read_and_others_are_skipped() {
        let one = |line: &str| read(line.as_bytes()).unwrap().pop();
        let access = r#"{"request_id":"a","method":"GET","host":"t.me","rules":null}"#;
        let line = one(access).unwrap();
        assert_eq!((line.id.as_str(), line.rules.len(), line.pack), ("a", 0, None));
        let matched = r#"{"method":"GET","authority":"t.me","rules":"r1,r2,+3"}"#;
        assert_eq!(one(matched).unwrap().rules, ["r1", "r2", "+3"]);
        let event = r#"[2026-11-21][12][warning][wasm] wasm log: {"event":"tidegate.match","rules":[{"id":"r1"}],"request":{"method":"GET","host":"t.me"},"pack":{"hash":"0123"}}"#;
        for wrapped in [
            event.to_owned(),
            format!("2026-11-20T08:00:00.2Z stderr F {event}"),
            format!(r#"{{"log": {}, "stream": "stderr"}}"#, json!(format!("{event}\n"))),
        ] {
            let line = one(&wrapped).unwrap();
            assert_eq!((line.rules, line.pack.as_deref()), (vec!["r1".to_owned()], Some("0123")));
        }
        assert_eq!(one(&format!(r#"{{"log": {}}}"#, json!(matched))).unwrap().method, "GET");
        for other in
            ["", "words", "{", "{}", r#"{"method":"GET","host":"t.me"}"#, "[12] {not json}"]
        {
            assert_eq!(one(other), None, "{other}");
        }
        // An event that is cut, or in a field of another program.
        for lost in [
            event.get(..event.len() - 3).unwrap(),
            &format!(r#"{{"method":"GET","host":"t.me","rules":null,"agent":{}}}"#, json!(event)),
        ] {
            assert_eq!(read(lost.as_bytes()), Err(Lost), "{lost}");
        }
    }

    #[test]
    fn parts_of_a_line_are_joined_and_a_line_that_is_still_written_waits() {
        let matched = r#"{"method":"GET","authority":"t.me","rules":"r1"}"#;
        let (first, second) = matched.split_at(20);
        let cri = "2026-11-20T08:00:00.2Z stdout";
        let text =
            format!("{cri} P {first}\n{cri} F {second}\n{matched}\n{{\"event\":\"tidegate.match");
        let (mut lines, mut lost) = (Vec::new(), 0);
        read_all(&text, &mut lines, &mut lost);
        assert_eq!((lines.len(), lost), (2, 0));
    }
}
