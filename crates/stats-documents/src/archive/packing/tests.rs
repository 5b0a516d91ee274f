//! Documents come back as they were, and damage is seen.

use super::*;

fn round_trip(source: &[u8], dictionary: Option<Arc<Dictionary>>) -> Vec<u8> {
    let mut packer = Packer::new(Arc::default());
    let content =
        packer.compress(DocumentKind::UsageDelta, dictionary.as_ref(), source, xxh3_64(source));
    let mut unpacker = Unpacker::default();
    if let Some(dictionary) = &dictionary {
        unpacker.learn(7, &dictionary.content).unwrap();
    }
    unpacker
        .unpack(dictionary.map(|_| 7), &content, source.len(), Some(xxh3_64(source)))
        .unwrap()
        .to_vec()
}

#[test]
fn anything_comes_back() {
    let mut noise = vec![0u8; 100_000];
    let mut state = 1u32;
    for byte in &mut noise {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *byte = (state >> 24) as u8;
    }
    let noisy = |length: usize| noise[..length].to_vec();
    let sizes = [0, 1, LARGE - 1, LARGE, LARGE + 1, noise.len()];
    let sources = sizes.map(noisy).into_iter().chain([b"{}".to_vec(), vec![b'x'; 70_000]]);
    for source in sources {
        let source = source.as_slice();
        assert_eq!(round_trip(source, None), source);
    }
}

#[test]
fn documents_of_a_trained_dictionary_come_back_and_are_small() {
    let dictionaries = Dictionaries::default();
    let source = |n: u32| {
        format!(
            r#"{{"community_id":"c{n}","period_start":"2025-03-09T00:00:00","period_end":"2025-03-09T23:59:59","totals":{{"view":{{"total_events":{n},"unique_visitors":{n},"unique_records":{n},"unique_parents":{n}}}}},"subcounts":{{"access_statuses":[],"file_types":[],"languages":[],"resource_types":[]}}}}"#
        )
    };
    let mut dictionary = None;
    for n in 0..2_000 {
        dictionary = dictionaries.for_document(DocumentKind::UsageDelta, source(n).as_bytes());
    }
    let dictionary = dictionary.expect("enough samples for a dictionary");
    let document = source(77_777);
    assert_eq!(round_trip(document.as_bytes(), Some(dictionary.clone())), document.as_bytes());
    let mut packer = Packer::new(Arc::default());
    let mut length = |dictionary| {
        packer.compress(DocumentKind::UsageDelta, dictionary, document.as_bytes(), 0).len()
    };
    assert!(length(Some(&dictionary)) * 2 < length(None));
}

#[test]
fn one_hash_is_the_digest_of_a_document_and_the_mark_of_its_body() {
    let bytes: Vec<u8> = (0..3 * ALIKE).map(|n| (n % 251) as u8).collect();
    for length in (0..=2 * ALIKE).chain([bytes.len()]) {
        let source = &bytes[..length];
        let expected = (digest_of(source), xxh3_64(source));
        assert_eq!(digest_and_mark(source), expected, "{length} bytes");
    }
}

#[test]
fn a_mirrored_document_is_hashed_once_for_both_ends() {
    let shelf = Shelf { kind: DocumentKind::UsageDelta, community: "a".to_owned(), year: 2025 };
    let day = "2025-03-09".parse().unwrap();
    let mut packer = Packer::new(Arc::default());
    for length in [LARGE - 1, LARGE, 5 * LARGE + 3] {
        let source: Vec<u8> = (0..length).map(|n| b'a' + (n % 23) as u8).collect();
        let document = Document { id: "a-2025-03-09", day, sequence: 5, source: &source };
        let packed = packer.pack_from(&shelf, document);
        assert_eq!(packed.digest, xxh3_128(&source).to_le_bytes());
        let mut unpacker = Unpacker::default();
        assert_eq!(
            unpacker.unpack(None, &packed.content, length, Some(packed.mark)).unwrap(),
            source
        );
    }
}

#[test]
fn damage_is_seen() {
    let small = br#"{"community_id":"global","period_start":"2025-03-09"}"#.to_vec();
    let large = br#"{"id":"eng","view":{"total_events":12}},"#.repeat(LARGE / 40 + 1);
    assert!(small.len() < LARGE && large.len() >= LARGE);
    let mut packer = Packer::new(Arc::default());
    for source in [small, large] {
        let mark = xxh3_64(&source);
        let content = packer.compress(DocumentKind::UsageDelta, None, &source, mark);
        let unpack = |content: &[u8]| {
            let mut unpacker = Unpacker::default();
            unpacker.unpack(None, content, source.len(), Some(mark)).map(<[u8]>::to_vec)
        };
        for place in 0..content.len() {
            let mut damaged = content.clone();
            damaged[place] ^= 0x10;
            let unpacked = unpack(&damaged);
            // One bit of the head has no meaning.
            let same = unpacked.as_ref().is_ok_and(|same| *same == source);
            assert!(unpacked.is_err() || same, "byte {place}");
            assert!(unpack(&content[..place]).is_err(), "cut at {place}");
        }
        let mut unpacker = Unpacker::default();
        assert!(unpacker.unpack(None, &content, source.len() + 1, None).is_err());
        assert!(unpacker.unpack(None, &content, source.len() - 1, None).is_err());
    }
}
