//! What a gateway is configured with: files for Envoy, resources for Kubernetes, an image layout.
//!
//! Pure: from a pack and a few choices to the files' texts. The configuration of Envoy is an example's,
//! `examples/egress-gateway` or `examples/transparent`, so that what is written here is what the tests run.

mod collector;
mod image;
mod kubernetes;
mod native;
mod reference;
mod target;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

pub use collector::Collector;
pub use image::{Artifact, layout};
pub use kubernetes::{IstioResource, Place, envoy_gateway, istio};
pub use native::{NATIVE_MODULE, name_metrics_alike, native_filter, replace_by_native};
pub use reference::ImageReference;
pub use target::Target;

/// A file to write: its name, and its bytes.
pub type File = (String, Vec<u8>);

/// The protocol of a gateway's streams where the filter runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP.
    #[default]
    Http,
    /// TLS that passes through: server names are judged.
    Tls,
}

impl Protocol {
    /// An example's configuration, with its comments, and where it contains the filter's settings.
    fn example(self) -> (&'static str, &'static str) {
        match self {
            Protocol::Http => (
                include_str!("../../examples/egress-gateway/envoy.yaml"),
                r#"'{"mode": "monitor", "tls": "none", "pack": "PACK"}'"#,
            ),
            Protocol::Tls => (
                include_str!("../../examples/transparent/envoy.yaml"),
                r#"'{"mode": "monitor", "protocol": "tls", "connections_per_source": "1000", "pack": "PACK"}'"#,
            ),
        }
    }

    /// The type of the filter's configuration, and the filter's `vm_id`.
    fn plugin(self) -> (&'static str, &'static str) {
        match self {
            Protocol::Http => {
                ("type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm", "tidegate")
            }
            Protocol::Tls => (
                "type.googleapis.com/envoy.extensions.filters.network.wasm.v3.Wasm",
                "tidegate-tls",
            ),
        }
    }
}

/// What runs the filter in Envoy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Host {
    /// The wasm module, in a sandbox.
    #[default]
    Wasm,
    /// The native module, in Envoy's own process. For HTTP, from Envoy 1.39 on.
    Native,
}

/// The most open connections of one client on each worker, where TLS passes through: as many as requests at
/// once over HTTP.
const CONNECTIONS_PER_SOURCE: &str = "1000";

/// The filter's settings.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The bytes of a pack.
    pub pack: Vec<u8>,
    /// `monitor` or `enforce`.
    pub mode: &'static str,
    /// `open` or `closed`.
    pub failure_mode: &'static str,
    /// What the streams speak.
    pub protocol: Protocol,
    /// True if the listener is known to have no TLS, so that the filter need not look for server names. Only with
    /// HTTP.
    pub is_plain: bool,
    /// What runs the filter; the native module only with HTTP.
    pub host: Host,
    /// Public keys in PEM, of which one has to have signed the pack.
    pub public_key: Option<String>,
    /// The key of the identities in the pack's policy, in hexadecimal digits.
    pub identity_key: Option<String>,
    /// A header that names the client.
    pub source_header: Option<String>,
    /// From whom it is believed, separated by commas; only with the header.
    pub trusted_hops: String,
    /// For how many seconds repeated events are suppressed; 0: each is written.
    pub suppress_seconds: u32,
    /// How many events of one rule are written in a minute; 0: any number.
    pub events_per_minute: u32,
    /// Where events are posted to, beside the log.
    pub collector: Option<Collector>,
    /// Whether clients may reach private networks through the gateway; only where Envoy's configuration is
    /// written.
    pub allow_private: bool,
    /// The network interface through which Envoy calls outside; any if `None`. Only where Envoy's configuration
    /// is written, and on Linux.
    pub interface: Option<String>,
}

