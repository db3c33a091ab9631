use super::*;
use crate::testing::pack_of_rules;
use crate::testing::serialised;
use inspect::Inspector;
use inspect::Verdict;
use std::sync::LazyLock;

static UNDECIDED: LazyLock<Decision> = LazyLock::new(Decision::default);

fn judged(items: &[&str], snapshot: &Snapshot) -> (Inspector, Verdict) {
    let mut inspector = Inspector::new(Pack::decode(&pack_of_rules(items)).unwrap());
    let headers = Headers::read(&snapshot.header_map).unwrap();
    let verdict = inspector.inspect(&snapshot.request(&headers, None));
    (inspector, verdict)
}

fn facts<'f>(
    inspector: &'f Inspector,
    matches: &'f [&'f RuleMatch],
    snapshot: &'f Snapshot,
    headers: &'f Headers<'f>,
    response: &'f ResponseSnapshot,
    gateway: &'f GatewaySnapshot,
) -> EventFacts<'f> {
    EventFacts {
        suppressed: None,
        stream: None,
        pack: inspector.pack(),
        mode: Mode::Monitor,
        action: Action::Observe,
        would_deny: true,
        truncated: false,
        matches,
        fired: &[],
        decision: &UNDECIDED,
        rulings: &[],
        anomalies: Anomalies::default(),
        behaviour: Vec::new(),
        snapshot,
        headers,
        identity: Some(b"spiffe://example/ns/a"),
        response,
        gateway,
        time: Some(1_763_697_600_123),
    }
}

fn telegram() -> Snapshot {
    Snapshot {
        client: None,
        header_map: serialised(&[
            (":method", b"POST"),
            (":authority", b"user:pw@api.telegram.org"),
            (":path", b"/bot123456789:AAExampleSecret/sendDocument?chat_id=42"),
            (":scheme", b"https"),
            ("user-agent", b"secret-agent"),
            ("cookie", b"session=secret"),
            ("x-request-id", b"6f1a"),
            ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ]),
        server_name: Some(b"api.telegram.org".to_vec()),
        transport: inspect::Transport::Unknown,
        connect_target: Some(b"api.telegram.org:443".to_vec()),
        source_address: Some(b"192.0.2.7:51234".to_vec()),
        ..Snapshot::default()
    }
}

#[test]
fn an_event_has_this_shape() {
    let snapshot = telegram();
    let items = ["cs-host|endswith: api.telegram.org", "c-uri|contains: /bot"];
    let (inspector, verdict) = judged(&items, &snapshot);
    let headers = Headers::read(&snapshot.header_map).unwrap();
    let response = ResponseSnapshot {
        status: Some(200),
        request_bytes: Some(1024),
        response_bytes: Some(17),
        seconds: None,
        upstream_address: Some(b"198.51.100.3:443".to_vec()),
    };
    let matches: Vec<&RuleMatch> = verdict.matches.iter().collect();
    let gateway = GatewaySnapshot {
        node: Some(b"egress-1".to_vec()),
        route: Some(b"any\n".to_vec()),
        ..GatewaySnapshot::default()
    };
    let facts = facts(&inspector, &matches, &snapshot, &headers, &response, &gateway);
    let json = Event::new(&facts).to_json();
    let hash = short_hash(inspector.pack());
    let expect = format!(
        concat!(
            r#"{{"event":"tidegate.match","schema":1,"time":1763697600123,"mode":"monitor","#,
            r#""action":"observe","would_deny":true,"techniques":["T1102.002"],"n_rules":2,"rules":["#,
            r#"{{"id":"6b3e1d1c-0000-4000-8000-000000000001","title":"Rule 1","level":"high","#,
            r#""author":"A. Author","tags":["attack.command-and-control","attack.t1102.002"],"#,
            r#""phase":"request","view":"raw","evidence":[{{"field":"cs-host","item":"cs-host|endswith","#,
            r#""pattern":"api.telegram.org"}}]}},"#,
            r#"{{"id":"6b3e1d1c-0000-4000-8000-000000000002","title":"Rule 2","level":"high","#,
            r#""author":"A. Author","tags":["attack.command-and-control","attack.t1102.002"],"#,
            r#""phase":"request","view":"raw","evidence":[{{"field":"c-uri","item":"c-uri|contains","#,
            r#""pattern":"/bot"}}]}}],"#,
            r#""request":{{"id":"6f1a","traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","#,
            r#""method":"POST","host":"api.telegram.org","#,
            r#""sni":"api.telegram.org","tunnel":"api.telegram.org:443","path":"/{{}}/sendDocument?chat_id={{}}","#,
            r#""source":"192.0.2.7","identity":"spiffe://example/ns/a"}},"#,
            r#""response":{{"code":200,"request_bytes":1024,"response_bytes":17,"upstream":"198.51.100.3"}},"#,
            r#""gateway":{{"node":"egress-1","route":"any\\n"}},"#,
            r#""pack":{{"name":"test","version":7,"hash":"{hash}"}},"truncated":false}}"#,
        ),
        hash = hash
    );
    assert_eq!(json, expect);
}

#[test]
fn no_secret_and_no_byte_that_is_not_ascii_reaches_an_event() {
    let mut snapshot = telegram();
    snapshot.server_name = Some(b"\xff\"\n.example".to_vec());
    snapshot.connect_target = Some(b"user:pw@\xff\"\n.example:1".to_vec());
    snapshot.source_address = Some(b"\xfe".to_vec());
    let (inspector, verdict) = judged(&["c-uri|contains: 'bot123456789'"], &snapshot);
    let headers = Headers::read(&snapshot.header_map).unwrap();
    let response = ResponseSnapshot::default();
    let matches: Vec<&RuleMatch> = verdict.matches.iter().collect();
    assert_eq!(matches.len(), 1);
    let gateway = GatewaySnapshot::default();
    let facts = facts(&inspector, &matches, &snapshot, &headers, &response, &gateway);
    let json = Event::new(&facts).to_json();
    assert!(json.is_ascii() && !json.contains('\n'), "{json}");
    for secret in ["AAExampleSecret", "secret", "user:pw", "session", "=42"] {
        assert!(!json.contains(secret), "{secret} in {json}");
    }
    assert!(!json.contains("\"response\":"), "{json}");
}

#[test]
fn an_event_lists_so_many_rules_and_counts_the_rest() {
    let snapshot = telegram();
    let (inspector, verdict) = judged(&["cs-method: POST"; MAX_LISTED_RULES + 5], &snapshot);
    let headers = Headers::read(&snapshot.header_map).unwrap();
    let response = ResponseSnapshot::default();
    let matches: Vec<&RuleMatch> = verdict.matches.iter().collect();
    let gateway = GatewaySnapshot::default();
    let facts = facts(&inspector, &matches, &snapshot, &headers, &response, &gateway);
    let event = Event::new(&facts);
    assert_eq!(event.n_rules, MAX_LISTED_RULES + 5);
    assert_eq!(event.rules.len(), MAX_LISTED_RULES);
}

#[test]
fn techniques_are_read_from_tags() {
    for (tag, expect) in [
        ("attack.t1102", Some("T1102")),
        ("attack.t1102.002", Some("T1102.002")),
        ("attack.command-and-control", None),
        ("attack.threat", None),
        ("attack.t", None),
        ("cve.2021-44228", None),
    ] {
        assert_eq!(technique(tag).as_deref(), expect, "{tag}");
    }
}
