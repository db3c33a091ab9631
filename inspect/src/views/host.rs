//! The readings of an authority, or of a server name.

use std::net::Ipv6Addr;

use super::domain::is_under;
use super::mapping::mapped;
use super::unescape::{Reach, unescape};
use super::{address, address_services, punycode};
use crate::anomaly::{Anomalies, Anomaly};
use crate::limits::{MAX_LABEL_BYTES, MAX_NAME_BYTES};
use crate::verdict::View;
use crate::words::{HIGH, between, equal, place_of, words};

/// One reading of an authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HostForm {
    pub(super) view: View,
    /// Lower case, no dots at the ends, no userinfo; IPv6 in brackets.
    pub(super) host: Vec<u8>,
    /// With its colon; empty where there is none.
    pub(super) port: Vec<u8>,
}

impl HostForm {
    pub(super) fn authority(&self) -> Vec<u8> {
        [self.host.as_slice(), &self.port].concat()
    }
}

/// Returns true if there is nothing to undo in an authority: what most requests have, decided in one pass.
pub(super) fn is_plain(authority: &[u8]) -> bool {
    let (name, port) = match place_of(authority, b':') {
        Some(colon) => authority.split_at_checked(colon).unwrap_or((authority, b"")),
        None => (authority, &b""[..]),
    };
    let (mut found, mut before) = (0, (0, 0));
    words(name, b'a').for_each(|word| {
        let (dots, dashes) = (equal(word, b'.'), equal(word, b'-'));
        let marks = dots | dashes | equal(word, b'_');
        let usual = marks | between(word, b'a', b'z') | between(word, b'0', b'9');
        // Empty labels, and `xn--` with all that may be like it; the first of the two may be the last byte
        // of the word before.
        let pairs = (dots << 8 | before.0) & dots | (dashes << 8 | before.1) & dashes;
        before = (dots >> 56, dashes >> 56);
        found |= !usual & HIGH | pairs;
    });
    if found != 0 || name.starts_with(b".") {
        return false;
    }
    if name.len() > MAX_LABEL_BYTES
        && name.split(|byte| *byte == b'.').any(|label| label.len() > MAX_LABEL_BYTES)
    {
        return false;
    }
    // A name whose last label starts with a letter is not a number; one that ends with a letter may be.
    let last = name.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    last.first().is_some_and(u8::is_ascii_lowercase)
        && name.len() <= MAX_NAME_BYTES
        && (port.is_empty() || usual_port(port.get(1..).unwrap_or_default()))
        && !ends_like_an_address_service(name)
}

/// Returns true if a name may belong to an address service: by its end, which is quick to compare.
fn ends_like_an_address_service(name: &[u8]) -> bool {
    matches!(
        name.last_chunk::<6>(),
        Some(b"nip.io" | b"lip.io" | b"fik.me" | b"xip.io" | b"p.name")
    ) && address_services::ADDRESS_SERVICES.iter().any(|service| is_under(name, service.as_bytes()))
}

fn usual_port(digits: &[u8]) -> bool {
    digits.first().is_some_and(|first| *first != b'0') && port_number(digits).is_some()
}

fn port_number(digits: &[u8]) -> Option<u16> {
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    str::from_utf8(digits).ok()?.parse().ok().filter(|port| *port > 0)
}

/// The readings of an authority: the host that a client goes to first, then the others.
pub(super) fn forms(authority: &[u8], found: &mut Anomalies, steps: &mut usize) -> Vec<HostForm> {
    let mut readings = Readings {
        found: Anomalies::default(),
        list: Vec::new(),
        steps: 0,
        n_again: 0,
        is_again: false,
    };
    let mut view = View::Canonical;
    *steps += 4 * authority.len();
    let unescaped = unescape(authority, Reach::All);
    *steps += unescaped.steps;
    // The percent sign in front of an IPv6 zone does not encode the host.
    let is_zone = authority.starts_with(b"[") && !authority.ends_with(b"%");
    if unescaped.bytes != authority && !is_zone {
        // Fullwidth forms alone are a spelling that browsers take, too.
        if authority.contains(&b'%') || unescaped.seen.overlong || unescaped.seen.nul {
            view = View::Decoded;
        }
        readings.found.insert_if(authority.contains(&b'%'), Anomaly::HostPercentEncoded);
        readings.found.insert_if(unescaped.seen.nul, Anomaly::HostIllegalCharacter);
        readings.found.insert_if(unescaped.seen.fullwidth, Anomaly::HostNotAscii);
    }
    readings.split(&unescaped.bytes, view);
    if let Some(before) = &unescaped.before_nul {
        readings.split(before, View::Decoded);
    }
    if unescaped.seen.nul {
        // What follows the first NUL, too: one reader stops there, another starts anew.
        let behind: Vec<u8> = unescape(&authority_with_spaces(authority), Reach::All).bytes;
        readings.split(&behind, View::Decoded);
    }
    if readings.list.is_empty() {
        readings.found.insert(Anomaly::HostEmpty);
    }
    found.extend(readings.found);
    *steps += readings.steps;
    readings.list
}

