//! Options that a kind of configuration has no place for.

use diagnostics::Finding;

use super::{Gateway, HostKind, Kind, Protocol};
use crate::command::name;

impl Gateway {
    /// Returns a finding for each option that the kind of configuration has no place for.
    pub(super) fn unsuitable(&self) -> Vec<Finding> {
        let is_istio = self.kind == Kind::Istio;
        let is_envoy = self.kind == Kind::Envoy;
        let is_resource = matches!(self.kind, Kind::Istio | Kind::EnvoyGateway);
        let is_native = self.host == HostKind::Native;
        let is_tls = self.protocol == Protocol::Tls;
        let cases = [
            (
                self.kind == Kind::EnvoyGateway && is_tls,
                "Envoy Gateway runs the filter among HTTP filters only",
                "leave out `--protocol tls`, or write the configuration of another gateway",
            ),
            (
                self.no_tls && is_tls,
                "`--no-tls` is about a listener for HTTP",
                "leave it out: TLS that passes through is judged by its server name",
            ),
            (
                is_native && is_tls,
                "the native module has an HTTP filter only",
                "leave out `--host native`, or `--protocol tls`",
            ),
            (
                is_native && is_istio,
                "Istio has no resource for a native module",
                "leave out `--host native`, or write the configuration of another gateway",
            ),
            (
                self.interface.is_some() && !is_envoy,
                "`--interface` is about the sockets of envoy.yaml, and this is not written",
                "leave it out, and bind the sockets in the configuration of your own gateway",
            ),
            (
                self.allow_private && !is_envoy,
                "`--allow-private` is about the addresses that envoy.yaml refuses, and this is not written",
                "leave it out, and see docs/hardening.md for what the gateway of your own has to refuse",
            ),
            (
                self.collector_credential.is_some() && !is_envoy,
                "`--collector-credential` is for a whole configuration of Envoy",
                "give the collector's cluster a credential yourself, and name it with `--collector-cluster`",
            ),
            (
                !is_istio && (!self.selector.is_empty() || self.target_ref.is_some()),
                "`--selector` and `--target-ref` attach a resource of Istio",
                "name the Gateway with `--gateway` for Envoy Gateway; Envoy needs none",
            ),
            (
                !is_istio && self.resource.is_some(),
                "`--resource` is about the resources of Istio",
                "leave it out: the other gateways have one resource each",
            ),
            (
                !is_resource && (self.namespace.is_some() || self.target.is_some()),
                "`--namespace` and `--gateway` place a resource of Kubernetes, and none is written",
                "leave them out, or write the configuration of `istio` or `envoy-gateway`",
            ),
            (
                !is_resource && self.image.is_some(),
                "`--image` is what a resource of Kubernetes loads, and none is written",
                "give the module with `--filter`, or write the configuration of `istio` or `envoy-gateway`",
            ),
        ];
        let pack = name(&self.pack);
        let cases = cases.into_iter().filter(|(is_unsuitable, ..)| *is_unsuitable);
        let finding = |(_, message, help)| {
            Finding::about(&pack, &gateway::codes::UNSUITABLE_GATEWAY, message, help)
        };
        cases.map(finding).collect()
    }
}
