//! The generated part of docs/services.md is fresh; `UPDATE=1` rewrites it.
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic, and works on files"
)]

mod shipped;

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

/// The headers by which vendors restrict tenants, of the shipped notes.
fn headers() -> String {
    let mut table =
        "| service | header | values | hosts | vendor's page |\n| --- | --- | --- | --- | --- |\n"
            .to_owned();
    let library = knowledge::Library::read(shipped::notes());
    for service in &library.services {
        for header in &service.headers {
            let hosts: Vec<_> = header.hosts.iter().map(|host| format!("`{host}`")).collect();
            let hosts = hosts.join(", ");
            let read = if header.verified { "" } else { ", not verified" };
            let knowledge::TenantHeader { name, means, source, .. } = header;
            let name_of_service = &service.name;
            writeln!(
                table,
                "| {name_of_service} | `{name}` | {means} | {hosts} | [page]({source}){read} |"
            )
            .unwrap();
        }
    }
    table
}

#[test]
fn the_page_on_services_lists_operations_and_headers() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/services.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let mut fresh = page.clone();
    for (name, table) in [("operations", operations()), ("headers", headers())] {
        let start = format!("<!-- generated: {name} -->\n");
        let (before, rest) = fresh.split_once(&start).unwrap();
        let (_, after) = rest.split_once("<!-- end -->").unwrap();
        fresh = format!("{before}{start}{table}<!-- end -->{after}");
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &fresh).unwrap();
    } else {
        assert!(page == fresh, "docs/services.md is stale; run the tests with UPDATE=1");
    }
}
