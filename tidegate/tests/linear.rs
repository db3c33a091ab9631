//! Text that is long, and has nothing wrong with it but that: the work is linear in it, and what would be more
//! than that is refused before it is done.

#![forbid(unsafe_code)]
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic, and reads the time that it took"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use diagnostics::{Finding, SourceFile, report};
use hunt::{Hunter, Output, Report};
use inspect::Pack;
use knowledge::{Compilation, Library, Policy};
use traffic::{FieldMap, Format, Layout, LogReader};

const RULE: &str =
    "title: t\nid: 6b3e1d1c-0000-4000-8000-000000000001\nlogsource: {category: proxy}\n";

/// The nanoseconds that this thread has been running: other processes do not count.
fn cpu_time() -> u64 {
    let statistics = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    statistics.split(' ').next().unwrap().parse().unwrap()
}

/// Compares the work on a text with that on one of four times its size. Work in proportion to the square of the size
/// would be sixteen times as much.
fn is_linear(what: &str, n_small: usize, work: impl Fn(usize)) {
    let measured = |size: usize| {
        let least = (0..3).map(|_| {
            let before = cpu_time();
            work(size);
            cpu_time() - before
        });
        least.min().unwrap()
    };
    let (small, large) = (measured(n_small), measured(4 * n_small));
    assert!(large < 9 * small, "{what}: {small} ns, and {large} ns for four times as much");
}

fn library(text: String) -> Library {
    Library::read(vec![SourceFile { name: "a.yml".into(), bytes: text.into_bytes() }])
}

/// Reads, lints, compiles and reports, as `check --lint` does; returns the findings.
fn checked(text: String) -> Vec<Finding> {
    let mut library = library(text);
    library.decidable();
    let mut findings = library.lint();
    findings.extend(Compilation::new(&library, "a", 1).unwrap().findings);
    findings.append(&mut library.findings);
    report::sort(&mut findings);
    report::to_text(&findings, &library.sources);
    findings
}

fn repeated(n_parts: usize, part: impl Fn(&mut String, usize)) -> String {
    let mut text = String::new();
    for idx in 0..n_parts {
        part(&mut text, idx);
    }
    text
}

fn rule_of(searches: &str, condition: &str) -> String {
    format!("{RULE}detection:\n{searches}  condition: {condition}\n")
}

#[test]
fn long_lists_and_rules_take_time_in_proportion() {
    is_linear("hosts", 10_000, |n| {
        let hosts = repeated(n, |text, idx| writeln!(text, "    - h{idx}.example.org").unwrap());
        assert!(refusals(rule_of(&format!("  s:\n   cs-host:\n{hosts}"), "s")).is_empty());
    });
    is_linear("globs", 3_000, |n| {
        let globs = repeated(n, |text, idx| writeln!(text, "    - 'a*h{idx}*b?c'").unwrap());
        assert!(refusals(rule_of(&format!("  s:\n   c-uri:\n{globs}"), "s")).is_empty());
    });
    is_linear("fields", 5_000, |n| {
        let fields = repeated(n, |text, idx| writeln!(text, "   f{idx}: a").unwrap());
        let text = rule_of(&format!("  s:\n{fields}"), "s").replace("proxy", "other");
        assert!(refusals(text).is_empty());
    });
    is_linear("search identifiers", 5_000, |n| {
        let searches = repeated(n, |text, idx| {
            writeln!(text, "  s{idx}: {{cs-host: h{idx}.example}}").unwrap();
        });
        assert!(refusals(rule_of(&searches, "1 of s*")).is_empty());
    });
    is_linear("suffixes", 2_000, |n| {
        let parts = repeated(n, |text, idx| {
            writeln!(text, "   - cs-host|endswith: .h{idx}.example").unwrap();
        });
        checked(rule_of(&format!("  s:\n{parts}"), "s"));
    });
}

