//! What a pack is evaluated on: the answers to the fields that it names.
//!
//! A [`Request`](crate::Request) is one kind of event, a line of JSON another.
//! All text of an event lies in one arena, once as it came and once folded; a value is a pair of
//! spans, so `cs-host` costs nothing beside the `c-uri` that contains it.

use std::ops::Range;

use crate::arena::Arena;
use crate::ids::FieldId;
use crate::limits::{MAX_EVENT_BYTES, MAX_EVENT_VALUES, MAX_VALUE_BYTES};
use crate::steps;
use crate::words::is_equal;

/// A piece of an event's text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Text {
    raw: (u32, u32),
    folded: (u32, u32),
    /// Whether it is part of another text that is answered too, so that keywords need not look at it.
    is_part: bool,
}

impl Text {
    /// From the start of this text to the end of `last`; the two must come from one run of [`Event::text`].
    #[must_use]
    pub fn through(self, last: Text) -> Text {
        Text {
            raw: (self.raw.0, last.raw.1),
            folded: (self.folded.0, last.folded.1),
            is_part: false,
        }
    }

    /// Where its folded form lies in [`Event::all_folded`].
    pub(crate) fn span(self) -> Range<usize> {
        self.folded.0 as usize..self.folded.1 as usize
    }

    fn n_bytes(self) -> usize {
        (self.raw.1 - self.raw.0) as usize
    }

    /// The same text, known to be part of another that the event answers with too: keywords are looked
    /// for there.
    #[must_use]
    pub fn part(self) -> Text {
        Text { is_part: true, ..self }
    }
}

/// What an event says of one field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Slot {
    /// The event has no such field.
    #[default]
    Missing,
    /// The field is there and null.
    Null,
    /// The field may still come: a response that is not there yet.
    Unknown,
    /// The field has values; the first and the last of a chain.
    Values(u32, u32),
}

#[derive(Clone, Copy, Debug)]
struct Link {
    field: FieldId,
    text: Text,
    next: u32,
}

const END: u32 = u32::MAX;

/// The answers of one event, reused from event to event so that nothing is allocated per request.
#[derive(Debug, Default)]
pub struct Event {
    arena: Arena,
    links: Vec<Link>,
    /// The lengths of the values, each as a bit: most values are of a length that none before had.
    lengths: u64,
    slots: Vec<Slot>,
    /// The fields whose slot is not missing.
    answered: Vec<FieldId>,
    /// Values of fields that the pack does not name: only keywords look at them.
    unnamed: Vec<Text>,
    /// Whether such values are still to come.
    awaits_unnamed: bool,
    truncated: bool,
}

impl Event {
    /// Empties the event and makes room for `n_fields` fields, all missing.
    pub fn clear(&mut self, n_fields: usize) {
        self.arena.clear();
        self.lengths = 0;
        // Only what was answered is emptied: a pack may name thousands of fields.
        for field in self.answered.drain(..) {
            if let Some(slot) = self.slots.get_mut(field.index()) {
                *slot = Slot::Missing;
            }
        }
        self.slots.resize(n_fields, Slot::Missing);
        self.links.clear();
        self.unnamed.clear();
        self.awaits_unnamed = false;
        self.truncated = false;
    }

    /// Adds text to the arena. Bytes past the bounds in [`crate::limits`] are cut.
    pub fn text(&mut self, bytes: &[u8]) -> Text {
        let bytes = match bytes.get(..self.room()) {
            Some(cut) if bytes.len() > cut.len() => {
                self.truncated = true;
                cut
            }
            _ => bytes,
        };
        let start = self.end();
        steps::take(bytes.len());
        self.arena.append(bytes);
        let end = self.end();
        Text { raw: (start.0, end.0), folded: (start.1, end.1), is_part: false }
    }

