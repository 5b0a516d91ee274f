//! What `doctor` finds out, with real servers in every wrong situation.

mod broker;
mod cli;
mod files;
mod postgres;
mod redis;
mod search;

use community_stats::config::{Loader, Settings};
use community_stats::doctor::{Check, State, examine};
use stats_model::SystemClock;
use tempfile::TempDir;

/// A data folder of its own, and settings on top of it.
struct Patient {
    folder: TempDir,
    settings: Vec<(String, String)>,
}

impl Patient {
    fn new() -> Self {
        Self { folder: TempDir::new().unwrap(), settings: Vec::new() }
    }

    fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.settings.push((key.to_owned(), value.into()));
        self
    }

    fn settings(&self) -> Settings {
        let home = self.folder.path().to_str().unwrap();
        let data = self.folder.path().join("data");
        let mut loader = Loader::new().environment([("HOME", home)]);
        loader = loader.flag("--data-dir", "data.dir", data.to_str().unwrap());
        for (key, value) in &self.settings {
            loader = loader.flag("--set", key, value.as_str());
        }
        loader.load().unwrap()
    }

    fn examine(&self) -> Findings {
        Findings(examine(&self.settings(), &SystemClock))
    }
}

struct Findings(Vec<Check>);

impl Findings {
    fn named(&self, name: &str) -> &Check {
        let found = self.0.iter().find(|check| check.name == name);
        found.unwrap_or_else(|| panic!("no check '{name}' in {:#?}", self.0))
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|check| check.name == name)
    }

    /// That a check has this state and says this; and that there is a remedy where one is needed.
    #[track_caller]
    fn expect(&self, name: &str, state: State, said: &str) -> &Check {
        let check = self.named(name);
        assert_eq!(check.state, state, "{check:#?}");
        assert!(check.detail.contains(said), "'{said}' in {check:#?}");
        assert_eq!(check.remedy.is_some(), state != State::Ok, "{check:#?}");
        check
    }

    /// That no check says this.
    #[track_caller]
    fn hide(&self, secret: &str) {
        let shown = format!("{:?}{}", self.0, serde_json::to_string(&self.0).unwrap());
        assert!(!shown.contains(secret), "{shown}");
    }
}