/// A rule over time finds something in each request of a source, and nothing is learned from any of them.
#[test]
fn what_rules_over_time_find_is_taken_back_in_proportion() {
    let rule = rule_of("  s: {tidegate.new_hosts|gte: 2, tidegate.requests|gte: 1}\n", "s");
    let bytes = Compilation::new(&library(rule), "a", 1).unwrap().pack.tables().encode();
    let pack = || Pack::decode(&bytes).unwrap();
    is_linear("hosts of one source", 8_000, |n| {
        let log = repeated(n, |text, idx| {
            // In the first hour of a log nothing is new.
            let seconds = if idx == 0 { 0 } else { 7_200 + idx / 20 };
            writeln!(text, "{{\"start_time\":{},\"method\":\"GET\",\"authority\":\"h{idx}.example\",\"path\":\"/\",\"downstream_remote_address\":\"10.0.1.7\"}}", 1_763_625_600 + seconds).unwrap();
        });
        let mut report = Report::new(pack(), Output::Json, 1, false);
        report.begin(&"access.log".into());
        let mut hunter =
            Hunter::new(pack(), Format::Envoy, &FieldMap::default(), false).with_uses();
        report.take(hunter.hunt(log.as_bytes()));
        report.finish();
        let uses = report.uses();
        let n_kept = uses.by_source.values().map(BTreeMap::len).sum::<usize>();
        assert_eq!(n_kept as u64 + uses.n_matched, n as u64);
        assert!(n_kept <= 3, "{n_kept} of {n}");
    });
}

