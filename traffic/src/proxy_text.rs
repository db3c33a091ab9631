//! Text logs of other proxies: Squid's native format, and the combined format of Apache, nginx and Squid.

use crate::line::{is_address, without_port};
use crate::part::Part;
use crate::slots::Slots;

/// Reads a line of Squid's native format (`logformat squid`); `None` where it is another.
///
/// `time elapsed client code/status bytes method URL user hierarchy/peer type`
pub(crate) fn squid<'l>(line: &'l str, slots: &mut Slots<'l>) -> Option<()> {
    let mut words = line.split_ascii_whitespace();
    let time = words.next()?;
    let (seconds, fraction) = time.split_once('.')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let elapsed = words.next()?;
    if !is_number(seconds) || !is_number(fraction) || !is_number(elapsed.trim_start_matches('-')) {
        return None;
    }
    let client = words.next()?;
    let (_, status) = words.next()?.rsplit_once('/')?;
    let (bytes, method, url) = (words.next()?, words.next()?, words.next()?);
    // Squid's log of ICAP services has the same form.
    if !is_number(status) || url.starts_with("icap") {
        return None;
    }
    slots.set(Part::Time, 0, time);
    slots.set(Part::Duration, 0, elapsed);
    slots.set(Part::SourceAddress, 0, client);
    slots.set(Part::Status, 0, status);
    slots.set(Part::ResponseBytes, 0, bytes);
    target(method, url, slots);
    let (_user, hierarchy) = (words.next()?, words.next()?);
    if let Some((_, peer)) = hierarchy.split_once('/') {
        slots.set(Part::UpstreamAddress, 0, peer);
    }
    Some(())
}

/// Reads a line of the combined format; `None` where it is another.
///
/// `client identity user [time] "method target version" status bytes "referer" "agent" ...`, perhaps
/// beside `host:port` as in Apache's `vhost_combined`. The common format has neither referer nor agent.
pub(crate) fn combined<'l>(line: &'l str, slots: &mut Slots<'l>) -> Option<()> {
    let (head, rest) = line.split_once(" [")?;
    let (host, client) = names(head)?;
    let (time, rest) = rest.split_once("] ")?;
    // `20/Nov/2026:08:00:00 +0000`; Envoy writes another time in brackets.
    let signs = [(2, b'/'), (6, b'/'), (11, b':')];
    if !signs.iter().all(|(at, sign)| time.as_bytes().get(*at) == Some(sign)) {
        return None;
    }
    let (request, rest) = quoted(rest)?;
    let mut words = rest.trim_ascii_start().splitn(3, ' ');
    let (status, bytes) = (words.next()?, words.next()?);
    if status.len() != 3 || !status.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    slots.set(Part::Time, 0, time);
    slots.set(Part::SourceAddress, 0, client);
    slots.set(Part::Status, 0, status);
    slots.set(Part::ResponseBytes, 0, bytes);
    if let Some(host) = host {
        slots.set(Part::Authority, 1, host);
    }
    // A request that was not one (`-`, bytes of TLS) has no method and no target.
    let (method, rest_of_request) = request.split_once(' ').unwrap_or_default();
    let (url, version) = rest_of_request.rsplit_once(' ').unwrap_or((rest_of_request, ""));
    slots.set(Part::Protocol, 0, version);
    target(method, url, slots);
    if let Some((referer, rest)) = words.next().and_then(quoted) {
        slots.set(Part::Referer, 0, referer);
        if let Some((agent, _)) = quoted(rest) {
            slots.set(Part::UserAgent, 0, agent);
        }
    }
    Some(())
}

/// Returns the host and the client of the combined format, by what is in front of the time; `None` where that is
/// something else.
///
/// `client identity user`, where a user may have blanks; a list of addresses as `X-Forwarded-For` has it, whose
/// first is the client; and a host beside the client on either side. A word that could be a host or the name of
/// a proxy is neither.
fn names(head: &str) -> Option<(Option<&str>, &str)> {
    let is_host = |word: &str| {
        !is_address(word)
            && (without_port(word).contains('.') || without_port(word).len() < word.len())
    };
    // What is in front of the line, as a priority of syslog.
    if head.contains(['<', '>', '{']) {
        return None;
    }
    let words: Vec<&str> = head.split_ascii_whitespace().collect();
    // `192.0.2.7, 10.0.0.1`, and in quotes.
    let n_listed = words.iter().take_while(|word| word.ends_with(',')).count();
    if n_listed > 0 {
        let first = words.first()?.trim_matches(['"', ',']);
        return (words.len() >= n_listed + 3).then_some((None, first));
    }
    match *words.as_slice() {
        [client, "-", _, ..] | [client, _, _] => Some((None, client)),
        [first, second, _, _, ..] => match (is_host(first), is_host(second)) {
            (true, false) if is_address(second) => Some((Some(first), second)),
            (false, true) if is_address(first) => Some((Some(second), first)),
            // Names of clients are looked up: the host has the port.
            (true, true) => Some((Some(first), second)),
            _ if is_address(first) => Some((None, first)),
            _ if is_address(second) => Some((None, second)),
            _ => None,
        },
        _ => None,
    }
}

