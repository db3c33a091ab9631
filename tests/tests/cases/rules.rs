//! The packs that tables of cases name, and what runners found in them.

use std::fs;

use anyhow::{Context, Result, bail, ensure};
use tests::case::Table;
use tests::workspace;

/// The pack of a table.
pub(crate) fn pack(table: &Table) -> Result<Vec<u8>> {
    match (&table.rules, table.pack.as_deref()) {
        (Some(text), _) => compile(text),
        (None, Some("shipped")) => Ok(fs::read(workspace::shipped_pack()?)?),
        (None, other) => bail!("there is no pack {other:?}"),
    }
}

/// The pack of a YAML stream of rules.
pub(crate) fn compile(text: &str) -> Result<Vec<u8>> {
    let parsed = sigma::parse(&sigma::Source::new("rules", text));
    let mut compiler = sigma::Compiler::new("cases", 1);
    let mut refused = parsed.diagnostics;
    refused.retain(|diagnostic| diagnostic.code.severity == diagnostics::Severity::Error);
    for rule in &parsed.rules {
        if let Err(diagnostics) = compiler.add(rule) {
            refused.extend(diagnostics);
        }
    }
    if let Some(diagnostic) = refused.first() {
        let place = &diagnostic.place.span;
        bail!("rules:{}:{}: {}", place.line, place.column, diagnostic.message);
    }
    Ok(compiler.finish().encode())
}

/// Whether the rules found are the rules expected, in any order.
pub(crate) fn same(mut found: Vec<String>, expect: &[String]) -> Result<()> {
    let mut expect = expect.to_vec();
    found.sort_unstable();
    expect.sort_unstable();
    ensure!(found == expect, "found {found:?}, expected {expect:?}");
    Ok(())
}

/// The ids of rules in a pack by their titles. A title that the pack lacks is an error.
pub(crate) fn ids(pack: &inspect::Pack, titles: &[String]) -> Result<Vec<String>> {
    let tables = pack.tables();
    let id = |title: &String| {
        let rule = tables.rules.iter().find(|rule| tables.str(rule.title) == title);
        let rule = rule.with_context(|| format!("no rule is called `{title}`"))?;
        ensure!(!tables.str(rule.id).is_empty(), "the rule `{title}` needs an id: Envoy logs it");
        Ok(tables.str(rule.id).to_owned())
    };
    titles.iter().map(id).collect()
}
