//! A request head as a command that sends it through a gateway.

use std::fmt::Write;

/// Returns the `curl` command for a request as a note writes it; `None` where its first line is not one.
///
/// The gateway's address is in `$GATEWAY`. It is asked for `http` in place of `https`, since it ends TLS itself.
/// Targets that curl would write in another way, and tunnels, are given to it as they are.
pub(crate) fn command(request: &str) -> Option<String> {
    let mut lines = request.lines();
    let mut first = lines.next()?.split_whitespace();
    let (method, target) = (first.next()?, first.next()?);
    let headers: Vec<(&str, &str)> = lines
        .take_while(|line| !line.trim().is_empty())
        .filter_map(|it| it.split_once(':'))
        .collect();
    let is_tunnel = method == "CONNECT";
    let url = match target.split_once("://") {
        Some((_, rest)) => format!("http://{rest}"),
        None if is_tunnel => target.to_owned(),
        None => return None,
    };
    let authority = url.trim_start_matches("http://").split(['/', '?', '#']).next()?;
    let is_exact = is_tunnel || !is_kept(&url, authority);
    let mut command = String::from("curl");
    if is_tunnel {
        // A tunnel that is opened waits for data.
        command.push_str(" --max-time 5");
    }
    if is_exact {
        let _ = write!(command, " --request {method} --request-target {}", quoted(&url));
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            let _ = write!(command, " --header {}", quoted(&format!("Host: {authority}")));
        }
    } else {
        command.push_str(" --proxy \"$GATEWAY\"");
        match method {
            "GET" => {}
            "HEAD" => command.push_str(" --head"),
            other => {
                let _ = write!(command, " --request {other}");
            }
        }
    }
    // Without it curl would send its own.
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("user-agent")) {
        command.push_str(" --header 'User-Agent:'");
    }
    for (name, value) in &headers {
        let value = value.trim();
        // An empty header is written with a semicolon.
        let header = if value.is_empty() { format!("{name};") } else { format!("{name}: {value}") };
        let _ = write!(command, " --header {}", quoted(&header));
    }
    let last = if is_exact { "\"$GATEWAY\"".to_owned() } else { quoted(&url) };
    let _ = write!(command, " {last}");
    Some(command)
}

/// Returns true if curl sends a URL as it is written.
fn is_kept(url: &str, authority: &str) -> bool {
    let host = authority.split(':').next().unwrap_or_default();
    let is_name =
        host.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'.' | b'-' | b'_'))
            && host
                .split('.')
                .next_back()
                .is_some_and(|it| it.starts_with(|c: char| c.is_ascii_alphabetic()))
            && !host.starts_with("0x");
    let is_plain =
        url.bytes().all(|byte| byte.is_ascii_graphic() && !br#"{}[]<>"\^`#|"#.contains(&byte));
    let path = url.split(['?', '#']).next().unwrap_or_default();
    is_name && is_plain && !path.contains("/./") && !path.contains("/..") && !path.ends_with("/.")
}

/// A word of a shell, in single quotes.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_become_commands() {
        for (request, expect) in [
            (
                "GET https://a.example/x?y=1 HTTP/1.1\nUser-Agent: it's me\n",
                Some(
                    "curl --proxy \"$GATEWAY\" --header 'User-Agent: it'\\''s me' 'http://a.example/x?y=1'",
                ),
            ),
            (
                "POST http://a.example/ HTTP/1.1",
                Some(
                    "curl --proxy \"$GATEWAY\" --request POST --header 'User-Agent:' 'http://a.example/'",
                ),
            ),
            (
                "CONNECT 2509940700:443 HTTP/1.1\n\n",
                Some(
                    "curl --max-time 5 --request CONNECT --request-target '2509940700:443' --header 'Host: 2509940700:443' --header 'User-Agent:' \"$GATEWAY\"",
                ),
            ),
            (
                "GET https://a.example/x/../y HTTP/1.1\nHost: b.example\nUser-Agent: x\nReferer:\n",
                Some(
                    "curl --request GET --request-target 'http://a.example/x/../y' --header 'Host: b.example' --header 'User-Agent: x' --header 'Referer;' \"$GATEWAY\"",
                ),
            ),
            ("GET /x HTTP/1.1", None),
            ("", None),
        ] {
            assert_eq!(command(request).as_deref(), expect, "{request}");
        }
    }
}
