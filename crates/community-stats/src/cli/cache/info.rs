//! `cache info`: figures over the whole store.

use std::collections::BTreeMap;
use std::io;

use clap::Args;
use serde_json::{Value, json};
use stats_cache::{CacheError, CacheStore, EntryFilter, EntryState, StoreSummary};
use stats_model::Category;
use stats_service::ServiceSettings;

use super::super::table::{Side, Table, count, duration, size};
use super::super::{Ending, Exit, Global, terminal};

/// Arguments of `cache info`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Info {}

#[derive(Default)]
struct Share {
    entries: u64,
    plain: u64,
    stored: u64,
}

impl Info {
    pub(super) fn run(&self, global: &Global) -> Ending {
        let service = global.app()?.service_of_store(false)?;
        let summary = service.store().summary()?;
        let shares = shares(service.store())?;
        if global.json {
            terminal::print_json(&as_json(&summary, service.settings(), &shares))?;
        } else {
            show(&summary, service.settings(), &shares)?;
        }
        Ok(Exit::Done)
    }
}

/// What each category takes of the store.
fn shares(store: &dyn CacheStore) -> Result<BTreeMap<Category, Share>, CacheError> {
    let mut shares: BTreeMap<Category, Share> = BTreeMap::new();
    for state in store.list(&EntryFilter::default())? {
        if let EntryState::Ours(entry) | EntryState::Foreign(entry) = state {
            let share = shares.entry(entry.category).or_default();
            share.entries += 1;
            share.plain += entry.plain_length;
            share.stored += entry.stored_length;
        }
    }
    Ok(shares)
}

fn as_json(
    summary: &StoreSummary,
    settings: &ServiceSettings,
    shares: &BTreeMap<Category, Share>,
) -> Value {
    let categories: Vec<_> = shares
        .iter()
        .map(|(category, share)| {
            json!({
                "category": category.query_name(),
                "entries": share.entries,
                "size": share.plain,
                "stored_size": share.stored,
            })
        })
        .collect();
    json!({
        "store": summary.store,
        "prefix": settings.prefix,
        "lifetime_seconds": settings.lifetime.map(|lifetime| lifetime.as_secs()),
        "entries": summary.entries,
        "expired": summary.expired,
        "size": summary.plain_bytes,
        "stored_size": summary.stored_bytes,
        "damaged_reads": summary.damaged_reads,
        "categories": categories,
    })
}

fn show(
    summary: &StoreSummary,
    settings: &ServiceSettings,
    shares: &BTreeMap<Category, Share>,
) -> io::Result<()> {
    let mut output = terminal::page();
    writeln!(output, "Store:     {}", summary.store)?;
    writeln!(output, "Prefix:    {}", settings.prefix)?;
    let lifetime = settings.lifetime.map_or_else(
        || "none: entries never expire".to_owned(),
        |lifetime| duration(lifetime.unsigned_abs()),
    );
    writeln!(output, "Lifetime:  {lifetime}")?;
    writeln!(output, "Entries:   {}", count(summary.entries))?;
    writeln!(output, "Expired:   {}", count(summary.expired))?;
    writeln!(output, "Size:      {}", size(summary.plain_bytes))?;
    writeln!(output, "Stored in: {}", size(summary.stored_bytes))?;
    if !shares.is_empty() {
        writeln!(output)?;
        table(shares).write(&mut output)?;
    }
    output.flush()
}

fn table(shares: &BTreeMap<Category, Share>) -> Table {
    let mut table = Table::new(&[
        ("category", Side::Left),
        ("entries", Side::Right),
        ("size", Side::Right),
        ("stored in", Side::Right),
    ]);
    for (category, share) in shares {
        table.row(vec![
            category.query_name().to_owned(),
            count(share.entries),
            size(share.plain),
            size(share.stored),
        ]);
    }
    table
}
