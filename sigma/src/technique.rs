//! The ids of ATT&CK's techniques.

/// Reads a technique's id in any of its spellings, as `attack.t1102.002` or `T1102_002`, and returns it as
/// `T1102.002`.
pub fn technique_id(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.strip_prefix("attack.").unwrap_or(text);
    let digits = text.strip_prefix(['t', 'T'])?;
    let (main, sub) = match digits.split_once(['.', '_', '/']) {
        Some((main, sub)) => (main, Some(sub)),
        None => (digits, None),
    };
    let number = |text: &str, n_digits| {
        text.len() == n_digits && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    match sub {
        None if number(main, 4) => Some(format!("T{main}")),
        Some(sub) if number(main, 4) && number(sub, 3) => Some(format!("T{main}.{sub}")),
        _ => None,
    }
}
