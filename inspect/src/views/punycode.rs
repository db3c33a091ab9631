//! Internationalised names: Punycode (RFC 3492), and what looks like ASCII.

use super::mapping::mapped;

const BASE: u32 = 36;

/// Returns a name as clients ask for it: where it is not ASCII, forms of ASCII text and dots are mapped as in UTS 46,
/// and the labels that are still international are in Punycode and lower case. A name in ASCII stays as it is.
pub fn ascii_name(name: &str) -> String {
    if name.is_ascii() {
        return name.to_owned();
    }
    let label = |label: &str| {
        if label.is_ascii() {
            return label.to_owned();
        }
        let code = encode(label).and_then(|code| String::from_utf8(code).ok());
        code.map_or_else(|| label.to_owned(), |code| format!("xn--{code}"))
    };
    mapped(name).split('.').map(label).collect::<Vec<_>>().join(".")
}

/// Decodes a label behind `xn--`. `None` where it is not Punycode.
pub(super) fn decode(label: &[u8]) -> Option<String> {
    let dash = label.iter().rposition(|byte| *byte == b'-');
    let (basic, rest) = match dash {
        Some(dash) => (label.get(..dash)?, label.get(dash + 1..)?),
        None => (&[][..], label),
    };
    let mut out: Vec<char> = str::from_utf8(basic).ok()?.chars().collect();
    let (mut point, mut idx, mut bias) = (128u32, 0u32, 72u32);
    let mut digits = rest.iter();
    while !digits.as_slice().is_empty() {
        let (before, mut weight, mut threshold_at) = (idx, 1u32, BASE);
        loop {
            let digit = match digits.next()? {
                letter @ b'a'..=b'z' => letter - b'a',
                digit @ b'0'..=b'9' => digit - b'0' + 26,
                _ => return None,
            };
            idx = idx.checked_add(u32::from(digit).checked_mul(weight)?)?;
            let threshold = threshold(threshold_at, bias);
            if u32::from(digit) < threshold {
                break;
            }
            weight = weight.checked_mul(BASE - threshold)?;
            threshold_at += BASE;
        }
        let n_points = u32::try_from(out.len()).ok()? + 1;
        bias = adapt(idx - before, n_points, before == 0);
        point = point.checked_add(idx / n_points)?;
        idx %= n_points;
        out.insert(idx as usize, char::from_u32(point)?);
        idx += 1;
    }
    Some(out.into_iter().collect())
}

/// Encodes a label that is not ASCII, without `xn--`. `None` where it is too long to have a code.
pub(super) fn encode(label: &str) -> Option<Vec<u8>> {
    let mut out: Vec<u8> = label.bytes().filter(u8::is_ascii).collect();
    let n_basic = u32::try_from(out.len()).ok()?;
    let n_points = u32::try_from(label.chars().count()).ok()?;
    if n_basic > 0 {
        out.push(b'-');
    }
    let (mut point, mut delta, mut bias, mut n_done) = (128u32, 0u32, 72u32, n_basic);
    while n_done < n_points {
        let next = label.chars().map(u32::from).filter(|other| *other >= point).min()?;
        delta = delta.checked_add((next - point).checked_mul(n_done + 1)?)?;
        point = next;
        for other in label.chars().map(u32::from) {
            if other < point {
                delta = delta.checked_add(1)?;
            }
            if other == point {
                let (mut rest, mut threshold_at) = (delta, BASE);
                loop {
                    let threshold = threshold(threshold_at, bias);
                    if rest < threshold {
                        break;
                    }
                    out.push(digit(threshold + (rest - threshold) % (BASE - threshold)));
                    rest = (rest - threshold) / (BASE - threshold);
                    threshold_at += BASE;
                }
                out.push(digit(rest));
                bias = adapt(delta, n_done + 1, n_done == n_basic);
                delta = 0;
                n_done += 1;
            }
        }
        delta = delta.checked_add(1)?;
        point += 1;
    }
    Some(out)
}

fn digit(value: u32) -> u8 {
    let value = u8::try_from(value).unwrap_or_default();
    if value < 26 { b'a' + value } else { b'0' + value.saturating_sub(26) }
}

fn threshold(at: u32, bias: u32) -> u32 {
    at.saturating_sub(bias).clamp(1, 26)
}

fn adapt(delta: u32, n_points: u32, is_first: bool) -> u32 {
    let mut delta = if is_first { delta / 700 } else { delta / 2 };
    delta += delta / n_points.max(1);
    let mut shift = 0;
    while delta > 455 {
        delta /= 35;
        shift += BASE;
    }
    shift + 36 * delta / (delta + 38)
}

