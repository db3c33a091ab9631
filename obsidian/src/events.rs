//! The events that a rule reads, by its log source: provider, event, title.

use catalogue::{CatalogueRule, Collection};

type Event = (&'static str, &'static str, &'static str);

/// Category of Sigma, class of an Elastic index, number of a Sysmon event in Splunk's data sources.
/// Sources: Sigma's taxonomy appendix, the Sysmon manual, Microsoft's audit event list, Elastic's data streams.
const KNOWN: &[(&str, &[Event])] = &[
    (
        "process_creation",
        &[
            ("Sysmon", "Event ID 1", "Process creation"),
            ("Security-Auditing", "Event ID 4688", "A new process has been created"),
        ],
    ),
    ("network_connection", &[("Sysmon", "Event ID 3", "Network connection")]),
    ("dns_query", &[("Sysmon", "Event ID 22", "DNSEvent (DNS query)")]),
    ("dns", &[("DNS server", "query", "Name queried")]),
    ("proxy", &[("Proxy", "request", "HTTP request or tunnel")]),
    ("webserver", &[("Web server", "request", "HTTP request served")]),
    ("firewall", &[("Firewall", "connection", "Connection allowed or denied")]),
    ("file_event", &[("Sysmon", "Event ID 11", "FileCreate")]),
    ("image_load", &[("Sysmon", "Event ID 7", "Image loaded")]),
    ("registry_set", &[("Sysmon", "Event ID 13", "RegistryEvent (value set)")]),
    (
        "registry_event",
        &[
            ("Sysmon", "Event ID 12", "RegistryEvent (object added or deleted)"),
            ("Sysmon", "Event ID 13", "RegistryEvent (value set)"),
        ],
    ),
    ("pipe_created", &[("Sysmon", "Event ID 17", "PipeEvent (pipe created)")]),
    ("ps_script", &[("PowerShell", "Event ID 4104", "Script block logged")]),
    ("process", &[("Elastic Defend", "process", "Process event")]),
    ("network", &[("Elastic Defend", "network", "Network or DNS event")]),
    ("file", &[("Elastic Defend", "file", "File event")]),
    ("Sysmon EventID 1", &[("Sysmon", "Event ID 1", "Process creation")]),
    ("Sysmon EventID 3", &[("Sysmon", "Event ID 3", "Network connection")]),
    ("Sysmon EventID 11", &[("Sysmon", "Event ID 11", "FileCreate")]),
    ("Sysmon EventID 13", &[("Sysmon", "Event ID 13", "RegistryEvent (value set)")]),
    ("Sysmon EventID 22", &[("Sysmon", "Event ID 22", "DNSEvent (DNS query)")]),
    (
        "Windows Event Log Security 4688",
        &[("Security-Auditing", "Event ID 4688", "A new process has been created")],
    ),
    (
        "Powershell Script Block Logging 4104",
        &[("PowerShell", "Event ID 4104", "Script block logged")],
    ),
];

/// The events of a rule; none where its log source is not known.
pub(super) fn of(rule: &CatalogueRule) -> Vec<Event> {
    let source = &rule.logsource;
    let name = match rule.vendor {
        Collection::Splunk => source.service.as_deref(),
        Collection::Sigma | Collection::Elastic | Collection::Own | Collection::Noted => {
            source.category.as_deref()
        }
    };
    let known = KNOWN.iter().find(|(known, _)| Some(*known) == name);
    let windows = source.product.as_deref().is_none_or(|product| product == "windows");
    match (known, rule.vendor) {
        (Some((_, events)), Collection::Sigma | Collection::Noted) if !windows => {
            let generic = matches!(name, Some("proxy" | "dns" | "webserver" | "firewall"));
            if generic { events.to_vec() } else { Vec::new() }
        }
        (Some((_, events)), _) => events.to_vec(),
        (None, _) => Vec::new(),
    }
}
