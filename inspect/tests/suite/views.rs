//! Reading requests: what holds for every input, and where another reader of URLs has to agree.

use inspect::{Anomaly, ExtraHost, Form, Request, View, Views};
use proptest::collection::vec;
use proptest::prelude::*;

fn views(authority: &[u8], path: &[u8]) -> Views {
    let path = Some(path);
    Views::of(&Request { scheme: b"http", authority, path, ..Request::default() })
}

/// The canonical host of an authority.
fn canonical_host(authority: &[u8]) -> Vec<u8> {
    let views = views(authority, b"/");
    let mut canonical = views.forms().iter().filter(|form| form.view == View::Canonical);
    canonical.find_map(|form| form.authority.clone()).unwrap_or_else(|| authority.to_vec())
}

/// The first form of a path in a view; the path itself where it has none there.
fn path_in(view: View, path: &[u8]) -> Vec<u8> {
    let views = views(b"a.example", path);
    // Forms with a host are of a target in the path.
    let is_own =
        |form: &&Form| form.view == view && form.authority.is_none() && !form.has_extra_hosts;
    let mut in_view = views.forms().iter().filter(is_own);
    in_view.find_map(|form| form.path.clone()).unwrap_or_else(|| path.to_vec())
}

/// Text in which the parts of escapes and of evasions are common.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let parts = prop_oneof![
        any::<u8>().prop_map(|byte| vec![byte]),
        prop::sample::select(PARTS).prop_map(|part| part.as_bytes().to_vec()),
    ];
    vec(parts, 0..40).prop_map(|parts| parts.concat())
}

const PARTS: &[&str] = &[
    "%",
    "%2",
    "25",
    "%25",
    "%2e",
    "%2f",
    "%5c",
    "%00",
    "%u0062",
    "%u",
    "ff0e",
    "%c0%ae",
    "%e0%80%af",
    "/",
    "//",
    "\\",
    ".",
    "..",
    ";",
    "?",
    "#",
    ",",
    "@",
    ":",
    ":443",
    "[",
    "]",
    "::ffff:",
    "xn--",
    "xn--pi-7kc",
    "0x7f",
    "017",
    "1",
    "nip.io",
    "translate.goog",
    "r.jina.ai",
    "https:",
    "HTTPS://",
    "?url=",
    "&",
    "=",
    "archive.ph",
    "pastebin.com",
    "\u{ff0e}",
    "\u{3002}",
    "\u{430}",
    "a",
    "api",
    "telegram",
    "org",
    " ",
    "\0",
];

