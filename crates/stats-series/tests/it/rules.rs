//! What the reference's cases cannot show: failures by name, derived categories, one pass for
//! many responses, repeated members.

use stats_series::{Category, FloatStyle, ResponseSpec, Selection, SeriesBuilder, SeriesConfig};

use crate::support::{response, written};

fn full(category: Category, documents: &[&str]) -> String {
    response(category, Selection::All, documents).unwrap()
}

fn failure(category: Category, documents: &[&str]) -> String {
    response(category, Selection::All, documents).unwrap_err().to_string()
}

const DELTA: &str = r#"{"period_start":"2031-04-02T00:00:00",
    "records":{"added":{"metadata_only":3,"with_files":5},"removed":{"metadata_only":1,"with_files":0}},
    "parents":{"added":{"metadata_only":2,"with_files":5},"removed":{"metadata_only":0,"with_files":0}},
    "files":{"added":{"file_count":9,"data_volume":4096.0},"removed":{"file_count":1,"data_volume":96.0}},
    "uploaders":2,
    "subcounts":{"languages":[{"id":"swe","label":{"en":"Swedish"},
      "records":{"added":{"metadata_only":1,"with_files":2},"removed":{"metadata_only":0,"with_files":2}},
      "parents":{"added":{"metadata_only":1,"with_files":2},"removed":{"metadata_only":0,"with_files":2}},
      "files":{"added":{"file_count":4,"data_volume":8.0},"removed":{"file_count":3,"data_volume":0.0}}}]}}"#;

#[test]
fn a_refused_document_names_document_field_and_reason() {
    for (category, document, expected) in [
        (
            Category::RecordDelta,
            r#"{"period_start":"2031-04-02","files":null}"#,
            "document 2 (document-1), field files: expected an object",
        ),
        (
            Category::UsageDelta,
            r#"{"period_start":"2031-04-02","totals":{"view":null}}"#,
            "document 2 (document-1), field totals.view: expected an object",
        ),
        (
            Category::UsageSnapshot,
            r#"{"snapshot_date":"2031-04-02","subcounts":{"rights":{"by_view":[1]}}}"#,
            "document 2 (document-1), field subcounts.rights.by_view[0]: expected an object",
        ),
        (
            Category::RecordSnapshot,
            r#"{"snapshot_date":"2031-04-02","subcounts":7}"#,
            "document 2 (document-1), field subcounts: expected an object",
        ),
        (
            Category::UsageDelta,
            r#"{"period_start":20310402}"#,
            "document 2 (document-1), field period_start: expected text",
        ),
        (
            Category::UsageDelta,
            r#"{"period_start":"2031-04-02","totals":{"view":{"total_events":99999999999999999999}}}"#,
            "document 2 (document-1), field views: an integer outside the range of 64 bits",
        ),
        (
            Category::UsageDelta,
            r#"{"period_start":"2031-04-02","totals":{"view":{"#,
            "document 2 (document-1): not valid JSON at byte 47: the document ends in the middle",
        ),
        (
            Category::UsageDelta,
            r"[]",
            "document 2 (document-1): not valid JSON at byte 0: a document must be an object",
        ),
    ] {
        let good = r#"{"period_start":"2031-04-01","snapshot_date":"2031-04-01","totals":{},
            "total_records":{"metadata_only":0,"with_files":0},
            "total_parents":{"metadata_only":0,"with_files":0}}"#;
        assert_eq!(failure(category, &[good, document, good]), expected);
    }
}

#[test]
fn derived_record_deltas_show_one_half_of_every_counter() {
    let added = full(Category::RecordDeltaDataAdded, &[DELTA]);
    for part in [
        r#"{"global":{"records":[{"id":"global","name":"Global","data":[["04-02",8]]"#,
        r#""uploaders":[{"id":"global","name":"Global","data":[["04-02",2]]"#,
        r#""languages":{"records":[{"id":"swe","name":{"en":"Swedish"},"data":[["04-02",3]]"#,
        r#"{"id":"with_files","name":"With Files","data":[["04-02",4096]]"#,
    ] {
        assert!(added.contains(part), "{part} in {added}");
    }
    let removed = full(Category::RecordDeltaDataRemoved, &[DELTA]);
    assert!(!removed.contains("uploaders"));
    for part in [
        r#"{"global":{"records":[{"id":"global","name":"Global","data":[["04-02",1]]"#,
        r#""dataVolume":[{"id":"swe","name":{"en":"Swedish"},"data":[["04-02",0.0]]"#,
        r#""languages":{"records":[{"id":"swe","name":{"en":"Swedish"},"data":[["04-02",2]]"#,
    ] {
        assert!(removed.contains(part), "{part} in {removed}");
    }
}

