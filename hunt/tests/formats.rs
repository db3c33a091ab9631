//! Logs as proxies and sensors write them and collectors wrap them: what is detected and found in each.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may panic")]

use std::sync::Arc;

use hunt::{Hunter, Output, Report};
use inspect::Pack;
use traffic::{FieldMap, Format, Layout, TextFormat};

const RULES: &str = "
title: Paste
logsource: {category: proxy}
detection: {s: {cs-host: paste.example, c-uri-stem|startswith: /raw/}, condition: s}
---
title: Tunnel
logsource: {category: proxy}
detection: {s: {cs-host|endswith: .tunnel.example}, condition: s}
---
title: Query
logsource: {category: proxy}
detection: {s: {c-uri-query|contains: export=download}, condition: s}
---
title: Oddity
logsource: {category: proxy}
detection: {s: {tidegate.anomaly: path.encoded_letter}, condition: s}
---
title: Everything
logsource: {category: proxy}
detection:
    s:
        cs-method: GET
        cs-host: paste.example
        c-uri-stem: /raw/abcdefgh
        c-useragent: everything/1
        src_ip: 10.0.1.7
        sc-status: 200
    condition: s
";

fn pack() -> Pack {
    let parsed = sigma::parse(&sigma::Source::new("t.yml", RULES));
    let mut compiler = sigma::Compiler::new("t", 1);
    for rule in &parsed.rules {
        compiler.add(rule).unwrap();
    }
    Pack::decode(&compiler.finish().encode()).unwrap()
}

