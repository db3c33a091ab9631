//! Whatever is in a file or a request, reading and reporting it ends, and does not panic.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test may panic, says what it skips, and works on files"
)]

use diagnostics::{Findings, SourceFile, report};
use knowledge::{Compilation, Library, examples};
use proptest::prelude::*;
use traffic::subject;

/// Reads, compiles, tests and reports one file.
fn whole_way(name: &str, bytes: &[u8]) {
    let mut library = Library::read(vec![SourceFile { name: name.into(), bytes: bytes.to_vec() }]);
    let compilation = Compilation::new(&library, "any", 0).unwrap();
    assert_eq!(compilation.n_read, compilation.n_compiled + compilation.n_refused);
    library.findings.extend(compilation.findings.clone());
    library.findings.extend(library.lint());
    library.findings.extend(examples::run(&library, compilation).findings);
    report::sort(&mut library.findings);
    for finding in &library.findings {
        let span = finding.diagnostic.place.span;
        assert!(span.line > 0 && span.column > 0, "{finding:?}");
        assert!((span.line, span.column) <= (span.end_line, span.end_column), "{finding:?}");
        assert!(!finding.diagnostic.message.contains('\n'), "{finding:?}");
    }
    report::to_text(&library.findings, &library.sources);
    report::to_json(&library.findings, &[]);
    report::to_sarif(&library.findings);
}

/// Pieces that notes and rules are made of, in any order, and anything between them.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"---\n".to_vec()),
        Just(b"kind: rule\nservices: []\n".to_vec()),
        Just(b"# Title\n".to_vec()),
        Just(b"## Validation\n".to_vec()),
        Just(b"```sigma\n".to_vec()),
        Just(b"```http match\n".to_vec()),
        Just(b"```http pass\n".to_vec()),
        Just(b"```\n".to_vec()),
        Just(b"> - ".to_vec()),
        Just(b"GET https://a.example/ HTTP/1.1\r\nUser-Agent: x\n\n".to_vec()),
        Just(b"title: Title\nlogsource:\n    category: proxy\ndetection:\n    s:\n        cs-host: a.example\n    condition: s\n".to_vec()),
        Just(b"\xef\xbb\xbf".to_vec()),
        Just(b"\r\n\t".to_vec()),
        prop::collection::vec(any::<u8>(), 0..8),
        any::<String>().prop_map(String::into_bytes),
    ];
    prop::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_note_is_read(bytes in pieces()) {
        whole_way("a.md", &bytes);
    }

    #[test]
    fn any_sigma_file_is_read(bytes in pieces()) {
        whole_way("a.yml", &bytes);
    }

    #[test]
    fn any_request_is_read(start in "(curl |\\{\"|GET |https://|CONNECT )?", rest in any::<String>()) {
        let text = start + &rest;
        let mut findings = Findings::new(&"<request>".into());
        let requests = subject::read(&text, &mut findings);
        let findings = findings.into_list();
        prop_assert!(!requests.is_empty() || !findings.is_empty());
        let sources = [("<request>".into(), text)].into();
        report::to_text(&findings, &sources);
    }
}

#[test]
fn deep_nesting_does_not_exhaust_the_stack() {
    for opening in ["[", "{a: ", "- ", "a:\n  - "] {
        let nested = opening.repeat(3_900 / opening.len());
        whole_way("a.md", format!("---\n{nested}\n---\n").as_bytes());
    }
    for opening in ["> ", "- ", "[", "*a", "<a>", "((("] {
        let nested = opening.repeat(20_000);
        whole_way("a.md", format!("---\nkind: rule\nservices: []\n---\n{nested}\n").as_bytes());
        whole_way("a.yml", nested.as_bytes());
    }
}
