//! Who asks a proxy: `Proxy-Authorization` through a real Envoy, by a real curl.
#![forbid(unsafe_code)]

use std::net::SocketAddr;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use diagnostics::SourceFile;
use inspect::{SALT_BYTES, SecretHash};
use knowledge::{Compilation, Library, Policy};
use tests::{Bootstrap, Envoy, Plugin, StandIn, http1};

const SECRET: &str = "0b6f2c9d41e85a3770b6f2c9d41e85a377";

/// A policy: clients of which one may use one host, and a source that has to be one of them.
fn policy() -> String {
    let client = |name: &str| {
        let hash = SecretHash::of([9; SALT_BYTES], format!("{SECRET}{name}").as_bytes());
        format!("    - {{name: {name}, secret: '{hash}'}}\n")
    };
    format!(
        "default: enforce
sources:
  builders: [builder-7]
  machine: [127.0.0.0/8]
credentials:
  required: [machine]
  clients:
{}{}allow:
  - group: builders
    sources: [builders]
    default: enforce
    hosts: [crates.example]
    connect: [tunnel.example:80]
",
        client("builder-7"),
        client("guest"),
    )
}

fn compile() -> Result<Compilation> {
    let rule = "title: Bot\nid: 6b3e1d1c-0000-4000-8000-000000000002\nlogsource: {category: proxy}\ndetection: {s: {cs-host: api.telegram.org}, condition: s}\nlevel: high\n";
    let file = SourceFile { name: "rule.yml".into(), bytes: rule.into() };
    let library = Library::read(vec![file]);
    let (policy, findings) = Policy::read(&"policy.yml".into(), &policy());
    ensure!(findings.is_empty(), "{findings:?}");
    let compilation = Compilation::with_policy(&library, "clients", 1, policy.as_ref(), None);
    compilation.map_err(|finding| anyhow::anyhow!("{finding:?}"))
}

/// What curl got: the status of the proxy's answer to CONNECT, that of the answer, and the answer's head.
struct Answer {
    connect: String,
    status: String,
    head: String,
}

/// Asks for a URL with the proxy as `credentials@gateway`, without them if they are empty.
fn curl(gateway: SocketAddr, credentials: &str, more: &[&str], url: &str) -> Result<Answer> {
    let at = if credentials.is_empty() { "" } else { "@" };
    let output = Command::new("curl")
        .args(["--silent", "--max-time", "30", "--output", "/dev/null", "--dump-header", "-"])
        .args(["--write-out", "\n%{http_connect} %{http_code}", "--noproxy", ""])
        .args(["-x", &format!("http://{credentials}{at}{gateway}")])
        .args(["-H", "x-stand-in-headers: yes"])
        .args(more)
        .arg(url)
        .output()
        .context("`curl` is needed")?;
    let text = String::from_utf8(output.stdout)?;
    let (head, codes) = text.rsplit_once('\n').context("two codes")?;
    let (connect, status) = codes.split_once(' ').context("two codes")?;
    let (connect, status) = (connect.to_owned(), status.to_owned());
    Ok(Answer { connect, status, head: head.to_ascii_lowercase() })
}

#[test]
fn curl_names_its_client_and_the_name_is_the_source() -> Result<()> {
    let pack = compile()?.bytes;
    let stand_in = StandIn::start()?;
    let filters = [Plugin::tidegate(&pack, "enforce")?.http_filter()];
    let config = Bootstrap::new().upstream(stand_in.address()).listener("egress", &filters);
    let envoy = Envoy::start(&config.json())?;
    let gateway = envoy.listener("egress")?;
    let builder = format!("builder-7:{SECRET}builder-7");
    let guest = format!("guest:{SECRET}guest");
    let wrong = format!("builder-7:{SECRET}guest");
    let tunnel = ["--proxytunnel"];

    // Absolute-form: asked for, refused, and taken.
    let answer = curl(gateway, "", &[], "http://crates.example/")?;
    assert_eq!(answer.status, "407");
    assert!(
        answer.head.contains("proxy-authenticate: basic realm=\"tidegate\""),
        "{}",
        answer.head
    );
    assert_eq!(curl(gateway, &wrong, &[], "http://crates.example/")?.status, "407");
    let answer = curl(gateway, &builder, &[], "http://crates.example/")?;
    assert_eq!(answer.status, "200");
    let names = answer.head.lines().find(|line| line.starts_with("x-stand-in-headers:"));
    let names = names.context("the names of the headers that came")?;
    assert!(names.contains("user-agent") && !names.contains("proxy-authorization"), "{names}");
    // As curl does that waits to be asked.
    let asked = curl(gateway, &builder, &["--proxy-anyauth"], "http://crates.example/")?;
    assert_eq!(asked.status, "200");

    // The allow-list is that of the name.
    assert_eq!(curl(gateway, &builder, &[], "http://elsewhere.example/")?.status, "403");
    assert_eq!(curl(gateway, &guest, &[], "http://elsewhere.example/")?.status, "200");
    assert_eq!(curl(gateway, &guest, &[], "http://api.telegram.org/")?.status, "403");

    // CONNECT.
    assert_eq!(curl(gateway, "", &tunnel, "http://tunnel.example/")?.connect, "407");
    assert_eq!(curl(gateway, &wrong, &tunnel, "http://tunnel.example/")?.connect, "407");
    let answer = curl(gateway, &builder, &tunnel, "http://tunnel.example/")?;
    assert_eq!((answer.connect.as_str(), answer.status.as_str()), ("200", "200"));
    assert_eq!(curl(gateway, &builder, &tunnel, "http://elsewhere.example/")?.connect, "403");

    // Over HTTP/1.1 by hand: the header twice names nobody.
    let twice = "GET http://crates.example/ HTTP/1.1\r\nHost: crates.example\r\nProxy-Authorization: Basic YQ==\r\nProxy-Authorization: Basic YQ==\r\n\r\n";
    assert_eq!(http1::send(gateway, twice.as_bytes())?.status, 407);

    let log = envoy.log()?;
    assert!(log.contains(r#""identity":"builder-7""#), "{log}");
    assert!(log.contains(r#""identity":"guest""#), "{log}");
    let access_log = envoy.access_log_of(13)?.join("\n");
    assert!(access_log.contains("tidegate_unauthenticated{kind=missing}"), "{access_log}");
    for text in [&log, &access_log] {
        assert!(!text.contains(SECRET) && !text.contains("YnVpbGRlci03"), "{text}");
    }
    assert!(envoy.plugin_failures()?.is_empty(), "{:?}", envoy.plugin_failures()?);
    Ok(())
}
