//! Laws that hold for any documents.

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use stats_model::{Category, DocumentKind};
use stats_series::{
    ComponentNames, LayoutOwner, Layouts, ResponseSpec, Selection, SeriesBuilder, SeriesConfig,
};

use crate::support::{response, written};

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => (0..3_000_000_000_u64).prop_map(Value::from),
        2 => (0..3_000_000_u32).prop_map(|value| json!(f64::from(value))),
        1 => Just(Value::Null),
        1 => (-5..5_i32).prop_map(Value::from),
        1 => any::<f64>().prop_map(|value| json!(value)),
        1 => "[0-9]{1,3}".prop_map(Value::from),
    ]
}

fn counts(names: &'static [&'static str]) -> impl Strategy<Value = Value> {
    prop::collection::vec((0..names.len(), number()), 0..=names.len()).prop_map(|members| {
        members.into_iter().map(|(name, value)| (names[name].to_owned(), value)).collect()
    })
}

const VIEW: &[&str] = &["total_events", "unique_visitors", "unique_records", "unique_parents"];
const DOWNLOAD: &[&str] = &[
    "total_events",
    "unique_visitors",
    "unique_records",
    "unique_parents",
    "unique_files",
    "total_volume",
];

fn item() -> impl Strategy<Value = Value> {
    let id = prop_oneof![
        8 => "[a-e]".prop_map(Value::from),
        1 => Just(json!("a\"é\n")),
        1 => Just(json!(1)),
        1 => Just(Value::Null),
    ];
    let label = prop::option::of(prop_oneof![
        Just(json!({"en": "E"})),
        "[A-C]{0,2}".prop_map(Value::from),
        Just(Value::Null)
    ]);
    (prop::option::weighted(0.95, id), label, counts(VIEW), counts(DOWNLOAD)).prop_map(
        |(id, label, view, download)| {
            let mut item = Map::new();
            item.extend(id.map(|id| ("id".to_owned(), id)));
            item.extend(label.map(|label| ("label".to_owned(), label)));
            item.insert("view".to_owned(), view);
            item.insert("download".to_owned(), download);
            Value::Object(item)
        },
    )
}

fn items() -> impl Strategy<Value = Value> {
    prop::collection::vec(item(), 0..6).prop_map(Value::Array)
}

/// Usage documents: a snapshot and a delta at once, since each kind reads its own fields.
fn document() -> impl Strategy<Value = Value> {
    let day = (2030..2032_u32, 1..13_u32, 1..29_u32)
        .prop_map(|(year, month, day)| format!("{year}-{month:02}-{day:02}T00:00:00"));
    (day, counts(VIEW), counts(DOWNLOAD), items(), items(), items()).prop_map(
        |(day, view, download, plain, by_view, by_download)| {
            json!({
                "snapshot_date": day,
                "period_start": day,
                "totals": {"view": view, "download": download},
                "subcounts": {
                    "countries": {"by_view": by_view, "by_download": by_download},
                    "file_types": plain,
                    "languages": plain,
                },
            })
        },
    )
}

fn texts(documents: &[Value]) -> Vec<String> {
    documents.iter().map(Value::to_string).collect()
}

fn layout() -> Selection {
    Selection::Components(Layouts::default().components(LayoutOwner::Global))
}

fn builder(specs: &[ResponseSpec]) -> SeriesBuilder {
    SeriesBuilder::new(&SeriesConfig::default(), specs).unwrap()
}

/// Every response of a kind, full and optimised.
fn all_specs(kind: DocumentKind) -> Vec<ResponseSpec> {
    Category::ALL
        .into_iter()
        .filter(|category| category.kind() == kind)
        .flat_map(|category| {
            [Selection::All, layout()].map(|selection| ResponseSpec { category, selection })
        })
        .collect()
}

