//! What canonicalisation had to undo in a request, and other oddities: each with a stable name.
//!
//! Rules match the names as values of the field [`ANOMALY_FIELD`]; events list them; each has a counter.

/// The field under which rules find the anomalies of a request. It has one value for each.
///
/// A custom field in the sense of Sigma's appendix on the taxonomy: the specification has none for this.
pub const ANOMALY_FIELD: &str = "tidegate.anomaly";

macro_rules! anomalies {
    ($($name:literal $variant:ident: $meaning:literal, $example:literal;)+) => {
        /// Something about a request that ordinary clients do not do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Anomaly {
            $(#[doc = $meaning] $variant,)+
        }

        impl Anomaly {
            /// Every anomaly, in the order of the table.
            pub const ALL: &[Anomaly] = &[$(Anomaly::$variant),+];

            /// The name in rules, events and metrics. It never changes.
            pub fn as_str(self) -> &'static str {
                match self { $(Anomaly::$variant => $name,)+ }
            }

            /// What it is: one sentence without its full stop.
            pub fn meaning(self) -> &'static str {
                match self { $(Anomaly::$variant => $meaning,)+ }
            }

            /// What a request with it looks like.
            pub fn example(self) -> &'static str {
                match self { $(Anomaly::$variant => $example,)+ }
            }
        }
    };
}

anomalies! {
    "host.case" HostCase: "The host has capital letters", "API.TeLeGrAm.ORG";
    "host.userinfo" HostUserinfo: "A user name, or what looks like one, precedes the host", "good.example@api.telegram.org";
    "host.multi" HostMulti: "Several hosts, from a list or from repeated `Host` headers that the proxy joined", "good.example,api.telegram.org";
    "host.trailing_dot" HostTrailingDot: "The host ends with a dot, or several", "api.telegram.org.";
    "host.leading_dot" HostLeadingDot: "The host starts with a dot", ".api.telegram.org";
    "host.empty_label" HostEmptyLabel: "Two dots in a row inside the host", "api..telegram.org";
    "host.empty" HostEmpty: "There is no host", "(nothing)";
    "host.percent_encoded" HostPercentEncoded: "The host is percent-encoded", "api%2etelegram.org";
    "host.illegal_character" HostIllegalCharacter: "The host contains a byte that no host may have: a slash, a space, a control character", "api.telegram.org/x";
    "host.not_ascii" HostNotAscii: "The host contains bytes beyond ASCII, such as fullwidth letters or an ideographic full stop", "api\u{3002}telegram.org";
    "host.punycode_ascii" HostPunycodeAscii: "A Punycode label that means plain ASCII", "xn--api-.telegram.org";
    "host.homograph" HostHomograph: "A label beyond ASCII that looks like one in ASCII", "xn--pi-7kc.telegram.org";
    "host.too_long" HostTooLong: "The host is longer than 253 bytes, or a label longer than 63", "aaaa(...).example";
    "host.embedded_address" HostEmbeddedAddress: "A name of a service that resolves to the IP address written in it", "149.154.167.220.nip.io";
    "host.hiding_proxy" HostHidingProxy: "A proxy whose name or path names the real target", "pastebin-com.translate.goog";
    "port.nonstandard_form" PortForm: "A port that is empty, no number, too large, or has leading zeros, or two ports", "api.telegram.org:0443";
    "ip.literal" IpLiteral: "The host is an IP address", "149.154.167.220";
    "ip.nonstandard" IpNonstandard: "An IP address in another form than the usual one: decimal, octal, hexadecimal, short", "0x959aa7dc";
    "ip.embedded_v4" IpEmbeddedV4: "An IPv6 address that contains an IPv4 address", "[::ffff:149.154.167.220]";
    "ip.zone" IpZone: "An IPv6 address with a zone", "[fe80::1%25eth0]";
    "path.double_encoded" PathDoubleEncoded: "The path is percent-encoded more than once", "/%2562ot1";
    "path.encoded_letter" PathEncodedLetter: "A letter or digit in the path is percent-encoded", "/%62ot1";
    "path.encoded_backslash" PathEncodedBackslash: "A percent-encoded backslash in the path", "/bot1%5cgetMe";
    "path.encoded_query" PathEncodedQuery: "A percent-encoded question mark in the path, behind which a query may hide", "/getMe%3fa=1";
    "path.dot_segment" PathDotSegment: "A `.` or `..` segment, encoded or not", "/x/../bot1";
    "path.double_slash" PathDoubleSlash: "Slashes in a row that are not part of a URL in the path", "//bot1";
    "path.backslash" PathBackslash: "A backslash in the path", "/bot1\\getMe";
    "path.parameter" PathParameter: "A parameter behind `;` in a segment", "/bot1;x=1/getMe";
    "path.overlong" PathOverlong: "Overlong UTF-8: a character in more bytes than it takes", "/bot1%c0%afgetMe";
    "path.fullwidth" PathFullwidth: "Fullwidth forms of ASCII characters", "/%ef%bd%82ot1";
    "path.u_encoding" PathUEncoding: "A character written as `%uXXXX`", "/%u0062ot1";
    "path.invalid_encoding" PathInvalidEncoding: "A percent sign that starts no encoding", "/%zz";
    "path.nul" PathNul: "A NUL byte in the path, encoded or not", "/bot1%00.png";
    "path.not_ascii" PathNotAscii: "The path contains raw bytes beyond ASCII", "/b\u{f6}t";
    "path.too_long" PathTooLong: "The path and query are longer than 16 KiB", "/aaaa(...)";
    "query.double_encoded" QueryDoubleEncoded: "The query is percent-encoded more than once", "?a=%2562";
    "query.encoded_letter" QueryEncodedLetter: "A letter or digit in the query is percent-encoded", "?%61=1";
    "query.overlong" QueryOverlong: "Overlong UTF-8 in the query", "?a=%c0%af";
    "query.u_encoding" QueryUEncoding: "A character in the query written as `%uXXXX`", "?a=%u0062";
    "query.nul" QueryNul: "A NUL byte in the query, encoded or not", "?a=%00";
    "scheme.unusual" SchemeUnusual: "The scheme is none of http, https, ws and wss", "gopher";
    "method.unusual" MethodUnusual: "A method that no program in use sends, or one that is not in capitals", "FOO";
    "method.override" MethodOverride: "A header or parameter names another method, which servers may take in place of the request's", "X-HTTP-Method-Override: PUT";
    "sni.missing" SniMissing: "TLS without a server name", "(nothing)";
    "sni.address" SniAddress: "The server name is an IP address", "149.154.167.220";
    "sni.odd" SniOdd: "The server name is not written as a plain host name", "api.telegram.org:443";
    "sni.mismatch" SniMismatch: "The host belongs to another domain than the server name: domain fronting", "SNI cdn.example, Host api.telegram.org";
    "sni.outer" SniOuter: "The server name is the outer one of an Encrypted Client Hello; the real one is hidden", "cloudflare-ech.com";
    "connect.sni_mismatch" ConnectSniMismatch: "The server name inside a tunnel is not the name that CONNECT asked for", "CONNECT good.example, SNI api.telegram.org";
    "connect.host_mismatch" ConnectHostMismatch: "The host inside a tunnel belongs to another domain than the name that CONNECT asked for", "CONNECT good.example, Host api.telegram.org";
    "tls.absent" TlsAbsent: "Something other than TLS where TLS is expected: on port 443, or inside a tunnel", "SSH-2.0 on port 443";
}

