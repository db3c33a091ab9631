//! `docs/evasions.md`, made from the table.

use std::fmt::Write as _;

use inspect::Anomaly;

use crate::table::{PROFILES, Table, root};

const HEAD: &str = "# Evasions

What an outbound request can look like so that a filter does not recognise it, what Envoy 1.40 does with each, and what tidegate finds.
This page is made from `tests/cases/evasion.toml`, which the tests run; do not edit it by hand.

The profiles are those of Envoy's HTTP connection manager: *default* as it comes; *normal* with `normalize_path`, `merge_slashes`, `UNESCAPE_AND_FORWARD`, `strip_any_host_port` and `strip_trailing_host_dot`; *strict* the same with escaped slashes rejected.
A request that Envoy refuses never reaches a filter; it is only in the access log, where `tidegate hunt` finds it.

A rule is evaluated on every reading of a request:

| view | the request |
| --- | --- |
| raw | as it came |
| canonical | as a careful server reads it: lower case, no dots at the ends, no port, slashes merged, dot segments resolved, what means the same spelt in one way |
| decoded | as the most lenient reader may take it: every escape undone to any depth, what hides the target seen through |
| server-name | with the server name of TLS for the host, where they differ |
| tunnel | with the target of CONNECT for the host, where they differ |

A `not` in a rule is evaluated in the same view as the rest of the rule: a filter that holds in one view excuses nothing in another.
";

fn page(table: &Table) -> String {
    let mut page = HEAD.to_owned();
    let n_cases = table.cases().count();
    let refused = (0..PROFILES.len())
        .map(|profile| table.cases().filter(|case| !case.passes(profile)).count().to_string())
        .collect::<Vec<_>>();
    writeln!(
        page,
        "\n{} techniques, {n_cases} cases. Envoy refuses {} of the cases under the default profile, {} under the normal one, {} under the strict one.\n\n## Anomalies\n\nWhat had to be undone, and other oddities, by name. Rules find them in the field `{}`, which has one value for each.\n\n| name | what it is | example |\n| --- | --- | --- |",
        table.techniques.len(),
        refused[0],
        refused[1],
        refused[2],
        inspect::ANOMALY_FIELD,
    )
    .unwrap();
    for anomaly in Anomaly::ALL {
        writeln!(
            page,
            "| `{}` | {} | `{}` |",
            anomaly.as_str(),
            anomaly.meaning(),
            anomaly.example()
        )
        .unwrap();
    }
    page.push_str("\n## Techniques\n");
    for technique in &table.techniques {
        write!(page, "\n### {}. {}\n\n{}\n", technique.row, technique.title, technique.about)
            .unwrap();
        for case in &technique.cases {
            let mut name = case.name.clone();
            name[..1].make_ascii_uppercase();
            write!(page, "\n{name}:\n\n```http\n{}\n```\n\n", case.sent()).unwrap();
            let envoy: Vec<_> = (0..PROFILES.len()).map(|profile| case.envoy(profile)).collect();
            if envoy.iter().all(|does| *does == envoy[0]) {
                writeln!(page, "- Envoy: {}", envoy[0]).unwrap();
            } else {
                let each = PROFILES
                    .iter()
                    .zip(&envoy)
                    .map(|(profile, does)| format!("{does} ({profile})"));
                writeln!(page, "- Envoy: {}", each.collect::<Vec<_>>().join(", ")).unwrap();
            }
            match &case.covers {
                Some(reason) => writeln!(page, "- Found: nothing, for {reason}").unwrap(),
                None => writeln!(page, "- Rules that match: {}", case.rules.join(", ")).unwrap(),
            }
            if let Some(view) = &case.view {
                writeln!(page, "- View: {view}").unwrap();
            }
            if !case.anomalies.is_empty() {
                let names: Vec<_> = case.anomalies.iter().map(|name| format!("`{name}`")).collect();
                writeln!(page, "- Anomalies: {}", names.join(", ")).unwrap();
            }
        }
    }
    page
}

#[test]
fn the_page_on_evasions_is_fresh() {
    let page = page(&Table::read());
    let file = root().join("docs/evasions.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, &page).unwrap();
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(committed == page, "docs/evasions.md is stale; run this test with UPDATE=1");
}
