//! Values to patterns: how each is looked for, and what checks it.

use std::collections::HashMap;

use inspect::pack::{
    Automaton, CheckKind, GLOB_DASH, GLOB_MANY, GLOB_ONE, Grams, Nfa, Pattern, PatternKind, Scan,
};
use inspect::{AtomId, FieldId, PatternId, StrId};

use super::grams::Places;
use super::regex::Machine;
use super::scans::{FieldScans, ScanDraft};
use super::{end_of, frequency, grams};
use crate::rule::{Item, Network, Rule, Token, Value, ValueTest};
use crate::text;
use diagnostics::{Diagnostic, Place};

/// All patterns of a pack, each once per field.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    drafts: Vec<Draft>,
    by_key: HashMap<Key, PatternId>,
    globs: Vec<Vec<u16>>,
    globs_by_tokens: HashMap<Vec<u16>, u32>,
    regexes: Vec<Automaton>,
    nfas: Vec<Nfa>,
    regexes_by_text: HashMap<String, Regex>,
    regexes_by_table: HashMap<Automaton, u32>,
}

#[derive(Debug)]
struct Draft {
    field: FieldId,
    kind: PatternKind,
    text: StrId,
    check: (CheckKind, u32),
    gate: Gate,
    atoms: Vec<AtomId>,
    frequency: f64,
}

/// A compiled expression: what checks it, and which literals it needs.
#[derive(Clone, Debug)]
struct Regex {
    check: (CheckKind, u32),
    literals: Option<Vec<Vec<u8>>>,
}

/// What makes two patterns the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Text(FieldId, Vec<u16>, bool),
    Regex(FieldId, String),
    V4(FieldId, u32, u32),
    V6(FieldId, u128, u128),
}

/// What the scan looks for.
#[derive(Clone, Debug)]
pub(super) enum Gate {
    /// The whole value, folded.
    Whole(Vec<u8>),
    /// The start of the value, folded.
    Start(Vec<u8>),
    /// The end of the value, folded.
    End(Vec<u8>),
    /// Any of these, anywhere in the value, folded.
    Anywhere(Vec<Vec<u8>>),
    /// Nothing: every value is checked.
    Always,
    Network(Network),
}

/// The tables of all patterns.
pub(super) struct Finished {
    pub(super) patterns: Vec<Pattern>,
    pub(super) pattern_atoms: Vec<AtomId>,
    pub(super) glob_tokens: Vec<u16>,
    pub(super) glob_ends: Vec<u32>,
    pub(super) regexes: Vec<Automaton>,
    pub(super) nfas: Vec<Nfa>,
    pub(super) scans: Vec<Scan>,
    pub(super) keywords: Scan,
    pub(super) shared: Vec<Grams>,
    pub(super) deferred: Vec<Scan>,
    pub(super) deferred_keywords: Scan,
    /// For each atom whether some of its patterns are deferred.
    pub(super) deferred_atoms: Vec<bool>,
}

impl Patterns {
    /// Compiles the regular expressions of a rule, which may fail, before anything else is done.
    pub(super) fn prepare(&mut self, rule: &Rule) -> Result<(), Vec<Diagnostic>> {
        let mut diagnostics = Vec::new();
        for selection in &rule.selections {
            selection.search.items(&mut |item: &Item| {
                for value in &item.values {
                    let ValueTest::Regex(regex) = &value.test else { continue };
                    let text = regex.as_str();
                    if self.regexes_by_text.contains_key(text) {
                        continue;
                    }
                    match regex.compiled() {
                        Ok(compiled) => {
                            let check = match &compiled.machine {
                                Machine::Dfa(automaton) => {
                                    (CheckKind::Regex, self.automaton(automaton))
                                }
                                Machine::Nfa(nfa) => {
                                    self.nfas.push(nfa.clone());
                                    (CheckKind::Nfa, end_of(&self.nfas) - 1)
                                }
                            };
                            let literals = compiled.literals.clone();
                            self.regexes_by_text.insert(text.to_owned(), Regex { check, literals });
                        }
                        Err(problem) => diagnostics.push(Diagnostic {
                            code: problem.code,
                            message: problem.message.clone(),
                            help: problem.help.clone(),
                            place: Place { file: rule.file.clone(), span: value.span },
                            fix: None,
                        }),
                    }
                }
            });
        }
        if diagnostics.is_empty() { Ok(()) } else { Err(diagnostics) }
    }

