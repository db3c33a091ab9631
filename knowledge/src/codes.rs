//! Every finding about files, notes and written requests; the rule language's are in [`sigma::codes`].

sigma::codes! {
    /// A path cannot be read: it is not there, or the system refuses.
    /// The other paths are still read, so that one run tells everything.
    UNREADABLE = "F001", Error, "cannot be read";
    /// A folder holds no note and no Sigma file, or what was given holds no rule.
    /// A run over nothing would pass, and a gateway would run without rules; so nothing found is an error.
    NOTHING_FOUND = "F002", Error, "nothing found";
    /// A file that was named is neither a note (`.md`) nor a Sigma file (`.yml`, `.yaml`).
    /// In folders such files are passed over; a file that is named is meant.
    UNKNOWN_EXTENSION = "F003", Error, "neither a note nor a Sigma file";
    /// A file is larger than any note or rule is.
    /// The bound keeps a wrong path, a log or a device, from filling the memory.
    FILE_TOO_LARGE = "F004", Error, "file beyond the bounds";
    /// A file begins with a byte order mark.
    /// Other readers of notes do not see the front matter behind it, so that the page would lose its
    /// properties. What follows is read on, to find everything else at once, but nothing of it is used.
    BYTE_ORDER_MARK = "F005", Error, "byte order mark";
    /// A file is UTF-16. Notes and rules are UTF-8.
    UTF_16 = "F006", Error, "UTF-16 text";
    /// A file holds a NUL byte: it is no text.
    BINARY = "F007", Error, "binary file";
    /// A file is not UTF-8: Latin-1 perhaps, or a copy that was damaged.
    /// A guess at the encoding would change what a rule looks for.
    NOT_UTF_8 = "F008", Error, "not UTF-8";
    /// A file that is given as a pack does not begin like one.
    NOT_A_PACK = "F010", Error, "not a pack";
    /// A pack ends before it is complete: an interrupted copy, or a full disk.
    TRUNCATED_PACK = "F011", Error, "truncated pack";
    /// A pack was written by a newer version, in a format that this one does not know.
    NEWER_PACK = "F012", Error, "pack of a newer version";
    /// A pack was written by an older version, in a format that this one no longer reads.
    OLDER_PACK = "F013", Error, "pack of an older version";
    /// A pack's content hash or tables do not hold: it was damaged or changed.
    CORRUPT_PACK = "F014", Error, "corrupt pack";
    /// A pack is larger than a gateway takes.
    OVERSIZED_PACK = "F015", Error, "pack beyond the bounds";
    /// A file cannot be written. What stood there before is untouched.
    UNWRITABLE = "F016", Error, "cannot be written";
    /// A file of placeholders is not a JSON object of lists of texts.
    /// With a part of the placeholders, rules would be refused, or look for less than they say.
    BROKEN_PLACEHOLDERS = "F017", Error, "broken placeholders";
    /// A file that is given as a key of Ed25519 is none.
    /// A secret key signs packs, and its public key is for gateways; each has its own kind of PEM file.
    BROKEN_KEY = "F020", Error, "no key";
    /// A pack is not signed, or by a key that is not among those that were given.
    /// A gateway with a `public_key` refuses it, and goes on with what it has.
    UNTRUSTED_PACK = "F021", Error, "untrusted pack";
    /// A gateway of this kind cannot be configured so.
    /// What it does not know would be left out, and nobody would miss it until it is needed.
    UNSUITABLE_GATEWAY = "F022", Error, "not for this gateway";
    /// A log whose format its first line does not tell, or of which not one line can be read.
    /// A hunt over nothing would find nothing, and look like a clean log.
    UNKNOWN_LOG = "F023", Error, "log of an unknown format";
    /// A field map is not the TOML that docs/command-line.md describes.
    /// With a part of the map, rules would ask for fields that no line has.
    BROKEN_FIELD_MAP = "F024", Error, "broken field map";
    /// A folder that is to be served as the preview's page holds no page, or that of another version.
    NOT_A_PAGE = "F025", Error, "no preview page";
    /// A gateway that examples are sent through does not answer, or its log does not tell of them.
    /// Nothing is written into the runbooks: half of a record would be a wrong one.
    SILENT_GATEWAY = "F026", Error, "gateway without an answer";

    /// A note does not begin with front matter.
    /// Without it nothing says what kind of note it is, and it would be left out in silence.
    NO_FRONT_MATTER = "N001", Error, "no front matter";
    /// A note's front matter has no second `---` line, so that all of the note would be front matter.
    UNCLOSED_FRONT_MATTER = "N002", Error, "front matter is not closed";
    /// A note's front matter is not a YAML map.
    BROKEN_FRONT_MATTER = "N003", Error, "broken front matter";
    /// A note's front matter has a key that notes of its kind do not have: misspelt, perhaps.
    UNKNOWN_KEY = "N004", Error, "unknown key";
    /// A note's front matter lacks a key, or gives it a value that it cannot have.
    WRONG_KEY = "N005", Error, "missing or wrong key";
    /// A fenced block is not closed, so that the rest of the note would belong to it.
    UNCLOSED_FENCE = "N006", Error, "unclosed fence";
    /// A rule note has no fenced `sigma` block, or an empty one.
    NO_RULE = "N007", Error, "note without a rule";
    /// A rule note has a second `sigma` block, or a second rule in its block.
    /// The examples of a note are held against its one rule.
    SECOND_RULE = "N008", Error, "note with a second rule";
    /// A rule note has no heading of the first level, or several, or one that is not the rule's title.
    /// The page is found by its heading and an alert by its rule's title: they have to be the same.
    WRONG_TITLE = "N009", Error, "heading is not the title of the rule";
    /// A rule note lacks a section that a reader looks for.
    /// An analyst who is called at night reads Response and False positives first.
    MISSING_SECTION = "N010", Warning, "missing section";
    /// The rule of a note lacks metadata. The rule would run, but the page and the alert need it.
    INCOMPLETE_METADATA = "N011", Error, "incomplete metadata";
    /// A fenced `http` block does not say what is expected of its request.
    UNKNOWN_EXPECTATION = "N012", Error, "example without expectation";
    /// A rule note has no request that its rule must match.
    /// A rule that nothing was ever seen to match may be dead.
    NO_MATCH_EXAMPLE = "N013", Error, "no request that must match";
    /// A rule note has no request that its rule must not match.
    /// A rule that was never held against ordinary use may match all of it.
    NO_PASS_EXAMPLE = "N014", Error, "no request that must pass";
    /// A request that a note's rule must match, and that it does not match.
    MISSED_EXAMPLE = "N015", Error, "example is not matched";
    /// A request that a note's rule must not match, and that it matches.
    CAUGHT_EXAMPLE = "N016", Error, "example is matched";
    /// Two rules have the same id.
    /// Alerts, exceptions and counters name a rule by its id; the first one keeps it, the others are refused.
    DUPLICATE_ID = "N017", Error, "duplicate id";
    /// Two rules have the same title. They run, but people cannot tell their alerts apart.
    DUPLICATE_TITLE = "N018", Warning, "duplicate title";

    /// A template of a service note that cannot be read, or that is no URL of the service.
    /// Where identities and secrets stand in URLs decides what is sanctioned and what is left out of logs.
    BROKEN_TEMPLATE = "N019", Error, "broken identity template";

    /// A policy whose shape is not that of docs/policy.md: a key is missing, twice, or has a value that it
    /// cannot have. Nothing of such a policy is used: a part of one would deny what another part excuses.
    BROKEN_POLICY = "P001", Error, "broken policy";
    /// A policy has a key that there is not: misspelt, perhaps.
    /// A statement that loses a restriction to a misspelling is about everything.
    UNKNOWN_POLICY_KEY = "P002", Error, "unknown key of a policy";
    /// A policy names a rule, technique, level, service or group of sources that there is not.
    UNKNOWN_NAME = "P003", Error, "policy names what is not there";
    /// An exception is about everything.
    /// Such an exception would switch off all rules until it expires.
    OPEN_EXCEPTION = "P004", Error, "exception without a scope";
    /// A part of a policy that can never decide: it is about no rule of the pack, or stands behind a
    /// statement that is about everything.
    NO_EFFECT = "P005", Warning, "policy without effect";
    /// An exception no longer applies, or soon will not: told by `tidegate check --expiring`.
    DUE_EXCEPTION = "P006", Warning, "exception is due";
    /// A policy lists identities, and there is no key to hash them with.
    /// Packs hold no identity in clear, so that whoever can read one cannot name a tenant.
    NO_IDENTITY_KEY = "P007", Error, "identities without a key";
    /// A key for identities is not 32 hexadecimal digits.
    BROKEN_IDENTITY_KEY = "P008", Error, "broken identity key";
    /// A Sigma filter that the policy does not list: told by `tidegate check --expiring`.
    /// It excuses for ever, and nobody can be asked whether it still should.
    UNOWNED_FILTER = "P009", Warning, "filter without an owner";

    /// A request head does not begin with a method, a URL and a version.
    BROKEN_REQUEST_LINE = "R001", Error, "broken request line";
    /// A URL is not complete: it needs a scheme and a host, no white space, and a port up to 65535 or none.
    /// Rules look at hosts and full URLs, so a part of one cannot stand for a request.
    BROKEN_URL = "R002", Error, "broken URL";
    /// A line of a request head is no header, or says for the second time what can only be said once.
    BROKEN_HEADER = "R003", Error, "broken header";
    /// What follows the request head is not a status line.
    /// Bodies are not looked at; an example that shows one would promise too much.
    BROKEN_STATUS_LINE = "R004", Error, "broken status line";
    /// A command line has a quote that is not closed.
    UNCLOSED_QUOTE = "R005", Error, "unclosed quote";
    /// A curl command line without a URL, or with an option that lacks its value.
    BROKEN_CURL = "R006", Error, "incomplete curl command";
    /// A curl option that is not known here.
    /// It is taken for one without a value; if it has one, that is taken for a URL.
    UNKNOWN_OPTION = "R007", Warning, "unknown curl option";
    /// A curl option reads a file or writes a pattern of requests, which are not looked at.
    IGNORED_OPTION = "R008", Warning, "curl option without effect";
    /// A line of an access log is not a JSON object.
    BROKEN_LOG_LINE = "R009", Error, "broken log line";
    /// A line of an access log lacks what a request cannot do without, or gives it another type.
    INCOMPLETE_LOG_LINE = "R010", Error, "incomplete log line";
    /// What was given as a request is none: no URL, no curl command, no log line, no request head.
    NOT_A_REQUEST = "R011", Error, "not a request";
}
