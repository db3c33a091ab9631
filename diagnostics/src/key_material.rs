//! Secret keys, which no report may quote.

/// Least characters of base64 after the first line of a private key that make it one: fewer are a rule or a
/// text about such lines.
const MIN_ENCODED: usize = 16;

/// Least characters of a file that is nothing but one encoded value: a key of 128 bits in hexadecimal digits.
const MIN_WHOLE: usize = 32;

/// Returns true if the bytes of a file are or contain a secret key: PEM and OpenSSH (also in a line of JSON or
/// YAML), PGP, `PuTTY`, age, minisign, PKCS#8 and PKCS#12 in DER, or nothing but hexadecimal digits or base64.
///
/// A rule that looks for the first line of such keys is not one. Public keys in PEM are not, and those of
/// minisign are: they differ from secret ones by a word. Takes time in proportion to the bytes.
pub fn contains_key(bytes: &[u8]) -> bool {
    if is_der(bytes) {
        return true;
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim();
    text.starts_with("untrusted comment:")
        || text.starts_with("PuTTY-User-Key-File-")
        || ["PRIVATE KEY-----", "PRIVATE KEY BLOCK-----", "PRIVATE KEY ----", "AGE-SECRET-KEY-1"]
            .iter()
            .any(|marker| {
                text.match_indices(marker).any(|(at, _)| {
                    is_followed_by_key(text.get(at + marker.len()..).unwrap_or_default())
                })
            })
        || is_encoded(text)
}

/// Returns true if a private key follows the end of its first line: headers, or base64 after line breaks,
/// which may be escaped, and after what quotes or indents a line.
fn is_followed_by_key(text: &str) -> bool {
    let mut rest = text;
    while let Some(next) =
        ["\\n", "\\r"].iter().find_map(|escaped| rest.strip_prefix(escaped)).or_else(|| {
            rest.strip_prefix(|char: char| char.is_whitespace() || "-#>|\"'+,".contains(char))
        })
    {
        rest = next;
    }
    let headers = ["Proc-Type:", "DEK-Info:", "Version:", "Comment:"];
    headers.iter().any(|header| rest.starts_with(header))
        || rest.bytes().take(MIN_ENCODED).filter(|byte| is_base64(*byte)).count() == MIN_ENCODED
}

/// Returns true if a text is one value in hexadecimal digits or base64, which may be broken into lines of one
/// length.
fn is_encoded(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim_end).peekable();
    let width = lines.peek().map_or(0, |line| line.len());
    let mut n_chars = 0;
    while let Some(line) = lines.next() {
        let fits = line.len() == width || lines.peek().is_none() && line.len() < width;
        if !fits || !line.bytes().all(is_base64) {
            return false;
        }
        n_chars += line.len();
    }
    n_chars >= MIN_WHOLE
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/=-_".contains(&byte)
}

/// Returns true for the start of a private key in DER: a sequence whose first element is a version
/// (RFC 5958, RFC 8017, RFC 5915, RFC 7292).
fn is_der(bytes: &[u8]) -> bool {
    let Some((0x30, rest)) = bytes.split_first().map(|(tag, rest)| (*tag, rest)) else {
        return false;
    };
    let n_length = match rest.first() {
        Some(byte @ 0x81..=0x84) => usize::from(byte & 0x7f) + 1,
        _ => 1,
    };
    let version = rest.get(n_length..).unwrap_or_default();
    matches!(version, [0x02, 0x01, 0 | 1 | 3, ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE64: &str = "MC4CAQAwBQYDK2VwBCIEIND75pE6FDF1QjOr0M965axwJJlvrhAP79KHVXBLS+kr";

    #[test]
    fn every_form_of_a_secret_key_is_one() {
        let pem = |kind: &str| format!("-----BEGIN {kind}-----\n{BASE64}\n-----END {kind}-----\n");
        for text in [
            pem("PRIVATE KEY"),
            pem("OPENSSH PRIVATE KEY"),
            pem("RSA PRIVATE KEY").replace('\n', "\r\n"),
            pem("RSA PRIVATE KEY").replace(BASE64, "Proc-Type: 4,ENCRYPTED\nDEK-Info: x\n\nAAAA"),
            pem("PGP PRIVATE KEY BLOCK").replace(BASE64, &format!("\n{BASE64}")),
            format!("---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nComment: \"x\"\n{BASE64}\n"),
            format!("\u{feff}{}", pem("PRIVATE KEY")),
            format!("title: a\nkey: |\n  {}", pem("EC PRIVATE KEY").replace('\n', "\n  ")),
            format!("{{\"key\": \"{}\"}}", pem("PRIVATE KEY").replace('\n', "\\n")),
            format!("# {}", pem("PRIVATE KEY").replace('\n', "\n# ")),
            "untrusted comment: minisign encrypted secret key\nRWRTY0IyZ2FiY2Rl\n".to_owned(),
            "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n".to_owned(),
            "# created: 2026\nAGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQ\n".to_owned(),
            "00112233445566778899aabbccddeeff\n".to_owned(),
            format!("{BASE64}\n"),
            format!("{BASE64}\n{BASE64}\nAAAA\n"),
        ] {
            assert!(contains_key(text.as_bytes()), "{text}");
        }
        for der in [
            &b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20"[..],
            b"\x30\x82\x04\xa3\x02\x01\x00\x02\x82",
        ] {
            assert!(contains_key(der), "{der:?}");
        }
    }

    #[test]
    fn notes_rules_and_public_keys_are_not_secret() {
        for text in [
            "",
            "title: a\ndetection: {s: {c-uri|contains: '-----BEGIN RSA PRIVATE KEY-----'}, condition: s}\n",
            "detection:\n  s:\n    - '-----BEGIN PRIVATE KEY-----'\n    - '-----END PRIVATE KEY-----'\n",
            "Look for `-----BEGIN OPENSSH PRIVATE KEY-----` in uploads.\n",
            "Keys of age begin with `AGE-SECRET-KEY-1`.\n",
            "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n",
            "---\ntitle: A note\n---\n\nText.\n",
            "telegram.org\napi.telegram.org\n",
            "word\nanotherword\nyetanotherlongerword\n",
            "0\n",
        ] {
            assert!(!contains_key(text.as_bytes()), "{text}");
        }
        assert!(!contains_key(b"\x30"));
    }
}
