//! The same requests through Envoy, Squid, nginx and HAProxy, and the hunt in each of their logs: the same rules,
//! or the reason why a log cannot show them.
#![forbid(unsafe_code)]
#![expect(clippy::indexing_slicing, reason = "a test may panic")]
#![expect(clippy::disallowed_methods, reason = "tests touch files")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use diagnostics::SourceFile;
use hunt::{Hunter, Output, Report};
use inspect::Pack;
use knowledge::{Compilation, Library};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{Bootstrap, Envoy, StandIn, http1, workspace};
use traffic::{FieldMap, Layout};

/// Method, host, path and agent of each request.
const REQUESTS: [(&str, &str, &str, &str); 30] = [
    ("GET", "pastebin.com", "/raw/abcdefgh", "curl/8.5.0"),
    ("GET", "pastebin.com", "/a.exe", "Mozilla/4.0 (compatible; MSIE 7.0)"),
    ("GET", "raw.githubusercontent.com", "/a/b/main/x.ps1", "WindowsPowerShell/5.1"),
    (
        "POST",
        "api.telegram.org",
        "/bot123456789:AAExampleExampleExampleExampleExample12/sendMessage",
        "python-requests/2.32.3",
    ),
    (
        "POST",
        "api.telegram.org",
        "/%62ot123456789:AAExampleExampleExampleExampleExample12/sendDocument",
        "curl/8.5.0",
    ),
    (
        "GET",
        "api.telegram.org",
        "/bot123456789:AAExampleExampleExampleExampleExample12/getUpdates?offset=1",
        "Go-http-client/1.1",
    ),
    (
        "POST",
        "discord.com",
        "/api/webhooks/123456789012345678/AbCdEfGhIjKlMnOpQrStUvWxYz0123456789",
        "curl/8.5.0",
    ),
    (
        "POST",
        "discord.com",
        "/api/webhooks/123456789012345678/AbCdEfGhIjKlMnOpQrStUvWxYz0123456789?wait=true",
        "x",
    ),
    ("GET", "cdn.discordapp.com", "/attachments/1/2/payload.exe", "curl/8.5.0"),
    (
        "POST",
        "hooks.slack.com",
        "/services/T0AB12CD3/B0EF45GH6/abcdefghijklmnopqrstuvwx",
        "python-requests/2.32.3",
    ),
    ("GET", "drive.google.com", "/uc?export=download&id=1A2b3C", "curl/8.5.0"),
    (
        "PUT",
        "acct1.blob.core.windows.net",
        "/c/loot.zip?sv=2024-01-01&sig=abcdefgh",
        "AzCopy/10.21.1 Azure-Storage/0.15",
    ),
    ("POST", "content.dropboxapi.com", "/2/files/upload", "curl/8.5.0"),
    ("GET", "abcd-example.trycloudflare.com", "/", "curl/8.5.0"),
    ("GET", "1a2b3c.ngrok-free.app", "/x", "curl/8.5.0"),
    ("POST", "api.github.com", "/repos/a/b/issues/1/comments", "curl/8.5.0"),
    ("GET", "gist.githubusercontent.com", "/a/0123456789abcdef/raw/x.txt", "Wget/1.21.3"),
    ("GET", "t.me", "/s/channelname", "curl/8.5.0"),
    ("POST", "api.notion.com", "/v1/pages", "python-requests/2.32.3"),
    (
        "POST",
        "api.trello.com",
        "/1/cards?key=0123456789abcdef0123456789abcdef&token=0123456789abcdef",
        "curl/8.5.0",
    ),
    ("POST", "sheets.googleapis.com", "/v4/spreadsheets/1A2b/values/A1:append", "curl/8.5.0"),
    ("GET", "dns.google", "/resolve?name=x.example&type=TXT", "curl/8.5.0"),
    ("POST", "api.openai.com", "/v1/responses", "python-requests/2.32.3"),
    ("PUT", "transfer.sh", "/loot.zip", "curl/8.5.0"),
    ("POST", "api.gofile.io", "/uploadFile", "curl/8.5.0"),
    (
        "GET",
        "www.example.com",
        "/",
        "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    ),
    (
        "GET",
        "www.example.com",
        "/index.html?a=b",
        "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    ),
    (
        "GET",
        "149.154.167.220",
        "/bot123456789:AAExampleExampleExampleExampleExample12/getMe",
        "curl/8.5.0",
    ),
    ("GET", "169.254.169.254", "/latest/meta-data/", "curl/8.5.0"),
    ("GET", "script.google.com", "/macros/s/AKfycbx/exec", "curl/8.5.0"),
];

/// What an access log in JSON has, as docs/rollout.md writes it.
const JSON_LOG: [(&str, &str); 10] = [
    ("start_time", "%START_TIME%"),
    ("method", "%REQ(:METHOD)%"),
    ("authority", "%REQ(:AUTHORITY)%"),
    ("path", "%REQ(:PATH)%"),
    ("protocol", "%PROTOCOL%"),
    ("response_code", "%RESPONSE_CODE%"),
    ("bytes_sent", "%BYTES_SENT%"),
    ("bytes_received", "%BYTES_RECEIVED%"),
    ("user_agent", "%REQ(USER-AGENT)%"),
    ("downstream_remote_address", "%DOWNSTREAM_REMOTE_ADDRESS%"),
];

/// Istio's default format.
const ISTIO: &str = "[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% \"%UPSTREAM_TRANSPORT_FAILURE_REASON%\" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% \"%REQ(X-FORWARDED-FOR)%\" \"%REQ(USER-AGENT)%\" \"%REQ(X-REQUEST-ID)%\" \"%REQ(:AUTHORITY)%\" \"%UPSTREAM_HOST%\" %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%\n";

/// A program that ends with the test.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself; a drop cannot report it.
        let _already_gone = self.0.kill();
        let _already_waited = self.0.wait();
    }
}

