//! Text logs of HAProxy: `option httplog` and `option httpslog`.

use crate::line::{is_address, without_port};
use crate::part::Part;
use crate::proxy_text::{quoted, target};
use crate::slots::Slots;

/// Reads a line of HAProxy's HTTP log; `None` where it is another.
///
/// `client:port [time] frontend backend/server timers status bytes cookie cookie state counts queues
/// {request headers} {response headers} "method target version"`, and of TLS what the handshake gave.
///
/// The log does not name the headers that it captures. The first name is the host, or else the first that may
/// be one that is spelt oddly, or else the first address; the first that begins as user agents do is the agent.
pub(crate) fn httplog<'l>(line: &'l str, slots: &mut Slots<'l>) -> Option<()> {
    let (client, rest) = line.split_once(" [")?;
    let (address, port) = client.rsplit_once(':')?;
    // What a collector puts in front is taken off before.
    if address.contains([' ', '<']) || port.parse::<u16>().is_err() {
        return None;
    }
    let (time, rest) = rest.split_once("] ")?;
    // `frontend backend/server timers status bytes cookie cookie state counts queues`, then the headers.
    let mut words = rest.splitn(11, ' ');
    let (_frontend, backend, timers) = (words.next()?, words.next()?, words.next()?);
    let (status, bytes) = (words.next()?, words.next()?);
    let is_number = |text: &str| {
        let digits = text.trim_start_matches(['-', '+']);
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !backend.contains('/') || !timers.split('/').all(is_number) || !is_number(status) {
        return None;
    }
    let rest = words.nth(5)?;
    let (headers, rest) = match rest.find('"') {
        Some(start) => rest.split_at_checked(start)?,
        None => return None,
    };
    let (request, behind) = quoted(rest).or_else(|| {
        // A line that syslog cut has no last quote.
        rest.strip_prefix('"').map(|request| (request, ""))
    })?;
    slots.set(Part::Time, 0, time);
    slots.set(Part::SourceAddress, 0, address);
    // No response, as where the client went away.
    slots.set(Part::Status, 0, if status == "-1" { "" } else { status });
    slots.set(Part::ResponseBytes, 0, bytes.trim_start_matches('+'));
    captured(headers, slots);
    if request != "<BADREQ>" {
        let (method, rest) = request.split_once(' ')?;
        let (url, version) = match rest.rsplit_once(' ') {
            Some((url, version)) if version.starts_with("HTTP/") => (url, version),
            _ => (rest, ""),
        };
        slots.set(Part::Protocol, 0, version);
        target(method, url, slots);
    }
    // `0/0000000000000000/0/0/0 name/TLSv1.3/cipher`.
    let mut words = behind.split_ascii_whitespace();
    if let Some((name, _)) = words.nth(1).and_then(|tls| tls.split_once("/TLS")) {
        slots.set(Part::ServerName, 0, name);
    }
    Some(())
}

/// Sets the captured headers of the request whose meaning is certain.
fn captured<'l>(headers: &'l str, slots: &mut Slots<'l>) {
    let Some(request) = headers.trim_ascii().strip_prefix('{') else { return };
    let request = request.split('}').next().unwrap_or_default();
    let first = |is: fn(&str) -> bool| request.split('|').find(|value| is(value));
    // A client's address may be captured in front of the host.
    let host = first(is_name).or_else(|| first(may_be_name)).or_else(|| first(is_address));
    if let Some(host) = host {
        slots.set_once(Part::Authority, host);
    }
    for value in request.split('|').filter(|value| Some(*value) != host) {
        if value.starts_with("http://") || value.starts_with("https://") {
            slots.set_once(Part::Referer, value);
        } else if is_agent(value) {
            slots.set_once(Part::UserAgent, value);
        }
    }
}

