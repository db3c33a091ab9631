//! A URL as curl reads and changes it before it sends it (libcurl's `urlapi.c`).

use std::net::Ipv4Addr;

use crate::url::is_port;

/// Where curl connects to, and what it asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub scheme: &'static str,
    /// The host without userinfo, and the port unless it is that of the scheme: the `Host` header.
    pub host: String,
    pub path: String,
    pub query: Option<String>,
}

/// Why curl does not send a request for a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoTarget {
    /// It contains a blank or a control character.
    White(char),
    /// It is for another protocol.
    Scheme(String),
    /// It has no host.
    Host,
    /// Its port is not a number up to 65535.
    Port,
}

/// How a command has its URLs read.
#[derive(Clone, Debug, Default)]
pub(super) struct Reading {
    /// The scheme of URLs without one (`--proto-default`).
    pub default_scheme: Option<String>,
    /// Whether `..` stays (`--path-as-is`).
    pub keeps_dots: bool,
}

impl Target {
    pub(super) fn parse(text: &str, reading: &Reading) -> Result<Target, NoTarget> {
        if let Some(white) = text.chars().find(|char| *char <= ' ' || *char == '\u{7f}') {
            return Err(NoTarget::White(white));
        }
        let (scheme, rest) = match split_scheme(text) {
            (Some(scheme), rest) => (scheme.to_ascii_lowercase(), rest),
            (None, rest) => {
                let guess = || guessed_scheme(rest).to_owned();
                (
                    reading.default_scheme.as_deref().map_or_else(guess, str::to_ascii_lowercase),
                    rest,
                )
            }
        };
        let (scheme, default_port) = match scheme.as_str() {
            "http" => ("http", "80"),
            "https" => ("https", "443"),
            "ws" => ("http", "80"),
            "wss" => ("https", "443"),
            _ => return Err(NoTarget::Scheme(scheme)),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
        let host = authority.split_once('@').map_or(authority, |(_, host)| host);
        let host = host_header(host, default_port)?;
        let (path, query) = match behind.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (behind, None),
        };
        let path = if path.is_empty() { "/" } else { path };
        let path = if reading.keeps_dots { path.to_owned() } else { without_dots(path) };
        Ok(Target { scheme, host, path: escape_non_ascii(&path), query })
    }

    /// Adds to the query, as `-G` and `--url-query` do.
    pub(super) fn append(&mut self, part: &str) {
        if part.is_empty() {
            return;
        }
        let query = self.query.get_or_insert_default();
        if !query.is_empty() && !query.ends_with('&') {
            query.push('&');
        }
        query.push_str(&lower_escapes(part));
    }

    /// Adds the name of a file that is sent to a path that ends in a slash.
    pub(super) fn add_file_name(&mut self, file: &str) {
        if self.path.ends_with('/') {
            let name = file.rsplit(['/', '\\']).next().unwrap_or_default();
            self.path =
                lower_escapes(&(std::mem::take(&mut self.path) + &escape(name, Escapes::Upper)));
        }
    }

    /// Returns path and query as they are sent.
    pub(super) fn path_and_query(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }
}

/// Splits off the scheme, which one to three slashes follow.
fn split_scheme(text: &str) -> (Option<&str>, &str) {
    let Some((scheme, rest)) = text.split_once(":/") else { return (None, text) };
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    if !is_scheme {
        return (None, text);
    }
    let rest = rest.strip_prefix('/').unwrap_or(rest);
    (Some(scheme), rest.strip_prefix('/').unwrap_or(rest))
}

/// Returns the scheme that curl guesses by the name of the host.
fn guessed_scheme(rest: &str) -> &str {
    let known = ["ftp", "dict", "ldap", "imap", "smtp", "pop3"];
    let label = rest.split('.').next().unwrap_or_default();
    let is_known = |known: &&str| known.eq_ignore_ascii_case(label) && rest.len() > label.len();
    known.into_iter().find(is_known).unwrap_or("http")
}

