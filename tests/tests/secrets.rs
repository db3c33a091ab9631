//! Invariant 11: a secret in a URL reaches no log, no event, no metric. One URL per kind of credential,
//! and other people's requests, through the example gateway.
#![forbid(unsafe_code)]
#![expect(clippy::disallowed_methods, reason = "tests touch files")]

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result};
use serde_json::Value;
use tempfile::TempDir;
use tests::gateway::Gateway;
use tests::{Launch, http1, workspace};

/// A URL, and what in it has to stay inside.
const CREDENTIALS: &[(&str, &[&str])] = &[
    (
        "api.telegram.org/bot7301284461:AAFm2kd9QwErTyUiOpAsDfGhJkLzXcVbNm/sendMessage?chat_id=100200300",
        &["AAFm2kd9QwErTyUiOpAsDfGhJkLzXcVbNm", "7301284461", "100200300"],
    ),
    (
        "api.telegram.org/file/bot7301284461:AAFm2kd9QwErTyUiOpAsDfGhJkLzXcVbNm/photos/file_1.jpg",
        &["AAFm2kd9QwErTyUiOpAsDfGhJkLzXcVbNm"],
    ),
    (
        "discord.com/api/webhooks/1180011223344556677/zQpLmXoknIjbUhvYgcTfxRdzEsqWa_0192837465-abcdefghij",
        &["zQpLmXoknIjbUhvYgcTfxRdzEsqWa_0192837465-abcdefghij", "1180011223344556677"],
    ),
    (
        "discordapp.com/api/v10/webhooks/1180011223344556677/aaaabbbbccccddddeeee",
        &["aaaabbbbccccddddeeee"],
    ),
    (
        "hooks.slack.com/services/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",
        &["pLoKmIjNuHbYgVtFcRdXeSzW", "T0QWERTY1", "B0ASDFGH2"],
    ),
    (
        "hooks.slack.com/workflows/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",
        &["qazwsxedcrfvtgbyhnujmikl", "403928471"],
    ),
    ("hooks.slack.com/services/TABCDE/BABCDE/banana", &["TABCDE", "BABCDE", "banana"]),
    ("hooks.slack.com/services//TABCDF/BABCDF/avocado", &["TABCDF", "BABCDF", "avocado"]),
    ("hooks.slack.com/services/TABCDG;BABCDG/papaya", &["TABCDG", "BABCDG", "papaya"]),
    ("hooks.slack.com/services/TABCDH/BABCDH//tangerine", &["TABCDH", "BABCDH", "tangerine"]),
    ("hooks.slack.com/services/./TABCDI/BABCDI/apricot", &["TABCDI", "BABCDI", "apricot"]),
    ("hooks.slack.com/services%2fTABCDJ/BABCDJ/cherry", &["TABCDJ", "BABCDJ", "cherry"]),
    ("hooks.slack.com/x/..;/services/TABCDK/BABCDK/mango", &["TABCDK", "BABCDK", "mango"]),
    (
        "r.jina.ai/https://hooks.slack.com/services/TABCDL/BABCDL/lychee",
        &["TABCDL", "BABCDL", "lychee"],
    ),
    (
        "web.archive.org/web/2026/https://hooks.slack.com/services/TABCDM/BABCDM/quince",
        &["TABCDM", "BABCDM", "quince"],
    ),
    (
        "hooks-slack-com.translate.goog/services/TABCDN/BABCDN/persimmon",
        &["TABCDN", "BABCDN", "persimmon"],
    ),
    (
        "reader.unknown.example/https://hooks.slack.com/services/TABCDO/BABCDO/kumquat",
        &["TABCDO", "BABCDO", "kumquat"],
    ),
    (
        "r.jina.ai/hooks.slack.com%2fservices/TABCDP/BABCDP/rhubarb",
        &["TABCDP", "BABCDP", "rhubarb"],
    ),
    (
        "r.jina.ai/https://r.jina.ai/https:%2f%2fhooks.slack.com/services/TABCDQ/BABCDQ/medlar",
        &["TABCDQ", "BABCDQ", "medlar"],
    ),
    (
        "acme.webhook.office.com/webhookb2/1b4e28ba-2fa1-11d2-883f-0016d3cca427@6fa459ea-ee8a-3ca4-894e-db77e160355e/IncomingWebhook/9f86d081884c7d659a2feaa0c55ad015/7c9e6679-7425-40de-944b-e07fc1f90ae7",
        &["9f86d081884c7d659a2feaa0c55ad015", "1b4e28ba-2fa1", "6fa459ea-ee8a", "7c9e6679"],
    ),
    (
        "mainnet.infura.io/v3/0f1e2d3c4b5a69788796a5b4c3d2e1f0",
        &["0f1e2d3c4b5a69788796a5b4c3d2e1f0"],
    ),
    ("eth-mainnet.alchemy.com/v2/demoDemoDemoDemo", &["demoDemoDemoDemo"]),
    (
        "script.google.com/macros/s/AKfycbxQwErTyUiOpAsDfGhJkLzXcVbNmQwErTyUi/exec",
        &["AKfycbxQwErTyUiOpAsDfGhJkLzXcVbNmQwErTyUi"],
    ),
    (
        "www.dropbox.com/scl/fi/q1w2e3r4t5y6u7i8o9p0/report.zip?rlkey=zaq12wsxcde34rfvbgt5&dl=1",
        &["q1w2e3r4t5y6u7i8o9p0", "zaq12wsxcde34rfvbgt5"],
    ),
    (
        "acct.blob.core.windows.net/loot/a.zip?sv=2024-11-04&sp=rw&sig=Xy7Zq1%2BaBcDeFgHiJkLmNoPqRsTuVw%3D",
        &["Xy7Zq1", "aBcDeFgHiJkLmNoPqRsTuVw"],
    ),
    (
        "bucket-one.s3.amazonaws.com/key.bin?X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20261121&X-Amz-Signature=fe5f80f77d5fa3beca038a248ff027d0",
        &["AKIAIOSFODNN7EXAMPLE", "fe5f80f77d5fa3beca038a248ff027d0"],
    ),
    ("graph.microsoft.com/v1.0/me/messages?access_token=EwBwA8l6BAAU6k7", &["EwBwA8l6BAAU6k7"]),
    (
        "api.trello.com/1/boards/Ab12Cd34/cards?key=8f3a7c1d9e5b2046&token=ATTA0123456789abcdef",
        &["8f3a7c1d9e5b2046", "ATTA0123456789abcdef", "Ab12Cd34"],
    ),
    (
        "api.example.com/login/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N",
        &["eyJhbGciOiJIUzI1NiJ9", "eyJzdWIiOiIxMjM0In0", "dozjgNryP4J3jVmNHl0w5N"],
    ),
    ("user:hunter2hunter@api.telegram.org/bot1:AAsecretAA/getMe", &["hunter2hunter", "AAsecretAA"]),
    (
        "calendar.google.com/calendar/ical/someone%40example.com/private-0a1b2c3d4e5f60718293a4b5c6d7e8f9/basic.ics",
        &["0a1b2c3d4e5f60718293a4b5c6d7e8f9", "someone"],
    ),
    ("hc-ping.com/5f2c9e1a-7b3d-4c8e-9f01-23456789abcd", &["5f2c9e1a-7b3d"]),
    (
        "api.telegram.org/%62ot7301284461:AAencodedencodedencoded/getMe",
        &["AAencodedencodedencoded"],
    ),
    ("API.Telegram.org./bot7301284461:AAuppercaseuppercase/getMe", &["AAuppercaseuppercase"]),
    ("api.telegram.org//bot7301284461:AAdoubleslashdouble/getMe", &["AAdoubleslashdouble"]),
    ("api.telegram.org/x/../bot7301284461:AAdotsegmentdotseg/getMe", &["AAdotsegmentdotseg"]),
];

