//! `examples/agent-sandbox`: what a coding agent may do through its gateway, with curl for the agent.
#![forbid(unsafe_code)]
#![expect(clippy::disallowed_methods, reason = "tests touch files")]

use std::fs;

use anyhow::{Context, Result, ensure};
use diagnostics::SourceFile;
use inspect::{IdentityKey, SALT_BYTES, SecretHash};
use knowledge::{Compilation, Library, Policy};
use tempfile::TempDir;
use tests::clients::Client;
use tests::example::{Event, Example, Setting};
use tests::{Launch, workspace};

const KEY: &str = "000102030405060708090a0b0c0d0e0f";
const SECRET: &str = "5d0c3fae9b7144e28c61f0a7d2935be4";
/// The place of the secret's hash in the example's policy, which is no hash, so that nobody runs it as it is.
const PLACE: &str = "\"SECRET\"";

fn folder() -> std::path::PathBuf {
    workspace::root().join("examples/agent-sandbox")
}

/// The shipped notes with the example's policy.
fn pack() -> Result<Vec<u8>> {
    let text = fs::read_to_string(folder().join("policy.yml"))?;
    let (refused, findings) = Policy::read(&"policy.yml".into(), &text);
    ensure!(refused.is_none() && findings.len() == 1, "only the secret is missing: {findings:?}");
    let hash = SecretHash::of([5; SALT_BYTES], SECRET.as_bytes());
    let (policy, findings) =
        Policy::read(&"policy.yml".into(), &text.replace(PLACE, &format!("\"{hash}\"")));
    ensure!(findings.is_empty(), "{findings:?}");
    let mut files = Vec::new();
    for kind in ["rules", "services", "lists"] {
        let folder = workspace::root().join("knowledge/notes").join(kind);
        let mut paths: Vec<_> =
            fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
        paths.sort();
        for path in paths {
            files.push(SourceFile {
                name: path.display().to_string().into(),
                bytes: fs::read(&path)?,
            });
        }
    }
    let library = Library::read(files);
    let key = IdentityKey::from_hex(KEY);
    let compilation = Compilation::with_policy(&library, "sandbox", 1, policy.as_ref(), key);
    let compilation = compilation.map_err(|finding| anyhow::anyhow!("{finding:?}"))?;
    let of_policy =
        compilation.findings.iter().filter(|found| &*found.diagnostic.place.file == "policy.yml");
    ensure!(of_policy.count() == 0, "{:?}", compilation.findings);
    Ok(compilation.bytes)
}

fn opened() -> Result<Vec<String>> {
    let text = fs::read_to_string(folder().join("opened.txt"))?;
    Ok(text.lines().map(str::to_owned).collect())
}

#[test]
fn an_agent_may_do_what_is_listed_and_nothing_else() -> Result<()> {
    let (pack, opened) = (pack()?, opened()?);
    let clients = Client::read("agent-sandbox")?;
    let mut wrong = Vec::new();
    for mode in ["monitor", "enforce"] {
        let directory = TempDir::with_prefix("tidegate-sandbox-")?;
        let setting = Setting { mode, opened: &opened, identity_key: KEY, ..Setting::default() };
        let launch = Launch::new()?;
        let example =
            Example::start_with(&launch, directory.path(), "tls-intercept", &pack, &setting)?;
        for client in &clients {
            let client = Client { run: client.run.replace("{secret}", SECRET), ..client.clone() };
            let outcome = example.run(&client)?;
            let is_denied = mode == "enforce" && client.finds.is_some();
            let is_reported = client.finds.as_ref().is_none_or(|finds| {
                let action = if is_denied { "deny" } else { "observe" };
                let mut events = outcome.events.iter();
                events.any(|event| event.reports(finds) && event.action == action)
            });
            let is_quiet = client.finds.is_some() || outcome.events.is_empty();
            if !is_reported || !is_quiet || outcome.succeeded == is_denied {
                wrong.push(format!("{} ({mode}): {outcome:?}", client.title));
            }
            // TLS that passes unopened is judged by its address: its CONNECT has the name.
            let is_opened = |event: &&Event| {
                let method = event.request.get("method").and_then(|method| method.as_str());
                method.is_some_and(|method| !method.is_empty())
            };
            for event in outcome.events.iter().filter(is_opened) {
                let name = event.request.get("identity").and_then(|name| name.as_str());
                ensure!(name == Some("sandbox"), "{}: {event:?}", client.title);
            }
        }
        let troubles = example.gateway.plugin_failures()?;
        ensure!(troubles.is_empty(), "{troubles:?}");
        let said = example.gateway.log()? + &example.gateway.access_log()?.join("\n");
        for secret in [SECRET, "AKIAIOSFODNN7EXAMPLE"] {
            ensure!(!said.contains(secret), "{secret} is in a log");
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

#[test]
fn without_the_secret_nothing_passes() -> Result<()> {
    let (pack, opened) = (pack()?, opened()?);
    let directory = TempDir::with_prefix("tidegate-sandbox-")?;
    let setting =
        Setting { mode: "enforce", opened: &opened, identity_key: KEY, ..Setting::default() };
    let launch = Launch::new()?;
    let example = Example::start_with(&launch, directory.path(), "tls-intercept", &pack, &setting)?;
    for credentials in ["", "sandbox:wrong@", "root:@"] {
        let client = Client {
            title: credentials.to_owned(),
            run: format!(
                "curl --proxy http://{credentials}{{gateway}} https://packages.example.org/"
            ),
            finds: None,
        };
        let outcome = example.run(&client)?;
        ensure!(!outcome.succeeded && !outcome.called, "{credentials}: {outcome:?}");
    }
    let log = example.gateway.access_log_of(3)?;
    let last = log.last().context("a line")?;
    ensure!(last.contains("407") && last.contains("tidegate_unauthenticated"), "{last}");
    Ok(())
}
