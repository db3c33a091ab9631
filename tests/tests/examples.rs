//! `examples/connect-sni`, `tls-intercept` and `transparent`, with curl and openssl for clients.
#![forbid(unsafe_code)]
#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "tests touch files and print")]

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;
use tests::clients::Client;
use tests::example::{Example, Outcome, Setting};
use tests::{Launch, Plugin, until, workspace};

fn every_client_of(name: &str) -> Result<()> {
    let pack = fs::read(workspace::shipped_pack()?)?;
    let clients = Client::read(name)?;
    let mut wrong = Vec::new();
    for mode in ["monitor", "enforce"] {
        let directory = TempDir::with_prefix("tidegate-example-")?;
        let example = Example::start(&Launch::new()?, directory.path(), name, &pack, mode)?;
        for client in &clients {
            let outcome = example.run(client)?;
            if !is_expected(client, &outcome, mode) {
                wrong.push(format!("{} ({mode}): {outcome:?}", client.title));
            }
        }
        let troubles = example.gateway.plugin_failures()?;
        ensure!(troubles.is_empty(), "{troubles:?}");
    }
    println!("{name}: {} clients under two modes, {} wrong", clients.len(), wrong.len());
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// What is found is reported by `monitor` and stopped by `enforce`; what is ordinary is neither.
///
/// For a connection that is stopped nobody is called, unless it has no server name: TLS is distinguished from
/// all else by the first bytes, and Envoy reads those only once it has called.
fn is_expected(client: &Client, outcome: &Outcome, mode: &str) -> bool {
    let action = if mode == "enforce" { "deny" } else { "observe" };
    match &client.finds {
        None => outcome.succeeded && outcome.events.is_empty(),
        Some(finds) => {
            let is_nameless = matches!(finds.as_str(), "sni.missing" | "tls.absent");
            outcome.events.iter().any(|event| event.reports(finds) && event.action == action)
                && outcome.succeeded == (mode == "monitor")
                && (outcome.called == (mode == "monitor") || is_nameless)
        }
    }
}

#[test]
fn what_was_promised_in_connect_is_held_against_the_server_name() -> Result<()> {
    every_client_of("connect-sni")
}

#[test]
fn listed_services_are_opened_and_the_rest_passes() -> Result<()> {
    every_client_of("tls-intercept")
}

#[test]
fn redirected_tls_is_judged_by_its_server_name() -> Result<()> {
    every_client_of("transparent")
}

fn started(name: &str, directory: &TempDir) -> Result<Example> {
    let pack = fs::read(workspace::shipped_pack()?)?;
    Example::start(&Launch::new()?, directory.path(), name, &pack, "monitor")
}

#[test]
fn the_listener_inside_knows_who_asked_and_where_the_tunnel_goes() -> Result<()> {
    let directory = TempDir::with_prefix("tidegate-example-")?;
    let example = started("connect-sni", &directory)?;
    // The second client promises one name and asks for another.
    let client = Client::read("connect-sni")?.swap_remove(1);
    let outcome = example.run(&client)?;
    let outside = until("the line of the listener outside", || {
        let log = example.gateway.access_log()?;
        let lines = log.iter().map(|line| Ok(serde_json::from_str(line)?));
        let lines: Vec<Value> = lines.collect::<Result<_>>()?;
        Ok(lines.into_iter().find(|line| line["where"] == "connect"))
    })?;
    assert_eq!(outside["upstream"], "www.example.com:443");
    assert_eq!(outside["client"], "127.0.0.1");
    // A second event may follow when the connection ends.
    let [inside, ..] = outcome.events.as_slice() else { bail!("{outcome:?}") };
    for (key, value) in
        [("tunnel", "www.example.com:443"), ("sni", "api.telegram.org"), ("source", "127.0.0.1")]
    {
        assert_eq!(inside.request.get(key).and_then(Value::as_str), Some(value), "{key}");
    }
    Ok(())
}

#[test]
fn only_listed_services_show_a_certificate_of_the_local_authority() -> Result<()> {
    let directory = TempDir::with_prefix("tidegate-example-")?;
    let example = started("tls-intercept", &directory)?;
    let world = fs::canonicalize(directory.path())?.join("world.pem");
    let session = |name: &str| Client {
        title: name.to_owned(),
        run: format!("openssl s_client -proxy {{gateway}} -connect {name}:443 -servername {name}"),
        finds: None,
    };
    for (name, is_opened) in [("discord.com", true), ("www.example.com", false)] {
        ensure!(example.run(&session(name))?.succeeded, "{name}");
        // Whoever does not trust the local authority does not trust what it signed.
        assert_eq!(session(name).run(example.address()?, &world)?, !is_opened, "{name}");
    }
    Ok(())
}

/// One tunnel carries any number of requests, which count as those outside of tunnels do.
#[test]
fn the_limit_of_one_client_holds_inside_of_a_tunnel_that_is_opened() -> Result<()> {
    let directory = TempDir::with_prefix("tidegate-example-")?;
    let pack = fs::read(workspace::shipped_pack()?)?;
    let setting = Setting { mode: "monitor", is_scarce: true, ..Setting::default() };
    let launch = Launch::new()?;
    let example = Example::start_with(&launch, directory.path(), "tls-intercept", &pack, &setting)?;
    for version in ["--http1.1", "--http2"] {
        let output = Command::new("curl")
            .args([
                "--silent",
                "--noproxy",
                "",
                version,
                "--write-out",
                "%{http_code} %{num_connects}\n",
            ])
            .args(["--output", "/dev/null", "--cacert"])
            .arg(example.authorities())
            .arg("--proxy")
            .arg(format!("http://{}", example.address()?))
            .arg("https://discord.com/[1-8]")
            .args(["--output", "/dev/null"])
            .output()?;
        let seen = String::from_utf8(output.stdout)?;
        let statuses: Vec<&str> =
            seen.lines().filter_map(|line| line.split_whitespace().next()).collect();
        let n_limited = statuses.iter().filter(|status| **status == "429").count();
        // The first version has used up all that there is.
        let n_expected = if version == "--http1.1" { 3 } else { 8 };
        assert_eq!(n_limited, n_expected, "{version}: {seen}");
    }
    Ok(())
}

#[test]
fn the_commands_of_every_readme_make_a_configuration_that_envoy_takes() -> Result<()> {
    let binary = workspace::tidegate()?;
    let own = binary.parent().map(Path::to_owned).into_iter();
    let path =
        env::join_paths(own.chain(env::split_paths(&env::var_os("PATH").unwrap_or_default())))?;
    for name in ["egress-gateway", "connect-sni", "tls-intercept", "transparent"] {
        let directory = TempDir::with_prefix("tidegate-readme-")?;
        let example = workspace::root().join("examples").join(name);
        let readme = fs::read_to_string(example.join("README.md"))?;
        let block = readme.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next());
        fs::copy(example.join("envoy.yaml"), directory.path().join("envoy.yaml"))?;
        fs::copy(workspace::wasm("filter")?, directory.path().join("filter.wasm"))?;
        fs::copy(workspace::shipped_pack()?, directory.path().join("rules.pack"))?;
        let own = rcgen::generate_simple_self_signed(vec!["discord.com".to_owned()])?;
        fs::write(directory.path().join("gateway.crt"), own.cert.pem())?;
        fs::write(directory.path().join("gateway.key"), own.signing_key.serialize_pem())?;
        let run = |command: &mut Command| -> Result<()> {
            let output = command.current_dir(directory.path()).output()?;
            let said = String::from_utf8_lossy(&output.stderr);
            let end = said.floor_char_boundary(said.len().saturating_sub(800));
            ensure!(output.status.success(), "{name}: {}", said.split_at(end).1);
            Ok(())
        };
        let mut shell = Command::new("sh");
        run(shell.args(["-e", "-c", block.context("a block of sh")?]).env("PATH", &path))?;
        let envoy = Launch::new()?.binary;
        run(Command::new(envoy).args(["--mode", "validate", "-c", "envoy.yaml"]))?;
        let discovery = directory.path().join("tidegate.json");
        ensure!(discovery.is_file() == (name == "egress-gateway"), "{name}");
        if discovery.is_file() {
            is_what_the_other_tests_run(&fs::read(discovery)?)?;
        }
    }
    Ok(())
}

fn is_what_the_other_tests_run(discovery: &[u8]) -> Result<()> {
    const SETTINGS: &str = "/resources/0/typed_config/config/configuration/value";
    let pack = fs::read(workspace::shipped_pack()?)?;
    let mut plugin = Plugin::tidegate(&pack, "monitor")?;
    plugin.wasm = "filter.wasm".into();
    let version = inspect::Pack::decode(&pack)?.tables().version.to_string();
    let mut expect: Value = serde_json::from_str(&plugin.discovery_response(&version))?;
    let mut written: Value = serde_json::from_slice(discovery)?;
    // Text inside of text; the order of its keys means nothing.
    for config in [&mut expect, &mut written] {
        let settings = config.pointer_mut(SETTINGS).context("settings")?;
        *settings = serde_json::from_str(settings.as_str().context("text")?)?;
        // The command says what the filter does without it, and that the listener has no TLS.
        let settings = settings.as_object_mut().context("an object")?;
        settings.entry("failure_mode").or_insert("open".into());
        settings.entry("tls").or_insert("none".into());
    }
    assert!(written == expect, "the README's command writes something else");
    Ok(())
}
