//! The table of cases, and everything that the preview's page promises, in a real Chromium.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use inspect::{Inspector, Pack, Request};
use preview::{CaseRequest, CaseVerdict};
use serde::Serialize;
use tests::{case, workspace};

use crate::evasion;
use crate::request::request;
use crate::rules;

/// A pack, and the native verdicts by it.
#[derive(Serialize)]
struct Native {
    file: String,
    pack: Vec<u8>,
    cases: Vec<NativeCase>,
    #[serde(skip)]
    inspector: Inspector,
}

#[derive(Serialize)]
struct NativeCase {
    name: String,
    request: CaseRequest,
    verdict: CaseVerdict,
}

#[test]
fn the_page_holds_what_it_promises_and_judges_as_the_engine_does() -> Result<()> {
    let mut tables = Vec::new();
    for (file, table) in case::read(&workspace::root().join("tests/cases"))? {
        let mut native = Native::new(&file, rules::pack(&table)?)?;
        for case in &table.cases {
            let wire = case.request.wire()?;
            native.judge(&case.name, &request(case, &wire));
        }
        tables.push(native);
    }
    let table = evasion::Table::read();
    let mut native = Native::new("evasion", rules::compile(&table.rules)?)?;
    for case in table.cases() {
        for (profile, name) in evasion::PROFILES.iter().enumerate() {
            native.judge(&format!("{} ({name})", case.name), &case.seen(profile).lend());
        }
    }
    tables.push(native);

    let folder = workspace::target().join("browser");
    fs::create_dir_all(&folder)?;
    let cases = folder.join("cases.json");
    fs::write(&cases, serde_json::to_vec(&tables)?)?;
    let mut node = Command::new("node");
    node.arg(workspace::root().join("tests/browser/run.mjs"));
    node.arg(workspace::page()?).arg(cases).arg(workspace::tidegate()?);
    let output = node.output().context("node")?;
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{said}");
    println!("{said}");
    Ok(())
}

impl Native {
    fn new(file: &str, pack: Vec<u8>) -> Result<Self> {
        let inspector = Inspector::new(Pack::decode(&pack)?);
        Ok(Native { file: file.to_owned(), pack, cases: Vec::new(), inspector })
    }

    fn judge(&mut self, name: &str, request: &Request<'_>) {
        let verdict = self.inspector.inspect(request);
        self.cases.push(NativeCase {
            name: name.to_owned(),
            request: CaseRequest::of(request),
            verdict: CaseVerdict::new(&verdict, self.inspector.pack()),
        });
    }
}
