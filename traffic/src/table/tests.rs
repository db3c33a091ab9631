use super::*;
use crate::{Entry, FieldMap, Layout, LogReader};

/// The requests of a log, as method, URL, agent, referrer, source, status, bytes and time.
fn read(log: &str) -> Vec<String> {
    let layout = Layout::detect(log.as_bytes()).unwrap_or_else(|| panic!("unknown: {log}"));
    let mut found = Vec::new();
    let mut reader = LogReader::new(layout, &FieldMap::default());
    reader.read(log.as_bytes(), &mut |_, entry| {
        let logged = match entry {
            Ok(Entry::Request(logged)) => logged,
            Ok(_) => return,
            Err(refused) => return found.push(refused.reason.as_str().to_owned()),
        };
        assert!(logged.unread.is_empty(), "{log}: {:?}", logged.unread);
        let time = logged.time.and_then(crate::json::Time::milliseconds);
        let recorded = logged.line.clone().record();
        let response = recorded.response.clone().unwrap_or_default();
        let text = |text: &Option<Vec<u8>>| {
            text.as_ref().map_or("-".to_owned(), |text| String::from_utf8_lossy(text).into_owned())
        };
        found.push(format!(
            "{} {} {} {} {} {} {} {}",
            String::from_utf8_lossy(&recorded.method),
            String::from_utf8_lossy(&recorded.url()),
            text(&recorded.user_agent),
            text(&recorded.referrer),
            text(&recorded.source_address),
            response.status.unwrap_or_default(),
            response.response_bytes.unwrap_or_default(),
            time.unwrap_or_default(),
        ));
    });
    found
}

#[test]
fn logs_in_the_extended_format_become_requests() {
    let blue_coat = "#Software: SGOS 7.3\n#Version: 1.0\n#Date: 2026-11-20 08:00:00\n#Fields: date time time-taken c-ip cs-username sc-status s-action sc-bytes cs-bytes cs-method cs-uri-scheme cs-host cs-uri-port cs-uri-path cs-uri-query cs(User-Agent) cs(Referer) rs(Content-Type)\n\
        2026-11-20 08:00:00 12 10.0.1.7 - 200 TCP_NC_MISS 512 128 POST https api.telegram.org 443 /bot1:x/y ?z=1 \"curl/8 (a b)\" - \"text/html; x\"\n\
        2026-11-20 08:00:01 12 10.0.1.7 ann 200 TCP_TUNNELED 512 128 CONNECT tcp a.example 443 / - \"a \"\"b\"\" c\" - -\n\
        2026-11-20 08:00:02 12 10.0.1.7 - 200 TCP_NC_MISS 512 128 GET http a.example 8080 /x - - https://r.example/ -\n\
        2026-11-20 08:00:02 12 10.0.1.7 cut\n";
    assert_eq!(
        read(blue_coat),
        [
            "POST https://api.telegram.org/bot1:x/y?z=1 curl/8 (a b) - 10.0.1.7 200 512 1795161600000",
            "CONNECT a.example:443 a \"b\" c - 10.0.1.7 200 512 1795161601000",
            "GET http://a.example:8080/x - https://r.example/ 10.0.1.7 200 512 1795161602000",
            "not a line of the format",
        ]
    );
    let iis = "\u{feff}#Software: Microsoft Internet Information Services 10.0\r\n#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs-host sc-status\r\n\
        2026-11-20 08:00:00 192.0.2.1 GET /a/b q=1 443 - 2001:db8::7 Mozilla/5.0+(Windows+NT) a.example 200\r\n";
    assert_eq!(
        read(iis),
        ["GET http://a.example/a/b?q=1 Mozilla/5.0 (Windows NT) - 2001:db8::7 200 0 1795161600000"]
    );
    let cloud_front = "#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query x-host-header\n\
        2026-11-20\t08:00:00\tFRA\t9\t10.0.1.7\tGET\td1.cloudfront.net\t/x\t200\t-\tMozilla/5.0%20(X11)\t-\ta.example\n";
    assert_eq!(
        read(cloud_front),
        ["GET http://a.example/x Mozilla/5.0 (X11) - 10.0.1.7 200 9 1795161600000"]
    );
    // Another order, tabs, whole URLs, lines of another kind first.
    let other =
        "starting\n#Fields:\tcs-uri\tc-ip\tcs-method\nhttps://a.example/x?y\t10.0.1.7\tPUT\n";
    assert_eq!(
        read(other),
        ["not a line of the format", "PUT https://a.example/x?y - - 10.0.1.7 0 0 0"]
    );
}

