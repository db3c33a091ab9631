use super::*;
use schema::{FIELDS, Kind};
use serde_json::json;

fn example() -> Value {
    json!({
        "event": "tidegate.match", "schema": 1, "time": 1_763_697_600_123_u64, "mode": "enforce",
        "action": "deny", "would_deny": true, "techniques": ["T1102.002", "T1567"], "n_rules": 2,
        "rules": [
            {"id": "r1", "title": "Low", "level": "low", "author": "A", "phase": "response", "view": "raw"},
            {"id": "r2", "title": "High", "level": "high", "author": "B",
             "tags": ["attack.command-and-control", "attack.t1102.002", "attack.exfiltration"],
             "phase": "request", "view": "canonical", "kind": "correlation", "value": 3,
             "mode": "enforce", "statement": "exfiltration", "exception": "EX-1", "expired_exception": "EX-0",
             "evidence": [{"field": "cs-host", "item": "cs-host|endswith", "pattern": "telegram.org"}]},
        ],
        "anomalies": ["host.userinfo"],
        "behaviour": {"active_hours": 7, "after_dead_drop": 12, "beacon": 0.98, "beacon_period": 60, "first_use": ["source.host"],
            "identities": 1, "new_hosts": 2, "prevalence": 0.01, "requests": 240, "service_prevalence": 0.02, "sources": 1,
            "tunnel_seconds": 0, "upload_bytes": 1_000_000, "upload_ratio": -0.4},
        "request": {"id": "6f1a", "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "method": "POST", "host": "api.telegram.org:443", "sni": "api.telegram.org", "tunnel": "tunnel.example:443",
            "path": "/bot{bot}:{secret}/sendDocument?chat_id={}", "service": "Telegram", "operations": ["upload"], "usage": "known",
            "tenant": "#8d3f0c1b2a495867", "credential": "#0123456789abcdef", "source": "192.0.2.7", "identity": "spiffe://example/ns/a"},
        "stream": "closed",
        "response": {"code": 403, "grpc_status": 7, "request_bytes": 1024, "response_bytes": 17, "seconds": 3600, "upstream": "198.51.100.3"},
        "gateway": {"node": "egress-1", "filter_chain": "main", "virtual_host": "all", "route": "any", "cluster": "internet"},
        "pack": {"name": "shipped", "version": 7, "hash": "0123456789abcdef"}, "truncated": false,
        "suppressed": {"count": 12, "since": 1_763_697_000_000_u64, "by": "window"},
    })
}

/// The least that an event has: TLS that passes through.
fn least() -> Value {
    json!({
        "event": "tidegate.match", "schema": 1, "mode": "monitor", "action": "observe",
        "would_deny": true, "techniques": [], "n_rules": 1,
        "rules": [{"id": "r", "title": "R", "phase": "request", "view": "server-name"}],
        "request": {"method": "", "host": "198.51.100.3:443"},
        "pack": {"name": "p", "version": 1, "hash": "0123456789abcdef"}, "truncated": false,
    })
}

#[test]
fn the_table_has_every_field_and_refuses_others() {
    assert_eq!(schema::check(&example()), [""; 0]);
    assert_eq!(schema::check(&least()), [""; 0]);
    for (path, value, expect) in [
        ("mode", json!("on"), "`mode` is \"on\", not `monitor`, `enforce`"),
        ("extra", json!(1), "`extra` is not in the table"),
        ("request.extra", json!(1), "`request.extra` is not in the table"),
        ("time", json!("now"), "`time` is \"now\", not number"),
        ("request", json!({"method": ""}), "`request.host` is missing"),
        ("rules", json!([{}]), "`rules[].id` is missing"),
        ("rules", json!({}), "`rules` is {}, not list of objects"),
    ] {
        let mut event = example();
        set(&mut event, path, value);
        let wrong = schema::check(&event);
        assert_eq!(wrong.first().map(String::as_str), Some(expect), "{path}");
    }
    // The example has each field, so that the tests of mappings see all of them.
    for field in FIELDS {
        let pointer = format!("/{}", field.path.replace("[]", "/1").replace('.', "/"));
        let found = example().pointer(&pointer.replace("evidence/1", "evidence/0")).is_some();
        assert!(found, "{}", field.path);
    }
}