impl Settings {
    /// The plugin configuration: what is as it is by default is left out.
    pub fn json(&self) -> Value {
        let mut settings = json!({
            "mode": self.mode,
            "failure_mode": self.failure_mode,
            "pack": STANDARD.encode(&self.pack),
        });
        let Some(map) = settings.as_object_mut() else { return settings };
        let mut insert = |key: &str, value: &str| map.insert(key.to_owned(), json!(value));
        if self.protocol == Protocol::Tls {
            insert("protocol", "tls");
            insert("connections_per_source", CONNECTIONS_PER_SOURCE);
        }
        if self.is_plain {
            insert("tls", "none");
        }
        if let Some(key) = &self.public_key {
            insert("public_key", key);
        }
        if let Some(key) = &self.identity_key {
            insert("identity_key", key);
        }
        if let Some(header) = &self.source_header {
            insert("source_header", header);
            insert("trusted_hops", &self.trusted_hops);
        }
        for (key, count) in [
            ("suppress_seconds", self.suppress_seconds),
            ("events_per_minute", self.events_per_minute),
        ] {
            if count > 0 {
                insert(key, &count.to_string());
            }
        }
        for (key, value) in self.collector.iter().flat_map(Collector::settings) {
            insert(key, value);
        }
        settings
    }

    /// The cluster that Envoy needs for the collector, where there is one.
    fn collector_cluster(&self) -> Option<Value> {
        self.collector.as_ref().and_then(Collector::cluster)
    }
}

/// A configuration of Envoy: for HTTP one that takes the filter from a file that it watches, and that
/// file; for TLS the filter is in it.
pub fn envoy(settings: &Settings, version: &str) -> Vec<File> {
    let (example, placeholder) = settings.protocol.example();
    // A text of YAML between single quotes; the settings hold none.
    let quoted = format!("'{}'", settings.json().to_string().replace('\'', "''"));
    let example = match settings.host {
        Host::Wasm => example.to_owned(),
        Host::Native => native::native_text(example),
    };
    let mut text = example.replace(placeholder, &quoted);
    if settings.allow_private {
        text = without_private(&text);
    }
    if let Some(interface) = &settings.interface {
        text = through(&text, interface);
    }
    if let Some(header) = &settings.source_header {
        // Who a client is leaves the gateway as little as its address does.
        let listed = "            - x-client-name\n";
        text = text.replace(listed, &format!("{listed}            - {}\n", json!(header)));
    }
    if let Some(cluster) = settings.collector_cluster() {
        // JSON is YAML, and the list of clusters ends the file.
        text += &format!("  # Where events are posted to.\n  - {cluster}\n");
    }
    if let Some(secret) = settings.collector.as_ref().and_then(Collector::secret) {
        let start = "static_resources:\n";
        let secrets =
            "  # What the collector knows the gateway by; Envoy reads the file.\n  secrets:\n";
        text = text.replacen(start, &format!("{start}{secrets}  - {secret}\n"), 1);
    }
    let mut files = vec![("envoy.yaml".to_owned(), text.into_bytes())];
    if settings.protocol == Protocol::Http {
        files.extend(ecds(settings, version));
    }
    files
}

/// Binds what calls outside to an interface.
///
/// RBAC judges the first address of an answer and Envoy calls the second where the first does not answer. A
/// socket that is bound to an interface has no way to loopback, whatever address it is given: the kernel sees
/// to that (socket(7), `SO_BINDTODEVICE`; without privileges since Linux 5.7).
fn through(text: &str, interface: &str) -> String {
    // SOL_SOCKET and SO_BINDTODEVICE, which are the same on x86 and Arm.
    let option = json!({
        "description": "SO_BINDTODEVICE", "level": 1, "name": 25, "state": "STATE_PREBIND",
        "buf_value": STANDARD.encode(format!("{interface}\0")),
    });
    let bind = json!({"socket_options": [option]});
    let comment =
        "    # Through this interface only: no address that a name has leads to loopback.\n";
    let mut bound = String::new();
    for line in text.split_inclusive('\n') {
        bound.push_str(line);
        if matches!(line.trim_end(), "  - name: internet" | "  - name: wanted") {
            bound.push_str(&format!("{comment}    upstream_bind_config: {bind}\n"));
        }
    }
    bound
}

