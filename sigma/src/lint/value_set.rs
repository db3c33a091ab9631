//! What each field of a request can hold, as one table of regular languages, and whether a value is in them.
//!
//! A value is a pattern; it can match if its language and that of the field have a text in common. Both are
//! automata, so that text with wildcards and regular expressions are asked in the same way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use inspect::ProxyField;
use inspect::pack::Automaton as Table;
use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::util::primitives::StateID;
use regex_automata::util::{start, syntax};
use regex_automata::{Anchored, Input};

use crate::compile::regex::Machine;
use crate::regex::Regex;
use crate::rule::Token;

/// A field, the texts that it can hold, and in words what a value is that is none of them.
pub(super) struct ValueSet {
    pub(super) field: ProxyField,
    /// A regular expression for the whole text.
    pattern: &'static str,
    /// What a text is that the field can hold: ends the sentence "it is ...".
    pub(super) what: &'static str,
    pub(super) help: &'static str,
}

/// Most pairs of states that are followed for a regular expression; beyond, the value counts as possible.
const MAX_PAIRS: usize = 8_192;

/// What each field can hold. Each pattern covers all readings of a request that a client sends, and is wider
/// where a field repeats what a client writes.
const TABLE: &[ValueSet] = &[
    ValueSet {
        field: ProxyField::Host,
        pattern: HOST,
        what: "a host without scheme, port and path",
        help: "look for host and path together in `c-uri`, or leave out what is not the host",
    },
    ValueSet {
        field: ProxyField::ServerName,
        pattern: r"[^\x00-\x20/\\?#@:\[\]]+",
        what: "a host name without scheme, port and path",
        help: "leave out what is not the name",
    },
    ValueSet {
        field: ProxyField::Uri,
        pattern: r"[a-z][a-z0-9+.-]*://[^\x00-\x20/\\?#\[\]]+[/*][^#]*|[a-z][a-z0-9+.-]*://\[[0-9a-f:.%]*\](:[0-9]*)?[/*][^#]*|[^\x00-\x20/\\?#\[\]]+|\[[0-9a-f:.%]*\]:[0-9]*",
        what: "a whole URL with scheme, host and path, or the `host:port` of CONNECT",
        help: "begin it with scheme and host, look for a part with `contains`, or for the path in `c-uri-stem`",
    },
    ValueSet {
        field: ProxyField::UriStem,
        pattern: r"/[^?#]*|\*",
        what: "a path, which begins with `/` and has neither query nor fragment",
        help: "look for the whole URL in `c-uri`, or for the query in `c-uri-query`",
    },
    ValueSet {
        field: ProxyField::UriQuery,
        pattern: r"([^/?#][^#]*)?",
        what: "a query without its `?`, and without the path",
        help: "leave out the `?`, or look for the path in `c-uri-stem`",
    },
    ValueSet {
        field: ProxyField::UriExtension,
        pattern: r"[^./?#]*",
        what: "an extension without its dot",
        help: "write `exe` for `.exe`; `tar.gz` has the extension `gz`",
    },
    ValueSet {
        field: ProxyField::Method,
        pattern: r"[A-Z0-9!#$%&'*+.^_`|~-]+",
        what: "a method: one word, in capitals",
        help: "write one method a value, as `POST`",
    },
    ValueSet {
        field: ProxyField::Version,
        pattern: r"HTTP/[0-9](\.[0-9])?",
        what: "a version with its name, as `HTTP/1.1` or `HTTP/2`",
        help: "write `HTTP/1.0`, `HTTP/1.1`, `HTTP/2` or `HTTP/3`",
    },
    ValueSet {
        field: ProxyField::Status,
        pattern: r"[1-9][0-9]{2}",
        what: "a status of three digits",
        help: "write `404`, or `4??` for all that begin with 4",
    },
    ValueSet {
        field: ProxyField::RequestBytes,
        pattern: r"[0-9]+",
        what: "a number of bytes",
        help: "write it in digits; compare with `lt`, `lte`, `gt`, `gte`",
    },
    ValueSet {
        field: ProxyField::ResponseBytes,
        pattern: r"[0-9]+",
        what: "a number of bytes",
        help: "write it in digits; compare with `lt`, `lte`, `gt`, `gte`",
    },
    ValueSet {
        field: ProxyField::SourceAddress,
        pattern: ADDRESS,
        what: "an IP address without port",
        help: "write an address, or a network with `cidr`",
    },
    ValueSet {
        field: ProxyField::DestinationAddress,
        pattern: ADDRESS,
        what: "an IP address without port",
        help: "write an address, a network with `cidr`, or look for a name in `cs-host`",
    },
    ValueSet {
        field: ProxyField::Referrer,
        pattern: r"[a-z][a-z0-9+.-]*:.*",
        what: "a URL, as clients send it",
        help: "begin it with `http`, or look for a part with `contains`",
    },
];

/// User names in front of a host are a part of it in the reading that came; the port is not.
const HOST: &str = r"([^\x00-\x20/\\?#]*@)?([^\x00-\x20/\\?#:\[\]]+|\[[0-9a-f:.%]*\])";
const ADDRESS: &str = r"[0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9a-f]*:[0-9a-f:.]*";

/// An automaton of a field's texts.
struct Texts {
    dfa: dense::DFA<Vec<u32>>,
    start: StateID,
    /// All states from which a text can go on, each with those that any text leads to.
    reachable: BTreeMap<StateID, BTreeSet<StateID>>,
}

