//! Texts in which a regular expression is found, or nearly.

use fastrand::Rng;
use regex_syntax::hir::{Class, Hir, HirKind};

/// A text that the expression probably matches; empty where it is none.
pub fn of_regex(pattern: &str, rng: &mut Rng) -> String {
    let mut out = Vec::new();
    if let Ok(hir) = regex_syntax::ParserBuilder::new().utf8(false).build().parse(pattern) {
        sample(&hir, rng, &mut out);
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn sample(hir: &Hir, rng: &mut Rng, out: &mut Vec<u8>) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => out.extend_from_slice(&literal.0),
        HirKind::Class(Class::Unicode(class)) => {
            let Some(range) = class.ranges().get(rng.usize(..class.ranges().len().clamp(1, 4)))
            else {
                return;
            };
            // Most of the time a character that people write.
            let end = range.end().min(char::from_u32(u32::from(range.start()) + 90).unwrap_or('z'));
            let mut buffer = [0; 4];
            let character = rng.char(range.start()..=end.max(range.start()));
            out.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
        }
        HirKind::Class(Class::Bytes(class)) => {
            if let Some(range) = class.ranges().first() {
                out.push(rng.u8(range.start()..=range.end()).min(0x7F));
            }
        }
        HirKind::Repetition(repetition) => {
            let most = repetition.max.unwrap_or(repetition.min + 3).min(repetition.min + 3);
            for _ in 0..rng.u32(repetition.min..=most).min(300) {
                sample(&repetition.sub, rng, out);
            }
        }
        HirKind::Capture(capture) => sample(&capture.sub, rng, out),
        HirKind::Concat(parts) => parts.iter().for_each(|part| sample(part, rng, out)),
        HirKind::Alternation(parts) => sample(&parts[rng.usize(..parts.len())], rng, out),
    }
}
