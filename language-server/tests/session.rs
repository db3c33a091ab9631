//! What an editor is answered, feature by feature.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may panic")]

use std::path::PathBuf;

use diagnostics::SourceFile;
use inspect::pack::HostMatching;
use knowledge::Placeholders;
use language_server::{Disk, Files, Roots, Session};
use lsp_server::{Message, Notification, Request};
use serde_json::{Value, json};

/// Files that nobody changes.
struct Still {
    files: Option<Vec<SourceFile>>,
}

impl Disk for Still {
    fn read(&mut self) -> Option<Files> {
        self.files.take().map(|files| Files { files, findings: Vec::new() })
    }

    fn file(&self, _: &str) -> Option<Vec<u8>> {
        None
    }

    fn includes(&self, name: &str, _: &str) -> bool {
        // Of files elsewhere only those of one folder beside the project.
        !name.starts_with("other/") && !name.starts_with('/') && !name.starts_with("..")
            || name.starts_with("../shared/")
    }
}

const SERVICE: &str = "---\nkind: service\nservice: Slack\ncategory: messaging\nhosts: [slack.com, hooks.slack.com]\n---\n";
const LIST: &str = "---\nkind: list\nlist: words\nvalues: [one, two]\n---\n";
const OTHER: &str = "title: Other rule\nid: 22222222-2222-4222-8222-222222222222\ntags: [attack.t1102.002, attack.exfiltration]\nlogsource: {category: proxy}\ndetection: {s: {cs-host: other.example}, condition: s}\n";

struct Editor {
    session: Session<Still>,
    n_requests: i32,
}

impl Editor {
    fn new() -> Editor {
        let files = [("slack.md", SERVICE), ("words.md", LIST), ("other.yml", OTHER)];
        let files = files
            .map(|(name, text)| SourceFile { name: name.into(), bytes: text.as_bytes().to_vec() });
        let disk = Still { files: Some(files.to_vec()) };
        let initialize =
            json!({ "capabilities": { "workspace": { "codeLens": { "refreshSupport": true } } } });
        let roots = Roots::new(PathBuf::from("/project"), PathBuf::from("/real/project"));
        let hosts = HostMatching::Text;
        let session = Session::new(disk, roots, &initialize, Placeholders::new(), hosts);
        Editor { session, n_requests: 0 }
    }

    /// Opens a text, and returns the findings that are published about it.
    fn open(&mut self, name: &str, text: &str) -> Vec<Value> {
        let document =
            json!({ "uri": uri(name), "languageId": "yaml", "version": 1, "text": text });
        self.notify("textDocument/didOpen", json!({ "textDocument": document }));
        self.published(name)
    }

    fn change(&mut self, name: &str, text: &str) -> Vec<Value> {
        let params = json!({
            "textDocument": { "uri": uri(name), "version": 2 },
            "contentChanges": [{ "text": text }],
        });
        self.notify("textDocument/didChange", params);
        self.published(name)
    }

    fn notify(&mut self, method: &str, params: Value) {
        let answers = self.session.take(Notification::new(method.to_owned(), params).into());
        assert!(answers.is_empty(), "{answers:?}");
    }

    fn published(&mut self, name: &str) -> Vec<Value> {
        let mut found = Vec::new();
        for message in self.session.publish() {
            let Message::Notification(notification) = message else { panic!("{message:?}") };
            assert_eq!(notification.method, "textDocument/publishDiagnostics");
            if notification.params["uri"] == uri(name) {
                found.clone_from(notification.params["diagnostics"].as_array().unwrap());
            }
        }
        found
    }

    fn messages(&mut self, method: &str, params: Value) -> Vec<Message> {
        self.n_requests += 1;
        let request = Request::new(self.n_requests.into(), method.to_owned(), params);
        self.session.take(request.into())
    }

    fn request(&mut self, method: &str, params: Value) -> Value {
        match self.messages(method, params).into_iter().next().unwrap() {
            Message::Response(response) => response.response_result.unwrap(),
            message => panic!("{message:?}"),
        }
    }

