use super::*;
use crate::inspector::Inspector;
use crate::limits::{MAX_EXTRA_HOST_BYTES, MAX_FORM_BYTES};
use crate::pack::{Pack, empty_tables};
use crate::steps::counted;
use crate::views::Views;

#[test]
fn field_names_are_sorted_so_that_they_can_be_searched() {
    assert!(PROXY_FIELDS.is_sorted_by_key(|(name, _)| *name));
}

#[test]
fn ports_are_split_off_hosts() {
    for (authority, host, port) in [
        ("a.example", "a.example", ""),
        ("a.example:443", "a.example", ":443"),
        ("a.example:", "a.example", ":"),
        ("a.example:x", "a.example:x", ""),
        ("[::1]:8443", "[::1]", ":8443"),
        ("[::1]", "[::1]", ""),
        ("::1", "::1", ""),
        ("", "", ""),
    ] {
        let expect = (host.as_bytes(), port.as_bytes());
        assert_eq!(split_port(authority.as_bytes()), expect, "{authority}");
    }
}

#[test]
fn extensions_are_in_the_last_segment() {
    for (stem, expect) in [
        ("/a/b.exe", Some("exe")),
        ("/a.b/c", None),
        ("/a/b.tar.gz", Some("gz")),
        ("/a/.", None),
        ("/", None),
        ("", None),
    ] {
        assert_eq!(split_extension(stem.as_bytes()).1, expect.map(str::as_bytes), "{stem}");
    }
}

#[test]
fn numbers_are_written_in_decimal() {
    for number in [0, 7, 10, 200, u64::MAX] {
        assert_eq!(Decimal::new(number).as_bytes(), number.to_string().as_bytes());
    }
}

#[test]
fn a_long_list_of_hosts_is_read_to_its_end() {
    let hosts: Vec<_> = (0..7000).map(|idx| format!("{idx:x}.io")).collect();
    let authority = hosts.join(",") + ",api.telegram.org";
    let path = format!("/bot1/{}", "a".repeat(4000));
    let request = Request {
        scheme: b"https",
        authority: authority.as_bytes(),
        path: Some(path.as_bytes()),
        ..Request::default()
    };
    let mut inspector = Inspector::new(Pack::decode(&empty_tables().unwrap().encode()).unwrap());
    assert!(!inspector.inspect(&request).truncated, "{} bytes of hosts", authority.len());
}

/// What clients nest, list or repeat to have one request read many times: names, path, and a header that each
/// reading repeats.
fn costly() -> Vec<(&'static str, String, String, String)> {
    let some = |number: usize, part: &dyn Fn(usize) -> String| -> String {
        (0..number).map(part).collect()
    };
    let long = "x".repeat(48_000);
    let odd =
        |length: usize| format!("/%62;x%00//../a%3fb/{}?c=%2562", long.get(..length).unwrap());
    let proxy = || "r.jina.ai".to_owned();
    let hosts = |number| some(number, &|idx| format!("h{idx:x}.io,")) + "api.telegram.org";
    let url = |idx| format!("url=https://r.jina.ai/{idx}&");
    let none = String::new();
    vec![
        ("nested proxies", proxy(), "/https://r.jina.ai".repeat(3000), none.clone()),
        ("nested encoded proxies", proxy(), "/https:%2f%2fr.jina.ai".repeat(2400), none.clone()),
        ("URLs in parameters", proxy(), "/?".to_owned() + &some(1200, &url), none.clone()),
        ("short URLs", proxy(), "/".to_owned() + &"http:a.b/".repeat(6000), none.clone()),
        (
            "distinct short URLs",
            proxy(),
            "/".to_owned() + &some(5000, &|idx| format!("http:{idx}.b/")),
            none.clone(),
        ),
        (
            "proxies in a list",
            "r.jina.ai,".repeat(2000),
            "/https://r.jina.ai".repeat(1500),
            none.clone(),
        ),
        ("a few hosts and a long path", hosts(7), odd(45_000), none.clone()),
        ("some hosts and a long path", hosts(40), odd(45_000), none.clone()),
        ("hosts and an odd path", hosts(6000), odd(100), none.clone()),
        ("hosts and a path", hosts(3000), odd(20_000), none.clone()),
        ("dots in a path", hosts(7), "/a/..//;".repeat(6000), none.clone()),
        ("a cookie", hosts(40), odd(100), long.clone()),
        ("a short cookie", hosts(40), odd(100), long.get(..4000).unwrap().to_owned()),
        ("escapes", "%2561%2eexample,".repeat(1500), "/%2561%5c..;".repeat(2000), none),
    ]
}

