//! The committed vault shows what five public notes about T1102 showed: each list item, link, date and count
//! of theirs is named here and found on the page of its technique.

#![forbid(unsafe_code)]
#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests over files")]

use std::fs;
use std::path::Path;

/// What one note says: title and address of its links, days, and counts in the words of the page.
struct Sample {
    technique: &'static str,
    links: &'static [(&'static str, &'static str)],
    words: &'static [&'static str],
}

/// Control Validation Compass, `T1102.md`.
const COMPASS: Sample = Sample {
    technique: "T1102",
    links: &[
        ("", "https://attack.mitre.org/techniques/T1102"),
        ("MITRE D3FEND", "https://d3fend.mitre.org/"),
        ("this page", "https://d3fend.mitre.org/"),
        ("ATT&CK to D3FEND Mapper", "https://d3fend.mitre.org/tools/attack-mapper"),
        (
            "Per Host Download-Upload Ratio Analysis",
            "https://d3fend.mitre.org/techniques/d3f:PerHostDownload-UploadRatioAnalysis",
        ),
        (
            "Protocol Metadata Anomaly Detection",
            "https://d3fend.mitre.org/techniques/d3f:ProtocolMetadataAnomalyDetection",
        ),
        ("Relay Pattern Analysis", "https://d3fend.mitre.org/techniques/d3f:RelayPatternAnalysis"),
        (
            "Remote Terminal Session Detection",
            "https://d3fend.mitre.org/techniques/d3f:RemoteTerminalSessionDetection",
        ),
        (
            "Outbound Traffic Filtering",
            "https://d3fend.mitre.org/techniques/d3f:OutboundTrafficFiltering",
        ),
        (
            "Inbound Traffic Filtering",
            "https://d3fend.mitre.org/techniques/d3f:InboundTrafficFiltering",
        ),
        (
            "User Geolocation Logon Pattern Analysis",
            "https://d3fend.mitre.org/techniques/d3f:UserGeolocationLogonPatternAnalysis",
        ),
        (
            "Client-server Payload Profiling",
            "https://d3fend.mitre.org/techniques/d3f:Client-serverPayloadProfiling",
        ),
        (
            "Network Traffic Community Deviation",
            "https://d3fend.mitre.org/techniques/d3f:NetworkTrafficCommunityDeviation",
        ),
    ],
    words: &["As of 2022-04-25, 9 of 2328 in all.", "Command and Control"],
};

/// Control Validation Compass, `T1102.002.md`.
const COMPASS_TWO_WAYS: Sample = Sample {
    technique: "T1102.002",
    links: &[
        ("", "https://attack.mitre.org/techniques/T1102/002"),
        ("MITRE D3FEND", "https://d3fend.mitre.org/"),
        ("this page", "https://d3fend.mitre.org/"),
        ("ATT&CK to D3FEND Mapper", "https://d3fend.mitre.org/tools/attack-mapper"),
        (
            "Client-server Payload Profiling",
            "https://d3fend.mitre.org/techniques/d3f:Client-serverPayloadProfiling",
        ),
        (
            "Network Traffic Community Deviation",
            "https://d3fend.mitre.org/techniques/d3f:NetworkTrafficCommunityDeviation",
        ),
        (
            "Per Host Download-Upload Ratio Analysis",
            "https://d3fend.mitre.org/techniques/d3f:PerHostDownload-UploadRatioAnalysis",
        ),
        (
            "Protocol Metadata Anomaly Detection",
            "https://d3fend.mitre.org/techniques/d3f:ProtocolMetadataAnomalyDetection",
        ),
        ("Relay Pattern Analysis", "https://d3fend.mitre.org/techniques/d3f:RelayPatternAnalysis"),
        (
            "Remote Terminal Session Detection",
            "https://d3fend.mitre.org/techniques/d3f:RemoteTerminalSessionDetection",
        ),
        (
            "User Geolocation Logon Pattern Analysis",
            "https://d3fend.mitre.org/techniques/d3f:UserGeolocationLogonPatternAnalysis",
        ),
        (
            "Inbound Traffic Filtering",
            "https://d3fend.mitre.org/techniques/d3f:InboundTrafficFiltering",
        ),
        (
            "Outbound Traffic Filtering",
            "https://d3fend.mitre.org/techniques/d3f:OutboundTrafficFiltering",
        ),
        ("Sigma rules public repository", "https://github.com/SigmaHQ/sigma"),
        ("this repository", "https://github.com/SigmaHQ/sigma/tree/master/rules"),
        (
            "sigma/rules/network/net_susp_telegram_api.yml",
            "https://github.com/SigmaHQ/sigma/blob/master/rules/network/net_susp_telegram_api.yml",
        ),
        (
            "sigma/rules/proxy/proxy_telegram_api.yml",
            "https://github.com/SigmaHQ/sigma/blob/master/rules/proxy/proxy_telegram_api.yml",
        ),
    ],
    words: &[
        "As of 2022-04-27, 9 of 2328 in all.",
        "As of 2022-04-27, 2 of 2330 in all.",
        "Command and Control",
    ],
};

