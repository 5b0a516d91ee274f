//! `demo`: a bundled sample goes the whole way, in a folder of its own.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};
use stats_documents::import::{ImportOptions, ImportReport, Input, import};
use stats_model::{Category, Clock, GLOBAL, StandingClock};
use stats_service::{
    CachedResponseService, Communities, CommunityId, Plan, Request, Summary, Years,
};

use super::import::Watcher;
use super::imported::table as import_table;
use super::table::{Side, Table, count, duration, size};
use super::watched::watched;
use super::{Ending, Exit, Failure, Global, interrupt, picture, terminal};
use crate::app::App;
use crate::config::Loader;

/// Documents of a small repository; `fixtures/demo/README.md` tells how it was made.
static SAMPLE: &[u8] = include_bytes!("../../../../fixtures/demo/sample.ndjson.zst");

/// The years of the sample. Its aggregation is complete to the end of the last one.
const FIRST_YEAR: i16 = 2023;
const LAST_YEAR: i16 = 2025;
/// The first instant at which all years of the sample are past ones.
const AFTER_THE_SAMPLE: &str = "2026-01-01T00:00:00Z";

/// How wide and high the picture is, in characters.
const PICTURE: (usize, usize) = (73, 6);

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub(super) struct Demo {}

/// What a demo did.
struct Show {
    folder: PathBuf,
    imported: ImportReport,
    plan: Plan,
    summary: Summary,
    service: CachedResponseService,
    begun: Instant,
}

impl Demo {
    pub(super) fn run(&self, global: &Global) -> Ending {
        let begun = Instant::now();
        let folder = folder(global)?;
        let app = app(global, &folder)?;
        terminal::say(&format!("Importing the sample into {}", folder.display()));
        let Some(imported) = import_sample(global, &app)? else { return Ok(Exit::Interrupted) };
        terminal::say("Making every response");
        let service = app.service_to_write()?;
        let plan = service.plan(&Request {
            communities: Communities::All,
            years: Years::Named((FIRST_YEAR..=LAST_YEAR).collect()),
            ..Request::default()
        })?;
        let workers = app.settings().generation.workers.count();
        let summary =
            watched(global, &app, workers, |run| Ok::<_, Failure>(service.execute(&plan, run)))?;
        let show = Show { folder, imported, plan, summary, service, begun };
        if global.json {
            terminal::print_json(&show.json())?;
        } else {
            show.print()?;
        }
        Ok(match () {
            () if show.summary.interrupted => Exit::Interrupted,
            () if show.summary.failed > 0 => Exit::Partly,
            () => Exit::Done,
        })
    }
}

/// The folder that was asked for, or a new one.
fn folder(global: &Global) -> Result<PathBuf, Failure> {
    if let Some(folder) = &global.data_dir {
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.clone());
        return if is_unused(&folder)? { Ok(folder) } else { Err(used(&folder)) };
    }
    let folder = tempfile::Builder::new().prefix("community-stats-demo-").tempdir();
    let failed = |error| Failure::new(Exit::Failed, format!("making a folder: {error}"));
    Ok(folder.map_err(failed)?.keep())
}

/// Whether nothing is kept in the folder that the sample would be mixed with.
fn is_unused(folder: &Path) -> Result<bool, Failure> {
    for name in KEPT {
        let file = folder.join(name);
        match file.symlink_metadata() {
            Ok(_) => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                let message = format!("looking for {}: {error}", file.display());
                return Err(Failure::new(Exit::Failed, message));
            }
        }
    }
    Ok(true)
}

/// The databases of a data folder.
const KEPT: [&str; 3] = ["archive.db", "cache.db", "mirror.db"];

fn used(folder: &Path) -> Failure {
    let message = format!("{} is a data folder already; nothing was changed", folder.display());
    Failure::new(Exit::Failed, message)
        .hint("the sample must not be mixed with other documents: name a new folder, or none")
}

/// Nothing but the folder is set: whatever else the user's settings name is left alone.
fn app(global: &Global, folder: &Path) -> Result<App, Failure> {
    let settings = Loader::new().flag("--data-dir", "data.dir", folder.to_string_lossy()).load()?;
    Ok(App::new(settings, clock(global)))
}

/// The clock; one that is behind the sample is set to its end.
fn clock(global: &Global) -> Arc<dyn Clock> {
    let clock = global.clock();
    match AFTER_THE_SAMPLE.parse::<Timestamp>() {
        Ok(after) if clock.now() < after => Arc::new(StandingClock(after)),
        _ => clock,
    }
}

/// Imports the sample; `None` when interrupted.
fn import_sample(global: &Global, app: &App) -> Result<Option<ImportReport>, Failure> {
    let archive = app.archive()?;
    let options = ImportOptions { cancel: interrupt::flag(), ..ImportOptions::default() };
    let input = Input::Reader { name: "sample".to_owned(), reader: Box::new(SAMPLE) };
    let mut watcher = Watcher::new(global);
    let imported = import(vec![input], &archive, &options, &mut watcher);
    watcher.progress.end();
    let report = imported.map_err(|error| Failure::from(error.cause))?;
    Ok((!report.interrupted).then_some(report))
}

