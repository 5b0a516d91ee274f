//! What crosses once, what is followed, and what is noticed.

use super::*;

#[test]
fn a_document_crosses_once_and_then_only_what_changed() {
    let setup = setup();
    assert_same(&setup);
    setup.fetched();
    assert_eq!(setup.read().unwrap().len(), 10);
    assert_eq!(setup.fetched(), 0, "nothing crosses a second time");

    put(&setup.remote.archive, 4, 400);
    put(&setup.remote.archive, 11, 11);
    remove(&setup.remote.archive, 7);
    let documents = setup.read().unwrap();
    assert_eq!(setup.fetched(), 2);
    assert_eq!(documents.len(), 10);
    assert_same(&setup);
}

#[test]
fn when_nothing_changed_one_question_for_each_kind_tells() {
    let setup = setup();
    let first = setup.sync();
    assert_eq!((first.shelves, first.changed, first.documents), (1, 1, 10));
    setup.asked();
    let second = setup.sync();
    assert_eq!((second.changed, second.documents), (0, 0));
    assert_eq!(setup.asked(), 4, "a sync asks for nothing but positions");
    assert_eq!(setup.fetched(), 10);
}

#[test]
fn a_deletion_and_an_emptied_shelf_are_followed() {
    let setup = setup();
    assert_same(&setup);
    for day in 1..=10 {
        remove(&setup.remote.archive, day);
    }
    assert_same(&setup);
    let report = setup.sync();
    assert!(report.failures.is_empty());
    assert!(setup.mirror.archive().mirrored(&shelf()).unwrap().is_empty());
}

#[test]
fn a_change_between_manifest_and_pages_is_followed_in_the_same_reading() {
    let setup = setup_believing();
    setup.read().unwrap();
    for sync in [false, true] {
        put(&setup.remote.archive, 3, 333);
        setup.mirror.doubt(KIND);
        setup.remote.meddle.store(1, Ordering::Relaxed);
        if sync {
            let report = setup.sync();
            assert!(report.failures.is_empty(), "{:?}", report.failures);
            assert_eq!((report.changed, report.documents), (1, 1));
        }
        assert_same(&setup);
        assert_eq!(setup.remote.meddle.load(Ordering::Relaxed), 0);
    }
}

#[test]
fn a_shelf_that_changes_each_time_is_an_error_and_the_next_reading_is_right() {
    let setup = setup_believing();
    setup.read().unwrap();
    for sync in [false, true] {
        put(&setup.remote.archive, 3, 333);
        setup.mirror.doubt(KIND);
        let before = setup.mirror.archive().mirrored(&shelf()).unwrap();
        setup.remote.meddle.store(u64::MAX, Ordering::Relaxed);
        let error =
            if sync { setup.sync().failures.remove(0).1 } else { setup.read().unwrap_err() };
        assert_eq!(
            error.kind(),
            crate::SourceErrorKind::Own(crate::Amiss::Inconsistent),
            "{error}"
        );
        assert_eq!(setup.mirror.archive().mirrored(&shelf()).unwrap(), before);
        setup.remote.meddle.store(0, Ordering::Relaxed);
        // The answer that was given out before all this is not believed any longer.
        assert_same(&setup);
    }
}

#[test]
fn a_document_that_left_a_shelf_unnamed_is_missed_in_the_count() {
    let setup = setup();
    put_of(LEFT, &setup.remote.archive, 20, 1);
    put_of(LEFT, &setup.remote.archive, 21, 1);
    assert_same(&setup);
    let asked = |setup: &Setup| {
        setup.asked();
        setup.mirror.position(KIND).unwrap();
        setup.asked()
    };
    put(&setup.remote.archive, 4, 400);
    assert_eq!(asked(&setup), 4, "position, who changed, their fingerprints, the count");
    assert_eq!(asked(&setup), 1);
    put(&setup.remote.archive, 20, 2);
    assert_eq!(asked(&setup), 5, "and all fingerprints");
    let left = Shelf { community: LEFT.to_owned(), ..shelf() };
    let fingerprints = setup.mirror.fingerprints(KIND, &ShelfFilter::default()).unwrap();
    assert_eq!((fingerprints[&left].count, fingerprints[&shelf()].count), (1, 11));
    assert_same(&setup);
}