    /// The index of an automaton; expressions that find the same have one.
    fn automaton(&mut self, automaton: &Automaton) -> u32 {
        let next = end_of(&self.regexes);
        let idx = *self.regexes_by_table.entry(automaton.clone()).or_insert(next);
        if idx == next {
            self.regexes.push(automaton.clone());
        }
        idx
    }

    /// The patterns of a value, and how often each is found, roughly. None for values that a test asks.
    pub(super) fn of_value(
        &mut self,
        field: FieldId,
        value: &Value,
        text: StrId,
    ) -> Vec<(PatternId, f64)> {
        match &value.test {
            ValueTest::Text { variants, cased } => {
                variants.iter().map(|tokens| self.of_text(field, tokens, *cased, text)).collect()
            }
            ValueTest::Regex(pattern) => {
                let Some(Regex { check, literals }) =
                    self.regexes_by_text.get(pattern.as_str()).cloned()
                else {
                    return Vec::new();
                };
                let gate = literals.map_or(Gate::Always, Gate::Anywhere);
                let key = Key::Regex(field, pattern.as_str().to_owned());
                vec![self.pattern(key, field, PatternKind::Regex, text, check, gate)]
            }
            ValueTest::Network(network) => {
                let key = match *network {
                    Network::V4(first, last) => Key::V4(field, first, last),
                    Network::V6(first, last) => Key::V6(field, first, last),
                };
                let (kind, check) = (PatternKind::Network, (CheckKind::None, 0));
                vec![self.pattern(key, field, kind, text, check, Gate::Network(*network))]
            }
            ValueTest::Null
            | ValueTest::Exists(_)
            | ValueTest::Number(..)
            | ValueTest::Time(..)
            | ValueTest::Field { .. } => Vec::new(),
        }
    }

    fn of_text(
        &mut self,
        field: FieldId,
        tokens: &[Token],
        cased: bool,
        text: StrId,
    ) -> (PatternId, f64) {
        let folded = text::folded(tokens);
        let compared = if cased { tokens } else { &folded };
        let (kind, gate, decided) = match folded.as_slice() {
            [] => (PatternKind::Exact, Gate::Whole(Vec::new()), true),
            [Token::Literal(literal)] => (PatternKind::Exact, Gate::Whole(literal.clone()), true),
            [Token::Literal(literal), Token::Many] => {
                (PatternKind::Prefix, Gate::Start(literal.clone()), true)
            }
            [Token::Many, Token::Literal(literal)] => {
                (PatternKind::Suffix, Gate::End(literal.clone()), true)
            }
            [Token::Many, Token::Literal(literal), Token::Many] => {
                (PatternKind::Contains, Gate::Anywhere(vec![literal.clone()]), true)
            }
            [Token::Many] => (PatternKind::Glob, Gate::Always, true),
            mixed => (PatternKind::Glob, gate_of_glob(mixed), false),
        };
        let glob = glob_tokens(compared);
        let check = if decided && !cased {
            (CheckKind::None, 0)
        } else {
            let idx = *self.globs_by_tokens.entry(glob.clone()).or_insert_with(|| {
                self.globs.push(glob.clone());
                end_of(&self.globs) - 1
            });
            let kind = if cased { CheckKind::CasedGlob } else { CheckKind::FoldedGlob };
            (kind, idx)
        };
        self.pattern(Key::Text(field, glob, cased), field, kind, text, check, gate)
    }

    fn pattern(
        &mut self,
        key: Key,
        field: FieldId,
        kind: PatternKind,
        text: StrId,
        check: (CheckKind, u32),
        gate: Gate,
    ) -> (PatternId, f64) {
        let id = *self.by_key.entry(key).or_insert_with(|| {
            let frequency = frequency::of_gate(&gate);
            let draft = Draft { field, kind, text, check, gate, atoms: Vec::new(), frequency };
            self.drafts.push(draft);
            PatternId(end_of(&self.drafts) - 1)
        });
        (id, self.drafts.get(id.index()).map_or(1.0, |draft| draft.frequency))
    }

    /// Lets patterns make an atom true.
    pub(super) fn feed(&mut self, patterns: &[PatternId], atom: AtomId) {
        for pattern in patterns {
            if let Some(draft) = self.drafts.get_mut(pattern.index()) {
                draft.atoms.push(atom);
            }
        }
    }

