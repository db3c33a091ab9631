//! Which keys the JSON logs of requests have.

use std::sync::LazyLock;

use crate::part::{
    ACCESS_LOG_KEYS, ECS_KEYS, EVENT_KEYS, GCP_KEYS, Keys, OCSF_KEYS, Part, ROUTE53_KEYS,
    SURICATA_KEYS, ZEEK_HTTP_KEYS,
};
use crate::slots::LineReader;
use crate::{FieldMap, Format};

type Table = &'static [(Part, &'static [&'static str])];

fn keys(table: Table) -> Keys {
    Keys::new(table.iter().copied())
}

static ACCESS_LOG: LazyLock<Keys> = LazyLock::new(|| keys(ACCESS_LOG_KEYS));
static ZEEK_HTTP: LazyLock<Keys> = LazyLock::new(|| keys(ZEEK_HTTP_KEYS));
static SURICATA: LazyLock<Keys> = LazyLock::new(|| keys(SURICATA_KEYS));
static ECS: LazyLock<Keys> = LazyLock::new(|| keys(ECS_KEYS));
static OCSF: LazyLock<Keys> = LazyLock::new(|| keys(OCSF_KEYS));
static GCP: LazyLock<Keys> = LazyLock::new(|| keys(GCP_KEYS));
static ROUTE53: LazyLock<Keys> = LazyLock::new(|| keys(ROUTE53_KEYS));
static EVENTS: LazyLock<Keys> = LazyLock::new(|| keys(EVENT_KEYS));

/// Returns a reader of the lines of an access log in JSON.
pub(crate) fn access_log_reader() -> LineReader {
    LineReader::of(&ACCESS_LOG)
}

/// Returns a reader of the lines of a JSON log of requests; `None` where the lines of the format are
/// not JSON, or are events whose fields are found by their names.
pub fn line_reader(format: Format, map: &FieldMap) -> Option<LineReader> {
    match format {
        Format::Envoy => Some(access_log_reader()),
        Format::ZeekHttp => Some(LineReader::of(&ZEEK_HTTP)),
        Format::Suricata => Some(LineReader::of(&SURICATA)),
        Format::Ecs => Some(LineReader::of(&ECS)),
        Format::Ocsf => Some(LineReader::of(&OCSF)),
        Format::JsonRows | Format::KeyValue => Some(LineReader::of_columns()),
        Format::Gcp => Some(LineReader::of(&GCP)),
        Format::Route53 => Some(LineReader::of(&ROUTE53)),
        Format::Events => Some(LineReader::of(&EVENTS)),
        Format::Json => map.request_keys().map(LineReader::new),
        Format::EnvoyText
        | Format::Har
        | Format::AzureFirewall
        | Format::Hubble
        | Format::ZeekSsl
        | Format::ZeekDns
        | Format::ZeekConn
        | Format::Squid
        | Format::Combined
        | Format::HaProxy
        | Format::W3c
        | Format::Csv
        | Format::Urls => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{Entry, Layout, LogReader};

    /// Sets a value in inner objects, by the name of its key with dots.
    fn set(object: &mut Value, name: &str, value: Value) {
        let (outer, inner) = name.split_once('.').unwrap_or((name, ""));
        if inner.is_empty() {
            object[outer] = value;
            return;
        }
        if !object[outer].is_object() {
            object[outer] = json!({});
        }
        set(&mut object[outer], inner, value);
    }

    #[test]
    fn a_value_of_any_type_in_any_key_costs_that_value_alone() {
        let odd = [
            json!(null),
            json!(true),
            json!(0),
            json!(7),
            json!(-1),
            json!(1.5),
            json!(200.0),
            json!("x"),
            json!(""),
            json!("-"),
            json!([]),
            json!(["a", 1]),
            json!({}),
            json!({"a": {"b": []}}),
        ];
        let numbers = [Part::Status, Part::RequestBytes, Part::ResponseBytes, Part::Port];
        let mut n_lines = 0;
        for (format, table) in [
            (Format::Envoy, ACCESS_LOG_KEYS),
            (Format::ZeekHttp, ZEEK_HTTP_KEYS),
            (Format::Suricata, SURICATA_KEYS),
            (Format::Ecs, ECS_KEYS),
            (Format::Ocsf, OCSF_KEYS),
            (Format::Gcp, GCP_KEYS),
            (Format::Events, EVENT_KEYS),
        ] {
            let first = |part: Part| table.iter().find(|(of, _)| *of == part).unwrap().1[0];
            let mut base = json!({});
            set(&mut base, first(Part::Method), json!("GET"));
            set(&mut base, first(Part::Authority), json!("a.example"));
            set(&mut base, first(Part::Path), json!("/x"));
            let mut reader = LogReader::new(Layout::from(format), &FieldMap::default());
            for (part, keys) in table {
                for key in *keys {
                    for value in &odd {
                        let mut object = base.clone();
                        set(&mut object, key, value.clone());
                        let line = object.to_string();
                        let is_text = value.is_string() || value.is_number() || value.is_null();
                        let is_empty = value.is_null() || *value == "" || *value == "-";
                        let is_whole =
                            value.as_f64().is_some_and(|it| it >= 0.0 && it.fract() == 0.0);
                        let is_right =
                            if numbers.contains(part) { is_whole || is_empty } else { is_text };
                        reader.read(line.as_bytes(), &mut |_, entry| {
                            n_lines += 1;
                            let needed = matches!(part, Part::Authority | Part::Path)
                                && *key == first(*part);
                            match entry {
                                Ok(Entry::Request(logged)) => {
                                    // A time is read where something matched, and counted then.
                                    let is_counted = *part != Part::Time && !is_right;
                                    let expect =
                                        if is_counted { vec![(*key).to_owned()] } else { vec![] };
                                    if !needed && *part != Part::Query && is_used(*part, key, table)
                                    {
                                        assert_eq!(logged.unread, expect, "{format:?} {line}");
                                    }
                                }
                                // The request is what cannot be read.
                                Err(_) if needed => {
                                    assert!(!is_right || is_empty, "{format:?} {line}");
                                }
                                _ => panic!("{format:?}: {entry:?} {line}"),
                            }
                        });
                    }
                }
            }
        }
        assert!(n_lines > 1000, "{n_lines}");
    }

    #[test]
    fn a_row_in_json_is_judged_whatever_its_other_values_are() {
        let mut reader = LogReader::new(Layout::from(Format::JsonRows), &FieldMap::default());
        let odd = [json!(null), json!([1]), json!({"a": 1}), json!(true), json!(-1), json!(1.5)];
        for key in [
            "src_ip",
            "http_user_agent",
            "status",
            "bytes_in",
            "bytes_out",
            "Referer",
            "_time",
            "x",
        ] {
            for value in &odd {
                let mut line = json!({"HTTP Method": "POST", "url": "https://a.example/x"});
                line[key] = value.clone();
                let mut n_requests = 0;
                reader.read(line.to_string().as_bytes(), &mut |_, entry| {
                    let Ok(Entry::Request(logged)) = entry else { panic!("{entry:?} {line}") };
                    assert_eq!(logged.line.clone().record().url(), b"https://a.example/x");
                    assert_eq!(logged.line.method, "POST");
                    n_requests += 1;
                });
                assert_eq!(n_requests, 1, "{line}");
            }
        }
    }

    #[test]
    fn a_query_is_judged_whatever_its_other_values_are() {
        let mut reader = LogReader::new(Layout::from(Format::Route53), &FieldMap::default());
        for (name, value, expect) in [
            ("srcaddr", json!("10.0.1.7"), "a.example 10.0.1.7 []"),
            ("srcaddr", json!(["10.0.1.7"]), r#"a.example - ["srcaddr"]"#),
            ("srcaddr", json!({}), r#"a.example - ["srcaddr"]"#),
            ("srcaddr", json!(null), "a.example - []"),
            ("query_timestamp", json!([]), "a.example - []"),
            ("query_name", json!("B.example"), "B.example - []"),
            ("query_name", json!([]), "a key of the wrong type"),
            ("query_name", json!(true), "a key of the wrong type"),
            ("query_name", json!(null), "no host"),
        ] {
            let mut line = json!({"query_name": "a.example.", "query_type": "A"});
            line[name] = value;
            let mut found = None;
            reader.read(line.to_string().as_bytes(), &mut |_, entry| {
                found = Some(match entry {
                    Ok(Entry::Request(logged)) => {
                        let source = logged.line.source_address.as_deref().unwrap_or("-");
                        format!("{} {source} {:?}", logged.line.authority, logged.unread)
                    }
                    Ok(other) => panic!("{other:?}"),
                    Err(refused) => refused.reason.as_str().to_owned(),
                });
            });
            assert_eq!(found.as_deref(), Some(expect), "{line}");
        }
    }

    /// Returns true if the value of a key counts: another key of the base line may come first.
    fn is_used(part: Part, key: &str, table: &[(Part, &[&str])]) -> bool {
        let keys = table.iter().find(|(of, _)| *of == part).unwrap().1;
        !matches!(part, Part::Method | Part::Authority | Part::Path) || keys[0] == key
    }
}