#[test]
fn mappings_say_where_the_table_says() {
    for (event, dialect) in [(example(), Dialect::Ecs), (example(), Dialect::Ocsf)] {
        let mapped = convert(&event, dialect);
        for field in FIELDS {
            let names = if dialect == Dialect::Ecs { field.ecs } else { field.ocsf };
            for name in names.split(", ").filter(|name| !name.is_empty()) {
                let pointer = format!("/{}", name.replace("[]", "/0").replace('.', "/"));
                assert!(mapped.pointer(&pointer).is_some(), "{dialect:?}: {name}: {mapped:#}");
            }
        }
    }
}

#[test]
fn nothing_of_an_event_is_lost() {
    let mut values = Vec::new();
    leaves(&example(), &mut values);
    for dialect in [Dialect::Ecs, Dialect::Ocsf] {
        let text = convert(&example(), dialect).to_string();
        for value in &values {
            // These are said in other words.
            let said = [
                "1763697600123",
                "tidegate.match",
                "api.telegram.org:443",
                "deny",
                "1",
                "p",
                "/bot{bot}:{secret}/sendDocument?chat_id={}",
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            ];
            assert!(
                said.contains(&value.as_str()) || text.contains(value.as_str()),
                "{dialect:?}: {value}"
            );
        }
    }
}

fn leaves(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Object(map) => map.values().for_each(|value| leaves(value, out)),
        Value::Array(list) => list.iter().for_each(|value| leaves(value, out)),
        Value::String(text) => out.push(text.clone()),
        other => out.push(other.to_string()),
    }
}

#[test]
fn an_event_is_found_in_the_log_of_envoy() {
    let mut event = least();
    event.as_object_mut().unwrap().remove("event");
    let event = event.to_string();
    // The filter writes `event` first; `serde_json` sorts.
    let line = format!("{{\"event\":\"tidegate.match\",{}", event.trim_start_matches('{'));
    let in_log = format!("[2026-11-21 08:00:00.000][7][warning][wasm] wasm log tidegate: {line}");
    for (text, expect) in [(&line, true), (&in_log, true), (&format!("{in_log} thread=7"), true)] {
        assert_eq!(found(text), [expect], "{text}");
    }
    assert!(find("[2026-11-21][info] starting").is_empty());
    assert!(find("{\"event\":\"other\"}").is_empty());
    assert_eq!(found(&line.replace('}', "")), [false]);
}

/// Whether each event of a line is valid.
fn found(line: &str) -> Vec<bool> {
    find(line).iter().map(Result::is_ok).collect()
}

const EVENT: &str = r#"{"event":"tidegate.match","mode":"monitor"}"#;

#[test]
fn an_event_that_envoy_escaped_is_found() {
    let escaped = r#"[2026-11-21][7][warning][wasm] wasm log tidegate: {\"event\":\"tidegate.match\",\"a\":\"\\\"\\n\303\244\"}"#;
    let events: Vec<_> = find(escaped).into_iter().map(Result::unwrap).collect();
    assert_eq!(events, [json!({"event": "tidegate.match", "a": "\"\nä"})]);
    for line in [
        r#"{"log":"wasm log: {\"event\":\"tidegate.match\"}"}"#,
        r#"10.0.0.9 "GET / HTTP/1.1" "{\"event\":\"tidegate.match\"}""#,
    ] {
        assert!(find(line).is_empty(), "{line}");
    }
}

#[test]
fn an_event_in_a_field_of_another_line_is_not_an_event() {
    for line in [
        format!("10.0.0.9 - \"GET / HTTP/1.1\" 200 \"{EVENT}\""),
        format!("{{\"user_agent\":\"curl\",\"note\":{EVENT}}}"),
        format!("10.0.0.9 'curl {EVENT}'"),
        format!("[2026-11-21][12][info] \"{EVENT}\" wasm log: {EVENT}"),
        // In unquoted text.
        format!("GET /x ua={EVENT}"),
        format!("2026-11-30T08:00:00Z GET tidegate.match{EVENT}"),
        format!("10.0.0.9 - - {EVENT}"),
        format!("GET wasm log tidegate: {EVENT}"),
        format!("GET [2026-11-21][7][warning][wasm] wasm log tidegate: {EVENT}"),
        format!("[2026-11-21][7] GET [warning][wasm] wasm log tidegate: {EVENT}"),
        format!("[GET][7][warning][wasm] wasm log tidegate: {EVENT}"),
        format!("[2026-11-21][7][warning][wasm] wasm log tidegate: host=tidegate.match{EVENT}"),
        format!("[2026-11-21][7][warning][http] host tidegate.match{EVENT}"),
    ] {
        assert!(find(&line).is_empty(), "{line}");
    }
}

