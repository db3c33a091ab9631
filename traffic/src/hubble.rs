//! Flows of Cilium's Hubble: of HTTP, and of queries, as the exporter and `hubble observe -o json` write them.
//!
//! See: <https://docs.cilium.io/en/stable/observability/hubble/configuration/export/> and
//! <https://docs.cilium.io/en/stable/_api/v1/flow/README/>. Flows of packets name no host that a client asked for.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::Unreadable;
use crate::json;
use crate::part::Part;
use crate::slots::Slots;

/// What a flow says of a request.
#[derive(Debug, Default)]
pub(crate) struct Flow<'l> {
    time: Cow<'l, str>,
    source: Cow<'l, str>,
    target: Cow<'l, str>,
    /// `REQUEST`, `RESPONSE` or `SAMPLE`.
    kind: Cow<'l, str>,
    method: Cow<'l, str>,
    url: Cow<'l, str>,
    version: Cow<'l, str>,
    query: Cow<'l, str>,
    agent: Cow<'l, str>,
    referer: Cow<'l, str>,
    has_http: bool,
}

impl<'l> Flow<'l> {
    /// Reads a flow, alone or within an event of the exporter.
    ///
    /// # Errors
    /// The line is not a JSON object.
    pub(crate) fn read(line: &'l [u8]) -> Result<Flow<'l>, Unreadable> {
        let mut flow = Flow::default();
        let mut inner = None;
        json::object(line, |key, raw| {
            if key == "flow" && raw.starts_with('{') {
                inner = Some(raw);
            } else {
                flow.set(key, raw);
            }
        })?;
        if let Some(inner) = inner {
            json::object(inner.as_bytes(), |key, raw| flow.set(key, raw))?;
        }
        Ok(flow)
    }

    fn set(&mut self, key: &str, raw: &'l str) {
        match key {
            "time" => self.time = text(raw),
            "IP" => each(raw, |key, raw| match key {
                "source" => self.source = text(raw),
                "destination" => self.target = text(raw),
                _ => {}
            }),
            "l7" => each(raw, |key, raw| match key {
                "type" => self.kind = text(raw),
                "http" => self.http(raw),
                "dns" => each(raw, |key, raw| {
                    if key == "query" {
                        self.query = text(raw);
                    }
                }),
                _ => {}
            }),
            _ => {}
        }
    }

    fn http(&mut self, raw: &'l str) {
        self.has_http = true;
        let mut headers = "";
        each(raw, |key, raw| match key {
            "method" => self.method = text(raw),
            "url" => self.url = text(raw),
            "protocol" => self.version = text(raw),
            "headers" => headers = raw,
            _ => {}
        });
        // Without headers, and of another value than a list, there are none.
        let headers: Vec<&RawValue> = serde_json::from_str(headers).unwrap_or_default();
        for header in headers {
            let (mut name, mut value) = (Cow::default(), Cow::default());
            each(header.get(), |key, raw| match key {
                "key" => name = text(raw),
                "value" => value = text(raw),
                _ => {}
            });
            match name.to_ascii_lowercase().as_str() {
                "user-agent" => self.agent = value,
                "referer" => self.referer = value,
                _ => {}
            }
        }
    }

    /// Returns true if the flow is of a request.
    pub(crate) fn is_request(&self) -> bool {
        // A response repeats its request.
        self.kind != "RESPONSE" && (self.has_http || !self.query.is_empty())
    }

    /// Returns the values of the request, or of a query as of a connection; `None` for a flow of something else.
    pub(crate) fn slots(&self) -> Option<Slots<'_>> {
        if !self.is_request() {
            return None;
        }
        let mut slots = Slots::of_text();
        slots.set(Part::Time, 0, &self.time);
        slots.set(Part::SourceAddress, 0, &self.source);
        if self.has_http {
            slots.set(Part::Method, 0, &self.method);
            slots.set(Part::Path, 0, &self.url);
            slots.set(Part::Protocol, 0, &self.version);
            slots.set(Part::UserAgent, 0, &self.agent);
            slots.set(Part::Referer, 0, &self.referer);
            slots.set(Part::UpstreamAddress, 0, &self.target);
        } else {
            slots.set(Part::ServerName, 0, self.query.trim_end_matches('.'));
        }
        Some(slots)
    }
}

/// Visits the entries of an inner object, which is a part of a line that is JSON; of another value there are none.
fn each<'l>(raw: &'l str, visit: impl FnMut(&str, &'l str)) {
    if raw.starts_with('{') {
        let _ = json::object(raw.as_bytes(), visit);
    }
}

fn text(raw: &str) -> Cow<'_, str> {
    json::text(raw).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::Line;

    #[test]
    fn flows_of_http_and_of_queries_become_requests() {
        let event = |l7: &str| {
            format!(
                r#"{{"flow":{{"time":"2026-11-20T08:00:00Z","verdict":"FORWARDED","IP":{{"source":"10.0.1.7","destination":"192.0.2.1"}},"l4":{{"TCP":{{"source_port":4}}}},"Type":"L7","l7":{l7}}},"node_name":"n","time":"2026-11-20T08:00:01Z"}}"#
            )
        };
        for (l7, expect) in [
            (
                r#"{"type":"REQUEST","http":{"method":"PUT","url":"http://a.example/b?c","protocol":"HTTP/1.1","headers":[{"key":"Accept","value":"*/*"},{"key":"User-Agent","value":"x/1"}]}}"#,
                Some("PUT a.example /b?c x/1 10.0.1.7"),
            ),
            (
                r#"{"type":"RESPONSE","latency_ns":"5","http":{"code":200,"method":"PUT","url":"http://a.example/b"}}"#,
                None,
            ),
            (
                r#"{"type":"REQUEST","dns":{"query":"a.example.","qtypes":["A"]}}"#,
                Some(" a.example - - 10.0.1.7"),
            ),
            (r#"{"type":"REQUEST","kafka":{"api_key":"produce"}}"#, None),
            ("null", None),
        ] {
            let line = event(l7);
            let flow = Flow::read(line.as_bytes()).unwrap();
            let found = flow.slots().map(|slots| {
                let mut request = Line::default();
                assert!(slots.write(&mut request).is_empty(), "{l7}");
                let path = request.path.as_deref().unwrap_or("-");
                let agent = request.user_agent.as_deref().unwrap_or("-");
                let source = request.source_address.as_deref().unwrap_or("-");
                format!("{} {} {path} {agent} {source}", request.method, request.authority)
            });
            assert_eq!(found.as_deref(), expect, "{l7}");
        }
        let alone = r#"{"time":"x","IP":{"source":"10.0.1.7"},"l7":{"type":"REQUEST","dns":{"query":"a.example."}}}"#;
        assert!(Flow::read(alone.as_bytes()).unwrap().is_request());
    }
}
