//! How quickly documents come from a search cluster, against a minimal client that fetches the
//! same pages and throws them away: `cargo run --release -p stats-documents --example
//! opensearch_speed [COMMUNITIES] [ITEMS]`. Starts a node of its own.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement for the terminal")]

use std::io::Read;
use std::ops::ControlFlow;
use std::time::Instant;

use serde_json::json;
use stats_documents::{Documents, OpenSearch, OpenSearchSettings, ShelfFilter};
use stats_model::{DocumentKind, Shelf};
use stats_testkit::{corpus, services};

const KIND: DocumentKind = DocumentKind::UsageSnapshot;

fn main() {
    let number = |nth: usize, default: usize| {
        std::env::args().nth(nth).and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let (communities, items) = (number(1, 8), number(2, 20));
    let node = services::OpenSearch::start().unwrap();
    let prefix = node.prefix().unwrap();
    let start = Instant::now();
    let bytes = load(&node, &prefix, communities, items);
    println!("loaded {:.0} MB in {:.0} s", megabytes(bytes), start.elapsed().as_secs_f64());

    let source = OpenSearch::new(OpenSearchSettings::new([node.url()], &prefix)).unwrap();
    let shelf = |n: usize| Shelf { kind: KIND, community: format!("c{n}"), year: 2025 };
    for round in 0..4 {
        let start = Instant::now();
        let minimal: usize =
            (0..communities).map(|n| fetch(&node, &prefix, &format!("c{n}"))).sum();
        let minimal_took = start.elapsed().as_secs_f64();
        let start = Instant::now();
        let mut read = 0;
        for n in 0..communities {
            source
                .documents(&shelf(n), None, &mut |document| {
                    read += document.source.len();
                    ControlFlow::Continue(())
                })
                .unwrap();
        }
        let took = start.elapsed().as_secs_f64();
        println!(
            "round {round}: minimal client {:.0} MB/s, source {:.0} MB/s, time ratio {:.2}",
            megabytes(minimal) / minimal_took,
            megabytes(read) / took,
            took / minimal_took,
        );
    }
    let timed = |name: &str, question: &dyn Fn()| {
        let start = Instant::now();
        for _ in 0..20 {
            question();
        }
        println!("{name}: {:.1} ms", start.elapsed().as_secs_f64() * 1_000.0 / 20.0);
    };
    timed("position", &|| drop(source.position(KIND).unwrap()));
    timed("manifest of a year", &|| drop(source.manifest(&shelf(0)).unwrap()));
    timed("all fingerprints", &|| {
        drop(source.fingerprints(KIND, &ShelfFilter::default()).unwrap());
    });
}

fn load(node: &services::OpenSearch, prefix: &str, communities: usize, items: usize) -> usize {
    let year = corpus::documents(KIND.name(), items, 365);
    let mut bytes = 0;
    for n in 0..communities {
        let lines = year.iter().enumerate().map(|(day, document)| {
            let mut source: serde_json::Value = serde_json::from_slice(document).unwrap();
            source["community_id"] = json!(format!("c{n}"));
            let source = source.to_string();
            bytes += source.len();
            let index = format!("{}-2025", KIND.alias());
            format!(r#"{{"_index":"{index}","_id":"c{n}-{day}","_source":{source}}}"#)
        });
        node.load(prefix, lines).unwrap();
    }
    bytes
}

/// A year of one community in pages of 100, as they come.
fn fetch(node: &services::OpenSearch, prefix: &str, community: &str) -> usize {
    thread_local! {
        static HTTP: reqwest::blocking::Client = reqwest::blocking::Client::new();
    }
    let url = format!("{}/{prefix}{}/_search", node.url(), KIND.alias());
    let (mut after, mut total) = (None, 0);
    loop {
        let mut body = json!({
            "size": 100,
            "track_total_hits": false,
            "query": {"term": {"community_id": community}},
            "sort": [{KIND.day_field(): "asc"}],
        });
        if let Some(after) = after {
            body["search_after"] = json!([after]);
        }
        let request = HTTP.with(|http| http.post(&url)).body(body.to_string());
        let mut answer = request.header("content-type", "application/json").send().unwrap();
        let mut page = Vec::new();
        answer.read_to_end(&mut page).unwrap();
        let end = memchr::memmem::rfind(&page, b"\"sort\":[");
        let Some(end) = end else { return total };
        total += page.len();
        let digits = page[end + 8..].split(|byte| *byte == b']').next().unwrap();
        after = Some(std::str::from_utf8(digits).unwrap().parse::<i64>().unwrap());
    }
}

fn megabytes(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}
