//! Lines of keys with values, as firewalls and proxies send them to a collector: `key=value`, the Common Event
//! Format (CEF) and the Log Event Extended Format (LEEF).
//!
//! A line becomes an object whose keys are [names of columns](crate::column). See: the implementation standard of
//! CEF (revision 25) for its escapes, and the format's pages of `QRadar` for LEEF 1.0 and 2.0.

use std::net::Ipv4Addr;

use serde_json::{Map, Value};

use crate::column::{Column, column};
use crate::part::Part;

/// Fewest pairs of a line of `key=value`; sentences and queries have one or two.
const MIN_PAIRS: usize = 4;

/// Keys of CEF that no other log means the same by.
const OF_CEF: [(&str, &str); 5] = [
    ("request", "url"),
    ("requestContext", "referer"),
    ("in", "bytes-in"),
    ("out", "bytes-out"),
    ("rt", "timestamp"),
];

/// Keys of LEEF that are predefined.
const OF_LEEF: [(&str, &str); 3] =
    [("srcBytes", "bytes-out"), ("dstBytes", "bytes-in"), ("devTime", "timestamp")];

/// Methods of HTTP that logs may have in small letters (RFC 9110, 9.1, and RFC 5789).
const METHODS: [&str; 9] =
    ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

/// A line's keys and values in their order. Of two with one key the first counts: what a client sends comes behind
/// what the program writes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Pairs(Vec<(String, String)>);

impl Pairs {
    /// Reads a line; `None` if it is not of one of these forms.
    pub(crate) fn read(line: &str) -> Option<Pairs> {
        let mut pairs = Pairs::default();
        if let Some(extension) = behind_fields(line, "CEF:", 7) {
            pairs.add_cef(extension);
            pairs.rename(&OF_CEF);
        } else if let Some(attributes) = behind_fields(line, "LEEF:", 5) {
            pairs.add_leef(attributes, line.contains("LEEF:2"));
            pairs.rename(&OF_LEEF);
        } else {
            pairs.add_words(line);
            if !pairs.has_keys(MIN_PAIRS) {
                return None;
            }
            // SonicWall and WatchGuard.
            if pairs.get("dstname").is_some() {
                pairs.rename(&[("dstname", "dest-host"), ("arg", "path"), ("op", "method")]);
                pairs.cut_ports();
            }
        }
        pairs.read_rating();
        // ztunnel's time has no key.
        if pairs.get("dst.service").is_some()
            && let Some(first) = line.split_ascii_whitespace().next()
            && crate::syslog::is_time(first)
        {
            pairs.add("timestamp", first.to_owned());
        }
        pairs.join_time();
        Some(pairs)
    }

    /// Returns true if the line is about a request: it has a URL, or a host beside a path or a method, and who
    /// sent it or what else a request has. Messages of programs may have a URL alone.
    pub(crate) fn is_request(&self) -> bool {
        let has = |wanted: Part| {
            let mut known = self.columns();
            known.any(|of| matches!(of, Column::Part(part, _) if part == wanted))
        };
        let has_url = self.columns().any(|of| of == Column::Part(Part::Path, Column::URL));
        let others = [Part::Method, Part::UserAgent, Part::Status];
        self.has_host()
            && (has_url || has(Part::Path) || has(Part::Method) || has(Part::ServerName))
            && (has(Part::SourceAddress)
                || others.into_iter().filter(|part| has(*part)).count() > 1)
    }

    /// Returns true if the line names the host of a request.
    pub(crate) fn has_host(&self) -> bool {
        self.columns().any(|of| {
            matches!(of, Column::Part(Part::Authority | Part::ServerName, _))
                || of == Column::Part(Part::Path, Column::URL)
        })
    }

    /// The pairs as a JSON object.
    pub(crate) fn into_json(self) -> Vec<u8> {
        // The first of one key is put in last.
        let values = self.0.into_iter().rev().map(|(key, value)| (key, Value::String(value)));
        Value::Object(values.collect::<Map<_, _>>()).to_string().into_bytes()
    }

    fn columns(&self) -> impl Iterator<Item = Column> {
        self.0.iter().filter_map(|(key, _)| column(key))
    }

