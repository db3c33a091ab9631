//! How often a text occurs in events, roughly: only good for choosing between two.

use inspect::ProxyField;

use super::patterns::Gate;

/// What most requests hold somewhere, folded: grams in it are looked for only where there is no other.
pub(super) const COMMON: &[u8] = b"https://www. http://www. .com/ .com .net/ .org/ .html .php index. /api/v1/ /v2/ \
 mozilla/5.0 (windows nt 10.0; win64; x64) applewebkit/537.36 (khtml, like gecko) chrome/1 safari/537.36 \
 mozilla/5.0 (macintosh; intel mac os x 10_15_7) mozilla/5.0 (x11; linux x86_64; rv:1 gecko/20100101 firefox/1 \
 windows\\system32\\ c:\\windows\\ c:\\program files\\ c:\\users\\ \\appdata\\local\\ .exe .dll microsoft";

/// Letters and signs by how often they occur in URLs and user agents, the most frequent first.
const BY_FREQUENCY: &[u8] = b"eaotisrncl/pdm.uhg0-_1b2fw5=3647y89v&k?:x;%,()qjz +~@#!$'\"\\";

/// The share of events that contain a text of [`COMMON`].
const OF_COMMON: f64 = 0.3;

/// The share of requests to services that notes describe, as every field of theirs needs one.
const OF_SERVICES: f64 = 0.1;
/// The share of requests that are odd in any way.
const OF_ANOMALIES: f64 = 0.02;
/// The share of requests for a file with a certain extension, and with any.
const OF_EXTENSION: f64 = 0.02;
const OF_EXTENSIONS: f64 = 0.25;

/// At how many places of a value a literal may start.
const PLACES: f64 = 100.0;

/// Returns true if most requests contain a text.
fn is_common(text: &[u8]) -> bool {
    COMMON.windows(text.len().max(1)).any(|window| window == text)
}

/// How rare a byte is: 0 for the most frequent.
pub(super) fn rarity(byte: u8) -> usize {
    BY_FREQUENCY.iter().position(|known| *known == byte).unwrap_or(64)
}

/// The share of events in which a gate opens.
pub(super) fn of_gate(gate: &Gate) -> f64 {
    match gate {
        // Short whole values are methods, flags and codes: few of them share all events.
        Gate::Whole(bytes) if [&b"get"[..], b"post"].contains(&&bytes[..]) => 0.5,
        Gate::Whole(bytes) if bytes.len() <= 6 => 0.1,
        Gate::Whole(bytes) => of_place(bytes),
        Gate::Start(bytes) | Gate::End(bytes) if is_common(bytes) => OF_COMMON,
        Gate::Start(bytes) | Gate::End(bytes) => of_place(bytes),
        Gate::Anywhere(literals) => literals.iter().map(|bytes| of_literal(bytes)).sum(),
        Gate::Always => 1.0,
        Gate::Network(_) => 0.01,
    }
}

/// The share of events in which one of some values of a field is found: `sum` is the sum of their own shares, which is
/// far too much where few requests have the field at all.
pub(super) fn of_values(field: Option<ProxyField>, sum: f64, n_values: usize) -> f64 {
    match field {
        Some(ProxyField::Anomaly | ProxyField::Secret) => sum.min(OF_ANOMALIES),
        Some(ProxyField::Service | ProxyField::Category | ProxyField::Operation) => {
            sum.min(OF_SERVICES)
        }
        Some(ProxyField::UriExtension) => {
            let n_values = f64::from(u32::try_from(n_values).unwrap_or(u32::MAX));
            sum.min(OF_EXTENSION * n_values).min(OF_EXTENSIONS)
        }
        _ => sum,
    }
}

fn of_literal(bytes: &[u8]) -> f64 {
    if is_common(bytes) { OF_COMMON } else { (PLACES * of_place(bytes)).min(0.5) }
}

/// The share of places at which a text occurs, as if its bytes did not depend on one another.
fn of_place(bytes: &[u8]) -> f64 {
    let of_byte = |byte: &u8| 0.08 * 0.93_f64.powi(i32::try_from(rarity(*byte)).unwrap_or(64));
    // The longest need no more: they are rare.
    bytes.iter().take(16).map(of_byte).product()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_rare_in_requests_counts_as_rare() {
        let anywhere = |text: &str| of_gate(&Gate::Anywhere(vec![text.as_bytes().to_vec()]));
        let method = of_gate(&Gate::Whole(b"get".to_vec()));
        let in_order = ["={{", "/raw/", "?d=", "/"];
        assert!(in_order.is_sorted_by(|rare, frequent| anywhere(rare) < anywhere(frequent)));
        assert!(anywhere("?d=") < method && anywhere("mozilla/5.0") < method);
        assert!(of_gate(&Gate::Start(b"mozilla/5.0".to_vec())) > anywhere("?d="));
    }
}
