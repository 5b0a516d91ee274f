//! Answers of searches: all of them, or an error of their file.

use crate::import::gzip;
use crate::import_forms::{INDEX, hits, imported, is_read, pretty, refusal, source, utf16};

pub(crate) fn answer(total: &str, hits: &[String]) -> String {
    let hits = hits.join(",");
    let shards = r#"{"total":1,"successful":1,"failed":0}"#;
    format!(
        r#"{{"took":3,"timed_out":false,"_shards":{shards},"hits":{{"total":{total},"hits":[{hits}]}}}}"#
    )
}

#[test]
fn search_answers_and_arrays_are_read() {
    let three = hits(1..=3);
    let total = r#"{"value":3,"relation":"eq"}"#;
    let whole = answer(total, &three);
    let pages = format!("{}\n{}\n", answer(total, &three[..2]), answer(total, &three[2..]));
    let array = format!("[{}]", three.join(","));
    let several = format!("{{\"took\":1,\"responses\":[{whole}]}}");
    for (text, what) in [
        (whole.clone(), "one line"),
        (pretty(&whole), "pretty"),
        (pages.clone(), "pages"),
        (format!("[{}]", pages.trim().replace('\n', ",")), "an array of pages"),
        (
            pretty(&answer(total, &three[..2])) + &pretty(&answer(total, &three[2..])),
            "pretty pages",
        ),
        (several, "the answers of one _msearch"),
        (array.clone(), "an array"),
        (pretty(&array), "a pretty array"),
        (format!("[\n{}\n]\n", three.join(",\n")), "an array with a hit a line"),
        (format!("\u{feff}{array}"), "with a byte order mark"),
        (three.iter().map(|hit| pretty(hit) + "\n").collect(), "pretty hits"),
    ] {
        is_read(&text, 3, what);
        is_read(utf16(&text, true), 3, what);
        is_read(gzip(&utf16(&text, false)), 3, what);
    }
}

#[test]
fn answers_that_are_not_all_are_refused() {
    let three = hits(1..=3);
    let at_least = r#"{"value":3,"relation":"gte"}"#;
    let not_all = [
        answer("4", &three),
        answer(at_least, &three),
        answer("3", &three) + &answer("3", &three[..1]),
        // The same page again and again, as of a script that asks for the first one each time.
        answer("3", &three[..1]).repeat(3),
        answer("3", &three[..2]) + &answer("3", &three[1..2]),
        answer(at_least, &three[..2]).repeat(2) + &answer(at_least, &three[2..]),
        answer("3", &three).replace("\"timed_out\":false", "\"timed_out\":true"),
        answer("3", &three).replace("\"failed\":0", "\"failed\":1"),
        answer("3", &three).replace("\"total\":3,\"hits\":[", "\"hits\":["),
    ];
    for text in not_all {
        let message = refusal(&text);
        assert!(message.contains("elasticdump"), "{message}");
    }
    let whole = answer("3", &three);
    for end in (1..whole.len()).step_by(97) {
        let (report, _) = imported(&whole.as_bytes()[..end], None);
        assert!(!report.is_complete(), "cut at {end}: {report:?}");
    }
}

#[test]
fn several_searches_with_one_total_are_read() {
    let (three, others) = (hits(1..=3), hits(4..=6));
    let pages = |hits: &[String]| answer("3", &hits[..2]) + "\n" + &answer("3", &hits[2..]) + "\n";
    is_read(pages(&three).repeat(2), 3, "one search, exported twice");
    is_read(answer("3", &three).repeat(2), 3, "one answer twice");
    is_read(pages(&three) + &pages(&others), 6, "two searches");
    is_read(answer("3", &three) + &answer("3", &hits(2..=4)), 4, "two that find the same");
    // Documents of one id in two indices are two, as for the search engine.
    let elsewhere: Vec<String> = three.iter().map(|hit| hit.replace("2025\"", "2026\"")).collect();
    is_read(pages(&three) + &pages(&elsewhere), 3, "two searches in two indices");
    // Hits without an id, as `filter_path` leaves them.
    let bare = |hits: &[String]| -> Vec<String> {
        hits.iter().map(|hit| format!("{{\"_source\":{}}}", source(hit))).collect()
    };
    let (report, stored) = imported(pages(&bare(&three)), Some(INDEX));
    assert!(report.is_complete() && stored == 3, "{report:?}");
    let (report, _) = imported(answer("3", &bare(&three[..1])).repeat(3), Some(INDEX));
    assert_eq!(report.lost.len(), 4, "{report:?}");
}