    fn get(&self, wanted: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == wanted).map(|(_, value)| value.as_str())
    }

    /// Returns true if there are so many different keys.
    fn has_keys(&self, n_wanted: usize) -> bool {
        let mut seen: Vec<&str> = Vec::new();
        for (key, _) in &self.0 {
            if seen.len() < n_wanted && !seen.contains(&key.as_str()) {
                seen.push(key);
            }
        }
        seen.len() >= n_wanted
    }

    /// Adds a pair.
    fn add(&mut self, key: &str, value: String) {
        if !value.is_empty() {
            self.0.push((key.to_owned(), value));
        }
    }

    fn rename(&mut self, names: &[(&str, &str)]) {
        for (key, _) in &mut self.0 {
            if let Some((_, name)) = names.iter().find(|(of, _)| of == key) {
                (*name).clone_into(key);
            }
        }
    }

    /// Adds the extension of CEF: a value goes on until the next key, and may have blanks.
    fn add_cef(&mut self, extension: &str) {
        let mut open: Option<(&str, usize)> = None;
        let mut at = 0;
        while let Some((key, start)) = next_key(extension, at) {
            if let Some((key, from)) = open {
                self.add(key, without_escapes(extension.get(from..start).unwrap_or_default()));
            }
            at = start + key.len() + 1;
            open = Some((key, at));
        }
        if let Some((key, from)) = open {
            self.add(key, without_escapes(extension.get(from..).unwrap_or_default()));
        }
    }

    /// Adds the attributes of LEEF: what is between two of its delimiters, a tab unless a field of version 2 names
    /// another, as itself or in hexadecimal digits.
    fn add_leef(&mut self, attributes: &str, has_delimiter: bool) {
        let named = if has_delimiter { attributes.split_once('|') } else { None };
        let named = named.filter(|(named, _)| named.len() <= 4 && !named.contains('='));
        let (delimiter, attributes) = match named {
            Some((named, rest)) => {
                let digits = named.strip_prefix("0x").or_else(|| named.strip_prefix('x'));
                let of_digits = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
                let delimiter = of_digits.map(char::from).or_else(|| named.chars().next());
                (delimiter.unwrap_or('\t'), rest)
            }
            None => ('\t', attributes),
        };
        for (key, value) in attributes.split(delimiter).filter_map(|pair| pair.split_once('=')) {
            self.add(key.trim_ascii(), value.trim_ascii().to_owned());
        }
    }

    /// Adds words with values, which may be in quotes. Other words are left out.
    fn add_words(&mut self, line: &str) {
        let mut rest = line;
        loop {
            // The priority of syslog is right in front of the first key.
            rest = rest.trim_start_matches(|sign: char| sign.is_ascii_whitespace() || sign == ',');
            if let Some(priority) = rest.strip_prefix('<') {
                let behind = priority.trim_start_matches(|sign: char| sign.is_ascii_digit());
                rest = behind.strip_prefix('>').unwrap_or(rest);
            }
            if rest.is_empty() {
                return;
            }
            let n_key = rest.bytes().take_while(|byte| is_of_key(*byte)).count();
            let (key, behind) = rest.split_at_checked(n_key).unwrap_or_default();
            let Some(value) = behind.strip_prefix('=').filter(|_| !key.is_empty()) else {
                let end = rest.find(|sign: char| sign.is_ascii_whitespace()).unwrap_or(rest.len());
                rest = rest.get(end..).unwrap_or_default();
                continue;
            };
            if let Some((value, behind)) = quoted(value) {
                self.add(key, value);
                rest = behind;
                continue;
            }
            let end = value.find(|sign: char| sign.is_ascii_whitespace()).unwrap_or(value.len());
            let (value, behind) = value.split_at_checked(end).unwrap_or_default();
            self.add(key, value.trim_end_matches(',').to_owned());
            rest = behind;
        }
    }

    /// Takes away a `method` that is not one of HTTP: `FortiGate` names by it how a URL was rated (`domain`, `ip`).
    /// What the request was is in `httpmethod`, or in `rawdata` as `Method=GET|User-Agent=x`.
    fn read_rating(&mut self) {
        let is_rating = |method: &str| {
            method.bytes().any(|byte| byte.is_ascii_lowercase())
                && !METHODS.iter().any(|known| known.eq_ignore_ascii_case(method))
        };
        if self.get("method").is_none_or(|method| !is_rating(method)) {
            return;
        }
        self.0.retain(|(key, _)| key != "method");
        let raw = self.get("rawdata").map(str::to_owned).unwrap_or_default();
        for (key, value) in raw.split('|').filter_map(|pair| pair.split_once('=')) {
            let (key, known) = match key {
                "Method" => ("method", "httpmethod"),
                "User-Agent" => ("agent", "agent"),
                _ => continue,
            };
            if self.get(known).is_none() {
                self.add(key, value.to_owned());
            }
        }
    }

    /// Cuts port and interface from addresses that `SonicWall` writes as `10.0.0.1:1234:X0`.
    fn cut_ports(&mut self) {
        for (_, value) in self.0.iter_mut().filter(|(key, _)| matches!(key.as_str(), "src" | "dst"))
        {
            if let Some((address, _)) = value.split_once(':')
                && address.parse::<Ipv4Addr>().is_ok()
            {
                *value = address.to_owned();
            }
        }
    }

    /// Joins day, time of day and zone, as `FortiGate` writes them, to a time.
    fn join_time(&mut self) {
        let (Some(date), Some(time)) = (self.get("date"), self.get("time")) else { return };
        let is_zone = |zone: &&str| zone.starts_with(['+', '-']) && zone.len() == 5;
        let zone = self.get("tz").filter(is_zone).unwrap_or_default();
        let joined = format!("{date}T{time}{zone}");
        self.0.retain(|(key, _)| !matches!(key.as_str(), "date" | "time"));
        self.add("datetime", joined);
    }
}

