//! How large packs are: a gateway gets one as part of its configuration, of which Kubernetes takes 1.5 MB.
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic, and reads files"
)]

mod shipped;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use diagnostics::SourceFile;
use knowledge::{Compilation, Library};

/// The bytes of the pack of these files, and the number of its rules.
fn packed(files: Vec<SourceFile>) -> (usize, usize) {
    let compilation = Compilation::new(&Library::read(files), "size", 1).unwrap();
    (compilation.bytes.len(), compilation.n_compiled)
}

#[test]
fn the_shipped_pack_takes_at_most_3_000_bytes_a_rule() {
    let (n_bytes, n_rules) = packed(shipped::notes());
    assert!(n_bytes <= 3_000 * n_rules.min(81), "{n_bytes} bytes for {n_rules} rules");
}

#[test]
fn ten_thousand_indicators_take_at_most_a_megabyte() {
    let mut text = String::new();
    for idx in 0..10_000_u32 {
        // Multiplying by an odd number gives each a name without a pattern.
        let host = format!("cdn-{:08x}.example", (idx + 1).wrapping_mul(0x9e37_79b1));
        write!(
            text,
            "---\ntitle: Indicator {host}\nlogsource: {{category: proxy}}\ndetection:\n  exact: {{cs-host: {host}}}\n  below: {{cs-host|endswith: .{host}}}\n  condition: exact or below\n"
        )
        .unwrap();
    }
    let file = SourceFile { name: "indicators.yml".into(), bytes: text.into() };
    let (n_bytes, n_rules) = packed(vec![file]);
    assert_eq!(n_rules, 10_000);
    assert!(n_bytes <= 1_000_000, "{n_bytes} bytes");
}

#[test]
fn all_public_rules_take_at_most_three_megabytes() {
    fn walk(folder: &Path, files: &mut Vec<SourceFile>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "yml") {
                let name = path.display().to_string().into();
                files.push(SourceFile { name, bytes: fs::read(&path).unwrap() });
            }
        }
    }
    let Some(corpora) = corpora::folder(&["sigma"]) else { return };
    let mut files = Vec::new();
    walk(&corpora.join("sigma"), &mut files);
    let (n_bytes, n_rules) = packed(files);
    assert!(n_rules > 3_700, "{n_rules}");
    assert!(n_bytes <= 3_000_000, "{n_bytes} bytes for {n_rules} rules");
}
