//! Proxies that fetch what a request to them names: translators, archives, readers, caches.
//!
//! The table is the only place that knows them. The first label of a name may be the target; those in the
//! path and in parameters are read elsewhere.

use super::domain::is_under;
use super::unescape::{Reach, unescape};

/// Proxies by name, each with the start of the paths under which it fetches, where `*` is any segment. A
/// name that starts with a dot means all names under it, whose first label names the target too. Names that
/// differ in a country or a number are here once ([`usual_name`]).
///
/// Which of them are open today, and how each takes its target, was tried or read in its documentation;
/// one that closes costs a name. In order, by name.
const PROXIES: &[(&str, &str)] = &[
    (".bing-amp.com", "/"),
    (".cdn.ampproject.org", "/"),
    (".translate.goog", "/"),
    (".turbopages.org", "/"),
    ("12ft.io", "/"),
    ("1ft.io", "/"),
    ("allorigins.hexlet.app", "/"),
    ("api.allorigins.win", "/"),
    ("api.apiflash.com", "/"),
    ("api.codetabs.com", "/"),
    ("api.cors.lol", "/"),
    ("api.crawlbase.com", "/"),
    ("api.embed.ly", "/"),
    ("api.hackertarget.com", "/"),
    ("api.html2pdf.app", "/"),
    ("api.linkpreview.net", "/"),
    ("api.microlink.io", "/"),
    ("api.rss2json.com", "/"),
    ("api.scrape.do", "/"),
    ("api.scraperapi.com", "/"),
    ("api.scrapestack.com", "/"),
    ("api.scrapfly.io", "/"),
    ("api.scrapingant.com", "/"),
    ("api.scrapingdog.com", "/"),
    ("api.urlbox.io", "/"),
    ("api.webscraping.ai", "/"),
    ("api.zenrows.com", "/"),
    ("app.scrapingbee.com", "/"),
    ("archive.fo", "/"),
    ("archive.is", "/"),
    ("archive.li", "/"),
    ("archive.md", "/"),
    ("archive.ph", "/"),
    ("archive.today", "/"),
    ("archive.vn", "/"),
    ("arquivo.pt", "/noFrame/"),
    ("arquivo.pt", "/wayback/"),
    ("cc.bingj.com", "/"),
    ("cdn.ampproject.org", "/"),
    ("cdn.statically.io", "/img/"),
    ("cgi.w3.org", "/"),
    ("cors-anywhere.herokuapp.com", "/"),
    ("cors.bridged.cc", "/"),
    ("cors.eu.org", "/"),
    ("cors.x2u.in", "/"),
    ("corsproxy.io", "/"),
    ("corsproxy.org", "/"),
    ("crossorigin.me", "/"),
    ("defuddle.md", "/"),
    ("docs.google.com", "/a/*/gview"),
    ("docs.google.com", "/a/*/viewer"),
    ("docs.google.com", "/gview"),
    ("docs.google.com", "/viewer"),
    ("docs.google.com", "/viewerng/"),
    ("drive.google.com", "/viewerng/"),
    ("eu-r-beta.jina.ai", "/"),
    ("everyorigin.jwvbremen.nl", "/"),
    ("external-content.duckduckgo.com", "/iu/"),
    ("fanyi.baidu.com", "/transpage"),
    ("feed2json.org", "/"),
    ("freedium.cfd", "/"),
    ("gh-proxy.com", "/"),
    ("ghfast.top", "/"),
    ("ghostarchive.org", "/"),
    ("ghproxy.com", "/"),
    ("ghproxy.net", "/"),
    ("google.com", "/amp/"),
    ("googleweblight.com", "/"),
    ("i0.wp.com", "/"),
    ("i1.wp.com", "/"),
    ("i2.wp.com", "/"),
    ("i3.wp.com", "/"),
    ("iframely.com", "/"),
    ("images.weserv.nl", "/"),
    ("images1-focus-opensocial.googleusercontent.com", "/"),
    ("jigsaw.w3.org", "/css-validator/"),
    ("jsonlink.io", "/"),
    ("jsonp.afeld.me", "/"),
    ("markdown.new", "/"),
    ("md.dhr.wtf", "/"),
    ("mirror.ghproxy.com", "/"),
    ("noembed.com", "/"),
    ("opengraph.io", "/api/"),
    ("papago.naver.net", "/website"),
    ("pro.microlink.io", "/"),
    ("proxy.cors.sh", "/"),
    ("proxy.corsfix.com", "/"),
    ("proxy.duckduckgo.com", "/iu/"),
    ("proxy.scrapeops.io", "/"),
    ("pure.md", "/"),
    ("quickchart.io", "/watermark"),
    ("r.jina.ai", "/"),
    ("removepaywall.com", "/"),
    ("scrape.abstractapi.com", "/"),
    ("scrape.serper.dev", "/"),
    ("services.w3.org", "/"),
    ("slack-imgs.com", "/"),
    ("smry.ai", "/"),
    ("test.cors.workers.dev", "/"),
    ("thingproxy.freeboard.io", "/"),
    ("timetravel.mementoweb.org", "/"),
    ("translate.baidu.com", "/transpage"),
    ("translate.google.com", "/"),
    ("translate.yandex.com", "/"),
    ("translate.yandex.net", "/tr-url/"),
    ("translate.yandex.ru", "/"),
    ("txtify.it", "/"),
    ("unshorten.me", "/"),
    ("urltomarkdown.com", "/"),
    ("urltomarkdown.herokuapp.com", "/"),
    ("validator.w3.org", "/"),
    ("view.officeapps.live.com", "/op/"),
    ("wayback.archive.org", "/"),
    ("web.archive.org", "/"),
    ("webcache.googleusercontent.com", "/"),
    ("whateverorigin.org", "/"),
    ("wsrv.nl", "/"),
    ("www.google.com", "/amp/"),
    ("www.google.com", "/gwt/"),
    ("www.googleapis.com", "/pagespeedonline/"),
    ("www.microsofttranslator.com", "/"),
    ("www.removepaywall.com", "/"),
    ("www.smry.ai", "/"),
    ("www.translate.ru", "/site/"),
    ("www.translatetheweb.com", "/"),
    ("www.w3.org", "/2012/pyRdfa/"),
    ("www.w3.org", "/services/html2txt"),
    ("www.w3.org", "/services/tidy"),
    ("yacdn.org", "/"),
    ("z5h64q92x9.net", "/"),
];

