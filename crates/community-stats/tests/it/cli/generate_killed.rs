//! Generations that are killed at any moment: what stands is the old or the new response, whole, and
//! the next generation makes the rest.

use std::fs;
use std::time::Instant;

use super::import_broken_off::{Corpus, NOW, bodies, generate, import, kill_after};
use super::support::Scene;

/// Set it to `300` for the figure in `docs/reliability.md`.
fn kills() -> u32 {
    std::env::var("COMMUNITY_STATS_TEST_KILLS").map_or(20, |kills| kills.parse().unwrap())
}

pub(super) fn copy(from: &Scene) -> Scene {
    let scene = Scene::new().at(NOW);
    fs::create_dir(scene.path("data")).unwrap();
    for file in fs::read_dir(from.path("data")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), scene.data(file.file_name().to_str().unwrap())).unwrap();
    }
    scene
}

#[test]
fn a_killed_generation_leaves_whole_responses_and_blocks_nobody() {
    // Responses of the old documents, and the new documents.
    let corpus = Corpus::new();
    let ready = Scene::new().at(NOW);
    import(&ready, &corpus.write_to(&ready, "old")).expect(0);
    generate(&ready).expect(0);
    let old = bodies(&ready);
    import(&ready, &corpus.later().write_to(&ready, "new")).expect(0);
    let done = copy(&ready);
    let begun = Instant::now();
    generate(&done).expect(0);
    let mut whole = begun.elapsed();
    let new = bodies(&done);
    assert!(old.len() >= 24 && old.keys().eq(new.keys()));

    let (mut in_time, mut half_way) = (0, 0);
    for kill in 0..kills() {
        // Without any response at all, every other time.
        let scene = copy(&ready);
        let anew = kill % 2 == 1;
        if anew {
            fs::remove_file(scene.data("cache.db")).unwrap();
        }
        let arguments = ["cache", "generate", "--all-years"];
        let child = scene.spawn(&mut scene.command(&arguments));
        let part = f64::from(kill * 37 % kills()) / f64::from(kills());
        let killed = kill_after(child, whole.mul_f64(part));
        in_time += u32::from(killed);
        if !killed {
            // The first generation had less of the machine than this one.
            whole = whole.mul_f64(0.8);
        }

        let found = bodies(&scene);
        for (key, body) in &found {
            let known = new.get(key) == Some(body) || !anew && old.get(key) == Some(body);
            assert!(known, "kill {kill}: half a response under {key}");
        }
        assert!(anew || found.len() == old.len(), "kill {kill}: an old response is gone");
        let made = found.iter().filter(|(key, body)| new.get(*key) == Some(*body)).count();
        half_way += u32::from(made > 0 && made < new.len());
        if !found.is_empty() {
            let verified = scene.run(&["cache", "verify"]);
            assert!(matches!(verified.code, 0 | 3), "kill {kill}: {verified}");
        }
        generate(&scene).expect(0);
        assert!(bodies(&scene) == new, "kill {kill}: not mended");
    }
    assert!(in_time * 2 > kills() && half_way > 0, "{in_time} in time, {half_way} half way");
}