fn start(command: &mut Command, address: SocketAddr) -> Result<Program> {
    let mut program = Program(command.stdin(Stdio::null()).spawn()?);
    let deadline = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(address).is_err() {
        if let Some(status) = program.0.try_wait()? {
            bail!("{command:?} ended: {status}");
        }
        ensure!(Instant::now() < deadline, "{command:?} does not listen");
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(program)
}

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// Sends all requests to a proxy, in absolute form.
fn send_all(proxy: SocketAddr) -> Result<()> {
    for (method, host, path, agent) in REQUESTS {
        let request = format!(
            "{method} http://{host}{path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {agent}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        http1::send(proxy, request.as_bytes()).with_context(|| format!("{method} {host}{path}"))?;
    }
    Ok(())
}

/// Waits until a log has all requests, and reads it.
fn log(path: &Path) -> Result<Vec<u8>> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let bytes = fs::read(path).unwrap_or_default();
        let n_requests = bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| line.windows(9).any(|part| part == b"/macros/s"))
            .count();
        if n_requests > 0 && bytes.ends_with(b"\n") {
            return Ok(bytes);
        }
        ensure!(
            Instant::now() < deadline,
            "{} is not complete: {}",
            path.display(),
            String::from_utf8_lossy(&bytes)
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn pack() -> Result<Vec<u8>> {
    let mut files = Vec::new();
    let mut folders = vec![workspace::root().join("knowledge/notes")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                files.push(SourceFile {
                    name: path.to_string_lossy().as_ref().into(),
                    bytes: fs::read(&path)?,
                });
            }
        }
    }
    files.sort_by(|left, right| left.name.cmp(&right.name));
    let library = Library::read(files);
    let compilation = Compilation::new(&library, "shipped", 1);
    Ok(compilation.map_err(|finding| anyhow::anyhow!("{finding:?}"))?.bytes)
}

/// The rules that match, by the number of the request, each with the fields that its evidence is in.
type Found = BTreeMap<usize, BTreeMap<String, BTreeSet<String>>>;

fn hunt(pack: &[u8], log: &[u8]) -> Result<(Found, String)> {
    let text = String::from_utf8_lossy(log);
    let lines: Vec<_> = text.lines().collect();
    let layout = Layout::detect(log).context("the format is not detected")?;
    let decode = || Pack::decode(pack).context("a pack");
    let mut report = Report::new(decode()?, Output::Json, 1, false);
    report.begin(&Arc::from("log"));
    let mut hunter = Hunter::new(decode()?, layout, &FieldMap::default(), false);
    let mut out = report.take(hunter.hunt(log));
    out += &report.finish();
    let mut found = Found::new();
    for line in out.lines() {
        let record: Value = serde_json::from_str(line)?;
        if record["kind"] != "rule" {
            continue;
        }
        let line = usize::try_from(record["line"].as_u64().context("a line")?)?;
        let number = lines
            .get(line - 1)
            .and_then(|line| number(line))
            .with_context(|| format!("no request in line {line}: {:?}", lines.get(line - 1)))?;
        let why = record["why"].as_array().into_iter().flatten();
        let fields =
            why.filter_map(|why| Some(why["field"].as_str()?.split('|').next()?.to_owned()));
        let rule = record["rule"].as_str().context("a rule")?.to_owned();
        found.entry(number).or_default().insert(rule, fields.collect());
    }
    Ok((found, report.summary()))
}