/// The `line title host path source` of each record, and the summary.
fn hunt(layout: &Layout, log: &[u8], map: &FieldMap) -> (Vec<String>, String) {
    // As the pieces of a log come.
    let cut = layout.end_of_lines(log.get(..log.len() / 2).unwrap_or_default()).unwrap_or(0);
    let pieces = if layout.is_document() { (log, &b""[..]) } else { log.split_at(cut) };
    let hunted = |mut hunter: Hunter| {
        let mut report = Report::new(pack(), Output::Json, 1, false);
        report.begin(&Arc::from("log"));
        let mut out = String::new();
        for piece in [pieces.0, pieces.1].into_iter().filter(|piece| !piece.is_empty()) {
            out += &report.take(hunter.hunt(piece));
        }
        out += &report.finish();
        (out, report.summary())
    };
    let (out, summary) = hunted(Hunter::new(pack(), layout.clone(), map, false));
    // Behind a log of another layout nothing else is found.
    let mut used = Hunter::new(pack(), Format::ZeekDns, map, false);
    used.hunt(br#"{"uid":"C","id.orig_h":"10.0.1.7","query":"a.tunnel.example"}"#);
    used.set_layout(layout.clone(), map);
    assert_eq!(hunted(used), (out.clone(), summary.clone()));
    let records = out.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let text =
        |record: &serde_json::Value, name: &str| record[name].as_str().unwrap_or("-").to_owned();
    let records = records.map(|record| {
        let [title, host, path, source] =
            ["title", "host", "path", "source"].map(|name| text(&record, name));
        format!("{} {title} {host} {path} {source}", record["line"])
    });
    (records.collect(), summary)
}

fn check(name: &str, log: &str, format: Format, expect: &[&str]) {
    let layout = Layout::detect(log.as_bytes()).unwrap_or_else(|| panic!("{name}: not detected"));
    assert_eq!(layout.format, format, "{name}");
    let (found, summary) = hunt(&layout, log.as_bytes(), &FieldMap::default());
    assert_eq!(found, expect, "{name}: {summary}");
    let n_lines = if layout.is_document() { None } else { Some(log.lines().count()) };
    if let Some(n_lines) = n_lines {
        let noun = if n_lines == 1 { "line" } else { "lines" };
        assert!(summary.starts_with(&format!("{n_lines} {noun} = ")), "{name}: {summary}");
    }
}

const LINE: &str = r#"{"authority":"paste.example","method":"GET","path":"/raw/abcdefgh","response_code":200,"downstream_remote_address":"10.0.1.7:1","start_time":"2026-11-20T08:00:00Z"}"#;
const FOUND: &str = "1 Paste paste.example /raw/abcdefgh 10.0.1.7";

#[test]
fn tls_that_passes_through_is_judged_by_its_server_name() {
    for (name, host) in [("null", "null"), ("dash", r#""-""#), ("empty", r#""""#)] {
        let line = format!(
            r#"{{"authority":{host},"method":{host},"path":{host},"requested_server_name":"a.tunnel.example","downstream_remote_address":"10.0.1.7:1","response_code":0}}"#
        );
        check(name, &line, Format::Envoy, &["1 Tunnel a.tunnel.example - 10.0.1.7"]);
    }
    let left_out = r#"{"bytes_sent":1,"requested_server_name":"a.tunnel.example","upstream_host":"192.0.2.1:443","downstream_remote_address":"10.0.1.7:1"}"#;
    check("left out", left_out, Format::Envoy, &["1 Tunnel a.tunnel.example - 10.0.1.7"]);
}

/// Each JSON type in each key beside host and path: the request is judged, the value is counted.
#[test]
fn a_value_of_a_wrong_type_costs_that_value_alone() {
    for (key, values) in [
        ("response_code", &["true", "[]", "{}", "-1", r#""200 OK""#, "1e22", "70000"][..]),
        ("bytes_received", &["false", "[1]", "{}", "-1", "1.5", r#""x""#]),
        ("bytes_sent", &["false", "[1]", "{}", "-1", "1.5", "1e400"]),
        ("user_agent", &["true", "[]", "{}", r#"["a"]"#, r#"{"original":"a"}"#]),
        ("referer", &["true", "[]", "{}"]),
        ("cookie", &["true", "[]", "{}"]),
        ("protocol", &["true", "[]", "{}"]),
        ("requested_server_name", &["true", "[]", "{}"]),
        ("upstream_host", &["true", "[]", r#"{"a":1}"#]),
        ("source_identity", &["true", "[]", "{}"]),
    ] {
        for value in values {
            let log = format!(
                "{},\"{key}\":{value}}}",
                LINE.trim_end_matches('}').replace(r#""response_code":200,"#, "")
            );
            let (found, summary) =
                hunt(&Format::Envoy.into(), log.as_bytes(), &FieldMap::default());
            assert_eq!(found, [FOUND], "{key}: {value}: {summary}");
            let counted = format!("  1 value of `{key}` left out: of a wrong type");
            assert!(summary.contains(&counted), "{key}: {value}: {summary}");
        }
    }
    for value in ["200.0", r#""200.0""#, "2e2", r#""200""#, r#""-""#, "null", r#""""#, "0"] {
        let log = LINE.replace(":200,", &format!(":{value},"));
        let (found, summary) = hunt(&Format::Envoy.into(), log.as_bytes(), &FieldMap::default());
        assert_eq!(found, [FOUND], "{value}");
        assert!(!summary.contains("left out"), "{value}: {summary}");
    }
}

#[test]
fn a_map_describes_requests() {
    let log = r#"{"verb":"GET","site":"paste.example","target":"/%72aw/abc","who":{"ip":"10.0.1.7"}}
{"verb":"GET","site":"a.example:443","target":"/uc?export=download","who":{"ip":"10.0.1.7"}}
{"verb":"GET","site":"proxy.example","target":"http://paste.example/raw/x","who":{"ip":"10.0.1.7"}}
{"verb":"CONNECT","site":"a.tunnel.example:443","target":null,"who":{"ip":"10.0.1.7"}}
{"verb":"GET","site":"b.example","target":"/uc","args":"export=download","who":{"ip":"10.0.1.7"}}
"#;
    let expect = [
        "1 Paste paste.example /{}/abc 10.0.1.7",
        "1 Oddity paste.example /{}/abc 10.0.1.7",
        "2 Query a.example:443 /uc?export={} 10.0.1.7",
        "3 Paste paste.example /raw/x 10.0.1.7",
        "4 Tunnel a.tunnel.example:443 - 10.0.1.7",
        "5 Query b.example /uc?export={} 10.0.1.7",
    ];
    for map in [
        "[request]\nmethod = \"verb\"\nhost = \"site\"\npath = \"target\"\nquery = \"args\"\nsource = \"who.ip\"\n",
        "[fields]\ncs-method = \"verb\"\ncs-host = \"site\"\nc-uri-stem = \"target\"\nc-uri-query = \"args\"\nsrc_ip = \"who.ip\"\n",
    ] {
        let map = FieldMap::read(&"map".into(), map).unwrap();
        let layout = Layout::from(Format::Json).within(log.as_bytes());
        let (found, summary) = hunt(&layout, log.as_bytes(), &map);
        assert_eq!(found, expect, "{summary}");
    }
    let error = FieldMap::read(&"map".into(), "[request]\nagnt = \"x\"\n").unwrap_err();
    assert!(error.diagnostic.message.contains("unknown part `agnt`"), "{error:?}");
}

#[test]
fn lines_are_unwrapped_and_their_parts_joined() {
    let escaped = serde_json::Value::from(format!("{LINE}\n")).to_string();
    let cri = format!(
        "2026-11-20T08:00:00.2Z stderr F [info] starting\n2026-11-20T08:00:00.2Z stdout F {LINE}\n"
    );
    let found = FOUND.replacen('1', "2", 1);
    check("CRI", &cri, Format::Envoy, &[&found]);
    let (first, second) = LINE.split_at(40);
    let parts = format!(
        "2026-11-20T08:00:00.2Z stdout F {LINE}\n2026-11-20T08:00:00.2Z stdout P {first}\n2026-11-20T08:00:00.2Z stderr F note\n2026-11-20T08:00:00.2Z stdout F {second}\n"
    );
    check("parts", &parts, Format::Envoy, &[FOUND, &FOUND.replacen('1', "4", 1)]);
    let docker = format!("{{\"log\": {escaped}, \"stream\": \"stdout\", \"time\": \"x\"}}\n");
    check("docker", &docker, Format::Envoy, &[FOUND]);
    let merged = format!(
        "{{\"time\": \"x\", \"_p\": \"F\", \"log_processed\": {LINE}, \"kubernetes\": {{\"host\": \"n\"}}}}\n"
    );
    check("fluent-bit", &merged, Format::Envoy, &[FOUND]);
    let logstash = format!("{{\"@version\": \"1\", \"message\": {escaped}}}\n");
    check("logstash", &logstash, Format::Envoy, &[FOUND]);
    let nested = format!("2026-11-20T08:00:00.2Z stdout F {{\"message\": {escaped}}}\n");
    check("JSON in CRI", &nested, Format::Envoy, &[FOUND]);
    let kubectl = format!(
        "{{\"level\":\"info\",\"msg\":\"starting\"}}\n[2026-11-20 08:00:00.1][1][info][main] x\n{LINE}\n"
    );
    check("kubectl", &kubectl, Format::Envoy, &[&FOUND.replacen('1', "3", 1)]);
    check("prefix", &format!("[pod/gateway/proxy] {LINE}\n"), Format::Envoy, &[FOUND]);
    let broken = format!("{}\n{LINE}\n", LINE.replace("200", "-"));
    check("a broken first line", &broken, Format::Envoy, &[&found]);
    let pretty =
        serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(LINE).unwrap())
            .unwrap();
    check("over several lines", &pretty, Format::Envoy, &[FOUND]);
    check("a list", &format!("[\n{pretty},\n{pretty}]\n"), Format::Envoy, &[FOUND, &found]);
    let named = Layout::from(Format::Envoy).within(docker.as_bytes());
    assert_eq!(hunt(&named, docker.as_bytes(), &FieldMap::default()).0, [FOUND]);
}

#[test]
fn text_logs_of_envoy_are_read_by_their_format_string() {
    let envoy = r#"[2026-11-20T08:14:44.179Z] "GET /raw/abcdefgh HTTP/1.1" 200 - 12 240 139 138 "10.0.1.7" "curl/8" "id" "paste.example" "192.0.2.12:443""#;
    check("Envoy", envoy, Format::EnvoyText, &[FOUND]);
    let istio = r#"[2026-11-20T08:14:45.179Z] "- - -" 0 - - - "-" 883 24293 139 - "-" "-" "-" "-" "192.0.2.10:443" outbound|443||x 10.0.3.9:1 10.0.3.9:8443 10.0.1.7:38598 a.tunnel.example -"#;
    check("Istio", istio, Format::EnvoyText, &["1 Tunnel a.tunnel.example - 10.0.1.7"]);
    let wrapped = format!("2026-11-20T08:00:00.2Z stdout F {envoy}\n");
    check("Envoy in CRI", &wrapped, Format::EnvoyText, &[FOUND]);
    let own =
        "%START_TIME% %DOWNSTREAM_REMOTE_ADDRESS% %REQ(:METHOD)% %REQ(:AUTHORITY)%%REQ(:PATH)%";
    assert!(TextFormat::compile(own).is_err());
    let own =
        "%START_TIME% %DOWNSTREAM_REMOTE_ADDRESS% %REQ(:METHOD)% %REQ(:AUTHORITY)% %REQ(:PATH)%\n";
    let layout = Layout::from(TextFormat::compile(own).unwrap());
    let log = "2026-11-20T08:14:45.179Z 10.0.1.7:5 GET paste.example /raw/abcdefgh\nx\n";
    let (found, summary) =
        hunt(&layout.within(log.as_bytes()), log.as_bytes(), &FieldMap::default());
    assert_eq!(found, [FOUND]);
    assert!(summary.contains("1 unreadable: not a line of the format"), "{summary}");
}

#[test]
fn logs_of_other_programs_are_read() {
    let squid = "1763625600.253    325 10.0.1.7 TCP_MISS/200 2912 GET http://paste.example/raw/abcdefgh - HIER_DIRECT/192.0.2.12 text/html\n1763625601.253    325 10.0.1.7 TCP_TUNNEL/200 2912 CONNECT a.tunnel.example:443 - HIER_DIRECT/192.0.2.12 -\n";
    let tunnel = "2 Tunnel a.tunnel.example:443 - 10.0.1.7";
    check("Squid", squid, Format::Squid, &[FOUND, tunnel]);
    let syslog: String = squid
        .lines()
        .map(|line| format!("<166>Nov 20 08:00:00 fw (squid-1)[6802]: {line}\n"))
        .collect();
    check("Squid in syslog", &syslog, Format::Squid, &[FOUND, tunnel]);
    let combined = r#"10.0.1.7 - - [20/Nov/2026:08:00:00 +0000] "GET https://paste.example/raw/abcdefgh HTTP/1.1" 200 8752 "-" "curl/8" TCP_MISS:HIER_DIRECT"#;
    check("combined", combined, Format::Combined, &[FOUND]);
    let zeek = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\thttp\n#fields\tts\tuid\tid.orig_h\tmethod\thost\turi\ttags\n#types\ttime\tstring\taddr\tstring\tstring\tstring\tset[enum]\n1763625600.8\tC1\t10.0.1.7\tGET\tpaste.example\t/raw/abcdefgh\t(empty)\n";
    check("Zeek", zeek, Format::ZeekHttp, &[&FOUND.replacen('1', "8", 1)]);
    let nested = r#"{"_path":"http","uid":"C","id":{"orig_h":"10.0.1.7"},"method":"GET","host":"paste.example","uri":"/raw/abcdefgh"}"#;
    check("Zeek with inner objects", nested, Format::ZeekHttp, &[FOUND]);
    let stream = r#"{"_path":"conn","uid":"C1","id.orig_h":"10.0.1.7","service":"ssl"}
{"_path":"ssl","uid":"C1","id.orig_h":"10.0.1.7","server_name":"a.tunnel.example"}
{"_path":"http","uid":"C2","id.orig_h":"10.0.1.7","method":"GET","host":"paste.example","uri":"/raw/abcdefgh"}
"#;
    let found = ["2 Tunnel a.tunnel.example - 10.0.1.7", &FOUND.replacen('1', "3", 1)];
    check("a stream of Zeek", stream, Format::ZeekHttp, &found);
    let suricata = r#"{"timestamp":"2026-11-20T08:00:00.362749+0000","flow_id":1,"event_type":"stats"}
{"timestamp":"2026-11-20T08:00:01.362749+0000","flow_id":2,"event_type":"http","src_ip":"10.0.1.7","http":{"hostname":"x.example","url":"/uc?export=download","http_method":"GET"}}
{"timestamp":"2026-11-20T08:00:02.362749+0000","flow_id":3,"event_type":"http","src_ip":"10.0.1.7","http":{"hostname":"paste.example","url":"http://paste.example/raw/abcdefgh","http_method":"GET"}}
{"timestamp":"2026-11-20T08:00:03.362749+0000","flow_id":4,"event_type":"tls","src_ip":"10.0.1.7","tls":{"sni":"a.tunnel.example"}}
{"timestamp":"2026-11-20T08:00:04.362749+0000","flow_id":4,"event_type":"alert","src_ip":"10.0.1.7","alert":{"signature":"x"},"http":{"hostname":"paste.example","url":"/raw/abcdefgh","http_method":"GET"}}
{"timestamp":"2026-11-20T08:00:05.362749+0000","flow_id":5,"event_type":"dns","src_ip":"10.0.1.7","dns":{"rrname":"a.tunnel.example"}}
{"timestamp":"2026-11-20T08:00:06.362749+0000","flow_id":6,"event_type":"quic","src_ip":"10.0.1.7","quic":{"sni":"b.tunnel.example"}}
"#;
    let found = [
        "2 Query x.example /uc?export={} 10.0.1.7",
        &FOUND.replacen('1', "3", 1),
        "4 Tunnel a.tunnel.example - 10.0.1.7",
        "7 Tunnel b.tunnel.example - 10.0.1.7",
    ];
    check("Suricata", suricata, Format::Suricata, &found);
    let layout = Layout::from(Format::Suricata);
    let (_, summary) = hunt(&layout, suricata.as_bytes(), &FieldMap::default());
    let counts = "7 lines = 4 events + 3 blank or comments + 0 unreadable";
    assert!(summary.starts_with(counts), "alerts and others are neither: {summary}");
    let ssl = r#"{"ts":1763625600.8,"uid":"C1","id.orig_h":"10.0.1.7","server_name":"a.tunnel.example","cipher":"x"}"#;
    check("Zeek's ssl", ssl, Format::ZeekSsl, &["1 Tunnel a.tunnel.example - 10.0.1.7"]);
    let dns = r#"{"ts":1763625600.8,"uid":"C1","id.orig_h":"10.0.1.7","query":"a.tunnel.example","qtype":1}"#;
    check("Zeek's dns", dns, Format::ZeekDns, &["1 Tunnel a.tunnel.example - 10.0.1.7"]);
    let nginx = r#"{"time":"2026-11-20T08:00:00Z","host":"paste.example","request_method":"GET","request_uri":"/raw/abcdefgh","status":200,"remote_addr":"10.0.1.7"}
{"time":"x","host":"b.example","request_method":"GET","uri":"/uc","args":"export=download","status":200}
"#;
    check("nginx", nginx, Format::Envoy, &[FOUND, "2 Query b.example /uc?export={} -"]);
    let nginx = r#"{"time_local":"20/Nov/2026:08:00:00 +0000","remote_addr":"10.0.1.7","request":"GET /raw/abcdefgh HTTP/1.1","http_host":"paste.example","server_name":"_","status":"200","body_bytes_sent":"5"}
{"time_local":"x","remote_addr":"10.0.1.7","request":"GET http://paste.example/raw/x HTTP/1.1","host":"paste.example","status":200}
{"time_local":"x","remote_addr":"10.0.1.7","request":"CONNECT a.tunnel.example:443 HTTP/1.1","host":"a.tunnel.example","status":400}
{"time_local":"x","remote_addr":"10.0.1.7","request":"","host":"paste.example","status":400}
"#;
    let found = [
        FOUND,
        "2 Paste paste.example /raw/x 10.0.1.7",
        "3 Tunnel a.tunnel.example:443 - 10.0.1.7",
    ];
    check("nginx with the first line", nginx, Format::Envoy, &found);
}

/// Gateways and clouds that write a request as an object of its own, or by names of their own: each line has a
/// method, a host, a path, an agent, a source, a status and a time.
#[test]
fn requests_within_objects_and_under_names_of_vendors_are_read() {
    for (name, line) in [
        (
            "Caddy",
            r#"{"level":"info","ts":1795161600.52,"logger":"http.log.access","msg":"handled request","request":{"remote_ip":"10.0.1.7","remote_port":"4","client_ip":"10.0.1.7","proto":"HTTP/2.0","method":"GET","host":"paste.example","uri":"/raw/abcdefgh","headers":{"Accept":["*/*"],"User-Agent":["everything/1"]},"tls":{"proto":"h2","server_name":"paste.example"}},"bytes_read":5,"size":10900,"status":200,"resp_headers":{"Server":["Caddy"]}}"#,
        ),
        (
            "Kong",
            r#"{"latencies":{"request":515,"kong":58},"service":{"host":"upstream.example","port":80},"request":{"querystring":{"a":"b"},"size":5,"uri":"/raw/abcdefgh","url":"http://paste.example:80/raw/abcdefgh","headers":{"host":"paste.example","user-agent":"everything/1"},"method":"GET"},"client_ip":"10.0.1.7","upstream_uri":"/x","response":{"headers":{"host":"other.example"},"status":200,"size":10900},"started_at":1795161600520}"#,
        ),
        (
            "Application Gateway of Azure",
            r#"{"timeStamp":"2026-11-20T08:00:00.52Z","category":"ApplicationGatewayAccessLog","properties":{"clientIP":"10.0.1.7","httpMethod":"GET","originalRequestUriWithArgs":"/raw/abcdefgh","requestUri":"/rewritten","requestQuery":"","userAgent":"everything/1","httpStatus":200,"receivedBytes":5,"sentBytes":10900,"host":"paste.example","originalHost":"paste.example"}}"#,
        ),
        (
            "Front Door of Azure",
            r#"{"time":"2026-11-20T08:00:00.52Z","category":"FrontDoorAccessLog","properties":{"httpMethod":"GET","requestUri":"https://paste.example:443/raw/abcdefgh","requestBytes":"5","responseBytes":"10900","userAgent":"everything/1","clientIp":"10.0.1.7","requestProtocol":"HTTPS","httpStatusCode":"200","hostName":"paste.example"}}"#,
        ),
        (
            "Cloudflare's requests",
            r#"{"ClientIP":"10.0.1.7","ClientRequestBytes":5,"ClientRequestHost":"paste.example","ClientRequestMethod":"GET","ClientRequestScheme":"https","ClientRequestURI":"/raw/abcdefgh","ClientRequestUserAgent":"everything/1","EdgeResponseBytes":10900,"EdgeResponseStatus":200,"EdgeStartTimestamp":"2026-11-20T08:00:00.52Z"}"#,
        ),
        (
            "Fastly",
            r#"{"timestamp":"2026-11-20T08:00:00.52+0000","client_ip":"10.0.1.7","host":"paste.example","url":"/raw/abcdefgh","request_method":"GET","request_protocol":"HTTP/2","request_user_agent":"everything/1","response_status":200,"response_body_size":10900}"#,
        ),
        (
            "Traefik",
            r#"{"ClientAddr":"10.0.1.7:4","ClientHost":"10.0.1.7","DownstreamContentSize":10900,"DownstreamStatus":200,"RequestContentSize":5,"RequestHost":"paste.example","RequestMethod":"GET","RequestPath":"/raw/abcdefgh","RequestProtocol":"HTTP/1.1","RequestScheme":"https","StartUTC":"2026-11-20T08:00:00.52Z","level":"info","msg":"","request_User-Agent":"everything/1"}"#,
        ),
    ] {
        let layout = Layout::detect(line.as_bytes()).unwrap_or_else(|| panic!("{name}"));
        let (found, summary) = hunt(&layout, line.as_bytes(), &FieldMap::default());
        // A port is a part of the host that was asked for.
        let found: Vec<_> =
            found.iter().map(|found| found.replace(":80 ", " ").replace(":443 ", " ")).collect();
        let all = FOUND.replacen("Paste", "Everything", 1);
        assert_eq!(found, [FOUND, all.as_str()], "{name}: {summary}");
        assert!(!summary.contains("without a time"), "{name}: {summary}");
    }
}

/// Firewalls and gateways of vendors: what they log of requests, and of TLS that they do not open.
#[test]
fn logs_of_firewalls_and_meshes_are_read() {
    let azure = |category: &str, properties: &str| {
        format!(
            r#"{{"time":"2026-11-20T08:00:00.52Z","resourceId":"/SUBSCRIPTIONS/1","category":"{category}","properties":{{{properties}}}}}"#
        )
    };
    let inspected = azure(
        "AZFWApplicationRule",
        r#""Protocol":"HTTPS","SourceIp":"10.0.1.7","SourcePort":38842,"DestinationPort":443,"Fqdn":"paste.example","TargetUrl":"paste.example/raw/abcdefgh","Action":"Allow","IsTlsInspected":true"#,
    );
    let tunnel = azure(
        "AZFWApplicationRule",
        r#""Protocol":"HTTPS","SourceIp":"10.0.1.7","SourcePort":38842,"DestinationPort":443,"Fqdn":"a.tunnel.example","TargetUrl":"","Action":"Deny""#,
    );
    let network = azure(
        "AZFWNetworkRule",
        r#""Protocol":"TCP","SourceIp":"10.0.1.7","DestinationIp":"192.0.2.1","DestinationPort":443"#,
    );
    let second = "2 Tunnel a.tunnel.example - 10.0.1.7";
    let third = "3 Tunnel a.tunnel.example - 10.0.1.7";
    let log = format!("{inspected}\n{tunnel}\n{network}\n");
    check("Azure Firewall", &log, Format::AzureFirewall, &[FOUND, second]);
    let records = format!("{{\"records\":[{network},{inspected},{tunnel}]}}");
    let in_records = [&FOUND.replacen('1', "2", 1), third];
    check("records of Azure", &records, Format::AzureFirewall, &in_records);
    let old = |text: &str| azure("AzureFirewallApplicationRule", &format!(r#""msg":"{text}""#));
    let log = [
        old("TCP request from 10.0.1.7:5 to 192.0.2.1:443. Action: Deny"),
        old(
            "HTTP request from 10.0.1.7:5 to paste.example:80. Url: paste.example/raw/abcdefgh. Action: Allow. Rule: r",
        ),
        old("HTTPS request from 10.0.1.7:5 to a.tunnel.example:443. Action: Deny. Rule: r"),
    ];
    check("older Azure Firewall", &log.join("\n"), Format::AzureFirewall, &in_records);
    let workspace = r#"{"TenantId":"1","TimeGenerated":"2026-11-20T08:00:00Z","Category":"AzureFirewallApplicationRule","msg_s":"HTTPS request from 10.0.1.7:5 to a.tunnel.example:443. Action: Allow","Type":"AzureDiagnostics"}"#;
    let first = "1 Tunnel a.tunnel.example - 10.0.1.7";
    check("AzureDiagnostics", workspace, Format::AzureFirewall, &[first]);
    let export = "TimeGenerated [UTC],SourceIp,SourcePort,DestinationPort,Fqdn,TargetUrl,Action\n\"11/20/2026, 8:00:00.000 AM\",10.0.1.7,4,443,a.tunnel.example,,Allow\n";
    check("an export of a workspace", export, Format::Csv, &[second]);

    let aws = |event: &str| {
        format!(
            r#"{{"firewall_name":"f","availability_zone":"z","event_timestamp":"1795161600","event":{event}}}"#
        )
    };
    let log = [
        aws(
            r#"{"timestamp":"2026-11-20T08:00:00.362749+0000","flow_id":1,"event_type":"netflow","src_ip":"10.0.1.7","dest_ip":"192.0.2.1","netflow":{"pkts":1}}"#,
        ),
        aws(
            r#"{"timestamp":"2026-11-20T08:00:00.362749+0000","flow_id":2,"event_type":"alert","src_ip":"10.0.1.7","dest_ip":"192.0.2.1","alert":{"action":"blocked"},"http":{"hostname":"paste.example","url":"/raw/abcdefgh","http_method":"GET"}}"#,
        ),
        aws(
            r#"{"timestamp":"2026-11-20T08:00:00.362749+0000","flow_id":3,"event_type":"alert","src_ip":"10.0.1.7","dest_ip":"192.0.2.1","alert":{"action":"allowed"},"tls":{"sni":"a.tunnel.example"}}"#,
        ),
    ];
    check("AWS Network Firewall", &log.join("\n"), Format::Suricata, &in_records);
    let revoked = aws(
        r#"{"src_ip":"10.0.1.7","src_port":"5","dest_ip":"192.0.2.1","timestamp":"2026-11-20T08:00:00.44Z","sni":"a.tunnel.example","revocation_check":{"status":"REVOKED","action":"DROP"}}"#,
    );
    check("its log of TLS", &revoked, Format::Envoy, &[first]);

    let network = r#"{"AccountID":"1","Action":"allow","Datetime":"2026-11-20T08:00:00Z","DestinationIP":"192.0.2.1","DestinationPort":443,"SNI":"a.tunnel.example","SourceIP":"10.0.1.7","Transport":"tcp"}"#;
    check("Cloudflare Gateway's network", network, Format::JsonRows, &[first]);
    let http = r#"{"AccountID":"1","Action":"allow","Datetime":"2026-11-20T08:00:00Z","DestinationIP":"192.0.2.1","HTTPHost":"paste.example","HTTPMethod":"GET","HTTPStatusCode":200,"HTTPVersion":"HTTP/2","SourceIP":"10.0.1.7","SourceInternalIP":"","URL":"https://paste.example/raw/abcdefgh","UserAgent":"everything/1","UserID":"u"}"#;
    let all = FOUND.replacen("Paste", "Everything", 1);
    check("Cloudflare Gateway's HTTP", http, Format::JsonRows, &[FOUND, &all]);
    let zscaler = r#"{"sourcetype":"zscalernss-web","event":{"datetime":"2026-11-20 08:00:00","reason":"Allowed","event_id":"1","protocol":"HTTP","action":"Allowed","responsesize":"10900","requestsize":"5","url":"paste.example/raw/abcdefgh","serverip":"192.0.2.1","requestmethod":"GET","refererURL":"None","useragent":"everything/1","ClientIP":"10.0.1.7","status":"200","hostname":"paste.example"}}"#;
    check("Zscaler's NSS", zscaler, Format::JsonRows, &[FOUND, &all]);

    let pan_os = |kind: &str, url: &str| {
        format!(
            "1,2026/11/20 08:00:00,0123,{kind},2305,2026/11/20 08:00:00,10.0.1.7,192.0.2.1,0.0.0.0,0.0.0.0,r,,,ssl,vsys1,in,out,e1,e2,l,2026/11/20 08:00:00,1,1,4,80,0,0,0x0,tcp,alert,\"{url}\",(9999),any,informational,client-to-server,1,0x0,10.0.0.0-10.255.255.255,US,0,text/html,0,,,1,\"everything/1\",,,,,,,0,0,0,0,0,,fw,,,,get,0,,0"
        )
    };
    let log = [
        pan_os("TRAFFIC,end", "x"),
        pan_os("THREAT,url", "paste.example/raw/abcdefgh"),
        pan_os("THREAT,url", "a.tunnel.example/"),
    ];
    let found = [&FOUND.replacen('1', "2", 1), "3 Tunnel a.tunnel.example / 10.0.1.7"];
    check("PAN-OS", &log.join("\n"), Format::Csv, &found);
    let syslog = format!("<14>Nov 20 08:00:00 fw {}\n", log[1]);
    check("PAN-OS in syslog", &syslog, Format::Csv, &[FOUND]);
    let umbrella = r#""2026-11-20 08:00:00","laptop","10.0.1.7","192.0.2.9","192.0.2.1","text/html","ALLOWED","https://paste.example/raw/abcdefgh","","everything/1","200","562","1489","","","Search Engines","","","","","","Roaming Computer","","laptop, Site","Roaming Computer, Site","GET","","","x""#;
    check("Umbrella", umbrella, Format::Csv, &[FOUND, &all]);

    let ztunnel = "2026-11-20T08:00:00.520000Z\tinfo\taccess\tconnection complete\tsrc.addr=10.0.1.7:4 src.workload=\"w\" src.namespace=\"n\" src.identity=\"spiffe://cluster.local/ns/n/sa/w\" dst.addr=192.0.2.1:15008 dst.hbone_addr=192.0.2.1:443 dst.service=\"a.tunnel.example\" direction=\"outbound\" bytes_sent=1 bytes_recv=2 duration=\"5ms\"";
    check("ztunnel", ztunnel, Format::KeyValue, &[first]);
    let ztunnel = r#"{"level":"info","time":"2026-11-20T08:00:00.520000Z","scope":"access","message":"connection complete","src.addr":"10.0.1.7:4","src.workload":"w","dst.addr":"192.0.2.1:15008","dst.service":"a.tunnel.example","direction":"outbound","bytes_sent":1,"bytes_recv":2,"duration":"5ms"}"#;
    check("ztunnel in JSON", ztunnel, Format::JsonRows, &[first]);
    let flow = |l7: &str| {
        format!(
            r#"{{"flow":{{"time":"2026-11-20T08:00:00Z","verdict":"FORWARDED","IP":{{"source":"10.0.1.7","destination":"192.0.2.1"}},"l4":{{"TCP":{{}}}},"Type":"L7","l7":{l7}}},"node_name":"n"}}"#
        )
    };
    let log = [
        flow("null"),
        flow(
            r#"{"type":"REQUEST","http":{"method":"GET","url":"http://paste.example/raw/abcdefgh","protocol":"HTTP/1.1","headers":[{"key":"User-Agent","value":"everything/1"}]}}"#,
        ),
        flow(r#"{"type":"REQUEST","dns":{"query":"a.tunnel.example.","qtypes":["A"]}}"#),
    ];
    check("Hubble", &log.join("\n"), Format::Hubble, &in_records);
}
