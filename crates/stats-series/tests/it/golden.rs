//! The responses of the reference implementation, byte for byte.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use stats_model::Category;
use stats_series::{
    ComponentRegistry, LayoutOwner, Layouts, ResponseSpec, Selection, SeriesBuilder, SeriesConfig,
    SubcountConfig,
};
use stats_testkit::fixtures;

use crate::support::{documents, response, selection, written};

#[derive(Deserialize)]
pub(crate) struct Case {
    case: u32,
    pub(crate) category: String,
    components: Option<Vec<String>>,
    pub(crate) documents: Vec<Box<RawValue>>,
    expected: Option<String>,
}

#[test]
fn all_300_cases_equal_the_reference() {
    let lines = fixtures::lines("series/cases.ndjson.gz").unwrap();
    assert_eq!(lines.len(), 300);
    let mut refused = 0;
    for line in lines {
        let case: Case = serde_json::from_str(&line).unwrap();
        let category = case.category.parse().unwrap();
        let actual =
            response(category, selection(case.components), &documents(&case.documents)).ok();
        refused += usize::from(case.expected.is_none());
        assert!(
            actual == case.expected,
            "case {}: {}",
            case.case,
            difference(&actual, &case.expected)
        );
    }
    assert!((1..300).contains(&refused), "the cases hold both responses and refusals");
}

/// A case that was once made otherwise; without a hash, the reference fails on it.
#[derive(Deserialize)]
struct Pinned {
    name: String,
    category: String,
    documents: Vec<String>,
    subcounts: Option<serde_json::Value>,
    expected_sha256: Option<String>,
    expected_part: Option<String>,
}

#[test]
fn all_pinned_cases_equal_the_reference() {
    let pinned: Vec<Pinned> =
        serde_json::from_slice(&fixtures::bytes("series/pinned.json").unwrap()).unwrap();
    assert_eq!(pinned.len(), 12);
    for case in pinned {
        let config = match &case.subcounts {
            None => SeriesConfig::default(),
            Some(subcounts) => SeriesConfig::new(
                SubcountConfig::from_json(&subcounts.to_string()).unwrap(),
                ComponentRegistry::default(),
            ),
        };
        let category = case.category.parse().unwrap();
        let spec = ResponseSpec { category, selection: Selection::All };
        let mut builder = SeriesBuilder::new(&config, &[spec]).unwrap();
        for document in &case.documents {
            builder.feed("", document.as_bytes());
        }
        let actual = written(&builder, 0).ok();
        let hash = actual.as_ref().map(|text| hex(&Sha256::digest(text)));
        assert_eq!(hash, case.expected_sha256, "{}: {actual:?}", case.name);
        if let (Some(actual), Some(part)) = (actual, case.expected_part) {
            assert!(actual.contains(&part), "{}: {part} in {actual}", case.name);
        }
    }
}

fn difference(actual: &Option<String>, expected: &Option<String>) -> String {
    let (Some(actual), Some(expected)) = (actual, expected) else {
        return format!("made: {}, expected: {}", actual.is_some(), expected.is_some());
    };
    let at = actual.bytes().zip(expected.bytes()).take_while(|(left, right)| left == right).count();
    let around = |text: &str| {
        let bytes = &text.as_bytes()[at.saturating_sub(60)..text.len().min(at + 60)];
        String::from_utf8_lossy(bytes).into_owned()
    };
    format!("at byte {at}\n   made {}\nexpected {}", around(actual), around(expected))
}

#[derive(Deserialize)]
struct Cell {
    category: String,
    community: String,
    year: i32,
    optimize: bool,
    documents: usize,
    sha256: String,
    bytes: usize,
}

/// The documents of the corpus of one kind by community, in (date, `_id`) order.
pub(crate) fn corpus(kind: &str) -> BTreeMap<String, Vec<String>> {
    #[derive(Deserialize)]
    struct Hit {
        #[serde(rename = "_id")]
        id: String,
        #[serde(rename = "_source")]
        source: Box<RawValue>,
    }
    let mut communities: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    let file = format!("documents/tiny-7/stats-community-{kind}-2025.ndjson.gz");
    for line in fixtures::lines(file).unwrap() {
        let hit: Hit = serde_json::from_str(&line).unwrap();
        let (community, _day) = hit.id.split_at(hit.id.len() - "-YYYY-MM-DD".len());
        let document = (hit.id.clone(), hit.source.get().to_owned());
        communities.entry(community.to_owned()).or_default().push(document);
    }
    communities
        .into_iter()
        .map(|(community, mut documents)| {
            documents.sort();
            (community, documents.into_iter().map(|(_, source)| source).collect())
        })
        .collect()
}

