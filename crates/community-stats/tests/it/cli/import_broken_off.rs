//! Imports that are killed, cut, refused, or still running, each followed at once by a generation:
//! no response is ever made of half of them.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use stats_cache::{CacheStore, EntryFilter, EntryState, SqliteOptions, SqliteStore};
use stats_model::ManualClock;
use stats_testkit::corpus;

use super::support::{Outcome, Scene};

const KINDS: [&str; 4] = ["record_delta", "record_snapshot", "usage_delta", "usage_snapshot"];
/// Batches are small, so that there is a half.
const BATCH: &str = "65536";
/// When the corpus is complete.
pub(super) const NOW: &str = "2026-01-01T12:00:00Z";

pub(super) type Bodies = BTreeMap<String, Vec<u8>>;

/// Bookmarks and communities come in the first file, documents in the second one.
pub(super) struct Corpus {
    first: String,
    documents: String,
}

impl Corpus {
    pub(super) fn new() -> Self {
        let all: String = (0..3).map(|number| corpus::export(&KINDS, 1, 365, number)).collect();
        let (documents, first): (Vec<&str>, Vec<&str>) = all
            .split_inclusive('\n')
            .partition(|line| line.contains("\"_index\":\"stats-community-"));
        // By day, so that every shelf grows during the whole import.
        let mut documents = documents;
        documents
            .sort_by_key(|line| line.split("\"_id\":\"").nth(1).map(|id| id[36..47].to_owned()));
        Self { first: first.concat(), documents: documents.concat() }
    }

    /// The same, computed a year later with other numbers.
    pub(super) fn later(&self) -> Self {
        let documents = self.documents.replace("\"total_events\":1", "\"total_events\":9");
        Self { first: self.first.clone(), documents }
    }

    pub(super) fn write_to(&self, scene: &Scene, folder: &str) -> String {
        fs::create_dir_all(scene.path(folder)).unwrap();
        scene.write(&format!("{folder}/a.ndjson"), &self.first);
        scene.write(&format!("{folder}/b.ndjson"), &self.documents);
        scene.path(folder).to_str().unwrap().to_owned()
    }
}

pub(super) fn import(scene: &Scene, path: &str) -> Outcome {
    scene.run(&["import", path, "--batch", BATCH])
}

pub(super) fn generate(scene: &Scene) -> Outcome {
    scene.run(&["cache", "generate", "--all-years"])
}

/// Everything that is stored, in plain bytes.
pub(super) fn bodies(scene: &Scene) -> Bodies {
    let path = scene.data("cache.db");
    if !path.exists() {
        return Bodies::new();
    }
    let clock = Arc::new(ManualClock::new(NOW.parse().unwrap()));
    let store = SqliteStore::open_with(&path, SqliteOptions::default(), clock).unwrap();
    let entries = store.list(&EntryFilter::default()).unwrap();
    let keys = entries.into_iter().map(|entry| match entry {
        EntryState::Ours(description) => description.key,
        other => panic!("{other:?}"),
    });
    keys.map(|key| {
        let body = store.get(&key).unwrap().unwrap().body;
        (key, body)
    })
    .collect()
}

/// What complete imports give, alone and one after the other.
struct Expected {
    scene: Scene,
    old_folder: String,
    new_folder: String,
    old: Bodies,
    new: Bodies,
}

impl Expected {
    /// The scene holds the old state, imported and generated.
    fn new() -> Self {
        let corpus = Corpus::new();
        let scene = Scene::new().at(NOW);
        let old_folder = corpus.write_to(&scene, "old");
        let new_folder = corpus.later().write_to(&scene, "new");
        import(&scene, &new_folder).expect(0);
        generate(&scene).expect(0);
        let new = bodies(&scene);
        fs::remove_dir_all(scene.path("data")).unwrap();
        import(&scene, &old_folder).expect(0);
        generate(&scene).expect(0);
        let old = bodies(&scene);
        assert!(old.len() >= 24 && old.keys().eq(new.keys()));
        assert!(old.values().zip(new.values()).any(|(old, new)| old != new));
        Self { scene, old_folder, new_folder, old, new }
    }

    /// A scene with nothing in it, or with the old state.
    fn start(&self, with_old: bool) -> Scene {
        let scene = Scene::new().at(NOW);
        if with_old {
            fs::create_dir(scene.path("data")).unwrap();
            for file in fs::read_dir(self.scene.path("data")).unwrap() {
                let file = file.unwrap();
                fs::copy(file.path(), scene.data(file.file_name().to_str().unwrap())).unwrap();
            }
        }
        scene
    }

