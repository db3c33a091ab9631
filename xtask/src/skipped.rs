//! Which tests ran without what they need, listed where a person looks: at the end.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};
use tests::workspace;

use crate::progress::{note, step};

/// The record that the tests of one run append to.
#[derive(Debug)]
pub(crate) struct Record {
    file: PathBuf,
}

impl Record {
    /// Starts a record without skips.
    pub(crate) fn start() -> Result<Self> {
        let file = workspace::target().join("skipped-tests");
        match fs::remove_file(&file) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
            _ => Ok(Record { file }),
        }
    }

    /// Makes the tests that a command runs append to the record.
    pub(crate) fn of<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.env(corpora::RECORD, &self.file)
    }

    /// Records that a step of a task was skipped; an error where nothing may be.
    pub(crate) fn add(&self, step: &str, missing: String) -> Result<()> {
        if corpora::is_required() {
            bail!("{step}: {missing} not there, and nothing may be skipped");
        }
        note(&format!("skipped: {missing} not there"));
        Ok(corpora::record(&self.file, &corpora::Skip { test: format!("xtask {step}"), missing })?)
    }

    /// Lists the tests that were skipped, and what was missing.
    pub(crate) fn report(&self) -> Result<()> {
        let skips = corpora::read(&self.file)?;
        if skips.is_empty() {
            step("no test was skipped");
            return Ok(());
        }
        step(&format!("{} tests were skipped, as something was not there:", skips.len()));
        for skip in &skips {
            note(&format!("{}: {}", skip.test, skip.missing));
        }
        Ok(())
    }
}
