//! The findings about notes, policies, placeholders and packs.

diagnostics::codes! {
    /// A file that is given as a pack does not begin like one.
    NOT_A_PACK = "F010", Error, "not a pack";
    /// A pack ends before it is complete: an interrupted copy, or a full disk.
    TRUNCATED_PACK = "F011", Error, "truncated pack";
    /// A pack was written by a newer version, in a format that this one does not know.
    NEWER_PACK = "F012", Error, "pack of a newer version";
    /// A pack was written by an older version, in a format that this one no longer reads.
    OLDER_PACK = "F013", Error, "pack of an older version";
    /// A pack's content hash or tables are wrong: it was damaged or changed.
    CORRUPT_PACK = "F014", Error, "corrupt pack";
    /// A pack is larger than a gateway takes.
    OVERSIZED_PACK = "F015", Error, "pack beyond the bounds";
    /// A file of placeholders is not a JSON object of lists of texts.
    /// With a part of the placeholders, rules would be refused, or look for less than they say.
    BROKEN_PLACEHOLDERS = "F017", Error, "broken placeholders";
    /// A note does not begin with front matter.
    /// Without it nothing says what kind of note it is, and it would be left out in silence.
    NO_FRONT_MATTER = "N001", Error, "no front matter";
    /// A note's front matter has no second `---` line, so that all of the note would be front matter.
    /// A `...` line does not end it: Obsidian would not see its properties.
    UNCLOSED_FRONT_MATTER = "N002", Error, "front matter is not closed";
    /// A note's front matter is not a YAML map, or repeats a key.
    BROKEN_FRONT_MATTER = "N003", Error, "broken front matter";
    /// A note's front matter has a key that notes of its kind do not have: misspelt, perhaps.
    /// In service notes and runbooks only keys that resemble one of theirs are refused: with a misspelt
    /// `identity` the secrets in a service's URLs would be written to logs.
    UNKNOWN_KEY = "N004", Error, "unknown key";
    /// A note's front matter lacks a key, or gives it a value that it cannot have.
    WRONG_KEY = "N005", Error, "missing or wrong key";
    /// A fenced block is not closed, so that the rest of the note would belong to it.
    UNCLOSED_FENCE = "N006", Error, "unclosed fence";
    /// A rule note has no fenced `sigma` block, or an empty one.
    NO_RULE = "N007", Error, "note without a rule";
    /// A rule note has a second `sigma` block, or a second rule in its block.
    /// The examples of a note are run against its one rule.
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
    /// A rule that was never run over ordinary use may match all of it.
    NO_PASS_EXAMPLE = "N014", Error, "no request that must pass";
    /// A request that a note's rule must match, and that it does not match.
    MISSED_EXAMPLE = "N015", Error, "example is not matched";
    /// A request that a note's rule must not match, and that it matches.
    CAUGHT_EXAMPLE = "N016", Error, "example is matched";
    /// Two rules have the same id.
    /// Alerts, exceptions and counters name a rule by its id; the first one keeps it, the others are refused.
    DUPLICATE_ID = "N017", Error, "duplicate id";
    /// Two rules have the same title. They run, but people cannot distinguish their alerts.
    DUPLICATE_TITLE = "N018", Warning, "duplicate title";
    /// A template of a service note that cannot be read, or that is not a URL of the service.
    /// The places of identities and secrets in URLs decide what is sanctioned and what is kept out of logs.
    BROKEN_TEMPLATE = "N019", Error, "broken identity template";
    /// Two service notes or two lists have the same name, or two runbooks the same rule.
    /// A page or a pack can show only one of them, and nobody would know which; the second is refused.
    REPEATED_NOTE = "N020", Error, "second note of a service, list or runbook";
    /// An operation of a service note that cannot be read: an unknown name, a path that is not a template, a
    /// host that the service does not have, an example that is not a request.
    /// Rules and policies find an operation by its name; one that is lost is lost for all of them.
    BROKEN_OPERATION = "N021", Error, "broken operation of a service";
    /// A request that a service note gives as an example of an operation, and that is not found to be that.
    MISSED_OPERATION = "N022", Error, "operation is not found";
    /// A request that a service note gives as another than an operation, and that is found to be that.
    CAUGHT_OPERATION = "N023", Error, "operation is found where it is not";
    /// A rule asks for an operation, a client or a kind of use that there is not.
    /// The field never has such a value, so the rule never matches by it.
    IMPOSSIBLE_VALUE = "N024", Error, "value that the field never has";
    /// A rule asks for a service or a category that no service note describes.
    /// It matches nothing with these notes.
    UNKNOWN_SERVICE = "N025", Warning, "service without a note";
    /// A line of a `sequence` block that is not a request with its time.
    /// Rules that ask what a source did over time are tried on sequences; one that is not read tries nothing.
    BROKEN_SEQUENCE = "N026", Error, "broken sequence of requests";
    /// A note has a `sigma` block and no `kind`, and is taken for a technique note, as it names a technique.
    /// Its rule would run nowhere, and nobody would miss it.
    RULE_WITHOUT_KIND = "N027", Warning, "rule in a note without a kind";
    /// A runbook names a rule that is not among the notes: its id was changed, or the rule is gone.
    /// No page would have its steps.
    RUNBOOK_WITHOUT_RULE = "N028", Warning, "runbook of a rule that is not there";
    /// A policy whose shape is not that of docs/policy.md: a key is missing, twice, or has a value that it
    /// cannot have. No part of such a policy is used: it could deny what another part excepts.
    BROKEN_POLICY = "P001", Error, "broken policy";
    /// A policy has an unknown key, perhaps misspelt.
    /// A statement that loses a restriction by a misspelling applies to everything.
    UNKNOWN_POLICY_KEY = "P002", Error, "unknown key of a policy";
    /// A policy names a rule, technique, level, service or group of sources that does not exist.
    UNKNOWN_NAME = "P003", Error, "policy names what is not there";
    /// An exception applies to everything.
    /// Such an exception would switch off all rules until it expires.
    OPEN_EXCEPTION = "P004", Error, "exception without a scope";
    /// A part of a policy that can never decide: it applies to no rule of the pack, or follows a
    /// statement that applies to everything.
    NO_EFFECT = "P005", Warning, "policy without effect";
    /// An exception has expired or expires soon: reported by `tidegate check --expiring`.
    DUE_EXCEPTION = "P006", Warning, "exception is due";
    /// A policy lists identities, and there is no key to hash them with.
    /// A pack contains no identity in clear text, so that whoever can read it cannot name a tenant.
    NO_IDENTITY_KEY = "P007", Error, "identities without a key";
    /// A key for identities is not 32 hexadecimal digits.
    BROKEN_IDENTITY_KEY = "P008", Error, "broken identity key";
    /// A Sigma filter that the policy does not list: reported by `tidegate check --expiring`.
    /// It excuses for ever, and nobody can be asked whether it still should.
    UNOWNED_FILTER = "P009", Warning, "filter without an owner";
    /// An allow-list has a wildcard above names of a service, which wildcards never list.
    /// Whoever rents a name there, as an attacker does, would be allowed too.
    WIDE_WILDCARD = "P010", Warning, "wildcard above a service";
}
