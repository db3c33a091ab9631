//! What is refused is reported, and does not harm what is beside it.

use std::collections::BTreeMap;

use diagnostics::{Diagnostic, Severity};
use inspect::Pack;
use proptest::prelude::*;
use serde_json::{Value, json};
use sigma::{Compiler, Source};

/// A document of each kind, as JSON, which is YAML too.
fn documents() -> Vec<Value> {
    vec![
        json!({
            "title": "one", "id": "11111111-1111-4111-8111-111111111111", "name": "one",
            "status": "test", "level": "low", "tags": ["attack.t1102"], "date": "2026-01-02",
            "logsource": {"category": "proxy", "product": "p"},
            "detection": {
                "hosts": {"cs-host|endswith": [".a.example", "b.example"], "c-uri": "*x?"},
                "list": [{"c-uri|re": "a[0-9]+"}, "word"],
                "more": {"c-uri|expand": "%given%/%other%", "dst_ip|cidr": "10.0.0.0/8"},
                "numbers": {"sc-status|gte": 400, "cs-referrer|exists": true, "cs-cookie": null},
                "condition": ["hosts and not list", "1 of more*", "numbers"],
            },
        }),
        json!({
            "title": "two", "name": "two",
            "logsource": {"category": "test"},
            "detection": {"s": {"x|fieldref": "y", "z|base64offset|contains": "abc"}, "condition": "s"},
        }),
        json!({
            "title": "many", "name": "many",
            "correlation": {
                "type": "value_count", "rules": ["one", "two"], "group-by": ["user"],
                "aliases": {"user": {"one": "src_ip", "two": "user"}},
                "timespan": "5m", "condition": {"field": "c-uri", "gte": 3}, "generate": true,
            },
        }),
        json!({
            "title": "order",
            "correlation": {
                "type": "temporal_ordered", "rules": ["one", "many"], "timespan": "1h",
                "condition": {"gte": 2},
            },
        }),
        json!({
            "title": "names",
            "correlation": {
                "type": "temporal", "rules": ["one", "two"], "timespan": "1h",
                "condition": "one and not (two or two)",
            },
        }),
        json!({
            "title": "filter",
            "logsource": {"category": "proxy"},
            "filter": {"rules": ["one"], "mail": {"cs-host": "mail.example"}, "condition": "not mail"},
        }),
    ]
}

/// What may be anywhere in a document by mistake.
fn mistakes() -> Vec<Value> {
    let texts = json!([
        null, true, 0, -1.5, "", "x", "%", "%none%", "%given%", [], {}, [null], [[]], [{}],
        {"x": null}, {"": ""}, ["x", "x"], {"condition": []}, "any", "one", "*"
    ]);
    texts.as_array().unwrap().clone()
}

/// The pointers of all parts of a document but the document itself.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    let parts: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, part)| (key.clone(), part)).collect(),
        Value::Array(list) => {
            list.iter().enumerate().map(|(idx, part)| (idx.to_string(), part)).collect()
        }
        _ => Vec::new(),
    };
    for (key, part) in parts {
        let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        pointers(part, &at, found);
        found.push(at);
    }
}

/// Every place of every document.
fn places() -> Vec<(usize, String)> {
    let mut places = Vec::new();
    for (idx, document) in documents().iter().enumerate() {
        let mut found = Vec::new();
        pointers(document, "", &mut found);
        places.extend(found.into_iter().map(|at| (idx, at)));
    }
    places
}

fn placeholders() -> BTreeMap<String, Vec<String>> {
    let lists = [("given", vec!["a", "b"]), ("other", vec!["c"]), ("none", vec![])];
    let texts = |list: Vec<&str>| list.into_iter().map(str::to_owned).collect();
    lists.into_iter().map(|(name, list)| (name.to_owned(), texts(list))).collect()
}

fn is_complete(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|of| of.code.severity == Severity::Error)
}

/// Reads and compiles a text: as many refusals as errors account for, and a pack that a gateway takes.
fn check(text: &str) {
    let placeholders = placeholders();
    let source = Source::new("rules.yml", text).with_placeholders(&placeholders);
    let mut parsed = sigma::parse(&source);
    assert_eq!(
        parsed.n_refused() > 0,
        is_complete(&parsed.diagnostics),
        "{:?}\n{text}",
        parsed.diagnostics
    );
    drop(sigma::apply_filters(&mut parsed.rules, &parsed.filters));
    let mut compiler = Compiler::new("refused", 1);
    let mut n_rules = 0;
    for rule in &parsed.rules {
        match compiler.add(rule) {
            Ok(_) => n_rules += 1,
            Err(refusals) => assert!(is_complete(&refusals), "{refusals:?}\n{text}"),
        }
    }
    for result in compiler.add_correlations(&parsed.correlations) {
        assert!(result.as_ref().err().is_none_or(|refusals| is_complete(refusals)), "{text}");
    }
    let pack = Pack::decode(&compiler.finish().encode());
    let n_in_pack = pack.map(|pack| pack.tables().rules.len()).map_err(|error| error.to_string());
    assert_eq!(n_in_pack, Ok(n_rules), "{text}");
}

