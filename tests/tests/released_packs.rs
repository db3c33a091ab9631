//! Packs of released formats: this build finds in them what their release found, or refuses them by
//! their format.
#![forbid(unsafe_code)]
#![expect(clippy::disallowed_methods, reason = "tests touch files")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use inspect::pack::{Envelope, FORMAT_VERSION, PublicKey};
use inspect::{
    Correlator, IdentityKey, Inspector, Mode, Pack, PackErrorKind, PolicyQuery, Request, Response,
    Source,
};
use serde::Deserialize;
use tempfile::TempDir;
use tests::case::Sent;
use tests::workspace;

/// What a pack is compiled from, beside the cases that are for the test alone.
const SOURCES: [&str; 3] = ["rules.yml", "slack.md", "policy.yml"];
const IDENTITY_KEY: &str = "identity.key";
const CASES: &str = "cases.toml";
const PACK: &str = "signed.pack";
const PUBLIC_KEY: &str = "signer.pub";
/// 2026-11-29.
const NOW: u64 = 1_795_910_400;
/// Where the format version is in a pack.
const VERSION_AT: std::ops::Range<usize> = 8..12;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    n_rules: usize,
    n_firings: usize,
    #[serde(rename = "case")]
    cases: Vec<Case>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default)]
    method: Option<String>,
    url: String,
    #[serde(default)]
    agent: String,
    /// Who sends it, by the header that the gateway trusts.
    #[serde(default)]
    client: String,
    #[serde(default)]
    status: Option<u16>,
    rules: Vec<String>,
    action: String,
}

fn home() -> PathBuf {
    workspace::root().join("tests/packs")
}

/// The folders of `tests/packs` by the format in their names.
fn folders() -> Result<BTreeMap<u32, PathBuf>> {
    let mut folders = BTreeMap::new();
    for entry in fs::read_dir(home())? {
        let path = entry?.path();
        if path.is_dir() {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let format = name.strip_prefix("format-").with_context(|| format!("folder {name}"))?;
            folders.insert(format.parse()?, path);
        }
    }
    Ok(folders)
}

/// Compiles and signs the pack of a new format, from the sources of the one before.
fn add(folder: &Path, before: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    for name in SOURCES.iter().chain(&[IDENTITY_KEY, CASES]) {
        if folder != before {
            fs::copy(before.join(name), folder.join(name))?;
        }
    }
    let scratch = TempDir::with_prefix("tidegate-released-")?;
    let (tidegate, signer) = (workspace::tidegate()?, scratch.path().join("signer"));
    let run = |command: &mut Command| -> Result<()> {
        let output = command.current_dir(folder).output()?;
        let said = [output.stdout, output.stderr].concat();
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&said));
        Ok(())
    };
    run(Command::new(&tidegate).arg("keygen").arg(&signer))?;
    let [rules, service, policy] = SOURCES;
    let mut pack = Command::new(&tidegate);
    pack.args(["pack", "--name", "released", "--pack-version", "1", "--policy", policy]);
    pack.args(["--identity-key", IDENTITY_KEY, "-o", PACK, rules, service]);
    run(pack.arg("--sign").arg(&signer))?;
    fs::copy(signer.with_extension("pub"), folder.join(PUBLIC_KEY))?;
    Ok(())
}

#[test]
fn the_format_of_this_build_has_its_pack() -> Result<()> {
    let folder = home().join(format!("format-{FORMAT_VERSION}"));
    if !folder.join(PACK).is_file() {
        let help = "run this test with UPDATE=1, and see docs/release.md";
        ensure!(
            std::env::var_os("UPDATE").is_some(),
            "format {FORMAT_VERSION} has no pack: {help}"
        );
        let folders = folders()?;
        let (_, before) = folders.last_key_value().context("a folder to begin with")?;
        add(&folder, before)?;
    }
    let page = fs::read_to_string(workspace::root().join("docs/release.md"))?;
    let row = format!("| {FORMAT_VERSION} | {FORMAT_VERSION} |");
    ensure!(page.contains(&row), "docs/release.md has no row for format {FORMAT_VERSION}");
    Ok(())
}

