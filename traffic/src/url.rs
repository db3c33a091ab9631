//! The parts of a URL, as they are written: nothing is normalised, as the gateway's rules see it.
//!
//! A crate for URLs would do what a browser does: lower-case, decode and encode, resolve `..`. A rule
//! that looks for what a client sent has to be tried on just that.

/// The parts of an absolute URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Url<'u> {
    /// The scheme, without `://`.
    pub scheme: &'u str,
    /// User name and password, without `@`.
    pub userinfo: Option<&'u str>,
    /// Host and perhaps port.
    pub host: &'u str,
    /// Path and query; may be empty or begin with `?`.
    pub path: &'u str,
    /// What follows `#`. It is not sent.
    pub fragment: Option<&'u str>,
}

/// Why a text is not an absolute URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlError {
    /// It has no scheme.
    NoScheme,
    /// It has no host.
    NoHost,
    /// It contains white space or a control character: which, and at which byte.
    White(char, usize),
    /// The text behind the host's colon is not a port.
    Port,
}

impl Url<'_> {
    /// Parses an absolute URL.
    pub fn parse(url: &str) -> Result<Url<'_>, UrlError> {
        let white = url.char_indices().find(|(_, char)| char.is_whitespace() || char.is_control());
        if let Some((at, char)) = white {
            return Err(UrlError::White(char, at));
        }
        let (scheme, rest) = url.split_once("://").ok_or(UrlError::NoScheme)?;
        let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        if !scheme.starts_with(|char: char| char.is_ascii_alphabetic())
            || !scheme.bytes().all(is_scheme)
        {
            return Err(UrlError::NoScheme);
        }
        let (rest, fragment) = match rest.split_once('#') {
            Some((rest, fragment)) => (rest, Some(fragment)),
            None => (rest, None),
        };
        let (authority, path) = rest
            .split_at_checked(rest.find(['/', '?']).unwrap_or(rest.len()))
            .unwrap_or((rest, ""));
        let (userinfo, host) = match authority.rsplit_once('@') {
            Some((userinfo, host)) => (Some(userinfo), host),
            None => (None, authority),
        };
        if host.is_empty() || host.starts_with(':') {
            return Err(UrlError::NoHost);
        }
        if !port_of(host).is_none_or(|port| port.is_empty() || is_port(port)) {
            return Err(UrlError::Port);
        }
        Ok(Url { scheme, userinfo, host, path, fragment })
    }

    /// Returns path and query as they are sent: never empty.
    pub fn request_path(&self) -> Vec<u8> {
        let slash = if self.path.starts_with('/') { "" } else { "/" };
        [slash, self.path].concat().into_bytes()
    }
}

impl UrlError {
    /// Returns what is wrong with `url`.
    pub fn message(self, url: &str) -> String {
        let url = url.escape_debug();
        match self {
            UrlError::NoScheme => format!("`{url}` has no scheme"),
            UrlError::NoHost => format!("`{url}` has no host"),
            UrlError::White(char, _) => {
                format!("`{url}` holds `{}`, which stands in no URL", char.escape_debug())
            }
            UrlError::Port => format!("`{url}` has a port that is no number from 0 to 65535"),
        }
    }

    /// Returns what to do about it.
    pub fn help(self) -> &'static str {
        match self {
            UrlError::NoScheme => "write the URL with scheme and host, as `https://host/path`",
            UrlError::NoHost | UrlError::White(..) => "write the URL as a client would send it",
            UrlError::Port => {
                "write the port in digits, or leave it out; an IPv6 address stands in brackets"
            }
        }
    }
}

/// Returns what follows the colon of an authority without userinfo; `None` where there is no colon.
fn port_of(host: &str) -> Option<&str> {
    // The colons of an address in brackets are its own.
    let behind = host.rsplit_once(']').map_or(host, |(_, behind)| behind);
    behind.split_once(':').map(|(_, port)| port)
}

/// Returns true if a text is the number of a port. 0 is one: nothing listens there, but it can be asked for.
pub fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

/// Returns the name that a TLS client asks for: the host without port, unless it is an address.
pub fn host_name(host: &str) -> Option<Vec<u8>> {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let is_address = name.starts_with('[') || name.parse::<std::net::IpAddr>().is_ok();
    // Clients send it without the dot of the root (RFC 6066, section 3).
    (!is_address).then(|| name.trim_end_matches('.').as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart_as_they_stand() {
        for (text, expect) in [
            ("https://A.example/x/../y?Q#f", ("https", None, "A.example", "/x/../y?Q", Some("f"))),
            ("http://a.example", ("http", None, "a.example", "", None)),
            ("http://a.example?q=/", ("http", None, "a.example", "?q=/", None)),
            (
                "https://u:p@x@a.example:8443/",
                ("https", Some("u:p@x"), "a.example:8443", "/", None),
            ),
            ("https://[::1]:1/", ("https", None, "[::1]:1", "/", None)),
            ("https://[::1]/", ("https", None, "[::1]", "/", None)),
            // RFC 3986, section 3.2.3: any number of digits, or none.
            ("http://a.example:/", ("http", None, "a.example:", "/", None)),
            ("http://a.example:0", ("http", None, "a.example:0", "", None)),
            ("http://a.example:65535", ("http", None, "a.example:65535", "", None)),
            ("http://a.example:000443", ("http", None, "a.example:000443", "", None)),
        ] {
            let (scheme, userinfo, host, path, fragment) = expect;
            assert_eq!(Url::parse(text), Ok(Url { scheme, userinfo, host, path, fragment }));
        }
        for (text, expect) in [
            ("a.example/x", UrlError::NoScheme),
            ("/x?y=http://a", UrlError::NoScheme),
            ("https:///x", UrlError::NoHost),
            ("https://:80/x", UrlError::NoHost),
            ("https://a b/", UrlError::White(' ', 9)),
            ("https://a.example:65536/", UrlError::Port),
            ("https://a.example:x/", UrlError::Port),
            ("https://a.example:+443/", UrlError::Port),
            ("https://a.example:80:443/", UrlError::Port),
            ("https://[::1]:-1/", UrlError::Port),
            ("https://fe80::1/", UrlError::Port),
        ] {
            assert_eq!(Url::parse(text), Err(expect), "{text}");
        }
    }
}
