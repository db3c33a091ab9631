//! The findings about files and YAML, whatever they contain.

crate::codes! {
    /// A path cannot be read: it is not there, or the system refuses.
    /// The other paths are still read, so that one run tells everything.
    UNREADABLE = "F001", Error, "cannot be read";
    /// A folder holds no note and no Sigma file, or what was given holds no rule.
    /// A run over nothing would pass, and a gateway would run without rules; so nothing found is an error.
    NOTHING_FOUND = "F002", Error, "nothing found";
    /// A file that was named is neither a note (`.md`) nor a Sigma file (`.yml`, `.yaml`).
    /// In folders such files are passed over; a file that is named is meant.
    UNKNOWN_EXTENSION = "F003", Error, "neither a note nor a Sigma file";
    /// A file is larger than any note or rule is.
    /// The bound keeps a wrong path, a log or a device, from filling the memory.
    FILE_TOO_LARGE = "F004", Error, "file beyond the bounds";
    /// A file begins with a byte order mark.
    /// Other readers of notes do not see the front matter behind it, so that the page would lose its
    /// properties. What follows is read on, to find everything else at once, but nothing of it is used.
    BYTE_ORDER_MARK = "F005", Error, "byte order mark";
    /// A file is UTF-16. Notes and rules are UTF-8.
    UTF_16 = "F006", Error, "UTF-16 text";
    /// A file holds a NUL byte: it is no text.
    BINARY = "F007", Error, "binary file";
    /// A file is not UTF-8: Latin-1 perhaps, or a copy that was damaged.
    /// A guess at the encoding would change what a rule looks for.
    NOT_UTF_8 = "F008", Error, "not UTF-8";
    /// A file cannot be written. What stood there before is untouched.
    UNWRITABLE = "F016", Error, "cannot be written";
    /// The text is not YAML.
    /// Nothing behind the place is read, so that a rule is never read in half.
    BROKEN_YAML = "S001", Error, "broken YAML";
    /// The text is nested too deeply or unfolds into too many nodes by its aliases.
    /// The bounds stop texts that were written to exhaust memory; no rule comes near them.
    YAML_TOO_LARGE = "S002", Error, "YAML beyond the bounds";
    /// A map contains a key twice.
    /// Readers of YAML differ on which of the two counts, so that the rule would mean different things to
    /// different engines.
    DUPLICATE_KEY = "S003", Error, "duplicate key";
}