#[test]
fn all_cells_of_the_small_corpus_equal_the_reference() {
    let cells: Vec<Cell> =
        serde_json::from_slice(&fixtures::bytes("series/tiny-7.json").unwrap()).unwrap();
    assert_eq!(cells.len(), 4 * 4 * 2);
    let layout = Selection::Components(Layouts::default().components(LayoutOwner::Global));
    let kinds = [
        ("record_delta", "records-delta-added"),
        ("record_snapshot", "records-snapshot-added"),
        ("usage_delta", "usage-delta"),
        ("usage_snapshot", "usage-snapshot"),
    ];
    for (name, file) in kinds {
        let category: Category = name.parse().unwrap();
        for (community, documents) in corpus(file) {
            // One pass makes the full and the optimised response.
            let specs = [Selection::All, layout.clone()]
                .map(|selection| ResponseSpec { category, selection });
            let mut builder = SeriesBuilder::new(&SeriesConfig::default(), &specs).unwrap();
            for document in &documents {
                builder.feed("", document.as_bytes());
            }
            for (index, optimize) in [(0, false), (1, true)] {
                let cell = cells
                    .iter()
                    .find(|cell| {
                        cell.category == name
                            && cell.community == community
                            && cell.optimize == optimize
                    })
                    .unwrap();
                let actual = written(&builder, index).unwrap();
                let form = if optimize { "optimized" } else { "full" };
                let golden =
                    format!("series/tiny-7/{name}.{community}.{}.{form}.json.gz", cell.year);
                let expected = String::from_utf8(fixtures::bytes(golden).unwrap()).unwrap();
                let (actual, expected) = (Some(actual), Some(expected));
                assert!(
                    actual == expected,
                    "{name} of {community}, {form}: {}",
                    difference(&actual, &expected)
                );
                let actual = actual.unwrap();
                assert_eq!(documents.len(), cell.documents);
                assert_eq!(actual.len(), cell.bytes);
                assert_eq!(hex(&Sha256::digest(&actual)), cell.sha256);
            }
        }
    }
}

#[test]
fn empty_responses_have_the_lengths_and_hashes_of_the_specification() {
    let layout = || Selection::Components(Layouts::default().components(LayoutOwner::Global));
    let nothing = || Selection::Components(std::iter::empty().collect());
    let table = [
        (Category::RecordDelta, Selection::All, 1581, "27c98bc998762ebb"),
        (Category::RecordSnapshot, Selection::All, 1581, "456e978f7b5d069c"),
        (Category::UsageDelta, Selection::All, 2439, "8935fded54a0d751"),
        (Category::UsageSnapshot, Selection::All, 6602, "ade72905aae41985"),
        (Category::RecordDelta, layout(), 1333, "dcc9b10bbf4c415d"),
        (Category::RecordSnapshot, layout(), 1321, "3291f108f36748e6"),
        (Category::UsageDelta, layout(), 636, "7d75848a84c10c59"),
        (Category::UsageSnapshot, layout(), 2843, "1caca71d3ae915a6"),
        (Category::RecordDelta, nothing(), 1345, "5782243bb5d72ed9"),
        (Category::RecordSnapshot, nothing(), 1345, "2ba389976a2445a6"),
        (Category::UsageDelta, nothing(), 777, "112eb142841ce50f"),
        (Category::UsageSnapshot, nothing(), 3069, "67fde88677853db6"),
    ];
    for (category, selection, length, hash) in table {
        let text = response::<&[u8]>(category, selection, &[]).unwrap();
        assert_eq!(text.len(), length, "{category}");
        assert!(hex(&Sha256::digest(&text)).starts_with(hash), "{category}");
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