#[test]
fn half_a_reading_is_not_kept() {
    let setup = setup();
    let mut seen = 0;
    setup
        .mirror
        .documents(&shelf(), None, &mut |_| {
            seen += 1;
            if seen == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
    assert_eq!(seen, 3, "the visitor ends the reading");
    assert!(setup.mirror.archive().mirrored(&shelf()).unwrap().is_empty());
    assert_same(&setup);
}

#[test]
fn offline_it_hands_out_what_it_holds_and_nothing_less() {
    let setup = setup();
    assert_same(&setup);
    let expected = setup.read().unwrap();
    let Setup { folder, mirror, .. } = setup;
    drop(mirror);
    let open =
        || Archive::open(folder.path().join("mirror.db"), ArchiveOptions::default()).unwrap();
    let offline = Mirror::offline(open());
    assert_eq!(read(&offline).unwrap(), expected);
    assert_eq!(offline.manifest(&shelf()).unwrap().len(), 10);

    offline.archive().evict_to(0).unwrap();
    let error = read(&Mirror::offline(open())).unwrap_err();
    assert_eq!(error.kind(), crate::SourceErrorKind::Own(crate::Amiss::NotFound));
}

#[test]
fn fingerprints_of_named_communities_and_years() {
    let setup = setup();
    for (community, day) in [("a", 20), ("ab", 21), ("b", 22)] {
        put_of(community, &setup.remote.archive, day, 1);
    }
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    for communities in [names(&[]), names(&["a"]), names(&["b", "nobody", "a", "b"])] {
        for years in [vec![], vec![2025], vec![2024], vec![2024, 2025]] {
            let filter = ShelfFilter { communities: communities.clone(), years };
            let of = |source: &dyn Documents| source.fingerprints(KIND, &filter).unwrap();
            assert_eq!(of(&setup.mirror), of(&setup.remote.archive), "{filter:?}");
        }
    }
}

#[test]
fn another_history_means_everything_is_looked_at_again() {
    let setup = setup();
    assert_same(&setup);
    let fresh =
        Archive::open(setup.folder.path().join("other.db"), ArchiveOptions::default()).unwrap();
    put(&fresh, 5, 5);
    let remote = Arc::new(Counted::new(fresh));
    let Setup { folder, mirror, .. } = setup;
    drop(mirror);
    let archive =
        Archive::open(folder.path().join("mirror.db"), ArchiveOptions::default()).unwrap();
    let mirror = Mirror::new(remote.clone(), archive, eager());
    assert_same(&Setup { folder, remote, mirror });
}

#[test]
fn an_audit_names_every_shelf_that_differs() {
    let setup = setup();
    assert_same(&setup);
    let audit = || setup.mirror.audit(&ShelfFilter::default()).unwrap().differences;
    assert_eq!(audit(), []);
    put(&setup.remote.archive, 4, 400);
    let differences = audit();
    assert_eq!(differences.len(), 1);
    assert_eq!(differences[0].shelf, shelf());
    assert_eq!(differences[0].mirror.unwrap().count, differences[0].source.count);
    assert!(differences[0].mirror.unwrap().sum < differences[0].source.sum);
    setup.mirror.archive().evict_to(0).unwrap();
    assert_eq!(audit()[0].mirror, None);
}

#[test]
fn what_was_believed_is_doubted_once_the_pulse_is_another_one() {
    let setup = setup_believing();
    let fingerprint = || setup.mirror.fingerprints(KIND, &ShelfFilter::default()).unwrap();
    setup.mirror.pulse().unwrap();
    let before = fingerprint();
    put(&setup.remote.archive, 3, 333);
    assert_eq!(fingerprint(), before, "it is believed for a while");
    setup.mirror.pulse().unwrap();
    assert_ne!(fingerprint(), before);
}
