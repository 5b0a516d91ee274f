//! A data folder of its own, and the executable run in it.

use std::fmt;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use stats_testkit::fixtures;
use tempfile::TempDir;

/// The last day of the documents and bookmarks of `tiny-7`, at noon: 2025 is the current year, and
/// complete.
pub(crate) const NOW: &str = "2025-12-31T12:00:00Z";

/// Communities of `tiny-7`.
pub(crate) const COASTAL: &str = "e563f3dd-20ed-4b22-80a5-680dfe4d0ee9";
pub(crate) const MEDIEVAL: &str = "375f4ed0-a07d-4a3e-b930-5c18064f075b";

/// An empty folder and what is run in it.
pub(crate) struct Scene {
    pub(crate) folder: TempDir,
    now: String,
    more: Vec<String>,
}

impl Scene {
    /// Nothing is there.
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().unwrap(), now: NOW.to_owned(), more: Vec::new() }
    }

    /// The corpus `tiny-7` is imported.
    pub(crate) fn tiny() -> Self {
        let scene = Self::new();
        let corpus = fixtures::path("documents/tiny-7");
        let imported = scene.run(&["import", corpus.to_str().unwrap()]);
        assert_eq!(imported.code, 0, "{imported}");
        scene
    }

    /// The corpus `tiny-7` is imported, and everything was generated.
    pub(crate) fn generated() -> Self {
        let scene = Self::tiny();
        let generated = scene.run(&["cache", "generate"]);
        assert_eq!(generated.code, 0, "{generated}");
        scene
    }

    /// Takes another instant as now.
    pub(crate) fn at(mut self, now: &str) -> Self {
        now.clone_into(&mut self.now);
        self
    }

    /// Adds arguments to every command.
    pub(crate) fn with(mut self, arguments: &[&str]) -> Self {
        self.more.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        self
    }

    /// The path of something in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The path of something in the data folder.
    pub(crate) fn data(&self, name: &str) -> PathBuf {
        self.path("data").join(name)
    }

    /// Writes a file into the folder.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// The command, not run yet; no environment but a home.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_community-stats"));
        command
            .env_clear()
            .env("HOME", self.folder.path())
            .args(arguments)
            .arg("--data-dir")
            .arg(self.path("data"))
            .args(["--now", &self.now])
            .args(&self.more)
            .stdin(Stdio::null());
        command
    }

    /// Runs a command.
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        self.finished(&self.command(arguments).output().unwrap())
    }

    /// Runs a command with this on its standard input.
    pub(crate) fn run_with(&self, arguments: &[&str], input: impl AsRef<[u8]>) -> Outcome {
        let mut child = self.spawn(self.command(arguments).stdin(Stdio::piped()));
        // A command that refuses its arguments does not read its input.
        let _ = child.stdin.take().unwrap().write_all(input.as_ref());
        self.finished(&child.wait_with_output().unwrap())
    }

    /// Starts a command whose outputs are read later.
    pub(crate) fn spawn(&self, command: &mut Command) -> Child {
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// What a finished command did, the folder left out.
    pub(crate) fn finished(&self, output: &Output) -> Outcome {
        let shown = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            text.replace(self.folder.path().to_str().unwrap(), "[folder]")
        };
        Outcome {
            code: output.status.code().unwrap_or(-1),
            stdout: shown(&output.stdout),
            stderr: without_life(&shown(&output.stderr)),
        }
    }

    /// Every file of the data folder with its length, without what SQLite keeps beside its files.
    pub(crate) fn files(&self) -> Vec<(String, u64)> {
        let Ok(entries) = fs::read_dir(self.path("data")) else { return Vec::new() };
        let mut files: Vec<(String, u64)> = entries
            .map(|entry| entry.unwrap())
            .map(|entry| {
                let length = entry.metadata().unwrap().len();
                (entry.file_name().into_string().unwrap(), length)
            })
            .filter(|(name, _)| !name.ends_with("-wal") && !name.ends_with("-shm"))
            .collect();
        files.sort();
        files
    }
}

/// Every command that writes begins by saying which life the program leads, and what it takes for
/// granted: tested in `companion`, and left out elsewhere.
fn without_life(stderr: &str) -> String {
    let tells = |line: &&str| {
        line.starts_with("on its own: documents from ")
            || line.starts_with("beside an InvenioRDM (")
            || line.contains(" taken to be those of invenio-stats-dashboard ")
    };
    stderr.split_inclusive('\n').filter(|line| !tells(line)).collect()
}

/// What a command did.
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    /// Standard output as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// The same with the exit code checked.
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self}");
        self
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "exit: {}\n{}", self.code, self.stdout)?;
        if !self.stderr.is_empty() {
            write!(out, "-- stderr\n{}", self.stderr)?;
        }
        Ok(())
    }
}

/// The lines of a fixture file of `tiny-7`, changed by `change`, as the name of a new file.
pub(crate) fn changed(
    scene: &Scene,
    file: &str,
    change: impl Fn(String) -> Option<String>,
) -> String {
    let lines = fixtures::lines(Path::new("documents/tiny-7").join(file)).unwrap();
    let lines: Vec<String> = lines.into_iter().filter_map(change).collect();
    scene.write("changed.ndjson", lines.join("\n"))
}
