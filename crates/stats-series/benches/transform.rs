//! Documents to responses, against two general JSON readers on the same bytes in the same run.
//!
//! `cargo bench -p stats-series --bench transform [-- NAME…]`: only the lines whose name holds
//! one of the given texts.
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::hint::black_box;
use std::time::Duration;

use stats_model::{Category, DocumentKind};
use stats_series::{
    FloatStyle, LayoutOwner, Layouts, ResponseSpec, Selection, SeriesBuilder, SeriesConfig,
};
use stats_testkit::corpus;
use stats_testkit::measure::{exponent, medians, timed};

const DAYS: u32 = 365;
const ROUNDS: usize = 15;

fn main() {
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|text| name.contains(text));
    println!("{DAYS} days; medians of {ROUNDS} interleaved rounds; ratios to simd-json's tape\n");
    println!(
        "{:<34} {:>8} {:>8} {:>9} {:>8} {:>9} {:>8}",
        "transform", "MB in", "MB out", "ours ms", "GB/s", "/tape", "/Value"
    );
    for (category, kind) in [
        (Category::UsageSnapshot, "usage_snapshot"),
        (Category::UsageDelta, "usage_delta"),
        (Category::RecordSnapshot, "record_snapshot"),
        (Category::RecordDelta, "record_delta"),
    ] {
        for (class, items) in [("S", 1), ("M", 8), ("L", 20)] {
            let name = format!("{kind}/{class}");
            if !is_wanted(&name) {
                continue;
            }
            let documents = corpus::documents(kind, items, DAYS);
            transform_lines(&name, category, &documents);
        }
    }
    if is_wanted("linear") {
        linear_lines();
    }
}

/// One line for the full and one for the optimised response.
fn transform_lines(name: &str, category: Category, documents: &[Vec<u8>]) {
    let layout = Selection::Components(Layouts::default().components(LayoutOwner::Global));
    let config = SeriesConfig::default();
    let mut out = Vec::new();
    for (form, selection) in [("full", Selection::All), ("optimized", layout)] {
        let spec = [ResponseSpec { category, selection }];
        let mut tape_buffers = simd_json::Buffers::default();
        let mut scratch = Vec::new();
        let [ours, tape, value] = medians(
            ROUNDS,
            [
                &mut || {
                    timed(|| {
                        out.clear();
                        transform(&config, &spec, documents, &mut out);
                        black_box(&out);
                    })
                },
                &mut || read_as_tapes(documents, &mut scratch, &mut tape_buffers),
                &mut || read_as_values(documents),
            ],
        );
        let bytes: usize = documents.iter().map(Vec::len).sum();
        println!(
            "{:<34} {:>8.1} {:>8.2} {:>9.2} {:>8.2} {:>9.2} {:>8.3}",
            format!("{name} {form}"),
            bytes as f64 / 1e6,
            out.len() as f64 / 1e6,
            ours.as_secs_f64() * 1e3,
            bytes as f64 / 1e9 / ours.as_secs_f64(),
            ours.as_secs_f64() / tape.as_secs_f64(),
            ours.as_secs_f64() / value.as_secs_f64(),
        );
    }
}

/// simd-json works in place and gets copies, whose making is not counted.
fn read_as_tapes(
    documents: &[Vec<u8>],
    scratch: &mut Vec<u8>,
    buffers: &mut simd_json::Buffers,
) -> Duration {
    let mut total = Duration::ZERO;
    for document in documents {
        scratch.clear();
        scratch.extend_from_slice(document);
        total += timed(|| {
            let tape = simd_json::to_tape_with_buffers(scratch, buffers);
            black_box(&tape.unwrap());
        });
    }
    total
}

fn read_as_values(documents: &[Vec<u8>]) -> Duration {
    timed(|| {
        for document in documents {
            black_box(serde_json::from_slice::<serde_json::Value>(document).unwrap());
        }
    })
}

fn transform(
    config: &SeriesConfig,
    spec: &[ResponseSpec],
    documents: &[Vec<u8>],
    out: &mut Vec<u8>,
) {
    let mut builder = SeriesBuilder::new(config, spec).unwrap();
    for document in documents {
        builder.feed("", document);
    }
    builder.write(0, FloatStyle::Plain, out).unwrap();
}

/// The exponents of time in documents and in items, fitted by least squares on logarithms.
fn linear_lines() {
    let spec = [ResponseSpec { category: Category::UsageSnapshot, selection: Selection::All }];
    assert_eq!(Category::UsageSnapshot.kind(), DocumentKind::UsageSnapshot);
    let config = SeriesConfig::default();
    let mut out = Vec::new();
    let mut time = |items: usize, days: u32| {
        let documents = corpus::documents("usage_snapshot", items, days);
        let [median] = medians(
            ROUNDS,
            [&mut || {
                timed(|| {
                    out.clear();
                    transform(&config, &spec, &documents, &mut out);
                })
            }],
        );
        (documents.iter().map(Vec::len).sum::<usize>() as f64, median.as_secs_f64())
    };
    let by_items: Vec<(f64, f64)> =
        [5, 10, 20, 40, 80, 160, 320].map(|items| (items as f64, time(items, 60).1)).to_vec();
    let by_documents: Vec<(f64, f64)> =
        [30, 60, 120, 240, 480].map(|days| (f64::from(days), time(20, days).1)).to_vec();
    println!("\nlinear: exponent in items (5 to 320, 60 days) {:.3}", exponent(&by_items));
    println!("linear: exponent in documents (30 to 480, 20 items) {:.3}", exponent(&by_documents));
}
