//! References to images in registries.

use std::fmt;

/// A reference to an image, as `registry.example/tidegate/filter:1`, without a scheme.
///
/// The grammar is that of the distribution project: a domain with an optional port, a path in lower case, and
/// a tag, a digest, or both. Unlike there a domain is required: Istio and Envoy would look for a bare name at
/// Docker Hub.
///
/// See: <https://github.com/distribution/reference/blob/main/reference.go>
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageReference(String);

/// Longest reference, in bytes.
const MAX_BYTES: usize = 512;

impl ImageReference {
    /// Reads a reference. A leading `oci://`, as Istio writes it, is left out.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str) -> Result<ImageReference, &'static str> {
        let text = text.strip_prefix("oci://").unwrap_or(text);
        if text.contains("://") {
            return Err(
                "an image has no scheme, or `oci://`: `registry.example/tidegate/filter:1`",
            );
        }
        if text.len() > MAX_BYTES {
            return Err("an image reference has at most 512 bytes");
        }
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (text, None),
        };
        if digest.is_some_and(|digest| !is_digest(digest)) {
            return Err("a digest is `sha256:` and 64 hexadecimal digits in lower case");
        }
        let Some((domain, path)) = name.split_once('/').filter(|(domain, _)| is_domain(domain))
        else {
            return Err("an image begins with its registry: `registry.example/tidegate/filter:1`");
        };
        let (path, tag) = match path.rsplit_once(':') {
            Some((path, tag)) => (path, Some(tag)),
            None => (path, None),
        };
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(
                "a tag has up to 128 letters, digits, `_`, `.` and `-`, and begins with no `.` or `-`",
            );
        }
        if !path.split('/').all(is_component) {
            return Err(
                "the path of an image is in lower case: letters and digits, with `.`, `_`, `__` or `-` between them",
            );
        }
        Ok(ImageReference(rebuilt(domain, path, tag, digest)))
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn rebuilt(domain: &str, path: &str, tag: Option<&str>, digest: Option<&str>) -> String {
    let tag = tag.map(|tag| format!(":{tag}")).unwrap_or_default();
    let digest = digest.map(|digest| format!("@{digest}")).unwrap_or_default();
    format!("{domain}/{path}{tag}{digest}")
}

/// A domain has a dot or a port, or is `localhost`; otherwise it would be the start of a path.
fn is_domain(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    };
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
    let is_label = |label: &str| {
        let bytes = label.as_bytes();
        let is_end = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        is_end(bytes.first())
            && is_end(bytes.last())
            && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
    };
    port.is_none_or(is_port)
        && host.split('.').all(is_label)
        && (host.contains('.') || host == "localhost" || port.is_some())
}

/// Letters and digits in lower case, with one separator between two: `.`, `_`, `__`, or dashes.
fn is_component(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let separators = text.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    let is_separator =
        |text: &str| matches!(text, "" | "." | "_" | "__") || text.bytes().all(|byte| byte == b'-');
    text.bytes().next().is_some_and(is_word)
        && text.bytes().last().is_some_and(is_word)
        && separators.into_iter().all(is_separator)
}

fn is_tag(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (1..=128).contains(&text.len())
        && text.bytes().next().is_some_and(is_word)
        && text.bytes().all(|byte| is_word(byte) || matches!(byte, b'.' | b'-'))
}

fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|digits| {
        digits.len() == 64 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read_as_registries_have_them() {
        let digest = format!("sha256:{}", "0f".repeat(32));
        for text in [
            "registry.example/tidegate/filter:1",
            "registry.example:5000/filter",
            "localhost/filter:latest",
            "registry:5000/a__b/c-d.e_f--g:V1.2-x",
            "ghcr.io/Org".to_ascii_lowercase().as_str(),
            &format!("registry.example/filter@{digest}"),
            &format!("registry.example/filter:1@{digest}"),
        ] {
            assert_eq!(ImageReference::read(text).map(|it| it.to_string()).as_deref(), Ok(text));
        }
        let read = ImageReference::read("oci://registry.example/filter:1").map(|it| it.to_string());
        assert_eq!(read.as_deref(), Ok("registry.example/filter:1"));
    }

    #[test]
    fn what_no_registry_has_is_refused() {
        let short = format!("registry.example/filter@sha256:{}", "0f".repeat(31));
        let upper = format!("registry.example/filter@sha256:{}", "0F".repeat(32));
        for text in [
            "",
            "filter",
            "tidegate/filter:1",
            "https://registry.example/filter:1",
            "docker://registry.example/filter:1",
            "oci://oci://registry.example/filter:1",
            "OCI://registry.example/filter:1",
            "registry.example/Tidegate/filter:1",
            "registry.example/filter:",
            "registry.example/filter:-1",
            "registry.example/filter:a:b",
            "registry.example//filter",
            "registry.example/filter/",
            "registry.example/a...b",
            "registry.example/a___b",
            "registry.example:0/filter",
            "registry.example:99999/filter",
            "-registry.example/filter",
            "registry..example/filter",
            "registry.example/fil ter",
            "registry.example/filter@md5:00",
            &short,
            &upper,
            &format!("registry.example/{}", "a".repeat(600)),
        ] {
            assert!(ImageReference::read(text).is_err(), "{text}");
        }
    }
}
