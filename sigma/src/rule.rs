//! A rule that was read: what cannot be run exactly never becomes one.

use std::collections::BTreeSet;
use std::sync::Arc;

pub use inspect::pack::{Comparison, Level};

use diagnostics::Span;

use crate::regex::Regex;

/// A Sigma detection rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The name of the text that it was read from.
    pub file: Arc<str>,
    /// Where it starts there.
    pub span: Span,
    /// Places of the text that other parts of it take over, by an alias or an `action`: whoever changes
    /// that text changes those too, so that no fix does.
    /// In order, none over another.
    pub shared: Arc<[Span]>,
    /// What is said about the rule.
    pub metadata: Metadata,
    /// What logs it is for.
    pub logsource: Logsource,
    /// The search identifiers, in the order of the text.
    pub selections: Vec<Selection>,
    /// How they are combined. A list of conditions is an `Any` of them.
    pub condition: Condition,
}

/// What is said about a rule. Empty where it says nothing; custom keys are left out.
#[derive(Clone, Debug, Default)]
pub struct Metadata {
    /// `title`: never empty.
    pub title: String,
    /// `id`: a UUID.
    pub id: Option<String>,
    /// `name`.
    pub name: Option<String>,
    /// `status`.
    pub status: Option<String>,
    /// `description`.
    pub description: Option<String>,
    /// `license`.
    pub license: Option<String>,
    /// `author`.
    pub author: Option<String>,
    /// `references`.
    pub references: Vec<String>,
    /// `date`, as written.
    pub date: Option<String>,
    /// `modified`, as written.
    pub modified: Option<String>,
    /// `tags`.
    pub tags: Vec<String>,
    /// `falsepositives`.
    pub falsepositives: Vec<String>,
    /// `fields`.
    pub fields: Vec<String>,
    /// `level`.
    pub level: Option<Level>,
}

/// What logs a rule is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Logsource {
    /// `category`.
    pub category: Option<String>,
    /// `product`.
    pub product: Option<String>,
    /// `service`.
    pub service: Option<String>,
}

/// A search identifier and what it searches for.
#[derive(Clone, Debug)]
pub struct Selection {
    /// The identifier.
    pub name: String,
    /// Its place.
    pub span: Span,
    /// What has to hold.
    pub search: Search,
}

/// What a search identifier searches for: a map is `All`, a list is `Any`.
#[derive(Clone, Debug)]
pub enum Search {
    /// All hold.
    All(Vec<Search>),
    /// Any holds.
    Any(Vec<Search>),
    /// A detection item.
    Item(Item),
}

/// A detection item: a field, its modifiers, and values.
#[derive(Clone, Debug)]
pub struct Item {
    /// The field; `None` for keywords, which are looked for in every field.
    pub field: Option<String>,
    /// The field with its modifiers as written; `keywords` for keywords.
    pub label: String,
    /// Whether all values have to hold (`all`), or any.
    pub linking: Linking,
    /// Whether the item holds where its values do not (`neq`).
    pub negated: bool,
    /// The values.
    pub values: Vec<Value>,
    /// The item's place.
    pub span: Span,
}

/// How the values of an item are linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linking {
    /// Any value holds.
    Any,
    /// All values hold (`all`).
    All,
}

/// One value of a detection item, its modifiers applied.
#[derive(Clone, Debug)]
pub struct Value {
    /// As written.
    pub text: String,
    /// Its place.
    pub span: Span,
    /// What it asks.
    pub test: ValueTest,
}