impl Show {
    fn print(&self) -> Result<(), Failure> {
        let mut output = terminal::page();
        writeln!(output, "Imported")?;
        import_table(&self.imported).write(&mut output)?;
        writeln!(output, "\nMade")?;
        self.made().write(&mut output)?;
        let (success, failed) = (self.summary.success, self.summary.failed);
        writeln!(output)?;
        writeln!(output, "Success: {success}, Failed: {failed}")?;
        let (documents, time) = (count(self.summary.documents), duration(self.begun.elapsed()));
        writeln!(output, "{documents} documents became responses; all of it took {time}.")?;
        writeln!(output)?;
        writeln!(
            output,
            "The sample ends on {LAST_YEAR}-12-31. Later years are left out: nothing was \
             aggregated for"
        )?;
        writeln!(output, "them, and responses of an incomplete period are never stored.")?;
        self.draw(&mut output)?;
        writeln!(output, "\nWhat to try next")?;
        for (command, what) in self.next_steps() {
            writeln!(output, "  {what}:")?;
            writeln!(output, "    {command}")?;
        }
        output.flush()?;
        Ok(())
    }

    /// What was made, by community.
    fn made(&self) -> Table {
        let mut table = Table::new(&[
            ("community", Side::Left),
            ("years", Side::Left),
            ("responses", Side::Right),
            ("size", Side::Right),
        ]);
        for member in &self.plan.members {
            let mine =
                || self.summary.responses.iter().filter(|made| made.cell.community == *member.id);
            let years = mine().map(|made| made.cell.year);
            let years = years.clone().min().zip(years.max());
            let entries = mine().filter_map(|made| {
                self.service.describe(&member.id, made.cell.year, made.cell.category).ok().flatten()
            });
            table.row(vec![
                member.slug.clone().unwrap_or_else(|| member.id.to_string()),
                years.map_or_else(String::new, |(first, last)| format!("{first}-{last}")),
                count(mine().count() as u64),
                size(entries.map(|entry| entry.plain_length).sum()),
            ]);
        }
        table
    }

    /// The viewed records of the last year, from the stored response.
    fn draw(&self, output: &mut terminal::Page) -> Result<(), Failure> {
        let response =
            self.service.read(&CommunityId::global(), LAST_YEAR, Category::UsageDelta)?;
        let body: Value = response
            .and_then(|response| serde_json::from_slice(response.data()?).ok())
            .unwrap_or_default();
        let points =
            body["global"]["viewUniqueRecords"][0]["data"].as_array().cloned().unwrap_or_default();
        let values: Vec<f64> = points.iter().filter_map(|point| point[1].as_f64()).collect();
        let total: f64 = values.iter().sum();
        let views = count(total as u64);
        writeln!(output)?;
        writeln!(output, "Records viewed day by day in {LAST_YEAR}, {views} in all")?;
        for line in picture::bars(&values, PICTURE.0, PICTURE.1) {
            writeln!(output, "  {}", line.trim_end())?;
        }
        Ok(())
    }

    fn next_steps(&self) -> Vec<(String, &'static str)> {
        let program = std::env::args_os().next().unwrap_or_else(|| "community-stats".into());
        let program = quoted(&program);
        let folder = quoted(self.folder.as_os_str());
        let command = |rest: &str| format!("{program} --data-dir {folder} {rest}");
        let place = format!("--community-id {GLOBAL} --year {LAST_YEAR} --category usage_delta");
        vec![
            (command("cache list"), "See what is stored"),
            (command(&format!("cache read {place}")), "Read a response, as a dashboard gets it"),
            (command(&format!("cache explain {place}")), "Ask why it is there"),
            (command("cache generate"), "Generate again: only what changed is made"),
            (command("cache verify --sample 10%"), "Prove that what is stored is right"),
        ]
    }

    fn json(&self) -> Value {
        let total = self.imported.total();
        let next: Vec<String> = self.next_steps().into_iter().map(|(command, _)| command).collect();
        json!({
            "data_dir": self.folder,
            "imported": {"lines": total.lines, "new": total.new, "refused": total.refused_lines()},
            "generated": self.summary,
            "documents": self.summary.documents,
            "seconds": self.begun.elapsed().as_secs_f64(),
            "next": next,
        })
    }
}

/// A word as a shell takes it.
fn quoted(word: &std::ffi::OsStr) -> String {
    let word = OsString::from(word).to_string_lossy().into_owned();
    let plain =
        |character: char| character.is_ascii_alphanumeric() || "/._-+:@%".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        word
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_are_quoted_for_the_shell() {
        assert_eq!(quoted("/tmp/a-b_1".as_ref()), "/tmp/a-b_1");
        assert_eq!(quoted("a b".as_ref()), "'a b'");
        assert_eq!(quoted("it's".as_ref()), r"'it'\''s'");
    }
}
