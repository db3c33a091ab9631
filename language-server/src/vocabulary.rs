//! The words of rules and notes, and what each means.

use inspect::pack::Operation;
use inspect::{Anomaly, BehaviourField, FirstUse, OWN_CLIENT, ProxyField, SecretKind, Usage};

/// A word, and one sentence about it.
pub(crate) type Word = (&'static str, &'static str);

/// The keys of a rule.
pub(crate) const RULE_KEYS: &[Word] = &[
    ("title", "what the rule detects, in a few words; required"),
    ("id", "a random UUID that never changes: alerts, exceptions and counters name the rule by it"),
    ("name", "a name by which correlations and filters may take the rule in"),
    ("related", "other rules that this one replaces, derives from or resembles"),
    ("status", "`stable`, `test`, `experimental`, `deprecated` or `unsupported`"),
    ("description", "what the rule detects and why that matters"),
    ("references", "a list of addresses where the facts come from"),
    ("author", "who wrote the rule"),
    ("date", "when it was written, as `2026-01-31`"),
    ("modified", "when it was changed last, as `2026-01-31`"),
    ("license", "the SPDX id of its licence"),
    ("tags", "techniques and tactics of ATT&CK and other tags, as `attack.t1102.002`"),
    ("logsource", "which logs the rule is for, as `category: proxy`; required"),
    ("detection", "search identifiers, and the `condition` that combines them; required"),
    ("correlation", "counts the matches of other rules over time"),
    ("filter", "a condition that is added to other rules"),
    ("fields", "fields that an analyst wants to see with an alert"),
    ("falsepositives", "ordinary use that the rule may match"),
    ("level", "`informational`, `low`, `medium`, `high` or `critical`"),
];

/// The keys of `logsource`.
pub(crate) const LOGSOURCE_KEYS: &[Word] = &[
    ("category", "the kind of log: `proxy` for the requests of a proxy"),
    ("product", "the product that writes the log, as `windows`"),
    ("service", "a part of the product's logs, as `sysmon`"),
    ("definition", "how the log has to be set up"),
];

/// The keys of `detection` beside search identifiers.
pub(crate) const DETECTION_KEYS: &[Word] = &[(
    "condition",
    "combines the search identifiers with `and`, `or`, `not`, `1 of` and `all of`",
)];

/// The keys of `correlation`.
pub(crate) const CORRELATION_KEYS: &[Word] = &[
    ("type", "what is counted, as `event_count` or `value_count`"),
    ("rules", "the rules that are taken in, by id or name"),
    ("group-by", "fields: matches are counted apart for each of their values"),
    ("timespan", "in which time, as `10m`"),
    ("condition", "the threshold, as `gte: 10`, or names of rules, as `a and not b`"),
    ("aliases", "fields that have other names in other rules"),
];

/// The words of a condition beside search identifiers.
pub(crate) const CONDITION_WORDS: &[Word] = &[
    ("and", "both sides match"),
    ("or", "one side matches"),
    ("not", "what follows does not match"),
    ("1 of", "one of the search identifiers that fit a pattern matches, as `1 of selection_*`"),
    ("all of", "all search identifiers that fit a pattern match, as `all of filter_*`"),
    ("them", "all search identifiers"),
];

/// The keys of front matter, of any kind of note.
pub(crate) const FRONT_MATTER_KEYS: &[Word] = &[
    ("kind", "the kind of note: `rule`, `service`, `list`, `runbook` or `technique`"),
    ("services", "the services that the rule is about, by the names of their notes"),
    ("service", "the name of the service"),
    ("category", "what the service is, as `messaging`"),
    ("hosts", "the hosts of the service: each means itself and all names below it"),
    ("techniques", "the techniques of ATT&CK that abuse the service"),
    ("identity", "templates of its URLs with the places of tenants and secrets"),
    ("public", "URLs where anybody may put something, which name no tenant"),
    ("clients", "how the user agents of its own clients start"),
    ("headers", "headers by which its vendor restricts the tenants of a network"),
    ("operations", "what requests do to the service, with examples"),
    ("list", "the name of the list, by which rules take its values with `expand`"),
    ("values", "the values of the list"),
    ("rule", "the id of the rule that the runbook tests"),
    ("last_run", "written by `tidegate test --record`: when the runbook was run"),
    ("last_result", "written by `tidegate test --record`: its result"),
    ("last_pack", "written by `tidegate test --record`: the pack that the gateway ran"),
    ("last_rule", "written by `tidegate test --record`: the rule as it was"),
];

