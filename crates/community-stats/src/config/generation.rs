//! What is generated and how.

use super::section::section;
use super::types::{JsonInput, Workers, choice};

choice! {
    /// How numbers of 1e16 and more are written.
    LargeFloats: "\"1e16\" or \"1e+16\"" {
        /// As orjson did up to 3.11.6: `1e16`.
        Plain = "1e16",
        /// As orjson does since 3.11.7: `1e+16`.
        Signed = "1e+16",
    }
}

section! {
    /// What is generated and how.
    GenerationSettings = "generation" {
        /// Whether `cache generate` works without `--force`.
        enabled: bool = true, ["COMMUNITY_STATS_SCHEDULED_CACHE_TASKS_ENABLED"];

        /// How many responses are made at the same time: a number, or `auto` for one per processor
        /// core.
        workers: Workers = Workers::Auto, [];

        /// Whether a response holds only the metrics that the community's layout shows.
        optimize: bool = true, ["STATS_DASHBOARD_OPTIMIZE_DATA_SERIES"];

        /// Whether the four derived categories are made besides the four of the dashboard.
        derived: bool = true, [];

        /// Whether a response is made although more than a tenth of its days, or all, are gone since
        /// the stored one was made. Otherwise the stored one is held: it stays and lives on, and
        /// `cache generate` ends with 3.
        accept_loss: bool = false, [];

        /// How numbers of 1e16 and more are written: `1e16`, or `1e+16` beside a Python with orjson
        /// 3.11.7 or later.
        large_floats: LargeFloats = LargeFloats::Plain, [];

        /// A JSON file with `global_layout` and `community_layout` in place of the built-in layouts.
        layouts: Option<JsonInput> = None, ["STATS_DASHBOARD_LAYOUT"];

        /// A JSON file with the subcount configuration in place of the built-in one. The functions
        /// that InvenioRDM's holds do not matter here.
        subcounts: Option<JsonInput> = None, ["COMMUNITY_STATS_SUBCOUNTS"];

        /// A JSON file that says which metrics each component of a layout shows, in place of the
        /// built-in one.
        components: Option<JsonInput> = None, [];
    }
}
