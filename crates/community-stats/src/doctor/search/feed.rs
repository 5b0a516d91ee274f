//! How changes are learned of: from statistics, by searches, or not at all
//! (change-feed design, section 2).

use stats_documents::opensearch::examine::{FeedReport, Statistics, Sums};

use super::super::check::Check;

const NAME: &str = "change feed";

pub(super) fn check(report: FeedReport) -> Check {
    let why = match report.statistics {
        Statistics::Told => None,
        Statistics::Forbidden => Some("no right to _stats (indices:monitor/stats)"),
        Statistics::Without => Some("_stats does not tell positions"),
        Statistics::NoAnswer => Some("_stats does not answer"),
    };
    let grant = "grant indices:monitor/stats on the statistics indices to this user";
    let numbers = report.sums;
    match why {
        None if numbers != Sums::None => {
            Check::ok(NAME, "by statistics: positions from _stats, no change costs one request")
        }
        Some(why) if numbers == Sums::Told => {
            let way = "by searches: sequence numbers by search, one request for each kind";
            Check::warning(NAME, format!("{way}: {why}"), grant)
        }
        why if numbers == Sums::None => {
            let why = why.map(|why| format!("; {why}")).unwrap_or_default();
            let detail = format!(
                "this engine does not sum up sequence numbers, which tell what changed: nothing can \
                 be read from it{why}"
            );
            Check::failed(NAME, detail, "use OpenSearch 2.3 or newer, which sum up _seq_no")
        }
        why => {
            let why = why.unwrap_or("positions from _stats");
            let detail =
                format!("{why}, but sequence numbers cannot be summed up: changes are not seen");
            Check::failed(NAME, detail, format!("{grant}, and indices:data/read/search"))
        }
    }
}