/// The parts of a path or query that may be secret: long, and no word of any language.
fn secrets(path: &str) -> Vec<&str> {
    let parts = path.split(['/', '?', '&', '=', ':', '@', ';', ',']);
    let is_secret = |part: &&str| {
        let has = |test: fn(char) -> bool| part.chars().any(test);
        let mixed = has(|it| it.is_ascii_digit()) && has(|it| it.is_ascii_alphabetic());
        let letters = has(|it| it.is_ascii_lowercase()) && has(|it| it.is_ascii_uppercase());
        let is_file = part.rsplit_once('.').is_some_and(|(_, rest)| rest.len() <= 5);
        !is_file && (part.len() >= 16 && mixed || part.len() >= 24 && letters || part.len() >= 32)
    };
    parts.filter(is_secret).collect()
}

fn request(method: &str, host: &str, path: &str, agent: &str) -> Vec<u8> {
    let target = if path.is_empty() { "/" } else { path };
    format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {agent}\r\nContent-Length: 0\r\n\r\n")
        .into_bytes()
}

/// All that the gateway writes down.
fn outputs(gateway: &Gateway) -> Result<Vec<(&'static str, String)>> {
    let admin = gateway.envoy.admin();
    Ok(vec![
        ("log and events", gateway.envoy.log()?),
        ("access log", gateway.envoy.access_log()?.join("\n")),
        ("metrics", tests::admin::get(admin, "/stats/prometheus")?),
    ])
}

