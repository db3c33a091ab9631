//! The bytes of a pack file to a pack, or to a finding that says what to do.

use std::sync::Arc;

use inspect::pack::{Envelope, FORMAT_VERSION};
use inspect::{Pack, PackError, PackErrorKind};

use crate::codes;
use diagnostics::Finding;

/// Decodes a pack that need not be signed. The place of a finding is the file: a pack has no lines.
///
/// # Errors
/// Any of `F010` to `F015`.
pub fn decode(file: &Arc<str>, bytes: &[u8]) -> Result<Pack, Box<Finding>> {
    Pack::decode(bytes).map_err(|error| Box::new(refusal(file, &error)))
}

/// Decodes a pack after `check` has accepted its signature: no table of an untrusted pack is read.
///
/// # Errors
/// Any of `F010` to `F015`, and the finding of `check`.
pub fn decode_checked(
    file: &Arc<str>,
    bytes: &[u8],
    check: impl FnOnce(&Envelope) -> Result<(), Box<Finding>>,
) -> Result<Pack, Box<Finding>> {
    let envelope = Envelope::read(bytes).map_err(|error| Box::new(refusal(file, &error)))?;
    check(&envelope)?;
    envelope.decode().map_err(|error| Box::new(refusal(file, &error)))
}

/// Returns the finding for bytes that are not a pack of this version.
fn refusal(file: &Arc<str>, error: &PackError) -> Finding {
    let again = "compile the notes again with `tidegate pack`";
    let (code, help) = match error.kind() {
        PackErrorKind::NotAPack => {
            (&codes::NOT_A_PACK, "give a file that `tidegate pack` wrote".to_owned())
        }
        PackErrorKind::Truncated => (&codes::TRUNCATED_PACK, format!("copy it again, or {again}")),
        PackErrorKind::Version(version) if version > FORMAT_VERSION => {
            let help =
                format!("use the version of tidegate that wrote it, or {again} of this version");
            (&codes::NEWER_PACK, help)
        }
        PackErrorKind::Version(_) => (&codes::OLDER_PACK, format!("{again} of this version")),
        PackErrorKind::TooLarge => {
            (&codes::OVERSIZED_PACK, "split the rules over several packs".to_owned())
        }
        PackErrorKind::Corrupt(_) => {
            (&codes::CORRUPT_PACK, format!("do not use it; {again}, or copy it again"))
        }
    };
    let message = match error.kind() {
        PackErrorKind::Version(version) => {
            format!(
                "the pack has format {version}, this version of tidegate reads {FORMAT_VERSION}"
            )
        }
        _ => error.to_string(),
    };
    Finding::about(file, code, message, help)
}
