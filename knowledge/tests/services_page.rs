//! The generated part of docs/services.md is fresh; `UPDATE=1` rewrites it.
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic, and works on files"
)]

use std::fmt::Write as _;
use std::path::Path;

use inspect::pack::Operation;

fn operations() -> String {
    let mut table = "| operation | the request | abuse |\n| --- | --- | --- |\n".to_owned();
    for operation in Operation::ALL {
        let (name, meaning, abuse) = (operation.as_str(), operation.meaning(), operation.abuse());
        writeln!(table, "| `{name}` | {meaning} | {abuse} |").unwrap();
    }
    table
}

#[test]
fn the_page_on_services_lists_the_operations() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/services.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let start = "<!-- generated: operations -->\n";
    let (before, rest) = page.split_once(start).unwrap();
    let (_, after) = rest.split_once("<!-- end -->").unwrap();
    let fresh = format!("{before}{start}{}<!-- end -->{after}", operations());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &fresh).unwrap();
    } else {
        assert!(page == fresh, "docs/services.md is stale; run the tests with UPDATE=1");
    }
}