/// The authority with its NUL bytes, encoded or not, as spaces, at which hosts are split.
fn authority_with_spaces(authority: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(authority.len());
    let mut rest = authority;
    while let [first, behind @ ..] = rest {
        match (first, behind) {
            (b'%', [b'0', b'0', behind @ ..]) => {
                out.push(b' ');
                rest = behind;
            }
            (0, _) => {
                out.push(b' ');
                rest = behind;
            }
            (other, _) => {
                out.push(*other);
                rest = behind;
            }
        }
    }
    out
}

struct Readings {
    found: Anomalies,
    list: Vec<HostForm>,
    steps: usize,
    /// How many forms of the present name were read again, and whether that is being done.
    n_again: usize,
    is_again: bool,
}

/// Most forms of a name that are read like a name themselves: one disguise may hide another, and each
/// takes some bytes of a label.
const MAX_AGAIN: usize = 16;

impl Readings {
    /// Reads each part of a text that no host may hold together.
    fn split(&mut self, text: &[u8], view: View) {
        self.steps += 2 * text.len();
        let mut parts = Vec::new();
        let mut start = 0;
        for (idx, byte) in text.iter().enumerate() {
            let anomaly = match byte {
                b',' => Anomaly::HostMulti,
                b'@' => Anomaly::HostUserinfo,
                0..=b' '
                | b'/'
                | b'\\'
                | b'?'
                | b'#'
                | b';'
                | b'|'
                | b'"'
                | b'<'
                | b'>'
                | b'^'
                | b'`'
                | b'{'
                | b'}'
                | 0x7f => Anomaly::HostIllegalCharacter,
                _ => continue,
            };
            // A space behind a comma is part of how lists are written.
            let is_list = matches!(byte, b' ' | b'\t')
                && text.get(..idx).is_some_and(|before| before.ends_with(b","));
            self.found.insert_if(!is_list, anomaly);
            parts.push((text.get(start..idx).unwrap_or_default(), *byte));
            start = idx + 1;
        }
        parts.push((text.get(start..).unwrap_or_default(), b','));
        // The host is behind the userinfo, so that part comes first.
        for (part, _) in parts.iter().filter(|(_, delimiter)| *delimiter != b'@') {
            self.authority(part, view);
        }
        for (part, _) in parts.iter().filter(|(_, delimiter)| *delimiter == b'@') {
            self.authority(part, View::Decoded);
        }
    }

    /// Reads one host with its port.
    fn authority(&mut self, text: &[u8], view: View) {
        if text.is_empty() {
            return;
        }
        // A lenient reader takes dots at the ends of an address as it takes those of a name.
        let n_dots = text.iter().take_while(|byte| **byte == b'.').count();
        let bare = text.get(n_dots..).unwrap_or_default();
        if let Some(inner) = bare.strip_prefix(b"[") {
            let end = inner.iter().position(|byte| *byte == b']').unwrap_or(inner.len());
            let (address, behind) = inner.split_at_checked(end).unwrap_or((inner, b""));
            let mut behind = behind.get(1..).unwrap_or_default();
            self.found.insert_if(n_dots > 0, Anomaly::HostLeadingDot);
            while let Some(rest) = behind.strip_prefix(b".") {
                self.found.insert(Anomaly::HostTrailingDot);
                behind = rest;
            }
            let port = self.port(behind);
            if self.v6(address, port, view) {
                return;
            }
            self.found.insert(Anomaly::HostIllegalCharacter);
        }
        let mut parts = text.split(|byte| matches!(byte, b':' | b'[' | b']'));
        let host = parts.next().unwrap_or_default();
        let n_behind = parts.clone().count();
        if n_behind > 1 && self.v6(text, Vec::new(), view) {
            return;
        }
        // Of two ports each reader takes another.
        self.found.insert_if(n_behind > 1, Anomaly::PortForm);
        let mut port = Vec::new();
        for behind in parts {
            if behind.is_empty() || behind.iter().all(u8::is_ascii_digit) {
                let digits = [b":", behind].concat();
                port = self.port(&digits);
            } else {
                // A password, or another host.
                self.found.insert(Anomaly::PortForm);
                self.name(behind, Vec::new(), View::Decoded);
            }
        }
        self.name(host, port, view);
    }

