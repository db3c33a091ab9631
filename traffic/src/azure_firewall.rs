//! Events of Azure Firewall: its structured logs, with a column for each fact, and the older ones, whose fact is a
//! sentence.
//!
//! See: <https://learn.microsoft.com/azure/azure-monitor/reference/tables/azfwapplicationrule>, its sisters for threat
//! intelligence and queries, and <https://learn.microsoft.com/azure/firewall/monitor-firewall-reference>.

use std::borrow::Cow;

use crate::Unreadable;
use crate::json;
use crate::part::Part;
use crate::slots::Slots;

/// How the categories begin that the firewall writes.
const MARKS: [&str; 2] = ["AZFW", "AzureFirewall"];

/// The categories whose events name a host.
const OF_HOSTS: [&str; 5] = [
    "AZFWApplicationRule",
    "AZFWThreatIntel",
    "AZFWDnsQuery",
    "AzureFirewallApplicationRule",
    "AzureFirewallDnsProxy",
];

/// The facts of an event, as it is in a storage account, in an event hub, or exported from a workspace.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct FirewallEvent<'l> {
    category: Cow<'l, str>,
    time: Cow<'l, str>,
    source: Cow<'l, str>,
    host: Cow<'l, str>,
    url: Cow<'l, str>,
    protocol: Cow<'l, str>,
    port: Cow<'l, str>,
    query: Cow<'l, str>,
    /// The sentence of an older event.
    message: Cow<'l, str>,
}

impl<'l> FirewallEvent<'l> {
    /// Reads an object; `None` if it is no event of this firewall.
    ///
    /// # Errors
    /// The line is not a JSON object.
    pub(crate) fn read(line: &'l [u8]) -> Result<Option<FirewallEvent<'l>>, Unreadable> {
        let mut event = FirewallEvent::default();
        let mut properties = None;
        json::object(line, |key, raw| {
            if key.eq_ignore_ascii_case("properties") && raw.starts_with('{') {
                properties = Some(raw);
            } else {
                event.set(key, raw);
            }
        })?;
        if let Some(properties) = properties {
            json::object(properties.as_bytes(), |key, raw| event.set(key, raw))?;
        }
        Ok((!event.category.is_empty()).then_some(event))
    }

    fn set(&mut self, key: &str, raw: &'l str) {
        let key = key.to_ascii_lowercase();
        let is_category = matches!(key.as_str(), "category" | "type");
        let place = match key.as_str() {
            "category" | "type" => &mut self.category,
            "time" | "timegenerated" => &mut self.time,
            "sourceip" => &mut self.source,
            "fqdn" => &mut self.host,
            "targeturl" => &mut self.url,
            "protocol" => &mut self.protocol,
            "destinationport" => &mut self.port,
            "queryname" => &mut self.query,
            "msg" | "msg_s" => &mut self.message,
            _ => return,
        };
        // A list or an object is not a value of these columns, and tables of workspaces have types of their own.
        if let Ok(text) = json::text(raw)
            && !matches!(&*text, "" | "-" | "null")
            && !text.starts_with(['[', '{'])
            && (!is_category || MARKS.iter().any(|mark| text.starts_with(mark)))
        {
            *place = text;
        }
    }

    /// Returns true if events of this category name a host.
    pub(crate) fn is_of_hosts(&self) -> bool {
        OF_HOSTS.contains(&&*self.category)
    }

    /// Returns the values of the request, or of a query as of a connection; `None` for an event that names no host, as
    /// one of a network rule.
    pub(crate) fn slots(&self) -> Option<Slots<'_>> {
        let mut slots = Slots::of_text();
        slots.set(Part::Time, 0, &self.time);
        let mut facts = Facts {
            source: &self.source,
            host: &self.host,
            url: &self.url,
            protocol: &self.protocol,
            port: &self.port,
            query: &self.query,
        };
        if !self.message.is_empty() {
            facts = of_sentence(&self.message)?;
        }
        facts.write(&mut slots).then_some(slots)
    }
}

#[derive(Debug, Default)]
struct Facts<'t> {
    source: &'t str,
    host: &'t str,
    url: &'t str,
    protocol: &'t str,
    port: &'t str,
    query: &'t str,
}

impl<'t> Facts<'t> {
    /// Writes them; returns false if there is no host.
    fn write(&self, slots: &mut Slots<'t>) -> bool {
        slots.set(Part::SourceAddress, 0, self.source);
        let query = self.query.trim_end_matches('.');
        if !query.is_empty() {
            slots.set(Part::ServerName, 0, query);
            return true;
        }
        let is_tls = self.protocol.eq_ignore_ascii_case("https");
        let (scheme, usual_port) = if is_tls { ("https", "443") } else { ("http", "80") };
        if self.port != usual_port {
            slots.set(Part::Port, 0, self.port);
        }
        if self.url.is_empty() {
            // All that is seen of TLS that is not opened. Of HTTP a host is as little.
            slots.set(Part::ServerName, 0, self.host);
        } else {
            slots.set(Part::Scheme, 0, scheme);
            slots.set(Part::Authority, 0, self.host);
            slots.set(Part::Path, 0, self.url);
        }
        !self.host.is_empty() || !self.url.is_empty()
    }
}