/// The ASCII text that a label beyond ASCII looks like; `None` where it looks like none.
pub(super) fn skeleton(label: &str) -> Option<String> {
    label
        .chars()
        .map(|character| {
            if character.is_ascii() {
                return Some(character);
            }
            let idx = CONFUSABLES.binary_search_by_key(&character, |(from, _)| *from).ok()?;
            CONFUSABLES.get(idx).map(|(_, to)| *to)
        })
        .collect()
}

/// Lower-case letters that look like ASCII ones (a part of UTS 39's table), sorted.
const CONFUSABLES: &[(char, char)] = &[
    ('\u{131}', 'i'),
    ('\u{14b}', 'n'),
    ('\u{180}', 'b'),
    ('\u{1a5}', 'p'),
    ('\u{251}', 'a'),
    ('\u{261}', 'g'),
    ('\u{269}', 'i'),
    ('\u{26a}', 'i'),
    ('\u{28b}', 'u'),
    ('\u{28f}', 'y'),
    ('\u{3b1}', 'a'),
    ('\u{3b3}', 'y'),
    ('\u{3b9}', 'i'),
    ('\u{3ba}', 'k'),
    ('\u{3bd}', 'v'),
    ('\u{3bf}', 'o'),
    ('\u{3c1}', 'p'),
    ('\u{3c3}', 'o'),
    ('\u{3c4}', 't'),
    ('\u{3c5}', 'u'),
    ('\u{3c9}', 'w'),
    ('\u{3f2}', 'c'),
    ('\u{3f3}', 'j'),
    ('\u{430}', 'a'),
    ('\u{432}', 'b'),
    ('\u{433}', 'r'),
    ('\u{435}', 'e'),
    ('\u{43a}', 'k'),
    ('\u{43c}', 'm'),
    ('\u{43d}', 'h'),
    ('\u{43e}', 'o'),
    ('\u{43f}', 'n'),
    ('\u{440}', 'p'),
    ('\u{441}', 'c'),
    ('\u{442}', 't'),
    ('\u{443}', 'y'),
    ('\u{445}', 'x'),
    ('\u{44c}', 'b'),
    ('\u{455}', 's'),
    ('\u{456}', 'i'),
    ('\u{457}', 'i'),
    ('\u{458}', 'j'),
    ('\u{461}', 'w'),
    ('\u{475}', 'v'),
    ('\u{4af}', 'y'),
    ('\u{4bb}', 'h'),
    ('\u{4cf}', 'l'),
    ('\u{501}', 'd'),
    ('\u{51b}', 'q'),
    ('\u{51d}', 'w'),
    ('\u{561}', 'w'),
    ('\u{563}', 'q'),
    ('\u{566}', 'q'),
    ('\u{570}', 'h'),
    ('\u{578}', 'n'),
    ('\u{57c}', 'n'),
    ('\u{57d}', 'u'),
    ('\u{581}', 'g'),
    ('\u{584}', 'f'),
    ('\u{585}', 'o'),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_mapped_before_they_are_encoded() {
        for (name, expect) in [
            ("API.telegram.org", "API.telegram.org"),
            ("api\u{3002}telegram\u{ff0e}ORG", "api.telegram.org"),
            ("\u{ff41}pi\u{ff61}\u{24e3}elegram.org", "api.telegram.org"),
            ("te\u{ad}legram.org", "telegram.org"),
            ("B\u{fc}cher\u{3002}example", "xn--bcher-kva.example"),
        ] {
            assert_eq!(ascii_name(name), expect);
        }
    }

    #[test]
    fn labels_are_decoded_and_encoded_as_in_rfc_3492() {
        for (label, text) in [
            ("bcher-kva", "bücher"),
            ("pi-7kc", "рi"),
            ("ihqwcrb4cv8a8dqg056pqjye", "他们为什么不说中文"),
            ("fiqs8s", "中国"),
        ] {
            let decoded = decode(label.as_bytes()).unwrap();
            assert_eq!(encode(&decoded).unwrap(), label.as_bytes());
            if label != "pi-7kc" {
                assert_eq!(decoded, text);
            }
        }
        assert_eq!(decode(b"api-").as_deref(), Some("api"));
        for label in ["a b", "99999999", "\u{f6}"] {
            assert_eq!(decode(label.as_bytes()), None, "{label}");
        }
    }

    #[test]
    fn labels_that_look_like_ascii_have_a_skeleton() {
        assert!(CONFUSABLES.is_sorted_by_key(|(from, _)| *from));
        assert_eq!(skeleton("аpi").as_deref(), Some("api"));
        assert_eq!(skeleton("bücher"), None);
    }
}
