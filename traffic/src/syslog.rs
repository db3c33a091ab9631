//! What syslog puts in front of a line: RFC 3164, RFC 5424, and what rsyslog and journald write into files.

/// What is behind the header of syslog, by how much of it is taken for the header.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Behind<'l> {
    /// Behind the name of the program, or of the machine where no program is named.
    pub(crate) program: Option<&'l str>,
    /// Behind the time, or the priority where there is no time: a line that has neither of the names.
    pub(crate) time: Option<&'l str>,
}

/// Takes the header of syslog off a line:
///
/// - `<166>Nov 20 08:00:00 host program[1]: line` of RFC 3164, also without the number, the host, the program or
///   both, and with a year or a fraction of a second;
/// - `<166>2026-11-20T08:00:00.2+01:00 host program[1]: line`, as rsyslog and syslog-ng write files, and with
///   seconds since 1970, as `journalctl -o short-unix` has them;
/// - `<166>1 TIME host program 1 - [a b="c"] line` of RFC 5424;
/// - `<166>line` and `<166>program[1]: line`;
/// - each behind the number of its bytes (RFC 6587).
///
/// A time of RFC 3339 alone is that of other collectors: `program` is `None` there.
pub(crate) fn behind_header(line: &str) -> Behind<'_> {
    let line = behind_length(line);
    let (rest, has_priority) = match behind_priority(line) {
        Some(rest) => (rest, true),
        None => (line, false),
    };
    if let Some(message) = rest.strip_prefix("1 ").and_then(of_rfc_5424) {
        return Behind { program: Some(message), time: None };
    }
    if let Some(behind) = behind_local_time(rest) {
        return Behind { program: behind_names(behind), time: Some(behind) };
    }
    if let Some((first, behind)) = rest.split_once(' ') {
        let behind = behind.trim_start_matches(' ');
        if is_time(first) {
            let names = behind_program(behind).or_else(|| {
                // Without a priority the names may be the line: other collectors write a time alone.
                has_priority.then(|| behind_names(behind)).flatten()
            });
            return Behind { program: names, time: Some(behind) };
        }
        if is_unix_time(first) && !rest.contains("  ") {
            return Behind { program: behind_program(behind), time: None };
        }
    }
    if !has_priority || rest.starts_with(' ') {
        return Behind::default();
    }
    Behind { program: behind_tag(rest), time: Some(rest) }
}

/// Returns the time in front of a line, with or without a priority: one of RFC 3339, or seconds since 1970. The local
/// time of RFC 3164 has neither a year nor a zone, and is none.
pub(crate) fn time(line: &str) -> Option<&str> {
    let line = behind_length(line);
    let line = behind_priority(line).unwrap_or(line);
    let (first, _) = line.strip_prefix("1 ").unwrap_or(line).split_once(' ')?;
    (is_time(first) || is_unix_time(first)).then_some(first)
}

/// Returns true for a time of RFC 3339, of which the length and the signs are looked at.
pub(crate) fn is_time(word: &str) -> bool {
    let bytes = word.as_bytes();
    let digit = |idx: usize| bytes.get(idx).is_some_and(u8::is_ascii_digit);
    let sign = |idx: usize, sign: u8| bytes.get(idx) == Some(&sign);
    (20..=35).contains(&bytes.len())
        && [0, 1, 2, 3, 5, 6, 8, 9, 11, 12].into_iter().all(digit)
        && sign(4, b'-')
        && sign(7, b'-')
        && sign(10, b'T')
        && sign(13, b':')
}

/// Returns true for seconds since 1970 with six digits of a fraction.
fn is_unix_time(word: &str) -> bool {
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let parts = word.split_once('.');
    parts.is_some_and(|(seconds, fraction)| {
        seconds.len() == 10 && fraction.len() == 6 && is_number(seconds) && is_number(fraction)
    })
}

/// Takes the number of bytes off a message of a stream.
fn behind_length(line: &str) -> &str {
    let rest = line.trim_start_matches(|first: char| first.is_ascii_digit());
    let n_digits = line.len() - rest.len();
    match rest.strip_prefix(' ') {
        Some(message) if (1..=6).contains(&n_digits) && message.starts_with('<') => message,
        _ => line,
    }
}

fn behind_priority(line: &str) -> Option<&str> {
    let (number, behind) = line.strip_prefix('<')?.split_once('>')?;
    number.parse::<u8>().is_ok_and(|number| number < 192).then_some(behind)
}

/// Returns what is behind `Nov 20 08:00:00 `, perhaps with a year or with a fraction of a second.
fn behind_local_time(text: &str) -> Option<&str> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let rest = MONTHS.iter().find_map(|month| text.strip_prefix(month))?.strip_prefix(' ')?;
    let (day, rest) = rest.trim_start_matches(' ').split_once(' ')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let rest = match rest.split_once(' ') {
        Some((year, rest)) if year.len() == 4 && is_number(year) => rest,
        _ => rest,
    };
    let (time, behind) = rest.split_once(' ')?;
    // A colon ends the time of Cisco's devices.
    let time = time.trim_end_matches(':').as_bytes();
    let is_of_day = time.len() >= 8 && time.get(2) == Some(&b':') && time.get(5) == Some(&b':');
    (is_number(day) && is_of_day).then(|| behind.trim_start_matches(' '))
}

