//! Several processes on one mirror, and copies of the index that lag behind.

use super::*;

#[test]
fn what_a_lagging_copy_hands_out_does_not_become_the_truth() {
    let setup = setup();
    let lagging = setup.open("lagging.db");
    for day in 1..=10 {
        put(&lagging, day, day);
    }
    put(&setup.remote.archive, 4, 400);
    *setup.remote.lagging.lock().unwrap() = Some(Arc::new(lagging));
    assert_ne!(setup.read().unwrap(), read(&setup.remote.archive).unwrap());
    *setup.remote.lagging.lock().unwrap() = None;
    assert_mirrors(&setup.process(), &setup);
    assert_same(&setup);
}

#[test]
fn a_slow_process_does_not_write_over_what_another_one_knows() {
    let setup = setup();
    let other = setup.process();
    let mut seen = 0;
    // It sees the shelf as it was when it began to read, the other one as it became meanwhile.
    let visit = &mut |_: Document<'_>| {
        seen += 1;
        if seen == 1 {
            put(&setup.remote.archive, 4, 400);
            put(&setup.remote.archive, 11, 11);
            assert_mirrors(&other, &setup);
        }
        ControlFlow::Continue(())
    };
    setup.mirror.documents(&shelf(), None, visit).unwrap();
    assert_eq!(seen, 10);
    setup.fetched();
    assert_mirrors(&setup.process(), &setup);
    assert_same(&setup);
    assert_mirrors(&other, &setup);
    assert_eq!(setup.fetched(), 0, "the newer documents are still there");
}

#[test]
fn processes_that_learn_in_turns_know_the_same() {
    let setup = setup();
    let other = setup.process();
    for round in 12..=20 {
        put_of("other", &setup.remote.archive, round, 1);
        other.sync(&ShelfFilter::default(), 1, &AtomicBool::new(false), &|_, _| {}).unwrap();
        assert_same(&setup);
        if round % 2 == 0 {
            // It was there for one of the two only.
            remove(&setup.remote.archive, round);
        }
        assert_same(&setup);
        assert_mirrors(&setup.process(), &setup);
        assert_mirrors(&other, &setup);
    }
}

#[test]
fn nothing_is_carried_into_a_mirror_that_another_process_made_anew() {
    let setup = setup();
    put_of(LEFT, &setup.remote.archive, 20, 1);
    assert_same(&setup);
    setup.delete_mirror();
    let other = setup.process();
    put(&setup.remote.archive, 4, 400);
    // What the process knows of the other shelf stood in the deleted file only.
    assert_same(&setup);
    assert_mirrors(&setup.process(), &setup);
    assert_mirrors(&other, &setup);
    setup.fetched();
    assert_same(&setup);
    assert_eq!(setup.fetched(), 0, "the new file is in use");

    // Without news of the source, in between the questions of a reading.
    setup.delete_mirror();
    setup.open("mirror.db");
    put(&setup.remote.archive, 5, 500);
    setup.remote.meddle.store(1, Ordering::Relaxed);
    assert_same(&setup);
    assert_mirrors(&setup.process(), &setup);
}
