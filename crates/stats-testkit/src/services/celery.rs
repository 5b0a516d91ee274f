//! Celery itself, in Python.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::Context;

use super::cache::{beside, keep, place, run};
use super::process::{Process, folder};
use super::{Service, require};

/// The versions that are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CeleryVersion {
    /// 5.3, without Flower.
    V5_3,
    /// 5.5, with Flower.
    V5_5,
}

impl CeleryVersion {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::V5_3, Self::V5_5];

    /// What has to be installed, each package in one version.
    const fn requirements(self) -> &'static str {
        match self {
            Self::V5_3 => include_str!("../../celery/v5_3.txt"),
            Self::V5_5 => include_str!("../../celery/v5_5.txt"),
        }
    }
}

/// Celery of one version with everything that it needs, beside the Python of this machine.
#[derive(Debug)]
pub struct Celery {
    library: PathBuf,
}

impl Celery {
    /// The one of this machine, fetched with pip when it is not in the cache yet; if Python is
    /// installed.
    ///
    /// # Panics
    /// When it cannot be fetched, or Python is missing with `CI=true`.
    pub fn shared(version: CeleryVersion) -> Option<&'static Self> {
        static ALL: [OnceLock<Option<Celery>>; 2] = [OnceLock::new(), OnceLock::new()];
        let at = CeleryVersion::ALL.iter().position(|it| *it == version)?;
        let made = ALL[at].get_or_init(|| {
            require(Service::Celery)?;
            let installed = install(version);
            Some(installed.unwrap_or_else(|error| panic!("{version:?} of Celery: {error:#}")))
        });
        made.as_ref()
    }

    /// Python, with Celery in reach.
    #[must_use]
    pub fn python(&self) -> Command {
        let mut command = Command::new("python3");
        command.env("PYTHONPATH", &self.library).env("PYTHONDONTWRITEBYTECODE", "1");
        // Workers of tests may be root.
        command.env("C_FORCE_ROOT", "1");
        command
    }

    /// Runs a program that is given as text beside `module`, the text of `app.py`; what it prints.
    ///
    /// # Errors
    /// When it fails, with what it says.
    pub fn run(
        &self,
        module: &str,
        environment: &[(&str, &str)],
        arguments: &[&str],
    ) -> anyhow::Result<String> {
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("app.py"), module)?;
        let mut command = self.python();
        command.envs(environment.iter().copied()).args(arguments).current_dir(folder.path());
        run(&mut command)
    }

    /// Starts a program of Celery (`worker`, `flower`) for `module`, the text of `app.py`; it is
    /// stopped when it is dropped. `ready` is what stands in its log once it has started.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(
        &self,
        module: &str,
        environment: &[(&str, &str)],
        arguments: &[&str],
        ready: &str,
    ) -> anyhow::Result<Process> {
        let folder = folder("celery")?;
        std::fs::write(folder.join("app.py"), module)?;
        let mut command = self.python();
        command.envs(environment.iter().copied());
        command.args(["-u", "-m", "celery", "-A", "app"]).args(arguments);
        let mut process = Process::start("celery", &folder, "TERM", &command)?;
        let log = folder.join("log");
        process.wait_until(Duration::from_secs(60), || has(&log, ready))?;
        Ok(process)
    }
}

fn has(log: &Path, text: &str) -> bool {
    std::fs::read_to_string(log).is_ok_and(|log| log.contains(text))
}

/// Fetches what is not in the cache yet; complete or not there at all. A wheel may be made for one
/// version of Python.
fn install(version: CeleryVersion) -> anyhow::Result<Celery> {
    let python = run(Command::new("python3").arg("--version"))?;
    let requirements = version.requirements();
    let home = place("celery", (requirements, &python));
    let home = home.context("neither HOME nor COMMUNITY_STATS_TEST_CACHE is set")?;
    let library = home.join("library");
    if !library.is_dir() {
        let building = beside(&home)?;
        let path = |name: &str| building.path().join(name);
        std::fs::write(path("requirements.txt"), requirements)?;
        run(Command::new("python3").args(["-m", "venv"]).arg(path("pip")))?;
        let mut pip = Command::new(path("pip").join("bin/python"));
        pip.args(["-m", "pip", "install", "-q", "--no-deps", "-r", "requirements.txt"]);
        run(pip.args(["--target", "fetched"]).current_dir(building.path()))?;
        std::fs::remove_dir_all(path("pip"))?;
        std::fs::rename(path("fetched"), path("library"))?;
        keep(building, &home, || library.is_dir())?;
    }
    Ok(Celery { library })
}

/// The program that is missing, if nothing can be installed here.
pub(super) fn missing() -> Option<&'static str> {
    // Debian has it in a package of its own.
    let venv = Command::new("python3").args(["-c", "import ensurepip"]).output();
    if venv.is_ok_and(|output| output.status.success()) { None } else { Some("python3 with venv") }
}
