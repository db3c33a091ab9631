//! `cargo xtask demo --example NAME`: an example that looks into TLS, real clients, and what it made
//! of them.

use std::fs;
use std::path::Path;

use anyhow::{Result, bail};
use tests::clients::Client;
use tests::example::{EXAMPLES, Example, Outcome};
use tests::{Launch, workspace};

use crate::artifact::Artifacts;
use crate::install;
use crate::progress::step;
use crate::table::Table;

/// Runs the clients of an example through it, once under each mode; with `keep` the gateway then stays
/// until it is interrupted.
pub(crate) fn run(name: &str, keep: bool) -> Result<()> {
    if !EXAMPLES.contains(&name) {
        bail!("no such example: `{name}`; there are {}", EXAMPLES.join(", "));
    }
    install::targets()?;
    install::clients()?;
    let launch = Launch { binary: install::envoy()?, ..Launch::new()? };
    Artifacts::build()?;
    let pack = fs::read(workspace::shipped_pack()?)?;
    let directory = workspace::target().join(name);
    let clients = Client::read(name)?;

    step(&format!("running {} clients through examples/{name}, monitoring", clients.len()));
    let example = Example::start(&launch, &directory, name, &pack, "monitor")?;
    let monitored = run_all(&example, &clients)?;
    drop(example);
    step("the same, enforcing");
    let example = Example::start(&launch, &directory, name, &pack, "enforce")?;
    let enforced = run_all(&example, &clients)?;

    let mut table = Table::new(&["client", "found", "monitoring", "enforcing"]);
    for ((client, monitored), enforced) in clients.iter().zip(&monitored).zip(&enforced) {
        let found = client.finds.clone().unwrap_or_else(|| "nothing".to_owned());
        table.row([client.title.clone(), found, fate(monitored), fate(enforced)]);
    }
    print!("\n{table}\n");
    for client in &clients {
        println!("{}\n    {}", client.title, client.run);
    }
    if keep {
        stay(&example, &directory)?;
    }
    Ok(())
}

fn run_all(example: &Example, clients: &[Client]) -> Result<Vec<Outcome>> {
    clients.iter().map(|client| example.run(client)).collect()
}

fn fate(outcome: &Outcome) -> String {
    let reported = if outcome.events.is_empty() { "" } else { ", reported" };
    format!("{}{reported}", if outcome.succeeded { "passes" } else { "stopped" })
}

fn stay(example: &Example, directory: &Path) -> Result<()> {
    println!(
        "\nThe gateway runs until Ctrl-C. It enforces, and the internet behind it is a stand-in."
    );
    println!("  {{gateway}} is {}", example.address()?);
    println!("  curl --cacert {} trusts both authorities", example.authorities().display());
    println!("  access log: {0}/access.log   events: {0}/envoy.log", directory.display());
    loop {
        std::thread::park();
    }
}
