//! The identity of a client, from what it proves and from sources that it does not control: its credentials, its
//! certificate, a header that a trusted hop set, its address.

use inspect::{Source, address_number, network};

use crate::config::ListenerTls;
use crate::headers::{self, Occurrence};
use crate::host::{Host, Property};

/// A header in which trusted hops name the client.
#[derive(Debug)]
pub(crate) struct TrustedHeader {
    /// In lower case.
    name: Vec<u8>,
    hops: Vec<Hop>,
}

/// A hop that is trusted to set the header, and to remove it from what clients send.
#[derive(Debug)]
enum Hop {
    /// By its address.
    Network(u128, u128),
    /// By its certificate (SPIFFE id).
    Identity(Vec<u8>),
}

impl TrustedHeader {
    /// Reads `source_header` and `trusted_hops`; each needs the other.
    pub(crate) fn read(
        header: Option<&str>,
        hops: Option<&str>,
    ) -> Result<Option<TrustedHeader>, &'static str> {
        let (name, hops) = match (header, hops) {
            (None, None) => return Ok(None),
            (Some(_), None) => {
                return Err("needs `trusted_hops`: a header that anybody can send proves nothing");
            }
            (None, Some(_)) => return Err("is missing, but `trusted_hops` is set"),
            (Some(name), Some(hops)) => (name.trim().to_ascii_lowercase(), hops),
        };
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if name.is_empty() || !name.bytes().all(is_name) {
            return Err("is not the name of a header");
        }
        let hop = |text: &str| match network(text) {
            Ok(Some((first, last))) => Ok(Hop::Network(first, last)),
            Ok(None) if text.contains("://") => Ok(Hop::Identity(text.as_bytes().to_vec())),
            Ok(None) | Err(_) => {
                Err("has `trusted_hops` with an entry that is neither a network nor a SPIFFE id")
            }
        };
        let hops = hops.split(',').map(str::trim).filter(|text| !text.is_empty());
        let hops = hops.map(hop).collect::<Result<Vec<_>, _>>()?;
        if hops.is_empty() {
            return Err("has an empty list of `trusted_hops`");
        }
        Ok(Some(TrustedHeader { name: name.into_bytes(), hops }))
    }

    /// Reads the header, if the request came from a trusted hop.
    fn name(&self, header_map: &[u8], sender: &Sender) -> HopName {
        let address = sender.address().and_then(address_number);
        let is_trusted = self.hops.iter().any(|hop| match hop {
            Hop::Network(first, last) => address.is_some_and(|it| (*first..=*last).contains(&it)),
            Hop::Identity(identity) => sender.identity.as_ref() == Some(identity),
        });
        if !is_trusted {
            return HopName::Absent;
        }
        match headers::occurrence(header_map, &self.name) {
            Occurrence::Never => HopName::Absent,
            Occurrence::Once(name) if !name.trim_ascii().is_empty() => HopName::Is(name.to_vec()),
            Occurrence::Once(_) | Occurrence::Repeated => HopName::Ambiguous,
        }
    }
}

/// What a trusted hop's header says about the client.
#[derive(Clone, Debug, PartialEq, Eq)]
enum HopName {
    /// There is no header, or none that is trusted: the client is whoever connected.
    Absent,
    /// The client's name.
    Is(Vec<u8>),
    /// The header is empty or repeated: a client tampered with it, and is not known.
    Ambiguous,
}

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
        let name = header.map_or(HopName::Absent, |header| header.name(header_map, &sender));
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

    #[test]
    fn a_header_that_cannot_be_trusted_is_refused() {
        for (header, hops) in [
            (Some("x-client"), None),
            (None, Some("10.0.0.0/8")),
            (Some("x-client"), Some("")),
            (Some("x-client"), Some("10.0.0.1/8")),
            (Some("x-client"), Some("gateway")),
            (Some("x client"), Some("10.0.0.0/8")),
        ] {
            assert!(TrustedHeader::read(header, hops).is_err(), "{header:?} {hops:?}");
        }
        assert!(TrustedHeader::read(None, None).unwrap().is_none());
    }
}