fn host_header(host: &str, default_port: &str) -> Result<String, NoTarget> {
    let bracket = host.starts_with('[').then(|| host.find(']')).flatten().map(|at| at + 1);
    let colon = bracket
        .map_or_else(|| host.find(':'), |at| host.get(at..)?.find(':').map(|more| at + more));
    let (name, port) = match colon.and_then(|at| host.split_at_checked(at)) {
        Some((name, port)) => (name, port.trim_start_matches(':')),
        None => (host, ""),
    };
    if name.is_empty() {
        return Err(NoTarget::Host);
    }
    if !port.is_empty() && !is_port(port) {
        return Err(NoTarget::Port);
    }
    let name = match bracket {
        Some(_) => name.to_owned(),
        None => {
            let decoded = percent_encoding::percent_decode_str(name).decode_utf8_lossy();
            if decoded.contains(|char: char| char <= ' ' || "/?#@:[]\\<>^`{|}\"".contains(char)) {
                return Err(NoTarget::Host);
            }
            match v4(&decoded) {
                Some(address) => address.to_string(),
                None => inspect::ascii_name(&decoded),
            }
        }
    };
    let number = port.trim_start_matches('0');
    let port = if number.is_empty() && !port.is_empty() { "0" } else { number };
    let is_default = port.is_empty() || port == default_port;
    Ok(if is_default { name } else { format!("{name}:{port}") })
}

/// Reads an address as `inet_aton` does: up to four numbers, decimal, octal or hexadecimal, of which the last
/// has the bits that are left.
fn v4(host: &str) -> Option<Ipv4Addr> {
    let number = |text: &str| {
        let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            Some(digits) => (digits, 16),
            None if text.len() > 1 && text.starts_with('0') => (text, 8),
            None => (text, 10),
        };
        let is_number = !digits.is_empty() && !digits.starts_with('+');
        is_number.then(|| u64::from_str_radix(digits, radix).ok()).flatten()
    };
    let numbers = host.split('.').map(number).collect::<Option<Vec<_>>>()?;
    let (last, first) = numbers.split_last()?;
    if first.len() > 3 || first.iter().any(|number| *number > 255) {
        return None;
    }
    let n_bits_left = 32 - 8 * first.len();
    if *last >> n_bits_left != 0 {
        return None;
    }
    let high = first.iter().fold(0_u64, |bits, number| bits << 8 | number) << n_bits_left;
    u32::try_from(high | last).ok().map(Ipv4Addr::from_bits)
}

/// Removes `.` and `..` from a path, as RFC 3986, section 5.2.4, says.
pub(crate) fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if is_last {
                    kept.push("");
                }
            }
            segment => kept.push(segment),
        }
    }
    format!("/{}", kept.join("/"))
}

/// Returns true if a value of `--proto` allows a scheme: `=https`, `-all,https`, `-http`.
pub(super) fn allows(list: &str, scheme: &str) -> bool {
    let mut is_allowed = true;
    for item in list.split(',') {
        let (sign, name) = match item.chars().next() {
            Some(sign @ ('+' | '-' | '=')) => (sign, item.get(1..).unwrap_or_default()),
            _ => ('+', item),
        };
        let is_named = name == scheme || name == "all";
        is_allowed = match sign {
            '=' => is_named,
            '-' => is_allowed && !is_named,
            _ => is_allowed || is_named,
        };
    }
    is_allowed
}

/// How bytes are written in percent-encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Escapes {
    Upper,
    /// Blanks are `+`.
    Form,
}

/// Percent-encodes all but unreserved characters, as `curl_easy_escape` does.
pub(super) fn escape(text: &str, escapes: Escapes) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b' ' if escapes == Escapes::Form => out.push('+'),
            byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                out.push(byte.into());
            }
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn escape_non_ascii(text: &str) -> String {
    let mut out = String::new();
    for char in text.chars() {
        if char.is_ascii() {
            out.push(char);
            continue;
        }
        let mut buffer = [0; 4];
        for byte in char.encode_utf8(&mut buffer).bytes() {
            out.push_str(&format!("%{byte:02x}"));
        }
    }
    out
}

/// Writes the digits of escapes in lower case, as libcurl does with parts that are set.
fn lower_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut n_digits = 0;
    for (at, char) in text.char_indices() {
        let is_escape = |at: usize| {
            let digits = text.as_bytes().get(at + 1..at + 3);
            digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
        };
        if n_digits > 0 {
            n_digits -= 1;
            out.push(char.to_ascii_lowercase());
        } else {
            n_digits = if char == '%' && is_escape(at) { 2 } else { 0 };
            out.push(char);
        }
    }
    out
}
