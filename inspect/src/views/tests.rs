use super::*;

fn views(host: &str, path: &str) -> Views {
    Views::of(&Request {
        scheme: b"https",
        authority: host.as_bytes(),
        path: Some(path.as_bytes()),
        ..Request::default()
    })
}

/// Asserts that a request has a form with a host and a path.
fn check(host: &str, path: &str, expect_host: &str, expect_path: &str) {
    let views = views(host, path);
    let found = views.forms().iter().any(|form| {
        form.authority.as_deref().unwrap_or(host.as_bytes()) == expect_host.as_bytes()
            && form.path.as_deref().unwrap_or(path.as_bytes()) == expect_path.as_bytes()
    });
    let shown = |text: &Option<Vec<u8>>| {
        text.as_ref().map_or("=".to_owned(), |text| text.escape_ascii().to_string())
    };
    let forms: Vec<_> = views
        .forms()
        .iter()
        .map(|form| format!("{} {}", shown(&form.authority), shown(&form.path)))
        .collect();
    assert!(found, "{host}{path}: {forms:#?}");
}

#[test]
fn twice_the_parameters_or_proxies_take_at_most_twice_the_steps() {
    let nested = "/https://r.jina.ai".repeat(20);
    for (before, part) in [
        ("/?", "a&"),
        (nested.as_str(), "/?a&a&a&a"),
        (&format!("{nested}/?"), "a&"),
        (&format!("{nested}/?"), "%25&"),
        (&format!("{nested}/?"), "http:"),
        ("/", "http:"),
        ("/?", "url=http:a.b/&"),
        ("/", "https://r.jina.ai/"),
        ("/", "https://r.jina.ai/%2525/..%2f/"),
        ("/https://r.jina.ai/", "%2525"),
    ] {
        let steps = |n_bytes: usize| {
            let path = format!("{before}{}", part.repeat(n_bytes / part.len()));
            let n_steps = views("r.jina.ai", &path).steps();
            assert!(n_steps <= 800 * path.len(), "{part}: {n_steps} steps of {}", path.len());
            n_steps
        };
        let (once, twice) = (steps(20_000), steps(40_000));
        assert!(twice <= 2 * once + once / 25, "{before}({part}): {once}, then {twice}");
    }
}

#[test]
fn the_host_of_a_hidden_target_is_found_behind_any_user_and_scheme() {
    let user = "u".repeat(600);
    for (host, path) in [
        ("r.jina.ai", "/https://a+b@pastebin.com/raw/abc"),
        ("r.jina.ai", "/https://a,b,c.d,e.f,g.h,i.j@pastebin.com/raw/abc"),
        ("r.jina.ai", "/ht%09tps://pastebin.com/raw/abc"),
        ("r.jina.ai", "/https%3A%2F%2Fgood.example%252Fx@pastebin.com/raw/abc"),
        ("r.jina.ai", "/https://good.example\\@pastebin.com/raw/abc"),
        ("corsproxy.io", "/?url=https://a%20b@pastebin.com/raw/abc"),
        ("corsproxy.io", "/?url=https://good.example%252Fx@pastebin.com/raw/abc"),
        ("corsproxy.io", "/?url=https://good.example%2523x@pastebin.com/raw/abc"),
        ("corsproxy.io", &format!("/?url=https://{user}@pastebin.com/raw/abc")),
        ("corsproxy.io", &format!("/?{user}@pastebin.com/raw/abc")),
        ("corsproxy.io", "/?url=ht%09tps://pastebin.com/raw/abc"),
        ("corsproxy.io", "/?url=pastebin.com/raw/abc%23http://good.example/"),
        ("wsrv.nl", "/?url=ssl:pastebin.com/raw/abc"),
        ("wsrv.nl", "/?url=ssl://pastebin.com/raw/abc"),
    ] {
        let views = views(host, path);
        let found = views.forms().iter().any(|form| {
            form.authority.as_deref() == Some(b"pastebin.com")
                && form.path.as_deref().is_some_and(|path| path.starts_with(b"/raw/abc"))
        });
        assert!(found, "{host}{path}");
    }
}

#[test]
fn the_path_of_a_hidden_target_is_read_in_every_form() {
    for (host, path) in [
        ("corsproxy.io", "/?url=https://api.telegram.org/x/../bot1/getMe"),
        ("corsproxy.io", "/?url=https%3A%2F%2Fapi.telegram.org%2Fx%2F..%2Fbot1%2FgetMe"),
        ("corsproxy.io", "/?https://api.telegram.org/./bot1/getMe"),
        ("corsproxy.io", "/?https://api.telegram.org//bot1/getMe"),
        ("corsproxy.io", "/?url=https:\\\\api.telegram.org\\bot1\\getMe"),
        ("corsproxy.io", "/?url=https:%5C%5Capi.telegram.org%5Cbot1%5CgetMe"),
        ("corsproxy.io", "/?url=https://api.telegram.org/bot1;x/getMe"),
        ("corsproxy.io", "/?url=https://api.telegram.org/bot1/getMe%23x"),
        ("r.jina.ai", "/https://corsproxy.io/?https://api.telegram.org/x/../bot1/getMe"),
    ] {
        check(host, path, "api.telegram.org", "/bot1/getMe");
    }
}

