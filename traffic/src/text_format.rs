//! Text logs of Envoy: a format string, compiled into a reader of the lines that it writes.

use crate::part::Part;
use crate::slots::Slots;

/// Envoy's default format.
pub(crate) const ENVOY: &str = r#"[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%""#;

/// Istio's default format.
pub(crate) const ISTIO: &str = r#"[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%"#;

/// The rank of `X-Forwarded-For`: it counts where no address of the connection is logged.
const FORWARDED_RANK: u8 = 9;

/// A compiled format string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextFormat {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(String),
    /// The value of an operator.
    Value {
        /// The part that it gives, with its rank.
        part: Option<(Part, u8)>,
        /// How many words it has: more than one of a time whose format has blanks.
        n_words: usize,
    },
}

impl TextFormat {
    /// Compiles a format string, as in `text_format_source` of Envoy's access log: text and command
    /// operators (`%REQ(:METHOD)%`); `%%` is a percent sign.
    ///
    /// # Errors
    /// What is wrong with the string: an operator does not end, two have no text between them, or none
    /// gives a host.
    pub fn compile(format: &str) -> Result<TextFormat, String> {
        let format = format.trim_end_matches('\n');
        let format = format.strip_suffix("\\n").unwrap_or(format);
        let mut pieces = Vec::new();
        let mut rest = format;
        while let Some((literal, behind)) = rest.split_once('%') {
            push_literal(&mut pieces, literal);
            if let Some(behind) = behind.strip_prefix('%') {
                push_literal(&mut pieces, "%");
                rest = behind;
                continue;
            }
            let (operator, behind) = operator(behind).ok_or_else(|| {
                format!("the operator `%{}` does not end with `%`", first_word(behind))
            })?;
            if let Some(Piece::Value { .. }) = pieces.last() {
                return Err(format!(
                    "no text separates `%{operator}%` from the operator before it"
                ));
            }
            pieces.push(Piece::Value { part: part(operator), n_words: n_words(operator) });
            rest = behind;
        }
        push_literal(&mut pieces, rest);
        let has_host = pieces.iter().any(|piece| {
            matches!(
                piece,
                Piece::Value { part: Some((Part::Authority | Part::ServerName, _)), .. }
            )
        });
        if !has_host {
            return Err("no operator gives a host: it needs `%REQ(:AUTHORITY)%` or `%REQUESTED_SERVER_NAME%`".to_owned());
        }
        Ok(TextFormat { pieces })
    }

    /// Reads a line into `slots`; `None` where the format does not fit all of it.
    ///
    /// A value ends where the text behind its operator first occurs. What stands behind the value that the
    /// client chooses most freely (its `User-Agent`, or else another header or the path) is read from the end
    /// of the line: Envoy escapes nothing in text, so that value may look like all that follows.
    pub(crate) fn read<'l>(&self, line: &'l str, slots: &mut Slots<'l>) -> Option<()> {
        let free = self.free_value();
        let (before, behind) = self.pieces.split_at_checked(free.unwrap_or(self.pieces.len()))?;
        let rest = from_start(before, line, slots)?;
        let Some((Piece::Value { part, .. }, behind)) = behind.split_first() else {
            return rest.is_empty().then_some(());
        };
        let value = from_end(behind, rest, slots)?;
        put(*part, value, slots);
        Some(())
    }

    /// The index of the value that the client chooses most freely.
    fn free_value(&self) -> Option<usize> {
        let at = |wanted: &dyn Fn(Part, u8) -> bool| {
            self.pieces.iter().position(|piece| match piece {
                Piece::Value { part: Some((part, rank)), .. } => wanted(*part, *rank),
                _ => false,
            })
        };
        at(&|part, _| part == Part::UserAgent)
            .or_else(|| at(&|part, _| matches!(part, Part::Referer | Part::Cookie)))
            .or_else(|| at(&|part, rank| part == Part::SourceAddress && rank == FORWARDED_RANK))
            .or_else(|| at(&|part, _| part == Part::Path))
    }
}

