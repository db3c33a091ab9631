//! How fast `tidegate hunt` reads each format of logs: the same requests in each, turn by turn in one
//! process; and a compressed log beside `zcat` in a pipe.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ::tests::workspace;
use anyhow::{Context, Result, ensure};
use hunt::Hunter;
use inspect::Pack;
use serde_json::{Value, json};
use traffic::{FieldMap, Format, Layout};

use super::hunt::{PIECE_LINES, write_line, write_log};

/// Writes a line of a format for a request with a number.
type Write = fn(&Request<'_>) -> String;

/// What a line is made of.
struct Request<'r> {
    number: u64,
    method: &'r str,
    host: &'r str,
    path: String,
    user_agent: &'r str,
}

impl<'r> Request<'r> {
    fn of(rows: &'r [Value], number: u64) -> Result<Request<'r>> {
        let row = rows.get(usize::try_from(number)? % rows.len()).context("there is traffic")?;
        let text = |key: &str| row[key].as_str().unwrap_or_default();
        let path = if text("path").is_empty() { "/" } else { text("path") };
        // No two paths are the same, so that nothing is gained by remembering.
        let mark = if path.contains('?') { '&' } else { '?' };
        Ok(Request {
            number,
            method: text("method"),
            host: text("host"),
            path: format!("{path}{mark}n={number}"),
            user_agent: text("user_agent"),
        })
    }

    fn source(&self) -> String {
        format!("10.4.{}.{}", self.number % 31, self.number % 251)
    }

    fn url(&self) -> String {
        format!("https://{}{}", self.host, self.path)
    }

    fn stem_and_query(&self) -> (&str, &str) {
        self.path.split_once('?').unwrap_or((&self.path, "-"))
    }

    fn seconds(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a time of a log")]
        let seconds = self.number as f64;
        1_763_625_600.0 + seconds / 10.0
    }
}

/// A format with its name in the table, what comes before its lines, and a line.
const FORMATS: &[(&str, Format, &str, Write)] = &[
    ("Envoy, text", Format::EnvoyText, "", |of| {
        format!(
            "[2026-11-21T08:00:00.123Z] \"{} {} HTTP/2\" 200 - 310 4242 13 12 \"-\" \"{}\" \"7c1e4b52-9a6d\" \"{}\" \"192.0.2.1:443\"",
            of.method,
            of.path,
            of.user_agent.replace('"', ""),
            of.host
        )
    }),
    ("Squid", Format::Squid, "", |of| {
        format!(
            "{:.3} 312 {} TCP_MISS/200 4242 {} {} - HIER_DIRECT/192.0.2.1 text/html",
            of.seconds(),
            of.source(),
            of.method,
            of.url()
        )
    }),
    ("nginx and Apache, combined", Format::Combined, "", |of| {
        format!(
            "{} - - [21/Nov/2026:08:00:00 +0000] \"{} {} HTTP/1.1\" 200 4242 \"-\" \"{}\"",
            of.source(),
            of.method,
            of.url(),
            of.user_agent.replace('"', "\\\"")
        )
    }),
    ("HAProxy", Format::HaProxy, "", |of| {
        format!(
            "Nov 21 08:00:00 lb haproxy[7]: {}:51234 [21/Nov/2026:08:00:00.123] fe be/s1 0/0/1/2/3 200 4242 - - ---- 1/1/0/0/0 0/0 {{{}|{}}} {{}} \"{} {} HTTP/1.1\"",
            of.source(),
            of.host,
            of.user_agent.replace(['"', '|', '}'], ""),
            of.method,
            of.path
        )
    }),
    (
        "W3C extended",
        Format::W3c,
        "#Fields: date time c-ip cs-method cs-uri-scheme cs-host cs-uri-path cs-uri-query cs(User-Agent) sc-status sc-bytes cs-bytes\n",
        |of| {
            let (stem, query) = of.stem_and_query();
            format!(
                "2026-11-21 08:00:00 {} {} https {} {stem} {query} \"{}\" 200 4242 310",
                of.source(),
                of.method,
                of.host,
                of.user_agent.replace('"', "")
            )
        },
    ),
    ("CSV", Format::Csv, "time,src,method,url,status,user_agent\n", |of| {
        format!(
            "2026-11-21T08:00:00Z,{},{},\"{}\",200,\"{}\"",
            of.source(),
            of.method,
            of.url().replace('"', "\"\""),
            of.user_agent.replace('"', "\"\"")
        )
    }),
    (
        "Zeek, TSV",
        Format::ZeekHttp,
        "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\thttp\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tmethod\thost\turi\tuser_agent\trequest_body_len\tresponse_body_len\tstatus_code\n",
        |of| {
            format!(
                "{:.6}\tC{}\t{}\t51234\t192.0.2.1\t443\t{}\t{}\t{}\t{}\t310\t4242\t200",
                of.seconds(),
                of.number,
                of.source(),
                of.method,
                of.host,
                of.path,
                of.user_agent
            )
        },
    ),
    ("Zeek, JSON", Format::ZeekHttp, "", |of| {
        json!({
            "ts": of.seconds(),
            "uid": format!("C{}", of.number),
            "id.orig_h": of.source(),
            "id.orig_p": 51_234,
            "id.resp_h": "192.0.2.1",
            "id.resp_p": 443,
            "method": of.method,
            "host": of.host,
            "uri": of.path,
            "user_agent": of.user_agent,
            "request_body_len": 310,
            "response_body_len": 4242,
            "status_code": 200,
        })
        .to_string()
    }),
    ("key=value", Format::KeyValue, "", |of| {
        format!(
            "time=2026-11-21T08:00:00Z src_ip={} method={} url=\"{}\" status=200 bytes_in=4242 bytes_out=310 user_agent=\"{}\"",
            of.source(),
            of.method,
            of.url(),
            of.user_agent.replace(['"', '\\'], "")
        )
    }),
    ("Suricata, eve.json", Format::Suricata, "", |of| {
        json!({
            "timestamp": "2026-11-21T08:00:00.000000+0000",
            "event_type": "http",
            "src_ip": of.source(),
            "dest_ip": "192.0.2.1",
            "http": {
                "hostname": of.host, "url": of.path, "http_method": of.method,
                "http_user_agent": of.user_agent, "status": 200, "length": 4242,
            },
        })
        .to_string()
    }),
    ("ECS", Format::Ecs, "", |of| {
        json!({
            "@timestamp": "2026-11-21T08:00:00Z",
            "source": {"ip": of.source()},
            "http": {
                "request": {"method": of.method, "bytes": 310},
                "response": {"status_code": 200, "bytes": 4242},
            },
            "url": {"full": of.url()},
            "user_agent": {"original": of.user_agent},
        })
        .to_string()
    }),
    ("OCSF", Format::Ocsf, "", |of| {
        let (stem, query) = of.stem_and_query();
        json!({
            "class_uid": 4002,
            "time": 1_763_625_600_000_u64 + of.number,
            "src_endpoint": {"ip": of.source()},
            "http_request": {
                "http_method": of.method,
                "url": {"hostname": of.host, "path": stem, "query_string": query},
                "user_agent": of.user_agent,
            },
            "http_response": {"code": 200},
        })
        .to_string()
    }),
    ("JSON in rows", Format::JsonRows, "", |of| {
        json!({
            "_time": "2026-11-21T08:00:00Z",
            "src": of.source(),
            "http_method": of.method,
            "url": of.url(),
            "http_user_agent": of.user_agent,
            "status": 200,
        })
        .to_string()
    }),
    ("Google Cloud", Format::Gcp, "", |of| {
        json!({
            "timestamp": "2026-11-21T08:00:00Z",
            "httpRequest": {
                "requestMethod": of.method, "requestUrl": of.url(), "remoteIp": of.source(),
                "userAgent": of.user_agent, "status": 200, "responseSize": "4242",
            },
        })
        .to_string()
    }),
    ("URLs", Format::Urls, "", |of| of.url()),
];

/// Measures and prints a row for each format.
#[expect(clippy::print_stdout, reason = "a report for people")]
pub(super) fn run(rows: &[Value], rounds: usize) -> Result<()> {
    let pack = fs::read(workspace::shipped_pack()?)?;
    let mut logs = Vec::new();
    let mut json = Vec::new();
    for number in 0..PIECE_LINES {
        write_line(rows, number, &mut json)?;
    }
    logs.push(("Envoy, JSON", Format::Envoy, json));
    logs.push(("HAR", Format::Har, archive(rows)?));
    for (name, format, head, write) in FORMATS {
        let mut log = head.as_bytes().to_vec();
        for number in 0..PIECE_LINES {
            log.extend_from_slice(write(&Request::of(rows, number)?).as_bytes());
            log.push(b'\n');
        }
        logs.push((*name, *format, log));
    }
    let mut fastest = vec![Duration::MAX; logs.len()];
    for round in 0..rounds.max(1) {
        for turn in 0..logs.len() {
            let which = (round + turn) % logs.len();
            let (Some((name, format, log)), Some(fastest)) =
                (logs.get(which), fastest.get_mut(which))
            else {
                continue;
            };
            let layout = Layout::detect(log).context("a log has a format")?;
            ensure!(layout.format == *format, "{name} is read as {}", layout.format.as_str());
            let mut hunter = Hunter::new(Pack::decode(&pack)?, layout, &FieldMap::default(), false);
            let start = Instant::now();
            let counts = hunter.hunt(log).counts;
            let took = start.elapsed();
            ensure!(counts.n_events == PIECE_LINES, "{name}: {counts:?}");
            *fastest = (*fastest).min(took);
        }
    }
    println!("| format | bytes a line | MB/s per core | lines/s |");
    println!("| --- | --: | --: | --: |");
    for ((name, _, log), fastest) in logs.iter().zip(fastest) {
        #[expect(clippy::cast_precision_loss, reason = "figures for people")]
        let per_second = |n: u64| n as f64 / fastest.as_secs_f64();
        let n_bytes = log.len() as u64;
        println!(
            "| {name} | {} | {:.0} | {:.0} |",
            n_bytes / PIECE_LINES,
            per_second(n_bytes) / 1e6,
            per_second(PIECE_LINES),
        );
    }
    Ok(())
}

/// The requests as an HTTP archive, which is one document.
fn archive(rows: &[Value]) -> Result<Vec<u8>> {
    let mut entries = Vec::new();
    for number in 0..PIECE_LINES {
        let of = Request::of(rows, number)?;
        entries.push(json!({
            "startedDateTime": "2026-11-21T08:00:00.000Z",
            "time": 12,
            "request": {
                "method": of.method, "url": of.url(), "httpVersion": "HTTP/1.1", "cookies": [],
                "headers": [{"name": "User-Agent", "value": of.user_agent}],
                "queryString": [], "headersSize": -1, "bodySize": 310,
            },
            "response": {
                "status": 200, "statusText": "OK", "httpVersion": "HTTP/1.1", "cookies": [], "headers": [],
                "content": {"size": 4242, "mimeType": "text/html"}, "redirectURL": "", "headersSize": -1,
                "bodySize": 4242,
            },
            "cache": {}, "timings": {"send": 0, "wait": 12, "receive": 0},
        }));
    }
    let log = json!({"log": {"version": "1.2", "creator": {"name": "bench", "version": "1"}, "entries": entries}});
    Ok(serde_json::to_vec(&log)?)
}

/// Hunts a compressed log, and the same log behind `zcat`: in turn, the fastest of several.
#[expect(clippy::print_stdout, reason = "a report for people")]
pub(super) fn compressed(rows: &[Value], n_lines: u64, rounds: usize) -> Result<()> {
    let tidegate = workspace::target().join("release/tidegate");
    let pack = workspace::shipped_pack()?;
    let scratch = tempfile::TempDir::with_prefix_in("bench-", workspace::target())?;
    let log = scratch.path().join("log.jsonl");
    write_log(&log, rows, n_lines)?;
    ensure!(Command::new("gzip").arg(&log).status()?.success(), "gzip failed");
    let log = scratch.path().join("log.jsonl.gz");
    let hunt = || {
        let mut command = Command::new(&tidegate);
        command.args(["hunt", "--threads", "1", "--pack"]).arg(&pack);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let mut fastest = [Duration::MAX; 2];
    for round in 0..rounds.max(1) {
        for turn in 0..2 {
            let which = (round + turn) % 2;
            let start = Instant::now();
            let ended = if which == 0 {
                hunt().arg(&log).status()?
            } else {
                let mut zcat = Command::new("zcat").arg(&log).stdout(Stdio::piped()).spawn()?;
                let pipe = zcat.stdout.take().context("zcat has no pipe")?;
                let ended = hunt().arg("-").stdin(pipe).status()?;
                ensure!(zcat.wait()?.success(), "zcat failed");
                ended
            };
            ensure!(ended.success(), "hunt: {ended}");
            if let Some(fastest) = fastest.get_mut(which) {
                *fastest = (*fastest).min(start.elapsed());
            }
        }
    }
    let [read, piped] = fastest.map(|time| time.as_secs_f64());
    println!(
        "gzip, {n_lines} lines, 1 thread: {read:.2} s read by hunt, {piped:.2} s behind zcat ({:.2} times)",
        read / piped
    );
    Ok(())
}