#[test]
fn every_released_pack_finds_what_it_found_or_is_refused_by_its_format() -> Result<()> {
    let mut n_read = 0;
    for (format, folder) in folders()? {
        let bytes = fs::read(folder.join(PACK))?;
        let written = bytes.get(VERSION_AT).context("a header")?.try_into()?;
        assert_eq!(u32::from_le_bytes(written), format, "{}", folder.display());
        if format == FORMAT_VERSION {
            check(&bytes, &folder).with_context(|| format!("format {format}"))?;
            n_read += 1;
        } else {
            refused(&bytes, format)?;
        }
        // What a build of another format makes of this pack is what this one makes of another's.
        for other in [FORMAT_VERSION - 1, FORMAT_VERSION + 1] {
            let mut bytes = bytes.clone();
            bytes.get_mut(VERSION_AT).context("a header")?.copy_from_slice(&other.to_le_bytes());
            refused(&bytes, other)?;
        }
    }
    assert_eq!(n_read, 1);
    Ok(())
}

fn refused(bytes: &[u8], format: u32) -> Result<()> {
    let Err(error) = Pack::decode(bytes) else { bail!("format {format} is read") };
    assert_eq!(error.kind(), PackErrorKind::Version(format));
    let message = error.to_string();
    for part in [format!("format version {format}"), FORMAT_VERSION.to_string()] {
        assert!(message.contains(&part), "{message}");
    }
    assert!(message.contains("tidegate pack"), "no help: {message}");
    Ok(())
}

fn check(bytes: &[u8], folder: &Path) -> Result<()> {
    let expected: Expected = toml::from_str(&fs::read_to_string(folder.join(CASES))?)?;
    let envelope = Envelope::read(bytes)?;
    envelope.check_signature(&[public_key(&fs::read_to_string(folder.join(PUBLIC_KEY))?)?])?;
    let pack = envelope.decode()?;
    assert_eq!(pack.tables().rules.len(), expected.n_rules);
    let key = IdentityKey::from_hex(fs::read_to_string(folder.join(IDENTITY_KEY))?.trim());
    ensure!(key.is_some(), "a key of the identities");

    let mut correlator = Correlator::new(&pack);
    let mut inspector = Inspector::new(pack);
    let (mut n_firings, mut time_ms) = (0, 0);
    for case in &expected.cases {
        let sent =
            Sent { method: case.method.clone(), url: Some(case.url.clone()), ..Sent::default() };
        let wire = sent.wire()?;
        let request = Request {
            method: &wire.method,
            scheme: &wire.scheme,
            authority: &wire.authority,
            path: wire.path.as_deref(),
            version: b"HTTP/1.1",
            user_agent: (!case.agent.is_empty()).then_some(case.agent.as_bytes()),
            source_address: Some(b"192.0.2.1"),
            response: Some(Response { status: case.status.or(Some(200)), ..Response::default() }),
            ..Request::default()
        };
        let verdict = inspector.inspect(&request);
        let tables = inspector.pack().tables();
        let titles = verdict.matches.iter().filter_map(|found| tables.rule(found.rule));
        let mut titles: Vec<_> = titles.map(|rule| tables.str(rule.title).to_owned()).collect();
        titles.sort();
        let mut rules = case.rules.clone();
        rules.sort();
        assert_eq!(titles, rules, "{}", case.name);
        let named = (!case.client.is_empty()).then_some(case.client.as_bytes());
        let source = Source { named, address: Some(b"192.0.2.1"), ..Source::default() };
        let query = PolicyQuery { request: &request, source, now: NOW, bound: Mode::Enforce, key };
        let decision = inspector.pack().decide(&verdict, &query);
        assert_eq!(decision.action.as_str(), case.action, "{}", case.name);
        let hits = inspector.correlation_hits(&verdict);
        time_ms += 1_000;
        n_firings += correlator.observe(inspector.pack(), &hits, time_ms).len();
    }
    assert_eq!(n_firings, expected.n_firings);
    Ok(())
}

/// The key between the lines of a PEM file.
fn public_key(pem: &str) -> Result<PublicKey> {
    let lines = pem.lines().filter(|line| !line.starts_with('-'));
    let der = STANDARD.decode(lines.collect::<String>())?;
    PublicKey::from_der(&der).context("a public key")
}