/// What a value asks of a field.
#[derive(Clone, Debug)]
pub enum ValueTest {
    /// The field's text is one of these.
    Text {
        /// What the whole text has to be; several after `base64offset` and `expand`.
        variants: Vec<Vec<Token>>,
        /// Whether case matters (`cased`).
        cased: bool,
    },
    /// A regular expression is found in the field's text. The expression contains its flags.
    Regex(Regex),
    /// The field is an address in this network.
    Network(Network),
    /// The field is missing or null (`null`).
    Null,
    /// The field is there (`exists: true`), or not.
    Exists(bool),
    /// The field is a number that compares so (`lt`, `lte`, `gt`, `gte`).
    Number(Comparison, f64),
    /// A part of the field's time stamp compares so (`minute` to `year`).
    Time(TimePart, Comparison, f64),
    /// The field compares so with another field of the same event (`fieldref`).
    Field {
        /// The other field.
        field: String,
        /// Which part of this field's text it has to be.
        part: FieldPart,
        /// Whether case matters (`cased`).
        cased: bool,
    },
}

/// A part of a time stamp, without time zones (specification 2.1, appendix modifiers).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimePart {
    /// 0 to 59.
    Minute,
    /// 0 to 23.
    Hour,
    /// The day of the month, 1 to 31.
    Day,
    /// The week by ISO 8601, 1 to 53.
    Week,
    /// 1 to 12.
    Month,
    /// The year.
    Year,
}

/// Which part of a text another field has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldPart {
    /// All of it.
    Whole,
    /// Its start.
    Start,
    /// Its end.
    End,
    /// Any part.
    Any,
}

/// A piece of text with wildcards.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Token {
    /// These bytes. Never empty, never two in a row.
    Literal(Vec<u8>),
    /// `?`: one character.
    One,
    /// `*`: any characters, also none. Never two in a row.
    Many,
    /// Any of the dashes and the slash that `windash` takes for one another.
    Dash,
}

/// An IP network, as its first and last address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// IPv4.
    V4(u32, u32),
    /// IPv6.
    V6(u128, u128),
}

/// How selections are combined.
#[derive(Clone, Debug)]
pub enum Condition {
    /// A selection: an index into [`Rule::selections`].
    Selection(usize),
    /// All hold.
    All(Vec<Condition>),
    /// Any holds.
    Any(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
}

impl Search {
    /// Calls `visit` for every detection item, in order.
    pub fn items<'s>(&'s self, visit: &mut dyn FnMut(&'s Item)) {
        match self {
            Search::All(parts) | Search::Any(parts) => {
                for part in parts {
                    part.items(visit);
                }
            }
            Search::Item(item) => visit(item),
        }
    }
}

/// The parts of a search that are compiled for it, in the unit of [`crate::limits::MAX_REPEATED_PARTS`].
pub(crate) fn n_parts(search: &Search) -> usize {
    match search {
        Search::All(parts) | Search::Any(parts) => {
            parts.iter().map(n_parts).fold(ITEM_PARTS, usize::saturating_add)
        }
        Search::Item(item) => {
            let n_scanned = item.values.iter().filter(|value| value.test.is_scanned()).count();
            let n_items = match item.linking {
                Linking::All => item.values.len(),
                Linking::Any => item.values.len() - n_scanned + 1,
            };
            n_items.saturating_mul(ITEM_PARTS).saturating_add(item.values.len())
        }
    }
}

const ITEM_PARTS: usize = 16;

impl ValueTest {
    /// Returns true if a scan of the field answers it, together with the other values of its item.
    pub(crate) fn is_scanned(&self) -> bool {
        matches!(self, ValueTest::Text { .. } | ValueTest::Regex(_) | ValueTest::Network(_))
    }
}

impl Condition {
    /// The selections that it names: indices into [`Rule::selections`], each once.
    pub fn selections(&self) -> BTreeSet<usize> {
        match self {
            Condition::Selection(idx) => BTreeSet::from([*idx]),
            Condition::All(parts) | Condition::Any(parts) => {
                parts.iter().flat_map(Condition::selections).collect()
            }
            Condition::Not(part) => part.selections(),
        }
    }
}

impl Rule {
    /// The `id`, or the title where a rule has none.
    pub fn id_or_title(&self) -> &str {
        self.metadata.id.as_deref().unwrap_or(&self.metadata.title)
    }
}
