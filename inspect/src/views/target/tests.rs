use super::*;

/// The targets of a path as `host path`.
fn shown(path: &str) -> Vec<String> {
    let each = targets(path.as_bytes(), &mut 0).into_iter();
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
        ("/https/pastebin.com/raw/a", &["pastebin.com /raw/a"]),
        (
            "/proxy_u/en-ru.ru.abc/HTTPS/pastebin.com/raw/a?b=1",
            &["en-ru.ru.abc /HTTPS/pastebin.com/raw/a?b=1", "pastebin.com /raw/a?b=1"],
        ),
        ("/a.example/b.example/http/c", &["a.example /b.example/http/c"]),
        ("/search?q=cache:abcdefghijkl:https://pastebin.com/raw/a+x", &["pastebin.com /raw/a+x"]),
        ("/search?q=cache:abcdefghijkl:pastebin.com/raw/a", &["pastebin.com /raw/a"]),
        ("/?sl=a&u=https://pastebin.com/raw/a", &["pastebin.com /raw/a"]),
        ("/?key=k&url=pastebin.com", &["pastebin.com /"]),
        ("/?url=a.example&url=pastebin.com/a", &["a.example /", "pastebin.com /a"]),
        ("/?url=https%3A%2F%2Fpastebin.com%2Fa%3Fb%26c", &["pastebin.com /a?b&c"]),
        ("/?https://pastebin.com/a?b=c&d=e", &["pastebin.com /a?b=c&d=e"]),
        ("/?u=149.154.167.220/a", &["149.154.167.220 /a"]),
        (
            "/?a&b&https://pastebin.com/a?b=c&d=e",
            &["pastebin.com /a?b=c&d=e", "pastebin.com /a?b=c"],
        ),
        ("/?a&pastebin.com/a?b&c", &["pastebin.com /a?b&c"]),
        ("/https://a+b@pastebin.com/a", &["a+b@pastebin.com /a", "a /+b@pastebin.com/a"]),
        ("/https://a.example\\@b.example/c", &["a.example /@b.example/c", "b.example /c"]),
        ("/?url=https:\\\\pastebin.com\\a", &["pastebin.com /a"]),
        ("/?url=ht%09tps://pastebin.com/a", &["pastebin.com /a"]),
        ("/?url=ssl:pastebin.com/a?http:b", &["b /", "pastebin.com /a?http:b"]),
        (
            "/?url=https://a.example%252Fx@pastebin.com/a",
            &[
                "a.example%252Fx@pastebin.com /a",
                "a.example%2Fx@pastebin.com /a",
                "a.example /x@pastebin.com/a",
            ],
        ),
        ("/?url=%2570astebin%252ecom/a", &["pastebin.com /a"]),
        ("/static/app.js?v=1.2", &[]),
        ("/abcde", &[]),
        ("/", &[]),
        ("", &[]),
    ] {
        assert_eq!(shown(path), expect, "{path}");
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

#[test]
fn twice_the_parameters_take_at_most_twice_the_steps() {
    let counted = |part: &str, n_times| {
        let path = format!("/?{}", part.repeat(n_times));
        let mut steps = 0;
        targets(path.as_bytes(), &mut steps);
        assert!(steps <= 40 * path.len(), "{part}: {steps} steps of {} bytes", path.len());
        steps
    };
    for part in ["a&", "a.example&", "http:&", "%2525&", "%68ttp:a.b&", "a=b&", "http:a=b.cd&", "&"]
    {
        let (once, twice) = (counted(part, 1000), counted(part, 2000));
        assert!(twice <= 2 * once + once / 100, "{part}: {once}, then {twice}");
    }
}
