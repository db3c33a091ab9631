//! Which keys the JSON logs of requests have.

use std::sync::LazyLock;

use crate::part::{
    ACCESS_LOG_KEYS, ECS_KEYS, EVENT_KEYS, Keys, OCSF_KEYS, Part, SURICATA_KEYS, ZEEK_HTTP_KEYS,
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
        Format::Events => Some(LineReader::of(&EVENTS)),
        Format::Json => map.request_keys().map(LineReader::new),
        Format::EnvoyText
        | Format::Har
        | Format::ZeekSsl
        | Format::ZeekDns
        | Format::Squid
        | Format::Combined
        | Format::HaProxy
        | Format::W3c
        | Format::Csv
        | Format::Urls => None,
    }
}
