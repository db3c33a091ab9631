//! The report of a hunt as one HTML page, for people: no script, no outside address.
//!
//! Everything in it comes from logs and rules that others wrote; it is escaped as text ([`escaped`]), and a
//! content security policy allows the page's own style and nothing else.

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "places in pictures"
)]

mod pictures;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;

use diagnostics::is_printable;

use crate::behaviour::facts::Facts;
use crate::behaviour::ledger::Ledger;
use crate::behaviour::uses::hash_of;
use crate::limits::{MAX_PAGE_MATCHES, MAX_PAGE_PAIRS};

/// The matches of a rule for a source and a host, as the page shows them.
#[derive(Clone, Debug)]
pub(crate) struct Alert {
    /// When the first was.
    pub(crate) time_ms: Option<i64>,
    pub(crate) n_matches: u64,
    pub(crate) level: &'static str,
    pub(crate) rule: String,
    pub(crate) title: String,
    pub(crate) author: String,
    pub(crate) tags: String,
    pub(crate) source: String,
    pub(crate) host: String,
    pub(crate) service: String,
    pub(crate) request: String,
    /// What the source did over time, as text.
    pub(crate) behaviour: String,
    /// Source and host in the ledger.
    pub(crate) pair: Option<(u32, u32)>,
}

/// The matches that the page shows, and how many there are.
#[derive(Debug, Default)]
pub(crate) struct Alerts {
    /// By rule, source and host, in the order of their first matches.
    pub(crate) shown: Vec<Alert>,
    places: HashMap<u64, usize>,
    pub(crate) n_all: u64,
    /// How many matches were in each minute since 1970, and how many of them were grave.
    minutes: BTreeMap<i64, [u64; 2]>,
}

impl Alerts {
    /// Takes a match. Past [`MAX_PAGE_MATCHES`] of a rule, a source and a host it is only counted.
    pub(crate) fn take(&mut self, alert: Alert) {
        self.n_all += 1;
        if let Some(time_ms) = alert.time_ms {
            let counts = self.minutes.entry(time_ms.div_euclid(60_000)).or_default();
            let is_grave = matches!(alert.level, "high" | "critical");
            if let Some(count) = counts.get_mut(usize::from(is_grave)) {
                *count += 1;
            }
        }
        let key = hash_of(&(&alert.rule, &alert.source, &alert.host));
        let known = self.places.get(&key).copied();
        if let Some(known) = known.and_then(|place| self.shown.get_mut(place)) {
            known.n_matches += 1;
        } else if self.shown.len() < MAX_PAGE_MATCHES {
            self.places.insert(key, self.shown.len());
            self.shown.push(alert);
        }
    }
}

/// Returns the page.
pub(crate) fn page(alerts: &Alerts, ledger: &Ledger, summary: &str) -> String {
    let mut out = String::from(HEAD);
    let shown = &alerts.shown;
    let _ = write!(
        out,
        "<h1>Hunt</h1>\n<p>{} matches; of each rule, source and host the first is listed.",
        alerts.n_all
    );
    let n_listed: u64 = shown.iter().map(|alert| alert.n_matches).sum();
    if n_listed != alerts.n_all {
        let _ = write!(out, " {} matches are of others than are listed.", alerts.n_all - n_listed);
    }
    out.push_str("</p>\n");
    section(&mut out, "timeline", "Timeline");
    out.push_str(&pictures::timeline(&alerts.minutes));
    section(&mut out, "sources", "Sources and services");
    out.push_str("<div class=columns>\n");
    top(&mut out, "Source", shown.iter().map(|alert| (alert.source.as_str(), alert.n_matches)));
    top(&mut out, "Host", shown.iter().map(|alert| (alert.host.as_str(), alert.n_matches)));
    top(&mut out, "Service", shown.iter().map(|alert| (alert.service.as_str(), alert.n_matches)));
    out.push_str("</div>\n");
    rules(&mut out, shown);
    behaviour(&mut out, shown, ledger);
    matches(&mut out, shown);
    section(&mut out, "log", "What was read");
    let _ = write!(out, "<pre>{}</pre>\n</main>\n</body>\n</html>\n", escaped(summary));
    out
}

