//! `doctor`: how it stands with everything that the settings need.

use std::io::Write;

use anstyle::{AnsiColor, Style};
use clap::Args;
use serde_json::json;

use super::{Ending, Exit, Global, terminal};
use crate::doctor::{Check, State, examine, worst};
use crate::shown::shown;

/// Arguments of `doctor`.
#[derive(Debug, Args)]
#[command(after_help = "\
Ends with 0 when everything works (there may be warnings), with 1 when something that is there does \
not work, with 5 when something that is needed cannot be reached.")]
pub(super) struct Doctor {}

impl Doctor {
    pub(super) fn run(&self, global: &Global) -> Ending {
        let checks = examine(global.untold_settings()?, global.clock().as_ref());
        let worst = worst(&checks);
        if global.json {
            terminal::print_json(&json!({"state": worst, "checks": checks}))?;
        } else {
            print(&checks)?;
        }
        Ok(match worst {
            State::Ok | State::Warning => Exit::Done,
            State::Failed => Exit::Failed,
            State::Unreachable => Exit::Unreachable,
        })
    }
}

fn print(checks: &[Check]) -> std::io::Result<()> {
    let mut output = terminal::Reader::of(anstream::stdout().lock());
    let widest = checks.iter().map(|check| check.name.chars().count()).max().unwrap_or(0);
    for check in checks {
        let style = style(check.state);
        let (state, name) = (check.state.name(), shown(&check.name).to_string());
        write!(output, "{style}{state:<11}{style:#}  {name:<widest$}  {}", shown(&check.detail))?;
        let version = check.version.as_ref().map(|version| format!("version {}", shown(version)));
        let time = check.millis.map(|millis| format!("{millis} ms"));
        let more: Vec<String> = version.into_iter().chain(time).collect();
        if !more.is_empty() {
            write!(output, " ({})", more.join(", "))?;
        }
        writeln!(output)?;
        if let Some(remedy) = &check.remedy {
            writeln!(output, "{:11}  {:widest$}  hint: {}", "", "", shown(remedy))?;
        }
    }
    output.flush()
}

fn style(state: State) -> Style {
    match state {
        State::Ok => AnsiColor::Green.on_default(),
        State::Warning => AnsiColor::Yellow.on_default().bold(),
        State::Failed | State::Unreachable => AnsiColor::Red.on_default().bold(),
    }
}
