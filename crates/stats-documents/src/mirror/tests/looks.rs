//! What lies between two looks at the source, and clocks that were wrong.

use super::*;

/// A setup whose mirror takes the time from a clock that shows this second.
fn setup_at(second: i64) -> (Setup, Arc<ManualClock>) {
    let (setup, clock) = (setup(), Arc::new(ManualClock::new(at(second))));
    let mirror = Mirror::new(setup.remote.clone(), setup.open("mirror.db"), eager());
    (Setup { mirror: mirror.with_clock(clock.clone()), ..setup }, clock)
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// Without statistics the position is again what it was, once a document went that came.
#[test]
fn a_document_that_came_and_went_is_not_served() {
    let setup = setup();
    setup.remote.searched.store(true, Ordering::Relaxed);
    assert_same(&setup);
    // The position has to stay the same for a while until it is believed: `settle`.
    let setup = Setup {
        mirror: Mirror::new(
            setup.remote.clone(),
            setup.open("mirror.db"),
            MirrorOptions { settle: Duration::ZERO, ..eager() },
        ),
        ..setup
    };
    for day in [20, 21] {
        assert_same(&setup);
        let before = setup.mirror.position(KIND).unwrap();
        put(&setup.remote.archive, day, 1);
        assert_same(&setup);
        remove(&setup.remote.archive, day);
        assert_same(&setup);
        assert_eq!(setup.mirror.position(KIND).unwrap(), before, "nothing else tells");
        setup.asked();
        setup.mirror.position(KIND).unwrap();
        assert_eq!(setup.asked(), 1, "and then it is one question again");
    }
}

/// What the source said is believed for a while, whoever sets the clock meanwhile.
#[test]
fn the_source_is_asked_again_once_its_answer_is_too_old() {
    let (setup, clock) = (setup(), Arc::new(ManualClock::new(at(2_000_000_000))));
    let options = MirrorOptions { believe: Duration::from_secs(10), ..eager() };
    let mirror = Mirror::new(setup.remote.clone(), setup.open("mirror.db"), options);
    let mirror = mirror.with_clock(clock.clone());
    let questions = || {
        setup.asked();
        mirror.position(KIND).unwrap();
        setup.asked()
    };
    assert!(questions() > 0);
    clock.advance(SignedDuration::from_secs(9));
    assert_eq!(questions(), 0);
    clock.set(at(3_000_000_000));
    assert_eq!(questions(), 0);
    clock.advance(SignedDuration::from_secs(1));
    assert!(questions() > 0);
    assert_eq!(questions(), 0);
}

/// A time that is still to come was written while a clock was wrong.
#[test]
fn a_comparison_in_the_future_is_made_again() {
    let (setup, clock) = setup_at(2_000_000_000);
    let questions = || {
        setup.asked();
        setup.mirror.position(KIND).unwrap();
        setup.asked()
    };
    assert!(questions() > 1, "everything is compared at first");
    assert_eq!(questions(), 1);
    for (time, all) in [
        (2_000_003_599, false),
        (2_000_003_600, true),
        (2_000_003_601, false),
        // The clock was a year ahead, and was set right.
        (1_970_000_000, true),
        (1_970_000_001, false),
        (1_970_003_600, true),
        (Timestamp::MAX.as_second(), true),
        (0, true),
        (3_599, false),
    ] {
        clock.set(at(time));
        assert_eq!(questions() > 1, all, "{time}");
        assert_same(&setup);
    }
}

#[test]
fn surroundings_that_were_copied_in_the_future_are_copied_again() {
    let (setup, clock) = setup_at(2_000_000_000);
    let bookmarks = || {
        setup.sync();
        setup.mirror.archive().bookmarks(KIND, &[]).unwrap().len()
    };
    assert_eq!(bookmarks(), 0);
    let mut writer = setup.remote.archive.writer().unwrap();
    let day = "2025-01-01".parse().unwrap();
    writer.put_bookmark("x", KIND, "global", Bookmark { day }).unwrap();
    writer.commit().unwrap();
    assert_eq!(bookmarks(), 0, "copied a moment ago");
    clock.set(at(1_000_000_000));
    assert_eq!(bookmarks(), 1);
    let mut writer = setup.remote.archive.writer().unwrap();
    writer.retain_bookmarks(&Default::default()).unwrap();
    writer.commit().unwrap();
    clock.set(at(1_000_003_600));
    assert_eq!(bookmarks(), 0, "and what vanished there vanishes here");
}

/// Another process puts another file in the place of an open one: writing and reading follow it.
#[test]
fn an_archive_whose_file_was_replaced_reads_the_file_that_it_writes() {
    let setup = setup();
    let archive = &setup.remote.archive;
    let other = setup.open("other.db");
    put(&other, 1, 1_000);
    drop(other);
    let position = archive.position(KIND).unwrap();
    let path = |name: &str| setup.folder.path().join(name);
    for end in ["-wal", "-shm"] {
        drop(std::fs::remove_file(path(&format!("remote.db{end}"))));
    }
    std::fs::rename(path("other.db"), path("remote.db")).unwrap();
    assert_eq!(read(archive).unwrap().len(), 1, "read");
    assert!(!position.goes_on_in(&archive.position(KIND).unwrap()));
    assert_eq!(archive.changed_since(KIND, &position).unwrap(), Changes::Everything);
    put(archive, 2, 2);
    assert_eq!(read(archive).unwrap().len(), 2, "written and read");
    assert_same(&setup);
    // A file that is gone is no empty archive.
    std::fs::remove_file(path("remote.db")).unwrap();
    let error = read(archive).unwrap_err();
    assert_eq!(error.kind(), crate::SourceErrorKind::Own(crate::Amiss::NotFound), "{error}");
}
