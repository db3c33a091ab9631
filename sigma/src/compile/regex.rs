//! Regular expressions to automata over bytes.
//!
//! The dialect is RE2's, by which pySigma checks rules: no look-around, no back references, and `\d`,
//! `\s`, `\w`, `\b` are ASCII. Case folding (`(?i)`), `.` and classes are Unicode.

use std::collections::HashMap;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use inspect::fold_char;
use inspect::pack::{Automaton as Table, Nfa, NfaKind, NfaState};
use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::nfa::thompson::{self, State};
use regex_automata::util::look::Look;
use regex_automata::util::{primitives::StateID, start};
use regex_automata::{Anchored, MatchKind};
use regex_syntax::ast::{self, Ast};
use regex_syntax::hir::{Class, Hir, HirKind};

use super::minimal::minimal;
use super::re2;
use crate::codes;
use crate::limits::{MAX_FILE_REGEX_BYTES, MAX_REGEX_BYTES, MAX_REGEX_STATES};
use diagnostics::Code;

/// A regular expression, ready to run.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) machine: Machine,
    /// Folded texts, one of which is in every value in which the expression is found.
    pub(crate) literals: Option<Vec<Vec<u8>>>,
}

/// What runs an expression.
#[derive(Debug)]
pub(crate) enum Machine {
    /// One step per byte.
    Dfa(Table),
    /// All states per byte, where the other would be too large.
    Nfa(Nfa),
}

/// Why an expression cannot be run.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) code: &'static Code,
    pub(crate) message: String,
    pub(crate) help: String,
}

/// Reads an expression: all that can be said without building its automaton.
pub(crate) fn parse(text: &str) -> Result<Hir, Problem> {
    let invalid = |message: String| Problem {
        code: &codes::INVALID_REGEX,
        message: format!("`{text}` is not a regular expression that can be run: {message}"),
        help: "use RE2 syntax: `. ^ $ * + ? {n,m} [] | ()`, no look-around and no back references"
            .into(),
    };
    let translated = re2::translated(text).map_err(&invalid)?;
    let text_ascii = ascii_classes(&translated).map_err(&invalid)?;
    let hir = regex_syntax::ParserBuilder::new().utf8(false).build().parse(&text_ascii);
    hir.map_err(|error| invalid(first_line(&error)))
}

/// Compiles an expression. `budget` has the bytes that may be spent on automata, and is reduced by those that
/// are; what remains bounds the work before it is done.
pub(crate) fn compile(text: &str, budget: &AtomicUsize) -> Result<Compiled, Problem> {
    let hir = parse(text)?;
    let spend = |n_bytes: usize| {
        let left = |left: usize| Some(left.saturating_sub(n_bytes));
        // The closure always returns a value, so that this cannot fail.
        let _ = budget.fetch_update(Relaxed, Relaxed, left);
    };
    let left = budget.load(Relaxed);
    let too_large = || Problem {
        code: &codes::REGEX_TOO_LARGE,
        message: format!("`{text}` needs an automaton of more than {MAX_REGEX_STATES} states"),
        help: "count less far (`.{1,256}`), or use ASCII classes as `[a-z]` for Unicode ones"
            .into(),
    };
    let used_up = || Problem {
        code: &codes::REGEX_TOO_LARGE,
        message: format!(
            "the regular expressions of the file need automata of more than {MAX_FILE_REGEX_BYTES} bytes"
        ),
        help: "count less far in them, write values without `re`, or split the file".into(),
    };
    let nfa_limit = left.min(4 * MAX_REGEX_BYTES);
    let nfa = thompson::Compiler::new()
        .configure(
            thompson::Config::new()
                .utf8(false)
                .which_captures(thompson::WhichCaptures::None)
                .nfa_size_limit(Some(nfa_limit)),
        )
        .build_from_hir(&hir)
        .map_err(|_| {
            spend(nfa_limit);
            if nfa_limit < 4 * MAX_REGEX_BYTES { used_up() } else { too_large() }
        })?;
    spend(nfa.memory_usage());
    // A part is kept for the smaller automata, so that a file with many expressions is still run, if slower.
    let for_tables = budget.load(Relaxed).saturating_sub(MAX_FILE_REGEX_BYTES / 4);
    let dfa_limit = for_tables.min(MAX_REGEX_BYTES);
    let config = dense::Config::new()
        .start_kind(StartKind::Unanchored)
        .match_kind(MatchKind::All)
        .accelerate(false)
        .dfa_size_limit(Some(dfa_limit))
        .determinize_size_limit(Some(dfa_limit));
    let dfa = dense::Builder::new().configure(config).build_from_nfa(&nfa).ok();
    spend(dfa.as_ref().map_or(dfa_limit, dense::DFA::memory_usage));
    let machine = match dfa.and_then(|dfa| table(&dfa)) {
        Some(table) => Machine::Dfa(minimal(table)),
        None => Machine::Nfa(flat(&nfa).ok_or_else(too_large)?),
    };
    Ok(Compiled { machine, literals: required(&hir).best })
}

