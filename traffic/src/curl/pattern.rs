//! curl's patterns of URLs: `{a,b}` and `[1-9]`, each of which is several URLs.

use crate::expansion::Expansion;

/// Most URLs that one pattern is written out to; curl would go on.
pub(super) const MAX_URLS: usize = 256;

/// Why a pattern is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BrokenPattern;

/// A part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Set(Vec<String>),
    Range(Range),
}

/// What a range counts from its first number or letter, so many times, in steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    first: u64,
    step: u64,
    n_values: usize,
    /// How many digits a number has at least; `None` for letters.
    width: Option<usize>,
}

/// Writes out a pattern, as far as the text may expand. The second value is true if there are more than
/// [`MAX_URLS`].
///
/// Takes time in proportion to the pattern and to what it is written out to.
pub(super) fn expand(
    pattern: &str,
    expansion: &Expansion,
) -> Result<(Vec<String>, bool), BrokenPattern> {
    let parts = parts(pattern)?;
    let n_urls = parts.iter().fold(1_usize, |n_urls, part| n_urls.saturating_mul(part.n_values()));
    let mut urls = Vec::new();
    for idx in 0..n_urls.min(MAX_URLS) {
        let Some(url) = url(&parts, idx, expansion) else { break };
        urls.push(url);
    }
    Ok((urls, n_urls > MAX_URLS))
}

/// Writes out the URL of this place; the last part varies first.
fn url(parts: &[Part], idx: usize, expansion: &Expansion) -> Option<String> {
    let mut rest = idx;
    let mut values = Vec::new();
    for part in parts.iter().rev() {
        let n_values = part.n_values().max(1);
        values.push((part, rest % n_values));
        rest /= n_values;
    }
    let values = values.into_iter().rev();
    let n_bytes: usize = values.clone().map(|(part, idx)| part.n_bytes(idx)).sum();
    if !expansion.takes(n_bytes.max(parts.len())) {
        return None;
    }
    let mut url = String::with_capacity(n_bytes);
    for (part, idx) in values {
        part.write(idx, &mut url);
    }
    Some(url)
}

impl Part {
    fn n_values(&self) -> usize {
        match self {
            Part::Literal(_) => 1,
            Part::Set(values) => values.len(),
            Part::Range(range) => range.n_values,
        }
    }

    /// Returns at least how many bytes the value of a place has.
    fn n_bytes(&self, idx: usize) -> usize {
        match self {
            Part::Literal(text) => text.len(),
            Part::Set(values) => values.get(idx).map_or(0, String::len),
            Part::Range(range) => range.width.unwrap_or_default().max(1),
        }
    }

    fn write(&self, idx: usize, url: &mut String) {
        match self {
            Part::Literal(text) => url.push_str(text),
            Part::Set(values) => url.push_str(values.get(idx).map_or("", String::as_str)),
            Part::Range(range) => range.write(idx, url),
        }
    }
}

impl Range {
    fn write(self, idx: usize, url: &mut String) {
        let steps = u64::try_from(idx).unwrap_or_default().saturating_mul(self.step);
        let value = self.first.saturating_add(steps);
        match self.width {
            Some(width) => url.push_str(&format!("{value:0width$}")),
            None => url.extend(u32::try_from(value).ok().and_then(char::from_u32)),
        }
    }
}

fn parts(pattern: &str) -> Result<Vec<Part>, BrokenPattern> {
    let mut parts: Vec<Part> = Vec::new();
    let mut rest = pattern;
    while let Some(char) = rest.chars().next() {
        let behind = rest.get(char.len_utf8()..).unwrap_or_default();
        let inside = if char == '[' { literal_brackets(behind) } else { None };
        let literal;
        (literal, rest) = match (char, inside) {
            ('\\', _) if behind.starts_with(['{', '}', '[', ']']) => {
                behind.split_at_checked(1).ok_or(BrokenPattern)?
            }
            ('[', Some(inside)) => rest.split_at_checked(inside.len() + 2).ok_or(BrokenPattern)?,
            ('{' | '[', _) => {
                let part;
                (part, rest) = if char == '{' { set(behind)? } else { range(behind)? };
                parts.push(part);
                continue;
            }
            ('}' | ']', _) => return Err(BrokenPattern),
            _ => {
                let end = behind.find(['\\', '{', '}', '[', ']']).unwrap_or(behind.len());
                rest.split_at_checked(char.len_utf8() + end).ok_or(BrokenPattern)?
            }
        };
        match parts.last_mut() {
            Some(Part::Literal(before)) => before.push_str(literal),
            _ => parts.push(Part::Literal(literal.to_owned())),
        }
    }
    Ok(parts)
}

