//! The filters that are compared.

use std::fs;

use anyhow::{Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gateway::configuration::native_filter;
use inspect::{Inspector, Pack, Request};
use serde_json::{Value, json};
use tests::{Plugin, workspace};

use crate::artifact::Artifacts;
use crate::bench::indicators;

const RBAC: &str = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC";
const LUA: &str = "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua";
const STRING: &str = "type.googleapis.com/google.protobuf.StringValue";

/// Without a filter: what all others are compared with.
pub(super) const NONE: &str = "no filter";
/// The least that any wasm filter that looks at requests does.
pub(super) const HEADER_MAP: &str = "wasm: reads the header map";
/// The same, with the capabilities of the filter only, as the example gateway has it.
pub(super) const RESTRICTED: &str = "wasm: reads the header map, restricted";

/// Returns all variants: names, and HTTP filters.
pub(super) fn filters(artifacts: &Artifacts) -> Result<Vec<(String, Vec<Value>)>> {
    let mut filters = vec![
        (NONE.to_owned(), vec![]),
        ("wasm: does nothing".to_owned(), vec![Plugin::new("noop")?.http_filter()]),
        (HEADER_MAP.to_owned(), vec![Plugin::new("header_map")?.http_filter()]),
        (RESTRICTED.to_owned(), vec![Plugin::new("header_map")?.restricted().http_filter()]),
    ];
    let shipped = fs::read(workspace::shipped_pack()?)?;
    let mut packs = vec![
        ("shipped pack".to_owned(), shipped.clone()),
        ("shipped pack, without rules over time for any host".to_owned(), untracked(artifacts)?),
    ];
    for n_rules in [100, 1_000, 10_000] {
        packs.push((format!("{n_rules} indicators"), pack(artifacts, &indicators(n_rules)?)?));
    }
    for (name, rule) in OVER_TIME {
        let rules = [&indicators(1_000)?, "\n---\n", rule].concat();
        packs.push(((*name).to_owned(), pack(artifacts, &rules)?));
    }
    // What the load asks for.
    let every = "title: Every request\nlogsource: {category: proxy}\n\
        detection: {selection: {cs-host: www.example.com}, condition: selection}\n";
    packs.push(("every request matches".to_owned(), pack(artifacts, every)?));
    for tls in ["any", "none"] {
        for (name, pack) in &packs {
            let name = if tls == "any" { name.clone() } else { format!("{name}, no TLS") };
            let settings = settings(pack, tls);
            let wasm = wasm(pack, &settings)?;
            filters.push((format!("tidegate, wasm: {name}"), vec![wasm.http_filter()]));
            filters.push((format!("tidegate, native: {name}"), vec![native(&settings)?]));
        }
    }
    let plugin = wasm(&shipped, &settings(&shipped, "none"))?.without("proxy_on_response_headers");
    let name = "tidegate, wasm: shipped pack, no TLS, no callback of responses";
    filters.push((name.to_owned(), vec![plugin.http_filter()]));
    for n_hosts in [10, 100, 1_000] {
        filters.push((format!("Envoy RBAC: {n_hosts} suffixes"), vec![rbac(n_hosts)]));
    }
    for n_hosts in [10, 100, 1_000] {
        filters.push((format!("Lua: table of {n_hosts} hosts"), vec![lua(n_hosts)]));
    }
    Ok(filters)
}

fn indicators(n_rules: usize) -> Result<String> {
    indicators::rules(&indicators::hosts(n_rules))
}

fn pack(artifacts: &Artifacts, rules: &str) -> Result<Vec<u8>> {
    let folder = tempfile::tempdir()?;
    let (pack, file) = (folder.path().join("rules.pack"), folder.path().join("rules.yml"));
    fs::write(&file, rules)?;
    artifacts.pack("bench", &file, &pack)?;
    Ok(fs::read(&pack)?)
}

/// The shipped rules that wait for behaviour on requests to any host: with one of them every request is tracked.
const ANYWHERE: [&str; 6] = [
    "beacon-to-rare-host.md",
    "dead-drop-then-new-host.md",
    "long-tunnel.md",
    "many-new-hosts.md",
    "slow-beacon.md",
    "upload-turns-direction.md",
];

/// The shipped notes without these rules.
fn untracked(artifacts: &Artifacts) -> Result<Vec<u8>> {
    let notes = workspace::root().join("knowledge/notes");
    let folder = tempfile::tempdir()?;
    for part in ["lists", "rules", "services"] {
        fs::create_dir(folder.path().join(part))?;
        for entry in fs::read_dir(notes.join(part))? {
            let name = entry?.file_name();
            let is_left_out = part == "rules" && ANYWHERE.iter().any(|left_out| name == *left_out);
            if !is_left_out {
                fs::copy(notes.join(part).join(&name), folder.path().join(part).join(&name))?;
            }
        }
    }
    let pack = folder.path().join("untracked.pack");
    artifacts.pack("untracked", folder.path(), &pack)?;
    let pack = fs::read(&pack)?;
    let mut inspector = Inspector::new(Pack::decode(&pack)?);
    let request =
        Request { method: b"GET", authority: b"a.example", path: Some(b"/"), ..Request::default() };
    let asks = inspector.inspect(&request).asks;
    ensure!(asks.is_empty(), "a rule over time for any host is left: {asks:?}");
    Ok(pack)
}

fn settings(pack: &[u8], tls: &str) -> Value {
    json!({"mode": "monitor", "tls": tls, "pack": STANDARD.encode(pack)})
}

fn wasm(pack: &[u8], settings: &Value) -> Result<Plugin> {
    Ok(Plugin::tidegate(pack, "monitor")?.with_text(&settings.to_string()))
}

fn native(settings: &Value) -> Result<Value> {
    let module = fs::canonicalize(workspace::native_module("tidegate_native")?)?;
    let settings = json!({"@type": STRING, "value": settings.to_string()});
    let filter = native_filter(&module.display().to_string(), &settings);
    Ok(json!({"name": "tidegate", "typed_config": filter}))
}

/// Rules over time beside 1,000 indicators: what a request costs that is not tracked, and one that is, or that a
/// correlation counts. None of them ever reports.
const OVER_TIME: &[(&str, &str)] = &[
    (
        "1000 indicators, and a rule over time for another host",
        "title: Elsewhere\nlogsource: {category: proxy}\ndetection:\n  s: {cs-host: other.example, tidegate.beacon|gte: 1, tidegate.requests|gte: 1000000000}\n  condition: s\n",
    ),
    (
        "1000 indicators, and a rule over time for any host",
        "title: Anywhere\nlogsource: {category: proxy}\ndetection:\n  s: {tidegate.beacon|gte: 1, tidegate.requests|gte: 1000000000}\n  condition: s\n",
    ),
    (
        "1000 indicators, and a rule over time and bytes for any host",
        "title: Anywhere\nlogsource: {category: proxy}\ndetection:\n  s: {tidegate.first_use: source.host, tidegate.sources|lte: 2, tidegate.upload_bytes|gte: 1000000000}\n  condition: s\n",
    ),
    (
        "1000 indicators, and a correlation that counts each request",
        "title: Part\nname: part\nlogsource: {category: proxy}\ndetection:\n  s: {cs-host: www.example.com}\n  condition: s\n---\ntitle: Many hosts\ncorrelation: {type: value_count, rules: [part], group-by: [src_ip], timespan: 1h, condition: {field: cs-host, gte: 5}}\n",
    ),
];

/// Denies hosts by suffix, as one policy with a permission per host.
fn rbac(n_hosts: usize) -> Value {
    let suffix = |host: &String| {
        let matcher = json!({"suffix": host, "ignore_case": true});
        json!({"header": {"name": ":authority", "string_match": matcher}})
    };
    let hosts = indicators::hosts(n_hosts);
    let rules: Vec<_> = hosts.iter().map(suffix).collect();
    let any = json!({"or_rules": {"rules": rules}});
    let policy = json!({"permissions": [any], "principals": [{"any": true}]});
    let rules = json!({"action": "DENY", "policies": {"indicators": policy}});
    json!({"name": "rbac", "typed_config": {"@type": RBAC, "rules": rules}})
}

/// Looks the host and each of its parents up in a table.
fn lua(n_hosts: usize) -> Value {
    let hosts = indicators::hosts(n_hosts);
    let entries: Vec<_> = hosts.iter().map(|host| format!("[\"{host}\"]=true")).collect();
    let entries = entries.join(",");
    let code = format!(
        "local hosts = {{{entries}}}\n\
         function envoy_on_request(handle)\n\
         local host = handle:headers():get(\":authority\"):lower():gsub(\":%d*$\", \"\")\n\
         while host do\n\
         if hosts[host] then handle:respond({{[\":status\"] = \"403\"}}, \"\") return end\n\
         host = host:match(\"^[^.]*%.(.+)$\")\n\
         end\n\
         end\n"
    );
    let code = json!({"inline_string": code});
    json!({"name": "lua", "typed_config": {"@type": LUA, "default_source_code": code}})
}
