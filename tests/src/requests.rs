//! The requests of `examples/requests`: files of HTTP request heads, parted by `###` lines that say
//! what each is.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// A request and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// The file's name without extension.
    pub file: String,
    /// What the `###` line says.
    pub title: String,
    /// The request as it goes to the proxy, with the `Host` that the target names.
    pub bytes: Vec<u8>,
}

/// Reads all files of a folder in alphabetical order.
pub fn read(folder: &Path) -> Result<Vec<Example>> {
    let mut files = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    files.sort_by_key(fs::DirEntry::file_name);
    let mut examples = Vec::new();
    for file in files {
        let path = file.path();
        if path.extension().is_some_and(|extension| extension == "http") {
            let text = fs::read_to_string(&path)?;
            let file = path.file_stem().unwrap_or_default().to_string_lossy();
            examples.extend(parse(&file, &text).with_context(|| path.display().to_string())?);
        }
    }
    Ok(examples)
}

fn parse(file: &str, text: &str) -> Result<Vec<Example>> {
    let mut examples = Vec::new();
    let mut blocks = format!("\n{text}");
    blocks.retain(|char| char != '\r');
    for block in blocks.split("\n###").skip(1) {
        let (title, head) = block.split_once('\n').unwrap_or((block, ""));
        let title = title.trim().to_owned();
        let mut lines = head.trim().lines();
        let line = lines.next().unwrap_or_default();
        let words: Vec<_> = line.split(' ').collect();
        let &[method, target, "HTTP/1.1"] = words.as_slice() else {
            bail!("`{title}`: `{line}` is not a request line");
        };
        let authority = match target.split_once("://") {
            Some((_, rest)) => rest.split(['/', '?']).next().unwrap_or_default(),
            None if method == "CONNECT" => target,
            None => bail!("`{title}`: a proxy is asked for a whole URL"),
        };
        let mut request = format!("{line}\r\nHost: {authority}\r\n");
        for header in lines {
            if !header.contains(": ") {
                bail!("`{title}`: `{header}` is not a header");
            }
            request.push_str(header);
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        examples.push(Example { file: file.to_owned(), title, bytes: request.into_bytes() });
    }
    Ok(examples)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_become_requests_to_a_proxy() {
        let text =
            "### One\nGET http://a.example/x HTTP/1.1\nA: b\n\n### Two\nCONNECT a:1 HTTP/1.1\n";
        let examples = parse("a", text).unwrap();
        let expect: [(&str, &[u8]); 2] = [
            ("One", b"GET http://a.example/x HTTP/1.1\r\nHost: a.example\r\nA: b\r\n\r\n"),
            ("Two", b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"),
        ];
        let examples: Vec<_> =
            examples.iter().map(|example| (&*example.title, &*example.bytes)).collect();
        assert_eq!(examples, expect);
    }

    #[test]
    fn what_is_no_request_is_an_error() {
        for text in ["### a\nGET / HTTP/1.1", "### a\n", "### a\nGET http://a HTTP/1.1\nnonsense"] {
            assert!(parse("a", text).is_err(), "{text}");
        }
    }
}
