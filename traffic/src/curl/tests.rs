use diagnostics::Findings;

use super::DEFAULT_USER_AGENT;
use crate::command::read;
use crate::expansion::Expansion;

/// Method, URL, version, user agent, referrer, cookie, and the codes of findings.
fn check(command: &str, expect: &[impl AsRef<str>], codes: &[&str]) {
    let mut findings = Findings::new(&"request".into());
    let requests = read(command, &Expansion::default(), &mut findings).unwrap_or_default();
    let found: Vec<_> = requests
        .iter()
        .map(|request| {
            let text = |value: &Option<Vec<u8>>| {
                value.as_ref().map_or("-".to_owned(), |value| String::from_utf8_lossy(value).into())
            };
            format!(
                "{} {} {} {} {} {}",
                String::from_utf8_lossy(&request.method),
                String::from_utf8_lossy(&request.url()),
                String::from_utf8_lossy(&request.version),
                text(&request.user_agent),
                text(&request.referrer),
                text(&request.cookie)
            )
        })
        .map(|line| line.replace(DEFAULT_USER_AGENT, "curl"))
        .collect();
    let expect: Vec<_> = expect.iter().map(AsRef::as_ref).collect();
    assert_eq!(found, expect, "{command}");
    let found: Vec<_> =
        findings.into_list().iter().map(|finding| finding.diagnostic.code.id).collect();
    assert_eq!(found, codes, "{command}");
}

#[test]
fn commands_become_the_requests_that_curl_sends() {
    check("curl https://a.example", &["GET https://a.example/ HTTP/2 curl - -"], &[]);
    check("curl a.example/x", &["GET http://a.example/x HTTP/1.1 curl - -"], &[]);
    check(
        "curl.exe -sSLk -XPUT --url http://a.example/",
        &["PUT http://a.example/ HTTP/1.1 curl - -"],
        &[],
    );
    check("curl -I http://a.example/", &["HEAD http://a.example/ HTTP/1.1 curl - -"], &[]);
    check(
        "curl -d a=b -d c=d http://a.example/",
        &["POST http://a.example/ HTTP/1.1 curl - -"],
        &[],
    );
    check(
        "curl -G -d a=b -d c=d 'http://a.example/?x=y'",
        &["GET http://a.example/?x=y&a=b&c=d HTTP/1.1 curl - -"],
        &[],
    );
    check("curl -T f http://a.example/", &["PUT http://a.example/f HTTP/1.1 curl - -"], &[]);
    check("curl -F f=@x http://a.example/", &["POST http://a.example/ HTTP/1.1 curl - -"], &[]);
    check(
        "curl -A 'x y' -e 'http://r.example/;auto' -b a=b -b c=d http://a.example/",
        &["GET http://a.example/ HTTP/1.1 x y http://r.example/ a=b;c=d"],
        &[],
    );
    check(
        "curl -H 'User-Agent: z' -A y -H 'referer: r' -H 'COOKIE:c' http://a.example/",
        &["GET http://a.example/ HTTP/1.1 z r c"],
        &[],
    );
    check(
        "curl -H 'User-Agent:' http://a.example/",
        &["GET http://a.example/ HTTP/1.1 - - -"],
        &[],
    );
    check("curl -A '' http://a.example/", &["GET http://a.example/ HTTP/1.1 - - -"], &[]);
    check("curl -H 'User-Agent;' http://a.example/", &["GET http://a.example/ HTTP/1.1  - -"], &[]);
    check(
        "curl -H 'Host: b.example' https://a.example/",
        &["GET https://b.example/ HTTP/2 curl - -"],
        &[],
    );
    check(
        "curl --http1.1 -x http://p:8080 -u a:b https://a.example/#f",
        &["GET https://a.example/ HTTP/1.1 curl - -"],
        &[],
    );
    check("curl https://u:p@a.example/", &["GET https://a.example/ HTTP/2 curl - -"], &[]);
    check(
        "curl http://a.example/ --next -d x http://b.example/",
        &["GET http://a.example/ HTTP/1.1 curl - -", "POST http://b.example/ HTTP/1.1 curl - -"],
        &[],
    );
    check(
        "curl 'https://a.example/' \\\n  -H $'accept: \\u0021' \\\n  --compressed",
        &["GET https://a.example/ HTTP/2 curl - -"],
        &[],
    );
    check(
        "curl --request-target '*' -X OPTIONS http://a.example",
        &["OPTIONS http://a.example* HTTP/1.1 curl - -"],
        &[],
    );
    check("curl -- -x.example", &["GET http://-x.example/ HTTP/1.1 curl - -"], &[]);
}

#[test]
fn what_is_not_understood_is_told() {
    check("curl", &[""; 0], &["R006"]);
    check("curl -X", &[""; 0], &["R006", "R006"]);
    check("curl 'http://a.example", &[""; 0], &["R005"]);
    check("curl 'http://a b/'", &[""; 0], &["R002"]);
    check(
        "curl -H nonsense http://a.example/",
        &["GET http://a.example/ HTTP/1.1 curl - -"],
        &["R008"],
    );
    check("curl --frobnicate http://a.example/", &[""; 0], &["R007"]);
    check("curl -K c http://a.example/", &[""; 0], &["R007"]);
    check(
        "curl --variable x=y --expand-url http://a.example/{{x}} http://a.example/",
        &[""; 0],
        &["R007", "R007"],
    );
    check(
        "curl -b jar -d @f -H @h http://a.example/",
        &["POST http://a.example/ HTTP/1.1 curl - -"],
        &["R008", "R008", "R008"],
    );
    check("curl -d x -I http://a.example/", &[""; 0], &["R006"]);
    check("curl 'http://a.example/[9-1]'", &[""; 0], &["R002"]);
    check("curl -u x ftp.a.example", &[""; 0], &["R002"]);
    check("curl -G -d 'a b' http://a.example/", &[""; 0], &["R002"]);
    check(
        "curl \"https://a.example/$1\"",
        &["GET https://a.example/$1 HTTP/2 curl - -"],
        &["R008"],
    );
    check(
        "curl --doh-url https://d.example/q https://a.example/",
        &["GET https://a.example/ HTTP/2 curl - -"],
        &["R008"],
    );
    check(
        "curl 'http://a.example/[1-999]'",
        &(1..=256)
            .map(|n| format!("GET http://a.example/{n} HTTP/1.1 curl - -"))
            .collect::<Vec<_>>(),
        &["R008"],
    );
}

#[test]
fn the_server_name_is_the_host_of_the_url_whatever_the_host_header_says() {
    for (command, expect) in [
        ("curl https://front.example:8443/ -H 'Host: c2.example'", Some("front.example")),
        ("curl http://a.example/", None),
        ("curl https://192.0.2.1/", None),
        ("curl 'https://[2001:db8::1]:8443/'", None),
    ] {
        let mut findings = Findings::new(&"request".into());
        let requests = read(command, &Expansion::default(), &mut findings).unwrap_or_default();
        let name = requests[0].server_name.as_deref().map(|name| str::from_utf8(name).unwrap());
        assert_eq!(name, expect, "{command}");
    }
}
