//! `cache explain`: everything about one response.

use clap::Args;
use stats_model::Category;
use stats_service::{Explanation, LastFailure};

use super::super::table::count;
use super::super::{Ending, Exit, Global, arguments, terminal};

/// Arguments of `cache explain`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Explain {
    #[command(flatten)]
    place: arguments::Place,
    /// The category.
    #[arg(long, value_parser = arguments::category)]
    category: Category,
}

impl Explain {
    pub(super) fn run(&self, global: &Global) -> Ending {
        let service = global.app()?.service_to_read()?;
        let community = self.place.community();
        let explanation = service.explain(&community, self.place.year, self.category)?;
        if global.json {
            terminal::print_json(&explanation)?;
            return Ok(Exit::Done);
        }
        let mut output = terminal::page();
        for (name, value) in lines(&explanation) {
            if let Some(value) = value {
                writeln!(output, "{name:<20}{value}")?;
            }
        }
        output.flush()?;
        Ok(Exit::Done)
    }
}

/// Why the last attempt came to nothing, and since when.
fn attempt(failure: &LastFailure) -> String {
    let LastFailure { error, since, last } = failure;
    let since = if since == last { String::new() } else { format!(", and since {since}") };
    format!("in vain on {last}{since}: {error}")
}

fn lines(explanation: &Explanation) -> Vec<(&'static str, Option<String>)> {
    let Explanation { made_from, .. } = explanation;
    let slug = explanation.slug.as_ref().map(|slug| format!(" ({slug})")).unwrap_or_default();
    let state = explanation.state.map_or("outside the lifespan", |state| state.name());
    let mode = |optimized| if optimized { "what the layout shows" } else { "all metrics" };
    vec![
        ("Community:", Some(format!("{}{slug}", explanation.community_id))),
        ("Year:", Some(explanation.year.to_string())),
        ("Category:", Some(explanation.category.to_owned())),
        ("Key:", Some(explanation.cache_key.clone())),
        ("State:", Some(state.to_owned())),
        ("Reason:", Some(explanation.reason.clone())),
        ("Since:", explanation.since.clone()),
        ("Due:", explanation.due.clone().or(Some("not as things are".to_owned()))),
        ("Last attempt:", explanation.last_failure.as_ref().map(attempt)),
        ("Made:", explanation.created_at.map(|created| created.to_string())),
        ("Expires:", explanation.expires_at.map(|expires| expires.to_string())),
        ("Made from:", explanation.documents_then.map(|n| format!("{} documents", count(n)))),
        ("Data through:", explanation.data_through.clone()),
        ("Metrics:", made_from.as_ref().map(|origin| mode(origin.optimized).to_owned())),
        ("Generator:", made_from.as_ref().map(|origin| format!("version {}", origin.generator))),
        ("Documents now:", Some(count(explanation.documents_now))),
        (
            "Aggregated through:",
            Some(explanation.aggregated_through.clone().unwrap_or("no bookmark".to_owned())),
        ),
    ]
}