/// Compares what is found in a log with what is found in Envoy's log in JSON. `lacks` are fields that the log
/// does not have: a rule may be missing if its evidence is there.
fn compare(name: &str, expect: &Found, found: &Found, lacks: &[&str]) {
    for number in 1..=REQUESTS.len() {
        let none = BTreeMap::new();
        let (expect, found) =
            (expect.get(&number).unwrap_or(&none), found.get(&number).unwrap_or(&none));
        let request = REQUESTS[number - 1];
        for (rule, fields) in expect {
            let is_there = found.contains_key(rule);
            let has_reason = fields.iter().any(|field| lacks.contains(&field.as_str()));
            assert!(is_there || has_reason, "{name}: {request:?} lacks {rule} {fields:?}");
        }
        for rule in found.keys() {
            // What a log does not have may also be what an exclusion asks for.
            assert!(
                expect.contains_key(rule) || !lacks.is_empty(),
                "{name}: {request:?} has {rule}"
            );
        }
    }
}

fn is_installed(program: &str) -> bool {
    let is_there = ["/usr/sbin", "/usr/bin", "/usr/local/sbin"]
        .iter()
        .any(|folder| Path::new(folder).join(program).is_file());
    if !is_there {
        corpora::skip(&format!("{program} (cargo xtask test installs it)"));
    }
    is_there
}

fn envoy_logs(stand_in: &StandIn) -> Result<[Vec<u8>; 3]> {
    let folder = TempDir::with_prefix("tidegate-logs-")?;
    let file = |name: &str| folder.path().join(name);
    let mut config = Bootstrap::new().upstream(stand_in.address()).listener("egress", &[]).json();
    let path = |name: &str| file(name).to_string_lossy().into_owned();
    let access_log = |name: &str, format: Value| {
        let mut typed = json!({"@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog", "path": path(name)});
        if !format.is_null() {
            typed["log_format"] = format;
        }
        json!({"name": name, "typed_config": typed})
    };
    let keys: serde_json::Map<_, _> =
        JSON_LOG.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
    let manager = &mut config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]
        ["typed_config"];
    manager["access_log"] = json!([
        access_log("json", json!({"json_format": keys})),
        access_log("text", Value::Null),
        access_log("istio", json!({"text_format_source": {"inline_string": ISTIO}})),
    ]);
    let envoy = Envoy::start(&config)?;
    send_all(envoy.listener("egress")?)?;
    // Envoy writes its logs when it ends, or after a while.
    let logs = [log(&file("json")), log(&file("text")), log(&file("istio"))];
    drop(envoy);
    let [json, text, istio] = logs;
    Ok([json?, text?, istio?])
}

fn configured(folder: &TempDir, text: &str) -> Result<PathBuf> {
    // Squid writes as another user.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777))?;
    let path = folder.path().join("program.conf");
    fs::write(&path, text.replace("FOLDER", &folder.path().to_string_lossy()))?;
    Ok(path)
}

