//! Where the text of an event lies: once as it came and once folded, end to end.

use crate::fold::{fold_into, lower};
use crate::words::{HIGH, last_word};

/// Bytes that are copied and folded at once.
const WORD: usize = 8;

/// Two buffers that only grow. Their ends lie past what is in use, so that words can be written without
/// asking for room: most values are a few words long, and a call of the library's copy would take longer
/// than copying them, in wasm above all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arena {
    raw: Vec<u8>,
    folded: Vec<u8>,
    n_raw: usize,
    n_folded: usize,
}

impl Arena {
    pub(crate) fn clear(&mut self) {
        self.n_raw = 0;
        self.n_folded = 0;
    }

    /// Bytes in use, as they came.
    pub(crate) fn n_raw(&self) -> usize {
        self.n_raw
    }

    /// Bytes in use, folded.
    pub(crate) fn n_folded(&self) -> usize {
        self.n_folded
    }

    pub(crate) fn raw(&self, (start, end): (u32, u32)) -> &[u8] {
        self.raw.get(start as usize..end as usize).unwrap_or_default()
    }

    pub(crate) fn folded(&self, (start, end): (u32, u32)) -> &[u8] {
        self.folded.get(start as usize..end as usize).unwrap_or_default()
    }

    /// Appends `text` to both.
    pub(crate) fn append(&mut self, text: &[u8]) {
        if self.append_ascii(text) {
            return;
        }
        self.raw.truncate(self.n_raw);
        self.raw.extend_from_slice(text);
        self.n_raw = self.raw.len();
        self.folded.truncate(self.n_folded);
        fold_into(text, &mut self.folded);
        self.n_folded = self.folded.len();
    }

    /// Appends `text` to both, unless it is not all ASCII; whether it is. Each of its bytes has the
    /// same place in both.
    pub(crate) fn append_ascii(&mut self, text: &[u8]) -> bool {
        make_room(&mut self.raw, self.n_raw + text.len());
        make_room(&mut self.folded, self.n_folded + text.len());
        let raw = self.raw.get_mut(self.n_raw..).unwrap_or_default();
        let folded = self.folded.get_mut(self.n_folded..).unwrap_or_default();
        let is_ascii = copy_and_fold(text, raw, folded);
        if is_ascii {
            self.n_raw += text.len();
            self.n_folded += text.len();
        }
        is_ascii
    }
}

/// Makes a buffer at least a word longer than `n_bytes`.
fn make_room(buffer: &mut Vec<u8>, n_bytes: usize) {
    if buffer.len() < n_bytes + WORD {
        buffer.resize((n_bytes + WORD).next_power_of_two(), 0);
    }
}

/// Writes `text` to the start of two buffers, to the second in lower case, up to a word that is not ASCII;
/// whether there is none. Both have room for a word more.
///
/// Stopping at such a word also keeps the compiler from making a call of the library's copy of the loop.
fn copy_and_fold(text: &[u8], raw: &mut [u8], folded: &mut [u8]) -> bool {
    let (words, rest) = text.as_chunks::<WORD>();
    let (raw_words, _) = raw.as_chunks_mut::<WORD>();
    let (folded_words, _) = folded.as_chunks_mut::<WORD>();
    let mut places = raw_words.iter_mut().zip(folded_words);
    for (word, (raw, folded)) in words.iter().zip(&mut places) {
        let word = u64::from_le_bytes(*word);
        if word & HIGH != 0 {
            return false;
        }
        *raw = word.to_le_bytes();
        *folded = lower(word).to_le_bytes();
    }
    let word = last_word(text, rest.len());
    if let Some((raw, folded)) = places.next() {
        // Bytes past the end of the text are overwritten by the next.
        *raw = word.to_le_bytes();
        *folded = lower(word).to_le_bytes();
    }
    word & HIGH == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fold::fold;

    #[test]
    fn texts_of_every_length_lie_end_to_end_as_they_came_and_folded() {
        let sources: [&[u8]; 4] = [
            b"HTTPS://Pastebin.COM/Raw/AbCdEfGh?X=[Z]@`{~}",
            "ÄPFEL und \u{212a}ELVIN, öfter länger gefaltet als nicht".as_bytes(),
            b"A\xffB\xfe0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
            b"",
        ];
        let mut arena = Arena::default();
        for round in 0..2 {
            arena.clear();
            let (mut raw, mut folded) = (Vec::new(), Vec::new());
            for source in sources {
                for n_bytes in 0..=source.len() {
                    let text = &source[..n_bytes];
                    arena.append(text);
                    raw.extend_from_slice(text);
                    folded.extend_from_slice(&fold(text));
                    let end = u32::try_from(arena.n_raw()).unwrap();
                    assert_eq!(arena.raw((0, end)), raw, "round {round}");
                    let end = u32::try_from(arena.n_folded()).unwrap();
                    assert_eq!(arena.folded((0, end)), folded, "round {round}");
                }
            }
        }
    }
}
