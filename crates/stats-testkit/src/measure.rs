//! Measuring subjects against references in one run.

use std::time::{Duration, Instant};

/// Runs the subjects in turn, so that a drift of the machine meets all alike, once to warm up and
/// then `rounds` times; gives the median of what each says of itself.
pub fn medians<const N: usize>(
    rounds: usize,
    mut subjects: [&mut dyn FnMut() -> Duration; N],
) -> [Duration; N] {
    let mut times: [Vec<Duration>; N] = std::array::from_fn(|_| Vec::new());
    for round in 0..=rounds {
        for (subject, times) in subjects.iter_mut().zip(&mut times) {
            let time = subject();
            if round > 0 {
                times.push(time);
            }
        }
    }
    times.map(|mut times| {
        times.sort();
        times[times.len() / 2]
    })
}

/// How long a subject takes.
pub fn timed(subject: impl FnOnce()) -> Duration {
    let start = Instant::now();
    subject();
    start.elapsed()
}
