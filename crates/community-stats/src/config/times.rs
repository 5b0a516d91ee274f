//! Times that come again and again, as a setting.

use stats_jobs::schedule::{InvalidSchedule, Schedule};

use super::value::{Misfit, SettingValue, Surroundings, Value};

/// When something is done: at the times of a cron expression, or never.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Times(pub Option<Schedule>);

impl Default for Times {
    /// Minute 50 of each hour.
    fn default() -> Self {
        Self(Some(Schedule::default()))
    }
}

impl SettingValue for Times {
    const EXPECTED: &'static str =
        "a cron expression of five fields such as \"50 * * * *\" (UTC), or \"\" for never";

    fn from_value(value: &Value, _: &Surroundings) -> Result<Self, Misfit> {
        let text = value.text().ok_or_else(Misfit::default)?.trim();
        if text.is_empty() {
            return Ok(Self(None));
        }
        match Schedule::parse(text) {
            Ok(schedule) => Ok(Self(Some(schedule))),
            Err(InvalidSchedule::Never(_)) => Err(Misfit::because("no year has such a day")),
            // What stands there may be anything, a password too.
            Err(_) => Err(Misfit::default()),
        }
    }

    fn shown(&self) -> String {
        let text = self.0.as_ref().map(ToString::to_string).unwrap_or_default();
        format!("\"{text}\"")
    }
}
