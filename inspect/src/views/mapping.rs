//! What the characters of a host name are mapped to before it is looked up (UTS 46), as far as it is ASCII.
//!
//! The crate `idna`, with the whole tables, adds 189 kB of wasm for one call, and stops at the first error,
//! where a filter has to go on. The rest of the tables would only find spellings of names beyond ASCII,
//! for which no rule asks. The table here takes 3 kB.

use super::unescape::narrow;
use crate::fold::fold_char;

/// Maps a host name or label: lower case, ASCII where characters are forms of ASCII text (`ａ`, `℡`,
/// `ⅹ`), a dot where they are a full stop, nothing where they are ignored.
pub(super) fn mapped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars().filter(|character| !is_ignored(*character)) {
        if character.is_ascii() {
            out.push(character.to_ascii_lowercase());
        } else if let Some(ascii) = narrow(character).or_else(|| mathematical(character)) {
            out.push(ascii.to_ascii_lowercase());
        } else if let Some(ascii) = ascii_text(character) {
            out.push_str(ascii);
        } else {
            out.push(fold_char(character));
        }
    }
    out
}

/// Returns true for characters that no reader shows and that are left out of names
/// (`Default_Ignorable_Code_Point`).
fn is_ignored(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fff8}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// The letter or digit of a mathematical one, of which there are thirteen alphabets and five sets of digits.
fn mathematical(character: char) -> Option<char> {
    let point = u32::from(character);
    let nth = |first: char, n: u32| char::from_u32(u32::from(first) + n);
    match point {
        0x1_d400..=0x1_d6a3 => nth('a', (point - 0x1_d400) % 26),
        0x1_d7ce..=0x1_d7ff => nth('0', (point - 0x1_d7ce) % 10),
        _ => None,
    }
}

/// The ASCII text of which a character is a form: a ligature, a numeral, a letter above the line.
fn ascii_text(character: char) -> Option<&'static str> {
    let point = u32::from(character);
    let n_before = TEXTS.partition_point(|(first, _)| *first <= point);
    let (first, texts) = TEXTS.get(n_before.checked_sub(1)?)?;
    let idx = usize::try_from(point - first).ok()?;
    texts.split(' ').nth(idx).filter(|text| !text.is_empty())
}

/// Characters from the first of each row on, and their texts; empty for those that are no forms of ASCII.
/// From Unicode 14.0 (NFKC with case folding), and the full stops of UTS 46. In order.
#[rustfmt::skip]
const TEXTS: &[(u32, &str)] = &[
    (0xaa, "a"),
    (0xb2, "2 3"),
    (0xb9, "1 o"),
    (0x132, "ij ij"),
    (0x17f, "s"),
    (0x1c7, "lj lj lj nj nj nj"),
    (0x1f1, "dz dz dz"),
    (0x2b0, "h  j r    w y"),
    (0x2e1, "l s x"),
    (0x1d2c, "a  b  d e  g h i j k l m n  o  p r t u w a    b d e    g  k m  o    p t u   v"),
    (0x1d62, "i r u v"),
    (0x1d9c, "c    f"),
    (0x1dbb, "z"),
    (0x2024, ". .. ..."),
    (0x2070, "0 i   4 5 6 7 8 9"),
    (0x207f, "n 0 1 2 3 4 5 6 7 8 9"),
    (0x2090, "a e o x  h k l m n p s t"),
    (0x20a8, "rs"),
    (0x2102, "c"),
    (0x210a, "g h h h h  i i l l  n no   p q r r r   sm tel tm  z    z  k  b c  e e f  m o"),
    (0x2139, "i  fax"),
    (0x2145, "d d e i j"),
    (0x2160, "i ii iii iv v vi vii viii ix x xi xii l c d m i ii iii iv v vi vii viii ix x xi xii l c d m"),
    (0x2460, "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20"),
    (0x2488, "1. 2. 3. 4. 5. 6. 7. 8. 9. 10. 11. 12. 13. 14. 15. 16. 17. 18. 19. 20."),
    (0x24b6, "a b c d e f g h i j k l m n o p q r s t u v w x y z a b c d e f g h i j k l m n o p q r s t u v w x y z 0"),
    (0x2c7c, "j v"),
    (0x3002, "."),
    (0x3250, "pte 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35"),
    (0x32b1, "36 37 38 39 40 41 42 43 44 45 46 47 48 49 50"),
    (0x32cc, "hg erg ev ltd"),
    (0x3371, "hpa da au bar ov pc dm dm2 dm3 iu"),
    (0x3380, "pa na  ma ka kb mb gb cal kcal pf nf   mg kg hz khz mhz ghz thz  ml dl kl fm nm  mm cm km mm2 cm2 m2 km2 mm3 cm3 m3 km3   pa kpa mpa gpa rad   ps ns  ms pv nv  mv kv mv pw nw  mw kw mw   a.m. bq cc cd  co. db gy ha hp in kk km kt lm ln log lx mb mil mol ph p.m. ppm pr sr sv wb"),
    (0x33ff, "gal"),
    (0xa7f2, "c f q"),
    (0xfb00, "ff fi fl ffi ffl st st"),
    (0xfe19, "..."),
    (0xfe30, ".."),
    (0xfe52, "."),
    (0xfe63, "-"),
    (0xff61, "."),
    (0x107a5, "q"),
    (0x1f100, "0."),
    (0x1f12b, "c r cd wz  a b c d e f g h i j k l m n o p q r s t u v w x y z hv mv sd ss ppv wc"),
    (0x1f16a, "mc md mr"),
    (0x1f190, "dj"),
    (0x1fbf0, "0 1 2 3 4 5 6 7 8 9"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_ascii_text_are_mapped_to_it() {
        for (text, expect) in [
            ("ＡＰＩ。ｔelegram．org", "api.telegram.org"),
            ("𝐚𝓟ⓘ.te\u{ad}legram.org", "api.telegram.org"),
            ("pa\u{fb06}ebin.com", "pastebin.com"),
            ("api.℡egram.org", "api.telegram.org"),
            ("pasteᵇin.ⅽᵒₘ", "pastebin.com"),
            ("\u{1f12f}\u{1f13f}as\u{1f143}ebin.com", "\u{1f12f}pastebin.com"),
            ("past\u{e0100}e\u{1bca0}b\u{3164}in.com", "pastebin.com"),
            ("disℭord⒈ⓖg", "discord1.gg"),
            ("Bücher", "bücher"),
            ("straße", "straße"),
            ("a-b_c", "a-b_c"),
        ] {
            assert_eq!(mapped(text), expect, "{text}");
        }
    }

    #[test]
    fn the_table_is_in_order_and_without_overlaps() {
        for rows in TEXTS.windows(2) {
            let n_texts = u32::try_from(rows[0].1.split(' ').count()).unwrap();
            assert!(rows[0].0 + n_texts <= rows[1].0, "{:x}", rows[1].0);
        }
        for text in TEXTS.iter().flat_map(|(_, texts)| texts.split(' ')) {
            let fits = |byte: u8| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte)
            };
            assert!(text.bytes().all(fits), "{text}");
        }
    }
}
