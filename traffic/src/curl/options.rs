//! curl's options: which take a value, and which change the request that is sent.

/// What an option does to the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing that a rule sees.
    None,
    /// Names a URL.
    Url,
    /// Names the method.
    Method,
    /// Asks for HEAD.
    Head,
    /// Sends a file, which names the last part of a path that ends in a slash.
    Upload,
    /// Sends a form, of which no rule sees anything.
    Form,
    /// Whether TLS offers versions: without it servers take HTTP/1.1.
    Alpn,
    /// Asks for a version of HTTP.
    Version(&'static str),
    /// Names the user agent.
    UserAgent,
    /// Names the referrer.
    Referrer,
    /// Names another host to connect to (`--connect-to`).
    ConnectTo,
    /// Gives cookies, or the name of a file.
    Cookie,
    /// Gives a header.
    Header,
    /// Gives data, which `-G` moves into the query.
    Data(Data),
    /// `-G`.
    DataToQuery,
    /// Adds to the query.
    Query,
    /// Replaces path and query.
    RequestTarget,
    /// `--path-as-is`.
    KeepsDots,
    /// `--globoff`.
    NoPatterns,
    /// The scheme of URLs without one.
    DefaultScheme,
    /// Lists the schemes that are allowed.
    Schemes,
    /// Begins another request with options of its own.
    Next,
    /// Adds requests, or changes this one, by what is not in the command: it is refused.
    NotRead,
    /// Sends requests besides, which are not listed.
    Besides,
}

/// How data is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Data {
    /// As it is, or `@` and a file.
    Plain,
    /// As it is.
    Raw,
    /// JSON, which is put together without `&`.
    Json,
    /// As `name=content`, of which the content is encoded.
    Encoded,
}

/// What is known about an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// It takes no value.
    Flag(Effect),
    /// It takes a value.
    Value(Effect),
    /// It is not in the tables.
    Unknown,
}

/// Short options with their long names.
const SHORT: &[(char, &str)] = &[
    ('#', "progress-bar"),
    (':', "next"),
    ('0', "http1.0"),
    ('1', "tlsv1"),
    ('2', "sslv2"),
    ('3', "sslv3"),
    ('4', "ipv4"),
    ('6', "ipv6"),
    ('a', "append"),
    ('A', "user-agent"),
    ('b', "cookie"),
    ('B', "use-ascii"),
    ('c', "cookie-jar"),
    ('C', "continue-at"),
    ('d', "data"),
    ('D', "dump-header"),
    ('e', "referer"),
    ('E', "cert"),
    ('f', "fail"),
    ('F', "form"),
    ('g', "globoff"),
    ('G', "get"),
    ('h', "help"),
    ('H', "header"),
    ('i', "show-headers"),
    ('I', "head"),
    ('j', "junk-session-cookies"),
    ('J', "remote-header-name"),
    ('k', "insecure"),
    ('K', "config"),
    ('l', "list-only"),
    ('L', "location"),
    ('m', "max-time"),
    ('M', "manual"),
    ('n', "netrc"),
    ('N', "buffer"),
    ('o', "output"),
    ('O', "remote-name"),
    ('p', "proxytunnel"),
    ('P', "ftp-port"),
    ('q', "disable"),
    ('Q', "quote"),
    ('r', "range"),
    ('R', "remote-time"),
    ('s', "silent"),
    ('S', "show-error"),
    ('t', "telnet-option"),
    ('T', "upload-file"),
    ('u', "user"),
    ('U', "proxy-user"),
    ('v', "verbose"),
    ('V', "version"),
    ('w', "write-out"),
    ('x', "proxy"),
    ('X', "request"),
    ('y', "speed-time"),
    ('Y', "speed-limit"),
    ('z', "time-cond"),
    ('Z', "parallel"),
];

