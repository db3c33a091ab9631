//! Headers by which vendors restrict tenants: what the engine, and a real Envoy, make of a request. One table.
#![forbid(unsafe_code)]

use anyhow::{Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use diagnostics::SourceFile;
use inspect::{Request, Source};
use knowledge::{Compilation, Library, Policy};
use serde_json::json;
use tests::authority::Authority;
use tests::{Bootstrap, Certificate, Envoy, Plugin, StandIn, http1};

const SIGN_IN: &str = include_str!("../../knowledge/notes/services/microsoft-sign-in.md");
const WORKSPACE: &str = include_str!("../../knowledge/notes/services/google-workspace-other.md");

const POLICY: &str = "
default: monitor
sources:
  people: [person-*]
  guests: [guest-*]
headers:
  - sources: [people]
    values:
      Restrict-Access-To-Tenants: ours.example
      Restrict-Access-Context: 00000000-0000-4000-8000-000000000001
  - values:
      X-GoogApps-Allowed-Domains: ours.example
";

const TENANTS: &str = "restrict-access-to-tenants";
const DOMAINS: &str = "x-googapps-allowed-domains";

/// A request, and the values of a header that the upstream gets in mode `enforce`.
struct Case {
    source: &'static str,
    host: &'static str,
    header: &'static str,
    /// What the client sends.
    sent: &'static [&'static str],
    forwarded: &'static [&'static str],
}

const fn case(
    source: &'static str,
    host: &'static str,
    header: &'static str,
    sent: &'static [&'static str],
    forwarded: &'static [&'static str],
) -> Case {
    Case { source, host, header, sent, forwarded }
}

const CASES: &[Case] = &[
    case("person-1", "login.microsoftonline.com", TENANTS, &[], &["ours.example"]),
    case("person-1", "login.microsoftonline.com:443", TENANTS, &[], &["ours.example"]),
    case("person-1", "LOGIN.microsoftonline.com.", TENANTS, &[], &["ours.example"]),
    // A client's own copies are replaced, however many there are.
    case("person-1", "login.microsoftonline.com", TENANTS, &["theirs.example"], &["ours.example"]),
    case("person-1", "login.microsoftonline.com", TENANTS, &["a", "b", "c"], &["ours.example"]),
    // Of a source for which the policy has no value they are removed.
    case("guest-1", "login.microsoftonline.com", TENANTS, &["theirs.example"], &[]),
    case("guest-1", "login.microsoftonline.com", TENANTS, &[], &[]),
    // The vendor does not want it there.
    case("person-1", "device.login.microsoftonline.com", TENANTS, &[], &[]),
    // A host that does not read the header.
    case("person-1", "elsewhere.example", TENANTS, &["theirs.example"], &["theirs.example"]),
    // A header that the policy does not set is the client's.
    case("person-1", "login.live.com", "sec-restrict-tenant-access-policy", &["x"], &["x"]),
    // Names below a host, and everybody.
    case("guest-1", "mail.google.com", DOMAINS, &["theirs.example"], &["ours.example"]),
    case("guest-1", "google.com", DOMAINS, &[], &["ours.example"]),
    case("guest-1", "notgoogle.com", DOMAINS, &[], &[]),
];

fn compile() -> Result<Compilation> {
    let file = |name: &str, text: &str| SourceFile { name: name.into(), bytes: text.into() };
    let files = vec![file("sign-in.md", SIGN_IN), file("workspace.md", WORKSPACE)];
    let library = Library::read(files);
    ensure!(library.findings.is_empty(), "{:?}", library.findings);
    let (policy, findings) = Policy::read(&"policy.yml".into(), POLICY);
    ensure!(findings.is_empty(), "{findings:?}");
    let compilation = Compilation::with_policy(&library, "tenants", 1, policy.as_ref(), None);
    let compilation = compilation.map_err(|finding| anyhow::anyhow!("{finding:?}"))?;
    ensure!(compilation.findings.is_empty(), "{:?}", compilation.findings);
    Ok(compilation)
}

