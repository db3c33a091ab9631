//! The header in which a trusted hop names the client.

use inspect::{address_number, network};

use crate::headers::{self, Occurrence};

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

    /// Reads the header, if the request came from a trusted hop: one with this address, without port, or this
    /// certificate.
    pub(crate) fn name(
        &self,
        header_map: &[u8],
        address: Option<&[u8]>,
        identity: Option<&[u8]>,
    ) -> HopName {
        let address = address.and_then(address_number);
        let is_trusted = self.hops.iter().any(|hop| match hop {
            Hop::Network(first, last) => address.is_some_and(|it| (*first..=*last).contains(&it)),
            Hop::Identity(trusted) => identity == Some(trusted),
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
pub(crate) enum HopName {
    /// There is no header, or none that is trusted: the client is whoever connected.
    Absent,
    /// The client's name.
    Is(Vec<u8>),
    /// The header is empty or repeated: a client tampered with it, and is not known.
    Ambiguous,
}

#[cfg(test)]
mod tests {
    use super::*;

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
