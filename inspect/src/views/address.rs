//! IP addresses in every form that some resolver takes.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::unescape::hex;

/// The readings of a host that ends in a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct V4 {
    /// As browsers and `inet_aton` read it: a leading zero means octal (WHATWG URL, IPv4 parser).
    pub(super) standard: Ipv4Addr,
    /// As c-ares and others read it: a leading zero means nothing. `None` where it is the same.
    pub(super) decimal: Option<Ipv4Addr>,
    /// Whether it is written as four decimal numbers without leading zeros.
    pub(super) is_usual: bool,
}

/// Returns true if a host ends in a number, so that it is an IPv4 address or nothing (WHATWG URL).
pub(super) fn ends_in_number(host: &[u8]) -> bool {
    let last = host.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    !last.is_empty() && (last.iter().all(u8::is_ascii_digit) || number(last, 10).is_some())
}

/// Reads a host that ends in a number. `None` where it is not an address.
pub(super) fn v4(host: &[u8]) -> Option<V4> {
    let standard = parse(host, 8)?;
    let decimal = parse(host, 10).filter(|decimal| *decimal != standard);
    let octets = host.split(|byte| *byte == b'.');
    let is_usual = octets.clone().count() == 4
        && octets.clone().all(|octet| {
            octet.iter().all(u8::is_ascii_digit)
                && (octet.len() == 1 || octet.first() != Some(&b'0'))
        });
    Some(V4 { standard, decimal, is_usual })
}

/// One to four numbers, of which the last fills what the others leave.
/// `leading_zero` is the base of a number that starts with a zero.
fn parse(host: &[u8], leading_zero: u64) -> Option<Ipv4Addr> {
    let mut numbers = host.split(|byte| *byte == b'.');
    let (mut address, mut n_before) = (0u64, 0u32);
    loop {
        let value = number(numbers.next()?, leading_zero)?;
        let is_last = numbers.clone().next().is_none();
        let n_bytes = if is_last { 4u32.checked_sub(n_before)? } else { 1 };
        if n_bytes == 0 || value >= 1 << (8 * n_bytes) {
            return None;
        }
        if is_last {
            let bits = address << (8 * n_bytes) | value;
            return u32::try_from(bits).ok().map(Ipv4Addr::from_bits);
        }
        address = address << 8 | value;
        n_before += 1;
    }
}

fn number(text: &[u8], leading_zero: u64) -> Option<u64> {
    let (digits, base) = match text {
        [b'0', b'x' | b'X', digits @ ..] => (digits, 16),
        [b'0', _, ..] => (text, leading_zero),
        [] => return None,
        digits => (digits, 10),
    };
    digits.iter().try_fold(0u64, |value, digit| {
        let digit = u64::from(hex(*digit)?);
        // Larger than any address; the bound keeps the sum from overflowing.
        let value = value * base + digit;
        (digit < base && value < 1 << 40).then_some(value)
    })
}

/// Returns the IPv4 address that an IPv6 address means or contains: mapped, compatible, translated
/// (RFC 6052), 6to4 (RFC 3056), Teredo (RFC 4380), ISATAP (RFC 5214).
pub(super) fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 =
        |high: u16, low: u16| Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)));
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x64, 0xff9b, 1, _, _, _, high, low]
        | [0x2002, high, low, _, _, _, _, _]
        | [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => v4(high, low),
        [0x2001, 0, _, _, _, _, high, low] => v4(!high, !low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_browsers_and_as_c_ares_read_them() {
        for (host, standard, decimal, is_usual) in [
            ("149.154.167.220", "149.154.167.220", None, true),
            ("2509940700", "149.154.167.220", None, false),
            ("0x959aa7dc", "149.154.167.220", None, false),
            ("0225.0232.0247.0334", "149.154.167.220", None, false),
            ("127.1", "127.0.0.1", None, false),
            ("127.000.000.001", "127.0.0.1", None, false),
            ("010.1.1.1", "8.1.1.1", Some("10.1.1.1"), false),
            ("0x7f.0.0.0x1", "127.0.0.1", None, false),
            ("0", "0.0.0.0", None, false),
        ] {
            let read = v4(host.as_bytes()).unwrap();
            assert_eq!(read.standard.to_string(), standard, "{host}");
            assert_eq!(
                read.decimal.map(|address| address.to_string()).as_deref(),
                decimal,
                "{host}"
            );
            assert_eq!(read.is_usual, is_usual, "{host}");
        }
        for host in
            ["256.1.1.1", "1.2.3.4.5", "4294967296", "1..2", "a.1", "", "99999999999999999999"]
        {
            assert_eq!(v4(host.as_bytes()), None, "{host}");
        }
        assert!(ends_in_number(b"a.0x1f") && ends_in_number(b"a.09") && !ends_in_number(b"1.a"));
    }

    #[test]
    fn ipv4_addresses_are_found_in_ipv6() {
        for (address, expect) in [
            ("::ffff:149.154.167.220", Some("149.154.167.220")),
            ("::149.154.167.220", Some("149.154.167.220")),
            ("64:ff9b::959a:a7dc", Some("149.154.167.220")),
            ("2002:959a:a7dc::1", Some("149.154.167.220")),
            ("2001:0:4136:e378:8000:63bf:6a65:5823", Some("149.154.167.220")),
            ("fe80::5efe:959a:a7dc", Some("149.154.167.220")),
            ("::1", None),
            ("2606:4700::1", None),
        ] {
            let found = embedded_v4(address.parse().unwrap()).map(|address| address.to_string());
            assert_eq!(found.as_deref(), expect, "{address}");
        }
    }
}
