//! What lines seem to be that are of no known format.

use crate::{Layout, json};

/// What a line, or a log by its first line, seems to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seeming {
    /// JSON that does not end, or is not JSON.
    BrokenJson,
    /// An object without a key of a request's host.
    Json,
    /// An event of the API of AWS.
    CloudTrail,
    /// An object with its URL in base64.
    Base64,
    /// `ArcSight`'s event format.
    Cef,
    /// `QRadar`'s event format.
    Leef,
    /// Words with values.
    KeyValue,
    /// A line of AWS's load balancer.
    LoadBalancer,
    /// A line of the flow log of a VPC.
    FlowLog,
    /// A line of a bucket's access log.
    BucketLog,
    /// A packet of a firewall.
    Firewall,
    /// A query of a name server.
    Dns,
    /// XML or HTML.
    Markup,
    /// YAML, as Google's command line writes entries.
    Yaml,
    /// Values between tabs.
    Tabs,
    /// Values between commas or semicolons.
    Csv,
    /// A row that has not as many values as the header.
    Row,
    /// An event of tidegate behind what Envoy writes in front of a line of its own log.
    Event,
    /// A line of a format that is read, in a log whose format was given.
    OtherFormat,
    /// Other text.
    Text,
}

/// The methods of requests.
const METHODS: [&str; 8] = ["GET", "POST", "PUT", "HEAD", "CONNECT", "DELETE", "OPTIONS", "PATCH"];