/// Returns text escaped for HTML, also for an attribute; control characters are shown as `\u{..}`.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' => out.push('\n'),
            char if is_printable(char) => out.push(char),
            // Marks of direction would reorder the text around them.
            char => out.extend(char.escape_unicode()),
        }
    }
    out
}

fn section(out: &mut String, id: &str, title: &str) {
    let _ = writeln!(out, "<h2 id=\"{id}\">{title}</h2>");
}

/// Lists the ten most frequent names.
fn top<'a>(out: &mut String, title: &str, names: impl Iterator<Item = (&'a str, u64)>) {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    names
        .filter(|(name, _)| !name.is_empty())
        .for_each(|(name, count)| *counts.entry(name).or_default() += count);
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
    let most = counts.first().map_or(1, |(_, count)| *count);
    let _ = writeln!(out, "<table><tr><th>{title}<th class=number>Matches<th>");
    for (name, count) in counts.iter().take(10) {
        let width = 100 * count / most.max(1);
        let _ = writeln!(
            out,
            "<tr><td>{}<td class=number>{count}<td><svg class=bar viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\"><rect width=\"{width}\" height=\"8\"/></svg>",
            escaped(name)
        );
    }
    out.push_str("</table>\n");
}

/// Lists the rules that matched: where the matches link to.
fn rules(out: &mut String, alerts: &[Alert]) {
    section(out, "rules", "Rules");
    let mut rules: BTreeMap<&str, (&Alert, u64, BTreeSet<&str>)> = BTreeMap::new();
    for alert in alerts {
        let rule = rules.entry(&alert.rule).or_insert((alert, 0, BTreeSet::new()));
        rule.1 += alert.n_matches;
        rule.2.insert(&alert.source);
    }
    let mut rules: Vec<_> = rules.into_values().collect();
    rules.sort_by_key(|(alert, count, _)| (std::cmp::Reverse(*count), alert.title.as_str()));
    out.push_str("<table><tr><th>Rule<th>Level<th class=number>Matches<th class=number>Sources<th>Techniques<th>Author\n");
    for (alert, count, sources) in rules {
        let _ = writeln!(
            out,
            "<tr id=\"rule-{}\"><td>{}<br><small>{}</small><td class=\"level {}\">{}<td class=number>{count}<td class=number>{}<td>{}<td>{}",
            escaped(&alert.rule),
            escaped(&alert.title),
            escaped(&alert.rule),
            alert.level,
            alert.level,
            sources.len(),
            escaped(&alert.tags),
            escaped(&alert.author),
        );
    }
    out.push_str("</table>\n");
}

/// Draws what the pairs did that rules of behaviour matched.
fn behaviour(out: &mut String, alerts: &[Alert], ledger: &Ledger) {
    let mut pairs: BTreeMap<(u32, u32), Vec<&Alert>> = BTreeMap::new();
    for alert in alerts {
        if let Some(pair) = alert.pair {
            pairs.entry(pair).or_default().push(alert);
        }
    }
    if pairs.is_empty() {
        return;
    }
    section(out, "behaviour", "Behaviour");
    let facts = Facts::new(ledger);
    let n_pairs = pairs.len();
    for ((source, host), alerts) in pairs.into_iter().take(MAX_PAGE_PAIRS) {
        let Some(pair) = facts.of_pair(source, host, None) else { continue };
        let _ = writeln!(
            out,
            "<section class=pair>\n<h3>{} → {}</h3>",
            escaped(ledger.names.text(source)),
            escaped(ledger.names.text(host))
        );
        let titles: BTreeMap<&str, &Alert> =
            alerts.iter().map(|alert| (alert.rule.as_str(), *alert)).collect();
        for (rule, alert) in titles {
            let _ = writeln!(
                out,
                "<p><span class=\"level {}\">{}</span> <a href=\"#rule-{}\">{}</a><br><small>{}</small></p>",
                alert.level,
                alert.level,
                escaped(rule),
                escaped(&alert.title),
                escaped(&alert.behaviour)
            );
        }
        out.push_str("<div class=columns>\n");
        out.push_str(&pictures::strip(&pair.events, ledger.first.unwrap_or_default(), ledger.last));
        out.push_str(&pictures::gaps(&pair.events));
        out.push_str(&pictures::bytes(&pair.events, ledger.first.unwrap_or_default(), ledger.last));
        out.push_str("</div>\n</section>\n");
    }
    if n_pairs > MAX_PAGE_PAIRS {
        let _ = writeln!(out, "<p>{} more pairs are not drawn.</p>", n_pairs - MAX_PAGE_PAIRS);
    }
}

