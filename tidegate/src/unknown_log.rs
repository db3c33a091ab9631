//! Findings about logs of unknown format: what they seem to be, and the option that would work.

use std::io;
use std::sync::Arc;

use diagnostics::{Finding, Span, contains_key, printable};
use traffic::Seeming;

use crate::disk;

/// How files begin that are not logs, with what they are and what turns them into one.
const MAGIC: &[(&[u8], &str, &str)] = &[
    (b"\xfd7zXZ\0", "compressed by xz", "unpack it: `xz -dc FILE | tidegate hunt`"),
    (b"BZh", "compressed by bzip2", "unpack it: `bzip2 -dc FILE | tidegate hunt`"),
    (b"\x04\x22\x4d\x18", "compressed by lz4", "unpack it: `lz4 -dc FILE | tidegate hunt`"),
    (b"PK\x03\x04", "a ZIP archive", "unpack it: `unzip -p FILE | tidegate hunt`"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it: `7z x -so FILE | tidegate hunt`"),
    (
        b"PAR1",
        "a Parquet file",
        "export it as CSV with a header or as JSON lines: `duckdb -c \"copy (from 'FILE') to 'FILE.csv'\"`",
    ),
    (b"ORC", "an ORC file", "export it as CSV with a header or as JSON lines"),
    (
        b"Obj\x01",
        "an Avro file",
        "export it as JSON lines: `avro-tools tojson FILE | tidegate hunt`",
    ),
    (
        b"SQLite format 3\0",
        "an SQLite database",
        "export its table as CSV: `sqlite3 -header -csv FILE 'select * from TABLE' | tidegate hunt`",
    ),
    (
        b"ElfFile\0",
        "an event log of Windows (EVTX)",
        "it has no requests but those of Sysmon's queries (event 22): export these as JSON lines, and name their keys with `--map`",
    ),
    (b"LfLe", "an old event log of Windows (EVT)", "it has no requests; hunt in the proxy's log"),
    (b"%PDF", "a PDF", "ask for the log that it was printed from"),
    (b"\x1f\x9d", "compressed by compress", "unpack it: `uncompress -c FILE | tidegate hunt`"),
    (b"Rar!", "a RAR archive", "unpack it: `unrar p -inul FILE | tidegate hunt`"),
    (b"MZ", "a program of Windows", "give a log"),
    (b"\x7fELF", "a program", "give a log"),
    (
        b"LPKSHHRH",
        "a journal of systemd",
        "print it: `journalctl --file FILE -o short-iso | tidegate hunt`",
    ),
    (b"\xd4\xc3\xb2\xa1", PCAP, PCAP_HELP),
    (b"\xa1\xb2\xc3\xd4", PCAP, PCAP_HELP),
    (b"\x0a\x0d\x0d\x0a", PCAP, PCAP_HELP),
    (b"<?xml", "XML", "export it as HAR, CSV or JSON lines"),
    (b"<", "XML or HTML", "export it as HAR, CSV or JSON lines"),
];

const PCAP: &str = "a capture of packets";
const PCAP_HELP: &str =
    "let Zeek or Suricata read it, and hunt in `http.log`, `ssl.log` or `eve.json`";

/// Most characters of a line whose shape a finding shows.
const MAX_SHOWN: usize = 40;

/// Most keys of an object that a finding lists.
const MAX_KEYS: usize = 12;

/// Returns the finding for a log whose format its start does not show.
pub(crate) fn finding(log: &Arc<str>, start: &[u8]) -> Finding {
    let start = start.strip_prefix(traffic::BYTE_ORDER_MARK).unwrap_or(start);
    if contains_key(start) {
        return Finding::secret_key(log);
    }
    // `<166>` is a priority of syslog.
    let has_priority = start.first() == Some(&b'<') && start.get(1).is_some_and(u8::is_ascii_digit);
    let magic = MAGIC.iter().filter(|_| !has_priority);
    if let Some((_, what, help)) = magic.into_iter().find(|(magic, ..)| start.starts_with(magic)) {
        return with(log, &format!("the log seems to be {what}"), help);
    }
    if start.contains(&0) {
        let help = "export it as text in UTF-8, or in UTF-16 with a byte order mark";
        return with(log, "the log seems to be binary", help);
    }
    let mut lines = (1..).zip(traffic::lines(start).map(<[u8]>::trim_ascii));
    let line = lines.find(|(_, line)| !line.is_empty() && !line.starts_with(b"#"));
    let (number, line) = line.unwrap_or((1, start));
    let (message, help) = describe(start, line);
    let message = format!("{message}; line {number} has the shape `{}`", shape(line));
    let mut finding = with(log, &message, help);
    finding.diagnostic.place.span = Span::point(number, 1);
    finding
}

/// Returns the finding for a tar archive where none is read.
pub(crate) fn tar_archive(log: &Arc<str>) -> Finding {
    let help = "unpack it into a folder, and give its files";
    with(log, "the log seems to be a tar archive", help)
}

/// Returns the finding for a log that cannot be unpacked, or not to its end.
pub(crate) fn damaged(log: &Arc<str>, error: &io::Error) -> Finding {
    let message = format!(
        "the log is cut or damaged, and only what is before is judged: {}",
        disk::reason(error)
    );
    let help = "copy the file again from where it was written, once it is complete";
    Finding::about(log, &diagnostics::codes::UNREADABLE, message, help)
}

/// Returns the start of a line with every letter as `a` or `A` and every digit as `0`: the line may contain
/// tokens and names, and its shape shows the format as well.
fn shape(line: &[u8]) -> String {
    let blur = |char: char| match char {
        _ if char.is_numeric() => '0',
        _ if char.is_uppercase() => 'A',
        _ if char.is_alphabetic() || !char.is_ascii() => 'a',
        _ => char,
    };
    let line = String::from_utf8_lossy(line);
    let shape: String = line.chars().take(MAX_SHOWN).map(blur).collect();
    printable(shape.as_bytes())
}

/// Returns what a text seems to be by the line that was looked at, and the option that would work.
fn describe(start: &[u8], line: &[u8]) -> (String, &'static str) {
    let has = |text: &str| memchr::memmem::find(line, text.as_bytes()).is_some();
    // The entries of an export, or of a list, say more than what is around them.
    let object = traffic::first_object(start).map(str::as_bytes);
    let line = object.unwrap_or(line);
    let seems = Seeming::of_unknown(line);
    if line.starts_with(b"{") || line.starts_with(b"[{") {
        if has("\"entries\"") || has("\"log\"") && has("{\"log\":{") {
            let help =
                "save it as HAR 1.2, with a list `log.entries`, or name it: `--input-format har`";
            return ("the log seems to be an HTTP archive (HAR) without entries".to_owned(), help);
        }
        let mut keys = Vec::new();
        let read = traffic::json::object(line, |key, _| keys.push(printable(key.as_bytes())));
        if seems == Seeming::Json && read.is_ok() {
            keys.truncate(MAX_KEYS);
            let keys = keys.join("`, `");
            let message = format!("the log seems to be {}: `{keys}`", seems.as_str());
            return (message, seems.help());
        }
        let is_named = matches!(seems, Seeming::CloudTrail | Seeming::Base64 | Seeming::Firewall);
        let seems = if is_named { seems } else { Seeming::BrokenJson };
        return (format!("the log seems to be {}", seems.as_str()), seems.help());
    }
    let is_w3c = memchr::memmem::find(start, b"#Fields:").is_some();
    match () {
        () if is_w3c => (
            "the log seems to be of the W3C's extended format, and `#Fields:` names neither host nor URL".to_owned(),
            Seeming::Csv.help(),
        ),
        () if memchr::memmem::find(start, b"#fields\t").is_some() => (
            "the log seems to be of Zeek, and neither its http, ssl nor dns log".to_owned(),
            "hunt in `http.log`, `ssl.log` or `dns.log`",
        ),
        () if line.starts_with(b"#") || line.is_empty() => (
            "the log has no line beside comments and blank ones".to_owned(),
            "give the log that was rotated, or wait for the first request",
        ),
        () if seems == Seeming::Text => (
            "the log seems to be text, and none of its first lines is of a known format".to_owned(),
            seems.help(),
        ),
        () => (format!("the log seems to be {}", seems.as_str()), seems.help()),
    }
}

/// Returns a finding about a log of unknown format.
pub(crate) fn with(log: &Arc<str>, message: &str, help: &str) -> Finding {
    Finding::about(log, &traffic::codes::UNKNOWN_LOG, message, help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_has_the_shape_of_the_line_and_none_of_its_secrets() {
        for (start, shape) in [
            (
                "{\"path\":\"/bot123456789:AAExampleSEKRETExampleExample\n",
                "{\"aaaa\":\"/aaa000000000:AAAaaaaaaAAAAAAAa",
            ),
            (
                "GET https://hooks.slack.com/services/T0AB/x y\n",
                "AAA aaaaa://aaaaa.aaaaa.aaa/aaaaaaaa/A0A",
            ),
            ("\u{442}\u{43e}\u{43a}\u{435}\u{43d} \u{663}\u{1f511}\n", "aaaaa 0a"),
        ] {
            let message = finding(&Arc::from("a.log"), start.as_bytes()).diagnostic.message;
            assert!(message.ends_with(&format!("line 1 has the shape `{shape}`")), "{message}");
        }
    }

    #[test]
    fn a_finding_names_what_the_log_seems_to_be_the_line_and_the_option() {
        for (start, line, message, help) in [
            (&b"\xfd7zXZ\0\0\0"[..], 1, "compressed by xz", "xz -dc"),
            (b"PK\x03\x04..", 1, "ZIP", "unzip"),
            (b"\x0a\x0d\x0d\x0a..", 1, "capture of packets", "Zeek"),
            (b"a\0b\0\0", 1, "binary", "UTF-8"),
            (b"ElfFile\0\0", 1, "EVTX", "event 22"),
            (b"%PDF-1.7", 1, "PDF", "printed"),
            (b"LPKSHHRH\0", 1, "journal", "journalctl"),
            (b"<html>", 1, "HTML", "HAR"),
            (b"# a\n\n# b\n", 1, "beside comments", "rotated"),
            (
                b"Nov 20 08:00:00 fw kernel: IN=eth0 SRC=10.0.1.7 DST=192.0.2.1",
                1,
                "firewall",
                "Zeek",
            ),
            (
                b"Nov 20 08:00:00 a dnsmasq[1]: query[A] a.example from 10.0.1.7",
                1,
                "name server",
                "time,client_ip,host",
            ),
            (b"x CEF:0|a|b|c|d|e|5|act=x", 1, "CEF", "--map"),
            (b"---\nhttpRequest:\n", 1, "YAML", "--format=json"),
            (
                b"{\"Records\":[{\"eventSource\":\"s3\",\"eventName\":\"x\"}]}",
                1,
                "CloudTrail",
                "goes out",
            ),
            (b"{\"category\":\"AZFWNetworkRule\",\"properties\":{}}", 1, "packets", "Zeek"),
            (b"\n{\"a\":1,\"b\":2}\n", 2, "keys is a request's host: `a`, `b`; line 2", "--map"),
            (b"[{\"a\":1,\"b\":2}]", 1, "keys is a request's host: `a`, `b`; line 1", "--map"),
            (b"{\"a\":1,", 1, "cut or broken", "--input-format envoy"),
            (b"{\"log\":{\"x\":[]}}", 1, "HAR", "--input-format har"),
            (b"# x\na\tb\tc\n", 2, "TSV", "--map"),
            (b"a,b,c,d\n", 1, "CSV", "--map"),
            (b"#Fields: date x\n1 2\n", 2, "W3C", "--map"),
            (b"#separator \\x09\n#fields\ta\n1\n", 3, "Zeek", "http.log"),
            (b"a=1 b=2 c=3 d=4", 1, "key=value", "JSON lines"),
            (b"words \x1b[2J", 1, "text", "--log-format"),
        ] {
            let finding = finding(&Arc::from("a.log"), start).diagnostic;
            let name = String::from_utf8_lossy(start);
            assert_eq!(finding.place.span.line, line, "{name}");
            assert!(finding.message.contains(message), "{name}: {}", finding.message);
            assert!(finding.help.contains(help), "{name}: {}", finding.help);
            assert!(!finding.message.contains('\x1b'));
        }
    }
}