/// Returns true for a line of Envoy's own log with an event of tidegate.
fn is_event(line: &[u8]) -> bool {
    // Also in the text of an object around the line.
    let starts = [&b"{\"event\":\"tidegate."[..], br#"{\"event\":\"tidegate."#];
    starts.iter().any(|start| memchr::memmem::find(line, start).is_some_and(|at| at > 0))
}

impl Seeming {
    /// Returns what a line seems to be. `is_detected` says that other formats were tried.
    pub(crate) fn of(line: &[u8], is_detected: bool) -> Seeming {
        let line = line.trim_ascii();
        if !is_detected && Layout::of_other_line(line).is_some() {
            return Seeming::OtherFormat;
        }
        Seeming::of_unknown(line)
    }

    /// Returns what a line of no known format seems to be.
    pub fn of_unknown(line: &[u8]) -> Seeming {
        let has = |text: &str| memchr::memmem::find(line, text.as_bytes()).is_some();
        let n = |byte: u8| line.iter().filter(|other| **other == byte).count();
        let text = String::from_utf8_lossy(line);
        let words: Vec<&str> = text.split(' ').take(MAX_WORDS).collect();
        // Network rules of Azure Firewall, flows of Cilium, and what Google logs of firewalls, addresses and subnets.
        let is_packet = || {
            has("\"AZFW")
                || has("\"AzureFirewall")
                || has("\"l4\"") && has("\"IP\"")
                || has("\"connection\"") && has("\"src_ip\"")
        };
        if line.starts_with(b"{") || line.starts_with(b"[{") {
            let is_read = json::object(line, |_, _| {}).is_ok();
            return match is_read {
                _ if has("\"eventSource\"") && has("\"eventName\"") => Seeming::CloudTrail,
                true if is_packet() => Seeming::Firewall,
                true if has("\"b64url\"") => Seeming::Base64,
                true => Seeming::Json,
                false => Seeming::BrokenJson,
            };
        }
        let is_balancer = || {
            let kinds = ["http", "https", "h2", "grpcs", "ws", "wss"];
            let is_time =
                |at: usize| words.get(at).is_some_and(|time| crate::syslog::is_time(time));
            words.first().is_some_and(|kind| kinds.contains(kind)) && is_time(1)
                // A classic one has the line of the request behind eleven words.
                || is_time(0) && words.get(11).is_some_and(|line| line.starts_with('"'))
        };
        // BIND, Unbound and CoreDNS; dnsmasq and Pi-hole; Windows.
        let is_dns = || {
            has(" query: ")
                || [" IN A", " A IN", "\"A IN ", "\"AAAA IN "].into_iter().any(has)
                || has("query[") && has(" from ")
                || has(" PACKET ") && (has(" Rcv ") || has(" Snd "))
        };
        match () {
            () if is_event(line) => Seeming::Event,
            () if has("CEF:0|") || has("CEF:1|") || has("CEF: 0|") => Seeming::Cef,
            () if has("LEEF:1.0|") || has("LEEF:2.0|") => Seeming::Leef,
            () if line.starts_with(b"<") && !line.get(1).is_some_and(u8::is_ascii_digit) => {
                Seeming::Markup
            }
            () if is_balancer() => Seeming::LoadBalancer,
            () if is_flow(&words) => Seeming::FlowLog,
            () if has(" REST.") && has("] ") => Seeming::BucketLog,
            () if has(" SRC=") && has(" DST=")
                || has("%ASA-")
                || has(" filterlog")
                || has(",TRAFFIC,") =>
            {
                Seeming::Firewall
            }
            () if is_dns() => Seeming::Dns,
            () if line.starts_with(b"---") || line.starts_with(b"httpRequest:") => Seeming::Yaml,
            () if n(b'=') > 3 => Seeming::KeyValue,
            () if n(b'\t') > 1 => Seeming::Tabs,
            () if n(b',') > 2 || n(b';') > 2 => Seeming::Csv,
            () => Seeming::Text,
        }
    }

    /// Returns true if a line that was not read looks like a request: a method as a word of its own and a target,
    /// or a URL as a value of its own. An event is about one, of which the access log has a line.
    pub(crate) fn is_request_like(line: &[u8]) -> bool {
        if is_event(line) {
            return false;
        }
        let is_word = |at: usize, length: usize| {
            let before = at.checked_sub(1).and_then(|at| line.get(at));
            let is_sign = |byte: Option<&u8>| byte.is_none_or(|byte| !byte.is_ascii_alphanumeric());
            is_sign(before) && is_sign(line.get(at + length))
        };
        let has_method = METHODS.iter().any(|method| {
            memchr::memmem::find_iter(line, method.as_bytes()).any(|at| is_word(at, method.len()))
        });
        let has_target = || line.iter().any(|byte| b"/:".contains(byte));
        let is_value = |at: usize| {
            let before = line.get(..at).unwrap_or_default();
            let scheme =
                before.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric()).count();
            let before = before.get(..at - scheme).unwrap_or_default();
            before.last().is_none_or(|byte| b",;|\t\"'=".contains(byte))
        };
        has_method && has_target() || memchr::memmem::find_iter(line, b"://").any(is_value)
    }

    /// Returns what the line is, for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Seeming::BrokenJson => "JSON that is cut or broken",
            Seeming::Json => "JSON, and none of its keys is a request's host",
            Seeming::CloudTrail => {
                "a CloudTrail log: calls of the API of AWS, not requests that a gateway sees"
            }
            Seeming::Base64 => "a feed of Zscaler with URLs in base64 (`b64url`)",
            Seeming::Cef => "of the Common Event Format (CEF)",
            Seeming::Leef => "of the Log Event Extended Format (LEEF)",
            Seeming::KeyValue => "of keys with values (`key=value`)",
            Seeming::LoadBalancer => {
                "an access log of a load balancer of AWS: requests that come in"
            }
            Seeming::FlowLog => "a flow log of a VPC: addresses and ports, without hosts",
            Seeming::BucketLog => "an access log of a bucket (S3): requests that come in",
            Seeming::Firewall => "a firewall's log of packets: addresses and ports, without hosts",
            Seeming::Dns => "a name server's log of queries",
            Seeming::Markup => "XML or HTML",
            Seeming::Yaml => "YAML",
            Seeming::Tabs => "separated by tabs (TSV), without a header that names a host or a URL",
            Seeming::Csv => "CSV, without a header that names a host or a URL",
            Seeming::Row => "a row that has not as many values as the header has names",
            Seeming::Event => "Envoy's own log with events of tidegate",
            Seeming::OtherFormat => "of another format than the one that was given",
            Seeming::Text => "text of no known format",
        }
    }

    /// Returns the option or the conversion that would work.
    pub fn help(self) -> &'static str {
        const MAP: &str = "name its keys with `--map FILE` (`[request]`, `host = \"KEY\"`), or use `--input-format json` for rules that ask for its own keys";
        const COLUMNS: &str = "name its columns with `--map FILE` (`[request]`, `host = \"COLUMN\"`); without a header put one in front, as `time,client_ip,method,url`";
        const KEYS: &str = "write it as JSON lines, and name its keys with `--map FILE` (`[request]`, `host = \"KEY\"`)";
        const OUTGOING: &str = "hunt in the logs of what goes out: of a proxy, of AWS Network Firewall (`eve.json` in its events), or of Route 53 Resolver's queries";
        match self {
            Seeming::BrokenJson => {
                "mend it, or begin the log with its first whole line; `--input-format envoy` reads the lines that are whole"
            }
            Seeming::Json => MAP,
            Seeming::Base64 => {
                "have the feed write `url` and `reqmethod` as text, or decode it: `jq -c '.event.url = (.event.b64url|@base64d)'`"
            }
            Seeming::Cef | Seeming::Leef | Seeming::KeyValue => KEYS,
            Seeming::CloudTrail | Seeming::LoadBalancer | Seeming::BucketLog => OUTGOING,
            Seeming::FlowLog | Seeming::Firewall => {
                "rules ask for hosts and URLs: hunt in the proxy's log, or let Zeek or Suricata write `http.log`, `ssl.log` or `eve.json` from the traffic"
            }
            Seeming::Dns => {
                "write it as CSV with the columns `time,client_ip,host`; or hunt in Zeek's `dns.log`"
            }
            Seeming::Markup => "export it as HAR, CSV or JSON lines",
            Seeming::Event => {
                "take the events out: `tidegate events --to native FILE | tidegate hunt`; or hunt in the access log"
            }
            Seeming::Yaml => "export it as JSON: `gcloud logging read --format=json`, `yq -o json`",
            Seeming::Tabs | Seeming::Csv => COLUMNS,
            Seeming::Row => {
                "write each value, also an empty one, and put one with the separator or a line break in it in quotes"
            }
            Seeming::OtherFormat => {
                "leave `--input-format` out, so that each line is read as what it is"
            }
            Seeming::Text => {
                "give the format string of Envoy's log with `--log-format`, or its format with `--input-format`"
            }
        }
    }
}

