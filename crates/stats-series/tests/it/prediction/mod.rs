//! Reading by looks equals reading by the rules, byte for byte and failure for failure, on
//! documents made to break what it rests on (the opening comment of `predict`).

mod choices;
mod generate;
mod mutate;
mod render;

use proptest::prelude::*;
use stats_model::{Category, DocumentKind};
use stats_series::{
    ComponentNames, LayoutOwner, Layouts, ResponseSpec, Selection, SeriesBuilder, SeriesConfig,
};
use stats_testkit::fixtures;

use self::choices::{Choices, Stream};
use self::generate::run;
use self::mutate::mutated;
use crate::golden::{Case, corpus};
use crate::support::{documents, written};

/// Selection modes.
const MODES: usize = 4;

/// Every category of a kind in every selection mode.
pub(crate) fn all_specs(kind: DocumentKind) -> Vec<ResponseSpec> {
    let layout = || Selection::Components(Layouts::default().components(LayoutOwner::Global));
    let one = || Selection::Components(ComponentNames::from_iter(["StatsMap".to_owned()]));
    let none = || Selection::Components(std::iter::empty().collect());
    Category::ALL
        .into_iter()
        .filter(|category| category.kind() == kind)
        .flat_map(|category| {
            [Selection::All, layout(), one(), none()]
                .map(|selection| ResponseSpec { category, selection })
        })
        .collect()
}

/// Feeds the documents both ways and compares every response; returns how much was predicted.
pub(crate) fn compare<D: AsRef<[u8]>>(
    specs: &[ResponseSpec],
    documents: &[D],
) -> Result<u64, TestCaseError> {
    let config = SeriesConfig::default();
    let mut predicted = SeriesBuilder::new(&config, specs).unwrap();
    let mut by_rules = SeriesBuilder::new(&config, specs).unwrap().without_prediction();
    for (index, document) in documents.iter().enumerate() {
        let id = format!("document-{index}");
        predicted.feed(&id, document.as_ref());
        by_rules.feed(&id, document.as_ref());
    }
    for (index, spec) in specs.iter().enumerate() {
        let (fast, slow) = (written(&predicted, index), written(&by_rules, index));
        if fast != slow {
            let texts: Vec<_> =
                documents.iter().map(|text| String::from_utf8_lossy(text.as_ref())).collect();
            prop_assert_eq!(fast, slow, "{:?}\n{}", spec, texts.join("\n"));
        }
    }
    assert_eq!(by_rules.predicted(), 0);
    Ok(predicted.predicted())
}

fn kinds() -> impl Strategy<Value = DocumentKind> {
    prop::sample::select(DocumentKind::ALL.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// The same document with other numbers, first, second, third and more often, in one pass for
    /// every response of its kind.
    #[test]
    fn both_ways_make_the_same_bytes(
        kind in kinds(),
        choices in prop::collection::vec(any::<u32>(), 0..400),
    ) {
        let documents = run(&mut Choices::of(choices), kind);
        compare(&all_specs(kind), &documents)?;
    }
}

/// Both ways were there to compare.
#[expect(clippy::print_stdout, reason = "the figures of a long run, shown with --nocapture")]
fn report(documents: u64, predicted: u64) {
    println!("{documents} documents, {predicted} items and totals read by their looks");
    assert!(predicted > documents / 8, "{predicted} predicted of {documents} documents");
}

/// One response: the full one of a category, or any.
fn one_of<'a>(stream: &mut Stream, specs: &'a [ResponseSpec]) -> &'a [ResponseSpec] {
    let mut spec = stream.pick(specs.len() as u32) as usize;
    if stream.pick(2) == 0 {
        // Each category comes with its full response first.
        spec -= spec % MODES;
    }
    &specs[spec..=spec]
}

/// Structured random documents in one process; `documents` of them.
fn fuzz(documents: u64, seed: u64) {
    let specs = DocumentKind::ALL.map(all_specs);
    let mut stream = Stream::new(seed);
    let (mut fed, mut predicted) = (0, 0);
    while fed < documents {
        for (kind, specs) in DocumentKind::ALL.into_iter().zip(&specs) {
            let run = run(&mut stream, kind);
            predicted += compare(one_of(&mut stream, specs), &run).unwrap();
            fed += run.len() as u64;
        }
    }
    report(fed, predicted);
}

/// How many documents a test makes up: so many, or what `COMMUNITY_STATS_TEST_DOCUMENTS` says.
fn how_many(usually: u64) -> u64 {
    std::env::var("COMMUNITY_STATS_TEST_DOCUMENTS")
        .map_or(usually, |documents| documents.parse().unwrap())
}

#[test]
fn fuzzed_documents_make_no_difference_and_no_panic() {
    fuzz(how_many(8_000), 1);
}

/// Real documents with bytes changed, doubled, moved and cut out.
fn fuzz_bytes(documents: u64, seed: u64) {
    let mut stream = Stream::new(seed);
    let mut runs: Vec<(DocumentKind, Vec<Vec<u8>>)> = Vec::new();
    for line in fixtures::lines("series/cases.ndjson.gz").unwrap() {
        let case: Case = serde_json::from_str(&line).unwrap();
        let category: Category = case.category.parse().unwrap();
        let texts = self::documents(&case.documents).into_iter().map(<[u8]>::to_vec).collect();
        runs.push((category.kind(), texts));
    }
    let regular = runs.len();
    for (kind, file) in [
        (DocumentKind::RecordDelta, "records-delta-added"),
        (DocumentKind::RecordSnapshot, "records-snapshot-added"),
        (DocumentKind::UsageDelta, "usage-delta"),
        (DocumentKind::UsageSnapshot, "usage-snapshot"),
    ] {
        for texts in corpus(file).into_values() {
            runs.push((kind, texts.into_iter().map(String::into_bytes).take(5).collect()));
        }
    }
    let (mut fed, mut predicted) = (0, 0);
    while fed < documents {
        let from = if stream.pick(2) == 0 { regular } else { 0 };
        let (kind, texts) = &runs[from + stream.pick((runs.len() - from) as u32) as usize];
        let specs = all_specs(*kind);
        let mut texts = texts.clone();
        for _ in 0..=stream.pick(2) {
            // The same damage at the same place of several documents is what prediction meets.
            let damage = stream.next();
            for text in &mut texts {
                if stream.pick(8) > 0 {
                    *text = mutated(text, &mut Stream::new(damage));
                }
            }
        }
        predicted += compare(one_of(&mut stream, &specs), &texts).unwrap();
        fed += texts.len() as u64;
    }
    report(fed, predicted);
}

#[test]
fn damaged_documents_make_no_difference_and_no_panic() {
    fuzz_bytes(how_many(1_500), 3);
}
