//! A generation that is stopped, outlived by its lock, and goes on when another one has begun: it
//! changes nothing any more, and says so.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

use redis::Commands;
use rusqlite::{Connection, TransactionBehavior};
use stats_testkit::services::{Redis, Service, require};
use stats_testkit::wait;

use super::generate_killed::copy;
use super::import_broken_off::{Bodies, Corpus, NOW, bodies, generate, import};
use super::meanwhile::signal;
use super::support::Scene;

/// Set it to `200` for the figures in `docs/reliability.md`.
fn stops(usually: u32) -> u32 {
    std::env::var("COMMUNITY_STATS_TEST_KILLS").map_or(usually, |stops| stops.parse().unwrap())
}

const ALL: &[&str] = &["cache", "generate", "--all-years"];
/// It leaves most of what is to be made to whoever was stopped.
const SOME: &[&str] = &["cache", "generate", "--all-years", "--category", "record_delta"];

/// Stops a process; whether it had not ended by then.
fn stops_in_time(running: &mut Child) -> bool {
    if running.try_wait().unwrap().is_some() {
        return false;
    }
    signal(running.id(), "STOP");
    let state = || {
        let told = fs::read_to_string(format!("/proc/{}/stat", running.id())).unwrap();
        told.rsplit_once(") ").unwrap().1.chars().next().unwrap()
    };
    wait::until("it stops or ends", || matches!(state(), 'T' | 'Z'));
    state() == 'T'
}

/// Old documents without responses, new documents, and what is made of these.
struct Ready {
    scene: Scene,
    new: Bodies,
    /// How long a generation takes.
    whole: Duration,
    in_time: u32,
    half_way: u32,
}

impl Ready {
    fn new() -> Self {
        let (scene, corpus) = (Scene::new().at(NOW), Corpus::new());
        import(&scene, &corpus.write_to(&scene, "old")).expect(0);
        corpus.later().write_to(&scene, "new");
        let begun = Instant::now();
        generate(&scene).expect(0);
        let whole = begun.elapsed();
        scene.run(&["cache", "clear", "--yes"]).expect(0);
        let mut ready = Self { scene, new: Bodies::new(), whole, in_time: 0, half_way: 0 };
        let done = copy(&ready.scene);
        ready.import_the_new(&done);
        generate(&done).expect(0);
        ready.new = bodies(&done);
        ready
    }

    fn import_the_new(&self, scene: &Scene) {
        import(scene, self.scene.path("new").to_str().unwrap()).expect(0);
    }

    /// Lets a generation go on until some moment: in turn until something is stored, and for a while;
    /// these moments are spread over the whole of it, in no order.
    fn go_on_for_a_while(
        &self,
        number: u32,
        of: u32,
        running: &mut Child,
        is_stored: impl Fn() -> bool,
    ) {
        if number % 2 == 1 {
            let mut ended = || running.try_wait().unwrap().is_some();
            wait::until("something is stored", || is_stored() || ended());
        } else {
            sleep(self.whole.mul_f64(f64::from(number * 37 % of) / f64::from(of)));
        }
    }

    /// Whether it was tried so often, and often enough in time; or too often in vain.
    fn is_over(&self, number: u32, stops: u32) -> bool {
        let enough = self.in_time * 2 > stops && self.half_way > 0;
        (number >= stops && enough) || number >= stops * 4
    }

    /// Lets a stopped generation go on, now that its successor left `found`: that stays.
    fn go_on(
        &mut self,
        scene: &Scene,
        stopped: Child,
        found: &Bodies,
        bodies: impl Fn() -> Bodies,
    ) {
        signal(stopped.id(), "CONT");
        let ended = scene.finished(&stopped.wait_with_output().unwrap());
        assert_eq!(ended.code, 1, "{ended}");
        assert!(ended.stderr.contains("the lock of bulk runs was lost"), "{ended}");
        assert!(bodies() == *found, "something was written after a successor had begun\n{ended}");
        self.in_time += 1;
    }

    fn count_stored(&mut self, stored: usize) {
        self.half_way += u32::from(stored > 0 && stored < self.new.len());
    }

    fn assert_often_enough(&self, stops: u32) {
        let Self { in_time, half_way, .. } = self;
        assert!(in_time * 2 > stops && *half_way > 0, "{in_time} in time, {half_way} half way");
    }
}