/// Removes the policy `private` with its comment, and the ranges that are marked as private.
fn without_private(text: &str) -> String {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut kept: Vec<&str> = Vec::new();
    let mut removed = None;
    for line in text.lines() {
        if removed.is_some_and(|policy| indent(line) > policy) {
            continue;
        }
        removed = None;
        if line.trim() == "private:" {
            removed = Some(indent(line));
            let is_comment = |above: &&&str| {
                above.trim_start().starts_with('#') && indent(above) == indent(line)
            };
            let n_comments = kept.iter().rev().take_while(is_comment).count();
            kept.truncate(kept.len() - n_comments);
        } else if !line.ends_with("# private") {
            kept.push(line);
        }
    }
    kept.join("\n") + "\n"
}

/// The file that Envoy takes the filter from (ECDS): to be moved over the one that is there. A cluster
/// for the collector cannot be in it.
pub fn ecds(settings: &Settings, version: &str) -> Vec<File> {
    let value = json!({
        "@type": "type.googleapis.com/google.protobuf.StringValue",
        "value": settings.json().to_string(),
    });
    let config = match settings.host {
        Host::Wasm => wasm_filter(settings.protocol, &value),
        Host::Native => native_filter(NATIVE_MODULE, &value),
    };
    let resource = json!({
        "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
        "name": "tidegate",
        "typed_config": config,
    });
    let response = json!({"version_info": version, "resources": [resource]});
    vec![("tidegate.json".to_owned(), format!("{response:#}\n").into_bytes())]
}

/// Returns the configuration of the wasm module, with the filter's settings as an `Any`.
fn wasm_filter(protocol: Protocol, settings: &Value) -> Value {
    let (kind, vm_id) = protocol.plugin();
    let capabilities = capabilities(protocol).into_iter().map(|name| (name.to_owned(), json!({})));
    let allowed: serde_json::Map<_, _> = capabilities.collect();
    json!({
        "@type": kind,
        "config": {
            "name": "tidegate",
            "failure_policy": "FAIL_RELOAD",
            "capability_restriction_config": {"allowed_capabilities": allowed},
            "vm_config": {
                "vm_id": vm_id,
                "runtime": "envoy.wasm.runtime.v8",
                "code": {"local": {"filename": "filter.wasm"}},
            },
            "configuration": settings,
        },
    })
}