#[test]
fn an_encoding_that_shows_once_ignored_characters_are_gone_is_undone() {
    for authority in ["a.example%2\u{ad}0evil.example", "a.example%2%C2%AD0evil.example"] {
        let views = views(authority.as_bytes(), b"/");
        let mut hosts = views.forms().iter().filter_map(|form| form.authority.as_deref());
        let mut extra_hosts = views.extra_hosts().iter().map(|host| host.authority.as_slice());
        let is_meant = |host: &[u8]| host == b"evil.example";
        assert!(hosts.any(is_meant) || extra_hosts.any(is_meant), "{authority}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes_are_read(authority in hostile(), path in hostile(), sni in hostile(), target in hostile()) {
        let request = Request {
            authority: &authority,
            path: Some(&path),
            server_name: Some(&sni),
            connect_target: Some(&target),
            ..Request::default()
        };
        let views = Views::of(&request);
        let n_bytes = authority.len() + path.len() + sni.len() + target.len();
        prop_assert!(views.steps() <= 800 * (n_bytes + 1), "{} steps of {n_bytes} bytes", views.steps());
    }

    #[test]
    fn a_canonical_host_is_its_own_canonical_form(authority in hostile()) {
        let once = canonical_host(&authority);
        if !once.contains(&b'%') && once != authority {
            prop_assert_eq!(canonical_host(&once), once);
        }
    }

    #[test]
    fn a_canonical_path_is_its_own_canonical_form(path in hostile()) {
        let once = path_in(View::Canonical, &path);
        prop_assert_eq!(path_in(View::Canonical, &once), once);
    }

    #[test]
    fn a_decoded_path_is_its_own_decoded_form(path in hostile()) {
        let once = path_in(View::Decoded, &path);
        // Where only parameters are dropped, the form that keeps them is the path itself.
        if !once.contains(&b';') && !path.contains(&b';') {
            prop_assert_eq!(path_in(View::Decoded, &once), once);
        }
    }

    #[test]
    fn a_decoded_host_hides_no_other_host(authority in hostile()) {
        let hosts = |authority: &[u8]| -> Vec<Vec<u8>> {
            let views = views(authority, b"/");
            let hosts = views.forms().iter().filter_map(|form| form.authority.clone());
            hosts.chain(views.extra_hosts().iter().map(|host| host.authority.clone())).collect()
        };
        // Hosts past the bound share a form, and are not asked what they hide.
        prop_assume!(views(&authority, b"/").forms().iter().all(|form| !form.has_extra_hosts));
        let once = hosts(&authority);
        for host in &once {
            for again in hosts(host) {
                prop_assert!(once.contains(&again), "{} in {}", again.escape_ascii(), host.escape_ascii());
            }
        }
    }

    #[test]
    fn twice_any_text_takes_at_most_twice_the_steps(text in hostile(), place in 0..4usize) {
        prop_assume!(!text.is_empty());
        let steps = |n_times: usize| {
            let text = text.repeat(n_times);
            let path = [b"/", text.as_slice()].concat();
            let mut request = Request {
                authority: b"A.example",
                path: Some(b"/%41"),
                ..Request::default()
            };
            match place {
                0 => request.authority = &text,
                1 => request.path = Some(&path),
                2 => request.server_name = Some(&text),
                _ => request.connect_target = Some(&text),
            }
            Views::of(&request).steps()
        };
        let n_times = 2048 / text.len() + 1;
        let (once, twice) = (steps(n_times), steps(2 * n_times));
        // What is read once, as the other parts of the request, and forms that only fit the longer text.
        let bound = (2 * once + 2 * once / 50 + 2000).max(of_hidden_targets(2 * n_times * text.len()));
        prop_assert!(twice <= bound, "{} steps, then {}", once, twice);
    }

    #[test]
    fn hosts_agree_with_the_url_standard(host in vec(prop::sample::select(HOST_PARTS), 1..8)) {
        let host = host.concat();
        let Ok(url) = url::Url::parse(&format!("http://{host}/")) else { return Ok(()) };
        let expect = url.host_str().unwrap_or_default();
        // Empty labels are kept there and dropped here, where they are an anomaly.
        if format!(".{expect}.").contains("..") {
            return Ok(());
        }
        let ours = String::from_utf8(canonical_host(host.as_bytes())).unwrap();
        let ours = ours.split(':').next().unwrap_or_default();
        prop_assert_eq!(ours, expect, "{}", host);
    }

    #[test]
    fn paths_agree_with_the_url_standard(
        segments in vec(prop::sample::select(SEGMENTS), 0..8),
        slash in prop::sample::select(&["/", "\\"][..]),
    ) {
        let path = format!("/{}", segments.join(slash));
        let url = url::Url::parse(&format!("http://a.example{path}")).unwrap();
        let ours = String::from_utf8(path_in(View::Canonical, path.as_bytes())).unwrap();
        prop_assert_eq!(ours, url.path(), "{}", path);
    }
}

const HOST_PARTS: &[&str] = &[
    "a",
    "B",
    "example",
    "-",
    ".",
    ".",
    "0",
    "1",
    "255",
    "256",
    "0x",
    "0xfF",
    "017",
    "08",
    "xn--bcher-kva",
    "bücher",
    "ａ",
    "\u{3002}",
    "\u{ad}",
    ":81",
];

const SEGMENTS: &[&str] = &["a", "b.c", ".", "..", "%2e", "%2E%2e", ".%2E", "...", "a%20b"];

/// What a path of so many bytes may take that begins with a URL: one that is longer may have targets that are read to
/// their end no more, and its steps are bounded instead of in proportion to those of half of it.
fn of_hidden_targets(n_bytes: usize) -> usize {
    3 * (inspect::limits::MAX_HIDDEN_STEPS_PER_BYTE * n_bytes + inspect::limits::MIN_HIDDEN_STEPS)
}

#[test]
fn twice_the_input_takes_at_most_twice_the_steps() {
    for part in
        PARTS.iter().chain(&["a,", "a@", "%2500", "/../", "/a;b", "%25", "xn--pi-7kc.", "%%32%35"])
    {
        let steps = |n_bytes: usize, in_host: bool| {
            let text = part.as_bytes().repeat(n_bytes / part.len() + 1);
            let path = [b"/", text.as_slice()].concat();
            if in_host { views(&text, b"/%41").steps() } else { views(b"A.example", &path).steps() }
        };
        for in_host in [true, false] {
            for n_bytes in [4096, 16384] {
                let (once, twice) = (steps(n_bytes, in_host), steps(2 * n_bytes, in_host));
                // The parts do not divide the length, which may add one of them.
                let bound = (2 * once + 2 * once / 50 + 2000).max(of_hidden_targets(2 * n_bytes));
                assert!(twice <= bound, "{part:?} in host: {in_host}: {once}, then {twice}");
            }
        }
    }
}

fn check(request: &Request<'_>, forms: &[(View, &str, &str)], anomalies: &[&str]) {
    let views = Views::of(request);
    let text = |bytes: Option<&Vec<u8>>| match bytes {
        Some(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        None => "=".to_owned(),
    };
    let shown = |form: &Form| (form.view, text(form.authority.as_ref()), text(form.path.as_ref()));
    let found: Vec<_> = views.forms().iter().map(shown).collect();
    let found: Vec<_> =
        found.iter().map(|(view, host, path)| (*view, host.as_str(), path.as_str())).collect();
    let authority = String::from_utf8_lossy(request.authority);
    assert_eq!(found, forms, "{authority}");
    let names: Vec<_> = views.anomalies().iter().map(Anomaly::as_str).collect();
    assert_eq!(names, anomalies, "{authority}");
}

#[test]
fn hosts_have_the_forms_that_resolvers_and_servers_may_read_in_them() {
    use View::{Canonical, Decoded};
    let telegram = "api.telegram.org";
    for (authority, forms, anomalies) in [
        ("api.telegram.org", &[][..], &[][..]),
        ("api.telegram.org:443", &[(Canonical, telegram)], &[]),
        ("API.TeLeGrAm.ORG", &[(Canonical, telegram)], &["host.case"]),
        ("api.telegram.org:0443", &[(Canonical, telegram)], &["port.nonstandard_form"]),
        ("api.telegram.org:99999", &[(Canonical, telegram)], &["port.nonstandard_form"]),
        ("api.telegram.org:", &[(Canonical, telegram)], &["port.nonstandard_form"]),
        ("api.telegram.org.", &[(Canonical, telegram)], &["host.trailing_dot"]),
        (
            "api.telegram.org..",
            &[(Canonical, telegram)],
            &["host.trailing_dot", "host.empty_label"],
        ),
        ("api.telegram.org.:443", &[(Canonical, telegram)], &["host.trailing_dot"]),
        (".api.telegram.org", &[(Canonical, telegram)], &["host.leading_dot"]),
        (
            "good.example@api.telegram.org",
            &[(Canonical, telegram), (Decoded, "good.example")],
            &["host.userinfo"],
        ),
        (
            "api.telegram.org:443@good.example",
            &[(Canonical, "good.example"), (Decoded, telegram)],
            &["host.userinfo"],
        ),
        ("api%2etelegram.org", &[(Decoded, telegram)], &["host.percent_encoded"]),
        ("api%252etelegram.org", &[(Decoded, telegram)], &["host.percent_encoded"]),
        ("ａpi。telegram.org", &[(Canonical, telegram)], &["host.not_ascii"]),
        ("xn--pi-7kc.telegram.org", &[], &["host.homograph"]),
        ("xn--api-.telegram.org", &[(Decoded, telegram)], &["host.punycode_ascii"]),
        (
            "good.example,api.telegram.org",
            &[(Canonical, "good.example"), (Canonical, telegram)],
            &["host.multi"],
        ),
        ("", &[], &["host.empty"]),
        ("149.154.167.220", &[], &["ip.literal"]),
        ("0x959aa7dc", &[(Canonical, "149.154.167.220")], &["ip.literal", "ip.nonstandard"]),
        (
            "010.1.1.1",
            &[(Canonical, "8.1.1.1"), (Decoded, "10.1.1.1")],
            &["ip.literal", "ip.nonstandard"],
        ),
        (
            "[::ffff:149.154.167.220]:443",
            &[(Canonical, "[::ffff:149.154.167.220]"), (Decoded, "149.154.167.220")],
            &["ip.literal", "ip.embedded_v4"],
        ),
        ("[fe80::1%25eth0]", &[(Canonical, "[fe80::1]")], &["ip.literal", "ip.zone"]),
        ("149.154.167.220.nip.io", &[(Decoded, "149.154.167.220")], &["host.embedded_address"]),
        ("evilpastebin.com", &[], &[]),
    ] {
        let request =
            Request { authority: authority.as_bytes(), path: Some(b"/"), ..Request::default() };
        let forms: Vec<_> = forms.iter().map(|(view, host)| (*view, *host, "=")).collect();
        check(&request, &forms, anomalies);
    }
}

#[test]
fn names_of_one_request_are_compared_with_each_other() {
    let base = Request { authority: b"api.telegram.org", path: Some(b"/"), ..Request::default() };
    let server_name = |name: &'static str| Request { server_name: Some(name.as_bytes()), ..base };
    check(&server_name("api.telegram.org"), &[], &[]);
    check(&server_name("www.telegram.org"), &[(View::ServerName, "www.telegram.org", "=")], &[]);
    check(
        &server_name("cdn.example"),
        &[(View::ServerName, "cdn.example", "=")],
        &["sni.mismatch"],
    );
    check(&server_name(""), &[], &["sni.missing"]);
    check(&server_name("api.telegram.org."), &[(View::Canonical, "=", "=")], &["sni.odd"]);
    check(
        &server_name("149.154.167.220"),
        &[(View::ServerName, "149.154.167.220", "=")],
        &["sni.address", "sni.mismatch"],
    );
    let connect = Request { path: None, server_name: Some(b"gateway.corp.example"), ..base };
    check(&connect, &[], &[]);
    let inside = Request {
        connect_target: Some(b"good.example:443"),
        server_name: Some(b"api.telegram.org"),
        path: None,
        ..base
    };
    check(&inside, &[(View::Tunnel, "good.example", "=")], &["connect.sni_mismatch"]);
    let opened = Request { path: Some(b"/"), ..inside };
    check(
        &opened,
        &[(View::Tunnel, "good.example", "=")],
        &["connect.sni_mismatch", "connect.host_mismatch"],
    );
}

#[test]
fn a_proxy_behind_a_proxy_is_looked_through() {
    let request = Request {
        authority: b"web.archive.org",
        path: Some(b"/web/2020/https://r.jina.ai/https://PASTEBIN.com/raw/a"),
        ..Request::default()
    };
    let views = Views::of(&request);
    let last = views.forms().iter().rfind(|form| form.view == View::Decoded).unwrap();
    assert_eq!(last.authority.as_deref(), Some(&b"pastebin.com"[..]));
    assert_eq!(last.path.as_deref(), Some(&b"/raw/a"[..]));
    assert!(views.anomalies().contains(Anomaly::HostHidingProxy));
}

#[test]
fn a_long_list_of_hosts_is_kept_whole() {
    let hosts: Vec<_> = (0..40).map(|idx| format!("h{idx}.example")).collect();
    let authority = hosts.join(",");
    let views = views(authority.as_bytes(), b"/");
    let mut seen: Vec<_> = views.forms().iter().filter_map(|form| form.authority.clone()).collect();
    seen.extend(views.extra_hosts().iter().map(|host| host.authority.clone()));
    for host in hosts {
        assert!(seen.contains(&host.into_bytes()));
    }
}

/// Whether a host and path are a form of a request.
fn has_form(request: &Request<'_>, host: &str, path: &str) -> bool {
    Views::of(request).forms().iter().any(|form| {
        let applied = form.apply(request);
        applied.authority == host.as_bytes() && applied.path == Some(path.as_bytes())
    })
}

#[test]
fn every_name_is_read_with_every_form_of_the_path() {
    for path in
        ["/%62ot1/getMe", "//bot1/getMe", "/./bot1/getMe", "/%2562ot1/getMe", "/bot1;x/getMe"]
    {
        let base = Request { path: Some(path.as_bytes()), ..Request::default() };
        let named = "api.telegram.org";
        let requests = [
            Request {
                authority: b"core.telegram.org",
                server_name: Some(named.as_bytes()),
                ..base
            },
            Request { authority: b"good.example", server_name: Some(b"API.telegram.org."), ..base },
            Request {
                authority: b"good.example",
                server_name: Some(b"good.example"),
                connect_target: Some(b"api.telegram.org:443"),
                ..base
            },
            Request {
                authority: b"a.example,b.example",
                server_name: Some(b"c.example"),
                connect_target: Some(b"d.example,API%2etelegram.org:443"),
                ..base
            },
        ];
        for request in requests {
            assert!(has_form(&request, named, "/bot1/getMe"), "{path} {request:?}");
        }
    }
}

#[test]
fn targets_of_hiding_proxies_are_found_in_every_spelling() {
    for (host, path) in [
        ("r.jina.ai", "/HTTPS://pastebin.com/raw/a"),
        ("r.jina.ai", "/%68ttps://pastebin.com/raw/a"),
        ("r.jina.ai", "/https%3a%2f%2fpastebin.com/raw/a"),
        ("r.jina.ai", "/https://%20pastebin.com/raw/a"),
        ("r.jina.ai", "/%09https://paste%09bin.com/raw/a"),
        ("r.jina.ai", "/https://alice@pastebin.com/raw/a"),
        ("r.jina.ai", "/https://alice:secret@PASTEBIN.com:443/raw/a"),
        ("r.jina.ai", "/https://pastebin\u{3002}com/raw/a"),
        ("r.jina.ai", "/https://pastebin%E3%80%82com/raw/a"),
        ("r.jina.ai", "/pastebin.com/raw/a"),
        (
            "r.jina.ai",
            "/https://r.jina.ai/https://r.jina.ai/https://r.jina.ai/https://r.jina.ai/https://pastebin.com/raw/a",
        ),
        ("api.allorigins.win", "/raw?url=https://good.example&url=https://pastebin.com/raw/a"),
        ("api.allorigins.win", "/raw?URL=https%3A%2F%2Fpastebin.com%2Fraw%2Fa"),
        ("corsproxy.io", "/?key=k&url=https://pastebin.com/raw/a"),
        ("corsproxy.io", "/?https://pastebin.com/raw/a"),
        ("archive.ph", "/newest/https://pastebin.com/raw/a"),
        ("archive.ph", "/newest/pastebin.com/raw/a"),
        ("cdn.ampproject.org", "/c/s/pastebin.com/raw/a"),
        ("x.cdn.ampproject.org", "/c/s/pastebin.com/raw/a"),
        ("www.google.com", "/amp/s/pastebin.com/raw/a"),
        ("www.google.com", "/%61mp/s/pastebin.com/raw/a"),
        ("docs.google.com", "/viewer?url=https://pastebin.com/raw/a"),
        ("wsrv.nl", "/?url=pastebin.com/raw/a"),
        ("i0.wp.com", "/pastebin.com/raw/a"),
        ("12ft.io", "/proxy?q=https://pastebin.com/raw/a"),
        ("WSRV.nl.:443", "/?url=pastebin.com/raw/a"),
        ("proxy.of.nobody.example", "/https://pastebin.com/raw/a"),
        ("proxy.of.nobody.example", "/HTTPS:/pastebin.com/raw/a"),
        ("proxy.of.nobody.example", "/%68ttps://pastebin.com/raw/a"),
    ] {
        let request = Request {
            scheme: b"https",
            authority: host.as_bytes(),
            path: Some(path.as_bytes()),
            ..Request::default()
        };
        assert!(has_form(&request, "pastebin.com", "/raw/a"), "{host}{path}");
        let views = Views::of(&request);
        assert!(views.anomalies().contains(Anomaly::HostHidingProxy), "{host}{path}");
    }
}

#[test]
fn a_proxy_behind_any_other_name_is_looked_through() {
    let base = Request { path: Some(b"/https://pastebin.com/raw/a"), ..Request::default() };
    let named = Request { authority: b"a.example", server_name: Some(b"r.jina.ai"), ..base };
    assert!(has_form(&named, "pastebin.com", "/raw/a"));
    let tunnelled =
        Request { authority: b"a.example", connect_target: Some(b"r.jina.ai:443"), ..base };
    assert!(has_form(&tunnelled, "pastebin.com", "/raw/a"));
    let listed = Request { authority: b"a.example,r.jina.ai", ..base };
    assert!(has_form(&listed, "pastebin.com", "/raw/a"));
}

#[test]
fn no_number_of_proxies_or_parameters_hides_a_target() {
    let nested = "/https://r.jina.ai".repeat(300) + "/https://pastebin.com/raw/a";
    let listed = format!("/?{}url=https://pastebin.com/raw/a", "url=https://a.example/&".repeat(9));
    let distinct: String = (0..300).map(|idx| format!("url=https://a{idx}.example/&")).collect();
    let many = format!("/?{distinct}url=https://pastebin.com/raw/a");
    for path in [nested, listed, many] {
        let request =
            Request { authority: b"r.jina.ai", path: Some(path.as_bytes()), ..Request::default() };
        let views = Views::of(&request);
        let is_extra = views.extra_hosts().iter().any(|host| {
            host.authority == b"pastebin.com" && host.path.as_deref() == Some(b"/raw/a")
        });
        assert!(is_extra || has_form(&request, "pastebin.com", "/raw/a"), "{path}");
    }
}

#[test]
fn hosts_with_signs_of_uris_are_odd() {
    for sign in ["!", "(", ")", "&", "~", "$", "'", "*", "+", "="] {
        let views = views(format!("api{sign}x.telegram.org").as_bytes(), b"/");
        assert!(views.anomalies().contains(Anomaly::HostIllegalCharacter), "{sign}");
    }
}

#[test]
fn an_unusual_method_has_the_readings_of_lenient_servers() {
    let base = Request { authority: b"pastebin.com", path: Some(b"/raw/a"), ..Request::default() };
    for (method, expect, is_odd) in
        [("GET", &[][..], false), ("FOO", &["GET", "POST", "PUT"], true), ("get", &["GET"], true)]
    {
        let views = Views::of(&Request { method: method.as_bytes(), ..base });
        let methods: Vec<_> =
            views.methods().iter().map(|method| str::from_utf8(method).unwrap()).collect();
        assert_eq!(methods, expect, "{method}");
        assert_eq!(views.anomalies().contains(Anomaly::MethodUnusual), is_odd, "{method}");
        assert_eq!(views.forms().is_empty(), expect.is_empty(), "{method}");
    }
}

#[test]
fn there_are_never_more_forms_than_the_bound() {
    let hosts: Vec<_> = (0..40).map(|idx| format!("h{idx}.example")).collect();
    let urls: String = (0..40).map(|idx| format!("https://t{idx}.example/&")).collect();
    let path = format!("/%2562;x%00/../a%3fb?url=r.jina.ai/{urls}url={urls}");
    let names = format!("r.jina.ai,{}", hosts.join(","));
    let request = Request {
        method: b"foo",
        authority: names.as_bytes(),
        path: Some(path.as_bytes()),
        server_name: Some(b"s0.example,s1.example,s2.example,s3.example,s4.example"),
        connect_target: Some(b"c0.example,c1.example,c2.example,c3.example,c4.example"),
        ..Request::default()
    };
    let views = Views::of(&request);
    assert!(views.forms().len() < inspect::limits::MAX_FORMS, "{}", views.forms().len());
    assert!(views.forms().len() > 10, "{}", views.forms().len());
    for name in ["s4.example", "c4.example", "h39.example", "t39.example"] {
        let is_form = |form: &Form| form.authority.as_deref() == Some(name.as_bytes());
        let is_extra = |host: &ExtraHost| host.authority == name.as_bytes();
        let found = views.forms().iter().any(is_form) || views.extra_hosts().iter().any(is_extra);
        assert!(found, "{name}");
    }
    // Of a short request every name has a form with every form of the path.
    let views = Views::of(&Request { path: Some(b"/%2562;x%00/../a%3fb"), ..request });
    assert!(views.forms().len() > 80, "{}", views.forms().len());
}