    /// The patterns among these that no scan looks for.
    pub(super) fn unindexed(&self, patterns: &[PatternId]) -> Vec<PatternId> {
        let is_unindexed = |pattern: &PatternId| {
            self.drafts.get(pattern.index()).is_some_and(|draft| matches!(draft.gate, Gate::Always))
        };
        patterns.iter().copied().filter(is_unindexed).collect()
    }

    /// Lets patterns without a literal be checked on every value of their field, because nothing else
    /// vouches for a rule: it then runs where the field is, and not on every event.
    pub(super) fn scan_for(&mut self, patterns: &[PatternId]) {
        for pattern in patterns {
            if let Some(draft) = self.drafts.get_mut(pattern.index()) {
                draft.gate = Gate::Start(Vec::new());
            }
        }
    }

    /// Returns true if a pattern is checked on every value of its field.
    pub(super) fn check_every_value(&self) -> bool {
        self.drafts.iter().any(|draft| matches!(&draft.gate, Gate::Start(text) if text.is_empty()))
    }

    /// Lays everything out. `wakes` says of each atom whether it wakes rules, `shares` of each field
    /// whether its values often are parts of other values.
    pub(super) fn finish(self, wakes: &[bool], shares: &[bool]) -> Finished {
        let mut glob_tokens = Vec::new();
        let mut glob_ends = Vec::new();
        for glob in self.globs {
            glob_tokens.extend(glob);
            glob_ends.push(end_of(&glob_tokens));
        }
        let n_atoms = wakes.len();
        let mut pattern_atoms = Vec::new();
        let mut patterns = Vec::with_capacity(self.drafts.len());
        let wakes = |atom: &AtomId| wakes.get(atom.index()).copied().unwrap_or_default();
        let mut deferred_atoms = vec![false; n_atoms];
        let mut first = FieldScans::new(shares);
        let mut deferred = FieldScans::new(shares);
        for (id, draft) in (0..).map(PatternId).zip(self.drafts) {
            let atoms_start = end_of(&pattern_atoms);
            let is_first = draft.atoms.iter().any(wakes);
            if !is_first && !matches!(draft.gate, Gate::Always) {
                for atom in &draft.atoms {
                    deferred_atoms
                        .get_mut(atom.index())
                        .into_iter()
                        .for_each(|deferred| *deferred = true);
                }
            }
            pattern_atoms.extend(draft.atoms);
            patterns.push(Pattern {
                field: draft.field,
                kind: draft.kind,
                text: draft.text,
                check: draft.check.0,
                check_idx: draft.check.1,
                atoms_start,
                atoms_end: end_of(&pattern_atoms),
            });
            let scans = if is_first { &mut first } else { &mut deferred };
            scans.of(draft.field).into_iter().for_each(|scan| scan.add(id, draft.gate.clone()));
        }
        let shared = first.share();
        let finish = |scans: Vec<ScanDraft>| scans.into_iter().map(ScanDraft::finish).collect();
        Finished {
            patterns,
            pattern_atoms,
            glob_tokens,
            glob_ends,
            regexes: self.regexes,
            nfas: self.nfas,
            scans: finish(first.fields),
            keywords: first.keywords.finish(),
            shared: grams::build(shared, Places::EverySecond),
            deferred: finish(deferred.fields),
            deferred_keywords: deferred.keywords.finish(),
            deferred_atoms,
        }
    }
}

fn glob_tokens(tokens: &[Token]) -> Vec<u16> {
    let mut out = Vec::new();
    for token in tokens {
        match token {
            Token::Literal(bytes) => out.extend(bytes.iter().map(|byte| u16::from(*byte))),
            Token::One => out.push(GLOB_ONE),
            Token::Many => out.push(GLOB_MANY),
            Token::Dash => out.push(GLOB_DASH),
        }
    }
    out
}

/// The longest literal of a glob; at an end of the value where it is there.
fn gate_of_glob(tokens: &[Token]) -> Gate {
    let literals = tokens.iter().enumerate().filter_map(|(idx, token)| match token {
        Token::Literal(bytes) => Some((idx, bytes)),
        Token::One | Token::Many | Token::Dash => None,
    });
    let longest = literals.rev().max_by_key(|(_, bytes)| bytes.len());
    match longest {
        None => Gate::Always,
        Some((0, bytes)) => Gate::Start(bytes.clone()),
        Some((idx, bytes)) if idx + 1 == tokens.len() => Gate::End(bytes.clone()),
        Some((_, bytes)) => Gate::Anywhere(vec![bytes.clone()]),
    }
}
