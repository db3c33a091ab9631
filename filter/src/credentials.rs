//! The client that a request names to the proxy: `Proxy-Authorization` (RFC 9110, section 11.7; RFC 7617).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use inspect::{Mode, Pack, address_number};

use crate::config::{Anywhere, ListenerTls};
use crate::deny::unauthenticated;
use crate::headers::{Occurrence, occurrence, underscored};
use crate::host::{Host, Property};
use crate::metrics::{Failure, Unauthenticated};
use crate::plugin::Plugin;
use crate::snapshot::{Snapshot, without_port};

/// The header with the credentials.
const HEADER: &str = "proxy-authorization";

/// The filter state with the name of a tunnel's client, which the gateway's configuration passes on to what is
/// inside: see [`Property::Client`].
const CLIENT: &str = "tidegate.client";

/// What happens to a request for its credentials.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Authentication {
    /// It goes on, with the client that it names, if it names one.
    Passed(Option<Vec<u8>>),
    /// It was answered.
    Refused,
}

impl Plugin {
    /// Reads who sends the current request by its credentials, removes them, and answers a request that lacks
    /// what the policy requires. In mode `monitor` nothing is answered. Returns a failure beside it, after which
    /// the request would be forwarded with its credentials.
    ///
    /// Without clients in the policy the header belongs to somebody else and stays. Neither the header nor
    /// anything of it is kept or reported, but for the name of a client that it proves.
    pub(crate) fn authenticate(
        &self,
        host: &dyn Host,
        pack: &Pack,
        snapshot: &Snapshot,
        is_connect: bool,
    ) -> (Authentication, Option<Failure>) {
        if !pack.has_credentials() {
            return (Authentication::Passed(None), None);
        }
        let header = occurrence(&snapshot.header_map, HEADER.as_bytes());
        let mut failed = None;
        if header != Occurrence::Never && host.set_request_header(HEADER, None).is_err() {
            failed = Some(Failure::RequestHeader);
        }
        for other in underscored(&snapshot.header_map, HEADER) {
            if host.set_request_header(&other, None).is_err() {
                failed = Some(Failure::RequestHeader);
            }
        }
        // What arrives in a tunnel was admitted with the tunnel.
        if snapshot.connect_target.is_some() {
            let client = host.property(Property::Client).ok().flatten();
            let client = client.filter(|name| name != b"-");
            return (Authentication::Passed(client), failed);
        }
        let is_required = || {
            let sender = self.sender(host, snapshot);
            pack.requires_credentials(sender.source())
        };
        let lacks = match header {
            Occurrence::Never if !is_required() => None,
            Occurrence::Never if self.is_secure(host) => Some(Unauthenticated::Missing),
            Occurrence::Never => Some(Unauthenticated::Insecure),
            _ if !self.is_secure(host) => is_required().then_some(Unauthenticated::Insecure),
            Occurrence::Once(value) => match client(pack, value) {
                Some(name) => {
                    let name = name.as_bytes().to_vec();
                    if is_connect && host.set_filter_state(CLIENT, &name).is_err() {
                        self.count_failure(host, Failure::FilterState);
                    }
                    return (Authentication::Passed(Some(name)), failed);
                }
                None => Some(Unauthenticated::Wrong),
            },
            Occurrence::Repeated => Some(Unauthenticated::Wrong),
        };
        let Some(lacks) = lacks else { return (Authentication::Passed(None), failed) };
        self.count(|counters| counters.unauthenticated(host, lacks));
        if self.settings.mode != Mode::Enforce {
            return (Authentication::Passed(None), failed);
        }
        self.count(|counters| counters.request(host));
        // If not even this can be sent, the stream stays paused: nothing passes.
        self.answer(host, &unauthenticated(lacks));
        (Authentication::Refused, failed)
    }

    /// Returns true if nobody else can read what the client sends: TLS, or a connection to an address of loopback.
    fn is_secure(&self, host: &dyn Host) -> bool {
        let read = |property| host.property(property).ok().flatten();
        let is_loopback = |address: Vec<u8>| {
            let number = address_number(without_port(&address));
            number.is_some_and(|number| {
                std::net::Ipv6Addr::from_bits(number).to_canonical().is_loopback()
            })
        };
        self.settings.credentials == Anywhere::Yes
            || self.settings.listener_tls == ListenerTls::Any
                && read(Property::TlsVersion).is_some()
            || read(Property::DestinationAddress).is_some_and(is_loopback)
    }
}

/// The client that a value of the header proves.
fn client<'p>(pack: &'p Pack, value: &[u8]) -> Option<&'p str> {
    let (scheme, rest) = value.trim_ascii().split_at_checked("basic".len())?;
    let text = rest.strip_prefix(b" ").filter(|_| scheme.eq_ignore_ascii_case(b"basic"))?;
    let decoded = STANDARD.decode(text.trim_ascii()).ok()?;
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    let (name, secret) = decoded.split_at_checked(colon)?;
    pack.client(name, secret.get(1..)?)
}

#[cfg(test)]
mod tests;
