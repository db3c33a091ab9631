//! `cargo xtask corpora`: where other people's data comes from that tests and benches read.

use std::path::PathBuf;

use anyhow::{Result, anyhow};

use crate::table::Table;

/// One folder of the corpora.
pub(crate) struct Source {
    folder: &'static str,
    /// On GitHub.
    pub(crate) repository: &'static str,
    pub(crate) commit: &'static str,
    licence: &'static str,
    /// What of the repository is in the folder.
    part: &'static str,
}

/// The folders, as the tests expect them.
const SOURCES: &[Source] = &[
    Source {
        folder: "sigma",
        repository: "SigmaHQ/sigma",
        commit: "8eaafff1f2845a696050e05e72ba1140ee190698",
        licence: "DRL 1.1",
        part: "rules*",
    },
    Source {
        folder: "elastic",
        repository: "elastic/detection-rules",
        commit: "14cf530f0d2177023092449cd9d9348b4a8884c2",
        licence: "Elastic 2.0",
        part: "rules, rules_building_block",
    },
    Source {
        folder: "elastic-endpoint",
        repository: "elastic/protections-artifacts",
        commit: "9c334cf8298d9ff7e19c2a50817669072abc2d66",
        licence: "Elastic 2.0",
        part: "behavior",
    },
    Source {
        folder: "splunk",
        repository: "splunk/security_content",
        commit: "b13b314aed0e1778335a55620474e7d27289a20a",
        licence: "Apache-2.0",
        part: "detections",
    },
    Source {
        folder: "splunk-newer",
        repository: "splunk/security_content",
        commit: "54e014dd7d92, 0bd495eac33b, 3933ed93f108",
        licence: "Apache-2.0",
        part: "a rule or two of each newer schema, abridged",
    },
    Source {
        folder: "atomic",
        repository: "redcanaryco/atomic-red-team",
        commit: "9f85cf3e54b0cbdd6c702375c555273913eff442",
        licence: "MIT",
        part: "atomics",
    },
    Source {
        folder: "attack",
        repository: "mitre/cti",
        commit: "421deacb77191b38bdd1bf63268954e93da91365",
        licence: "ATT&CK terms of use",
        part: "enterprise-attack, without relationships that no page needs",
    },
    Source {
        folder: "d3fend",
        repository: "d3fend/d3fend-ontology",
        commit: "9ffd035832d60254030cdfb215a72b6619cebd3b",
        licence: "MIT",
        part: "src/ontology",
    },
    Source {
        folder: "compass",
        repository: "ControlCompass/ControlCompass.github.io",
        commit: "cc01dfc8bb96522db804aa114bae924947185d39",
        licence: "MIT",
        part: "cvc.json and the pages, as resources",
    },
    Source {
        folder: "lots",
        repository: "Bert-JanP/Hunting-Queries-Detection-Rules",
        commit: "7a0d998584dfab5872dc32b9ecd6c215a30c0ad7",
        licence: "BSD-3-Clause",
        part: "the list of living off trusted sites",
    },
    Source {
        folder: "maltrail",
        repository: "stamparm/maltrail",
        commit: "8adace159e1e9418ca4dd1a4b07f84917c3b6155",
        licence: "MIT",
        part: "trails",
    },
    Source {
        folder: "rita",
        repository: "activecm/rita",
        commit: "a3c51501a93af9ab0ebbed0f15f431bcf536ddf1",
        licence: "GPL-3.0",
        part: "logs of its tests, as http and proxy",
    },
    Source {
        folder: "agent-egress-bench",
        repository: "luckyPipewrench/agent-egress-bench",
        commit: "9cd77708a031817212ba9873edeb42beff3a024d",
        licence: "Apache-2.0",
        part: "every second case of six categories",
    },
];

/// Folders that no public repository has: labelled requests, cases of the language, and notes.
const UNPUBLISHED: [&str; 3] = ["sigma-semantics", "traffic", "../notes"];

/// What is known of a folder of the corpora.
pub(crate) fn of(folder: &str) -> Result<&'static Source> {
    let found = SOURCES.iter().find(|source| source.folder == folder);
    found.ok_or_else(|| anyhow!("{folder} is no folder of the corpora"))
}

/// Prints the sources, and which of them are here.
#[expect(clippy::print_stdout, reason = "a table for people")]
pub(crate) fn print() {
    let mut table = Table::new(&["folder", "here", "repository", "commit", "licence", "part"]);
    for source in SOURCES {
        let here = is_here(source.folder);
        let Source { folder, repository, commit, licence, part } = source;
        table.row([folder, here, repository, commit, licence, part].map(|cell| (*cell).to_owned()));
    }
    for folder in UNPUBLISHED {
        let cells = [folder, is_here(folder), "", "", "", "of this project, not published"];
        table.row(cells.map(str::to_owned));
    }
    print!("{table}");
    println!(
        "\nFor a folder: git clone https://github.com/REPOSITORY FOLDER && git -C FOLDER checkout COMMIT"
    );
    println!("Then set TIDEGATE_CORPORA to the folder of these folders.");
    println!("Tests that count what is in a folder want the same commit and part.");
}

fn is_here(folder: &str) -> &'static str {
    corpora::find(&[folder]).map_or("no", |_| "yes")
}

/// The folder of corpora, for a task that cannot do without these parts.
pub(crate) fn needed(parts: &[&str]) -> Result<PathBuf> {
    corpora::find(parts).map_err(|missing| anyhow!("{missing} not there"))
}
