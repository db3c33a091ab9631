//! The collector that events are posted to: a cluster of Envoy's, and the URL of the requests.

/// A collector, from `collector` and `collector_url`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Collector {
    pub(crate) cluster: String,
    pub(crate) scheme: &'static str,
    pub(crate) authority: String,
    pub(crate) path: String,
}

impl Collector {
    /// Reads the name of a cluster and the URL of requests to it; without a URL it is the root of a host
    /// with the cluster's name.
    ///
    /// # Errors
    /// The reason why they cannot be used.
    pub(crate) fn read(
        cluster: Option<&str>,
        url: Option<&str>,
    ) -> Result<Option<Collector>, &'static str> {
        let (cluster, url) = match (cluster, url) {
            (None, None) => return Ok(None),
            (None, Some(_)) => return Err("is missing, but `collector_url` is set"),
            (Some(""), _) => return Err("is empty; it is the name of a cluster"),
            (Some(cluster), url) => (cluster, url),
        };
        let (scheme, rest) = match url {
            None => ("http", cluster),
            Some(url) => match url.split_once("://") {
                Some(("http", rest)) => ("http", rest),
                Some(("https", rest)) => ("https", rest),
                _ => {
                    return Err(
                        "has a `collector_url` that starts with neither `http://` nor `https://`",
                    );
                }
            },
        };
        let (authority, path) = match rest.split_once('/') {
            Some((authority, path)) if url.is_some() => (authority, ["/", path].concat()),
            _ => (rest, "/".to_owned()),
        };
        if url.is_some() {
            // A header contains neither blanks nor line breaks, and a fragment is not sent.
            let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'#';
            if authority.is_empty() || !rest.bytes().all(is_plain) {
                return Err(
                    "has a `collector_url` without a host, or with a blank, a `#` or a letter outside of ASCII",
                );
            }
            // They would not be sent, and are visible to everybody who reads the configuration.
            if authority.contains('@') {
                return Err("has a `collector_url` with credentials in it");
            }
        }
        // A cluster's name may contain characters that a host's cannot.
        let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
        let authority = match url {
            None if !authority.bytes().all(is_host) => "collector",
            _ => authority,
        };
        let (cluster, authority) = (cluster.to_owned(), authority.to_owned());
        Ok(Some(Collector { cluster, scheme, authority, path }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_is_a_cluster_and_a_url() {
        let read = |cluster, url| {
            Collector::read(cluster, url).map(|collector| {
                collector
                    .map(|it| format!("{} {} {} {}", it.cluster, it.scheme, it.authority, it.path))
            })
        };
        for (cluster, url, expect) in [
            (None, None, None),
            (Some("logs"), None, Some("logs http logs /")),
            (
                Some("outbound|80||logs.example"),
                None,
                Some("outbound|80||logs.example http collector /"),
            ),
            (Some("logs"), Some("http://logs.example"), Some("logs http logs.example /")),
            (
                Some("logs"),
                Some("https://logs.example:8088/services/raw?index=egress"),
                Some("logs https logs.example:8088 /services/raw?index=egress"),
            ),
        ] {
            assert_eq!(read(cluster, url), Ok(expect.map(str::to_owned)), "{cluster:?} {url:?}");
        }
        for (cluster, url, why) in [
            (None, Some("http://logs.example"), "is missing"),
            (Some(""), None, "is empty"),
            (Some("logs"), Some("logs.example"), "neither"),
            (Some("logs"), Some("ftp://logs.example"), "neither"),
            (Some("logs"), Some("http:///path"), "without a host"),
            (Some("logs"), Some("http://logs.example/a b"), "a blank"),
            (Some("logs"), Some("http://logs.example/\r\nx: y"), "a blank"),
            (Some("logs"), Some("http://user:word@logs.example/"), "credentials"),
        ] {
            let error = read(cluster, url).unwrap_err();
            assert!(error.contains(why), "{cluster:?} {url:?}: {error}");
        }
    }
}