    /// Adds text that has parts: each ends where `ends` says, the last one with the text.
    pub(crate) fn parts<const N: usize>(&mut self, bytes: &[u8], ends: [usize; N]) -> [Text; N] {
        let mut start = 0;
        let from = self.end();
        if bytes.len() <= self.room() && self.arena.append_ascii(bytes) {
            steps::take(bytes.len());
            return ends.map(|end| {
                let part = (offset(start), offset(end));
                start = end;
                Text {
                    raw: (from.0 + part.0, from.0 + part.1),
                    folded: (from.1 + part.0, from.1 + part.1),
                    is_part: false,
                }
            });
        }
        ends.map(|end| {
            let part = self.text(bytes.get(start..end).unwrap_or_default());
            start = end;
            part
        })
    }

    /// How many bytes a text may have.
    fn room(&self) -> usize {
        MAX_EVENT_BYTES.saturating_sub(self.arena.n_raw()).min(MAX_VALUE_BYTES)
    }

    /// Where the next text will start, as it came and folded.
    fn end(&self) -> (u32, u32) {
        (offset(self.arena.n_raw()), offset(self.arena.n_folded()))
    }

    /// Answers `field` with bytes; bytes that the event holds already are not kept twice.
    pub fn answer_bytes(&mut self, field: FieldId, bytes: &[u8]) {
        let text = self.known(bytes).unwrap_or_else(|| self.text(bytes));
        self.answer(field, text);
    }

    /// Adds the bytes of a field that the pack does not name, for keywords.
    pub fn add_unnamed_bytes(&mut self, bytes: &[u8]) {
        if self.known(bytes).is_none() {
            let text = self.text(bytes);
            self.add_unnamed(text);
        }
    }

    /// A text of a value that equals `bytes`.
    fn known(&self, bytes: &[u8]) -> Option<Text> {
        if self.lengths & length_bit(bytes.len()) == 0 {
            return None;
        }
        let mut texts = self.links.iter().map(|link| link.text);
        let is_known =
            |text: &Text| text.n_bytes() == bytes.len() && is_equal(self.raw(*text), bytes);
        texts.find(is_known).map(Text::part)
    }

    /// Answers `field` with `text`; a second answer makes the field a list, of which any value may match.
    pub fn answer(&mut self, field: FieldId, text: Text) {
        if self.links.len() >= MAX_EVENT_VALUES {
            self.truncated = true;
            return;
        }
        let Some(slot) = self.slots.get_mut(field.index()) else { return };
        let new = u32::try_from(self.links.len()).unwrap_or(END);
        self.links.push(Link { field, text, next: END });
        self.lengths |= length_bit(text.n_bytes());
        match *slot {
            Slot::Values(first, last) => {
                if let Some(link) = self.links.get_mut(last as usize) {
                    link.next = new;
                }
                *slot = Slot::Values(first, new);
            }
            Slot::Missing | Slot::Null | Slot::Unknown => {
                if *slot == Slot::Missing {
                    self.answered.push(field);
                }
                *slot = Slot::Values(new, new);
            }
        }
    }

    /// Answers `field` with null, unless it has a value.
    pub fn answer_null(&mut self, field: FieldId) {
        self.answer_empty(field, Slot::Null);
    }

    /// Says that the answer to `field` is not known yet.
    pub fn await_answer(&mut self, field: FieldId) {
        self.answer_empty(field, Slot::Unknown);
    }

    fn answer_empty(&mut self, field: FieldId, state: Slot) {
        if let Some(slot) = self.slots.get_mut(field.index())
            && *slot == Slot::Missing
        {
            *slot = state;
            self.answered.push(field);
        }
    }

    /// Takes back that the answer to `field` is not known: it is missing until it is answered.
    pub(crate) fn stop_awaiting(&mut self, field: FieldId) {
        if let Some(slot) = self.slots.get_mut(field.index())
            && *slot == Slot::Unknown
        {
            *slot = Slot::Missing;
            self.answered.retain(|answered| *answered != field);
        }
    }

