//! `tidegate gateway`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum, value_parser};
use diagnostics::limits::MAX_FILE_BYTES;
use diagnostics::{Finding, Sources};
use gateway::configuration::{self, Artifact, Collector, File, Place, Settings};
use gateway::signing;
use inspect::network;
use knowledge::pack_file;

use super::policy::{check_key, read_key};
use super::{Outcome, name, plain};
use crate::disk;

/// How many bytes of a resource Kubernetes takes: the bound of a request to etcd.
const MAX_RESOURCE_BYTES: usize = 1_500_000;
/// Longest name of an image or a header.
const MAX_NAME_BYTES: usize = 512;

/// Writes what a gateway is configured with.
///
/// envoy: envoy.yaml and tidegate.json, the file that it watches. ecds: tidegate.json alone, to be moved
/// over the one that is there. istio: a `WasmPlugin`. envoy-gateway: an `EnvoyExtensionPolicy`. With
/// --collector a cluster for it: in envoy.yaml, or in collector.json for Kubernetes. With --filter also filter.wasm, and for Kubernetes an OCI image layout to push. docs/rollout.md walks through it.
#[derive(Args, Debug)]
pub(crate) struct Gateway {
    /// For what
    #[arg(value_enum)]
    kind: Kind,
    /// The pack
    #[arg(short, long, value_name = "FILE")]
    pack: PathBuf,
    /// The folder to write into; it is made, and files of the same names are replaced
    #[arg(short, long, value_name = "FOLDER")]
    output: PathBuf,
    /// The module, to be put beside the configuration
    #[arg(long, value_name = "FILE")]
    filter: Option<PathBuf>,
    /// Whether matches are only reported, or denied
    #[arg(long, value_enum, default_value = "monitor")]
    mode: Mode,
    /// What happens to a request that cannot be judged
    #[arg(long, value_enum, default_value = "open")]
    failure_mode: FailureMode,
    /// Public keys in PEM: the filter then takes only packs that one of them signed
    #[arg(long, value_name = "FILE")]
    public_key: Option<PathBuf>,
    /// The key that the identities of the pack's policy were hashed with: 32 hexadecimal digits
    #[arg(long, value_name = "FILE")]
    identity_key: Option<PathBuf>,
    /// A header that names the client, believed of trusted hops only
    #[arg(long, value_name = "NAME", requires = "trusted_hops", value_parser = header_name)]
    source_header: Option<String>,
    /// From whom it is believed: networks and SPIFFE ids
    #[arg(long, value_name = "HOPS", requires = "source_header", value_delimiter = ',', value_parser = hop)]
    trusted_hops: Vec<String>,
    /// Where the filter stands: among HTTP filters, or in front of TLS that passes through
    #[arg(long, value_enum, default_value = "http")]
    protocol: Protocol,
    /// For how long an event stands for those of the same rule, source and service; 0: each is written
    #[arg(long, value_name = "SECONDS", default_value_t = 0, value_parser = value_parser!(u32).range(0..=86_400))]
    suppress_seconds: u32,
    /// How many events of one rule are written in a minute; 0: any number
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    events_per_minute: u32,
    /// Where events are posted to in batches, beside the log; the cluster for it is written too
    #[arg(long, value_name = "URL", value_parser = Collector::read)]
    collector: Option<Collector>,
    /// The name of a cluster that Envoy knows already for the collector; none is written then
    #[arg(long, value_name = "NAME", requires = "collector")]
    collector_cluster: Option<String>,
    /// The namespace of the resource
    #[arg(long, default_value = "istio-system", value_parser = label)]
    namespace: String,
    /// The gateway: the value of the label `istio` of its pods, or the name of the Gateway
    #[arg(long = "gateway", value_name = "NAME", default_value = "egressgateway", value_parser = label)]
    target: String,
    /// The image of the filter in your registry
    #[arg(long, value_name = "REFERENCE", required_if_eq_any([("kind", "istio"), ("kind", "envoy-gateway")]), value_parser = image)]
    image: Option<String>,
}

/// A name of Kubernetes (RFC 1123): what is made of it stands in YAML and in selectors.
fn label(text: &str) -> Result<String, &'static str> {
    let help = "give a name of Kubernetes: up to 63 letters, digits, `-`, `.` or `_`";
    let is_end = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    let has_ends = is_end(bytes.first()) && is_end(bytes.last());
    plain(text, b"-._", 63, help).and_then(|name| has_ends.then_some(name).ok_or(help))
}

/// A reference of an image, as `registry.example/tidegate/filter:1`.
fn image(text: &str) -> Result<String, &'static str> {
    plain(text, b"-._:/@", MAX_NAME_BYTES, "write it as `registry.example/tidegate/filter:1`")
}