/// Most words of a line that are looked at.
const MAX_WORDS: usize = 32;

/// Returns true for the fields of a flow log: `2 123456789010 eni-0a 10.0.1.7 192.0.2.1 49152 443 6 10 840 START END
/// ACCEPT OK`, and its header.
fn is_flow(words: &[&str]) -> bool {
    let is_account =
        |word: &&str| word.len() == 12 && word.bytes().all(|byte| byte.is_ascii_digit());
    let has = |word: &str| words.contains(&word);
    words.get(1).is_some_and(is_account) && words.get(2).is_some_and(|id| id.starts_with("eni-"))
        || has("interface-id") && has("srcaddr") && has("dstaddr")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_no_known_format_are_named() {
        for (line, expect) in [
            (r#"{"a":1}"#, Seeming::Json),
            (r#"{"a":1"#, Seeming::BrokenJson),
            (
                r#"{"eventVersion":"1.08","eventSource":"s3.amazonaws.com","eventName":"GetObject"}"#,
                Seeming::CloudTrail,
            ),
            (r#"{"event":{"host":"a.example","b64url":"YQ=="}}"#, Seeming::Base64),
            (
                r#"{"category":"AZFWNetworkRule","properties":{"SourceIp":"10.0.1.7","DestinationIp":"192.0.2.1"}}"#,
                Seeming::Firewall,
            ),
            (
                r#"{"flow":{"IP":{"source":"10.0.1.7"},"l4":{"TCP":{}},"Type":"L3_L4"}}"#,
                Seeming::Firewall,
            ),
            (
                r#"{"jsonPayload":{"connection":{"src_ip":"10.0.1.7","dest_ip":"192.0.2.1"},"allocation_status":"OK"}}"#,
                Seeming::Firewall,
            ),
            ("1,2026/11/20 08:00:00,0123,TRAFFIC,end,2305,x,10.0.1.7,192.0.2.1", Seeming::Firewall),
            (
                "<134>Nov 20 08:00:00 nss CEF:0|Zscaler|NSSWeblog|5.7|Allowed|Allowed|5|act=Allowed dhost=a.example",
                Seeming::Cef,
            ),
            ("LEEF:2.0|A|B|1|x|usrName=a", Seeming::Leef),
            (
                r#"[2026-11-20 08:00:00.000][1][warning][wasm] [x.cc:1] wasm log tidegate tidegate: {"event":"tidegate.match","http":{"method":"GET","host":"a.example"}}"#,
                Seeming::Event,
            ),
            ("a=1 b=2 c=3 d=4", Seeming::KeyValue),
            (
                r#"http 2026-11-20T08:00:00.186641Z app/lb/50dc6c 192.0.2.9:2817 10.0.0.1:80 0.000 0.001 0.000 200 200 34 366 "GET http://www.example.com:80/ HTTP/1.1" "curl/8" - -"#,
                Seeming::LoadBalancer,
            ),
            (
                "2 123456789010 eni-1235b8ca 10.0.1.7 192.0.2.1 20641 443 6 20 4249 1418530010 1418530070 ACCEPT OK",
                Seeming::FlowLog,
            ),
            (
                r#"79a59df900 bucket [20/Nov/2026:08:00:00 +0000] 192.0.2.3 79a59df900 3E57427F3 REST.GET.OBJECT x "GET /bucket/x HTTP/1.1" 200 - 113 - 7 - "-" "S3Console/0.4" -"#,
                Seeming::BucketLog,
            ),
            (
                "Nov 20 08:00:00 fw kernel: [1.2] IN=eth0 OUT= MAC=00 SRC=10.0.1.7 DST=192.0.2.1 LEN=60 PROTO=TCP",
                Seeming::Firewall,
            ),
            (
                "20-Nov-2026 08:00:00.000 queries: info: client @0x7f 10.0.1.7#5353 (a.example): query: a.example IN A +E(0)K (10.0.0.2)",
                Seeming::Dns,
            ),
            ("Nov 20 08:00:00 pi dnsmasq[7]: query[A] a.example from 10.0.1.7", Seeming::Dns),
            (
                "[INFO] 10.0.1.7:5353 - 17 \"AAAA IN a.example. udp 46 false 512\" NOERROR qr 106 0.01s",
                Seeming::Dns,
            ),
            ("[1795161600] unbound[7:0] info: 10.0.1.7 a.example. A IN", Seeming::Dns),
            (
                "11/20/2026 8:00:00 AM 0A2C PACKET  0000000002 UDP Rcv 10.0.1.7 9a5b Q [0001 D NOERROR] A (1)a(0)",
                Seeming::Dns,
            ),
            ("<html><body>", Seeming::Markup),
            ("---", Seeming::Yaml),
            ("a\tb\tc", Seeming::Tabs),
            ("a,b,c,d", Seeming::Csv),
            ("words", Seeming::Text),
            ("", Seeming::Text),
        ] {
            assert_eq!(Seeming::of_unknown(line.as_bytes()), expect, "{line}");
            assert!(!expect.as_str().is_empty() && !expect.help().is_empty());
        }
    }

    #[test]
    fn what_programs_write_about_themselves_does_not_look_like_a_request() {
        for line in [
            "time=x method=GET url=https://a.example/ status=200",
            r#"[x] "GET /a HTTP/1.1" 200"#,
            "10.0.1.7 CONNECT a.example:443",
            "2026,10.0.1.7,https://a.example/x",
            r#"{"request":{"method":"GET","uri":"/x"}}"#,
        ] {
            assert!(Seeming::is_request_like(line.as_bytes()), "{line}");
        }
        for line in [
            "[2026-11-20 08:00:00.1][1][info][main] starting",
            "[warning] deprecated: see https://www.envoyproxy.io/docs for help",
            r#"{"level":"info","msg":"Envoy starting"}"#,
            "TARGET: x/y",
            "GET",
            "",
        ] {
            assert!(!Seeming::is_request_like(line.as_bytes()), "{line}");
        }
    }
}
