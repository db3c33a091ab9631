//! Looks for patterns in an event, and takes note of those that hold.

use std::ops::Range;

use super::plan::{Parts, Plan};
use super::{Found, Scratch};
use crate::compare::contains;
use crate::event::{Event, Text};
use crate::ids::{FieldId, PatternId};
use crate::pack::{CheckKind, KEYWORDS, Pattern, Scan, Tables};
use crate::{nfa, scan, steps};

/// Looks for all that wakes rules.
pub(super) fn first(tables: &Tables, plan: &Plan, event: &Event, scratch: &mut Scratch) {
    scan_shared(tables, plan, event, scratch);
    for (field, text) in event.answers() {
        let parts = plan.parts(field);
        if parts.is_scanned()
            && let Some(of_field) = tables.scans.get(field.index())
        {
            scan_value(tables, of_field, parts, event, text, scratch);
        }
    }
    if plan.keywords.is_scanned() {
        for text in event.wholes() {
            scan_value(tables, &tables.keywords, plan.keywords, event, text, scratch);
        }
    }
}

/// Scans the values of a field for the patterns that wake no rule, once per event.
pub(super) fn deferred(tables: &Tables, field: FieldId, event: &Event, scratch: &mut Scratch) {
    let place = if field == KEYWORDS { tables.fields.len() } else { field.index() };
    if !scratch.scanned.insert(place) {
        return;
    }
    if field == KEYWORDS {
        for text in event.wholes() {
            let scan = &tables.deferred_keywords;
            scan_value(tables, scan, Parts::of(scan), event, text, scratch);
        }
    } else if let Some(of_field) = tables.deferred.get(field.index()) {
        for text in event.values(field) {
            scan_value(tables, of_field, Parts::of(of_field), event, text, scratch);
        }
    }
}

/// Texts that lie so near to each other are searched as one: searching what lies between them takes
/// less time than a search of its own.
const NEAR_BYTES: usize = 16;

/// Looks for the literals that fields share in all text that may hold one.
fn scan_shared(tables: &Tables, plan: &Plan, event: &Event, scratch: &mut Scratch) {
    if tables.shared.is_empty() {
        return;
    }
    if plan.keywords.has(Parts::SHARED) {
        return scan_range(tables, 0..event.all_folded().len(), event, scratch);
    }
    let spans = event.answers().filter(|(field, _)| plan.parts(*field).has(Parts::SHARED));
    let mut joined: Option<Range<usize>> = None;
    for (_, text) in spans {
        let span = text.span();
        match &mut joined {
            Some(all)
                if span.start <= all.end + NEAR_BYTES && all.start <= span.end + NEAR_BYTES =>
            {
                *all = all.start.min(span.start)..all.end.max(span.end);
            }
            Some(all) => {
                let done = std::mem::replace(all, span);
                scan_range(tables, done, event, scratch);
            }
            None => joined = Some(span),
        }
    }
    if let Some(last) = joined {
        scan_range(tables, last, event, scratch);
    }
}

/// Looks for them in a part of an event's text.
fn scan_range(tables: &Tables, range: Range<usize>, event: &Event, scratch: &mut Scratch) {
    let Some(text) = event.all_folded().get(range.clone()) else { return };
    let mut places = std::mem::take(&mut scratch.places);
    for grams in &tables.shared {
        scan::grams(grams, text, &mut places, &mut |pattern, at| {
            let literal = range.start + at.start..range.start + at.end;
            report_shared(tables, pattern, literal, event, scratch);
        });
    }
    scratch.places = places;
}

/// Up to so many values of a field are asked whether they hold a literal that was found.
const FEW_VALUES: usize = 16;

/// Records a literal that was found at `at` in an event's text, if a value of its pattern's field
/// holds it. However often a literal occurs, a field of many values is searched once.
fn report_shared(
    tables: &Tables,
    pattern_id: PatternId,
    at: Range<usize>,
    event: &Event,
    scratch: &mut Scratch,
) {
    let Some(pattern) = tables.patterns.get(pattern_id.index()) else { return };
    let text = if pattern.check == CheckKind::None {
        let mut n_values = 0;
        let near = find_text(event, pattern.field, |text| {
            steps::take(1);
            n_values += 1;
            let span = text.span();
            n_values > FEW_VALUES || span.start <= at.start && at.end <= span.end
        });
        if n_values <= FEW_VALUES {
            near
        } else if scratch.decided.insert(pattern_id.index()) {
            let literal = event.all_folded().get(at).unwrap_or_default();
            find_text(event, pattern.field, |text| contains(event.folded(*text), literal))
        } else {
            None
        }
    } else if scratch.decided.insert(pattern_id.index()) {
        find_text(event, pattern.field, |text| {
            check(tables, pattern, event.raw(*text), event.folded(*text))
        })
    } else {
        None
    };
    if let Some(text) = text {
        hold(tables, pattern_id, pattern, text, scratch);
    }
}

/// The first value of a field, or of all where it is [`KEYWORDS`], of which something holds.
pub(super) fn find_text(
    event: &Event,
    field: FieldId,
    holds: impl FnMut(&Text) -> bool,
) -> Option<Text> {
    match field {
        KEYWORDS => event.wholes().find(holds),
        field => event.values(field).find(holds),
    }
}

