//! `tidegate hunt` over the logs that people have: each format, as real programs write it and as collectors
//! wrap it.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may panic and works on files"
)]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use gateway::event::{self, Dialect};
use hunt::limits::PIECE_BYTES;
use serde_json::{Value, json};

/// One rule for each part of a request that a log may give.
const RULES: &str = "
title: Bot
logsource: {category: proxy}
detection: {s: {cs-host: api.telegram.org, c-uri-stem|startswith: /bot}, condition: s}
---
title: Agent
logsource: {category: proxy}
detection: {s: {cs-host: api.telegram.org, c-useragent|startswith: curl/}, condition: s}
---
title: Tunnel
logsource: {category: proxy}
detection: {s: {cs-host|endswith: .trycloudflare.com}, condition: s}
---
title: Query
logsource: {category: proxy}
detection: {s: {cs-host: drive.google.com, c-uri-query|contains: export=download}, condition: s}
";

/// A program run, with its output on both streams and its exit code.
struct Done {
    stdout: String,
    stderr: String,
    code: i32,
}

fn run(folder: &Path, arguments: &[&str], input: &[u8]) -> Done {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A command that refuses its arguments reads nothing.
    let _ = stdin.write_all(input);
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    Done {
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code().unwrap(),
    }
}

/// What a hunt finds: `line title method host source` of each record.
fn hunt(name: &str, arguments: &[&str], log: &[u8]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rules.yml"), RULES).unwrap();
    let done = run(folder.path(), &[&["hunt", "-r", "rules.yml"], arguments].concat(), log);
    assert_eq!(done.code, 0, "{name}: {}", done.stderr);
    let records = done.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let records = records.map(|record| {
        let text = |key: &str| record[key].as_str().unwrap_or("-").to_owned();
        let parts = [text("title"), text("method"), text("host"), text("source")];
        format!("{} {}", record["line"], parts.join(" "))
    });
    records.collect()
}

const BOT: &str = "/bot123456789:AAExampleExampleExampleExampleExample12/getMe";

