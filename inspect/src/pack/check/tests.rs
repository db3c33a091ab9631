//! Packs in which as much as possible is shared: every check takes steps in proportion to their size.

use super::*;
use crate::ids::{AtomId, StrId};
use crate::pack::{
    Comparison, Exception, Level, Mode, NfaState, Phase, Range, Rule, Scope, Statement, Threshold,
    empty_tables,
};
use crate::steps::counted;

fn size(n: usize) -> u32 {
    u32::try_from(n).unwrap()
}

/// A pack with one string, which is empty, and nothing else.
fn nothing() -> Tables {
    let mut tables = empty_tables().unwrap();
    tables.string_ends = vec![0];
    tables
}

/// `n` rules that all have one program of `n` operations.
fn rules_of_one_program(n: usize) -> Tables {
    let mut tables = nothing();
    tables.code = vec![Op::Name(StrId(0)).encode(); n];
    tables.code[0] = Op::Atom(AtomId(0)).encode();
    tables.atoms = vec![crate::pack::Atom {
        field: KEYWORDS,
        label: StrId(0),
        rules_start: 0,
        rules_end: 0,
        unindexed_start: 0,
        unindexed_end: 0,
        is_deferred: false,
    }];
    tables.has_keywords = true;
    let [id, title, author, status, logsource] = [StrId(0); 5];
    let rule = Rule {
        id,
        title,
        author,
        status,
        logsource,
        level: Level::Low,
        phase: Phase::Request,
        alerts: true,
        tags_start: 0,
        tags_end: 0,
        code_start: 0,
        code_end: size(n),
    };
    tables.rules = vec![rule; n];
    tables
}

/// `n` correlations that all have the same `n` inputs, each with the same `n` fields.
fn correlations_of_one_list(n: usize) -> Tables {
    let mut tables = rules_of_one_program(1);
    let input = CorrelationInput {
        kind: InputKind::Rule,
        of: 0,
        fields_start: 0,
        fields_end: size(n),
        measured: NO_FIELD,
        is_ordered: false,
    };
    tables.correlation_inputs = vec![input; n];
    tables.input_fields = vec![NO_FIELD; n];
    tables.group_names = vec![StrId(0); n];
    let comparison = Comparison::Equal;
    tables.thresholds = vec![Threshold { comparison, negated: false, number: 0 }];
    let [id, title, author, status] = [StrId(0); 4];
    let correlation = Correlation {
        id,
        title,
        author,
        status,
        level: Level::Low,
        kind: CorrelationKind::EventCount,
        alerts: true,
        percentile: 0,
        timespan_ms: 1,
        tags_start: 0,
        tags_end: 0,
        group_start: 0,
        group_end: size(n),
        inputs_start: 0,
        inputs_end: size(n),
        thresholds_start: 0,
        thresholds_end: 1,
        condition: StrId(0),
        code_start: 0,
        code_end: 0,
    };
    tables.correlations = vec![correlation; n];
    tables
}

/// `n` temporal correlations that all have the same program of `n` operations.
fn conditions_of_one_list(n: usize) -> Tables {
    let mut tables = correlations_of_one_list(1);
    let mut code = vec![Op::Not.encode(); n];
    if let Some(first) = code.first_mut() {
        *first = Op::Atom(AtomId(0)).encode();
    }
    tables.correlation_code = code;
    tables.thresholds = Vec::new();
    for of in &mut tables.correlations {
        (of.kind, of.thresholds_end, of.code_end) = (CorrelationKind::Temporal, 0, size(n));
        // Each has an input of its own, so that only the programs are shared.
        (of.group_end, of.inputs_start, of.inputs_end) = (0, 0, 1);
    }
    let input = CorrelationInput { fields_end: 0, ..tables.correlation_inputs[0].clone() };
    tables.correlation_inputs = vec![input; n];
    tables.correlations = (0..size(n))
        .map(|idx| Correlation {
            inputs_start: idx,
            inputs_end: idx + 1,
            ..tables.correlations[0].clone()
        })
        .collect();
    tables
}

/// An automaton of `n` states that all have the same `n` edges.
fn states_of_one_list(n: usize) -> Tables {
    let mut tables = nothing();
    let state = NfaState { kind: NfaKind::Split, edges_start: 0, edges_end: size(n) };
    tables.nfas = vec![Nfa { states: vec![state; n], edges: vec![0; n], start: 0 }];
    tables
}

/// `n` statements and exceptions that all name the same `n` rules and identities.
fn scopes_of_one_list(n: usize) -> Tables {
    let mut tables = rules_of_one_program(1);
    let all = || Range { start: 0, end: size(n) };
    let scope = || Scope { rules: all(), services: Range::ANY, sources: Range::ANY, operations: 0 };
    let statement =
        Statement { name: StrId(0), mode: Mode::Off, usages: 0, share: 0, scope: scope() };
    let exception = Exception { id: StrId(0), expires: 0, scope: scope(), identities: all() };
    tables.policy.rules = vec![RuleId(0); n];
    tables.policy.identities = vec![0; n];
    tables.policy.statements = vec![statement; n];
    tables.policy.exceptions = vec![exception; n];
    tables
}

#[test]
fn twice_the_pack_takes_at_most_twice_the_steps() {
    for (what, of_size) in [
        ("programs", rules_of_one_program as fn(usize) -> Tables),
        ("correlations", correlations_of_one_list),
        ("conditions of correlations", conditions_of_one_list),
        ("states", states_of_one_list),
        ("scopes", scopes_of_one_list),
    ] {
        assert_eq!(tables(&of_size(1)), Ok(()), "{what}");
        let n_steps = |n: usize| {
            let pack = of_size(n);
            counted(|| tables(&pack).unwrap_or_default())
        };
        let (once, twice, more) = (n_steps(50), n_steps(100), n_steps(400));
        assert!(twice <= 2 * once + 64, "{what}: {once}, then {twice} steps");
        assert!(more <= 8 * once + 512, "{what}: {once}, then {more} steps");
    }
}
