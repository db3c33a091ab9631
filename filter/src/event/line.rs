//! An event as a line of JSON: the schema's keys, in their order.

use inspect::FieldValue;

use super::{Event, GatewayPart, MatchedRule, PackPart, RequestPart, ResponsePart};
use crate::json::Writer;

impl Event<'_> {
    /// Returns the event as one line of JSON.
    pub(crate) fn to_json(&self) -> String {
        let mut json = Writer::default();
        json.open('{');
        text(&mut json, "event", self.event);
        number(&mut json, "schema", Some(u64::from(self.schema)));
        number(&mut json, "time", self.time);
        text(&mut json, "mode", self.mode);
        text(&mut json, "action", self.action);
        flag(&mut json, "would_deny", self.would_deny);
        json.key("techniques");
        strings(&mut json, self.techniques.iter().map(String::as_str));
        number(&mut json, "n_rules", Some(self.n_rules as u64));
        json.key("rules");
        json.open('[');
        self.rules.iter().for_each(|rule| rule.write(&mut json));
        json.close(']');
        if !self.anomalies.is_empty() {
            json.key("anomalies");
            strings(&mut json, self.anomalies.iter().copied());
        }
        self.write_behaviour(&mut json);
        optional(&mut json, "stream", self.stream.unwrap_or_default());
        self.request.write(&mut json);
        if let Some(response) = &self.response {
            response.write(&mut json);
        }
        self.gateway.write(&mut json);
        self.pack.write(&mut json);
        flag(&mut json, "truncated", self.truncated);
        if let Some(suppressed) = &self.suppressed {
            json.key("suppressed");
            json.open('{');
            number(&mut json, "count", Some(u64::from(suppressed.count)));
            number(&mut json, "since", Some(suppressed.since));
            text(&mut json, "by", suppressed.by);
            json.close('}');
        }
        json.close('}');
        json.into_text()
    }

    fn write_behaviour(&self, json: &mut Writer) {
        if self.behaviour.is_empty() {
            return;
        }
        json.key("behaviour");
        json.open('{');
        for (key, value) in &self.behaviour {
            json.key(key);
            match value {
                FieldValue::Number(value) => json.number(*value),
                FieldValue::Ratio(ratio) => json.ratio(*ratio),
                FieldValue::FirstUses(first_uses) => strings(json, first_uses.names()),
            }
        }
        json.close('}');
    }
}

impl MatchedRule<'_> {
    fn write(&self, json: &mut Writer) {
        json.open('{');
        text(json, "id", &self.id);
        text(json, "title", &self.title);
        optional(json, "level", self.level);
        optional(json, "author", &self.author);
        if !self.tags.is_empty() {
            json.key("tags");
            strings(json, self.tags.iter().map(AsRef::as_ref));
        }
        text(json, "phase", self.phase);
        text(json, "view", self.view);
        optional(json, "kind", self.kind.unwrap_or_default());
        number(json, "value", self.value);
        let policy = &self.policy;
        for (key, value) in [
            ("mode", policy.mode),
            ("statement", policy.statement.as_deref()),
            ("exception", policy.exception.as_deref()),
            ("expired_exception", policy.expired.as_deref()),
        ] {
            optional(json, key, value.unwrap_or_default());
        }
        if !self.evidence.is_empty() {
            json.key("evidence");
            json.open('[');
            for found in &self.evidence {
                json.open('{');
                text(json, "field", &found.field);
                text(json, "item", &found.item);
                text(json, "pattern", &found.pattern);
                json.close('}');
            }
            json.close(']');
        }
        json.close('}');
    }
}

impl RequestPart<'_> {
    fn write(&self, json: &mut Writer) {
        json.key("request");
        json.open('{');
        optional(json, "id", self.id.unwrap_or_default());
        optional(json, "traceparent", self.traceparent.unwrap_or_default());
        text(json, "method", self.method);
        text(json, "host", &self.host);
        texts(json, &[("sni", &self.sni), ("tunnel", &self.tunnel)]);
        if let Some(path) = &self.path {
            text(json, "path", path);
        }
        optional(json, "service", self.service.as_deref().unwrap_or_default());
        if !self.operations.is_empty() {
            json.key("operations");
            strings(json, self.operations.iter().copied());
        }
        optional(json, "usage", self.usage.unwrap_or_default());
        texts(
            json,
            &[
                ("tenant", &self.tenant),
                ("credential", &self.credential),
                ("source", &self.source),
                ("identity", &self.identity),
            ],
        );
        json.close('}');
    }
}

impl GatewayPart {
    fn write(&self, json: &mut Writer) {
        let names = [
            ("node", &self.node),
            ("filter_chain", &self.filter_chain),
            ("virtual_host", &self.virtual_host),
            ("route", &self.route),
            ("cluster", &self.cluster),
        ];
        if names.iter().any(|(_, name)| name.is_some()) {
            json.key("gateway");
            json.open('{');
            texts(json, &names);
            json.close('}');
        }
    }
}

impl ResponsePart {
    fn write(&self, json: &mut Writer) {
        json.key("response");
        json.open('{');
        number(json, "code", self.code.map(u64::from));
        number(json, "grpc_status", self.grpc_status.map(u64::from));
        number(json, "request_bytes", self.request_bytes);
        number(json, "response_bytes", self.response_bytes);
        number(json, "seconds", self.seconds);
        optional(json, "upstream", self.upstream.as_deref().unwrap_or_default());
        json.close('}');
    }
}

impl PackPart<'_> {
    fn write(&self, json: &mut Writer) {
        json.key("pack");
        json.open('{');
        text(json, "name", &self.name);
        number(json, "version", Some(self.version));
        text(json, "hash", &self.hash);
        json.close('}');
    }
}

fn text(json: &mut Writer, key: &str, value: &str) {
    json.key(key);
    json.string(value);
}

/// Writes texts, and omits those that are `None`.
fn texts(json: &mut Writer, values: &[(&str, &Option<String>)]) {
    for (key, value) in values {
        if let Some(value) = value {
            text(json, key, value);
        }
    }
}

/// Writes a text, and omits an empty one.
fn optional(json: &mut Writer, key: &str, value: &str) {
    if !value.is_empty() {
        text(json, key, value);
    }
}

fn number(json: &mut Writer, key: &str, value: Option<u64>) {
    if let Some(value) = value {
        json.key(key);
        json.number(value);
    }
}

fn flag(json: &mut Writer, key: &str, value: bool) {
    json.key(key);
    json.flag(value);
}

fn strings<'s>(json: &mut Writer, values: impl Iterator<Item = &'s str>) {
    json.open('[');
    values.for_each(|value| json.string(value));
    json.close(']');
}