fn scan_value(
    tables: &Tables,
    of: &Scan,
    parts: Parts,
    event: &Event,
    text: Text,
    scratch: &mut Scratch,
) {
    scratch.checked.clear();
    let folded = event.folded(text);
    if parts.has(Parts::FORWARD) {
        let found = &mut |pattern| report(tables, pattern, event, text, scratch);
        scan::starts(&of.forward, folded, found);
    }
    if parts.has(Parts::BACKWARD) {
        let found = &mut |pattern| report(tables, pattern, event, text, scratch);
        scan::ends(&of.backward, folded, found);
    }
    if parts.has(Parts::GRAMS) {
        let mut places = std::mem::take(&mut scratch.places);
        let found = &mut |pattern, _| report(tables, pattern, event, text, scratch);
        for grams in &of.grams {
            scan::grams(grams, folded, &mut places, found);
        }
        scratch.places = places;
    }
    if parts.has(Parts::NETWORKS) {
        let address = str::from_utf8(event.raw(text)).ok().and_then(|text| text.parse().ok());
        let found = &mut |pattern| report(tables, pattern, event, text, scratch);
        match address {
            Some(std::net::IpAddr::V4(address)) => {
                scan::networks(&of.networks_v4, u128::from(address.to_bits()), found);
            }
            Some(std::net::IpAddr::V6(address)) => {
                scan::networks(&of.networks_v6, address.to_bits(), found);
            }
            None => {}
        }
    }
}

/// Takes note of a pattern whose literal was found in a value: checks it there.
fn report(
    tables: &Tables,
    pattern_id: PatternId,
    event: &Event,
    text: Text,
    scratch: &mut Scratch,
) {
    let Some(pattern) = tables.patterns.get(pattern_id.index()) else { return };
    let holds = pattern.check == CheckKind::None
        || (scratch.checked.insert(pattern_id.index())
            && check(tables, pattern, event.raw(text), event.folded(text)));
    if holds {
        hold(tables, pattern_id, pattern, text, scratch);
    }
}

/// Returns true if a pattern's check holds on a value.
pub(super) fn check(tables: &Tables, pattern: &Pattern, raw: &[u8], folded: &[u8]) -> bool {
    let idx = pattern.check_idx;
    match pattern.check {
        CheckKind::None => true,
        CheckKind::FoldedGlob => scan::glob(tables.glob(idx), folded),
        CheckKind::CasedGlob => scan::glob(tables.glob(idx), raw),
        CheckKind::Regex => {
            tables.regexes.get(idx as usize).is_some_and(|regex| scan::regex(regex, raw))
        }
        CheckKind::Nfa => tables.nfas.get(idx as usize).is_some_and(|nfa| nfa::found(nfa, raw)),
    }
}

/// Makes a pattern's atoms true and wakes their rules.
fn hold(
    tables: &Tables,
    pattern_id: PatternId,
    pattern: &Pattern,
    text: Text,
    scratch: &mut Scratch,
) {
    for atom_id in tables.pattern_atoms(pattern) {
        if !scratch.atoms.insert(atom_id.index()) {
            continue;
        }
        scratch.found.push(Found { atom: *atom_id, pattern: pattern_id, text });
        let Some(atom) = tables.atoms.get(atom_id.index()) else { continue };
        for rule in tables.atom_rules(atom) {
            if scratch.seen.insert(rule.index()) {
                scratch.woken.push(*rule);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::evaluate;
    use crate::ids::{AtomId, StrId};
    use crate::pack::{Atom, PatternKind, empty_tables};
    use crate::steps::counted;
    use crate::steps::tests::strided_grams;

    /// One literal of eight `a`, which a field or every value is searched for in shared text.
    fn tables(field: FieldId, check: CheckKind) -> Tables {
        let mut tables = empty_tables().unwrap();
        tables.string_ends = vec![0];
        tables.fields = vec![StrId(0), StrId(0)];
        let scan = Scan { is_shared: true, ..tables.keywords.clone() };
        tables.scans = vec![scan.clone(), scan.clone()];
        tables.keywords = scan;
        tables.shared = vec![strided_grams(3, 2, &[&[b'a'; 8]])];
        let (kind, text, check_idx) = (PatternKind::Contains, StrId(0), 0);
        let (atoms_start, atoms_end) = (0, 1);
        tables.patterns =
            vec![Pattern { field, kind, text, check, check_idx, atoms_start, atoms_end }];
        tables.pattern_atoms = vec![AtomId(0)];
        let (rules_start, rules_end, unindexed_start, unindexed_end) = (0, 0, 0, 0);
        let label = StrId(0);
        let is_deferred = false;
        tables.atoms = vec![Atom {
            field,
            label,
            rules_start,
            rules_end,
            unindexed_start,
            unindexed_end,
            is_deferred,
        }];
        // A glob of nothing: it holds in no value.
        tables.glob_ends = vec![0];
        tables
    }

    /// Values that do not contain the literal, though the text that they make up does.
    fn steps(tables: &Tables, n_values: usize) -> u64 {
        let plan = Plan::new(tables);
        let mut event = Event::default();
        event.clear(2);
        for idx in 0..n_values {
            let text = event.text(b"aaaa");
            event.answer(FieldId(u32::from(idx % 8 != 0)), text);
        }
        let mut scratch = Scratch::default();
        let n_steps = counted(|| evaluate(tables, &plan, false, &event, &mut scratch));
        assert!(scratch.found(AtomId(0)).is_none());
        n_steps
    }

    #[test]
    fn twice_the_values_take_at_most_twice_the_steps() {
        for field in [FieldId(0), KEYWORDS] {
            for check in [CheckKind::None, CheckKind::FoldedGlob] {
                let tables = tables(field, check);
                let (once, twice) = (steps(&tables, 500), steps(&tables, 1000));
                let more = steps(&tables, 8000);
                assert!(once >= 500 && twice <= 2 * once + 512, "{once}, then {twice} steps");
                assert!(more <= 16 * once + 4096, "{once}, then {more} steps");
            }
        }
    }
}