/// The part of a regex-syntax error that says what is wrong.
fn first_line(error: &regex_syntax::Error) -> String {
    match error {
        regex_syntax::Error::Parse(error) => error.kind().to_string(),
        regex_syntax::Error::Translate(error) => error.kind().to_string(),
        other => other.to_string(),
    }
}

/// The expression with its Perl classes and word boundaries spelled out for ASCII.
fn ascii_classes(text: &str) -> Result<String, String> {
    let ast = ast::parse::Parser::new().parse(text).map_err(|error| error.kind().to_string())?;
    let mut finder = Finder { replacements: Vec::new() };
    ast::visit(&ast, &mut finder)?;
    finder.replacements.sort_by_key(|(start, ..)| *start);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (start, end, with) in finder.replacements {
        out.push_str(text.get(at..start).unwrap_or_default());
        out.push_str(with);
        at = end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    Ok(out)
}

/// Collects what [`ascii_classes`] replaces: start, end, with what.
struct Finder {
    replacements: Vec<(usize, usize, &'static str)>,
}

impl Finder {
    fn replace(&mut self, span: &ast::Span, with: &'static str) {
        self.replacements.push((span.start.offset, span.end.offset, with));
    }

    fn perl(&mut self, class: &ast::ClassPerl) {
        use ast::ClassPerlKind::{Digit, Space, Word};
        let with = match (&class.kind, class.negated) {
            (Digit, false) => "[0-9]",
            (Digit, true) => "[^0-9]",
            (Space, false) => r"[\t\n\f\r ]",
            (Space, true) => r"[^\t\n\f\r ]",
            (Word, false) => "[0-9A-Za-z_]",
            (Word, true) => "[^0-9A-Za-z_]",
        };
        self.replace(&class.span, with);
    }
}

impl ast::Visitor for &mut Finder {
    type Output = ();
    type Err = String;

    fn finish(self) -> Result<(), String> {
        Ok(())
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), String> {
        match ast {
            Ast::Flags(set) => known_flags(&set.flags)?,
            Ast::Group(group) => group.flags().map_or(Ok(()), known_flags)?,
            Ast::ClassPerl(class) => self.perl(class),
            Ast::Assertion(assertion) => match assertion.kind {
                ast::AssertionKind::WordBoundary => self.replace(&assertion.span, r"(?-u:\b)"),
                ast::AssertionKind::NotWordBoundary => self.replace(&assertion.span, r"(?-u:\B)"),
                _ => {}
            },
            _ => {}
        }
        Ok(())
    }

    fn visit_class_set_item_pre(&mut self, item: &ast::ClassSetItem) -> Result<(), String> {
        if let ast::ClassSetItem::Perl(class) = item {
            self.perl(class);
        }
        Ok(())
    }
}

/// Refuses blanks and comments in an expression, which RE2 does not have: a `[` in a comment does not
/// start a class.
fn known_flags(flags: &ast::Flags) -> Result<(), String> {
    match flags.flag_state(ast::Flag::IgnoreWhitespace) {
        Some(true) => Err("there is no flag `x`".into()),
        _ => Ok(()),
    }
}

/// The automaton as one flat table: every state that can be reached, found and dead first.
fn table(dfa: &dense::DFA<Vec<u32>>) -> Option<Table> {
    let byte_classes = dfa.byte_classes();
    let mut representatives: Vec<u8> = Vec::new();
    let mut classes = Vec::with_capacity(256);
    let mut class_of: HashMap<u8, u8> = HashMap::new();
    for byte in 0..=u8::MAX {
        let class = *class_of.entry(byte_classes.get(byte)).or_insert_with(|| {
            representatives.push(byte);
            u8::try_from(representatives.len() - 1).unwrap_or(u8::MAX)
        });
        classes.push(class);
    }
    let n_classes = representatives.len();

    let start = start::Config::new().anchored(Anchored::No);
    let start = dfa.start_state(&start).ok()?;
    let mut ids: HashMap<StateID, u32> = HashMap::new();
    let mut queue = Vec::new();
    let mut id_of = |state: StateID, queue: &mut Vec<StateID>| -> u32 {
        if dfa.is_dead_state(state) {
            return Table::DEAD;
        }
        if dfa.is_match_state(state) {
            return Table::FOUND;
        }
        *ids.entry(state).or_insert_with(|| {
            queue.push(state);
            u32::try_from(queue.len()).unwrap_or(u32::MAX).saturating_add(1)
        })
    };
    let start = id_of(start, &mut queue);
    let mut transitions = vec![Table::DEAD; n_classes];
    transitions.extend(std::iter::repeat_n(Table::FOUND, n_classes));
    let mut at_end = vec![0, 1];
    let mut done = 0;
    while let Some(state) = queue.get(done).copied() {
        for byte in &representatives {
            let next = dfa.next_state(state, *byte);
            let next = id_of(next, &mut queue);
            transitions.push(next);
        }
        at_end.push(u8::from(dfa.is_match_state(dfa.next_eoi_state(state))));
        done += 1;
        if transitions.len() * size_of::<u32>() > MAX_REGEX_BYTES {
            return None;
        }
    }
    Some(Table { classes, transitions, at_end, n_classes: u32::try_from(n_classes).ok()?, start })
}

/// The nondeterministic automaton as flat tables; `None` where it asks for what is not supported.
fn flat(nfa: &thompson::NFA) -> Option<Nfa> {
    let mut states = Vec::with_capacity(nfa.states().len());
    let mut edges: Vec<u32> = Vec::new();
    let number = |state: StateID| u32::try_from(state.as_usize()).ok();
    for state in nfa.states() {
        let edges_start = u32::try_from(edges.len()).ok()?;
        let byte_edge = |transition: &thompson::Transition, edges: &mut Vec<u32>| {
            edges.push(u32::from(transition.start) | u32::from(transition.end) << 8);
            number(transition.next).map(|next| edges.push(next))
        };
        let kind = match state {
            State::ByteRange { trans } => {
                byte_edge(trans, &mut edges)?;
                NfaKind::Bytes
            }
            State::Sparse(sparse) => {
                for transition in &*sparse.transitions {
                    byte_edge(transition, &mut edges)?;
                }
                NfaKind::Bytes
            }
            State::Dense(dense) => {
                for (byte, next) in (0..=u8::MAX).zip(&*dense.transitions) {
                    // State 0 means "no transition" here.
                    if *next != StateID::ZERO {
                        let edge = thompson::Transition { start: byte, end: byte, next: *next };
                        byte_edge(&edge, &mut edges)?;
                    }
                }
                NfaKind::Bytes
            }
            State::Look { look, next } => {
                edges.push(number(*next)?);
                match look {
                    Look::Start => NfaKind::Start,
                    Look::End => NfaKind::End,
                    Look::StartLF => NfaKind::StartLine,
                    Look::EndLF => NfaKind::EndLine,
                    Look::WordAscii => NfaKind::Word,
                    Look::WordAsciiNegate => NfaKind::NotWord,
                    _ => return None,
                }
            }
            State::Union { alternates } => {
                for next in &**alternates {
                    edges.push(number(*next)?);
                }
                NfaKind::Split
            }
            State::BinaryUnion { alt1, alt2 } => {
                edges.extend([number(*alt1)?, number(*alt2)?]);
                NfaKind::Split
            }
            State::Capture { next, .. } => {
                edges.push(number(*next)?);
                NfaKind::Split
            }
            State::Fail => NfaKind::Bytes,
            State::Match { .. } => NfaKind::Match,
        };
        states.push(NfaState { kind, edges_start, edges_end: u32::try_from(edges.len()).ok()? });
    }
    let start = number(nfa.start_unanchored())?;
    (states.len() <= MAX_REGEX_STATES).then_some(Nfa { states, edges, start })
}

/// What is known of the texts that an expression matches, folded.
struct Required {
    /// The one text that it matches, if it is only one.
    exact: Option<Vec<u8>>,
    /// Texts, one of which is in every match.
    best: Option<Vec<Vec<u8>>>,
}

/// Most literals that replace one expression; an alternation of more is checked on every value.
const MAX_LITERALS: usize = 64;
/// Shortest literal that is worth looking for.
const MIN_LITERAL_BYTES: usize = 2;

fn required(hir: &Hir) -> Required {
    let nothing = || Required { exact: None, best: None };
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Required { exact: Some(Vec::new()), best: None },
        HirKind::Literal(literal) => exactly(inspect::fold(&literal.0)),
        HirKind::Class(class) => one_folded_char(class).map_or_else(nothing, exactly),
        HirKind::Capture(capture) => required(&capture.sub),
        HirKind::Repetition(repetition) => match (repetition.min, repetition.max) {
            (0, _) => nothing(),
            (1, Some(1)) => required(&repetition.sub),
            _ => Required { exact: None, best: required(&repetition.sub).best },
        },
        HirKind::Concat(parts) => {
            let mut whole = Some(Vec::new());
            let mut run = Vec::new();
            let mut best: Option<Vec<Vec<u8>>> = None;
            for part in parts {
                let part = required(part);
                if let Some(exact) = part.exact {
                    run.extend_from_slice(&exact);
                    whole = whole.map(|whole: Vec<u8>| [whole, exact].concat());
                } else {
                    whole = None;
                    best = better(best, worth(std::mem::take(&mut run)));
                    best = better(best, part.best);
                }
            }
            best = better(best, worth(run));
            Required { exact: whole, best }
        }
        HirKind::Alternation(parts) => {
            let mut all = Vec::new();
            for part in parts {
                match required(part).best {
                    Some(literals) if all.len() + literals.len() <= MAX_LITERALS => {
                        all.extend(literals);
                    }
                    _ => return nothing(),
                }
            }
            all.sort_unstable();
            all.dedup();
            Required { exact: None, best: Some(all) }
        }
    }
}

fn exactly(text: Vec<u8>) -> Required {
    Required { best: worth(text.clone()), exact: Some(text) }
}

fn worth(text: Vec<u8>) -> Option<Vec<Vec<u8>>> {
    (text.len() >= MIN_LITERAL_BYTES).then(|| vec![text])
}

/// The set whose shortest literal is longer; of two such sets the smaller.
fn better(left: Option<Vec<Vec<u8>>>, right: Option<Vec<Vec<u8>>>) -> Option<Vec<Vec<u8>>> {
    let value = |set: &[Vec<u8>]| {
        let shortest = set.iter().map(Vec::len).min().unwrap_or_default();
        (shortest, usize::MAX - set.len())
    };
    match (left, right) {
        (Some(left), Some(right)) if value(&left) >= value(&right) => Some(left),
        (Some(_), Some(right)) => Some(right),
        (left, right) => left.or(right),
    }
}

/// The character that all of a class fold to, as `(?i)a` is `[Aa]`.
fn one_folded_char(class: &Class) -> Option<Vec<u8>> {
    let mut chars: Vec<char> = Vec::new();
    match class {
        Class::Unicode(class) => {
            for range in class.ranges() {
                chars.extend((range.start()..=range.end()).take(5));
            }
        }
        Class::Bytes(class) => {
            for range in class.ranges() {
                let ascii = (range.start()..=range.end()).take(5).filter(u8::is_ascii);
                chars.extend(ascii.map(char::from));
                if !range.end().is_ascii() {
                    return None;
                }
            }
        }
    }
    let folded = fold_char(*chars.first()?);
    let same = chars.len() < 5 && chars.iter().all(|character| fold_char(*character) == folded);
    same.then(|| folded.to_string().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_those_that_no_match_can_do_without() {
        for (text, expect) in [
            ("b+c", "-"),
            ("foobar", "foobar"),
            ("(?i)FooBar", "foobar"),
            ("(?i)kilo", "kilo"),
            ("abc|defg", "abc,defg"),
            ("abc|d", "-"),
            ("x(ab|cde)y?", "ab,cde"),
            ("abc.*longer", "longer"),
            ("a{3}bc", "bc"),
            ("(abcd)+x", "abcd"),
            (r"\.up\.railway\.app$", ".up.railway.app"),
            (".{150}", "-"),
            ("[ab]cd", "cd"),
            (r"^https?://\d+", "http"),
        ] {
            let shown = match compile(text, &AtomicUsize::new(MAX_FILE_REGEX_BYTES)) {
                Ok(Compiled { literals: Some(literals), .. }) => literals
                    .iter()
                    .map(|literal| String::from_utf8_lossy(literal))
                    .collect::<Vec<_>>()
                    .join(","),
                Ok(Compiled { literals: None, .. }) => "-".into(),
                Err(problem) => problem.message,
            };
            assert_eq!(shown, expect, "{text}");
        }
    }
}
