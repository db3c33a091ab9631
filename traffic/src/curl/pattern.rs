//! curl's patterns of URLs: `{a,b}` and `[1-9]`, each of which is several URLs.

/// Most URLs that one pattern is written out to; curl would go on.
pub(super) const MAX_URLS: usize = 256;

/// Why a pattern is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BrokenPattern;

/// Writes out a pattern. The second value is true if there are more than [`MAX_URLS`].
pub(super) fn expand(pattern: &str) -> Result<(Vec<String>, bool), BrokenPattern> {
    let mut urls = vec![String::new()];
    let mut is_cut = false;
    let mut rest = pattern;
    while let Some(char) = rest.chars().next() {
        let behind = rest.get(char.len_utf8()..).unwrap_or_default();
        let choices: Vec<String>;
        (choices, rest) = match char {
            '\\' if behind.starts_with(['{', '}', '[', ']']) => {
                let (literal, behind) = behind.split_at_checked(1).ok_or(BrokenPattern)?;
                (vec![literal.to_owned()], behind)
            }
            '{' => set(behind)?,
            '[' => match literal_brackets(behind) {
                Some(inside) => {
                    let end = inside.len() + 1;
                    let behind = behind.get(end..).unwrap_or_default();
                    (vec![format!("[{inside}]")], behind)
                }
                None => range(behind)?,
            },
            '}' | ']' => return Err(BrokenPattern),
            char => (vec![char.to_string()], behind),
        };
        if let [only] = choices.as_slice() {
            for url in &mut urls {
                url.push_str(only);
            }
            continue;
        }
        // The last part varies first.
        let both =
            urls.iter().flat_map(|url| choices.iter().map(move |choice| format!("{url}{choice}")));
        let both: Vec<_> = both.take(MAX_URLS + 1).collect();
        is_cut |= both.len() > MAX_URLS;
        urls = both;
        urls.truncate(MAX_URLS);
    }
    Ok((urls, is_cut))
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

fn set(behind: &str) -> Result<(Vec<String>, &str), BrokenPattern> {
    let mut choices = vec![String::new()];
    let mut chars = behind.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '}' => return Ok((choices, behind.get(at + 1..).unwrap_or_default())),
            '{' | '[' | ']' => return Err(BrokenPattern),
            ',' if choices.len() <= MAX_URLS => choices.push(String::new()),
            '\\' => {
                let escaped = chars.next().map(|(_, char)| char);
                choices.last_mut().ok_or(BrokenPattern)?.extend(escaped);
            }
            char => choices.last_mut().ok_or(BrokenPattern)?.push(char),
        }
    }
    Err(BrokenPattern)
}

fn range(behind: &str) -> Result<(Vec<String>, &str), BrokenPattern> {
    let end = behind.find(']').ok_or(BrokenPattern)?;
    let (inside, rest) = behind.split_at_checked(end).ok_or(BrokenPattern)?;
    let rest = rest.get(1..).unwrap_or_default();
    let (inside, step) = match inside.split_once(':') {
        Some((inside, step)) => (inside, step.parse::<u64>().map_err(|_| BrokenPattern)?),
        None => (inside, 1),
    };
    let (first, last) = inside.split_once('-').ok_or(BrokenPattern)?;
    if step == 0 {
        return Err(BrokenPattern);
    }
    let steps = |first: u64, last: u64| {
        let is_broken = last < first || step > (last - first).max(1);
        let step = usize::try_from(step).unwrap_or(usize::MAX);
        (!is_broken).then(|| (first..=last).step_by(step).take(MAX_URLS + 1)).ok_or(BrokenPattern)
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
        let letters = steps(u64::from(u32::from(first)), u64::from(u32::from(last)))?;
        let letters = letters.filter_map(|code| char::from_u32(u32::try_from(code).ok()?));
        return Ok((letters.map(String::from).collect(), rest));
    }
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(first) || !is_number(last) {
        return Err(BrokenPattern);
    }
    // A number that begins with 0 has as many digits as it is written with.
    let width = if first.starts_with('0') { first.len().min(64) } else { 0 };
    let number = |text: &str| text.parse::<u64>().map_err(|_| BrokenPattern);
    let numbers = steps(number(first)?, number(last)?)?;
    Ok((numbers.map(|number| format!("{number:0width$}")).collect(), rest))
}
