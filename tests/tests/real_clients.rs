//! Allow-lists by operation and identity, with the programs that people use: git over smart HTTP, and curl that
//! signs its requests to S3, through a real Envoy.
#![forbid(unsafe_code)]

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output};
use std::{env, fs};

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use diagnostics::SourceFile;
use inspect::IdentityKey;
use knowledge::{Compilation, Library, Policy};
use serde_json::json;
use tempfile::TempDir;
use tests::{Bootstrap, Envoy, GitServer, Plugin, StandIn};

const KEY: &str = "000102030405060708090a0b0c0d0e0f";
const GITHUB: &str = include_str!("../../knowledge/notes/services/github.md");
const S3: &str = include_str!("../../knowledge/notes/services/amazon-s3.md");
const SLACK: &str = include_str!("../../knowledge/notes/services/slack.md");

const POLICY: &str = "
allow:
  - group: everybody
    default: enforce
    services:
      - {service: GitHub, operations: [clone], identities: [acme/*]}
      - {service: GitHub, operations: [read, other], identities: [acme/*], methods: [GET]}
      - {service: Amazon S3, identities: [ours@s3.amazonaws.com]}
      - {service: Slack, operations: [webhook], identities: [T0OURS/B0OURS]}
";

fn pack() -> Result<Vec<u8>> {
    let file = |name: &str, text: &str| SourceFile { name: name.into(), bytes: text.into() };
    let notes = [("github.md", GITHUB), ("s3.md", S3), ("slack.md", SLACK)];
    let library = Library::read(notes.map(|(name, text)| file(name, text)).into());
    ensure!(library.findings.is_empty(), "{:?}", library.findings);
    let (policy, findings) = Policy::read(&"policy.yml".into(), POLICY);
    ensure!(findings.is_empty(), "{findings:?}");
    let key = IdentityKey::from_hex(KEY);
    let compilation = Compilation::with_policy(&library, "clients", 1, policy.as_ref(), key);
    let compilation = compilation.map_err(|finding| anyhow::anyhow!("{finding:?}"))?;
    ensure!(compilation.findings.is_empty(), "{:?}", compilation.findings);
    Ok(compilation.bytes)
}

fn gateway(upstream: SocketAddr) -> Result<Envoy> {
    let pack = pack()?;
    let settings = json!({"mode": "enforce", "pack": STANDARD.encode(&pack), "identity_key": KEY});
    let plugin = Plugin::tidegate(&pack, "enforce")?.with_text(&settings.to_string());
    let config = Bootstrap::new().upstream(upstream).listener("egress", &[plugin.http_filter()]);
    Envoy::start(&config.json())
}

/// Runs git, with no configuration but what is said here.
fn git(home: &Path, folder: &Path, arguments: &[&str]) -> Result<Output> {
    let mut git = Command::new("git");
    git.env_clear().envs(env::vars_os().filter(|(name, _)| name == "PATH"));
    git.env("HOME", home).env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_TERMINAL_PROMPT", "0");
    for name in ["AUTHOR", "COMMITTER"] {
        git.env(format!("GIT_{name}_NAME"), "a").env(format!("GIT_{name}_EMAIL"), "a@a.example");
    }
    git.current_dir(folder).args(arguments).output().context("`git` is needed")
}

#[test]
fn git_clones_what_is_listed_and_pushes_nothing() -> Result<()> {
    let scratch = TempDir::with_prefix("tidegate-git-")?;
    let (home, root) = (scratch.path(), scratch.path().join("served"));
    let done = |folder: &Path, arguments: &[&str]| -> Result<()> {
        let output = git(home, folder, arguments)?;
        ensure!(output.status.success(), "{arguments:?}: {output:?}");
        Ok(())
    };
    for owner in ["acme", "evil"] {
        let bare = root.join(owner).join("app.git");
        let work = scratch.path().join(owner);
        fs::create_dir_all(&bare)?;
        fs::create_dir_all(&work)?;
        done(&bare, &["init", "--quiet", "--bare", "--initial-branch=main"])?;
        done(&work, &["init", "--quiet", "--initial-branch=main"])?;
        done(&work, &["commit", "--quiet", "--allow-empty", "--message", owner])?;
        done(&work, &["push", "--quiet", bare.to_str().context("a path")?, "main"])?;
    }
    let server = GitServer::start(&root)?;
    let envoy = gateway(server.address())?;
    let address = envoy.listener("egress")?;
    let proxy = format!("http.proxy=http://{address}");
    let through = |folder: &Path, arguments: &[&str]| {
        git(home, folder, &[&["-c", proxy.as_str()][..], arguments].concat())
    };
    let clone = |owner: &str, to: &str| {
        let url = format!("http://github.com/{owner}/app.git");
        through(scratch.path(), &["clone", "--quiet", &url, to])
    };

    let output = clone("acme", "cloned")?;
    ensure!(output.status.success(), "{output:?}");
    let cloned = scratch.path().join("cloned");
    let log = git(home, &cloned, &["log", "--format=%s"])?;
    ensure!(log.stdout == b"acme\n", "{log:?}");
    let output = clone("evil", "theirs")?;
    ensure!(!output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(said.contains("403"), "{said}");

    // What is fetched comes again, and what is pushed does not leave.
    done(&cloned, &["commit", "--quiet", "--allow-empty", "--message", "mine"])?;
    let output = through(&cloned, &["fetch", "--quiet", "origin"])?;
    ensure!(output.status.success(), "{output:?}");
    let output = through(&cloned, &["push", "--quiet", "origin", "main"])?;
    ensure!(!output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(said.contains("403"), "{said}");
    let log = git(home, &root.join("acme/app.git"), &["log", "--format=%s", "main"])?;
    ensure!(log.stdout == b"acme\n", "{log:?}");

    // Past the gateway it would have: the server takes pushes.
    let direct = format!("http://{}/acme/app.git", server.address());
    let output = git(home, &cloned, &["push", "--quiet", &direct, "main"])?;
    ensure!(output.status.success(), "{output:?}");
    let events = envoy.log()?;
    ensure!(events.contains(r#""id":"tidegate.unlisted""#), "{events}");
    Ok(())
}

/// The status that curl gets for a signed request to S3, or for another one.
fn curl(gateway: SocketAddr, arguments: &[&str]) -> Result<String> {
    let output = Command::new("curl")
        .args(["--silent", "--max-time", "30", "--output", "/dev/null", "--noproxy", ""])
        .args(["--write-out", "%{http_code}", "-x", &format!("http://{gateway}")])
        .args(arguments)
        .output()
        .context("`curl` is needed")?;
    Ok(String::from_utf8(output.stdout)?)
}

#[test]
fn one_bucket_of_s3_and_one_workspace_of_slack_are_used() -> Result<()> {
    let stand_in = StandIn::start()?;
    let envoy = gateway(stand_in.address())?;
    let gateway = envoy.listener("egress")?;
    let signed = ["--aws-sigv4", "aws:amz:eu-west-1:s3", "--user", "AKIAIOSFODNN7EXAMPLE:example"];
    let put = ["--upload-file", "/dev/null"];
    for (url, expect) in [
        ("http://ours.s3.eu-west-1.amazonaws.com/key", "200"),
        ("http://s3.eu-west-1.amazonaws.com/ours/key", "200"),
        ("http://theirs.s3.eu-west-1.amazonaws.com/key", "403"),
        ("http://s3.eu-west-1.amazonaws.com/theirs/key", "403"),
        ("http://ours.s3.evil.s3.eu-west-1.amazonaws.com/key", "403"),
        ("http://ours.s3.evil.example/key", "403"),
    ] {
        for more in [&[][..], &put] {
            let status = curl(gateway, &[&signed[..], more, &[url]].concat())?;
            assert_eq!(status, expect, "{more:?} {url}");
        }
    }
    let post = ["--data", "{}"];
    for (url, expect) in [
        ("http://hooks.slack.com/services/T0OURS/B0OURS/Example0Example0Example0", "200"),
        ("http://hooks.slack.com/services/T0EVIL/B0OURS/Example0Example0Example0", "403"),
        ("http://slack.com/api/chat.postMessage", "403"),
    ] {
        assert_eq!(curl(gateway, &[&post[..], &[url]].concat())?, expect, "{url}");
    }
    Ok(())
}
