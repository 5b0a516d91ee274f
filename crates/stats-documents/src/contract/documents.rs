//! Cases about reading documents: order, bytes, selection, threads.

use std::ops::ControlFlow;

use stats_model::DocumentKind;

use super::{GivenDocument, Harness, KIND, Visited, given, ids, ok, shelf, visited};
use crate::{ShelfFilter, SourceErrorKind};

pub(super) fn documents_come_in_order(harness: &mut dyn Harness) {
    // Upper case before lower case, `-` before digits, ASCII before everything else; two
    // documents stand on one day.
    let in_order = [
        ("zz", "2025-01-01"),
        ("A", "2025-01-02"),
        ("a", "2025-01-02"),
        ("a-2025-01-02", "2025-01-02"),
        ("a-2025-01-02-zero", "2025-01-02"),
        ("ä", "2025-01-02"),
        ("\u{ff5e}", "2025-01-02"),
        ("\u{1f600}", "2025-01-02"),
        ("0", "2025-12-31"),
    ];
    let document = |(id, day): &(&str, &str)| given(KIND, id, "a", day, 1);
    let mut documents: Vec<GivenDocument> = in_order.iter().map(document).collect();
    documents.reverse();
    documents.swap(1, 5);
    harness.put(&documents);
    let expected: Vec<&str> = in_order.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids(harness.source(), &shelf(KIND, "a", 2025)), expected);
}

pub(super) fn kinds_communities_and_years_are_apart(harness: &mut dyn Harness) {
    let mut documents = Vec::new();
    for kind in DocumentKind::ALL {
        for community in ["a", "b", "global"] {
            for year in [2023, 2024] {
                let id = format!("{community}-{year}-12-31");
                documents.push(given(kind, &id, community, &format!("{year}-12-31"), 1));
            }
        }
    }
    // The day tells the year, whatever the `_id` says.
    documents.push(given(KIND, "a-2023-01-01", "a", "2024-01-01", 1));
    harness.put(&documents);
    let source = harness.source();
    for kind in DocumentKind::ALL {
        assert_eq!(ok(source.fingerprints(kind, &ShelfFilter::default())).len(), 6);
        assert_eq!(ids(source, &shelf(kind, "b", 2023)), ["b-2023-12-31"]);
    }
    assert_eq!(ids(source, &shelf(KIND, "a", 2024)), ["a-2023-01-01", "a-2024-12-31"]);
    assert_eq!(ids(source, &shelf(KIND, "a", 2023)), ["a-2023-12-31"]);
}

pub(super) fn bytes_come_back_as_they_were(harness: &mut dyn Harness) {
    let odd = "{ \"totals\" : {\"view\":{\"total_events\":1.50e2}},\"community_id\":\"a\",\t\
               \"period_start\":\"2025-01-01T00:00:00\",\
               \"subcounts\":{\"subjects\":[{\"id\":\"\\u00e4\\/ä \u{1f600}\"}]}}";
    let mut long = given(KIND, "long", "a", "2025-01-02", 1);
    let items: Vec<String> = (0..5_000).map(|n| format!("{{\"id\":\"{}\"}}", n * n)).collect();
    long.source.truncate(long.source.len() - 1);
    long.source.push_str(&format!(",\"subcounts\":{{\"subjects\":[{}]}}}}", items.join(",")));
    let odd = GivenDocument { kind: KIND, id: "odd".to_owned(), source: odd.to_owned() };
    harness.put(&[odd.clone(), long.clone()]);
    let documents = visited(harness.source(), &shelf(KIND, "a", 2025), None);
    let sources: Vec<&[u8]> = documents.iter().map(|it| it.source.as_slice()).collect();
    assert_eq!(sources, [odd.source.as_bytes(), long.source.as_bytes()]);
}

pub(super) fn only_some_documents(harness: &mut dyn Harness) {
    let documents: Vec<GivenDocument> = (1..=28)
        .map(|n| given(KIND, &format!("x{n:02}"), "a", &format!("2025-02-{:02}", 29 - n), n))
        .collect();
    harness.put(&documents);
    harness.put(&[given(KIND, "elsewhere", "b", "2025-01-01", 1)]);
    let source = harness.source();
    let a = shelf(KIND, "a", 2025);
    let wanted = ["elsewhere", "unknown", "x01", "x17", "x28"].map(str::to_owned);
    let found: Vec<String> =
        visited(source, &a, Some(&wanted)).into_iter().map(|it| it.id).collect();
    assert_eq!(found, ["x28", "x17", "x01"], "in the order of days");
    assert!(visited(source, &a, Some(&[])).is_empty());
}

