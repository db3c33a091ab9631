use super::*;

#[test]
fn the_tables_are_in_order_and_every_name_is_found() {
    assert!(PROXIES.is_sorted());
    for (name, start) in PROXIES {
        let host = name.replacen('.', "a.", usize::from(name.starts_with('.')));
        let path = start.replace('*', "a.example");
        assert!(is_proxy(host.as_bytes(), Some(path.as_bytes())), "{name}");
    }
}

#[test]
fn few_other_names_are_compared_with_the_table() {
    let n_bits: u32 = ENDS.iter().map(|word| word.count_ones()).sum();
    assert!(n_bits < 128, "{n_bits} of 8192");
    for host in ["api.telegram.org", "github.com", "www.google.com", "wp.com"] {
        assert!(!is_proxy(host.as_bytes(), Some(b"/raw/a?url=https://pastebin.com")), "{host}");
    }
}

#[test]
fn a_name_may_mean_a_host_too() {
    for (host, path, expect) in [
        ("pastebin-com.translate.goog", "/", &["pastebin.com"][..]),
        ("a--b-pages-dev.cdn.ampproject.org", "/", &["a-b.pages.dev"]),
        (
            "0-en--us-example-com-0.bing-amp.com",
            "/",
            &["0.en-us.example.com.0", "en-us.example.com"],
        ),
        ("pastebin.translate.goog", "/", &[]),
        ("pastebin.com", "/", &[]),
        ("com.translate.goog", "/raw/abc?_x_tr_hp=pastebin-", &["pastebin.com"]),
        ("com.translate.goog", "/raw/abc?a&_x_tr%5fHP=pastebin%2d", &["pastebin.com"]),
        ("org.translate.goog", "/?_x_tr_hp=a&_x_tr_hp=api-telegram-", &["api.telegram.org"]),
        ("1-a-example.translate.goog", "/", &["1.a.example"]),
        ("1-a-example.translate.goog", "/?_x_tr_enc=1", &["1.a.example", "a.example"]),
        ("example.translate.goog", "/?_x_tr_hp=1-a-&_x_tr_enc=0,1", &["1.a.example", "a.example"]),
        ("0-b-a.translate.goog", "/?_x_tr_enc=0", &["0.b.a", "xn--b.a"]),
    ] {
        let found = targets_of_label(host.as_bytes(), Some(path.as_bytes()), &mut 0);
        let found: Vec<_> = found.iter().map(|host| str::from_utf8(host).unwrap()).collect();
        assert_eq!(found, expect, "{host}{path}");
    }
}

#[test]
fn names_that_differ_in_a_country_or_a_number_are_proxies() {
    for (host, path, expect) in [
        ("www.google.de", "/amp/s/pastebin.com", true),
        ("www.google.co.uk", "/amp/s/pastebin.com", true),
        ("google.com.br", "/amp/s/pastebin.com", true),
        ("www.google.de", "/search", false),
        ("translate.google.fr", "/translate?u=pastebin.com", true),
        ("translate.google.example", "/translate?u=pastebin.com", false),
        ("images37-focus-opensocial.googleusercontent.com", "/gadgets/proxy", true),
        ("imagesx-focus-opensocial.googleusercontent.com", "/gadgets/proxy", false),
        ("docs.google.com", "/a/x.org/viewer?url=pastebin.com", true),
        ("docs.google.com", "/a/x.org/document/d/1", false),
        ("drive.google.com", "/viewerng/viewer?url=pastebin.com", true),
        ("drive.google.com", "/file/d/1", false),
        ("pastebin-com.bing-amp.com", "/c/s/pastebin.com", true),
        ("www.w3.org", "/services/html2txt?url=pastebin.com", true),
        ("www.w3.org", "/services/tidy?docAddr=pastebin.com", true),
        ("www.w3.org", "/TR/url", false),
        ("arquivo.pt", "/noFrame/replay/2020/https://pastebin.com/raw/a", true),
        ("arquivo.pt", "/page/search?q=a", false),
        ("fanyi.baidu.com", "/transpage?query=pastebin.com", true),
        ("fanyi.baidu.com", "/v2transapi", false),
        ("pastebin-com.turbopages.org", "/turbo/pastebin.com/s/raw/a", true),
        ("www.googleapis.com", "/pagespeedonline/v5/runPagespeed?url=pastebin.com", true),
        ("www.googleapis.com", "/drive/v3/files", false),
    ] {
        assert_eq!(is_proxy(host.as_bytes(), Some(path.as_bytes())), expect, "{host}{path}");
    }
}
