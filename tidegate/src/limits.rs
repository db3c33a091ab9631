//! Every bound of the command line, and its effect.

/// Most bytes of ATT&CK in STIX; a larger file is refused (`F004`). Version 18 has some 50 MB.
pub(crate) const MAX_ATTACK_BYTES: usize = 512 * 1024 * 1024;

/// Most bytes of logs that one call of a tool hunts in; more is refused, because the caller waits.
pub(crate) const MAX_TOOL_LOG_BYTES: u64 = 1 << 30;

/// Most entries of a list in the result of a tool, whatever the caller asks for; the others are counted.
pub(crate) const MAX_TOOL_ENTRIES: usize = 500;

/// After how many seconds `check --watch` looks at the files, whatever the system reports.
pub(crate) const WATCH_SECONDS: u64 = 2;

/// How long no file must have changed before `check --watch` checks again: an editor writes in several steps.
pub(crate) const QUIET_MILLISECONDS: u64 = 100;

/// Most characters of a line in the result of a search; the rest is left out.
pub(crate) const MAX_TOOL_LINE: usize = 300;
