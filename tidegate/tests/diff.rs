//! `tidegate diff` compares what rules match, not their text.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic and works on files"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

const RULE: &str =
    "title: A\nname: a\nlogsource: {category: SOURCE}\ndetection: {s: {ITEM}, condition: s}\n";

const CORRELATION: &str = "---\ntitle: Many\ncorrelation:\n  type: event_count\n  rules: [a]\n  group-by: [src_ip]\n  timespan: 5m\n  condition: {gte: 3}\n";

/// A rule and perhaps a correlation, and the list behind their placeholder.
struct Side {
    item: &'static str,
    source: &'static str,
    leads: &'static [&'static str],
    more: String,
    list: &'static str,
}

fn side(item: &'static str) -> Side {
    Side { item, source: "proxy", leads: &[], more: String::new(), list: "\"x.example\"" }
}

fn correlated(old: &str, new: &str) -> Side {
    Side { more: CORRELATION.replace(old, new), ..side("cs-host: a.example") }
}

fn tidegate(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    let output = command.args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn pack(folder: &Path, name: &str, side: &Side, beside: &str) {
    let rule = RULE.replace("SOURCE", side.source).replace("ITEM", side.item);
    fs::write(folder.join("rule.yml"), rule + &side.more + beside).unwrap();
    fs::write(folder.join("lists.json"), format!("{{\"list\": [{}]}}", side.list)).unwrap();
    let arguments = ["pack", "--placeholders", "lists.json", "-o", name, "rule.yml"];
    tidegate(folder, &[&arguments[..], side.leads].concat());
}

#[test]
fn what_a_rule_or_a_correlation_matches_is_what_is_compared() {
    const LIST: &str = "cs-host|expand: '%list%'";
    let folder = tempfile::tempdir().unwrap();
    let plain = || side("cs-host: a.example");
    let listed = |list| Side { list, ..side(LIST) };
    let query = |leads| Side { source: "dns", leads, ..side("query: a.example") };
    let cases = [
        (listed("\"x.example\""), listed("\"x.example\""), ""),
        (
            listed("\"x.example\""),
            listed("\"y.example\""),
            "changed  A  -              A: condition\n",
        ),
        (listed("\"x.example\", \"w.example\""), listed("\"w.example\", \"x.example\""), ""),
        (side("dst_ip|cidr: 10.0.0.0/8"), side("dst_ip|cidr: 10.0.0.0/8"), ""),
        (side("cs-host|re: a.+"), side("cs-host|re: a.*"), "A: condition\n"),
        (side("src_ip: 1.1.1.1"), side("dst_ip: 1.1.1.1"), "A: condition, phase\n"),
        (side("cs-bytes|gt: 5"), side("cs-bytes|gte: 5"), "A: condition\n"),
        (query(&[][..]), query(&["--leads"]), "A: condition\n"),
        (plain(), correlated("", ""), "added    Many"),
        (correlated("", ""), plain(), "removed  Many"),
        (correlated("", ""), correlated("", ""), ""),
        (correlated("", ""), correlated("gte: 3", "gte: 4"), "Many: condition\n"),
        (correlated("", ""), correlated("gte: 3", "gt: 3"), "Many: condition\n"),
        (correlated("", ""), correlated("5m", "6m"), "Many: timespan\n"),
        (correlated("", ""), correlated("[src_ip]", "[cs-host]"), "Many: group-by, fields\n"),
        (correlated("", ""), correlated("event_count", "temporal"), "Many: type\n"),
    ];
    // Another rule changes the layout of the pack, and nothing about the first.
    let beside = "---\ntitle: Z\nlogsource: {category: proxy}\ndetection: {s: {dst_ip|cidr: 10.1.0.0/16}, t: {cs-host|contains: [x.exam, a.exam]}, condition: s or t}\n";
    for (old, new, printed) in cases {
        for beside in ["", beside] {
            pack(folder.path(), "old.pack", &old, "");
            pack(folder.path(), "new.pack", &new, beside);
            let said = tidegate(folder.path(), &["diff", "old.pack", "new.pack"]);
            let named = |name: &str| said.lines().any(|line| line.contains(name));
            let is_same = !named("  A") && !named("  Many");
            assert!(
                said.contains(printed) && (is_same || !printed.is_empty()),
                "{printed:?} in {said}"
            );
        }
    }
}