#[test]
fn the_path_of_a_target_past_the_bounds_is_read_in_every_form() {
    let many: String = (0..30).map(|idx| format!("url=https://a{idx}.example/&")).collect();
    let path = format!("/?{many}url=https://api.telegram.org/x/../bot1/getMe");
    let views = views("corsproxy.io", &path);
    let found = views.extra_hosts().iter().any(|host| {
        host.authority == b"api.telegram.org" && host.path.as_deref() == Some(b"/bot1/getMe")
    });
    assert!(found, "{:?}", views.extra_hosts());
}

#[test]
fn a_proxy_past_the_bounds_is_read_too() {
    for n_decoys in [0, 19, 20, 40] {
        let decoys: String = (0..n_decoys).map(|idx| format!("&d{idx}=d{idx}.example")).collect();
        for last in [
            "https%3A%2F%2Fr.jina.ai%2Fpastebin.com%2Fraw%2Fabc",
            "https://api.codetabs.com/v1/proxy?quest=pastebin.com/raw/abc",
            "https://pastebin-com.translate.goog/raw/abc",
        ] {
            let path = format!("/translate?x=1{decoys}&u={last}");
            let views = views("translate.google.com", &path);
            let hosts = views.forms().iter().filter_map(|form| form.authority.as_deref());
            let extra = views.extra_hosts().iter().map(|host| host.authority.as_slice());
            let found = hosts.chain(extra).any(|host| host == b"pastebin.com");
            assert!(found || views.is_truncated(), "{n_decoys} {last}");
        }
    }
}

#[test]
fn an_empty_or_encoded_segment_may_be_what_dots_take_away() {
    for (host, path, expect) in [
        ("discord.com", "/api//../webhooks/1/a", "/api/webhooks/1/a"),
        ("discord.com", "/api/%2f../webhooks/1/a", "/api/webhooks/1/a"),
        ("discord.com", "/api\\\\../webhooks/1/a", "/api/webhooks/1/a"),
        ("hooks.slack.com", "/services//../T0/B0/x", "/services/T0/B0/x"),
        ("api.telegram.org", "/x%2fy/../bot1/getMe", "/bot1/getMe"),
        ("api.telegram.org", "/x%2fy//../bot1/getMe", "/bot1/getMe"),
        ("api.telegram.org", "/x%2fy//../../bot1/getMe", "/bot1/getMe"),
        ("discord.com", "/api//..;/webhooks/1/a", "/api/webhooks/1/a"),
        ("discord.com", "/api//..;x=1/webhooks/1/a", "/api/webhooks/1/a"),
        ("discord.com", "/api/;y/..;/webhooks/1/a", "/api/webhooks/1/a"),
        ("discord.com", "/api//%2e%2e%3b/webhooks/1/a", "/api/webhooks/1/a"),
        ("discord.com", "/api//%252e%252e/webhooks/1/a", "/api/webhooks/1/a"),
    ] {
        check(host, path, host, expect);
    }
}

#[test]
fn parameters_of_the_translator_change_what_its_name_means() {
    for (host, path, target) in [
        ("com.translate.goog", "/raw/abc?_x_tr_hp=pastebin-", "pastebin.com"),
        ("telegram-org.translate.goog", "/bot1/getMe?_x_tr_hp=api-", "api.telegram.org"),
        ("1-api-telegram-org.translate.goog", "/bot1/getMe?_x_tr_enc=1", "api.telegram.org"),
    ] {
        check(host, path, target, path);
    }
}

#[test]
fn hidden_targets_are_found_behind_forms_of_ascii_text() {
    for target in ["pa\u{fb06}ebin.com", "pastebin.\u{217d}om", "past\u{e0101}ebin.com"] {
        check("wsrv.nl", &format!("/?url={target}/raw/abc"), "pastebin.com", "/raw/abc");
        check("wsrv.nl", &format!("/?url=https://{target}/raw/abc"), "pastebin.com", "/raw/abc");
    }
    check("api.\u{2121}egram.org", "/bot1", "api.telegram.org", "/bot1");
}

#[test]
fn an_address_is_found_behind_dots_in_every_name() {
    for name in [
        ".[::ffff:149.154.167.220]",
        "..[::ffff:149.154.167.220]:443",
        "[::ffff:149.154.167.220].",
        "[::ffff:149.154.167.220]..:443",
        "[.::ffff:149.154.167.220.]",
        ".::ffff:149.154.167.220",
        "::ffff:149.154.167.220.",
        "[::ffff:149.154.167.220.",
        ".149.154.167.220",
    ] {
        let as_host = Request { authority: name.as_bytes(), path: None, ..Request::default() };
        let plain = Request { authority: b"good.example", path: Some(b"/"), ..Request::default() };
        let as_server_name = Request { server_name: Some(name.as_bytes()), ..plain };
        let as_tunnel = Request { connect_target: Some(name.as_bytes()), ..plain };
        for request in [as_host, as_server_name, as_tunnel] {
            let views = Views::of(&request);
            let is_found = views.forms().iter().any(|form| {
                let authority = form.authority.as_deref().unwrap_or_default();
                split_port(authority).0 == b"149.154.167.220"
            });
            assert!(is_found, "{name}: {:?}", views.forms());
        }
    }
}