#[test]
fn no_request_takes_more_steps_than_its_bound() {
    let mut tables = empty_tables().unwrap();
    tables.strings = "cs-cookie".to_owned();
    tables.string_ends = vec![9];
    tables.fields = vec![StrId(0)];
    tables.scans = vec![tables.keywords.clone()];
    tables.deferred = vec![tables.keywords.clone()];
    let mut inspector = Inspector::new(Pack::decode(&tables.encode()).unwrap());
    for (name, authority, path, cookie) in costly() {
        let named = "a.example,b.example,c.example,d.example,r.jina.ai";
        for (server_name, connect_target) in [(None, None), (Some(named), Some(named))] {
            let request = Request {
                scheme: b"https",
                authority: authority.as_bytes(),
                path: Some(path.as_bytes()),
                cookie: Some(cookie.as_bytes()).filter(|cookie| !cookie.is_empty()),
                server_name: server_name.map(str::as_bytes),
                connect_target: connect_target.map(str::as_bytes),
                ..Request::default()
            };
            let n_bytes = authority.len() + path.len() + cookie.len() + 2 * named.len();
            let evaluated = counted(|| {
                inspector.inspect(&request);
            });
            // The forms, the hosts that share one, and the request as it came.
            let bound = n_bytes.max(MAX_FORM_BYTES) + 3 * n_bytes + MAX_EXTRA_HOST_BYTES;
            assert!(evaluated <= bound as u64, "{name}: {evaluated} of {n_bytes}, bound {bound}");
            let views = Views::of(&request);
            let (read, taken) = (views.steps(), views.n_form_bytes());
            assert!(taken <= bound, "{name}: {taken} bytes of {n_bytes}, bound {bound}");
            // Reading takes some passes over each name and path, and a bounded number over hidden targets.
            assert!(read <= 300 * n_bytes, "{name}: {read} steps of {n_bytes}");
        }
    }
}

#[test]
fn a_form_that_is_cut_makes_the_verdict_truncated() {
    let mut inspector = Inspector::new(Pack::decode(&empty_tables().unwrap().encode()).unwrap());
    let nested = "/https://r.jina.ai".repeat(3000);
    let apart = format!("/https://r.jina.ai/{}", "x".repeat(400)).repeat(100);
    let few = "/https://r.jina.ai".repeat(10) + "/https://pastebin.com/raw/a";
    let long = format!("/%62{}", "x".repeat(45_000));
    let odd = format!("/%62;x/{}", "x".repeat(45_000));
    let hosts = "a.io,b.io,c.io,d.io,e.io,f.io,g.io,h.io,i.io,j.io,k.io";
    for (authority, path, expect) in [
        ("r.jina.ai", nested.as_str(), true),
        ("r.jina.ai", apart.as_str(), true),
        ("r.jina.ai", few.as_str(), false),
        ("a.example", long.as_str(), false),
        ("a.example", odd.as_str(), true),
        (hosts, long.as_str(), true),
        (hosts, "/%62", false),
        ("a.example", "/", false),
    ] {
        let request = Request {
            authority: authority.as_bytes(),
            path: Some(path.as_bytes()),
            ..Request::default()
        };
        assert_eq!(inspector.inspect(&request).truncated, expect, "{authority} {}", path.len());
    }
}