/// Reads the values of pieces from the start of a line; returns the rest of it.
fn from_start<'l>(pieces: &[Piece], line: &'l str, slots: &mut Slots<'l>) -> Option<&'l str> {
    let mut rest = line;
    let mut pieces = pieces.iter().peekable();
    while let Some(piece) = pieces.next() {
        let (part, n_words) = match piece {
            Piece::Literal(literal) => {
                rest = rest.strip_prefix(literal.as_str())?;
                continue;
            }
            Piece::Value { part, n_words } => (*part, *n_words),
        };
        let end = match pieces.peek() {
            Some(Piece::Literal(literal)) if matches!(part, Some((Part::Path, _))) => {
                // A path may contain blanks; the version behind it does not.
                let next = match pieces.clone().nth(2) {
                    Some(Piece::Literal(next)) => rest.find(next),
                    _ => None,
                };
                let before = next.and_then(|next| rest.get(..next)?.rfind(literal));
                before.or_else(|| rest.find(literal))?
            }
            Some(Piece::Literal(literal)) => {
                let inside = end_of_words(rest, n_words);
                inside + rest.get(inside..)?.find(literal)?
            }
            Some(Piece::Value { .. }) => return None,
            None => rest.len(),
        };
        let (value, behind) = rest.split_at_checked(end)?;
        rest = behind;
        put(part, value, slots);
    }
    Some(rest)
}

/// Reads the values of pieces from the end of a line; returns the rest of it.
fn from_end<'l>(pieces: &[Piece], line: &'l str, slots: &mut Slots<'l>) -> Option<&'l str> {
    let mut rest = line;
    let mut pieces = pieces.iter().rev().peekable();
    while let Some(piece) = pieces.next() {
        let part = match piece {
            Piece::Literal(literal) => {
                rest = rest.strip_suffix(literal.as_str())?;
                continue;
            }
            Piece::Value { part, .. } => *part,
        };
        // In front of each value is a text: that of the value that is not read here, at the latest.
        let Some(Piece::Literal(literal)) = pieces.peek() else { return None };
        let start = rest.rfind(literal)? + literal.len();
        let (before, value) = rest.split_at_checked(start)?;
        rest = before;
        put(part, value, slots);
    }
    Some(rest)
}

/// Returns where the first words of a text end, with the blanks between them: one less than are asked for, so
/// that what ends the last is looked for as ever.
fn end_of_words(text: &str, n_words: usize) -> usize {
    let mut end = 0;
    for _ in 1..n_words {
        let behind = text.get(end..).unwrap_or_default();
        let word = behind.trim_start_matches(' ');
        let Some(blank) = word.find(' ') else { break };
        let run = word.get(blank..).unwrap_or_default();
        let n_blanks = run.len() - run.trim_start_matches(' ').len();
        end += behind.len() - word.len() + blank + n_blanks;
    }
    end
}

fn put<'l>(part: Option<(Part, u8)>, value: &'l str, slots: &mut Slots<'l>) {
    match part {
        // Each proxy appends the address that it sees; the last is that of this one.
        Some((Part::SourceAddress, FORWARDED_RANK)) => {
            let last = value.rsplit(',').next().unwrap_or_default();
            slots.set(Part::SourceAddress, FORWARDED_RANK, last.trim_ascii());
        }
        Some((part, rank)) => slots.set(part, rank, value),
        None => {}
    }
}

/// Returns how many words a time has that is written by a format, `%Y-%m-%d %H:%M:%S`.
fn n_words(operator: &str) -> usize {
    let Some(format) = operator.strip_prefix("START_TIME(") else { return 1 };
    let words = |word: &str| match word {
        word if word.contains("%c") => 5,
        word if word.contains("%r") => 2,
        _ => 1,
    };
    format.split_ascii_whitespace().map(words).sum::<usize>().max(1)
}

fn push_literal(pieces: &mut Vec<Piece>, text: &str) {
    match pieces.last_mut() {
        _ if text.is_empty() => {}
        Some(Piece::Literal(literal)) => literal.push_str(text),
        _ => pieces.push(Piece::Literal(text.to_owned())),
    }
}

