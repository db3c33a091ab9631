//! How fast logs are hunted, beside parsing alone: `hunt_speed PACK LOG`, on one thread.
//!
//! Parsing alone is what the same JSON reader needs to walk every line's keys, and what `serde_json`
//! needs to build a tree of each line.

#![forbid(unsafe_code)]
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark reads files and prints"
)]

use std::error::Error;
use std::time::Instant;

use hunt::Hunter;
use hunt::limits::PIECE_BYTES;
use inspect::Pack;
use traffic::{FieldMap, Format};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: hunt_speed PACK LOG";
    let pack = std::fs::read(arguments.next().ok_or(usage)?)?;
    let log = std::fs::read(arguments.next().ok_or(usage)?)?;
    let format = Format::detect(&log).ok_or("the format of the log is not detected")?;
    let mut hunter = Hunter::new(Pack::decode(&pack)?, format, &FieldMap::default(), false);
    // Pieces as the command line cuts them, so that they fit into a cache as there.
    let mut pieces = Vec::new();
    let mut rest = &log[..];
    while !rest.is_empty() {
        let window = rest.get(..PIECE_BYTES).unwrap_or(rest);
        let end = memchr::memrchr(b'\n', window).map_or(rest.len(), |end| end + 1);
        let (piece, after) = rest.split_at(end);
        pieces.push(piece);
        rest = after;
    }
    let lines = |piece: &'_ [u8]| -> Vec<std::ops::Range<usize>> {
        let mut start = 0;
        let ends = memchr::memchr_iter(b'\n', piece);
        ends.map(|end| std::mem::replace(&mut start, end + 1)..end).collect()
    };
    let mut best = [f64::INFINITY; 3];
    for _ in 0..3 {
        let mut n_keys = 0usize;
        let start = Instant::now();
        for piece in &pieces {
            for line in lines(piece) {
                let line = str::from_utf8(piece.get(line).unwrap_or_default())?;
                n_keys += sonic_rs::to_object_iter(line).flatten().count();
            }
        }
        best[0] = best[0].min(start.elapsed().as_secs_f64());
        let start = Instant::now();
        for piece in &pieces {
            for line in lines(piece) {
                let value: serde_json::Value =
                    serde_json::from_slice(piece.get(line).unwrap_or_default())?;
                n_keys += usize::from(value.is_object());
            }
        }
        best[1] = best[1].min(start.elapsed().as_secs_f64());
        let start = Instant::now();
        let n_events: u64 = pieces.iter().map(|piece| hunter.hunt(piece).counts.n_events).sum();
        best[2] = best[2].min(start.elapsed().as_secs_f64());
        println!("{n_keys} keys, {n_events} events");
    }
    #[expect(clippy::cast_precision_loss, reason = "a log is smaller than 2^52 bytes")]
    let megabytes = log.len() as f64 / 1e6;
    let [sonic, serde, hunt] = best.map(|seconds| megabytes / seconds);
    println!("sonic-rs, keys alone: {sonic:.0} MB/s");
    println!("serde_json, a tree:   {serde:.0} MB/s");
    println!(
        "hunt:                 {hunt:.0} MB/s, {:.2} of sonic-rs, {:.2} of serde_json",
        hunt / sonic,
        hunt / serde
    );
    Ok(())
}
