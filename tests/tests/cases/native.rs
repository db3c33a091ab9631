//! The table of cases, by the engine in this process.

use anyhow::{Result, ensure};
use inspect::{Inspector, Mode, Pack};
use tests::case::{self, Case, Runner};
use tests::workspace;

use crate::request::request;
use crate::rules;

#[test]
fn every_case_holds_natively() -> Result<()> {
    let mut failures = Vec::new();
    let (mut n_run, mut n_skipped) = (0, 0);
    for (file, table) in case::read(&workspace::root().join("tests/cases"))? {
        let mut inspector = Inspector::new(Pack::decode(&rules::pack(&table)?)?);
        for case in &table.cases {
            if let Some(reason) = case.skip.get(&Runner::Native) {
                println!("skipped: {file}: {}: {reason}", case.name);
                n_skipped += 1;
                continue;
            }
            n_run += 1;
            if let Err(error) = check(&mut inspector, case) {
                failures.push(format!("{file}: {}: {error:#}", case.name));
            }
        }
    }
    println!("{n_run} cases run, {n_skipped} skipped");
    ensure!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n"));
    Ok(())
}

fn check(inspector: &mut Inspector, case: &Case) -> Result<()> {
    let wire = case.request.wire()?;
    let request = request(case, &wire);
    let verdict = inspector.inspect(&request);
    let titles = verdict.matches.iter().filter_map(|matched| {
        let tables = inspector.pack().tables();
        Some(tables.str(tables.rule(matched.rule)?.title).to_owned())
    });
    rules::same(titles.collect(), &case.expect.rules)?;
    for mode in [Mode::Monitor, Mode::Enforce] {
        let action = verdict.action(mode).as_str();
        let expect = case.expect.action(mode.as_str());
        ensure!(action == expect, "{} does `{action}`, expected `{expect}`", mode.as_str());
    }
    Ok(())
}