fn first_word(text: &str) -> &str {
    text.split_ascii_whitespace().next().unwrap_or_default()
}

/// Splits behind an operator, whose parameters in parentheses may contain percent signs.
fn operator(text: &str) -> Option<(&str, &str)> {
    let name = text.find(|char: char| !(char.is_ascii_alphanumeric() || char == '_'))?;
    let behind = text.get(name..)?;
    let parameters = if behind.starts_with('(') { behind.find(')')? } else { 0 };
    let start = name + parameters;
    let end = start + text.get(start..)?.find('%')?;
    Some((text.get(..end)?, text.get(end + 1..)?))
}

/// Returns the part that an operator gives.
fn part(operator: &str) -> Option<(Part, u8)> {
    let (name, parameters) = operator.split_once('(').unwrap_or((operator, ""));
    let parameters = parameters.split(')').next().unwrap_or_default();
    let name = name.split(':').next().unwrap_or_default();
    Some(match name {
        "REQ" | "REQ_WITHOUT_QUERY" => {
            return parameters.split('?').find_map(of_header);
        }
        "PATH" => (Part::Path, 1),
        "START_TIME" => (Part::Time, 0),
        "DURATION" => (Part::Duration, 0),
        "PROTOCOL" => (Part::Protocol, 0),
        "RESPONSE_CODE" => (Part::Status, 0),
        "BYTES_RECEIVED" => (Part::RequestBytes, 0),
        "BYTES_SENT" => (Part::ResponseBytes, 0),
        "UPSTREAM_HOST" => (Part::UpstreamAddress, 0),
        "UPSTREAM_REMOTE_ADDRESS" | "UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT" => {
            (Part::UpstreamAddress, 1)
        }
        "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT" => (Part::SourceAddress, 0),
        "DOWNSTREAM_REMOTE_ADDRESS" => (Part::SourceAddress, 1),
        "DOWNSTREAM_DIRECT_REMOTE_ADDRESS" | "DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT" => {
            (Part::SourceAddress, 2)
        }
        "REQUESTED_SERVER_NAME" => (Part::ServerName, 0),
        "DOWNSTREAM_PEER_URI_SAN" => (Part::Identity, 0),
        _ => return None,
    })
}

