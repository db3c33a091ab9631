//! The rule sets and events that engines are timed on.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use fastrand::Rng;
use inspect::pack::Tables;
use serde_json::Value;

use crate::corpus;

/// Rule texts under a name.
pub struct Set {
    /// What tables call it.
    pub name: String,
    /// The rules, one text each.
    pub rules: Vec<String>,
}

/// The rules of log source category `proxy`.
pub fn proxy(root: &Path) -> anyhow::Result<Set> {
    let rules = corpus::rules(root)?;
    let rules: Vec<_> =
        rules.iter().filter(corpus::is_proxy).map(|(_, text)| text.clone()).collect();
    Ok(Set { name: format!("{} proxy rules", rules.len()), rules })
}

/// All active rules.
pub fn all(root: &Path) -> anyhow::Result<Set> {
    let rules: Vec<_> = corpus::rules(root)?.into_iter().map(|(_, text)| text).collect();
    Ok(Set { name: format!("all {} rules", rules.len()), rules })
}

/// Rules with one indicator each: a third hosts, a third host suffixes, a third URL paths.
/// A larger set starts with the rules of a smaller one.
pub fn indicators(n_rules: usize) -> Set {
    let mut rng = Rng::with_seed(7);
    let rules = (0..n_rules).map(|idx| indicator(idx, &mut rng));
    Set { name: format!("{n_rules} indicator rules"), rules: rules.collect() }
}

fn indicator(idx: usize, rng: &mut Rng) -> String {
    let host = host(rng);
    let item = match idx % 3 {
        0 => format!("cs-host: '{host}'"),
        1 => format!("cs-host|endswith: '.{host}'"),
        _ => format!(
            "c-uri|contains: '/{}/{}.{}'",
            name(rng),
            code(rng),
            ["php", "bin", "js"][rng.usize(..3)]
        ),
    };
    format!(
        "title: Indicator {idx}\nlogsource:\n    category: proxy\ndetection:\n    selection:\n        {item}\n    condition: selection\n"
    )
}

fn host(rng: &mut Rng) -> String {
    let labels = if rng.bool() { name(rng) } else { format!("{}-{}", name(rng), name(rng)) };
    format!("{labels}.{}", ["com", "net", "org", "xyz", "top", "info"][rng.usize(..6)])
}

/// A name that could be spoken.
fn name(rng: &mut Rng) -> String {
    let syllables = [
        "ba", "cen", "do", "fi", "gra", "hu", "jo", "ker", "la", "mi", "no", "pra", "qui", "ro",
        "sta", "ti", "ul", "ver", "xo", "za",
    ];
    (0..rng.usize(2..5)).map(|_| syllables[rng.usize(..syllables.len())]).collect()
}

fn code(rng: &mut Rng) -> String {
    (0..rng.usize(5..10))
        .map(|_| char::from(b"abcdefghijkmnpqrstuvwxyz0123456789"[rng.usize(..34)]))
        .collect()
}

/// Values for every placeholder that rules name, so that all rules run.
pub fn placeholders(rules: &[String]) -> BTreeMap<String, Vec<String>> {
    let mut placeholders = BTreeMap::new();
    let name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    for rule in rules.iter().filter(|rule| rule.contains("expand")) {
        // Any text between two signs may be one.
        for part in rule.split('%').skip(1).filter(|part| part.bytes().all(name)) {
            placeholders.insert(part.to_owned(), vec!["placeholder".to_owned()]);
        }
    }
    placeholders
}

/// tidegate's tables of a set.
///
/// # Errors
/// The first diagnostic: here every rule has to run.
pub fn compile(set: &Set, placeholders: &BTreeMap<String, Vec<String>>) -> anyhow::Result<Tables> {
    let mut compiler = sigma::Compiler::new(&set.name, 0);
    for text in &set.rules {
        let source = sigma::Source::new("rule.yml", text).with_placeholders(placeholders);
        let parsed = sigma::parse(&source);
        if let Some(diagnostic) = parsed.diagnostics.first() {
            anyhow::bail!("{}: {}", diagnostic.code.id, diagnostic.message);
        }
        for rule in &parsed.rules {
            if let Err(diagnostics) = compiler.add(rule) {
                anyhow::bail!("{:?}", diagnostics.first().map(|diagnostic| &diagnostic.message));
            }
        }
    }
    Ok(compiler.finish())
}

/// Events as text that [`crate::recorded::read`] reads.
pub fn record(events: &[Value]) -> String {
    let mut out = String::new();
    for event in events {
        for (name, value) in event.as_object().into_iter().flatten() {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let _ = writeln!(out, "{name}\t{value}");
        }
        out.push('\n');
    }
    out
}
