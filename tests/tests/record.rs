//! `tidegate test --record`: runbooks through the example gateway, and what is written of it.
#![forbid(unsafe_code)]
#![expect(clippy::disallowed_methods, reason = "tests touch files")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use tests::gateway::Gateway;
use tests::{Launch, workspace};

const KEYS: [&str; 4] = ["last_run", "last_result", "last_pack", "last_rule"];

fn tidegate(arguments: &[&str]) -> Result<Output> {
    let program = workspace::target().join("debug/tidegate");
    Command::new(program).args(arguments).output().context("`tidegate`: run `cargo xtask setup`")
}

fn copy(from: &Path, to: &Path) -> Result<usize> {
    fs::create_dir_all(to)?;
    let mut n_files = 0;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        fs::copy(&path, to.join(path.file_name().context("a file")?))?;
        n_files += 1;
    }
    Ok(n_files)
}

/// The lines of a text without the three keys.
fn others(text: &str) -> Vec<&str> {
    let is_ours = |line: &&str| KEYS.iter().any(|key| line.starts_with(&format!("{key}:")));
    text.lines().filter(|line| !is_ours(line)).collect()
}

/// A gateway with a pack, notes beside it, and the arguments that record them.
struct Setting {
    folder: TempDir,
    gateway: Gateway,
}

impl Setting {
    fn start(pack: &[u8]) -> Result<Setting> {
        let folder = TempDir::with_prefix("tidegate-record-")?;
        let gateway =
            Gateway::start(&Launch::new()?, &folder.path().join("gateway"), pack, "monitor")?;
        Ok(Setting { folder, gateway })
    }

    fn path(&self, name: &str) -> Result<String> {
        Ok(self.folder.path().join(name).to_str().context("a path in UTF-8")?.to_owned())
    }

    fn record(&self, more: &[&str]) -> Result<Output> {
        let url = format!("http://{}", self.gateway.address()?);
        let (notes, access) = (self.path("notes")?, self.path("gateway/access.log")?);
        let log = self.path("gateway/envoy.log")?;
        let mut arguments = vec!["test", &notes, "--record", "--gateway", &url];
        arguments.extend(["--log", &access, "--log", &log]);
        arguments.extend(more);
        tidegate(&arguments)
    }
}

#[test]
fn every_shipped_runbook_passes_and_says_so_in_its_note_and_on_its_page() -> Result<()> {
    let setting = Setting::start(&fs::read(workspace::shipped_pack()?)?)?;
    let notes = workspace::root().join("knowledge/notes");
    let n_rules = copy(&notes.join("rules"), &setting.folder.path().join("notes/rules"))?;
    let runbooks = setting.folder.path().join("notes/runbooks");
    let n_runbooks = copy(&notes.join("runbooks"), &runbooks)?;
    ensure!(n_rules == n_runbooks, "{n_rules} rules and {n_runbooks} runbooks");
    // The shipped ones have a result, which may be that of today.
    for entry in fs::read_dir(&runbooks)? {
        let path = entry?.path();
        let bare = others(&fs::read_to_string(&path)?).join("\n") + "\n";
        fs::write(path, bare)?;
    }
    // Rules ask for services and lists by name.
    for folder in ["services", "lists"] {
        copy(&notes.join(folder), &setting.folder.path().join("notes").join(folder))?;
    }
    let (folder, vault) = (setting.path("notes")?, setting.path("vault")?);
    let attack =
        workspace::root().join("knowledge/attack/enterprise-attack-18.1-web-services.json");
    let attack = attack.to_str().context("a path in UTF-8")?;
    let build = ["vault", "build", "--notes", &folder, "--attack", attack, &vault];
    ensure!(tidegate(&build)?.status.success());

    let output = setting.record(&["--vault", &vault])?;
    let printed = String::from_utf8(output.stdout)?;
    ensure!(output.status.success(), "{printed}{}", String::from_utf8(output.stderr)?);
    let end = format!(" 0 failed; {} files written\n", 2 * n_runbooks);
    ensure!(
        printed.starts_with(&format!("{n_runbooks} runbooks, ")) && printed.ends_with(&end),
        "{printed}"
    );

    for entry in fs::read_dir(&runbooks)? {
        let path = entry?.path();
        let name = path.file_name().context("a file")?;
        let (before, after) =
            (fs::read_to_string(notes.join("runbooks").join(name))?, fs::read_to_string(&path)?);
        ensure!(others(&before) == others(&after), "{} lost words", path.display());
        // A rule without a request that it matches matches what several do over time.
        let rule = fs::read_to_string(notes.join("rules").join(name))?;
        let is_over_time = !rule.contains("```http match");
        let result = if is_over_time { "not by one request; passed, " } else { "passed, " };
        let result = format!("last_result: \"{result}");
        for begin in ["last_run: 20", &result, "last_pack: \"", "last_rule: \""] {
            ensure!(after.lines().any(|line| line.starts_with(begin)), "{begin}: {after}");
        }
    }
    let page = Path::new(&vault)
        .join("Testing Runbooks/Runbook - Telegram bot API called with a bot token in the path.md");
    let recorded = fs::read_to_string(&page)?;
    ensure!(recorded.contains("last_result: \"passed, 8 of 8 steps\"\n"), "{recorded}");

    // The next build takes the notes' results over, and finds no edit by hand in its own pages.
    let built = tidegate(&build)?;
    let printed = String::from_utf8(built.stdout)?;
    ensure!(built.status.success() && !printed.contains("conflict"), "{printed}");
    let rebuilt = fs::read_to_string(&page)?;
    ensure!(rebuilt.contains("last_result: \"passed, 8 of 8 steps\"\n"), "{rebuilt}");
    // The gateway's pack has other services and another name than a pack of these notes: that changes no
    // rule, so every result is fresh.
    for entry in fs::read_dir(Path::new(&vault).join("Testing Runbooks"))? {
        let page = fs::read_to_string(entry?.path())?;
        let state =
            if page.contains("last_result: \"not by") { "not by one request" } else { "passed" };
        let state = format!("\ntest_state: \"{state}\"\n");
        ensure!(!page.contains("last_pack:") || page.contains(&state), "{page}");
    }
    let layer = fs::read_to_string(Path::new(&vault).join("Layers/test passed.json"))?;
    let layer: serde_json::Value = serde_json::from_str(&layer)?;
    let techniques = layer["techniques"].as_array().context("techniques")?;
    let bot = techniques.iter().find(|technique| technique["techniqueID"] == "T1102.002");
    ensure!(bot.and_then(|bot| bot["score"].as_u64()) > Some(0), "{layer:#}");
    let check = tidegate(&["vault", "check", &vault])?;
    ensure!(check.status.success(), "{}", String::from_utf8(check.stdout)?);
    Ok(())
}

