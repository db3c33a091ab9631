//! Other people's rules and events, read where they are.

use std::path::{Path, PathBuf};

use anyhow::Context;
use inspect::{Request, Response};
use serde_json::Value;

/// Where the corpora are: `TIDEGATE_CORPORA`, or beside the checkout.
pub fn root() -> anyhow::Result<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora");
    let root = std::env::var_os("TIDEGATE_CORPORA").map_or_else(beside, PathBuf::from);
    anyhow::ensure!(root.is_dir(), "the corpora are not there; set TIDEGATE_CORPORA");
    Ok(root)
}

/// Every active `SigmaHQ` rule: its path below `sigma/` and its text, sorted.
pub fn rules(root: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let base = root.join("sigma");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&base)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && name.starts_with("rules") {
            walk(&path, &mut files)?;
        }
    }
    files.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path)?;
        let name = path.strip_prefix(&base).unwrap_or(&path).to_string_lossy().into_owned();
        Ok((name, text))
    };
    files.into_iter().map(read).collect()
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "yml") {
            files.push(path);
        }
    }
    Ok(())
}

/// The rules of log source category `proxy`.
pub fn is_proxy((_, text): &&(String, String)) -> bool {
    text.contains("category: proxy")
}

/// The 200 proxy events, a line of JSON each.
pub fn proxy_events(root: &Path) -> anyhow::Result<Vec<String>> {
    let path = root.join("sigma-semantics/proxy-events.ndjson");
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    Ok(text.lines().map(str::to_owned).collect())
}

/// Returns the request of a proxy event.
pub fn request(event: &Value) -> Request<'_> {
    let text = |name: &str| event[name].as_str().map(str::as_bytes);
    let uri = event["c-uri"].as_str().unwrap_or_default();
    let (scheme, rest) = uri.split_once("://").unwrap_or(("", uri));
    let end = rest.find('/').unwrap_or(rest.len());
    let status = event["sc-status"].as_u64().and_then(|status| u16::try_from(status).ok());
    Request {
        method: text("cs-method").unwrap_or_default(),
        scheme: scheme.as_bytes(),
        authority: text("cs-host").unwrap_or_default(),
        path: Some(&rest.as_bytes()[end..]),
        version: text("cs-version").unwrap_or_default(),
        user_agent: text("c-useragent"),
        referrer: text("cs-referrer"),
        cookie: text("cs-cookie"),
        source_address: text("src_ip"),
        response: Some(Response {
            status,
            request_bytes: event["cs-bytes"].as_u64(),
            response_bytes: event["sc-bytes"].as_u64(),
            upstream_address: text("dst_ip"),
        }),
        ..Request::default()
    }
}
