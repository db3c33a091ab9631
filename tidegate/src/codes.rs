//! The findings of the command line itself, and the list of all.

diagnostics::codes! {
    /// A folder that is to be served as the preview's page holds no page, or that of another version.
    NOT_A_PAGE = "F025", Error, "no preview page";
    /// A gateway that examples are sent through does not answer, or its log does not have them.
    /// Nothing is written into the runbooks: half of a record would be a wrong one.
    SILENT_GATEWAY = "F026", Error, "gateway without an answer";
    /// The project file is not TOML, or a key has a value that it cannot have.
    /// No command runs on a part of the settings: it would read other notes, or apply another policy, than the
    /// file says.
    BROKEN_PROJECT = "F027", Error, "broken project file";
    /// The project file has a key that has no meaning there. A misspelt `policy` must not be a project without
    /// a policy.
    UNKNOWN_PROJECT_KEY = "F028", Error, "unknown key of the project file";
    /// The nearest project file was written by another user, or anybody may write to it or to its folder, as in a folder
    /// above that many users share. It would choose notes, policy and keys for whoever works below it.
    STRANGE_PROJECT = "F029", Error, "project file of another user";
}

/// Every code that the command line reports, by its name.
pub(crate) fn all() -> Vec<&'static diagnostics::Code> {
    let lists = [
        diagnostics::codes::CODES,
        sigma::codes::CODES,
        sigma::lint::codes::CODES,
        traffic::codes::CODES,
        knowledge::codes::CODES,
        gateway::codes::CODES,
        CODES,
    ];
    let mut codes = lists.concat();
    codes.sort_by_key(|code| code.id);
    codes
}
