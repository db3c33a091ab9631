//! Every finding of the lints.

diagnostics::codes! {
    /// A host suffix that may start in the middle of a label.
    /// Whoever registers `evilpastebin.com` matches `endswith: pastebin.com`, and a rule that exempts the
    /// suffix exempts them too.
    HOST_BOUNDARY = "L001", Warning, "host suffix without a label boundary";
    /// A host suffix that starts with a dot matches all names below a domain, and not the domain itself.
    /// SigmaHQ's dead drop rule writes `.t.me`, and misses `t.me`. A rule that lists whole names too is
    /// left alone.
    HOST_APEX = "L002", Warning, "host suffix misses the domain itself";
    /// A value that no host can have.
    /// Hosts contain neither slashes nor spaces, and scheme and port are not part of the field.
    HOST_IMPOSSIBLE = "L003", Warning, "value that no host can have";
    /// A value that no path can have: paths start with a slash and contain neither query nor scheme.
    PATH_IMPOSSIBLE = "L004", Warning, "value that no path can have";
    /// An exemption by a header that the client writes, or by `tidegate.client`, which is read off one.
    /// Malware that sends the exempt value is never seen; SigmaHQ's own rule for the Telegram API exempts
    /// every user agent that contains `Bot`.
    CLIENT_EXEMPTION = "L005", Warning, "exemption that the client controls";
    /// A rule that matches every event without some value.
    /// It is evaluated on every event and matches most of them.
    NO_POSITIVE = "L006", Warning, "no positive condition";
    /// A regular expression without a text that every match contains.
    /// Where the rule asks for nothing else that can be found quickly, it is run on every event that
    /// has the field.
    REGEX_UNGATED = "L007", Warning, "regular expression without a fixed text";
    /// A regular expression that counts so far that it runs on a nondeterministic automaton.
    /// It is still linear, with the number of its states as factor.
    REGEX_SLOW = "L008", Warning, "slow regular expression";
    /// Two rules that detect the same.
    DUPLICATE_DETECTION = "L009", Warning, "the same detection twice";
    /// Metadata that those who get the alert need is missing.
    MISSING_METADATA = "L010", Warning, "incomplete metadata";
    /// A search identifier that the condition does not use.
    UNUSED_SELECTION = "L011", Warning, "unused search identifier";
    /// A tag that is not written as `namespace.name` in lower case, or whose namespace Sigma does not have.
    MALFORMED_TAG = "L012", Warning, "malformed tag";
    /// An ATT&CK tag that the version in use does not have, or that is neither an id nor a tactic.
    UNKNOWN_ATTACK = "L013", Warning, "unknown or retired ATT&CK tag";
    /// A host suffix that means something else in a pack that matches hosts by labels.
    /// As text `pastebin.com` is also the end of `evilpastebin.com`, and `.t.me` is not the end of
    /// `t.me`; by labels both mean the domain and all below it. Only reported with `--hosts labels`.
    HOST_LABELS = "L014", Warning, "host suffix that means something else by labels";
    /// An `id` that is not a UUID.
    /// Alerts, exceptions and counters name a rule by its id; one that is made up may be that of a rule
    /// from elsewhere, and other tools refuse it.
    MALFORMED_ID = "L015", Warning, "id is not a UUID";
    /// A `date` or `modified` that is not a day of the calendar, written `YYYY-MM-DD`.
    /// The older form `YYYY/MM/DD` is found too: version 2 of the specification has one form.
    MALFORMED_DATE = "L016", Warning, "not a date";
    /// A value that a field of behaviour cannot have.
    /// `tidegate.beacon`, `tidegate.upload_bytes` and most others are numbers, of which shares lie between 0
    /// and 1; `tidegate.first_use` has the names that [behaviour.md](behaviour.md#first-uses) lists.
    IMPOSSIBLE_BEHAVIOUR = "L017", Warning, "value that behaviour cannot have";
    /// A rule that asks for a rhythm and for nothing else.
    /// Clocks are everywhere: updates, telemetry, monitoring and open pages. In a log of a small network a
    /// quarter of all pairs that can be scored were as regular as a beacon.
    RHYTHM_ALONE = "L018", Warning, "a rhythm alone is no detection";
    /// A value that its field never has: `c-uri` has scheme and host, `c-uri-query` no `?`, `c-uri-extension` no
    /// dot, `sc-status` three digits, and `tidegate.anomaly` a name of a closed list.
    /// The rule compiles, looks deployed, and never matches.
    VALUE_IMPOSSIBLE = "L019", Warning, "value that the field never has";
    /// A `?` in a URL that is not escaped: in Sigma it is any one character.
    /// `/index.php?id=` also matches `/index.phpxid=`.
    QUESTION_MARK = "L020", Warning, "question mark that is a wildcard";
    /// A value that is written so that nobody follows it, as `evil[.]example` or `hxxp://`.
    VALUE_DEFANGED = "L021", Warning, "defanged value";
}