/// The sentence about a word of a table.
pub(crate) fn meaning(table: &[Word], word: &str) -> Option<&'static str> {
    table.iter().find(|(known, _)| *known == word).map(|(_, meaning)| *meaning)
}

/// What a field of a request is.
pub(crate) fn field(field: ProxyField) -> &'static str {
    match field {
        ProxyField::Uri => "the full URL with scheme and host; for CONNECT host and port",
        ProxyField::UriExtension => "what follows the last dot of the path's last segment",
        ProxyField::UriQuery => "the query, without `?`",
        ProxyField::UriStem => "the path, without the query; CONNECT has none",
        ProxyField::UserAgent => "the `user-agent` header",
        ProxyField::RequestBytes => "bytes that the client sent",
        ProxyField::Cookie => "the `cookie` header",
        ProxyField::Host => "the host, without port",
        ProxyField::Method => "the method",
        ProxyField::Referrer => "the `referer` header",
        ProxyField::Version => "the protocol, as `HTTP/1.1`",
        ProxyField::ResponseBytes => "bytes that the client got",
        ProxyField::Status => "the status code",
        ProxyField::SourceAddress => "the client's address",
        ProxyField::DestinationAddress => "the address that is called",
        ProxyField::ServerName => "the server name that the client asked for in TLS",
        ProxyField::Anomaly => "the names of what was odd about the request's spelling",
        ProxyField::Service => "the service that the request goes to, by the name of its note",
        ProxyField::Category => "the category of the service that the request goes to",
        ProxyField::Operation => "what the request does to the service, as `upload`",
        ProxyField::Client => "`own` if the user agent is one of the service's own clients",
        ProxyField::Usage => "what the policy knows of this use: `sanctioned`, `known` or `new`",
        ProxyField::Secret => "the kinds of secrets in the request, never their values",
        ProxyField::Unlisted => "the group of sources whose allow-list does not have the request",
        ProxyField::Behaviour(field) => behaviour(field),
    }
}

fn behaviour(field: BehaviourField) -> &'static str {
    match field {
        BehaviourField::ActiveHours => "hours of a day in which the source used this host, 1 to 24",
        BehaviourField::AfterDeadDrop => {
            "seconds from the source's last dead-drop read to its first request to this host"
        }
        BehaviourField::Beacon => "how regular the contacts are: 0 as chance has it, 1 as a clock",
        BehaviourField::BeaconPeriod => "the median of the gaps between contacts, in seconds",
        BehaviourField::FirstUse => "what is new, and to whom, as `source.service`",
        BehaviourField::Identities => {
            "different identities of the service that the source used in a day"
        }
        BehaviourField::NewHosts => "hosts that the source used in this hour and never before",
        BehaviourField::Prevalence => "the share of all sources that used this host in a day",
        BehaviourField::Requests => "requests of the source to this host in a day",
        BehaviourField::ServicePrevalence => {
            "the share of all sources that used this service in a day"
        }
        BehaviourField::Sources => "how many sources used this host in a day",
        BehaviourField::TunnelSeconds => {
            "the longest tunnel or streamed request of a day, in seconds"
        }
        BehaviourField::UploadBytes => "bytes that the source sent to this host in a day",
        BehaviourField::UploadRatio => {
            "(sent - received) / (sent + received): 1 only uploads, -1 only downloads"
        }
    }
}

/// The values of a field that has only those of a table; services and categories are in notes.
pub(crate) fn values(field: ProxyField) -> Vec<&'static str> {
    match field {
        ProxyField::Anomaly => Anomaly::ALL.iter().map(|anomaly| anomaly.as_str()).collect(),
        ProxyField::Secret => SecretKind::ALL.iter().map(|kind| kind.as_str()).collect(),
        ProxyField::Operation => Operation::ALL.iter().map(|one| one.as_str()).collect(),
        ProxyField::Client => vec![OWN_CLIENT],
        ProxyField::Usage => Usage::ALL.iter().map(|usage| usage.as_str()).collect(),
        ProxyField::Behaviour(BehaviourField::FirstUse) => {
            FirstUse::ALL.iter().map(|(_, name)| *name).collect()
        }
        ProxyField::Method => {
            vec!["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_every_kind_of_note_has_a_meaning() {
        for kind in knowledge::NoteKind::ALL {
            for key in kind.keys() {
                assert!(meaning(FRONT_MATTER_KEYS, key).is_some(), "{key}");
            }
        }
    }
}
