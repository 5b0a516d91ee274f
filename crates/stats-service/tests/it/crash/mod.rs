//! Processes that are killed at every named point of what they do: what is stored is whole, and the next
//! process takes over and makes the rest.
//!
//! This program starts itself again as the process that is killed, with the library put together as the
//! program does it, over ports that count named points and raise SIGKILL at one of them. Nothing of that
//! is in what is shipped.

mod acts;
mod aftermath;
mod child;
mod operations;
mod place;
mod points;
mod ports;
mod template;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use stats_testkit::services::Redis;

use self::acts::Act;
use self::points::Kill;
use self::template::{Lane, Template};

/// Bodies of responses by their keys.
type Bodies = BTreeMap<String, Vec<u8>>;

/// Set it to `10000` for the figures in `docs/reliability.md`.
fn kills() -> u64 {
    std::env::var("COMMUNITY_STATS_TEST_KILLS").map_or(250, |kills| kills.parse().unwrap())
}

#[test]
fn a_process_that_is_killed_at_a_named_point_leaves_a_file_whole_and_is_succeeded() {
    Killing::new(Template::new(None), 4).all(kills());
}

#[test]
fn a_process_that_is_killed_at_a_named_point_leaves_redis_whole_and_is_succeeded() {
    let Some(server) = Redis::shared() else { return };
    // Others wait for the lease of whoever was killed, and take next to nothing meanwhile.
    Killing::new(Template::new(Some(server)), 8).all(kills());
}

/// A point of an act.
type Point = (Act, String);

/// Processes that are killed, several at a time.
struct Killing {
    template: Template,
    lanes: u32,
    /// How often each point is passed: beside old responses, and without any.
    points: Vec<(Point, [u64; 2])>,
    next: AtomicU64,
    hits: Mutex<BTreeMap<Point, u64>>,
    kept_out: Mutex<Vec<Duration>>,
}

impl Killing {
    fn new(template: Template, lanes: u32) -> Self {
        let mut points: BTreeMap<Point, [u64; 2]> = BTreeMap::new();
        let lane = Lane::new(&template);
        for act in Act::ALL {
            for anew in [false, true] {
                lane.set(&template, anew);
                for (point, count) in child::passed(&lane.place, act) {
                    points.entry((act, point)).or_default()[usize::from(anew)] = count;
                }
            }
            for point in operations::required(act, template.is_shared()) {
                assert!(points.contains_key(&(act, point.clone())), "{act:?} never comes {point}");
            }
        }
        points.retain(|(_, point), _| !operations::depends_on_time(point));
        let points = points.into_iter().collect();
        let (next, hits, kept_out) = Default::default();
        Self { template, lanes, points, next, hits, kept_out }
    }

    #[allow(clippy::print_stderr, reason = "figures for whoever asks for them")]
    fn all(&self, kills: u64) {
        let kills = kills.max(self.points.len() as u64);
        thread::scope(|scope| {
            for _ in 0..self.lanes {
                scope.spawn(|| {
                    let lane = Lane::new(&self.template);
                    loop {
                        let number = self.next.fetch_add(1, Ordering::Relaxed);
                        if number >= kills {
                            return;
                        }
                        self.one(&lane, number);
                    }
                });
            }
        });
        let hits = self.hits.lock().unwrap();
        for (point, _) in &self.points {
            assert!(hits.contains_key(point), "nobody was killed {point:?}");
        }
        assert_eq!(hits.values().sum::<u64>(), kills);
        let kept_out = self.kept_out.lock().unwrap();
        let blocked = kept_out.iter().filter(|time| !time.is_zero()).count();
        let longest = kept_out.iter().max().copied().unwrap_or_default();
        eprintln!(
            "{kills} kills at {} points; {blocked} left the lock behind, for {longest:?} at most",
            hits.len()
        );
        assert_eq!(blocked > 0, self.template.is_shared(), "a file's lock ends with its holder");
    }

    /// Kills one process, and sees what it left behind.
    fn one(&self, lane: &Lane, number: u64) {
        let mut random = Random(number);
        let at = usize::try_from(number).unwrap() % self.points.len();
        let ((act, point), passed) = &self.points[at];
        // Beside old responses or without any, where it comes there at all.
        let anew = passed[0] == 0 || passed[1] > 0 && random.below(2) == 1;
        let most = passed[usize::from(anew)];
        let mut kill =
            Kill { point: point.clone(), nth: 1 + random.below(most), after: random.below(400) };
        let what = format!("kill {number}, {act:?} {kill:?}, anew: {anew}");
        for tries in 0.. {
            lane.set(&self.template, anew);
            if child::killed(&lane.place, *act, kill.clone()) {
                break;
            }
            // It came there less often this time, or to its end before.
            assert!(tries < 20, "{what}: it comes to its end");
            kill = Kill { nth: 1, after: 0, ..kill };
        }
        let old = if anew { &BTreeMap::new() } else { &self.template.old };
        aftermath::check(&lane.place, old, &self.template.new, &what);
        let kept_out = aftermath::heal(&lane.place, *act, &self.template.new, &what);
        lane.check_marks(&what, *act);
        self.kept_out.lock().unwrap().push(kept_out);
        *self.hits.lock().unwrap().entry((*act, point.clone())).or_default() += 1;
    }
}

/// Numbers that look like chance, and are the same each time.
struct Random(u64);

impl Random {
    /// One from 0 to `end - 1`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}
