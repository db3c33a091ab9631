//! What the command line takes for hostile input, doubling its size: time and memory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use diagnostics::SourceFile;
use knowledge::{Compilation, Library};
use tempfile::TempDir;
use tests::workspace;

use crate::command::{cargo, run as succeed};
use crate::progress::step;
use crate::table::Table;

/// How often the memory of a run is looked at.
const PAUSE: Duration = Duration::from_millis(5);
/// How often each size is doubled.
const DOUBLINGS: u32 = 3;

/// What is measured.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The program; this workspace's if it is not given. That of an earlier commit shows what changed, but reads no
    /// packs of this one.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// A run is ended after this many seconds.
    #[arg(long, default_value_t = 60)]
    patience: u64,
}

/// A hostile input: its finding in docs/hardening.md, its name, its first size, and what makes it.
type Input = (u32, &'static str, usize, fn(usize) -> Result<Vec<u8>>);

const INPUTS: [Input; 11] = [
    (16, "pack of correlations that share lists", 100, shared_pack),
    (19, "condition that repeats `all of them`", 500, |n| Ok(condition(n))),
    (19, "correlation that repeats `all of them`", 500, |n| Ok(names_of_rules(n))),
    (19, "expressions with counters", 250, |n| Ok(expressions(n))),
    (20, "one list of hosts", 50_000, |n| Ok(hosts(n))),
    (20, "rules with one title", 1_250, |n| Ok(titles(n))),
    (20, "unknown fields", 12_500, |n| Ok(unknown_fields(n))),
    (20, "rule of many fields", 10_000, fields),
    (20, SERVICE, 8_000, |n| Ok(service(n))),
    (20, AGENTS, 5_000, |n| Ok(agents(n))),
    (42, LEARNED, 10_000, |n| Ok(new_hosts(n))),
];

/// The input that is a log.
const AGENTS: &str = "log of one source with as many User-Agents";

/// The input that is a log to learn from.
const LEARNED: &str = "log of one source with as many hosts, to learn from";

/// The input that is a service note.
const SERVICE: &str = "service of many hosts and operations";

/// Measures and prints.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let program = match &arguments.program {
        Some(program) => program.clone(),
        None => {
            step("building the command line for speed");
            succeed(cargo().args(["build", "--release", "--package", "tidegate"]))?;
            workspace::target().join("release/tidegate")
        }
    };
    let patience = Duration::from_secs(arguments.patience);
    let mut table = Table::new(&["finding", "input", "size", "kB", "seconds", "MB at most"]);
    for (finding, name, first, make) in INPUTS {
        step(name);
        for doubling in 0..=DOUBLINGS {
            let size = first << doubling;
            let bytes = make(size)?;
            let folder = TempDir::with_prefix("tidegate-growth-")?;
            let is_pack = finding == 16;
            let file = folder.path().join(match name {
                _ if is_pack => "hostile.pack",
                SERVICE => "hostile.md",
                _ => "hostile.yml",
            });
            fs::write(&file, &bytes)?;
            let arguments: &[&str] = match name {
                _ if is_pack => &["hunt", "--pack"],
                AGENTS => &["hunt"],
                LEARNED => &["learn"],
                _ => &["check", "--lint"],
            };
            let [seconds, megabytes] = measured(&program, arguments, &file, patience)?;
            let kilobytes = bytes.len() / 1000;
            let cells =
                [finding.to_string(), name.to_owned(), size.to_string(), kilobytes.to_string()];
            table.row(cells.into_iter().chain([seconds, megabytes]));
        }
    }
    println!("\n{table}");
    Ok(())
}

/// Runs the program on a file in silence, whatever it makes of it; returns time and peak of memory as text.
fn measured(
    program: &Path,
    arguments: &[&str],
    file: &Path,
    patience: Duration,
) -> Result<[String; 2]> {
    let mut command = Command::new(program);
    command.args(arguments).arg(file);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let mut child = command.spawn().with_context(|| format!("`{}`", program.display()))?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let mut is_ended = false;
    while child.try_wait()?.is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        peak = peak.max(kilobytes.unwrap_or_default());
        if start.elapsed() > patience {
            child.kill()?;
            is_ended = true;
        }
        sleep(PAUSE);
    }
    let seconds = start.elapsed().as_secs_f64();
    let more = if is_ended { "> " } else { "" };
    Ok([format!("{more}{seconds:.2}"), format!("{more}{}", peak / 1000)])
}

/// Requests of one source to one host each, one a second, which a rule over time finds.
fn new_hosts(n: usize) -> Vec<u8> {
    let line = |number: usize| {
        let time = 1_763_625_600 + number;
        format!(
            "{{\"start_time\":{time},\"method\":\"GET\",\"authority\":\"h{number}.example\",\"path\":\"/\",\"downstream_remote_address\":\"10.0.1.7\"}}\n"
        )
    };
    (0..n).map(line).collect::<String>().into_bytes()
}

