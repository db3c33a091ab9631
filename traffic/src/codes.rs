//! The findings about written requests and logs.

diagnostics::codes! {
    /// A log whose format cannot be detected from its first lines, or of which no line can be read.
    /// A hunt over nothing would find nothing, and look like a clean log.
    UNKNOWN_LOG = "F023", Error, "log of an unknown format";
    /// A field map is not the TOML that docs/command-line.md describes.
    /// With a part of the map, rules would ask for fields that no line has.
    BROKEN_FIELD_MAP = "F024", Error, "broken field map";
    /// A request head does not begin with a method, a URL and a version.
    BROKEN_REQUEST_LINE = "R001", Error, "broken request line";
    /// A URL is not complete: it needs a scheme and a host, no white space, and a port up to 65535 or none.
    /// Rules need hosts and full URLs, so a part of a URL is not a request.
    BROKEN_URL = "R002", Error, "broken URL";
    /// A line of a request head is not a header, or repeats one that may be there only once.
    BROKEN_HEADER = "R003", Error, "broken header";
    /// What follows the request head is not a status line.
    /// Bodies are not looked at; an example that shows one would promise too much.
    BROKEN_STATUS_LINE = "R004", Error, "broken status line";
    /// A command line has a quote that is not closed.
    UNCLOSED_QUOTE = "R005", Error, "unclosed quote";
    /// A command without a URL, with an option that lacks its value, or with options that exclude each other.
    BROKEN_CURL = "R006", Error, "incomplete command";
    /// An option or parameter of a command that is not known, or whose effect is not read, as that of `-K FILE`.
    /// It may change the request or add others, and its value may be taken for a URL.
    UNKNOWN_OPTION = "R007", Error, "unknown option";
    /// A part of a command that the request shown does not have: the content of a file, the value of a variable,
    /// further URLs of a long pattern, what the shell cuts off at a `&`.
    IGNORED_OPTION = "R008", Warning, "part of a command that is not read";
    /// A line of an access log is not a JSON object.
    BROKEN_LOG_LINE = "R009", Error, "broken log line";
    /// A line of an access log lacks what a request cannot do without, or gives it another type.
    INCOMPLETE_LOG_LINE = "R010", Error, "incomplete log line";
    /// What was given as a request is none: no URL, no command, no log line, no captured request.
    NOT_A_REQUEST = "R011", Error, "not a request";
    /// A value in a line of an access log is of another type than it has to be, as a list for the agent.
    /// The value is left out; the request is judged without it.
    UNREAD_LOG_VALUE = "R012", Warning, "unread value in a log line";
    /// The variables, patterns or further URLs of a pasted text expand to more than eight times the text and 1 MiB.
    /// A few lines that double a variable would take all memory.
    /// That request and what follows it are not read.
    LARGE_EXPANSION = "R013", Error, "text that expands to too much";
}
