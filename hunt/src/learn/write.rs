//! What was learned, as YAML for a person to read.

use diagnostics::printable_json;

use super::{Count, LearnedGroup, LearnedOthers, LearnedService, OTHER, n_patterns};
use crate::uses::{READING_METHODS, Uses};

pub(super) fn policy(uses: &Uses, groups: &[LearnedGroup]) -> String {
    // Sources of groups that a policy has are counted by their groups.
    let n_sources = match uses.by_source.len() {
        0 => groups.iter().map(|group| group.n_sources).sum(),
        n_sources => n_sources,
    };
    let mut text = format!(
        "# What {} of {} did. Read it before it is put to work: each entry allows\n\
         # what was seen, and nobody has said that it is right.\n",
        counted(uses.n_requests, "request"),
        counted(n_sources as u64, "source"),
    );
    for (number, what) in [
        (uses.n_matched, "not learned, as rules match"),
        (uses.n_odd, "not learned, for an odd spelling, an address as host or a tunnel to port 80"),
        (n_patterns(uses), "not learned, as a policy takes the source or the tenant for a pattern"),
        (uses.n_without_source, "without a source"),
        (uses.n_left_out, "left out, as there are too many uses"),
    ] {
        if number > 0 {
            text += &format!("# {}: {what}.\n", counted(number, "request"));
        }
    }
    if groups.is_empty() {
        return text + "sources: {}\nallow: []\n";
    }
    let (sources, allow) = policy_of(groups);
    text + "sources:\n" + &sources + "allow:\n" + &allow
}

/// The lines of `sources` and of `allow`.
pub(super) fn policy_of(groups: &[LearnedGroup]) -> (String, String) {
    let (mut of_sources, mut of_allow) = (String::new(), String::new());
    for group in groups {
        let sources: Vec<_> = group.sources.iter().map(|source| quoted(source)).collect();
        of_sources += &format!("  {}: [{}]\n", quoted(&group.name), sources.join(", "));
        write_group(group, &mut of_allow);
    }
    (of_sources, of_allow)
}

fn write_group(group: &LearnedGroup, text: &mut String) {
    let name = quoted(&group.name);
    let sources = counted(group.n_sources as u64, "source");
    *text += &format!("  - group: {name}    # {sources}\n    sources: [{name}]\n");
    *text += "    default: monitor    # `enforce` denies what is not listed\n";
    for (title, number) in &group.matched {
        // A title may have line breaks, which end a comment.
        let title = diagnostics::printable(title.as_bytes());
        let (requests, word) =
            if *number == 1 { ("request", "matches") } else { ("requests", "match") };
        *text += &format!("    # not learned: {number} {requests} that {word} `{title}`\n");
    }
    if !group.services.is_empty() || !group.anywhere.is_empty() {
        *text += "    services:\n";
    }
    for entry in anywhere(group) {
        *text += &format!("      - {entry}    # done with many services\n");
    }
    for service in &group.services {
        *text += &format!("      - {}    # {}\n", entry(service), comment_of(service));
    }
    if !group.hosts.is_empty() {
        *text += "    hosts:\n";
    }
    for (host, count) in &group.hosts {
        *text += &format!("      - {}    # {}\n", quoted(host), comment(count));
    }
    if let Some(LearnedOthers { n_hosts, count, .. }) = &group.others {
        let how = others(group);
        *text += &format!("    others: {how}    # {n_hosts} hosts, {}\n", comment(count));
    }
}

/// The entries for every service. What no operation describes may be anything, and is listed for reading alone.
pub(super) fn anywhere(group: &LearnedGroup) -> Vec<String> {
    let described: Vec<_> = group.anywhere.iter().copied().filter(|of| *of != OTHER).collect();
    let mut entries = Vec::new();
    if !described.is_empty() {
        entries.push(format!("{{service: \"*\", operations: [{}]}}", described.join(", ")));
    }
    if described.len() < group.anywhere.len() {
        let (operations, methods) = (group.anywhere.join(", "), READING_METHODS.join(", "));
        entries
            .push(format!("{{service: \"*\", operations: [{operations}], methods: [{methods}]}}"));
    }
    entries
}

/// How a group may use hosts of no service.
pub(super) fn others(group: &LearnedGroup) -> String {
    match group.others {
        Some(LearnedOthers { is_reading: true, .. }) => {
            format!("{{methods: [{}]}}", READING_METHODS.join(", "))
        }
        _ => "true".to_owned(),
    }
}

pub(super) fn entry(service: &LearnedService) -> String {
    let mut parts = vec![format!("service: {}", quoted(&service.service))];
    if !service.operations.is_empty() {
        parts.push(format!("operations: [{}]", service.operations.join(", ")));
    }
    if !service.identities.is_empty() {
        let identities: Vec<_> = service.identities.iter().map(|text| quoted(text)).collect();
        parts.push(format!("identities: [{}]", identities.join(", ")));
    }
    if !service.ports.is_empty() {
        let ports: Vec<_> = service.ports.iter().map(ToString::to_string).collect();
        parts.push(format!("ports: [{}]", ports.join(", ")));
    }
    format!("{{{}}}", parts.join(", "))
}

/// How often a service was used, and whose parts where the entry is for anybody's: a person may name them.
pub(super) fn comment_of(service: &LearnedService) -> String {
    let mut text = comment(&service.count);
    if !service.seen.is_empty() {
        let seen: Vec<_> = service.seen.iter().map(|seen| quoted(seen)).collect();
        text += &format!("; of any tenant, seen: {}", seen.join(", "));
    }
    text
}

/// How often, by how many sources, and from when to when.
pub(super) fn comment(count: &Count) -> String {
    let requests = counted(count.requests.n_requests, "request");
    let mut text = format!("{requests} of {}", counted(count.n_sources as u64, "source"));
    let day = |time_ms: i64| {
        jiff::Timestamp::from_millisecond(time_ms).ok().map(|time| time.strftime("%F").to_string())
    };
    if let (Some(first), Some(last)) =
        (count.requests.first.and_then(day), count.requests.last.and_then(day))
    {
        text += &if first == last { format!(", {first}") } else { format!(", {first} to {last}") };
    }
    text
}

/// A number of things, as `1 request` or `2 requests`.
fn counted(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// A text in double quotes, with what a log may have in it escaped.
pub(super) fn quoted(text: &str) -> String {
    printable_json(&serde_json::Value::from(text).to_string())
}
