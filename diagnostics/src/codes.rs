//! The findings about files and YAML, whatever they contain.

crate::codes! {
    /// A path cannot be read: it does not exist, or the system refuses access.
    /// The other paths are still read, so that one run reports everything.
    UNREADABLE = "F001", Error, "cannot be read";
    /// A folder contains no note and no Sigma file, or the given files contain no rule.
    /// A run over nothing would pass, and a gateway would run without rules.
    NOTHING_FOUND = "F002", Error, "nothing found";
    /// A file that was named is neither a note (`.md`) nor a Sigma file (`.yml`, `.yaml`).
    /// In folders such files are skipped; a file that is named is expected to be read.
    UNKNOWN_EXTENSION = "F003", Error, "neither a note nor a Sigma file";
    /// A file is larger than any note or rule is.
    /// The bound keeps a wrong path, a log or a device, from filling the memory.
    FILE_TOO_LARGE = "F004", Error, "file beyond the bounds";
    /// A file begins with a byte order mark.
    /// Other readers of notes do not see front matter that follows it, so that the page would lose its
    /// properties. The rest is read to report everything at once, but not used.
    BYTE_ORDER_MARK = "F005", Error, "byte order mark";
    /// A file is UTF-16. Notes and rules are UTF-8.
    UTF_16 = "F006", Error, "UTF-16 text";
    /// A file contains a NUL byte: it is not text.
    BINARY = "F007", Error, "binary file";
    /// A file is not UTF-8: Latin-1 perhaps, or a copy that was damaged.
    /// A guess at the encoding would change what a rule looks for.
    NOT_UTF_8 = "F008", Error, "not UTF-8";
    /// A file is or contains a secret key, where a note, a rule or a policy belongs.
    /// Nothing of it is read, because a report quotes what it is about.
    SECRET_KEY = "F018", Error, "a secret key";
    /// A folder contains a link to a note, a Sigma file or a folder. Links are followed where they are named,
    /// and not below a named folder: whoever can write into the folder would choose what is read.
    LINK = "F019", Error, "link in a folder";
    /// A file cannot be written. Its former content is untouched.
    UNWRITABLE = "F016", Error, "cannot be written";
    /// The text is not YAML.
    /// Nothing after the place is read, so that a rule is never read in half.
    BROKEN_YAML = "S001", Error, "broken YAML";
    /// The text is nested too deeply or unfolds into too many nodes by its aliases.
    /// The bounds stop texts that were written to exhaust memory; no rule comes near them.
    YAML_TOO_LARGE = "S002", Error, "YAML beyond the bounds";
    /// A map contains a key twice.
    /// Readers of YAML differ on which of the two counts, so that the rule would mean different things to
    /// different engines.
    DUPLICATE_KEY = "S003", Error, "duplicate key";
}
