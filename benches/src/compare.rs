//! Measuring two calls side by side.

use std::{
    fmt,
    hint::black_box,
    time::{Duration, Instant},
};

/// How long one batch takes, about.
const BATCH: Duration = Duration::from_millis(2);

/// How many batches of each are measured.
const ROUNDS: usize = 201;

/// What a comparison found.
#[derive(Clone, Copy, Debug)]
pub struct Ratio {
    /// The baseline's median time a call.
    pub baseline: Duration,
    /// The subject's median time a call.
    pub subject: Duration,
    /// The median of subject / baseline over all rounds.
    pub median: f64,
    /// The ratios that the middle half of the rounds lies between.
    pub middle_half: (f64, f64),
}

/// Runs `baseline` and `subject` in turns and compares them.
pub fn compare<A, B>(mut baseline: impl FnMut() -> A, mut subject: impl FnMut() -> B) -> Ratio {
    let calls = calls_a_batch(&mut baseline).max(calls_a_batch(&mut subject));
    let mut rounds: Vec<(f64, f64)> = (0..ROUNDS)
        .map(|round| {
            // Whoever runs second finds the caches as the other left them: take turns at that, too.
            if round % 2 == 0 {
                let first = batch(&mut baseline, calls);
                (first, batch(&mut subject, calls))
            } else {
                let first = batch(&mut subject, calls);
                (batch(&mut baseline, calls), first)
            }
        })
        .collect();
    let mut ratios: Vec<f64> = rounds.iter().map(|(baseline, subject)| subject / baseline).collect();
    ratios.sort_by(f64::total_cmp);
    let mut median_of = |side: fn(&(f64, f64)) -> f64| {
        rounds.sort_by(|one, other| side(one).total_cmp(&side(other)));
        Duration::from_secs_f64(side(&rounds[ROUNDS / 2]) / f64::from(calls))
    };
    Ratio {
        baseline: median_of(|round| round.0),
        subject: median_of(|round| round.1),
        median: ratios[ROUNDS / 2],
        middle_half: (ratios[ROUNDS / 4], ratios[ROUNDS * 3 / 4]),
    }
}

fn calls_a_batch<T>(work: &mut impl FnMut() -> T) -> u32 {
    let mut calls = 1;
    loop {
        let seconds = batch(work, calls);
        if seconds >= BATCH.as_secs_f64() || calls >= 1 << 20 {
            return calls;
        }
        calls *= 2;
    }
}

fn batch<T>(work: &mut impl FnMut() -> T, calls: u32) -> f64 {
    let start = Instant::now();
    for _ in 0..calls {
        black_box(work());
    }
    start.elapsed().as_secs_f64()
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (low, high) = self.middle_half;
        write!(f, "{:.3} ({low:.3} to {high:.3})", self.median)
    }
}
