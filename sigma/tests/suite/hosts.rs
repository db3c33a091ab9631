//! Host suffixes as text and by labels.

use inspect::pack::HostMatching;
use inspect::{Inspector, Pack, Request};
use sigma::{Compiler, Source, parse};

/// Whether a host matches, with suffixes as text and by labels.
pub(crate) fn matches(logsource: &str, item: &str, host: &str) -> [bool; 2] {
    let text = format!(
        "title: t\nlogsource: {logsource}\ndetection:\n    s:\n        {item}\n    condition: s\n"
    );
    let parsed = parse(&Source::new("rule.yml", &text));
    assert_eq!(parsed.diagnostics, [], "{item}");
    [HostMatching::Text, HostMatching::Labels].map(|hosts| {
        let mut compiler = Compiler::new("test", 0).with_hosts(hosts);
        compiler.add(&parsed.rules[0]).unwrap();
        let pack = Pack::decode(&compiler.finish().encode()).unwrap();
        assert_eq!(pack.tables().hosts, hosts);
        let request = Request {
            method: b"GET",
            scheme: b"https",
            authority: host.as_bytes(),
            path: Some(b"/"),
            ..Request::default()
        };
        !Inspector::new(pack).inspect(&request).matches.is_empty()
    })
}

#[test]
fn a_suffix_is_text_or_a_domain_and_all_below_it() {
    for (item, host, as_text, by_labels) in [
        ("cs-host|endswith: pastebin.com", "evilpastebin.com", true, false),
        ("cs-host|endswith: pastebin.com", "pastebin.com", true, true),
        ("cs-host|endswith: pastebin.com", "www.PasteBin.com", true, true),
        ("cs-host|endswith: pastebin.com", "pastebin.com.evil.example", false, false),
        ("cs-host|endswith: .t.me", "t.me", false, true),
        ("cs-host|endswith: .t.me", "a.t.me", true, true),
        ("cs-host|endswith: .t.me", "evilt.me", false, false),
        ("cs-host: '*.t.me'", "t.me", false, true),
        ("cs-host: '*.t.me'", "a.b.t.me", true, true),
        ("cs-host: t.me", "a.t.me", false, false),
        ("cs-host|endswith: -cdn.example", "a-cdn.example", true, true),
        ("cs-host|contains: t.me", "evilt.mexico", true, true),
        ("cs-host|cased|endswith: .t.me", "t.me", false, true),
        ("cs-host|endswith|all: [t.me, a.t.me]", "xa.t.me", true, false),
        ("cs-host|endswith|all: [.t.me, .a.t.me]", "a.t.me", false, true),
        ("cs-host|endswith|neq: pastebin.com", "evilpastebin.com", false, true),
        ("r-dns|endswith: .t.me", "t.me", false, true),
        ("c-uri|endswith: evilt.me/", "evilt.me", true, true),
    ] {
        let found = matches("{category: proxy}", item, host);
        assert_eq!(found, [as_text, by_labels], "{item}: {host}");
    }
}