/// Returns what is behind so many fields of a header that ends each with `|`, with or without text of syslog in
/// front of it; `\|` is a sign of a field.
fn behind_fields<'l>(line: &'l str, start: &str, n_fields: usize) -> Option<&'l str> {
    let (before, header) = line.split_once(start)?;
    // FortiGate has a blank in front of the version.
    let header = header.strip_prefix(' ').unwrap_or(header);
    if !header.starts_with(|first: char| first.is_ascii_digit()) || before.contains('|') {
        return None;
    }
    let mut n_ended = 0;
    let mut is_escaped = false;
    for (at, byte) in header.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'|' => {
                n_ended += 1;
                if n_ended == n_fields {
                    return header.get(at + 1..);
                }
            }
            _ => {}
        }
    }
    None
}

/// Returns the next key of an extension of CEF and where it begins: at its start or behind a blank, in front of a
/// `=` that no backslash escapes.
fn next_key(extension: &str, from: usize) -> Option<(&str, usize)> {
    let bytes = extension.as_bytes();
    let signs = bytes.iter().enumerate().skip(from).filter(|(_, byte)| **byte == b'=');
    let mut keys = signs.filter_map(|(at, _)| {
        let before = bytes.get(from..at)?;
        let n_key = before.iter().rev().take_while(|byte| is_of_key(**byte)).count();
        let start = at - n_key;
        let is_first = start == 0 || bytes.get(start - 1) == Some(&b' ');
        let key = extension.get(start..at).filter(|key| is_first && !key.is_empty())?;
        Some((key, start))
    });
    keys.next()
}

fn is_of_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.@".contains(&byte)
}

/// Returns a value without the escapes of CEF, and without blanks around it.
fn without_escapes(value: &str) -> String {
    let mut text = String::new();
    let mut signs = value.trim_ascii().chars();
    while let Some(sign) = signs.next() {
        match (sign, sign == '\\') {
            (_, true) => match signs.next() {
                Some('n' | 'r') => text.push('\n'),
                Some(escaped @ ('=' | '\\' | '|')) => text.push(escaped),
                Some(other) => text.extend(['\\', other]),
                None => text.push('\\'),
            },
            (sign, false) => text.push(sign),
        }
    }
    text
}

