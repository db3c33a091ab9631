//! Allow-lists: what a group of sources may do, by the engine here, by a real Envoy and over a log. One table.
#![forbid(unsafe_code)]

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use diagnostics::SourceFile;
use hunt::{Hunter, Output, PolicyReplay, Report};
use inspect::{
    IdentityKey, Inspector, Mode, Pack, PolicyQuery, Request, Source, UNLISTED_FIELD, User,
};
use knowledge::{Compilation, Library, Policy};
use serde_json::{Value, json};
use tests::{Bootstrap, Envoy, Plugin, StandIn, http1};
use traffic::{FieldMap, Format};

const KEY: &str = "000102030405060708090a0b0c0d0e0f";
/// 2026-11-30.
const NOW: u64 = 1_795_996_800;

const RULE: &str = "
title: Bot
id: 6b3e1d1c-0000-4000-8000-000000000002
logsource: {category: proxy}
detection: {s: {cs-host: api.telegram.org}, condition: s}
level: high
";

const FORGE: &str = "---
kind: service
service: Forge
hosts: [forge.example]
identity: ['forge.example/{owner}/{repository}']
operations:
  - name: clone
    methods: [GET, POST]
    paths: ['/*/*/git-upload-pack']
    means: a repository is fetched
    match: POST https://forge.example/a/b/git-upload-pack
    pass: DELETE https://forge.example/a/b/git-upload-pack
  - name: push
    methods: [POST]
    paths: ['/*/*/git-receive-pack']
    means: commits are sent
    match: POST https://forge.example/a/b/git-receive-pack
    pass: GET https://forge.example/a/b/git-receive-pack
---
";

const BUCKETS: &str = "---
kind: service
service: Buckets
hosts: [buckets.example]
identity: ['{bucket}.buckets.example']
---
";

const MODEL: &str = "---
kind: service
service: Model
hosts: [model.example]
operations:
  - name: prompt
    hosts: [api.model.example]
    methods: [POST]
    paths: [/ask]
    means: a model is asked
    match: POST https://api.model.example/ask
    pass: GET https://api.model.example/ask
  - name: run
    hosts: [tools.model.example]
    methods: [POST]
    means: a tool is used
    match: POST https://tools.model.example/ask
    pass: GET https://tools.model.example/ask
  - name: tunnel
    hosts: [relay.model.example]
    means: something is carried
    match: GET https://relay.model.example/
    pass: GET https://api.model.example/
---
";

const POLICY: &str = "
default: 'off'
sources:
  builders: [builder-*]
  laptops: [laptop-*]
  ported: [ported-*]
  readers: [reader-*]
  watched: [watched]
  nobody: [nobody]