/// Options that change the request, and whether they take a value.
const WITH_EFFECT: &[(&str, Known)] = &[
    ("config", Known::Value(Effect::NotRead)),
    ("connect-to", Known::Value(Effect::ConnectTo)),
    ("cookie", Known::Value(Effect::Cookie)),
    ("data", Known::Value(Effect::Data(Data::Plain))),
    ("data-ascii", Known::Value(Effect::Data(Data::Plain))),
    ("data-binary", Known::Value(Effect::Data(Data::Plain))),
    ("data-raw", Known::Value(Effect::Data(Data::Raw))),
    ("data-urlencode", Known::Value(Effect::Data(Data::Encoded))),
    ("doh-url", Known::Value(Effect::Besides)),
    ("form", Known::Value(Effect::Form)),
    ("form-string", Known::Value(Effect::Form)),
    ("get", Known::Flag(Effect::DataToQuery)),
    ("globoff", Known::Flag(Effect::NoPatterns)),
    ("head", Known::Flag(Effect::Head)),
    ("header", Known::Value(Effect::Header)),
    ("http0.9", Known::Flag(Effect::None)),
    ("alpn", Known::Flag(Effect::Alpn)),
    ("http1.0", Known::Flag(Effect::Version("HTTP/1.0"))),
    ("http1.1", Known::Flag(Effect::Version("HTTP/1.1"))),
    ("http2", Known::Flag(Effect::Version("HTTP/2"))),
    ("http2-prior-knowledge", Known::Flag(Effect::Version("HTTP/2 at once"))),
    ("http3", Known::Flag(Effect::Version("HTTP/3"))),
    ("http3-only", Known::Flag(Effect::Version("HTTP/3"))),
    ("ipfs-gateway", Known::Value(Effect::NotRead)),
    ("json", Known::Value(Effect::Data(Data::Json))),
    ("next", Known::Flag(Effect::Next)),
    ("path-as-is", Known::Flag(Effect::KeepsDots)),
    ("proto", Known::Value(Effect::Schemes)),
    ("proto-default", Known::Value(Effect::DefaultScheme)),
    ("referer", Known::Value(Effect::Referrer)),
    ("request", Known::Value(Effect::Method)),
    ("request-target", Known::Value(Effect::RequestTarget)),
    ("upload-file", Known::Value(Effect::Upload)),
    ("url", Known::Value(Effect::Url)),
    ("url-query", Known::Value(Effect::Query)),
    ("user-agent", Known::Value(Effect::UserAgent)),
    ("variable", Known::Value(Effect::NotRead)),
];

/// Other options that take a value (`curl --help all`, 8.17).
const WITH_VALUE: &[&str] = &[
    "abstract-unix-socket",
    "alt-svc",
    "aws-sigv4",
    "cacert",
    "capath",
    "cert",
    "cert-type",
    "ciphers",
    "connect-timeout",
    "continue-at",
    "cookie-jar",
    "create-file-mode",
    "crlfile",
    "curves",
    "delegation",
    "dns-interface",
    "dns-ipv4-addr",
    "dns-ipv6-addr",
    "dns-servers",
    "dump-header",
    "ech",
    "egd-file",
    "engine",
    "etag-compare",
    "etag-save",
    "expect100-timeout",
    "ftp-account",
    "ftp-alternative-to-user",
    "ftp-method",
    "ftp-port",
    "ftp-ssl-ccc-mode",
    "happy-eyeballs-timeout-ms",
    "haproxy-clientip",
    "help",
    "hostpubmd5",
    "hostpubsha256",
    "hsts",
    "interface",
    "ip-tos",
    "keepalive-cnt",
    "keepalive-time",
    "key",
    "key-type",
    "krb",
    "libcurl",
    "limit-rate",
    "local-port",
    "login-options",
    "mail-auth",
    "mail-from",
    "mail-rcpt",
    "max-filesize",
    "max-redirs",
    "max-time",
    "netrc-file",
    "noproxy",
    "oauth2-bearer",
    "output",
    "output-dir",
    "parallel-max",
    "parallel-max-host",
    "pass",
    "pinnedpubkey",
    "preproxy",
    "proto-redir",
    "proxy",
    "proxy-cacert",
    "proxy-capath",
    "proxy-cert",
    "proxy-cert-type",
    "proxy-ciphers",
    "proxy-crlfile",
    "proxy-header",
    "proxy-key",
    "proxy-key-type",
    "proxy-pass",
    "proxy-pinnedpubkey",
    "proxy-service-name",
    "proxy-tls13-ciphers",
    "proxy-tlsauthtype",
    "proxy-tlspassword",
    "proxy-tlsuser",
    "proxy-user",
    "proxy1.0",
    "pubkey",
    "quote",
    "random-file",
    "range",
    "rate",
    "resolve",
    "retry",
    "retry-delay",
    "retry-max-time",
    "sasl-authzid",
    "service-name",
    "sigalgs",
    "socks4",
    "socks4a",
    "socks5",
    "socks5-gssapi-service",
    "socks5-hostname",
    "speed-limit",
    "speed-time",
    "stderr",
    "telnet-option",
    "tftp-blksize",
    "time-cond",
    "tls-max",
    "tls13-ciphers",
    "tlsauthtype",
    "tlspassword",
    "tlsuser",
    "trace",
    "trace-ascii",
    "trace-config",
    "unix-socket",
    "upload-flags",
    "user",
    "vlan-priority",
    "write-out",
];

