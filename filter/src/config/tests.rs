use super::*;
use crate::proto_struct::serialised;
use crate::testing::pack_of;

fn refusal(bytes: &[u8]) -> String {
    Config::read(bytes).unwrap_err().to_string()
}

#[test]
fn a_bare_pack_monitors_and_fails_open() {
    let config = Config::read(&pack_of("cs-host: a.example")).unwrap();
    assert_eq!(
        (config.settings.mode, config.settings.failure_mode),
        (Mode::Monitor, FailureMode::Open)
    );
    assert_eq!(config.pack.tables().rules.len(), 1);
}

#[test]
fn json_sets_the_modes_and_its_base64_may_be_wrapped() {
    let pack = STANDARD.encode(pack_of("cs-host: a.example"));
    let wrapped: Vec<&str> =
        pack.as_bytes().chunks(76).map(|line| str::from_utf8(line).unwrap()).collect();
    for (json, mode, failure_mode) in [
        (format!(r#"{{"pack":"{pack}"}}"#), Mode::Monitor, FailureMode::Open),
        (
            format!(r#" {{"mode":"enforce","failure_mode":"closed","pack":"{pack}"}} "#),
            Mode::Enforce,
            FailureMode::Closed,
        ),
        (
            format!(r#"{{"pack":"{}\n", "mode":"monitor"}}"#, wrapped.join("\\n")),
            Mode::Monitor,
            FailureMode::Open,
        ),
    ] {
        let config = Config::read(json.as_bytes()).unwrap();
        assert_eq!(
            (config.settings.mode, config.settings.failure_mode),
            (mode, failure_mode),
            "{json}"
        );
    }
}

#[test]
fn a_struct_is_read_as_json_is() {
    let pack = STANDARD.encode(pack_of("cs-host: a.example"));
    let read = |entries: &[(&str, &str)]| Config::read(&serialised(entries));
    let config = read(&[("mode", "enforce"), ("pack", &pack)]).unwrap();
    assert_eq!(
        (config.settings.mode, config.settings.failure_mode),
        (Mode::Enforce, FailureMode::Open)
    );
    for (entries, expect) in [
        (&[("mode", "enforce")][..], "the configuration is not valid: the key `pack` is missing"),
        (
            &[("pack", &pack), ("moed", "enforce")],
            "the configuration is not valid: unknown key `moed`, expected one of `pack`, `mode`, `failure_mode`, `protocol`, `tls`, `public_key`, `identity_key`, `source_header`, `trusted_hops`, `suppress_seconds`, `events_per_minute`, `collector`, `collector_url`, `connections_per_source`, `proxy_credentials`",
        ),
        (
            &[("pack", &pack), ("mode", "block")],
            "the configuration is not valid: `mode` has to be `monitor`, `enforce` or `off`, not `block`",
        ),
    ] {
        assert_eq!(read(entries).unwrap_err().to_string(), expect);
    }
    let number = b"\x0a\x11\x0a\x04mode\x12\x09\x11\0\0\0\0\0\0\0\0";
    assert_eq!(refusal(number), "the configuration is not valid: `mode` is not a string");
}

#[test]
fn a_refusal_has_a_reason() {
    let pack = pack_of("cs-host: a.example");
    let base64 = STANDARD.encode(&pack);
    let key_alone = format!("{{\"pack\":\"{base64}\",\"source_header\":\"x-client\"}}");
    for (bytes, expect) in [
        (&b""[..], "the plugin has no configuration; give it the output of `tidegate pack`"),
        (b" \n", "the plugin has no configuration; give it the output of `tidegate pack`"),
        (
            b"tide",
            "the configuration is neither a pack (it would start with `tidegate`) nor a JSON object, it starts with `tide`",
        ),
        (
            b"\x7fELF and so on",
            "the configuration is neither a pack (it would start with `tidegate`) nor a JSON object, it starts with `\\x7fELF and`",
        ),
        (b"{}", "the configuration is not valid: the key `pack` is missing"),
        (
            br#"{"pack":"","moed":"enforce"}"#,
            "the configuration is not valid: unknown key `moed`, expected one of `pack`, `mode`, `failure_mode`, `protocol`, `tls`, `public_key`, `identity_key`, `source_header`, `trusted_hops`, `suppress_seconds`, `events_per_minute`, `collector`, `collector_url`, `connections_per_source`, `proxy_credentials`",
        ),
        (
            br#"{"pack":"","mode":"block"}"#,
            "the configuration is not valid: `mode` has to be `monitor`, `enforce` or `off`, not `block`",
        ),
        (
            br#"{"pack":"","suppress_seconds":"soon"}"#,
            "the configuration is not valid: `suppress_seconds` has to be a number of at most 86400, not `soon`",
        ),
        (
            br#"{"pack":"","suppress_seconds":"86401"}"#,
            "the configuration is not valid: `suppress_seconds` has to be a number of at most 86400, not `86401`",
        ),
        (br#"{"pack":"","pack":""}"#, "the configuration is not valid: duplicate key `pack`"),
        (
            br#"{"pack":"","public_key":"x"}"#,
            "`public_key` is not an Ed25519 key in PEM; use the `.pub` file of `tidegate keygen`",
        ),
        (
            key_alone.as_bytes(),
            "`source_header` needs `trusted_hops`: a header that anybody can send proves nothing",
        ),
        (br#"{"pack":"*"}"#, "`pack` is not base64: Invalid symbol 42, offset 0."),
        (br#"{"pack":""}"#, "not a tidegate pack: the magic bytes are missing"),
        (&pack[..pack.len() - 1], "the pack is truncated"),
    ] {
        assert_eq!(refusal(bytes), expect, "{}", bytes.escape_ascii());
    }
    let trailing = format!("\n{{\"pack\":\"{base64}\"}}\n x");
    assert_eq!(
        refusal(trailing.as_bytes()),
        "the configuration is not valid: line 3, column 2: trailing characters after the object"
    );
}

#[test]
fn a_corrupt_and_a_newer_pack_are_refused() {
    let pack = pack_of("cs-host: a.example");
    let mut corrupt = pack.clone();
    *corrupt.last_mut().unwrap() ^= 1;
    assert_eq!(refusal(&corrupt), "the pack is corrupt: its content hash does not hold");
    let mut newer = pack;
    newer[8] = 99;
    assert!(refusal(&newer).starts_with("the pack has format version 99, newer than"));
}