/// Requests of one source to one host, which rules over time ask about.
fn agents(n: usize) -> Vec<u8> {
    let line = |number: usize| {
        let time = 1_763_625_600 + number / 20;
        format!(
            "{{\"start_time\":{time},\"method\":\"GET\",\"authority\":\"files.example\",\"path\":\"/a\",\"user_agent\":\"agent/{number}\",\"downstream_remote_address\":\"10.0.1.7\"}}\n"
        )
    };
    (0..n).map(line).collect::<String>().into_bytes()
}

const RULE: &str =
    "title: t\nid: 6b3e1d1c-0000-4000-8000-000000000001\nlogsource: {category: proxy}\n";

fn rule(searches: &str, condition: &str) -> Vec<u8> {
    format!("{RULE}detection:\n{searches}  condition: {condition}\n").into_bytes()
}

fn repeated(n_parts: usize, part: impl Fn(usize) -> String) -> String {
    (0..n_parts).map(part).collect()
}

fn condition(n: usize) -> Vec<u8> {
    let searches = repeated(n, |idx| format!("  s{idx}: {{cs-host: h}}\n"));
    rule(&searches, &format!("{} s0", "all of them or ".repeat(n)))
}

fn names_of_rules(n: usize) -> Vec<u8> {
    let condition = "all of them or ".repeat(n);
    let rules = repeated(n, |idx| format!("r{idx}, "));
    format!("title: t\ncorrelation: {{type: temporal, timespan: 1m, rules: [{rules}], condition: {condition} r0}}\n").into_bytes()
}

fn expressions(n: usize) -> Vec<u8> {
    let values = repeated(n, |idx| format!("    - 'a.{{1,{}}}b{idx}'\n", 60 + idx % 900));
    rule(&format!("  s:\n   c-uri|re:\n{values}"), "s")
}

fn hosts(n: usize) -> Vec<u8> {
    let hosts = repeated(n, |idx| format!("    - h{idx}.example.org\n"));
    rule(&format!("  s:\n   cs-host:\n{hosts}"), "s")
}

/// A service whose hosts all have an operation of their own, up to what is allowed, and one that has them all.
fn service(n: usize) -> Vec<u8> {
    let hosts = repeated(n, |idx| format!("h{idx}.example, "));
    let operation = |idx: usize, hosts: &str| {
        format!(
            "  - {{name: write, hosts: [{hosts}], methods: [POST], means: x, match: POST https://h{idx}.example/, pass: GET https://h{idx}.example/}}\n"
        )
    };
    let each = repeated(1_000, |idx| operation(idx, &format!("h{idx}.example")));
    let all = operation(0, &hosts);
    let text = format!(
        "---\nkind: service\nservice: Big\ncategory: paste\nhosts: [{hosts}]\noperations:\n{each}{all}---\n\n# Big\n"
    );
    text.into_bytes()
}

fn titles(n: usize) -> Vec<u8> {
    let rules = repeated(n, |idx| {
        format!(
            "---\ntitle: t\nlogsource: {{category: proxy}}\ndetection: {{s: {{cs-host: h{idx}}}, condition: s}}\n"
        )
    });
    rules.into_bytes()
}

fn unknown_fields(n: usize) -> Vec<u8> {
    let fields = repeated(n, |idx| format!("   x{idx}: a\n"));
    rule(&format!("  s:\n{fields}"), "s")
}

fn fields(n: usize) -> Result<Vec<u8>> {
    let fields = repeated(n, |idx| format!("   f{idx}: a\n"));
    let text = rule(&format!("  s:\n{fields}"), "s");
    Ok(String::from_utf8(text)?.replace("proxy", "other").into_bytes())
}

/// `n` correlations that all have the same `n` inputs, each with the same `n` fields.
fn shared_pack(n: usize) -> Result<Vec<u8>> {
    let one = format!(
        "{RULE}name: a\ndetection: {{s: {{cs-host: h}}, condition: s}}\n---\ntitle: c\ncorrelation: {{type: event_count, rules: [a], group-by: [cs-host], timespan: 1m, condition: {{gte: 2}}}}\n"
    );
    let library = Library::read(vec![SourceFile { name: "a.yml".into(), bytes: one.into_bytes() }]);
    let compilation = Compilation::new(&library, "hostile", 1);
    let compilation = compilation.map_err(|finding| anyhow::anyhow!("{finding:?}"))?;
    let mut tables = compilation.pack.tables().clone();
    let all = u32::try_from(n)?;
    for correlation in &mut tables.correlations {
        (correlation.group_end, correlation.inputs_end) = (all, all);
    }
    for input in &mut tables.correlation_inputs {
        input.fields_end = all;
    }
    tables.correlations = repeat(&tables.correlations, n);
    tables.correlation_inputs = repeat(&tables.correlation_inputs, n);
    tables.input_fields = tables.input_fields.repeat(n);
    tables.group_names = tables.group_names.repeat(n);
    Ok(tables.encode())
}

/// A list `n` times over.
fn repeat<T: Clone>(list: &[T], n: usize) -> Vec<T> {
    list.iter().cycle().take(list.len() * n).cloned().collect()
}