allow:
  - group: builders
    sources: [builders]
    default: enforce
    services:
      - {service: Forge, operations: [clone, other], identities: [acme/*]}
      - {service: Buckets, identities: [ours]}
      - {service: Model, operations: [prompt, tunnel]}
    hosts:
      - crates.example
      - '*.one.example'
      - '**.below.example'
      - registry.example:5000
      - any.example:*
      - 203.0.113.0/28
      - {hosts: [read.example], methods: [GET, HEAD]}
      - {hosts: [mirror.one.example, 203.0.113.8/30], methods: [GET, HEAD], ports: [80, 8080]}
      - {hosts: [mirror.one.example], methods: [PUT]}
      - '*.deep.below.example:8443'
    connect: [forge.example, tunnel.example:8443]
  - group: laptops
    sources: [laptops]
    default: enforce
    others: true
    services: [Buckets]
    hosts:
      - {hosts: [read.example, '**.read.example'], methods: [GET]}
      - 203.0.113.0/28
  - group: ported
    sources: [ported]
    default: enforce
    ports: [80, 8080]
    hosts: [crates.example]
    connect: [tunnel.example]
  - group: readers
    sources: [readers]
    default: enforce
    others: {methods: [GET, HEAD], ports: [443, 8080]}
    services: [{service: '*', operations: [clone, other], methods: [GET]}]
  - group: watched
    sources: [watched]
    hosts: [crates.example]
  - group: nobody
    sources: [nobody]
    default: enforce
    share: 0%
";

/// A request, its source, and whether the group's list has it.
struct Case {
    source: &'static str,
    method: &'static str,
    /// For CONNECT a host and a port.
    url: &'static str,
    listed: bool,
}

const fn case(source: &'static str, method: &'static str, url: &'static str, listed: bool) -> Case {
    Case { source, method, url, listed }
}

const CASES: &[Case] = &[
    // Operations.
    case("builder-1", "POST", "http://forge.example/acme/a/git-upload-pack", true),
    case("builder-1", "POST", "http://forge.example/acme/a/git-receive-pack", false),
    case("builder-1", "GET", "http://forge.example/acme/a/issues", true),
    // Identities.
    case("builder-1", "POST", "http://forge.example/evil/a/git-upload-pack", false),
    case("builder-1", "GET", "http://ours.buckets.example/key", true),
    case("builder-1", "PUT", "http://ours.buckets.example/key", true),
    case("builder-1", "PUT", "http://theirs.buckets.example/key", false),
    case("builder-1", "GET", "http://buckets.example/", false),
    // Hosts and labels.
    case("builder-1", "GET", "http://crates.example/", true),
    case("builder-1", "GET", "http://sub.crates.example/", false),
    case("builder-1", "GET", "http://notcrates.example/", false),
    case("builder-1", "GET", "http://a.one.example/", true),
    case("builder-1", "GET", "http://a.b.one.example/", false),
    case("builder-1", "GET", "http://one.example/", false),
    case("builder-1", "GET", "http://a.b.below.example/", true),
    case("builder-1", "GET", "http://below.example/", false),
    case("builder-1", "GET", "http://evilbelow.example/", false),
    // Ports.
    case("builder-1", "GET", "http://crates.example:443/", true),
    case("builder-1", "GET", "http://crates.example:8080/", false),
    case("builder-1", "GET", "http://registry.example:5000/", true),
    case("builder-1", "GET", "http://registry.example/", false),
    case("builder-1", "GET", "http://any.example:9999/", true),
    // Addresses.
    case("builder-1", "GET", "http://203.0.113.7/", true),
    case("builder-1", "GET", "http://203.0.113.17/", false),
    // Methods.
    case("builder-1", "GET", "http://read.example/x", true),
    case("builder-1", "POST", "http://read.example/x", false),
    // A wider entry lists nothing of what a nearer one leaves out; those of one name add up.
    case("builder-1", "GET", "http://mirror.one.example/x", true),
    case("builder-1", "GET", "http://mirror.one.example:8080/x", true),
    case("builder-1", "PUT", "http://mirror.one.example/x", true),
    case("builder-1", "POST", "http://mirror.one.example/x", false),
    case("builder-1", "GET", "http://mirror.one.example:443/x", false),
    case("builder-1", "CONNECT", "mirror.one.example:443", false),
    case("builder-1", "POST", "http://other.one.example/x", true),
    case("builder-1", "GET", "http://a.deep.below.example:8443/", true),
    case("builder-1", "GET", "http://a.deep.below.example/", false),
    case("builder-1", "GET", "http://a.b.deep.below.example/", true),
    case("builder-1", "GET", "http://203.0.113.9/", true),
    case("builder-1", "POST", "http://203.0.113.9/", false),
    case("builder-1", "POST", "http://203.0.113.7/", true),
    case("laptop-7", "GET", "http://read.example/", true),
    case("laptop-7", "POST", "http://read.example/", false),
    case("laptop-7", "POST", "http://a.b.read.example/", false),
    case("laptop-7", "POST", "http://notread.example/", true),
    // Tunnels: what is done inside is not seen.
    case("builder-1", "CONNECT", "crates.example:443", true),
    case("builder-1", "CONNECT", "read.example:443", false),
    case("builder-1", "CONNECT", "forge.example:443", true),
    case("builder-1", "CONNECT", "forge.example:22", false),
    case("builder-1", "CONNECT", "tunnel.example:8443", true),
    case("builder-1", "GET", "http://tunnel.example:8443/", false),
    case("builder-1", "CONNECT", "elsewhere.example:443", false),
    // Without a port a tunnel goes to 443, whatever requests may do and the group lists; other ports are written.
    case("builder-1", "CONNECT", "forge.example:80", false),
    case("builder-1", "CONNECT", "crates.example:80", false),
    case("builder-1", "CONNECT", "a.one.example:80", false),
    case("builder-1", "CONNECT", "203.0.113.7:80", false),
    case("builder-1", "CONNECT", "203.0.113.7:443", true),
    case("builder-1", "CONNECT", "any.example:80", true),
    case("laptop-7", "CONNECT", "anything.example:80", false),
    case("laptop-7", "CONNECT", "theirs.buckets.example:80", false),
    case("ported-1", "CONNECT", "tunnel.example:443", true),
    case("ported-1", "CONNECT", "tunnel.example:80", false),
    case("ported-1", "CONNECT", "tunnel.example:8080", false),
    case("ported-1", "CONNECT", "crates.example:8080", true),
    case("ported-1", "CONNECT", "crates.example:443", false),
    case("ported-1", "GET", "http://crates.example/", true),
    // What is done in a tunnel is not seen, also where a host does one thing only.
    case("builder-1", "GET", "http://relay.model.example/", true),
    case("builder-1", "CONNECT", "relay.model.example:443", false),
    case("builder-1", "CONNECT", "api.model.example:443", false),
    // Hosts of one service, of which one may be used.
    case("builder-1", "POST", "http://api.model.example/ask", true),
    case("builder-1", "POST", "http://tools.model.example/ask", false),
    case("builder-1", "POST", "http://model.example/ask", false),
    // What is spelt oddly is never listed.
    case("builder-1", "GET", "http://CRATES.example/", false),
    case("builder-1", "GET", "http://crates.example/%2e%2e/", false),
    case("builder-1", "GET", "http://crates%2eexample/", false),
    // Hosts that belong to no service.
    case("laptop-7", "GET", "http://anything.example/", true),
    case("laptop-7", "CONNECT", "anything.example:443", true),
    case("laptop-7", "GET", "http://theirs.buckets.example/", true),
    case("laptop-7", "GET", "http://forge.example/acme/a/issues", false),
    case("laptop-7", "GET", "http://anything.example:8080/", false),
    case("reader-1", "GET", "http://anything.example:443/", true),
    case("reader-1", "GET", "http://anything.example:8080/", true),
    case("reader-1", "GET", "http://anything.example/", false),
    case("reader-1", "POST", "http://anything.example:8080/", false),
    case("reader-1", "CONNECT", "anything.example:443", false),
    case("reader-1", "GET", "http://forge.example/acme/a/issues", true),
    case("reader-1", "POST", "http://forge.example/acme/a/issues", false),
    // Nobody knows whose an address is, unless it is listed.
    case("laptop-7", "GET", "http://198.51.100.7/", false),
    case("laptop-7", "GET", "http://[2001:db8::7]/", false),
    case("laptop-7", "CONNECT", "198.51.100.7:443", false),
    case("laptop-7", "CONNECT", "[2001:db8::7]:443", false),
    case("laptop-7", "GET", "http://203.0.113.7/", true),
    // An entry by tenant lists no tunnel: inside, another tenant may be asked for.
    case("builder-1", "CONNECT", "ours.buckets.example:443", false),
    case("builder-1", "CONNECT", "theirs.buckets.example:443", false),
    case("laptop-7", "CONNECT", "theirs.buckets.example:443", true),
    // What overrides its method has to be listed by both.
    case("builder-1", "GET", "http://read.example/x?_method=PUT", false),
    case("builder-1", "GET", "http://read.example/x?a=b&x-http-method-override=DELETE", false),
    case("builder-1", "GET", "http://read.example/x?%5fmethod=PUT", false),
    case("builder-1", "GET", "http://read.example/x?_method=HEAD", true),
    case("builder-1", "GET", "http://forge.example/acme/a/git-receive-pack?_method=POST", false),
    case("builder-1", "POST", "http://forge.example/acme/a/git-upload-pack?_method=GET", true),
    case("builder-1", "PUT", "http://crates.example/?_method=DELETE", true),
];

fn compile() -> Result<Compilation> {
    let file = |name: &str, text: &str| SourceFile { name: name.into(), bytes: text.into() };
    let files = vec![
        file("rule.yml", RULE),
        file("forge.md", FORGE),
        file("buckets.md", BUCKETS),
        file("model.md", MODEL),
    ];
    let library = Library::read(files);
    ensure!(library.findings.is_empty(), "{:?}", library.findings);
    let (policy, findings) = Policy::read(&"policy.yml".into(), POLICY);
    ensure!(findings.is_empty(), "{findings:?}");
    let key = IdentityKey::from_hex(KEY);
    let compilation = Compilation::with_policy(&library, "allow", 1, policy.as_ref(), key);
    let compilation = compilation.map_err(|finding| anyhow::anyhow!("{finding:?}"))?;
    ensure!(compilation.findings.is_empty(), "{:?}", compilation.findings);
    Ok(compilation)
}

impl Case {
    fn authority(&self) -> &'static str {
        let rest = self.url.strip_prefix("http://").unwrap_or(self.url);
        rest.split('/').next().unwrap_or_default()
    }

    fn path(&self) -> Option<&'static str> {
        let rest = self.url.strip_prefix("http://")?;
        rest.find('/').and_then(|at| rest.get(at..))
    }

    fn request(&self) -> Request<'static> {
        Request {
            method: self.method.as_bytes(),
            scheme: if self.method == "CONNECT" { b"" } else { b"http" },
            authority: self.authority().as_bytes(),
            path: self.path().map(str::as_bytes),
            ..Request::default()
        }
    }

    fn source(&self) -> Source<'static> {
        Source { named: Some(self.source.as_bytes()), ..Source::default() }
    }

    fn expect(&self, mode: Mode) -> &'static str {
        match (self.listed, mode) {
            (true, _) | (false, Mode::Off) => "allow",
            (false, Mode::Monitor) => "observe",
            (false, Mode::Enforce) => "deny",
        }
    }
}

/// The action of the engine on a request, and the rules that decided, each with its statement.
fn decide(
    inspector: &mut Inspector,
    request: &Request<'_>,
    source: Source<'_>,
    bound: Mode,
) -> (&'static str, Vec<(String, String)>) {
    let key = IdentityKey::from_hex(KEY);
    let verdict = inspector.inspect_of(request, &User { source, key });
    let decision =
        inspector.pack().decide(&verdict, &PolicyQuery { request, source, now: NOW, bound, key });
    let tables = inspector.pack().tables();
    let rules = verdict.matches.iter().zip(&decision.rulings).map(|(matched, ruling)| {
        let rule = tables.rule(matched.rule).map_or("", |rule| tables.str(rule.id));
        (rule.to_owned(), ruling.statement.map_or("", |name| tables.str(name)).to_owned())
    });
    (decision.action.as_str(), rules.collect())
}

#[test]
fn the_engine_decides_as_the_table_says() -> Result<()> {
    let mut inspector = Inspector::new(compile()?.pack);
    for case in CASES {
        for mode in [Mode::Monitor, Mode::Enforce] {
            let (action, rules) = decide(&mut inspector, &case.request(), case.source(), mode);
            assert_eq!(action, case.expect(mode), "{} {} {}", case.source, case.method, case.url);
            if !case.listed {
                let group = match case.source {
                    "laptop-7" => "laptops",
                    "ported-1" => "ported",
                    "reader-1" => "readers",
                    _ => "builders",
                };
                assert_eq!(rules, [(UNLISTED_FIELD.to_owned(), group.to_owned())], "{}", case.url);
            }
        }
    }
    Ok(())
}

#[test]
fn a_group_is_watched_before_it_is_enforced_and_by_share() -> Result<()> {
    let mut inspector = Inspector::new(compile()?.pack);
    let request = case("", "GET", "http://elsewhere.example/", false).request();
    for (source, expect) in [
        ("watched", "observe"),
        // The group has a list, and nobody is in its share: the policy's default decides.
        ("nobody", "allow"),
        // No group has it.
        ("stranger", "allow"),
    ] {
        let source = Source { named: Some(source.as_bytes()), ..Source::default() };
        let (action, _) = decide(&mut inspector, &request, source, Mode::Enforce);
        assert_eq!(action, expect, "{source:?}");
    }
    Ok(())
}

#[test]
fn a_name_that_is_not_listed_is_not_smuggled_in_beside_one_that_is() -> Result<()> {
    let mut inspector = Inspector::new(compile()?.pack);
    let listed = case("builder-1", "GET", "http://a.one.example/", true);
    let request = Request { scheme: b"https", ..listed.request() };
    for (server_name, connect_target, expect) in [
        (Some("a.one.example"), Some("a.one.example:443"), "allow"),
        (Some("b.one.example"), None, "allow"),
        // Of the same domain, and not in the list.
        (Some("evil.a.one.example"), None, "deny"),
        (Some("a.one.example"), Some("evil.a.one.example:443"), "deny"),
        (Some("evil.example"), None, "deny"),
        (Some("theirs.buckets.example"), None, "deny"),
    ] {
        let request = Request {
            server_name: server_name.map(str::as_bytes),
            connect_target: connect_target.map(str::as_bytes),
            ..request
        };
        let (action, _) = decide(&mut inspector, &request, listed.source(), Mode::Enforce);
        assert_eq!(action, expect, "{server_name:?} {connect_target:?}");
    }
    Ok(())
}

#[test]
fn each_name_of_a_request_is_listed_for_what_is_done_under_it() -> Result<()> {
    let mut inspector = Inspector::new(compile()?.pack);
    let source = case("builder-1", "", "", true).source();
    for (method, host, path, server_name, connect_target, expect) in [
        (
            "POST",
            "api.model.example",
            "/ask",
            "api.model.example",
            "api.model.example:443",
            "allow",
        ),
        // Another host of the service, where the same is another thing to do, in each place of a name.
        (
            "POST",
            "tools.model.example",
            "/ask",
            "api.model.example",
            "api.model.example:443",
            "deny",
        ),
        (
            "POST",
            "api.model.example",
            "/ask",
            "tools.model.example",
            "tools.model.example:443",
            "deny",
        ),
        ("POST", "api.model.example", "/ask", "tools.model.example", "", "deny"),
        ("POST", "api.model.example", "/ask", "", "tools.model.example:443", "deny"),
        ("POST", "api.model.example", "/ask", "model.example", "model.example:443", "deny"),
        // Each name is in the list, and one of them not for this.
        ("PUT", "a.one.example", "/x", "a.one.example", "a.one.example:443", "allow"),
        ("PUT", "a.one.example", "/x", "mirror.one.example", "mirror.one.example:443", "allow"),
        ("POST", "a.one.example", "/x", "mirror.one.example", "mirror.one.example:443", "deny"),
        ("POST", "a.one.example", "/x", "b.one.example", "b.one.example:443", "allow"),
        // The port is that of the target, or else that of the host.
        ("PUT", "a.one.example", "/x", "b.one.example", "b.one.example:8443", "deny"),
        ("PUT", "a.one.example:8443", "/x", "b.one.example", "b.one.example:443", "deny"),
        // Names of two domains are odd, whatever is listed.
        ("GET", "crates.example", "/x", "read.example", "read.example:443", "deny"),
    ] {
        let request = Request {
            method: method.as_bytes(),
            scheme: b"https",
            authority: host.as_bytes(),
            path: Some(path.as_bytes()),
            server_name: Some(server_name.as_bytes()).filter(|name| !name.is_empty()),
            connect_target: Some(connect_target.as_bytes()).filter(|name| !name.is_empty()),
            ..Request::default()
        };
        let (action, _) = decide(&mut inspector, &request, source, Mode::Enforce);
        assert_eq!(action, expect, "{method} {host} {server_name} {connect_target}");
    }
    Ok(())
}

#[test]
fn of_two_tenants_that_a_request_names_none_is_listed() -> Result<()> {
    let mut inspector = Inspector::new(compile()?.pack);
    let ours = case("builder-1", "GET", "http://ours.buckets.example/key", true);
    let theirs = case("builder-1", "GET", "http://theirs.buckets.example/key", false);
    for (case, server_name, connect_target, expect) in [
        (&ours, Some("ours.buckets.example"), Some("ours.buckets.example:443"), "allow"),
        (&ours, Some("theirs.buckets.example"), None, "deny"),
        (&ours, None, Some("theirs.buckets.example:443"), "deny"),
        (&theirs, Some("ours.buckets.example"), Some("ours.buckets.example:443"), "deny"),
        (&ours, Some("buckets.example"), None, "deny"),
        (&ours, None, Some("198.51.100.7:443"), "deny"),
    ] {
        let request = Request {
            scheme: b"https",
            server_name: server_name.map(str::as_bytes),
            connect_target: connect_target.map(str::as_bytes),
            ..case.request()
        };
        let (action, _) = decide(&mut inspector, &request, case.source(), Mode::Enforce);
        assert_eq!(action, expect, "{} {server_name:?} {connect_target:?}", case.url);
    }
    // The name of TLS that passes through says whose connection it is, and not whose request is in it.
    let tls = Request {
        method: b"",
        authority: b"ours.buckets.example",
        path: None,
        server_name: Some(b"ours.buckets.example"),
        ..ours.request()
    };
    assert_eq!(decide(&mut inspector, &tls, ours.source(), Mode::Enforce).0, "deny");
    // A name that is listed beside an address that is not.
    let laptop = case("laptop-7", "GET", "http://anything.example/", true);
    let request = Request { connect_target: Some(b"198.51.100.7:443"), ..laptop.request() };
    assert_eq!(decide(&mut inspector, &request, laptop.source(), Mode::Enforce).0, "deny");
    Ok(())
}

#[test]
fn a_header_that_overrides_the_method_is_judged_as_a_parameter_is() -> Result<()> {
    let mut inspector = Inspector::new(compile()?.pack);
    for (url, method_override, expect) in [
        ("http://read.example/x", "PUT", "deny"),
        ("http://read.example/x", "head", "allow"),
        ("http://forge.example/acme/a/git-receive-pack", "POST", "deny"),
        ("http://read.example/x", "nothing", "allow"),
    ] {
        let case = case("builder-1", "GET", url, false);
        let method_override = Some(method_override.as_bytes());
        let request = Request { method_override, ..case.request() };
        let (action, _) = decide(&mut inspector, &request, case.source(), Mode::Enforce);
        assert_eq!(action, expect, "{url} {method_override:?}");
    }
    Ok(())
}

#[test]
fn envoy_decides_as_the_table_says() -> Result<()> {
    let pack = compile()?.bytes;
    for (mode, bound) in [("monitor", Mode::Monitor), ("enforce", Mode::Enforce)] {
        let settings = json!({
            "mode": mode,
            "pack": STANDARD.encode(&pack),
            "identity_key": KEY,
            "source_header": "x-client",
            "trusted_hops": "127.0.0.1/32",
        });
        let stand_in = StandIn::start()?;
        let filters =
            [Plugin::tidegate(&pack, mode)?.with_text(&settings.to_string()).http_filter()];
        let config = Bootstrap::new().upstream(stand_in.address()).listener("egress", &filters);
        let envoy = Envoy::start(&config.json())?;
        let address = envoy.listener("egress")?;
        for case in CASES {
            let target = case.path().unwrap_or(case.authority());
            let head = format!(
                "{} {target} HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\nx-client: {}\r\n\r\n",
                case.method,
                case.authority(),
                case.source
            );
            let head = if case.method == "CONNECT" {
                head.replace("Content-Length: 0\r\n", "")
            } else {
                head
            };
            http1::send(address, head.as_bytes())?;
        }
        let log = envoy.access_log_of(CASES.len())?;
        for (case, line) in CASES.iter().zip(&log) {
            let line: Value = serde_json::from_str(line)?;
            let shown = line["action"].as_str().unwrap_or("allow");
            let name =
                format!("{} {} {} in mode {mode}: {line}", case.source, case.method, case.url);
            assert_eq!(shown, case.expect(bound), "{name}");
            assert_eq!(line["status"] == 403, case.expect(bound) == "deny", "{name}");
        }
        let events = envoy.log()?;
        assert!(events.contains(r#""id":"tidegate.unlisted""#), "{events}");
        assert!(events.contains(r#""statement":"builders""#), "{events}");
        assert!(envoy.plugin_failures()?.is_empty(), "{:?}", envoy.plugin_failures()?);
    }
    Ok(())
}

#[test]
fn a_hunt_over_a_log_decides_as_the_table_says() -> Result<()> {
    let pack = compile()?.bytes;
    let decode = || Pack::decode(&pack).map_err(|error| anyhow::anyhow!("{error}"));
    for bound in [Mode::Monitor, Mode::Enforce] {
        let terms = PolicyReplay { bound, key: IdentityKey::from_hex(KEY), now: NOW };
        let log: String = CASES
            .iter()
            .map(|case| {
                format!(
                    "{}\n",
                    json!({
                        "start_time": "2026-11-30T00:00:00Z",
                        "method": case.method,
                        "scheme": "http",
                        "authority": case.authority(),
                        "path": case.path(),
                        "source_identity": case.source,
                    })
                )
            })
            .collect();
        let mut report = Report::new(decode()?, Output::Json, 1, false).with_policy(terms);
        report.begin(&"log".into());
        let map = FieldMap::default();
        let mut hunter = Hunter::new(decode()?, Format::Envoy, &map, false).with_policy(terms);
        let records = report.take(hunter.hunt(log.as_bytes()));
        let mut actions = vec!["allow".to_owned(); CASES.len()];
        for record in records.lines() {
            let record: Value = serde_json::from_str(record)?;
            let line = usize::try_from(record["line"].as_u64().context("a line")?)?;
            actions[line - 1] = record["action"].as_str().context("an action")?.to_owned();
        }
        for (case, action) in CASES.iter().zip(actions) {
            assert_eq!(action, case.expect(bound), "{} {} {}", case.source, case.method, case.url);
        }
    }
    Ok(())
}
