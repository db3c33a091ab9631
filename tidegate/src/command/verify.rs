//! `tidegate verify`.

use std::path::PathBuf;

use clap::Args;
use diagnostics::{Finding, Sources};
use gateway::signing;
use inspect::Pack;
use knowledge::pack_file;

use super::{Outcome, counted, name};
use crate::disk;

/// Checks a pack and its signature as a gateway does.
#[derive(Args, Debug)]
pub(crate) struct Verify {
    /// The pack
    file: PathBuf,
    /// Public keys in PEM, of which one has to have signed the pack
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
        let (file, text) = disk::read_text(&self.key)?;
        let keys = signing::public_keys(&file, &text)?;
        let (file, bytes) = disk::read_pack(&self.file)?;
        let pack = pack_file::decode(&file, &bytes)?;
        pack.check_signature(&keys).map_err(|error| signing::untrusted(&file, error))?;
        Ok(pack)
    }
}