/// Reads the sentence of an older event: `HTTPS request from ADDRESS:PORT to HOST:PORT. Url: URL. Action: ...`, or
/// `DNS Request: ADDRESS:PORT - ID TYPE CLASS NAME ...`.
fn of_sentence(text: &str) -> Option<Facts<'_>> {
    let text = text.trim_ascii();
    if let Some(query) = text.strip_prefix("DNS Request: ") {
        let mut words = query.split_ascii_whitespace();
        let source = words.next()?;
        let query = words.nth(4)?;
        return Some(Facts { source, query, ..Facts::default() });
    }
    let (protocol, rest) = text.split_once(" request from ")?;
    if !protocol.eq_ignore_ascii_case("http") && !protocol.eq_ignore_ascii_case("https") {
        return None;
    }
    let (source, rest) = rest.split_once(" to ")?;
    // What follows are sentences of their own, and a URL has dots without a blank behind them.
    let (target, rest) = rest.split_once(". ").unwrap_or((rest.trim_end_matches('.'), ""));
    let (host, port) = target.rsplit_once(':').unwrap_or((target, ""));
    let url = rest.strip_prefix("Url: ").map_or("", |rest| {
        rest.split_once(". ").map_or(rest.trim_end_matches('.'), |(url, _)| url)
    });
    Some(Facts { source, host, url, protocol, port, query: "" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::Line;

    fn request(line: &str) -> Option<String> {
        let event = FirewallEvent::read(line.as_bytes()).unwrap()?;
        let slots = event.slots()?;
        let mut request = Line::default();
        assert!(slots.write(&mut request).is_empty(), "{line}");
        let text = |text: &Option<Cow<'_, str>>| text.as_deref().unwrap_or("-").to_owned();
        let time = slots.time().and_then(json::Time::milliseconds);
        Some(format!(
            "{} {} {} {} {time:?}",
            request.scheme,
            request.authority,
            text(&request.path),
            text(&request.source_address),
        ))
    }

    #[test]
    fn sentences_and_columns_become_requests() {
        let time = r#""time":"2026-11-20T08:00:00Z""#;
        let of = |category: &str, properties: &str| {
            format!(r#"{{{time},"category":"{category}","properties":{{{properties}}}}}"#)
        };
        let old =
            |message: &str| of("AzureFirewallApplicationRule", &format!(r#""msg":"{message}""#));
        for (line, expect) in [
            (
                of("AZFWApplicationRule", r#""Protocol":"HTTPS","SourceIp":"10.0.1.7","SourcePort":4,"DestinationPort":443,"Fqdn":"a.example","TargetUrl":"","Action":"Allow""#),
                Some(" a.example - 10.0.1.7"),
            ),
            (
                of("AZFWApplicationRule", r#""Protocol":"HTTP","SourceIp":"10.0.1.7","DestinationPort":8080,"Fqdn":"a.example","TargetUrl":"a.example:8080/b?c""#),
                Some("http a.example:8080 /b?c 10.0.1.7"),
            ),
            (
                of("AZFWThreatIntel", r#""Protocol":"HTTPS","SourceIp":"10.0.1.7","DestinationPort":443,"Fqdn":"a.example","TargetUrl":"https://a.example/b""#),
                Some("https a.example /b 10.0.1.7"),
            ),
            (
                of("AZFWDnsQuery", r#""SourceIp":"10.0.1.7","QueryName":"a.example.","QueryType":"A""#),
                Some(" a.example - 10.0.1.7"),
            ),
            (of("AZFWNetworkRule", r#""SourceIp":"10.0.1.7","DestinationIp":"192.0.2.1""#), None),
            (
                old("HTTPS request from 10.0.1.7:5 to a.example:443. Action: Allow. Rule Collection: c. Rule: r"),
                Some(" a.example - 10.0.1.7"),
            ),
            (
                old("HTTPS request from 10.0.1.7:5 to a.example:443. Url: a.example/b.c?d=1. Action: Deny. Policy: p"),
                Some("https a.example /b.c?d=1 10.0.1.7"),
            ),
            (
                old("HTTP  request from 10.0.1.7:5 to a.example:80. Action: Deny. No rule matched"),
                None,
            ),
            (old("HTTP request from 10.0.1.7:5 to a.example:80"), Some(" a.example - 10.0.1.7")),
            (old("HTTPS request from 10.0.1.7:5 to a.example:8443"), Some(" a.example:8443 - 10.0.1.7")),
            (old("HTTPS request from 10.0.1.7:5 to :443. Action: Deny. Reason: no SNI"), None),
            (old("TCP request from 10.0.1.7:5 to 192.0.2.1:443. Action: Deny"), None),
            (
                of("AzureFirewallDnsProxy", r#""msg":"DNS Request: 10.0.1.7:5 - 12 A IN a.example. udp 45 false 512 NOERROR qr,rd,ra 80 0.01s""#),
                Some(" a.example - 10.0.1.7"),
            ),
            (
                r#"{"TimeGenerated":"2026-11-20T08:00:00Z","Type":"AZFWApplicationRule","SourceIp":"10.0.1.7","Fqdn":"a.example","Protocol":"HTTPS","TargetUrl":["x"]}"#.to_owned(),
                Some(" a.example - 10.0.1.7"),
            ),
            (
                r#"{"TimeGenerated":"2026-11-20T08:00:00Z","Category":"AzureFirewallApplicationRule","msg_s":"HTTPS request from 10.0.1.7:5 to a.example:443. Action: Allow","Type":"AzureDiagnostics"}"#.to_owned(),
                Some(" a.example - 10.0.1.7"),
            ),
        ] {
            let expect = expect.map(|expect| format!("{expect} Some(1795161600000)"));
            assert_eq!(request(&line), expect, "{line}");
        }
        assert_eq!(request(r#"{"category":"FrontDoorAccessLog","properties":{}}"#), None);
        assert!(FirewallEvent::read(b"[]").is_err());
    }
}
