//! `tidegate unused`.

use std::path::PathBuf;

use clap::Args;
use diagnostics::{Sources, printable};
use hunt::Uses;
use inspect::pack::{Range, Tables};
use inspect::{AllowedBy, StrId};
use knowledge::{pack_file, policy::entry_name};
use serde_json::{Value, json};

use super::learn::read_uses;
use super::logs::LogInput;
use super::rule_input::RuleInput;
use super::{Outcome, PlainFormat, ResultFile, pretty};
use crate::project::Project;

/// List the entries of allow-lists that no request of logs used.
///
/// Reads the same logs as `tidegate hunt`, and counts for each entry of the policy's `allow` the requests that
/// it lists.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n\
\x20 tidegate unused --policy policy.yml access.log\n\
\x20 tidegate unused --pack tidegate.pack --format json access.log.1.gz access.log")]
pub(crate) struct Unused {
    /// Logs to read; `-` or none for standard input
    logs: Vec<PathBuf>,
    #[command(flatten)]
    rules: RuleInput,
    #[command(flatten)]
    input: LogInput,
    /// How to print the entries
    #[arg(short, long, value_enum, default_value = "text")]
    format: PlainFormat,
    #[command(flatten)]
    result: ResultFile,
}

impl Unused {
    pub(super) fn fill_in(&mut self, project: &Project) {
        self.rules.fill_in(project);
        self.input.fill_in(project);
    }

    pub(super) fn run(&self) -> Outcome {
        self.try_run().map_or_else(|refused| refused, |outcome| self.result.put(outcome))
    }

    fn try_run(&self) -> Result<Outcome, Outcome> {
        let (pack, ..) = self.rules.pack(&self.input)?;
        let pack = pack_file::decode(&"pack".into(), &pack)
            .map_err(|finding| Outcome::refused(&[*finding], &Sources::new()))?;
        let tables = pack.tables();
        if tables.policy.allow.groups.is_empty() {
            return Err(Outcome::usage("the policy has no `allow`: give one with --policy FILE"));
        }
        let (uses, mut outcome) = read_uses(&self.logs, &self.rules, &self.input)?;
        let entries: Vec<_> = entries(tables)
            .into_iter()
            .map(|(group, entry)| (group, entry, n_requests(&uses, group, entry)))
            .collect();
        let unused = entries.iter().filter(|(.., n_requests)| *n_requests == 0);
        outcome.stderr +=
            &format!("{} of {} entries are not used\n", unused.clone().count(), entries.len());
        let name = |id: StrId| tables.str(id);
        outcome.stdout = match self.format {
            PlainFormat::Text => unused
                .map(|(group, entry, _)| {
                    let group = printable(name(*group).as_bytes());
                    format!("group `{group}`: {}\n", entry_name(tables, *entry))
                })
                .collect(),
            PlainFormat::Json => {
                let entries = entries.iter().map(|(group, entry, n_requests)| -> Value {
                    json!({
                        "group": name(*group),
                        "entry": entry_name(tables, *entry),
                        "requests": n_requests,
                    })
                });
                pretty(&entries.collect())
            }
        };
        Ok(outcome)
    }
}

fn n_requests(uses: &Uses, group: StrId, entry: AllowedBy) -> u64 {
    uses.listed.get(&(group, entry)).copied().unwrap_or_default()
}

/// Every entry of the allow-lists, with its group.
fn entries(tables: &Tables) -> Vec<(StrId, AllowedBy)> {
    let allow = &tables.policy.allow;
    let mut entries = Vec::new();
    for (idx, group) in allow.groups.iter().enumerate() {
        let range = |range: &Range| range.start as usize..range.end as usize;
        let hosts = allow.hosts.iter().filter(|host| host.group as usize == idx);
        let of_group = range(&group.services)
            .map(AllowedBy::Service)
            .chain(hosts.map(|host| AllowedBy::Host(host.name, host.reach)))
            .chain(range(&group.networks).map(AllowedBy::Network))
            .chain((!group.others.is_any()).then_some(AllowedBy::Other));
        entries.extend(of_group.map(|entry| (group.name, entry)));
    }
    entries
}
