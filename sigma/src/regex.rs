//! The regular expressions of rules: each is compiled at most once, and all of a file within one budget.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, OnceLock};

use crate::compile::regex::{Compiled, Problem, compile};
use crate::limits::MAX_FILE_REGEX_BYTES;

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
