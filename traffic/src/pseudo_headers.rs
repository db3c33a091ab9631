//! The pseudo-headers of HTTP/2 as tools show them: browsers' panels, `nghttp`, `curl -v`, Burp, Wireshark.

use crate::head::is_token;

/// What the lines of a request say.
#[derive(Debug, Default)]
pub(crate) struct PseudoHeaders {
    pub method: Option<String>,
    pub scheme: Option<String>,
    pub authority: Option<String>,
    pub path: Option<String>,
    /// Of an extended CONNECT.
    pub protocol: Option<String>,
    /// Other headers, by name in lower case.
    pub headers: Vec<(String, String)>,
    pub status: Option<u16>,
}

const NAMES: [&str; 6] = ["method", "scheme", "authority", "path", "protocol", "status"];

/// Returns true if a line has a pseudo-header of a request.
pub(crate) fn is_line(line: &str) -> bool {
    pair(line).is_some_and(|(name, _)| name.starts_with(':') && name != ":status")
}

/// Reads a block of lines. A value may be on the line below its name.
pub(crate) fn read(text: &str) -> PseudoHeaders {
    let mut found = PseudoHeaders::default();
    let paired = in_two_lines(text);
    let mut lines = paired.as_deref().unwrap_or(text).lines().peekable();
    while let Some(line) = lines.next() {
        let Some((name, value)) = pair(line) else { continue };
        let mut value = value.to_owned();
        if value.is_empty()
            && let Some(below) = lines.peek()
            && pair(below).is_none_or(|(name, _)| !name.starts_with(':'))
        {
            below.trim().clone_into(&mut value);
            lines.next();
        }
        let once = |part: &mut Option<String>, value: String| {
            part.get_or_insert(value);
        };
        match name.as_str() {
            ":method" => once(&mut found.method, value),
            ":scheme" => once(&mut found.scheme, value),
            ":authority" => once(&mut found.authority, value),
            ":path" => once(&mut found.path, value),
            ":protocol" => once(&mut found.protocol, value),
            ":status" => found.status = found.status.or(value.parse().ok()),
            _ => found.headers.push((name, value)),
        }
    }
    found
}

/// Returns a text with names and values in one line, where each has a line of its own, as browsers show them today.
fn in_two_lines(text: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let first = lines.iter().position(|line| line.starts_with(':'))?;
    let is_name = |line: &&str| {
        let name = line.trim_end_matches(':');
        name.strip_prefix(':').unwrap_or(name).split(':').count() == 1
            && is_token(name.trim_start_matches(':'))
    };
    let pairs: Vec<&[&str]> = lines.get(first..)?.chunks(2).collect();
    let pseudo = pairs.iter().take_while(|pair| pair.first().is_some_and(|it| it.starts_with(':')));
    let is_paired = pseudo.clone().count() >= 2
        && pseudo.clone().all(|pair| {
            pair.first().is_some_and(is_name) && pair.get(1).is_some_and(|it| !it.starts_with(':'))
        });
    let joined = pairs.iter().filter_map(|pair| {
        let [name, value] = pair else { return None };
        Some(format!("{}: {value}\n", name.trim_end_matches(':')))
    });
    is_paired.then(|| joined.collect())
}

