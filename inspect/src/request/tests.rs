use super::*;
use crate::inspector::Inspector;
use crate::pack::{Pack, empty_tables};

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
