//! Several processes at one archive, and processes that are killed.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use rusqlite::Connection;
use stats_documents::import::{ImportOptions, Input, import};
use stats_documents::{Archive, ArchiveOptions, Documents};
use stats_testkit::wait;

use crate::support::{Place, contents, corpus, fingerprints};

const ARCHIVE: &str = "STATS_DOCUMENTS_TEST_ARCHIVE";
const INPUT: &str = "STATS_DOCUMENTS_TEST_INPUT";

/// Not a test: what the processes do that the tests start. It ends at once without its variables.
#[test]
fn a_process_that_imports() {
    let (Some(archive), Some(input)) = (std::env::var_os(ARCHIVE), std::env::var_os(INPUT)) else {
        return;
    };
    let options = ArchiveOptions { batch_bytes: 200_000, ..ArchiveOptions::default() };
    let archive = Archive::open(archive, options).unwrap();
    let inputs = vec![Input::Path(input.into())];
    let report = import(inputs, &archive, &ImportOptions::default(), &mut ()).unwrap();
    assert!(report.is_complete());
}

fn start(archive: &Path, input: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "processes::a_process_that_imports"])
        .env(ARCHIVE, archive)
        .env(INPUT, input)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn assert_intact(archive: &Archive) {
    let connection = Connection::open(archive.path()).unwrap();
    let verdict: String =
        connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
    let (bodies, documents): (u64, u64) = connection
        .query_row(
            "SELECT (SELECT count(*) FROM bodies), (SELECT count(*) FROM documents)",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    assert_eq!(bodies, documents);
    assert_eq!(contents(archive).len() as u64, documents);
}

#[test]
fn a_killed_import_leaves_a_consistent_archive() {
    let reference = Place::new();
    let input = reference.file("all.ndjson", corpus(10, 150));
    reference.import(&[&input]);
    let place = Place::new();
    let mut stored = 0;
    for _ in 0..6 {
        let mut child = start(place.archive.path(), &input);
        // Killed as soon as it wrote something more, or is through.
        wait::until("it wrote something, or is through", || {
            place.archive.stats().unwrap().sequence != stored || child.try_wait().unwrap().is_some()
        });
        child.kill().unwrap();
        child.wait().unwrap();
        assert_intact(&place.archive);
        let now = place.archive.stats().unwrap().sequence;
        assert!(now >= stored);
        stored = now;
    }
    assert!(stored > 0);
    assert!(start(place.archive.path(), &input).wait().unwrap().success());
    assert_intact(&place.archive);
    // Each import begins to number anywhere, so the numbers differ.
    let counts = |place: &Place| -> Vec<_> {
        let all = fingerprints(&place.archive).into_iter();
        all.map(|(shelf, fingerprint)| (shelf, fingerprint.count)).collect()
    };
    assert_eq!(counts(&place), counts(&reference));
    assert_eq!(contents(&place.archive), contents(&reference.archive));
}

#[test]
fn two_processes_import_while_a_third_reads() {
    let place = Place::new();
    let all = corpus(10, 150);
    let (mut odd, mut even) = (String::new(), String::new());
    for (n, line) in all.split_inclusive('\n').enumerate() {
        if n % 5 == 0 || n % 2 == 0 {
            even.push_str(line);
        }
        if n % 5 == 0 || n % 2 == 1 {
            odd.push_str(line);
        }
    }
    let (odd, even) = (place.file("odd.ndjson", odd), place.file("even.ndjson", even));
    // Not there yet: both processes make it.
    let path = place.folder.path().join("shared");
    let mut children = [start(&path, &odd), start(&path, &even)];
    wait::until("one made it", || path.exists());
    let archive = Archive::open(&path, ArchiveOptions::default()).unwrap();
    let mut rounds = 0;
    while children.iter_mut().any(|child| child.try_wait().unwrap().is_none()) {
        // Between two questions the archive grows, within one it must not.
        for shelf in fingerprints(&archive).into_keys() {
            let mut seen = 0u64;
            archive
                .documents(&shelf, None, &mut |_| {
                    seen += 1;
                    std::ops::ControlFlow::Continue(())
                })
                .unwrap();
            assert!(seen > 0);
        }
        rounds += 1;
    }
    assert!(children.iter_mut().all(|child| child.wait().unwrap().success()));
    assert!(rounds > 0);
    assert_intact(&archive);
    assert_eq!(contents(&archive).len(), 10 * 150 * 4);
    // Whatever had been written twice would have left a number that no document has: there are gaps
    // only where an import began.
    let shelves = fingerprints(&archive).into_keys();
    let mut numbers: Vec<u64> = shelves
        .flat_map(|shelf| archive.manifest(&shelf).unwrap())
        .map(|entry| entry.sequence)
        .collect();
    numbers.sort_unstable();
    let gaps = numbers.windows(2).filter(|pair| pair[1] != pair[0] + 1).count();
    assert!(gaps <= 1, "each document counted once: {gaps} gaps");
    assert_eq!(archive.stats().unwrap().sequence, *numbers.last().unwrap());
}
