//! The pictures of the page: SVG without text from logs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::escaped;
use crate::behaviour::rhythm;
use crate::behaviour::series::Event;
use crate::timestamp::timestamp;

const WIDTH: f64 = 600.0;
const N_BINS: usize = 60;

/// Draws how many matches there were over time, the grave ones on top.
///
/// `minutes` has for each minute since 1970 the number of matches that are not grave, and of those that are.
pub(super) fn timeline(minutes: &BTreeMap<i64, [u64; 2]>) -> String {
    let (Some((first, _)), Some((last, _))) = (minutes.first_key_value(), minutes.last_key_value())
    else {
        return "<p>No match has a time.</p>\n".to_owned();
    };
    let mut bins = [[0_u64; 2]; N_BINS];
    for (minute, [others, graves]) in minutes {
        let place = (minute - first) as f64 / ((last - first) as f64 + 1.0) * N_BINS as f64;
        if let Some([other, grave]) = bins.get_mut(place as usize) {
            *other += others;
            *grave += graves;
        }
    }
    let most = bins.iter().map(|[other, grave]| other + grave).max().unwrap_or(1).max(1);
    let mut svg = open("Matches over time", 90.0);
    for (idx, [other, grave]) in bins.iter().enumerate() {
        let height = |count: u64| count as f64 / most as f64 * 80.0;
        let left = idx as f64 * WIDTH / N_BINS as f64;
        let (low, high) = (height(*other), height(*grave));
        rect(&mut svg, "", [left, 80.0 - low, 8.0, low]);
        rect(&mut svg, "sent", [left, 80.0 - low - high, 8.0, high]);
    }
    let caption = format!(
        "{} to {}; at most {most} in a column, high and critical ones in red",
        timestamp(first * 60_000),
        timestamp(last * 60_000)
    );
    close(svg, &caption)
}

/// Draws each request of a pair as a line in the time of the log.
pub(super) fn strip(events: &[Event], first: u32, last: u32) -> String {
    let mut svg = open("Requests over time", 34.0);
    let span = f64::from(last.saturating_sub(first)).max(1.0);
    let mut drawn = None;
    for event in events {
        let left = f64::from(event.time.saturating_sub(first)) / span * (WIDTH - 1.0);
        // Lines that would lie on one another.
        let place = (left * 2.0) as u64;
        if drawn == Some(place) {
            continue;
        }
        drawn = Some(place);
        rect(&mut svg, "", [left, 2.0, 0.8, 28.0]);
    }
    close(svg, &format!("{} requests, over the time of the logs", events.len()))
}

/// Draws how long the gaps between contacts are.
pub(super) fn gaps(events: &[Event]) -> String {
    let times: Vec<u32> = events.iter().map(|event| event.time).collect();
    let gaps = rhythm::gaps(&times);
    let mut sorted = gaps.clone();
    sorted.sort_by(f64::total_cmp);
    let Some(median) = sorted.get(sorted.len() / 2).copied() else { return String::new() };
    let widest = (2.5 * median).max(1.0);
    let mut bins = [0_u32; N_BINS];
    for gap in &gaps {
        let place = (gap / widest * N_BINS as f64) as usize;
        if let Some(bin) = bins.get_mut(place.min(N_BINS - 1)) {
            *bin += 1;
        }
    }
    let most = bins.iter().max().copied().unwrap_or(1).max(1);
    let mut svg = open("Gaps between contacts", 70.0);
    for (idx, bin) in bins.iter().enumerate() {
        let height = f64::from(*bin) / f64::from(most) * 64.0;
        rect(&mut svg, "", [idx as f64 * WIDTH / N_BINS as f64, 66.0 - height, 9.0, height]);
    }
    let caption = format!(
        "gaps from 0 to {widest:.0} s (longer ones in the last column), median {median:.0} s"
    );
    close(svg, &caption)
}

/// Draws bytes sent above the line and bytes received below it, each to its own scale.
pub(super) fn bytes(events: &[Event], first: u32, last: u32) -> String {
    if events.iter().all(|event| event.sent.is_none() && event.received.is_none()) {
        return String::new();
    }
    let span = f64::from(last.saturating_sub(first)) + 1.0;
    let mut bins = [[0_u64; 2]; N_BINS];
    for event in events {
        let place = f64::from(event.time.saturating_sub(first)) / span * N_BINS as f64;
        if let Some([sent, received]) = bins.get_mut(place as usize) {
            *sent = sent.saturating_add(event.sent.unwrap_or_default());
            *received = received.saturating_add(event.received.unwrap_or_default());
        }
    }
    let most = bins.iter().flatten().max().copied().unwrap_or(1).max(1);
    let mut svg = open("Bytes sent and received over time", 84.0);
    for (idx, [sent, received]) in bins.iter().enumerate() {
        let height = |bytes: u64| bytes as f64 / most as f64 * 40.0;
        let left = idx as f64 * WIDTH / N_BINS as f64;
        rect(&mut svg, "sent", [left, 41.0 - height(*sent), 9.0, height(*sent)]);
        rect(&mut svg, "", [left, 43.0, 9.0, height(*received)]);
    }
    svg.push_str("<line class=axis x1=\"0\" y1=\"42\" x2=\"600\" y2=\"42\"/>");
    let sum = |idx: usize| bins.iter().filter_map(|bin| bin.get(idx)).sum::<u64>();
    let caption = format!(
        "sent above the line ({}), received below it ({})",
        counted_bytes(sum(0)),
        counted_bytes(sum(1))
    );
    close(svg, &caption)
}

fn counted_bytes(bytes: u64) -> String {
    match bytes {
        ..10_000 => format!("{bytes} B"),
        10_000..10_000_000 => format!("{} kB", bytes / 1000),
        10_000_000..10_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{} GB", bytes / 1_000_000_000),
    }
}

fn open(label: &str, height: f64) -> String {
    format!(
        "<figure><svg role=img aria-label=\"{label}\" viewBox=\"0 0 {WIDTH} {height}\" height=\"{height}\" preserveAspectRatio=\"none\">"
    )
}

fn rect(svg: &mut String, class: &str, [left, top, width, height]: [f64; 4]) {
    if height > 0.0 {
        let class = if class.is_empty() { String::new() } else { format!(" class={class}") };
        let _ = write!(
            svg,
            "<rect{class} x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width}\" height=\"{height:.1}\"/>"
        );
    }
}

fn close(svg: String, caption: &str) -> String {
    svg + "</svg><figcaption>" + &escaped(caption) + "</figcaption></figure>\n"
}
