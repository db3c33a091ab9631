//! Events whose fields are found already: what is left is to answer a pack with them.
//!
//! As text, an event is a line of name, tab and value for each field, and an empty line behind it.

use inspect::pack::Tables;
use inspect::{Event, FieldId};

/// An event, its fields bound to a pack.
#[derive(Debug, Default)]
pub struct Recorded {
    named: Vec<(FieldId, Vec<u8>)>,
    /// Values that only keywords look at.
    loose: Vec<Vec<u8>>,
}

impl Recorded {
    /// Answers the pack's fields.
    pub fn answer(&self, event: &mut Event) {
        for (field, value) in &self.named {
            event.answer_bytes(*field, value);
        }
        for value in &self.loose {
            event.add_unnamed_bytes(value);
        }
    }
}

/// Reads events and binds them to the fields that a pack names.
pub fn read(text: &str, tables: &Tables) -> Vec<Recorded> {
    let mut events = Vec::new();
    let mut event = Recorded::default();
    for line in text.lines() {
        let Some((name, value)) = line.split_once('\t') else {
            events.push(std::mem::take(&mut event));
            continue;
        };
        let fields = (0..).map(FieldId).zip(&tables.fields);
        let mut fields = fields.filter(|(_, known)| tables.str(**known) == name);
        match fields.next() {
            Some((field, _)) => event.named.push((field, value.as_bytes().to_vec())),
            None if tables.has_keywords() => event.loose.push(value.as_bytes().to_vec()),
            None => {}
        }
    }
    events
}