/// What the filter may ask of Envoy: the list in the example.
fn capabilities(protocol: Protocol) -> Vec<&'static str> {
    let (example, _) = protocol.example();
    let lines = example.lines().skip_while(|line| line.trim() != "allowed_capabilities:").skip(1);
    let names = lines.map_while(|line| line.trim().strip_suffix(": {}"));
    names.filter(|name| name.starts_with("proxy_")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        let public_key = Some("-----BEGIN PUBLIC KEY-----\nMCow\n".to_owned());
        Settings {
            pack: b"pack".to_vec(),
            mode: "enforce",
            failure_mode: "closed",
            public_key,
            suppress_seconds: 60,
            collector: Some(Collector::read("http://logs.example/ingest").unwrap()),
            ..Settings::default()
        }
    }

    #[test]
    fn what_the_filter_is_told_is_the_same_everywhere() {
        let expect = json!({
            "mode": "enforce", "failure_mode": "closed", "pack": "cGFjaw==",
            "public_key": "-----BEGIN PUBLIC KEY-----\nMCow\n",
            "suppress_seconds": "60",
            "collector": "tidegate_collector", "collector_url": "http://logs.example/ingest",
        });
        let place = Place {
            namespace: "istio-system".to_owned(),
            image: ImageReference::read("registry.example/filter:1").unwrap(),
            sha256: Some("00".repeat(32)),
        };
        let read = |files: Vec<File>| -> Value { serde_json::from_slice(&files[0].1).unwrap() };
        let target = Target::Gateway("egress".to_owned());
        assert_eq!(
            read(istio(&settings(), &place, &target, IstioResource::WasmPlugin))["spec"]["pluginConfig"],
            expect
        );
        let policy = read(envoy_gateway(&settings(), &place, "egress"));
        assert_eq!(policy["spec"]["wasm"][0]["config"], expect);
        let ecds = read(ecds(&settings(), "1"));
        let config = &ecds["resources"][0]["typed_config"]["config"];
        let value = config["configuration"]["value"].as_str().unwrap();
        assert_eq!(serde_json::from_str::<Value>(value).unwrap(), expect);
        let files = envoy(&settings(), "1");
        let text = String::from_utf8(files[0].1.clone()).unwrap();
        let line = text.lines().find(|line| line.contains("cGFjaw==")).unwrap();
        let (_, quoted) = line.split_once('\'').unwrap();
        let value = quoted.strip_suffix('\'').unwrap();
        assert_eq!(serde_json::from_str::<Value>(value).unwrap(), expect);
        assert!(!text.contains("PACK"), "{text}");
        assert!(text.contains("`envoy -c envoy.yaml`"));
    }

    #[test]
    fn private_networks_are_refused_unless_they_are_allowed() {
        for protocol in [Protocol::Http, Protocol::Tls] {
            let text = |allow_private| {
                let settings = Settings { protocol, allow_private, ..settings() };
                String::from_utf8(envoy(&settings, "1")[0].1.clone()).unwrap()
            };
            let (refused, allowed) = (text(false), text(true));
            assert!(refused.contains("address_prefix: 10.0.0.0,"));
            assert!(!allowed.contains("address_prefix: 10.0.0.0,"));
            assert!(!allowed.contains("private:") && !allowed.contains("Networks inside"));
            // Nothing else is gone.
            for kept in ["multicast:", "reserved:", "address_prefix: 169.254.0.0,", "  clusters:"] {
                assert!(allowed.contains(kept), "{kept}");
            }
            let is_private = |line: &&str| !allowed.contains(line);
            let n_removed = refused.lines().count() - allowed.lines().count();
            assert!(refused.lines().filter(is_private).count() <= n_removed);
        }
    }

    #[test]
    fn what_calls_outside_is_bound_to_the_interface() {
        for (protocol, clusters) in
            [(Protocol::Http, &["internet"][..]), (Protocol::Tls, &["internet", "wanted"])]
        {
            let interface = Some("eth0".to_owned());
            let settings = Settings { protocol, interface, ..settings() };
            let text = String::from_utf8(envoy(&settings, "1")[0].1.clone()).unwrap();
            assert_eq!(text.matches("\"ZXRoMAA=\"").count(), clusters.len());
            for cluster in clusters {
                let (_, behind) = text.split_once(&format!("\n  - name: {cluster}\n")).unwrap();
                assert!(behind.lines().nth(1).unwrap().contains("SO_BINDTODEVICE"), "{behind}");
            }
        }
    }

    #[test]
    fn the_credential_of_the_collector_is_a_file_that_envoy_reads() {
        for protocol in [Protocol::Http, Protocol::Tls] {
            let read = |file: Option<&str>| {
                let collector = Collector::read("https://logs.example/").unwrap();
                let collector = collector.with_credential(file.map(str::to_owned));
                let settings = Settings { protocol, collector: Some(collector), ..settings() };
                String::from_utf8(envoy(&settings, "1")[0].1.clone()).unwrap()
            };
            let (without, with) = (read(None), read(Some("./token")));
            assert!(!without.contains("secrets:") && !without.contains("credential_injector"));
            assert!(with.contains("static_resources:\n  # What the collector"), "{with}");
            assert!(with.contains(r#""secret":{"filename":"./token"}"#), "{with}");
            assert!(with.contains("credential_injector"), "{with}");
        }
    }

    #[test]
    fn the_header_that_names_a_client_does_not_leave() {
        let settings = Settings { source_header: Some("x-who".to_owned()), ..settings() };
        let text = String::from_utf8(envoy(&settings, "1")[0].1.clone()).unwrap();
        assert!(text.contains("            - \"x-who\"\n"), "{text}");
    }

    #[test]
    fn the_capabilities_are_those_of_the_example() {
        for (protocol, callback) in
            [(Protocol::Http, "proxy_on_request_headers"), (Protocol::Tls, "proxy_close_stream")]
        {
            let capabilities = capabilities(protocol);
            assert!(capabilities.contains(&callback), "{capabilities:?}");
            assert!(capabilities.len() >= 20 && capabilities.iter().all(|it| !it.contains(' ')));
        }
    }
}