/// Control Validation Compass, `T1102.003.md`.
const COMPASS_ONE_WAY: Sample = Sample {
    technique: "T1102.003",
    links: &[
        ("", "https://attack.mitre.org/techniques/T1102/003"),
        ("MITRE D3FEND", "https://d3fend.mitre.org/"),
        ("this page", "https://d3fend.mitre.org/"),
        ("ATT&CK to D3FEND Mapper", "https://d3fend.mitre.org/tools/attack-mapper"),
        (
            "Client-server Payload Profiling",
            "https://d3fend.mitre.org/technique/d3f:Client-serverPayloadProfiling",
        ),
        (
            "Network Traffic Community Deviation",
            "https://d3fend.mitre.org/technique/d3f:NetworkTrafficCommunityDeviation",
        ),
        (
            "Per Host Download-Upload Ratio Analysis",
            "https://d3fend.mitre.org/technique/d3f:PerHostDownload-UploadRatioAnalysis",
        ),
        (
            "Protocol Metadata Anomaly Detection",
            "https://d3fend.mitre.org/technique/d3f:ProtocolMetadataAnomalyDetection",
        ),
        ("Relay Pattern Analysis", "https://d3fend.mitre.org/technique/d3f:RelayPatternAnalysis"),
        (
            "Remote Terminal Session Detection",
            "https://d3fend.mitre.org/technique/d3f:RemoteTerminalSessionDetection",
        ),
        (
            "User Geolocation Logon Pattern Analysis",
            "https://d3fend.mitre.org/technique/d3f:UserGeolocationLogonPatternAnalysis",
        ),
        (
            "Inbound Traffic Filtering",
            "https://d3fend.mitre.org/technique/d3f:InboundTrafficFiltering",
        ),
        (
            "Outbound Traffic Filtering",
            "https://d3fend.mitre.org/technique/d3f:OutboundTrafficFiltering",
        ),
        ("Sigma rules public repository", "https://github.com/SigmaHQ/sigma"),
        ("rules", "https://github.com/SigmaHQ/sigma/tree/master/rules"),
        ("proxy", "https://github.com/SigmaHQ/sigma/tree/master/rules/proxy/"),
        (
            "PwnDrp Access",
            "https://github.com/SigmaHQ/sigma/blob/master/rules/proxy/proxy_pwndrop.yml",
        ),
        (
            "Raw Paste Service Access",
            "https://github.com/SigmaHQ/sigma/blob/master/rules/proxy/proxy_raw_paste_service_access.yml",
        ),
    ],
    words: &[
        "As of 2022-05-23, 9 of 2328 in all.",
        "As of 2022-08-09, 2 of 2578 in all.",
        "Command and Control",
    ],
};