#[test]
fn a_gateway_without_the_rule_fails_the_runbook_and_the_note_says_which_steps() -> Result<()> {
    let setting = Setting::start(&fs::read(workspace::shipped_pack()?)?)?;
    let notes = setting.folder.path().join("notes");
    fs::create_dir_all(&notes)?;
    let shipped = workspace::root().join("knowledge/notes");
    let rule = fs::read_to_string(shipped.join("rules/telegram-bot-api.md"))?;
    let id = "3fb26e1d-86b7-4586-8659-024708cd39d2";
    let foreign = "00000000-0000-4000-8000-000000000000";
    fs::write(notes.join("rule.md"), rule.replace(id, foreign))?;
    let runbook =
        format!("---\r\nkind: runbook\r\nrule: {foreign}\r\nowner: me\r\n---\r\n\r\nwords\r\n");
    fs::write(notes.join("runbook.md"), &runbook)?;

    let output = setting.record(&["--format", "json"])?;
    let printed = serde_json::from_slice(&output.stdout);
    let printed: serde_json::Value =
        printed.with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    ensure!(output.status.code() == Some(1), "{printed:#}");
    let result = "failed, not as expected: step 1, 2, 3, 4, 5 of 8";
    ensure!(printed["runbooks"][0]["result"] == result, "{printed:#}");
    let written = fs::read_to_string(notes.join("runbook.md"))?;
    ensure!(written.contains("owner: me\r\nlast_run: 20"), "{written}");
    ensure!(written.contains(&format!("\r\nlast_result: \"{result}\"\r\n")), "{written}");
    ensure!(written.ends_with("---\r\n\r\nwords\r\n"), "{written}");
    Ok(())
}

#[test]
fn a_gateway_that_is_not_there_changes_nothing() -> Result<()> {
    let folder = TempDir::with_prefix("tidegate-record-")?;
    let notes = workspace::root().join("knowledge/notes/rules/telegram-bot-api.md");
    let (notes, log) = (notes.to_str().context("a path")?, folder.path().join("log"));
    fs::write(&log, "")?;
    // A port that was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let url = format!("http://{free}");
    let log = log.to_str().context("a path")?;
    for (gateway, expect, code) in
        [(url.as_str(), "error[F026]", 1), ("ftp://x", "http://HOST:PORT", 2)]
    {
        let output = tidegate(&["test", notes, "--record", "--gateway", gateway, "--log", log])?;
        let printed = String::from_utf8(output.stderr)?;
        ensure!(output.status.code() == Some(code) && printed.contains(expect), "{printed}");
    }
    Ok(())
}