pub(super) fn a_visit_can_end_early(harness: &mut dyn Harness) {
    let documents: Vec<GivenDocument> = (1..=20)
        .map(|n| given(KIND, &format!("x{n:02}"), "a", &format!("2025-02-{n:02}"), n))
        .collect();
    harness.put(&documents);
    let a = shelf(KIND, "a", 2025);
    for most in [1, 7, 20] {
        let mut seen = 0;
        ok(harness.source().documents(&a, None, &mut |_| {
            seen += 1;
            if seen == most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }));
        assert_eq!(seen, most);
    }
    assert_eq!(ids(harness.source(), &a).len(), 20);
}

pub(super) fn unusual_ids_and_communities(harness: &mut dyn Harness) {
    let long = "long-".to_owned() + &"ü".repeat((harness.longest_id() - 5) / 2);
    let names = [
        "quote\" backslash\\ slash/ tab\t newline\n",
        "'; DROP TABLE documents; --",
        "<script>alert(1)</script>&amp;%00?a=b#c",
        "\u{202e}\u{645}\u{639}\u{631}\u{641}\u{202c} 123",
        "\u{1f469}\u{1f3fd}\u{200d}\u{1f52c}",
        "line\u{2028}separator\u{feff}",
        " a b ",
        "* OR ?",
        &long,
    ];
    let documents: Vec<GivenDocument> =
        names.iter().map(|name| given(KIND, name, name, "2025-01-01", 1)).collect();
    harness.put(&documents);
    let source = harness.source();
    let all = ok(source.fingerprints(KIND, &ShelfFilter::default()));
    assert_eq!(all.len(), names.len());
    for name in names {
        let one = shelf(KIND, name, 2025);
        assert_eq!(ids(source, &one), [name]);
        let filter = ShelfFilter { communities: vec![name.to_owned()], years: vec![2025] };
        let found = ok(source.fingerprints(KIND, &filter));
        assert!(found.keys().eq([&one]), "{found:?}");
        assert_eq!(visited(source, &one, Some(&[name.to_owned()])).len(), 1);
    }
    harness.remove(KIND, &names);
    assert!(ok(harness.source().fingerprints(KIND, &ShelfFilter::default())).is_empty());
}

pub(super) fn many_threads_may_read(harness: &mut dyn Harness) {
    let mut documents = Vec::new();
    for community in 0..6 {
        for n in 1..=28 {
            let name = format!("c{community}");
            documents.push(given(
                KIND,
                &format!("{name}-{n}"),
                &name,
                &format!("2025-02-{n:02}"),
                n,
            ));
        }
    }
    harness.put(&documents);
    let source = harness.source();
    let alone: Vec<Vec<Visited>> =
        (0..6).map(|n| visited(source, &shelf(KIND, &format!("c{n}"), 2025), None)).collect();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let alone = &alone;
            scope.spawn(move || {
                for round in 0..12 {
                    let n = (thread + round) % 6;
                    let together = visited(source, &shelf(KIND, &format!("c{n}"), 2025), None);
                    assert_eq!(together, alone[n]);
                    assert_eq!(ok(source.fingerprints(KIND, &ShelfFilter::default())).len(), 6);
                }
            });
        }
    });
}

/// Documents that are written over while their shelf is read: all of them are of one state, or it is
/// an error.
pub(super) fn what_is_written_meanwhile_is_not_mixed_in(harness: &mut dyn Harness) {
    let year = |value: u32| -> Vec<GivenDocument> {
        (1..=60)
            .map(|n| {
                let day = format!("2025-{:02}-{:02}", 1 + n / 28, 1 + n % 28);
                given(KIND, &format!("a-{n:02}"), "a", &day, value)
            })
            .collect()
    };
    harness.put(&year(1));
    let a = shelf(KIND, "a", 2025);
    ids(harness.source(), &a);
    let sources = |documents: &[GivenDocument]| -> Vec<Vec<u8>> {
        documents.iter().map(|document| document.source.clone().into_bytes()).collect()
    };
    for (round, at) in [(2, 1), (3, 30), (4, 59)] {
        let (old, new) = (sources(&year(round - 1)), sources(&year(round)));
        let mut found = Vec::new();
        let writer = harness.writer();
        let read = harness.source().documents(&a, None, &mut |document| {
            found.push(document.source.to_vec());
            if found.len() == at {
                writer(&year(round));
            }
            ControlFlow::Continue(())
        });
        drop(writer);
        match read {
            Ok(()) => assert!(found == old || found == new, "a mixture of two states"),
            Err(error) => assert_eq!(error.kind(), SourceErrorKind::Inconsistent, "{error:?}"),
        }
        let after: Vec<Vec<u8>> =
            visited(harness.source(), &a, None).into_iter().map(|it| it.source).collect();
        assert!(after == new, "what was written is read afterwards");
    }
}
