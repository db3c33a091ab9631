//! Tokens without a vendor: JSON Web Tokens, and long random text.

use super::encoded::base64;

/// Fewest characters of a signature in base64: 128 bits.
const MIN_SIGNATURE: usize = 22;
/// Fewest characters of random text.
const MIN_RANDOM: usize = 200;
/// Fewest hundredths of a bit for each character of random text. Text in base64 has 600, in hexadecimal digits 400,
/// in words of a language about 420 of all characters, and these have few digits.
const MIN_HUNDREDTHS: u32 = 380;

/// Returns true if a text contains a JSON Web Token (RFC 7519) that is signed (RFC 7515).
pub(super) fn has_jwt(text: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    text.split(|byte| !is_part(byte)).any(|token| {
        let mut parts = token.split(|byte| *byte == b'.');
        let (Some(head), Some(claims), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return false;
        };
        let mut decoded = Vec::new();
        // `{"` in base64.
        if head.starts_with(b"eyJ")
            && claims.starts_with(b"eyJ")
            && signature.len() >= MIN_SIGNATURE
        {
            decoded.extend(base64(head));
        }
        decoded.windows(5).any(|part| part == b"\"alg\"")
    })
}

/// Returns true if a text has many characters in a row that look random.
pub(super) fn has_random(text: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_+/=".contains(byte);
    text.split(|byte| !is_part(byte)).any(|run| {
        let n_digits = run.iter().filter(|byte| byte.is_ascii_digit()).count();
        let n_slashes = run.iter().filter(|byte| **byte == b'/').count();
        // One digit of six at random, and no path of words.
        run.len() >= MIN_RANDOM
            && n_digits * 12 >= run.len()
            && n_slashes * 20 <= run.len()
            && hundredths(run) >= MIN_HUNDREDTHS
    })
}

/// The entropy of a text by how often each of its bytes is in it, in hundredths of a bit for each byte.
fn hundredths(text: &[u8]) -> u32 {
    let mut counts = [0_u32; 256];
    for byte in text {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let total = f64::from(u32::try_from(text.len()).unwrap_or(u32::MAX));
    let bits: f64 = counts
        .into_iter()
        .filter(|count| *count > 0)
        .map(|count| f64::from(count) / total * (total / f64::from(count)).log2())
        .sum();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 800"
    )]
    let hundredths = (bits * 100.0) as u32;
    hundredths
}