/// detection.wiki, T1102.002.
const RULE_CATALOGUE: Sample = Sample {
    technique: "T1102.002",
    links: &[],
    words: &[
        "Github Self-Hosted Runner Execution",
        "Potentially Suspicious Azure Front Door Connection",
        "Telegram API Access",
        "Telegram Bot API Request",
        "AWS CLI Command with Custom Endpoint URL",
        "Connection to Common Large Language Model Endpoints",
        "Connection to Commonly Abused Web Services",
        "DNS to Commonly Abused Web Services",
        "Google Calendar C2 via Script Interpreter",
        "Linux Telegram API Request",
        "Potential Etherhiding C2 via Blockchain Connection",
        "Statistical Model Detected C2 Beaconing Activity",
        "Statistical Model Detected C2 Beaconing Activity with High Confidence",
        "Suspicious Curl to Google App Script Endpoint",
        "Sysmon, Event ID 1, Process creation",
        "Sysmon, Event ID 3, Network connection",
        "Sysmon, Event ID 22, DNSEvent (DNS query)",
        "Security-Auditing, Event ID 4688, A new process has been created.",
        "ESF, write, File Write (NOTIFY)",
        "detection.wiki: Events covered\n\n5 in all.",
        "detection.wiki: Authoring guide\n\n19 counted there.",
        "Fields filtered most (25 distinct)",
        "Top indicator values (488 distinct)",
        "Exclusions (155 distinct)",
        "detection.wiki: Sigma\n\n4 in all.",
        "detection.wiki: Elastic\n\n10 in all.",
        "Command and Control",
    ],
};

/// A vault in Obsidian, T1102.002.
const VAULT: Sample = Sample {
    technique: "T1102.002",
    links: &[("", "https://attack.mitre.org/techniques/T1102/002")],
    words: &[
        "created: 2020-03-14",
        "ATT&CK, version 1.0 of the technique: Data Sources\n\nAs of 2020-03-26, 3 listed.",
        "Network Traffic: Network Connection Creation",
        "Network Traffic: Network Traffic Content",
        "Network Traffic: Network Traffic Flow",
        "\"Linux\"",
        "\"Windows\"",
        "\"macOS\"",
        "  - T1102_002",
        "  - techniques",
        "  - Command_and_Control",
        "### Description",
        "### Detection",
        "### Defenses Bypassed",
        "### Data Sources",
        "### Detection Rule",
        "### Rule Testing",
        "```dataview\ntable without id\nfile.link AS \"Name\",\nstatus AS \"Status\",\nlevel AS \"Level\",\nlogsrc_product AS \"Log Source Product\"\nFROM \"Detection Rules\" AND #T1102_002\n```",
        "```dataview\nTABLE without id\nfilename AS \"Name\"\nFROM \"Testing Runbooks\" AND #T1102_002\n```",
    ],
};

/// The page of a technique in the committed vault.
fn page(technique: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vault/Techniques");
    let start = format!("{technique} - ");
    let is_it = |name: &str| name.starts_with(&start);
    let mut entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let found = entries.find(|entry| is_it(&entry.file_name().to_string_lossy())).unwrap();
    fs::read_to_string(found.path()).unwrap().replace("&amp;", "&").replace('\\', "")
}

#[test]
fn the_committed_vault_shows_what_five_public_notes_showed() {
    let mut n_found = 0;
    for sample in [COMPASS, COMPASS_TWO_WAYS, COMPASS_ONE_WAY, RULE_CATALOGUE, VAULT] {
        let page = page(sample.technique);
        for (title, url) in sample.links {
            assert!(page.contains(url), "{}: {url}", sample.technique);
            assert!(page.contains(title), "{}: {title}", sample.technique);
            n_found += 1;
        }
        for words in sample.words {
            assert!(page.contains(words), "{}: {words}", sample.technique);
            n_found += 1;
        }
    }
    assert!(n_found > 80, "{n_found}");
}

/// The nine countermeasures of the Control Validation Compass, and how far an egress gateway goes.
const NINE: [(&str, &str, &str); 9] = [
    ("D3-CSPP", "Client-server Payload Profiling", "partial"),
    ("D3-ITF", "Inbound Traffic Filtering", "not applicable"),
    ("D3-NTCD", "Network Traffic Community Deviation", "partial"),
    ("D3-OTF", "Outbound Traffic Filtering", "full"),
    ("D3-PHDURA", "Per Host Download-Upload Ratio Analysis", "full"),
    ("D3-PMAD", "Protocol Metadata Anomaly Detection", "full"),
    ("D3-RPA", "Relay Pattern Analysis", "weak"),
    ("D3-RTSD", "Remote Terminal Session Detection", "partial"),
    ("D3-UGLPA", "User Geolocation Logon Pattern Analysis", "not possible"),
];