    /// Returns the usual form of a port that follows its colon.
    fn port(&mut self, text: &[u8]) -> Vec<u8> {
        let Some(digits) = text.strip_prefix(b":") else {
            self.found.insert_if(!text.is_empty(), Anomaly::PortForm);
            return Vec::new();
        };
        if usual_port(digits) {
            return text.to_vec();
        }
        self.found.insert(Anomaly::PortForm);
        let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
        let digits = digits.get(zeros..).unwrap_or_default();
        if port_number(digits).is_some() { [b":", digits].concat() } else { Vec::new() }
    }

    /// Reads an IPv6 address; whether it is one.
    fn v6(&mut self, text: &[u8], port: Vec<u8>, view: View) -> bool {
        let mut halves = text.splitn(2, |byte| *byte == b'%');
        let (mut address, zone) = (halves.next().unwrap_or_default(), halves.next());
        let n_bytes = address.len();
        while let Some(rest) = address.strip_prefix(b".") {
            address = rest;
        }
        let is_leading = address.len() < n_bytes;
        let n_bytes = address.len();
        while let Some(rest) = address.strip_suffix(b".") {
            address = rest;
        }
        let is_trailing = address.len() < n_bytes;
        let Some(address) =
            str::from_utf8(address).ok().and_then(|text| text.parse::<Ipv6Addr>().ok())
        else {
            return false;
        };
        self.found.insert(Anomaly::IpLiteral);
        self.found.insert_if(zone.is_some(), Anomaly::IpZone);
        self.found.insert_if(is_leading, Anomaly::HostLeadingDot);
        self.found.insert_if(is_trailing, Anomaly::HostTrailingDot);
        self.add(view, format!("[{address}]").into_bytes(), port.clone());
        if let Some(v4) = address::embedded_v4(address) {
            self.found.insert(Anomaly::IpEmbeddedV4);
            self.add(View::Decoded, v4.to_string().into_bytes(), port);
        }
        true
    }

    /// Reads a name, or an IPv4 address.
    fn name(&mut self, text: &[u8], port: Vec<u8>, view: View) {
        self.steps += 4 * text.len();
        let mut name = Vec::with_capacity(text.len());
        if text.is_ascii() {
            name.extend(text.iter().map(u8::to_ascii_lowercase));
            self.found.insert_if(name != text, Anomaly::HostCase);
        } else {
            self.found.insert(Anomaly::HostNotAscii);
            for chunk in text.utf8_chunks() {
                name.extend_from_slice(mapped(chunk.valid()).as_bytes());
                name.extend_from_slice(chunk.invalid());
            }
            // `%2` and `0` with a soft hyphen between them are an encoding once that is gone.
            if name.contains(&b'%') {
                let unescaped = unescape(&name, Reach::All);
                self.steps += unescaped.steps;
                if unescaped.bytes != name {
                    self.found.insert(Anomaly::HostPercentEncoded);
                    let whole = [&unescaped.bytes, port.as_slice()].concat();
                    self.again(|readings| readings.split(&whole, View::Decoded));
                }
            }
        }
        if name.is_empty() {
            return;
        }
        let is_usual = |byte: &u8| {
            byte.is_ascii_alphanumeric()
                || matches!(byte, b'.' | b'-' | b'_' | b'%')
                || *byte >= 0x80
        };
        // Names of URIs may have them (RFC 3986, `sub-delims`), names of hosts do not.
        self.found.insert_if(!name.iter().all(is_usual), Anomaly::HostIllegalCharacter);
        self.found.insert_if(name.starts_with(b"."), Anomaly::HostLeadingDot);
        self.found.insert_if(name.ends_with(b"."), Anomaly::HostTrailingDot);
        let mut labels: Vec<&[u8]> = name.split(|byte| *byte == b'.').collect();
        let n_parts = labels.len();
        labels.retain(|label| !label.is_empty());
        let n_ends = usize::from(name.starts_with(b".")) + usize::from(name.ends_with(b"."));
        self.found.insert_if(n_parts > labels.len() + n_ends, Anomaly::HostEmptyLabel);
        if labels.is_empty() {
            return;
        }
        let is_long = labels.iter().any(|label| label.len() > MAX_LABEL_BYTES);
        let joined = labels.join(&b'.');
        self.found.insert_if(is_long || joined.len() > MAX_NAME_BYTES, Anomaly::HostTooLong);
        if address::ends_in_number(&joined) && self.v4(&joined, &port, view) {
            return;
        }
        self.international(&labels, &port, view);
        if let Some(address) = address_services::embedded_address(&joined) {
            self.found.insert(Anomaly::HostEmbeddedAddress);
            self.add(View::Decoded, address, port);
        }
    }