/// Sets method and target.
pub(crate) fn target<'l>(method: &'l str, url: &'l str, slots: &mut Slots<'l>) {
    slots.set(Part::Method, 0, method);
    slots.set(Part::Path, 0, url);
}

/// Returns the text in quotes, in which a backslash escapes, and what is behind it.
pub(crate) fn quoted(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_ascii_start().strip_prefix('"')?;
    let mut is_escaped = false;
    let end = text.bytes().position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    })?;
    Some((text.get(..end)?, text.get(end + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Time;
    use crate::line::Line;

    fn check(line: &str, expect: Option<&str>) {
        let mut slots = Slots::of_text();
        let read = squid(line, &mut slots).or_else(|| {
            slots = Slots::of_text();
            combined(line, &mut slots)
        });
        let found = read.map(|()| {
            let mut request = Line::default();
            let unread = slots.write(&mut request);
            assert!(unread.is_empty(), "{line}: {unread:?}");
            request.as_envoy_writes();
            let path = request.path.as_deref().unwrap_or("-");
            let agent = request.user_agent.as_deref().unwrap_or("-");
            let source = request.source_address.as_deref().unwrap_or("-");
            format!(
                "{} {} {path} {agent} {source} {:?} {:?} {:?}",
                request.method,
                request.authority,
                request.status,
                request.response_bytes,
                slots.time().and_then(Time::milliseconds),
            )
        });
        assert_eq!(found.as_deref(), expect, "{line}");
    }

    #[test]
    fn lines_of_squid_and_of_the_combined_format_become_requests() {
        check(
            "1763625600.253    325 10.0.1.7 TCP_MISS/200 2912 POST http://a.example/b?c - HIER_DIRECT/192.0.2.12 text/html",
            Some("POST a.example /b?c - 10.0.1.7 Some(200) Some(2912) Some(1763625600253)"),
        );
        check(
            "1763625601.253     -1 10.0.1.7 TCP_TUNNEL/200 2912 CONNECT a.example:443 ann HIER_DIRECT/192.0.2.12 -",
            Some("CONNECT a.example:443 - - 10.0.1.7 Some(200) Some(2912) Some(1763625601253)"),
        );
        check(
            "1763625601.253     -1 10.0.1.7 TCP_CLIENT_REFRESH_MISS_SSL/200 2912 CONNECT tunnel://a.example:443/ - DIRECT/192.0.2.12 -",
            Some("CONNECT a.example:443 - - 10.0.1.7 Some(200) Some(2912) Some(1763625601253)"),
        );
        check(
            "1763625601.253 281 10.0.1.7 ICAP_ECHO/204 543 REQMOD icap://127.0.0.1:1344/reqmod - -/127.0.0.1 -",
            None,
        );
        check(
            r#"10.0.1.7 - - [20/Nov/2026:08:00:00 +0000] "GET https://a.example/x HTTP/1.1" 200 8752 "-" "curl \"8\"" TCP_MISS:HIER_DIRECT"#,
            Some(
                r#"GET a.example /x curl \"8\" 10.0.1.7 Some(200) Some(8752) Some(1795161600000)"#,
            ),
        );
        check(
            r#"a.example:80 10.0.1.7 - ann [20/Nov/2026:08:00:00 +0000] "GET /x HTTP/1.1" 304 -"#,
            Some("GET a.example:80 /x - 10.0.1.7 Some(304) None Some(1795161600000)"),
        );
        for (head, expect) in [
            ("10.0.1.7 - John Doe", "a.example 10.0.1.7"),
            ("192.0.2.7, 10.0.1.7 - -", "a.example 192.0.2.7"),
            ("172.18.0.1 172.18.0.5 - -", "a.example 172.18.0.1"),
            ("proxy01 10.0.1.7 - -", "a.example 10.0.1.7"),
            ("10.0.1.7 b.example - -", "a.example 10.0.1.7"),
            ("laptop.corp - ann", "a.example laptop.corp"),
        ] {
            let (host, source) = expect.split_once(' ').unwrap();
            check(
                &format!(
                    r#"{head} [20/Nov/2026:08:00:00 +0000] "GET https://a.example/x HTTP/1.1" 200 1 "-" "x""#
                ),
                Some(&format!("GET {host} /x x {source} Some(200) Some(1) Some(1795161600000)")),
            );
        }
        check(
            r#"10.0.1.7 b.example - - [20/Nov/2026:08:00:00 +0000] "GET /x HTTP/1.1" 304 -"#,
            Some("GET b.example /x - 10.0.1.7 Some(304) None Some(1795161600000)"),
        );
        check(
            r#"10.0.1.7 - John Doe [20/Nov/2026:08:00:00 +0000] "GET /x HTTP/1.1" 304 -"#,
            Some("GET  /x - 10.0.1.7 Some(304) None Some(1795161600000)"),
        );
        check("1763625600 325 10.0.1.7 x y", None);
        check(
            r#"2026-11-20T08:00:00.2Z stdout F [2026-11-20T08:14:44.179Z] "GET / HTTP/1.1" 200 -"#,
            None,
        );
        check("a b c", None);
        check("", None);
    }
}
