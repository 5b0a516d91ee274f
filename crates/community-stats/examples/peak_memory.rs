//! How much memory a generation from OpenSearch takes: starts a node and a Redis of its own, loads
//! regular documents of all four kinds, and runs the program under GNU time.
//!
//! ```text
//! cargo build --release
//! cargo run --release -p community-stats --example peak_memory -- \
//!     target/release/community-stats [COMMUNITIES] [YEARS] [DAYS] [ITEMS]
//! ```
#![allow(clippy::print_stdout, reason = "a measurement for the terminal")]

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use stats_testkit::corpus;
use stats_testkit::services::{OpenSearch, Redis};

const KINDS: [&str; 4] = ["record_delta", "record_snapshot", "usage_delta", "usage_snapshot"];
const LAST_YEAR: u32 = 2025;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let program = arguments.first().context("which program?")?;
    let number = |nth: usize, default: u32| match arguments.get(nth) {
        Some(text) => text.parse().with_context(|| format!("{text} is no number")),
        None => Ok(default),
    };
    let (communities, years, days) = (number(1, 300)?, number(2, 3)?, number(3, 30)?);
    let items = usize::try_from(number(4, 3)?)?;

    let (node, redis) = (OpenSearch::start()?, Redis::start(&[])?);
    let prefix = node.prefix()?;
    let begun = Instant::now();
    let (mut documents, mut bytes) = (0, 0);
    for community in 0..communities {
        let lines = lines(community, years, days, items);
        bytes += lines.iter().map(String::len).sum::<usize>();
        documents += node.load(&prefix, lines)?;
    }
    let (megabytes, seconds) = (bytes as f64 / 1e6, begun.elapsed().as_secs_f64());
    println!("loaded {documents} documents, {megabytes:.0} MB, in {seconds:.0} s");

    let folder = tempfile::tempdir()?;
    for run in ["everything", "nothing changed"] {
        println!("\n{run}:");
        let status = Command::new("/usr/bin/time")
            .args(["-f", "%M KiB at most, %e s, %U s + %S s of processor time", program])
            .args(["cache", "generate", "--all-years", "--workers", "3"])
            .args(["--now", "2025-12-31T12:00:00Z", "--set", "cache.ttl_days=10000"])
            .arg("--data-dir")
            .arg(folder.path())
            .env("COMMUNITY_STATS_SOURCE_HOSTS", node.url())
            .env("COMMUNITY_STATS_SOURCE_INDEX_PREFIX", &prefix)
            .env("COMMUNITY_STATS_CACHE_REDIS_URL", format!("redis://{}/7", redis.address()))
            .env("COMMUNITY_STATS_CACHE_MAIN_REDIS_URL", format!("redis://{}/0", redis.address()))
            .status()
            .context("running GNU time")?;
        ensure!(status.success(), "{program} ended with {status}");
    }
    Ok(())
}

/// The export of one community, with the same documents in every year.
fn lines(community: u32, years: u32, days: u32, items: usize) -> Vec<String> {
    let first = LAST_YEAR + 1 - years;
    let export = corpus::export(&KINDS, items, days, community);
    let mut lines = Vec::new();
    for line in export.lines() {
        let daily = line.starts_with("{\"_index\":\"stats-community-");
        if !daily {
            lines.push(line.replace("\"2025-01-01T", &format!("\"{first}-01-01T")));
            continue;
        }
        for year in first..=LAST_YEAR {
            let index = line.replacen("-2025\"", &format!("-{year}\""), 1);
            lines.push(index.replace("2025-", &format!("{year}-")));
        }
    }
    lines
}
