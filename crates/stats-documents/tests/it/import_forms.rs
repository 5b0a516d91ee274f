//! Everything that people have instead of plain export lines is read, or named.

use std::fs;
use std::io::{Cursor, Write};
use std::path::PathBuf;

use stats_documents::import::{ImportOptions, ImportReport, Input, Reason, import};
use stats_model::DocumentKind;

use crate::import::{gzip, zstd};
use crate::import_answers::answer;
use crate::support::{Place, contents, corpus, document};

pub(crate) const KIND: DocumentKind = DocumentKind::UsageDelta;
pub(crate) const INDEX: &str = "stats-community-usage-delta-2025";

fn bzip2(content: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn xz(content: &[u8]) -> Vec<u8> {
    let options = lzma_rust2::XzOptions::with_preset(1);
    let mut encoder = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

pub(crate) fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    for (name, content) in files {
        writer.start_file(*name, options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

pub(crate) fn utf16(text: &str, little: bool) -> Vec<u8> {
    let encode = |unit: u16| if little { unit.to_le_bytes() } else { unit.to_be_bytes() };
    format!("\u{feff}{text}").encode_utf16().flat_map(encode).collect()
}

pub(crate) fn day(n: u32) -> String {
    document(KIND, "a", &format!("2025-01-{n:02}"), n)
}

/// The hits of some days, and what is in them.
pub(crate) fn hits(days: std::ops::RangeInclusive<u32>) -> Vec<String> {
    days.map(|n| day(n).trim_end().to_owned()).collect()
}

pub(crate) fn source(hit: &str) -> String {
    let hit: serde_json::Value = serde_json::from_str(hit).unwrap();
    hit["_source"].to_string()
}

pub(crate) fn pretty(text: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(text).unwrap();
    serde_json::to_string_pretty(&value).unwrap()
}

/// Imports a file, and the same from a stream; both do the same.
pub(crate) fn imported(content: impl AsRef<[u8]>, index: Option<&str>) -> (ImportReport, usize) {
    let content = content.as_ref();
    let options = ImportOptions { index: index.map(str::to_owned), ..ImportOptions::default() };
    let from_file = Place::new();
    let path = from_file.file("named", content);
    let report = from_file.import_with(&[&path], &options).unwrap();
    let from_stream = Place::new();
    let reader = Box::new(Cursor::new(content.to_vec()));
    let input = vec![Input::Reader { name: "stream".to_owned(), reader }];
    let streamed = import(input, &from_stream.archive, &options, &mut ()).unwrap();
    assert_eq!(streamed.kinds, report.kinds);
    assert_eq!(contents(&from_stream.archive), contents(&from_file.archive));
    let stored = contents(&from_file.archive).len();
    (report, stored)
}

pub(crate) fn is_read(content: impl AsRef<[u8]>, documents: usize, what: &str) {
    let (report, stored) = imported(content, None);
    assert!(report.is_complete() && report.lost.is_empty(), "{what}: {report:?}");
    assert_eq!(stored, documents, "{what}");
}

/// The message with which a file is refused, of which nothing or only a part was read.
pub(crate) fn refusal(content: impl AsRef<[u8]>) -> String {
    let (report, _) = imported(content, None);
    assert!(!report.is_complete() && !report.lost.is_empty(), "{report:?}");
    report.file_errors[0].message.clone()
}

#[test]
fn what_is_compressed_or_packed_is_opened() {
    let (one, two) = (day(1) + &day(2), day(3));
    let files: &[(&str, &[u8])] =
        &[("a.ndjson", one.as_bytes()), ("d/b.json.gz", &gzip(two.as_bytes()))];
    let [as_tar, as_zip] = [tar(files), zip(files)];
    for (content, what) in [
        (bzip2((one.clone() + &two).as_bytes()), "bzip2"),
        ([bzip2(one.as_bytes()), bzip2(two.as_bytes())].concat(), "two streams of bzip2"),
        (xz((one.clone() + &two).as_bytes()), "xz"),
        ([xz(one.as_bytes()), xz(two.as_bytes())].concat(), "two streams of xz"),
        (gzip(&as_tar), "tar.gz"),
        (bzip2(&as_tar), "tar.bz2"),
        (xz(&as_tar), "tar.xz"),
        (zstd(&as_tar), "tar.zst"),
        (zip(&[("inner.tar", &as_tar)]), "a tar archive in a zip archive"),
        (tar(&[("a.tar", &tar(&files[..1])), ("b", files[1].1)]), "archives in archives"),
        ([tar(&files[..1]), tar(&files[1..])].concat(), "two tar archives in a row"),
        (as_tar, "tar"),
        (as_zip, "zip"),
    ] {
        if what.contains("zip archive") || what == "zip" {
            // From a stream, a zip archive with lengths behind its files is refused by name.
            let place = Place::new();
            let report = place.import(&[&place.file("named", &content)]);
            assert!(report.is_complete(), "{what}: {report:?}");
            assert_eq!(contents(&place.archive).len(), 3, "{what}");
        } else {
            is_read(content, 3, what);
        }
    }
}

#[test]
fn lines_of_the_bulk_interface_are_read() {
    let lines = |with_index: bool| -> String {
        let pair = |(number, hit): (usize, String)| {
            let index = if with_index { format!("\"_index\":\"{INDEX}\",") } else { String::new() };
            let action = if number == 0 { "create" } else { "index" };
            format!("{{\"{action}\":{{{index}\"_id\":\"{number}\"}}}}\n{}\n", source(&hit))
        };
        hits(1..=3).into_iter().enumerate().map(pair).collect()
    };
    is_read(lines(true), 3, "bulk lines");
    let (report, stored) = imported(lines(false), Some(INDEX));
    assert!(report.is_complete() && stored == 3, "{report:?}");
    let (report, _) = imported(lines(true) + "{\"delete\":{\"_id\":\"1\"}}\n", None);
    assert_eq!(report.total().refused_lines(), 1, "{report:?}");
    let message = refusal(lines(true) + "{\"index\":{\"_index\":\"i\",\"_id\":\"x\"}}\n");
    assert!(message.contains("an action without its document"), "{message}");
}

#[test]
fn bare_documents_need_the_name_of_their_index() {
    let bare: Vec<String> = hits(1..=3).iter().map(|hit| source(hit)).collect();
    let with_source: String =
        bare.iter().map(|source| format!("{{\"_source\":{source}}}\n")).collect();
    for text in [
        bare.join("\n"),
        bare.iter().map(|source| pretty(source) + "\n").collect(),
        format!("[{}]", bare.join(",")),
        pretty(&format!("[{}]", bare.join(","))),
        with_source.clone(),
    ] {
        let (report, stored) = imported(&text, Some(INDEX));
        assert!(report.is_complete() && stored == 3, "{text}: {report:?}");
        if text != with_source {
            let message = refusal(&text);
            assert!(message.contains("--index NAME"), "{message}");
            // Also in a folder: they are documents, and they would be missing.
            let place = Place::new();
            let folder = place.folder.path().join("dump");
            place.file("dump/a.ndjson", day(9));
            place.file("dump/bare.json", &text);
            assert!(!place.import(&[&folder]).lost.is_empty());
        }
    }
}

#[test]
fn a_named_pipe_is_a_stream() {
    let place = Place::new();
    let pipe = place.folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let to: PathBuf = pipe.clone();
    let packed = gzip(&tar(&[("a.ndjson", day(1).as_bytes())]));
    let writer = std::thread::spawn(move || fs::write(to, packed).unwrap());
    let report = place.import(&[&pipe]);
    writer.join().unwrap();
    assert!(report.is_complete() && contents(&place.archive).len() == 1, "{report:?}");
}

#[test]
fn what_unpacks_without_end_is_ended() {
    const MANY: usize = 600 << 20;
    let zeros = vec![b' '; 1 << 20];
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    for _ in 0..MANY >> 20 {
        encoder.write_all(&zeros).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < MANY / 5_000, "{}", bomb.len());
    for content in [bomb.clone(), gzip(&bomb), tar(&[("bomb", &bomb)])] {
        let place = Place::new();
        let report = place.import(&[&place.file("bomb", content), &place.file("good", day(1))]);
        let message = &report.file_errors[0].message;
        assert!(message.contains("more than 5000 times its size"), "{message}");
        assert_eq!(contents(&place.archive).len(), 1);
    }
    let mut deep = day(1).into_bytes();
    for _ in 0..6 {
        deep = gzip(&deep);
    }
    assert!(refusal(deep).contains("too deep"));
}

#[test]
fn documents_of_another_kind_are_refused() {
    let of = |kind: DocumentKind| document(kind, "a", "2025-01-01", 1);
    for kind in DocumentKind::ALL {
        for other in DocumentKind::ALL.into_iter().filter(|other| *other != kind) {
            let index = format!("{}-2025", kind.alias());
            let renamed = of(other).replace(&format!("{}-2025", other.alias()), &index);
            for (text, index) in [(renamed, None), (source(&of(other)), Some(index.as_str()))] {
                let place = Place::new();
                let options = ImportOptions {
                    index: index.map(str::to_owned),
                    replace: true,
                    ..ImportOptions::default()
                };
                place.import(&[&place.file("good", of(kind))]);
                let before = contents(&place.archive);
                let report = place.import_with(&[&place.file("bad", text)], &options).unwrap();
                assert_eq!(report.total().refused[&Reason::OtherKind], 1, "{kind}: {report:?}");
                assert!(report.refusals[0].detail.ends_with(&format!("not a document of {kind}")));
                // The other kind lacks it, too.
                assert!(report.lost.contains(&other) && report.lost.contains(&kind));
                assert_eq!(contents(&place.archive), before);
            }
        }
    }
    let renamed = of(KIND).replace(INDEX, "communities-communities-v2.0.0");
    let (report, _) = imported(renamed, None);
    assert_eq!(report.total().refused[&Reason::OtherKind], 1, "{report:?}");
}

#[test]
fn odd_days_are_refused() {
    let at = |time: &str| day(9).replace("2025-01-09T00:00:00", time);
    for (text, reason) in [
        (at("2025-01-09Tgarbage"), Reason::DayNotADate),
        (at("2025-01-09T23:59:60"), Reason::DayNotADate),
        (at("2025-01-09T23:30:00-05:00"), Reason::DayNotADate),
        (at("2099-01-01T00:00:00"), Reason::OtherDay),
        (day(9).replace("a-2025-01-09", "a-2025-01-10"), Reason::OtherDay),
    ] {
        let (report, stored) = imported(&text, None);
        assert_eq!((report.total().refused[&reason], stored), (1, 0), "{text}: {report:?}");
        assert!(report.lost.contains(&KIND), "{report:?}");
    }
    for text in [
        at("2025-01-09"),
        at("2025-01-09T00:00:00.000Z"),
        at("2025-01-09T23:59:59"),
        at("2025-01-09T23:30:00+05:00"),
        day(9).replace("a-2025-01-09", "a-zero"),
    ] {
        is_read(text, 1, "a day");
    }
}

#[test]
fn every_cut_of_a_packed_file_is_seen() {
    let content = corpus(1, 3);
    let files: &[(&str, &[u8])] = &[("a.ndjson", content.as_bytes())];
    let array = format!("[{}]", content.trim_end().replace('\n', ","));
    for whole in [
        bzip2(content.as_bytes()),
        xz(content.as_bytes()),
        tar(files),
        gzip(&tar(files)),
        zip(files),
        utf16(&array, true),
    ] {
        let place = Place::new();
        for end in (1..whole.len() - 1024.min(whole.len() / 8)).step_by(whole.len() / 60 + 1) {
            let report = place.import(&[&place.file("cut", &whole[..end])]);
            assert!(!report.is_complete(), "{end} of {}: {report:?}", whole.len());
        }
    }
}

#[test]
fn lines_without_end_are_bounded_in_every_form() {
    let options = ImportOptions { line_limit: 10_000, ..ImportOptions::default() };
    let long = "x".repeat(50_000);
    let hit = format!("{{\"_index\":\"{INDEX}\",\"_id\":\"x\",\"_source\":{{\"a\":\"{long}\"}}}}");
    for text in [
        hit.clone() + "\n" + &day(1),
        format!("[{hit}]"),
        answer("1", std::slice::from_ref(&hit)),
        format!("{{\"index\":{{\"_index\":\"{INDEX}\",\"_id\":\"x\"}}}}\n{{\"a\":\"{long}\"}}\n"),
        format!("{{\"took\":\"{long}\",\"hits\":{{\"hits\":[]}}}}"),
    ] {
        let place = Place::new();
        let report = place.import_with(&[&place.file("long", &text)], &options).unwrap();
        assert!(!report.lost.is_empty(), "{report:?}");
        let told = format!("{:?} {:?}", report.file_errors, report.refusals);
        assert!(told.contains("more than 10000 bytes"), "{told}");
    }
}
