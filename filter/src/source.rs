//! The identity of a client, from what it proves and from sources that it does not control: its credentials, its
//! certificate, a header that a trusted hop set, its address.

use inspect::Source;

use crate::config::ListenerTls;
use crate::host::{Host, Property};
use crate::trusted_header::{HopName, TrustedHeader};

/// The sender of a request, read from the host.
#[derive(Debug, Default)]
pub(crate) struct Sender {
    /// The client that it proves to be by its credentials.
    pub(crate) client: Option<Vec<u8>>,
    /// The URI in the subject alternative name of its certificate.
    pub(crate) identity: Option<Vec<u8>>,
    /// The name that a trusted hop gives it.
    pub(crate) named: Option<Vec<u8>>,
    /// Its address, with port.
    pub(crate) source_address: Option<Vec<u8>>,
    /// True if a trusted hop's header is empty or repeated: then nothing is known about the client, and
    /// the address is the hop's.
    pub(crate) is_ambiguous: bool,
}

impl Sender {
    /// Reads the sender; a property that is not returned is as one that is not set, so that nothing is
    /// sanctioned or excused for it. Without TLS there is no certificate to ask for.
    pub(crate) fn read(
        host: &dyn Host,
        listener_tls: ListenerTls,
        header: Option<&TrustedHeader>,
        header_map: &[u8],
        source_address: Option<&[u8]>,
    ) -> Sender {
        let read = |property| host.property(property).ok().flatten();
        let address = source_address.map(<[u8]>::to_vec);
        let mut sender = Sender {
            client: None,
            identity: match listener_tls {
                ListenerTls::Any => read(Property::PeerIdentity),
                ListenerTls::None => None,
            },
            named: None,
            is_ambiguous: false,
            source_address: address.or_else(|| read(Property::SourceAddress)),
        };
        let name = header.map_or(HopName::Absent, |header| {
            header.name(header_map, sender.address(), sender.identity.as_deref())
        });
        // Behind a trusted hop, certificate and address are the hop's.
        match name {
            HopName::Absent => {}
            HopName::Is(name) => {
                sender.identity = None;
                sender.named = Some(name);
            }
            HopName::Ambiguous => {
                sender.identity = None;
                sender.is_ambiguous = true;
            }
        }
        sender
    }

    fn address(&self) -> Option<&[u8]> {
        self.source_address.as_deref().map(crate::snapshot::without_port)
    }

    /// Returns the source for the policy.
    pub(crate) fn source(&self) -> Source<'_> {
        Source {
            identity: self.identity.as_deref().filter(|_| self.client.is_none()),
            named: self.client.as_deref().or(self.named.as_deref()),
            // The address of a hop does not identify those behind it.
            address: match &self.named {
                None if !self.is_ambiguous => self.address(),
                _ => None,
            },
        }
    }

    /// Returns who this is where senders are distinguished: how the client is known, and its name or address. A name
    /// of one kind is never one of another: whoever may choose a name does not become somebody's address by it, and
    /// who is not known is not the hop that it came through. Without a name or address the second part is empty.
    pub(crate) fn party(&self) -> [&[u8]; 2] {
        match self {
            Sender { client: Some(name), .. } => [b"client", name],
            Sender { identity: Some(name), .. } => [b"certificate", name],
            Sender { named: Some(name), .. } => [b"header", name],
            Sender { is_ambiguous: true, .. } => [b"unknown", self.address().unwrap_or_default()],
            _ => [b"address", self.address().unwrap_or_default()],
        }
    }

    /// Returns the name that events show, if there is more than an address.
    pub(crate) fn shown(&self) -> Option<&[u8]> {
        self.client.as_deref().or(self.identity.as_deref()).or(self.named.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{FakeHost, serialised};

    #[test]
    fn a_header_counts_only_from_a_trusted_hop_and_an_ambiguous_one_names_nobody() {
        let header = TrustedHeader::read(Some("X-Client"), Some("10.0.0.0/8, spiffe://a/gateway"));
        let header = header.unwrap().unwrap();
        let one = serialised(&[(":method", b"GET"), ("x-client", b"build-7")]);
        let two = serialised(&[("x-client", b"build-7"), ("x-client", b"build-8")]);
        let none = serialised(&[(":method", b"GET")]);
        let empty = serialised(&[("x-client", b" ")]);
        let half = serialised(&[("x-client", b"build-7"), ("x-client", b"")]);
        let read = |map: &[u8], address: &[u8], identity: Option<&[u8]>| {
            let host = FakeHost::new();
            if let Some(identity) = identity {
                host.set_property(Property::PeerIdentity, identity);
            }
            Sender::read(&host, ListenerTls::Any, Some(&header), map, Some(address))
        };
        let hop = b"10.1.2.3:80";
        let gateway = Some(&b"spiffe://a/gateway"[..]);
        let other = Some(&b"spiffe://a/gateway2"[..]);
        let build = Source { named: Some(b"build-7"), ..Source::default() };
        let own = |address| Source { address: Some(address), ..Source::default() };
        assert_eq!(read(&one, hop, None).source(), build);
        assert_eq!(read(&one, b"192.0.2.1:80", gateway).source(), build);
        let client = Source { identity: other, ..own(b"192.0.2.1") };
        assert_eq!(read(&one, b"192.0.2.1:80", other).source(), client);
        assert_eq!(read(&one, b"192.0.2.1:80", None).source(), own(b"192.0.2.1"));
        assert_eq!(read(&none, hop, None).source(), own(b"10.1.2.3"));
        for map in [&two, &empty, &half] {
            let sender = read(map, hop, None);
            assert_eq!((sender.source(), sender.is_ambiguous), (Source::default(), true));
            let sender = read(map, b"192.0.2.1:80", gateway);
            assert_eq!((sender.source(), sender.shown()), (Source::default(), None));
            // From anybody else the header means nothing.
            assert_eq!(read(map, b"192.0.2.1:80", None).source(), own(b"192.0.2.1"));
        }
    }
}
