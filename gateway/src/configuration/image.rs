//! An OCI image layout: a folder that any tool pushes to a registry.
//!
//! The filter is an image in the form that Istio and Envoy Gateway fetch ("compat"): one compressed tar
//! with `plugin.wasm` in it. The pack is an artifact beside it, for those who distribute packs through
//! a registry. The same bytes in give the same bytes out.
//!
//! See: <https://github.com/opencontainers/image-spec>,
//! <https://github.com/solo-io/wasm/blob/master/spec/spec-compat.md>

use std::io::{self, Write};

use flate2::{Compression, GzBuilder};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tar::{Builder, Header};

use super::{File, Host};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const EMPTY: &str = "application/vnd.oci.empty.v1+json";
const PACK: &str = "application/vnd.tidegate.pack.v1";

/// The content of a layout.
#[derive(Clone, Copy, Debug)]
pub struct Artifact<'a> {
    /// The bytes of the module.
    pub filter: &'a [u8],
    /// The bytes of the pack.
    pub pack: &'a [u8],
    /// The tag of both.
    pub tag: &'a str,
    /// What runs the module.
    pub host: Host,
}

/// Returns the files of the layout: `filter:TAG` and `pack:TAG` in one folder.
///
/// # Errors
/// Never on memory; writing into a buffer has the type of an error.
pub fn layout(artifact: &Artifact<'_>) -> io::Result<Vec<File>> {
    let mut blobs = Blobs::default();
    // The native module is mounted as a volume, whose platform is that of the nodes.
    let (file, architecture, os) = match artifact.host {
        Host::Wasm => ("plugin.wasm", "wasm", "wasip1"),
        Host::Native => ("libtidegate_native.so", architecture(artifact.filter), "linux"),
    };
    let tar = tar(file, artifact.filter)?;
    let mut gzip = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    gzip.write_all(&tar)?;
    let layer = blobs.add(LAYER, gzip.finish()?);
    let config = json!({
        "architecture": architecture,
        "os": os,
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{}", hex(&tar))]},
    });
    let config = blobs.add(CONFIG, config.to_string().into_bytes());
    let filter = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config,
        "layers": [layer],
    });
    let filter = blobs.add(MANIFEST, filter.to_string().into_bytes());
    let empty = blobs.add(EMPTY, b"{}".to_vec());
    let mut layer = blobs.add(PACK, artifact.pack.to_vec());
    annotate(&mut layer, "org.opencontainers.image.title", "tidegate.pack");
    let pack = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": PACK,
        "config": empty,
        "layers": [layer],
    });
    let pack = blobs.add(MANIFEST, pack.to_string().into_bytes());
    let mut manifests = [filter, pack];
    for (manifest, name) in manifests.iter_mut().zip(["filter", "pack"]) {
        let reference = format!("{name}-{}", artifact.tag);
        annotate(manifest, "org.opencontainers.image.ref.name", &reference);
    }
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests});
    let mut files = blobs.files;
    files.push(("oci-layout".to_owned(), br#"{"imageLayoutVersion": "1.0.0"}"#.to_vec()));
    files.push(("index.json".to_owned(), index.to_string().into_bytes()));
    Ok(files)
}

/// Returns the architecture of a shared library, in the words of images.
///
/// See: <https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html>
fn architecture(library: &[u8]) -> &'static str {
    match library.get(18..20) {
        Some([183, 0]) => "arm64",
        _ => "amd64",
    }
}

#[derive(Default)]
struct Blobs {
    files: Vec<File>,
}

impl Blobs {
    /// Adds a blob and returns its descriptor.
    fn add(&mut self, media_type: &str, bytes: Vec<u8>) -> Value {
        let digest = hex(&bytes);
        let descriptor = json!({
            "mediaType": media_type,
            "digest": format!("sha256:{digest}"),
            "size": bytes.len(),
        });
        self.files.push((format!("blobs/sha256/{digest}"), bytes));
        descriptor
    }
}

fn annotate(descriptor: &mut Value, key: &str, value: &str) {
    if let Some(descriptor) = descriptor.as_object_mut() {
        descriptor.insert("annotations".to_owned(), json!({key: value}));
    }
}

/// Returns the SHA-256 of bytes in hexadecimal.
fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns a tar archive (POSIX ustar) of one file that everybody may read. Owner and time are 0, so that
/// the same file gives the same bytes.
fn tar(name: &str, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut header = Header::new_ustar();
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(u64::try_from(bytes.len()).map_err(io::Error::other)?);
    let mut archive = Builder::new(Vec::new());
    archive.append_data(&mut header, name, bytes)?;
    archive.into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_layout_names_its_blobs_by_their_digests() {
        let artifact = Artifact { filter: b"\0asm", pack: b"tidegate", tag: "1", host: Host::Wasm };
        let files: BTreeMap<String, Vec<u8>> = layout(&artifact).unwrap().into_iter().collect();
        let read = |name: &str| -> Value { serde_json::from_slice(&files[name]).unwrap() };
        let blob = |descriptor: &Value| {
            let digest = descriptor["digest"].as_str().unwrap().replace(':', "/");
            let bytes = &files[&format!("blobs/{digest}")];
            assert_eq!(descriptor["size"], bytes.len());
            assert!(digest.ends_with(&hex(bytes)));
            bytes.clone()
        };
        let index = read("index.json");
        for manifest in index["manifests"].as_array().unwrap() {
            let manifest: Value = serde_json::from_slice(&blob(manifest)).unwrap();
            blob(&manifest["config"]);
            let layer = blob(&manifest["layers"][0]);
            if manifest["artifactType"].is_null() {
                let mut tar = Vec::new();
                let mut unzip = flate2::read::GzDecoder::new(&layer[..]);
                io::Read::read_to_end(&mut unzip, &mut tar).unwrap();
                assert_eq!(tar.len() % 512, 0);
                let mut archive = tar::Archive::new(&tar[..]);
                let mut entries = archive.entries().unwrap();
                let mut entry = entries.next().unwrap().unwrap();
                assert_eq!(entry.path_bytes().as_ref(), b"plugin.wasm");
                let header = entry.header();
                let fields = (header.mode().unwrap(), header.mtime().unwrap());
                assert_eq!(fields, (0o644, 0));
                let mut content = Vec::new();
                io::Read::read_to_end(&mut entry, &mut content).unwrap();
                assert_eq!(content, b"\0asm");
                assert!(entries.next().is_none());
            } else {
                assert_eq!(layer, b"tidegate");
            }
        }
        assert_eq!(layout(&artifact).unwrap(), layout(&artifact).unwrap());
    }
}
