//! `tidegate gateway`.

mod unsuitable;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum, value_parser};
use diagnostics::limits::MAX_FILE_BYTES;
use diagnostics::{Finding, Sources};
use gateway::configuration::{
    self, Artifact, Collector, File, Host, ImageReference, IstioResource, Place, Settings, Target,
};
use gateway::signing;
use inspect::pack::PublicKey;
use inspect::{IdentityKey, network};
use knowledge::pack_file;

use super::policy::{check_key, read_key};
use super::{Outcome, name, plain};
use crate::disk::{self, Access};

/// Largest resource that Kubernetes accepts, in bytes: the limit of a request to etcd.
const MAX_RESOURCE_BYTES: usize = 1_500_000;
/// Largest resource that `kubectl apply` can copy into an annotation, in bytes: what all annotations may have.
const MAX_ANNOTATION_BYTES: usize = 262_144;
/// Longest name of a header, in bytes.
const MAX_NAME_BYTES: usize = 512;

/// Write the configuration of a gateway that runs a pack.
///
/// docs/rollout.md describes each step.
///
/// With --collector, a cluster for the collector is written too: in envoy.yaml, or in collector.json for
/// Kubernetes. With --filter, filter.wasm is copied beside it, and for Kubernetes an OCI image layout to
/// push is written.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n\
\x20 tidegate gateway envoy --pack rules.pack --filter filter.wasm --output gateway/\n\
\x20 tidegate gateway ecds --pack next.pack --mode enforce --output staged/\n\
\x20 tidegate gateway istio --pack rules.pack --image registry.example/tidegate/filter:1 --output istio/")]
pub(crate) struct Gateway {
    /// The kind of configuration
    #[arg(value_enum)]
    kind: Kind,
    /// The pack to run
    #[arg(short, long, value_name = "FILE")]
    pack: PathBuf,
    /// Write to this folder, which is created; files of the same names are replaced
    #[arg(short, long, value_name = "FOLDER")]
    output: PathBuf,
    /// Copy this module beside the configuration: `filter.wasm`, or `libtidegate_native.so` for `--host native`
    #[arg(long, value_name = "FILE")]
    filter: Option<PathBuf>,
    /// Run the filter as a wasm module in a sandbox, or as a native module in Envoy's own process (Envoy 1.39 or
    /// later; docs/native.md)
    #[arg(long, value_enum, default_value = "wasm")]
    host: HostKind,
    /// Whether matches are only reported, or denied, or nothing is inspected
    #[arg(long, value_enum, default_value = "monitor")]
    mode: Mode,
    /// Whether a request that cannot be inspected is passed (open) or denied (closed)
    #[arg(long, value_enum, default_value = "open")]
    failure_mode: FailureMode,
    /// Accept only packs that one of these public keys in PEM signed
    #[arg(long, value_name = "FILE")]
    public_key: Option<PathBuf>,
    /// Read the key that identities are hashed with from this file: 32 hexadecimal digits
    #[arg(long, value_name = "FILE")]
    identity_key: Option<PathBuf>,
    /// Take the client's name from this header, if a trusted hop sends it
    #[arg(long, value_name = "NAME", requires = "trusted_hops", value_parser = header_name)]
    source_header: Option<String>,
    /// The trusted hops: networks and SPIFFE ids, separated by commas
    #[arg(long, value_name = "HOPS", requires = "source_header", value_delimiter = ',', value_parser = hop)]
    trusted_hops: Vec<String>,
    /// Where the filter runs: as an HTTP filter, or on TLS connections that pass through
    #[arg(long, value_enum, default_value = "http")]
    protocol: Protocol,
    /// Look for no server name, as the gateway's listener has no TLS; `envoy` writes such a listener
    #[arg(long)]
    no_tls: bool,
    /// Suppress repeated events of one rule, source and service for this long; 0 for none
    #[arg(long, value_name = "SECONDS", default_value_t = 0, value_parser = value_parser!(u32).range(0..=86_400))]
    suppress_seconds: u32,
    /// Limit the events of one rule per minute; 0 for no limit
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    events_per_minute: u32,
    /// Let clients reach private networks (10.0.0.0/8 and the like); for `envoy` only
    #[arg(long)]
    allow_private: bool,
    /// Call outside through this network interface only, so that no name leads to loopback; for `envoy` on Linux
    #[arg(long, value_name = "NAME", value_parser = interface)]
    interface: Option<String>,
    /// Post events in batches to this URL, besides the log
    #[arg(long, value_name = "URL", value_parser = Collector::read)]
    collector: Option<Collector>,
    /// Use this existing Envoy cluster for the collector instead of writing one
    #[arg(long, value_name = "NAME", requires = "collector")]
    collector_cluster: Option<String>,
    /// Send the header `authorization` to the collector as this file on Envoy's machine has it; for `envoy` only
    #[arg(long, value_name = "FILE", requires = "collector", conflicts_with = "collector_cluster", value_parser = credential)]
    collector_credential: Option<String>,
    /// The Kubernetes namespace of the resource [default for istio: istio-system]
    #[arg(long, value_name = "NAMESPACE", required_if_eq("kind", "envoy-gateway"), value_parser = label)]
    namespace: Option<String>,
    /// The gateway to attach to: the value of its pods' label `istio`, or for Envoy Gateway the name of the
    /// Gateway [default for istio: egressgateway]
    #[arg(long = "gateway", value_name = "NAME", required_if_eq("kind", "envoy-gateway"), value_parser = label)]
    target: Option<String>,
    /// Attach to the pods with these labels, for Istio: `app=egress,tier=edge`
    #[arg(long, value_name = "LABELS", value_delimiter = ',', value_parser = selector, conflicts_with_all = ["target", "target_ref"])]
    selector: Vec<(String, String)>,
    /// Attach to this Gateway of the Kubernetes Gateway API, for Istio
    #[arg(long, value_name = "NAME", value_parser = target_ref, conflicts_with = "target")]
    target_ref: Option<String>,
    /// The resource of Istio to write; `traffic-extension` is for Istio 1.30 and later [default: wasm-plugin]
    #[arg(long, value_enum, value_name = "KIND")]
    resource: Option<Resource>,
    /// The filter's image in your registry, such as `registry.example/tidegate/filter:1`
    #[arg(long, value_name = "REFERENCE", required_if_eq_any([("kind", "istio"), ("kind", "envoy-gateway")]), value_parser = ImageReference::read)]
    image: Option<ImageReference>,
}