/// Returns the name, in lower case, and the value of a line, whatever is around them: `:path: /`, `:path /`,
/// `[:path: /]`, `":path" = "/"`, `Header: :path: /`.
fn pair(line: &str) -> Option<(String, &str)> {
    let at = NAMES.iter().find_map(|name| {
        let at = line.find(&format!(":{name}"))?;
        let behind = line.get(at + 1 + name.len()..)?;
        let is_end =
            !behind.starts_with(|next: char| next.is_alphanumeric() || matches!(next, '-' | '_'));
        // What is before it is no value of another header.
        let before = line.get(..at)?;
        let is_start =
            before.is_empty() || before.ends_with([' ', '\t', '[', '"', '\'', '(', '{', ',']);
        (is_end && is_start).then_some((at, at + 1 + name.len()))
    });
    let (name, value) = match at {
        Some((start, end)) => (line.get(start..end)?, line.get(end..)?),
        None => {
            let line = line.trim().trim_start_matches(['[', '*', '>', '<', '"', '\'', '(', ' ']);
            let line = line.strip_prefix("Header: ").unwrap_or(line);
            // `HTTP/2` and `h2h3` lines of `curl -v` have their header in brackets.
            let line = line.rsplit_once("] [").map_or(line, |(_, header)| header);
            let line = line.rsplit_once("h2h3 [").map_or(line, |(_, header)| header);
            let end = line.find([':', '\t', '"', '\''])?;
            line.split_at_checked(end)?
        }
    };
    if !name.starts_with(':') && !is_token(name) {
        return None;
    }
    let value =
        value.trim_matches(|char: char| char.is_whitespace() || matches!(char, '"' | '\'' | '='));
    let value = value.strip_prefix([':', '=', ',']).unwrap_or(value);
    let value = value.trim().trim_matches(['"', '\'']);
    let value = if line.contains('[') { value.strip_suffix(']').unwrap_or(value) } else { value };
    let value = value.trim_end_matches(['"', '\'', ')', ',', ' ']);
    Some((name.to_ascii_lowercase(), value.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pseudo_headers_are_read_as_tools_show_them() {
        for text in [
            ":method: POST\n:authority: a.example\n:scheme: https\n:path: /x?y=z\nuser-agent: u v",
            ":authority\na.example\n:method\nPOST\n:path\n/x?y=z\n:scheme\nhttps\nuser-agent\nu v",
            ":authority:\na.example\n:method:\nPOST\n:path:\n/x?y=z\n:scheme:\nhttps\nuser-agent:\nu v",
            "[  0.010] send HEADERS frame <length=40, flags=0x25, stream_id=13>\n          ; END_STREAM | END_HEADERS\n          :method: POST\n          :path: /x?y=z\n          :scheme: https\n          :authority: a.example\n          user-agent: u v",
            "* [HTTP/2] [1] OPENED stream for https://a.example/x?y=z\n* [HTTP/2] [1] [:method: POST]\n* [HTTP/2] [1] [:scheme: https]\n* [HTTP/2] [1] [:authority: a.example]\n* [HTTP/2] [1] [:path: /x?y=z]\n* [HTTP/2] [1] [user-agent: u v]",
            "* h2h3 [:method: POST]\n* h2h3 [:path: /x?y=z]\n* h2h3 [:scheme: https]\n* h2h3 [:authority: a.example]\n* h2h3 [user-agent: u v]",
            ":method\tPOST\n:path\t/x?y=z\n:authority\ta.example\n:scheme\thttps\nuser-agent\tu v",
            "    Header: :method: POST\n    Header: :path: /x?y=z\n    Header: :authority: a.example\n    Header: :scheme: https\n    Header: user-agent: u v",
            "http2: decoded hpack field header field \":method\" = \"POST\"\nhttp2: decoded hpack field header field \":path\" = \"/x?y=z\"\nhttp2: decoded hpack field header field \":authority\" = \"a.example\"\nhttp2: decoded hpack field header field \":scheme\" = \"https\"\nuser-agent: u v",
            "(\":method\", \"POST\"),\n(\":authority\", \"a.example\"),\n(\":path\", \"/x?y=z\"),\n(\":scheme\", \"https\"),\nuser-agent: u v",
        ] {
            let found = read(text);
            let parts = [found.method, found.scheme, found.authority, found.path]
                .map(Option::unwrap_or_default);
            assert_eq!(parts, ["POST", "https", "a.example", "/x?y=z"], "{text}");
            let agent = found.headers.iter().find(|(name, _)| name == "user-agent");
            assert_eq!(agent.map(|(_, value)| value.as_str()), Some("u v"), "{text}");
        }
    }
}
