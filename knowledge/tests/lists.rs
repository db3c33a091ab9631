//! List notes: values that rules share by `expand`.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use diagnostics::SourceFile;
use inspect::{Inspector, Request};
use knowledge::{Compilation, Library, Placeholders};

const RULE: &str = "title: t
logsource: {category: proxy}
level: high
detection:
    s:
        c-useragent|startswith|expand: '%tools%'
        c-uri-extension|expand: '%tools%'
    condition: 1 of s
";

const LIST: &str = "---\nkind: list\nlist: tools\nvalues: [\"curl/\", \"w?et/\"]\n---\n\n# Tools\n";

fn library(files: &[(&str, &str)], placeholders: &Placeholders) -> Library {
    let file =
        |(name, text): &(&str, &str)| SourceFile { name: (*name).into(), bytes: (*text).into() };
    Library::read_with(files.iter().map(file).collect(), placeholders)
}

fn findings(library: &Library) -> Vec<String> {
    let shown = library.findings.iter().map(|finding| {
        let of = &finding.diagnostic;
        let (file, line) = (&of.place.file, of.place.span.line);
        format!("{file}:{line} {} {}; {}", of.code.id, of.message, of.help)
    });
    shown.collect()
}

fn matches(library: &Library, agent: &str) -> bool {
    let pack = Compilation::new(library, "test", 1).unwrap().pack;
    let request = Request {
        method: b"GET",
        authority: b"a.example",
        path: Some(b"/x.curl/"),
        user_agent: Some(agent.as_bytes()),
        ..Request::default()
    };
    !Inspector::new(pack).inspect(&request).matches.is_empty()
}

#[test]
fn a_rule_takes_its_values_from_a_list_of_any_file() {
    let rule = RULE.replace("        c-uri-extension|expand: '%tools%'\n", "");
    // The list's name follows the rule's.
    let library = library(&[("a.yml", &rule), ("b.md", LIST)], &Placeholders::new());
    assert_eq!(findings(&library), [""; 0]);
    assert_eq!((library.lists.len(), library.n_lists.n_read), (1, 1));
    for (agent, expect) in [("curl/8", true), ("WGET/1", true), ("wweet/1", false), ("x", false)] {
        assert_eq!(matches(&library, agent), expect, "{agent}");
    }
}

#[test]
fn a_file_of_placeholders_replaces_a_list() {
    let rule = RULE.replace("        c-uri-extension|expand: '%tools%'\n", "");
    let own = Placeholders::from([("tools".to_owned(), vec!["fetch/".to_owned()])]);
    let library = library(&[("a.yml", &rule), ("b.md", LIST)], &own);
    assert_eq!(findings(&library), [""; 0]);
    assert!(matches(&library, "fetch/1") && !matches(&library, "curl/8"));
}

#[test]
fn a_list_that_is_missing_or_broken_is_a_finding() {
    let missing = "a.yml:6 S014 there are no values for `%tools%`; write a note of `kind: list` with this name, or give its values in a file (`--placeholders FILE`)";
    let rule = RULE.replace("        c-uri-extension|expand: '%tools%'\n", "");
    let found = findings(&library(&[("a.yml", &rule)], &Placeholders::new()));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].split_once(' ').unwrap().0, "a.yml:6");
    assert_eq!(found[0].split_once("there").unwrap().1, missing.split_once("there").unwrap().1);
    for (text, expect) in [
        (
            LIST.replace("tools", "Tools"),
            "b.md:3 N005 the name of a list consists of small letters",
        ),
        (LIST.replace("list: tools\n", ""), "b.md:1 N005 the front matter lacks `list`"),
        (LIST.replace("[\"curl/\", \"w?et/\"]", "[]"), "b.md:4 N005 the list has no values"),
        (LIST.replace("[\"curl/\", \"w?et/\"]", "curl/"), "b.md:4 N005 `values` is not a list"),
        (LIST.replace("w?et/", "CURL/"), "b.md:4 N005 `CURL/` is in the list twice"),
        (LIST.replace("values", "value"), "b.md:4 N004 unknown key `value`"),
    ] {
        let library = library(&[("a.yml", "{}"), ("b.md", &text)], &Placeholders::new());
        let found = findings(&library);
        assert!(found.iter().any(|line| line.starts_with(expect)), "{expect}: {found:?}");
        assert_eq!((library.lists.len(), library.n_lists.n_refused), (0, 1), "{text}");
    }
    let twice = library(&[("b.md", LIST), ("c.md", LIST)], &Placeholders::new());
    assert_eq!(
        findings(&twice),
        [
            "c.md:3 N020 this is a second note of the list `tools`; write one note of it, and take this one out"
        ]
    );
}
