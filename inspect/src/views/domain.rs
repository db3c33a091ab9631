//! Registrable domains: who answers for a host.
//!
//! The Public Suffix List is 15,000 entries and changes weekly; in wasm it is larger than the rest of
//! the filter. For the one question that is asked here, whether two names belong to the same owner,
//! a short list answers: suffixes under which one company hands out names to anybody, and the second
//! levels of country domains. Where it does not know a suffix, two owners look like one and
//! `sni.mismatch` is not raised; the names themselves are still matched by every rule.

/// The part of a host that somebody registered: `b.co.uk` of `a.b.co.uk`. An IP address is its own.
pub(super) fn registrable(host: &[u8]) -> &[u8] {
    if host.starts_with(b"[") || super::address::ends_in_number(host) {
        return host;
    }
    let shared = SHARED.iter().filter(|suffix| is_under(host, suffix.as_bytes()));
    let shared = shared.max_by_key(|suffix| suffix.len());
    let n_labels = match shared {
        Some(suffix) => 2 + suffix.bytes().filter(|byte| *byte == b'.').count(),
        None => {
            let mut labels = host.rsplit(|byte| *byte == b'.');
            let (top, second) = (labels.next(), labels.next().unwrap_or_default());
            let is_country = top.is_some_and(|top| top.len() == 2);
            if is_country && SECOND_LEVELS.iter().any(|level| level.as_bytes() == second) {
                3
            } else {
                2
            }
        }
    };
    let dots = host.iter().enumerate().rev().filter(|(_, byte)| **byte == b'.');
    let start = dots.map(|(idx, _)| idx + 1).nth(n_labels - 1).unwrap_or(0);
    host.get(start..).unwrap_or(host)
}

/// Returns true if `host` is a name under `suffix`.
pub(super) fn is_under(host: &[u8], suffix: &[u8]) -> bool {
    host.strip_suffix(suffix).is_some_and(|before| before.ends_with(b"."))
}

/// Second levels of country domains under which names are registered.
const SECOND_LEVELS: &[&str] = &[
    "ac", "co", "com", "edu", "go", "gob", "gov", "gv", "ltd", "ne", "net", "nom", "or", "org",
    "plc", "sch",
];

/// Suffixes under which one company hands out names to anybody.
const SHARED: &[&str] = &[
    "amazonaws.com",
    "appspot.com",
    "azureedge.net",
    "azurefd.net",
    "azurewebsites.net",
    "bitbucket.io",
    "blob.core.windows.net",
    "blogspot.com",
    "cdn.ampproject.org",
    "cloudapp.azure.com",
    "cloudapp.net",
    "cloudfront.net",
    "cloudfunctions.net",
    "codeberg.page",
    "ddns.net",
    "deno.dev",
    "digitaloceanspaces.com",
    "duckdns.org",
    "fastly.net",
    "firebaseapp.com",
    "firebaseio.com",
    "fly.dev",
    "github.io",
    "gitlab.io",
    "global.ssl.fastly.net",
    "glitch.me",
    "herokuapp.com",
    "lhr.life",
    "loca.lt",
    "netlify.app",
    "ngrok-free.app",
    "ngrok-free.dev",
    "ngrok.app",
    "ngrok.dev",
    "ngrok.io",
    "no-ip.org",
    "notion.site",
    "on.aws",
    "onrender.com",
    "pages.dev",
    "portmap.host",
    "r2.dev",
    "repl.co",
    "run.app",
    "s3.amazonaws.com",
    "serveo.net",
    "sharepoint.com",
    "supabase.co",
    "surge.sh",
    "trafficmanager.net",
    "translate.goog",
    "trycloudflare.com",
    "vercel.app",
    "web.app",
    "web.core.windows.net",
    "wordpress.com",
    "workers.dev",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_of_hosts_are_told_apart() {
        for (host, expect) in [
            ("api.telegram.org", "telegram.org"),
            ("telegram.org", "telegram.org"),
            ("a.b.co.uk", "b.co.uk"),
            ("a.b.github.io", "b.github.io"),
            ("github.io", "github.io"),
            ("x.blob.core.windows.net", "x.blob.core.windows.net"),
            ("a.b.s3.eu-west-1.amazonaws.com", "eu-west-1.amazonaws.com"),
            ("localhost", "localhost"),
            ("10.1.2.3", "10.1.2.3"),
            ("[::1]", "[::1]"),
            ("", ""),
        ] {
            assert_eq!(registrable(host.as_bytes()), expect.as_bytes(), "{host}");
        }
    }
}
