//! `tidegate verify`.

use std::path::PathBuf;

use clap::Args;
use diagnostics::{Finding, Sources};
use gateway::signing;
use inspect::Pack;
use knowledge::pack_file;

use super::{Outcome, counted, name};
use crate::disk;

/// Verify a pack and its signature.
///
/// The pack is checked as a gateway checks it. The exit code is 1 if none of the keys signed it.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n\
\x20 tidegate verify --key team.key.pub rules.pack")]
pub(crate) struct Verify {
    /// The pack to read
    file: PathBuf,
    /// Public keys in PEM, one of which must have signed the pack
    #[arg(short, long, value_name = "FILE")]
    key: PathBuf,
}

impl Verify {
    pub(super) fn run(&self) -> Outcome {
        match self.check() {
            Ok(pack) => {
                let tables = pack.tables();
                let stdout = format!(
                    "{}: signed; `{}` version {}, {}, hash {}\n",
                    name(&self.file),
                    diagnostics::printable(tables.name.as_bytes()),
                    tables.version,
                    counted(tables.rules.len(), "rule"),
                    pack.hash(),
                );
                Outcome { stdout, ..Outcome::default() }
            }
            Err(finding) => Outcome::refused(&[*finding], &Sources::new()),
        }
    }

    fn check(&self) -> Result<Pack, Box<Finding>> {
        let (file, text) = disk::read_key(&self.key)?;
        let keys = signing::public_keys(&file, &text)?;
        let (file, bytes) = disk::read_pack(&self.file)?;
        pack_file::decode_checked(&file, &bytes, |envelope| {
            envelope.check_signature(&keys).map_err(|error| signing::untrusted(&file, error))
        })
    }
}