/// Reads a Kubernetes name (RFC 1123), which is copied into YAML and selectors.
fn label(text: &str) -> Result<String, &'static str> {
    let help = "give a Kubernetes name: up to 63 letters, digits, `-`, `.` or `_`";
    let is_end = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    let has_ends = is_end(bytes.first()) && is_end(bytes.last());
    plain(text, b"-._", 63, help).and_then(|name| has_ends.then_some(name).ok_or(help))
}

/// Reads a label of Kubernetes, `KEY=VALUE`: the key may have a domain before a slash.
fn selector(text: &str) -> Result<(String, String), &'static str> {
    let help = "give labels of the gateway's pods, such as `app=egress`";
    let (key, value) = text.split_once('=').ok_or(help)?;
    let (domain, name) =
        key.split_once('/').map_or((None, key), |(domain, name)| (Some(domain), name));
    if domain.is_some_and(|domain| plain(domain, b"-.", 253, help).is_err()) {
        return Err(help);
    }
    label(name).and(label(value)).map_err(|_| help)?;
    Ok((key.to_owned(), value.to_owned()))
}

/// Reads the name of a Gateway, also as `Gateway/NAME`.
fn target_ref(text: &str) -> Result<String, &'static str> {
    let name = text.strip_prefix("Gateway/").unwrap_or(text);
    label(name).map_err(|_| "give the name of a Gateway of the Gateway API, such as `egress`")
}

/// Reads the path of a file as Envoy opens it, which is copied into YAML.
fn credential(text: &str) -> Result<String, &'static str> {
    plain(text, b"-._/", MAX_NAME_BYTES, "give a path without blanks, such as `./collector.token`")
}

fn header_name(text: &str) -> Result<String, &'static str> {
    plain(text, b"-_", MAX_NAME_BYTES, "give the name of a header, such as `x-client-name`")
}

