//! What of the sources is on no page of a vault, and why.

/// A part of a source that is on no page.
#[derive(Clone, Copy, Debug)]
pub struct LeftOut {
    /// The source: the option of `vault build` that names it.
    pub source: &'static str,
    /// Its part: keys with dots between them, where `*` is any key or entry, or words.
    pub part: &'static str,
    /// Why.
    pub why: &'static str,
}

const fn left_out(source: &'static str, part: &'static str, why: &'static str) -> LeftOut {
    LeftOut { source, part, why }
}

/// All of them. Keys of vendors' files become headings and properties; their names are not on pages.
pub const LEFT_OUT: &[LeftOut] = &[
    left_out("elastic", "comments", "readers of TOML have none"),
    left_out(
        "elastic",
        "rule.threat.*.framework",
        "it is MITRE ATT&CK in every rule that names a technique",
    ),
    left_out("elastic", "rule.threat.*.tactic.id", "the page of the tactic has it"),
    left_out("elastic", "rule.threat.*.tactic.reference", "the page of the tactic has it"),
    left_out(
        "elastic",
        "rule.threat.*.technique.*.name",
        "the page of the technique has it, as ATT&CK has it today",
    ),
    left_out("elastic", "rule.threat.*.technique.*.reference", "the page of the technique has it"),
    left_out(
        "elastic",
        "rule.threat.*.technique.*.subtechnique.*.name",
        "the page of the technique has it, as ATT&CK has it today",
    ),
    left_out(
        "elastic",
        "rule.threat.*.technique.*.subtechnique.*.reference",
        "the page of the technique has it",
    ),
    left_out(
        "elastic",
        "headings",
        "`Response and remediation` and `False positive analysis` of a guide: their text is below `Response` and `False Positives`",
    ),
    left_out("splunk", "comments", "readers of YAML have none"),
    left_out("atomic", "comments", "readers of YAML have none"),
    left_out("attack", "analytics' names", "they are `Analytic` and the number of their id"),
    left_out(
        "attack",
        "groups, software, campaigns",
        "their names, and what they do with a technique, are on its page; who they are is at MITRE",
    ),
    left_out(
        "attack",
        "data sources and components",
        "their names are on the page of a technique; what they are is at MITRE",
    ),
    left_out("attack", "ids and keys of STIX", "they name nothing that people see"),
    left_out("attack", "tags of HTML in texts", "`code` becomes code, `br` a blank"),
    left_out(
        "attack",
        "what is revoked or deprecated",
        "`Drift` says what became of an id that is used",
    ),
    left_out(
        "notes",
        "pictures",
        "a vault has its notes alone: a page has a picture's text or name, without its width",
    ),
    left_out(
        "notes",
        "embeds of notes",
        "they are links to the note's page, to the heading or block where it is there",
    ),
    left_out("notes", "links to what is no page", "a page has their text"),
    left_out(
        "notes",
        "fields in text",
        "`key:: value` and `[key:: value]` are text that Dataview does not index: properties come from front matter",
    ),
    left_out(
        "notes",
        "what runs",
        "queries in text, commands of templates, HTML and blocks of plugins are shown and do nothing; comments stay hidden",
    ),
    left_out(
        "notes",
        "tags of techniques in text",
        "a page has the tags of the techniques that its note names, so `#T1102` is text",
    ),
    left_out("notes", "`match` and `pass` of examples", "the verdict beside each example says it"),
    left_out("notes", "comments in front matter", "Obsidian removes them too"),
    left_out(
        "notes",
        "tags of HTML in pages of other catalogues",
        "`blockquote` becomes a quote, `code` code",
    ),
    left_out(
        "d3fend",
        "artifacts, weaknesses, agents",
        "the page of a countermeasure names the artifacts at which it meets a technique",
    ),
    left_out("d3fend", "abstracts of references", "the page has title and link"),
];
