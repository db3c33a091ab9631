use super::*;

#[test]
fn the_tables_are_in_order_and_every_name_is_found() {
    assert!(PROXIES.is_sorted() && FILES.is_sorted());
    for (name, start) in PROXIES {
        let host = name.replacen('.', "a.", usize::from(name.starts_with('.')));
        assert!(is_proxy(host.as_bytes(), Some(start.as_bytes())), "{name}");
    }
}

#[test]
fn few_other_names_are_compared_with_the_table() {
    let n_bits: u32 = ENDS.iter().map(|word| word.count_ones()).sum();
    assert!(n_bits < 64, "{n_bits} of 1024");
    for host in ["api.telegram.org", "github.com", "www.google.com", "wp.com"] {
        assert!(!is_proxy(host.as_bytes(), Some(b"/raw/a?url=https://pastebin.com")), "{host}");
    }
}

/// The targets of a path as `host path`.
fn shown(path: &str) -> Vec<String> {
    let each = targets(path.as_bytes()).into_iter();
    each.map(|target| format!("{} {}", target.authority.escape_ascii(), target.path.escape_ascii()))
        .collect()
}

#[test]
fn targets_are_found_wherever_a_proxy_may_take_them_from() {
    for (path, expect) in [
        ("/https:/pastebin.com/raw/a", &["pastebin.com /raw/a"][..]),
        ("/https://pastebin.com/raw/a?b=1", &["pastebin.com /raw/a?b=1"]),
        ("/HTTPS://pastebin.com", &["pastebin.com /"]),
        ("/https:pastebin.com", &["pastebin.com /"]),
        ("/https:// \tpastebin.com/a", &["pastebin.com /a"]),
        ("/ https://paste\tbin.com/a", &["pastebin.com /a"]),
        ("/https://user@pastebin.com/a", &["user@pastebin.com /a"]),
        ("/pastebin.com/raw/a", &["pastebin.com /raw/a"]),
        ("/pastebin\u{3002}com/raw/a", &["pastebin\\xe3\\x80\\x82com /raw/a"]),
        ("/newest/pastebin.com/raw/a", &["pastebin.com /raw/a"]),
        ("/web/2020/https://pastebin.com/raw/a", &["pastebin.com /raw/a"]),
        ("/c/s/pastebin.com/raw/a", &["pastebin.com /raw/a"]),
        ("/search?q=cache:abcdefghijkl:https://pastebin.com/raw/a+x", &["pastebin.com /raw/a+x"]),
        ("/search?q=cache:abcdefghijkl:pastebin.com/raw/a", &["pastebin.com /raw/a"]),
        ("/?sl=a&u=https://pastebin.com/raw/a", &["pastebin.com /raw/a"]),
        ("/?key=k&url=pastebin.com", &["pastebin.com /"]),
        ("/?url=a.example&url=pastebin.com/a", &["a.example /", "pastebin.com /a"]),
        ("/?url=https%3A%2F%2Fpastebin.com%2Fa%3Fb%26c", &["pastebin.com /a?b&c"]),
        ("/?https://pastebin.com/a?b=c&d=e", &["pastebin.com /a?b=c&d=e"]),
        ("/?u=149.154.167.220/a", &["149.154.167.220 /a"]),
        ("/static/app.js?v=1.2", &[]),
        ("/abcde", &[]),
        ("/", &[]),
        ("", &[]),
    ] {
        assert_eq!(shown(path), expect, "{path}");
    }
}

#[test]
fn a_name_may_mean_a_host_too() {
    for (host, expect) in [
        ("pastebin-com.translate.goog", Some("pastebin.com")),
        ("a--b-pages-dev.cdn.ampproject.org", Some("a-b.pages.dev")),
        ("pastebin.translate.goog", None),
        ("pastebin.com", None),
    ] {
        let found = target_of_label(host.as_bytes());
        assert_eq!(found.as_deref(), expect.map(str::as_bytes), "{host}");
    }
}

#[test]
fn every_url_of_a_text_is_listed() {
    let text = b"/https://a.example/b/http:/c.example?d=HTTPS://e.example/ffffff";
    let found: Vec<_> = urls(text, 4)
        .map(|target| format!("{}{}", target.authority.escape_ascii(), target.path.escape_ascii()))
        .collect();
    assert_eq!(found, ["a.example/b/h", "c.example/?d=", "e.example/fff"]);
}