#[test]
fn csv_below_a_header_becomes_requests() {
    for (log, expect) in [
        (
            "time,client_ip,method,url,status,user_agent,bytes\n2026-11-20T08:00:00Z,10.0.1.7,POST,https://a.example/x?y=1,200,\"curl/8, \"\"b\"\"\",7\n",
            vec!["POST https://a.example/x?y=1 curl/8, \"b\" - 10.0.1.7 200 7 1795161600000"],
        ),
        (
            "\u{feff}\"URL\";\"Src IP\";\"Http Method\"\r\n\"a.example:8443/x?y\";\"2001:db8::7\";\"GET\"\r\n",
            vec!["GET http://a.example:8443/x?y - - 2001:db8::7 0 0 0"],
        ),
        (
            "@timestamp,source.ip,http.request.method,url.domain,url.path,url.query\n2026-11-20 08:00:00,10.0.1.7,GET,a.example,/x,y=1\n@timestamp,source.ip,http.request.method,url.domain,url.path,url.query\n",
            vec!["GET http://a.example/x?y=1 - - 10.0.1.7 0 0 1795161600000"],
        ),
        (
            "host\tmethod\tpath\turl\na.example\tCONNECT\t-\ta.example:443\nb.example\tGET\t\t\nc.example\tGET\n",
            vec![
                "CONNECT a.example:443 - - - 0 0 0",
                "GET http://b.example/ - - - 0 0 0",
                "not a line of the format",
            ],
        ),
        ("url\nhttps://a.example/x\n", vec!["GET https://a.example/x - - - 0 0 0"]),
        // Of columns of one name the first that has a value counts.
        (
            "time,src,url,url,src\n,10.0.1.7,https://a.example/x,https://b.example/,10.0.1.8\n,-,,https://b.example/,10.0.1.8\n",
            vec![
                "GET https://a.example/x - - 10.0.1.7 0 0 0",
                "GET https://b.example/ - - 10.0.1.8 0 0 0",
            ],
        ),
        (
            "date|sni|src\n2026-11-20|t.example|10.0.1.7\n",
            vec![" t.example - - 10.0.1.7 0 0 1795132800000"],
        ),
    ] {
        assert_eq!(read(log), expect, "{log}");
    }
    for line in ["a,b,c", "host", "1,2", "host,host", "Hello, host", ""] {
        assert!(Table::of_csv(line).is_none(), "{line}");
    }
}

#[test]
fn a_map_names_the_columns_of_a_table() {
    let map = "[request]\nhost = \"Ziel\"\npath = \"Pfad\"\n";
    let map = FieldMap::read(&"map.toml".into(), map).unwrap();
    for log in [
        "Wer,Ziel,Pfad\nann,a.example,/x\n",
        "#Fields: Wer Ziel Pfad cs-host\nann a.example /x -\n",
    ] {
        let layout = Layout::from(Format::Json).within(log.as_bytes());
        let mut found = Vec::new();
        LogReader::new(layout, &map).read(log.as_bytes(), &mut |_, entry| {
            if let Ok(Entry::Request(logged)) = entry {
                found.push(logged.line.clone().record().url());
            }
        });
        assert_eq!(found, [b"http://a.example/x"], "{log}");
    }
}

#[test]
fn a_header_of_other_columns_begins_another_log() {
    let log = b"#Fields: cs-host cs-uri-stem\na /x\n#Fields: cs-host cs-uri-stem\nb /x\n#Fields: cs-uri-stem cs-host\n/x c\n";
    let layout = Layout::detect(log).unwrap();
    let at = layout.next_header(log).unwrap();
    assert!(log[at..].starts_with(b"#Fields: cs-uri-stem"));
    let layout = Layout::detect(&log[at..]).unwrap();
    assert_eq!(layout.next_header(&log[at..]), None);
}