fn header_name(text: &str) -> Result<String, &'static str> {
    plain(text, b"-_", MAX_NAME_BYTES, "give the name of a header, as `x-client-name`")
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
    /// A whole configuration of Envoy.
    Envoy,
    /// The file that Envoy takes the filter from.
    Ecds,
    /// A `WasmPlugin`.
    Istio,
    /// An `EnvoyExtensionPolicy`.
    EnvoyGateway,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Protocol {
    Http,
    Tls,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mode {
    Monitor,
    Enforce,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FailureMode {
    Open,
    Closed,
}

impl Gateway {
    pub(super) fn run(&self) -> Outcome {
        match self.write() {
            Ok(stdout) => Outcome { stdout, ..Outcome::default() },
            Err(finding) => Outcome::refused(&[*finding], &Sources::new()),
        }
    }

    fn write(&self) -> Result<String, Box<Finding>> {
        if (self.kind, self.protocol) == (Kind::EnvoyGateway, Protocol::Tls) {
            let message = "Envoy Gateway runs the filter among HTTP filters only".to_owned();
            let help = "leave out `--protocol tls`, or write the configuration of another gateway";
            let file = name(&self.pack);
            return Err(Box::new(Finding::about(
                &file,
                &gateway::codes::UNSUITABLE_GATEWAY,
                message,
                help,
            )));
        }
        let (settings, version) = self.settings()?;
        let filter =
            self.filter.as_ref().map(|path| disk::read(path, MAX_FILE_BYTES).map(|it| it.1));
        let filter = filter.transpose()?;
        if let (Some(path), Some(bytes)) = (&self.filter, &filter)
            && !bytes.starts_with(b"\0asm")
        {
            let message = "this is no WebAssembly module";
            let help = "give the `filter.wasm` that `cargo xtask dist` writes";
            let code = &gateway::codes::UNSUITABLE_GATEWAY;
            return Err(Box::new(Finding::about(&name(path), code, message, help)));
        }
        let place = Place {
            namespace: self.namespace.clone(),
            gateway: self.target.clone(),
            image: self.image.clone().unwrap_or_default(),
            sha256: None,
        };
        let mut files: Vec<File> = match self.kind {
            Kind::Envoy => configuration::envoy(&settings, &version),
            Kind::Ecds => configuration::ecds(&settings, &version),
            Kind::Istio => configuration::istio(&settings, &place),
            Kind::EnvoyGateway => configuration::envoy_gateway(&settings, &place),
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
                let artifact = Artifact { filter: &filter, pack: &settings.pack, tag: &version };
                let layout = configuration::layout(&artifact)
                    .map_err(|error| unwritable(&self.output, &error))?;
                files
                    .extend(layout.into_iter().map(|(name, bytes)| (format!("oci/{name}"), bytes)));
            } else {
                files.push(("filter.wasm".to_owned(), filter));
            }
        }
        let mut told = String::new();
        let files: Vec<_> =
            files.iter().map(|(file, bytes)| (self.output.join(file), file, bytes)).collect();
        let all: Vec<_> =
            files.iter().map(|(path, _, bytes)| (path.as_path(), &bytes[..])).collect();
        disk::place_all(&all).map_err(|(path, error)| unwritable(path, &error))?;
        for (path, file, _) in &files {
            if !file.contains("blobs/") {
                told += &format!("{}\n", name(path));
            }
        }
        Ok(told)
    }

    /// What the filter is to be told, and the pack's version.
    fn settings(&self) -> Result<(Settings, String), Box<Finding>> {
        let (file, bytes) = disk::read_pack(&self.pack)?;
        let pack = pack_file::decode(&file, &bytes)?;
        let public_key = match &self.public_key {
            None => None,
            Some(path) => {
                let (key_file, text) = disk::read_text(path)?;
                let keys = signing::public_keys(&key_file, &text)?;
                // What the gateway would refuse is refused here already.
                pack.check_signature(&keys).map_err(|error| signing::untrusted(&file, error))?;
                Some(text)
            }
        };
        let key = self.identity_key.as_deref().map(read_key).transpose()?;
        check_key(&file, &pack, key.as_ref().map(|(key, _)| *key))?;
        let mode = match self.mode {
            Mode::Monitor => "monitor",
            Mode::Enforce => "enforce",
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
            public_key,
            identity_key: key.map(|(_, digits)| digits),
            source_header: self.source_header.clone(),
            trusted_hops: self.trusted_hops.join(","),
            suppress_seconds: self.suppress_seconds,
            events_per_minute: self.events_per_minute,
            collector: self.collector.clone().map(|it| it.behind(self.collector_cluster.clone())),
        };
        Ok((settings, version))
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Box<Finding> {
    let help = "give another folder with `--output`, or make this one writable";
    Box::new(disk::unwritable(path, error, help))
}
