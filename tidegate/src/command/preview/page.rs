//! The page's files: built into this program, or in a folder.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use diagnostics::Finding;

use crate::disk;

/// The names and bytes that `build.rs` found.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// The element of the page's document without a session, and its replacement.
const SESSION: [&str; 2] = [
    r#"<meta name="tidegate-session" content="">"#,
    r#"<meta name="tidegate-session" content="session.json">"#,
];

/// The files of the page by their addresses.
pub(super) struct Page {
    files: BTreeMap<String, Cow<'static, [u8]>>,
}

impl Page {
    /// Returns the page that was built into this program.
    pub(super) fn built_in() -> Result<Page, &'static str> {
        if FILES.is_empty() {
            return Err("this program was built without the page\n  help: \
                `cargo xtask dist` builds `dist/tidegate` with it, and the page alone as \
                `dist/preview`, which `--page dist/preview` serves");
        }
        Page::new(FILES.iter().map(|(name, bytes)| ((*name).to_owned(), Cow::Borrowed(*bytes))))
            .ok_or("the page in this program is not the preview's")
    }

    /// Reads the page from a folder.
    pub(super) fn read(folder: &Path) -> Result<Page, Box<Finding>> {
        let kinds = ["html", "js", "css", "wasm", "gz", "json", "pack", "svg", "webmanifest"];
        let files = disk::tree(folder, &kinds)
            .map_err(|error| Box::new(disk::unreadable(folder, &error)))?;
        let page = Page::new(files.into_iter().map(|(name, bytes)| (name, bytes.into())));
        page.ok_or_else(|| {
            let message = "the folder has no page of the preview, or one of another version";
            let help = "give the folder `dist/preview` that `cargo xtask dist` writes";
            Box::new(Finding::about(&disk::name(folder), &crate::codes::NOT_A_PAGE, message, help))
        })
    }

    /// Returns `None` if the document is not the page's.
    fn new(files: impl Iterator<Item = (String, Cow<'static, [u8]>)>) -> Option<Page> {
        let mut files: BTreeMap<_, _> = files.collect();
        let document = files.get("index.html").map(|bytes| String::from_utf8_lossy(bytes));
        let document = match document {
            Some(document) if document.contains(SESSION[0]) => {
                document.replace(SESSION[0], SESSION[1])
            }
            _ => return None,
        };
        files.insert("index.html".to_owned(), Cow::Owned(document.into_bytes()));
        Some(Page { files })
    }

    /// Returns the file at an address, and its media type.
    pub(super) fn file(&self, address: &str) -> Option<(&[u8], &'static str)> {
        let name = if address.is_empty() { "index.html" } else { address };
        let bytes = self.files.get(name)?;
        let kind = match name.rsplit_once('.').map(|(_, extension)| extension) {
            Some("html") => "text/html; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("wasm") => "application/wasm",
            Some("svg") => "image/svg+xml",
            Some("json") => "application/json",
            Some("webmanifest") => "application/manifest+json",
            _ => "application/octet-stream",
        };
        Some((bytes, kind))
    }
}
