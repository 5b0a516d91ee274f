//! What runs may write: as long as they hold the lock of bulk runs, and nothing afterwards.
#![allow(clippy::missing_panics_doc, reason = "a case panics when the store breaks the contract")]

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::mpsc;

use stats_model::Category;

use super::{Harness, body, of_body, plain_body, put, put_over, soon, state, to_the_millisecond};
use crate::{
    CacheError, CacheErrorKind, CacheStore, EntryDescription, Lease, LockLost, Memory,
    MemoryChanges, Note, Notebook, Seen, Trouble,
};

/// The store and the notebook of a run, as another process would have them.
struct Run {
    lease: Arc<dyn Lease>,
    store: Arc<dyn CacheStore>,
    notebook: Arc<dyn Notebook>,
}

impl Run {
    fn begin(harness: &dyn Harness) -> Self {
        let lease = take(harness);
        let store = harness.other().fenced(Arc::clone(&lease)).expect("a fence");
        let notebook = harness.other_notebook().fenced_notes(Arc::clone(&lease)).expect("a fence");
        Self { lease, store, notebook }
    }

    /// Everything that a run may write, once each.
    fn write_all(&self, harness: &dyn Harness, one: &EntryDescription) -> Vec<Written> {
        let made = body(harness, b"{\"new\":1}");
        let keys = [one.key.clone()];
        let notes = MemoryChanges {
            notes: vec![(one.key.clone(), note(harness))],
            ..MemoryChanges::default()
        };
        vec![
            self.store.put(one, &made).map(|()| true),
            self.store.put_over(Seen::Nothing, one, &made),
            self.store.prolong(&one.key, Some(soon(harness, 7))),
            self.store.adopt(&of_body(harness, b"{\"old\":1}")),
            self.notebook.remember(&notes).map(|()| true),
            self.notebook.forget_all().map(|()| true),
            self.store.delete(&keys).map(|removed| removed == 1),
            self.store.clear().map(|_| true),
        ]
    }
}

type Written = Result<bool, CacheError>;

/// Takes the lock away from whoever has it, and takes it.
fn take(harness: &dyn Harness) -> Arc<dyn Lease> {
    let lock = harness.lock();
    lock.take_away(&|_| true).expect("the lock answers");
    Arc::from(lock.acquire(harness.now()).expect("the lock answers").expect("a free lock"))
}

fn note(harness: &dyn Harness) -> Note {
    let now = to_the_millisecond(harness.now());
    Note {
        community: "global".to_owned(),
        year: 2024,
        category: Category::UsageDelta,
        since: now,
        last: now,
        attempts: 1,
        next: None,
        made_from: None,
        trouble: Trouble::failed("x"),
    }
}

#[track_caller]
fn assert_refused<T: Debug>(written: Result<T, CacheError>) {
    let error = written.expect_err("the lock is lost");
    assert_eq!(error.kind(), CacheErrorKind::Own(LockLost), "{error}");
    assert!(error.to_string().contains("the lock of bulk runs was lost"), "{error}");
}

/// Two runs one after the other write what they like, and so does everybody else all the time.
pub fn the_holder_of_the_lock_may_write(harness: &dyn Harness) {
    let one = of_body(harness, b"{\"old\":1}");
    for _ in 0..2 {
        let run = Run::begin(harness);
        put(harness, &one, b"{\"old\":1}");
        assert!(run.store.adopt(&one).expect("the holder writes"));
        for written in run.write_all(harness, &one) {
            written.expect("the holder writes");
        }
        assert_eq!(run.notebook.recall().expect("notes"), Memory::default());
        assert!(run.lease.release().expect("the lock answers"));
    }
    put(harness, &one, b"{}");
}

/// What a run writes that lost the lock is refused, and everything stays as it is, whether or not
/// somebody else has the lock by then, or had it.
pub fn whoever_lost_the_lock_changes_nothing(harness: &dyn Harness) {
    let one = of_body(harness, b"{\"old\":1}");
    put(harness, &one, b"{\"old\":1}");
    let notes = vec![(one.key.clone(), note(harness))];
    let noted = MemoryChanges { notes, ..MemoryChanges::default() };
    harness.notebook().remember(&noted).expect("a note is taken");
    let (before, notes) = (state(harness.store(), &one.key), harness.notebook().recall());
    let unchanged = || {
        assert_eq!(state(harness.store(), &one.key), before);
        assert_eq!(plain_body(harness.store(), &one.key).as_deref(), Some(&b"{\"old\":1}"[..]));
        assert_eq!(harness.notebook().recall().expect("notes"), *notes.as_ref().expect("notes"));
    };
    let refuses = |run: &Run| {
        run.write_all(harness, &one).into_iter().for_each(assert_refused);
        assert_refused(harness.store().fenced(Arc::clone(&run.lease)).map(drop));
        assert_refused(harness.notebook().fenced_notes(Arc::clone(&run.lease)).map(drop));
        unchanged();
    };
    let first = Run::begin(harness);
    harness.lock().take_away(&|_| true).expect("the lock answers");
    refuses(&first);
    let second = Run::begin(harness);
    refuses(&first);
    // A third one has the lock, and did not get as far as to have a fence.
    let third = take(harness);
    refuses(&first);
    refuses(&second);
    assert!(third.release().expect("the lock answers"));
    refuses(&first);
    refuses(&second);
    // By hand everybody may write, and the next run may, too.
    put(harness, &one, b"{\"hand\":1}");
    let fourth = Run::begin(harness);
    assert!(fourth.store.prolong(&one.key, None).expect("the holder writes"));
}