/// Returns a value in quotes and what is behind it; a backslash escapes a quote. `None` if it is not in quotes, or
/// does not end.
fn quoted(text: &str) -> Option<(String, &str)> {
    let inside = text.strip_prefix('"')?;
    let mut value = String::new();
    let mut signs = inside.char_indices();
    while let Some((at, sign)) = signs.next() {
        match sign {
            '"' => return Some((value, inside.get(at + 1..)?)),
            '\\' => match signs.next() {
                Some((_, escaped @ ('"' | '\\'))) => value.push(escaped),
                Some((_, other)) => value.extend(['\\', other]),
                None => return None,
            },
            _ => value.push(sign),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::{Entry, FieldMap, Layout, LogReader};

    /// The method, URL, agent, source and bytes of the request of a line, which is all of its log.
    fn request(line: &str) -> Option<String> {
        let layout = Layout::detect(line.as_bytes())?;
        let mut reader = LogReader::new(layout, &FieldMap::default());
        let mut found = None;
        reader.read(line.as_bytes(), &mut |_, entry| {
            if let Ok(Entry::Request(logged)) = entry {
                let of = &logged.line;
                found = Some(format!(
                    "{} {}://{}{} {} {} {:?} {:?}",
                    of.method,
                    of.scheme,
                    of.authority,
                    of.path.as_deref().unwrap_or_default(),
                    of.user_agent.as_deref().unwrap_or("-"),
                    of.source_address.as_deref().unwrap_or("-"),
                    of.request_bytes,
                    logged.time.and_then(crate::json::Time::milliseconds),
                ));
            }
        });
        found
    }

    #[test]
    fn lines_of_keys_with_values_become_requests() {
        for (line, expect) in [
            (
                r#"<189>date=2026-11-20 time=09:00:00 tz="+0100" devname="fw" type="utm" subtype="webfilter" srcip=10.0.1.7 srcport=4444 hostname="a.example" httpmethod="POST" agent="curl/8.5 (x)" sentbyte=100 rcvdbyte=10 url="https://a.example/b?c=d%20e""#,
                "POST https://a.example/b?c=d%20e curl/8.5 (x) 10.0.1.7 Some(100) Some(1795161600000)",
            ),
            (
                r#"date=2026-11-20 time=08:00:00 type=utm srcip=10.0.1.7 hostname="a.example" url="/b" service="HTTPS""#,
                "GET http://a.example/b - 10.0.1.7 None Some(1795161600000)",
            ),
            (
                r#"date=2026-11-20 time=08:00:00 subtype=webfilter srcip=10.0.1.7 hostname="a.example" url="/b" method="domain" httpmethod="POST""#,
                "POST http://a.example/b - 10.0.1.7 None Some(1795161600000)",
            ),
            (
                r#"date=2026-11-20 time=08:00:00 subtype=webfilter srcip=10.0.1.7 hostname="a.example" url="/b" method="ip" rawdata="Method=PUT|User-Agent=curl/8.5""#,
                "PUT http://a.example/b curl/8.5 10.0.1.7 None Some(1795161600000)",
            ),
            (
                r"<134>Nov 20 08:00:00 fw CEF:0|A \| B|C|1|x|A name|3|act=permitted request=https://a.example/b\=c?d=e requestMethod=PUT src=10.0.1.7 requestClientApplication=Mozilla/5.0 (X11; a) in=1 out=7 rt=1795161600000",
                "PUT https://a.example/b=c?d=e Mozilla/5.0 (X11; a) 10.0.1.7 Some(7) Some(1795161600000)",
            ),
            (
                "<13>Nov 20 08:00:00 nss LEEF:1.0|A|B|4.1|200|cat=x\tsrc=10.0.1.7\tmethod=GET\turl=https://a.example/b%20c\tuserAgent=x y",
                "GET https://a.example/b%20c x y 10.0.1.7 None None",
            ),
            (
                "LEEF:2.0|A|B|1|2|x5E|src=10.0.1.7^url=https://a.example/^method=POST^srcBytes=9",
                "POST https://a.example/ - 10.0.1.7 Some(9) None",
            ),
            (
                r#"time=2026-11-20T08:00:00Z level=info method=GET host=a.example path=/b remote_addr=10.0.1.7 user_agent="a \"b\"""#,
                "GET http://a.example/b a \"b\" 10.0.1.7 None Some(1795161600000)",
            ),
            (
                r#"id=firewall time="2026-11-20 08:00:00" src=10.0.1.7 op="POST" dstname=a.example arg=/b?c=d"#,
                "POST http://a.example/b?c=d - 10.0.1.7 None Some(1795161600000)",
            ),
            (
                r#"id=firewall time="2026-11-20 08:00:00" src=10.0.1.7:4444:X0 dst=10.0.2.1:80:X1 op="GET" dstname=a.example arg=/b"#,
                "GET http://a.example/b - 10.0.1.7 None Some(1795161600000)",
            ),
            (
                "Nov 20 08:00:00 fw CEF: 0|A|B|6|1|x y|4|src=10.0.1.7 dhost=a.example request=/b requestMethod=PUT",
                "PUT http://a.example/b - 10.0.1.7 None None",
            ),
        ] {
            assert_eq!(request(line).as_deref(), Some(expect), "{line}");
        }
    }

    #[test]
    fn other_lines_with_equal_signs_are_no_requests() {
        for line in [
            r#"level=info msg="fetched" url=https://a.example/ took=3ms"#,
            "type=traffic srcip=10.0.1.7 dstip=10.0.1.8 dstport=443 action=accept",
            "CEF:0|A|B|1|x|n|3|src=10.0.1.7 dst=10.0.1.8 dpt=443 act=permitted",
            "see https://a.example/?url=https://b.example&src=1&method=GET&host=c",
            "a sentence with a=b and c=d",
            "CEF:0|A|B",
        ] {
            assert_eq!(request(line), None, "{line}");
        }
    }

    #[test]
    fn what_a_client_writes_into_a_value_is_no_pair() {
        let line = r#"srcip=10.0.1.7 hostname="a.example" url="/x" agent="b\" hostname=\"c.example" httpmethod=GET hostname="d.example""#;
        assert_eq!(
            request(line).as_deref(),
            Some("GET http://a.example/x b\" hostname=\"c.example 10.0.1.7 None None")
        );
    }
}