    /// Opens a text with a mark `^`, and asks a method about the place of the mark.
    fn ask(&mut self, name: &str, marked: &str, method: &str) -> Value {
        let at = marked.find('^').unwrap();
        let before = &marked.get(..at).unwrap();
        self.open(name, &marked.replacen('^', "", 1));
        let line = before.matches('\n').count();
        let character = before.rsplit('\n').next().unwrap().encode_utf16().count();
        let position = json!({ "line": line, "character": character });
        self.request(method, json!({ "textDocument": { "uri": uri(name) }, "position": position }))
    }

    fn hover(&mut self, name: &str, marked: &str) -> String {
        let hover = self.ask(name, marked, "textDocument/hover");
        hover["contents"]["value"].as_str().unwrap_or("nothing").to_owned()
    }

    /// The labels of completions.
    fn complete(&mut self, name: &str, marked: &str) -> Vec<String> {
        let items = self.ask(name, marked, "textDocument/completion");
        let items = items.as_array().unwrap();
        items.iter().map(|item| item["label"].as_str().unwrap().to_owned()).collect()
    }

    /// The places of definitions, as `file:line`.
    fn define(&mut self, name: &str, marked: &str) -> Vec<String> {
        let places = self.ask(name, marked, "textDocument/definition");
        let shown = |place: &Value| {
            let name = place["uri"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
            format!("{name}:{}", place["range"]["start"]["line"])
        };
        places.as_array().unwrap().iter().map(shown).collect()
    }
}

fn uri(name: &str) -> String {
    format!("file:///project/{name}")
}

fn codes(findings: &[Value]) -> Vec<String> {
    let show = |finding: &Value| {
        let start = &finding["range"]["start"];
        let code = finding["code"].as_str().unwrap();
        format!("{code} {}:{}", start["line"], start["character"])
    };
    findings.iter().map(show).collect()
}

fn rule(detection: &str) -> String {
    format!(
        "title: A rule\nid: 33333333-3333-4333-8333-333333333333\nlogsource:\n    category: proxy\ndetection:\n{detection}"
    )
}

#[test]
fn findings_follow_the_text_as_it_is_typed() {
    let mut editor = Editor::new();
    let broken = rule("    s:\n        cs-hots: '\u{1f600}'\n    condition: s\n");
    assert_eq!(codes(&editor.open("a.yml", &broken)), ["S012 6:8"]);
    let sound = rule("    s:\n        cs-host: a.example\n    condition: s\n");
    let after = editor.change("a.yml", &sound);
    assert!(after.iter().all(|finding| finding["severity"] == 2), "{after:?}");
    // Units of UTF-16: the finding behind the face is one unit further than its character.
    let wide = rule("    s: {cs-uri: '\u{1f600}', cs-hots: a}\n    condition: s\n");
    assert_eq!(codes(&editor.change("a.yml", &wide)), ["S012 5:22"]);
    let twice = OTHER.replace("Other rule", "Another");
    let found = editor.open("z.yml", &twice);
    assert!(codes(&found).iter().any(|code| code.starts_with("N017")), "{found:?}");
}

#[test]
fn a_file_outside_of_the_project_has_no_findings() {
    let mut editor = Editor::new();
    assert!(editor.open("other/compose.yml", "services: {}").is_empty());
    assert_eq!(editor.hover("other/compose.yml", "ti^tle: a"), "nothing");
}

#[test]
fn files_are_known_behind_a_link_beside_the_project_and_by_names_of_any_letters() {
    let mut editor = Editor::new();
    let broken = rule("    s:\n        cs-hots: a.example\n    condition: s\n");
    for address in
        ["file:///project/a%20b/%C3%A4.yml", "file:///real/project/b.yml", "file:///shared/c.yml"]
    {
        let document =
            json!({ "uri": address, "languageId": "yaml", "version": 1, "text": broken });
        editor.notify("textDocument/didOpen", json!({ "textDocument": document }));
        let messages = editor.session.publish();
        let published = serde_json::to_string(&messages).unwrap();
        assert!(published.contains(address) && published.contains("S012"), "{published}");
    }
}

#[test]
fn findings_of_a_file_that_is_closed_are_taken_back() {
    let mut editor = Editor::new();
    let broken = rule("    s:\n        cs-hots: a.example\n    condition: s\n");
    assert!(!editor.open("a.yml", &broken).is_empty());
    editor.notify("textDocument/didClose", json!({ "textDocument": { "uri": uri("a.yml") } }));
    let messages = serde_json::to_string(&editor.session.publish()).unwrap();
    assert!(
        messages.contains(&uri("a.yml")) && messages.contains("\"diagnostics\":[]"),
        "{messages}"
    );
    assert!(!editor.open("a.yml", &broken).is_empty());
}

#[test]
fn a_file_that_is_closed_counts_as_it_is_on_the_disk() {
    let mut editor = Editor::new();
    editor.open("a.yml", OTHER);
    editor.open("other.yml", OTHER);
    let all = editor.published("other.yml");
    assert!(all.is_empty());
    editor.notify("textDocument/didClose", json!({ "textDocument": { "uri": uri("a.yml") } }));
    let found = editor.published("other.yml");
    assert!(!codes(&found).iter().any(|code| code.starts_with("N017")), "{found:?}");
}

#[test]
fn fixes_are_code_actions() {
    let mut editor = Editor::new();
    editor.open("a.yml", &rule("    s:\n        cs-hots: a.example\n    condition: s\n"));
    let range =
        json!({ "start": { "line": 6, "character": 9 }, "end": { "line": 6, "character": 9 } });
    let params = json!({
        "textDocument": { "uri": uri("a.yml") }, "range": range, "context": { "diagnostics": [] },
    });
    let actions = editor.request("textDocument/codeAction", params.clone());
    let fix =
        actions.as_array().unwrap().iter().find(|action| action["kind"] == "quickfix").unwrap();
    assert_eq!(fix["title"], "write `cs-host`");
    assert_eq!(fix["edit"]["changes"][uri("a.yml")][0]["newText"], "cs-host");
    assert_eq!(fix["diagnostics"][0]["code"], "S012");
    let all = actions.as_array().unwrap().iter().find(|action| action["kind"] == "source.fixAll");
    let text = &all.unwrap()["edit"]["changes"][uri("a.yml")][0]["newText"];
    assert!(text.as_str().unwrap().contains("cs-host: a.example"), "{text}");
    for (only, expect) in [("source", "source.fixAll"), ("quickfix", "quickfix")] {
        let mut params = params.clone();
        params["context"]["only"] = json!([only]);
        let actions = editor.request("textDocument/codeAction", params);
        let kinds = actions.as_array().unwrap().iter().map(|action| &action["kind"]);
        assert!(actions[0]["kind"] == expect && kinds.clone().all(|kind| kind == expect), "{only}");
    }
}

#[test]
fn words_are_explained() {
    let mut editor = Editor::new();
    for (name, marked, expect) in [
        ("a.yml", "lev^el: high", "`level`: `informational`"),
        ("a.yml", &rule("    s:\n        cs-ho^st|endswith: a"), "the host, without port"),
        ("a.yml", &rule("    s:\n        cs-host|ends^with: a"), "the field ends with the value"),
        ("a.yml", &rule("    s:\n        tidegate.service: Sla^ck"), "category `messaging`"),
        ("a.yml", &rule("    s:\n        cs-host|expand: '%wo^rds%'"), "`one`, `two`"),
        (
            "a.yml",
            &rule("    sel:\n        cs-host: a.example\n    condition: se^l"),
            "cs-host: a.example",
        ),
        ("a.yml", "tags:\n    - attack.t1102^.002\n", "Bidirectional Communication"),
        ("a.yml", "tags:\n    - attack.t1102^.002\n", "1 rule of this project has the tag"),
        (
            "a.yml",
            &rule("    s:\n        cs-ho^ts: a\n    condition: s\n"),
            "**S012** unknown field",
        ),
        (
            "a.yml",
            "logsource: {category: dns}\ndetection:\n    s:\n        que^ry: a",
            "at a proxy this is `cs-host`",
        ),
        ("a.md", "---\nki^nd: rule\n---\n", "the kind of note"),
        ("a.md", "---\nkind: rule\nservices: [Sl^ack]\n---\n", "`hooks.slack.com`"),
        (
            "a.md",
            "---\nkind: runbook\nrule: 2222^2222-2222-4222-8222-222222222222\n---\n",
            "rule `Other rule`",
        ),
        ("a.md", "---\nkind: rule\n---\n\nwo^rd\n", "nothing"),
    ] {
        let found = editor.hover(name, marked);
        assert!(found.contains(expect), "{marked}: {found}");
    }
}

#[test]
fn words_are_completed() {
    let mut editor = Editor::new();
    for (name, marked, expect, not) in [
        ("a.yml", "lev^", "level", "category"),
        ("a.yml", "logsource:\n    cat^", "category", "level"),
        ("a.yml", "logsource:\n    category: ^", "proxy", "level"),
        ("a.yml", &rule("    s:\n        cs-ho^"), "cs-host", "condition"),
        ("a.yml", &rule("    s:\n        ^"), "tidegate.beacon", "condition"),
        ("a.yml", &rule("    s:\n        - cs^"), "cs-host", "condition"),
        ("a.yml", &rule("    s: {cs-^"), "cs-host", "condition"),
        ("a.yml", &rule("    s:\n        cs-host|ends^: a"), "endswith", "cs-host"),
        ("a.yml", &rule("    s:\n        cs-host|endswith|^: a"), "cased", "endswith"),
        ("a.yml", &rule("    s:\n        tidegate.operation: up^"), "upload", "own"),
        ("a.yml", &rule("    s:\n        tidegate.service: ^"), "Slack", "upload"),
        ("a.yml", &rule("    s:\n        cs-host|expand: '%^"), "%words%", "Slack"),
        ("a.yml", &rule("    sel:\n        cs-host: a\n    condition: s^"), "sel", "cs-host"),
        ("a.yml", &rule("    sel:\n        cs-host: a\n    condition: not ^"), "sel", "cs-host"),
        ("a.yml", "tags:\n    - attack.^\n", "attack.exfiltration", "Slack"),
        ("a.yml", "level: ^", "critical", "stable"),
        ("a.yml", "status: ^", "stable", "critical"),
        ("a.md", "---\n^\n---\n", "kind", "list"),
        ("a.md", "---\nkind: service\nho^\n---\n", "hosts", "list"),
        ("a.md", "---\nkind: rule\nservices: [Sl^]\n---\n", "Slack", "kind"),
        (
            "a.md",
            "---\nkind: runbook\nrule: ^\n---\n",
            "22222222-2222-4222-8222-222222222222",
            "kind",
        ),
        ("a.md", "---\nkind: rule\n---\n```sigma\nlev^\n```\n", "level", "kind"),
    ] {
        let labels = editor.complete(name, marked);
        assert!(labels.iter().any(|label| label == expect), "{marked}: {labels:?}");
        assert!(labels.iter().all(|label| label != not), "{marked}: {labels:?}");
    }
    // What is typed already is replaced, not repeated.
    let items = editor.ask("a.yml", &rule("    s:\n        cs-ho^"), "textDocument/completion");
    let range = &items[0]["textEdit"]["range"];
    assert_eq!((&range["start"]["character"], &range["end"]["character"]), (&json!(8), &json!(13)));
}

#[test]
fn names_lead_to_their_definitions() {
    let mut editor = Editor::new();
    let two = "    sel_a:\n        cs-host: a\n    sel_b:\n        cs-host: b\n";
    for (name, marked, expect) in [
        ("a.yml", rule(&format!("{two}    condition: sel_b^ and sel_a\n")), vec!["a.yml:7"]),
        ("a.yml", rule(&format!("{two}    condition: 1 of sel^_*\n")), vec!["a.yml:5", "a.yml:7"]),
        ("a.yml", rule("    s:\n        tidegate.service: Sla^ck\n"), vec!["slack.md:2"]),
        ("a.yml", rule("    s:\n        cs-host|expand: '%wor^ds%'\n"), vec!["words.md:2"]),
        (
            "a.md",
            "---\nkind: runbook\nrule: 22222222-^2222-4222-8222-222222222222\n---\n".to_owned(),
            vec!["other.yml:0"],
        ),
        ("a.md", "---\nkind: rule\nservices: [Slack^]\n---\n".to_owned(), vec!["slack.md:2"]),
        ("a.yml", "title: a^\n".to_owned(), vec![]),
    ] {
        assert_eq!(editor.define(name, &marked), expect, "{marked}");
    }
}

const NOTE: &str = "---\nkind: rule\nservices: [Slack]\n---\n\n# A rule\n\n```sigma\ntitle: A rule\nid: 33333333-3333-4333-8333-333333333333\nstatus: test\ndescription: d\nreferences: [https://a.example]\nauthor: a\ndate: 2026-01-01\ntags: [attack.t1102]\nlogsource: {category: proxy}\ndetection: {s: {cs-host: HOST}, condition: s}\nfalsepositives: [none]\nlevel: low\n```\n\n```http match\nGET https://hooks.slack.com/services HTTP/1.1\n```\n\n```http pass\nGET https://slack.com/ HTTP/1.1\n```\n";

#[test]
fn a_lens_runs_the_examples_of_a_note() {
    let mut editor = Editor::new();
    let lenses = |editor: &mut Editor| -> Vec<String> {
        let params = json!({ "textDocument": { "uri": uri("a.md") } });
        let lenses = editor.request("textDocument/codeLens", params);
        let show = |lens: &Value| {
            format!(
                "{} {}",
                lens["range"]["start"]["line"],
                lens["command"]["title"].as_str().unwrap()
            )
        };
        lenses.as_array().unwrap().iter().map(show).collect()
    };
    let run = |editor: &mut Editor| {
        let arguments = json!([uri("a.md")]);
        let params = json!({ "command": "tidegate.runExamples", "arguments": arguments });
        editor.messages("workspace/executeCommand", params)
    };
    editor.open("a.md", &NOTE.replace("HOST", "hooks.slack.com"));
    assert_eq!(lenses(&mut editor), ["7 run 2 examples"]);
    let messages = run(&mut editor);
    let [Message::Response(result), Message::Notification(shown), Message::Request(refresh)] =
        messages.as_slice()
    else {
        panic!("{messages:?}")
    };
    assert_eq!(result.response_result.as_ref().unwrap()["failed"], 0);
    assert_eq!(shown.params["message"], "a.md: 2 examples pass");
    assert_eq!(refresh.method, "workspace/codeLens/refresh");
    assert_eq!(lenses(&mut editor), ["7 2 examples pass", "23 passes", "27 passes"]);

    editor.change("a.md", &NOTE.replace("HOST", "slack.com"));
    assert_eq!(lenses(&mut editor), ["7 run 2 examples"], "another text has no result yet");
    run(&mut editor);
    assert_eq!(lenses(&mut editor), ["7 2 of 2 examples fail", "23 fails", "27 fails"]);

    editor.change("a.md", &NOTE.replace("cs-host", "cs-hots"));
    run(&mut editor);
    let refused = lenses(&mut editor);
    assert!(refused.len() == 1 && refused[0].starts_with("7 not run: "), "{refused:?}");
}

#[test]
fn what_is_not_of_the_protocol_is_refused() {
    let mut editor = Editor::new();
    for (method, params) in [
        ("textDocument/nothing", json!({})),
        ("textDocument/hover", json!({ "position": 1 })),
        ("workspace/executeCommand", json!({ "command": "other", "arguments": [] })),
    ] {
        let messages = editor.messages(method, params);
        let [Message::Response(response)] = messages.as_slice() else { panic!("{messages:?}") };
        assert!(response.response_result.is_err(), "{method}");
    }
}
