//! `cache list`: what is stored, and in which state.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::{Value, json};
use stats_model::Category;
use stats_service::{CachedResponseService, LastFailure, ListFilter, Listed, StateName};

use super::super::table::{Side, Table, age, count, size};
use super::super::years::YearChoice;
use super::super::{Ending, Exit, Global, arguments, terminal};

/// Arguments of `cache list`.
#[derive(Debug, Args)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    communities: arguments::CommunityChoice,
    #[command(flatten)]
    years: YearChoice,
    /// A category; may be repeated.
    #[arg(long, value_parser = arguments::category)]
    category: Vec<Category>,
    /// A state; may be repeated. Without, everything that is stored.
    #[arg(long, value_parser = states())]
    state: Vec<StateName>,
    /// Shows at most so many; 0 shows all.
    #[arg(long, value_name = "N", default_value_t = 0)]
    limit: usize,
}

/// The states, by their names.
fn states() -> impl TypedValueParser<Value = StateName> {
    PossibleValuesParser::new(StateName::ALL.map(StateName::name)).try_map(|name| {
        let named = StateName::ALL.into_iter().find(|state| state.name() == name);
        named.ok_or_else(|| format!("no state is called {name}"))
    })
}

impl List {
    pub(super) fn run(&self, global: &Global) -> Ending {
        let service = global.app()?.service_to_read()?;
        let listed = service.list(&ListFilter {
            communities: self.communities.names(),
            years: self.years.named(),
            categories: self.category.clone(),
            states: self.state.clone(),
        })?;
        let shown = if self.limit == 0 { listed.len() } else { self.limit.min(listed.len()) };
        if global.json {
            let entries: Vec<Value> = listed[..shown].iter().map(as_json).collect();
            terminal::print_json(&entries)?;
            return Ok(Exit::Done);
        }
        let mut output = terminal::page();
        if listed.is_empty() {
            writeln!(output, "No cached responses found")?;
        } else {
            table(&service, &listed[..shown]).write(&mut output)?;
            writeln!(output)?;
            let (shown, all) = (count(shown as u64), count(listed.len() as u64));
            writeln!(output, "{shown} of {all}")?;
        }
        output.flush()?;
        Ok(Exit::Done)
    }
}

fn table(service: &CachedResponseService, listed: &[Listed]) -> Table {
    let mut table = Table::new(&[
        ("community", Side::Left),
        ("year", Side::Right),
        ("category", Side::Left),
        ("state", Side::Left),
        ("size", Side::Right),
        ("age", Side::Right),
        ("reason", Side::Left),
    ]);
    let now = service.clock().now();
    for entry in listed {
        let description = entry.description.as_ref();
        let age = description
            .and_then(|description| description.created)
            .map(|created| age(now.duration_since(created)));
        table.row(vec![
            entry.slug.as_ref().or(entry.community.as_ref()).map_or_else(unknown, Clone::clone),
            entry.year.map_or_else(unknown, |year| year.to_string()),
            entry.category.map_or_else(unknown, |category| category.query_name().to_owned()),
            entry.state.name().to_owned(),
            description.map(|description| size(description.plain_length)).unwrap_or_default(),
            age.unwrap_or_default(),
            reason(entry),
        ]);
    }
    table
}

/// What stands in place of what nothing tells.
fn unknown() -> String {
    "?".to_owned()
}

/// Why it is in its state, and what came of the last attempt to make it.
fn reason(entry: &Listed) -> String {
    match entry.note.as_ref().map(LastFailure::from) {
        // A held one says it already.
        Some(failure) if entry.state != StateName::Held => {
            let short: String = failure.error.chars().take(80).collect();
            format!("{}; last attempt in vain: {short}", entry.reason)
        }
        _ => entry.reason.clone(),
    }
}

fn as_json(entry: &Listed) -> Value {
    let description = entry.description.as_ref();
    json!({
        "community_id": entry.community,
        "slug": entry.slug,
        "year": entry.year,
        "category": entry.category.map(Category::query_name),
        "state": entry.state,
        "reason": entry.reason,
        "cache_key": entry.key,
        "created_at": description.and_then(|description| description.created),
        "expires_at": description.and_then(|description| description.expires),
        "data_through": description.and_then(|description| description.data_through.as_ref()),
        "size": description.map(|description| description.plain_length),
        "stored_size": description.map(|description| description.stored_length),
        "last_failure": entry.note.as_ref().map(LastFailure::from),
    })
}