#[test]
fn a_derived_response_does_not_look_at_the_other_half() {
    let document = r#"{"period_start":"2031-04-02","records":{"added":{"a":1},"removed":7}}"#;
    assert!(failure(Category::RecordDelta, &[document]).contains("records.removed"));
    assert!(failure(Category::RecordDeltaDataRemoved, &[document]).contains("records.removed"));
    assert!(full(Category::RecordDeltaDataAdded, &[document]).contains(r#"[["04-02",1]]"#));

    let document = r#"{"period_start":"2031-04-02","totals":{"view":null,"download":{}}}"#;
    assert!(failure(Category::UsageDeltaDataViews, &[document]).contains("totals.view"));
    assert!(full(Category::UsageDeltaDataDownloads, &[document]).contains(r#"[["04-02",0]]"#));
}

#[test]
fn one_pass_makes_every_response_as_a_pass_of_its_own_would() {
    let categories =
        [Category::RecordDelta, Category::RecordDeltaDataAdded, Category::RecordDeltaDataRemoved];
    let specs = categories.map(|category| ResponseSpec { category, selection: Selection::All });
    let mut together = SeriesBuilder::new(&SeriesConfig::default(), &specs).unwrap();
    together.feed("one", DELTA.as_bytes());
    for (index, category) in categories.into_iter().enumerate() {
        assert_eq!(written(&together, index).unwrap(), full(category, &[DELTA]));
    }
}

#[test]
fn the_last_of_repeated_members_counts_at_every_level() {
    let once = r#"{"snapshot_date":"2031-04-02","totals":{},"subcounts":{"rights":
        {"by_view":[{"id":"b","view":{"total_events":2}}]},"file_types":[]}}"#;
    for twice in [
        once.replace(r#""totals":{}"#, r#""totals":{"view":{"total_events":9}},"totals":{}"#),
        once.replace(r#""snapshot_date""#, r#""snapshot_date":"1999-01-01","snapshot_date""#),
        once.replace(
            r#""subcounts":"#,
            r#""subcounts":{"rights":{"by_view":[{"id":"a"}]}},"subcounts":"#,
        ),
        once.replace(r#"{"rights":"#, r#"{"rights":{"by_view":[{"id":"a"}]},"rights":"#),
        once.replace(r#"{"by_view":"#, r#"{"by_view":[{"id":"a"}],"by_view":"#),
        once.replace(r#"{"id":"b","#, r#"{"id":"a","id":"b","#),
        once.replace(r#""view":{"#, r#""view":null,"view":{"#),
        once.replace(r#"{"total_events":2}"#, r#"{"total_events":1,"total_events":2}"#),
    ] {
        assert_ne!(twice, once);
        let expected = full(Category::UsageSnapshot, &[once]);
        assert_eq!(full(Category::UsageSnapshot, &[&twice]), expected, "{twice}");
    }
}

#[test]
fn large_floats_follow_the_switch() {
    let document = r#"{"period_start":"2031-04-02","totals":{"download":{"total_volume":1e16}}}"#;
    let spec = ResponseSpec { category: Category::UsageDelta, selection: Selection::All };
    let mut builder = SeriesBuilder::new(&SeriesConfig::default(), &[spec]).unwrap();
    builder.feed("one", document.as_bytes());
    for (style, expected) in
        [(FloatStyle::Plain, r#"["04-02",1e16]"#), (FloatStyle::Signed, r#"["04-02",1e+16]"#)]
    {
        let mut out = Vec::new();
        builder.write(0, style, &mut out).unwrap();
        assert!(String::from_utf8(out).unwrap().contains(expected));
    }
}

#[test]
fn a_failed_writer_is_reported() {
    let spec = ResponseSpec { category: Category::UsageDelta, selection: Selection::All };
    let builder = SeriesBuilder::new(&SeriesConfig::default(), &[spec]).unwrap();
    let error = builder.write(0, FloatStyle::Plain, &mut [0_u8; 10].as_mut_slice()).unwrap_err();
    assert_eq!(error.to_string(), "writing a response");
}