/// Returns true for a name with a dot, perhaps with a port.
fn is_name(value: &str) -> bool {
    let host = without_port(value);
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    host.contains('.')
        && host.bytes().all(is_name)
        && last.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// Returns true for what a client may write so that a host is not recognised: userinfo, escapes, brackets, other
/// scripts, numbers for an address.
fn may_be_name(value: &str) -> bool {
    let is_odd = |char: char| matches!(char, '.' | '%' | '@' | '[') || !char.is_ascii();
    let is_other = |char: char| char.is_whitespace() || "/\\=;,\"'(){}".contains(char);
    value.contains(is_odd) && !value.contains(is_other) && value.contains(char::is_alphabetic)
}

/// Returns true for `product/version`, perhaps with comments behind it.
fn is_agent(value: &str) -> bool {
    let Some((product, version)) = value.split_once('/') else { return false };
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    !product.is_empty()
        && product.bytes().all(is_token)
        && version.starts_with(|first: char| first.is_ascii_digit() || first == 'v')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::Line;

    fn check(line: &str, expect: Option<&str>) {
        let mut slots = Slots::of_text();
        let found = httplog(line, &mut slots).map(|()| {
            let mut request = Line::default();
            let unread = slots.write(&mut request);
            assert!(unread.is_empty(), "{line}: {unread:?}");
            request.as_envoy_writes();
            let show = |text: &Option<std::borrow::Cow<'_, str>>| {
                text.as_deref().unwrap_or("-").to_owned()
            };
            format!(
                "{} {} {} {} {} {} {:?} {:?} {}",
                request.method,
                request.authority,
                show(&request.path),
                show(&request.user_agent),
                show(&request.source_address),
                show(&request.server_name),
                request.status,
                request.response_bytes,
                slots.time().and_then(crate::json::Time::milliseconds).unwrap_or_default()
            )
        });
        assert_eq!(found.as_deref(), expect, "{line}");
    }

    #[test]
    fn lines_of_haproxy_become_requests() {
        check(
            r#"10.0.1.7:51234 [20/Nov/2026:08:00:00.123] fe be/s1 0/0/1/2/3 200 1234 - - ---- 1/1/0/0/0 0/0 {api.telegram.org|curl/8.5.0} {} "POST /bot1:x/y?z HTTP/1.1""#,
            Some(
                "POST api.telegram.org /bot1:x/y?z curl/8.5.0 10.0.1.7 - Some(200) Some(1234) 1795161600123",
            ),
        );
        for host in [
            "api.telegram.org....",
            "api.telegram.org.:443",
            "a:b@api.telegram.org",
            "api%2etelegram.org",
            "api。telegram.org",
            "[::ffff:10.0.0.1]:80",
            "0x7f.1:8080",
        ] {
            check(
                &format!(
                    r#"10.0.1.7:51234 [20/Nov/2026:08:00:00.123] fe be/s1 0/0/1/2/3 200 1234 - - ---- 1/1/0/0/0 0/0 {{{host}|curl/8.5.0}} {{}} "GET /x HTTP/1.1""#
                ),
                Some(&format!(
                    "GET {host} /x curl/8.5.0 10.0.1.7 - Some(200) Some(1234) 1795161600123"
                )),
            );
        }
        check(
            r#"10.0.1.7:51234 [20/Nov/2026:08:00:00.123] fe be/s1 0/0/1/2/3 200 1234 - - ---- 1/1/0/0/0 0/0 {4f1c:2a|192.0.2.7|en-GB,en;q=0.9|a.example|curl/8.5.0} {} "GET /x HTTP/1.1""#,
            Some("GET a.example /x curl/8.5.0 10.0.1.7 - Some(200) Some(1234) 1795161600123"),
        );
        check(
            r#"2001:db8::7:51234 [20/Nov/2026:08:00:00.123] fe~ be/<NOSRV> -1/-1/-1/-1/+3 503 +217 - - SC-- 1/1/0/0/0 0/0 "GET https://a.example/x HTTP/2.0""#,
            Some("GET a.example /x - 2001:db8::7 - Some(503) Some(217) 1795161600123"),
        );
        check(
            r#"10.0.1.7:51234 [20/Nov/2026:08:00:00.123] fe be/s1 0/0/1/2/3 200 1234 - - ---- 1/1/0/0/0 0/0 "CONNECT a.example:443 HTTP/1.1""#,
            Some("CONNECT a.example:443 - - 10.0.1.7 - Some(200) Some(1234) 1795161600123"),
        );
        check(
            r#"10.0.1.7:51234 [20/Nov/2026:08:00:00.123] fe~ be/s1 0/0/1/2/3 200 1234 - - ---- 1/1/0/0/0 0/0 {Mozilla/5.0 (X11)|https://r.example/|a.example:8443} "GET /x HTTP/1.1" 0/0000000000000000/0/0/0 a.example/TLSv1.3/TLS_AES_256_GCM_SHA384"#,
            Some(
                "GET a.example:8443 /x Mozilla/5.0 (X11) 10.0.1.7 a.example Some(200) Some(1234) 1795161600123",
            ),
        );
        check(
            r#"10.0.1.7:51234 [20/Nov/2026:08:00:00.123] fe fe/<NOSRV> -1/-1/-1/-1/0 400 0 - - PR-- 1/1/0/0/0 0/0 "<BADREQ>""#,
            Some("GET  - - 10.0.1.7 - Some(400) Some(0) 1795161600123"),
        );
        // The log of connections has no request.
        check("10.0.1.7:51234 [20/Nov/2026:08:00:00.123] fe be/s1 0/0/1 99 -- 1/1/0/0/0 0/0", None);
        check(r#"10.0.1.7 - - [20/Nov/2026:08:00:00 +0000] "GET /x HTTP/1.1" 304 -"#, None);
    }
}
