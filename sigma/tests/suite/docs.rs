//! The generated parts of docs/sigma.md are fresh; `UPDATE=1` rewrites them.

use std::path::Path;

use inspect::SecretKind;
use sigma::{AtProxy, MAPPINGS, MODIFIERS};

use crate::edge_cases::CHOICES;

fn modifiers() -> String {
    let mut table = "| modifier | meaning |\n| --- | --- |\n".to_owned();
    for (name, meaning) in MODIFIERS {
        table.push_str(&format!("| `{name}` | {meaning} |\n"));
    }
    table
}

fn choices() -> String {
    let mut table = "| case | answer |\n| --- | --- |\n".to_owned();
    for (case, answer) in CHOICES {
        let answer = match *answer {
            "true" => "matches".to_owned(),
            "false" => "does not match".to_owned(),
            code => format!("refused, `{code}`"),
        };
        table.push_str(&format!(
            "| {} | {answer} |\n",
            case.replace('|', "\\|").replace('*', "\\*")
        ));
    }
    table
}

fn logsources() -> String {
    let mut table = "| log source | field | at the proxy |\n| --- | --- | --- |\n".to_owned();
    for mapping in MAPPINGS {
        let parts = [
            ("category", mapping.category),
            ("product", mapping.product),
            ("service", mapping.service),
        ];
        let parts = parts.iter().filter(|(_, value)| !value.is_empty());
        let source =
            parts.map(|(key, value)| format!("{key} `{value}`")).collect::<Vec<_>>().join(", ");
        for (field, at_proxy) in mapping.fields {
            let at_proxy = match at_proxy {
                AtProxy::Field(name) => format!("`{name}`"),
                AtProxy::Always(value) => format!("always `{value}`"),
            };
            table.push_str(&format!("| {source} | `{field}` | {at_proxy} |\n"));
        }
    }
    table
}

fn secrets() -> String {
    let mut table = "| value | meaning |\n| --- | --- |\n".to_owned();
    for kind in SecretKind::ALL {
        table.push_str(&format!("| `{}` | {} |\n", kind.as_str(), kind.meaning()));
    }
    table
}

#[test]
fn the_page_on_sigma_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/sigma.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let mut fresh = page.clone();
    for (name, content) in [
        ("secrets", secrets()),
        ("modifiers", modifiers()),
        ("choices", choices()),
        ("logsources", logsources()),
    ] {
        let start = format!("<!-- generated: {name} -->\n");
        let (before, rest) = fresh.split_once(&start).unwrap();
        let (_, after) = rest.split_once("<!-- end -->").unwrap();
        fresh = format!("{before}{start}{content}<!-- end -->{after}");
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &fresh).unwrap();
    } else {
        assert!(page == fresh, "docs/sigma.md is stale; run the tests with UPDATE=1");
    }
}
