//! Rules and policies over services: every spelling of a request is judged.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use diagnostics::SourceFile;
use inspect::pack::Mode;
use inspect::{IdentityKey, Inspector, PolicyQuery, Request, Source, User};
use knowledge::{Compilation, Library, Policy};

const DROP: &str = "---
kind: service
service: Drop
category: file-sharing
hosts: [\"drop.example\", \"drop-*.example.net\"]
identity: [[\"drop.example/{account}/files\", \"{account}.drop.example\"]]
clients: [\"DropClient/\"]
operations:
  - {name: upload, methods: [PUT, POST], paths: [\"/*/files\"], means: x, match: PUT https://drop.example/a/files/b, pass: GET https://drop.example/a/files/b}
  - {name: download, methods: [GET], paths: [\"/*/files\"], means: x, match: GET https://drop.example/a/files/b, pass: GET https://drop.example/a}
  - {name: share, paths: [\"/*/files?share=*\"], means: x, match: \"GET https://drop.example/a/files/b?share=x\", pass: GET https://drop.example/a/files}
---
";
const OTHER: &str = "---
kind: service
service: Other
hosts: [other.example]
---
";

fn rule(name: &str, detection: &str) -> String {
    format!("title: {name}\nlogsource: {{category: proxy}}\nlevel: high\ndetection: {detection}\n")
}

const KEY: IdentityKey = IdentityKey([7; 16]);

fn inspector(rules: &[(&str, &str)], policy: Option<&str>) -> Inspector {
    let file = |name: String, text: String| SourceFile { name: name.into(), bytes: text.into() };
    let mut files =
        vec![file("drop.md".into(), DROP.into()), file("other.md".into(), OTHER.into())];
    for (name, detection) in rules {
        files.push(file(format!("{name}.yml"), rule(name, detection)));
    }
    let library = Library::read(files);
    let errors: Vec<_> = library.findings.iter().filter(|finding| finding.is_error()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let policy = policy.map(|text| {
        let (policy, findings) = Policy::read(&"policy.yml".into(), text);
        assert!(findings.is_empty(), "{findings:?}");
        policy.unwrap()
    });
    let compilation =
        Compilation::with_policy(&library, "test", 1, policy.as_ref(), Some(KEY)).unwrap();
    assert!(compilation.findings.is_empty(), "{:?}", compilation.findings);
    Inspector::new(compilation.pack)
}

fn request<'r>(method: &'r str, authority: &'r str, path: &'r str) -> Request<'r> {
    Request {
        method: method.as_bytes(),
        scheme: b"https",
        authority: authority.as_bytes(),
        path: Some(path.as_bytes()),
        version: b"HTTP/1.1",
        ..Request::default()
    }
}

fn matched(inspector: &mut Inspector, request: &Request<'_>) -> String {
    let user = User { source: User::of(request).source, key: Some(KEY) };
    let verdict = inspector.inspect_of(request, &user);
    let tables = inspector.pack().tables();
    let titles = verdict.matches.iter().filter_map(|matched| tables.rule(matched.rule));
    titles.map(|rule| tables.str(rule.title)).collect::<Vec<_>>().join(" ")
}

const RULES: &[(&str, &str)] = &[
    ("service", "{s: {tidegate.service: Drop}, condition: s}"),
    ("upload", "{s: {tidegate.category: file-sharing, tidegate.operation: upload}, condition: s}"),
    (
        "foreign",
        "{s: {tidegate.service: drop}, own: {tidegate.usage: sanctioned}, condition: s and not own}",
    ),
    (
        "client",
        "{s: {tidegate.service: Drop}, own: {tidegate.client: own}, condition: s and not own}",
    ),
];

const POLICY: &str = "
default: monitor
sources: {builders: [10.4.0.0/16]}
sanctioned:
  - {services: [Drop], sources: [builders], identities: [acme]}
";

#[test]
fn rules_ask_for_service_operation_client_and_use() {
    let mut inspector = inspector(RULES, Some(POLICY));
    let of = |request: Request<'static>, agent: &'static str, source: &'static str| Request {
        user_agent: Some(agent.as_bytes()),
        source_address: Some(source.as_bytes()),
        ..request
    };
    for (request, expect) in [
        (
            of(request("PUT", "drop.example", "/acme/files/x"), "DropClient/1", "10.4.1.1"),
            "service upload",
        ),
        (
            of(request("PUT", "drop.example", "/acme/files/x"), "curl/8", "10.4.1.1"),
            "client service upload",
        ),
        (
            of(request("PUT", "drop.example", "/evil/files/x"), "dropclient/1", "10.4.1.1"),
            "foreign service upload",
        ),
        (
            of(request("PUT", "drop.example", "/acme/files/x"), "DropClient/1", "192.0.2.1"),
            "foreign service upload",
        ),
        (of(request("GET", "acme.drop.example", "/"), "DropClient/1", "10.4.1.1"), "service"),
        (
            of(request("GET", "drop-eu.example.net", "/"), "DropClient/1", "10.4.1.1"),
            "foreign service",
        ),
        (
            of(request("GET", "a.drop-eu.example.net", "/"), "", "10.4.1.1"),
            "client foreign service",
        ),
        (of(request("GET", "drop-.example.net", "/"), "", "10.4.1.1"), ""),
        (of(request("GET", "drop-a.b.example.net", "/"), "", "10.4.1.1"), ""),
        (of(request("GET", "other.example", "/acme/files"), "", "10.4.1.1"), ""),
        (of(request("GET", "notdrop.example", "/acme/files"), "", "10.4.1.1"), ""),
    ] {
        let shown = format!("{request:?}");
        assert_eq!(matched(&mut inspector, &request), expect, "{shown}");
    }
}

#[test]
fn no_spelling_hides_the_service_or_makes_its_use_sanctioned() {
    let mut inspector = inspector(RULES, Some(POLICY));
    let own = request("PUT", "drop.example", "/acme/files/x");
    let own = Request { source_address: Some(b"10.4.1.1"), ..own };
    assert_eq!(matched(&mut inspector, &own), "client service upload");
    let all = "client foreign service upload";
    for (authority, path) in [
        ("DROP.example", "/evil/files/x"),
        ("drop.example.", "/evil/files/x"),
        ("drop.example:443", "/evil/files/x"),
        ("user@drop.example", "/evil/files/x"),
        ("drop%2eexample", "/evil/files/x"),
        ("dr\u{ff4f}p.example", "/evil/files/x"),
        ("other.example,drop.example", "/evil/files/x"),
        ("drop.example", "//evil/files/x"),
        ("drop.example", "/evil/%66iles/x"),
        ("drop.example", "/x/../evil/files/x"),
        ("drop.example", "/evil\\files\\x"),
        ("drop-example.translate.goog", "/evil/files/x"),
        // Its own account in a spelling that another server may read as another one.
        ("drop.example", "/%61cme/files/x"),
        ("drop.example", "/acme/../evil/files/x"),
    ] {
        let request =
            Request { authority: authority.as_bytes(), path: Some(path.as_bytes()), ..own };
        assert_eq!(matched(&mut inspector, &request), all, "{authority}{path}");
    }
    // Behind another name.
    for request in [
        Request { authority: b"other.example", server_name: Some(b"drop.example"), ..own },
        Request { authority: b"other.example", connect_target: Some(b"drop.example:443"), ..own },
        Request { server_name: Some(b"other.example"), ..own },
        Request { server_name: Some(b"evil.drop.example"), ..own },
    ] {
        assert_eq!(matched(&mut inspector, &request), all, "{request:?}");
    }
    let request = Request { method: b"put", ..own };
    assert_eq!(matched(&mut inspector, &request), all, "a method that servers take for PUT");
    let tunnel = Request { method: b"CONNECT", authority: b"drop.example:443", path: None, ..own };
    assert_eq!(matched(&mut inspector, &tunnel), "client foreign service");
}

#[test]
fn what_a_client_adds_takes_no_operation_away() {
    let rules = &[
        ("upload", "{s: {tidegate.operation: upload}, condition: s}"),
        ("share", "{s: {tidegate.operation: share}, condition: s}"),
    ];
    let mut inspector = inspector(rules, None);
    for (path, expect) in [
        ("/a/files/b", "upload"),
        ("/a/files/b?share=1", "share upload"),
        ("/a/files/b?x=1&share=1", "share upload"),
        ("/a/files/b?share=", "upload"),
        ("/a/files/b?xshare=1", "upload"),
        ("/a/file", ""),
    ] {
        let request = request("POST", "drop.example", path);
        assert_eq!(matched(&mut inspector, &request), expect, "{path}");
    }
}

#[test]
fn policies_are_about_operations() {
    let rules = &[("service", "{s: {tidegate.service: [Drop, Other]}, condition: s}")];
    let policy = "
default: monitor
statements:
  - {name: downloads, mode: \"off\", services: [Drop], operations: [download]}
  - {name: uploads, mode: enforce, operations: [upload, share]}
";
    let mut inspector = inspector(rules, Some(policy));
    for (method, authority, path, expect) in [
        ("GET", "drop.example", "/a/files/b", "allow"),
        ("PUT", "drop.example", "/a/files/b", "deny"),
        ("DELETE", "drop.example", "/a/files/b", "observe"),
        // Both: `off` needs all of them, `enforce` one.
        ("GET", "drop.example", "/a/files/b?share=1", "deny"),
        // Odd spellings are judged by all that they may be.
        ("GET", "drop.example", "/a/files/%62?%73hare=1", "deny"),
        ("GET", "drop.example", "/a/files/%62", "observe"),
        ("PUT", "drop%2eexample", "/a/files/b", "deny"),
        ("PUT", "other.example", "/a/files/b", "observe"),
    ] {
        let request = request(method, authority, path);
        let verdict = inspector.inspect(&request);
        let source = Source::default();
        let query =
            PolicyQuery { request: &request, source, now: 0, bound: Mode::Enforce, key: Some(KEY) };
        let decision = inspector.pack().decide(&verdict, &query);
        assert_eq!(decision.action.as_str(), expect, "{method} {authority}{path}");
    }
}

#[test]
fn names_that_no_note_has_are_findings() {
    let text = "title: t\nlogsource: {category: proxy}\nlevel: high\ndetection:\n    s:\n        tidegate.service: Drp\n        tidegate.operation: [upload, uplod]\n        tidegate.usage: fresh\n        tidegate.category: '*sharing'\n    condition: s\n";
    let files = [("drop.md", DROP), ("t.yml", text)]
        .map(|(name, text)| SourceFile { name: name.into(), bytes: text.into() });
    let library = Library::read(files.into());
    let shown: Vec<_> = library
        .findings
        .iter()
        .map(|finding| {
            let of = &finding.diagnostic;
            let span = of.place.span;
            format!("{}:{} {} {}; {}", span.line, span.column, of.code.id, of.message, of.help)
        })
        .collect();
    assert_eq!(
        shown,
        [
            "6:27 N025 there is no service `Drp`; did you mean `Drop`?",
            "7:38 N024 there is no operation `uplod`; did you mean `upload`?",
            "8:25 N024 there is no kind of use `fresh`; the values are sanctioned, known, new",
        ]
    );
}