    /// Reads what came out of a name, within bounds.
    fn again(&mut self, read: impl FnOnce(&mut Readings)) {
        let is_outermost = !self.is_again;
        if is_outermost {
            (self.n_again, self.is_again) = (0, true);
        }
        if self.n_again < MAX_AGAIN {
            self.n_again += 1;
            read(self);
        }
        if is_outermost {
            self.is_again = false;
        }
    }

    /// Adds a form that is not the name itself, with what it hides in turn.
    fn derived(&mut self, view: View, host: &[u8], port: Vec<u8>) {
        if self.add(view, host.to_vec(), port.clone()) {
            self.again(|readings| readings.name(host, port, View::Decoded));
        }
    }

    /// Adds a name with each label as it goes over the wire, and what the labels may mean.
    fn international(&mut self, labels: &[&[u8]], port: &[u8], view: View) {
        let mut wire = Vec::new();
        let mut shown = Vec::new();
        for (idx, label) in labels.iter().enumerate() {
            if idx > 0 {
                wire.push(b'.');
                shown.push(b'.');
            }
            let start = (wire.len(), shown.len());
            wire.extend_from_slice(label);
            shown.extend_from_slice(label);
            // Punycode is quadratic in a label, so only labels that can be one are looked at.
            if label.len() > MAX_LABEL_BYTES {
                continue;
            }
            let text = match label.strip_prefix(b"xn--") {
                Some(code) => punycode::decode(code),
                None if label.is_ascii() => None,
                None => str::from_utf8(label).ok().map(str::to_owned),
            };
            let Some(text) = text else { continue };
            let text = mapped(&text);
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte >= 0x80 || byte == b'-';
            if text.is_empty() || !text.bytes().all(fits) {
                continue;
            }
            if text.is_ascii() {
                self.found.insert(Anomaly::HostPunycodeAscii);
                shown.truncate(start.1);
                shown.extend_from_slice(text.as_bytes());
                continue;
            }
            self.found.insert_if(punycode::skeleton(&text).is_some(), Anomaly::HostHomograph);
            if let Some(code) = punycode::encode(&text) {
                wire.truncate(start.0);
                wire.extend_from_slice(b"xn--");
                wire.extend_from_slice(&code);
                // Beside a label that means plain ASCII it goes over the wire as it does alone.
                shown.truncate(start.1);
                shown.extend_from_slice(wire.get(start.0..).unwrap_or_default());
            }
        }
        let differs = shown.is_ascii() && shown != wire;
        if wire == labels.join(&b'.') {
            self.add(view, wire, port.to_vec());
        } else {
            self.derived(view, &wire, port.to_vec());
        }
        if differs {
            self.derived(View::Decoded, &shown, port.to_vec());
        }
    }

    /// Reads an IPv4 address in any form; whether it is one.
    fn v4(&mut self, name: &[u8], port: &[u8], view: View) -> bool {
        let Some(read) = address::v4(name) else { return false };
        self.found.insert(Anomaly::IpLiteral);
        self.found.insert_if(!read.is_usual, Anomaly::IpNonstandard);
        self.add(view, read.standard.to_string().into_bytes(), port.to_vec());
        if let Some(decimal) = read.decimal {
            self.add(View::Decoded, decimal.to_string().into_bytes(), port.to_vec());
        }
        true
    }

    /// Returns true if the host is a new one.
    fn add(&mut self, view: View, host: Vec<u8>, port: Vec<u8>) -> bool {
        let form = HostForm { view, host, port };
        // A long list of hosts would be searched in vain: past a few, twice the same costs nothing.
        let known = self.list.iter().take(16).any(|known| known.host == form.host);
        if !known {
            self.list.push(form);
        }
        !known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_address_service_passes_as_plain() {
        for service in address_services::ADDRESS_SERVICES {
            assert!(ends_like_an_address_service(format!("a.{service}").as_bytes()), "{service}");
        }
    }

    #[test]
    fn a_second_port_is_an_anomaly_and_two_groups_of_an_address_are_not() {
        for (authority, is_odd) in [
            (&b"site.example:8500:443"[..], true),
            (b"site.example:443:443", true),
            (b"[2001:db8::1]:8500:443", true),
            (b"site.example:443", false),
            (b"[2001:db8::1]:443", false),
            (b"2001:db8::1", false),
        ] {
            let mut found = Anomalies::default();
            forms(authority, &mut found, &mut 0);
            assert_eq!(found.contains(Anomaly::PortForm), is_odd, "{authority:?}: {found:?}");
            assert!(!is_odd || !is_plain(authority));
        }
    }
}
