//! Who sent a request.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::keyed_hash::sip_hash;
use crate::pack::{SourceKind, SourcePattern, Tables, WHOLE_SHARE};

/// What is known of a client, best first. Nothing in it may be the client's own claim.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Source<'s> {
    /// Who it is by its certificate (SPIFFE id).
    pub identity: Option<&'s [u8]>,
    /// Who it is by a header that a trusted hop set.
    pub named: Option<&'s [u8]>,
    /// Its address, without port.
    pub address: Option<&'s [u8]>,
}

impl<'s> Source<'s> {
    /// The name by which it goes: certificate, header, address; the first that there is.
    pub fn name(&self) -> Option<&'s [u8]> {
        let known = [self.identity, self.named, self.address];
        known.into_iter().flatten().find(|name| !name.is_empty())
    }

    /// Its place among all sources, from 0 to [`WHOLE_SHARE`], for one statement. It is the same on
    /// every gateway, and a source that is in a share is in every larger share of that statement.
    /// A source that is not known comes last.
    pub fn share(&self, statement: &str) -> u32 {
        let Some(name) = self.name() else { return WHOLE_SHARE - 1 };
        let text = [statement.as_bytes(), b"\0", name].concat();
        // No secret: whoever reads the policy may compute who is in.
        let place = sip_hash([0; 16], &text) % u64::from(WHOLE_SHARE);
        u32::try_from(place).unwrap_or(u32::MAX)
    }

    /// Returns true if one of the patterns is about it. Names are compared with the name by which it goes,
    /// networks with its address.
    pub(super) fn is_any_of(&self, tables: &Tables, patterns: &[SourcePattern]) -> bool {
        let name = self.name().unwrap_or_default();
        let address = self.address.and_then(address_number);
        patterns.iter().any(|pattern| {
            let wanted = tables.str(pattern.name).as_bytes();
            match pattern.kind {
                SourceKind::Name => name == wanted,
                SourceKind::Prefix => name.starts_with(wanted),
                SourceKind::Network => {
                    address.is_some_and(|number| (pattern.first..=pattern.last).contains(&number))
                }
            }
        })
    }
}

/// First and last address of a network or of a single address, IPv4 as the IPv6 address that it is
/// mapped to; `None` where the text is neither.
///
/// # Errors
/// The prefix is longer than the address, or bits are set behind it.
pub fn network(text: &str) -> Result<Option<(u128, u128)>, &'static str> {
    let (address, n_bits) = match text.split_once('/') {
        Some((address, n_bits)) => (address, Some(n_bits)),
        None => (text, None),
    };
    let Ok(address) = address.parse::<IpAddr>() else { return Ok(None) };
    let (number, width) = match address {
        IpAddr::V4(address) => (address.to_ipv6_mapped().to_bits(), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    };
    let n_bits = match n_bits.map(str::parse::<u32>) {
        None => width,
        Some(Ok(n_bits)) if n_bits <= width => n_bits,
        Some(_) => return Err("has a prefix length that there is not"),
    };
    let behind = match width - n_bits {
        128 => u128::MAX,
        n_behind => (1 << n_behind) - 1,
    };
    if number & behind != 0 {
        return Err("has bits set behind its prefix");
    }
    Ok(Some((number, number | behind)))
}

/// An address as a number: IPv4 as the IPv6 address that it is mapped to.
pub fn address_number(text: &[u8]) -> Option<u128> {
    let text = str::from_utf8(text).ok()?;
    let mapped = |address: Ipv4Addr| address.to_ipv6_mapped();
    let text = text.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(text);
    let address: Ipv6Addr = match text.parse().ok()? {
        IpAddr::V4(address) => mapped(address),
        IpAddr::V6(address) => address,
    };
    Some(address.to_bits())
}
