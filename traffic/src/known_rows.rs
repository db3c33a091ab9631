//! Rows of CSV without a header, as vendors write them, whose columns are known.

/// Whose rows they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KnownRows {
    /// Logs of URLs of PAN-OS, which are threats of the type `url`.
    ///
    /// See: <https://docs.paloaltonetworks.com/pan-os/11-1/pan-os-admin/monitoring/use-syslog-for-monitoring/syslog-field-descriptions/url-filtering-log-fields>
    PanOs,
    /// Web logs of Cisco Umbrella and Secure Access.
    ///
    /// See: <https://docs.umbrella.com/umbrella-user-guide/docs/web-log-formats>
    Umbrella,
}

/// The columns of PAN-OS that are read, by their place. What has the type of the log is no column of a request.
const PAN_OS: [(usize, &str); 11] = [
    (1, "receive-time"),
    (6, "generated-time"),
    (7, "src"),
    (8, "dst"),
    (25, "url-port"),
    (31, "url"),
    (46, "user-agent"),
    (49, "referer"),
    (63, "method"),
    (PAN_OS_TYPE, "type"),
    (PAN_OS_TYPE + 1, "subtype"),
];

const PAN_OS_TYPE: usize = 3;

/// The same of Umbrella.
const UMBRELLA: [(usize, &str); 11] = [
    (0, "timestamp"),
    (2, "src"),
    (3, "client-ip-address"),
    (4, "destination-ip"),
    (7, "url"),
    (8, "referer"),
    (9, "user-agent"),
    (10, "status-code"),
    (11, "request-bytes"),
    (12, "response-bytes"),
    (25, "method"),
];

impl KnownRows {
    /// Returns whose row the values of a line are; `None` if they may be anything.
    pub(crate) fn of<V: AsRef<str>>(values: &[V]) -> Option<KnownRows> {
        let value = |at: usize| values.get(at).map_or("", AsRef::as_ref).trim_ascii();
        let is_time = |text: &str, sign: u8| {
            let signs = [(4, sign), (7, sign), (10, b' '), (13, b':'), (16, b':')];
            signs.iter().all(|(at, sign)| text.as_bytes().get(*at) == Some(sign))
        };
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if KnownRows::PanOs.is_request(values) && is_time(value(1), b'/') {
            return Some(KnownRows::PanOs);
        }
        let is_url = value(7).contains("://") && is_number(value(10)) && is_number(value(11));
        let is_word =
            |text: &str| !text.is_empty() && text.bytes().all(|of| of.is_ascii_alphabetic());
        (is_url && is_time(value(0), b'-') && is_word(value(6))).then_some(KnownRows::Umbrella)
    }

    /// Returns the names of the columns.
    pub(crate) fn names(self) -> Vec<String> {
        let known: &[(usize, &str)] = match self {
            KnownRows::PanOs => &PAN_OS,
            KnownRows::Umbrella => &UMBRELLA,
        };
        let n_columns = known.iter().map(|(at, _)| at + 1).max().unwrap_or_default();
        let mut names = vec![String::new(); n_columns];
        for (at, name) in known {
            if let Some(place) = names.get_mut(*at) {
                (*name).clone_into(place);
            }
        }
        names
    }

    /// Returns false for the rows of another log that come in the same stream.
    pub(crate) fn is_request<V: AsRef<str>>(self, values: &[V]) -> bool {
        let is = |at: usize, text: &str| values.get(at).is_some_and(|of| of.as_ref() == text);
        match self {
            KnownRows::PanOs => is(PAN_OS_TYPE, "THREAT") && is(PAN_OS_TYPE + 1, "url"),
            KnownRows::Umbrella => true,
        }
    }
}
