//! Of a folder, everything is read, or named, or a loss.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use stats_documents::import::{ImportOptions, ImportReport, MOST_LISTED, Reason};

use crate::import::gzip;
use crate::import_forms::{INDEX, KIND, day, pretty, tar, zip};
use crate::support::{Place, contents};

#[test]
fn every_file_of_a_folder_is_read_or_named() {
    let place = Place::new();
    let folder = place.folder.path().join("dump");
    place.file("dump/a/1.txt", day(1));
    place.file("dump/a/2", gzip(day(2).as_bytes()));
    place.file("dump/.hidden/3.ndjson", day(3));
    place.file("dump/._a", b"\0\x05\x16\x07");
    place.file("dump/mapping.json", "{\n \"mappings\": {}\n}");
    place.file("dump/page.html", "<html></html>");
    place.file("dump/picture", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    let nested: &[(&str, &[u8])] = &[("manifest.json", b"{}"), ("x/.DS_Store", b"\0\0")];
    place.file("dump/packed.tar", tar(nested));
    place.file("dump/packed.zip", zip(nested));
    symlink(folder.join("a"), folder.join("link")).unwrap();
    symlink(folder.join("a/1.txt"), folder.join("link-to-file")).unwrap();
    let _socket = UnixListener::bind(folder.join("socket")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(folder.join("pipe")).status().unwrap();
    assert!(made.success());
    let report = place.import(&[&folder]);
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(contents(&place.archive).len(), 2);
    let start = folder.to_str().unwrap().len() + 1;
    let skipped: Vec<(&str, &str)> =
        report.skipped.iter().map(|it| (&it.file[start..], it.why.as_str())).collect();
    assert_eq!(
        skipped,
        [
            ("._a", "a hidden file"),
            (".hidden", "a hidden folder"),
            ("link", "a link to a folder"),
            ("mapping.json", "a description of an index, not its documents"),
            ("packed.tar/manifest.json", "no export lines"),
            ("packed.tar/x/.DS_Store", "a hidden file"),
            ("packed.zip/manifest.json", "no export lines"),
            ("packed.zip/x/.DS_Store", "a hidden file"),
            ("page.html", "a page of HTML or XML, not an export"),
            ("picture", "not a text, and not compressed or packed in a known way"),
            ("pipe", "a pipe"),
            ("socket", "a socket"),
        ]
    );
    // What may hold documents, but cannot be read, is a loss.
    for (name, content) in [
        ("x.7z", &b"7z\xbc\xaf\x27\x1c\0\x04"[..]),
        ("x.rar", b"Rar!\x1a\x07\0"),
        ("x.lz4", b"\x04\x22\x4d\x18"),
        ("cut.zip", &zip(nested)[..40]),
        ("cut.tar", &tar(nested)[..1024]),
    ] {
        let path = place.file(&format!("dump/{name}"), content);
        let report = place.import(&[&folder]);
        assert_eq!(report.file_errors.len(), 1, "{name}: {report:?}");
        assert!(report.file_errors[0].file.contains(name) && !report.lost.is_empty());
        fs::remove_file(path).unwrap();
    }
    symlink(folder.join("nowhere"), folder.join("broken")).unwrap();
    assert!(place.import(&[&folder]).file_errors[0].file.ends_with("broken"));
}

/// What becomes of a folder with one good file, and another one.
fn beside(name: &str, content: impl AsRef<[u8]>) -> ImportReport {
    let place = Place::new();
    place.file("dump/a.ndjson", day(9));
    place.file(&format!("dump/{name}"), content);
    let report = place.import(&[&place.folder.path().join("dump")]);
    assert_eq!(contents(&place.archive).len(), 1, "{name}: {report:?}");
    report
}

#[test]
fn what_stands_for_an_index_and_brings_nothing_is_a_loss() {
    let hit = day(1);
    let in_utf32: Vec<u8> =
        format!("\u{feff}{hit}").chars().flat_map(|char| u32::from(char).to_le_bytes()).collect();
    let with_fields = hit.replace("\"_source\":", "\"fields\":");
    let lzma = b"\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff\0\x3d\x82";
    let error = r#"{"error":{"type":"index_not_found_exception"},"status":404}"#;
    let named = |ending: &str| format!("{INDEX}{ending}");
    for (name, content) in [
        (named(".ndjson"), error.as_bytes()),
        (named(".ndjson"), b"<html>502"),
        (named(".ndjson"), b"curl: (7) Failed to connect to search port 9200"),
        (named(".ndjson"), b""),
        (named(".json"), b"\xef\xbb\xbf\n"),
        (named(".ndjson.gz"), &gzip(b"")),
        (named(".csv"), b"_id,_index,period_start\na-2025-01-01,x,2025-01-01\n"),
        (named(".ndjson.lzma"), lzma),
        (named(".ndjson.br"), b"\x8b\x02\x80hello\x03\xff"),
        (named(""), &in_utf32),
        // Whatever they are called.
        ("usage.ndjson".to_owned(), error.as_bytes()),
        ("usage".to_owned(), pretty(error).as_bytes()),
        ("usage.ndjson".to_owned(), b"<html>502"),
        ("usage.json".to_owned(), b"curl: (7) Failed to connect to search port 9200"),
        ("usage.json.lzma".to_owned(), lzma),
        ("usage.jsonl.gpg".to_owned(), b"\x85\x01\x0c\x03\xf1"),
        ("usage.ndjson".to_owned(), &in_utf32),
        ("usage".to_owned(), format!("{{\"docs\":[{hit}]}}").as_bytes()),
        ("usage".to_owned(), with_fields.as_bytes()),
        ("usage".to_owned(), pretty(&with_fields).as_bytes()),
        ("usage.ndjson.gz".to_owned(), b""),
        ("usage.zip".to_owned(), b""),
    ] {
        let report = beside(&name, content);
        assert!(report.lost.contains(&KIND), "{name}: {report:?}");
        assert!(!report.is_complete() && report.skipped.is_empty(), "{name}: {report:?}");
    }
}

#[test]
fn what_is_plainly_something_else_is_no_loss() {
    let mapping = format!("{{\"{INDEX}\":{{\"mappings\":{{\"properties\":{{}}}}}}}}");
    let settings = format!("{{\"{INDEX}\":{{\"settings\":{{\"index\":{{}}}}}}}}");
    let named = |ending: &str| format!("{INDEX}{ending}");
    for (name, content) in [
        (named(".mapping.json"), mapping.as_bytes()),
        (named("-mapping.json"), mapping.as_bytes()),
        (named("_settings.json"), pretty(&settings).as_bytes()),
        (named(".analyzer.json"), b""),
        (named(".ndjson.sha256"), b"e3b0c44298fc1c149afbf4c8996fb924  x\n"),
        (named(".log"), b"got 365 objects\n"),
        ("users-user.ndjson".to_owned(), b""),
        ("users-user.ndjson.gz".to_owned(), &gzip(b"")),
        ("README".to_owned(), b"how we made this dump of stats-community-usage-delta\n"),
        ("README.txt".to_owned(), b"Gr\xf6\xdfe\n"),
        ("Thumbs.db".to_owned(), b"\xd0\xcf\x11\xe0\0\0"),
        ("index.html".to_owned(), b"<html></html>"),
        ("manifest.json".to_owned(), b"{\"files\":[]}"),
        ("users.json".to_owned(), b"[{\"id\":1}]"),
    ] {
        let report = beside(&name, content);
        assert!(report.is_complete() && report.lost.is_empty(), "{name}: {report:?}");
        assert_eq!(report.skipped.len(), 1, "{name}: {report:?}");
    }
}

#[test]
fn an_empty_file_is_named() {
    for (name, is_lost) in [("empty", false), ("empty.gz", true), (INDEX, true)] {
        let place = Place::new();
        let (empty, good) = (place.file(name, ""), place.file("good", day(1)));
        let report = place.import(&[&empty, &good]);
        assert_eq!(report.is_complete(), !is_lost, "{name}: {report:?}");
        let told = format!("{:?} {:?}", report.file_errors, report.skipped);
        assert!(told.contains("it is empty") && told.contains(name), "{told}");
    }
}

#[test]
fn what_the_input_decides_the_length_of_is_told_up_to_a_bound() {
    let place = Place::new();
    let hidden: Vec<String> = (0..1_000).map(|n| format!("d/.{n}")).collect();
    let broken: Vec<String> = (0..1_000).map(|n| format!("d/{n}.gz")).collect();
    let of = |names: &[String]| {
        tar(&names.iter().map(|name| (name.as_str(), &b""[..])).collect::<Vec<_>>())
    };
    place.file("dump/hidden.tar", of(&hidden));
    place.file("dump/broken.tar", of(&broken));
    let report = place.import(&[&place.folder.path().join("dump")]);
    assert_eq!((report.skipped.len(), report.skipped.more), (100, 900));
    assert_eq!((report.file_errors.len(), report.file_errors.more), (100, 900));

    let prefixed = |prefix: &str| day(1).replace(INDEX, &format!("{prefix}-{INDEX}"));
    let many: String = (0..1_000).map(|n| prefixed(&n.to_string())).collect();
    let file = place.file("many", day(1) + &many);
    let report = place.import(&[&file]);
    assert!((2..=MOST_LISTED).contains(&report.mixed_prefixes.len()), "{report:?}");
    let options = ImportOptions { prefix: Some("x-".to_owned()), ..ImportOptions::default() };
    let report = place.import_with(&[&file], &options).unwrap();
    let others = &report.other_prefixes;
    assert_eq!((others.lines.len(), others.more), (MOST_LISTED, 1_001 - MOST_LISTED as u64));

    // No search engine has an index of such a name.
    let long = place.file("long", prefixed(&"x".repeat(1 << 20)) + &day(2));
    let report = place.import(&[&long]);
    assert_eq!(report.total().refused[&Reason::UnknownIndex], 1, "{:?}", report.kinds);
    assert!(report.refusals[0].detail.len() < 200, "{:?}", report.refusals);
}
