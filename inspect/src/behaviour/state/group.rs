//! Groups of sources.

use std::net::{IpAddr, Ipv6Addr};

use crate::decimal::Decimal;

/// Returns the group of a source: of an address its network (/24, or /64 of IPv6), of a SPIFFE id all of it, and
/// of another name what is in front of the number at its end.
pub fn group_of(source: &str) -> String {
    match source.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => {
            // Written digit by digit, as most requests that are tracked have such a source.
            let mut group = String::with_capacity("255.255.255.0/24".len());
            for byte in address.octets().into_iter().take(3) {
                let digits = Decimal::new(byte.into());
                group.extend(digits.as_bytes().iter().map(|digit| char::from(*digit)));
                group.push('.');
            }
            group.push_str("0/24");
            group
        }
        Ok(IpAddr::V6(address)) => {
            let network = address.to_bits() >> 64 << 64;
            format!("{}/64", Ipv6Addr::from_bits(network))
        }
        Err(_) if source.contains("://") => source.to_owned(),
        Err(_) => {
            let name = source.trim_end_matches(|char: char| char.is_ascii_digit());
            let name = name.trim_end_matches(['-', '_', '.']);
            if name.is_empty() { source.to_owned() } else { name.to_owned() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_of_one_kind_are_a_group() {
        for (source, expect) in [
            ("ci-runner-7", "ci-runner"),
            ("laptop-073", "laptop"),
            ("backup-agent", "backup-agent"),
            ("10.1.2.3", "10.1.2.0/24"),
            ("192.0.255.100", "192.0.255.0/24"),
            ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
            ("spiffe://a/ns/b/sa/c1", "spiffe://a/ns/b/sa/c1"),
            ("42", "42"),
        ] {
            assert_eq!(group_of(source), expect);
        }
    }
}
