//! Every bound of the command line, and its effect.

/// Most bytes of ATT&CK in STIX; a larger file is refused (`F004`). Version 18 has some 50 MB.
pub(crate) const MAX_ATTACK_BYTES: usize = 512 * 1024 * 1024;
