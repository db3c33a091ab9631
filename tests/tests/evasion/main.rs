//! The table of evasions, natively, and the page that is made from it.
#![forbid(unsafe_code)]
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "a test may panic, and reads files"
)]

mod composition;
mod envoy;
mod page;
mod server_name;
mod table;
mod traffic;

use inspect::{Inspector, Pack, Verdict};
use table::{Case, PROFILES, Table};

/// A pack of the rules in a text.
fn pack(rules: &str) -> Pack {
    Pack::decode(&rules_as_bytes(rules)).unwrap()
}

fn rules_as_bytes(rules: &str) -> Vec<u8> {
    let parsed = sigma::parse(&sigma::Source::new("evasion", rules));
    assert_eq!(parsed.diagnostics, []);
    let mut compiler = sigma::Compiler::new("evasion", 0);
    for rule in &parsed.rules {
        compiler.add(rule).unwrap();
    }
    compiler.finish().encode()
}

fn titles<'p>(inspector: &'p Inspector, verdict: &Verdict) -> Vec<&'p str> {
    let tables = inspector.pack().tables();
    let rules = verdict.matches.iter().filter_map(|matched| tables.rule(matched.rule));
    rules.map(|rule| tables.str(rule.title)).collect()
}

fn check(inspector: &mut Inspector, case: &Case, profile: usize) -> Vec<String> {
    let sent = case.seen(profile);
    let verdict = inspector.inspect(&sent.lend());
    let found = titles(inspector, &verdict);
    let mut wrong = Vec::new();
    let place = format!("{} ({})", case.name, PROFILES[profile]);
    for rule in &case.rules {
        if !found.iter().any(|title| title == rule) {
            wrong.push(format!("{place}: `{rule}` does not match, only {found:?}"));
        }
    }
    if case.rules.is_empty() && !found.is_empty() {
        wrong.push(format!("{place}: {found:?} match"));
    }
    if profile == 0 {
        let anomalies: Vec<_> = verdict.anomalies.iter().map(inspect::Anomaly::as_str).collect();
        if anomalies != case.anomalies {
            wrong.push(format!("{place}: anomalies {anomalies:?}, not {:?}", case.anomalies));
        }
        let view = verdict.matches.first().map(|matched| matched.view.as_str());
        if case.view.is_some() && case.view.as_deref() != view {
            wrong.push(format!("{place}: view {view:?}, not {:?}", case.view));
        }
    }
    wrong
}

#[test]
fn no_evasion_of_the_table_escapes_the_engine() {
    let table = Table::read();
    let mut inspector = Inspector::new(pack(&table.rules));
    let (mut n_cases, mut n_passed, mut wrong) = (0, 0, Vec::new());
    for case in table.cases() {
        n_cases += 1;
        for (profile, _) in PROFILES.iter().enumerate() {
            // What Envoy refuses is matched all the same: another proxy, or a log, may have it.
            n_passed += usize::from(case.passes(profile));
            wrong.extend(check(&mut inspector, case, profile));
        }
    }
    assert!(wrong.is_empty(), "{} escaped:\n{}", wrong.len(), wrong.join("\n"));
    println!(
        "evasion: {n_cases} cases x {} listeners, {n_passed} passed by Envoy, 0 escaped (native)",
        PROFILES.len()
    );
}

#[test]
fn the_table_has_every_technique() {
    let table = Table::read();
    let rows: Vec<_> = table.techniques.iter().map(|technique| technique.row).collect();
    assert_eq!(rows, (1..=77).collect::<Vec<_>>());
    let mut names: Vec<_> = table.cases().map(|case| &case.name).collect();
    names.sort_unstable();
    let n_names = names.len();
    names.dedup();
    assert_eq!(names.len(), n_names, "two cases have one name");
    for case in table.cases() {
        assert!(!case.rules.is_empty() || case.covers.is_some(), "{}", case.name);
        for rule in &case.rules {
            assert!(table.rules.contains(&format!("title: {rule}\n")), "{rule}");
        }
    }
}

#[test]
fn a_filter_that_only_holds_in_another_view_excuses_nothing() {
    let mut inspector = Inspector::new(pack(
        "title: t\nlogsource: {category: proxy}\ndetection:\n    bad:\n        cs-host|endswith: telegram.org\n    good:\n        cs-host|endswith: good.example\n    condition: bad and not good\n",
    ));
    for (host, n_matches) in [
        ("api.telegram.org", 1),
        ("api.telegram.org,www.good.example", 1),
        ("api.telegram.org@www.good.example", 1),
        ("www.good.example@api.telegram.org", 1),
        ("www.good.example", 0),
    ] {
        let request = inspect::Request {
            authority: host.as_bytes(),
            path: Some(b"/"),
            ..inspect::Request::default()
        };
        assert_eq!(inspector.inspect(&request).matches.len(), n_matches, "{host}");
    }
}
