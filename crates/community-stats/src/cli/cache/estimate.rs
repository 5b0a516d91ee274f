//! `cache generate --dry-run`: what would be done, why, and how long it would take.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};
use stats_service::{Action, Member, Plan, StateName, Years};

use super::super::rate::Rate;
use super::super::table::{count, duration};
use super::super::{Ending, Exit, Global, terminal};

/// What a plan comes to.
struct Outline<'a> {
    plan: &'a Plan,
    /// Cells of each community.
    of_member: HashMap<usize, Vec<i16>>,
    existing: u64,
    /// Those that are kept as they are.
    standing: u64,
    make: BTreeMap<String, u64>,
    keep: BTreeMap<String, u64>,
    wait: BTreeMap<String, u64>,
    hold: BTreeMap<String, u64>,
    refuse: BTreeMap<String, u64>,
    /// How many are in which state, for whoever runs by itself.
    states: BTreeMap<StateName, u64>,
    documents: u64,
}

/// Shows it. `left` is the same plan as who runs by itself sees it, where that may be another one.
pub(super) fn show(
    global: &Global,
    plan: &Plan,
    left: Option<&Plan>,
    overwrite: bool,
    rate: Option<Rate>,
) -> Ending {
    let mut outline = Outline::of(plan);
    for cell in &left.unwrap_or(plan).cells {
        *outline.states.entry(cell.verdict.name()).or_default() += 1;
    }
    if global.json {
        terminal::print_json(&outline.json(rate))?;
        return Ok(Exit::Done);
    }
    let mut output = terminal::page();
    outline.write_upstream(&mut output, overwrite)?;
    outline.write_reasons(&mut output)?;
    outline.write_time(&mut output, rate)?;
    output.flush()?;
    Ok(Exit::Done)
}

impl<'a> Outline<'a> {
    fn of(plan: &'a Plan) -> Self {
        let mut outline = Self {
            plan,
            of_member: HashMap::new(),
            existing: 0,
            standing: 0,
            make: BTreeMap::new(),
            keep: BTreeMap::new(),
            wait: BTreeMap::new(),
            hold: BTreeMap::new(),
            refuse: BTreeMap::new(),
            states: BTreeMap::new(),
            documents: plan.shelves_to_read().values().sum(),
        };
        for cell in &plan.cells {
            let years = outline.of_member.entry(cell.member).or_default();
            if years.last() != Some(&cell.year) {
                years.push(cell.year);
            }
            let state = cell.verdict.name();
            let exists = state.is_served() && state != StateName::Orphan;
            outline.existing += u64::from(exists);
            outline.standing += u64::from(exists && matches!(cell.verdict.action, Action::Keep(_)));
            let group = match cell.verdict.action {
                Action::Make(_) => &mut outline.make,
                Action::Keep(_) => &mut outline.keep,
                Action::Wait(_) => &mut outline.wait,
                Action::Hold(_) => &mut outline.hold,
                Action::Refuse(_) => &mut outline.refuse,
            };
            *group.entry(plan.reason(cell)).or_default() += 1;
        }
        outline
    }

    fn years(&self, member: usize) -> &[i16] {
        self.of_member.get(&member).map_or(&[], Vec::as_slice)
    }

    fn span(&self) -> Option<(i16, i16)> {
        let years = || self.of_member.values().flatten().copied();
        years().min().zip(years().max())
    }

    fn total(&self) -> u64 {
        self.plan.cells.len() as u64
    }

    /// The lines of the Python package.
    fn write_upstream(&self, output: &mut terminal::Page, overwrite: bool) -> std::io::Result<()> {
        let communities: Vec<&str> = self.plan.members.iter().map(|m| m.id.as_str()).collect();
        let categories: Vec<&str> = self.plan.categories.iter().map(|c| c.query_name()).collect();
        let years = self.span().map_or_else(
            || "no valid years".to_owned(),
            |(first, last)| format!("years {first}-{last}"),
        );
        writeln!(output, "Would generate cache for:")?;
        writeln!(output, "  Communities: {}", communities.join(", "))?;
        writeln!(output, "  Years: {years}")?;
        writeln!(output, "  Categories: {}", categories.join(", "))?;
        writeln!(output, "  Year range per community:")?;
        for (index, member) in self.plan.members.iter().enumerate() {
            writeln!(output, "    {}: {}", member.id, self.range_of(index, member))?;
        }
        let (total, existing) = (self.total(), self.existing);
        writeln!(output, "  Total combinations: {total}")?;
        if existing == 0 {
            return writeln!(output, "  All {total} entries are new.");
        }
        writeln!(output, "  Existing entries: {existing}")?;
        writeln!(output, "  New entries to create: {}", total - existing)?;
        // Upstream skips whatever exists; here that is only what would come out the same.
        let standing = self.standing;
        if !overwrite && standing > 0 {
            writeln!(output)?;
            writeln!(output, "⚠️  {standing} entries already exist in cache.")?;
            writeln!(output, "   Use --overwrite to overwrite existing entries.")?;
        }
        Ok(())
    }

