//! Filters and collections of documents.

use inspect::Inspector;
use serde_json::json;

use crate::event;

const RULES: &str = "
title: one
id: 0e95725d-7320-415d-80f7-004da920fc11
name: first
logsource: {category: test, product: p}
detection: {selection: {x: 1}, condition: selection}
---
title: two
name: second
logsource: {category: test}
detection: {selection: {x: 1}, other: {x: 2}, condition: 1 of them}
---
";

/// The titles of the rules that match `{x: 1, user: adm}`.
fn matching(text: &str) -> Vec<String> {
    let mut inspector = Inspector::new(event::pack(text).unwrap());
    let verdict = event::inspect(&mut inspector, &json!({"x": 1, "user": "adm"}));
    let tables = inspector.pack().tables();
    let titles =
        verdict.matches.iter().map(|matched| tables.str(tables.rule(matched.rule).unwrap().title));
    titles.map(str::to_owned).collect()
}

#[test]
fn filters_add_their_condition_as_it_is_written() {
    for (logsource, filter, expect) in [
        (
            "category: test",
            "{rules: any, selection: {user: adm}, condition: not selection}",
            &[][..],
        ),
        (
            "category: test",
            "{rules: any, selection: {user: adm}, condition: selection}",
            &["one", "two"],
        ),
        ("category: test", "{rules: [], selection: {user: adm}, condition: not selection}", &[]),
        (
            "category: test",
            "{rules: [first], selection: {user: adm}, condition: not selection}",
            &["two"],
        ),
        (
            "category: test",
            "{rules: 0e95725d-7320-415d-80f7-004da920fc11, s: {user: adm}, condition: not 1 of them}",
            &["two"],
        ),
        // Named twice, by one name or by two.
        (
            "category: test",
            "{rules: [second, second], selection: {user: adm}, condition: not selection}",
            &["one"],
        ),
        (
            "category: test",
            "{rules: [first, 0e95725d-7320-415d-80f7-004da920fc11], s: {user: adm}, condition: not s}",
            &["two"],
        ),
        // What the filter says of its log source, the rule has to say too.
        ("product: p", "{rules: any, selection: {user: adm}, condition: not selection}", &["two"]),
        (
            "category: other",
            "{rules: any, selection: {user: adm}, condition: not selection}",
            &["one", "two"],
        ),
        // Its search identifiers are its own, also where the rule has some of that name.
        (
            "category: test",
            "{rules: any, selection: {user: x}, condition: not 1 of sel*}",
            &["one", "two"],
        ),
    ] {
        let text = format!("{RULES}title: f\nlogsource: {{{logsource}}}\nfilter: {filter}\n");
        assert_eq!(matching(&text), expect, "{filter}");
    }
}

#[test]
fn filters_that_cannot_be_applied_are_told() {
    for (logsource, filter, expect) in [
        ("category: test", "{rules: [nope], s: {user: adm}, condition: s}", "S052"),
        ("category: test", "{rules: [nope, nope, first], s: {user: adm}, condition: s}", "S052"),
        ("category: other", "{rules: [first], s: {user: adm}, condition: s}", "S057"),
        ("category: test", "{s: {user: adm}, condition: s}", "S005"),
        ("category: test", "{rules: any, s: {user: adm}}", "S005"),
        ("category: test", "{rules: any, s: {user: adm}, condition: t}", "S031"),
        ("category: test", "{rules: any, s: {user: adm}, condition: [s, s]}", "S006"),
        ("category: test", "adm", "S006"),
    ] {
        let text = format!("{RULES}title: f\nlogsource: {{{logsource}}}\nfilter: {filter}\n");
        let error = event::pack(&text).unwrap_err();
        assert_eq!(error.split(' ').next(), Some(expect), "{filter}: {error}");
    }
}

