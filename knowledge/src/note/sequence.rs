//! A sequence: requests with times, for rules that ask what a source did over time.
//!
//! ```text
//! 02:00 x40/60s~50 laptop-12 GET https://a.example/poll up=310 down=140 agent=Mozilla/5.0 (X11; ...)
//! ```
//!
//! Each line is one request or several: the time since the start (`hh:mm` or `hh:mm:ss`, hours may be more than
//! a day), perhaps how many there are and the gap between them (`s`, `m`, `h`) with its jitter in per cent on
//! both sides, the source, method, URL or target of CONNECT, and what an access log says besides. The agent comes
//! last.

use std::sync::Arc;

use diagnostics::{Findings, Place, Span};
use serde_json::{Map, Value, json};
use traffic::url::Url;

use super::rule::Expectation;
use crate::codes;
use crate::limits::MAX_SEQUENCE_REQUESTS;

/// Requests with times, and whether the note's rule must match one of them.
#[derive(Clone, Debug)]
pub struct Sequence {
    /// What is expected.
    pub expectation: Expectation,
    /// The requests as lines of an access log in JSON, in the order of the note.
    pub log: String,
    /// How many there are.
    pub n_requests: usize,
    /// Its first line.
    pub place: Place,
}

/// When sequences start: any day serves, and this one begins at midnight.
const START: f64 = 1_790_467_200.0;

/// Reads the lines of a block.
pub(super) fn sequence(
    file: &Arc<str>,
    expectation: Expectation,
    text: &str,
    first_line: u32,
    findings: &mut Findings,
) -> Option<Sequence> {
    let mut of_block = Findings::new(file).at_line(first_line);
    let mut log = String::new();
    let mut n_requests = 0;
    let mut is_broken = false;
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let read = read_line(line.trim()).and_then(|requests| {
            n_requests += requests.len();
            let fits = n_requests <= MAX_SEQUENCE_REQUESTS;
            fits.then_some(requests).ok_or("the sequence has too many requests")
        });
        match read {
            Ok(requests) => {
                for request in requests {
                    log += &Value::Object(request).to_string();
                    log.push('\n');
                }
            }
            Err(message) => {
                is_broken = true;
                let end_column = diagnostics::number(line.chars().count() + 1);
                let span = Span { line: number, column: 1, end_line: number, end_column };
                let help = "write `02:00 x40/60s~20 laptop-1 GET https://host/path up=300 down=90 agent=curl/8.4.0`; count, jitter and what follows the URL may be left out";
                of_block.add(&codes::BROKEN_SEQUENCE, span, message, help);
            }
        }
    }
    let line = text.lines().next().unwrap_or_default();
    let end_column = diagnostics::number(line.chars().count() + 1);
    let place = of_block.place(Span { line: 1, column: 1, end_line: 1, end_column });
    if n_requests == 0 && !is_broken {
        let help = "write a request on each line, each with its time";
        of_block.add(&codes::BROKEN_SEQUENCE, Span::point(1, 1), "the sequence is empty", help);
        is_broken = true;
    }
    findings.extend(of_block);
    (!is_broken).then_some(Sequence { expectation, log, n_requests, place })
}

fn read_line(line: &str) -> Result<Vec<Map<String, Value>>, &'static str> {
    let (line, agent) = match line.split_once(" agent=") {
        Some((line, agent)) => (line, Some(agent.trim())),
        None => (line, None),
    };
    let mut words = line.split_ascii_whitespace().peekable();
    let start = words.next().and_then(clock).ok_or("the line does not begin with a time")?;
    let repeat = match words.peek().and_then(|word| word.strip_prefix('x')) {
        Some(repeat) if repeat.starts_with(|char: char| char.is_ascii_digit()) => {
            words.next();
            repeats(repeat).ok_or("the number of requests is not `x40/60s` or `x40/60s~20`")?
        }
        _ => Repeat { n_requests: 1, gap: 0.0, jitter: 0.0 },
    };
    let source = words.next().ok_or("the line has no source")?;
    let method = words.next().ok_or("the line has no method")?;
    let target = words.next().ok_or("the line has no URL")?;
    let mut object = Map::new();
    object.insert("client".into(), json!(source));
    object.insert("method".into(), json!(method));
    if method == "CONNECT" {
        object.insert("authority".into(), json!(target));
    } else {
        let url = Url::parse(target).map_err(|_| "the URL cannot be read")?;
        let path = url.request_path();
        object.insert("scheme".into(), json!(url.scheme.to_ascii_lowercase()));
        object.insert("authority".into(), json!(url.host));
        object.insert("path".into(), json!(String::from_utf8_lossy(&path)));
    }
    for word in words {
        let (key, value) =
            word.split_once('=').ok_or("a word behind the URL is not `key=value`")?;
        let number: u64 = value.parse().map_err(|_| "a value is not a number")?;
        let key = match key {
            "up" => "bytes_received",
            "down" => "bytes_sent",
            "seconds" => "duration_seconds",
            _ => return Err("a key is not `up`, `down`, `seconds` or `agent`"),
        };
        object.insert(key.into(), json!(number));
    }
    if let Some(agent) = agent {
        object.insert("user_agent".into(), json!(agent));
    }
    let mut time = START + start;
    let mut requests = Vec::new();
    for idx in 0..repeat.n_requests.min(MAX_SEQUENCE_REQUESTS + 1) {
        object.insert("start_time".into(), json!(time));
        requests.push(object.clone());
        // The golden ratio spreads the jitter evenly, and the same each time.
        let place = (f64::from(u32::try_from(idx).unwrap_or_default()) * 0.618_034).fract();
        time += repeat.gap * (1.0 + repeat.jitter * (2.0 * place - 1.0));
    }
    Ok(requests)
}