/// Whether a name may be in the table: the bit of the hash of its last eight bytes, which reach well beyond `.com`.
/// Few other names have it set, so that an ordinary request is compared with no entry.
#[expect(clippy::indexing_slicing, reason = "evaluated when the crate is compiled")]
const ENDS: [u64; 128] = {
    let mut bits = [0; 128];
    let mut idx = 0;
    while idx < PROXIES.len() {
        let name = PROXIES[idx].0.as_bytes();
        assert!(
            name[0] != b'.' || name.len() >= 8,
            "what ends with a shorter name would not be found"
        );
        let bit = end_hash(name);
        bits[bit / 64] |= 1 << (bit % 64);
        idx += 1;
    }
    bits
};

/// A number below 8192 of the last eight bytes of a name.
const fn end_hash(name: &[u8]) -> usize {
    let last = match name.last_chunk() {
        Some(last) => u64::from_le_bytes(*last),
        None => {
            let (mut last, mut rest) = (0, name);
            while let Some((byte, behind)) = rest.split_first() {
                last = last << 8 | *byte as u64;
                rest = behind;
            }
            last
        }
    };
    (last.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 51) as usize
}

/// Returns true if a request to `host` may be for a target that it names: a proxy of the table, or any host whose
/// path begins with a URL, as those of proxies that nobody has listed.
pub(super) fn is_proxy(host: &[u8], path: Option<&[u8]>) -> bool {
    path.is_some_and(begins_with_url) || entry(host, path).is_some()
}

/// Returns true for `/https://a.example/`, in any case and with one slash behind the scheme or several.
fn begins_with_url(path: &[u8]) -> bool {
    let [b'/', text @ ..] = path else { return false };
    if !matches!(text, [b'h' | b'H', ..]) {
        return false;
    }
    let after = |scheme: &[u8]| {
        let (start, rest) = text.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    };
    after(b"https:/").or_else(|| after(b"http:/")).is_some()
}

/// The name in the table by which a host is a proxy for a path.
fn entry(host: &[u8], path: Option<&[u8]>) -> Option<&'static str> {
    let host = usual_name(host);
    let bit = end_hash(host);
    if ENDS.get(bit / 64).is_none_or(|word| word >> (bit % 64) & 1 == 0) {
        return None;
    }
    let path = path.unwrap_or(b"/");
    // Another spelling of the path is another form of it.
    let is_for = |(_, start): &&(&str, &str)| *start == "/" || starts_with(path, start);
    let is_above = |name: &str| is_under(host, name.trim_start_matches('.').as_bytes());
    let mut above = PROXIES.iter().take_while(|(name, _)| name.starts_with('.'));
    let first = PROXIES.partition_point(|(name, _)| name.as_bytes() < host);
    let same = PROXIES.get(first..).unwrap_or_default().iter();
    let mut same = same.take_while(|(name, _)| name.as_bytes() == host);
    let found =
        above.find(|entry| is_above(entry.0) && is_for(entry)).or_else(|| same.find(is_for));
    found.map(|(name, _)| *name)
}

/// Returns true if a path starts as a pattern says, in which `*` is one segment.
fn starts_with(path: &[u8], pattern: &str) -> bool {
    let Some((before, behind)) = pattern.split_once('*') else {
        return path.starts_with(pattern.as_bytes());
    };
    let rest = path.strip_prefix(before.as_bytes());
    let slash = rest.and_then(|rest| rest.iter().position(|byte| *byte == b'/'));
    rest.zip(slash)
        .and_then(|(rest, at)| rest.get(at..))
        .is_some_and(|rest| rest.starts_with(behind.as_bytes()))
}

