//! Bounds, full disks, large shelves.

use super::*;

#[test]
fn what_was_evicted_is_fetched_again() {
    let setup = setup();
    assert_same(&setup);
    setup.fetched();
    setup.mirror.archive().evict_to(0).unwrap();
    assert_same(&setup);
    assert_eq!(setup.fetched(), 10);
}

#[test]
fn a_shelf_that_makes_room_before_it_is_read_is_read_from_the_source() {
    let setup = setup();
    assert_same(&setup);
    let archive =
        || Archive::open(setup.folder.path().join("mirror.db"), ArchiveOptions::default()).unwrap();
    let options = MirrorOptions { max_bytes: Some(1), ..eager() };
    let bounded = Mirror::new(setup.remote.clone(), archive(), options);
    put(&setup.remote.archive, 4, 400);
    assert_eq!(read(&bounded).unwrap(), read(&setup.remote.archive).unwrap());

    // Another process makes room again and again.
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                archive().evict_to(0).unwrap();
            }
        });
        for _ in 0..50 {
            let read = setup.read();
            let complete = read.as_ref().map(Vec::len).is_ok_and(|length| length == 10);
            stop.store(!complete, Ordering::Relaxed);
            assert!(complete, "{read:?}");
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn without_room_or_file_documents_are_handed_through() {
    let setup = setup();
    assert_same(&setup);
    put_large("global", &setup.remote.archive, 12, 12);
    let options = ArchiveOptions { limit_bytes: Some(1), ..ArchiveOptions::default() };
    let archive = Archive::open(setup.folder.path().join("mirror.db"), options).unwrap();
    let warnings = Arc::new(AtomicU64::new(0));
    let count = warnings.clone();
    let full = Mirror::new(setup.remote.clone(), archive, eager()).warning_with(move |error| {
        assert_eq!(error.kind(), crate::SourceErrorKind::Full, "{error}");
        count.fetch_add(1, Ordering::Relaxed);
    });
    for _ in 0..2 {
        assert_mirrors(&full, &setup);
    }
    assert_eq!((full.unkept(), warnings.load(Ordering::Relaxed)), (2, 1));
    drop(full);

    setup.delete_mirror();
    for day in [4, 5] {
        put(&setup.remote.archive, day, 400);
        assert_same(&setup);
    }
    assert_eq!(setup.mirror.unkept(), 2);
    // Whoever wants them kept is told.
    put(&setup.remote.archive, 6, 600);
    let cancel = AtomicBool::new(false);
    let error = setup.mirror.sync(&ShelfFilter::default(), 1, &cancel, &|_, _| {}).unwrap_err();
    assert_eq!(error.kind(), crate::SourceErrorKind::Own(crate::Amiss::NotFound), "{error}");
    assert_mirrors(&setup.process(), &setup);
}

#[test]
fn a_bounded_mirror_stays_within_its_bound_and_does_not_run_in_circles() {
    const MAX: u64 = 500_000;
    let setup = setup_with(MirrorOptions { max_bytes: Some(MAX), ..eager() });
    let community = |n: u32| format!("c{n}");
    for n in 0..10 {
        for day in 1..=3 {
            put_large(&community(n), &setup.remote.archive, day, u64::from(n * 10 + day));
        }
    }
    let check = || {
        let stats = setup.mirror.archive().stats().unwrap();
        assert!(stats.used_bytes <= MAX && stats.file_bytes <= MAX + 200_000, "{stats:?}");
    };
    let sync = |communities: &[String]| {
        let filter = ShelfFilter { communities: communities.to_vec(), years: Vec::new() };
        let cancel = AtomicBool::new(false);
        let report = setup.mirror.sync(&filter, 1, &cancel, &|_, _| check()).unwrap();
        assert!(report.failures.is_empty());
        setup.fetched()
    };
    assert_eq!(sync(&[]), 40);
    assert!(setup.mirror.archive().stats().unwrap().shelves >= 2, "it is used, too");
    assert_eq!(sync(&[]), 0);
    assert_eq!(setup.sync().evicted, 11 - setup.mirror.archive().stats().unwrap().shelves);

    for n in 0..10 {
        let shelf = Shelf { community: community(n), ..shelf() };
        let expected = read_of(&shelf, &setup.remote.archive).unwrap();
        assert_eq!(read_of(&shelf, &setup.mirror).unwrap(), expected);
        check();
    }
    setup.fetched();
    let evicted = setup.mirror.archive().evicted(KIND).unwrap();
    let (named, changed) = (community(0), community(1));
    assert!([&named, &changed].iter().all(|it| evicted.keys().any(|at| at.community == **it)));
    assert_eq!(sync(&[named]), 3);
    put_large(&changed, &setup.remote.archive, 2, 1_000);
    assert_eq!(sync(&[]), 3);
    assert_eq!(sync(&[]), 0);
}

#[test]
fn a_large_shelf_is_written_in_batches_and_held_only_when_it_is_complete() {
    let setup = setup_with(MirrorOptions { batch_bytes: 100_000, ..eager() });
    for day in 11..=20 {
        put_large("global", &setup.remote.archive, day, u64::from(day));
    }
    let held = || setup.mirror.archive().mirrored(&shelf()).unwrap().len();
    let mut most = 0;
    let mut seen = 0;
    let visit = &mut |_: Document<'_>| {
        seen += 1;
        // The first ten are small.
        most = if seen > 13 { most.max(seen - held()) } else { 0 };
        if seen == 19 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    setup.mirror.documents(&shelf(), None, visit).unwrap();
    assert!(most <= 3, "{most} documents wait in memory");
    let begun = held();
    assert!((12..19).contains(&begun));
    assert_eq!(setup.mirror.archive().remembered_of_shelf(&shelf()).unwrap(), None);
    let error = read(&Mirror::offline(setup.open("mirror.db"))).unwrap_err();
    assert_eq!(error.kind(), crate::SourceErrorKind::Own(crate::Amiss::NotFound), "{error}");

    setup.fetched();
    assert_same(&setup);
    assert_eq!(setup.fetched(), 20 - begun as u64, "what is there is not fetched again");
    assert_eq!(read(&Mirror::offline(setup.open("mirror.db"))).unwrap(), setup.read().unwrap());
}