    /// Adds a value of a field that the pack does not name, for keywords.
    pub fn add_unnamed(&mut self, text: Text) {
        if self.unnamed.len() >= MAX_EVENT_VALUES {
            self.truncated = true;
            return;
        }
        self.unnamed.push(text);
    }

    /// Says that values of fields that the pack does not name are still to come.
    pub fn await_unnamed(&mut self) {
        self.awaits_unnamed = true;
    }

    /// Returns true if a bound cut something off.
    pub fn truncated(&self) -> bool {
        self.truncated
    }

    /// Returns true if any value is still to come.
    pub(crate) fn awaits_more(&self) -> bool {
        self.awaits_unnamed || self.awaited().next().is_some()
    }

    /// The fields that are still to come.
    pub(crate) fn awaited(&self) -> impl Iterator<Item = FieldId> {
        self.answered.iter().copied().filter(|field| self.slot(*field) == Slot::Unknown)
    }

    pub(crate) fn slot(&self, field: FieldId) -> Slot {
        self.slots.get(field.index()).copied().unwrap_or_default()
    }

    /// The values of a field, in the order in which they were given.
    pub(crate) fn values(&self, field: FieldId) -> Values<'_> {
        let next = match self.slot(field) {
            Slot::Values(first, _) => first,
            Slot::Missing | Slot::Null | Slot::Unknown => END,
        };
        Values { event: self, next }
    }

    /// Every value of a named field, in the order in which they were given.
    pub(crate) fn answers(&self) -> impl Iterator<Item = (FieldId, Text)> {
        self.links.iter().map(|link| (link.field, link.text))
    }

    /// The texts that keywords are looked for in: all but those that are parts of others.
    pub(crate) fn wholes(&self) -> impl Iterator<Item = Text> {
        let answers = self.links.iter().map(|link| link.text).filter(|text| !text.is_part);
        answers.chain(self.unnamed.iter().copied())
    }

    /// Every text, folded, end to end.
    pub(crate) fn all_folded(&self) -> &[u8] {
        self.arena.folded((0, offset(self.arena.n_folded())))
    }

    pub(crate) fn raw(&self, text: Text) -> &[u8] {
        self.arena.raw(text.raw)
    }

    pub(crate) fn folded(&self, text: Text) -> &[u8] {
        self.arena.folded(text.folded)
    }
}

/// See [`Event::values`].
pub(crate) struct Values<'e> {
    event: &'e Event,
    next: u32,
}

impl Iterator for Values<'_> {
    type Item = Text;

    fn next(&mut self) -> Option<Text> {
        let link = self.event.links.get(self.next as usize)?;
        self.next = link.next;
        Some(link.text)
    }
}

/// The bit of a length in [`Event::lengths`].
fn length_bit(n_bytes: usize) -> u64 {
    1 << (n_bytes % 64)
}

/// The arena is far smaller than 4 GiB: [`MAX_EVENT_BYTES`], and folding at most triples it.
fn offset(n_bytes: usize) -> u32 {
    u32::try_from(n_bytes).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_text_are_those_that_it_was_cut_into() {
        let long = b"A".repeat(MAX_VALUE_BYTES + 1);
        for (text, ends) in [
            (&b""[..], [0, 0, 0]),
            (b"/Upload.PHP?q", [7, 11, 13]),
            ("/Ünter\u{212a}Ⱥ.PHP?q".as_bytes(), [4, 10, 18]),
            (b"/\xff\xfe?", [2, 3, 4]),
            (&long, [1, 2, MAX_VALUE_BYTES + 1]),
        ] {
            let mut event = Event::default();
            event.text(b"BEFORE");
            let parts = event.parts(text, ends);
            let mut start = 0;
            for (part, end) in parts.into_iter().zip(ends) {
                let expect = &text[start..end];
                assert_eq!(event.raw(part), expect);
                assert_eq!(event.folded(part), crate::fold::fold(expect));
                start = end;
            }
            let whole = parts[0].through(parts[2]);
            assert_eq!(event.raw(whole), text);
            assert!(!event.truncated());
        }
    }
}
