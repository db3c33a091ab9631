//! `cargo xtask lint`: what the compiler, clippy and rustdoc find, for each target that is shipped.

use anyhow::Result;

use crate::command::{cargo, run};
use crate::install;
use crate::progress::step;

/// What is built for wasm, with what it depends on; the other packages are native only.
const WASM: [(&str, &[&str]); 2] = [
    ("wasm32-wasip1", &["--package", "filter-wasm", "--lib", "--examples"]),
    ("wasm32-unknown-unknown", &["--package", "preview", "--lib"]),
];

/// Runs clippy and rustdoc. Every warning is an error.
pub(crate) fn run_all() -> Result<()> {
    install::targets()?;
    step("clippy");
    clippy(&["--workspace", "--all-targets"])?;
    for (target, packages) in WASM {
        step(&format!("clippy for {target}"));
        clippy(&[&["--target", target], packages].concat())?;
    }
    step("documentation");
    let doc = ["doc", "--no-deps", "--workspace", "--locked", "--quiet"];
    run(cargo().args(doc).env("RUSTDOCFLAGS", "-D warnings"))
}

fn clippy(arguments: &[&str]) -> Result<()> {
    let mut clippy = cargo();
    clippy.args(["clippy", "--locked", "--quiet"]).args(arguments);
    run(clippy.args(["--", "-D", "warnings"]))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::Value;
    use tests::workspace;

    use crate::command::{cargo, output};

    /// Roots of crates in which unsafe code is expected somewhere, with the reason.
    const EXCEPTIONS: [&str; 4] = [
        // `envoy.rs` is the ABI of Envoy's dynamic modules.
        "filter-native/src/lib.rs",
        // `host.rs` calls functions of the host.
        "filter-wasm/src/lib.rs",
        // `wasm_bindgen` generates it.
        "preview/src/lib.rs",
        // It replaces functions of the C library.
        "tests/clock/src/lib.rs",
    ];

    #[test]
    fn every_root_of_a_crate_forbids_unsafe_code() {
        let mut metadata = cargo();
        let text = output(metadata.args(["metadata", "--no-deps", "--format-version", "1"]));
        let metadata: Value = serde_json::from_str(&text.unwrap()).unwrap();
        let packages = metadata["packages"].as_array().unwrap();
        let targets = packages.iter().flat_map(|package| package["targets"].as_array().unwrap());
        let mut n_roots = 0;
        for target in targets {
            let path = target["src_path"].as_str().unwrap();
            let is_exception = EXCEPTIONS.iter().any(|exception| path.ends_with(exception));
            let forbids = fs::read_to_string(path).unwrap().contains("#![forbid(unsafe_code)]");
            assert!(forbids != is_exception, "{path}");
            n_roots += 1;
        }
        assert!(n_roots > 20, "{n_roots}");
        let root = workspace::root();
        assert!(EXCEPTIONS.iter().all(|exception| root.join(exception).is_file()));
    }
}