/// One line of a log, and one piece of it, are as long as who writes it likes.
#[test]
fn lines_of_logs_take_time_in_proportion() {
    let read = |layout: &Layout, log: &str| {
        let mut n_lines = 0;
        let mut reader = LogReader::new(layout.clone(), &FieldMap::default());
        // Often enough to be measured.
        for _ in 0..8 {
            reader.read(log.as_bytes(), &mut |_, _| n_lines += 1);
        }
        assert_eq!(n_lines, 8 * log.lines().count());
    };
    let pairs = Layout::from(Format::KeyValue);
    is_linear("keys of a line", 20_000, |n| {
        let keys = repeated(n, |text, idx| write!(text, "k{idx}=1 ").unwrap());
        read(&pairs, &format!("{keys}url=http://a.example/ src=10.0.1.7"));
    });
    is_linear("priorities that do not end", 100_000, |n| read(&pairs, &"< ".repeat(n)));
    let header = "#Fields: c-ip cs-uri cs(User-Agent)\n";
    let rows = Layout::detect(header.as_bytes()).unwrap();
    is_linear("quotes in a value", 100_000, |n| {
        read(&rows, &format!("10.0.1.7 http://a.example/ \"{}\"", r#"\""#.repeat(n)));
    });
    let header = "#separator \\x09\n#path\thttp\n#fields\tuid\thost\n";
    let zeek = Layout::detect(header.as_bytes()).unwrap();
    is_linear("headers without columns", 40_000, |n| {
        let log = format!("C1\ta.example\n{}", "#separator \\x09\n".repeat(n));
        assert_eq!(zeek.next_header(log.as_bytes()), None);
    });
}

fn service(keys: &str) -> Library {
    let text = format!("---\nkind: service\nservice: Big\ncategory: paste\n{keys}---\n\n# Big\n");
    Library::read(vec![SourceFile { name: "a.md".into(), bytes: text.into_bytes() }])
}

#[test]
fn services_with_much_of_anything_take_time_in_proportion() {
    let hosts = |n: usize| repeated(n, |text, idx| write!(text, "h{idx}.example, ").unwrap());
    let operation = "means: x, match: GET https://h0.example/, pass: POST https://h0.example/";
    is_linear("hosts of an operation", 8_000, |n| {
        let hosts = hosts(n);
        let library = service(&format!(
            "hosts: [{hosts}]\noperations: [{{name: read, hosts: [{hosts}], methods: [GET], {operation}}}]\n"
        ));
        assert_eq!(library.findings.len(), 0, "{:?}", library.findings.first());
    });
    is_linear("keys of an operation", 8_000, |n| {
        let keys = repeated(n, |text, idx| write!(text, "x{idx}: a, ").unwrap());
        service(&format!("hosts: [h0.example]\noperations: [{{{keys}name: read, {operation}}}]\n"));
    });
    is_linear("templates", 8_000, |n| {
        let templates =
            repeated(n, |text, idx| write!(text, "'h{idx}.example/{{owner}}', ").unwrap());
        let hosts = hosts(n);
        let library = service(&format!("hosts: [{hosts}]\nidentity: [{templates}]\n"));
        assert_eq!(library.findings.len(), 0, "{:?}", library.findings.first());
    });
    let refused = |keys: &str| {
        let library = service(keys);
        let found = library.findings.first().map(|finding| finding.diagnostic.message.clone());
        found.unwrap_or_default()
    };
    let operations =
        repeated(1_025, |text, _| write!(text, "{{name: read, {operation}}}, ").unwrap());
    let message = refused(&format!("hosts: [h0.example]\noperations: [{operations}]\n"));
    assert_eq!(message, "the service has more than 1024 operations");
    let patterns = repeated(257, |text, idx| write!(text, "'h{idx}*.example.org', ").unwrap());
    let message = refused(&format!("hosts: [{patterns}]\n"));
    assert_eq!(message, "the service has more than 256 hosts with `*`");
}

#[test]
fn findings_without_number_take_time_in_proportion() {
    is_linear("rules with one title", 2_000, |n| {
        let rules = repeated(n, |text, idx| {
            writeln!(text, "---\ntitle: t\nlogsource: {{category: proxy}}\ndetection: {{s: {{cs-host: h{idx}}}, condition: s}}").unwrap();
        });
        assert_eq!(checked(rules).iter().filter(|finding| finding.is_error()).count(), n - 1);
    });
    is_linear("unknown fields", 2_000, |n| {
        let fields = repeated(n, |text, idx| writeln!(text, "   x{idx}: a").unwrap());
        assert_eq!(refusals(rule_of(&format!("  s:\n{fields}"), "s")).len(), n);
    });
    is_linear("unknown fields in one line", 2_000, |n| {
        let fields = repeated(n, |text, idx| write!(text, "x{idx}: ä, ").unwrap());
        assert_eq!(refusals(rule_of(&format!("  s: {{{fields}}}\n"), "s")).len(), n);
    });
}

#[test]
fn statements_without_number_take_time_in_proportion() {
    let host = "  s: {cs-host: a.example}\n";
    let rule = rule_of(host, "s").replace("logsource", "tags: [attack.t1102.002]\nlogsource");
    for (what, technique) in [("statements", "T1102"), ("statements about no rule", "T1999")] {
        is_linear(what, 3_000, |n| {
            let statements = repeated(n, |text, idx| {
                writeln!(text, "  - {{name: s{idx}, mode: enforce, techniques: [{technique}], sources: [10.0.{}.{}]}}", idx / 256 % 256, idx % 256).unwrap();
            });
            let text = format!("default: monitor\nstatements:\n{statements}");
            let (policy, findings) = Policy::read(&"policy.yml".into(), &text);
            assert!(findings.is_empty());
            let library = library(rule.clone());
            let compiled =
                Compilation::with_policy(&library, "a", 1, policy.as_ref(), None).unwrap();
            let n_statements = compiled.pack.tables().policy.statements.len();
            assert_eq!(n_statements + compiled.findings.len(), n);
        });
    }
}

/// Many entries are about one group of many sources: it is laid down once.
#[test]
fn groups_of_sources_in_many_entries_take_time_in_proportion() {
    let policy_of = |n: usize, list: &dyn Fn(usize) -> String| {
        let sources = repeated(n, |text, idx| write!(text, "s{idx}, ").unwrap());
        let statements = repeated(n / 4, |text, idx| {
            let list = list(idx);
            writeln!(text, "  - {{name: s{idx}, mode: enforce, sources: [{list}]}}").unwrap();
        });
        let groups = repeated(n / 4, |text, idx| {
            let list = list(idx);
            writeln!(text, "  - {{group: g{idx}, sources: [{list}], hosts: [h{idx}.example]}}")
                .unwrap();
        });
        let text =
            format!("sources: {{all: [{sources}]}}\nallow:\n{groups}statements:\n{statements}");
        let (policy, findings) = Policy::read(&"policy.yml".into(), &text);
        assert!(findings.is_empty(), "{:?}", findings.first());
        let library = library(rule_of("  s: {cs-host: a.example}\n", "s"));
        Compilation::with_policy(&library, "a", 1, policy.as_ref(), None).unwrap()
    };
    is_linear("entries about one group", 1_200, |n| {
        let compiled = policy_of(n, &|_| "all".to_owned());
        assert_eq!(compiled.pack.tables().policy.sources.len(), n);
    });
    // Lists that differ are written out, up to a bound.
    let compiled = policy_of(4_000, &|idx| format!("all, 10.0.{}.{}", idx / 256, idx % 256));
    let refused = compiled.findings.iter().any(|finding| {
        finding.diagnostic.message == "the lists of sources have more than 1048576 entries"
    });
    assert!(refused, "{:?}", compiled.findings.first());
}

/// The codes of what refuses a text.
fn refusals(text: String) -> Vec<&'static str> {
    let findings = checked(text);
    findings.iter().filter(|it| it.is_error()).map(|it| it.diagnostic.code.id).collect()
}

#[test]
fn conditions_that_repeat_their_searches_are_refused_before_they_are_expanded() {
    let searches = repeated(7_000, |text, idx| writeln!(text, "  s{idx}: {{cs-host: h}}").unwrap());
    let all = "all of them or ".repeat(6_000);
    let list = rule_of("", &format!("[{}]", "s0 and s1, ".repeat(100_000)));
    let values = repeated(20_000, |text, idx| writeln!(text, "    - h{idx}").unwrap());
    let again = "s or ".repeat(10_000);
    let before = cpu_time();
    for text in [
        rule_of(&searches, &format!("{all} s0")),
        list.replace("detection:\n", &format!("detection:\n{searches}")),
        rule_of(&format!("  s:\n   cs-host:\n{values}"), &format!("{again} s")),
        rule_of(&searches, &format!("{} s0", "1 of s17 or ".repeat(20_000))),
    ] {
        let codes = refusals(text);
        assert_eq!(codes.first(), Some(&"S034"));
        assert_eq!(codes.len(), 1);
    }
    assert!(cpu_time() - before < 20_000_000_000, "expanded all the same");
    // Each of them repeats a part of the bound, and all are one file.
    let few =
        rule_of("  s: {cs-host: [a.example, b.example]}\n", &format!("{}s", "s or ".repeat(7_000)));
    let files =
        ["0", "1", "2", "3", "4"].map(|last| few.replace("000001", &format!("00000{last}")));
    assert_eq!(refusals(few), Vec::<&str>::new());
    assert!(refusals(files.join("---\n")).contains(&"S034"));
}

#[test]
fn search_that_is_named_several_times_is_compiled_once() {
    let searches = "  a: {cs-host: a.example, sc-status: 200}\n  b: {cs-host: b.example}\n  c: {cs-method: POST}\n";
    let twice = library(rule_of(searches, "(a and c) or (b and c) or not a and not c"));
    let pack = Compilation::new(&twice, "a", 1).unwrap();
    let tables = pack.pack.tables();
    assert_eq!((pack.n_compiled, tables.atoms.len(), tables.tests.len()), (1, 4, 0));
}

#[test]
fn expressions_of_a_file_share_one_budget() {
    let expressions = |n: usize| {
        let values = repeated(n, |text, idx| {
            writeln!(text, "    - 'a.{{1,{}}}b{idx}'", 60 + idx % 900).unwrap();
        });
        rule_of(&format!("  s:\n   c-uri|re:\n{values}"), "s")
    };
    assert_eq!(refusals(expressions(20)), Vec::<&str>::new());
    let before = cpu_time();
    let codes = refusals(expressions(3_000));
    assert!(!codes.is_empty() && codes.iter().all(|code| *code == "S023"), "{codes:?}");
    let seconds = (cpu_time() - before) / 1_000_000_000;
    assert!(seconds < 20, "{seconds} seconds");
}
