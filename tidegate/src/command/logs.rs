//! How logs are read and what is asked about them, by `hunt` and `diff` alike.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use diagnostics::Sources;
use hunt::Terms;
use inspect::{IdentityKey, Mode, Pack};
use traffic::{FieldMap, Format};

use super::Outcome;
use super::policy::{moment, now};
use crate::disk;

/// What a log's keys mean, and which gateway is asked about.
#[derive(Args, Debug)]
pub(super) struct LogInput {
    /// How far matches go at most, as in the configuration of the gateway that is asked about
    #[arg(long, value_enum, default_value = "monitor")]
    mode: ModeName,
    /// The time by which exceptions are held for events without one [default: the clock's]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    now: Option<u64>,
    /// What JSON lines call the fields of rules, as TOML: `time = "..."` and `[fields]`
    #[arg(short, long, value_name = "FILE")]
    map: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ModeName {
    Monitor,
    Enforce,
}

impl LogInput {
    /// Whether anything is given that needs a log.
    pub(super) fn is_given(&self) -> bool {
        self.mode != ModeName::Monitor || self.now.is_some() || self.map.is_some()
    }

    /// The field map; an empty one where none is given.
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

    /// What the logs are, as far as the map says: it only has a meaning for JSON lines.
    pub(super) fn format(&self) -> Option<Format> {
        self.map.as_ref().map(|_| Format::Json)
    }

    /// How the policies of packs are asked, if one of them has any.
    pub(super) fn terms<'p>(
        &self,
        packs: impl IntoIterator<Item = &'p Pack>,
        key: Option<IdentityKey>,
    ) -> Option<Terms> {
        let bound = match self.mode {
            ModeName::Monitor => Mode::Monitor,
            ModeName::Enforce => Mode::Enforce,
        };
        let now = self.now.unwrap_or_else(now);
        let mut packs = packs.into_iter();
        let is_asked = packs.any(|pack| pack.tables().policy.is_given()) || bound != Mode::Monitor;
        is_asked.then_some(Terms { bound, key, now })
    }
}
