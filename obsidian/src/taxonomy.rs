//! Field names of three vendors under one name, and which of them an egress proxy sees.

use std::collections::HashMap;
use std::sync::LazyLock;

/// A row: our name, whether a proxy sees it, Sigma's names, Elastic's (ECS), Splunk's (CIM and Sysmon).
pub type Row =
    (&'static str, bool, &'static [&'static str], &'static [&'static str], &'static [&'static str]);

/// Sources: Sigma's taxonomy appendix (specification 2.1), the Elastic Common Schema's field reference,
/// Splunk's Common Information Model (Web, Network, Endpoint) and Sysmon's event fields.
pub const FIELDS: &[Row] = &[
    (
        "host",
        true,
        &["cs-host", "r-dns", "DestinationHostname", "QueryName", "query", "dns.question.name"],
        &[
            "dns.question.name",
            "destination.domain",
            "url.domain",
            "tls.client.server_name",
            "server.domain",
            "dns.question.registered_domain",
        ],
        &[
            "DNS.query",
            "Web.url_domain",
            "query",
            "QueryName",
            "url_domain",
            "DestinationHostname",
            "Web.dest",
            "All_Traffic.dest_host",
        ],
    ),
    ("url", true, &["c-uri", "cs-uri"], &["url.full", "url.original"], &["Web.url", "url"]),
    (
        "url.path",
        true,
        &["c-uri-stem", "cs-uri-stem"],
        &["url.path"],
        &["Web.uri_path", "uri_path"],
    ),
    (
        "url.query",
        true,
        &["c-uri-query", "cs-uri-query"],
        &["url.query"],
        &["Web.uri_query", "uri_query"],
    ),
    ("url.extension", true, &["c-uri-extension"], &["url.extension"], &[]),
    (
        "http.method",
        true,
        &["cs-method"],
        &["http.request.method"],
        &["Web.http_method", "http_method"],
    ),
    (
        "http.user_agent",
        true,
        &["c-useragent", "cs-user-agent"],
        &["user_agent.original", "user_agent.name"],
        &["Web.http_user_agent", "http_user_agent"],
    ),
    (
        "http.referrer",
        true,
        &["cs-referrer", "cs-referer"],
        &["http.request.referrer"],
        &["Web.http_referrer", "http_referrer"],
    ),
    ("http.cookie", true, &["cs-cookie"], &[], &["Web.cookie"]),
    ("http.status", true, &["sc-status"], &["http.response.status_code"], &["Web.status"]),
    ("http.version", true, &["cs-version"], &["http.version"], &[]),
    (
        "bytes.out",
        true,
        &["cs-bytes"],
        &["source.bytes", "http.request.body.bytes"],
        &["Web.bytes_out", "All_Traffic.bytes_out", "bytes_out"],
    ),
    (
        "bytes.in",
        true,
        &["sc-bytes"],
        &["destination.bytes", "http.response.body.bytes"],
        &["Web.bytes_in", "All_Traffic.bytes_in", "bytes_in"],
    ),
    (
        "destination.ip",
        true,
        &["dst_ip", "DestinationIp"],
        &["destination.ip"],
        &["All_Traffic.dest_ip", "dest_ip", "DestinationIp"],
    ),
    (
        "destination.port",
        true,
        &["dst_port", "DestinationPort"],
        &["destination.port"],
        &["All_Traffic.dest_port", "dest_port", "DestinationPort"],
    ),
    (
        "source.ip",
        true,
        &["src_ip", "c-ip", "SourceIp"],
        &["source.ip"],
        &["All_Traffic.src_ip", "src_ip", "src"],
    ),
    (
        "process.executable",
        false,
        &["Image"],
        &["process.executable"],
        &["Processes.process_path", "process_path", "Image"],
    ),
    ("process.name", false, &[], &["process.name"], &["Processes.process_name", "process_name"]),
    (
        "process.original_name",
        false,
        &["OriginalFileName"],
        &["process.pe.original_file_name"],
        &["Processes.original_file_name", "original_file_name"],
    ),
    (
        "process.command_line",
        false,
        &["CommandLine", "ProcessCommandLine"],
        &["process.command_line"],
        &["Processes.process", "CommandLine", "process"],
    ),
    ("process.args", false, &[], &["process.args"], &["process_exec"]),
    (
        "process.parent.executable",
        false,
        &["ParentImage"],
        &["process.parent.executable"],
        &["Processes.parent_process_path", "ParentImage"],
    ),
    (
        "process.parent.name",
        false,
        &[],
        &["process.parent.name"],
        &["Processes.parent_process_name", "parent_process_name"],
    ),
    (
        "process.parent.command_line",
        false,
        &["ParentCommandLine"],
        &["process.parent.command_line"],
        &["Processes.parent_process", "ParentCommandLine"],
    ),
    (
        "process.signer",
        false,
        &["Signature"],
        &["process.code_signature.subject_name"],
        &["Signature"],
    ),
    (
        "process.signed",
        false,
        &["Signed"],
        &["process.code_signature.trusted", "process.code_signature.exists"],
        &["Signed"],
    ),
    (
        "user.name",
        false,
        &["User", "cs-username", "SubjectUserName", "TargetUserName"],
        &["user.name"],
        &["Processes.user", "user", "User"],
    ),
    ("user.id", false, &["SubjectUserSid"], &["user.id"], &["user_id"]),
    (
        "file.path",
        false,
        &["TargetFilename", "FileName"],
        &["file.path"],
        &["Filesystem.file_path", "file_path", "TargetFilename"],
    ),
    ("file.name", false, &[], &["file.name"], &["Filesystem.file_name", "file_name"]),
    ("file.extension", false, &[], &["file.extension"], &[]),
    (
        "registry.path",
        false,
        &["TargetObject"],
        &["registry.path", "registry.key"],
        &["Registry.registry_path", "registry_path"],
    ),
    (
        "registry.value",
        false,
        &["Details"],
        &["registry.data.strings", "registry.value"],
        &["Registry.registry_value_data", "Registry.registry_value_name"],
    ),
    (
        "event.code",
        false,
        &["EventID"],
        &["event.code", "winlog.event_id"],
        &["EventCode", "EventID"],
    ),
    ("event.action", false, &[], &["event.action", "event.type"], &["signature", "Operation"]),
    ("host.os", false, &[], &["host.os.type", "host.os.family"], &["os"]),
    ("connection.initiated", false, &["Initiated"], &["network.direction"], &["direction"]),
    (
        "script.text",
        false,
        &["ScriptBlockText"],
        &["powershell.file.script_block_text"],
        &["ScriptBlockText"],
    ),
    ("module.path", false, &["ImageLoaded"], &["dll.path", "dll.name"], &["ImageLoaded"]),
];

/// The table by vendors' names: a constant, built once.
static BY_NAME: LazyLock<HashMap<&str, (&str, bool)>> = LazyLock::new(|| {
    let mut names = HashMap::new();
    for (name, at_the_proxy, sigma, elastic, splunk) in FIELDS {
        for field in sigma.iter().chain(*elastic).chain(*splunk) {
            // A name that two rows share belongs to the first.
            let _ = names.entry(*field).or_insert((*name, *at_the_proxy));
        }
    }
    names
});

/// Our name of a vendor's field; the vendor's own where the table has none.
pub fn normal(field: &str) -> &str {
    if field.is_empty() {
        return "(any field)";
    }
    BY_NAME.get(field).map_or(field, |(name, _)| name)
}

/// Whether an egress proxy sees a field, or our gateway answers it.
pub fn at_the_proxy(field: &str) -> bool {
    crate::evidence::is_answered(field)
        || BY_NAME.get(field).is_some_and(|(_, at_the_proxy)| *at_the_proxy)
}