    fn range_of(&self, index: usize, member: &Member) -> String {
        let years = self.years(index);
        if let (Some(first), Some(last)) = (years.iter().min(), years.iter().max()) {
            let entries = years.len() * self.plan.categories.len();
            return format!("{first}-{last} ({entries} entries)");
        }
        let started = member.first_year;
        match &self.plan.years {
            Years::Auto => format!("no valid years to cache (community started in {started})"),
            Years::Named(asked) => {
                let (first, last) = (asked.iter().min(), asked.iter().max());
                let (first, last) = (first.unwrap_or(&started), last.unwrap_or(&started));
                format!(
                    "no valid years to cache (requested {first}-{last}, \
                     but community started in {started})"
                )
            }
        }
    }

    /// What would be done, and why.
    fn write_reasons(&self, output: &mut terminal::Page) -> std::io::Result<()> {
        writeln!(output)?;
        let groups = [
            ("Would make", &self.make),
            ("Would skip", &self.keep),
            ("Incomplete", &self.wait),
            ("Would hold", &self.hold),
            ("Would fail", &self.refuse),
        ];
        for (name, group) in groups {
            if group.is_empty() {
                continue;
            }
            writeln!(output, "{name}: {}", group.values().sum::<u64>())?;
            for (reason, number) in group {
                writeln!(output, "  {number} {reason}")?;
            }
        }
        let number = |state| self.states.get(&state).copied().unwrap_or_default();
        for (number, what) in [
            (number(StateName::Failed), "failed before, and `run` leaves them alone for a while"),
            (number(StateName::Dead), "failed too often: `run` has given them up (dead)"),
        ] {
            if number > 0 {
                writeln!(output, "Of these {number} {what}")?;
            }
        }
        Ok(())
    }

    fn write_time(&self, output: &mut terminal::Page, rate: Option<Rate>) -> std::io::Result<()> {
        if self.make.is_empty() {
            return writeln!(output, "Nothing to do.");
        }
        let documents = count(self.documents);
        match rate {
            Some(rate) => {
                let (time, speed) = (duration(rate.estimate(self.documents)), rate.per_second());
                writeln!(
                    output,
                    "Estimated time: {time} for {documents} documents, at {speed:.0} a second as \
                     in earlier runs"
                )
            }
            None => writeln!(
                output,
                "Estimated time: unknown for {documents} documents, as nothing was measured yet"
            ),
        }
    }

    fn json(&self, rate: Option<Rate>) -> Value {
        let member = |(index, member): (usize, &Member)| {
            json!({
                "community_id": member.id.as_str(),
                "slug": member.slug,
                "years": self.years(index),
                "first_year": member.first_year,
            })
        };
        let sum = |group: &BTreeMap<String, u64>| group.values().sum::<u64>();
        json!({
            "dry_run": true,
            "communities": self.plan.members.iter().enumerate().map(member).collect::<Vec<_>>(),
            "categories": self.plan.categories.iter().map(|c| c.query_name()).collect::<Vec<_>>(),
            "total": self.total(),
            "existing": self.existing,
            "new": self.total() - self.existing,
            "make": sum(&self.make),
            "skip": sum(&self.keep),
            "incomplete": sum(&self.wait),
            "hold": sum(&self.hold),
            "fail": sum(&self.refuse),
            "make_because": self.make,
            "skip_because": self.keep,
            "incomplete_because": self.wait,
            "hold_because": self.hold,
            "fail_because": self.refuse,
            "states": self.states,
            "years_outside": self.plan.outside,
            "warnings": self.plan.warnings,
            "documents": self.documents,
            "documents_per_second": rate.map(Rate::per_second),
            "estimated_seconds": rate.map(|rate| rate.estimate(self.documents).as_secs_f64()),
        })
    }
}