#[test]
fn the_same_requests_are_found_in_the_logs_of_each_program() -> Result<()> {
    let pack = pack()?;
    let stand_in = StandIn::start()?;
    let [json, text, istio] = envoy_logs(&stand_in)?;
    let (expect, summary) = hunt(&pack, &json)?;
    ensure!(summary.starts_with("30 lines = 30 events"), "{summary}");
    let n_matches: usize = expect.values().map(BTreeMap::len).sum();
    ensure!(expect.len() >= 20, "{} requests are found", expect.len());
    eprintln!("Envoy's JSON: {} of 30 requests, {n_matches} matches", expect.len());
    compare("Envoy's text", &expect, &hunt(&pack, &text)?.0, &[]);
    compare("Istio's text", &expect, &hunt(&pack, &istio)?.0, &[]);

    if is_installed("squid") {
        let (folder, address) = (TempDir::with_prefix("tidegate-squid-")?, free_address()?);
        let peer = stand_in.address().port();
        let config = configured(
            &folder,
            &format!(
                "http_port {address}\ncache_peer 127.0.0.1 parent {peer} 0 no-query default\nnever_direct allow all\nhttp_access allow all\ncache deny all\n\
             strip_query_terms off\nlogformat agent %>a %[ui %[un [%tl] \"%rm %ru HTTP/%rv\" %>Hs %<st \"%{{Referer}}>h\" \"%{{User-Agent}}>h\" %Ss:%Sh\n\
             access_log stdio:FOLDER/access.log squid\naccess_log stdio:FOLDER/combined.log agent\ncache_log FOLDER/cache.log\n\
             pid_filename FOLDER/squid.pid\npinger_enable off\ncoredump_dir FOLDER\nvisible_hostname squid.example\nbuffered_logs off\nshutdown_lifetime 0 seconds\n"
            ),
        )?;
        let program = start(
            Command::new("/usr/sbin/squid").args(["-N", "-f"]).arg(config).stderr(Stdio::null()),
            address,
        )?;
        // The connection that waited for it is in no log.
        send_all(address)?;
        let native = log(&folder.path().join("access.log"))?;
        let combined = log(&folder.path().join("combined.log"))?;
        drop(program);
        // Squid decodes nothing and has no agent in its own format.
        compare("Squid", &expect, &hunt(&pack, &native)?.0, &["c-useragent"]);
        compare("Squid, combined", &expect, &hunt(&pack, &combined)?.0, &[]);
    }
    if is_installed("nginx") {
        let (folder, address) = (TempDir::with_prefix("tidegate-nginx-")?, free_address()?);
        let config = configured(
            &folder,
            &format!(
                "daemon off;\nmaster_process off;\npid FOLDER/nginx.pid;\nerror_log FOLDER/error.log;\nevents {{}}\nhttp {{\n\
             log_format keys escape=json '{{\"time_local\":\"$time_local\",\"remote_addr\":\"$remote_addr\",\"request\":\"$request\",\"host\":\"$host\",\"status\":\"$status\",\"body_bytes_sent\":\"$body_bytes_sent\",\"http_user_agent\":\"$http_user_agent\"}}';\n\
             access_log FOLDER/access.log combined;\naccess_log FOLDER/keys.log keys;\nclient_body_temp_path FOLDER/body;\nproxy_temp_path FOLDER/proxy;\nfastcgi_temp_path FOLDER/fastcgi;\nuwsgi_temp_path FOLDER/uwsgi;\nscgi_temp_path FOLDER/scgi;\n\
             server {{ listen {address}; location / {{ return 200 \"x\"; }} }}\n}}\n"
            ),
        )?;
        let program = start(
            Command::new("/usr/sbin/nginx")
                .arg("-p")
                .arg(folder.path())
                .arg("-e")
                .arg(folder.path().join("error.log"))
                .arg("-c")
                .arg(config)
                .stderr(Stdio::null()),
            address,
        )?;
        send_all(address)?;
        let combined = log(&folder.path().join("access.log"))?;
        let keys = log(&folder.path().join("keys.log"))?;
        drop(program);
        compare("nginx, combined", &expect, &hunt(&pack, &combined)?.0, &[]);
        compare("nginx, JSON", &expect, &hunt(&pack, &keys)?.0, &[]);
    }
    if is_installed("haproxy") {
        let (folder, address) = (TempDir::with_prefix("tidegate-haproxy-")?, free_address()?);
        let config = configured(
            &folder,
            &format!(
                "global\n log stdout format raw local0\ndefaults\n mode http\n log global\n option httplog\n timeout client 5s\n timeout server 5s\n timeout connect 5s\n\
             frontend egress\n bind {address}\n capture request header Host len 200\n capture request header User-Agent len 200\n default_backend servers\n\
             backend servers\n server stand-in {}\n",
                stand_in.address()
            ),
        )?;
        let out = fs::File::create(folder.path().join("access.log"))?;
        let program = start(
            Command::new("/usr/sbin/haproxy")
                .args(["-db", "-f"])
                .arg(config)
                .stdout(out)
                .stderr(Stdio::null()),
            address,
        )?;
        send_all(address)?;
        let lines = log(&folder.path().join("access.log"))?;
        drop(program);
        compare("HAProxy", &expect, &hunt(&pack, &lines)?.0, &[]);
    }
    Ok(())
}

/// The number of the request that a line is about, from 1: programs may write them in another order.
fn number(line: &str) -> Option<usize> {
    let is_of =
        |request: &(&str, &str, &str, &str)| line.contains(request.1) && line.contains(request.2);
    let found = (1..).zip(&REQUESTS).filter(|(_, request)| is_of(request));
    found.max_by_key(|(_, request)| request.2.len()).map(|(number, _)| number)
}
