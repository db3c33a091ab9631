//! A library's rules as a pack.

use inspect::{CorrelationId, IdentityKey, Pack, RuleId};
use sigma::Compiler;

use crate::library::Library;
use crate::note::service;
use crate::pack_file;
use crate::policy::{Policy, UNLISTED_RULE};
use diagnostics::{Diagnostic, Finding, Place};

/// The name of a pack to which nobody gives one.
pub const PACK_NAME: &str = "tidegate";

/// The version of a pack to which nobody gives one.
pub const PACK_VERSION: u64 = 1;

/// A compiled library: the numbers add up, `n_read = n_compiled + n_refused`.
#[derive(Debug)]
pub struct Compilation {
    /// The bytes of the pack.
    pub bytes: Vec<u8>,
    /// The pack.
    pub pack: Pack,
    /// The rule in the pack for each of [`Library::rules`]; `None` where the compiler refused it.
    pub rule_ids: Vec<Option<RuleId>>,
    /// The correlation in the pack for each of [`Library::correlations`], likewise.
    pub correlation_ids: Vec<Option<CorrelationId>>,
    /// How many rules and correlations were read.
    pub n_read: usize,
    /// How many are in the pack.
    pub n_compiled: usize,
    /// How many were refused, by the reader or by the compiler.
    pub n_refused: usize,
    /// Why the compiler refused rules; what the reader found is in [`Library::findings`].
    pub findings: Vec<Finding>,
}

impl Compilation {
    /// Compiles the rules of a library, in its order.
    ///
    /// # Errors
    /// The pack is larger than a gateway takes.
    pub fn new(library: &Library, name: &str, version: u64) -> Result<Compilation, Box<Finding>> {
        Compilation::with_policy(library, name, version, None, None)
    }

    /// The same, with a policy, and the key of the identities that it lists. What is wrong with the
    /// policy is among the findings; where that is an error, the pack has none.
    ///
    /// # Errors
    /// The pack is larger than a gateway takes.
    pub fn with_policy(
        library: &Library,
        name: &str,
        version: u64,
        policy: Option<&Policy>,
        key: Option<IdentityKey>,
    ) -> Result<Compilation, Box<Finding>> {
        let mut compiler = Compiler::new(name, version).with_hosts(library.hosts);
        let mut findings = Vec::new();
        let mut rule_ids = Vec::new();
        for entry in &library.rules {
            match compiler.add(&entry.rule) {
                Ok(rule) => rule_ids.push(Some(rule)),
                Err(diagnostics) => {
                    findings.extend(diagnostics.into_iter().map(Finding::from));
                    rule_ids.push(None);
                }
            }
        }
        if policy.is_some_and(|policy| !policy.allow.is_empty()) {
            findings.extend(add_unlisted_rule(&mut compiler));
        }
        let results = compiler.add_correlations(&library.correlations);
        let mut correlation_ids = Vec::new();
        for result in results {
            match result {
                Ok(id) => correlation_ids.push(Some(id)),
                Err(diagnostics) => {
                    findings.extend(diagnostics.into_iter().map(Finding::from));
                    correlation_ids.push(None);
                }
            }
        }
        let mut tables = compiler.finish();
        service::add(&library.services, &mut tables);
        if let Some(policy) = policy {
            findings.extend(policy.compile(&mut tables, key));
        }
        let bytes = tables.encode();
        let pack = pack_file::decode(&name.into(), &bytes)?;
        let n_compiled =
            rule_ids.iter().flatten().count() + correlation_ids.iter().flatten().count();
        let n_refused =
            library.n_refused + rule_ids.len() + library.correlations.len() - n_compiled;
        let n_read = library.n_read;
        Ok(Compilation {
            bytes,
            pack,
            rule_ids,
            correlation_ids,
            n_read,
            n_compiled,
            n_refused,
            findings,
        })
    }

    /// Returns a finding for each correlation of the library that a gateway does not run; for whoever makes a pack for
    /// one, as a hunt runs them all.
    pub fn hunt_only(&self, library: &Library) -> Vec<Finding> {
        let reasons = self.pack.tables().inline_correlations();
        let each = self.correlation_ids.iter().zip(&library.correlations);
        let findings = each.filter_map(|(id, of)| {
            let (_, reason) = reasons.iter().find(|(known, _)| Some(known) == id.as_ref())?;
            let reason = reason.as_ref()?;
            Some(Finding::from(Diagnostic {
                code: &sigma::codes::HUNT_ONLY,
                message: format!("a gateway does not run `{}`: {reason}", of.metadata.title),
                help:
                    "run it over logs with `tidegate hunt`; docs/sigma.md lists what a gateway runs"
                        .into(),
                place: Place { file: of.file.clone(), span: of.span },
                fix: None,
            }))
        });
        findings.collect()
    }
}

/// Adds the rule of requests that an allow-list does not have; what is wrong with it is returned.
fn add_unlisted_rule(compiler: &mut Compiler) -> Vec<Finding> {
    let parsed = sigma::parse(&sigma::Source::new("policy", UNLISTED_RULE));
    let mut diagnostics = parsed.diagnostics;
    for rule in &parsed.rules {
        diagnostics.extend(compiler.add(rule).err().unwrap_or_default());
    }
    diagnostics.into_iter().map(Finding::from).collect()
}