#[test]
fn actions_make_several_rules_of_one() {
    let global =
        "action: global\ntitle: g\nlogsource: {category: test}\ndetection: {condition: s}\n---\n";
    let one = "title: one\ndetection: {s: {x: 1}}\n---\n";
    let two = "detection: {s: {x: 2}}\n---\n";
    let whole = "title: w\nlogsource: {category: test}\ndetection: {s: {x: 1}, condition: s}\n";
    for (text, expect) in [
        // The global document wins, as in pySigma.
        (format!("{global}{one}{two}"), Ok((vec!["g"], 2))),
        (format!("{global}action: reset\n---\n{whole}"), Ok((vec!["w"], 1))),
        (format!("{whole}---\naction: repeat\ntitle: again\n"), Ok((vec!["w", "again"], 2))),
        (
            format!("{whole}---\naction: repeat\ntitle: again\ndetection: {{s: {{x: 2}}}}\n"),
            Ok((vec!["w"], 2)),
        ),
        (
            format!("{global}{one}---\naction: repeat\ndetection: {{s: {{x: 3}}}}\n"),
            Ok((vec!["g"], 2)),
        ),
        ("action: repeat\ntitle: x\n".into(), Err("S051")),
        ("action: twice\ntitle: x\n".into(), Err("S050")),
        (format!("{global}action: reset\n---\n{one}"), Err("S005")),
    ] {
        match expect {
            Ok((titles, n_read)) => {
                assert_eq!(matching(&text), titles, "{text}");
                let parsed = sigma::parse(&sigma::Source::new("x.yml", &text));
                assert_eq!((parsed.n_read, parsed.n_refused()), (n_read, 0), "{text}");
            }
            Err(code) => {
                let error = event::pack(&text).unwrap_err();
                assert_eq!(error.split(' ').next(), Some(code), "{text}: {error}");
            }
        }
    }
}

#[test]
fn a_large_global_document_is_not_repeated_without_end() {
    let list: Vec<_> = (0..20_000).map(|number| number.to_string()).collect();
    let mut text = format!(
        "action: global\ntitle: g\nlogsource: {{category: test}}\ndetection: {{s: {{x: [{}]}}, condition: s}}\n",
        list.join(",")
    );
    for _ in 0..1000 {
        text.push_str("---\nlevel: low\n");
    }
    let parsed = sigma::parse(&sigma::Source::new("x.yml", &text));
    assert_eq!(parsed.rules.len(), 9);
    assert!(parsed.diagnostics.iter().all(|diagnostic| diagnostic.code.id == "S002"));
    assert_eq!(parsed.n_refused(), 991);
}

#[test]
fn a_file_of_ten_megabytes_of_small_rules_is_read() {
    let mut text = String::new();
    let mut n_rules = 0;
    while text.len() < 10_000_000 {
        text.push_str(&format!(
            "---\ntitle: Indicator {n_rules}\nid: {n_rules:08x}-0000-4000-8000-000000000000\nlogsource: {{category: proxy}}\ndetection: {{s: {{cs-host: h{n_rules}.example}}, condition: s}}\n"
        ));
        n_rules += 1;
    }
    let parsed = sigma::parse(&sigma::Source::new("x.yml", &text));
    assert_eq!(parsed.diagnostics, []);
    assert_eq!(parsed.rules.len(), n_rules);
}

#[test]
fn aliases_and_anchors_do_not_multiply_what_is_written() {
    // Each line is ten times the one before: ten thousand million nodes, written in some hundred.
    let mut lists = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        lists.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    // An anchor on each level keeps all that is below it.
    let many = vec!["x"; 10_000].join(", ");
    let anchors: String = (0..30).map(|level| format!("&b{level} [")).collect();
    let nested = format!("b: {anchors}{many}{}\n", "]".repeat(30));
    for text in [lists, nested] {
        let parsed = sigma::parse(&sigma::Source::new("x.yml", &text));
        let codes: Vec<_> = parsed.diagnostics.iter().map(|of| of.code.id).collect();
        assert!(codes.contains(&"S002"), "{codes:?}");
    }
}
