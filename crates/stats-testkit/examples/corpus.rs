//! Writes an export of regular documents to standard output, for measurements:
//!
//! `corpus KINDS ITEMS DAYS COMMUNITIES`, for example `corpus usage_snapshot,usage_delta 20 365 1`.
//! Every community is enabled and complete to the end of 2025.
#![forbid(unsafe_code)]

use std::io::{self, BufWriter, Write};

use anyhow::{Context, Result, bail};
use stats_testkit::corpus;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kinds, items, days, communities] = arguments.as_slice() else {
        bail!("usage: corpus KINDS ITEMS DAYS COMMUNITIES");
    };
    let kinds: Vec<&str> = kinds.split(',').collect();
    let items = items.parse().context("ITEMS must be a number")?;
    let days = days.parse().context("DAYS must be a number")?;
    let communities: u32 = communities.parse().context("COMMUNITIES must be a number")?;
    let mut out = BufWriter::new(io::stdout().lock());
    for community in 0..communities {
        out.write_all(corpus::export(&kinds, items, days, community).as_bytes())?;
    }
    out.flush()?;
    Ok(())
}
