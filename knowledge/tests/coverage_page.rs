//! docs/coverage.md and its picture are fresh; `UPDATE=1` rewrites them. What is counted against other
//! people's lists stays as it is where they are not there.
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic, and works on files"
)]

mod shipped;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use inspect::{Inspector, Pack};
use knowledge::coverage::{Coverage, Denominator};
use knowledge::{Compilation, Library};
use serde_json::Value;

const LOTS: &str = "lots/Defender For Endpoint/Living Off The Land/lots-project.txt";
const SERVICES: &str = "services.json";

/// Entries of the lists that no service has, each with the reason.
const LEFT_OUT: &[(&str, &str)] = &[(
    "AOL Instant Messenger",
    "closed in 2017; its domain is a portal where nobody can leave anything",
)];

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

/// Replaces what is between a marker and the next end.
fn with_part(page: &str, name: &str, part: &str) -> String {
    let start = format!("<!-- generated: {name} -->\n");
    let (before, rest) = page.split_once(&start).unwrap();
    let (_, after) = rest.split_once("<!-- end -->").unwrap();
    format!("{before}{start}{part}<!-- end -->{after}")
}

fn check(file: &str, fresh: &str) {
    let path = docs().join(file);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, fresh).unwrap();
        return;
    }
    let committed = fs::read_to_string(&path).unwrap();
    assert!(committed == fresh, "docs/{file} is stale; run the tests with UPDATE=1");
}

/// The lists that notes are counted against, each with what it lists and where it is published.
fn denominators() -> Option<Vec<(Denominator, &'static str)>> {
    let root = corpora::folder(&[LOTS, SERVICES])?;
    let lots = fs::read_to_string(root.join(LOTS)).unwrap();
    let rows = lots.lines().filter(|line| !line.starts_with('#')).skip(1);
    let hosts: BTreeMap<String, Vec<String>> = rows
        .filter_map(|line| line.split_once(','))
        .map(|(host, _)| (host.trim().to_owned(), vec![host.trim().to_owned()]))
        .collect();
    let lots = Denominator {
        title: "the LOTS project's list of trusted sites".into(),
        entries: hosts.into_iter().collect(),
    };
    let services: Vec<Value> =
        serde_json::from_str(&fs::read_to_string(root.join(SERVICES)).unwrap()).unwrap();
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let entry = |service: &Value| {
        let hosts = [texts(&service["domains"]), texts(&service["domain_suffixes"])].concat();
        (service["service"].as_str().unwrap().to_owned(), hosts)
    };
    let services = Denominator {
        title: "services that public rules and reports name".into(),
        entries: services.iter().map(entry).collect(),
    };
    Some(vec![
        (
            lots,
            "[lots-project.com](https://lots-project.com), as in Bert-JanP/Hunting-Queries-Detection-Rules at commit 7a0d998 (2026-04-13)",
        ),
        (
            services,
            "collected from SigmaHQ, Elastic, Splunk, Atomic Red Team, ATT&CK and LOLC2 as of 2026",
        ),
    ])
}

fn counted(denominators: &[(Denominator, &str)], inspector: &Inspector) -> String {
    let mut text =
        "| list | entries | with a service note | source |\n| --- | --: | --: | --- |\n".to_owned();
    let mut left_out = Vec::new();
    for (denominator, source) in denominators {
        let missing = denominator.missing(inspector);
        let n_entries = denominator.entries.len();
        let n_known = n_entries - missing.len();
        writeln!(text, "| {} | {n_entries} | {n_known} | {source} |", denominator.title).unwrap();
        left_out.extend(missing.into_iter().map(str::to_owned));
    }
    text.push_str("\n| entry without a note | reason |\n| --- | --- |\n");
    for name in left_out {
        let reason = LEFT_OUT.iter().find(|(known, _)| *known == name);
        let (_, reason) = reason.ok_or(format!("{name} has no note and no reason")).unwrap();
        writeln!(text, "| {name} | {reason} |").unwrap();
    }
    text
}

#[test]
fn the_page_on_coverage_is_fresh() {
    let library = Library::read(shipped::notes());
    let Compilation { pack, bytes, rule_ids, .. } =
        Compilation::new(&library, "shipped", 1).unwrap();
    let coverage = Coverage::of(&library, &rule_ids, Inspector::new(pack));
    let (n_operations, n_found) = coverage.n_operations();
    println!("{} services, {n_found} of {n_operations} operations found", coverage.services.len());
    assert!(n_found * 10 > n_operations * 7, "{n_found} of {n_operations}");
    check("coverage.svg", &coverage.picture());
    let page = fs::read_to_string(docs().join("coverage.md")).unwrap();
    let mut fresh = with_part(&page, "coverage", &coverage.page());
    if let Some(denominators) = denominators() {
        let inspector = Inspector::new(Pack::decode(&bytes).unwrap());
        fresh = with_part(&fresh, "lists", &counted(&denominators, &inspector));
    }
    check("coverage.md", &fresh);
}

#[test]
fn the_picture_is_text_too() {
    let library = Library::read(shipped::notes());
    let compilation = Compilation::new(&library, "shipped", 1).unwrap();
    let inspector = Inspector::new(compilation.pack);
    let picture = Coverage::of(&library, &compilation.rule_ids, inspector).picture();
    assert!(
        picture.contains("<title id=\"title\">") && picture.contains("<desc id=\"description\">")
    );
    assert!(picture.contains("prefers-color-scheme: dark"));
    assert_eq!(picture.matches("<text").count(), picture.matches("</text>").count());
    assert_eq!(picture.matches("<g>").count(), picture.matches("</g>").count());
    for service in &library.services {
        let name = service.name.replace('&', "&amp;");
        let has_operations = !service.operations.is_empty();
        assert_eq!(picture.contains(&format!("<title>{name}, ")), has_operations, "{name}");
    }
}
