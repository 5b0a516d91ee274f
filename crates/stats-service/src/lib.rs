//! The operations on stored responses (cache-and-jobs specification, sections 7, 8 and 15), over
//! any source of documents and any store.
#![forbid(unsafe_code)]

mod blueprints;
mod difference;
mod entries;
mod error;
mod hash;
mod inspect;
mod keep;
mod make;
mod matrix;
mod nothing;
mod report;
mod run;
mod service;
mod settings;
mod stop;
mod survey;

pub use difference::{FirstDifference, first_difference};
pub use error::{ServiceError, similar};
pub use hash::hash;
pub use inspect::explain::{Explanation, LastFailure};
pub use inspect::list::{ListFilter, Listed};
pub use inspect::verification::{Finding, LeftOver, Verification, VerifyRun};
pub use keep::board::{Board, Oldest, Row, Square};
pub use keep::directory::RememberedDirectory;
pub use keep::keeper::{KeepRules, Keeper, Look, Work};
pub use keep::occasion::Occasion;
pub use keep::overview::Overview;
pub use make::outcome::{Outcome, Over, ShelfReport};
pub use make::task::ShelfTask;
pub use matrix::completeness::{Gap, gap};
pub use matrix::decide::{Facts, Wanted, decide, difference, position_text};
pub use matrix::loss::{Loss, days_of};
pub use matrix::verdict::{
    Action, Cause, CellState, Difference, ForeignRule, Keep, Pause, Refusal, Verdict, Wait,
};
pub use matrix::words::StateName;
pub use nothing::Nothing;
pub use report::{Failure, Held, Stored, Summary, Waiting};
pub use run::errand::Errand;
pub use run::hands::{Hands, Job};
pub use run::pool::{Pool, Progress, Run};
pub use service::{CachedResponseService, RunAtWork};
pub use settings::ServiceSettings;
pub use stats_model::chain;
pub use stop::Stop;
pub use survey::members::{Member, MemberLayout};
pub use survey::names::{Communities, CommunityId, CommunityName, resolve};
pub use survey::plan::{Plan, PlannedCell};
pub use survey::request::{Request, Years};
pub use survey::still::StandingStill;
