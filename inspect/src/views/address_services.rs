//! Names that contain an address: services that resolve to the address in the name.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::domain::is_under;
use super::unescape::hex;

/// Services whose names resolve to the address that is written in them.
pub(super) const ADDRESS_SERVICES: &[&str] =
    &["nip.io", "sslip.io", "traefik.me", "xip.io", "xip.name"];

/// Returns the authority that a name of an address service resolves to.
pub(super) fn embedded_address(host: &[u8]) -> Option<Vec<u8>> {
    let suffix = ADDRESS_SERVICES.iter().find(|suffix| is_under(host, suffix.as_bytes()))?;
    let name = host.strip_suffix(suffix.as_bytes())?.strip_suffix(b".")?;
    for separator in [b'.', b'-'] {
        let mut octets = name.rsplitn(5, |byte| *byte == separator);
        let quad: Option<Vec<u8>> = octets.by_ref().take(4).map(octet).collect();
        if let Some([d, c, b, a]) = quad.as_deref() {
            return Some(Ipv4Addr::new(*a, *b, *c, *d).to_string().into_bytes());
        }
    }
    let label = name.rsplit(|byte| *byte == b'.').next()?;
    let digits = label.rsplit(|byte| *byte == b'-').next()?;
    if digits.len() == 8 {
        let bits =
            digits.iter().try_fold(0u32, |bits, digit| Some(bits << 4 | u32::from(hex(*digit)?)));
        if let Some(bits) = bits {
            return Some(Ipv4Addr::from_bits(bits).to_string().into_bytes());
        }
    }
    let v6 = str::from_utf8(label).ok()?.replace('-', ":").parse::<Ipv6Addr>().ok()?;
    Some(format!("[{v6}]").into_bytes())
}

fn octet(text: &[u8]) -> Option<u8> {
    (1..=3).contains(&text.len()).then(|| str::from_utf8(text).ok()?.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_from_names() {
        for (host, expect) in [
            ("149.154.167.220.nip.io", Some("149.154.167.220")),
            ("app.149.154.167.220.nip.io", Some("149.154.167.220")),
            ("app-149-154-167-220.nip.io", Some("149.154.167.220")),
            ("149-154-167-220.sslip.io", Some("149.154.167.220")),
            ("959aa7dc.nip.io", Some("149.154.167.220")),
            ("app-959aa7dc.nip.io", Some("149.154.167.220")),
            ("2606-4700--1.sslip.io", Some("[2606:4700::1]")),
            ("nip.io", None),
            ("www.nip.io", None),
            ("149.154.167.220.example", None),
        ] {
            let found = embedded_address(host.as_bytes());
            assert_eq!(found.as_deref(), expect.map(str::as_bytes), "{host}");
        }
    }
}