#[test]
fn each_of_the_nine_countermeasures_has_a_page_that_says_what_a_gateway_evidences() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vault/Countermeasures");
    for (id, name, here) in NINE {
        let page = fs::read_to_string(folder.join(format!("{id} - {name}.md"))).unwrap();
        assert!(page.contains(&format!("here: \"{here}\"\n")), "{id}: {page}");
        assert!(page.contains(&format!("### At the gateway\n\n**{here}**: ")), "{id}: {page}");
        let (_, definition) = page.split_once(&format!("# {name} ({id})\n\n")).unwrap();
        assert!(definition.split('\n').next().unwrap().len() > 40, "{id}: {page}");
        for technique in ["T1102", "T1102.001", "T1102.002", "T1102.003"] {
            assert!(page.contains(&format!("[{technique} Web Service")), "{id}: {technique}");
        }
        if here == "full" || here == "partial" {
            assert!(page.contains("Fields that show it: `"), "{id}: {page}");
        }
    }
}

#[test]
fn public_rules_and_tests_are_shown_by_title_author_licence_and_link() {
    let page = page("T1102.002");
    for part in [
        "[Telegram API Access](https://github.com/SigmaHQ/sigma/blob/",
        "Detection Rule License 1.1",
        "[Linux Telegram API Request](https://github.com/elastic/detection-rules/blob/",
        "by Elastic, Elastic License v2",
        "### Tests of Atomic Red Team",
        "T1102.002.md#atomic-test-1---",
        "GUID `",
        "### Public sources",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    for (vendor, n_rules) in [("Sigma", 4), ("Elastic", 11)] {
        assert!(page.contains(&format!("#### {vendor} {n_rules} rules")), "{vendor}");
        assert!(
            page.contains(&format!("rules_{}: {n_rules}\n", vendor.to_lowercase())),
            "{vendor}"
        );
    }
}

#[test]
fn the_page_on_services_says_what_rules_find() {
    let vault = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vault");
    let page = fs::read_to_string(vault.join("Service Coverage.md")).unwrap();
    assert!(page.contains("](Pictures/services.svg)"));
    assert!(page.contains("| [Telegram](Services/Telegram.md) | messaging | "), "{page}");
    let picture = fs::read_to_string(vault.join("Pictures/services.svg")).unwrap();
    assert!(picture.contains("<title>Telegram, upload: "), "{picture}");
    let service = fs::read_to_string(vault.join("Services/Telegram.md")).unwrap();
    let upload = service.lines().find(|line| line.starts_with("- upload: ")).unwrap();
    assert!(upload.contains("[Telegram bot API called with a bot token in the path]("), "{upload}");
    let n_services = page.lines().filter(|line| line.contains("](Services/")).count();
    let home = fs::read_to_string(vault.join("Home.md")).unwrap();
    assert!(home.contains("(Service%20Coverage.md)"), "{home}");
    assert!(n_services > 200, "{n_services}");
}

#[test]
fn the_documentation_lists_everything_that_is_left_out() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/vault.md");
    let text = fs::read_to_string(path).unwrap();
    for left_out in catalogue::LEFT_OUT {
        let part = left_out.part;
        let shown = if part.contains('.') { format!("`{part}`") } else { part.to_owned() };
        let row = format!("| `--{}` | {shown} | {} |\n", left_out.source, left_out.why);
        assert!(text.contains(&row), "{row}");
    }
}

#[test]
fn runbooks_of_the_committed_vault_have_results_of_a_gateway() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vault/Testing Runbooks");
    let texts = fs::read_dir(folder).unwrap();
    let texts = texts.map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap());
    let has_passed = |text: &String| {
        text.contains("test_state: \"passed\"\n") && text.contains("\nlast_run: 20")
    };
    let n_passed = texts.filter(has_passed).count();
    assert!(n_passed > 60, "{n_passed} runbooks have passed");
}
