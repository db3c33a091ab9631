//! Short texts over few pieces, so that rules and events meet; with what is hard about text.

use fastrand::Rng;

/// Pieces that rules and events are made of.
const PIECES: &[&str] = &[
    "a", "b", "c", "A", "B", "ab", "bc", "abcd", "bcda", "cdab", "foo", "Foo", "x", " ", "-", "/",
    ".", "_", "0", "1", "10", "%", "\\", "\\\\", "'", "\"", ":", "#", ",", "\n", "\t", "é", "É",
    "ä", "Ä", "\u{212a}", "k", "K", "ſ", "s", "S", "ß", "ẞ", "İ", "ı", "i", "I", "Σ", "σ", "ς",
    "ǆ", "ǅ", "😀", "–", "—", "―", "日", "e\u{301}", "null", "true", "www.", ".com", "=",
];

/// Whether a piece is of ASCII and printable.
fn is_simple(piece: &str) -> bool {
    piece.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

/// A text. Most are plain, so that the hard pieces come one at a time.
pub fn word(rng: &mut Rng) -> String {
    let n_pieces = rng.usize(0..6);
    let hard = rng.u8(..) < 60;
    let mut out = String::new();
    for _ in 0..n_pieces {
        let piece = PIECES[rng.usize(..PIECES.len())];
        if hard || is_simple(piece) {
            out.push_str(piece);
        } else {
            out.push_str(["a", "b", "ab", "-"][rng.usize(..4)]);
        }
    }
    out
}

/// A text as rules write it: with wildcards and escapes.
pub fn pattern(rng: &mut Rng) -> String {
    let mut out = word(rng);
    while rng.u8(..) < 80 {
        out.push_str(["*", "?", "\\*", "\\?", "\\\\*", "\\", "**", "?*"][rng.usize(..8)]);
        out.push_str(&word(rng));
    }
    if rng.u8(..) < 25 {
        out.insert(0, '*');
    }
    out
}

/// The same text in other letters, for nearly matching events.
pub fn recased(text: &str, rng: &mut Rng) -> String {
    let mut out = String::new();
    for character in text.chars() {
        match rng.u8(..4) {
            0 => out.extend(character.to_uppercase()),
            1 => out.extend(character.to_lowercase()),
            2 if rng.bool() => out.push(match character {
                'k' | 'K' => '\u{212a}',
                's' | 'S' => 'ſ',
                'i' => 'İ',
                'σ' | 'Σ' => 'ς',
                'ß' => 'ẞ',
                other => other,
            }),
            _ => out.push(character),
        }
    }
    out
}

/// A text changed a little: cut, lengthened, a character replaced, or not at all.
pub fn mutated(text: &str, rng: &mut Rng) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    let at = rng.usize(..=characters.len());
    match rng.u8(..12) {
        0 if at < characters.len() => {
            characters.remove(at);
        }
        1 => characters.splice(at..at, word(rng).chars()).for_each(drop),
        2 if at < characters.len() => {
            characters[at] = ['a', 'B', '\n', 'é', '*', '?'][rng.usize(..6)]
        }
        3 => characters.insert(0, ['x', ' ', '\n', '.', '-'][rng.usize(..5)]),
        4 => characters.push(['x', ' ', '\n', '.', '0'][rng.usize(..5)]),
        5 => return recased(text, rng),
        6 => return text.to_uppercase(),
        _ => return text.to_owned(),
    }
    characters.into_iter().collect()
}