fn of_header(name: &str) -> Option<(Part, u8)> {
    Some(match name.to_ascii_lowercase().as_str() {
        ":method" => (Part::Method, 0),
        ":scheme" => (Part::Scheme, 0),
        ":authority" | "host" => (Part::Authority, 0),
        "x-envoy-original-path" => (Part::Path, 0),
        ":path" => (Part::Path, 1),
        "user-agent" => (Part::UserAgent, 0),
        "referer" => (Part::Referer, 0),
        "cookie" => (Part::Cookie, 0),
        "x-forwarded-for" => (Part::SourceAddress, FORWARDED_RANK),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::Line;

    fn read(format: &str, line: &str) -> Option<String> {
        let format = TextFormat::compile(format).unwrap();
        let (mut slots, mut request) = (Slots::of_text(), Line::default());
        format.read(line, &mut slots)?;
        let unread = slots.write(&mut request);
        assert!(unread.is_empty(), "{line}");
        request.check(unread).ok()?;
        let text =
            |text: &Option<std::borrow::Cow<'_, str>>| text.as_deref().unwrap_or("-").to_owned();
        Some(format!(
            "{} {} {} {} {} {:?}",
            request.method,
            request.authority,
            text(&request.path),
            text(&request.user_agent),
            text(&request.source_address),
            request.status
        ))
    }

    #[test]
    fn the_default_formats_of_envoy_and_istio_are_read() {
        let envoy = r#"[2026-11-20T08:14:44.179Z] "POST /bot1:x/y?z HTTP/1.1" 200 - 12 240 139 138 "192.0.2.9, 10.0.1.7" "curl/8 (a "b")" "id" "api.telegram.org" "192.0.2.12:443""#;
        assert_eq!(
            read(ENVOY, envoy).as_deref(),
            Some(r#"POST api.telegram.org /bot1:x/y?z curl/8 (a "b") 10.0.1.7 Some(200)"#)
        );
        let istio = r#"[2026-11-20T08:14:44.179Z] "GET /a b HTTP/1.1" 503 UH no_healthy_upstream - "-" 0 19 0 - "-" "curl" "id" "a.example" "-" outbound|443||a.example - 10.0.3.9:8080 10.0.1.7:38594 - default"#;
        assert_eq!(
            read(ISTIO, istio).as_deref(),
            Some("GET a.example /a b curl 10.0.1.7 Some(503)")
        );
        let tls = r#"[2026-11-20T08:14:45.179Z] "- - -" 0 - - - "-" 883 24293 139 - "-" "-" "-" "-" "192.0.2.10:443" outbound|443||wild.example 10.0.3.9:41699 10.0.3.9:8443 10.0.1.7:38598 t.example -"#;
        assert_eq!(read(ISTIO, tls).as_deref(), Some(" t.example - - 10.0.1.7 None"));
        let agent = r#"curl" "x" "evil.example" "y"#;
        let line = envoy.replace(r#"curl/8 (a "b")"#, agent);
        let expect = format!("POST api.telegram.org /bot1:x/y?z {agent} 10.0.1.7 Some(200)");
        assert_eq!(read(ENVOY, &line).as_deref(), Some(expect.as_str()));
        let line = istio.replace(r#""curl""#, &format!("\"{agent}\""));
        let expect = format!("GET a.example /a b {agent} 10.0.1.7 Some(503)");
        assert_eq!(read(ISTIO, &line).as_deref(), Some(expect.as_str()));
        // Neither takes the other's lines.
        assert_eq!(read(ENVOY, istio), None);
        assert_eq!(read(ISTIO, envoy), None);
    }

    #[test]
    fn any_format_string_is_compiled() {
        let format = r"%START_TIME(%Y-%m-%dT%H:%M:%S%z)% %REQ(:METHOD):3% %%%REQ(:AUTHORITY)%%REQ_WITHOUT_QUERY(:PATH)%\n";
        assert!(TextFormat::compile(format).unwrap_err().contains("no text separates"));
        let format =
            r"%START_TIME(%s.%3f)% %REQ(:METHOD)% %%%REQ(HOST?:AUTHORITY):80% %REQ(:PATH)%\n";
        let expect = "PUT a.example /x y - - None";
        assert_eq!(read(format, "1.5 PUT %a.example /x y").as_deref(), Some(expect));
        assert_eq!(read(format, "1.5 PUT a.example /x"), None);
        let time =
            "%START_TIME(%Y-%m-%d %H:%M:%S.%3f)% %REQ(:AUTHORITY)% %REQ(:METHOD)% %REQ(:PATH)%";
        let expect = "PUT a.example /x - - None";
        let line = "2026-11-20 08:00:00.123 a.example PUT /x";
        assert_eq!(read(time, line).as_deref(), Some(expect));
        let time = "%START_TIME(%b %e %H:%M:%S)% %REQ(:AUTHORITY)% %REQ(:METHOD)% %PATH(NQ)%";
        for line in ["Nov 20 08:00:00 a.example PUT /x", "Nov  5 08:00:00 a.example PUT /x"] {
            assert_eq!(read(time, line).as_deref(), Some(expect));
        }
        for separator in [" ", "|", "||", "\t"] {
            let operators = ["%REQ(:METHOD)%", "%REQ(:PATH)%", "%PROTOCOL%", "%REQ(:AUTHORITY)%"];
            let line = ["PUT", "/x", "HTTP/1.1", "a.example"].join(separator);
            assert_eq!(read(&operators.join(separator), &line).as_deref(), Some(expect));
        }
        for (format, expect) in
            [("%REQ(:METHOD)%", "no operator gives a host"), ("%REQ(:AUTHORITY) x", "does not end")]
        {
            let error = TextFormat::compile(format).unwrap_err();
            assert!(error.contains(expect), "{format}: {error}");
        }
    }
}
