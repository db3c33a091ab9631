//! Times contenders in turns, so that what else the machine does falls on all of them; by the
//! processor time of the thread, so that waiting for a processor does not count.

use std::time::Duration;

use cpu_time::ThreadTime;

/// Something to time.
pub struct Contender<'c> {
    /// What tables call it.
    pub name: String,
    /// Does the work once over all events; how many matches there were.
    pub run: Box<dyn FnMut() -> usize + 'c>,
}

/// What was measured.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The contender.
    pub name: String,
    /// Nanoseconds of processor time per event: the median of all rounds.
    pub median: f64,
    /// The same of the best round.
    pub least: f64,
    /// Matches in one pass over the events.
    pub n_matches: usize,
}

/// Times contenders: `n_rounds` rounds, in each of which every one runs for `per_round`.
pub fn measure(
    contenders: &mut [Contender<'_>],
    n_events: usize,
    n_rounds: usize,
    per_round: Duration,
) -> Vec<Measured> {
    let mut passes = Vec::new();
    let mut matches = Vec::new();
    for contender in &mut *contenders {
        // The first pass warms up and measures how many make up a round.
        matches.push((contender.run)());
        let start = ThreadTime::now();
        (contender.run)();
        let pass = start.elapsed().max(Duration::from_nanos(1));
        passes.push((per_round.as_nanos() / pass.as_nanos()).clamp(1, 100_000));
    }
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); contenders.len()];
    for _ in 0..n_rounds {
        for ((contender, n_passes), times) in contenders.iter_mut().zip(&passes).zip(&mut times) {
            let start = ThreadTime::now();
            for _ in 0..*n_passes {
                std::hint::black_box((contender.run)());
            }
            let elapsed = start.elapsed().as_secs_f64() * 1e9;
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            times.push(elapsed / (*n_passes as f64 * n_events as f64));
        }
    }
    let measured =
        contenders.iter().zip(times).zip(matches).map(|((contender, times), n_matches)| {
            let (median, least) = median(times);
            Measured { name: contender.name.clone(), median, least, n_matches }
        });
    measured.collect()
}

/// The median and the least of some times.
pub fn median(mut times: Vec<f64>) -> (f64, f64) {
    times.sort_by(f64::total_cmp);
    let middle = times.get(times.len() / 2).copied().unwrap_or_default();
    (middle, times.first().copied().unwrap_or_default())
}

/// The median and the least processor time of `n_rounds` runs, in milliseconds.
pub fn milliseconds<T>(n_rounds: usize, mut run: impl FnMut() -> T) -> (f64, f64) {
    let mut times = Vec::new();
    for _ in 0..n_rounds {
        let start = ThreadTime::now();
        let out = run();
        times.push(start.elapsed().as_secs_f64() * 1e3);
        drop(out);
    }
    median(times)
}