    /// What is stored is old or new, each response by itself; and all of one when the generation
    /// said that everything is well.
    fn check(&self, scene: &Scene, generated: &Outcome, what: &str) {
        let found = bodies(scene);
        for (key, body) in &found {
            let known = [self.old.get(key), self.new.get(key)].contains(&Some(body));
            assert!(known, "{what}: half a response under {key}\n{generated}");
        }
        // What is called fresh is what the archive gives now, whatever the import left there.
        if !found.is_empty() {
            let verified = scene.run(&["cache", "verify"]);
            assert!(matches!(verified.code, 0 | 1 | 3), "{what}: {verified}");
        }
        match generated.code {
            0 => assert!(
                found.is_empty() || found == self.old || found == self.new,
                "{what}: done, but neither all old nor all new\n{generated}"
            ),
            3 => assert!(generated.stderr.contains("import"), "{what}: {generated}"),
            // The import came to nothing at all: there is no archive, or nobody in it.
            1 | 5 => assert!(found.is_empty(), "{what}: {generated}"),
            other => panic!("{what}: exit {other}\n{generated}"),
        }
    }

    /// The whole import heals everything.
    fn check_healed(&self, scene: &Scene, what: &str) {
        let imported = import(scene, &self.new_folder);
        assert_eq!(imported.code, 0, "{what}: {imported}");
        let generated = generate(scene);
        assert_eq!(generated.code, 0, "{what}: {generated}");
        assert!(bodies(scene) == self.new, "{what}: not healed");
    }
}

pub(super) fn kill_after(mut child: Child, delay: Duration) -> bool {
    sleep(delay);
    let running = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    child.wait_with_output().unwrap();
    running
}

/// Set it to `100` for the figure in `docs/reliability.md`.
fn kills() -> u32 {
    std::env::var("COMMUNITY_STATS_TEST_KILLS").map_or(12, |kills| kills.parse().unwrap())
}

#[test]
fn a_killed_import_never_makes_half_a_response() {
    let expected = Expected::new();
    let begun = Instant::now();
    import(&expected.start(true), &expected.new_folder).expect(0);
    let mut whole = begun.elapsed();
    let (mut in_time, mut waited, mut stored) = (0, 0, 0);
    for kill in 0..kills() {
        let scene = expected.start(kill % 2 == 1);
        let arguments = ["import", &expected.new_folder, "--batch", BATCH];
        let child = scene.spawn(&mut scene.command(&arguments));
        // Spread over the whole import, in no order.
        let part = f64::from(kill * 37 % kills()) / f64::from(kills());
        let killed = kill_after(child, whole.mul_f64(part));
        in_time += u32::from(killed);
        if !killed {
            // The first import had less of the machine than this one.
            whole = whole.mul_f64(0.8);
        }
        let generated = scene.run(&["cache", "generate", "--all-years"]);
        expected.check(&scene, &generated, &format!("kill {kill}"));
        // Where there was an old state, something always stands.
        assert!(kill % 2 == 0 || !bodies(&scene).is_empty(), "kill {kill}: {generated}");
        stored += u32::from(!bodies(&scene).is_empty());
        waited += u32::from(generated.code == 3);
        if kill % 4 < 2 {
            expected.check_healed(&scene, &format!("kill {kill}"));
        }
    }
    assert!(in_time * 2 > kills(), "{in_time} of {} were killed in time", kills());
    assert!(waited > 0 && stored * 2 >= kills(), "{waited} waited, {stored} stored");
}

#[test]
fn a_cut_or_refused_file_never_makes_half_a_response() {
    let expected = Expected::new();
    let documents = fs::read(expected.scene.path("new/b.ndjson")).unwrap();
    let packed = gzip(&documents);
    for (number, part) in [3, 11, 29, 53, 71, 97].into_iter().enumerate() {
        let with_old = number % 2 == 0;
        for compressed in [false, true] {
            let scene = expected.start(with_old);
            fs::create_dir(scene.path("cut")).unwrap();
            fs::copy(expected.scene.path("new/a.ndjson"), scene.path("cut/a.ndjson")).unwrap();
            let content = if compressed { &packed } else { &documents };
            let mut end = content.len() * part / 100;
            // A file that ends with a line is whole, as far as anybody can tell.
            while content[end - 1] == b'\n' || content[end] == b'\n' {
                end += 1;
            }
            fs::write(scene.path("cut/b.ndjson"), &content[..end]).unwrap();
            let path = scene.path("cut").to_str().unwrap().to_owned();
            let imported = import(&scene, &path).expect(3);
            assert!(imported.stdout.contains("was lost"), "{imported}");
            let generated = generate(&scene);
            expected.check(&scene, &generated, &format!("cut at {part} %"));
            assert!(
                bodies(&scene).values().all(|body| !expected.new.values().any(|new| new == body)
                    || expected.old.values().any(|old| old == body))
            );
            expected.check_healed(&scene, &format!("cut at {part} %"));
        }
    }
}

/// Compressed like an export.
fn gzip(content: &[u8]) -> Vec<u8> {
    let mut child = std::process::Command::new("gzip")
        .arg("-c")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let content = content.to_vec();
    let writer = std::thread::spawn(move || input.write_all(&content).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output.stdout
}

#[test]
fn a_running_import_never_makes_half_a_response() {
    let expected = Expected::new();
    let scene = expected.start(true);
    let mut rounds = 0;
    let arguments = ["import", &expected.new_folder, "--batch", BATCH];
    let mut child = scene.spawn(&mut scene.command(&arguments));
    while child.try_wait().unwrap().is_none() {
        let generated = generate(&scene);
        expected.check(&scene, &generated, &format!("round {rounds}"));
        rounds += 1;
    }
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(0));
    assert!(rounds > 0);
    generate(&scene).expect(0);
    assert!(bodies(&scene) == expected.new);
}

