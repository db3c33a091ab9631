//! The parameters of PowerShell's commands that send requests.

/// A command, by the parameters that it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// `Invoke-WebRequest` and `Invoke-RestMethod`.
    Web,
    /// `Start-BitsTransfer`.
    Bits,
}

impl Command {
    /// Returns the parameter that a value without a name is for.
    pub(super) fn target(self) -> &'static str {
        match self {
            Command::Web => "uri",
            Command::Bits => "source",
        }
    }

    /// Finds a parameter by its name or the beginning of it, in lower case, and whether it takes a value.
    pub(super) fn parameter(self, name: &str) -> Option<(&'static str, bool)> {
        let name = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, name)| name);
        let known = match self {
            Command::Web => WEB,
            Command::Bits => BITS,
        };
        let exact = known.iter().find(|(known, _)| *known == name);
        let mut longer = known.iter().filter(|(known, _)| known.starts_with(name));
        exact.or_else(|| longer.next().filter(|_| longer.next().is_none())).copied()
    }
}

/// Parameters, and whether they take a value (Windows PowerShell 5.1 and PowerShell 7.5). A name may be cut as
/// long as no other begins so.
const WEB: &[(&str, bool)] = &[
    ("allowinsecureredirect", false),
    ("allowunencryptedauthentication", false),
    ("authentication", true),
    ("body", true),
    ("certificate", true),
    ("certificatethumbprint", true),
    ("connectiontimeoutseconds", true),
    ("contenttype", true),
    ("credential", true),
    ("custommethod", true),
    ("debug", false),
    ("disablekeepalive", false),
    ("erroraction", true),
    ("errorvariable", true),
    ("followrellink", false),
    ("form", true),
    ("headers", true),
    ("httpversion", true),
    ("infile", true),
    ("maximumfollowrellink", true),
    ("maximumredirection", true),
    ("maximumretrycount", true),
    ("method", true),
    ("noproxy", false),
    ("operationtimeoutseconds", true),
    ("outbuffer", true),
    ("outfile", true),
    ("outvariable", true),
    ("passthru", false),
    ("preserveauthorizationonredirect", false),
    ("preservehttpmethodonredirect", false),
    ("progressaction", true),
    ("proxy", true),
    ("proxycredential", true),
    ("proxyusedefaultcredentials", false),
    ("responseheadersvariable", true),
    ("resume", false),
    ("retryintervalsec", true),
    ("sessionvariable", true),
    ("skipcertificatecheck", false),
    ("skipheadervalidation", false),
    ("skiphttperrorcheck", false),
    ("sslprotocol", true),
    ("statuscodevariable", true),
    ("timeoutsec", true),
    ("token", true),
    ("transferencoding", true),
    ("unixsocket", true),
    ("uri", true),
    ("usebasicparsing", false),
    ("usedefaultcredentials", false),
    ("useragent", true),
    ("verbose", false),
    ("warningaction", true),
    ("websession", true),
];

/// Other names of parameters.
const ALIASES: &[(&str, &str)] = &[
    ("cf", "confirm"),
    ("ea", "erroraction"),
    ("ev", "errorvariable"),
    ("fl", "followrellink"),
    ("ml", "maximumfollowrellink"),
    ("ov", "outvariable"),
    ("rhv", "responseheadersvariable"),
    ("sv", "sessionvariable"),
    ("vb", "verbose"),
    ("wa", "warningaction"),
];

/// Parameters of `Start-BitsTransfer`, and whether they take a value.
const BITS: &[(&str, bool)] = &[
    ("asynchronous", false),
    ("authentication", true),
    ("confirm", false),
    ("credential", true),
    ("customheaders", true),
    ("debug", false),
    ("description", true),
    ("destination", true),
    ("displayname", true),
    ("dynamic", false),
    ("erroraction", true),
    ("errorvariable", true),
    ("httpmethod", true),
    ("maxdownloadtime", true),
    ("notifycmdline", true),
    ("notifyflags", true),
    ("outvariable", true),
    ("priority", true),
    ("proxyauthentication", true),
    ("proxybypass", true),
    ("proxycredential", true),
    ("proxylist", true),
    ("proxyusage", true),
    ("retryinterval", true),
    ("retrytimeout", true),
    ("securityflags", true),
    ("source", true),
    ("suspended", false),
    ("transferpolicy", true),
    ("transfertype", true),
    ("usestoredcredential", true),
    ("verbose", false),
    ("warningaction", true),
    ("whatif", false),
];