fn hop(text: &str) -> Result<String, &'static str> {
    match network(text) {
        Ok(None) if !text.contains("://") => Err("give a network or a SPIFFE id"),
        Ok(_) => Ok(text.to_owned()),
        Err(why) => Err(why),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Whole configuration: envoy.yaml, and tidegate.json, which it watches.
    Envoy,
    /// Update: tidegate.json only, to be moved over the one in place.
    Ecds,
    /// A `WasmPlugin` or `TrafficExtension` of Istio.
    Istio,
    /// An `EnvoyExtensionPolicy` of Envoy Gateway.
    EnvoyGateway,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Protocol {
    Http,
    Tls,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Resource {
    WasmPlugin,
    TrafficExtension,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum HostKind {
    Wasm,
    Native,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mode {
    Monitor,
    Enforce,
    /// Nothing is inspected.
    Off,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FailureMode {
    Open,
    Closed,
}

/// What is in the files that options name.
struct Inputs {
    pack: (Arc<str>, Vec<u8>),
    /// Also as text.
    public_key: Option<(Vec<PublicKey>, String)>,
    /// Also as digits.
    identity_key: Option<(IdentityKey, String)>,
    filter: Option<Vec<u8>>,
}

impl HostKind {
    /// The first bytes of its module.
    fn magic(self) -> &'static [u8] {
        match self {
            HostKind::Wasm => b"\0asm",
            HostKind::Native => b"\x7fELF",
        }
    }

    /// The name of its module.
    fn file(self) -> &'static str {
        match self {
            HostKind::Wasm => "filter.wasm",
            HostKind::Native => "libtidegate_native.so",
        }
    }
}

impl Gateway {
    pub(super) fn run(&self) -> Outcome {
        match self.inputs().and_then(|inputs| self.write(inputs).map_err(|finding| vec![*finding]))
        {
            Ok(outcome) => outcome,
            Err(findings) => Outcome::refused(&findings, &Sources::new()),
        }
    }

    /// Reads the files that options name, and reports all that is wrong with them and with the options.
    fn inputs(&self) -> Result<Inputs, Vec<Finding>> {
        let mut findings = self.unsuitable();
        let mut keep = |finding: Box<Finding>| findings.push(*finding);
        let pack = disk::read_pack(&self.pack).map_err(&mut keep).ok();
        let public_key = self.public_key.as_deref().map(|path| {
            let (file, text) = disk::read_key(path)?;
            Ok((signing::public_keys(&file, &text)?, text))
        });
        let public_key = public_key.transpose().map_err(&mut keep).unwrap_or_default();
        let identity_key = self.identity_key.as_deref().map(read_key);
        let identity_key = identity_key.transpose().map_err(&mut keep).unwrap_or_default();
        let filter = self.filter.as_deref().map(|path| self.read_filter(path));
        let filter = filter.transpose().map_err(&mut keep).unwrap_or_default();
        match pack {
            Some(pack) if findings.is_empty() => {
                Ok(Inputs { pack, public_key, identity_key, filter })
            }
            _ => Err(findings),
        }
    }

    fn read_filter(&self, path: &Path) -> Result<Vec<u8>, Box<Finding>> {
        let (file, bytes) = disk::read(path, MAX_FILE_BYTES)?;
        if bytes.starts_with(self.host.magic()) {
            return Ok(bytes);
        }
        let (message, help) = match self.host {
            HostKind::Wasm => (
                "the file is not a WebAssembly module",
                "give the `filter.wasm` that `cargo xtask dist` writes",
            ),
            HostKind::Native => (
                "the file is not a shared library",
                "give the `libtidegate_native.so` that `cargo xtask dist` writes",
            ),
        };
        let code = &gateway::codes::UNSUITABLE_GATEWAY;
        Err(Box::new(Finding::about(&file, code, message, help)))
    }

    fn write(&self, mut inputs: Inputs) -> Result<Outcome, Box<Finding>> {
        let filter = inputs.filter.take();
        let (settings, version) = self.settings(inputs)?;
        let place = |image: &ImageReference| Place {
            namespace: self.namespace.clone().unwrap_or_else(|| "istio-system".to_owned()),
            image: image.clone(),
            sha256: None,
        };
        let mut files: Vec<File> = match (self.kind, &self.image) {
            (Kind::Istio, Some(image)) => {
                let resource = match self.resource {
                    Some(Resource::TrafficExtension) => IstioResource::TrafficExtension,
                    Some(Resource::WasmPlugin) | None => IstioResource::WasmPlugin,
                };
                configuration::istio(&settings, &place(image), &self.istio_target(), resource)
            }
            (Kind::EnvoyGateway, Some(image)) => {
                let gateway = self.target.as_deref().unwrap_or_default();
                configuration::envoy_gateway(&settings, &place(image), gateway)
            }
            (Kind::Ecds, _) => configuration::ecds(&settings, &version),
            // The command line asks for the image where there has to be one.
            (Kind::Envoy | Kind::Istio | Kind::EnvoyGateway, _) => {
                configuration::envoy(&settings, &version)
            }
        };
        let is_resource = matches!(self.kind, Kind::Istio | Kind::EnvoyGateway);
        if is_resource && files.iter().any(|(_, bytes)| bytes.len() > MAX_RESOURCE_BYTES) {
            let message = format!(
                "the resource would be larger than {MAX_RESOURCE_BYTES} bytes, which Kubernetes refuses"
            );
            let help = "compile fewer rules into the pack, or give each gateway its own";
            let file = name(&self.pack);
            return Err(Box::new(Finding::about(
                &file,
                &knowledge::codes::OVERSIZED_PACK,
                message,
                help,
            )));
        }
        if let Some(filter) = filter {
            if is_resource {
                let artifact = Artifact {
                    filter: &filter,
                    pack: &settings.pack,
                    tag: &version,
                    host: settings.host,
                };
                let layout = configuration::layout(&artifact)
                    .map_err(|error| unwritable(&self.output, &error))?;
                files
                    .extend(layout.into_iter().map(|(name, bytes)| (format!("oci/{name}"), bytes)));
            } else {
                files.push((self.host.file().to_owned(), filter));
            }
        }
        let secret = settings.identity_key.as_deref().unwrap_or_default().as_bytes();
        let files: Vec<_> =
            files.iter().map(|(file, bytes)| (self.output.join(file), file, bytes)).collect();
        let all: Vec<_> = files
            .iter()
            .map(|(path, _, bytes)| (path.as_path(), &bytes[..], access(bytes, secret)))
            .collect();
        disk::place_all(&self.output, &all).map_err(|(path, error)| unwritable(path, &error))?;
        let mut listed = String::new();
        for (path, file, bytes) in &files {
            if !file.contains("blobs/") {
                listed += &format!("{}\n", name(path));
            }
            if is_resource && !file.contains('/') && bytes.len() > MAX_ANNOTATION_BYTES {
                let path = name(path);
                listed += &format!(
                    "  apply with `kubectl apply --server-side -f {path}`: {} bytes are too many for kubectl's own annotation\n",
                    bytes.len()
                );
            }
        }
        let stderr = format!(
            "the filter's mode is `{}`, its failure mode `{}`\n",
            settings.mode, settings.failure_mode
        );
        Ok(Outcome { stdout: listed, stderr, ..Outcome::default() })
    }

    /// What the resource of Istio attaches to.
    fn istio_target(&self) -> Target {
        match &self.target_ref {
            Some(gateway) => Target::Gateway(gateway.clone()),
            None if self.selector.is_empty() => {
                let gateway = self.target.as_deref().unwrap_or("egressgateway");
                Target::Labels(vec![("istio".to_owned(), gateway.to_owned())])
            }
            None => Target::Labels(self.selector.clone()),
        }
    }

    /// Returns the settings of the filter, and the pack's version.
    fn settings(&self, inputs: Inputs) -> Result<(Settings, String), Box<Finding>> {
        let (file, bytes) = inputs.pack;
        let (pack, public_key) = match inputs.public_key {
            None => (pack_file::decode(&file, &bytes)?, None),
            Some((keys, text)) => {
                // What the gateway would refuse is refused here already.
                let pack = pack_file::decode_checked(&file, &bytes, |envelope| {
                    envelope
                        .check_signature(&keys)
                        .map_err(|error| signing::untrusted(&file, error))
                })?;
                (pack, Some(text))
            }
        };
        let key = inputs.identity_key;
        check_key(&file, &pack, key.as_ref().map(|(key, _)| *key))?;
        let mode = match self.mode {
            Mode::Monitor => "monitor",
            Mode::Enforce => "enforce",
            Mode::Off => "off",
        };
        let failure_mode = match self.failure_mode {
            FailureMode::Open => "open",
            FailureMode::Closed => "closed",
        };
        let version = pack.tables().version.to_string();
        let settings = Settings {
            pack: bytes,
            mode,
            failure_mode,
            protocol: match self.protocol {
                Protocol::Http => configuration::Protocol::Http,
                Protocol::Tls => configuration::Protocol::Tls,
            },
            is_plain: self.protocol == Protocol::Http && (self.no_tls || self.kind == Kind::Envoy),
            host: match self.host {
                HostKind::Wasm => Host::Wasm,
                HostKind::Native => Host::Native,
            },
            public_key,
            identity_key: key.map(|(_, digits)| digits),
            source_header: self.source_header.clone(),
            trusted_hops: self.trusted_hops.join(","),
            suppress_seconds: self.suppress_seconds,
            events_per_minute: self.events_per_minute,
            collector: self.collector.clone().map(|collector| {
                let credential = self.collector_credential.clone();
                collector.behind(self.collector_cluster.clone()).with_credential(credential)
            }),
            allow_private: self.allow_private,
            interface: self.interface.clone(),
        };
        Ok((settings, version))
    }
}

/// Returns who may read a file: only its owner, if it contains the key of identities.
fn access(bytes: &[u8], secret: &[u8]) -> Access {
    let contains_secret = !secret.is_empty() && memchr::memmem::find(bytes, secret).is_some();
    if contains_secret { Access::Secret } else { Access::Shared }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Box<Finding> {
    let help = "give another folder with `--output`, or make this one writable";
    Box::new(disk::unwritable(path, error, help))
}

/// Reads the name of a network interface: Linux has at most 15 bytes, none of them a slash or a space.
fn interface(text: &str) -> Result<String, &'static str> {
    let is_name = |char: char| char.is_ascii_graphic() && char != '/' && char != ':';
    if text.is_empty() || text.len() > 15 || !text.chars().all(is_name) {
        return Err("not the name of a network interface, as `eth0`");
    }
    Ok(text.to_owned())
}