/// The series ids of every metric, in order.
fn series_order(response: &str) -> Vec<(String, String, Vec<Value>)> {
    let response: Map<String, Value> = serde_json::from_str(response).unwrap();
    let mut order = Vec::new();
    for (block, metrics) in response {
        for (metric, series) in metrics.as_object().unwrap() {
            let ids = series.as_array().unwrap().iter().map(|series| series["id"].clone());
            order.push((block.clone(), metric.clone(), ids.collect()));
        }
    }
    order
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// One pass for many responses, in any order of asking, makes what single passes make.
    #[test]
    fn one_pass_or_many_give_the_same_bytes(
        documents in prop::collection::vec(document(), 0..6),
        rotation in 0..6_usize,
    ) {
        for kind in [DocumentKind::UsageDelta, DocumentKind::UsageSnapshot] {
            let mut specs = all_specs(kind);
            let count = specs.len();
            specs.rotate_left(rotation % count);
            let mut together = builder(&specs);
            for document in texts(&documents) {
                together.feed("", document.as_bytes());
            }
            for (index, spec) in specs.iter().enumerate() {
                let alone = response(spec.category, spec.selection.clone(), &texts(&documents));
                match (written(&together, index), alone) {
                    (Ok(together), Ok(alone)) => prop_assert_eq!(together, alone),
                    (together, alone) => prop_assert_eq!(together.is_ok(), alone.is_ok()),
                }
            }
        }
    }

    /// White space between tokens, and so the way an item is read, changes nothing.
    #[test]
    fn the_form_of_the_text_changes_nothing(
        documents in prop::collection::vec(document(), 0..6),
    ) {
        let spaced: Vec<String> = documents
            .iter()
            .map(|document| serde_json::to_string_pretty(document).unwrap())
            .collect();
        let mixed: Vec<String> = texts(&documents)
            .into_iter()
            .zip(&spaced)
            .enumerate()
            .map(|(index, (dense, spaced))| if index % 2 == 0 { dense } else { spaced.clone() })
            .collect();
        let dense = response(Category::UsageSnapshot, Selection::All, &texts(&documents));
        prop_assert_eq!(&dense, &response(Category::UsageSnapshot, Selection::All, &spaced));
        prop_assert_eq!(&dense, &response(Category::UsageSnapshot, Selection::All, &mixed));
    }

    /// An optimised response is the full one without the metrics that nothing shows.
    #[test]
    fn a_filtered_full_response_is_the_optimised_one(
        documents in prop::collection::vec(document(), 0..6),
        names in prop::sample::subsequence(component_names(), 0..6),
    ) {
        let selection = Selection::Components(ComponentNames::from_iter(names));
        for category in Category::ALL {
            let full = response(category, Selection::All, &texts(&documents));
            let optimised = response(category, selection.clone(), &texts(&documents));
            let (Ok(full), Ok(optimised)) = (full, optimised) else { continue };
            let mut full: Map<String, Value> = serde_json::from_str(&full).unwrap();
            let wanted: Map<String, Value> = serde_json::from_str(&optimised).unwrap();
            let empty = response::<&[u8]>(category, selection.clone(), &[]).unwrap();
            let empty: Map<String, Value> = serde_json::from_str(&empty).unwrap();
            for (block, metrics) in &mut full {
                let kept = empty[block].as_object().unwrap();
                metrics.as_object_mut().unwrap().retain(|metric, _| kept.contains_key(metric));
            }
            prop_assert_eq!(Value::Object(full).to_string(), Value::Object(wanted).to_string());
        }
    }

    /// What is fed later never changes the order of the series that were there.
    #[test]
    fn later_documents_only_append_series(
        documents in prop::collection::vec(document(), 1..6),
        more in prop::collection::vec(document(), 0..3),
    ) {
        let before = response(Category::UsageSnapshot, Selection::All, &texts(&documents));
        let all: Vec<Value> = documents.into_iter().chain(more).collect();
        let after = response(Category::UsageSnapshot, Selection::All, &texts(&all));
        let (Ok(before), Ok(after)) = (before, after) else { return Ok(()) };
        for (old, new) in series_order(&before).iter().zip(series_order(&after)) {
            prop_assert_eq!((&old.0, &old.1), (&new.0, &new.1));
            prop_assert!(new.2.starts_with(&old.2));
        }
    }
}

fn component_names() -> Vec<String> {
    ["ContentStatsChart", "StatsMap", "CountriesMultiDisplayViews", "SingleStatViews", "Unknown"]
        .map(str::to_owned)
        .to_vec()
}