#[test]
fn the_engine_changes_headers_as_the_table_says() -> Result<()> {
    let pack = compile()?.pack;
    for case in CASES {
        let request = Request {
            method: b"GET",
            scheme: b"https",
            authority: case.host.as_bytes(),
            path: Some(b"/"),
            ..Request::default()
        };
        let source = Source { named: Some(case.source.as_bytes()), ..Source::default() };
        let changes = pack.header_changes(&request, || source);
        let change = changes.iter().find(|change| change.name == case.header);
        let forwarded = match change {
            Some(change) => change.value.into_iter().collect(),
            None => case.sent.to_vec(),
        };
        assert_eq!(forwarded, case.forwarded, "{} {} {:?}", case.source, case.host, case.sent);
    }
    Ok(())
}

#[test]
fn a_server_name_or_the_target_of_a_tunnel_is_a_host_and_a_connect_has_no_header() -> Result<()> {
    let pack = compile()?.pack;
    let source = || Source { named: Some(b"person-1"), ..Source::default() };
    let elsewhere = Request {
        method: b"GET",
        scheme: b"https",
        authority: b"elsewhere.example",
        path: Some(b"/"),
        ..Request::default()
    };
    let sign_in = Some(&b"login.microsoftonline.com"[..]);
    for (request, n_changes) in [
        (elsewhere, 0),
        (Request { server_name: sign_in, ..elsewhere }, 2),
        (Request { connect_target: Some(b"login.microsoftonline.com:443"), ..elsewhere }, 2),
        (Request { authority: b"login.microsoftonline.com:443", path: None, ..elsewhere }, 0),
    ] {
        assert_eq!(pack.header_changes(&request, source).len(), n_changes, "{request:?}");
    }
    Ok(())
}

/// The values of a header that the upstream got.
fn forwarded(address: std::net::SocketAddr, case: &Case) -> Result<Vec<String>> {
    let mut head =
        format!("GET / HTTP/1.1\r\nHost: {}\r\nx-client: {}\r\n", case.host, case.source);
    head += &format!("x-stand-in-echo: {}\r\n", case.header);
    for value in case.sent {
        head += &format!("{}: {value}\r\n", case.header.to_uppercase());
    }
    let response = http1::send(address, (head + "\r\n").as_bytes())?;
    ensure!(response.status == 200, "{}: {}", case.host, response.status);
    let echoed = response.headers.iter().filter(|(name, _)| name == "x-stand-in-echo");
    echoed.map(|(_, value)| Ok(String::from_utf8(value.clone())?)).collect()
}

#[test]
fn envoy_forwards_headers_as_the_table_says() -> Result<()> {
    let pack = compile()?.bytes;
    let authority = Authority::new("tenants")?;
    let issued = authority.issue(&["login.microsoftonline.com"])?;
    let certificate = Certificate { chain: &issued.chain, key: &issued.key };
    for mode in ["monitor", "enforce"] {
        let settings = json!({
            "mode": mode,
            "pack": STANDARD.encode(&pack),
            "source_header": "x-client",
            "trusted_hops": "127.0.0.1/32",
        });
        let stand_in = StandIn::start()?;
        let filters =
            [Plugin::tidegate(&pack, mode)?.with_text(&settings.to_string()).http_filter()];
        let name = "login.microsoftonline.com".to_owned();
        let config = Bootstrap::new()
            .upstream(stand_in.address())
            .listener("egress", &filters)
            .tls_listener("tls", certificate, std::slice::from_ref(&name), &filters);
        let envoy = Envoy::start(&config.json())?;
        let address = envoy.listener("egress")?;
        for case in CASES {
            let expect = if mode == "enforce" { case.forwarded } else { case.sent };
            let found = forwarded(address, case)?;
            assert_eq!(found, expect, "{} {} in mode {mode}", case.source, case.host);
        }
        // TLS that ends at the gateway; the trusted hop of the connection inside has no address.
        let anybody =
            case("", "accounts.google.com", DOMAINS, &["theirs.example"], &["ours.example"]);
        let expect = if mode == "enforce" { anybody.forwarded } else { anybody.sent };
        assert_eq!(forwarded(envoy.listener(&format!("tls/{name}"))?, &anybody)?, expect, "{mode}");
        assert!(envoy.plugin_failures()?.is_empty(), "{:?}", envoy.plugin_failures()?);
    }
    Ok(())
}