#[test]
fn a_running_import_is_not_settled_by_whoever_accepts_losses() {
    let scene = Scene::new().at(NOW);
    let corpus = Corpus::new();
    import(&scene, &corpus.write_to(&scene, "old")).expect(0);
    generate(&scene).expect(0);
    let old = bodies(&scene);
    let later = corpus.later();
    let half = later.documents[..later.documents.len() / 2].rfind('\n').unwrap() + 1;
    let mut command = scene.command(&["import", "-", "--batch", BATCH]);
    let mut running = scene.spawn(command.stdin(Stdio::piped()));
    let mut input = running.stdin.take().unwrap();
    input.write_all(&later.documents.as_bytes()[..half]).unwrap();
    let begun = Instant::now();
    while generate(&scene).code == 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "the import does not begin");
    }
    let told = format!("is running (process {})", running.id());
    let community = corpus::community(0);
    let explain = ["cache", "explain", "--community-id", &community, "--year", "2025"];
    let explained = || {
        let of = |kind| scene.run(&[&explain[..], &["--category", kind]].concat()).expect(0).stdout;
        KINDS.map(of).concat()
    };
    for _ in 0..2 {
        let accepted = scene.run(&["import", "--accept-loss"]).expect(3);
        assert!(accepted.stderr.contains(&told), "{accepted}");
        assert!(accepted.stderr.contains("nothing of it was settled"), "{accepted}");
        let generated = generate(&scene).expect(3);
        assert!(generated.stderr.contains(&told), "{generated}");
        assert!(!generated.stderr.contains("--accept-loss"), "{generated}");
        assert!(bodies(&scene) == old);
        assert!(explained().contains(&told), "{}", explained());
    }
    running.kill().unwrap();
    running.wait().unwrap();
    let generated = generate(&scene).expect(3);
    assert!(generated.stderr.contains("was broken off"), "{generated}");
    assert!(generated.stderr.contains("--accept-loss"), "{generated}");
    assert!(bodies(&scene) == old);
    let accepted = scene.run(&["import", "--accept-loss", "--json"]).expect(0).json();
    assert_eq!(accepted["still_running"], serde_json::json!([]));
    generate(&scene).expect(0);
    import(&scene, &later.write_to(&scene, "new")).expect(0);
    generate(&scene).expect(0);
    let left = scene.files().into_iter().map(|(name, _)| name);
    assert!(!left.into_iter().any(|name| name.contains(".import-")), "{:?}", scene.files());
}

#[test]
fn two_imports_at_once_never_make_half_a_response() {
    let expected = Expected::new();
    let scene = expected.start(true);
    let start = |path: &str| scene.spawn(&mut scene.command(&["import", path, "--batch", BATCH]));
    // One of them is killed in the middle; the other one brings nothing of what that changed.
    let (killed, mut other) = (start(&expected.new_folder), start(&expected.old_folder));
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(20) {
        let explained = scene.run(&["cache", "generate", "--all-years", "--dry-run"]);
        if explained.stdout.contains("import of") {
            break;
        }
    }
    kill_after(killed, Duration::from_millis(30));
    other.wait().unwrap();
    let generated = generate(&scene);
    expected.check(&scene, &generated, "two imports");
    expected.check_healed(&scene, "two imports");
}

#[test]
fn what_waits_for_an_import_is_told_everywhere() {
    let scene = Scene::new().at(NOW);
    let corpus = Corpus::new();
    let folder = corpus.write_to(&scene, "whole");
    let refused =
        "{\"_index\":\"stats-community-usage-delta-2025\",\"_id\":\"x\",\"_source\":{}}\n";
    let part = scene.write("part.ndjson", corpus.first + &corpus.documents + refused);
    import(&scene, &part).expect(3);
    let generated = generate(&scene).expect(3);
    assert!(generated.stderr.contains("lost lines or files"), "{generated}");
    assert!(generated.stderr.contains("--accept-loss"), "{generated}");
    let community = corpus::community(0);
    let explained = scene.run(&[
        "cache",
        "explain",
        "--community-id",
        &community,
        "--year",
        "2025",
        "--category",
        "usage_delta",
    ]);
    assert!(explained.expect(0).stdout.contains("lost lines or files"));
    let listed = scene.run(&["cache", "list", "--state", "incomplete", "--json"]).expect(0);
    assert!(listed.stdout.contains("usage_delta"), "{listed}");
    // Other kinds are complete.
    let fresh = scene.run(&["cache", "list", "--state", "fresh", "--json"]).expect(0).stdout;
    assert!(fresh.contains("record_delta") && !fresh.contains("usage_delta"), "{fresh}");
    scene.run(&["import", "--accept-loss"]).expect(0);
    let generated = generate(&scene).expect(0);
    assert!(generated.stdout.contains("no bookmark"), "{generated}");
    import(&scene, &folder).expect(0);
    assert_eq!(generate(&scene).expect(0).stderr, "");
}