/// A run that is stopped before it has a fence, and goes on when another one has one, gets none, and
/// takes none away.
pub fn whoever_comes_late_does_not_disturb_the_holder(harness: &dyn Harness) {
    let one = of_body(harness, b"{\"old\":1}");
    let late = take(harness);
    let holder = Run::begin(harness);
    assert_refused(harness.other().fenced(Arc::clone(&late)).map(drop));
    assert_refused(harness.other_notebook().fenced_notes(late).map(drop));
    let made = body(harness, b"{\"new\":1}");
    assert!(put_over(&*holder.store, Seen::Nothing, &one, &made));
    assert!(holder.store.prolong(&one.key, None).expect("the holder writes"));
}

/// A run that writes all the time is refused from the moment at which its successor begins: what that
/// one then finds stays.
pub fn nothing_is_written_once_a_successor_begins(harness: &dyn Harness) {
    const ROUNDS: u32 = 20;
    let one = of_body(harness, b"{}");
    for round in 0..ROUNDS {
        let old = Run::begin(harness);
        let (begun, wait) = mpsc::channel();
        std::thread::scope(|scope| {
            let (one, store) = (&one, &old.store);
            let writer = scope.spawn(move || {
                for number in 0_u64.. {
                    let made = body(harness, format!("[{round},{number}]").as_bytes());
                    let seen = state(&**store, &one.key).seen();
                    match store.put_over(seen, one, &made) {
                        Ok(_) => drop(begun.send(())),
                        error => return error,
                    }
                }
                unreachable!("numbers do not end")
            });
            for _ in 0..3 {
                wait.recv().expect("the writer writes");
            }
            let successor = Run::begin(harness);
            let found = plain_body(&*successor.store, &one.key);
            assert_refused(writer.join().expect("no panic"));
            assert_eq!(plain_body(harness.store(), &one.key), found);
            let seen = state(&*successor.store, &one.key).seen();
            assert!(put_over(&*successor.store, seen, one, &body(harness, b"[]")));
        });
    }
}

/// Renewing the lock is no reason to refuse anything.
pub fn a_lock_that_is_renewed_lets_its_holder_write(harness: &dyn Harness) {
    let run = Run::begin(harness);
    let (done, wait) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let lease = &run.lease;
        scope.spawn(move || {
            let pause = std::time::Duration::from_millis(2);
            while wait.recv_timeout(pause) == Err(mpsc::RecvTimeoutError::Timeout) {
                assert!(lease.renew().expect("the lock answers"));
            }
        });
        for year in 1800..2000 {
            let one = EntryDescription {
                key: crate::response_key(harness.prefix(), "global", year, Category::UsageDelta)
                    .into_string(),
                year,
                ..of_body(harness, b"{}")
            };
            assert!(put_over(&*run.store, Seen::Nothing, &one, &body(harness, b"{}")));
            assert!(run.store.prolong(&one.key, None).expect("the holder writes"));
        }
        drop(done);
    });
}

/// Whoever works for a run writes beside it, and so does the run; with the run that ends, also for whoever
/// joined before, and giving up the one leaves the other its lock.
pub fn whoever_joins_a_run_writes_as_long_as_it_lasts(harness: &dyn Harness) {
    let one = of_body(harness, b"{\"old\":1}");
    let run = Run::begin(harness);
    let join = || harness.lock().join(run.lease.token()).expect("the lock answers");
    let joined: Arc<dyn Lease> = Arc::from(join().expect("the run goes on"));
    assert_eq!(joined.token(), run.lease.token());
    let store = harness.other().fenced(Arc::clone(&joined)).expect("a fence");
    for body in [&b"{\"old\":1}"[..], b"{\"new\":1}"] {
        store.put(&one, &self::body(harness, body)).expect("who joined writes");
        run.store.put(&one, &self::body(harness, b"{\"run\":1}")).expect("the run writes");
    }
    assert!(joined.renew().expect("the lock answers"));
    drop(join().expect("the run goes on"));
    assert!(run.lease.still_held().expect("the lock answers"));

    let next = take(harness);
    assert_refused(store.put(&one, &body(harness, b"{\"late\":1}")));
    assert!(!joined.still_held().expect("the lock answers"));
    assert!(joined.lease_left().is_zero());
    assert!(!joined.release().expect("the lock answers"));
    assert!(harness.lock().join(run.lease.token()).expect("the lock answers").is_none());
    assert_eq!(plain_body(harness.store(), &one.key).as_deref(), Some(&b"{\"run\":1}"[..]));
    assert!(next.still_held().expect("the lock answers"));
}