/// The name in the table for one that differs from it in a country (`www.google.co.uk`) or a number only.
fn usual_name(host: &[u8]) -> &[u8] {
    let of_countries: Option<(&[u8], &[u8])> = match host {
        [b'g', b'o', ..] => Some((b"google.", b"google.com")),
        [b't', b'r', ..] => Some((b"translate.google.", b"translate.google.com")),
        [b'w', b'w', b'w', b'.', b'g', ..] => Some((b"www.google.", b"www.google.com")),
        [b'i', b'm', ..] => None,
        _ => return host,
    };
    if let Some((before, usual)) = of_countries {
        let is_usual = host.strip_prefix(before).is_some_and(is_country);
        return if is_usual { usual } else { host };
    }
    let number = host
        .strip_prefix(b"images")
        .and_then(|rest| rest.strip_suffix(b"-focus-opensocial.googleusercontent.com"));
    match number {
        Some(number) if number.iter().all(u8::is_ascii_digit) => {
            b"images1-focus-opensocial.googleusercontent.com"
        }
        Some(_) | None => host,
    }
}

/// Returns true for `de`, `co.uk`, `com.br`.
fn is_country(end: &[u8]) -> bool {
    let code = end.strip_prefix(b"co.").or(end.strip_prefix(b"com.")).unwrap_or(end);
    code.len() == 2 && code.iter().all(u8::is_ascii_lowercase)
}

/// The hosts that the first label of a proxy's name may mean: a dash for a dot, two dashes for one.
///
/// Parameters of Google's translator change that: `_x_tr_hp` is put before the label; with 1 among those of
/// `_x_tr_enc` a leading `1-` means nothing, with 0 a leading `0-` means `xn--`. AMP caches put `0-` before
/// and `-0` behind a label that looks like Punycode.
pub(super) fn targets_of_label(
    host: &[u8],
    path: Option<&[u8]>,
    steps: &mut usize,
) -> Vec<Vec<u8>> {
    let mut hosts = Vec::new();
    let Some(name) = entry(host, None).filter(|name| name.starts_with('.')) else { return hosts };
    let before = host.strip_suffix(name.as_bytes()).unwrap_or_default();
    let label = before.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    let parameters = LabelParameters::read(path.unwrap_or_default(), steps);
    let prefixes = parameters.prefixes.iter().map(|prefix| [prefix.as_slice(), label].concat());
    let mut labels: Vec<Vec<u8>> = std::iter::once(label.to_vec()).chain(prefixes).collect();
    if parameters.has_one {
        let bare = labels.iter().filter_map(|label| label.strip_prefix(b"1-"));
        let bare: Vec<_> = bare.map(<[u8]>::to_vec).collect();
        labels.extend(bare);
    }
    for label in &labels {
        *steps += 2 * label.len();
        hosts.push(unmangle(label));
        let Some(marked) = label.strip_prefix(b"0-") else { continue };
        if parameters.has_zero {
            hosts.push([b"xn--", unmangle(marked).as_slice()].concat());
        }
        hosts.extend(marked.strip_suffix(b"-0").map(unmangle));
    }
    hosts.retain(|host| host.contains(&b'.'));
    hosts
}

/// The parameters that change what the first label of a name means.
#[derive(Default)]
struct LabelParameters {
    /// What may be put before it: the first two that are given, and the last two.
    prefixes: Vec<Vec<u8>>,
    has_one: bool,
    has_zero: bool,
}

impl LabelParameters {
    fn read(path: &[u8], steps: &mut usize) -> LabelParameters {
        let mut found = LabelParameters::default();
        let Some(query_at) = path.iter().position(|byte| *byte == b'?') else { return found };
        for parameter in path.get(query_at + 1..).unwrap_or_default().split(|byte| *byte == b'&') {
            let parameter = unescape(parameter, Reach::All);
            *steps += parameter.steps + 1;
            let mut halves = parameter.bytes.splitn(2, |byte| *byte == b'=');
            let name = halves.next().unwrap_or_default().to_ascii_lowercase();
            let value = halves.next().unwrap_or_default();
            match name.as_slice() {
                b"_x_tr_hp" => {
                    if found.prefixes.len() == 4 {
                        found.prefixes.remove(2);
                    }
                    found.prefixes.push(value.to_vec());
                }
                b"_x_tr_enc" => {
                    found.has_one |= value.contains(&b'1');
                    found.has_zero |= value.contains(&b'0');
                }
                _ => {}
            }
        }
        found
    }
}

/// `pastebin-com` to `pastebin.com`, `a--b-com` to `a-b.com`.
fn unmangle(label: &[u8]) -> Vec<u8> {
    let mut host = Vec::with_capacity(label.len());
    let mut rest = label;
    while let [first, behind @ ..] = rest {
        rest = behind;
        match (first, behind) {
            (b'-', [b'-', behind @ ..]) => {
                host.push(b'-');
                rest = behind;
            }
            (b'-', _) => host.push(b'.'),
            (other, _) => host.push(*other),
        }
    }
    host
}

#[cfg(test)]
mod tests;