/// Logs by name, with what a hunt finds in them.
fn cases() -> Vec<(&'static str, String, Vec<String>)> {
    let bot = |line: u32| format!("{line} Bot POST api.telegram.org 10.0.1.7");
    let agent = |line: u32| format!("{line} Agent POST api.telegram.org 10.0.1.7");
    let both = |line: u32| vec![bot(line), agent(line)];
    let query = |line: u32| format!("{line} Query GET drive.google.com 10.0.1.7");
    let tunnel = |line: u32| format!("{line} Tunnel - a.trycloudflare.com 10.0.1.7");
    let connect = |line: u32| format!("{line} Tunnel CONNECT a.trycloudflare.com:443 10.0.1.7");
    let json = format!(
        r#"{{"start_time":"2026-11-20T08:00:00Z","method":"POST","authority":"api.telegram.org","path":"{BOT}","user_agent":"curl/8","downstream_remote_address":"10.0.1.7:5"}}"#
    );
    let quoted = |text: &str| Value::from(text).to_string();
    vec![
        ("JSON of Envoy", json.clone(), both(1)),
        ("a list", format!("[{json},\n{json}]"), [both(1), both(2)].concat()),
        ("docker", format!(r#"{{"log":{},"stream":"stdout"}}"#, quoted(&json)), both(1)),
        (
            "docker in CRI, with a line of another kind first",
            format!("2026-11-20T08:00:00.2Z stderr F [info] starting\n2026-11-20T08:00:00.2Z stdout F {{\"log\":{}}}", quoted(&json)),
            both(2),
        ),
        (
            "an index's export of what a collector read",
            format!(r#"{{"_index":"a","_source":{{"message":{}}}}}"#, quoted(&json)),
            both(1),
        ),
        (
            "Envoy's text",
            format!(r#"[2026-11-20T08:14:44.179Z] "POST {BOT} HTTP/1.1" 200 - 12 240 139 138 "10.0.1.7" "curl/8" "id" "api.telegram.org" "192.0.2.12:443""#),
            both(1),
        ),
        (
            "Squid",
            format!("# a comment\n1795161600.253    325 10.0.1.7 TCP_MISS/200 2912 POST http://api.telegram.org{BOT} - HIER_DIRECT/192.0.2.12 text/html\n1795161600.253    325 10.0.1.7 TCP_TUNNEL/200 2912 CONNECT a.trycloudflare.com:443 - HIER_DIRECT/192.0.2.12 -"),
            vec![bot(2), connect(3)],
        ),
        (
            "the combined format, behind syslog",
            format!("<166>Nov 20 08:00:00 fw squid[1]: 10.0.1.7 - - [20/Nov/2026:08:00:00 +0000] \"POST http://api.telegram.org{BOT} HTTP/1.1\" 200 8752 \"-\" \"curl/8\" TCP_MISS:HIER_DIRECT"),
            both(1),
        ),
        (
            "the combined format of virtual hosts",
            format!("api.telegram.org:443 10.0.1.7 - - [20/Nov/2026:08:00:00 +0000] \"POST {BOT} HTTP/1.1\" 200 8752 \"-\" \"curl/8\""),
            vec![
                "1 Bot POST api.telegram.org:443 10.0.1.7".to_owned(),
                "1 Agent POST api.telegram.org:443 10.0.1.7".to_owned(),
            ],
        ),
        (
            "HAProxy, behind syslog, with captured headers",
            format!("Nov 20 08:00:00 lb haproxy[7]: 10.0.1.7:51234 [20/Nov/2026:08:00:00.123] fe be/s1 0/0/1/2/3 200 1234 - - ---- 1/1/0/0/0 0/0 {{api.telegram.org|curl/8.5.0}} {{}} \"POST {BOT} HTTP/1.1\""),
            both(1),
        ),
        (
            "W3C",
            format!("#Software: x\r\n#Fields: date time c-ip cs-method cs-uri-scheme cs-host cs-uri-path cs-uri-query cs(User-Agent)\r\n2026-11-20 08:00:00 10.0.1.7 POST https api.telegram.org {BOT} - \"curl/8 (a b)\"\r\n2026-11-20 08:00:00 10.0.1.7 GET https drive.google.com /uc ?export=download&id=1 -\r\n"),
            vec![bot(3), agent(3), query(4)],
        ),
        (
            "W3C whose columns change",
            "#Fields: c-ip cs-method cs-uri\n10.0.1.7 GET https://drive.google.com/uc?export=download\n#Fields: cs-uri c-ip cs-method\nhttps://drive.google.com/uc?export=download 10.0.1.7 GET\n".to_owned(),
            vec![query(2), query(4)],
        ),
        (
            "CSV",
            format!("\u{feff}Time,Source IP,Method,URL,User Agent\n2026-11-20 08:00:00,10.0.1.7,POST,https://api.telegram.org{BOT},\"curl/8, x\"\n,10.0.1.7,GET,drive.google.com/uc?export=download,\n"),
            vec![bot(2), agent(2), query(3)],
        ),
        (
            "CSV by tabs with empty values",
            "user\tsrc_ip\turl\tmethod\treferrer\n\t10.0.1.7\thttps://drive.google.com/uc?export=download\tGET\t\n".to_owned(),
            vec![query(2)],
        ),
        (
            "ECS, with dots and with objects",
            format!("{{\"@timestamp\":\"2026-11-20T08:00:00Z\",\"ecs.version\":\"8\",\"http.request.method\":\"POST\",\"url.domain\":\"api.telegram.org\",\"url.path\":\"{BOT}\",\"source.ip\":\"10.0.1.7\",\"user_agent.original\":\"curl/8\"}}\n{{\"http\":{{\"request\":{{\"method\":\"GET\"}}}},\"url\":{{\"full\":\"https://drive.google.com/uc?export=download\"}},\"client\":{{\"ip\":\"10.0.1.7\"}}}}"),
            vec![bot(1), agent(1), query(2)],
        ),
        (
            "OCSF",
            format!("{{\"class_uid\":4002,\"time\":1795161600000,\"http_request\":{{\"http_method\":\"POST\",\"user_agent\":\"curl/8\",\"url\":{{\"hostname\":\"api.telegram.org\",\"path\":\"{BOT}\"}}}},\"src_endpoint\":{{\"ip\":\"10.0.1.7\"}}}}"),
            both(1),
        ),
        (
            "Zeek by tabs, joined with another of its logs",
            format!("#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\thttp\n#fields\tts\tuid\tid.orig_h\tmethod\thost\turi\tuser_agent\n#types\ttime\tstring\taddr\tstring\tstring\tstring\tstring\n1.5\tC\t10.0.1.7\tPOST\tapi.telegram.org\t{BOT}\tcurl/8\n#close\t2026\n#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tssl\n#fields\tts\tuid\tid.orig_h\tserver_name\n#types\ttime\tstring\taddr\tstring\n1.5\tC\t10.0.1.7\ta.trycloudflare.com\n"),
            [both(8), vec!["17 Tunnel - a.trycloudflare.com 10.0.1.7".to_owned()]].concat(),
        ),
        (
            "Istio's JSON of TLS that passes through",
            r#"{"authority":null,"method":null,"path":null,"downstream_remote_address":"10.0.1.7:5","requested_server_name":"a.trycloudflare.com"}"#.to_owned(),
            vec![tunnel(1)],
        ),
        ("CSV of server names", "sni;src ip\na.trycloudflare.com;10.0.1.7\n".to_owned(), vec![tunnel(2)]),
    ]
}

/// Logs in which something else looks like the host, the target or the source of a request.
#[expect(clippy::too_many_lines, reason = "one table")]
fn lookalikes() -> Vec<(&'static str, String, Vec<String>)> {
    let bot = |line: u32| format!("{line} Bot POST api.telegram.org 10.0.1.7");
    let both = |line: u32| vec![bot(line), format!("{line} Agent POST api.telegram.org 10.0.1.7")];
    let squid = format!(
        "1795161600.361 2812 10.0.1.7 TCP_MISS/200 5435 POST https://api.telegram.org{BOT} - HIER_DIRECT/192.0.2.14 -"
    );
    let quoted = |text: &str| Value::from(text).to_string();
    let haproxy = |captured: &str| {
        format!(
            "<6>10.0.1.7:51234 [20/Nov/2026:08:00:00.123] fe be/s1 0/0/1/2/3 200 1234 - - ---- 1/1/0/0/0 0/0 {{{captured}}} {{}} \"POST {BOT} HTTP/1.1\""
        )
    };
    vec![
        (
            "a machine and its file around a line",
            format!(
                r#"{{"@timestamp":"2026-11-20T08:00:00Z","host":"proxy01","path":"/var/log/squid/access.log","message":{}}}"#,
                quoted(&squid)
            ),
            vec![bot(1)],
        ),
        (
            "a machine and a method around a line",
            format!(r#"{{"host":"proxy01","log":{},"file":"/x","method":"tail"}}"#, quoted(&squid)),
            vec![bot(1)],
        ),
        (
            "a collector's event with host and path around the request",
            format!(
                r#"{{"host":"proxy01","path":"/x","event":{{"method":"POST","host":"api.telegram.org","uri":"{BOT}","client_ip":"10.0.1.7"}}}}"#
            ),
            vec![bot(1)],
        ),
        (
            "a whole URL in the place of the path",
            format!(
                r#"{{"method":"POST","authority":"proxy01","path":"https://api.telegram.org{BOT}","client_ip":"10.0.1.7"}}"#
            ),
            vec![bot(1)],
        ),
        (
            "a URL without a scheme in ECS",
            format!(
                r#"{{"http":{{"request":{{"method":"POST"}}}},"url":{{"original":"api.telegram.org{BOT}","domain":"api.telegram.org"}},"source":{{"ip":"10.0.1.7"}},"user_agent":{{"original":"curl/8"}}}}"#
            ),
            both(1),
        ),
        (
            "the machine that sent the line, in an export of Splunk",
            format!(
                "_time,host,sourcetype,src,http_method,url_domain,uri_path,http_user_agent\n2026-11-20T08:00:00.000+0000,hf01.corp.example,x,10.0.1.7,POST,api.telegram.org,{BOT},curl/8\n"
            ),
            both(2),
        ),
        (
            "the client's machine in the column of hosts",
            format!("time,hostname,src_ip,domain,path,method\n2026-11-20 08:00:00,LAPTOP-1,10.0.1.7,api.telegram.org,{BOT},POST\n"),
            vec![bot(2)],
        ),
        (
            "a number in the column of domains",
            format!(
                "Receive Time,Source IP,URL/Filename,HTTP Method,User Agent,Domain\n2026/11/20 08:00:00,10.0.1.7,api.telegram.org{BOT},POST,curl/8,1\n"
            ),
            both(2),
        ),
        (
            "a Host beside the target of CONNECT",
            r#"{"uid":"C1","ts":1795161600.5,"id.orig_h":"10.0.1.7","method":"CONNECT","host":"www.example.com","uri":"a.trycloudflare.com:443"}"#.to_owned(),
            vec!["1 Tunnel CONNECT a.trycloudflare.com:443 10.0.1.7".to_owned()],
        ),
        (
            "the target of CONNECT as a URL",
            "1795161600.361 28 10.0.1.7 TCP_CLIENT_REFRESH_MISS_SSL/200 5435 CONNECT tunnel://a.trycloudflare.com:443/ - DIRECT/192.0.2.4 -".to_owned(),
            vec!["1 Tunnel CONNECT a.trycloudflare.com:443 10.0.1.7".to_owned()],
        ),
        ("a forwarded client before the host", haproxy("192.0.2.7|api.telegram.org|curl/8"), both(1)),
        (
            "nginx's name of its own server",
            format!(
                r#"{{"msec":"1795161600.253","remote_addr":"10.0.1.7","request_method":"POST","request_uri":"{BOT}","server_name":"proxy.example","host":"api.telegram.org","status":200}}"#
            ),
            vec![bot(1)],
        ),
        (
            "Zeek's ids with underscores",
            format!(
                r#"{{"uid":"C1","ts":1795161600.5,"id_orig_h":"10.0.1.7","method":"POST","host":"api.telegram.org","uri":"{BOT}"}}"#
            ),
            vec![bot(1)],
        ),
        (
            "a list of clients, and a user with a blank",
            format!(
                "10.0.1.7, 192.0.2.1 - - [20/Nov/2026:08:00:00 +0000] \"POST https://api.telegram.org{BOT} HTTP/1.1\" 200 12 \"-\" \"-\"\n10.0.1.7 - John Doe [20/Nov/2026:08:00:00 +0000] \"POST https://api.telegram.org{BOT} HTTP/1.1\" 200 12 \"-\" \"-\"\n"
            ),
            vec![bot(1), bot(2)],
        ),
        (
            "defanged URLs",
            "hxxps://drive[.]google[.]com/uc?export=download\n".to_owned(),
            vec!["1 Query GET drive.google.com -".to_owned()],
        ),
        (
            "an agent with quotes in Envoy's text",
            format!(
                r#"[2026-11-20T08:14:44.179Z] "POST {BOT} HTTP/1.1" 200 - 12 240 139 138 "10.0.1.7" "curl/8" "x" "evil.example" "y" "id" "api.telegram.org" "192.0.2.12:443""#
            ),
            both(1),
        ),
    ]
}

#[test]
fn what_looks_like_a_part_of_a_request_is_not_taken_for_it() {
    for (name, log, mut expect) in lookalikes() {
        let mut found = hunt(name, &[], log.as_bytes());
        found.sort();
        expect.sort();
        assert_eq!(found, expect, "{name}");
    }
}

#[test]
fn a_url_without_a_scheme_is_taken_apart_under_the_keys_of_a_map_too() {
    let folder = tempfile::tempdir().unwrap();
    let map = folder.path().join("map.toml");
    fs::write(&map, "[request]\nmethod = \"m\"\nhost = \"h\"\npath = \"u\"\nsource = \"s\"\n")
        .unwrap();
    let line = |host: &str| {
        format!(r#"{{"m":"POST","h":"{host}","u":"api.telegram.org{BOT}","s":"10.0.1.7"}}"#)
    };
    let log = [line("api.telegram.org"), line("proxy01")].join("\n");
    let found = hunt("map", &["--map", map.to_str().unwrap()], log.as_bytes());
    assert_eq!(
        found,
        ["1 Bot POST api.telegram.org 10.0.1.7", "2 Bot POST api.telegram.org 10.0.1.7"]
    );
}

#[test]
fn a_log_without_methods_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let rules = "title: Post\nlogsource: {category: proxy}\ndetection: {s: {cs-method: POST}, condition: s}\n";
    fs::write(folder.path().join("rules.yml"), rules).unwrap();
    let log = "timestamp,client_ip,url\n2026-11-20 08:00:00,10.0.1.7,https://a.example/b\n";
    let done = run(folder.path(), &["hunt", "-r", "rules.yml"], log.as_bytes());
    let expect = "no request has `cs-method`, so each is judged as GET";
    assert!(done.stderr.contains(expect), "{}", done.stderr);
}

#[test]
fn each_format_is_read_as_syslog_wraps_it() {
    for (name, log, mut expect) in cases() {
        // Headers of tables are not wrapped, nor documents, nor what something else wraps.
        if log.contains('#') || log.starts_with(['[', '\u{feff}', 's', 'u', '2', '<', 'N']) {
            continue;
        }
        expect.sort();
        for header in [
            "<166>Nov 20 08:00:00 fw prog[1]: ",
            "<166>Nov 20 08:00:00 prog[1]: ",
            "<166>Nov 20 08:00:00 fw ",
            "<166>Nov 20 08:00:00 ",
            "<166>",
            "<166>prog: ",
            "Nov 20 2026 08:00:00 fw prog: ",
            "2026-11-30T10:00:00.123456+01:00 fw prog[1]: ",
            "<14>2026-11-30T10:00:00Z fw prog[1]: ",
            "<14>1 2026-11-30T10:00:00Z fw prog 1 id - ",
            "123 <14>1 2026-11-30T10:00:00Z fw prog 1 id [a@1 b=\"c] d\"][e f=\"g\"] \u{feff}",
            "1795161600.253123 fw prog[1]: ",
        ] {
            let wrapped: String = log.lines().map(|line| format!("{header}{line}\n")).collect();
            let mut found = hunt(&format!("{name}, {header}"), &[], wrapped.as_bytes());
            found.sort();
            assert_eq!(found, expect, "{name}, {header}");
        }
    }
}

#[test]
fn each_format_is_known_by_its_lines_and_gives_its_requests() {
    for (name, log, mut expect) in cases() {
        let mut found = hunt(name, &[], log.as_bytes());
        found.sort();
        expect.sort();
        assert_eq!(found, expect, "{name}");
        let utf_16: Vec<u8> = "\u{feff}"
            .encode_utf16()
            .chain(log.encode_utf16())
            .flat_map(u16::to_le_bytes)
            .collect();
        let mut found = hunt(name, &[], &utf_16);
        found.sort();
        assert_eq!(found, expect, "{name} in UTF-16");
    }
}

#[test]
fn the_events_that_we_convert_are_read_back() {
    let event = json!({
        "event": "tidegate.match", "schema": 1, "time": 1_795_161_600_000_u64, "mode": "monitor",
        "action": "observe", "would_deny": false, "n_rules": 1,
        "rules": [{"id": "r1", "title": "T", "level": "high", "author": "A", "phase": "request", "view": "raw"}],
        "request": {"method": "GET", "host": "drive.google.com:8443", "source": "10.0.1.7",
            "path": "/uc?export=download&id={}"},
        "response": {"code": 200, "request_bytes": 1, "response_bytes": 2},
        "gateway": {}, "pack": {"name": "p", "version": 1, "hash": "0123"}, "truncated": false,
    });
    let connect = json!({
        "event": "tidegate.match", "schema": 1, "time": 1_795_161_600_000_u64,
        "request": {"method": "CONNECT", "host": "a.trycloudflare.com:443", "source": "10.0.1.7"},
        "pack": {"hash": "0123"},
    });
    for dialect in [Some(Dialect::Ecs), Some(Dialect::Ocsf), None] {
        let lines = [&event, &connect].map(|event| match dialect {
            Some(dialect) => event::convert(event, dialect).to_string(),
            None => event.to_string(),
        });
        let found = hunt(&format!("{dialect:?}"), &[], lines.join("\n").as_bytes());
        let expect = [
            "1 Query GET drive.google.com:8443 10.0.1.7",
            "2 Tunnel CONNECT a.trycloudflare.com:443 10.0.1.7",
        ];
        assert_eq!(found, expect, "{dialect:?}");
    }
}

#[test]
fn the_log_of_the_shipped_gateway_is_hunted_without_a_map() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rules.yml"), RULES).unwrap();
    // As examples/egress-gateway writes it: where no rule matched, without a path.
    let line = |host: &str, path: Value, method: &str| {
        json!({
            "time": "2026-11-20T08:00:00Z", "request_id": null, "client": "10.0.1.7", "method": method,
            "protocol": "HTTP/1.1", "host": host, "status": 200, "details": "via_upstream", "flags": "-",
            "bytes_sent": 9, "bytes_received": 0, "duration_ms": 3, "rules": null, "action": null,
            "would_deny": null, "path_template": path,
        })
        .to_string()
    };
    let log = [
        line("a.trycloudflare.com", Value::Null, "GET"),
        line("api.telegram.org", json!("/bot{bot}:{secret}/sendDocument"), "POST"),
        line("a.trycloudflare.com:443", Value::Null, "CONNECT"),
    ];
    let log = log.join("\n");
    assert_eq!(
        hunt("shipped", &[], log.as_bytes()),
        [
            "1 Tunnel GET a.trycloudflare.com 10.0.1.7",
            "2 Bot POST api.telegram.org 10.0.1.7",
            "3 Tunnel CONNECT a.trycloudflare.com:443 10.0.1.7",
        ]
    );
    let done = run(folder.path(), &["hunt", "-r", "rules.yml"], log.as_bytes());
    for expect in [
        "3 lines = 3 events",
        "2 requests have a template in place of their path, or none; rules that need whole paths: 2 (Bot; Query)",
        "no request has `c-useragent`; rules that cannot match without it: 1 (Agent)",
    ] {
        assert!(done.stderr.contains(expect), "{expect}: {}", done.stderr);
    }
    // Whole paths and agents answer every rule.
    let whole = r#"{"method":"GET","host":"a.example","path":"/","user_agent":"curl"}"#;
    let done = run(folder.path(), &["hunt", "-r", "rules.yml"], whole.as_bytes());
    assert!(!done.stderr.contains("rules that"), "{}", done.stderr);
}

#[test]
fn a_compressed_log_that_is_cut_is_judged_as_far_as_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rules.yml"), RULES).unwrap();
    let line = "https://drive.google.com/uc?export=download\n";
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    gzip.write_all(line.repeat(2000).as_bytes()).unwrap();
    let whole = gzip.finish().unwrap();
    fs::write(folder.path().join("a.log"), whole.get(..whole.len() - 20).unwrap()).unwrap();
    let done = run(folder.path(), &["hunt", "-r", "rules.yml", "a.log"], b"");
    assert_eq!(done.code, 1, "{}", done.stderr);
    let expect = "a.log:1:1: error[F001]: the log is cut or damaged";
    assert!(done.stderr.contains(expect), "{}", done.stderr);
    assert!(done.stdout.lines().count() > 1000, "{}", done.stderr);
}

/// Logs are read in pieces, and a header may be where one ends.
#[test]
fn a_header_between_two_pieces_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rules.yml"), RULES).unwrap();
    let w3c = "#Software: Proxy\n#Version: 1.0\n#Fields: c-ip cs-method cs-host cs-uri-path\n\
        10.0.1.7 POST api.telegram.org /bot1/getMe\n";
    let zeek = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n\
        #path\thttp\n#fields\tts\tid.orig_h\tmethod\thost\turi\n#types\ttime\taddr\tstring\tstring\tstring\n\
        1795161600.5\t10.0.1.7\tPOST\tapi.telegram.org\t/bot1/getMe\n";
    let line = |length: usize| {
        let pad = "x".repeat(length - r#"{"host":"a.example","path":"/"}"#.len() - 1);
        format!("{{\"host\":\"a.example\",\"path\":\"/{pad}\"}}\n")
    };
    for log in [w3c, zeek] {
        // How much of the header is in the first piece.
        for n_bytes in [0, 1, 16, 17, 18, 60, 100] {
            let rest = PIECE_BYTES - n_bytes;
            let (first, lines) = (rest % 1000 + 1000, rest / 1000 - 1);
            let joined = format!("{}{}{log}", line(first), line(1000).repeat(lines));
            assert_eq!(joined.len(), rest + log.len());
            fs::write(folder.path().join("joined.log"), joined).unwrap();
            let done = run(folder.path(), &["hunt", "-r", "rules.yml", "joined.log"], b"");
            assert_eq!(done.code, 0, "{n_bytes} of {log}: {}", done.stderr);
            assert!(
                done.stdout.contains("\"title\":\"Bot\""),
                "{n_bytes} of {log}: {}",
                done.stderr
            );
        }
    }
}

#[test]
fn each_file_of_an_archive_is_a_log() {
    let line = "https://drive.google.com/uc?export=download\n";
    let gzip = |bytes: &[u8]| {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(bytes).unwrap();
        gzip.finish().unwrap()
    };
    let json = br#"{"method":"POST","host":"api.telegram.org","path":"/bot1"}"#;
    let mut archive = tar::Builder::new(Vec::new());
    let mut add = |name: &str, kind: tar::EntryType, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, bytes).unwrap();
    };
    let long = format!("{}/long.log", "a".repeat(120));
    add("squid/", tar::EntryType::Directory, b"");
    add("squid/urls.log", tar::EntryType::Regular, line.repeat(3).as_bytes());
    add("squid/._urls.log", tar::EntryType::Regular, b"\0\x05\x16\x07");
    add("squid/empty.log", tar::EntryType::Regular, b"");
    add("squid/urls.log.1.gz", tar::EntryType::Regular, &gzip(line.as_bytes()));
    add(&long, tar::EntryType::Regular, json);
    let whole = archive.into_inner().unwrap();

    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rules.yml"), RULES).unwrap();
    fs::write(folder.path().join("logs.tar.gz"), gzip(&whole)).unwrap();
    let records = |done: &Done| -> Vec<String> {
        let records = done.stdout.lines().map(|line| serde_json::from_str(line).unwrap());
        let place =
            |record: Value| format!("{}:{}", record["file"].as_str().unwrap(), record["line"]);
        records.map(place).collect()
    };
    let expect = |archive: &str| {
        let places =
            ["squid/urls.log:1", "squid/urls.log:2", "squid/urls.log:3", "squid/urls.log.1.gz:1"];
        let long = format!("{long}:1");
        let places = places.into_iter().chain([long.as_str()]);
        places.map(|place| format!("{archive}/{place}")).collect::<Vec<_>>()
    };
    let done = run(folder.path(), &["hunt", "-r", "rules.yml", "logs.tar.gz"], b"");
    assert_eq!((records(&done), done.code), (expect("logs.tar.gz"), 0), "{}", done.stderr);
    let done = run(folder.path(), &["hunt", "-r", "rules.yml"], &whole);
    assert_eq!((records(&done), done.code), (expect("<stdin>"), 0), "{}", done.stderr);

    // What is before the cut is judged.
    fs::write(folder.path().join("cut.tar"), &whole[..1500]).unwrap();
    let done = run(folder.path(), &["hunt", "-r", "rules.yml", "cut.tar"], b"");
    assert_eq!((records(&done).len(), done.code), (3, 1), "{}", done.stderr);
    assert!(done.stderr.contains("cut.tar:1:1: error[F001]"), "{}", done.stderr);

    let mut outer = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(whole.len() as u64);
    outer.append_data(&mut header, "inner.tar", &whole[..]).unwrap();
    let outer = outer.into_inner().unwrap();
    let done = run(folder.path(), &["hunt", "-r", "rules.yml"], &outer);
    assert_eq!(done.code, 1, "{}", done.stderr);
    assert!(done.stderr.contains("<stdin>/inner.tar:1:1: error[F023]"), "{}", done.stderr);
    fs::write(folder.path().join("events.tar"), &whole).unwrap();
    let done = run(folder.path(), &["events", "--to", "ecs", "events.tar"], b"");
    assert_eq!(done.code, 1, "{}", done.stderr);
    assert!(done.stderr.contains("events.tar:1:1: error[F023]"), "{}", done.stderr);
}

#[test]
fn a_log_of_two_formats_is_read_to_its_end() {
    let bot = |line: u32| format!("{line} Bot POST api.telegram.org 10.0.1.7");
    let logs = cases();
    for (first, log, _) in &logs {
        for (second, other, expect) in &logs {
            let log = log.trim_start_matches('\u{feff}');
            let other = other.trim_start_matches('\u{feff}');
            let n_lines = log.lines().count();
            let joined = format!("{}\n{other}", log.trim_end_matches('\n'));
            // A list is one document, whose entries count as lines.
            let is_document = |log: &str| log.starts_with('[');
            if is_document(other) || is_document(log) {
                continue;
            }
            let found = hunt(&format!("{first}, {second}"), &[], joined.as_bytes());
            for expect in expect {
                let (line, record) = expect.split_once(' ').unwrap();
                let line = line.parse::<usize>().unwrap() + n_lines;
                let expect = format!("{line} {record}");
                assert!(found.contains(&expect), "{first}, {second}: no {expect}: {found:#?}");
            }
        }
    }
    // A list, and lines behind it.
    let (_, list, _) = &logs[1];
    let found = hunt("list, lines", &[], format!("{list}\n{}", logs[6].1).as_bytes());
    assert!(found.contains(&bot(4)), "{found:#?}");
}

#[test]
fn what_is_not_read_of_a_log_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rules.yml"), RULES).unwrap();
    let line = format!(
        r#"{{"method":"POST","authority":"api.telegram.org","path":"{BOT}","client_ip":"10.0.1.7"}}"#
    );
    let lines = |n: usize| format!("{line}\n").repeat(n);
    let hunt = |log: &str, arguments: &[&str]| {
        run(folder.path(), &[&["hunt", "-r", "rules.yml"], arguments].concat(), log.as_bytes())
    };
    let unknown = "level=info took=3ms method=GET url=https://a.example/\n";
    // One of ten is the bound.
    for (n_read, code) in [(1, 1), (9, 1), (10, 0)] {
        let done = hunt(&format!("{}{unknown}", lines(n_read)), &[]);
        assert_eq!(done.code, code, "{n_read}: {}", done.stderr);
        let expect = format!(
            "  1 unreadable line looks like a request: at <stdin>:{}, which seems to be of keys with values (`key=value`)",
            n_read + 1
        );
        assert!(done.stderr.contains(&expect), "{}", done.stderr);
        let message =
            format!("1 of {} lines that look like requests could not be read", n_read + 1);
        assert_eq!(done.stderr.contains(&message), code == 1, "{}", done.stderr);
    }
    // What is wrong with a line is said of what is in the collector's wrapping, and of a row of its values.
    for (log, expect) in [
        (
            format!("2026-11-20T08:00:00Z stdout F {line}\n2026-11-20T08:00:00Z stdout F {}\n", line.get(..40).unwrap()),
            "JSON that is cut or broken",
        ),
        (
            "time,src,method,url\n2026-11-20,10.0.1.7,GET,https://a.example/\n2026-11-20,GET,https://a.example/\n".to_owned(),
            "a row that has not as many values",
        ),
    ] {
        let done = hunt(&log, &[]);
        assert!(done.stderr.contains(expect), "{}", done.stderr);
    }
    // Rules for other logs find nothing in requests.
    fs::write(
        folder.path().join("windows.yml"),
        "title: w\nlogsource: {category: process_creation}\ndetection: {s: {Image: a.exe}, condition: s}\n",
    )
    .unwrap();
    let done = run(folder.path(), &["hunt", "-r", "windows.yml"], lines(1).as_bytes());
    let expect =
        "no request has `Image`, which other logs have; rules that cannot match without: 1 (w)";
    assert!(done.stderr.contains(expect), "{}", done.stderr);
    // What a program writes about itself is no request.
    let done = hunt(&format!("{}{}", lines(1), "[info] starting\n".repeat(20)), &[]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    // Lines of another format are read, and counted.
    let squid = "1795161600.253 325 10.0.1.7 TCP_TUNNEL/200 2912 CONNECT a.trycloudflare.com:443 - HIER_DIRECT/192.0.2.12 -\n";
    let mixed = format!("{}{squid}", lines(2));
    let done = hunt(&mixed, &[]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(done.stdout.contains("trycloudflare"), "{}", done.stderr);
    let expect = "1 line read as `squid`, another format than the first lines', first at <stdin>:3";
    assert!(done.stderr.contains(expect), "{}", done.stderr);
    // A format that is given is the only one.
    let done = hunt(&mixed, &["--input-format", "envoy"]);
    assert_eq!(done.code, 1, "{}", done.stderr);
    assert!(
        done.stderr.contains("of another format than the one that was given"),
        "{}",
        done.stderr
    );
    // Each log counts by itself.
    fs::write(folder.path().join("a.log"), &line).unwrap();
    fs::write(folder.path().join("b.log"), r#"{"method":"GET","authority":null,"path":"/"}"#)
        .unwrap();
    let done = hunt("", &["a.log", "b.log"]);
    assert_eq!(done.code, 1, "{}", done.stderr);
    assert!(
        done.stderr.contains("b.log:1:1: error[F023]: no line could be read: no host"),
        "{}",
        done.stderr
    );
}

/// What each input of the field study gives: lines, events, blank, unreadable, and matches.
const FIELD: &[(&str, &[&str], [u64; 5])] = &[
    ("01-istio-json-tls-passthrough/access.log", &[], [3, 2, 0, 1, 2]),
    ("01-istio-json-tls-passthrough/access-dash.log", &[], [1, 1, 0, 0, 1]),
    ("01-istio-json-tls-passthrough/access-omit.log", &[], [1, 1, 0, 0, 1]),
    ("02-istio-envoy-default-text/envoy.log", &[], [1, 1, 0, 0, 1]),
    ("02-istio-envoy-default-text/istio.log", &[], [2, 2, 0, 0, 2]),
    ("03-envoy-json-own-keys/contour.log", &[], [1, 1, 0, 0, 1]),
    ("03-envoy-json-own-keys/decimals-34420.log", &[], [2, 2, 0, 0, 2]),
    ("03-envoy-json-own-keys/keys-33640.log", &[], [1, 1, 0, 0, 1]),
    (
        "03-envoy-json-own-keys/keys-33640.log",
        &["--map", "03-envoy-json-own-keys/map.toml"],
        [1, 1, 0, 0, 1],
    ),
    (
        "03-envoy-json-own-keys/query.log",
        &["--map", "03-envoy-json-own-keys/map.toml"],
        [4, 4, 0, 0, 5],
    ),
    ("03-envoy-json-own-keys/query-known-keys.log", &[], [4, 4, 0, 0, 5]),
    // 18 by what requests are, and one by what their source did before.
    ("03-envoy-json-own-keys/types.log", &[], [18, 17, 0, 1, 19]),
    // Half of it is not JSON: exit code 1.
    (HALF_READ, &[], [2, 1, 0, 1, 1]),
    ("04-kubernetes-wrapped-lines/array.json", &[], [2, 2, 0, 0, 2]),
    ("04-kubernetes-wrapped-lines/bom-crlf.log", &[], [1, 1, 0, 0, 1]),
    ("04-kubernetes-wrapped-lines/cri.log", &[], [1, 1, 0, 0, 1]),
    ("04-kubernetes-wrapped-lines/docker.log", &[], [1, 1, 0, 0, 1]),
    ("04-kubernetes-wrapped-lines/fluentbit-merged.log", &[], [1, 1, 0, 0, 1]),
    ("04-kubernetes-wrapped-lines/mixed-kubectl.log", &[], [3, 1, 0, 2, 1]),
    ("04-kubernetes-wrapped-lines/powershell-utf16.log", &[], [1, 1, 0, 0, 1]),
    ("04-kubernetes-wrapped-lines/pretty.json", &[], [1, 1, 0, 0, 1]),
    ("05-squid-log/access.log", &[], [2, 2, 0, 0, 2]),
    ("05-squid-log/combined.log", &[], [1, 1, 0, 0, 1]),
    ("05-squid-log/syslog.log", &[], [1, 1, 0, 0, 1]),
    ("06-zeek-http/dns.json", &[], [1, 1, 0, 0, 1]),
    ("06-zeek-http/first-missing.json", &[], [2, 1, 0, 1, 1]),
    ("06-zeek-http/http-nested.json", &[], [1, 1, 0, 0, 1]),
    ("06-zeek-http/http.json", &[], [5, 3, 0, 2, 3]),
    ("06-zeek-http/http.log", &[], [9, 1, 8, 0, 1]),
    ("06-zeek-http/mixed-path.json", &[], [3, 2, 0, 1, 2]),
    ("06-zeek-http/ssl.json", &[], [2, 2, 0, 0, 1]),
    ("18-suricata-eve/eve.json", &[], [5, 4, 1, 0, 4]),
    ("18-suricata-eve/eve.json", &["--map", "18-suricata-eve/map.toml"], [5, 4, 0, 1, 4]),
    ("18-suricata-eve/nginx.json", &[], [1, 1, 0, 0, 1]),
    ("18-suricata-eve/nginx2.json", &[], [1, 1, 0, 0, 1]),
];

/// The input of which a share cannot be read.
const HALF_READ: &str = "03-envoy-json-own-keys/unquoted-dash-4103.log";

#[test]
fn events_are_taken_out_of_several_logs_into_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let event = r#"{"event":"tidegate.match","schema":1}"#;
    fs::write(folder.path().join("a.log"), format!("{event}\nanother line\n")).unwrap();
    fs::write(folder.path().join("b.log"), format!("{event}\n")).unwrap();
    let arguments = ["events", "--to", "native", "a.log", "missing.log", "-", "-o", "out.ndjson"];
    let done = run(folder.path(), &[&arguments[..], &["b.log"]].concat(), event.as_bytes());
    assert_eq!(done.code, 1, "{}", done.stderr);
    assert!(done.stderr.starts_with("missing.log:1:1: error[F001]"), "{}", done.stderr);
    assert!(
        done.stderr.ends_with("events: 3 written, 0 broken, 1 other lines\n"),
        "{}",
        done.stderr
    );
    assert_eq!(done.stdout, "");
    let written = fs::read_to_string(folder.path().join("out.ndjson")).unwrap();
    assert_eq!(written, format!("{event}\n").repeat(3));
    let onto_itself =
        run(folder.path(), &["events", "--to", "native", "a.log", "-o", "a.log"], b"");
    assert!(onto_itself.stderr.contains("error[F016]"), "{}", onto_itself.stderr);
}

/// What `tidegate events` gives: written, broken, other lines.
const FIELD_EVENTS: &[(&str, [u64; 3])] = &[
    ("cri-partial.log", [1, 0, 1]),
    ("cri.log", [2, 0, 0]),
    ("docker.log", [2, 0, 0]),
    ("envoy-json.log", [2, 0, 0]),
    ("envoy.log", [2, 0, 0]),
    ("istio-text.log", [2, 0, 0]),
];

fn numbers(text: &str) -> Vec<u64> {
    let words = text.split(|char: char| !char.is_ascii_digit());
    words.filter_map(|word| word.parse().ok()).collect()
}

#[test]
fn each_input_of_the_field_study_gives_what_its_case_expects() {
    let field = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/field/traffic");
    if !field.is_dir() {
        corpora::skip("the inputs of the field study (../shared/field/traffic)");
        return;
    }
    let notes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../knowledge/notes");
    let notes = notes.to_str().unwrap();
    let mut wrong = Vec::new();
    for (name, arguments, expect) in FIELD {
        let done = run(&field, &[&["hunt", "-r", notes], *arguments, &[name]].concat(), b"");
        let line = |is_wanted: &dyn Fn(&str) -> bool| {
            done.stderr.lines().find(|line| is_wanted(line)).unwrap_or_default()
        };
        let events = line(&|line| line.contains(" blank or comments"));
        let matches = line(&|line| line == "1 match" || line.ends_with(" matches"));
        let seen = [numbers(events), numbers(matches)].concat();
        if done.code != i32::from(*name == HALF_READ) || seen != expect {
            wrong.push(format!(
                "{name} {arguments:?}: expected {expect:?}, seen {seen:?}\n{}",
                done.stderr
            ));
        }
    }
    for (name, expect) in FIELD_EVENTS {
        let log = fs::read(field.join("15-events-wrapped").join(name)).unwrap();
        let done = run(&field, &["events", "--to", "native"], &log);
        let seen = numbers(&done.stderr);
        if done.code != 0 || seen != expect {
            wrong.push(format!("{name}: expected {expect:?}, seen {seen:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
