//! Puts the preview's page into the command line: the files of the folder `TIDEGATE_PAGE`, which
//! `cargo xtask dist` names. Without it the command line is built without a page, and says so when it is
//! asked for one.
#![forbid(unsafe_code)]
#![expect(clippy::disallowed_methods, reason = "a build script touches files")]

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=TIDEGATE_PAGE");
    let mut list = String::new();
    if let Some(folder) = env::var_os("TIDEGATE_PAGE").map(PathBuf::from) {
        println!("cargo::rerun-if-changed={}", folder.display());
        add(&folder, &folder, &mut list)?;
    }
    let out = env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?;
    fs::write(PathBuf::from(out).join("page.rs"), format!("&[{list}]"))
}

fn add(root: &Path, folder: &Path, list: &mut String) -> io::Result<()> {
    let entries = fs::read_dir(folder)?;
    let mut paths =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            add(root, &path, list)?;
            continue;
        }
        let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        let path = path.to_string_lossy();
        *list += &format!("({name:?}, include_bytes!({path:?})),");
    }
    Ok(())
}