/// The automata of [`TABLE`] with the case of letters, and without it.
static AUTOMATA: LazyLock<Vec<[Option<Texts>; 2]>> = LazyLock::new(|| {
    let both = |set: &ValueSet| [false, true].map(|is_cased| Texts::new(set.pattern, is_cased));
    TABLE.iter().map(both).collect()
});

/// Returns the set of a field's values, and whether a value of a rule can be in it: false if it never is.
pub(super) fn of(field: ProxyField) -> Option<(&'static ValueSet, Possible)> {
    let idx = TABLE.iter().position(|set| set.field == field)?;
    Some((TABLE.get(idx)?, Possible(idx)))
}

/// Asks whether values are possible in a field.
#[derive(Clone, Copy)]
pub(super) struct Possible(usize);

impl Possible {
    fn texts(self, is_cased: bool) -> Option<&'static Texts> {
        AUTOMATA.get(self.0)?.get(usize::from(is_cased))?.as_ref()
    }

    /// Returns true if the field can hold a text that a pattern matches.
    pub(super) fn text(self, tokens: &[Token], is_cased: bool) -> bool {
        self.texts(is_cased).is_none_or(|texts| texts.has(tokens))
    }

    /// Returns true if the field can hold a text in which an expression is found.
    pub(super) fn regex(self, regex: &Regex) -> bool {
        let Ok(compiled) = regex.compiled() else { return true };
        let Machine::Dfa(table) = &compiled.machine else { return true };
        self.texts(false).is_none_or(|texts| texts.meets(table))
    }
}

impl Texts {
    fn new(pattern: &str, is_cased: bool) -> Option<Texts> {
        let syntax = syntax::Config::new().case_insensitive(!is_cased).utf8(false);
        let config = dense::Config::new().start_kind(StartKind::Anchored).accelerate(false);
        let pattern = format!("^(?:{pattern})$");
        let dfa = dense::Builder::new().configure(config).syntax(syntax).build(&pattern).ok()?;
        let start = start::Config::from_input_forward(&Input::new("").anchored(Anchored::Yes));
        let start = dfa.start_state(&start).ok()?;
        let mut texts = Texts { dfa, start, reachable: BTreeMap::new() };
        // What a state leads to, found from all that the start leads to.
        let all = texts.closure(start);
        texts.reachable = all.iter().map(|state| (*state, texts.closure(*state))).collect();
        Some(texts)
    }

    fn step(&self, state: StateID, byte: u8) -> Option<StateID> {
        let next = self.dfa.next_state(state, byte);
        (!self.dfa.is_dead_state(next)).then_some(next)
    }

    fn ends(&self, state: StateID) -> bool {
        self.dfa.is_match_state(self.dfa.next_eoi_state(state))
    }

    fn closure(&self, from: StateID) -> BTreeSet<StateID> {
        let mut found = BTreeSet::from([from]);
        let mut queue = vec![from];
        while let Some(state) = queue.pop() {
            for byte in 0..=u8::MAX {
                let next = self.step(state, byte);
                queue.extend(next.filter(|next| found.insert(*next)));
            }
        }
        found
    }

    fn has(&self, tokens: &[Token]) -> bool {
        let mut states = BTreeSet::from([self.start]);
        for token in tokens {
            states = match token {
                Token::Literal(literal) => literal.iter().fold(states, |states, byte| {
                    states.iter().filter_map(|state| self.step(*state, *byte)).collect()
                }),
                Token::Many => {
                    let reached = states.iter().filter_map(|state| self.reachable.get(state));
                    reached.flatten().copied().collect()
                }
                Token::One | Token::Dash => self.characters(&states, matches!(token, Token::Dash)),
            };
        }
        states.iter().any(|state| self.ends(*state))
    }

    /// The states behind any one character, or behind a dash or slash.
    fn characters(&self, states: &BTreeSet<StateID>, is_dash: bool) -> BTreeSet<StateID> {
        let mut found = BTreeSet::new();
        let mut inside = states.clone();
        // A character has up to four bytes.
        for place in 0..4 {
            let mut next = BTreeSet::new();
            for state in &inside {
                for byte in 0..=u8::MAX {
                    let is_start =
                        if is_dash { matches!(byte, b'-' | b'/' | 0x80..) } else { true };
                    let is_part = if place == 0 {
                        is_start && !matches!(byte, 0x80..0xc0)
                    } else {
                        matches!(byte, 0x80..0xc0)
                    };
                    if is_part {
                        next.extend(self.step(*state, byte));
                    }
                }
            }
            found.extend(next.iter().copied());
            inside = next;
        }
        found
    }

    /// Returns true if a text of the field is one in which the table finds its expression.
    fn meets(&self, table: &Table) -> bool {
        let n_classes = table.n_classes as usize;
        let next_of = |state: u32, byte: u8| {
            let class = table.classes.get(usize::from(byte)).copied().unwrap_or_default();
            let at = state as usize * n_classes + usize::from(class);
            table.transitions.get(at).copied().unwrap_or(Table::DEAD)
        };
        let is_found = |state: u32| {
            state == Table::FOUND || table.at_end.get(state as usize).is_some_and(|end| *end == 1)
        };
        let first = (self.start, table.start);
        let mut known = BTreeSet::from([first]);
        let mut queue = vec![first];
        while let Some((text, state)) = queue.pop() {
            if is_found(state) && self.ends(text) {
                return true;
            }
            if known.len() > MAX_PAIRS {
                return true;
            }
            for byte in 0..=u8::MAX {
                let Some(text) = self.step(text, byte) else { continue };
                let state = if state == Table::FOUND { state } else { next_of(state, byte) };
                if state != Table::DEAD && known.insert((text, state)) {
                    queue.push((text, state));
                }
            }
        }
        false
    }
}