#[test]
fn no_credential_of_any_kind_is_written_down() -> Result<()> {
    let directory = TempDir::with_prefix("tidegate-secrets-")?;
    let pack = fs::read(workspace::shipped_pack()?)?;
    for mode in ["monitor", "enforce"] {
        let folder = directory.path().join(mode);
        let gateway = Gateway::start(&Launch::new()?, &folder, &pack, mode)?;
        for (url, _) in CREDENTIALS {
            let (host, path) = url.split_once('/').context("a path")?;
            http1::send(gateway.address()?, &request("POST", host, &format!("/{path}"), "curl/8"))?;
        }
        gateway.envoy.access_log_of(CREDENTIALS.len())?;
        let outputs = outputs(&gateway)?;
        // A test that looks into nothing cannot fail.
        let n_events = outputs[0].1.matches("tidegate.match").count();
        assert!(n_events >= CREDENTIALS.len() / 2, "only {n_events} events");
        for (url, secrets) in CREDENTIALS {
            for secret in *secrets {
                for (what, text) in &outputs {
                    assert!(!text.contains(secret), "`{secret}` of {url} in the {what}");
                }
            }
        }
    }
    Ok(())
}

#[test]
fn no_secret_of_other_peoples_requests_is_written_down() -> Result<()> {
    let Some(corpora) = corpora::folder(&["traffic"]) else { return Ok(()) };
    let directory = TempDir::with_prefix("tidegate-secrets-")?;
    let pack = fs::read(workspace::shipped_pack()?)?;
    let gateway = Gateway::start(&Launch::new()?, directory.path(), &pack, "monitor")?;
    let (mut found, mut n_sent) = (BTreeSet::new(), 0);
    for file in ["malicious.dev.jsonl", "benign.dev.jsonl"] {
        let text = fs::read_to_string(corpora.join("traffic").join(file))?;
        for line in text.lines() {
            let row: Value = serde_json::from_str(line)?;
            let text = |key: &str| row[key].as_str().unwrap_or_default();
            let (method, host, path) = (text("method"), text("host"), text("path"));
            if method == "CONNECT" {
                continue;
            }
            let agent: String = text("user_agent").chars().filter(char::is_ascii).collect();
            http1::send(gateway.address()?, &request(method, host, path, &agent))?;
            found.extend(secrets(path).into_iter().map(str::to_owned));
            n_sent += 1;
        }
    }
    gateway.envoy.access_log_of(n_sent)?;
    assert!(n_sent > 4_000 && found.len() > 400, "{n_sent} requests, {} secrets", found.len());
    for (what, text) in outputs(&gateway)? {
        let leaked: Vec<_> = found.iter().filter(|secret| text.contains(secret.as_str())).collect();
        assert!(leaked.is_empty(), "{} in the {what}: {leaked:?}", leaked.len());
    }
    println!("{n_sent} requests, {} secrets, none written down", found.len());
    Ok(())
}
