//! `cache generate`: the main job.

use clap::Args;
use stats_jobs::ledger::Trigger;
use stats_model::Category;
use stats_service::Request;

use super::super::rate::Rate;
use super::super::watched::{Recorded, recorded};
use super::super::years::YearChoice;
use super::super::{Ending, Exit, Failure, Global, Needs, arguments, summary, terminal};
use super::{background, estimate};

/// Arguments of `cache generate`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Generate {
    #[command(flatten)]
    communities: arguments::CommunityChoice,
    #[command(flatten)]
    years: YearChoice,
    /// A category; may be repeated. Without, all that are switched on.
    #[arg(long, value_parser = arguments::category)]
    category: Vec<Category>,
    /// Works although generation is switched off, and makes unchanged responses again.
    #[arg(long)]
    force: bool,
    /// Makes unchanged responses again.
    #[arg(long, conflicts_with = "no_overwrite")]
    overwrite: bool,
    /// Leaves unchanged responses alone, also with --force.
    #[arg(long)]
    no_overwrite: bool,
    /// Keeps only the metrics that the layout of the community shows.
    #[arg(long, overrides_with = "no_optimize")]
    optimize: bool,
    /// Keeps all metrics.
    #[arg(long, overrides_with = "optimize")]
    no_optimize: bool,
    /// Makes responses also where documents are gone since they were made last: the stored ones are
    /// replaced by what is left.
    #[arg(long)]
    accept_loss: bool,
    /// Shows what would be done, and does nothing.
    #[arg(long)]
    dry_run: bool,
    /// How many shelves are read at the same time.
    #[arg(long, value_name = "N", value_parser = arguments::workers)]
    workers: Option<usize>,
    /// Sends the work to whoever performs tasks: by way of the broker of the settings, or else of a
    /// file in the data folder.
    #[arg(long = "async")]
    in_background: bool,
    /// With --async: sends a task for each shelf, which only this program performs.
    #[arg(long, requires = "in_background")]
    fan_out: bool,
    /// With --async: waits for the end, and ends as what came of it.
    #[arg(long, requires = "in_background")]
    wait: bool,
}

/// The text of the Python package.
const SWITCHED_OFF: &str = "Community stats scheduled caching tasks are disabled. \
    Set COMMUNITY_STATS_SCHEDULED_CACHE_TASKS_ENABLED=True to enable response cache preparation \
    tasks. Use --force to bypass this check and run cache preparation directly.";

impl Generate {
    pub(super) const fn needs(&self) -> Needs {
        if self.dry_run { Needs::ToRead } else { Needs::ToWrite }
    }

    pub(super) fn run(&self, global: &Global) -> Ending {
        let app = global.app()?;
        if !app.settings().generation.enabled && !self.force {
            let origin = app.settings().origin("generation.enabled");
            return Err(Failure::new(Exit::Failed, SWITCHED_OFF).hint(format!(
                "here that is `generation.enabled`, set to false by {origin}: set it to true there, \
                 or for once with --set generation.enabled=true"
            )));
        }
        let workers = self.workers.unwrap_or_else(|| app.settings().generation.workers.count());
        if self.dry_run {
            let service = app.service_to_read()?;
            let request = self.request();
            let plan = service.plan(&request)?;
            plan.warnings.iter().for_each(|warning| terminal::warn(warning));
            let rate = Rate::read(app.settings());
            // What failed before is made again by whoever asks; who runs by itself pauses, or gave up.
            let patient = Request { patient: true, ..request.clone() };
            let left = if plan.remembers() { Some(service.plan(&patient)?) } else { None };
            return estimate::show(global, &plan, left.as_ref(), request.overwrite, rate);
        }
        if self.in_background {
            let how = background::How { fan_out: self.fan_out, wait: self.wait };
            return background::send(global, &app, &self.request(), how);
        }
        if let Some(guess) = app.settings().guessed_lock() {
            terminal::warn(&format!("{guess}; set cache.main_redis_url"));
        }
        let service = app.service_to_write()?;
        let request = self.request();
        let how = Recorded { trigger: Trigger::Command, resumes: None, request: &request, workers };
        let made = recorded(global, &app, how, |run| service.create(&request, run))?;
        summary::tell(&made, global.json)?;
        summary::ending(&made)
    }

    fn request(&self) -> Request {
        Request {
            communities: self.communities.communities(),
            years: self.years.resolve(),
            categories: self.category.clone(),
            optimize: (self.optimize || self.no_optimize).then_some(self.optimize),
            overwrite: (self.overwrite || self.force) && !self.no_overwrite,
            accept_loss: self.accept_loss,
            patient: false,
        }
    }
}
