//! Records, notes and bodies of any bytes are read or refused.

use stats_testkit::fuzz;

use super::index;
use crate::BodyEncoding;
use crate::body::decode_verified;
use crate::notebook::Note;

fn fuzz_record(data: &[u8]) {
    if let Ok(described) = index::description("key", data) {
        let sha256 = described.sha256.expect("a record has one");
        let written = index::record(&described, described.plain_length, &sha256);
        let written = written.expect("it was read");
        assert_eq!(index::description("key", &written), Ok(described));
    }
    if let Some(note) = Note::from_json(data) {
        let written = note.to_json().expect("it was read");
        assert_eq!(Note::from_json(written.as_bytes()), Some(note));
    }
}

fn fuzz_body(data: &[u8]) {
    // A length that is not true reserves nothing.
    for length in [0, 11, u64::MAX] {
        for encoding in [BodyEncoding::Plain, BodyEncoding::Zstd] {
            decode_verified(encoding, data, length, &[0; 32]).expect_err("no body has this hash");
        }
    }
}

#[test]
fn records() {
    fuzz::run("record", fuzz_record).unwrap();
}

#[test]
fn bodies() {
    fuzz::run("body", fuzz_body).unwrap();
}
