//! Data in the labels of a host: what a client sends out by asking for a name, whether the connection is made or
//! not.

/// Fewest digits of a label that may be data.
const MIN_HEX: usize = 8;
/// Fewest characters of text that labels of hexadecimal digits spell. Eight random bytes are text once in 2,700.
const MIN_TEXT: usize = 8;
/// Fewest characters of a label in base32.
const MIN_BASE32: usize = 16;
/// Fewest characters of all labels of hexadecimal digits together. A hash in one label has 63 at most.
const MIN_DIGITS: usize = 64;

/// Returns true if the labels in front of a domain are data; `host` is in lower case.
pub(super) fn has_encoded_labels(host: &[u8]) -> bool {
    let labels = host.rsplit(|byte| *byte == b'.').skip(2);
    let (mut n_digits, mut n_text) = (0, 0);
    for label in labels {
        if is_hex(label) {
            n_digits += label.len();
            n_text += text_length(label).unwrap_or(0);
        } else if is_base32(label) {
            return true;
        }
    }
    n_text >= MIN_TEXT || n_digits >= MIN_DIGITS
}

/// Returns true for pairs of hexadecimal digits, among them a digit.
fn is_hex(label: &[u8]) -> bool {
    label.len() >= MIN_HEX
        && label.len().is_multiple_of(2)
        && label.iter().all(u8::is_ascii_hexdigit)
        && label.iter().any(u8::is_ascii_digit)
}

/// How many characters a label of hexadecimal digits spells; `None` if it spells no text.
fn text_length(label: &[u8]) -> Option<usize> {
    let (pairs, _) = label.as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let is_text = pairs.iter().all(|[high, low]| {
        let byte = digit(*high).zip(digit(*low)).map(|(high, low)| high << 4 | low);
        byte.is_some_and(|byte| (0x20..0x7f).contains(&byte))
    });
    is_text.then_some(pairs.len())
}

/// Returns true for a long label of base32's letters and digits (RFC 4648, section 6) that is neither a word with a
/// number at its end nor words with numbers between: of their letters two of five are vowels, of random ones one of
/// five.
fn is_base32(label: &[u8]) -> bool {
    let is_digit = |byte: &u8| (b'2'..=b'7').contains(byte);
    let n_letters = label.iter().filter(|byte| byte.is_ascii_lowercase()).count();
    let n_vowels = label.iter().filter(|byte| b"aeiou".contains(byte)).count();
    let mut runs = label.split(is_digit).filter(|run| !run.is_empty());
    label.len() >= MIN_BASE32
        && label.iter().all(|byte| byte.is_ascii_lowercase() || is_digit(byte))
        && label.iter().filter(|byte| is_digit(byte)).count() >= 2
        && n_vowels * 4 <= n_letters
        // Letters on both sides of a digit.
        && runs.next().is_some()
        && runs.next().is_some()
}
