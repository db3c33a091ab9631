//! How large files are, as they are and compressed.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::page;

/// Bytes of a file, or of all files of a folder: as they are, and each compressed.
pub(crate) fn sizes(path: &Path) -> Result<(usize, usize)> {
    if path.is_dir() {
        let sizes =
            page::files(path)?.iter().map(|file| sizes(file)).collect::<Result<Vec<_>>>()?;
        return Ok(sizes.iter().fold((0, 0), |sum, file| (sum.0 + file.0, sum.1 + file.1)));
    }
    let bytes = fs::read(path).with_context(|| format!("`{}`", path.display()))?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&bytes)?;
    Ok((bytes.len(), encoder.finish()?.len()))
}