fn written(documents: &[Value]) -> String {
    documents.iter().map(|document| format!("---\n{document}\n")).collect()
}

#[test]
fn documents_without_a_mistake_are_not_refused() {
    let placeholders = placeholders();
    let text = written(&documents());
    let parsed = sigma::parse(&Source::new("rules.yml", &text).with_placeholders(&placeholders));
    assert_eq!((parsed.n_read, parsed.diagnostics), (6, vec![]));
}

#[test]
fn one_mistake_anywhere_is_found_where_it_refuses() {
    for (idx, at) in places() {
        for mistake in mistakes() {
            let mut documents = documents();
            *documents[idx].pointer_mut(&at).unwrap() = mistake;
            check(&written(&documents));
        }
        // The key, or the entry, is missing.
        let mut documents = documents();
        let (parent, key) = at.rsplit_once('/').unwrap();
        let key = key.replace("~1", "/").replace("~0", "~");
        let parent = documents[idx].pointer_mut(parent).unwrap();
        match parent.as_object_mut() {
            Some(map) => drop(map.remove(&key)),
            None => drop(parent.as_array_mut().unwrap().remove(key.parse().unwrap())),
        }
        check(&written(&documents));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn several_mistakes_are_told_where_they_refuse(
        changes in proptest::collection::vec(
            (proptest::sample::select(places()), proptest::sample::select(mistakes())), 2..5,
        )
    ) {
        let mut documents = documents();
        for ((idx, at), mistake) in changes {
            if let Some(part) = documents[idx].pointer_mut(&at) {
                *part = mistake;
            }
        }
        check(&written(&documents));
    }
}

#[test]
fn refusals_stand_at_their_own_line_and_leave_the_others() {
    let sound =
        "title: sound\nlogsource: {category: test}\ndetection: {s: {f: a}, condition: s}\n---\n";
    let rule = "title: t\nlogsource: {category: test}\ndetection:\n";
    let correlation = "title: t\ncorrelation:\n  type: event_count\n  rules: [x]\n";
    for (text, expect) in [
        (format!("{rule}  s: {{f|re: '(?x)a # [b'}}\n  condition: s\n"), "S022 8"),
        (format!("{rule}  s: {{f|re: 'a(?ix:b c)'}}\n  condition: s\n"), "S022 8"),
        (format!("{rule}  s: {{f|re: '[[:nope:]]'}}\n  condition: s\n"), "S022 8"),
        (format!("{rule}  s: {{f: a}}\n  condition: []\n"), "S030 9"),
        (format!("{rule}  s: {{f|expand: 'a%none%b'}}\n  condition: s\n"), "S014 8"),
        (format!("{rule}  s: {{f|expand: [a, '%none%']}}\n  condition: s\n"), "S014 8"),
        ("title: null\nlogsource: {category: test}\ndetection: {s: {f: a}, condition: s}\n".into(), "S005 5"),
        ("title: t\ncorrelation:\n  type: null\n  rules: [x]\n  timespan: 1s\n  condition: {gte: 2}\n".into(), "S005 7"),
        ("title: t\ncorrelation:\n  type: ~\n  rules: [x]\n  timespan: 1s\n".into(), "S005 7"),
        (format!("{correlation}  timespan: null\n  condition: {{gte: 2}}\n"), "S005 7"),
        (format!("{correlation}  timespan: 1s\n  condition: null\n"), "S006 10"),
        (format!("{correlation}  timespan: 1s\n  group-by: null\n  condition: {{gte: 2}}\n"), "S006 10"),
        (format!("{correlation}  timespan: 1s\n  group-by: [a]\n  aliases: {{a: {{x: null}}}}\n  condition: {{gte: 2}}\n"), "S056 11"),
        ("title: t\ncorrelation: null\n".into(), "S006 6"),
        ("title: t\nlogsource: {category: test}\nfilter: null\n".into(), "S006 7"),
        ("title: t\nlogsource: {category: test}\nfilter: {rules: null, s: {f: a}, condition: s}\n".into(), "S006 7"),
        ("title: t\nlogsource: {category: test}\nfilter: {rules: any, s: {f: a}, condition: null}\n".into(), "S006 7"),
    ] {
        let placeholders = placeholders();
        let text = format!("{sound}{text}");
        let parsed = sigma::parse(&Source::new("r.yml", &text).with_placeholders(&placeholders));
        let found = parsed.diagnostics.iter().map(|of| format!("{} {}", of.code.id, of.place.span.line));
        assert_eq!(found.collect::<Vec<_>>(), [expect], "{text}");
        assert_eq!((parsed.rules.len(), parsed.n_refused()), (1, 1), "{text}");
        check(&text);
    }
}
