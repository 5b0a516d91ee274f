//! Writes an export of regular documents to standard output, for measurements:
//!
//! `corpus KINDS ITEMS DAYS COMMUNITIES`, for example `corpus usage_snapshot,usage_delta 20 365 1`.
//! Every community is enabled and complete to the end of 2025.

use std::io::{self, BufWriter, Write};

use anyhow::{Context, Result, bail};
use stats_testkit::corpus;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kinds, items, days, communities] = arguments.as_slice() else {
        bail!("usage: corpus KINDS ITEMS DAYS COMMUNITIES");
    };
    let items = items.parse().context("ITEMS must be a number")?;
    let days = days.parse().context("DAYS must be a number")?;
    let communities: u32 = communities.parse().context("COMMUNITIES must be a number")?;
    let mut out = BufWriter::new(io::stdout().lock());
    for number in 0..communities {
        let id = format!("6f0c1f3e-8a52-4d6e-9c1b-{number:012}");
        writeln!(
            out,
            "{{\"_index\":\"communities-communities-v2.0.0-1\",\"_id\":\"{id}\",\"_source\":\
             {{\"id\":\"{id}\",\"slug\":\"community-{number}\",\"created\":\"2025-01-01T00:00:00\",\
             \"access\":{{\"visibility\":\"public\"}},\"metadata\":{{\"title\":\"Community {number}\"}},\
             \"custom_fields\":{{\"stats:dashboard_enabled\":true}},\"deletion_status\":\"P\"}}}}"
        )?;
        for kind in kinds.split(',') {
            let (alias, bookmark) = names(kind)?;
            writeln!(
                out,
                "{{\"_index\":\"stats-bookmarks-community\",\"_id\":\"{bookmark}_{id}\",\"_source\":\
                 {{\"date\":\"2025-12-31T00:00:00.000\",\"aggregation_type\":\"{bookmark}\",\
                 \"community_id\":\"{id}\"}}}}"
            )?;
            for (day, document) in corpus::documents(kind, items, days).into_iter().enumerate() {
                let text = String::from_utf8(document)?.replace(corpus::COMMUNITY, &id);
                writeln!(
                    out,
                    "{{\"_index\":\"{alias}-2025\",\"_id\":\"{id}-{day:03}\",\"_source\":{text}}}"
                )?;
            }
        }
    }
    out.flush()?;
    Ok(())
}

fn names(kind: &str) -> Result<(&'static str, &'static str)> {
    Ok(match kind {
        "record_delta" => {
            ("stats-community-records-delta-added", "community-records-delta-added-agg")
        }
        "record_snapshot" => {
            ("stats-community-records-snapshot-added", "community-records-snapshot-added-agg")
        }
        "usage_delta" => ("stats-community-usage-delta", "community-usage-delta-agg"),
        "usage_snapshot" => ("stats-community-usage-snapshot", "community-usage-snapshot-agg"),
        other => bail!("no kind of documents is called {other}"),
    })
}