fn matches(out: &mut String, alerts: &[Alert]) {
    section(out, "matches", "Matches");
    out.push_str(
        "<table><tr><th>First<th>Level<th>Rule<th class=number>Matches<th>Source<th>Request\n",
    );
    for alert in alerts {
        let time = alert
            .time_ms
            .map(|time_ms| crate::timestamp::timestamp(time_ms - time_ms.rem_euclid(1000)));
        let time = time.unwrap_or_default();
        let _ = writeln!(
            out,
            "<tr><td class=time>{}<td class=\"level {}\">{}<td><a href=\"#rule-{}\">{}</a><td class=number>{}<td>{}<td>{}",
            escaped(&time),
            alert.level,
            alert.level,
            escaped(&alert.rule),
            escaped(&alert.title),
            alert.n_matches,
            escaped(&alert.source),
            escaped(&alert.request)
        );
    }
    out.push_str("</table>\n");
}

/// How the page begins.
pub const PAGE_START: &[u8] = b"<!doctype html>";

const HEAD: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Hunt</title>
<style>
:root { color-scheme: light dark; --ink: #1c2330; --paper: #fff; --line: #d5dae3; --quiet: #5d6778; --mark: #2b5fb8; --up: #b8442b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e3e7ee; --paper: #151a22; --line: #374151; --quiet: #9aa5b6; --mark: #7aa7f0; --up: #ef8a70; } }
@media print { :root { --ink: #000; --paper: #fff; --line: #999; --quiet: #444; --mark: #2b5fb8; --up: #b8442b; } .pair, tr { break-inside: avoid; } a { color: inherit; } }
body { margin: 0; font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
main { max-width: 72rem; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; border-bottom: 1px solid var(--line); } h3 { font-size: 1rem; margin: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; } th { text-align: left; font-weight: 600; color: var(--quiet); } th, td { padding: .2rem .6rem .2rem 0; vertical-align: top; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
.number { text-align: right; white-space: nowrap; } small, figcaption { color: var(--quiet); font-size: .85rem; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(18rem, 1fr)); gap: 1rem 2rem; align-items: start; }
.pair { margin: 1rem 0; padding: .8rem; border: 1px solid var(--line); border-radius: 4px; } .pair p { margin: .3rem 0; }
figure { margin: 0; } svg { display: block; width: 100%; } svg text { fill: var(--quiet); font: 10px system-ui, sans-serif; } rect, .up { fill: var(--mark); } .sent { fill: var(--up); } .axis { stroke: var(--line); }
.bar { height: .5rem; margin-top: .45rem; min-width: 4rem; } .level { font-weight: 600; } .level, .time { white-space: nowrap; overflow-wrap: normal; } .critical, .high { color: var(--up); } a { color: var(--mark); }
pre { white-space: pre-wrap; overflow-wrap: anywhere; color: var(--quiet); }
</style>
</head>
<body>
<main>
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_a_log_becomes_markup() {
        let evil = "\"'><script>alert(1)</script>&\u{202e}\u{1b}";
        let alert = Alert {
            time_ms: Some(1_790_467_200_000),
            n_matches: 1,
            level: "high",
            rule: evil.to_owned(),
            title: evil.to_owned(),
            author: evil.to_owned(),
            tags: evil.to_owned(),
            source: evil.to_owned(),
            host: evil.to_owned(),
            service: evil.to_owned(),
            request: evil.to_owned(),
            behaviour: evil.to_owned(),
            pair: None,
        };
        let mut alerts = Alerts::default();
        alerts.take(alert.clone());
        alerts.take(alert);
        let page = page(&alerts, &Ledger::default(), evil);
        assert!(
            !page.contains("<script") && !page.contains('\u{202e}') && !page.contains('\u{1b}')
        );
        assert!(page.contains("&lt;script&gt;") && alerts.shown.len() == 1);
        assert!(!page.contains("http:") && !page.contains("https:"));
    }
}
