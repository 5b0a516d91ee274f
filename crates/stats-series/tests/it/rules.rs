//! What the reference's cases cannot show: failures by name, derived categories, one pass for
//! many responses, repeated members.

use stats_model::Category;
use stats_series::{FloatStyle, ResponseSpec, Selection, SeriesBuilder, SeriesConfig};

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

fn delta(members: &str) -> Result<String, String> {
    let document = format!(r#"{{"period_start":"2031-04-02",{members}}}"#);
    response(Category::RecordDelta, Selection::All, &[document]).map_err(|error| error.to_string())
}

#[test]
fn numbers_that_python_reads_or_counts_beyond_json_go_in_and_out_as_there() {
    for (members, part) in [
        (r#""uploaders":NaN"#, r#"[["04-02",null]]"#),
        (r#""uploaders":[-Infinity,{"a":Infinity}]"#, r#"[["04-02",[null,{"a":null}]]]"#),
        (
            r#""records":{"added":{"a":1,"b":NaN},"removed":{}},"uploaders":-Infinity"#,
            r#"{"global":{"records":[{"id":"global","name":"Global","data":[["04-02",null]]"#,
        ),
        (
            r#""files":{"added":{"data_volume":1e300},"removed":{"data_volume":1e300}}"#,
            r#"{"id":"with_files","name":"With Files","data":[["04-02",0]]"#,
        ),
        (
            r#""records":{"added":{"a":9223372036854775807,"b":9},"removed":{"a":-3}}"#,
            r#"[["04-02",9223372036854775819]]"#,
        ),
        (
            r#""subcounts":{"rights":[{"id":"x","label":[NaN,1e999,-0,100000000000000000000]}]}"#,
            r#""name":"[nan, inf, 0, 100000000000000000000]""#,
        ),
        (
            r#""subcounts":{"rights":[{"id":NaN},{"id":NaN}]}"#,
            r#"{"id":null,"name":"nan","data":[]"#,
        ),
    ] {
        let made = delta(members).unwrap();
        assert!(made.contains(part), "{part} in {made}");
    }
    for (members, problem) in [
        (
            r#""files":{"added":{"data_volume":Infinity}}"#,
            "added.data_volume: expected a number or",
        ),
        (
            r#""records":{"added":{"metadata_only":NaN}}"#,
            "added.metadata_only: expected a number or",
        ),
        (r#""uploaders":18446744073709551616"#, "outside the range of 64 bits"),
        (r#""uploaders":-NaN"#, "expected a digit"),
        (r#""other":[Nan]"#, "expected a JSON value"),
    ] {
        let error = delta(members).unwrap_err();
        assert!(error.contains(problem), "{members}: {error}");
    }
    let huge = format!("1{}", "0".repeat(400));
    let error = delta(&format!(r#""records":{{"added":{{"a":1.5,"b":{huge}}},"removed":{{}}}}"#));
    assert!(error.unwrap_err().contains("too large to be added to a float"));
    let digits = "7".repeat(4_301);
    assert!(delta(&format!(r#""unread":{digits}"#)).unwrap_err().contains("4300 digits"));
    assert!(delta(&format!(r#""unread":{digits}.0"#)).is_ok());
}

#[test]
fn halves_of_surrogate_pairs_fail_only_where_they_would_be_written() {
    for (members, written) in [
        (r#""uploaders":1,"unread":"\ud800""#, true),
        (r#""uploaders":"\ud800""#, false),
        (r#""uploaders":{"\udc00":1}"#, false),
        (r#""subcounts":{"rights":[{"id":"x","label":["\ud800"]}]}"#, true),
        (r#""subcounts":{"rights":[{"id":"x","label":"\ud800"}]}"#, false),
        (r#""subcounts":{"rights":[{"id":"x","label":{"\ud800":1}}]}"#, false),
        (r#""subcounts":{"rights":[{"id":"\ud800"}]}"#, false),
        (r#""subcounts":{"rights":[{"id":["\ud800"]}]}"#, false),
        (r#""subcounts":{"\ud800":[1]}"#, true),
    ] {
        assert_eq!(delta(members).is_ok(), written, "{members}");
    }
    let made = delta(
        r#""subcounts":{"rights":[{"id":"x","label":["\ud800",{"\udc00'":"\ud83d\udc19"}]}]}"#,
    );
    assert!(made.unwrap().contains(r#""name":"['\\ud800', {\"\\udc00'\": '🐙'}]""#));
}

#[test]
fn a_date_with_half_of_a_surrogate_pair_fails_the_arrays_that_write_it() {
    let dated = |category, date: &str, members: &str| {
        let document = format!(r#"{{"period_start":"{date}",{members}}}"#);
        response(category, Selection::All, &[document])
    };
    let made = dated(Category::UsageDelta, "2031-04-02T\\ud800", r#""totals":{}"#).unwrap();
    assert!(made.contains(r#"[["04-02",0]]"#));
    for (members, written) in [(r#""totals":{}"#, false), (r#""totals":null"#, true)] {
        let made = dated(Category::UsageDelta, "2031-04-02\\ud800", members);
        assert_eq!(made.is_ok(), written, "{members}");
    }
}

#[test]
fn depth_counts_where_a_value_is_written_and_where_the_document_is_read() {
    let nested =
        |depth: usize, inside: &str| format!("{}{inside}{}", "[".repeat(depth), "]".repeat(depth));
    for (depth, inside, written) in
        [(248, "1", true), (249, "1", false), (249, "", true), (250, "", false), (9_000, "", false)]
    {
        let made = delta(&format!(r#""uploaders":{}"#, nested(depth, inside)));
        assert_eq!(made.is_ok(), written, "{depth} around '{inside}'");
    }
    let item = |id: &str, label: &str| {
        delta(&format!(r#""subcounts":{{"rights":[{{"id":{id},"label":{label}}}]}}"#))
    };
    assert!(item(&nested(250, "1"), "1").is_ok());
    assert!(item(&nested(251, "1"), "1").is_err());
    assert!(item(&nested(9_000, ""), "1").unwrap_err().contains("nested too deeply"));
    // A list as a label is printed, whatever its depth.
    assert!(item("1", &nested(9_000, "")).unwrap().contains(&nested(9_000, "")));
    assert!(item("1", &format!(r#"{{"en":{}}}"#, nested(249, "1"))).is_ok());
    assert!(item("1", &format!(r#"{{"en":{}}}"#, nested(250, "1"))).is_err());
    // Unread, and as deep as the reference reads.
    assert!(delta(&format!(r#""unread":{}"#, nested(9_992, ""))).is_ok());
    assert!(delta(&format!(r#""unread":{}"#, nested(9_993, ""))).is_err());
    for open in ["[", "{\"a\":"] {
        for place in ["\"unread\":", "\"uploaders\":", "\"subcounts\":{\"rights\":[{\"id\":"] {
            let error = delta(&format!("{place}{}", open.repeat(1 << 18))).unwrap_err();
            assert!(error.contains("nested too deeply"), "{error}");
        }
    }
}