/// The inside of brackets that are no pattern: none, or an IPv6 address.
fn literal_brackets(behind: &str) -> Option<&str> {
    let inside = behind.get(..behind.find(']')?)?;
    let is_address = inside.contains(':')
        && inside
            .split('%')
            .next()?
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit() || b":.".contains(&byte));
    let is_address = is_address && inside.bytes().filter(|byte| *byte == b':').count() > 1;
    (inside.is_empty() || is_address).then_some(inside)
}

fn set(behind: &str) -> Result<(Part, &str), BrokenPattern> {
    let mut values = vec![String::new()];
    let mut chars = behind.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '}' => return Ok((Part::Set(values), behind.get(at + 1..).unwrap_or_default())),
            '{' | '[' | ']' => return Err(BrokenPattern),
            ',' if values.len() <= MAX_URLS => values.push(String::new()),
            '\\' => {
                let escaped = chars.next().map(|(_, char)| char);
                values.last_mut().ok_or(BrokenPattern)?.extend(escaped);
            }
            char => values.last_mut().ok_or(BrokenPattern)?.push(char),
        }
    }
    Err(BrokenPattern)
}

fn range(behind: &str) -> Result<(Part, &str), BrokenPattern> {
    let end = behind.find(']').ok_or(BrokenPattern)?;
    let (inside, rest) = behind.split_at_checked(end).ok_or(BrokenPattern)?;
    let rest = rest.get(1..).unwrap_or_default();
    let (inside, step) = match inside.split_once(':') {
        Some((inside, step)) => (inside, step.parse::<u64>().map_err(|_| BrokenPattern)?),
        None => (inside, 1),
    };
    let (first, last) = inside.split_once('-').ok_or(BrokenPattern)?;
    let counted = |first: u64, last: u64, width: Option<usize>| {
        let is_broken = step == 0 || last < first || step > (last - first).max(1);
        let n_steps = last.saturating_sub(first).checked_div(step).unwrap_or_default();
        let n_values = usize::try_from(n_steps).unwrap_or(usize::MAX).saturating_add(1);
        let range = Part::Range(Range { first, step, n_values, width });
        if is_broken { Err(BrokenPattern) } else { Ok((range, rest)) }
    };
    let letter = |text: &str| {
        let mut chars = text.chars();
        let char = chars.next().filter(char::is_ascii_alphabetic)?;
        chars.next().is_none().then_some(char)
    };
    if let (Some(first), Some(last)) = (letter(first), letter(last)) {
        if first.is_ascii_lowercase() != last.is_ascii_lowercase() {
            return Err(BrokenPattern);
        }
        return counted(u64::from(u32::from(first)), u64::from(u32::from(last)), None);
    }
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(first) || !is_number(last) {
        return Err(BrokenPattern);
    }
    // A number that begins with 0 has as many digits as it is written with.
    let width = if first.starts_with('0') { first.len().min(64) } else { 0 };
    let number = |text: &str| text.parse::<u64>().map_err(|_| BrokenPattern);
    counted(number(first)?, number(last)?, Some(width))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_written_out_with_the_last_part_first() {
        for (pattern, expect) in [
            ("", &[""][..]),
            ("x{a,b}[1-2]y", &["xa1y", "xa2y", "xb1y", "xb2y"]),
            ("[08-10]", &["08", "09", "10"]),
            ("[0-9:4]{,z}", &["0", "0z", "4", "4z", "8", "8z"]),
            ("[a-e:2]", &["a", "c", "e"]),
            (r"\{a\}\[{b\,,c}", &["{a}[b,", "{a}[c"]),
            ("[::1]/[]{a}", &["[::1]/[]a"]),
        ] {
            let expect = expect.iter().map(|url| (*url).to_owned()).collect();
            assert_eq!(expand(pattern, &Expansion::default()), Ok((expect, false)), "{pattern}");
        }
        for pattern in ["{a", "a}", "[1-", "[2-1]", "[1-2:0]", "[a-Z]", "{a{b}}", "[x]"] {
            let expect = Err(BrokenPattern);
            assert_eq!(expand(pattern, &Expansion::default()), expect, "{pattern}");
        }
        let (urls, is_cut) =
            expand("{a,b}[0-18446744073709551615]", &Expansion::default()).unwrap();
        assert!(is_cut && urls.len() == MAX_URLS && urls[255] == "a255");
    }
}
