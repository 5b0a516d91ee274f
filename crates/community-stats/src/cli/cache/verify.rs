//! `cache verify`: what is stored against what would be made now.

use clap::Args;
use stats_documents::ShelfFilter;
use stats_model::Category;
use stats_service::{Finding, Request, Stop, Verification, VerifyRun};

use super::super::progress::{Progress, Unit};
use super::super::summary::show_failures;
use super::super::table::count;
use super::super::years::YearChoice;
use super::super::{Ending, Exit, Failure, Global, arguments, interrupt, terminal};
use super::verify_source;

/// Arguments of `cache verify`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Verify {
    #[command(flatten)]
    communities: arguments::CommunityChoice,
    #[command(flatten)]
    years: YearChoice,
    /// A category; may be repeated.
    #[arg(long, value_parser = arguments::category)]
    category: Vec<Category>,
    /// Looks at this share of the responses only; always at the same ones.
    #[arg(long, value_name = "P%", value_parser = arguments::percent, default_value = "100%")]
    sample: f64,
    /// Compares the documents we keep with the source instead, shelf by shelf: one question for
    /// each kind, and no document is read from it.
    #[arg(long, conflicts_with_all = ["sample", "category"])]
    source: bool,
}

impl Verify {
    pub(super) fn run(&self, global: &Global) -> Ending {
        let app = global.app()?;
        if self.source {
            verify_source::refuse_without_live_source(app.settings())?;
        }
        let service = app.service_to_read()?;
        if self.source {
            let communities = service.communities(&self.communities.names())?;
            let communities = communities.iter().map(ToString::to_string).collect();
            let filter = ShelfFilter { communities, years: self.years.named() };
            return verify_source::run(global, &app, &filter);
        }
        let request = Request {
            communities: self.communities.communities(),
            years: self.years.resolve(),
            categories: if self.category.is_empty() {
                Category::ALL.to_vec()
            } else {
                self.category.clone()
            },
            ..Request::default()
        };
        let mut progress = Progress::new(global, Unit::Items, None);
        let verification = service.verify(
            &request,
            &mut VerifyRun {
                sample: self.sample,
                stop: Stop::when(interrupt::flag()),
                progress: &mut |done, total| progress.show(done, Some(total), ""),
            },
        );
        progress.end();
        let verification = verification?;
        if global.json {
            terminal::print_json(&verification)?;
        } else {
            report(&verification)?;
        }
        Ok(exit(&verification))
    }
}

fn exit(verification: &Verification) -> Exit {
    if verification.interrupted {
        Exit::Interrupted
    } else if verification.different > 0 {
        Exit::Difference
    } else if verification.failed + verification.stale + verification.unchecked > 0 {
        Exit::Partly
    } else if verification.checked == 0 {
        Exit::Failed
    } else {
        Exit::Done
    }
}

fn report(verification: &Verification) -> Result<(), Failure> {
    let mut output = terminal::page();
    let word = if verification.interrupted { "interrupted" } else { "completed" };
    writeln!(output, "Verification {word}")?;
    writeln!(
        output,
        "Checked: {}, Same: {}, Different: {}, Stale: {}, Failed: {}",
        count(verification.checked),
        count(verification.same),
        count(verification.different),
        count(verification.stale),
        count(verification.failed)
    )?;
    if !verification.findings.is_empty() {
        writeln!(output, "Differences:")?;
    }
    for finding in &verification.findings {
        let Finding { cell, state, difference, .. } = finding;
        writeln!(output, "  {cell} ({state}): {difference}")?;
    }
    if !verification.outdated.is_empty() {
        writeln!(output, "Not up to date:")?;
    }
    for finding in &verification.outdated {
        let Finding { cell, state, reason, .. } = finding;
        writeln!(output, "  {cell} ({state}): {reason}")?;
    }
    if !verification.left_over.is_empty() {
        writeln!(output, "Not checked:")?;
    }
    for left in &verification.left_over {
        writeln!(output, "  {left}")?;
    }
    show_failures(&mut output, &verification.errors)?;
    output.flush()?;
    if verification.checked == 0 && !verification.interrupted {
        terminal::hint("nothing of what was asked for is stored, so nothing was checked");
    }
    Ok(())
}