/// Others write to the store when it is stopped, so that it may be in front of a write, long after it
/// looked at the lock.
#[test]
fn a_stopped_generation_writes_nothing_once_its_lock_was_taken_away() {
    let (mut ready, stops) = (Ready::new(), stops(10));
    for number in 0.. {
        if ready.is_over(number, stops) {
            break;
        }
        let scene = copy(&ready.scene);
        let mut running = scene.spawn(scene.command(ALL).process_group(0));
        ready.go_on_for_a_while(number, stops, &mut running, || !bodies(&scene).is_empty());
        let mut others = Connection::open(scene.data("cache.db")).unwrap();
        others.busy_timeout(Duration::from_secs(60)).unwrap();
        let writing = others.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
        sleep(ready.whole / 8);
        let in_time = stops_in_time(&mut running);
        drop(writing);
        if !in_time {
            running.wait().unwrap();
            // The first generation had less of the machine than this one.
            ready.whole = ready.whole.mul_f64(0.8);
            continue;
        }
        ready.count_stored(bodies(&scene).len());

        ready.import_the_new(&scene);
        scene.run(&["cache", "unlock", "--force"]).expect(0);
        scene.run(if number % 2 == 0 { ALL } else { SOME }).expect(0);
        let found = bodies(&scene);
        ready.go_on(&scene, running, &found, || bodies(&scene));
        generate(&scene).expect(0);
        assert!(bodies(&scene) == ready.new, "stop {number}: not mended");
    }
    ready.assert_often_enough(stops);
}

/// How long the lock in Redis outlives its holder.
const LEASE: Duration = Duration::from_secs(2);
const LOCK: &str = "cache::lock:community_stats_cache_generation";

fn database(server: &Redis, number: u16) -> redis::Connection {
    let url = format!("redis://{}/{number}", server.address());
    redis::Client::open(url).unwrap().get_connection().unwrap()
}

/// The responses in Redis.
fn responses(server: &Redis) -> Bodies {
    let mut connection = database(server, 7);
    let keys: Vec<String> = connection.keys("stats_dashboard:*").unwrap();
    keys.into_iter().map(|key| (key.clone(), connection.get(&key).unwrap())).collect()
}

/// It sleeps for twice its lease; the next generation takes over when that is over, without anybody's
/// help.
#[test]
fn a_generation_that_was_stopped_for_longer_than_its_lease_writes_nothing_any_more() {
    let Some(_) = require(Service::Redis) else { return };
    let server = Redis::start(&[]).unwrap();
    let settings = [
        format!("cache.main_redis_url=redis://{}/0", server.address()),
        format!("lock.timeout={}s", LEASE.as_secs()),
        // The server goes by its own clock, which is ahead of the documents.
        "cache.ttl_days=10000".to_owned(),
    ];
    let settings = settings.each_ref().map(|setting| ["--set", setting]).concat();
    let (mut ready, stops) = (Ready::new(), stops(4));
    for number in 0.. {
        if ready.is_over(number, stops) {
            break;
        }
        let _: () = redis::cmd("FLUSHALL").query(&mut database(&server, 0)).unwrap();
        let scene = copy(&ready.scene).with(&settings);
        let mut running = scene.spawn(scene.command(ALL).process_group(0));
        ready.go_on_for_a_while(number, stops, &mut running, || !responses(&server).is_empty());
        let in_time = stops_in_time(&mut running);
        let stopped = Instant::now();
        let is_held = || database(&server, 0).exists::<_, bool>(LOCK).unwrap();
        if !in_time || !is_held() {
            // It is done, or did not begin to write.
            ready.whole = if in_time { ready.whole } else { ready.whole.mul_f64(0.8) };
            running.kill().unwrap();
            running.wait().unwrap();
            continue;
        }
        ready.count_stored(responses(&server).len());

        ready.import_the_new(&scene);
        wait::within(LEASE + Duration::from_secs(5), "the lock ends", || !is_held());
        sleep((2 * LEASE).saturating_sub(stopped.elapsed()));
        scene.run(if number % 2 == 0 { ALL } else { SOME }).expect(0);
        let found = responses(&server);
        ready.go_on(&scene, running, &found, || responses(&server));
        generate(&scene).expect(0);
        assert!(responses(&server) == ready.new, "stop {number}: not mended");
    }
    ready.assert_often_enough(stops);
}
