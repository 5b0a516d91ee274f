//! Other clocks against ours.

use jiff::{SignedDuration, Timestamp};

use super::check::Check;

/// Clocks that differ by more are told of. Completeness and expiry are decided by days and
/// seconds, so a smaller difference does no harm.
const TOLERATED: SignedDuration = SignedDuration::from_secs(5);

/// Compares the clock of `whose`, read between two readings of ours; `resolution` is the smallest
/// step in which it was told.
pub(super) fn check(
    whose: &str,
    theirs: Timestamp,
    before: Timestamp,
    after: Timestamp,
    resolution: SignedDuration,
) -> Check {
    let name = format!("clock of {whose}");
    // Theirs was somewhere in [theirs, theirs + resolution] while ours was in [before, after].
    let ahead = theirs.duration_since(after);
    let behind = before.duration_since(theirs) - resolution;
    let remedy = "synchronise the clocks of both machines (NTP); expiry and completeness depend \
                  on them";
    if ahead > TOLERATED {
        return Check::warning(name, format!("{} ahead of ours", shown(ahead)), remedy);
    }
    if behind > TOLERATED {
        return Check::warning(name, format!("{} behind ours", shown(behind)), remedy);
    }
    Check::ok(name, "agrees with ours")
}

fn shown(time: SignedDuration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_told_with_their_direction() {
        let now: Timestamp = "2025-06-01T12:00:00Z".parse().unwrap();
        let of = |seconds: i64| {
            let theirs = now + SignedDuration::from_secs(seconds);
            let after = now + SignedDuration::from_millis(10);
            check("x", theirs, now, after, SignedDuration::from_secs(1)).detail
        };
        assert_eq!([of(0), of(5), of(-6)], ["agrees with ours"; 3]);
        assert_eq!(of(7), "6 s ahead of ours");
        assert_eq!(of(-30), "29 s behind ours");
        assert_eq!(of(3_600), "59 min ahead of ours");
        assert_eq!(of(-90_000), "24 h behind ours");
        assert_eq!(of(864_000), "9 d ahead of ours");
    }
}