/// Returns what is behind `program[1]: `.
fn behind_tag(text: &str) -> Option<&str> {
    let (tag, behind) = text.split_once(' ')?;
    let name = tag.strip_suffix(':')?;
    let (name, process) = name.split_once('[').unwrap_or((name, "]"));
    let is_sign = |char: char| !matches!(char, '{' | '"' | '\'' | '=' | ',' | ':' | '<' | '>');
    let is_tag = !name.is_empty() && name.chars().all(is_sign) && process.ends_with(']');
    is_tag.then_some(behind)
}

/// Returns what is behind `host program[1]: `, or behind the program alone.
fn behind_program(text: &str) -> Option<&str> {
    let (first, behind) = text.split_once(' ')?;
    if is_host(first)
        && let Some(message) = behind_tag(behind)
    {
        return Some(message);
    }
    behind_tag(text)
}

/// The same, or behind the host where no program is named.
fn behind_names(text: &str) -> Option<&str> {
    behind_program(text).or_else(|| {
        let (first, behind) = text.split_once(' ')?;
        is_host(first).then_some(behind)
    })
}

/// Returns true for the name or the address of a machine.
fn is_host(word: &str) -> bool {
    let is_sign = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let is_number = word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    word.parse::<std::net::IpAddr>().is_ok()
        || !word.is_empty() && word.bytes().all(is_sign) && !is_number
}

/// Returns the message of RFC 5424, by what is behind its version.
fn of_rfc_5424(text: &str) -> Option<&str> {
    // Time, host, program, process, message and structured data.
    let mut words = text.splitn(6, ' ');
    let time = words.next()?;
    (time == "-" || is_time(time)).then_some(())?;
    let mut data = words.nth(4)?;
    if let Some(rest) = data.strip_prefix('-') {
        data = rest;
    } else {
        while let Some(element) = data.strip_prefix('[') {
            data = behind_element(element)?;
        }
    }
    let message = data.strip_prefix(' ')?;
    Some(message.strip_prefix('\u{feff}').unwrap_or(message))
}

/// Returns what is behind an element of structured data. In the quotes of a value a backslash escapes, and a
/// bracket ends nothing.
fn behind_element(text: &str) -> Option<&str> {
    let (mut in_quotes, mut is_escaped) = (false, false);
    let end = text.bytes().position(|byte| {
        let is_end = byte == b']' && !in_quotes;
        in_quotes ^= byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    })?;
    text.get(end + 1..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_of_syslog_is_taken_off() {
        for (line, program, time) in [
            (
                "<166>Nov 20 08:00:00 fw (squid-1)[6802]: x y",
                Some("x y"),
                Some("fw (squid-1)[6802]: x y"),
            ),
            ("Nov  2 08:00:00 fw squid[1]: x y", Some("x y"), Some("fw squid[1]: x y")),
            ("Nov  2 2026 08:00:00.123: fw squid: x y", Some("x y"), Some("fw squid: x y")),
            ("<134>Nov 20 08:00:00 haproxy[7]: x y", Some("x y"), Some("haproxy[7]: x y")),
            ("<134>Nov 20 08:00:00 fw x y", Some("x y"), Some("fw x y")),
            ("<134>Nov 20 08:00:00 1763625600.253    325 x", None, Some("1763625600.253    325 x")),
            (r#"Nov 20 08:00:00 fw {"a": "b"}"#, Some(r#"{"a": "b"}"#), Some(r#"fw {"a": "b"}"#)),
            (r#"Nov 20 08:00:00 {"a": "b"}"#, None, Some(r#"{"a": "b"}"#)),
            (
                "2026-11-20T08:00:00.123456+01:00 fw squid[1]: x y",
                Some("x y"),
                Some("fw squid[1]: x y"),
            ),
            ("2026-11-20T08:00:00+0100 fw squid[1]: x y", Some("x y"), Some("fw squid[1]: x y")),
            ("<134>2026-11-20T08:00:00Z fw squid: x y", Some("x y"), Some("fw squid: x y")),
            ("<134>2026-11-20T08:00:00Z fw x y", Some("x y"), Some("fw x y")),
            // Kubernetes' time, and a line of HAProxy, of Squid, and JSON.
            ("2026-11-20T08:00:00.2Z 10.0.1.7:5 [x] y", None, Some("10.0.1.7:5 [x] y")),
            ("2026-11-20T08:00:00.2Z 10.0.1.7 - - [x] y", None, Some("10.0.1.7 - - [x] y")),
            (r#"2026-11-20T08:00:00.2Z {"a": "b: c"}"#, None, Some(r#"{"a": "b: c"}"#)),
            ("1763625600.253123 fw squid[1]: x y", Some("x y"), None),
            ("<14>1 2026-11-20T08:00:00.2Z fw squid 1 - - x y", Some("x y"), None),
            ("14 <14>1 - fw squid 1 - - x y", Some("x y"), None),
            (
                r#"<14>1 2026-11-20T08:00:00.2Z fw squid 1 id [a@1 b="c] \" d"][e f="g"] x y"#,
                Some("x y"),
                None,
            ),
            ("<14>1 2026-11-20T08:00:00.2Z fw squid 1 - - \u{feff}x y", Some("x y"), None),
            ("<6>x y", None, Some("x y")),
            ("<6>squid[1]: x y", Some("x y"), Some("squid[1]: x y")),
            ("<6> x", None, None),
            ("<192>x", None, None),
            ("a line: of text", None, None),
            ("1763625600.253    325 10.0.1.7 x", None, None),
            ("10.0.1.7 - - [x] y", None, None),
            ("", None, None),
        ] {
            assert_eq!(behind_header(line), Behind { program, time }, "{line}");
        }
    }
}
