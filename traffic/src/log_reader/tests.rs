use super::*;

/// The lines of a log: method, URL and source of requests with the format if it is another one, `object` and its
/// format, `blank`, or the reason with what a missed line seems to be.
fn read(layout: Layout, log: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut reader = LogReader::new(layout, &FieldMap::default());
    reader.read(log.as_bytes(), &mut |number, entry| {
        let text = match entry {
            Ok(Entry::Blank) => "blank".to_owned(),
            Ok(Entry::Object(_, format)) => format!("object {}", format.as_str()),
            Ok(Entry::Request(logged)) => {
                let source = logged.line.source_address.as_deref().unwrap_or("-").to_owned();
                let other = logged.other.map_or("", Format::as_str);
                let recorded = logged.line.clone().record();
                let method = String::from_utf8_lossy(&recorded.method).into_owned();
                let url = String::from_utf8_lossy(&recorded.url()).into_owned();
                format!("{method} {url} {source} {other}").trim_end().to_owned()
            }
            Err(refused) => {
                let seems = refused.missed.map_or(String::new(), |seems| format!(" {seems:?}"));
                format!("{}{seems}", refused.reason.as_str())
            }
        };
        found.push(format!("{number} {text}"));
    });
    found
}

/// Rules over time leave out a request without a time.
#[test]
fn a_request_without_a_time_has_that_of_what_wraps_its_line() {
    let inner = r#"{"method":"GET","authority":"a.example","path":"/x"}"#;
    let own = r#"{"method":"GET","authority":"a.example","path":"/x","start_time":"2026-11-20T07:00:00Z"}"#;
    let quoted = inner.replace('"', "\\\"");
    let (eight, nine) = ("2026-11-20T08:00:00Z", "2026-11-20T09:00:00Z");
    for (line, expect) in [
        (inner.to_owned(), None),
        (format!("{eight} stdout F {inner}"), Some(eight)),
        (format!("{eight} stdout F {own}"), Some("2026-11-20T07:00:00Z")),
        (format!("[pod/gateway-1/envoy] {eight} {inner}"), Some(eight)),
        (format!("[pod/gateway-1/envoy] {inner}"), None),
        (format!("<14>1 {eight} host envoy 1 - - {inner}"), Some(eight)),
        (format!("<14>{eight} host envoy[1]: {inner}"), Some(eight)),
        (format!("1795161600.000000 host envoy[1]: {inner}"), Some(eight)),
        (format!("Nov 20 08:00:00 host envoy[1]: {inner}"), None),
        (format!(r#"{{"log":"{quoted}\n","stream":"stdout","time":"{eight}"}}"#), Some(eight)),
        (
            format!(r#"{{"@timestamp":"{nine}","message":"{eight} stdout F {quoted}"}}"#),
            Some(eight),
        ),
        (format!(r#"{{"@timestamp":"{nine}","message":"{quoted}"}}"#), Some(nine)),
        (
            format!(r#"{{"result":{{"_time":"2026-11-20 08:00:00.000 UTC","_raw":"{quoted}"}}}}"#),
            Some(eight),
        ),
    ] {
        let layout = Layout::detect(format!("{line}\n").as_bytes()).expect(&line);
        let mut times = Vec::new();
        let mut reader = LogReader::new(layout, &FieldMap::default());
        reader.read(line.as_bytes(), &mut |_, entry| {
            let Ok(Entry::Request(request)) = entry else { panic!("{line}: {entry:?}") };
            times.push(request.time.and_then(Time::milliseconds));
        });
        let expect = expect.map(|time| time.parse::<jiff::Timestamp>().unwrap().as_millisecond());
        assert_eq!(times, [expect], "{line}");
    }
}

/// Suricata's `hostname` is that of a header `host`, which requests over HTTP/2 do not have.
#[test]
fn the_authority_of_http_2_is_the_host_in_suricata() {
    let event = |http: &str| {
        format!(
            r#"{{"timestamp":"2026-11-20T08:00:00.000000+0000","event_type":"http","src_ip":"10.0.1.7","http":{http}}}"#
        )
    };
    let headers = r#"{"name":":method","value":"GET"},{"name":":authority","value":"a.example"},{"table_size_update":4096},{"name":":path","value":"/x"}"#;
    for (http, expect) in [
        (
            format!(
                r#"{{"version":"2","request_headers":[{headers}],"http_method":"GET","url":"/x","status":200,"http2":{{"stream_id":1}}}}"#
            ),
            "1 GET http://a.example/x 10.0.1.7",
        ),
        (
            r#"{"version":"2","http_method":"GET","url":"/x","http2":{"stream_id":1}}"#.to_owned(),
            "1 no host",
        ),
        (
            r#"{"version":"2","http2":{"stream_id":0,"request":{"settings":[]}}}"#.to_owned(),
            "1 blank",
        ),
    ] {
        let first = r#"{"hostname":"b.example","url":"/","http_method":"GET"}"#;
        let layout = Layout::detect(event(first).as_bytes()).unwrap();
        assert_eq!(read(layout, &event(&http)), [expect], "{http}");
    }
}

/// `kubectl logs` gives the access log and Envoy's own log as one stream.
#[test]
fn an_event_beside_the_access_log_is_no_request_that_was_missed() {
    let request = r#"{"method":"GET","authority":"a.example","path":"/x"}"#;
    let event = r#"[2026-11-20 08:00:00.000][1][warning][dynamic_modules] [x.cc:1] {"event":"tidegate.match","method":"GET","host":"a.example","path":"/x"}"#;
    let log = format!("{request}\n{event}\n");
    let layout = Layout::detect(log.as_bytes()).unwrap();
    assert_eq!(read(layout, &log), ["1 GET http://a.example/x -", "2 not JSON"]);
    let log = format!("{request}\n{}\n", event.replace("tidegate.match", "other"));
    let layout = Layout::detect(log.as_bytes()).unwrap();
    assert_eq!(read(layout, &log)[1], "2 not JSON Csv");
}

/// Two lines of each format that needs no header, and what they are.
const FORMATS: &[(&str, &str, &str)] = &[
    (
        "envoy",
        r#"{"method":"GET","authority":"a.example","path":"/x","downstream_remote_address":"10.0.1.7:5"}"#,
        "GET http://a.example/x 10.0.1.7",
    ),
    (
        "envoy-text",
        r#"[2026-11-20T08:14:44.179Z] "GET /x HTTP/1.1" 200 - 12 240 139 138 "10.0.1.7" "curl/8" "id" "a.example" "192.0.2.12:443""#,
        "GET http://a.example/x 10.0.1.7",
    ),
    (
        "zeek-http",
        r#"{"ts":1.5,"uid":"C","id.orig_h":"10.0.1.7","method":"GET","host":"a.example","uri":"/x"}"#,
        "GET http://a.example/x 10.0.1.7",
    ),
    (
        "suricata",
        r#"{"event_type":"http","flow_id":1,"src_ip":"10.0.1.7","http":{"hostname":"a.example","url":"/x","http_method":"GET"}}"#,
        "GET http://a.example/x 10.0.1.7",
    ),
    (
        "squid",
        "1795161600.253    325 10.0.1.7 TCP_MISS/200 2912 GET http://a.example/x - HIER_DIRECT/192.0.2.12 text/html",
        "GET http://a.example/x 10.0.1.7",
    ),
    (
        "combined",
        r#"10.0.1.7 - - [20/Nov/2026:08:00:00 +0000] "GET http://a.example/x HTTP/1.1" 200 8752 "-" "curl/8""#,
        "GET http://a.example/x 10.0.1.7",
    ),
    (
        "haproxy",
        r#"10.0.1.7:51234 [20/Nov/2026:08:00:00.123] fe be/s1 0/0/1/2/3 200 1234 - - ---- 1/1/0/0/0 0/0 {a.example} {} "GET /x HTTP/1.1""#,
        "GET http://a.example/x 10.0.1.7",
    ),
    (
        "ecs",
        r#"{"http":{"request":{"method":"GET"}},"url":{"full":"http://a.example/x"},"source":{"ip":"10.0.1.7"}}"#,
        "GET http://a.example/x 10.0.1.7",
    ),
    (
        "ocsf",
        r#"{"class_uid":4002,"http_request":{"http_method":"GET","url":{"hostname":"a.example","path":"/x"}},"src_endpoint":{"ip":"10.0.1.7"}}"#,
        "GET http://a.example/x 10.0.1.7",
    ),
    (
        "gcp",
        r#"{"timestamp":"2026-11-20T08:00:00Z","httpRequest":{"requestMethod":"GET","requestUrl":"http://a.example/x","remoteIp":"10.0.1.7"}}"#,
        "GET http://a.example/x 10.0.1.7",
    ),
    (
        "json-rows",
        r#"{"_time":"2026-11-20T08:00:00Z","http_method":"GET","url":"http://a.example/x","src":"10.0.1.7","http_user_agent":"u"}"#,
        "GET http://a.example/x 10.0.1.7",
    ),
    (
        "key-value",
        r#"time="2026-11-20 08:00:00" srcip=10.0.1.7 method=GET url="http://a.example/x" agent="u""#,
        "GET http://a.example/x 10.0.1.7",
    ),
    (
        "route53",
        r#"{"query_timestamp":"2026-11-20T08:00:00Z","query_name":"a.example.","query_type":"A","srcaddr":"10.0.1.7"}"#,
        "a.example 10.0.1.7",
    ),
    (
        "events",
        r#"{"event":"tidegate.match","request":{"method":"GET","host":"a.example","path":"/x","source":"10.0.1.7"},"pack":{"hash":"01"}}"#,
        "GET http://a.example/x 10.0.1.7",
    ),
    (
        "zeek-ssl",
        r#"{"uid":"C","id.orig_h":"10.0.1.7","server_name":"a.example"}"#,
        "object zeek-ssl",
    ),
    (
        "zeek-dns",
        r#"{"uid":"C","id.orig_h":"10.0.1.7","query":"a.example","qtype":1}"#,
        "object zeek-dns",
    ),
    ("urls", "http://a.example/x", "GET http://a.example/x -"),
];

#[test]
fn each_line_of_a_log_of_two_formats_is_read_as_what_it_is() {
    for (first, line, expect) in FORMATS {
        for (second, other, expect_other) in FORMATS {
            if first == second {
                continue;
            }
            let log = format!("{line}\n{other}\n{line}\n");
            let layout = Layout::detect(log.as_bytes()).unwrap();
            let found = read(layout, &log);
            let named = format!("{expect_other} {second}");
            let expect_other =
                if expect_other.starts_with("object") { *expect_other } else { &named };
            // The server names of Zeek's streams are read with their requests, and Zeek's keys are names of columns.
            let is_zeek =
                (first.starts_with("zeek") || *first == "json-rows") && second.starts_with("zeek");
            if is_zeek {
                assert!(found.iter().all(|line| !line.contains("format")), "{first}, {second}");
                continue;
            }
            let expect = [
                format!("1 {}", expect.trim()),
                format!("2 {}", expect_other.trim()),
                format!("3 {}", expect.trim()),
            ];
            let found: Vec<_> = found.iter().map(|line| line.replace("  ", " ")).collect();
            assert_eq!(found, expect, "{first}, {second}");
        }
    }
}

#[test]
fn lines_that_something_else_wraps_are_read() {
    let line = FORMATS[0].1;
    let quoted = serde_json::Value::from(line).to_string();
    for (first, second) in [
        (line.to_owned(), format!("2026-11-20T08:00:00.2Z stdout F {line}")),
        (line.to_owned(), format!(r#"{{"log":{quoted},"stream":"stdout"}}"#)),
        (format!("2026-11-20T08:00:00.2Z stdout F {line}"), line.to_owned()),
        (format!(r#"{{"log":{quoted}}}"#), format!("<14>1 - fw envoy 1 - [a b=\"c\"] {line}")),
        (format!("Nov 20 08:00:00 fw envoy[1]: {line}"), format!("<14>{line}")),
    ] {
        let log = format!("{first}\n{second}\n");
        let found = read(Layout::detect(log.as_bytes()).unwrap(), &log);
        let expect = ["1 GET http://a.example/x 10.0.1.7", "2 GET http://a.example/x 10.0.1.7"];
        assert_eq!(found, expect, "{log}");
    }
}

#[test]
fn a_line_that_looks_like_a_request_and_is_not_read_is_missed() {
    let line = FORMATS[0].1;
    for (other, expect) in [
        ("time=1 level=info method=GET url=https://a.example/", "not JSON KeyValue"),
        (r#"{"request":{"method":"GET","uri":"/x"}}"#, "no host Json"),
        (r#"{"method":"GET","authority":"a.exa"#, "not JSON BrokenJson"),
        ("[info] starting", "not JSON"),
        (r#"{"level":"info","msg":"starting"}"#, "no host"),
        // One of the log's own, which lacks its host.
        (r#"{"method":"GET","authority":null,"path":"/x"}"#, "no host"),
    ] {
        let log = format!("{line}\n{other}\n");
        let found = read(Layout::detect(log.as_bytes()).unwrap(), &log);
        assert_eq!(found[1], format!("2 {expect}"), "{other}");
    }
}

#[test]
fn a_format_that_is_given_is_the_only_one() {
    for (format, line, _) in FORMATS.iter().filter(|(format, ..)| *format != "squid") {
        let found = read(Layout::from(Format::Squid), line);
        let is_named = found[0].ends_with("not a line of the format OtherFormat");
        let is_url = matches!(*format, "urls" | "route53" | "zeek-ssl" | "zeek-dns");
        assert!(is_named || is_url, "{format}: {found:?}");
    }
}

#[test]
fn rows_and_lines_are_told_apart() {
    let json = FORMATS[0].1;
    let squid = FORMATS[4].1;
    let read_all = |log: &str| read(Layout::detect(log.as_bytes()).unwrap(), log);
    let csv = "time,src,url\n2026-11-20 08:00:00,10.0.1.7,http://b.example/y\n";
    let row = "2 GET http://b.example/y 10.0.1.7";
    // As many commas as the header has.
    let short = r#"{"method":"GET","authority":"a.example","path":"/x"}"#;
    assert_eq!(
        read_all(&format!("{csv}{short}\n{squid}\n")),
        [
            "1 blank",
            row,
            "3 GET http://a.example/x - envoy",
            "4 GET http://a.example/x 10.0.1.7 squid"
        ]
    );
    // As many words as the header has.
    let w3c = "#Fields: date time c-ip sc-status sc-bytes cs-method cs-uri x y z\n2026-11-20 08:00:00 10.0.1.7 200 1 GET http://b.example/y - - -\n";
    assert_eq!(
        read_all(&format!("{w3c}{squid}\n")),
        ["1 blank", row, "3 GET http://a.example/x 10.0.1.7 squid"]
    );
    // What is in front of a header is a log of its own, and the header begins another.
    let joined = format!("{json}\n{w3c}");
    let layout = Layout::detect(joined.as_bytes()).unwrap();
    assert_eq!(layout.format, Format::Envoy);
    assert_eq!(layout.next_header(joined.as_bytes()), Some(json.len() + 1));
    for (log, expect) in [
        (format!("{json}\n{csv}"), Some(json.len() + 1)),
        (format!("{csv}url,src,time\n"), Some(csv.len())),
        (format!("{csv}{csv}"), None),
        (csv.to_owned(), None),
        (format!("{squid}\n{squid}\n"), None),
    ] {
        let layout = Layout::detect(log.as_bytes()).unwrap();
        assert_eq!(layout.next_header(log.as_bytes()), expect, "{log}");
    }
}

#[test]
fn alerts_of_suricata_are_requests_where_nothing_else_logs_them() {
    let event = |kind: &str, more: &str| {
        format!(r#"{{"event_type":"{kind}","flow_id":1,"src_ip":"10.0.1.7"{more}}}"#)
    };
    let http = r#","http":{"hostname":"a.example","url":"/x","http_method":"GET"}"#;
    let tls = r#","tls":{"sni":"b.example"}"#;
    let alert = [event("alert", http), event("alert", tls), event("alert", "")].join("\n");
    let read_all = |log: &str| read(Layout::detect(log.as_bytes()).unwrap(), log);
    let request = "GET http://a.example/x 10.0.1.7";
    assert_eq!(
        read_all(&alert),
        [format!("1 {request}"), "2  b.example 10.0.1.7".to_owned(), "3 blank".to_owned()]
    );
    let log = format!("{alert}\n{}", event("http", http));
    assert_eq!(
        read_all(&log),
        ["1 blank", "2  b.example 10.0.1.7", "3 blank", &format!("4 {request}")]
    );
    let firewall = format!(
        r#"{{"firewall_name":"fw","event_timestamp":"1","event":{}}}"#,
        event("alert", http)
    );
    assert_eq!(read_all(&firewall), [format!("1 {request}")]);
}

#[test]
fn a_word_in_front_of_envoys_text_is_passed_over() {
    let line = format!("ACCESS {}", FORMATS[1].1);
    assert_eq!(
        read(Layout::detect(line.as_bytes()).unwrap(), &line),
        [format!("1 {}", FORMATS[1].2)]
    );
}

#[test]
fn messages_of_programs_are_no_rows() {
    for line in [
        r#"{"level":"error","url":"https://a.example/x","msg":"failed","status":500}"#,
        r#"{"host":"node1","status":"ok","method":"x"}"#,
    ] {
        let found = Layout::detect(line.as_bytes()).map(|layout| layout.format);
        assert!(found != Some(Format::JsonRows), "{line}");
    }
}

#[test]
fn exports_of_clouds_are_read() {
    let gcp = FORMATS.iter().find(|(format, ..)| *format == "gcp").unwrap().1;
    let envoy = serde_json::Value::from(FORMATS[0].1).to_string();
    let request = "GET http://a.example/x 10.0.1.7";
    for (name, log, expect) in [
        (
            "a list of entries",
            format!("[{gcp},\n{gcp}]"),
            vec![format!("1 {request}"), format!("2 {request}")],
        ),
        (
            "the result of a search",
            format!(
                r#"{{"took":1,"hits":{{"total":{{"value":1}},"hits":[{{"_index":"x","_source":{}}}]}}}}"#,
                FORMATS[7].1
            ),
            vec![format!("1 {request}")],
        ),
        (
            "events of CloudWatch Logs",
            format!(
                r#"{{"events":[{{"logStreamName":"x","timestamp":1,"message":"starting"}},{{"timestamp":2,"message":{envoy}}}],"searchedLogStreams":[]}}"#
            ),
            vec!["1 not JSON".to_owned(), format!("2 {request}")],
        ),
        (
            "records, and a line behind them",
            format!("{{\"Records\":[{}]}}\n{}\n", FORMATS[7].1, FORMATS[5].1),
            vec![format!("1 {request}"), format!("2 {request} combined")],
        ),
        (
            "an archive, and a line behind it",
            format!(
                r#"{{"log":{{"entries":[{{"request":{{"method":"GET","url":"http://a.example/x"}}}}]}}}}{}{}"#,
                "\n", FORMATS[5].1
            ),
            vec!["1 GET http://a.example/x -".to_owned(), format!("2 {request} combined")],
        ),
    ] {
        let layout = Layout::detect(log.as_bytes()).unwrap_or_else(|| panic!("{name}"));
        assert!(layout.is_document(), "{name}");
        assert_eq!(read(layout, &log), expect, "{name}");
    }
}
