//! The arguments that `hunt` and `diff` share: how logs are read, and which gateway is replayed.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use diagnostics::Sources;
use hunt::PolicyReplay;
use inspect::{IdentityKey, Mode, Pack};
use traffic::{FieldMap, Format, Layout, TextFormat};

use super::policy::{moment, now};
use super::{Outcome, fill};
use crate::disk;
use crate::project::Project;

/// The meaning of a log's keys, and the gateway to replay.
#[derive(Args, Debug)]
pub(super) struct LogInput {
    /// The mode of the gateway: whether it only reports matches, or denies
    #[arg(long, value_enum, default_value = "monitor")]
    mode: ModeName,
    /// Evaluate exceptions at this time for events without one [default: now]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    now: Option<u64>,
    /// The format of the logs [default: detected from each log's first lines]
    #[arg(long, value_name = "FORMAT", value_parser = input_format)]
    pub(super) input_format: Option<Format>,
    /// Map the keys of JSON lines to requests or the fields of rules, as TOML: `[request]`, `[fields]`
    #[arg(short, long, value_name = "FILE")]
    map: Option<PathBuf>,
    /// The format string of a text log of Envoy, as `[%START_TIME%] %REQ(:METHOD)% ...`
    #[arg(long, value_name = "STRING", value_parser = log_format, conflicts_with = "map")]
    log_format: Option<TextFormat>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ModeName {
    Monitor,
    Enforce,
}

fn input_format(text: &str) -> Result<Format, String> {
    let known = Format::ALL.iter().find(|(name, _)| *name == text);
    known.map(|(_, format)| *format).ok_or_else(|| {
        let names: Vec<_> = Format::ALL.iter().map(|(name, _)| *name).collect();
        format!("the formats are {}", names.join(", "))
    })
}

fn log_format(text: &str) -> Result<TextFormat, String> {
    TextFormat::compile(text)
}

impl LogInput {
    pub(super) fn fill_in(&mut self, project: &Project) {
        if self.log_format.is_none() {
            fill(&mut self.map, project.logs.map.as_ref());
        }
    }

    /// Returns true if an argument that needs a log is given.
    pub(super) fn is_given(&self) -> bool {
        self.mode != ModeName::Monitor
            || self.now.is_some()
            || self.input_format.is_some()
            || self.map.is_some()
            || self.log_format.is_some()
    }

    /// Reads the field map; it is empty if none is given.
    pub(super) fn map(&self) -> Result<FieldMap, Outcome> {
        let Some(path) = &self.map else { return Ok(FieldMap::default()) };
        let mut sources = Sources::new();
        let read = disk::read_text(path).and_then(|(name, text)| {
            let map = FieldMap::read(&name, &text);
            sources.insert(name, text);
            map
        });
        read.map_err(|finding| Outcome::refused(&[*finding], &sources))
    }

    /// Returns how the logs are read, if an option says so: a map is for JSON lines.
    pub(super) fn layout(&self) -> Option<Layout> {
        let text = self.log_format.clone().map(Layout::from);
        let text = text.or_else(|| self.input_format.map(Layout::from));
        text.or_else(|| self.map.as_ref().map(|_| Layout::from(Format::Json)))
    }

    /// Returns how the policies of packs are replayed, if one of them has any.
    pub(super) fn policy<'p>(
        &self,
        packs: impl IntoIterator<Item = &'p Pack>,
        key: Option<IdentityKey>,
    ) -> Option<PolicyReplay> {
        let bound = match self.mode {
            ModeName::Monitor => Mode::Monitor,
            ModeName::Enforce => Mode::Enforce,
        };
        let now = self.now.unwrap_or_else(now);
        let mut packs = packs.into_iter();
        let is_asked = packs.any(|pack| pack.tables().policy.is_given()) || bound != Mode::Monitor;
        is_asked.then_some(PolicyReplay { bound, key, now })
    }
}