/// A set of anomalies.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Anomalies(u64);

impl Anomalies {
    /// Adds one.
    pub fn insert(&mut self, anomaly: Anomaly) {
        self.0 |= 1 << anomaly as u8;
    }

    /// Adds one if it is there.
    pub fn insert_if(&mut self, holds: bool, anomaly: Anomaly) {
        self.0 |= u64::from(holds) << anomaly as u8;
    }

    /// Adds those of another set.
    pub fn extend(&mut self, other: Anomalies) {
        self.0 |= other.0;
    }

    /// Returns true if one is in the set.
    pub fn contains(self, anomaly: Anomaly) -> bool {
        self.0 >> anomaly as u8 & 1 == 1
    }

    /// Returns true if there are none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns true if nothing is odd about how a request is spelt. A method that it overrides is plain to see,
    /// and policies ask for what both methods do.
    pub fn is_plain(self) -> bool {
        self.0 & !(1 << Anomaly::MethodOverride as u8) == 0
    }

    /// Those in the set, in the order of the table.
    pub fn iter(self) -> impl Iterator<Item = Anomaly> {
        Anomaly::ALL.iter().copied().filter(move |anomaly| self.contains(*anomaly))
    }
}

impl FromIterator<Anomaly> for Anomalies {
    fn from_iter<I: IntoIterator<Item = Anomaly>>(anomalies: I) -> Self {
        let mut set = Anomalies::default();
        anomalies.into_iter().for_each(|anomaly| set.insert(anomaly));
        set
    }
}

impl std::fmt::Debug for Anomalies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter().map(Anomaly::as_str)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_anomaly_fits_the_set_and_has_a_name_of_its_own() {
        assert!(Anomaly::ALL.len() <= 64);
        let mut names: Vec<_> = Anomaly::ALL.iter().map(|anomaly| anomaly.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Anomaly::ALL.len());
    }

    #[test]
    fn a_set_gives_back_what_was_put_in() {
        let set: Anomalies = [Anomaly::TlsAbsent, Anomaly::HostCase].into_iter().collect();
        assert!(set.contains(Anomaly::TlsAbsent) && !set.contains(Anomaly::SniOdd));
        assert_eq!(format!("{set:?}"), r#"{"host.case", "tls.absent"}"#);
    }
}
