//! tidegate's answers: rule text to a pack, the pack to bytes and back, an event to a verdict.

use inspect::{Inspector, Pack};
use serde_json::Value;

use crate::event;
use crate::rule::Rule;

/// A pack at work, with what was refused.
pub struct Tidegate {
    inspector: Inspector,
    /// For each rule that was given, the code and message of its refusal.
    pub refusals: Vec<Option<String>>,
    /// For each rule of the pack, which of the given ones it is.
    given: Vec<usize>,
}

impl Tidegate {
    /// Compiles rules into one pack.
    pub fn new(rules: &[Rule]) -> anyhow::Result<Tidegate> {
        let mut compiler = sigma::Compiler::new("peers", 0);
        let mut refusals = Vec::with_capacity(rules.len());
        let mut given = Vec::with_capacity(rules.len());
        for (idx, rule) in rules.iter().enumerate() {
            let refusal = add(&mut compiler, &rule.yaml()).err();
            if refusal.is_none() {
                given.push(idx);
            }
            refusals.push(refusal);
        }
        let pack = Pack::decode(&compiler.finish().encode())?;
        Ok(Tidegate { inspector: Inspector::new(pack), refusals, given })
    }

    /// Which of the rules match, by their place among those given.
    pub fn matches(&mut self, event: &Value) -> Vec<bool> {
        let verdict = event::inspect(&mut self.inspector, event);
        let mut matches = vec![false; self.refusals.len()];
        for matched in &verdict.matches {
            matches[self.given[matched.rule.index()]] = true;
        }
        matches
    }
}

/// A pack at work on parsed JSON.
pub struct Json {
    inspector: Inspector,
}

impl Json {
    /// Puts a pack to work.
    pub fn new(pack: &[u8]) -> anyhow::Result<Json> {
        Ok(Json { inspector: Inspector::new(Pack::decode(pack)?) })
    }

    /// How many rules match.
    pub fn matches(&mut self, event: &Value) -> usize {
        event::inspect(&mut self.inspector, event).matches.len()
    }
}

fn add(compiler: &mut sigma::Compiler, yaml: &str) -> Result<(), String> {
    let shown =
        |diagnostic: &diagnostics::Diagnostic| format!("{}: {}", diagnostic.code.id, diagnostic.message);
    let parsed = sigma::parse(&sigma::Source::new("rule.yml", yaml));
    if let Some(diagnostic) = parsed.diagnostics.first() {
        return Err(shown(diagnostic));
    }
    let [rule] = parsed.rules.as_slice() else { return Err("no rule".into()) };
    match compiler.add(rule) {
        Ok(_) => Ok(()),
        Err(diagnostics) => Err(diagnostics.first().map(shown).unwrap_or_default()),
    }
}