struct Repeat {
    n_requests: usize,
    gap: f64,
    jitter: f64,
}

fn repeats(text: &str) -> Option<Repeat> {
    let (count, gap) = text.split_once('/')?;
    let (gap, jitter) = gap.split_once('~').unwrap_or((gap, "0"));
    let unit = match gap.chars().last()? {
        's' => 1.0,
        'm' => 60.0,
        'h' => 3600.0,
        _ => return None,
    };
    let gap: u32 = gap.get(..gap.len() - 1)?.parse().ok()?;
    let jitter: u8 = jitter.parse().ok().filter(|jitter| *jitter <= 100)?;
    let n_requests = count.parse().ok()?;
    Some(Repeat { n_requests, gap: f64::from(gap) * unit, jitter: f64::from(jitter) / 100.0 })
}

/// Returns the seconds of `hh:mm` or `hh:mm:ss`.
fn clock(text: &str) -> Option<f64> {
    let parts: Option<Vec<u32>> = text.split(':').map(|part| part.parse().ok()).collect();
    let (hours, minutes, seconds) = match *parts?.as_slice() {
        [hours, minutes] => (hours, minutes, 0),
        [hours, minutes, seconds] => (hours, minutes, seconds),
        _ => return None,
    };
    let is_clock = hours < 24 * 366 && minutes < 60 && seconds < 60;
    is_clock.then(|| f64::from(hours * 3600 + minutes * 60 + seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<Sequence>, usize) {
        let file = Arc::from("note.md");
        let mut findings = Findings::new(&file);
        let sequence = sequence(&file, Expectation::Match, text, 9, &mut findings);
        (sequence, findings.into_list().len())
    }

    #[test]
    fn a_line_is_as_many_requests_as_it_says() {
        let (read, n_findings) = read(
            "00:00 a GET https://a.example/x\n\n26:30:10 x3/10m~20 b CONNECT b.example:443 up=3 seconds=5 agent=A (b; c)\n",
        );
        let read = read.unwrap();
        assert_eq!((read.n_requests, n_findings), (4, 0));
        let lines: Vec<_> = read.log.lines().collect();
        assert!(lines[0].contains(r#""path":"/x""#), "{}", lines[0]);
        let times: Vec<f64> = lines[1..]
            .iter()
            .map(|line| {
                serde_json::from_str::<Value>(line).unwrap()["start_time"].as_f64().unwrap()
            })
            .collect();
        assert!((times[0] - (START + 26.0 * 3600.0 + 1810.0)).abs() < 1e-6);
        assert!(times.windows(2).all(|pair| (480.0..=720.0).contains(&(pair[1] - pair[0]))));
        assert!(lines[1].contains(r#""user_agent":"A (b; c)""#), "{}", lines[1]);
    }

    #[test]
    fn what_cannot_be_read_is_found_on_its_line() {
        for text in [
            "",
            "GET https://a.example/",
            "1 a GET https://a.example/",
            "00:60 a GET https://a.example/",
            "00:00 x3 a GET https://a.example/",
            "00:00 x3/5d a GET https://a.example/",
            "00:00 x9999999/5s a GET https://a.example/",
            "00:00 a",
            "00:00 a GET",
            "00:00 a GET /path",
            "00:00 a GET https://a.example/ up",
            "00:00 a GET https://a.example/ up=many",
            "00:00 a GET https://a.example/ sideways=1",
        ] {
            let (sequence, n_findings) = read(text);
            assert!(sequence.is_none() && n_findings == 1, "{text}");
        }
    }
}
