//! What the fields of a pack are scanned for.

use inspect::pack::{KEYWORDS, Scan};
use inspect::{FieldId, PatternId};

use super::grams::Places;
use super::patterns::Gate;
use super::{grams, networks, trie};
use crate::rule::Network;

/// What each field is scanned for, and all values for keywords.
pub(super) struct FieldScans {
    pub(super) fields: Vec<ScanDraft>,
    pub(super) keywords: ScanDraft,
}

impl FieldScans {
    pub(super) fn new(shares: &[bool]) -> Self {
        let field = |shares: &bool| ScanDraft { shares: *shares, ..ScanDraft::default() };
        let keywords = ScanDraft { shares: true, ..ScanDraft::default() };
        FieldScans { fields: shares.iter().map(field).collect(), keywords }
    }

    pub(super) fn of(&mut self, field: FieldId) -> Option<&mut ScanDraft> {
        match field {
            KEYWORDS => Some(&mut self.keywords),
            field => self.fields.get_mut(field.index()),
        }
    }

    /// Takes out the literals that are looked for once in all text.
    pub(super) fn share(&mut self) -> Vec<(Vec<u8>, PatternId)> {
        let mut shared = Vec::new();
        for scan in self.fields.iter_mut().chain([&mut self.keywords]).filter(|scan| scan.shares) {
            let is_long = |(literal, _): &mut (Vec<u8>, PatternId)| literal.len() >= grams::LONG;
            let n_before = shared.len();
            shared.extend(scan.anywhere.extract_if(.., is_long));
            scan.is_shared = shared.len() > n_before;
        }
        shared
    }
}

/// What one field is scanned for.
#[derive(Default)]
pub(super) struct ScanDraft {
    forward: Vec<trie::Entry>,
    backward: Vec<trie::Entry>,
    anywhere: Vec<(Vec<u8>, PatternId)>,
    v4: Vec<(u128, u128, PatternId)>,
    v6: Vec<(u128, u128, PatternId)>,
    /// Whether the values often are parts of other values.
    shares: bool,
    /// Whether literals were taken out because of it.
    is_shared: bool,
}

impl ScanDraft {
    pub(super) fn add(&mut self, pattern: PatternId, gate: Gate) {
        match gate {
            Gate::Whole(bytes) => self.forward.push(trie::Entry { bytes, pattern, whole: true }),
            Gate::Start(bytes) => self.forward.push(trie::Entry { bytes, pattern, whole: false }),
            Gate::End(mut bytes) => {
                bytes.reverse();
                self.backward.push(trie::Entry { bytes, pattern, whole: false });
            }
            Gate::Anywhere(literals) => {
                self.anywhere.extend(literals.into_iter().map(|literal| (literal, pattern)));
            }
            // The atom asks for it when a rule does.
            Gate::Always => {}
            Gate::Network(Network::V4(first, last)) => {
                self.v4.push((first.into(), last.into(), pattern));
            }
            Gate::Network(Network::V6(first, last)) => self.v6.push((first, last, pattern)),
        }
    }

    pub(super) fn finish(self) -> Scan {
        Scan {
            forward: trie::build(self.forward),
            backward: trie::build(self.backward),
            grams: grams::build(self.anywhere, Places::Every),
            networks_v4: networks::build(&self.v4),
            networks_v6: networks::build(&self.v6),
            is_shared: self.is_shared,
        }
    }
}
