//! The regular expressions of rules: each is compiled at most once, and all of a file within one budget.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, OnceLock};

use regex_automata::nfa::thompson::{self, pikevm::PikeVM};

use crate::compile::regex::{Compiled, Problem, compile, parse};
use crate::limits::{MAX_FILE_REGEX_BYTES, MAX_REGEX_BYTES};

/// A regular expression. Clones share its automaton, which is built when it is first used.
#[derive(Clone)]
pub struct Regex(Arc<Shared>);

struct Shared {
    text: String,
    /// The bytes of automata that the file may still have built.
    budget: Arc<AtomicUsize>,
    compiled: OnceLock<Result<Compiled, Problem>>,
}

impl Regex {
    /// Returns the expression as text, with its flags.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// Returns its automaton, or why it cannot be run.
    pub(crate) fn compiled(&self) -> Result<&Compiled, &Problem> {
        let shared = &self.0;
        shared.compiled.get_or_init(|| compile(&shared.text, &shared.budget)).as_ref()
    }
}

/// Finds an expression in bytes, as its author wrote it, with flags (`(?i)`) in front: the leftmost place, and of
/// its alternatives the first. `None` where it is not found or cannot be run.
///
/// For explanations: it takes steps in proportion to the product of both lengths.
pub fn find_regex(expression: &str, bytes: &[u8]) -> Option<Range<usize>> {
    let hir = parse(expression).ok()?;
    let config = thompson::Config::new().utf8(false).nfa_size_limit(Some(MAX_REGEX_BYTES));
    let nfa = thompson::Compiler::new().configure(config).build_from_hir(&hir).ok()?;
    let machine = PikeVM::new_from_nfa(nfa).ok()?;
    machine.find(&mut machine.create_cache(), bytes).map(|found| found.range())
}

impl fmt::Debug for Regex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Regex").field(&self.0.text).finish()
    }
}

/// The expressions of one file, each text once.
pub(crate) struct FileRegexes {
    budget: Arc<AtomicUsize>,
    known: HashMap<String, Regex>,
}

impl FileRegexes {
    pub(crate) fn new() -> FileRegexes {
        let budget = Arc::new(AtomicUsize::new(MAX_FILE_REGEX_BYTES));
        FileRegexes { budget, known: HashMap::new() }
    }

    /// Returns the expression of a text.
    pub(crate) fn get(&mut self, text: String) -> Regex {
        let new = |text: &String| {
            let budget = Arc::clone(&self.budget);
            Regex(Arc::new(Shared { text: text.clone(), budget, compiled: OnceLock::new() }))
        };
        self.known.entry(text).or_insert_with_key(new).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_found_where_it_is() {
        for (expression, text, expect) in [
            ("b+", "abbc", Some(1..3)),
            ("^/bot[0-9]+", "/bot12/x", Some(0..6)),
            ("(?i)BOT", "/bot1", Some(1..4)),
            ("x$", "xax", Some(2..3)),
            (r"\d{2,}", "a\u{664}12", Some(3..5)),
            ("a", "b", None),
            ("(", "(", None),
        ] {
            assert_eq!(find_regex(expression, text.as_bytes()), expect, "{expression}");
        }
    }
}