/// Other options that take none; each also with `no-` in front.
const WITHOUT_VALUE: &[&str] = &[
    "anyauth",
    "append",
    "basic",
    "ca-native",
    "cert-status",
    "compressed",
    "compressed-ssh",
    "create-dirs",
    "crlf",
    "digest",
    "disable",
    "disable-eprt",
    "disable-epsv",
    "disallow-username-in-url",
    "doh-cert-status",
    "doh-insecure",
    "fail",
    "fail-early",
    "fail-with-body",
    "false-start",
    "form-escape",
    "ftp-create-dirs",
    "ftp-pasv",
    "ftp-pret",
    "ftp-skip-pasv-ip",
    "ftp-ssl-ccc",
    "ftp-ssl-control",
    "haproxy-protocol",
    "ignore-content-length",
    "include",
    "insecure",
    "ipv4",
    "ipv6",
    "junk-session-cookies",
    "list-only",
    "location",
    "location-trusted",
    "mail-rcpt-allowfails",
    "manual",
    "metalink",
    "mptcp",
    "negotiate",
    "netrc",
    "netrc-optional",
    "buffer",
    "clobber",
    "keepalive",
    "npn",
    "out-null",
    "progress-meter",
    "sessionid",
    "ntlm",
    "ntlm-wb",
    "parallel",
    "parallel-immediate",
    "post301",
    "post302",
    "post303",
    "progress-bar",
    "proxy-anyauth",
    "proxy-basic",
    "proxy-ca-native",
    "proxy-digest",
    "proxy-http2",
    "proxy-insecure",
    "proxy-negotiate",
    "proxy-ntlm",
    "proxy-ssl-allow-beast",
    "proxy-ssl-auto-client-cert",
    "proxy-tlsv1",
    "proxytunnel",
    "raw",
    "remote-header-name",
    "remote-name",
    "remote-name-all",
    "remote-time",
    "remove-on-error",
    "retry-all-errors",
    "retry-connrefused",
    "sasl-ir",
    "show-error",
    "show-headers",
    "silent",
    "skip-existing",
    "socks5-basic",
    "socks5-gssapi",
    "socks5-gssapi-nec",
    "ssl",
    "ssl-allow-beast",
    "ssl-auto-client-cert",
    "ssl-no-revoke",
    "ssl-reqd",
    "ssl-revoke-best-effort",
    "ssl-sessions",
    "sslv2",
    "sslv3",
    "styled-output",
    "suppress-connect-headers",
    "tcp-fastopen",
    "tcp-nodelay",
    "tftp-no-options",
    "tls-earlydata",
    "tlsv1",
    "tlsv1.0",
    "tlsv1.1",
    "tlsv1.2",
    "tlsv1.3",
    "tr-encoding",
    "trace-ids",
    "trace-time",
    "use-ascii",
    "verbose",
    "version",
    "xattr",
];

/// What is known about `--name`, and false for `--no-name`. A name may be cut as long as it is the only one
/// that begins so.
pub(super) fn long(name: &str) -> (Known, bool) {
    if name.starts_with("expand-") {
        return (Known::Value(Effect::NotRead), true);
    }
    let exact = exact(name);
    if exact.0 != Known::Unknown {
        return exact;
    }
    let mut longer = names().filter(|known| known.starts_with(name));
    match (longer.next(), longer.next()) {
        (Some(only), None) => self::exact(only),
        _ => (Known::Unknown, true),
    }
}

fn names() -> impl Iterator<Item = &'static str> {
    let with_effect = WITH_EFFECT.iter().map(|(name, _)| *name);
    with_effect.chain(WITH_VALUE.iter().chain(WITHOUT_VALUE).copied())
}

fn exact(name: &str) -> (Known, bool) {
    let effect = |name: &str| WITH_EFFECT.iter().find(|(option, _)| *option == name);
    if let Some((_, known)) = effect(name) {
        return (*known, true);
    }
    if WITH_VALUE.contains(&name) {
        return (Known::Value(Effect::None), true);
    }
    if WITHOUT_VALUE.contains(&name) {
        return (Known::Flag(Effect::None), true);
    }
    let Some(positive) = name.strip_prefix("no-") else { return (Known::Unknown, true) };
    match effect(positive) {
        Some((_, known @ Known::Flag(_))) => (*known, false),
        _ if WITHOUT_VALUE.contains(&positive) => (Known::Flag(Effect::None), false),
        _ => (Known::Unknown, true),
    }
}

/// What is known about `-letter`.
pub(super) fn short(letter: char) -> Known {
    let known = SHORT.iter().find(|(short, _)| *short == letter);
    known.map_or(Known::Unknown, |(_, name)| exact(name).0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_short_option_has_a_known_long_name() {
        for (letter, name) in SHORT {
            assert_ne!(exact(name).0, Known::Unknown, "{letter} {name}");
        }
    }

    #[test]
    fn an_option_stands_in_one_table() {
        for name in WITH_VALUE {
            assert!(!WITHOUT_VALUE.contains(name), "{name}");
        }
        for (name, _) in WITH_EFFECT {
            assert!(!WITH_VALUE.contains(name) && !WITHOUT_VALUE.contains(name), "{name}");
        }
    }
}