#[test]
fn a_duplicate_key_makes_an_event_broken_at_any_depth() {
    for line in [
        r#"{"event":"tidegate.match","mode":"enforce","mode":"monitor"}"#,
        r#"{"event":"tidegate.match","event":"other"}"#,
        r#"{"event":"tidegate.match","request":{"host":"a.example","host":"b.example"}}"#,
        r#"{"event":"tidegate.match","rules":[{"id":"a","id":"b"}]}"#,
    ] {
        assert_eq!(found(line), [false], "{line}");
        assert!(find(line)[0].as_ref().unwrap_err().to_string().contains("duplicate key"));
    }
}

#[test]
fn each_event_of_a_line_is_found() {
    assert_eq!(found(&EVENT.repeat(3)), [true; 3]);
    let in_log = format!("[2026-11-21][7][warning][wasm] wasm log tidegate: {EVENT}");
    assert_eq!(found(&format!("{in_log}{in_log} thread=7")), [true; 2]);
    assert_eq!(found(&format!("{EVENT} {}", EVENT.replace('}', ""))), [true, false]);
    assert_eq!(found(&format!("{EVENT} \"{EVENT}\"")), [true]);
}

#[test]
fn an_event_is_found_behind_each_prefix_that_envoy_and_istio_write() {
    let place = "[source/extensions/common/wasm/context.cc:1154]";
    let istio =
        "2026-11-30T08:00:00.123456Z\twarning\tenvoy wasm external/envoy/source/context.cc:1154";
    for prefix in [
        "",
        "wasm log tidegate tidegate: ",
        "wasm log: ",
        "[2026-11-30 11:40:12.119][30724][warning][wasm] wasm log tidegate: ",
        &format!(
            "[2026-11-30 11:40:12.119][30724][warning][wasm] {place} wasm log tidegate tidegate: "
        ),
        "[2026-11-30 11:40:12.119][30724][warning][dynamic_modules] [source/abi_impl.cc:75] ",
        &format!("{istio}\twasm log istio-system.egress tidegate: "),
    ] {
        assert_eq!(found(&format!("{prefix}{EVENT}\tthread=23")), [true], "{prefix}");
    }
}

#[test]
fn an_event_is_printed_without_characters_that_move_text() {
    let event = json!({"title": "a\u{9b}31m\u{202e}b\u{2028}\u{7f}\n\u{e4}"});
    let line = to_line(&event);
    assert_eq!(line, r#"{"title":"a\u009b31m\u202eb\u2028\u007f\nä"}"#);
    assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), event);
}

#[test]
fn hosts_lose_their_port_and_nothing_else() {
    for (host, expect) in [
        ("a.example", Some(("a.example", None))),
        ("a.example:8443", Some(("a.example", Some(8443)))),
        ("a.example:", Some(("a.example:", None))),
        ("[2001:db8::1]:443", Some(("2001:db8::1", Some(443)))),
        ("2001:db8::1", Some(("2001:db8::1", None))),
        ("", None),
    ] {
        let event = json!({"request": {"host": host}});
        assert_eq!(super::host(&event), expect, "{host}");
    }
}

#[test]
fn what_is_denied_and_what_is_observed() {
    let ecs = |event: &Value| {
        let ecs = convert(event, Dialect::Ecs);
        (ecs["event"]["type"][0].clone(), ecs["event"]["outcome"].clone())
    };
    assert_eq!(ecs(&example()), (json!("denied"), json!("failure")));
    assert_eq!(ecs(&least()), (json!("allowed"), json!("success")));
    let ocsf = |event: &Value| {
        let ocsf = convert(event, Dialect::Ocsf);
        ["type_uid", "action_id", "disposition_id", "severity_id"].map(|key| ocsf[key].clone())
    };
    assert_eq!(ocsf(&example()), [400_206, 2, 2, 4].map(|it| json!(it)));
    assert_eq!(ocsf(&least()), [400_101, 3, 19, 0].map(|it| json!(it)));
    let kinds = FIELDS.iter().filter(|field| field.kind == Kind::Text).count();
    assert!(kinds > 10);
}
